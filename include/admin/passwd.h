/* SPDX-License-Identifier: ISC */
#ifndef ADMIN_PASSWD_H
#define ADMIN_PASSWD_H

#include <stdbool.h>
#include "base/buf.h"
#include "base/fault.h"
#include "conf/conf.h"

/* The file of passwords that `login file` names, for its administrator.  All
 * but the list change it as a whole: another process sees the old one or the
 * new one. */

/* From the terminal, twice and unseen; or one line of standard input. */
int	passwd_ask(bool from_stdin, struct buf *secret, struct fault *);
/* Makes the user, or gives him another password. */
int	passwd_set(const struct conf *, struct str name, struct str secret,
	    struct fault *);
int	passwd_delete(const struct conf *, struct str name, struct fault *);
/* "NAME KIND", a line each. */
int	passwd_list(const struct conf *, struct buf *, struct fault *);
/* What is wrong with the file, a line each, as client_check() has them. */
void	passwd_check(const struct conf *, struct buf *);

#endif
