/* SPDX-License-Identifier: ISC */
/*
 * net/rr fed with any bytes as a DNS answer.  What comes out must keep what
 * the header promises, whatever went in.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/die.h"
#include "net/rr.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check_name(struct str name)
{
	must(name.n <= 253);
	for (size_t i = 0; i < name.n; i++)
		must(name.p[i] > ' ' && name.p[i] <= '~' &&
		    name.p[i] == str_lower_char(name.p[i]));
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
	arena_free(&arena);
	return 0;
}
