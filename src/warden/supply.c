/* SPDX-License-Identifier: ISC */
/*
 * What the services are supplied with so that sessions can ask about strangers:
 * made by the warden before it forks, or by a service before it gives up its
 * rights.
 *
 * Each generation has a tray of its own, so that the old relay can end with the
 * last session that uses it, and a new one reads resolv.conf again.  The file
 * of the greylist is made by one, for all who open it.  None of this is needed
 * to take mail: what cannot be had is logged, and done without.  The services
 * that answer sessions, relay of names and doorkeeper, become themselves here.
 */
#include "warden/supply.h"

#include <sys/socket.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/die.h"
#include "base/text.h"
#include "dns/servers.h"
#include "doorkeeper/doorkeeper.h"
#include "doorkeeper/prover.h"
#include "master/lobby.h"
#include "master/names.h"
#include "os/call.h"
#include "os/dir.h"
#include "os/log.h"
#include "os/proc.h"

enum {
	LINES_SPARE = 128,		/* more than there may be sessions */
	FILES_SPARE = 32,		/* beside two for each line */
	DOORKEEPER_FILES = 2048,
};

static void
renew_tray(const struct conf *conf, int tray[2])
{
	struct fault why;

	for (int i = 0; i < 2; i++) {
		if (tray[i] != -1)
			close(tray[i]);
		tray[i] = -1;
	}
	if (conf_asks_names(conf) &&
	    sock_pair(SOCK_SEQPACKET, tray, &why) < 0)
		log_error("names: %s; clients have none", why.text);
}

void
supply_renew(const struct conf *conf, const struct cage *c, int tray[2])
{
	struct fault why;
	bool anew;

	renew_tray(conf, tray);
	if (conf->guest.greylist == 0)
		return;
	if (grey_make(conf->spool.p, c->privileged ? c->runner_uid :
	    (uid_t)-1, c->runner_gid, &anew, &why) < 0)
		log_error("greylist: %s", why.text);
	else if (anew)
		log_warning("greylist: %s/%s was damaged or of another version; "
		    "it begins anew", conf->spool.p, GREY_FILE);
}

void
supply_open_grey(const struct conf *conf, struct grey *grey, bool writable)
{
	struct fault why;

	grey->fd = -1;
	if (conf->guest.greylist > 0 &&
	    grey_open(grey, conf->spool.p, writable, &why) < 0)
		log_error("greylist: %s; nobody has to wait", why.text);
}

int
supply_descriptors(const struct conf *conf)
{
	return conf->guest.wait > 0 ? LOBBY_MAX : 0;
}

void
supply_be_relay(const struct conf *conf, const struct cage *c,
    const int tray[2])
{
	struct sock_addr server[SERVERS_MAX];
	struct names_setup setup = {
		.tray = tray[0],
		.taken = tray[1],
		.server = server,
		.n = servers_load(server),
		.lines = conf->budget.most + LINES_SPARE,
	};
	struct proc_limits limits = {
		.files = (int)(2 * setup.lines) + FILES_SPARE,
	};
	struct fault why;
	int keep[] = { tray[0], tray[1], log_fd() };

	proc_close_all_but(keep, sizeof(keep) / sizeof(keep[0]));
	proc_limit(&limits);
	if (cage_become_master(c, &why) < 0 || cage_lock_relay(&why) < 0)
		die("%s", why.text);
	names_run(&setup);
	_exit(0);
}

void
supply_open_desk(const struct conf *conf, const struct cage *c, int desk[2])
{
	uid_t asker = c->privileged ? c->master.uid : geteuid();
	struct arena a = { 0 };
	struct fault why;
	bool any = conf->login.by != LOGIN_NONE ||
	    conf->session.xclient.nets.n > 0;
	char name[32];

	desk[0] = desk[1] = -1;
	for (size_t i = 0; i < conf->listens.n; i++)
		any |= conf->listens.p[i].proxies.nets.n > 0;
	/* A name of its own, since another one may begin at the same time; and
	 * somebody may have cleared /run. */
	text_print(name, sizeof(name), "usher-%d", (int)getpid());
	if (any && (dir_make(AT_FDCWD, conf->run.p, 0755, geteuid(),
	    getegid(), &why) < 0 || call_open(conf_run_path(conf, &a,
	    name).p, asker, desk, &why) < 0))
		die("%s", why.text);
	arena_free(&a);
}

/* It looks at passwords, and at nothing else that is ours. */
void
supply_be_doorkeeper(const struct conf *conf, const struct cage *c,
    struct rosters *rosters, void *failures, int listener)
{
	struct proc_limits limits = { .files = DOORKEEPER_FILES };
	struct arena a = { 0 };
	struct spending *spending;
	struct backend backend;
	struct fault why;
	int keep[ROSTERS + 2] = { listener, log_fd() };
	size_t n = 2;
	int prover = -1;
	pid_t prover_pid = 0;

	for (int i = 0; i < ROSTERS; i++)
		if (rosters->fd[i] != -1)
			keep[n++] = rosters->fd[i];
	proc_close_all_but(keep, n);
	if (conf->login.by == LOGIN_PAM)
		prover_start(conf, c, &prover, &prover_pid);
	rosters_look(rosters);
	proc_limit(&limits);
	/* The book while root may open it. */
	if (spending_open(&spending, conf_run_path(conf, &a, "spending").p,
	    &why) < 0 ||
	    cage_become_doorkeeper(c, conf, &why) < 0 ||
	    backend_open(&backend, conf, &why) < 0 ||
	    cage_lock_doorkeeper(conf, &why) < 0)
		die("login: %s", why.text);
	backend.prover = prover;
	backend.prover_pid = prover_pid;
	doorkeeper_run(conf, &backend, spending, rosters, failures, listener);
	_exit(0);
}
