/* SPDX-License-Identifier: ISC */
#ifndef QUEUE_INQUIRY_H
#define QUEUE_INQUIRY_H

#include "queue/setup.h"
#include "queue/stock.h"

/* The queue socket has a connection: takes it and lets a child answer. */
void	inquiry_hear(const struct runner_setup *, struct stock *);

#endif
