/* SPDX-License-Identifier: ISC */
/*
 * godwit: the command of the administrator.
 *
 *	godwit check [-f FILE]
 *	godwit config [-f FILE] [--json] [NAME]
 *	godwit explain [--client IP ...] ADDRESS
 *	godwit passwd [-f FILE] [--stdin | --delete] NAME | --list
 *	godwit queue [list | show ID | flush [ID] | hold ID | release ID |
 *	    remove ID] [--json] [-f FILE]
 *
 * A table of commands, each a function that gets its words and options and
 * returns the status to exit with (sysexits).  Options may stand anywhere.
 * The commands decide nothing: `check` asks conf and admin/check, `config`
 * lets conf describe itself, `explain` asks admin/explain, `queue` carries
 * requests to the daemon, which also decides who may make them.
 *
 * What was asked for goes to standard output, all else to standard error.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "admin/account.h"
#include "admin/check.h"
#include "admin/explain.h"
#include "admin/passwd.h"
#include "base/text.h"
#include "base/utf8.h"
#include "client/queue.h"
#include "conf/conf.h"
#include "conf/listener.h"
#include "os/file.h"
#include "os/proc.h"
#include "spool/path.h"

#define NEAR		3	/* fewer edits than this are a slip */

struct request {
	const char	*file;		/* of -f, or NULL */
	bool		 json;
	bool		 from_stdin, delete, list;	/* of passwd */
	bool		 help;
	bool		 version;
	struct explain_question question;
	char		**words;	/* what is no option */
	int		 n;
};

struct command {
	const char	*name;
	int		(*run)(const struct request *);
	const char	*usage;
};

static const char head[] =
    "usage: godwit check [-f FILE]\n"
    "       godwit config [-f FILE] [--json] [NAME]\n"
    "       godwit explain [--client IP] [--name NAME] [--helo NAME]\n"
    "           [--from ADDRESS] [--size N] [--login NAME] [--tls]\n"
    "           [--on LISTENER] [--json] [-f FILE] [--to] ADDRESS\n"
    "       godwit passwd [-f FILE] [--stdin | --delete] NAME\n"
    "       godwit passwd [-f FILE] --list\n"
    "       godwit queue [list | show ID | flush [ID] | hold ID |\n"
    "           release ID | remove ID] [--json] [-f FILE]\n"
    "       godwit --help | --version\n";

static const char check_usage[] = "usage: godwit check [-f FILE]\n";
static const char config_usage[] =
    "usage: godwit config [-f FILE] [--json] [NAME]\n";
static const char explain_usage[] =
    "usage: godwit explain [--client IP] [--name NAME] [--helo NAME]\n"
    "           [--from ADDRESS] [--size N] [--login NAME] [--tls]\n"
    "           [--on LISTENER] [--json] [-f FILE] [--to] ADDRESS\n";
static const char passwd_usage[] =
    "usage: godwit passwd [-f FILE] [--stdin | --delete] NAME\n"
    "       godwit passwd [-f FILE] --list\n";
static const char queue_usage[] =
    "usage: godwit queue [list] [--json] [-f FILE]\n"
    "       godwit queue show ID ... [--json] [-f FILE]\n"
    "       godwit queue flush [ID ...] [-f FILE]\n"
    "       godwit queue hold | release | remove ID ... [-f FILE]\n";

static const char about[] = "\n"
    "check    is the configuration right, and does it fit this machine?\n"
    "config   shows every setting, its value and where it came from\n"
    "explain  would this mail be taken, by which rule, and where would it go?\n"
    "passwd   makes a user who can log in, or gives him another password\n"
    "queue    shows the messages that wait, and changes what waits\n"
    "\n"
    "-f FILE  the configuration, if not " CONF_DEFAULT_PATH "\n"
    "--json   answers for programs\n"
    "See godwit(8).\n";

static void	complain(const char *fmt, ...)
		    __attribute__((format(printf, 1, 2)));

static void
complain(const char *fmt, ...)
{
	va_list ap;

	fputs("godwit: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

/* Writes an answer; the status to exit with. */
static int
say(struct str text)
{
	struct fault why;

	if (file_write(STDOUT_FILENO, text.p, text.n, &why) == 0)
		return EX_OK;
	complain("standard output: %s", why.text);
	return EX_IOERR;
}

/* Is the one a slip for the other?  A short word would be near anything. */
static bool
is_near(struct str got, const char *word, unsigned *least)
{
	unsigned d = str_distance(got, str_of(word));

	if (d >= *least || d >= got.n || d >= strlen(word))
		return false;
	*least = d;
	return true;
}

/* "unknown WHAT "got"", with the nearest of the n words, then the usage. */
static int
refuse_word(const char *what, const char *got, const char *const *words,
    size_t n, const char *usage)
{
	const char *near = NULL;
	unsigned least = NEAR;
	size_t i;

	for (i = 0; i < n; i++)
		if (is_near(str_of(got), words[i], &least))
			near = words[i];
	if (near != NULL)
		complain("unknown %s \"%s\"; did you mean \"%s\"?", what, got,
		    near);
	else
		complain("unknown %s \"%s\"", what, got);
	fputs(usage, stderr);
	return EX_USAGE;
}

static int
misuse(const char *usage, const char *text)
{
	complain("%s", text);
	fputs(usage, stderr);
	return EX_USAGE;
}

/* The configuration, or NULL with its errors told. */
static struct conf *
load(const struct request *r)
{
	struct conf *conf;
	struct buf errors;
	const char *path = r->file != NULL ? r->file : CONF_DEFAULT_PATH;

	buf_init(&errors);
	conf = conf_load(path, r->file == NULL, &errors);
	if (conf == NULL)
		fputs(buf_cstr(&errors), stderr);
	buf_free(&errors);
	return conf;
}

/* What the rules name, or NULL with the errors told. */
static struct lists *
load_lists(const struct conf *conf)
{
	struct buf errors = { 0 };
	struct lists *lists = lists_open(conf, &errors);

	if (lists == NULL)
		fputs(buf_cstr(&errors), stderr);
	buf_free(&errors);
	return lists;
}

static int
run_check(const struct request *r)
{
	struct conf *conf;
	struct lists *lists;
	struct buf text;
	struct str rest, line;
	int status;

	if (r->n > 0 || r->json)
		return misuse(check_usage, r->json ?
		    "check has no answer in JSON" : "check takes no words");
	conf = load(r);
	if (conf == NULL || (lists = load_lists(conf)) == NULL) {
		conf_free(conf);
		return EX_CONFIG;
	}
	lists_free(lists);
	buf_init(&text);
	client_check(conf, &text);
	passwd_check(conf, &text);
	rest = buf_str(&text);
	while (str_cut(&rest, '\n', &line))
		fprintf(stderr, "warning: %.*s\n", STR_ARG(line));
	buf_reset(&text);
	client_check_spool(conf, &text);
	if (conf->path.n > 0)
		buf_printf(&text, "%s: ok\n", conf->path.p);
	else
		buf_printf(&text, "%s: ok (there is none; these are the "
		    "defaults)\n", CONF_DEFAULT_PATH);
	status = say(buf_str(&text));
	buf_free(&text);
	conf_free(conf);
	return status;
}

/* The lines of one setting: "NAME value" or "# no NAME". */
static void
pick_text(struct str all, struct str name, struct buf *out)
{
	struct str line, rest, word;

	while (str_cut(&all, '\n', &line)) {
		rest = line;
		if (str_starts(line, STR("# no ")))
			rest = str_from(line, sizeof("# no ") - 1);
		if (!str_word(&rest, &word) || !str_eq(word, name))
			continue;
		buf_puts(out, line);
		buf_putc(out, '\n');
	}
}

/* Where member NAME of the object begins, at its quote.  Within a string
 * every quote has a backslash before it, so this finds nothing else. */
static size_t
find_member(struct str all, const char *name)
{
	struct buf key;
	size_t at;

	buf_init(&key);
	buf_printf(&key, "{\"%s\":", name);
	if (str_starts(all, buf_str(&key))) {
		buf_free(&key);
		return 1;
	}
	key.p[0] = ',';
	at = str_search(all, buf_str(&key));
	buf_free(&key);
	return at < all.n ? at + 1 : all.n;
}

static void
pick_json(struct str all, const struct setting *set, struct buf *out)
{
	const struct setting *next = setting_at(setting_index(set) + 1);
	size_t from = find_member(all, set->name);
	size_t to = next != NULL ? find_member(all, next->name) - 1 :
	    str_rfind(all, '}');

	buf_putc(out, '{');
	buf_puts(out, str_slice(all, from, to));
	buf_putz(out, "}\n");
}

static int
refuse_setting(const char *name)
{
	const char *near = setting_nearest(str_of(name));

	if (near != NULL)
		complain("unknown setting \"%s\"; did you mean \"%s\"?", name,
		    near);
	else
		complain("unknown setting \"%s\"; see godwit.conf(5)", name);
	return EX_USAGE;
}

static int
run_config(const struct request *r)
{
	const struct setting *set = NULL;
	struct conf *conf;
	struct buf all, one;
	int status;

	if (r->n > 1)
		return misuse(config_usage, "config takes one name at most");
	if (r->n == 1 && (set = setting_find(str_of(r->words[0]))) == NULL)
		return refuse_setting(r->words[0]);
	conf = load(r);
	if (conf == NULL)
		return EX_CONFIG;
	buf_init(&all);
	buf_init(&one);
	conf_describe(conf, &all, r->json);
	if (set != NULL && r->json)
		pick_json(buf_str(&all), set, &one);
	else if (set != NULL)
		pick_text(buf_str(&all), str_of(set->name), &one);
	status = say(buf_str(set != NULL ? &one : &all));
	buf_free(&all);
	buf_free(&one);
	conf_free(conf);
	return status;
}

static int
status_of(const struct explanation *x)
{
	if (x->result != VERDICT_REFUSE)
		return EX_OK;
	return strcmp(account_result(x), "refused") == 0 ? EX_UNAVAILABLE :
	    EX_TEMPFAIL;
}

static int
explain(const struct request *r, const struct conf *conf, struct lists *lists)
{
	struct explanation x;
	struct buf text = { 0 };
	struct fault why;
	int status;

	if (explain_ask(&x, conf, lists, &r->question, &why) < 0) {
		explain_free(&x);
		return misuse(explain_usage, why.text);
	}
	if (r->json)
		account_json(&x, &text);
	else
		account_text(&x, &text);
	status = say(buf_str(&text));
	if (status == EX_OK)
		status = status_of(&x);
	buf_free(&text);
	explain_free(&x);
	return status;
}

static int
run_explain(const struct request *given)
{
	struct request r = *given;
	struct lists *lists = NULL;
	struct conf *conf;
	int status = EX_CONFIG;

	if (r.n > 1 || (r.n == 1 && r.question.to != NULL))
		return misuse(explain_usage, "explain takes one address");
	if (r.n == 1)
		r.question.to = r.words[0];
	conf = load(&r);
	if (conf != NULL)
		listener_find_own(conf);
	if (conf != NULL && (lists = load_lists(conf)) != NULL)
		status = explain(&r, conf, lists);
	lists_free(lists);
	conf_free(conf);
	return status;
}

/* What is said of a password that is not in ASCII. */
static void
warn_of_bytes(struct str secret)
{
	if (!utf8_is_ascii(secret))
		complain("the password is not in ASCII: it is taken byte for "
		    "byte, and a client that writes its letters in another "
		    "form will be refused");
}

static int
set_password(const struct conf *conf, const struct request *r,
    struct fault *why)
{
	struct buf secret = { 0 };
	int result;

	if (r->delete)
		return passwd_delete(conf, str_of(r->words[0]), why);
	result = passwd_ask(r->from_stdin, &secret, why);
	if (result == 0) {
		warn_of_bytes(buf_str(&secret));
		result = passwd_set(conf, str_of(r->words[0]),
		    buf_str(&secret), why);
	}
	if (secret.cap > 0)
		explicit_bzero(secret.p, secret.cap);
	buf_free(&secret);
	return result;
}

static int
run_passwd(const struct request *r)
{
	struct conf *conf;
	struct buf text;
	struct fault why;
	int result, status = EX_OK;

	if (r->json || r->n != (r->list ? 0 : 1) ||
	    r->list + r->delete + r->from_stdin > 1)
		return misuse(passwd_usage, r->list ?
		    "--list stands alone" : "passwd wants the name of a user");
	conf = load(r);
	if (conf == NULL)
		return EX_CONFIG;
	buf_init(&text);
	result = r->list ? passwd_list(conf, &text, &why) :
	    set_password(conf, r, &why);
	if (result < 0) {
		complain("%s", why.text);
		status = fault_is_temporary(&why) ? EX_TEMPFAIL : EX_DATAERR;
	} else if (text.n > 0)
		status = say(buf_str(&text));
	buf_free(&text);
	conf_free(conf);
	return status;
}

/* What can be asked of the queue. */
struct verb {
	const char	*name;
	const char	*request;	/* as the daemon knows it */
	bool		 needs_id;
	bool		 takes_id;
	bool		 json;
};

static const struct verb verbs[] = {
	{ "list",    "mailq",   false, false, true },
	{ "show",    "show",    true,  true,  true },
	{ "flush",   "flush",   false, true,  false },
	{ "hold",    "hold",    true,  true,  false },
	{ "release", "release", true,  true,  false },
	{ "remove",  "remove",  true,  true,  false },
};

#define VERBS_N		(sizeof(verbs) / sizeof(verbs[0]))

static const struct verb *
find_verb(const char *name)
{
	const char *names[VERBS_N];
	size_t i;

	for (i = 0; i < VERBS_N; i++) {
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
		names[i] = verbs[i].name;
	}
	refuse_word("queue command", name, names, VERBS_N, queue_usage);
	return NULL;
}

/* Ids are copied from mailq, which puts a mark behind some. */
static struct str
strip_mark(const char *id)
{
	struct str s = str_of(id);

	if (s.n > 0 && (s.p[s.n - 1] == '*' || s.p[s.n - 1] == '!'))
		s.n--;
	return s;
}

static int
check_ids(const struct verb *v, const struct request *r)
{
	char text[128];
	int i;

	if (r->json && !v->json) {
		text_print(text, sizeof(text), "%s has no answer in JSON",
		    v->name);
		return misuse(queue_usage, text);
	}
	if ((v->needs_id && r->n < 2) || (!v->takes_id && r->n > 1)) {
		text_print(text, sizeof(text), v->needs_id ?
		    "%s wants the id of a message, as mailq shows it" :
		    "%s takes no words", v->name);
		return misuse(queue_usage, text);
	}
	for (i = 1; i < r->n; i++)
		if (!spool_name_is_valid(strip_mark(r->words[i]))) {
			complain("\"%s\" is not the id of a message",
			    r->words[i]);
			return EX_DATAERR;
		}
	return EX_OK;
}

/* One request; id may be empty. */
static int
ask(const struct conf *conf, const struct verb *v, struct str id, bool json)
{
	struct buf line;
	struct fault why;
	int status = EX_OK;

	buf_init(&line);
	buf_printf(&line, "%s%s%.*s%s", v->request, id.n > 0 ? " " : "",
	    STR_ARG(id), json ? " json" : "");
	if (client_queue(conf, buf_cstr(&line), STDOUT_FILENO, &why) == -1) {
		complain("%.*s%s%s", STR_ARG(id), id.n > 0 ? ": " : "",
		    why.text);
		status = fault_is_temporary(&why) ? EX_TEMPFAIL :
		    EX_UNAVAILABLE;
	}
	buf_free(&line);
	return status;
}

static int
run_queue(const struct request *r)
{
	const struct verb *v = find_verb(r->n > 0 ? r->words[0] : "list");
	struct conf *conf;
	int i, one, status;

	if (v == NULL)
		return EX_USAGE;
	if ((status = check_ids(v, r)) != EX_OK)
		return status;
	conf = load(r);
	if (conf == NULL)
		return EX_CONFIG;
	if (r->n < 2)
		status = ask(conf, v, STR_NONE, r->json);
	for (i = 1; i < r->n && status != EX_TEMPFAIL; i++) {
		one = ask(conf, v, strip_mark(r->words[i]), r->json);
		if (one != EX_OK)
			status = one;
	}
	conf_free(conf);
	return status;
}

static const struct command commands[] = {
	{ "check", run_check, check_usage },
	{ "config", run_config, config_usage },
	{ "explain", run_explain, explain_usage },
	{ "passwd", run_passwd, passwd_usage },
	{ "queue", run_queue, queue_usage },
};

#define COMMANDS_N	(sizeof(commands) / sizeof(commands[0]))

/* One option at *argv, which steps over its value; false: there is none. */
static bool
take_option(struct request *r, char ***argv)
{
	const char *word = **argv;
	int taken = explain_option(&r->question, *argv);

	if (taken != 0) {
		*argv += taken > 0 ? taken - 1 : 0;
		return taken > 0;
	}
	if (strcmp(word, "--json") == 0)
		r->json = true;
	else if (strcmp(word, "--stdin") == 0)
		r->from_stdin = true;
	else if (strcmp(word, "--delete") == 0)
		r->delete = true;
	else if (strcmp(word, "--list") == 0)
		r->list = true;
	else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
		r->help = true;
	else if (strcmp(word, "--version") == 0)
		r->version = true;
	else if (strncmp(word, "-f", 2) != 0)
		return false;
	else if (word[2] != '\0')
		r->file = word + 2;
	else if ((*argv)[1] != NULL)
		r->file = *++*argv;
	else
		return false;
	return true;
}

/* Options taken out, words kept in their order; 0 or a status. */
static int
parse(char **argv, struct request *r)
{
	static const char *const known[] = {
		"--json", "--help", "--version", "-f", "--client", "--name",
		"--helo", "--from", "--to", "--size", "--login", "--on",
		"--tls", "--stdin", "--delete", "--list",
	};
	bool options = true;

	r->words = argv;
	for (; *argv != NULL; argv++) {
		if (options && strcmp(*argv, "--") == 0)
			options = false;
		else if (!options || (*argv)[0] != '-' || (*argv)[1] == '\0')
			r->words[r->n++] = *argv;
		else if (strcmp(*argv, "-f") == 0 && argv[1] == NULL)
			return misuse(head, "-f wants the path of a file");
		else if (!take_option(r, &argv))
			return refuse_word("option", *argv, known,
			    sizeof(known) / sizeof(known[0]), head);
	}
	if (r->file != NULL && r->file[0] == '\0')
		return misuse(head, "-f wants the path of a file");
	return EX_OK;
}

static const struct command *
find_command(const char *name)
{
	const char *names[COMMANDS_N];
	size_t i;

	for (i = 0; i < COMMANDS_N; i++) {
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
		names[i] = commands[i].name;
	}
	refuse_word("command", name, names, COMMANDS_N, head);
	return NULL;
}

static int
help(const struct command *c)
{
	int status;

	if (c != NULL)
		return say(str_of(c->usage));
	status = say(str_of(head));
	return status != EX_OK ? status : say(str_of(about));
}

int
main(int argc, char **argv)
{
	struct request r = { .file = NULL };
	const struct command *c = NULL;
	int status;

	proc_null_stdio(false);
	if (argc < 2)
		return misuse(head, "which command?");
	if ((status = parse(argv + 1, &r)) != EX_OK)
		return status;
	if (r.version)
		return say(STR("godwit " CONFIG_VERSION "\n"));
	if (r.n > 0) {
		if ((c = find_command(r.words[0])) == NULL)
			return EX_USAGE;
		r.words++;
		r.n--;
	}
	if (r.help)
		return help(c);
	if (c == NULL)
		return misuse(head, "which command?");
	if (c->run != run_explain && (r.question.to != NULL ||
	    explain_is_about_a_client(&r.question)))
		return misuse(c->usage, "that option is for explain");
	if (c->run != run_passwd && (r.from_stdin || r.delete || r.list))
		return misuse(c->usage, "--stdin, --delete and --list are for "
		    "passwd");
	return c->run(&r);
}
