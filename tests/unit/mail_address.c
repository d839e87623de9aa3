/* SPDX-License-Identifier: ISC */
/*
 * mail/address: paths, bare addresses and header lists; then the conformance
 * cases of others, read where they lie ($VECTORS, or ../shared/vectors) and
 * never kept here.  Where this program differs from them the reason stands
 * beside the number of the case.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mail/address.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

/* Labels and words of a known length. */
#define X10	"xxxxxxxxxx"
#define X50	X10 X10 X10 X10 X10
#define X63	X50 X10 "xxx"
#define X64	X63 "x"

struct path_case {
	const char	*in;
	int		 reply;		/* 0: accepted */
	const char	*text;		/* as it is written again */
	const char	*local;		/* as meant; NULL: not looked at */
};

/* As a RCPT has them: no null path, no UTF-8. */
static const struct path_case paths[] = {
	/* plain */
	{ "<a@b>", 0, "a@b", "a" },
	{ "<alice@example.org>", 0, "alice@example.org", "alice" },
	{ "<Alice@EXAMPLE.Org>", 0, "Alice@example.org", "Alice" },
	{ "<a.b.c@example.org>", 0, "a.b.c@example.org", "a.b.c" },
	{ "<a+tag@example.org>", 0, "a+tag@example.org", NULL },
	{ "<a=b@example.org>", 0, "a=b@example.org", NULL },
	{ "<!#$%&'*+-/=?^_`{|}~@example.org>", 0,
	    "!#$%&'*+-/=?^_`{|}~@example.org", NULL },
	{ "<user%host@example.org>", 0, "user%host@example.org", NULL },
	{ "<host!user@example.org>", 0, "host!user@example.org", NULL },
	{ "<-@example.org>", 0, "-@example.org", "-" },
	{ "<0@example.org>", 0, "0@example.org", "0" },
	{ "<|cat@example.org>", 0, "|cat@example.org", "|cat" },
	{ "<postmaster>", 0, "postmaster", "postmaster" },
	{ "<root>", 0, "root", "root" },
	{ "<a@1.2.3.4>", 0, "a@1.2.3.4", NULL },
	{ "<a@x-y.example>", 0, "a@x-y.example", NULL },
	{ "<a@x--y.example>", 0, "a@x--y.example", NULL },
	{ "<a@xn--bcher-kva.example>", 0, "a@xn--bcher-kva.example", NULL },
	{ "<a@" X63 ".org>", 0, "a@" X63 ".org", NULL },
	{ "<" X64 "@example.org>", 0, X64 "@example.org", X64 },
	{ "<" X64 "x@example.org>", 0, X64 "x@example.org", NULL },
	/* 254 octets, the most that a path can carry */
	{ "<" X63 "@" X63 "." X63 "." X50 X10 "xx>", 0,
	    X63 "@" X63 "." X63 "." X50 X10 "xx", NULL },
	{ "<" X64 "@" X63 "." X63 "." X50 X10 "xx>", 553, NULL, NULL },
	/* quoted */
	{ "<\"alice\"@example.org>", 0, "alice@example.org", "alice" },
	{ "<\"a\\l\\i\"@example.org>", 0, "ali@example.org", "ali" },
	{ "<\"a b\"@example.org>", 0, "\"a b\"@example.org", "a b" },
	{ "<\"a\\ b\"@example.org>", 0, "\"a b\"@example.org", "a b" },
	{ "<\"a@b\"@example.org>", 0, "\"a@b\"@example.org", "a@b" },
	{ "<\"a>b\"@example.org>", 0, "\"a>b\"@example.org", "a>b" },
	{ "<\"a\\\"b\"@example.org>", 0, "\"a\\\"b\"@example.org", "a\"b" },
	{ "<\"a\\\\b\"@example.org>", 0, "\"a\\\\b\"@example.org", "a\\b" },
	{ "<\"a..b\"@example.org>", 0, "\"a..b\"@example.org", "a..b" },
	{ "<\".a\"@example.org>", 0, "\".a\"@example.org", ".a" },
	{ "<\"a.\"@example.org>", 0, "\"a.\"@example.org", "a." },
	{ "<\"a.b\"@example.org>", 0, "a.b@example.org", "a.b" },
	{ "<\"\"@example.org>", 0, "\"\"@example.org", "" },
	{ "<\" \"@example.org>", 0, "\" \"@example.org", " " },
	{ "<\"(a)\"@example.org>", 0, "\"(a)\"@example.org", "(a)" },
	{ "<\"a b\">", 0, "\"a b\"", "a b" },
	{ "<\"a@b\">", 0, "\"a@b\"", "a@b" },
	/* literals, in the one spelling */
	{ "<a@[192.0.2.1]>", 0, "a@[192.0.2.1]", NULL },
	{ "<a@[192.000.002.001]>", 0, "a@[192.0.2.1]", NULL },
	{ "<a@[IPv6:2001:DB8::1]>", 0, "a@[IPv6:2001:db8::1]", NULL },
	{ "<a@[ipv6:2001:db8:0:0:0:0:0:1]>", 0, "a@[IPv6:2001:db8::1]", NULL },
	{ "<a@[IPv6:::]>", 0, "a@[IPv6:::]", NULL },
	{ "<a@[IPv6:::ffff:192.0.2.1]>", 0, "a@[192.0.2.1]", NULL },
	/* source routes: RFC 5321 appendix C */
	{ "<@one:a@b>", 0, "a@b", "a" },
	{ "<@one,@two.example:a@b>", 0, "a@b", "a" },
	{ "<@one,@two,@three:\"a b\"@c>", 0, "\"a b\"@c", "a b" },
	/* malformed */
	{ "", 501, NULL, NULL },
	{ "<", 501, NULL, NULL },
	{ ">", 501, NULL, NULL },
	{ "<>", 501, NULL, NULL },
	{ "a@b", 501, NULL, NULL },
	{ " <a@b>", 501, NULL, NULL },
	{ "<a@b", 501, NULL, NULL },
	{ "<a@>", 501, NULL, NULL },
	{ "<@b>", 501, NULL, NULL },
	{ "<@>", 501, NULL, NULL },
	{ "<a@b@c>", 501, NULL, NULL },
	{ "<a@@b>", 501, NULL, NULL },
	{ "<.a@b>", 501, NULL, NULL },
	{ "<a.@b>", 501, NULL, NULL },
	{ "<a..b@c>", 501, NULL, NULL },
	{ "<a b@c>", 501, NULL, NULL },
	{ "<a @c>", 501, NULL, NULL },
	{ "<a@ c>", 501, NULL, NULL },
	{ "<a@c >", 501, NULL, NULL },
	{ "< a@c>", 501, NULL, NULL },
	{ "<(x)a@c>", 501, NULL, NULL },
	{ "<a@c(x)>", 501, NULL, NULL },
	{ "<a\\b@c>", 501, NULL, NULL },
	{ "<a,b@c>", 501, NULL, NULL },
	{ "<a:b@c>", 501, NULL, NULL },
	{ "<a;b@c>", 501, NULL, NULL },
	{ "<a[b@c>", 501, NULL, NULL },
	{ "<<a@b>>", 501, NULL, NULL },
	{ "<a\tb@c>", 501, NULL, NULL },
	{ "<a\r\n b@c>", 501, NULL, NULL },
	{ "<a\x7f" "b@c>", 501, NULL, NULL },
	{ "<a\x01@c>", 501, NULL, NULL },
	{ "<a@c\r\n>", 501, NULL, NULL },
	{ "<\"a@b>", 501, NULL, NULL },
	{ "<\"a\\\"@b>", 501, NULL, NULL },
	{ "<\"a\"b@c>", 501, NULL, NULL },
	{ "<\"a\".b@c>", 501, NULL, NULL },
	{ "<a.\"b\"@c>", 501, NULL, NULL },
	{ "<\"a\"\"b\"@c>", 501, NULL, NULL },
	{ "<\"a\tb\"@c>", 501, NULL, NULL },
	{ "<\"a\\\tb\"@c>", 501, NULL, NULL },
	{ "<\"a\r\n b\"@c>", 501, NULL, NULL },
	{ "<\"a\nb\"@c>", 501, NULL, NULL },
	{ "<\"a\\\rb\"@c>", 501, NULL, NULL },
	{ "<\"\x7f\"@c>", 501, NULL, NULL },
	{ "<\"\">", 553, NULL, NULL },
	{ "<a@b.>", 501, NULL, NULL },
	{ "<a@.b>", 501, NULL, NULL },
	{ "<a@.>", 501, NULL, NULL },
	{ "<a@b..c>", 501, NULL, NULL },
	{ "<a@-b>", 501, NULL, NULL },
	{ "<a@b->", 501, NULL, NULL },
	{ "<a@b-.c>", 501, NULL, NULL },
	{ "<a@b.-c>", 501, NULL, NULL },
	{ "<a@b_c>", 501, NULL, NULL },
	{ "<a@b/c>", 501, NULL, NULL },
	{ "<a@b!c>", 501, NULL, NULL },
	{ "<a@" X64 ".org>", 501, NULL, NULL },
	{ "<a@" X63 "." X63 "." X63 "." X63 "." X63 ">", 553, NULL, NULL },
	{ "<a@[]>", 501, NULL, NULL },
	{ "<a@[192.0.2.1>", 501, NULL, NULL },
	{ "<a@192.0.2.1]>", 501, NULL, NULL },
	{ "<a@[192.0.2]>", 501, NULL, NULL },
	{ "<a@[192.0.2.256]>", 501, NULL, NULL },
	{ "<a@[ 192.0.2.1 ]>", 501, NULL, NULL },
	{ "<a@[2001:db8::1]>", 501, NULL, NULL },
	{ "<a@[IPv6:192.0.2.1]>", 501, NULL, NULL },
	{ "<a@[IPv6:fe80::1%eth0]>", 501, NULL, NULL },
	{ "<a@[x25:123]>", 501, NULL, NULL },
	{ "<a@[192.0.2.1].org>", 501, NULL, NULL },
	{ "<@one:a>", 501, NULL, NULL },
	{ "<@one:>", 501, NULL, NULL },
	{ "<@one,a@b>", 501, NULL, NULL },
	{ "<@one,:a@b>", 501, NULL, NULL },
	{ "<@:a@b>", 501, NULL, NULL },
	{ "<@one.:a@b>", 501, NULL, NULL },
	{ "<@one@two:a@b>", 501, NULL, NULL },
	{ "<one,@two:a@b>", 501, NULL, NULL },
	{ "<\xc3\xa9@example.org>", 501, NULL, NULL },
	{ "<a@\xc3\xa9.example>", 501, NULL, NULL },
	{ "<\"\xc3\xa9\"@example.org>", 501, NULL, NULL },
};

/* The same with UTF-8 (RFC 6531). */
static const struct path_case utf8_paths[] = {
	{ "<a@b>", 0, "a@b", "a" },
	{ "<\xc3\xa9@example.org>", 0, "\xc3\xa9@example.org", "\xc3\xa9" },
	{ "<\"\xc3\xa9\"@example.org>", 0, "\xc3\xa9@example.org",
	    "\xc3\xa9" },
	{ "<\"\xc3\xa9 b\"@example.org>", 0, "\"\xc3\xa9 b\"@example.org",
	    NULL },
	{ "<a@b\xc3\xbc" "cher.Example>", 0, "a@b\xc3\xbc" "cher.example",
	    NULL },
	{ "<\xf0\x9f\x90\xa6@example.org>", 0,
	    "\xf0\x9f\x90\xa6@example.org", NULL },
	{ "<@b\xc3\xbc.example:a@b>", 0, "a@b", NULL },
	/* not UTF-8: a lone byte, overlong, a surrogate, too high, cut */
	{ "<\xe9@example.org>", 501, NULL, NULL },
	{ "<\xc0\xaf@example.org>", 501, NULL, NULL },
	{ "<\xed\xa0\x80@example.org>", 501, NULL, NULL },
	{ "<\xf4\x90\x80\x80@example.org>", 501, NULL, NULL },
	{ "<\xc3@example.org>", 501, NULL, NULL },
	{ "<\"\xe9\"@example.org>", 501, NULL, NULL },
	{ "<a@\xe9.example>", 501, NULL, NULL },
	/* C1 controls, a backslash before what is not ASCII */
	{ "<a\xc2\x85" "b@example.org>", 501, NULL, NULL },
	{ "<a@x\xc2\x85.example>", 501, NULL, NULL },
	{ "<\"\\\xc3\xa9\"@example.org>", 501, NULL, NULL },
	/* no A-label: a right-to-left label that ends in a letter */
	{ "<a@\xd7\x90x.example>", 553, NULL, NULL },
	/* a wide solidus would become a slash, a soft hyphen nothing */
	{ "<a@x\xef\xbc\x8fy.example>", 553, NULL, NULL },
	{ "<a@x\xef\xbc\x8f\xc3\xbcy.example>", 553, NULL, NULL },
	{ "<a@\xc2\xad.example>", 553, NULL, NULL },
	{ "<a@b.\xc2\xad>", 553, NULL, NULL },
};

static void
check_accepted(struct arena *a, const struct path_case *c, bool utf8,
    const struct address *got)
{
	struct str text, rest;
	struct address again;
	struct fault why;

	text = address_text(a, got);
	if (!str_eq(text, str_of(c->text)))
		fail_msg("%s: written as %.*s", c->in, STR_ARG(text));
	if (c->local != NULL && !str_eq(got->local, str_of(c->local)))
		fail_msg("%s: local part %.*s", c->in, STR_ARG(got->local));
	rest = arena_printf(a, "<%.*s>", STR_ARG(text));
	if (address_parse_path(a, &rest, false, utf8, &again, &why) == -1)
		fail_msg("%s: written, not read again: %s", c->in, why.text);
	assert_true(address_eq(got, &again));
}

static void
check_path(const struct path_case *c, bool utf8)
{
	struct arena a = { 0 };
	struct str whole, rest;
	struct address got;
	struct fault why;

	whole = rest = str_of(c->in);
	if (address_parse_path(&a, &rest, false, utf8, &got, &why) == 0) {
		if (c->reply != 0)
			fail_msg("%s: accepted", c->in);
		if (rest.n != 0)
			fail_msg("%s: left over: %.*s", c->in, STR_ARG(rest));
		check_accepted(&a, c, utf8, &got);
	} else {
		if (why.reply != c->reply)
			fail_msg("%s: %d %s, not %d", c->in, why.reply,
			    why.text, c->reply);
		assert_int_equal(why.kind, FAULT_PERMANENT);
		assert_int_equal(why.subject, 1);
		assert_true(why.detail == 3 || why.detail == 2);
		assert_true(rest.p == whole.p && rest.n == whole.n);
	}
	arena_free(&a);
}

static void
test_paths(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(paths); i++)
		check_path(&paths[i], false);
}

static void
test_utf8_paths(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(utf8_paths); i++)
		check_path(&utf8_paths[i], true);
}

/* What is accepted is accepted only whole: every shorter text is refused. */
static void
test_cut_paths(void **state)
{
	struct arena a = { 0 };
	struct address got;
	struct fault why;
	struct str rest;
	size_t i, n;
	char *copy;

	(void)state;
	for (i = 0; i < COUNT(paths); i++) {
		if (paths[i].reply != 0)
			continue;
		for (n = 0; n < strlen(paths[i].in); n++) {
			/* On the heap, so that a byte too far is noticed. */
			copy = malloc(n + 1);
			assert_non_null(copy);
			memcpy(copy, paths[i].in, n);
			rest = str_span(copy, n);
			assert_int_equal(address_parse_path(&a, &rest, true,
			    false, &got, &why), -1);
			free(copy);
		}
		arena_reset(&a);
	}
	arena_free(&a);
}

static void
test_path_leaves_the_rest(void **state)
{
	struct arena a = { 0 };
	struct str rest = STR("<a@b> SIZE=10");
	struct address got;
	struct fault why;

	(void)state;
	assert_int_equal(address_parse_path(&a, &rest, true, false, &got,
	    &why), 0);
	assert_true(str_eq(rest, STR(" SIZE=10")));
	rest = STR("<>BODY=7BIT");
	assert_int_equal(address_parse_path(&a, &rest, true, false, &got,
	    &why), 0);
	assert_true(str_eq(rest, STR("BODY=7BIT")));
	arena_free(&a);
}

static void
test_null_path(void **state)
{
	struct arena a = { 0 };
	struct buf b = { 0 };
	struct str rest = STR("<>");
	struct address got;
	struct fault why;

	(void)state;
	assert_int_equal(address_parse_path(&a, &rest, false, false, &got,
	    &why), -1);
	assert_int_equal(why.detail, 3);
	assert_int_equal(address_parse_path(&a, &rest, true, false, &got,
	    &why), 0);
	assert_true(address_is_null(&got));
	address_put(&b, &got);
	assert_int_equal(b.n, 0);
	assert_int_equal(address_text(&a, &got).n, 0);
	rest = STR("<@b>");
	assert_int_equal(address_parse_path(&a, &rest, true, false, &got,
	    &why), -1);
	assert_int_equal(why.reply, 501);
	assert_int_equal(why.detail, 7);
	buf_free(&b);
	arena_free(&a);
}

/* A NUL ends no string here: it is one more character that may not be. */
static void
test_nul(void **state)
{
	static const char *const where[] = {
		"<?a@b>", "<a?@b>", "<a@?b>", "<a@b?>", "<\"?\"@b>",
		"<\"\\?\"@b>", "<a@[?]>", "?<a@b>",
	};
	struct arena a = { 0 };
	struct address got;
	struct fault why;
	struct str rest;
	char copy[16];
	size_t i, n;

	(void)state;
	for (i = 0; i < COUNT(where); i++) {
		n = strlen(where[i]);
		memcpy(copy, where[i], n);
		*(char *)memchr(copy, '?', n) = '\0';
		rest = str_span(copy, n);
		assert_int_equal(address_parse_path(&a, &rest, false, true,
		    &got, &why), -1);
	}
	arena_free(&a);
}

static void
test_result_is_a_copy(void **state)
{
	struct arena a = { 0 }, other = { 0 };
	char in[] = "<Alice@Example.org>";
	struct str rest = str_of(in);
	struct address got, copy;
	struct fault why;

	(void)state;
	assert_int_equal(address_parse_path(&a, &rest, false, false, &got,
	    &why), 0);
	memset(in, '#', sizeof(in) - 1);
	assert_true(str_eq(address_text(&a, &got), STR("Alice@example.org")));
	copy = address_copy(&other, &got);
	arena_free(&a);
	assert_true(str_eq(copy.local, STR("Alice")));
	assert_true(str_eq(copy.domain, STR("example.org")));
	arena_free(&other);
}

static const struct {
	const char	*in;
	const char	*text;		/* NULL: refused */
} bare[] = {
	{ "a@b", "a@b" },
	{ "root", "root" },
	{ "<a@b>", "a@b" },
	{ "<root>", "root" },
	{ "  a@B\t", "a@b" },
	{ "\"a b\"@c", "\"a b\"@c" },
	{ "<@x:a@b>", "a@b" },
	{ "<>", "" },
	{ "a@[IPv6:::1]", "a@[IPv6:::1]" },
	{ "", NULL },
	{ "  ", NULL },
	{ "@", NULL },
	{ "@b", NULL },
	{ "\"\"", NULL },
	{ "a@", NULL },
	{ "a@b>", NULL },
	{ "<a@b", NULL },
	{ "<a@b> x", NULL },
	{ "<a@b>>", NULL },
	{ "a b", NULL },
	{ "a@b c", NULL },
	{ "a@b,c@d", NULL },
	{ "a@b\n", NULL },
	{ "a@b\r\nRCPT TO:<c@d>", NULL },
	{ "@x:a@b", NULL },
	{ "Alice <a@b>", NULL },
	{ "\xc3\xa9@b", NULL },
};

static void
test_bare(void **state)
{
	struct arena a = { 0 };
	struct address got;
	struct fault why;
	struct str text;
	size_t i;
	int e;

	(void)state;
	for (i = 0; i < COUNT(bare); i++) {
		e = address_parse(&a, str_of(bare[i].in), false, &got, &why);
		if ((e == 0) != (bare[i].text != NULL))
			fail_msg("\"%s\": returned %d", bare[i].in, e);
		if (e == -1)
			continue;
		text = address_text(&a, &got);
		if (!str_eq(text, str_of(bare[i].text)))
			fail_msg("%s: %.*s", bare[i].in, STR_ARG(text));
	}
	assert_int_equal(address_parse(&a, STR("\xc3\xa9@b"), true, &got,
	    &why), 0);
	arena_free(&a);
}

static void
test_eq(void **state)
{
	struct address one = { STR("Alice"), STR("example.org") };
	struct address same = { STR("Alice"), STR("EXAMPLE.org") };
	struct address local = { STR("alice"), STR("example.org") };
	struct address domain = { STR("Alice"), STR("example.net") };
	struct address none = { STR_NONE, STR_NONE };

	(void)state;
	assert_true(address_eq(&one, &same));
	assert_false(address_eq(&one, &local));
	assert_false(address_eq(&one, &domain));
	assert_false(address_eq(&one, &none));
	assert_true(address_eq(&none, &none));
}

static void
test_fault_tells_the_place(void **state)
{
	struct arena a = { 0 };
	struct str rest = STR("<a b@c>");
	address_vec list = { 0 };
	struct address got;
	struct fault why;

	(void)state;
	assert_int_equal(address_parse_path(&a, &rest, false, false, &got,
	    &why), -1);
	assert_non_null(strstr(why.text, "a blank"));
	rest = STR("<a@b");
	assert_int_equal(address_parse_path(&a, &rest, false, false, &got,
	    &why), -1);
	assert_non_null(strstr(why.text, "the end"));
	assert_int_equal(address_parse_list(&a, STR("x@y, Bad One, z@y"),
	    &list, &why), -1);
	assert_non_null(strstr(why.text, "Bad One"));
	assert_null(strstr(why.text, "x@y"));
	assert_int_equal(list.n, 1);
	arena_free(&a);
}

/* Results are joined by a blank; NULL: refused. */
static const struct {
	const char	*in;
	const char	*out;
} lists[] = {
	{ "", "" },
	{ " \r\n ", "" },
	{ "a@b", "a@b" },
	{ "a@b, c@d", "a@b c@d" },
	{ "a@b,c@d,\r\n\te@f", "a@b c@d e@f" },
	{ "a@b,\n e@f", "a@b e@f" },
	{ "root", "root" },
	{ "root, daemon, a@b", "root daemon a@b" },
	{ "<a@b>", "a@b" },
	{ "Alice <a@b>", "a@b" },
	{ "Alice Liddell <a@b>, Bob <c@d>", "a@b c@d" },
	{ "\"Liddell, Alice\" <a@b>", "a@b" },
	{ "Alice P. Liddell <a@b>", "a@b" },
	{ "\"A\" \"B\" . C <a@b>", "a@b" },
	{ "=?utf-8?Q?Alic=C3=A9?= <a@b>", "a@b" },
	{ "Alic\xc3\xa9 <a@b>", "a@b" },
	{ "Alic\xe9 <a@b>", "a@b" },
	{ "\"Alic\xe9\" <a@b>", "a@b" },
	{ "\"a@b\" <c@d>", "c@d" },
	{ "\"<a@b>\" <c@d>", "c@d" },
	{ "a@b (Alice)", "a@b" },
	{ "(Alice) a@b", "a@b" },
	{ "(a, b <c@d>) a@b", "a@b" },
	{ "(nested (deep (er) ) \\) ) a@b", "a@b" },
	{ "a(x)@(y)b(z)", "a@b" },
	{ "a . b @ c . d", "a.b@c.d" },
	{ "a.\r\n b@c", "a.b@c" },
	{ "\"a\".b@c", "a.b@c" },
	{ "a.\"b c\".d@e", "\"a.b c.d\"@e" },
	{ "\"a\r\n b\"@c", "\"a b\"@c" },
	{ "< a @ b >", "a@b" },
	{ "<@x,@y:a@b>", "a@b" },
	{ "Alice <@x , , @y : a@b>", "a@b" },
	{ "a@[192.0.2.1]", "a@[192.0.2.1]" },
	{ "a@ [IPv6:2001:DB8::1] (x)", "a@[IPv6:2001:db8::1]" },
	{ "\xc3\xa9@b", "\xc3\xa9@b" },
	/* empty elements and groups */
	{ ",", "" },
	{ ",,a@b,, ,c@d,", "a@b c@d" },
	{ "undisclosed-recipients:;", "" },
	{ "Friends: a@b, Bob <c@d>;", "a@b c@d" },
	{ "Friends: a@b; , e@f", "a@b e@f" },
	{ "Friends: a@b; e@f", "a@b e@f" },
	{ "A: a@b;, B: c@d;", "a@b c@d" },
	{ "\"The Group\" (x) : ,a@b, ;", "a@b" },
	/* malformed */
	{ "a@", NULL },
	{ "@b", NULL },
	{ "a@b c@d", NULL },
	{ "<a@b> <c@d>", NULL },
	{ "<a@b> Alice", NULL },
	{ "a@b; c@d", NULL },
	{ "Alice Liddell", NULL },
	{ "Alice <>", NULL },
	{ "<>", NULL },
	{ "<", NULL },
	{ "<a@b", NULL },
	{ "a@b>", NULL },
	{ "<<a@b>>", NULL },
	{ "(", NULL },
	{ "(a (b) a@b", NULL },
	{ "a@b (", NULL },
	{ "a@b (\\)", NULL },
	{ ")", NULL },
	{ "\"a@b", NULL },
	{ "\"a\x01\"@b", NULL },
	{ "\"a\tb\"@c", NULL },
	{ ".a@b", NULL },
	{ "a.@b", NULL },
	{ "a..b@c", NULL },
	{ "a@.b", NULL },
	{ "a@b.", NULL },
	{ "a@b_c", NULL },
	{ "a@b@c", NULL },
	{ "a@[1.2.3]", NULL },
	{ "a@[ 192.0.2.1]", NULL },
	{ "a@b\r\n", NULL },
	{ "a@b\r c@d", NULL },
	{ "a@b,\r\nc@d", NULL },
	{ "Friends: a@b", NULL },
	{ "Friends: Inner: a@b;;", NULL },
	{ ": a@b;", NULL },
	{ ";", NULL },
	{ "\xe9@b", NULL },
	{ "\"\"", NULL },
	{ "<@x:>", NULL },
	{ "<@x a@b>", NULL },
	{ X50 X50 X50 X50 X50 "." X50 "@b", NULL },
};

static struct str
joined(struct arena *a, const address_vec *v)
{
	struct str all = STR(""), one;
	size_t i;

	for (i = 0; i < v->n; i++) {
		one = address_text(a, &v->p[i]);
		all = arena_printf(a, "%.*s%s%.*s", STR_ARG(all),
		    i > 0 ? " " : "", STR_ARG(one));
	}
	return all;
}

static void
test_lists(void **state)
{
	struct arena a = { 0 };
	struct fault why;
	struct str text;
	size_t i;
	int e;

	(void)state;
	for (i = 0; i < COUNT(lists); i++) {
		address_vec v = { 0 };

		e = address_parse_list(&a, str_of(lists[i].in), &v, &why);
		if ((e == 0) != (lists[i].out != NULL))
			fail_msg("\"%s\": returned %d", lists[i].in, e);
		if (e == -1) {
			assert_int_equal(why.kind, FAULT_PERMANENT);
			continue;
		}
		text = joined(&a, &v);
		if (!str_eq(text, str_of(lists[i].out)))
			fail_msg("%s: %.*s", lists[i].in, STR_ARG(text));
		arena_reset(&a);
	}
	arena_free(&a);
}

/* Hostile shapes must cost no more than their length. */
static void
test_long_lists(void **state)
{
	static const char *const units[] = {
		"a@b,", "(", "((a)", ",", "a ", ". ", "\"x\" ", "<", "a:",
		"\"", "\\", "@a,", "a.",
	};
	struct arena a = { 0 };
	struct buf b = { 0 };
	struct fault why;
	size_t i, k;

	(void)state;
	for (i = 0; i < COUNT(units); i++) {
		address_vec v = { 0 };

		buf_reset(&b);
		for (k = 0; k < 200000; k++)
			buf_putz(&b, units[i]);
		(void)address_parse_list(&a, buf_str(&b), &v, &why);
		if (i == 0)
			assert_int_equal(v.n, 200000);
		arena_reset(&a);
	}
	buf_free(&b);
	arena_free(&a);
}

/*
 * The conformance cases.
 */

static const char *
vectors(void)
{
	const char *dir = getenv("VECTORS");

	return dir != NULL ? dir : "../shared/vectors";
}

/* Where the file is not there, that is said, and the test is none. */
static void
load(struct buf *b, const char *name)
{
	char path[4096];
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "%s/address/%s", vectors(), name);
	f = fopen(path, "re");
	if (f == NULL) {
		fprintf(stderr, "there are no vectors: %s ($VECTORS)\n", path);
		skip();
	}
	do {
		n = fread(buf_room(b, 65536), 1, 65536, f);
		buf_grew(b, n);
	} while (n > 0);
	fclose(f);
}

/* The text of <name>...</name> inside s; empty when it is not there. */
static struct str
element(struct str s, const char *name)
{
	char tag[32];
	size_t from, n;

	snprintf(tag, sizeof(tag), "<%s>", name);
	from = str_search(s, str_of(tag)) + strlen(tag);
	snprintf(tag, sizeof(tag), "</%s>", name);
	n = str_search(str_from(s, from), str_of(tag));
	return str_slice(s, from, from + n);
}

static void
put_utf8(struct buf *b, unsigned long cp)
{
	/* Pictures of control characters stand for these themselves. */
	if (cp >= 0x2400 && cp < 0x2420)
		buf_putc(b, (char)(cp - 0x2400));
	else if (cp < 0x80)
		buf_putc(b, (char)cp);
	else if (cp < 0x800) {
		buf_putc(b, (char)(0xc0 | cp >> 6));
		buf_putc(b, (char)(0x80 | (cp & 0x3f)));
	} else {
		buf_putc(b, (char)(0xe0 | cp >> 12));
		buf_putc(b, (char)(0x80 | (cp >> 6 & 0x3f)));
		buf_putc(b, (char)(0x80 | (cp & 0x3f)));
	}
}

static void
unescape(struct buf *b, struct str s)
{
	static const struct {
		const char	*name;
		char		 c;
	} named[] = {
		{ "&amp;", '&' }, { "&lt;", '<' }, { "&gt;", '>' },
		{ "&quot;", '"' }, { "&apos;", '\'' },
	};
	struct str entity;
	size_t i, k, end;

	for (i = 0; i < s.n; i++) {
		if (s.p[i] != '&') {
			buf_putc(b, s.p[i]);
			continue;
		}
		end = i + str_find(str_from(s, i), ';');
		entity = str_slice(s, i, end + 1);
		if (str_starts(entity, STR("&#x")))
			put_utf8(b, strtoul(entity.p + 3, NULL, 16));
		else if (str_starts(entity, STR("&#")))
			put_utf8(b, strtoul(entity.p + 2, NULL, 10));
		for (k = 0; k < COUNT(named); k++) {
			if (str_eq(entity, str_of(named[k].name)))
				buf_putc(b, named[k].c);
		}
		i = end;
	}
}

/* An SMTP path that names a mailbox at a domain? */
static bool
smtp_accepts(struct str address, bool utf8)
{
	struct arena a = { 0 };
	struct address got;
	struct fault why;
	struct str rest;
	struct buf b = { 0 };
	bool ok;

	buf_putc(&b, '<');
	buf_puts(&b, address);
	buf_putc(&b, '>');
	rest = buf_str(&b);
	ok = address_parse_path(&a, &rest, false, utf8, &got, &why) == 0 &&
	    rest.n == 0 && got.domain.n > 0;
	buf_free(&b);
	arena_free(&a);
	return ok;
}

/*
 * Where we differ from a case on purpose: its number, and the clause that
 * says that we may.
 */
struct exception {
	int		 id;
	const char	*clause;
};

/*
 * RFC 5321 4.5.3.1: every implementation must take objects of the sizes given
 * (64 octets for a local part), and should impose no limit where it can.  Case
 * 26 has 65; the whole path is still within 256.
 */
static const struct exception isemail_new[] = {
	{ 26, "RFC 5321 4.5.3.1" },
};

static bool
is_excepted(const struct exception *list, size_t n, int id)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (list[i].id == id)
			return true;
	}
	return false;
}

static void
run_isemail(const char *file, const struct exception *list, size_t n_list,
    unsigned want)
{
	struct buf xml = { 0 }, address = { 0 };
	struct str rest, test, category;
	unsigned cases = 0, wrong = 0;
	bool may, does;
	int id;

	load(&xml, file);
	for (rest = buf_str(&xml);; rest = str_from(rest, test.n)) {
		rest = str_from(rest, str_search(rest, STR("<test id=\"")));
		if (rest.n == 0)
			break;
		test = str_slice(rest, 0, str_search(rest, STR("</test>")));
		id = (int)strtol(rest.p + 10, NULL, 10);
		buf_reset(&address);
		unescape(&address, element(test, "address"));
		category = element(test, "category");
		may = str_eq(category, STR("ISEMAIL_VALID_CATEGORY")) ||
		    str_eq(category, STR("ISEMAIL_DNSWARN")) ||
		    str_eq(category, STR("ISEMAIL_RFC5321"));
		does = smtp_accepts(buf_str(&address), false);
		if (is_excepted(list, n_list, id))
			may = !may;
		cases++;
		if (may == does &&
		    smtp_accepts(buf_str(&address), true) == does)
			continue;
		wrong++;
		fprintf(stderr, "%s: case %d, %.*s: %s <%.*s>\n", file, id,
		    STR_ARG(category), does ? "accepted" : "refused",
		    STR_ARG(buf_str(&address)));
	}
	buf_free(&xml);
	buf_free(&address);
	assert_int_equal(wrong, 0);
	assert_true(cases >= want);
}

static void
test_isemail(void **state)
{
	(void)state;
	run_isemail("isemail-tests.xml", isemail_new, COUNT(isemail_new), 100);
}

static void
test_isemail_original(void **state)
{
	(void)state;
	run_isemail("isemail-tests-original.xml", NULL, 0, 170);
}

/* One mailbox with a domain, as a header would have it? */
static bool
header_accepts(struct str s)
{
	struct arena a = { 0 };
	address_vec v = { 0 };
	struct fault why;
	bool ok;

	ok = address_parse_list(&a, s, &v, &why) == 0 && v.n == 1 &&
	    v.p[0].domain.n > 0;
	arena_free(&a);
	return ok;
}

static void
run_flanker(const char *file, bool valid, const struct exception *list,
    size_t n_list, unsigned want)
{
	struct buf text = { 0 };
	struct str rest, line;
	unsigned cases = 0, wrong = 0;
	bool does;
	int id = 0;

	load(&text, file);
	rest = buf_str(&text);
	while (str_cut(&rest, '\n', &line)) {
		id++;
		line = str_slice(line, 0, str_search(line, STR("  #")));
		line = str_trim(line);
		if (line.n == 0 || line.p[0] == '#')
			continue;
		cases++;
		does = header_accepts(line);
		if (does == (valid != is_excepted(list, n_list, id)))
			continue;
		wrong++;
		fprintf(stderr, "%s: line %d: %s %.*s\n", file, id,
		    does ? "accepted" : "refused", STR_ARG(line));
	}
	buf_free(&text);
	assert_int_equal(wrong, 0);
	assert_true(cases >= want);
}

/*
 * Characters other than letters, digits and hyphens "MUST NOT appear in domain
 * name labels for SMTP clients or servers.  In particular, the underscore
 * character is not permitted."  Line 43 has an underscore, line 52 another.
 */
static const struct exception flanker_valid[] = {
	{ 43, "RFC 5321 4.1.2" },
	{ 52, "RFC 5321 4.1.2" },
};

/*
 * Line 58: white space and comments around "@" are obsolete, but a header
 * that has them is understood, and a literal of an IP address is a domain.
 * Line 65: it is a sub-domain by the grammar, which does not look inside; the
 * other collection has the same address and calls it valid.
 */
static const struct exception flanker_invalid[] = {
	{ 58, "RFC 5322 4.4, 3.4.1" },
	{ 65, "RFC 5321 4.1.2" },
};

static void
test_flanker(void **state)
{
	(void)state;
	run_flanker("flanker-mailbox-valid.txt", true, flanker_valid,
	    COUNT(flanker_valid), 50);
	run_flanker("flanker-mailbox-invalid.txt", false, flanker_invalid,
	    COUNT(flanker_invalid), 40);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_utf8_paths),
		cmocka_unit_test(test_cut_paths),
		cmocka_unit_test(test_path_leaves_the_rest),
		cmocka_unit_test(test_null_path),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_result_is_a_copy),
		cmocka_unit_test(test_bare),
		cmocka_unit_test(test_eq),
		cmocka_unit_test(test_fault_tells_the_place),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_long_lists),
		cmocka_unit_test(test_isemail),
		cmocka_unit_test(test_isemail_original),
		cmocka_unit_test(test_flanker),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
