/* SPDX-License-Identifier: ISC */
/* SCRAM-SHA-256: the exchange of RFC 7677 3, and every way to spoil it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "auth/scram.h"
#include "base/base64.h"

#define L(lit)	{ (lit), sizeof(lit) - 1 }
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* RFC 7677 3: user "user", password "pencil". */
#define RECORD	"SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$" \
	"WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:" \
	"wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
#define FIRST	"n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
#define NONCE	"%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define CHALLENGE "r=rOprNGfwEbeRWgbNEkqO" NONCE \
	",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
#define WITHOUT_PROOF "c=biws,r=rOprNGfwEbeRWgbNEkqO" NONCE
#define PROOF	",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
#define LAST	"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="

static const struct scram_binding none = { .plus = false };

static struct scram_record
record(void)
{
	struct scram_record r;

	assert_true(scram_record_parse(STR(RECORD), &r));
	return r;
}

static void
test_rfc7677(void **state)
{
	struct scram_record r = record();
	struct arena a = { 0 };
	struct scram s;
	struct fault why;
	struct str out;

	(void)state;
	assert_int_equal(scram_begin(&s, &a, &none, STR(FIRST), &why), 0);
	assert_true(str_eq(s.name, STR("user")));
	out = scram_challenge(&s, &r, STR(NONCE));
	assert_true(str_eq(out, STR(CHALLENGE)));
	assert_int_equal(scram_finish(&s, &r, STR(WITHOUT_PROOF PROOF), &out,
	    &why), 0);
	assert_true(str_eq(out, STR(LAST)));
	arena_free(&a);
}

/* The record above is what RFC 5802 3 makes of the password. */
static void
test_record(void **state)
{
	struct scram_record r = record(), made = r;
	struct buf text = { 0 };

	(void)state;
	memset(made.stored, 0, SCRAM_KEY);
	memset(made.server, 0, SCRAM_KEY);
	scram_record_make(&made, STR("pencil"));
	scram_record_put(&text, &made);
	assert_true(str_eq(buf_str(&text), STR(RECORD)));
	assert_true(scram_record_check(&r, STR("pencil")));
	assert_false(scram_record_check(&r, STR("pencil ")));
	assert_false(scram_record_check(&r, STR("p")));
	buf_free(&text);
}

static void
test_record_malformed(void **state)
{
	static const char *const bad[] = { "", "SCRAM-SHA-256",
	    "SCRAM-SHA-256$", "SCRAM-SHA-1$4096:AAAA$AAAA:AAAA",
	    "SCRAM-SHA-256$4096:AAAA$AAAA:AAAA",
	    "SCRAM-SHA-256$0:W22ZaJ0SNY7soEsUEjb6gQ==$"
	    "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:"
	    "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=",
	    "SCRAM-SHA-256$99999999:W22ZaJ0SNY7soEsUEjb6gQ==$"
	    "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:"
	    "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=",
	    "SCRAM-SHA-256$4096:$"
	    "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:"
	    "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=",
	    RECORD "=", RECORD ":", RECORD " " };

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct scram_record r;

		if (scram_record_parse(str_of(bad[i]), &r))
			fail_msg("taken: %s", bad[i]);
	}
}

/* A stranger's salt is the same each time and another one for each name. */
static void
test_fake(void **state)
{
	struct scram_record a, b, c;

	(void)state;
	scram_record_fake(&a, STR("key"), STR("ghost"), 4096, 16);
	scram_record_fake(&b, STR("key"), STR("ghost"), 4096, 16);
	scram_record_fake(&c, STR("key"), STR("other"), 4096, 16);
	assert_int_equal(a.nsalt, 16);
	assert_memory_equal(a.salt, b.salt, 16);
	assert_memory_not_equal(a.salt, c.salt, 16);
	assert_memory_not_equal(a.stored, b.stored, SCRAM_KEY);
	assert_false(scram_record_check(&a, STR("")));
}

static const struct {
	struct scram_binding	binding;
	struct str		first;
	bool			good;
} firsts[] = {
	{ { .offered = false }, L("y,,n=user,r=abc"), true },
	/* Somebody took -PLUS out of our list: RFC 5802 6. */
	{ { .offered = true }, L("y,,n=user,r=abc"), false },
	{ { .offered = true }, L("n,,n=user,r=abc"), true },
	{ { .plus = true, .kind = L("tls-exporter"), .data = L("d") },
	    L("p=tls-exporter,,n=user,r=abc"), true },
	{ { .plus = true, .kind = L("tls-exporter"), .data = L("d") },
	    L("p=tls-unique,,n=user,r=abc"), false },
	{ { .plus = true, .kind = L("tls-exporter"), .data = L("d") },
	    L("n,,n=user,r=abc"), false },
	{ { .plus = true, .kind = L("tls-exporter"), .data = L("d") },
	    L("y,,n=user,r=abc"), false },
	{ { .plus = true }, L("p=,,n=user,r=abc"), false },
	{ { .kind = L("tls-exporter"), .data = L("d") },
	    L("p=tls-exporter,,n=user,r=abc"), false },
	{ { 0 }, L("n,a=user,n=user,r=abc"), true },
	{ { 0 }, L("n,a=root,n=user,r=abc"), false },
	{ { 0 }, L("n,user,n=user,r=abc"), false },
	{ { 0 }, L("n,a=,n=user,r=abc"), false },
	{ { 0 }, L("n,,n=a=2Cb=3Dc,r=abc"), true },
	{ { 0 }, L("n,,n=a=2cb,r=abc"), false },
	{ { 0 }, L("n,,n=a=,r=abc"), false },
	{ { 0 }, L("n,,n=,r=abc"), false },
	{ { 0 }, L("n,,n=us\ner,r=abc"), false },
	{ { 0 }, L("n,,n=\xff,r=abc"), false },
	{ { 0 }, L("n,,n=user,r="), false },
	{ { 0 }, L("n,,n=user,r=a b"), false },
	{ { 0 }, L("n,,n=user,r=a\xc3\xa4"), false },
	{ { 0 }, L("n,,n=user"), false },
	{ { 0 }, L("n,,r=abc,n=user"), false },
	{ { 0 }, L("n,,m=x,n=user,r=abc"), false },
	{ { 0 }, L("n,,n=user,r=abc,x=extension"), true },
	{ { 0 }, L("n,"), false },
	{ { 0 }, L("n"), false },
	{ { 0 }, L(""), false },
	{ { 0 }, L("x,,n=user,r=abc"), false },
	{ { 0 }, L(",,n=user,r=abc"), false },
};

static void
test_firsts(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(firsts); i++) {
		struct arena a = { 0 };
		struct fault why = { 0 };
		struct scram s;
		int r = scram_begin(&s, &a, &firsts[i].binding,
		    firsts[i].first, &why);

		if ((r == 0) != firsts[i].good)
			fail_msg("row %zu: %s", i, why.text);
		if (r < 0)
			assert_int_equal(why.reply, 535);
		arena_free(&a);
	}
}

static int
finish(struct str last)
{
	struct scram_record r = record();
	struct arena a = { 0 };
	struct scram s;
	struct fault why;
	struct str out;
	int result;

	assert_int_equal(scram_begin(&s, &a, &none, STR(FIRST), &why), 0);
	(void)scram_challenge(&s, &r, STR(NONCE));
	result = scram_finish(&s, &r, last, &out, &why);
	arena_free(&a);
	return result;
}

static void
test_lasts(void **state)
{
	static const struct str bad[] = {
		L(""), L(WITHOUT_PROOF), L(WITHOUT_PROOF ",p="),
		L(WITHOUT_PROOF ",p=AAAA"), L(WITHOUT_PROOF PROOF "="),
		L(WITHOUT_PROOF PROOF ",x=y"),
		L("c=eSws,r=rOprNGfwEbeRWgbNEkqO" NONCE PROOF),
		L("c=,r=rOprNGfwEbeRWgbNEkqO" NONCE PROOF),
		L("r=rOprNGfwEbeRWgbNEkqO" NONCE ",c=biws" PROOF),
		L("c=biws,r=rOprNGfwEbeRWgbNEkqO" PROOF),
		L("c=biws,r=" NONCE PROOF),
		L(WITHOUT_PROOF ",x=y" PROOF),
		L(WITHOUT_PROOF ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVU="),
	};
	char last[] = WITHOUT_PROOF PROOF;

	(void)state;
	assert_int_equal(finish(STR(WITHOUT_PROOF PROOF)), 0);
	for (size_t i = 0; i < COUNT(bad); i++)
		if (finish(bad[i]) == 0)
			fail_msg("row %zu was taken", i);
	/* No byte of it can be changed. */
	for (size_t i = 0; i < sizeof(last) - 1; i++) {
		last[i] ^= 1;
		if (finish(str_of(last)) == 0)
			fail_msg("byte %zu means nothing", i);
		last[i] ^= 1;
	}
}

/* A client in the middle binds to another TLS connection than we. */
static void
bind_to(const char *client, int expected)
{
	const struct scram_binding b = { .plus = true,
	    .kind = STR("tls-exporter"), .data = STR("ours") };
	struct scram_record r = record();
	struct arena a = { 0 };
	struct buf c = { 0 }, last = { 0 };
	uint8_t key[SCRAM_KEY], sig[SCRAM_KEY], salted[SCRAM_KEY];
	struct scram s;
	struct fault why;
	struct str out, message;

	assert_int_equal(scram_begin(&s, &a, &b,
	    STR("p=tls-exporter,,n=user,r=abc"), &why), 0);
	(void)scram_challenge(&s, &r, STR("def"));
	buf_printf(&last, "p=tls-exporter,,%s", client);
	base64_put(&c, buf_str(&last));
	buf_reset(&last);
	buf_printf(&last, "c=%s,r=abcdef", buf_cstr(&c));
	/* The client's side of RFC 5802 3. */
	{
		uint8_t u[SCRAM_KEY];
		struct buf first = { 0 };

		buf_put(&first, r.salt, r.nsalt);
		buf_put(&first, "\0\0\0\1", 4);
		scram_hmac(STR("pencil"), buf_str(&first), u);
		memcpy(salted, u, SCRAM_KEY);
		for (uint32_t i = 1; i < r.rounds; i++) {
			scram_hmac(STR("pencil"), str_span(u, SCRAM_KEY), u);
			for (int j = 0; j < SCRAM_KEY; j++)
				salted[j] ^= u[j];
		}
		buf_free(&first);
	}
	scram_hmac(str_span(salted, SCRAM_KEY), STR("Client Key"), key);
	message = arena_printf(&a, "n=user,r=abc,%.*s,%s",
	    STR_ARG(s.first), buf_cstr(&last));
	scram_hmac(str_span(r.stored, SCRAM_KEY), message, sig);
	for (int i = 0; i < SCRAM_KEY; i++)
		sig[i] ^= key[i];
	buf_putz(&last, ",p=");
	base64_put(&last, str_span(sig, SCRAM_KEY));
	assert_int_equal(scram_finish(&s, &r, buf_str(&last), &out, &why),
	    expected);
	buf_free(&c);
	buf_free(&last);
	arena_free(&a);
}

static void
test_binding(void **state)
{
	(void)state;
	bind_to("ours", 0);
	bind_to("theirs", -1);
	bind_to("", -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc7677),
		cmocka_unit_test(test_record),
		cmocka_unit_test(test_record_malformed),
		cmocka_unit_test(test_fake),
		cmocka_unit_test(test_firsts),
		cmocka_unit_test(test_lasts),
		cmocka_unit_test(test_binding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
