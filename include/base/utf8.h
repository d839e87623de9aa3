/* SPDX-License-Identifier: ISC */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stdint.h>
#include "base/str.h"

/* UTF-8 as of RFC 3629: no overlong forms, no surrogates, <= U+10FFFF. */

/* Length in bytes of the valid character at the front (1..4), its code point
 * in *cp (may be NULL); 0 when the front is not valid. */
unsigned utf8_char(struct str, uint32_t *cp);
bool	utf8_is_valid(struct str);
bool	utf8_is_ascii(struct str);		/* every byte < 0x80 */

#endif
