/* SPDX-License-Identifier: ISC */
#ifndef INTAKE_PURSE_H
#define INTAKE_PURSE_H

#include "visit/session.h"

/*
 * What those who have logged in may send (login-messages-per-hour and the
 * others).  Nobody else has a budget.
 */

/*
 * Asks the doorkeeper whether the message of the transaction is within it; to
 * be asked once, before the entry is begun.  Beyond it, the transaction has the
 * reason for which it is to be held.  Fault: 452 4.7.1, so much is held already
 * that it has to wait; 451 4.3.0, nobody answers.
 */
int	purse_ask(struct session *, struct fault *);
/* It was taken: tells the postmaster if he is to be told.  A transaction that ends
 * without leaves that to another one (transaction_settle()). */
void	purse_tell(struct session *);

#endif
