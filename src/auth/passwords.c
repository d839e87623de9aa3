/* SPDX-License-Identifier: ISC */
/*
 * The backend that keeps its users in a file of its own.  The file is read anew
 * for each attempt, so that a change counts at once; it is read by the
 * doorkeeper's children alone, and nobody else may open it.
 *
 * That nobody is found must not show in the time it takes.  A name that is not
 * there, or is locked, is given the hash of one that is, chosen by a keyed hash
 * of the name, and all the work is done; then it is refused.  So who is not
 * known behaves like one of those who are, whatever kinds of hashes the file
 * has.  The key comes from the machine's identity, which is not known outside,
 * so that the choice (and SCRAM's salt) is the same after a restart.
 *
 * SCRAM is for users with a SCRAM record; one with a hash of crypt(3) is like a
 * stranger to it, since nothing that crypt keeps can prove him.
 */
#include "auth/passwords.h"

#include <fcntl.h>
#include <string.h>

#include "auth/sasl.h"
#include "auth/scram.h"
#include "base/base64.h"
#include "base/bytes.h"
#include "base/mem.h"
#include "os/crypt.h"
#include "os/file.h"

#define MACHINE_ID	"/etc/machine-id"
#define NONCE_BYTES	18

struct state {
	struct crypt_engine	*crypt;
	uint8_t			 key[SCRAM_KEY];
};

/* What next() needs of ask(). */
struct exchange {
	struct scram		 scram;
	struct scram_record	 record;
	bool			 known;
};

/* --------------------------------------------------------------- file --- */

static enum password_kind
kind_of(struct str hash)
{
	struct scram_record r;

	if (str_casestarts(hash, STR("SCRAM-")))
		return scram_record_parse(hash, &r) ? PASSWORD_SCRAM :
		    PASSWORD_BAD;
	/* Modular crypt, or the DES of old; "*" and "!" lock a user. */
	if (hash.n < 13 || hash.n > 383 || hash.p[0] == '*' ||
	    hash.p[0] == '!')
		return PASSWORD_BAD;
	for (size_t i = 0; i < hash.n; i++)
		if (hash.p[i] <= ' ' || hash.p[i] > '~' || hash.p[i] == ':')
			return PASSWORD_BAD;
	return PASSWORD_CRYPT;
}

void
passwords_parse(struct arena *arena, struct str text, password_vec *out)
{
	struct str line;

	for (unsigned n = 1; str_cut(&text, '\n', &line); n++) {
		struct password p = { .line = n };

		if (str_ends(line, STR("\r")))
			line = str_slice(line, 0, line.n - 1);
		if (str_trim(line).n == 0 || line.p[0] == '#')
			continue;
		p.name = str_slice(line, 0, str_find(line, ':'));
		p.hash = str_from(line, p.name.n + 1);
		p.kind = sasl_is_name(p.name) ? kind_of(p.hash) :
		    PASSWORD_BAD;
		vec_push(arena, out, p);
	}
}

const char *
password_fault(const struct password *p)
{
	if (p->kind != PASSWORD_BAD)
		return NULL;
	if (!sasl_is_name(p->name))
		return "expected NAME:HASH; the name is empty, too long or "
		    "not UTF-8";
	if (p->hash.n == 0)
		return "no hash behind the name: set one with \"godwit "
		    "passwd\"";
	if (p->hash.p[0] == '*' || p->hash.p[0] == '!')
		return "this user is locked; remove the line if that is for "
		    "good";
	return "neither a hash of crypt(3) nor a SCRAM-SHA-256 record: set a "
	    "new one with \"godwit passwd\"";
}

/* ------------------------------------------------------------- backend --- */

static int
open_file(struct backend *b, struct fault *why)
{
	struct state *s;
	struct buf id = { 0 };
	struct fault ignored;

	scram_warm();
	s = mem_alloc(sizeof(*s));
	if ((s->crypt = crypt_load(why)) == NULL) {
		mem_free(s);
		return -1;
	}
	if (file_load(AT_FDCWD, MACHINE_ID, 256, &id, &ignored) < 0 ||
	    id.n < 16) {
		buf_reset(&id);
		scram_random(buf_room(&id, SCRAM_KEY), SCRAM_KEY);
		buf_grew(&id, SCRAM_KEY);
	}
	scram_hmac(buf_str(&id), b->place, s->key);
	buf_free(&id);
	b->state = s;
	return 0;
}

/* The users that can log in by this kind of attempt. */
static bool
serves(const struct password *p, enum attempt_kind kind)
{
	return p->kind == PASSWORD_SCRAM ||
	    (p->kind == PASSWORD_CRYPT && kind == ATTEMPT_SECRET);
}

/* Another one in the place of him who is not there; NULL: nobody at all. */
static const struct password *
stand_in(const struct state *s, const password_vec *all,
    const struct attempt *a, struct str name)
{
	uint8_t h[SCRAM_KEY];
	size_t n = 0, chosen;

	scram_hmac(str_span(s->key, SCRAM_KEY), name, h);
	for (size_t i = 0; i < all->n; i++)
		n += serves(&all->p[i], a->kind);
	if (n == 0)
		return NULL;
	chosen = bytes_get_le32(h + 16) % n;
	for (size_t i = 0; i < all->n; i++)
		if (serves(&all->p[i], a->kind) && chosen-- == 0)
			return &all->p[i];
	return NULL;
}

static int
load(struct backend *b, struct attempt *a, password_vec *all)
{
	struct buf text = { 0 };
	struct fault why;
	struct str kept;
	int r = file_load(AT_FDCWD, b->place.p, PASSWORDS_FILE_MAX, &text,
	    &why);

	if (r < 0) {
		a->why = arena_str(a->arena, str_of(why.text));
		return -1;
	}
	kept = arena_str(a->arena, buf_str(&text));
	explicit_bzero(text.p, text.n);
	buf_free(&text);
	passwords_parse(a->arena, kept, all);
	return 0;
}

/* NULL: he is not there. */
static const struct password *
find(const password_vec *all, struct str name)
{
	for (size_t i = 0; i < all->n; i++)
		if (str_eq(all->p[i].name, name))
			return &all->p[i];
	return NULL;
}

/* What is wrong with the line of one who is there. */
static enum attempt_answer
complain(struct backend *b, struct attempt *a, const struct password *p)
{
	a->why = arena_printf(a->arena, "%.*s:%u: %s", STR_ARG(b->place),
	    p->line, password_fault(p));
	return p->hash.n > 0 && (p->hash.p[0] == '*' || p->hash.p[0] == '!') ?
	    ATTEMPT_NO : ATTEMPT_LATER;
}

static bool
check(struct state *s, struct attempt *a, const struct password *p)
{
	struct scram_record r;
	bool known;

	if (p == NULL) {
		scram_record_fake(&r, str_span(s->key, SCRAM_KEY), a->name,
		    SCRAM_ROUNDS, SCRAM_SALT);
		return scram_record_check(&r, a->secret);
	}
	if (p->kind == PASSWORD_SCRAM)
		return scram_record_parse(p->hash, &r) &&
		    scram_record_check(&r, a->secret);
	return crypt_check(s->crypt, a->secret.p,
	    arena_str(a->arena, p->hash).p, &known);
}

static enum attempt_answer
ask_secret(struct backend *b, struct attempt *a, const password_vec *all)
{
	struct state *s = b->state;
	const struct password *p = find(all, a->name);
	bool there = p != NULL && serves(p, a->kind);
	bool good = check(s, a, there ? p : stand_in(s, all, a, a->name));

	if (p != NULL && !there)
		return complain(b, a, p);
	if (good && there) {
		a->login = p->name;
		return ATTEMPT_YES;
	}
	a->why = STR("authentication failure");
	return ATTEMPT_NO;
}

static enum attempt_answer
begin_scram(struct backend *b, struct attempt *a, const password_vec *all)
{
	struct state *s = b->state;
	struct scram_binding binding = {
		.plus = str_ends(a->mechanism, STR("-PLUS")),
		.offered = a->plus,
		.kind = a->binding_kind,
		.data = a->binding_data,
	};
	struct exchange *x = arena_alloc(a->arena, sizeof(*x));
	const struct password *p, *model;
	uint8_t random[NONCE_BYTES];
	struct buf nonce = { 0 };
	struct fault why;
	int r;

	r = scram_begin(&x->scram, a->arena, &binding, a->secret, &why);
	a->name = x->scram.name;
	if (r < 0) {
		a->why = arena_str(a->arena, str_of(why.text));
		return ATTEMPT_NO;
	}
	p = find(all, a->name);
	model = stand_in(s, all, a, a->name);
	x->known = p != NULL && serves(p, a->kind);
	if (x->known || model != NULL)
		(void)scram_record_parse((x->known ? p : model)->hash,
		    &x->record);
	if (!x->known && model != NULL)
		scram_record_fake(&x->record, str_span(s->key, SCRAM_KEY),
		    a->name, x->record.rounds, x->record.nsalt);
	else if (!x->known)
		scram_record_fake(&x->record, str_span(s->key, SCRAM_KEY),
		    a->name, SCRAM_ROUNDS, SCRAM_SALT);
	scram_random(random, sizeof(random));
	base64_put(&nonce, str_span(random, sizeof(random)));
	a->out = scram_challenge(&x->scram, &x->record, buf_str(&nonce));
	buf_free(&nonce);
	a->state = x;
	return ATTEMPT_MORE;
}

static enum attempt_answer
ask_file(struct backend *b, struct attempt *a)
{
	password_vec all = { NULL, 0, 0 };

	if (load(b, a, &all) < 0)
		return ATTEMPT_LATER;
	switch (a->kind) {
	case ATTEMPT_SECRET:
		return ask_secret(b, a, &all);
	case ATTEMPT_EXCHANGE:
		if (str_starts(a->mechanism, STR("SCRAM-SHA-256")))
			return begin_scram(b, a, &all);
		break;
	case ATTEMPT_TOKEN:
		break;
	}
	a->why = STR("a file knows nothing of that mechanism");
	return ATTEMPT_LATER;
}

static enum attempt_answer
next_file(struct backend *b, struct attempt *a, struct str in)
{
	struct exchange *x = a->state;
	struct fault why;
	int r;

	(void)b;
	r = scram_finish(&x->scram, &x->record, in, &a->out, &why);
	if (r == 0 && x->known) {
		a->login = x->scram.name;
		return ATTEMPT_YES;
	}
	a->why = r == 0 ? STR("authentication failure") :
	    arena_str(a->arena, str_of(why.text));
	return ATTEMPT_NO;
}

const struct backend_ops passwords_backend = { open_file, ask_file,
    next_file };
