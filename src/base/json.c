/* SPDX-License-Identifier: ISC */
/*
 * Strings as JSON has them (RFC 8259 7).  Bytes that are not UTF-8 come out as
 * U+FFFD, since JSON has no other way; control characters, quotes and
 * backslashes are escaped, so that no text can end its string.
 *
 * Nothing else of JSON is here: whoever writes an object writes its braces.
 * Called by show/json and admin/account.
 */
#include "base/json.h"

#include "base/utf8.h"

void
json_put_string(struct buf *b, struct str s)
{
	buf_putc(b, '"');
	while (s.n > 0) {
		unsigned n = utf8_char(s, NULL);
		char c = s.p[0];

		if (n == 0) {
			buf_putz(b, "\\ufffd");
			n = 1;
		} else if (c == '"' || c == '\\') {
			buf_putc(b, '\\');
			buf_putc(b, c);
		} else if (n == 1 && str_is_control(c)) {
			buf_printf(b, "\\u%04x", (unsigned)(unsigned char)c);
		} else {
			buf_put(b, s.p, n);
		}
		s = str_from(s, n);
	}
	buf_putc(b, '"');
}
