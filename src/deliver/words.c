/* SPDX-License-Identifier: ISC */
/*
 * The arguments and the environment of a delivery command.
 *
 * The words were parted when the configuration was read, and are never parted
 * again: a value fills its place within one word, whatever is in it, and an
 * empty value leaves an empty word rather than none, so that no word changes
 * its place.  No shell sees them.  The one thing that a stranger could still
 * do is to have an address that a program takes for an option; a word that
 * begins with a value that begins with "-" is refused.
 *
 *	%u user   %h home   %s sender   %r recipient   %e extension   %% "%"
 *
 * The environment is made afresh; of our own only TZ is passed on.
 */
#include "deliver/words.h"

#include <stdlib.h>
#include <string.h>

static const char PATH_FIXED[] = "/usr/local/bin:/usr/bin:/bin";

static struct str
value_of(const struct place *p, char letter)
{
	switch (letter) {
	case 'u':
		return p->user->name;
	case 'h':
		return p->user->home;
	case 's':
		return p->hand->sender;
	case 'r':
		return p->hand->recipient;
	case 'e':
		return p->hand->extension;
	default:
		return STR("%");
	}
}

static void
fill(const struct place *p, struct str word, struct buf *out)
{
	for (size_t i = 0; i < word.n; i++) {
		if (word.p[i] == '%' && i + 1 < word.n)
			buf_puts(out, value_of(p, word.p[++i]));
		else
			buf_putc(out, word.p[i]);
	}
}

int
words_argv(const struct place *p, char ***argv, struct fault *why)
{
	const struct conf_deliver *d = &p->conf->deliver;
	struct arena *a = &p->message->arena;
	char **v = arena_alloc(a, (d->argv.n + 1) * sizeof(*v));
	struct buf b = { 0 };
	int r = 0;

	for (size_t i = 0; i < d->argv.n && r == 0; i++) {
		buf_reset(&b);
		fill(p, d->argv.p[i], &b);
		if (str_starts(d->argv.p[i], STR("%")) &&
		    str_starts(buf_str(&b), STR("-")))
			r = fault_permanent(why, 553, 1, 3, "an address that "
			    "begins with \"-\" cannot be given to a command");
		v[i] = (char *)(uintptr_t)arena_str(a, buf_str(&b)).p;
	}
	buf_free(&b);
	*argv = v;
	return r;
}

struct variable {
	const char	*name;
	struct str	 value;
};

char **
words_environment(const struct place *p)
{
	const struct hand *h = p->hand;
	size_t at = str_rfind(h->recipient, '@'), n = 0;
	struct str shell = p->user->shell;
	const char *tz = getenv("TZ");
	const struct variable list[] = {
		{ "HOME", p->user->home },
		{ "USER", p->user->name },
		{ "LOGNAME", p->user->name },
		{ "SHELL", shell.n > 0 ? shell : STR("/bin/sh") },
		{ "PATH", str_of(PATH_FIXED) },
		{ "LANG", STR("C") },
		{ "SENDER", h->sender },
		{ "RECIPIENT", h->recipient },
		{ "ORIGINAL_RECIPIENT", h->original },
		{ "EXTENSION", h->extension },
		{ "LOCAL", str_slice(h->recipient, 0, at) },
		{ "DOMAIN", str_from(h->recipient, at + 1) },
		{ "TZ", str_of(tz) },
	};
	size_t max = sizeof(list) / sizeof(list[0]) - (tz == NULL);
	char **v = arena_alloc(&p->message->arena, (max + 1) * sizeof(*v));

	for (; n < max; n++)
		v[n] = (char *)(uintptr_t)arena_printf(&p->message->arena,
		    "%s=%.*s", list[n].name, STR_ARG(list[n].value)).p;
	return v;
}
