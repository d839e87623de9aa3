/* SPDX-License-Identifier: ISC */
/*
 * Messages that were left in spool/drop become entries of the queue.
 *
 * A dropped file is believed no more than a stranger: only sender, recipients
 * and content count, and each is checked as if it had come by SMTP.  Who left
 * it is told by the file's owner.  The entry gets the name of the file, so that
 * a crash between making the one and removing the other brings it in once.
 * A file that makes no sense is set aside, never deleted.
 *
 * This runs in a child of the runner: a local user may drop as much as he likes
 * and keeps nobody's mail waiting but his own.
 */

#include "queue/pickup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "mail/received.h"
#include "os/clock.h"
#include "os/dir.h"
#include "os/file.h"
#include "os/log.h"
#include "spool/drop.h"
#include "spool/message.h"
#include "spool/notify.h"
#include "spool/submit.h"
#include "spool/temp.h"

enum {
	FRAME_MAX = 1024 * 1024,	/* of a dropped file, beside its content */
};

struct find {
	struct arena		 arena;
	struct buf		 bytes;
	uid_t			 owner;
	struct dropped		 dropped;
	struct envelope		 envelope;
	struct buf		 content;
};

static int
read_file(const struct pickup *s, int fd, struct find *f, struct fault *why)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return fault_system(why, errno, "stat");
	if (!S_ISREG(st.st_mode) || st.st_nlink != 1 ||
	    (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return fault_permanent(why, 554, 3, 0,
		    "dropped message: not a plain file of its own");
	if (st.st_size > (off_t)s->conf->size + FRAME_MAX)
		return fault_permanent(why, 552, 3, 4,
		    "dropped message: bigger than `size` allows");
	f->owner = st.st_uid;
	if (file_pread(fd, buf_room(&f->bytes, (size_t)st.st_size),
	    (size_t)st.st_size, 0, why) < 0)
		return -1;
	buf_grew(&f->bytes, (size_t)st.st_size);
	return 0;
}

static int
load(const struct pickup *s, const char *path, struct find *f,
    struct fault *why)
{
	int fd, r;

	fd = openat(s->spool->root, path,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 && errno == ELOOP)
		return fault_permanent(why, 554, 3, 0,
		    "dropped message: a symbolic link");
	if (fd < 0)
		return fault_system(why, errno, "open %s", path);
	r = read_file(s, fd, f, why);
	close(fd);
	return r;
}

static int
read_sender(const struct pickup *s, struct find *f, struct fault *why)
{
	struct address *a = &f->envelope.sender;

	if (f->dropped.sender.n == 0)
		return 0;
	if (address_parse(&f->arena, f->dropped.sender, false, a, why) < 0)
		return -1;
	if (a->local.n > 0 && a->domain.n == 0)
		a->domain = s->conf->hostname;
	return 0;
}

/* One that cannot be expanded is kept as it is: its delivery fails, and the
 * sender is told. */
static int
read_recipient(const struct pickup *s, struct find *f, struct str text,
    address_vec *finals, struct fault *why)
{
	struct address given = { 0 };
	size_t before = finals->n;

	if (address_parse(&f->arena, text, false, &given, why) < 0)
		return -1;
	if (given.domain.n == 0)
		given.domain = s->conf->hostname;
	if (alias_expand(s->book, &f->arena, &given, finals, why) < 0) {
		if (fault_is_temporary(why))
			return -1;
		finals->n = before;
		vec_push(&f->arena, finals, given);
	}
	for (size_t i = before; i < finals->n; i++) {
		struct recipient r = { .address = finals->p[i],
		    .original = given };

		vec_push(&f->arena, &f->envelope.recipients, r);
	}
	return 0;
}

/* Whatever came: lines that end in CRLF, and no other CR or LF. */
static void
normalise(struct str in, struct buf *out)
{
	for (size_t i = 0; i < in.n; i++) {
		if (in.p[i] == '\n')
			buf_putz(out, "\r\n");
		else if (in.p[i] != '\r')
			buf_putc(out, in.p[i]);
		else if (i + 1 == in.n || in.p[i + 1] != '\n')
			buf_putc(out, ' ');
	}
	if (out->n > 0 && out->p[out->n - 1] != '\n')
		buf_putz(out, "\r\n");
}

static int
understand(const struct pickup *s, struct find *f, struct fault *why)
{
	struct dropped *d = &f->dropped;
	address_vec finals = { 0 };

	if (drop_parse(&f->arena, buf_str(&f->bytes), d, why) < 0 ||
	    read_sender(s, f, why) < 0)
		return -1;
	if (d->recipients.n > s->conf->recipients)
		return fault_permanent(why, 554, 5, 3, "Too many recipients");
	for (size_t i = 0; i < d->recipients.n; i++)
		if (read_recipient(s, f, d->recipients.p[i], &finals, why) < 0)
			return -1;
	f->envelope.body = str_eq(d->body, STR("8BITMIME")) ? BODY_8BITMIME :
	    BODY_7BIT;
	f->envelope.origin = ORIGIN_DROP;
	f->envelope.uid = (uint32_t)f->owner;
	f->envelope.protocol = STR("drop");
	normalise(d->content, &f->content);
	return 0;
}

static int
submit(const struct pickup *s, struct find *f, const char *name,
    struct fault *why)
{
	struct submission sub;
	struct buf head = { 0 };
	bool exists = false;
	int r;

	received_put(&head, &f->envelope, NULL, s->conf->hostname, str_of(name),
	    clock_wall());
	submit_init(&sub, s->spool);
	r = submit_begin(&sub, &f->envelope, name, f->content.n, why);
	if (r == 0)
		r = sink_write(&sub.sink, buf_str(&f->content), why);
	if (r == 0)
		r = submit_commit(&sub, buf_str(&head), &exists, why);
	submit_free(&sub);
	buf_free(&head);
	if (r == 0)
		log_info("%s: uid=%u from=<%.*s> (dropped)", name,
		    (unsigned)f->owner, STR_ARG(f->dropped.sender));
	return exists ? message_confirm(s->spool, name, why) : r;
}

static void
free_find(struct find *f)
{
	arena_free(&f->arena);
	buf_free(&f->bytes);
	buf_free(&f->content);
}

static void
refuse(const struct pickup *s, const char *path, const char *name,
    const struct fault *why)
{
	char to[SPOOL_PATH_MAX];

	if (fault_is_temporary(why)) {
		log_warning("drop/%s: %s; will try again", name, why->text);
		return;
	}
	text_print(to, sizeof(to), "corrupt/%s", name);
	if (renameat(s->spool->root, path, s->spool->root, to) == 0)
		log_error("drop/%s: %s; set aside in corrupt/", name,
		    why->text);
	else
		log_error("drop/%s: %s; and it cannot be set aside: %s", name,
		    why->text, strerror(errno));
}

static void
bring_in(const struct pickup *s, const char *name)
{
	struct find f = { 0 };
	struct fault why;
	char path[SPOOL_PATH_MAX];

	text_print(path, sizeof(path), "%s/%s", DROP_DIR, name);
	if (load(s, path, &f, &why) < 0 || understand(s, &f, &why) < 0 ||
	    submit(s, &f, name, &why) < 0) {
		refuse(s, path, name, &why);
	} else {
		(void)unlinkat(s->spool->root, path, 0);
		notify_send(s->notify, NOTIFY_NEW, name);
	}
	free_find(&f);
}

/* The name of a bounce is not for others to take. */
static bool
is_ours(const char *name)
{
	return strlen(name) == SPOOL_ID_LEN &&
	    spool_name_is_valid(str_of(name));
}

/* What drop has begun and not ended. */
static void
sweep(const struct pickup *s, const char *file)
{
	char path[SPOOL_PATH_MAX];

	text_print(path, sizeof(path), "%s/%s", DROP_DIR, file);
	(void)temp_sweep_at(s->spool->root, path, TEMP_AGE);
}

void
pickup_run(const struct pickup *s)
{
	struct dir_walk walk;
	struct fault why;
	const char *name;

	if (dir_walk_open(&walk, s->spool->root, DROP_DIR, &why) < 0) {
		log_warning("drop: %s", why.text);
		return;
	}
	while ((name = dir_walk_next(&walk)) != NULL) {
		if (is_ours(name))
			bring_in(s, name);
		else if (temp_entry(name) != NULL)
			sweep(s, name);
	}
	dir_walk_close(&walk);
}

int
pickup_watch(const char *spool_path)
{
	char path[4096];
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	text_print(path, sizeof(path), "%s/%s", spool_path, DROP_DIR);
	if (fd >= 0 && inotify_add_watch(fd, path,
	    IN_CREATE | IN_MOVED_TO) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

void
pickup_heard(int fd)
{
	char events[4096];

	while (read(fd, events, sizeof(events)) > 0)
		;
}
