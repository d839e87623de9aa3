/* SPDX-License-Identifier: ISC */
#ifndef SPOOL_MESSAGE_H
#define SPOOL_MESSAGE_H

#include <stdbool.h>
#include "base/arena.h"
#include "base/fault.h"
#include "mail/envelope.h"
#include "spool/format.h"
#include "spool/path.h"

/* An entry as it is read: its head, its slots, its content. */
struct message {
	int			 fd;
	struct arena		 arena;
	struct format_super	 super;
	struct envelope		 envelope;
	struct slot		*slots;		/* super.recipients of them */
	struct str		 front;		/* borrowed: its first bytes, if
						 * they were read already */
	/* After message_load(): */
	struct str		 parts[FORMAT_PARTS_MAX];
	char			*memory;	/* all of [0, total) */
	bool			 mapped;
	bool			 loaded;	/* and its checksum held */
};

enum message_result {
	MESSAGE_OK,
	MESSAGE_GONE,		/* no such entry */
	MESSAGE_LOCKED,		/* somebody is writing or delivering it */
	MESSAGE_VOID,		/* withdrawn by its maker, or empty: it was
				 * never acknowledged; to be removed */
	MESSAGE_DAMAGED,	/* fault says why: to be set aside */
	MESSAGE_FAULT,		/* it cannot be read now; fault is set */
};

/*
 * Opens an entry: envelope and slots are read and checked.  With lock, it is
 * locked and opened for writing; without, it is only looked at, and the words
 * about it may be a moment old.  On any result but MESSAGE_OK nothing is open.
 */
enum message_result message_open(struct message *, const struct spool *,
	    const char *name, bool lock, struct fault *);
/* The same for one of another place: dirfd of "hold" or "corrupt". */
enum message_result message_open_at(struct message *, int dirfd,
	    const char *path, const char *name, bool lock, struct fault *);
/* Takes over a descriptor (of a locked entry) that came from another process,
 * and reads it whole.  MESSAGE_FAULT with fd >= 0: the head is there, and only
 * the content could not be read. */
enum message_result message_attach(struct message *, int fd, struct fault *);
/* The same, but only envelope and slots are read. */
enum message_result message_head(struct message *, int fd, struct fault *);
/* The same, of one whose first bytes were read already: they are borrowed until
 * message_close(), and whatever lies in them is not read again. */
enum message_result message_head_from(struct message *, int fd,
	    struct str front, struct fault *);
/* Reads the content and proves its checksum; MESSAGE_DAMAGED if it does not
 * hold.  The parts stay valid until message_close(). */
enum message_result message_load(struct message *, struct fault *);
/*
 * For who finds that an entry of this name was made before, by somebody who may
 * have died on the way: proves all of it and makes it durable.  -1 with a
 * temporary fault when it cannot be relied on.  One that was withdrawn is
 * removed, so that it can be made again; and so can one that has just gone,
 * since it may have been torn and not delivered.
 */
int	message_confirm(const struct spool *, const char *name,
	    struct fault *);
/* Proves the checksum of the content without keeping it or mapping it: a bad
 * sector is MESSAGE_FAULT here, where a mapping would raise a signal. */
enum message_result message_check(struct message *, struct fault *);
/* The header of the content, at most max bytes, into the arena; as much
 * of it as can be read. */
struct str message_header(struct message *, size_t max);
/* Bytes of what is sent. */
uint64_t message_size(const struct message *);
void	message_close(struct message *);

#endif
