/* SPDX-License-Identifier: ISC */
/*
 * What sendmail writes into address fields: a full name that came from the
 * password file, the environment or -F, and the domain that programs leave out
 * because on this machine everybody knows it ("From: root (Cron Daemon)").
 * A field without a domain means something else as soon as it has left the
 * machine, and RFC 5322 3.4.1 does not allow it.
 *
 * Both are spellings only: nobody is looked up, and an address that already
 * has a domain, or a value that cannot be understood, is never changed.
 * Called by client/heading.
 */
#include "client/words.h"

#include <string.h>

#include "base/utf8.h"
#include "mail/lex.h"

#define ENCODED_MAX	75	/* RFC 2047 2 */
#define ENCODED_HEAD	"=?UTF-8?Q?"
#define ENCODED_TAIL	"?="

/* Control characters become spaces, the ends are trimmed, the length is
 * bounded without cutting a character in two. */
static struct str
clean(struct str name, char room[WORDS_PHRASE_MAX])
{
	size_t n = name.n < WORDS_PHRASE_MAX ? name.n : WORDS_PHRASE_MAX;

	while (n < name.n && n > 0 && ((unsigned char)name.p[n] & 0xc0) == 0x80)
		n--;
	for (size_t i = 0; i < n; i++)
		room[i] = str_is_control(name.p[i]) ? ' ' : name.p[i];
	return str_trim(str_span(room, n));
}

static bool
is_plain(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != ' ' && !lex_is_atext(s.p[i]))
			return false;
	return true;
}

static void
put_quoted(struct buf *b, struct str s)
{
	buf_putc(b, '"');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			buf_putc(b, '\\');
		buf_putc(b, s.p[i]);
	}
	buf_putc(b, '"');
}

/* One byte in the "Q" encoding as a phrase allows it: RFC 2047 5 (3). */
static size_t
encode(char out[3], char c)
{
	static const char hex[] = "0123456789ABCDEF";

	out[0] = c;
	if (str_is_alnum(c) || (c != '\0' && strchr("!*+-/", c) != NULL))
		return 1;
	out[0] = c == ' ' ? '_' : '=';
	out[1] = hex[(unsigned char)c >> 4];
	out[2] = hex[(unsigned char)c & 15];
	return c == ' ' ? 1 : 3;
}

static void
put_encoded(struct buf *b, struct str s)
{
	char piece[3 * 4];
	size_t start = b->n, n;
	unsigned bytes, i;

	buf_putz(b, ENCODED_HEAD);
	for (; s.n > 0; s = str_from(s, bytes)) {
		bytes = utf8_char(s, NULL);
		for (n = i = 0; i < bytes; i++)
			n += encode(piece + n, s.p[i]);
		if (b->n - start + n + strlen(ENCODED_TAIL) > ENCODED_MAX) {
			buf_putz(b, ENCODED_TAIL "\r\n ");
			start = b->n;
			buf_putz(b, ENCODED_HEAD);
		}
		buf_put(b, piece, n);
	}
	buf_putz(b, ENCODED_TAIL);
}

bool
words_put_phrase(struct buf *b, struct str name)
{
	char room[WORDS_PHRASE_MAX];
	struct str s = clean(name, room);

	if (s.n == 0 || !utf8_is_valid(s))
		return false;
	if (!utf8_is_ascii(s))
		put_encoded(b, s);
	else if (is_plain(s))
		buf_puts(b, s);
	else
		put_quoted(b, s);
	return true;
}

/* A walk over the value of an address field. */
struct walk {
	struct lex	lx;
	struct str	value;
	struct str	host;
	struct buf	out;
	size_t		copied;		/* of the value */
	size_t		words;		/* of the mailbox so far */
	size_t		end;		/* behind the last of them */
	bool		settled;	/* it has a domain, or "<" is to come */
};

static void
begin_mailbox(struct walk *w)
{
	w->words = 0;
	w->settled = false;
}

/* An address of one word without a domain ends here. */
static void
end_mailbox(struct walk *w)
{
	if (w->words == 1 && !w->settled) {
		buf_puts(&w->out, str_slice(w->value, w->copied, w->end));
		buf_putc(&w->out, '@');
		buf_puts(&w->out, w->host);
		w->copied = w->end;
	}
	begin_mailbox(w);
}

static bool
step_special(struct walk *w)
{
	if (lex_char(&w->lx, '@')) {
		w->settled = true;
	} else if (lex_char(&w->lx, '<') || lex_char(&w->lx, ':')) {
		begin_mailbox(w);
	} else if (lex_char(&w->lx, '>')) {
		end_mailbox(w);
		w->settled = true;
	} else if (lex_char(&w->lx, ',') || lex_char(&w->lx, ';')) {
		end_mailbox(w);
	} else if (lex_char(&w->lx, '[')) {
		w->lx.rest = str_from(w->lx.rest,
		    str_find(w->lx.rest, ']') + 1);
	} else if (lex_char(&w->lx, '.')) {
		w->settled = true;
	} else {
		return false;
	}
	return true;
}

/* False: this is no address list. */
static bool
step(struct walk *w)
{
	struct str word;

	if (!lex_dot_atom(&w->lx, &word) && !lex_quoted(&w->lx, NULL, NULL))
		return step_special(w);
	w->words++;
	w->end = w->value.n - w->lx.rest.n;
	return true;
}

void
words_put_qualified(struct buf *b, struct str value, struct str host)
{
	struct walk w = { .lx = { value, true }, .value = value, .host = host };
	bool sound = lex_skip_cfws(&w.lx);

	buf_init(&w.out);
	while (sound && !lex_at_end(&w.lx))
		sound = step(&w) && lex_skip_cfws(&w.lx);
	if (sound)
		end_mailbox(&w);
	if (sound && w.copied > 0) {
		buf_puts(b, buf_str(&w.out));
		value = str_from(value, w.copied);
	}
	buf_puts(b, value);
	buf_free(&w.out);
}
