/* SPDX-License-Identifier: ISC */
/*
 * Reading an entry.  The runner opens it, looks at the envelope and the slots
 * and passes the descriptor to a worker, which reads the whole.  Nothing is
 * believed before its checksum holds; an entry that fails is reported as
 * damaged, so that the caller can set it aside, and is never deleted.
 *
 * A small entry is read in one call.  A large one is mapped: its bytes go from
 * the page cache to the socket without a copy of ours.  An entry is immutable
 * and never shortened, so a mapping of it is safe while it is locked.
 */

#include "spool/message.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/crc.h"
#include "base/die.h"
#include "base/mem.h"
#include "os/file.h"

enum {
	HEAD_GUESS = 4096,	/* most heads fit: one read */
	WHOLE_GUESS = 16384,	/* and most messages without attachments */
	CHECK_STEP = 32 * 1024,
	MAP_FROM = 128 * 1024,	/* below it, reading is cheaper */
	ENVELOPE_MAX = 64 * 1024 * 1024,
};

static int
decode_slots(struct message *m, const uint8_t *p, struct fault *why)
{
	m->slots = arena_alloc(&m->arena,
	    m->super.recipients * sizeof(*m->slots));
	for (uint32_t i = 0; i < m->super.recipients; i++)
		if (format_slot_decode(p + (size_t)i * FORMAT_SLOT_SIZE,
		    &m->slots[i], why) < 0)
			return -1;
	return 0;
}

/* p holds everything up to the content. */
static enum message_result
decode_head(struct message *m, const uint8_t *p, struct fault *why)
{
	const uint8_t *env = p + m->super.envelope_offset;

	if (crc32c(0, env, m->super.envelope_length) !=
	    m->super.envelope_crc) {
		fault_permanent(why, 554, 3, 0,
		    "damaged entry: checksum of the envelope");
		return MESSAGE_DAMAGED;
	}
	if (decode_slots(m, p + FORMAT_SUPER_SIZE, why) < 0 ||
	    format_envelope_decode(&m->arena,
	    str_span(env, m->super.envelope_length), m->super.recipients,
	    &m->envelope, why) < 0)
		return MESSAGE_DAMAGED;
	return MESSAGE_OK;
}

static enum message_result
decode_super(struct message *m, const uint8_t *p, size_t n, struct fault *why)
{
	/* A power cut leaves the name alone of what was never acknowledged. */
	if (n == 0)
		return MESSAGE_VOID;
	if (n < FORMAT_SUPER_SIZE) {
		fault_permanent(why, 554, 3, 0, "damaged entry: too short");
		return MESSAGE_DAMAGED;
	}
	if (format_super_is_void(p))
		return MESSAGE_VOID;
	if (format_super_decode(p, &m->super, why) < 0)
		return MESSAGE_DAMAGED;
	if (m->super.envelope_length > ENVELOPE_MAX) {
		fault_permanent(why, 554, 3, 0,
		    "damaged entry: size of the envelope");
		return MESSAGE_DAMAGED;
	}
	return MESSAGE_OK;
}

/* A short file is damaged; a disk that does not answer is not. */
static enum message_result
read_failed(const struct message *m, struct fault *why)
{
	struct stat st;

	if (fstat(m->fd, &st) < 0 || (uint64_t)st.st_size >= m->super.total)
		return MESSAGE_FAULT;
	fault_permanent(why, 554, 3, 0, "damaged entry: shorter than it says");
	return MESSAGE_DAMAGED;
}

/* Envelope and slots, of which front is all or the beginning. */
static enum message_result
take_head(struct message *m, struct str front, struct fault *why)
{
	uint8_t *p;
	size_t need;
	enum message_result r;

	r = decode_super(m, (const uint8_t *)front.p, front.n, why);
	if (r != MESSAGE_OK)
		return r;
	need = (size_t)m->super.content_offset;
	if (need <= front.n)
		return decode_head(m, (const uint8_t *)front.p, why);
	p = mem_alloc(need);
	r = file_pread(m->fd, p, need, 0, why) < 0 ? read_failed(m, why) :
	    decode_head(m, p, why);
	mem_free(p);
	return r;
}

/* With whole, a small entry is kept as it was read. */
static enum message_result
read_head(struct message *m, bool whole, struct fault *why)
{
	char guess[WHOLE_GUESS];
	ssize_t got;
	enum message_result r;

	got = file_read_front(m->fd, guess, whole ? WHOLE_GUESS :
	    HEAD_GUESS);
	if (got < 0) {
		fault_system(why, errno, "read entry");
		return MESSAGE_FAULT;
	}
	r = take_head(m, str_span(guess, (size_t)got), why);
	if (r == MESSAGE_OK && whole && m->super.total <= (uint64_t)got)
		m->memory = mem_copy(guess, (size_t)m->super.total);
	return r;
}

static enum message_result
fail(struct message *m, enum message_result r)
{
	message_close(m);
	return r;
}

enum message_result
message_open_at(struct message *m, int dirfd, const char *path,
    const char *name, bool lock, struct fault *why)
{
	enum message_result r;
	int locked;

	memset(m, 0, sizeof(*m));
	m->fd = openat(dirfd, path, (lock ? O_RDWR : O_RDONLY) | O_NOFOLLOW |
	    O_NONBLOCK | O_CLOEXEC);
	if (m->fd < 0) {
		if (errno == ENOENT)
			return MESSAGE_GONE;
		fault_system(why, errno, "open entry %s", name);
		return MESSAGE_FAULT;
	}
	locked = lock ? file_try_lock(m->fd) : 1;
	if (locked != 1) {
		if (locked < 0)
			fault_system(why, errno, "lock entry %s", name);
		return fail(m, locked == 0 ? MESSAGE_LOCKED : MESSAGE_FAULT);
	}
	r = read_head(m, false, why);
	if (r == MESSAGE_OK && strcmp(m->super.name, name) != 0) {
		fault_permanent(why, 554, 3, 0,
		    "damaged entry: it says that its name is another");
		r = MESSAGE_DAMAGED;
	}
	return r == MESSAGE_OK ? r : fail(m, r);
}

enum message_result
message_open(struct message *m, const struct spool *s, const char *name,
    bool lock, struct fault *why)
{
	char path[SPOOL_PATH_MAX];

	return message_open_at(m, s->q, spool_entry_path(name, path), name,
	    lock, why);
}

static int
read_whole(struct message *m, size_t total, struct fault *why)
{
	if (total < MAP_FROM) {
		m->memory = mem_alloc(total);
		return file_pread(m->fd, m->memory, total, 0, why);
	}
	m->memory = mmap(NULL, total, PROT_READ, MAP_SHARED, m->fd, 0);
	if (m->memory == MAP_FAILED) {
		m->memory = NULL;
		return fault_system(why, errno, "map entry");
	}
	m->mapped = true;
	return 0;
}

static enum message_result
wrong_content(struct fault *why)
{
	fault_permanent(why, 554, 3, 0,
	    "damaged entry: checksum of the content");
	return MESSAGE_DAMAGED;
}

static enum message_result
check_content(struct message *m, struct fault *why)
{
	const struct format_super *s = &m->super;

	if (crc32c(0, m->memory + s->content_offset,
	    (size_t)(s->total - s->content_offset)) != s->content_crc)
		return wrong_content(why);
	for (uint32_t i = 0; i < s->nparts; i++)
		m->parts[i] = str_span(m->memory + s->parts[i].offset,
		    (size_t)s->parts[i].length);
	m->loaded = true;
	return MESSAGE_OK;
}

/* A file that is shorter than it says would raise SIGBUS in a mapping. */
static int
check_length(struct message *m, struct fault *why)
{
	struct stat st;

	if (m->super.total < MAP_FROM)
		return 0;
	if (fstat(m->fd, &st) < 0)
		return fault_system(why, errno, "stat entry");
	if ((uint64_t)st.st_size < m->super.total)
		return fault_permanent(why, 554, 3, 0,
		    "damaged entry: shorter than it says");
	return 0;
}

enum message_result
message_load(struct message *m, struct fault *why)
{
	if (m->loaded)
		return MESSAGE_OK;
	if (m->memory == NULL && (check_length(m, why) < 0 ||
	    read_whole(m, (size_t)m->super.total, why) < 0))
		return read_failed(m, why);
	return check_content(m, why);
}

enum message_result
message_head(struct message *m, int fd, struct fault *why)
{
	enum message_result r;

	memset(m, 0, sizeof(*m));
	m->fd = fd;
	r = read_head(m, false, why);
	return r == MESSAGE_OK ? r : fail(m, r);
}

enum message_result
message_head_from(struct message *m, int fd, struct str front,
    struct fault *why)
{
	enum message_result r;

	memset(m, 0, sizeof(*m));
	m->fd = fd;
	m->front = front;
	r = take_head(m, front, why);
	return r == MESSAGE_OK ? r : fail(m, r);
}

enum message_result
message_attach(struct message *m, int fd, struct fault *why)
{
	enum message_result r;

	memset(m, 0, sizeof(*m));
	m->fd = fd;
	r = read_head(m, true, why);
	if (r != MESSAGE_OK)
		return fail(m, r);
	r = message_load(m, why);
	return r == MESSAGE_DAMAGED ? fail(m, r) : r;
}

int
message_confirm(const struct spool *s, const char *name, struct fault *why)
{
	struct message m;
	int r;

	switch (message_open(&m, s, name, false, why)) {
	case MESSAGE_OK:
		/* After a power cut the head alone proves nothing. */
		if (message_check(&m, why) != MESSAGE_OK) {
			message_close(&m);
			break;
		}
		r = file_sync_named(m.fd, why);
		if (r == 0 && s->dir_sync)
			r = spool_sync_shard(s, name, why);
		message_close(&m);
		return r;
	case MESSAGE_VOID:
		(void)spool_remove(s, name, why);
		break;
	case MESSAGE_GONE:
	case MESSAGE_LOCKED:
	case MESSAGE_DAMAGED:
	case MESSAGE_FAULT:
		break;
	}
	return fault_temporary(why, 451, 3, 0,
	    "entry %s was begun before and is not whole", name);
}

enum message_result
message_check(struct message *m, struct fault *why)
{
	uint64_t at = m->super.content_offset;
	uint32_t crc = 0;
	char piece[CHECK_STEP];

	while (at < m->super.total) {
		uint64_t left = m->super.total - at;
		size_t n = left < sizeof(piece) ? (size_t)left :
		    sizeof(piece);

		if (file_pread(m->fd, piece, n, (int64_t)at, why) < 0)
			return read_failed(m, why);
		crc = crc32c(crc, piece, n);
		at += n;
	}
	return crc == m->super.content_crc ? MESSAGE_OK :
	    wrong_content(why);
}

/* The front of what is sent; as much of it as can be read. */
static void
read_front(const struct message *m, size_t max, struct buf *out)
{
	struct fault ignored;

	for (uint32_t i = 0; i < m->super.nparts && out->n < max; i++) {
		const struct format_part *p = &m->super.parts[i];
		size_t n = p->length < max - out->n ? (size_t)p->length :
		    max - out->n;

		if (file_pread(m->fd, buf_room(out, n), n,
		    (int64_t)p->offset, &ignored) < 0)
			return;
		buf_grew(out, n);
	}
}

struct str
message_header(struct message *m, size_t max)
{
	struct buf b = { 0 };
	struct str out;
	size_t end;

	if (m->loaded)
		for (uint32_t i = 0; i < m->super.nparts && b.n < max; i++)
			buf_puts(&b, str_slice(m->parts[i], 0, max - b.n));
	else
		read_front(m, max, &b);
	end = str_search(buf_str(&b), STR("\r\n\r\n"));
	if (str_starts(buf_str(&b), STR("\r\n")))
		end = 0;
	else if (end < b.n)
		end += 2;
	else
		end = b.n;
	out = arena_str(&m->arena, str_slice(buf_str(&b), 0, end));
	buf_free(&b);
	return out;
}

uint64_t
message_size(const struct message *m)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < m->super.nparts; i++)
		n += m->super.parts[i].length;
	return n;
}

void
message_close(struct message *m)
{
	if (m->memory != NULL) {
		if (m->mapped)
			munmap(m->memory, (size_t)m->super.total);
		else
			mem_free(m->memory);
	}
	m->memory = NULL;
	m->mapped = m->loaded = false;
	if (m->fd >= 0)
		close(m->fd);
	m->fd = -1;
	m->front = STR_NONE;
	arena_free(&m->arena);
}
