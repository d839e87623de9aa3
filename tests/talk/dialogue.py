# SPDX-License-Identifier: ISC
"""One SMTP dialogue, read from a .talk text and held with a real session.

The text is one line after the other.  First what the server is like:

    @conf LINE              a line of its configuration
    @peer ADDRESS           who is calling (192.0.2.1)
    @service submission     where (smtp): a service, or the address, port or name
                            of a listener of the @conf
    @proxied                the caller is a proxy; PROXY comes first
    @local uid N            a program of this user on the local socket instead
    @alias LINE             a line of its aliases
    @list NAME LINE         a line of the file ~/NAME, as @conf may call it
    @db NAME KEY            a key of the database ~/NAME.db
    @user NAME:HASH         one who can log in, by `login file`
    @disk DIRECTORY         its spool lies on that file system
    @file BYTES             no file may grow beyond that
    @split 1 | random N     what is sent goes byte by byte, or cut at random

then what is said:

    C: TEXT                 the client sends a line; CRLF is put behind it
    C| TEXT                 exactly these bytes, with \\r \\n \\t \\xNN \\\\ \\.
    S: TEXT                 one line of a reply comes; * is any text
    S~ REGEX                the same, for what needs more
    R: TEXT                 a whole reply, whose last line is this
    S> eof                  the server has closed
    to PHASE                greeted, mail, rcpt or data: the way there
    repeat N STEP           {n} in the step counts from 1
    wait 50ms               nothing is sent meanwhile
    shutdown                the server is asked to end (SIGTERM)
    spent                   its processor time is over (SIGXCPU)
    close                   the client will send no more
    remove spool            somebody deletes the spool's directories

and at last what must be true of the spool and the log:

    spool N                 so many messages
    held TEXT               one is on hold, and this is (part of) the reason
    sender <A>              of a message
    rcpt <A>                all of them, after expansion, a line each
    rcpts N                 or only how many
    original <A>            the same as they were given
    body 8BITMIME
    wish contains TEXT      (or lacks) what `godwit queue show' tells of it
    etrn @DOMAIN            the runner was told to look for its mail
    content is TEXT         behind our own Received field; as C|
    content fits TEXT       the same, where {*} is any text of one line
    content contains TEXT   (or lacks)
    trace contains TEXT     (or lacks) our own Received field
    log contains TEXT       (or lacks)

{TEXT*N} is TEXT so many times.  A # in column one begins a comment.

Always checked besides: every reply line is one, the spool holds a message for
each "queued as" and no other, nothing is said that is not expected, no control
comes into a line of the log (T-6, T-37), and the session ends well.
"""
import collections
import errno
import fcntl
import os
import random
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import termios
import time

# Seconds for anything that must happen.
PATIENCE = float(os.environ.get("TALK_PATIENCE", "60"))
HOST = "mx.example.org"
CONF = ["hostname " + HOST, "domain example.org local", "log stderr"]
ALIASES = ["postmaster: root"]
SENDER, RCPT = "sender@example.net", "root@example.org"
ROUTES = {
    "greeted": ["S: 220 *", "C: EHLO client.example", "R: 250 *"],
    "mail": [f"C: MAIL FROM:<{SENDER}>", "S: 250 2.1.0 *"],
    "rcpt": [f"C: RCPT TO:<{RCPT}>", "S: 250 2.1.5 *"],
    "data": ["C: DATA", "S: 354 *"],
}
CHECKS = ("spool", "held", "sender", "rcpt", "rcpts", "original", "body", "content", "trace", "log",
          "wish", "etrn")
STEPS = ("C:", "C|", "S:", "S~", "R:", "S>", "wait", "shutdown", "spent", "close", "remove")

Step = collections.namedtuple("Step", "line what text")
Result = collections.namedtuple("Result", "codes failure")


class Failure(Exception):
    """The dialogue went another way; line is where."""

    def __init__(self, line, *told):
        super().__init__("\n".join(told))
        self.line = line


def unescape(text):
    """The bytes that a text with escapes stands for."""
    def one(match):
        word = match[1]
        if word[0] == "x":
            return chr(int(word[1:], 16))
        return {"r": "\r", "n": "\n", "t": "\t"}.get(word, word)
    text = text.encode("utf-8").decode("latin-1")
    return re.sub(r"\\(x[0-9a-fA-F]{2}|.)", one, text).encode("latin-1")


def escape(data):
    """The other way round, for people."""
    out = []
    for byte in data:
        if byte in b"\r\n\t\\":
            out.append({13: "\\r", 10: "\\n", 9: "\\t", 92: "\\\\"}[byte])
        else:
            out.append(chr(byte) if 32 <= byte < 127 else f"\\x{byte:02x}")
    return "".join(out)


def expand(text, n=None):
    """{TEXT*N}, and {n} within a repeat."""
    if n is not None:
        text = text.replace("{n}", str(n))
    more = True
    while more:         # the inner ones first
        text, more = re.subn(r"\{([^{}]+)\*(\d+)\}",
                             lambda m: m[1] * int(m[2]), text)
    return text


def shorten(text, most=300):
    if len(text) <= most:
        return text
    return f"{text[:most // 2]} [{len(text) - most} more] {text[-most // 2:]}"


# ---------------------------------------------------------------- reading

class Talk:
    """A .talk text taken apart."""

    def __init__(self, text):
        self.conf, self.aliases, self.options = [], [], []
        self.lists = collections.defaultdict(list)
        self.users = []
        self.split = self.disk = None
        self.steps, self.checks = [], []
        for number, line in enumerate(text.split("\n"), 1):
            if line and not line.startswith("#"):
                self.read(number, line)

    def read(self, number, line):
        word, _, rest = line.partition(" ")
        if word.startswith("@"):
            self.set(number, word, rest)
        elif word in CHECKS:
            self.checks.append(Step(number, word, expand(rest)))
        elif self.checks:
            raise Failure(number, "a step behind what must be true at the end")
        else:
            self.steps += self.step(number, word, rest)

    def set(self, number, word, rest):
        if word == "@conf":
            self.conf.append(rest)
        elif word == "@alias":
            self.aliases.append(rest)
        elif word in ("@list", "@db"):
            name, _, text = rest.partition(" ")
            if word == "@db" and not self.lists[name]:
                self.options += ["-d", "~/" + name]
            self.lists[name].append(expand(text))
        elif word == "@user":
            self.users.append(rest)
        elif word == "@split":
            self.split = rest
        elif word == "@disk":
            self.disk = rest
        elif word == "@peer":
            self.options += ["-p", rest]
        elif word == "@file":
            self.options += ["-F", rest]
        elif word == "@service":
            self.options += ["-s", rest]
        elif word == "@proxied":
            self.options += ["-x"]
        elif word == "@local" and rest.startswith("uid "):
            self.options += ["-u", rest[4:]]
        else:
            raise Failure(number, f"no such option: {word} {rest}")

    def step(self, number, word, rest):
        if word == "repeat":
            count, _, tail = rest.partition(" ")
            what, _, text = tail.partition(" ")
            return [Step(number, what, expand(text, n))
                    for n in range(1, int(count) + 1)]
        if word == "to":
            way = []
            for phase, lines in ROUTES.items():
                way += lines
                if phase == rest:
                    return [Step(number, *line.split(" ", 1)) for line in way]
        if word not in STEPS:
            raise Failure(number, f"no such step: {word} {rest}")
        return [Step(number, word, expand(rest))]


# ---------------------------------------------------------------- speaking

class World:
    """A directory with a spool; used for one dialogue after the other."""

    def __init__(self, session):
        self.session = session
        self.top = tempfile.mkdtemp(prefix="godwit-talk-")
        self.other = None       # a spool elsewhere

    def path(self, name):
        if self.other and name.startswith("spool"):
            return os.path.join(self.other, name)
        return os.path.join(self.top, name)

    def home(self, text):
        return text.replace("~/", self.top + "/")

    def write(self, name, lines):
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write("".join(line + "\n" for line in lines))

    def read(self, name):
        with open(self.path(name), "rb") as f:
            return f.read()

    def prepare(self, talk):
        if talk.disk:
            self.other = tempfile.mkdtemp(prefix="godwit-talk-", dir=talk.disk)
        talk.conf = [self.home(line) for line in talk.conf]
        talk.options = [self.home(word) for word in talk.options]
        for name, lines in talk.lists.items():
            self.write(name, lines)
        own = {line.split()[0] for line in talk.conf}
        if talk.users:
            self.write("passwd", talk.users)
            talk.conf.append(f"login file {self.path('passwd')}")
        conf = CONF + [f"{word} {self.path(word)}" for word in ("spool", "run", "aliases")]
        self.write("conf", [line for line in conf if line.split()[0] not in own] + talk.conf)
        self.write("aliases", ALIASES + talk.aliases)

    def clean(self, dump, _notes, whole):
        """The next one finds a spool without a message, or none."""
        if not whole or self.other or not os.path.isdir(self.path("spool/q")):
            shutil.rmtree(self.path("spool"), ignore_errors=True)
            if self.other:
                os.rmdir(self.other)
            self.other = None
            return
        for entry in dump:
            os.unlink(self.path("spool/" + entry.name))

    def end(self):
        shutil.rmtree(self.top, ignore_errors=True)


class Wire:
    """The client's end."""

    def __init__(self, sock, split):
        self.sock = sock
        self.sock.settimeout(PATIENCE)
        self.buffer = b""
        self.ended = False
        word, _, seed = (split or "").partition(" ")
        self.split = word
        self.chance = random.Random(seed)

    def send(self, data):
        try:
            for piece in self.cut(data):
                self.sock.sendall(piece)
                if self.split:
                    self.wait_taken()
        except OSError as e:
            # That the server has gone is told by what it has said.
            if e.errno not in (errno.EPIPE, errno.ECONNRESET):
                raise

    def cut(self, data):
        while self.split and len(data) > 1:
            n = 1 if self.split == "1" else self.chance.choice((1, 1, 2, 3, 7, 40))
            yield data[:n]
            data = data[n:]
        if data:
            yield data

    def wait_taken(self):
        """Until the server has read what was sent."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            left = fcntl.ioctl(self.sock, termios.TIOCOUTQ, b"\0" * 4)
            if struct.unpack("i", left)[0] == 0:
                return
            time.sleep(0.0001)

    def fill(self):
        if self.ended:
            return False
        try:
            got = self.sock.recv(65536)
        except ConnectionResetError:
            got = b""
        self.ended = not got
        self.buffer += got
        return not self.ended

    def line(self):
        """One line with its end, what is left at the end, or None: too late."""
        try:
            while b"\n" not in self.buffer and self.fill():
                pass
        except socket.timeout:
            return None
        line, end, self.buffer = self.buffer.partition(b"\n")
        return line + end


class Speaker:
    """Goes through the steps of a talk."""

    def __init__(self, world, talk, wire, child):
        self.world, self.talk, self.wire, self.child = world, talk, wire, child
        self.said = []
        self.codes = set()
        self.queued = 0

    def run(self):
        for step in self.talk.steps:
            {"C:": self.send, "C|": self.send_raw, "S:": self.hear,
             "S~": self.hear, "R:": self.hear_all, "S>": self.hear_end,
             "wait": self.wait, "shutdown": self.shutdown, "spent": self.spent,
             "close": self.close, "remove": self.remove}[step.what](step)
        if not self.wire.ended:
            self.close(None)
        self.hear_end(Step("the end", "S>", "eof"))

    def send(self, step):
        self.said.append("C: " + shorten(step.text))
        self.wire.send(step.text.encode("utf-8") + b"\r\n")

    def send_raw(self, step):
        self.said.append("C| " + shorten(step.text))
        self.wire.send(unescape(step.text))

    def reply_line(self, step):
        line = self.wire.line()
        if line is None:
            raise Failure(step.line, f"- {step.what} {step.text}",
                          f"+ nothing within {PATIENCE} seconds")
        if not line:
            raise Failure(step.line, f"- {step.what} {step.text}", "+ S> eof")
        self.said.append("S: " + escape(line.removesuffix(b"\r\n")))
        # RFC 5321 4.2 and 4.5.3.1.5; RFC 6531 3.7.4.2
        asked = any(s[0] == "C" and "SMTPUTF8" in s for s in self.said[-4:])
        plain = rb"[ -~\x80-\xff]*" if asked else rb"[ -~]*"
        if not re.fullmatch(rb"[2-5][0-9][0-9][ -]" + plain + rb"\r\n", line) or len(line) > 512:
            raise Failure(step.line, "not a reply line: " + escape(line))
        self.codes.add(int(line[:3]))
        text = line[:-2].decode("utf-8", "replace")
        self.queued += text.startswith("250 2.0.0 Ok: queued as ")
        return text

    def compare(self, step, text):
        if step.what == "S~":
            pattern = step.text
        else:
            pattern = ".*".join(re.escape(part) for part in step.text.split("*"))
        if not re.fullmatch(pattern, text):
            raise Failure(step.line, f"- {step.what} {step.text}", f"+ S: {text}")

    def hear(self, step):
        self.compare(step, self.reply_line(step))

    def hear_all(self, step):
        line = self.reply_line(step)
        while line[3] == "-":
            line = self.reply_line(step)
        self.compare(step, line)

    def hear_end(self, step):
        line = self.wire.line()
        if line is None:
            raise Failure(step.line, "- S> eof",
                          f"+ the server has not closed within {PATIENCE} seconds")
        if line:
            raise Failure(step.line, "- S> eof", "+ S: " + escape(line))
        self.said.append("S> eof")

    def wait(self, step):
        time.sleep(float(step.text.removesuffix("ms")) / 1000)

    def shutdown(self, _step):
        self.kill("shutdown", signal.SIGTERM)

    def spent(self, _step):
        self.kill("spent", signal.SIGXCPU)

    def kill(self, what, number):
        """When it waits for us: a signal between two calls is heard later."""
        self.wire.wait_taken()
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            with open(f"/proc/{self.child.pid}/stat", encoding="latin-1") as f:
                if f.read().rpartition(")")[2].split()[0] == "S":
                    break
            time.sleep(0.001)
        self.said.append(what)
        self.child.send_signal(number)

    def close(self, _step):
        try:
            self.wire.sock.shutdown(socket.SHUT_WR)
        except OSError:         # the server was faster
            pass

    def remove(self, _step):
        shutil.rmtree(self.world.path("spool/q"))


# ---------------------------------------------------------------- judging

class Entry:
    def __init__(self):
        self.name = self.body = self.sender = ""
        self.held = None
        self.rcpts, self.originals, self.wishes = [], [], []
        self.trace = self.content = b""


def read_dump(data):
    """What session.c has printed: the entries, and whether it came to its end."""
    entries, notes, rest = [], [], data
    while rest:
        line, _, rest = rest.partition(b"\n")
        word, _, value = line.decode("utf-8", "replace").partition(" ")
        if word == "end":
            return entries, notes, True
        if word == "etrn":
            notes.append(value)
            continue
        if word == "entry":
            entries.append(Entry())
            entries[-1].name = value
        elif word == "content":
            whole, rest = rest[:int(value)], rest[int(value) + 1:]
            match = re.match(rb"Received: [^\n]*\n(?:[ \t][^\n]*\n)*", whole)
            split = match.end() if match else 0
            entries[-1].trace, entries[-1].content = whole[:split], whole[split:]
        elif word in ("rcpt", "original"):
            getattr(entries[-1], word + "s").append(value)
        elif word == "wish":
            entries[-1].wishes.append(value.encode("utf-8"))
        else:
            setattr(entries[-1], word, value)
    return entries, notes, False


class Judge:
    """What must be true of the stored messages."""

    def __init__(self, entries, notes):
        self.entries, self.notes = entries, notes

    def judge(self, check):
        getattr(self, check.what)(check, check.text)

    def same(self, check, want, have):
        if want != have:
            raise Failure(check.line, f"- {check.what} {want}", f"+ {check.what} {have}")

    def spool(self, check, text):
        self.same(check, int(text), len(self.entries))

    def held(self, check, text):
        reasons = [e.held for e in self.entries if e.held is not None]
        if not any(text in reason for reason in reasons):
            raise Failure(check.line, f"- held {text}", *[f"+ held {one}" for one in reasons])

    def rcpts(self, check, text):
        self.same(check, int(text), sum(len(e.rcpts) for e in self.entries))

    def sender(self, check, text):
        self.one_of(check, text, [e.sender for e in self.entries])

    def body(self, check, text):
        self.one_of(check, text, [e.body for e in self.entries])

    def one_of(self, check, want, have):
        if want not in have:
            raise Failure(check.line, f"- {check.what} {want}",
                          *[f"+ {check.what} {one}" for one in have])

    def rcpt(self, check, text):
        self.one_of(check, text, [one for e in self.entries for one in e.rcpts])

    def original(self, check, text):
        self.one_of(check, text, [one for e in self.entries for one in e.originals])

    def all_of(self, checks):
        """The rcpt lines of a talk are the whole list, if there are any."""
        for what in ("rcpt", "original"):
            want = sorted(c.text for c in checks if c.what == what)
            have = sorted(one for e in self.entries for one in getattr(e, what + "s"))
            if want and want != have:
                line = [c.line for c in checks if c.what == what][-1]
                raise Failure(line, *[f"- {what} {one}" for one in want if one not in have],
                              *[f"+ {what} {one}" for one in have if one not in want],
                              f"{len(want)} expected, {len(have)} there")

    def search(self, check, text, where):
        how, _, text = text.partition(" ")
        want = unescape(text)
        if how == "is":
            good = want in where
        elif how == "fits":
            regex = rb"[^\r\n]*".join(map(re.escape, want.split(b"{*}")))
            good = any(re.fullmatch(regex, one) for one in where)
        elif how == "contains":
            good = any(want in one for one in where)
        elif how == "lacks":
            good = not any(want in one for one in where)
        else:
            raise Failure(check.line, f"no such check: {check.what} {how}")
        if not good:
            raise Failure(check.line, f"- {check.what} {how} {shorten(escape(want))}",
                          *[f"+ {check.what} is {shorten(escape(one), 2000)}" for one in where])

    def content(self, check, text):
        self.search(check, text, [e.content for e in self.entries])

    def wish(self, check, text):
        self.search(check, text, [one for e in self.entries for one in e.wishes])

    def etrn(self, check, text):
        self.one_of(check, text, self.notes)

    def trace(self, check, text):
        self.search(check, text, [e.trace for e in self.entries])


def is_log(data):
    try:
        return not re.search("[\0-\t\x0b-\x1f\x7f-\x9f]", data.decode("utf-8"))
    except UnicodeDecodeError:
        return False


def judge(talk, speaker, child, world):
    try:
        status = child.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        status = "none: it goes on"
    entries, notes, whole = read_dump(world.read("out"))
    if status != 0 or not whole:
        raise Failure("the end", f"the session ended with status {status}")
    notices = sum(1 for e in entries if e.sender == "<>" and b"Auto-Submitted: auto-generated"
                  in e.content)
    if len(entries) != speaker.queued + notices:
        raise Failure("the end", f"{speaker.queued} messages were acknowledged, "
                      f"{len(entries)} are in the spool")
    if not is_log(world.read("log")):
        raise Failure("the end", "the log holds what no line of it may hold")
    judge_of = Judge(entries, notes)
    for check in talk.checks:
        if check.what == "log":
            judge_of.search(check, check.text, [world.read("log")])
        else:
            judge_of.judge(check)
    judge_of.all_of(talk.checks)


def start(world, talk, sock):
    options = talk.options
    if "-u" not in options and "-p" not in options:
        options = options + ["-p", "192.0.2.1"]
    with open(world.path("out"), "wb") as out, open(world.path("log"), "wb") as log:
        return subprocess.Popen([world.session, *options, world.path("conf")],
                                stdin=sock, stdout=out, stderr=log, close_fds=False)


def describe(failure, speaker, world):
    place = failure.line if isinstance(failure.line, str) else f"line {failure.line}"
    told = [f"at {place}:", str(failure)]
    if speaker is not None:
        told += ["what was said:"] + ["  " + line for line in speaker.said[-30:]]
        told += ["the log:", world.read("log")[-4000:].decode("utf-8", "replace")]
    return "\n".join(told)


def hold(world, text):
    """Holds one dialogue.  Returns the reply codes that came, and what went
    wrong as text, or None."""
    speaker = child = failure = None
    ours, theirs = socket.socketpair()
    with ours:
        try:
            with theirs:
                talk = Talk(text)
                world.prepare(talk)
                child = start(world, talk, theirs)
            speaker = Speaker(world, talk, Wire(ours, talk.split), child)
            speaker.run()
            judge(talk, speaker, child, world)
        except Failure as e:
            failure = describe(e, speaker, world)
        except OSError as e:
            failure = describe(Failure("an unexpected error", str(e)), speaker, world)
        finally:
            if child is not None:
                if child.poll() is None:
                    child.kill()
                child.wait()
                world.clean(*read_dump(world.read("out")))
    return Result(speaker.codes if speaker else set(), failure)
