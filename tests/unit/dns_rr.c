/* SPDX-License-Identifier: ISC */
/*
 * dns/rr: answers made by hand.  What is right comes out; what is not is no
 * message, at whatever byte it was spoilt.  Every input lies in a piece of
 * memory of exactly its size, so that a sanitiser sees a step over its end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dns/rr.h"

/* Header with flags, QDCOUNT and ANCOUNT. */
#define HEADER(flags, qd, an)						\
	"\x12\x34" flags "\0" qd "\0" an "\0\0\0\0"
#define GOOD	"\x81\x80"
#define QUESTION	"\7example\3org\0\0\17\0\1"	/* 12..28 */
#define OWNER		"\xc0\x0c"
#define IN_TTL		"\0\1\0\0\1\x2c"

struct wire {
	const char	*p;
	size_t		 n;
};

#define WIRE(lit)	{ (lit), sizeof(lit) - 1 }

struct row {
	const char	*name;
	struct wire	 wire;
	const char	*expect;	/* NULL: no message */
};

static const struct row good[] = {
	{ "nothing", WIRE(HEADER(GOOD, "\1", "\0") QUESTION), "0--" },
	{ "NXDOMAIN, AD", WIRE(HEADER("\x81\xa3", "\1", "\0") QUESTION),
	    "3A-" },
	{ "SERVFAIL", WIRE(HEADER("\x81\x82", "\0", "\0")), "2--" },
	{ "MX with pointers", WIRE(HEADER(GOOD, "\1", "\2") QUESTION
	    OWNER "\0\17" IN_TTL "\0\x9" "\0\xa" "\4MX-1" "\xc0\x0c"
	    OWNER "\0\17" IN_TTL "\0\7" "\1\0" "\2m2" "\xc0\x14"),
	    "0--|15 example.org 300 10 mx-1.example.org"
	    "|15 example.org 300 256 m2.org" },
	{ "null MX", WIRE(HEADER(GOOD, "\1", "\1") QUESTION
	    OWNER "\0\17" IN_TTL "\0\3" "\0\0\0"),
	    "0--|15 example.org 300 0 " },
	{ "A and AAAA", WIRE(HEADER(GOOD, "\1", "\2") QUESTION
	    OWNER "\0\1" IN_TTL "\0\4" "\xc0\0\2\1"
	    OWNER "\0\34" IN_TTL "\0\x10"
	    "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1"),
	    "0--|1 example.org 300 192.0.2.1|28 example.org 300 2001:db8::1" },
	{ "mapped AAAA", WIRE(HEADER(GOOD, "\1", "\1") QUESTION
	    OWNER "\0\34" IN_TTL "\0\x10"
	    "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\1"),
	    "0--|28 example.org 300 192.0.2.1" },
	{ "TXT is joined", WIRE(HEADER(GOOD, "\1", "\1") QUESTION
	    OWNER "\0\20" IN_TTL "\0\7" "\3v=s\0\1p"),
	    "0--|16 example.org 300 v=sp" },
	{ "empty TXT", WIRE(HEADER(GOOD, "\1", "\1") QUESTION
	    OWNER "\0\20" IN_TTL "\0\1" "\0"), "0--|16 example.org 300 " },
	{ "CNAME, PTR, NS, SOA", WIRE(HEADER(GOOD, "\1", "\4") QUESTION
	    OWNER "\0\5" IN_TTL "\0\2" OWNER
	    OWNER "\0\14" IN_TTL "\0\2" OWNER
	    OWNER "\0\2" IN_TTL "\0\3" "\1A\0"
	    OWNER "\0\6" IN_TTL "\0\27" OWNER "\0" "12345678901234567890"),
	    "0--|5 example.org 300 example.org"
	    "|12 example.org 300 example.org|2 example.org 300 a"
	    "|6 example.org 300 " },
	{ "other types and classes are passed over",
	    WIRE(HEADER(GOOD, "\1", "\3") QUESTION
	    OWNER "\0\56" IN_TTL "\0\1" "x"
	    OWNER "\0\1" "\0\3\0\0\0\0" "\0\1" "x"
	    OWNER "\0\1" IN_TTL "\0\4" "\1\2\3\4"),
	    "0--|1 example.org 300 1.2.3.4" },
	{ "names that are no host names are left out",
	    WIRE(HEADER(GOOD, "\1", "\5") QUESTION
	    OWNER "\0\14" IN_TTL "\0\5" "\3a<b\0"
	    OWNER "\0\14" IN_TTL "\0\5" "\3a.b\0"
	    OWNER "\0\14" IN_TTL "\0\5" "\3a\0b\0"
	    OWNER "\0\14" IN_TTL "\0\5" "\3a\xe4" "b\0"
	    OWNER "\0\14" IN_TTL "\0\5" "\3_/-\0"),
	    "0--|12 example.org 300 _/-" },
	{ "an owner may be any printable label",
	    WIRE(HEADER(GOOD, "\0", "\3")
	    "\3a+=\0" "\0\1" IN_TTL "\0\4" "\1\2\3\4"
	    "\3a.b\0" "\0\1" IN_TTL "\0\4" "\1\2\3\4"
	    "\3a\r\n\0" "\0\1" IN_TTL "\0\4" "\1\2\3\4"),
	    "0--|1 a+= 300 1.2.3.4" },
	{ "cut: what is whole is kept",
	    WIRE(HEADER("\x83\x80", "\1", "\2") QUESTION
	    OWNER "\0\1" IN_TTL "\0\4" "\1\2\3\4" OWNER "\0\1" "\0"),
	    "0-T|1 example.org 300 1.2.3.4" },
	{ "what follows the answers is not read",
	    WIRE(HEADER(GOOD, "\1", "\0") QUESTION "\xc0\xff rubbish"),
	    "0--" },
};

static const struct row bad[] = {
	{ "a question", WIRE(HEADER("\1\0", "\1", "\0") QUESTION), NULL },
	{ "another opcode", WIRE(HEADER("\xa0\0", "\1", "\0") QUESTION),
	    NULL },
	{ "no question where one is counted",
	    WIRE(HEADER(GOOD, "\1", "\0")), NULL },
	{ "no answer where one is counted",
	    WIRE(HEADER(GOOD, "\1", "\1") QUESTION), NULL },
	{ "a pointer to itself", WIRE(HEADER(GOOD, "\0", "\1")
	    "\xc0\x0c" "\0\1" IN_TTL "\0\4" "\1\2\3\4"), NULL },
	{ "a pointer to a pointer to it", WIRE(HEADER(GOOD, "\0", "\1")
	    "\xc0\x0e" "\xc0\x0c" "\0\1" IN_TTL "\0\4" "\1\2\3\4"), NULL },
	{ "a label before its own pointer", WIRE(HEADER(GOOD, "\0", "\1")
	    "\1a\xc0\x0c" "\0\1" IN_TTL "\0\4" "\1\2\3\4"), NULL },
	{ "a pointer forward", WIRE(HEADER(GOOD, "\0", "\1")
	    "\xc0\x1c" "\0\1" IN_TTL "\0\4" "\1\2\3\4" "\0"), NULL },
	{ "a pointer into the header", WIRE(HEADER(GOOD, "\0", "\1")
	    "\xc0\x02" "\0\1" IN_TTL "\0\4" "\1\2\3\4"), NULL },
	{ "a pointer behind the end", WIRE(HEADER(GOOD, "\0", "\1")
	    "\xff\xff" "\0\1" IN_TTL "\0\4" "\1\2\3\4"), NULL },
	{ "a label type of 01", WIRE(HEADER(GOOD, "\0", "\1")
	    "\x40\0" "\0\1" IN_TTL "\0\4" "\1\2\3\4"), NULL },
	{ "a label type of 10", WIRE(HEADER(GOOD, "\0", "\1")
	    "\x80\0" "\0\1" IN_TTL "\0\4" "\1\2\3\4"), NULL },
	{ "RDLENGTH over the end", WIRE(HEADER(GOOD, "\1", "\1") QUESTION
	    OWNER "\0\1" IN_TTL "\0\5" "\1\2\3\4"), NULL },
	{ "A of 3", WIRE(HEADER(GOOD, "\1", "\1") QUESTION
	    OWNER "\0\1" IN_TTL "\0\3" "\1\2\3"), NULL },
	{ "A of 5", WIRE(HEADER(GOOD, "\1", "\1") QUESTION
	    OWNER "\0\1" IN_TTL "\0\5" "\1\2\3\4\5"), NULL },
	{ "A of 0", WIRE(HEADER(GOOD, "\1", "\1") QUESTION
	    OWNER "\0\1" IN_TTL "\0\0"), NULL },
	{ "AAAA of 4", WIRE(HEADER(GOOD, "\1", "\1") QUESTION
	    OWNER "\0\34" IN_TTL "\0\4" "\1\2\3\4"), NULL },
	{ "MX of 0", WIRE(HEADER(GOOD, "\1", "\1") QUESTION
	    OWNER "\0\17" IN_TTL "\0\0"), NULL },
	{ "MX of 1", WIRE(HEADER(GOOD, "\1", "\1") QUESTION
	    OWNER "\0\17" IN_TTL "\0\1" "\0"), NULL },
	{ "MX of 2", WIRE(HEADER(GOOD, "\1", "\1") QUESTION
	    OWNER "\0\17" IN_TTL "\0\2" "\0\0"), NULL },
	{ "MX whose name goes on behind it",
	    WIRE(HEADER(GOOD, "\1", "\1") QUESTION
	    OWNER "\0\17" IN_TTL "\0\4" "\0\0\1a" "\0"), NULL },
	{ "MX whose pointer goes on behind it",
	    WIRE(HEADER(GOOD, "\1", "\1") QUESTION
	    OWNER "\0\17" IN_TTL "\0\3" "\0\0\xc0" "\x0c"), NULL },
	{ "MX with more behind the name",
	    WIRE(HEADER(GOOD, "\1", "\1") QUESTION
	    OWNER "\0\17" IN_TTL "\0\4" "\0\0\0x"), NULL },
	{ "CNAME of 0", WIRE(HEADER(GOOD, "\1", "\1") QUESTION
	    OWNER "\0\5" IN_TTL "\0\0"), NULL },
	{ "TXT of 0", WIRE(HEADER(GOOD, "\1", "\1") QUESTION
	    OWNER "\0\20" IN_TTL "\0\0"), NULL },
	{ "TXT whose string goes on behind it",
	    WIRE(HEADER(GOOD, "\1", "\1") QUESTION
	    OWNER "\0\20" IN_TTL "\0\2" "\2a" "b"), NULL },
	{ "SOA without its numbers",
	    WIRE(HEADER(GOOD, "\1", "\1") QUESTION
	    OWNER "\0\6" IN_TTL "\0\2" "\0\0"), NULL },
};

static void
describe_record(const struct rr *rr, char *out, size_t size)
{
	char ip[IP_TEXT_MAX], preference[8] = "";

	ip_format(&rr->ip, ip);
	if (rr->type == RR_MX)
		snprintf(preference, sizeof(preference), "%u ",
		    rr->preference);
	snprintf(out, size, "|%d %.*s %u %s%s%.*s%.*s", (int)rr->type,
	    STR_ARG(rr->owner), rr->ttl, preference, ip, STR_ARG(rr->name),
	    STR_ARG(rr->text));
}

/* Reads a copy that ends where its memory ends. */
static int
parse(struct arena *arena, const void *p, size_t n, struct rr_answer *answer)
{
	uint8_t *copy = malloc(n + (n == 0));
	int result;

	memcpy(copy, p, n);
	result = rr_parse(arena, copy, n, answer);
	free(copy);
	return result;
}

static void
answers_are_read(void **state)
{
	struct arena arena = { 0 };
	struct rr_answer answer;
	char got[1024];
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		if (parse(&arena, good[i].wire.p, good[i].wire.n, &answer))
			fail_msg("%s", good[i].name);
		n = (size_t)snprintf(got, sizeof(got), "%d%c%c", answer.rcode,
		    answer.authentic ? 'A' : '-',
		    answer.truncated ? 'T' : '-');
		for (size_t k = 0; k < answer.records.n; k++) {
			describe_record(&answer.records.p[k], got + n,
			    sizeof(got) - n);
			n += strlen(got + n);
		}
		if (strcmp(got, good[i].expect) != 0)
			fail_msg("%s: %s", good[i].name, got);
	}
	arena_free(&arena);
}

static void
malformed_is_no_message(void **state)
{
	struct arena arena = { 0 };
	struct rr_answer answer;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (parse(&arena, bad[i].wire.p, bad[i].wire.n, &answer) != -1)
			fail_msg("%s", bad[i].name);
	arena_free(&arena);
}

/* The last row does not end where its bytes do. */
static void
cut_at_every_byte(void **state)
{
	struct arena arena = { 0 };
	struct rr_answer answer;
	char copy[512];

	(void)state;
	for (size_t i = 0; i + 1 < sizeof(good) / sizeof(*good); i++) {
		struct wire w = good[i].wire;

		memcpy(copy, w.p, w.n);
		for (size_t n = 0; n < w.n && (copy[2] & 2) == 0; n++)
			if (parse(&arena, copy, n, &answer) != -1)
				fail_msg("%s cut at %zu", good[i].name, n);
		/* With TC set it must merely not be read over its end. */
		copy[2] |= 2;
		for (size_t n = 0; n < w.n; n++)
			(void)parse(&arena, copy, n, &answer);
	}
	arena_free(&arena);
}

static void
changed_at_every_byte(void **state)
{
	struct arena arena = { 0 };
	struct rr_answer answer;
	char copy[512];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		struct wire w = good[i].wire;

		for (size_t at = 2; at < w.n; at++)
			for (int v = 0; v < 256; v += 3) {
				memcpy(copy, w.p, w.n);
				copy[at] = (char)v;
				(void)parse(&arena, copy, w.n, &answer);
				arena_reset(&arena);
			}
	}
	arena_free(&arena);
}

/* 255 octets are a name, 256 are not; nor are 255 reached by a pointer to
 * more. */
static void
long_names(void **state)
{
	struct arena arena = { 0 };
	struct rr_answer answer;
	char wire[600];
	size_t n, last;

	(void)state;
	for (last = 1; last <= 63; last++) {
		memcpy(wire, HEADER(GOOD, "\0", "\1"), n = 12);
		for (int label = 0; label < 3; label++, n += 64) {
			wire[n] = 63;
			memset(wire + n + 1, 'a', 63);
		}
		wire[n++] = (char)last;
		memset(wire + n, 'b', last);
		n += last;
		memcpy(wire + n, "\0" "\0\1" IN_TTL "\0\4" "\1\2\3\4", 15);
		n += 15;
		/* 3 * 64 + 1 + 61 + 1 = 255 */
		assert_int_equal(parse(&arena, wire, n, &answer),
		    last <= 61 ? 0 : -1);
		if (last <= 61)
			assert_int_equal(answer.records.p[0].owner.n,
			    3 * 64 + last);
	}
	arena_free(&arena);
}

static void
no_more_than_the_limit(void **state)
{
	static const char record[] = "\0" "\0\1" IN_TTL "\0\4" "\1\2\3\4";
	static char wire[12 + 255 * (sizeof(record) - 1)];
	struct arena arena = { 0 };
	struct rr_answer answer;

	(void)state;
	memcpy(wire, HEADER(GOOD, "\0", "\xff"), 12);
	for (size_t i = 0; i < 255; i++)
		memcpy(wire + 12 + i * (sizeof(record) - 1), record,
		    sizeof(record) - 1);
	assert_int_equal(parse(&arena, wire, sizeof(wire), &answer), 0);
	assert_int_equal(answer.records.n, RR_MAX);
	arena_free(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_are_read),
		cmocka_unit_test(malformed_is_no_message),
		cmocka_unit_test(cut_at_every_byte),
		cmocka_unit_test(changed_at_every_byte),
		cmocka_unit_test(long_names),
		cmocka_unit_test(no_more_than_the_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
