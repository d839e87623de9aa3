/* SPDX-License-Identifier: ISC */
/*
 * The words of rules, and what can be said of one without asking it: the stage
 * at which each fact is first known, and whether a text fits a pattern.
 *
 * Both who reads rules (conf/clause) and who asks them (policy/rule) stand on
 * this, so that a word means to the one what it means to the other.  Nothing
 * here knows a session.  A pattern is matched in at most as many steps as its
 * length times that of the text, without recursion; both are short.
 */
#include "conf/rule.h"

#include "base/die.h"

static const char *const action_words[] = {
	[RULE_ACCEPT] = "accept",
	[RULE_REJECT] = "reject",
	[RULE_DEFER] = "defer",
	[RULE_HOLD] = "hold",
	[RULE_DISCARD] = "discard",
	[RULE_HEADER] = "header",
};

static const char *const stage_words[] = {
	[STAGE_CONNECT] = "connect",
	[STAGE_HELLO] = "hello",
	[STAGE_MAIL] = "mail",
	[STAGE_RCPT] = "rcpt",
	[STAGE_END] = "end",
};

static const struct {
	const char	*word;
	enum rule_stage	 stage;
} facts[] = {
	[FACT_CLIENT] = { "client", STAGE_CONNECT },
	[FACT_NAME] = { "client named", STAGE_CONNECT },
	[FACT_LOCAL] = { "local", STAGE_CONNECT },
	[FACT_ON] = { "on", STAGE_CONNECT },
	[FACT_SECURE] = { "secure", STAGE_CONNECT },
	[FACT_HELO] = { "helo", STAGE_HELLO },
	[FACT_LOGIN] = { "login", STAGE_MAIL },
	[FACT_FROM] = { "from", STAGE_MAIL },
	[FACT_SIZE] = { "size", STAGE_MAIL },
	[FACT_TO] = { "to", STAGE_RCPT },
	[FACT_RECIPIENTS] = { "recipients", STAGE_RCPT },
};

/* None of these is a value: a slip would be read as something else. */
static const char *const reserved[] = { "and", "or", "not", "at", "with", "if",
    "is", "in", "matching", "named", "over", "under", "file", "db", "dnsbl",
    "client", "helo", "from", "to", "login", "secure", "local", "on", "size",
    "recipients" };

enum rule_stage
rule_fact_stage(enum rule_fact fact)
{
	return facts[fact].stage;
}

const char *
rule_action_word(enum rule_action action)
{
	return action_words[action];
}

const char *
rule_stage_word(enum rule_stage stage)
{
	return stage_words[stage];
}

const char *
rule_fact_word(enum rule_fact fact)
{
	return facts[fact].word;
}

const char *const *
rule_helo_words(void)
{
	static const char *const words[] = {
		[HELO_CONFIRMED] = "confirmed",
		[HELO_FORGED] = "forged",
		[HELO_MALFORMED] = "malformed",
		[HELO_UNKNOWN] = "unknown",
		NULL
	};

	return words;
}

bool
rule_is_reserved(struct str word)
{
	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (str_eq(word, str_of(reserved[i])))
			return true;
	return false;
}

bool
rule_has_size(const struct rule *rule)
{
	size_t i;

	for (i = 0; i < rule->terms.n; i++)
		if (rule->terms.p[i].fact == FACT_SIZE)
			return true;
	return false;
}

/* After a mismatch the last * takes one character more. */
bool
rule_fits(struct str pattern, struct str text)
{
	size_t p = 0, t = 0, star = pattern.n, resume = 0;

	while (t < text.n) {
		if (p < pattern.n && pattern.p[p] == '*') {
			star = p++;
			resume = t;
		} else if (p < pattern.n && pattern.p[p] == text.p[t]) {
			p++;
			t++;
		} else if (star < pattern.n) {
			p = star + 1;
			t = ++resume;
		} else
			return false;
	}
	while (p < pattern.n && pattern.p[p] == '*')
		p++;
	return p == pattern.n;
}
