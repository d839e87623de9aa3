/* SPDX-License-Identifier: ISC */
/*
 * Writes aliases as Postfix's postalias does: a hash without checksums, which
 * is verified before it is used.  With large pages and many names, so that
 * this takes more memory than a process happens to have at hand.
 *
 * usage: foreign file.db name value
 */
#include <db.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define PAGE	65536
#define NAMES	20000

static int
put(DB *db, char *name, char *value)
{
	DBT k = { .data = name }, v = { .data = value };

	k.size = (uint32_t)strlen(name) + 1;
	v.size = (uint32_t)strlen(value) + 1;
	return db->put(db, NULL, &k, &v, 0);
}

int
main(int argc, char **argv)
{
	char name[32];
	DB *db;
	int r;

	if (argc != 4 || db_create(&db, NULL, 0) != 0)
		return 1;
	r = db->set_pagesize(db, PAGE);
	if (r == 0)
		r = db->open(db, NULL, argv[1], NULL, DB_HASH,
		    DB_CREATE | DB_TRUNCATE, 0644);
	for (int i = 0; r == 0 && i < NAMES; i++) {
		snprintf(name, sizeof(name), "filler%d", i);
		r = put(db, name, argv[3]);
	}
	if (r == 0)
		r = put(db, argv[2], argv[3]);
	return r == 0 ? db->close(db, 0) : 1;
}
