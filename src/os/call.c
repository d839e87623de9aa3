/* SPDX-License-Identifier: ISC */
/*
 * Questions and answers in datagrams between a process and those it forks.
 *
 * A pair of sockets cannot carry that: its one end would be everybody's, and
 * anybody could take another one's answer, or would have to send a descriptor
 * on which to be answered.  Descriptors that are on their way are counted by
 * user, and one process can use all of them up; so none travels here.
 *
 * The asker's socket has a name that the kernel has chosen (unix(7), autobind:
 * SO_PASSCRED makes it, and no bind(2) is needed), and is connected: it takes
 * datagrams of its peer alone, whoever else should know the name.  The peer has
 * asked for SCM_CREDENTIALS, so the kernel says with each question which process
 * has sent it, which was alive then.  Descriptors that somebody sends all the
 * same find no room and are closed by the kernel.
 *
 * Always true: who hears keeps nothing of an asker, and waits for nobody.
 */
#include "os/call.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "base/die.h"
#include "base/text.h"

union control {
	struct cmsghdr	head;
	char		room[CMSG_SPACE(sizeof(struct ucred))];
};

static bool
want_credentials(int fd)
{
	int on = 1;

	return setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) == 0;
}

static int
make_desk(const struct sockaddr_un *a, uid_t owner, int desk[2])
{
	mode_t old;
	int r;

	desk[0] = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0);
	if (desk[0] == -1 || !want_credentials(desk[0]))
		return -1;
	if (unlink(a->sun_path) == -1 && errno != ENOENT)
		return -1;
	old = umask(0177);
	r = bind(desk[0], (const struct sockaddr *)a, sizeof(*a));
	umask(old);
	if (r == -1)
		return -1;
	if (lchown(a->sun_path, owner, (gid_t)-1) == 0)
		desk[1] = open(a->sun_path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return unlink(a->sun_path) == -1 || desk[1] == -1 ? -1 : 0;
}

int
call_open(const char *path, uid_t owner, int desk[2], struct fault *why)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	size_t n = strlen(path);
	int err = ENAMETOOLONG;

	desk[0] = desk[1] = -1;
	if (n < sizeof(a.sun_path)) {
		memcpy(a.sun_path, path, n);
		if (make_desk(&a, owner, desk) == 0)
			return 0;
		err = errno;
	}
	for (int i = 0; i < 2; i++) {
		if (desk[i] != -1)
			close(desk[i]);
		desk[i] = -1;
	}
	return fault_system(why, err, "listen on %s", path);
}

static bool
reach(int fd, int hold, int seconds)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct timeval tv = { .tv_sec = seconds };

	text_print(a.sun_path, sizeof(a.sun_path), "/proc/self/fd/%d", hold);
	return want_credentials(fd) &&
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)) == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) == 0 &&
	    connect(fd, (const struct sockaddr *)&a, sizeof(a)) == 0;
}

ssize_t
call_ask(int hold, struct str question, void *answer, size_t size,
    int seconds)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), err;
	ssize_t n = -1;

	if (fd == -1)
		return -1;
	if (reach(fd, hold, seconds)) {
		do
			n = send(fd, question.p, question.n, MSG_NOSIGNAL);
		while (n == -1 && errno == EINTR);
		if (n != -1)
			do
				n = recv(fd, answer, size, 0);
			while (n == -1 && errno == EINTR);
	}
	err = errno;
	close(fd);
	errno = err;
	return n;
}

void
call_tell(int hold, struct str packet, int seconds)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd == -1)
		return;
	if (reach(fd, hold, seconds))
		(void)send(fd, packet.p, packet.n, MSG_NOSIGNAL);
	close(fd);
}

/* False: nobody has said that. */
static bool
look_at(struct msghdr *msg, const struct sockaddr_un *from, struct call *c)
{
	const struct cmsghdr *head = CMSG_FIRSTHDR(msg);
	struct ucred cred;

	if ((msg->msg_flags & MSG_TRUNC) != 0 || head == NULL ||
	    head->cmsg_level != SOL_SOCKET ||
	    head->cmsg_type != SCM_CREDENTIALS)
		return false;
	memcpy(&cred, CMSG_DATA(head), sizeof(cred));
	*c = (struct call){ .pid = cred.pid, .uid = cred.uid };
	if (msg->msg_namelen > offsetof(struct sockaddr_un, sun_path))
		c->n = msg->msg_namelen -
		    offsetof(struct sockaddr_un, sun_path);
	/* What the kernel chooses is short. */
	if (c->n > sizeof(c->name))
		return false;
	memcpy(c->name, from->sun_path, c->n);
	return cred.pid > 0;
}

ssize_t
call_hear(int desk, void *question, size_t size, struct call *c)
{
	struct sockaddr_un from;
	struct iovec iov = { question, size };
	union control control;
	struct msghdr msg = { .msg_name = &from, .msg_namelen = sizeof(from),
	    .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
	    .msg_controllen = sizeof(control) };
	ssize_t n;

	do
		n = recvmsg(desk, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (n == -1 && errno == EINTR);
	if (n == -1)
		return -1;
	return look_at(&msg, &from, c) ? n : 0;
}

void
call_answer(int desk, const struct call *c, struct str answer)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };

	if (c->n == 0)
		return;
	must(c->n <= sizeof(c->name));
	memcpy(to.sun_path, c->name, c->n);
	(void)sendto(desk, answer.p, answer.n, MSG_DONTWAIT | MSG_NOSIGNAL,
	    (const struct sockaddr *)&to,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + c->n));
}
