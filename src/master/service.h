/* SPDX-License-Identifier: ISC */
#ifndef MASTER_SERVICE_H
#define MASTER_SERVICE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "conf/conf.h"
#include "master/cage.h"
#include "master/listen.h"

/* What the warden keeps for its whole life, and whom it keeps alive with it. */
enum service {
	SERVICE_MASTER,
	SERVICE_RUNNER,
	SERVICES,
};

struct running {
	pid_t	pid;			/* 0: not running */
	int64_t	started, start_at;	/* clock_boot_ms */
	int64_t	backoff;
};

struct house {
	struct conf		*conf;
	struct cage		 cage;
	struct listeners	 listeners;
	int			 notify[2];	/* sessions write [0], the
						 * runner reads [1] */
	int			 channel[2];	/* workers write [0], the
						 * warden reads [1] */
	struct running		 running[SERVICES];
	unsigned		 agents;	/* that are alive, about */
};

/* Starts what is not running and whose time has come. */
void	services_start_due(struct house *);
/* Takes note of who has died.  ending: that is as it should be. */
void	services_reap(struct house *, bool ending);
/* A new generation on the same sockets; the old one finishes what it has. */
void	services_renew(struct house *);
void	services_signal(const struct house *, int sig);
unsigned services_alive(const struct house *);

#endif
