/* SPDX-License-Identifier: ISC */
/*
 * How names are compared, in one place: by rules and their lists, by the
 * addresses that a login may use, by the book of what a login has spent, by the
 * greylist.
 *
 * A login is folded like the address that it often is: whoever proves passwords
 * may tell "Ann" from "ann", but nobody gives these two to different people
 * and means it, and a rule that can be escaped by a capital is worse than one
 * that is meant for one of them.
 *
 * Nothing that is made here is sent anywhere.  Keys that somebody else has
 * compiled into a database need not be folded like this; policy/lists says what
 * becomes of them.
 */
#include "mail/fold.h"

#include "base/utf8.h"
#include "mail/domain.h"
#include "mail/idna.h"
#include "mail/nfc.h"

struct str
fold_domain(struct arena *arena, struct str domain)
{
	struct fault ignored;
	struct str ascii = domain;

	if (!utf8_is_ascii(domain))
		(void)idna_to_ascii(arena, domain, &ascii, &ignored);
	return domain_fold(arena, ascii);
}

struct str
fold_mailbox(struct arena *arena, struct str local, struct str domain)
{
	return arena_printf(arena, "%.*s@%.*s",
	    STR_ARG(nfc_fold(arena, local)),
	    STR_ARG(fold_domain(arena, domain)));
}

struct str
fold_login(struct arena *arena, struct str login)
{
	size_t at = str_rfind(login, '@');

	return at == login.n ? nfc_fold(arena, login) :
	    fold_mailbox(arena, str_slice(login, 0, at),
	    str_from(login, at + 1));
}
