/* SPDX-License-Identifier: ISC */
/*
 * Starting the two other programs that sendmail(8) needs: drop, which leaves
 * a message in the spool while the daemon is away, and godwitd itself for -bd.
 *
 * The path never comes from the environment or from the command line.  From a
 * build directory the one beside us is taken, so that a private instance
 * works before anything is installed; the installed sendmail does not look
 * around in a directory of other people's programs.
 */
#include "client/program.h"

#include <sys/wait.h>
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"

#define EXIT_NOT_STARTED	127

static bool
is_installed(struct str dir)
{
	return str_eq(dir, STR(CONFIG_SBINDIR)) ||
	    str_eq(dir, STR(CONFIG_BINDIR));
}

const char *
program_find(struct buf *b, const char *name, const char *installed)
{
	char self[PATH_MAX];
	struct str dir;
	ssize_t n;

	n = readlink("/proc/self/exe", self, sizeof(self));
	dir = str_span(self, n > 0 ? (size_t)n : 0);
	dir = str_slice(dir, 0, str_rfind(dir, '/'));
	if (n <= 0 || (size_t)n == sizeof(self) || is_installed(dir))
		return installed;
	buf_reset(b);
	buf_puts(b, dir);
	buf_putc(b, '/');
	buf_putz(b, name);
	return access(buf_cstr(b), X_OK) == 0 ? buf_cstr(b) : installed;
}

/* In the child. */
static void __attribute__((noreturn))
become(const char *path, const char *const *argv, int stdin_fd)
{
	/* dup2() of a descriptor on itself would leave it close-on-exec; ours
	 * is never 0, which bin/sendmail has seen to. */
	if (dup2(stdin_fd, STDIN_FILENO) != -1)
		execv(path, (char *const *)(uintptr_t)argv);
	_exit(EXIT_NOT_STARTED);
}

int
program_run(const char *path, const char *const *argv, int stdin_fd,
    struct fault *why)
{
	pid_t pid, done;
	int status;

	if ((pid = fork()) == -1)
		return fault_system(why, errno, "fork");
	if (pid == 0)
		become(path, argv, stdin_fd);
	do
		done = waitpid(pid, &status, 0);
	while (done == -1 && errno == EINTR);
	if (done == -1)
		return fault_system(why, errno, "wait for %s", path);
	if (!WIFEXITED(status))
		return fault_temporary(why, 451, 3, 0,
		    "%s was killed by signal %d", path, WTERMSIG(status));
	if (WEXITSTATUS(status) == EXIT_NOT_STARTED)
		return fault_temporary(why, 451, 3, 0,
		    "%s cannot be executed", path);
	return WEXITSTATUS(status);
}
