/* SPDX-License-Identifier: ISC */
#ifndef SPOOL_PACK_H
#define SPOOL_PACK_H

#include <stdbool.h>
#include <stdint.h>
#include "spool/path.h"

/*
 * An entry's name in twelve bytes, for whoever keeps a million of them: the
 * ninety bits of its id, and six for the numbers of its bounces.
 */
#define PACK_SIZE	12

/* False: it is no entry's name, or one with a higher number than fits (the
 * eighth bounce about one message). */
bool	pack_name(const char *name, uint8_t out[PACK_SIZE]);
/* Every name that was packed comes back as it was; false for bytes that were
 * not made by pack_name(). */
bool	pack_open(const uint8_t in[PACK_SIZE], char name[SPOOL_NAME_MAX]);
/* The directory in which it lies, 0 to SPOOL_SHARDS - 1. */
unsigned pack_shard(const uint8_t in[PACK_SIZE]);

#endif
