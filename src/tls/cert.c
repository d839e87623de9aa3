/* SPDX-License-Identifier: ISC */
/*
 * Certificates and private keys from files, with errors that say what to do.
 *
 * A file is read whole and then taken apart, because a key may lie in the file
 * of its certificate, and because the owner and the mode are to be those of
 * the bytes that are read.  A link is followed: those who renew certificates
 * by themselves keep the newest one under a link.  What was read of a key is
 * wiped.
 *
 * Nothing here judges a certificate: dates and names are for the peer to
 * judge, and one that has run out still hides more than none.
 *
 * Called before privilege is given up, by tls/vault, and by tls/tls_server where
 * a key is used in the process that reads it.
 */
#include "tls/cert.h"

#include <sys/stat.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/die.h"

enum {
	FILE_LIMIT = 1024 * 1024,
	CHAIN_MAX = 10,
};

static int
refuse(struct fault *why, const char *file, const char *what)
{
	return fault_permanent(why, 554, 3, 5, "%s: %s", file, what);
}

const char *
cert_error(void)
{
	unsigned long e = ERR_peek_error();
	const char *text = e == 0 ? NULL : ERR_reason_error_string(e);

	ERR_clear_error();
	return text == NULL ? "OpenSSL does not say why" : text;
}

/* 0 or -1 with errno. */
static int
read_all(int fd, struct buf *out)
{
	ssize_t n;

	do {
		n = read(fd, buf_room(out, 4096), 4096);
		if (n > 0)
			buf_grew(out, (size_t)n);
	} while (n > 0 && out->n <= FILE_LIMIT);
	return n < 0 ? -1 : 0;
}

static int
load(const char *file, struct stat *st, struct buf *out, struct fault *why)
{
	int r, fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return refuse(why, file, strerror(errno));
	if (fstat(fd, st) < 0 || !S_ISREG(st->st_mode)) {
		close(fd);
		return refuse(why, file, "is no regular file");
	}
	/* Room for all of it at once: growing would leave copies behind. */
	if (st->st_size >= 0 && st->st_size <= FILE_LIMIT)
		(void)buf_room(out, (size_t)st->st_size + 8192);
	r = read_all(fd, out);
	close(fd);
	if (r < 0)
		return refuse(why, file, strerror(errno));
	if (out->n > FILE_LIMIT)
		return refuse(why, file, "is too long for certificates");
	return 0;
}

static void
wipe(struct buf *b)
{
	if (b->cap > 0)
		OPENSSL_cleanse(b->p, b->cap);
	buf_free(b);
}

static int
check_secret(const char *file, const struct stat *st, struct fault *why)
{
	if ((st->st_mode & (S_IRWXO | S_IWGRP)) != 0)
		return fault_permanent(why, 554, 3, 5, "%s: holds a private "
		    "key that others may read or change (mode %03o): chmod "
		    "o=,g-w %s", file, (unsigned)st->st_mode & 0777, file);
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return fault_permanent(why, 554, 3, 5, "%s: holds a private "
		    "key and belongs to user %u: chown root %s", file,
		    (unsigned)st->st_uid, file);
	return 0;
}

/* Nobody is here to type a password. */
static int
no_password(char *p, int n, int writing, void *asked)
{
	(void)p;
	(void)n;
	(void)writing;
	*(int *)asked = 1;
	return -1;
}

static int
parse_key(struct cert *c, const char *file, const struct buf *text,
    struct fault *why)
{
	int asked = 0;
	BIO *bio = BIO_new_mem_buf(text->p, (int)text->n);

	if (bio != NULL)
		c->key = PEM_read_bio_PrivateKey(bio, NULL, no_password,
		    &asked);
	BIO_free(bio);
	ERR_clear_error();
	if (c->key != NULL)
		return 0;
	return refuse(why, file, asked ? "the private key is locked with a "
	    "password; unlock it: openssl pkey -in OLD -out NEW" :
	    "there is no private key (PEM) in it");
}

static int
parse_chain(struct cert *c, const char *file, const struct buf *text,
    struct fault *why)
{
	BIO *bio = BIO_new_mem_buf(text->p, (int)text->n);
	X509 *above;

	if (bio != NULL)
		c->leaf = PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL);
	c->chain = sk_X509_new_null();
	while (c->leaf != NULL && c->chain != NULL &&
	    sk_X509_num(c->chain) < CHAIN_MAX &&
	    (above = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
		if (sk_X509_push(c->chain, above) == 0)
			X509_free(above);
	BIO_free(bio);
	ERR_clear_error();
	if (c->leaf == NULL || c->chain == NULL)
		return refuse(why, file, "there is no certificate (PEM) in "
		    "it");
	return 0;
}

static int
load_key(struct cert *c, const char *file, struct fault *why)
{
	struct buf text = { 0 };
	struct stat st;
	int r = load(file, &st, &text, why);

	if (r == 0)
		r = parse_key(c, file, &text, why);
	if (r == 0)
		r = check_secret(file, &st, why);
	wipe(&text);
	return r;
}

static int
load_chain(struct cert *c, const char *file, struct fault *why)
{
	struct buf text = { 0 };
	struct stat st;
	int r = load(file, &st, &text, why);

	if (r == 0)
		r = parse_chain(c, file, &text, why);
	wipe(&text);
	return r;
}

int
cert_load(struct cert *c, const char *file, const char *key_file,
    struct fault *why)
{
	memset(c, 0, sizeof(*c));
	if (key_file == NULL)
		key_file = file;
	if (load_chain(c, file, why) == 0 && load_key(c, key_file, why) == 0) {
		if (X509_check_private_key(c->leaf, c->key) == 1)
			return 0;
		ERR_clear_error();
		refuse(why, key_file, "the private key does not belong to the "
		    "certificate; was only one of the two renewed?");
	}
	cert_free(c);
	return -1;
}

/* ---- to another process and back ---- */

static void
write_one(X509 *x, struct buf *out)
{
	unsigned char *der = NULL;
	uint8_t head[4];
	int n = i2d_X509(x, &der);

	if (n < 0)
		die("certificate: %s", cert_error());
	bytes_put_le32(head, (uint32_t)n);
	buf_put(out, head, sizeof(head));
	buf_put(out, der, (size_t)n);
	OPENSSL_free(der);
}

void
cert_write(const struct cert *c, struct buf *out)
{
	int n = sk_X509_num(c->chain);
	uint8_t count = (uint8_t)(n + 1);

	buf_put(out, &count, 1);
	write_one(c->leaf, out);
	for (int i = 0; i < n; i++)
		write_one(sk_X509_value(c->chain, i), out);
}

static X509 *
read_one(struct str *rest)
{
	const unsigned char *p = (const unsigned char *)rest->p;
	uint32_t n;
	X509 *x;

	if (rest->n < 4 || (n = bytes_get_le32(p)) > rest->n - 4)
		return NULL;
	p += 4;
	x = d2i_X509(NULL, &p, (long)n);
	ERR_clear_error();
	*rest = str_from(*rest, 4 + (size_t)n);
	return x;
}

int
cert_read(struct cert *c, struct str *rest)
{
	unsigned count = rest->n == 0 ? 0 : (unsigned char)rest->p[0];
	X509 *above;

	memset(c, 0, sizeof(*c));
	*rest = str_from(*rest, 1);
	c->chain = sk_X509_new_null();
	if (count > 0 && c->chain != NULL)
		c->leaf = read_one(rest);
	for (unsigned i = 1; c->leaf != NULL && i < count; i++) {
		above = read_one(rest);
		if (above == NULL || sk_X509_push(c->chain, above) == 0) {
			X509_free(above);
			cert_free(c);
			return -1;
		}
	}
	if (c->leaf != NULL)
		return 0;
	cert_free(c);
	return -1;
}

void
cert_free(struct cert *c)
{
	X509_free(c->leaf);
	sk_X509_pop_free(c->chain, X509_free);
	EVP_PKEY_free(c->key);
	memset(c, 0, sizeof(*c));
}

const char *
cert_type(const struct cert *c)
{
	const char *name = EVP_PKEY_get0_type_name(c->key);

	return name == NULL ? "unknown" : name;
}
