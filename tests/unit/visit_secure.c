/* SPDX-License-Identifier: ISC */
/* visit/secure: for which handshake that comes to nothing its client pays (T-32). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/socket.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake_cert.h"
#include "conf/conf.h"
#include "os/signal.h"
#include "visit/secure.h"
#include "visit/session.h"

static char dir[] = "/tmp/godwit-secure-XXXXXX";
static struct tls_server *server;

static int
set_up(void **state)
{
	struct tls_options o = { .oldest = TLS_1_2 };
	struct tls_certificate c = { .key_file = NULL };
	struct fault why;
	EVP_PKEY *key = EVP_EC_gen("P-256");
	static char path[64];

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/cert", dir);
	fake_cert_write(path, fake_cert("one.example", key, EVP_sha256()), key);
	c.file = path;
	o.certificates.p = &c;
	o.certificates.n = 1;
	server = tls_server_new(&o, &why);
	if (server == NULL)
		fail_msg("%s", why.text);
	signal_ignore(SIGPIPE);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	tls_server_free(server);
	return fake_remove(dir);
}

/* What is told of a handshake in which the client has sent that, and then ends or
 * not. */
static struct tally
shake(const char *sent, bool ends, bool leave)
{
	static const struct conf conf;
	static const struct smtpd_peer peer = { .service = SERVICE_SMTP };
	_Atomic bool over = leave;
	struct smtpd smtpd = { .conf = &conf, .tls = server, .usher = -1,
	    .notify = -1 };
	struct session s;
	struct tally t;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(write(pair[1], sent, strlen(sent)), strlen(sent));
	if (ends)
		assert_int_equal(shutdown(pair[1], SHUT_WR), 0);
	session_init(&s, &smtpd, pair[0], &peer);
	stream_mind_end(&s.stream, &over);
	stream_set_deadline(&s.stream, 1);
	assert_false(secure_begin(&s));
	assert_true(s.ended);
	t = session_tally(&s);
	session_free(&s);
	close(pair[1]);
	assert_true(t.handshake);
	return t;
}

static void
test_failed(void **state)
{
	(void)state;
	assert_true(shake("this is no TLS\r\n", false, false).failed);
	assert_true(shake("", true, false).failed);
	assert_true(shake("", false, false).failed);	/* too late */
	/* We have sent it away, and not waited for it. */
	assert_false(shake("", false, true).failed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_failed),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
