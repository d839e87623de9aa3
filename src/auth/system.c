/* SPDX-License-Identifier: ISC */
/*
 * The backend that asks PAM, which is to say the users of this system as a
 * rule.  It takes a name and a password and nothing else: PAM cannot lead an
 * exchange of SCRAM, and knows no tokens.
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

#define STEP_MS	500

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
	char host[IP_TEXT_MAX];
	struct pam_question q = {
		.service = b->place.p,
		.user = a->name.p,
		.secret = a->secret.p,
		.host = ip_format(&a->client, host),
	};
	int64_t begun = clock_boot_ms();
	struct buf user = { 0 };
	struct fault why;
	int r;

	if (a->kind != ATTEMPT_SECRET) {
		a->why = STR("PAM takes nothing but a password");
		return ATTEMPT_LATER;
	}
	r = pam_ask(&q, &user, &why);
	if (r == 1) {
		a->login = arena_str(a->arena, buf_str(&user));
		a->why = STR("PAM gave no name");
	} else {
		a->why = arena_str(a->arena, str_of(why.text));
	}
	buf_free(&user);
	if (r < 0)
		return ATTEMPT_LATER;
	if (r == 1 && sasl_is_name(a->login))
		return ATTEMPT_YES;
	wait_for_step(begun);
	return ATTEMPT_NO;
}

const struct backend_ops system_backend = { open_pam, ask_pam, NULL };
