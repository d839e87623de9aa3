/* SPDX-License-Identifier: ISC */
/*
 * The spool's health, seen by all sessions at once.  After a failed fsync Linux
 * forgets the error and the data: a disk that fails once may seem well at the
 * next call.  So the memory of it is kept here, outside any one session, and a
 * disk that failed twice in short time is not asked for a while.
 *
 * Two words are written without a lock: whoever comes second overwrites the
 * first with almost the same time, which is as good.
 */

#include "spool/health.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "base/die.h"
#include "os/clock.h"

enum {
	REMEMBER_MS = 10 * 60 * 1000,
	SICK_MS = 60 * 1000,
};

struct health {
	_Atomic int64_t	failed_at;	/* clock_boot_ms; 0: never */
	_Atomic int64_t	sick_until;
};

struct health *
health_new(void)
{
	void *p = mmap(NULL, sizeof(struct health), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		die("shared memory: %s", strerror(errno));
	return p;
}

void
health_failed(struct health *h)
{
	int64_t now = clock_boot_ms(), last;

	if (h == NULL)
		return;
	last = atomic_exchange(&h->failed_at, now);
	if (last != 0 && now - last < REMEMBER_MS)
		atomic_store(&h->sick_until, now + SICK_MS);
}

bool
health_is_sick(const struct health *h)
{
	return h != NULL && atomic_load(&h->sick_until) > clock_boot_ms();
}
