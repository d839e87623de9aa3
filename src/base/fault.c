/* SPDX-License-Identifier: ISC */
/*
 * An expected failure as a value.
 *
 * The text of a fault ends up in a reply, in the log, in the queue and in a
 * bounce, and parts of it come from outside.  So it is made harmless here,
 * once: it is one line of valid UTF-8 without control characters, cut at the
 * border of a character.  A line end becomes a space; any other control
 * character (C0, DEL, C1) and any byte that is not UTF-8 becomes '?'.
 *
 * The arguments may point into the old text of the same fault.  Nothing is
 * logged and nothing is decided here.  Callers are all floors.
 */
#include "base/fault.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include "base/str.h"
#include "base/text.h"
#include "base/utf8.h"

/* A character that begins inside the text is whole in the raw text. */
#define RAW_MAX		(FAULT_TEXT_MAX + 4)

/* How the character at the front is shown; *used bytes of it are eaten. */
static struct str
show(struct str s, size_t *used)
{
	uint32_t	cp;
	unsigned	n = utf8_char(s, &cp);

	*used = n != 0 ? n : 1;
	if (n == 0)
		return STR("?");
	if (str_starts(s, STR("\r\n"))) {
		*used = 2;
		return STR(" ");
	}
	if (cp == '\n')
		return STR(" ");
	if (cp < 0x20 || (cp >= 0x7f && cp < 0xa0))
		return STR("?");
	return str_slice(s, 0, n);
}

static void
clean(char text[FAULT_TEXT_MAX], const char *raw)
{
	struct str	rest = str_of(raw), shown;
	size_t		n = 0, used;

	while (rest.n != 0) {
		shown = show(rest, &used);
		if (shown.n >= FAULT_TEXT_MAX - n)
			break;
		memcpy(text + n, shown.p, shown.n);
		n += shown.n;
		rest = str_from(rest, used);
	}
	text[n] = '\0';
}

__attribute__((format(printf, 2, 0)))
static void
set_text(struct fault *f, const char *fmt, va_list ap)
{
	char	raw[RAW_MAX];

	(void)text_vprint(raw, sizeof(raw), fmt, ap);
	clean(f->text, raw);
}

static void
set_status(struct fault *f, enum fault_kind kind, int reply, int subject,
    int detail)
{
	f->kind = kind;
	f->reply = reply;
	f->subject = subject;
	f->detail = detail;
}

int
fault_temporary(struct fault *f, int reply, int subject, int detail,
    const char *fmt, ...)
{
	va_list	ap;

	set_status(f, FAULT_TEMPORARY, reply, subject, detail);
	va_start(ap, fmt);
	set_text(f, fmt, ap);
	va_end(ap);
	return -1;
}

int
fault_permanent(struct fault *f, int reply, int subject, int detail,
    const char *fmt, ...)
{
	va_list	ap;

	set_status(f, FAULT_PERMANENT, reply, subject, detail);
	va_start(ap, fmt);
	set_text(f, fmt, ap);
	va_end(ap);
	return -1;
}

int
fault_system(struct fault *f, int err, const char *fmt, ...)
{
	char	what[RAW_MAX], raw[RAW_MAX + 128];
	va_list	ap;

	/* Full storage: RFC 3463 3.4, X.3.1; and RFC 5321 4.2.2, 452. */
	if (err == ENOSPC || err == EDQUOT || err == EFBIG)
		set_status(f, FAULT_TEMPORARY, 452, 3, 1);
	else
		set_status(f, FAULT_TEMPORARY, 451, 3, 0);
	va_start(ap, fmt);
	(void)text_vprint(what, sizeof(what), fmt, ap);
	va_end(ap);
	text_print(raw, sizeof(raw), "%s: %s", what, strerror(err));
	clean(f->text, raw);
	return -1;
}

void
fault_prefix(struct fault *f, const char *fmt, ...)
{
	char	head[RAW_MAX], raw[RAW_MAX + FAULT_TEXT_MAX + 2];
	va_list	ap;

	va_start(ap, fmt);
	(void)text_vprint(head, sizeof(head), fmt, ap);
	va_end(ap);
	text_print(raw, sizeof(raw), "%.*s: %.*s", RAW_MAX - 1, head,
	    FAULT_TEXT_MAX - 1, f->text);
	clean(f->text, raw);
}

void
fault_clear(struct fault *f)
{
	*f = (struct fault){ .kind = FAULT_NONE };
}

bool
fault_is_temporary(const struct fault *f)
{
	return f->kind == FAULT_TEMPORARY;
}
