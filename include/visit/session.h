/* SPDX-License-Identifier: ISC */
#ifndef VISIT_SESSION_H
#define VISIT_SESSION_H

#include "mail/header.h"
#include "os/stream.h"
#include "policy/facts.h"
#include "policy/panel.h"
#include "smtp/command.h"
#include "spool/submit.h"
#include "tls/tls_server.h"
#include "visit/peer.h"
#include "visit/tally.h"

/*
 * The state of one SMTP session, and what every command does to it.
 *
 * The phase is not stored: it follows from which objects exist, so that there
 * is nothing to forget when something fails.
 *
 *	CONNECTED ──EHLO/HELO──▶ GREETED ──MAIL──▶ MAIL ──RCPT──▶ RCPT ──DATA──┐
 *	                           ▲  ▲              │              │          │
 *	                           │  └── RSET, EHLO, MAIL refused ─┘          │
 *	                           └── content taken or refused ───────────────┘
 *	RCPT ──BDAT──▶ CHUNKS ──BDAT──▶ CHUNKS ──BDAT n LAST──▶ GREETED
 *	                  └── a chunk refused, RSET, EHLO ──▶ GREETED
 *	any ──QUIT, timeout, too slow, too many errors, lost connection──▶ ENDED
 */
enum phase {
	PHASE_CONNECTED = 1 << 0,	/* no hello yet */
	PHASE_GREETED = 1 << 1,		/* hello, no transaction */
	PHASE_MAIL = 1 << 2,		/* a transaction without a recipient */
	PHASE_RCPT = 1 << 3,		/* with one or more */
	PHASE_CHUNKS = 1 << 4,		/* a part of the content has come */
	PHASE_ENDED = 1 << 5,
};

/* One mail transaction; made by MAIL, freed whole on every way out. */
struct transaction {
	struct arena		arena;
	struct envelope		envelope;
	address_vec		finals;		/* after expansion */
	address_vec		taken;		/* as they were given */
	uint64_t		given;		/* RCPT commands */
	uint64_t		discarded;	/* recipients taken for show */
	struct verdict		verdict;	/* of the message so far: NONE
						 * or HOLD, and header fields */
	struct str		reason;		/* of the HOLD */
	struct str		held_for;	/* that recipient */
	const char		*held_at;	/* "RCPT": when it was said */
	struct str		over;		/* budget of the login; n == 0:
						 * it is within */
	bool			tell;		/* the postmaster, of that */
	struct submission	submission;
	struct chunks		*chunks;	/* of BDAT, in the arena; or
						 * NULL: none came */
};

#define CLIENT_TEXT_MAX	320	/* a domain, an address, brackets */

/* What somebody who may has told us of the client. */
struct claim {
	bool			may_come;	/* by XCLIENT */
	struct smtpd_peer	peer;		/* session.peer is it, then */
	bool			named;		/* session.client_name is told */
	struct str		helo;		/* n == 0: what it says itself */
	bool			smtp, esmtp;	/* what it speaks with that one;
						 * neither: as with us */
};

/* What was learnt of the client: visit/guest. */
struct acquaintance {
	struct guest		*guest;		/* NULL: nothing is asked */
	struct prober		*prober;	/* the guest's */
	bool			 put_off;	/* the last recipient, by the
						 * greylist */
	bool			 owes_login;	/* in time (visit/term) */
};

struct session {
	const struct smtpd	*smtpd;
	const struct conf	*conf;		/* smtpd->conf */
	const struct smtpd_peer	*peer;
	struct stream		 stream;
	struct arena		 arena;		/* of the session */
	char			 client[CLIENT_TEXT_MAX]; /* "unknown[192.0.2.1]" */
	struct str		 client_name;	/* "unknown" */
	struct acquaintance	 known;
	struct str		 helo;		/* p == NULL: none yet */
	struct claim		 claim;
	uint64_t		 preface;	/* bytes in front of it all */
	bool			 esmtp;
	bool			 ended;
	bool			 heard;		/* a line has come */
	bool			 secure;	/* TLS is on; then: */
	struct tls_facts	 tls;
	bool			 unwelcome;	/* 554 was the greeting */
	struct str		 login;		/* who it is; n == 0: nobody
						 * has logged in */
	struct str		 login_method,	/* "PLAIN" */
				 login_pass;	/* for intake/purse; n == 0:
						 * none */
	unsigned		 login_failures;
	unsigned		 extensions;	/* offered in EHLO */
	struct transaction	*transaction;	/* or NULL */
	struct header_collector	 header;	/* reused */
	enum verb		 last;		/* for the log */
	unsigned		 errors;
	unsigned		 unknown;	/* recipients that were */
	unsigned		 idle;		/* commands that led to nothing,
						 * since the last message */
	uint64_t		 discarded;	/* octets of refused chunks */
	unsigned		 transactions;
	struct tally		 tally;		/* so far, without the errors */
};

void	session_init(struct session *, const struct smtpd *, int fd,
	    const struct smtpd_peer *);
void	session_free(struct session *);
enum phase session_phase(const struct session *);

struct transaction *transaction_new(struct session *);
/* Tells the runner of a temporary name that is not needed any more. */
void	transaction_tidy(struct session *);
/* What a client said of itself, and its transaction: as at the beginning. */
void	session_forget(struct session *);
/* Where somebody is to be told that this login is over its budget: was he?  Not
 * answered; if it gets lost he is told twice, or later. */
void	transaction_settle(struct session *, bool told);
/* The only way out of a transaction; harmless when there is none. */
void	transaction_end(struct session *);

/* One reply; text may hold '\n' for more lines.  Counts 4yz and 5yz. */
void	session_reply(struct session *, int code, struct status,
	    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void	session_reply_fault(struct session *, const struct fault *);
/* The client is not who has connected; family 0: nobody knows who it is. */
void	session_report_client(struct session *, const struct sock_addr *);
/* Its name is known now, or is not any more; it is copied. */
void	session_name_client(struct session *, struct str name);
/* Sends what was said; a signal does not end it. */
enum stream_result session_flush(struct session *);
/* A command that led to nothing; of too many each is an error. */
void	session_count_idle(struct session *);
/* Is the client on this machine? */
bool	session_is_near(const struct session *);
/* 421, and the session is over. */
void	session_end(struct session *, struct status, const char *why);
/* Its processor time is over: it must end as soon as it can.  To be asked
 * whenever a signal has come: the first one is only to give way. */
bool	session_is_spent(const struct session *);
/* What a stranger gets when there is little left of something (SECURITY 4.6):
 * seconds for a command or a handshake, for the next piece of a message, and
 * until one begins, from his beginning or the end of the last. */
#define SESSION_STRESSED	10
#define SESSION_STRESSED_DATA	30
#define SESSION_STRESSED_VAIN	30

/* Seconds to wait for the client: usually, and under stress, of which who waits
 * learns while he does. */
void	session_set_patience(struct session *, uint64_t usual,
	    uint64_t stressed);
/* Of two limits the one that holds now: the other for who is not ours, under
 * stress. */
uint64_t session_limit(const struct session *, uint64_t usual,
	    uint64_t stressed);
/* The disk has failed, others have said. */
bool	session_spool_is_sick(const struct session *);
/* What the master is to know of it at its end. */
struct tally session_tally(const struct session *);
struct facts session_facts(const struct session *);
/* Who decides, as the panel wants to be asked. */
struct panel session_panel(const struct session *);
/* Says a verdict that is a refusal, and logs it; the session may be over. */
void	session_refuse(struct session *, const char *verb,
	    const struct verdict *);
/* "NOQUEUE: reject: RCPT from unknown[1.2.3.4]: 554 5.7.1 ...; from=<> ..." */
void	session_log_reject(const struct session *, const char *verb,
	    const struct fault *, struct str recipient);
/* "ID: hold: RCPT from unknown[1.2.3.4]: <...>: ...; from=<> to=<> ..." */
void	session_log_action(const struct session *, const char *id,
	    const char *action, const char *verb, struct str text,
	    struct str recipient);

/* Greets the client, or says what a rule has against it. */
void	smtpd_greet(struct session *);

/* The commands.  args as in struct command. */
typedef void smtpd_verb(struct session *, struct str args);
smtpd_verb smtpd_ehlo, smtpd_helo;
smtpd_verb smtpd_mail, smtpd_rcpt, smtpd_rset;
smtpd_verb smtpd_data;
/* _out_of_place: a BDAT that must not come now.  Its chunk comes all the same
 * and is no command. */
smtpd_verb smtpd_bdat, smtpd_bdat_out_of_place;
smtpd_verb smtpd_xclient;
smtpd_verb smtpd_noop, smtpd_help, smtpd_quit, smtpd_turn;
smtpd_verb smtpd_vrfy, smtpd_expn;
smtpd_verb smtpd_etrn;
smtpd_verb smtpd_auth;
smtpd_verb smtpd_starttls;

#endif
