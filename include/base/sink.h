/* SPDX-License-Identifier: ISC */
#ifndef BASE_SINK_H
#define BASE_SINK_H

#include "base/fault.h"
#include "base/str.h"

/*
 * Where bytes go.  A sink is embedded as the first member of the struct that
 * does the work.  Content passes once through a row of sinks; each sees the
 * same bytes in any split.
 */
struct sink {
	/* Takes all bytes or fails; after a failure it is not called again. */
	int	(*write)(struct sink *, struct str, struct fault *);
};

/* A row of sinks that all see the same bytes, in the given order; the first
 * failure ends the call and is the result. */
#define SINK_ROW_MAX	8
struct sink_row {
	struct sink	 sink;
	struct sink	*member[SINK_ROW_MAX];
	unsigned	 n;
};

int	sink_write(struct sink *, struct str, struct fault *);
void	sink_row_init(struct sink_row *);
void	sink_row_add(struct sink_row *, struct sink *);

#endif
