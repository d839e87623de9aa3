/* SPDX-License-Identifier: ISC */
/* crypt(3): hashes that others have made. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "os/crypt.h"

static void
test_hashes(void **state)
{
	static const struct {
		const char	*secret, *hash;
		bool		 good, known;
	} rows[] = {
		/* The first of Ulrich Drepper's SHA-crypt vectors. */
		{ "Hello world!", "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iK"
		    "wSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
		    true, true },
		{ "Hello world", "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iK"
		    "wSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
		    false, true },
		{ "", "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iK"
		    "wSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
		    false, true },
		{ "x", "$zz$nothing", false, false },
		{ "x", "", false, false },
		{ "*0", "*0", false, false },
	};
	struct fault why;
	struct crypt_engine *engine = crypt_load(&why);

	(void)state;
	assert_non_null(engine);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool known;
		bool good = crypt_check(engine, rows[i].secret, rows[i].hash,
		    &known);

		if (good != rows[i].good || known != rows[i].known)
			fail_msg("row %zu: %d %d", i, good, known);
	}
	crypt_free(engine);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hashes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
