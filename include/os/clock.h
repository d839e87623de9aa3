/* SPDX-License-Identifier: ISC */
#ifndef OS_CLOCK_H
#define OS_CLOCK_H

#include <stdint.h>

/*
 * Three clocks.  Wall time is what people read and what is kept on the disk.
 * Boot time (CLOCK_BOOTTIME) never jumps and schedules everything within this
 * boot.  Monotonic time is for deadlines.
 */
int64_t	clock_wall(void);		/* seconds since 1970 */
int64_t	clock_wall_ms(void);
int64_t	clock_boot_ms(void);
int64_t	clock_mono_ms(void);
/* Identity of this boot; all zero where the system has none. */
void	clock_boot_id(uint8_t id[16]);

#endif
