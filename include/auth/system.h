/* SPDX-License-Identifier: ISC */
#ifndef AUTH_SYSTEM_H
#define AUTH_SYSTEM_H

#include "auth/attempt.h"

/* The backend that asks PAM: place is the name of the service. */
extern const struct backend_ops system_backend;

#endif
