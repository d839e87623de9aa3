/* SPDX-License-Identifier: ISC */
/*
 * What the private keys of TLS may sign, and nothing else.
 *
 * A process that was taken over can ask the keeper for signatures as long as
 * it lives.  What it gets by that must be good for one thing: a handshake of
 * this server, at this moment.  So the keeper wants the text, not its digest,
 * and the text must have one of two shapes, with every length exact:
 *
 *	TLS 1.3		64 spaces, "TLS 1.3, server CertificateVerify", a NUL,
 *			and the digest of the handshake so far: 32 or 48 bytes
 *	until TLS 1.2	32 bytes of the client's, 32 of ours, and our share:
 *			named_curve, a group, the length of its point, the point
 *
 * A client's CertificateVerify is refused as well: the server is a server.  No
 * text has both shapes, for where the one has the kind of the curve, 3, the
 * other has its 'T'.
 *
 * There is no exchange of keys by RSA, hence nothing here that decrypts.
 */
#include "tls/gate.h"

#include <stdint.h>
#include <string.h>

enum {
	SPACES = 64,
	RANDOMS = 32 + 32,
	NAMED_CURVE = 3,	/* RFC 8422 5.4 */
	PARAMS_HEAD = 4,	/* kind, group, length */
	UNCOMPRESSED = 4,	/* RFC 8422 5.4.1 */
};

/* Those that the server offers (tls/tls_server) and TLS 1.2 knows. */
static const struct {
	uint16_t	number;		/* RFC 8422 5.1.1 */
	uint8_t		length;
	bool		marked;		/* the point begins with its form */
} groups[] = {
	{ 23, 65, true },		/* P-256 */
	{ 24, 97, true },		/* P-384 */
	{ 29, 32, false },		/* X25519 */
};

static bool
is_verify(struct str text)
{
	/* The NUL at its end belongs to it. */
	static const char label[] = "TLS 1.3, server CertificateVerify";
	size_t head = SPACES + sizeof(label);

	if (text.n != head + 32 && text.n != head + 48)
		return false;
	for (size_t i = 0; i < SPACES; i++)
		if (text.p[i] != ' ')
			return false;
	return memcmp(text.p + SPACES, label, sizeof(label)) == 0;
}

static bool
is_exchange(struct str text)
{
	const uint8_t *p = (const uint8_t *)text.p + RANDOMS;
	uint16_t group;

	if (text.n < RANDOMS + PARAMS_HEAD || p[0] != NAMED_CURVE ||
	    text.n != (size_t)RANDOMS + PARAMS_HEAD + p[3])
		return false;
	group = (uint16_t)(p[1] << 8 | p[2]);
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if (groups[i].number == group)
			return p[3] == groups[i].length &&
			    (!groups[i].marked || p[4] == UNCOMPRESSED);
	return false;
}

bool
gate_may_sign(const struct scheme *scheme, bool old, struct str text)
{
	if (scheme->old && !old)
		return false;
	if (is_verify(text))
		return scheme->newest;
	return is_exchange(text);
}
