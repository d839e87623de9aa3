/* SPDX-License-Identifier: ISC */
#ifndef PRIV_PROVE_H
#define PRIV_PROVE_H

#include "base/fault.h"
#include "base/ip.h"
#include "base/str.h"

/*
 * What the doorkeeper's children can ask the prover, who is root and asks PAM:
 * is this his password?  One packet of a fixed size on a connection of its own,
 * one packet in return, and that is all.
 */
#define PROVE_NAME_MAX		256	/* with the NUL */
#define PROVE_SECRET_MAX	1025

struct prove_question {
	struct ip	client;			/* family 0: a local one */
	char		name[PROVE_NAME_MAX];
	char		secret[PROVE_SECRET_MAX];
};

enum prove_result {
	PROVE_YES = 1,
	PROVE_NO,
	PROVE_LATER,
};

struct prove_answer {
	enum prove_result result;
	char		text[PROVE_NAME_MAX];	/* who it is; else why not */
};

#define PROVE_NAMELESS	"PAM gave no name"

/* Asks through that hold on the prover's door (os/sock), waits for so many
 * seconds.  -1: what does not fit, or nobody answers. */
int	prove_ask(int hold, const struct ip *client, struct str name,
	    struct str secret, int seconds, struct prove_answer *,
	    struct fault *);

/* The prover's side.  -1: that was no question; name and secret end with their
 * NUL, are not empty, and the name has no control character. */
int	prove_receive(int sock, struct prove_question *);
void	prove_send(int sock, enum prove_result, const char *text);

#endif
