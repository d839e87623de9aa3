/* SPDX-License-Identifier: ISC */
/*
 * SCRAM-SHA-256 on the server's side (RFC 5802 with RFC 7677).
 *
 *	client-first	n,,n=user,r=cnonce
 *	server-first	r=cnonce snonce,s=salt,i=rounds
 *	client-final	c=base64(header, binding),r=nonce,p=proof
 *	server-final	v=signature
 *
 * The client proves that it knows ClientKey, of which only the hash (StoredKey)
 * is kept here; the server proves that it knows ServerKey.  With -PLUS the
 * client also says in what TLS connection it is, and what it says must be what
 * we know: then nobody sits between.  A client that could do that, and believes
 * that we cannot although we said so, has met somebody who took it out of our
 * list (the flag "y").
 *
 * A user whom nobody knows gets a salt that is made from his name and a key,
 * so that it is the same tomorrow, and is refused at the end, after the same
 * work.  Names and passwords are taken as the bytes that come; for ASCII that
 * is what SASLprep (RFC 4013) makes of them.
 */
#include "auth/scram.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <string.h>

#include "base/base64.h"
#include "base/die.h"
#include "base/num.h"
#include "base/utf8.h"

#define PREFIX		"SCRAM-SHA-256$"
#define NONCE_MAX	256

_Static_assert(SCRAM_SALT_MAX == 2 * SCRAM_KEY, "salt of a stranger");

void
scram_warm(void)
{
	uint8_t out[SCRAM_KEY];

	(void)OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG |
	    OPENSSL_INIT_NO_ATEXIT, NULL);
	scram_hmac(STR("k"), STR("t"), out);
	scram_random(out, sizeof(out));
}

void
scram_random(void *p, size_t n)
{
	if (RAND_bytes(p, (int)n) != 1)
		die("no random numbers");
}

void
scram_hmac(struct str key, struct str text, uint8_t out[SCRAM_KEY])
{
	unsigned n = 0;

	if (HMAC(EVP_sha256(), key.p, (int)key.n,
	    (const unsigned char *)(text.n > 0 ? text.p : ""), text.n, out,
	    &n) == NULL || n != SCRAM_KEY)
		die("no SHA-256");
}

bool
scram_same(const void *a, const void *b, size_t n)
{
	return CRYPTO_memcmp(a, b, n) == 0;
}

/* ------------------------------------------------------------ records --- */

static bool
decode(struct str text, void *out, size_t min, size_t max, size_t *n)
{
	struct buf b = { 0 };
	bool good = base64_decode(text, &b) && b.n >= min && b.n <= max;

	if (good) {
		memcpy(out, b.p, b.n);
		*n = b.n;
	}
	buf_free(&b);
	return good;
}

bool
scram_record_parse(struct str in, struct scram_record *r)
{
	struct str rounds, salt, stored;
	uint64_t v;
	size_t n;

	memset(r, 0, sizeof(*r));
	if (!str_casestarts(in, STR(PREFIX)))
		return false;
	in = str_from(in, sizeof(PREFIX) - 1);
	if (!str_cut(&in, ':', &rounds) || !str_cut(&in, '$', &salt) ||
	    !str_cut(&in, ':', &stored) ||
	    !num_parse(rounds, SCRAM_ROUNDS_MAX, &v) || v == 0)
		return false;
	r->rounds = (uint32_t)v;
	return decode(salt, r->salt, 1, SCRAM_SALT_MAX, &r->nsalt) &&
	    decode(stored, r->stored, SCRAM_KEY, SCRAM_KEY, &n) &&
	    decode(in, r->server, SCRAM_KEY, SCRAM_KEY, &n);
}

void
scram_record_put(struct buf *b, const struct scram_record *r)
{
	buf_printf(b, PREFIX "%lu:", (unsigned long)r->rounds);
	base64_put(b, str_span(r->salt, r->nsalt));
	buf_putc(b, '$');
	base64_put(b, str_span(r->stored, SCRAM_KEY));
	buf_putc(b, ':');
	base64_put(b, str_span(r->server, SCRAM_KEY));
}

void
scram_record_make(struct scram_record *r, struct str secret)
{
	uint8_t salted[SCRAM_KEY], key[SCRAM_KEY];

	if (PKCS5_PBKDF2_HMAC(secret.p, (int)secret.n, r->salt,
	    (int)r->nsalt, (int)r->rounds, EVP_sha256(), SCRAM_KEY,
	    salted) != 1)
		die("no PBKDF2");
	scram_hmac(str_span(salted, SCRAM_KEY), STR("Client Key"), key);
	SHA256(key, SCRAM_KEY, r->stored);
	scram_hmac(str_span(salted, SCRAM_KEY), STR("Server Key"), r->server);
	explicit_bzero(salted, sizeof(salted));
	explicit_bzero(key, sizeof(key));
}

bool
scram_record_check(const struct scram_record *r, struct str secret)
{
	struct scram_record made = *r;

	scram_record_make(&made, secret);
	return scram_same(made.stored, r->stored, SCRAM_KEY);
}

void
scram_record_fake(struct scram_record *r, struct str key, struct str name,
    uint32_t rounds, size_t nsalt)
{
	memset(r, 0, sizeof(*r));
	r->rounds = rounds;
	r->nsalt = nsalt;
	scram_hmac(key, name, r->salt);
	scram_hmac(key, str_span(r->salt, SCRAM_KEY), r->salt + SCRAM_KEY);
	/* Nobody has a ClientKey for these. */
	scram_random(r->stored, SCRAM_KEY);
	scram_random(r->server, SCRAM_KEY);
}

/* ----------------------------------------------------------- exchange --- */

static int
refuse(struct fault *why, const char *what)
{
	return fault_permanent(why, 535, 7, 8, "%s", what);
}

/* The value of the attribute at the front of *rest, which is cut off. */
static bool
cut_attribute(struct str *rest, char letter, struct str *value)
{
	struct str piece;

	if (!str_cut(rest, ',', &piece) || piece.n < 2 ||
	    piece.p[0] != letter || piece.p[1] != '=')
		return false;
	*value = str_from(piece, 2);
	return true;
}

/* saslname of RFC 5802 7: "=2C" is a comma, "=3D" an equals sign. */
static bool
decode_name(struct arena *a, struct str in, struct str *out)
{
	struct buf b = { 0 };
	bool good = in.n > 0 && utf8_is_valid(in);

	for (size_t i = 0; i < in.n && good; i++) {
		struct str rest = str_from(in, i);

		if (str_is_control(in.p[i])) {
			good = false;
		} else if (in.p[i] != '=') {
			buf_putc(&b, in.p[i]);
		} else {
			good = str_starts(rest, STR("=2C")) ||
			    str_starts(rest, STR("=3D"));
			buf_putc(&b, str_starts(rest, STR("=2C")) ? ',' : '=');
			i += 2;
		}
	}
	if (good)
		*out = arena_str(a, buf_str(&b));
	buf_free(&b);
	return good;
}

/* gs2-cbind-flag: RFC 5802 6. */
static int
check_binding(const struct scram_binding *b, struct str flag,
    struct fault *why)
{
	if (str_starts(flag, STR("p="))) {
		if (!b->plus)
			return refuse(why, "channel binding without -PLUS");
		if (b->kind.n == 0 || !str_eq(str_from(flag, 2), b->kind))
			return refuse(why, "channel binding of another kind");
		return 0;
	}
	if (b->plus)
		return refuse(why, "-PLUS without channel binding");
	if (str_eq(flag, STR("y")) && b->offered)
		return refuse(why, "the client was not told of -PLUS: "
		    "somebody changed our list");
	if (!str_eq(flag, STR("n")) && !str_eq(flag, STR("y")))
		return refuse(why, "malformed channel binding");
	return 0;
}

static bool
is_nonce(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~' || s.p[i] == ',')
			return false;
	return s.n > 0 && s.n <= NONCE_MAX;
}

int
scram_begin(struct scram *s, struct arena *arena,
    const struct scram_binding *binding, struct str in, struct fault *why)
{
	struct str rest = in, flag, authzid, name, nonce;

	memset(s, 0, sizeof(*s));
	s->arena = arena;
	s->binding = *binding;
	if (!str_cut(&rest, ',', &flag) || !str_cut(&rest, ',', &authzid))
		return refuse(why, "malformed first message");
	s->gs2 = arena_str(arena, str_slice(in, 0, in.n - rest.n));
	s->bare = arena_str(arena, rest);
	if (str_starts(rest, STR("m=")))
		return refuse(why, "extensions are not supported");
	if (!cut_attribute(&rest, 'n', &name) ||
	    !cut_attribute(&rest, 'r', &nonce) || !is_nonce(nonce) ||
	    !decode_name(arena, name, &s->name))
		return refuse(why, "malformed first message");
	s->nonce = arena_str(arena, nonce);
	if (authzid.n > 0 && (!str_starts(authzid, STR("a=")) ||
	    !decode_name(arena, str_from(authzid, 2), &s->authzid)))
		return refuse(why, "malformed first message");
	if (s->authzid.n > 0 && !str_eq(s->authzid, s->name))
		return refuse(why, "nobody may act for somebody else");
	return check_binding(binding, flag, why);
}

struct str
scram_challenge(struct scram *s, const struct scram_record *r,
    struct str nonce)
{
	struct buf b = { 0 };

	s->nonce = arena_printf(s->arena, "%.*s%.*s", STR_ARG(s->nonce),
	    STR_ARG(nonce));
	buf_printf(&b, "r=%.*s,s=", STR_ARG(s->nonce));
	base64_put(&b, str_span(r->salt, r->nsalt));
	buf_printf(&b, ",i=%lu", (unsigned long)r->rounds);
	s->first = arena_str(s->arena, buf_str(&b));
	buf_free(&b);
	return s->first;
}

/* c=: the header of the first message again, and the binding itself. */
static bool
is_bound(const struct scram *s, struct str c)
{
	struct buf want = { 0 }, text = { 0 };
	bool good;

	buf_puts(&want, s->gs2);
	if (str_starts(s->gs2, STR("p=")))
		buf_puts(&want, s->binding.data);
	base64_put(&text, buf_str(&want));
	good = str_eq(buf_str(&text), c);
	buf_free(&want);
	buf_free(&text);
	return good;
}

/* ClientKey = ClientProof XOR HMAC(StoredKey, AuthMessage). */
static bool
is_proved(const struct scram_record *r, struct str message, struct str text)
{
	uint8_t proof[SCRAM_KEY], key[SCRAM_KEY], hash[SCRAM_KEY];
	size_t n;

	if (!decode(text, proof, SCRAM_KEY, SCRAM_KEY, &n))
		return false;
	scram_hmac(str_span(r->stored, SCRAM_KEY), message, key);
	for (size_t i = 0; i < SCRAM_KEY; i++)
		key[i] ^= proof[i];
	SHA256(key, SCRAM_KEY, hash);
	explicit_bzero(key, sizeof(key));
	return scram_same(hash, r->stored, SCRAM_KEY);
}

static struct str
sign(const struct scram *s, const struct scram_record *r, struct str message)
{
	uint8_t signature[SCRAM_KEY];
	struct buf b = { 0 };
	struct str out;

	scram_hmac(str_span(r->server, SCRAM_KEY), message, signature);
	buf_putz(&b, "v=");
	base64_put(&b, str_span(signature, SCRAM_KEY));
	out = arena_str(s->arena, buf_str(&b));
	buf_free(&b);
	return out;
}

int
scram_finish(struct scram *s, const struct scram_record *r, struct str in,
    struct str *out, struct fault *why)
{
	size_t proof = str_search(in, STR(",p="));
	struct str rest = str_slice(in, 0, proof), c, nonce, message;

	/* It is the last attribute and base 64 has no comma; extensions may
	 * stand before it and mean nothing to us. */
	if (proof == in.n || !cut_attribute(&rest, 'c', &c) ||
	    !cut_attribute(&rest, 'r', &nonce))
		return refuse(why, "malformed final message");
	if (!str_eq(nonce, s->nonce))
		return refuse(why, "the nonce is not ours");
	if (!is_bound(s, c))
		return refuse(why, "channel bindings do not match");
	message = arena_printf(s->arena, "%.*s,%.*s,%.*s", STR_ARG(s->bare),
	    STR_ARG(s->first), STR_ARG(str_slice(in, 0, proof)));
	if (!is_proved(r, message, str_from(in, proof + 3)))
		return refuse(why, "authentication failure");
	*out = sign(s, r, message);
	return 0;
}
