/* SPDX-License-Identifier: ISC */
/*
 * The private keys, where they are, and what is done with them.
 *
 * A question names a key by its number and a way to sign, and brings the text.
 * The way must be one of that key's type (tls/scheme), the text must be that
 * of a handshake (tls/gate).  Whatever else is asked is refused, in the same
 * words for every reason, and counted.
 *
 * Each question costs at most one signature, and takes no memory that stays.
 *
 * The numbers are those of the certificates in the configuration.  Who asks
 * gets the certificates from here, too, so that a certificate never meets the
 * key of another one that was renewed in between.
 *
 * Called by warden/keeper.
 */
#include "tls/vault.h"

#include <sys/mman.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/die.h"
#include "base/mem.h"

#include "tls/cert.h"
#include "tls/gate.h"
#include "tls/scheme.h"
#include "tls/signing.h"

enum {
	GUARDED_HEAP = 128 * 1024,	/* a power of two, and beside it */
	GUARDED_KEY = 16 * 1024,	/* for each: one of RSA with 16384 bits
					 * has 9 KiB */
	GUARDED_LEAST = 32,		/* bytes of a piece */
};

_Static_assert(VAULT_QUESTION_MAX == SIGNING_QUESTION_MAX &&
    VAULT_ANSWER_MAX == SIGNING_ANSWER_MAX, "tls/signing");

struct vault {
	struct arena		arena;
	VEC(struct cert)	certs;
	bool			old;	/* TLS before 1.2 is spoken */
};

void
vault_prepare(size_t keys)
{
	size_t n = GUARDED_HEAP;

	while (n < GUARDED_HEAP + keys * GUARDED_KEY)
		n *= 2;
	(void)CRYPTO_secure_malloc_init(n, GUARDED_LEAST);
	ERR_clear_error();
}

struct vault *
vault_open(const struct tls_options *o, struct fault *why)
{
	struct vault *v = mem_alloc(sizeof(*v));
	struct cert cert;

	v->old = o->oldest < TLS_1_2;
	for (size_t i = 0; i < o->certificates.n; i++) {
		const struct tls_certificate *c = &o->certificates.p[i];

		if (cert_load(&cert, c->file, c->key_file, why) < 0) {
			vault_free(v);
			return NULL;
		}
		vec_push(&v->arena, &v->certs, cert);
	}
	return v;
}

void
vault_free(struct vault *v)
{
	if (v == NULL)
		return;
	for (size_t i = 0; i < v->certs.n; i++)
		cert_free(&v->certs.p[i]);
	arena_free(&v->arena);
	mem_free(v);
}

void
vault_show(const struct vault *v, struct buf *out)
{
	for (size_t i = 0; i < v->certs.n; i++)
		cert_write(&v->certs.p[i], out);
}

/* ---- signing ---- */

static bool
set_padding(EVP_PKEY_CTX *ctx, const struct scheme *s)
{
	return !s->pss || (EVP_PKEY_CTX_set_rsa_padding(ctx,
	    RSA_PKCS1_PSS_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1);
}

static bool
sign(EVP_PKEY *key, const struct scheme *s, struct str text, uint8_t *out,
    size_t *n)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY_CTX *ctx;
	bool good;

	good = md != NULL && EVP_DigestSignInit_ex(md, &ctx, s->digest, NULL,
	    NULL, key, NULL) == 1 && set_padding(ctx, s) &&
	    EVP_DigestSign(md, out, n, (const unsigned char *)text.p,
	    text.n) == 1;
	EVP_MD_CTX_free(md);
	ERR_clear_error();
	return good;
}

static EVP_PKEY *
find_key(const struct vault *v, const struct signing *s,
    const struct scheme *scheme)
{
	EVP_PKEY *key;

	if (s->kind != SIGNING_HANDSHAKE || s->key >= v->certs.n)
		return NULL;
	key = v->certs.p[s->key].key;
	return EVP_PKEY_is_a(key, scheme->type) == 1 ? key : NULL;
}

size_t
vault_answer(const struct vault *v, struct str question,
    uint8_t answer[VAULT_ANSWER_MAX], uint64_t *refused)
{
	const struct scheme *scheme = NULL;
	struct signing s;
	size_t n = SIGNATURE_MAX;
	EVP_PKEY *key = NULL;

	if (signing_parse(question, &s))
		scheme = scheme_find(s.scheme);
	if (scheme != NULL)
		key = find_key(v, &s, scheme);
	if (key != NULL && gate_may_sign(scheme, v->old, s.text) &&
	    sign(key, scheme, s.text, answer + SIGNING_ANSWER_HEAD, &n)) {
		bytes_put_le32(answer, SIGNING_DONE);
		return SIGNING_ANSWER_HEAD + n;
	}
	++*refused;
	bytes_put_le32(answer, SIGNING_REFUSED);
	return SIGNING_ANSWER_HEAD;
}

/* Nobody gets to see these: random numbers, blinding and digests are made
 * ready, and what there is of memory then stays there. */
void
vault_warm(const struct vault *v)
{
	uint8_t signature[SIGNATURE_MAX];
	const struct scheme *s;
	size_t n;

	for (size_t i = 0; i < v->certs.n; i++)
		for (unsigned at = 0; (s = scheme_at(at)) != NULL; at++) {
			n = sizeof(signature);
			if (EVP_PKEY_is_a(v->certs.p[i].key, s->type) == 1)
				(void)sign(v->certs.p[i].key, s, STR("warm"),
				    signature, &n);
		}
	(void)mlockall(MCL_CURRENT | MCL_ONFAULT);
}
