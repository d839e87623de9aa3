/* SPDX-License-Identifier: ISC */
/*
 * One TLS connection: OpenSSL between a stream and its socket.
 *
 * OpenSSL reads and writes through a BIO of ours, so that each call of a
 * stream's is at most one read(2), which takes all that is there.  When that
 * was not enough for something that the stream could use, the call ends with
 * EINPROGRESS and the stream looks at its clock: a peer that sends one byte a
 * minute gains nothing by it.
 *
 * The BIO counts what comes during the handshake, and a callback counts the
 * changes of keys after it (RFC 8446 4.6.3): who wants too much of either is
 * cut off.  Renegotiation and compression are off in the context.
 *
 * A server's handshakes take turns (os/turn), so that a flood of them leaves the
 * processors to others.  Who waits for its peer has none: it is taken when
 * something has come and given back when that is answered, and who gets none in
 * time goes on without.
 *
 * Whatever fails once is over: nothing is sent or read any more, not even an
 * orderly end.  Errors of OpenSSL are kept as the text of the first one, and
 * its queue is left empty.
 *
 * Works for either side of a connection; which one, its maker has said.
 */
#include "tls/tls.h"

#include <sys/socket.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "os/clock.h"

#include "tls/connection.h"

enum {
	TURN_MS = 2000,		/* to wait for turns, in one handshake */
	UPDATES_SPARE = 8,	/* changes of keys that nobody minds; beyond
				 * them one a second (SECURITY R-26) */
};

struct tls {
	SSL		*ssl;
	int		 fd;
	bool		 done;		/* the handshake */
	bool		 broken;
	bool		 has_read;	/* in this call of the stream's */
	bool		 ended;		/* the socket */
	int		 err;		/* errno of the socket, 0: none */
	size_t		 heard;		/* bytes of the handshake */
	const struct turns *turns;	/* or NULL */
	int		 turn;		/* or -1 */
	int		 patience;	/* ms to wait for one */
	unsigned	 updates;
	int64_t		 begun;		/* clock_mono_ms: handshake done */
	char		 why[128];
};

static void
say_why(struct tls *t, const char *why)
{
	if (t->why[0] == '\0')
		text_print(t->why, sizeof(t->why), "%s", why);
}

/* ---- the socket, as OpenSSL sees it ---- */

static bool
is_too_much(struct tls *t)
{
	if (!t->done && t->heard >= TLS_HANDSHAKE_MAX) {
		say_why(t, "the handshake is too long");
		return true;
	}
	if (t->updates > UPDATES_SPARE && t->updates - UPDATES_SPARE >
	    (clock_mono_ms() - t->begun) / 1000) {
		say_why(t, "too many changes of keys");
		return true;
	}
	return false;
}

static void
take_turn(struct tls *t)
{
	if (t->turns != NULL && t->turn < 0 && !t->ended)
		t->turn = turn_take(t->turns, &t->patience);
}

static void
give_turn(struct tls *t)
{
	if (t->turn < 0)
		return;
	turn_give(t->turns, t->turn);
	t->turn = -1;
}

static int
take(BIO *bio, char *p, int n)
{
	struct tls *t = BIO_get_data(bio);
	ssize_t got;

	BIO_clear_retry_flags(bio);
	if (is_too_much(t)) {
		t->err = EPROTO;
		return -1;
	}
	if (t->has_read) {
		t->err = EINPROGRESS;
		BIO_set_retry_read(bio);
		return -1;
	}
	t->has_read = true;
	got = read(t->fd, p, (size_t)n);
	if (got < 0) {
		t->err = errno;
		if (errno == EAGAIN || errno == EINTR)
			BIO_set_retry_read(bio);
		return -1;
	}
	t->ended = got == 0;
	if (!t->done) {
		t->heard += (size_t)got;
		take_turn(t);
	}
	return (int)got;
}

static int
give(BIO *bio, const char *p, int n)
{
	struct tls *t = BIO_get_data(bio);
	ssize_t done;

	BIO_clear_retry_flags(bio);
	done = send(t->fd, p, (size_t)n, MSG_NOSIGNAL);
	if (done < 0) {
		t->err = errno;
		if (errno == EAGAIN || errno == EINTR)
			BIO_set_retry_write(bio);
	}
	return (int)done;
}

static long
control(BIO *bio, int what, long n, void *p)
{
	struct tls *t = BIO_get_data(bio);

	(void)n;
	(void)p;
	if (what == BIO_CTRL_EOF)
		return t->ended;
	return what == BIO_CTRL_FLUSH;
}

BIO_METHOD *
connection_method(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() |
	    BIO_TYPE_SOURCE_SINK | BIO_TYPE_DESCRIPTOR, "godwit");

	if (m != NULL && BIO_meth_set_read(m, take) &&
	    BIO_meth_set_write(m, give) && BIO_meth_set_ctrl(m, control))
		return m;
	BIO_meth_free(m);
	return NULL;
}

static void
watch(int sent, int version, int type, const void *p, size_t n, SSL *ssl,
    void *arg)
{
	struct tls *t = arg;

	(void)version;
	(void)ssl;
	if (!sent && type == SSL3_RT_HANDSHAKE && n > 0 &&
	    *(const unsigned char *)p == SSL3_MT_KEY_UPDATE)
		t->updates++;
}

/* ---- the connection ---- */

struct tls *
connection_new(SSL_CTX *ctx, const BIO_METHOD *method, int fd)
{
	struct tls *t = mem_alloc(sizeof(*t));
	BIO *bio = BIO_new(method);

	t->fd = fd;
	t->turn = -1;
	t->patience = TURN_MS;
	t->ssl = SSL_new(ctx);
	if (t->ssl == NULL || bio == NULL) {
		BIO_free(bio);
		SSL_free(t->ssl);
		mem_free(t);
		ERR_clear_error();
		return NULL;
	}
	BIO_set_data(bio, t);
	BIO_set_init(bio, 1);
	SSL_set_bio(t->ssl, bio, bio);
	SSL_set_msg_callback(t->ssl, watch);
	SSL_set_msg_callback_arg(t->ssl, t);
	return t;
}

void
connection_limit(struct tls *t, const struct turns *turns)
{
	t->turns = turns;
}

SSL *
connection_ssl(const struct tls *t)
{
	return t->ssl;
}

static void
note_error(struct tls *t)
{
	unsigned long e = ERR_peek_error();
	const char *reason = e == 0 ? NULL : ERR_reason_error_string(e);

	if (reason != NULL)
		say_why(t, reason);
	ERR_clear_error();
}

/* What a call that gave nothing comes to: 0 for the end, or -1 with errno. */
static int
explain(struct tls *t)
{
	switch (SSL_get_error(t->ssl, 0)) {
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		errno = t->err;
		return -1;
	case SSL_ERROR_SYSCALL:
		t->broken = true;
		errno = t->err != 0 ? t->err : ECONNRESET;
		ERR_clear_error();
		return -1;
	default:
		t->broken = true;
		note_error(t);
		errno = EPROTO;
		return -1;
	}
}

static bool
start(struct tls *t)
{
	t->has_read = false;
	t->err = 0;
	if (t->broken)
		errno = EPIPE;
	return !t->broken;
}

static int
begin(void *ctx)
{
	struct tls *t = ctx;
	bool done;

	if (!start(t))
		return -1;
	done = SSL_do_handshake(t->ssl) == 1;
	give_turn(t);
	if (done) {
		t->done = true;
		t->begun = clock_mono_ms();
		return 0;
	}
	if (explain(t) == 0) {
		t->broken = true;
		errno = ECONNRESET;
	}
	return -1;
}

static ssize_t
read_plain(void *ctx, void *p, size_t n)
{
	struct tls *t = ctx;
	size_t got;

	if (!start(t))
		return -1;
	if (SSL_read_ex(t->ssl, p, n, &got) == 1)
		return (ssize_t)got;
	return explain(t);
}

static ssize_t
write_plain(void *ctx, const void *p, size_t n)
{
	struct tls *t = ctx;
	size_t done;

	if (!start(t))
		return -1;
	if (SSL_write_ex(t->ssl, p, n, &done) == 1)
		return (ssize_t)done;
	if (explain(t) == 0)
		errno = EPIPE;
	return -1;
}

static void
end(void *ctx)
{
	struct tls *t = ctx;

	if (t->done && !t->broken)
		(void)SSL_shutdown(t->ssl);
	SSL_free(t->ssl);
	mem_free(t);
	ERR_clear_error();
}

const struct stream_ops tls_ops = { begin, read_plain, write_plain, end };

/* ---- what is known of it ---- */

/* A name is believed only when it is one: printable, without a NUL within. */
static void
find_name(X509 *cert, char name[TLS_NAME_MAX])
{
	X509_NAME *subject = X509_get_subject_name(cert);
	int n = X509_NAME_get_text_by_NID(subject, NID_commonName, name,
	    TLS_NAME_MAX);
	bool good = n > 0 && (size_t)n == strlen(name);

	for (int i = 0; good && i < n; i++)
		good = name[i] > ' ' && name[i] < 0x7f;
	if (!good)
		name[0] = '\0';
}

static void
find_certificate(const struct tls *t, struct tls_facts *f)
{
	X509 *cert = SSL_get0_peer_certificate(t->ssl);
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (cert == NULL)
		return;
	f->certified = true;
	f->verified = SSL_get_verify_result(t->ssl) == X509_V_OK;
	if (f->verified)
		find_name(cert, f->name);
	if (X509_digest(cert, EVP_sha256(), digest, &n) == 1)
		for (unsigned i = 0; i < n && 2 * i + 2 < TLS_DIGEST_MAX; i++)
			text_print(f->digest + 2 * i, 3, "%02x", digest[i]);
}

void
tls_find_facts(const struct tls *t, struct tls_facts *f)
{
	const SSL_CIPHER *c = SSL_get_current_cipher(t->ssl);
	int group = (int)SSL_get_negotiated_group(t->ssl);

	memset(f, 0, sizeof(*f));
	f->version = SSL_get_version(t->ssl);
	f->cipher = SSL_CIPHER_get_name(c);
	f->registered = SSL_CIPHER_standard_name(c);
	f->bits = SSL_CIPHER_get_bits(c, &f->bits_of);
	f->resumed = SSL_session_reused(t->ssl) == 1;
	if (group != NID_undef)
		f->group = SSL_group_to_name(t->ssl, group);
	find_certificate(t, f);
}

void
tls_put_summary(struct buf *b, const struct tls_facts *f)
{
	buf_printf(b, "%s with cipher %s (%d/%d bits)", f->version, f->cipher,
	    f->bits, f->bits_of);
}

/* Without TLS 1.3 or an extension of what came before, two connections can be
 * made to have the same secret: RFC 9266 4.2, RFC 7627. */
static bool
is_unique(const struct tls *t)
{
	return SSL_version(t->ssl) == TLS1_3_VERSION ||
	    SSL_get_extms_support(t->ssl) == 1;
}

static bool
find_exporter(const struct tls *t, struct buf *out)
{
	static const char label[] = "EXPORTER-Channel-Binding";
	unsigned char b[32];

	if (!is_unique(t) || SSL_export_keying_material(t->ssl, b, sizeof(b),
	    label, sizeof(label) - 1, (const unsigned char *)"", 0, 1) != 1)
		return false;
	buf_put(out, b, sizeof(b));
	return true;
}

/* The first Finished: the client's, and ours where a session was resumed. */
static bool
find_finished(const struct tls *t, struct buf *out)
{
	unsigned char b[EVP_MAX_MD_SIZE];
	size_t n;

	if (SSL_version(t->ssl) == TLS1_3_VERSION || !is_unique(t))
		return false;
	n = SSL_session_reused(t->ssl) ?
	    SSL_get_finished(t->ssl, b, sizeof(b)) :
	    SSL_get_peer_finished(t->ssl, b, sizeof(b));
	if (n == 0 || n > sizeof(b))
		return false;
	buf_put(out, b, n);
	return true;
}

/* Is there no other that might have been shown? */
static bool
is_sole(SSL *ssl)
{
	return SSL_set_current_cert(ssl, SSL_CERT_SET_FIRST) == 1 &&
	    SSL_set_current_cert(ssl, SSL_CERT_SET_NEXT) != 1;
}

/* The hash of our certificate, by the one with which it was signed, but never
 * by an old one.  A session that is resumed does not say which of several that
 * was. */
static bool
find_end_point(const struct tls *t, struct buf *out)
{
	X509 *cert = SSL_session_reused(t->ssl) && !is_sole(t->ssl) ? NULL :
	    SSL_get_certificate(t->ssl);
	unsigned char b[EVP_MAX_MD_SIZE];
	const EVP_MD *md;
	unsigned n = 0;
	int nid = NID_undef;

	if (cert == NULL ||
	    X509_get_signature_info(cert, &nid, NULL, NULL, NULL) != 1)
		return false;
	if (nid == NID_md5 || nid == NID_sha1)
		nid = NID_sha256;
	if ((md = EVP_get_digestbynid(nid)) == NULL ||
	    X509_digest(cert, md, b, &n) != 1)
		return false;
	buf_put(out, b, n);
	return true;
}

bool
tls_find_binding(const struct tls *t, struct str kind, struct buf *out)
{
	bool found = false;

	if (str_eq(kind, STR("tls-exporter")))
		found = find_exporter(t, out);
	else if (str_eq(kind, STR("tls-unique")))
		found = find_finished(t, out);
	else if (str_eq(kind, STR("tls-server-end-point")))
		found = find_end_point(t, out);
	ERR_clear_error();
	return found;
}

const char *
tls_failure(const struct tls *t)
{
	return t->why;
}
