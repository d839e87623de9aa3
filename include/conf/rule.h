/* SPDX-License-Identifier: ISC */
#ifndef CONF_RULE_H
#define CONF_RULE_H

#include <stdbool.h>
#include <stdint.h>
#include "base/ip.h"
#include "base/str.h"
#include "base/vec.h"
#include "mail/status.h"

/*
 * A rule as it is written: what is to be done, when, and what must be true for
 * it.  conf/clause reads them, policy/rule asks them.
 */
enum rule_action {
	RULE_ACCEPT,		/* none of the rules below is asked */
	RULE_REJECT,		/* 5yz */
	RULE_DEFER,		/* 4yz */
	RULE_HOLD,		/* taken, and set aside */
	RULE_DISCARD,		/* 250, and thrown away */
	RULE_HEADER,		/* a field is added; the search goes on */
};

/* When something is said.  The order is that of a session. */
enum rule_stage {
	STAGE_CONNECT,
	STAGE_HELLO,
	STAGE_MAIL,
	STAGE_RCPT,
	STAGE_END,		/* the content has come */
};

enum rule_fact {
	FACT_CLIENT,		/* its address */
	FACT_NAME,		/* its name in the DNS */
	FACT_LOCAL,		/* is it on the local socket? */
	FACT_ON,		/* which service, or listener of it */
	FACT_SECURE,		/* is it TLS? */
	FACT_HELO,
	FACT_LOGIN,
	FACT_FROM,
	FACT_SIZE,
	FACT_TO,
	FACT_RECIPIENTS,	/* how many, with this one */
};

enum rule_value_kind {
	VALUE_NETWORK,
	VALUE_PATTERN,		/* lower case; * is any run of characters */
	VALUE_FILE,		/* text is a path */
	VALUE_DB,
	VALUE_DNSBL,		/* text is its zone */
	VALUE_HELO,		/* enum rule_helo */
	VALUE_NUMBER,		/* enum conf_service */
	VALUE_PLACE,		/* address and port of a listener */
	VALUE_LISTENER,		/* text is its name */
	VALUE_OVER,
	VALUE_UNDER,
};

/* What a greeting can be, beside a text (policy/helo). */
enum rule_helo {
	HELO_CONFIRMED,		/* the DNS has the client's address for it */
	HELO_FORGED,		/* our own */
	HELO_MALFORMED,
	HELO_UNKNOWN,		/* to the DNS */
};

struct rule_value {
	enum rule_value_kind kind;
	struct str	text;		/* PATTERN, FILE, DB, DNSBL, LISTENER */
	struct ipnet	net;		/* NETWORK; PLACE: net.ip, of family 0
					 * when any */
	uint64_t	number;		/* NUMBER, HELO, OVER, UNDER; PLACE: a
					 * port, 0 when any; of a FILE or DB
					 * its place in policy/lists */
};

/* True when one of the values holds; LOCAL and SECURE have none. */
struct rule_term {
	bool		negated;
	enum rule_fact	fact;
	VEC(struct rule_value) values;
};

struct rule {
	enum rule_action action;
	enum rule_stage	stage;		/* RCPT unless it is said */
	unsigned	line;
	VEC(struct rule_term) terms;	/* all must hold; none: it does */
	int		code;		/* of "with", or of the action */
	struct status	status;
	struct str	text;		/* of "with"; n == 0: none.  HEADER:
					 * "Name: value" */
};

struct rules {
	struct rule	*p;		/* in the order of the file */
	size_t		 n, cap;
	unsigned	 stages;	/* 1 << STAGE_..., of those at which
					 * some rule is to be asked */
	bool		 may_hold;	/* some rule holds messages */
	size_t		 lists;		/* values that are a FILE or DB */
};

#define RULE_LISTS_MAX	64

/* The stage from which on a fact is known; a size as it was declared, which is
 * only that it is over something. */
enum rule_stage rule_fact_stage(enum rule_fact);
/* "reject", "rcpt", "client": as they are written. */
const char *rule_action_word(enum rule_action);
const char *rule_stage_word(enum rule_stage);
const char *rule_fact_word(enum rule_fact);
/* "confirmed", by enum rule_helo; NULL behind the last. */
const char *const *rule_helo_words(void);
/* Is it a word of this language, and so no value? */
bool	rule_is_reserved(struct str word);
/* Does it speak of the size?  Then it is asked again when that is known. */
bool	rule_has_size(const struct rule *);
/* Does this text (lower case) fit the pattern? */
bool	rule_fits(struct str pattern, struct str text);

#endif
