/* SPDX-License-Identifier: ISC */
/*
 * The decision that must never go wrong: for whom we relay.  It stands apart
 * from everything that may refuse or favour a client, so that no mistake
 * elsewhere can open it.  Pure: facts and configuration in, yes or a fault
 * out.  Asked once for each RCPT, before anything is looked up for the
 * recipient, so that a stranger cannot learn who exists on the submission port.
 */

#include "policy/checks.h"

enum checks_ground
checks_ground(const struct conf *conf, const struct facts *f)
{
	if (f->local)
		return GROUND_LOCAL;
	/* What is loopback to a proxy may be another machine to us. */
	if (!f->reported && ip_is_loopback(&f->client_ip))
		return GROUND_LOOPBACK;
	for (size_t i = 0; i < conf->relay.n; i++)
		if (ipnet_has(&conf->relay.p[i], &f->client_ip))
			return GROUND_NETWORK;
	return f->login.n > 0 ? GROUND_LOGIN : GROUND_NONE;
}

bool
checks_may_relay(const struct conf *conf, const struct facts *f)
{
	return checks_ground(conf, f) != GROUND_NONE;
}

int
checks_size(const struct conf *conf, uint64_t size, struct fault *why)
{
	if (size <= conf->size)
		return 0;
	return fault_permanent(why, 552, 3, 4,
	    "Message size exceeds fixed limit of %llu bytes",
	    (unsigned long long)conf->size);
}

int
checks_submitter(const struct conf *conf, const struct facts *f,
    struct fault *why)
{
	switch (f->service) {
	case SERVICE_SMTP:
		return 0;
	case SERVICE_SUBMISSION:
	case SERVICE_SUBMISSIONS:
		break;
	}
	if (conf->login.by == LOGIN_NONE || checks_may_relay(conf, f))
		return 0;
	if (!f->secure && !conf->login.without_tls)
		return fault_permanent(why, 530, 7, 0,
		    "Must issue a STARTTLS command first");
	return fault_permanent(why, 530, 7, 0, "Authentication required");
}

int
checks_qualified(const struct conf *conf, const struct facts *f,
    bool recipient, struct fault *why)
{
	const struct address *a = recipient ? f->recipient : f->sender;

	if (f->service == SERVICE_SMTP || a->domain.n == 0 ||
	    str_find(a->domain, '.') < a->domain.n || a->domain.p[0] == '[' ||
	    conf_is_local_domain(conf, a->domain))
		return 0;
	return fault_permanent(why, 554, 1, recipient ? 2 : 8,
	    "<%.*s@%.*s>: %s address rejected: need fully-qualified address",
	    STR_ARG(a->local), STR_ARG(a->domain), recipient ? "Recipient" :
	    "Sender");
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
