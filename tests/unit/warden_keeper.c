/* SPDX-License-Identifier: ISC */
/*
 * warden/keeper: the process itself, in its sandbox.  It says what it has or why
 * it has nothing; it answers honest questions while others shout, say nothing
 * or never listen; and it ends with the last who could ask.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake_cert.h"
#include "os/clock.h"
#include "os/log.h"
#include "os/proc.h"
#include "os/sock.h"
#include "tls/signing.h"
#include "warden/keeper.h"

#define SPACES	"                                                                "
#define VERIFY	SPACES "TLS 1.3, server CertificateVerify\0" \
	    "0123456789abcdef0123456789abcdef"

static char top[] = "/tmp/godwit-keeper-XXXXXX";
static const char verify[] = VERIFY;
static const struct signing honest = { SIGNING_HANDSHAKE, 0x0403, 0,
    { verify, sizeof(verify) - 1 } };

static int
make_files(void **state)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	char path[256];

	(void)state;
	assert_non_null(mkdtemp(top));
	snprintf(path, sizeof(path), "%s/pem", top);
	fake_cert_write(path, fake_cert("one.example", key, EVP_sha256()), key);
	snprintf(path, sizeof(path), "%s/log", top);
	return log_open(path);
}

static int
remove_files(void **state)
{
	(void)state;
	return fake_remove(top);
}

struct house {
	struct conf		*conf;
	struct cage		 cage;
	struct keeper_ways	 ways;
	pid_t			 keeper;
};

static void
start(struct house *h, const char *file)
{
	struct buf text = { 0 }, errors = { 0 };
	struct fault why;

	memset(h, 0, sizeof(*h));
	/* A directory that has gone is made again. */
	buf_printf(&text, "run %s/run\ntls certificate %s/%s\n", top, top, file);
	h->conf = conf_parse("test", buf_str(&text), &errors);
	if (h->conf == NULL)
		fail_msg("%s", buf_cstr(&errors));
	buf_free(&text);
	h->cage.warden = getpid();
	if (keeper_open(&h->ways, h->conf, &h->cage, &why) < 0)
		fail_msg("%s", why.text);
	h->keeper = fork();
	if (h->keeper == 0) {
		int keep[] = { h->ways.door[0], h->ways.life[0], log_fd() };

		log_role("keeper");
		proc_close_all_but(keep, 3);
		keeper_run(h->conf, &h->cage, &h->ways);
	}
	close(h->ways.door[0]);
	close(h->ways.life[0]);
	h->ways.door[0] = h->ways.life[0] = -1;
}

static int
end(struct house *h)
{
	int status;

	keeper_close(&h->ways);
	assert_int_equal(waitpid(h->keeper, &status, 0), h->keeper);
	conf_free(h->conf);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static enum signing_result
ask(const struct house *h, const struct signing *question)
{
	uint8_t signature[SIGNATURE_MAX];
	size_t n = sizeof(signature);

	return signing_ask(h->ways.door[1], question, signature, &n);
}

static void
meet(struct house *h)
{
	struct buf shown = { 0 };
	struct fault why;

	if (keeper_meet(&h->ways, &shown, &why) < 0)
		fail_msg("%s", why.text);
	assert_true(shown.n > 100);
	buf_free(&shown);
}

static void
test_life(void **state)
{
	struct house h;

	(void)state;
	start(&h, "pem");
	meet(&h);
	for (int i = 0; i < 100; i++)
		assert_int_equal(ask(&h, &honest), SIGNING_DONE);
	/* No signal of a master's ends it. */
	assert_int_equal(waitpid(h.keeper, NULL, WNOHANG), 0);
	assert_int_equal(end(&h), 0);
}

static void
test_bad_files(void **state)
{
	struct buf shown = { 0 };
	struct fault why;
	struct house h;

	(void)state;
	start(&h, "nothing");
	assert_int_equal(keeper_meet(&h.ways, &shown, &why), -1);
	assert_non_null(strstr(why.text, "tls: "));
	assert_non_null(strstr(why.text, "/nothing: No such file"));
	buf_free(&shown);
	assert_int_equal(end(&h), 1);
}

static void
test_death(void **state)
{
	struct buf shown = { 0 };
	struct fault why;
	struct house h;
	int status;

	(void)state;
	start(&h, "pem");
	meet(&h);
	kill(h.keeper, SIGKILL);
	assert_int_equal(waitpid(h.keeper, &status, 0), h.keeper);
	assert_int_equal(ask(&h, &honest), SIGNING_GONE);
	/* A master that comes too late. */
	assert_int_equal(keeper_meet(&h.ways, &shown, &why), -1);
	assert_string_equal(why.text, "the keeper of the keys has gone");
	buf_free(&shown);
	keeper_close(&h.ways);
	conf_free(h.conf);
}

/* Refused, and told to the log: at the first, second, fourth... */
static void
test_refusals(void **state)
{
	static const char text[] = "from:alice@a.example\r\n";
	const struct signing dkim = { SIGNING_HANDSHAKE, 0x0403, 0,
	    { text, sizeof(text) - 1 } };
	char path[256], line[512], mine[64];
	struct house h;
	int n = 0;
	FILE *f;

	(void)state;
	start(&h, "pem");
	meet(&h);
	for (int i = 0; i < 20; i++)
		assert_int_equal(ask(&h, &dkim), SIGNING_REFUSED);
	assert_int_equal(ask(&h, &honest), SIGNING_DONE);
	assert_int_equal(end(&h), 0);
	snprintf(path, sizeof(path), "%s/log", top);
	snprintf(mine, sizeof(mine), "process %d asked for", (int)getpid());
	f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL)
		n += strstr(line, mine) != NULL;
	fclose(f);
	assert_int_equal(n, 5);
}

/* ---- those who mean no good ---- */

static int
come(const struct house *h)
{
	int fd = sock_connect_hidden(h->ways.door[1], 60);

	assert_true(fd >= 0);
	return fd;
}

/* More connections that say nothing than there are places. */
static void
test_silent_ones(void **state)
{
	int fd[200];
	struct house h;
	char c;

	(void)state;
	start(&h, "pem");
	meet(&h);
	for (int i = 0; i < 200; i++)
		fd[i] = come(&h);
	for (int i = 0; i < 50; i++)
		assert_int_equal(ask(&h, &honest), SIGNING_DONE);
	/* The oldest had to go, the youngest may still ask. */
	assert_int_equal(recv(fd[0], &c, 1, 0), 0);
	assert_int_equal(recv(fd[199], &c, 1, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
	for (int i = 0; i < 200; i++)
		close(fd[i]);
	assert_int_equal(ask(&h, &honest), SIGNING_DONE);
	assert_int_equal(end(&h), 0);
}

/* Packets of all lengths, several, and descriptors. */
static void
test_odd_packets(void **state)
{
	static char noise[100000];
	struct house h;
	int pair[2];
	struct fault why;

	(void)state;
	start(&h, "pem");
	meet(&h);
	assert_int_equal(sock_pair(SOCK_STREAM, pair, &why), 0);
	for (size_t n = 1; n < sizeof(noise); n += n < 600 ? 1 : 7919) {
		int fd = come(&h);
		uint8_t answer[SIGNING_ANSWER_MAX];
		ssize_t got;

		assert_int_equal(sock_send(fd, str_span(noise, n), pair, 2,
		    MSG_NOSIGNAL), 0);
		(void)sock_send(fd, str_span(noise, n), pair, 2, MSG_NOSIGNAL);
		/* Whoever says more than was read hears of it first. */
		got = recv(fd, answer, sizeof(answer), 0);
		if (got < 0 && errno == ECONNRESET)
			got = recv(fd, answer, sizeof(answer), 0);
		assert_int_equal(got, 4);
		close(fd);
	}
	/* None of the descriptors has stayed there. */
	close(pair[1]);
	assert_int_equal(recv(pair[0], noise, 1, 0), 0);
	close(pair[0]);
	assert_int_equal(ask(&h, &honest), SIGNING_DONE);
	assert_int_equal(end(&h), 0);
}

/* Asks and goes, without end, or asks again and never reads. */
static void
shout(const struct house *h, bool stays)
{
	uint8_t question[SIGNING_HEAD + sizeof(verify) - 1] = { 1, 0, 3, 4 };

	memcpy(question + SIGNING_HEAD, verify, sizeof(verify) - 1);
	for (;;) {
		int fd = sock_connect_hidden(h->ways.door[1], 5);

		while (fd >= 0 && send(fd, question, sizeof(question),
		    MSG_NOSIGNAL | (stays ? MSG_DONTWAIT : 0)) > 0 && stays)
			;
		close(fd);
	}
}

static void
test_shouting_ones(void **state)
{
	int64_t took, all = 0;
	int late = 0;
	struct house h;
	pid_t pid[6];

	(void)state;
	start(&h, "pem");
	meet(&h);
	for (int i = 0; i < 6; i++) {
		pid[i] = fork();
		if (pid[i] == 0) {
			alarm(300);
			shout(&h, i % 2 == 0);
		}
	}
	for (int i = 0; i < 100; i++) {
		int64_t begun = clock_mono_ms();

		assert_int_equal(ask(&h, &honest), SIGNING_DONE);
		took = clock_mono_ms() - begun;
		late += took > 5000;
		all += took;
	}
	for (int i = 0; i < 6; i++) {
		kill(pid[i], SIGKILL);
		waitpid(pid[i], NULL, 0);
	}
	/* The machine may rest now and then: half of a second for each. */
	assert_in_range(late, 0, 5);
	assert_in_range(all, 0, 50000);
	assert_int_equal(ask(&h, &honest), SIGNING_DONE);
	assert_int_equal(end(&h), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_life),
		cmocka_unit_test(test_bad_files),
		cmocka_unit_test(test_death),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_silent_ones),
		cmocka_unit_test(test_odd_packets),
		cmocka_unit_test(test_shouting_ones),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, make_files, remove_files);
}
