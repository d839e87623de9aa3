# SPDX-License-Identifier: ISC
"""What a client may have of this host beside its connections, and what becomes of
strangers when there is little left (SECURITY 4.6, T-27, T-32, T-33)."""
import contextlib
import re
import time

import pytest

from house import A, B, PATIENCE, SANITIZED, Client, simple, wait
from test_master import greet, is_served
from test_tls import context, make

WIDE = "listen smtp\nsessions-per-client 0\nsessions-per-network 0\n"


class Stranger:
    """A connection from host b, greeted."""

    def __init__(self, village):
        self.sock = village.b.connect(A)
        self.file = self.sock.makefile("rb")
        self.greeting = self.reply()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.sock.close()

    def reply(self):
        line = self.file.readline()
        while line[3:4] == b"-":
            line = self.file.readline()
        return line.decode()

    def say(self, line):
        self.sock.sendall(line.encode() + b"\r\n")
        return self.reply()


def mistakes(stranger, most=10):
    """How many it may make."""
    for i in range(1, most + 1):
        stranger.sock.sendall(b"NONSENSE\r\n")
        assert stranger.reply().startswith("500 ")
        if i == most:
            return most
        stranger.sock.settimeout(0.2)
        try:
            if stranger.reply().startswith("421 "):
                return i
        except TimeoutError:
            stranger.file = stranger.sock.makefile("rb")
        stranger.sock.settimeout(PATIENCE)
    return most


def under_stress(g, village, stack, n=10):
    for _ in range(n):
        assert stack.enter_context(Stranger(village)).greeting.startswith("220 ")
    mark = g.mark()

    def begun():
        with Stranger(village):
            pass
        return "stress: most sessions are taken" in g.since(0)
    wait(begun, "stress")
    return mark


def test_stress_begins_and_strangers_feel_it(house, village):
    g = house(WIDE + "sessions 20\nstress-at 50")
    with Stranger(village) as s:
        assert mistakes(s) == 10
    with contextlib.ExitStack() as stack:
        under_stress(g, village, stack)
        with Stranger(village) as s:
            assert mistakes(s) == 3
        g.wait_log(rf"too many errors after .* from \S+\[{re.escape(B)}\]")
        with Client(g.host) as ours:
            for _ in range(5):
                assert ours.docmd("NONSENSE")[0] == 500
            assert ours.docmd("NOOP")[0] == 250
    # Said once, however many come.
    assert g.since(0).count("stress:") == 1


@pytest.mark.slow
def test_stress_is_short_of_time_and_ends(house, village):
    g = house(WIDE + "sessions 20\nstress-at 50")
    with contextlib.ExitStack() as stack:
        under_stress(g, village, stack)
        with Stranger(village) as s:
            s.say("EHLO client.test")
            begun = time.monotonic()
            assert s.reply().startswith("421 4.4.2 ")
            assert 9 < time.monotonic() - begun < 15
    g.wait_log("stress is over", seconds=40)
    with Stranger(village) as s:
        assert mistakes(s) == 10


def test_handshakes(house, village):
    """Those that fail cost five; who has had too many is told so in clear."""
    g = house(start=False)
    g.configure(f"{WIDE}tls certificate {make(g, 'one.test')}\nhandshakes-per-minute 6")
    g.start()

    def shake(fails):
        with Stranger(village) as s:
            assert s.greeting.startswith("220 ")
            s.say("EHLO client.test")
            assert s.say("STARTTLS").startswith("220 ")
            if fails:
                s.sock.sendall(b"this is no TLS\r\n\r\n")
                s.sock.recv(100)
            else:
                with context().wrap_socket(s.sock) as t:
                    t.sendall(b"QUIT\r\n")
                    t.recv(100)
    ended = g.mark()
    shake(False)
    g.wait_log("disconnect from", since=ended)
    ended = g.mark()
    shake(True)
    g.wait_log("disconnect from", since=ended)
    wait(lambda: greet(village.b, B).startswith("421 4.7.0 Too many TLS handshakes"), "no more")
    assert is_served(g)


def test_commands_in_vain(house, village):
    g = house(WIDE + "commands-per-minute 100")

    def chatter():
        with Stranger(village) as s:
            assert s.greeting.startswith("220 ")
            for _ in range(70):
                assert s.say("NOOP").startswith("250 ")
            assert s.say("QUIT").startswith("221 ")
    chatter()
    assert greet(village.b, B).startswith("220 ")
    chatter()
    wait(lambda: greet(village.b, B).startswith("421 4.7.0 Too many commands in vain"),
         "no more")
    g.wait_log(rf"reject: CONNECT from \S+\[{re.escape(B)}\]: 421 4\.7\.0 Too many commands")
    assert is_served(g)


def test_who_brought_mail_finds_room(house, village):
    """The last five of a hundred sessions of strangers are theirs."""
    g = house(WIDE + "sessions 20")
    with contextlib.ExitStack() as stack:
        for _ in range(16):
            stack.enter_context(Stranger(village))
        assert greet(village.b, B).startswith("421 4.3.2 ")
    wait(lambda: greet(village.b, B).startswith("220 "), "room again")
    with Client(village.b, A) as client:
        assert client.post("bob@b.test", "alice@a.test", simple("one"))[0] == 250
    g.wait_mail("alice")
    with contextlib.ExitStack() as stack:
        wait(lambda: not [p for p in g.processes() if p[1] == g.process("master")],
             "nobody is there")
        for _ in range(17):
            assert stack.enter_context(Stranger(village)).greeting.startswith("220 ")
        assert greet(village.b, B).startswith("421 4.3.2 ")


def test_limits_of_a_session(house):
    g = house("session-cpu 7s\nsession-memory 128M")
    with Client(g.host) as client:
        client.ehlo()
        limits = g.limits_of_a_session()
    for what, soft, hard in (("cpu time", 7, 14), ("processes", 0, 0),
                             *([] if SANITIZED else [("address space", 128 << 20, 128 << 20)])):
        assert limits["Max " + what] == (str(soft), str(hard)), what
