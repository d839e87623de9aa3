/* SPDX-License-Identifier: ISC */
#ifndef CONF_LOGIN_H
#define CONF_LOGIN_H

#include "conf/setting.h"

#include "conf/reader.h"

/*
 * The setting that says how users log in:
 *
 *	login file PATH			login without tls
 *	login pam [SERVICE]		login mechanisms NAME...
 *	login dovecot unix:PATH		login senders own|any|file PATH|db PATH
 */
void	login_parse(struct conf *, const struct statement *,
	    struct reader_errors *);
size_t	login_count(const struct conf *);
/* As sentence_format(). */
unsigned login_format(const struct conf *, size_t i, struct buf *);
/* When all is read: fills in what was not said, reports what does not fit. */
void	login_check(struct conf *, struct reader_errors *);

#endif
