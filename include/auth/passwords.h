/* SPDX-License-Identifier: ISC */
#ifndef AUTH_PASSWORDS_H
#define AUTH_PASSWORDS_H

#include "auth/attempt.h"
#include "base/buf.h"
#include "base/vec.h"

/*
 * A file of passwords: a line "NAME:HASH" for each user, where the hash is one
 * of crypt(3) or a SCRAM record (see auth/scram).  Empty lines and those that
 * begin with # are no users.
 */
#define PASSWORDS_FILE_MAX	(16 * 1024 * 1024)

enum password_kind {
	PASSWORD_BAD,		/* neither */
	PASSWORD_CRYPT,
	PASSWORD_SCRAM,
};

struct password {
	struct str		name;
	struct str		hash;
	enum password_kind	kind;
	unsigned		line;
};

typedef VEC(struct password) password_vec;

/* The users of a text, whose views they are; the good ones and the bad. */
void	passwords_parse(struct arena *, struct str text, password_vec *);
/* What is wrong with it, and what to do; NULL: nothing. */
const char *password_fault(const struct password *);

extern const struct backend_ops passwords_backend;

#endif
