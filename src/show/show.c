/* SPDX-License-Identifier: ISC */
/*
 * What people see of the queue.
 *
 * mailq writes Postfix's format to the byte, because so many programs read it:
 * the last line "-- N Kbytes in M Requests." and "Mail queue is empty" above
 * all.  Its answer streams: the first line is there at once, however long the
 * queue.  For other programs there is one JSON object a line.
 *
 * Changes lock the entry first, so that none is pulled away from under a
 * worker.
 */

#include "show/show.h"

#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "mail/date.h"
#include "os/clock.h"
#include "os/file.h"
#include "show/json.h"
#include "show/wishes.h"
#include "spool/browse.h"
#include "spool/notify.h"
#include "spool/slots.h"

enum {
	WRITE_AT = 32 * 1024,
	REASON_WIDTH = 78,
	WHO_AT = 17 + 1 + 8 + 1 + 19 + 1,	/* behind id, size and date */
};

struct listing {
	const struct show	*show;
	struct buf		 out;
	int			 fd;
	bool			 json;
	bool			 broken;	/* the reader has gone */
	uint64_t		 bytes;
	uint64_t		 count;
};

static void
drain(struct listing *l, size_t keep)
{
	struct fault why;

	if (l->out.n <= keep)
		return;
	if (!l->broken && file_write(l->fd, l->out.p, l->out.n, &why) < 0)
		l->broken = true;
	buf_reset(&l->out);
}

static char
mark_of(const struct listing *l, const char *name, const char *where)
{
	const struct show *s = l->show;

	if (strcmp(where, "hold") == 0)
		return '!';
	if (s->is_active != NULL && s->is_active(s->ctx, str_of(name)))
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
put_text(struct listing *l, struct message *m, const char *where)
{
	char name[SPOOL_NAME_MAX + 1];
	size_t n = strlen(m->super.name);
	char mark = mark_of(l, m->super.name, where);

	memcpy(name, m->super.name, n + 1);
	if (mark != ' ') {
		name[n] = mark;
		name[n + 1] = '\0';
	}
	if (l->count == 0)
		buf_putz(&l->out, "----Queue ID----- --Size-- "
		    "---Arrival Time---- --Sender/Recipient------\n");
	buf_printf(&l->out, "%-17s %8llu ", name, (unsigned long long)m->size);
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

static uint64_t
size_of(const struct message *m)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < m->super.nparts; i++)
		n += m->super.parts[i].length;
	return n;
}

static void
put_entry(struct listing *l, struct message *m, const char *where)
{
	m->size = size_of(m);
	if (l->json)
		json_put_entry(&l->out, m, mark_of(l, m->super.name, where));
	else
		put_text(l, m, where);
	l->bytes += m->size;
	l->count++;
	drain(l, WRITE_AT);
}

/* where: for the mark; it lies in path, below dirfd. */
static void
list_place(struct listing *l, const char *where, int dirfd, const char *path)
{
	struct browse b;
	struct message m;
	struct fault why;

	if (browse_open(&b, dirfd, path, &why) < 0)
		return;
	while (!l->broken && browse_next(&b, &m)) {
		if (strcmp(where, "q") != 0 || !slots_are_final(&m))
			put_entry(l, &m, where);
		message_close(&m);
	}
	browse_close(&b);
}

static void
list_queue(struct listing *l)
{
	char shard[3];

	for (unsigned i = 0; !l->broken && i < SPOOL_SHARDS; i++) {
		text_print(shard, sizeof(shard), "%02x", i);
		list_place(l, "q", l->show->spool->q, shard);
	}
}

static void
answer_list(struct listing *l)
{
	buf_putz(&l->out, "ok\n");
	list_queue(l);
	list_place(l, "hold", l->show->spool->root, "hold");
	if (!l->json && l->count == 0)
		buf_putz(&l->out, "Mail queue is empty\n");
	else if (!l->json)
		buf_printf(&l->out, "-- %llu Kbytes in %llu Request%s.\n",
		    (unsigned long long)(l->bytes / 1024),
		    (unsigned long long)l->count, l->count == 1 ? "" : "s");
}

static void
refuse(struct listing *l, const char *text)
{
	buf_printf(&l->out, "error %s\n", text);
}

/* Opens it where it is: queue or hold. */
static bool
open_anywhere(struct listing *l, const char *name, bool lock,
    struct message *m, const char **where, struct fault *why)
{
	char path[SPOOL_PATH_MAX];
	enum message_result r;

	*where = "q";
	r = message_open(m, l->show->spool, name, lock, why);
	if (r == MESSAGE_GONE) {
		*where = "hold";
		text_print(path, sizeof(path), "hold/%s", name);
		r = message_open_at(m, l->show->spool->root, path, name, lock,
		    why);
	}
	switch (r) {
	case MESSAGE_OK:
		return true;
	case MESSAGE_GONE:
	case MESSAGE_VOID:
		refuse(l, "there is no such message in the queue");
		break;
	case MESSAGE_LOCKED:
		refuse(l, "a delivery of it is under way; try again");
		break;
	case MESSAGE_DAMAGED:
	case MESSAGE_FAULT:
		refuse(l, why->text);
		break;
	}
	return false;
}

static void
put_slot(struct buf *b, struct message *m, uint32_t i)
{
	const struct slot *s = &m->slots[i];
	const struct recipient *r = &m->envelope.recipients.p[i];
	struct note note;

	buf_putz(b, "recipient  ");
	address_put(b, &r->address);
	if (!address_eq(&r->address, &r->original)) {
		buf_putz(b, " (for ");
		address_put(b, &r->original);
		buf_putc(b, ')');
	}
	buf_printf(b, "\n           %s, %u attempt%s", slots_word(s),
	    (unsigned)s->attempts, s->attempts == 1 ? "" : "s");
	if (slot_is_pending(s) && s->next != 0) {
		buf_putz(b, ", next ");
		date_put(b, s->next);
	}
	if (slots_read_note(m, i, &note))
		buf_printf(b, "\n           %.*s", STR_ARG(note.text));
	wishes_put_recipient(b, r);
	buf_putc(b, '\n');
}

static void
put_origin(struct buf *b, const struct envelope *e)
{
	char ip[IP_TEXT_MAX];

	buf_putz(b, "from       ");
	switch (e->origin) {
	case ORIGIN_SMTP:
		buf_printf(b, "%.*s [%s]\n", STR_ARG(e->helo),
		    ip_format(&e->client_ip, ip));
		break;
	case ORIGIN_LOCAL:
	case ORIGIN_DROP:
		buf_printf(b, "this machine, uid %u\n", (unsigned)e->uid);
		break;
	case ORIGIN_BOUNCE:
		buf_putz(b, "the mail system\n");
		break;
	}
}

static void
put_person(struct listing *l, struct message *m, const char *where)
{
	struct buf *b = &l->out;

	buf_printf(b, "id         %s%s\narrived    ", m->super.name,
	    strcmp(where, "hold") == 0 ? " (on hold)" : "");
	date_put(b, m->super.arrival_wall_ms / 1000);
	buf_putz(b, "\nsender     <");
	address_put(b, &m->envelope.sender);
	buf_printf(b, ">\nsize       %llu\n", (unsigned long long)m->size);
	put_origin(b, &m->envelope);
	wishes_put(b, &m->envelope.wishes);
	for (uint32_t i = 0; i < m->super.recipients; i++)
		put_slot(b, m, i);
}

/* The header is for the postmaster, and for who sent it. */
static bool
may_read(const struct show *s, const struct message *m)
{
	return s->may_change || (m->envelope.origin == ORIGIN_LOCAL &&
	    m->envelope.uid == (uint32_t)s->uid);
}

static void
answer_show(struct listing *l, const char *name)
{
	struct message m;
	struct fault why;
	const char *where;

	if (!open_anywhere(l, name, false, &m, &where, &why))
		return;
	m.size = size_of(&m);
	buf_putz(&l->out, "ok\n");
	if (l->json) {
		json_put_entry(&l->out, &m, mark_of(l, name, where));
	} else {
		put_person(l, &m, where);
		if (may_read(l->show, &m)) {
			buf_putc(&l->out, '\n');
			buf_puts(&l->out, message_header(&m, 64 * 1024));
		}
	}
	message_close(&m);
}

/* hold, release, remove: by verb. */
static void
answer_change(struct listing *l, struct str verb, const char *name)
{
	const struct spool *spool = l->show->spool;
	bool held;
	struct message m;
	struct fault why;
	const char *where;
	char path[SPOOL_PATH_MAX];
	int r = 0;

	if (!l->show->may_change) {
		refuse(l, "only root may change the queue");
		return;
	}
	if (!open_anywhere(l, name, true, &m, &where, &why))
		return;
	held = strcmp(where, "hold") == 0;
	if (str_eq(verb, STR("hold")) && !held) {
		r = spool_set_aside(spool, name, "hold", &why);
	} else if (str_eq(verb, STR("release")) && held) {
		r = spool_bring_back(spool, name, "hold", &why);
	} else if (str_eq(verb, STR("remove"))) {
		text_print(path, sizeof(path), "hold/%s", name);
		r = !held ? spool_remove(spool, name, &why) :
		    unlinkat(spool->root, path, 0) == 0 ? 0 :
		    fault_temporary(&why, 451, 3, 0, "cannot remove it");
	}
	message_close(&m);
	if (r < 0) {
		refuse(l, why.text);
		return;
	}
	notify_send(l->show->notify, NOTIFY_NEW, name);
	buf_putz(&l->out, "ok\n");
}

static void
answer(struct listing *l, struct str request)
{
	struct str verb = STR_NONE, id = STR_NONE, word = STR_NONE;
	char name[SPOOL_NAME_MAX] = "";

	(void)str_word(&request, &verb);
	(void)str_word(&request, &id);
	(void)str_word(&request, &word);
	l->json = str_eq(word, STR("json")) || str_eq(id, STR("json"));
	if (str_eq(verb, STR("mailq"))) {
		answer_list(l);
		return;
	}
	if (id.n > 0 && !spool_name_is_valid(id)) {
		refuse(l, "that is not the id of a message");
		return;
	}
	if (id.n > 0)
		memcpy(name, id.p, id.n);
	if (str_eq(verb, STR("flush"))) {
		notify_send(l->show->notify, NOTIFY_FLUSH, name);
		buf_putz(&l->out, "ok\n");
	} else if (id.n == 0) {
		refuse(l, "the id of a message is missing");
	} else if (str_eq(verb, STR("show"))) {
		answer_show(l, name);
	} else if (str_eq(verb, STR("hold")) ||
	    str_eq(verb, STR("release")) || str_eq(verb, STR("remove"))) {
		answer_change(l, verb, name);
	} else {
		refuse(l, "unknown request");
	}
}

void
show_answer(const struct show *show, struct str request, int fd)
{
	struct listing l = { .show = show, .fd = fd };

	answer(&l, request);
	drain(&l, 0);
	buf_free(&l.out);
}
