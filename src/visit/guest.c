/* SPDX-License-Identifier: ISC */
/*
 * Asking about the client.
 *
 * The questions leave before the greeting and all at once.  While the client
 * makes up its EHLO we wait for it and for the answers together, so a name
 * rarely costs any time; the line "connect from" is logged when it is known,
 * with the client's first command.  The lists are not waited for until
 * somebody is to be refused by them, at RCPT.
 *
 * A session has no network socket but its client's.  It takes the end of a
 * line to the resolver from the tray (master/names), and when there is none, or
 * no answer in time, the client is "unknown" and on no list: mail goes on.  Where
 * nothing but HELO is to be asked about, it takes one when a rule has come to
 * that.
 *
 * Nobody asks about a program of this machine, loopback, or a network for
 * which we relay, unless a rule wants the name of such a one: a machine without
 * DNS serves its own people at once.  Rules and the panel ask through the
 * prober; what is to be thought of the answers is policy/stranger's.
 *
 * The greylist is a file that we can only read (policy/greylist).  The runner
 * is told of each attempt, and where it cannot be told nobody has to wait: what
 * nobody remembers would have to wait for ever.
 */
#include "visit/guest.h"

#include <poll.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "os/clock.h"
#include "os/log.h"
#include "policy/checks.h"
#include "policy/stranger.h"
#include "spool/notify.h"

enum {
	TRAY_MS = 500,			/* for an end of a line, */
	TRAY_TRIES = 5,			/* since others want one, too */
};

struct guest {
	struct prober	 prober;
	struct session	*session;
	struct stranger	 stranger;
	bool		 tried;		/* to get a line */
};

static int tell_name(struct prober *, const struct facts *, struct str *,
    struct fault *);
static int tell_listed(struct prober *, const struct facts *, struct str);
static int tell_helo(struct prober *, const struct facts *, enum rule_helo,
    struct fault *);
static int check(struct prober *, const struct facts *, struct fault *);

static struct guest *
guest_of(struct prober *p)
{
	return (struct guest *)(void *)p;
}

static bool
is_ours(const struct session *s)
{
	struct facts facts = session_facts(s);

	return checks_may_relay(s->conf, &facts);
}

/* An end of a line to the resolver, or -1.  When many have come at once the
 * tray is empty for a moment. */
static int
take_line(const struct session *s)
{
	struct pollfd p = { .fd = s->smtpd->tray, .events = POLLIN };
	int fds[SOCK_FDS_MAX];
	size_t n = 0;
	char byte;

	if (p.fd < 0)
		return -1;
	for (int i = 0; i < TRAY_TRIES; i++) {
		if (sock_receive(p.fd, &byte, 1, fds, &n, MSG_DONTWAIT) > 0 &&
		    n > 0)
			return fds[0];
		if (poll(&p, 1, TRAY_MS) != 1)
			break;
	}
	return -1;
}

/* Once: who had none when he wanted it goes without. */
static void
open_line(struct guest *g)
{
	const struct session *s = g->session;
	int fd;

	if (g->tried)
		return;
	g->tried = true;
	if ((fd = take_line(s)) >= 0)
		stranger_ask(&g->stranger, s->smtpd->dns_lists, fd);
}

void
guest_greet(struct session *s)
{
	const struct smtpd_peer *peer = s->peer;
	struct stranger *st;
	struct guest *g;
	bool ours;

	if (peer->local || peer->addr.ip.family == 0 ||
	    ip_is_loopback(&peer->addr.ip))
		return;
	ours = is_ours(s);
	if (!stranger_is_wanted(s->conf, peer->service, ours))
		return;
	s->known.guest = g = mem_alloc(sizeof(*g));
	g->session = s;
	g->prober = (struct prober){ tell_name, tell_listed, tell_helo,
	    check };
	s->known.prober = &g->prober;
	st = &g->stranger;
	stranger_init(st, s->conf, &s->arena, peer->service, ours,
	    &peer->addr.ip);
	/* What a proxy has told need not be asked. */
	st->is_named = s->claim.named;
	st->asks_name &= !s->claim.named;
	if (stranger_has_questions(st))
		open_line(g);
}

void
guest_attend(struct session *s)
{
	struct guest *g = s->known.guest;
	struct asker *asker;
	struct pollfd p[2];
	int due;

	if (g == NULL || g->stranger.is_named || g->stranger.asker == NULL)
		return;
	asker = g->stranger.asker;
	p[0] = (struct pollfd){ .fd = s->stream.fd, .events = POLLIN };
	p[1] = (struct pollfd){ .fd = asker_fd(asker), .events = POLLIN };
	while ((due = asker_due(asker)) >= 0) {
		int n = poll(p, 2, due);

		if (n < 0)
			return;
		if (n == 0 || p[1].revents != 0)
			ask_hear(asker);
		(void)stranger_advance(&g->stranger);
		if (n > 0 && p[0].revents != 0)
			return;
	}
}

void
guest_know(struct session *s, bool wait)
{
	struct guest *g = s->known.guest;

	if (g == NULL || g->stranger.is_named)
		return;
	stranger_know(&g->stranger, wait);
	session_name_client(s, g->stranger.name);
	log_info("connect from %s", s->client);
}

void
guest_free(struct session *s)
{
	if (s->known.guest == NULL)
		return;
	stranger_free(&s->known.guest->stranger);
	mem_free(s->known.guest);
	s->known.guest = NULL;
	s->known.prober = NULL;
}

/* --------------------------------------------------------------- lists --- */

static void
log_trouble(const struct dnsbl_row *row)
{
	char ip[IP_TEXT_MAX];

	if (row->trouble == DNSBL_FINE)
		return;
	log_warning("DNS list %.*s %s%s%s%s; it is left out for a while",
	    STR_ARG(row->label), dnsbl_trouble_text(row->trouble),
	    row->answer.family != 0 ? " (" : "",
	    ip_format(&row->answer, ip), row->answer.family != 0 ? ")" : "");
}

static void
judge(struct guest *g)
{
	const struct smtpd_peer *peer = g->session->peer;
	const struct dnsbl *lists = &g->stranger.lists;
	char ip[IP_TEXT_MAX];

	if (!stranger_judge(&g->stranger))
		return;
	for (size_t i = 0; i < lists->n; i++)
		log_trouble(&lists->row[i]);
	if (lists->rank > 0)
		log_info("DNSBL rank %d for [%s]:%u", lists->rank,
		    ip_format(&peer->addr.ip, ip), (unsigned)peer->addr.port);
}

/* -------------------------------------------------------------- prober --- */

static int
tell_name(struct prober *p, const struct facts *f, struct str *name,
    struct fault *why)
{
	struct guest *g = guest_of(p);

	(void)f;
	guest_know(g->session, true);
	return stranger_tell_name(&g->stranger, name, why);
}

static int
tell_listed(struct prober *p, const struct facts *f, struct str zone)
{
	struct guest *g = guest_of(p);

	(void)f;
	if (!g->stranger.asks_lists)
		return 0;
	judge(g);
	return dnsbl_has(&g->stranger.lists, zone);
}

static int
tell_helo(struct prober *p, const struct facts *f, enum rule_helo what,
    struct fault *why)
{
	struct guest *g = guest_of(p);

	open_line(g);
	return stranger_tell_helo(&g->stranger, f->helo, what, why);
}

static int
check_greylist(struct guest *g, const struct facts *f, struct fault *why)
{
	struct session *s = g->session;
	const struct grey *grey = s->smtpd->grey;
	struct grey_tags tags;
	uint32_t left;
	int r;

	if (!stranger_is_greylisted(s->conf, f->service, false) ||
	    grey == NULL || grey->fd == -1)
		return 0;
	r = stranger_check_greylist(s->conf, grey, f, &tags,
	    (uint32_t)clock_wall(), &left, why);
	if (!notify_send_grey(s->smtpd->notify, &tags))
		return 0;
	s->known.put_off = r < 0;
	return r;
}

static int
check(struct prober *p, const struct facts *f, struct fault *why)
{
	struct guest *g = guest_of(p);

	/* It may have proved since to be one of ours. */
	if (checks_may_relay(g->session->conf, f))
		return 0;
	judge(g);
	if (stranger_check_lists(&g->stranger, why) < 0)
		return -1;
	return stranger_is_praised(&g->stranger) ? 0 :
	    check_greylist(g, f, why);
}
