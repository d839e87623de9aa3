/* SPDX-License-Identifier: ISC */
/*
 * What a thief tries with sockets: call out, by those he can make and by the
 * one that he has, listen, take connections of others, and lie to the queue
 * runner and the warden.
 */
#ifndef FAULT_THEFT_NET_H
#define FAULT_THEFT_NET_H

#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fault/theft.h"
#include "conf/conf.h"
#include "os/sock.h"
#include "priv/door.h"
#include "priv/request.h"
#include "priv/usher.h"
#include "spool/notify.h"

enum {
	THEFT_FDS = 64,
	THEFT_FLOOD = 20000,
};

static struct sockaddr_in
sink_of(const struct theft *t)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	    .sin_port = htons((uint16_t)t->number) };
}

static int
make_socket(const struct theft *t, int family, int type, int protocol)
{
	(void)t;
	return came_to(socket(family, type | SOCK_CLOEXEC, protocol));
}

static int
call_by_tcp(const struct theft *t)
{
	struct sockaddr_in to = sink_of(t);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd < 0 ? errno : came_to(connect(fd, (struct sockaddr *)&to,
	    sizeof(to)));
}

static int
make_tcp6(const struct theft *t)
{
	return make_socket(t, AF_INET6, SOCK_STREAM, 0);
}

static int
make_udp(const struct theft *t)
{
	return make_socket(t, AF_INET, SOCK_DGRAM, 0);
}

static int
make_raw(const struct theft *t)
{
	return make_socket(t, AF_INET, SOCK_RAW, IPPROTO_ICMP);
}

static int
make_packet(const struct theft *t)
{
	return make_socket(t, AF_PACKET, SOCK_RAW, 0);
}

static int
make_netlink(const struct theft *t)
{
	return make_socket(t, AF_NETLINK, SOCK_RAW, 0);
}

static int
make_alg(const struct theft *t)
{
	return make_socket(t, 38 /* AF_ALG */, SOCK_SEQPACKET, 0);
}

static int
make_vsock(const struct theft *t)
{
	return make_socket(t, 40 /* AF_VSOCK */, SOCK_STREAM, 0);
}

/* Its own connection, turned round to somewhere else. */
static int
redirect(const struct theft *t)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };
	struct sockaddr_in to = sink_of(t);

	if (connect(t->fd, &none, sizeof(none)) < 0)
		return errno;
	return came_to(connect(t->fd, (struct sockaddr *)&to, sizeof(to)));
}

static int
redirect_at_once(const struct theft *t)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };
	struct sockaddr_in to = sink_of(t);

	if (connect(t->fd, &none, sizeof(none)) < 0)
		return errno;
	return came_to(sendto(t->fd, "x", 1, MSG_FASTOPEN | MSG_NOSIGNAL,
	    (struct sockaddr *)&to, sizeof(to)));
}

static int
redirect_by_message(const struct theft *t)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };
	struct sockaddr_in to = sink_of(t);
	struct iovec iov = { (void *)(uintptr_t)"x", 1 };
	struct msghdr m = { .msg_name = &to, .msg_namelen = sizeof(to),
	    .msg_iov = &iov, .msg_iovlen = 1 };
	struct mmsghdr mm = { .msg_hdr = m };

	if (connect(t->fd, &none, sizeof(none)) < 0)
		return errno;
	if (sendmsg(t->fd, &m, MSG_FASTOPEN | MSG_NOSIGNAL) > 0)
		return 0;
	return came_to(sendmmsg(t->fd, &mm, 1, MSG_FASTOPEN | MSG_NOSIGNAL));
}

static int
listen_on_own(const struct theft *t)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };

	if (connect(t->fd, &none, sizeof(none)) < 0)
		return errno;
	return came_to(listen(t->fd, 1));
}

static socklen_t
name_socket(struct sockaddr_un *to, const char *path)
{
	size_t n = strlen(path);

	*to = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(to->sun_path, path, n < sizeof(to->sun_path) ? n :
	    sizeof(to->sun_path) - 1);
	if (path[0] != '@')
		return sizeof(*to);
	to->sun_path[0] = '\0';
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
}

static int
bind_local(const struct theft *t)
{
	struct sockaddr_un to;
	socklen_t n = name_socket(&to, t->path);

	return came_to(bind(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0),
	    (struct sockaddr *)&to, n));
}

static int
call_local(const struct theft *t)
{
	struct sockaddr_un to;
	socklen_t n = name_socket(&to, t->path);

	return came_to(connect(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0),
	    (struct sockaddr *)&to, n));
}

/* OTHER is asked, if there is a question; who says nothing has refused, and so
 * has who says no. */
static int
ask_local(const struct theft *t)
{
	struct sockaddr_un to;
	socklen_t size = name_socket(&to, t->path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char text[256];
	ssize_t n;

	if (connect(fd, (struct sockaddr *)&to, size) < 0)
		return errno;
	n = snprintf(text, sizeof(text), "%s\n", t->other == NULL ? "" :
	    t->other);
	if (t->other != NULL)
		(void)send(fd, text, (size_t)n, MSG_NOSIGNAL);
	n = recv(fd, text, sizeof(text), 0);
	return n <= 0 || memcmp(text, "error", 5) == 0 ||
	    text[0] == '4' || text[0] == '5' ? EACCES : 0;
}

static int
listen_local(const struct theft *t)
{
	int pair[2];

	(void)t;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return errno;
	return came_to(listen(pair[0], 1)) == EINVAL ? 0 : errno;
}

/* A socket on which somebody else's connections come in. */
static int
find_listener(const struct theft *t)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	int fd, on;
	socklen_t n = sizeof(on);

	fd = t->smtpd != NULL ? -1 : socket(AF_INET, SOCK_STREAM, 0);
	if (fd >= 0 && (bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0 ||
	    listen(fd, 1) < 0))
		return errno;
	for (fd = 0; fd < THEFT_FDS; fd++)
		if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &n) == 0 &&
		    on != 0)
			return 0;
	return ENOENT;
}

static int
be_root_in_a_message(const struct theft *t)
{
	union {
		struct cmsghdr	head;
		char		room[CMSG_SPACE(sizeof(struct ucred))];
	} control = { .head = { .cmsg_level = SOL_SOCKET,
	    .cmsg_type = SCM_CREDENTIALS,
	    .cmsg_len = CMSG_LEN(sizeof(struct ucred)) } };
	struct ucred cred = { getpid(), 0, 0 };
	struct iovec iov = { (void *)(uintptr_t)"x", 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1,
	    .msg_control = &control, .msg_controllen = sizeof(control) };
	int pair[2];

	(void)t;
	memcpy(CMSG_DATA(&control.head), &cred, sizeof(cred));
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) < 0)
		return errno;
	return came_to(sendmsg(pair[0], &m, 0));
}

static int
filter_socket(const struct theft *t)
{
	struct sock_filter all = BPF_STMT(BPF_RET | BPF_K, 0xffffffff);
	struct sock_fprog program = { 1, &all };

	return came_to(setsockopt(t->fd, SOL_SOCKET, SO_ATTACH_FILTER,
	    &program, sizeof(program)));
}

static int
load_protocol(const struct theft *t)
{
	int err = came_to(setsockopt(t->fd, IPPROTO_TCP, TCP_ULP, "tls", 3));

	return err == ENOENT ? 0 : err;
}

/* ---- what all sessions share: the line to the runner ---- */

static int
line_of(const struct theft *t)
{
	int pair[2];

	if (t->smtpd != NULL)
		return t->smtpd->notify;
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
	    pair) < 0 ? -1 : pair[0];
}

static int
cut_line(const struct theft *t)
{
	return came_to(shutdown(line_of(t), SHUT_RDWR));
}

static int
narrow_line(const struct theft *t)
{
	int one = 1;

	return came_to(setsockopt(line_of(t), SOL_SOCKET, SO_SNDBUF, &one,
	    sizeof(one)));
}

static int
unblock_line(const struct theft *t)
{
	int one = 1;

	return came_to(ioctl(line_of(t), FIONBIO, &one));
}

/* ---- lies ---- */

/* What a worker would ask of the warden: PATH is the user. */
static int
forge_request(const struct theft *t)
{
	struct request r = { .kind = REQUEST_AGENT };
	struct fault why;

	memcpy(r.user, t->path, strnlen(t->path, sizeof(r.user) - 1));
	for (int fd = 3; fd < THEFT_FDS; fd++)
		if (fd != t->fd)
			(void)request_send(fd, &r, t->fd, &why);
	return 0;
}

/* Everything that can be said about an entry, and nonsense, many times. */
static int
lie(const struct theft *t)
{
	static const enum notify_kind kinds[] = { NOTIFY_NEW, NOTIFY_VOID,
	    NOTIFY_TEMP, NOTIFY_FLUSH, NOTIFY_DOMAIN, (enum notify_kind)'?' };
	static const char *const others[] = { "", "../../etc/passwd", "\001",
	    "AAAAAAAAAAAAAAAAAAAAAAAAAA", "@", ".", "example.org" };
	char noise[600];

	memset(noise, 'N', sizeof(noise));
	for (unsigned i = 0; i < THEFT_FLOOD; i++) {
		notify_send(t->smtpd->notify, kinds[i % 6], i % 2 != 0 ?
		    t->path : others[i / 6 % 7]);
		if (i % 16 == 0)
			(void)send(t->smtpd->notify, noise, i % sizeof(noise),
			    MSG_DONTWAIT | MSG_NOSIGNAL);
	}
	return 0;
}

/* Until the client goes away: nobody else's word gets through.  Without a name
 * each costs the runner as little as it can. */
static int
flood(const struct theft *t)
{
	char c;

	while (recv(t->fd, &c, 1, MSG_DONTWAIT) < 0)
		notify_send(t->smtpd->notify, NOTIFY_NEW, t->path == NULL ?
		    "" : t->path);
	return 0;
}

/* To the master's desk, as priv/usher has it. */
static int
call_master(const struct theft *t)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(to.sun_path, sizeof(to.sun_path), "/proc/self/fd/%d",
	    t->smtpd->usher);
	(void)connect(fd, (struct sockaddr *)&to, sizeof(to));
	return fd;
}

/* Nonsense, with descriptors where they can be sent, and that his client is
 * somebody else, whom the master would have to count here.  0: it has said that
 * he may stay. */
static int
lie_to_the_master(const struct theft *t)
{
	const int fds[SOCK_FDS_MAX] = { t->log, t->fd, t->smtpd->notify,
	    t->fd };
	char noise[64], answer[USHER_ANSWER_MAX];
	struct ip ip;
	int fd;

	if (t->smtpd->usher < 0)
		return EINVAL;
	fd = call_master(t);
	memset(noise, 4, sizeof(noise));
	for (unsigned i = 0; i < THEFT_FLOOD; i++)
		(void)sock_send(fd, str_span(noise,
		    1 + i % sizeof(noise)), fds, i % (SOCK_FDS_MAX + 1),
		    MSG_DONTWAIT);
	for (unsigned i = 1; i < 255; i++) {
		ip = ip_of_bytes((const uint8_t[]){ 203, 0, 113, (uint8_t)i },
		    4);
		if (usher_ask(t->smtpd->usher, &ip, answer) &&
		    answer[0] == '2')
			return 0;
	}
	return EPERM;
}

/* ---- descriptors on their way ---- */

/* As many as it can keep there; each socket holds some, and is sent itself. */
static unsigned
send_off(const struct theft *t)
{
	int fds[SOCK_FDS_MAX] = { t->fd, t->fd, t->fd, t->fd }, pair[2];
	unsigned n = 0, before;

	do {
		if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0,
		    pair) < 0)
			break;
		for (before = n; n < THEFT_FLOOD && sock_send(pair[0],
		    str_of("x"), fds, SOCK_FDS_MAX, MSG_DONTWAIT) == 0;)
			n += SOCK_FDS_MAX;
	} while (n > before);
	return n;
}

static int
take_flight(const struct theft *t)
{
	return send_off(t) > 0 ? 0 : EPERM;
}

/* Until the client goes away. */
static int
stay_in_flight(const struct theft *t)
{
	char c;

	(void)send_off(t);
	(void)!write(t->fd, "0 flying\r\n", 10);
	while (recv(t->fd, &c, 1, 0) > 0)
		continue;
	return EPERM;
}

/* What an honest session does, for whom PATH names; OTHER is the password. */
static int
log_in(const struct theft *t)
{
	struct arena a = { 0 };
	char room[DOOR_PACKET_MAX];
	struct fault why;
	struct door_packet p = { .kind = DOOR_KNOCK };
	int door = sock_connect_packets(conf_run_path(t->smtpd->conf, &a,
	    CONF_DOOR).p, 30, &why);
	bool yes;

	if (t->path != NULL)
		p.field[0] = str_of(t->path);
	yes = door >= 0 && door_send(door, &p) == 0 &&
	    door_receive(door, room, &p) == 0 && p.kind == DOOR_ENTER;
	p = (struct door_packet){ .kind = DOOR_SECRET, .field = {
	    STR("PLAIN"), STR("smtp"), STR("user"), str_of(t->other) } };
	yes = yes && door_send(door, &p) == 0 &&
	    door_receive(door, room, &p) == 0 && p.kind == DOOR_YES;
	arena_free(&a);
	return yes ? 0 : EACCES;
}

/* The same of a session that a proxy has connected to: PATH is its client. */
static int
introduce(const struct theft *t)
{
	char answer[USHER_ANSWER_MAX];
	struct ip ip;

	return ip_parse(str_of(t->path), &ip) &&
	    usher_ask(t->smtpd->usher, &ip, answer) && answer[0] == '2' ? 0 :
	    EACCES;
}

static const struct attempt theft_net[] = {
	{ "tcp", call_by_tcp }, { "tcp6", make_tcp6 }, { "udp", make_udp },
	{ "raw", make_raw }, { "packet", make_packet },
	{ "netlink", make_netlink }, { "alg", make_alg },
	{ "vsock", make_vsock }, { "redirect", redirect },
	{ "fastopen", redirect_at_once },
	{ "fastopen-message", redirect_by_message },
	{ "listen-own", listen_on_own }, { "bind", bind_local },
	{ "connect-local", call_local }, { "ask-local", ask_local },
	{ "listen-local", listen_local }, { "listener", find_listener },
	{ "credentials", be_root_in_a_message },
	{ "socket-filter", filter_socket }, { "socket-ulp", load_protocol },
	{ "line-cut", cut_line }, { "line-narrow", narrow_line },
	{ "line-unblock", unblock_line }, { "request", forge_request },
	{ "lie", lie }, { "flood", flood },
	{ "lie-to-the-master", lie_to_the_master },
	{ "flight", take_flight }, { "stay-in-flight", stay_in_flight },
	{ "log-in", log_in }, { "introduce", introduce },
	{ NULL, NULL },
};

#endif
