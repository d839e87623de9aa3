/* SPDX-License-Identifier: ISC */
/*
 * The arguments of XCLIENT under libFuzzer.  What is accepted can stand in a log
 * line and in a header; what is refused says so with 501 (T-6).
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/die.h"
#include "mail/domain.h"
#include "smtp/xclient.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check_text(struct str s, bool blanks)
{
	must(s.n <= 255);
	for (size_t i = 0; i < s.n; i++) {
		must(!str_is_control(s.p[i]) && (s.p[i] & 0x80) == 0);
		must(blanks || s.p[i] != ' ');
	}
}

static void
check(const struct xclient *x)
{
	must(x->given != 0 && x->given < XCLIENT_REVERSE_NAME * 2);
	must(x->name.n == 0 || domain_is_valid(x->name, false));
	must(x->reverse_name.n == 0 ||
	    domain_is_valid(x->reverse_name, false));
	check_text(x->helo, false);
	check_text(x->login, true);
	must((x->given & XCLIENT_ADDR) != 0 || x->client.ip.family == 0);
	must((x->given & XCLIENT_LOGIN) != 0 || x->login.n == 0);
	must((x->given & XCLIENT_HELO) != 0 || x->helo.n == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena a = { 0 };
	struct xclient x;
	struct fault why;
	char *copy = malloc(n + (n == 0));	/* one byte too far is seen */

	must(copy != NULL);
	memcpy(copy, p, n);
	if (xclient_parse(&a, str_span(copy, n), &x, &why) == 0) {
		check(&x);
	} else {
		must(why.kind == FAULT_PERMANENT && why.reply == 501);
		for (const char *t = why.text; *t != '\0'; t++)
			must(!str_is_control(*t));
	}
	free(copy);
	arena_free(&a);
	return 0;
}
