/* SPDX-License-Identifier: ISC */
/*
 * The settings that read as sentences: domain, deliver, relay, route, tls,
 * xclient, normalize; and the way to those of conf/listener, conf/clause, conf/extension,
 * conf/login and conf/dnslist.
 * Each is parsed from the words of one statement into its vector (or struct)
 * in the conf, and formatted back into words that mean the same.
 *
 * A sentence that is wrong in one place is reported there and adds nothing,
 * except that each name of a "domain" and each network of a "relay" stands for
 * itself.  What is only wrong beside another sentence (two listeners on one
 * port, a domain named twice) is found by conf/conf, which is the caller.
 *
 * Nothing here opens relaying by accident (conf/network).
 */
#include "conf/sentence.h"

#include "base/die.h"
#include "mail/domain.h"

#include "conf/clause.h"
#include "conf/dnslist.h"
#include "conf/endpoint.h"
#include "conf/extension.h"
#include "conf/listener.h"
#include "conf/login.h"
#include "conf/network.h"

#define MAILDIR_NAME_MAX 1000

static const char *const method_words[] = {
	[DELIVER_MBOX] = "mbox",
	[DELIVER_MAILDIR] = "maildir",
	[DELIVER_COMMAND] = "command",
	NULL
};

/* Is there a word i, and is it this one? */
static bool
is_word(const struct statement *s, size_t i, const char *word)
{
	return i < s->words.n && str_eq(s->words.p[i].text, str_of(word));
}

/* Is word i that keyword?  Reports it when not. */
static bool
want_word(const struct statement *s, size_t i, const char *word,
    struct reader_errors *e)
{
	const char *known[] = { word, NULL };
	struct buf what;

	if (is_word(s, i, word))
		return true;
	buf_init(&what);
	reader_put_quoted(&what, str_of(word));
	reader_expected(e, s, i, buf_cstr(&what), known);
	buf_free(&what);
	return false;
}

/* Does the statement end before word i?  Reports it when not. */
static bool
want_end(const struct statement *s, size_t i, struct reader_errors *e)
{
	if (i >= s->words.n)
		return true;
	reader_expected(e, s, i, "the end of the line", NULL);
	return false;
}

static void
parse_domains(struct conf *conf, const struct statement *s,
    struct reader_errors *e)
{
	struct conf_domain domain = { .class = CLASS_LOCAL,
	    .line = s->place.line };
	size_t i, last = s->words.n - 1;

	if (last < 2) {
		reader_expected(e, s, s->words.n, last == 0 ||
		    is_word(s, last, "local") ? "domain names and \"local\"" :
		    "\"local\"", NULL);
		return;
	}
	if (!want_word(s, last, "local", e))
		return;
	for (i = 1; i < last; i++) {
		if (setting_domain(&conf->arena, s->words.p[i].text,
		    &domain.name))
			vec_push(&conf->arena, &conf->domains, domain);
		else
			reader_expected(e, s, i, "a domain name", NULL);
	}
}

/*
 * Cuts a command into words at blanks; ' and " keep blanks together, within a
 * word too.  False when a quote is not closed.
 */
static bool
split_command(struct arena *arena, struct str text, struct conf_deliver *out)
{
	struct buf word;
	size_t i = 0;
	char quote = '\0';
	bool any;

	buf_init(&word);
	while (i < text.n) {
		buf_reset(&word);
		any = false;
		for (; i < text.n; i++) {
			if (quote == '\0' && str_is_blank(text.p[i]))
				break;
			any = true;
			if (quote != '\0' ? text.p[i] == quote :
			    text.p[i] == '\'' || text.p[i] == '"')
				quote = quote != '\0' ? '\0' : text.p[i];
			else
				buf_putc(&word, text.p[i]);
		}
		if (any)
			vec_push(arena, &out->argv,
			    arena_str(arena, buf_str(&word)));
		while (i < text.n && str_is_blank(text.p[i]))
			i++;
	}
	buf_free(&word);
	return quote == '\0';
}

/* The first % that is followed by none of the letters, or text.n. */
static size_t
find_bad_percent(struct str text, struct str letters)
{
	size_t i;

	for (i = 0; i < text.n; i++) {
		if (text.p[i] != '%')
			continue;
		if (i + 1 == text.n ||
		    str_find(letters, text.p[i + 1]) == letters.n)
			return i;
		i++;
	}
	return text.n;
}

static void
deliver_command(struct conf *conf, const struct statement *s,
    struct conf_deliver *to, struct reader_errors *e)
{
	struct str text;

	if (s->words.n != 3) {
		reader_expected(e, s, s->words.n < 3 ? 2 : 3,
		    "the command as one word in quotes", NULL);
		return;
	}
	text = s->words.p[2].text;
	to->path = arena_str(&conf->arena, text);
	if (!split_command(&conf->arena, text, to))
		reader_error(e, s->words.p[2].place,
		    "expected a closing quote within the command");
	else if (to->argv.n == 0 || to->argv.p[0].n < 2 ||
	    to->argv.p[0].p[0] != '/' ||
	    str_find(to->argv.p[0], '%') < to->argv.p[0].n)
		reader_expected(e, s, 2,
		    "a command that begins with an absolute path", NULL);
	else if (find_bad_percent(text, STR("uhsre%")) < text.n)
		reader_expected(e, s, 2, "only %u, %h, %s, %r, %e and %% in "
		    "a command", NULL);
	else
		conf->deliver = *to;
}

static void
deliver_path(struct conf *conf, const struct statement *s,
    struct conf_deliver *to, struct reader_errors *e)
{
	bool maildir = to->method == DELIVER_MAILDIR;
	struct str path = maildir ? STR("~/Maildir") : STR("/var/mail");

	if (!want_end(s, 3, e))
		return;
	if (s->words.n == 3)
		path = s->words.p[2].text;
	while (path.n > 1 && path.p[path.n - 1] == '/')
		path.n--;
	if (!(str_starts(path, STR("/")) ||
	    (maildir && str_starts(path, STR("~/")))) ||
	    path.n > MAILDIR_NAME_MAX)
		reader_expected(e, s, 2, maildir ? "an absolute path or one "
		    "that begins with ~/" : "an absolute path", NULL);
	else if (find_bad_percent(path, maildir ? STR("u") : STR_NONE) < path.n)
		reader_expected(e, s, 2, maildir ? "a path with no other % "
		    "than %u" : "a directory without %", NULL);
	else {
		to->path = arena_str(&conf->arena, path);
		conf->deliver = *to;
	}
}

static void
parse_deliver(struct conf *conf, const struct statement *s,
    struct reader_errors *e)
{
	struct conf_deliver to = { .line = s->place.line };

	if (is_word(s, 1, "command")) {
		to.method = DELIVER_COMMAND;
		deliver_command(conf, s, &to, e);
	} else if (is_word(s, 1, "mbox") || is_word(s, 1, "maildir")) {
		to.method = is_word(s, 1, "mbox") ? DELIVER_MBOX :
		    DELIVER_MAILDIR;
		deliver_path(conf, s, &to, e);
	} else
		reader_expected(e, s, 1, "\"mbox\", \"maildir\" or "
		    "\"command\"", method_words);
}

static void
parse_relay(struct conf *conf, const struct statement *s,
    struct reader_errors *e)
{
	struct conf_networks list = { 0 };

	if (want_word(s, 1, "for", e))
		network_parse(conf, s, 2, &list, "this would be an open "
		    "relay: a prefix of 0 bits lets everybody in the world "
		    "send to everybody", e);
	for (size_t i = 0; i < list.nets.n; i++) {
		vec_push(&conf->arena, &conf->relay, list.nets.p[i]);
		vec_push(&conf->arena, &conf->from.relay_lines, list.lines.p[i]);
	}
}

static bool
parse_pattern(struct conf *conf, struct str text, struct str *out)
{
	struct str name;

	if (str_eq(text, STR("*"))) {
		*out = STR("*");
		return true;
	}
	if (!str_starts(text, STR("*.")))
		return setting_domain(&conf->arena, text, out);
	if (!setting_domain(&conf->arena, str_from(text, 2), &name))
		return false;
	*out = arena_printf(&conf->arena, "*.%.*s", STR_ARG(name));
	return true;
}

/* Something of digits and dots is an address that went wrong, not a name. */
static bool
is_all_numeric(struct str s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if (!str_is_digit(s.p[i]) && s.p[i] != '.')
			return false;
	return true;
}

static bool
parse_host(struct conf *conf, struct str text, struct conf_route *route)
{
	struct endpoint at;
	struct ip ip;
	char name[IP_TEXT_MAX];

	if (!endpoint_parse(text, &at))
		return false;
	route->port = at.port != 0 ? at.port : 25;
	if (endpoint_parse_ip(at.host, &ip)) {
		route->host = arena_str(&conf->arena,
		    str_of(ip_format(&ip, name)));
		return true;
	}
	route->mx = at.port == 0 && !at.brackets;
	return setting_domain(&conf->arena, at.host, &route->host) &&
	    !is_all_numeric(route->host);
}

static void
parse_route(struct conf *conf, const struct statement *s,
    struct reader_errors *e)
{
	struct conf_route route = { .line = s->place.line };

	if (s->words.n < 2 || !parse_pattern(conf, s->words.p[1].text,
	    &route.pattern))
		reader_expected(e, s, 1, "a domain, *.DOMAIN or *", NULL);
	else if (!want_word(s, 2, "via", e))
		return;
	else if (s->words.n < 4 || !parse_host(conf, s->words.p[3].text,
	    &route))
		reader_expected(e, s, 3, "HOST, HOST:PORT, ADDRESS:PORT or "
		    "[ADDRESS]:PORT", NULL);
	else if (want_end(s, 4, e))
		vec_push(&conf->arena, &conf->routes, route);
}

/* An absolute path in word i, copied. */
static bool
want_path(struct conf *conf, const struct statement *s, size_t i,
    struct str *out, struct reader_errors *e)
{
	if (i >= s->words.n || !str_starts(s->words.p[i].text, STR("/")) ||
	    s->words.p[i].text.n > MAILDIR_NAME_MAX) {
		reader_expected(e, s, i, "an absolute path", NULL);
		return false;
	}
	*out = arena_str(&conf->arena, s->words.p[i].text);
	return true;
}

/* Said twice it is one name, or it would not be the same names as another
 * certificate's. */
static void
add_name(struct conf *conf, struct conf_certificate *c, struct str name)
{
	for (size_t i = 0; i < c->names.n; i++)
		if (str_eq(c->names.p[i], name))
			return;
	vec_push(&conf->arena, &c->names, name);
}

/* tls certificate FILE [key FILE] [for NAME ...] */
static void
parse_tls(struct conf *conf, const struct statement *s, struct reader_errors *e)
{
	struct conf_certificate c = { .line = s->place.line };
	struct str name;
	size_t i = 3;

	if (!want_word(s, 1, "certificate", e) ||
	    !want_path(conf, s, 2, &c.file, e))
		return;
	if (is_word(s, i, "key")) {
		if (!want_path(conf, s, i + 1, &c.key, e))
			return;
		i += 2;
	}
	if (i < s->words.n && !want_word(s, i, "for", e))
		return;
	if (i + 1 == s->words.n) {
		reader_expected(e, s, i + 1, "names", NULL);
		return;
	}
	for (i++; i < s->words.n; i++) {
		if (!parse_pattern(conf, s->words.p[i].text, &name) ||
		    str_eq(name, STR("*"))) {
			reader_expected(e, s, i, "a domain or *.DOMAIN", NULL);
			return;
		}
		add_name(conf, &c, name);
	}
	vec_push(&conf->arena, &conf->tls.certificates, c);
}

void
sentence_parse(struct conf *conf, const struct setting *set,
    const struct statement *s, struct reader_errors *e)
{
	switch (set->type) {
	case SETTING_LISTEN:
		listener_parse(conf, s, e);
		return;
	case SETTING_DOMAINS:
		parse_domains(conf, s, e);
		return;
	case SETTING_DELIVER:
		parse_deliver(conf, s, e);
		return;
	case SETTING_RELAY:
		parse_relay(conf, s, e);
		return;
	case SETTING_ROUTE:
		parse_route(conf, s, e);
		return;
	case SETTING_TLS:
		parse_tls(conf, s, e);
		return;
	case SETTING_RULE:
		clause_parse(conf, set, s, e);
		return;
	case SETTING_EXTENSION:
		extension_parse(conf, s, e);
		return;
	case SETTING_NETWORKS:
		network_parse_for(conf, set, s, e);
		return;
	case SETTING_DNSLIST:
		dnslist_parse(conf, set, s, e);
		return;
	case SETTING_LOGIN:
		login_parse(conf, s, e);
		return;
	case SETTING_STRING:
	case SETTING_NAME:
	case SETTING_PATH:
	case SETTING_LOG:
	case SETTING_DOMAIN:
	case SETTING_NUMBER:
	case SETTING_SIZE:
	case SETTING_DURATION:
	case SETTING_SWITCH:
	case SETTING_CHOICE:
		break;
	}
	bug("%s is a simple setting", set->name);
}

size_t
sentence_count(const struct conf *conf, const struct setting *set)
{
	switch (set->type) {
	case SETTING_LISTEN:
		return listener_count(conf);
	case SETTING_DOMAINS:
		return conf->domains.n;
	case SETTING_DELIVER:
		return 1;
	case SETTING_RELAY:
		return conf->relay.n;
	case SETTING_ROUTE:
		return conf->routes.n;
	case SETTING_TLS:
		return conf->tls.certificates.n;
	case SETTING_RULE:
		return clause_count(conf, set);
	case SETTING_EXTENSION:
		return conf->session.offer.extensions.n;
	case SETTING_NETWORKS:
		return network_list(conf, set)->nets.n;
	case SETTING_DNSLIST:
		return dnslist_count(conf, set);
	case SETTING_LOGIN:
		return login_count(conf);
	case SETTING_STRING:
	case SETTING_NAME:
	case SETTING_PATH:
	case SETTING_LOG:
	case SETTING_DOMAIN:
	case SETTING_NUMBER:
	case SETTING_SIZE:
	case SETTING_DURATION:
	case SETTING_SWITCH:
	case SETTING_CHOICE:
		break;
	}
	bug("%s is a simple setting", set->name);
}

static unsigned
format_deliver(const struct conf_deliver *to, struct buf *out)
{
	buf_printf(out, "%s ", method_words[to->method]);
	reader_put_word(out, to->path);
	return to->line;
}

static unsigned
format_route(const struct conf_route *route, struct buf *out)
{
	buf_printf(out, "%.*s via ", STR_ARG(route->pattern));
	if (route->mx)
		buf_puts(out, route->host);
	else
		endpoint_put(out, route->host, route->port);
	return route->line;
}

static unsigned
format_tls(const struct conf_certificate *c, struct buf *out)
{
	buf_putz(out, "certificate ");
	reader_put_word(out, c->file);
	if (c->key.n > 0) {
		buf_putz(out, " key ");
		reader_put_word(out, c->key);
	}
	for (size_t i = 0; i < c->names.n; i++)
		buf_printf(out, "%s %.*s", i == 0 ? " for" : "",
		    STR_ARG(c->names.p[i]));
	return c->line;
}

unsigned
sentence_format(const struct conf *conf, const struct setting *set, size_t i,
    struct buf *out)
{
	switch (set->type) {
	case SETTING_LISTEN:
		return listener_format(conf, i, out);
	case SETTING_DOMAINS:
		buf_puts(out, conf->domains.p[i].name);
		buf_putz(out, " local");
		return conf->domains.p[i].line;
	case SETTING_DELIVER:
		return format_deliver(&conf->deliver, out);
	case SETTING_RELAY:
		buf_putz(out, "for ");
		ipnet_put(out, &conf->relay.p[i]);
		return conf->from.relay_lines.p[i];
	case SETTING_ROUTE:
		return format_route(&conf->routes.p[i], out);
	case SETTING_TLS:
		return format_tls(&conf->tls.certificates.p[i], out);
	case SETTING_RULE:
		clause_format(clause_get(conf, set, i), out);
		return clause_get(conf, set, i)->line;
	case SETTING_EXTENSION:
		return extension_format(conf, i, out);
	case SETTING_NETWORKS:
		buf_putz(out, "for ");
		ipnet_put(out, &network_list(conf, set)->nets.p[i]);
		return network_list(conf, set)->lines.p[i];
	case SETTING_DNSLIST:
		return dnslist_format(conf, set, i, out);
	case SETTING_LOGIN:
		return login_format(conf, i, out);
	case SETTING_STRING:
	case SETTING_NAME:
	case SETTING_PATH:
	case SETTING_LOG:
	case SETTING_DOMAIN:
	case SETTING_NUMBER:
	case SETTING_SIZE:
	case SETTING_DURATION:
	case SETTING_SWITCH:
	case SETTING_CHOICE:
		break;
	}
	bug("%s is a simple setting", set->name);
}
