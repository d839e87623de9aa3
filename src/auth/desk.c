/* SPDX-License-Identifier: ISC */
/*
 * One attempt to log in, on the side that knows the secrets: what a session
 * asks in packets (priv/door) is asked of the backend, and the backend's answer
 * goes back.  It is the whole work of a process that the doorkeeper forks for
 * it, and so leaves nothing behind.
 *
 * The session is not trusted: a packet in the wrong place, a name that is none
 * or a secret with a NUL in it ends the attempt, and counts as a failure.
 */
#include "auth/desk.h"

#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "auth/sasl.h"
#include "priv/door.h"

enum {
	QUESTION_MS = 5000,	/* until it comes; a session has it ready */
	RESPONSE_MS = 20000,	/* until the client has answered */
};

static void
say(int sock, enum door_kind kind, struct str a, struct str b)
{
	struct door_packet p = { .kind = kind, .field = { a, b } };

	(void)door_send(sock, &p);
}

static void
say_yes(int sock, const struct attempt *a, const struct spending_key *key)
{
	char pass[SPENDING_PASS_MAX];
	struct door_packet p = { .kind = DOOR_YES,
	    .field = { a->login, a->out, { pass, sizeof(pass) - 1 } } };

	spending_make_pass(key, a->login, pass);
	(void)door_send(sock, &p);
	explicit_bzero(pass, sizeof(pass));
}

/* The next packet, copied to the attempt's arena. */
static int
hear(int sock, struct arena *arena, struct door_packet *p)
{
	char room[DOOR_PACKET_MAX];
	int r = door_receive(sock, room, p);

	for (int i = 0; r == 0 && i < DOOR_FIELDS; i++)
		p->field[i] = arena_str(arena, p->field[i]);
	explicit_bzero(room, sizeof(room));
	return r;
}

static bool
is_asked(int sock, int ms)
{
	struct pollfd p = { .fd = sock, .events = POLLIN };

	return poll(&p, 1, ms) == 1;
}

static bool
has_nul(struct str s)
{
	return str_find(s, '\0') < s.n;
}

/* False: no honest session would say so. */
static bool
take(const struct door_packet *p, struct attempt *a)
{
	a->secure = (p->flags & DOOR_SECURE) != 0;
	a->plus = (p->flags & DOOR_PLUS) != 0;
	a->mechanism = p->field[0];
	a->service = p->field[1];
	if (sasl_find(a->mechanism) == NULL)
		return false;
	if (p->kind == DOOR_BEGIN) {
		a->kind = ATTEMPT_EXCHANGE;
		a->binding_kind = p->field[2];
		a->binding_data = p->field[3];
		a->secret = p->field[4];
		return true;
	}
	a->kind = p->kind == DOOR_TOKEN ? ATTEMPT_TOKEN : ATTEMPT_SECRET;
	a->name = p->field[2];
	a->secret = p->field[3];
	return (p->kind == DOOR_SECRET || p->kind == DOOR_TOKEN) &&
	    (sasl_is_name(a->name) ||
	    (a->name.n == 0 && p->kind == DOOR_TOKEN)) &&
	    a->secret.n > 0 && a->secret.n <= (p->kind == DOOR_TOKEN ?
	    SASL_TOKEN_MAX : SASL_SECRET_MAX) && !has_nul(a->secret);
}

static void
tell_of(int tell, enum desk_result result)
{
	char byte = (char)result;

	(void)!write(tell, &byte, 1);
}

static enum desk_result
finish(int sock, int tell, struct attempt *a, const struct spending_key *key,
    enum attempt_answer answer)
{
	switch (answer) {
	case ATTEMPT_YES:
		tell_of(tell, DESK_YES);
		say_yes(sock, a, key);
		return DESK_YES;
	case ATTEMPT_NO:
		tell_of(tell, DESK_NO);
		say(sock, DOOR_NO, sasl_is_name(a->name) ? a->name : STR_NONE,
		    a->why);
		return DESK_NO;
	case ATTEMPT_LATER:
	case ATTEMPT_MORE:
		break;
	}
	tell_of(tell, DESK_LATER);
	say(sock, DOOR_LATER, a->why, STR_NONE);
	return DESK_LATER;
}

/* The rest of an exchange, in which it is the client's turn.  False: it is
 * over; who has gone has not failed, who is silent has. */
static bool
listen_on(int sock, int tell, struct attempt *a, struct door_packet *p,
    enum desk_result *result)
{
	tell_of(tell, DESK_TALKING);
	say(sock, DOOR_CHALLENGE, a->out, STR_NONE);
	a->out = STR_NONE;
	if (is_asked(sock, RESPONSE_MS))
		return hear(sock, a->arena, p) == 0 &&
		    p->kind == DOOR_RESPONSE;
	*result = DESK_NO;
	tell_of(tell, DESK_NO);
	say(sock, DOOR_LATER, STR("the client was silent"), STR_NONE);
	return false;
}

enum desk_result
desk_serve(struct backend *b, int sock, int tell, const struct ip *client,
    const struct ip *server, const struct spending_key *key)
{
	struct arena arena = { 0 };
	struct attempt a = { .arena = &arena, .client = *client,
	    .server = *server };
	struct door_packet p;
	enum attempt_answer answer;
	enum desk_result result = DESK_LATER;

	say(sock, DOOR_ENTER, STR_NONE, STR_NONE);
	if (!is_asked(sock, QUESTION_MS) || hear(sock, &arena, &p) < 0)
		goto out;
	if (!take(&p, &a)) {
		a.why = STR("malformed request");
		result = finish(sock, tell, &a, key, ATTEMPT_NO);
		goto out;
	}
	answer = b->ops->ask(b, &a);
	while (answer == ATTEMPT_MORE && b->ops->next != NULL) {
		if (!listen_on(sock, tell, &a, &p, &result))
			goto out;
		answer = b->ops->next(b, &a, p.field[0]);
	}
	result = finish(sock, tell, &a, key, answer);
out:
	arena_free(&arena);
	return result;
}
