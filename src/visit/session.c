/* SPDX-License-Identifier: ISC */
/*
 * The ground floor of the SMTP server: the state of a session, its replies and
 * its log lines.  The commands stand on it, the loop that reads and calls them
 * on top (serve.c).
 *
 * A process serves one connection, so reading may block and a command is one
 * straight function.  Replies are collected by the stream and leave together
 * when the next read would have to wait: the answers to a group of pipelined
 * commands travel in one write.
 */

#include "visit/session.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/die.h"
#include "base/mem.h"
#include "base/text.h"
#include "os/clock.h"
#include "os/log.h"
#include "os/proc.h"
#include "os/signal.h"
#include "policy/checks.h"
#include "priv/door.h"
#include "smtp/reply.h"
#include "spool/notify.h"

#define IDLE_MAX	100		/* commands that lead to nothing */
#define SETTLE_SECONDS	5		/* for one word to the doorkeeper */

static void
describe_client(struct session *s)
{
	const struct ip *from = &s->peer->addr.ip;
	char ip[IP_TEXT_MAX];

	if (s->peer->local)
		text_print(s->client, sizeof(s->client), "local[uid %u]",
		    (unsigned)s->peer->uid);
	else
		text_print(s->client, sizeof(s->client), "%.*s[%s]",
		    STR_ARG(s->client_name), from->family == 0 ? "unknown" :
		    ip_format(from, ip));
}
enum {
	ERROR_WEIGHT = 4,		/* beside a command in vain */
};

void
session_init(struct session *s, const struct smtpd *smtpd, int fd,
    const struct smtpd_peer *peer)
{
	memset(s, 0, sizeof(*s));
	s->smtpd = smtpd;
	s->conf = smtpd->conf;
	s->peer = peer;
	stream_init(&s->stream, fd);
	header_collector_init(&s->header);
	s->client_name = STR("unknown");
	describe_client(s);
}

void
session_name_client(struct session *s, struct str name)
{
	s->client_name = arena_str(&s->arena, name);
	describe_client(s);
}

void
session_report_client(struct session *s, const struct sock_addr *addr)
{
	s->claim.peer = *s->peer;
	s->claim.peer.local = false;
	s->claim.peer.addr = *addr;
	s->claim.peer.reported = true;
	s->claim.peer.known = false;
	s->peer = &s->claim.peer;
	session_name_client(s, STR("unknown"));
}

void
session_free(struct session *s)
{
	transaction_end(s);
	header_collector_free(&s->header);
	stream_close(&s->stream);
	arena_free(&s->arena);
}

enum phase
session_phase(const struct session *s)
{
	if (s->ended)
		return PHASE_ENDED;
	if (s->helo.p == NULL)
		return PHASE_CONNECTED;
	if (s->transaction == NULL)
		return PHASE_GREETED;
	if (s->transaction->chunks != NULL)
		return PHASE_CHUNKS;
	return s->transaction->envelope.recipients.n == 0 &&
	    s->transaction->discarded == 0 ? PHASE_MAIL : PHASE_RCPT;
}

struct transaction *
transaction_new(struct session *s)
{
	struct transaction *t;

	must(s->transaction == NULL);
	t = mem_alloc(sizeof(*t));
	arena_init(&t->arena);
	submit_init(&t->submission, s->smtpd->spool);
	s->transaction = t;
	return t;
}

void
transaction_tidy(struct session *s)
{
	struct submission *sub = &s->transaction->submission;

	if (sub->left_over)
		notify_send(s->smtpd->notify, NOTIFY_TEMP, sub->name);
	sub->left_over = false;
}

void
transaction_settle(struct session *s, bool told)
{
	struct transaction *t = s->transaction;
	const struct door_packet p = { .kind = DOOR_REPORTED,
	    .flags = told ? 0 : DOOR_OWED,
	    .field = { s->login, s->login_pass } };
	struct fault ignored;
	int door;

	if (t == NULL || !t->tell)
		return;
	t->tell = false;
	door = sock_connect_packets(conf_run_path(s->conf, &t->arena,
	    CONF_DOOR).p, SETTLE_SECONDS, &ignored);
	if (door < 0)
		return;
	(void)door_send(door, &p);
	close(door);
}

void
transaction_end(struct session *s)
{
	struct transaction *t = s->transaction;

	if (t == NULL)
		return;
	/* Whatever was to be held did not come to that. */
	transaction_settle(s, false);
	submit_free(&t->submission);
	transaction_tidy(s);
	arena_free(&t->arena);
	mem_free(t);
	s->transaction = NULL;
}

void
session_forget(struct session *s)
{
	transaction_end(s);
	s->helo = STR_NONE;
	s->esmtp = false;
	s->extensions = 0;
	s->login = STR_NONE;
	s->login_pass = STR_NONE;
}

static void
count_error(struct session *s, int code)
{
	if (code >= 400)
		s->errors++;
}

void
session_reply(struct session *s, int code, struct status status,
    const char *fmt, ...)
{
	struct buf text = { 0 };
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	reply_put(&s->stream.out, code, status, buf_str(&text));
	buf_free(&text);
	count_error(s, code);
}

void
session_reply_fault(struct session *s, const struct fault *f)
{
	reply_put_fault(&s->stream.out, f);
	count_error(s, f->reply);
}

enum stream_result
session_flush(struct session *s)
{
	enum stream_result r;

	do
		r = stream_flush(&s->stream);
	while (r == STREAM_SIGNAL);
	return r;
}

void
session_count_idle(struct session *s)
{
	s->tally.idle++;
	if (++s->idle > IDLE_MAX)
		s->errors++;
}

bool
session_is_near(const struct session *s)
{
	return s->peer->local || (!s->peer->reported &&
	    ip_is_loopback(&s->peer->addr.ip));
}

void
session_end(struct session *s, struct status status, const char *why)
{
	session_reply(s, 421, status, "%.*s %s", STR_ARG(s->conf->hostname),
	    why);
	s->ended = true;
}

bool
session_is_spent(const struct session *s)
{
	if (!signal_is_pending(SIGXCPU))
		return false;
	if (!proc_give_way((unsigned)s->conf->budget.cpu))
		return true;
	(void)signal_take(SIGXCPU);
	log_info("%s has used much processor time, and gives way", s->client);
	return false;
}

void
session_set_patience(struct session *s, uint64_t usual, uint64_t stressed)
{
	stream_set_timeout(&s->stream, (int)usual);
	stream_set_hasty_timeout(&s->stream, (int)stressed);
}

uint64_t
session_limit(const struct session *s, uint64_t usual, uint64_t stressed)
{
	const struct notices *n = s->smtpd->notices;
	struct facts facts;

	if (n == NULL || usual <= stressed || !atomic_load(&n->stressed))
		return usual;
	facts = session_facts(s);
	return checks_may_relay(s->conf, &facts) ? usual : stressed;
}

bool
session_spool_is_sick(const struct session *s)
{
	const struct notices *n = s->smtpd->notices;

	return n != NULL && atomic_load(&n->sick_until) > clock_boot_ms();
}

struct tally
session_tally(const struct session *s)
{
	struct tally t = s->tally;

	t.idle += ERROR_WEIGHT * s->errors;
	return t;
}

/* As facts have it: a name must have a dot to be believed. */
static struct str
name_of(const struct session *s)
{
	if (s->claim.named)
		return s->client_name;
	if (!s->peer->local && session_is_near(s))
		return STR("localhost");
	return str_find(s->client_name, '.') < s->client_name.n ?
	    s->client_name : STR_NONE;
}

struct facts
session_facts(const struct session *s)
{
	struct facts f = {
		.service = s->peer->service,
		.listener = s->peer->listener,
		.local = s->peer->local,
		.client_ip = s->peer->addr.ip,
		.reported = s->peer->reported,
		.client_name = name_of(s),
		.prober = s->known.prober,
		.helo = s->helo,
		.login = s->login,
		.secure = s->secure,
	};

	if (s->transaction != NULL) {
		f.sender = &s->transaction->envelope.sender;
		f.size_declared = s->transaction->envelope.size_declared;
		f.recipients = s->transaction->given;
	}
	return f;
}

struct panel
session_panel(const struct session *s)
{
	return (struct panel){
		.conf = s->conf,
		.lists = s->smtpd->lists,
		.aliases = s->smtpd->aliases,
	};
}

void
session_refuse(struct session *s, const char *verb, const struct verdict *v)
{
	session_reply_fault(s, &v->why);
	s->ended |= verdict_ends(v);
	session_log_reject(s, verb, &v->why, STR_NONE);
}

void
session_log_action(const struct session *s, const char *id,
    const char *action, const char *verb, struct str text,
    struct str recipient)
{
	struct buf b = { 0 };

	buf_printf(&b, "%s: %s: %s from %s: %.*s;", id, action, verb,
	    s->client, STR_ARG(text));
	if (s->transaction != NULL) {
		buf_putz(&b, " from=<");
		address_put(&b, &s->transaction->envelope.sender);
		buf_putc(&b, '>');
	}
	if (recipient.n > 0)
		buf_printf(&b, " to=<%.*s>", STR_ARG(recipient));
	buf_printf(&b, " proto=%s helo=<%.*s>", s->esmtp ? "ESMTP" : "SMTP",
	    STR_ARG(s->helo));
	log_info("%s", buf_cstr(&b));
	buf_free(&b);
}

void
session_log_reject(const struct session *s, const char *verb,
    const struct fault *f, struct str recipient)
{
	struct buf b = { 0 };

	buf_printf(&b, "%d ", f->reply);
	status_put(&b, status_of_fault(f));
	buf_printf(&b, " %s", f->text);
	session_log_action(s, "NOQUEUE", "reject", verb, buf_str(&b),
	    recipient);
	buf_free(&b);
}
