/* SPDX-License-Identifier: ISC */
#ifndef MAIL_LEX_H
#define MAIL_LEX_H

#include <stdbool.h>
#include "base/arena.h"
#include "base/str.h"

/*
 * The words of RFC 5322 3.2: atoms, quoted strings, comments, folding white
 * space.  A cursor over the value of a header field or over a path; nothing
 * is copied but what must be unquoted.
 */
struct lex {
	struct str	rest;
	bool		utf8;	/* non-ASCII counts as text (RFC 6532);
				 * the caller checks that it is UTF-8 */
};

bool	lex_is_atext(char);
/* Skips white space, line ends of folding, and nested comments (a counter,
 * no recursion).  False when a comment does not end. */
bool	lex_skip_cfws(struct lex *);
/* One atom / dot-atom at the cursor (no CFWS skipped); false when none. */
bool	lex_atom(struct lex *, struct str *);
bool	lex_dot_atom(struct lex *, struct str *);
/* A quoted string at the cursor, unquoted into the arena; false when there
 * is none or it does not end.  With out NULL it is only skipped and the arena
 * may be NULL too. */
bool	lex_quoted(struct lex *, struct arena *, struct str *);
/* This character at the cursor? Then step over it. */
bool	lex_char(struct lex *, char);
bool	lex_at_end(const struct lex *);

#endif
