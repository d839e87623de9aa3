/* SPDX-License-Identifier: ISC */
/*
 * The queue for programs.  Names follow Postfix's `postqueue -j`, so that what
 * reads the one can read the other; what is more than Postfix tells (state,
 * attempts, next_attempt, login) has names of its own.  One object a line, so
 * that a long queue can be read as it comes.  Called by show/list and, for a
 * single entry, by show/show.
 */

#include "show/json.h"

#include "base/json.h"
#include "show/wishes.h"
#include "spool/slots.h"

static void
put_address(struct buf *b, struct message *m, const struct address *a)
{
	json_put_string(b, address_text(&m->arena, a));
}

static void
put_recipient(struct buf *b, struct message *m, uint32_t i)
{
	const struct slot *s = &m->slots[i];
	struct note note;

	buf_putz(b, "{\"address\":");
	put_address(b, m, &m->envelope.recipients.p[i].address);
	buf_printf(b, ",\"state\":\"%s\",\"attempts\":%u", slots_word(s),
	    (unsigned)s->attempts);
	if (slot_is_pending(s) && s->next != 0)
		buf_printf(b, ",\"next_attempt\":%lld", (long long)s->next);
	if (slots_read_note(m, i, &note)) {
		buf_putz(b, ",\"delay_reason\":");
		json_put_string(b, note.text);
	}
	buf_putc(b, '}');
}

static bool
was_tried(const struct message *m)
{
	for (uint32_t i = 0; i < m->super.recipients; i++)
		if (m->slots[i].attempts > 0)
			return true;
	return false;
}

void
json_put_entry(struct buf *b, struct message *m, char mark)
{
	buf_printf(b, "{\"queue_name\":\"%s\",\"queue_id\":\"%s\","
	    "\"arrival_time\":%lld,\"message_size\":%llu,\"sender\":",
	    mark == '!' ? "hold" : mark == '*' ? "active" :
	    was_tried(m) ? "deferred" : "incoming", m->super.name,
	    (long long)(m->super.arrival_wall_ms / 1000),
	    (unsigned long long)message_size(m));
	put_address(b, m, &m->envelope.sender);
	wishes_put_json(b, &m->envelope.wishes);
	if (m->envelope.login.n > 0) {
		buf_putz(b, ",\"login\":");
		json_put_string(b, m->envelope.login);
	}
	buf_putz(b, ",\"recipients\":[");
	for (uint32_t i = 0; i < m->super.recipients; i++) {
		if (i > 0)
			buf_putc(b, ',');
		put_recipient(b, m, i);
	}
	buf_putz(b, "]}\n");
}
