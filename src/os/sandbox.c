/* SPDX-License-Identifier: ISC */
/*
 * The sandbox: what a process that reads the network can never do again.
 *
 * Two halves.  Landlock says which paths may be opened and for what; it is
 * put on by system call, as far as the running kernel knows it, and where
 * there is none the file modes must do.  Seccomp says which system calls
 * there are at all; it is required.  The filter is a list of what sessions
 * and workers need (and the C library for them: NSS, DNS, memory, fork).
 * Everything else answers EPERM, but for those calls that only an intruder
 * makes: they kill the process, and so does the door to another system call
 * table (i386 or x32 on a 64-bit kernel).
 *
 * The master and the runner enter once, before their first fork; children
 * inherit both halves at no cost.  A runner's children give up the spool as
 * well, by a set of rules that was made before them.  Once in, nothing can be
 * taken back.
 *
 * The keeper of the private keys has a list of its own, of what little it needs
 * to be asked and to answer, and no path at all.
 *
 * Where no path is given with SANDBOX_ALL, the master's filter lets files be
 * opened for writing only if they are new, since Landlock alone would let a
 * session overwrite the messages that lie where it creates its own.
 */
#include "os/sandbox.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <asm/ioctls.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

/*
 * Landlock's binary interface, which is stable; the headers of older systems
 * know less of it than the kernels that run there.
 */
#define LL_FS_EXECUTE		(UINT64_C(1) << 0)
#define LL_FS_WRITE_FILE	(UINT64_C(1) << 1)
#define LL_FS_READ_FILE		(UINT64_C(1) << 2)
#define LL_FS_READ_DIR		(UINT64_C(1) << 3)
#define LL_FS_REMOVE_DIR	(UINT64_C(1) << 4)
#define LL_FS_REMOVE_FILE	(UINT64_C(1) << 5)
#define LL_FS_MAKE_DIR		(UINT64_C(1) << 7)
#define LL_FS_MAKE_REG		(UINT64_C(1) << 8)
#define LL_FS_FIRST		((UINT64_C(1) << 13) - 1) /* those of ABI 1 */
#define LL_FS_REFER		(UINT64_C(1) << 13)	/* ABI 2 */
#define LL_FS_TRUNCATE		(UINT64_C(1) << 14)	/* ABI 3 */
#define LL_FS_IOCTL_DEV		(UINT64_C(1) << 15)	/* ABI 5 */
#define LL_NET_BIND_TCP		(UINT64_C(1) << 0)	/* ABI 4 */
#define LL_NET_CONNECT_TCP	(UINT64_C(1) << 1)
#define LL_SCOPE_ABSTRACT	(UINT64_C(1) << 0)	/* ABI 6 */
#define LL_SCOPE_SIGNAL		(UINT64_C(1) << 1)
#define LL_CREATE_VERSION	1
#define LL_RULE_PATH_BENEATH	1
#define LL_ABI_KNOWN		7

/* The rights that a rule for a file may hold; others are for directories. */
#define LL_OF_FILE	(LL_FS_EXECUTE | LL_FS_WRITE_FILE | \
	    LL_FS_READ_FILE | LL_FS_TRUNCATE | LL_FS_IOCTL_DEV)

struct ll_ruleset {
	uint64_t	handled_fs;
	uint64_t	handled_net;
	uint64_t	scoped;
};

struct ll_path_beneath {
	uint64_t	allowed;
	int32_t		parent_fd;
} __attribute__((packed));

#define NAMESPACES	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | \
	    CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)
#define TMPFILE_BIT	(O_TMPFILE & ~O_DIRECTORY)
#define CREATE_NEW	(O_CREAT | O_EXCL)
#define OPEN_WRITES	(O_ACCMODE | O_CREAT | O_TRUNC | TMPFILE_BIT)

#define SYS(name)	SCMP_SYS(name)
#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

/* Allowed whatever their arguments are. */
static const int allowed[] = {
	/* descriptors and bytes */
	SYS(read), SYS(readv), SYS(pread64), SYS(preadv), SYS(write),
	SYS(writev), SYS(pwrite64), SYS(pwritev), SYS(sendfile),
	SYS(copy_file_range), SYS(lseek), SYS(_llseek), SYS(close),
	SYS(close_range), SYS(dup), SYS(dup2), SYS(dup3), SYS(pipe2),
	SYS(eventfd2), SYS(poll), SYS(ppoll), SYS(select), SYS(pselect6),
	SYS(epoll_create1), SYS(epoll_ctl), SYS(epoll_wait),
	SYS(epoll_pwait), SYS(timerfd_create), SYS(timerfd_settime),
	/* files */
	SYS(linkat), SYS(flock), SYS(fdatasync), SYS(fsync),
	SYS(sync_file_range), SYS(fadvise64), SYS(readahead),
	SYS(stat), SYS(lstat), SYS(fstat), SYS(newfstatat), SYS(stat64),
	SYS(lstat64), SYS(fstat64), SYS(fstatat64), SYS(statx),
	SYS(statfs), SYS(fstatfs), SYS(statfs64), SYS(fstatfs64),
	SYS(access), SYS(faccessat), SYS(faccessat2), SYS(readlink),
	SYS(readlinkat), SYS(getcwd), SYS(umask),
	/* sockets */
	SYS(accept), SYS(accept4), SYS(connect), SYS(recvfrom), SYS(recvmsg),
	SYS(recvmmsg), SYS(getsockopt), SYS(getsockname), SYS(getpeername),
	/* memory and the C library */
	SYS(brk), SYS(munmap), SYS(mremap), SYS(madvise), SYS(msync),
	SYS(futex), SYS(rseq), SYS(set_robust_list), SYS(getrandom),
	SYS(membarrier), SYS(sched_yield), SYS(sched_getaffinity),
	SYS(getcpu), SYS(restart_syscall),
	/* time */
	SYS(time), SYS(gettimeofday), SYS(clock_gettime), SYS(clock_getres),
	SYS(clock_nanosleep), SYS(nanosleep), SYS(alarm), SYS(setitimer),
	SYS(getitimer), SYS(times),
	/* this process and its children */
	SYS(exit), SYS(exit_group), SYS(wait4), SYS(waitid), SYS(getpid),
	SYS(gettid), SYS(getppid), SYS(getpgrp), SYS(getuid), SYS(geteuid),
	SYS(getresuid), SYS(getgid), SYS(getegid), SYS(getresgid),
	SYS(getgroups), SYS(getrlimit), SYS(setrlimit), SYS(getrusage),
	SYS(uname), SYS(sysinfo),
	/* signals to itself; none can be sent: a stolen session must not be
	 * able to end another, or the master.  abort() then ends by a trap. */
	SYS(rt_sigaction), SYS(rt_sigprocmask), SYS(rt_sigreturn),
	SYS(rt_sigpending), SYS(rt_sigsuspend), SYS(rt_sigtimedwait),
	SYS(sigaltstack),
};

static const int allowed_runner[] = {
	SYS(open), SYS(openat), SYS(unlink), SYS(unlinkat), SYS(rename),
	SYS(renameat), SYS(renameat2), SYS(getdents64), SYS(ftruncate),
	SYS(inotify_init1), SYS(inotify_add_watch), SYS(inotify_rm_watch),
	SYS(bind), SYS(setsockopt), SYS(landlock_restrict_self),
	SYS(preadv2),
};

/* Of who holds the keys: what comes through a socket that it has, memory, and
 * its end.  Nothing that opens, connects or makes anything. */
static const int allowed_keeper[] = {
	SYS(accept4), SYS(accept), SYS(recvfrom), SYS(sendto), SYS(getsockopt),
	SYS(read), SYS(write), SYS(writev), SYS(poll), SYS(ppoll),
	SYS(close),
	SYS(brk), SYS(munmap), SYS(mremap), SYS(madvise), SYS(futex),
	SYS(getrandom), SYS(sched_yield), SYS(getpid), SYS(gettid),
	SYS(time), SYS(gettimeofday), SYS(clock_gettime),
	SYS(rt_sigaction), SYS(rt_sigprocmask), SYS(rt_sigreturn),
	SYS(sigaltstack),
	SYS(restart_syscall), SYS(exit), SYS(exit_group),
};

static const int deadly[] = {
	SYS(execve), SYS(execveat), SYS(ptrace), SYS(process_vm_readv),
	SYS(process_vm_writev), SYS(bpf), SYS(mount), SYS(umount2),
	SYS(pivot_root), SYS(setns), SYS(unshare), SYS(init_module),
	SYS(finit_module), SYS(delete_module), SYS(keyctl), SYS(add_key),
	SYS(request_key), SYS(kexec_load), SYS(kexec_file_load),
	SYS(userfaultfd), SYS(perf_event_open), SYS(open_by_handle_at),
};

/*
 * Allowed when an argument is as said; one of several rows is enough.  Only
 * one argument a row: libseccomp 2.5 makes a wrong filter when a second one
 * does not fit and more rows follow (it compares it with their values).
 */
struct row {
	int			call;
	struct scmp_arg_cmp	arg;
};

#define EQUAL(i, v)	{ (i), SCMP_CMP_EQ, (uint64_t)(v), 0 }
#define MASKED(i, m, v)	{ (i), SCMP_CMP_MASKED_EQ, (uint64_t)(m), \
			    (uint64_t)(v) }

static const struct row rows[] = {
	/* Memory is never writable and executable; what is executable comes
	 * from a file (an NSS module that is loaded late). */
	{ SYS(mmap), MASKED(2, PROT_EXEC, 0) },
	{ SYS(mmap), MASKED(2, PROT_EXEC | PROT_WRITE, PROT_EXEC) },
	{ SYS(mprotect), MASKED(2, PROT_EXEC, 0) },
	{ SYS(clone), MASKED(0, NAMESPACES, 0) },
	{ SYS(prlimit64), EQUAL(0, 0) },
	{ SYS(prctl), EQUAL(0, PR_SET_NAME) },
	{ SYS(prctl), EQUAL(0, PR_GET_NAME) },
	{ SYS(prctl), EQUAL(0, PR_SET_PDEATHSIG) },
	{ SYS(prctl), EQUAL(0, PR_SET_NO_NEW_PRIVS) },
	{ SYS(prctl), EQUAL(0, PR_GET_DUMPABLE) },
	{ SYS(socket), EQUAL(0, AF_UNIX) },
	{ SYS(socketpair), EQUAL(0, AF_UNIX) },
	{ SYS(ioctl), EQUAL(1, FIONREAD) },
	{ SYS(ioctl), EQUAL(1, TCGETS) },
	/* To connect is another call. */
	{ SYS(sendto), MASKED(3, MSG_FASTOPEN, 0) },
	/* Nothing that takes away what was written: all have the log. */
	{ SYS(fallocate), EQUAL(1, 0) },
	{ SYS(fallocate), EQUAL(1, FALLOC_FL_KEEP_SIZE) },
	/* Not those that say whom to send a signal (F_SETOWN, F_NOTIFY), nor
	 * the one that would make an appending descriptor overwrite. */
	{ SYS(fcntl), EQUAL(1, F_DUPFD) },
	{ SYS(fcntl), EQUAL(1, F_DUPFD_CLOEXEC) },
	{ SYS(fcntl), EQUAL(1, F_GETFD) },
	{ SYS(fcntl), EQUAL(1, F_SETFD) },
	{ SYS(fcntl), EQUAL(1, F_GETFL) },
	{ SYS(fcntl), EQUAL(1, F_GETLK) },
	{ SYS(fcntl), EQUAL(1, F_SETLK) },
	{ SYS(fcntl), EQUAL(1, F_SETLKW) },
	{ SYS(fcntl), EQUAL(1, F_OFD_SETLK) },
	/* For sandbox_describe(): only asks for the version. */
	{ SYS(landlock_create_ruleset), EQUAL(0, 0) },
};

static const int allowed_doorkeeper[] = { SYS(shutdown) };

static const struct row rows_keeper[] = {
	{ SYS(mmap), MASKED(2, PROT_EXEC, 0) },
	{ SYS(mprotect), MASKED(2, PROT_EXEC, 0) },
};

/* A session looks nothing up in the network and calls nobody.  Nor does it send
 * descriptors: the kernel counts those that are on their way by user, so one
 * could keep all others of its user from it, and a socket on its way outlives
 * the process that has connected it, by which it is known to the doorkeeper. */
static const struct row rows_runner[] = {
	{ SYS(socket), EQUAL(0, AF_INET) },
	{ SYS(socket), EQUAL(0, AF_INET6) },
	{ SYS(sendmsg), MASKED(2, MSG_FASTOPEN, 0) },
	{ SYS(sendmmsg), MASKED(3, MSG_FASTOPEN, 0) },
	{ SYS(fcntl), EQUAL(1, F_SETPIPE_SZ) },
};

/* Of the options of a socket those that a session sets: its others are a large
 * part of the kernel, and its line to the runner is everybody's. */
static const struct row rows_master[] = {
	{ SYS(setsockopt), EQUAL(2, SO_RCVTIMEO) },
	{ SYS(setsockopt), EQUAL(2, SO_SNDTIMEO) },
	{ SYS(setsockopt), EQUAL(2, TCP_NODELAY) },
	{ SYS(setsockopt), EQUAL(2, SO_PASSCRED) },
	/* To give way to others, not to make them. */
	{ SYS(sched_getattr), EQUAL(0, 0) },
	{ SYS(sched_setattr), EQUAL(0, 0) },
};

static const struct row rows_flags[] = {
	{ SYS(fcntl), EQUAL(1, F_SETFL) },
};

static const struct row rows_open_new[] = {
	{ SYS(openat), MASKED(2, OPEN_WRITES, O_RDONLY) },
	{ SYS(openat), MASKED(2, CREATE_NEW, CREATE_NEW) },
	{ SYS(openat), MASKED(2, TMPFILE_BIT, TMPFILE_BIT) },
	{ SYS(open), MASKED(1, OPEN_WRITES, O_RDONLY) },
	{ SYS(open), MASKED(1, CREATE_NEW, CREATE_NEW) },
	{ SYS(open), MASKED(1, TMPFILE_BIT, TMPFILE_BIT) },
};

static const int open_any[] = { SYS(open), SYS(openat) };

static int
landlock_abi(void)
{
	long abi;

	abi = syscall(SYS_landlock_create_ruleset, NULL, 0UL,
	    (unsigned long)LL_CREATE_VERSION);
	if (abi <= 0)
		return 0;
	return abi > LL_ABI_KNOWN ? LL_ABI_KNOWN : (int)abi;
}

static void
describe_rules(int abi, bool calls_out, struct ll_ruleset *rules)
{
	memset(rules, 0, sizeof(*rules));
	rules->handled_fs = LL_FS_FIRST;
	if (abi >= 2)
		rules->handled_fs |= LL_FS_REFER;
	if (abi >= 3)
		rules->handled_fs |= LL_FS_TRUNCATE;
	if (abi >= 5)
		rules->handled_fs |= LL_FS_IOCTL_DEV;
	/* There is no rule for a port: a session's own connection cannot be
	 * turned to somebody else. */
	if (abi >= 4 && !calls_out)
		rules->handled_net = LL_NET_BIND_TCP | LL_NET_CONNECT_TCP;
	/* Signals within the same sandbox are not touched by this. */
	if (abi >= 6)
		rules->scoped = LL_SCOPE_ABSTRACT | LL_SCOPE_SIGNAL;
}

static uint64_t
rights_of(unsigned access)
{
	uint64_t r = 0;

	if ((access & SANDBOX_READ) != 0)
		r |= LL_FS_READ_FILE;
	/* A file gets its name in the directory in which it was made: what
	 * lies in another one is linked by nobody (REFER). */
	if ((access & SANDBOX_CREATE) != 0)
		r |= LL_FS_MAKE_REG | LL_FS_WRITE_FILE;
	if ((access & SANDBOX_ALL) != 0)
		r |= LL_FS_READ_FILE | LL_FS_READ_DIR | LL_FS_WRITE_FILE |
		    LL_FS_MAKE_REG | LL_FS_MAKE_DIR | LL_FS_REMOVE_FILE |
		    LL_FS_REMOVE_DIR | LL_FS_REFER | LL_FS_TRUNCATE;
	if ((access & SANDBOX_EXECUTE) != 0)
		r |= LL_FS_EXECUTE | LL_FS_READ_FILE;
	return r;
}

static int
add_path(int ruleset, const struct ll_ruleset *rules,
    const struct sandbox_path *path, struct fault *why)
{
	struct ll_path_beneath rule;
	struct stat st;
	int fd, err = 0;

	rule.allowed = rights_of(path->access) & rules->handled_fs;
	if (rule.allowed == 0)
		return 0;
	if ((fd = open(path->path, O_PATH | O_CLOEXEC)) == -1) {
		if (errno == ENOENT || errno == ENOTDIR || errno == EACCES)
			return 0;
		return fault_system(why, errno, "landlock: %s", path->path);
	}
	rule.parent_fd = fd;
	if (fstat(fd, &st) == -1)
		err = errno;
	else if (!S_ISDIR(st.st_mode))
		rule.allowed &= LL_OF_FILE;
	if (err == 0 && rule.allowed != 0 &&
	    syscall(SYS_landlock_add_rule, (long)ruleset,
	    (unsigned long)LL_RULE_PATH_BENEATH, &rule, 0UL) == -1)
		err = errno;
	close(fd);
	if (err != 0)
		return fault_system(why, err, "landlock: %s", path->path);
	return 0;
}

/* A descriptor; -1 with *why, or without it where there is no Landlock. */
static int
make_ruleset(const struct sandbox_path *path, size_t n, bool calls_out,
    struct fault *why)
{
	struct ll_ruleset rules;
	int fd, result, abi = landlock_abi();
	size_t i;

	fault_clear(why);
	if (abi == 0)
		return -1;
	describe_rules(abi, calls_out, &rules);
	fd = (int)syscall(SYS_landlock_create_ruleset, &rules, sizeof(rules),
	    0UL);
	if (fd == -1)
		return fault_system(why, errno, "landlock");
	result = 0;
	for (i = 0; i < n && result == 0; i++)
		result = add_path(fd, &rules, &path[i], why);
	if (result == 0)
		return fd;
	close(fd);
	return -1;
}

static int
restrict_self(int ruleset, struct fault *why)
{
	if (syscall(SYS_landlock_restrict_self, (long)ruleset, 0UL) == -1)
		return fault_system(why, errno, "landlock");
	return 0;
}

static int
put_on_landlock(const struct sandbox_path *path, size_t n, bool calls_out,
    struct fault *why)
{
	int result, fd = make_ruleset(path, n, calls_out, why);

	if (fd == -1)
		return why->kind == FAULT_NONE ? 0 : -1;
	result = restrict_self(fd, why);
	close(fd);
	return result;
}

int
sandbox_prepare(const struct sandbox_path *path, size_t n, int *ruleset,
    struct fault *why)
{
	*ruleset = make_ruleset(path, n, true, why);
	return *ruleset == -1 && why->kind != FAULT_NONE ? -1 : 0;
}

int
sandbox_narrow(int ruleset, struct fault *why)
{
	return ruleset == -1 ? 0 : restrict_self(ruleset, why);
}

/* Names that this processor's table does not have are passed over. */
static int
add_calls(scmp_filter_ctx ctx, uint32_t action, const int *call, size_t n)
{
	size_t i;
	int rc;

	for (i = 0; i < n; i++) {
		rc = seccomp_rule_add_array(ctx, action, call[i], 0, NULL);
		if (rc != 0 && rc != -EDOM)
			return rc;
	}
	return 0;
}

static int
add_rows(scmp_filter_ctx ctx, const struct row *row, size_t n)
{
	size_t i;
	int rc;

	for (i = 0; i < n; i++) {
		rc = seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, row[i].call,
		    1, &row[i].arg);
		if (rc != 0 && rc != -EDOM)
			return rc;
	}
	return 0;
}

/* What all but the keeper may. */
static int
add_shared(scmp_filter_ctx ctx)
{
	int rc = add_calls(ctx, SCMP_ACT_ALLOW, allowed, COUNT(allowed));

	return rc != 0 ? rc : add_rows(ctx, rows, COUNT(rows));
}

static int
add_master(scmp_filter_ctx ctx, unsigned access)
{
	int rc = add_rows(ctx, rows_master, COUNT(rows_master));

	if (rc != 0)
		return rc;
	if ((access & SANDBOX_ALL) != 0)
		return add_calls(ctx, SCMP_ACT_ALLOW, open_any,
		    COUNT(open_any));
	return add_rows(ctx, rows_open_new, COUNT(rows_open_new));
}

static int
add_profile(scmp_filter_ctx ctx, enum sandbox_profile profile, unsigned access)
{
	int rc = profile == SANDBOX_KEEPER ? 0 : add_shared(ctx);

	if (rc == 0 && (access & SANDBOX_FLAGS) != 0)
		rc = add_rows(ctx, rows_flags, COUNT(rows_flags));
	if (rc != 0)
		return rc;
	switch (profile) {
	case SANDBOX_KEEPER:
		rc = add_calls(ctx, SCMP_ACT_ALLOW, allowed_keeper,
		    COUNT(allowed_keeper));
		if (rc == 0)
			rc = add_rows(ctx, rows_keeper, COUNT(rows_keeper));
		break;
	case SANDBOX_MASTER:
		rc = add_master(ctx, access);
		break;
	case SANDBOX_DOORKEEPER:
		rc = add_calls(ctx, SCMP_ACT_ALLOW, allowed_doorkeeper,
		    COUNT(allowed_doorkeeper));
		if (rc == 0)
			rc = add_master(ctx, access);
		break;
	case SANDBOX_RUNNER:
		rc = add_calls(ctx, SCMP_ACT_ALLOW, allowed_runner,
		    COUNT(allowed_runner));
		if (rc == 0)
			rc = add_rows(ctx, rows_runner, COUNT(rows_runner));
		break;
	}
	return rc;
}

/* 0 or a negative errno value, as libseccomp has it. */
static int
fill_filter(scmp_filter_ctx ctx, enum sandbox_profile profile, unsigned access)
{
	static const int clone3[] = { SYS(clone3) };
	int rc;

	rc = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH,
	    SCMP_ACT_KILL_PROCESS);
	if (rc != 0)
		return rc;
	/* A search tree instead of a list; older libraries cannot. */
	seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if ((rc = add_calls(ctx, SCMP_ACT_KILL_PROCESS, deadly,
	    COUNT(deadly))) != 0)
		return rc;
	/* Its flags lie in memory where no filter can see them; the C
	 * library takes clone() when it is told that this is missing. */
	if ((rc = add_calls(ctx, SCMP_ACT_ERRNO(ENOSYS), clone3, 1)) != 0)
		return rc;
	return add_profile(ctx, profile, access);
}

static int
put_on_seccomp(enum sandbox_profile profile, unsigned access,
    struct fault *why)
{
	scmp_filter_ctx ctx;
	int rc;

	if ((ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM))) == NULL)
		return fault_system(why, ENOMEM, "seccomp");
	rc = fill_filter(ctx, profile, access);
	if (rc == 0)
		rc = seccomp_load(ctx);
	seccomp_release(ctx);
	if (rc != 0)
		return fault_system(why, -rc, "seccomp");
	return 0;
}

/* What is missing asks for nothing, but that all may be written. */
static bool
is_wanted(const struct sandbox_path *path)
{
	return (path->access & SANDBOX_ALL) != 0 ||
	    access(path->path, F_OK) == 0;
}

int
sandbox_enter(enum sandbox_profile profile, const struct sandbox_path *path,
    size_t n, struct fault *why)
{
	unsigned all = 0;
	size_t i;

	for (i = 0; i < n; i++)
		if (is_wanted(&path[i]))
			all |= path[i].access;
	if (put_on_landlock(path, n, profile == SANDBOX_RUNNER, why) == -1)
		return -1;
	return put_on_seccomp(profile, all, why);
}

const char *
sandbox_describe(void)
{
	static const char *const text[LL_ABI_KNOWN + 1] = {
		"seccomp, no landlock", "seccomp, landlock 1",
		"seccomp, landlock 2", "seccomp, landlock 3",
		"seccomp, landlock 4", "seccomp, landlock 5",
		"seccomp, landlock 6", "seccomp, landlock 7",
	};

	return text[landlock_abi()];
}
