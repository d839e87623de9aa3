/* SPDX-License-Identifier: ISC */
/*
 * tls/gate and tls/scheme: what may be signed with a key of TLS, and a table of
 * what else somebody could want to have signed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "tls/gate.h"

#define SPACES	"                                                                "
#define LABEL	"TLS 1.3, server CertificateVerify"
#define H16	"0123456789abcdef"
#define H32	H16 H16
#define H64	H32 H32
#define NUL	"\0"
#define P65	"\x04" H64
#define P97	"\x04" H64 H32

/* What it takes in TLS 1.2 and 1.3 (RSA-PSS), in 1.2 only (PKCS #1), and in
 * what came before (SHA-1). */
enum { NO = 0, PSS = 1, PKCS = 2, OLD = 4, YES = 7, NEW = PSS };

#define T(lit)	{ lit, sizeof(lit) - 1 }
static const struct {
	const char *name;
	struct str text;
	int may;
} texts[] = {
	{ "1.3, SHA-256", T(SPACES LABEL NUL H32), NEW },
	{ "1.3, SHA-384", T(SPACES LABEL NUL H32 H16), NEW },
	{ "1.2, P-256", T(H64 "\3\0\x17\x41" P65), YES },
	{ "1.2, P-384", T(H64 "\3\0\x18\x61" P97), YES },
	{ "1.2, X25519", T(H64 "\3\0\x1d\x20" H32), YES },
	{ "1.2, whose randoms are spaces", T(SPACES "\3\0\x1d\x20" H32), YES },

	{ "nothing", T(""), NO },
	{ "a NUL", T("\0"), NO },
	{ "a digest", T(H32), NO },
	{ "a long digest", T(H64), NO },
	{ "a client's", T(SPACES "TLS 1.3, client CertificateVerify" NUL H32),
	    NO },
	{ "another label of the same length",
	    T(SPACES "TLS 1.3, server CertificateVerifi" NUL H32), NO },
	{ "the label in small letters",
	    T(SPACES "tls 1.3, server certificateverify" NUL H32), NO },
	{ "no NUL", T(SPACES LABEL H32), NO },
	{ "a space for the NUL", T(SPACES LABEL " " H32), NO },
	{ "no digest", T(SPACES LABEL NUL), NO },
	{ "half of a digest", T(SPACES LABEL NUL H16), NO },
	{ "31 bytes", T(SPACES LABEL NUL H16 "0123456789abcde"), NO },
	{ "33 bytes", T(SPACES LABEL NUL H32 "x"), NO },
	{ "47 bytes", T(SPACES LABEL NUL H32 "0123456789abcde"), NO },
	{ "49 bytes", T(SPACES LABEL NUL H32 H16 "x"), NO },
	{ "SHA-512", T(SPACES LABEL NUL H64), NO },
	{ "63 spaces and one more byte", T("x" SPACES LABEL NUL H32), NO },
	{ "a tab among the spaces",
	    T("\t                                                               "
	    LABEL NUL H32), NO },
	{ "65 spaces", T(SPACES " " LABEL NUL H32), NO },
	{ "spaces only", T(SPACES SPACES "  "), NO },
	{ "an exporter's", T(SPACES "TLS 1.3, server Exported CertVfy " NUL
	    H32), NO },

	{ "1.2, no point", T(H64 "\3\0\x1d\0"), NO },
	{ "1.2, no head", T(H64 "\3\0\x1d"), NO },
	{ "1.2, short point", T(H64 "\3\0\x1d\x10" H16), NO },
	{ "1.2, point shorter than it says", T(H64 "\3\0\x1d\x20" H16), NO },
	{ "1.2, something behind the point", T(H64 "\3\0\x1d\x20" H32 "x"),
	    NO },
	{ "1.2, X25519 with the length of P-256", T(H64 "\3\0\x1d\x41" P65),
	    NO },
	{ "1.2, P-256 with the length of X25519", T(H64 "\3\0\x17\x20" H32),
	    NO },
	{ "1.2, compressed", T(H64 "\3\0\x17\x21\x02" H32), NO },
	{ "1.2, P-256 in another form", T(H64 "\3\0\x17\x41\x06" H64), NO },
	{ "1.2, a group that is not offered", T(H64 "\3\0\x19\x85\x04" H64 H64
	    "0123"), NO },
	{ "1.2, a private group", T(H64 "\3\xfe\1\x20" H32), NO },
	{ "1.2, explicit_prime", T(H64 "\1\0\x1d\x20" H32), NO },
	{ "1.2, explicit_char2", T(H64 "\2\0\x1d\x20" H32), NO },
	{ "1.2, DHE", T(H64 "\0\2ab\0\1\2\0\2cd"), NO },
	{ "1.2, one random less", T(H32 "\3\0\x1d\x20" H32), NO },
	{ "1.2, one byte less", T(H32 H16 "0123456789abcde" "\3\0\x1d\x20" H32),
	    NO },

	{ "DKIM", T("from:Alice <alice@a.example>\r\nto:bob@b.example\r\n"
	    "subject:Hello\r\ndkim-signature:v=1; a=rsa-sha256; c=relaxed/"
	    "relaxed; d=a.example; s=one; h=from:to:subject; bh="
	    "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b="), NO },
	{ "X.509", T("\x30\x82\x01\x0a\xa0\x03\x02\x01\x02\x02\x01\x01\x30\x0a"
	    "\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02" H64 H64), NO },
	{ "a digest's DER", T("\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03"
	    "\x04\x02\x01\x05\0\x04\x20" H32), NO },
	{ "OCSP", T("\x30\x81\x9f\xa2\x16\x04\x14" H16 "0123" H64 H32), NO },
	{ "a JWT", T("eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJhLmV4YW1wbGUifQ"), NO },
	{ "SSH", T("\0\0\0\x20" H32 "\x32\0\0\0\4root\0\0\0\x0essh-connection"
	    "\0\0\0\x09publickey\1"), NO },
	{ "a Finished", T("\x14\0\0\x20" H32), NO },
};

static void
check(const char *name, uint16_t number, bool old, struct str text, bool may)
{
	const struct scheme *s = scheme_find(number);

	assert_non_null(s);
	if (gate_may_sign(s, old, text) != may)
		fail_msg("%s: %x", name, number);
}

static void
test_texts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		const char *name = texts[i].name;
		struct str text = texts[i].text;
		int may = texts[i].may;

		check(name, 0x0804, false, text, may & PSS);
		check(name, 0x0403, false, text, may & PSS);
		check(name, 0x0807, false, text, may & PSS);
		check(name, 0x0401, false, text, may & PKCS);
		check(name, 0x0201, true, text, may & OLD);
		check(name, 0x0203, true, text, may & OLD);
		check(name, 0xfe01, true, text, may & OLD);
		/* SHA-1 only where it is asked for. */
		check(name, 0x0201, false, text, false);
		check(name, 0x0203, false, text, false);
		check(name, 0xfe01, false, text, false);
	}
}

/* Of what is good every byte but those of randoms, digests and points. */
static void
test_each_byte(void **state)
{
	const struct scheme *s = scheme_find(0x0403);
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct str good = texts[i].text;
		size_t from = 64, to;

		if (texts[i].may == NO)
			continue;
		if (texts[i].may == NEW) {
			from = 0;
			to = 64 + sizeof(LABEL);
		} else {
			to = from + (good.n == 64 + 4 + 32 ? 4 : 5);
		}
		for (size_t at = from; at < to; at++)
			for (int bit = 0; bit < 8; bit++) {
				memcpy(text, good.p, good.n);
				text[at] ^= (char)(1 << bit);
				if (gate_may_sign(s, true,
				    str_span(text, good.n)))
					fail_msg("%s: bit %d of byte %zu",
					    texts[i].name, bit, at);
			}
		for (size_t n = 0; n < good.n; n++)
			/* The one of 32 bytes begins that of 48. */
			if (gate_may_sign(s, true, str_slice(good, 0, n)) &&
			    (texts[i].may != NEW || n != good.n - 16))
				fail_msg("%s: cut to %zu", texts[i].name, n);
	}
}

static const struct {
	const char *type, *digest;
	bool pss;
	unsigned number;		/* 0: none */
} ways[] = {
	{ "RSA", "sha256", true, 0x0804 },
	{ "RSA", "SHA2-256", true, 0x0804 },
	{ "RSA", "SHA2-384", false, 0x0501 },
	{ "RSA", "SHA512", true, 0x0806 },
	{ "RSA", "SHA1", false, 0x0201 },
	{ "RSA", "MD5-SHA1", false, 0xfe01 },
	{ "EC", "SHA2-256", false, 0x0403 },
	{ "EC", "sha384", false, 0x0503 },
	{ "EC", "SHA1", false, 0x0203 },
	{ "RSA-PSS", "SHA2-256", true, 0x0809 },
	{ "ED25519", NULL, false, 0x0807 },
	{ "ED448", NULL, false, 0x0808 },
	{ "RSA", NULL, false, 0 },
	{ "RSA", "", false, 0 },
	{ "RSA", "MD5", false, 0 },
	{ "RSA", "SHA2-224", false, 0 },
	{ "RSA", "SHA1", true, 0 },
	{ "RSA-PSS", "SHA2-256", false, 0 },
	{ "EC", "MD5-SHA1", false, 0 },
	{ "EC", "SHA2-256", true, 0 },
	{ "ED25519", "SHA2-512", false, 0 },
	{ "DSA", "SHA2-256", false, 0 },
};

static void
test_ways(void **state)
{
	const struct scheme *s;

	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		s = scheme_of(ways[i].type, ways[i].digest, ways[i].pss);
		if ((s == NULL ? 0 : s->number) != ways[i].number)
			fail_msg("%s with %s", ways[i].type, ways[i].digest);
	}
	assert_null(scheme_find(0));
	assert_null(scheme_find(0x0402));
	for (unsigned i = 0; (s = scheme_at(i)) != NULL; i++) {
		assert_ptr_equal(scheme_find(s->number), s);
		assert_ptr_equal(scheme_of(s->type, s->digest, s->pss), s);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_each_byte),
		cmocka_unit_test(test_ways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
