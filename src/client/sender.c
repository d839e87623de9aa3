/* SPDX-License-Identifier: ISC */
/*
 * Who sends?  The kernel knows the user; the password file gives the name,
 * the full name and the home; the command line may say otherwise, and then
 * it is believed: the daemon writes down which user it was, in any case.
 *
 * A full name comes from -F, or $NAME, or the password file.  The last two
 * name the person at the keyboard, so they are not put beside an address of
 * somebody else.  A user without a name in the database is "uid1000".
 *
 * Called by client/letter, once.  Nothing here is printed or sent.
 */
#include "client/sender.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "os/user.h"

static int
find_user(struct arena *a, struct user *u, struct fault *why)
{
	*u = (struct user){ .uid = getuid() };
	switch (user_find_uid(a, u->uid, u, why)) {
	case 1:
		return 0;
	case 0:
		u->name = arena_printf(a, "uid%u", (unsigned)u->uid);
		return 0;
	}
	return -1;
}

static int
parse_sender(struct arena *a, const char *text, struct address *out,
    struct fault *why)
{
	struct str s = str_trim(str_of(text));
	address_vec list = { 0 };

	*out = (struct address){ STR_NONE, STR_NONE };
	if (s.n == 0 || str_eq(s, STR("<>")))
		return 0;
	if (address_parse_list(a, s, &list, why) != 0)
		return -1;
	if (list.n != 1)
		return fault_permanent(why, 501, 1, 7, "not one address");
	*out = list.p[0];
	return 0;
}

/* In the password file "&" stands for the name of the user, capitalised. */
static struct str
expand_ampersand(struct arena *a, const struct user *u)
{
	struct str s = u->full_name, result;
	struct buf b;
	size_t at;

	if (str_find(s, '&') == s.n)
		return s;
	buf_init(&b);
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] != '&') {
			buf_putc(&b, s.p[i]);
			continue;
		}
		at = b.n;
		buf_puts(&b, u->name);
		if (b.n > at && b.p[at] >= 'a' && b.p[at] <= 'z')
			b.p[at] = (char)(b.p[at] - 'a' + 'A');
	}
	result = arena_str(a, buf_str(&b));
	buf_free(&b);
	return result;
}

static struct str
find_full_name(struct arena *a, const struct options *o,
    const struct user *u, bool is_self)
{
	const char *name = getenv("NAME");

	if (o->full_name != NULL)
		return str_of(o->full_name);
	if (!is_self)
		return STR_NONE;
	if (name != NULL && name[0] != '\0')
		return str_of(name);
	return expand_ampersand(a, u);
}

static struct str
find_home(const struct user *u)
{
	struct str home = str_of(getenv("HOME"));

	return str_starts(home, STR("/")) ? home : u->home;
}

int
sender_find(struct arena *a, const struct conf *conf, const struct options *o,
    struct sender *s, struct fault *why)
{
	struct address self = { .domain = conf->hostname };
	struct user u;

	if (find_user(a, &u, why) != 0)
		return -1;
	self.local = u.name;
	s->envelope = self;
	if (o->sender != NULL &&
	    parse_sender(a, o->sender, &s->envelope, why) != 0) {
		fault_prefix(why, "sender \"%s\"", o->sender);
		return -1;
	}
	if (!address_is_null(&s->envelope) && s->envelope.domain.n == 0)
		s->envelope.domain = conf->hostname;
	s->from = s->envelope;
	if (address_is_null(&s->from))
		s->from = (struct address){ STR("MAILER-DAEMON"),
		    conf->hostname };
	s->full_name = find_full_name(a, o, &u, address_eq(&s->from, &self));
	s->home = find_home(&u);
	return 0;
}
