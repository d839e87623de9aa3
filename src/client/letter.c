/* SPDX-License-Identifier: ISC */
/*
 * One message from a program: gathered, completed, handed over, accounted for.
 *
 *	sender, recipients of the command line	(nothing is read if they fail)
 *	text of standard input, whole, in memory
 *	recipients of the header		(-t)
 *	header completed
 *	SMTP to the daemon; drop(8) while it is away
 *	what was refused: standard error, dead.letter, exit code
 *
 * Always true: EX_OK is returned only when the mail system has the message for
 * every recipient, on stable storage.  A message for some of whom it was
 * refused has gone to the others.  dead.letter is written when nobody got it
 * and trying again would not help; after EX_TEMPFAIL the caller still has it.
 */
#include "client/letter.h"

#include <stdio.h>
#include <sysexits.h>

#include "base/table.h"
#include "base/utf8.h"
#include "client/dead_letter.h"
#include "client/draft.h"
#include "client/heading.h"
#include "client/post.h"
#include "client/sender.h"
#include "client/uucp.h"
#include "mail/idna.h"
#include "os/clock.h"

#define SLACK	(1024 * 1024)	/* what is read beyond the size allowed, so
				 * that the server can say it in its words */

struct letter {
	const struct conf	*conf;
	const struct options	*options;
	struct arena		 arena;
	struct sender		 sender;
	address_vec		 given;		/* as they were found */
	const struct recipient	**recipients;	/* each once */
	size_t			 n;
	struct draft		 draft;
	struct buf		 head;		/* completed */
	struct str		 parts[2];	/* head, body */
	struct outcome		*outcome;
};

static void
say(const struct letter *l, const char *text)
{
	if (l->options->complaint != COMPLAIN_QUIETLY)
		fprintf(stderr, "%.*s: %s\n", STR_ARG(l->options->program),
		    text);
}

static int
fail(const struct letter *l, const struct fault *why, int permanent)
{
	say(l, why->text);
	return fault_is_temporary(why) ? EX_TEMPFAIL : permanent;
}

static int
take_arguments(struct letter *l)
{
	const struct options *o = l->options;
	struct fault why;

	for (size_t i = 0; i < o->recipients.n; i++) {
		struct str s = str_of(o->recipients.p[i]);

		if (o->rmail)
			s = uucp_recipient(s);
		if (address_parse_list(&l->arena, s, &l->given, &why) == 0)
			continue;
		fault_prefix(&why, "recipient \"%s\"", o->recipients.p[i]);
		return fail(l, &why, EX_USAGE);
	}
	if (l->given.n > 0 || o->from_header)
		return EX_OK;
	say(l, "no recipients; name them behind the options, or use -t to "
	    "take them from the header");
	return EX_USAGE;
}

/* An internationalized domain goes into the envelope as A-labels; for a local
 * part there is no such form, and the server does not offer SMTPUTF8. */
static int
encode(struct letter *l, struct address *address, struct fault *why)
{
	if (!utf8_is_ascii(address->local))
		return fault_permanent(why, 553, 6, 7,
		    "%.*s: the address is not ASCII in front of the @",
		    STR_ARG(address_text(&l->arena, address)));
	if (utf8_is_ascii(address->domain))
		return 0;
	return idna_to_ascii(&l->arena, address->domain, &address->domain,
	    why);
}

/* Each address once, in the order in which they were found. */
static int
settle_recipients(struct letter *l, struct fault *why)
{
	struct recipient *all;
	struct table seen;
	int result = 0;

	table_init(&seen);
	all = arena_alloc(&l->arena, (l->given.n + 1) * sizeof(*all));
	l->recipients = arena_alloc(&l->arena,
	    (l->given.n + 1) * sizeof(*l->recipients));
	for (size_t i = 0; i < l->given.n && result == 0; i++) {
		struct recipient *r = &all[l->n];

		r->address = l->given.p[i];
		result = encode(l, &r->address, why);
		r->original = r->address;
		if (result == 0 && table_put(&seen, address_text(&l->arena,
		    &r->address), r) == NULL)
			l->recipients[l->n++] = r;
	}
	table_free(&seen);
	return result;
}

/* EX_OK, or the code with which it ends here. */
static int
complete(struct letter *l)
{
	const struct heading_origin origin = {
		.from = l->sender.from, .full_name = l->sender.full_name,
		.hostname = l->conf->hostname, .now_ms = clock_wall_ms(),
	};
	struct str fields;
	struct fault why;

	heading_split(buf_str(&l->draft.text), &fields, &l->parts[1]);
	if (l->options->from_header && heading_recipients(&l->arena, fields,
	    &l->given, &why) != 0)
		return fail(l, &why, EX_DATAERR);
	if (settle_recipients(l, &why) != 0 ||
	    encode(l, &l->sender.envelope, &why) != 0)
		return fail(l, &why, EX_DATAERR);
	if (l->n == 0) {
		say(l, "No recipient addresses found in message header");
		return EX_USAGE;
	}
	heading_complete(&l->head, fields, &origin);
	l->parts[0] = buf_str(&l->head);
	return EX_OK;
}

static void
hand_over(struct letter *l)
{
	bool eight_bit = draft_is_eight_bit(l->parts[0]) ||
	    draft_is_eight_bit(l->parts[1]);
	const struct smtpc_message message = {
		.sender = &l->sender.envelope,
		.recipients = l->recipients, .n = l->n,
		.parts = l->parts, .nparts = 2,
		.size = l->parts[0].n + l->parts[1].n,
		.body = eight_bit ? BODY_8BITMIME : BODY_7BIT,
	};

	l->outcome = arena_alloc(&l->arena, l->n * sizeof(*l->outcome));
	post_by_socket(l->conf, &message, &l->arena, l->outcome);
	if (post_wants_drop(l->outcome, l->n))
		post_by_drop(l->conf, &message, &l->arena, l->outcome);
}

static void
report(struct letter *l)
{
	const struct options *o = l->options;

	for (size_t i = 0; i < l->n; i++) {
		bool taken = l->outcome[i].kind == OUTCOME_RELAYED;
		struct str to = address_text(&l->arena,
		    &l->recipients[i]->address);

		if (taken ? !o->verbose : o->complaint == COMPLAIN_QUIETLY)
			continue;
		fprintf(stderr, "%.*s: %.*s: %s%.*s%s\n",
		    STR_ARG(o->program), STR_ARG(to), taken ? "sent (" : "",
		    STR_ARG(l->outcome[i].text), taken ? ")" : "");
	}
}

/* By the enhanced status of a refusal: RFC 3463 3. */
static int
exit_code_of(const struct status *s)
{
	switch (s->subject) {
	case 1:
		return s->detail == 2 ? EX_NOHOST : EX_NOUSER;
	case 6:
		return EX_DATAERR;
	case 7:
		return EX_NOPERM;
	}
	return EX_UNAVAILABLE;
}

int
letter_exit_code(const struct outcome *outcome, size_t n)
{
	int code = EX_OK;

	for (size_t i = 0; i < n; i++) {
		if (outcome[i].kind == OUTCOME_DEFERRED)
			return EX_TEMPFAIL;
		if (outcome[i].kind == OUTCOME_FAILED && code == EX_OK)
			code = exit_code_of(&outcome[i].status);
	}
	return code;
}

static void
keep(struct letter *l)
{
	struct str text = buf_str(&l->draft.text);
	struct fault why;
	struct buf dir;

	if (l->options->complaint != COMPLAIN_MAIL || text.n == 0 ||
	    l->sender.home.n == 0)
		return;
	for (size_t i = 0; l->outcome != NULL && i < l->n; i++)
		if (l->outcome[i].kind == OUTCOME_RELAYED)
			return;
	buf_init(&dir);
	buf_puts(&dir, l->sender.home);
	if (dead_letter_save(buf_cstr(&dir), address_text(&l->arena,
	    &l->sender.from), clock_wall(), text, &why) == 0)
		buf_putz(&dir, "/dead.letter: the message is kept there");
	else
		buf_printf(&dir, ": the message is not kept: %s", why.text);
	say(l, buf_cstr(&dir));
	buf_free(&dir);
}

static int
send_text(struct letter *l)
{
	struct str text = buf_str(&l->draft.text);
	int code;

	/* What rmail was told in front of the message says who sent it. */
	if (l->options->rmail && uucp_cut_sender(&l->arena, &text,
	    &l->sender.envelope)) {
		l->sender.from = l->sender.envelope;
		l->sender.full_name = STR_NONE;
	}
	if ((code = complete(l)) == EX_OK) {
		hand_over(l);
		report(l);
		code = letter_exit_code(l->outcome, l->n);
	}
	if (code != EX_OK && code != EX_TEMPFAIL)
		keep(l);
	return code;
}

int
letter_send(const struct conf *conf, const struct options *o, int in)
{
	struct letter l = { .conf = conf, .options = o };
	struct fault why;
	int code;

	draft_init(&l.draft, !o->dot_is_text);
	buf_init(&l.head);
	if (sender_find(&l.arena, conf, o, &l.sender, &why) != 0)
		code = fail(&l, &why, EX_USAGE);
	else if ((code = take_arguments(&l)) != EX_OK)
		;
	else if (draft_read(&l.draft, in, conf->size + SLACK, &why) != 0)
		code = fail(&l, &why, EX_DATAERR);
	else
		code = send_text(&l);
	buf_free(&l.head);
	draft_free(&l.draft);
	arena_free(&l.arena);
	return code;
}
