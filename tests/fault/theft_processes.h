/* SPDX-License-Identifier: ISC */
/*
 * What a thief tries with processes: run a program, be more than one, be
 * somebody else, look into others, signal them, and ask the kernel for powers
 * that no session needs.
 */
#ifndef FAULT_THEFT_PROCESSES_H
#define FAULT_THEFT_PROCESSES_H

#include <fcntl.h>
#include <grp.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <linux/sched.h>
#include <mqueue.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/io.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "fault/theft.h"

#define CALL(name, ...)							\
	do {								\
		(void)t;						\
		return came_to(syscall(SYS_##name, __VA_ARGS__));	\
	} while (0)

static char *no_words[] = { NULL };

static int
run_program(const struct theft *t)
{
	pid_t pid = vfork();
	int status = 0;

	if (pid == 0) {
		(void)execve(t->path, no_words, no_words);
		_exit(127);
	}
	return pid < 0 ? errno : waitpid(pid, &status, 0) == pid &&
	    WIFEXITED(status) && WEXITSTATUS(status) != 127 ? 0 : EPERM;
}

/* In its own place: an end without an answer is a denial. */
static int
become_program(const struct theft *t)
{
	int fd;

	if (t->smtpd == NULL)
		return run_program(t);
	fd = openat(AT_FDCWD, t->path, O_RDONLY);
	(void)fd;
	(void)execve(t->path, no_words, no_words);
	return errno;
}

static int
run_from_memory(const struct theft *t)
{
	int fd = (int)syscall(SYS_memfd_create, "theft", 0);

	(void)t;
	return came_to(fd);
}

static int
reap_of(pid_t pid)
{
	if (pid == 0)
		_exit(0);
	return pid < 0 ? errno : came_to(waitpid(pid, NULL, __WALL));
}

static int
be_two(const struct theft *t)
{
	(void)t;
	return reap_of(fork());
}

static int
be_two_by_vfork(const struct theft *t)
{
	(void)t;
	return reap_of((pid_t)syscall(SYS_clone, CLONE_VFORK | SIGCHLD, 0, 0,
	    0, 0));
}

static int
be_two_by_clone3(const struct theft *t)
{
	struct clone_args a = { .exit_signal = SIGCHLD };

	(void)t;
	return reap_of((pid_t)syscall(SYS_clone3, &a, sizeof(a)));
}

static int
rest(void *arg)
{
	return *(int *)arg;
}

static int
be_a_thread(const struct theft *t)
{
	static char stack[65536] __attribute__((aligned(16)));
	int none = 0;

	(void)t;
	return came_to(clone(rest, stack + sizeof(stack), CLONE_VM | CLONE_FS |
	    CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM,
	    &none));
}

static int
be_in_a_new_world(const struct theft *t)
{
	(void)t;
	return reap_of((pid_t)syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0,
	    0, 0));
}

/* ---- others ---- */

static int
trace(const struct theft *t)
{
	if (ptrace(PTRACE_ATTACH, (pid_t)t->number, NULL, NULL) < 0)
		return errno;
	(void)waitpid((pid_t)t->number, NULL, __WALL);
	return came_to(ptrace(PTRACE_DETACH, (pid_t)t->number, NULL, NULL));
}

static int
seize(const struct theft *t)
{
	return came_to(ptrace(PTRACE_SEIZE, (pid_t)t->number, NULL, NULL));
}

/* OTHER is an address in it. */
static int
move_memory(const struct theft *t, long call)
{
	static char here[16];
	struct iovec mine = { here, 1 }, theirs = { (void *)(uintptr_t)
	    (t->other == NULL ? 0 : strtoull(t->other, NULL, 0)), 1 };

	return came_to(syscall(call, (pid_t)t->number, &mine, 1UL, &theirs,
	    1UL, 0UL));
}

static int
read_memory(const struct theft *t)
{
	return move_memory(t, SYS_process_vm_readv);
}

static int
write_memory(const struct theft *t)
{
	return move_memory(t, SYS_process_vm_writev);
}

static int
open_of(const struct theft *t, const char *name, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%u/%s", (unsigned)t->number, name);
	return came_to(open(path, flags | O_CLOEXEC));
}

static int
open_memory(const struct theft *t)
{
	return open_of(t, "mem", O_RDWR);
}

static int
open_maps(const struct theft *t)
{
	return open_of(t, "maps", O_RDONLY);
}

static int
open_own_memory(const struct theft *t)
{
	(void)t;
	return came_to(open("/proc/self/mem", O_RDWR | O_CLOEXEC));
}

static int
change_own_oom_score(const struct theft *t)
{
	(void)t;
	return came_to(open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC));
}

static int
take_descriptor(const struct theft *t)
{
	int fd = (int)syscall(SYS_pidfd_open, (pid_t)t->number, 0);

	return fd < 0 ? errno : came_to(syscall(SYS_pidfd_getfd, fd, 0, 0));
}

/* The call itself, with a descriptor that is none of a process. */
static int
take_from_any(const struct theft *t)
{
	int err = came_to(syscall(SYS_pidfd_getfd, t->fd, 0, 0));

	return err == EBADF || err == EINVAL ? 0 : err;
}

static int
compare_with(const struct theft *t)
{
	CALL(kcmp, getpid(), (pid_t)t->number, 0, 0, 0);
}

static int
advise_other(const struct theft *t)
{
	CALL(get_robust_list, (pid_t)t->number, &(void *){ NULL },
	    &(size_t){ 0 });
}

/* ---- signals ---- */

static int
signal_by_kill(const struct theft *t)
{
	return came_to(kill((pid_t)t->number, SIGCONT));
}

static int
signal_own_group(const struct theft *t)
{
	(void)t;
	return came_to(kill(0, SIGCONT));
}

static int
signal_by_tkill(const struct theft *t)
{
	CALL(tkill, (pid_t)t->number, SIGCONT);
}

static int
signal_by_tgkill(const struct theft *t)
{
	CALL(tgkill, (pid_t)t->number, (pid_t)t->number, SIGCONT);
}

static int
signal_by_queue(const struct theft *t)
{
	union sigval v = { 0 };

	return came_to(sigqueue((pid_t)t->number, SIGCONT, v));
}

static int
signal_by_pidfd(const struct theft *t)
{
	int fd = (int)syscall(SYS_pidfd_open, (pid_t)t->number, 0);

	return came_to(syscall(SYS_pidfd_send_signal, fd, SIGCONT, NULL, 0));
}

static int
signal_by_owner(const struct theft *t)
{
	if (fcntl(t->fd, F_SETOWN, (pid_t)t->number) < 0)
		return errno;
	return came_to(fcntl(t->fd, F_SETSIG, SIGCONT));
}

static int
signal_by_ioctl(const struct theft *t)
{
	int pid = (int)t->number;

	return came_to(ioctl(t->fd, FIOSETOWN, &pid));
}

static int
signal_by_lease(const struct theft *t)
{
	(void)t;
	return came_to(fcntl(open("/etc", O_RDONLY), F_NOTIFY, DN_CREATE));
}

static int
signal_by_timer(const struct theft *t)
{
	struct sigevent e = { .sigev_notify = SIGEV_SIGNAL,
	    .sigev_signo = SIGCONT };
	timer_t timer;

	(void)t;
	return came_to(timer_create(CLOCK_MONOTONIC, &e, &timer));
}

/* Out of the group that is signalled when all shall end. */
static int
leave_group(const struct theft *t)
{
	(void)t;
	return came_to(setpgid(0, 0));
}

static int
leave_session(const struct theft *t)
{
	(void)t;
	return came_to(setsid());
}

/* ---- itself ---- */

static int
be_root(const struct theft *t)
{
	(void)t;
	return came_to(setuid(0));
}

static int
be_somebody(const struct theft *t)
{
	return came_to(setresuid((uid_t)t->number, (uid_t)t->number,
	    (uid_t)t->number));
}

static int
be_in_group(const struct theft *t)
{
	return came_to(setresgid((gid_t)t->number, (gid_t)t->number,
	    (gid_t)t->number));
}

static int
be_in_groups(const struct theft *t)
{
	gid_t g = (gid_t)t->number;

	return came_to(setgroups(1, &g));
}

static int
take_capability(const struct theft *t)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2] = { { 1, 1, 0 }, { 0, 0, 0 } };

	CALL(capset, &h, d);
}

static int
be_on_files_uid(const struct theft *t)
{
	(void)t;
	return setfsuid(0) == 0 && setfsuid(0) == 0 ? 0 : EPERM;
}

static int
raise_limit(const struct theft *t)
{
	struct rlimit r;

	if (getrlimit((__rlimit_resource_t)t->number, &r) < 0)
		return errno;
	if (r.rlim_max != RLIM_INFINITY)
		r.rlim_max++;
	r.rlim_cur = r.rlim_max;
	return came_to(setrlimit((__rlimit_resource_t)t->number, &r));
}

static int
limit_other(const struct theft *t)
{
	struct rlimit r = { 5, 5 };

	return came_to(prlimit((pid_t)t->number, RLIMIT_CORE, &r, NULL));
}

static int
be_dumpable(const struct theft *t)
{
	(void)t;
	return came_to(prctl(PR_SET_DUMPABLE, 1L, 0L, 0L, 0L));
}

static int
be_traceable(const struct theft *t)
{
	(void)t;
	return came_to(prctl(PR_SET_CHILD_SUBREAPER, 1L, 0L, 0L, 0L));
}

static int
set_priority(const struct theft *t)
{
	return came_to(setpriority(PRIO_PROCESS, (id_t)t->number, 5));
}

static int
set_attributes(const struct theft *t)
{
	struct {
		uint32_t	size, policy;
		uint64_t	flags;
		int32_t		nice;
		uint32_t	priority;
		uint64_t	runtime, deadline, period;
	} a = { .size = sizeof(a), .nice = 5 };

	return came_to(syscall(SYS_sched_setattr, t->number, &a, 0L));
}

static int
set_scheduler(const struct theft *t)
{
	struct sched_param p = { 0 };

	return came_to(sched_setscheduler((pid_t)t->number, SCHED_BATCH, &p));
}

static int
set_affinity(const struct theft *t)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	return came_to(sched_setaffinity((pid_t)t->number, sizeof(set), &set));
}

static int
be_another_person(const struct theft *t)
{
	(void)t;
	return came_to(personality(READ_IMPLIES_EXEC));
}

/* ---- the kernel ---- */

static int
leave_namespace(const struct theft *t)
{
	(void)t;
	return came_to(unshare(CLONE_NEWNET));
}

static int
enter_namespace(const struct theft *t)
{
	(void)t;
	return came_to(setns(open("/proc/self/ns/net", O_RDONLY), 0));
}

static int
mount_one(const struct theft *t)
{
	return came_to(mount("none", t->path, "tmpfs", 0, NULL));
}

static int
unmount_one(const struct theft *t)
{
	return came_to(umount2(t->path, MNT_DETACH));
}

static int
open_tree_of(const struct theft *t)
{
	CALL(open_tree, AT_FDCWD, t->path, 1 /* OPEN_TREE_CLONE */);
}

static int
make_file_system(const struct theft *t)
{
	CALL(fsopen, "tmpfs", 0);
}

static int
add_a_key(const struct theft *t)
{
	CALL(add_key, "user", "theft", "x", 1UL, KEY_SPEC_PROCESS_KEYRING);
}

static int
ask_for_keys(const struct theft *t)
{
	CALL(keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_PROCESS_KEYRING, 1);
}

static int
load_bpf(const struct theft *t)
{
	union bpf_attr a = { .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4,
	    .value_size = 4, .max_entries = 1 };

	CALL(bpf, BPF_MAP_CREATE, &a, sizeof(a));
}

static int
make_ring(const struct theft *t)
{
	struct io_uring_params p = { 0 };

	CALL(io_uring_setup, 1U, &p);
}

static int
catch_faults(const struct theft *t)
{
	CALL(userfaultfd, 0);
}

static int
count_events(const struct theft *t)
{
	struct perf_event_attr a = { .type = PERF_TYPE_SOFTWARE,
	    .size = sizeof(a), .config = PERF_COUNT_SW_CPU_CLOCK };

	CALL(perf_event_open, &a, 0, -1, -1, 0UL);
}

static int
load_kernel(const struct theft *t)
{
	CALL(kexec_load, 0UL, 0UL, NULL, 0UL);
}

static int
load_module(const struct theft *t)
{
	CALL(finit_module, open("/dev/null", O_RDONLY), "", 0);
}

static int
unload_module(const struct theft *t)
{
	CALL(delete_module, "no_module_of_that_name", 0);
}

static int
name_host(const struct theft *t)
{
	char name[256];

	(void)t;
	return gethostname(name, sizeof(name)) < 0 ? errno :
	    came_to(sethostname(name, strlen(name)));
}

static int
set_clock(const struct theft *t)
{
	struct timex x = { .modes = ADJ_TICK, .tick = 10000 };

	(void)t;
	return came_to(adjtimex(&x) < 0 ? -1 : 0);
}

static int
read_kernel_log(const struct theft *t)
{
	char text[64];

	CALL(syslog, 3, text, (int)sizeof(text));
}

static int
open_ports(const struct theft *t)
{
	(void)t;
	return came_to(ioperm(0x80, 1, 1));
}

static int
change_segments(const struct theft *t)
{
	char room[16];

	CALL(modify_ldt, 0, room, sizeof(room));
}

static int
share_memory(const struct theft *t)
{
	int id = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);

	(void)t;
	return id < 0 ? errno : came_to(shmctl(id, IPC_RMID, NULL));
}

static int
send_messages(const struct theft *t)
{
	int id = msgget(IPC_PRIVATE, IPC_CREAT | 0600);

	(void)t;
	return id < 0 ? errno : came_to(msgctl(id, IPC_RMID, NULL));
}

static int
queue_messages(const struct theft *t)
{
	struct mq_attr a = { .mq_maxmsg = 1, .mq_msgsize = 8 };
	int fd = (int)syscall(SYS_mq_open, "theft", O_RDWR | O_CREAT, 0600,
	    &a);

	(void)t;
	if (fd < 0)
		return errno;
	return came_to(syscall(SYS_mq_unlink, "theft"));
}

/* As if it had been typed at somebody's terminal. */
static int
type_for_somebody(const struct theft *t)
{
	int master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	int unlock = 0, slave;

	if (master < 0)
		return came_to(ioctl(t->fd, TIOCSTI, "x"));
	(void)ioctl(master, TIOCSPTLCK, &unlock);
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
	return slave < 0 ? errno : came_to(ioctl(slave, TIOCSTI, "x"));
}

static const struct attempt theft_processes[] = {
	{ "run", run_program }, { "exec", become_program },
	{ "memfd", run_from_memory }, { "fork", be_two },
	{ "vfork", be_two_by_vfork }, { "clone3", be_two_by_clone3 },
	{ "thread", be_a_thread }, { "newuser", be_in_a_new_world },
	{ "ptrace", trace }, { "seize", seize }, { "vm-read", read_memory },
	{ "vm-write", write_memory }, { "proc-mem", open_memory },
	{ "proc-maps", open_maps }, { "own-mem", open_own_memory },
	{ "oom-score", change_own_oom_score }, { "getfd", take_descriptor },
	{ "getfd-any", take_from_any }, { "kcmp", compare_with },
	{ "robust-list", advise_other }, { "kill", signal_by_kill },
	{ "kill-group", signal_own_group }, { "tkill", signal_by_tkill },
	{ "tgkill", signal_by_tgkill }, { "sigqueue", signal_by_queue },
	{ "pidfd-signal", signal_by_pidfd }, { "setown", signal_by_owner },
	{ "fiosetown", signal_by_ioctl }, { "dnotify", signal_by_lease },
	{ "timer", signal_by_timer }, { "setpgid", leave_group },
	{ "setsid", leave_session }, { "setuid", be_root },
	{ "setresuid", be_somebody }, { "setresgid", be_in_group },
	{ "setgroups", be_in_groups }, { "capset", take_capability },
	{ "setfsuid", be_on_files_uid }, { "rlimit", raise_limit },
	{ "prlimit", limit_other }, { "dumpable", be_dumpable },
	{ "subreaper", be_traceable }, { "nice", set_priority },
	{ "attributes", set_attributes },
	{ "scheduler", set_scheduler }, { "affinity", set_affinity },
	{ "personality", be_another_person }, { "unshare", leave_namespace },
	{ "setns", enter_namespace }, { "mount", mount_one },
	{ "umount", unmount_one }, { "open-tree", open_tree_of },
	{ "fsopen", make_file_system }, { "add-key", add_a_key },
	{ "keyctl", ask_for_keys }, { "bpf", load_bpf },
	{ "io-uring", make_ring }, { "userfaultfd", catch_faults },
	{ "perf", count_events }, { "kexec", load_kernel },
	{ "module", load_module }, { "rmmod", unload_module },
	{ "hostname", name_host }, { "clock", set_clock },
	{ "dmesg", read_kernel_log }, { "ioperm", open_ports },
	{ "ldt", change_segments }, { "shm", share_memory },
	{ "msg", send_messages }, { "mq", queue_messages },
	{ "tiocsti", type_for_somebody },
	{ NULL, NULL },
};

#endif
