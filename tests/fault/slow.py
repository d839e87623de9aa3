# SPDX-License-Identifier: ISC
"""Thousands of clients that only want to last (tests/fault/slow.c): silent, a byte
now and then, half a TLS handshake, never reading, a message a byte at a time.
They hold connections on ports 25, 587 and 465, there more than those may have
together who do not log in.  Users log in meanwhile, on 587 with STARTTLS, and
submit mail: none of them is refused, and they wait less than a second for it.
SECURITY R-27, T-27, T-33; 3.2 F19.

Every other of these messages goes to a second daemon, to which nobody else comes.
It says what this machine can do at that very moment: more than a second is too much
if it is more than four times as long as there, and if it is so in each of three
rounds; that it was more is told in any case.  A round counts if as many clients as
were wanted were there.  That nobody is refused is judged always.

FAULT_SLOW says how many.  The limits are those of the daemon, but for the number
of sessions, which whoever expects so many would raise."""
import base64
import contextlib
import os
import socket
import ssl
import statistics
import subprocess
import threading
import time

from instance import (BUILD, DOMAIN, LONG, SLOW, Client, Instance, processes, run, until)
from theft import make_key

COUNT = int(os.environ.get("FAULT_SLOW", "5000" if LONG else "500"))
CALLS = COUNT * 13 // 10        # some are refused, and some just coming again
SUBMISSIONS = 300 if LONG else 200
USERS = 20                      # each with an address of his own
PATIENCE = 1.0 * SLOW           # seconds, of all but one in a hundred,
BESIDE = 4                      # or so many times what they take beside nobody
ROUNDS = 3                      # that count,
IN_ALL = 2 * ROUNDS             # and those that do not
IDLE = 50                       # sessions whose memory is looked at
HOST, HOST6, QUIET, OURS = "10.255.0.1", "2001:db8:ffff::1", "10.255.0.2", "172.16.255.5"
AUTH = "AUTH PLAIN " + base64.b64encode(b"\0alice\0pencil").decode()
CONTEXT = ssl.create_default_context()
CONTEXT.check_hostname, CONTEXT.verify_mode = False, ssl.CERT_NONE


def world():
    for family, net, hosts in (("-4", "10.0.0.0/8", (HOST + "/32", QUIET + "/32")),
                               ("-6", "2001:db8::/32", (HOST6 + "/128",)),
                               ("-4", "172.16.0.0/16", (OURS + "/32",))):
        for host in hosts:
            run("ip", family, "addr", "add", host, "dev", "lo")
        run("ip", family, "route", "add", "local", net, "dev", "lo")


class Crowd:
    def __init__(self, count, seconds):
        self.said = [0, 0, 0, 0, 0]
        self.child = subprocess.Popen([os.path.join(BUILD, "fault/slow"), str(count),
                                       str(seconds)], stdout=subprocess.PIPE, text=True)
        threading.Thread(target=self._hear, daemon=True).start()

    def _hear(self):
        for line in self.child.stdout:
            self.said = list(map(int, line.split()))

    held = property(lambda self: self.said[0])

    def __str__(self):
        return "{} held, {} of them on 587 and 465, {} had been, {} refused, " \
            "{} sent away".format(*self.said)

    def close(self):
        self.child.kill()
        self.child.wait()


class Ours(Client):
    """A client of the submission service, where nobody else is."""

    def __init__(self, host=HOST, source=OURS, timeout=120):
        self.sock = socket.create_connection((host, 587), timeout, (source, 0))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.sock.makefile("rb")
        self.greeting = self.reply()

    def secure(self):
        self.hello()
        self.say("STARTTLS")
        self.sock = CONTEXT.wrap_socket(self.sock)
        self.file = self.sock.makefile("rb")


def submit(host, user, token):
    """Seconds from the call to the last word, and how it ended: 250, or what was said
    instead."""
    begin = time.monotonic()
    try:
        with Ours(host, f"172.16.{user}.5") as c:
            code, text = c.greeting
            if code == 220:
                c.secure()
                c.hello()
                code, text = c.say(AUTH)
            if code == 235:
                code, text = c.message(token, [f"alice@{DOMAIN}"], size=4096), ""
                c.quit()
    except OSError as e:
        code, text = 0, str(e)
    return time.monotonic() - begin, f"{code} {text}".strip()


def describe(took):
    took.sort()
    worst = took[int(len(took) * 0.99)]
    return worst, (f"median {statistics.median(took) * 1000:.1f} ms, 99 of 100 within "
                   f"{worst * 1000:.1f} ms, the slowest {took[-1] * 1000:.1f} ms")


def one_round(verdict, crowd, number):
    """How many were there, and whether users have waited no longer than they may."""
    until(lambda: crowd.held >= COUNT, every=0.2)
    took, failed, held = {HOST: [], QUIET: []}, [], []
    for i in range(SUBMISSIONS):
        for host in HOST, QUIET:
            seconds, end = submit(host, i % USERS, f"slow-{number}-{i}")
            took[host].append(seconds)
            if end != "250":
                failed.append((host, i, end))
        held.append(crowd.held)
        time.sleep(0.05)
    worst, text = describe(took[HOST])
    usual, beside = describe(took[QUIET])
    held = int(statistics.median(held))         # some are just coming again
    verdict.say(f"{SUBMISSIONS} submissions with TLS and login beside {held} slow clients: "
                f"{text}")
    verdict.say(f"in turn with them, beside nobody: {beside}")
    verdict.check(not failed, "slow: submissions are refused", failed)
    if worst >= PATIENCE:
        verdict.say(f"MISSED: {worst:.2f} s is not less than {PATIENCE:g}; beside nobody "
                    f"{usual:.2f} s, " + ("which is too slow itself" if usual >= PATIENCE else
                                          f"of which {worst / usual:.1f} times"))
    return held, worst < max(PATIENCE, BESIDE * usual)


def submit_many(verdict, crowd):
    """The number of rounds."""
    late, most = 0, 0
    for number in range(1, IN_ALL + 1):
        held, in_time = one_round(verdict, crowd, number)
        most = max(most, held)
        late += held >= COUNT and not in_time
        if held >= COUNT and in_time or late == ROUNDS:
            break
    verdict.check(most >= COUNT, f"slow: only {most} of {COUNT} clients were there, "
                  f"at the best of {number} times")
    verdict.check(late < ROUNDS, f"slow: 99 of 100 submissions take too long, {late} times")
    return number


def pss(pid):
    with open(f"/proc/{pid}/smaps_rollup") as f:
        return int(next(line.split()[1] for line in f if line.startswith("Pss:")))


def sessions_of(instance):
    master = instance.master()
    return [p.pid for p in processes() if p.ppid == master]


def memory(instance):
    found = []
    for pid in sessions_of(instance):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError, StopIteration):
            found.append(pss(pid))
    return found


def idle_plain():
    c = Ours()
    c.hello()
    return c.sock


def idle_tls():
    c = Ours()
    c.secure()
    c.hello()
    return c.sock


def weigh(verdict, instance, what, make):
    socks = [make() for _ in range(IDLE)]
    until(lambda: len(sessions_of(instance)) == IDLE)
    found = memory(instance)
    verdict.say(f"{what}: {statistics.mean(found):.0f} KiB PSS a session, of {len(found)}")
    verdict.check(len(found) == IDLE, f"slow: {len(found)} idle sessions, not {IDLE}")
    for one in socks:
        one.close()
    until(lambda: not sessions_of(instance))


def make(ground, name, address, listens):
    key, crt, _ = make_key(ground, name)
    passwords = os.path.join(ground.dir, name + ".passwd")
    instance = Instance(ground, name, settings={
        "listen": "\nlisten ".join([f"smtp on {address}:25", *listens]),
        "tls": f"certificate {crt} key {key}", "login-user": "godwitl",
        "login": f"file {passwords}\nlogin senders any\nlogin-messages-per-hour 0\n"
                 "login-messages-per-day 0",
        "relay": f"for {OURS}", "sessions": str(COUNT * 2), "sessions-per-client": "100"})
    instance.address = (address, 25)
    subprocess.run([os.path.join(BUILD, "godwit"), "passwd", "-f", instance.conf, "--stdin",
                    "alice"], input=b"pencil\n", check=True)
    instance.start()
    return instance


def log_in(verdict, host):
    """As users do who were here before: from then on they are known."""
    said = {submit(host, user, f"first-{user}")[1] for user in range(USERS)}
    verdict.check(said == {"250"}, "slow: the first submissions", said)


def run_all(verdict, ground):
    world()
    make(ground, "quiet", "127.0.0.2", [f"submission on {QUIET}:587"])
    instance = make(ground, "slow", "127.0.0.1", [
        f"{what} on {at}" for at in (HOST, f"[{HOST6}]")
        for what, at in (("smtp", at + ":25"), ("submission", at + ":587"),
                         ("submissions", at + ":465"))])
    weigh(verdict, instance, "idle", idle_plain)
    weigh(verdict, instance, "idle in TLS", idle_tls)
    for host in HOST, QUIET:
        log_in(verdict, host)
    master, crowd = instance.master(), Crowd(CALLS, 3600)
    try:
        verdict.check(until(lambda: crowd.held >= COUNT, 300, 0.2),
                      f"slow: the crowd does not come together: {crowd}", instance.log()[-3000:])
        found = memory(instance)
        verdict.say(f"{crowd}; {statistics.mean(found):.0f} KiB PSS a session, "
                    f"{sum(found) // 1024} MiB in all")
        if LONG:                        # those who are sent away come again
            time.sleep(45)
        rounds = submit_many(verdict, crowd)
        verdict.say(str(crowd))
    finally:
        crowd.close()
    verdict.check(instance.master() == master, "slow: the master has died")
    verdict.check(until(lambda: sum(instance.arrived("alice").values()) ==
                        rounds * SUBMISSIONS + USERS, 180),
                  "slow: what was submitted did not arrive", instance.arrived("alice"))
    verdict.check(until(lambda: not sessions_of(instance)), "slow: sessions are left")
