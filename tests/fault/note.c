/* SPDX-License-Identifier: ISC */
/*
 * Notes deliveries in the journal of a spool, as the runner does:
 *
 *	note SPOOL reserve	takes the room
 *	note SPOOL N		notes N deliveries, and says how many it could
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "spool/journal.h"

#define NAME	"01ARZ3NDEKTSV4RRFF"

static int
fail(const char *text)
{
	fprintf(stderr, "note: %s\n", text);
	return 1;
}

int
main(int argc, char *argv[])
{
	struct journal j;
	struct spool spool;
	struct fault why;
	uint64_t n = 0, done = 0;

	if (argc != 3)
		return fail("two arguments are wanted");
	if (spool_make(argv[1], NULL, &why) < 0 ||
	    spool_open(&spool, argv[1], false, false, &why) < 0 ||
	    journal_load(&j, &spool, &why) < 0)
		return fail(why.text);
	if (strcmp(argv[2], "reserve") == 0)
		return journal_reserve(&spool, &why) < 0 ? fail(why.text) : 0;
	if (!num_parse(str_of(argv[2]), 1000000, &n))
		return fail("a number is wanted");
	while (done < n && journal_add(&j, &spool, NAME, (uint32_t)done,
	    &why) == 0)
		done++;
	printf("%llu\n", (unsigned long long)done);
	return 0;
}
