/* SPDX-License-Identifier: ISC */
/*
 * master/budget (T-33): scenarios, each a list of guests that come and go under a
 * clock of the test's own; and the table when it is full.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "master/budget.h"
#include "master/regulars.h"

enum {
	SEATS = 8192,
	START = 5000,			/* ms: no machine has just been booted */
	WHOLE_TABLE = 65536,		/* entries of the smallest one */
};

struct world {
	struct budget		*budget;
	int64_t			 now;
	struct budget_seat	 seat[SEATS];
	size_t			 n;	/* who sits, in the order of coming */
};

static const struct conf_budget plan = {
	.most = 1000, .per_client = 20, .per_network = 60,
	.new_per_client = 60, .new_per_network = 200, .new_per_second = 300,
};

static struct world *
begin(const struct conf_budget *c)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->budget = budget_new(c, NULL);
	w->now = START;
	return w;
}

static void
end(struct world *w)
{
	budget_free(w->budget);
	free(w);
}

static struct budget_guest
guest(const char *text)
{
	struct budget_guest g = { .trusted = false };

	if (!ip_parse(str_of(text), &g.ip))
		fail_msg("%s is no address", text);
	return g;
}

static struct budget_guest
user(uint32_t uid)
{
	struct budget_guest g = { .trusted = true, .is_root = uid == 0 };

	memcpy(g.ip.b, &uid, sizeof(uid));
	return g;
}

static enum budget_answer
come(struct world *w, struct budget_guest g)
{
	enum budget_answer a;

	assert_true(w->n < SEATS);
	a = budget_enter(w->budget, &g, w->now, &w->seat[w->n]);
	if (a == BUDGET_WELCOME)
		w->n++;
	return a;
}

static void
leave(struct world *w, size_t n)
{
	while (n-- > 0)
		budget_leave(w->budget, &w->seat[--w->n]);
}

/* How many of so many come in; the answer to the first who does not. */
static unsigned
crowd(struct world *w, struct budget_guest g, unsigned n,
    enum budget_answer *refusal)
{
	for (unsigned i = 0; i < n; i++)
		if ((*refusal = come(w, g)) != BUDGET_WELCOME)
			return i;
	return n;
}

/* A proxy stands for many: only what holds for all together.  Nor are those that
 * it has not named ours because it is itself. */
static void
check_proxy(bool trusted)
{
	struct conf_budget c = { .most = 100, .per_client = 2,
	    .per_network = 3, .new_per_client = 4, .new_per_network = 5 };
	struct budget *b = budget_new(&c, NULL);
	struct budget_guest g = guest("192.0.2.1");
	struct budget_seat seat, first;

	g.is_proxy = true;
	g.trusted = trusted;
	for (unsigned i = 0; i < 80; i++)
		assert_int_equal(budget_enter(b, &g, 0,
		    i == 0 ? &first : &seat), BUDGET_WELCOME);
	/* They are strangers, as far as is known. */
	assert_int_equal(budget_enter(b, &g, 0, &seat), BUDGET_FULL);
	budget_leave(b, &first);
	assert_int_equal(budget_enter(b, &g, 0, &seat), BUDGET_WELCOME);
	budget_free(b);
}

static void
test_proxy(void **state)
{
	(void)state;
	check_proxy(false);
	check_proxy(true);
}

/* Through a proxy come so many of one client; how many may stay. */
static unsigned
introduce(struct world *w, struct budget_guest client, unsigned n,
    enum budget_answer *refusal)
{
	struct budget_guest proxy = guest("198.51.100.1");
	struct budget_seat *seat;
	unsigned stay = 0;

	proxy.is_proxy = true;
	for (unsigned i = 0; i < n; i++) {
		seat = &w->seat[w->n];
		assert_int_equal(come(w, proxy), BUDGET_WELCOME);
		*refusal = budget_introduce(w->budget, &client, w->now, seat);
		if (*refusal == BUDGET_WELCOME)
			stay++;
		else
			leave(w, 1);
	}
	return stay;
}

static void
test_introduced(void **state)
{
	struct conf_budget c = { .most = 100, .per_client = 3,
	    .per_network = 5, .new_per_client = 4 };
	struct budget_guest ours = guest("203.0.113.200");
	struct world *w = begin(&c);
	enum budget_answer a;

	(void)state;
	ours.trusted = true;
	/* Those who come by themselves, and through the proxy: one count. */
	assert_int_equal(come(w, guest("203.0.113.1")), BUDGET_WELCOME);
	assert_int_equal(introduce(w, guest("203.0.113.1"), 5, &a), 2);
	assert_int_equal(a, BUDGET_CLIENT_FULL);
	assert_int_equal(come(w, guest("203.0.113.1")), BUDGET_CLIENT_FULL);
	assert_int_equal(introduce(w, guest("203.0.113.2"), 3, &a), 2);
	assert_int_equal(a, BUDGET_NETWORK_FULL);
	assert_int_equal(introduce(w, ours, 4, &a), 3);
	assert_int_equal(a, BUDGET_CLIENT_FULL);
	leave(w, w->n);
	/* What was given back is there again, but not the tokens. */
	assert_int_equal(introduce(w, guest("203.0.113.1"), 2, &a), 1);
	assert_int_equal(a, BUDGET_CLIENT_FAST);
	assert_int_equal(introduce(w, ours, 3, &a), 3);
	leave(w, w->n);
	end(w);
}

/* T-33: on a submission port as well no address that a proxy names has all the
 * seats of who has not logged in. */
static void
test_introduced_caller(void **state)
{
	struct conf_budget c = { .most = 1000, .per_client = 20 };
	struct budget_guest proxy = guest("198.51.100.1");
	struct budget_guest user = guest("203.0.113.2");
	struct world *w = begin(&c);
	enum budget_answer a;

	(void)state;
	proxy.is_proxy = proxy.submits = true;
	assert_int_equal(crowd(w, proxy, 9, &a), 9);
	for (size_t i = 0; i < 9; i++) {
		a = budget_introduce(w->budget, &(struct budget_guest){
		    .ip = guest("203.0.113.1").ip }, w->now, &w->seat[i]);
		assert_int_equal(a, i < 5 ? BUDGET_WELCOME : BUDGET_FULL);
	}
	for (size_t i = 5; i < 9; i++) {
		a = budget_introduce(w->budget, &user, w->now, &w->seat[i]);
		assert_int_equal(a, BUDGET_WELCOME);
	}
	/* From where somebody has logged in there may be more. */
	budget_log_in(w->budget, w->now, &w->seat[5]);
	assert_int_equal(crowd(w, proxy, 9, &a), 9);
	for (size_t i = 9; i < 18; i++) {
		a = budget_introduce(w->budget, &user, w->now, &w->seat[i]);
		assert_int_equal(a, BUDGET_WELCOME);
	}
	leave(w, w->n);
	end(w);
}

/* One of ours, once it is known to be that, is none of the strangers, for whom
 * 20 of 100 sessions are not to be had. */
static void
test_introduced_stranger(void **state)
{
	struct conf_budget c = { .most = 100 };
	struct budget_guest ours = guest("203.0.113.200");
	struct world *w = begin(&c);
	enum budget_answer a;

	(void)state;
	ours.trusted = true;
	assert_int_equal(introduce(w, ours, 10, &a), 10);
	assert_int_equal(crowd(w, guest("192.0.2.1"), 100, &a), 80);
	assert_int_equal(a, BUDGET_FULL);
	leave(w, 90);
	assert_int_equal(crowd(w, guest("192.0.2.1"), 100, &a), 80);
	leave(w, 80);
	end(w);
}

/* One who may name others gives his seat to whom he names, and that one to the
 * next; of what he is himself nothing stays. */
static void
test_named(void **state)
{
	struct conf_budget c = { .most = 100, .per_client = 2 };
	struct budget_guest proxy = guest("203.0.113.200");
	struct world *w = begin(&c);
	struct budget_seat *seat = &w->seat[0];
	enum budget_answer a;

	(void)state;
	proxy.trusted = true;
	assert_int_equal(crowd(w, proxy, 3, &a), 2);
	assert_int_equal(seat->rank, RANK_OURS);
	a = budget_introduce(w->budget, &(struct budget_guest){
	    .ip = guest("192.0.2.1").ip }, w->now, seat);
	assert_int_equal(a, BUDGET_WELCOME);
	assert_int_equal(seat->rank, RANK_STRANGER);
	/* There is room again for the proxy, and less for that client. */
	assert_int_equal(crowd(w, proxy, 3, &a), 1);
	assert_int_equal(crowd(w, guest("192.0.2.1"), 3, &a), 1);
	assert_int_equal(a, BUDGET_CLIENT_FULL);
	a = budget_introduce(w->budget, &(struct budget_guest){
	    .ip = guest("192.0.2.2").ip }, w->now, seat);
	assert_int_equal(a, BUDGET_WELCOME);
	assert_int_equal(crowd(w, guest("192.0.2.1"), 3, &a), 1);
	/* Who is not welcome changes nothing. */
	a = budget_introduce(w->budget, &(struct budget_guest){
	    .ip = guest("192.0.2.1").ip }, w->now, seat);
	assert_int_equal(a, BUDGET_CLIENT_FULL);
	assert_int_equal(crowd(w, guest("192.0.2.2"), 3, &a), 1);
	leave(w, w->n);
	end(w);
}

/* Whom one of ours names is a stranger among strangers, and may find no share. */
static void
test_named_stranger(void **state)
{
	struct conf_budget c = { .most = 100 };
	struct budget_guest proxy = guest("203.0.113.200");
	struct world *w = begin(&c);
	enum budget_answer a;

	(void)state;
	proxy.trusted = true;
	assert_int_equal(come(w, proxy), BUDGET_WELCOME);
	assert_int_equal(crowd(w, guest("192.0.2.1"), 100, &a), 80);
	a = budget_introduce(w->budget, &(struct budget_guest){
	    .ip = guest("192.0.2.2").ip }, w->now, &w->seat[0]);
	assert_int_equal(a, BUDGET_FULL);
	leave(w, 1);
	a = budget_introduce(w->budget, &(struct budget_guest){
	    .ip = guest("192.0.2.2").ip }, w->now, &w->seat[0]);
	assert_int_equal(a, BUDGET_WELCOME);
	assert_int_equal(come(w, guest("192.0.2.1")), BUDGET_FULL);
	leave(w, w->n);
	end(w);
}

/* ---------------------------------------------------------- scenarios --- */

/*
 * A line is a step: what happens, an address with "%" for numbers from 0 on,
 * how many try (each %'s value once, n when there is none), how many come in,
 * and what the first who does not is told.  Who "visits" leaves at once, so
 * that only the rate counts.  "later" lets so many ms pass, "leave" makes the
 * last n go.  Who submits "logs in" and stays: with whoever came last, or at
 * once.  Visitors who do something beside: a TLS handshake, one that fails, 64
 * commands in vain, a message, a login.
 */
enum deed { STAY, VISIT, OURS_STAY, OURS_VISIT, SUBMIT_STAY, SUBMIT_VISIT,
    LOG_IN, LATER, LEAVE, SHAKE, FAIL, CHATTER, DELIVER, WAS_USER };

static const struct tally tallies[] = {
	[SHAKE] = { .handshake = true },
	[FAIL] = { .handshake = true, .failed = true },
	[CHATTER] = { .idle = 64 },
	[DELIVER] = { .messages = 1 },
	[WAS_USER] = { .login = true, .messages = 1 },
};

struct step {
	enum deed		 deed;
	const char		*who;
	unsigned		 n, welcome;
	enum budget_answer	 refusal;
};

#define STEPS	8

struct scenario {
	const char		*name;
	struct conf_budget	 limits;
	struct step		 step[STEPS];
};

#define ONLY(member, value)	{ .most = 4000, .member = (value) }

static const struct scenario scenarios[] = {
	{ "so many of one address", ONLY(per_client, 3), {
	    { STAY, "192.0.2.1", 5, 3, BUDGET_CLIENT_FULL },
	    { STAY, "192.0.2.2", 1, 1, 0 },
	    { LEAVE, NULL, 2, 0, 0 },
	    { STAY, "192.0.2.1", 5, 1, BUDGET_CLIENT_FULL } } },
	{ "trusted ones are counted by address too", ONLY(per_client, 3), {
	    { OURS_STAY, "192.0.2.1", 5, 3, BUDGET_CLIENT_FULL } } },
	{ "a /64 is one client", ONLY(per_client, 3), {
	    { STAY, "2001:db8:0:1::%x", 5, 3, BUDGET_CLIENT_FULL },
	    { STAY, "2001:db8:0:2::1", 5, 3, BUDGET_CLIENT_FULL } } },
	{ "a /24 is a network", ONLY(per_network, 60), {
	    { STAY, "192.0.2.%u", 70, 60, BUDGET_NETWORK_FULL },
	    { STAY, "192.0.3.1", 1, 1, 0 },
	    { STAY, "192.0.2.255", 1, 0, BUDGET_NETWORK_FULL },
	    { OURS_STAY, "192.0.2.255", 5, 5, 0 } } },
	{ "what ours have does not count for the network",
	    ONLY(per_network, 60), {
	    { OURS_STAY, "192.0.2.%u", 100, 100, 0 },
	    { STAY, "192.0.2.200", 61, 60, BUDGET_NETWORK_FULL } } },
	{ "a /56 is a network", ONLY(per_network, 60), {
	    { STAY, "2001:db8:0:1%02x::1", 70, 50, BUDGET_NETWORK_FULL },
	    { STAY, "2001:db8:0:201::1", 1, 1, 0 },
	    { STAY, "2001:db8:0:1ff::1", 1, 0, BUDGET_NETWORK_FULL } } },
	{ "a /48 is a site", ONLY(per_network, 60), {
	    { STAY, "2001:db8:1:%x00::1", 200, 150, BUDGET_NETWORK_FULL },
	    { STAY, "2001:db8:2::1", 1, 1, 0 } } },
	{ "small networks get one at least", ONLY(per_network, 1), {
	    { STAY, "2001:db8:0:1::1", 2, 1, BUDGET_NETWORK_FULL },
	    { STAY, "192.0.2.1", 2, 1, BUDGET_NETWORK_FULL } } },
	{ "so many new ones in a minute", ONLY(new_per_client, 60), {
	    { VISIT, "192.0.2.1", 70, 60, BUDGET_CLIENT_FAST },
	    { VISIT, "192.0.2.2", 1, 1, 0 },
	    { LATER, NULL, 999, 0, 0 },
	    { VISIT, "192.0.2.1", 1, 0, BUDGET_CLIENT_FAST },
	    { LATER, NULL, 1, 0, 0 },
	    { VISIT, "192.0.2.1", 2, 1, BUDGET_CLIENT_FAST },
	    { LATER, NULL, 30 * 1000, 0, 0 },
	    { VISIT, "192.0.2.1", 40, 30, BUDGET_CLIENT_FAST } } },
	{ "a bucket holds no more than a minute's", ONLY(new_per_client, 60), {
	    { VISIT, "192.0.2.1", 60, 60, 0 },
	    { LATER, NULL, 3600 * 1000, 0, 0 },
	    { VISIT, "192.0.2.1", 70, 60, BUDGET_CLIENT_FAST } } },
	{ "numbers that do not divide a minute", ONLY(new_per_client, 7), {
	    { VISIT, "192.0.2.1", 9, 7, BUDGET_CLIENT_FAST },
	    { LATER, NULL, 8571, 0, 0 },
	    { VISIT, "192.0.2.1", 9, 0, BUDGET_CLIENT_FAST },
	    { LATER, NULL, 1, 0, 0 },
	    { VISIT, "192.0.2.1", 9, 1, BUDGET_CLIENT_FAST } } },
	{ "one a minute", ONLY(new_per_client, 1), {
	    { VISIT, "2001:db8::1", 2, 1, BUDGET_CLIENT_FAST },
	    { LATER, NULL, 59999, 0, 0 },
	    { VISIT, "2001:db8::2", 1, 0, BUDGET_CLIENT_FAST },
	    { LATER, NULL, 1, 0, 0 },
	    { VISIT, "2001:db8::3", 2, 1, BUDGET_CLIENT_FAST } } },
	{ "ours may be as fast as they like", ONLY(new_per_client, 1), {
	    { OURS_VISIT, "192.0.2.1", 500, 500, 0 },
	    { VISIT, "192.0.2.1", 2, 1, BUDGET_CLIENT_FAST } } },
	{ "a fast /24", ONLY(new_per_network, 200), {
	    { VISIT, "192.0.2.%u", 250, 200, BUDGET_NETWORK_FAST },
	    { VISIT, "192.0.3.1", 1, 1, 0 },
	    { LATER, NULL, 3000, 0, 0 },
	    { VISIT, "192.0.2.%u", 20, 10, BUDGET_NETWORK_FAST } } },
	{ "a fast /56, and a /48 of fast ones", ONLY(new_per_network, 200), {
	    { VISIT, "2001:db8:0:1%02x::1", 250, 200, BUDGET_NETWORK_FAST },
	    { VISIT, "2001:db8:0:2%02x::1", 250, 200, BUDGET_NETWORK_FAST },
	    { VISIT, "2001:db8:0:3%02x::1", 250, 200, BUDGET_NETWORK_FAST },
	    { VISIT, "2001:db8:0:4::1", 1, 0, BUDGET_NETWORK_FAST },
	    { VISIT, "2001:db8:1::1", 1, 1, 0 } } },
	{ "everybody together", ONLY(new_per_second, 300), {
	    { VISIT, "10.%u.0.1", 250, 250, 0 },
	    { VISIT, "11.%u.0.1", 250, 250, 0 },
	    { VISIT, "12.%u.0.1", 250, 100, BUDGET_FAST },
	    { OURS_VISIT, "12.0.0.1", 9, 9, 0 },
	    { LATER, NULL, 100, 0, 0 },
	    { VISIT, "13.%u.0.1", 250, 30, BUDGET_FAST },
	    { LATER, NULL, 60000, 0, 0 },
	    { VISIT, "14.0.0.1", 700, 600, BUDGET_FAST } } },
	{ "refused visitors use nothing up",
	    { .most = 4000, .new_per_client = 1, .new_per_network = 5 }, {
	    { VISIT, "192.0.2.1", 1, 1, 0 },
	    { VISIT, "192.0.2.1", 1, 0, BUDGET_CLIENT_FAST },
	    { VISIT, "192.0.2.1", 1, 0, BUDGET_CLIENT_FAST },
	    { VISIT, "192.0.2.1", 1, 0, BUDGET_CLIENT_FAST },
	    { VISIT, "192.0.2.1%u", 9, 4, BUDGET_NETWORK_FAST } } },
	{ "no limits but the whole", { .most = 700 }, {
	    { STAY, "192.0.2.1", 700, 560, BUDGET_FULL },
	    { OURS_STAY, "192.0.2.1", 700, 140, BUDGET_FULL } } },
	{ "sessions are kept for those who submit", { .most = 100 }, {
	    { STAY, "192.0.2.1", 100, 80, BUDGET_FULL },
	    { SUBMIT_STAY, "192.0.2.1", 100, 10, BUDGET_FULL },
	    { OURS_STAY, "192.0.2.2", 11, 10, BUDGET_FULL },
	    { LEAVE, NULL, 20, 0, 0 },
	    { STAY, "192.0.2.1", 1, 0, BUDGET_FULL },
	    { LEAVE, NULL, 1, 0, 0 },
	    { STAY, "192.0.2.1", 2, 1, BUDGET_FULL } } },
	{ "no address has all the seats of who has not logged in",
	    { .most = 1000, .per_client = 20 }, {
	    { SUBMIT_STAY, "192.0.2.1", 20, 5, BUDGET_FULL },
	    { SUBMIT_STAY, "192.0.2.2", 20, 5, BUDGET_FULL },
	    { OURS_STAY, "192.0.2.1", 20, 15,
		BUDGET_CLIENT_FULL },
	    { LOG_IN, NULL, 1, 0, 0 } } },
	{ "who logs in makes room for who has not", { .most = 100 }, {
	    { SUBMIT_STAY, "192.0.2.1", 20, 10, BUDGET_FULL },
	    { LOG_IN, NULL, 4, 0, 0 },
	    { SUBMIT_STAY, "192.0.2.2", 20, 4, BUDGET_FULL },
	    /* From there somebody has logged in. */
	    { SUBMIT_STAY, "192.0.2.1", 100, 86, BUDGET_FULL },
	    { OURS_STAY, "192.0.2.3", 1, 0, BUDGET_FULL } } },
	{ "strangers log in, too", { .most = 100 }, {
	    { STAY, "192.0.2.1", 100, 80, BUDGET_FULL },
	    { LOG_IN, NULL, 3, 0, 0 },
	    { STAY, "192.0.2.2", 9, 3, BUDGET_FULL },
	    { STAY, "192.0.2.1", 50, 17, BUDGET_FULL } } },
	{ "who has logged in within a day", { .most = 100 }, {
	    { WAS_USER, "192.0.2.1", 1, 1, 0 },
	    { SUBMIT_STAY, "192.0.2.2", 20, 10, BUDGET_FULL },
	    { LATER, NULL, 86399999, 0, 0 },
	    { SUBMIT_STAY, "192.0.2.1", 1, 1, 0 },
	    { LATER, NULL, 1, 0, 0 },
	    { SUBMIT_STAY, "192.0.2.1", 1, 0, BUDGET_FULL } } },
	{ "a flood on port 25 is none on the others",
	    ONLY(new_per_second, 10), {
	    { WAS_USER, "192.0.2.1", 1, 1, 0 },
	    { VISIT, "10.%u.0.1", 99, 19, BUDGET_FAST },
	    { SUBMIT_VISIT, "11.%u.0.1", 99, 20, BUDGET_FAST },
	    { SUBMIT_VISIT, "192.0.2.1", 99, 99, 0 },
	    { VISIT, "192.0.2.1", 99, 99, 0 } } },
	{ "one at least may come to log in", { .most = 3 }, {
	    { SUBMIT_STAY, "192.0.2.1", 3, 1, BUDGET_FULL } } },
	{ "those who submit take none from the others", { .most = 100 }, {
	    { OURS_STAY, "192.0.2.1", 15, 15, 0 },
	    { STAY, "192.0.2.2", 90, 80, BUDGET_FULL } } },
	{ "handshakes", ONLY(handshakes, 60), {
	    { VISIT, "192.0.2.1", 500, 500, 0 },
	    { SHAKE, "192.0.2.1", 70, 60, BUDGET_HANDSHAKES },
	    { SHAKE, "192.0.2.2", 70, 60, BUDGET_HANDSHAKES },
	    { SHAKE, "192.0.2.3", 70, 60, BUDGET_HANDSHAKES },
	    { VISIT, "192.0.2.4", 1, 0, BUDGET_HANDSHAKES },
	    { VISIT, "192.0.3.1", 1, 1, 0 },
	    { LATER, NULL, 1000, 0, 0 },
	    { SHAKE, "192.0.2.1", 3, 1, BUDGET_HANDSHAKES } } },
	{ "handshakes that fail are five times as dear",
	    ONLY(handshakes, 60), {
	    { FAIL, "2001:db8:0:1::%x", 20, 12, BUDGET_HANDSHAKES },
	    { FAIL, "2001:db8:0:2::%x", 20, 12, BUDGET_HANDSHAKES },
	    { FAIL, "2001:db8:0:3::%x", 20, 12, BUDGET_HANDSHAKES },
	    { VISIT, "2001:db8:0:4::1", 1, 0, BUDGET_HANDSHAKES },
	    { VISIT, "2001:db8:0:104::1", 1, 1, 0 } } },
	{ "handshakes of a /48 of busy networks", ONLY(handshakes, 5), {
	    { FAIL, "2001:db8:0:1%02x::1", 9, 3, BUDGET_HANDSHAKES },
	    { FAIL, "2001:db8:0:2%02x::1", 9, 3, BUDGET_HANDSHAKES },
	    { FAIL, "2001:db8:0:3%02x::1", 9, 3, BUDGET_HANDSHAKES },
	    { VISIT, "2001:db8:0:4::1", 1, 0, BUDGET_HANDSHAKES },
	    { VISIT, "2001:db8:1::1", 1, 1, 0 } } },
	{ "commands in vain, and a debt", ONLY(commands, 100), {
	    { CHATTER, "192.0.2.1", 5, 2, BUDGET_COMMANDS },
	    { VISIT, "192.0.2.2", 1, 1, 0 },
	    { LATER, NULL, 17399, 0, 0 },
	    { VISIT, "192.0.2.1", 1, 0, BUDGET_COMMANDS },
	    { LATER, NULL, 1, 0, 0 },
	    { VISIT, "192.0.2.1", 1, 1, 0 } } },
	{ "a debt is no more than a minute's", ONLY(commands, 20), {
	    { CHATTER, "192.0.2.1", 5, 1, BUDGET_COMMANDS },
	    { LATER, NULL, 62999, 0, 0 },
	    { VISIT, "192.0.2.1", 1, 0, BUDGET_COMMANDS },
	    { LATER, NULL, 1, 0, 0 },
	    { VISIT, "192.0.2.1", 1, 1, 0 } } },
	{ "ours may do what they like",
	    { .most = 100, .handshakes = 1, .commands = 1 }, {
	    { FAIL, "192.0.2.1", 9, 1, BUDGET_HANDSHAKES },
	    { OURS_VISIT, "192.0.2.1", 9, 9, 0 } } },
	{ "a place for those who have brought mail", { .most = 100 }, {
	    { DELIVER, "192.0.2.1", 1, 1, 0 },
	    { STAY, "192.0.2.2", 100, 80, BUDGET_FULL },
	    { STAY, "192.0.2.1", 100, 5, BUDGET_FULL },
	    { LEAVE, NULL, 5, 0, 0 },
	    { LATER, NULL, 86399999, 0, 0 },
	    { STAY, "192.0.2.1", 1, 1, 0 },
	    { LATER, NULL, 1, 0, 0 },
	    { STAY, "192.0.2.1", 1, 0, BUDGET_FULL } } },
	{ "a few sessions are for all", { .most = 3 }, {
	    { STAY, "192.0.2.1", 5, 3, BUDGET_FULL } } },
	{ "one session", { .most = 1 }, {
	    { STAY, "192.0.2.1", 2, 1, BUDGET_FULL },
	    { LEAVE, NULL, 1, 0, 0 },
	    { STAY, "192.0.2.1", 2, 1, BUDGET_FULL } } },
};

static struct budget_guest
who_comes(const struct step *s, unsigned i)
{
	struct budget_guest g;
	char text[64], number[16], *at;
	const char *mark = strchr(s->who, '%');

	snprintf(text, sizeof(text), "%s", s->who);
	if (mark != NULL) {
		/* "%u", "%x" or "%02x". */
		size_t n = strcspn(mark, "ux") + 1;

		snprintf(number, sizeof(number), mark[n - 1] == 'u' ? "%u" :
		    n == 2 ? "%x" : "%02x", i);
		at = text + (mark - s->who);
		snprintf(at, sizeof(text) - (size_t)(at - text), "%s%s",
		    number, mark + n);
	}
	g = guest(text);
	g.trusted = s->deed == OURS_STAY || s->deed == OURS_VISIT;
	g.submits = s->deed == SUBMIT_STAY || s->deed == SUBMIT_VISIT;
	return g;
}

static void
try_step(struct world *w, const struct scenario *c, unsigned k)
{
	const struct step *s = &c->step[k];
	enum budget_answer a, refusal = BUDGET_WELCOME;
	bool visits = s->deed == VISIT || s->deed == OURS_VISIT ||
	    s->deed == SUBMIT_VISIT || s->deed >= SHAKE;
	unsigned welcome = 0;

	for (unsigned i = 0; i < s->n; i++) {
		a = come(w, who_comes(s, i));
		if (a == BUDGET_WELCOME) {
			welcome++;
			if (s->deed >= SHAKE)
				budget_charge(w->budget, &w->seat[w->n - 1],
				    &tallies[s->deed], w->now);
			if (visits)
				leave(w, 1);
		} else if (refusal == BUDGET_WELCOME)
			refusal = a;
	}
	if (welcome != s->welcome || refusal != s->refusal)
		fail_msg("%s, step %u: %u came in, not %u; answer %d, not %d",
		    c->name, k, welcome, s->welcome, (int)refusal,
		    (int)s->refusal);
}

/* The last n who sit. */
static void
log_in(struct world *w, unsigned n)
{
	for (unsigned i = 1; i <= n; i++)
		budget_log_in(w->budget, w->now, &w->seat[w->n - i]);
}

static void
test_scenarios(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
		const struct scenario *c = &scenarios[i];
		struct world *w = begin(&c->limits);

		for (unsigned k = 0; k < STEPS && c->step[k].n > 0; k++) {
			if (c->step[k].deed == LATER)
				w->now += c->step[k].n;
			else if (c->step[k].deed == LEAVE)
				leave(w, c->step[k].n);
			else if (c->step[k].deed == LOG_IN)
				log_in(w, c->step[k].n);
			else
				try_step(w, c, k);
		}
		leave(w, w->n);
		end(w);
	}
}

/* A user of the local socket is counted by uid, root is not. */
static void
test_users(void **state)
{
	struct world *w = begin(&plan);
	enum budget_answer a;

	(void)state;
	assert_int_equal(crowd(w, user(1000), 30, &a), 20);
	assert_int_equal(a, BUDGET_CLIENT_FULL);
	assert_int_equal(crowd(w, user(1001), 30, &a), 20);
	assert_int_equal(crowd(w, user(0), 500, &a), 500);
	/* The same four bytes as an address are somebody else. */
	assert_int_equal(crowd(w, guest("232.3.0.0"), 30, &a), 20);
	end(w);
}

/* ----------------------------------------------------------- the table --- */

static struct budget_guest
numbered(uint32_t i)
{
	struct budget_guest g = { .ip = { .family = 4 } };

	g.ip.b[0] = 10;
	g.ip.b[1] = (uint8_t)(i >> 16);
	g.ip.b[2] = (uint8_t)(i >> 8);
	g.ip.b[3] = (uint8_t)i;
	return g;
}

static enum budget_answer
visit(struct world *w, struct budget_guest g)
{
	enum budget_answer a = come(w, g);

	if (a == BUDGET_WELCOME)
		leave(w, 1);
	return a;
}

/* So many of ours come and go: each leaves one idle entry. */
static void
turn(struct world *w, uint32_t from, uint32_t n)
{
	struct budget_guest g;

	for (uint32_t i = 0; i < n; i++) {
		g = numbered(from + i);
		g.trusted = true;
		assert_int_equal(visit(w, g), BUDGET_WELCOME);
	}
}

/* More clients than there are entries: the one who left first is forgotten, and
 * nobody who is there. */
static void
test_the_oldest_gives_way(void **state)
{
	const struct conf_budget c = { .most = 100, .per_client = 2,
	    .new_per_client = 3 };
	struct world *w = begin(&c);
	struct budget_guest stays = guest("192.0.2.1");
	struct budget_guest first = numbered(0), second = numbered(1);

	(void)state;
	assert_int_equal(come(w, stays), BUDGET_WELCOME);
	assert_int_equal(come(w, stays), BUDGET_WELCOME);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(visit(w, second), BUDGET_WELCOME);
		assert_int_equal(visit(w, first), BUDGET_WELCOME);
	}
	assert_int_equal(visit(w, first), BUDGET_CLIENT_FAST);
	assert_int_equal(visit(w, second), BUDGET_CLIENT_FAST);
	/* Ours take one entry each: two are in use for who stays, three for
	 * the first and the second.  One is left over when this ends. */
	turn(w, 1000, WHOLE_TABLE - 6);
	assert_int_equal(visit(w, first), BUDGET_CLIENT_FAST);
	assert_int_equal(visit(w, second), BUDGET_CLIENT_FAST);
	turn(w, 200000, 2);
	/* The second's entry is the oldest and has gone; the first, who came
	 * after, is remembered. */
	assert_int_equal(visit(w, first), BUDGET_CLIENT_FAST);
	assert_int_equal(visit(w, second), BUDGET_WELCOME);
	assert_int_equal(come(w, stays), BUDGET_CLIENT_FULL);
	end(w);
}

/* The entry of a guest's network is the oldest of all when the guest, who is
 * new, needs one more: it must not be that one. */
static void
test_a_guest_does_not_lose_its_network(void **state)
{
	const struct conf_budget c = { .most = 100, .per_network = 1 };
	struct world *w = begin(&c);

	(void)state;
	assert_int_equal(visit(w, guest("192.0.2.1")), BUDGET_WELCOME);
	/* Takes all others, and the one of 192.0.2.1, which was left first. */
	turn(w, 0, WHOLE_TABLE - 2 + 1);
	assert_int_equal(come(w, guest("192.0.2.2")), BUDGET_WELCOME);
	assert_int_equal(come(w, guest("192.0.2.3")), BUDGET_NETWORK_FULL);
	leave(w, 1);
	assert_int_equal(come(w, guest("192.0.2.3")), BUDGET_WELCOME);
	end(w);
}

/* Who has logged in, or brought mail, is not lost among any number of others. */
static void
test_users_are_remembered(void **state)
{
	const struct conf_budget c = { .most = 100 };
	struct budget_guest user = guest("192.0.2.1");
	struct tally login = { .login = true }, mail = { .messages = 1 };
	struct world *w = begin(&c);
	enum budget_answer a;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(come(w, i == 0 ? user : guest("192.0.2.2")),
		    BUDGET_WELCOME);
		budget_charge(w->budget, &w->seat[0], i == 0 ? &login : &mail,
		    w->now);
		leave(w, 1);
	}
	turn(w, 0, 2 * WHOLE_TABLE);
	assert_int_equal(crowd(w, guest("192.0.2.3"), 100, &a), 80);
	assert_int_equal(crowd(w, guest("192.0.2.2"), 100, &a), 5);
	assert_int_equal(crowd(w, user, 100, &a), 15);
	end(w);
}

/* And by the master who comes after this one, even while this one lives. */
static void
test_users_are_known_to_the_next(void **state)
{
	const struct conf_budget c = { .most = 100 };
	static _Alignas(16) char room[REGULARS_ROOM];
	struct tally login = { .login = true }, mail = { .messages = 1 };
	struct world *old = begin(&c), *w = begin(&c);
	enum budget_answer a;

	(void)state;
	budget_free(old->budget);
	budget_free(w->budget);
	old->budget = budget_new(&c, room);
	w->budget = budget_new(&c, room);
	assert_int_equal(come(old, guest("192.0.2.1")), BUDGET_WELCOME);
	budget_charge(old->budget, &old->seat[0], &login, old->now);
	assert_int_equal(come(old, guest("2001:db8::1")), BUDGET_WELCOME);
	budget_charge(old->budget, &old->seat[1], &mail, old->now);
	assert_int_equal(crowd(w, guest("192.0.2.3"), 100, &a), 80);
	assert_int_equal(crowd(w, guest("2001:db8::1"), 100, &a), 5);
	assert_int_equal(crowd(w, guest("2001:db8:0:1::1"), 100, &a), 0);
	assert_int_equal(crowd(w, guest("192.0.2.1"), 100, &a), 15);
	leave(w, w->n);
	/* A day later it is forgotten. */
	w->now += 25 * 3600 * 1000;
	assert_int_equal(crowd(w, guest("192.0.2.1"), 100, &a), 80);
	end(old);
	end(w);
}

/* More of them than there is room for: the latest are known. */
static void
test_many_regulars(void **state)
{
	static _Alignas(16) char room[REGULARS_ROOM];
	struct regulars *r = (struct regulars *)room;
	struct regular_deeds did;
	unsigned known = 0;

	(void)state;
	assert_int_equal(regulars_find(r, 1, 7).login_at, 0);
	for (int i = 1; i <= 100000; i++)
		regulars_note(r, 1, (uint64_t)i,
		    &(struct regular_deeds){ .good_at = i });
	for (int i = 1; i <= 100000; i++) {
		did = regulars_find(r, 1, (uint64_t)i);
		assert_true(did.good_at == 0 || did.good_at == i);
		known += did.good_at != 0;
	}
	assert_true(known > 15000 && known <= 16384);
	assert_int_equal(regulars_find(r, 1, 100000).good_at, 100000);
	assert_int_equal(regulars_find(r, 2, 100000).good_at, 0);
}

/* Mail from as many addresses as there is room for, and more, puts out none from
 * where users have logged in within a day; a login that is older is worth less. */
static void
test_regular_logins(void **state)
{
	static _Alignas(16) char room[REGULARS_ROOM];
	enum { LOGINS = 1000, MANY = 100000 };
	struct regulars *r = (struct regulars *)room;
	const int64_t day = REGULARS_DAY;
	unsigned known = 0, good = 0;

	(void)state;
	for (int i = 1; i <= LOGINS; i++)
		regulars_note(r, 1, (uint64_t)i,
		    &(struct regular_deeds){ .login_at = i });
	for (int i = 1; i <= MANY; i++)
		regulars_note(r, 2, (uint64_t)i,
		    &(struct regular_deeds){ .good_at = LOGINS + i });
	for (int i = 1; i <= LOGINS; i++)
		known += regulars_find(r, 1, (uint64_t)i).login_at == i;
	/* Five of one set are very few. */
	assert_true(known >= LOGINS - 20);
	for (int i = 1; i <= MANY; i++)
		good += regulars_find(r, 2, (uint64_t)i).good_at != 0;
	assert_true(good > 14000);
	for (int i = 1; i <= MANY; i++)
		regulars_note(r, 2, (uint64_t)(MANY + i),
		    &(struct regular_deeds){ .good_at = LOGINS + day + i });
	for (int i = 1; i <= LOGINS; i++)
		assert_int_equal(regulars_find(r, 1, (uint64_t)i).login_at, 0);
	/* Who finds logins only is not noted, and one who logs in is. */
	for (int i = 1; i <= MANY; i++)
		regulars_note(r, 1, (uint64_t)i,
		    &(struct regular_deeds){ .login_at = LOGINS + 2 * day });
	regulars_note(r, 2, 7,
	    &(struct regular_deeds){ .good_at = LOGINS + 2 * day + 1 });
	assert_int_equal(regulars_find(r, 2, 7).good_at, 0);
	regulars_note(r, 2, 7, &(struct regular_deeds){ .good_at = 1,
	    .login_at = LOGINS + 2 * day + 1 });
	assert_int_equal(regulars_find(r, 2, 7).good_at, 1);
}

/* Sessions that take every entry they can, in a table of the least size. */
static void
test_there_is_always_an_entry(void **state)
{
	const struct conf_budget c = { .most = WHOLE_TABLE / 4 };
	struct world *w = begin(&c);
	struct budget_seat *seat = calloc(c.most, sizeof(*seat));
	struct budget_guest g = { .submits = true, .ip = { .family = 6 } };

	(void)state;
	assert_non_null(seat);
	for (uint32_t round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < c.most; i++) {
			uint32_t who = round << 24 | i;

			memcpy(g.ip.b, &who, sizeof(who));
			assert_int_equal(budget_enter(w->budget, &g, w->now,
			    &seat[i]), BUDGET_WELCOME);
			budget_log_in(w->budget, w->now, &seat[i]);
		}
		assert_int_equal(come(w, g), BUDGET_FULL);
		for (uint32_t i = 0; i < c.most; i++)
			budget_leave(w->budget, &seat[i]);
	}
	free(seat);
	end(w);
}

/* Against plain counting: who is in is never wrong, however the table turns. */
static void
test_model(void **state)
{
	enum { CLIENTS = 400, OPEN = 300, OPERATIONS = 200000 };
	const struct conf_budget c = { .most = OPEN, .per_client = 5 };
	struct world *w = begin(&c);
	struct { struct budget_seat seat; unsigned who; } in[OPEN];
	unsigned count[CLIENTS] = { 0 }, n = 0;
	struct budget_guest g;
	uint32_t seed = 1, next = 1000;

	(void)state;
	turn(w, next, WHOLE_TABLE);
	for (int k = 0; k < OPERATIONS; k++) {
		unsigned who;

		seed = seed * 1664525 + 1013904223;
		who = (seed >> 8) % CLIENTS;
		if (n > 0 && (seed >> 4) % 2 == 0) {
			unsigned i = (seed >> 20) % n;

			budget_leave(w->budget, &in[i].seat);
			count[in[i].who]--;
			in[i] = in[--n];
			continue;
		}
		if (n == OPEN)
			continue;
		g = numbered(who);
		g.submits = true;
		if (count[who] == 5) {
			assert_int_equal(come(w, g), BUDGET_CLIENT_FULL);
			continue;
		}
		assert_int_equal(budget_enter(w->budget, &g, w->now,
		    &in[n].seat), BUDGET_WELCOME);
		in[n++].who = who;
		count[who]++;
		if (n < OPEN)
			turn(w, next++ + WHOLE_TABLE, 1);
	}
	while (n > 0)
		budget_leave(w->budget, &in[--n].seat);
	end(w);
}

/* ------------------------------------------------------- the refusals --- */

static void
test_answers_and_lines(void **state)
{
	struct world *w = begin(&plan);
	unsigned answers = 0, lines = 0;

	(void)state;
	for (int i = 0; i < 5000; i++) {
		answers += budget_may_answer(w->budget, w->now);
		lines += budget_may_log(w->budget, w->now);
	}
	assert_int_equal(answers, 1000);
	assert_int_equal(lines, 10);
	assert_int_equal(budget_unlogged(w->budget), 4990);
	assert_int_equal(budget_unlogged(w->budget), 0);
	/* Ten seconds of a flood: 1,000 answers and 5 lines in each. */
	for (int i = 0; i < 100000; i++) {
		w->now = START + 1 + i / 10;
		answers += budget_may_answer(w->budget, w->now);
		lines += budget_may_log(w->budget, w->now);
	}
	assert_in_range(answers, 10990, 11010);
	assert_in_range(lines, 58, 61);
	end(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_proxy),
		cmocka_unit_test(test_introduced),
		cmocka_unit_test(test_introduced_caller),
		cmocka_unit_test(test_introduced_stranger),
		cmocka_unit_test(test_named),
		cmocka_unit_test(test_named_stranger),
		cmocka_unit_test(test_scenarios),
		cmocka_unit_test(test_users),
		cmocka_unit_test(test_the_oldest_gives_way),
		cmocka_unit_test(test_a_guest_does_not_lose_its_network),
		cmocka_unit_test(test_users_are_remembered),
		cmocka_unit_test(test_users_are_known_to_the_next),
		cmocka_unit_test(test_many_regulars),
		cmocka_unit_test(test_regular_logins),
		cmocka_unit_test(test_there_is_always_an_entry),
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_answers_and_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
