/* SPDX-License-Identifier: ISC */
/*
 * spool/trial: it leaves nothing behind, it tells what it met, and what cannot
 * hold mail does not pass.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/resource.h>
#include <signal.h>

#include "fake_spool.h"
#include "spool/trial.h"

static void
test_runs(void **state)
{
	struct fake_spool *f = *state;
	unsigned before = fake_open_files();
	struct trial looked, tried;
	struct fault why;

	for (int i = 0; i < 2; i++) {
		f->spool.dir_sync = i == 1;
		assert_int_equal(trial_look(f->path, &looked, &why), 0);
		if (trial_run(&f->spool, &tried, &why) < 0)
			fail_msg("%s", why.text);
		assert_string_equal(tried.fs.name, looked.fs.name);
		assert_int_equal(tried.dir_sync, looked.dir_sync);
		assert_int_equal(tried.temporaries, looked.temporaries);
		assert_int_equal(tried.dir_sync,
		    tried.fs.trust != FILE_TRUST_SYNC);
	}
	f->spool.temporaries = true;
	assert_int_equal(trial_run(&f->spool, &tried, &why), 0);
	assert_true(tried.temporaries);
	assert_int_equal(fake_count(f, "q"), 0);
	assert_int_equal(fake_open_files(), before);
}

/* The spool is still to be made, or not even its place is there. */
static void
test_looks_before(void **state)
{
	struct fake_spool *f = *state;
	char path[128];
	struct trial there, before;
	struct fault why;

	assert_int_equal(trial_look(f->path, &there, &why), 0);
	snprintf(path, sizeof(path), "%s/none", f->dir);
	assert_int_equal(trial_look(path, &before, &why), 0);
	assert_string_equal(before.fs.name, there.fs.name);
	snprintf(path, sizeof(path), "%s/none/at/all", f->dir);
	assert_int_equal(trial_look(path, &before, &why), -1);
	assert_int_equal(trial_look("/none", &before, &why), 0);
}

static void
limit_files(rlim_t n)
{
	struct rlimit r;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &r), 0);
	r.rlim_cur = n;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &r), 0);
}

static void
test_fails(void **state)
{
	struct fake_spool *f = *state;
	struct spool s = f->spool;
	struct trial t;
	struct fault why;
	int fd;

	signal(SIGXFSZ, SIG_IGN);
	limit_files(4);
	assert_int_equal(trial_run(&s, &t, &why), -1);
	assert_int_equal(why.reply, 452);
	limit_files(RLIM_INFINITY);
	signal(SIGXFSZ, SIG_DFL);
	assert_int_equal(fake_count(f, "q"), 0);
	s.q = s.root;				/* no XX directories */
	assert_int_equal(trial_run(&s, &t, &why), -1);
	assert_int_equal(why.reply, 451);
	fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	s.root = s.q = fd;
	assert_int_equal(trial_run(&s, &t, &why), -1);
	close(fd);
}

static const struct {
	struct trial	 trial;
	bool		 durable;
	const char	*text;		/* of the line, or of the refusal */
} rows[] = {
	{ { { FILE_TRUST_SYNC, "xfs" }, false, false }, true,
	    "spool /s: xfs: one sync a message" },
	{ { { FILE_TRUST_DIR, "overlay" }, true, false }, true,
	    "spool /s: overlay: also syncs the directory" },
	{ { { FILE_TRUST_DIR, "overlay" }, true, true }, true,
	    "spool /s: overlay: also syncs the directory, and begins under a "
	    "temporary name (no O_TMPFILE)" },
	{ { { FILE_TRUST_MEMORY, "tmpfs" }, true, false }, false,
	    "spool /s: it lies on tmpfs, which forgets all mail when the "
	    "machine stops: put it on a disk of this machine (ext4, xfs, "
	    "btrfs), or accept that with \"spool-may-lose-mail yes\"" },
	{ { { FILE_TRUST_REMOTE, "nfs" }, true, true }, false,
	    "spool /s: it lies on nfs, where no sync proves that mail is kept: "
	    "put it on a disk of this machine (ext4, xfs, btrfs), or accept "
	    "that with \"spool-may-lose-mail yes\"" },
};

static void
test_words(void **state)
{
	struct buf b = { 0 };
	struct fault why;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool durable = trial_is_durable(&rows[i].trial, "/s", &why);

		assert_int_equal(durable, rows[i].durable);
		buf_reset(&b);
		trial_describe(&rows[i].trial, "/s", &b);
		assert_string_equal(durable ? buf_cstr(&b) : why.text,
		    rows[i].text);
	}
	buf_free(&b);
}

int
main(void)
{
#define WITH(test)							\
	cmocka_unit_test_setup_teardown(test, fake_spool_setup,		\
	    fake_spool_teardown)
	const struct CMUnitTest tests[] = {
		WITH(test_runs),
		WITH(test_looks_before),
		WITH(test_fails),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
