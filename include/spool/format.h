/* SPDX-License-Identifier: ISC */
#ifndef SPOOL_FORMAT_H
#define SPOOL_FORMAT_H

#include <stdbool.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/buf.h"
#include "base/fault.h"
#include "mail/envelope.h"
#include "mail/status.h"
#include "spool/path.h"

/*
 * The bytes of an entry.  All numbers are little-endian.
 *
 *	superblock	512 bytes; describes and seals everything immutable
 *	slots		32 bytes a recipient, up to the next 512 border
 *	envelope	records: type, length, bytes
 *	content		as it came, CRLF lines, not stuffed
 *	late parts	known only after the content (our trace fields)
 *	notes		behind `total`, a 512-byte block a recipient, holes
 *			where nothing was said: the last words about it
 *
 * The parts list names runs of bytes in the order in which they are sent.
 * What is read back is as hostile as the network: every number is checked.
 */
enum {
	FORMAT_SUPER_SIZE = 512,
	FORMAT_SLOT_SIZE = 32,
	FORMAT_NOTE_SIZE = 512,
	FORMAT_PARTS_MAX = 16,
	FORMAT_RECIPIENTS_MAX = 100000,
};

struct format_part {
	uint64_t	offset, length;
};

struct format_super {
	char			name[SPOOL_NAME_MAX];
	int64_t			arrival_wall_ms, arrival_boot_ms;
	uint8_t			boot_id[16];
	uint32_t		recipients;
	uint32_t		envelope_offset, envelope_length;
	uint64_t		content_offset;
	uint64_t		total;		/* end of everything immutable */
	uint32_t		envelope_crc;
	uint32_t		content_crc;	/* of [content_offset, total) */
	uint32_t		nparts;
	struct format_part	parts[FORMAT_PARTS_MAX];
};

enum slot_state {
	SLOT_PENDING = 1,	/* not yet tried, or deferred */
	SLOT_DONE,		/* delivered or relayed; final */
	SLOT_FAILED,		/* a bounce is owed */
	SLOT_BOUNCED,		/* the sender has been told; final */
	SLOT_DISCARDED,		/* failed, and nobody can be told, or the
				 * sender does not want to be; final */
	SLOT_TELL_DELIVERED,	/* done, and a report of it is owed */
	SLOT_TELL_RELAYED,	/* the same, with a host that will not tell */
	SLOT_TELL_DELAYED,	/* deferred, and a report of it is owed */
};

struct slot {
	enum slot_state	state;
	uint16_t	attempts;
	uint16_t	reply;		/* of the last attempt */
	uint16_t	bounce;		/* number of the last report, 0: none */
	struct status	status;
	uint32_t	sequence;	/* counts the writes of this slot */
	int64_t		next;		/* wall seconds; 0: at once */
};

/* The last words about a recipient, as mailq and a bounce show them. */
#define FORMAT_NOTE_TEXT_MAX	(FORMAT_NOTE_SIZE - 32)
struct note {
	int64_t		when;		/* wall seconds */
	struct str	host;		/* of the remote end, "" for none */
	struct str	text;
};

/* Where things must lie, given the number of recipients. */
uint32_t format_envelope_offset(uint32_t recipients);
int64_t	format_slot_offset(uint32_t index);
int64_t	format_note_offset(const struct format_super *, uint32_t index);

void	format_super_encode(const struct format_super *,
	    uint8_t out[FORMAT_SUPER_SIZE]);
/* -1: not an entry, or damaged; the fault says what. */
int	format_super_decode(const uint8_t in[FORMAT_SUPER_SIZE],
	    struct format_super *, struct fault *);
/* All zero: an entry that was withdrawn by its maker. */
bool	format_super_is_void(const uint8_t in[FORMAT_SUPER_SIZE]);

void	format_slot_encode(const struct slot *, uint8_t out[FORMAT_SLOT_SIZE]);
int	format_slot_decode(const uint8_t in[FORMAT_SLOT_SIZE], struct slot *,
	    struct fault *);
bool	slot_is_final(const struct slot *);
bool	slot_is_pending(const struct slot *);	/* still to be delivered */
bool	slot_owes_report(const struct slot *);

void	format_note_encode(const struct note *, uint8_t out[FORMAT_NOTE_SIZE]);
/* False: nothing was noted (or it is damaged, which loses only words). */
bool	format_note_decode(struct arena *, const uint8_t in[FORMAT_NOTE_SIZE],
	    struct note *);

void	format_envelope_encode(const struct envelope *, struct buf *);
/* recipients: how many the superblock promises. */
int	format_envelope_decode(struct arena *, struct str in,
	    uint32_t recipients, struct envelope *, struct fault *);

#endif
