/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_LETTER_H
#define CLIENT_LETTER_H

#include <stddef.h>
#include "client/options.h"
#include "conf/conf.h"
#include "mail/outcome.h"

/*
 * sendmail -bm, the whole of it: reads a message from in and hands it over.
 * Tells on standard error what went wrong, as the options have it, and
 * returns the exit code (sysexits.h).
 */
int	letter_send(const struct conf *, const struct options *, int in);
/* The exit code that these outcomes are worth: EX_OK when all were taken,
 * EX_TEMPFAIL when one is deferred, else by the first refusal. */
int	letter_exit_code(const struct outcome *, size_t n);

#endif
