/* SPDX-License-Identifier: ISC */
#ifndef FAKE_CERT_H
#define FAKE_CERT_H

/*
 * Certificates that sign themselves and are good for an hour.  To be included
 * behind <cmocka.h>.
 */
#include <sys/stat.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>

/* Of this name, for this key; a key that hashes by itself has no digest. */
static inline X509 *
fake_cert(const char *name, EVP_PKEY *key, const EVP_MD *digest)
{
	X509 *x = X509_new();

	assert_non_null(x);
	assert_non_null(key);
	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -3600);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN",
	    MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(x));
	X509_set_pubkey(x, key);
	assert_true(X509_sign(x, key, digest) > 0);
	return x;
}

/* Writes what is given, for the owner alone, and frees it. */
static inline void
fake_cert_write(const char *path, X509 *x, EVP_PKEY *key)
{
	FILE *f;

	umask(077);
	f = fopen(path, "w");
	assert_non_null(f);
	if (x != NULL)
		assert_int_equal(PEM_write_X509(f, x), 1);
	if (key != NULL)
		assert_int_equal(PEM_write_PrivateKey(f, key, NULL, NULL, 0,
		    NULL, NULL), 1);
	assert_int_equal(fclose(f), 0);
	X509_free(x);
	EVP_PKEY_free(key);
}

/* The directory in which they were made; 0, or not. */
static inline int
fake_remove(const char *top)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", top);
	return system(command);
}

#endif
