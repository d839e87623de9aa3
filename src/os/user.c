/* SPDX-License-Identifier: ISC */
/*
 * Users and groups of the system, and becoming one of them.
 *
 * The user database may be a file or a server somewhere (NSS).  The one
 * distinction that matters to mail is kept with care: "there is no such user"
 * is a permanent refusal, "the database did not answer" is a temporary one.
 * getpwnam_r(3) lists which error numbers mean the former; every other one is
 * the latter.  A wrong answer in either direction loses or bounces mail.
 *
 * A roll is the file of users in memory.  It is trusted only in what it has, only
 * as long as the file and nsswitch.conf are the ones that were read, and not
 * before a change would show in the file's times.
 *
 * user_become() is the way from root to a recipient.  It goes in the only
 * right order (groups, gid, uid) and then looks whether the kernel agrees and
 * whether the way back is closed; its caller must end the process when it
 * fails, as the identity may be half changed by then.
 */
#include "os/user.h"

#include <sys/stat.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/num.h"
#include "os/clock.h"
#include "os/file.h"

#define RECORD_MIN	1024
#define RECORD_MAX	65536	/* bytes of one passwd or group record */
#define GROUPS_FIRST	32

/* A roll is for the small: elsewhere the file is searched as ever. */
#define ROLL_MAX	65536	/* bytes of /etc/passwd */
#define ROLL_AGE	2	/* seconds; what is younger may still change
				 * without looking so */
#define NSSWITCH_MAX	8192
#define PASSWD_FIELDS	6	/* behind the name */

static const char PASSWD[] = "/etc/passwd";
static const char NSSWITCH[] = "/etc/nsswitch.conf";

struct user_roll {
	bool		 good;		/* text is what file was */
	struct stat	 file, order;	/* passwd, nsswitch.conf */
	char		*text;
	size_t		 n;
};

enum kind {
	BY_NAME,
	BY_UID,
	GROUP_BY_NAME,
};

struct query {
	enum kind	 kind;
	const char	*name;
	uid_t		 uid;
	struct passwd	 pw;
	struct group	 gr;
	bool		 found;
};

static int
look_up(struct query *q, char *record, size_t n)
{
	struct passwd *pw = NULL;
	struct group *gr = NULL;
	int err = 0;

	switch (q->kind) {
	case BY_NAME:
		err = getpwnam_r(q->name, &q->pw, record, n, &pw);
		break;
	case BY_UID:
		err = getpwuid_r(q->uid, &q->pw, record, n, &pw);
		break;
	case GROUP_BY_NAME:
		err = getgrnam_r(q->name, &q->gr, record, n, &gr);
		break;
	}
	q->found = pw != NULL || gr != NULL;
	return q->found ? 0 : err;
}

/* Gives the record as much room as it needs.  *record is to be freed even
 * when the result is an error number. */
static int
look_up_growing(struct query *q, char **record)
{
	size_t n = RECORD_MIN;
	int err;

	*record = NULL;
	do {
		mem_free(*record);
		*record = mem_alloc(n);
		do
			err = look_up(q, *record, n);
		while (err == EINTR);
		n *= 2;
	} while (err == ERANGE && n <= RECORD_MAX);
	return err;
}

static int
judge(const struct query *q, int err, struct fault *why)
{
	if (q->found)
		return 1;
	switch (err) {
	case 0:
	case ENOENT:
	case ESRCH:
		return 0;
	}
	return fault_system(why, err, "user database");
}

static void
keep(struct arena *arena, const struct passwd *pw, struct user *u)
{
	struct str gecos = str_of(pw->pw_gecos);

	u->name = arena_str(arena, str_of(pw->pw_name));
	u->uid = pw->pw_uid;
	u->gid = pw->pw_gid;
	u->home = arena_str(arena, str_of(pw->pw_dir));
	u->shell = arena_str(arena, str_of(pw->pw_shell));
	gecos = str_slice(gecos, 0, str_find(gecos, ','));
	u->full_name = arena_str(arena, gecos);
}

static int
find(struct arena *arena, struct query *q, struct user *u, struct fault *why)
{
	char *record;
	int err, result;

	err = look_up_growing(q, &record);
	result = judge(q, err, why);
	if (result == 1)
		keep(arena, &q->pw, u);
	mem_free(record);
	return result;
}

/* A name that no record can have needs no question. */
static bool
may_exist(struct str name)
{
	return name.n > 0 && name.n < RECORD_MIN &&
	    str_find(name, '\0') == name.n && str_find(name, ':') == name.n &&
	    str_find(name, '\n') == name.n;
}

int
user_find(struct arena *arena, struct str name, struct user *u,
    struct fault *why)
{
	struct query q = { .kind = BY_NAME };
	char *z;
	int result;

	if (!may_exist(name))
		return 0;
	q.name = z = mem_copy(name.p, name.n);
	result = find(arena, &q, u, why);
	mem_free(z);
	return result;
}

int
user_find_uid(struct arena *arena, uid_t uid, struct user *u,
    struct fault *why)
{
	struct query q = { .kind = BY_UID, .uid = uid };

	return find(arena, &q, u, why);
}

/* ": files" and perhaps others behind it, but no [...] that says what is to be
 * made of its answer. */
static bool
names_files(struct str line)
{
	if (!str_starts(line, STR(":")))
		return false;
	line = str_trim(str_from(line, 1));
	if (!str_starts(line, STR("files")))
		return false;
	line = str_from(line, strlen("files"));
	return line.n == 0 || (str_is_blank(line.p[0]) &&
	    !str_starts(str_trim(line), STR("[")));
}

/* Does the file of users come before all other databases, and is whoever is in
 * it a user?  A word that is not understood is a no; that nothing is said about
 * users means it. */
static bool
files_come_first(void)
{
	char text[NSSWITCH_MAX];
	struct str rest, line;
	unsigned lines = 0;
	ssize_t n;
	int fd = open(NSSWITCH, O_RDONLY | O_CLOEXEC);

	if (fd == -1)
		return false;
	n = read(fd, text, sizeof(text));
	close(fd);
	if (n < 0 || (size_t)n == sizeof(text))
		return false;
	rest = str_span(text, (size_t)n);
	while (str_cut(&rest, '\n', &line)) {
		line = str_trim(line);
		if (!str_starts(line, STR("passwd")))
			continue;
		line = str_from(line, strlen("passwd"));
		if (++lines > 1 || !names_files(line))
			return false;
	}
	return true;
}

struct user_roll *
user_roll_new(void)
{
	return mem_alloc(sizeof(struct user_roll));
}

void
user_roll_free(struct user_roll *roll)
{
	if (roll != NULL)
		mem_free(roll->text);
	mem_free(roll);
}

static bool
read_roll(struct user_roll *roll, int fd)
{
	struct fault ignored;
	struct stat st;

	if (fstat(fd, &roll->file) == -1 || !S_ISREG(roll->file.st_mode) ||
	    roll->file.st_size > ROLL_MAX ||
	    clock_wall() - roll->file.st_ctim.tv_sec < ROLL_AGE)
		return false;
	roll->n = (size_t)roll->file.st_size;
	if ((roll->text = mem_try(roll->n + 1)) == NULL)
		return false;
	return file_pread(fd, roll->text, roll->n, 0, &ignored) == 0 &&
	    fstat(fd, &st) == 0 && file_is_same(&st, &roll->file);
}

void
user_roll_look(struct user_roll *roll)
{
	struct stat st, order;
	int fd;

	if (stat(NSSWITCH, &order) == -1)
		order = (struct stat){ .st_ino = 0 };
	if (roll->good && stat(PASSWD, &st) == 0 &&
	    file_is_same(&st, &roll->file) &&
	    file_is_same(&order, &roll->order))
		return;
	mem_free(roll->text);
	*roll = (struct user_roll){ .order = order };
	if (!files_come_first() ||
	    (fd = open(PASSWD, O_RDONLY | O_CLOEXEC)) == -1)
		return;
	roll->good = read_roll(roll, fd);
	close(fd);
}

/* The line of a name, without it: "x:1000:1000:Ann,,,:/home/ann:/bin/sh". */
static bool
find_line(const struct user_roll *roll, struct str name, struct str *line)
{
	struct str rest = str_span(roll->text, roll->n);

	while (str_cut(&rest, '\n', line))
		if (line->n > name.n && line->p[name.n] == ':' &&
		    memcmp(line->p, name.p, name.n) == 0) {
			*line = str_from(*line, name.n + 1);
			return true;
		}
	return false;
}

/* False: the C library may understand it. */
static bool
read_line(struct arena *arena, struct str name, struct str line,
    struct user *u)
{
	struct str field[PASSWD_FIELDS] = { STR_NONE };
	uint64_t uid, gid;
	size_t n = 0;

	while (n < PASSWD_FIELDS && str_cut(&line, ':', &field[n]))
		n++;
	if (n < PASSWD_FIELDS || line.n > 0 ||
	    !num_parse(field[1], UINT32_MAX - 1, &uid) ||
	    !num_parse(field[2], UINT32_MAX - 1, &gid))
		return false;
	u->uid = (uid_t)uid;
	u->gid = (gid_t)gid;
	u->name = arena_str(arena, name);
	u->full_name = arena_str(arena,
	    str_slice(field[3], 0, str_find(field[3], ',')));
	u->home = arena_str(arena, field[4]);
	u->shell = arena_str(arena, field[5]);
	return true;
}

/* Lines that begin otherwise mean something else: "#", "+", "-", blanks. */
static bool
is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '_';
}

int
user_roll_find(const struct user_roll *roll, struct arena *arena,
    struct str name, struct user *u, struct fault *why)
{
	struct stat st;
	struct str line;

	if (roll->good && may_exist(name) && is_plain(name.p[0]) &&
	    stat(PASSWD, &st) == 0 &&
	    file_is_same(&st, &roll->file) && find_line(roll, name, &line) &&
	    read_line(arena, name, line, u))
		return 1;
	return user_find(arena, name, u, why);
}

int
user_find_group(struct str name, gid_t *gid, struct fault *why)
{
	struct query q = { .kind = GROUP_BY_NAME };
	char *z, *record;
	int err, result;

	if (!may_exist(name))
		return 0;
	q.name = z = mem_copy(name.p, name.n);
	err = look_up_growing(&q, &record);
	result = judge(&q, err, why);
	if (result == 1)
		*gid = q.gr.gr_gid;
	mem_free(record);
	mem_free(z);
	return result;
}

/* The user's own groups, in memory that is to be freed. */
static gid_t *
list_groups(const struct user *u, size_t *n)
{
	gid_t *groups;
	char *name = mem_copy(u->name.p, u->name.n);
	int room = GROUPS_FIRST, count = GROUPS_FIRST;

	groups = mem_array((size_t)room, sizeof(*groups));
	while (getgrouplist(name, u->gid, groups, &count) == -1) {
		/* count says how many there are; they may become more. */
		room = count > room ? count : room * 2;
		count = room;
		groups = mem_resize(groups, (size_t)room * sizeof(*groups));
	}
	mem_free(name);
	*n = (size_t)count;
	return groups;
}

static int
set_groups(const struct user *u, bool own_groups, const gid_t *extra,
    size_t n, struct fault *why)
{
	gid_t *groups = NULL;
	size_t have = 0;
	int result = 0;

	if (own_groups)
		groups = list_groups(u, &have);
	if (n > 0) {
		groups = mem_resize(groups, (have + n) * sizeof(*groups));
		memcpy(groups + have, extra, n * sizeof(*groups));
		have += n;
	}
	if (setgroups(have, groups) == -1)
		result = fault_system(why, errno, "setgroups");
	else if (getgroups(0, NULL) != (int)have)
		result = fault_temporary(why, 451, 3, 0,
		    "setgroups did not take effect");
	mem_free(groups);
	return result;
}

static bool
is_now(const struct user *u)
{
	uid_t ru, eu, su;
	gid_t rg, eg, sg;

	return getresuid(&ru, &eu, &su) == 0 &&
	    getresgid(&rg, &eg, &sg) == 0 &&
	    ru == u->uid && eu == u->uid && su == u->uid &&
	    rg == u->gid && eg == u->gid && sg == u->gid;
}

int
user_become(const struct user *u, bool own_groups, const gid_t *extra,
    size_t n, struct fault *why)
{
	if (geteuid() != 0)
		return fault_temporary(why, 451, 3, 0,
		    "only root can become another user");
	if (set_groups(u, own_groups, extra, n, why) == -1)
		return -1;
	if (setresgid(u->gid, u->gid, u->gid) == -1)
		return fault_system(why, errno, "setresgid");
	if (setresuid(u->uid, u->uid, u->uid) == -1)
		return fault_system(why, errno, "setresuid");
	if (!is_now(u))
		return fault_temporary(why, 451, 3, 0,
		    "change of user did not take effect");
	if (u->uid != 0 && (setuid(0) != -1 || seteuid(0) != -1))
		return fault_temporary(why, 451, 3, 0,
		    "change of user can be undone");
	return 0;
}
