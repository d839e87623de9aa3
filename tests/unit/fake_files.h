/* SPDX-License-Identifier: ISC */
#ifndef FAKE_FILES_H
#define FAKE_FILES_H

/* How many descriptors this process has: nothing may leave one behind. */
#include <fcntl.h>

static inline unsigned
fake_open_files(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

#endif
