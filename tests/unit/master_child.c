/* SPDX-License-Identifier: ISC */
/*
 * master/child: sessions counted in all and by client, against a plain table;
 * room for all of them from the start.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "master/child.h"

enum {
	CLIENTS = 40,
	PROCESSES = 300,
	OPERATIONS = 20000,
};

static struct ip
client(unsigned i)
{
	struct ip ip = { .family = i % 2 == 0 ? 4 : 6 };

	/* The same bytes in both families are two clients. */
	ip.b[0] = 10;
	ip.b[3] = (uint8_t)(i / 2);
	return ip;
}

static void
test_model(void **state)
{
	int owner[PROCESSES];		/* the client, or -1 */
	unsigned count[CLIENTS] = { 0 }, n = 0;
	struct children c;
	uint32_t seed = 1;

	(void)state;
	children_init(&c, PROCESSES);
	for (int i = 0; i < PROCESSES; i++)
		owner[i] = -1;
	for (int k = 0; k < OPERATIONS; k++) {
		unsigned i, who;
		struct ip ip;

		seed = seed * 1664525 + 1013904223;
		i = (seed >> 8) % PROCESSES;
		who = (seed >> 20) % CLIENTS;
		if (owner[i] < 0) {
			ip = client(who);
			children_add(&c, (pid_t)(i + 1000), &ip);
			owner[i] = (int)who;
			count[who]++;
			n++;
		} else {
			who = (unsigned)owner[i];
			assert_true(children_remove(&c, (pid_t)(i + 1000)));
			assert_false(children_remove(&c, (pid_t)(i + 1000)));
			owner[i] = -1;
			count[who]--;
			n--;
		}
		ip = client(who);
		assert_int_equal(children_of(&c, &ip), count[who]);
		assert_int_equal(c.n, n);
	}
	for (int i = 0; i < PROCESSES; i++)
		(void)children_remove(&c, i + 1000);
	assert_int_equal(c.n, 0);
	children_free(&c);
}

static void
test_unknown(void **state)
{
	struct children c;
	struct ip ip = client(1);

	(void)state;
	children_init(&c, PROCESSES);
	assert_int_equal(children_of(&c, &ip), 0);
	assert_false(children_remove(&c, 1));
	children_free(&c);
}

static void
test_full(void **state)
{
	struct children c;
	struct ip ip = client(0);

	(void)state;
	children_init(&c, 2);
	assert_false(children_are_full(&c));
	children_add(&c, 1, &ip);
	children_add(&c, 2, &ip);
	assert_true(children_are_full(&c));
	assert_true(children_remove(&c, 1));
	assert_false(children_are_full(&c));
	assert_int_equal(children_of(&c, &ip), 1);
	children_free(&c);
}

/* One customer has a whole network of these. */
static void
test_network(void **state)
{
	struct children c;
	struct ip a, b, other;

	(void)state;
	assert_true(ip_parse(STR("2001:db8:0:1::1"), &a));
	assert_true(ip_parse(STR("2001:db8:0:1:ffff::2"), &b));
	assert_true(ip_parse(STR("2001:db8:0:2::1"), &other));
	children_init(&c, 4);
	children_add(&c, 1, &a);
	children_add(&c, 2, &b);
	assert_int_equal(children_of(&c, &b), 2);
	assert_int_equal(children_of(&c, &other), 0);
	children_free(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_network),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
