/* SPDX-License-Identifier: ISC */
/*
 * The server's side of TLS: one context of OpenSSL for each set of names, with
 * a certificate of each type in it, all with the same rules and ticket keys.
 *
 * What a peer names (SNI, RFC 6066 3) is a key to look up, once it has proved
 * to be a domain name, and nothing else; a name that is unknown is no error.  Who
 * names protocols (ALPN, RFC 7301 3.2) and none of mail was sent here by somebody
 * to speak to another server: there is no handshake.
 *
 * The rules: TLS 1.2 and newer unless older is asked for, no renegotiation, no
 * compression, keys that are forgotten after each session (ECDHE), our order
 * of ciphers.  Those with CBC stand last: some mail servers of 2012 have an
 * RSA certificate and nothing better, and without TLS they would send all in
 * clear.  Sessions are kept by the peer, in tickets, and not here: no process
 * lives long enough to be asked again.
 *
 * The private keys are in another process (tls/distant), but for whoever only
 * wants to see whether the files are good.
 *
 * All of it is made before the first fork.  A child that had to look up its
 * algorithms would do it for one connection, so tls_server_warm() shakes hands
 * with itself first, once for each certificate and version.
 */
#include "tls/tls_server.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "mail/domain.h"
#include "os/clock.h"

#include "tls/cert.h"
#include "tls/connection.h"
#include "tls/distant.h"
#include "tls/ticket.h"

/* What goes first is made with SHA-256, which processors have instructions
 * for, and which RFC 8446 9.1 makes everybody know. */
#define FIRST		"TLS_AES_128_GCM_SHA256"
#define CIPHERS		"ECDHE+AESGCM+AES128:ECDHE+AESGCM:ECDHE+CHACHA20:" \
			"ECDHE+AES:!AESCCM"
#define CIPHERS_OLD	CIPHERS ":@SECLEVEL=0"	/* TLS 1.0 signs with SHA-1 */
/* With the first OpenSSL that knows it (3.5), and without. */
#define GROUPS_NEW	"X25519MLKEM768:X25519:P-256:P-384"
#define GROUPS		"X25519:P-256:P-384"

enum {
	WARM_STEPS = 10,
	TURNS = 4,		/* handshakes a processor; SECURITY 4.6 */
};

struct set {
	SSL_CTX		*ctx;
	VEC(struct str)	 names;
};

struct tls_server {
	struct arena	 arena;
	struct distant	*distant;	/* NULL: the keys are here */
	VEC(struct set)	 sets;
	SSL_CTX		*usual;		/* of an unknown name */
	struct tickets	*tickets;
	BIO_METHOD	*method;
	struct turns	 turns;
};

static int
failed(struct fault *why, const char *what)
{
	return fault_permanent(why, 554, 3, 5, "TLS: %s: %s", what,
	    cert_error());
}

/* ---- which certificate ---- */

/* The name itself is nearer than any pattern, and a long pattern than a short
 * one. */
static const struct set *
find_set(const struct tls_server *s, struct str name)
{
	const struct set *found = NULL;
	size_t near = 0;

	for (size_t i = 0; i < s->sets.n; i++)
		for (size_t j = 0; j < s->sets.p[i].names.n; j++) {
			struct str pattern = s->sets.p[i].names.p[j];
			size_t this = str_caseeq(name, pattern) ? SIZE_MAX :
			    pattern.n;

			if (this > near && domain_matches(name, pattern)) {
				found = &s->sets.p[i];
				near = this;
			}
		}
	return found;
}

static int
choose(SSL *ssl, int *alert, void *arg)
{
	const struct tls_server *s = arg;
	struct str name = str_of(SSL_get_servername(ssl,
	    TLSEXT_NAMETYPE_host_name));
	const struct set *set = NULL;

	(void)alert;
	if (domain_is_valid(name, false))
		set = find_set(s, name);
	if (set == NULL)
		return SSL_TLSEXT_ERR_NOACK;
	if (set->ctx != s->usual)
		SSL_set_SSL_CTX(ssl, set->ctx);
	return SSL_TLSEXT_ERR_OK;
}

/* Nobody has registered a name for SMTP; Exim has given it these. */
static bool
is_mail(struct str protocol)
{
	return str_eq(protocol, STR("smtp")) || str_eq(protocol, STR("esmtp"));
}

/* RFC 7301 3.1: a list of names, a byte of length before each. */
static int
choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *n,
    const unsigned char *in, unsigned size, void *arg)
{
	(void)ssl;
	(void)arg;
	for (unsigned i = 0; i < size; i += 1U + in[i]) {
		if (in[i] >= size - i)
			break;
		if (!is_mail(str_span(in + i + 1, in[i])))
			continue;
		*out = in + i + 1;
		*n = in[i];
		return SSL_TLSEXT_ERR_OK;
	}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* Whoever they are, they may come in: what they are is a fact for others. */
static int
accept_any(int good, X509_STORE_CTX *store)
{
	(void)good;
	(void)store;
	return 1;
}

/* ---- the rules ---- */

static int
version_number(enum tls_version v)
{
	switch (v) {
	case TLS_1_0:
		return TLS1_VERSION;
	case TLS_1_1:
		return TLS1_1_VERSION;
	case TLS_1_2:
		return TLS1_2_VERSION;
	case TLS_1_3:
		break;
	}
	return TLS1_3_VERSION;
}

static bool
set_groups(SSL_CTX *ctx)
{
	if (SSL_CTX_set1_groups_list(ctx, GROUPS_NEW) == 1)
		return true;
	ERR_clear_error();
	return SSL_CTX_set1_groups_list(ctx, GROUPS) == 1;
}

/* Those of TLS 1.3 are as openssl.cnf has them, but for their order. */
static bool
order_suites(SSL_CTX *ctx)
{
	STACK_OF(SSL_CIPHER) *all = SSL_CTX_get_ciphers(ctx);
	struct buf list = { 0 };
	const SSL_CIPHER *c;
	bool done = true;

	for (int first = 1; first >= 0; first--)
		for (int i = 0; i < sk_SSL_CIPHER_num(all); i++) {
			c = sk_SSL_CIPHER_value(all, i);
			if (strcmp(SSL_CIPHER_get_version(c), "TLSv1.3") != 0 ||
			    (strcmp(SSL_CIPHER_get_name(c), FIRST) == 0) !=
			    first)
				continue;
			buf_printf(&list, "%s%s", list.n > 0 ? ":" : "",
			    SSL_CIPHER_get_name(c));
		}
	if (list.n > 0)
		done = SSL_CTX_set_ciphersuites(ctx, buf_cstr(&list)) == 1;
	buf_free(&list);
	return done;
}

static int
ask_clients(SSL_CTX *ctx, const char *authorities, struct fault *why)
{
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, accept_any);
	if (authorities == NULL)
		return 0;
	if (SSL_CTX_load_verify_file(ctx, authorities) == 1)
		return 0;
	return fault_permanent(why, 554, 3, 5, "%s: no certificates of "
	    "authorities (PEM) could be read: %s", authorities, cert_error());
}

static int
set_rules(struct tls_server *s, SSL_CTX *ctx, const struct tls_options *o,
    struct fault *why)
{
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION |
	    SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
	    SSL_OP_PRIORITIZE_CHACHA | SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS |
	    SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	/* A record is one read, and not a head and a body. */
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_tlsext_servername_callback(ctx, choose);
	SSL_CTX_set_tlsext_servername_arg(ctx, s);
	SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, NULL);
	if (SSL_CTX_set_min_proto_version(ctx, version_number(o->oldest)) != 1 ||
	    SSL_CTX_set_cipher_list(ctx, o->oldest < TLS_1_2 ? CIPHERS_OLD :
	    CIPHERS) != 1 || !order_suites(ctx) || !set_groups(ctx))
		return failed(why, "ciphers");
	/* One each time is enough for a peer that asks for another. */
	if (SSL_CTX_set_num_tickets(ctx, 1) != 1 ||
	    !tickets_use(s->tickets, ctx))
		return failed(why, "session tickets");
	return o->ask ? ask_clients(ctx, o->authorities, why) : 0;
}

/* ---- the certificates ---- */

static bool
has_name(const struct set *set, struct str name)
{
	for (size_t i = 0; i < set->names.n; i++)
		if (str_caseeq(set->names.p[i], name))
			return true;
	return false;
}

/* How many of its names are there, in whatever order; *common is one. */
static size_t
count_names(const struct set *set, const struct tls_certificate *c,
    struct str *common)
{
	size_t n = 0;

	for (size_t i = 0; i < c->names.n; i++)
		if (has_name(set, c->names.p[i])) {
			*common = c->names.p[i];
			n++;
		}
	return n;
}

/* The set of these names, made when it is not there yet. */
static struct set *
want_set(struct tls_server *s, const struct tls_options *o,
    const struct tls_certificate *c, struct fault *why)
{
	struct set set = { .ctx = NULL };
	struct str common = STR_NONE;

	for (size_t i = 0; i < s->sets.n; i++) {
		struct set *there = &s->sets.p[i];
		size_t n = count_names(there, c, &common);

		if (n == c->names.n && n == there->names.n)
			return there;
		if (n == 0)
			continue;
		/* Whoever asked for it would get one of the two, whatever
		 * key he understands. */
		fault_permanent(why, 554, 3, 5, "%s: another certificate is for "
		    "%.*s and not for all the same names: give both the same "
		    "names", c->file, STR_ARG(common));
		return NULL;
	}
	for (size_t i = 0; i < c->names.n; i++)
		vec_push(&s->arena, &set.names, arena_str(&s->arena,
		    c->names.p[i]));
	set.ctx = SSL_CTX_new(TLS_server_method());
	if (set.ctx == NULL) {
		failed(why, "context");
		return NULL;
	}
	vec_push(&s->arena, &s->sets, set);
	if (set_rules(s, set.ctx, o, why) < 0)
		return NULL;
	return &s->sets.p[s->sets.n - 1];
}

static int
use(SSL_CTX *ctx, const char *file, const struct cert *cert,
    struct fault *why)
{
	if (SSL_CTX_use_cert_and_key(ctx, cert->leaf, cert->key, cert->chain,
	    0) == 1)
		return 0;
	if (ERR_GET_REASON(ERR_peek_error()) == SSL_R_NOT_REPLACING_CERTIFICATE) {
		ERR_clear_error();
		return fault_permanent(why, 554, 3, 5, "%s: a certificate of "
		    "type %s for the same names was given before: say for "
		    "which names it is (for NAME ...)", file,
		    cert_type(cert));
	}
	return fault_permanent(why, 554, 3, 5, "%s: OpenSSL does not take this "
	    "certificate: %s", file, cert_error());
}

/* The next one of those that are shown, with a key that is elsewhere. */
static int
take(struct tls_server *s, uint32_t number, struct str *shown,
    struct cert *cert, struct fault *why)
{
	if (cert_read(cert, shown) < 0)
		return failed(why, "certificate of the keeper");
	cert->key = distant_key(s->distant, X509_get0_pubkey(cert->leaf),
	    number);
	if (cert->key != NULL)
		return 0;
	cert_free(cert);
	return failed(why, "key of the keeper");
}

static int
add(struct tls_server *s, const struct tls_options *o, size_t i,
    struct str *shown, struct fault *why)
{
	const struct tls_certificate *c = &o->certificates.p[i];
	struct cert cert;
	struct set *set;
	int r;

	r = s->distant == NULL ? cert_load(&cert, c->file, c->key_file, why) :
	    take(s, (uint32_t)i, shown, &cert, why);
	if (r < 0)
		return -1;
	set = want_set(s, o, c, why);
	r = set == NULL ? -1 : use(set->ctx, c->file, &cert, why);
	cert_free(&cert);
	return r;
}

static void
find_usual(struct tls_server *s)
{
	s->usual = s->sets.p[0].ctx;
	for (size_t i = 0; i < s->sets.n; i++)
		if (s->sets.p[i].names.n == 0)
			s->usual = s->sets.p[i].ctx;
}

static struct tls_server *
make(const struct tls_options *o, const struct tls_kept *kept,
    struct fault *why)
{
	struct tls_server *s = mem_alloc(sizeof(*s));
	struct str shown = kept == NULL ? STR_NONE : kept->shown;
	int r = 0;

	turns_make(&s->turns, TURNS);
	s->method = connection_method();
	s->tickets = tickets_new(clock_boot_ms());
	if (kept != NULL)
		s->distant = distant_new(kept->door);
	if (s->method == NULL || s->tickets == NULL ||
	    (kept != NULL && s->distant == NULL))
		r = failed(why, "start");
	for (size_t i = 0; r == 0 && i < o->certificates.n; i++)
		r = add(s, o, i, &shown, why);
	if (r == 0 && s->sets.n == 0)
		r = failed(why, "no certificate");
	if (r == 0) {
		find_usual(s);
		return s;
	}
	tls_server_free(s);
	return NULL;
}

struct tls_server *
tls_server_new(const struct tls_options *o, struct fault *why)
{
	return make(o, NULL, why);
}

struct tls_server *
tls_server_new_kept(const struct tls_options *o, const struct tls_kept *kept,
    struct fault *why)
{
	return make(o, kept, why);
}

void
tls_server_free(struct tls_server *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->sets.n; i++)
		SSL_CTX_free(s->sets.p[i].ctx);
	turns_free(&s->turns);
	distant_free(s->distant);
	tickets_free(s->tickets);
	BIO_meth_free(s->method);
	arena_free(&s->arena);
	mem_free(s);
}

/* ---- use ---- */

static bool
set_service(SSL *ssl, unsigned service)
{
	unsigned char context[] = { 'S', 'M', 'T', 'P',
	    (unsigned char)service };

	return SSL_set_session_id_context(ssl, context, sizeof(context)) == 1;
}

struct tls *
tls_server_accept(const struct tls_server *s, int fd, unsigned service)
{
	struct tls *t = connection_new(s->usual, s->method, fd);

	if (t == NULL)
		return NULL;
	SSL_set_accept_state(connection_ssl(t));
	connection_limit(t, &s->turns);
	if (set_service(connection_ssl(t), service))
		return t;
	ERR_clear_error();
	tls_ops.close(t);
	return NULL;
}

void
tls_server_turn(struct tls_server *s, int64_t now)
{
	tickets_turn(s->tickets, now);
}

static SSL *
make_end(SSL_CTX *ctx, BIO *bio, bool server)
{
	SSL *ssl = SSL_new(ctx);

	if (ssl == NULL) {
		BIO_free(bio);
		return NULL;
	}
	SSL_set_bio(ssl, bio, bio);
	if (server)
		SSL_set_accept_state(ssl);
	else
		SSL_set_connect_state(ssl);
	return ssl;
}

/* Both ends in turn, a greeting there and back. */
static void
converse(SSL *server, SSL *client)
{
	char c = 0;

	if (server == NULL || client == NULL || !set_service(server, 0))
		return;
	for (int i = 0; i < WARM_STEPS; i++) {
		(void)SSL_do_handshake(client);
		/* Why it failed is in the queue, until another call. */
		if (SSL_do_handshake(server) != 1 &&
		    SSL_get_error(server, -1) == SSL_ERROR_SSL)
			return;
	}
	(void)SSL_write(client, &c, 1);
	(void)SSL_read(server, &c, 1);
	(void)SSL_write(server, &c, 1);
	(void)SSL_read(client, &c, 1);
	(void)SSL_shutdown(server);
}

static bool
warm(SSL_CTX *ctx, SSL_CTX *peers)
{
	BIO *a = NULL, *b = NULL;
	SSL *server, *client;
	bool done;

	ERR_clear_error();
	if (BIO_new_bio_pair(&a, 0, &b, 0) != 1)
		return false;
	server = make_end(ctx, a, true);
	client = make_end(peers, b, false);
	converse(server, client);
	done = server != NULL && SSL_is_init_finished(server);
	SSL_free(client);
	SSL_free(server);
	return done;
}

/* The oldest may be too old; the newest is always spoken, and comes last. */
int
tls_server_warm(struct tls_server *s, struct fault *why)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
	SSL_CTX *peers = SSL_CTX_new(TLS_client_method());
	int r = 0;

	if (peers == NULL)
		return failed(why, "start");
	for (size_t i = 0; i < s->sets.n; i++) {
		bool done = false;

		for (size_t v = 0; v < 2; v++) {
			(void)SSL_CTX_set_max_proto_version(peers,
			    versions[v]);
			done = warm(s->sets.p[i].ctx, peers);
		}
		if (!done)
			r = failed(why, "no handshake succeeds");
	}
	SSL_CTX_free(peers);
	/* Texts of errors are loaded at the first one. */
	(void)ERR_reason_error_string(ERR_PACK(ERR_LIB_SSL, 0,
	    SSL_R_NO_SHARED_CIPHER));
	ERR_clear_error();
	return r;
}
