/* SPDX-License-Identifier: ISC */
/*
 * The sentence "extension NAME no", which takes an extension of SMTP out of what
 * is offered to clients.  It can come once for each; "yes" says what would be
 * so without it, and is allowed so that a file can say it aloud.
 *
 * Names stand here in the order of enum ext, one bit after the other: this room
 * lies beside the room smtp and cannot ask it.  A unit test (conf_extension)
 * holds the one list against the other.  VRFY and EXPN have switches of their
 * own, since more than a keyword depends on them.
 */
#include "conf/extension.h"

#include "conf/reader.h"

static const char *const names[] = {
	"pipelining", "size", "8bitmime", "enhancedstatuscodes", "dsn",
	"smtputf8", "chunking", "binarymime", "starttls", "auth",
	"requiretls", "deliverby", "futurerelease", "mt-priority", "limits",
	"etrn", "help", NULL
};

static bool
find(struct str name, unsigned *bit)
{
	for (unsigned i = 0; names[i] != NULL; i++) {
		*bit = 1u << i;
		if (str_caseeq(name, str_of(names[i])))
			return true;
	}
	return false;
}

static const struct conf_extension *
find_said(const struct conf *conf, unsigned bit)
{
	for (size_t i = 0; i < conf->session.offer.extensions.n; i++)
		if (conf->session.offer.extensions.p[i].bit == bit)
			return &conf->session.offer.extensions.p[i];
	return NULL;
}

void
extension_parse(struct conf *conf, const struct statement *s,
    struct reader_errors *e)
{
	struct conf_extension x = { .line = s->place.line };
	const struct conf_extension *said;
	bool yes;

	if (s->words.n < 2 || !find(s->words.p[1].text, &x.bit)) {
		reader_expected(e, s, 1, "the name of an extension", names);
		return;
	}
	yes = s->words.n > 2 && str_eq(s->words.p[2].text, STR("yes"));
	x.off = s->words.n > 2 && str_eq(s->words.p[2].text, STR("no"));
	said = find_said(conf, x.bit);
	if (!yes && !x.off)
		reader_expected(e, s, 2, "\"yes\" or \"no\"", NULL);
	else if (s->words.n > 3)
		reader_expected(e, s, 3, "the end of the line", NULL);
	else if (said != NULL)
		reader_error(e, s->words.p[1].place, "extension %.*s was set "
		    "in line %u already", STR_ARG(s->words.p[1].text),
		    said->line);
	else
		vec_push(&conf->arena, &conf->session.offer.extensions, x);
}

unsigned
extension_format(const struct conf *conf, size_t i, struct buf *out)
{
	const struct conf_extension *x = &conf->session.offer.extensions.p[i];
	unsigned n = 0;

	while (x->bit >> n > 1)
		n++;
	buf_printf(out, "%s %s", names[n], x->off ? "no" : "yes");
	return x->line;
}

unsigned
extension_off(const struct conf *conf)
{
	unsigned off = 0;

	for (size_t i = 0; i < conf->session.offer.extensions.n; i++)
		if (conf->session.offer.extensions.p[i].off)
			off |= conf->session.offer.extensions.p[i].bit;
	return off;
}
