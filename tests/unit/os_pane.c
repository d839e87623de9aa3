/* SPDX-License-Identifier: ISC */
/* os/pane: a child sees what its parent writes, and cannot write itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/pane.h"

/* 0 when all is as it should be. */
static int
look_through(const struct pane *p, const int go[2])
{
	const _Atomic int *seen = p->outside;
	char c;

	if (atomic_load(seen) != 1 || write(go[1], "", 1) != 1)
		return 1;
	if (read(go[1], &c, 1) != 1 || atomic_load(seen) != 2)
		return 2;
	if (mprotect((void *)(uintptr_t)p->outside, 4096,
	    PROT_READ | PROT_WRITE) == 0 || errno != EACCES)
		return 3;
	/* The way in is not there: the kernel says so for us. */
	return write(go[1], p->inside, 1) == -1 && errno == EFAULT ? 0 : 4;
}

static void
test_child(void **state)
{
	struct pane p;
	int go[2], status;
	pid_t pid;
	char c;

	(void)state;
	pane_make(&p, sizeof(int));
	atomic_store((_Atomic int *)p.inside, 1);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, go), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(look_through(&p, go));
	assert_int_equal(read(go[0], &c, 1), 1);
	atomic_store((_Atomic int *)p.inside, 2);
	assert_int_equal(write(go[0], "", 1), 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_child),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
