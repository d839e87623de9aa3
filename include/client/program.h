/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_PROGRAM_H
#define CLIENT_PROGRAM_H

#include "base/buf.h"
#include "base/fault.h"

/* The other programs of godwit, as sendmail(8) starts them. */

/*
 * Where one lies: beside this program when that is not installed (it runs
 * from where it was built), else where it was installed.
 */
const char *program_find(struct buf *, const char *name,
	    const char *installed);
/*
 * Runs it with stdin_fd as its standard input and waits.  Returns its exit
 * code; -1 with a temporary fault when it could not be started or was killed.
 */
int	program_run(const char *path, const char *const *argv, int stdin_fd,
	    struct fault *);

#endif
