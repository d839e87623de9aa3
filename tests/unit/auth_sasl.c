/* SPDX-License-Identifier: ISC */
/* The session's part in each SASL mechanism: messages good and malformed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "auth/plain.h"
#include "auth/sasl.h"

#define L(lit)	{ (lit), sizeof(lit) - 1 }
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct row {
	const char	*mechanism;
	struct str	 said[3];	/* messages; p NULL: none */
	enum sasl_next	 next;		/* behind the last of them */
	struct str	 name, secret;
};

/* A name of 255 octets, and of 256. */
#define A64	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A255	A64 A64 A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct row rows[] = {
	/* RFC 4616 4 */
	{ "PLAIN", { L("\0tim\0tanstaaftanstaaf") }, SASL_SECRET, L("tim"),
	    L("tanstaaftanstaaf") },
	{ "PLAIN", { L("tim\0tim\0x") }, SASL_SECRET, L("tim"), L("x") },
	{ "plain", { L("\0b\xc3\xbc\0p\xc3\xa4") }, SASL_SECRET,
	    L("b\xc3\xbc"), L("p\xc3\xa4") },
	{ "PLAIN", { L("\0" A255 "\0x") }, SASL_SECRET, L(A255), L("x") },
	{ "PLAIN", { L("\0" A255 "a\0x") }, SASL_MALFORMED, L(""), L("") },
	{ "PLAIN", { L("Ursel\0Kurt\0xipj3plmq") }, SASL_REFUSED, L("Kurt"),
	    L("") },
	{ "PLAIN", { L("") }, SASL_MALFORMED, L(""), L("") },
	{ "PLAIN", { L("tim") }, SASL_MALFORMED, L(""), L("") },
	{ "PLAIN", { L("\0tim") }, SASL_MALFORMED, L(""), L("") },
	{ "PLAIN", { L("\0tim\0") }, SASL_MALFORMED, L(""), L("") },
	{ "PLAIN", { L("\0\0x") }, SASL_MALFORMED, L(""), L("") },
	{ "PLAIN", { L("\0tim\0x\0") }, SASL_MALFORMED, L(""), L("") },
	{ "PLAIN", { L("\0tim\0x\0y") }, SASL_MALFORMED, L(""), L("") },
	{ "PLAIN", { L("\0t\nm\0x") }, SASL_MALFORMED, L(""), L("") },
	{ "PLAIN", { L("\0\xc3\0x") }, SASL_MALFORMED, L(""), L("") },
	{ "LOGIN", { L("tim"), L("x y") }, SASL_SECRET, L("tim"), L("x y") },
	{ "LOGIN", { L("tim"), L("") }, SASL_REFUSED, L("tim"), L("") },
	{ "LOGIN", { L("tim"), L("x\0y") }, SASL_MALFORMED, L("tim"),
	    L("") },
	{ "LOGIN", { L("") }, SASL_MALFORMED, L(""), L("") },
	{ "LOGIN", { L("t\0m") }, SASL_MALFORMED, L(""), L("") },
	{ "SCRAM-SHA-256", { L("n,,n=a,r=b") }, SASL_CARRY, L(""), L("") },
	{ "SCRAM-SHA-256-PLUS", { L("p=x,,") }, SASL_CARRY, L(""), L("") },
	/* RFC 7628 4.1 */
	{ "OAUTHBEARER", { L("n,a=user@example.com,\1host=server.example.com\1"
	    "port=143\1auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\1"
	    "\1") }, SASL_TOKEN, L("user@example.com"),
	    L("vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==") },
	{ "OAUTHBEARER", { L("n,,\1auth=bearer x\1\1") }, SASL_TOKEN, L(""),
	    L("x") },
	{ "OAUTHBEARER", { L("n,,\1auth=Bearer \1\1") }, SASL_MALFORMED,
	    L(""), L("") },
	/* RFC 7628 4.3 */
	{ "OAUTHBEARER", { L("n,a=user@example.com,\1host=server.example.com\1"
	    "port=143\1auth=\1\1") }, SASL_QUERY, L(""), L("") },
	{ "OAUTHBEARER", { L("n,,\1auth=\1auth=Bearer x\1\1") },
	    SASL_MALFORMED, L(""), L("") },
	{ "OAUTHBEARER", { L("n,,\1auth=Bearer x\1auth=\1\1") },
	    SASL_MALFORMED, L(""), L("") },
	{ "OAUTHBEARER", { L("n,,\1auth=\1") }, SASL_MALFORMED, L(""), L("") },
	{ "XOAUTH2", { L("user=a@b\1auth=\1\1") }, SASL_MALFORMED, L(""),
	    L("") },
	{ "OAUTHBEARER", { L("n,,\1auth=Bearer x\1") }, SASL_MALFORMED,
	    L(""), L("") },
	{ "OAUTHBEARER", { L("n,,\1\1") }, SASL_MALFORMED, L(""), L("") },
	{ "OAUTHBEARER", { L("n,,\1auth=Bearer x\1auth=Bearer y\1\1") },
	    SASL_MALFORMED, L(""), L("") },
	{ "OAUTHBEARER", { L("n,,\1=x\1auth=Bearer x\1\1") }, SASL_MALFORMED,
	    L(""), L("") },
	{ "OAUTHBEARER", { L("n,,\1auth=Bearer x\1\1auth=Bearer y\1\1") },
	    SASL_MALFORMED, L(""), L("") },
	{ "OAUTHBEARER", { L("n,,\1auth=Basic x\1\1") }, SASL_MALFORMED,
	    L(""), L("") },
	{ "OAUTHBEARER", { L("n,,\1auth=Bearer x y\1\1") }, SASL_MALFORMED,
	    L(""), L("") },
	{ "OAUTHBEARER", { L("p=x,,\1auth=Bearer x\1\1") }, SASL_MALFORMED,
	    L(""), L("") },
	{ "OAUTHBEARER", { L("n\1auth=Bearer x\1\1") }, SASL_MALFORMED,
	    L(""), L("") },
	{ "OAUTHBEARER", { L("n,b=x,\1auth=Bearer x\1\1") }, SASL_MALFORMED,
	    L(""), L("") },
	{ "XOAUTH2", { L("user=a@b\1auth=Bearer tok\1\1") }, SASL_TOKEN,
	    L("a@b"), L("tok") },
	{ "XOAUTH2", { L("user=\1auth=Bearer tok\1\1") }, SASL_MALFORMED,
	    L(""), L("") },
	{ "XOAUTH2", { L("user=a@b\1auth=Bearer tok\1") }, SASL_MALFORMED,
	    L(""), L("") },
	{ "XOAUTH2", { L("auth=Bearer tok\1\1") }, SASL_MALFORMED, L(""),
	    L("") },
	{ "EXTERNAL", { L("") }, SASL_DONE, L("alice"), L("") },
	{ "EXTERNAL", { L("alice") }, SASL_DONE, L("alice"), L("") },
	{ "EXTERNAL", { L("bob") }, SASL_REFUSED, L("bob"), L("") },
	{ "EXTERNAL", { L("a\nb") }, SASL_MALFORMED, L(""), L("") },
};

static void
test_messages(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct sasl_mechanism *m =
		    sasl_find(str_of(rows[i].mechanism));
		enum sasl_next next = SASL_CHALLENGE;
		struct arena a = { 0 };
		struct sasl s;

		assert_non_null(m);
		sasl_init(&s, m, &a, STR("alice"));
		for (size_t j = 0; j < 3 && rows[i].said[j].p != NULL; j++) {
			assert_int_equal(next, SASL_CHALLENGE);
			next = sasl_step(&s, false, rows[i].said[j]);
		}
		if (next != rows[i].next || !str_eq(s.name, rows[i].name) ||
		    !str_eq(s.secret, rows[i].secret))
			fail_msg("row %zu: %d, \"%.*s\"", i, (int)next,
			    STR_ARG(s.name));
		sasl_free(&s);
		arena_free(&a);
	}
}

/* Without an initial response each of them asks for one. */
static void
test_first_challenge(void **state)
{
	(void)state;
	for (unsigned m = 0; m < MECHANISMS; m++) {
		struct arena a = { 0 };
		struct sasl s;

		sasl_init(&s, sasl_get((enum conf_mechanism)m), &a, STR_NONE);
		assert_int_equal(sasl_step(&s, true, STR_NONE),
		    SASL_CHALLENGE);
		assert_true(str_eq(buf_str(&s.out), m == MECHANISM_LOGIN ?
		    STR("Username:") : STR("")));
		assert_ptr_equal(sasl_find(s.mechanism->name), s.mechanism);
		assert_int_equal(s.mechanism->id, m);
		sasl_free(&s);
		arena_free(&a);
	}
	assert_null(sasl_find(STR("CRAM-MD5")));
	assert_null(sasl_find(STR("")));
}

/* Nobody proved by TLS: EXTERNAL lets nobody in. */
static void
test_external_of_nobody(void **state)
{
	struct arena a = { 0 };
	struct sasl s;

	(void)state;
	sasl_init(&s, sasl_get(MECHANISM_EXTERNAL), &a, STR_NONE);
	assert_int_equal(sasl_step(&s, false, STR("")), SASL_REFUSED);
	assert_int_equal(sasl_step(&s, false, STR("root")), SASL_REFUSED);
	sasl_free(&s);
	arena_free(&a);
}

/* T-38: a secret does not outlive its use. */
static void
test_wiped(void **state)
{
	struct arena a = { 0 };
	struct sasl s;
	struct str kept;

	(void)state;
	sasl_init(&s, sasl_get(MECHANISM_PLAIN), &a, STR_NONE);
	assert_int_equal(sasl_step(&s, false, STR("\0tim\0secret")),
	    SASL_SECRET);
	kept = s.secret;
	sasl_free(&s);
	assert_true(str_eq(kept, STR("\0\0\0\0\0\0")));
	arena_free(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_first_challenge),
		cmocka_unit_test(test_external_of_nobody),
		cmocka_unit_test(test_wiped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
