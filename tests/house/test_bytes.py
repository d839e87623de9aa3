# SPDX-License-Identifier: ISC
"""What goes in comes out, octet for octet, trace fields aside.

The messages are those of vectors/mime ($VECTORS, or ../shared/vectors beside
the tree).  Between two ends of our own nothing may differ at all.  Postfix is
told to leave all as it is, and mends three things none the less in what is no
RFC 5322 message: each is undone where the message calls for it and nowhere
else, and then every octet must be the same.
"""
import collections
import os
import random
import re

import pytest

from house import Client, TREE, read, simple, split_trace, wait

VECTORS = os.environ.get("VECTORS") or os.path.join(
    os.path.dirname(TREE), "shared", "vectors")
FEW = 150       # so many there must be, or something is amiss


def as_mail(data):
    """As a mail program sends it: whatever ends a line becomes CRLF."""
    data = re.sub(rb"\r\n|\r|\n", b"\r\n", data)
    return data if data.endswith(b"\r\n") else data + b"\r\n"


@pytest.fixture(scope="module")
def vectors():
    """Name, message."""
    folder = os.path.join(VECTORS, "mime")
    if not os.path.isdir(folder):
        pytest.skip(f"there are no vectors: {folder} ($VECTORS)")
    found = []
    for where, _, names in sorted(os.walk(folder)):
        for name in sorted(names):
            if name.endswith((".eml", ".txt")):
                path = os.path.join(where, name)
                found.append((os.path.relpath(path, folder), as_mail(read(path))))
    assert len(found) >= FEW
    return found


def post_all(host, vectors, to):
    """Each with a sender of its own, v0@... and on."""
    with Client(host) as client:
        for i, (name, message) in enumerate(vectors):
            code, text = client.post(f"v{i}@{host.name}.test", to, message)
            assert code == 250, (name, code, text)


def by_sender(messages):
    """The messages by the number in their Return-Path."""
    found = {}
    for message in messages:
        number = int(re.match(rb"Return-Path: <v(\d+)@", message)[1])
        assert number not in found, "a message came twice"
        found[number] = message
    return found


def test_vectors_from_smtp_to_a_maildir(house, vectors):
    g = house("deliver maildir ~/Maildir")
    post_all(g.host, vectors, "alice@a.test")
    arrived = by_sender(g.maildir("alice").wait(len(vectors)))
    for i, (name, message) in enumerate(vectors):
        _, rest = split_trace(arrived[i], 1)
        assert rest == message.replace(b"\r\n", b"\n"), name
    g.wait_empty()


def test_vectors_from_smtp_to_smtp(house, sink, vectors):
    g = house("route sink.test via [192.0.2.21]:2525")
    s = sink("192.0.2.21", port=2525)
    post_all(g.host, vectors, "x@sink.test")
    wait(lambda: len(s.messages) >= len(vectors), "all arrive")
    g.wait_empty()
    arrived = {int(re.search(rb"<v(\d+)@", m["from"])[1]): m["data"]
               for m in s.messages}
    assert len(s.messages) == len(vectors)
    for i, (name, message) in enumerate(vectors):
        assert split_trace(arrived[i], 1)[1] == message, name


# What Postfix's cleanup mends, and how many messages of the vectors want it, by
# the way they go; one may want more than one.
EMPTY_LINE = "empty line before the first line that is no field"
MAILBOX_LINE = "X-Mailbox-Line: for a first line with From and a space"
COLON = "no space before the colon of a field"
MENDED_FIRST = collections.Counter({EMPTY_LINE: 11, MAILBOX_LINE: 16, COLON: 2})
MENDED_BEHIND = collections.Counter({EMPTY_LINE: 21, COLON: 2})
FIELD = re.compile(rb"([!-9;-~]+)([ \t]*):")


def undo(original, arrived):
    """Takes back what Postfix did to the header of the original; what that was,
    and what is left."""
    done, at = [], 0
    for i, line in enumerate(original.splitlines(True)):
        field = FIELD.match(line)
        if line == b"\n":
            break
        if i == 0 and line.startswith(b"From ") and \
                arrived.startswith(b"X-Mailbox-Line: From "):
            arrived = arrived.removeprefix(b"X-Mailbox-Line: ")
            done.append(MAILBOX_LINE)
        elif field:
            name, space = field.groups()
            if space and arrived.startswith(name + b":", at):
                arrived = arrived[:at + len(name)] + space + arrived[at + len(name):]
                done.append(COLON)
        elif arrived.startswith(b"\n", at):
            arrived = arrived[:at] + arrived[at + 1:]
            done.append(EMPTY_LINE)
            break
        at += len(line)
    return set(done), arrived


def compare(vectors, arrived, most, record):
    """Octet for octet, but for what Postfix mends, which is at most so much."""
    mended, changed = collections.Counter(), 0
    for i, (name, message) in enumerate(vectors):
        original = message.replace(b"\r\n", b"\n")
        _, rest = split_trace(arrived[i], 2)
        if rest != original:
            done, undone = undo(original, rest)
            assert undone == original, (name, done)
            mended.update(done)
            changed += 1
    record("as they were", len(vectors) - changed)
    for what, n in sorted(mended.items()):
        record(what, n)
    assert mended <= most


def test_vectors_from_postfix_to_a_mailbox(house, postfix, vectors, record_property):
    """Postfix mends them as they come, the first line of all included."""
    g = house("deliver maildir ~/Maildir")
    post_all(postfix.host, vectors, "alice@a.test")
    arrived = by_sender(g.maildir("alice").wait(len(vectors), 300))
    compare(vectors, arrived, MENDED_FIRST, record_property)


def test_vectors_through_postfix_to_its_mailbox(house, postfix, vectors, record_property):
    """Here our Received stands before the first line of all."""
    g = house()
    post_all(g.host, vectors, "bob@b.test")
    arrived = by_sender(postfix.inbox("bob").wait(len(vectors), 300))
    compare(vectors, arrived, MENDED_BEHIND, record_property)
    g.wait_empty()


def big_message(size):
    """Lines of all lengths and octets, dots in front of some."""
    chance = random.Random(25)
    instead = bytes.maketrans(b"\0\n\r", b"abc")
    lines, n = [], 0
    while n < size:
        line = chance.randbytes(chance.randrange(1, 998)).translate(instead)
        if chance.random() < 0.1:
            line = b"." + line[1:]
        lines.append(line)
        n += len(line) + 2
    return simple("25 MB") + b"\r\n".join(lines) + b"\r\n"


@pytest.fixture(scope="module")
def big():
    return big_message(25 << 20)


def test_25_mb_from_postfix_to_a_mailbox(house, postfix, big):
    g = house("deliver maildir ~/Maildir")
    postfix.send("bob@b.test", "alice@a.test", big)
    message, = g.maildir("alice").wait(seconds=300)
    assert split_trace(message, 2)[1] == big.replace(b"\r\n", b"\n")


def test_25_mb_to_postfix(house, postfix, big):
    g = house()
    g.send("alice@a.test", "bob@b.test", big)
    message, = postfix.inbox("bob").wait(seconds=300)
    assert split_trace(message, 2)[1] == big.replace(b"\r\n", b"\n")
    g.wait_empty()


def test_25_mb_by_sendmail_to_an_mbox(house, big):
    g = house()
    body = big.split(b"\r\n\r\n", 1)[1].replace(b"\r\n", b"\n")
    g.sendmail("-i", "alice@a.test", user="bob",
               input=b"Subject: by hand\n\n" + body)
    message, = g.wait_mail("alice", seconds=300)
    quoted = re.sub(rb"(?m)^From ", b">From ", body)
    assert message.split(b"\n\n", 1)[1] == quoted
    g.wait_empty()
