/* SPDX-License-Identifier: ISC */
#ifndef MAIL_STATUS_H
#define MAIL_STATUS_H

#include <stdbool.h>
#include "base/buf.h"
#include "base/fault.h"
#include "base/str.h"

/* Enhanced mail system status codes (RFC 3463). */
struct status {
	int	class;		/* 2, 4, 5; 0: none */
	int	subject;
	int	detail;
};

#define STATUS_OK		((struct status){ 2, 0, 0 })

/* "5.1.1" at the front of *text, followed by a blank or the end: steps over
 * it and the blanks.  RFC 2034 4. */
bool	status_cut(struct str *text, struct status *);
void	status_put(struct buf *, struct status);
struct status status_of_fault(const struct fault *);
/* The meaning in words, for people: RFC 3463 3. "Bad destination mailbox
 * address"; never NULL. */
const char *status_text(struct status);

#endif
