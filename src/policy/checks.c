/* SPDX-License-Identifier: ISC */
/*
 * The decision that must never go wrong: for whom we relay.  It stands apart
 * from everything that may refuse or favour a client, so that no mistake
 * elsewhere can open it.  Pure: facts and configuration in, yes or a fault
 * out.  Asked once for each RCPT, before anything is looked up for the
 * recipient, so that a stranger cannot learn who exists on the submission port.
 */

#include "policy/checks.h"

bool
checks_may_relay(const struct conf *conf, const struct facts *f)
{
	if (f->local || ip_is_loopback(&f->client_ip))
		return true;
	for (size_t i = 0; i < conf->relay.n; i++)
		if (ipnet_has(&conf->relay.p[i], &f->client_ip))
			return true;
	return false;
}

int
checks_recipient(const struct conf *conf, const struct facts *f,
    struct fault *why)
{
	const struct address *to = f->recipient;
	bool ours = to->domain.n == 0 ||
	    conf_is_local_domain(conf, to->domain);

	if (checks_may_relay(conf, f))
		return 0;
	switch (f->service) {
	case SERVICE_SMTP:
		if (ours)
			return 0;
		break;
	case SERVICE_SUBMISSION:
	case SERVICE_SUBMISSIONS:
		break;
	}
	return fault_permanent(why, 554, 7, 1,
	    "<%.*s%s%.*s>: Relay access denied", STR_ARG(to->local),
	    to->domain.n > 0 ? "@" : "", STR_ARG(to->domain));
}
