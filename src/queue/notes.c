/* SPDX-License-Identifier: ISC */
/*
 * What the runner is told: an entry is there, was withdrawn, or has left a
 * temporary name; a stranger's mail has come, for the greylist; a domain asks for
 * its mail; and, by our own children, to try everything now.
 *
 * A note is a hint from somebody who is not trusted (see spool/notify): a name
 * is looked up on the disk, a tag of the greylist is only ever a tag.  With no
 * workers configured nothing but what was withdrawn is looked at.
 */
#include "queue/notes.h"

#include <unistd.h>

#include "os/clock.h"
#include "os/log.h"
#include "policy/greylist.h"
#include "queue/etrn.h"
#include "spool/notify.h"
#include "spool/temp.h"

enum {
	STEP = 64,			/* notes in one go */
};

/* Once it cannot be written, nobody waits any more. */
static void
note_grey(const struct runner_setup *setup, const struct notify *n)
{
	struct grey *grey = setup->grey;

	if (grey == NULL || grey->fd == -1 || greylist_note(grey, &n->grey,
	    (uint32_t)setup->conf->guest.greylist, (uint32_t)clock_wall()))
		return;
	log_error("greylist: it cannot be written; nobody has to wait until "
	    "it is made anew, at the next start or reload");
	grey_spoil(grey);
}

/* A session withdrew what it had put into hold; nobody else looks there. */
static void
remove_void_held(const struct spool *spool, const char *name)
{
	struct message m;
	struct fault ignored;

	switch (message_open_at(&m, spool->hold, name, name, true,
	    &ignored)) {
	case MESSAGE_OK:
		message_close(&m);
		break;
	case MESSAGE_VOID:
		(void)unlinkat(spool->hold, name, 0);
		break;
	case MESSAGE_GONE:
	case MESSAGE_LOCKED:
	case MESSAGE_DAMAGED:
	case MESSAGE_FAULT:
		break;
	}
}

void
notes_hear(const struct notes *notes, int fd, bool is_own)
{
	const struct runner_setup *setup = notes->setup;
	struct stock *stock = notes->stock;
	struct notify n;

	for (int i = 0; i < STEP; i++) {
		if (notify_receive(fd, &n) != 1)
			return;
		switch (n.kind) {
		case NOTIFY_NEW:
		case NOTIFY_VOID:
			if (n.name[0] != '\0' && (n.kind == NOTIFY_VOID ||
			    setup->conf->workers > 0))
				stock_admit(stock, n.name, false);
			if (n.name[0] != '\0' && n.kind == NOTIFY_VOID)
				remove_void_held(setup->spool, n.name);
			break;
		case NOTIFY_TEMP:
			if (n.name[0] != '\0')
				(void)temp_sweep(setup->spool, n.name, 0);
			break;
		case NOTIFY_GREY:
			note_grey(setup, &n);
			break;
		case NOTIFY_FLUSH:
			if (is_own)
				stock_flush(stock, n.name);
			break;
		case NOTIFY_DOMAIN:
			etrn_hear(notes->asides, stock, notes->own, n.name);
			break;
		}
	}
}
