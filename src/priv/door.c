/* SPDX-License-Identifier: ISC */
/*
 * The packets between a session and the doorkeeper: a number, flags, counted
 * strings.  How many strings a number has is a table, and a packet that is a
 * byte too short or too long for it is none: either side may be in the hands of
 * somebody else.
 *
 * Secrets pass through here.  What is sent is put together in a room on the
 * stack that is wiped; what is received is the caller's to wipe.
 */

#include "priv/door.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/bytes.h"
#include "os/sock.h"

#define HEAD	2	/* number, flags */

/* -1: no such number. */
static int
count_fields(unsigned kind)
{
	switch (kind) {
	case DOOR_ENTER:
	case DOOR_WITHIN:
		return 0;
	case DOOR_SECRET:
	case DOOR_TOKEN:
	case DOOR_SPEND:
		return 4;
	case DOOR_BEGIN:
		return 5;
	case DOOR_RESPONSE:
	case DOOR_CHALLENGE:
	case DOOR_LATER:
	case DOOR_WAIT:
	case DOOR_OVER:
		return 1;
	case DOOR_KNOCK:
	case DOOR_NO:
	case DOOR_REPORTED:
		return 2;
	case DOOR_YES:
		return 3;
	}
	return -1;
}

int
door_send(int sock, const struct door_packet *p)
{
	char room[DOOR_PACKET_MAX];
	int result, fields = count_fields(p->kind);
	size_t n = HEAD;

	room[0] = (char)p->kind;
	room[1] = (char)p->flags;
	for (int i = 0; i < fields; i++) {
		struct str v = p->field[i];

		if (v.n + 2 > sizeof(room) - n) {
			explicit_bzero(room, n);
			errno = EMSGSIZE;
			return -1;
		}
		bytes_put_le16((uint8_t *)room + n, (uint16_t)v.n);
		if (v.n > 0)
			memcpy(room + n + 2, v.p, v.n);
		n += 2 + v.n;
	}
	result = sock_send(sock, str_span(room, n), NULL, 0, 0);
	explicit_bzero(room, n);
	return result;
}

static int
parse(struct str in, struct door_packet *p)
{
	int fields;

	if (in.n < HEAD)
		return -1;
	memset(p, 0, sizeof(*p));
	if ((fields = count_fields((unsigned char)in.p[0])) < 0)
		return -1;
	p->kind = (enum door_kind)in.p[0];
	p->flags = (unsigned char)in.p[1];
	in = str_from(in, HEAD);
	for (int i = 0; i < fields; i++) {
		size_t n;

		if (in.n < 2)
			return -1;
		n = bytes_get_le16((const uint8_t *)in.p);
		if (n > in.n - 2)
			return -1;
		p->field[i] = str_slice(in, 2, 2 + n);
		in = str_from(in, 2 + n);
	}
	return in.n == 0 ? 0 : -1;
}

static int
receive(int sock, char room[DOOR_PACKET_MAX], struct door_packet *p, int flags)
{
	ssize_t n;

	do
		n = sock_receive(sock, room, DOOR_PACKET_MAX, NULL, NULL,
		    flags);
	while (n < 0 && errno == EINTR);
	return n > 0 ? parse(str_span(room, (size_t)n), p) : -1;
}

int
door_receive(int sock, char room[DOOR_PACKET_MAX], struct door_packet *p)
{
	return receive(sock, room, p, 0);
}

int
door_look(int sock, char room[DOOR_PACKET_MAX], struct door_packet *p)
{
	return receive(sock, room, p, MSG_PEEK);
}
