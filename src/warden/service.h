/* SPDX-License-Identifier: ISC */
#ifndef WARDEN_SERVICE_H
#define WARDEN_SERVICE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "conf/conf.h"
#include "master/cage.h"
#include "master/listen.h"
#include "master/roster.h"
#include "policy/lists.h"
#include "warden/agents.h"
#include "warden/keeper.h"
#include "warden/proof.h"

/* What the warden keeps for its whole life, and whom it keeps alive with it. */
enum service {
	SERVICE_KEEPER,			/* before its master; if there is TLS */
	SERVICE_MASTER,
	SERVICE_RUNNER,
	SERVICE_RELAY,			/* when names are to be asked for */
	SERVICE_DOORKEEPER,		/* only where users can log in */
	SERVICES,
};

struct running {
	pid_t	pid;			/* 0: not running */
	int64_t	started, start_at;	/* clock_boot_ms */
	int64_t	backoff;
};

/* Of a former generation: it finishes what it has. */
#define RETIRED_MAX	96

struct retired {
	enum service	service;
	pid_t		pid;
	bool		alive;		/* a master's sessions may outlive it */
};

struct house {
	struct conf		*conf;
	struct lists		*lists;		/* that its rules name */
	struct cage		 cage;
	struct trial		 trial;		/* what the spool is like */
	struct listeners	 listeners;
	int			 notify[2];	/* sessions write [0], the
						 * runner reads [1] */
	int			 channel[2];	/* workers write [0], the
						 * warden reads [1] */
	int			 tray[2];	/* the relay fills [0], sessions
						 * take from [1]; or -1 */
	int			 regulars;	/* of master/regulars, */
	int			 failures;	/* and of auth/slow; or -1 */
	struct rosters		 rosters;	/* whose each session is */
	struct running		 running[SERVICES];
	struct keeper_ways	 ways;		/* until the master has them */
	struct retired		 retired[RETIRED_MAX];
	unsigned		 nretired;
	struct agents		 agents;
	int			 oom_score;	/* with which it was started */
};

/* Starts everything for the first time. */
void	services_begin(struct house *);
/* Starts what is not running and whose time has come. */
void	services_start_due(struct house *);
/* Takes note of who has died.  ending: that is as it should be. */
void	services_reap(struct house *, bool ending);
/* A new generation on the same sockets; the old one finishes what it has. */
void	services_renew(struct house *);
/* Of all generations; a master's sessions with it. */
void	services_signal(const struct house *, int sig);
/* One is not running and has to be started.  Keepers do not count below: they
 * end by themselves. */
bool	services_any_due(const struct house *);
unsigned services_alive(const struct house *);
/* Ends the sessions that have outlived their masters. */
void	services_end_sessions(const struct house *);

#endif
