/* SPDX-License-Identifier: ISC */
/*
 * policy/rule: configurations and facts, verdicts and what was written down.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/listener.h"
#include "conf/rule.h"
#include "policy/rule.h"

/* What the facts of a row are, where it says nothing. */
#define CLIENT	"192.0.2.1"
#define HELO	"mx.example.net"
#define FROM	"ann@example.net"
#define TO	"joe@example.org"

enum { NONE = VERDICT_NONE, ACCEPT = VERDICT_ACCEPT, HOLD = VERDICT_HOLD,
    DISCARD = VERDICT_DISCARD, REFUSE = VERDICT_REFUSE,
    DEFER = -1 };

struct row {
	const char	*rules;
	enum rule_stage	 stage;
	const char	*client, *helo, *from, *to, *login, *name;
	const char	*at;		/* the listener, as after "on" */
	uint64_t	 declared, size;
	bool		 secure, submission;
	bool		 spoken;	/* for, at the end */
	int		 kind;
	unsigned	 line;		/* of the rule that decides */
	int		 reply;
	const char	*trace;		/* answers: n, y, l; NULL: any */
};

/* Rules are line 1. */
#define LISTENS	"\nlisten smtp on 192.0.2.9 as inside\n" \
    "listen smtp on 2525\nlisten smtp on 192.0.2.9:26"

#define AT	.stage

static const struct row rows[] = {
	/* Nothing is said, nothing is done. */
	{ "", STAGE_RCPT, .kind = NONE, .trace = "" },
	{ "reject client in 198.51.100.0/24", STAGE_RCPT, .kind = NONE,
	    .trace = "n" },
	/* The first that holds decides. */
	{ "reject client in 192.0.2.0/24", STAGE_RCPT, .kind = REFUSE,
	    .line = 1, .reply = 554, .trace = "y" },
	{ "accept client 192.0.2.1\nreject", STAGE_RCPT, .kind = ACCEPT,
	    .line = 1, .trace = "y" },
	{ "reject\naccept client 192.0.2.1", STAGE_RCPT, .kind = REFUSE,
	    .line = 1, .reply = 554, .trace = "y" },
	{ "reject from @b.example\ndefer\nreject", STAGE_RCPT,
	    .kind = REFUSE, .line = 2, .reply = 450, .trace = "ny" },
	{ "hold to joe@example.org\nreject", STAGE_RCPT, .kind = HOLD,
	    .line = 1 },
	{ "discard to joe@example.org\nreject", STAGE_RCPT, .kind = DISCARD,
	    .line = 1 },
	{ "header \"A: b\"\nheader \"C: d\"", STAGE_RCPT, .kind = NONE,
	    .trace = "yy" },
	{ "header \"A: b\"\nreject", STAGE_RCPT, .kind = REFUSE, .line = 2,
	    .reply = 554, .trace = "yy" },
	/* All conditions, any value, and not. */
	{ "reject client 192.0.2.1 from @b.example", STAGE_RCPT,
	    .kind = NONE },
	{ "reject client 192.0.2.1 and from @example.net to @example.org",
	    STAGE_RCPT, .kind = REFUSE, .line = 1, .reply = 554 },
	{ "reject client 198.51.100.1 or 192.0.2.1", STAGE_RCPT,
	    .kind = REFUSE, .line = 1, .reply = 554 },
	{ "reject not client 198.51.100.1", STAGE_RCPT, .kind = REFUSE,
	    .line = 1, .reply = 554 },
	{ "reject not client 192.0.2.1 or 198.51.100.1", STAGE_RCPT,
	    .kind = NONE },
	/* Client. */
	{ "reject client 2001:db8::/32", STAGE_RCPT, .client = "2001:db8::1",
	    .kind = REFUSE, .line = 1, .reply = 554 },
	{ "reject client 0.0.0.0/0", STAGE_RCPT, .client = "2001:db8::1",
	    .kind = NONE },
	{ "reject client 0.0.0.0/0 or ::/0", STAGE_RCPT, .client = "",
	    .kind = NONE },
	{ "reject local", STAGE_RCPT, .client = "", .kind = REFUSE,
	    .line = 1, .reply = 554 },
	{ "reject local", STAGE_RCPT, .kind = NONE },
	{ "reject client named *.dyn.example", STAGE_RCPT,
	    .name = "1-2.DYN.example", .kind = REFUSE, .line = 1,
	    .reply = 554 },
	{ "reject client named *.dyn.example", STAGE_RCPT,
	    .name = "dyn.example", .kind = NONE },
	{ "reject client named *", STAGE_RCPT, .name = "unknown",
	    .kind = REFUSE, .line = 1, .reply = 554 },
	{ "reject client named unknown", STAGE_RCPT, .kind = REFUSE,
	    .line = 1, .reply = 554 },
	/* Names and logins. */
	{ "reject helo MX.*.net", STAGE_RCPT, .kind = REFUSE, .line = 1,
	    .reply = 554 },
	{ "reject helo *mx*example*t*", STAGE_RCPT, .kind = REFUSE,
	    .line = 1, .reply = 554 },
	{ "reject helo mx.example.ne", STAGE_RCPT, .kind = NONE },
	{ "reject helo x.example.net", STAGE_RCPT, .kind = NONE },
	{ "reject not helo *.*", STAGE_RCPT, .helo = "friend",
	    .kind = REFUSE, .line = 1, .reply = 554 },
	{ "reject helo [127.*]", STAGE_RCPT, .helo = "[127.0.0.1]",
	    .kind = REFUSE, .line = 1, .reply = 554 },
	/* What is ours, and nobody else's: hostname and local domains, */
	{ "reject helo forged", STAGE_RCPT, .helo = "HOST.example.ORG",
	    .kind = REFUSE, .line = 1, .reply = 554 },
	{ "reject helo forged", STAGE_RCPT, .helo = "localhost",
	    .kind = REFUSE, .line = 1, .reply = 554 },
	{ "reject helo forged\ndomain b.example local", STAGE_RCPT,
	    .helo = "b.example.", .kind = REFUSE, .line = 1, .reply = 554 },
	{ "reject helo forged", STAGE_RCPT, .helo = "x.host.example.org",
	    .kind = NONE },
	/* addresses, in brackets or not. */
	{ "reject helo forged" LISTENS, STAGE_RCPT, .helo = "[192.0.2.9]",
	    .at = "inside", .kind = REFUSE, .line = 1, .reply = 554 },
	{ "reject helo forged" LISTENS, STAGE_RCPT, .helo = "192.0.2.9",
	    .at = "inside", .kind = REFUSE, .line = 1, .reply = 554 },
	{ "reject helo forged" LISTENS, STAGE_RCPT, .helo = "[192.0.2.9]",
	    .at = "2525", .kind = NONE },
	{ "reject helo forged", STAGE_RCPT, .helo = "[IPv6:::1]",
	    .kind = REFUSE, .line = 1, .reply = 554 },
	{ "reject helo forged", STAGE_RCPT, .helo = "[127.1.2.3]",
	    .kind = REFUSE, .line = 1, .reply = 554 },
	{ "reject helo forged", STAGE_RCPT, .helo = "[192.0.2.1]",
	    .kind = NONE },
	/* This machine may call itself so. */
	{ "reject helo forged", STAGE_RCPT, .helo = "host.example.org",
	    .client = "", .kind = NONE },
	{ "reject helo forged", STAGE_RCPT, .helo = "localhost",
	    .client = "127.0.0.1", .kind = NONE },
	{ "reject helo forged" LISTENS, STAGE_RCPT, .at = "inside",
	    .helo = "localhost", .client = "192.0.2.9", .kind = NONE },
	{ "reject helo malformed", STAGE_RCPT, .helo = "192.0.2.1",
	    .kind = REFUSE, .line = 1, .reply = 554 },
	{ "reject helo malformed", STAGE_RCPT, .helo = "7",
	    .kind = REFUSE, .line = 1, .reply = 554 },
	{ "reject helo malformed", STAGE_RCPT, .helo = "-a.example",
	    .kind = REFUSE, .line = 1, .reply = 554 },
	{ "reject helo malformed", STAGE_RCPT, .helo = "a..example",
	    .kind = REFUSE, .line = 1, .reply = 554 },
	{ "reject helo malformed", STAGE_RCPT, .helo = "[192.0.2.256]",
	    .kind = REFUSE, .line = 1, .reply = 554 },
	{ "reject helo malformed", STAGE_RCPT, .helo = "a!b",
	    .kind = REFUSE, .line = 1, .reply = 554 },
	{ "reject helo malformed", STAGE_RCPT, .helo = "my_pc.7-a",
	    .kind = NONE },
	{ "reject helo malformed", STAGE_RCPT, .helo = "friend",
	    .kind = NONE },
	{ "reject helo malformed", STAGE_RCPT, .helo = "[IPv6:2001:db8::1]",
	    .kind = NONE },
	{ "reject not helo malformed or forged", STAGE_RCPT,
	    .kind = REFUSE, .line = 1, .reply = 554 },
	{ "accept login bob from bob@*", STAGE_RCPT, .login = "Bob",
	    .from = "bob@b.example", .kind = ACCEPT, .line = 1 },
	{ "accept login J\u00f6rg", STAGE_RCPT, .login = "jo\u0308RG",
	    .kind = ACCEPT, .line = 1 },
	{ "accept login jo\u0308rg@b\u00fccher.example", STAGE_RCPT,
	    .login = "J\u00f6rg@B\u00fccher.Example", .kind = ACCEPT,
	    .line = 1 },
	{ "accept login *@xn--bcher-kva.example", STAGE_RCPT,
	    .login = "j\u00f6rg@b\u00fccher.example", .kind = ACCEPT,
	    .line = 1 },
	{ "accept login J\u00f6rg", STAGE_RCPT, .login = "jorg",
	    .kind = NONE },
	{ "accept login @xn--bcher-kva.example", STAGE_RCPT,
	    .login = "j\u00f6rg@b\u00fccher.example", .kind = ACCEPT,
	    .line = 1 },
	{ "accept login @b.example", STAGE_RCPT, .login = "ann@x.b.example",
	    .kind = NONE },
	{ "accept login *", STAGE_RCPT, .kind = NONE },
	{ "accept login *", STAGE_RCPT, .login = "x", .kind = ACCEPT,
	    .line = 1 },
	{ "reject not secure", STAGE_RCPT, .kind = REFUSE, .line = 1,
	    .reply = 554 },
	{ "reject not secure", STAGE_RCPT, .secure = true, .kind = NONE },
	{ "reject on submission", STAGE_RCPT, .kind = NONE },
	{ "reject on submission", STAGE_RCPT, .submission = true,
	    .kind = REFUSE, .line = 1, .reply = 554 },
	/* Two listeners of one service. */
	{ "reject on inside" LISTENS, STAGE_RCPT, .at = "192.0.2.9:25",
	    .kind = REFUSE, .line = 1, .reply = 554 },
	{ "reject on inside" LISTENS, STAGE_RCPT, .at = "2525",
	    .kind = NONE },
	{ "reject on 2525" LISTENS, STAGE_RCPT, .at = "[::]:2525",
	    .kind = REFUSE, .line = 1, .reply = 554 },
	{ "reject on 2525" LISTENS, STAGE_RCPT, .at = "inside",
	    .kind = NONE },
	{ "reject on 192.0.2.9" LISTENS, STAGE_RCPT, .at = "inside",
	    .kind = REFUSE, .line = 1, .reply = 554 },
	{ "reject on 192.0.2.9:26 or ::" LISTENS, STAGE_RCPT,
	    .at = "inside", .kind = NONE },
	{ "reject not on :2525" LISTENS, STAGE_RCPT, .at = "inside",
	    .kind = REFUSE, .line = 1, .reply = 554 },
	{ "reject on smtp" LISTENS, STAGE_RCPT, .at = "inside",
	    .kind = REFUSE, .line = 1, .reply = 554 },
	/* The local socket is on none, and not on another one. */
	{ "reject on inside or 2525 or :: or 192.0.2.9" LISTENS,
	    STAGE_RCPT, .client = "", .kind = NONE },
	{ "reject not on inside" LISTENS, STAGE_RCPT, .client = "",
	    .kind = NONE, .trace = "n" },
	{ "reject not on submission or 2525" LISTENS, STAGE_RCPT,
	    .client = "", .kind = NONE },
	{ "reject not on submission" LISTENS, STAGE_RCPT, .client = "",
	    .kind = REFUSE, .line = 1, .reply = 554 },
	{ "reject not on smtp or inside" LISTENS, STAGE_RCPT, .client = "",
	    .kind = NONE },
	/* Addresses. */
	{ "reject from ANN@Example.Net", STAGE_RCPT, .kind = REFUSE,
	    .line = 1, .reply = 554 },
	{ "reject from ann@*", STAGE_RCPT, .kind = REFUSE, .line = 1,
	    .reply = 554 },
	{ "reject from a*n@example.net", STAGE_RCPT, .kind = REFUSE,
	    .line = 1, .reply = 554 },
	{ "reject from @*.net", STAGE_RCPT, .kind = REFUSE, .line = 1,
	    .reply = 554 },
	{ "reject from @*.example.net", STAGE_RCPT, .kind = NONE },
	{ "reject from <>", STAGE_RCPT, .kind = NONE },
	{ "reject from <>", STAGE_RCPT, .from = "<>", .kind = REFUSE,
	    .line = 1, .reply = 554 },
	{ "reject from *@*", STAGE_RCPT, .from = "<>", .kind = NONE },
	/* An address within an address is the local part of one. */
	{ "reject from @bad.example", STAGE_RCPT,
	    .from = "\"x@bad.example\"@example.net", .kind = NONE },
	{ "reject from @example.net", STAGE_RCPT,
	    .from = "\"x@bad.example\"@example.net", .kind = REFUSE,
	    .line = 1, .reply = 554 },
	{ "reject to postmaster@host.example.org", STAGE_RCPT,
	    .to = "postmaster", .kind = REFUSE, .line = 1, .reply = 554 },
	{ "reject from x@bücher.example", STAGE_RCPT,
	    .from = "x@xn--bcher-kva.example", .kind = REFUSE, .line = 1,
	    .reply = 554 },
	/* RFC 6532 3.1: in whichever form it is written. */
	{ "reject from jo\u0308rg@*", STAGE_RCPT, .from = "J\u00f6rg@b.example",
	    .kind = REFUSE, .line = 1, .reply = 554 },
	{ "reject from j\u00f6*@*", STAGE_RCPT,
	    .from = "jo\u0308rg@b.example", .kind = REFUSE, .line = 1,
	    .reply = 554 },
	{ "reject to karl@*", STAGE_RCPT, .to = "\u212aarl@example.org",
	    .kind = REFUSE, .line = 1, .reply = 554 },
	{ "reject from jorg@*", STAGE_RCPT, .from = "jo\u0308rg@b.example",
	    .kind = NONE },
	/* Sizes, declared and true.  What is declared is believed to the harm of
	 * who declares it: nobody gets in by a lie. */
	{ "reject size over 10K", STAGE_RCPT, .declared = 10241,
	    .kind = REFUSE, .line = 1, .reply = 554, .trace = "y" },
	{ "defer size over 10K", STAGE_RCPT, .declared = 10241,
	    .kind = REFUSE, .line = 1, .reply = 450, .trace = "y" },
	{ "reject size over 10K", STAGE_RCPT, .declared = 10240,
	    .kind = NONE, .trace = "l" },
	{ "reject size over 10K", STAGE_RCPT, .kind = NONE, .trace = "l" },
	{ "reject not size under 10K", STAGE_RCPT, .declared = 10240,
	    .kind = REFUSE, .line = 1, .reply = 554, .trace = "y" },
	{ "reject not size under 10K", STAGE_RCPT, .declared = 10239,
	    .kind = NONE, .trace = "l" },
	{ "reject not size over 10K", STAGE_RCPT, .declared = 1,
	    .kind = NONE, .trace = "l" },
	{ "reject not size over 10K", STAGE_RCPT, .declared = 10241,
	    .kind = NONE, .trace = "n" },
	{ "reject size under 10K", STAGE_RCPT, .declared = 1, .kind = NONE,
	    .trace = "l" },
	{ "reject size under 10K", STAGE_RCPT, .declared = 10240,
	    .kind = NONE, .trace = "n" },
	{ "accept size under 10K", STAGE_RCPT, .declared = 1, .kind = NONE,
	    .trace = "l" },
	{ "accept size under 10K", STAGE_RCPT, .declared = 10240,
	    .kind = NONE, .trace = "n" },
	{ "accept size over 10K", STAGE_RCPT, .declared = 20000,
	    .kind = NONE, .trace = "l" },
	{ "accept not size under 10K", STAGE_RCPT, .declared = 20000,
	    .kind = NONE, .trace = "l" },
	{ "hold size over 10K", STAGE_RCPT, .declared = 20000, .kind = NONE,
	    .trace = "l" },
	{ "discard size over 10K", STAGE_RCPT, .declared = 20000,
	    .kind = NONE, .trace = "l" },
	{ "accept size over 10K from @b.example", STAGE_RCPT,
	    .declared = 20000, .kind = NONE, .trace = "n" },
	{ "reject size over 10K", STAGE_END, .declared = 1, .size = 10241,
	    .kind = REFUSE, .line = 1, .reply = 554 },
	{ "reject size over 10K", STAGE_END, .declared = 20000,
	    .size = 10240, .kind = NONE, .trace = "n" },
	{ "reject size under 10K", STAGE_END, .declared = 20000,
	    .size = 10239, .kind = REFUSE, .line = 1, .reply = 554 },
	{ "accept size over 10K\nreject", STAGE_END, .size = 10241,
	    .kind = ACCEPT, .line = 1 },
	{ "reject size over 1K from @b.example", STAGE_RCPT, .kind = NONE,
	    .trace = "n" },
	/* One that must wait keeps those behind it waiting where it matters. */
	{ "accept size under 1K\nreject", STAGE_RCPT, .kind = NONE,
	    .trace = "ly" },
	{ "accept size under 1K\nreject", STAGE_RCPT, .declared = 9,
	    .kind = NONE, .trace = "ly" },
	{ "accept size under 1K\nreject", STAGE_RCPT, .declared = 1024,
	    .kind = REFUSE, .line = 2, .reply = 554, .trace = "ny" },
	{ "hold size under 1K\nreject", STAGE_RCPT, .kind = NONE },
	{ "reject size over 1K\nreject", STAGE_RCPT, .kind = REFUSE,
	    .line = 2, .reply = 554, .trace = "ly" },
	{ "reject size over 1K\nreject", STAGE_RCPT, .declared = 9,
	    .kind = REFUSE, .line = 2, .reply = 554, .trace = "ly" },
	{ "hold size under 1K\nreject size over 10K", STAGE_RCPT,
	    .declared = 20000, .kind = REFUSE, .line = 2, .reply = 554,
	    .trace = "ny" },
	{ "hold size over 1K\nreject size over 10K", STAGE_RCPT,
	    .declared = 20000, .kind = NONE, .trace = "ly" },
	{ "reject size over 1K\naccept", STAGE_RCPT, .kind = ACCEPT,
	    .line = 2, .trace = "ly" },
	{ "reject size over 1K\naccept", STAGE_RCPT, .declared = 9,
	    .kind = ACCEPT, .line = 2, .trace = "ly" },
	{ "reject size over 1K\nhold", STAGE_RCPT, .kind = HOLD, .line = 2 },
	{ "reject size over 1K\ndiscard", STAGE_RCPT, .kind = DISCARD,
	    .line = 2 },
	/* ... but whoever will be spoken for is. */
	{ "hold size over 1K\nreject size over 2K\naccept", STAGE_RCPT,
	    .kind = NONE, .spoken = true, .trace = "lly" },
	{ "hold size over 1K\naccept client 192.0.2.1\nreject", STAGE_RCPT,
	    .declared = 2000, .kind = NONE, .spoken = true, .trace = "ly" },
	{ "accept size under 1K\naccept client 198.51.100.1", STAGE_RCPT,
	    .declared = 9, .kind = NONE, .trace = "ln" },
	{ "accept size under 1K\ndiscard", STAGE_RCPT, .kind = NONE,
	    .trace = "ly" },
	{ "accept size under 1K\ndefer", STAGE_RCPT, .kind = NONE,
	    .trace = "ly" },
	{ "reject at end\naccept", STAGE_RCPT, .kind = ACCEPT, .line = 2,
	    .trace = "ly" },
	{ "header \"A: b\" size over 1K\nhold", STAGE_RCPT, .kind = HOLD,
	    .line = 2 },
	{ "header \"A: b\" size over 1K", STAGE_RCPT, .declared = 2000,
	    .kind = NONE, .trace = "l" },
	{ "accept size under 1K\nreject", STAGE_END, .size = 10,
	    .kind = ACCEPT, .line = 1 },
	{ "accept size under 1K\nreject", STAGE_END, .size = 5000,
	    .kind = REFUSE, .line = 2, .reply = 554 },
	{ "reject at end", STAGE_RCPT, .kind = NONE, .trace = "l" },
	{ "reject at end", STAGE_END, .kind = REFUSE, .line = 1,
	    .reply = 554 },
	/* Stages. */
	{ "reject client 192.0.2.1 at connect", STAGE_CONNECT,
	    .kind = REFUSE, .line = 1, .reply = 554 },
	{ "reject client 192.0.2.1 at connect", STAGE_HELLO, .kind = NONE,
	    .trace = "" },
	{ "reject client 192.0.2.1 at connect", STAGE_RCPT, .kind = NONE,
	    .trace = "" },
	{ "reject client 192.0.2.1", STAGE_CONNECT, .kind = NONE,
	    .trace = "" },
	{ "accept client 192.0.2.1\nreject at connect", STAGE_CONNECT,
	    .kind = ACCEPT, .line = 1 },
	{ "accept client 198.51.100.1\nreject at connect", STAGE_CONNECT,
	    .kind = REFUSE, .line = 2, .reply = 554 },
	{ "accept to joe@example.org\nreject at connect", STAGE_CONNECT,
	    .kind = REFUSE, .line = 2, .reply = 554, .trace = "y" },
	{ "header \"A: b\"\nreject at connect", STAGE_CONNECT,
	    .kind = REFUSE, .line = 2, .reply = 554, .trace = "y" },
	{ "accept size under 1K\nreject at mail", STAGE_MAIL,
	    .kind = REFUSE, .line = 2, .reply = 554 },
	{ "accept size under 1K\nreject at mail", STAGE_MAIL, .declared = 9,
	    .kind = REFUSE, .line = 2, .reply = 554 },
	{ "accept size over 1K\nreject at mail", STAGE_MAIL,
	    .declared = 2000, .kind = REFUSE, .line = 2, .reply = 554 },
	{ "reject size over 1K at mail", STAGE_MAIL, .declared = 1025,
	    .kind = REFUSE, .line = 1, .reply = 554 },
	{ "reject size over 1K at mail", STAGE_MAIL, .declared = 1024,
	    .kind = NONE, .trace = "l" },
	/* What is said. */
	{ "reject with \"521 no\"", STAGE_RCPT, .kind = REFUSE, .line = 1,
	    .reply = 521 },
	{ "defer with \"421 no\"", STAGE_RCPT, .kind = REFUSE, .line = 1,
	    .reply = 421 },
	/* A database that is not there is no answer. */
	{ "accept client in db /nonexistent/a.db\nreject", STAGE_RCPT,
	    .kind = REFUSE, .line = 1, .reply = 451, .trace = "f" },
	{ "header \"A: b\" client in db /nonexistent/a.db", STAGE_RCPT,
	    .kind = REFUSE, .line = 1, .reply = 451, .trace = "f" },
	/* But only if none of the others is it. */
	{ "reject client in db /nonexistent/a.db or 192.0.2.1", STAGE_RCPT,
	    .kind = REFUSE, .line = 1, .reply = 554, .trace = "y" },
	{ "reject not client in db /nonexistent/a.db or 192.0.2.1",
	    STAGE_RCPT, .kind = NONE, .trace = "n" },
	{ "reject client in db /nonexistent/a.db or 192.0.2.7", STAGE_RCPT,
	    .kind = REFUSE, .line = 1, .reply = 451, .trace = "f" },
	{ "reject from @b.example client in db /nonexistent/a.db",
	    STAGE_RCPT, .kind = NONE, .trace = "n" },
};

static struct conf *
parse(const char *rules)
{
	struct buf text = { 0 }, errors = { 0 };
	struct conf *conf;

	/* The rules begin in line 1. */
	buf_printf(&text, "%s\nhostname host.example.org\n", rules);
	conf = conf_parse("test.conf", buf_str(&text), &errors);
	if (conf == NULL)
		fail_msg("%s", buf_cstr(&errors));
	buf_free(&text);
	buf_free(&errors);
	return conf;
}

static void
read_address(struct arena *a, const char *text, const char *otherwise,
    struct address *out)
{
	struct fault why;

	if (address_parse(a, str_of(text != NULL ? text : otherwise), true,
	    out, &why) < 0)
		fail_msg("%s: %s", text, why.text);
}

static void
set_facts(const struct row *row, struct arena *a, struct facts *f,
    struct address *from, struct address *to)
{
	const char *client = row->client != NULL ? row->client : CLIENT;

	*f = (struct facts){
		.service = row->submission ? SERVICE_SUBMISSION :
		    SERVICE_SMTP,
		.local = client[0] == '\0',
		.secure = row->secure,
		.client_name = str_of(row->name),
		.helo = str_of(row->helo != NULL ? row->helo : HELO),
		.login = str_of(row->login),
		.sender = from,
		.recipient = to,
		.recipients = 1,
		.size_declared = row->declared,
		.size = row->size,
	};
	if (!f->local)
		assert_true(ip_parse(str_of(client), &f->client_ip));
	read_address(a, row->from, FROM, from);
	read_address(a, row->to, TO, to);
}

static void
check_verdict(size_t i, const struct row *row, const struct verdict *v)
{
	if ((int)v->kind != row->kind || v->spoken_for != row->spoken ||
	    (v->rule != NULL ? v->rule->line : 0) != row->line ||
	    (row->kind == REFUSE && v->why.reply != row->reply))
		fail_msg("row %zu: %s: kind %d, line %u, %s", i, row->rules,
		    (int)v->kind, v->rule != NULL ? v->rule->line : 0,
		    row->kind == REFUSE ? v->why.text : "");
}

static void
check_trace(size_t i, const struct row *row, const struct rule_trace *t)
{
	char got[64] = "";

	if (row->trace == NULL)
		return;
	for (size_t k = 0; k < t->steps.n; k++)
		got[k] = "nylf"[t->steps.p[k].answer];
	if (strcmp(got, row->trace) != 0)
		fail_msg("row %zu: %s: trace %s", i, row->rules, got);
}

static void
check(size_t i, const struct row *row)
{
	struct conf *conf = parse(row->rules);
	struct arena a = { 0 };
	struct buf errors = { 0 };
	struct lists *lists = lists_open(conf, &errors);
	struct rule_trace trace = { .arena = &a };
	struct rule_value on;
	struct address from, to;
	struct facts facts;
	struct rule_asking in = { .conf = conf, .lists = lists,
	    .facts = &facts, .stage = row->stage, .arena = &a };
	struct verdict v, again;

	assert_non_null(lists);
	set_facts(row, &a, &facts, &from, &to);
	if (row->at != NULL) {
		assert_true(listener_parse_on(&a, str_of(row->at), &on));
		facts.listener = listener_find(conf, &on);
		assert_non_null(facts.listener);
	}
	rule_judge(&in, &v);
	check_verdict(i, row, &v);
	/* To write it down changes nothing. */
	in.trace = &trace;
	rule_judge(&in, &again);
	check_verdict(i, row, &again);
	assert_int_equal(v.headers.n, again.headers.n);
	check_trace(i, row, &trace);
	lists_free(lists);
	conf_free(conf);
	buf_free(&errors);
	arena_free(&a);
}

static void
test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check(i, &rows[i]);
}

/* What is said by default, and why, in words. */
static const struct {
	const char *rule, *text, *because;
} words[] = {
	{ "reject client 192.0.2.0/24", "<unknown[192.0.2.1]>: Client host "
	    "rejected: Access denied", "client is 192.0.2.1" },
	{ "reject helo mx.*", "<mx.example.net>: Helo command rejected: "
	    "Access denied", "helo is mx.example.net" },
	{ "reject from @example.net", "<ann@example.net>: Sender address "
	    "rejected: Access denied", "from is ann@example.net" },
	{ "reject to joe@*", "<joe@example.org>: Recipient address "
	    "rejected: Access denied", "to is joe@example.org" },
	{ "reject on smtp recipients under 9 not secure with \"no\"", "no",
	    "on smtp, recipients is 1, secure: no" },
	{ "reject client 192.0.2.1 not login *", "<unknown[192.0.2.1]>: "
	    "Client host rejected: Access denied",
	    "client is 192.0.2.1, login is none" },
};

static void
test_words(void **state)
{
	static const struct row plain = { .stage = STAGE_RCPT };

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		struct conf *conf = parse(words[i].rule);
		struct arena a = { 0 };
		struct rule_trace trace = { .arena = &a };
		struct address from, to;
		struct facts facts;
		struct rule_asking in = { .conf = conf, .facts = &facts,
		    .stage = STAGE_RCPT, .arena = &a, .trace = &trace };
		struct verdict v;

		set_facts(&plain, &a, &facts, &from, &to);
		rule_judge(&in, &v);
		assert_int_equal(v.kind, VERDICT_REFUSE);
		assert_string_equal(v.why.text, words[i].text);
		assert_int_equal(trace.steps.n, 1);
		assert_true(str_eq(trace.steps.p[0].because,
		    str_of(words[i].because)));
		conf_free(conf);
		arena_free(&a);
	}
}

/* A prober is asked once a rule wants a name, and its failure is one. */
struct fake {
	struct prober prober;
	int answer, asked;
};

static int
tell_name(struct prober *p, const struct facts *f, struct str *name,
    struct fault *why)
{
	struct fake *fake = (struct fake *)p;

	(void)f;
	fake->asked++;
	*name = fake->answer == 1 ? STR("a.dyn.example") : STR("unknown");
	if (fake->answer < 0)
		return fault_temporary(why, 450, 7, 25, "who are you?");
	return fake->answer;
}

static int
tell_listed(struct prober *p, const struct facts *f, struct str zone)
{
	struct fake *fake = (struct fake *)p;

	(void)f;
	fake->asked++;
	if (str_eq(zone, STR("dead.example")))
		return -1;
	return str_eq(zone, STR("bl.example"));
}

static int
tell_helo(struct prober *p, const struct facts *f, enum rule_helo what,
    struct fault *why)
{
	struct fake *fake = (struct fake *)p;

	fake->asked++;
	assert_true(what == HELO_UNKNOWN || what == HELO_CONFIRMED);
	assert_true(f->helo.n > 0);
	if (fake->answer < 0)
		return fault_temporary(why, 450, 7, 1, "what is that name?");
	return fake->answer;
}

/* Names are asked for when nothing else tells, and literals never. */
static void
test_helo(void **state)
{
	static const struct row plain = { .stage = STAGE_RCPT };
	static const struct {
		const char	*rule, *helo, *client;
		int		 answer, asked, kind;
	} cases[] = {
		{ "reject helo unknown", "a.example", NULL, 1, 1, REFUSE },
		{ "reject helo unknown", "a.example", NULL, 0, 1, NONE },
		{ "reject helo unknown", "a.example", NULL, -1, 1, DEFER },
		{ "accept not helo unknown", "a.example", NULL, -1, 1, DEFER },
		{ "reject helo unknown", "no such name", NULL, 0, 0, REFUSE },
		{ "reject helo unknown", "[192.0.2.7]", NULL, 1, 0, NONE },
		{ "reject helo unknown", "192.0.2.1", NULL, 0, 0, REFUSE },
		{ "reject helo confirmed", "a.example", NULL, 1, 1, REFUSE },
		{ "reject not helo confirmed", "a.example", NULL, 0, 1,
		    REFUSE },
		{ "reject not helo confirmed", "a.example", NULL, -1, 1,
		    DEFER },
		{ "reject not helo confirmed", "[192.0.2.1]", NULL, 0, 0,
		    NONE },
		{ "reject not helo confirmed", "[192.0.2.7]", NULL, 1, 0,
		    REFUSE },
		{ "reject not helo confirmed", "[IPv6:2001:db8::1]",
		    "2001:db8::1", 0, 0, NONE },
		{ "reject not helo confirmed", "a.example", "127.0.0.1", 0, 0,
		    NONE },
		{ "reject helo unknown", "a.example", "::1", 1, 0, NONE },
		{ "reject helo unknown or forged", "a.example", "", 1, 0,
		    NONE },
		{ "reject helo forged or malformed or unknown",
		    "host.example.org", NULL, 0, 0, REFUSE },
		{ "reject from @b.example helo unknown", "a.example", NULL,
		    1, 0, NONE },
		/* What costs nothing goes first, and may be enough. */
		{ "reject helo unknown or a.example", "a.example", NULL, -1,
		    0, REFUSE },
		{ "reject helo unknown or b.example", "a.example", NULL, -1,
		    1, DEFER },
		{ "reject helo unknown or confirmed", "a.example", NULL, 1, 1,
		    REFUSE },
		{ "reject helo unknown or db /nonexistent/a.db or forged",
		    "host.example.org", NULL, -1, 0, REFUSE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct row row = plain;
		struct fake fake = { .prober = { tell_name, tell_listed,
		    tell_helo, NULL }, .answer = cases[i].answer };
		struct conf *conf = parse(cases[i].rule);
		struct arena a = { 0 };
		struct address from, to;
		struct facts facts;
		struct rule_asking in = { .conf = conf, .facts = &facts,
		    .stage = STAGE_RCPT, .arena = &a };
		struct verdict v;

		row.helo = cases[i].helo;
		row.client = cases[i].client;
		set_facts(&row, &a, &facts, &from, &to);
		facts.prober = &fake.prober;
		rule_judge(&in, &v);
		if ((v.kind == VERDICT_REFUSE && fault_is_temporary(&v.why) ?
		    DEFER : (int)v.kind) != cases[i].kind ||
		    fake.asked != cases[i].asked)
			fail_msg("case %zu: %s: kind %d, asked %d", i,
			    cases[i].rule, (int)v.kind, fake.asked);
		conf_free(conf);
		arena_free(&a);
	}
}

/* As the name, but that no answer is no; and nobody is refused because he could
 * not be found on a list. */
static void
test_dns_lists(void **state)
{
	static const struct row plain = { .stage = STAGE_RCPT };
	static const struct {
		const char	*rule;
		int		 kind;
		const char	*because;
	} lists[] = {
		{ "reject client in dnsbl bl.example", REFUSE,
		    "client is 192.0.2.1 (bl.example)" },
		{ "reject client in dnsbl wl.example", NONE,
		    "client is 192.0.2.1" },
		{ "reject not client in dnsbl wl.example", REFUSE,
		    "client is 192.0.2.1" },
		{ "reject client in dnsbl wl.example or dnsbl BL.example",
		    REFUSE, "client is 192.0.2.1 (bl.example)" },
		{ "reject client in 192.0.2.1 or dnsbl wl.example", REFUSE,
		    "client is 192.0.2.1" },
		{ "reject client in dnsbl bl.example or 192.0.2.1", REFUSE,
		    "client is 192.0.2.1" },
		{ "reject client in dnsbl dead.example", NONE,
		    "client is 192.0.2.1" },
		{ "accept not client in dnsbl dead.example", DEFER,
		    "client is 192.0.2.1: Client host rejected: a DNS list "
		    "cannot be asked now" },
		{ "reject not client in dnsbl dead.example", DEFER,
		    "client is 192.0.2.1: Client host rejected: a DNS list "
		    "cannot be asked now" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		struct fake fake = { .prober = { tell_name, tell_listed, tell_helo,
		    NULL } };
		struct conf *conf = parse(lists[i].rule);
		struct arena a = { 0 };
		struct rule_trace trace = { .arena = &a };
		struct address from, to;
		struct facts facts;
		struct rule_asking in = { .conf = conf, .facts = &facts,
		    .stage = STAGE_RCPT, .arena = &a, .trace = &trace };
		struct verdict v;

		set_facts(&plain, &a, &facts, &from, &to);
		facts.prober = &fake.prober;
		rule_judge(&in, &v);
		assert_int_equal(v.kind == VERDICT_REFUSE &&
		    fault_is_temporary(&v.why) ? DEFER : (int)v.kind,
		    lists[i].kind);
		assert_true(str_eq(trace.steps.p[0].because,
		    str_of(lists[i].because)));
		/* Each list that a rule names is asked. */
		assert_int_equal(conf->guest.zones.n, fake.asked > 0 ?
		    fake.asked : 1);
		/* Where nobody can be asked, no list has anybody. */
		facts.prober = NULL;
		assert_int_equal(facts_is_listed(&facts,
		    STR("bl.example")), 0);
		conf_free(conf);
		arena_free(&a);
	}
}

/* What cannot be told is asked for in vain where another condition does not
 * hold, before it or behind it. */
static void
test_fault_beside_no(void **state)
{
	static const struct row plain = { .stage = STAGE_RCPT };
	static const struct {
		const char	*rule;
		int		 kind;
		const char	*because;
	} cases[] = {
		{ "reject client named unknown from @nowhere.example", NONE,
		    "from is ann@example.net" },
		{ "reject from @nowhere.example client named unknown", NONE,
		    "from is ann@example.net" },
		{ "reject client named unknown from @example.net", DEFER,
		    "client named cannot be told, from is ann@example.net: "
		    "who are you?" },
		{ "reject client named unknown size over 1M "
		    "client named other", DEFER, "client named cannot be told, "
		    "size is not known before the content, client named cannot "
		    "be told: who are you?" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fake fake = { .prober = { tell_name, tell_listed, tell_helo,
		    NULL },
		    .answer = -1 };
		struct conf *conf = parse(cases[i].rule);
		struct arena a = { 0 };
		struct rule_trace trace = { .arena = &a };
		struct address from, to;
		struct facts facts;
		struct rule_asking in = { .conf = conf, .facts = &facts,
		    .stage = STAGE_RCPT, .arena = &a, .trace = &trace };
		struct verdict v;

		set_facts(&plain, &a, &facts, &from, &to);
		facts.prober = &fake.prober;
		rule_judge(&in, &v);
		assert_int_equal(v.kind == VERDICT_REFUSE &&
		    fault_is_temporary(&v.why) ? DEFER : (int)v.kind,
		    cases[i].kind);
		if (!str_eq(trace.steps.p[0].because, str_of(cases[i].because)))
			fail_msg("%.*s", STR_ARG(trace.steps.p[0].because));
		conf_free(conf);
		arena_free(&a);
	}
}

static void
test_prober(void **state)
{
	static const struct row plain = { .stage = STAGE_RCPT };
	struct fake fake = { .prober = { tell_name, tell_listed, tell_helo,
		    NULL } };
	struct conf *conf = parse("accept client 198.51.100.1\n"
	    "reject from @example.net client named *.dyn.example");
	struct arena a = { 0 };
	struct address from, to;
	struct facts facts;
	struct rule_asking in = { .conf = conf, .facts = &facts,
	    .stage = STAGE_RCPT, .arena = &a };
	struct verdict v;

	(void)state;
	set_facts(&plain, &a, &facts, &from, &to);
	facts.prober = &fake.prober;
	fake.answer = 1;
	rule_judge(&in, &v);
	assert_int_equal(v.kind, VERDICT_REFUSE);
	assert_int_equal(fake.asked, 1);
	fake.answer = 0;
	rule_judge(&in, &v);
	assert_int_equal(v.kind, VERDICT_NONE);
	fake.answer = -1;
	rule_judge(&in, &v);
	assert_int_equal(v.kind, VERDICT_REFUSE);
	assert_int_equal(v.why.reply, 450);
	fake.asked = 0;
	from.domain = STR("b.example");
	rule_judge(&in, &v);
	assert_int_equal(v.kind, VERDICT_NONE);
	assert_int_equal(fake.asked, 0);
	conf_free(conf);
	arena_free(&a);
}

/* What fits is found in few steps, whatever the pattern (T-14). */
static void
test_patterns(void **state)
{
	static const struct { const char *pattern, *text; bool fits; } p[] = {
		{ "", "", true }, { "", "a", false }, { "*", "", true },
		{ "a*", "a", true }, { "*a", "ba", true }, { "*a", "ab",
		false }, { "a*b*c", "aXbYc", true }, { "a*b*c", "abbc", true },
		{ "a*b*c", "acb", false }, { "**", "x", true },
		{ "*ab", "aab", true }, { "*aab*", "aaaab", true },
	};
	char text[2001], pattern[2001];

	(void)state;
	for (size_t i = 0; i < sizeof(p) / sizeof(p[0]); i++)
		assert_int_equal(rule_fits(str_of(p[i].pattern),
		    str_of(p[i].text)), p[i].fits);
	memset(text, 'a', 2000);
	for (size_t i = 0; i < 2000; i += 2)
		memcpy(pattern + i, "*a", 2);
	text[1999] = 'b';
	text[2000] = pattern[2000] = '\0';
	assert_false(rule_fits(str_of(pattern), str_of(text)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_helo),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_fault_beside_no),
		cmocka_unit_test(test_prober),
		cmocka_unit_test(test_dns_lists),
		cmocka_unit_test(test_patterns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
