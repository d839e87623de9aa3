/* SPDX-License-Identifier: ISC */
/*
 * IPv4 and IPv6 addresses and networks, as text and as bytes.
 *
 * There is one value for one host: an IPv4-mapped IPv6 address becomes the
 * IPv4 address in ip_of_bytes(), through which every other way leads, so a
 * rule for 192.0.2.0/24 holds for clients on either kind of socket.  Bytes
 * behind an address are zero, so two equal addresses are equal bytes.
 *
 * Text is read strictly: no leading zeros (some read them as octal), no
 * shortened quads, no zones, no blanks.  Only the inside of an address
 * literal may pad its numbers, as its grammar says so.  Text is written as
 * RFC 5952 4 wants it.
 *
 * No names are resolved here.  Callers are the sockets, the resolver, the
 * address parser, the maps and the policy.
 */
#include "base/ip.h"

#include <sys/socket.h>

#include <arpa/inet.h>
#include <string.h>

#include "base/num.h"
#include "base/text.h"

#define V4_BYTES	4
#define V6_BYTES	16
#define GROUPS		8
#define MAPPED_BITS	96

static const uint8_t	mapped[12] = {
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff
};

static size_t
size(const struct ip *ip)
{
	if (ip->family == 4)
		return V4_BYTES;
	return ip->family == 6 ? V6_BYTES : 0;
}

struct ip
ip_of_bytes(const void *p, size_t n)
{
	struct ip	ip = { 0 };
	const uint8_t	*b = p;

	if (n == V6_BYTES && memcmp(b, mapped, sizeof(mapped)) == 0) {
		b += sizeof(mapped);
		n = V4_BYTES;
	}
	if (n != V4_BYTES && n != V6_BYTES)
		return ip;
	ip.family = n == V4_BYTES ? 4 : 6;
	memcpy(ip.b, b, n);
	return ip;
}

static bool
parse_quad(struct str s, bool padded, struct ip *ip)
{
	uint8_t		b[V4_BYTES];
	struct str	piece;
	uint64_t	value;
	size_t		i;

	if (str_ends(s, STR(".")))
		return false;
	for (i = 0; i < V4_BYTES; i++) {
		if (!str_cut(&s, '.', &piece) || piece.n > 3 ||
		    !num_parse(piece, 255, &value))
			return false;
		if (!padded && piece.n > 1 && piece.p[0] == '0')
			return false;
		b[i] = (uint8_t)value;
	}
	if (s.n != 0)
		return false;
	*ip = ip_of_bytes(b, sizeof(b));
	return true;
}

static bool
parse_v6(struct str s, struct ip *ip)
{
	char	z[IP_TEXT_MAX];
	uint8_t	b[V6_BYTES];

	if (s.n == 0 || s.n >= sizeof(z) || str_find(s, '\0') != s.n)
		return false;
	memcpy(z, s.p, s.n);
	z[s.n] = '\0';
	if (inet_pton(AF_INET6, z, b) != 1)
		return false;
	*ip = ip_of_bytes(b, sizeof(b));
	return true;
}

bool
ip_parse(struct str s, struct ip *ip)
{
	if (str_find(s, ':') == s.n)
		return parse_quad(s, false, ip);
	return parse_v6(s, ip);
}

/* RFC 5952 4.2.2, 4.2.3: the longest run of zero groups, the first of equals; a
 * single group is not shortened. */
static void
find_zeros(const unsigned g[GROUPS], unsigned *start, unsigned *end)
{
	unsigned	i, j;

	*start = *end = GROUPS;
	for (i = 0; i < GROUPS; i = j + 1) {
		for (j = i; j < GROUPS && g[j] == 0; )
			j++;
		if (j - i > 1 && j - i > *end - *start) {
			*start = i;
			*end = j;
		}
	}
}

static void
format_v6(const struct ip *ip, char out[IP_TEXT_MAX])
{
	unsigned	g[GROUPS], i, start, end;
	size_t		n = 0;

	for (i = 0; i < GROUPS; i++)
		g[i] = (unsigned)ip->b[2 * i] << 8 | ip->b[2 * i + 1];
	find_zeros(g, &start, &end);
	for (i = 0; i < GROUPS; ) {
		if (i == start) {
			n += text_print(out + n, IP_TEXT_MAX - n, "::");
			i = end;
		} else {
			n += text_print(out + n, IP_TEXT_MAX - n, "%s%x",
			    i != 0 && i != end ? ":" : "", g[i]);
			i++;
		}
	}
}

const char *
ip_format(const struct ip *ip, char out[IP_TEXT_MAX])
{
	out[0] = '\0';
	if (ip->family == 4)
		text_print(out, IP_TEXT_MAX, "%d.%d.%d.%d", ip->b[0],
		    ip->b[1], ip->b[2], ip->b[3]);
	else if (ip->family == 6)
		format_v6(ip, out);
	return out;
}

void
ip_put_literal(struct buf *b, const struct ip *ip)
{
	char	text[IP_TEXT_MAX];

	if (ip->family == 6)
		buf_putz(b, "IPv6:");
	buf_putz(b, ip_format(ip, text));
}

/* RFC 5321 4.1.3: the tag in any case; Snum is one to three digits. */
bool
ip_parse_literal(struct str s, struct ip *ip)
{
	struct str	tag = STR("IPv6:");

	if (str_casestarts(s, tag))
		return parse_v6(str_from(s, tag.n), ip);
	return parse_quad(s, true, ip);
}

bool
ip_eq(const struct ip *a, const struct ip *b)
{
	return a->family == b->family && memcmp(a->b, b->b, size(a)) == 0;
}

bool
ip_is_loopback(const struct ip *ip)
{
	static const uint8_t	one[V6_BYTES] = { [15] = 1 };

	if (ip->family == 4)
		return ip->b[0] == 127;
	return ip->family == 6 && memcmp(ip->b, one, V6_BYTES) == 0;
}

bool
ip_is_any(const struct ip *ip)
{
	static const uint8_t	none[V6_BYTES];

	return ip->family != 0 && memcmp(ip->b, none, size(ip)) == 0;
}

/* Are the first bits of both the same? */
static bool
agree(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned	whole = bits / 8, rest = bits % 8;

	if (memcmp(a, b, whole) != 0)
		return false;
	return rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0;
}

static bool
is_clear_behind(const struct ip *ip, unsigned bits)
{
	struct ip	cut = *ip;
	size_t		i;

	for (i = 0; i < size(ip); i++) {
		if (bits >= 8)
			bits -= 8;
		else {
			cut.b[i] &= (uint8_t)(0xff00U >> bits);
			bits = 0;
		}
	}
	return ip_eq(&cut, ip);
}

bool
ipnet_parse(struct str s, struct ipnet *net)
{
	struct str	bits, text = str_slice(s, 0, str_find(s, '/'));
	struct ip	ip;
	uint64_t	n, all;
	bool		was_mapped;

	if (!ip_parse(text, &ip))
		return false;
	was_mapped = ip.family == 4 && str_find(text, ':') != text.n;
	n = all = was_mapped || ip.family == 6 ? 128 : 32;
	if (text.n != s.n) {
		bits = str_from(s, text.n + 1);
		if (!num_parse(bits, all, &n) ||
		    (bits.n > 1 && bits.p[0] == '0'))
			return false;
	}
	if (was_mapped) {
		if (n < MAPPED_BITS)
			return false;
		n -= MAPPED_BITS;
	}
	if (!is_clear_behind(&ip, (unsigned)n))
		return false;
	*net = (struct ipnet){ ip, (uint8_t)n };
	return true;
}

bool
ipnet_has(const struct ipnet *net, const struct ip *ip)
{
	return ip->family != 0 && net->ip.family == ip->family &&
	    agree(net->ip.b, ip->b, net->bits);
}

void
ipnet_put(struct buf *b, const struct ipnet *net)
{
	char	text[IP_TEXT_MAX];

	buf_printf(b, "%s/%d", ip_format(&net->ip, text), net->bits);
}
