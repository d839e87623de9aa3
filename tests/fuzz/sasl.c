/* SPDX-License-Identifier: ISC */
/*
 * What a client says when it logs in, under libFuzzer: lines of base 64 for a
 * mechanism that the first byte chooses.  The session's machine is fed; what it
 * would carry to the doorkeeper goes to SCRAM's server side, with a record that
 * is there; the last byte may take the channel binding along.  A name that
 * comes out is one, a secret is within its bounds, and a wrong proof is never
 * taken: the fuzzer does not know the password.
 */
#include <stdint.h>
#include <stdlib.h>

#include "auth/sasl.h"
#include "auth/scram.h"
#include "base/base64.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
require(bool cond)
{
	if (!cond)
		abort();
}

struct server {
	struct scram		scram;
	struct scram_record	record;
	bool			begun;
};

/* False: the exchange is over. */
static bool
carry(struct server *v, struct arena *a, const struct scram_binding *b,
    struct str in)
{
	struct fault why;
	struct str out;

	if (v->begun) {
		require(scram_finish(&v->scram, &v->record, in, &out, &why) <
		    0);
		return false;
	}
	v->begun = true;
	if (scram_begin(&v->scram, a, b, in, &why) < 0)
		return false;
	require(v->scram.name.n > 0);
	(void)scram_challenge(&v->scram, &v->record, STR("nonce"));
	return true;
}

/* One message; false: that was the last. */
static bool
say(struct sasl *s, struct server *v, const struct scram_binding *b,
    bool none, struct str in)
{
	enum sasl_next next = sasl_step(s, none, in);

	switch (next) {
	case SASL_CHALLENGE:
		return true;
	case SASL_CARRY:
		return carry(v, s->arena, b, in);
	case SASL_SECRET:
	case SASL_TOKEN:
		require(next == SASL_TOKEN || sasl_is_name(s->name));
		require(s->secret.n > 0 && s->secret.n <=
		    (next == SASL_TOKEN ? SASL_TOKEN_MAX : SASL_SECRET_MAX));
		require(str_find(s->secret, '\0') == s->secret.n);
		return false;
	case SASL_QUERY:
		require(s->secret.n == 0);
		return false;
	case SASL_DONE:
		require(str_eq(s->name, STR("proved")));
		return false;
	case SASL_MALFORMED:
	case SASL_REFUSED:
		return false;
	}
	abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = { 0 };
	struct buf bytes = { 0 };
	struct server v = { .begun = false };
	struct scram_binding b = { .kind = STR("tls-exporter"),
	    .data = STR("data") };
	struct str rest, line;
	struct sasl s;
	bool more = true;

	if (size < 2)
		return 0;
	b.plus = data[0] % MECHANISMS == MECHANISM_SCRAM_SHA_256_PLUS;
	b.offered = (data[0] & 0x80) != 0;
	rest = str_span(data + 1, size - 1);
	scram_record_fake(&v.record, STR("key"), STR("name"), 4096, 16);
	sasl_init(&s, sasl_get((enum conf_mechanism)(data[0] % MECHANISMS)),
	    &arena, STR("proved"));
	if ((data[0] & 0x40) != 0)
		more = say(&s, &v, &b, true, STR_NONE);
	while (more && str_cut(&rest, '\n', &line)) {
		buf_reset(&bytes);
		if (!base64_decode(line, &bytes))
			break;
		more = say(&s, &v, &b, false, buf_str(&bytes));
	}
	buf_free(&bytes);
	sasl_free(&s);
	arena_free(&arena);
	return 0;
}
