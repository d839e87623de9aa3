/* SPDX-License-Identifier: ISC */
/*
 * Session tickets across processes.  OpenSSL would make keys of its own in
 * each context; these are made once, before the sessions are forked, so that
 * all of them hold the same ones, and are changed from time to time.
 *
 *	newest	seals and opens
 *	before	opens; the peer gets a new ticket
 *
 * A key seals for TICKET_TURN and then opens for as long again.  A session
 * keeps those that it was forked with, and since a ticket is good for less than
 * a turn, one that an old session has sealed still finds its key.  A new
 * generation of masters begins with new keys: what was sealed before is then a
 * full handshake, nothing worse.
 *
 * AES-256-CBC with HMAC-SHA256 over it, as RFC 5077 4 recommends.  That a
 * ticket belongs to one service is the session id context's matter (net/
 * tls_server), which lies sealed within.
 */
#include "tls/ticket.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>

#include "base/mem.h"

enum { NEWEST, BEFORE, KEYS };

struct ticket_key {
	unsigned char	name[16];
	unsigned char	cipher[32];
	unsigned char	mac[32];
};

struct tickets {
	struct ticket_key	 key[KEYS];
	unsigned		 n;		/* of them that are there */
	int64_t			 made;		/* the newest, ms */
	EVP_CIPHER		*cipher;	/* looked up once */
};

static bool
make(struct ticket_key *k)
{
	return RAND_bytes(k->name, sizeof(k->name)) == 1 &&
	    RAND_priv_bytes(k->cipher, sizeof(k->cipher)) == 1 &&
	    RAND_priv_bytes(k->mac, sizeof(k->mac)) == 1;
}

struct tickets *
tickets_new(int64_t now_ms)
{
	struct tickets *t = mem_alloc(sizeof(*t));

	t->made = now_ms;
	t->n = 1;
	t->cipher = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
	if (t->cipher != NULL && make(&t->key[NEWEST]))
		return t;
	tickets_free(t);
	return NULL;
}

void
tickets_free(struct tickets *t)
{
	if (t == NULL)
		return;
	EVP_CIPHER_free(t->cipher);
	OPENSSL_cleanse(t, sizeof(*t));
	mem_free(t);
}

void
tickets_turn(struct tickets *t, int64_t now_ms)
{
	struct ticket_key fresh;

	if (now_ms - t->made < TICKET_TURN * INT64_C(1000) || !make(&fresh))
		return;
	t->key[BEFORE] = t->key[NEWEST];
	t->key[NEWEST] = fresh;
	t->n = KEYS;
	t->made = now_ms;
	OPENSSL_cleanse(&fresh, sizeof(fresh));
}

static bool
set_mac(EVP_MAC_CTX *mac, struct ticket_key *k)
{
	char digest[] = "SHA256";
	OSSL_PARAM p[] = {
		OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, k->mac,
		    sizeof(k->mac)),
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest,
		    0),
		OSSL_PARAM_construct_end(),
	};

	return EVP_MAC_CTX_set_params(mac, p) == 1;
}

/* The key of that name, or KEYS. */
static unsigned
find(const struct tickets *t, const unsigned char *name)
{
	for (unsigned i = 0; i < t->n; i++)
		if (memcmp(t->key[i].name, name, sizeof(t->key[i].name)) == 0)
			return i;
	return KEYS;
}

/* As SSL_CTX_set_tlsext_ticket_key_evp_cb(3) wants it: 1 good, 2 good and to
 * be made anew, 0 a full handshake, -1 an error. */
static int
seal_or_open(SSL *ssl, unsigned char *name, unsigned char *iv,
    EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int seals)
{
	struct tickets *t = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
	unsigned i = seals ? NEWEST : find(t, name);
	struct ticket_key *k;

	if (i == KEYS)
		return 0;
	k = &t->key[i];
	if (seals) {
		memcpy(name, k->name, sizeof(k->name));
		if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(t->cipher)) != 1)
			return -1;
	}
	if (EVP_CipherInit_ex2(cipher, t->cipher, k->cipher, iv, seals,
	    NULL) != 1 || !set_mac(mac, k))
		return -1;
	/* In TLS 1.3 a ticket is for one use: RFC 8446 C.4. */
	return seals || (i == NEWEST && SSL_version(ssl) < TLS1_3_VERSION) ?
	    1 : 2;
}

bool
tickets_use(struct tickets *t, SSL_CTX *ctx)
{
	SSL_CTX_set_timeout(ctx, TICKET_LIFETIME);
	return SSL_CTX_set_app_data(ctx, t) == 1 &&
	    SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, seal_or_open) == 1;
}
