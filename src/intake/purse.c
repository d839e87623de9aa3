/* SPDX-License-Identifier: ISC */
/*
 * The budget of a login, as its session sees it: a question for each message,
 * put to the doorkeeper, who keeps the book (auth/spending).  The session shows
 * the pass that it was given with the yes.  Logins that the doorkeeper has not
 * proved, by the certificate of a client or by a proxy's word, have none; the
 * doorkeeper takes the session's word for them, where there can be such logins.
 *
 * A message beyond the budget is held, with the reason, where `mailq' shows it
 * and `godwit queue release' sends it on.  For the first one of an hour or a day
 * the postmaster gets a message, which is made here, since the doorkeeper has
 * no spool; the line in the log is the doorkeeper's own.  He hears when it was
 * made: until then it is owed, and a later message makes up for it.
 *
 * It costs who has not logged in nothing, nor anybody where no budget is set.
 * Called by intake/intake.
 */
#include "intake/purse.h"

#include <unistd.h>

#include "base/bytes.h"
#include "base/table.h"
#include "mail/date.h"
#include "mail/fold.h"
#include "mail/received.h"
#include "os/clock.h"
#include "os/log.h"
#include "os/sock.h"
#include "priv/door.h"
#include "spool/notify.h"

enum {
	RECIPIENTS_MAX = 1800,		/* that fit into a packet */
	ANSWER_SECONDS = 30,
};

static bool
has_budget(const struct session *s)
{
	const struct conf_allowance *a = &s->conf->login.allowance;

	return s->login.n > 0 && s->conf->login.by != LOGIN_NONE &&
	    (a->hour.messages | a->hour.recipients | a->day.messages |
	    a->day.recipients) != 0;
}

/* ------------------------------------------------------------ the question */

/* Hashes that tell recipients apart; the doorkeeper hashes them again, with a
 * key. */
static void
put_recipients(struct buf *b, struct transaction *t)
{
	static const uint64_t key[2] = { 0, 0 };

	for (size_t i = 0; i < t->taken.n && i < RECIPIENTS_MAX; i++) {
		const struct address *to = &t->taken.p[i];
		struct str text = fold_mailbox(&t->arena, to->local,
		    to->domain);

		bytes_put_le64((uint8_t *)buf_room(b, 8),
		    table_hash(key, text));
		buf_grew(b, 8);
	}
}

static int
converse(struct session *s, int door, char room[DOOR_PACKET_MAX],
    struct door_packet *p)
{
	struct transaction *t = s->transaction;
	struct buf recipients = { 0 };
	uint8_t count[4];
	int r;

	put_recipients(&recipients, t);
	bytes_put_le32(count, (uint32_t)t->taken.n);
	*p = (struct door_packet){ .kind = DOOR_SPEND, .field = { s->login,
	    s->login_pass, str_span(count, sizeof(count)),
	    buf_str(&recipients) } };
	r = door_send(door, p);
	buf_free(&recipients);
	return r == 0 ? door_receive(door, room, p) : r;
}

static int
take_answer(struct session *s, const struct door_packet *p, struct fault *why)
{
	struct transaction *t = s->transaction;

	switch (p->kind) {
	case DOOR_WITHIN:
		return 0;
	case DOOR_OVER:
		t->over = arena_printf(&t->arena, "login %.*s: %.*s",
		    STR_ARG(s->login), STR_ARG(p->field[0]));
		t->tell = (p->flags & DOOR_OWED) != 0;
		return 0;
	case DOOR_LATER:
		return fault_temporary(why, 452, 7, 1,
		    "Login %.*s has sent too much: %.*s; try again later",
		    STR_ARG(s->login), STR_ARG(p->field[0]));
	case DOOR_KNOCK:
	case DOOR_SECRET:
	case DOOR_TOKEN:
	case DOOR_BEGIN:
	case DOOR_RESPONSE:
	case DOOR_SPEND:
	case DOOR_REPORTED:
	case DOOR_ENTER:
	case DOOR_CHALLENGE:
	case DOOR_YES:
	case DOOR_NO:
	case DOOR_WAIT:
		break;
	}
	return fault_temporary(why, 451, 3, 0, "Temporary lookup failure");
}

int
purse_ask(struct session *s, struct fault *why)
{
	struct arena *a = &s->transaction->arena;
	struct door_packet p;
	struct fault cause;
	char *room;
	int door, r;

	if (!has_budget(s))
		return 0;
	/* Not on the stack, whose pages cost every session something. */
	room = arena_alloc(a, DOOR_PACKET_MAX);
	door = sock_connect_packets(conf_run_path(s->conf, a, CONF_DOOR).p,
	    ANSWER_SECONDS, &cause);
	r = door < 0 ? -1 : converse(s, door, room, &p);
	if (r == 0)
		r = take_answer(s, &p, why);
	else
		r = fault_temporary(why, 451, 3, 0, "Temporary lookup failure");
	if (r < 0)
		log_warning("budget of login %.*s: %s", STR_ARG(s->login),
		    door < 0 ? cause.text : why->text);
	if (door >= 0)
		close(door);
	return r;
}

/* ------------------------------------------------------------- the report */

static void
put_report(struct buf *b, const struct session *s, struct str id)
{
	const struct transaction *t = s->transaction;
	struct str host = s->conf->hostname;

	buf_printf(b, "From: Mail system of %.*s <MAILER-DAEMON@%.*s>\r\n"
	    "To: postmaster@%.*s\r\nSubject: A user's mail is held: too much "
	    "of it\r\nDate: ", STR_ARG(host), STR_ARG(host), STR_ARG(host));
	date_put(b, clock_wall());
	buf_printf(b, "\r\nMessage-ID: <%.*s@%.*s>\r\n"
	    "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n"
	    "Content-Transfer-Encoding: 8bit\r\n\r\n", STR_ARG(id),
	    STR_ARG(host));
	buf_printf(b, "A user has sent more than the budget of one login "
	    "allows:\r\n\r\n    %.*s\r\n    client %s\r\n    message %s\r\n\r\n",
	    STR_ARG(t->over), s->client, t->submission.name);
	buf_putz(b, "This message and those that follow are held until the "
	    "hour or day is over, and\r\nstay there: nothing is lost and "
	    "nothing is sent.  `mailq' lists them.\r\n\r\n"
	    "If somebody has stolen the password, change it, and remove them: "
	    "godwit queue\r\nremove ID.  If all is well: godwit queue release "
	    "ID, and perhaps a larger\r\nlogin-messages-per-hour, "
	    "login-messages-per-day,\r\nlogin-new-recipients-per-hour or "
	    "login-new-recipients-per-day.\r\n");
}

static int
address_report(const struct session *s, struct envelope *e, struct fault *why)
{
	struct arena *a = &s->transaction->arena;
	const struct address to = { STR("postmaster"), s->conf->hostname };
	address_vec finals = { 0 };

	if (alias_expand(s->smtpd->aliases, a, &to, &finals, why) < 0)
		return -1;
	for (size_t i = 0; i < finals.n; i++) {
		struct recipient r = { .address = finals.p[i], .original = to };

		vec_push(a, &e->recipients, r);
	}
	return 0;
}

static int
submit(struct session *s, struct submission *sub, struct fault *why)
{
	struct envelope e = { .origin = ORIGIN_BOUNCE, .body = BODY_8BITMIME,
	    .client_name = STR("unknown"), .protocol = STR("bounce") };
	struct buf text = { 0 }, head = { 0 };
	int r = address_report(s, &e, why);

	if (r == 0)
		r = submit_begin(sub, &e, NULL, 0, why);
	if (r == 0) {
		put_report(&text, s, str_of(sub->name));
		received_put(&head, &e, NULL, s->conf->hostname,
		    str_of(sub->name), clock_wall());
		r = sink_write(&sub->sink, buf_str(&text), why);
	}
	if (r == 0)
		r = submit_commit(sub, buf_str(&head), NULL, why);
	buf_free(&text);
	buf_free(&head);
	return r;
}

void
purse_tell(struct session *s)
{
	struct submission sub;
	struct fault why;

	if (!s->transaction->tell)
		return;
	submit_init(&sub, s->smtpd->spool);
	if (submit(s, &sub, &why) == 0) {
		submit_release(&sub);
		if (s->conf->workers > 0)
			notify_send(s->smtpd->notify, NOTIFY_NEW, sub.name);
		log_info("%s: postmaster notification: %.*s", sub.name,
		    STR_ARG(s->transaction->over));
		transaction_settle(s, true);
	} else {
		log_error("postmaster is not told that %.*s: %s",
		    STR_ARG(s->transaction->over), why.text);
		transaction_settle(s, false);
	}
	if (sub.is_void)
		notify_send(s->smtpd->notify, NOTIFY_VOID, sub.name);
	if (sub.left_over)
		notify_send(s->smtpd->notify, NOTIFY_TEMP, sub.name);
	submit_free(&sub);
}
