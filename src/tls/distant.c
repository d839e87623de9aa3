/* SPDX-License-Identifier: ISC */
/*
 * A provider of OpenSSL 3 whose private keys are elsewhere.
 *
 * A key of it is the public half, as OpenSSL's own provider has it, and a
 * number.  Whatever is asked about the key (its size, its curve) the public half
 * answers.  To sign, the whole text is sent to the one who has the key, and not
 * its digest, so that he can see what it is that he signs.
 *
 * The provider lives in a library context of its own.  In the usual one, where
 * "EC" and "RSA" are looked up for all other purposes, it would stand beside
 * OpenSSL's; here nothing but its own keys can find it, which costs no query
 * and no property.  Keys cannot be exported, not even their public half:
 * OpenSSL would take that to its own provider and try to sign with it.
 *
 * What goes wrong becomes an error in OpenSSL's queue with a text of ours, the
 * first one there, and so the reason that the log gives (tls/tls).
 *
 * Called by tls/tls_server; the functions below by OpenSSL, in sessions.
 */
#include "tls/distant.h"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>
#include <string.h>

#include "base/mem.h"
#include "tls/scheme.h"
#include "tls/signing.h"

#define OURS	"godwit"

enum { TEXTS = 3 };

struct distant {
	OSSL_LIB_CTX	*library;
	OSSL_PROVIDER	*provider;
	int		 door;
	int		 errors;	/* our part of OpenSSL's numbers */
	ERR_STRING_DATA	 text[TEXTS + 1];
};

/* What a key is made of; the public half is counted. */
struct key {
	EVP_PKEY		*public;
	const char		*type;
	const struct distant	*distant;	/* NULL: the half is all */
	uint32_t		 number;
};

struct signature {
	const struct key	*key;
	char			 digest[32];	/* "" for none */
	bool			 pss;
};

static const struct {
	enum signing_result	 result;
	const char		*text;
} texts[TEXTS] = {
	{ SIGNING_REFUSED, "the keeper refuses to sign this" },
	{ SIGNING_SILENT, "the keeper does not answer" },
	{ SIGNING_GONE, "there is no keeper" },
};

static const char *
type_of(const EVP_PKEY *key)
{
	static const char *const types[] = { "RSA", "RSA-PSS", "EC",
	    "ED25519", "ED448" };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (EVP_PKEY_is_a(key, types[i]) == 1)
			return types[i];
	return NULL;
}

/* ---- keys ---- */

static void *
make_key(void *provider)
{
	(void)provider;
	return mem_alloc(sizeof(struct key));
}

static void
free_key(void *p)
{
	struct key *k = p;

	EVP_PKEY_free(k->public);
	mem_free(k);
}

static int
has(const void *p, int selection)
{
	const struct key *k = p;

	return k->public != NULL && (k->distant != NULL ||
	    (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) == 0);
}

static int
is_same(const void *a, const void *b, int selection)
{
	const struct key *x = a, *y = b;

	(void)selection;
	return x->public != NULL && y->public != NULL &&
	    EVP_PKEY_eq(x->public, y->public) == 1;
}

/* The public half of somebody else's, to compare it with ours. */
static int
import_public(struct key *k, const char *type, const OSSL_PARAM params[])
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	OSSL_PARAM *copy = OSSL_PARAM_dup(params);
	int r = ctx != NULL && copy != NULL &&
	    EVP_PKEY_fromdata_init(ctx) == 1 && EVP_PKEY_fromdata(ctx,
	    &k->public, EVP_PKEY_PUBLIC_KEY, copy) == 1;

	OSSL_PARAM_free(copy);
	EVP_PKEY_CTX_free(ctx);
	return r;
}

static int
import(struct key *k, const char *type, const OSSL_PARAM params[])
{
	const OSSL_PARAM *p = OSSL_PARAM_locate_const(params, OURS);

	if (p == NULL)
		return import_public(k, type, params);
	if (p->data_type != OSSL_PARAM_OCTET_STRING ||
	    p->data_size != sizeof(*k))
		return 0;
	memcpy(k, p->data, sizeof(*k));
	return EVP_PKEY_up_ref(k->public);
}

static const OSSL_PARAM *
import_types(int selection)
{
	static const OSSL_PARAM list[] = {
		OSSL_PARAM_octet_string(OURS, NULL, 0),
		OSSL_PARAM_END,
	};

	(void)selection;
	return list;
}

static int
get_params(void *p, OSSL_PARAM params[])
{
	struct key *k = p;

	return EVP_PKEY_get_params(k->public, params);
}

/* Those that are asked for when a key is made, and its group. */
static const OSSL_PARAM *
gettable_params(void *provider)
{
	static const OSSL_PARAM list[] = {
		OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
		OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
		OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, NULL,
		    0),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_MANDATORY_DIGEST, NULL,
		    0),
		OSSL_PARAM_END,
	};

	(void)provider;
	return list;
}

/* ---- signatures ---- */

static void *
make_signature(void *provider, const char *properties)
{
	(void)provider;
	(void)properties;
	return mem_alloc(sizeof(struct signature));
}

static int
set_params(void *p, const OSSL_PARAM params[])
{
	struct signature *s = p;
	const OSSL_PARAM *pad;
	int mode = 0;

	if (params == NULL)
		return 1;
	pad = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PAD_MODE);
	if (pad == NULL)
		return 1;
	/* The salt is as long as the digest, always (RFC 8446 4.2.3). */
	if (pad->data_type == OSSL_PARAM_UTF8_STRING)
		s->pss = strcmp(pad->data, OSSL_PKEY_RSA_PAD_MODE_PSS) == 0;
	else if (OSSL_PARAM_get_int(pad, &mode) == 1)
		s->pss = mode == RSA_PKCS1_PSS_PADDING;
	else
		return 0;
	return 1;
}

static const OSSL_PARAM *
settable_params(void *p, void *provider)
{
	static const OSSL_PARAM list[] = {
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL,
		    0),
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL,
		    0),
		OSSL_PARAM_END,
	};

	(void)p;
	(void)provider;
	return list;
}

static int
begin(void *p, const char *digest, void *key, const OSSL_PARAM params[])
{
	struct signature *s = p;
	size_t n = digest == NULL ? 0 : strlen(digest);

	s->key = key;
	if (key == NULL || s->key->distant == NULL || n >= sizeof(s->digest))
		return 0;
	/* For what nobody signs OpenSSL then looks elsewhere. */
	if (scheme_of(s->key->type, digest, false) == NULL &&
	    scheme_of(s->key->type, digest, true) == NULL)
		return 0;
	s->pss = strcmp(s->key->type, "RSA-PSS") == 0;
	memcpy(s->digest, digest == NULL ? "" : digest, n + 1);
	return set_params(s, params);
}

static int
complain(const struct distant *d, enum signing_result r)
{
	ERR_clear_error();
	ERR_new();
	ERR_set_error(d->errors, (int)r, NULL);
	return 0;
}

static int
finish(void *p, unsigned char *out, size_t *n, size_t room,
    const unsigned char *text, size_t size)
{
	const struct signature *s = p;
	const struct distant *d = s->key->distant;
	const struct scheme *scheme = scheme_of(s->key->type,
	    s->digest[0] == '\0' ? NULL : s->digest, s->pss);
	struct signing question = { SIGNING_HANDSHAKE, 0, s->key->number,
	    str_span(text, size) };
	enum signing_result r;

	if (scheme == NULL)
		return complain(d, SIGNING_REFUSED);
	if (out == NULL) {
		*n = (size_t)EVP_PKEY_get_size(s->key->public);
		return 1;
	}
	question.scheme = scheme->number;
	*n = room;
	r = signing_ask(d->door, &question, out, n);
	return r == SIGNING_DONE ? 1 : complain(d, r);
}

/* ---- what OpenSSL is told of all that ---- */

typedef void function(void);
#define ROW(number, f)	{ number, (function *)f }

/* Functions of a type of keys, which is not among their arguments. */
#define KEYS(name, type, signature)					\
static int								\
import_##name(void *p, int selection, const OSSL_PARAM params[])	\
{									\
	(void)selection;						\
	return import(p, type, params);					\
}									\
static const char *							\
way_of_##name(int operation)						\
{									\
	return operation == OSSL_OP_SIGNATURE ? signature : type;	\
}									\
static const OSSL_DISPATCH keys_##name[] = {				\
	ROW(OSSL_FUNC_KEYMGMT_NEW, make_key),				\
	ROW(OSSL_FUNC_KEYMGMT_FREE, free_key),				\
	ROW(OSSL_FUNC_KEYMGMT_HAS, has),				\
	ROW(OSSL_FUNC_KEYMGMT_MATCH, is_same),				\
	ROW(OSSL_FUNC_KEYMGMT_IMPORT, import_##name),			\
	ROW(OSSL_FUNC_KEYMGMT_IMPORT_TYPES, import_types),		\
	ROW(OSSL_FUNC_KEYMGMT_GET_PARAMS, get_params),			\
	ROW(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, gettable_params),	\
	ROW(OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, way_of_##name),	\
	{ 0, NULL },							\
}

KEYS(rsa, "RSA", "RSA");
KEYS(pss, "RSA-PSS", "RSA");
KEYS(ec, "EC", "ECDSA");
KEYS(ed25519, "ED25519", "ED25519");
KEYS(ed448, "ED448", "ED448");

static const OSSL_DISPATCH signatures[] = {
	ROW(OSSL_FUNC_SIGNATURE_NEWCTX, make_signature),
	ROW(OSSL_FUNC_SIGNATURE_FREECTX, mem_free),
	ROW(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, begin),
	ROW(OSSL_FUNC_SIGNATURE_DIGEST_SIGN, finish),
	ROW(OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, set_params),
	ROW(OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, settable_params),
	{ 0, NULL },
};

static const OSSL_ALGORITHM *
query(void *provider, int operation, int *may_not_cache)
{
	static const char is[] = "provider=" OURS;
	static const OSSL_ALGORITHM keys[] = {
		{ "RSA:rsaEncryption:1.2.840.113549.1.1.1", is, keys_rsa,
		    NULL },
		{ "RSA-PSS:RSASSA-PSS:1.2.840.113549.1.1.10", is, keys_pss,
		    NULL },
		{ "EC:id-ecPublicKey:1.2.840.10045.2.1", is, keys_ec, NULL },
		{ "ED25519:1.3.101.112", is, keys_ed25519, NULL },
		{ "ED448:1.3.101.113", is, keys_ed448, NULL },
		{ NULL, NULL, NULL, NULL },
	};
	static const OSSL_ALGORITHM ways[] = {
		{ "RSA:rsaEncryption:1.2.840.113549.1.1.1", is, signatures,
		    NULL },
		{ "ECDSA", is, signatures, NULL },
		{ "ED25519:1.3.101.112", is, signatures, NULL },
		{ "ED448:1.3.101.113", is, signatures, NULL },
		{ NULL, NULL, NULL, NULL },
	};

	(void)provider;
	*may_not_cache = 0;
	return operation == OSSL_OP_KEYMGMT ? keys :
	    operation == OSSL_OP_SIGNATURE ? ways : NULL;
}

static int
start(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *theirs,
    const OSSL_DISPATCH **ours, void **provider)
{
	static const OSSL_DISPATCH list[] = {
		ROW(OSSL_FUNC_PROVIDER_QUERY_OPERATION, query),
		{ 0, NULL },
	};

	(void)theirs;
	*ours = list;
	*provider = (void *)(uintptr_t)handle;
	return 1;
}

struct distant *
distant_new(int door)
{
	struct distant *d = mem_alloc(sizeof(*d));

	d->door = door;
	d->errors = ERR_get_next_error_library();
	for (size_t i = 0; i < TEXTS; i++)
		d->text[i] = (ERR_STRING_DATA){ ERR_PACK(0, 0,
		    texts[i].result), texts[i].text };
	(void)ERR_load_strings(d->errors, d->text);
	d->library = OSSL_LIB_CTX_new();
	if (d->library != NULL &&
	    OSSL_PROVIDER_add_builtin(d->library, OURS, start) == 1)
		d->provider = OSSL_PROVIDER_load(d->library, OURS);
	if (d->provider != NULL)
		return d;
	distant_free(d);
	return NULL;
}

void
distant_free(struct distant *d)
{
	if (d == NULL)
		return;
	if (d->provider != NULL)
		(void)OSSL_PROVIDER_unload(d->provider);
	OSSL_LIB_CTX_free(d->library);
	(void)ERR_unload_strings(d->errors, d->text);
	mem_free(d);
}

EVP_PKEY *
distant_key(struct distant *d, EVP_PKEY *public, uint32_t number)
{
	struct key k = { public, type_of(public), d, number };
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OURS, &k, sizeof(k)),
		OSSL_PARAM_construct_end(),
	};
	EVP_PKEY_CTX *ctx = NULL;
	EVP_PKEY *key = NULL;

	if (k.type != NULL)
		ctx = EVP_PKEY_CTX_new_from_name(d->library, k.type, NULL);
	if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	return key;
}
