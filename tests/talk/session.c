/* SPDX-License-Identifier: ISC */
/*
 * One real SMTP session on standard input, which is a socket, and then the
 * contents of its spool on standard output: who sent each message, to whom,
 * and every byte of it.  The spool is made anew where the configuration says,
 * the aliases are compiled if there are any, and the log goes to standard
 * error.  Started by dialogue.py, once for every dialogue; without privilege
 * and without a sandbox.  Where users can log in, a doorkeeper is started too.
 * The keys of certificates are in this process.
 *
 *	session [-d list] [-F bytes] [-m] [-p peer] [-s where] [-u uid]
 *	    [-x] configuration
 *
 * With -d a database LIST.db is made of the lines of LIST before all else.
 * With -s the peer came to that listener, named as a rule names it in "on".
 * With -u the peer is a program of that user on the local socket; with -x it is
 * a proxy, which says first who its client is; with -F no file may grow beyond
 * so many bytes.  With -m (many) standard input is a SEQPACKET socket: a packet
 * with a descriptor brings the socket of the next session, one without asks for
 * the contents of the spool, which is emptied.  The status is 0 when the session
 * has ended and all entries could be read whole.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "auth/backend.h"
#include "conf/listener.h"
#include "doorkeeper/doorkeeper.h"
#include "map/build.h"
#include "map/db.h"
#include "map/flat.h"
#include "master/roster.h"
#include "os/dir.h"
#include "os/log.h"
#include "os/proc.h"
#include "os/signal.h"
#include "os/sock.h"
#include "show/wishes.h"
#include "smtpd/serve.h"
#include "spool/message.h"
#include "spool/notify.h"
#include "spool/scan.h"
#include "spool/slots.h"
#include "visit/keys.h"

static void
fail(const char *what, const char *why)
{
	fprintf(stderr, "session: %s: %s\n", what, why);
	exit(1);
}

static struct conf *
load(const char *path)
{
	struct build_report report;
	struct buf errors = { 0 };
	struct conf *conf = conf_load(path, false, &errors);
	struct fault why;

	if (conf == NULL)
		fail(path, buf_cstr(&errors));
	buf_free(&errors);
	if (access(conf->aliases.p, F_OK) == 0 &&
	    build_aliases(conf->aliases.p, NULL, NULL, &report, &why) < 0)
		fail("aliases", why.text);
	return conf;
}

static struct lists *
open_lists(const struct conf *conf)
{
	struct buf errors = { 0 };
	struct lists *lists = lists_open(conf, &errors);

	if (lists == NULL)
		fail("lists", buf_cstr(&errors));
	buf_free(&errors);
	return lists;
}

static void
make_database(const char *list)
{
	struct flat_lines lines;
	struct buf text = { 0 }, errors = { 0 };
	struct db_writer *db;
	struct str key, value;
	struct fault why;
	bool duplicate;

	buf_printf(&text, "%s.db", list);
	if (!flat_lines_open(&lines, list, &errors) ||
	    (db = db_writer_new(buf_cstr(&text), &why)) == NULL)
		fail("database", list);
	while (flat_lines_next(&lines, &key, &value))
		if (db_writer_put(db, key, value, &duplicate, &why) < 0)
			fail("database", why.text);
	if (db_writer_commit(db, &why) < 0)
		fail("database", why.text);
	flat_lines_close(&lines);
	buf_free(&text);
}

static void
set_peer(struct smtpd_peer *peer, int option, const char *value)
{
	struct proc_limits limits = { 0 };

	switch (option) {
	case 'd':
		make_database(value);
		break;
	case 'F':
		limits.file_size = strtoull(value, NULL, 10);
		proc_limit(&limits);
		break;
	case 'p':
		if (!ip_parse(str_of(value), &peer->addr.ip))
			fail(value, "no address");
		break;
	case 'm':
	case 's':
		return;
	case 'x':
		peer->proxied = true;
		break;
	case 'u':
		peer->local = true;
		peer->uid = (uid_t)strtoul(value, NULL, 10);
		memset(&peer->addr, 0, sizeof(peer->addr));
		break;
	default:
		fail("usage", "session [-d list] [-F bytes] [-m] [-p peer] [-s where] [-u uid] [-x] conf");
	}
}

/* One that the configuration has, or else a service. */
static void
set_listener(const struct conf *conf, struct smtpd_peer *peer, const char *where)
{
	struct arena a = { 0 };
	struct rule_value v;

	if (where == NULL)
		return;
	if (!listener_parse_on(&a, str_of(where), &v))
		fail(where, "no listener");
	peer->listener = listener_find(conf, &v);
	if (peer->listener != NULL)
		peer->service = peer->listener->service;
	else if (v.kind == VALUE_NUMBER)
		peer->service = (enum conf_service)v.number;
	else
		fail(where, "nobody listens there");
	arena_free(&a);
}

/* Who knows the passwords, at the place where the session looks for him. */
static pid_t
start_doorkeeper(const struct conf *conf, const struct ip *client)
{
	struct children children;
	struct rosters rosters;
	struct arena a = { 0 };
	struct spending *spending;
	struct backend backend;
	struct fault why;
	pid_t pid, ours = getpid();
	int door;

	if (conf->login.by == LOGIN_NONE)
		return 0;
	if (mkdir(conf->run.p, 0755) < 0 && errno != EEXIST)
		fail(conf->run.p, strerror(errno));
	door = sock_listen_packets(conf_run_path(conf, &a, CONF_DOOR).p, 0600,
	    8, &why);
	if (door < 0)
		fail("door", why.text);
	arena_free(&a);
	if (rosters_make(&rosters, &why) < 0)
		fail("rosters", why.text);
	rosters_turn(&rosters);
	if ((pid = fork()) == 0) {
		proc_die_with_parent();
		if (getppid() != ours)
			_exit(0);
		close(STDIN_FILENO);
		rosters_look(&rosters);
		signal_catch(SIGCHLD);
		signal_block_caught();
		if (backend_open(&backend, conf, &why) < 0)
			fail("login", why.text);
		if (spending_open(&spending, NULL, &why) < 0)
			fail("spending", why.text);
		doorkeeper_run(conf, &backend, spending, &rosters, NULL,
		    door);
		_exit(0);
	}
	close(door);
	/* We are the session. */
	children_init(&children, 1, roster_open(&rosters), rosters.serial);
	children_add(&children, ours, client,
	    &(struct budget_seat){ .at = { 0 } }, 0);
	return pid;
}

static void
print_address(const char *label, const struct address *a)
{
	struct buf b = { 0 };

	address_put(&b, a);
	printf("%s <%s>\n", label, buf_cstr(&b));
	buf_free(&b);
}

static const char *
name_body(enum envelope_body body)
{
	switch (body) {
	case BODY_7BIT:
		return "7BIT";
	case BODY_8BITMIME:
		return "8BITMIME";
	case BODY_BINARYMIME:
		return "BINARYMIME";
	}
	return "?";
}

/* As `godwit queue show' has them, a line each. */
static void
print_wishes(const struct envelope *e)
{
	struct buf b = { 0 };
	struct str rest, line;

	wishes_put(&b, &e->wishes);
	for (size_t i = 0; i < e->recipients.n; i++) {
		wishes_put_recipient(&b, &e->recipients.p[i]);
		buf_putc(&b, '\n');
	}
	rest = buf_str(&b);
	while (str_cut(&rest, '\n', &line))
		if (line.n > 0)
			printf("wish %.*s\n", STR_ARG(str_trim(line)));
	buf_free(&b);
}

/* What the runner would have been told beside the names of entries. */
static void
print_notes(int fd)
{
	struct notify n;

	while (notify_receive(fd, &n) == 1)
		if (n.kind == NOTIFY_DOMAIN)
			printf("etrn %s\n", n.name);
}

static void
print_entry(const char *where, const struct message *m)
{
	const struct envelope *e = &m->envelope;

	printf("entry %s\n", where);
	printf("body %s\n", name_body(e->body));
	print_address("sender", &e->sender);
	for (size_t i = 0; i < e->recipients.n; i++) {
		print_address("rcpt", &e->recipients.p[i].address);
		print_address("original", &e->recipients.p[i].original);
	}
	print_wishes(e);
	printf("content %llu\n", (unsigned long long)message_size(m));
	for (uint32_t i = 0; i < m->super.nparts; i++)
		fwrite(m->parts[i].p, 1, m->parts[i].n, stdout);
	putchar('\n');
}

static void
print_held(const struct spool *spool)
{
	struct dir_walk walk;
	struct message m;
	struct note note;
	struct fault why;
	const char *name;
	char where[SPOOL_PATH_MAX];

	if (dir_walk_open(&walk, spool->root, "hold", &why) < 0)
		fail("hold", why.text);
	while ((name = dir_walk_next(&walk)) != NULL) {
		snprintf(where, sizeof(where), "hold/%s", name);
		if (message_open_at(&m, spool->root, where, name, true,
		    &why) != MESSAGE_OK || message_load(&m, &why) !=
		    MESSAGE_OK)
			fail(name, why.text);
		print_entry(where, &m);
		if (slots_read_note(&m, 0, &note))
			printf("held %.*s\n", STR_ARG(note.text));
		message_close(&m);
	}
	dir_walk_close(&walk);
}

/* A talk may have taken q away: then there is no message. */
static void
print_spool(const char *path, bool empty)
{
	char q[PATH_MAX], entry[SPOOL_PATH_MAX], where[SPOOL_PATH_MAX + 2];
	struct message m;
	struct spool spool;
	struct scan scan;
	struct fault why;
	const char *name;

	snprintf(q, sizeof(q), "%s/q", path);
	if (access(q, F_OK) != 0)
		return;
	if (spool_open(&spool, path, false, false, &why) < 0)
		fail("spool", why.text);
	scan_start(&scan, &spool, false);
	while ((name = scan_next(&scan, &why)) != NULL) {
		fault_clear(&why);
		if (message_open(&m, &spool, name, true, &why) != MESSAGE_OK ||
		    message_load(&m, &why) != MESSAGE_OK)
			fail(name, why.text);
		snprintf(where, sizeof(where), "q/%s",
		    spool_entry_path(m.super.name, entry));
		print_entry(where, &m);
		message_close(&m);
		if (empty && unlinkat(spool.q, spool_entry_path(name, q),
		    0) < 0)
			fail(name, "cannot be removed");
	}
	scan_stop(&scan);
	print_held(&spool);
	spool_close(&spool);
}

static void
serve_many(const struct smtpd *smtpd, const struct smtpd_peer *peer)
{
	char packet[16];
	int fd[SOCK_FDS_MAX];
	struct tally tally;
	size_t n;

	while (n = SOCK_FDS_MAX, sock_receive(STDIN_FILENO, packet,
	    sizeof(packet), fd, &n, 0) > 0) {
		if (n == 1) {
			smtpd_serve(smtpd, fd[0], peer, &tally);
			continue;
		}
		print_spool(smtpd->conf->spool.p, true);
		puts("end");
		fflush(stdout);
	}
}

int
main(int argc, char *argv[])
{
	struct smtpd_peer peer = { .service = SERVICE_SMTP };
	struct smtpd smtpd = { .notify = -1, .usher = -1, .tray = -1 };
	struct tls_server *tls;
	struct spool spool;
	struct conf *conf;
	struct tally tally;
	struct fault why;
	bool many = false;
	int option, notes[2];
	const char *where = NULL;
	pid_t doorkeeper;

	while ((option = getopt(argc, argv, "d:F:mp:s:u:x")) != -1) {
		set_peer(&peer, option, optarg);
		many |= option == 'm';
		if (option == 's')
			where = optarg;
	}
	if (optind != argc - 1)
		set_peer(&peer, '?', NULL);
	signal_ignore(SIGPIPE);
	signal_ignore(SIGXFSZ);
	signal_catch(SIGTERM);
	signal_catch(SIGXCPU);
	log_role("smtpd");
	smtpd.conf = conf = load(argv[optind]);
	set_listener(conf, &peer, where);
	if (log_open(conf->log.p) < 0)
		fail(conf->log.p, "cannot log there");
	if (spool_make(conf->spool.p, NULL, &why) < 0 ||
	    spool_open(&spool, conf->spool.p, true, false, &why) < 0)
		fail("spool", why.text);
	if (sock_pair(SOCK_DGRAM, notes, &why) < 0)
		fail("notes", why.text);
	smtpd.notify = notes[0];
	smtpd.spool = &spool;
	smtpd.aliases = alias_book_new(conf);
	smtpd.lists = open_lists(conf);
	if (keys_load(conf, &tls, &why) < 0)
		fail("tls", why.text);
	smtpd.tls = tls;
	doorkeeper = start_doorkeeper(conf, &peer.addr.ip);
	if (many)
		serve_many(&smtpd, &peer);
	else
		smtpd_serve(&smtpd, STDIN_FILENO, &peer, &tally);
	if (doorkeeper > 0) {
		kill(doorkeeper, SIGKILL);
		waitpid(doorkeeper, NULL, 0);
	}
	alias_book_free(smtpd.aliases);
	lists_free(smtpd.lists);
	if (tls != NULL)
		tls_server_free(tls);
	spool_close(&spool);
	print_spool(conf->spool.p, false);
	print_notes(notes[1]);
	conf_free(conf);
	puts("end");
	return fflush(stdout) == 0 ? 0 : 1;
}
