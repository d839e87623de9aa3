/* SPDX-License-Identifier: ISC */
/*
 * The prover: the one process that is root because of logins, and there is one
 * only with `login pam', whose modules look into /etc/shadow and do whatever else
 * an administrator has put there.
 *
 * It stands behind the doorkeeper, whose children take apart what a session has
 * sent, as a user without rights and in a sandbox (auth/desk).  One of them
 * connects here and asks with one packet of a fixed size (priv/prove); a child is
 * forked for it, asks PAM (os/pam), answers and ends.  No session knows the way:
 * the listener has no name, and the hold on it is the doorkeeper's.
 *
 * Always true: this process reads nothing but its accept queue, keeps nothing of
 * anybody, and ends with the doorkeeper, who ends when it does.
 */
#include "doorkeeper/prover.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/die.h"
#include "base/text.h"
#include "os/dir.h"
#include "os/log.h"
#include "os/pam.h"
#include "os/proc.h"
#include "os/signal.h"
#include "os/sock.h"
#include "priv/prove.h"

enum {
	BACKLOG = 64,
	CHILDREN = 64,			/* more than the doorkeeper has */
	QUESTION_MS = 5000,		/* an asker has it ready */
	SECONDS = 60,			/* for PAM */
	CPU = 20,
};

static void
ask_pam(const struct conf *conf, int sock, struct prove_question *question)
{
	char host[IP_TEXT_MAX];
	struct pam_question q = {
		.service = conf->login.place.p,
		.user = question->name,
		.secret = question->secret,
		.host = ip_format(&question->client, host),
	};
	struct buf user = { 0 };
	struct fault why;
	int r = pam_ask(&q, &user, &why);

	explicit_bzero(question, sizeof(*question));
	if (r == 1 && user.n > 0 && user.n < PROVE_NAME_MAX)
		prove_send(sock, PROVE_YES, buf_cstr(&user));
	else if (r == 1)
		prove_send(sock, PROVE_NO, PROVE_NAMELESS);
	else
		prove_send(sock, r == 0 ? PROVE_NO : PROVE_LATER, why.text);
	buf_free(&user);
}

static void
serve(const struct conf *conf, int sock)
{
	struct pollfd p = { .fd = sock, .events = POLLIN };
	struct prove_question question;
	int keep[] = { sock, log_fd() };

	signal_reset();
	signal_ignore(SIGPIPE);
	proc_close_all_but(keep, 2);
	proc_limit_cpu(CPU, CPU);
	(void)alarm(SECONDS);
	if (poll(&p, 1, QUESTION_MS) == 1 &&
	    prove_receive(sock, &question) == 0)
		ask_pam(conf, sock, &question);
	_exit(0);
}

static unsigned
reap(unsigned children)
{
	int status;

	while (children > 0 && waitpid(-1, &status, WNOHANG) > 0) {
		children--;
		if (WIFSIGNALED(status))
			log_warning("PAM was ended by signal %d",
			    WTERMSIG(status));
	}
	return children;
}

static void
run(const struct conf *conf, int listener)
{
	struct pollfd p = { .fd = listener, .events = POLLIN };
	struct sock_addr nobody;
	unsigned children = 0;

	proc_settle();
	for (;;) {
		pid_t pid;
		int fd = -1;

		(void)ppoll(&p, children < CHILDREN ? 1 : 0, NULL,
		    signal_wait_mask());
		if (signal_take(SIGCHLD))
			children = reap(children);
		if (children < CHILDREN)
			fd = sock_accept(listener, &nobody);
		if (fd < 0)
			continue;
		if ((pid = fork()) == 0)
			serve(conf, fd);
		if (pid < 0)
			log_warning("fork: %s", strerror(errno));
		else
			children++;
		close(fd);
	}
}

void
prover_start(const struct conf *conf, const struct cage *c, int *hold,
    pid_t *prover)
{
	struct arena a = { 0 };
	struct user asker = { .uid = geteuid() };
	struct fault why;
	pid_t parent = getpid();
	char name[32];
	int door[2];

	/* As warden/supply has it for the usher. */
	text_print(name, sizeof(name), "prover-%d", (int)parent);
	if (cage_find_doorkeeper(c, conf, &a, &asker, &why) < 0 ||
	    dir_make(AT_FDCWD, conf->run.p, 0755, geteuid(), getegid(),
	    &why) < 0 || sock_listen_hidden(conf_run_path(conf, &a,
	    name).p, asker.uid, BACKLOG, door, &why) < 0)
		die("login: %s", why.text);
	arena_free(&a);
	if ((*prover = fork()) < 0)
		die("login: fork: %s", strerror(errno));
	if (*prover == 0) {
		int keep[] = { door[0], log_fd() };

		signal_ignore(SIGTERM);
		proc_close_all_but(keep, 2);
		log_role("prover");
		proc_title("godwitd: prover");
		if (cage_become_prover(parent, &why) < 0)
			die("login: %s", why.text);
		run(conf, door[0]);
	}
	close(door[0]);
	*hold = door[1];
}
