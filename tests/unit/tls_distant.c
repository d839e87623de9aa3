/* SPDX-License-Identifier: ISC */
/*
 * tls/distant, tls/signing and tls/vault: handshakes whose private keys are in
 * another process, with every type of key and version; what that process
 * answers to questions that are none; and what is said when it is not there.
 * The peer is OpenSSL's client, which checks the signatures.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "fake_cert.h"
#include "os/clock.h"
#include "os/sock.h"
#include "tls/signing.h"
#include "tls/tls_server.h"
#include "tls/vault.h"

enum { SECONDS = 120 };

static char top[] = "/tmp/godwit-keys-XXXXXX";

static EVP_PKEY *
make_pss(void)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA-PSS", NULL);
	EVP_PKEY *key = NULL;

	assert_int_equal(EVP_PKEY_keygen_init(ctx), 1);
	EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, 2048);
	assert_int_equal(EVP_PKEY_generate(ctx, &key), 1);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

/* Certificate and key in one file. */
static void
make_file(const char *name, EVP_PKEY *key, bool has_digest)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", top, name);
	fake_cert_write(path, fake_cert(name, key,
	    has_digest ? EVP_sha256() : NULL), key);
}

static int
make_files(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(top));
	make_file("rsa", EVP_RSA_gen(2048), true);
	make_file("pss", make_pss(), true);
	make_file("p256", EVP_EC_gen("P-256"), true);
	make_file("other", EVP_EC_gen("P-256"), true);
	make_file("p384", EVP_EC_gen("P-384"), true);
	make_file("p521", EVP_EC_gen("P-521"), true);
	make_file("ed25519", EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), false);
	make_file("ed448", EVP_PKEY_Q_keygen(NULL, NULL, "ED448"), false);
	return 0;
}

static int
remove_files(void **state)
{
	(void)state;
	return fake_remove(top);
}

/* ---- the one who keeps, and the server that borrows ---- */

struct house {
	struct arena		 arena;
	struct tls_options	 options;
	struct vault		*vault;
	struct tls_server	*server;
	int			 door[2];
	pid_t			 keeper;	/* 0: none */
};

enum manner { ANSWERS, HANGS_UP, HANGS_UP_ONCE, REFUSES, LIES };

static void
answer(const struct vault *vault, int fd, enum manner manner)
{
	uint8_t question[VAULT_QUESTION_MAX + 1], out[VAULT_ANSWER_MAX];
	ssize_t n = recv(fd, question, sizeof(question), 0);
	uint64_t refused = 0;
	size_t size = 0;

	switch (manner) {
	case ANSWERS:
	case HANGS_UP_ONCE:
		size = vault_answer(vault, str_span(question, (size_t)n), out,
		    &refused);
		break;
	case REFUSES:
		size = vault_answer(vault, STR("?"), out, &refused);
		break;
	case LIES:
		size = vault_answer(vault, str_span(question, (size_t)n), out,
		    &refused);
		out[size - 1] ^= 1;
		break;
	case HANGS_UP:
		break;
	}
	if (size > 0)
		(void)send(fd, out, size, 0);
}

static void
keep(struct house *h, enum manner manner)
{
	struct pollfd p = { .fd = h->door[0], .events = POLLIN };
	bool hangs_up = manner == HANGS_UP_ONCE;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		struct sock_addr ignored;
		int fd;

		(void)poll(&p, 1, -1);
		fd = sock_accept(h->door[0], &ignored);
		if (fd < 0)
			continue;
		if (!hangs_up)
			answer(h->vault, fd, manner);
		hangs_up = false;
		close(fd);
	}
}

static void
open_house(struct house *h, enum manner manner, enum tls_version oldest,
    const char *names)
{
	struct str rest = str_of(names), name;
	struct tls_kept kept = { 0 };
	struct buf shown = { 0 };
	struct fault why;
	char path[256];

	memset(h, 0, sizeof(*h));
	h->options.oldest = oldest;
	while (str_cut(&rest, ' ', &name)) {
		struct tls_certificate c = { 0 };

		c.file = arena_printf(&h->arena, "%s/%.*s", top,
		    STR_ARG(name)).p;
		/* Another one of a type that is there is for its name. */
		if (str_eq(name, STR("other")))
			vec_push(&h->arena, &c.names, STR("other.example"));
		vec_push(&h->arena, &h->options.certificates, c);
	}
	snprintf(path, sizeof(path), "%s/door", top);
	if (sock_listen_hidden(path, geteuid(), 16, h->door, &why) < 0)
		fail_msg("%s", why.text);
	assert_int_equal(access(path, F_OK), -1);
	h->vault = vault_open(&h->options, &why);
	assert_non_null(h->vault);
	vault_show(h->vault, &shown);
	h->keeper = fork();
	if (h->keeper == 0)
		keep(h, manner);
	kept.shown = buf_str(&shown);
	kept.door = h->door[1];
	h->server = tls_server_new_kept(&h->options, &kept, &why);
	if (h->server == NULL)
		fail_msg("%s", why.text);
	buf_free(&shown);
}

static void
end_keeper(struct house *h)
{
	if (h->keeper == 0)
		return;
	kill(h->keeper, SIGKILL);
	waitpid(h->keeper, NULL, 0);
	h->keeper = 0;
	close(h->door[0]);
}

static void
close_house(struct house *h)
{
	end_keeper(h);
	close(h->door[1]);
	tls_server_free(h->server);
	vault_free(h->vault);
	arena_free(&h->arena);
	ERR_clear_error();
}

/* ---- the peer ---- */

static int
accept_any(int good, X509_STORE_CTX *store)
{
	(void)good;
	(void)store;
	return 1;
}

static SSL_CTX *
make_peers(int version, const char *ways)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	SSL_CTX_set_min_proto_version(ctx, version);
	SSL_CTX_set_max_proto_version(ctx, version);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, accept_any);
	if (version < TLS1_2_VERSION)
		SSL_CTX_set_cipher_list(ctx, "ALL:@SECLEVEL=0");
	if (ways != NULL)
		assert_int_equal(SSL_CTX_set1_sigalgs_list(ctx, ways), 1);
	return ctx;
}

/* The server in a child, as sessions are; its failure comes back as text. */
static pid_t
serve(struct house *h, int fd, int report)
{
	struct stream stream;
	struct tls *tls;
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	alarm(SECONDS);
	stream_init(&stream, fd);
	stream_set_timeout(&stream, SECONDS);
	tls = tls_server_accept(h->server, fd, 1);
	stream_set_ops(&stream, &tls_ops, tls);
	if (stream_begin(&stream) != STREAM_OK) {
		(void)!write(report, tls_failure(tls),
		    strlen(tls_failure(tls)));
		_exit(3);
	}
	stream_put(&stream, STR("hello"));
	if (stream_flush(&stream) == STREAM_OK)
		(void)stream_fill(&stream);
	stream_close(&stream);
	_exit(0);
}

struct call {
	bool		 good;
	char		 cn[64];
	int		 nid;		/* how the server has signed */
	bool		 reused;
	char		 failure[128];	/* the server's */
	SSL_SESSION	*session;	/* to be freed */
};

static void
converse(SSL *ssl, struct call *c)
{
	char text[5];

	c->good = SSL_connect(ssl) == 1 && SSL_read(ssl, text, 5) == 5 &&
	    memcmp(text, "hello", 5) == 0;
	ERR_clear_error();
	if (!c->good)
		return;
	X509_NAME_get_text_by_NID(X509_get_subject_name(
	    SSL_get0_peer_certificate(ssl)), NID_commonName, c->cn,
	    sizeof(c->cn));
	if (SSL_get_peer_signature_type_nid(ssl, &c->nid) != 1)
		c->nid = NID_undef;
	c->reused = SSL_session_reused(ssl) == 1;
	SSL_SESSION_free(c->session);
	c->session = SSL_get1_session(ssl);
	SSL_shutdown(ssl);
}

static void
call(struct house *h, SSL_CTX *peers, const char *name, struct call *c)
{
	int fd[2], report[2];
	SSL *ssl = SSL_new(peers);
	ssize_t n;
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	assert_int_equal(pipe(report), 0);
	pid = serve(h, fd[1], report[1]);
	close(fd[1]);
	close(report[1]);
	SSL_set_fd(ssl, fd[0]);
	if (name != NULL)
		SSL_set_tlsext_host_name(ssl, name);
	if (c->session != NULL)
		SSL_set_session(ssl, c->session);
	c->cn[0] = '\0';
	converse(ssl, c);
	SSL_free(ssl);
	close(fd[0]);
	n = read(report[0], c->failure, sizeof(c->failure) - 1);
	c->failure[n > 0 ? n : 0] = '\0';
	close(report[0]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static const struct {
	const char *key;
	int version;
	const char *ways;		/* that the client allows */
	int nid;
} kinds[] = {
	{ "rsa", TLS1_3_VERSION, NULL, EVP_PKEY_RSA_PSS },
	{ "rsa", TLS1_3_VERSION, "rsa_pss_rsae_sha512", EVP_PKEY_RSA_PSS },
	{ "rsa", TLS1_2_VERSION, NULL, EVP_PKEY_RSA_PSS },
	{ "rsa", TLS1_2_VERSION, "RSA+SHA256", EVP_PKEY_RSA },
	{ "rsa", TLS1_2_VERSION, "RSA+SHA384", EVP_PKEY_RSA },
	{ "rsa", TLS1_2_VERSION, "RSA+SHA512", EVP_PKEY_RSA },
	{ "rsa", TLS1_2_VERSION, "rsa_pss_rsae_sha384", EVP_PKEY_RSA_PSS },
	{ "rsa", TLS1_1_VERSION, NULL, 0 },
	{ "rsa", TLS1_VERSION, NULL, 0 },
	{ "pss", TLS1_3_VERSION, NULL, EVP_PKEY_RSA_PSS },
	{ "pss", TLS1_2_VERSION, NULL, EVP_PKEY_RSA_PSS },
	{ "p256", TLS1_3_VERSION, NULL, EVP_PKEY_EC },
	{ "p256", TLS1_2_VERSION, NULL, EVP_PKEY_EC },
	{ "p256", TLS1_2_VERSION, "ECDSA+SHA512", EVP_PKEY_EC },
	/* What we never sign is passed over. */
	{ "p256", TLS1_2_VERSION, "ECDSA+SHA224:ECDSA+SHA384", EVP_PKEY_EC },
	{ "p256", TLS1_VERSION, NULL, 0 },
	{ "p384", TLS1_3_VERSION, NULL, EVP_PKEY_EC },
	{ "p384", TLS1_2_VERSION, NULL, EVP_PKEY_EC },
	{ "p521", TLS1_3_VERSION, NULL, EVP_PKEY_EC },
	{ "p521", TLS1_2_VERSION, NULL, EVP_PKEY_EC },
	{ "ed25519", TLS1_3_VERSION, NULL, EVP_PKEY_ED25519 },
	{ "ed25519", TLS1_2_VERSION, NULL, EVP_PKEY_ED25519 },
	{ "ed448", TLS1_3_VERSION, NULL, EVP_PKEY_ED448 },
};

static void
test_kinds(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		SSL_CTX *peers = make_peers(kinds[i].version, kinds[i].ways);
		struct call c = { 0 };
		struct fault why;
		struct house h;

		open_house(&h, ANSWERS, kinds[i].version < TLS1_2_VERSION ?
		    TLS_1_0 : TLS_1_2, kinds[i].key);
		assert_int_equal(tls_server_warm(h.server, &why), 0);
		for (int n = 0; n < 2; n++) {
			call(&h, peers, NULL, &c);
			if (!c.good || strcmp(c.cn, kinds[i].key) != 0 ||
			    (kinds[i].nid != 0 && c.nid != kinds[i].nid))
				fail_msg("row %zu, %s: good %d, name \"%s\", "
				    "signed by %d, failure \"%s\"", i,
				    kinds[i].key, c.good, c.cn, c.nid,
				    c.failure);
			SSL_SESSION_free(c.session);
			c.session = NULL;
		}
		SSL_CTX_free(peers);
		close_house(&h);
	}
}

/* SHA-1 is signed only where TLS before 1.2 is spoken. */
static void
test_old_ways(void **state)
{
	SSL_CTX *peers = make_peers(TLS1_VERSION, NULL);
	struct call c = { 0 };
	struct house h;

	(void)state;
	open_house(&h, ANSWERS, TLS_1_2, "rsa");
	call(&h, peers, NULL, &c);
	assert_false(c.good);
	assert_string_equal(c.failure, "unsupported protocol");
	SSL_CTX_free(peers);
	close_house(&h);
}

/* Two types of keys for all, and a name with its own. */
static void
test_names(void **state)
{
	static const struct {
		const char *name, *ways, *cn;
	} rows[] = {
		{ NULL, NULL, "p256" },
		{ NULL, "rsa_pss_rsae_sha256", "rsa" },
		{ "other.example", NULL, "other" },
		{ "nobody.example", NULL, "p256" },
		{ "nobody.example", "rsa_pss_rsae_sha256", "rsa" },
	};
	struct fault why;
	struct house h;

	(void)state;
	open_house(&h, ANSWERS, TLS_1_2, "rsa other p256");
	assert_int_equal(tls_server_warm(h.server, &why), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (int v = TLS1_2_VERSION; v <= TLS1_3_VERSION; v++) {
			SSL_CTX *peers = make_peers(v, rows[i].ways);
			struct call c = { 0 };

			call(&h, peers, rows[i].name, &c);
			if (!c.good || strcmp(c.cn, rows[i].cn) != 0)
				fail_msg("row %zu: \"%s\" %s", i, c.cn,
				    c.failure);
			SSL_SESSION_free(c.session);
			SSL_CTX_free(peers);
		}
	close_house(&h);
}

/* A session that is resumed needs no signature: nobody keeps the keys. */
static void
test_resumption(void **state)
{
	(void)state;
	for (int v = TLS1_2_VERSION; v <= TLS1_3_VERSION; v++) {
		SSL_CTX *peers = make_peers(v, NULL);
		struct call c = { 0 };
		struct house h;

		open_house(&h, ANSWERS, TLS_1_2, "p256");
		call(&h, peers, NULL, &c);
		assert_true(c.good);
		assert_false(c.reused);
		end_keeper(&h);
		call(&h, peers, NULL, &c);
		assert_true(c.good);
		assert_true(c.reused);
		SSL_SESSION_free(c.session);
		c.session = NULL;
		call(&h, peers, NULL, &c);
		assert_false(c.good);
		assert_string_equal(c.failure, "there is no keeper");
		SSL_CTX_free(peers);
		close_house(&h);
	}
}

static const struct {
	enum manner manner;
	bool good;
	const char *failure;
} manners[] = {
	{ ANSWERS, true, "" },
	{ HANGS_UP_ONCE, true, "" },
	{ HANGS_UP, false, "there is no keeper" },
	{ REFUSES, false, "the keeper refuses to sign this" },
	/* The peer finds out. */
	{ LIES, false, NULL },
};

static void
test_manners(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(manners) / sizeof(manners[0]); i++)
		for (int v = TLS1_2_VERSION; v <= TLS1_3_VERSION; v++) {
			SSL_CTX *peers = make_peers(v, NULL);
			struct call c = { 0 };
			struct fault why;
			struct house h;

			open_house(&h, manners[i].manner, TLS_1_2, "p256");
			if (manners[i].failure != NULL &&
			    manners[i].failure[0] != '\0') {
				assert_int_equal(tls_server_warm(h.server,
				    &why), -1);
				assert_non_null(strstr(why.text,
				    "no handshake succeeds: "));
				assert_non_null(strstr(why.text,
				    manners[i].failure));
			}
			call(&h, peers, NULL, &c);
			if (c.good != manners[i].good ||
			    (manners[i].failure != NULL &&
			    strcmp(c.failure, manners[i].failure) != 0))
				fail_msg("row %zu: %d \"%s\"", i, c.good,
				    c.failure);
			SSL_SESSION_free(c.session);
			SSL_CTX_free(peers);
			close_house(&h);
		}
}

/* ---- questions ---- */

#define SPACES	"                                                                "
#define VERIFY	SPACES "TLS 1.3, server CertificateVerify\0" \
	    "0123456789abcdef0123456789abcdef"
#define T(lit)	{ lit, sizeof(lit) - 1 }

static const struct {
	const char *name;
	struct str question;
	bool good;
} questions[] = {
	{ "of P-256", T("\1\0\3\4\1\0\0\0" VERIFY), true },
	{ "of RSA", T("\1\0\4\x08\0\0\0\0" VERIFY), true },
	{ "nothing", T(""), false },
	{ "half of a head", T("\1\0\3"), false },
	{ "a head", T("\1\0\3\4\1\0\0\0"), false },
	{ "no kind", T("\0\0\3\4\1\0\0\0" VERIFY), false },
	{ "another kind", T("\2\0\3\4\1\0\0\0" VERIFY), false },
	{ "a kind of two bytes", T("\1\1\3\4\1\0\0\0" VERIFY), false },
	{ "no scheme", T("\1\0\0\0\1\0\0\0" VERIFY), false },
	{ "an unknown scheme", T("\1\0\4\3\1\0\0\0" VERIFY), false },
	{ "a scheme of another type", T("\1\0\4\x08\1\0\0\0" VERIFY), false },
	{ "EC of RSA", T("\1\0\3\4\0\0\0\0" VERIFY), false },
	{ "PSS of RSA", T("\1\0\x09\x08\0\0\0\0" VERIFY), false },
	{ "PKCS #1 in TLS 1.3", T("\1\0\1\4\0\0\0\0" VERIFY), false },
	{ "SHA-1", T("\1\0\3\2\1\0\0\0" VERIFY), false },
	{ "no such key", T("\1\0\3\4\2\0\0\0" VERIFY), false },
	{ "a key below", T("\1\0\3\4\xff\xff\xff\xff" VERIFY), false },
	{ "a client's text", T("\1\0\3\4\1\0\0\0" SPACES "TLS 1.3, client "
	    "CertificateVerify\0" "0123456789abcdef0123456789abcdef"), false },
	{ "any text", T("\1\0\3\4\1\0\0\0" "from:alice@a.example\r\n"), false },
};

static void
test_questions(void **state)
{
	uint8_t out[VAULT_ANSWER_MAX];
	uint64_t refused = 0, expected = 0;
	char noise[VAULT_QUESTION_MAX + 1];
	unsigned seed = 1;
	struct house h;
	size_t n;

	(void)state;
	open_house(&h, ANSWERS, TLS_1_2, "rsa p256");
	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
		n = vault_answer(h.vault, questions[i].question, out,
		    &refused);
		expected += !questions[i].good;
		if (refused != expected || (n > 4) != questions[i].good ||
		    (bytes_get_le32(out) == 0) != questions[i].good)
			fail_msg("%s", questions[i].name);
		assert_int_equal(ERR_peek_error(), 0);
	}
	for (int i = 0; i < 20000; i++) {
		for (size_t j = 0; j < sizeof(noise); j++) {
			seed = seed * 1103515245 + 12345;
			noise[j] = (char)(seed >> 16);
		}
		/* With a good head now and then. */
		if (i % 2 == 0)
			memcpy(noise, "\1\0\3\4\1\0\0\0", 8);
		n = vault_answer(h.vault, str_span(noise,
		    seed % (sizeof(noise) + 1)), out, &refused);
		assert_int_equal(n, 4);
		assert_int_equal(refused, ++expected);
	}
	close_house(&h);
}

/* What a signature is good for, checked with the public key. */
static void
test_signature(void **state)
{
	static const char text[] = VERIFY;
	const struct signing question = { SIGNING_HANDSHAKE, 0x0403, 1,
	    { text, sizeof(text) - 1 } };
	uint8_t out[SIGNATURE_MAX];
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY *key;
	struct house h;
	char path[256];
	size_t n = sizeof(out), small = 10;
	FILE *f;
	X509 *x;

	(void)state;
	open_house(&h, ANSWERS, TLS_1_2, "rsa p256");
	assert_int_equal(signing_ask(h.door[1], &question, out, &n),
	    SIGNING_DONE);
	snprintf(path, sizeof(path), "%s/p256", top);
	f = fopen(path, "r");
	x = PEM_read_X509(f, NULL, NULL, NULL);
	fclose(f);
	key = X509_get_pubkey(x);
	assert_int_equal(EVP_DigestVerifyInit(md, NULL, EVP_sha256(), NULL,
	    key), 1);
	assert_int_equal(EVP_DigestVerify(md, out, n,
	    (const unsigned char *)text, sizeof(text) - 1), 1);
	EVP_MD_CTX_free(md);
	EVP_PKEY_free(key);
	X509_free(x);
	/* More than there is room for is no signature. */
	assert_int_equal(signing_ask(h.door[1], &question, out, &small),
	    SIGNING_REFUSED);
	close_house(&h);
}

/* Nobody reads what is asked: it takes its time, and no more. */
static void
test_silence(void **state)
{
	static const char text[] = VERIFY;
	const struct signing question = { SIGNING_HANDSHAKE, 0x0403, 1,
	    { text, sizeof(text) - 1 } };
	uint8_t out[SIGNATURE_MAX];
	size_t n = sizeof(out);
	int64_t begun;
	struct house h;

	(void)state;
	open_house(&h, ANSWERS, TLS_1_2, "rsa p256");
	kill(h.keeper, SIGSTOP);
	begun = clock_mono_ms();
	assert_int_equal(signing_ask(h.door[1], &question, out, &n),
	    SIGNING_SILENT);
	assert_in_range(clock_mono_ms() - begun, 8000, 60000);
	kill(h.keeper, SIGCONT);
	close_house(&h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_old_ways),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_resumption),
		cmocka_unit_test(test_manners),
		cmocka_unit_test(test_questions),
		cmocka_unit_test(test_signature),
		cmocka_unit_test(test_silence),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, make_files, remove_files);
}
