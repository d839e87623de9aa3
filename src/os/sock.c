/* SPDX-License-Identifier: ISC */
/*
 * Sockets: making them, asking whose they are, and passing descriptors over
 * them.  The only place that sees a struct sockaddr.
 *
 * Listening sockets do not block, so that a process whose connection was
 * snatched away between poll and accept does not hang; what is accepted or
 * connected does block, with the timeouts of the socket.  TCP_NODELAY is set
 * on all of them: replies and commands are collected before they are sent,
 * so waiting for more would only meet the peer's delayed acknowledgement.
 *
 * Every descriptor made or received here is close-on-exec.
 */
#include "os/sock.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/die.h"
#include "base/text.h"
#include "os/clock.h"

#define PEER_PIDFD	77	/* SO_PEERPIDFD, of newer headers */

union any_addr {
	struct sockaddr		sa;
	struct sockaddr_in	in;
	struct sockaddr_in6	in6;
	struct sockaddr_un	un;
	struct sockaddr_storage	ss;
};

static socklen_t
pack_addr(const struct ip *ip, uint16_t port, union any_addr *out)
{
	memset(out, 0, sizeof(*out));
	if (ip->family == 4) {
		out->in.sin_family = AF_INET;
		out->in.sin_port = htons(port);
		memcpy(&out->in.sin_addr, ip->b, 4);
		return sizeof(out->in);
	}
	must(ip->family == 6);
	out->in6.sin6_family = AF_INET6;
	out->in6.sin6_port = htons(port);
	memcpy(&out->in6.sin6_addr, ip->b, 16);
	return sizeof(out->in6);
}

static void
unpack_addr(const union any_addr *a, struct sock_addr *out)
{
	memset(out, 0, sizeof(*out));
	if (a->sa.sa_family == AF_INET) {
		out->ip.family = 4;
		memcpy(out->ip.b, &a->in.sin_addr, 4);
		out->port = ntohs(a->in.sin_port);
	} else if (a->sa.sa_family == AF_INET6) {
		out->port = ntohs(a->in6.sin6_port);
		if (IN6_IS_ADDR_V4MAPPED(&a->in6.sin6_addr)) {
			out->ip.family = 4;
			memcpy(out->ip.b, a->in6.sin6_addr.s6_addr + 12, 4);
			return;
		}
		out->ip.family = 6;
		memcpy(out->ip.b, &a->in6.sin6_addr, 16);
	}
}

static int
pack_path(const char *path, union any_addr *out, struct fault *why)
{
	size_t n = strlen(path);

	memset(out, 0, sizeof(*out));
	if (n >= sizeof(out->un.sun_path))
		return fault_system(why, ENAMETOOLONG, "socket %s", path);
	out->un.sun_family = AF_UNIX;
	memcpy(out->un.sun_path, path, n);
	return 0;
}

static int
set_flag(int fd, int level, int option)
{
	int on = 1;

	return setsockopt(fd, level, option, &on, sizeof(on));
}

static int
set_timeout(int fd, int option, int seconds)
{
	struct timeval tv = { .tv_sec = seconds };

	return setsockopt(fd, SOL_SOCKET, option, &tv, sizeof(tv));
}

static int
listen_tcp(int fd, const struct sock_addr *addr, int backlog, int timeout)
{
	union any_addr a;
	socklen_t n = pack_addr(&addr->ip, addr->port, &a);

	if (set_flag(fd, SOL_SOCKET, SO_REUSEADDR) == -1 ||
	    set_flag(fd, IPPROTO_TCP, TCP_NODELAY) == -1)
		return -1;
	if (addr->ip.family == 6 &&
	    set_flag(fd, IPPROTO_IPV6, IPV6_V6ONLY) == -1)
		return -1;
	if (timeout > 0 && (set_timeout(fd, SO_RCVTIMEO, timeout) == -1 ||
	    set_timeout(fd, SO_SNDTIMEO, timeout) == -1))
		return -1;
	if (bind(fd, &a.sa, n) == -1)
		return -1;
	return listen(fd, backlog);
}

int
sock_listen(const struct sock_addr *addr, int backlog, int timeout,
    struct fault *why)
{
	char text[IP_TEXT_MAX];
	int fd, err;

	fd = socket(addr->ip.family == 6 ? AF_INET6 : AF_INET,
	    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd != -1 && listen_tcp(fd, addr, backlog, timeout) == 0)
		return fd;
	err = errno;
	if (fd != -1)
		close(fd);
	return fault_system(why, err, "listen on [%s]:%u",
	    ip_format(&addr->ip, text), (unsigned)addr->port);
}

/* Whether the node is a socket that nobody listens on any more. */
static bool
is_stale(const union any_addr *a, int type)
{
	struct stat st;
	bool stale;
	int fd;

	if (lstat(a->un.sun_path, &st) == -1 || !S_ISSOCK(st.st_mode))
		return false;
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return false;
	stale = connect(fd, &a->sa, sizeof(a->un)) == -1 &&
	    errno == ECONNREFUSED;
	close(fd);
	return stale;
}

/* The umask gives the node its mode at birth: no moment in which it has
 * another one. */
static int
bind_node(int fd, const union any_addr *a, int type, mode_t mode)
{
	mode_t old = umask(0777 & ~mode);
	int result, err;

	result = bind(fd, &a->sa, sizeof(a->un));
	if (result == -1 && errno == EADDRINUSE) {
		if (is_stale(a, type) && unlink(a->un.sun_path) == 0)
			result = bind(fd, &a->sa, sizeof(a->un));
		else
			errno = EADDRINUSE;
	}
	err = errno;
	umask(old);
	errno = err;
	return result;
}

static int
listen_node(const char *path, int type, mode_t mode, int backlog,
    struct fault *why)
{
	union any_addr a;
	int fd, err;

	if (pack_path(path, &a, why) == -1)
		return -1;
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd != -1 && bind_node(fd, &a, type, mode) == 0 &&
	    listen(fd, backlog) == 0)
		return fd;
	err = errno;
	if (fd != -1)
		close(fd);
	return fault_system(why, err, "listen on %s", path);
}

static int
make_hidden(const union any_addr *a, uid_t owner, int backlog, int door[2])
{
	const char *path = a->un.sun_path;

	door[0] = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, 0);
	if (door[0] == -1 || bind_node(door[0], a, SOCK_SEQPACKET, 0600) == -1)
		return -1;
	if (lchown(path, owner, (gid_t)-1) == 0 &&
	    listen(door[0], backlog) == 0)
		door[1] = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return unlink(path) == -1 || door[1] == -1 ? -1 : 0;
}

int
sock_listen_hidden(const char *path, uid_t owner, int backlog, int door[2],
    struct fault *why)
{
	union any_addr a;
	int err;

	door[0] = door[1] = -1;
	if (pack_path(path, &a, why) == -1)
		return -1;
	if (make_hidden(&a, owner, backlog, door) == 0)
		return 0;
	err = errno;
	for (int i = 0; i < 2; i++)
		if (door[i] != -1)
			close(door[i]);
	door[0] = door[1] = -1;
	return fault_system(why, err, "listen on %s", path);
}

int
sock_listen_unix(const char *path, mode_t mode, int backlog,
    struct fault *why)
{
	return listen_node(path, SOCK_STREAM, mode, backlog, why);
}

int
sock_listen_packets(const char *path, mode_t mode, int backlog,
    struct fault *why)
{
	return listen_node(path, SOCK_SEQPACKET, mode, backlog, why);
}

int
sock_accept(int fd, struct sock_addr *peer)
{
	union any_addr a;
	socklen_t n = sizeof(a);
	int conn;

	memset(&a, 0, sizeof(a));
	conn = accept4(fd, &a.sa, &n, SOCK_CLOEXEC);
	if (conn != -1)
		unpack_addr(&a, peer);
	return conn;
}

unsigned
sock_waited(int fd)
{
	struct tcp_info info;
	socklen_t n = sizeof(info);

	memset(&info, 0, sizeof(info));
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n) == -1)
		return 0;
	return info.tcpi_last_ack_recv;
}

int
sock_local(int fd, struct sock_addr *addr)
{
	union any_addr a;
	socklen_t n = sizeof(a);

	memset(&a, 0, sizeof(a));
	if (getsockname(fd, &a.sa, &n) == -1)
		return -1;
	unpack_addr(&a, addr);
	return 0;
}

int
sock_peer(int fd, struct sock_addr *addr)
{
	union any_addr a;
	socklen_t n = sizeof(a);

	memset(&a, 0, sizeof(a));
	if (getpeername(fd, &a.sa, &n) == -1)
		return -1;
	unpack_addr(&a, addr);
	return 0;
}

int
sock_peer_uid(int fd, uid_t *uid, pid_t *pid)
{
	struct ucred cred;
	socklen_t n = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &n) == -1)
		return -1;
	/* A socket that is not a local one answers with nobody. */
	if (cred.uid == (uid_t)-1) {
		errno = EOPNOTSUPP;
		return -1;
	}
	*uid = cred.uid;
	if (pid != NULL)
		*pid = cred.pid;
	return 0;
}

/* Without waiting: has this become readable, or come to its end? */
static bool
has_news(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	return poll(&p, 1, 0) > 0;
}

bool
sock_peer_lives(int fd)
{
	int process = -1;
	socklen_t n = sizeof(process);
	bool lives = !has_news(fd, 0);

	/* Of one that was waited for there is no handle; older kernels, and
	 * those with few rights to spare, have none at all. */
	if (getsockopt(fd, SOL_SOCKET, PEER_PIDFD, &process, &n) == -1)
		return lives && errno != ESRCH;
	lives = lives && !has_news(process, POLLIN);
	close(process);
	return lives;
}

/* A connect that a signal has interrupted goes on by itself. */
static int
await_connect(int fd, int64_t deadline)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	int err = 0, n;
	socklen_t size = sizeof(err);
	int64_t left;

	do {
		left = deadline - clock_mono_ms();
		if (left < 0)
			left = 0;
		n = poll(&p, 1, left > INT_MAX ? INT_MAX : (int)left);
	} while (n == -1 && errno == EINTR);
	if (n == -1)
		return errno;
	if (n == 0)
		return ETIMEDOUT;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &size) == -1)
		return errno;
	return err;
}

/* 0 or an errno value. */
static int
connect_tcp(int fd, const struct sock_addr *to, const struct ip *src,
    int timeout)
{
	int64_t deadline = clock_mono_ms() + (int64_t)timeout * 1000;
	union any_addr a;
	socklen_t n;

	if (set_flag(fd, IPPROTO_TCP, TCP_NODELAY) == -1)
		return errno;
	if (src != NULL && src->family != 0) {
		if (src->family != to->ip.family)
			return EAFNOSUPPORT;
		set_flag(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT);
		n = pack_addr(src, 0, &a);
		if (bind(fd, &a.sa, n) == -1)
			return errno;
	}
	/* The send timeout limits connect(2) too: no poll, no non-blocking
	 * mode to be taken back. */
	if (set_timeout(fd, SO_SNDTIMEO, timeout) == -1)
		return errno;
	n = pack_addr(&to->ip, to->port, &a);
	if (connect(fd, &a.sa, n) == 0)
		return 0;
	if (errno == EINTR)
		return await_connect(fd, deadline);
	return errno == EINPROGRESS ? ETIMEDOUT : errno;
}

int
sock_connect(const struct sock_addr *to, const struct ip *src, int timeout,
    struct fault *why)
{
	int fd, err;

	fd = socket(to->ip.family == 6 ? AF_INET6 : AF_INET,
	    SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return fault_temporary(why, 451, 3, 0, "%s", strerror(errno));
	if ((err = connect_tcp(fd, to, src, timeout)) == 0)
		return fd;
	close(fd);
	/* RFC 3463 3.5: x.4.1, no answer from host. */
	return fault_temporary(why, 451, 4, 1, "%s", strerror(err));
}

int
sock_connect_unix(const char *path, struct fault *why)
{
	union any_addr a;
	int fd, err;

	if (pack_path(path, &a, why) == -1)
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd != -1 && connect(fd, &a.sa, sizeof(a.un)) == 0)
		return fd;
	err = errno;
	if (fd != -1)
		close(fd);
	return fault_system(why, err, "connect to %s", path);
}

static int
connect_packets(const union any_addr *a, int timeout)
{
	int fd, err;

	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd != -1 && set_timeout(fd, SO_SNDTIMEO, timeout) == 0 &&
	    set_timeout(fd, SO_RCVTIMEO, timeout) == 0 &&
	    connect(fd, &a->sa, sizeof(a->un)) == 0)
		return fd;
	err = errno;
	if (fd != -1)
		close(fd);
	errno = err;
	return -1;
}

int
sock_connect_hidden(int door, int timeout)
{
	union any_addr a;

	memset(&a, 0, sizeof(a));
	a.un.sun_family = AF_UNIX;
	text_print(a.un.sun_path, sizeof(a.un.sun_path), "/proc/self/fd/%d",
	    door);
	return connect_packets(&a, timeout);
}

int
sock_connect_packets(const char *path, int timeout, struct fault *why)
{
	union any_addr a;
	int fd;

	if (pack_path(path, &a, why) == -1)
		return -1;
	if ((fd = connect_packets(&a, timeout)) != -1)
		return fd;
	return fault_system(why, errno, "connect to %s", path);
}

int
sock_connect_udp(const struct sock_addr *to)
{
	union any_addr a;
	socklen_t n = pack_addr(&to->ip, to->port, &a);
	int fd, err;

	fd = socket(to->ip.family == 6 ? AF_INET6 : AF_INET,
	    SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1 || connect(fd, &a.sa, n) == 0)
		return fd;
	err = errno;
	close(fd);
	errno = err;
	return -1;
}

void
sock_set_room(int fd, int bytes)
{
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

void
sock_force_room(int fd, int bytes)
{
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes,
	    sizeof(bytes)) == -1)
		sock_set_room(fd, bytes);
}

int
sock_pair(int type, int fd[2], struct fault *why)
{
	if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fd) == -1)
		return fault_system(why, errno, "socketpair");
	return 0;
}

/* Room for one message of descriptors, aligned as the kernel wants it. */
union control {
	struct cmsghdr	head;
	char		room[CMSG_SPACE(SOCK_FDS_MAX * sizeof(int))];
};

int
sock_send(int fd, struct str packet, const int *fds, size_t nfds, int flags)
{
	struct iovec iov = { (void *)(uintptr_t)packet.p, packet.n };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	union control control;
	ssize_t n;

	must(nfds <= SOCK_FDS_MAX);
	must(packet.n > 0);	/* an empty one would look like the end */
	if (nfds > 0) {
		memset(&control, 0, sizeof(control));
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(nfds * sizeof(int));
		memcpy(CMSG_DATA(&control.head), fds, nfds * sizeof(int));
	}
	/* A session has no sendmsg(2). */
	do
		n = nfds == 0 ? send(fd, packet.p, packet.n,
		    flags | MSG_NOSIGNAL) : sendmsg(fd, &msg,
		    flags | MSG_NOSIGNAL);
	while (n == -1 && errno == EINTR);
	return n == -1 ? -1 : 0;
}

/* Collects the descriptors that came; those beyond the room are closed. */
static size_t
collect(struct msghdr *msg, int out[SOCK_FDS_MAX])
{
	struct cmsghdr *c;
	size_t got = 0, i, n;
	int fd;

	for (c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET ||
		    c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (i = 0; i < n; i++) {
			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int),
			    sizeof(int));
			if (got < SOCK_FDS_MAX)
				out[got++] = fd;
			else
				close(fd);
		}
	}
	return got;
}

ssize_t
sock_receive(int fd, void *p, size_t size, int *fds, size_t *nfds, int flags)
{
	struct iovec iov = { p, size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	union control control;
	size_t got;
	ssize_t n;

	if (nfds != NULL) {
		*nfds = 0;
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
	}
	/* Without room for them the kernel drops descriptors that come. */
	n = recvmsg(fd, &msg, flags | MSG_CMSG_CLOEXEC);
	if (n == -1 || nfds == NULL)
		got = 0;
	else
		got = collect(&msg, fds);
	if (n != -1 && (msg.msg_flags & MSG_TRUNC) != 0) {
		while (got > 0)
			close(fds[--got]);
		errno = EMSGSIZE;
		return -1;
	}
	if (nfds != NULL)
		*nfds = got;
	return n;
}
