/* SPDX-License-Identifier: ISC */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#include <stdbool.h>

/*
 * An expected failure as a value: decided once, where the knowledge is, and
 * carried unchanged to the reply, the log, the queue and the bounce.  A
 * function that can fail so takes a struct fault as its last parameter and
 * returns 0 or -1; it fills the fault only when it returns -1.
 *
 * The class digit of the enhanced status (RFC 3463) follows from the kind: 4
 * for temporary, 5 for permanent.
 */
enum fault_kind {
	FAULT_NONE,
	FAULT_TEMPORARY,
	FAULT_PERMANENT,
};

#define FAULT_TEXT_MAX	512

struct fault {
	enum fault_kind	kind;
	int		reply;		/* SMTP reply code: 4yz or 5yz */
	int		subject;	/* RFC 3463 2.: x.SUBJECT.DETAIL */
	int		detail;
	char		text[FAULT_TEXT_MAX];	/* one line, printable, cut */
};

/* Fill and return -1, so that a caller may write: return fault_...(). */
int	fault_temporary(struct fault *, int reply, int subject, int detail,
	    const char *fmt, ...) __attribute__((cold, format(printf, 5, 6)));
int	fault_permanent(struct fault *, int reply, int subject, int detail,
	    const char *fmt, ...) __attribute__((cold, format(printf, 5, 6)));
/*
 * The fault that a failed system call means, with strerror in the text
 * ("open /x: No such file"): ENOSPC, EDQUOT, EFBIG are 452 4.3.1; all else
 * is 451 4.3.0.  err is the errno value.
 */
int	fault_system(struct fault *, int err, const char *fmt, ...)
	    __attribute__((cold, format(printf, 3, 4)));
/* Puts "prefix: " in front of the text. */
void	fault_prefix(struct fault *, const char *fmt, ...)
	    __attribute__((cold, format(printf, 2, 3)));
void	fault_clear(struct fault *);
bool	fault_is_temporary(const struct fault *);

#endif
