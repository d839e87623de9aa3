/* SPDX-License-Identifier: ISC */
/*
 * Greylisting, as arithmetic on two slots.
 *
 *	(nothing) ──first attempt──▶ new ──again, after the delay──▶ known
 *	    ▲                         │ 2 days                        │ 36 days
 *	    └─────────────────────────┴───────────────────────────────┘
 *
 * A network (/24, /64) some of whose mail came again five times is let in
 * without a look at sender and recipient: it has a queue, which is all that
 * this can find out.
 *
 * A session only asks; what it saw it tells the runner, who notes it with the
 * same arithmetic and its own clock.  A time of the future is no time: the
 * clock was set back.  Letters of addresses count in no case, and of a sender
 * the part behind + or = is left away, in which lists number what they send.
 */
#include "policy/greylist.h"

#include "base/buf.h"
#include "mail/fold.h"

/* In octets: what is known by its mail, what shares the room in the file, and
 * what shares that share. */
struct widths {
	size_t	network, site, host;
};

static void
put_prefix(struct buf *out, const struct ip *ip, size_t octets)
{
	buf_putc(out, (char)ip->family);
	buf_put(out, ip->b, octets);
}

static uint64_t
tag_prefix(const struct grey *g, struct buf *b, const struct ip *ip,
    size_t octets)
{
	buf_reset(b);
	put_prefix(b, ip, octets);
	return grey_tag(g, buf_str(b));
}

static void
put_folded(struct buf *out, struct arena *scratch, struct str local,
    struct str domain)
{
	buf_puts(out, fold_mailbox(scratch, local, domain));
	buf_putc(out, '\0');
}

static struct str
without_number(struct str local)
{
	size_t plus = str_find(local, '+'), equal = str_find(local, '=');

	return str_slice(local, 0, plus < equal ? plus : equal);
}

void
greylist_tags(const struct grey *g, const struct ip *client,
    const struct address *sender, const struct address *recipient,
    struct grey_tags *tags)
{
	static const struct widths four = { 3, 3, 4 }, six = { 8, 6, 8 };
	const struct widths *w = client->family == 4 ? &four : &six;
	struct arena scratch = { 0 };
	struct buf b = { 0 };

	tags->site = tag_prefix(g, &b, client, w->site);
	tags->host = tag_prefix(g, &b, client, w->host);
	tags->network = tag_prefix(g, &b, client, w->network);
	put_folded(&b, &scratch, without_number(sender->local),
	    sender->domain);
	put_folded(&b, &scratch, recipient->local, recipient->domain);
	tags->triplet = grey_tag(g, buf_str(&b));
	buf_free(&b);
	arena_free(&scratch);
}

static bool
is_known(const struct grey_slot *network, uint32_t now)
{
	return grey_is_alive(network, now) && network->passes >= GREYLIST_PASSES;
}

uint32_t
greylist_judge(const struct grey_slot *triplet,
    const struct grey_slot *network, uint32_t delay, uint32_t now)
{
	uint32_t age;

	if (is_known(network, now))
		return 0;
	if (!grey_is_alive(triplet, now))
		return delay;
	age = now > triplet->first ? now - triplet->first : 0;
	return triplet->passes > 0 || age >= delay ? 0 : delay - age;
}

/* What cannot be read is worth no wait: it might never be. */
uint32_t
greylist_ask(const struct grey *g, const struct grey_tags *tags,
    uint32_t delay, uint32_t now)
{
	struct grey_slot triplet, network;

	return !grey_find(g, tags, &triplet, &network) ? 0 :
	    greylist_judge(&triplet, &network, delay, now);
}

/* The slot as it is, or a fresh one. */
static void
take(struct grey_slot *slot, uint64_t tag, uint32_t now)
{
	if (!grey_is_alive(slot, now))
		*slot = (struct grey_slot){ .tag = tag, .first = now,
		    .last = now };
}

bool
greylist_note(const struct grey *g, const struct grey_tags *tags,
    uint32_t delay, uint32_t now)
{
	struct grey_slot triplet, network;
	bool is_first, ok = true;

	if (!grey_find(g, tags, &triplet, &network))
		return false;
	take(&triplet, tags->triplet, now);
	take(&network, tags->network, now);
	is_first = triplet.passes == 0 && now > triplet.first &&
	    now - triplet.first >= delay;
	triplet.passes += is_first;
	triplet.last = now;
	/* Of a network that is known nothing more need be kept. */
	if (!is_known(&network, now))
		ok = grey_save(g, tags, &triplet);
	network.passes += is_first;
	network.last = now;
	if (network.passes > 0)
		ok &= grey_save(g, tags, &network);
	return ok;
}
