/* SPDX-License-Identifier: ISC */
/*
 * Command lines of sendmail, among them those that the programs of Debian 12
 * use, and those that make no sense.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "client/options.h"

#define WORDS	12

struct row {
	const char	*argv[WORDS];
	/* What describe() makes of it; the recipients come last. */
	const char	*expected;
};

static const char *const mode_names[] = {
	[MODE_SEND] = "send", [MODE_SMTP] = "smtp", [MODE_QUEUE] = "queue",
	[MODE_COUNT] = "count", [MODE_FLUSH] = "flush",
	[MODE_ALIASES] = "aliases", [MODE_DAEMON] = "daemon",
	[MODE_VERIFY] = "verify", [MODE_NOTHING] = "nothing",
	[MODE_HELP] = "help", [MODE_VERSION] = "version",
};
static const char *const complaint_names[] = {
	[COMPLAIN_MAIL] = "", [COMPLAIN_PRINT] = " print",
	[COMPLAIN_QUIETLY] = " quiet",
};

static void
put_named(struct buf *b, const char *name, const char *value)
{
	if (value != NULL)
		buf_printf(b, " %s=%s", name, value);
}

static void
describe(struct buf *b, const struct options *o)
{
	buf_putz(b, mode_names[o->mode]);
	buf_putz(b, complaint_names[o->complaint]);
	buf_putz(b, o->rmail ? " rmail" : "");
	buf_putz(b, o->from_header ? " t" : "");
	buf_putz(b, o->dot_is_text ? " i" : "");
	buf_putz(b, o->verbose ? " v" : "");
	buf_putz(b, o->json ? " json" : "");
	put_named(b, "C", o->config);
	put_named(b, "A", o->aliases);
	put_named(b, "f", o->sender);
	put_named(b, "F", o->full_name);
	put_named(b, "id", o->queue_id);
	buf_putz(b, ":");
	for (size_t i = 0; i < o->recipients.n; i++)
		buf_printf(b, " %s", o->recipients.p[i]);
}

static void
check(const struct row *row)
{
	struct arena a = { 0 };
	struct options o;
	struct fault why;
	struct buf b = { 0 };
	int argc = 0;

	while (argc < WORDS && row->argv[argc] != NULL)
		argc++;
	if (options_parse(&a, argc, (char *const *)(uintptr_t)row->argv, &o,
	    &why) == 0) {
		describe(&b, &o);
	} else {
		assert_int_equal(why.kind, FAULT_PERMANENT);
		buf_printf(&b, "! %s", why.text);
	}
	if (strcmp(buf_cstr(&b), row->expected) != 0)
		fail_msg("%s %s: got \"%s\", expected \"%s\"", row->argv[0],
		    row->argv[1] == NULL ? "" : row->argv[1], buf_cstr(&b),
		    row->expected);
	buf_free(&b);
	arena_free(&a);
}

static void
test_callers(void **state)
{
	static const struct row rows[] = {
		/* cron, anacron, atd */
		{ { "/usr/sbin/sendmail", "-FCronDaemon", "-i", "-B8BITMIME",
		    "-oem", "root" }, "send i F=CronDaemon: root" },
		{ { "sendmail", "-FAnacron", "-odi", "root" },
		    "send F=Anacron: root" },
		{ { "sendmail", "-i", "root" }, "send i: root" },
		/* bsd-mailx, s-nail, mutt */
		{ { "sendmail", "-i", "-t", "-f", "a@b", "-m", "-v" },
		    "send t i v f=a@b:" },
		{ { "sendmail", "-i", "-m", "-f", "a@b", "-F", "A B", "--",
		    "-c" }, "send i f=a@b F=A B: -c" },
		{ { "sendmail", "-oem", "-oi", "-f", "a@b", "-N",
		    "failure,delay", "-R", "hdrs", "-B8BITMIME", "--", "c" },
		    "send i f=a@b: c" },
		/* PHP, unattended-upgrades, fail2ban */
		{ { "sendmail", "-t", "-i", "-fa@b" }, "send t i f=a@b:" },
		{ { "sendmail", "-oi", "-t" }, "send t i:" },
		{ { "sendmail", "-f", "<a@b>", "c@d" },
		    "send f=<a@b>: c@d" },
		{ { "sendmail", "-bs" }, "smtp:" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check(&rows[i]);
}

static void
test_options(void **state)
{
	static const struct row rows[] = {
		{ { NULL }, "send:" },
		{ { "sendmail" }, "send:" },
		{ { "sendmail", "-" }, "send: -" },
		{ { "sendmail", "--" }, "send:" },
		{ { "sendmail", "a", "-t" }, "send: a -t" },
		{ { "sendmail", "-ti" }, "send t i:" },
		{ { "sendmail", "-tif", "x", "y" }, "send t i f=x: y" },
		{ { "sendmail", "-f", "", "x" }, "send f=: x" },
		{ { "sendmail", "-r", "<>", "x" }, "send f=<>: x" },
		{ { "sendmail", "-f", "-i", "x" }, "send f=-i: x" },
		{ { "sendmail", "-oitrue" }, "send i:" },
		{ { "sendmail", "-i", "-oifalse" }, "send:" },
		{ { "sendmail", "-o", "i", "x" }, "send i: x" },
		{ { "sendmail", "-OIgnoreDots=yes" }, "send i:" },
		{ { "sendmail", "-O", "DeliveryMode=b", "x" }, "send: x" },
		{ { "sendmail", "-oeq" }, "send quiet:" },
		{ { "sendmail", "-e", "p" }, "send print:" },
		{ { "sendmail", "-OErrorMode=q" }, "send quiet:" },
		{ { "sendmail", "-oep", "-oew" }, "send:" },
		{ { "sendmail", "-oQ/var/q", "-oA/etc/al", "-bi" },
		    "aliases A=/etc/al:" },
		{ { "sendmail", "-C", "/x", "-bp" }, "queue C=/x:" },
		{ { "sendmail", "-bpc" }, "count:" },
		{ { "sendmail", "-bpru" }, "queue:" },
		{ { "sendmail", "-I" }, "aliases:" },
		{ { "sendmail", "-b", "v", "a", "b" }, "verify: a b" },
		{ { "sendmail", "-bd", "-q30m" }, "daemon:" },
		{ { "sendmail", "-q30m", "-bd" }, "daemon:" },
		{ { "sendmail", "-q" }, "flush:" },
		{ { "sendmail", "-q", "-v" }, "flush v:" },
		{ { "sendmail", "-qIABC" }, "flush id=ABC:" },
		{ { "sendmail", "-qI", "ABC" }, "flush id=ABC:" },
		{ { "sendmail", "-qRexample.org" }, "flush:" },
		{ { "sendmail", "-d", "0.1" }, "send: 0.1" },
		{ { "sendmail", "-d0.1", "x" }, "send: x" },
		{ { "sendmail", "-X", "/log", "-V", "id", "-L", "tag", "-h",
		    "5", "-p", "smtp", "x" }, "send: x" },
		{ { "sendmail", "-U", "-G", "-Am", "-n", "-x", "-m", "x" },
		    "send: x" },
		{ { "sendmail", "-bh" }, "nothing:" },
		{ { "sendmail", "--help" }, "help:" },
		{ { "sendmail", "--version" }, "version:" },
		{ { "sendmail", "-bV" }, "version:" },
		/* unknown, and passed over with the rest of the word */
		{ { "sendmail", "-4", "x" }, "send: x" },
		{ { "sendmail", "-auser", "x" }, "send: x" },
		{ { "sendmail", "-tau", "x" }, "send t: x" },
		{ { "sendmail", "--colour", "x" }, "send: x" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check(&rows[i]);
}

static void
test_names(void **state)
{
	static const struct row rows[] = {
		{ { "" }, "send:" },
		{ { "/usr/bin/mailq" }, "queue:" },
		{ { "mailq", "-j" }, "queue json:" },
		{ { "mailq", "--json" }, "queue json:" },
		{ { "mailq", "-q" }, "queue:" },
		{ { "./newaliases" }, "aliases:" },
		{ { "runq" }, "flush:" },
		{ { "rmail", "a!b" }, "send rmail i: a!b" },
		{ { "send-mail", "x" }, "send: x" },
		{ { "dir/", "x" }, "send: x" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check(&rows[i]);
}

static void
test_garbage(void **state)
{
	static const struct row rows[] = {
		{ { "sendmail", "-f" },
		    "! option requires an argument -- f" },
		{ { "sendmail", "-ti", "-tF" },
		    "! option requires an argument -- F" },
		{ { "sendmail", "-b" },
		    "! option requires an argument -- b" },
		{ { "sendmail", "-qI" },
		    "! option requires an argument -- qI" },
		{ { "sendmail", "-o" },
		    "! option requires an argument -- o" },
		{ { "sendmail", "-bz" }, "! there is no mode -bz" },
		{ { "sendmail", "-b", "" }, "! there is no mode -b" },
		{ { "sendmail", "-bsx" }, "! there is no mode -bsx" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check(&rows[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_callers),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
