# SPDX-License-Identifier: ISC
"""What is learnt of a client from the world: its name, the lists that have it,
whether it can wait, and whether it comes again.  The clients are addresses of
host b; the resolver is nsd, or one of our own that lies."""
import collections
import contextlib
import json
import os
import random
import re
import smtplib
import socket
import struct
import subprocess
import threading
import time

import pytest

from house import (A, B, BLACK, PATIENCE, SANITIZED, Client, parse, read, simple, wait, write)

LISTEN = "listen smtp on 25\n"


class Stranger(Client):
    """A client on host b with an address of its choice."""

    def __init__(self, village, source=B, at=A, **more):
        self.source = source
        super().__init__(village.b, at, **more)

    def _get_socket(self, host, port, timeout):
        return dial(self.host_of_client, self.source, host, port)


def dial(host, source, to=A, port=25):
    with host.net():
        s = socket.socket(socket.AF_INET6 if ":" in to else socket.AF_INET)
    s.settimeout(PATIENCE)
    s.bind((source, 0))
    s.connect((to, port))
    return s


@pytest.fixture(scope="module", autouse=True)
def addresses(village):
    """192.0.2.30 to .45 and some of IPv6 are host b's."""
    village.b.shell("for n in $(seq 30 45); do ip addr add 192.0.2.$n/24 dev eth0; done\n"
                    "for n in 31 32; do ip -6 addr add 2001:db8::$n/64 dev eth0 nodad; done")
    yield
    village.b.shell("for n in $(seq 30 45); do ip addr del 192.0.2.$n/24 dev eth0; done\n"
                    "for n in 31 32; do ip -6 addr del 2001:db8::$n/64 dev eth0; done")


def visit(village, source, to="alice@a.test", sender="x@b.test", subject="hello", at=A):
    """One message by a stranger: the replies to RCPT and to the content."""
    with Stranger(village, source, at) as c:
        c.ehlo()
        c.mail(sender)
        code, text = c.rcpt(to)
        if code != 250:
            return code, text.decode()
        c.docmd("DATA")
        c.send(simple(subject).replace(b"\r\n.", b"\r\n..") + b".\r\n")
        code, text = c.getreply()
        return code, text.decode()


# ---------------------------------------------------------------- names

NAMES = [
    ("192.0.2.30", "good.client.test"),
    ("192.0.2.31", "unknown"),              # no PTR
    ("192.0.2.32", "unknown"),              # points to a name of another
    ("192.0.2.33", "unknown"),              # SERVFAIL
    ("192.0.2.34", "unknown"),              # a name that is none
    ("192.0.2.35", "third.client.test"),    # the third of several
    ("192.0.2.36", "aliased.client.test"),  # RFC 2317
    ("192.0.2.37", "unknown"),              # the name does not exist
    ("192.0.2.38", "unknown"),              # an address for a name
    ("2001:db8::31", "six.client.test"),
    ("2001:db8::32", "unknown"),
]


def test_names(house, village):
    """T-25: a pointer is anybody's word; a name counts when it points back."""
    g = house(LISTEN)
    for source, name in NAMES:
        at = A if "." in source else "2001:db8::10"
        mark = g.mark()
        reply = visit(village, source, subject="from " + source, at=at)
        assert reply[0] == 250, (source, reply)
        told = f"{name}[{source}]"
        g.wait_log(re.escape(f"connect from {told}"), since=mark)
        g.wait_log(re.escape(f"client={told}"), since=mark)
        g.wait_log(re.escape(f"disconnect from {told}"), since=mark)
    mails = g.wait_mail("alice", len(NAMES))
    for source, name in NAMES:
        mail, = [parse(m) for m in mails if parse(m)["Subject"] == "from " + source]
        literal = source if "." in source else "IPv6:" + source
        assert f"({name} [{literal}])" in str(mail["Received"]), source


# What B's .30 calls itself, and what a rule thinks of it.
GREETINGS = [
    ("good.client.test", 250),
    ("GOOD.client.test", 250),
    ("[192.0.2.30]", 250),
    ("third.client.test", "554 5.7.1 unconfirmed"),     # another's
    ("backup.test", "554 5.7.1 unconfirmed"),         # an MX, no address
    ("[192.0.2.31]", "554 5.7.1 unconfirmed"),
    ("nosuch.client.test", "554 5.7.1 unknown"),
    ("empty.test", "554 5.7.1 unknown"),              # neither MX nor address
    ("null.test", "554 5.7.1 unknown"),               # RFC 7505
    ("192.0.2.30", "554 5.7.1 malformed"),
    ("a.test", "554 5.7.1 forged"),
    ("localhost", "554 5.7.1 forged"),
    ("[192.0.2.10]", "554 5.7.1 forged"),
    ("[IPv6:2001:db8::10]", "554 5.7.1 forged"),        # we listen on all we have
    ("x.broken.test", "450 4.7.1 Helo command rejected: its name cannot be looked up now"),
]


def test_greetings(house, village):
    """HELO: what is ours, what is none, what the DNS has; explain says the same."""
    g = house(LISTEN + "client-names no\n" + "".join(
        f'reject helo {state} at hello with "554 5.7.1 {state}"\n'
        for state in ("forged", "malformed", "unknown")) +
              'reject not helo confirmed at hello with "554 5.7.1 unconfirmed"\n')
    for name, want in GREETINGS:
        with Stranger(village, "192.0.2.30") as c:
            code, text = c.helo(name)
        said = f"{code} {text.decode()}"
        assert said == want or code == want, (name, said)
        told = json.loads(g.host.run(
            [g.program("godwit"), "-f", g.conf, "explain", "--json", "--client", "192.0.2.30",
             "--helo", name, "alice@a.test"], check=False).stdout)
        reply = [s["reply"] for s in told["stages"] if s["stage"] == "hello"]
        assert reply == ([""] if want == 250 else [want]), (name, told)
    # This machine, and a program of it, have nothing to prove.
    g.send("x@b.test", "alice@a.test", simple("loopback"))
    g.sendmail("alice@a.test", input=simple("local"))
    g.wait_mail("alice", 2)


def test_who_is_not_asked_about(house, village):
    """Ours: loopback, the local socket, and whom we relay for."""
    g = house(LISTEN + "relay for 192.0.2.30")
    with Lies(village) as lies:
        g.signal("HUP")
        g.wait_log("reload: done")
        assert visit(village, "192.0.2.30")[0] == 250
        g.send("x@b.test", "alice@a.test", simple("loopback"))
        g.sendmail("alice@a.test", input=simple("local"))
        g.wait_mail("alice", 3)
        assert lies.questions == []
        lies.answer = honest

        def asked():
            """The master before, who asks nsd, may greet once more."""
            assert visit(village, "192.0.2.31")[0] == 250
            return lies.questions
        wait(asked, "others are asked about")


def test_names_off(house, village):
    g = house(LISTEN + "client-names no")
    assert g.process("names") is None
    visit(village, "192.0.2.30")
    g.wait_log(r"disconnect from unknown\[192.0.2.30\]")


def test_only_loopback_needs_no_relay(house):
    g = house("listen smtp on 127.0.0.1:25")
    assert g.process("names") is None


def test_relay_of_names_comes_back(house, village):
    g = house(LISTEN)
    pid = wait(lambda: g.process("names"), "the relay")
    g.host.run(["kill", "-KILL", pid])
    g.wait_log("names was killed by signal 9; starting it again")
    wait(lambda: g.process("names") not in (None, pid), "another relay")

    def name():
        mark = g.mark()
        assert visit(village, "192.0.2.30")[0] == 250
        return g.wait_log(r": connect from (\S+)\[192.0.2.30\]", since=mark)[1]
    wait(lambda: name() == "good.client.test", "it has come back")
    # The ends that the dead one had laid out have been cleared away.
    assert [name() for _ in range(3)] == ["good.client.test"] * 3
    assert g.stop() == 0


def test_a_crowd_has_names(house, village):
    """More at once than there are lines laid out: each gets one."""
    g = house(LISTEN + "sessions-per-client 0\nsessions-per-network 0\n"
              "connections-per-minute 0\nconnections-per-minute-network 0\n"
              "connections-per-second 0")
    crowd = [dial(village.b, "192.0.2.30") for _ in range(150)]
    for s in crowd:
        s.sendall(b"EHLO crowd\r\n")
    for s in crowd:
        assert s.recv(1000).startswith(b"220")
    wait(lambda: g.log().count(" connect from ") >= 150, "names")
    for s in crowd:
        s.close()
    assert g.log().count(" connect from good.client.test[192.0.2.30]") == 150


@pytest.mark.slow
def test_what_a_name_costs(house, village):
    """In system calls of the session that has it, beside one that has none."""
    counts = {}
    for setting in ("yes", "no"):
        g = house(LISTEN + f"client-names {setting}")
        visit(village, "192.0.2.30")
        trace = g.base + "/trace"
        strace = g.host.start(["strace", "-f", "-qq", "-o", trace, "-p", g.process("master")],
                              stderr=subprocess.DEVNULL)
        wait(lambda: b"TracerPid:\t0\n" not in read(g.host.path(
            f"/proc/{g.process('master')}/status")), "it is traced")
        visit(village, "192.0.2.30", subject="traced")
        g.wait_mail("alice", 2)
        wait(lambda: re.search(r"linkat\([\s\S]*exit_group\(", open(trace).read()), "its end")
        strace.terminate()
        strace.wait()
        # Of the session alone: what the master does once a second is its own.
        text = open(trace).read()
        session = re.search(r"^(\d+) +linkat\(", text, re.M)[1]
        counts[setting] = collections.Counter(re.findall(rf"^{session} +(\w+)\(", text, re.M))
        g.stop()
    more = counts["yes"] - counts["no"]
    print("a name costs", sum(more.values()), dict(more))
    assert SANITIZED or 0 < sum(more.values()) <= 12, more


def test_a_session_has_no_socket_but_its_clients(house, village):
    """T-21: a session, and the relay, hold what they need and nothing else."""
    g = house(LISTEN + "pre-greeting 1s\ndnsbl bl.test\ngreylist 1s")
    waiting = [dial(village.b, "192.0.2.40") for _ in range(5)]
    with Stranger(village, "192.0.2.30") as c:
        c.ehlo()
        for s in waiting:
            s.recv(100)
        waiting += [dial(village.b, "192.0.2.41") for _ in range(5)]
        session = [p for p in g.processes() if p[1] == g.process("master")]
        mine = wait(lambda: inet_sockets(g, session[0][0]), "sockets")
        assert len(mine) == 1, mine
    for s in waiting:
        s.close()


def inet_sockets(g, pid):
    base = g.host.path(f"/proc/{pid}")
    known = set()
    for kind in ("tcp", "tcp6", "udp", "udp6"):
        with open(f"{base}/net/{kind}") as f:
            known |= {line.split()[9] for line in f.readlines()[1:]}
    out = []
    for fd in os.listdir(base + "/fd"):
        with contextlib.suppress(OSError):
            found = re.match(r"socket:\[(\d+)\]", os.readlink(f"{base}/fd/{fd}"))
            if found and found[1] in known:
                out.append(fd)
    return out


# ------------------------------------------------------- a resolver that lies

def wire(name):
    return b"".join(bytes([len(l)]) + l.encode() for l in name.split(".")) + b"\0"


def record(name, kind, data, ttl=60):
    name = name if isinstance(name, bytes) else wire(name)
    return name + struct.pack(">HHIH", kind, 1, ttl, len(data)) + data


class Lies:
    """Takes nsd's place on the address of the name server, beside nsd itself:
    the host's resolv.conf names another port of call, 192.0.2.54."""
    AT = "192.0.2.54"

    def __init__(self, village, answer=None):
        self.host, self.asker, self.questions = village.dns, village.a, []
        self.answer = answer or (lambda name, kind, packet, question: None)

    def __enter__(self):
        self.host.shell(f"ip addr add {self.AT}/24 dev br0")
        with self.host.net():
            self.socket = socket.socket(type=socket.SOCK_DGRAM)
        self.socket.bind((self.AT, 53))
        self.other = self.resolv(f"nameserver {self.AT}\n")
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()
        return self

    def resolv(self, text):
        """Of host a."""
        path = self.asker.path("/etc/resolv.conf")
        with open(path) as f:
            former = f.read()
        write(path, text)
        return former

    def serve(self):
        while True:
            try:
                packet, peer = self.socket.recvfrom(4096)
            except OSError:
                return
            if not packet:              # shut down
                return
            at, labels = 12, []
            while packet[at]:
                labels.append(packet[at + 1:at + 1 + packet[at]].decode("latin1"))
                at += 1 + packet[at]
            kind, = struct.unpack(">H", packet[at + 1:at + 3])
            name = ".".join(labels).lower()
            self.questions.append((name, kind))
            said = self.answer(name, kind, packet, packet[12:at + 5])
            for one in said if isinstance(said, list) else [said]:
                if one is not None:
                    self.socket.sendto(one, peer)

    def __exit__(self, *_):
        self.resolv(self.other)
        with contextlib.suppress(OSError):      # it wakes the thread all the same
            self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.socket.close()
        self.host.shell(f"ip addr del {self.AT}/24 dev br0")


def reply(packet, question, records=(), flags=0x8180, rcode=0, ident=None):
    return ((packet[:2] if ident is None else ident) +
            struct.pack(">HHHHH", flags | rcode, 1, len(records), 0, 0) +
            question + b"".join(records))


def honest(name, kind, packet, question):
    if kind == 12:
        return reply(packet, question, [record(b"\xc0\x0c", 12, wire("good.client.test"))])
    if name == "good.client.test" and kind == 1:
        return reply(packet, question, [record(b"\xc0\x0c", 1, socket.inet_aton("192.0.2.31"))])
    return reply(packet, question, rcode=3)


@pytest.mark.slow
def test_a_resolver_that_is_silent(house, village):
    """Nobody waits longer than the bound, and the mail is taken."""
    g = house(LISTEN, start=False)
    with Lies(village) as lies:
        g.start()
        begun = time.monotonic()
        with Stranger(village, "192.0.2.31") as c:
            greeted = time.monotonic() - begun
            c.ehlo()
            answered = time.monotonic() - begun
            assert c.post("x@b.test", "alice@a.test", simple("late"))[0] == 250
        # The bound is 5, for all together 20; of it nothing is over yet when one
        # is greeted, and most of it when one is answered.
        assert 4 < answered < 15
        assert answered - greeted > 1
        g.wait_log(r"connect from unknown\[192.0.2.31\]")
        # the same one, again; and one of the relay's own
        assert len([q for q in lies.questions if q[1] == 12]) == 3


@pytest.mark.slow
def test_a_resolver_that_stays_silent(house, village):
    """After a while nobody waits any more; what rules want to know of a name is
    put off, lists have nobody; and when it answers again, all is as before.  (One
    may have come just when the relay looked whether it does.)"""
    g = house(LISTEN + "dnsbl bl.test\nreject client named unknown to bob@a.test\n"
              "reject client in dnsbl other.test to carol@a.test\n", start=False)
    with Lies(village) as lies:
        g.start()
        waits, asked = [], []
        while len(waits) < 9:
            begun, before = time.monotonic(), len(lies.questions)
            assert visit(village, "192.0.2.31")[0] == 250
            waits.append(time.monotonic() - begun)
            asked.append(sum("31.2.0.192" in q[0] for q in lies.questions[before:]))
        # Who waits at all waits for 5.
        assert max(waits) < 15 and sorted(waits[-4:])[-2] < 4, waits
        assert asked[0] > 0 and sorted(asked[-4:])[-2] == 0, asked
        g.wait_log("no name server answers: clients are unknown, and no list is asked")
        assert visit(village, "192.0.2.31", to="bob@a.test")[0] == 450
        assert len(re.findall("no name server answers", g.log())) == 1
        # Our own question goes on, and its answer ends it.
        lies.answer = honest
        g.wait_log("name servers answer again")
        mark = g.mark()
        assert visit(village, "192.0.2.31")[0] == 250
        g.wait_log(r"connect from good.client.test\[192.0.2.31\]", since=mark)


NASTY = [(b"\x11a\r\nX-Evil: y\n.bc\x04test\0", "CR and LF"),
         (b"\x08a\x1b[31mbc\x04test\0", "escapes"), (b"\x03a\0b\x04test\0", "NUL"),
         (b"\x08a]: b (c\x04test\0", "brackets"), (b"\x04\xc3\xa4bc\x04test\0", "8 bits"),
         (b"\x05a\\032\x04test\0", "a backslash"), (b"\x03%s%\x04test\0", "percents"),
         (b"\x06<a@b>\x04test\0", "an address"), (b"\x03-ab\x04test\0", "a hyphen first")]


def test_names_with_characters(house, village):
    """T-6, T-37: whoever owns an address may point it to any bytes, and have them
    point back; none of them come into the log or a header."""
    g = house(LISTEN, start=False)
    with Lies(village) as lies:
        g.start()
        for name, what in NASTY:
            lies.answer = lambda n, kind, packet, question, name=name: reply(
                packet, question, [record(b"\xc0\x0c", kind, name if kind == 12 else
                                          socket.inet_aton("192.0.2.31"))])
            mark = g.mark()
            assert visit(village, "192.0.2.31", subject=what)[0] == 250, what
            g.wait_log(r"client=unknown\[192.0.2.31\]", since=mark)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]|Evil|<a@b>", g.log())
    for mail in g.wait_mail("alice", len(NASTY)):
        assert "(unknown [192.0.2.31])" in str(parse(mail)["Received"])
        assert b"X-Evil" not in mail


def test_the_longest_name(house, village):
    """T-25: 253 characters are a name; they come into the log and into Received
    whole, in lines that a mail may have.  One more octet is none."""
    label = "a" * 62
    long = ".".join([label] * 3 + ["b" * 59, "test"])
    assert len(long) == 253
    g = house(LISTEN, start=False)
    with Lies(village) as lies:
        def answer(name, kind, packet, question, name_=[long]):
            data = wire(name_[0]) if kind == 12 else socket.inet_aton("192.0.2.31")
            return reply(packet, question, [record(b"\xc0\x0c", kind, data)])
        lies.answer = answer
        g.start()
        assert visit(village, "192.0.2.31")[0] == 250
        g.wait_log(rf"connect from {re.escape(long)}\[192.0.2.31\]")
        g.wait_log(rf"client={re.escape(long)}\[192.0.2.31\]")
        answer.__defaults__[0][0] = long.replace("b" * 59, "b" * 61)
        mark = g.mark()
        assert visit(village, "192.0.2.31")[0] == 250
        g.wait_log(r"connect from unknown\[192.0.2.31\]", since=mark)
    mails = g.wait_mail("alice", 2)
    assert all(len(line) <= 998 for m in mails for line in m.splitlines())
    assert sum(f"({long} [192.0.2.31])" in " ".join(str(parse(m)["Received"]).split())
               for m in mails) == 1


def test_the_next_server_is_asked(house, village):
    """The first does not answer, or nobody listens there: the second does, with
    the question that is sent again."""
    g = house(LISTEN, start=False)
    with Lies(village) as lies:
        lies.resolv(f"nameserver {BLACK}\nnameserver {Lies.AT}\n")
        lies.answer = honest
        g.start()
        visit(village, "192.0.2.31")
        g.wait_log(r"no answer from name server \[192.0.2.66\]")
        g.wait_log(r"connect from good.client.test\[192.0.2.31\]")

        def at_once():
            """It need not be found out again that the first does not answer."""
            mark = g.mark()
            visit(village, "192.0.2.31")
            g.wait_log(r"connect from good.client.test\[192.0.2.31\]", since=mark)
            return "no answer" not in g.since(mark)
        assert sum(at_once() for _ in range(4)) >= 3


def crafted():
    """Answers that ought to do no harm; each is a function as honest() is."""
    r = random.Random(5)
    good = socket.inet_aton("192.0.2.31")

    def of(make):
        return lambda name, kind, packet, question: make(packet, question, kind)

    yield "wrong ID", of(lambda p, q, k: reply(p, q, [record(b"\xc0\x0c", k, good)],
                                               ident=bytes([p[0] ^ 1, p[1]])))
    yield "wrong question", of(lambda p, q, k: reply(p, wire("evil.test") + q[-4:],
                                                     [record(b"\xc0\x0c", k, good)]))
    yield "wrong type", of(lambda p, q, k: reply(p, q[:-4] + b"\0\x10\0\1"))
    yield "no question", of(lambda p, q, k: p[:2] + b"\x81\x80" + bytes(8))
    yield "a question of ours", of(lambda p, q, k: p)
    yield "empty", of(lambda p, q, k: b"")
    for n in range(1, 12):
        yield f"{n} bytes", of(lambda p, q, k, n=n: reply(p, q)[:n])
    for to in (0, 11, 12, 13, 40, 100, 0x3fff):
        pointer = struct.pack(">H", 0xc000 | to)
        yield f"owner points to {to}", of(lambda p, q, k, x=pointer: reply(
            p, q, [record(x, k, wire("good.client.test"))]))
        yield f"data points to {to}", of(lambda p, q, k, x=pointer: reply(
            p, q, [record(b"\xc0\x0c", 12, x)]))
    yield "loop", of(lambda p, q, k: reply(p, q, [record(
        b"\xc0" + bytes([12 + len(q)]), 12, b"\1a\xc0" + bytes([12 + len(q)]))]))
    for kind in (1, 2, 5, 6, 12, 15, 16, 28, 41, 52, 65535):
        for n in (0, 1, 2, 3, 5, 15, 17, 255):
            yield f"type {kind} with {n} bytes", of(lambda p, q, k, kind=kind, n=n: reply(
                p, q, [record(b"\xc0\x0c", kind, r.randbytes(n))]))
    for length in (0, 1, 4, 300, 65535):
        yield f"RDLENGTH {length} that is not", of(lambda p, q, k, n=length: reply(
            p, q, [b"\xc0\x0c" + struct.pack(">HHIH", 12, 1, 60, n) + b"\1a\0"]))
    yield "many records", of(lambda p, q, k: reply(
        p, q, [record(b"\xc0\x0c", 12, wire(f"n{i}.test")) for i in range(50)]))
    yield "count without records", of(lambda p, q, k: p[:2] + struct.pack(
        ">HHHHH", 0x8180, 1, 65535, 65535, 65535) + q)
    yield "cut", of(lambda p, q, k: reply(p, q, flags=0x8380))
    yield "aliases without end", of(lambda p, q, k: reply(p, q, [record(
        b"\xc0\x0c", 5, b"\x05again" + q[:-4])]))
    yield "an alias to itself", of(lambda p, q, k: reply(p, q, [record(
        b"\xc0\x0c", 5, b"\xc0\x0c")]))
    for bad in (b"\x0ba\r\nX-Evil: y\0", b"\x04a b\0\0", b"\x03a\0b\0", b"\x03\xff\xfe\xfd\0",
                b"\x05<a@b>\0", b"\x3f" + b"a" * 63 + b"\0", b"\x01[\x01]\0", b"\0"):
        yield f"name {bad!r}", of(lambda p, q, k, bad=bad: reply(
            p, q, [record(b"\xc0\x0c", 12, bad)]))
    for code in range(1, 16):
        yield f"RCODE {code}", of(lambda p, q, k, code=code: reply(p, q, rcode=code))
    for i in range(150):
        yield f"changed {i}", of(lambda p, q, k, i=i: spoil(random.Random(i), reply(
            p, q, [record(b"\xc0\x0c", 12, wire("good.client.test"))])))
    yield "too long", of(lambda p, q, k: reply(p, q) + bytes(4500))


def spoil(r, packet):
    packet = bytearray(packet)
    for _ in range(r.randint(1, 6)):
        packet[r.randrange(2, len(packet))] = r.randrange(256)
    return bytes(packet[:r.randint(12, len(packet))])


@pytest.mark.slow
def test_a_resolver_with_bad_answers(house, village):
    """T-25: each bad answer, and then none, or behind it the right one: no
    harm is done, and the right one is found where its ID was not spent."""
    g = house(LISTEN + "sessions-per-client 0\nsessions-per-network 0\n"
              "connections-per-minute 0\nconnections-per-minute-network 0\n"
              "connections-per-second 0", start=False)
    with Lies(village) as lies:
        g.start()
        relay = wait(lambda: g.process("names"), "the relay")
        n = 0
        for what, bad in crafted():
            def answer(name, kind, packet, question, bad=bad):
                return [bad(name, kind, packet, question),
                        honest(name, kind, packet, question)]
            lies.answer = answer
            mark = g.mark()
            with Stranger(village, "192.0.2.31") as c:
                c.sock.settimeout(40)           # twice what all its waiting may take
                assert c.ehlo()[0] == 250, what
            line = g.wait_log(r"connect from (\S+)\[192.0.2.31\]$", since=mark)
            assert re.fullmatch(r"unknown|[a-z0-9.-]+", line[1]), (what, line[1])
            if what in ("wrong ID", "wrong question", "wrong type", "no question",
                        "a question of ours"):
                assert line[1] == "good.client.test", what
            n += 1
        assert n > 250
        assert g.process("names") == relay
        assert "X-Evil" not in g.log()


# ---------------------------------------------------------------- lists

LISTS = "dnsbl bl.test\n"


def test_lists(house, village):
    g = house(LISTEN + LISTS)
    code, text = visit(village, "192.0.2.30")
    assert code == 250
    code, text = visit(village, "192.0.2.40")
    assert (code, text) == (554, "5.7.1 Service unavailable; Client host "
                            "[192.0.2.40] blocked using bl.test; https://bl.test/?40")
    g.wait_log(r"DNSBL rank 1 for \[192.0.2.40\]:\d+$")
    g.wait_log(r"NOQUEUE: reject: RCPT from unknown\[192.0.2.40\]: 554 5.7.1 Service "
               r"unavailable; Client host \[192.0.2.40\] blocked using bl.test; "
               r"https://bl.test/\?40; from=<x@b.test> to=<alice@a.test>")
    # IPv6, by nibbles
    assert visit(village, "2001:db8::31", at="2001:db8::10")[0] == 554
    assert visit(village, "2001:db8::32", at="2001:db8::10")[0] == 250
    # an answer that is no listing: once in the log, and nobody is refused
    assert visit(village, "192.0.2.42")[0] == 250
    g.wait_log(r"DNS list bl.test refuses to answer us \(127.255.255.254\); it is "
               "left out for a while")
    assert visit(village, "192.0.2.40")[0] == 250, "it is left out"
    assert g.log().count("refuses to answer us") == 1


def test_weights(house, village):
    g = house(LISTEN + "dnsbl bl.test weight 2 when 127.0.0.2-3 as \"the list\"\n"
              "dnsbl bl.test weight 1 when 127.0.0.10\n"
              "dnsbl other.test\ndnswl white.test weight 5\ndnsbl-threshold 2")
    assert visit(village, "192.0.2.40")[1].startswith(
        "5.7.1 Service unavailable; Client host [192.0.2.40] blocked using the list")
    assert visit(village, "192.0.2.41")[0] == 250           # weighs 1
    g.wait_log(r"DNSBL rank 1 for \[192.0.2.41\]")
    assert visit(village, "192.0.2.43")[0] == 250           # 2, and white
    assert visit(village, "192.0.2.44")[0] == 554           # 1 and 1


@pytest.mark.parametrize("zone, text", [
    ("all.test", "lists everybody"), ("nobody.test", "lists nobody"),
    ("wild.test", "lists everybody")])
def test_a_list_that_has_lost_its_mind(house, village, zone, text):
    g = house(LISTEN + f"dnsbl {zone}")
    assert visit(village, "192.0.2.40")[0] == 250
    g.wait_log(f"DNS list {zone} {text}")
    assert visit(village, "192.0.2.40")[0] == 250
    assert g.log().count("it is left out") == 1


@pytest.mark.slow
def test_a_list_that_is_dead(house, village):
    """It costs the bound at most, and after some of that nothing any more, while
    another goes on."""
    g = house(LISTEN + "dnsbl dead.test\ndnsbl bl.test\nclient-names no", start=False)
    listed = {"2.0.0.127.bl.test", "40.2.0.192.bl.test"}
    with Lies(village) as lies:
        lies.answer = lambda name, kind, packet, question: (
            None if name.endswith("dead.test") else
            reply(packet, question, [record(b"\xc0\x0c", 1, b"\x7f\0\0\2")])
            if name in listed else reply(packet, question, rcode=3))
        g.start()
        waits, asked = [], []
        for _ in range(9):
            begun, before = time.monotonic(), len(lies.questions)
            assert visit(village, "192.0.2.41")[0] == 250
            waits.append(time.monotonic() - begun)
            asked.append(sum(q[0] == "41.2.0.192.dead.test" for q in lies.questions[before:]))
        assert max(waits) < 15 and min(waits[:4]) > 4, waits
        assert sorted(waits[5:])[-2] < 4, waits
        assert min(asked[:4]) > 0 and sorted(asked[5:])[-2] == 0, asked
        g.wait_log("DNS list dead.test does not answer; it is left out")
        assert visit(village, "192.0.2.40")[0] == 554
        assert "no name server answers" not in g.log()


def test_lists_are_not_asked_about_ours(house, village):
    g = house(LISTEN + LISTS + "relay for 192.0.2.40")
    assert visit(village, "192.0.2.40")[0] == 250
    g.send("x@b.test", "alice@a.test", simple("loopback"))


def test_who_has_logged_in(house, village):
    """Lists and greylist are not for those who have proved to be ours."""
    g = house(start=False)
    g.configure(LISTEN + f"login file {g.base}/passwd\nlogin without tls\n"
                "dnsbl bl.test\ngreylist 1h")
    g.host.run([g.program("godwit"), "passwd", "-f", g.conf, "--stdin", "bob"], input=b"pencil\n")
    g.start()
    with Stranger(village, "192.0.2.40") as c:
        c.ehlo()
        c.mail("bob@a.test")
        assert c.rcpt("alice@a.test")[0] == 554
        c.rset()
        c.user, c.password = "bob", "pencil"
        assert c.auth("PLAIN", c.auth_plain)[0] == 235
        c.mail("bob@a.test")
        assert c.rcpt("alice@a.test")[0] == 250
    with Stranger(village, "192.0.2.45") as c:
        c.ehlo()
        c.user, c.password = "bob", "pencil"
        assert c.auth("PLAIN", c.auth_plain)[0] == 235
        c.mail("bob@a.test")
        assert c.rcpt("alice@a.test")[0] == 250


def test_rules(house, village):
    """What rules ask of the world, and that they go first."""
    g = house(LISTEN + "client-names no\ndnsbl bl.test\ngreylist 1h\n"
              "relay for 192.0.2.35\n"
              "accept client 192.0.2.40\n"
              "reject client in dnsbl other.test with \"550 5.7.1 not you\"\n"
              "accept client named *.client.test\n"
              "reject client named unknown to bob@a.test\n")
    assert visit(village, "192.0.2.40")[0] == 250           # listed, greylisted
    assert visit(village, "192.0.2.44") == (550, "5.7.1 not you")
    assert visit(village, "192.0.2.30")[0] == 250           # by its name
    g.wait_log(r"disconnect from good.client.test\[192.0.2.30\]")
    assert visit(village, "192.0.2.31")[0] == 450           # nothing speaks for it
    assert visit(village, "192.0.2.31", to="bob@a.test")[0] == 554
    # ours have names, too; loopback is localhost
    assert visit(village, "192.0.2.35", to="bob@a.test")[0] == 250
    g.send("x@b.test", "bob@a.test", simple("loopback"))
    # what cannot be told is not unknown
    code, text = visit(village, "192.0.2.33", to="bob@a.test")
    assert (code, text) == (450, "4.7.1 Client host rejected: its name cannot be "
                            "looked up now")


def offer(village, source, size, to="alice@a.test"):
    """The reply to RCPT of a message that is said to be so long."""
    with Stranger(village, source) as c:
        c.ehlo()
        assert c.mail("x@b.test", [f"SIZE={size}"])[0] == 250
        return c.rcpt(to)[0]


def test_a_declared_size_spares_nothing(house, village):
    """What a client says of itself opens no way around lists and greylist; only
    mail of which some rule will speak anyway need not wait."""
    g = house(LISTEN + "client-names no\ndnsbl bl.test\ngreylist 1h\n"
              "hold size over 2M\n"
              "accept client 192.0.2.41\n"
              "accept size under 1M\n"
              "accept size over 3M to alice@a.test\n")
    for size in (1, 100, 1500000, 2500000, 4000000):
        assert offer(village, "192.0.2.40", size) == 554, size
        assert offer(village, "192.0.2.45", size) == 450, size
        assert offer(village, "192.0.2.41", size) == 250, size
    # `godwit explain' says so.
    told = explain(g, "--client", "192.0.2.41", "--from", "x@b.test", "--size", "100",
                   "alice@a.test")[1]
    assert "later" in told and "(size is said to be 100)" in told, told
    assert re.search(r"says 250 2.1.5 Ok, and the end shows which rule decides", told), told
    g.configure("reject size over 2M with \"552 5.3.4 too much\"\n"
                "accept client 192.0.2.41\n" + LISTEN + "dnsbl bl.test\ngreylist 1h\n")
    g.signal("HUP")
    g.wait_log("reload: done")
    # A master before may greet once more.
    wait(lambda: offer(village, "192.0.2.41", 2097153) == 552, "the new rules hold")
    assert offer(village, "192.0.2.41", 100) == 250


def test_hello_and_names(house, village):
    """What a client calls itself, beside what it is called."""
    g = house(LISTEN + "reject helo matching a.test or *.a.test at hello with "
              "\"550 5.7.1 That is my name\"\n"
              "reject helo matching localhost or [127.*] or *.localdomain with "
              "\"550 5.7.1 You are not\"\n"
              "reject not helo matching *.* with \"550 5.5.2 A whole name, please\"\n"
              "hold client named *.client.test and not helo matching *.client.test\n")
    def hello(source, name):
        with Stranger(village, source) as c:
            code, text = c.ehlo(name)
            if code == 250:
                c.mail("x@b.test")
                code, text = c.rcpt("alice@a.test")
            return code, text.decode()
    assert hello("192.0.2.30", "a.test") == (550, "5.7.1 That is my name")
    assert hello("192.0.2.30", "localhost") == (550, "5.7.1 You are not")
    assert hello("192.0.2.30", "pc.localdomain")[0] == 550
    assert hello("192.0.2.30", "[127.0.0.1]")[0] == 550
    assert hello("192.0.2.30", "pc") == (550, "5.5.2 A whole name, please")
    mark = g.mark()
    assert hello("192.0.2.30", "mail.client.test")[0] == 250
    assert "hold:" not in g.log()[mark:]
    assert hello("192.0.2.30", "mail.elsewhere.test")[0] == 250
    assert hello("192.0.2.31", "mail.elsewhere.test")[0] == 250


EXPLAIN = LISTEN + """dnsbl bl.test weight 2 when 127.0.0.2-3
dnsbl bl.test weight 1 when 127.0.0.10
dnsbl other.test
dnsbl all.test weight 9
dnsbl nobody.test weight 9
dnswl white.test weight 5
dnsbl-threshold 2
greylist 1h
reject client in dnsbl other.test to bob@a.test with "550 5.7.1 not you"
reject client named unknown to carol@a.test
"""


def explain(g, *words):
    done = g.host.run([g.program("godwit"), "-f", g.conf, "explain", *words], check=False)
    return done.returncode, done.stdout.decode()


def test_explain(house, village):
    """It asks what a session asks, and tells what a session says."""
    g = house(EXPLAIN)
    number = re.compile(r"in \d+ seconds")
    for source in ("192.0.2.30", "192.0.2.31", "192.0.2.32", "192.0.2.33", "192.0.2.40",
                   "192.0.2.41", "192.0.2.43", "192.0.2.44", "2001:db8::31",
                   "2001:db8::32"):
        for to in ("alice@a.test", "bob@a.test"):
            status, told = explain(g, "--client", source, "--from", "x@b.test", to)
            code, text = visit(village, source, to=to,
                               at=A if "." in source else "2001:db8::10")
            if code == 250:
                assert status == 0, told
                continue
            assert status == (69 if code >= 500 else 75), told
            said = re.search(r"^rcpt\n(?:  .*\n)*?  says (.*)$", told, re.M)[1]
            assert number.sub("", said) == number.sub("", f"{code} {text}"), told
    told = explain(g, "--client", "192.0.2.44", "alice@a.test")[1]
    assert "  name unknown: its address points to no name of a host\n" in told
    assert re.search(r"  list bl.test: 127.0.0.10, \+1 \(\S+:\d+\)\n", told), told
    assert re.search(r"  list other.test: 127.0.0.4, \+1 \(", told)
    assert "  list all.test: lists everybody (127.0.0.2); it is left out\n" in told
    assert "  list nobody.test: lists nobody; it is left out\n" in told
    assert "  list white.test: does not have it\n" in told
    assert "  weighs 2, and is refused from 2 on\n" in told
    assert "blocked using" in told
    told = explain(g, "--client", "192.0.2.42", "alice@a.test")[1]
    assert "  list bl.test: refuses to answer us (127.255.255.254); it is left out\n" in told
    found = json.loads(explain(g, "--json", "--client", "192.0.2.40", "alice@a.test")[1])["client"]
    assert found["weight"] == 2
    assert found["lists"][0] == {"list": "bl.test", "counts": True, "listed": True,
                                 "answers": ["127.0.0.2"], "trouble": ""}
    told = explain(g, "--client", "192.0.2.30", "carol@a.test")[1]
    assert "  name good.client.test: the DNS has it both ways\n" in told
    # Nobody asks about ours.
    with Lies(village) as lies:
        explain(g, "--client", "127.0.0.1", "alice@a.test")
        explain(g, "alice@a.test")
        assert lies.questions == []


def told(village, port, words, source=B):
    """A dialogue of those who speak for others: the last reply."""
    s = dial(village.b, source, port=port)
    with s:
        f = s.makefile("rwb")
        for word in words:
            if word is not None:
                f.write(word + b"\r\n")
                f.flush()
                if word.startswith(b"PROXY"):
                    continue
            while (line := f.readline())[3:4] == b"-":
                pass
        return line


MAIL = [b"EHLO c.test", b"MAIL FROM:<x@b.test>", b"RCPT TO:<alice@a.test>"]


def test_clients_of_proxies(house, village):
    """Names and lists are those of the client that is told; a proxy need not wait
    to be greeted, because it speaks first."""
    g = house(LISTEN + f"listen smtp on 2525 proxy from {B}\npre-greeting 30s\n"
              "dnsbl bl.test")
    for source, name, code in (("192.0.2.30", "good.client.test", b"250"),
                               ("192.0.2.40", "unknown", b"554"),
                               ("127.0.0.1", "unknown", b"250")):
        proxy = f"PROXY TCP4 {source} 192.0.2.10 40000 25".encode()
        begun = time.monotonic()
        assert told(village, 2525, [proxy, None, *MAIL])[:3] == code, source
        # Half of what it would have waited; the DNS may need some seconds.
        assert time.monotonic() - begun < 15
        g.wait_log(re.escape(f"connect from {name}[{source}]"))
    assert told(village, 2525, [b"PROXY UNKNOWN", None, *MAIL])[:3] == b"250"


def test_clients_of_a_proxy_on_this_machine(house):
    """Strangers they are, and the DNS is asked about them; explain knows it."""
    g = house("listen smtp on 127.0.0.1:2525 proxy from 127.0.0.1\nclient-names no\n"
              'reject helo forged at hello with "554 5.7.1 forged"\n'
              'reject helo unknown at hello with "554 5.7.1 unknown"')
    wait(lambda: g.process("names"), "a relay of names")

    def said(client, helo):
        with g.host.net():
            s = socket.create_connection(("127.0.0.1", 2525))
        s.settimeout(PATIENCE)
        with s, s.makefile("rb") as f:
            s.sendall(f"PROXY TCP4 {client} 127.0.0.1 40000 25\r\n".encode())
            assert f.readline()[:3] == b"220"
            s.sendall(f"HELO {helo}\r\n".encode())
            return f.readline().decode().rstrip()

    for client, helo, want in (("192.0.2.30", "good.client.test", "250"),
                               ("192.0.2.30", "nosuch.client.test", "554 5.7.1 unknown"),
                               ("127.0.0.1", "localhost", "554 5.7.1 forged")):
        assert said(client, helo).startswith(want), client
        told = json.loads(g.host.run(
            [g.program("godwit"), "-f", g.conf, "explain", "--json", "--client", client,
             "--helo", helo, "--on", "smtp", "x@far.test"], check=False).stdout)
        replies = {s["stage"]: s["reply"] for s in told["stages"]}
        assert replies["hello"] == ("" if want == "250" else want), (client, told)
        # Nobody there is ours, loopback no more than others.
        assert want != "250" or replies["rcpt"].startswith("554 5.7.1"), told


def test_clients_of_xclient(house, village):
    """More than once in a session: each is asked about anew."""
    g = house(LISTEN + "xclient for 192.0.2.45\npre-greeting 1s\ndnsbl bl.test")
    mark = g.mark()
    words = [None, b"XCLIENT ADDR=192.0.2.40", *MAIL, b"RSET",
             b"XCLIENT ADDR=192.0.2.30", *MAIL]
    assert told(village, 25, words, "192.0.2.45")[:3] == b"250"
    g.wait_log(r"reject: RCPT from unknown\[192.0.2.40\]: 554 5.7.1 Service", since=mark)
    g.wait_log(r"connect from good.client.test\[192.0.2.30\]", since=mark)
    # A name that is told is not asked for, and the lists are.
    words = [None, b"XCLIENT NAME=told.test ADDR=192.0.2.40", *MAIL]
    assert told(village, 25, words, "192.0.2.45")[:3] == b"554"
    g.wait_log(r"reject: RCPT from told.test\[192.0.2.40\]: 554", since=mark)


# ---------------------------------------------------------------- pre-greeting

def in_the_lobby(g, village):
    """One who has been accepted, and waits."""
    master = g.process("master")
    before = len(inet_sockets(g, master))
    s = dial(village.b, "192.0.2.40")
    wait(lambda: len(inet_sockets(g, master)) > before, "it waits")
    return s


def test_who_speaks_first(house, village):
    g = house(LISTEN + "pre-greeting 30s")
    s = dial(village.b, "192.0.2.40")
    s.sendall(b"EHLO hurry\r\n")
    assert s.recv(200) == b"554 5.5.1 Protocol error: you spoke before you were greeted\r\n"
    assert s.recv(200) == b""
    g.wait_log(r"PREGREET 12 after \d+\.\d from \[192.0.2.40\]:\d+$")
    assert "connect from" not in g.log()
    s = dial(village.b, "192.0.2.40")
    s.close()
    g.wait_log(r"HANGUP 0 after \d+\.\d from \[192.0.2.40\]:\d+$")
    # ours are greeted at once
    begun = time.monotonic()
    with Client(g.host):
        assert time.monotonic() - begun < 15


def test_who_waits_is_greeted(house, village):
    g = house(LISTEN + "pre-greeting 2s")
    begun = time.monotonic()
    assert visit(village, "192.0.2.40")[0] == 250
    assert time.monotonic() - begun > 1.9
    g.wait_log("connect from")


class TooLate(Exception):
    """Some may have been greeted by now."""


def many_wait(g, village, seconds):
    """300, of whom a third speaks too soon, a third goes and a third waits."""
    master = g.process("master")
    with contextlib.ExitStack() as stack:
        begun = time.monotonic()

        def hurry():
            if time.monotonic() - begun > seconds * 2 / 3:
                raise TooLate
        crowd = []
        for i in range(300):
            crowd.append(stack.enter_context(dial(village.b, f"192.0.2.{30 + i % 16}")))
            hurry()
        wait(lambda: hurry() or len(inet_sockets(g, master)) >= 300, "all wait")
        sessions = [p for p in g.processes() if p[1] == master]
        hurry()
        assert sessions == []
        for s in crowd[::3]:
            s.sendall(b"x")
        hurry()
        for s in crowd[1::3]:
            s.close()
        for s in crowd[::3]:
            assert s.recv(100).startswith(b"554")
        for s in crowd[2::3]:
            assert s.recv(100).startswith(b"220")


def test_many_wait(house, village):
    """They cost no process, and each is greeted in the end.  All have to come before
    the first is greeted."""
    g = house(start=False)
    for seconds in 10, 30, 30:
        g.configure(LISTEN + f"pre-greeting {seconds}s\nsessions-per-client 0\n"
                    "client-names no\nsessions-per-network 0\nconnections-per-minute 0\n"
                    "connections-per-minute-network 0\nconnections-per-second 0")
        g.start()
        late = False
        try:
            many_wait(g, village, seconds)
        except TooLate:
            late = True
        wait(lambda: len([p for p in g.processes() if p[1] == g.process("master")]) == 0,
             "all have gone")
        assert g.stop() == 0
        if not late:
            return
    raise AssertionError("300 clients do not come within 20 seconds")


def test_who_waits_at_the_end(house, village):
    g = house(LISTEN + "pre-greeting 30s")
    s = in_the_lobby(g, village)
    assert g.stop() == 0
    assert s.recv(100) == b"421 4.3.2 Shutting down\r\n"


def test_who_waits_at_a_reload(house, village):
    g = house(LISTEN + "pre-greeting 10s")
    s = in_the_lobby(g, village)
    g.signal("HUP")
    g.wait_log("reload: done")
    assert s.recv(100).startswith(b"220")


# ---------------------------------------------------------------- greylist

def test_greylist(house, village):
    g = house(LISTEN + "greylist 3s\ndnswl white.test")
    begun = time.monotonic()
    code, text = visit(village, "192.0.2.40")
    assert code == 450
    assert re.fullmatch(r"4.7.1 <alice@a.test>: Recipient address rejected: "
                        r"Greylisted, try again in 3 seconds", text)
    g.wait_log(r"NOQUEUE: reject: RCPT from .*192.0.2.40\]: 450 4.7.1 .*Greylisted")
    code, text = visit(village, "192.0.2.40")
    assert code == 450 or time.monotonic() - begun > 3      # too early
    # of another sender, or somebody else in the same network, later
    assert visit(village, "192.0.2.40", sender="y@b.test")[0] == 450
    time.sleep(max(0, begun + 4.1 - time.monotonic()))
    assert visit(village, "192.0.2.41")[0] == 250           # the network
    assert visit(village, "192.0.2.40")[0] == 250           # known now
    assert visit(village, "192.0.2.40", sender="z@b.test")[0] == 450
    # who does not exist need not come again; ours and the praised need not wait
    assert visit(village, "192.0.2.40", to="nosuchuser@a.test")[0] == 550
    assert visit(village, "192.0.2.43", sender="w@b.test")[0] == 250
    g.send("new@b.test", "alice@a.test", simple("loopback"))
    # It outlives us.
    g.stop()
    g.start()
    assert visit(village, "192.0.2.40")[0] == 250
    path = g.host.path(g.spool + "/greylist")
    assert os.stat(path).st_mode & 0o777 == 0o600


def test_a_greylist_that_cannot_be_kept(house, village):
    """Nobody waits for what nobody can remember."""
    g = house(LISTEN + "greylist 1h")
    assert visit(village, "192.0.2.40")[0] == 450
    g.host.run(["truncate", "-s", "100", g.spool + "/greylist"])
    assert visit(village, "192.0.2.40", sender="y@b.test")[0] == 250
    g.wait_log("greylist: it cannot be written; nobody has to wait")
    assert visit(village, "192.0.2.40", sender="z@b.test")[0] == 250
    assert g.log().count("greylist: it cannot be written") == 1
    g.signal("HUP")
    g.wait_log("greylist: /.*/greylist was damaged or of another version; it begins anew")
    g.wait_log("reload: done")
    wait(lambda: visit(village, "192.0.2.40", sender="z@b.test")[0] == 450, "it is kept again")


@pytest.mark.slow
def test_a_greylist_outlives_its_writer(house, village):
    g = house(LISTEN + "greylist 2s")
    assert visit(village, "192.0.2.40")[0] == 450
    wait(lambda: open(g.host.path(g.spool + "/greylist"), "rb").read()[32:].strip(b"\0"),
         "it is noted")
    g.host.run(["kill", "-KILL", g.process("qmgr")])
    g.wait_log("qmgr was killed by signal 9; starting it again")
    time.sleep(3.1)
    assert visit(village, "192.0.2.40")[0] == 250


def test_greylisted_recipients_are_no_errors(house, village):
    g = house(LISTEN + "greylist 1h\nerrors 3")
    with Stranger(village, "192.0.2.40") as c:
        c.ehlo()
        c.mail("x@b.test")
        for _ in range(10):
            assert c.rcpt("alice@a.test")[0] == 450
        assert c.rcpt("bob@a.test")[0] == 450


def test_put_off_recipients_are_paid_for(house, village):
    """Nobody fills the greylist for nothing: it is his budget."""
    g = house(LISTEN + "greylist 1h\ncommands-per-minute 60\n")
    # Two at once, so that they owe what nobody gets back within a minute.
    with Stranger(village, "192.0.2.40") as one, Stranger(village, "192.0.2.40") as two:
        for c in one, two:
            c.ehlo()
            c.mail("x@b.test")
            said = [c.rcpt("alice@a.test") for _ in range(70)]
            assert {code for code, _ in said} == {450}
    def greeted():
        with dial(village.b, "192.0.2.40") as s:
            return s.recv(100)

    wait(lambda: greeted().startswith(b"421 4.7.0 Too many commands in vain"), "it is charged")
    # In one session it ends as well.
    with Stranger(village, "192.0.2.41") as c, contextlib.suppress(OSError,
                                                                   smtplib.SMTPException):
        c.ehlo()
        c.mail("x@b.test")
        for _ in range(200):
            c.rcpt("alice@a.test")
    g.wait_log(r"too many errors after RCPT from .*192.0.2.41\]")


@pytest.mark.slow
def test_a_network_that_comes_again_is_known(house, village):
    g = house(LISTEN + "greylist 1s")
    for i in range(5):
        assert visit(village, "192.0.2.40", sender="s" + "abcde"[i] + "@b.test")[0] == 450
    time.sleep(2.1)
    for i in range(5):
        assert visit(village, "192.0.2.40", sender="s" + "abcde"[i] + "@b.test")[0] == 250
    wait(lambda: visit(village, "192.0.2.45", sender=f"t{time.monotonic()}@b.test")[0] == 250,
         "the network is known")
