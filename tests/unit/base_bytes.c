/* SPDX-License-Identifier: ISC */
/* base/bytes: every byte has its place, at any alignment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/bytes.h"

static const uint8_t bytes[9] = { 0xff, 0x81, 0x02, 0x83, 0x04, 0x85, 0x06,
    0x87, 0xf8 };

static void
test_get(void **state)
{
	const uint8_t *p = bytes + 1;

	(void)state;
	assert_int_equal(bytes_get_le16(p), 0x0281);
	assert_int_equal(bytes_get_le32(p), 0x04830281u);
	assert_true(bytes_get_le64(p) == UINT64_C(0xf887068504830281));
	assert_int_equal(bytes_get_be16(p), 0x8102);
	assert_int_equal(bytes_get_be32(p), 0x81028304u);
}

/* What is put is what is got, and nothing beside it is touched. */
static void
test_put(void **state)
{
	uint8_t room[12], want[12];

	(void)state;
	memset(room, 0xaa, sizeof(room));
	memset(want, 0xaa, sizeof(want));
	bytes_put_le64(room + 1, UINT64_C(0xf887068504830281));
	memcpy(want + 1, bytes + 1, 8);
	assert_memory_equal(room, want, sizeof(room));
	bytes_put_le32(room + 1, UINT32_MAX);
	memset(want + 1, 0xff, 4);
	assert_memory_equal(room, want, sizeof(room));
	bytes_put_le16(room + 2, 0x8102);
	memcpy(want + 2, "\x02\x81", 2);
	assert_memory_equal(room, want, sizeof(room));
	bytes_put_be32(room + 7, 0x81028304u);
	memcpy(want + 7, bytes + 1, 4);
	assert_memory_equal(room, want, sizeof(room));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_get),
		cmocka_unit_test(test_put),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
