/* SPDX-License-Identifier: ISC */
/*
 * base/list: order, membership, and that both directions of the ring agree.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/list.h"

struct item {
	int		number;
	struct list	link;
};

/* The numbers in the list as digits, read forwards; checks backwards too. */
static int
digits(struct list *head)
{
	struct list	*link;
	int		 sum = 0;

	LIST_EACH(link, head) {
		assert_ptr_equal(link->next->prev, link);
		assert_ptr_equal(link->prev->next, link);
		sum = sum * 10 + LIST_OF(link, struct item, link)->number;
	}
	return sum;
}

static void
keeps_order(void **state)
{
	struct list	head;
	struct item	a = { 1, { 0 } }, b = { 2, { 0 } }, c = { 3, { 0 } };

	(void)state;
	list_init(&head);
	assert_true(list_is_empty(&head));
	assert_null(list_first(&head));
	assert_null(list_shift(&head));
	assert_int_equal(digits(&head), 0);

	list_append(&head, &b.link);
	list_append(&head, &c.link);
	list_prepend(&head, &a.link);
	assert_false(list_is_empty(&head));
	assert_int_equal(digits(&head), 123);
	assert_ptr_equal(list_first(&head), &a.link);

	list_remove(&b.link);
	assert_int_equal(digits(&head), 13);
	assert_false(list_has_place(&b.link));
	assert_true(list_has_place(&a.link));
	list_remove(&b.link);
	assert_int_equal(digits(&head), 13);

	list_append(&head, &b.link);
	assert_int_equal(digits(&head), 132);
	assert_ptr_equal(list_shift(&head), &a.link);
	assert_false(list_has_place(&a.link));
	assert_ptr_equal(list_shift(&head), &c.link);
	assert_ptr_equal(list_shift(&head), &b.link);
	assert_true(list_is_empty(&head));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
