/* SPDX-License-Identifier: ISC */
#ifndef OS_TURN_H
#define OS_TURN_H

/*
 * So many processes at once, of one parent's children, and whoever ends gives
 * back what he has, however he ends.
 */
struct turns {
	int		fd;		/* -1: there is no limit */
	unsigned	n;
};

/* Before the fork, and before a sandbox that has no memfd_create(2).  Where it
 * cannot be made there is no limit.  each: for each processor that this process
 * may use. */
void	turns_make(struct turns *, unsigned each);
void	turns_free(struct turns *);
/*
 * The number of a turn, to be given back to turn_give(), or -1: there was none
 * within *ms milliseconds, of which as many are taken away as passed.  Costs one
 * call where there is no throng.  A process has one turn at most.
 */
int	turn_take(const struct turns *, int *ms);
/* -1 is harmless. */
void	turn_give(const struct turns *, int turn);

#endif
