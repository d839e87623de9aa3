/* SPDX-License-Identifier: ISC */
/*
 * spool/browse: every entry of a directory once, in memory or not, whatever else
 * lies there or goes meanwhile, and nothing is left open.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <cmocka.h>

#include "base/num.h"
#include "fake_spool.h"
#include "spool/browse.h"
#include "spool/slots.h"

#define SHARD	"ef"			/* of names that end with FF */

enum { N = 3 * BROWSE_AHEAD + 1 };

/* In front of the C library's: so much of a file lies in memory, or there is an
 * error; 0 and 0 are what some kernels say.  What was asked is counted. */
static size_t in_memory;
static int cannot_tell;
static unsigned asked, fetched;

ssize_t
preadv2(int fd, const struct iovec *v, int n, off_t at, int flags)
{
	assert_int_equal(n, 1);
	assert_int_equal(flags, RWF_NOWAIT);
	asked++;
	if (cannot_tell == 0 && in_memory > 0)
		return pread(fd, v->iov_base, v->iov_len < in_memory ?
		    v->iov_len : in_memory, at);
	errno = cannot_tell;
	return cannot_tell == 0 ? 0 : -1;
}
int
posix_fadvise(int fd, off_t at, off_t n, int advice)
{
	(void)fd;
	assert_int_equal(at, 0);
	assert_int_equal(n, BROWSE_FRONT);
	assert_int_equal(advice, POSIX_FADV_WILLNEED);
	fetched++;
	return 0;
}

static void
make(struct fake_spool *f, int number, char name[SPOOL_NAME_MAX])
{
	struct envelope env = fake_envelope(f, "ann@example.com",
	    "a@b.example");
	struct note note = { .text = STR("why") };
	struct message m;
	struct fault why;

	spool_name_new(name, number);
	memcpy(name + SPOOL_ID_LEN - 2, "FF", 2);
	fake_submit(f, &env, name, STR("A: b\r\n"), STR("\r\n"), NULL);
	assert_int_equal(message_open(&m, &f->spool, name, true, &why),
	    MESSAGE_OK);
	assert_int_equal(slots_write_note(&m, 0, &note, &why), 0);
	message_close(&m);
}

static uint64_t
number_of(const char *name)
{
	uint64_t n;

	assert_true(num_parse_base32(str_span(name, 10), &n));
	return n;
}

static void
set_memory(size_t bytes, int error)
{
	in_memory = bytes;
	cannot_tell = error;
	asked = fetched = 0;
}

static void
look_at_all(struct fake_spool *f)
{
	bool seen[N] = { false };
	unsigned files = fake_open_files();
	struct browse b;
	struct message m;
	struct note note;
	struct fault why;

	assert_int_equal(browse_open(&b, f->spool.q, SHARD, &why), 0);
	while (browse_next(&b, &m)) {
		uint64_t n = number_of(m.super.name);

		assert_true(n < N && !seen[n]);
		seen[n] = true;
		assert_int_equal(m.envelope.recipients.n, 1);
		assert_true(slots_read_note(&m, 0, &note));
		assert_true(str_eq(note.text, STR("why")));
		assert_true(fake_open_files() <= files + BROWSE_AHEAD + 2);
		message_close(&m);
	}
	assert_false(browse_next(&b, &m));
	assert_false(b.partial);
	browse_close(&b);
	for (int i = 0; i < N; i++)
		assert_true(seen[i]);
	assert_int_equal(fake_open_files(), files);
}

static void
test_all(void **state)
{
	struct fake_spool *f = *state;
	unsigned files = fake_open_files();
	char name[SPOOL_NAME_MAX];
	struct browse b;
	struct message m;
	struct fault why;

	for (int i = 0; i < N; i++)
		make(f, i, name);
	set_memory(SIZE_MAX, 0);
	look_at_all(f);
	assert_int_equal(fetched, 0);
	/* Part of a head, and a head without its note. */
	set_memory(600, 0);
	look_at_all(f);
	set_memory(1024, 0);
	look_at_all(f);
	assert_int_equal(fetched, 0);
	/* None of it; the first is waited for. */
	set_memory(0, EAGAIN);
	look_at_all(f);
	assert_int_equal(fetched, N - 1);
	assert_int_equal(asked, N);
	set_memory(0, 0);
	look_at_all(f);
	assert_int_equal(fetched, N - 1);
	/* Nobody can tell, and is asked once. */
	set_memory(0, EOPNOTSUPP);
	look_at_all(f);
	assert_int_equal(fetched, N - 1);
	assert_int_equal(asked, 1);
	/* Given up in the middle. */
	assert_int_equal(browse_open(&b, f->spool.q, SHARD, &why), 0);
	assert_true(browse_next(&b, &m));
	message_close(&m);
	browse_close(&b);
	assert_int_equal(fake_open_files(), files);
}

/* Without a descriptor some are left out, and it says so. */
static void
test_partial(void **state)
{
	struct fake_spool *f = *state;
	char name[SPOOL_NAME_MAX];
	struct rlimit was, few;
	struct browse b;
	struct message m;
	struct fault why;
	unsigned n = 0;

	for (int i = 0; i < N; i++)
		make(f, i, name);
	set_memory(SIZE_MAX, 0);
	assert_int_equal(browse_open(&b, f->spool.q, SHARD, &why), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	few = was;
	few.rlim_cur = (rlim_t)b.dir + 4;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	while (browse_next(&b, &m)) {
		message_close(&m);
		n++;
	}
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	assert_true(n < N);
	assert_true(b.partial);
	browse_close(&b);
}

static void
test_others(void **state)
{
	static const uint8_t zero[FORMAT_SUPER_SIZE];
	struct fake_spool *f = *state;
	unsigned files = fake_open_files(), n = 0;
	char name[SPOOL_NAME_MAX], path[SPOOL_PATH_MAX];
	struct browse b;
	struct message m;
	struct fault why;

	assert_int_equal(browse_open(&b, f->spool.q, "nosuch", &why), -1);
	assert_int_equal(browse_open(&b, f->spool.q, SHARD, &why), 0);
	assert_false(browse_next(&b, &m));
	browse_close(&b);

	make(f, 1, name);
	fake_patch(f, name, 0, zero, sizeof(zero));
	make(f, 2, name);
	fake_patch(f, name, 513, "?", 1);
	make(f, 3, name);
	fake_truncate(f, name, 100);
	/* Another's name, a link, a directory, none at all. */
	make(f, 4, name);
	assert_int_equal(linkat(f->spool.q, spool_entry_path(name, path),
	    f->spool.q, SHARD "/01ARZ3NDEKTSV4RRFF", 0), 0);
	assert_int_equal(symlinkat(name, f->spool.q,
	    SHARD "/01ARZ3NDEKTSV4RHFF"), 0);
	assert_int_equal(mkdirat(f->spool.q, SHARD "/01ARZ3NDEKTSV4RJFF",
	    0700), 0);
	assert_int_equal(browse_open(&b, f->spool.q, SHARD, &why), 0);
	while (browse_next(&b, &m)) {
		assert_string_equal(m.super.name, name);
		message_close(&m);
		n++;
	}
	assert_false(b.partial);
	browse_close(&b);
	assert_int_equal(n, 1);

	/* It goes between the reading of the names and its turn. */
	assert_int_equal(browse_open(&b, f->spool.q, SHARD, &why), 0);
	assert_int_equal(spool_remove(&f->spool, name, &why), 0);
	assert_false(browse_next(&b, &m));
	browse_close(&b);
	assert_int_equal(fake_open_files(), files);
}

int
main(void)
{
#define WITH(test)							\
	cmocka_unit_test_setup_teardown(test, fake_spool_setup,		\
	    fake_spool_teardown)
	const struct CMUnitTest tests[] = {
		WITH(test_all),
		WITH(test_partial),
		WITH(test_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
