# SPDX-License-Identifier: ISC
"""SMTP smuggling: content that another server might see end early.

All strings of CR, LF and dot up to a length, and the tables in
$VECTORS/smtp, are put into the content of a message, and commands behind them.
The expectation is computed here from the bytes: the content ends at the first
CRLF.CRLF and nowhere else (RFC 5321 4.1.1.4); a CR or LF of its own in it
refuses it and ends the session (RFC 5321 2.3.8).  Where the true end comes
early, what follows it are honest commands; but then DATA has content behind it
that came before the 354, which ends the session.  So never more than one
message is taken, and never is a command answered that was content.
"""
import itertools
import json
import os
import re

import dialogue

LENGTH = 5
BEFORE = b"Subject: x\r\n\r\nA"
BEHIND = (b"MAIL FROM:<evil@example.net>\r\nRCPT TO:<root@example.org>\r\nDATA\r\n"
          b"Subject: smuggled\r\n\r\nB\r\n.\r\nQUIT\r\n")
VECTORS = os.environ.get("VECTORS", "../shared/vectors")

STORED = "S: 250 2.0.0 Ok: queued as *"
REFUSED = ["S: 550 5.6.0 *", "S: 421 *", "S> eof"]


def content_of(wire):
    """The content as it must be stored, or None if a bare byte is in it, and
    what follows its end."""
    end = (b"\r\n" + wire).index(b"\r\n.\r\n")
    content, rest = wire[:end], wire[end + 3:]
    if re.search(rb"\r(?!\n)|(?<!\r)\n", content):
        return None, rest
    return re.sub(rb"^\.", b"", content, flags=re.M), rest


def commands(rest):
    """Steps for what is sent in one piece after a transaction."""
    phase, steps = 0, []
    for text in rest.removesuffix(b"\r\n").split(b"\r\n"):
        verb, code = text[:4], 500
        if re.search(rb"[\r\n\0]", text):
            pass
        elif verb in (b"NOOP", b"RSET"):
            code = 250
        elif verb == b"MAIL":
            code, phase = (503, phase) if phase else (250, 1)
        elif verb == b"RCPT":
            code, phase = (250, 2) if phase else (503, phase)
        elif verb == b"DATA":
            # Not the last of its group: RFC 2920 3.1.
            code = (503, 554, 421)[phase]
        elif verb == b"QUIT":
            code = 221
        steps.append(f"S: {code} *")
        if code in (221, 421):
            return steps + ["S> eof"]
    return steps


def expect(wire):
    content, rest = content_of(wire)
    if content is None:
        return REFUSED
    return [STORED] + commands(rest) + ["spool 1", "content is " + dialogue.escape(content)]


def case(middle, split=None):
    wire = BEFORE + middle + BEHIND
    head = [f"@split {split}"] if split else []
    return "\n".join(head + ["to data", "C| " + dialogue.escape(wire)] + expect(wire))


def load(name):
    try:
        with open(os.path.join(VECTORS, "smtp", name), encoding="utf-8") as f:
            return json.load(f)["cases"]
    except FileNotFoundError:
        return []


def left_out():
    return [f"LEFT OUT {os.path.join(VECTORS, 'smtp', name)}: it is not there ($VECTORS)"
            for name in ("end-of-data.json", "lines.json") if not load(name)]


def vector(row):
    middle = bytes.fromhex(row["hex"])
    wire = BEFORE + middle + BEHIND
    early = (b"\r\n" + wire).index(b"\r\n.\r\n") < len(BEFORE + middle)
    if early != row["is_end_of_data"]:
        return "# the table and RFC 5321 4.1.1.4 differ here\nS: 220 the table says otherwise"
    return case(middle)


def line(row):
    """A command line of the table, and what it allows as an answer."""
    sent = bytes.fromhex(row["hex"])
    want = {
        "250": ["S: 250 *"],
        "500": ["S: 500 *"],
        "5yz": ["S~ 5.*"],
        "500-or-501": ["S~ 50[01].*"],
        "5yz-or-252": ["S~ (5|252).*"],
        "refuse-or-250": ["C: NOOP", "S~ (250|5).*"],
        "not-two-250": ["S~ (250|5).*"],
    }
    if sent.startswith(b"STARTTLS"):
        steps = ["S: 421 *", "S> eof"]
    elif sent.startswith(b"BDAT"):
        # RFC 3030 2: counted, in any phase.
        return "\n".join(["to rcpt", "C| " + dialogue.escape(sent)] +
                         [f"S: {code} *" for code in row["expect"].split(",")])
    else:
        steps = want.get(row["expect"], ["S: 220 no such expectation: " + row["expect"]])
    return "\n".join(["to greeted", "C| " + dialogue.escape(sent)] + steps)


def cases():
    for n in range(1, LENGTH + 1):
        for middle in itertools.product(b"\r\n.", repeat=n):
            middle = bytes(middle)
            name = middle.decode().translate({13: "r", 10: "n", 46: "."})
            yield name, case(middle)
    for name in (b"\r\n.\n", b"\n.\r\n", b"\r.\r", b"\r\n.\r", b"\r\n.\r\r\n", b"\r\n..\r\n"):
        yield "bytewise " + dialogue.escape(name), case(name, "1")
    for row in load("end-of-data.json"):
        yield "vector " + row["id"], vector(row)
    for row in load("lines.json"):
        yield "line " + row["id"], line(row)
