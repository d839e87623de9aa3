/* SPDX-License-Identifier: ISC */
/*
 * Fuzzes the reading of an aliases file (map/build): whatever the bytes are,
 * each key is a possible one and in lower case, each value is one line of
 * text, the report counts what was handed over, and every warning has a line
 * that exists.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/die.h"
#include "map/build.h"

struct seen {
	size_t		entries;
	size_t		warnings;
	unsigned	lines;
};

static int
take(void *ctx, struct str key, struct str value, bool *duplicate,
    struct fault *why)
{
	struct seen *seen = ctx;
	size_t i;

	(void)why;
	seen->entries++;
	must(key.n > 0 && value.n > 0);
	must(str_find(key, '@') == key.n);
	for (i = 0; i < key.n; i++)
		must(str_lower_char(key.p[i]) == key.p[i] &&
		    (!str_is_control(key.p[i]) || key.p[i] == '\t'));
	for (i = 0; i < value.n; i++)
		must(!str_is_control(value.p[i]) || value.p[i] == '\t');
	*duplicate = false;
	return 0;
}

static void
warn(void *ctx, unsigned line, const char *text)
{
	struct seen *seen = ctx;

	seen->warnings++;
	must(line >= 1 && line <= seen->lines && text[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct build_report report;
	struct seen seen = { 0, 0, 1 };
	struct fault why;
	size_t i;

	for (i = 0; i < n; i++)
		seen.lines += data[i] == '\n';
	must(build_parse(str_span(data, n), take, warn, &seen, &report,
	    &why) == 0);
	must(report.entries == seen.entries);
	must(report.warnings == seen.warnings);
	return 0;
}
