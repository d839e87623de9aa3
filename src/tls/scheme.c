/* SPDX-License-Identifier: ISC */
/*
 * The signatures that a server may make in a handshake.
 *
 * The one who asks for a signature knows what OpenSSL wants of a key: a digest
 * and a padding.  The one who holds the key is told a number.  This table leads
 * from the one to the other and back, so that nothing but what stands in it
 * can be asked for.
 *
 * Called by tls/distant (to the number) and by tls/vault (from it).
 */
#include "tls/scheme.h"

#include <string.h>
#include <strings.h>

enum { NAMES = 3 };

static const struct scheme schemes[] = {
	{ 0x0201, "RSA", "SHA1", false, false, true },
	{ 0x0203, "EC", "SHA1", false, false, true },
	{ 0x0401, "RSA", "SHA256", false, false, false },
	{ 0x0501, "RSA", "SHA384", false, false, false },
	{ 0x0601, "RSA", "SHA512", false, false, false },
	{ 0x0403, "EC", "SHA256", false, true, false },
	{ 0x0503, "EC", "SHA384", false, true, false },
	{ 0x0603, "EC", "SHA512", false, true, false },
	{ 0x0804, "RSA", "SHA256", true, true, false },
	{ 0x0805, "RSA", "SHA384", true, true, false },
	{ 0x0806, "RSA", "SHA512", true, true, false },
	{ 0x0807, "ED25519", NULL, false, true, false },
	{ 0x0808, "ED448", NULL, false, true, false },
	{ 0x0809, "RSA-PSS", "SHA256", true, true, false },
	{ 0x080a, "RSA-PSS", "SHA384", true, true, false },
	{ 0x080b, "RSA-PSS", "SHA512", true, true, false },
	{ 0xfe01, "RSA", "MD5-SHA1", false, false, true },
};

/* OpenSSL calls one digest by several names, as the mood takes it. */
static const char *const names[][NAMES] = {
	{ "SHA1", "SHA-1", "SSL3-SHA1" },
	{ "SHA256", "SHA2-256", "SHA-256" },
	{ "SHA384", "SHA2-384", "SHA-384" },
	{ "SHA512", "SHA2-512", "SHA-512" },
};

static bool
is_called(const char *digest, const char *name)
{
	if (strcasecmp(digest, name) == 0)
		return true;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i][0], digest) != 0)
			continue;
		for (size_t j = 1; j < NAMES; j++)
			if (strcasecmp(names[i][j], name) == 0)
				return true;
	}
	return false;
}

const struct scheme *
scheme_at(unsigned i)
{
	return i < sizeof(schemes) / sizeof(schemes[0]) ? &schemes[i] : NULL;
}

const struct scheme *
scheme_find(uint16_t number)
{
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (schemes[i].number == number)
			return &schemes[i];
	return NULL;
}

const struct scheme *
scheme_of(const char *type, const char *digest, bool pss)
{
	const struct scheme *s;

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		s = &schemes[i];
		if (strcmp(s->type, type) == 0 && s->pss == pss &&
		    (s->digest == NULL) == (digest == NULL) &&
		    (digest == NULL || is_called(s->digest, digest)))
			return s;
	}
	return NULL;
}
