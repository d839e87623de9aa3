/* SPDX-License-Identifier: ISC */
/*
 * Facts that are not simply there.  What has to be asked of the world goes
 * through the prober, so that a decision that does not want it costs no
 * question, and so that the same decision can be made without a network: then
 * nobody is asked, and the answer is that it is not known.
 *
 * Called by policy/rule.  Always true: a client without a confirmed name has
 * none, whatever it may call itself.
 */
#include "policy/facts.h"

int
facts_client_name(const struct facts *f, struct str *name, struct fault *why)
{
	if (f->client_name.n > 0) {
		*name = f->client_name;
		return !str_eq(*name, STR("unknown"));
	}
	*name = STR("unknown");
	if (f->prober == NULL || f->local)
		return 0;
	return f->prober->client_name(f->prober, f, name, why);
}

int
facts_helo_is(const struct facts *f, enum rule_helo what, struct fault *why)
{
	if (f->local || (!f->reported && ip_is_loopback(&f->client_ip)))
		return what == HELO_CONFIRMED;
	return f->prober == NULL ? 0 :
	    f->prober->helo_is(f->prober, f, what, why);
}

int
facts_is_listed(const struct facts *f, struct str zone)
{
	return f->prober == NULL || f->local ? 0 :
	    f->prober->is_listed(f->prober, f, zone);
}

int
facts_check_client(const struct facts *f, struct fault *why)
{
	return f->prober == NULL || f->local ? 0 :
	    f->prober->check(f->prober, f, why);
}
