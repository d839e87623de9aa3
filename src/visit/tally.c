/* SPDX-License-Identifier: ISC */
/*
 * The eight bits of an exit status as a session's last word.  The highest says
 * that there is one: what ends by die() has a status of sysexits.h, below 128.
 *
 *	1 idle idle disk failed handshake good
 *
 * Good and failed together are a login: he is as good as any who has brought a
 * message, and what fails for him is not held against him.
 *
 * Two bits for a number are enough for a budget: what is below 16 is any
 * session's, and few have more than some hundred (smtpd/serve).
 */
#include "visit/tally.h"

#include <stddef.h>

enum {
	GOOD = 1 << 0,
	HANDSHAKE = 1 << 1,
	FAILED = 1 << 2,
	DISK = 1 << 3,
	IDLE_AT = 4,
	MARK = 1 << 7,
};

static const unsigned steps[] = { 0, 16, 64, 256 };

#define STEPS	(sizeof(steps) / sizeof(steps[0]))

static unsigned
quality(const struct tally *t)
{
	if (t->login)
		return GOOD | FAILED;
	if (t->failed)
		return FAILED;
	return t->messages > 0 ? GOOD : 0;
}

int
tally_pack(const struct tally *t)
{
	unsigned i = STEPS - 1;

	while (steps[i] > t->idle)
		i--;
	return (int)(MARK | i << IDLE_AT | quality(t) |
	    (t->handshake ? HANDSHAKE : 0U) | (t->disk ? DISK : 0U));
}

bool
tally_unpack(int status, struct tally *t)
{
	unsigned bits = (unsigned)status;
	bool login = (bits & (GOOD | FAILED)) == (GOOD | FAILED);

	if (status < MARK || status > 255)
		return false;
	*t = (struct tally){
		.messages = (bits & GOOD) != 0,
		.handshake = (bits & HANDSHAKE) != 0,
		.failed = (bits & FAILED) != 0 && !login,
		.login = login,
		.disk = (bits & DISK) != 0,
		.idle = steps[bits >> IDLE_AT & (STEPS - 1)],
	};
	return true;
}
