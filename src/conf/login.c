/* SPDX-License-Identifier: ISC */
/*
 * The sentences of the setting "login": against what a secret is proved, which
 * mechanisms are offered for that, whether without TLS too, and as whom those
 * who have logged in may send.
 *
 * Each of the four may be said once.  Nothing is offered unless the first is
 * said.  A mechanism that the chosen way cannot serve is an error here and not
 * a surprise for the users: PAM takes nothing but a password, and what a file
 * holds knows no tokens.
 */
#include "conf/login.h"

#include "os/pam.h"

#define BIT(m)		(1U << (m))
#define PASSWORDS	(BIT(MECHANISM_PLAIN) | BIT(MECHANISM_LOGIN))
#define SCRAM		BIT(MECHANISM_SCRAM_SHA_256)
#define SCRAM_PLUS	BIT(MECHANISM_SCRAM_SHA_256_PLUS)
#define TOKENS		(BIT(MECHANISM_OAUTHBEARER) | BIT(MECHANISM_XOAUTH2))
#define EXTERNAL	BIT(MECHANISM_EXTERNAL)

static const char *const words[] = { "file", "pam", "dovecot", "without",
    "mechanisms", "senders", NULL };

static const char *const mechanism_words[] = {
	[MECHANISM_SCRAM_SHA_256_PLUS] = "scram-sha-256-plus",
	[MECHANISM_SCRAM_SHA_256] = "scram-sha-256",
	[MECHANISM_OAUTHBEARER] = "oauthbearer",
	[MECHANISM_XOAUTH2] = "xoauth2",
	[MECHANISM_EXTERNAL] = "external",
	[MECHANISM_PLAIN] = "plain",
	[MECHANISM_LOGIN] = "login",
	[MECHANISMS] = NULL,
};

/* What each way can serve, and what it offers when nothing is said. */
static const struct {
	const char	*word;
	unsigned	 can, usual;
} ways[] = {
	[LOGIN_NONE] = { "", 0, 0 },
	[LOGIN_FILE] = { "file", PASSWORDS | SCRAM | SCRAM_PLUS | EXTERNAL,
	    PASSWORDS | SCRAM | SCRAM_PLUS },
	[LOGIN_PAM] = { "pam", PASSWORDS | EXTERNAL, PASSWORDS },
	[LOGIN_DOVECOT] = { "dovecot", PASSWORDS | SCRAM | TOKENS | EXTERNAL,
	    PASSWORDS },
};

static struct str
word_at(const struct statement *s, size_t i)
{
	return i < s->words.n ? s->words.p[i].text : STR_NONE;
}

static bool
is_word(const struct statement *s, size_t i, const char *word)
{
	return str_eq(word_at(s, i), str_of(word));
}

/* Does it end before word i, and is it said for the first time? */
static bool
is_whole(const struct statement *s, size_t i, unsigned line,
    struct reader_errors *e)
{
	if (i < s->words.n)
		reader_expected(e, s, i, "the end of the line", NULL);
	else if (line != 0)
		reader_error(e, s->place, "line %u has said that already",
		    line);
	else
		return true;
	return false;
}

static void
prove_by(struct conf *conf, const struct statement *s, enum conf_login_by by,
    struct str place, struct reader_errors *e)
{
	if (!is_whole(s, 3, conf->login.line, e))
		return;
	conf->login.by = by;
	conf->login.place = arena_str(&conf->arena, place);
	conf->login.line = s->place.line;
}

static void
parse_file(struct conf *conf, const struct statement *s,
    struct reader_errors *e)
{
	struct str path = word_at(s, 2);

	if (!str_starts(path, STR("/")) || path.n > 1000)
		reader_expected(e, s, 2, "the absolute path of a file", NULL);
	else
		prove_by(conf, s, LOGIN_FILE, path, e);
}

/* A name of a file in /etc/pam.d. */
static void
parse_pam(struct conf *conf, const struct statement *s,
    struct reader_errors *e)
{
	struct str service = s->words.n < 3 ? STR("smtp") : word_at(s, 2);
	bool good = service.n > 0 && service.n <= 64 && service.p[0] != '.';

	for (size_t i = 0; i < service.n; i++)
		good &= str_is_alnum(service.p[i]) ||
		    str_find(STR("._-"), service.p[i]) < 3;
	if (!pam_is_there())
		reader_error(e, s->words.p[1].place, "this godwit was built "
		    "without PAM: install libpam0g-dev, configure and make "
		    "again");
	else if (!good)
		reader_expected(e, s, 2, "the name of a PAM service", NULL);
	else
		prove_by(conf, s, LOGIN_PAM, service, e);
}

static void
parse_dovecot(struct conf *conf, const struct statement *s,
    struct reader_errors *e)
{
	struct str word = word_at(s, 2), path;

	path = str_starts(word, STR("unix:")) ? str_from(word, 5) : word;
	if (path.n < 2 || path.p[0] != '/' || path.n > 107)
		reader_expected(e, s, 2, "unix: and the absolute path of "
		    "Dovecot's auth-client socket", NULL);
	else
		prove_by(conf, s, LOGIN_DOVECOT, path, e);
}

static void
parse_mechanisms(struct conf *conf, const struct statement *s,
    struct reader_errors *e)
{
	unsigned found = 0;

	if (s->words.n < 3)
		reader_expected(e, s, 2, "mechanisms", mechanism_words);
	for (size_t i = 2; i < s->words.n; i++) {
		unsigned m = 0;

		while (m < MECHANISMS && !str_caseeq(s->words.p[i].text,
		    str_of(mechanism_words[m])))
			m++;
		if (m == MECHANISMS) {
			reader_expected(e, s, i, "a mechanism",
			    mechanism_words);
			return;
		}
		found |= BIT(m);
	}
	if (found == 0 ||
	    !is_whole(s, s->words.n, conf->login.mechanisms_line, e))
		return;
	conf->login.mechanisms = found;
	conf->login.mechanisms_line = s->place.line;
}

/* policy/lists keeps the list, with those of the rules; where among them is
 * told in login_check(), when these are known. */
static void
parse_list(struct conf *conf, const struct statement *s,
    enum rule_value_kind kind, struct reader_errors *e)
{
	struct str path = word_at(s, 3);

	if (!str_starts(path, STR("/")) || path.n > 1000) {
		reader_expected(e, s, 3, "the absolute path of a file", NULL);
		return;
	}
	if (!is_whole(s, 4, conf->login.senders_line, e))
		return;
	conf->login.senders = SENDERS_LISTED;
	conf->login.senders_list = (struct rule_value){ .kind = kind,
	    .text = arena_str(&conf->arena, path) };
	conf->login.senders_line = s->place.line;
}

static void
parse_senders(struct conf *conf, const struct statement *s,
    struct reader_errors *e)
{
	static const char *const kinds[] = { "own", "any", "file", "db",
	    NULL };

	if (is_word(s, 2, "file")) {
		parse_list(conf, s, VALUE_FILE, e);
	} else if (is_word(s, 2, "db")) {
		parse_list(conf, s, VALUE_DB, e);
	} else if (is_word(s, 2, "own") || is_word(s, 2, "any")) {
		if (!is_whole(s, 3, conf->login.senders_line, e))
			return;
		conf->login.senders = is_word(s, 2, "any") ? SENDERS_ANY :
		    SENDERS_OWN;
		conf->login.senders_line = s->place.line;
	} else
		reader_expected(e, s, 2, "\"own\", \"any\", \"file\" or "
		    "\"db\"", kinds);
}

void
login_parse(struct conf *conf, const struct statement *s,
    struct reader_errors *e)
{
	if (is_word(s, 1, "file"))
		parse_file(conf, s, e);
	else if (is_word(s, 1, "pam"))
		parse_pam(conf, s, e);
	else if (is_word(s, 1, "dovecot"))
		parse_dovecot(conf, s, e);
	else if (is_word(s, 1, "mechanisms"))
		parse_mechanisms(conf, s, e);
	else if (is_word(s, 1, "senders"))
		parse_senders(conf, s, e);
	else if (is_word(s, 1, "without") && is_word(s, 2, "tls")) {
		if (!is_whole(s, 3, conf->login.tls_line, e))
			return;
		conf->login.without_tls = true;
		conf->login.tls_line = s->place.line;
	} else if (is_word(s, 1, "without"))
		reader_expected(e, s, 2, "\"tls\"", NULL);
	else
		reader_expected(e, s, 1, "\"file\", \"pam\", \"dovecot\", "
		    "\"mechanisms\", \"senders\" or \"without tls\"",
		    words);
}

size_t
login_count(const struct conf *conf)
{
	const struct conf_login *l = &conf->login;

	return (size_t)(l->by != LOGIN_NONE) + (l->mechanisms_line != 0) +
	    (l->senders_line != 0) + l->without_tls;
}

static unsigned
format_way(const struct conf_login *l, struct buf *out)
{
	struct buf word = { 0 };

	buf_printf(out, "%s ", ways[l->by].word);
	buf_printf(&word, "%s%.*s", l->by == LOGIN_DOVECOT ? "unix:" : "",
	    STR_ARG(l->place));
	reader_put_word(out, buf_str(&word));
	buf_free(&word);
	return l->line;
}

static unsigned
format_senders(const struct conf_login *l, struct buf *out)
{
	buf_putz(out, "senders ");
	switch (l->senders) {
	case SENDERS_OWN:
		buf_putz(out, "own");
		break;
	case SENDERS_ANY:
		buf_putz(out, "any");
		break;
	case SENDERS_LISTED:
		buf_putz(out, l->senders_list.kind == VALUE_DB ? "db " :
		    "file ");
		reader_put_word(out, l->senders_list.text);
		break;
	}
	return l->senders_line;
}

unsigned
login_format(const struct conf *conf, size_t i, struct buf *out)
{
	const struct conf_login *l = &conf->login;

	if (l->by != LOGIN_NONE && i-- == 0)
		return format_way(l, out);
	if (l->mechanisms_line != 0 && i-- == 0) {
		buf_putz(out, "mechanisms");
		for (unsigned m = 0; m < MECHANISMS; m++)
			if ((l->mechanisms & BIT(m)) != 0)
				buf_printf(out, " %s", mechanism_words[m]);
		return l->mechanisms_line;
	}
	if (l->senders_line != 0 && i-- == 0)
		return format_senders(l, out);
	buf_putz(out, "without tls");
	return l->tls_line;
}

void
login_check(struct conf *conf, struct reader_errors *e)
{
	struct conf_login *l = &conf->login;
	unsigned beyond = l->mechanisms & ~ways[l->by].can;
	struct place place = { l->mechanisms_line, 1 };

	if (l->senders == SENDERS_LISTED)
		l->senders_list.number = conf->rules.lists++;
	if (l->mechanisms_line == 0) {
		l->mechanisms = ways[l->by].usual;
		return;
	}
	if (l->by == LOGIN_NONE) {
		reader_error(e, place, "mechanisms, but nothing to prove a "
		    "password by: \"login file\", \"login pam\" or \"login "
		    "dovecot\"");
		return;
	}
	for (unsigned m = 0; m < MECHANISMS; m++)
		if ((beyond & BIT(m)) != 0)
			reader_error(e, place, "\"login %s\" cannot serve %s",
			    ways[l->by].word, mechanism_words[m]);
}
