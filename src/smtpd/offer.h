/* SPDX-License-Identifier: ISC */
#ifndef SMTPD_OFFER_H
#define SMTPD_OFFER_H

#include "smtp/ext.h"
#include "visit/session.h"

/*
 * Appends a line of the reply to EHLO ("\nSIZE 1000") for each extension that
 * holds in this session as it is now, and returns their bits.  Only those may
 * be used afterwards.
 */
unsigned offer_put(struct buf *, const struct session *);
/* Does the setting switch it off? */
bool	offer_is_off(const struct conf *, enum ext);

#endif
