/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_DEAD_LETTER_H
#define CLIENT_DEAD_LETTER_H

#include <stdint.h>
#include "base/fault.h"
#include "base/str.h"

/*
 * Appends a message that nobody will take to "dead.letter" in the directory,
 * in mbox form: the "From " line with sender and time (wall, seconds), LF line
 * ends, a ">" before what would look like another message.  text has CRLF
 * lines.
 */
int	dead_letter_save(const char *dir, struct str sender, int64_t when,
	    struct str text, struct fault *);

#endif
