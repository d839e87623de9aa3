/* SPDX-License-Identifier: ISC */
#ifndef AUTH_DOVECOT_H
#define AUTH_DOVECOT_H

#include "auth/attempt.h"

/* The backend that asks Dovecot by its auth-client protocol, version 1: place
 * is the path of the socket. */
extern const struct backend_ops dovecot_backend;

/* The same on a connection that was made; it is closed with a->state, a struct
 * stream, which lies in the attempt's arena. */
enum attempt_answer dovecot_ask(struct attempt *a, int fd);

#endif
