/* SPDX-License-Identifier: ISC */
#ifndef BASE_NUM_H
#define BASE_NUM_H

#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/str.h"

/* The only place where text becomes a number. */

/* Decimal digits only, no sign, no blanks; false when malformed or > max. */
bool	num_parse(struct str, uint64_t max, uint64_t *out);
/* 10, 10K, 10M, 10G, in bytes (powers of 1024); letter in any case. */
bool	num_parse_size(struct str, uint64_t max, uint64_t *out);
/* 10, 10s, 5m, 2h, 1d, 1w and sums such as 1h30m, in seconds.  The units of a
 * sum fall and each has its letter. */
bool	num_parse_duration(struct str, uint64_t max, uint64_t *out);
/* An exact form of those: in the greatest unit that divides the number, or as
 * the sum where that is shorter. */
void	num_format_size(struct buf *, uint64_t bytes);
void	num_format_duration(struct buf *, uint64_t seconds);

/* Crockford base 32, upper case, most significant digit first; the order of
 * the texts is the order of the numbers.  Writes exactly digits chars, no NUL:
 * the low 5 * digits bits of value. */
void	num_base32(char *out, unsigned digits, uint64_t value);
/* False on any other character, on no character and above 64 bits. */
bool	num_parse_base32(struct str, uint64_t *out);

#endif
