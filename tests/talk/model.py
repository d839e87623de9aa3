# SPDX-License-Identifier: ISC
"""A model of the session, and the real one beside it (SECURITY F14, T-3).

State that is not reset after an error has been the way into mail servers more
than once.  The model has what RFC 5321 and RFC 3030 say of phases and nothing
else; it says what each command is answered and what is stored.

Every state of the model is entered in every way there is: by each command in
each state, good, refused and malformed, a failing chunk and a refused content
among them.  After each of these ways come all pairs of the commands that matter
to the state, and after the shortest way into each state all triples.  Each such
sequence is held with the real session, every second one in groups (RFC 2920
3.1).  TALK_LONG=1 holds all of them, otherwise every SAMPLEth is.
"""
import itertools
import re

SAMPLE = 8
SIZE, PATIENCE = 65536, 65536
CONF = [f"size {SIZE}", "errors 10000", "unknown-recipients 10000", "deliver maildir"]

TEXT, BARE = b"\r\nab\r\n", b"\r\na\nb\r\n"
FULL = b"\r\n" + (b"0123456789" * 6 + b"ab\r\n") * 1023 + b"0123456789" * 6 + b"\r\n"
GOOD = b"\r\ntext\r\n"
LOOP = b"Received: by x\r\n" * 101 + b"\r\n"


def chunk(data, last):
    return b"BDAT %d%s\r\n" % (len(data), b" LAST" if last else b"") + data


# name: what is sent, whether it ends a group
COMMANDS = {
    "ehlo": (b"EHLO client.example\r\n", True),
    "helo": (b"HELO client.example\r\n", True),
    "ehlo-bad": (b"EHLO\r\n", True),
    "mail": (b"MAIL FROM:<a@example.net>\r\n", False),
    "mail-binary": (b"MAIL FROM:<a@example.net> BODY=BINARYMIME\r\n", False),
    "mail-big": (b"MAIL FROM:<a@example.net> SIZE=65537\r\n", False),
    "rcpt": (b"RCPT TO:<root@example.org>\r\n", False),
    "rcpt-nobody": (b"RCPT TO:<no-such-user@example.org>\r\n", False),
    "rcpt-foreign": (b"RCPT TO:<b@example.com>\r\n", False),
    "data": (b"DATA\r\n", True),
    "data-loop": (b"DATA\r\n", True),
    "data-bare": (b"DATA\r\n", True),
    "bdat": (chunk(TEXT, False), False),
    "bdat-last": (chunk(TEXT, True), False),
    "bdat-none": (chunk(b"", False), False),
    "bdat-none-last": (chunk(b"", True), False),
    "bdat-bare": (chunk(BARE, False), False),
    "bdat-bare-last": (chunk(BARE, True), False),
    "bdat-full-last": (chunk(FULL, True), False),
    "bdat-huge": (b"BDAT 99999999 LAST\r\n" + b"x" * PATIENCE, False),
    "bdat-bad": (b"BDAT 0x4\r\n", False),
    "rset": (b"RSET\r\n", False),
    "noop": (b"NOOP\r\n", False),
    "junk": (b"XYZZY\r\n", False),
    "quit": (b"QUIT\r\n", False),
}
# Those of them that say nothing about what came before.
PLAIN = {"ehlo-bad", "mail-big", "rcpt-foreign", "bdat-none", "noop", "junk", "quit"}
# What follows the 354.
CONTENTS = {"data": GOOD, "data-loop": LOOP, "data-bare": BARE}
CHUNKS = {"bdat": TEXT, "bdat-none": b"", "bdat-bare": BARE, "bdat-full": FULL}


class Model:
    """phase: connected, greeted, mail, rcpt, chunks, ended."""

    def __init__(self):
        self.phase, self.esmtp, self.binary = "connected", False, False
        self.content, self.discarded = b"", 0
        self.stored = []

    def state(self):
        return self.phase, self.esmtp, self.binary, self.content != b""

    def end_transaction(self):
        self.phase, self.binary, self.content = "greeted", False, b""

    def answer(self, name):
        """All codes that the command brings, without what DATA asks for."""
        verb = name.partition("-")[0]
        return getattr(self, verb)(name)

    def ehlo(self, name):
        if name.endswith("-bad"):
            return [501]
        self.end_transaction()
        self.esmtp = name == "ehlo"
        return [250]

    helo = ehlo

    def mail(self, name):
        if self.phase != "greeted":
            return [503]
        if name != "mail" and not self.esmtp:
            return [555]
        if name == "mail-big":
            return [552]
        self.phase, self.binary = "mail", name == "mail-binary"
        return [250]

    def rcpt(self, name):
        if self.phase not in ("mail", "rcpt"):
            return [503]
        if name == "rcpt":
            self.phase = "rcpt"
        return [{"rcpt": 250, "rcpt-nobody": 550}.get(name, 554)]

    def data(self, _name):
        if self.phase == "mail":
            return [554]
        if self.phase != "rcpt" or self.binary:
            return [503]
        return [354]

    def end_of_data(self, name):
        self.end_transaction()
        if name == "data":
            self.stored.append(GOOD)
            return [250]
        if name == "data-loop":
            return [554]
        self.phase = "ended"
        return [550, 421]

    def bdat(self, name):
        if name == "bdat-bad":
            self.phase = "ended"
            return [501, 421]
        if name == "bdat-huge":
            size, last, data = 99999999, True, None
        else:
            data = CHUNKS[name.removesuffix("-last")]
            size, last = len(data), name.endswith("-last")
        if not self.esmtp or self.phase not in ("rcpt", "chunks"):
            return self.discard(554 if self.esmtp and self.phase == "mail" else 503, size)
        if size > SIZE - len(self.content):
            self.end_transaction()
            return self.discard(552, size)
        self.phase = "chunks"
        self.content += data
        if not self.binary and re.search(rb"\r(?!\n)|(?<!\r)\n", self.content):
            self.end_transaction()
            return [550]
        if last:
            self.stored.append(self.content)
            self.end_transaction()
        return [250]

    def discard(self, code, size):
        patience = max(SIZE + PATIENCE - self.discarded, 0)
        if size > SIZE:
            patience = min(patience, PATIENCE)
        self.discarded += min(size, patience)
        if size <= patience:
            return [code]
        self.phase = "ended"
        return [code, 421]

    def rset(self, _name):
        if self.phase != "connected":
            self.end_transaction()
        return [250]

    def noop(self, _name):
        return [250]

    def junk(self, _name):
        return [500]

    def quit(self, _name):
        self.phase = "ended"
        return [221]


def play(names):
    """The model after these commands, and how many of them it has heard."""
    model = Model()
    for n, name in enumerate(names, 1):
        if model.answer(name) == [354]:
            model.end_of_data(name)
        if model.phase == "ended":
            return model, n
    return model, len(names)


def ways():
    """The shortest way into each state, and one by each command in each."""
    shortest, edges, queue = {Model().state(): ()}, [], [()]
    while queue:
        way = queue.pop(0)
        for name in COMMANDS:
            model, _ = play(way + (name,))
            if model.phase == "ended":
                continue
            edges.append(way + (name,))
            if model.state() not in shortest:
                shortest[model.state()] = way + (name,)
                queue.append(way + (name,))
    return shortest.values(), edges


def sequences():
    shortest, edges = ways()
    seen = set()
    tails = [name for name in COMMANDS if name not in PLAIN]
    for starts, n in ((edges, 2), (shortest, 3)):
        for way in starts:
            for tail in itertools.product(tails, repeat=n):
                names = way + tail
                names = names[:play(names)[1]]
                if names not in seen:
                    seen.add(names)
                    yield names


def script(names, grouped):
    """The pieces to send with the codes that they bring, and what is stored."""
    model, pieces, data, codes = Model(), [], b"", []
    for name in names:
        text, last = COMMANDS[name]
        answer = model.answer(name)
        data, codes = data + text, codes + answer
        if last or not grouped:
            pieces.append((data, codes))
            data, codes = b"", []
        if answer == [354]:
            content = CONTENTS[name]
            pieces.append((content + b".\r\n", model.end_of_data(name)))
    if data:
        pieces.append((data, codes))
    if model.phase != "ended":
        pieces.append((b"QUIT\r\n", [221]))
    return pieces, model.stored


def run(hosts, long):
    """Holds them all, or a sample; returns how many there were."""
    n = 0
    for number, names in enumerate(sequences()):
        if not long and number % SAMPLE != 0:
            continue
        n += 1
        pieces, stored = script(names, number // SAMPLE % 2 == 1 if not long else number % 2 == 1)
        hosts.hold(" ".join(names), pieces, stored)
    return n
