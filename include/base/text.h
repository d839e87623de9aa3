/* SPDX-License-Identifier: ISC */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdarg.h>
#include <stddef.h>

/*
 * snprintf(3): writes what the format says to out, cut to room - 1 bytes and
 * ended by NUL (nothing at all where room is 0), and returns how long it is
 * uncut.  The format and its arguments are the C library's, all of them.
 */
size_t	text_print(char *out, size_t room, const char *fmt, ...)
	    __attribute__((format(printf, 3, 4)));
size_t	text_vprint(char *out, size_t room, const char *fmt, va_list)
	    __attribute__((format(printf, 3, 0)));

#endif
