/* SPDX-License-Identifier: ISC */
#ifndef DELIVER_WORDS_H
#define DELIVER_WORDS_H

#include "deliver/place.h"

/*
 * The words that a command of ours is given; both vectors end with NULL and
 * lie in the arena of the message.  The first fails for good when a value
 * would be taken for an option.
 */
int	words_argv(const struct place *, char ***argv, struct fault *);
char	**words_environment(const struct place *);

#endif
