/* SPDX-License-Identifier: ISC */
#ifndef OS_SANDBOX_H
#define OS_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include "base/fault.h"

/*
 * What a process can never do again: Landlock for paths (best effort by the
 * kernel's ABI; nothing where there is none) and a seccomp filter for system
 * calls (libseccomp; required).  Children inherit both at no cost.
 */
enum sandbox_access {
	SANDBOX_READ = 1,	/* open files below it for reading */
	SANDBOX_CREATE = 2,	/* make new files, name them in the directory
				 * in which they were made, and write to them;
				 * not read, list or remove what is there.  A
				 * file that is open for reading too needs
				 * more. */
	SANDBOX_ALL = 4,	/* read, write, make, remove, list */
	SANDBOX_EXECUTE = 8,	/* and read */
	SANDBOX_CONNECT = 16,	/* unix sockets below it (makes them findable;
				 * Landlock does not control connect) */
	SANDBOX_FLAGS = 32,	/* if it is there: who asks below it sets flags
				 * of descriptors, fcntl(F_SETFL) */
};

struct sandbox_path {
	const char	*path;		/* one that is missing is left out */
	unsigned	 access;	/* enum sandbox_access, or-ed */
};

enum sandbox_profile {
	SANDBOX_MASTER,		/* accept, fork, what a session needs: files,
				 * unix sockets for NSS (no others can be
				 * made); no exec, ptrace, signal, chmod, chown,
				 * mount, module, keyctl ... */
	SANDBOX_DOORKEEPER,	/* the same, and to break off a conversation:
				 * shutdown(2); its sockets are no others' */
	SANDBOX_RUNNER,		/* as the master, and network sockets, unlink and
				 * rename */
	SANDBOX_KEEPER,		/* only to use the sockets that it has: accept,
				 * read, write, close; give it no path */
};

/* In SANDBOX_MASTER, when no path has SANDBOX_ALL, a file can be opened for
 * writing only if the same call makes it (O_TMPFILE or O_CREAT | O_EXCL).
 *
 * Puts both on for this process and all that it will fork; no_new_privs must
 * be set.  The fault says which half failed. */
int	sandbox_enter(enum sandbox_profile, const struct sandbox_path *,
	    size_t n, struct fault *);
/*
 * A further set of paths, made before sandbox_enter() by a process whose
 * children are to have less than itself (*ruleset is a descriptor, or -1 where
 * there is no Landlock), and put on by the child in one system call.  For
 * SANDBOX_RUNNER only.
 */
int	sandbox_prepare(const struct sandbox_path *, size_t n, int *ruleset,
	    struct fault *);
int	sandbox_narrow(int ruleset, struct fault *);
/* For the log: "seccomp, landlock 7" or "seccomp, no landlock". */
const char *sandbox_describe(void);

#endif
