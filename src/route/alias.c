/* SPDX-License-Identifier: ISC */
/*
 * From a recipient to the addresses that its mail is delivered to.
 *
 * A local name is looked up in the compiled aliases; what it stands for is put
 * on a list of work and looked up in its turn, until only users of this system
 * and addresses of other systems are left.  The list is worked off in order,
 * without recursion; each name is expanded once, so that a ring of aliases
 * ends, and depth and number are bounded (SECURITY R-13).
 *
 * An alias that names itself ("root: root, admin@example.org") or is written
 * "\root" means the user of that name.  Files and programs as recipients are
 * not delivered to, and a slip in an alias is not the sender's mistake: such
 * mail waits with a temporary fault until somebody has mended the file.
 *
 * Called at RCPT by smtpd, by sendmail's local submission, and by the command
 * that explains an address.  The book belongs to one process; a child inherits
 * it open over fork.  Always true: when this fails, out is as it was.
 */
#include "route/alias.h"

#include <sys/stat.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/table.h"
#include "mail/domain.h"
#include "mail/nfc.h"
#include "map/build.h"
#include "map/db.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/user.h"

#define CHECK_EVERY_MS	1000
#define FEW		8	/* this many are compared one by one */

struct alias_book {
	const struct conf *conf;
	struct map	*map;		/* NULL: not open */
	bool		 none;		/* there are no aliases at all */
	int64_t		 checked;	/* when, if map or none is set */
	char		*source;
	char		*compiled;
	struct user_roll *users;
	struct arena	 scratch;	/* of one expansion */
	alias_watch	*watch;		/* or NULL */
	void		*watch_ctx;
};

struct item {
	enum build_kind	kind;		/* ADDRESS, USER or INCLUDE */
	struct address	address;
	struct str	path;		/* INCLUDE */
	struct str	parent;		/* the alias that it came from, or "" */
	struct str	place;		/* line of an included file, or "" */
	unsigned	depth;
};

struct expansion {
	struct alias_book	*book;
	struct arena		*arena;	/* the book's scratch */
	VEC(struct item)	 work;
	struct table		 done;	/* names that were expanded */
	address_vec		 final;
};

bool
alias_is_local(const struct conf *conf, struct str domain)
{
	return domain.n == 0 || domain_eq(domain, conf->hostname) ||
	    conf_is_local_domain(conf, domain);
}

size_t
alias_extension(const struct conf *conf, struct str local)
{
	size_t i;

	for (i = 1; i < local.n; i++)
		if (str_find(conf->delimiter, local.p[i]) != conf->delimiter.n)
			return i;
	return local.n;
}

struct alias_book *
alias_book_new(const struct conf *conf)
{
	struct alias_book *book;
	struct buf b;

	book = mem_alloc(sizeof(*book));
	book->conf = conf;
	book->source = mem_copy(conf->aliases.p, conf->aliases.n);
	buf_init(&b);
	buf_printf(&b, "%s.db", book->source);
	book->compiled = mem_copy(b.p, b.n);
	buf_free(&b);
	book->users = user_roll_new();
	return book;
}

void
alias_book_free(struct alias_book *book)
{
	if (book == NULL)
		return;
	map_close(book->map);
	user_roll_free(book->users);
	arena_free(&book->scratch);
	mem_free(book->source);
	mem_free(book->compiled);
	mem_free(book);
}

void
alias_book_watch(struct alias_book *book, alias_watch *watch, void *ctx)
{
	book->watch = watch;
	book->watch_ctx = ctx;
}

static void
forget(struct alias_book *book)
{
	map_close(book->map);
	book->map = NULL;
	book->none = false;
}

/* There is no compiled file: fine only when there is nothing to compile. */
static int
accept_none(struct alias_book *book, struct fault *why)
{
	struct stat st;

	if (book->source[0] == '\0' || stat(book->source, &st) == -1) {
		if (book->source[0] != '\0' && errno != ENOENT)
			return fault_system(why, errno, "%s", book->source);
		book->none = true;
		return 0;
	}
	return fault_temporary(why, 451, 3, 0,
	    "aliases are not compiled; run newaliases");
}

/* Makes map or none tell what is there now. */
static int
refresh(struct alias_book *book, struct fault *why)
{
	int64_t now = clock_mono_ms();
	bool missing = false;

	if ((book->map != NULL || book->none) &&
	    now - book->checked < CHECK_EVERY_MS)
		return 0;
	book->checked = now;
	if (book->map != NULL && db_is_current(book->map))
		return 0;
	forget(book);
	if (book->source[0] == '\0')
		return accept_none(book, why);
	book->map = db_open(book->compiled, &missing, why);
	if (book->map != NULL)
		return 0;
	return missing ? accept_none(book, why) : -1;
}

void
alias_book_warm(struct alias_book *book)
{
	struct fault ignored;

	refresh(book, &ignored);
	user_roll_look(book->users);
}

void
alias_book_doubt(struct alias_book *book)
{
	book->checked = clock_mono_ms() - CHECK_EVERY_MS;
}

static int
ask(struct expansion *e, struct str key, struct str *value, struct fault *why)
{
	int r;

	/* "@" is no name, but a mark that the map is complete. */
	if (e->book->none || str_eq(key, STR("@")))
		return 0;
	r = map_find(e->book->map, e->arena, key, value, why);
	if (r == -1)
		forget(e->book);
	return r;
}

/* The alias of a name as it is compared; the key under which it was found. */
static int
find_alias(struct expansion *e, struct str name, struct str *key,
    struct str *value, struct fault *why)
{
	size_t end;
	int r;

	*key = name;
	r = ask(e, name, value, why);
	end = alias_extension(e->book->conf, name);
	if (r != 0 || end == name.n)
		return r;
	*key = str_slice(name, 0, end);
	return ask(e, *key, value, why);
}

static bool
may_be_user(struct str name)
{
	size_t i;

	if (name.n == 0 || name.p[0] == '-')
		return false;
	for (i = 0; i < name.n; i++)
		if (name.p[i] == '/' || name.p[i] == ':' ||
		    name.p[i] == ' ' || str_is_control(name.p[i]))
			return false;
	return true;
}

static int
find_cased(struct expansion *e, struct str name, struct user *user,
    struct fault *why)
{
	struct str small;
	int r;

	if (!may_be_user(name))
		return 0;
	small = nfc_fold(e->arena, name);
	r = user_roll_find(e->book->users, e->arena, small, user, why);
	if (r == 0 && !str_eq(small, name))
		r = user_roll_find(e->book->users, e->arena, name, user, why);
	return r;
}

/* The user behind a local part; *result is the name with the extension. */
static int
find_user(struct expansion *e, struct str local, struct str *result,
    struct fault *why)
{
	struct user user;
	size_t end;
	int r;

	end = local.n;
	r = find_cased(e, local, &user, why);
	if (r == 0) {
		end = alias_extension(e->book->conf, local);
		if (end == local.n)
			return 0;
		r = find_cased(e, str_slice(local, 0, end), &user, why);
	}
	if (r == 1)
		*result = arena_printf(e->arena, "%.*s%.*s",
		    STR_ARG(user.name), STR_ARG(str_from(local, end)));
	return r;
}

static int
fail_alias(struct fault *why, struct str name, const char *text)
{
	return fault_temporary(why, 451, 3, 5, "alias \"%.*s\": %s",
	    STR_ARG(name), text);
}

/* One more piece of work that came from the alias of item. */
static int
add(struct expansion *e, const struct item *one, struct fault *why)
{
	if (e->work.n >= ALIAS_EXPANSIONS_MAX)
		return fail_alias(why, one->parent,
		    "it stands for too many addresses");
	if (one->depth > ALIAS_DEPTH_MAX)
		return fault_permanent(why, 550, 4, 6,
		    "alias \"%.*s\": nested too deeply", STR_ARG(one->parent));
	vec_push(e->arena, &e->work, *one);
	return 0;
}

static int
add_addresses(struct expansion *e, struct item *one, struct str text,
    struct fault *why)
{
	address_vec list = { 0 };
	struct fault detail;
	size_t i;

	if (address_parse_list(e->arena, text, &list, &detail) == -1)
		return fail_alias(why, one->parent, detail.text);
	if (list.n == 0)
		return fail_alias(why, one->parent, "it has an empty address");
	for (i = 0; i < list.n; i++) {
		one->address = list.p[i];
		if (add(e, one, why) == -1)
			return -1;
	}
	return 0;
}

static int
add_target(struct expansion *e, struct item *one, struct str text,
    bool in_file, struct fault *why)
{
	switch (one->kind) {
	case BUILD_ADDRESS:
	case BUILD_USER:
		return add_addresses(e, one, text, why);
	case BUILD_PROGRAM:
	case BUILD_FILE:
		return fail_alias(why, one->parent,
		    "a program or file as recipient is not supported; "
		    "use a user's deliver command");
	case BUILD_INCLUDE:
		if (in_file)
			return fail_alias(why, one->parent,
			    "an included file may not include another");
		one->path = text;
		return add(e, one, why);
	}
	return 0;
}

/* All of a right-hand side, or of a line of an included file; like: what they
 * have in common. */
static int
add_list(struct expansion *e, const struct item *like, struct str list,
    bool in_file, struct fault *why)
{
	struct build_target target;
	struct item one;
	int r;

	while ((r = build_cut(e->arena, &list, &target)) == 1) {
		one = *like;
		one.kind = target.kind;
		if (add_target(e, &one, target.text, in_file, why) == -1)
			return -1;
	}
	if (r == -1)
		return fail_alias(why, like->parent,
		    "a quote or comment does not end");
	return 0;
}

/* NULL, or why the file is not to be trusted. */
static const char *
judge_include(const struct alias_book *book, const struct stat *st)
{
	struct stat source;

	if (!S_ISREG(st->st_mode))
		return "it is no regular file";
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return "others may write to it";
	if (st->st_uid != 0 && (stat(book->source, &source) == -1 ||
	    st->st_uid != source.st_uid))
		return "it belongs to somebody else";
	if (st->st_size > ALIAS_INCLUDE_MAX)
		return "it is too long";
	return NULL;
}

static int
load_include(struct expansion *e, const char *path, struct str *content,
    struct fault *why)
{
	struct stat st;
	const char *wrong;
	char *p;
	int fd, r = -1;

	fd = file_open_read(AT_FDCWD, path, why);
	if (fd == -1)
		return -1;
	if (fstat(fd, &st) == -1)
		fault_system(why, errno, "%s", path);
	else if ((wrong = judge_include(e->book, &st)) != NULL)
		fault_temporary(why, 451, 3, 5, "%s: %s", path, wrong);
	else {
		p = arena_alloc(e->arena, (size_t)st.st_size + 1);
		r = file_pread(fd, p, (size_t)st.st_size, 0, why);
		*content = str_span(p, (size_t)st.st_size);
	}
	close(fd);
	return r;
}

static void
tell(struct expansion *e, const struct item *item, enum alias_step_kind kind,
    struct str key, struct str value)
{
	const struct alias_step step = { kind, item->parent, item->address,
	    key, value, key.n > 0 ? str_of(e->book->compiled) : STR_NONE,
	    item->place };

	if (e->book->watch != NULL)
		e->book->watch(e->book->watch_ctx, &step);
}

static int
expand_include(struct expansion *e, const struct item *item,
    struct fault *why)
{
	struct str content, line, path;
	struct item one = { .parent = item->parent, .depth = item->depth };
	struct fault detail;

	if (item->path.n == 0 || item->path.p[0] != '/')
		return fail_alias(why, item->parent,
		    ":include: needs an absolute path");
	path = arena_str(e->arena, item->path);
	tell(e, item, ALIAS_STEP_INCLUDE, STR_NONE, path);
	/* Whatever is wrong with the file is not the sender's fault. */
	if (load_include(e, path.p, &content, &detail) == -1)
		return fail_alias(why, item->parent, detail.text);
	for (unsigned n = 1; str_cut(&content, '\n', &line); n++) {
		if (str_ends(line, STR("\r")))
			line.n--;
		line = str_trim(line);
		if (line.n == 0 || line.p[0] == '#')
			continue;
		if (e->book->watch != NULL)
			one.place = arena_printf(e->arena, "%s:%u", path.p, n);
		if (add_list(e, &one, line, true, why) == -1)
			return -1;
	}
	return 0;
}

static int
refuse_unknown(const struct item *item, struct fault *why)
{
	if (item->parent.n == 0)
		return fault_permanent(why, 550, 1, 1,
		    "unknown user \"%.*s\"", STR_ARG(item->address.local));
	return fault_permanent(why, 550, 1, 1,
	    "alias \"%.*s\" leads to the unknown user \"%.*s\"",
	    STR_ARG(item->parent), STR_ARG(item->address.local));
}

/* It is no alias: a user, or postmaster. */
static int
settle_user(struct expansion *e, const struct item *item, struct fault *why)
{
	struct item root = *item;
	struct address final = item->address;
	int r;

	r = find_user(e, item->address.local, &final.local, why);
	if (r == -1)
		return -1;
	if (r == 1) {
		if (final.domain.n == 0)
			final.domain = e->book->conf->hostname;
		tell(e, item, ALIAS_STEP_USER, STR_NONE, final.local);
		vec_push(e->arena, &e->final, final);
		return 0;
	}
	if (!str_caseeq(item->address.local, STR("postmaster")))
		return refuse_unknown(item, why);
	tell(e, item, ALIAS_STEP_POSTMASTER, STR_NONE, STR("root"));
	root.address.local = STR("root");
	root.depth++;
	return add(e, &root, why);
}

static int
expand_name(struct expansion *e, const struct item *item, struct fault *why)
{
	struct item one = { .depth = item->depth + 1 };
	struct str key, value;
	int r;

	r = find_alias(e, nfc_fold(e->arena, item->address.local), &key, &value,
	    why);
	if (r == -1)
		return -1;
	if (r == 0 || str_eq(key, item->parent))
		return settle_user(e, item, why);
	if (table_find(&e->done, key) != NULL) {
		tell(e, item, ALIAS_STEP_AGAIN, key, STR_NONE);
		return 0;
	}
	tell(e, item, ALIAS_STEP_ALIAS, key, value);
	table_put(&e->done, key, e);
	one.parent = key;
	return add_list(e, &one, value, false, why);
}

static int
expand_item(struct expansion *e, const struct item *item, struct fault *why)
{
	if (item->kind == BUILD_INCLUDE)
		return expand_include(e, item, why);
	if (!alias_is_local(e->book->conf, item->address.domain)) {
		tell(e, item, ALIAS_STEP_AWAY, STR_NONE, STR_NONE);
		vec_push(e->arena, &e->final, item->address);
		return 0;
	}
	if (item->kind == BUILD_USER)
		return settle_user(e, item, why);
	return expand_name(e, item, why);
}

static bool
is_same(const struct conf *conf, const struct address *a,
    const struct address *b)
{
	return str_eq(a->local, b->local) &&
	    (domain_eq(a->domain, b->domain) ||
	    (alias_is_local(conf, a->domain) &&
	    alias_is_local(conf, b->domain)));
}

static bool
has(const struct conf *conf, const address_vec *v, const struct address *a)
{
	size_t i;

	for (i = 0; i < v->n; i++)
		if (is_same(conf, &v->p[i], a))
			return true;
	return false;
}

/* Equal for the addresses of which is_same() is true. */
static struct str
identify(struct expansion *e, const struct address *a)
{
	struct str domain = STR_NONE;

	if (!alias_is_local(e->book->conf, a->domain))
		domain = domain_fold(e->arena, a->domain);
	return arena_printf(e->arena, "%.*s@%.*s", STR_ARG(a->local),
	    STR_ARG(domain));
}

static void
hand_over_many(struct expansion *e, struct arena *arena, address_vec *out)
{
	struct table seen;
	size_t i;

	table_init(&seen);
	for (i = 0; i < out->n; i++)
		table_put(&seen, identify(e, &out->p[i]), e);
	for (i = 0; i < e->final.n; i++)
		if (table_put(&seen, identify(e, &e->final.p[i]), e) == NULL)
			vec_push(arena, out,
			    address_copy(arena, &e->final.p[i]));
	table_free(&seen);
}

static void
hand_over(struct expansion *e, struct arena *arena, address_vec *out)
{
	size_t i;

	if (e->final.n > FEW) {
		hand_over_many(e, arena, out);
		return;
	}
	for (i = 0; i < e->final.n; i++)
		if (!has(e->book->conf, out, &e->final.p[i]))
			vec_push(arena, out,
			    address_copy(arena, &e->final.p[i]));
}

/* Until nothing is left to look up. */
static int
work_off(struct expansion *e, struct fault *why)
{
	struct item item;
	size_t i;

	for (i = 0; i < e->work.n; i++) {
		item = e->work.p[i];	/* the array may move */
		if (expand_item(e, &item, why) == -1)
			return -1;
	}
	if (e->final.n == 0)
		return fault_permanent(why, 550, 4, 6,
		    "alias loop: \"%.*s\" leads only to itself",
		    STR_ARG(e->work.p[0].address.local));
	return 0;
}

int
alias_expand(struct alias_book *book, struct arena *arena,
    const struct address *a, address_vec *out, struct fault *why)
{
	struct expansion e;
	struct item first = { .kind = BUILD_ADDRESS, .address = *a };
	int r;

	if (alias_is_local(book->conf, a->domain) &&
	    refresh(book, why) == -1)
		return -1;
	memset(&e, 0, sizeof(e));
	e.book = book;
	e.arena = &book->scratch;
	vec_push(e.arena, &e.work, first);
	r = work_off(&e, why);
	if (r == 0)
		hand_over(&e, arena, out);
	table_free(&e.done);
	arena_reset(&book->scratch);
	return r;
}
