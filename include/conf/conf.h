/* SPDX-License-Identifier: ISC */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include <stdbool.h>
#include "base/arena.h"
#include "base/buf.h"
#include "conf/setting.h"
#include "config.h"

/*
 * The configuration as a value: read once, checked whole, never changed.
 * Every setting is declared in conf/setting (name, type, default, bounds, one
 * line of meaning), where struct conf is too; its members bear the settings'
 * names.
 */

/*
 * Reads a file; path "" or a missing default file is the safe local system.
 * All errors are collected in errors ("godwit.conf:12:8: unknown setting
 * \"hostnam\"; did you mean \"hostname\"?", a line each); NULL when there was
 * one.  may_be_missing: no file is no error.  When the process is root the
 * file must be root's and nobody else's to write.
 */
struct conf *conf_load(const char *path, bool may_be_missing,
	    struct buf *errors);
/* Is there, at this moment, the memory that loading one takes?  For a process
 * that must not die of the want of it, as the one who loads does. */
bool	conf_has_memory(void);
/* As conf_load(), of a text that is in memory already. */
struct conf *conf_parse(const char *path, struct str text,
	    struct buf *errors);
void	conf_free(struct conf *);
/*
 * Each setting with its value and where it came from ("godwit.conf:3" or
 * "default").  As text it is a configuration of its own, with the origin in a
 * comment.  As JSON it is one object: "name": {"value": ..., "from": ...}, an
 * array of these for a setting that may be repeated; values are strings.
 */
void	conf_describe(const struct conf *, struct buf *, bool json);
/* Appends "godwit.conf:3", or "default" for line 0. */
void	conf_put_origin(const struct conf *, unsigned line, struct buf *);
/* Appends a rule as it may stand in the file: "reject client in 192.0.2.1". */
void	conf_put_rule(const struct rule *, struct buf *);
/* May the one follow the other without a restart?  If not, appends the names
 * of the settings that stand in the way, parted by blanks. */
bool	conf_may_reload(const struct conf *old, const struct conf *new,
	    struct buf *names);
/* Is this domain delivered here? */
bool	conf_is_local_domain(const struct conf *, struct str domain);
/* May a session have to ask the resolver about its client?  Not where only
 * this machine can connect. */
bool	conf_asks_names(const struct conf *);
/* The path of a file in the run directory, e.g. "submit.sock". */
struct str conf_run_path(const struct conf *, struct arena *,
	    const char *name);

/* Where sessions find the doorkeeper, in the run directory. */
#define CONF_DOOR	"door.sock"
#define CONF_DEFAULT_PATH	CONFIG_SYSCONFDIR "/godwit/godwit.conf"

#endif
