/* SPDX-License-Identifier: ISC */
#ifndef VISIT_PACE_H
#define VISIT_PACE_H

#include <stdbool.h>
#include <stdint.h>

/* A content may come as slowly as it likes for so long. */
#define PACE_GRACE_MS	30000

/* Has content of so many bytes, that came within so many ms, come with less
 * than rate bytes a second?  Never within the grace; rate 0: never at all. */
bool	pace_is_too_slow(uint64_t rate, int64_t ms, uint64_t bytes);

#endif
