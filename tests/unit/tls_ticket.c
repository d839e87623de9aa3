/* SPDX-License-Identifier: ISC */
/*
 * tls/ticket: a ticket opens while its key is there, the newest or the one before,
 * and is a full handshake afterwards, never an error.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/ssl.h>
#include <string.h>

#include "fake_cert.h"
#include "tls/ticket.h"

#define TURN_MS	(TICKET_TURN * INT64_C(1000))

static EVP_PKEY *key;
static X509 *cert;

static int
make_key(void **state)
{
	(void)state;
	key = EVP_EC_gen("P-256");
	cert = fake_cert("one.example", key, EVP_sha256());
	return 0;
}

static int
free_key(void **state)
{
	(void)state;
	X509_free(cert);
	EVP_PKEY_free(key);
	return 0;
}

static SSL_CTX *
make_server(struct tickets *t)
{
	SSL_CTX *c = SSL_CTX_new(TLS_server_method());

	assert_non_null(c);
	assert_int_equal(SSL_CTX_use_certificate(c, cert), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(c, key), 1);
	SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
	assert_true(tickets_use(t, c));
	return c;
}

/* Both ends in turns, until nothing moves any more.  What comes behind the
 * handshake are tickets. */
static void
shake_hands(SSL *server, SSL *client)
{
	char byte;

	for (int i = 0; i < 10; i++) {
		(void)SSL_do_handshake(client);
		(void)SSL_do_handshake(server);
	}
	assert_true(SSL_is_init_finished(client));
	assert_true(SSL_is_init_finished(server));
	assert_int_equal(SSL_write(server, "x", 1), 1);
	assert_int_equal(SSL_read(client, &byte, 1), 1);
}

/* A connection with the ticket, if there is one; the ticket that it brings takes
 * its place.  Was it resumed? */
static bool
connect_with(SSL_CTX *server_ctx, SSL_CTX *client_ctx, SSL_SESSION **ticket)
{
	SSL *server = SSL_new(server_ctx), *client = SSL_new(client_ctx);
	BIO *a, *b;
	bool resumed;

	assert_int_equal(BIO_new_bio_pair(&a, 0, &b, 0), 1);
	SSL_set_bio(server, a, a);
	SSL_set_bio(client, b, b);
	SSL_set_accept_state(server);
	SSL_set_connect_state(client);
	if (*ticket != NULL)
		assert_int_equal(SSL_set_session(client, *ticket), 1);
	shake_hands(server, client);
	resumed = SSL_session_reused(server) == 1;
	assert_int_equal(SSL_session_reused(client), resumed);
	SSL_SESSION_free(*ticket);
	*ticket = SSL_get1_session(client);
	(void)SSL_shutdown(client);
	(void)SSL_shutdown(server);
	SSL_free(client);
	SSL_free(server);
	return resumed;
}

static void
check_turns(int version)
{
	struct tickets *t = tickets_new(0), *other = tickets_new(0);
	SSL_CTX *server = make_server(t), *stranger = make_server(other);
	SSL_CTX *client = SSL_CTX_new(TLS_client_method());
	SSL_SESSION *now = NULL, *kept, *lost;

	SSL_CTX_set_min_proto_version(client, version);
	SSL_CTX_set_max_proto_version(client, version);
	assert_false(connect_with(server, client, &now));
	kept = SSL_SESSION_dup(now);
	lost = SSL_SESSION_dup(now);
	assert_true(connect_with(server, client, &now));
	/* Too early to turn. */
	tickets_turn(t, TURN_MS - 1);
	assert_true(connect_with(server, client, &now));
	tickets_turn(t, TURN_MS);
	assert_true(connect_with(server, client, &kept));
	/* Two turns later its key is gone. */
	tickets_turn(t, 2 * TURN_MS);
	assert_false(connect_with(server, client, &lost));
	assert_true(connect_with(server, client, &lost));
	/* What was given when it opened is of the key of that time. */
	assert_true(connect_with(server, client, &kept));
	/* A generation without these keys. */
	assert_false(connect_with(stranger, client, &kept));
	SSL_SESSION_free(now);
	SSL_SESSION_free(kept);
	SSL_SESSION_free(lost);
	SSL_CTX_free(client);
	SSL_CTX_free(server);
	SSL_CTX_free(stranger);
	tickets_free(t);
	tickets_free(other);
}

static void
test_turns_of_12(void **state)
{
	(void)state;
	check_turns(TLS1_2_VERSION);
}

static void
test_turns_of_13(void **state)
{
	(void)state;
	check_turns(TLS1_3_VERSION);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_turns_of_12),
		cmocka_unit_test(test_turns_of_13),
	};

	return cmocka_run_group_tests(tests, make_key, free_key);
}
