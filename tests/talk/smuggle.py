# SPDX-License-Identifier: ISC
"""SMTP smuggling: content that another server might see end early (T-1, T-4).

All strings of CR, LF and dot up to a length, and the tables in
$VECTORS/smtp, are put into the content of a message, and commands behind them.
The expectation is computed here from the bytes: the content ends at the first
CRLF.CRLF and nowhere else (RFC 5321 4.1.1.4); a CR or LF of its own in it
refuses it and ends the session (RFC 5321 2.3.8).  Where the true end comes
early, what follows it are honest commands; but then DATA has content behind it
that came before the 354, which ends the session.  So never more than one
message is taken, and never is a command answered that was content.

With `normalize' such a CR or LF is mended instead, and all the rest holds.

Short strings and the tables are dialogues of their own (cases).  All strings up
to eight, and by every way in which content can come (DATA in one piece and in
two, BDAT as one chunk and as two, BDAT of a binary message), are held many to a
process (run), and the other way round our own client is given each of them to
send (run_client): it never sends a bare CR or LF, but within a counted chunk.
TALK_LONG=1 holds all of these, otherwise every SAMPLEth is.
"""
import itertools
import json
import os
import re
import struct
import subprocess

import dialogue

LENGTH, LONGEST, SAMPLE = 3, 8, 8
CONF = ["deliver maildir", "size 64K"]
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


def mended(content):
    """What `normalize` makes of it: the same content, in lines."""
    return re.sub(rb"(?<!\r)\n", b"\r\n", re.sub(rb"\r(?!\n)", b" ", content))


def mended_content_of(wire):
    """Ends where it does otherwise, and dots are stuffed where they are otherwise."""
    end = (b"\r\n" + wire).index(b"\r\n.\r\n")
    return mended(re.sub(rb"(\A|\r\n)\.", rb"\1", wire[:end])), wire[end + 3:]


def codes_of(rest):
    """What is answered to lines that come in one piece after a transaction."""
    phase, codes = 0, []
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
        codes.append(code)
        if code in (221, 421):
            break
    return codes


def commands(rest):
    """Steps for these."""
    codes = codes_of(rest)
    return [f"S: {code} *" for code in codes] + (
        ["S> eof"] if codes[-1] in (221, 421) else [])


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


def middles(longest):
    for n in range(1, longest + 1):
        for middle in itertools.product(b"\r\n.", repeat=n):
            yield bytes(middle)


# ---------------------------------------------------------------- many

BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n")
ENVELOPE = b"EHLO client.example\r\n", b"MAIL FROM:<a@example.net>%s\r\nRCPT TO:<root@example.org>\r\n"
HONEST = b"NOOP\r\nQUIT\r\n"


def opening(body=b""):
    return [(ENVELOPE[0], [250]), (ENVELOPE[1] % body, [250, 250])]


def by_data(middle, cut=None, read=content_of):
    """In one piece, or in two."""
    wire = BEFORE + middle + BEHIND
    content, rest = read(wire)
    codes = [550, 421] if content is None else [250] + codes_of(rest)
    pieces = opening() + [(b"DATA\r\n", [354])]
    if cut is not None:
        pieces.append((wire[:len(BEFORE) + cut], []))
        wire = wire[len(BEFORE) + cut:]
    return pieces + [(wire, codes)], [] if content is None else [content]


def by_data_in_two(middle):
    return by_data(middle, len(middle) // 2)


def chunk(data, last=b" LAST"):
    return b"BDAT %d%s\r\n" % (len(data), last) + data


def by_bdat(middle, body=b""):
    """All in one group with honest commands behind it."""
    content = BEFORE + middle + BEHIND
    good = body or not BARE.search(content)
    pieces = opening(body)[:1]
    pieces.append((ENVELOPE[1] % body + chunk(content) + HONEST,
                   [250, 250, 250 if good else 550, 250, 221]))
    return pieces, [content] if good else []


def by_bdat_in_two(middle):
    """A CR and its LF may lie in two chunks."""
    cut = len(BEFORE) + len(middle) // 2
    content = BEFORE + middle + BEHIND
    first = not BARE.search(content[:cut].removesuffix(b"\r"))
    good = first and not BARE.search(content)
    pieces = opening()[:1]
    pieces.append((ENVELOPE[1] % b"" + chunk(content[:cut], b"") + chunk(content[cut:]) + HONEST,
                   [250, 250, 250 if first else 550,
                    250 if good else 550 if first else 503, 250, 221]))
    return pieces, [content] if good else []


def by_bdat_binary(middle):
    return by_bdat(middle, b" BODY=BINARYMIME")


def by_data_mended(middle):
    return by_data(middle, len(middle) // 2, mended_content_of)


def by_bdat_mended(middle):
    """In two chunks, of which either may end anywhere."""
    cut = len(BEFORE) + len(middle) // 2
    content = BEFORE + middle + BEHIND
    pieces = opening()[:1]
    pieces.append((ENVELOPE[1] % b"" + chunk(content[:cut], b"") + chunk(content[cut:]) + HONEST,
                   [250, 250, 250, 250, 250, 221]))
    return pieces, [mended(content)]


def by_bdat_mended_end(middle):
    """Whatever stands at its end."""
    content = BEFORE + middle
    whole = mended(content + b"\n" if content.endswith(b"\r") else content)
    pieces = opening()[:1]
    pieces.append((ENVELOPE[1] % b"" + chunk(content) + HONEST, [250, 250, 250, 250, 221]))
    return pieces, [whole if whole.endswith(b"\r\n") else whole + b"\r\n"]


WAYS = by_data, by_data_in_two, by_bdat, by_bdat_in_two, by_bdat_binary
MENDED = by_data_mended, by_bdat_mended, by_bdat_mended_end, by_bdat_binary


def run(hosts, long, ways=WAYS):
    """Holds them with the session; returns how many there were."""
    held = 0
    for way in ways:
        for number, middle in enumerate(middles(LONGEST)):
            if long or number % SAMPLE == 0:
                held += 1
                hosts.hold(f"{way.__name__} {dialogue.escape(middle)}", *way(middle))
    return held


# ---------------------------------------------------------------- our client

def is_safe(wire, content, binary, offered):
    """What went over the wire: one message, or none where there must be none."""
    if binary and offered:
        head, found, rest = wire.partition(b"BDAT %d LAST\r\n" % len(content))
        return bool(found) and not BARE.search(head) and rest == content + b"QUIT\r\n"
    if BARE.search(wire):
        return False
    if binary or BARE.search(content):
        return b"MAIL" not in wire and wire.endswith(b"QUIT\r\n")
    head, found, rest = wire.partition(b"DATA\r\n")
    if b"\r\n.\r\n" not in rest:
        return False
    sent, left = content_of(rest)
    return bool(found) and left == b"QUIT\r\n" and sent == content + (
        b"" if content.endswith(b"\r\n") else b"\r\n")


def send_by(child, content, flags):
    """What our client has made of it; empty when it has died."""
    try:
        child.stdin.write(struct.pack(">I", len(content)) + flags + content)
        child.stdin.flush()
    except OSError:
        return b""
    size = child.stdout.read(4)
    return child.stdout.read(struct.unpack(">I", size)[0]) if size else b""


def run_client(program, long, failures):
    """Has our client send them; returns how many there were."""
    held = 0
    child = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    for number, middle in enumerate(middles(LONGEST)):
        if not long and number % SAMPLE != 0:
            continue
        for content in (BEFORE + middle + BEHIND, BEFORE + middle):
            for flags in (b"t-", b"tx", b"b-", b"bx"):
                wire = send_by(child, content, flags)
                held += 1
                if not is_safe(wire, content, flags[:1] == b"b", flags[1:] == b"x"):
                    failures.append((f"{flags.decode()} {dialogue.escape(middle)}",
                                     f"sent {wire!r}"))
    try:
        child.communicate()
    except OSError:
        pass
    if child.wait() != 0:
        failures.append(("the end", f"status {child.returncode}"))
    return held


# ---------------------------------------------------------------- dialogues

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
