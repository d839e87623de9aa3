/* SPDX-License-Identifier: ISC */
#ifndef OS_LOG_H
#define OS_LOG_H

#include <stdbool.h>

/*
 * Log lines of facility mail in the dialect of the field:
 * "godwit/smtpd[123]: ID: from=<...>, size=...".  A line is one datagram to
 * the system's log socket, opened once and inherited over fork; or one write
 * to standard error or to a file.  Control characters and bytes that are not
 * UTF-8 leave here as \ooo, whatever the caller passed (SECURITY rule: one
 * sanitiser).  A log that cannot be written never stops the mail.
 */
enum log_level {
	LOG_LEVEL_ERROR,	/* an operator must act */
	LOG_LEVEL_WARNING,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,	/* only after log_set_debug(true) */
};

/* where: "syslog", "stderr", or an absolute path to append to.  Returns 0 or
 * -1 with errno, and then nothing has changed.  Before any call, lines go to
 * standard error; so they do where "syslog" finds no log socket.  From then
 * on the last words of die() and bug() go to the log as well. */
int	log_open(const char *where);
/* The process's part of the ident: "smtpd" makes "godwit/smtpd[pid]".  Also
 * to be called after fork, as it reads the pid.  name must stay. */
void	log_role(const char *name);
void	log_set_debug(bool);
/* The descriptor in use (for a sandbox or a close-all), or -1. */
int	log_fd(void);
/* Makes the time stamp of this second, for whoever is forked in it. */
void	log_stamp(void);

void	log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void	log_warning(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void	log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void	log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
