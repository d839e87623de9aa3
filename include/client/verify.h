/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_VERIFY_H
#define CLIENT_VERIFY_H

#include "base/buf.h"
#include "conf/conf.h"

/*
 * sendmail -bv: where mail for an address would go, a line for each place.
 * The exit code is Exim's: 0 it would go there, 1 it cannot be told now, 2 it
 * would be refused.
 */
enum verify_result {
	VERIFY_YES,
	VERIFY_LATER,
	VERIFY_NO,
};

enum verify_result verify_address(const struct conf *, const char *text,
	    struct buf *out);

#endif
