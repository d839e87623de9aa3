/* SPDX-License-Identifier: ISC */
#ifndef POLICY_GREYLIST_H
#define POLICY_GREYLIST_H

#include <stdbool.h>
#include <stdint.h>
#include "base/ip.h"
#include "mail/address.h"
#include "spool/grey.h"

/*
 * Greylisting (RFC 6647): mail of a network, a sender and a recipient that
 * were never seen together is put off; who tries again is let in.  Times are
 * wall seconds; a delay is that of the setting.
 */
#define GREYLIST_PASSES		5		/* then the network is known */

void	greylist_tags(const struct grey *, const struct ip *client,
	    const struct address *sender, const struct address *recipient,
	    struct grey_tags *);
/* Seconds until it may pass; 0: now.  The slots as they were found. */
uint32_t greylist_judge(const struct grey_slot *triplet,
	    const struct grey_slot *network, uint32_t delay, uint32_t now);
/* The same, looked up; 0 where it cannot be. */
uint32_t greylist_ask(const struct grey *, const struct grey_tags *,
	    uint32_t delay, uint32_t now);
/* An attempt was made: what is remembered of it.  For the one who writes.
 * False: it could not be written, and would be new for ever. */
bool	greylist_note(const struct grey *, const struct grey_tags *,
	    uint32_t delay, uint32_t now);

#endif
