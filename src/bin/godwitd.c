/* SPDX-License-Identifier: ISC */
/*
 * godwitd: the daemon's beginning.  It reads its command line and its
 * configuration, and says what is wrong with either in a way that can be acted
 * on, while there is still a terminal to say it to.  With -n that is all.
 * What comes then, privilege and processes, is the warden's; this file knows
 * nothing of mail.
 */

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf/conf.h"
#include "os/log.h"
#include "os/proc.h"
#include "warden/warden.h"

static const char usage_text[] =
    "usage: godwitd [-dn] [-f file]\n"
    "  -d        stay in the foreground\n"
    "  -f file   configuration (default " CONF_DEFAULT_PATH ")\n"
    "  -n        check the configuration and end\n"
    "  --help, --version\n";

static int
say(const char *text)
{
	fputs(text, stdout);
	return EX_OK;
}

/* A reload happens in another directory. */
static const char *
absolute(const char *path, char room[PATH_MAX])
{
	return realpath(path, room) != NULL ? room : path;
}

int
main(int argc, char **argv)
{
	struct warden_setup setup = { .path = CONF_DEFAULT_PATH,
	    .may_be_missing = true };
	struct buf errors = { 0 };
	char room[PATH_MAX];
	bool check = false;
	int c;

	proc_title_init(argc, argv);
	if (argc == 2 && strcmp(argv[1], "--help") == 0)
		return say(usage_text);
	if (argc == 2 && strcmp(argv[1], "--version") == 0)
		return say("godwitd " CONFIG_VERSION "\n");
	while ((c = getopt(argc, argv, "df:n")) != -1) {
		switch (c) {
		case 'd':
			setup.foreground = true;
			break;
		case 'f':
			setup.path = optarg;
			setup.may_be_missing = false;
			break;
		case 'n':
			check = true;
			break;
		default:
			fputs(usage_text, stderr);
			return EX_USAGE;
		}
	}
	if (optind != argc) {
		fputs(usage_text, stderr);
		return EX_USAGE;
	}
	proc_null_stdio(false);
	setup.path = absolute(setup.path, room);
	setup.conf = conf_load(setup.path, setup.may_be_missing, &errors);
	if (setup.conf == NULL || (setup.lists = lists_open(setup.conf,
	    &errors)) == NULL) {
		fputs(buf_cstr(&errors), stderr);
		conf_free(setup.conf);
		return EX_CONFIG;
	}
	if (check)
		return say("configuration: ok\n");
	return warden_run(&setup);
}
