# SPDX-License-Identifier: ISC
"""What a client may have of this host beside its connections, and what becomes of
strangers when there is little left (SECURITY 4.6, T-27, T-32, T-33)."""
import base64
import contextlib
import re
import socket
import time

import pytest

from house import A, B, B2, PATIENCE, SANITIZED, Client, read, simple, wait
from test_login import filed, passwd  # noqa: F401: a fixture
from test_master import greet, is_served
from test_tls import context, make

WIDE = "listen smtp\nsessions-per-client 0\nsessions-per-network 0\n"


class Stranger:
    """A connection from host b, greeted."""

    def __init__(self, village, port=25, source=B):
        with village.b.net():
            self.sock = socket.create_connection((A, port), PATIENCE, (source, 0))
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

    def log_in(self):
        self.say("EHLO client.test")
        return self.say("AUTH PLAIN " + base64.b64encode(b"\0bob\0pencil").decode())


def mistakes(stranger, most=10):
    """How many it may make.  What follows the last is 421, before any other."""
    for i in range(1, most):
        assert stranger.say("NONSENSE").startswith("500 ")
        if stranger.say("NOOP").startswith("421 "):
            return i
    assert stranger.say("NONSENSE").startswith("500 ")
    return most


def may_err(village, n):
    """A slow machine is under stress by itself, for a while."""
    def looked():
        with Stranger(village) as s:
            return mistakes(s) == n
    wait(looked, f"{n} mistakes", 120)


STRESS = r"stress: (most sessions are taken|the processors are overloaded)"


def under_stress(g, village):
    """Its reason.  It is looked at when somebody comes."""
    def begun():
        with Stranger(village):
            pass
        return re.search(STRESS, g.log().rpartition("stress is over")[2])
    return wait(begun, "stress")[1]


def our_seats(g, stack, n=10):
    """They stay (who says EHLO, for five minutes), and so does stress."""
    for _ in range(n):
        stack.enter_context(Client(g.host)).ehlo()


def seats_of_strangers(g, village, stack, times=4):
    """Stress because of them.  A machine may be overloaded before they have all come:
    then once more, when that is over; each of four times it has an excuse."""
    for n in range(1, times + 1):
        with contextlib.ExitStack() as seats:
            mark = g.mark()
            for _ in range(10):
                seats.enter_context(Stranger(village))
            if under_stress(g, village) == "most sessions are taken" or n == times:
                stack.push(seats.pop_all())
                return
        g.wait_log("stress is over", since=mark, seconds=180)


def test_stress_begins_and_strangers_feel_it(house, village):
    g = house(WIDE + "sessions 20\nstress-at 50")
    may_err(village, 10)
    with contextlib.ExitStack() as stack:
        seats_of_strangers(g, village, stack)
        with Stranger(village) as s:
            assert mistakes(s) == 3
        g.wait_log(rf"too many errors after .* from \S+\[{re.escape(B)}\]")
        with Client(g.host) as ours:
            for _ in range(5):
                assert ours.docmd("NONSENSE")[0] == 500
            assert ours.docmd("NOOP")[0] == 250
    # Said once, however many come.
    said = g.since(0)
    assert said.count("stress:") <= 1 + said.count("stress is over")


@pytest.mark.slow
def test_stress_is_short_of_time_and_ends(house, village):
    """Who has said MAIL is sent away for nobody (master/eviction), and has his time:
    less of it."""
    g = house(WIDE + "sessions 20\nstress-at 50")
    with contextlib.ExitStack() as stack:
        our_seats(g, stack)
        under_stress(g, village)
        with Stranger(village) as s:
            s.sock.settimeout(150)      # half of what he has otherwise; now it is 10
            begun = time.monotonic()
            s.say("EHLO client.test")
            assert s.say("MAIL FROM:<>").startswith("250 ")
            assert s.reply().startswith("421 4.4.2 ")
            assert time.monotonic() - begun > 9
        g.wait_log("timeout after MAIL from")
    g.wait_log("stress is over", seconds=180)
    may_err(village, 10)


@pytest.mark.slow
def test_stress_is_heard_by_who_waits(house, village):
    """Not only at the next command; and who says something now and then has to begin
    another message all the same, if he has begun one."""
    g = house(WIDE + "sessions 40\nstress-at 25")
    with contextlib.ExitStack() as stack, Client(g.host) as ours:
        ours.ehlo()
        silent = [stack.enter_context(Stranger(village)) for _ in range(3)]
        chatty = [stack.enter_context(Stranger(village)) for _ in range(3)]
        for s in silent + chatty:
            assert s.say("EHLO client.test").startswith("250 ")
            assert s.say("MAIL FROM:<>").startswith("250 ")
        for s in chatty:
            assert s.say("RSET").startswith("250 ")
        our_seats(g, stack)
        under_stress(g, village)
        end = time.monotonic() + 3 * PATIENCE
        while chatty:
            assert time.monotonic() < end
            for s in list(chatty):
                said = s.say("NOOP")
                if not said.startswith("250 "):
                    assert said.startswith("421 4.4.2 ")
                    chatty.remove(s)
            time.sleep(0.5)
        for s in silent:
            s.sock.settimeout(150)
            assert s.reply().startswith("421 4.4.2 ")
        g.wait_log("timeout after MAIL from")
        g.wait_log("timeout after NOOP from")
        assert ours.docmd("NOOP")[0] == 250


def first_to_go(g, village):
    """What is said to the first of ten strangers who only chat, under stress; and, then,
    to the oldest of them, who has begun a message."""
    with contextlib.ExitStack() as stack:
        busy = stack.enter_context(Stranger(village))
        assert busy.say("EHLO client.test").startswith("250 ")
        assert busy.say("MAIL FROM:<>").startswith("250 ")
        chatty = [stack.enter_context(Stranger(village)) for _ in range(10)]
        begun = g.mark()
        while True:
            # It is looked at when somebody comes.
            if "stress: most" not in g.since(begun):
                with Stranger(village):
                    pass
            for s in chatty:
                if not (said := s.say("NOOP")).startswith("250 "):
                    return said, busy.say("NOOP")
            busy.say("NOOP")
            time.sleep(0.5)


@pytest.mark.slow
def test_the_largest_network_makes_room(house, village):
    """Who has sent nothing goes before his time is over; ours, and who has come to
    MAIL, do not.  (On a machine that stands still their time may be over, too.)"""
    g = house(WIDE + "sessions 20\nstress-at 50")
    with Client(g.host) as ours:
        ours.ehlo()
        for _ in range(5):
            said, busy = first_to_go(g, village)
            assert said.startswith("421 4.")
            if said.startswith("421 4.3.2 ") and busy.startswith("250 "):
                break
        assert said.startswith("421 4.3.2 ") and busy.startswith("250 ")
        g.wait_log("sent away under stress after NOOP from")
        assert ours.docmd("NOOP")[0] == 250


def test_handshakes(house, village):
    """Those that fail cost more (five: unit/master_budget); who has had too many is
    told so in clear.  Three of them at once owe more than a minute brings back, and
    would not at one each."""
    g = house(start=False)
    g.configure(f"{WIDE}tls certificate {make(g, 'one.test')}\nhandshakes-per-minute 6")
    g.start()

    def shake(s, fails):
        s.say("EHLO client.test")
        assert s.say("STARTTLS").startswith("220 ")
        if fails:
            s.sock.sendall(b"this is no TLS\r\n\r\n")
            s.sock.recv(100)
        else:
            with context().wrap_socket(s.sock) as t:
                t.sendall(b"QUIT\r\n")
                t.recv(100)
    with Stranger(village) as s:
        shake(s, False)
        g.wait_log("disconnect from")
    with contextlib.ExitStack() as stack:
        three = [stack.enter_context(Stranger(village)) for _ in range(3)]
        for s in three:
            assert s.greeting.startswith("220 ")
        for s in three:
            shake(s, True)
        wait(lambda: g.log().count("disconnect from") == 4, "they have gone")
    wait(lambda: greet(village.b, B).startswith("421 4.7.0 Too many TLS handshakes"), "no more")
    assert is_served(g)


def test_commands_in_vain(house, village):
    g = house(WIDE + "commands-per-minute 100")

    def chatter(crowd):
        for s in crowd:
            assert s.greeting.startswith("220 ")
            s.sock.sendall(b"NOOP\r\n" * 70)
            assert all(s.reply().startswith("250 ") for _ in range(70))
            assert s.say("QUIT").startswith("221 ")
    with Stranger(village) as one:
        chatter([one])
    assert greet(village.b, B).startswith("220 ")
    # As many as nobody gets back within a minute.
    with contextlib.ExitStack() as stack:
        chatter([stack.enter_context(Stranger(village)) for _ in range(3)])
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


def sit(g, n):
    """Waits until so many sessions are left: who has closed may still be counted."""
    wait(lambda: len([p for p in g.processes() if p[1] == g.process("master")]) == n,
         f"{n} sessions")


def test_seats_of_users(filed, village):
    """Who has not logged in on a submission port has two of twenty sessions; who
    has, and who comes from where he did, the others."""
    g = filed(WIDE + "listen submission\nsessions 20\ntimeout-login 10m\n")
    with contextlib.ExitStack() as stack:
        first, second = [stack.enter_context(Stranger(village, 587, B2)) for _ in range(2)]
        assert first.greeting.startswith("220 ") and second.greeting.startswith("220 ")
        assert greet(village.b, B, 587).startswith("421 4.3.2 ")
        for _ in range(16):
            assert stack.enter_context(Stranger(village)).greeting.startswith("220 ")
        assert greet(village.b, B).startswith("421 4.3.2 ")
        assert is_served(g)
        sit(g, 18)
        # Now there is a seat for who has not, and he keeps it.
        assert first.log_in().startswith("235 ")
        wait(lambda: greet(village.b, B2, 587).startswith("220 "), "a user's address")
        sit(g, 18)
        assert stack.enter_context(Stranger(village, 587, B)).greeting.startswith("220 ")
        assert greet(village.b, B, 587).startswith("421 4.3.2 ")
        for port in 587, 25:
            assert greet(village.b, B2, port).startswith("220 ")
            sit(g, 19)
    sit(g, 0)
    # Nothing was lost on the way.
    with contextlib.ExitStack() as stack:
        seats = [stack.enter_context(Stranger(village, 587, B)).greeting[:3] for _ in range(3)]
        assert seats == ["220", "220", "421"]
        for _ in range(16):
            assert stack.enter_context(Stranger(village)).greeting.startswith("220 ")
        assert greet(village.b, B).startswith("421 4.3.2 ")
        for _ in range(2):
            assert stack.enter_context(Stranger(village, 587, B2)).greeting.startswith("220 ")
        assert greet(village.b, B2, 587).startswith("421 4.3.2 ")


def test_a_short_login_is_remembered(filed, village):
    """By the session's last word alone: whoever came by the other way is known."""
    g = filed(WIDE + "listen submission\nsessions 20\n")
    for _ in range(2):
        with Stranger(village, 587, B2) as s:
            assert s.log_in().startswith("235 ")
            assert s.say("QUIT").startswith("221 ")
    sit(g, 0)
    with contextlib.ExitStack() as stack:
        for _ in range(5):
            assert stack.enter_context(Stranger(village, 587, B2)).greeting.startswith("220 ")


def test_a_login_is_remembered_over_a_reload(filed, village):
    g = filed(WIDE + "listen submission\nsessions 20\n")
    with Stranger(village, 587, B2) as s:
        assert s.log_in().startswith("235 ")
    mark = g.mark()
    g.signal("HUP")
    g.wait_log("reload: done", since=mark)
    with contextlib.ExitStack() as stack:
        wait(lambda: not stack.enter_context(Stranger(village)).greeting.startswith("220 "),
             "strangers have all that they may")
        assert greet(village.b, B2).startswith("220 ")


@pytest.mark.slow
def test_time_to_log_in(house, village):
    g = house(start=False)
    g.configure(f"login file {g.base}/passwd\n{WIDE}listen submission\nlisten submissions\n"
                f"tls certificate {make(g, 'one.test')}\nlogin without tls\nlogin senders any\n"
                "timeout-login 20s\ntimeout-greeting 10m\n")
    passwd(g, "bob", "pencil")
    g.start()
    with Stranger(village, 25) as elsewhere, Stranger(village, 587) as user:
        assert user.log_in().startswith("235 ")
        silent = Stranger(village, 587)
        with Stranger(village, 587) as chatty:
            # However much is said: it is no login.
            chatty.say("EHLO client.test")
            with contextlib.suppress(OSError):
                while (said := chatty.say("NOOP")).startswith("250 "):
                    time.sleep(0.5)
            assert said.startswith("421 4.7.0 ")
        with silent:
            assert silent.reply().startswith("421 4.7.0 ")
        g.wait_log(r"no login in time after NOOP from \S+\[")
        g.wait_log(r"no login in time after CONNECT from \S+\[")
        assert user.say("NOOP").startswith("250 ")
        assert elsewhere.say("NOOP").startswith("250 ")
    with village.b.connect(A, 465) as s:
        assert s.recv(100) == b""
        g.wait_log(r"SSL_accept error from \S+\[\S+\]: timed out")
    with village.b.connect(A, 465) as s, context().wrap_socket(s) as t:
        assert t.recv(100).startswith(b"220 ")
        t.sendall(b"EHLO client.test\r\n")
        t.recv(4096)
        t.sendall(b"AUTH LOGIN\r\n")
        assert t.recv(100).startswith(b"334 ")
        assert t.recv(100).startswith(b"421 4.7.0 ")
        g.wait_log(r"no login in time after AUTH from \S+\[")


def test_who_computes_much_gives_way(house):
    """A session's niceness grows, once, and it goes on; the next signal ends it."""
    g = house("session-cpu 20s\nsession-cpu-nice 5s")
    with Client(g.host) as client:
        client.ehlo()
        session, = [p[0] for p in g.processes() if p[1] == g.process("master")]

        def niceness():
            text = read(g.host.path(f"/proc/{session}/stat")).decode()
            return int(text.rsplit(")", 1)[1].split()[16])

        before = niceness()
        g.host.run(["kill", "-XCPU", str(session)])
        g.wait_log("has used much processor time, and gives way")
        assert niceness() == min(before + 5, 19)
        assert g.limits_of_a_session()["Max cpu time"] == ("20", "40")
        assert client.noop()[0] == 250
        g.host.run(["kill", "-XCPU", str(session)])
        assert client.getreply()[0] == 421
        g.wait_log("too much processor time after NOOP")


def test_limits_of_a_session(house):
    g = house("session-cpu 7s\nsession-memory 128M")
    with Client(g.host) as client:
        client.ehlo()
        limits = g.limits_of_a_session()
    for what, soft, hard in (("cpu time", 5, 14), ("processes", 0, 0),
                             *([] if SANITIZED else [("address space", 128 << 20, 128 << 20)])):
        assert limits["Max " + what] == (str(soft), str(hard)), what
