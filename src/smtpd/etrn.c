/* SPDX-License-Identifier: ISC */
/*
 * ETRN (RFC 1985): a client that was away asks for the mail of its domain to be
 * tried now.  Those for whom we relay may ask, for any domain but our own; the
 * runner is told, and looks for that mail by itself (queue/etrn).  How much there
 * is nobody here knows, so the answer is 250, never 251 to 253.
 *
 * "@example.org" means its subdomains too; "#name", a queue of a name, is not
 * known here.  The worst that the command can do is to have mail tried earlier.
 */

#include "visit/session.h"

#include "mail/domain.h"
#include "mail/idna.h"
#include "policy/checks.h"
#include "smtp/ext.h"
#include "spool/notify.h"

/* The domain in A-labels, with its "@"; NULL: why tells. */
static const char *
read_node(struct session *s, struct arena *a, struct str args,
    struct fault *why)
{
	bool whole = str_starts(args, STR("@"));
	struct str name = whole ? str_from(args, 1) : args, ascii;

	if (args.n == 0 || str_find(args, ' ') < args.n ||
	    (!str_starts(args, STR("#")) &&
	    (!domain_is_valid(name, true) ||
	    idna_to_ascii(a, name, &ascii, why) < 0 ||
	    str_find(ascii, '.') == ascii.n))) {
		fault_permanent(why, 501, 5, 4, "Syntax: ETRN [@]domain");
		return NULL;
	}
	if (str_starts(args, STR("#"))) {
		fault_temporary(why, 459, 7, 1,
		    "Node %.*s not allowed: there are no queues with names",
		    STR_ARG(str_slice(args, 0, DOMAIN_MAX)));
		return NULL;
	}
	if (alias_is_local(s->conf, ascii)) {
		fault_temporary(why, 459, 7, 1,
		    "Node %.*s not allowed: its mail is delivered here",
		    STR_ARG(args));
		return NULL;
	}
	return arena_printf(a, "%s%.*s", whole ? "@" : "",
	    STR_ARG(ascii)).p;
}

void
smtpd_etrn(struct session *s, struct str args)
{
	struct facts facts = session_facts(s);
	struct arena a = { 0 };
	struct fault why;
	const char *node;

	if ((s->extensions & EXT_ETRN) == 0 ||
	    !checks_may_relay(s->conf, &facts)) {
		session_reply(s, 502, (struct status){ 5, 5, 1 },
		    "ETRN is not for you");
		return;
	}
	node = read_node(s, &a, args, &why);
	if (node == NULL) {
		session_reply_fault(s, &why);
	} else if (s->smtpd->notify < 0 || s->conf->workers == 0) {
		session_reply(s, 458, (struct status){ 4, 3, 0 },
		    "Unable to queue messages for node %s", node);
	} else {
		notify_send(s->smtpd->notify, NOTIFY_DOMAIN, node);
		session_reply(s, 250, (struct status){ 2, 0, 0 },
		    "OK, queuing for node %s started", node);
	}
	arena_free(&a);
}
