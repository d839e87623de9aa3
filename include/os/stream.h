/* SPDX-License-Identifier: ISC */
#ifndef OS_STREAM_H
#define OS_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "base/buf.h"
#include "base/str.h"

/*
 * A two-way byte stream with buffers, lines and deadlines: the only way in
 * which SMTP is spoken here.  Reading blocks (a process serves one peer), with
 * the socket's own timeout (SO_RCVTIMEO), so that a wait is one system call.
 * Writing collects until stream_flush(), which sends all in one call.  The
 * descriptors must block: O_NONBLOCK would spin where a timeout is wanted.
 *
 * TLS is another set of ops below the same buffers.
 */
struct stream_ops {
	/* 0 when what must come before all else has been done, -1 as of
	 * read: stream_begin() calls it. */
	int	(*begin)(void *ctx);
	/* As read(2) and write(2): bytes, 0 for end, -1 with errno (EAGAIN on
	 * the socket's timeout, EINTR on a signal, EINPROGRESS when something
	 * has come that is nothing by itself: it is called again, in time). */
	ssize_t	(*read)(void *ctx, void *p, size_t n);
	ssize_t	(*write)(void *ctx, const void *p, size_t n);
	void	(*close)(void *ctx);	/* orderly end, before close(2) */
};

enum stream_result {
	STREAM_OK,
	STREAM_END,		/* the peer has closed */
	STREAM_TIMEOUT,
	STREAM_BROKEN,		/* errno tells */
	STREAM_SIGNAL,		/* a caught signal came first; nothing lost */
	STREAM_TOO_LONG,	/* stream_line(): skipped up to its end */
	STREAM_BARE,		/* stream_line(): bare LF or CR, or NUL, within
				 * the line; skipped up to its CRLF */
};

#define STREAM_IN_SIZE	16384
#define STREAM_HEAD_MAX	8

/* What holds instead of the stream's own timeout and deadline, where it is less,
 * as long as somebody else wants haste. */
struct stream_haste {
	const _Atomic bool	*now;		/* NULL: never */
	int64_t			 slice;		/* ms between two looks */
	int64_t			 timeout;	/* ms, 0: none */
	int64_t			 deadline;	/* clock_mono_ms, 0: none */
	const _Atomic bool	*over;		/* NULL: never */
	bool			 tried;		/* what was there, since then */
};

struct stream {
	int			 fd;
	int			 out_fd;	/* fd, but for a pair */
	bool			 is_pipe;	/* out_fd is no socket */
	bool			 skipping;	/* in a line too long */
	char			 head[STREAM_HEAD_MAX];	/* of a line that is
						 * none */
	const struct stream_ops	*ops;
	void			*ctx;
	char			*in;	/* STREAM_IN_SIZE, made at first use */
	bool			 lent;	/* in is its lender's */
	size_t			 in_at, in_end;
	struct buf		 out;
	int64_t			 timeout;	/* ms wanted, 0: none */
	int64_t			 set_in, set_out;	/* ms on the socket */
	int64_t			 deadline;	/* clock_mono_ms, 0: none */
	struct stream_haste	 haste;
	uint64_t		 bytes_in, bytes_out;
};

/* Takes fd over; plain read and write until stream_set_ops(). */
void	stream_init(struct stream *, int fd);
/* Two descriptors, pipes perhaps (which have no timeouts). */
void	stream_init_pair(struct stream *, int in, int out);
void	stream_close(struct stream *);
/* Reads into these STREAM_IN_SIZE bytes of the caller's instead of some from
 * the heap; before the first read. */
void	stream_lend(struct stream *, char *in);
/* The plain buffer must be empty (stream_pending() == 0). */
void	stream_set_ops(struct stream *, const struct stream_ops *, void *ctx);
/* The handshake of the ops, within timeout and deadline.  After a signal it
 * may be called again, and goes on. */
enum stream_result stream_begin(struct stream *);

/*
 * Seconds that a single read or write may wait; 0: as long as it takes.  A
 * write that goes on piece by piece has them for each piece.  Costs nothing,
 * however often it changes: what is on the socket is changed only when it is
 * longer than what is wanted, or has passed.
 */
void	stream_set_timeout(struct stream *, int seconds);
/* This much is already on the socket, in both directions (inherited from its
 * listener).  It says nothing of what is wanted. */
void	stream_has_timeout(struct stream *, int seconds);
/* From now on the whole of what follows must end within so many seconds: no
 * read begins or waits beyond that, and no write waits.  0 takes it away. */
void	stream_set_deadline(struct stream *, int seconds);
/* While *now is true, which somebody else may change at any time, what the two
 * below say holds as well.  Who waits already learns of it within slice ms: so
 * often the wait is looked at, for a call each time.  NULL: never. */
void	stream_mind_haste(struct stream *, const _Atomic bool *now, int slice);
/* And once this is true, no wait begins or goes on.  One read takes what has come
 * already, which may have been while its reader waited for others. */
void	stream_mind_end(struct stream *, const _Atomic bool *over);
void	stream_set_hasty_timeout(struct stream *, int seconds);
void	stream_set_hasty_deadline(struct stream *, int seconds);

/* Bytes that are already here. */
size_t	stream_pending(const struct stream *);
/* One read into the buffer, after flushing nothing; STREAM_OK means that
 * there is more than before.  The buffer must not be full. */
enum stream_result stream_fill(struct stream *);
/* The same of at most so many bytes, where what is behind them is for others
 * to read. */
enum stream_result stream_fill_most(struct stream *, size_t most);
/* The bytes at hand, and dropping the first n of them. */
struct str stream_peek(const struct stream *);
void	stream_skip(struct stream *, size_t n);

/* Overwrites, in the buffer, what was read and taken: there was a secret in
 * it. */
void	stream_wipe(struct stream *);

/*
 * The next line up to CRLF, without it, valid until the next call that reads.
 * Flushes pending output before it has to wait.  A line longer than max bytes
 * (CRLF included; max <= STREAM_IN_SIZE) is STREAM_TOO_LONG.  Of such a line, and
 * of one that is STREAM_BARE, the first STREAM_HEAD_MAX bytes are given.
 * With lax, a bare LF ends a line as well (replies of foreign servers).
 */
enum stream_result stream_line(struct stream *, size_t max, bool lax,
	    struct str *line);

void	stream_put(struct stream *, struct str);
void	stream_printf(struct stream *, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));
/* Sends everything collected.  After STREAM_SIGNAL the rest is still there:
 * call again. */
enum stream_result stream_flush(struct stream *);
/* Sends what was collected and then p, without copying p (a first piece of p
 * may be, to fill a TLS record).  A signal does not end it. */
enum stream_result stream_send(struct stream *, struct str p);

/* "connection closed", "timed out", ... for a log line. */
const char *stream_result_text(enum stream_result);

#endif
