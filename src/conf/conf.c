/* SPDX-License-Identifier: ISC */
/*
 * The whole configuration: file, defaults, and what only shows when all is
 * read.
 *
 * A text becomes statements (conf/reader), each finds its row in the table and
 * is parsed by conf/setting or conf/sentence, what was not said is filled in
 * from the table through the same parsers, and at last the values are held
 * against each other.  The result is complete and right, or there is none: the
 * errors of all these steps are collected first.
 *
 * Two defaults are not in the table because the machine knows them: hostname,
 * and the domains that are local.  To make a bare host name fully qualified is
 * the only thing here that may ask the network; it happens once, and only when
 * everything else is right.
 *
 * Every program reads the configuration through here.  A struct conf never
 * changes after it was made, and its strings live as long as it does.
 */
#include "conf/conf.h"

#include <fcntl.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/die.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "mail/domain.h"
#include "os/file.h"

#include "conf/clause.h"
#include "conf/dnslist.h"
#include "conf/listener.h"
#include "conf/login.h"
#include "conf/reader.h"
#include "conf/sentence.h"

#define MAILNAME_PATH	"/etc/mailname"
#define MEMORY_MAX	((size_t)8 * 1024 * 1024)	/* of the largest */
#define MAILNAME_MAX	4096
#define HOST_NAME_LIMIT	256	/* with the NUL; more than any kernel's */

static const struct place no_place = { 0, 0 };

static unsigned *
line_of(const struct conf *conf, const char *name)
{
	const struct setting *set = setting_find(str_of(name));

	must(set != NULL);
	return &conf->from.lines[setting_index(set)];
}

/* The place of a whole line; of the file when the line is 0. */
static struct place
place_of(unsigned line)
{
	return (struct place){ line, 1 };
}

static void
refuse_name(const struct word *w, struct reader_errors *e)
{
	struct buf text;
	const char *near = setting_nearest(w->text);

	buf_init(&text);
	reader_put_quoted(&text, w->text);
	if (near != NULL)
		buf_printf(&text, "; did you mean \"%s\"?", near);
	reader_error(e, w->place, "unknown setting %s", buf_cstr(&text));
	buf_free(&text);
}

static void
apply_simple(struct conf *conf, const struct setting *set,
    const struct statement *s, struct reader_errors *e)
{
	struct fault why;

	if (s->words.n != 2)
		reader_expected(e, s, s->words.n < 2 ? 1 : 2, s->words.n < 2 ?
		    "a value" : "the end of the line", NULL);
	else if (setting_parse(conf, set, s->words.p[1].text, &why) == -1)
		reader_error(e, s->words.p[1].place, "%s: %s", set->name,
		    why.text);
}

static void
apply(struct conf *conf, const struct statement *s, struct reader_errors *e)
{
	const struct setting *set;
	unsigned *line;

	if (s->depth > 0)	/* its block was reported */
		return;
	set = setting_find(s->words.p[0].text);
	if (set == NULL) {
		refuse_name(&s->words.p[0], e);
		return;
	}
	if (s->block) {
		reader_error(e, s->end, "%s takes no block", set->name);
		return;
	}
	line = &conf->from.lines[setting_index(set)];
	if (*line != 0 && !setting_may_repeat(set)) {
		reader_error(e, s->place, "%s was set in line %u already",
		    set->name, *line);
		return;
	}
	if (*line == 0)
		*line = s->place.line;
	if (setting_is_simple(set))
		apply_simple(conf, set, s, e);
	else
		sentence_parse(conf, set, s, e);
}

static void
fill_sentence(struct conf *conf, const struct setting *set, struct arena *words,
    struct reader_errors *e)
{
	struct str rest = str_of(set->text), piece;
	statement_vec list = { NULL, 0, 0 };
	size_t i;

	while (str_cut(&rest, '\n', &piece))
		reader_parse(words, arena_printf(words, "%s %.*s", set->name,
		    STR_ARG(piece)), &list, e);
	for (i = 0; i < list.n; i++) {
		list.p[i].place.line = 0;
		sentence_parse(conf, set, &list.p[i], e);
	}
}

/* Simple settings hold their defaults before the file is read, so that a
 * wrong value is not reported again as what it would make of another one. */
static void
fill_simple(struct conf *conf)
{
	const struct setting *set;
	struct fault why;
	size_t i;

	for (i = 0; (set = setting_at(i)) != NULL; i++)
		if (setting_is_simple(set) && set->text != NULL &&
		    setting_parse(conf, set, str_of(set->text), &why) == -1)
			bug("default of %s: %s", set->name, why.text);
}

static void
fill_sentences(struct conf *conf, struct arena *words)
{
	const struct setting *set;
	struct reader_errors e;
	struct buf text;
	size_t i;

	buf_init(&text);
	reader_errors_init(&e, "table", &text);
	for (i = 0; (set = setting_at(i)) != NULL; i++)
		if (!setting_is_simple(set) && conf->from.lines[i] == 0 &&
		    set->text != NULL)
			fill_sentence(conf, set, words, &e);
	if (e.n > 0)
		bug("default: %s", buf_cstr(&text));
	buf_free(&text);
}

/*
 * The canonical name, when the resolver knows one that only adds a domain to
 * the bare name; "localhost" for everything in /etc/hosts is no good name.
 */
static bool
qualify(struct conf *conf, const char *bare)
{
	struct addrinfo hints, *list = NULL;
	struct str name;
	bool done = false;
	size_t n = strlen(bare);

	memset(&hints, 0, sizeof(hints));
	hints.ai_family = AF_UNSPEC;
	hints.ai_socktype = SOCK_STREAM;
	hints.ai_flags = AI_CANONNAME;
	if (getaddrinfo(bare, NULL, &hints, &list) != 0)
		return false;
	name = str_of(list->ai_canonname);
	if (str_casestarts(name, str_span(bare, n)) && name.n > n + 1 &&
	    name.p[n] == '.')
		done = setting_domain(&conf->arena, name, &conf->hostname);
	freeaddrinfo(list);
	return done;
}

static void
fill_hostname(struct conf *conf, struct reader_errors *e)
{
	char name[HOST_NAME_LIMIT];
	struct buf got;

	if (*line_of(conf, "hostname") != 0)
		return;
	if (gethostname(name, sizeof(name)) == -1)
		name[0] = '\0';
	name[sizeof(name) - 1] = '\0';
	if (strchr(name, '.') == NULL && name[0] != '\0' &&
	    qualify(conf, name))
		return;
	if (setting_domain(&conf->arena, str_of(name), &conf->hostname))
		return;
	buf_init(&got);
	reader_put_quoted(&got, str_of(name));
	reader_error(e, no_place, "hostname is not set, and the system's name "
	    "%s is no domain name", buf_cstr(&got));
	buf_free(&got);
}

/* One that is implied: line 0. */
static void
add_domain(struct conf *conf, struct str name)
{
	struct conf_domain domain = { .name = name, .class = CLASS_LOCAL };

	vec_push(&conf->arena, &conf->domains, domain);
}

static void
add_mailname(struct conf *conf)
{
	struct buf text;
	struct fault why;
	struct str rest, line, name;

	buf_init(&text);
	if (file_load(AT_FDCWD, MAILNAME_PATH, MAILNAME_MAX, &text, &why) ==
	    0) {
		rest = buf_str(&text);
		if (str_cut(&rest, '\n', &line) &&
		    setting_domain(&conf->arena, str_trim(line), &name))
			add_domain(conf, name);
	}
	buf_free(&text);
}

static int
compare_domains(const void *a, const void *b)
{
	const struct conf_domain *x = a, *y = b;
	int order = str_cmp(x->name, y->name);

	if (order != 0)
		return order;
	/* Said in the file before implied. */
	if (x->line == 0 || y->line == 0)
		return (x->line == 0) - (y->line == 0);
	return (x->line > y->line) - (x->line < y->line);
}

/* Sorts, drops what is implied twice, reports what is said twice. */
static void
order_domains(struct conf *conf, struct reader_errors *e)
{
	struct conf_domain *p = conf->domains.p;
	size_t i, n = 0;

	qsort(p, conf->domains.n, sizeof(*p), compare_domains);
	for (i = 0; i < conf->domains.n; i++) {
		if (n == 0 || !str_eq(p[n - 1].name, p[i].name))
			p[n++] = p[i];
		else if (p[i].line != 0)
			reader_error(e, place_of(p[i].line), "domain %.*s was "
			    "named in line %u already", STR_ARG(p[i].name),
			    p[n - 1].line);
	}
	conf->domains.n = n;
}

static void
fill_domains(struct conf *conf, struct reader_errors *e)
{
	if (conf->hostname.n > 0)
		add_domain(conf, conf->hostname);
	add_domain(conf, STR("localhost"));
	if (*line_of(conf, "domain") == 0)
		add_mailname(conf);
	order_domains(conf, e);
}

/* What must hold before TLS can be spoken at all. */
static void
check_tls(const struct conf *conf, struct reader_errors *e)
{
	if (conf->tls.certificates.n > 0)
		return;
	for (size_t i = 0; i < conf->listens.n; i++)
		if (conf->listens.p[i].service == SERVICE_SUBMISSIONS) {
			reader_error(e, place_of(conf->listens.p[i].line),
			    "listen submissions speaks TLS, which wants a "
			    "certificate: tls certificate FILE key FILE");
			return;
		}
}

static void
check_retry(const struct conf *conf, struct reader_errors *e)
{
	struct buf text;
	unsigned first = *line_of(conf, "retry-first");
	unsigned most = *line_of(conf, "retry-most");

	if (conf->retry.first <= conf->retry.most)
		return;
	buf_init(&text);
	setting_format(conf, setting_find(STR("retry-first")), &text);
	buf_putz(&text, " is more than retry-most ");
	setting_format(conf, setting_find(STR("retry-most")), &text);
	reader_error(e, place_of(first > most ? first : most),
	    "retry-first %s", buf_cstr(&text));
	buf_free(&text);
}

static void
check_delimiter(const struct conf *conf, struct reader_errors *e)
{
	struct str s = conf->delimiter;

	if (s.n == 1 && str_find(STR("!#$%&*+-=_^~"), s.p[0]) == 12)
		reader_error(e, place_of(*line_of(conf, "delimiter")),
		    "expected a delimiter out of !#$%%&*+-=_^~");
}

static struct conf *
build(const char *path, struct str text, struct reader_errors *e)
{
	struct conf *conf = mem_alloc(sizeof(*conf));
	struct arena words;
	statement_vec list = { NULL, 0, 0 };
	size_t i;

	arena_init(&words);
	arena_init(&conf->arena);
	conf->path = arena_str(&conf->arena, str_of(path));
	conf->from.lines = arena_alloc(&conf->arena,
	    setting_count() * sizeof(*conf->from.lines));
	fill_simple(conf);
	reader_parse(&words, text, &list, e);
	for (i = 0; i < list.n; i++)
		apply(conf, &list.p[i], e);
	fill_sentences(conf, &words);
	listener_check(conf, e);
	check_tls(conf, e);
	check_retry(conf, e);
	check_delimiter(conf, e);
	dnslist_gather(conf, e);
	login_check(conf, e);
	if (e->n == 0)
		fill_hostname(conf, e);
	fill_domains(conf, e);
	arena_free(&words);
	if (e->n == 0)
		return conf;
	conf_free(conf);
	return NULL;
}

struct conf *
conf_parse(const char *path, struct str text, struct buf *errors)
{
	struct reader_errors e;

	reader_errors_init(&e, path, errors);
	return build(path, text, &e);
}

struct conf *
conf_load(const char *path, bool may_be_missing, struct buf *errors)
{
	struct reader_errors e;
	struct conf *conf = NULL;
	struct buf text;
	int found = 0;

	reader_errors_init(&e, path, errors);
	buf_init(&text);
	if (path[0] != '\0')
		found = reader_load(path, may_be_missing, &text, &e);
	else
		e.file = "configuration";
	if (found != -1)
		conf = build(found == 1 ? path : "", buf_str(&text), &e);
	buf_free(&text);
	return conf;
}

bool
conf_has_memory(void)
{
	void *p = mem_try(MEMORY_MAX);

	mem_free(p);
	return p != NULL;
}

void
conf_free(struct conf *conf)
{
	if (conf == NULL)
		return;
	arena_free(&conf->arena);
	mem_free(conf);
}

/* Value i of a setting without its name; returns its line. */
static unsigned
format_value(const struct conf *conf, const struct setting *set, size_t i,
    struct buf *out)
{
	if (!setting_is_simple(set))
		return sentence_format(conf, set, i, out);
	setting_format(conf, set, out);
	return conf->from.lines[setting_index(set)];
}

static size_t
count_values(const struct conf *conf, const struct setting *set)
{
	if (!setting_is_simple(set))
		return sentence_count(conf, set);
	/* A path that nobody gave is none. */
	return set->type == SETTING_PATH && ((const struct str *)
	    ((const char *)conf + set->offset))->n == 0 ? 0 : 1;
}

void
conf_put_origin(const struct conf *conf, unsigned line, struct buf *out)
{
	size_t slash = str_rfind(conf->path, '/');
	struct str name = slash == conf->path.n ? conf->path :
	    str_from(conf->path, slash + 1);

	if (line == 0)
		buf_putz(out, "default");
	else
		buf_printf(out, "%.*s:%u", STR_ARG(name), line);
}

void
conf_put_rule(const struct rule *rule, struct buf *out)
{
	struct buf rest = { 0 };

	clause_format(rule, &rest);
	buf_printf(out, "%s%s%.*s", rule_action_word(rule->action),
	    rest.n > 0 ? " " : "", STR_ARG(buf_str(&rest)));
	buf_free(&rest);
}

/* In the order of the file, which is what matters about them. */
static void
describe_rules(const struct conf *conf, struct buf *out)
{
	for (size_t i = 0; i < conf->rules.n; i++) {
		conf_put_rule(&conf->rules.p[i], out);
		buf_putz(out, "  # ");
		conf_put_origin(conf, conf->rules.p[i].line, out);
		buf_putc(out, '\n');
	}
}

static void
describe_text(const struct conf *conf, const struct setting *set,
    struct buf *out)
{
	struct buf value;
	unsigned line;
	size_t i, n = count_values(conf, set);

	if (n == 0)
		buf_printf(out, "# no %s  # default\n", set->name);
	if (set->type == SETTING_RULE)
		return;
	buf_init(&value);
	for (i = 0; i < n; i++) {
		buf_reset(&value);
		line = format_value(conf, set, i, &value);
		buf_printf(out, "%s ", set->name);
		if (setting_is_simple(set))
			reader_put_word(out, buf_str(&value));
		else
			buf_puts(out, buf_str(&value));
		buf_putz(out, "  # ");
		conf_put_origin(conf, line, out);
		buf_putc(out, '\n');
	}
	buf_free(&value);
}

/* Values are UTF-8 without control characters: the reader saw to that. */
static void
put_json_string(struct buf *out, struct str s)
{
	size_t i;

	buf_putc(out, '"');
	for (i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			buf_putc(out, '\\');
		if (s.p[i] == '\t')
			buf_putz(out, "\\t");
		else
			buf_putc(out, s.p[i]);
	}
	buf_putc(out, '"');
}

static void
describe_json(const struct conf *conf, const struct setting *set,
    struct buf *out)
{
	struct buf text;
	unsigned line;
	bool many = setting_may_repeat(set);
	size_t i, n = count_values(conf, set);

	buf_printf(out, "\"%s\":%s", set->name, many ? "[" : n == 0 ? "null" :
	    "");
	buf_init(&text);
	for (i = 0; i < n; i++) {
		buf_reset(&text);
		line = format_value(conf, set, i, &text);
		buf_putz(out, i > 0 ? ",{\"value\":" : "{\"value\":");
		put_json_string(out, buf_str(&text));
		buf_reset(&text);
		conf_put_origin(conf, line, &text);
		buf_putz(out, ",\"from\":");
		put_json_string(out, buf_str(&text));
		buf_putc(out, '}');
	}
	buf_free(&text);
	buf_putz(out, many ? "]" : "");
}

void
conf_describe(const struct conf *conf, struct buf *out, bool json)
{
	const struct setting *set;
	size_t i;

	if (json)
		buf_putc(out, '{');
	for (i = 0; (set = setting_at(i)) != NULL; i++) {
		if (!json) {
			describe_text(conf, set, out);
			continue;
		}
		if (i > 0)
			buf_putc(out, ',');
		describe_json(conf, set, out);
	}
	if (!json)
		describe_rules(conf, out);
	if (json)
		buf_putz(out, "}\n");
}

/* All values of a setting in one text, to compare. */
static void
put_values(const struct conf *conf, const struct setting *set, struct buf *out)
{
	size_t i, n = count_values(conf, set);

	buf_reset(out);
	for (i = 0; i < n; i++) {
		format_value(conf, set, i, out);
		buf_putc(out, '\n');
	}
}

bool
conf_may_reload(const struct conf *old, const struct conf *new,
    struct buf *names)
{
	const struct setting *set;
	struct buf a, b;
	bool may = true;
	size_t i;

	buf_init(&a);
	buf_init(&b);
	for (i = 0; (set = setting_at(i)) != NULL; i++) {
		if (set->reload)
			continue;
		put_values(old, set, &a);
		put_values(new, set, &b);
		if (str_eq(buf_str(&a), buf_str(&b)))
			continue;
		buf_printf(names, "%s%s", may ? "" : " ", set->name);
		may = false;
	}
	buf_free(&a);
	buf_free(&b);
	return may;
}

static int
compare_name(const void *key, const void *member)
{
	return str_cmp(*(const struct str *)key,
	    ((const struct conf_domain *)member)->name);
}

static bool
has_domain(const struct conf *conf, struct str name)
{
	return conf->domains.n > 0 && bsearch(&name, conf->domains.p,
	    conf->domains.n, sizeof(*conf->domains.p), compare_name) != NULL;
}

bool
conf_is_local_domain(const struct conf *conf, struct str domain)
{
	char folded[DOMAIN_MAX];
	struct arena arena;
	struct str name;
	size_t i;
	bool found;

	if (domain.n == 0 || domain.n > sizeof(folded))
		return false;
	if (utf8_is_ascii(domain)) {
		for (i = 0; i < domain.n; i++)
			folded[i] = str_lower_char(domain.p[i]);
		return has_domain(conf, str_span(folded, domain.n));
	}
	arena_init(&arena);
	found = setting_domain(&arena, domain, &name) &&
	    has_domain(conf, name);
	arena_free(&arena);
	return found;
}

/* Behind a proxy on this machine they can, wherever it is that we listen. */
static bool
strangers_can_come(const struct conf *conf)
{
	for (size_t i = 0; i < conf->listens.n; i++)
		if (!ip_is_loopback(&conf->listens.p[i].ip) ||
		    conf->listens.p[i].proxies.nets.n > 0 ||
		    conf->session.xclient.nets.n > 0)
			return true;
	return false;
}

bool
conf_asks_names(const struct conf *conf)
{
	if (!conf->guest.names && !conf->guest.rules_name &&
	    !conf->guest.rules_helo && conf->guest.zones.n == 0)
		return false;
	return strangers_can_come(conf);
}

struct str
conf_run_path(const struct conf *conf, struct arena *arena, const char *name)
{
	return arena_printf(arena, "%.*s/%s", STR_ARG(conf->run), name);
}
