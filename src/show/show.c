/* SPDX-License-Identifier: ISC */
/*
 * What people see of the queue, and do to it.
 *
 * The words at the end of a listing, "-- N Kbytes in M Requests." and "Mail
 * queue is empty", are Postfix's to the byte: many programs read them.  Changes
 * lock the entry first, so that none is pulled away from under a worker.
 *
 * Called by queue/inquiry, in a child of the runner, and by client/queue while
 * the daemon is down.
 */

#include "show/show.h"

#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "mail/date.h"
#include "show/hands.h"
#include "show/json.h"
#include "show/wishes.h"
#include "spool/notify.h"
#include "spool/slots.h"

static bool
answer_list(struct listing *l)
{
	bool whole;

	buf_putz(&l->out, "ok\n");
	whole = hands_list_queue(l);
	list_hold(l);
	whole = whole && !l->partial;
	if (!whole)
		buf_putz(&l->out, l->json ?
		    "{\"error\":\"the list is not whole\"}\n" :
		    "(the list is not whole)\n");
	else if (!l->json && l->count == 0)
		buf_putz(&l->out, "Mail queue is empty\n");
	else if (!l->json)
		buf_printf(&l->out, "-- %llu Kbytes in %llu Request%s.\n",
		    (unsigned long long)(l->bytes / 1024),
		    (unsigned long long)l->count, l->count == 1 ? "" : "s");
	return whole;
}

static void
refuse(struct listing *l, const char *text)
{
	buf_printf(&l->out, "error %s\n", text);
}

/* Opens it where it is: queue or hold. */
static bool
open_anywhere(const struct show *s, struct listing *l, const char *name,
    bool lock, struct message *m, bool *held, struct fault *why)
{
	char path[SPOOL_PATH_MAX];
	enum message_result r;

	*held = false;
	r = message_open(m, s->view.spool, name, lock, why);
	if (r == MESSAGE_GONE) {
		*held = true;
		text_print(path, sizeof(path), "hold/%s", name);
		r = message_open_at(m, s->view.spool->root, path, name, lock,
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
put_person(struct listing *l, struct message *m, bool held)
{
	struct buf *b = &l->out;

	buf_printf(b, "id         %s%s\narrived    ", m->super.name,
	    held ? " (on hold)" : "");
	date_put(b, m->super.arrival_wall_ms / 1000);
	buf_putz(b, "\nsender     <");
	address_put(b, &m->envelope.sender);
	buf_printf(b, ">\nsize       %llu\n",
	    (unsigned long long)message_size(m));
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
answer_show(const struct show *s, struct listing *l, const char *name)
{
	struct message m;
	struct fault why;
	bool held;

	if (!open_anywhere(s, l, name, false, &m, &held, &why))
		return;
	buf_putz(&l->out, "ok\n");
	if (l->json) {
		json_put_entry(&l->out, &m,
		    list_mark(&s->view, name, held));
	} else {
		put_person(l, &m, held);
		if (may_read(s, &m)) {
			buf_putc(&l->out, '\n');
			buf_puts(&l->out, message_header(&m, 64 * 1024));
		}
	}
	message_close(&m);
}

/* hold, release, remove: by verb. */
static void
answer_change(const struct show *s, struct listing *l, struct str verb,
    const char *name)
{
	const struct spool *spool = s->view.spool;
	bool held;
	struct message m;
	struct fault why;
	char path[SPOOL_PATH_MAX];
	int r = 0;

	if (!s->may_change) {
		refuse(l, "only root may change the queue");
		return;
	}
	if (!open_anywhere(s, l, name, true, &m, &held, &why))
		return;
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
	notify_send(s->notify, NOTIFY_NEW, name);
	buf_putz(&l->out, "ok\n");
}

/* False: it is not all of it. */
static bool
answer(const struct show *s, struct listing *l, struct str request)
{
	struct str verb = STR_NONE, id = STR_NONE, word = STR_NONE;
	char name[SPOOL_NAME_MAX] = "";

	(void)str_word(&request, &verb);
	(void)str_word(&request, &id);
	(void)str_word(&request, &word);
	l->json = str_eq(word, STR("json")) || str_eq(id, STR("json"));
	if (str_eq(verb, STR("mailq")))
		return answer_list(l);
	if (id.n > 0 && !spool_name_is_valid(id)) {
		refuse(l, "that is not the id of a message");
		return true;
	}
	if (id.n > 0)
		memcpy(name, id.p, id.n);
	if (str_eq(verb, STR("flush"))) {
		notify_send(s->notify, NOTIFY_FLUSH, name);
		buf_putz(&l->out, "ok\n");
	} else if (id.n == 0) {
		refuse(l, "the id of a message is missing");
	} else if (str_eq(verb, STR("show"))) {
		answer_show(s, l, name);
	} else if (str_eq(verb, STR("hold")) ||
	    str_eq(verb, STR("release")) || str_eq(verb, STR("remove"))) {
		answer_change(s, l, verb, name);
	} else {
		refuse(l, "unknown request");
	}
	return true;
}

void
show_answer(const struct show *show, struct str request, int fd)
{
	struct listing l = {
		.view = &show->view,
		.pass = list_write,
		.fd = fd,
	};

	if (answer(show, &l, request))
		buf_putc(&l.out, '\0');
	list_flush(&l);
	buf_free(&l.out);
}
