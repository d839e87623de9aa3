/* SPDX-License-Identifier: ISC */
/*
 * The content of DATA.  The decoder is held against a slow reference that
 * searches for CRLF.CRLF, over every sequence of the four bytes that matter
 * and in every split; then the shared table of smuggling attempts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "smtp/dot.h"

#define LONGEST	8

struct recorder {
	struct sink	sink;
	struct buf	got;
	unsigned	pieces;
	unsigned	fail_at;	/* this piece fails; 0: none */
};

static int
record(struct sink *sink, struct str s, struct fault *why)
{
	struct recorder *r = (struct recorder *)(void *)sink;

	assert_true(s.n > 0);
	if (++r->pieces == r->fail_at)
		return fault_temporary(why, 452, 3, 1, "full");
	buf_puts(&r->got, s);
	return 0;
}

static void
recorder_init(struct recorder *r)
{
	*r = (struct recorder){ .sink = { record } };
	buf_init(&r->got);
}

/* What must come out. */
struct expected {
	bool	done, bare;
	size_t	taken;
	char	content[2 * LONGEST + 8];
	size_t	n;
};

static void
refer(const char *in, size_t n, struct expected *e)
{
	char all[LONGEST + 8] = "\r\n";
	size_t i, k, from, to;

	memset(e, 0, sizeof(*e));
	memcpy(all + 2, in, n);
	e->taken = n;
	for (i = 0; i + 5 <= n + 2; i++)
		if (memcmp(all + i, "\r\n.\r\n", 5) == 0) {
			e->done = true;
			e->taken = i + 3;
			break;
		}
	for (i = 0; i < e->taken; i++) {
		if (in[i] == '\n' && (i == 0 || in[i - 1] != '\r'))
			e->bare = true;
		if (in[i] == '\r' && i + 1 < e->taken && in[i + 1] != '\n')
			e->bare = true;
	}
	to = e->done ? e->taken - 3 : e->taken;
	for (from = 0; from < to; from = i) {
		for (i = from; i < to; i++)
			if (in[i] == '\n' && i > from && in[i - 1] == '\r') {
				i++;
				break;
			}
		if (in[from] == '.') {
			from++;
			/* ".CR" so far: it may still be the end */
			if (i == to && from + 1 == i && in[from] == '\r')
				break;
		}
		for (k = from; k < i; k++)
			e->content[e->n++] = in[k];
	}
}

/* Feeds pieces of the given lengths from exact heap copies. */
static void
feed(struct dot_decoder *d, const char *in, const size_t *len, size_t pieces,
    struct recorder *r, size_t *taken)
{
	struct fault why;
	size_t i, used, at = 0;
	char *copy;

	*taken = 0;
	for (i = 0; i < pieces && !d->done; i++) {
		copy = mem_copy(in + at, len[i]);
		assert_int_equal(dot_decode(d, str_span(copy, len[i]), &used,
		    &r->sink, &why), 0);
		mem_free(copy);
		if (!d->done)
			assert_int_equal(used, len[i]);
		*taken += used;
		at += len[i];
	}
}

static void
check(const char *in, size_t n, const size_t *len, size_t pieces,
    const struct expected *e, struct recorder *r)
{
	struct dot_decoder d;
	size_t taken;

	dot_decoder_init(&d);
	buf_reset(&r->got);
	feed(&d, in, len, pieces, r, &taken);
	if (d.done != e->done || d.bare != e->bare || taken != e->taken ||
	    r->got.n != e->n ||
	    (e->n > 0 && memcmp(r->got.p, e->content, e->n) != 0)) {
		for (size_t i = 0; i < n; i++)
			print_error("%02x", (unsigned)in[i]);
		fail_msg(" split at %zu", len[0]);
	}
	assert_false(d.nul);
	assert_false(d.eight_bit);
}

static void
test_every_sequence(void **state)
{
	static const char alphabet[4] = { '\r', '\n', '.', 'x' };
	static const size_t ones[LONGEST] = { 1, 1, 1, 1, 1, 1, 1, 1 };
	/* How many sequences of 1..6 bytes end, counted by hand. */
	static const unsigned counted[] = { 0, 0, 1, 4, 17, 71 };
	struct expected e;
	struct recorder r;
	char in[LONGEST];
	size_t n, k, len[2];
	unsigned code, ends;

	(void)state;
	recorder_init(&r);
	for (n = 1; n <= LONGEST; n++) {
		ends = 0;
		for (code = 0; code < 1u << (2 * n); code++) {
			for (k = 0; k < n; k++)
				in[k] = alphabet[code >> (2 * k) & 3];
			refer(in, n, &e);
			ends += e.done;
			for (k = 0; k <= n; k++) {
				len[0] = k;
				len[1] = n - k;
				check(in, n, len, 2, &e, &r);
			}
			check(in, n, ones, n, &e, &r);
		}
		if (n <= 6)
			assert_int_equal(ends, counted[n - 1]);
	}
	buf_free(&r.got);
}

static void
test_only_crlf_dot_crlf(void **state)
{
	static const struct {
		const char	*in;
		bool		 done;
	} rows[] = {
		{ ".\r\n", true },
		{ "\r\n.\r\n", true },
		{ "a\r\n.\r\n", true },
		{ "a\r\r\n.\r\n", true },
		{ "\n.\r\n", false },
		{ "\r.\r\n", false },
		{ "a\n.\r\n", false },
		{ "a\r\n.\n", false },
		{ "a\r\n.\r", false },
		{ "a\r\n.\r\r\n", false },
		{ "a\r\n..\r\n", false },
		{ "a\r\n. \r\n", false },
		{ "a.\r\n", false },
		{ "..\r\n", false },
		{ ".\n", false },
		{ ".\r.\r\n", false },
	};
	struct recorder r;
	struct dot_decoder d;
	size_t i, len, taken;

	(void)state;
	recorder_init(&r);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		dot_decoder_init(&d);
		len = strlen(rows[i].in);
		feed(&d, rows[i].in, &len, 1, &r, &taken);
		if (d.done != rows[i].done)
			fail_msg("row %zu", i);
	}
	buf_free(&r.got);
}

static void
test_flags(void **state)
{
	static const struct {
		const char	*name;
		struct str	 in;
		bool		 nul, eight_bit, bare;
		size_t		 longest;
	} rows[] = {
		{ "plain", { "abc\r\nde\r\n.\r\n", 12 }, 0, 0, 0, 3 },
		{ "empty", { ".\r\n", 3 }, 0, 0, 0, 0 },
		{ "stuffed", { "..bc\r\n.\r\n", 9 }, 0, 0, 0, 3 },
		{ "nul", { "a\0b\r\n.\r\n", 8 }, 1, 0, 0, 3 },
		{ "latin", { "a\xe4" "b\r\n.\r\n", 8 }, 0, 1, 0, 3 },
		{ "behind", { "a\r\n.\r\n\0\xff\n\r", 10 }, 0, 0, 0, 1 },
		{ "bare lf", { "ab\ncd\r\n.\r\n", 10 }, 0, 0, 1, 5 },
		{ "bare cr", { "ab\rcd\r\n.\r\n", 10 }, 0, 0, 1, 5 },
		{ "unended", { "abcdef\r", 7 }, 0, 0, 0, 6 },
		{ "dot cr x", { ".\rx\r\n.\r\n", 8 }, 0, 0, 1, 2 },
	};
	struct dot_decoder d;
	struct recorder r;
	size_t i, k, taken, len[2];

	(void)state;
	recorder_init(&r);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (k = 0; k <= rows[i].in.n; k++) {
			dot_decoder_init(&d);
			len[0] = k;
			len[1] = rows[i].in.n - k;
			feed(&d, rows[i].in.p, len, 2, &r, &taken);
			if (d.nul != rows[i].nul || d.bare != rows[i].bare ||
			    d.eight_bit != rows[i].eight_bit ||
			    d.longest != rows[i].longest)
				fail_msg("%s, split at %zu", rows[i].name, k);
		}
	}
	buf_free(&r.got);
}

/* One high byte, wherever it lies in a long line, is seen. */
static void
test_eight_bit_everywhere(void **state)
{
	struct dot_decoder d;
	struct fault why;
	char in[100];
	size_t i, taken;

	(void)state;
	for (i = 0; i < sizeof(in); i++) {
		memset(in, 'x', sizeof(in));
		dot_decoder_init(&d);
		assert_int_equal(dot_decode(&d, str_span(in, sizeof(in)),
		    &taken, NULL, &why), 0);
		assert_false(d.eight_bit);
		in[i] = (char)0x80;
		assert_int_equal(dot_decode(&d, str_span(in, sizeof(in)),
		    &taken, NULL, &why), 0);
		assert_true(d.eight_bit);
		assert_int_equal(d.longest, 200);
	}
}

static void
test_few_pieces(void **state)
{
	struct str in = STR("one\r\ntwo\r\n\r\nthree\r\n.\r\nQUIT\r\n");
	struct str dots = STR("one\r\n..two\r\nthree\r\n");
	struct dot_decoder d;
	struct recorder r;
	struct fault why;
	size_t taken;

	(void)state;
	recorder_init(&r);
	dot_decoder_init(&d);
	assert_int_equal(dot_decode(&d, in, &taken, &r.sink, &why), 0);
	assert_true(d.done);
	assert_int_equal(in.n - taken, 6);
	assert_int_equal(r.pieces, 1);
	assert_true(str_eq(buf_str(&r.got),
	    STR("one\r\ntwo\r\n\r\nthree\r\n")));
	r.pieces = 0;
	buf_reset(&r.got);
	dot_decoder_init(&d);
	assert_int_equal(dot_decode(&d, dots, &taken, &r.sink, &why), 0);
	assert_int_equal(r.pieces, 2);
	assert_true(str_eq(buf_str(&r.got),
	    STR("one\r\n.two\r\nthree\r\n")));
	buf_free(&r.got);
}

static void
test_sink_fails(void **state)
{
	struct str in = STR("a\r\n..b\r\n..c\r\n");
	struct str end = STR("d\r\n.\r\nRSET\r\n");
	struct dot_decoder d;
	struct recorder r;
	struct fault why;
	size_t taken;

	(void)state;
	recorder_init(&r);
	r.fail_at = 2;
	dot_decoder_init(&d);
	assert_int_equal(dot_decode(&d, in, &taken, &r.sink, &why), -1);
	assert_int_equal(why.reply, 452);
	assert_int_equal(taken, in.n);
	assert_int_equal(r.pieces, 2);
	assert_int_equal(dot_decode(&d, end, &taken, NULL, &why), 0);
	assert_true(d.done);
	assert_int_equal(end.n - taken, 6);
	assert_int_equal(r.pieces, 2);
	buf_free(&r.got);
}

/*
 * The shared table: the octets stand in a body, a second transaction follows.
 */

static int
digit_of(char c)
{
	return c <= '9' ? c - '0' : c - 'a' + 10;
}

static size_t
unhex(const char *hex, char *out, size_t max)
{
	size_t n = 0;

	while (n < max && strchr("0123456789abcdef", hex[0]) != NULL &&
	    hex[0] != '\0') {
		out[n++] = (char)(digit_of(hex[0]) * 16 + digit_of(hex[1]));
		hex += 2;
	}
	return n;
}

static void
try_case(const char *octets, size_t n, bool ends)
{
	static const char head[] = "Subject: x\r\n\r\nA";
	static const char tail[] = "MAIL FROM:<evil@example.org>\r\n"
	    "RCPT TO:<victim@example.org>\r\nDATA\r\nx\r\n.\r\n";
	struct buf in;
	struct recorder r;
	struct dot_decoder d;
	size_t k, taken, len[2];

	buf_init(&in);
	recorder_init(&r);
	buf_putz(&in, head);
	buf_put(&in, octets, n);
	buf_putz(&in, tail);
	for (k = 0; k <= in.n; k++) {
		dot_decoder_init(&d);
		len[0] = k;
		len[1] = in.n - k;
		feed(&d, in.p, len, 2, &r, &taken);
		assert_true(d.done);
		assert_int_equal(taken, ends ? sizeof(head) - 1 + n : in.n);
	}
	buf_free(&in);
	buf_free(&r.got);
}

static char *
read_vectors(void)
{
	const char *dir = getenv("VECTORS");
	char path[4096], *text;
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "%s/smtp/end-of-data.json",
	    dir != NULL ? dir : "../shared/vectors");
	f = fopen(path, "re");
	if (f == NULL) {
		fprintf(stderr, "there are no vectors: %s ($VECTORS)\n", path);
		return NULL;
	}
	text = mem_alloc(1 << 20);
	n = fread(text, 1, (1 << 20) - 1, f);
	text[n] = '\0';
	fclose(f);
	return text;
}

static void
test_vectors(void **state)
{
	static const char hex[] = "\"hex\": \"";
	static const char ends[] = "\"is_end_of_data\": ";
	char *text = read_vectors(), *p, octets[64];
	size_t n, cases = 0;

	(void)state;
	if (text == NULL)
		skip();
	for (p = text; (p = strstr(p, hex)) != NULL; cases++) {
		p += sizeof(hex) - 1;
		n = unhex(p, octets, sizeof(octets));
		p = strstr(p, ends);
		assert_non_null(p);
		p += sizeof(ends) - 1;
		try_case(octets, n, *p == 't');
	}
	assert_true(cases >= 20);
	mem_free(text);
}

/*
 * The encoder.
 */

static struct dot_look
look_at(struct str in, size_t k)
{
	struct dot_look look;

	dot_look_init(&look);
	dot_look(&look, str_slice(in, 0, k));
	dot_look(&look, str_from(in, k));
	return look;
}

static bool
is_bare(struct str in, size_t k)
{
	struct dot_look look = look_at(in, k);

	return look.bare || look.cr;
}

static void
test_encode(void **state)
{
	static const struct {
		const char	*in, *out;
		bool		 needed;
	} rows[] = {
		{ "", ".\r\n", false },
		{ "a\r\n", "a\r\n.\r\n", false },
		{ "a", "a\r\n.\r\n", false },
		{ ".", "..\r\n.\r\n", true },
		{ ".\r\n", "..\r\n.\r\n", true },
		{ "..\r\n", "...\r\n.\r\n", true },
		{ "\r\n.\r\n", "\r\n..\r\n.\r\n", true },
		{ "a.b.\r\nc\r\n", "a.b.\r\nc\r\n.\r\n", false },
		{ "a\r\n.b\r\n\r\n.c\r\n", "a\r\n..b\r\n\r\n..c\r\n.\r\n",
		    true },
	};
	struct dot_encoder e;
	struct dot_look look;
	struct buf out;
	struct str in;
	size_t i, k;

	(void)state;
	buf_init(&out);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		in = str_of(rows[i].in);
		for (k = 0; k <= in.n; k++) {
			buf_reset(&out);
			dot_encoder_init(&e);
			dot_encode(&e, str_slice(in, 0, k), &out);
			dot_encode(&e, str_from(in, k), &out);
			dot_encode_end(&e, &out);
			assert_string_equal(buf_cstr(&out), rows[i].out);
			look = look_at(in, k);
			assert_int_equal(look.dots, rows[i].needed);
			assert_false(look.bare || look.cr);
			assert_int_equal(look.line_start, in.n == 0 ||
			    str_ends(in, STR("\r\n")));
		}
	}
	buf_free(&out);
}

/* Sending in a child: does it abort? */
static bool
aborts(struct str in, size_t k)
{
	struct dot_encoder e;
	struct buf out;
	int status, fd;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
		dup2(fd, STDERR_FILENO);
		signal(SIGABRT, SIG_DFL);
		buf_init(&out);
		dot_encoder_init(&e);
		dot_encode(&e, str_slice(in, 0, k), &out);
		dot_encode(&e, str_from(in, k), &out);
		dot_encode_end(&e, &out);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void
test_never_bare(void **state)
{
	static const char *const rows[] = {
		"\n", "a\nb\r\n", "a\rb\r\n", "\r", "a\r\r\n", "\n.\r\n",
		"a\r\n\n",
	};
	size_t i, k, n;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		n = strlen(rows[i]);
		for (k = 0; k <= n; k++)
			if (!aborts(str_of(rows[i]), k) ||
			    !is_bare(str_of(rows[i]), k))
				fail_msg("row %zu passes", i);
	}
	assert_false(aborts(STR("a\r\n.b\r\n"), 2));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_sequence),
		cmocka_unit_test(test_only_crlf_dot_crlf),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_eight_bit_everywhere),
		cmocka_unit_test(test_few_pieces),
		cmocka_unit_test(test_sink_fails),
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_encode),
		cmocka_unit_test(test_never_bare),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
