/* SPDX-License-Identifier: ISC */
/*
 * The content of a message on its way into the spool.  It passes once through
 * a row of sinks, in pieces as they come from the network, and is never held
 * whole in memory.  What we add in front (Received) is written behind it,
 * because only then all of it is known; the entry lists its parts in the order
 * in which they are to be sent.
 */

#include "smtpd/intake.h"

#include <stddef.h>

#include "mail/received.h"
#include "os/clock.h"
#include "os/log.h"
#include "smtpd/secure.h"

static int
count(struct sink *sink, struct str bytes, struct fault *why)
{
	struct intake *in = (struct intake *)(void *)((char *)sink -
	    offsetof(struct intake, limit));

	in->size += bytes.n;
	if (in->size > in->session->conf->size)
		return fault_permanent(why, 552, 3, 4,
		    "Message size exceeds fixed limit of %llu bytes",
		    (unsigned long long)in->session->conf->size);
	return 0;
}

int
intake_begin(struct intake *in, struct session *s, struct fault *why)
{
	struct transaction *t = s->transaction;

	in->session = s;
	in->size = 0;
	in->limit.write = count;
	header_collector_reset(&s->header);
	if (submit_begin(&t->submission, &t->envelope, NULL,
	    t->envelope.size_declared, why) < 0)
		return -1;
	sink_row_init(&in->row);
	sink_row_add(&in->row, &in->limit);
	sink_row_add(&in->row, &s->header.sink);
	sink_row_add(&in->row, &t->submission.sink);
	return 0;
}

static int
check_header(const struct session *s, struct fault *why)
{
	const struct header_collector *h = &s->header;

	if (h->too_big)
		return fault_permanent(why, 552, 3, 4,
		    "Message header is too big: more than %d fields or %d "
		    "bytes", HEADER_FIELDS_MAX, HEADER_SIZE_MAX);
	if (h->received > s->conf->hops)
		return fault_permanent(why, 554, 4, 6,
		    "Too many hops: a mail loop? (%u Received fields)",
		    h->received);
	return 0;
}

void
intake_log(const struct session *s)
{
	const struct transaction *t = s->transaction;
	const char *id = t->submission.name;
	struct header_field f;
	struct str text = STR_NONE;

	if (s->peer->local)
		log_info("%s: uid=%u from=<%.*s%s%.*s>", id,
		    (unsigned)s->peer->uid, STR_ARG(t->envelope.sender.local),
		    t->envelope.sender.domain.n > 0 ? "@" : "",
		    STR_ARG(t->envelope.sender.domain));
	else
		log_info("%s: client=%s", id, s->client);
	if (header_find(buf_str(&s->header.block), STR("Message-ID"), &f))
		text = str_trim(f.value);
	log_info("%s: message-id=%.*s", id, STR_ARG(text));
}

int
intake_finish(struct intake *in, struct fault *why)
{
	struct session *s = in->session;
	struct transaction *t = s->transaction;
	const struct received_tls tls = { secure_comment(s),
	    secure_clause(s) };
	struct buf head = { 0 };
	int r;

	header_collector_finish(&s->header);
	if (check_header(s, why) < 0)
		return -1;
	received_put(&head, &t->envelope, &tls, s->conf->hostname,
	    str_of(t->submission.name), clock_wall());
	r = submit_commit(&t->submission, buf_str(&head), NULL, why);
	buf_free(&head);
	return r;
}
