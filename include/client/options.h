/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_OPTIONS_H
#define CLIENT_OPTIONS_H

#include <stdbool.h>
#include "base/arena.h"
#include "base/fault.h"
#include "base/vec.h"

/*
 * The command line of sendmail(8) as a value.  Forty years of callers share
 * it, so whatever is known to be harmless is taken and forgotten; only what
 * has no meaning at all is a fault.
 */
enum options_mode {
	MODE_SEND,		/* -bm: a message on standard input */
	MODE_SMTP,		/* -bs: SMTP on standard input */
	MODE_QUEUE,		/* -bp, mailq */
	MODE_COUNT,		/* -bpc, -bP */
	MODE_FLUSH,		/* -q, runq */
	MODE_ALIASES,		/* -bi, -I, newaliases */
	MODE_DAEMON,		/* -bd */
	MODE_VERIFY,		/* -bv, -bt */
	MODE_NOTHING,		/* -bh, -bH: no host status is kept */
	MODE_HELP,
	MODE_VERSION,
};

enum options_complaint {	/* -oe */
	COMPLAIN_MAIL,		/* and w, e: tell, keep a dead.letter */
	COMPLAIN_PRINT,		/* tell */
	COMPLAIN_QUIETLY,	/* the exit code must do */
};

struct options {
	enum options_mode	mode;
	enum options_complaint	complaint;
	struct str		program;	/* the name we were called by */
	const char		*config;	/* -C, or NULL */
	const char		*aliases;	/* -oA, or NULL */
	const char		*sender;	/* -f, -r, or NULL */
	const char		*full_name;	/* -F, or NULL */
	const char		*queue_id;	/* -qI, or NULL */
	bool			 rmail;
	bool			 from_header;	/* -t */
	bool			 dot_is_text;	/* -i */
	bool			 verbose;
	bool			 json;		/* mailq -j */
	bool			 mode_is_given;
	bool			 flush;		/* -q */
	VEC(const char *)	 recipients;
};

/* Strings stay in argv.  A permanent fault is worth EX_USAGE. */
int	options_parse(struct arena *, int argc, char *const *argv,
	    struct options *, struct fault *);

#endif
