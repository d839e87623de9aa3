/* SPDX-License-Identifier: ISC */
#ifndef OS_PROC_H
#define OS_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "base/fault.h"

/* Processes: what is done to one so that it can do less. */

/* no_new_privs, not dumpable, no core files, umask 077. */
int	proc_harden(struct fault *);
/* The same but for no_new_privs: for a process that will execute a program of
 * a user, who may expect what he has at his terminal. */
int	proc_conceal(struct fault *);
/* Empties the environment but for PATH (a fixed one), LANG=C, TZ (kept when
 * it was set). */
void	proc_clear_environment(void);
/* Closes the descriptors [first, last], those that are open. */
void	proc_close_span(unsigned first, unsigned last);
/* Closes every descriptor >= 3 that is not among the n in keep. */
void	proc_close_all_but(const int *keep, size_t n);
/* Standard input, output and error on /dev/null where they are closed; all
 * three when also_open. */
void	proc_null_stdio(bool also_open);
/* Detaches from terminal and parent: fork, setsid.  In the parent it returns
 * only after the child has called proc_detach_ready(): the parent then exits
 * 0, or 1 when the child died first. */
int	proc_detach(struct fault *);
void	proc_detach_ready(void);
/* The same for one that stays: tells a service manager that asked for it
 * (NOTIFY_SOCKET, sd_notify(3)).  Nobody need have asked, or hear it. */
void	proc_notify_ready(void);
/* Before a process begins to fork: fills the holes of its heap, for good, so
 * that what a child takes comes from fresh pages.  From a hole it would cost a
 * copy of the page around it. */
void	proc_fill_heap(void);
/* When a process has started, before it waits for years: lets go of the pages
 * of programs and libraries that only the start (or the linker) has read.  The
 * kernel has them in their files, and brings back what is wanted again. */
void	proc_settle(void);
/* fork(2), for who has one thread and no handlers of pthread_atfork(3): the C
 * library leaves its own pages alone, which would be copied for each child. */
pid_t	proc_fork(void);
/* How many processors this process may use; 1 where that is not known. */
unsigned proc_processors(void);
/* Kills this process with SIGKILL when its parent dies.  A change of user
 * undoes it: call it afterwards. */
void	proc_die_with_parent(void);
/* Name in ps and top (which shows 15 bytes of it).  proc_title_init() comes
 * first in main(): it moves the strings of argv and of the environment away,
 * so that pointers taken from them before would show the title. */
void	proc_title_init(int argc, char **argv);
void	proc_title(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

struct proc_limits {
	size_t	memory;		/* bytes of address space; 0: as is */
	uint64_t file_size;	/* bytes of a file that is written; 0: as is */
	int	files;		/* open descriptors; 0: as is */
	bool	no_fork;	/* RLIMIT_NPROC 0 */
};
void	proc_limit(const struct proc_limits *);
/* Seconds of processor time: SIGXCPU after the one, death after the other.
 * What a process inherits are the limits, not the time, so they are set in the
 * child; this is one system call.  Lower limits that are there stay. */
void	proc_limit_cpu(unsigned warn, unsigned most);
/* After such a signal: was it the first of two, since less than `last' seconds
 * are set?  Then the next one comes after those, and until it ends this process
 * lets others go before it (its niceness grows by PROC_NICER). */
#define PROC_NICER	5
bool	proc_give_way(unsigned last);
/* RLIMIT_NPROC 0, in one system call: nothing that this process starts can go
 * on when it has ended, or have processor time of its own. */
void	proc_forbid_fork(void);

/* How likely this process, and whatever it forks, is to be killed when the
 * machine has no memory left: -1000 (never) to 1000 (first).  0 where that is
 * not known.  Lower than it is only a process with privilege can set it; what
 * cannot be set stays as it is. */
int	proc_oom_score(void);
void	proc_set_oom_score(int);

/* Pid file, locked while the process lives.  Fails when another daemon holds
 * it, and names its pid.  Returns the descriptor. */
int	proc_pidfile(const char *path, struct fault *);

#endif
