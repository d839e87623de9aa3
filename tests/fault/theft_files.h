/* SPDX-License-Identifier: ISC */
/*
 * What a thief tries with files: read, change, remove, link and list what is
 * others', open what he has more widely than he was given it, and fill the
 * disk.
 */
#ifndef FAULT_THEFT_FILES_H
#define FAULT_THEFT_FILES_H

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fault/theft.h"

#define THEFT_MODE	0660

static int
open_as(const char *path, int flags)
{
	return openat(AT_FDCWD, path, flags | O_CLOEXEC, THEFT_MODE);
}

static int
read_file(const struct theft *t)
{
	int fd = open_as(t->path, O_RDONLY);
	char c;

	return fd < 0 ? errno : came_to(read(fd, &c, 1));
}

static int
write_file(const struct theft *t)
{
	int fd = open_as(t->path, O_WRONLY);

	return fd < 0 ? errno : came_to(write(fd, "x", 1));
}

static int
append_to_file(const struct theft *t)
{
	int fd = open_as(t->path, O_WRONLY | O_APPEND);

	return fd < 0 ? errno : came_to(write(fd, "x\n", 2));
}

static int
empty_file(const struct theft *t)
{
	return came_to(open_as(t->path, O_WRONLY | O_TRUNC));
}

static int
replace_file(const struct theft *t)
{
	return came_to(open_as(t->path, O_RDWR | O_CREAT | O_TRUNC));
}

static int
truncate_file(const struct theft *t)
{
	return came_to(truncate(t->path, 0));
}

static int
make_file(const struct theft *t)
{
	return came_to(open_as(t->path, O_WRONLY | O_CREAT | O_EXCL));
}

static int
make_unnamed(const struct theft *t)
{
	return came_to(open_as(t->path, O_RDWR | O_TMPFILE));
}

static int
list_directory(const struct theft *t)
{
	int fd = open_as(t->path, O_RDONLY | O_DIRECTORY);
	char room[1024];

	return fd < 0 ? errno : came_to(syscall(SYS_getdents64, fd, room,
	    sizeof(room)));
}

static int
remove_file(const struct theft *t)
{
	return came_to(unlink(t->path));
}

static int
remove_at(const struct theft *t)
{
	return came_to(unlinkat(AT_FDCWD, t->path, 0));
}

static int
remove_directory(const struct theft *t)
{
	return came_to(rmdir(t->path));
}

static int
rename_file(const struct theft *t)
{
	return came_to(rename(t->path, t->other));
}

static int
exchange_files(const struct theft *t)
{
	return came_to(renameat2(AT_FDCWD, t->path, AT_FDCWD, t->other,
	    RENAME_EXCHANGE));
}

static int
link_file(const struct theft *t)
{
	return came_to(linkat(AT_FDCWD, t->path, AT_FDCWD, t->other, 0));
}

static int
make_symlink(const struct theft *t)
{
	return came_to(symlink(t->path, t->other));
}

static int
make_directory(const struct theft *t)
{
	return came_to(mkdir(t->path, 0777));
}

static int
make_fifo(const struct theft *t)
{
	return came_to(mknod(t->path, S_IFIFO | 0666, 0));
}

static int
change_mode(const struct theft *t)
{
	return came_to(chmod(t->path, 0666));
}

static int
change_owner(const struct theft *t)
{
	return came_to(chown(t->path, getuid(), getgid()));
}

/* Its own, that it has just made, to be readable for itself. */
static int
change_own_mode(const struct theft *t)
{
	int fd = open_as(t->path, O_WRONLY | O_TMPFILE);

	return fd < 0 ? errno : came_to(fchmod(fd, 0666));
}

static int
change_times(const struct theft *t)
{
	return came_to(utimensat(AT_FDCWD, t->path, NULL, 0));
}

static int
set_attribute(const struct theft *t)
{
	return came_to(setxattr(t->path, "user.theft", "x", 1, 0));
}

static int
open_by_handle(const struct theft *t)
{
	struct {
		struct file_handle	h;
		unsigned char		room[MAX_HANDLE_SZ];
	} f = { .h.handle_bytes = MAX_HANDLE_SZ };
	int mount, at = open_as(t->other, O_RDONLY | O_DIRECTORY);

	if (name_to_handle_at(AT_FDCWD, t->path, &f.h, &mount, 0) < 0)
		return errno;
	return came_to(open_by_handle_at(at, &f.h, O_RDONLY));
}

/* The call alone, whatever name_to_handle_at() may say. */
static int
open_any_handle(const struct theft *t)
{
	struct file_handle h = { .handle_bytes = 0 };

	(void)t;
	return came_to(open_by_handle_at(AT_FDCWD, &h, O_RDONLY));
}

static int
watch_directory(const struct theft *t)
{
	int fd = inotify_init1(IN_CLOEXEC);

	return fd < 0 ? errno : came_to(inotify_add_watch(fd, t->path,
	    IN_CREATE));
}

static int
watch_everything(const struct theft *t)
{
	(void)t;
	return came_to(fanotify_init(FAN_CLASS_NOTIF, O_RDONLY));
}

static int
change_root(const struct theft *t)
{
	return came_to(chroot(t->path));
}

/* ---- the log, which it may add to ---- */

static int
log_of(const struct theft *t)
{
	return t->log >= 0 ? t->log : open_as(t->path, O_WRONLY | O_APPEND);
}

static int
overwrite_log(const struct theft *t)
{
	int fd = log_of(t), flags = fcntl(fd, F_GETFL);

	if (fcntl(fd, F_SETFL, flags & ~O_APPEND) < 0)
		return errno;
	return came_to(pwrite(fd, "x", 1, 0));
}

static int
cut_log(const struct theft *t)
{
	return came_to(ftruncate(log_of(t), 0));
}

static int
punch_log(const struct theft *t)
{
	return came_to(fallocate(log_of(t), FALLOC_FL_PUNCH_HOLE |
	    FALLOC_FL_KEEP_SIZE, 0, 4096));
}

static int
zero_log(const struct theft *t)
{
	return came_to(fallocate(log_of(t), FALLOC_FL_ZERO_RANGE |
	    FALLOC_FL_KEEP_SIZE, 0, 4096));
}

static int
change_log_mode(const struct theft *t)
{
	return came_to(fchmod(log_of(t), 0666));
}

static int
reopen_log(const struct theft *t)
{
	char name[32];

	snprintf(name, sizeof(name), "/proc/self/fd/%d", log_of(t));
	return came_to(open_as(name, O_RDWR));
}

/* ---- the disk ---- */

/* An entry that is longer than any may be. */
static int
write_far(const struct theft *t)
{
	int fd = open_as(t->path, O_WRONLY | O_TMPFILE);

	signal(SIGXFSZ, SIG_IGN);
	return fd < 0 ? errno : came_to(pwrite(fd, "x", 1, (off_t)t->number));
}

static int
reserve_much(const struct theft *t)
{
	int fd = open_as(t->path, O_WRONLY | O_TMPFILE);

	signal(SIGXFSZ, SIG_IGN);
	return fd < 0 ? errno : came_to(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0,
	    (off_t)t->number));
}

/* What it may do, and is no theft: an entry that is none, by a name that one
 * could have. */
static int
make_rubbish(const struct theft *t)
{
	int fd = open_as(t->path, O_WRONLY | O_CREAT | O_EXCL);

	return fd < 0 ? errno : came_to(write(fd, "rubbish", 7));
}

static const struct attempt theft_files[] = {
	{ "read", read_file },
	{ "write", write_file },
	{ "append", append_to_file },
	{ "empty", empty_file },
	{ "replace", replace_file },
	{ "truncate", truncate_file },
	{ "make", make_file },
	{ "make-unnamed", make_unnamed },
	{ "list", list_directory },
	{ "unlink", remove_file },
	{ "unlinkat", remove_at },
	{ "rmdir", remove_directory },
	{ "rename", rename_file },
	{ "exchange", exchange_files },
	{ "link", link_file },
	{ "symlink", make_symlink },
	{ "mkdir", make_directory },
	{ "fifo", make_fifo },
	{ "chmod", change_mode },
	{ "chown", change_owner },
	{ "chmod-own", change_own_mode },
	{ "utimes", change_times },
	{ "xattr", set_attribute },
	{ "handle", open_by_handle },
	{ "any-handle", open_any_handle },
	{ "inotify", watch_directory },
	{ "fanotify", watch_everything },
	{ "chroot", change_root },
	{ "log-overwrite", overwrite_log },
	{ "log-cut", cut_log },
	{ "log-punch", punch_log },
	{ "log-zero", zero_log },
	{ "log-chmod", change_log_mode },
	{ "log-reopen", reopen_log },
	{ "too-long", write_far },
	{ "too-much", reserve_much },
	{ "rubbish", make_rubbish },
	{ NULL, NULL },
};

#endif
