/* SPDX-License-Identifier: ISC */
#ifndef PRIV_DOOR_H
#define PRIV_DOOR_H

#include <stdbool.h>
#include <stdint.h>
#include "base/str.h"

/*
 * What a session can ask the doorkeeper, who alone sees passwords and hashes:
 * this table is all of it.  A session connects for each attempt to log in, so
 * it has a socket of its own and hears nobody else's answers.
 *
 *	number	    from	what it carries
 *	KNOCK	    session	where a proxy or XCLIENT has told of a client,
 *				his address or "unknown", or else "": it is
 *				heard only of a session of one who may tell such
 *				things; and the address of ours to which the
 *				client has come, or ""
 *	ENTER	    doorkeeper	nothing: it may ask now
 *	SECRET	    session	mechanism, service, name, secret: is it his?
 *	TOKEN	    session	the same of an OAuth bearer token
 *	BEGIN	    session	mechanism, service, kind and data of the channel
 *				binding, first message: an exchange that the
 *				doorkeeper leads (SCRAM)
 *	RESPONSE    session	the client's next message in it
 *	CHALLENGE   doorkeeper	what to say to the client in it
 *	SPEND	    session	login, its pass, the number of recipients of a
 *				message (4 octets, little endian), 8 octets for
 *				each of them, or for as many as have room: may it
 *				send that?  Comes alone, without KNOCK
 *	REPORTED    session	login and its pass: somebody has been told that
 *				its budget was overspent; or with OWED, that who
 *				was to tell him could not.  Comes alone, too, and
 *				is not answered
 *	YES	    doorkeeper	who has logged in, last words to the client, and
 *				the pass by which this login's budget is spent
 *	NO	    doorkeeper	who was tried, and why not (for the log)
 *	LATER	    doorkeeper	why that cannot be told now
 *	WAIT	    doorkeeper	seconds: too many failures from there
 *
 *	WITHIN	    doorkeeper	nothing: it is within the budget
 *	OVER	    doorkeeper	which budget is spent: to be held
 *
 * YES, NO, LATER, WAIT, WITHIN and OVER are the last packet.  Whatever is
 * malformed ends the connection.  Whose session it is, and so how long its client has to wait, no
 * packet says: the kernel knows the process that has connected, and the masters
 * have written down whose connection that process has (master/roster).  No
 * descriptor travels here: those on their way are counted by user, and a stolen
 * session could use up what there may be.
 */
enum door_kind {
	DOOR_KNOCK = 1,
	DOOR_SECRET = 2,
	DOOR_TOKEN = 3,
	DOOR_BEGIN = 4,
	DOOR_RESPONSE = 5,
	DOOR_SPEND = 6,
	DOOR_REPORTED = 7,
	DOOR_ENTER = 15,
	DOOR_CHALLENGE = 16,
	DOOR_YES = 17,
	DOOR_NO = 18,
	DOOR_LATER = 19,
	DOOR_WAIT = 20,
	DOOR_WITHIN = 21,
	DOOR_OVER = 22,
};

#define DOOR_SECURE	1	/* flag: the client's connection is under TLS */
#define DOOR_PLUS	2	/* flag: the -PLUS of this mechanism is offered */

#define DOOR_OWED	4	/* flag of OVER and REPORTED: somebody has to
				 * be told, still */

#define DOOR_FIELDS	5
#define DOOR_PACKET_MAX	16384

struct door_packet {
	enum door_kind	kind;
	unsigned	flags;
	struct str	field[DOOR_FIELDS];	/* as many as the kind has, in
						 * the order of the table */
};

/* 0 or -1 with errno (EMSGSIZE: it would be too long). */
int	door_send(int sock, const struct door_packet *);
/* A packet into room, to which its fields point.  0, or -1: the end, a timeout,
 * or nothing that is a packet. */
int	door_receive(int sock, char room[DOOR_PACKET_MAX],
	    struct door_packet *);
/* The same, and it is still to be received. */
int	door_look(int sock, char room[DOOR_PACKET_MAX], struct door_packet *);

#endif
