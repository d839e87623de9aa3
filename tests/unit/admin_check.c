/* SPDX-License-Identifier: ISC */
/* admin/check: each warning is given when it should be, and not otherwise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/stat.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin/check.h"
#include "map/build.h"
#include "os/file.h"

static char dir[64], aliases[128], compiled[128], spool[128];

static int
setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/godwit-check.XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(aliases, sizeof(aliases), "%s/aliases", dir);
	snprintf(compiled, sizeof(compiled), "%s/aliases.db", dir);
	snprintf(spool, sizeof(spool), "%s/spool", dir);
	return mkdir(spool, 0700);
}

static int
teardown(void **state)
{
	(void)state;
	unlink(aliases);
	unlink(compiled);
	rmdir(spool);
	return rmdir(dir);
}

/* The warnings about a configuration of these lines; what they do not say is
 * set to something that exists, so that only what is asked for is missing. */
static void
check(const char *lines, struct buf *out)
{
	struct buf text = { 0 }, errors = { 0 };
	struct conf *conf;
	size_t n, i, count = 0;

	buf_printf(&text, "aliases %s\nlisten none\n", aliases);
	if (strstr(lines, "spool") == NULL)
		buf_printf(&text, "spool %s\n", spool);
	/* Wherever /tmp may lie. */
	if (strstr(lines, "may-lose") == NULL)
		buf_putz(&text, "spool-may-lose-mail yes\n");
	if (strstr(lines, "hostname") == NULL)
		buf_putz(&text, "hostname a.example\n");
	if (strstr(lines, "user") == NULL)
		buf_putz(&text, "user daemon\nqueue-user bin\n");
	if (strstr(lines, "group") == NULL)
		buf_putz(&text, "drop-group mail\n");
	buf_putz(&text, lines);
	conf = conf_parse("test", buf_str(&text), &errors);
	if (conf == NULL)
		fail_msg("%s", buf_cstr(&errors));
	buf_reset(out);
	n = client_check(conf, out);
	for (i = 0; i < out->n; i++)
		count += out->p[i] == '\n';
	assert_int_equal(n, count);
	conf_free(conf);
	buf_free(&text);
	buf_free(&errors);
}

static void
write_aliases(const char *text, bool compile)
{
	struct build_report report;
	struct fault why;

	assert_int_equal(file_save(AT_FDCWD, aliases, str_of(text), 0644,
	    &why), 0);
	unlink(compiled);
	if (compile)
		assert_int_equal(build_aliases(aliases, NULL, NULL, &report,
		    &why), 0);
}

static void
expect(const char *lines, const char *warning)
{
	struct buf out = { 0 };

	check(lines, &out);
	if (warning == NULL)
		assert_string_equal(buf_cstr(&out), "");
	else if (strstr(buf_cstr(&out), warning) == NULL)
		fail_msg("no \"%s\" in: %s", warning, buf_cstr(&out));
	buf_free(&out);
}

static void
test_fine(void **state)
{
	(void)state;
	write_aliases("postmaster: root\nroot: me@b.example\n", true);
	expect("", NULL);
}

static void
test_hostname(void **state)
{
	(void)state;
	expect("hostname bare\n", "hostname bare has no dot");
}

static void
test_spool(void **state)
{
	char line[256];

	(void)state;
	snprintf(line, sizeof(line), "spool %s/none\n", dir);
	expect(line, "/none is missing");
	snprintf(line, sizeof(line), "spool %s\n", aliases);
	expect(line, "is no directory");
}

/* /proc stands for what cannot hold a spool; memory, where there is some. */
static void
test_durable(void **state)
{
	struct buf out = { 0 };
	struct file_system fs;
	int shm = open("/dev/shm", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	write_aliases("postmaster: root\nroot: me@b.example\n", true);
	file_system_find(shm, &fs);
	close(shm);
	if (fs.trust == FILE_TRUST_MEMORY) {
		expect("spool /dev/shm\nspool-may-lose-mail no\n",
		    "spool /dev/shm: it lies on tmpfs, which forgets");
		expect("spool /dev/shm\nspool-may-lose-mail yes\n", NULL);
	}
	check("spool /proc\nspool-may-lose-mail no\n", &out);
	assert_null(strstr(buf_cstr(&out), "it lies on"));
	buf_free(&out);
}

/* One line, which names the spool; none when there is nothing to see. */
static void
test_says_spool(void **state)
{
	struct conf conf = { 0 };
	struct buf out = { 0 };

	(void)state;
	conf.spool = str_of(spool);
	client_check_spool(&conf, &out);
	assert_true(str_starts(buf_str(&out), STR("spool /tmp/godwit-check")));
	assert_non_null(strstr(buf_cstr(&out), "sync"));
	assert_int_equal(str_find(buf_str(&out), '\n') + 1, out.n);
	buf_reset(&out);
	conf.spool = STR("/nonexistent/a/b");
	client_check_spool(&conf, &out);
	assert_int_equal(out.n, 0);
	buf_free(&out);
}

static void
test_databases(void **state)
{
	struct buf line = { 0 };

	(void)state;
	write_aliases("postmaster: root\nroot: me@b.example\n", true);
	buf_printf(&line, "reject from in db %s\n", compiled);
	expect(buf_cstr(&line), NULL);
	buf_reset(&line);
	buf_printf(&line, "accept\nreject local to a@b or db %s.no\n",
	    compiled);
	expect(buf_cstr(&line), "aliases.db.no: No such file or directory; a "
	    "rule names it");
	buf_free(&line);
}

static void
test_aliases(void **state)
{
	struct timespec old[2] = { { 1000, 0 }, { 1000, 0 } };

	(void)state;
	write_aliases("root: me@b.example\n", true);
	expect("", "postmaster has no alias");
	write_aliases("Postmaster: root\n", true);
	expect("", "root has no alias");
	write_aliases("postmaster: root\nroot: me@b.example\n", false);
	expect("", "is not compiled");
	write_aliases("postmaster: root\nroot: me@b.example\n", true);
	assert_int_equal(utimensat(AT_FDCWD, compiled, old, 0), 0);
	expect("", "is newer than");
	/* The same time is not newer. */
	assert_int_equal(utimensat(AT_FDCWD, aliases, old, 0), 0);
	expect("", NULL);
	/* A compiled table without its source is in force. */
	unlink(aliases);
	expect("", NULL);
	unlink(compiled);
	expect("", "there is no /tmp/");
	write_aliases("postmaster: root\nroot: me@b.example\n", true);
	assert_int_equal(truncate(compiled, 100), 0);
	expect("", "run newaliases");
	write_aliases("postmaster: root\nroot: me@b.example\n", true);
}

static void
test_accounts(void **state)
{
	(void)state;
	if (geteuid() != 0) {
		/* Nobody else becomes users. */
		expect("user no-such-user\n", NULL);
		return;
	}
	expect("user no-such-user\n", "there is no user no-such-user");
	expect("queue-user no-such-user\n", "(setting queue-user)");
	expect("mail-user no-such-user\n", "(setting mail-user)");
	expect("user bin\nqueue-user bin\n", "are both bin");
	/* The keeper's only matters where there are keys. */
	expect("user daemon\nqueue-user bin\nkeeper-user no-such-user\n",
	    NULL);
	expect("keeper-user no-such-user\ntls certificate /nonexistent\n",
	    "(setting keeper-user)");
	expect("user bin\nkeeper-user bin\ntls certificate /nonexistent\n",
	    "user and keeper-user are both bin");
	expect("user root\n", "root under another name");
	expect("drop-group no-such-group\n", "no group no-such-group");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_databases),
		cmocka_unit_test(test_fine),
		cmocka_unit_test(test_hostname),
		cmocka_unit_test(test_spool),
		cmocka_unit_test(test_durable),
		cmocka_unit_test(test_says_spool),
		cmocka_unit_test(test_aliases),
		cmocka_unit_test(test_accounts),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
