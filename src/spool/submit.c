/* SPDX-License-Identifier: ISC */
/*
 * The way of a message into the spool.
 *
 *	             open(O_TMPFILE), flock
 *	  (nothing) ───────────────────────▶ unnamed ── crash, abort: gone
 *	                                        │ pwrite content … superblock
 *	                                        │ linkat
 *	                                        ▼
 *	   void ◀── sync failed: pwrite 0 ── named ── crash: whole, or not there
 *	                                        │ fsync (and fsync of the
 *	                                        │ directory where it is needed)
 *	                                        ▼
 *	                                     durable ── 250 may be said
 *
 * Link first, then one fsync: on ext4 with a journal, xfs and btrfs that one
 * sync makes content and name durable together; the other order loses mail.
 * So does fdatasync there, which is free to leave out a link that changed
 * neither data nor size, as ext4 does when the file was written back before.  A
 * sync that failed is never repeated, because Linux reports such an error once
 * and then forgets error and data.
 *
 * One that is to be held is made in hold instead, from where nobody delivers it.
 * No session may link from one directory into another (os/sandbox), so of a large
 * one that may yet be held a twin is written there; a small one is in memory.
 *
 * Where the file system knows no unnamed files, all is the same but for the
 * beginning, where it gets a temporary name (spool/temp), and the end, where
 * that is taken away.
 *
 * A small message is written in one call.  Of a large one the content goes out
 * in steps as it comes, and the superblock last.  The disk is asked to begin
 * with its work early, so that the final sync, which the client waits for, is
 * short (RFC 1047 1).
 */

#include "spool/submit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/die.h"
#include "os/clock.h"
#include "os/crc.h"
#include "os/file.h"
#include "spool/temp.h"

enum {
	FLUSH_AT = 256 * 1024,		/* bytes of content held in memory */
	WRITE_OUT_AT = 1024 * 1024,	/* then the disk may begin */
};

/* An unnamed file below q or in hold, locked; -1. */
static int
open_unnamed(const struct submission *s, bool in_hold, bool *supported,
    struct fault *why)
{
	char shard[3];
	int fd;

	spool_shard(s->name, shard);
	fd = file_open_unnamed(in_hold ? s->spool->hold : s->spool->q,
	    in_hold ? "." : shard, s->spool->mode, false, supported, why);
	/* Nobody else can have it: the kernel has no room for one. */
	if (fd >= 0 && file_try_lock(fd) != 1) {
		close(fd);
		return fault_temporary(why, 451, 3, 0, "cannot lock an entry");
	}
	return fd;
}

/* In hold, as far as that is not where it is. */
static int
make_twin(struct submission *s, struct fault *why)
{
	bool supported;

	if (s->in_hold || s->twin >= 0)
		return 0;
	s->twin = s->temporary ? temp_open(s->spool, s->name, true, why) :
	    open_unnamed(s, true, &supported, why);
	s->doubled = s->twin >= 0;
	return s->doubled ? 0 : -1;
}

static void
drop_twin(struct submission *s)
{
	if (s->twin >= 0)
		close(s->twin);
	s->twin = -1;
}

/* What was made in q is to lie in hold. */
static int
change_over(struct submission *s, struct fault *why)
{
	if (s->flushed == 0 && make_twin(s, why) < 0)
		return -1;
	if (s->twin >= 0) {
		close(s->fd);
		s->fd = s->twin;
		s->twin = -1;
		s->in_hold = true;
	}
	return 0;
}

static int
flush(struct submission *s, struct fault *why)
{
	uint64_t at = s->super.content_offset + s->flushed;

	if (file_pwrite(s->fd, s->pending.p, s->pending.n, (int64_t)at,
	    why) < 0)
		return -1;
	if (s->may_be_held && (make_twin(s, why) < 0 || (s->twin >= 0 &&
	    file_pwrite(s->twin, s->pending.p, s->pending.n, (int64_t)at,
	    why) < 0)))
		return -1;
	if ((s->flushed + s->pending.n) / WRITE_OUT_AT !=
	    s->flushed / WRITE_OUT_AT)
		(void)sync_file_range(s->fd, (off_t)s->super.content_offset,
		    (off_t)(s->flushed + s->pending.n), SYNC_FILE_RANGE_WRITE);
	s->flushed += s->pending.n;
	buf_reset(&s->pending);
	return 0;
}

static int
take(struct sink *sink, struct str bytes, struct fault *why)
{
	struct submission *s = (struct submission *)(void *)sink;

	s->super.content_crc = crc32c(s->super.content_crc, bytes.p, bytes.n);
	buf_puts(&s->pending, bytes);
	return s->pending.n < FLUSH_AT ? 0 : flush(s, why);
}

void
submit_init(struct submission *s, const struct spool *spool)
{
	memset(s, 0, sizeof(*s));
	s->sink.write = take;
	s->spool = spool;
	s->fd = s->twin = -1;
}

void
submit_expect_hold(struct submission *s)
{
	s->may_be_held = true;
}

void
submit_hold(struct submission *s, struct str reason)
{
	s->held = true;
	s->reason = reason;
}

static int
reserve(struct submission *s, uint64_t size_hint, struct fault *why)
{
	uint64_t n = s->super.content_offset + size_hint;

	/* One block or two are not worth the call; the write will tell. */
	if (size_hint < 64 * 1024)
		return 0;
	if (fallocate(s->fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)n) == 0 ||
	    errno == EOPNOTSUPP)
		return 0;
	return fault_system(why, errno, "reserve room in the spool");
}

/* A file that is locked and cannot be found as an entry. */
static int
create(struct submission *s, struct fault *why)
{
	bool supported = false;

	if (!s->spool->temporaries)
		s->fd = open_unnamed(s, s->held, &supported, why);
	if (!supported) {
		s->fd = temp_open(s->spool, s->name, s->held, why);
		s->temporary = s->fd >= 0;
		s->left_over = s->fd < 0;	/* perhaps */
	}
	s->in_hold = s->held && s->fd >= 0;
	return s->fd < 0 ? -1 : 0;
}

static void
remove_temporary(struct submission *s)
{
	struct fault ignored;

	if (s->temporary && (s->doubled || !s->in_hold))
		s->left_over = temp_remove(s->spool, s->name, false,
		    &ignored) < 0;
	if (s->temporary && (s->doubled || s->in_hold))
		s->left_over |= temp_remove(s->spool, s->name, true,
		    &ignored) < 0;
	s->temporary = false;
}

int
submit_begin(struct submission *s, const struct envelope *env,
    const char *name, uint64_t size_hint, struct fault *why)
{
	struct format_super *super = &s->super;

	must(s->fd < 0 && env->recipients.n > 0);
	memset(super, 0, sizeof(*super));
	s->flushed = 0;
	s->named = s->durable = s->is_void = false;
	s->temporary = s->left_over = s->doubled = false;
	s->not_before = env->wishes.hold_until;
	buf_reset(&s->pending);
	buf_reset(&s->envelope);
	super->arrival_wall_ms = clock_wall_ms();
	super->arrival_boot_ms = clock_boot_ms();
	memcpy(super->boot_id, s->spool->boot_id, sizeof(super->boot_id));
	if (name == NULL) {
		spool_name_new(s->name, super->arrival_wall_ms);
	} else {
		must(strlen(name) < SPOOL_NAME_MAX);
		memcpy(s->name, name, strlen(name) + 1);
	}
	memcpy(super->name, s->name, SPOOL_NAME_MAX);
	format_envelope_encode(env, &s->envelope);
	super->recipients = (uint32_t)env->recipients.n;
	super->envelope_offset = format_envelope_offset(super->recipients);
	super->envelope_length = (uint32_t)s->envelope.n;
	super->envelope_crc = crc32c(0, s->envelope.p, s->envelope.n);
	super->content_offset = super->envelope_offset +
	    super->envelope_length;

	if (create(s, why) < 0)
		return -1;
	if (reserve(s, size_hint, why) < 0) {
		submit_abort(s);
		return -1;
	}
	return 0;
}

uint64_t
submit_size(const struct submission *s)
{
	return s->flushed + s->pending.n;
}

/* Trace first, then content: the order of sending, not that of the file. */
static void
list_parts(struct submission *s, struct str head)
{
	struct format_super *super = &s->super;
	uint64_t content = submit_size(s);
	struct format_part *p = super->parts;

	if (head.n > 0)
		*p++ = (struct format_part){ super->content_offset + content,
		    head.n };
	if (content > 0)
		*p++ = (struct format_part){ super->content_offset, content };
	super->nparts = (uint32_t)(p - super->parts);
	super->total = super->content_offset + content + head.n;
	super->content_crc = crc32c(super->content_crc, head.p, head.n);
}

/* Superblock and slots, which lie in front of the envelope. */
static void
encode_front(const struct submission *s, struct buf *front)
{
	struct slot slot = { .state = SLOT_PENDING, .next = s->not_before };
	uint8_t bytes[FORMAT_SLOT_SIZE];
	char *p = buf_room(front, s->super.envelope_offset);

	memset(p, 0, s->super.envelope_offset);
	format_super_encode(&s->super, (uint8_t *)p);
	format_slot_encode(&slot, bytes);
	for (uint32_t i = 0; i < s->super.recipients; i++)
		memcpy(p + format_slot_offset(i), bytes, sizeof(bytes));
	buf_grew(front, s->super.envelope_offset);
}

static int
write_all(struct submission *s, struct str head, struct fault *why)
{
	struct buf front = { 0 };
	struct iovec iov[4];
	int r;

	list_parts(s, head);
	if (s->flushed > 0) {
		uint64_t at = s->super.content_offset + s->flushed;

		iov[0] = (struct iovec){ s->pending.p, s->pending.n };
		iov[1] = (struct iovec){ (void *)(uintptr_t)head.p, head.n };
		if (file_pwritev(s->fd, iov, 2, (int64_t)at, why) < 0)
			return -1;
	}
	encode_front(s, &front);
	iov[0] = (struct iovec){ front.p, front.n };
	iov[1] = (struct iovec){ s->envelope.p, s->envelope.n };
	iov[2] = (struct iovec){ s->pending.p, s->pending.n };
	iov[3] = (struct iovec){ (void *)(uintptr_t)head.p, head.n };
	r = file_pwritev(s->fd, iov, s->flushed > 0 ? 2 : 4, 0, why);
	buf_free(&front);
	return r;
}

/* Why it is held, where mailq finds what was said last. */
static int
write_reason(const struct submission *s, struct fault *why)
{
	const struct note note = { .when = s->super.arrival_wall_ms / 1000,
	    .text = s->reason };
	uint8_t bytes[FORMAT_NOTE_SIZE];

	if (!s->held)
		return 0;
	format_note_encode(&note, bytes);
	return file_pwrite(s->fd, bytes, sizeof(bytes),
	    format_note_offset(&s->super, 0), why);
}

static int
give_name(struct submission *s, bool *exists, struct fault *why)
{
	char path[SPOOL_PATH_MAX];

	spool_entry_path(s->name, path);
	if (file_link(s->fd, s->held ? s->spool->hold : s->spool->q,
	    s->held ? s->name : path, exists, why) < 0)
		return -1;
	s->named = true;
	return 0;
}

static int
sync_named(struct submission *s, struct fault *why)
{
	if (file_sync_named(s->fd, why) < 0)
		return -1;
	if (!s->spool->dir_sync)
		return 0;
	return s->held ? file_sync_dir(s->spool->hold, why) :
	    spool_sync_shard(s->spool, s->name, why);
}

int
submit_commit(struct submission *s, struct str head, bool *exists,
    struct fault *why)
{
	bool taken = false;

	must(s->fd >= 0);
	if ((s->held && !s->in_hold && change_over(s, why) < 0) ||
	    write_all(s, head, why) < 0 || write_reason(s, why) < 0 ||
	    give_name(s, &taken, why) < 0 ||
	    sync_named(s, why) < 0) {
		if (exists != NULL)
			*exists = taken;
		submit_abort(s);
		return -1;
	}
	s->durable = true;
	/* Whoever is told of the names that are left finds them unlocked. */
	drop_twin(s);
	remove_temporary(s);
	if (exists != NULL)
		*exists = false;
	return 0;
}

void
submit_release(struct submission *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	drop_twin(s);
}

void
submit_abort(struct submission *s)
{
	static const uint8_t zero[FORMAT_SUPER_SIZE];
	struct fault ignored;

	if (s->fd < 0)
		return;
	if (s->named && !s->durable) {
		/* Whatever fails here leaves a message that may be delivered
		 * though we said 451: a duplicate, never a loss. */
		(void)file_pwrite(s->fd, zero, sizeof(zero), 0, &ignored);
		if (s->held)
			(void)unlinkat(s->spool->hold, s->name, 0);
		else
			(void)spool_remove(s->spool, s->name, &ignored);
		s->is_void = true;
	}
	remove_temporary(s);
	submit_release(s);
}

void
submit_free(struct submission *s)
{
	submit_abort(s);
	buf_free(&s->envelope);
	buf_free(&s->pending);
}
