/* SPDX-License-Identifier: ISC */
#ifndef DNS_ASK_H
#define DNS_ASK_H

#include <stdbool.h>
#include "dns/resolve.h"

/*
 * Questions over one socket that others have connected to a resolver, several
 * at once: for processes that may make no socket.  Nothing here waits but
 * ask_wait().
 *
 * What one asker may do is bounded (SECURITY 4.6): so many questions, aliases
 * counted, and so long a time spent waiting, until asker_renew().
 */
#define ASK_MAX		30		/* questions */
#define ASK_WAIT_MS	20000		/* of waiting, in all */
#define ASK_PATIENCE_MS	5000		/* for one answer */

struct asker;

/* Takes over the descriptor, on which a datagram is a DNS message. */
struct asker *asker_new(int fd);
void	asker_free(struct asker *);		/* NULL is harmless */
/* Forgets all questions and answers: their numbers and strings are void. */
void	asker_renew(struct asker *);

/* What is no question: no such name can be asked for, or too many questions
 * were asked already. */
#define ASK_NO_NAME	(-1)
#define ASK_NO_MORE	(-2)

/* Sends a question.  Returns its number, or one of these, which are below 0;
 * name need not live on. */
int	ask_question(struct asker *, struct str name,
	    enum rr_type);
/* Takes what has come, and sends again what is late.  Never waits. */
void	ask_hear(struct asker *);
/* Is there an answer, or will none come? */
bool	ask_is_settled(const struct asker *, int question);
/* Waits until it is settled.  What is no question is settled. */
void	ask_wait(struct asker *, int question);
/* Waits until something has come or is late, for whoever waits for one of
 * several.  False: all are settled. */
bool	ask_wait_once(struct asker *);

/* What became of a question that is settled.  ASK_NO_NAME is RESOLVE_NO_NAME,
 * ASK_NO_MORE is RESOLVE_TRY_AGAIN: nobody has said that there is no such name.
 * out (it may be NULL) lives until asker_renew(). */
enum resolve_result ask_answer(const struct asker *, int question,
	    const struct resolved **out);

/* The other end has gone: nothing that was asked since is answered. */
bool	asker_is_cut(const struct asker *);

/* For whoever waits for something else as well: the descriptor, and the time
 * in ms until ask_hear() is due; -1: no question is open. */
int	asker_fd(const struct asker *);
int	asker_due(const struct asker *);

#endif
