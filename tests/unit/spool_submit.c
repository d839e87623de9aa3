/* SPDX-License-Identifier: ISC */
/*
 * spool/submit: what was written is what is stored, however it was split; and
 * whatever goes wrong on the way leaves nothing behind.  All of it twice, with
 * unnamed files and with temporary names.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/resource.h>
#include <sys/wait.h>
#include <errno.h>
#include <seccomp.h>
#include <signal.h>

#include "base/mem.h"
#include "fake_spool.h"
#include "os/clock.h"
#include "os/dir.h"
#include "os/proc.h"
#include "os/sandbox.h"
#include "spool/temp.h"

#define HEAD	"Received: from client.example\r\n\tby mx.example.org\r\n"
#define SMALL	"Subject: x\r\n\r\none\r\n.two\r\n\0\377\r\n"

static void
begin(struct fake_spool *f, struct submission *s, const char *name,
    uint64_t hint)
{
	struct envelope env = fake_envelope(f, "ann@example.com",
	    "joe@example.org eve@example.org");
	struct fault why;

	submit_init(s, &f->spool);
	if (submit_begin(s, &env, name, hint, &why) < 0)
		fail_msg("%s", why.text);
}

/* The stored entry sends head and content, and holds content, then head. */
static void
check(struct fake_spool *f, const char *name, struct str head,
    struct str content)
{
	struct message m;
	struct fault why;
	struct buf sent = { 0 };

	fake_open(f, name, true, &m);
	assert_int_equal(message_load(&m, &why), MESSAGE_OK);
	for (uint32_t i = 0; i < m.super.nparts; i++)
		buf_puts(&sent, m.parts[i]);
	assert_int_equal(message_size(&m), sent.n);
	assert_int_equal(sent.n, head.n + content.n);
	assert_true(str_eq(str_slice(buf_str(&sent), 0, head.n), head));
	assert_true(str_eq(str_from(buf_str(&sent), head.n), content));
	assert_true(str_eq(str_span(m.memory + m.super.content_offset,
	    content.n), content));
	assert_int_equal(m.super.total, m.super.content_offset + content.n +
	    head.n);
	assert_string_equal(m.super.name, name);
	message_close(&m);
	buf_free(&sent);
}

/* Writes content in pieces of the given size and commits. */
static void
write_in_pieces(struct fake_spool *f, struct str content, size_t piece,
    uint64_t hint, char name[SPOOL_NAME_MAX])
{
	struct submission s;
	struct fault why;

	begin(f, &s, NULL, hint);
	for (size_t at = 0; at < content.n; at += piece) {
		assert_int_equal(submit_size(&s), at);
		assert_int_equal(sink_write(&s.sink,
		    str_slice(content, at, at + piece), &why), 0);
	}
	assert_int_equal(submit_size(&s), content.n);
	if (submit_commit(&s, STR(HEAD), NULL, &why) < 0)
		fail_msg("%s", why.text);
	memcpy(name, s.name, SPOOL_NAME_MAX);
	submit_free(&s);
}

static void
test_small_splits(void **state)
{
	struct fake_spool *f = *state;
	struct str content = STR(SMALL);
	char name[SPOOL_NAME_MAX];
	struct submission s;
	struct fault why;

	for (size_t i = 0; i <= content.n; i++) {
		begin(f, &s, NULL, 0);
		assert_int_equal(sink_write(&s.sink, str_slice(content, 0, i),
		    &why), 0);
		assert_int_equal(sink_write(&s.sink, str_from(content, i),
		    &why), 0);
		assert_int_equal(submit_commit(&s, STR(HEAD), NULL, &why), 0);
		memcpy(name, s.name, sizeof(name));
		submit_release(&s);
		submit_free(&s);
		check(f, name, STR(HEAD), content);
	}
	write_in_pieces(f, content, 1, 0, name);
	check(f, name, STR(HEAD), content);
	assert_int_equal(fake_count(f, "q"), content.n + 2);
}

static char *
make_large(size_t n)
{
	char *p = malloc(n);

	for (size_t i = 0; i < n; i++)
		p[i] = (char)(i * 2654435761u >> 13);
	return p;
}

static void
test_large_splits(void **state)
{
	enum { Q = 256 * 1024 };
	static const size_t sizes[] = { Q - 1, Q, Q + 1, 2 * Q, 3 * Q + 77,
	    1024 * 1024 + 5 };
	static const size_t pieces[] = { 4093, 65536, Q - 1, Q, Q + 1,
	    1 << 30 };
	struct fake_spool *f = *state;
	char *p = make_large(2 * 1024 * 1024);
	char name[SPOOL_NAME_MAX];
	struct fault why;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		for (size_t k = 0; k < sizeof(pieces) / sizeof(pieces[0]);
		    k++) {
			write_in_pieces(f, str_span(p, sizes[i]), pieces[k],
			    k % 2 * sizes[i], name);
			check(f, name, STR(HEAD), str_span(p, sizes[i]));
			assert_int_equal(spool_remove(&f->spool, name, &why),
			    0);
		}
	free(p);
}

static void
test_parts(void **state)
{
	static const struct {
		const char	*head, *content;
		uint32_t	 nparts;
	} rows[] = { { "", "", 0 }, { HEAD, "", 1 }, { "", "A: b\r\n", 1 },
	    { HEAD, "A: b\r\n", 2 } };
	struct fake_spool *f = *state;
	struct envelope env = fake_envelope(f, "", "joe@example.org");
	char name[SPOOL_NAME_MAX];
	struct message m;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fake_submit(f, &env, NULL, str_of(rows[i].head),
		    str_of(rows[i].content), name);
		check(f, name, str_of(rows[i].head), str_of(rows[i].content));
		fake_open(f, name, false, &m);
		assert_int_equal(m.super.nparts, rows[i].nparts);
		message_close(&m);
	}
}

/* One struct for one transaction after the other, as a session uses it. */
static void
test_used_again(void **state)
{
	struct fake_spool *f = *state;
	struct envelope env = fake_envelope(f, "", "joe@example.org");
	char name[SPOOL_NAME_MAX], *large = make_large(300000);
	struct submission s;
	struct fault why;

	submit_init(&s, &f->spool);
	assert_int_equal(submit_begin(&s, &env, NULL, 0, &why), 0);
	assert_int_equal(sink_write(&s.sink, str_span(large, 300000), &why),
	    0);
	submit_abort(&s);
	submit_abort(&s);
	assert_false(s.is_void);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(submit_begin(&s, &env, NULL, 0, &why), 0);
		assert_int_equal(submit_size(&s), 0);
		assert_int_equal(sink_write(&s.sink, STR(SMALL), &why), 0);
		assert_int_equal(submit_commit(&s, STR(HEAD), NULL, &why), 0);
		memcpy(name, s.name, sizeof(name));
		submit_release(&s);
		submit_abort(&s);
		check(f, name, STR(HEAD), STR(SMALL));
	}
	submit_free(&s);
	assert_int_equal(fake_count(f, "q"), 3);
	free(large);
}

static void
test_superblock(void **state)
{
	struct fake_spool *f = *state;
	struct envelope env = fake_envelope(f, "ann@example.com",
	    "a@b.example c@d.example");
	int64_t before = clock_wall_ms();
	char name[SPOOL_NAME_MAX];
	struct message m;

	env.recipients.p[1].original = fake_address(f, "list@example.org");
	fake_submit(f, &env, NULL, STR(HEAD), STR(SMALL), name);
	fake_open(f, name, true, &m);
	assert_true(m.super.arrival_wall_ms >= before);
	assert_true(m.super.arrival_wall_ms <= clock_wall_ms());
	assert_true(m.super.arrival_boot_ms <= clock_boot_ms());
	assert_memory_equal(m.super.boot_id, f->spool.boot_id, 16);
	assert_int_equal(m.super.recipients, 2);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(m.slots[i].state, SLOT_PENDING);
		assert_int_equal(m.slots[i].attempts, 0);
		assert_true(m.slots[i].next == 0);
	}
	assert_true(address_eq(&m.envelope.recipients.p[1].original,
	    &env.recipients.p[1].original));
	message_close(&m);
}

static void
test_lock(void **state)
{
	struct fake_spool *f = *state;
	struct submission s;
	struct message m;
	struct fault why;

	begin(f, &s, NULL, 0);
	assert_int_equal(sink_write(&s.sink, STR(SMALL), &why), 0);
	assert_int_equal(message_open(&m, &f->spool, s.name, true, &why),
	    MESSAGE_GONE);
	assert_int_equal(submit_commit(&s, STR_NONE, NULL, &why), 0);
	assert_int_equal(message_open(&m, &f->spool, s.name, true, &why),
	    MESSAGE_LOCKED);
	submit_release(&s);
	fake_open(f, s.name, true, &m);
	message_close(&m);
	submit_free(&s);
	assert_int_equal(fake_count(f, "q"), 1);
}

static void
test_mode(void **state)
{
	struct fake_spool *f = *state;
	char path[SPOOL_PATH_MAX];
	struct submission s;
	struct fault why;
	struct stat st;
	mode_t old = umask(007);

	f->spool.mode = 0060;
	begin(f, &s, NULL, 0);
	assert_int_equal(submit_commit(&s, STR(HEAD), NULL, &why), 0);
	assert_int_equal(fstatat(f->spool.q, spool_entry_path(s.name, path),
	    &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0060);
	assert_true((fcntl(s.fd, F_GETFD) & FD_CLOEXEC) != 0);
	submit_release(&s);
	submit_free(&s);
	umask(old);
}

/* The second of two bounces about the same. */
static void
test_same_name(void **state)
{
	static const char name[] = "01ARZ3NDEKTSV4RRFF-b1";
	struct fake_spool *f = *state;
	unsigned before = fake_open_files();
	struct submission s;
	struct fault why;
	bool exists = true;

	begin(f, &s, name, 0);
	assert_int_equal(sink_write(&s.sink, STR("first"), &why), 0);
	assert_int_equal(submit_commit(&s, STR(HEAD), &exists, &why), 0);
	assert_false(exists);
	submit_release(&s);
	submit_free(&s);
	begin(f, &s, name, 0);
	assert_int_equal(sink_write(&s.sink, STR("second"), &why), 0);
	assert_int_equal(submit_commit(&s, STR(HEAD), &exists, &why), -1);
	assert_true(exists);
	assert_false(s.is_void);
	assert_int_equal(s.fd, -1);
	submit_free(&s);
	check(f, name, STR(HEAD), STR("first"));
	assert_int_equal(fake_count(f, "q"), 1);
	assert_int_equal(fake_open_files(), before);
}

static void
test_abort_unnamed(void **state)
{
	struct fake_spool *f = *state;
	unsigned before = fake_open_files();
	char *large = make_large(600000);
	struct submission s;
	struct fault why;

	begin(f, &s, NULL, 100000);
	submit_abort(&s);
	submit_free(&s);
	begin(f, &s, NULL, 100000);
	assert_int_equal(sink_write(&s.sink, str_span(large, 600000), &why),
	    0);
	submit_free(&s);
	assert_false(s.is_void);
	assert_int_equal(fake_count(f, "q"), 0);
	assert_int_equal(fake_open_files(), before);
	free(large);
}

/* What is committed is no longer the maker's to take back. */
/* Into hold and nowhere else, and with the reason, whenever it is said. */
static void
test_hold(void **state)
{
	struct fake_spool *f = *state;

	for (int late = 0; late < 2; late++) {
		struct envelope env = fake_envelope(f, "ann@example.com",
		    "joe@example.org");
		struct submission s;
		struct message m;
		struct note note;
		struct fault why;

		submit_init(&s, &f->spool);
		if (late)
			submit_expect_hold(&s);
		else
			submit_hold(&s, STR("ask Ann"));
		assert_int_equal(submit_begin(&s, &env, NULL, 0, &why), 0);
		assert_int_equal(sink_write(&s.sink, STR(SMALL), &why), 0);
		if (late)
			submit_hold(&s, STR("ask Ann"));
		assert_int_equal(submit_commit(&s, STR(HEAD), NULL, &why), 0);
		submit_release(&s);
		assert_int_equal(fake_count(f, "q"), 0);
		assert_int_equal(message_open_at(&m, f->spool.hold, s.name,
		    s.name, true, &why), MESSAGE_OK);
		assert_int_equal(message_load(&m, &why), MESSAGE_OK);
		assert_int_equal(message_size(&m), sizeof(HEAD) + sizeof(SMALL) - 2);
		assert_true(slots_read_note(&m, 0, &note));
		assert_true(str_eq(note.text, STR("ask Ann")));
		message_close(&m);
		assert_int_equal(spool_bring_back(&f->spool, s.name, "hold",
		    &why), 0);
		check(f, s.name, STR(HEAD), STR(SMALL));
		assert_int_equal(spool_remove(&f->spool, s.name, &why), 0);
		submit_free(&s);
	}
}

static void
test_abort_committed(void **state)
{
	struct fake_spool *f = *state;
	struct submission s;
	struct message m;
	struct fault why;

	begin(f, &s, NULL, 0);
	assert_int_equal(sink_write(&s.sink, STR(SMALL), &why), 0);
	assert_int_equal(submit_commit(&s, STR(HEAD), NULL, &why), 0);
	submit_free(&s);
	assert_false(s.is_void);
	assert_int_equal(s.fd, -1);
	check(f, s.name, STR(HEAD), STR(SMALL));
	fake_open(f, s.name, true, &m);
	message_close(&m);
}

static void
test_reserve(void **state)
{
	enum { HINT = 3 * 1024 * 1024 };
	struct fake_spool *f = *state;
	struct submission s;
	struct fault why;
	struct stat st;
	char name[SPOOL_NAME_MAX];
	int probe;

	probe = openat(f->spool.root, "probe", O_RDWR | O_CREAT | O_CLOEXEC,
	    0600);
	assert_true(probe >= 0);
	begin(f, &s, NULL, HINT);
	assert_int_equal(fstat(s.fd, &st), 0);
	assert_int_equal(st.st_size, 0);
	if (fallocate(probe, FALLOC_FL_KEEP_SIZE, 0, 4096) == 0)
		assert_true(st.st_blocks * 512 >= HINT);
	close(probe);
	/* Room that was not needed is no part of the entry. */
	assert_int_equal(sink_write(&s.sink, STR(SMALL), &why), 0);
	assert_int_equal(submit_commit(&s, STR(HEAD), NULL, &why), 0);
	memcpy(name, s.name, sizeof(name));
	assert_int_equal(fstat(s.fd, &st), 0);
	assert_int_equal(st.st_size, s.super.total);
	submit_free(&s);
	assert_int_equal(spool_remove(&f->spool, name, &why), 0);
	assert_int_equal(fake_count(f, "q"), 0);
}

/* In a process of its own, which never gets such a filter off again. */
static bool
is_refused_room(struct fake_spool *f)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	struct submission s;
	struct fault why;

	if (filter == NULL || seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSPC),
	    SCMP_SYS(fallocate), 0) != 0 || seccomp_load(filter) != 0)
		return false;
	submit_init(&s, &f->spool);
	return submit_begin(&s, &(struct envelope){ .recipients = { .p =
	    &(struct recipient){ .address = { STR("joe"), STR("b.example") } },
	    .n = 1 } }, NULL, 3 * 1024 * 1024, &why) < 0 &&
	    fault_is_temporary(&why) && why.reply == 452 && s.fd == -1;
}

/* No more is ever asked for than there is: ext4 takes all of the disk before it
 * says no, and who else writes meanwhile has none. */
static void
test_no_room_to_reserve(void **state)
{
	struct fake_spool *f = *state;
	pid_t pid = fork();
	int status;

	assert_int_not_equal(pid, -1);
	if (pid == 0)
		_exit(is_refused_room(f) ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(fake_count(f, "q"), 0);
}

static void
limit_files(rlim_t n)
{
	struct rlimit r;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &r), 0);
	r.rlim_cur = n;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &r), 0);
}

/* A full disk, as far as a limit can stand for one: at every size. */
static void
test_no_room(void **state)
{
	static const rlim_t limits[] = { 0, 1, 511, 512, 600, 1024, 1100,
	    65536, 262144, 300000, 524288, 600000 };
	struct fake_spool *f = *state;
	unsigned before = fake_open_files();
	char *large = make_large(600000);
	struct submission s;
	struct fault why;

	signal(SIGXFSZ, SIG_IGN);
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		int r = 0;

		begin(f, &s, NULL, 0);
		limit_files(limits[i]);
		for (size_t at = 0; r == 0 && at < 600000; at += 50000)
			r = sink_write(&s.sink, str_span(large + at, 50000),
			    &why);
		if (r == 0)
			r = submit_commit(&s, STR(HEAD), NULL, &why);
		limit_files(RLIM_INFINITY);
		assert_int_equal(r, -1);
		assert_true(fault_is_temporary(&why));
		assert_int_equal(why.reply, 452);
		assert_int_equal(why.subject, 3);
		assert_int_equal(why.detail, 1);
		submit_free(&s);
		assert_int_equal(s.fd, -1);
		assert_int_equal(fake_open_files(), before);
	}
	for (rlim_t n = 0; n < 1500; n += 100) {
		bool exists = true;
		int r;

		begin(f, &s, NULL, 0);
		assert_int_equal(sink_write(&s.sink, STR(SMALL), &why), 0);
		limit_files(n);
		r = submit_commit(&s, STR(HEAD), &exists, &why);
		limit_files(RLIM_INFINITY);
		assert_int_equal(r, n >= s.super.total ? 0 : -1);
		assert_false(exists);
		if (r < 0)
			assert_int_equal(why.reply, 452);
		else
			assert_int_equal(spool_remove(&f->spool, s.name,
			    &why), 0);
		submit_free(&s);
	}
	signal(SIGXFSZ, SIG_DFL);
	assert_int_equal(fake_count(f, "q"), 0);
	free(large);
}

static void
test_no_spool(void **state)
{
	struct fake_spool *f = *state;
	struct envelope env = fake_envelope(f, "", "joe@example.org");
	struct spool gone = f->spool;
	struct submission s;
	struct fault why;

	gone.q = f->spool.root;		/* without XX directories */
	submit_init(&s, &gone);
	assert_int_equal(submit_begin(&s, &env, NULL, 0, &why), -1);
	assert_int_equal(why.reply, 451);
	assert_true(fault_is_temporary(&why));
	assert_int_equal(s.fd, -1);
	submit_free(&s);
	gone.q = open("/proc", O_PATH | O_CLOEXEC);
	assert_int_equal(submit_begin(&s, &env, NULL, 0, &why), -1);
	assert_int_equal(why.reply, 451);
	close(gone.q);
	submit_free(&s);
}

static void
close_shards(struct fake_spool *f)
{
	struct spool *s = &f->spool;

	s->dir_sync = true;
	for (unsigned i = 0; s->shards != NULL && i < SPOOL_SHARDS; i++)
		close(s->shards[i]);
	mem_free(s->shards);
	s->shards = mem_array(SPOOL_SHARDS, sizeof(int));
	for (unsigned i = 0; i < SPOOL_SHARDS; i++)
		s->shards[i] = -1;
}

/* The name cannot be made durable: as if it had never been; and whoever has
 * the file open already sees that it is void. */
static void
test_directory_sync_fails(void **state)
{
	struct fake_spool *f = *state;
	struct submission s;
	struct message m;
	struct fault why;
	char self[32];
	bool exists = true;
	int fd;

	close_shards(f);
	begin(f, &s, NULL, 0);
	snprintf(self, sizeof(self), "/proc/self/fd/%d", s.fd);
	fd = open(self, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(sink_write(&s.sink, STR(SMALL), &why), 0);
	assert_int_equal(submit_commit(&s, STR(HEAD), &exists, &why), -1);
	assert_int_equal(why.reply, 451);
	assert_false(exists);
	assert_true(s.is_void);
	assert_false(fake_is_queued(f, s.name));
	assert_int_equal(message_attach(&m, fd, &why), MESSAGE_VOID);
	submit_free(&s);
	for (unsigned i = 0; i < SPOOL_SHARDS; i++) {
		char shard[3];

		snprintf(shard, sizeof(shard), "%02x", i);
		f->spool.shards[i] = dir_open(f->spool.q, shard, &why);
		assert_true(f->spool.shards[i] >= 0);
	}
	begin(f, &s, NULL, 0);
	assert_int_equal(submit_commit(&s, STR(HEAD), NULL, &why), 0);
	submit_release(&s);
	assert_true(fake_is_queued(f, s.name));
	submit_free(&s);
}

/* While it is made there is one file, under no entry's name, and it is gone
 * when it has that. */
static void
test_temporary(void **state)
{
	struct fake_spool *f = *state;
	char path[SPOOL_PATH_MAX];
	struct submission s;
	struct fault why;

	f->spool.temporaries = true;
	begin(f, &s, NULL, 0);
	assert_true(s.temporary);
	assert_int_equal(fake_count(f, "q"), 1);
	assert_false(fake_is_queued(f, s.name));
	assert_int_equal(faccessat(f->spool.q, temp_path(s.name, path), F_OK,
	    0), 0);
	assert_int_equal(sink_write(&s.sink, STR(SMALL), &why), 0);
	assert_int_equal(submit_commit(&s, STR(HEAD), NULL, &why), 0);
	assert_false(s.left_over);
	assert_int_equal(fake_count(f, "q"), 1);
	submit_release(&s);
	check(f, s.name, STR(HEAD), STR(SMALL));
	submit_free(&s);
}

/* The same bounce after a crash, and while somebody is at it. */
static void
test_temporary_is_there(void **state)
{
	static const char name[] = "01ARZ3NDEKTSV4RRFF-b1";
	struct fake_spool *f = *state;
	struct envelope env = fake_envelope(f, "", "joe@example.org");
	struct submission s, other;
	struct fault why;
	int stale;

	f->spool.temporaries = true;
	stale = temp_open(&f->spool, name, false, &why);
	assert_true(stale >= 0);
	assert_int_equal(file_write(stale, "half", 4, &why), 0);
	submit_init(&s, &f->spool);
	assert_int_equal(submit_begin(&s, &env, name, 0, &why), -1);
	assert_int_equal(why.reply, 451);
	assert_int_equal(s.fd, -1);
	assert_int_equal(fake_count(f, "q"), 1);
	close(stale);
	assert_int_equal(submit_begin(&s, &env, name, 0, &why), 0);
	submit_init(&other, &f->spool);
	assert_int_equal(submit_begin(&other, &env, name, 0, &why), -1);
	submit_free(&other);
	assert_int_equal(sink_write(&s.sink, STR("whole"), &why), 0);
	assert_int_equal(submit_commit(&s, STR(HEAD), NULL, &why), 0);
	submit_free(&s);
	check(f, name, STR(HEAD), STR("whole"));
	assert_int_equal(fake_count(f, "q"), 1);
}

/* 0 when a session's sandbox lets it make an entry, of which it says that the
 * temporary name is left over; and give one up, of which it says the same. */
static int
submit_caged(struct fake_spool *f)
{
	struct envelope env = fake_envelope(f, "", "joe@example.org");
	struct sandbox_path paths[] = { { f->path, SANDBOX_CREATE } };
	struct submission s;
	struct fault why;

	if (proc_harden(&why) < 0 ||
	    sandbox_enter(SANDBOX_MASTER, paths, 1, &why) < 0)
		return 1;
	submit_init(&s, &f->spool);
	if (submit_begin(&s, &env, "01ARZ3NDEKTSV4RRFF", 0, &why) < 0 ||
	    sink_write(&s.sink, STR(SMALL), &why) < 0 ||
	    submit_commit(&s, STR(HEAD), NULL, &why) < 0)
		return 2;
	if (!s.left_over || !s.durable || s.is_void)
		return 3;
	submit_release(&s);
	if (submit_begin(&s, &env, "01ARZ3NDEKTSV4RRFG", 0, &why) < 0 ||
	    s.left_over)
		return 4;
	submit_abort(&s);
	return s.left_over && !s.is_void ? 0 : 5;
}

/* One that is large or small, and is held or not in the end, by a session that
 * may link nothing from one directory into another. */
static int
hold_late(struct fake_spool *f, size_t n, bool held)
{
	struct envelope env = fake_envelope(f, "", "joe@example.org");
	struct sandbox_path paths[2] = { { .access = SANDBOX_CREATE },
	    { .access = SANDBOX_CREATE } };
	char q[100], hold[100], *content = make_large(n);
	struct submission s;
	struct fault why;

	snprintf(q, sizeof(q), "%s/q", f->path);
	snprintf(hold, sizeof(hold), "%s/hold", f->path);
	paths[0].path = q;
	paths[1].path = hold;
	if (proc_harden(&why) < 0 ||
	    sandbox_enter(SANDBOX_MASTER, paths, 2, &why) < 0)
		return 1;
	submit_init(&s, &f->spool);
	submit_expect_hold(&s);
	if (submit_begin(&s, &env, "01ARZ3NDEKTSV4RRFF", n, &why) < 0)
		return 2;
	for (size_t i = 0; i < n; i += n / 4)
		if (sink_write(&s.sink, str_span(content + i, n / 4),
		    &why) < 0)
			return 3;
	if (held)
		submit_hold(&s, STR("late"));
	if (submit_commit(&s, STR(HEAD), NULL, &why) < 0)
		return 4;
	if (s.left_over != f->spool.temporaries)
		return 5;
	submit_free(&s);
	return s.fd == -1 && s.twin == -1 ? 0 : 6;
}

/* One that is known to be held. */
static void
test_hold_of_session(void **state)
{
	static const char name[] = "01ARZ3NDEKTSV4RRFF";
	struct fake_spool *f = *state;
	struct fault why;
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		struct envelope env = fake_envelope(f, "", "joe@example.org");
		struct sandbox_path paths[] = { { f->path, SANDBOX_CREATE } };
		struct submission s;

		submit_init(&s, &f->spool);
		submit_hold(&s, STR("early"));
		_exit(proc_harden(&why) < 0 ||
		    sandbox_enter(SANDBOX_MASTER, paths, 1, &why) < 0 ||
		    submit_begin(&s, &env, name, 0, &why) < 0 ||
		    sink_write(&s.sink, STR(SMALL), &why) < 0 ||
		    submit_commit(&s, STR(HEAD), NULL, &why) < 0 ||
		    s.left_over != f->spool.temporaries);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(temp_sweep(&f->spool, name, 0),
	    f->spool.temporaries);
	assert_int_equal(fake_count(f, "hold"), 1);
	assert_int_equal(fake_count(f, "q"), 0);
	assert_int_equal(spool_bring_back(&f->spool, name, "hold", &why), 0);
	check(f, name, STR(HEAD), STR(SMALL));
}

static void
test_hold_late_of_session(void **state)
{
	static const size_t sizes[] = { 1000, 2000000 };
	static const char name[] = "01ARZ3NDEKTSV4RRFF";
	struct fake_spool *f = *state;
	struct fault why;

	for (int i = 0; i < 4; i++) {
		size_t n = sizes[i / 2];
		bool held = i % 2 == 0;
		char *content = make_large(n);
		int status;
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0)
			_exit(hold_late(f, n, held));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
		/* The runner takes away what a session may not. */
		(void)temp_sweep(&f->spool, name, 0);
		assert_int_equal(fake_count(f, "q"), !held);
		assert_int_equal(fake_count(f, "hold"), held);
		if (held)
			assert_int_equal(spool_bring_back(&f->spool, name,
			    "hold", &why), 0);
		check(f, name, STR(HEAD), str_span(content, n));
		assert_int_equal(spool_remove(&f->spool, name, &why), 0);
		free(content);
	}
}

static void
test_temporary_of_session(void **state)
{
	struct fake_spool *f = *state;
	int status;
	pid_t pid;

	f->spool.temporaries = true;
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(submit_caged(f));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(fake_count(f, "q"), 3);
	check(f, "01ARZ3NDEKTSV4RRFF", STR(HEAD), STR(SMALL));
	assert_true(temp_sweep(&f->spool, "01ARZ3NDEKTSV4RRFF", TEMP_AGE));
	assert_false(temp_sweep(&f->spool, "01ARZ3NDEKTSV4RRFG", TEMP_AGE));
	assert_true(temp_sweep(&f->spool, "01ARZ3NDEKTSV4RRFG", 0));
	assert_int_equal(fake_count(f, "q"), 1);
	check(f, "01ARZ3NDEKTSV4RRFF", STR(HEAD), STR(SMALL));
}

static int
setup_temporaries(void **state)
{
	int r = fake_spool_setup(state);
	struct fake_spool *f = *state;

	f->spool.temporaries = true;
	return r;
}

int
main(void)
{
#define WITH(test)							\
	cmocka_unit_test_setup_teardown(test, fake_spool_setup,		\
	    fake_spool_teardown)
#define BOTH(test)							\
	WITH(test), { #test " (temporaries)", test, setup_temporaries,	\
	    fake_spool_teardown, NULL }
	const struct CMUnitTest tests[] = {
		BOTH(test_small_splits),
		WITH(test_large_splits),
		BOTH(test_parts),
		BOTH(test_used_again),
		BOTH(test_superblock),
		BOTH(test_lock),
		BOTH(test_mode),
		BOTH(test_same_name),
		BOTH(test_abort_unnamed),
		BOTH(test_hold),
		BOTH(test_abort_committed),
		BOTH(test_reserve),
		BOTH(test_no_room_to_reserve),
		BOTH(test_no_room),
		BOTH(test_no_spool),
		BOTH(test_directory_sync_fails),
		WITH(test_temporary),
		WITH(test_temporary_is_there),
		WITH(test_temporary_of_session),
		BOTH(test_hold_late_of_session),
		BOTH(test_hold_of_session),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
