/* SPDX-License-Identifier: ISC */
/*
 * The one place that talks to libidn2: a domain name as people write it
 * becomes the name that the DNS knows (RFC 5891 5).
 *
 * A name that is ASCII already costs a lower-case copy and the library is
 * not entered; nearly all mail goes that way.  The others are mapped as UTS
 * 46 says, non-transitional, so that "straße" and "strasse" stay two names.
 * What the library returns is looked at again with our own eyes: mapping can
 * make an empty label of an invisible character and a slash of a wide one, and
 * no such surprise may reach a query or a log line.
 *
 * Called when a name goes to the DNS, and once for an address whose domain is
 * not ASCII, so that an impossible one is refused at the door.
 */
#include "mail/idna.h"

#include <idn2.h>

#include "base/utf8.h"
#include "mail/domain.h"

/*
 * Not IDN2_USE_STD3_ASCII_RULES: with it the library does not refuse a wide
 * slash but drops it, and another domain comes out.
 */
#define IDNA_FLAGS	(IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL)

static int
refuse(struct fault *why, const char *reason)
{
	return fault_permanent(why, 553, 1, 2, "impossible domain name: %s",
	    reason);
}

static int
convert(struct arena *a, struct str name, struct str *ascii,
    struct fault *why)
{
	struct str z;
	uint8_t *out;
	int e;

	z = arena_str(a, name);
	out = NULL;
	e = idn2_lookup_u8((const uint8_t *)z.p, &out, IDNA_FLAGS);
	if (e == IDN2_MALLOC)
		return fault_temporary(why, 451, 3, 0,
		    "no memory to convert a domain name");
	if (e != IDN2_OK)
		return refuse(why, idn2_strerror(e));
	*ascii = domain_fold(a, str_of((const char *)out));
	idn2_free(out);
	return 0;
}

int
idna_to_ascii(struct arena *a, struct str name, struct str *ascii,
    struct fault *why)
{
	if (utf8_is_ascii(name)) {
		if (!domain_is_hostlike(name))
			return refuse(why, "not made of letters, digits and "
			    "hyphens");
		*ascii = domain_fold(a, name);
		return 0;
	}
	if (!domain_is_valid(name, true))
		return refuse(why, "malformed");
	if (convert(a, name, ascii, why) == -1)
		return -1;
	if (!domain_is_valid(*ascii, false))
		return refuse(why, "malformed when converted");
	return 0;
}
