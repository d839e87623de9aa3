/* SPDX-License-Identifier: ISC */
#ifndef CONF_CLAUSE_H
#define CONF_CLAUSE_H

#include "conf/reader.h"
#include "conf/setting.h"

/*
 * The rules of the policy, which read as sentences:
 *
 *	ACTION [CONDITION [and] ...] [at STAGE] [with TEXT]
 *	header "NAME: VALUE" [if] [CONDITION [and] ...]
 *
 * with CONDITION = [not] FACT [is | in | matching] VALUE [or VALUE ...].
 */

/* Adds the rule that the statement is to the conf, or reports what is wrong. */
void	clause_parse(struct conf *, const struct setting *,
	    const struct statement *, struct reader_errors *);
/* The rules of a setting: how many, and the i-th of them. */
size_t	clause_count(const struct conf *, const struct setting *);
const struct rule *clause_get(const struct conf *, const struct setting *,
	    size_t i);
/* Appends a rule without its first word, in words that mean the same. */
void	clause_format(const struct rule *, struct buf *);

#endif
