/* SPDX-License-Identifier: ISC */
#ifndef TLS_TICKET_H
#define TLS_TICKET_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * The keys of session tickets (RFC 8446 4.6.1, RFC 5077): whoever is forked
 * behind them can open what another one has sealed.
 */
#define TICKET_LIFETIME		(2 * 60 * 60)	/* seconds a ticket is good */
#define TICKET_TURN		(4 * 60 * 60)	/* seconds a key seals */

struct tickets;

/* NULL when OpenSSL has no memory or no random numbers. */
struct tickets *tickets_new(int64_t now_ms);
void	tickets_free(struct tickets *);
/* This context seals and opens with them. */
bool	tickets_use(struct tickets *, SSL_CTX *);
/* A new key when it is time: the one before only opens, all others are gone.
 * Time only grows.  Without random numbers all stays as it was. */
void	tickets_turn(struct tickets *, int64_t now_ms);

#endif
