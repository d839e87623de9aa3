/* SPDX-License-Identifier: ISC */
#ifndef OS_PRIVATE_H
#define OS_PRIVATE_H

#include <stddef.h>

/*
 * Memory that children do not inherit: fork() is as quick as if it were not
 * there, and whoever touches it in a child is killed.  In whole pages, so for
 * great things only.  Never NULL: an empty memory ends the process by die().
 */
void	*private_alloc(size_t n);		/* zeroed */
void	 private_free(void *, size_t n);	/* of the same size; or NULL */

#endif
