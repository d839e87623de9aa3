/* SPDX-License-Identifier: ISC */
#ifndef CONF_LISTENER_H
#define CONF_LISTENER_H

#include "conf/setting.h"

struct reader_errors;
struct statement;

/*
 * Where mail comes in, and how rules speak of it:
 *
 *	listen SERVICE [on WHERE] [as NAME] [proxy from NETWORK ...]
 *	listen none
 *
 * A rule's "on" takes a SERVICE, the ADDRESS, ADDRESS:PORT or PORT of a
 * listener, or its NAME.
 */

/* For conf/sentence, as sentence_parse() and its like. */
void	listener_parse(struct conf *, const struct statement *,
	    struct reader_errors *);
size_t	listener_count(const struct conf *);
unsigned listener_format(const struct conf *, size_t i, struct buf *);
/* What is wrong beside another sentence: two on one port, and a rule "on"
 * something that is no listener. */
void	listener_check(const struct conf *, struct reader_errors *);

/* A word behind "on", copied where it is a name; false: it can be none. */
bool	listener_parse_on(struct arena *, struct str word,
	    struct rule_value *);
/* Appends it as it may be written. */
void	listener_put_on(const struct rule_value *, struct buf *);
/* Is it meant by this value?  listener NULL: the local socket, or one that is
 * not known; then its service alone counts. */
bool	listener_fits(const struct rule_value *, enum conf_service,
	    const struct conf_listen *);
/* The first that a value means; NULL: there is none. */
const struct conf_listen *listener_find(const struct conf *,
	    const struct rule_value *);
/* Fills in conf->own, the addresses of this machine; not possible in a
 * sandbox. */
void	listener_find_own(struct conf *);
/* Appends "192.0.2.1:25", or "192.0.2.1:25, outside". */
void	listener_put_place(const struct conf_listen *, struct buf *);

#endif
