/* SPDX-License-Identifier: ISC */
#ifndef OS_CRC_H
#define OS_CRC_H

#include <stddef.h>
#include <stdint.h>

/* CRC-32C (Castagnoli), by the processor's instruction where it has one.
 * Start with 0; feed the result back to continue. */
uint32_t crc32c(uint32_t crc, const void *p, size_t n);
/* The same without the instruction; public for the comparison in the tests. */
uint32_t crc32c_by_table(uint32_t crc, const void *p, size_t n);

#endif
