/* SPDX-License-Identifier: ISC */
/*
 * Telling the queue runner what has changed in the spool: one byte of kind,
 * then a name, in one datagram.  Nobody waits for it and nobody depends on it;
 * a runner that missed one finds the entry by its scan.  A name is checked
 * before it is used, because sessions are not trusted: the worst that a stolen
 * one can do here is to make the runner look at an entry once more, or remove
 * one that was never answered 250; and to spoil the greylist.
 */

#include "spool/notify.h"

#include <string.h>
#include <sys/socket.h>

#include "base/bytes.h"
#include "mail/domain.h"

#define GREY_SIZE	33		/* kind and four tags */

void
notify_send(int fd, enum notify_kind kind, const char *name)
{
	char packet[1 + NOTIFY_NAME_MAX];
	size_t n = strnlen(name, NOTIFY_NAME_MAX - 1);

	if (fd < 0)
		return;
	packet[0] = (char)kind;
	memcpy(packet + 1, name, n);
	(void)send(fd, packet, 1 + n, MSG_DONTWAIT | MSG_NOSIGNAL);
}

bool
notify_send_grey(int fd, const struct grey_tags *tags)
{
	uint8_t packet[GREY_SIZE];

	if (fd < 0)
		return false;
	packet[0] = NOTIFY_GREY;
	bytes_put_le64(packet + 1, tags->triplet);
	bytes_put_le64(packet + 9, tags->network);
	bytes_put_le64(packet + 17, tags->site);
	bytes_put_le64(packet + 25, tags->host);
	return send(fd, packet, sizeof(packet), MSG_DONTWAIT |
	    MSG_NOSIGNAL) == sizeof(packet);
}

static int
take_grey(const char *packet, size_t n, struct notify *out)
{
	const uint8_t *p = (const uint8_t *)packet;

	if (n != GREY_SIZE)
		return 0;
	out->kind = NOTIFY_GREY;
	out->name[0] = '\0';
	out->grey.triplet = bytes_get_le64(p + 1);
	out->grey.network = bytes_get_le64(p + 9);
	out->grey.site = bytes_get_le64(p + 17);
	out->grey.host = bytes_get_le64(p + 25);
	return out->grey.triplet != 0 && out->grey.network != 0;
}

static bool
is_kind(char c)
{
	return c == NOTIFY_NEW || c == NOTIFY_VOID || c == NOTIFY_TEMP ||
	    c == NOTIFY_FLUSH || c == NOTIFY_DOMAIN;
}

static bool
is_name(enum notify_kind kind, struct str name)
{
	if (kind != NOTIFY_DOMAIN)
		return name.n == 0 || spool_name_is_valid(name);
	if (str_starts(name, STR("@")))
		name = str_from(name, 1);
	return domain_is_valid(name, false);
}

int
notify_receive(int fd, struct notify *out)
{
	char packet[1 + NOTIFY_NAME_MAX];
	ssize_t n;

	n = recv(fd, packet, sizeof(packet), MSG_DONTWAIT);
	if (n > 0 && packet[0] == NOTIFY_GREY)
		return take_grey(packet, (size_t)n, out);
	if (n < 1 || n > NOTIFY_NAME_MAX || !is_kind(packet[0]))
		return 0;
	out->kind = (enum notify_kind)packet[0];
	memcpy(out->name, packet + 1, (size_t)n - 1);
	out->name[n - 1] = '\0';
	return str_of(out->name).n == (size_t)n - 1 &&
	    is_name(out->kind, str_of(out->name));
}
