/* SPDX-License-Identifier: ISC */
/*
 * The warden: root, small, and deaf to the network.
 *
 * It reads its configuration, binds the sockets, forks the master (as `user`)
 * and the queue runner (as `queue-user`) and starts them again when they die.
 * Of what comes from outside it sees one thing: the name of a user for whom
 * there is mail, in the fixed-size packet of priv/request.h; and even that is
 * looked up only by a child, which then becomes that user for good.
 *
 *	SIGHUP		read the configuration again: if it is good, a new
 *			master and runner start on the same open sockets and the
 *			old ones finish what they have; if not, nothing changes
 *	certificates	(looked at each minute) have changed: the same, with the
 *			configuration as it is
 *	SIGTERM		drain: master and runner finish, then it ends
 *	child died	start it again, at once, then ever more slowly
 *
 * It alone is protected from the kernel's search for memory, because all others
 * end with it.  A fork inherits the protection, so whoever is forked gives it
 * back before doing anything: nothing that grows with what others send has it.
 * The master is more likely to be chosen than the rest, for its sessions have
 * its score (they could not change it): a 421 costs nobody a message.
 *
 * Started by an ordinary user it does the same, and everybody stays who he is.
 */

#include "warden/warden.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/die.h"
#include "deliver/agent.h"
#include "os/clock.h"
#include "os/dir.h"
#include "os/log.h"
#include "os/proc.h"
#include "os/signal.h"
#include "os/sock.h"
#include "priv/request.h"
#include "spool/path.h"
#include "warden/service.h"

enum {
	KEYS_LOOK_MS = 60 * 1000,	/* between looks at certificates */
	AGENTS_SPARE = 32,		/* beside one for each worker: those
					 * that are about to end, or hang */
	END_MS = 45 * 1000,		/* the master takes 30 of them */
	LISTEN_TRIES = 20,
	LISTEN_PAUSE_MS = 100,
	OOM_SCORE = -500,
	NOTES_ROOM = 2 * 1024 * 1024,	/* some thousand: a runner that starts
					 * workers reads none meanwhile */
};

struct warden {
	const struct warden_setup	*setup;
	struct house			 house;
	int64_t				 ending;	/* since; 0: no */
	struct keys_stamp		 keys;
	int64_t				 keys_at;	/* clock_boot_ms */
};

/* --------------------------------------------------- what it is asked --- */

static void
be_agent(struct warden *w, const struct request *request, int answer)
{
	struct arena arena = { 0 };
	struct user user;
	struct fault why;
	int keep[] = { answer, log_fd() };

	signal_reset();
	proc_set_oom_score(w->house.oom_score);
	proc_close_all_but(keep, 2);
	log_role("agent");
	proc_title("godwitd: agent %s", request->user);
	if (cage_become_recipient(&w->house.cage, w->house.conf, &arena,
	    request->user, &user, &why) < 0)
		die("deliver as %s: %s", request->user, why.text);
	agent_serve(answer, w->house.conf, &user);
	_exit(0);
}

/* What an agent lacks; NULL: nothing.  Some may have ended while there was
 * always another request. */
static const char *
agent_lacks(struct warden *w)
{
	uint64_t most = w->house.conf->workers + AGENTS_SPARE;

	if (w->house.agents.n >= most)
		services_reap(&w->house, w->ending != 0);
	if (w->house.agents.n >= most)
		return "too many agents";
	return agents_have_room(&w->house.agents) ? NULL :
	    "no memory for an agent";
}

static void
hear_request(struct warden *w)
{
	struct request request;
	const char *lack;
	int answer;
	pid_t pid;

	switch (request_receive(w->house.channel[1], &request, &answer)) {
	case 1:
		if ((lack = agent_lacks(w)) != NULL) {
			log_warning("%s; %s has to wait", lack, request.user);
			close(answer);
			break;
		}
		pid = fork();
		if (pid == 0)
			be_agent(w, &request, answer);
		if (pid < 0)
			log_warning("fork agent: %s", strerror(errno));
		else
			agents_add(&w->house.agents, pid);
		close(answer);
		break;
	case -1:
		log_warning("a request that is none was dropped");
		break;
	default:
		break;
	}
}

/* ----------------------------------------------------------- signals ---- */

static bool
read_again(struct warden *w, struct conf **out, struct lists **lists)
{
	struct buf text = { 0 };
	struct conf *conf;
	bool ok = true;

	*lists = NULL;
	conf = conf_load(w->setup->path, w->setup->may_be_missing, &text);
	if (conf == NULL || (*lists = lists_open(conf, &text)) == NULL) {
		struct str rest = buf_str(&text), line;

		while (str_cut(&rest, '\n', &line))
			log_error("reload: %.*s", STR_ARG(line));
		conf_free(conf);
		ok = false;
	} else if (!conf_may_reload(w->house.conf, conf, &text)) {
		log_error("reload: changed settings that need a restart: %s",
		    buf_cstr(&text));
		lists_free(*lists);
		conf_free(conf);
		ok = false;
	}
	buf_free(&text);
	*out = conf;
	return ok;
}

static void
look_at_keys(struct warden *w)
{
	w->keys = keys_look(w->house.conf);
	w->keys_at = clock_boot_ms();
}

/* Takes the conf away when it is no good. */
static bool
prove_keys(struct warden *w, struct conf *conf, struct lists *lists)
{
	struct fault why;

	if (proof_keys(conf, &w->house.cage, w->house.oom_score, &why) == 0)
		return true;
	log_error("reload: %s", why.text);
	lists_free(lists);
	conf_free(conf);
	return false;
}

static void
reload(struct warden *w)
{
	bool possible = conf_has_memory();
	struct lists *lists;
	struct conf *conf;

	if (!possible)
		log_error("reload: out of memory");
	if (!possible || !read_again(w, &conf, &lists) ||
	    !prove_keys(w, conf, lists)) {
		log_error("reload: the configuration stays as it was");
		return;
	}
	lists_free(w->house.lists);
	conf_free(w->house.conf);
	w->house.conf = conf;
	w->house.lists = lists;
	look_at_keys(w);
	services_renew(&w->house);
	log_info("reload: done");
}

/* Certificates are renewed by others, who seldom say so. */
static void
watch_keys(struct warden *w)
{
	struct keys_stamp before = w->keys;
	struct fault why;

	if (w->house.conf->tls.certificates.n == 0 ||
	    clock_boot_ms() - w->keys_at < KEYS_LOOK_MS)
		return;
	look_at_keys(w);
	if (w->keys.sum == before.sum)
		return;
	if (proof_keys(w->house.conf, &w->house.cage, w->house.oom_score,
	    &why) < 0) {
		log_error("certificates have changed, and the old ones stay "
		    "in use: %s", why.text);
		return;
	}
	services_renew(&w->house);
	log_info("certificates have changed: reload done");
}

static void
end(struct warden *w)
{
	if (w->ending != 0)
		return;
	w->ending = clock_boot_ms();
	log_info("ending: waiting for sessions and deliveries");
	/* Who calls from now on is refused, and is not left waiting. */
	listen_close(&w->house.listeners);
	services_signal(&w->house, SIGTERM);
}

static void
obey_signals(struct warden *w)
{
	if (signal_take(SIGCHLD))
		services_reap(&w->house, w->ending != 0);
	if (signal_take(SIGHUP) && w->ending == 0)
		reload(w);
	if (signal_take(SIGTERM) || signal_take(SIGINT))
		end(w);
}

static bool
is_over(struct warden *w)
{
	if (w->ending == 0)
		return false;
	if (services_alive(&w->house) == 0)
		return true;
	if (clock_boot_ms() - w->ending < END_MS)
		return false;
	services_signal(&w->house, SIGKILL);
	return true;
}

static void
wait_and_hear(struct warden *w)
{
	struct pollfd p = { .fd = w->house.channel[1], .events = POLLIN };
	struct timespec t = { 0, 250 * 1000000 };
	struct timespec look = { KEYS_LOOK_MS / 1000, 0 };
	bool busy = w->ending != 0 || services_any_due(&w->house);
	bool watches = w->house.conf->tls.certificates.n > 0;
	int n = ppoll(&p, 1, busy ? &t : watches ? &look : NULL,
	    signal_wait_mask());

	signal_waited(n);
	if (n > 0)
		hear_request(w);
}

/* ------------------------------------------------------------- start ---- */

/* What a warden that was killed had started ends with it, but not at once:
 * for a moment it still holds the sockets. */
static int
listen_patiently(struct warden *w, struct fault *why)
{
	for (int i = 0; i < LISTEN_TRIES; i++) {
		if (listen_open(&w->house.listeners, w->house.conf, why) == 0)
			return !w->house.cage.privileged ? 0 :
			    listen_give_door(w->house.conf,
			    w->house.cage.master.uid, why);
		(void)poll(NULL, 0, LISTEN_PAUSE_MS);
	}
	return -1;
}

static int
prepare(struct warden *w, struct fault *why)
{
	struct spool_owner owner;
	struct arena a = { 0 };
	int r;

	if (cage_find(&w->house.cage, w->house.conf, why) < 0)
		return -1;
	owner = (struct spool_owner){ w->house.cage.runner_uid,
	    w->house.cage.runner_gid, w->house.cage.drop_gid };
	if (proof_look(w->house.conf, &w->house.trial, why) < 0 ||
	    spool_make(w->house.conf->spool.p,
	    w->house.cage.privileged ? &owner : NULL, why) < 0 ||
	    proof_take(w->house.conf, &w->house.cage, &w->house.trial,
	    why) < 0 ||
	    proof_keys(w->house.conf, &w->house.cage, proc_oom_score(),
	    why) < 0 ||
	    dir_make(AT_FDCWD, w->house.conf->run.p, 0755, geteuid(), getegid(),
	    why) < 0 ||
	    sock_pair(SOCK_SEQPACKET, w->house.notify, why) < 0 ||
	    sock_pair(SOCK_SEQPACKET, w->house.channel, why) < 0 ||
	    rosters_make(&w->house.rosters, why) < 0)
		return -1;
	sock_force_room(w->house.notify[0], NOTES_ROOM);
	r = proc_pidfile(conf_run_path(w->house.conf, &a, "godwit.pid").p, why);
	arena_free(&a);
	if (r < 0)
		return -1;
	look_at_keys(w);
	return listen_patiently(w, why);
}

static void
say_last_words(const char *text)
{
	log_error("%s", text);
}

static void
be_daemon(struct house *h)
{
	h->oom_score = proc_oom_score();
	if (h->oom_score > OOM_SCORE)
		proc_set_oom_score(OOM_SCORE);
	signal_ignore(SIGPIPE);
	signal_catch(SIGCHLD);
	signal_catch(SIGHUP);
	signal_catch(SIGTERM);
	signal_catch(SIGINT);
	signal_block_caught();
	die_set_report(say_last_words);
	log_role("warden");
	proc_title("godwitd: warden");
}

static void
free_house(struct house *h)
{
	agents_free(&h->agents);
	arena_free(&h->cage.arena);
	lists_free(h->lists);
	conf_free(h->conf);
}

int
warden_run(const struct warden_setup *setup)
{
	struct warden w = { .setup = setup, .house = {
	    .conf = setup->conf, .lists = setup->lists,
	    .ways = KEEPER_NOWHERE, .rosters = ROSTERS_NONE } };
	struct fault why;

	if (log_open(w.house.conf->log.p) < 0) {
		fprintf(stderr, "godwitd: log %s: %s\n", w.house.conf->log.p,
		    strerror(errno));
		free_house(&w.house);
		return EX_CANTCREAT;
	}
	if ((!setup->foreground && proc_detach(&why) < 0) ||
	    prepare(&w, &why) < 0) {
		fprintf(stderr, "godwitd: %s\n", why.text);
		log_error("cannot start: %s", why.text);
		free_house(&w.house);
		return EX_OSERR;
	}
	be_daemon(&w.house);
	/* The first line reads the time zone, once for all who are forked. */
	proof_say(w.house.conf, &w.house.trial);
	log_info("godwit %s starts as %s", CONFIG_VERSION,
	    w.house.cage.privileged ? "root, with separate users" :
	    "an ordinary user");
	services_begin(&w.house);
	if (setup->foreground)
		proc_notify_ready();
	else
		proc_detach_ready();
	proc_settle();
	while (!is_over(&w)) {
		obey_signals(&w);
		if (w.ending == 0) {
			watch_keys(&w);
			services_start_due(&w.house);
		}
		wait_and_hear(&w);
	}
	services_end_sessions(&w.house);
	log_info("ended");
	listen_close(&w.house.listeners);
	free_house(&w.house);
	return EX_OK;
}
