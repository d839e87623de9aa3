/* SPDX-License-Identifier: ISC */
/*
 * Log lines: to the system's log socket, to standard error or to a file.
 *
 * A line is formatted on the stack, cleaned by the one sanitiser of the house
 * where it needs that, and handed over in one system call; nothing is
 * allocated and nothing is kept back, so that a line which was logged is out
 * even when the process dies at the next instruction.  A target that does not
 * take a line loses it: the log never stops the mail, and for the same reason
 * the socket never blocks.
 *
 * The socket is opened once and inherited over fork.  When the system's
 * logger was restarted, the first line after that finds the connection
 * refused, connects the same descriptor again and is sent a second time.
 *
 * This is one of the few modules that have state (with os/signal, base/die and
 * base/calendar): a process has one log.  Deciders call it, floors 0 to 4 do
 * not.
 */
#include "os/log.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/calendar.h"
#include "base/die.h"
#include "base/str.h"
#include "base/text.h"
#include "base/utf8.h"
#include "os/clock.h"

#define LINE_SIZE	2048	/* as much as common loggers keep of one */
#define STAMP_SIZE	32
#define FACILITY_MAIL	(2 << 3)	/* RFC 3164 4.1.1 */

enum target {
	TARGET_STDERR,
	TARGET_FILE,
	TARGET_SYSLOG,
};

static struct {
	enum target	 target;
	int		 fd;
	const char	*role;
	pid_t		 pid;
	bool		 debug;
	int64_t		 stamp_time;	/* the second that stamp shows */
	char		 stamp[STAMP_SIZE];
} the_log = { TARGET_STDERR, STDERR_FILENO, NULL, 0, false, -1, "" };

/* A line on its way: room for the newline is always kept. */
struct line {
	char	p[LINE_SIZE];
	size_t	n;
};

static const char SOCKET_PATH[] = "/dev/log";

/* Without a system call, which each session would make: the C library has been
 * told its number by the kernel that forked it, and the name of a thread's clock
 * shows it (the kernel's own way to write one: ~number << 3, and which clock). */
static pid_t
own_pid(void)
{
	clockid_t clock;

	if (pthread_getcpuclockid(pthread_self(), &clock) != 0)
		return getpid();
	return ~(clock >> 3);
}

static int
severity(enum log_level level)
{
	switch (level) {
	case LOG_LEVEL_ERROR:
		return 3;
	case LOG_LEVEL_WARNING:
		return 4;
	case LOG_LEVEL_INFO:
		return 6;
	case LOG_LEVEL_DEBUG:
		return 7;
	}
	return 6;
}

static const char *
level_word(enum log_level level)
{
	switch (level) {
	case LOG_LEVEL_ERROR:
		return "error: ";
	case LOG_LEVEL_WARNING:
		return "warning: ";
	case LOG_LEVEL_INFO:
	case LOG_LEVEL_DEBUG:
		return "";
	}
	return "";
}

/* "Nov 22 06:22:26", made anew once a second. */
static const char *
stamp(void)
{
	int64_t now = clock_wall();
	struct tm tm;

	if (now == the_log.stamp_time)
		return the_log.stamp;
	if (the_log.stamp_time == -1)
		tzset();
	the_log.stamp_time = now;
	calendar_look(now);
	tm = calendar_local(now);
	text_print(the_log.stamp, STAMP_SIZE, "%s %2d %02d:%02d:%02d",
	    calendar_months[tm.tm_mon], tm.tm_mday, tm.tm_hour, tm.tm_min,
	    tm.tm_sec);
	return the_log.stamp;
}

/* Appends all of it or nothing: a line is never cut inside a character or
 * an escape. */
static bool
add(struct line *l, const char *p, size_t n)
{
	if (n > LINE_SIZE - 1 - l->n)
		return false;
	memcpy(l->p + l->n, p, n);
	l->n += n;
	return true;
}

static bool
add_octal(struct line *l, const char *p, size_t n)
{
	unsigned char c;
	char out[4 * 4];
	size_t i;

	for (i = 0; i < n; i++) {
		c = (unsigned char)p[i];
		out[4 * i] = '\\';
		out[4 * i + 1] = (char)('0' + (c >> 6));
		out[4 * i + 2] = (char)('0' + (c >> 3 & 7));
		out[4 * i + 3] = (char)('0' + (c & 7));
	}
	return add(l, out, 4 * n);
}

/* How much of it is nothing but printable ASCII. */
static size_t
measure_plain(struct str s)
{
	size_t n = 0;

	while (n < s.n && s.p[n] >= 0x20 && s.p[n] < 0x7f)
		n++;
	return n;
}

/* The sanitiser.  C1 controls (U+0080 to U+009F) count as controls: some
 * terminals obey them. */
static void
add_clean(struct line *l, struct str s)
{
	size_t plain, room;
	uint32_t cp;
	unsigned n;
	bool fits = true;

	while (s.n > 0 && fits) {
		plain = measure_plain(s);
		if (plain > 0) {
			room = LINE_SIZE - 1 - l->n;
			fits = add(l, s.p, plain < room ? plain : room);
			s = str_from(s, plain);
			continue;
		}
		n = utf8_char(s, &cp);
		if (n == 0 || cp < 0x20 || (cp >= 0x7f && cp <= 0x9f))
			fits = add_octal(l, s.p, n == 0 ? 1 : n);
		else
			fits = add(l, s.p, n);
		s = str_from(s, n == 0 ? 1 : n);
	}
}

/* What is known to fit and to need no cleaning. */
static void __attribute__((format(printf, 2, 3)))
add_known(struct line *l, const char *fmt, ...)
{
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	n = text_vprint(l->p + l->n, LINE_SIZE - l->n, fmt, ap);
	va_end(ap);
	must(n < LINE_SIZE - l->n);
	l->n += n;
}

static void
add_ident(struct line *l, enum log_level level)
{
	if (the_log.pid == 0)
		the_log.pid = own_pid();
	if (the_log.target == TARGET_SYSLOG)
		add_known(l, "<%d>", FACILITY_MAIL | severity(level));
	add_known(l, "%s godwit", stamp());
	if (the_log.role != NULL) {
		add(l, "/", 1);
		add_clean(l, str_of(the_log.role));
	}
	add_known(l, "[%d]: ", (int)the_log.pid);
}

/* A function of its own: hardly a line needs its stack. */
static void __attribute__((noinline))
clean_rest(struct line *l, size_t n)
{
	char text[LINE_SIZE];

	memcpy(text, l->p + l->n, n);
	add_clean(l, str_span(text, n));
}

/* It is printed where it will stand.  A text longer than a line is cut there,
 * inside a character perhaps: the octal numbers of such an end are longer than
 * it, so that it is not seen. */
static void __attribute__((format(printf, 2, 0)))
add_text(struct line *l, const char *fmt, va_list ap)
{
	size_t room = LINE_SIZE - 1 - l->n, n;

	n = text_vprint(l->p + l->n, room + 1, fmt, ap);
	if (n > room)
		n = room;
	if (measure_plain(str_span(l->p + l->n, n)) == n)
		l->n += n;
	else
		clean_rest(l, n);
}

static int
connect_logger(int fd)
{
	struct sockaddr_un sun;

	memset(&sun, 0, sizeof(sun));
	sun.sun_family = AF_UNIX;
	memcpy(sun.sun_path, SOCKET_PATH, sizeof(SOCKET_PATH));
	return connect(fd, (const struct sockaddr *)&sun, sizeof(sun));
}

static void
send_line(const struct line *l)
{
	int flags = MSG_NOSIGNAL | MSG_DONTWAIT;

	if (send(the_log.fd, l->p, l->n, flags) != -1)
		return;
	if (errno != ECONNREFUSED && errno != ENOTCONN && errno != ECONNRESET)
		return;
	if (connect_logger(the_log.fd) == 0)
		(void)!send(the_log.fd, l->p, l->n, flags);
}

static void __attribute__((format(printf, 3, 0)))
emit(enum log_level level, const char *word, const char *fmt, va_list ap)
{
	struct line l;
	int saved = errno;

	l.n = 0;
	add_ident(&l, level);
	add_known(&l, "%s", word);
	errno = saved;
	add_text(&l, fmt, ap);
	if (the_log.target == TARGET_SYSLOG) {
		send_line(&l);
	} else {
		l.p[l.n++] = '\n';
		(void)!write(the_log.fd, l.p, l.n);
	}
	errno = saved;
}

static void __attribute__((format(printf, 2, 0)))
format(enum log_level level, const char *fmt, va_list ap)
{
	emit(level, level_word(level), fmt, ap);
}

static void __attribute__((format(printf, 1, 2)))
say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	emit(LOG_LEVEL_ERROR, "", fmt, ap);
	va_end(ap);
}

/* What die() and bug() say already begins with its own word. */
static void
say_last(const char *text)
{
	say("%s", text);
}

static void
use(enum target target, int fd)
{
	if (the_log.fd > STDERR_FILENO)
		close(the_log.fd);
	the_log.target = target;
	the_log.fd = fd;
	die_set_report(say_last);
}

static int
open_syslog(void)
{
	int fd, saved;

	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return -1;
	if (connect_logger(fd) == -1) {
		saved = errno;
		close(fd);
		use(TARGET_STDERR, STDERR_FILENO);
		log_warning("no log socket at %s (%s), logging to standard "
		    "error", SOCKET_PATH, strerror(saved));
		return 0;
	}
	use(TARGET_SYSLOG, fd);
	return 0;
}

int
log_open(const char *where)
{
	int fd;

	if (strcmp(where, "syslog") == 0)
		return open_syslog();
	if (strcmp(where, "stderr") == 0) {
		use(TARGET_STDERR, STDERR_FILENO);
		return 0;
	}
	if (where[0] != '/') {
		errno = EINVAL;
		return -1;
	}
	fd = open(where, O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY |
	    O_NOFOLLOW | O_CLOEXEC, 0640);
	if (fd == -1)
		return -1;
	use(TARGET_FILE, fd);
	return 0;
}

void
log_role(const char *name)
{
	the_log.role = name;
	the_log.pid = own_pid();
}

void
log_set_debug(bool on)
{
	the_log.debug = on;
}

void
log_stamp(void)
{
	(void)stamp();
}

int
log_fd(void)
{
	return the_log.fd;
}

void
log_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	format(LOG_LEVEL_ERROR, fmt, ap);
	va_end(ap);
}

void
log_warning(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	format(LOG_LEVEL_WARNING, fmt, ap);
	va_end(ap);
}

void
log_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	format(LOG_LEVEL_INFO, fmt, ap);
	va_end(ap);
}

void
log_debug(const char *fmt, ...)
{
	va_list ap;

	if (!the_log.debug)
		return;
	va_start(ap, fmt);
	format(LOG_LEVEL_DEBUG, fmt, ap);
	va_end(ap);
}
