/* SPDX-License-Identifier: ISC */
#ifndef AUTH_BACKEND_H
#define AUTH_BACKEND_H

#include "auth/attempt.h"
#include "conf/conf.h"

/* The backend of a configuration, opened.  -1 with a fault: it cannot work,
 * or none is configured. */
int	backend_open(struct backend *, const struct conf *, struct fault *);

#endif
