/* SPDX-License-Identifier: ISC */
/* master/stress: rows of what there is, one after the other, and what it comes
 * to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "master/stress.h"

struct row {
	int64_t			now;	/* ms */
	uint64_t		open;
	unsigned		waited;	/* ms, just before */
	bool			lack;	/* just before */
	bool			changed;
	enum stress_reason	reason;
};

struct scenario {
	const char		*name;
	struct conf_budget	 conf;
	struct row		 row[8];
};

static const struct scenario scenarios[] = {
	{ "sessions", { .most = 100, .stress = 80 }, {
	    { 1000, 79, 0, false, false, STRESS_NONE },
	    { 1001, 80, 0, false, true, STRESS_SESSIONS },
	    { 2000, 61, 0, false, false, STRESS_SESSIONS },
	    { 3000, 59, 0, false, false, STRESS_SESSIONS },
	    { 12999, 59, 0, false, false, STRESS_SESSIONS },
	    { 13000, 59, 0, false, true, STRESS_NONE },
	    { 13001, 79, 0, false, false, STRESS_NONE } } },
	{ "calm begins anew", { .most = 100, .stress = 80 }, {
	    { 1000, 100, 0, false, true, STRESS_SESSIONS },
	    { 2000, 0, 0, false, false, STRESS_SESSIONS },
	    { 11000, 60, 0, false, false, STRESS_SESSIONS },
	    { 12000, 0, 0, false, false, STRESS_SESSIONS },
	    { 21999, 0, 0, false, false, STRESS_SESSIONS },
	    { 22000, 0, 0, false, true, STRESS_NONE } } },
	{ "processors", { .most = 100, .stress = 80 }, {
	    { 1000, 1, 500, false, false, STRESS_NONE },
	    { 2000, 1, 199, false, false, STRESS_NONE },
	    { 3000, 1, 200, false, false, STRESS_NONE },
	    { 4000, 1, 200, false, true, STRESS_LATE },
	    { 5000, 1, 199, false, false, STRESS_LATE },
	    { 14999, 1, 0, false, false, STRESS_LATE },
	    { 15000, 1, 0, false, true, STRESS_NONE } } },
	{ "a lack", { .most = 100, .stress = 80 }, {
	    { 1000, 1, 0, true, true, STRESS_LACK },
	    { 30999, 1, 0, false, false, STRESS_LACK },
	    { 31000, 1, 0, false, false, STRESS_LACK },
	    { 40999, 1, 0, false, false, STRESS_LACK },
	    { 41000, 1, 0, false, true, STRESS_NONE } } },
	{ "never", { .most = 100, .stress = 0 }, {
	    { 1000, 100, 999, true, false, STRESS_NONE } } },
	{ "one session", { .most = 1, .stress = 1 }, {
	    { 1000, 0, 0, false, false, STRESS_NONE },
	    { 1000, 1, 0, false, true, STRESS_SESSIONS },
	    { 2000, 0, 0, false, false, STRESS_SESSIONS },
	    { 12000, 0, 0, false, true, STRESS_NONE } } },
};

static void
test_scenarios(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
		const struct scenario *c = &scenarios[i];
		struct stress s;

		stress_init(&s, &c->conf);
		for (unsigned k = 0; k < 8 && c->row[k].now != 0; k++) {
			const struct row *r = &c->row[k];
			bool changed;

			if (r->lack)
				stress_lack(&s, r->now);
			stress_waited(&s, r->waited, r->now);
			changed = stress_judge(&s, r->open, r->now);
			if (changed != r->changed || s.reason != r->reason)
				fail_msg("%s, row %u: %s, %s", c->name, k,
				    changed ? "changed" : "as before",
				    stress_text(s.reason));
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scenarios),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
