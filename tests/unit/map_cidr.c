/* SPDX-License-Identifier: ISC */
/*
 * map/cidr: the narrowest network that holds an address, and malformed lists.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "map/cidr.h"

static char path[] = "/tmp/godwit-cidr-XXXXXX";

static struct map *
load(const char *text, struct buf *errors)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	buf_reset(errors);
	return cidr_load(path, errors);
}

static const char list[] = "# somebody's\n"
    "192.0.2.0/24 a remark\n"
    "192.0.2.128/25\n"
    "192.0.2.7\n"
    "192.0.2.7\n"
    "198.51.100.0/22   # wide\n"
    "10.0.0.0/8\n"
    "2001:db8::/32\n"
    "2001:db8:0:1::/64\n"
    "::ffff:203.0.113.9\n";

static const struct {
	const char *ip, *net;		/* "": in none */
} rows[] = {
	{ "192.0.2.1", "192.0.2.0/24" },
	{ "192.0.2.0", "192.0.2.0/24" },
	{ "192.0.2.127", "192.0.2.0/24" },
	{ "192.0.2.128", "192.0.2.128/25" },
	{ "192.0.2.255", "192.0.2.128/25" },
	{ "192.0.2.7", "192.0.2.7/32" },
	{ "192.0.3.0", "" },
	{ "192.0.1.255", "" },
	{ "198.51.100.0", "198.51.100.0/22" },
	{ "198.51.103.255", "198.51.100.0/22" },
	{ "198.51.104.0", "" },
	{ "10.255.255.255", "10.0.0.0/8" },
	{ "11.0.0.0", "" },
	{ "::ffff:10.1.2.3", "10.0.0.0/8" },
	{ "203.0.113.9", "203.0.113.9/32" },
	{ "2001:db8::1", "2001:db8::/32" },
	{ "2001:db8:0:1::1", "2001:db8:0:1::/64" },
	{ "2001:db8:0:2::1", "2001:db8::/32" },
	{ "2001:db9::", "" },
	/* The bytes of 10.0.0.0/8 in another family. */
	{ "a00::", "" },
	{ "no address", "" },
	{ "", "" },
};

static void
test_rows(void **state)
{
	struct arena arena = { 0 };
	struct buf errors = { 0 };
	struct map *m = load(list, &errors);
	struct str value;
	struct fault why;
	int r;

	(void)state;
	if (m == NULL)
		fail_msg("%s", buf_cstr(&errors));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		value = STR_NONE;
		r = map_find(m, &arena, str_of(rows[i].ip), &value, &why);
		if (r != (rows[i].net[0] != '\0') ||
		    !str_eq(value, str_of(rows[i].net)))
			fail_msg("%s: %d %.*s", rows[i].ip, r,
			    STR_ARG(value));
	}
	map_close(m);
	arena_free(&arena);
	buf_free(&errors);
}

static const struct {
	const char *text, *errors;
} malformed[] = {
	{ "192.0.2.0/24\n192.0.2.1/24\n", ":2:1: expected a network such as "
	    "192.0.2.0/24 or 2001:db8::/32, zero behind its prefix, got "
	    "\"192.0.2.1/24\"\n" },
	{ " 192.0.2.0/33", ":1:2: expected a network such as 192.0.2.0/24 or "
	    "2001:db8::/32, zero behind its prefix, got \"192.0.2.0/33\"\n" },
	{ "192.0.2", ":1:1: expected a network such as 192.0.2.0/24 or "
	    "2001:db8::/32, zero behind its prefix, got \"192.0.2\"\n" },
	{ "mx.example.org", ":1:1: expected a network such as 192.0.2.0/24 or "
	    "2001:db8::/32, zero behind its prefix, got "
	    "\"mx.example.org\"\n" },
};

static void
test_malformed(void **state)
{
	struct buf errors = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]);
	    i++) {
		assert_null(load(malformed[i].text, &errors));
		assert_string_equal(buf_cstr(&errors) + strlen(path),
		    malformed[i].errors);
	}
	buf_free(&errors);
}

/* As many networks as somebody's list has, in no order (T-14). */
static void
test_many(void **state)
{
	struct buf text = { 0 }, errors = { 0 };
	struct map *m;
	struct ip ip;

	(void)state;
	for (unsigned i = 0; i < 65536; i++)
		buf_printf(&text, "10.%u.%u.0/%u\n", (i * 7919U >> 8) & 255,
		    i * 7919U & 255, 24 + i % 3);
	m = load(buf_cstr(&text), &errors);
	assert_non_null(m);
	for (unsigned i = 0; i < 65536; i++) {
		ip = (struct ip){ 4, { 10, (uint8_t)(i >> 8), (uint8_t)i } };
		assert_non_null(cidr_find(m, &ip));
		ip.b[0] = 11;
		assert_null(cidr_find(m, &ip));
	}
	map_close(m);
	m = load("10.0.0.0/8\n\n10.1.0.0/16\n2001:db8::/32\n", &errors);
	assert_non_null(m);
	assert_int_equal(cidr_line(cidr_find(m, &(struct ip){ 4,
	    { 10, 1 } })), 3);
	assert_int_equal(cidr_line(cidr_find(m, &(struct ip){ 4,
	    { 10, 2 } })), 1);
	map_close(m);
	m = load("", &errors);
	assert_non_null(m);
	assert_null(cidr_find(m, &ip));
	map_close(m);
	buf_free(&text);
	buf_free(&errors);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_many),
	};
	int fd = mkstemp(path), r;

	if (fd < 0)
		return 1;
	close(fd);
	r = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return r;
}
