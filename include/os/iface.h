/* SPDX-License-Identifier: ISC */
#ifndef OS_IFACE_H
#define OS_IFACE_H

#include <stddef.h>
#include "base/ip.h"

/* The addresses of this machine's interfaces, at most max; how many there are
 * (0 when the system does not tell).  Not possible in a sandbox. */
size_t	iface_addresses(struct ip *out, size_t max);

#endif
