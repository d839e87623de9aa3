/* SPDX-License-Identifier: ISC */
/*
 * dns/rr fed with any bytes as a DNS answer, and then the rest of the way of an
 * answer: does it belong to a question, and what does it say of a name.  What
 * comes out must keep what the headers promise, whatever went in.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/die.h"
#include "dns/question.h"
#include "dns/resolve.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check_name(struct str name)
{
	must(name.n <= 253);
	for (size_t i = 0; i < name.n; i++)
		must(name.p[i] > ' ' && name.p[i] <= '~' &&
		    name.p[i] == str_lower_char(name.p[i]));
}

/* Aliases are followed from the owner of the first record. */
static void
check_reading(struct arena *arena, const struct rr_answer *answer)
{
	static const enum rr_type types[] = { RR_A, RR_PTR, RR_CNAME };
	enum resolve_result result;
	const char *reason;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		struct resolved out = { .secure = true };

		if (answer->records.n > 0)
			out.canonical = answer->records.p[0].owner;
		if (!resolve_read(arena, answer, types[i], &out, &result,
		    &reason))
			must(out.records.n == 0 && out.aliases > 0);
		else if (result == RESOLVE_FOUND)
			must(out.records.n > 0 &&
			    out.records.n <= answer->records.n);
		must(out.aliases <= 9);
		check_name(out.canonical);
	}
}

static void
check_question(const uint8_t *p, size_t n)
{
	uint8_t q[QUESTION_SIZE];
	uint16_t id = n > 1 ? (uint16_t)(p[0] << 8 | p[1]) : 0;
	size_t size = question_put(q, id, STR("1.2.0.192.in-addr.arpa"),
	    RR_PTR, true);

	if (question_has_answer(q, size, p, n))
		must(n >= 12 && (p[2] & 0x80) != 0);
	/* Any bytes as a name. */
	size = question_put(q, 0, str_span(p, n), RR_A, true);
	must(size == 0 || size == n + 2 + 12 + 4 + 11);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena arena = { 0 };
	struct rr_answer answer;

	if (rr_parse(&arena, p, n, &answer) == 0) {
		must(answer.records.n <= RR_MAX);
		must(answer.records.n * 11 <= n);
		for (size_t i = 0; i < answer.records.n; i++) {
			const struct rr *rr = &answer.records.p[i];

			check_name(rr->owner);
			check_name(rr->name);
			must(rr->text.n <= n);
		}
	}
	if (rr_parse(&arena, p, n, &answer) == 0)
		check_reading(&arena, &answer);
	check_question(p, n);
	arena_free(&arena);
	return 0;
}
