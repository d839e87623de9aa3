/* SPDX-License-Identifier: ISC */
/*
 * Privilege and how it is lost.  One place says, for each kind of process,
 * which user it becomes, in which groups it is, and what its sandbox leaves to
 * it.  Children inherit all of it, so a session pays nothing for being caged.
 *
 *	master, sessions  user        group of the queue (to make entries)
 *	keeper            keeper-user none
 *	relay of names    user        the same
 *	runner, workers   queue-user  godwitdrop (to read what was dropped)
 *	doorkeeper        login-user  none
 *	prover            root        as it was; no sandbox (PAM)
 *	agent             recipient   mail for an mbox (its dot lock), his own
 *	                              for a command, none for a Maildir
 */

#include "master/cage.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/file.h"
#include "os/proc.h"
#include "os/sandbox.h"

static int
find_user(struct arena *a, struct str name, const char *setting,
    struct user *user, struct fault *why)
{
	int found = user_find(a, name, user, why);

	if (found == 0)
		return fault_permanent(why, 554, 3, 5,
		    "there is no user \"%.*s\" (setting %s): `make install` "
		    "makes it, or: adduser --system --group --no-create-home "
		    "%.*s", STR_ARG(name), setting, STR_ARG(name));
	if (found == 1 && user->uid == 0)
		return fault_permanent(why, 554, 3, 5,
		    "setting %s: it must not be root", setting);
	return found < 0 ? -1 : 0;
}

static int
find_group(struct str name, const char *setting, gid_t *gid,
    struct fault *why)
{
	int found = user_find_group(name, gid, why);

	if (found == 0)
		return fault_permanent(why, 554, 3, 5,
		    "there is no group \"%.*s\" (setting %s): `make install` "
		    "makes it, or: addgroup --system %.*s", STR_ARG(name),
		    setting, STR_ARG(name));
	return found < 0 ? -1 : 0;
}

int
cage_find(struct cage *c, const struct conf *conf, struct fault *why)
{
	struct user doorkeeper;

	memset(c, 0, sizeof(*c));
	c->warden = getpid();
	c->privileged = geteuid() == 0;
	if (!c->privileged)
		return 0;
	if (find_user(&c->arena, conf->users.session, "user", &c->master,
	    why) < 0 ||
	    find_user(&c->arena, conf->users.queue, "queue-user", &c->runner,
	    why) < 0 ||
	    find_group(conf->users.drop_group, "drop-group", &c->drop_gid,
	    why) < 0)
		return -1;
	if (conf->login.by != LOGIN_NONE &&
	    find_user(&c->arena, conf->users.login, "login-user",
	    &doorkeeper, why) < 0)
		return -1;
	if (user_find_group(STR("mail"), &c->mail_gid, why) != 1)
		c->mail_gid = (gid_t)-1;
	c->runner_uid = c->runner.uid;
	c->runner_gid = c->runner.gid;
	return 0;
}

/* Who dies with its parent must say so after its last change of user. */
static int
harden_below(pid_t parent, struct fault *why)
{
	if (proc_harden(why) < 0)
		return -1;
	proc_clear_environment();
	proc_die_with_parent();
	/* It may have died before it was said. */
	if (getppid() != parent)
		return fault_temporary(why, 451, 3, 0, "the warden has gone");
	return chdir("/") < 0 ? fault_temporary(why, 451, 3, 0, "chdir /") : 0;
}

static int
harden(const struct cage *c, struct fault *why)
{
	return harden_below(c->warden, why);
}

int
cage_become_master(const struct cage *c, struct fault *why)
{
	if (c->privileged && user_become(&c->master, false, &c->runner_gid, 1,
	    why) < 0)
		return -1;
	if (harden(c, why) < 0)
		return -1;
	/* An entry is for the queue's group alone. */
	umask(007);
	return 0;
}

int
cage_become_runner(const struct cage *c, struct fault *why)
{
	if (c->privileged && user_become(&c->runner, false, &c->drop_gid, 1,
	    why) < 0)
		return -1;
	return harden(c, why);
}

int
cage_find_keeper(const struct cage *c, const struct conf *conf,
    struct arena *a, struct user *user, struct fault *why)
{
	return !c->privileged ? 0 : find_user(a, conf->users.keeper,
	    "keeper-user", user, why);
}

int
cage_become_keeper(const struct cage *c, const struct user *user,
    struct fault *why)
{
	if (c->privileged && user_become(user, false, NULL, 0, why) < 0)
		return -1;
	return harden(c, why);
}

int
cage_find_doorkeeper(const struct cage *c, const struct conf *conf,
    struct arena *a, struct user *user, struct fault *why)
{
	return !c->privileged ? 0 : find_user(a, conf->users.login,
	    "login-user", user, why);
}

int
cage_become_doorkeeper(const struct cage *c, const struct conf *conf,
    struct fault *why)
{
	struct arena a = { 0 };
	struct user user;
	int r;

	/* Looked up here, since it may be wanted only after a reload. */
	r = cage_find_doorkeeper(c, conf, &a, &user, why);
	if (r == 0 && c->privileged)
		r = user_become(&user, false, NULL, 0, why);
	arena_free(&a);
	return r < 0 ? -1 : harden(c, why);
}

int
cage_become_prover(pid_t doorkeeper, struct fault *why)
{
	return harden_below(doorkeeper, why);
}

int
cage_become_recipient(const struct cage *c, const struct conf *conf,
    struct arena *a, const char *name, struct user *user, struct fault *why)
{
	/* To look a user's groups up is dear, and only a command can need
	 * them.  The group mail opens the mailboxes of others: it is for our
	 * own code alone. */
	bool own_groups = conf->deliver.method == DELIVER_COMMAND;
	size_t groups = conf->deliver.method == DELIVER_MBOX &&
	    c->mail_gid != (gid_t)-1 ? 1 : 0;
	int found = user_find(a, str_of(name), user, why);

	if (found == 1 && c->privileged && user->uid == 0) {
		found = user_find(a, conf->users.mail, user, why);
		user->name = arena_str(a, str_of(name));
	}
	if (found == 0)
		return fault_permanent(why, 550, 1, 1, "no such user");
	if (found < 0)
		return -1;
	if (c->privileged &&
	    user_become(user, own_groups, &c->mail_gid, groups, why) < 0)
		return -1;
	/* Debian's procmail is setgid mail, and without that makes no mailbox
	 * and no lock. */
	return conf->deliver.method == DELIVER_COMMAND ? proc_conceal(why) :
	    proc_harden(why);
}

enum {
	LOOKUPS_N = 11,
	INCLUDES_MAX = 64,
	ALIASES_MAX = 16 * 1024 * 1024,
};

/* What looking up users, hosts and times needs. */
#define LOOKUPS								\
	{ "/etc", SANDBOX_READ },					\
	{ "/usr", SANDBOX_READ },					\
	{ "/lib", SANDBOX_READ },					\
	{ "/lib64", SANDBOX_READ },					\
	{ "/run/systemd", SANDBOX_READ | SANDBOX_CONNECT },		\
	{ "/run/nscd", SANDBOX_READ | SANDBOX_CONNECT },		\
	{ "/var/lib/sss/pipes", SANDBOX_FLAGS },			\
	{ "/var/lib/sss", SANDBOX_READ | SANDBOX_CONNECT },		\
	{ "/sys/devices/system/cpu", SANDBOX_READ },			\
	{ "/dev/null", SANDBOX_READ },					\
	{ "/dev/urandom", SANDBOX_READ }

/* The directory of a path, or "/". */
static struct str
parent(struct arena *a, struct str path)
{
	size_t slash = str_rfind(path, '/');

	return arena_str(a, slash == 0 || slash == path.n ? STR("/") :
	    str_slice(path, 0, slash));
}

/* The files that aliases include may lie anywhere. */
static size_t
find_includes(struct arena *a, struct str aliases, struct sandbox_path *out,
    size_t max)
{
	static const struct str word = { ":include:", 9 };
	struct buf text = { 0 };
	struct fault ignored;
	struct str rest;
	size_t n = 0;

	if (file_load(AT_FDCWD, aliases.p, ALIASES_MAX, &text, &ignored) < 0)
		buf_reset(&text);
	rest = buf_str(&text);
	while (n < max && str_search(rest, word) < rest.n) {
		size_t end = 0;

		rest = str_from(rest, str_search(rest, word) + word.n);
		while (end < rest.n &&
		    strchr(",\" \t\r\n", rest.p[end]) == NULL)
			end++;
		out[n].path = arena_str(a, str_slice(rest, 0, end)).p;
		out[n++].access = SANDBOX_READ;
	}
	buf_free(&text);
	return n;
}

/* Modules of NSS are loaded at first use; afterwards nothing may be. */
static void
warm_lookups(void)
{
	struct arena a = { 0 };
	struct user user;
	struct fault why;

	(void)user_find(&a, STR("postmaster"), &user, &why);
	arena_free(&a);
}

/* The databases that rules and `login senders' name: they are opened again when
 * they change. */
static size_t
find_databases(struct arena *a, const struct conf *conf,
    struct sandbox_path *out)
{
	const struct rule_value *v = &conf->login.senders_list;
	size_t n = 0;

	if (conf->login.senders == SENDERS_LISTED && v->kind == VALUE_DB) {
		out[n].path = parent(a, v->text).p;
		out[n++].access = SANDBOX_READ;
	}
	for (size_t i = 0; i < conf->rules.n; i++)
		for (size_t t = 0; t < conf->rules.p[i].terms.n; t++)
			for (size_t k = 0; k <
			    conf->rules.p[i].terms.p[t].values.n; k++) {
				v = &conf->rules.p[i].terms.p[t].values.p[k];
				if (v->kind != VALUE_DB)
					continue;
				out[n].path = parent(a, v->text).p;
				out[n++].access = SANDBOX_READ;
			}
	return n;
}

/* What both need, and the place of each in the spool. */
static int
lock(enum sandbox_profile profile, const struct conf *conf,
    const struct sandbox_path *more, size_t nmore, struct fault *why)
{
	struct arena a = { 0 };
	struct sandbox_path paths[LOOKUPS_N + INCLUDES_MAX + RULE_LISTS_MAX +
	    4] = {
		LOOKUPS,
	};
	size_t n = LOOKUPS_N;
	int r;

	warm_lookups();
	paths[n].path = parent(&a, conf->aliases).p;
	paths[n++].access = SANDBOX_READ;
	for (size_t i = 0; i < nmore; i++) {
		paths[n].path = arena_printf(&a, "%.*s%s",
		    STR_ARG(conf->spool), more[i].path).p;
		paths[n++].access = more[i].access;
	}
	n += find_includes(&a, conf->aliases, paths + n, INCLUDES_MAX);
	if (profile == SANDBOX_MASTER)
		n += find_databases(&a, conf, paths + n);
	r = sandbox_enter(profile, paths, n, why);
	arena_free(&a);
	return r;
}

int
cage_lock_keeper(struct fault *why)
{
	return sandbox_enter(SANDBOX_KEEPER, NULL, 0, why);
}

int
cage_lock_master(const struct conf *conf, struct fault *why)
{
	static const struct sandbox_path places[] = {
		{ "/q", SANDBOX_CREATE },
		{ "/hold", SANDBOX_CREATE },
	};

	return lock(SANDBOX_MASTER, conf, places, 2, why);
}

int
cage_lock_relay(struct fault *why)
{
	return sandbox_enter(SANDBOX_RUNNER, NULL, 0, why);
}

int
cage_lock_doorkeeper(const struct conf *conf, struct fault *why)
{
	struct arena a = { 0 };
	struct sandbox_path path = { "/", 0 };
	int r = 0;

	switch (conf->login.by) {
	case LOGIN_FILE:
		path.access = SANDBOX_READ;
		break;
	case LOGIN_DOVECOT:
		path.access = SANDBOX_CONNECT;
		break;
	case LOGIN_NONE:
	case LOGIN_PAM:
		/* It asks the prover, whom no sandbox would suit: what PAM's
		 * modules do nobody knows. */
		return sandbox_enter(SANDBOX_DOORKEEPER, NULL, 0, why);
	}
	path.path = parent(&a, conf->login.place).p;
	r = sandbox_enter(SANDBOX_DOORKEEPER, &path, 1, why);
	arena_free(&a);
	return r;
}

int
cage_lock_runner(const struct conf *conf, int *narrow, struct fault *why)
{
	static const struct sandbox_path all = { "", SANDBOX_ALL };
	struct sandbox_path lookups[] = { LOOKUPS };

	if (sandbox_prepare(lookups, sizeof(lookups) / sizeof(lookups[0]),
	    narrow, why) < 0)
		return -1;
	return lock(SANDBOX_RUNNER, conf, &all, 1, why);
}
