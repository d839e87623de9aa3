/* SPDX-License-Identifier: ISC */
#ifndef DELIVER_HAND_H
#define DELIVER_HAND_H

#include <stdbool.h>
#include "base/arena.h"
#include "base/fault.h"
#include "mail/outcome.h"
#include "spool/path.h"

/*
 * One local delivery as it is handed to an agent: the packet between a worker
 * (queue runner's user) and the agent (the recipient), and its answer.  The
 * entry's descriptor travels with it.
 */
struct hand {
	char		name[SPOOL_NAME_MAX];	/* of the entry */
	uint32_t	index;			/* of the recipient in it */
	bool		again;		/* it may have been delivered before:
					 * an attempt was cut short */
	struct str	sender;		/* address text, "" for <> */
	struct str	recipient;	/* after expansion: Delivered-To */
	struct str	original;	/* as given at RCPT */
	struct str	user;		/* local part without extension */
	struct str	extension;	/* without the delimiter */
};

int	hand_send(int sock, const struct hand *, int entry, struct fault *);
/* 1 with *entry to be closed by the caller, 0 at the end, -1 malformed. */
int	hand_receive(int sock, struct arena *, struct hand *, int *entry);

/* The agent's answer: kind, reply, status and text of the outcome. */
int	hand_answer(int sock, const struct outcome *);
/* Waits at most timeout seconds; no answer is a temporary fault. */
int	hand_wait(int sock, struct arena *, struct outcome *, int timeout,
	    struct fault *);

#endif
