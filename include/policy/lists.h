/* SPDX-License-Identifier: ISC */
#ifndef POLICY_LISTS_H
#define POLICY_LISTS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/fault.h"
#include "base/ip.h"
#include "conf/conf.h"

/* The files and databases that a configuration names: those of its rules, and
 * that of `login senders'. */
struct lists;

/*
 * Reads the files; NULL with all that is wrong with them appended to errors, a
 * line each.  Databases are opened when they are first needed.  conf must
 * outlive it.  Never NULL when there are no lists.
 */
struct lists *lists_open(const struct conf *, struct buf *errors);
void	lists_free(struct lists *);		/* NULL is harmless */
/* Opens the databases now, so that children inherit them open; what fails is
 * told when it is asked. */
void	lists_warm(struct lists *);
/* The next question looks whether a database has changed. */
void	lists_doubt(struct lists *);

/* What is looked for: an address of a client, a name, an address of mail, a
 * login; and a login with what is behind it. */
enum lists_kind {
	LISTS_IP,
	LISTS_NAME,
	LISTS_ADDRESS,
	LISTS_USER,
	LISTS_LOGIN,
};

struct lists_subject {
	enum lists_kind	kind;
	struct ip	ip;
	struct str	text;		/* folded: mail/fold */
	struct str	spelt;		/* of a login, as its user has it */
};

/* Where something was found. */
struct lists_hit {
	struct str	key;		/* in the arena */
	unsigned	line;		/* of the file; 0: of a database */
};

/*
 * Is it in the list of this value?  1 and where it was found, 0, or -1 with a
 * temporary fault when the list cannot be asked.  Asked for is the whole; of an
 * address, and of a login that is one, then "@DOMAIN" and "DOMAIN"; of a name or
 * a domain then "*.PARENT" for each parent; of a client's address in a database
 * then its networks of 24, 16 and 8 bits, 64, 56, 48 and 32 for IPv6.  A login is
 * looked for in a database as its user spells it before all, since others make
 * these.
 */
int	lists_find(struct lists *, const struct rule_value *,
	    const struct lists_subject *, struct arena *, struct lists_hit *,
	    struct fault *);
/*
 * What the list of this value has for a login: 1 and the value (in the arena)
 * with where it was found, 0, or -1 as above.
 */
int	lists_get(struct lists *, const struct rule_value *, struct str login,
	    struct arena *, struct str *value, struct lists_hit *,
	    struct fault *);
/* How the text of a fact is kept there. */
enum lists_kind lists_kind_of(enum rule_fact);

#endif
