/* SPDX-License-Identifier: ISC */
#ifndef ADMIN_CHECK_H
#define ADMIN_CHECK_H

#include "base/buf.h"
#include "conf/conf.h"

/*
 * What an administrator should know about a configuration that is right in
 * itself: a name that other hosts will not like, aliases that are not compiled,
 * users that do not exist, ports that this user may not bind.  Appends a line
 * for each to out, without a prefix, and returns how many.  Looks at the
 * system; asks nothing of the network and changes nothing.
 */
size_t	client_check(const struct conf *, struct buf *out);
/* What the daemon will say of its spool when it starts, in a line; nothing
 * when that cannot be seen. */
void	client_check_spool(const struct conf *, struct buf *out);

#endif
