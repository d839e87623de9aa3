/* SPDX-License-Identifier: ISC */
/*
 * ETRN (RFC 1985) on the runner's side: the mail of one domain is to be tried
 * now.  The runner knows names and times, not domains; so a child walks over the
 * spool, reads envelopes, and asks for each entry in which a recipient of that
 * domain still waits to be flushed, by the socket by which mailq's questions do.
 *
 * Few such walks go on at once; more are left out, with a line in the log, and
 * the mail goes when its time comes.  A message that its sender wants to be held
 * stays (queue/worker).
 */

#include "queue/etrn.h"

#include <poll.h>
#include <unistd.h>

#include "mail/domain.h"
#include "mail/idna.h"
#include "os/log.h"
#include "spool/notify.h"
#include "spool/scan.h"

/* Nobody's: they share what one user may have. */
#define ASKER	((uid_t)-2)

enum {
	PATIENCE_MS = 10 * 1000,
};

static bool
is_meant(struct arena *a, struct str domain, struct str node)
{
	struct str ascii;
	struct fault why;

	if (domain.n == 0 || domain.p[0] == '[' ||
	    idna_to_ascii(a, domain, &ascii, &why) < 0)
		return false;
	if (!str_starts(node, STR("@")))
		return domain_eq(ascii, node);
	node = str_from(node, 1);
	return domain_eq(ascii, node) || (ascii.n > node.n &&
	    ascii.p[ascii.n - node.n - 1] == '.' &&
	    str_caseends(ascii, node));
}

static bool
waits_for(struct message *m, struct str node)
{
	for (uint32_t i = 0; i < m->super.recipients; i++)
		if (slot_is_pending(&m->slots[i]) && is_meant(&m->arena,
		    m->envelope.recipients.p[i].address.domain, node))
			return true;
	return false;
}

/* A word that finds no room is lost, and few have room at once. */
static void
wait_for_room(int notify)
{
	struct pollfd p = { .fd = notify, .events = POLLOUT };

	(void)poll(&p, 1, PATIENCE_MS);
}

/* In a child. */
static void
walk(const struct spool *spool, int notify, const char *domain)
{
	unsigned n = 0;
	struct scan scan;
	struct message m;
	struct fault why;
	const char *name;

	scan_start(&scan, spool, false);
	while ((name = scan_next(&scan, &why)) != NULL) {
		if (message_open(&m, spool, name, false, &why) != MESSAGE_OK)
			continue;
		if (waits_for(&m, str_of(domain))) {
			wait_for_room(notify);
			notify_send(notify, NOTIFY_FLUSH, name);
			n++;
		}
		message_close(&m);
	}
	scan_stop(&scan);
	log_info("ETRN %s: %u messages", domain, n);
}

void
etrn_hear(struct asides *a, const struct stock *stock, int notify,
    const char *domain)
{
	if (aside_is_full_for(a, ASKER)) {
		log_warning("ETRN %s: too many at once; its mail goes when "
		    "its time comes", domain);
		return;
	}
	if (aside_start(a, ASKER, stock->spool, "etrn", &notify, 1) == 0) {
		walk(stock->spool, notify, domain);
		_exit(0);
	}
}
