/* SPDX-License-Identifier: ISC */
/*
 * The entries of the queue as lines, a directory at a time.
 *
 * mailq writes Postfix's format to the byte, because so many programs read it.
 * For other programs there is one JSON object a line.  What is listed goes out
 * in pieces, so that the first line is there at once, however long the queue.
 *
 * Called by show/hands for the queue and by show/show for what is on hold.
 */
#include "show/list.h"

#include <string.h>

#include "base/text.h"
#include "mail/date.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/log.h"
#include "show/json.h"
#include "spool/browse.h"
#include "spool/slots.h"

enum {
	PASS_AT = 32 * 1024,
	REASON_WIDTH = 78,
	WHO_AT = 17 + 1 + 8 + 1 + 19 + 1,	/* behind id, size and date */
};

void
list_write(struct listing *l)
{
	struct fault ignored;

	if (!l->broken && file_write(l->fd, l->out.p, l->out.n, &ignored) < 0)
		l->broken = true;
	buf_reset(&l->out);
}

void
list_flush(struct listing *l)
{
	if (l->out.n > 0)
		l->pass(l);
}

void
list_head(struct listing *l)
{
	if (!l->headed && !l->json)
		buf_putz(&l->out, "----Queue ID----- --Size-- "
		    "---Arrival Time---- --Sender/Recipient------\n");
	l->headed = true;
}

char
list_mark(const struct view *v, const char *name, bool held)
{
	if (held)
		return '!';
	if (v->is_active != NULL && v->is_active(v->ctx, str_of(name)))
		return '*';
	return ' ';
}

static void
put_reason(struct listing *l, const struct note *note)
{
	size_t n = note->text.n + 2;

	buf_fill(&l->out, ' ', n < REASON_WIDTH ? REASON_WIDTH - n : 0);
	buf_printf(&l->out, "(%.*s)\n", STR_ARG(note->text));
}

/* Its sender wants it to wait: RFC 4865. */
static void
put_held(struct listing *l, const struct message *m)
{
	struct buf b = { 0 };
	struct note note = { 0 };

	if (m->envelope.wishes.hold_until <= clock_wall())
		return;
	buf_putz(&b, "held by its sender until ");
	date_put(&b, m->envelope.wishes.hold_until);
	note.text = buf_str(&b);
	put_reason(l, &note);
	buf_free(&b);
}

static void
put_recipients(struct listing *l, struct message *m)
{
	struct str last = STR_NONE;

	put_held(l, m);
	for (uint32_t i = 0; i < m->super.recipients; i++) {
		struct note note;

		if (slot_is_final(&m->slots[i]))
			continue;
		if (slots_read_note(m, i, &note) && !str_eq(note.text, last)) {
			put_reason(l, &note);
			last = note.text;
		}
		buf_fill(&l->out, ' ', WHO_AT);
		address_put(&l->out, &m->envelope.recipients.p[i].address);
		buf_putc(&l->out, '\n');
	}
}

static void
put_text(struct listing *l, struct message *m, bool held)
{
	char name[SPOOL_NAME_MAX + 1];
	size_t n = strlen(m->super.name);
	char mark = list_mark(l->view, m->super.name, held);

	memcpy(name, m->super.name, n + 1);
	if (mark != ' ') {
		name[n] = mark;
		name[n + 1] = '\0';
	}
	buf_printf(&l->out, "%-17s %8llu ", name,
	    (unsigned long long)message_size(m));
	date_put_mailq(&l->out, m->super.arrival_wall_ms / 1000);
	buf_putc(&l->out, ' ');
	if (address_is_null(&m->envelope.sender))
		buf_putz(&l->out, "MAILER-DAEMON");
	else
		address_put(&l->out, &m->envelope.sender);
	buf_putc(&l->out, '\n');
	put_recipients(l, m);
	buf_putc(&l->out, '\n');
}

static void
put_entry(struct listing *l, struct message *m, bool held)
{
	list_head(l);
	if (l->json)
		json_put_entry(&l->out, m,
		    list_mark(l->view, m->super.name, held));
	else
		put_text(l, m, held);
	l->bytes += message_size(m);
	l->count++;
	if (l->out.n > PASS_AT)
		l->pass(l);
}

static void
list_place(struct listing *l, int dirfd, const char *path, bool held)
{
	struct browse b;
	struct message m;
	struct fault why;

	if (browse_open(&b, dirfd, path, &why) < 0) {
		log_error("mailq: %s: %s", path, why.text);
		l->partial = true;
		return;
	}
	while (!l->broken && browse_next(&b, &m)) {
		if (held || !slots_are_final(&m))
			put_entry(l, &m, held);
		message_close(&m);
	}
	if (b.partial)
		log_error("mailq: %s: not all of it can be read", path);
	l->partial |= b.partial;
	browse_close(&b);
}

void
list_shard(struct listing *l, unsigned shard)
{
	char name[3];

	text_print(name, sizeof(name), "%02x", shard);
	list_place(l, l->view->spool->q, name, false);
}

void
list_hold(struct listing *l)
{
	list_place(l, l->view->spool->root, "hold", true);
}
