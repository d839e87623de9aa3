/* SPDX-License-Identifier: ISC */
/*
 * Delivery to a command, as the recipient.  The command gets the message on
 * its standard input, words and environment from deliver/words, the user's
 * home as its directory if we could go there, a session of its own, and no
 * descriptor but the three.  What it writes is taken for the report.
 *
 * One loop feeds it, listens to it and waits for its end, so that neither
 * side can block the other.  It need not read all of its input.  It has ended
 * when the process has ended; children that it leaves behind with its output
 * open are not waited for.  When its time is up, its process group gets
 * SIGTERM, and SIGKILL five seconds later.
 *
 * What its exit status means is the contract of sysexits.h as mail has always
 * used it; see the table.  Without an answer in that table a failure is for
 * good, and a death by a signal is not.
 */
#include "deliver/place.h"

#include <sys/pidfd.h>
#include <sys/wait.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/utf8.h"
#include "deliver/words.h"
#include "os/clock.h"
#include "os/proc.h"
#include "os/signal.h"

enum {
	SAID_MAX = 480,		/* bytes of its output that are kept */
	GRACE_MS = 5000,	/* between SIGTERM and SIGKILL */
	LOOK_MS = 50,		/* for its end, where there is no pidfd */
	CANNOT_EXECUTE = 126,	/* as shells say it */
	NOT_FOUND = 127,
};

struct run {
	pid_t	 pid;
	int	 in, out, end;	/* its stdin, its output, a pidfd; or -1 */
	struct place_text text;
	struct buf *chunk;	/* of the text, on its way */
	size_t	 written;	/* of the chunk */
	char	 said[SAID_MAX];
	size_t	 nsaid;
	int64_t	 deadline;	/* of the next signal, monotonic ms */
	int	 signals;	/* sent so far */
	int	 status;
};

/* Exit statuses with a meaning of their own. */
static const struct verdict {
	int		 code;
	enum fault_kind	 kind;
	int		 reply, subject, detail;
	const char	*text;
} verdicts[] = {
	{ EX_NOUSER, FAULT_PERMANENT, 550, 1, 1, "unknown user" },
	{ EX_NOHOST, FAULT_PERMANENT, 550, 1, 2, "unknown host" },
	{ EX_UNAVAILABLE, FAULT_PERMANENT, 554, 3, 0, "service unavailable" },
	{ EX_OSERR, FAULT_TEMPORARY, 451, 3, 0, "system error" },
	{ EX_CANTCREAT, FAULT_PERMANENT, 550, 2, 0,
	    "cannot create its output" },
	{ EX_IOERR, FAULT_TEMPORARY, 451, 3, 0, "input/output error" },
	{ EX_TEMPFAIL, FAULT_TEMPORARY, 451, 3, 0, "temporary failure" },
	{ EX_NOPERM, FAULT_PERMANENT, 550, 7, 1, "permission denied" },
	{ EX_CONFIG, FAULT_TEMPORARY, 451, 3, 5, "configuration error" },
};

/* In the child.  Everything that the agent did to its signals is undone. */
static void
restore_signals(void)
{
	static const int sigs[] = { SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGALRM,
	    SIGTERM, SIGUSR1, SIGUSR2, SIGCHLD, SIGXFSZ };
	sigset_t none;

	for (size_t i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++)
		signal_default(sigs[i]);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void __attribute__((noreturn))
become(int in, int out, char **argv, char **envp)
{
	const char *reason;
	int err;

	setsid();
	restore_signals();
	if (dup2(in, 0) == 0 && dup2(out, 1) == 1 && dup2(out, 2) == 2) {
		proc_close_all_but(NULL, 0);
		execve(argv[0], argv, envp);
	}
	err = errno;
	reason = strerror(err);
	(void)!write(1, reason, strlen(reason));
	_exit(err == ENOENT ? NOT_FOUND : CANNOT_EXECUTE);
}

static void
close_pair(const int fd[2])
{
	close(fd[0]);
	close(fd[1]);
}

static int
make_pipes(int in[2], int out[2], struct fault *why)
{
	if (pipe2(in, O_CLOEXEC) < 0)
		return fault_system(why, errno, "pipe");
	if (pipe2(out, O_CLOEXEC) < 0) {
		fault_system(why, errno, "pipe");
		close_pair(in);
		return -1;
	}
	return 0;
}

static int
start(struct run *r, char **argv, char **envp, struct fault *why)
{
	int in[2], out[2];

	if (make_pipes(in, out, why) < 0)
		return -1;
	if ((r->pid = fork()) == 0)
		become(in[0], out[1], argv, envp);
	if (r->pid < 0) {
		fault_system(why, errno, "fork");
		close_pair(in);
		close_pair(out);
		return -1;
	}
	close(in[0]);
	close(out[1]);
	r->in = in[1];
	r->out = out[0];
	(void)fcntl(r->in, F_SETFL, O_NONBLOCK);
	(void)fcntl(r->out, F_SETFL, O_NONBLOCK);
	r->end = pidfd_open(r->pid, 0);
	return 0;
}

static void
end_input(struct run *r)
{
	close(r->in);
	r->in = -1;
}

static void
feed(struct run *r)
{
	ssize_t n;

	if (r->written == r->chunk->n) {
		buf_reset(r->chunk);
		r->written = 0;
		if (!place_text_next(&r->text, r->chunk)) {
			end_input(r);
			return;
		}
	}
	n = write(r->in, r->chunk->p + r->written, r->chunk->n - r->written);
	if (n > 0)
		r->written += (size_t)n;
	else if (n < 0 && errno != EAGAIN && errno != EINTR)
		end_input(r);
}

/* Takes what it has written; false when there is nothing now. */
static bool
listen_to(struct run *r)
{
	char buf[4096];
	size_t room = SAID_MAX - r->nsaid;
	ssize_t n;

	n = read(r->out, buf, sizeof(buf));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		close(r->out);
		r->out = -1;
		return false;
	}
	if (room > (size_t)n)
		room = (size_t)n;
	memcpy(r->said + r->nsaid, buf, room);
	r->nsaid += room;
	return true;
}

static void
signal_group(const struct run *r, int sig)
{
	/* It may not have come to its setsid() yet. */
	if (kill(-r->pid, sig) < 0)
		(void)kill(r->pid, sig);
}

static bool
has_ended(struct run *r)
{
	return waitpid(r->pid, &r->status, WNOHANG) == r->pid;
}

static int
time_left(const struct run *r)
{
	int64_t left = r->deadline - clock_mono_ms();

	if (r->end < 0 && left > LOOK_MS)
		left = LOOK_MS;
	return left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

/* Until it has ended. */
static void
attend(struct run *r)
{
	struct pollfd p[3];

	do {
		p[0] = (struct pollfd){ .fd = r->in, .events = POLLOUT };
		p[1] = (struct pollfd){ .fd = r->out, .events = POLLIN };
		p[2] = (struct pollfd){ .fd = r->end, .events = POLLIN };
		if (poll(p, 3, time_left(r)) < 0)
			continue;
		if (p[0].revents != 0)
			feed(r);
		if (p[1].revents != 0)
			(void)listen_to(r);
		if (clock_mono_ms() >= r->deadline) {
			signal_group(r, r->signals++ == 0 ? SIGTERM : SIGKILL);
			r->deadline = clock_mono_ms() + GRACE_MS;
		}
	} while ((r->end >= 0 && p[2].revents == 0) || !has_ended(r));
}

static void
finish(struct run *r)
{
	/* Those of its group that did not heed the SIGTERM. */
	if (r->signals > 0)
		(void)kill(-r->pid, SIGKILL);
	while (r->out >= 0 && r->nsaid < SAID_MAX && listen_to(r))
		;
	if (r->in >= 0)
		close(r->in);
	if (r->out >= 0)
		close(r->out);
	if (r->end >= 0)
		close(r->end);
}

/* One printable line. */
static struct str
tidy(struct arena *a, struct str s)
{
	struct buf b = { 0 };
	struct str line;
	uint32_t cp;
	unsigned n;

	while (s.n > 0) {
		n = utf8_char(s, &cp);
		if (n == 0)
			buf_putc(&b, '?');
		else if (cp > 0x20 && (cp < 0x7f || cp >= 0xa0))
			buf_put(&b, s.p, n);
		else if (b.n > 0 && b.p[b.n - 1] != ' ')
			buf_putc(&b, ' ');
		s = str_from(s, n > 0 ? n : 1);
	}
	line = arena_str(a, str_trim(buf_str(&b)));
	buf_free(&b);
	return line;
}

static int
judge_exit(int code, const char *path, struct str said, struct fault *why)
{
	const struct verdict *v;
	const char *colon = said.n > 0 ? ": " : "";

	if (code == 0)
		return 0;
	/* RFC 3463 3.4: x.3.5, system incorrectly configured. */
	if (code == CANNOT_EXECUTE || code == NOT_FOUND)
		return fault_temporary(why, 451, 3, 5,
		    "%s cannot be executed%s%.*s", path, colon,
		    STR_ARG(said));
	for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++) {
		v = &verdicts[i];
		if (v->code != code)
			continue;
		return (v->kind == FAULT_TEMPORARY ? fault_temporary :
		    fault_permanent)(why, v->reply, v->subject, v->detail,
		    "command: %s%s%.*s", v->text, colon, STR_ARG(said));
	}
	return fault_permanent(why, 554, 3, 0,
	    "command failed with status %d%s%.*s", code, colon,
	    STR_ARG(said));
}

static int
judge(const struct run *r, const char *path, uint64_t timeout,
    struct str said, struct fault *why)
{
	const char *colon = said.n > 0 ? ": " : "";

	if (r->signals > 0)
		return fault_temporary(why, 451, 3, 0,
		    "command timed out after %llu seconds%s%.*s",
		    (unsigned long long)timeout, colon, STR_ARG(said));
	if (!WIFEXITED(r->status))
		return fault_temporary(why, 451, 3, 0,
		    "command was killed by signal %d%s%.*s",
		    WTERMSIG(r->status), colon, STR_ARG(said));
	return judge_exit(WEXITSTATUS(r->status), path, said, why);
}

int
pipe_deliver(const struct place *p, struct str *said, struct fault *why)
{
	uint64_t timeout = p->conf->timeout.deliver;
	struct run r = { .chunk = &p->kept->out };
	char **argv, **envp;

	*said = STR_NONE;
	if (words_argv(p, &argv, why) < 0)
		return -1;
	envp = words_environment(p);
	place_text_init(&r.text, p, STR_NONE);
	buf_reset(r.chunk);
	if (start(&r, argv, envp, why) < 0)
		return -1;
	r.deadline = clock_mono_ms() + (int64_t)timeout * 1000;
	attend(&r);
	finish(&r);
	*said = tidy(&p->message->arena, str_span(r.said, r.nsaid));
	return judge(&r, argv[0], timeout, *said, why);
}
