# SPDX-License-Identifier: ISC
"""Thousands of clients that only want to last (tests/fault/slow.c): silent, a byte
now and then, half a TLS handshake, never reading, a message a byte at a time.
Who is ours submits mail meanwhile, and waits less than a second for it.
SECURITY R-27, T-27, T-33; 3.2 F19.

FAULT_SLOW says how many.  The limits are those of the daemon, but for the number
of sessions, which whoever expects so many would raise."""
import contextlib
import os
import socket
import ssl
import statistics
import subprocess
import threading
import time

from instance import (BUILD, DOMAIN, LONG, SLOW, Client, Instance, content, processes, run, until)
from theft import make_key

COUNT = int(os.environ.get("FAULT_SLOW", "5000" if LONG else "500"))
SUBMISSIONS = 300 if LONG else 200
PATIENCE = 1.0 * SLOW           # seconds, of all but one in a hundred
IDLE = 50                       # sessions whose memory is looked at
HOST, HOST6, OURS = "10.255.0.1", "2001:db8:ffff::1", "172.16.0.5"


def world():
    for family, net, host in (("-4", "10.0.0.0/8", HOST + "/32"),
                              ("-6", "2001:db8::/32", HOST6 + "/128"),
                              ("-4", "172.16.0.0/16", OURS + "/32")):
        run("ip", family, "addr", "add", host, "dev", "lo")
        run("ip", family, "route", "add", "local", net, "dev", "lo")


class Crowd:
    def __init__(self, count, seconds):
        self.said = [0, 0, 0, 0]
        self.child = subprocess.Popen([os.path.join(BUILD, "fault/slow"), "25", str(count),
                                       str(seconds)], stdout=subprocess.PIPE, text=True)
        threading.Thread(target=self._hear, daemon=True).start()

    def _hear(self):
        for line in self.child.stdout:
            self.said = list(map(int, line.split()))

    held = property(lambda self: self.said[0])

    def __str__(self):
        return "{} held, {} had been, {} refused, {} sent away".format(*self.said)

    def close(self):
        self.child.kill()
        self.child.wait()


class Ours(Client):
    """From our own network, to the submission service."""

    def __init__(self, timeout=60):
        self.sock = socket.create_connection((HOST, 587), timeout, (OURS, 0))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.sock.makefile("rb")
        self.greeting = self.reply()


def submit(token):
    """Seconds from the call to the last word, and how it ended."""
    begin = time.monotonic()
    with Ours() as c:
        code = c.greeting[0]
        if code == 220:
            c.hello()
            code = c.message(token, [f"alice@{DOMAIN}"], size=4096)
            c.quit()
    return time.monotonic() - begin, code


def submit_many(verdict, crowd):
    took, codes, least = [], set(), crowd.held
    for i in range(SUBMISSIONS):
        seconds, code = submit(f"slow-{i}")
        took.append(seconds)
        codes.add(code)
        least = min(least, crowd.held)
        time.sleep(0.05)
    took.sort()
    worst = took[int(len(took) * 0.99)]
    verdict.say(f"{len(took)} submissions beside {least} slow clients: median "
                f"{statistics.median(took) * 1000:.1f} ms, 99 of 100 within "
                f"{worst * 1000:.1f} ms, the slowest {took[-1] * 1000:.1f} ms")
    verdict.check(codes == {250}, "slow: submissions are refused", codes)
    verdict.check(least >= COUNT * 9 // 10, f"slow: only {least} of {COUNT} clients were there")
    verdict.check(worst < PATIENCE, f"slow: 99 of 100 submissions within {worst:.2f} s")


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
    c.hello()
    c.say("STARTTLS")
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    sock = context.wrap_socket(c.sock)
    sock.sendall(b"EHLO client.example\r\n")
    sock.recv(4096)
    return sock


def weigh(verdict, instance, what, make):
    socks = [make() for _ in range(IDLE)]
    found = memory(instance)
    verdict.say(f"{what}: {statistics.mean(found):.0f} KiB PSS a session, of {len(found)}")
    verdict.check(len(found) == IDLE, f"slow: {len(found)} idle sessions, not {IDLE}")
    for one in socks:
        one.close()
    until(lambda: not sessions_of(instance))


def make(ground):
    key, crt, _ = make_key(ground, "slow")
    listens = "\n".join(["smtp on 127.0.0.1:25", f"listen smtp on {HOST}:25",
                         f"listen smtp on [{HOST6}]:25", f"listen submission on {HOST}:587"])
    return Instance(ground, "slow", settings={
        "listen": listens, "tls": f"certificate {crt} key {key}",
        "relay": "for 172.16.0.0/16", "sessions": str(COUNT * 3 // 2),
        "sessions-per-client": "100"})


def run_all(verdict, ground):
    world()
    instance = make(ground)
    instance.start()
    weigh(verdict, instance, "idle", idle_plain)
    weigh(verdict, instance, "idle in TLS", idle_tls)
    master, crowd = instance.master(), Crowd(COUNT, 600)
    try:
        verdict.check(until(lambda: crowd.held >= COUNT * 95 // 100, 120, 0.2),
                      f"slow: the crowd does not come together: {crowd}", instance.log()[-3000:])
        found = memory(instance)
        verdict.say(f"{crowd}; {statistics.mean(found):.0f} KiB PSS a session, "
                    f"{sum(found) // 1024} MiB in all")
        if LONG:                        # those who are sent away come again
            time.sleep(45)
        submit_many(verdict, crowd)
        verdict.say(str(crowd))
    finally:
        crowd.close()
    verdict.check(instance.master() == master, "slow: the master has died")
    verdict.check(until(lambda: sum(instance.arrived("alice").values()) == SUBMISSIONS, 60),
                  "slow: what was submitted did not arrive", instance.arrived("alice"))
    verdict.check(until(lambda: not sessions_of(instance)), "slow: sessions are left")
