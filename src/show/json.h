/* SPDX-License-Identifier: ISC */
#ifndef SHOW_JSON_H
#define SHOW_JSON_H

#include "base/buf.h"
#include "spool/message.h"

/* An entry as one JSON object on one line, with the members that `postqueue
 * -j` has (queue_name, queue_id, arrival_time, message_size, sender,
 * recipients: address, delay_reason) and ours.  mark as in mailq. */
void	json_put_entry(struct buf *, struct message *, char mark);

#endif
