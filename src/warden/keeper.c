/* SPDX-License-Identifier: ISC */
/*
 * The keeper: it has the private keys, and signs with them what belongs to a
 * handshake (tls/vault).
 *
 *	root, warden's child    its user                 in its sandbox
 *	reads the keys ───────▶ proves that there is ──▶ accept, read, sign,
 *	                        no way back              write, close
 *
 * There is one for each generation, and its master and sessions are the only
 * ones who can reach it: they inherit the door.  A reload makes a new one, with
 * the keys of that day; the old one stays with its sessions, and ends when the
 * last process has gone that holds the other end of its life.  It hears no
 * signal, but it dies with the warden.
 *
 * It has no file, no network and no way to get either, and whoever asks can
 * neither stop nor delay it for the others by more than one signature: each
 * connection has one question, which is read when it is there and answered
 * without waiting for a reader.  Who connects and says nothing keeps a place,
 * until so many have come after him that it is needed; who asks honestly says
 * at once what he wants.
 *
 * The log hears of texts that were refused, at the first, second, fourth,
 * eighth: none of them is from a program of ours, as long as it is itself.
 */
#include "warden/keeper.h"

#include <sys/socket.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "os/dir.h"
#include "os/log.h"
#include "os/proc.h"
#include "os/sock.h"
#include "tls/vault.h"
#include "visit/keys.h"

enum {
	BACKLOG = 256,
	WAITING_MAX = 64,
	FILES_SPARE = 16,
	GREETING_HEAD = 8,		/* 0 or 1, length */
	GREETING_MAX = 16 * 1024 * 1024,
	LACK_MS = 20,
};

struct keeper {
	const struct vault	*vault;
	int			 listener;
	int			 life;
	int			 waiting[WAITING_MAX];	/* oldest first */
	unsigned		 n;
	uint64_t		 refused;
};

int
keeper_open(struct keeper_ways *w, const struct conf *conf,
    const struct cage *cage, struct fault *why)
{
	struct arena a = { 0 };
	uid_t asker = cage->privileged ? cage->master.uid : geteuid();
	int r;

	*w = KEEPER_NOWHERE;
	/* Somebody may have cleared /run. */
	r = dir_make(AT_FDCWD, conf->run.p, 0755, geteuid(), getegid(), why);
	if (r == 0)
		r = sock_listen_hidden(conf_run_path(conf, &a, "keeper").p,
		    asker, BACKLOG, w->door, why);
	arena_free(&a);
	if (r == 0 && sock_pair(SOCK_STREAM, w->life, why) < 0) {
		w->life[0] = w->life[1] = -1;
		keeper_close(w);
		r = -1;
	}
	return r;
}

void
keeper_close(struct keeper_ways *w)
{
	int fd[] = { w->door[0], w->door[1], w->life[0], w->life[1] };

	for (size_t i = 0; i < sizeof(fd) / sizeof(fd[0]); i++)
		if (fd[i] >= 0)
			close(fd[i]);
	*w = KEEPER_NOWHERE;
}

/* ---- the first words, from the keeper to the master ---- */

static bool
say(int fd, const void *p, size_t n)
{
	const char *from = p;
	ssize_t done;

	while (n > 0) {
		done = send(fd, from, n, MSG_NOSIGNAL);
		if (done < 0 && errno != EINTR)
			return false;
		if (done > 0) {
			from += done;
			n -= (size_t)done;
		}
	}
	return true;
}

static bool
greet(int fd, bool failed, struct str text)
{
	uint8_t head[GREETING_HEAD];

	bytes_put_le32(head, failed);
	bytes_put_le32(head + 4, (uint32_t)text.n);
	return say(fd, head, sizeof(head)) && say(fd, text.p, text.n);
}

static bool
hear(int fd, void *p, size_t n)
{
	char *to = p;
	ssize_t got;

	while (n > 0) {
		got = recv(fd, to, n, 0);
		if (got == 0 || (got < 0 && errno != EINTR))
			return false;
		if (got > 0) {
			to += got;
			n -= (size_t)got;
		}
	}
	return true;
}

int
keeper_meet(const struct keeper_ways *w, struct buf *shown, struct fault *why)
{
	uint8_t head[GREETING_HEAD];
	size_t n = 0;
	bool good = hear(w->life[1], head, sizeof(head));

	if (good) {
		n = bytes_get_le32(head + 4);
		good = n <= GREETING_MAX &&
		    hear(w->life[1], buf_room(shown, n), n);
	}
	if (!good)
		return fault_temporary(why, 451, 3, 0,
		    "the keeper of the keys has gone");
	buf_grew(shown, n);
	if (bytes_get_le32(head) == 0)
		return 0;
	return fault_permanent(why, 554, 3, 5, "%s", buf_cstr(shown));
}

/* ---- questions ---- */

static void
log_refusal(const struct keeper *k, int fd)
{
	uid_t uid;
	pid_t pid;

	if ((k->refused & (k->refused - 1)) != 0)
		return;
	if (sock_peer_uid(fd, &uid, &pid) < 0)
		pid = 0;
	log_error("process %d asked for a signature that belongs to no "
	    "handshake: refused (%llu so far)", (int)pid,
	    (unsigned long long)k->refused);
}

/* False: it has said nothing yet.  A packet that is too long is cut to one
 * that is still too long. */
static bool
answer(struct keeper *k, int fd)
{
	uint8_t question[VAULT_QUESTION_MAX + 1], out[VAULT_ANSWER_MAX];
	ssize_t n = recv(fd, question, sizeof(question), MSG_DONTWAIT);
	uint64_t before = k->refused;
	size_t size;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n > 0) {
		size = vault_answer(k->vault, str_span(question, (size_t)n),
		    out, &k->refused);
		if (k->refused != before)
			log_refusal(k, fd);
		(void)send(fd, out, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	}
	close(fd);
	return true;
}

static void
forget(struct keeper *k, unsigned i)
{
	k->n--;
	memmove(k->waiting + i, k->waiting + i + 1,
	    (k->n - i) * sizeof(k->waiting[0]));
}

static void
let_in(struct keeper *k)
{
	struct sock_addr ignored;
	int fd = sock_accept(k->listener, &ignored);

	if (fd < 0) {
		if (errno != EAGAIN && errno != EINTR)
			(void)poll(NULL, 0, LACK_MS);
		return;
	}
	if (answer(k, fd))
		return;
	if (k->n == WAITING_MAX) {
		close(k->waiting[0]);
		forget(k, 0);
	}
	k->waiting[k->n++] = fd;
}

/* Those who wait come first, then one who is new. */
static void
serve(struct keeper *k)
{
	enum { LIFE, LISTENER, FIRST };
	struct pollfd p[FIRST + WAITING_MAX];

	proc_settle();
	for (;;) {
		p[LIFE] = (struct pollfd){ .fd = k->life };
		p[LISTENER] = (struct pollfd){ k->listener, POLLIN, 0 };
		for (unsigned i = 0; i < k->n; i++)
			p[FIRST + i] = (struct pollfd){ k->waiting[i], POLLIN,
			    0 };
		if (poll(p, FIRST + k->n, -1) < 0)
			continue;
		if (p[LIFE].revents != 0)
			return;
		for (unsigned i = k->n; i-- > 0;)
			if (p[FIRST + i].revents != 0 &&
			    answer(k, k->waiting[i]))
				forget(k, i);
		if (p[LISTENER].revents != 0)
			let_in(k);
	}
}

/* ---- the process ---- */

static struct vault *
begin(const struct conf *conf, const struct cage *cage, struct fault *why)
{
	struct proc_limits limits = { .files = WAITING_MAX + FILES_SPARE,
	    .no_fork = true };
	struct vault *vault;
	struct user user;
	struct arena a = { 0 };

	vault_prepare(conf->tls.certificates.n);
	if (cage_find_keeper(cage, conf, &a, &user, why) < 0 ||
	    keys_open(conf, &vault, why) < 0)
		return NULL;
	vault_warm(vault);
	if (cage_become_keeper(cage, &user, why) < 0)
		return NULL;
	proc_limit(&limits);
	return cage_lock_keeper(why) < 0 ? NULL : vault;
}

void
keeper_run(const struct conf *conf, const struct cage *cage,
    const struct keeper_ways *w)
{
	struct keeper k = { .listener = w->door[0], .life = w->life[0] };
	struct buf shown = { 0 };
	struct fault why;
	bool good;

	k.vault = begin(conf, cage, &why);
	if (k.vault != NULL)
		vault_show(k.vault, &shown);
	else
		buf_putz(&shown, why.text);
	good = greet(k.life, k.vault == NULL, buf_str(&shown));
	buf_free(&shown);
	if (!good || k.vault == NULL)
		_exit(1);
	serve(&k);
	_exit(0);
}
