/* SPDX-License-Identifier: ISC */
/*
 * What is done to a process so that it can do less, and what makes a program
 * a daemon.
 *
 * Called by the programs at start and by whoever forks.  Nothing here decides
 * anything; most of it cannot fail in a way that somebody could mend, and
 * where that is so the function returns nothing.
 *
 * The pid file is locked with fcntl(2), not flock(2): a lock of that kind
 * belongs to the process alone, so a child that outlives the daemon does not
 * keep the next one from starting.
 *
 * The title is written over the strings that the kernel gave to main(); they
 * are copied away first, so that argv and the environment stay valid.
 */
#include "os/proc.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/die.h"
#include "base/mem.h"
#include "base/text.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED	1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define SANITIZED	1
#endif
#ifndef SANITIZED
#define SANITIZED	0
#endif

/* An allocator that tells its top, and a fork that leaves the library alone. */
#ifdef __GLIBC__
#define HAVE_HEAP_TOP	(__GLIBC_PREREQ(2, 33) && !SANITIZED)
#define HAVE_FORK_ALONE	__GLIBC_PREREQ(2, 34)
#else
#define HAVE_HEAP_TOP	0
#define HAVE_FORK_ALONE	0
#endif

#define CHILD_HEAP	(96 * 1024)	/* a session's needs are half of it */
#define NICE_MOST	19
#define CHUNK_HEAD	(2 * sizeof(size_t))	/* of what malloc(3) gives */
#define PAGE		4096		/* no smaller anywhere */

static const char OOM_PATH[] = "/proc/self/oom_score_adj";
static const char PATH_FIXED[] = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin";

/* The memory that ps(1) shows, and the pipe to the one who started us. */
static char *title;
static size_t title_size;
static int ready_fd = -1;

int
proc_harden(struct fault *why)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) == -1)
		return fault_system(why, errno, "no_new_privs");
	return proc_conceal(why);
}

int
proc_conceal(struct fault *why)
{
	struct rlimit none = { 0, 0 };

	/* The leak check of a sanitizer traces its own process.  Within a
	 * sandbox it can only be asked. */
	if (!SANITIZED && prctl(PR_GET_DUMPABLE, 0L, 0L, 0L, 0L) != 0 &&
	    prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L) == -1)
		return fault_system(why, errno, "not dumpable");
	if (setrlimit(RLIMIT_CORE, &none) == -1)
		return fault_system(why, errno, "no core files");
	umask(077);
	return 0;
}

void
proc_clear_environment(void)
{
	const char *tz = getenv("TZ");
	char *kept = tz == NULL ? NULL : mem_copy(tz, strlen(tz));

	if (clearenv() != 0 || setenv("PATH", PATH_FIXED, 1) == -1 ||
	    setenv("LANG", "C", 1) == -1 ||
	    (kept != NULL && setenv("TZ", kept, 1) == -1))
		die("environment cannot be set");
	mem_free(kept);
}

static int
compare(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	return (x > y) - (x < y);
}

/* An old kernel makes us go one by one. */
void
proc_close_span(unsigned first, unsigned last)
{
	struct rlimit files;
	unsigned fd;

	if (first > last || close_range(first, last, 0) == 0)
		return;
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur <= last)
		last = files.rlim_cur == 0 ? 0 : (unsigned)files.rlim_cur - 1;
	for (fd = first; fd <= last; fd++)
		close((int)fd);
}

void
proc_close_all_but(const int *keep, size_t n)
{
	unsigned from = 3;
	size_t i;
	int *sorted = mem_array(n + 1, sizeof(*sorted));

	if (n > 0) {
		memcpy(sorted, keep, n * sizeof(*sorted));
		qsort(sorted, n, sizeof(*sorted), compare);
	}
	for (i = 0; i < n; i++) {
		if (sorted[i] < (int)from)
			continue;
		proc_close_span(from, (unsigned)sorted[i] - 1);
		from = (unsigned)sorted[i] + 1;
	}
	proc_close_span(from, UINT32_MAX);
	mem_free(sorted);
}

void
proc_null_stdio(bool also_open)
{
	int fd, null;

	if ((null = open("/dev/null", O_RDWR | O_CLOEXEC)) == -1)
		die("open /dev/null: %s", strerror(errno));
	for (fd = 0; fd <= 2; fd++) {
		if (fd == null)
			fcntl(fd, F_SETFD, 0);
		else if (also_open || fcntl(fd, F_GETFD) == -1)
			dup2(null, fd);
	}
	if (null > 2)
		close(null);
}

/* Waits for the child's word and goes.  Only _exit(): what is buffered or
 * registered belongs to the child now. */
static void __attribute__((noreturn))
await_ready(int fd)
{
	ssize_t n;
	char c;

	do
		n = read(fd, &c, 1);
	while (n == -1 && errno == EINTR);
	_exit(n == 1 ? 0 : 1);
}

int
proc_detach(struct fault *why)
{
	int fd[2];
	pid_t pid;

	if (pipe2(fd, O_CLOEXEC) == -1)
		return fault_system(why, errno, "pipe");
	if ((pid = fork()) == -1) {
		close(fd[0]);
		close(fd[1]);
		return fault_system(why, errno, "fork");
	}
	if (pid != 0) {
		close(fd[1]);
		await_ready(fd[0]);
	}
	close(fd[0]);
	ready_fd = fd[1];
	if (setsid() == -1)
		return fault_system(why, errno, "setsid");
	return 0;
}

void
proc_detach_ready(void)
{
	if (ready_fd == -1)
		return;
	(void)!write(ready_fd, "", 1);
	close(ready_fd);
	ready_fd = -1;
}

void
proc_notify_ready(void)
{
	static const char word[] = "READY=1";
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	size_t n = path == NULL ? 0 : strlen(path);
	int fd;

	if (n < 2 || n > sizeof(to.sun_path) ||
	    (path[0] != '/' && path[0] != '@'))
		return;
	memcpy(to.sun_path, path, n);
	if (path[0] == '@')
		to.sun_path[0] = '\0';
	if ((fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) == -1)
		return;
	n += offsetof(struct sockaddr_un, sun_path);
	(void)sendto(fd, word, sizeof(word) - 1, MSG_NOSIGNAL,
	    (struct sockaddr *)&to, (socklen_t)n);
	close(fd);
}

#if HAVE_HEAP_TOP
/* Where the heap still grows. */
static char *
heap_top(void)
{
	return (char *)sbrk(0) - mallinfo2().keepcost;
}
#endif

/* Holes lie below the top.  Large ones are filled first: a piece of one leaves a
 * smaller one behind.  Then comes so much that no child need ask for more, from
 * the beginning of a page on, which may do for one that only waits. */
void
proc_fill_heap(void)
{
#if HAVE_HEAP_TOP
	char *top = heap_top(), *volatile p;	/* or no memory is taken */
	size_t left;

	for (size_t n = 64 * 1024; n >= 24; n = n > 1024 ? n / 2 : n - 16)
		do
			p = malloc(n);
		while (p != NULL && p < top);
	p = malloc(CHILD_HEAP);
	free(p);
	left = -(uintptr_t)heap_top() % PAGE;
	if (left >= 2 * CHUNK_HEAD)
		p = malloc(left - CHUNK_HEAD);
#endif
}

/* Has the linker written into text that cannot be written? */
static bool
is_relocated(const struct dl_phdr_info *object)
{
	const ElfW(Dyn) *d = NULL;

	for (size_t i = 0; i < object->dlpi_phnum; i++)
		if (object->dlpi_phdr[i].p_type == PT_DYNAMIC)
			d = (const void *)(object->dlpi_addr +
			    object->dlpi_phdr[i].p_vaddr);
	for (; d != NULL && d->d_tag != DT_NULL; d++)
		if (d->d_tag == DT_TEXTREL || (d->d_tag == DT_FLAGS &&
		    (d->d_un.d_val & DF_TEXTREL) != 0))
			return true;
	return false;
}

/* What can be written may have been, and stays. */
static int
drop_pages(struct dl_phdr_info *object, size_t size, void *ctx)
{
	const ElfW(Phdr) *s = object->dlpi_phdr;
	uintptr_t start, end;

	(void)size;
	(void)ctx;
	if (is_relocated(object))
		return 0;
	for (; s < object->dlpi_phdr + object->dlpi_phnum; s++) {
		if (s->p_type != PT_LOAD || (s->p_flags & PF_W) != 0)
			continue;
		start = object->dlpi_addr + s->p_vaddr;
		end = start + s->p_memsz;
		start -= start % PAGE;
		(void)madvise((void *)start, end - start, MADV_DONTNEED);
	}
	return 0;
}

void
proc_settle(void)
{
	(void)dl_iterate_phdr(drop_pages, NULL);
}

pid_t
proc_fork(void)
{
#if HAVE_FORK_ALONE
	return _Fork();
#else
	return fork();
#endif
}

unsigned
proc_processors(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) == -1)
		return 1;
	return (unsigned)CPU_COUNT(&set);
}

void
proc_die_with_parent(void)
{
	prctl(PR_SET_PDEATHSIG, (long)SIGKILL, 0L, 0L, 0L);
}

/* Copies the strings of a vector that ends with NULL and lie one behind the
 * other from *end on, and moves *end behind the last of them. */
static void
move_strings(char **v, char **end)
{
	size_t n;

	for (; *v != NULL; v++) {
		n = strlen(*v);
		if (*v == *end)
			*end += n + 1;
		*v = mem_copy(*v, n);
	}
}

void
proc_title_init(int argc, char **argv)
{
	char *start, *end;

	if (argc == 0 || title != NULL)
		return;
	start = end = argv[0];
	move_strings(argv, &end);
	if (environ != NULL)
		move_strings(environ, &end);
	title = start;
	title_size = (size_t)(end - start);
}

void
proc_title(const char *fmt, ...)
{
	char text[128];
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	(void)text_vprint(text, sizeof(text), fmt, ap);
	va_end(ap);
	prctl(PR_SET_NAME, text, 0L, 0L, 0L);
	if (title_size == 0)
		return;
	n = strlen(text);
	if (n > title_size - 1)
		n = title_size - 1;
	memcpy(title, text, n);
	memset(title + n, 0, title_size - n);
}

static void
limit(int what, rlim_t value)
{
	struct rlimit now, next = { value, value };

	if (getrlimit((__rlimit_resource_t)what, &now) == 0 &&
	    now.rlim_max < value && geteuid() != 0)
		next.rlim_cur = next.rlim_max = now.rlim_max;
	setrlimit((__rlimit_resource_t)what, &next);
}

void
proc_forbid_fork(void)
{
	struct rlimit none = { 0, 0 };

	(void)setrlimit(RLIMIT_NPROC, &none);
}

void
proc_limit(const struct proc_limits *limits)
{
	/* A sanitizer reserves terabytes of addresses. */
	if (limits->memory != 0 && !SANITIZED)
		limit(RLIMIT_AS, limits->memory);
	if (limits->file_size != 0)
		limit(RLIMIT_FSIZE, limits->file_size);
	if (limits->files > 0)
		limit(RLIMIT_NOFILE, (rlim_t)limits->files);
	if (limits->no_fork)
		proc_forbid_fork();
}

void
proc_limit_cpu(unsigned warn, unsigned most)
{
	struct rlimit r = { warn, most };

	(void)setrlimit(RLIMIT_CPU, &r);
}

/* As sched_setattr(2) has it: the C library has no name for it, and setpriority(2)
 * is no call for a sandbox, since it can slow down others. */
struct attributes {
	uint32_t	size, policy;
	uint64_t	flags;
	int32_t		nice;
	uint32_t	priority;
	uint64_t	runtime, deadline, period;
};

static void
be_nicer(void)
{
	struct attributes a = { .size = sizeof(a) };

	if (syscall(SYS_sched_getattr, 0L, &a, sizeof(a), 0L) == -1)
		return;
	a.size = sizeof(a);
	a.nice = a.nice + PROC_NICER > NICE_MOST ? NICE_MOST :
	    a.nice + PROC_NICER;
	(void)syscall(SYS_sched_setattr, 0L, &a, 0L);
}

bool
proc_give_way(unsigned last)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_CPU, &r) == -1 || r.rlim_cur >= last)
		return false;
	r.rlim_cur = last;
	if (setrlimit(RLIMIT_CPU, &r) == -1)
		return false;
	be_nicer();
	return true;
}

int
proc_oom_score(void)
{
	int fd = open(OOM_PATH, O_RDONLY | O_CLOEXEC);
	char text[16];
	ssize_t n;

	if (fd == -1)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return (int)strtol(text, NULL, 10);
}

void
proc_set_oom_score(int score)
{
	int fd = open(OOM_PATH, O_WRONLY | O_CLOEXEC);
	char text[16];
	size_t n;

	if (fd == -1)
		return;
	score = score < -1000 ? -1000 : score > 1000 ? 1000 : score;
	n = text_print(text, sizeof(text), "%d", score);
	(void)!write(fd, text, n);
	close(fd);
}

static int
write_pid(int fd, const char *path, struct fault *why)
{
	char text[32];
	size_t n;

	n = text_print(text, sizeof(text), "%d\n", (int)getpid());
	if (fchmod(fd, 0644) == -1 || ftruncate(fd, 0) == -1 ||
	    pwrite(fd, text, n, 0) != (ssize_t)n)
		return fault_system(why, errno, "write %s", path);
	return 0;
}

int
proc_pidfile(const char *path, struct fault *why)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd;

	fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd == -1)
		return fault_system(why, errno, "open %s", path);
	if (fcntl(fd, F_SETLK, &lock) == -1) {
		if (fcntl(fd, F_GETLK, &lock) == -1 || lock.l_type == F_UNLCK)
			lock.l_pid = 0;
		close(fd);
		return fault_temporary(why, 451, 3, 0,
		    "%s: held by process %d, which is running already",
		    path, (int)lock.l_pid);
	}
	if (write_pid(fd, path, why) == -1) {
		close(fd);
		return -1;
	}
	return fd;
}
