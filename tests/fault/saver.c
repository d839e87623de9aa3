/* SPDX-License-Identifier: ISC */
/*
 * Saves files the way it is told to, many at once into one directory, and says
 * of each when it believed it to be durable: the right order beside the wrong
 * ones, for tests/fault/power.py, on disks whose power is cut.
 *
 *	saver steps directory log workers files size
 *
 * Each of the workers makes that many files.  The steps are letters:
 *
 *	w  make it unnamed and write all      s  syncfs
 *	l  link it to its name                f  fdatasync
 *	d  fsync of the directory              F  fsync
 *
 * A line on standard output for each, after its last step: its name and how
 * long the log of tests/fault/blocklog.c is at that moment.  The content of a
 * file is its name and a newline, again and again.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/die.h"
#include "base/mem.h"
#include "base/num.h"

struct job {
	const char	*steps;
	int		 dir, log;
	size_t		 size;
	char		*content;
	char		 name[64];
};

static void
fill(struct job *j)
{
	size_t n = strlen(j->name);

	for (size_t i = 0; i < j->size; i++)
		j->content[i] = i % (n + 1) == n ? '\n' :
		    j->name[i % (n + 1)];
}

static int
name_it(const struct job *j, int fd)
{
	char self[32];

	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, self, j->dir, j->name, AT_SYMLINK_FOLLOW);
}

static int
step(const struct job *j, char letter, int fd)
{
	switch (letter) {
	case 'w':
		return write(fd, j->content, j->size) == (ssize_t)j->size ?
		    0 : -1;
	case 'l':
		return name_it(j, fd);
	case 'f':
		return fdatasync(fd);
	case 'F':
		return fsync(fd);
	case 'd':
		return fsync(j->dir);
	case 's':
		return syncfs(fd);
	}
	errno = EINVAL;
	return -1;
}

static void
save(struct job *j)
{
	struct stat log;
	int fd = openat(j->dir, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);

	if (fd == -1)
		die("make a file: %s", strerror(errno));
	fill(j);
	for (const char *s = j->steps; *s != '\0'; s++)
		if (step(j, *s, fd) == -1)
			die("step %c of %s: %s", *s, j->name, strerror(errno));
	if (fstat(j->log, &log) == -1 || dprintf(STDOUT_FILENO, "%s %jd\n",
	    j->name, (intmax_t)log.st_size) < 0)
		die("say %s: %s", j->name, strerror(errno));
	close(fd);
}

static void
work(struct job *j, unsigned worker, unsigned files)
{
	for (unsigned i = 0; i < files; i++) {
		snprintf(j->name, sizeof(j->name), "worker%03u-%08u", worker,
		    i);
		save(j);
	}
	exit(0);
}

static unsigned
number(const char *s)
{
	uint64_t n;

	if (!num_parse(str_of(s), 100000000, &n) || n == 0)
		die("'%s' is no number", s);
	return (unsigned)n;
}

int
main(int argc, char **argv)
{
	struct job j;
	unsigned workers, files;
	int status, bad = 0;

	if (argc != 7)
		die("usage: saver steps directory log workers files size");
	j.steps = argv[1];
	j.dir = open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	j.log = open(argv[3], O_RDONLY | O_CLOEXEC);
	if (j.dir == -1 || j.log == -1)
		die("%s, %s: %s", argv[2], argv[3], strerror(errno));
	workers = number(argv[4]);
	files = number(argv[5]);
	j.size = number(argv[6]);
	j.content = mem_alloc(j.size);
	for (unsigned i = 0; i < workers; i++)
		if (fork() == 0)
			work(&j, i, files);
	while (wait(&status) > 0)
		bad |= status;
	mem_free(j.content);
	return bad != 0;
}
