/* SPDX-License-Identifier: ISC */
/*
 * All that is asked about a client (dns/ask, policy/naming, policy/dnsbl), with
 * the input as the name server: whatever it answers to whichever question, in
 * any order, the name that comes out is a host's, the sum is one that the lists
 * can make, and every question ends.
 *
 * Each answer is taken from the input: a byte of flags, a byte of length, and
 * what stands behind the question.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/die.h"
#include "mail/domain.h"
#include "policy/stranger.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define ROOM		1500
#define HEADER		12
#define OPT		11

static struct conf *conf;

static void
begin(void)
{
	static const char text[] = "hostname a.test\n"
	    "dnsbl bl.test weight 2 when 127.0.0.2-9\ndnsbl bl.test\n"
	    "dnswl wl.test weight 3\nreject client in dnsbl other.test\n";
	struct buf errors = { 0 };

	if (conf == NULL)
		conf = conf_parse("fuzz", str_of(text), &errors);
	must(conf != NULL);
}

/* One answer; false: the server has no more. */
static bool
answer(int fd, const uint8_t *q, size_t len, const uint8_t **p, size_t *n)
{
	uint8_t packet[ROOM] = { 0 };
	size_t size;
	uint8_t flags;

	if (*n < 2)
		return false;
	flags = (*p)[0];
	size = (*p)[1] < *n - 2 ? (*p)[1] : *n - 2;
	/* The question as it was, without its OPT; counts are the input's. */
	len -= q[HEADER - 1] != 0 ? OPT : 0;
	memcpy(packet, q, len);
	packet[2] = 0x81;
	packet[3] = (uint8_t)(0x80 | (flags & 0x0f));
	packet[7] = flags >> 4 & 7;
	packet[11] = 0;
	packet[0] ^= flags >> 7;
	memcpy(packet + len, *p + 2, size);
	*p += 2 + size;
	*n -= 2 + size;
	(void)send(fd, packet, len + size, MSG_DONTWAIT | MSG_NOSIGNAL);
	return true;
}

/* All that has been asked; false: nothing has, or the server is away. */
static bool
serve(int fd, const uint8_t **p, size_t *n)
{
	uint8_t q[ROOM];
	bool any = false;
	ssize_t len;

	while ((len = recv(fd, q, sizeof(q), MSG_DONTWAIT)) > HEADER) {
		if (!answer(fd, q, (size_t)len, p, n))
			return false;
		any = true;
	}
	return any;
}

static void
check(const struct stranger *st)
{
	struct fault why;
	struct str name;

	must(st->is_named && st->is_judged);
	must(st->name.n > 0 && st->name.n <= 253);
	if (st->verdict == NAMING_CONFIRMED)
		must(domain_is_valid(st->name, false) &&
		    str_find(st->name, '.') < st->name.n);
	else
		must(str_eq(st->name, STR("unknown")));
	must(stranger_tell_name(st, &name, &why) ==
	    (st->verdict == NAMING_CONFIRMED ? 1 :
	    st->verdict == NAMING_UNKNOWN ? -1 : 0));
	must(st->lists.rank >= -3 && st->lists.rank <= 3);
	must(st->is_listed == (st->lists.rank > 0));
	if (stranger_check_lists(st, &why) < 0)
		must(why.reply == 554);
	for (size_t i = 0; i < st->lists.n; i++)
		must(!st->lists.row[i].listed || st->lists.row[i].counts);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct dnsbl_memory *memory = dnsbl_memory_new();
	struct arena arena = { 0 };
	struct stranger st;
	struct ip ip = { .family = 4, .b = { 192, 0, 2, 1 } };
	int pair[2];

	begin();
	if (n > 0 && (p[0] & 1) != 0)
		ip.family = 6;
	must(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == 0);
	stranger_init(&st, conf, &arena, SERVICE_SMTP, false, &ip);
	stranger_ask(&st, memory, pair[0]);
	while (serve(pair[1], &p, &n)) {
		ask_hear(st.asker);
		(void)stranger_advance(&st);
	}
	close(pair[1]);
	stranger_know(&st, true);
	(void)stranger_judge(&st);
	check(&st);
	stranger_free(&st);
	arena_free(&arena);
	dnsbl_memory_free(memory);
	return 0;
}
