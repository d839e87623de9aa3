/* SPDX-License-Identifier: ISC */
/* mail/idna: names as people write them, as the DNS has them, or refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "mail/idna.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

#define X10	"xxxxxxxxxx"
#define X63	X10 X10 X10 X10 X10 X10 "xxx"
#define UE10	"\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"	\
		"\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"

static const struct {
	const char	*in, *out;	/* NULL: refused */
} names[] = {
	{ "example.org", "example.org" },
	{ "EXAMPLE.Org", "example.org" },
	{ "my_host.example", "my_host.example" },
	{ X63 ".org", X63 ".org" },
	{ "xn--bcher-kva.example", "xn--bcher-kva.example" },
	{ "b\xc3\xbc" "cher.example", "xn--bcher-kva.example" },
	{ "B\xc3\x9c" "CHER.Example", "xn--bcher-kva.example" },
	{ "bu\xcc\x88" "cher.example", "xn--bcher-kva.example" },
	/* non-transitional: the sharp s stays one */
	{ "stra\xc3\x9f" "e.example", "xn--strae-oqa.example" },
	{ "\xe4\xbe\x8b\xe3\x81\x88.\xe3\x83\x86\xe3\x82\xb9\xe3\x83\x88",
	    "xn--r8jz45g.xn--zckzah" },
	/* the ideographic full stop divides labels */
	{ "a\xe3\x80\x82\xc3\xbc", "a.xn--tda" },
	{ "", NULL },
	{ ".", NULL },
	{ "a..b", NULL },
	{ "a.", NULL },
	{ "-a", NULL },
	{ "a b", NULL },
	{ "a/b", NULL },
	{ X63 "x", NULL },
	{ "\xc3\xbc.", NULL },
	{ "\xc3\xbc..a", NULL },
	{ "\xc3\xbc b", NULL },
	{ "\xc3\xbc_b", NULL },
	{ "\xc3", NULL },
	{ "\xe9.example", NULL },
	/* a symbol, a mark at the front, directions mixed */
	{ "\xf0\x9f\x90\xa6.example", NULL },
	{ "\xcc\x88" "a.example", NULL },
	{ "\xd7\x90x.example", NULL },
	/* a wide solidus, alone and among others; nothing is left */
	{ "x\xef\xbc\x8fy.example", NULL },
	{ "x\xef\xbc\x8f\xc3\xbc.example", NULL },
	{ "\xc2\xad.example", NULL },
	{ "\xc2\xad", NULL },
	/* an A-label that would be too long */
	{ UE10 UE10 UE10 UE10 UE10 UE10, NULL },
};

static void
test_names(void **state)
{
	struct arena a = { 0 };
	struct fault why;
	struct str out;
	size_t i;
	int e;

	(void)state;
	for (i = 0; i < COUNT(names); i++) {
		e = idna_to_ascii(&a, str_of(names[i].in), &out, &why);
		if ((e == 0) != (names[i].out != NULL))
			fail_msg("\"%s\": %d", names[i].in, e);
		if (e == -1) {
			assert_int_equal(why.kind, FAULT_PERMANENT);
			assert_int_equal(why.subject, 1);
			assert_int_equal(why.detail, 2);
			assert_int_not_equal(strlen(why.text), 0);
		} else if (!str_eq(out, str_of(names[i].out)))
			fail_msg("%s: %.*s", names[i].in, STR_ARG(out));
	}
	assert_int_equal(idna_to_ascii(&a, STR("\xc3\xbc\0.evil"), &out,
	    &why), -1);
	assert_int_equal(idna_to_ascii(&a, STR("a\0.evil"), &out, &why), -1);
	arena_free(&a);
}

/*
 * The cases of UTS 46, read where they lie ($VECTORS, or ../shared/vectors).
 * Where they and IDNA2008 differ, IDNA2008 is right for mail (RFC 6531 3.2):
 *
 *  - What is ASCII goes to the DNS as it is, A-labels too: RFC 5891 5.3 leaves it
 *    to us whether to look into them, and no other name comes of it.
 *  - Directions are judged label by label; that all labels of a name be of those
 *    that may stand beside each other is a SHOULD of RFC 5891 5.4.
 *  - Symbols and characters newer than the library's are refused (RFC 5892 2.6,
 *    RFC 5891 5.4), few of them: it is a bound, not a list.
 *  - A capital sharp s is "ss" to the library's Unicode, and a small one to that
 *    of the cases.
 */
static FILE *
open_vectors(void)
{
	const char *dir = getenv("VECTORS");
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/idna/IdnaTestV2.txt",
	    dir != NULL ? dir : "../shared/vectors");
	f = fopen(path, "re");
	if (f == NULL)
		fprintf(stderr, "there are no vectors: %s ($VECTORS)\n", path);
	return f;
}

static void
put_utf8(struct buf *b, unsigned cp)
{
	if (cp < 0x80) {
		buf_putc(b, (char)cp);
	} else if (cp < 0x800) {
		buf_putc(b, (char)(0xc0 | cp >> 6));
		buf_putc(b, (char)(0x80 | (cp & 63)));
	} else if (cp < 0x10000) {
		buf_putc(b, (char)(0xe0 | cp >> 12));
		buf_putc(b, (char)(0x80 | (cp >> 6 & 63)));
		buf_putc(b, (char)(0x80 | (cp & 63)));
	} else {
		buf_putc(b, (char)(0xf0 | cp >> 18));
		buf_putc(b, (char)(0x80 | (cp >> 12 & 63)));
		buf_putc(b, (char)(0x80 | (cp >> 6 & 63)));
		buf_putc(b, (char)(0x80 | (cp & 63)));
	}
}

/* \uXXXX and \x{XXXX}; "" is nothing; blank is the other. */
static struct str
read_column(struct arena *a, struct str s, struct str otherwise)
{
	struct buf b = { 0 };
	struct str out;

	s = str_trim(s);
	if (s.n == 0)
		return otherwise;
	for (size_t i = 0; i < s.n && !str_eq(s, STR("\"\"")); i++) {
		char *end;

		if (s.p[i] != '\\') {
			buf_putc(&b, s.p[i]);
			continue;
		}
		if (s.p[i + 1] == 'u') {
			char hex[5] = { s.p[i + 2], s.p[i + 3], s.p[i + 4],
			    s.p[i + 5], '\0' };

			put_utf8(&b, (unsigned)strtoul(hex, &end, 16));
			i += 5;
		} else {
			put_utf8(&b, (unsigned)strtoul(s.p + i + 3, &end, 16));
			i = (size_t)(end - s.p);
		}
	}
	out = arena_str(a, buf_str(&b));
	buf_free(&b);
	return out;
}

static void
test_vectors(void **state)
{
	struct arena a = { 0 };
	FILE *f = open_vectors();
	char line[8192];
	unsigned n = 0, stricter = 0;

	(void)state;
	if (f == NULL)
		skip();
	while (fgets(line, sizeof(line), f) != NULL) {
		struct str rest = str_slice(str_of(line), 0,
		    str_find(str_of(line), '#')), c[7] = { { NULL, 0 } };
		struct str in, want, out, status;
		struct fault why;
		bool good;
		int r;

		if (str_trim(rest).n == 0 || rest.p[0] == '\n')
			continue;
		for (int i = 0; i < 7 && str_cut(&rest, ';', &c[i]); i++)
			;
		in = read_column(&a, c[0], STR_NONE);
		want = read_column(&a, c[3], read_column(&a, c[1], in));
		status = str_trim(c[4]).n > 0 ? str_trim(c[4]) :
		    str_trim(c[2]);
		r = idna_to_ascii(&a, in, &out, &why);
		good = status.n == 0 || str_eq(status, STR("[]"));
		if (r != 0 && good)
			stricter++;
		else if (r == 0 && !good && !utf8_is_ascii(in) &&
		    !str_starts(status, STR("[B")))
			fail_msg("taken as %.*s: %s", STR_ARG(out), line);
		else if (r == 0 && good && !str_eq(out, want) &&
		    str_search(in, STR("\xe1\xba\x9e")) == in.n)
			fail_msg("%.*s of %s", STR_ARG(out), line);
		n++;
		arena_reset(&a);
	}
	fclose(f);
	assert_true(n > 4000);
	assert_true(stricter < n / 40);
	arena_free(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_vectors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
