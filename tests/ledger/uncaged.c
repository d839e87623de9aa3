/* SPDX-License-Identifier: ISC */
/*
 * The daemon without its cages: the real master, the real queue runner and the
 * real agents, all as root but for the agents, and with no sandbox, so that a
 * tool such as valgrind, which makes system calls of its own, can watch them.
 * For counting instructions only: tests/ledger/instructions.py starts it in
 * namespaces that nobody else sees.
 *
 *	uncaged configuration
 *
 * It stands where warden/warden and warden/service stand in godwitd, and forks
 * as they do.  It says "master PID" and "runner PID" on standard output; an
 * agent is a child of its own, a worker one of the runner's and a session one
 * of the master's.  SIGTERM ends all of them.
 *
 * Under callgrind each process counts from its fork, and SIGUSR2 makes it write
 * down what it has counted and begin again at zero.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deliver/agent.h"
#include "master/master.h"
#include "os/dir.h"
#include "os/log.h"
#include "os/proc.h"
#include "os/signal.h"
#include "os/sock.h"
#include "policy/lists.h"
#include "priv/request.h"
#include "queue/runner.h"
#include "visit/keys.h"

#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#else
#define CALLGRIND_DUMP_STATS	((void)0)
#define CALLGRIND_ZERO_STATS	((void)0)
#define RUNNING_ON_VALGRIND	0
#endif

struct house {
	struct conf		*conf;
	struct listeners	 listeners;
	int			 notify[2];
	int			 channel[2];
};

static void
fail(const char *what, const char *why)
{
	fprintf(stderr, "uncaged: %s: %s\n", what, why);
	exit(1);
}

static void
zero(void)
{
	CALLGRIND_ZERO_STATS;
}

/* The master's own (proc_fork()) has no handlers; here it needs the one above,
 * and what fork() does for it is the parent's. */
pid_t
_Fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		CALLGRIND_ZERO_STATS;
	return pid;
}

static void
dump(int sig)
{
	(void)sig;
	CALLGRIND_DUMP_STATS;
}

/* A call that it interrupts goes on, or its caller asks again: the flags for
 * which anybody looks are not set. */
static void
count(void)
{
	struct sigaction sa = { .sa_handler = dump, .sa_flags = SA_RESTART };

	if (!RUNNING_ON_VALGRIND)
		fail("valgrind", "not run under it, or built without its "
		    "headers: ./configure --install-deps && make clean");
	if (sigaction(SIGUSR2, &sa, NULL) < 0 ||
	    pthread_atfork(NULL, NULL, zero) != 0)
		fail("count", strerror(errno));
}

static void
be_master(struct house *h)
{
	struct buf errors = { 0 };
	struct master_setup setup = { .conf = h->conf,
	    .listeners = &h->listeners, .notify = h->notify[0],
	    .own = (uid_t)-1, .tray = -1, .desk = { -1, -1 } };
	struct spool spool;
	struct fault why;

	close(h->notify[1]);
	close(h->channel[0]);
	close(h->channel[1]);
	close(h->listeners.queue);
	h->listeners.queue = -1;
	if (spool_open(&spool, h->conf->spool.p, true, false, &why) < 0)
		fail("spool", why.text);
	setup.spool = &spool;
	pane_make(&setup.board, NOTICES_SIZE(h->conf->budget.most));
	setup.aliases = alias_book_new(h->conf);
	setup.lists = lists_open(h->conf, &errors);
	if (setup.lists == NULL)
		fail("lists", buf_cstr(&errors));
	/* Here, so that a session signs for itself. */
	if (keys_load(h->conf, &setup.tls, &why) < 0)
		fail("keys", why.text);
	master_run(&setup);
}

static void
be_runner(struct house *h)
{
	struct runner_setup setup = { .conf = h->conf,
	    .notify = h->notify[1], .channel = h->channel[0], .narrow = -1,
	    .queue_sock = h->listeners.queue, .sessions = (uid_t)-1 };
	struct spool spool;
	struct fault why;

	for (unsigned i = 0; i < h->listeners.n; i++)
		close(h->listeners.tcp[i].fd);
	close(h->notify[0]);
	close(h->channel[1]);
	if (spool_open(&spool, h->conf->spool.p, false, false, &why) < 0)
		fail("spool", why.text);
	setup.spool = &spool;
	runner_run(&setup);
}

static void
start(struct house *h, void (*be)(struct house *), const char *name)
{
	pid_t pid = fork();

	if (pid < 0)
		fail("fork", strerror(errno));
	if (pid == 0) {
		signal_catch(SIGCHLD);
		signal_catch(SIGUSR1);
		signal_block_caught();
		log_role(name);
		be(h);
		_exit(0);
	}
	printf("%s %d\n", name, (int)pid);
	fflush(stdout);
}

static void
be_agent(struct house *h, const struct request *request, int answer)
{
	struct arena arena = { 0 };
	struct user user;
	struct fault why;
	gid_t mail;
	int keep[] = { answer, log_fd() };

	proc_close_all_but(keep, 2);
	if (user_find(&arena, str_of(request->user), &user, &why) != 1 ||
	    user_find_group(STR("mail"), &mail, &why) != 1)
		fail(request->user, "no such user");
	if (user_become(&user, false, &mail, 1, &why) < 0)
		fail(request->user, why.text);
	agent_serve(answer, h->conf, &user);
	_exit(0);
}

static void
serve(struct house *h)
{
	struct pollfd p = { .fd = h->channel[1], .events = POLLIN };
	struct request request;
	int answer;

	while (!signal_is_pending(SIGTERM)) {
		if (poll(&p, 1, -1) != 1 ||
		    request_receive(p.fd, &request, &answer) != 1)
			continue;
		if (fork() == 0)
			be_agent(h, &request, answer);
		close(answer);
	}
}

int
main(int argc, char *argv[])
{
	struct house h = { 0 };
	struct buf errors = { 0 };
	struct fault why;

	if (argc != 2)
		fail("usage", "uncaged configuration");
	h.conf = conf_load(argv[1], false, &errors);
	if (h.conf == NULL)
		fail(argv[1], buf_cstr(&errors));
	umask(007);
	count();
	signal_ignore(SIGPIPE);
	signal_catch(SIGTERM);
	if (log_open(h.conf->log.p) < 0)
		fail("log", strerror(errno));
	if (spool_make(h.conf->spool.p, NULL, &why) < 0 ||
	    dir_make(AT_FDCWD, h.conf->run.p, 0755, geteuid(), getegid(),
	    &why) < 0 || sock_pair(SOCK_SEQPACKET, h.notify, &why) < 0 ||
	    sock_pair(SOCK_SEQPACKET, h.channel, &why) < 0 ||
	    listen_open(&h.listeners, h.conf, &why) < 0)
		fail("start", why.text);
	log_info("starts without its cages");
	start(&h, be_master, "master");
	start(&h, be_runner, "runner");
	serve(&h);
	kill(0, SIGTERM);
	return 0;
}
