/* SPDX-License-Identifier: ISC */
/*
 * The client against scripted servers.  A server is a forked child on the
 * other end of a SEQPACKET pair, so that one write of the client is one packet
 * and the scripts can say what travels together; it exits with 1 when it
 * hears anything but its script.  A script is a row of strings:
 *
 *	">..."	say this	"<..."	hear exactly this, in one write
 *	"="	say nothing more, but stay
 *
 * and at its end the server hangs up when it has heard QUIT or the end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "mail/outcome.h"
#include "smtp/ext.h"
#include "smtpc/session.h"

#define SCRIPT_MAX	16
#define RCPTS_MAX	6000

#define HELLO								\
	">220 mx.example ESMTP\r\n", "<EHLO me.example\r\n",		\
	">250-mx.example hi\r\n250 ENHANCEDSTATUSCODES\r\n"
#define HELLO_P								\
	">220 mx.example ESMTP\r\n", "<EHLO me.example\r\n",		\
	">250-mx.example hi\r\n250-PIPELINING\r\n250-SIZE 100000\r\n"	\
	"250-X-NEW a b\r\n250 8bitmime\r\n"
#define ENVELOPE_1							\
	"<MAIL FROM:<s@example.org> SIZE=18\r\n"			\
	"RCPT TO:<r0@example.net>\r\nDATA\r\n"
#define ENVELOPE_2							\
	"<MAIL FROM:<s@example.org> SIZE=18\r\n"			\
	"RCPT TO:<r0@example.net>\r\nRCPT TO:<r1@example.net>\r\nDATA\r\n"
#define HELLO_B								\
	">220 mx.example ESMTP\r\n", "<EHLO me.example\r\n",		\
	">250-mx.example hi\r\n250-PIPELINING\r\n250-8BITMIME\r\n"	\
	"250-BINARYMIME\r\n250 CHUNKING\r\n"
#define ENVELOPE_B							\
	"<MAIL FROM:<s@example.org> BODY=BINARYMIME\r\n"		\
	"RCPT TO:<r0@example.net>\r\n"
#define CONTENT	"<Subject: x\r\n\r\nhi\r\n.\r\n"
#define SAID	"host mx.example[192.0.2.1] said: "
#define LOST	"deferred 0 4.4.2 lost connection with mx.example[192.0.2.1] "

struct scenario {
	const char	*name;
	size_t		 n;			/* recipients */
	unsigned	 times;			/* transactions, 0: one */
	const char	*script[SCRIPT_MAX];
	const char	*parts[4];		/* of content; none: usual */
	const char	*expect[4];		/* outcomes in order */
	const char	*open;			/* fault of smtpc_open */
	bool		 eight, binary;
	bool		 unusable;		/* afterwards */
};

/* The second for a server that falls silent where the first or the last is
 * waited for. */
static const struct smtpc_timeouts usual = { 120, 120, 120, 120, 120 },
    quick = { 4, 120, 120, 120, 4 };

static const struct scenario scenarios[] = {
	{ "one, pipelined: two writes", 1, 0, {
	    HELLO_P, ENVELOPE_1,
	    ">250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n354 go on\r\n", CONTENT,
	    ">250 2.0.0 Ok: queued as X\r\n",
	}, .expect = { "sent 250 2.0.0 250 2.0.0 Ok: queued as X" } },
	{ "one, not pipelined", 1, 0, {
	    HELLO, "<MAIL FROM:<s@example.org>\r\n", ">250 Ok\r\n",
	    "<RCPT TO:<r0@example.net>\r\n", ">251 Ok\r\n",
	    "<DATA\r\n", ">354 go on\r\n", CONTENT, ">250 thanks\r\n",
	}, .expect = { "sent 250 2.0.0 250 thanks" } },
	{ "HELO when EHLO is refused", 1, 0, {
	    ">220-mx\r\n220-more\r\n220 mx\r\n", "<EHLO me.example\r\n",
	    ">502 what?\r\n", "<HELO me.example\r\n", ">250 hi\r\n",
	    "<MAIL FROM:<s@example.org>\r\n", ">250 Ok\r\n",
	    "<RCPT TO:<r0@example.net>\r\n", ">250 Ok\r\n",
	    "<DATA\r\n", ">354\r\n", CONTENT, ">250\r\n",
	}, .expect = { "sent 250 2.0.0 250" } },
	{ "bare LF in replies", 1, 0, {
	    ">220 mx\n", "<EHLO me.example\r\n", ">250-mx\n250 PIPELINING\n",
	    "<MAIL FROM:<s@example.org>\r\nRCPT TO:<r0@example.net>\r\n"
	    "DATA\r\n", ">250 1\n250 2\n354 3\n", CONTENT, ">250 4\n",
	}, .expect = { "sent 250 2.0.0 250 4" } },
	{ "8BITMIME", 1, 0, {
	    HELLO_P, "<MAIL FROM:<s@example.org> SIZE=18 BODY=8BITMIME\r\n"
	    "RCPT TO:<r0@example.net>\r\nDATA\r\n",
	    ">250 a\r\n250 b\r\n354 c\r\n", CONTENT, ">250 d\r\n",
	}, .expect = { "sent 250 2.0.0 250 d" }, .eight = true },
	{ "8-bit to a server without 8BITMIME", 1, 0, {
	    HELLO, "<MAIL FROM:<s@example.org>\r\n", ">250 Ok\r\n",
	    "<RCPT TO:<r0@example.net>\r\n", ">250 Ok\r\n",
	    "<DATA\r\n", ">354 go on\r\n", CONTENT, ">250 thanks\r\n",
	}, .expect = { "sent 250 2.0.0 250 thanks" }, .eight = true },

	/* RFC 3030 */
	{ "binary, by BDAT, again after a refusal with RSET", 1, 2, {
	    HELLO_B, ENVELOPE_B, ">250 a\r\n250 b\r\n",
	    "<BDAT 10 LAST\r\n\n\r.\r\n\xff\r\n.\n", ">554 5.6.0 no\r\n",
	    "<RSET\r\nMAIL FROM:<s@example.org> BODY=BINARYMIME\r\n"
	    "RCPT TO:<r0@example.net>\r\n", ">250 r\r\n250 a\r\n250 b\r\n",
	    "<BDAT 10 LAST\r\n\n\r.\r\n\xff\r\n.\n", ">250 d\r\n",
	}, .parts = { "\n\r.\r", "\n\xff\r\n.\n" }, .expect = {
	    "bounced 554 5.6.0 " SAID "554 5.6.0 no (in reply to BDAT "
	    "command)", "sent 250 2.0.0 250 d" }, .binary = true },
	{ "binary, no recipient taken: no BDAT", 1, 0, {
	    HELLO_B, ENVELOPE_B, ">250 a\r\n550 5.1.1 b\r\n",
	}, .expect = { "bounced 550 5.1.1 " SAID "550 5.1.1 b (in reply to "
	    "RCPT TO command)" }, .binary = true },
	{ "binary to a server that has CHUNKING alone", 1, 0, {
	    ">220 mx\r\n", "<EHLO me.example\r\n",
	    ">250-mx\r\n250-8BITMIME\r\n250 CHUNKING\r\n",
	}, .expect = { "bounced 554 5.6.1 the message is binary, which this "
	    "host does not take (no BINARYMIME)" }, .binary = true },
	{ "text goes by DATA where CHUNKING is", 1, 0, {
	    HELLO_B, "<MAIL FROM:<s@example.org>\r\n"
	    "RCPT TO:<r0@example.net>\r\nDATA\r\n",
	    ">250 a\r\n250 b\r\n354 c\r\n", CONTENT, ">250 d\r\n",
	}, .expect = { "sent 250 2.0.0 250 d" } },

	/* T-1: it does not leave this machine. */
	{ "a bare LF in the spool", 1, 0, { HELLO_P },
	    .parts = { "a\n.\r\n" }, .expect = { "bounced 554 5.6.0 a line "
	    "of the message ends in a bare LF or CR, which cannot be sent" } },
	{ "a bare CR behind a dot in the spool", 1, 0, { HELLO_P },
	    .parts = { ".a\r\n", ".\r", "\r\n" }, .expect = { "bounced 554 "
	    "5.6.0 a line of the message ends in a bare LF or CR, which "
	    "cannot be sent" } },
	{ "a CR at the end in the spool", 1, 0, { HELLO_B },
	    .parts = { "a\r\n\r" }, .expect = { "bounced 554 5.6.0 a line "
	    "of the message ends in a bare LF or CR, which cannot be sent" } },

	/* Greetings. */
	{ "greeting 554", 1, 0, { ">554 5.7.1 go away\r\n" },
	    .open = "451 x.7.1 host mx.example[192.0.2.1] refused to talk to "
	    "me: 554 5.7.1 go away" },
	{ "greeting 421", 1, 0, { ">421-a\r\n421 b\r\n" },
	    .open = "421 x.0.0 host mx.example[192.0.2.1] refused to talk to "
	    "me: 421 a b" },
	{ "greeting 250", 1, 0, { ">250 hello\r\n" },
	    .open = "451 x.0.0 host mx.example[192.0.2.1] refused to talk to "
	    "me: 250 hello" },
	{ "no greeting", 1, 0, { NULL },
	    .open = "451 x.4.2 lost connection with mx.example[192.0.2.1] "
	    "while receiving the initial server greeting" },
	{ "greeting of another protocol", 1, 0, { ">SSH-2.0-x\r\n" },
	    .open = "451 x.5.0 host mx.example[192.0.2.1] said what is no "
	    "SMTP reply: \"SSH-2.0-x\" (while receiving the initial server "
	    "greeting)" },
	{ "greeting never comes", 1, 0, { "=" },
	    .open = "451 x.4.2 conversation with mx.example[192.0.2.1] timed "
	    "out while receiving the initial server greeting" },
	{ "EHLO 451", 1, 0, { ">220 mx\r\n", "<EHLO me.example\r\n",
	    ">451 4.3.2 later\r\n", },
	    .open = "451 x.3.2 " SAID "451 4.3.2 later (in reply to EHLO "
	    "command)" },
	{ "EHLO and HELO refused", 1, 0, { ">220 mx\r\n",
	    "<EHLO me.example\r\n", ">550 no\r\n", "<HELO me.example\r\n",
	    ">550 never\r\n", },
	    .open = "451 x.0.0 " SAID "550 never (in reply to HELO command)" },
	{ "two codes in one reply", 1, 0, { ">220 mx\r\n",
	    "<EHLO me.example\r\n", ">250-mx\r\n251 x\r\n", },
	    .open = "451 x.5.0 host mx.example[192.0.2.1] said what is no "
	    "SMTP reply: \"251 x\" (while performing the EHLO handshake)" },

	/* Refusals. */
	{ "MAIL refused, pipelined", 2, 2, {
	    HELLO_P, ENVELOPE_2,
	    ">550 5.7.1 not you\r\n503 a\r\n503 b\r\n503 c\r\n",
	    /* No RSET: nothing was begun. */
	    ENVELOPE_2, ">450 x\r\n503 a\r\n503 b\r\n503 c\r\n",
	}, .expect = {
	    "bounced 550 5.7.1 " SAID
	    "550 5.7.1 not you (in reply to MAIL FROM command)",
	    "bounced 550 5.7.1 " SAID
	    "550 5.7.1 not you (in reply to MAIL FROM command)",
	    "deferred 450 4.0.0 " SAID
	    "450 x (in reply to MAIL FROM command)",
	    "deferred 450 4.0.0 " SAID
	    "450 x (in reply to MAIL FROM command)" } },
	{ "MAIL refused, not pipelined", 1, 0, {
	    HELLO, "<MAIL FROM:<s@example.org>\r\n", ">451 4.7.1 wait\r\n",
	}, .expect = { "deferred 451 4.7.1 " SAID
	    "451 4.7.1 wait (in reply to MAIL FROM command)" } },
	{ "each recipient has its own fate", 4, 0, {
	    HELLO_P, "<MAIL FROM:<s@example.org> SIZE=18\r\n"
	    "RCPT TO:<r0@example.net>\r\nRCPT TO:<r1@example.net>\r\n"
	    "RCPT TO:<r2@example.net>\r\nRCPT TO:<r3@example.net>\r\n"
	    "DATA\r\n",
	    ">250 Ok\r\n550 5.1.1 no such user\r\n250 Ok\r\n"
	    "450 4.2.0 greylisted\r\n452 4.5.3 too many\r\n354 go\r\n",
	    CONTENT, ">250 Ok\r\n",
	}, .expect = {
	    "bounced 550 5.1.1 " SAID
	    "550 5.1.1 no such user (in reply to RCPT TO command)",
	    "sent 250 2.0.0 250 Ok",
	    "deferred 450 4.2.0 " SAID
	    "450 4.2.0 greylisted (in reply to RCPT TO command)",
	    "deferred 452 4.5.3 " SAID
	    "452 4.5.3 too many (in reply to RCPT TO command)" } },
	{ "552 to the first is 552", 2, 0, {
	    HELLO_P, ENVELOPE_2, ">250 Ok\r\n552 no\r\n250 Ok\r\n354 go\r\n",
	    CONTENT, ">250 Ok\r\n",
	}, .expect = { "bounced 552 5.0.0 " SAID
	    "552 no (in reply to RCPT TO command)",
	    "sent 250 2.0.0 250 Ok" } },
	{ "552 after others is 452", 3, 0, {
	    HELLO_P, "<MAIL FROM:<s@example.org> SIZE=18\r\n"
	    "RCPT TO:<r0@example.net>\r\nRCPT TO:<r1@example.net>\r\n"
	    "RCPT TO:<r2@example.net>\r\nDATA\r\n",
	    ">250 Ok\r\n250 Ok\r\n552 too many\r\n552 5.2.2 full\r\n"
	    "354 go\r\n", CONTENT, ">250 Ok\r\n",
	}, .expect = { "sent 250 2.0.0 250 Ok",
	    "deferred 552 4.5.3 " SAID
	    "552 too many (in reply to RCPT TO command)",
	    "bounced 552 5.2.2 " SAID
	    "552 5.2.2 full (in reply to RCPT TO command)" } },
	{ "all refused, not pipelined: no DATA, then RSET", 1, 2, {
	    HELLO, "<MAIL FROM:<s@example.org>\r\n", ">250 Ok\r\n",
	    "<RCPT TO:<r0@example.net>\r\n", ">550 no\r\n",
	    "<RSET\r\n", ">250 Ok\r\n",
	    "<MAIL FROM:<s@example.org>\r\n", ">550 5.1.8 no\r\n",
	}, .expect = { "bounced 550 5.0.0 " SAID
	    "550 no (in reply to RCPT TO command)", "bounced 550 5.1.8 "
	    SAID "550 5.1.8 no (in reply to MAIL FROM command)" } },
	{ "all refused, pipelined, DATA refused, then RSET", 1, 2, {
	    HELLO_P, ENVELOPE_1, ">250 Ok\r\n550 no\r\n554 no valid\r\n",
	    "<RSET\r\nMAIL FROM:<s@example.org> SIZE=18\r\n"
	    "RCPT TO:<r0@example.net>\r\nDATA\r\n",
	    ">250 Ok\r\n250 Ok\r\n250 Ok\r\n354 go\r\n", CONTENT,
	    ">250 done\r\n",
	}, .expect = { "bounced 550 5.0.0 " SAID
	    "550 no (in reply to RCPT TO command)",
	    "sent 250 2.0.0 250 done" } },
	{ "all refused, but DATA was taken: one dot", 1, 2, {
	    HELLO_P, ENVELOPE_1, ">250 Ok\r\n550 no\r\n354 go\r\n",
	    "<.\r\n", ">554 nothing\r\n",
	    ENVELOPE_1, ">250 Ok\r\n250 Ok\r\n354 go\r\n", CONTENT,
	    ">250 done\r\n",
	}, .expect = { "bounced 550 5.0.0 " SAID
	    "550 no (in reply to RCPT TO command)",
	    "sent 250 2.0.0 250 done" } },
	{ "MAIL refused, but DATA was taken: one dot", 1, 0, {
	    HELLO_P, ENVELOPE_1, ">550 a\r\n250 b\r\n354 go\r\n",
	    "<.\r\n", ">250 even that\r\n",
	}, .expect = { "bounced 550 5.0.0 " SAID
	    "550 a (in reply to MAIL FROM command)" } },
	{ "DATA refused, then RSET", 2, 2, {
	    HELLO_P, ENVELOPE_2,
	    ">250 Ok\r\n250 Ok\r\n550 5.1.1 no\r\n451 4.3.0 disk\r\n",
	    "<RSET\r\nMAIL FROM:<s@example.org> SIZE=18\r\n"
	    "RCPT TO:<r0@example.net>\r\nRCPT TO:<r1@example.net>\r\n"
	    "DATA\r\n",
	    ">500 eh\r\n550 a\r\n503 b\r\n503 c\r\n503 d\r\n",
	}, .expect = { "deferred 451 4.3.0 " SAID
	    "451 4.3.0 disk (in reply to DATA command)",
	    "bounced 550 5.1.1 " SAID
	    "550 5.1.1 no (in reply to RCPT TO command)",
	    "bounced 550 5.0.0 " SAID
	    "550 a (in reply to MAIL FROM command)",
	    "bounced 550 5.0.0 " SAID
	    "550 a (in reply to MAIL FROM command)" } },
	{ "final 4yz, then 5yz, no RSET", 1, 2, {
	    HELLO_P, ENVELOPE_1, ">250 a\r\n250 b\r\n354 c\r\n", CONTENT,
	    ">452 4.3.1 full\r\n", ENVELOPE_1,
	    ">250 a\r\n250 b\r\n354 c\r\n", CONTENT,
	    ">554-5.7.1 spam\r\n554 5.7.1 really\r\n",
	}, .expect = { "deferred 452 4.3.1 " SAID
	    "452 4.3.1 full (in reply to end of DATA command)",
	    "bounced 554 5.7.1 " SAID "554 5.7.1 spam really "
	    "(in reply to end of DATA command)" } },
	{ "status of another class than the code", 1, 0, {
	    HELLO_P, ENVELOPE_1, ">250 a\r\n550 4.1.1 b\r\n554 c\r\n",
	}, .expect = { "bounced 550 5.0.0 " SAID
	    "550 4.1.1 b (in reply to RCPT TO command)" } },
	{ "control characters in a reply", 1, 0, {
	    HELLO_P, ENVELOPE_1,
	    ">250 a\r\n550-\033[31mred\r\n550 \tb\x7f\r\n554 c\r\n",
	}, .expect = { "bounced 550 5.0.0 " SAID
	    "550 ?[31mred b? (in reply to RCPT TO command)" } },
	{ "larger than its SIZE", 1, 0, {
	    ">220 mx\r\n", "<EHLO me.example\r\n",
	    ">250-mx\r\n250 SIZE 17\r\n",
	}, .expect = { "bounced 552 5.3.4 message size 18 exceeds size limit "
	    "17 of server mx.example[192.0.2.1]" } },
	{ "SIZE 0 and nonsense are no limit", 1, 0, {
	    ">220 mx\r\n", "<EHLO me.example\r\n",
	    ">250-mx\r\n250-SIZE\r\n250-SIZE 0\r\n250 SIZE -1\r\n",
	    "<MAIL FROM:<s@example.org> SIZE=18\r\n", ">552 5.3.4 x\r\n",
	}, .expect = { "bounced 552 5.3.4 " SAID
	    "552 5.3.4 x (in reply to MAIL FROM command)" } },

	/* The end comes early. */
	{ "421 to MAIL", 2, 2, {
	    HELLO_P, ENVELOPE_2, ">421 4.3.2 closing\r\n",
	}, .expect = {
	    "deferred 421 4.3.2 " SAID
	    "421 4.3.2 closing (in reply to MAIL FROM command)",
	    "deferred 421 4.3.2 " SAID
	    "421 4.3.2 closing (in reply to MAIL FROM command)",
	    LOST "while sending MAIL FROM", LOST "while sending MAIL FROM",
	}, .unusable = true },
	{ "421 to the second of three", 3, 0, {
	    HELLO, "<MAIL FROM:<s@example.org>\r\n", ">250 Ok\r\n",
	    "<RCPT TO:<r0@example.net>\r\n", ">550 5.1.1 no\r\n",
	    "<RCPT TO:<r1@example.net>\r\n", ">250 Ok\r\n",
	    "<RCPT TO:<r2@example.net>\r\n", ">421 bye\r\n",
	}, .expect = {
	    "bounced 550 5.1.1 " SAID
	    "550 5.1.1 no (in reply to RCPT TO command)",
	    "deferred 421 4.0.0 " SAID
	    "421 bye (in reply to RCPT TO command)",
	    "deferred 421 4.0.0 " SAID
	    "421 bye (in reply to RCPT TO command)",
	}, .unusable = true },
	{ "421 to the content", 1, 0, {
	    HELLO_P, ENVELOPE_1, ">250 a\r\n250 b\r\n354 c\r\n", CONTENT,
	    ">421 4.4.2 timeout\r\n",
	}, .expect = { "deferred 421 4.4.2 " SAID
	    "421 4.4.2 timeout (in reply to end of DATA command)",
	}, .unusable = true },
	{ "hangs up behind the content", 2, 0, {
	    HELLO_P, ENVELOPE_2,
	    ">250 a\r\n250 b\r\n550 5.1.1 c\r\n354 d\r\n", CONTENT,
	}, .expect = {
	    LOST "while sending end of data -- message may be sent more "
	    "than once", "bounced 550 5.1.1 " SAID
	    "550 5.1.1 c (in reply to RCPT TO command)",
	}, .unusable = true },
	{ "never answers the content", 1, 0, {
	    HELLO_P, ENVELOPE_1, ">250 a\r\n250 b\r\n354 c\r\n", CONTENT, "=",
	}, .expect = { "deferred 0 4.4.2 conversation with "
	    "mx.example[192.0.2.1] timed out while sending end of data -- "
	    "message may be sent more than once",
	}, .unusable = true },
	{ "garbage instead of a reply", 1, 0, {
	    HELLO_P, ENVELOPE_1, ">250 a\r\n25x b\r\n354 c\r\n",
	}, .expect = { "deferred 0 4.5.0 host mx.example[192.0.2.1] said "
	    "what is no SMTP reply: \"25x b\" (while sending RCPT TO)",
	}, .unusable = true },
	{ "bare CR in a reply", 1, 0, {
	    HELLO_P, ENVELOPE_1, ">250 a\rb\r\n250 b\r\n354 c\r\n",
	}, .expect = { "deferred 0 4.5.0 host mx.example[192.0.2.1] said "
	    "what is no SMTP reply: \"250 a?b\" (while sending MAIL "
	    "FROM)",
	}, .unusable = true },
	{ "250 to DATA", 1, 0, {
	    HELLO_P, ENVELOPE_1, ">250 a\r\n250 b\r\n250 c\r\n",
	}, .expect = { "deferred 250 4.5.0 " SAID
	    "250 c (in reply to DATA command)",
	}, .unusable = true },
	{ "354 to MAIL", 1, 0, {
	    HELLO, "<MAIL FROM:<s@example.org>\r\n", ">354 a\r\n",
	}, .expect = { "deferred 354 4.5.0 " SAID
	    "354 a (in reply to MAIL FROM command)",
	}, .unusable = true },
	{ "354 to the content", 1, 0, {
	    HELLO_P, ENVELOPE_1, ">250 a\r\n250 b\r\n354 c\r\n", CONTENT,
	    ">354 d\r\n",
	}, .expect = { "deferred 354 4.5.0 " SAID
	    "354 d (in reply to end of DATA command)",
	}, .unusable = true },

	/* Dots. */
	{ "a dot first, and lines split over parts", 1, 0, {
	    HELLO, "<MAIL FROM:<s@example.org>\r\n", ">250 Ok\r\n",
	    "<RCPT TO:<r0@example.net>\r\n", ">250 Ok\r\n",
	    "<DATA\r\n", ">354 go on\r\n",
	    "<...\r\na.b\r\n..\r\n..c\r\n.\r\n", ">250 thanks\r\n",
	}, .parts = { "..\r", "\na.b\r\n", ".\r\n", ".c\r\n" },
	    .expect = { "sent 250 2.0.0 250 thanks" } },
	{ "a dot behind the border of a part is none", 1, 0, {
	    HELLO, "<MAIL FROM:<s@example.org>\r\n", ">250 Ok\r\n",
	    "<RCPT TO:<r0@example.net>\r\n", ">250 Ok\r\n",
	    "<DATA\r\n", ">354 go on\r\n", "<a.b\r\n.\r\n", ">250 thanks\r\n",
	}, .parts = { "a", ".b\r\n" },
	    .expect = { "sent 250 2.0.0 250 thanks" } },
	{ "the last line end is added", 1, 0, {
	    HELLO, "<MAIL FROM:<s@example.org>\r\n", ">250 Ok\r\n",
	    "<RCPT TO:<r0@example.net>\r\n", ">250 Ok\r\n",
	    "<DATA\r\n", ">354 go on\r\n", "<a\r\nb\r\n.\r\n", ">250 x\r\n",
	}, .parts = { "a\r\nb" },
	    .expect = { "sent 250 2.0.0 250 x" } },
};

/* The server's side ------------------------------------------------------ */

static void
say(int fd, const char *text, bool in_bytes)
{
	size_t n = strlen(text), step = in_bytes ? 1 : n;

	/* A client that has given up is not listening. */
	for (size_t i = 0; i < n; i += step)
		if (send(fd, text + i, step, MSG_NOSIGNAL) < 0)
			return;
}

static int
hear(int fd, const char *name, const char *expected)
{
	char got[8192];
	ssize_t n = recv(fd, got, sizeof(got), 0);

	if (n == (ssize_t)strlen(expected) &&
	    memcmp(got, expected, (size_t)n) == 0)
		return 0;
	fprintf(stderr, "%s: server expected \"%s\", heard \"%.*s\"\n", name,
	    expected, n > 0 ? (int)n : 0, got);
	return 1;
}

/* The end is QUIT or nothing. */
static int
hear_end(int fd, const char *name)
{
	char got[8192];
	ssize_t n = recv(fd, got, sizeof(got), 0);

	if (n <= 0 || (n == 6 && memcmp(got, "QUIT\r\n", 6) == 0))
		return 0;
	fprintf(stderr, "%s: server expected the end, heard \"%.*s\"\n", name,
	    (int)n, got);
	return 1;
}

/* Plays a script, at most "steps" of it, and hangs up; never returns. */
static void
serve(int fd, const char *name, const char *const *script, size_t steps,
    bool in_bytes)
{
	int bad = 0;
	size_t i;

	alarm(300);
	for (i = 0; i < steps && i < SCRIPT_MAX && script[i] != NULL; i++) {
		if (script[i][0] == '>')
			say(fd, script[i] + 1, in_bytes);
		else if (script[i][0] == '<')
			bad |= hear(fd, name, script[i] + 1);
		if (bad != 0)
			_exit(1);
		if (script[i][0] == '=')
			_exit(hear_end(fd, name));
	}
	shutdown(fd, SHUT_WR);
	if (i > 0 && steps >= SCRIPT_MAX)
		_exit(hear_end(fd, name));
	_exit(0);
}

static int
start_server(int type, int *fd, int *other)
{
	int pair[2];
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, pair), 0);
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	*fd = pair[pid == 0];
	close(pair[pid != 0]);
	*other = *fd;
	return pid;
}

static int
end_of(pid_t pid)
{
	int status = -1;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + status;
}

/* The client's side ------------------------------------------------------ */

static const struct sock_addr peer = {
	.ip = { .family = 4, .b = { 192, 0, 2, 1 } }, .port = 25,
};

struct mail {
	struct arena		 arena;
	struct address		 sender;
	struct recipient	*rcpts;
	const struct recipient	**list;
	struct str		 parts[8];
	struct smtpc_message	 message;
	struct outcome		*outcome;
};

static void
compose(struct mail *m, size_t n)
{
	memset(m, 0, sizeof(*m));
	m->sender = (struct address){ STR("s"), STR("example.org") };
	m->rcpts = arena_alloc(&m->arena, n * sizeof(*m->rcpts));
	m->list = arena_alloc(&m->arena, n * sizeof(*m->list));
	m->outcome = arena_alloc(&m->arena, n * sizeof(*m->outcome));
	for (size_t i = 0; i < n; i++) {
		m->rcpts[i].address = (struct address){
			arena_printf(&m->arena, "r%zu", i), STR("example.net"),
		};
		m->list[i] = &m->rcpts[i];
	}
	m->parts[0] = STR("Subject: x\r\n\r\n");
	m->parts[1] = STR("hi\r\n");
	m->message = (struct smtpc_message){
		.sender = &m->sender, .recipients = m->list, .n = n,
		.parts = m->parts, .nparts = 2, .size = 18,
	};
}

static void
compose_scenario(struct mail *m, const struct scenario *s)
{
	compose(m, s->n);
	if (s->eight)
		m->message.body = BODY_8BITMIME;
	if (s->binary)
		m->message.body = BODY_BINARYMIME;
	if (s->parts[0] == NULL)
		return;
	m->message.nparts = 0;
	for (size_t i = 0; i < 4 && s->parts[i] != NULL; i++)
		m->parts[m->message.nparts++] = str_of(s->parts[i]);
}

static const char *
describe(struct mail *m, const struct outcome *o)
{
	return arena_printf(&m->arena, "%s %d %d.%d.%d %.*s",
	    outcome_word(o->kind), o->reply, o->status.class,
	    o->status.subject, o->status.detail, STR_ARG(o->text)).p;
}

static void
check(const char *name, const char *got, const char *expected)
{
	if (expected != NULL && strcmp(got, expected) == 0)
		return;
	print_error("%s:\n got      %s\n expected %s\n", name, got,
	    expected != NULL ? expected : "nothing");
	fail();
}

static void
check_transactions(struct smtpc *c, const struct scenario *s)
{
	unsigned times = s->times != 0 ? s->times : 1;
	struct mail m;

	compose_scenario(&m, s);
	for (unsigned t = 0; t < times; t++) {
		memset(m.outcome, 0x5a, s->n * sizeof(*m.outcome));
		smtpc_transact(c, &m.message, &m.arena, m.outcome);
		for (size_t i = 0; i < s->n; i++) {
			const struct outcome *o = &m.outcome[i];

			check(s->name, describe(&m, o),
			    s->expect[t * s->n + i]);
			assert_true(str_eq(o->where,
			    STR("mx.example[192.0.2.1]:25")));
			assert_true(str_eq(o->host, STR("mx.example")));
		}
	}
	if (c->usable == s->unusable)
		fail_msg("%s: usable is %d", s->name, c->usable);
	arena_free(&m.arena);
}

static bool
falls_silent(const struct scenario *s)
{
	for (size_t i = 0; i < SCRIPT_MAX && s->script[i] != NULL; i++)
		if (strcmp(s->script[i], "=") == 0)
			return true;
	return false;
}

static void
play(const struct scenario *s, bool in_bytes)
{
	struct smtpc c;
	struct fault why;
	char text[FAULT_TEXT_MAX + 32];
	int fd, other, result;
	pid_t pid;

	pid = start_server(SOCK_SEQPACKET, &fd, &other);
	if (pid == 0)
		serve(other, s->name, s->script, SCRIPT_MAX, in_bytes);
	result = smtpc_open_within(&c, fd, STR("mx.example"), &peer,
	    STR("me.example"), falls_silent(s) ? &quick : &usual,
	    &why);
	if (s->open != NULL) {
		assert_int_equal(result, -1);
		assert_int_equal(why.kind, FAULT_TEMPORARY);
		snprintf(text, sizeof(text), "%d x.%d.%d %s", why.reply,
		    why.subject, why.detail, why.text);
		check(s->name, text, s->open);
	} else {
		if (result != 0)
			fail_msg("%s: %s", s->name, why.text);
		check_transactions(&c, s);
		smtpc_close(&c, false);
	}
	if (end_of(pid) != 0)
		fail_msg("%s: the server heard something else", s->name);
}

static void
scripts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(*scenarios); i++)
		play(&scenarios[i], false);
}

static size_t
length(const struct scenario *s)
{
	size_t n = 0;

	while (s->script[n] != NULL)
		n++;
	return n;
}

/* Those cost seconds and say nothing in bytes that they do not say whole. */
static bool
is_stalling(const struct scenario *s)
{
	size_t n = length(s);

	return n > 0 && s->script[n - 1][0] == '=';
}

static void
scripts_in_single_bytes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(*scenarios); i++)
		if (!is_stalling(&scenarios[i]))
			play(&scenarios[i], true);
}

/* The server hangs up after each step of good dialogues: nothing is ever
 * taken for delivered before the last reply is here. */
static void
cut(const struct scenario *s, const char *const *script, size_t steps)
{
	struct smtpc c;
	struct fault why;
	struct mail m;
	int fd, other;
	pid_t pid;

	pid = start_server(SOCK_SEQPACKET, &fd, &other);
	if (pid == 0)
		serve(other, s->name, script, steps, false);
	compose_scenario(&m, s);
	if (smtpc_open_within(&c, fd, STR("mx.example"), &peer,
	    STR("me.example"), &usual, &why) == 0) {
		smtpc_transact(&c, &m.message, &m.arena, m.outcome);
		for (size_t i = 0; i < s->n; i++) {
			assert_int_equal(m.outcome[i].kind, OUTCOME_DEFERRED);
			assert_int_equal(m.outcome[i].status.class, 4);
			assert_int_equal(m.outcome[i].status.subject, 4);
			assert_int_equal(m.outcome[i].status.detail, 2);
			assert_true(m.outcome[i].text.n > 0);
		}
		assert_false(c.usable);
		smtpc_close(&c, true);
	} else {
		assert_int_equal(why.subject * 10 + why.detail, 42);
	}
	(void)end_of(pid);
	arena_free(&m.arena);
}

static void
cut_at_each_step(void **state)
{
	(void)state;
	for (size_t k = 0; k < 3; k++)
		for (size_t n = 0; n < length(&scenarios[k]); n++)
			cut(&scenarios[k], scenarios[k].script, n);
}

/* And within each reply, after each byte. */
static void
cut_within_replies(void **state)
{
	const struct scenario *s = &scenarios[0];
	const char *script[SCRIPT_MAX];
	char part[256];

	(void)state;
	for (size_t n = 0; n < length(s); n++) {
		memcpy(script, s->script, sizeof(script));
		if (script[n][0] != '>')
			continue;
		for (size_t i = 1; i < strlen(s->script[n]); i++) {
			snprintf(part, sizeof(part), "%.*s", (int)i,
			    s->script[n]);
			script[n] = part;
			cut(s, script, n + 1);
		}
	}
}

/* Servers that work, over a byte stream ---------------------------------- */

struct reader {
	int	fd;
	char	in[65536];
	size_t	at, end;
};

static int
next_byte(struct reader *r)
{
	ssize_t n;

	if (r->at == r->end) {
		n = recv(r->fd, r->in, sizeof(r->in), 0);
		if (n <= 0)
			return -1;
		r->at = 0;
		r->end = (size_t)n;
	}
	return (unsigned char)r->in[r->at++];
}

static bool
next_line(struct reader *r, char *line, size_t size)
{
	size_t n = 0;
	int ch;

	while ((ch = next_byte(r)) != -1 && ch != '\n')
		if (n < size - 1 && ch != '\r')
			line[n++] = (char)ch;
	line[n] = '\0';
	return ch != -1;
}

/* Content of so many bytes: lines of 70 whose first byte changes; with dots,
 * some begin with one. */
static char
byte_of(size_t i, bool dots)
{
	static const char last[] = "\r\n";

	if (i % 72 >= 70)
		return last[i % 72 - 70];
	if (i % 72 == 0)
		return dots && i % 5 == 0 ? '.' : (char)('a' + i % 25);
	return (char)('A' + (i / 72 + i) % 50);
}

/* Counts the bytes of unstuffed content up to the dot; -1: it differs. */
static long
read_content(struct reader *r, bool dots)
{
	size_t n = 0;
	int ch, next;

	for (;;) {
		ch = next_byte(r);
		if (n % 72 == 0 && ch == '.') {
			next = next_byte(r);
			if (next == '\r')
				return next_byte(r) == '\n' ? (long)n : -1;
			ch = next;
		}
		if (ch == -1 || (char)ch != byte_of(n, dots))
			return -1;
		n++;
	}
}

static void
serve_large(int fd, bool dots, long expected)
{
	static struct reader r;
	char line[512];

	alarm(300);
	r.fd = fd;
	say(fd, "220 mx\r\n", false);
	while (next_line(&r, line, sizeof(line))) {
		if (strncmp(line, "EHLO", 4) == 0) {
			say(fd, "250-mx\r\n250 PIPELINING\r\n", false);
		} else if (strcmp(line, "DATA") == 0) {
			say(fd, "354 go\r\n", false);
			if (read_content(&r, dots) != expected)
				_exit(2);
			say(fd, "250 got it\r\n", false);
		} else if (strcmp(line, "QUIT") == 0) {
			say(fd, "221 bye\r\n", false);
			_exit(0);
		} else {
			say(fd, "250 ok\r\n", false);
		}
	}
	_exit(3);
}

/* Three parts of uneven size that together are n bytes. */
static void
give_content(struct mail *m, const char *p, size_t n)
{
	size_t first = n / 1000 + 3, second = n / 2 + 1;

	m->parts[0] = str_span(p, first);
	m->parts[1] = str_span(p + first, second);
	m->parts[2] = str_span(p + first + second, n - first - second);
	m->message.nparts = 3;
	m->message.size = n;
}

static void
large(bool dots)
{
	const size_t size = (size_t)72 * 72000;
	char *content = mem_alloc(size);
	struct smtpc c;
	struct fault why;
	struct mail m;
	int fd, other;
	pid_t pid;

	pid = start_server(SOCK_STREAM, &fd, &other);
	if (pid == 0)
		serve_large(other, dots, (long)size);
	for (size_t i = 0; i < size; i++)
		content[i] = byte_of(i, dots);
	compose(&m, 2);
	give_content(&m, content, size);
	assert_int_equal(smtpc_open(&c, fd, STR("mx.example"), &peer,
	    STR("me.example"), &why), 0);
	assert_int_equal(c.extensions, EXT_PIPELINING);
	for (int times = 0; times < 2; times++) {
		smtpc_transact(&c, &m.message, &m.arena, m.outcome);
		check("large", describe(&m, &m.outcome[1]),
		    "sent 250 2.0.0 250 got it");
	}
	assert_int_equal(c.transactions, 2);
	smtpc_close(&c, true);
	assert_int_equal(end_of(pid), 0);
	mem_free(content);
	arena_free(&m.arena);
}

static void
five_megabytes(void **state)
{
	(void)state;
	large(false);
	large(true);
}

/* A server with small buffers that answers at length before it reads on. */
static void
serve_many(int fd)
{
	static struct reader r;
	char line[512], reply[512];
	unsigned rcpt = 0;

	alarm(300);
	r.fd = fd;
	say(fd, "220 mx\r\n", false);
	while (next_line(&r, line, sizeof(line))) {
		if (strncmp(line, "EHLO", 4) == 0) {
			say(fd, "250-mx\r\n250 PIPELINING\r\n", false);
		} else if (strncmp(line, "RCPT", 4) == 0) {
			snprintf(reply, sizeof(reply), "%d %0450d\r\n",
			    rcpt % 3 == 0 ? 550 : 250, (int)rcpt);
			rcpt++;
			say(fd, reply, false);
		} else if (strcmp(line, "DATA") == 0) {
			say(fd, "354 go\r\n", false);
			while (next_line(&r, line, sizeof(line)) &&
			    strcmp(line, ".") != 0)
				continue;
			say(fd, "250 got it\r\n", false);
		} else if (strcmp(line, "QUIT") == 0) {
			_exit(rcpt == RCPTS_MAX ? 0 : 1);
		} else {
			say(fd, "250 ok\r\n", false);
		}
	}
	_exit(3);
}

static void
many_recipients(void **state)
{
	int fd, other, small = 1;
	struct smtpc c;
	struct fault why;
	struct mail m;
	pid_t pid;

	(void)state;
	pid = start_server(SOCK_STREAM, &fd, &other);
	if (pid == 0)
		serve_many(other);
	compose(&m, RCPTS_MAX);
	assert_int_equal(smtpc_open_within(&c, fd, STR("mx.example"), &peer,
	    STR("me.example"), &usual, &why), 0);
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	smtpc_transact(&c, &m.message, &m.arena, m.outcome);
	for (size_t i = 0; i < RCPTS_MAX; i++) {
		assert_int_equal(m.outcome[i].kind, i % 3 == 0 ?
		    OUTCOME_FAILED : OUTCOME_RELAYED);
		if (i % 3 == 0)
			assert_non_null(strstr(m.outcome[i].text.p,
			    arena_printf(&m.arena, "0%zu (in reply to RCPT",
			    i).p));
	}
	smtpc_close(&c, false);
	assert_int_equal(end_of(pid), 0);
	arena_free(&m.arena);
}

/* The server has said why it hung up before we wrote anything: what it said
 * is the outcome, not that the write failed. */
static void
last_words_are_heard(void **state)
{
	static const char *const script[] = {
		HELLO, ">421 4.4.2 idle\r\n", NULL,
	};
	struct smtpc c;
	struct fault why;
	struct mail m;
	int fd, other;
	pid_t pid;

	(void)state;
	pid = start_server(SOCK_SEQPACKET, &fd, &other);
	if (pid == 0)
		serve(other, "idle", script, SCRIPT_MAX - 1, false);
	compose(&m, 1);
	assert_int_equal(smtpc_open_within(&c, fd, STR("mx.example"), &peer,
	    STR("me.example"), &usual, &why), 0);
	assert_int_equal(end_of(pid), 0);
	smtpc_transact(&c, &m.message, &m.arena, m.outcome);
	check("idle", describe(&m, &m.outcome[0]), "deferred 421 4.4.2 " SAID
	    "421 4.4.2 idle (in reply to MAIL FROM command)");
	assert_false(c.usable);
	smtpc_close(&c, true);
	arena_free(&m.arena);
}

/* TCP: the server refuses in the middle of the content and is gone. */
static void
serve_impatient(int listener)
{
	static struct reader r;
	char line[512];

	alarm(300);
	r.fd = accept(listener, NULL, NULL);
	say(r.fd, "220 mx\r\n", false);
	while (next_line(&r, line, sizeof(line)) && strcmp(line, "DATA") != 0)
		say(r.fd, "250 ok\r\n", false);
	say(r.fd, "354 go\r\n", false);
	for (int i = 0; i < 200000; i++)
		(void)next_byte(&r);
	say(r.fd, "552 5.3.4 far too much\r\n", false);
	_exit(0);
}

static int
connect_to_child(pid_t *pid)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);
	int fd, listener;

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&at, len), 0);
	assert_int_equal(listen(listener, 1), 0);
	getsockname(listener, (struct sockaddr *)&at, &len);
	fflush(NULL);
	*pid = fork();
	if (*pid == 0)
		serve_impatient(listener);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&at, len), 0);
	close(listener);
	return fd;
}

static void
refusal_within_content(void **state)
{
	const size_t size = (size_t)72 * 200000;
	char *content = mem_alloc(size);
	struct smtpc c;
	struct fault why;
	struct mail m;
	pid_t pid;
	int fd;

	(void)state;
	fd = connect_to_child(&pid);
	for (size_t i = 0; i < size; i++)
		content[i] = byte_of(i, false);
	compose(&m, 1);
	give_content(&m, content, size);
	assert_int_equal(smtpc_open_within(&c, fd, STR("mx.example"), &peer,
	    STR("me.example"), &usual, &why), 0);
	smtpc_transact(&c, &m.message, &m.arena, m.outcome);
	check("refusal", describe(&m, &m.outcome[0]), "bounced 552 5.3.4 "
	    SAID "552 5.3.4 far too much (in reply to end of DATA command)");
	assert_false(c.usable);
	smtpc_close(&c, true);
	assert_int_equal(end_of(pid), 0);
	mem_free(content);
	arena_free(&m.arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scripts),
		cmocka_unit_test(scripts_in_single_bytes),
		cmocka_unit_test(cut_at_each_step),
		cmocka_unit_test(cut_within_replies),
		cmocka_unit_test(five_megabytes),
		cmocka_unit_test(many_recipients),
		cmocka_unit_test(last_words_are_heard),
		cmocka_unit_test(refusal_within_content),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
