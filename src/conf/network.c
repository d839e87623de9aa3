/* SPDX-License-Identifier: ISC */
/*
 * Networks in a sentence: those that may relay, those that are believed when
 * they say who their clients are (xclient, and the proxies of a listener), those
 * whose line ends are mended (normalize).
 *
 * None of these lists may let everybody in by a slip: a network without a
 * prefix length is one host, bits behind the prefix are an error and not cut
 * off, and a prefix of length 0 is refused.  conf/sentence calls this.
 */
#include "conf/network.h"

#include "base/num.h"

static const char everybody[] = "with a prefix of 0 bits everybody in the "
    "world could claim to be anybody";

static const char unseen[] = "with a prefix of 0 bits nobody's bare LF would "
    "be refused";

/* Why is it not a network?  Bits behind the prefix are the usual mistake. */
static void
refuse(const struct statement *s, size_t i, struct reader_errors *e)
{
	struct str text = s->words.p[i].text, bits;
	size_t slash = str_find(text, '/');
	struct ip ip;
	uint64_t n;

	bits = str_from(text, slash + 1);
	if (slash < text.n && ip_parse(str_slice(text, 0, slash), &ip) &&
	    num_parse(bits, ip.family == 4 ? 32 : 128, &n))
		reader_expected(e, s, i, "a network whose address is zero "
		    "behind its prefix", NULL);
	else
		reader_expected(e, s, i, "a network such as 192.0.2.0/24 or "
		    "2001:db8::/32", NULL);
}

void
network_parse(struct conf *conf, const struct statement *s, size_t i,
    struct conf_networks *list, const char *all, struct reader_errors *e)
{
	struct ipnet net;

	if (s->words.n <= i)
		reader_expected(e, s, i, "networks", NULL);
	for (; i < s->words.n; i++) {
		if (!ipnet_parse(s->words.p[i].text, &net)) {
			refuse(s, i, e);
		} else if (net.bits == 0) {
			reader_error(e, s->words.p[i].place, "%s", all);
		} else {
			vec_push(&conf->arena, &list->nets, net);
			vec_push(&conf->arena, &list->lines, s->place.line);
		}
	}
}

/* Is word i this one?  Reports it when not. */
static bool
want_word(const struct statement *s, size_t i, const char *word,
    const char *quoted, struct reader_errors *e)
{
	const char *known[] = { word, NULL };

	if (i < s->words.n && str_eq(s->words.p[i].text, str_of(word)))
		return true;
	reader_expected(e, s, i, quoted, known);
	return false;
}

const struct conf_networks *
network_list(const struct conf *conf, const struct setting *set)
{
	return (const struct conf_networks *)(const void *)
	    ((const char *)conf + set->offset);
}

void
network_parse_for(struct conf *conf, const struct setting *set,
    const struct statement *s, struct reader_errors *e)
{
	struct conf_networks *list = (struct conf_networks *)(void *)
	    ((char *)conf + set->offset);

	if (want_word(s, 1, "for", "\"for\"", e))
		network_parse(conf, s, 2, list,
		    list == &conf->session.xclient ? everybody : unseen, e);
}

size_t
network_parse_proxies(struct conf *conf, const struct statement *s,
    struct conf_networks *list, struct reader_errors *e)
{
	size_t n = 2;

	while (n < s->words.n && !str_eq(s->words.p[n].text, STR("proxy")))
		n++;
	if (n < s->words.n && want_word(s, n + 1, "from", "\"from\"", e))
		network_parse(conf, s, n + 2, list, everybody, e);
	return n;
}

bool
conf_networks_have(const struct conf_networks *n, const struct ip *ip)
{
	for (size_t i = 0; i < n->nets.n; i++)
		if (ipnet_has(&n->nets.p[i], ip))
			return true;
	return false;
}

void
network_format(const struct conf_networks *list, struct buf *out)
{
	for (size_t i = 0; i < list->nets.n; i++) {
		if (i > 0)
			buf_putc(out, ' ');
		ipnet_put(out, &list->nets.p[i]);
	}
}
