/* SPDX-License-Identifier: ISC */
#ifndef BASE_DIE_H
#define BASE_DIE_H
/*
 * The two voices in which a process ends itself.  bug() is for our own
 * mistakes: it reports and aborts.  die() is for an environment that is gone
 * (no memory, no descriptor that must exist): it reports and exits with
 * EX_TEMPFAIL (75).  Expected failures never come here; they are a struct
 * fault.
 */

/* Says the last words somewhere: "fatal: ..." for die(), "panic: ..." for
 * bug(), without a newline. */
typedef void die_report(const char *text);
/* Runs once before a die() ends the process, e.g. to write a 421. */
typedef void die_last_act(void *ctx);

/* Before this is called the report goes to standard error. */
void	die_set_report(die_report *);
/* NULL takes the act away.  A forked child should do so first. */
void	die_set_last_act(die_last_act *, void *ctx);

void	die(const char *fmt, ...)
	    __attribute__((cold, noreturn, format(printf, 1, 2)));
void	bug_at(const char *file, int line, const char *fmt, ...)
	    __attribute__((cold, noreturn, format(printf, 3, 4)));

#define bug(...)	bug_at(__FILE__, __LINE__, __VA_ARGS__)
/* A condition that only our own mistake can break; always compiled in. */
#define must(cond)							\
	do {								\
		if (!(cond))						\
			bug("must hold: %s", #cond);			\
	} while (0)

#endif
