/* SPDX-License-Identifier: ISC */
/*
 * A packet as a stolen session could send it to the doorkeeper, under libFuzzer.
 * What is taken for one lies within what was received, and sent again it is the
 * same bytes.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/sock.h"
#include "priv/door.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
require(bool cond)
{
	if (!cond)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char room[DOOR_PACKET_MAX], again[DOOR_PACKET_MAX];
	struct door_packet p;
	struct fault why;
	int fd[2];

	/* Nothing at all would be the end. */
	if (size < 1 || size > 2 * sizeof(room) ||
	    sock_pair(SOCK_SEQPACKET, fd, &why) < 0)
		return 0;
	require(send(fd[1], data, size, 0) == (ssize_t)size);
	if (door_receive(fd[0], room, &p) == 0) {
		require(size <= sizeof(room));
		for (size_t i = 0; i < DOOR_FIELDS; i++)
			require(p.field[i].n == 0 || (p.field[i].p >= room &&
			    p.field[i].p + p.field[i].n <= room + size));
		require(door_send(fd[0], &p) == 0);
		require(recv(fd[1], again, sizeof(again), 0) ==
		    (ssize_t)size && memcmp(again, data, size) == 0);
	}
	close(fd[0]);
	close(fd[1]);
	return 0;
}
