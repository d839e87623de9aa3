/* SPDX-License-Identifier: ISC */
#ifndef MAIL_DATE_H
#define MAIL_DATE_H

#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"

/* "Sun, 22 Nov 2026 06:22:26 +0000 (UTC)" without the comment: RFC 5322 3.3
 * date-time in the local zone. */
void	date_put(struct buf *, int64_t wall);
/* "Nov 22 06:22:26" and "Sun Nov 22 06:22:26" for logs and mailq. */
void	date_put_short(struct buf *, int64_t wall);
void	date_put_mailq(struct buf *, int64_t wall);
/* "Sun Nov 22 06:22:26 2026", as a mailbox has it. */
void	date_put_mbox(struct buf *, int64_t wall);
/* "2026-11-22T06:22:26Z" (RFC 3339 5.6), and back: UTC only, seconds without a
 * fraction.  False: no such moment in the years 1970 to 9999. */
void	date_put_utc(struct buf *, int64_t wall);
bool	date_parse_utc(struct str, int64_t *wall);

#endif
