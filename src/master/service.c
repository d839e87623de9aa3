/* SPDX-License-Identifier: ISC */
/*
 * The two services under the warden: the master (with its sessions) and the
 * queue runner (with its workers).  Each is a fork that keeps the descriptors
 * it needs, becomes its user, puts on its sandbox and its limits, and only then
 * does its work.
 * One that dies is started again: at once when it had lived long, then ever
 * more slowly, so that a fault that comes at every start does not eat the
 * machine.
 */

#include "master/service.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/die.h"
#include "master/master.h"
#include "os/clock.h"
#include "os/iface.h"
#include "os/log.h"
#include "os/proc.h"
#include "os/signal.h"
#include "queue/runner.h"
#include "route/alias.h"
#include "smtpd/keys.h"

enum {
	BACKOFF_MS_MAX = 60 * 1000,
	LIVED_LONG_MS = 60 * 1000,
	OWN_MAX = 64,			/* addresses of this machine */
	SESSION_MEMORY = 192 * 1024 * 1024,	/* of addresses */
	SESSION_FILES = 24,
	SESSION_FILE_ROOM = 1024 * 1024,	/* beside the content */
	SESSION_RECIPIENT_ROOM = 1024,		/* slot, and addresses twice */
	RUNNER_FILES = 65536,
	SESSION_OOM = 100,		/* more than the rest of us */
};

static const char *const service_name[SERVICES] = { "master", "qmgr" };

/* A log that is a file grows beyond the size of any message. */
static bool
logs_to_a_file(void)
{
	struct stat st;

	return fstat(log_fd(), &st) == 0 && S_ISREG(st.st_mode);
}

/* Sessions inherit them.  The largest file is an entry with all its
 * recipients, which the last alias may have made more than are given. */
static void
limit_sessions(const struct conf *conf, const struct spool *spool)
{
	struct proc_limits limits = {
		.memory = SESSION_MEMORY,
		.files = SESSION_FILES + LISTEN_MAX +
		    (spool->shards != NULL ? SPOOL_SHARDS : 0),
	};

	if (!logs_to_a_file())
		limits.file_size = conf->size + SESSION_FILE_ROOM +
		    SESSION_RECIPIENT_ROOM *
		    (conf->recipients + ALIAS_EXPANSIONS_MAX);
	proc_limit(&limits);
}

/* With a user for the sessions alone, nobody of that name is a program. */
static uid_t
sessions_own(const struct house *h)
{
	return h->cage.privileged ? h->cage.master.uid : (uid_t)-1;
}

static void
be_master(struct house *h)
{
	struct master_setup setup = {
		.conf = h->conf,
		.listeners = &h->listeners,
		.notify = h->notify[0],
		.own = sessions_own(h),
	};
	struct spool spool;
	struct fault why;
	int keep[LISTEN_MAX + 2];
	size_t n = 0;

	proc_set_oom_score(h->oom_score + SESSION_OOM);
	for (unsigned i = 0; i < h->listeners.n; i++)
		keep[n++] = h->listeners.tcp[i].fd;
	keep[n++] = h->notify[0];
	keep[n++] = log_fd();
	proc_close_all_but(keep, n);
	h->listeners.queue = -1;
	/* Keys while root may read them. */
	if (keys_load(h->conf, &setup.tls, &why) < 0 ||
	    spool_open(&spool, h->conf->spool.p, true, h->cage.privileged,
	    &why) < 0 || cage_become_master(&h->cage, &why) < 0 ||
	    cage_lock_master(h->conf, &why) < 0)
		die("%s", why.text);
	limit_sessions(h->conf, &spool);
	spool.temporaries = h->trial.temporaries;
	setup.spool = &spool;
	setup.aliases = alias_book_new(h->conf);
	setup.lists = h->lists;
	master_run(&setup);
	_exit(0);
}

static void
be_runner(struct house *h)
{
	struct runner_setup setup = {
		.conf = h->conf,
		.notify = h->notify[1],
		.channel = h->channel[0],
		.queue_sock = h->listeners.queue,
		.sessions = sessions_own(h),
	};
	struct spool spool;
	struct fault why;
	struct proc_limits limits = { .files = RUNNER_FILES };
	struct ip own[OWN_MAX];
	size_t n;
	int keep[] = { h->notify[1], h->channel[0], h->listeners.queue,
	    log_fd() };

	proc_set_oom_score(h->oom_score);
	lists_free(h->lists);
	proc_close_all_but(keep, sizeof(keep) / sizeof(keep[0]));
	proc_limit(&limits);
	n = iface_addresses(own, OWN_MAX);
	for (size_t i = 0; i < n; i++)
		vec_push(&h->conf->arena, &h->conf->own, own[i]);
	if (spool_open(&spool, h->conf->spool.p, false, false, &why) < 0 ||
	    cage_become_runner(&h->cage, &why) < 0 ||
	    cage_lock_runner(h->conf, &setup.narrow, &why) < 0)
		die("%s", why.text);
	spool.temporaries = h->trial.temporaries;
	setup.spool = &spool;
	runner_run(&setup);
	_exit(0);
}

static void
become_service(struct house *h, enum service service)
{
	(void)setpgid(0, 0);
	signal_reset();
	signal_ignore(SIGPIPE);
	signal_ignore(SIGXFSZ);		/* a write then says EFBIG: 452 */
	signal_catch(SIGCHLD);
	signal_catch(SIGTERM);
	signal_catch(SIGUSR1);
	signal_catch(SIGXCPU);		/* a session's, see master/master */
	/* For the warden alone, but people send it to all of us. */
	signal_ignore(SIGHUP);
	signal_block_caught();
	log_role(service_name[service]);
	proc_title("godwitd: %s", service_name[service]);
	switch (service) {
	case SERVICE_MASTER:
		be_master(h);
		break;
	case SERVICE_RUNNER:
		be_runner(h);
		break;
	case SERVICES:
		break;
	}
	bug("no such service");
}

static void
start(struct house *h, enum service service)
{
	struct running *r = &h->running[service];
	pid_t pid = fork();

	if (pid == 0)
		become_service(h, service);
	if (pid > 0)
		(void)setpgid(pid, pid);
	r->started = clock_boot_ms();
	if (pid < 0) {
		log_error("fork %s: %s", service_name[service],
		    strerror(errno));
		r->start_at = r->started + 1000;
		return;
	}
	r->pid = pid;
	r->start_at = 0;
}

void
services_start_due(struct house *h)
{
	int64_t now = clock_boot_ms();

	for (int i = 0; i < SERVICES; i++)
		if (h->running[i].pid == 0 && h->running[i].start_at <= now)
			start(h, (enum service)i);
}

static void
schedule_restart(struct running *r)
{
	int64_t now = clock_boot_ms();

	if (now - r->started >= LIVED_LONG_MS)
		r->backoff = 0;
	r->pid = 0;
	r->start_at = now + r->backoff;
	r->backoff = r->backoff == 0 ? 500 : 2 * r->backoff;
	if (r->backoff > BACKOFF_MS_MAX)
		r->backoff = BACKOFF_MS_MAX;
}

/* Remembered for the end.  When there are too many the oldest are forgotten:
 * what a session may last has passed since. */
static void
retire(struct house *h, enum service service, pid_t pid, bool alive)
{
	if (h->nretired == RETIRED_MAX) {
		h->nretired--;
		memmove(h->retired, h->retired + 1,
		    h->nretired * sizeof(h->retired[0]));
	}
	h->retired[h->nretired++] = (struct retired){ service, pid, alive };
}

static void
log_end(enum service service, int status)
{
	if (WIFSIGNALED(status))
		log_error("%s was killed by signal %d; starting it again",
		    service_name[service], WTERMSIG(status));
	else
		log_error("%s ended with status %d; starting it again",
		    service_name[service], WEXITSTATUS(status));
}

static bool
reap_service(struct house *h, pid_t pid, int status, bool ending)
{
	for (int i = 0; i < SERVICES; i++) {
		if (h->running[i].pid != pid)
			continue;
		if (!ending)
			log_end((enum service)i, status);
		retire(h, (enum service)i, pid, false);
		schedule_restart(&h->running[i]);
		return true;
	}
	for (unsigned i = 0; i < h->nretired; i++)
		if (h->retired[i].alive && h->retired[i].pid == pid) {
			h->retired[i].alive = false;
			return true;
		}
	return false;
}

void
services_reap(struct house *h, bool ending)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (!reap_service(h, pid, status, ending) && h->agents > 0)
			h->agents--;
}

void
services_renew(struct house *h)
{
	struct running old[SERVICES];

	memcpy(old, h->running, sizeof(old));
	memset(h->running, 0, sizeof(h->running));
	for (int i = 0; i < SERVICES; i++)
		if (old[i].pid != 0)
			retire(h, (enum service)i, old[i].pid, true);
	services_start_due(h);
	if (old[SERVICE_MASTER].pid != 0)
		(void)kill(old[SERVICE_MASTER].pid, SIGUSR1);
	if (old[SERVICE_RUNNER].pid != 0)
		(void)kill(old[SERVICE_RUNNER].pid, SIGTERM);
}

/* The master's sessions are of its process group: it may not signal anyone
 * itself.  Workers are not: they finish what they have in hand. */
static void
signal_service(enum service service, pid_t pid, int sig)
{
	(void)kill(service == SERVICE_MASTER ? -pid : pid, sig);
}

void
services_signal(const struct house *h, int sig)
{
	for (int i = 0; i < SERVICES; i++)
		if (h->running[i].pid != 0)
			signal_service((enum service)i, h->running[i].pid,
			    sig);
	for (unsigned i = 0; i < h->nretired; i++)
		if (h->retired[i].alive)
			signal_service(h->retired[i].service,
			    h->retired[i].pid, sig);
}

bool
services_any_due(const struct house *h)
{
	for (int i = 0; i < SERVICES; i++)
		if (h->running[i].pid == 0)
			return true;
	return false;
}

unsigned
services_alive(const struct house *h)
{
	unsigned n = 0;

	for (int i = 0; i < SERVICES; i++)
		if (h->running[i].pid != 0)
			n++;
	for (unsigned i = 0; i < h->nretired; i++)
		if (h->retired[i].alive)
			n++;
	return n;
}

void
services_end_sessions(const struct house *h)
{
	for (unsigned i = 0; i < h->nretired; i++)
		if (h->retired[i].service == SERVICE_MASTER)
			(void)kill(-h->retired[i].pid, SIGKILL);
}
