/* SPDX-License-Identifier: ISC */
/*
 * Mail that comes by UUCP.  The batch that uux runs is "rmail user...", and
 * the sender stands in front of the message, in a form that was never fixed.
 * It is read loosely: what is not understood leaves the message with the
 * sender that any other program of the calling user would have.
 *
 * A path host!host!user is not routed; the last host is where the user is,
 * and this is what the address becomes.  Called by bin/sendmail for rmail.
 */
#include "client/uucp.h"

#define REMOTE	STR(" remote from ")

static bool
cut_line(struct str *text, struct str *line)
{
	struct str rest = *text;

	if (str_starts(rest, STR(">")))
		rest = str_from(rest, 1);
	if (!str_starts(rest, STR("From ")))
		return false;
	(void)str_cut(&rest, '\n', line);
	if (str_ends(*line, STR("\r")))
		line->n--;
	*line = str_from(*line, sizeof("From ") - 1);
	*text = rest;
	return true;
}

/* "user Mon Nov 22 06:22:26 2026 remote from host" */
static bool
read_line(struct arena *a, struct str line, struct address *out)
{
	size_t at = str_search(line, REMOTE);
	struct str host = str_trim(str_from(line, at + REMOTE.n));
	struct str user, path;
	struct fault why;

	if (!str_word(&line, &user))
		return false;
	at = str_rfind(user, '!');
	if (at < user.n) {
		path = str_slice(user, 0, at);
		user = str_from(user, at + 1);
		at = str_rfind(path, '!');
		host = at < path.n ? str_from(path, at + 1) : path;
	}
	if (host.n > 0 && str_find(user, '@') == user.n)
		user = arena_printf(a, "%.*s@%.*s", STR_ARG(user),
		    STR_ARG(host));
	return address_parse(a, user, true, out, &why) == 0;
}

bool
uucp_cut_sender(struct arena *a, struct str *text, struct address *out)
{
	struct str line;
	bool found = false;

	while (cut_line(text, &line))
		found = read_line(a, line, out) || found;
	return found;
}

struct str
uucp_recipient(struct str s)
{
	if (s.n >= 2 && s.p[0] == '(' && s.p[s.n - 1] == ')')
		return str_slice(s, 1, s.n - 1);
	return s;
}
