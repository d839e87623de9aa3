/* SPDX-License-Identifier: ISC */
#ifndef STOCK_INDEX_H
#define STOCK_INDEX_H

#include "base/fault.h"
#include "spool/path.h"
#include "stock/dormant.h"

/*
 * spool/index/XX: of the entries in q/XX, which of them need not be opened
 * before what time.  Nothing is lost with it but time.
 */

/* Writes what is known of one directory.  -1: what was there may be torn, and
 * will not be believed. */
int	index_save(const struct spool *, const struct dormant *,
	    unsigned shard, struct fault *);
/*
 * Enters what was written of one directory and is not due yet.  most: no time
 * is believed that is more seconds away.  -1: it is damaged (nothing was
 * entered); a missing one is empty.
 */
int	index_load(const struct spool *, struct dormant *, unsigned shard,
	    int64_t most, struct fault *);
/* What was written of one directory may be too late a time for some of it. */
void	index_drop(const struct spool *, unsigned shard);
void	index_drop_all(const struct spool *);

#endif
