/* SPDX-License-Identifier: ISC */
/*
 * DNS lists.  A list says with an address out of 127.0.0.0/8 why it has a
 * client, and with NXDOMAIN that it has not.  More mail was lost by believing
 * other answers than lists ever saved: a list that is shut down, sold or
 * angry with our resolver answers everything.  So:
 *
 *	127.255.255.0/24	is an error ("you ask too much"), no listing
 *	outside 127/8		is no list's answer
 *	127.0.0.1		is no listing
 *	before it is believed, and then once an hour, each list is asked for
 *	127.0.0.2, which it must have, and 127.0.0.1, which it must not have
 *	(RFC 5782 5); one that fails is left out for an hour, and one that is
 *	silent for some minutes
 *
 * What is known of a list lies in memory that all sessions share, like the
 * health of the spool; a stolen session could make lists be left out for as
 * long as it lives and an hour, and no client be refused.  Times that nobody
 * writes who is honest are none.
 *
 * Rows are the configuration's; a zone with several rows is asked once.  A row
 * counts once, whatever number of its answers came.  Trouble is handed on to
 * be logged by whoever first finds it.
 */
#include "policy/dnsbl.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include "base/bytes.h"
#include "base/die.h"
#include "dns/question.h"
#include "os/clock.h"

enum {
	PROBE_MS = 3600 * 1000,
	REST_MS = 5 * 60 * 1000,
	SILENT_MAX = 5,			/* in a row, before it rests */
	REASON_MAX = 200,		/* of its text */
};

struct mark {
	_Atomic int64_t	passed_at;	/* clock_boot_ms; 0: never */
	_Atomic int64_t	rests_until;
	_Atomic unsigned silent;	/* times since it answered */
};

/* By place of the zone in the configuration, which is the same for all that
 * share it. */
struct dnsbl_memory {
	struct mark	mark[DNSBL_ZONES_MAX];
};

struct dnsbl_memory *
dnsbl_memory_new(void)
{
	void *p = mmap(NULL, sizeof(struct dnsbl_memory),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		die("shared memory: %s", strerror(errno));
	return p;
}

void
dnsbl_memory_free(struct dnsbl_memory *m)
{
	if (m != NULL)
		(void)munmap(m, sizeof(*m));
}

enum dnsbl_code
dnsbl_judge_code(const struct ip *answer)
{
	uint32_t code;

	if (answer->family != 4 || answer->b[0] != 127)
		return DNSBL_NONSENSE;
	code = bytes_get_be32(answer->b);
	if (code >> 8 == 0x7fffff)
		return DNSBL_ERROR;
	return code == 0x7f000001 ? DNSBL_NOTHING : DNSBL_LISTING;
}

bool
dnsbl_row_has(const struct conf_dnslist *row, const struct ip *answer)
{
	uint32_t code = bytes_get_be32(answer->b);

	if (dnsbl_judge_code(answer) != DNSBL_LISTING)
		return false;
	for (size_t i = 0; i < row->when.n; i++)
		if (code >= row->when.p[i].low && code <= row->when.p[i].high)
			return true;
	return row->when.n == 0;
}

const char *
dnsbl_trouble_text(enum dnsbl_trouble trouble)
{
	switch (trouble) {
	case DNSBL_FINE:
		break;
	case DNSBL_REFUSES:
		return "refuses to answer us";
	case DNSBL_LISTS_ALL:
		return "lists everybody";
	case DNSBL_LISTS_NONE:
		return "lists nobody";
	case DNSBL_IS_SILENT:
		return "does not answer";
	}
	return "is well";
}

/* -------------------------------------------------------------- asking --- */

static int
ask_about(struct dnsbl *d, struct str zone, const struct ip *ip,
    enum rr_type type)
{
	struct buf name = { 0 };
	int question;

	question_put_reverse(&name, ip);
	buf_printf(&name, ".%.*s", STR_ARG(zone));
	question = ask_question(d->asker, buf_str(&name), type);
	buf_free(&name);
	return question;
}

static void
probe(struct dnsbl *d, struct dnsbl_row *row)
{
	static const struct ip listed = { 4, { 127, 0, 0, 2 } };
	static const struct ip never = { 4, { 127, 0, 0, 1 } };

	row->probed = true;
	row->good = ask_about(d, row->zone, &listed, RR_A);
	row->bad = ask_about(d, row->zone, &never, RR_A);
}

static void
ask_zone(struct dnsbl *d, struct dnsbl_row *row, const struct ip *ip,
    unsigned *probes)
{
	struct mark *m = &d->memory->mark[row - d->row];
	int64_t now = clock_boot_ms(), passed = atomic_load(&m->passed_at);
	int64_t until = atomic_load(&m->rests_until);

	if (passed > now)
		passed = 0;
	row->question = row->good = row->bad = -1;
	row->rests = until > now && until - now <= PROBE_MS;
	if (row->rests)
		return;
	if ((passed == 0 || now - passed >= PROBE_MS) && *probes < DNSBL_PROBES) {
		++*probes;
		probe(d, row);
	} else if (passed == 0) {
		row->rests = true;
		return;
	}
	row->question = ask_about(d, row->zone, ip, RR_A);
}

static struct str
label_of(const struct conf *conf, struct str zone)
{
	const struct conf_dnslist *p = conf->guest.lists.p;

	for (size_t i = 0; i < conf->guest.lists.n; i++)
		if (str_eq(p[i].zone, zone) && p[i].label.n > 0)
			return p[i].label;
	return zone;
}

void
dnsbl_begin(struct dnsbl *d, struct asker *a, const struct conf *conf,
    struct dnsbl_memory *memory, const struct ip *ip)
{
	unsigned probes = 0;

	memset(d, 0, sizeof(*d));
	d->asker = a;
	d->conf = conf;
	d->memory = memory;
	for (; d->n < conf->guest.zones.n && d->n < DNSBL_ZONES_MAX; d->n++) {
		d->row[d->n].zone = conf->guest.zones.p[d->n];
		d->row[d->n].label = label_of(conf, d->row[d->n].zone);
		ask_zone(d, &d->row[d->n], ip, &probes);
	}
}

/* ----------------------------------------------------------- answering --- */

/* The first answer of that kind. */
static bool
has_code(const struct dnsbl *d, int question, enum dnsbl_code code,
    struct ip *which)
{
	const struct resolved *found;

	if (ask_answer(d->asker, question, &found) != RESOLVE_FOUND)
		return false;
	for (size_t i = 0; i < found->records.n; i++)
		if (dnsbl_judge_code(&found->records.p[i].ip) == code) {
			*which = found->records.p[i].ip;
			return true;
		}
	return false;
}

static bool
is_absent(const struct dnsbl *d, int question)
{
	enum resolve_result r = ask_answer(d->asker, question, NULL);

	return question >= 0 && (r == RESOLVE_NO_NAME || r == RESOLVE_NO_DATA);
}

static bool
is_silent(const struct dnsbl *d, int question)
{
	return ask_answer(d->asker, question, NULL) == RESOLVE_TRY_AGAIN;
}

static enum dnsbl_trouble
find_trouble(const struct dnsbl *d, struct dnsbl_row *row)
{
	const int asked[] = { row->question, row->good, row->bad };

	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++)
		if (has_code(d, asked[i], DNSBL_ERROR, &row->answer))
			return DNSBL_REFUSES;
	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++)
		if (has_code(d, asked[i], DNSBL_NONSENSE, &row->answer))
			return DNSBL_LISTS_ALL;
	if (has_code(d, row->bad, DNSBL_LISTING, &row->answer))
		return DNSBL_LISTS_ALL;
	if (is_absent(d, row->good) ||
	    has_code(d, row->good, DNSBL_NOTHING, &row->answer))
		return DNSBL_LISTS_NONE;
	return DNSBL_FINE;
}

/* The list is left out for so long; true if it was not already. */
static bool
put_to_rest(struct mark *m, int64_t now, int64_t ms)
{
	return atomic_exchange(&m->rests_until, now + ms) <= now;
}

static void
note_failure(struct dnsbl_row *row, struct mark *m,
    enum dnsbl_trouble trouble)
{
	atomic_store(&m->passed_at, 0);
	if (put_to_rest(m, clock_boot_ms(), PROBE_MS))
		row->trouble = trouble;
}

static void
note_silence(struct dnsbl_row *row, struct mark *m)
{
	if (atomic_fetch_add(&m->silent, 1) + 1 >= SILENT_MAX &&
	    put_to_rest(m, clock_boot_ms(), REST_MS))
		row->trouble = DNSBL_IS_SILENT;
}

/* What this session has learnt of a list, for all.  True: its answer counts. */
static bool
learn(struct dnsbl *d, struct dnsbl_row *row)
{
	struct mark *m = &d->memory->mark[row - d->row];
	enum dnsbl_trouble trouble = find_trouble(d, row);
	bool silent = is_silent(d, row->question);
	struct ip which;

	if (trouble != DNSBL_FINE) {
		note_failure(row, m, trouble);
		return false;
	}
	if (row->probed && has_code(d, row->good, DNSBL_LISTING, &which) &&
	    !is_silent(d, row->bad))
		atomic_store(&m->passed_at, clock_boot_ms());
	if (asker_is_cut(d->asker))
		;			/* the silence is all the world's */
	else if (silent || atomic_load(&m->passed_at) == 0)
		note_silence(row, m);
	else
		atomic_store(&m->silent, 0);
	return !silent && atomic_load(&m->passed_at) != 0;
}

static void
count_row(struct dnsbl *d, const struct conf_dnslist *list)
{
	if (list->white) {
		d->rank -= (int)list->weight;
		d->praised = list;
		return;
	}
	d->rank += (int)list->weight;
	if (d->blamed == NULL || list->weight > d->blamed->weight)
		d->blamed = list;
}

static void
add_up(struct dnsbl *d, struct dnsbl_row *row)
{
	const struct resolved *found;
	struct ip which;

	row->listed = has_code(d, row->question, DNSBL_LISTING, &which);
	if (ask_answer(d->asker, row->question, &found) != RESOLVE_FOUND)
		return;
	for (size_t i = 0; i < d->conf->guest.lists.n; i++) {
		const struct conf_dnslist *list = &d->conf->guest.lists.p[i];
		bool has = false;

		if (!str_eq(list->zone, row->zone))
			continue;
		for (size_t k = 0; k < found->records.n; k++)
			has |= dnsbl_row_has(list, &found->records.p[k].ip);
		if (has)
			count_row(d, list);
	}
}

void
dnsbl_finish(struct dnsbl *d)
{
	for (size_t i = 0; i < d->n; i++) {
		struct dnsbl_row *row = &d->row[i];

		ask_wait(d->asker, row->question);
		ask_wait(d->asker, row->good);
		ask_wait(d->asker, row->bad);
		row->counts = !row->rests && learn(d, row);
		if (row->counts)
			add_up(d, row);
	}
}

int
dnsbl_has(const struct dnsbl *d, struct str zone)
{
	for (size_t i = 0; i < d->n; i++)
		if (str_eq(d->row[i].zone, zone))
			return d->row[i].counts ? d->row[i].listed : -1;
	return -1;
}

bool
dnsbl_answer(const struct dnsbl *d, const struct dnsbl_row *row, size_t i,
    struct ip *answer)
{
	const struct resolved *found;

	if (row->question < 0 || ask_answer(d->asker, row->question,
	    &found) != RESOLVE_FOUND || i >= found->records.n)
		return false;
	*answer = found->records.p[i].ip;
	return true;
}

struct str
dnsbl_reason(struct dnsbl *d, struct arena *arena, const struct ip *ip)
{
	int question = ask_about(d, d->blamed->zone, ip, RR_TXT);
	const struct resolved *found;
	char text[REASON_MAX];
	struct str said;
	size_t n;

	ask_wait(d->asker, question);
	if (ask_answer(d->asker, question, &found) != RESOLVE_FOUND)
		return STR_NONE;
	said = found->records.p[0].text;
	for (n = 0; n < said.n && n < sizeof(text); n++)
		text[n] = said.p[n] >= ' ' && said.p[n] <= '~' ? said.p[n] :
		    '?';
	return arena_str(arena, str_span(text, n));
}
