/* SPDX-License-Identifier: ISC */
#ifndef SMTP_VALUE_H
#define SMTP_VALUE_H

#include "base/arena.h"
#include "mail/envelope.h"

/*
 * The values of parameters, one function for each grammar.  False: malformed,
 * and *out is as it was.  Strings into the arena.
 */
bool	value_body(struct str, enum envelope_body *out);
/* RFC 3461 4.1 to 4.4 */
bool	value_notify(struct str, unsigned *out);
bool	value_orcpt(struct arena *, struct str, bool utf8, struct str *out);
bool	value_ret(struct str, enum envelope_ret *out);
bool	value_envid(struct arena *, struct str, struct str *out);

/* RFC 2852 4 */
struct value_by {
	int64_t			seconds;	/* from now; may be negative */
	enum envelope_by	mode;
	bool			trace;
};
bool	value_by(struct str, struct value_by *out);
/* RFC 4865 3: at most 9 digits of seconds; a date and time of UTC. */
bool	value_hold_for(struct str, uint64_t *seconds);
bool	value_hold_until(struct str, int64_t *wall);
/* RFC 6710 7 */
bool	value_priority(struct str, int *out);
/* RFC 4954 5: "<>" or a mailbox in xtext. */
bool	value_auth(struct arena *, struct str, bool utf8, struct str *out);

#endif
