# SPDX-License-Identifier: ISC
"""A model of the session, and the real one beside it (SECURITY F14, T-3).

State that is not reset after an error has been the way into mail servers more
than once.  The model has what RFC 5321 and RFC 3030 say of phases, RFC 3207 of
what STARTTLS makes forgotten and RFC 4954 of when one can log in, XCLIENT's
beginning anew, and nothing else; it says what each command is answered and what
is stored.

The commands come in alphabets, each held with a server of its own, since all of
them in one product would be too many: the phases themselves; logging in in clear,
with the commands that look into the directory; TLS, and logging in under it; a
proxy that says by XCLIENT for whom it speaks, and under TLS too.

In each, every state of the model is entered in every way there is: by each
command in each state, good, refused and malformed, a failing chunk and a refused
content among them.  After each of these ways come all the commands that matter to
the state, and after the shortest way into each state all pairs of them; for the
phases it is pairs and triples.  What should have been forgotten shows later than
that: in the other alphabets each way is followed by probes, too, which ask whether
there is a login, whether there can be one, and how many have failed.  Each such
sequence is held with the real session,
every second one in groups (RFC 2920 3.1).  TALK_LONG=1 holds all of them, otherwise
a sample is.
"""
import collections
import copy
import re

import many

SIZE, PATIENCE = 65536, 65536
CONF = [f"size {SIZE}", "errors 10000", "unknown-recipients 10000", "deliver maildir",
        "login senders any", *(f"login-{what} 0" for what in (
            "messages-per-hour", "messages-per-day", "new-recipients-per-hour",
            "new-recipients-per-day"))]
ENOUGH = 20             # have gone wrong
FAILURES = 3            # to log in; then it is over

TEXT, BARE = b"\r\nab\r\n", b"\r\na\nb\r\n"
FULL = b"\r\n" + (b"0123456789" * 6 + b"ab\r\n") * 1023 + b"0123456789" * 6 + b"\r\n"
# With all that who has logged in would have added.
GOOD = b"From: user@example.org\r\nDate: Sun, 22 Nov 2026 07:00:00 +0000\r\n" \
    b"Message-ID: <a@b>\r\n\r\ntext\r\n"
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
    "bdat-mail": (chunk(GOOD, False), False),
    "bdat-mail-last": (chunk(GOOD, True), False),
    "bdat-bad": (b"BDAT 0x4\r\n", False),
    "auth": (b"AUTH PLAIN AHVzZXIAcGVuY2ls\r\n", True),
    "auth-asked": (b"AUTH PLAIN\r\n", True),
    # As somebody else: refused at once, where a wrong password makes wait.
    "auth-wrong": (b"AUTH PLAIN cm9vdAB1c2VyAHBlbmNpbA==\r\n", True),
    "auth-cancelled": (b"AUTH PLAIN\r\n", True),
    "auth-broken": (b"AUTH PLAIN !\r\n", True),
    "auth-bad": (b"AUTH\r\n", True),
    "auth-unknown": (b"AUTH CRAM-MD5\r\n", True),
    "starttls": (b"STARTTLS\r\n", True),
    "starttls-bad": (b"STARTTLS now\r\n", True),
    "xclient": (b"XCLIENT ADDR=203.0.113.9 NAME=c.example\r\n", True),
    "xclient-login": (b"XCLIENT LOGIN=joe\r\n", True),
    "xclient-bad": (b"XCLIENT ADDR=1\r\n", True),
    "vrfy": (b"VRFY root\r\n", False),
    "vrfy-nobody": (b"VRFY no-such-user\r\n", False),
    "vrfy-utf8": (b"VRFY root SMTPUTF8\r\n", False),
    "vrfy-bad": (b"VRFY\r\n", False),
    "expn": (b"EXPN postmaster\r\n", False),
    "help": (b"HELP\r\n", False),
    "rset": (b"RSET\r\n", False),
    "noop": (b"NOOP\r\n", False),
    "junk": (b"XYZZY\r\n", False),
    "quit": (b"QUIT\r\n", False),
}
PHASES = """ehlo helo ehlo-bad mail mail-binary mail-big rcpt rcpt-nobody rcpt-foreign data
    data-loop data-bare bdat bdat-last bdat-none bdat-none-last bdat-bare bdat-bare-last
    bdat-full-last bdat-huge bdat-bad rset noop junk quit""".split()
# Those of them that say nothing about what came before.
PLAIN = ["ehlo-bad", "mail-big", "rcpt-foreign", "bdat-none", "noop", "junk", "quit"]

# telling: those by which a state is known; so many of them come behind a way, and one
# more behind a shortest one.  sample: of so many one is held, when not all are; prime,
# since what follows a way comes round in its turn.
Alphabet = collections.namedtuple("Alphabet", "name conf needs words telling tail sample probes",
                                  defaults=([],))
PROBES = [tuple(words.split()) for words in (
    "ehlo mail rcpt-foreign rcpt data", "mail rcpt-foreign data",
    "ehlo auth mail rcpt-foreign data", "ehlo auth-wrong auth-wrong auth-wrong",
    "ehlo starttls mail", "ehlo starttls ehlo auth mail rcpt-foreign")]
ALPHABETS = [
    Alphabet("phases", [], (), PHASES + ["vrfy-utf8"],
             [word for word in PHASES if word not in PLAIN], 2, 8),
    Alphabet("login", ["login without tls", "vrfy yes", "expn yes"], ("login",),
             """ehlo helo mail rcpt rcpt-foreign data data-loop bdat-mail-last rset auth auth-asked
             auth-wrong auth-cancelled auth-broken auth-bad auth-unknown starttls xclient vrfy
             vrfy-nobody vrfy-utf8 vrfy-bad expn help noop""".split(),
             "ehlo mail rcpt rcpt-foreign data bdat-mail-last auth auth-wrong".split(), 1, 17, PROBES),
    Alphabet("tls", [], ("login", "tls"),
             """ehlo ehlo-bad helo mail rcpt rcpt-foreign data bdat-mail bdat-mail-last rset auth auth-wrong
             auth-cancelled starttls starttls-bad vrfy junk quit""".split(),
             "ehlo mail rcpt rcpt-foreign data bdat-mail-last auth starttls".split(), 1, 19, PROBES),
    Alphabet("both", ["login without tls"], ("login", "tls"),
             """ehlo helo mail rcpt rcpt-foreign data bdat-mail rset auth starttls""".split(),
             "ehlo mail rcpt-foreign data auth starttls".split(), 1, 5, PROBES),
    Alphabet("xclient", ["xclient for 192.0.2.1", "login without tls"], ("login", "tls"),
             """ehlo helo mail rcpt rcpt-foreign data bdat-mail rset xclient xclient-login xclient-bad
             auth auth-wrong starttls vrfy""".split(),
             "ehlo mail rcpt-foreign data xclient xclient-login auth starttls".split(), 1, 41, PROBES),
]

# What follows the 354, and the 334.
CONTENTS = {"data": GOOD, "data-loop": LOOP, "data-bare": BARE}
RESPONSES = {"auth-asked": b"AHVzZXIAcGVuY2ls\r\n", "auth-cancelled": b"*\r\n"}
CHUNKS = {"bdat": TEXT, "bdat-none": b"", "bdat-bare": BARE, "bdat-full": FULL,
          "bdat-mail": GOOD}


class Model:
    """phase: connected, greeted, mail, rcpt, chunks, ended."""

    def __init__(self, alphabet):
        self.phase, self.esmtp, self.binary = "connected", False, False
        self.content, self.discarded = b"", 0
        self.stored = []
        self.secure, self.login, self.reported, self.failures = False, False, False, 0
        self.moved = False
        self.alphabet = alphabet
        self.may_log_in = "login" in alphabet.needs
        self.has_tls = "tls" in alphabet.needs
        self.clear, self.looks, self.proxy = (any(line.startswith(word) for line in alphabet.conf)
                                              for word in ("login without", "vrfy", "xclient"))

    def state(self):
        return (self.phase, self.esmtp, self.binary, self.content != b"", self.secure,
                self.login, self.reported, self.failures, self.moved)

    def begin_anew(self):
        """All that was said is forgotten (RFC 3207 4.2), the login too."""
        self.end_transaction()
        self.phase, self.esmtp, self.login = "connected", False, False

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
        elif name == "rcpt-foreign" and self.login:
            self.phase = "rcpt"
            return [250]
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
            self.stored = self.stored + [GOOD]
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
            self.stored = self.stored + [self.content]
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

    def auth(self, name):
        """RFC 4954 4: not in a transaction, once, and not under clear."""
        if not self.may_log_in:
            return [502 if self.phase == "greeted" else 503]
        if self.phase != "greeted" or self.login or not self.esmtp:
            return [503]
        if not self.secure and not self.clear:
            return [538]
        if name in ("auth-bad", "auth-broken"):
            return [501]
        if name == "auth-unknown":
            return [504]
        if name in RESPONSES:
            return [334]
        return self.prove(name)

    def prove(self, name):
        """The answer to what followed the 334, or came with the command."""
        if name == "auth-cancelled":
            return [501]
        if name != "auth-wrong":
            self.login = True
            return [235]
        self.failures += 1
        if self.failures < FAILURES:
            return [535]
        self.phase = "ended"
        return [535, 421]

    def starttls(self, name):
        if self.phase not in ("connected", "greeted"):
            return [503]
        if not self.has_tls:
            return [502]
        if self.secure or not self.esmtp:
            return [503]
        if name == "starttls-bad":
            return [501]
        self.begin_anew()
        self.secure = True
        return [220]

    def xclient(self, name):
        if self.phase not in ("connected", "greeted"):
            return [503]
        if not self.proxy:
            return [550]
        if name == "xclient-bad":
            return [501]
        self.begin_anew()
        self.reported = True
        if name == "xclient" and not self.moved:
            # Another client, who has done nothing yet.
            self.moved, self.failures, self.discarded = True, 0, 0
        self.login = name == "xclient-login"
        return [220]

    def vrfy(self, name):
        if name == "vrfy-bad" or (name == "vrfy-utf8" and self.looks and not self.esmtp):
            return [501]
        return [{"vrfy-nobody": 550}.get(name, 250) if self.looks else 252]

    def expn(self, _name):
        return [502 if not self.looks else 250 if self.login else 550]

    def help(self, _name):
        return [214]

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


def hear(model, name):
    """The command, and what follows it."""
    answer = model.answer(name)
    if answer == [354]:
        model.end_of_data(name)
    elif answer == [334]:
        model.prove(name)


def play(alphabet, names):
    """The model after these commands."""
    model = Model(alphabet)
    for name in names:
        hear(model, name)
    return model


def ways(alphabet):
    """The shortest way into each state, and one by each command in each."""
    shortest, edges, queue = {Model(alphabet).state(): ()}, [], [()]
    while queue:
        way = queue.pop(0)
        for name in alphabet.words:
            model = play(alphabet, way + (name,))
            if model.phase == "ended":
                continue
            edges.append(way + (name,))
            if model.state() not in shortest:
                shortest[model.state()] = way + (name,)
                queue.append(way + (name,))
    return shortest.values(), edges


def continued(model, names, alphabet, n):
    """The names with all that can follow, until the session has ended."""
    if n == 0 or model.phase == "ended":
        yield names
        return
    for name in alphabet.telling:
        after = copy.copy(model)
        hear(after, name)
        yield from continued(after, names + (name,), alphabet, n - 1)


def until_the_end(model, names):
    """Those of the names that the session hears."""
    for n, name in enumerate(names):
        hear(model, name)
        if model.phase == "ended":
            return names[:n + 1]
    return names


def sequences(alphabet):
    shortest, edges = ways(alphabet)
    seen = set()
    for way in edges:
        for probe in alphabet.probes:
            yield way + until_the_end(play(alphabet, way), probe)
    for starts, n in ((edges, alphabet.tail), (shortest, alphabet.tail + 1)):
        for way in starts:
            for names in continued(play(alphabet, way), way, alphabet, n):
                if names not in seen:
                    seen.add(names)
                    yield names


def script(alphabet, names, grouped):
    """The pieces to send with the codes that they bring, and what is stored."""
    model, pieces, data, codes = Model(alphabet), [], b"", []
    for name in names:
        text, last = COMMANDS[name]
        was_secure = model.secure
        answer = model.answer(name)
        data, codes = data + text, codes + answer
        if last or not grouped:
            pieces.append((data, codes))
            data, codes = b"", []
        if answer == [354]:
            pieces.append((CONTENTS[name] + b".\r\n", model.end_of_data(name)))
        elif answer == [334]:
            pieces.append((RESPONSES[name], model.prove(name)))
        elif model.secure and not was_secure:
            pieces.append(many.TLS)
    if data:
        pieces.append((data, codes))
    if model.phase != "ended":
        pieces.append((b"QUIT\r\n", [221]))
    return pieces, model.stored


def run(hosts, alphabet, long):
    """Holds them all, or a sample; returns how many there were."""
    n, step = 0, 1 if long else alphabet.sample
    for number, names in enumerate(sequences(alphabet)):
        if number % step != 0:
            continue
        if len(hosts.failures) >= ENOUGH:
            break
        n += 1
        hosts.hold(" ".join(names), *script(alphabet, names, number // step % 2 == 1))
    return n
