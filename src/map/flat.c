/* SPDX-License-Identifier: ISC */
/*
 * Text files as maps.
 *
 * The file is read whole and once: what was wrong with it was said then, and a
 * lookup cannot fail.  So there is never half a table, and none that changes
 * under a message; whoever changes the file has the daemon read its
 * configuration again, and if the new file is malformed the old table stays.
 *
 * All of it is memory of the process that accepts, which every session
 * inherits: right for lists of thousands, while millions belong into map/db.
 * The walk over lines serves map/cidr too, whose keys are networks.
 *
 * Called through map/map; made by policy/lists.
 */
#include "map/flat.h"

#include <fcntl.h>
#include <string.h>

#include "base/mem.h"
#include "base/table.h"
#include "base/utf8.h"
#include "mail/domain.h"
#include "mail/fold.h"
#include "mail/idna.h"
#include "os/file.h"

#define ERRORS_MAX	20	/* of one file; more would tell no more */
#define SHOWN_MAX	64	/* bytes of a key in an error */

struct entry {
	unsigned	line;
	unsigned	n;
	char		value[];	/* n bytes; mostly none */
};

struct flat {
	struct map	 map;
	struct arena	 arena;
	struct table	 keys;
};

/* ------------------------------------------------------------- lines ---- */

static void
complain(struct flat_lines *l, struct str at, const char *what, bool got)
{
	unsigned column = (unsigned)(at.p - l->line.p) + 1;

	if (++l->wrong > ERRORS_MAX)
		return;
	buf_printf(l->errors, "%s:%u:%u: %s", l->path, l->number, column,
	    what);
	if (got)
		buf_printf(l->errors, ", got \"%.*s\"",
		    STR_ARG(str_slice(at, 0, SHOWN_MAX)));
	buf_putc(l->errors, '\n');
}

bool
flat_lines_open(struct flat_lines *l, const char *path, struct buf *errors)
{
	struct fault why;

	*l = (struct flat_lines){ .path = path, .errors = errors };
	if (file_load(AT_FDCWD, path, FLAT_FILE_MAX, &l->text, &why) < 0) {
		buf_printf(errors, "%s: %s\n", path, why.text);
		l->wrong++;
		return false;
	}
	l->rest = buf_str(&l->text);
	return true;
}

/* Where a comment begins: "#" in front, or behind a blank. */
static size_t
find_comment(struct str line)
{
	size_t i;

	for (i = 0; i < line.n; i++)
		if (line.p[i] == '#' && (i == 0 ||
		    str_is_blank(line.p[i - 1])))
			return i;
	return line.n;
}

static bool
is_text(struct str line)
{
	for (size_t i = 0; i < line.n; i++)
		if (str_is_control(line.p[i]) && line.p[i] != '\t')
			return false;
	return utf8_is_ascii(line) || utf8_is_valid(line);
}

bool
flat_lines_next(struct flat_lines *l, struct str *key, struct str *value)
{
	struct str rest;

	while (str_cut(&l->rest, '\n', &l->line)) {
		l->number++;
		if (str_ends(l->line, STR("\r")))
			l->line.n--;
		if (!is_text(l->line)) {
			complain(l, str_slice(l->line, 0, 0),
			    "expected a text in UTF-8", false);
			continue;
		}
		rest = str_slice(l->line, 0, find_comment(l->line));
		if (!str_word(&rest, key))
			continue;
		*value = str_trim(rest);
		return true;
	}
	return false;
}

void
flat_lines_expected(struct flat_lines *l, struct str key, const char *what)
{
	struct buf text = { 0 };

	buf_printf(&text, "expected %s", what);
	complain(l, key, buf_cstr(&text), true);
	buf_free(&text);
}

void
flat_lines_close(struct flat_lines *l)
{
	if (l->wrong > ERRORS_MAX)
		buf_printf(l->errors, "%s: %u more errors\n", l->path,
		    l->wrong - ERRORS_MAX);
	buf_free(&l->text);
}

bool
flat_word(struct str *rest, struct str *word)
{
	size_t i = 0, from;

	while (i < rest->n && (str_is_blank(rest->p[i]) || rest->p[i] == ','))
		i++;
	from = i;
	while (i < rest->n && !str_is_blank(rest->p[i]) && rest->p[i] != ',')
		i++;
	*word = str_slice(*rest, from, i);
	*rest = str_from(*rest, i);
	return word->n > 0;
}

/* -------------------------------------------------------------- keys ---- */

/* A domain, perhaps below "*.", as it is looked up. */
static bool
read_domain(struct arena *arena, struct str text, struct str *out)
{
	bool below = str_starts(text, STR("*."));
	struct str name = str_from(text, below ? 2 : 0);
	struct fault unused;

	if (!domain_is_valid(name, true) && !domain_is_literal(name,
	    &(struct ip){ 0 }))
		return false;
	if (!utf8_is_ascii(name) &&
	    idna_to_ascii(arena, name, &name, &unused) < 0)
		return false;
	name = domain_fold(arena, name);
	*out = below ? arena_printf(arena, "*.%.*s", STR_ARG(name)) : name;
	return true;
}

/* "*@example.org" is "@example.org", "@*.example.org" is "*.example.org". */
static bool
read_address(struct arena *arena, struct str text, struct str *out)
{
	size_t at = str_rfind(text, '@');
	struct str local, domain;

	if (str_eq(text, STR("<>"))) {
		*out = STR("<>");
		return true;
	}
	if (at == text.n)
		return read_domain(arena, text, out);
	local = str_slice(text, 0, at);
	if (!read_domain(arena, str_from(text, at + 1), &domain))
		return false;
	if (local.n == 0 || str_eq(local, STR("*"))) {
		*out = str_starts(domain, STR("*.")) ? domain :
		    arena_printf(arena, "@%.*s", STR_ARG(domain));
		return true;
	}
	*out = fold_mailbox(arena, local, domain);
	return !str_starts(domain, STR("*."));
}

/* A login may be any word; but nobody would ask for one with "*" in it, other
 * than as of an address. */
static bool
read_user(struct arena *arena, struct str text, struct str *out)
{
	struct str rest;

	if (str_starts(text, STR("@")) || str_find(text, '*') < text.n) {
		if (!read_address(arena, text, out))
			return false;
		rest = str_from(*out, str_starts(*out, STR("*.")) ? 2 : 0);
		return str_find(rest, '*') == rest.n;
	}
	*out = fold_login(arena, text);
	return true;
}

static bool
read_key(struct arena *arena, enum flat_kind kind, struct str text,
    struct str *key)
{
	switch (kind) {
	case FLAT_NAMES:
		*key = domain_fold(arena, text);
		return utf8_is_ascii(text) || read_domain(arena, text, key);
	case FLAT_USERS:
		return read_user(arena, text, key);
	case FLAT_LOGINS:
		*key = fold_login(arena, text);
		return str_eq(text, STR("*")) ||
		    (!str_starts(text, STR("@")) &&
		    str_find(text, '*') == text.n);
	case FLAT_ADDRESSES:
		break;
	}
	return read_address(arena, text, key);
}

static const char *
describe(enum flat_kind kind)
{
	switch (kind) {
	case FLAT_NAMES:
		return "a name";
	case FLAT_USERS:
		return "a login, @DOMAIN, a domain or *.DOMAIN";
	case FLAT_LOGINS:
		return "a login or *";
	case FLAT_ADDRESSES:
		break;
	}
	return "an address, @DOMAIN, a domain, *.DOMAIN or <>";
}

/* "ann@example.org", "@example.org", "*@*.example.org", "*". */
static bool
is_sender(struct str text)
{
	size_t at = str_rfind(text, '@');

	return str_eq(text, STR("*")) || at + 1 < text.n;
}

static bool
has_good_value(struct flat_lines *l, enum flat_kind kind, struct str value)
{
	struct str word;

	if (kind != FLAT_LOGINS)
		return true;
	while (flat_word(&value, &word))
		if (!is_sender(word)) {
			flat_lines_expected(l, word,
			    "an address, @DOMAIN or *");
			return false;
		}
	return true;
}

static void
add(struct flat *m, struct flat_lines *l, enum flat_kind kind, struct str text,
    struct str value)
{
	struct entry *kept;
	struct str key;

	if (!read_key(&m->arena, kind, text, &key)) {
		flat_lines_expected(l, text, describe(kind));
		return;
	}
	if (!has_good_value(l, kind, value))
		return;
	if (table_find(&m->keys, key) != NULL) {
		flat_lines_expected(l, text, "a key that is not there yet");
		return;
	}
	kept = arena_alloc(&m->arena, sizeof(*kept) + value.n);
	kept->line = l->number;
	kept->n = (unsigned)value.n;
	if (value.n > 0)
		memcpy(kept->value, value.p, value.n);
	table_put(&m->keys, key, kept);
}

static int
find(struct map *map, struct arena *arena, struct str key, struct str *value,
    struct fault *why)
{
	struct flat *m = (struct flat *)map;
	const struct entry *found = table_find(&m->keys, key);

	(void)arena;
	(void)why;
	if (found == NULL)
		return 0;
	*value = str_span(found->value, found->n);
	return 1;
}

static void
close_map(struct map *map)
{
	struct flat *m = (struct flat *)map;

	table_free(&m->keys);
	arena_free(&m->arena);
	mem_free(m);
}

unsigned
flat_line(const struct map *map, struct str key)
{
	const struct flat *m = (const struct flat *)map;
	const struct entry *found = table_find(&m->keys, key);

	return found == NULL ? 0 : found->line;
}

static const struct map_ops flat_ops = { find, close_map };

struct map *
flat_load(const char *path, enum flat_kind kind, struct buf *errors)
{
	struct flat *m = mem_alloc(sizeof(*m));
	struct flat_lines l;
	struct str key, value;
	bool ok;

	m->map.ops = &flat_ops;
	if (flat_lines_open(&l, path, errors))
		while (flat_lines_next(&l, &key, &value))
			add(m, &l, kind, key, value);
	ok = l.wrong == 0;
	flat_lines_close(&l);
	if (ok)
		return &m->map;
	close_map(&m->map);
	return NULL;
}
