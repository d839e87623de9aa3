/* SPDX-License-Identifier: ISC */
/*
 * A message that somebody wants to send who has logged in, at the doorkeeper's:
 * one packet, which is weighed against the login's budget (auth/spending) and
 * answered in one.  The session shows the pass that its login was given with the
 * yes: for another login it has none.  Without a pass it can tell of a login by a
 * certificate or XCLIENT, where there are such.
 *
 * The line in the log, when a login is over its budget, is made here, once; what
 * the session does about it stands in intake/purse, and comes back in a packet that
 * is not answered.
 */
#include "doorkeeper/cashier.h"

#include "auth/sasl.h"
#include "base/bytes.h"
#include "os/log.h"

void
cashier_answer(struct spending *s, const struct conf_allowance *most,
    int sock, const struct door_packet *asked, bool believed, int64_t now)
{
	struct spending_wish w = { asked->field[0], asked->field[1],
	    asked->field[3], asked->field[2].n != 4 ? 0 :
	    bytes_get_le32((const uint8_t *)asked->field[2].p) };
	struct buf why = { 0 };
	struct door_packet p = { .kind = DOOR_WITHIN };
	unsigned news;

	if (!sasl_is_name(w.login))
		return;
	if (!believed) {
		log_warning("a session told of a login that nobody has "
		    "proved");
		return;
	}
	switch (spending_take(s, most, &w, now, &why, &news)) {
	case SPENDING_WITHIN:
		break;
	case SPENDING_OVER:
		p.kind = DOOR_OVER;
		p.flags = (news & SPENDING_OWED) != 0 ? DOOR_OWED : 0;
		break;
	case SPENDING_FAR_OVER:
		p.kind = DOOR_LATER;
		break;
	case SPENDING_FALSE:
		log_warning("a session wanted to spend what is not its own");
		return;
	}
	if ((news & SPENDING_FIRST) != 0)
		log_warning("login %.*s is over its budget: %s; what it sends "
		    "now is held", STR_ARG(w.login), buf_cstr(&why));
	p.field[0] = buf_str(&why);
	(void)door_send(sock, &p);
	buf_free(&why);
}

void
cashier_hear(struct spending *s, const struct door_packet *p, bool believed,
    int64_t now)
{
	struct spending_wish w = { .login = p->field[0], .pass = p->field[1] };

	if (sasl_is_name(w.login) && (!believed || !spending_told(s, &w,
	    (p->flags & DOOR_OWED) == 0, now)))
		log_warning("a session reported what is not its own");
}
