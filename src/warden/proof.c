/* SPDX-License-Identifier: ISC */
/*
 * The spool is put to the proof when the daemon starts: by a child of the
 * warden that becomes the queue's user as the runner does, so that what holds
 * for it holds for the runner, and so that root writes nothing in a directory
 * that is another's.  The child answers in one packet and ends.
 *
 * What it found out is kept for the daemon's life, in which the spool does not
 * change: the runner and the sessions of every generation are told whether to
 * begin with temporary names.
 *
 * Certificates and keys are proved in the same way, at each new configuration
 * and whenever their files have changed, with the result thrown away: what is
 * wrong with them is said while the old generation still serves.
 */

#include "warden/proof.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/log.h"
#include "os/proc.h"
#include "os/sock.h"

struct answer {
	int		result;
	int		oom_score;	/* of the child */
	struct trial	trial;
	struct fault	why;
};

typedef void prover(const struct conf *, const struct cage *,
    struct answer *);

static void
prove_spool(const struct conf *conf, const struct cage *cage,
    struct answer *a)
{
	struct spool spool;

	if (cage_become_runner(cage, &a->why) == 0 &&
	    spool_open(&spool, conf->spool.p, false, false, &a->why) == 0)
		a->result = trial_run(&spool, &a->trial, &a->why);
}

static void
prove_keys(const struct conf *conf, const struct cage *cage,
    struct answer *a)
{
	struct tls_server *server;
	struct arena arena = { 0 };
	struct user user;

	if (cage_find_keeper(cage, conf, &arena, &user, &a->why) == 0 &&
	    keys_load(conf, &server, &a->why) == 0)
		a->result = cage_become_keeper(cage, &user, &a->why);
}

static void
be_prover(prover *prove, const struct conf *conf, const struct cage *cage,
    int oom_score, int to)
{
	struct answer a = { .result = -1 };

	proc_set_oom_score(oom_score);
	prove(conf, cage, &a);
	(void)send(to, &a, sizeof(a), MSG_NOSIGNAL);
	_exit(0);
}

static int
ask_prover(prover *prove, const struct conf *conf, const struct cage *cage,
    struct answer *a, struct fault *why)
{
	ssize_t n;
	pid_t pid;
	int pair[2];

	if (sock_pair(SOCK_SEQPACKET, pair, why) < 0)
		return -1;
	pid = fork();
	if (pid == 0)
		be_prover(prove, conf, cage, a->oom_score, pair[1]);
	close(pair[1]);
	n = pid < 0 ? -1 : recv(pair[0], a, sizeof(*a), 0);
	close(pair[0]);
	if (pid < 0)
		return fault_system(why, errno, "fork");
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (n != (ssize_t)sizeof(*a))
		return fault_temporary(why, 451, 3, 0,
		    "it has died of the self-test");
	return 0;
}

int
proof_look(const struct conf *conf, struct trial *t, struct fault *why)
{
	if (trial_look(conf->spool.p, t, why) < 0)
		return -1;
	return trial_is_durable(t, conf->spool.p, why) ||
	    conf->store.may_lose_mail ? 0 : -1;
}

int
proof_take(const struct conf *conf, const struct cage *cage, struct trial *t,
    struct fault *why)
{
	struct answer a = { .oom_score = proc_oom_score() };
	int r = ask_prover(prove_spool, conf, cage, &a, why);

	if (r == 0 && a.result == 0) {
		*t = a.trial;
		return 0;
	}
	if (r == 0)
		*why = a.why;
	if (why->reply == 452) {
		log_warning("spool %s: no room for the self-test: %s",
		    conf->spool.p, why->text);
		return 0;
	}
	fault_prefix(why, "spool %s (%s)", conf->spool.p, t->fs.name);
	return -1;
}

int
proof_keys(const struct conf *conf, const struct cage *cage, int oom_score,
    struct fault *why)
{
	struct answer a = { .oom_score = oom_score };
	int r;

	if (conf->tls.certificates.n == 0)
		return 0;
	r = ask_prover(prove_keys, conf, cage, &a, why);
	if (r == 0 && a.result < 0) {
		*why = a.why;
		r = -1;
	}
	return r;
}

void
proof_say(const struct conf *conf, const struct trial *t)
{
	struct buf b = { 0 };
	struct fault ignored;

	trial_describe(t, conf->spool.p, &b);
	if (trial_is_durable(t, conf->spool.p, &ignored))
		log_info("%s", buf_cstr(&b));
	else
		log_warning("%s; mail may be lost there, as "
		    "spool-may-lose-mail accepts", buf_cstr(&b));
	buf_free(&b);
}
