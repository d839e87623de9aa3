/* SPDX-License-Identifier: ISC */
/*
 * spool/pack: what is packed comes back as it was, what does not fit is refused,
 * and bytes that no name gives are no name.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "spool/pack.h"

#define ID	"01ARZ3NDEKTSV4RRFF"

static void
test_there_and_back(void **state)
{
	static const char *const names[] = {
		"000000000000000000", "ZZZZZZZZZZZZZZZZZZ",
		"000000000000000001", "00000000010000000Z",
		"0000000001ZZZZZZZZ", "Z00000000000000000",
		ID, ID "-b1", ID "-b7", ID "-b1-b1", ID "-b7-b7", ID "-b3-b5",
	};
	uint8_t packed[PACK_SIZE];
	char back[SPOOL_NAME_MAX], shard[3], want[3];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_true(pack_name(names[i], packed));
		assert_true(pack_open(packed, back));
		assert_string_equal(back, names[i]);
		spool_shard(names[i], want);
		snprintf(shard, sizeof(shard), "%02x", pack_shard(packed));
		assert_string_equal(shard, want);
	}
}

static void
test_new_names(void **state)
{
	uint8_t packed[PACK_SIZE], before[PACK_SIZE] = { 0 };
	char name[SPOOL_NAME_MAX], back[SPOOL_NAME_MAX];

	(void)state;
	for (int64_t ms = 1; ms < INT64_C(1) << 50; ms *= 3) {
		spool_name_new(name, ms);
		assert_true(pack_name(name, packed));
		assert_true(pack_open(packed, back));
		assert_string_equal(back, name);
		/* They have the order of their names, which is time's. */
		assert_true(memcmp(before, packed, PACK_SIZE) < 0);
		memcpy(before, packed, PACK_SIZE);
	}
}

static void
test_refused(void **state)
{
	static const char *const names[] = {
		"", "0", "01ARZ3NDEKTSV4RRF", ID "0", ID "-b", ID "-b0",
		ID "-b8", ID "-b10", ID "-b1-b8", ID "-b8-b1", ID "-b1-b1-b1",
		ID "-c1", "01ARZ3NDEKTSV4RRFU", "01arz3ndektsv4rrff",
		"01ARZ3NDEK/SV4RRFF", "new",
	};
	uint8_t packed[PACK_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (pack_name(names[i], packed))
			fail_msg("\"%s\" was packed", names[i]);
}

/* Every other row of twelve bytes is one name's. */
static void
test_bytes(void **state)
{
	uint8_t in[PACK_SIZE], packed[PACK_SIZE];
	char name[SPOOL_NAME_MAX];
	uint64_t chance = 7;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		for (int k = 0; k < PACK_SIZE; k++) {
			chance = chance * UINT64_C(6364136223846793005) + 1;
			in[k] = (uint8_t)(chance >> 56);
		}
		if ((in[PACK_SIZE - 1] & 070) == 0 &&
		    (in[PACK_SIZE - 1] & 007) != 0) {
			assert_false(pack_open(in, name));
			continue;
		}
		assert_true(pack_open(in, name));
		assert_true(spool_name_is_valid(str_of(name)));
		assert_true(pack_name(name, packed));
		assert_memory_equal(in, packed, PACK_SIZE);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_new_names),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
