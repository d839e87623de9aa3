/* SPDX-License-Identifier: ISC */
/*
 * The header of the PROXY protocol (haproxy's proxy-protocol.txt), both of its
 * versions.  Sessions of a listener that is reached through a load balancer
 * call it (visit/proxied), with whatever has come so far.
 *
 *	1	PROXY TCP4 192.0.2.1 198.51.100.1 56324 25 CRLF
 *	2	signature, version and command, family, length, addresses, TLVs
 *
 * Nothing is believed because it looks nearly right: one blank, addresses and
 * ports in the one way in which they are written, lengths that fit, a checksum
 * that is right if there is one.  The address of a client that the header does
 * not tell (UNKNOWN, LOCAL, a family that is not of the Internet) has family 0.
 * Whether the sender may say such things is for the caller to know.
 *
 * Always true: of an input the answer depends on its bytes alone; when it is
 * MORE, no byte has been wrong so far, and fewer than PROXY_HEADER_MAX are here.
 */
#include "smtp/proxy.h"

#include <stdint.h>
#include <string.h>

#include "base/bytes.h"
#include "base/num.h"
#include "os/crc.h"

#define LINE_MAX	107	/* of version 1, with CRLF */
#define LINE_LEAST	15	/* "PROXY UNKNOWN" and CRLF */
#define HEAD		16	/* of version 2 */

enum {
	COMMAND_LOCAL = 0,
	COMMAND_PROXY = 1,
	FAMILY_UNSPEC = 0,
	FAMILY_INET = 1,
	FAMILY_INET6 = 2,
	FAMILY_UNIX = 3,
	TRANSPORT_UNSPEC = 0,
	TRANSPORT_STREAM = 1,
	TLV_CRC32C = 3,
	TLV_HEAD = 3,		/* type, length */
};

static const struct str signature = { "\r\n\r\n\0\r\nQUIT\n", 12 };
static const struct str line_start = { "PROXY ", 6 };

/* -------------------------------------------------------- version 1 --- */

static bool
parse_port(struct str text, uint16_t *port)
{
	uint64_t n;

	if (text.n == 0 || (text.n > 1 && text.p[0] == '0') ||
	    !num_parse(text, UINT16_MAX, &n))
		return false;
	*port = (uint16_t)n;
	return true;
}

/* An IPv6 address that is a mapped IPv4 one becomes that (base/ip). */
static bool
parse_address(struct str text, bool six, struct ip *ip)
{
	return (str_find(text, ':') < text.n) == six && ip_parse(text, ip);
}

/* Words parted by one blank each; nothing may be left. */
static bool
parse_line(struct str line, struct proxy *p)
{
	struct str word[5] = { { NULL, 0 } };
	size_t n = 0;
	bool six;

	line = str_from(line, line_start.n);
	if (str_eq(line, STR("UNKNOWN")) ||
	    str_starts(line, STR("UNKNOWN ")))
		return true;
	if (str_ends(line, STR(" ")))
		return false;
	while (n < 5 && str_cut(&line, ' ', &word[n]))
		n++;
	six = str_eq(word[0], STR("TCP6"));
	return n == 5 && line.n == 0 &&
	    (six || str_eq(word[0], STR("TCP4"))) &&
	    parse_address(word[1], six, &p->client.ip) &&
	    parse_address(word[2], six, &p->here.ip) &&
	    parse_port(word[3], &p->client.port) &&
	    parse_port(word[4], &p->here.port);
}

static bool
is_printable(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (str_is_control(s.p[i]) || (s.p[i] & 0x80) != 0)
			return false;
	return true;
}

static enum proxy_result
parse_1(struct str in, struct proxy *p)
{
	size_t cr = str_find(str_slice(in, 0, LINE_MAX), '\r');
	struct str line = str_slice(in, 0, cr);

	if (!is_printable(line) || cr + 2 > LINE_MAX)
		return PROXY_BAD;
	if (cr + 2 > in.n) {
		p->size = cr + 2 < LINE_LEAST ? LINE_LEAST : cr + 2;
		return PROXY_MORE;
	}
	if (in.p[cr + 1] != '\n' || !parse_line(line, p))
		return PROXY_BAD;
	p->size = cr + 2;
	return PROXY_DONE;
}

/* -------------------------------------------------------- version 2 --- */

static size_t
get_be16(const char *p)
{
	return bytes_get_be16((const uint8_t *)p);
}

/* Over the whole header, with zeros where it stands itself. */
static bool
is_crc_right(struct str all, const char *at)
{
	static const char zeros[4];
	size_t before = (size_t)(at - all.p);
	uint32_t crc;

	crc = crc32c(0, all.p, before);
	crc = crc32c(crc, zeros, sizeof(zeros));
	crc = crc32c(crc, at + sizeof(zeros),
	    all.n - before - sizeof(zeros));
	return crc == bytes_get_be32((const uint8_t *)at);
}

/* What hangs on to the addresses is passed over. */
static bool
check_tlvs(struct str all, struct str rest)
{
	size_t n;

	while (rest.n > 0) {
		if (rest.n < TLV_HEAD)
			return false;
		n = get_be16(rest.p + 1);
		if (n > rest.n - TLV_HEAD)
			return false;
		if (rest.p[0] == TLV_CRC32C && (n != 4 ||
		    !is_crc_right(all, rest.p + TLV_HEAD)))
			return false;
		rest = str_from(rest, TLV_HEAD + n);
	}
	return true;
}

/* How many bytes of addresses there are for each family. */
static const size_t address_size[] = {
	[FAMILY_UNSPEC] = 0,
	[FAMILY_INET] = 2 * 4 + 2 * 2,
	[FAMILY_INET6] = 2 * 16 + 2 * 2,
	[FAMILY_UNIX] = 2 * 108,
};

static void
take_addresses(const char *at, size_t n, struct proxy *p)
{
	p->client.ip = ip_of_bytes(at, n);
	p->here.ip = ip_of_bytes(at + n, n);
	p->client.port = (uint16_t)get_be16(at + 2 * n);
	p->here.port = (uint16_t)get_be16(at + 2 * n + 2);
}

static bool
parse_rest(struct str all, unsigned command, unsigned family,
    struct proxy *p)
{
	struct str rest = str_from(all, HEAD);

	if (rest.n < address_size[family])
		return false;
	if (command == COMMAND_PROXY && family == FAMILY_INET)
		take_addresses(rest.p, 4, p);
	if (command == COMMAND_PROXY && family == FAMILY_INET6)
		take_addresses(rest.p, 16, p);
	/* Of a family that is not told nobody knows how long it is, and what
	 * the proxy says of itself is its own. */
	if (command == COMMAND_LOCAL || family == FAMILY_UNSPEC)
		return true;
	return check_tlvs(all, str_from(rest, address_size[family]));
}

static enum proxy_result
parse_2(struct str in, struct proxy *p)
{
	unsigned command, family, transport;
	size_t n;

	if (in.n > 12 && (unsigned char)in.p[12] >> 4 != 2)
		return PROXY_BAD;
	p->size = HEAD;
	if (in.n < HEAD)
		return PROXY_MORE;
	command = (unsigned char)in.p[12] & 0xf;
	family = (unsigned char)in.p[13] >> 4;
	transport = (unsigned char)in.p[13] & 0xf;
	n = HEAD + get_be16(in.p + 14);
	if (command > COMMAND_PROXY || family > FAMILY_UNIX ||
	    transport > TRANSPORT_STREAM || n > PROXY_HEADER_MAX ||
	    (family == FAMILY_UNSPEC) != (transport == TRANSPORT_UNSPEC))
		return PROXY_BAD;
	p->size = n;
	if (in.n < n)
		return PROXY_MORE;
	return parse_rest(str_slice(in, 0, n), command, family, p) ?
	    PROXY_DONE : PROXY_BAD;
}

static bool
may_become(struct str in, struct str start)
{
	return str_starts(start, str_slice(in, 0, start.n));
}

enum proxy_result
proxy_parse(struct str in, struct proxy *p)
{
	memset(p, 0, sizeof(*p));
	p->size = LINE_LEAST;
	if (str_starts(in, line_start))
		return parse_1(in, p);
	if (str_starts(in, signature))
		return parse_2(in, p);
	return may_become(in, line_start) || may_become(in, signature) ?
	    PROXY_MORE : PROXY_BAD;
}
