/* SPDX-License-Identifier: ISC */
/*
 * The table of backends: what "login file", "login pam" and "login dovecot"
 * stand for.  A new one is a file with its ops and a row here.
 *
 * The doorkeeper opens one before it gives up what opening needs (libraries,
 * the identity of the machine); everything after is by way of the ops, by a
 * child for each attempt.
 */
#include "auth/backend.h"

#include <string.h>

#include "auth/dovecot.h"
#include "auth/passwords.h"
#include "auth/system.h"

static const struct backend_ops *const table[] = {
	[LOGIN_NONE] = NULL,
	[LOGIN_FILE] = &passwords_backend,
	[LOGIN_PAM] = &system_backend,
	[LOGIN_DOVECOT] = &dovecot_backend,
};

int
backend_open(struct backend *b, const struct conf *conf, struct fault *why)
{
	memset(b, 0, sizeof(*b));
	b->ops = table[conf->login.by];
	b->place = conf->login.place;
	b->prover = -1;
	if (b->ops == NULL)
		return fault_permanent(why, 554, 3, 5,
		    "no login is configured");
	return b->ops->open(b, why);
}
