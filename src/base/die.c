/* SPDX-License-Identifier: ISC */
/*
 * The two voices in which a process ends itself.
 *
 * die() is for an environment that is gone: the report is made, then the
 * last act runs (a session says 421), then the process exits with
 * EX_TEMPFAIL, so that whoever started us tries again later.  bug() is for
 * our own mistakes: the report is made and the process aborts where it
 * stands; there is no last act, since nothing that we know can be trusted.
 *
 * Everybody may call them.  Neither allocates memory.  The last act is taken
 * away before it runs, so it runs at most once even if it dies itself; a
 * report that dies ends the process at once.  The exit is _exit(): a forked
 * child must not flush what its parent had buffered.
 */
#include "base/die.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define TEXT_MAX	1024

static void	 report_stderr(const char *);

static die_report	*report = report_stderr;
static die_last_act	*last_act;
static void		*last_ctx;
static int		 reporting;

/* One write, so that the lines of several processes do not mix. */
static void
report_stderr(const char *text)
{
	char	line[TEXT_MAX + 1];
	size_t	n = strnlen(text, TEXT_MAX);

	memcpy(line, text, n);
	line[n++] = '\n';
	if (write(STDERR_FILENO, line, n) == -1)
		return;
}

static void
say(const char *text)
{
	if (reporting)
		_exit(EX_TEMPFAIL);
	reporting = 1;
	report(text);
	reporting = 0;
}

void
die_set_report(die_report *r)
{
	report = r != NULL ? r : report_stderr;
}

void
die_set_last_act(die_last_act *act, void *ctx)
{
	last_act = act;
	last_ctx = ctx;
}

void
die(const char *fmt, ...)
{
	static const char	 head[] = "fatal: ";
	char			 text[TEXT_MAX];
	die_last_act		*act = last_act;
	va_list			 ap;

	memcpy(text, head, sizeof(head));
	va_start(ap, fmt);
	(void)vsnprintf(text + sizeof(head) - 1,
	    sizeof(text) - sizeof(head) + 1, fmt, ap);
	va_end(ap);
	last_act = NULL;
	say(text);
	if (act != NULL)
		act(last_ctx);
	_exit(EX_TEMPFAIL);
}

void
bug_at(const char *file, int line, const char *fmt, ...)
{
	char	text[TEXT_MAX];
	va_list	ap;
	int	n;

	n = snprintf(text, sizeof(text), "panic: %.200s:%d: ", file, line);
	if (n < 0)
		n = 0;
	va_start(ap, fmt);
	(void)vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, ap);
	va_end(ap);
	say(text);
	abort();
}
