/* SPDX-License-Identifier: ISC */
/*
 * Any bytes as a configuration file.  A text is either refused with at least
 * one error, or accepted; what is accepted can be described, and the
 * description is accepted again.  The hostname is given first, so that the
 * machine's name, and with it the resolver, stays out of this.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/die.h"
#include "conf/conf.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct buf text, errors;
	struct conf *conf;

	buf_init(&text);
	buf_init(&errors);
	buf_putz(&text, "hostname fuzz.example\n");
	buf_put(&text, data, n);
	conf = conf_parse("fuzz.conf", buf_str(&text), &errors);
	must((conf == NULL) == (errors.n > 0));
	if (conf != NULL) {
		buf_reset(&text);
		conf_describe(conf, &text, true);
		buf_reset(&text);
		conf_describe(conf, &text, false);
		conf_free(conf);
		conf = conf_parse("again.conf", buf_str(&text), &errors);
		if (conf == NULL)
			bug("%s", buf_cstr(&errors));
		conf_free(conf);
	}
	buf_free(&text);
	buf_free(&errors);
	return 0;
}
