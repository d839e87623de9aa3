/* SPDX-License-Identifier: ISC */
#ifndef OS_SOCK_H
#define OS_SOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "base/fault.h"
#include "base/ip.h"

/* Sockets: making them, and passing descriptors over them. */

struct sock_addr {
	struct ip	ip;	/* family 0: a local (unix) socket */
	uint16_t	port;
};

/* Listening, non-blocking, close-on-exec; TCP with SO_REUSEADDR, TCP_NODELAY
 * and, when timeout > 0, that many seconds of SO_RCVTIMEO and SO_SNDTIMEO,
 * which accepted sockets inherit.  IPv6 sockets are V6ONLY. */
int	sock_listen(const struct sock_addr *, int backlog, int timeout,
	    struct fault *);
/* A path that is a stale socket is replaced.  mode is that of the node. */
int	sock_listen_unix(const char *path, mode_t mode, int backlog,
	    struct fault *);
/*
 * A SEQPACKET listener that nobody can find: its node, made at path for that
 * owner alone, is removed at once.  Whoever inherits door[1], which is nothing
 * but a hold on the node, can connect to door[0] (non-blocking).
 */
int	sock_listen_hidden(const char *path, uid_t owner, int backlog,
	    int door[2], struct fault *);
/* The same of type SOCK_SEQPACKET. */
int	sock_listen_packets(const char *path, mode_t mode, int backlog,
	    struct fault *);
/* accept4 with SOCK_CLOEXEC; blocking connection.  -1 with errno. */
int	sock_accept(int fd, struct sock_addr *peer);
/* How many ms ago the other side was last heard of in TCP itself: just after
 * sock_accept(), how long it has waited for that.  0 where nobody knows. */
unsigned sock_waited(int fd);
/* The address of this end. */
int	sock_local(int fd, struct sock_addr *);
/* The address of the other end. */
int	sock_peer(int fd, struct sock_addr *);
/* The user on the other end of a unix socket; -1 with errno. */
int	sock_peer_uid(int fd, uid_t *uid, pid_t *pid);
/* Whether the other end is open still, and the process that has connected it
 * there, as far as the kernel can tell. */
bool	sock_peer_lives(int fd);

/* Connects within timeout seconds; src may be NULL.  The fault's text is the
 * plain reason ("Connection refused"). */
int	sock_connect(const struct sock_addr *, const struct ip *src,
	    int timeout, struct fault *);
int	sock_connect_unix(const char *path, struct fault *);
/* Through the door of a hidden listener (needs /proc).  What is sent and
 * received on it may take that many seconds as well.  -1 with errno. */
int	sock_connect_hidden(int door, int timeout);
/* A datagram socket that speaks with this address alone; it does not block.
 * -1 with errno. */
int	sock_connect_udp(const struct sock_addr *);
/* Room for what was sent and not yet read, roughly in bytes. */
void	sock_set_room(int fd, int bytes);
/* The same, beyond what the system allows others, for who is root. */
void	sock_force_room(int fd, int bytes);
/* To a socket of packets; sending and receiving wait timeout seconds too. */
int	sock_connect_packets(const char *path, int timeout, struct fault *);
/* A pair of type SOCK_STREAM, SOCK_DGRAM or SOCK_SEQPACKET, close-on-exec. */
int	sock_pair(int type, int fd[2], struct fault *);

/* A packet with up to SOCK_FDS_MAX descriptors on a SEQPACKET or DGRAM
 * socket.  Send: 0 or -1 with errno (EAGAIN when flags has MSG_DONTWAIT and
 * there is no room).  Receive: length, 0 at the end, -1 with errno; a packet
 * that was cut is EMSGSIZE; received descriptors are close-on-exec and *nfds
 * says how many came (excess ones are closed). */
#define SOCK_FDS_MAX	4
int	sock_send(int fd, struct str packet, const int *fds, size_t nfds,
	    int flags);
ssize_t	sock_receive(int fd, void *p, size_t size, int *fds, size_t *nfds,
	    int flags);

#endif
