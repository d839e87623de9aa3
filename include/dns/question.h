/* SPDX-License-Identifier: ISC */
#ifndef DNS_QUESTION_H
#define DNS_QUESTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/ip.h"
#include "dns/rr.h"

/*
 * The asking half of a DNS message (RFC 1035 4.1.1, 4.1.2), and how to tell
 * the answer to it from anything else.
 */
#define QUESTION_SIZE	288		/* header, name, type and class, OPT */
#define QUESTION_UDP	1232		/* what we take; RFC 6891 6.2.5 */

/* Writes one question, recursion desired; with edns an OPT record says how
 * long the answer may be (RFC 6891 6.1.2).  The name is text without a final
 * dot.  Returns its length; 0: that is no name. */
size_t	question_put(uint8_t out[QUESTION_SIZE], uint16_t id, struct str name,
	    enum rr_type, bool edns);
/* Does the packet answer the question of n bytes that question_put() wrote:
 * a response with its ID and, in any case of letters, its question?  A server
 * that could not read the question (FORMERR) may leave it out. */
bool	question_has_answer(const uint8_t *question, size_t n,
	    const uint8_t *packet, size_t size);
/* The address as labels, last part first: "1.2.0.192", or 32 nibbles
 * (RFC 1035 3.5, RFC 3596 2.5, RFC 5782 2.1, 2.4). */
void	question_put_reverse(struct buf *, const struct ip *);

#endif
