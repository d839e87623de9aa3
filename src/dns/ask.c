/* SPDX-License-Identifier: ISC */
/*
 * An asker: questions over a given socket.  A session has no right to make
 * one, and of a resolver it sees nothing but datagrams on this descriptor
 * (master/names carries them).
 *
 * A question is open until it is answered or its time is over.  It is sent
 * again while no answer comes; each datagram that does come is held against
 * all open questions (dns/question) and dropped when it is nobody's.  What is
 * somebody's and cannot be read, or was cut to fit, is no answer: "try again".
 * An alias that leads out of its answer is asked for under a new ID, and
 * counts as one more question.
 *
 * Two bounds hold whatever a resolver does: the number of questions, and the
 * time that was spent waiting for them.  Strings and records live in the
 * asker's arena.  Nothing is cached, nothing is logged.
 *
 * Called by policy, which decides what to ask; smtpd owns the asker.
 */
#include "dns/ask.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/die.h"
#include "base/mem.h"
#include "dns/question.h"
#include "os/clock.h"

#define RCODE_FORMERR	1		/* RFC 1035 4.1.1 */

enum {
	SENDS = 3,			/* of one question */
	PACKET_MAX = 4096,		/* more than we said to take */
	HEAR_MAX = 64,			/* datagrams in one go */
};

/* When a question is sent the second and the third time, in ms. */
static const int again_ms[SENDS] = { 1200, 3000, ASK_PATIENCE_MS };

struct question {
	enum rr_type		type;
	enum resolve_result	result;
	struct resolved		found;
	uint16_t		id;
	bool			open;
	bool			plain;		/* without EDNS0 */
	unsigned		sends;
	int64_t			asked;		/* clock_mono_ms */
};

struct asker {
	int		fd;
	bool		plain;			/* no EDNS0 from now on */
	bool		cut;
	unsigned	n;
	unsigned	asked;			/* aliases too */
	int64_t		waited;			/* ms */
	struct arena	arena;
	uint16_t	id[ASK_MAX];		/* drawn all at once */
	struct question	question[ASK_MAX];
};

struct asker *
asker_new(int fd)
{
	struct asker *a = mem_alloc(sizeof(*a));

	a->fd = fd;
	return a;
}

void
asker_free(struct asker *a)
{
	if (a == NULL)
		return;
	close(a->fd);
	arena_free(&a->arena);
	mem_free(a);
}

void
asker_renew(struct asker *a)
{
	a->n = a->asked = 0;
	a->waited = 0;
	arena_reset(&a->arena);
}

static void
settle(struct question *q, enum resolve_result result)
{
	q->open = false;
	q->result = result;
}

static size_t
write_down(const struct question *q, uint8_t out[QUESTION_SIZE])
{
	return question_put(out, q->id, q->found.canonical, q->type,
	    !q->plain);
}

/* A datagram that cannot be sent is as one that was lost. */
static void
send_out(const struct asker *a, struct question *q)
{
	uint8_t packet[QUESTION_SIZE];
	size_t n = write_down(q, packet);

	must(n > 0);
	q->sends++;
	(void)send(a->fd, packet, n, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* A fresh ID: those of one round are never used twice. */
static bool
draw_id(struct asker *a, uint16_t *id)
{
	if (a->asked == ASK_MAX)
		return false;
	if (a->asked == 0 && getrandom(a->id, sizeof(a->id), 0) !=
	    sizeof(a->id))
		return false;
	*id = a->id[a->asked++];
	return true;
}

static void
begin(struct asker *a, struct question *q)
{
	uint8_t packet[QUESTION_SIZE];

	if (!draw_id(a, &q->id)) {
		settle(q, RESOLVE_TRY_AGAIN);
	} else if (write_down(q, packet) == 0) {
		settle(q, RESOLVE_NO_NAME);
	} else {
		q->open = true;
		q->plain = a->plain;
		q->sends = 0;
		q->asked = clock_mono_ms();
		send_out(a, q);
	}
}

int
ask_question(struct asker *a, struct str name, enum rr_type type)
{
	uint8_t packet[QUESTION_SIZE];
	struct question *q;

	if (question_put(packet, 0, name, type, true) == 0)
		return ASK_NO_NAME;
	if (a->asked == ASK_MAX || a->n == ASK_MAX)
		return ASK_NO_MORE;
	q = &a->question[a->n];
	*q = (struct question){ .type = type };
	q->found.canonical = arena_str(&a->arena, name);
	begin(a, q);
	return (int)a->n++;
}

/* Reads what is an answer to this question. */
static void
read_answer(struct asker *a, struct question *q, const uint8_t *p, size_t n)
{
	struct rr_answer answer;
	enum resolve_result result;
	const char *reason;

	if (rr_parse(&a->arena, p, n, &answer) != 0) {
		settle(q, RESOLVE_TRY_AGAIN);
	} else if (answer.rcode == RCODE_FORMERR && !q->plain &&
	    q->sends < SENDS) {
		q->plain = a->plain = true;
		send_out(a, q);
	} else if (answer.truncated) {
		settle(q, RESOLVE_TRY_AGAIN);
	} else if (resolve_read(&a->arena, &answer, q->type, &q->found,
	    &result, &reason)) {
		settle(q, result);
	} else {
		begin(a, q);
	}
}

static void
hear_packet(struct asker *a, const uint8_t *p, size_t n)
{
	uint8_t packet[QUESTION_SIZE];

	for (unsigned i = 0; i < a->n; i++) {
		struct question *q = &a->question[i];

		if (q->open && question_has_answer(packet,
		    write_down(q, packet), p, n)) {
			read_answer(a, q, p, n);
			return;
		}
	}
}

static unsigned
count_open(const struct asker *a)
{
	unsigned n = 0;

	for (unsigned i = 0; i < a->n; i++)
		n += a->question[i].open;
	return n;
}

static void
settle_all(struct asker *a)
{
	for (unsigned i = 0; i < a->n; i++)
		if (a->question[i].open)
			settle(&a->question[i], RESOLVE_TRY_AGAIN);
}

static void
look_at_clock(struct asker *a)
{
	int64_t now = clock_mono_ms();

	for (unsigned i = 0; i < a->n; i++) {
		struct question *q = &a->question[i];

		if (!q->open || now - q->asked < again_ms[q->sends - 1])
			continue;
		if (q->sends == SENDS)
			settle(q, RESOLVE_TRY_AGAIN);
		else
			send_out(a, q);
	}
}

void
ask_hear(struct asker *a)
{
	uint8_t packet[PACKET_MAX];
	ssize_t n;

	for (int i = 0; i < HEAR_MAX && count_open(a) > 0; i++) {
		n = recv(a->fd, packet, sizeof(packet), MSG_DONTWAIT);
		if (n > 0) {
			hear_packet(a, packet, (size_t)n);
			continue;
		}
		/* The other end has gone: nothing will come. */
		if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
			a->cut = true;
			settle_all(a);
		}
		break;
	}
	look_at_clock(a);
}

bool
ask_is_settled(const struct asker *a, int question)
{
	return question < 0 || !a->question[question].open;
}

bool
asker_is_cut(const struct asker *a)
{
	return a->cut;
}

int
asker_fd(const struct asker *a)
{
	return a->fd;
}

int
asker_due(const struct asker *a)
{
	int64_t now = clock_mono_ms(), first = -1;

	for (unsigned i = 0; i < a->n; i++) {
		const struct question *q = &a->question[i];
		int64_t left;

		if (!q->open)
			continue;
		left = q->asked + again_ms[q->sends - 1] - now;
		if (left < 0)
			left = 0;
		if (first < 0 || left < first)
			first = left;
	}
	return (int)first;
}

bool
ask_wait_once(struct asker *a)
{
	struct pollfd p = { .fd = a->fd, .events = POLLIN };
	int64_t begun, left = ASK_WAIT_MS - a->waited;
	int due = asker_due(a);

	if (due < 0)
		return false;
	if (left <= 0) {
		settle_all(a);
		return false;
	}
	begun = clock_mono_ms();
	(void)poll(&p, 1, due < left ? due : (int)left);
	a->waited += clock_mono_ms() - begun;
	ask_hear(a);
	return true;
}

void
ask_wait(struct asker *a, int question)
{
	while (!ask_is_settled(a, question))
		(void)ask_wait_once(a);
}

enum resolve_result
ask_answer(const struct asker *a, int question, const struct resolved **out)
{
	const struct question *q;

	if (question < 0)
		return question == ASK_NO_MORE ? RESOLVE_TRY_AGAIN :
		    RESOLVE_NO_NAME;
	q = &a->question[question];
	must(!q->open);
	if (out != NULL)
		*out = &q->found;
	return q->result;
}
