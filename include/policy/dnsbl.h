/* SPDX-License-Identifier: ISC */
#ifndef POLICY_DNSBL_H
#define POLICY_DNSBL_H

#include <stdbool.h>
#include "conf/conf.h"
#include "dns/ask.h"

/*
 * DNS lists of addresses (RFC 5782): asked all at once, added up by weight.
 * No opinion can be had of a list that does not answer, and none is taken
 * from one that has lost its mind.
 */
enum dnsbl_code {
	DNSBL_LISTING,		/* an answer that lists may give */
	DNSBL_ERROR,		/* 127.255.255.0/24: we may not ask there */
	DNSBL_NOTHING,		/* 127.0.0.1, which some mean well */
	DNSBL_NONSENSE,		/* outside 127.0.0.0/8: no list at all */
};

enum dnsbl_code dnsbl_judge_code(const struct ip *answer);
/* Is this answer one of those that the row counts? */
bool	dnsbl_row_has(const struct conf_dnslist *, const struct ip *answer);

/* What is known of each list by all sessions: memory that they share. */
struct dnsbl_memory;

struct dnsbl_memory *dnsbl_memory_new(void);	/* before the fork */
void	dnsbl_memory_free(struct dnsbl_memory *);	/* NULL is harmless */

/* What is to be said about a list, once. */
enum dnsbl_trouble {
	DNSBL_FINE,
	DNSBL_REFUSES,		/* it answers with an error code */
	DNSBL_LISTS_ALL,	/* it lists 127.0.0.1, or answers nonsense */
	DNSBL_LISTS_NONE,	/* it does not list 127.0.0.2 */
	DNSBL_IS_SILENT,	/* it does not answer */
};

struct dnsbl_row {
	struct str		zone;
	struct str		label;		/* for the log: zones hold keys */
	int			question;	/* about the client */
	int			good, bad;	/* of the probe, or -1 */
	bool			probed;
	bool			rests;		/* is not asked now */
	bool			counts;		/* it was asked, and believed */
	bool			listed;		/* it has the client */
	enum dnsbl_trouble	trouble;	/* found just now: to log */
	struct ip		answer;		/* that was the trouble */
};

#define DNSBL_ZONES_MAX	16
#define DNSBL_PROBES	4	/* zones that are probed at once */

struct dnsbl {
	struct asker			*asker;
	const struct conf		*conf;
	struct dnsbl_memory		*memory;
	struct dnsbl_row		 row[DNSBL_ZONES_MAX];
	size_t				 n;
	int				 rank;		/* of the client */
	const struct conf_dnslist	*blamed;	/* heaviest black row */
	const struct conf_dnslist	*praised;	/* a white row, or NULL */
};

/* Asks all lists about the address, and a list that has not passed for an hour
 * about the two that RFC 5782 5 has for that.  One that has never passed counts
 * for nothing before it does. */
void	dnsbl_begin(struct dnsbl *, struct asker *, const struct conf *,
	    struct dnsbl_memory *, const struct ip *);
/* Waits for the answers and adds them up. */
void	dnsbl_finish(struct dnsbl *);
/* When that is done: does this list have the client?  1, 0, or -1: it does not
 * say, or is not believed. */
int	dnsbl_has(const struct dnsbl *, struct str zone);
/* What a list answered about the client; false: there is no such answer. */
bool	dnsbl_answer(const struct dnsbl *, const struct dnsbl_row *, size_t i,
	    struct ip *);
/* What the blamed list says about it (TXT), fit for a reply; waits.  STR_NONE:
 * nothing. */
struct str dnsbl_reason(struct dnsbl *, struct arena *, const struct ip *);
/* For the log: "lists everybody". */
const char *dnsbl_trouble_text(enum dnsbl_trouble);

#endif
