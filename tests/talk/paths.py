# SPDX-License-Identifier: ISC
"""Paths of all shapes as sender and as recipient (RFC 5321 4.1.2): what is
answered and how the address is stored.  The client may relay, so that only the
shape counts.  None as the code of MAIL: the path is one for RCPT alone.
"""

LABEL = "{b*63}"
DOMAIN_189 = f"{LABEL}.{LABEL}.{'{c*61}'}"

# name, path, reply to MAIL, reply to RCPT, stored as (if not as given)
ROWS = (
    ("plain", "<a@example.com>", 250, 250, None),
    ("null", "<>", 250, 501, None),
    ("domain-case", "<a@EXAMPLE.Com>", 250, 250, "<a@example.com>"),
    ("local-case", "<Aa.Bb@example.com>", 250, 250, None),
    ("all-atext", "<!#$%&'*+-/=?^_`{|}~@example.com>", 250, 250, None),
    ("digits", "<1@2.example>", 250, 250, None),
    ("dots", "<a.b.c@example.com>", 250, 250, None),
    ("hyphen-first", "<-a@example.com>", 250, 250, None),
    ("quoted", '<"a b"@example.com>', 250, 250, None),
    ("quoted-needlessly", '<"ab"@example.com>', 250, 250, "<ab@example.com>"),
    ("quoted-pair", r'<"a\"b"@example.com>', 250, 250, None),
    ("quoted-pair-needlessly", r'<"a\b"@example.com>', 250, 250, "<ab@example.com>"),
    ("quoted-at", '<"a@b"@example.com>', 250, 250, None),
    ("quoted-angle", '<"a>b"@example.com>', 250, 250, None),
    ("quoted-empty", '<""@example.com>', 250, 250, None),
    ("quoted-two-dots", '<"a..b"@example.com>', 250, 250, None),
    ("literal-4", "<a@[192.0.2.7]>", 250, 250, None),
    ("literal-6", "<a@[IPv6:2001:DB8:0::7]>", 250, 250, "<a@[IPv6:2001:db8::7]>"),
    ("route", "<@one.example:a@example.com>", 250, 250, "<a@example.com>"),
    ("route-two", "<@one.example,@two.example:a@example.com>", 250, 250, "<a@example.com>"),
    ("blank-in-front", " <a@example.com>", 250, 250, "<a@example.com>"),
    ("local-64", "<{a*64}@example.com>", 250, 250, None),
    ("local-65", "<{a*65}@example.com>", 250, 250, None),
    ("path-256", f"<{'{a*64}'}@{DOMAIN_189}>", 250, 250, None),
    ("path-257", f"<{'{a*65}'}@{DOMAIN_189}>", 553, 553, None),
    ("label-63", "<a@{b*63}.example>", 250, 250, None),
    ("label-64", "<a@{b*64}.example>", 501, 501, None),
    ("domain-255", f"<a@{LABEL}.{LABEL}.{LABEL}.{LABEL}>", 553, 553, None),
    ("domain-256", f"<a@{LABEL}.{LABEL}.{LABEL}.{'{b*62}'}.b>", 553, 553, None),
    ("no-angles", "a@example.com", 501, 501, None),
    ("no-end", "<a@example.com", 501, 501, None),
    ("no-start", "a@example.com>", 501, 501, None),
    ("nothing", "", 501, 501, None),
    ("two-ends", "<a@example.com>>", 501, 501, None),
    ("two-starts", "<<a@example.com>", 501, 501, None),
    ("display-name", "Alice <a@example.com>", 501, 501, None),
    ("text-behind", "<a@example.com>x", 501, 501, None),
    ("comment", "<a(b)@example.com>", 501, 501, None),
    ("comment-behind", "<a@example.com> (b)", 501, 501, None),
    ("blank-inside", "<a b@example.com>", 501, 501, None),
    ("blank-at-end", "<a@example.com >", 501, 501, None),
    ("blank-before", "< a@example.com>", 501, 501, None),
    ("only-blank", "< >", 501, 501, None),
    ("dot-first", "<.a@example.com>", 501, 501, None),
    ("dot-last", "<a.@example.com>", 501, 501, None),
    ("dots-together", "<a..b@example.com>", 501, 501, None),
    ("two-ats", "<a@b@example.com>", 501, 501, None),
    ("no-local", "<@example.com>", 501, 501, None),
    ("no-domain", "<a@>", 501, 501, None),
    ("domain-dot", "<a@example.com.>", 501, 501, None),
    ("domain-two-dots", "<a@example..com>", 501, 501, None),
    ("domain-dot-first", "<a@.example.com>", 501, 501, None),
    ("domain-hyphen", "<a@-example.com>", 501, 501, None),
    ("domain-hyphen-last", "<a@example-.com>", 501, 501, None),
    ("domain-underscore", "<a@ex_ample.com>", 501, 501, None),
    ("domain-blank", "<a@exam ple.com>", 501, 501, None),
    ("literal-open", "<a@[192.0.2.7>", 501, 501, None),
    ("literal-bad", "<a@[192.0.2.256]>", 501, 501, None),
    ("literal-no-tag", "<a@[2001:db8::7]>", 501, 501, None),
    ("literal-other-tag", "<a@[x400:c=de]>", 501, 501, None),
    ("quoted-open", '<"a@example.com>', 501, 501, None),
    ("quoted-text", '<"a"b@example.com>', 501, 501, None),
    ("quoted-control", '<"a\\x01b"@example.com>', 501, 501, None),
    ("quoted-tab", '<"a\\tb"@example.com>', 501, 501, None),
    ("control", "<a\\x07b@example.com>", 501, 501, None),
    ("delete", "<a\\x7fb@example.com>", 501, 501, None),
    ("8-bit-local", "<\\xc3\\xa9@example.com>", 553, 553, None),
    ("8-bit-domain", "<a@\\xc3\\xa9.example>", 553, 553, None),
    ("8-bit-broken", "<a\\xff@example.com>", 501, 501, None),
    ("route-no-colon", "<@one.example>", 501, 501, None),
    ("route-bad", "<@one..example:a@example.com>", 501, 501, None),
    ("route-empty", "<@:a@example.com>", 501, 501, None),
    ("route-local-only", "<@one.example:a>", 501, 501, None),
)


def escape(text):
    """A backslash of the table is one, but for \\xNN and \\t."""
    for mark in ("\\\\", '\\"', "\\b"):
        text = text.replace(mark, "\\" + mark)
    return text


def cases():
    for name, path, mail, rcpt, stored in ROWS:
        stored = stored or path
        steps = ["@peer 127.0.0.1", "to greeted", f"C| MAIL FROM:{escape(path)}\\r\\n",
                 f"S: {mail} *"]
        if mail == 250:
            steps += ["C: RCPT TO:<root>", "S: 250 *", "C: DATA", "S: 354 *", "C: .",
                      "S: 250 *", "spool 1", f"sender {stored}"]
        else:
            steps += ["C: MAIL FROM:<>", "S: 250 *"]
        yield "mail-" + name, "\n".join(steps)
        steps = ["@peer 127.0.0.1", "to mail", f"C| RCPT TO:{escape(path)}\\r\\n",
                 f"S: {rcpt} *"]
        if rcpt == 250:
            steps += ["C: DATA", "S: 354 *", "C: .", "S: 250 *", "spool 1", f"rcpt {stored}"]
        else:
            steps += ["C: DATA", "S: 554 *"]
        yield "rcpt-" + name, "\n".join(steps)
