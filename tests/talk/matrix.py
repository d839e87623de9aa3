# SPDX-License-Identifier: ISC
"""Every verb in every phase, spelled in every way: what is answered, and in
which phase the session is afterwards (RFC 5321 4.1.1, 4.1.4, 4.3.2).

A row is a verb: its good arguments, the replies to the good form in the four
phases, the reply to arguments that are too many and to none at all, where the
phase lets it come so far, and the phase that it leads to.
"""

PHASES = ("connected", "greeted", "mail", "rcpt")

# verb, good arguments, replies by phase, too many, none, where a good one leads
ROWS = (
    ("EHLO", "client.example", (250, 250, 250, 250), 501, 501, "greeted"),
    ("HELO", "client.example", (250, 250, 250, 250), 501, 501, "greeted"),
    ("MAIL", "FROM:<a@example.net>", (503, 250, 503, 503), 555, 501, "mail"),
    ("RCPT", "TO:<root@example.org>", (503, 503, 250, 250), 555, 501, "rcpt"),
    ("DATA", "", (503, 503, 554, 354), 501, None, "content"),
    ("RSET", "", (250, 250, 250, 250), 501, None, "reset"),
    ("NOOP", "", (250, 250, 250, 250), 250, None, None),
    ("VRFY", "root", (252, 252, 252, 252), 252, 501, None),
    ("EXPN", "staff", (502, 502, 502, 502), 502, 502, None),
    ("HELP", "", (214, 214, 214, 214), 504, None, None),
    ("QUIT", "", (221, 221, 221, 221), 501, None, "ended"),
    ("TURN", "", (502, 502, 502, 502), 502, None, None),
    ("ETRN", "example.net", (503, 502, 503, 503), 502, 502, None),
)

FORMS = {
    "plain": lambda verb, args: f"{verb} {args}".rstrip(),
    "lower": lambda verb, args: f"{verb} {args}".rstrip().lower(),
    "mixed": lambda verb, args: f"{verb[0].lower()}{verb[1]}{verb[2:].lower()} {args}".rstrip(),
    "blanks": lambda verb, args: f"{verb}   {args} \t ",
    "tab": lambda verb, args: f"{verb}\\t{args}",
}
BAD_FORMS = {
    "too-many": lambda verb, args: f"{verb} {args} trailing".replace("  ", " "),
    "none": lambda verb, args: verb,
    "leading-blank": lambda verb, args: f" {verb} {args}".rstrip(),
    "glued": lambda verb, args: f"{verb}X {args}".rstrip(),
    "cut": lambda verb, args: f"{verb[:3]} {args}".rstrip(),
}


def way_to(phase):
    return ["S: 220 *"] if phase == "connected" else ["to " + phase]


def prove(phase):
    """Steps that only go like this in that phase."""
    if phase == "connected":
        return ["C: MAIL FROM:<>", "S: 503 *", "C: RCPT TO:<root>", "S: 503 *",
                "C: EHLO again.example", "R: 250 *"]
    if phase == "greeted":
        return ["C: RCPT TO:<root>", "S: 503 *", "C: DATA", "S: 503 *",
                "C: MAIL FROM:<>", "S: 250 *"]
    if phase == "mail":
        return ["C: MAIL FROM:<>", "S: 503 *", "C: DATA", "S: 554 *",
                "C: RCPT TO:<root>", "S: 250 *"]
    if phase == "rcpt":
        return ["C: MAIL FROM:<>", "S: 503 *", "C: DATA", "S: 354 *",
                "C: text", "C: .", "S: 250 2.0.0 Ok: queued as *", "spool 1"]
    if phase == "content":
        return ["C: .", "S: 250 2.0.0 Ok: queued as *"] + prove("greeted") + ["spool 1"]
    return ["S> eof"]


def after(phase, code, leads):
    if code >= 400 or leads is None:
        return phase
    if leads == "reset":
        return "connected" if phase == "connected" else "greeted"
    return leads


def case(phase, line, code, leads):
    """escapes: tabs and blanks at the end must be seen in the text."""
    return "\n".join(way_to(phase) + [f"C| {line}\\r\\n", f"R: {code} *"] +
                     prove(after(phase, code, leads)))


def bad_code(form, by_phase, too_many, none):
    """Where the phase forbids the verb that is what is said; else the rest."""
    if form == "too-many":
        code = too_many
    elif form == "none":
        code = by_phase if none is None else none
    else:
        return 500
    return by_phase if by_phase in (503, 554) else code


def cases():
    for verb, args, codes, too_many, none, leads in ROWS:
        for phase, code in zip(PHASES, codes):
            for form, spell in FORMS.items():
                yield f"{verb.lower()}-in-{phase}-{form}", case(
                    phase, spell(verb, args), code, leads)
            for form, spell in BAD_FORMS.items():
                yield f"{verb.lower()}-in-{phase}-{form}", case(
                    phase, spell(verb, args),
                    bad_code(form, code, too_many, none), leads)
