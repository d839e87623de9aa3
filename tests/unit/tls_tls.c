/* SPDX-License-Identifier: ISC */
/*
 * tls/cert, tls/ticket, tls/tls and tls/tls_server: what is wrong with a file
 * is told; names choose certificates; a session is resumed in another process
 * and on no other service; who wants too much is cut off.  The other end is
 * OpenSSL's client, in the same process or a child.
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
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake_cert.h"
#include "os/clock.h"
#include "tls/cert.h"
#include "tls/connection.h"
#include "tls/ticket.h"
#include "tls/tls_server.h"

static char top[] = "/tmp/godwit-tls-XXXXXX";
static char path[2][256];

static const char *
at(int i, const char *name)
{
	snprintf(path[i], sizeof(path[i]), "%s/%s", top, name);
	return path[i];
}

/* A key of a type in one file, its certificate in another. */
static void
make_pair(const char *name, EVP_PKEY *key)
{
	X509 *x = fake_cert(name, key, EVP_sha256());
	char file[64];

	snprintf(file, sizeof(file), "%s.pem", name);
	fake_cert_write(at(0, file), x, NULL);
	snprintf(file, sizeof(file), "%s.key", name);
	fake_cert_write(at(0, file), NULL, key);
}

static void
put(const char *name, mode_t mode, const char *a, const char *b)
{
	const char *part[] = { a, b };
	char text[16384];
	FILE *to = fopen(at(0, name), "w"), *from;

	for (int i = 0; i < 2 && part[i] != NULL; i++) {
		from = fopen(at(1, part[i]), "r");
		if (from == NULL) {
			fputs(part[i], to);
			continue;
		}
		fwrite(text, 1, fread(text, 1, sizeof(text), from), to);
		fclose(from);
	}
	fclose(to);
	chmod(at(0, name), mode);
}

static int
make_files(void **state)
{
	FILE *f;
	EVP_PKEY *key;

	(void)state;
	assert_non_null(mkdtemp(top));
	make_pair("one.example", EVP_EC_gen("P-256"));
	make_pair("two.example", EVP_EC_gen("P-256"));
	make_pair("rsa.example", EVP_RSA_gen(2048));
	make_pair("weak.example", EVP_RSA_gen(512));
	put("both", 0600, "one.example.key", "one.example.pem");
	put("chain", 0644, "one.example.pem", "two.example.pem");
	put("open", 0604, "one.example.key", NULL);
	put("group-writes", 0620, "one.example.key", NULL);
	put("group-reads", 0640, "one.example.key", NULL);
	put("empty", 0600, "", NULL);
	put("noise", 0600, "-----BEGIN CERTIFICATE-----\nAAAA\n", NULL);
	assert_int_equal(symlink("one.example.key", at(0, "link")), 0);
	key = EVP_EC_gen("P-256");
	f = fopen(at(0, "locked"), "w");
	PEM_write_PrivateKey(f, key, EVP_aes_128_cbc(), NULL, 0, NULL,
	    (void *)(uintptr_t)"secret");
	fclose(f);
	EVP_PKEY_free(key);
	return 0;
}

static int
remove_files(void **state)
{
	(void)state;
	return fake_remove(top);
}

static const struct {
	const char *file, *key, *what;	/* what NULL: good */
} files[] = {
	{ "one.example.pem", "one.example.key", NULL },
	{ "both", NULL, NULL },
	{ "chain", "link", NULL },
	{ "one.example.pem", "group-reads", NULL },
	{ "nothing", NULL, "No such file or directory" },
	{ ".", NULL, "is no regular file" },
	{ "empty", NULL, "there is no certificate (PEM) in it" },
	{ "noise", NULL, "there is no certificate (PEM) in it" },
	{ "one.example.key", NULL, "there is no certificate (PEM) in it" },
	{ "one.example.pem", NULL, "there is no private key (PEM) in it" },
	{ "one.example.pem", "nothing", "No such file or directory" },
	{ "one.example.pem", "noise", "there is no private key (PEM) in it" },
	{ "one.example.pem", "locked", "locked with a password" },
	{ "one.example.pem", "open", "others may read or change (mode 604): "
	    "chmod o=,g-w" },
	{ "one.example.pem", "group-writes", "others may read or change" },
	{ "one.example.pem", "two.example.key", "does not belong to the "
	    "certificate" },
};

static void
test_load(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct cert c;
		struct fault why;
		int r = cert_load(&c, at(0, files[i].file), files[i].key ==
		    NULL ? NULL : at(1, files[i].key), &why);

		if (r != (files[i].what == NULL ? 0 : -1))
			fail_msg("%s %s: %d", files[i].file, files[i].key, r);
		assert_int_equal(ERR_peek_error(), 0);
		if (r == 0) {
			cert_free(&c);
			continue;
		}
		assert_int_equal(why.reply, 554);
		if (strstr(why.text, files[i].what) == NULL ||
		    strstr(why.text, files[i].key == NULL ? files[i].file :
		    files[i].key) == NULL)
			fail_msg("%s", why.text);
	}
}

/* ---- a server and its peer ---- */

static char spare[8][256];

static struct tls_server *
make_server(const struct tls_options *rules, struct fault *why, ...)
{
	struct tls_options o = *rules;
	struct arena a = { 0 };
	struct tls_server *s;
	const char *name, *names;
	int n = 0;
	va_list ap;

	va_start(ap, why);
	while ((name = va_arg(ap, const char *)) != NULL) {
		struct tls_certificate c = { 0 };
		struct str rest, piece;

		names = va_arg(ap, const char *);
		snprintf(spare[n], 256, "%s/%s.pem", top, name);
		c.file = spare[n++];
		snprintf(spare[n], 256, "%s/%s.key", top, name);
		c.key_file = spare[n++];
		rest = str_of(names);
		while (str_cut(&rest, ' ', &piece))
			vec_push(&a, &c.names, piece);
		vec_push(&a, &o.certificates, c);
	}
	va_end(ap);
	s = tls_server_new(&o, why);
	arena_free(&a);
	return s;
}

static const struct tls_options usual = { .oldest = TLS_1_2 };

struct meeting {
	struct stream	 stream;
	struct tls	*tls;
	SSL		*peer;
	pid_t		 child;		/* plays the server, or 0 */
};

static SSL_SESSION *kept;

static int
keep(SSL *ssl, SSL_SESSION *session)
{
	(void)ssl;
	SSL_SESSION_free(kept);
	kept = session;
	return 1;
}

static SSL_CTX *
make_peers(int version)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	SSL_CTX_set_min_proto_version(ctx, version);
	SSL_CTX_set_max_proto_version(ctx, version);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT |
	    SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ctx, keep);
	return ctx;
}

static const struct turns *limit;	/* or NULL: the server's own */

static struct tls *
accept_tls(const struct tls_server *s, int fd, unsigned service)
{
	struct tls *t = tls_server_accept(s, fd, service);

	assert_non_null(t);
	if (limit != NULL)
		connection_limit(t, limit);
	return t;
}

/* A server in a child that says "hello" and then gives every byte back. */
static pid_t
serve(struct tls_server *s, int fd, unsigned service)
{
	struct stream stream;
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	alarm(120);
	stream_init(&stream, fd);
	stream_set_timeout(&stream, 120);
	stream_set_ops(&stream, &tls_ops, accept_tls(s, fd, service));
	if (stream_begin(&stream) != STREAM_OK)
		_exit(3);
	stream_put(&stream, STR("hello"));
	while (stream_flush(&stream) == STREAM_OK &&
	    stream_fill(&stream) == STREAM_OK) {
		struct str in = stream_peek(&stream);

		stream_put(&stream, in);
		stream_skip(&stream, in.n);
	}
	stream_close(&stream);
	_exit(0);
}

static SSL *
call(struct tls_server *s, SSL_CTX *peers, const char *name, unsigned service,
    pid_t *child)
{
	SSL *ssl = SSL_new(peers);
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	*child = serve(s, fd[1], service);
	close(fd[1]);
	SSL_set_fd(ssl, fd[0]);
	if (name != NULL)
		SSL_set_tlsext_host_name(ssl, name);
	return ssl;
}

static int
finish(SSL *ssl, pid_t child)
{
	int fd = SSL_get_fd(ssl), status;

	SSL_shutdown(ssl);
	close(fd);
	SSL_free(ssl);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
hear_hello(SSL *ssl)
{
	char text[6] = "";

	assert_int_equal(SSL_connect(ssl), 1);
	assert_int_equal(SSL_read(ssl, text, 5), 5);
	assert_string_equal(text, "hello");
}

static const struct {
	const char *name, *cn;
} names[] = {
	{ NULL, "one.example" },
	{ "one.example", "one.example" },
	{ "two.example", "two.example" },
	{ "TWO.Example", "two.example" },
	{ "deep.two.example", "two.example" },
	{ "a.deep.two.example", "two.example" },
	{ "xtwo.example", "one.example" },
	{ "two.example.", "one.example" },	/* no name of RFC 6066 3 */
	{ "two.example\\", "one.example" },	/* CVE-2019-15846 */
	{ "*.two.example", "one.example" },
	{ "${run{id}}.example", "one.example" },
	{ "192.0.2.1", "one.example" },
};

static void
shows(struct tls_server *s, SSL_CTX *peers, const char *name, const char *want)
{
	pid_t child;
	SSL *ssl = call(s, peers, name, 1, &child);
	char cn[64] = "";

	hear_hello(ssl);
	X509_NAME_get_text_by_NID(X509_get_subject_name(
	    SSL_get0_peer_certificate(ssl)), NID_commonName, cn, sizeof(cn));
	if (strcmp(cn, want) != 0)
		fail_msg("%s: %s", name, cn);
	assert_int_equal(finish(ssl, child), 0);
}

/* T-26: SNI is a key to look up and nothing else. */
static void
test_names(void **state)
{
	struct fault why;
	struct tls_server *s = make_server(&usual, &why, "one.example", "",
	    "two.example", "two.example *.two.example", NULL);
	SSL_CTX *peers = make_peers(TLS1_3_VERSION);

	(void)state;
	assert_non_null(s);
	assert_int_equal(tls_server_warm(s, &why), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		shows(s, peers, names[i].name, names[i].cn);
	SSL_CTX_free(peers);
	tls_server_free(s);
}

/* Two types of key for the same names, in whatever order they are said; a name
 * is nearer than a pattern; and none has two certificates of different sets. */
static void
test_names_and_types(void **state)
{
	struct fault why;
	struct tls_server *s = make_server(&usual, &why,
	    "two.example", "*.a.example", "one.example",
	    "mx.a.example b.example", "rsa.example", "B.example mx.a.example",
	    NULL);
	SSL_CTX *any = make_peers(TLS1_2_VERSION);
	SSL_CTX *rsa = make_peers(TLS1_2_VERSION);

	(void)state;
	if (s == NULL)
		fail_msg("%s", why.text);
	SSL_CTX_set_cipher_list(any, "ECDHE-ECDSA-AES128-GCM-SHA256");
	SSL_CTX_set_cipher_list(rsa, "ECDHE-RSA-AES128-GCM-SHA256");
	shows(s, any, "mx.a.example", "one.example");
	shows(s, rsa, "mx.a.example", "rsa.example");
	shows(s, rsa, "b.example", "rsa.example");
	shows(s, any, "other.a.example", "two.example");
	SSL_CTX_free(any);
	SSL_CTX_free(rsa);
	tls_server_free(s);
	assert_null(make_server(&usual, &why, "one.example",
	    "a.example b.example", "rsa.example", "a.example", NULL));
	assert_non_null(strstr(why.text, "rsa.example.pem: another "
	    "certificate is for a.example"));
}

/* T-5: a browser's TLS that was led here speaks of other protocols. */
static void
test_protocols(void **state)
{
	static const struct {
		const char	*said;
		int		 welcome;
	} rows[] = {
		{ "\004smtp", 1 }, { "\005esmtp", 1 }, { "\002h2\004smtp", 1 },
		{ "\002h2", 0 }, { "\010http/1.1", 0 }, { "\002h2\010http/1.1", 0 },
		{ "\005smtp.", 0 }, { "\003smt", 0 }, { "\004SMTP", 0 },
		{ "\004imap", 0 },
	};
	struct fault why;
	struct tls_server *s = make_server(&usual, &why, "one.example", "",
	    "two.example", "two.example", NULL);

	(void)state;
	assert_non_null(s);
	assert_int_equal(tls_server_warm(s, &why), 0);
	for (size_t i = 0; i < 4 * sizeof(rows) / sizeof(rows[0]); i++) {
		const char *said = rows[i / 4].said;
		SSL_CTX *peers = make_peers(i % 2 == 0 ? TLS1_2_VERSION :
		    TLS1_3_VERSION);
		pid_t child;
		SSL *ssl = call(s, peers, i / 2 % 2 == 0 ? NULL :
		    "two.example", 1, &child);
		int welcome;

		assert_int_equal(SSL_set_alpn_protos(ssl,
		    (const unsigned char *)said, (unsigned)strlen(said)), 0);
		welcome = SSL_connect(ssl);
		if ((welcome == 1) != rows[i / 4].welcome)
			fail_msg("row %zu: %d", i / 4, welcome);
		assert_int_equal(finish(ssl, child), welcome == 1 ? 0 : 3);
		SSL_CTX_free(peers);
	}
	tls_server_free(s);
}

static void
test_types(void **state)
{
	struct fault why;
	struct tls_server *s = make_server(&usual, &why, "one.example", "",
	    "rsa.example", "", NULL);
	SSL_CTX *peers = make_peers(TLS1_2_VERSION);
	pid_t child;
	SSL *ssl;

	(void)state;
	assert_non_null(s);
	SSL_CTX_set_cipher_list(peers, "ECDHE-RSA-AES128-GCM-SHA256");
	ssl = call(s, peers, NULL, 1, &child);
	hear_hello(ssl);
	assert_int_equal(finish(ssl, child), 0);
	/* No key of the server's that would open all that was recorded. */
	SSL_CTX_set_cipher_list(peers, "AES128-GCM-SHA256");
	ssl = call(s, peers, NULL, 1, &child);
	assert_int_not_equal(SSL_connect(ssl), 1);
	assert_int_equal(finish(ssl, child), 3);
	SSL_CTX_free(peers);
	tls_server_free(s);
	ERR_clear_error();
	assert_null(make_server(&usual, &why, "one.example", "a.example",
	    "two.example", "a.example", NULL));
	assert_non_null(strstr(why.text, "type EC for the same names"));
	assert_null(make_server(&usual, &why, "weak.example", "", NULL));
	assert_non_null(strstr(why.text, "key too small"));
	assert_null(make_server(&usual, &why, NULL));
}

static const struct {
	enum tls_version oldest;
	int peer;
	bool good;
} versions[] = {
	{ TLS_1_2, TLS1_1_VERSION, false },
	{ TLS_1_2, TLS1_2_VERSION, true },
	{ TLS_1_2, TLS1_3_VERSION, true },
	{ TLS_1_3, TLS1_2_VERSION, false },
	{ TLS_1_0, TLS1_VERSION, true },
};

static void
test_versions(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		struct tls_options o = { .oldest = versions[i].oldest };
		struct fault why;
		struct tls_server *s = make_server(&o, &why, "one.example", "",
		    NULL);
		SSL_CTX *peers = make_peers(versions[i].peer);
		pid_t child;
		SSL *ssl;

		SSL_CTX_set_cipher_list(peers, "ALL:@SECLEVEL=0");
		ssl = call(s, peers, NULL, 1, &child);
		assert_int_equal(SSL_connect(ssl) == 1, versions[i].good);
		assert_int_equal(finish(ssl, child), versions[i].good ? 0 : 3);
		ERR_clear_error();
		SSL_CTX_free(peers);
		tls_server_free(s);
	}
}

/* One session, in as many processes as handshakes; T-26. */
static void
check_resumption(int version)
{
	struct fault why;
	struct tls_server *s = make_server(&usual, &why, "one.example", "",
	    NULL);
	SSL_CTX *peers = make_peers(version);
	const struct { unsigned service; int64_t later; int reused; } steps[] = {
		{ 1, 0, 0 }, { 1, 0, 1 }, { 2, 0, 0 }, { 1, 0, 0 }, { 1, 0, 1 },
		{ 1, TICKET_TURN, 1 }, { 1, TICKET_TURN, 1 },
		{ 1, 2 * TICKET_TURN, 1 }, { 1, 4 * TICKET_TURN, 1 },
		{ 1, 5 * TICKET_TURN, 1 },
	};
	int64_t now = clock_boot_ms();

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		pid_t child;
		SSL *ssl;

		tls_server_turn(s, now + steps[i].later * 1000);
		ssl = call(s, peers, NULL, steps[i].service, &child);
		if (kept != NULL)
			SSL_set_session(ssl, kept);
		hear_hello(ssl);
		if (SSL_session_reused(ssl) != steps[i].reused)
			fail_msg("step %zu of version %x", i, version);
		/* OpenSSL tells nobody of a ticket that was renewed. */
		if (version < TLS1_3_VERSION)
			keep(ssl, SSL_get1_session(ssl));
		assert_int_equal(finish(ssl, child), 0);
	}
	/* What was sealed by a key that is gone opens no more. */
	tls_server_turn(s, now + INT64_C(6000) * TICKET_TURN);
	tls_server_turn(s, now + INT64_C(7000) * TICKET_TURN);
	{
		pid_t child;
		SSL *ssl = call(s, peers, NULL, 1, &child);

		SSL_set_session(ssl, kept);
		hear_hello(ssl);
		assert_int_equal(SSL_session_reused(ssl), 0);
		assert_int_equal(finish(ssl, child), 0);
	}
	SSL_SESSION_free(kept);
	kept = NULL;
	SSL_CTX_free(peers);
	tls_server_free(s);
}

static void
test_resumption(void **state)
{
	(void)state;
	check_resumption(TLS1_3_VERSION);
	check_resumption(TLS1_2_VERSION);
}

/* CVE-2009-3555 and its like. */
static void
test_renegotiation(void **state)
{
	struct fault why;
	struct tls_server *s = make_server(&usual, &why, "one.example", "",
	    NULL);
	SSL_CTX *peers = make_peers(TLS1_2_VERSION);
	pid_t child;
	SSL *ssl = call(s, peers, NULL, 1, &child);
	char c;

	(void)state;
	hear_hello(ssl);
	assert_int_equal(SSL_renegotiate(ssl), 1);
	assert_int_not_equal(SSL_do_handshake(ssl) == 1 &&
	    SSL_read(ssl, &c, 1) == 1, 1);
	assert_int_equal(ERR_GET_REASON(ERR_peek_error()),
	    SSL_R_NO_RENEGOTIATION);
	ERR_clear_error();
	finish(ssl, child);
	SSL_CTX_free(peers);
	tls_server_free(s);
}

static void
test_key_updates(void **state)
{
	struct fault why;
	struct tls_server *s = make_server(&usual, &why, "one.example", "",
	    NULL);
	SSL_CTX *peers = make_peers(TLS1_3_VERSION);
	bool cut = false;
	pid_t child;
	SSL *ssl = call(s, peers, NULL, 1, &child);
	char c = 'x';
	int n;

	(void)state;
	hear_hello(ssl);
	for (n = 0; n < 100 && !cut; n++) {
		assert_int_equal(SSL_key_update(ssl,
		    SSL_KEY_UPDATE_NOT_REQUESTED), 1);
		cut = SSL_write(ssl, &c, 1) != 1 || SSL_read(ssl, &c, 1) != 1;
		/* A few are nobody's business. */
		assert_true(!cut || n > 5);
	}
	assert_true(cut);
	ERR_clear_error();
	finish(ssl, child);
	SSL_CTX_free(peers);
	tls_server_free(s);
}

/* Bytes on a socket, and what the server's handshake makes of them. */
static enum stream_result
hear_bytes(struct tls_server *s, const void *p, size_t n, int seconds,
    char why[128])
{
	struct stream stream;
	struct tls *t;
	enum stream_result r;
	int fd[2];
	pid_t writer;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	writer = fork();
	if (writer == 0) {
		signal(SIGPIPE, SIG_IGN);
		close(fd[0]);
		(void)!write(fd[1], p, n);
		if (seconds > 0)
			(void)!read(fd[1], &r, 1);
		_exit(0);
	}
	close(fd[1]);
	stream_init(&stream, fd[0]);
	stream_set_timeout(&stream, seconds > 0 ? seconds : 120);
	t = tls_server_accept(s, fd[0], 1);
	assert_non_null(t);
	stream_set_ops(&stream, &tls_ops, t);
	r = stream_begin(&stream);
	snprintf(why, 128, "%s", tls_failure(t));
	stream_close(&stream);
	assert_int_equal(waitpid(writer, NULL, 0), writer);
	return r;
}

/* One who has it for so long, and tells when he has; then he dies. */
static pid_t
take_for(const struct turns *t, int seconds)
{
	int said[2], ms = 0;
	pid_t pid;
	char c = 'y';

	assert_int_equal(pipe(said), 0);
	pid = fork();
	if (pid == 0) {
		if (turn_take(t, &ms) >= 0)
			(void)!write(said[1], &c, 1);
		sleep((unsigned)seconds);
		_exit(0);
	}
	close(said[1]);
	assert_int_equal(read(said[0], &c, 1), 1);
	close(said[0]);
	return pid;
}

/* One handshake at a time: it begins when the turn is free, or when it has been
 * waited for long enough; and afterwards it is free, though the session lives. */
static void
test_turns(void **state)
{
	struct fault why;
	struct tls_server *s = make_server(&usual, &why, "one.example", "", NULL);
	SSL_CTX *peers = make_peers(TLS1_3_VERSION);
	struct turns one;

	(void)state;
	assert_non_null(s);
	turns_make(&one, 1);
	one.n = 1;
	limit = &one;
	for (int seconds = 1; seconds < 60; seconds += 58) {
		int64_t begun = clock_mono_ms();
		pid_t holder = take_for(&one, seconds), child;
		SSL *ssl = call(s, peers, NULL, 1, &child);
		int ms = 0, turn;

		hear_hello(ssl);
		assert_true(clock_mono_ms() - begun >=
		    (seconds == 1 ? 990 : 1990));
		kill(holder, SIGKILL);
		assert_int_equal(waitpid(holder, NULL, 0), holder);
		turn = turn_take(&one, &ms);
		assert_int_equal(turn, 0);
		turn_give(&one, turn);
		assert_int_equal(finish(ssl, child), 0);
	}
	limit = NULL;
	turns_free(&one);
	SSL_CTX_free(peers);
	tls_server_free(s);
}

/* What OpenSSL's client says first. */
static size_t
client_hello(unsigned char *p, size_t max)
{
	SSL_CTX *peers = SSL_CTX_new(TLS_client_method());
	SSL *ssl = SSL_new(peers);
	BIO *out = BIO_new(BIO_s_mem());
	int n;

	SSL_set_bio(ssl, BIO_new(BIO_s_mem()), out);
	SSL_set_tlsext_host_name(ssl, "two.example");
	SSL_connect(ssl);
	n = BIO_read(out, p, (int)max);
	assert_true(n > 0);
	SSL_free(ssl);
	SSL_CTX_free(peers);
	return (size_t)n;
}

/* T-26: damaged ClientHellos do no harm. */
static void
test_damaged_hellos(void **state)
{
	struct fault why;
	struct tls_server *s = make_server(&usual, &why, "one.example", "",
	    "two.example", "two.example", NULL);
	unsigned char hello[2048], broken[2048];
	size_t n = client_hello(hello, sizeof(hello));
	unsigned seed = 1;
	char text[128];

	(void)state;
	for (size_t i = 0; i < n; i += i < 64 ? 1 : 13)
		assert_int_not_equal(hear_bytes(s, hello, i, 0, text),
		    STREAM_OK);
	for (int i = 0; i < 400; i++) {
		memcpy(broken, hello, n);
		for (int j = 0; j <= i % 4; j++) {
			seed = seed * 1103515245 + 12345;
			broken[seed / 65536 % n] ^= (unsigned char)
			    (1 << seed / 4096 % 8);
		}
		assert_int_not_equal(hear_bytes(s, broken, n, 0, text),
		    STREAM_OK);
	}
	tls_server_free(s);
}

/* One that never ends, in records of a handshake message of 16 MB; and one
 * that does not come. */
static void
test_endless_handshake(void **state)
{
	struct fault why;
	struct tls_server *s = make_server(&usual, &why, "one.example", "",
	    NULL);
	static unsigned char flood[200000];
	char text[128];
	int64_t begun;

	(void)state;
	for (size_t i = 0; i + 16 < sizeof(flood); i += 9) {
		/* Alerts of a warning kind, which TLS 1.2 lets pass. */
		static const unsigned char alert[] = { 0x15, 3, 3, 0, 2, 1, 90,
		    0x15, 3 };
		memcpy(flood + i, alert, 7);
		i -= 2;
	}
	assert_int_equal(hear_bytes(s, flood, sizeof(flood), 0, text),
	    STREAM_BROKEN);
	begun = clock_mono_ms();
	assert_int_equal(hear_bytes(s, "\x16\x03\x01", 3, 1, text),
	    STREAM_TIMEOUT);
	assert_in_range(clock_mono_ms() - begun, 900, 60000);
	assert_int_equal(hear_bytes(s, "GET / HTTP/1.0\r\n\r\n", 18, 0, text),
	    STREAM_BROKEN);
	assert_string_equal(text, "http request");
	tls_server_free(s);
}

/* The facts of both ends, with a certificate of the client's. */
static void
test_facts(void **state)
{
	struct tls_options o = { .oldest = TLS_1_2, .ask = true };
	struct tls_server *s;
	struct fault why;
	struct tls_facts f;
	struct stream stream;
	struct tls *t;
	struct buf b = { 0 };
	int fd[2];
	pid_t pid;

	(void)state;
	o.authorities = "/nonexistent";
	assert_null(make_server(&o, &why, "one.example", "", NULL));
	assert_non_null(strstr(why.text, "/nonexistent: no certificates"));
	o.authorities = at(1, "two.example.pem");
	s = make_server(&o, &why, "one.example", "", NULL);
	assert_non_null(s);
	for (int with = 0; with < 3; with++) {
		static const char *const own[] = { NULL, "two.example",
		    "rsa.example" };

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
		pid = fork();
		if (pid == 0) {
			SSL_CTX *peers = make_peers(TLS1_3_VERSION);
			SSL *ssl = SSL_new(peers);
			char name[300];

			close(fd[0]);
			if (with > 0) {
				snprintf(name, 300, "%s/%s.pem", top, own[with]);
				SSL_use_certificate_file(ssl, name, 1);
				snprintf(name, 300, "%s/%s.key", top, own[with]);
				SSL_use_PrivateKey_file(ssl, name, 1);
			}
			SSL_set_fd(ssl, fd[1]);
			_exit(SSL_connect(ssl) == 1 &&
			    SSL_read(ssl, name, 1) == 1 ? 0 : 1);
		}
		close(fd[1]);
		stream_init(&stream, fd[0]);
		t = tls_server_accept(s, fd[0], 1);
		stream_set_ops(&stream, &tls_ops, t);
		assert_int_equal(stream_begin(&stream), STREAM_OK);
		tls_find_facts(t, &f);
		assert_string_equal(f.version, "TLSv1.3");
		assert_string_equal(f.group, "x25519");
		assert_false(f.resumed);
		assert_int_equal(f.certified, with > 0);
		assert_int_equal(f.verified, with == 1);
		assert_string_equal(f.name, with == 1 ? "two.example" : "");
		assert_int_equal(strlen(f.digest), with > 0 ? 64 : 0);
		buf_reset(&b);
		tls_put_summary(&b, &f);
		assert_string_equal(buf_cstr(&b), "TLSv1.3 with cipher "
		    "TLS_AES_128_GCM_SHA256 (128/128 bits)");
		stream_put(&stream, STR("x"));
		assert_int_equal(stream_flush(&stream), STREAM_OK);
		stream_close(&stream);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
	}
	buf_free(&b);
	tls_server_free(s);
}

/* A client that says, within TLS, what it knows of the connection: exporter,
 * hash of our certificate, its Finished; 32, 32 and 12 bytes. */
static void
tell_bindings(SSL *ssl)
{
	static const char label[] = "EXPORTER-Channel-Binding";
	unsigned char b[76];
	unsigned n = 32;

	memset(b, 0, sizeof(b));
	_exit(SSL_connect(ssl) == 1 &&
	    SSL_export_keying_material(ssl, b, 32, label, strlen(label),
	    (const unsigned char *)"", 0, 1) == 1 &&
	    X509_digest(SSL_get0_peer_certificate(ssl), EVP_sha256(), b + 32,
	    &n) == 1 && SSL_get_finished(ssl, b + 64, 12) > 0 &&
	    SSL_write(ssl, b, sizeof(b)) == sizeof(b) &&
	    SSL_read(ssl, b, 1) == 1 ? 0 : 1);
}

/* RFC 9266, RFC 5929: both ends have the same name for their connection. */
static void
test_bindings(void **state)
{
	static const char *const kinds[] = { "tls-exporter",
	    "tls-server-end-point", "tls-unique" };
	static const size_t from[] = { 0, 32, 64, 76 };
	struct fault why;
	struct tls_server *s = make_server(&usual, &why, "one.example", "",
	    NULL);

	(void)state;
	for (int old = 0; old < 2; old++) {
		struct stream stream;
		struct tls *t;
		int fd[2], status;
		pid_t pid;

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
		if ((pid = fork()) == 0) {
			SSL *ssl = SSL_new(make_peers(old ? TLS1_2_VERSION :
			    TLS1_3_VERSION));

			SSL_set_fd(ssl, fd[1]);
			tell_bindings(ssl);
		}
		close(fd[1]);
		stream_init(&stream, fd[0]);
		t = tls_server_accept(s, fd[0], 1);
		stream_set_ops(&stream, &tls_ops, t);
		assert_int_equal(stream_begin(&stream), STREAM_OK);
		while (stream_pending(&stream) < 76)
			assert_int_equal(stream_fill(&stream), STREAM_OK);
		for (int i = 0; i < 3; i++) {
			struct buf b = { 0 };
			bool found = tls_find_binding(t, str_of(kinds[i]), &b);

			assert_int_equal(found, i < 2 || old);
			assert_true(!found || str_eq(buf_str(&b), str_slice(
			    stream_peek(&stream), from[i], from[i + 1])));
			assert_false(tls_find_binding(t, STR("tls"), &b));
			buf_free(&b);
		}
		stream_put(&stream, STR("x"));
		assert_int_equal(stream_flush(&stream), STREAM_OK);
		stream_close(&stream);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
	tls_server_free(s);
}

/* Connects twice, the second time with the session of the first, by RSA. */
static void
come_again(const int fd[2])
{
	SSL_CTX *peers = make_peers(TLS1_2_VERSION);
	SSL_SESSION *session = NULL;
	char c;

	SSL_CTX_set_cipher_list(peers, "ECDHE-RSA-AES128-GCM-SHA256");
	for (int i = 0; i < 2; i++) {
		SSL *ssl = SSL_new(peers);

		SSL_set_fd(ssl, fd[i]);
		if (session != NULL)
			SSL_set_session(ssl, session);
		if (SSL_connect(ssl) != 1 || SSL_session_reused(ssl) != i)
			_exit(1);
		session = SSL_get1_session(ssl);
		(void)SSL_read(ssl, &c, 1);
		(void)SSL_shutdown(ssl);
		SSL_free(ssl);
	}
	_exit(0);
}

/* Which of two certificates was shown is known in the first connection only; the
 * hash of a sole one always. */
static void
test_end_point_of_several(void **state)
{
	(void)state;
	for (int sole = 0; sole < 2; sole++) {
		struct fault why;
		struct tls_server *s = make_server(&usual, &why, "rsa.example",
		    "", sole ? NULL : "one.example", "", NULL);
		int ours[2], theirs[2], fd[2], status;
		pid_t pid;

		assert_non_null(s);
		for (int i = 0; i < 2; i++) {
			assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0,
			    fd), 0);
			ours[i] = fd[0];
			theirs[i] = fd[1];
		}
		if ((pid = fork()) == 0)
			come_again(theirs);
		for (int i = 0; i < 2; i++) {
			struct buf b = { 0 };
			struct stream stream;
			struct tls *t;

			close(theirs[i]);
			stream_init(&stream, ours[i]);
			t = tls_server_accept(s, ours[i], 1);
			stream_set_ops(&stream, &tls_ops, t);
			assert_int_equal(stream_begin(&stream), STREAM_OK);
			assert_int_equal(tls_find_binding(t,
			    STR("tls-server-end-point"), &b), sole || i == 0);
			buf_free(&b);
			stream_close(&stream);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
		tls_server_free(s);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_load),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_protocols),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_names_and_types),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_resumption),
		cmocka_unit_test(test_renegotiation),
		cmocka_unit_test(test_key_updates),
		cmocka_unit_test(test_turns),
		cmocka_unit_test(test_damaged_hellos),
		cmocka_unit_test(test_endless_handshake),
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_bindings),
		cmocka_unit_test(test_end_point_of_several),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, make_files, remove_files);
}
