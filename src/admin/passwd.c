/* SPDX-License-Identifier: ISC */
/*
 * `godwit passwd`: the file of passwords, changed line by line and replaced as
 * a whole.
 *
 * What is written is a SCRAM record, which serves PLAIN and LOGIN as well; a
 * hash of crypt(3) that somebody else has put there stays.  Lines that are not
 * the user's, comments too, stay as they are, in their order.
 *
 * The file has mode 0640, and its group is that of `login-user`, so that the
 * doorkeeper can read it and cannot change it; without privilege it is 0600 and
 * its maker's.  Two who change it at once wait for each other by a lock on the
 * directory.
 *
 * A password is taken as the bytes that were typed.  RFC 4013 would have them
 * normalised, which for ASCII changes nothing.
 */
#include "admin/passwd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "auth/passwords.h"
#include "auth/sasl.h"
#include "auth/scram.h"
#include "os/file.h"
#include "os/user.h"

/* ---------------------------------------------------------------- asking */

/* One line without its end; a byte at a time, so that nothing is taken that
 * belongs to somebody else. */
static int
read_line(int fd, struct buf *out, struct fault *why)
{
	char c;
	ssize_t n;

	while ((n = read(fd, &c, 1)) == 1 && c != '\n')
		if (c != '\r')
			buf_putc(out, c);
	if (n < 0)
		return fault_system(why, errno, "read");
	if (n == 0 && out->n == 0)
		return fault_permanent(why, 501, 5, 4, "no password came");
	return 0;
}

static int
ask_unseen(int tty, const char *question, struct buf *out,
    struct fault *why)
{
	struct termios old, quiet;
	int r;

	if (tcgetattr(tty, &old) < 0)
		return fault_system(why, errno, "terminal");
	quiet = old;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
	/* What is typed once the question stands is the answer. */
	(void)tcsetattr(tty, TCSAFLUSH, &quiet);
	r = file_write(tty, question, strlen(question), why);
	if (r == 0)
		r = read_line(tty, out, why);
	(void)tcsetattr(tty, TCSAFLUSH, &old);
	(void)!write(tty, "\n", 1);
	return r;
}

static int
check_secret(struct str secret, struct fault *why)
{
	if (secret.n == 0)
		return fault_permanent(why, 501, 5, 4,
		    "the password is empty");
	if (secret.n > SASL_SECRET_MAX)
		return fault_permanent(why, 501, 5, 4,
		    "the password is longer than %d bytes", SASL_SECRET_MAX);
	/* RFC 4013 2.3; and who has typed Ctrl-C did not mean it. */
	for (size_t i = 0; i < secret.n; i++)
		if (str_is_control(secret.p[i]))
			return fault_permanent(why, 501, 5, 4,
			    "the password has a control character in it");
	return 0;
}

static void
wipe(struct buf *b)
{
	if (b->cap > 0)
		explicit_bzero(b->p, b->cap);
	buf_free(b);
}

int
passwd_ask(bool from_stdin, struct buf *secret, struct fault *why)
{
	struct buf again = { 0 };
	int tty, r;

	if (from_stdin)
		return read_line(STDIN_FILENO, secret, why) < 0 ? -1 :
		    check_secret(buf_str(secret), why);
	tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (tty < 0)
		return fault_permanent(why, 501, 5, 4,
		    "no terminal to ask for the password; use --stdin");
	r = ask_unseen(tty, "Password: ", secret, why);
	if (r == 0)
		r = ask_unseen(tty, "Once more: ", &again, why);
	close(tty);
	if (r == 0 && !str_eq(buf_str(secret), buf_str(&again)))
		r = fault_permanent(why, 501, 5, 4,
		    "the two are not the same");
	wipe(&again);
	return r < 0 ? -1 : check_secret(buf_str(secret), why);
}

/* ---------------------------------------------------------------- the file */

static int
find_file(const struct conf *conf, struct fault *why)
{
	if (conf->login.by != LOGIN_FILE)
		return fault_permanent(why, 554, 3, 5, "the configuration has "
		    "no file of passwords; it wants a line such as: login "
		    "file " CONFIG_SYSCONFDIR "/godwit/passwd");
	return 0;
}

/* The lock, to be closed. */
static int
lock(const struct conf *conf, struct fault *why)
{
	struct arena a = { 0 };
	struct str path = conf->login.place;
	struct str dir = arena_str(&a, str_slice(path, 0,
	    str_rfind(path, '/') + (str_rfind(path, '/') == 0)));
	int fd = open(dir.p, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || flock(fd, LOCK_EX) < 0) {
		fault_system(why, errno, "%s", dir.p);
		if (fd >= 0)
			close(fd);
		fd = -1;
	}
	arena_free(&a);
	return fd;
}

/* A missing file is an empty one. */
static int
load(const struct conf *conf, struct buf *text, struct fault *why)
{
	if (access(conf->login.place.p, F_OK) < 0 && errno == ENOENT)
		return 0;
	return file_load(AT_FDCWD, conf->login.place.p, PASSWORDS_FILE_MAX,
	    text, why);
}

static int
save(const struct conf *conf, struct str text, struct fault *why)
{
	struct arena a = { 0 };
	struct user user = { .gid = (gid_t)-1 };
	int found = 0;

	if (geteuid() == 0) {
		found = user_find(&a, conf->users.login, &user, why);
		arena_free(&a);
		if (found == 0)
			return fault_permanent(why, 554, 3, 5, "there is no "
			    "user \"%.*s\" (setting login-user): `make "
			    "install` makes it", STR_ARG(conf->users.login));
		if (found < 0)
			return -1;
	}
	return file_save_for(AT_FDCWD, conf->login.place.p, text,
	    found == 1 ? 0640 : 0600, user.gid, why);
}

/* Every line but the user's; a new one in its place, or at the end. */
static bool
replace(struct str text, struct str name, struct str line, struct buf *out)
{
	struct str rest = text, old;
	bool found = false;

	while (str_cut(&rest, '\n', &old)) {
		if (old.n > name.n && str_starts(old, name) &&
		    old.p[name.n] == ':') {
			if (!found && line.n > 0)
				buf_puts(out, line);
			found = true;
			continue;
		}
		buf_puts(out, old);
		buf_putc(out, '\n');
	}
	if (!found)
		buf_puts(out, line);
	return found;
}

static int
change(const struct conf *conf, struct str name, struct str line,
    struct fault *why)
{
	struct buf text = { 0 }, new = { 0 };
	int fd, r;

	if (find_file(conf, why) < 0 || (fd = lock(conf, why)) < 0)
		return -1;
	r = load(conf, &text, why);
	if (r == 0) {
		bool found = replace(buf_str(&text), name, line, &new);

		r = !found && line.n == 0 ? fault_permanent(why, 550, 1, 1,
		    "there is no user \"%.*s\"", STR_ARG(name)) :
		    save(conf, buf_str(&new), why);
	}
	close(fd);
	wipe(&text);
	wipe(&new);
	return r;
}

int
passwd_set(const struct conf *conf, struct str name, struct str secret,
    struct fault *why)
{
	struct scram_record record = { .rounds = SCRAM_ROUNDS,
	    .nsalt = SCRAM_SALT };
	struct buf line = { 0 };
	int r;

	if (!sasl_is_name(name) || str_find(name, ':') < name.n ||
	    name.p[0] == '#')
		return fault_permanent(why, 501, 5, 4, "\"%.*s\" cannot be "
		    "the name of a user", STR_ARG(name));
	scram_warm();
	scram_random(record.salt, SCRAM_SALT);
	scram_record_make(&record, secret);
	buf_printf(&line, "%.*s:", STR_ARG(name));
	scram_record_put(&line, &record);
	buf_putc(&line, '\n');
	r = change(conf, name, buf_str(&line), why);
	wipe(&line);
	return r;
}

int
passwd_delete(const struct conf *conf, struct str name, struct fault *why)
{
	return change(conf, name, STR_NONE, why);
}

static const char *
describe(const struct password *p)
{
	switch (p->kind) {
	case PASSWORD_CRYPT:
		return "crypt";
	case PASSWORD_SCRAM:
		return "scram-sha-256";
	case PASSWORD_BAD:
		break;
	}
	return "cannot log in";
}

int
passwd_list(const struct conf *conf, struct buf *out, struct fault *why)
{
	struct arena a = { 0 };
	password_vec all = { NULL, 0, 0 };
	struct buf text = { 0 };
	int r;

	if (find_file(conf, why) < 0)
		return -1;
	r = load(conf, &text, why);
	passwords_parse(&a, buf_str(&text), &all);
	for (size_t i = 0; r == 0 && i < all.n; i++)
		if (sasl_is_name(all.p[i].name))
			buf_printf(out, "%.*s %s\n", STR_ARG(all.p[i].name),
			    describe(&all.p[i]));
	arena_free(&a);
	wipe(&text);
	return r;
}

void
passwd_check(const struct conf *conf, struct buf *out)
{
	struct arena a = { 0 };
	password_vec all = { NULL, 0, 0 };
	struct buf text = { 0 };
	struct fault why;
	struct stat st;

	if (conf->login.by != LOGIN_FILE ||
	    (stat(conf->login.place.p, &st) < 0 && errno == EACCES))
		return;
	if (file_load(AT_FDCWD, conf->login.place.p, PASSWORDS_FILE_MAX,
	    &text, &why) < 0) {
		/* Not ours to read, if we are not root. */
		if (geteuid() == 0 || access(conf->login.place.p, F_OK) < 0)
			buf_printf(out, "login: %s; make a user by: godwit "
			    "passwd NAME\n", why.text);
		return;
	}
	if ((st.st_mode & 07) != 0)
		buf_printf(out, "login: everybody may read the passwords in "
		    "%s: chmod o= %s\n", conf->login.place.p,
		    conf->login.place.p);
	passwords_parse(&a, buf_str(&text), &all);
	for (size_t i = 0; i < all.n; i++)
		if (password_fault(&all.p[i]) != NULL)
			buf_printf(out, "%s:%u: %s\n", conf->login.place.p,
			    all.p[i].line, password_fault(&all.p[i]));
	arena_free(&a);
	wipe(&text);
}
