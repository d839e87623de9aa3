/* SPDX-License-Identifier: ISC */
/*
 * route/alias: expansion to the end, against the users that every system of
 * ours has (root, daemon, bin, nobody, www-data).  The aliases are compiled by
 * map/build as newaliases does it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/stat.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "map/build.h"
#include "os/file.h"
#include "route/alias.h"

static char dir[] = "/tmp/route_alias.XXXXXX";
static char source[64], compiled[64], list[64], other[64];

struct world {
	struct conf		 conf;
	struct alias_book	*book;
	struct arena		 arena;
};

static void
spell_out(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(chmod(path, 0644), 0);
}

static void
compile(const char *text)
{
	struct build_report report;
	struct fault why;

	spell_out(source, text);
	assert_int_equal(build_aliases(source, NULL, NULL, &report, &why), 0);
}

static void
clean(void)
{
	unlink(source);
	unlink(compiled);
	unlink(list);
	unlink(other);
}

static struct world *
make_world(const char *delimiter)
{
	static const char *const local[] = { "example.org", "localhost" };
	struct world *w = calloc(1, sizeof(*w));
	struct conf_domain d;
	size_t i;

	assert_non_null(w);
	w->conf.hostname = STR("mx.example.org");
	w->conf.delimiter = str_of(delimiter);
	w->conf.aliases = str_of(source);
	for (i = 0; i < 2; i++) {
		memset(&d, 0, sizeof(d));
		d.name = str_of(local[i]);
		d.class = CLASS_LOCAL;
		vec_push(&w->arena, &w->conf.domains, d);
	}
	w->book = alias_book_new(&w->conf);
	return w;
}

static void
free_world(struct world *w)
{
	alias_book_free(w->book);
	arena_free(&w->arena);
	free(w);
	clean();
}

/* "a@b c@d", or "!550 4.6". */
static void
expand(struct world *w, const char *text, address_vec *out, struct buf *told)
{
	struct address a;
	struct fault why;
	size_t i;

	buf_reset(told);
	if (address_parse(&w->arena, str_of(text), true, &a, &why) == -1)
		fail_msg("%s: %s", text, why.text);
	if (alias_expand(w->book, &w->arena, &a, out, &why) == -1) {
		buf_printf(told, "!%d %d.%d", why.reply, why.subject,
		    why.detail);
		return;
	}
	for (i = 0; i < out->n; i++) {
		if (i > 0)
			buf_putc(told, ' ');
		address_put(told, &out->p[i]);
	}
}

static void
expect(struct world *w, const char *text, const char *want)
{
	address_vec out = { 0 };
	struct buf told;

	buf_init(&told);
	expand(w, text, &out, &told);
	if (strcmp(buf_cstr(&told), want) != 0)
		print_error("%s: \"%s\"\n", text, buf_cstr(&told));
	assert_string_equal(buf_cstr(&told), want);
	buf_free(&told);
}

static const char aliases[] =
    "postmaster: root\n"
    "plain: daemon\n"
    "jo\u0308rg: daemon\n\u00c5sa: bin@far.example\n"
    "Upper: Daemon, BIN@Example.org\n"
    "two: daemon, bin, daemon@localhost\n"
    "far: Alice@far.example, bob@FAR.example, bob@far.example\n"
    "mixed: two, far, \"a b\"@far.example, Some One <x@y.example>\n"
    "chain1: chain2\nchain2: chain3\nchain3: bin\n"
    "root: root, admin@far.example\n"
    "bin: \\bin, far\n"
    "ring1: ring2\nring2: ring3\nring3: ring1\n"
    "ring4: ring1, daemon\n"
    "selfless: selfless\n"
    "dead: nosuchuser, daemon\n"
    "\"odd name\": nobody\n"
    "u+ext: far\n"
    "ext: daemon+inner\n"
    "stopped: \\plain\n"
    "back: \\daemon@example.org, \\bob@far.example\n"
    "program: |cmd\nfile: /var/mail/x\nbroken: @\nempty: <>\n"
    "quote: \"a\n"
    "deeper: program\n";

static void
expansions(void **state)
{
	static const struct {
		const char	*given;
		const char	*want;
	} rows[] = {
		/* not local */
		{ "a@far.example", "a@far.example" },
		{ "Plain@far.example", "Plain@far.example" },
		{ "plain@[192.0.2.1]", "plain@[192.0.2.1]" },
		/* in whatever form: RFC 6532 3.1 */
		{ "jo\u0308rg", "daemon@mx.example.org" },
		{ "J\u00f6rg+x@example.org", "daemon@mx.example.org" },
		{ "A\u030asa", "bin@far.example" },
		{ "\u212bSA", "bin@far.example" },
		{ "jo\u0308rg@far.example", "jo\u0308rg@far.example" },
		/* users */
		{ "daemon", "daemon@mx.example.org" },
		{ "daemon@example.org", "daemon@example.org" },
		{ "DAEMON@EXAMPLE.ORG", "daemon@example.org" },
		{ "daemon@mx.example.org", "daemon@mx.example.org" },
		{ "daemon+Ext@localhost", "daemon+Ext@localhost" },
		{ "daemon+@localhost", "daemon+@localhost" },
		{ "daemon+a+b@localhost", "daemon+a+b@localhost" },
		{ "nosuchuser", "!550 1.1" },
		{ "nosuchuser+x@example.org", "!550 1.1" },
		{ "\"+x\"@example.org", "!550 1.1" },
		{ "-daemon@example.org", "!550 1.1" },
		{ "\"daemon \"@example.org", "!550 1.1" },
		{ "\"../daemon\"@example.org",
		    "!550 1.1" },
		{ "/daemon", "!550 1.1" },
		{ "\"|cmd\"@example.org", "!550 1.1" },
		{ "\":include:/etc/passwd\"@localhost", "!550 1.1" },
		{ "\"@\"@localhost", "!550 1.1" },
		/* aliases */
		{ "plain", "daemon@mx.example.org" },
		{ "plain@example.org", "daemon@mx.example.org" },
		{ "PLAIN+x@example.org", "daemon@mx.example.org" },
		{ "upper", "daemon@mx.example.org bin@mx.example.org"
		    " Alice@far.example bob@far.example" },
		{ "far", "Alice@far.example bob@far.example" },
		{ "two", "daemon@mx.example.org bin@mx.example.org"
		    " Alice@far.example bob@far.example" },
		{ "mixed", "\"a b\"@far.example x@y.example"
		    " daemon@mx.example.org Alice@far.example"
		    " bob@far.example bin@mx.example.org" },
		{ "\"odd name\"@example.org", "nobody@mx.example.org" },
		{ "u+ext@example.org",
		    "Alice@far.example bob@far.example" },
		{ "u+other@example.org", "!550 1.1" },
		{ "ext", "daemon+inner@mx.example.org" },
		{ "back", "daemon@example.org bob@far.example" },
		/* names that come back */
		{ "root", "root@mx.example.org admin@far.example" },
		{ "postmaster@example.org",
		    "root@mx.example.org admin@far.example" },
		{ "bin", "bin@mx.example.org Alice@far.example"
		    " bob@far.example" },
		{ "chain1", "bin@mx.example.org Alice@far.example"
		    " bob@far.example" },
		{ "ring1", "!550 4.6" },
		{ "ring4", "daemon@mx.example.org" },
		{ "selfless", "!550 1.1" },
		{ "stopped", "!550 1.1" },
		{ "dead", "!550 1.1" },
		/* what cannot be used waits */
		{ "program", "!451 3.5" },
		{ "file", "!451 3.5" },
		{ "broken", "!451 3.5" },
		{ "empty", "!451 3.5" },
		{ "quote", "!451 3.5" },
		{ "deeper", "!451 3.5" },
	};
	struct world *w = make_world("+");
	size_t i;

	(void)state;
	compile(aliases);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		expect(w, rows[i].given, rows[i].want);
	free_world(w);
}

static void
without_duplicates_in_out(void **state)
{
	struct world *w = make_world("+");
	address_vec out = { 0 };
	struct buf told;

	(void)state;
	compile("team: daemon, a@far.example\nloop: loop2\nloop2: loop\n"
	    "many: a@far.example, b@x.example, c@x.example, d@x.example,"
	    " e@x.example, f@x.example, g@x.example, h@x.example,"
	    " i@x.example, daemon, b@X.example, B@x.example\n");
	buf_init(&told);
	expand(w, "daemon@localhost", &out, &told);
	expand(w, "team", &out, &told);
	assert_string_equal(buf_cstr(&told),
	    "daemon@localhost a@far.example");
	/* All there already is no loop; a failure leaves out as it is. */
	expand(w, "team", &out, &told);
	assert_int_equal(out.n, 2);
	expand(w, "loop", &out, &told);
	assert_string_equal(buf_cstr(&told), "!550 4.6");
	assert_int_equal(out.n, 2);
	expand(w, "many", &out, &told);
	assert_int_equal(out.n, 2 + 9);
	expand(w, "many", &out, &told);
	assert_int_equal(out.n, 2 + 9);
	buf_free(&told);
	free_world(w);
}

static void
the_delimiter(void **state)
{
	struct world *w = make_world("-");

	(void)state;
	compile("list: daemon\nlist-owner: bin\n");
	expect(w, "list-x", "daemon@mx.example.org");
	expect(w, "list-owner", "bin@mx.example.org");
	expect(w, "list-owner-x", "daemon@mx.example.org");
	expect(w, "daemon+x", "!550 1.1");
	expect(w, "daemon-x", "daemon-x@mx.example.org");
	/* A user whose name holds the delimiter is that user. */
	expect(w, "www-data", "www-data@mx.example.org");
	free_world(w);
	w = make_world("");
	expect(w, "daemon+x", "!550 1.1");
	free_world(w);
}

static void
postmaster_always_works(void **state)
{
	struct world *w = make_world("+");

	(void)state;
	expect(w, "Postmaster", "root@mx.example.org");
	expect(w, "postmaster@example.org", "root@example.org");
	free_world(w);
	w = make_world("+");
	compile("root: postmaster\n");
	expect(w, "postmaster", "root@mx.example.org");
	expect(w, "root", "root@mx.example.org");
	free_world(w);
}

static void
missing_files(void **state)
{
	struct world *w = make_world("+");

	(void)state;
	/* Neither: no aliases. */
	expect(w, "daemon", "daemon@mx.example.org");
	free_world(w);

	/* Only the source: somebody forgot newaliases. */
	w = make_world("+");
	spell_out(source, "plain: daemon\n");
	expect(w, "plain", "!451 3.0");
	expect(w, "daemon", "!451 3.0");
	expect(w, "a@far.example", "a@far.example");
	compile("plain: daemon\n");
	expect(w, "plain", "daemon@mx.example.org");
	free_world(w);

	/* Only the compiled file: good enough. */
	w = make_world("+");
	compile("plain: daemon\n");
	unlink(source);
	expect(w, "plain", "daemon@mx.example.org");
	free_world(w);

	/* A damaged one is never "no such alias". */
	w = make_world("+");
	spell_out(compiled, "rubbish");
	expect(w, "plain", "!451 3.0");
	expect(w, "nosuchuser", "!451 3.0");
	free_world(w);

	w = make_world("+");
	alias_book_free(w->book);
	w->conf.aliases = STR_NONE;
	w->book = alias_book_new(&w->conf);
	alias_book_warm(w->book);
	expect(w, "daemon", "daemon@mx.example.org");
	free_world(w);
	alias_book_free(NULL);
}

static void
sees_a_change(void **state)
{
	struct world *w = make_world("+");

	(void)state;
	compile("plain: daemon\n");
	alias_book_warm(w->book);
	expect(w, "plain", "daemon@mx.example.org");
	compile("plain: bin\n");
	usleep(1100 * 1000);
	expect(w, "plain", "bin@mx.example.org");
	unlink(compiled);
	usleep(1100 * 1000);
	expect(w, "plain", "!451 3.0");
	free_world(w);
}

/* An alias of n members, or a chain of n links that ends in daemon. */
static void
compile_generated(unsigned n, const char *format, bool chain)
{
	struct buf b;
	unsigned i;

	buf_init(&b);
	if (!chain)
		buf_putz(&b, "big:");
	for (i = 0; i < n; i++)
		if (chain)
			buf_printf(&b, "c%u: %s%u\n", i,
			    i + 1 < n ? "c" : "daemon+", i + 1);
		else
			buf_printf(&b, "%s u%u@%s", i > 0 ? "," : "", i,
			    format);
	compile(buf_cstr(&b));
	buf_free(&b);
}

static void
limits(void **state)
{
	struct world *w = make_world("+");
	address_vec out = { 0 };
	struct buf told;

	(void)state;
	buf_init(&told);
	compile_generated(ALIAS_DEPTH_MAX, "", true);
	expect(w, "c0", "daemon+50@mx.example.org");
	free_world(w);

	w = make_world("+");
	compile_generated(ALIAS_DEPTH_MAX + 1, "", true);
	expect(w, "c0", "!550 4.6");
	expect(w, "c1", "daemon+51@mx.example.org");
	free_world(w);

	w = make_world("+");
	compile_generated(ALIAS_EXPANSIONS_MAX - 1, "x.example", false);
	expand(w, "big", &out, &told);
	assert_int_equal(out.n, ALIAS_EXPANSIONS_MAX - 1);
	free_world(w);

	w = make_world("+");
	compile_generated(ALIAS_EXPANSIONS_MAX, "x.example", false);
	expect(w, "big", "!451 3.5");
	free_world(w);
	buf_free(&told);
}

static void
included_files(void **state)
{
	struct world *w = make_world("+");
	char text[512];

	(void)state;
	snprintf(text, sizeof(text), "members: :include:%s, bin\n"
	    "second: \":include:%s\"\nrel: :include:list\n"
	    "gone: :include:%s.none\ntwice: members, second\n", list, other,
	    list);
	compile(text);
	spell_out(list, "# members\r\n\n  # more\n a@far.example, daemon\r\n"
	    "members\n\"b c\"@far.example (he, too)");
	/* "members" names itself, and there is no user of that name. */
	expect(w, "members", "!550 1.1");
	spell_out(list, "# members\r\n\n  # more\n a@far.example, daemon\r\n"
	    "second\n\"b c\"@far.example (he, too)");
	spell_out(other, "d@far.example\n");
	expect(w, "members", "bin@mx.example.org a@far.example"
	    " daemon@mx.example.org \"b c\"@far.example d@far.example");
	expect(w, "twice", "bin@mx.example.org a@far.example"
	    " daemon@mx.example.org \"b c\"@far.example d@far.example");
	spell_out(other, "");
	expect(w, "second", "!550 4.6");
	expect(w, "rel", "!451 3.5");
	expect(w, "gone", "!451 3.5");
	free_world(w);
}

static void
untrusted_includes(void **state)
{
	static const char *const contents[] = {
		"|cmd", "/file", ":include:/etc/motd", "\"|cmd\"", "a@",
		"\"", "ok@far.example\n(",
	};
	struct world *w = make_world("+");
	char text[128];
	size_t i;

	(void)state;
	snprintf(text, sizeof(text), "members: :include:%s\n", list);
	compile(text);
	for (i = 0; i < sizeof(contents) / sizeof(contents[0]); i++) {
		spell_out(list, contents[i]);
		expect(w, "members", "!451 3.5");
	}
	spell_out(list, "a@far.example");
	expect(w, "members", "a@far.example");
	assert_int_equal(chmod(list, 0664), 0);
	expect(w, "members", "!451 3.5");
	assert_int_equal(chmod(list, 0646), 0);
	expect(w, "members", "!451 3.5");
	assert_int_equal(chmod(list, 0644), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(list, 1, 1), 0);
		expect(w, "members", "!451 3.5");
		assert_int_equal(chown(source, 1, 1), 0);
		expect(w, "members", "a@far.example");
	}
	assert_int_equal(truncate(list, ALIAS_INCLUDE_MAX + 1), 0);
	expect(w, "members", "!451 3.5");
	assert_int_equal(rename(list, other), 0);
	assert_int_equal(symlink(other, list), 0);
	expect(w, "members", "!451 3.5");
	unlink(list);
	assert_int_equal(mkfifo(list, 0600), 0);
	expect(w, "members", "!451 3.5");
	free_world(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(expansions),
		cmocka_unit_test(without_duplicates_in_out),
		cmocka_unit_test(the_delimiter),
		cmocka_unit_test(postmaster_always_works),
		cmocka_unit_test(missing_files),
		cmocka_unit_test(sees_a_change),
		cmocka_unit_test(limits),
		cmocka_unit_test(included_files),
		cmocka_unit_test(untrusted_includes),
	};
	int failed;

	if (mkdtemp(dir) == NULL)
		return 1;
	snprintf(source, sizeof(source), "%s/aliases", dir);
	snprintf(compiled, sizeof(compiled), "%s/aliases.db", dir);
	snprintf(list, sizeof(list), "%s/list", dir);
	snprintf(other, sizeof(other), "%s/other", dir);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	clean();
	rmdir(dir);
	return failed;
}
