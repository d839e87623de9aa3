/* SPDX-License-Identifier: ISC */
/*
 * The last place of a message that was refused: a file in its writer's home
 * directory, as sendmail has always left it there.  The text of a mail that
 * somebody has typed is worth more than an exit code.
 *
 * The file is appended to under a lock, made for its owner alone, and not
 * followed when it is a link; whatever goes wrong is told and changes nothing,
 * since the message was not sent in any case.  Called by bin/sendmail.
 */
#include "client/dead_letter.h"

#include <sys/stat.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/buf.h"
#include "mail/date.h"
#include "os/file.h"

static void
put_line(struct buf *b, struct str line)
{
	struct str bare = line;

	while (str_starts(bare, STR(">")))
		bare = str_from(bare, 1);
	if (str_starts(bare, STR("From ")))
		buf_putc(b, '>');
	if (str_ends(line, STR("\r")))
		line.n--;
	buf_puts(b, line);
	buf_putc(b, '\n');
}

/* "From sender Sun Nov 22 06:22:26 2026" */
static void
put_from_line(struct buf *b, struct str sender, int64_t when)
{
	struct str rest, year = STR_NONE;
	struct buf date;

	buf_printf(b, "From %.*s ", STR_ARG(sender.n > 0 ? sender :
	    STR("MAILER-DAEMON")));
	date_put_mailq(b, when);
	buf_init(&date);
	date_put(&date, when);
	rest = buf_str(&date);
	/* The fourth word of "Sun, 22 Nov 2026 ...". */
	for (int i = 0; i < 4; i++)
		(void)str_word(&rest, &year);
	buf_printf(b, " %.*s\n", STR_ARG(year));
	buf_free(&date);
}

static int
open_letter(int dirfd, struct fault *why)
{
	struct stat st;
	int fd;

	fd = openat(dirfd, "dead.letter", O_WRONLY | O_APPEND | O_CREAT |
	    O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
	if (fd == -1)
		return fault_system(why, errno, "open dead.letter");
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    file_try_lock(fd) == 1)
		return fd;
	close(fd);
	return fault_temporary(why, 451, 3, 0,
	    "dead.letter is in use, or no regular file");
}

static int
append(const char *dir, struct str text, struct fault *why)
{
	int dirfd, fd, result;

	dirfd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dirfd == -1)
		return fault_system(why, errno, "open %s", dir);
	fd = open_letter(dirfd, why);
	close(dirfd);
	if (fd == -1)
		return -1;
	result = file_write(fd, text.p, text.n, why);
	close(fd);
	return result;
}

int
dead_letter_save(const char *dir, struct str sender, int64_t when,
    struct str text, struct fault *why)
{
	struct str rest, line;
	struct buf b;
	int result;

	buf_init(&b);
	put_from_line(&b, sender, when);
	for (rest = text; str_cut(&rest, '\n', &line);)
		put_line(&b, line);
	buf_putc(&b, '\n');
	result = append(dir, buf_str(&b), why);
	buf_free(&b);
	return result;
}
