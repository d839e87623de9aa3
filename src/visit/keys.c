/* SPDX-License-Identifier: ISC */
/*
 * From the configuration to the server's side of TLS.
 *
 * Each generation's keeper (warden/keeper) reads the files anew, as root, before
 * it becomes its user; its master gets the certificates from it.  The warden
 * never reads one.  It has a child do so before it trusts a new configuration
 * (warden/proof), and it looks at the files from outside now and then, because
 * who renews certificates seldom tells the mail system: that look is one stat(2)
 * for each file, and a sum over what would be another one in a new file.
 */
#include "visit/keys.h"

#include <sys/stat.h>
#include <string.h>

static void
describe(const struct conf *conf, struct tls_options *o, struct arena *a)
{
	const struct conf_tls *tls = &conf->tls;

	memset(o, 0, sizeof(*o));
	for (size_t i = 0; i < tls->certificates.n; i++) {
		const struct conf_certificate *c = &tls->certificates.p[i];
		struct tls_certificate to = { .file = c->file.p,
		    .key_file = c->key.n > 0 ? c->key.p : NULL };

		to.names.p = c->names.p;
		to.names.n = c->names.n;
		vec_push(a, &o->certificates, to);
	}
	switch ((enum conf_tls_oldest)tls->oldest) {
	case OLDEST_1_0:
		o->oldest = TLS_1_0;
		break;
	case OLDEST_1_1:
		o->oldest = TLS_1_1;
		break;
	case OLDEST_1_2:
		o->oldest = TLS_1_2;
		break;
	case OLDEST_1_3:
		o->oldest = TLS_1_3;
		break;
	}
	o->ask = tls->clients == CLIENTS_ASKED;
	o->authorities = tls->authorities.n > 0 ? tls->authorities.p : NULL;
}

static int
load(const struct conf *conf, const struct tls_kept *kept,
    struct tls_server **server, struct fault *why)
{
	struct tls_options o;
	struct arena a = { 0 };

	*server = NULL;
	if (conf->tls.certificates.n == 0)
		return 0;
	describe(conf, &o, &a);
	*server = kept == NULL ? tls_server_new(&o, why) :
	    tls_server_new_kept(&o, kept, why);
	arena_free(&a);
	if (*server != NULL)
		return 0;
	fault_prefix(why, "tls");
	return -1;
}

int
keys_load(const struct conf *conf, struct tls_server **server,
    struct fault *why)
{
	return load(conf, NULL, server, why);
}

int
keys_borrow(const struct conf *conf, const struct tls_kept *kept,
    struct tls_server **server, struct fault *why)
{
	return load(conf, kept, server, why);
}

int
keys_open(const struct conf *conf, struct vault **vault, struct fault *why)
{
	struct tls_options o;
	struct arena a = { 0 };

	describe(conf, &o, &a);
	*vault = vault_open(&o, why);
	arena_free(&a);
	if (*vault != NULL)
		return 0;
	fault_prefix(why, "tls");
	return -1;
}

/* FNV-1a */
static void
add(struct keys_stamp *stamp, const void *p, size_t n)
{
	const unsigned char *b = p;

	for (size_t i = 0; i < n; i++)
		stamp->sum = (stamp->sum ^ b[i]) * UINT64_C(1099511628211);
}

static void
look(struct keys_stamp *stamp, struct str path)
{
	struct stat st;

	if (path.n == 0)
		return;
	if (stat(path.p, &st) < 0)
		memset(&st, 0, sizeof(st));
	add(stamp, &st.st_dev, sizeof(st.st_dev));
	add(stamp, &st.st_ino, sizeof(st.st_ino));
	add(stamp, &st.st_size, sizeof(st.st_size));
	add(stamp, &st.st_mtim, sizeof(st.st_mtim));
}

struct keys_stamp
keys_look(const struct conf *conf)
{
	struct keys_stamp stamp = { UINT64_C(14695981039346656037) };

	for (size_t i = 0; i < conf->tls.certificates.n; i++) {
		look(&stamp, conf->tls.certificates.p[i].file);
		look(&stamp, conf->tls.certificates.p[i].key);
	}
	if (conf->tls.certificates.n > 0)
		look(&stamp, conf->tls.authorities);
	return stamp;
}
