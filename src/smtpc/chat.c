/* SPDX-License-Identifier: ISC */
/*
 * The lowest layer of the client: reading replies in time, and saying in the
 * words of the field what a peer has said or failed to say.  What is to be
 * sent, the modules above put into the stream; it goes out, all in one write,
 * when a reply has to be waited for.  Which reply belongs to which command,
 * and what follows from it, is theirs too.
 *
 * Every reply has its own time, of RFC 5321 4.5.3.2, and it is a time for the
 * whole of it: a peer that sends a byte a minute gains nothing.  To change it
 * costs nothing (os/stream).
 *
 * Once a read has failed, or a 421 has come, usable is false for good.
 */
#include "smtpc/chat.h"

#define TEXT_MAX	1000	/* of a reply in logs and bounces */
#define GARBAGE_MAX	80	/* of a line that is shown */

int
smtpc_lost(struct smtpc *c, enum stream_result result, const char *doing,
    struct fault *why)
{
	c->usable = false;
	if (result == STREAM_TIMEOUT)
		return fault_temporary(why, 451, 4, 2,
		    "conversation with %.*s timed out while %s",
		    STR_ARG(c->peer), doing);
	return fault_temporary(why, 451, 4, 2,
	    "lost connection with %.*s while %s", STR_ARG(c->peer), doing);
}

static int
disown(struct smtpc *c, struct str line, const char *doing, struct fault *why)
{
	line = str_slice(line, 0, GARBAGE_MAX);
	c->usable = false;
	return fault_temporary(why, 451, 5, 0,
	    "host %.*s said what is no SMTP reply: \"%.*s\" (while %s)",
	    STR_ARG(c->peer), STR_ARG(line), doing);
}

static enum stream_result
read_line(struct smtpc *c, struct str *line)
{
	enum stream_result result;

	*line = STR_NONE;
	for (;;) {
		result = stream_line(&c->stream, STREAM_IN_SIZE, true, line);
		/* The peer may have said why before it hung up on us. */
		if (result == STREAM_BROKEN && c->stream.out.n > 0)
			buf_reset(&c->stream.out);
		else if (result != STREAM_SIGNAL)
			return result;
	}
}

int
smtpc_read(struct smtpc *c, int seconds, const char *doing, struct fault *why)
{
	enum stream_result result;
	enum reply_state state;
	struct str line;

	reply_reset(&c->reply);
	stream_set_timeout(&c->stream, seconds);
	stream_set_deadline(&c->stream, seconds);
	do {
		result = read_line(c, &line);
		if (result == STREAM_TOO_LONG || result == STREAM_BARE)
			return disown(c, line, doing, why);
		if (result != STREAM_OK)
			return smtpc_lost(c, result, doing, why);
		state = reply_feed(&c->reply, line);
	} while (state == REPLY_MORE);
	if (state == REPLY_GARBAGE)
		return disown(c, line, doing, why);
	if (c->reply.code == 421)
		c->usable = false;
	return 0;
}

struct status
smtpc_status(const struct smtpc *c)
{
	int class = c->reply.code / 100;

	if (c->reply.status.class == class)
		return c->reply.status;
	return (struct status){ class, 0, 0 };
}

struct str
smtpc_text(const struct smtpc *c, struct arena *arena)
{
	struct buf b;
	struct str text;

	buf_init(&b);
	reply_describe(&b, &c->reply);
	text = arena_str(arena, str_slice(buf_str(&b), 0, TEXT_MAX));
	buf_free(&b);
	return text;
}

struct str
smtpc_said(const struct smtpc *c, struct arena *arena, const char *command)
{
	struct str text = smtpc_text(c, arena);

	return arena_printf(arena, "host %.*s said: %.*s (in reply to %s)",
	    STR_ARG(c->peer), STR_ARG(text), command);
}

int
smtpc_refused(struct smtpc *c, const char *command, struct fault *why)
{
	struct status status = smtpc_status(c);
	int code = c->reply.code / 100 == 4 ? c->reply.code : 451;
	struct str text = smtpc_text(c, &c->arena);

	if (command == NULL)
		return fault_temporary(why, code, status.subject,
		    status.detail, "host %.*s refused to talk to me: %.*s",
		    STR_ARG(c->peer), STR_ARG(text));
	return fault_temporary(why, code, status.subject, status.detail,
	    "host %.*s said: %.*s (in reply to %s)", STR_ARG(c->peer),
	    STR_ARG(text), command);
}
