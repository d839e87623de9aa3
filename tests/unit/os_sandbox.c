/* SPDX-License-Identifier: ISC */
/*
 * os/sandbox: in a child that went in, what must fail fails and what a
 * session or a worker needs works.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/dir.h"
#include "os/file.h"
#include "os/proc.h"
#include "os/sandbox.h"
#include "os/sock.h"
#include "os/user.h"

#define KILLED	(1000 + SIGSYS)

/* top/spool may be written to, top/maps read, top/queue all; top/secret is
 * nobody's. */
static char top[64];
static bool has_landlock;
static int top_fd = -1;

static void
put_file(const char *name, const char *text)
{
	int fd = openat(top_fd, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd == -1 || write(fd, text, strlen(text)) == -1)
		abort();
	close(fd);
}

static int
make_tree(void **state)
{
	(void)state;
	snprintf(top, sizeof(top), "/tmp/os_sandbox.XXXXXX");
	if (mkdtemp(top) == NULL)
		return -1;
	top_fd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	has_landlock = strstr(sandbox_describe(), "no landlock") == NULL;
	mkdirat(top_fd, "spool", 0700);
	mkdirat(top_fd, "spool/b", 0700);
	mkdirat(top_fd, "maps", 0700);
	mkdirat(top_fd, "queue", 0700);
	put_file("spool/message", "content");
	put_file("maps/aliases", "content");
	put_file("queue/message", "content");
	put_file("secret", "content");
	return 0;
}

static int
remove_tree(void **state)
{
	static const char *const files[] = { "spool/message", "spool/new",
	    "spool/excl", "spool/b/new", "maps/aliases", "queue/message",
	    "queue/moved", "queue/new", "secret" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		unlinkat(top_fd, files[i], 0);
	unlinkat(top_fd, "spool/b", AT_REMOVEDIR);
	unlinkat(top_fd, "spool", AT_REMOVEDIR);
	unlinkat(top_fd, "maps", AT_REMOVEDIR);
	unlinkat(top_fd, "queue", AT_REMOVEDIR);
	close(top_fd);
	return rmdir(top);
}

static int narrow_ruleset = -1;

static int
enter(enum sandbox_profile profile)
{
	char spool[96], maps[96], queue[96], alias[96];
	struct sandbox_path path[] = {
		{ spool, SANDBOX_CREATE },
		{ maps, SANDBOX_READ },
		{ alias, SANDBOX_READ | SANDBOX_ALL },
		{ "/etc/passwd", SANDBOX_READ },
		{ "/etc/group", SANDBOX_READ },
		{ "/etc/nsswitch.conf", SANDBOX_READ },
		{ "/run", SANDBOX_CONNECT },
		{ "/nowhere/at/all", SANDBOX_READ },
		{ queue, SANDBOX_ALL },
	};
	size_t n = sizeof(path) / sizeof(path[0]);
	struct fault why;

	snprintf(spool, sizeof(spool), "%s/spool", top);
	snprintf(maps, sizeof(maps), "%s/maps", top);
	snprintf(queue, sizeof(queue), "%s/queue", top);
	snprintf(alias, sizeof(alias), "%s/missing", top);
	if (profile == SANDBOX_MASTER) {
		path[2].access = SANDBOX_READ;
		n--;
	}
	if (profile == SANDBOX_KEEPER)
		n = 0;
	if (proc_harden(&why) == -1 ||
	    sandbox_prepare(path + 3, 1, &narrow_ruleset, &why) == -1 ||
	    sandbox_enter(profile, path, n, &why) == -1) {
		fprintf(stderr, "%s\n", why.text);
		return -1;
	}
	return 0;
}

/* 0 when the call failed with one of the answers of a sandbox. */
static int
denied(long result)
{
	if (result != -1)
		return 1;
	return errno == EPERM || errno == EACCES || errno == EXDEV ? 0 : 2;
}

/* Where only Landlock stands in the way, there may be none. */
static int
denied_by_landlock(long result)
{
	return has_landlock ? denied(result) : 0;
}

/* ---- what must work ---- */

static int
spool_a_message(void)
{
	struct iovec iov = { (void *)(uintptr_t)"body", 4 };
	bool supported, exists;
	struct fault why;
	int dir, fd;

	if ((dir = openat(top_fd, "spool", O_PATH | O_CLOEXEC)) == -1)
		return 1;
	fd = file_open_unnamed(dir, ".", 0600, false, &supported, &why);
	if (fd == -1 || fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 8192) == -1)
		return 2;
	if (file_try_lock(fd) != 1 || file_pwritev(fd, &iov, 1, 0, &why) != 0)
		return 3;
	if (file_link(fd, dir, "new", &exists, &why) != 0 ||
	    file_sync(fd, &why) != 0)
		return 4;
	/* Below, but not into another directory than its own. */
	fd = file_open_unnamed(dir, "b", 0600, false, &supported, &why);
	if (fd == -1 || file_link(fd, dir, "b/new", &exists, &why) != 0 ||
	    denied_by_landlock(linkat(dir, "b/new", dir, "moved", 0)) != 0)
		return 5;
	return openat(dir, "excl", O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC,
	    0600) == -1 ? 6 : 0;
}

static int
read_a_map(void)
{
	struct buf b = { 0 };
	struct fault why;
	void *p;
	int fd;

	if (file_load(top_fd, "maps/aliases", 100, &b, &why) == -1)
		return 1;
	buf_free(&b);
	fd = file_open_read(top_fd, "maps/aliases", &why);
	p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	return p == MAP_FAILED ? 2 : 0;
}

static int
find_users(void)
{
	struct arena arena = { 0 };
	struct fault why;
	struct user u;
	gid_t gid;

	if (user_find(&arena, STR("root"), &u, &why) != 1)
		return 1;
	if (user_find(&arena, STR("nobody-at-all"), &u, &why) != 0)
		return 2;
	if (user_find_group(STR("root"), &gid, &why) != 1)
		return 3;
	arena_free(&arena);
	return 0;
}

static int
fork_and_wait(void)
{
	int status;
	pid_t pid;

	if ((pid = fork()) == 0) {
		proc_die_with_parent();
		proc_title("worker");
		_exit(7);
	}
	if (pid == -1)
		return 1;
	if (waitpid(pid, &status, 0) != pid)
		return 2;
	return WIFEXITED(status) && WEXITSTATUS(status) == 7 ? 0 : 3;
}

static int listener = -1;
static struct sock_addr listener_addr;

static int
sockets(void)
{
	struct sock_addr peer;
	struct fault why;
	int a, b, pair[2], udp;
	struct pollfd p = { .fd = listener, .events = POLLIN };
	char c;

	if ((a = sock_connect(&listener_addr, NULL, 60, &why)) == -1)
		return 1;
	if (poll(&p, 1, 60000) != 1 || (b = sock_accept(listener, &peer)) < 0)
		return 2;
	if (send(a, "x", 1, MSG_NOSIGNAL) != 1 || recv(b, &c, 1, 0) != 1)
		return 3;
	if (sock_pair(SOCK_SEQPACKET, pair, &why) == -1)
		return 4;
	udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (udp == -1 || fcntl(udp, F_GETFL) == -1)
		return 5;
	return close(a) == 0 ? 0 : 6;
}

static int
memory(void)
{
	char *p[64];
	size_t i;

	for (i = 0; i < 64; i++) {
		if ((p[i] = malloc(i * 10000 + 1)) == NULL)
			return 1;
		memset(p[i], 1, i * 10000 + 1);
	}
	for (i = 0; i < 64; i++) {
		if ((p[i] = realloc(p[i], i * 30000 + 1)) == NULL)
			return 2;
		free(p[i]);
	}
	return 0;
}

static int
harden_again(void)
{
	struct fault why;

	return proc_harden(&why) == 0 ? 0 : 1;
}

static int
abort_dumps_nothing(void)
{
	signal(SIGABRT, SIG_DFL);
	signal(SIGSEGV, SIG_DFL);
	abort();
}

static int
run_a_queue(void)
{
	struct dir_walk w;
	struct fault why;
	const char *name;
	int fd, seen = 0;

	if (dir_walk_open(&w, top_fd, "queue", &why) == -1)
		return 1;
	while ((name = dir_walk_next(&w)) != NULL)
		seen += strcmp(name, "message") == 0;
	dir_walk_close(&w);
	if (seen != 1)
		return 2;
	fd = openat(top_fd, "queue/message", O_RDWR | O_CLOEXEC);
	if (fd == -1 || file_pwrite(fd, "x", 1, 0, &why) == -1 ||
	    ftruncate(fd, 3) == -1)
		return 3;
	if (renameat(top_fd, "queue/message", top_fd, "queue/moved") == -1 ||
	    unlinkat(top_fd, "queue/moved", 0) == -1)
		return 4;
	return file_save(top_fd, "queue/new", STR("x"), 0600, &why) == 0 ?
	    0 : 5;
}

/* A child of the runner gives up what the runner has. */
static int
narrow(void)
{
	struct fault why;

	if (openat(top_fd, "maps/aliases", O_RDONLY) == -1)
		return 1;
	if (sandbox_narrow(narrow_ruleset, &why) == -1)
		return 2;
	if (narrow_ruleset == -1)
		return 0;
	if (openat(top_fd, "maps/aliases", O_RDONLY) != -1 || errno != EACCES)
		return 3;
	return open("/etc/passwd", O_RDONLY) == -1 ? 4 : 0;
}

/* ---- what must fail ---- */

static int
execute(void)
{
	char *argv[] = { (char *)(uintptr_t)"true", NULL };

	execv("/bin/true", argv);
	return 1;
}

static int
trace(void)
{
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	return 1;
}

static int
read_memory_of_parent(void)
{
	char c;
	struct iovec a = { &c, 1 }, b = { &c, 1 };

	process_vm_readv(getppid(), &a, 1, &b, 1, 0);
	return 1;
}

static int
load_module(void)
{
	syscall(SYS_init_module, NULL, 0UL, "");
	return 1;
}

static int
kill_parent(void)
{
	return denied(kill(getppid(), SIGKILL));
}

static int
signal_parent(void)
{
	if (denied(kill(getppid(), SIGTERM)) != 0)
		return 1;
	return denied(syscall(SYS_tgkill, (long)getppid(), (long)getppid(),
	    (long)SIGKILL));
}

static int
connect_out(void)
{
	struct fault why;

	return sock_connect(&listener_addr, NULL, 60, &why) == -1 ? 0 : 1;
}

static int
change_mode(void)
{
	if (denied(fchmodat(top_fd, "spool/message", 0777, 0)) != 0)
		return 1;
	if (denied(fchown(top_fd, 1, 1)) != 0)
		return 2;
	if (denied(mkdirat(top_fd, "spool/x", 0700)) != 0)
		return 3;
	if (denied(symlinkat("x", top_fd, "spool/x")) != 0)
		return 4;
	return denied(setuid(1)) != 0 ? 5 : denied(chroot("/"));
}

static int
open_outside(void)
{
	struct fault why;

	if (has_landlock && file_open_read(top_fd, "secret", &why) != -1)
		return 1;
	if (denied_by_landlock(open("/etc/fstab", O_RDONLY)) != 0 &&
	    errno != ENOENT)
		return 2;
	if (denied_by_landlock(open("/proc/self/maps", O_RDONLY)) != 0)
		return 3;
	return denied_by_landlock(openat(top_fd, "x",
	    O_CREAT | O_EXCL | O_WRONLY, 0600));
}

static int
look_into_spool(void)
{
	if (denied_by_landlock(openat(top_fd, "spool/message",
	    O_RDONLY)) != 0)
		return 1;
	if (denied_by_landlock(openat(top_fd, "spool",
	    O_RDONLY | O_DIRECTORY)) != 0)
		return 2;
	return denied_by_landlock(openat(top_fd, "spool", O_TMPFILE | O_RDWR,
	    0600));
}

static int
spoil_the_spool(void)
{
	if (denied(unlinkat(top_fd, "spool/message", 0)) != 0)
		return 1;
	if (denied(renameat(top_fd, "spool/message", top_fd,
	    "spool/x")) != 0)
		return 2;
	if (denied(openat(top_fd, "spool/message", O_WRONLY)) != 0)
		return 3;
	if (denied(openat(top_fd, "spool/message", O_RDWR)) != 0)
		return 4;
	if (denied(openat(top_fd, "spool/message", O_WRONLY | O_TRUNC)) != 0)
		return 5;
	if (denied(openat(top_fd, "spool/message", O_RDONLY | O_TRUNC)) != 0)
		return 6;
	if (denied(openat(top_fd, "spool/message", O_WRONLY | O_CREAT,
	    0600)) != 0)
		return 7;
	return openat(top_fd, "spool/message", O_WRONLY | O_CREAT | O_EXCL,
	    0600) == -1 && errno == EEXIST ? 0 : 8;
}

static int
list_nothing(void)
{
	char room[1024];

	return denied(syscall(SYS_getdents64, (long)top_fd, room,
	    sizeof(room)));
}

static int
write_code(void)
{
	void *p;

	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p != MAP_FAILED)
		return 1;
	p = mmap(NULL, 4096, PROT_WRITE | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p != MAP_FAILED)
		return 2;
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return 3;
	return denied(mprotect(p, 4096, PROT_READ | PROT_EXEC));
}

static int
odd_calls(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	int fd;

	if (denied(socket(AF_PACKET, SOCK_RAW, 0)) != 0 ||
	    denied(socket(AF_NETLINK, SOCK_RAW, 0)) != 0)
		return 1;
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (denied(bind(fd, (struct sockaddr *)&any, sizeof(any))) != 0 ||
	    denied(listen(fd, 1)) != 0)
		return 2;
	if (denied(fcntl(fd, F_SETOWN, getppid())) != 0 ||
	    denied(fcntl(fd, F_SETSIG, SIGKILL)) != 0)
		return 3;
	if (denied(prctl(PR_SET_DUMPABLE, 1L, 0L, 0L, 0L)) != 0 ||
	    denied(prctl(PR_SET_PTRACER, 1L, 0L, 0L, 0L)) != 0)
		return 4;
	if (denied(syscall(SYS_memfd_create, "x", 0UL)) != 0)
		return 5;
	if (syscall(SYS_clone3, NULL, 0UL) != -1 || errno != ENOSYS)
		return 6;
	return denied(syscall(SYS_clone, (long)(CLONE_NEWUSER | SIGCHLD),
	    NULL, NULL, NULL, 0UL));
}

/* To others itself; that nobody else does is not its business. */
static int
give_way(void)
{
	uint32_t a[12] = { sizeof(a) };
	int before, after;

	if (syscall(SYS_sched_getattr, 0L, a, sizeof(a), 0L) == -1)
		return 1;
	before = (int)a[4];
	proc_limit_cpu(5, 60);
	if (!proc_give_way(30) ||
	    syscall(SYS_sched_getattr, 0L, a, sizeof(a), 0L) == -1)
		return 2;
	after = (int)a[4];
	if (after != (before > 19 - PROC_NICER ? 19 : before + PROC_NICER))
		return 3;
	if (denied(setpriority(PRIO_PROCESS, 0, 19)) != 0 ||
	    denied((int)syscall(SYS_sched_setattr, (long)getppid(), a,
	    0L)) != 0)
		return 4;
	return 0;
}

/* What would spoil a descriptor for all who have it as well. */
/* A session may not, since its sockets are others' as well. */
static int
hang_up(void)
{
	struct fault why;
	int pair[2];

	if (sock_pair(SOCK_SEQPACKET, pair, &why) == -1)
		return 1;
	return shutdown(pair[0], SHUT_RDWR) == 0 ? 0 : 2;
}

static int
shared_descriptors(void)
{
	const int some = 1;
	struct fault why;
	int pair[2];

	if (sock_pair(SOCK_SEQPACKET, pair, &why) == -1)
		return 1;
	if (denied(shutdown(pair[0], SHUT_RDWR)) != 0)
		return 2;
	if (denied(fcntl(pair[0], F_SETFL, 0)) != 0 ||
	    denied(ioctl(pair[0], FIONBIO, &some)) != 0)
		return 3;
	if (denied(setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &some,
	    sizeof(some))) != 0)
		return 4;
	if (denied(sendto(pair[0], "x", 1, MSG_FASTOPEN, NULL, 0)) != 0)
		return 5;
	return denied(fallocate(top_fd, FALLOC_FL_PUNCH_HOLE |
	    FALLOC_FL_KEEP_SIZE, 0, 1)) != 0 ? 6 : 0;
}

static int
child_is_in_too(void)
{
	int status;
	pid_t pid;

	if ((pid = fork()) == 0)
		_exit(execute());
	return waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) &&
	    WTERMSIG(status) == SIGSYS ? 0 : 1;
}

static int
other_table(void)
{
#ifdef __x86_64__
	/* getpid() by x32's number, which must not be a way around. */
	syscall(0x40000000L | SYS_getpid);
	return 1;
#else
	/* There is one table only: nothing to find. */
	raise(SIGSYS);
	return 1;
#endif
}

static int hidden[2] = { -1, -1 };
static int hidden_peer = -1;

/* Who keeps the keys answers who has connected before or does so now, */
static int
answer_who_comes(void)
{
	struct pollfd p = { .fd = hidden[0], .events = POLLIN };
	struct sock_addr peer;
	char c;
	int fd;

	if (poll(&p, 1, 60000) != 1 ||
	    (fd = sock_accept(hidden[0], &peer)) == -1)
		return 1;
	if (recv(fd, &c, 1, 0) != 1 || c != 'x')
		return 2;
	if (send(fd, "y", 1, MSG_DONTWAIT | MSG_NOSIGNAL) != 1)
		return 3;
	return close(fd) == 0 ? 0 : 4;
}

/* and can do nothing else. */
static int
nothing_else(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fds[2];

	if (denied(open("/dev/null", O_RDONLY)) != 0 ||
	    denied(openat(top_fd, "maps/aliases", O_RDONLY)) != 0)
		return 1;
	if (denied(socket(AF_UNIX, SOCK_STREAM, 0)) != 0 ||
	    denied(socket(AF_INET, SOCK_STREAM, 0)) != 0 ||
	    denied(socketpair(AF_UNIX, SOCK_STREAM, 0, fds)) != 0 ||
	    denied(connect(hidden_peer, (struct sockaddr *)&un,
	    sizeof(un))) != 0)
		return 2;
	if (denied(fork()) != 0 || denied(kill(getppid(), SIGTERM)) != 0)
		return 3;
	if (denied(linkat(top_fd, "maps/aliases", top_fd, "x", 0)) != 0 ||
	    denied(unlinkat(top_fd, "maps/aliases", 0)) != 0 ||
	    denied(fcntl(hidden_peer, F_DUPFD, 0)) != 0 ||
	    denied(pipe(fds)) != 0)
		return 4;
	if (denied(sendmsg(hidden_peer, NULL, 0)) != 0 ||
	    denied(recvmsg(hidden_peer, NULL, 0)) != 0)
		return 5;
	return denied(prctl(PR_SET_DUMPABLE, 1L, 0L, 0L, 0L)) != 0 ? 6 : 0;
}

static const struct {
	const char		*name;
	int			(*act)(void);
	enum sandbox_profile	 profile;
	int			 want;
} acts[] = {
	{ "spool a message", spool_a_message, SANDBOX_MASTER, 0 },
	{ "read a map", read_a_map, SANDBOX_MASTER, 0 },
	{ "find users", find_users, SANDBOX_MASTER, 0 },
	{ "fork and wait", fork_and_wait, SANDBOX_MASTER, 0 },
	{ "connect out", connect_out, SANDBOX_MASTER, 0 },
	{ "memory", memory, SANDBOX_MASTER, 0 },
	{ "harden again", harden_again, SANDBOX_MASTER, 0 },
	{ "abort", abort_dumps_nothing, SANDBOX_MASTER, 1000 + SIGSEGV },
	{ "give way", give_way, SANDBOX_MASTER, 0 },
	{ "hang up", hang_up, SANDBOX_DOORKEEPER, 0 },
	{ "execute", execute, SANDBOX_MASTER, KILLED },
	{ "trace", trace, SANDBOX_MASTER, KILLED },
	{ "memory of parent", read_memory_of_parent, SANDBOX_MASTER, KILLED },
	{ "load module", load_module, SANDBOX_MASTER, KILLED },
	{ "kill parent", kill_parent, SANDBOX_MASTER, 0 },
	{ "signal parent", signal_parent, SANDBOX_MASTER, 0 },
	{ "change mode", change_mode, SANDBOX_MASTER, 0 },
	{ "open outside", open_outside, SANDBOX_MASTER, 0 },
	{ "look into spool", look_into_spool, SANDBOX_MASTER, 0 },
	{ "spoil the spool", spoil_the_spool, SANDBOX_MASTER, 0 },
	{ "list", list_nothing, SANDBOX_MASTER, 0 },
	{ "write code", write_code, SANDBOX_MASTER, 0 },
	{ "odd calls", odd_calls, SANDBOX_MASTER, 0 },
	{ "shared descriptors", shared_descriptors, SANDBOX_MASTER, 0 },
	{ "children", child_is_in_too, SANDBOX_MASTER, 0 },
	{ "other table", other_table, SANDBOX_MASTER, KILLED },
	{ "run a queue", run_a_queue, SANDBOX_RUNNER, 0 },
	{ "runner reads", read_a_map, SANDBOX_RUNNER, 0 },
	{ "runner finds", find_users, SANDBOX_RUNNER, 0 },
	{ "runner connects", sockets, SANDBOX_RUNNER, 0 },
	{ "runner forks", fork_and_wait, SANDBOX_RUNNER, 0 },
	{ "runner's child", narrow, SANDBOX_RUNNER, 0 },
	{ "runner executes", execute, SANDBOX_RUNNER, KILLED },
	{ "runner looks outside", open_outside, SANDBOX_RUNNER, 0 },
	{ "runner signals parent", signal_parent, SANDBOX_RUNNER, 0 },
	{ "runner changes mode", change_mode, SANDBOX_RUNNER, 0 },
	{ "keeper answers", answer_who_comes, SANDBOX_KEEPER, 0 },
	{ "keeper computes", memory, SANDBOX_KEEPER, 0 },
	{ "keeper does nothing else", nothing_else, SANDBOX_KEEPER, 0 },
	{ "keeper executes", execute, SANDBOX_KEEPER, KILLED },
	{ "keeper traces", trace, SANDBOX_KEEPER, KILLED },
	{ "keeper writes code", write_code, SANDBOX_KEEPER, 0 },
};

static int
run(size_t row)
{
	int status;
	pid_t pid;

	if ((pid = fork()) == 0) {
		signal(SIGSYS, SIG_DFL);
		alarm(120);
		if (enter(acts[row].profile) == -1)
			_exit(100);
		_exit(acts[row].act());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) :
	    1000 + WTERMSIG(status);
}

static void
in_the_sandbox(void **state)
{
	struct fault why;
	char path[96], c;
	size_t i;
	int got, failed = 0;

	(void)state;
	snprintf(path, sizeof(path), "%s/hidden", top);
	assert_int_equal(sock_listen_hidden(path, geteuid(), 4, hidden, &why),
	    0);
	hidden_peer = sock_connect_hidden(hidden[1], 5);
	assert_int_equal(send(hidden_peer, "x", 1, 0), 1);
	listener_addr.ip = (struct ip){ 4, { 127, 0, 0, 1 } };
	listener = sock_listen(&listener_addr, 16, 0, &why);
	assert_true(listener != -1);
	assert_int_equal(sock_local(listener, &listener_addr), 0);
	/* A signal that gets through must not end the test. */
	signal(SIGTERM, SIG_IGN);
	for (i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
		got = run(i);
		if (got != acts[i].want)
			print_error("%s: %d, want %d\n", acts[i].name, got,
			    acts[i].want);
		failed += got != acts[i].want;
	}
	signal(SIGTERM, SIG_DFL);
	assert_int_equal(recv(hidden_peer, &c, 1, 0), 1);
	assert_int_equal(c, 'y');
	close(hidden_peer);
	close(hidden[0]);
	close(hidden[1]);
	close(listener);
	assert_int_equal(failed, 0);
}

/* The message that was there is as it was. */
static void
spool_is_untouched(void **state)
{
	struct buf b = { 0 };
	struct fault why;

	(void)state;
	assert_int_equal(file_load(top_fd, "spool/message", 100, &b, &why),
	    0);
	assert_true(str_eq(buf_str(&b), STR("content")));
	buf_free(&b);
	assert_int_equal(file_load(top_fd, "spool/new", 100, &b, &why), 0);
	assert_true(str_eq(buf_str(&b), STR("body")));
	buf_free(&b);
}

static void
described(void **state)
{
	const char *text = sandbox_describe();

	(void)state;
	assert_int_equal(strncmp(text, "seccomp, ", 9), 0);
	if (!has_landlock)
		print_message("no Landlock here: paths not tested\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(described),
		cmocka_unit_test(in_the_sandbox),
		cmocka_unit_test(spool_is_untouched),
	};

	return cmocka_run_group_tests(tests, make_tree, remove_tree);
}
