# SPDX-License-Identifier: ISC
"""T-7: content that is made to be misread.  From_ lines are neither believed nor
taken away, and split no mailbox; of MIME we read nothing, so that no structure,
however deep or wide or out of order, costs more than the same octets in plain
lines, and every octet of it arrives."""
import itertools
import mailbox
import re

import pytest

from house import SANITIZED, Client, read, split_trace, wait

FORGED = b"From root@a.test Thu Jan  1 00:00:00 1970\r\n"
TRAPS = [
    FORGED + b"Subject: %d\r\n\r\nthe first line of all\r\n",
    b"Subject: %d\r\n" + FORGED + b"X-Behind: it\r\n\r\nwithin the header\r\n",
    b"Subject: %d\r\n\r\n" + FORGED + b"Subject: forged\r\n\r\nfirst in the body\r\n",
    b"Subject: %d\r\n\r\na\r\n\r\n" + FORGED + b"Subject: forged\r\n\r\nbehind an empty line\r\n",
    b"Subject: %d\r\n\r\na\r\n" + FORGED + b"b\r\n>" + FORGED + b">>" + FORGED + b"quoted ones\r\n",
    b"Subject: %d\r\n\r\n.\r\n..\r\nends with it\r\n\r\n" + FORGED,
    b"Subject: %d\r\n\r\n\r\n\r\n" + FORGED.rstrip() + b"\r\n\r\n\r\n",
    b"Subject: %d\r\n\r\nFrom \r\nFrom\r\n From x\r\nfrom x\r\nFrom\tx\r\n",
    b"Subject: %d\r\n",
    b"\r\n" + FORGED + b"Subject: %d\r\n\r\n",
]


def traps():
    return [trap % n if b"%d" in trap else trap for n, trap in enumerate(TRAPS)]


def post_all(g, to, messages):
    with Client(g.host) as c:
        for n, message in enumerate(messages):
            assert c.post(f"trap{n}@b.test", to, message)[0] == 250


def number(sender):
    return int(re.search(r"trap(\d+)@b\.test", sender)[1])


def test_from_lines_split_no_mbox(house):
    """As a reader of another make sees it, for which each line "From " begins a
    message: they are as many as were sent, from those who sent them, and whole."""
    g = house()
    post_all(g, "alice@a.test", traps())
    wait(lambda: g.is_empty(), "all are delivered")
    box = mailbox.mbox(g.host.path("/var/mail/alice"), create=False)
    found = {}
    for key, message in box.items():
        found.setdefault(number(message.get_from()), box.get_bytes(key))
    assert len(box) == len(g.mbox("alice")) == len(found)
    box.close()
    assert sorted(found) == list(range(len(TRAPS)))
    for n, sent in enumerate(traps()):
        arrived = found[n]
        assert arrived.startswith(b"Return-Path: <trap%d@b.test>\n" % n)
        quoted = re.sub(rb"(?m)^From ", b">From ", sent.replace(b"\r\n", b"\n"))
        assert split_trace(arrived, 1)[1] == quoted, n


def test_from_lines_are_content(house, sink):
    """Where nothing separates messages but files and dots, they pass untouched."""
    g = house("deliver maildir ~/Maildir\nroute sink.test via [192.0.2.21]:2525\n")
    s = sink("192.0.2.21", port=2525)
    post_all(g, ["alice@a.test", "x@sink.test"], traps())
    wait(lambda: len(s.messages) >= len(TRAPS), "all arrive")
    arrived = g.maildir("alice").wait(len(TRAPS))
    assert len(s.messages) == len(arrived) == len(TRAPS)
    for message in s.messages:
        n = number(message["from"].decode())
        assert split_trace(message["data"], 1)[1] == traps()[n]
    for message in arrived:
        n = number(message.split(b"\n")[0].decode())
        assert split_trace(message, 1)[1] == traps()[n].replace(b"\r\n", b"\n")


# ---------------------------------------------------------------- MIME

HEADER = b"Subject: torture\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=%s\r\n\r\n"
MANY = 100000


def deep():
    """Parts within parts."""
    yield HEADER % b"b0"
    for n in range(1, MANY):
        yield b"--b%d\r\nContent-Type: multipart/mixed; boundary=b%d\r\n\r\n" % (n - 1, n)


def letters():
    """Messages within messages, all with the same boundary."""
    yield HEADER % b"b"
    for _ in range(MANY):
        yield b"--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\n"


def wide():
    """Parts beside each other, few of them closed, all of them 8 bit."""
    yield HEADER % b"b"
    for n in range(MANY):
        yield b"--b%s\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\xe9\r\n" % (b"--" if n % 3 == 0 else b"")


def pieces():
    """RFC 2231 3: a parameter in pieces that are out of order, twice there,
    missing or without an end, in as much header as is taken."""
    yield b"Subject: pieces\r\nContent-Type: text/plain"
    for n in range(6000):
        yield b";\r\n name*%d*=%%%02x%s" % (n * 7919 % 6007, n % 256, b"utf-8''" if n % 5 == 0 else b"x")
    yield b"\r\nContent-Disposition: attachment; filename*0=\"a\r\n\tb"
    for n in itertools.chain(range(5000, 0, -1)):
        yield b";\r\n filename*%d=\"\\\"%d" % (n, n)
    yield b"\r\n\r\nbody\r\n"
    yield b"=?utf-8?B?" * MANY + b"\r\n"


def plain(like):
    """The same lines, of which nobody could make anything."""
    header, _, body = like.partition(b"\r\n\r\n")
    return re.sub(rb"[^\r\n ]", b"x", header).replace(b"xxxxxxx", b"Field: ", 1) + \
        b"\r\n\r\n" + re.sub(rb"[^\r\n]", b"x", body)


def spent(g, pid):
    """Hundredths of a second of the processor, and KiB of memory at the most."""
    stat = read(g.host.path(f"/proc/{pid}/stat")).rpartition(b") ")[2].split()
    status = read(g.host.path(f"/proc/{pid}/status"))
    return int(stat[11]) + int(stat[12]), int(re.search(rb"VmHWM:\s*(\d+)", status)[1])


def post_and_measure(g, port, message):
    """What its session has spent when it has taken it."""
    with Client(g.host, port=port) as c:
        def session():
            found = [pid for pid, parent, _ in g.processes() if parent == g.process("master")]
            return found[0] if len(found) == 1 else None
        pid = wait(session, "there is one session")
        code, text = c.post("bob@b.test", "alice@a.test", message)
        assert code == 250, text
        return spent(g, pid)


@pytest.mark.parametrize("port, make", [
    (25, deep), (25, wide), (25, pieces), (587, pieces),
    *(pytest.param(port, make, marks=pytest.mark.slow) for port, make in (
        (25, letters), (587, deep), (587, letters), (587, wide)))])
def test_mime(house, make, port):
    """It costs what its octets cost, whatever they say.  On the submission port
    the header is read, and mended."""
    g = house("listen smtp\nlisten submission\ndeliver maildir ~/Maildir\n")
    message = b"".join(make())
    ground = post_and_measure(g, port, plain(message))
    time, memory = post_and_measure(g, port, message)
    # KiB; what the sanitizers keep differs by more.
    room = 8192 if SANITIZED else 1024
    assert time <= 4 * ground[0] + 20 and memory <= ground[1] + room, ((time, memory), ground)
    arrived, = [m for m in g.maildir("alice").wait(2) if b"xxxx" not in m[-100:]]
    sent = message.replace(b"\r\n", b"\n")
    assert arrived.endswith(sent.partition(b"\n\n")[2])
    if port == 25:
        assert split_trace(arrived, 1)[1] == sent
    g.wait_empty()


def test_mime_comes_back(house, sink):
    """Of a relay that refuses it, whole; the bounce is no larger than any."""
    g = house("route sink.test via [192.0.2.21]:2525\n")
    sink("192.0.2.21", port=2525, replies={".": "554 5.6.0 no"})
    for make in deep, pieces:
        g.send("alice@a.test", "x@sink.test", b"".join(make()))
    bounces = g.wait_mail("alice", 2)
    assert all(b"\nStatus: 5.6.0\n" in bounce and len(bounce) < 600000 for bounce in bounces)
    assert not any(b"boundary=b99" in bounce for bounce in bounces)
    g.wait_empty()
