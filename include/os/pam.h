/* SPDX-License-Identifier: ISC */
#ifndef OS_PAM_H
#define OS_PAM_H

#include <stdbool.h>
#include "base/buf.h"
#include "base/fault.h"

/* PAM, where configure has found it. */
bool	pam_is_there(void);

/* All NUL-terminated. */
struct pam_question {
	const char	*service;	/* of /etc/pam.d */
	const char	*user;
	const char	*secret;
	const char	*host;		/* the client's address; may be "" */
};

/*
 * Asks whether this is the user's secret and the account is one that may log
 * in: 1 yes, with the name that PAM has for him appended to user; 0 no, with a
 * permanent fault that says why; -1 with a temporary one.  Takes as long as
 * PAM's modules have to do, which may be less for a user who does not exist; the
 * pause that they want after a failure is not made.
 */
int	pam_ask(const struct pam_question *, struct buf *user, struct fault *);

#endif
