/* SPDX-License-Identifier: ISC */
/*
 * The world, asked about a client for `godwit explain`.
 *
 * The name servers are those that the relay of names would ask, over a socket
 * of our own; the first that answers is taken.  Lists have to prove themselves
 * as in the daemon, all of them, before they are asked about the client, so
 * that it is told which of them the daemon would leave out.  The greylist is
 * read where the caller may, and nothing is noted in it.
 *
 * Always true: what is told here and what is decided through the prober come
 * from the same answers.  Called by admin/explain and admin/account.
 */
#include "admin/world.h"

#include "base/json.h"
#include "dns/question.h"
#include "dns/servers.h"
#include "os/clock.h"
#include "policy/checks.h"

static struct world *
world_of(struct prober *p)
{
	return (struct world *)(void *)p;
}

/* ------------------------------------------------------------- prober --- */

static int
tell_name(struct prober *p, const struct facts *f, struct str *name,
    struct fault *why)
{
	(void)f;
	return stranger_tell_name(&world_of(p)->stranger, name, why);
}

static int
tell_listed(struct prober *p, const struct facts *f, struct str zone)
{
	const struct stranger *st = &world_of(p)->stranger;

	(void)f;
	return st->asks_lists ? dnsbl_has(&st->lists, zone) : 0;
}

/* All that the DNS has for HELO, once a rule has wanted some of it. */
static enum world_greeting
judge_helo(struct stranger *st)
{
	if (helo_has_address(&st->helo, &st->ip) == 1)
		return WORLD_GREETING_CONFIRMED;
	switch (helo_is_known(&st->helo)) {
	case 1:
		return WORLD_GREETING_KNOWN;
	case 0:
		return WORLD_GREETING_UNKNOWN;
	default:
		return WORLD_GREETING_UNTOLD;
	}
}

static int
tell_helo(struct prober *p, const struct facts *f, enum rule_helo what,
    struct fault *why)
{
	struct world *w = world_of(p);
	int r = stranger_tell_helo(&w->stranger, f->helo, what, why);

	if (w->stranger.asker != NULL)
		w->greeting = judge_helo(&w->stranger);
	return r;
}

static int
check_greylist(struct world *w, const struct facts *f, struct fault *why)
{
	struct grey_tags tags;
	struct fault unread;

	if (!stranger_is_greylisted(w->conf, f->service,
	    checks_may_relay(w->conf, f)))
		return 0;
	w->greylist = WORLD_GREY_SHUT;
	if (w->grey.fd == -1 && grey_open(&w->grey, w->conf->spool.p, false,
	    &unread) < 0)
		return 0;
	w->greylist = WORLD_GREY_ASKED;
	return stranger_check_greylist(w->conf, &w->grey, f, &tags,
	    (uint32_t)clock_wall(), &w->wait, why);
}

static int
check(struct prober *p, const struct facts *f, struct fault *why)
{
	struct world *w = world_of(p);

	if (checks_may_relay(w->conf, f))
		return 0;
	if (stranger_check_lists(&w->stranger, why) < 0)
		return -1;
	return stranger_is_praised(&w->stranger) ? 0 :
	    check_greylist(w, f, why);
}

/* ------------------------------------------------------------- asking --- */

static bool
answers(const struct sock_addr *server, const struct ip *ip)
{
	enum resolve_result r = RESOLVE_TRY_AGAIN;
	struct buf name = { 0 };
	struct asker *a;
	int question, fd = sock_connect_udp(server);

	if (fd < 0)
		return false;
	a = asker_new(fd);
	question_put_reverse(&name, ip);
	buf_putz(&name, ip->family == 4 ? ".in-addr.arpa" : ".ip6.arpa");
	question = ask_question(a, buf_str(&name), RR_PTR);
	ask_wait(a, question);
	r = ask_answer(a, question, NULL);
	asker_free(a);
	buf_free(&name);
	return r != RESOLVE_TRY_AGAIN;
}

/* A line to the first name server that answers, or to the last; -1: none. */
static int
open_line(const struct ip *ip)
{
	struct sock_addr server[SERVERS_MAX];
	size_t n = servers_load(server), i = 0;

	while (i + 1 < n && !answers(&server[i], ip))
		i++;
	return sock_connect_udp(&server[i]);
}

static void
keep_trouble(struct world *w, const struct dnsbl *d)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->row[i].trouble != DNSBL_FINE)
			w->trouble[i] = (struct world_trouble){
			    d->row[i].trouble, d->row[i].answer };
}

/* Each list has its turn, and passes, fails, or is silent. */
static void
prove_lists(struct world *w, int fd)
{
	struct asker *a = asker_new(fd);
	struct dnsbl d;

	for (size_t i = 0; i < w->conf->guest.zones.n; i += DNSBL_PROBES) {
		asker_renew(a);
		dnsbl_begin(&d, a, w->conf, w->memory, &w->stranger.ip);
		dnsbl_finish(&d);
		keep_trouble(w, &d);
	}
	asker_free(a);
}

void
world_ask(struct world *w, const struct conf *conf, struct arena *arena,
    struct facts *f)
{
	struct stranger *st = &w->stranger;
	int fd;

	w->conf = conf;
	w->grey.fd = -1;
	if (f->local || ip_is_loopback(&f->client_ip))
		return;
	w->prober = (struct prober){ tell_name, tell_listed, tell_helo,
	    check };
	f->prober = &w->prober;
	stranger_init(st, conf, arena, f->service, checks_may_relay(conf, f),
	    &f->client_ip);
	st->asks_name = st->asks_name && f->client_name.n == 0;
	w->asked = stranger_has_questions(st) || st->asks_helo;
	if (!w->asked)
		return;
	if (st->asks_lists) {
		w->memory = dnsbl_memory_new();
		if ((fd = open_line(&st->ip)) >= 0)
			prove_lists(w, fd);
	}
	if ((fd = open_line(&st->ip)) >= 0)
		stranger_ask(st, w->memory, fd);
	stranger_know(st, true);
	(void)stranger_judge(st);
	keep_trouble(w, &st->lists);
}

void
world_free(struct world *w)
{
	stranger_free(&w->stranger);
	dnsbl_memory_free(w->memory);
	grey_close(&w->grey);
}

/* ------------------------------------------------------------ telling --- */

static const char *
explain_name(enum naming_verdict verdict)
{
	switch (verdict) {
	case NAMING_CONFIRMED:
		return "the DNS has it both ways";
	case NAMING_NONE:
		return "its address points to no name of a host";
	case NAMING_FORGED:
		return "the name that its address points to does not point "
		    "back";
	case NAMING_UNKNOWN:
		break;
	}
	return "it cannot be looked up now";
}

static const struct {
	const char	*word, *text;
} greetings[] = {
	[WORLD_GREETING_UNTOLD] = { "untold", "it cannot be looked up now" },
	[WORLD_GREETING_UNKNOWN] = { "unknown",
	    "the DNS has neither an address nor an MX for it" },
	[WORLD_GREETING_KNOWN] = { "known", "the DNS has it, not for the client" },
	[WORLD_GREETING_CONFIRMED] = { "confirmed",
	    "the DNS has the client's address for it" },
};

/* The rows of the configuration that an answer of the list makes count. */
static void
put_weights(struct buf *b, const struct world *w, const struct dnsbl_row *row)
{
	const struct conf *conf = w->conf;
	struct ip ip;

	for (size_t i = 0; i < conf->guest.lists.n; i++) {
		const struct conf_dnslist *list = &conf->guest.lists.p[i];
		bool has = false;

		for (size_t k = 0; dnsbl_answer(&w->stranger.lists, row, k,
		    &ip); k++)
			has |= dnsbl_row_has(list, &ip);
		if (!has || !str_eq(list->zone, row->zone))
			continue;
		buf_printf(b, ", %s%llu (", list->white ? "-" : "+",
		    (unsigned long long)list->weight);
		conf_put_origin(conf, list->line, b);
		buf_putc(b, ')');
	}
}

static void
put_answers(struct buf *b, const struct world *w, const struct dnsbl_row *row,
    const char *quote)
{
	char text[IP_TEXT_MAX];
	struct ip ip;

	for (size_t k = 0; dnsbl_answer(&w->stranger.lists, row, k, &ip); k++)
		buf_printf(b, "%s%s%s%s", k > 0 ? ", " : "", quote,
		    ip_format(&ip, text), quote);
}

static const struct world_trouble *
trouble_of(const struct world *w, const struct dnsbl_row *row)
{
	return &w->trouble[row - w->stranger.lists.row];
}

static void
put_list(struct buf *b, const struct world *w, const struct dnsbl_row *row)
{
	const struct world_trouble *t = trouble_of(w, row);
	char ip[IP_TEXT_MAX];

	buf_printf(b, "  list %.*s: ", STR_ARG(row->zone));
	if (t->kind != DNSBL_FINE) {
		buf_printf(b, "%s%s%s%s; it is left out",
		    dnsbl_trouble_text(t->kind),
		    t->answer.family != 0 ? " (" : "",
		    ip_format(&t->answer, ip),
		    t->answer.family != 0 ? ")" : "");
	} else if (!row->counts) {
		buf_putz(b, "does not answer");
	} else if (!row->listed) {
		buf_putz(b, "does not have it");
	} else {
		put_answers(b, w, row, "");
		put_weights(b, w, row);
	}
	buf_putc(b, '\n');
}

static void
put_greylist(struct buf *b, const struct world *w)
{
	switch (w->greylist) {
	case WORLD_GREY_OFF:
		return;
	case WORLD_GREY_SHUT:
		buf_putz(b, "  greylist: cannot be read by you\n");
		return;
	case WORLD_GREY_ASKED:
		break;
	}
	if (w->wait > 0)
		buf_printf(b, "  greylist: has to come again in %u seconds\n",
		    (unsigned)w->wait);
	else
		buf_putz(b, "  greylist: has come before\n");
}

void
world_put(struct buf *b, const struct world *w)
{
	const struct stranger *st = &w->stranger;

	if (!st->asks_name && !st->asks_lists && st->helo.name.n == 0 &&
	    w->greylist == WORLD_GREY_OFF)
		return;
	buf_putz(b, "client\n");
	if (st->asks_name)
		buf_printf(b, "  name %.*s: %s\n", STR_ARG(st->name),
		    explain_name(st->verdict));
	if (st->helo.name.n > 0)
		buf_printf(b, "  helo %.*s: %s\n", STR_ARG(st->helo.name),
		    greetings[w->greeting].text);
	for (size_t i = 0; i < st->lists.n; i++)
		put_list(b, w, &st->lists.row[i]);
	if (w->conf->guest.lists.n > 0 && st->lists.n > 0)
		buf_printf(b, "  weighs %d, and is refused from %llu on\n",
		    st->lists.rank,
		    (unsigned long long)w->conf->guest.dns_threshold);
	put_greylist(b, w);
}

void
world_put_json(struct buf *b, const struct world *w)
{
	const struct stranger *st = &w->stranger;

	buf_putz(b, "\"client\":{\"name\":");
	json_put_string(b, st->asks_name ? st->name : STR_NONE);
	buf_printf(b, ",\"confirmed\":%s,\"helo\":\"%s\",\"lists\":[",
	    st->verdict == NAMING_CONFIRMED ? "true" : "false",
	    st->helo.name.n > 0 ? greetings[w->greeting].word : "");
	for (size_t i = 0; i < st->lists.n; i++) {
		const struct dnsbl_row *row = &st->lists.row[i];
		const struct world_trouble *t = trouble_of(w, row);

		buf_printf(b, "%s{\"list\":", i > 0 ? "," : "");
		json_put_string(b, row->zone);
		buf_printf(b, ",\"counts\":%s,\"listed\":%s,\"answers\":[",
		    row->counts ? "true" : "false",
		    row->listed ? "true" : "false");
		put_answers(b, w, row, "\"");
		buf_printf(b, "],\"trouble\":\"%s\"}",
		    t->kind == DNSBL_FINE ? "" : dnsbl_trouble_text(t->kind));
	}
	buf_printf(b, "],\"weight\":%d,\"wait\":%u}", st->lists.rank,
	    (unsigned)w->wait);
}
