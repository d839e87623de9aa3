/* SPDX-License-Identifier: ISC */
/*
 * A configuration held against the machine that it is for: things that are no
 * errors, but that an administrator will stumble over later.
 *
 * Each check is one function that says one thing, with what to do about it.
 * Nothing here stops the daemon: what it cannot live without, it finds out by
 * itself when it starts.  A check that cannot look (a file it may not read)
 * says so rather than nothing.
 *
 * Called by `godwit check`, as root or as anybody.  Reads files and the user
 * database; makes no connection and changes nothing.
 */
#include "admin/check.h"

#include <sys/stat.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/num.h"
#include "map/db.h"
#include "os/file.h"
#include "os/user.h"
#include "spool/trial.h"
#include "visit/keys.h"

#define FIRST_FREE_PORT	1024
#define PORTS_PATH	"/proc/sys/net/ipv4/ip_unprivileged_port_start"
#define PORTS_FILE_MAX	32

struct checking {
	const struct conf *conf;
	struct arena	 arena;
	struct buf	*out;
	size_t		 n;
};

static void	warn(struct checking *, const char *fmt, ...)
		    __attribute__((format(printf, 2, 3)));

static void
warn(struct checking *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(c->out, fmt, ap);
	va_end(ap);
	buf_putc(c->out, '\n');
	c->n++;
}

static void
check_hostname(struct checking *c)
{
	struct str name = c->conf->hostname;

	if (str_find(name, '.') == name.n)
		warn(c, "hostname %.*s has no dot: many hosts refuse mail "
		    "from such a name; set hostname to the full one",
		    STR_ARG(name));
}

/* The strings of a conf lie in its arena and so end with a NUL. */
static void
check_spool(struct checking *c)
{
	const char *path = c->conf->spool.p;
	struct stat st;

	if (stat(path, &st) == 0) {
		if (!S_ISDIR(st.st_mode))
			warn(c, "spool %s is no directory", path);
	} else if (errno == ENOENT) {
		warn(c, "spool directory %s is missing; godwitd makes it when "
		    "it starts", path);
	} else {
		warn(c, "spool directory %s: %s", path, strerror(errno));
	}
}

static void
check_durable(struct checking *c)
{
	const char *path = c->conf->spool.p;
	struct trial trial;
	struct fault why;

	if (!c->conf->store.may_lose_mail &&
	    trial_look(path, &trial, &why) == 0 &&
	    !trial_is_durable(&trial, path, &why))
		warn(c, "%s", why.text);
}

void
client_check_spool(const struct conf *conf, struct buf *out)
{
	struct trial trial;
	struct fault ignored;

	if (trial_look(conf->spool.p, &trial, &ignored) < 0)
		return;
	trial_describe(&trial, conf->spool.p, out);
	buf_putc(out, '\n');
}

static bool
is_newer(const struct stat *a, const struct stat *b)
{
	if (a->st_mtim.tv_sec != b->st_mtim.tv_sec)
		return a->st_mtim.tv_sec > b->st_mtim.tv_sec;
	return a->st_mtim.tv_nsec > b->st_mtim.tv_nsec;
}

/* Who reads what is meant for the people in charge? */
static void
check_roles(struct checking *c, struct map *map)
{
	struct str value;
	struct fault why;
	int postmaster, root;

	postmaster = map_find(map, &c->arena, STR("postmaster"), &value, &why);
	root = map_find(map, &c->arena, STR("root"), &value, &why);
	if (postmaster == -1 || root == -1)
		warn(c, "aliases: %s", why.text);
	if (postmaster == 0)
		warn(c, "postmaster has no alias in %s: that mail goes to "
		    "root", c->conf->aliases.p);
	if (root == 0)
		warn(c, "root has no alias in %s: that mail is kept by the "
		    "user %s, where only root can read it", c->conf->aliases.p,
		    c->conf->users.mail.p);
}

static void
check_compiled(struct checking *c, const char *compiled,
    const struct stat *source)
{
	struct stat st;
	struct fault why;
	struct map *map;
	bool missing = false;

	map = db_open(compiled, &missing, &why);
	if (map == NULL && missing) {
		warn(c, "%s is not compiled, so mail for local users waits: "
		    "run newaliases", c->conf->aliases.p);
		return;
	}
	if (map == NULL) {
		warn(c, "aliases: %s; run newaliases", why.text);
		return;
	}
	if (source != NULL && stat(compiled, &st) == 0 && is_newer(source, &st))
		warn(c, "%s is newer than %s: run newaliases",
		    c->conf->aliases.p, compiled);
	check_roles(c, map);
	map_close(map);
}

static void
check_aliases(struct checking *c)
{
	const char *path = c->conf->aliases.p;
	const char *compiled = arena_printf(&c->arena, "%s.db", path).p;
	struct stat source, st;

	if (stat(path, &source) == 0)
		check_compiled(c, compiled, &source);
	else if (errno != ENOENT)
		warn(c, "aliases %s: %s", path, strerror(errno));
	else if (stat(compiled, &st) == 0)
		check_compiled(c, compiled, NULL);
	else
		warn(c, "there is no %s: mail for postmaster goes to root, "
		    "and that of root to the user %s", path,
		    c->conf->users.mail.p);
}

/* One that cannot be asked defers all mail that it is asked for. */
static void
check_database(struct checking *c, const struct rule_value *v, const char *who)
{
	struct fault why;
	struct map *map;
	bool missing;

	if (v->kind != VALUE_DB)
		return;
	map = db_open(v->text.p, &missing, &why);
	if (map == NULL)
		warn(c, "%s; %s names it, and defers mail until it can be "
		    "asked", why.text, who);
	map_close(map);
}

static void
check_rules(struct checking *c)
{
	const struct rules *rules = &c->conf->rules;

	if (c->conf->login.senders == SENDERS_LISTED)
		check_database(c, &c->conf->login.senders_list,
		    "login senders");
	for (size_t i = 0; i < rules->n; i++)
		for (size_t t = 0; t < rules->p[i].terms.n; t++)
			for (size_t k = 0; k < rules->p[i].terms.p[t].values.n;
			    k++)
				check_database(c,
				    &rules->p[i].terms.p[t].values.p[k],
				    "a rule");
}

static void
check_user(struct checking *c, const char *setting, struct str name)
{
	struct user user;
	struct fault why;
	int r = user_find(&c->arena, name, &user, &why);

	if (r == 0)
		warn(c, "there is no user %s (setting %s); make install makes "
		    "those of the defaults", name.p, setting);
	else if (r == -1)
		warn(c, "user %s: %s", name.p, why.text);
	else if (user.uid == 0)
		warn(c, "the user %s (setting %s) is root under another name",
		    name.p, setting);
}

static void
check_keeper(struct checking *c)
{
	const struct conf_users *u = &c->conf->users;

	check_user(c, "keeper-user", u->keeper);
	if (str_eq(u->keeper, u->session))
		warn(c, "user and keeper-user are both %s: who talks to the "
		    "network could read the private keys", u->keeper.p);
}

/* They only matter to a daemon that can become them. */
static void
check_accounts(struct checking *c)
{
	const struct conf *conf = c->conf;
	struct fault why;
	gid_t gid;
	int r;

	if (geteuid() != 0)
		return;
	check_user(c, "user", conf->users.session);
	check_user(c, "queue-user", conf->users.queue);
	check_user(c, "mail-user", conf->users.mail);
	if (conf->tls.certificates.n > 0)
		check_keeper(c);
	if (conf->login.by == LOGIN_FILE || conf->login.by == LOGIN_DOVECOT)
		check_user(c, "login-user", conf->users.login);
	if (str_eq(conf->users.session, conf->users.queue))
		warn(c, "user and queue-user are both %s: who talks to the "
		    "network could read the whole queue", conf->users.session.p);
	r = user_find_group(conf->users.drop_group, &gid, &why);
	if (r == 0)
		warn(c, "there is no group %s (setting drop-group)",
		    conf->users.drop_group.p);
	else if (r == -1)
		warn(c, "group %s: %s", conf->users.drop_group.p, why.text);
}

/* Keys are root's; who cannot read them is told so rather than nothing. */
static void
check_tls(struct checking *c)
{
	struct tls_server *server = NULL;
	struct fault why;

	if (keys_load(c->conf, &server, &why) < 0)
		warn(c, "%s%s", why.text, geteuid() == 0 ? "" :
		    " (looked at without root)");
	tls_server_free(server);
}

/* Who must log in first, and cannot. */
static void
check_submission(struct checking *c)
{
	const struct conf *conf = c->conf;

	for (size_t i = 0; i < conf->listens.n; i++) {
		if (conf->listens.p[i].service == SERVICE_SMTP)
			continue;
		if (conf->login.by == LOGIN_NONE)
			warn(c, "listen submission, but no login: only this "
			    "machine and the networks of relay can send there");
		else if (conf->tls.certificates.n == 0 &&
		    !conf->login.without_tls)
			warn(c, "listen submission and login, but no tls "
			    "certificate: nobody can log in");
		else
			continue;
		return;
	}
}

/* The first port that anybody may bind; Linux lets its administrator choose. */
static uint64_t
first_free_port(void)
{
	struct fault ignored;
	struct buf text;
	struct str rest, line;
	uint64_t port = FIRST_FREE_PORT;

	buf_init(&text);
	if (file_load(AT_FDCWD, PORTS_PATH, PORTS_FILE_MAX, &text,
	    &ignored) == 0) {
		rest = buf_str(&text);
		if (!str_cut(&rest, '\n', &line) ||
		    !num_parse(line, UINT16_MAX + 1, &port))
			port = FIRST_FREE_PORT;
	}
	buf_free(&text);
	return port;
}

static void
check_listens(struct checking *c)
{
	char text[IP_TEXT_MAX];
	uint64_t first;
	size_t i;

	if (geteuid() == 0)
		return;
	first = first_free_port();
	for (i = 0; i < c->conf->listens.n; i++) {
		const struct conf_listen *l = &c->conf->listens.p[i];

		if (l->port < first)
			warn(c, "to listen on port %u of %s needs root",
			    (unsigned)l->port, ip_format(&l->ip, text));
	}
}

size_t
client_check(const struct conf *conf, struct buf *out)
{
	struct checking c = { .conf = conf, .out = out };

	check_hostname(&c);
	check_spool(&c);
	check_durable(&c);
	check_aliases(&c);
	check_rules(&c);
	check_accounts(&c);
	check_listens(&c);
	check_submission(&c);
	check_tls(&c);
	arena_free(&c.arena);
	return c.n;
}
