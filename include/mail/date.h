/* SPDX-License-Identifier: ISC */
#ifndef MAIL_DATE_H
#define MAIL_DATE_H

#include <stdint.h>
#include "base/buf.h"

/* "Sun, 22 Nov 2026 06:22:26 +0000 (UTC)" without the comment: RFC 5322 3.3
 * date-time in the local zone. */
void	date_put(struct buf *, int64_t wall);
/* "Nov 22 06:22:26" and "Sun Nov 22 06:22:26" for logs and mailq. */
void	date_put_short(struct buf *, int64_t wall);
void	date_put_mailq(struct buf *, int64_t wall);

#endif
