/* SPDX-License-Identifier: ISC */
/*
 * Which name servers this machine asks: the "nameserver" lines of resolv.conf,
 * and nothing else of it, since every name that we ask for is whole.  A server
 * on this machine goes first: nobody can answer in its place.
 *
 * Read by the relay of names before it gives up the right to open files; a
 * change takes effect with the next reload.  Resolving itself is not done
 * here.
 */
#include "dns/servers.h"

#include <fcntl.h>

#include "os/file.h"

#define CONF_PATH	"/etc/resolv.conf"
#define CONF_MAX	65536
#define PORT		53

static bool
take_line(struct str line, struct sock_addr *out)
{
	struct str word;

	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	*out = (struct sock_addr){ .port = PORT };
	return str_word(&line, &word) && str_eq(word, STR("nameserver")) &&
	    str_word(&line, &word) && ip_parse(word, &out->ip);
}

/* Moves the last one before those that are not of this machine. */
static void
prefer(struct sock_addr *out, size_t last)
{
	struct sock_addr one = out[last];

	if (!ip_is_loopback(&one.ip))
		return;
	for (; last > 0 && !ip_is_loopback(&out[last - 1].ip); last--)
		out[last] = out[last - 1];
	out[last] = one;
}

size_t
servers_parse(struct str text, struct sock_addr out[SERVERS_MAX])
{
	struct sock_addr one;
	struct str line;
	size_t n = 0;

	while (n < SERVERS_MAX && str_cut(&text, '\n', &line)) {
		if (!take_line(line, &one))
			continue;
		out[n] = one;
		prefer(out, n++);
	}
	if (n == 0) {
		out[0] = (struct sock_addr){ .port = PORT };
		(void)ip_parse(STR("127.0.0.1"), &out[0].ip);
		n = 1;
	}
	return n;
}

size_t
servers_load(struct sock_addr out[SERVERS_MAX])
{
	struct buf text = { 0 };
	struct fault ignored;
	size_t n;

	if (file_load(AT_FDCWD, CONF_PATH, CONF_MAX, &text, &ignored) < 0)
		buf_reset(&text);
	n = servers_parse(buf_str(&text), out);
	buf_free(&text);
	return n;
}
