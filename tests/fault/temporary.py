# SPDX-License-Identifier: ISC
"""A file system that cannot make unnamed files, as far as a session can tell:
its open of one fails, and the entry begins under a temporary name.  The order
of link and sync is the same, nothing is lost or doubled whatever fails then, and
what is left of the temporary name is removed when nobody needs it, never
delivered."""
import os
import re
import subprocess
import time

from instance import BUILD, Client, Instance, DOMAIN, USERS, content, send, until
from tracing import Trace

ALICE = f"alice@{DOMAIN}"
DAY = 24 * 3600
DROP_GROUP = 904
UNNAMED = "O_TMPFILE"
# What else fails, and whether the entry has its name by then.
FAULTS = (
    ("flock:error=ENOLCK", False), ("pwritev:error=EIO", False), ("pwritev:error=ENOSPC", False),
    ("linkat:error=EIO", False), ("fsync:error=EIO", True), ("unlinkat:error=EIO", True),
    ("flock:signal=KILL", False), ("pwritev:signal=KILL", False), ("linkat:signal=KILL", False),
    ("fsync:signal=KILL", True), ("unlinkat:signal=KILL", True),
)


class Place:
    def __init__(self, verdict, ground, name, *options):
        self.verdict, self.name, self.n = verdict, name, 0
        disk = ground.disk(f"temporary.{name}.fs", 64, *options)
        self.instance = Instance(ground, "temporary." + name, spool=disk + "/spool")
        # A file of users that has just changed is opened by each session.
        time.sleep(max(0, os.stat("/etc/passwd").st_ctime + 3 - time.time()))
        self.instance.start()
        self.open_number = self._find_open()

    def trace(self, *more):
        options = ["-e", "trace=openat,flock,pwritev,linkat,fsync,unlinkat,sendto"]
        if more:
            options += ["-e", f"inject=openat:error=EOPNOTSUPP:when={self.open_number}"]
        for one in more:
            options += ["-e", "inject=" + one] if one else []
        return Trace(os.path.join(self.instance.dir, "trace"), [self.instance.master()], *options)

    def token(self):
        self.n += 1
        return f"{self.name}-{self.n}"

    def _find_open(self):
        """Which of a session's opens is that of the entry."""
        trace = self.trace()
        try:
            send(self.instance, self.token(), [ALICE])
            trace.has(UNNAMED + ".*\n(?s:.*)linkat")
            trace.quiet()
            opens = [c for c in self.session(trace) if c.name == "openat"]
        finally:
            trace.end()
        return 1 + next(i for i, c in enumerate(opens) if UNNAMED in c.text)

    def session(self, trace):
        """The calls of the process that made an entry."""
        calls = trace.calls()
        pid = next(c.pid for c in calls if c.name == "openat" and UNNAMED in c.text)
        return [c for c in calls if c.pid == pid]

    def check(self, ok, what, detail=""):
        return self.verdict.check(ok, f"temporary {self.name}: {what}",
                                  detail or self.instance.log()[-1500:])

    def left(self):
        return [p for p in self.instance.queued() if os.path.basename(p).startswith(".t.")]

    def count(self, token):
        return self.instance.arrived("alice")[token]


def in_order(place, dir_synced):
    token, i = place.token(), place.instance
    trace = place.trace("")
    try:
        code = send(i, token, [ALICE])
        came = until(lambda: i.is_empty() and place.count(token))
        trace.has("250 2.0.0 Ok: queued")
        trace.quiet()
        calls = place.session(trace)
    finally:
        trace.end()
    steps = [c.name for c in calls
             if c.name in ("linkat", "fsync", "unlinkat", "pwritev") or
             c.name == "sendto" and "250 2.0.0 Ok: queued" in c.text or
             c.name == "openat" and ".t." in c.text]
    want = ["openat", "pwritev", "linkat", "fsync"] + ["fsync"] * dir_synced + \
        ["unlinkat", "sendto"]
    place.check(code == 250 and came, f"answered {code}, arrived {place.count(token)} times")
    place.check(steps == want, f"the order is {' '.join(steps)}")
    refused = [c.text for c in calls if c.name == "unlinkat"]
    place.check(all("EPERM" in text for text in refused), f"a session may unlink: {refused}")


def one_fault(place, fault, named):
    token, i = place.token(), place.instance
    trace = place.trace(fault + ":when=1")
    try:
        code = send(i, token, [ALICE])
        killed = "KILL" in fault
        hit = "killed by SIGKILL" if killed else rf"{fault.split(':')[0]}\(.*INJECTED"
        trace.has(hit)
        trace.quiet(0.1)
        with open(trace.path, errors="replace") as f:
            text = f.read()
    finally:
        trace.end()
    what = f"{fault}, answered {code}"
    place.check(".t." in text and re.search(hit, text), f"{what}: not reached", text)
    place.check(code == 250 if fault.startswith("unlinkat:error") else
                code in ((0,) if killed else (451, 452)), what)
    if killed and not named:
        # Nobody is told of it; it stays, and is no message, for a day.
        i.again()
        time.sleep(0.3)
        place.check(len(place.left()) == 1, f"{what}: {place.left()} left", text)
        for path in place.left():
            os.utime(path, (time.time() - DAY - 60,) * 2)
        i.again()
    elif killed:
        i.again()               # or within the minute, when the runner walks
    place.check(until(i.is_empty), f"{what}: there lies {i.queued()}")
    # Killed with its name, it may be delivered: the client knows nothing.
    want = (1,) if code == 250 else (0, 1) if killed and named else (0,)
    place.check(place.count(token) in want, f"{what}: arrived {place.count(token)} times")
    place.check(not i.queued("corrupt"), f"{what}: something lies in corrupt")
    i.crush()                   # the disk is not sick for the next one
    i.start()


def given_up(place):
    """The client goes in the middle, or thinks better of it."""
    i, body = place.instance, content("never", 1 << 20)
    trace = place.trace("")
    try:
        with Client(i) as c:
            c.hello()
            c.envelope([ALICE])
            c.say("DATA")
            c.put(body[:600000])
            place.check(until(place.left), "nothing was begun under a temporary name")
            c.close()
            place.check(until(lambda: not place.left()), f"lost connection: {place.left()}")
    finally:
        trace.end()
    place.check(place.count("never") == 0, "half a message arrived")


def dropped(place, *more):
    """drop(8) as alice, its group given to her; its status and its calls."""
    message = b"godwit drop 1\n" + b"".join(
        kind + len(text).to_bytes(4, "big") + text for kind, text in (
            (b"S", b"alice"), (b"R", ALICE.encode()), (b"C", content("dropped"))))
    path = os.path.join(place.instance.dir, "trace.drop")
    with open(path, "w"):
        os.chmod(path, 0o666)
    done = subprocess.run(
        ["setpriv", f"--reuid={USERS['alice']}", f"--regid={DROP_GROUP}", "--clear-groups",
         "strace", "-o", path, "-e", "trace=openat,linkat,renameat2,fsync,unlink",
         *more, os.path.abspath(os.path.join(BUILD, "drop")), place.instance.spool],
        input=message, capture_output=True, check=False)
    with open(path, errors="replace") as f:
        return done, re.findall(r"^(\w+)\((.*)$", f.read(), re.M)


def by_drop(place):
    i = place.instance
    done, calls = dropped(place)
    place.check(done.returncode == 0, f"drop: {done.stderr}")
    opens = [text for name, text in calls if name == "openat"]
    number = 1 + next(k for k, text in enumerate(opens) if UNNAMED in text)
    until(lambda: place.count("dropped") == 1)
    done, calls = dropped(place, "-e", f"inject=openat:error=EOPNOTSUPP:when={number}")
    made = next(k for k, c in enumerate(calls) if "O_EXCL" in c[1])
    steps = [name for name, _ in calls[made:]]
    place.check(done.returncode == 0, f"drop: {done.stderr}", calls)
    place.check(steps[:3] == ["openat", "renameat2", "fsync"] and "unlink" not in steps,
                f"drop: the order is {' '.join(steps)}")
    place.check(until(lambda: place.count("dropped") == 2 and not i.queued("drop")),
                f"drop: arrived {place.count('dropped')} times")
    done, calls = dropped(place, "-e", f"inject=openat:error=EOPNOTSUPP:when={number}",
                          "-e", "inject=renameat2:error=EIO")
    place.check(done.returncode != 0 and calls[-1][0] == "unlink" and not i.queued("drop"),
                f"drop that fails: {done.returncode}, left {i.queued('drop')}", calls)


def run_all(verdict, ground):
    for name, options, dir_synced in (("journal", (), 0), ("bare", ("-O", "^has_journal"), 1)):
        place = Place(verdict, ground, name, *options)
        try:
            word = "also syncs the directory" if dir_synced else "one sync a message"
            place.check(f": {word}" in place.instance.log(), "the log does not say: " + word)
            place.check("error:" not in place.instance.log(), "an error at start")
            in_order(place, dir_synced)
            given_up(place)
            by_drop(place)
            for fault, named in FAULTS if name == "journal" else FAULTS[4:6]:
                one_fault(place, fault, named)
        finally:
            place.instance.crush()
    verdict.say("temporary: the same order, nothing lost, nothing doubled, nothing left")
