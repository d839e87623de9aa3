/* SPDX-License-Identifier: ISC */
/*
 * The language of the configuration file, without knowing what is said in it.
 *
 * One statement a line, its words parted by blanks.  A word in quotes may hold
 * anything but the end of the line, with \" and \\ as its only escapes; outside
 * of quotes a backslash has one use, as the last character of a line that goes
 * on in the next.  "#" at the start of a word is a comment up to the end of the
 * line.  "{" and "}" as words of their own enclose a block of statements, which
 * may have blocks again: the list is flat and says the depth, so nothing here
 * calls itself.
 *
 * Errors are collected, not returned: a malformed line is reported and left
 * out, and reading goes on with the next, so that one run shows everything.
 * What is quoted in an error is always valid UTF-8 without control characters,
 * because a file that is anything else is refused before its first word.
 * conf/conf is the caller; conf/sentence uses the way errors are said.
 */
#include "conf/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/utf8.h"
#include "os/file.h"

#define QUOTED_MAX	64	/* bytes of a word that an error shows */
#define DISTANCE_MAX	64	/* str_distance() takes no longer words */

enum token {
	TOKEN_WORD,
	TOKEN_OPEN,
	TOKEN_CLOSE,
	TOKEN_NEWLINE,
	TOKEN_BAD,		/* reported */
	TOKEN_END,
};

struct reader {
	struct arena	*arena;
	struct str	 text;
	size_t		 at;
	struct place	 place;		/* of text.p[at] */
	struct statement now;		/* being read; no words: none */
	bool		 closed;	/* a block ended on this line */
	unsigned	 depth;
	struct place	 open[READER_DEPTH_MAX];	/* the open braces */
	statement_vec	*out;
	struct reader_errors *errors;
};

void
reader_errors_init(struct reader_errors *e, const char *file, struct buf *out)
{
	e->file = file;
	e->out = out;
	e->n = 0;
}

void
reader_error(struct reader_errors *e, struct place at, const char *fmt, ...)
{
	va_list ap;

	e->n++;
	if (e->n == READER_ERRORS_MAX + 1)
		buf_printf(e->out, "%s: too many errors\n", e->file);
	if (e->n > READER_ERRORS_MAX)
		return;
	buf_printf(e->out, "%s:", e->file);
	if (at.line != 0)
		buf_printf(e->out, "%u:%u:", at.line, at.column);
	buf_putc(e->out, ' ');
	va_start(ap, fmt);
	buf_vprintf(e->out, fmt, ap);
	va_end(ap);
	buf_putc(e->out, '\n');
}

void
reader_put_quoted(struct buf *out, struct str s)
{
	size_t n = s.n;

	if (n > QUOTED_MAX) {
		n = QUOTED_MAX;
		while (n > 0 && ((unsigned char)s.p[n] & 0xc0) == 0x80)
			n--;
	}
	buf_putc(out, '"');
	buf_puts(out, str_slice(s, 0, n));
	buf_putz(out, n < s.n ? "..." : "");
	buf_putc(out, '"');
}

void
reader_put_word(struct buf *out, struct str s)
{
	bool plain = s.n > 0 && s.p[0] != '#' && !str_eq(s, STR("{")) &&
	    !str_eq(s, STR("}"));
	size_t i;

	for (i = 0; i < s.n; i++)
		if (str_is_blank(s.p[i]) || s.p[i] == '"' || s.p[i] == '\\')
			plain = false;
	if (plain) {
		buf_puts(out, s);
		return;
	}
	buf_putc(out, '"');
	for (i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			buf_putc(out, '\\');
		buf_putc(out, s.p[i]);
	}
	buf_putc(out, '"');
}

const char *
reader_nearest(struct str got, const char *const *known)
{
	const char *best = NULL;
	unsigned distance, least = 3;

	if (got.n == 0 || got.n > DISTANCE_MAX)
		return NULL;
	/* A short word would be near to anything. */
	if (got.n < 4)
		least = 2;
	for (; *known != NULL; known++) {
		distance = str_distance(got, str_of(*known));
		if (distance < least && distance < str_of(*known).n) {
			least = distance;
			best = *known;
		}
	}
	return best;
}

void
reader_expected(struct reader_errors *e, const struct statement *s, size_t i,
    const char *what, const char *const *known)
{
	struct buf text;
	const char *near = NULL;
	struct place at = s->end;

	buf_init(&text);
	buf_printf(&text, "expected %s, got ", what);
	if (i < s->words.n) {
		at = s->words.p[i].place;
		reader_put_quoted(&text, s->words.p[i].text);
		if (known != NULL)
			near = reader_nearest(s->words.p[i].text, known);
	} else
		buf_putz(&text, "the end of the line");
	if (near != NULL)
		buf_printf(&text, "; did you mean \"%s\"?", near);
	reader_error(e, at, "%s", buf_cstr(&text));
	buf_free(&text);
}

/* Only root may say what a process that starts as root does. */
static int
check_owner(const struct stat *st, struct reader_errors *e)
{
	const struct place whole = { 0, 0 };

	if (geteuid() != 0)
		return 0;
	if (st->st_uid != 0) {
		reader_error(e, whole, "must belong to root, not to user %lu",
		    (unsigned long)st->st_uid);
		return -1;
	}
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0) {
		reader_error(e, whole, "must not be writable by group or "
		    "others (its mode is %04o)",
		    (unsigned)st->st_mode & 07777);
		return -1;
	}
	return 0;
}

/* A failed operation on the file: its text has the path in it. */
static void
report(struct reader_errors *e, const struct fault *why)
{
	e->n++;
	buf_printf(e->out, "%s\n", why->text);
}

static int
load_open(int fd, struct buf *text, struct reader_errors *e)
{
	const struct place whole = { 0, 0 };
	struct fault why;
	struct stat st;
	size_t n;

	if (fstat(fd, &st) == -1) {
		reader_error(e, whole, "cannot be examined");
		return -1;
	}
	if (check_owner(&st, e) == -1)
		return -1;
	if (st.st_size > READER_FILE_MAX) {
		reader_error(e, whole, "is larger than 1M");
		return -1;
	}
	n = (size_t)st.st_size;
	if (n > 0 && file_pread(fd, buf_room(text, n), n, 0, &why) == -1) {
		report(e, &why);
		return -1;
	}
	buf_grew(text, n);
	return 1;
}

int
reader_load(const char *path, bool may_be_missing, struct buf *text,
    struct reader_errors *e)
{
	const struct place whole = { 0, 0 };
	struct fault why;
	struct stat st;
	int fd, result;

	if (lstat(path, &st) == -1) {
		if (may_be_missing && errno == ENOENT)
			return 0;
	} else if (S_ISLNK(st.st_mode)) {
		reader_error(e, whole, "must be a file, not a symbolic link");
		return -1;
	}
	fd = file_open_read(AT_FDCWD, path, &why);
	if (fd == -1) {
		report(e, &why);
		return -1;
	}
	result = load_open(fd, text, e);
	close(fd);
	return result;
}

static bool
at_end(const struct reader *r)
{
	return r->at == r->text.n;
}

/* The byte that is n behind the current one; NUL, which is in no text, behind
 * the end. */
static char
peek(const struct reader *r, size_t n)
{
	return n < r->text.n - r->at ? r->text.p[r->at + n] : '\0';
}

static void
step(struct reader *r)
{
	unsigned char c = (unsigned char)r->text.p[r->at++];

	if (c == '\n') {
		r->place.line++;
		r->place.column = 1;
	} else if ((c & 0xc0) != 0x80)	/* one column a character */
		r->place.column++;
}

static void
step_over(struct reader *r, unsigned n)
{
	while (n-- > 0)
		step(r);
}

/* How many bytes n behind the current one end the line: 0, 1 or 2. */
static unsigned
line_end(const struct reader *r, size_t n)
{
	if (peek(r, n) == '\n')
		return 1;
	return peek(r, n) == '\r' && peek(r, n + 1) == '\n' ? 2 : 0;
}

static void
skip_line(struct reader *r)
{
	while (!at_end(r) && line_end(r, 0) == 0)
		step(r);
}

/* Blanks, comments, and the ends of lines that go on. */
static void
skip_blank(struct reader *r)
{
	unsigned n;

	for (;;) {
		if (str_is_blank(peek(r, 0)))
			step(r);
		else if (peek(r, 0) == '#')
			skip_line(r);
		else if (peek(r, 0) == '\\' && (n = line_end(r, 1)) > 0)
			step_over(r, n + 1);
		else
			return;
	}
}

/* Is a word over before the current byte? */
static bool
is_word_end(const struct reader *r)
{
	return at_end(r) || str_is_blank(peek(r, 0)) || line_end(r, 0) > 0 ||
	    (peek(r, 0) == '\\' && line_end(r, 1) > 0);
}

/* The inside of a quoted word, up to its closing quote. */
static bool
unquote(struct reader *r, struct buf *text)
{
	for (; peek(r, 0) != '"'; step(r)) {
		if (at_end(r) || line_end(r, 0) > 0) {
			reader_error(r->errors, r->place, "expected a closing "
			    "quote, got the end of the line");
			return false;
		}
		if (peek(r, 0) == '\\') {
			if (peek(r, 1) != '"' && peek(r, 1) != '\\') {
				reader_error(r->errors, r->place,
				    "expected \\\" or \\\\ for a quote or a "
				    "backslash, got another escape");
				return false;
			}
			step(r);
		}
		buf_putc(text, peek(r, 0));
	}
	return true;
}

static enum token
scan_quoted(struct reader *r, struct word *w)
{
	enum token token = TOKEN_BAD;
	struct buf text;

	buf_init(&text);
	step(r);
	if (unquote(r, &text)) {
		step(r);
		if (is_word_end(r)) {
			w->text = arena_str(r->arena, buf_str(&text));
			token = TOKEN_WORD;
		} else
			reader_error(r->errors, r->place,
			    "expected a blank behind the closing quote");
	}
	buf_free(&text);
	return token;
}

static enum token
scan_plain(struct reader *r, struct word *w)
{
	size_t from = r->at;

	for (; !is_word_end(r); step(r)) {
		if (peek(r, 0) == '"') {
			reader_error(r->errors, r->place, "expected a blank "
			    "before the quote; quote the whole word");
			return TOKEN_BAD;
		}
		if (peek(r, 0) == '\\') {
			reader_error(r->errors, r->place, "expected the end "
			    "of the line behind the backslash; quote a word "
			    "that has one");
			return TOKEN_BAD;
		}
	}
	w->text = str_slice(r->text, from, r->at);
	if (str_eq(w->text, STR("{")))
		return TOKEN_OPEN;
	if (str_eq(w->text, STR("}")))
		return TOKEN_CLOSE;
	return TOKEN_WORD;
}

static enum token
scan(struct reader *r, struct word *w)
{
	unsigned n;

	skip_blank(r);
	w->place = r->place;
	if (at_end(r))
		return TOKEN_END;
	n = line_end(r, 0);
	if (n > 0) {
		step_over(r, n);
		return TOKEN_NEWLINE;
	}
	return peek(r, 0) == '"' ? scan_quoted(r, w) : scan_plain(r, w);
}

static void
forget(struct reader *r)
{
	r->now = (struct statement){ .depth = r->depth };
}

static void
finish(struct reader *r)
{
	if (r->now.words.n > 0)
		vec_push(r->arena, r->out, r->now);
	forget(r);
}

static void
add_word(struct reader *r, const struct word *w)
{
	if (r->closed) {
		reader_error(r->errors, w->place,
		    "expected the end of the line behind }");
		skip_line(r);
		return;
	}
	if (r->now.words.n == 0)
		r->now.place = w->place;
	vec_push(r->arena, &r->now.words, *w);
	r->now.end = r->place;
}

static void
open_block(struct reader *r, const struct word *w)
{
	if (r->now.words.n == 0)
		reader_error(r->errors, w->place,
		    "expected a name before {");
	if (r->depth < READER_DEPTH_MAX)
		r->open[r->depth] = w->place;
	else if (r->depth == READER_DEPTH_MAX)
		reader_error(r->errors, w->place,
		    "expected at most %d blocks within each other",
		    READER_DEPTH_MAX);
	r->now.block = true;
	r->depth++;
	finish(r);
}

static void
close_block(struct reader *r, const struct word *w)
{
	if (r->depth == 0) {
		reader_error(r->errors, w->place,
		    "this } closes no block");
		return;
	}
	finish(r);
	r->depth--;
	forget(r);
	r->closed = true;
}

static void
close_text(struct reader *r)
{
	unsigned n = r->depth;

	finish(r);
	if (n > READER_DEPTH_MAX)
		n = READER_DEPTH_MAX;
	if (n > 0)
		reader_error(r->errors, r->open[n - 1],
		    "expected } for this {, got the end of the file");
}

/* Is it a text at all?  Says where not. */
static bool
is_text(struct reader *r)
{
	unsigned n;

	while (!at_end(r)) {
		n = utf8_char(str_from(r->text, r->at), NULL);
		if (n == 0) {
			reader_error(r->errors, r->place,
			    "expected a text in UTF-8, got other bytes");
			return false;
		}
		if (str_is_control(peek(r, 0)) && line_end(r, 0) == 0 &&
		    peek(r, 0) != '\t') {
			reader_error(r->errors, r->place, "expected a text, "
			    "got the control character 0x%02x",
			    (unsigned)(unsigned char)peek(r, 0));
			return false;
		}
		step_over(r, n);
	}
	r->at = 0;
	r->place = (struct place){ 1, 1 };
	return true;
}

void
reader_parse(struct arena *arena, struct str text, statement_vec *out,
    struct reader_errors *errors)
{
	struct reader r = { .arena = arena, .text = text, .out = out,
	    .errors = errors, .place = { 1, 1 } };
	struct word w;
	enum token token;

	/* Some editors write a byte order mark. */
	if (str_starts(text, STR("\xef\xbb\xbf")))
		r.text = str_from(text, 3);
	if (!is_text(&r))
		return;
	do {
		w = (struct word){ .text = STR_NONE };
		token = scan(&r, &w);
		switch (token) {
		case TOKEN_WORD:
			add_word(&r, &w);
			break;
		case TOKEN_OPEN:
			open_block(&r, &w);
			break;
		case TOKEN_CLOSE:
			close_block(&r, &w);
			break;
		case TOKEN_NEWLINE:
			finish(&r);
			r.closed = false;
			break;
		case TOKEN_BAD:
			forget(&r);
			skip_line(&r);
			break;
		case TOKEN_END:
			close_text(&r);
			break;
		}
	} while (token != TOKEN_END);
}
