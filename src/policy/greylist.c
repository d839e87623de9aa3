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

#define CLOCK_SLACK	300		/* seconds */

static void
put_network(struct buf *out, const struct ip *ip)
{
	buf_putc(out, (char)ip->family);
	buf_put(out, ip->b, ip->family == 4 ? 3 : 8);
}

static void
put_folded(struct buf *out, struct str local, struct str domain)
{
	size_t from = out->n;

	buf_puts(out, local);
	buf_putc(out, '@');
	buf_puts(out, domain);
	buf_putc(out, '\0');
	str_lower(out->p + from, out->n - from);
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
    struct greylist_tags *tags)
{
	struct buf b = { 0 };

	put_network(&b, client);
	tags->network = grey_tag(g, buf_str(&b));
	put_folded(&b, without_number(sender->local), sender->domain);
	put_folded(&b, recipient->local, recipient->domain);
	tags->triplet = grey_tag(g, buf_str(&b));
	buf_free(&b);
}

static bool
is_alive(const struct grey_slot *slot, uint32_t now)
{
	uint32_t keep = GREYLIST_KEEP, from;

	if (slot == NULL || slot->first > now + CLOCK_SLACK)
		return false;
	from = slot->last;
	if (slot->passes == 0) {
		keep = GREYLIST_FORGET;
		from = slot->first;
	}
	return now <= from || now - from < keep;
}

static bool
is_known(const struct grey_slot *network, uint32_t now)
{
	return is_alive(network, now) && network->passes >= GREYLIST_PASSES;
}

uint32_t
greylist_judge(const struct grey_slot *triplet,
    const struct grey_slot *network, uint32_t delay, uint32_t now)
{
	uint32_t age;

	if (is_known(network, now))
		return 0;
	if (!is_alive(triplet, now))
		return delay;
	age = now > triplet->first ? now - triplet->first : 0;
	return triplet->passes > 0 || age >= delay ? 0 : delay - age;
}

/* What cannot be read is worth no wait: it might never be. */
uint32_t
greylist_ask(const struct grey *g, const struct greylist_tags *tags,
    uint32_t delay, uint32_t now)
{
	struct grey_slot triplet, network;
	int has_network = grey_find(g, tags->network, &network), has_triplet;

	if (has_network < 0 || (has_network > 0 && is_known(&network, now)))
		return 0;
	has_triplet = grey_find(g, tags->triplet, &triplet);
	return has_triplet < 0 ? 0 : greylist_judge(has_triplet > 0 ?
	    &triplet : NULL, has_network > 0 ? &network : NULL, delay, now);
}

/* The slot as it is, or a fresh one; false: it cannot be read. */
static bool
take(const struct grey *g, uint64_t tag, uint32_t now,
    struct grey_slot *slot)
{
	int found = grey_find(g, tag, slot);

	if (found == 0 || (found > 0 && !is_alive(slot, now)))
		*slot = (struct grey_slot){ .tag = tag, .first = now,
		    .last = now };
	return found >= 0;
}

bool
greylist_note(const struct grey *g, const struct greylist_tags *tags,
    uint32_t delay, uint32_t now)
{
	struct grey_slot triplet, network;
	bool is_first, ok = true;

	if (!take(g, tags->triplet, now, &triplet) ||
	    !take(g, tags->network, now, &network))
		return false;
	is_first = triplet.passes == 0 && now > triplet.first &&
	    now - triplet.first >= delay;
	triplet.passes += is_first;
	triplet.last = now;
	/* Of a network that is known nothing more need be kept. */
	if (!is_known(&network, now))
		ok = grey_save(g, &triplet);
	network.passes += is_first;
	network.last = now;
	if (network.passes > 0)
		ok &= grey_save(g, &network);
	return ok;
}
