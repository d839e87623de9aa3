# SPDX-License-Identifier: ISC
"""Every system call of a message's way failing in turn, in every process.  The
calls of one clean run are enumerated; then each is made to fail, one a run, with
the errors that fit it, by strace on top of the sandbox.  Whatever fails: what
was answered with 250 arrives exactly once (or what RFC 1047 allows), what was
not arrives at most once, and the daemon serves the next one.

strace counts calls in each process on its own, so that the N-th call fails in
every process that comes so far: a fault for the session is one for the master
too when it gets there.  That is more trouble, not less.
"""
import collections
import os
import random
import time

from instance import LONG, SANITIZED, Instance, Sink, DOMAIN, FAR, kill, perhaps, send, until
from tracing import Trace

SAMPLE = 60                     # runs of each of two ways, in short mode
ALICE, REMOTE = f"alice@{DOMAIN}", f"someone@{FAR}"
# What a call may say, after its manual page.  Calls that cannot fail are left
# out, and close: strace keeps a call that shall fail from being made, and a
# descriptor that is not closed is what no kernel does.
DISK = ("ENOSPC", "EIO")
ERRORS = {
    "read": ("EIO", "EINTR"), "recvmsg": ("ENOMEM", "EINTR"), "recvfrom": ("ENOMEM", "EINTR"),
    "write": ("ENOSPC", "EIO", "EINTR"), "sendmsg": ("ENOMEM", "EINTR"),
    "sendto": ("ENOBUFS", "EAGAIN"), "openat": ("EMFILE", "ENOSPC", "EACCES", "ENOMEM"),
    "pwritev": DISK + ("EINTR",), "pwrite64": DISK + ("EINTR",), "pread64": ("EIO", "EINTR"),
    "linkat": DISK + ("ENOMEM", "ENOENT"), "unlinkat": ("EIO",), "fdatasync": DISK, "fsync": DISK,
    "fallocate": DISK, "flock": ("EAGAIN", "ENOLCK"), "fstatfs": ("EIO",),
    "newfstatat": ("EIO", "ENOMEM"), "statx": ("EIO",), "fcntl": ("ENOLCK",),
    "accept4": ("EMFILE", "ENFILE", "ECONNABORTED", "ENOMEM"), "clone": ("EAGAIN", "ENOMEM"),
    "socket": ("EMFILE", "ENOBUFS"), "socketpair": ("EMFILE", "ENFILE"),
    "connect": ("ECONNREFUSED", "ETIMEDOUT", "EINTR"), "ppoll": ("EINTR", "ENOMEM"),
    "poll": ("EINTR", "ENOMEM"), "mmap": ("ENOMEM",), "brk": ("ENOMEM",),
    "getdents64": ("EIO",), "setsockopt": ("ENOMEM",), "getsockopt": ("ENOBUFS",),
    "getrandom": ("EINTR",), "lseek": ("EIO",),
    "setgroups": ("ENOMEM",), "setresuid": ("EAGAIN",), "setresgid": ("EPERM",),
    "chdir": ("EACCES",), "wait4": ("EINTR",), "sync_file_range": ("EIO",),
    "umask": (), "ftruncate": ("EIO",), "mremap": ("ENOMEM",), "prctl": ("EPERM",),
    "close_range": ("ENOSYS",), "getpeername": ("ENOBUFS",), "set_robust_list": (),
}
# Without memory a sanitizer ends the process before we see a thing.
if SANITIZED:
    for call in ("mmap", "brk", "mremap"):
        del ERRORS[call]


class Path:
    """One way of a message: who gets it, and where to see whether he has."""

    def __init__(self, ground, name, recipient, size, sink):
        self.name, self.to, self.size, self.sink = name, recipient, size, sink
        disk = ground.disk(f"inject.{name}.fs", 64)
        self.instance = Instance(ground, "inject." + name, spool=disk + "/spool",
                                 boxes=disk + "/mail", sink=sink,
                                 settings={"timeout-command": "10s", "timeout-data": "10s"})
        self.instance.start()

    def count(self, token):
        if self.to == REMOTE:
            return self.sink.got[(token, REMOTE)]
        return self.instance.arrived("alice")[token]

    def pids(self):
        i = self.instance
        return [i.warden.pid, i.master(), i.runner()] + i.workers(True) + i.workers(False) + \
            i.agents()

    def fresh(self):
        """Whole, and with no worker that still lingers: each run is the same."""
        i = self.instance
        if i.warden is None or i.warden.poll() is not None or not i.master() or not i.runner():
            i.crush()
            i.start()
        for pid in i.workers(True) + i.workers(False) + i.agents():
            kill(pid)
        until(lambda: not i.workers(True) + i.workers(False) + i.agents())


def enumerate_calls(path):
    """(role, call, n) for everything that a message needs, from a clean run."""
    path.fresh()
    i = path.instance
    role = {i.warden.pid: "warden", i.master(): "master", i.runner(): "runner"}
    trace = Trace(os.path.join(i.dir, "trace.clean"), path.pids())
    try:
        trace.quiet(0.1)
        code = send(i, "clean", [path.to], size=path.size)
        until(lambda: path.count("clean") and i.is_empty())
        trace.quiet(0.2)
        calls = trace.calls()
    finally:
        trace.end()
    seen, points = collections.Counter(), []
    for c in calls:
        if c.name == "clone" and (child := c.text.rsplit("= ", 1)[-1]).isdigit():
            parent = role.get(c.pid, "?")
            role[int(child)] = {"master": "session", "runner": "worker",
                                "warden": "agent"}.get(parent, "?")
        seen[(c.pid, c.name)] += 1
        points.append((role.get(c.pid, "?"), c.name, seen[(c.pid, c.name)]))
    # The same number of the same call in another process comes along anyway,
    # but is listed: who it is meant for decides nothing but the name.
    return code, sorted({(r, n, k) for r, n, k in points if r != "?"})


def possible(points):
    """(call, n, error, roles): what can happen, once for all who make that call."""
    found = {}
    for role, call, n in points:
        for error in ERRORS.get(call, ()) + ("KILL",):
            found.setdefault((call, n, error), set()).add(role)
    return sorted((*key, "+".join(sorted(roles))) for key, roles in found.items())


def pick(points):
    """All, or a sample in which every call and role is."""
    runs = possible(points)
    if LONG:
        return runs
    chance = random.Random(int(os.environ.get("FAULT_SEED", "1")))
    chance.shuffle(runs)
    first, rest, kinds = [], [], set()
    for run in runs:
        (rest if (run[0], run[3]) in kinds else first).append(run)
        kinds.add((run[0], run[3]))
    return (first + rest)[:SAMPLE]


def check_health(path, name):
    """A message after it arrives, and nobody had to start anything."""
    i = path.instance
    token = name + "-next"
    code = 0
    if i.warden.poll() is not None:
        i.start()               # as init would
    end = time.monotonic() + 60
    while time.monotonic() < end and code != 250:
        code = send(i, token, [path.to])
        if code != 250:
            time.sleep(0.1)
    if code != 250:
        return f"the next message is answered {code}"
    if not until(lambda: path.count(token) >= 1):
        return "the next message does not arrive"
    return None


def inject(verdict, path, number, call, n, error, role, deaths):
    i = path.instance
    path.fresh()
    warden, master, runner = i.warden.pid, i.master(), i.runner()
    token = f"{path.name}-{number}"
    name = f"{path.name}: {call} {n} in {role} says {error}"
    # A brk that fails returns where the end of the heap is.
    what = "signal=KILL" if error == "KILL" else "retval=0" if call == "brk" else f"error={error}"
    mark = len(i.log())
    trace = Trace(os.path.join(i.dir, "trace.inject"), path.pids(), "-e", f"trace={call}",
                  "-e", f"inject={call}:{what}:when={n}")
    try:
        code = send(i, token, [path.to], size=path.size)
        if code == 250:
            perhaps(lambda: path.count(token) >= 1, 0.7)
        else:
            time.sleep(0.02)
        with open(trace.path, errors="replace") as f:
            hit = "(INJECTED)" in (text := f.read()) or "killed by SIGKILL" in text
    finally:
        trace.end()
    ill = check_health(path, token)
    ends = [name for name, was, now in (("warden", warden, i.warden.pid),
            ("master", master, i.master()), ("runner", runner, i.runner())) if was != now]
    if error != "KILL":
        deaths.update(f"{name}: {call} {error}" for name in ends)
    # After a fault of its own disk the queue rests for a minute, and a word that
    # was not heard is made up for within one; a new runner looks at once.
    if not perhaps(lambda: i.is_empty() and (code != 250 or path.count(token)), 2.5):
        i.again()
        until(lambda: i.is_empty() and (code != 250 or path.count(token)))
    count = path.count(token)
    what = f"answered {code}, arrived {count} times" + ("" if hit else " (fault not reached)")
    story = "\n".join(c.name + "(" + c.text for c in trace.calls() if "INJ" in c.text) + "\n" + \
        i.log()[mark:][-3000:]
    verdict.check(ill is None, f"{name}: {ill}", what + "\n" + story)
    # A far end that took it and whose answer or whose mark was lost gets it
    # again: RFC 1047.  Our own Maildir never does.
    gap = 2 if path.to == REMOTE and role not in ("session", "master") else 1
    good = 1 <= count <= gap if code == 250 else count <= gap
    verdict.check(good, f"{name}: {what}", story)
    verdict.check(not i.queued("corrupt"), f"{name}: something lies in corrupt", story)
    verdict.check(i.is_empty(), f"{name}: the spool is not empty", "\n".join(i.queued()) + story)
    for bad in i.queued("corrupt"):
        os.unlink(bad)
    # Two failures of the disk, and each 451 is one, make the spool sick for a
    # minute, and who dies often is started again ever later, as it should be;
    # the next run wants all well.
    if ill or ends or error in DISK or code == 451:
        i.crush()
        i.start()
    return hit, count > 1


def run_path(verdict, ground, name, recipient, size):
    sink, deaths, total = Sink(), collections.Counter(), collections.Counter()
    path = Path(ground, name, recipient, size, sink)
    try:
        code, points = enumerate_calls(path)
        verdict.check(code == 250, f"inject {name}: the clean run was answered {code}")
        runs, start = pick(points), time.monotonic()
        for number, (call, n, error, role) in enumerate(runs):
            hit, again = inject(verdict, path, number, call, n, error, role, deaths)
            total["hit"] += hit
            total["twice"] += again
        verdict.say(f"inject {name}: {len(points)} calls, {len(runs)} faults of "
                    f"{len(possible(points))}, {total['hit']} reached, {total['twice']} sent "
                    f"again, {time.monotonic() - start:.0f} s")
        verdict.say(f"    died without being killed: {dict(deaths) or 'none'}")
        verdict.check(total["hit"] * 2 >= len(runs), f"inject {name}: most faults were not reached")
    finally:
        path.instance.crush()
        sink.close()


def run_local(verdict, ground):
    run_path(verdict, ground, "local", ALICE, 3000)


def run_relay(verdict, ground):
    run_path(verdict, ground, "relay", REMOTE, 300000)
