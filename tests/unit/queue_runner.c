/* SPDX-License-Identifier: ISC */
/* queue/runner: in a flood of notes it hears that it is to end (T-40). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/socket.h>

#include "fake_spool.h"
#include "fake_wait.h"
#include "conf/conf.h"
#include "os/signal.h"
#include "os/sock.h"
#include "queue/runner.h"

static void
test_flood(void **state)
{
	struct fake_spool *f = *state;
	struct runner_setup setup = { .spool = &f->spool, .narrow = -1,
	    .queue_sock = -1, .sessions = (uid_t)-1 };
	struct buf errors = { 0 };
	struct conf *conf;
	struct fault why;
	char path[128];
	int notes[2], channel[2];
	FILE *file;

	snprintf(path, sizeof(path), "%s/conf", f->dir);
	file = fopen(path, "w");
	assert_non_null(file);
	fprintf(file, "hostname mx.test\nspool %s\nrun %s\n", f->path, f->dir);
	fclose(file);
	conf = conf_load(path, false, &errors);
	if (conf == NULL)
		fail_msg("%s", buf_cstr(&errors));
	assert_int_equal(sock_pair(SOCK_SEQPACKET, notes, &why), 0);
	assert_int_equal(sock_pair(SOCK_SEQPACKET, channel, &why), 0);
	setup.conf = conf;
	setup.notify = notes[1];
	setup.channel = channel[0];
	signal_catch(SIGCHLD);
	signal_catch(SIGTERM);
	signal_block_caught();
	runner_run(&setup);
	signal_reset();
	assert_true(fake_waits > 1);
	for (int i = 0; i < 2; i++) {
		close(notes[i]);
		close(channel[i]);
	}
	conf_free(conf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_flood, fake_spool_setup,
		    fake_spool_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
