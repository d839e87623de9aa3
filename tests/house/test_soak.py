# SPDX-License-Identifier: ISC
"""T-39: who lives long does not grow.  Sessions, workers, agents and desks end; the
others (warden, keeper, master, names, runner, doorkeeper) have after many messages,
connections, handshakes, logins, questions and bounces what they had after the
first of them: the same descriptors, and as much memory but for a few pages.  And a
server that serves all these with the defaults: it calls it stress when it is late."""
import os
import re
import smtplib
import ssl
import threading

import pytest

from house import Client, PATIENCE, SANITIZED, read, simple, wait

SETTINGS = """
listen smtp
listen submissions on 127.0.0.1
tls certificate {base}/pem
login file {base}/passwd
route sink.test via [192.0.2.21]:2525
route refuses.test via [192.0.2.21]:2526
transactions 1000
connections-per-minute 0
connections-per-minute-network 0
connections-per-second 0
handshakes-per-minute 0
commands-per-minute 0
login-messages-per-hour 0
login-messages-per-day 0
errors 1000
unknown-recipients 1000
stress-at 80
"""
LONG_LIVED = {"warden", "keeper", "master", "names", "qmgr", "doorkeeper"}
ROUNDS = 2
# Mostly nothing is seen, and a leak of 64 octets a message would be 16.  The
# long one, of 10,000 messages, would see 2 octets.
KIB = 12
LONG_ROUNDS = 75


@pytest.fixture
def laden(house, sink):
    g = house(start=False)
    g.host.shell("umask 077; openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
                 f"-days 9 -subj /CN=a.test -keyout {g.base}/key -out {g.base}/crt 2>/dev/null; "
                 f"cat {g.base}/key {g.base}/crt >{g.base}/pem")
    g.configure(SETTINGS.format(base=g.base))
    g.host.run([g.program("godwit"), "passwd", "-f", g.conf, "--stdin", "bob"], input=b"pencil\n")
    g.gate = threading.Event()
    sink("192.0.2.21", port=2525, replies={
        "MAIL": lambda: "250 2.1.0 Ok" if g.gate.wait(3 * PATIENCE) else "451 4.3.0 late"})
    sink("192.0.2.21", port=2526, replies={"RCPT": "550 5.1.1 nobody"})
    return g.start()


def context():
    c = ssl.create_default_context()
    c.check_hostname, c.verify_mode = False, ssl.CERT_NONE
    return c


class Secured(Client):
    def _get_socket(self, host, port, timeout):
        return context().wrap_socket(super()._get_socket(host, port, timeout))


def messages(g):
    """Kept, relayed and bounced, on one connection; in each round as many wait at
    the same time, since what that takes is kept and not to be seen as grown."""
    g.gate.clear()
    with Client(g.host) as c:
        for n in range(100):
            to = ["alice@a.test", "x@sink.test"] + ["x@refuses.test"] * (n % 10 == 0)
            assert c.post("bob@a.test", to, simple(f"n{n}"))[0] == 250
    g.gate.set()


def stranger(host, n):
    """One is asked for by name, refused; some go in the middle of it all.  Nobody
    makes more than two mistakes: a third is one too many under stress."""
    with Client(host, "192.0.2.10") as c:
        c.ehlo()
        assert n % 2 == 0 or c.docmd("XYZZY")[0] == 500
        assert c.mail("x@b.test")[0] == 250
        assert c.rcpt("no-such-user@a.test")[0] == 550
        assert n % 2 == 1 or c.rcpt("x@b.test")[0] == 554
        if n % 5 == 0:
            assert c.rcpt("alice@a.test")[0] == 250 and c.docmd("DATA")[0] == 354
            c.send(b"Subject: never\r\n")
            c.close()


def strangers(g, host):
    """A machine that stands still for ten seconds has called it stress, and sends
    them away."""
    for n in range(30):
        mark = g.mark()
        try:
            stranger(host, n)
        except (AssertionError, smtplib.SMTPException):
            if not re.search("(timeout|sent away under stress) after", g.since(mark)):
                raise
            stranger(host, n)


def users(g):
    """A handshake, a login, a message."""
    for n in range(15):
        with Secured(g.host, port=465) as c:
            c.login("bob", "pencil")
            assert c.post("bob@a.test", "alice@a.test", simple(f"u{n}"))[0] == 250


def programs(g):
    for n in range(5):
        g.sendmail("-i", "alice@a.test", user="bob", input=b"Subject: local\n\nx\n")
        assert g.mailq()


def round_of_all(g, stranger):
    messages(g)
    strangers(g, stranger)
    users(g)
    programs(g)
    g.wait_empty(180)
    g.host.shell("truncate -s 0 /var/mail/alice /var/mail/bob")


def long_lived(g):
    """{name: pid}; all of them are there."""
    found = {title.split()[0]: pid for pid, _, title in g.processes()
             if title.split()[0] in LONG_LIVED}
    if "warden" not in found:
        found["warden"] = g.pid()
    assert set(found) == LONG_LIVED
    return found


def held(g, pid):
    """The descriptors, each by what it is."""
    folder = g.host.path(f"/proc/{pid}/fd")
    return sorted(re.sub(r"[\d]+", "", os.readlink(f"{folder}/{n}")) for n in os.listdir(folder))


def anonymous(g, pid):
    """KiB that are its own."""
    return int(re.search(rb"(?m)^Anonymous: *(\d+) kB", read(
        g.host.path(f"/proc/{pid}/smaps_rollup")))[1])


def alone(g):
    """Those who end have ended."""
    return len(g.processes()) == len(LONG_LIVED)


@pytest.mark.parametrize("rounds", [ROUNDS, pytest.param(LONG_ROUNDS, marks=pytest.mark.slow)])
def test_who_lives_long_does_not_grow(laden, village, rounds, record_property):
    g = laden
    for _ in range(2):
        round_of_all(g, village.b)
    wait(lambda: alone(g), "those who end have ended", 180)
    pids = long_lived(g)
    fds = {name: held(g, pid) for name, pid in pids.items()}
    memory = {name: anonymous(g, pid) for name, pid in pids.items()}
    for _ in range(rounds):
        round_of_all(g, village.b)
    wait(lambda: alone(g), "those who end have ended", 180)
    assert long_lived(g) == pids
    grown = {name: anonymous(g, pid) - memory[name] for name, pid in pids.items()}
    record_property("grown", grown)
    for name, pid in pids.items():
        assert held(g, pid) == fds[name], name
    assert SANITIZED or max(grown.values()) <= KIB, (grown, memory)
