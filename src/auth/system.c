/* SPDX-License-Identifier: ISC */
/*
 * The backend that asks PAM, which is to say the users of this system as a
 * rule.  It takes a name and a password and nothing else: PAM cannot lead an
 * exchange of SCRAM, and knows no tokens.  PAM's modules want to be root, which
 * we are not: the prover is, and is asked (priv/prove).
 *
 * PAM may change the name (a module that maps one to another); who has logged
 * in is whom it says at the end, if that is a name at all.
 *
 * Its modules refuse an unknown user sooner than a wrong password, since there
 * is no hash to reckon with.  So a refusal waits for the next half of a second
 * since the question; a login does not.
 */
#include "auth/system.h"

#include <poll.h>

#include "auth/sasl.h"
#include "os/clock.h"
#include "os/pam.h"
#include "priv/prove.h"

#define STEP_MS	500
#define PATIENCE	55	/* seconds: less than the attempt has */

static int
open_pam(struct backend *b, struct fault *why)
{
	(void)b;
	return pam_is_there() ? 0 : fault_temporary(why, 454, 7, 0,
	    "built without PAM");
}

/* Nothing is told by the time that has passed, but how often it was STEP_MS. */
static void
wait_for_step(int64_t begun)
{
	int64_t left = STEP_MS - (clock_boot_ms() - begun) % STEP_MS;

	(void)poll(NULL, 0, (int)left);
}

static enum attempt_answer
ask_pam(struct backend *b, struct attempt *a)
{
	int64_t begun = clock_boot_ms();
	struct prove_answer answer;
	struct fault why;

	if (a->kind != ATTEMPT_SECRET) {
		a->why = STR("PAM takes nothing but a password");
		return ATTEMPT_LATER;
	}
	if (prove_ask(b->prover, &a->client, a->name, a->secret, PATIENCE,
	    &answer, &why) < 0) {
		a->why = arena_str(a->arena, str_of(why.text));
		return ATTEMPT_LATER;
	}
	a->why = arena_str(a->arena, str_of(answer.text));
	switch (answer.result) {
	case PROVE_LATER:
		return ATTEMPT_LATER;
	case PROVE_YES:
		a->login = a->why;
		a->why = STR(PROVE_NAMELESS);
		if (sasl_is_name(a->login))
			return ATTEMPT_YES;
		break;
	case PROVE_NO:
		break;
	}
	wait_for_step(begun);
	return ATTEMPT_NO;
}

const struct backend_ops system_backend = { open_pam, ask_pam, NULL };
