/* SPDX-License-Identifier: ISC */
#ifndef MASTER_LOBBY_H
#define MASTER_LOBBY_H

#include <stdbool.h>
#include <stdint.h>
#include "master/budget.h"
#include "visit/peer.h"

/*
 * Where strangers wait to be greeted.  A client has to be silent until it is
 * (RFC 5321 3.1); who cannot wait is not told apart by a process of his own.
 */
#define LOBBY_MAX	2000		/* SECURITY 4.6 */

struct lobby;

struct lobby_guest {
	int			fd;
	struct smtpd_peer	peer;
	struct budget_seat	seat;
	int64_t			since;	/* clock_boot_ms */
};

enum lobby_news {
	LOBBY_NONE,
	LOBBY_WAITED,		/* it is to be greeted */
	LOBBY_SPOKE,		/* before it was */
	LOBBY_LEFT,
};

/* A wait of so many ms.  All memory is taken here, where no child has it. */
struct lobby *lobby_new(int64_t wait);
void	lobby_free(struct lobby *);
/* False: there is no room; the guest is still the caller's. */
bool	lobby_add(struct lobby *, const struct lobby_guest *);
size_t	lobby_count(const struct lobby *);
/* To be polled for reading. */
int	lobby_fd(const struct lobby *);
/* ms until the first has waited long enough, 0 if it has; -1: it is empty. */
int	lobby_due(const struct lobby *, int64_t now);
/* The next guest about whom there is news; it is the caller's again.  said:
 * how many bytes are there, of one who spoke. */
enum lobby_news lobby_next(struct lobby *, int64_t now, struct lobby_guest *,
	    int *said);
/* In a child: closes all that lies in it, and so must not be its own. */
void	lobby_leave(struct lobby *);

#endif
