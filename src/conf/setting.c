/* SPDX-License-Identifier: ISC */
/*
 * The table of settings, and the simple ones among them: a name, a value.
 *
 * A row is the only place where a setting is declared.  From it come its
 * parser, its default (which is parsed like any other value), its bounds in
 * error messages, what `godwit config` shows, and the test that holds the
 * manual against the table (tests/law/settings reads the rows below, so a row
 * begins with a line `{ "name", SETTING_TYPE, ...`).  A row without a default
 * text has one that conf/conf works out, or none.
 *
 * This module knows nothing of files, lines and words: a value comes in as a
 * string and what is wrong with it goes out as a fault.  Settings with more
 * parts than a value are rows here too, but conf/sentence reads them.  What is
 * wrong only in the light of another setting is found by conf/conf.
 */
#include "conf/setting.h"

#include "base/die.h"
#include "base/num.h"
#include "config.h"
#include "mail/domain.h"
#include "mail/idna.h"

#include "conf/reader.h"

#define KIB		UINT64_C(1024)
#define MIB		(1024 * KIB)
#define GIB		(1024 * MIB)
#define MINUTE		UINT64_C(60)
#define HOUR		(60 * MINUTE)
#define DAY		(24 * HOUR)

#define PATH_LIMIT	1000	/* leaves room for names within */
#define RUN_LIMIT	90	/* sun_path holds 107, and a name follows */
#define NAME_LIMIT	32	/* useradd(8) makes no longer ones */

#define AT(member)	offsetof(struct conf, member)

static const struct setting table[] = {
	{ "hostname", SETTING_DOMAIN, AT(hostname), NULL,
	    1, DOMAIN_MAX, true,
	    "the name of this host, as it greets others" },
	{ "listen", SETTING_LISTEN, AT(listens),
	    "smtp on 127.0.0.1:25\nsmtp on [::1]:25",
	    0, 0, false, "where mail is taken from the network" },
	{ "domain", SETTING_DOMAINS, AT(domains), NULL,
	    0, 0, true, "domains whose mail is delivered here" },
	{ "deliver", SETTING_DELIVER, AT(deliver), "mbox /var/mail",
	    0, 0, true, "how mail is put down for a local user" },
	{ "relay", SETTING_RELAY, AT(relay), NULL,
	    0, 0, true, "networks that may send to any domain" },
	{ "route", SETTING_ROUTE, AT(routes), NULL,
	    0, 0, true, "where mail for other domains is sent" },
	{ "accept", SETTING_RULE, AT(rules), NULL,
	    0, 0, true, "what no later rule refuses" },
	{ "reject", SETTING_RULE, AT(rules), NULL,
	    0, 0, true, "what is refused for good" },
	{ "defer", SETTING_RULE, AT(rules), NULL,
	    0, 0, true, "what is refused for now" },
	{ "hold", SETTING_RULE, AT(rules), NULL,
	    0, 0, true, "what is taken and set aside" },
	{ "discard", SETTING_RULE, AT(rules), NULL,
	    0, 0, true, "what is taken and thrown away" },
	{ "header", SETTING_RULE, AT(rules), NULL,
	    0, 0, true, "what gets a header field" },
	{ "xclient", SETTING_NETWORKS, AT(session.xclient), NULL,
	    0, 0, true, "networks that may say who their clients are" },
	{ "normalize", SETTING_NETWORKS, AT(session.normalize), NULL,
	    0, 0, true, "networks whose line ends are mended" },
	{ "nul", SETTING_SWITCH, AT(session.nul), "yes",
	    0, 0, true, "whether a message may have a NUL in it" },
	{ "login", SETTING_LOGIN, AT(login), NULL,
	    0, 0, true, "how users prove who they are" },
	{ "login-checks-from", SETTING_SWITCH, AT(login.checks_from), "no",
	    0, 0, true, "whether the From field is held against the login" },
	{ "login-messages-per-hour", SETTING_NUMBER,
	    AT(login.allowance.hour.messages), "500",
	    0, 1000000, true, "messages of one user in an hour" },
	{ "login-messages-per-day", SETTING_NUMBER,
	    AT(login.allowance.day.messages), "3000",
	    0, 1000000, true, "messages of one user in a day" },
	{ "login-new-recipients-per-hour", SETTING_NUMBER,
	    AT(login.allowance.hour.recipients), "500",
	    0, 1000000, true, "recipients new to one user in an hour" },
	{ "login-new-recipients-per-day", SETTING_NUMBER,
	    AT(login.allowance.day.recipients), "2000",
	    0, 1000000, true, "recipients new to one user in a day" },
	{ "aliases", SETTING_PATH, AT(aliases), "/etc/aliases",
	    1, PATH_LIMIT, true, "the source of the alias table" },
	{ "delimiter", SETTING_STRING, AT(delimiter), "+",
	    0, 1, true, "what parts a user from an extension" },
	{ "spool", SETTING_PATH, AT(spool), CONFIG_SPOOL_DIR,
	    1, PATH_LIMIT, false, "the directory of the queue" },
	{ "spool-may-lose-mail", SETTING_SWITCH, AT(store.may_lose_mail), "no",
	    0, 0, false, "whether any file system will do for the spool" },
	{ "run", SETTING_PATH, AT(run), CONFIG_RUN_DIR,
	    1, RUN_LIMIT, false, "the directory of sockets and pid file" },
	{ "log", SETTING_LOG, AT(log), "syslog",
	    1, PATH_LIMIT, false, "where the log goes" },
	{ "user", SETTING_NAME, AT(users.session), "godwit",
	    1, NAME_LIMIT, false, "who talks to the network" },
	{ "queue-user", SETTING_NAME, AT(users.queue), "godwitq",
	    1, NAME_LIMIT, false, "who runs the queue" },
	{ "keeper-user", SETTING_NAME, AT(users.keeper), "godwitk",
	    1, NAME_LIMIT, false, "who holds the private keys" },
	{ "drop-group", SETTING_NAME, AT(users.drop_group), "godwitdrop",
	    1, NAME_LIMIT, false,
	    "the group that may leave mail in the spool" },
	{ "mail-user", SETTING_NAME, AT(users.mail), "mail",
	    1, NAME_LIMIT, true, "who delivers the mail of root" },
	{ "login-user", SETTING_NAME, AT(users.login), "godwita",
	    1, NAME_LIMIT, true, "who looks at passwords" },
	{ "size", SETTING_SIZE, AT(size), "50M",
	    64 * KIB, 2 * GIB, true, "the largest message" },
	/* RFC 5321 4.5.3.1.8 */
	{ "recipients", SETTING_NUMBER, AT(recipients), "1000",
	    100, 100000, true, "recipients of one message" },
	/* RFC 5321 6.3 */
	{ "hops", SETTING_NUMBER, AT(hops), "100",
	    100, 10000, true, "Received fields before a message loops" },
	{ "received-hides-client", SETTING_SWITCH, AT(login.hides_client), "no",
	    0, 0, true, "whether the trace tells where users were" },
	{ "sessions", SETTING_NUMBER, AT(budget.most), "1000",
	    1, 100000, true, "connections at once" },
	{ "sessions-per-client", SETTING_NUMBER, AT(budget.per_client), "20",
	    0, 100000, true, "connections at once from one address" },
	{ "sessions-per-network", SETTING_NUMBER, AT(budget.per_network),
	    "60",
	    0, 100000, true, "connections at once from one network" },
	{ "connections-per-minute", SETTING_NUMBER,
	    AT(budget.new_per_client), "60",
	    0, 100000, true, "new connections in a minute from one address" },
	{ "connections-per-minute-network", SETTING_NUMBER,
	    AT(budget.new_per_network), "200",
	    0, 100000, true, "new connections in a minute from one network" },
	{ "connections-per-second", SETTING_NUMBER,
	    AT(budget.new_per_second), "300",
	    0, 100000, true, "new connections in a second from everywhere" },
	{ "handshakes-per-minute", SETTING_NUMBER, AT(budget.handshakes), "60",
	    0, 100000, true, "TLS handshakes in a minute with one address" },
	{ "commands-per-minute", SETTING_NUMBER, AT(budget.commands), "600",
	    0, 100000, true,
	    "commands in vain in a minute from one address" },
	{ "stress-at", SETTING_NUMBER, AT(budget.stress), "80",
	    0, 100, true, "percent of the sessions that are many" },
	{ "session-cpu", SETTING_DURATION, AT(budget.cpu), "30s",
	    1, HOUR, true, "processor time of one session" },
	{ "session-cpu-nice", SETTING_DURATION, AT(budget.cpu_nice), "5s",
	    0, HOUR, true, "processor time before a session gives way" },
	{ "session-memory", SETTING_SIZE, AT(budget.memory), "192M",
	    64 * MIB, 64 * GIB, true, "memory of one session" },
	{ "errors", SETTING_NUMBER, AT(session.errors), "20",
	    1, 10000, true, "errors before a session is ended" },
	/* SECURITY 4.6 */
	{ "unknown-recipients", SETTING_NUMBER, AT(session.unknown_recipients),
	    "10", 1, 10000, true, "unknown users before a session is ended" },
	{ "transactions", SETTING_NUMBER, AT(session.transactions), "100",
	    1, 999999, true, "messages in one session" },	/* RFC 9422 4.1 */
	{ "free-space", SETTING_SIZE, AT(store.free_space), "64M",
	    0, 1024 * GIB, true, "what is kept free on the spool" },
	/* RFC 5321 4.5.3.2 */
	{ "timeout-greeting", SETTING_DURATION, AT(timeout.greeting), "30s",
	    1, DAY, true, "wait for a client's first command" },
	{ "timeout-command", SETTING_DURATION, AT(timeout.command), "5m",
	    1, DAY, true, "wait for the next command" },
	{ "timeout-data", SETTING_DURATION, AT(timeout.data), "3m",
	    1, DAY, true, "wait for the next piece of a message" },
	/* SECURITY 4.6 */
	{ "timeout-login", SETTING_DURATION, AT(timeout.login), "1m",
	    0, HOUR, true, "wait for a login on the submission ports" },
	{ "minimum-rate", SETTING_NUMBER, AT(session.minimum_rate),
	    "500", 0, 1000000, true, "bytes a second of a message, at least" },
	{ "timeout-session", SETTING_DURATION, AT(timeout.session), "1h",
	    1, 7 * DAY, true, "the longest session" },
	{ "timeout-connect", SETTING_DURATION, AT(timeout.connect), "30s",
	    1, HOUR, true, "wait for a connection to another host" },
	{ "timeout-deliver", SETTING_DURATION, AT(timeout.deliver), "15m",
	    1, DAY, true, "wait for a local delivery" },
	{ "tls", SETTING_TLS, AT(tls.certificates), NULL,
	    0, 0, true, "certificates, for whom, and their keys" },
	/* RFC 8996, RFC 9325 3.1.1 */
	{ "tls-oldest", SETTING_CHOICE, AT(tls.oldest), "1.2",
	    0, 0, true, "the oldest version of TLS that is spoken" },
	{ "tls-client-certificates", SETTING_CHOICE, AT(tls.clients), "no",
	    0, 0, true, "whether clients are asked for a certificate" },
	{ "tls-client-authorities", SETTING_PATH, AT(tls.authorities), NULL,
	    1, PATH_LIMIT, true, "who may have signed those" },
	{ "extension", SETTING_EXTENSION, AT(session.offer.extensions), NULL,
	    0, 0, true, "extensions of SMTP that are not offered" },
	{ "vrfy", SETTING_SWITCH, AT(session.offer.vrfy), "no",
	    0, 0, true, "whether VRFY tells who exists" },
	{ "expn", SETTING_SWITCH, AT(session.offer.expn), "no",
	    0, 0, true, "whether EXPN tells what an alias stands for" },
	/* RFC 4865 3 */
	{ "hold-longest", SETTING_DURATION, AT(session.offer.hold_longest),
	    "1w", 1, 60 * DAY, true,
	    "how long a sender may have a message held" },
	/* RFC 2852 2 */
	{ "deliver-by-least", SETTING_DURATION, AT(session.offer.by_least),
	    "1m", 1, 60 * DAY, true,
	    "the least time in which a delivery can be demanded" },
	{ "client-names", SETTING_SWITCH, AT(guest.names), "yes",
	    0, 0, true, "whether clients are called by their names" },
	{ "dnsbl", SETTING_DNSLIST, AT(guest.lists), NULL,
	    0, 0, true, "DNS lists of clients that are not welcome" },
	{ "dnswl", SETTING_DNSLIST, AT(guest.lists), NULL,
	    0, 0, true, "DNS lists of clients that are" },
	{ "dnsbl-threshold", SETTING_NUMBER, AT(guest.dns_threshold), "1",
	    0, 1000, true, "from what weight on a client is refused" },
	{ "pre-greeting", SETTING_DURATION, AT(guest.wait), "0s",
	    0, 30, true, "how long a client must be silent before we greet" },
	{ "greylist", SETTING_DURATION, AT(guest.greylist), "0s",
	    0, HOUR, true, "how long mail of strangers has to wait" },
	{ "workers", SETTING_NUMBER, AT(workers), "100",
	    0, 1024, true, "deliveries at once; 0 keeps all mail here" },
	{ "workers-per-destination", SETTING_NUMBER,
	    AT(workers_per_destination), "10",
	    1, 1024, true, "deliveries at once to one destination" },
	{ "retry-first", SETTING_DURATION, AT(retry.first), "5m",
	    1, 7 * DAY, true, "wait before the second attempt" },
	{ "retry-most", SETTING_DURATION, AT(retry.most), "4h",
	    1, 7 * DAY, true, "the longest wait between attempts" },
	{ "lifetime", SETTING_DURATION, AT(retry.lifetime), "5d",
	    1, 60 * DAY, true, "how long a message is tried" },
	{ "lifetime-bounce", SETTING_DURATION, AT(retry.lifetime_bounce), "2d",
	    1, 60 * DAY, true, "how long a bounce is tried" },
};

#define TABLE_N		(sizeof(table) / sizeof(table[0]))

const struct setting *
setting_at(size_t i)
{
	return i < TABLE_N ? &table[i] : NULL;
}

size_t
setting_count(void)
{
	return TABLE_N;
}

size_t
setting_index(const struct setting *set)
{
	return (size_t)(set - table);
}

const struct setting *
setting_find(struct str name)
{
	size_t i;

	for (i = 0; i < TABLE_N; i++)
		if (str_eq(name, str_of(table[i].name)))
			return &table[i];
	return NULL;
}

const char *
setting_nearest(struct str name)
{
	const char *names[TABLE_N + 1];
	size_t i;

	for (i = 0; i < TABLE_N; i++)
		names[i] = table[i].name;
	names[TABLE_N] = NULL;
	return reader_nearest(name, names);
}

const char *const *
setting_services(void)
{
	static const char *const words[] = {
		[SERVICE_SMTP] = "smtp",
		[SERVICE_SUBMISSION] = "submission",
		[SERVICE_SUBMISSIONS] = "submissions",
		NULL
	};

	return words;
}

bool
setting_is_simple(const struct setting *set)
{
	return set->type < SETTING_LISTEN;
}

bool
setting_may_repeat(const struct setting *set)
{
	return !setting_is_simple(set) && set->type != SETTING_DELIVER;
}

/* "expected WHAT, got \"value\"" */
static int
expected(struct fault *why, struct str value, const char *what)
{
	struct buf got;

	buf_init(&got);
	reader_put_quoted(&got, value);
	fault_permanent(why, 554, 3, 5, "expected %s, got %s", what,
	    buf_cstr(&got));
	buf_free(&got);
	return -1;
}

static void
put_quantity(struct buf *out, enum setting_type type, uint64_t value)
{
	if (type == SETTING_SIZE)
		num_format_size(out, value);
	else if (type == SETTING_DURATION) {
		num_format_duration(out, value);
		/* "30" would do; "30s" says what it is. */
		if (str_is_digit(out->p[out->n - 1]))
			buf_putc(out, 's');
	} else
		buf_printf(out, "%llu", (unsigned long long)value);
}

static bool
parse_quantity(enum setting_type type, struct str value, uint64_t *out)
{
	if (type == SETTING_SIZE)
		return num_parse_size(value, UINT64_MAX, out);
	if (type == SETTING_DURATION)
		return num_parse_duration(value, UINT64_MAX, out);
	return num_parse(value, UINT64_MAX, out);
}

static int
set_quantity(uint64_t *member, const struct setting *set, struct str value,
    struct fault *why)
{
	struct buf what;
	uint64_t n;
	int result = 0;

	if (parse_quantity(set->type, value, &n) && n >= set->min &&
	    n <= set->max) {
		*member = n;
		return 0;
	}
	buf_init(&what);
	buf_printf(&what, "a %s from ", set->type == SETTING_SIZE ? "size" :
	    set->type == SETTING_DURATION ? "duration" : "number");
	put_quantity(&what, set->type, set->min);
	buf_putz(&what, " to ");
	put_quantity(&what, set->type, set->max);
	result = expected(why, value, buf_cstr(&what));
	buf_free(&what);
	return result;
}

/* A name that useradd(8) would make, and those that it once made. */
static bool
is_user_name(struct str s)
{
	size_t i;

	if (s.n == 0 || s.p[0] == '-')
		return false;
	for (i = 0; i < s.n; i++)
		if (!str_is_alnum(s.p[i]) && s.p[i] != '-' && s.p[i] != '_' &&
		    (s.p[i] != '.' || i == 0))
			return false;
	return true;
}

static int
set_path(struct conf *conf, struct str *member, const struct setting *set,
    struct str value, struct fault *why)
{
	struct str path = value;

	while (path.n > 1 && path.p[path.n - 1] == '/')
		path.n--;
	if (path.n == 0 || path.p[0] != '/')
		return expected(why, value, set->type == SETTING_LOG ?
		    "\"syslog\", \"stderr\" or an absolute path" :
		    "an absolute path");
	if (path.n > set->max)
		return fault_permanent(why, 554, 3, 5,
		    "expected a path of at most %llu bytes, got one of %zu",
		    (unsigned long long)set->max, path.n);
	*member = arena_str(&conf->arena, path);
	return 0;
}

bool
setting_domain(struct arena *arena, struct str text, struct str *out)
{
	struct fault unused;
	struct str ascii;

	if (!domain_is_valid(text, true) ||
	    idna_to_ascii(arena, text, &ascii, &unused) == -1 ||
	    !domain_is_valid(ascii, false))
		return false;
	*out = domain_fold(arena, ascii);
	return true;
}

static int
set_domain(struct conf *conf, struct str *member, struct str value,
    struct fault *why)
{
	if (!setting_domain(&conf->arena, value, member))
		return expected(why, value, "a domain name");
	return 0;
}

static int
set_string(struct conf *conf, struct str *member, const struct setting *set,
    struct str value, struct fault *why)
{
	if (value.n < set->min || value.n > set->max)
		return expected(why, value, set->max == 1 ?
		    "one character or \"\"" : "a shorter or longer word");
	*member = arena_str(&conf->arena, value);
	return 0;
}

static int
set_name(struct conf *conf, struct str *member, const struct setting *set,
    struct str value, struct fault *why)
{
	if (!is_user_name(value) || value.n > set->max)
		return expected(why, value, "the name of a user or group");
	*member = arena_str(&conf->arena, value);
	return 0;
}

static int
set_switch(bool *member, struct str value, struct fault *why)
{
	bool yes = str_eq(value, STR("yes"));

	if (!yes && !str_eq(value, STR("no")))
		return expected(why, value, "\"yes\" or \"no\"");
	*member = yes;
	return 0;
}

/* The words of a choice, in the order of their numbers. */
static const char *const *
words_of(const struct setting *set)
{
	static const char *const versions[] = { "1.0", "1.1", "1.2", "1.3",
	    NULL };
	static const char *const clients[] = { "no", "ask", NULL };

	return set->offset == AT(tls.oldest) ? versions : clients;
}

static int
set_choice(unsigned *member, const struct setting *set, struct str value,
    struct fault *why)
{
	const char *const *words = words_of(set);
	struct buf what = { 0 };
	unsigned i;
	int r;

	for (i = 0; words[i] != NULL; i++) {
		if (str_eq(value, str_of(words[i]))) {
			*member = i;
			buf_free(&what);
			return 0;
		}
		buf_printf(&what, "%s\"%s\"", i == 0 ? "" :
		    words[i + 1] == NULL ? " or " : ", ", words[i]);
	}
	r = expected(why, value, buf_cstr(&what));
	buf_free(&what);
	return r;
}

int
setting_parse(struct conf *conf, const struct setting *set, struct str value,
    struct fault *why)
{
	void *member = (char *)conf + set->offset;

	switch (set->type) {
	case SETTING_STRING:
		return set_string(conf, member, set, value, why);
	case SETTING_NAME:
		return set_name(conf, member, set, value, why);
	case SETTING_LOG:
		if (str_eq(value, STR("syslog")) ||
		    str_eq(value, STR("stderr"))) {
			*(struct str *)member = arena_str(&conf->arena, value);
			return 0;
		}
		return set_path(conf, member, set, value, why);
	case SETTING_PATH:
		return set_path(conf, member, set, value, why);
	case SETTING_DOMAIN:
		return set_domain(conf, member, value, why);
	case SETTING_NUMBER:
	case SETTING_SIZE:
	case SETTING_DURATION:
		return set_quantity(member, set, value, why);
	case SETTING_SWITCH:
		return set_switch(member, value, why);
	case SETTING_CHOICE:
		return set_choice(member, set, value, why);
	case SETTING_LISTEN:
	case SETTING_DOMAINS:
	case SETTING_DELIVER:
	case SETTING_RELAY:
	case SETTING_ROUTE:
	case SETTING_TLS:
	case SETTING_RULE:
	case SETTING_EXTENSION:
	case SETTING_NETWORKS:
	case SETTING_DNSLIST:
	case SETTING_LOGIN:
		break;
	}
	bug("%s is not a simple setting", set->name);
}

void
setting_format(const struct conf *conf, const struct setting *set,
    struct buf *out)
{
	const void *member = (const char *)conf + set->offset;

	switch (set->type) {
	case SETTING_STRING:
	case SETTING_NAME:
	case SETTING_LOG:
	case SETTING_PATH:
	case SETTING_DOMAIN:
		buf_puts(out, *(const struct str *)member);
		return;
	case SETTING_NUMBER:
	case SETTING_SIZE:
	case SETTING_DURATION:
		put_quantity(out, set->type, *(const uint64_t *)member);
		return;
	case SETTING_SWITCH:
		buf_putz(out, *(const bool *)member ? "yes" : "no");
		return;
	case SETTING_CHOICE:
		buf_putz(out, words_of(set)[*(const unsigned *)member]);
		return;
	case SETTING_LISTEN:
	case SETTING_DOMAINS:
	case SETTING_DELIVER:
	case SETTING_RELAY:
	case SETTING_ROUTE:
	case SETTING_TLS:
	case SETTING_RULE:
	case SETTING_EXTENSION:
	case SETTING_NETWORKS:
	case SETTING_DNSLIST:
	case SETTING_LOGIN:
		break;
	}
	bug("%s is not a simple setting", set->name);
}
