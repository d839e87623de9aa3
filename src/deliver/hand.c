/* SPDX-License-Identifier: ISC */
/*
 * The packets between a worker and an agent.  Each is one packet of a
 * SOCK_SEQPACKET socket of at most PACKET_MAX bytes: a letter for its kind,
 * numbers (little-endian), and strings with their length in front, in a fixed
 * order, with nothing behind them.
 *
 *	'H'  again 1, index 4, name, sender, recipient, original, user,
 *	     extension				and the entry's descriptor
 *	'A'  kind 1, reply 2, status 3 x 2, where, text
 *
 * The two ends run as different users and do not trust each other: every
 * length is checked against what came, a packet that says too little or too
 * much is refused whole, and no control character passes, since the strings
 * of a hand go into the header of a mailbox and those of an answer into the
 * log.
 *
 * After hand_wait() has given up, an answer may still come.  The caller then
 * closes the socket, as it could not tell for which hand it was.
 */
#include "deliver/hand.h"

#include <sys/socket.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "os/clock.h"
#include "os/sock.h"

enum {
	PACKET_MAX = 16 * 1024,
	TEXT_MAX = 4 * 1024,	/* of an answer; the rest is cut */
	KIND_HAND = 'H',
	KIND_ANSWER = 'A',
};

/* What is left of a packet.  Once something was amiss, it stays so. */
struct cursor {
	struct str	rest;
	bool		bad;
};

static void
put_number(struct buf *b, uint32_t n, unsigned bytes)
{
	uint8_t little[4];

	bytes_put_le32(little, n);
	buf_put(b, little, bytes);
}

static void
put_str(struct buf *b, struct str s)
{
	put_number(b, (uint32_t)s.n, 2);
	buf_puts(b, s);
}

static struct str
take(struct cursor *c, size_t n)
{
	struct str s = str_slice(c->rest, 0, n);

	if (c->bad || s.n < n) {
		c->bad = true;
		return STR_NONE;
	}
	c->rest = str_from(c->rest, n);
	return s;
}

static uint32_t
take_number(struct cursor *c, unsigned bytes)
{
	struct str s = take(c, bytes);
	uint8_t little[4] = { 0 };

	if (s.n > 0)
		memcpy(little, s.p, s.n);
	return bytes_get_le32(little);
}

static struct str
take_str(struct cursor *c, struct arena *a)
{
	struct str s = take(c, take_number(c, 2));

	for (size_t i = 0; i < s.n; i++)
		if (str_is_control(s.p[i]))
			c->bad = true;
	return c->bad ? STR_NONE : arena_str(a, s);
}

static bool
is_whole(const struct cursor *c)
{
	return !c->bad && c->rest.n == 0;
}

/* Too long for its length field is too long for the packet. */
static bool
fits(const struct hand *h)
{
	const struct str *s[] = { &h->sender, &h->recipient, &h->original,
	    &h->user, &h->extension };
	size_t sum = SPOOL_NAME_MAX + 32;

	for (size_t i = 0; i < sizeof(s) / sizeof(s[0]); i++) {
		if (s[i]->n > PACKET_MAX)
			return false;
		sum += s[i]->n;
	}
	return sum <= PACKET_MAX;
}

int
hand_send(int sock, const struct hand *h, int entry, struct fault *why)
{
	struct buf b = { 0 };
	int r;

	if (!fits(h))
		return fault_temporary(why, 451, 3, 0,
		    "too long to be handed to a delivery agent");
	put_number(&b, KIND_HAND, 1);
	put_number(&b, h->again, 1);
	put_number(&b, h->index, 4);
	put_str(&b, str_of(h->name));
	put_str(&b, h->sender);
	put_str(&b, h->recipient);
	put_str(&b, h->original);
	put_str(&b, h->user);
	put_str(&b, h->extension);
	r = sock_send(sock, buf_str(&b), &entry, 1, 0);
	if (r < 0)
		fault_system(why, errno, "hand over to the delivery agent");
	buf_free(&b);
	return r;
}

static bool
decode_hand(struct str packet, struct arena *a, struct hand *h)
{
	struct cursor c = { packet, false };
	struct str name;
	uint32_t kind, again;

	memset(h, 0, sizeof(*h));
	kind = take_number(&c, 1);
	again = take_number(&c, 1);
	h->index = take_number(&c, 4);
	name = take_str(&c, a);
	h->sender = take_str(&c, a);
	h->recipient = take_str(&c, a);
	h->original = take_str(&c, a);
	h->user = take_str(&c, a);
	h->extension = take_str(&c, a);
	if (!is_whole(&c) || kind != KIND_HAND || again > 1 ||
	    name.n >= sizeof(h->name) || !spool_name_is_valid(name))
		return false;
	h->again = again == 1;
	memcpy(h->name, name.p, name.n);
	return true;
}

int
hand_receive(int sock, struct arena *a, struct hand *h, int *entry)
{
	char packet[PACKET_MAX];
	int fds[SOCK_FDS_MAX];
	size_t nfds = 0;
	ssize_t n;

	do
		n = sock_receive(sock, packet, sizeof(packet), fds, &nfds, 0);
	while (n < 0 && errno == EINTR);
	if (n == 0 || (n < 0 && errno == ECONNRESET))
		return 0;
	if (n > 0 && nfds == 1 &&
	    decode_hand(str_span(packet, (size_t)n), a, h)) {
		*entry = fds[0];
		return 1;
	}
	for (size_t i = 0; n > 0 && i < nfds; i++)
		close(fds[i]);
	return -1;
}

int
hand_answer(int sock, const struct outcome *o)
{
	struct buf b = { 0 };
	int r;

	put_number(&b, KIND_ANSWER, 1);
	put_number(&b, (uint32_t)o->kind, 1);
	put_number(&b, (uint32_t)o->reply, 2);
	put_number(&b, (uint32_t)o->status.class, 2);
	put_number(&b, (uint32_t)o->status.subject, 2);
	put_number(&b, (uint32_t)o->status.detail, 2);
	put_str(&b, str_slice(o->where, 0, TEXT_MAX));
	put_str(&b, str_slice(o->text, 0, TEXT_MAX));
	r = sock_send(sock, buf_str(&b), NULL, 0, 0);
	buf_free(&b);
	return r;
}

/* Kind and status must say the same, and an agent relays nothing. */
static bool
is_sound(uint32_t kind, const struct outcome *o)
{
	int class = o->status.class;

	if (o->reply > 599 || o->status.subject > 999 ||
	    o->status.detail > 999)
		return false;
	return (kind == OUTCOME_DEFERRED && class == 4) ||
	    (kind == OUTCOME_DELIVERED && class == 2) ||
	    (kind == OUTCOME_FAILED && class == 5);
}

static bool
decode_answer(struct str packet, struct arena *a, struct outcome *o)
{
	struct cursor c = { packet, false };
	uint32_t letter, kind;

	memset(o, 0, sizeof(*o));
	letter = take_number(&c, 1);
	kind = take_number(&c, 1);
	o->reply = (int)take_number(&c, 2);
	o->status.class = (int)take_number(&c, 2);
	o->status.subject = (int)take_number(&c, 2);
	o->status.detail = (int)take_number(&c, 2);
	o->where = take_str(&c, a);
	o->text = take_str(&c, a);
	if (!is_whole(&c) || letter != KIND_ANSWER || !is_sound(kind, o))
		return false;
	o->kind = (enum outcome_kind)kind;
	return true;
}

/* 1 when something is there to be read, 0 when the time is up. */
static int
await(int sock, int timeout)
{
	struct pollfd p = { .fd = sock, .events = POLLIN };
	int64_t end = clock_mono_ms() + (int64_t)timeout * 1000, left;
	int n;

	do {
		left = end - clock_mono_ms();
		if (left < 0)
			left = 0;
		n = poll(&p, 1, left > INT_MAX ? INT_MAX : (int)left);
	} while (n < 0 && errno == EINTR);
	return n > 0;
}

int
hand_wait(int sock, struct arena *a, struct outcome *o, int timeout,
    struct fault *why)
{
	char packet[PACKET_MAX];
	ssize_t n;

	if (!await(sock, timeout))
		return fault_temporary(why, 451, 3, 0,
		    "no answer from the delivery agent within %d seconds",
		    timeout);
	do
		n = sock_receive(sock, packet, sizeof(packet), NULL, NULL, 0);
	while (n < 0 && errno == EINTR);
	if (n == 0 || (n < 0 && errno == ECONNRESET))
		return fault_temporary(why, 451, 3, 0,
		    "the delivery agent ended without an answer");
	if (n < 0)
		return fault_system(why, errno,
		    "answer of the delivery agent");
	if (!decode_answer(str_span(packet, (size_t)n), a, o))
		return fault_temporary(why, 451, 3, 0,
		    "malformed answer of the delivery agent");
	return 0;
}
