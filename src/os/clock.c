/* SPDX-License-Identifier: ISC */
/*
 * The three clocks of the house and the identity of this boot.
 *
 * Everybody who needs the time asks here; nobody else calls clock_gettime(),
 * so that it is plain at each place which of the clocks is meant.  The calls
 * are answered without entering the kernel, thus nothing is cached.
 *
 * A clock that does not answer is an environment in which nothing can be
 * scheduled, so that is the end of the process.  A boot identity that cannot
 * be read is all zero, and two such boots count as different ones for those
 * who compare: they check for zero.
 */
#include "os/clock.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/die.h"

static const char BOOT_ID_PATH[] = "/proc/sys/kernel/random/boot_id";

static int64_t
read_ms(clockid_t id)
{
	struct timespec ts;

	if (clock_gettime(id, &ts) == -1)
		die("clock %d does not answer", (int)id);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t
clock_wall(void)
{
	/* Not CLOCK_REALTIME_COARSE: it may lag behind the stamps of the
	 * file system. */
	return read_ms(CLOCK_REALTIME) / 1000;
}

int64_t
clock_wall_ms(void)
{
	return read_ms(CLOCK_REALTIME);
}

int64_t
clock_boot_ms(void)
{
	return read_ms(CLOCK_BOOTTIME);
}

int64_t
clock_mono_ms(void)
{
	return read_ms(CLOCK_MONOTONIC);
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/* The 32 hexadecimal digits of a UUID; dashes may stand anywhere. */
static bool
parse_uuid(const char *p, size_t n, uint8_t id[16])
{
	size_t i, digits = 0;
	int v;

	for (i = 0; i < n && digits < 32; i++) {
		if (p[i] == '-')
			continue;
		if ((v = hex_value(p[i])) < 0)
			return false;
		id[digits / 2] = (uint8_t)(id[digits / 2] << 4 | v);
		digits++;
	}
	return digits == 32;
}

void
clock_boot_id(uint8_t id[16])
{
	char text[64];
	ssize_t n;
	int fd;

	memset(id, 0, 16);
	if ((fd = open(BOOT_ID_PATH, O_RDONLY | O_CLOEXEC)) == -1)
		return;
	n = read(fd, text, sizeof(text));
	close(fd);
	if (n <= 0 || !parse_uuid(text, (size_t)n, id))
		memset(id, 0, 16);
}
