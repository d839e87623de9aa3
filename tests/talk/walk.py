# SPDX-License-Identifier: ISC
"""Long walks through the session, with a model of it beside.

State that is not reset after an error has been the way into mail servers more
than once.  So a walk is many commands in a row, good and bad ones, and the
model says after each what must be answered; it knows four phases and whether
EHLO was said, nothing else.  The commands that were tried least often in a
state are taken first, so that the walks together try all of them in all states.
Every second walk sends its commands in groups (RFC 2920 3.1), and every third
of those is cut into small pieces.
"""
import random

WALKS, LENGTH = 24, 80

STORED = "250 2.0.0 Ok: queued as *"
BIG = "{0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd\\r\\n*1200}"

# name, what is sent, whether it must be the last of a group
COMMANDS = (
    ("ehlo", "EHLO client.example", True),
    ("ehlo-bad", "EHLO", True),
    ("helo", "HELO client.example", True),
    ("helo-bad", "HELO two words", True),
    ("mail", "MAIL FROM:<a@example.net>", False),
    ("mail-null", "MAIL FROM:<>", False),
    ("mail-size", "MAIL FROM:<a@example.net> SIZE=1000", False),
    ("mail-too-big", "MAIL FROM:<a@example.net> SIZE=100000", False),
    ("mail-bad", "MAIL FROM:a@example.net", False),
    ("mail-unknown", "MAIL FROM:<a@example.net> X=1", False),
    ("rcpt", "RCPT TO:<root@example.org>", False),
    ("rcpt-again", "RCPT TO:<ROOT>", False),
    ("rcpt-foreign", "RCPT TO:<b@example.com>", False),
    ("rcpt-nobody", "RCPT TO:<no-such-user@example.org>", False),
    ("rcpt-bad", "RCPT TO:<>", False),
    ("data", "DATA", True),
    ("data-bad", "DATA now", True),
    ("rset", "RSET", False),
    ("rset-bad", "RSET now", False),
    ("noop", "NOOP", False),
    ("vrfy", "VRFY root", False),
    ("help", "HELP", False),
    ("junk", "XYZZY", False),
    ("", "", False),
)
CONTENTS = (
    (STORED, "Subject: x\\r\\n\\r\\ntext\\r\\n.\\r\\n"),
    (STORED, ".\\r\\n"),
    ("552 *", BIG + ".\\r\\n"),
    ("554 5.4.6 *", "{Received: by x\\r\\n*101}\\r\\n.\\r\\n"),
    ("552 *", "{X: y\\r\\n*1001}\\r\\n.\\r\\n"),
)


class Model:
    def __init__(self):
        self.phase, self.esmtp = "connected", False

    def answer(self, name):
        """The code; changes the phase."""
        verb = name.split("-")[0]
        if verb in ("ehlo", "helo"):
            return self.hello(name)
        if verb in ("mail", "rcpt", "data"):
            return getattr(self, verb)(name)
        if name == "rset" and self.phase != "connected":
            self.phase = "greeted"
        return {"rset": 250, "rset-bad": 501, "noop": 250, "vrfy": 252,
                "help": 214}.get(name, 500)

    def hello(self, name):
        if name.endswith("-bad"):
            return 501
        self.phase, self.esmtp = "greeted", name == "ehlo"
        return 250

    def mail(self, name):
        if self.phase != "greeted":
            return 503
        if name in ("mail-size", "mail-too-big") and not self.esmtp:
            return 555
        code = {"mail-too-big": 552, "mail-bad": 501, "mail-unknown": 555}.get(name, 250)
        if code == 250:
            self.phase = "mail"
        return code

    def rcpt(self, name):
        if self.phase not in ("mail", "rcpt"):
            return 503
        code = {"rcpt-foreign": 554, "rcpt-nobody": 550, "rcpt-bad": 501}.get(name, 250)
        if code == 250:
            self.phase = "rcpt"
        return code

    def data(self, name):
        if self.phase != "rcpt":
            return 554 if self.phase == "mail" else 503
        if name == "data-bad":
            return 501
        self.phase = "greeted"
        return 354


def choose(chance, tried, state):
    """One of those that were tried least in this state."""
    least = min(tried.get((state, c[0]), 0) for c in COMMANDS)
    command = chance.choice([c for c in COMMANDS if tried.get((state, c[0]), 0) == least])
    # Through the states, not only to and fro at the door.
    onward = {"connected": "ehlo", "greeted": "mail", "mail": "rcpt", "rcpt": "data"}
    if chance.random() < 0.3:
        name = onward[state[0]]
        command = next(c for c in COMMANDS if c[0] == name)
    tried[state, command[0]] = tried.get((state, command[0]), 0) + 1
    return command


def walk(number, tried):
    chance = random.Random(number)
    model = Model()
    lines = ["@conf size 64K", "@conf errors 10000"]
    if number % 6 == 5:
        lines.append(f"@split random {number}")
    lines.append("S: 220 *")
    group, replies = [], []
    for _ in range(LENGTH):
        name, text, last = choose(chance, tried, (model.phase, model.esmtp))
        code = model.answer(name)
        group.append(text + "\\r\\n")
        replies.append(f"R: {code} *")
        if number % 2 == 1 and not last and len(group) < 20:
            continue
        lines += ["C| " + "".join(group)] + replies
        group, replies = [], []
        if code == 354:
            reply, content = chance.choice(CONTENTS)
            lines += ["C| " + content, "R: " + reply]
    if group:
        lines += ["C| " + "".join(group)] + replies
    return "\n".join(lines + ["C: QUIT", "S: 221 *", "S> eof"])


def cases():
    tried = {}
    for number in range(WALKS):
        yield str(number), walk(number, tried)
