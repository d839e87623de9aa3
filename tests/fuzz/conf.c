/* SPDX-License-Identifier: ISC */
/*
 * Any bytes as a configuration file.  A text is either refused with at least
 * one error, or accepted; what is accepted can be described, and the
 * description is accepted again and its rules decide the same.  Databases are
 * not asked, for that would be the fuzzing of another.  The hostname is given first, so that the
 * machine's name, and with it the resolver, stays out of this.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/die.h"
#include "conf/conf.h"
#include "policy/rule.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Which line decides at each stage; 0: none. */
static void
judge(const struct conf *conf, size_t decided[STAGE_END + 1])
{
	const struct address from = { STR("ann"), STR("b.example") };
	const struct address to = { STR("joe"), STR("fuzz.example") };
	struct arena arena = { 0 };
	struct rule_trace trace = { .arena = &arena };
	struct facts facts = { .helo = STR("mx.b.example"), .sender = &from,
	    .recipient = &to, .recipients = 3, .size_declared = 5000,
	    .size = 6000, .login = STR("ann") };
	struct rule_asking in = { .conf = conf, .facts = &facts,
	    .arena = &arena, .trace = &trace };
	struct verdict v;

	(void)ip_parse(STR("192.0.2.1"), &facts.client_ip);
	for (int i = STAGE_CONNECT; i <= STAGE_END; i++) {
		in.stage = (enum rule_stage)i;
		rule_judge(&in, &v);
		must((v.kind == VERDICT_NONE) == (v.rule == NULL));
		decided[i] = v.rule == NULL ? 0 :
		    (size_t)(v.rule - conf->rules.p) + 1;
	}
	arena_free(&arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	size_t first[STAGE_END + 1] = { 0 }, second[STAGE_END + 1] = { 0 };
	struct buf text, errors;
	struct conf *conf;
	bool asks;

	buf_init(&text);
	buf_init(&errors);
	buf_putz(&text, "hostname fuzz.example\n");
	buf_put(&text, data, n);
	conf = conf_parse("fuzz.conf", buf_str(&text), &errors);
	must((conf == NULL) == (errors.n > 0));
	if (conf != NULL) {
		asks = conf->rules.lists == 0;
		if (asks)
			judge(conf, first);
		buf_reset(&text);
		conf_describe(conf, &text, true);
		buf_reset(&text);
		conf_describe(conf, &text, false);
		conf_free(conf);
		conf = conf_parse("again.conf", buf_str(&text), &errors);
		if (conf == NULL)
			bug("%s", buf_cstr(&errors));
		if (asks)
			judge(conf, second);
		must(memcmp(first, second, sizeof(first)) == 0);
		conf_free(conf);
	}
	buf_free(&text);
	buf_free(&errors);
	return 0;
}
