/* SPDX-License-Identifier: ISC */
/*
 * sendmail(8), mailq(1), newaliases(1) and rmail(8): the commands by which the
 * programs of a Unix system send mail.  One program with several names and
 * several ways to be called; here each way is told from the others and led to
 * the module of client/ that does it.
 *
 * It has no privilege at all.  It is as safe to call with any argument, any
 * configuration and any environment as any other program of the user; what it
 * says to the daemon, the daemon believes no more than a stranger.
 *
 * Exit codes are those of sysexits.h, but for -bv, which has Exim's.
 */
#include <sys/mman.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/text.h"
#include "client/letter.h"
#include "client/options.h"
#include "client/program.h"
#include "client/queue.h"
#include "client/relay.h"
#include "client/verify.h"
#include "config.h"
#include "map/build.h"
#include "os/proc.h"
#include "os/signal.h"
#include "spool/path.h"

static const char help[] =
"usage: sendmail [-itv] [-F full-name] [-f sender] [recipient ...]\n"
"       sendmail -bs | -bp | -bpc | -bi | -bd\n"
"       sendmail -bv address ...\n"
"       sendmail -q | -qI id\n"
"       mailq [-j]\n"
"       newaliases\n"
"\n"
"A message is read from standard input and sent to the recipients.\n"
"  -t          to those in its To, Cc and Bcc fields, too\n"
"  -i          a line with a single dot does not end it\n"
"  -f sender   the sender of the envelope; <> for none\n"
"  -F name     the full name for a From field that is missing\n"
"  -v          tell what became of it\n"
"  -C file     use this configuration\n"
"  -bs         speak SMTP on standard input and output\n"
"  -bp, -bpc   list or count what is in the queue\n"
"  -bi         compile the aliases\n"
"  -bv         tell where mail for the addresses would go\n"
"  -q          try to deliver the queue, or one message, now\n"
"Other options of sendmail are accepted; see sendmail(8).\n";

static void
say(const struct options *o, const char *text)
{
	fprintf(stderr, "%.*s: %s\n", STR_ARG(o->program), text);
}

static int
ask(const struct conf *conf, const struct options *o, const char *request,
    int out_fd)
{
	struct fault why;

	if (client_queue(conf, request, out_fd, &why) == 0)
		return EX_OK;
	say(o, why.text);
	return EX_UNAVAILABLE;
}

static int
show_queue(const struct conf *conf, const struct options *o)
{
	return ask(conf, o, o->json ? "mailq json" : "mailq", STDOUT_FILENO);
}

/* As many as there are lines of JSON. */
static int
count_queue(const struct conf *conf, const struct options *o)
{
	char chunk[16384];
	unsigned long long lines = 0;
	ssize_t n;
	int fd, code;

	if ((fd = memfd_create("queue", MFD_CLOEXEC)) == -1)
		return EX_OSERR;
	code = ask(conf, o, "mailq json", fd);
	if (code == EX_OK && lseek(fd, 0, SEEK_SET) == 0) {
		while ((n = read(fd, chunk, sizeof(chunk))) > 0)
			for (ssize_t i = 0; i < n; i++)
				lines += chunk[i] == '\n';
		printf("%llu\n", lines);
	}
	close(fd);
	return code;
}

static int
flush_queue(const struct conf *conf, const struct options *o)
{
	char request[SPOOL_NAME_MAX + 8] = "flush";

	if (o->queue_id != NULL) {
		if (!spool_name_is_valid(str_of(o->queue_id))) {
			say(o, "that is no queue id");
			return EX_USAGE;
		}
		text_print(request, sizeof(request), "flush %s", o->queue_id);
	}
	return ask(conf, o, request, STDOUT_FILENO);
}

struct warning {
	const struct options	*options;
	const char		*path;
};

static void
warn(void *ctx, unsigned line, const char *text)
{
	const struct warning *w = ctx;

	fprintf(stderr, "%.*s: %s:%u: %s\n", STR_ARG(w->options->program),
	    w->path, line, text);
}

static int
rebuild_aliases(const struct conf *conf, const struct options *o)
{
	const char *path = o->aliases != NULL ? o->aliases : conf->aliases.p;
	struct warning context = { o, path };
	struct build_report report;
	struct fault why;

	if (build_aliases(path, warn, &context, &report, &why) != 0) {
		say(o, why.text);
		return EX_UNAVAILABLE;
	}
	printf("%s: %zu aliases, longest %zu bytes, %zu bytes total\n", path,
	    report.entries, report.longest, report.bytes);
	return EX_OK;
}

static int
verify(const struct conf *conf, const struct options *o)
{
	enum verify_result one, result = VERIFY_YES;
	struct buf out;

	if (o->recipients.n == 0) {
		say(o, "no addresses to verify");
		return EX_USAGE;
	}
	buf_init(&out);
	for (size_t i = 0; i < o->recipients.n; i++) {
		one = verify_address(conf, o->recipients.p[i], &out);
		if (one > result)
			result = one;
	}
	fwrite(out.p, 1, out.n, stdout);
	buf_free(&out);
	return (int)result;
}

static int
speak_smtp(const struct conf *conf, const struct options *o)
{
	struct fault why;

	if (relay_run(conf, STDIN_FILENO, STDOUT_FILENO, &why) == 0)
		return EX_OK;
	say(o, why.text);
	return EX_TEMPFAIL;
}

static int
start_daemon(const struct options *o)
{
	char dash_f[] = "-f", name[] = "godwitd";
	char *argv[] = { name, NULL, NULL, NULL };
	struct buf path;
	int code = EX_UNAVAILABLE;

	if (o->config != NULL) {
		argv[1] = dash_f;
		argv[2] = (char *)(uintptr_t)o->config;
	}
	buf_init(&path);
	execv(program_find(&path, name, CONFIG_SBINDIR "/godwitd"), argv);
	say(o, "godwitd cannot be executed");
	buf_free(&path);
	return code;
}

/*
 * NULL when there is none to work with.  A mistake in the system's own file is
 * told, but keeps no message from being sent: the daemon may well be running
 * with what stood there before.
 */
static struct conf *
load(const struct options *o)
{
	const char *path = o->config != NULL ? o->config : CONF_DEFAULT_PATH;
	struct buf errors;
	struct conf *conf;

	buf_init(&errors);
	conf = conf_load(path, o->config == NULL, &errors);
	if (conf == NULL)
		fputs(buf_cstr(&errors), stderr);
	if (conf == NULL && o->config == NULL &&
	    (o->mode == MODE_SEND || o->mode == MODE_SMTP)) {
		say(o, "going on with the default configuration");
		buf_reset(&errors);
		conf = conf_parse("", STR_NONE, &errors);
	}
	buf_free(&errors);
	return conf;
}

static int
run(const struct conf *conf, const struct options *o)
{
	switch (o->mode) {
	case MODE_SEND:
		signal_ignore(SIGPIPE);
		return letter_send(conf, o, STDIN_FILENO);
	case MODE_SMTP:
		signal_ignore(SIGPIPE);
		return speak_smtp(conf, o);
	case MODE_QUEUE:
		return show_queue(conf, o);
	case MODE_COUNT:
		return count_queue(conf, o);
	case MODE_FLUSH:
		return flush_queue(conf, o);
	case MODE_ALIASES:
		return rebuild_aliases(conf, o);
	case MODE_VERIFY:
		return verify(conf, o);
	case MODE_DAEMON:
	case MODE_NOTHING:
	case MODE_HELP:
	case MODE_VERSION:
		break;
	}
	return EX_OK;
}

/* What needs no configuration; -1 for all else. */
static int
run_simply(const struct options *o)
{
	if (o->mode == MODE_HELP)
		fputs(help, stdout);
	else if (o->mode == MODE_VERSION)
		puts("godwit " CONFIG_VERSION);
	else if (o->mode == MODE_DAEMON)
		return start_daemon(o);
	else if (o->mode != MODE_NOTHING)
		return -1;
	return EX_OK;
}

int
main(int argc, char **argv)
{
	struct arena a = { 0 };
	struct options o;
	struct conf *conf;
	struct fault why;
	int code;

	proc_null_stdio(false);
	if (options_parse(&a, argc, argv, &o, &why) != 0) {
		say(&o, why.text);
		fputs("try: sendmail --help\n", stderr);
		return EX_USAGE;
	}
	code = run_simply(&o);
	if (code == -1 && (conf = load(&o)) != NULL) {
		code = run(conf, &o);
		conf_free(conf);
	}
	arena_free(&a);
	if (fflush(stdout) != 0 && code == EX_OK)
		code = EX_IOERR;
	return code == -1 ? EX_CONFIG : code;
}
