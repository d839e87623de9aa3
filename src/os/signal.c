/* SPDX-License-Identifier: ISC */
/*
 * Signals as flags.
 *
 * The one handler of the house sets a flag and returns; nothing happens in
 * signal context.  Main loops ask with signal_take() when they come round.
 * Without SA_RESTART a blocking call ends with EINTR, so that a loop comes
 * round soon; a loop that must not miss a signal between asking and waiting
 * blocks the caught ones and lets them in only inside ppoll(), and says how each
 * of its waits ended: in a flood ppoll() lets in none, and that is seen there.
 *
 * Always true: a flag belongs to this process.  After fork the child calls
 * signal_reset(), which leaves it with the default actions, whatever the
 * parent had caught.  Ignored signals stay ignored.
 */
#include "os/signal.h"

#include <string.h>

#include "base/die.h"

enum {
	ROUNDS = 64,			/* before they are asked for */
};

static volatile sig_atomic_t arrived[NSIG];
static sigset_t caught;		/* all zero is the empty set */
static sigset_t wait_mask;
static unsigned rounds;		/* that let none in */

static void
set_flag(int sig)
{
	arrived[sig] = 1;
}

static void
set_action(int sig, void (*action)(int))
{
	struct sigaction sa;

	must(sig > 0 && sig < NSIG);
	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = action;
	sigfillset(&sa.sa_mask);
	if (sigaction(sig, &sa, NULL) == -1)
		bug("signal %d cannot be handled", sig);
}

void
signal_catch(int sig)
{
	set_action(sig, set_flag);
	sigaddset(&caught, sig);
	sigdelset(&wait_mask, sig);
}

void
signal_ignore(int sig)
{
	set_action(sig, SIG_IGN);
	sigdelset(&caught, sig);
}

void
signal_default(int sig)
{
	set_action(sig, SIG_DFL);
	sigdelset(&caught, sig);
}

bool
signal_take(int sig)
{
	must(sig > 0 && sig < NSIG);
	if (!arrived[sig])
		return false;
	arrived[sig] = 0;
	return true;
}

bool
signal_is_pending(int sig)
{
	must(sig > 0 && sig < NSIG);
	return arrived[sig] != 0;
}

void
signal_block_caught(void)
{
	int sig;

	sigprocmask(SIG_BLOCK, &caught, &wait_mask);
	for (sig = 1; sig < NSIG; sig++)
		if (sigismember(&caught, sig) == 1)
			sigdelset(&wait_mask, sig);
}

/* sigprocmask() is the same, and one more page of the library for a session. */
void
signal_unblock_caught(void)
{
	pthread_sigmask(SIG_SETMASK, &wait_mask, NULL);
}

const sigset_t *
signal_wait_mask(void)
{
	return &wait_mask;
}

void
signal_let_in(void)
{
	sigset_t now;

	sigprocmask(SIG_SETMASK, &wait_mask, &now);
	sigprocmask(SIG_SETMASK, &now, NULL);
}

void
signal_waited(int n)
{
	rounds = n > 0 ? rounds + 1 : 0;
	if (rounds < ROUNDS)
		return;
	signal_let_in();
	rounds = 0;
}

void
signal_reset(void)
{
	sigset_t former = caught;
	int sig;

	for (sig = 1; sig < NSIG; sig++) {
		if (sigismember(&former, sig) == 1)
			signal_default(sig);
		arrived[sig] = 0;
	}
	sigprocmask(SIG_UNBLOCK, &former, NULL);
}
