/* SPDX-License-Identifier: ISC */
/*
 * newaliases: from the text of /etc/aliases to a compiled map.
 *
 *	# comment
 *	name: value, value,
 *		value
 *	"quoted name": "|command with, a comma", :include:/path, \user
 *
 * A logical line is a line and the ones behind it that begin with a blank;
 * empty lines and comments may stand anywhere and end nothing.  The name is
 * unquoted and put in lower case; the value is kept as the text that it is, its
 * lines joined, because whoever looks it up (route/alias, Postfix, sendmail)
 * takes it apart again.  Here it is only taken apart to warn about what will
 * not work.
 *
 * What is wrong with a line is said and the other lines are compiled all the
 * same: one slip of the pen must not take the mail of a whole site.  Only the
 * outside world (no file, a full disk) makes it fail, and then the compiled
 * map that is there stays as it was.
 *
 * build_cut() takes a right-hand side apart; it is the one reading of it, used
 * for the warnings here and for the delivery in route/alias.
 */
#include "map/build.h"

#include <sys/stat.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "mail/address.h"
#include "mail/nfc.h"
#include "map/db.h"
#include "os/file.h"

#define SOURCE_MAX	((off_t)256 * 1024 * 1024)
#define NAME_MAX_LEN	ADDRESS_MAX

struct reading {
	struct str		 rest;
	unsigned		 line;	/* number of the next line */
	unsigned		 start;	/* where the logical line began */
	struct buf		 text;	/* the logical line */
	struct arena		 arena;	/* of one entry */
	build_take		*take;
	build_warn		*warn;
	void			*ctx;
	struct build_report	*report;
};

static void
warn(struct reading *r, const char *text)
{
	r->report->warnings++;
	if (r->warn != NULL)
		r->warn(r->ctx, r->start, text);
}

/* Steps over a quoted string or a comment that begins at s[at]; the index
 * behind its end, or 0 when it has none. */
static size_t
skip_enclosed(struct str s, size_t at)
{
	unsigned depth = 0;
	bool quoted = s.p[at] == '"';
	size_t i;

	for (i = at; i < s.n; i++) {
		if (s.p[i] == '\\')
			i++;
		else if (quoted && s.p[i] == '"' && i > at)
			return i + 1;
		else if (!quoted && s.p[i] == '(')
			depth++;
		else if (!quoted && s.p[i] == ')' && --depth == 0)
			return i + 1;
	}
	return 0;
}

/* s is a quoted string from end to end: what it says. */
static struct str
unquote(struct arena *arena, struct str s)
{
	char *p = arena_alloc(arena, s.n);
	size_t i, n = 0;

	for (i = 1; i + 1 < s.n; i++) {
		if (s.p[i] == '\\' && i + 2 < s.n)
			i++;
		p[n++] = s.p[i];
	}
	return str_span(p, n);
}

static struct build_target
classify(struct arena *arena, struct str piece)
{
	static const struct str include = { ":include:", 9 };
	struct build_target t = { BUILD_ADDRESS, piece };
	struct str s = piece;
	bool quoted;

	quoted = s.p[0] == '"' && skip_enclosed(s, 0) == s.n;
	if (quoted)
		s = unquote(arena, s);
	if (s.n == 0)
		return t;
	if (s.p[0] == '|') {
		t.kind = BUILD_PROGRAM;
		t.text = str_trim(str_from(s, 1));
	} else if (s.p[0] == '/') {
		t.kind = BUILD_FILE;
		t.text = s;
	} else if (str_casestarts(s, include)) {
		t.kind = BUILD_INCLUDE;
		t.text = str_trim(str_from(s, include.n));
	} else if (s.p[0] == '\\' && !quoted) {
		t.kind = BUILD_USER;
		t.text = str_from(s, 1);
	}
	return t;
}

/* The length of the piece in front of the next comma, or of all; SIZE_MAX
 * when something in it does not end. */
static size_t
measure(struct str s)
{
	size_t i = 0;

	while (i < s.n && s.p[i] != ',') {
		if (s.p[i] == '"' || s.p[i] == '(') {
			i = skip_enclosed(s, i);
			if (i == 0)
				return SIZE_MAX;
		} else if (s.p[i] == '\\' && i + 1 < s.n)
			i += 2;
		else
			i++;
	}
	return i;
}

int
build_cut(struct arena *arena, struct str *rest, struct build_target *target)
{
	struct str piece;
	size_t n;

	while (rest->n > 0) {
		n = measure(*rest);
		if (n == SIZE_MAX)
			return -1;
		piece = str_trim(str_slice(*rest, 0, n));
		*rest = str_from(*rest, n + 1);
		if (piece.n == 0)
			continue;
		*target = classify(arena, piece);
		return 1;
	}
	return 0;
}

/* NULL or what is wrong with one piece of a value. */
static const char *
judge_target(struct arena *arena, const struct build_target *t)
{
	address_vec list = { 0 };
	struct fault ignored;

	switch (t->kind) {
	case BUILD_ADDRESS:
	case BUILD_USER:
		if (address_parse_list(arena, t->text, &list, &ignored) == -1 ||
		    list.n == 0)
			return "an address is malformed; "
			    "mail for this name will wait";
		return NULL;
	case BUILD_PROGRAM:
	case BUILD_FILE:
		return "a program or file as recipient is not supported; "
		    "mail for this name will wait; "
		    "use a user's deliver command";
	case BUILD_INCLUDE:
		if (t->text.n == 0 || t->text.p[0] != '/')
			return ":include: needs an absolute path; "
			    "mail for this name will wait";
		return NULL;
	}
	return NULL;
}

/* Warns once when the value is such that mail for it will wait. */
static void
check_value(struct reading *r, struct str value)
{
	struct build_target t;
	const char *wrong = NULL;
	int cut = 1;

	while (wrong == NULL &&
	    (cut = build_cut(&r->arena, &value, &t)) == 1)
		wrong = judge_target(&r->arena, &t);
	if (cut == -1)
		wrong = "a quote or comment does not end; "
		    "mail for this name will wait";
	if (wrong != NULL)
		warn(r, wrong);
}

/* Cuts the name and its colon off the front of *line.  NULL or what is wrong
 * with it. */
static const char *
cut_name(struct reading *r, struct str *line, struct str *name)
{
	size_t i;

	if (line->p[0] == '"') {
		i = skip_enclosed(*line, 0);
		if (i == 0)
			return "the quoted name does not end";
		*name = unquote(&r->arena, str_slice(*line, 0, i));
	} else {
		for (i = 0; i < line->n && !str_is_blank(line->p[i]) &&
		    strchr(":\"\\(),;<>", line->p[i]) == NULL; i++)
			;
		*name = arena_str(&r->arena, str_slice(*line, 0, i));
	}
	while (i < line->n && str_is_blank(line->p[i]))
		i++;
	if (i == line->n || line->p[i] != ':')
		return "expected \"name: value\"";
	*line = str_trim(str_from(*line, i + 1));
	if (name->n == 0)
		return "the name is empty";
	if (name->n > NAME_MAX_LEN)
		return "the name is too long";
	if (str_find(*name, '@') != name->n)
		return "the name must be local, without an \"@\"";
	if (line->n == 0)
		return "the name has no value";
	return NULL;
}

static bool
has_control(struct str s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if (str_is_control(s.p[i]) && s.p[i] != '\t')
			return true;
	return false;
}

static int
read_entry(struct reading *r, struct fault *why)
{
	struct str line = str_trim(buf_str(&r->text)), name;
	struct build_report *report = r->report;
	const char *wrong;
	bool duplicate = false;

	if (line.n == 0)
		return 0;
	arena_reset(&r->arena);
	report->line = r->start;
	if (has_control(line) || !utf8_is_valid(line))
		wrong = "there is a control character or malformed UTF-8";
	else
		wrong = cut_name(r, &line, &name);
	if (wrong != NULL) {
		warn(r, wrong);
		return 0;
	}
	if (r->take(r->ctx, nfc_fold(&r->arena, name), line, &duplicate,
	    why) == -1)
		return -1;
	if (duplicate) {
		warn(r, "the name has an entry already; the first one counts");
		return 0;
	}
	report->entries++;
	report->bytes += line.n;
	if (line.n > report->longest)
		report->longest = line.n;
	check_value(r, line);
	return 0;
}

/* The next physical line, without its end; its number is r->line - 1. */
static bool
next_line(struct reading *r, struct str *line)
{
	if (!str_cut(&r->rest, '\n', line))
		return false;
	if (line->n > 0 && line->p[line->n - 1] == '\r')
		line->n--;
	r->line++;
	return true;
}

static int
read_lines(struct reading *r, struct fault *why)
{
	struct str line, s;
	bool open = false;

	while (next_line(r, &line)) {
		s = str_trim(line);
		if (s.n == 0 || s.p[0] == '#')
			continue;
		if (str_is_blank(line.p[0])) {
			if (open) {
				buf_puts(&r->text, line);
				continue;
			}
			r->start = r->line - 1;
			warn(r, "there is no entry that this line continues");
			continue;
		}
		if (read_entry(r, why) == -1)
			return -1;
		open = true;
		buf_reset(&r->text);
		buf_puts(&r->text, line);
		r->start = r->line - 1;
	}
	return read_entry(r, why);
}

int
build_parse(struct str source, build_take *take, build_warn *say, void *ctx,
    struct build_report *report, struct fault *why)
{
	struct reading r;
	int result;

	memset(report, 0, sizeof(*report));
	memset(&r, 0, sizeof(r));
	r.rest = source;
	r.line = 1;
	r.take = take;
	r.warn = say;
	r.ctx = ctx;
	r.report = report;
	result = read_lines(&r, why);
	buf_free(&r.text);
	arena_free(&r.arena);
	return result;
}

/* The source may be a symbolic link, as /etc/aliases often is. */
static int
load(const char *path, struct buf *out, struct fault *why)
{
	struct stat st;
	int fd, r;

	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd == -1)
		return fault_system(why, errno, "%s", path);
	if (fstat(fd, &st) == -1)
		r = fault_system(why, errno, "%s", path);
	else if (!S_ISREG(st.st_mode) || st.st_size > SOURCE_MAX)
		r = fault_permanent(why, 550, 3, 5,
		    "%s: no regular file of at most 256 MB", path);
	else {
		r = file_pread(fd, buf_room(out, (size_t)st.st_size),
		    (size_t)st.st_size, 0, why);
		if (r == 0)
			buf_grew(out, (size_t)st.st_size);
	}
	close(fd);
	return r;
}

int
build_parse_file(const char *path, build_take *take, build_warn *say,
    void *ctx, struct build_report *report, struct fault *why)
{
	struct buf source = { 0 };
	int r = load(path, &source, why);

	if (r == 0)
		r = build_parse(buf_str(&source), take, say, ctx, report, why);
	buf_free(&source);
	return r;
}

struct building {
	struct db_writer	*writer;
	build_warn		*warn;
	void			*ctx;
};

static int
put(void *ctx, struct str key, struct str value, bool *duplicate,
    struct fault *why)
{
	struct building *b = ctx;

	return db_writer_put(b->writer, key, value, duplicate, why);
}

static void
pass_warning(void *ctx, unsigned line, const char *text)
{
	struct building *b = ctx;

	if (b->warn != NULL)
		b->warn(b->ctx, line, text);
}

static int
compile(struct str source, const char *path, struct building *b,
    struct build_report *report, struct fault *why)
{
	bool duplicate;
	int r;

	b->writer = db_writer_new(path, why);
	if (b->writer == NULL)
		return -1;
	r = build_parse(source, put, pass_warning, b, report, why);
	/* sendmail waits for this key: it says that the map is complete. */
	if (r == 0)
		r = db_writer_put(b->writer, STR("@"), STR("@"), &duplicate,
		    why);
	if (r == 0)
		return db_writer_commit(b->writer, why);
	db_writer_abort(b->writer);
	return -1;
}

int
build_aliases(const char *path, build_warn *say, void *ctx,
    struct build_report *report, struct fault *why)
{
	struct building b = { NULL, say, ctx };
	struct buf source, name;
	int r;

	memset(report, 0, sizeof(*report));
	buf_init(&source);
	buf_init(&name);
	buf_printf(&name, "%s.db", path);
	r = load(path, &source, why);
	if (r == 0)
		r = compile(buf_str(&source), buf_cstr(&name), &b, report,
		    why);
	buf_free(&source);
	buf_free(&name);
	return r;
}
