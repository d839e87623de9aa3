/* SPDX-License-Identifier: ISC */
/*
 * The one place that talks to libunistring: a local part as it is compared.
 *
 * RFC 6531 leaves to the receiving host what is the same local part, and says
 * with RFC 6532 3.1 that names are to be in Unicode's normal form C; of that one
 * an "ö" and an "o" with two dots are the same.  Letters of ASCII are the same in
 * either case here, as they were before there were others.  What is sent on and
 * delivered keeps the form in which it came: nothing but keys is made here.
 *
 * Some characters become ASCII (the Kelvin sign is a K), and a letter in lower
 * case may have a form with its mark where that in upper case has none, so it
 * is brought into the normal form, then into lower case, and into the normal
 * form again.  What is made of it is only compared, so a quote or a semicolon
 * that appears does no harm.
 *
 * ASCII, which nearly all local parts are, costs a copy in lower case and does
 * not enter the library.  What is no UTF-8 is compared as it is.
 */
#include "mail/nfc.h"

#include <stdlib.h>
#include <uninorm.h>

#include "base/utf8.h"
#include "mail/domain.h"

static struct str
compose(struct arena *a, struct str s)
{
	struct str out = s;
	uint8_t *p;
	size_t n;

	p = u8_normalize(UNINORM_NFC, (const uint8_t *)s.p, s.n, NULL, &n);
	if (p != NULL)
		out = arena_str(a, str_span((const char *)p, n));
	free(p);
	return out;
}

struct str
nfc_fold(struct arena *a, struct str s)
{
	if (utf8_is_ascii(s) || !utf8_is_valid(s))
		return domain_fold(a, s);
	return compose(a, domain_fold(a, compose(a, s)));
}
