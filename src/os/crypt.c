/* SPDX-License-Identifier: ISC */
/*
 * The hashes of crypt(3), all that the system's library knows ($y$, $6$, ...).
 *
 * The library is loaded here at run time and not linked, because one process
 * needs it (the doorkeeper) and every mapping makes the forks of all others
 * dearer.  Its name differs between systems: the C library of some has crypt_r
 * itself.  The room that it works in holds traces of the secret and is wiped
 * each time.
 */
#include "os/crypt.h"

#include <crypt.h>
#include <dlfcn.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"

typedef char *crypt_function(const char *, const char *, struct crypt_data *);

struct crypt_engine {
	crypt_function		*run;
	struct crypt_data	 room;
};

static crypt_function *
find_function(void)
{
	static const char *const names[] = { "libcrypt.so.2", "libcrypt.so.1" };
	void *library, *symbol = NULL;

	for (size_t i = 0; symbol == NULL &&
	    i < sizeof(names) / sizeof(names[0]); i++) {
		library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
		if (library != NULL)
			symbol = dlsym(library, "crypt_r");
	}
	if (symbol == NULL)
		symbol = dlsym(RTLD_DEFAULT, "crypt_r");
	return (crypt_function *)(uintptr_t)symbol;
}

struct crypt_engine *
crypt_load(struct fault *why)
{
	crypt_function *run = find_function();
	struct crypt_engine *engine;

	if (run == NULL) {
		fault_temporary(why, 454, 7, 0, "no crypt(3) on this system");
		return NULL;
	}
	engine = mem_alloc(sizeof(*engine));
	engine->run = run;
	return engine;
}

void
crypt_free(struct crypt_engine *engine)
{
	mem_free(engine);
}

/* Where they differ does not show in the time. */
static bool
is_same(const char *a, const char *b)
{
	size_t n = strlen(a);
	unsigned char d = 0;

	if (strlen(b) != n)
		return false;
	for (size_t i = 0; i < n; i++)
		d |= (unsigned char)(a[i] ^ b[i]);
	return d == 0;
}

bool
crypt_check(struct crypt_engine *engine, const char *secret,
    const char *hash, bool *known)
{
	const char *made;
	bool good;

	memset(&engine->room, 0, sizeof(engine->room));
	made = engine->run(secret, hash, &engine->room);
	/* libxcrypt says "*0" or "*1" of what it does not know. */
	*known = made != NULL && made[0] != '*';
	good = *known && is_same(made, hash);
	explicit_bzero(&engine->room, sizeof(engine->room));
	return good;
}
