/* SPDX-License-Identifier: ISC */
/*
 * Telling the queue runner what has changed in the spool: one byte of kind,
 * then a name, in one datagram.  Nobody waits for it and nobody depends on it;
 * a runner that missed one finds the entry by its scan.  A name is checked
 * before it is used, because sessions are not trusted: the worst that a stolen
 * one can do here is to make the runner look at an entry once more, or remove
 * one that was never answered 250.
 */

#include "spool/notify.h"

#include <string.h>
#include <sys/socket.h>

#include "mail/domain.h"

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
	if (n < 1 || n > NOTIFY_NAME_MAX || !is_kind(packet[0]))
		return 0;
	out->kind = (enum notify_kind)packet[0];
	memcpy(out->name, packet + 1, (size_t)n - 1);
	out->name[n - 1] = '\0';
	return str_of(out->name).n == (size_t)n - 1 &&
	    is_name(out->kind, str_of(out->name));
}
