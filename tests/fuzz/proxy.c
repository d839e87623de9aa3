/* SPDX-License-Identifier: ISC */
/*
 * The header of the PROXY protocol under libFuzzer.  What is accepted lies
 * within what came, and says the same however it came: every shorter piece of
 * it is not whole yet, and what is behind it does not matter.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/die.h"
#include "smtp/proxy.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* In memory of just that size: one byte too far is seen. */
static enum proxy_result
parse(const uint8_t *p, size_t n, struct proxy *out)
{
	uint8_t *copy = malloc(n + (n == 0));
	enum proxy_result r;

	must(copy != NULL);
	memcpy(copy, p, n);
	r = proxy_parse(str_span(copy, n), out);
	free(copy);
	return r;
}

static void
check_whole(const uint8_t *p, size_t n, const struct proxy *whole)
{
	struct proxy piece;

	must(whole->size <= n && whole->size <= PROXY_HEADER_MAX);
	must(whole->client.ip.family == whole->here.ip.family ||
	    (whole->client.ip.family != 0 && whole->here.ip.family != 0));
	for (size_t k = 0; k < whole->size; k++) {
		must(parse(p, k, &piece) == PROXY_MORE);
		must(piece.size > k && piece.size <= whole->size);
	}
	must(parse(p, whole->size, &piece) == PROXY_DONE);
	must(memcmp(&piece, whole, sizeof(piece)) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct proxy whole, piece;
	bool bad = false;

	switch (parse(p, n, &whole)) {
	case PROXY_DONE:
		check_whole(p, n, &whole);
		break;
	case PROXY_MORE:
		must(n < PROXY_HEADER_MAX);
		for (size_t k = 0; k < n; k++)
			must(parse(p, k, &piece) == PROXY_MORE);
		break;
	case PROXY_BAD:
		/* And never good again. */
		for (size_t k = 0; k < n; k++) {
			enum proxy_result r = parse(p, k, &piece);

			must(r != PROXY_DONE);
			must(!bad || r == PROXY_BAD);
			bad |= r == PROXY_BAD;
		}
		break;
	}
	return 0;
}
