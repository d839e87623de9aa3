/* SPDX-License-Identifier: ISC */
/*
 * The table of SASL mechanisms, and what a session does for each.
 *
 *	PLAIN, XOAUTH2, OAUTHBEARER	one message, then the doorkeeper
 *	LOGIN				two challenges, then the same
 *	SCRAM-SHA-256, -PLUS		every message is the doorkeeper's
 *	EXTERNAL			TLS has proved it; nobody is asked
 *
 * Nobody may act for somebody else: an authorization identity, where one is
 * sent, must be the name that is proved (RFC 4422 3.4.1).  Secrets are copied
 * to the session's arena so that they outlive the line they came in, and are
 * wiped by sasl_free().
 */
#include "auth/sasl.h"

#include <stdint.h>
#include <string.h>

#include "auth/plain.h"
#include "base/utf8.h"

/* RFC 7628 3.2.2; XOAUTH2's is of the same kind. */
#define TOKEN_REFUSAL	"{\"status\":\"invalid_token\"}"

static enum sasl_next
say(struct sasl *s, const char *challenge)
{
	buf_reset(&s->out);
	buf_putz(&s->out, challenge);
	return SASL_CHALLENGE;
}

bool
sasl_is_name(struct str name)
{
	if (name.n == 0 || name.n > SASL_NAME_MAX || !utf8_is_valid(name))
		return false;
	for (size_t i = 0; i < name.n; i++)
		if (str_is_control(name.p[i]))
			return false;
	return true;
}

static enum sasl_next
take(struct sasl *s, struct str name, struct str secret, size_t max,
    enum sasl_next next)
{
	if (!sasl_is_name(name) && !(name.n == 0 && next == SASL_TOKEN))
		return SASL_MALFORMED;
	s->name = arena_str(s->arena, name);
	if (secret.n == 0 || secret.n > max)
		return SASL_REFUSED;
	s->secret = arena_str(s->arena, secret);
	return next;
}

static enum sasl_next
step_plain(struct sasl *s, bool none, struct str in)
{
	struct str authzid, name, secret;

	if (none)
		return say(s, "");
	if (!plain_parse(in, &authzid, &name, &secret))
		return SASL_MALFORMED;
	if (authzid.n > 0 && !str_eq(authzid, name)) {
		if (sasl_is_name(name))
			s->name = arena_str(s->arena, name);
		return SASL_REFUSED;
	}
	return take(s, name, secret, SASL_SECRET_MAX, SASL_SECRET);
}

/* Of no standard; the words are those that old clients look for. */
static enum sasl_next
step_login(struct sasl *s, bool none, struct str in)
{
	if (none)
		return say(s, "Username:");
	if (s->name.n == 0) {
		if (!sasl_is_name(in))
			return SASL_MALFORMED;
		s->name = arena_str(s->arena, in);
		return say(s, "Password:");
	}
	if (str_find(in, '\0') < in.n)
		return SASL_MALFORMED;
	return take(s, s->name, in, SASL_SECRET_MAX, SASL_SECRET);
}

/* The token says whose it is; the name is only shown. */
static enum sasl_next
step_bearer(struct sasl *s, bool none, struct str in)
{
	struct str name, token;

	if (none)
		return say(s, "");
	if (!plain_parse_bearer(in, &name, &token) ||
	    (name.n > 0 && !sasl_is_name(name)))
		return SASL_MALFORMED;
	if (token.n == 0)
		return SASL_QUERY;
	return take(s, name, token, SASL_TOKEN_MAX, SASL_TOKEN);
}

static enum sasl_next
step_xoauth2(struct sasl *s, bool none, struct str in)
{
	struct str name, token;

	if (none)
		return say(s, "");
	if (!plain_parse_xoauth2(in, &name, &token))
		return SASL_MALFORMED;
	return take(s, name, token, SASL_TOKEN_MAX, SASL_TOKEN);
}

/* RFC 4422 A: the client sends who it wants to be, or nothing. */
static enum sasl_next
step_external(struct sasl *s, bool none, struct str in)
{
	if (none)
		return say(s, "");
	if (in.n > 0 && !sasl_is_name(in))
		return SASL_MALFORMED;
	s->name = arena_str(s->arena, in.n > 0 ? in : s->proved);
	return s->proved.n > 0 && str_eq(s->name, s->proved) ? SASL_DONE :
	    SASL_REFUSED;
}

/* RFC 5802 5: the client speaks first. */
static enum sasl_next
step_scram(struct sasl *s, bool none, struct str in)
{
	(void)in;
	return none ? say(s, "") : SASL_CARRY;
}

static const struct sasl_mechanism table[MECHANISMS] = {
	[MECHANISM_SCRAM_SHA_256_PLUS] = { MECHANISM_SCRAM_SHA_256_PLUS,
	    { "SCRAM-SHA-256-PLUS", 18 }, step_scram, "", false },
	[MECHANISM_SCRAM_SHA_256] = { MECHANISM_SCRAM_SHA_256,
	    { "SCRAM-SHA-256", 13 }, step_scram, "", false },
	[MECHANISM_OAUTHBEARER] = { MECHANISM_OAUTHBEARER,
	    { "OAUTHBEARER", 11 }, step_bearer, TOKEN_REFUSAL, false },
	[MECHANISM_XOAUTH2] = { MECHANISM_XOAUTH2,
	    { "XOAUTH2", 7 }, step_xoauth2, TOKEN_REFUSAL, false },
	[MECHANISM_EXTERNAL] = { MECHANISM_EXTERNAL,
	    { "EXTERNAL", 8 }, step_external, "", true },
	[MECHANISM_PLAIN] = { MECHANISM_PLAIN,
	    { "PLAIN", 5 }, step_plain, "", true },
	[MECHANISM_LOGIN] = { MECHANISM_LOGIN,
	    { "LOGIN", 5 }, step_login, "", false },
};

const struct sasl_mechanism *
sasl_find(struct str name)
{
	for (size_t i = 0; i < MECHANISMS; i++)
		if (str_caseeq(table[i].name, name))
			return &table[i];
	return NULL;
}

const struct sasl_mechanism *
sasl_get(enum conf_mechanism id)
{
	return &table[id];
}

void
sasl_init(struct sasl *s, const struct sasl_mechanism *m,
    struct arena *arena, struct str proved)
{
	memset(s, 0, sizeof(*s));
	s->mechanism = m;
	s->arena = arena;
	s->proved = proved;
}

void
sasl_free(struct sasl *s)
{
	if (s->secret.n > 0)
		explicit_bzero((void *)(uintptr_t)s->secret.p, s->secret.n);
	s->secret = STR_NONE;
	buf_free(&s->out);
}

enum sasl_next
sasl_step(struct sasl *s, bool none, struct str in)
{
	return s->mechanism->step(s, none, in);
}
