/* SPDX-License-Identifier: ISC */
#ifndef AUTH_ATTEMPT_H
#define AUTH_ATTEMPT_H

#include <stdbool.h>
#include <sys/types.h>
#include "base/arena.h"
#include "base/fault.h"
#include "base/ip.h"
#include "base/str.h"

/* One attempt to log in, and what a backend is: what knows the secrets. */
enum attempt_kind {
	ATTEMPT_SECRET,		/* name and secret are there */
	ATTEMPT_TOKEN,		/* a bearer token; name may be "" */
	ATTEMPT_EXCHANGE,	/* `secret` is the client's first message */
};

enum attempt_answer {
	ATTEMPT_YES,		/* login is who; out may have last words */
	ATTEMPT_NO,		/* name is who was tried; why, for the log */
	ATTEMPT_LATER,		/* why it cannot be told now, for the log */
	ATTEMPT_MORE,		/* say out, and hand the answer to next() */
};

struct attempt {
	struct arena		*arena;		/* of all strings here */
	enum attempt_kind	 kind;
	struct ip		 client, server;
	bool			 secure;	/* under TLS */
	bool			 plus;		/* -PLUS was offered */
	struct str		 service;	/* "smtp" */
	struct str		 mechanism;	/* in capitals */
	struct str		 binding_kind, binding_data;
	struct str		 name, secret;
	struct str		 login, out, why;
	void			*state;		/* of the backend */
};

struct backend;
struct backend_ops {
	/* Before a sandbox is put on; -1: it cannot work at all. */
	int			(*open)(struct backend *, struct fault *);
	enum attempt_answer	(*ask)(struct backend *, struct attempt *);
	/* Where ask() may say ATTEMPT_MORE. */
	enum attempt_answer	(*next)(struct backend *, struct attempt *,
				    struct str in);
};

struct backend {
	const struct backend_ops *ops;
	struct str		 place;		/* as in struct conf_login,
						 * NUL-terminated */
	int			 prover;	/* the way to who asks PAM, or
						 * -1, */
	pid_t			 prover_pid;	/* and that one, our child */
	void			*state;
};

#endif
