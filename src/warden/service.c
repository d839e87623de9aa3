/* SPDX-License-Identifier: ISC */
/*
 * The services under the warden: the master (with its sessions), before it,
 * where there is TLS, the keeper of its keys, the queue runner (with its
 * workers), where somebody asks for names, the relay that carries the sessions'
 * questions to the resolver, and where users can log in, the doorkeeper.  Each
 * is a fork that keeps the descriptors it needs, becomes its user, puts on its
 * sandbox and its limits, and only then does its work.
 * One that dies is started again: at once when it had lived long, then ever
 * more slowly, so that a fault that comes at every start does not eat the
 * machine.  A keeper that dies takes its master along, who accepts no more and
 * lets its sessions finish, without TLS for those that have none yet; a master
 * that dies leaves its keeper to its sessions.
 */

#include "warden/service.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/die.h"
#include "conf/listener.h"
#include "master/master.h"
#include "os/clock.h"
#include "os/log.h"
#include "os/proc.h"
#include "os/signal.h"
#include "queue/runner.h"
#include "route/alias.h"
#include "visit/keys.h"
#include "warden/supply.h"

enum {
	BACKOFF_MS_MAX = 60 * 1000,
	LIVED_LONG_MS = 60 * 1000,
	SESSION_FILES = 28,
	KEEPER_PAUSE_MS = 200,		/* its master may have gone, too */
	SESSION_FILE_ROOM = 1024 * 1024,	/* beside the content */
	SESSION_RECIPIENT_ROOM = 1024,		/* slot, and addresses twice */
	RUNNER_FILES = 65536,
	SESSION_OOM = 100,		/* more than the rest of us */
};

static const char *const service_name[SERVICES] = { "keeper", "master",
    "qmgr", "names", "doorkeeper" };

static bool
wants_keeper(const struct house *h)
{
	return h->conf->tls.certificates.n > 0;
}

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
		.memory = conf->budget.memory,
		.files = SESSION_FILES + LISTEN_MAX +
		    (spool->shards != NULL ? SPOOL_SHARDS : 0) +
		    supply_descriptors(conf),
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

/* Written on by one generation after the other; NULL: there is none. */
static void *
look_at(int memory, size_t n)
{
	void *room = memory == -1 ? NULL : pane_look(memory, n, true);

	if (memory != -1)
		close(memory);
	return room;
}

static void
be_keeper(struct house *h)
{
	int keep[] = { h->ways.door[0], h->ways.life[0], log_fd() };

	/* It ends with the last who may ask. */
	signal_ignore(SIGINT);
	signal_ignore(SIGTERM);
	signal_ignore(SIGUSR1);
	proc_set_oom_score(h->oom_score);
	proc_close_all_but(keep, sizeof(keep) / sizeof(keep[0]));
	keeper_run(h->conf, &h->cage, &h->ways);
}

static int
borrow_keys(const struct house *h, struct tls_server **server,
    struct fault *why)
{
	struct tls_kept kept = { .door = h->ways.door[1] };
	struct buf shown = { 0 };
	int r;

	*server = NULL;
	if (!wants_keeper(h))
		return 0;
	r = keeper_meet(&h->ways, &shown, why);
	kept.shown = buf_str(&shown);
	if (r == 0)
		r = keys_borrow(h->conf, &kept, server, why);
	buf_free(&shown);
	return r;
}

static void
be_master(struct house *h)
{
	struct master_setup setup = {
		.conf = h->conf,
		.listeners = &h->listeners,
		.notify = h->notify[0],
		.own = sessions_own(h),
		.tray = h->tray[1],
	};
	struct spool spool;
	struct grey grey;
	struct fault why;
	int keep[LISTEN_MAX + 7];
	size_t n = 0;

	proc_set_oom_score(h->oom_score + SESSION_OOM);
	for (unsigned i = 0; i < h->listeners.n; i++)
		keep[n++] = h->listeners.tcp[i].fd;
	keep[n++] = h->notify[0];
	keep[n++] = log_fd();
	if (wants_keeper(h)) {
		keep[n++] = h->ways.door[1];
		keep[n++] = h->ways.life[1];
	}
	if (h->tray[1] != -1)
		keep[n++] = h->tray[1];
	if (roster_fd(&h->rosters) != -1)
		keep[n++] = roster_fd(&h->rosters);
	if (h->regulars != -1)
		keep[n++] = h->regulars;
	proc_close_all_but(keep, n);
	h->listeners.queue = h->listeners.door = -1;
	supply_open_grey(h->conf, &grey, false);
	/* The sandbox has no such calls. */
	if (h->conf->guest.rules_own)
		listener_find_own(h->conf);
	pane_make(&setup.board, NOTICES_SIZE(h->conf->budget.most));
	setup.regulars = look_at(h->regulars, REGULARS_ROOM);
	setup.roster = roster_open(&h->rosters);
	setup.serial = h->rosters.serial;
	supply_open_desk(h->conf, &h->cage, setup.desk);
	/* Those who may have signed a client's certificate are in a file. */
	if (borrow_keys(h, &setup.tls, &why) < 0 ||
	    spool_open(&spool, h->conf->spool.p, true, h->cage.privileged,
	    &why) < 0 || cage_become_master(&h->cage, &why) < 0 ||
	    cage_lock_master(h->conf, &why) < 0)
		die("%s", why.text);
	limit_sessions(h->conf, &spool);
	spool.temporaries = h->trial.temporaries;
	setup.spool = &spool;
	setup.grey = &grey;
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
	struct grey grey;
	int keep[] = { h->notify[1], h->channel[0], h->listeners.queue,
	    log_fd() };

	proc_set_oom_score(h->oom_score);
	lists_free(h->lists);
	proc_close_all_but(keep, sizeof(keep) / sizeof(keep[0]));
	proc_limit(&limits);
	listener_find_own(h->conf);
	supply_open_grey(h->conf, &grey, true);
	if (spool_open(&spool, h->conf->spool.p, false, false, &why) < 0 ||
	    cage_become_runner(&h->cage, &why) < 0 ||
	    cage_lock_runner(h->conf, &setup.narrow, &why) < 0)
		die("%s", why.text);
	spool.temporaries = h->trial.temporaries;
	setup.spool = &spool;
	setup.grey = &grey;
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
	case SERVICE_KEEPER:
		be_keeper(h);
		break;
	case SERVICE_MASTER:
		be_master(h);
		break;
	case SERVICE_RUNNER:
		be_runner(h);
		break;
	case SERVICE_RELAY:
		proc_set_oom_score(h->oom_score + SESSION_OOM);
		supply_be_relay(h->conf, &h->cage, h->tray);
		break;
	case SERVICE_DOORKEEPER:
		proc_set_oom_score(h->oom_score);
		supply_be_doorkeeper(h->conf, &h->cage, &h->rosters,
		    look_at(h->failures, SLOW_ROOM), h->listeners.door);
		break;
	case SERVICES:
		break;
	}
	bug("no such service");
}

static void
forget(struct house *h, unsigned i)
{
	h->nretired--;
	memmove(h->retired + i, h->retired + i + 1,
	    (h->nretired - i) * sizeof(h->retired[0]));
}

/* Remembered for the end.  When there are too many the oldest are forgotten:
 * what a session may last has passed since. */
static void
retire(struct house *h, enum service service, pid_t pid, bool alive)
{
	if (h->nretired == RETIRED_MAX)
		forget(h, 0);
	h->retired[h->nretired++] = (struct retired){ service, pid, alive };
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

/* The ways to a new keeper.  A master belongs to one keeper, so the one that
 * there is makes room for one of the new generation. */
static int
prepare_keeper(struct house *h)
{
	struct running *master = &h->running[SERVICE_MASTER];
	struct fault why;

	keeper_close(&h->ways);
	/* A master without keys is better than none. */
	if ((master->pid != 0 && proof_keys(h->conf, &h->cage, h->oom_score,
	    &why) < 0) || keeper_open(&h->ways, h->conf, &h->cage, &why) < 0) {
		log_error("keeper: %s", why.text);
		return -1;
	}
	if (master->pid != 0) {
		(void)kill(master->pid, SIGUSR1);
		retire(h, SERVICE_MASTER, master->pid, true);
		master->pid = 0;
		master->start_at = 0;
	}
	return 0;
}

static void
take_roster(struct house *h)
{
	pid_t ousted = rosters_turn(&h->rosters);

	if (ousted == 0)
		return;
	log_warning("there are sessions of too many reloads; the oldest end");
	(void)kill(-ousted, SIGTERM);
}

static void
start(struct house *h, enum service service)
{
	struct running *r = &h->running[service];
	pid_t pid;

	r->started = clock_boot_ms();
	if (service == SERVICE_KEEPER && prepare_keeper(h) < 0) {
		schedule_restart(r);
		return;
	}
	if (service == SERVICE_MASTER)
		take_roster(h);
	pid = fork();
	if (pid == 0)
		become_service(h, service);
	if (pid > 0)
		(void)setpgid(pid, pid);
	if (pid < 0) {
		log_error("fork %s: %s", service_name[service],
		    strerror(errno));
		r->start_at = r->started + 1000;
		return;
	}
	r->pid = pid;
	r->start_at = 0;
	if (service == SERVICE_MASTER) {
		rosters_give(&h->rosters, pid);
		keeper_close(&h->ways);
	}
}

static bool
is_wanted(const struct house *h, enum service service)
{
	return h->running[service].pid == 0 &&
	    (service != SERVICE_KEEPER || wants_keeper(h)) &&
	    (service != SERVICE_RELAY || conf_asks_names(h->conf)) &&
	    (service != SERVICE_DOORKEEPER ||
	    h->conf->login.by != LOGIN_NONE);
}

/* What is not there is forgotten with each reload. */
static int
make_memory(size_t n)
{
	struct fault why;
	int fd = pane_file(n, &why);

	if (fd == -1)
		log_warning("%s", why.text);
	return fd;
}

void
services_begin(struct house *h)
{
	h->tray[0] = h->tray[1] = -1;
	h->regulars = make_memory(REGULARS_ROOM);
	h->failures = make_memory(SLOW_ROOM);
	supply_renew(h->conf, &h->cage, h->tray);
	services_start_due(h);
}

void
services_start_due(struct house *h)
{
	int64_t now = clock_boot_ms();

	for (int i = 0; i < SERVICES; i++) {
		if (!is_wanted(h, (enum service)i) ||
		    h->running[i].start_at > now)
			continue;
		if (i == SERVICE_MASTER && wants_keeper(h) &&
		    h->ways.door[1] < 0)
			continue;
		start(h, (enum service)i);
	}
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

/* Keeper and master are of one generation, and are started together: the keeper
 * stays with what sessions its master has left. */
static void
end_generation(struct house *h)
{
	struct running *keeper = &h->running[SERVICE_KEEPER];

	if (keeper->pid != 0)
		retire(h, SERVICE_KEEPER, keeper->pid, true);
	keeper->pid = 0;
	keeper->start_at = h->running[SERVICE_MASTER].start_at;
}

/* One that ended well has nobody left: its master has died, or is about to be
 * found dead. */
static void
end_keeper(struct house *h, int status)
{
	struct running *keeper = &h->running[SERVICE_KEEPER];
	bool well = WIFEXITED(status) && WEXITSTATUS(status) == 0;

	keeper_close(&h->ways);
	if (well)
		keeper->start_at = clock_boot_ms() + KEEPER_PAUSE_MS;
}

static bool
reap_service(struct house *h, pid_t pid, int status, bool ending)
{
	rosters_bury(&h->rosters, pid);
	for (int i = 0; i < SERVICES; i++) {
		if (h->running[i].pid != pid)
			continue;
		if (!ending && (i != SERVICE_KEEPER || status != 0))
			log_end((enum service)i, status);
		schedule_restart(&h->running[i]);
		if (i == SERVICE_KEEPER)
			end_keeper(h, status);
		else
			retire(h, (enum service)i, pid, false);
		if (i == SERVICE_MASTER)
			end_generation(h);
		return true;
	}
	for (unsigned i = 0; i < h->nretired; i++)
		if (h->retired[i].alive && h->retired[i].pid == pid) {
			h->retired[i].alive = false;
			if (h->retired[i].service == SERVICE_KEEPER)
				forget(h, i);
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
		if (!reap_service(h, pid, status, ending))
			agents_forget(&h->agents, pid);
}

void
services_renew(struct house *h)
{
	struct running old[SERVICES];

	memcpy(old, h->running, sizeof(old));
	memset(h->running, 0, sizeof(h->running));
	keeper_close(&h->ways);
	for (int i = 0; i < SERVICES; i++)
		if (old[i].pid != 0)
			retire(h, (enum service)i, old[i].pid, true);
	/* Who comes before the new one is there waits for it, and is not served
	 * by the rules and keys of yesterday. */
	supply_renew(h->conf, &h->cage, h->tray);
	if (old[SERVICE_MASTER].pid != 0)
		(void)kill(old[SERVICE_MASTER].pid, SIGUSR1);
	services_start_due(h);
	if (old[SERVICE_RUNNER].pid != 0)
		(void)kill(old[SERVICE_RUNNER].pid, SIGTERM);
	if (old[SERVICE_RELAY].pid != 0)
		(void)kill(old[SERVICE_RELAY].pid, SIGTERM);
	if (old[SERVICE_DOORKEEPER].pid != 0)
		(void)kill(old[SERVICE_DOORKEEPER].pid, SIGTERM);
}

/* The master's sessions are of its process group: it may not signal anyone
 * itself.  Workers are not: they finish what they have in hand. */
static void
signal_service(enum service service, pid_t pid, int sig)
{
	if (service == SERVICE_KEEPER && sig != SIGKILL)
		return;
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
		if (is_wanted(h, (enum service)i))
			return true;
	return false;
}

unsigned
services_alive(const struct house *h)
{
	unsigned n = 0;

	for (int i = 0; i < SERVICES; i++)
		if (i != SERVICE_KEEPER && h->running[i].pid != 0)
			n++;
	for (unsigned i = 0; i < h->nretired; i++)
		if (h->retired[i].alive &&
		    h->retired[i].service != SERVICE_KEEPER)
			n++;
	return n;
}

/* While it has a session left its number is nobody else's. */
static bool
is_given_away(const struct retired *r)
{
	return !r->alive && kill(r->pid, 0) == 0;
}

void
services_end_sessions(const struct house *h)
{
	for (unsigned i = 0; i < h->nretired; i++)
		if (h->retired[i].service == SERVICE_MASTER &&
		    !is_given_away(&h->retired[i]))
			(void)kill(-h->retired[i].pid, SIGKILL);
}
