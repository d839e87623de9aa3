/* SPDX-License-Identifier: ISC */
/*
 * The client of Dovecot's authentication: a line protocol on a local socket,
 * words parted by tabs.
 *
 *	server	VERSION 1 n, MECH name ..., SPID, CUID, COOKIE, DONE
 *	client	VERSION 1 1, CPID pid
 *	client	AUTH 1 mechanism service=smtp ... resp=base64
 *	server	OK 1 user=... | FAIL 1 user=... [temp] | CONT 1 base64
 *	client	CONT 1 base64
 *
 * A connection is made for each attempt, because each has a process of its own.
 * Every mechanism that Dovecot offers may be passed through: what the session
 * has taken apart (a name and a secret, a token) is put together again, and an
 * exchange is carried as it is.  What Dovecot says is read as strictly as what
 * a stranger says; the name at the end must be one.
 */
#include "auth/dovecot.h"

#include <string.h>
#include <unistd.h>

#include "auth/sasl.h"
#include "base/base64.h"
#include "os/sock.h"
#include "os/stream.h"

#define LINE_LIMIT	16384
#define GREETING_LINES	100
#define PATIENCE	30	/* seconds, for one line */

static enum attempt_answer
fail(struct attempt *a, const char *why)
{
	a->why = arena_printf(a->arena, "Dovecot: %s", why);
	return ATTEMPT_LATER;
}

static bool
read_line(struct stream *s, struct str *line)
{
	return stream_line(s, LINE_LIMIT, true, line) == STREAM_OK;
}

/* Reads its greeting; false with *why: it will not do. */
static bool
greet(struct stream *s, struct str mechanism, const char **why)
{
	bool offered = false, version = false;
	struct str line, word, name;

	*why = "no greeting";
	for (int i = 0; i < GREETING_LINES && read_line(s, &line); i++) {
		if (!str_cut(&line, '\t', &word))
			continue;
		if (str_eq(word, STR("DONE"))) {
			*why = !version ? "not version 1 of its protocol" :
			    "it does not offer this mechanism";
			return version && offered;
		}
		if (!str_cut(&line, '\t', &name))
			continue;
		if (str_eq(word, STR("VERSION")))
			version = str_eq(name, STR("1"));
		if (str_eq(word, STR("MECH")))
			offered |= str_eq(name, mechanism);
	}
	return false;
}

/* As the client would have said it. */
static void
put_response(struct buf *out, const struct attempt *a)
{
	struct buf b = { 0 };

	switch (a->kind) {
	case ATTEMPT_SECRET:
		buf_putc(&b, '\0');
		buf_puts(&b, a->name);
		buf_putc(&b, '\0');
		break;
	case ATTEMPT_TOKEN:
		if (str_eq(a->mechanism, STR("XOAUTH2")))
			buf_printf(&b, "user=%.*s", STR_ARG(a->name));
		else
			buf_printf(&b, "n,%s%.*s,", a->name.n > 0 ? "a=" : "",
			    STR_ARG(a->name));
		buf_putz(&b, "\1auth=Bearer ");
		break;
	case ATTEMPT_EXCHANGE:
		break;
	}
	buf_puts(&b, a->secret);
	if (a->kind == ATTEMPT_TOKEN)
		buf_putz(&b, "\1\1");
	base64_put(out, buf_str(&b));
	explicit_bzero(b.p, b.n);
	buf_free(&b);
}

static void
put_request(struct buf *out, const struct attempt *a, struct str mechanism)
{
	char ip[IP_TEXT_MAX];

	buf_printf(out, "VERSION\t1\t1\nCPID\t%ld\nAUTH\t1\t%.*s"
	    "\tservice=smtp\tnologin", (long)getpid(), STR_ARG(mechanism));
	if (a->secure)
		buf_putz(out, "\tsecured");
	if (a->server.family != 0)
		buf_printf(out, "\tlip=%s", ip_format(&a->server, ip));
	if (a->client.family != 0)
		buf_printf(out, "\trip=%s", ip_format(&a->client, ip));
	buf_putz(out, "\tresp=");
	put_response(out, a);
	buf_putc(out, '\n');
}

/* The value of the word KEY=VALUE; "" when there is none. */
static struct str
find_word(struct str line, struct str key)
{
	struct str word;

	while (str_cut(&line, '\t', &word))
		if (str_starts(word, key))
			return str_from(word, key.n);
	return STR_NONE;
}

static bool
has_word(struct str line, struct str want)
{
	struct str word;

	while (str_cut(&line, '\t', &word))
		if (str_eq(word, want))
			return true;
	return false;
}

static bool
decode(struct attempt *a, struct str text, struct str *out)
{
	struct buf b = { 0 };
	bool good = base64_decode(text, &b);

	if (good)
		*out = arena_str(a->arena, buf_str(&b));
	buf_free(&b);
	return good;
}

static enum attempt_answer
read_ok(struct attempt *a, struct str line)
{
	struct str user = find_word(line, STR("user="));

	/* ^A begins an escape, and is no character of a name. */
	if (!sasl_is_name(user) || !decode(a, find_word(line, STR("resp=")),
	    &a->out))
		return fail(a, "an answer without a good name");
	a->login = arena_str(a->arena, user);
	return ATTEMPT_YES;
}

static enum attempt_answer
read_failure(struct attempt *a, struct str line)
{
	struct str user = find_word(line, STR("user="));
	struct str code = find_word(line, STR("code="));

	if (sasl_is_name(user))
		a->name = arena_str(a->arena, user);
	if (has_word(line, STR("temp")) || str_eq(code, STR("temp_fail")))
		return fail(a, "temporary failure");
	a->why = STR("authentication failure");
	if (has_word(line, STR("user_disabled")) ||
	    str_eq(code, STR("user_disabled")))
		a->why = STR("the account is disabled");
	return ATTEMPT_NO;
}

static enum attempt_answer
hear_once(struct attempt *a)
{
	struct stream *s = a->state;
	struct str line, word, id;

	while (stream_flush(s) == STREAM_OK && read_line(s, &line)) {
		if (!str_cut(&line, '\t', &word) ||
		    !str_cut(&line, '\t', &id) || !str_eq(id, STR("1")))
			continue;
		if (str_eq(word, STR("OK")))
			return read_ok(a, line);
		if (str_eq(word, STR("FAIL")))
			return read_failure(a, line);
		if (!str_eq(word, STR("CONT")))
			continue;
		if (decode(a, line, &a->out))
			return ATTEMPT_MORE;
		break;
	}
	return fail(a, "no answer");
}

static void
put_cont(struct stream *s, struct str response)
{
	stream_put(s, STR("CONT\t1\t"));
	base64_put(&s->out, response);
	stream_put(s, STR("\n"));
}

/*
 * Who said all in one message is asked for more when it was wrong: what he is
 * told first is why, and what he says then is nothing (RFC 7628 3.2.3).  The
 * session tells him itself.
 */
static enum attempt_answer
hear(struct attempt *a)
{
	enum attempt_answer answer = hear_once(a);

	if (answer != ATTEMPT_MORE || a->kind == ATTEMPT_EXCHANGE)
		return answer;
	a->out = STR_NONE;
	put_cont(a->state, STR("\1"));
	answer = hear_once(a);
	return answer == ATTEMPT_MORE ? fail(a, "too many questions") : answer;
}

static int
open_nothing(struct backend *b, struct fault *why)
{
	(void)b;
	(void)why;
	return 0;
}

enum attempt_answer
dovecot_ask(struct attempt *a, int fd)
{
	struct stream *s = arena_alloc(a->arena, sizeof(*s));
	/* LOGIN was only another way to say the same. */
	struct str mechanism = a->kind == ATTEMPT_SECRET ? STR("PLAIN") :
	    a->mechanism;
	const char *what;

	stream_init(s, fd);
	stream_set_timeout(s, PATIENCE);
	a->state = s;
	if (!greet(s, mechanism, &what))
		return fail(a, what);
	put_request(&s->out, a, mechanism);
	return hear(a);
}

static enum attempt_answer
ask_dovecot(struct backend *b, struct attempt *a)
{
	struct fault why;
	int fd = sock_connect_unix(b->place.p, &why);

	return fd < 0 ? fail(a, why.text) : dovecot_ask(a, fd);
}

static enum attempt_answer
next_dovecot(struct backend *b, struct attempt *a, struct str in)
{
	(void)b;
	put_cont(a->state, in);
	return hear(a);
}

const struct backend_ops dovecot_backend = { open_nothing, ask_dovecot,
    next_dovecot };
