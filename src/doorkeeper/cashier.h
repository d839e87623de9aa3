/* SPDX-License-Identifier: ISC */
#ifndef DOORKEEPER_CASHIER_H
#define DOORKEEPER_CASHIER_H

#include "auth/spending.h"
#include "priv/door.h"

/* Answers a SPEND on that socket, at once; what is none is not answered.  now:
 * clock_boot_ms().  believed: the session may tell who has logged in, where he
 * did not do so here. */
void	cashier_answer(struct spending *, const struct conf_allowance *,
	    int sock, const struct door_packet *, bool believed, int64_t now);
/* Notes a REPORTED. */
void	cashier_hear(struct spending *, const struct door_packet *,
	    bool believed, int64_t now);

#endif
