/* SPDX-License-Identifier: ISC */
/*
 * Which addresses are ours.  Asked once, by a process that is about to enter
 * its sandbox, where the question (a netlink socket) is no longer possible.
 * An address that comes later is not known until the next reload; the hop limit
 * is there for what this misses.  Whoever asks gets plain addresses, without
 * the names of interfaces: where one is bound does not matter to mail.
 */

#include "os/iface.h"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

static bool
take(const struct sockaddr *sa, struct ip *out)
{
	if (sa == NULL)
		return false;
	if (sa->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)sa;

		*out = ip_of_bytes(&in->sin_addr, 4);
		return true;
	}
	if (sa->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const void *)sa;

		*out = ip_of_bytes(&in6->sin6_addr, 16);
		return true;
	}
	return false;
}

size_t
iface_addresses(struct ip *out, size_t max)
{
	struct ifaddrs *list, *i;
	size_t n = 0;

	if (getifaddrs(&list) < 0)
		return 0;
	for (i = list; i != NULL && n < max; i = i->ifa_next)
		if (take(i->ifa_addr, &out[n]))
			n++;
	freeifaddrs(list);
	return n;
}
