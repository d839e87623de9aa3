/* SPDX-License-Identifier: ISC */
#ifndef CONF_SETTING_H
#define CONF_SETTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/buf.h"
#include "base/fault.h"
#include "base/ip.h"
#include "base/vec.h"
#include "conf/rule.h"

/*
 * What can be set: the struct that holds the values, and the one table that
 * declares every setting of it.  Other rooms include conf/conf.h, which
 * brings this along.
 */
enum conf_service {
	SERVICE_SMTP,		/* 25 */
	SERVICE_SUBMISSION,	/* 587 */
	SERVICE_SUBMISSIONS,	/* 465: TLS from the first byte, RFC 8314 */
};

struct conf_networks {
	VEC(struct ipnet) nets;
	VEC(unsigned)	 lines;		/* by network */
};

#define CONF_LISTENS_MAX	64	/* without an address, of two families */

struct conf_listen {
	enum conf_service service;
	struct str	  name;		/* for rules; n == 0: none */
	struct conf_networks proxies;	/* none: clients come themselves */
	struct ip	  ip;		/* :: and 0.0.0.0 when not given */
	uint16_t	  port;
	unsigned	  line;		/* 0 everywhere: not from the file */
};

enum conf_class {
	CLASS_LOCAL,		/* users of this system and its aliases */
};

struct conf_domain {
	struct str	name;		/* lower case, A-labels */
	enum conf_class	class;
	unsigned	line;
};

enum conf_method {
	DELIVER_MBOX,
	DELIVER_MAILDIR,
	DELIVER_COMMAND,
};

struct conf_deliver {
	enum conf_method  method;
	struct str	  path;		/* mbox: directory; maildir: "~/..."
					 * or absolute; "%u" is the user;
					 * command: all of it, as written */
	VEC(struct str)	  argv;		/* command: words; "%u", "%h", "%s",
					 * "%r", "%e" fill a part of one word,
					 * "%%" is a percent sign; none in the
					 * first */
	unsigned	  line;
};

struct conf_route {
	struct str	pattern;	/* "*.example", "example.org", "*" */
	struct str	host;		/* name (A-labels) or address */
	uint16_t	port;
	bool		mx;		/* look up MX of host (no brackets, no
					 * port given, not an address) */
	unsigned	line;
};

enum conf_login_by {
	LOGIN_NONE,		/* nobody can */
	LOGIN_FILE,
	LOGIN_PAM,
	LOGIN_DOVECOT,
};

/* SASL mechanisms, the best one first. */
enum conf_mechanism {
	MECHANISM_SCRAM_SHA_256_PLUS,
	MECHANISM_SCRAM_SHA_256,
	MECHANISM_OAUTHBEARER,
	MECHANISM_XOAUTH2,
	MECHANISM_EXTERNAL,
	MECHANISM_PLAIN,
	MECHANISM_LOGIN,
	MECHANISMS,
};

/* Which addresses may be those of the sender. */
enum conf_senders {
	SENDERS_OWN,		/* the login, or that of its user */
	SENDERS_ANY,
	SENDERS_LISTED,		/* what the list has; who is not in it, his
				 * own */
};

/* What each login may send; 0: no limit. */
struct conf_quota {
	uint64_t	messages;
	uint64_t	recipients;	/* to whom it had not written before */
};

struct conf_allowance {
	struct conf_quota hour, day;
};

struct conf_login {
	enum conf_login_by by;
	struct str	place;		/* path of the file or socket; name of
					 * the PAM service */
	bool		without_tls;
	unsigned	mechanisms;	/* 1 << enum conf_mechanism, or-ed */
	unsigned	line, tls_line, mechanisms_line;
	enum conf_senders senders;
	struct rule_value senders_list;	/* SENDERS_LISTED: a FILE or DB */
	unsigned	senders_line;
	bool		checks_from;	/* login-checks-from: the field, too */
	bool		hides_client;	/* received-hides-client */
	struct conf_allowance allowance;
};

/* Who the processes are; without privilege nobody changes. */
struct conf_users {
	struct str	session;	/* setting user: master and sessions */
	struct str	queue;		/* queue-user: runner and workers */
	struct str	keeper;		/* keeper-user: the private keys */
	struct str	drop_group;	/* may leave messages in spool/drop */
	struct str	mail;		/* mail-user: delivers root's mail */
	struct str	login;		/* login-user: the doorkeeper */
};

/* One that was named in "extension NAME no". */
struct conf_extension {
	unsigned	bit;		/* as enum ext of smtp/ext */
	bool		off;
	unsigned	line;
};

/* What is offered to clients beside the plain protocol. */
struct conf_offer {
	VEC(struct conf_extension) extensions;
	bool		vrfy, expn;	/* answered with the truth */
	uint64_t	hold_longest;	/* seconds: hold-longest */
	uint64_t	by_least;	/* seconds: deliver-by-least */
};

/* What one session may do before it is ended with 421. */
struct conf_session {
	struct conf_offer offer;
	struct conf_networks xclient;	/* who may say who its client is */
	struct conf_networks normalize;	/* whose line ends are mended */
	bool		nul;		/* content may have one */
	uint64_t	errors;
	uint64_t	unknown_recipients;
	uint64_t	transactions;
	uint64_t	minimum_rate;	/* bytes a second, 0: any */
};

/* 0 everywhere but in most: no limit. */
struct conf_budget {
	uint64_t	most;			/* at once, of all */
	uint64_t	per_client;		/* at once */
	uint64_t	per_network;
	uint64_t	new_per_client;		/* in a minute */
	uint64_t	new_per_network;
	uint64_t	new_per_second;		/* of all */
	uint64_t	handshakes;		/* of TLS, in a minute */
	uint64_t	commands;		/* in vain, in a minute */
	uint64_t	stress;			/* percent of most */
	uint64_t	cpu;			/* seconds of one session, */
	uint64_t	cpu_nice;		/* before it has to give way */
	uint64_t	memory;			/* bytes of its addresses */
};

/* A part of what a DNS list may answer: addresses from low to high. */
struct conf_codes {
	uint32_t	low, high;	/* IPv4, as a number */
};

/* A row of a DNS list: "dnsbl" or "dnswl". */
struct conf_dnslist {
	struct str	zone;		/* where it is asked */
	struct str	label;		/* how it is called, if not so */
	bool		white;		/* its weight counts against */
	uint64_t	weight;
	VEC(struct conf_codes) when;	/* n == 0: any listing */
	unsigned	line;
};

/* What is to be learnt of a client from the world. */
struct conf_guest {
	bool		names;		/* client-names */
	VEC(struct conf_dnslist) lists;
	VEC(struct str)	zones;		/* of those and of the rules, each
					 * once */
	bool		rules_name;	/* some rule wants the name, */
	bool		rules_helo;	/* what the DNS has for its HELO, */
	bool		rules_own;	/* or our own addresses */
	uint64_t	dns_threshold;	/* dnsbl-threshold, 0: none */
	uint64_t	wait;		/* pre-greeting, seconds */
	uint64_t	greylist;	/* seconds, 0: no */
};

struct conf_store {
	uint64_t	free_space;	/* bytes kept free in spool */
	bool		may_lose_mail;	/* spool-may-lose-mail: any file
					 * system will do */
};

struct conf_timeout {			/* seconds */
	uint64_t	greeting, command, data, session, connect;
	uint64_t	login;		/* on the submission ports; 0: none */
	uint64_t	deliver;	/* of a local command */
};

struct conf_certificate {
	struct str	file;
	struct str	key;		/* n == 0: in the same file */
	VEC(struct str)	names;		/* "example.org", "*.example.org"; none:
					 * all that no other one has */
	unsigned	line;
};

enum conf_tls_oldest { OLDEST_1_0, OLDEST_1_1, OLDEST_1_2, OLDEST_1_3 };
enum conf_tls_clients { CLIENTS_NOT_ASKED, CLIENTS_ASKED };

struct conf_tls {
	VEC(struct conf_certificate) certificates;
	unsigned	oldest;		/* enum conf_tls_oldest */
	unsigned	clients;	/* enum conf_tls_clients */
	struct str	authorities;	/* path; n == 0: none */
};

struct conf_retry {			/* seconds */
	uint64_t	first, most;	/* doubles from the one to the other */
	uint64_t	lifetime, lifetime_bounce;
};

/* Where the values came from: lines of the file, 0 for a default. */
struct conf_from {
	unsigned	*lines;		/* by setting_index() */
	VEC(unsigned)	relay_lines;	/* by network */
	unsigned	listen_none;	/* of "listen none" */
};

struct conf {
	struct arena		arena;
	struct str		path;	/* of the file; "" when there is none */

	struct str		hostname;
	VEC(struct conf_listen)	listens;
	VEC(struct conf_domain)	domains;	/* in the order of str_cmp() */
	struct conf_deliver	deliver;
	VEC(struct ipnet)	relay;		/* "relay for NETWORK" */
	VEC(struct conf_route)	routes;
	struct rules		rules;	/* accept, reject, ... */
	struct conf_login	login;

	struct str		aliases;	/* path of the source file */
	struct str		delimiter;	/* of user+extension; "" none */
	struct str		spool;
	struct str		run;		/* sockets and the pid file */
	struct str		log;		/* syslog, stderr, path */

	struct conf_users	users;

	uint64_t		size;		/* bytes of a message */
	uint64_t		recipients;	/* of a transaction */
	uint64_t		hops;
	struct conf_budget	budget;
	struct conf_session	session;
	struct conf_store	store;
	struct conf_tls		tls;
	struct conf_guest	guest;

	struct conf_timeout	timeout;

	uint64_t		workers;		/* at once */
	uint64_t		workers_per_destination;
	struct conf_retry	retry;

	/* Not a setting: the addresses of this machine, filled in by whoever
	 * must know them (listener_find_own). */
	VEC(struct ip)		own;

	struct conf_from	from;
};

enum setting_type {
	SETTING_STRING,		/* of min..max bytes */
	SETTING_NAME,		/* of a user or a group */
	SETTING_PATH,		/* absolute, at most max bytes */
	SETTING_LOG,		/* "syslog", "stderr" or a path */
	SETTING_DOMAIN,
	SETTING_NUMBER,
	SETTING_SIZE,		/* bytes */
	SETTING_DURATION,	/* seconds */
	SETTING_SWITCH,		/* yes or no; its member is a bool */
	SETTING_CHOICE,		/* one of some words; its member is the
				 * unsigned number of it */
	/* Those with more parts, see conf/sentence. */
	SETTING_LISTEN,
	SETTING_DOMAINS,
	SETTING_DELIVER,
	SETTING_RELAY,
	SETTING_ROUTE,
	SETTING_TLS,
	SETTING_RULE,		/* see conf/clause */
	SETTING_EXTENSION,
	SETTING_NETWORKS,	/* "for NETWORK ..." */
	SETTING_DNSLIST,
	SETTING_LOGIN,		/* see conf/login */
};

struct setting {
	const char	 *name;
	enum setting_type type;
	size_t		  offset;	/* of the member in struct conf */
	const char	 *text;		/* default, as it would be written; a
					 * line each when there are several;
					 * NULL: worked out, or none */
	uint64_t	  min, max;
	bool		  reload;	/* a SIGHUP is enough to change it */
	const char	 *meaning;
};

/* The table, in the order in which settings are shown; NULL behind the end. */
const struct setting *setting_at(size_t i);
size_t	setting_count(void);
size_t	setting_index(const struct setting *);
/* NULL when there is none of that name. */
const struct setting *setting_find(struct str name);
/* The setting whose name is nearest to a misspelt one, or NULL. */
const char *setting_nearest(struct str name);
/* One name, one value, given once? */
bool	setting_is_simple(const struct setting *);
bool	setting_may_repeat(const struct setting *);

/* Parses the value of a simple setting into its member, copied to the arena of
 * the conf.  Fails with 554 5.3.5 and a text such as "expected a size from 64K
 * to 2G, got \"x\"". */
int	setting_parse(struct conf *, const struct setting *, struct str value,
	    struct fault *);
/* "smtp", "submission", "submissions", by enum conf_service; NULL behind the last. */
const char *const *setting_services(void);
/* A domain name as it is kept: A-labels, lower case; false when it is none. */
bool	setting_domain(struct arena *, struct str text, struct str *out);
/* Appends the value of a simple setting, not quoted. */
void	setting_format(const struct conf *, const struct setting *,
	    struct buf *);

/* Is this address in one of these?  (conf/network) */
bool	conf_networks_have(const struct conf_networks *, const struct ip *);

#endif
