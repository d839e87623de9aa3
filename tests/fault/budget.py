# SPDX-License-Identifier: ISC
"""What a message costs in system calls, forks, execs and syncs, and that nothing
is said before it is on the disk.  The budgets stand here and are for good; the
ledger (tests/ledger) has each figure as it is today, and beside the calls what
only a daemon that nobody traces can tell: faults of pages and switches of
context.  Everything is done some times over and the middle is taken, so that
what happens once a second does not count."""
import collections
import os
import signal
import statistics
import subprocess
import time

import book
from book import EXECS, FORKS, SYNCS
from instance import (BUILD, Client, Instance, Nobody, Sink, DOMAIN, FAR, kill, processes, send,
                      until)
from tracing import Trace, count, parse, table

ACCEPT, RELAY, LOCAL = 60, 40, 60
BATCH = 50
SOME = 3                        # times of everything
REST = 0.15                     # seconds; the runner has synced its removals


class Roles:
    """Whose a process is, remembered beyond its death."""

    def __init__(self, instance):
        self.role = {instance.warden.pid: "warden", instance.master(): "master",
                     instance.runner(): "runner"}
        self.look()

    def look(self):
        for p in processes():
            if p.pid in self.role:
                continue
            if p.title.startswith("worker "):
                self.role[p.pid] = "worker"
            elif p.title.startswith("agent "):
                self.role[p.pid] = "agent"
            elif p.title == "master":
                self.role[p.pid] = "session"

    def columns(self, calls):
        self.look()
        # Who forked it tells what a process was that has gone already.
        for c in calls:
            if c.name in FORKS and (child := c.text.rsplit("= ", 1)[-1]).isdigit():
                self.role.setdefault(int(child), {
                    "master": "session", "runner": "worker", "warden": "agent"
                }.get(self.role.get(c.pid), "?"))
        found = collections.OrderedDict()
        for c in calls:
            found.setdefault(self.role.get(c.pid, "?"), []).append(c)
        return found


def report(verdict, name, columns, most, forks, syncs, note=""):
    calls = [c for part in columns.values() for c in part]
    # The runner's syncs commit removals, of all that were removed within some
    # milliseconds: they are no message's own.
    runner = [c for c in columns.get("runner", []) if c.name in SYNCS]
    own = count(calls, SYNCS) - len(runner)
    verdict.say(f"{name}: {len(calls)} system calls, {count(calls, FORKS)} forks, "
                f"{count(calls, EXECS)} execs, {own} syncs" +
                (f" and {len(runner)} of removals" if runner else "") + note)
    listing = "\n".join(f"{c.pid} {c.name}({c.text}" for c in calls)
    verdict.check(len(calls) <= most, f"{name}: {len(calls)} system calls, budget {most}", listing)
    verdict.check(count(calls, FORKS) <= forks, f"{name}: more than {forks} forks", listing)
    verdict.check(count(calls, EXECS) == 0, f"{name}: an exec", listing)
    verdict.check(own <= syncs, f"{name}: more than {syncs} syncs", listing)


def daemon_trace(instance, name):
    pids = [instance.warden.pid, instance.master(), instance.runner()]
    pids += instance.workers(True) + instance.workers(False) + instance.agents()
    return Trace(os.path.join(instance.dir, name), pids)


def check_order(verdict, columns, name):
    """Link, then the one sync, then the 250."""
    calls = columns.get("session", [])
    listing = "\n".join(f"{c.name}({c.text}" for c in calls)
    said = [i for i, c in enumerate(calls) if "250 2.0.0 Ok: queued as" in c.text]
    syncs = [i for i, c in enumerate(calls) if c.name in SYNCS]
    links = [i for i, c in enumerate(calls) if c.name in ("linkat", "link", "renameat")]
    writes = [i for i, c in enumerate(calls) if c.name in ("pwrite64", "pwritev", "pwritev2")]
    verdict.check(len(syncs) == 1, f"{name}: {len(syncs)} syncs in the session, not 1", listing)
    verdict.check(len(links) == 1 and len(said) == 1, f"{name}: one link and one 250", listing)
    if len(syncs) == len(links) == len(said) == 1:
        verdict.check(links[0] < syncs[0], f"{name}: the link comes before the sync", listing)
        verdict.check(syncs[0] < said[0], f"{name}: the 250 comes after the sync", listing)
        verdict.check(writes and max(writes) < links[0],
                      f"{name}: everything is written before the link", listing)


# ---------------------------------------------------------------- untraced

def usage(pid):
    """[faults, waits, preempted] of a process, a zombie too."""
    with open(f"/proc/{pid}/stat") as f:
        faults = int(f.read().rsplit(")", 1)[1].split()[7])
    with open(f"/proc/{pid}/status") as f:
        found = dict(line.split(":", 1) for line in f)
    return [faults, int(found["voluntary_ctxt_switches"]),
            int(found["nonvoluntary_ctxt_switches"])]


def enter_usage(entry, row, process, several):
    middle = [statistics.median(x) for x in zip(*several)]
    entry.enter(row, process, **dict(zip(("faults", "waits", "preempted"), middle)))


class Meter:
    """What some processes used while something was done, some times over."""

    def __init__(self, pids):
        self.pids, self.used = pids, collections.defaultdict(list)

    def during(self, act):
        before = {role: usage(pid) for role, pid in self.pids.items()}
        act()
        time.sleep(REST)
        for role, pid in self.pids.items():
            self.used[role].append([b - a for a, b in zip(before[role], usage(pid))])

    def enter(self, entry, row, times=1):
        for role, several in self.used.items():
            enter_usage(entry, row, role, [[x / times for x in one] for one in several])


def is_zombie(pid):
    with open(f"/proc/{pid}/stat") as f:
        return f.read().rsplit(")", 1)[1].split()[0] == "Z"


def whole_session(instance, act):
    """A session's use from its birth to its end: the master, which would bury
    it, is stopped."""
    with Client(instance) as c:
        c.hello()
        session = instance.sessions()[0]
        act(c)
        kill(instance.master(), signal.SIGSTOP)
        try:
            c.quit()
            until(lambda: is_zombie(session), every=0.001)
            return usage(session)
        finally:
            kill(instance.master(), signal.SIGCONT)
            until(lambda: not os.path.exists(f"/proc/{session}"), every=0.001)


def untraced_accepts(instance, entry, row, act):
    enter_usage(entry, row, "session", [whole_session(instance, act) for _ in range(SOME)])

    def whole():
        with Client(instance) as c:
            c.hello()
            act(c)
            c.quit()
    pids = {"master": instance.master()}
    if row != "connection":
        pids["runner"] = instance.runner()
    meter = Meter(pids)
    for _ in range(SOME):
        time.sleep(1.05)
        meter.during(whole)
    meter.enter(entry, row)


def untraced_batch(instance, entry):
    with Client(instance) as c:
        c.hello()
        c.message("next", [f"x@{FAR}"], size=4096)
        time.sleep(REST)
        meter = Meter({"session": instance.sessions()[0], "runner": instance.runner()})
        meter.during(lambda: [c.message("next", [f"x@{FAR}"], size=4096)
                              for _ in range(1, BATCH)])
        meter.enter(entry, "next", BATCH - 1)
        c.quit()


# ---------------------------------------------------------------- traced

def middle(several):
    """The middle count of each call of each process."""
    counts = {}
    for process in {p for columns in several for p in columns}:
        tallies = [collections.Counter(c.name for c in columns.get(process, []))
                   for columns in several]
        found = {name: statistics.median(t[name] for t in tallies)
                 for name in {n for t in tallies for n in t}}
        counts[process] = {name: n for name, n in found.items() if n}
    return {p: names for p, names in counts.items() if names}


def undisturbed(measure):
    """The runner walks over its spool ten seconds after its start and then once
    a minute: what that fell into is measured again."""
    for _ in range(3):
        columns = measure()
        if not any(c.name == "getdents64" for c in columns.get("runner", [])):
            break
    return columns


def without(columns, *roles):
    return {role: calls for role, calls in columns.items() if role not in roles}


def accept(verdict, instance, roles, trace, name, recipient):
    """One message on one connection, after a second of rest."""
    time.sleep(1.1)
    start = trace.quiet()
    with Client(instance) as c:
        c.hello()
        code = c.message(name.replace(" ", "-"), [recipient], size=4096) if recipient else 250
        c.quit()
    trace.has(r"\+\+\+ exited with", start)      # the session has come to its end
    end = trace.quiet()
    verdict.check(code == 250, f"{name}: answered {code}")
    return roles.columns(trace.calls(start, end))


def accept_many(verdict, instance, roles, trace, entry):
    """Each message when the runner has done with the one before."""
    several = []
    with Client(instance) as c:
        c.hello()
        codes = [c.message("many-first", [f"x@{FAR}"], size=4096)]
        trace.quiet()
        for i in range(1, BATCH):
            start = trace.size()
            codes.append(c.message(f"many-{i}", [f"x@{FAR}"], size=4096))
            several.append(roles.columns(trace.calls(start, trace.quiet(0.02))))
        c.quit()
    trace.quiet()
    verdict.check(codes == [250] * BATCH, "a batch of messages was not accepted", codes)
    n = sum(len(calls) for columns in several for calls in columns.values()) / (BATCH - 1)
    verdict.check(n <= ACCEPT - 15, f"accept of a batch: {n:.1f} calls a message, budget "
                  f"{ACCEPT - 15}")
    entry.enter_calls("next", middle(several))


def submit(instance, traced=None):
    argv = [os.path.join(BUILD, "sendmail"), "-C", instance.conf, f"x@{FAR}"]
    if traced:
        argv = ["strace", "-f", "-o", traced] + argv
    child = subprocess.Popen(argv, stdin=subprocess.PIPE)
    child.stdin.write(b"Subject: x\n\nhello\n")
    child.stdin.close()
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise RuntimeError(f"sendmail ended with status {child.returncode}")
    return [used.ru_minflt, used.ru_nvcsw, used.ru_nivcsw]


def submissions(instance, roles, trace, entry):
    several = []
    for i in range(SOME):
        path = os.path.join(instance.dir, f"trace.sendmail.{i}")
        start = trace.quiet()
        submit(instance, path)
        columns = roles.columns(trace.calls(start, trace.quiet()))
        with open(path, errors="replace") as f:
            columns["sendmail"] = parse(f.read())
        several.append(columns)
    entry.enter_calls("sendmail", middle(several))


def accept_budget(verdict, ground, entry):
    """Delivery is held back: the destination is known to be asleep."""
    sink = Nobody()
    instance = Instance(ground, "accept", spool=ground.disk("accept.fs", 64), sink=sink,
                        settings={"retry-first": "1h", "retry-most": "1h"})
    instance.start()
    try:
        send(instance, "wake", [f"x@{FAR}"])
        verdict.check(until(lambda: "status=deferred" in instance.log()),
                      "accept: the destination is not asleep", instance.log()[-2000:])
        until(lambda: not instance.workers(False))
        untraced_accepts(instance, entry, "connection", lambda c: None)
        untraced_accepts(instance, entry, "first",
                         lambda c: c.message("first", [f"x@{FAR}"], size=4096))
        untraced_batch(instance, entry)
        enter_usage(entry, "sendmail", "sendmail", [submit(instance) for _ in range(SOME)])
        enter_usage(entry, "here", "session", [whole_session(instance, lambda c: c.message(
            "here", [f"alice@{DOMAIN}"], size=4096)) for _ in range(SOME)])
        until(lambda: not instance.workers(True))
        roles, trace = Roles(instance), daemon_trace(instance, "trace.accept")
        try:
            several = [accept(verdict, instance, roles, trace, "accept", f"x@{FAR}")
                       for _ in range(SOME)]
            report(verdict, "accept, one message a connection", several[-1], ACCEPT, 1, 1)
            check_order(verdict, several[-1], "accept")
            entry.enter_calls("first", middle(several))
            several = [accept(verdict, instance, roles, trace, "connection", None)
                       for _ in range(SOME)]
            entry.enter_calls("connection", middle(several))
            accept_many(verdict, instance, roles, trace, entry)
            submissions(instance, roles, trace, entry)
            several = [accept(verdict, instance, roles, trace, "here", f"alice@{DOMAIN}")
                       for _ in range(SOME)]
            entry.enter_calls("here", middle([{"session": columns.get("session", [])}
                                              for columns in several]))
        finally:
            trace.end()
    finally:
        instance.crush()


# ---------------------------------------------------------------- delivered

def messages(c, token, to, arrived, after):
    """Some that arrive one after the other; the worker lingers meanwhile."""
    for i in range(SOME):
        def one(i=i):
            c.message(f"{token}-{i}", [to], size=4096)
            if not until(lambda: arrived(f"{token}-{i}"), every=0.001):
                raise RuntimeError(f"{token}-{i} did not arrive")
        after(one)


def untraced_deliveries(instance, entry, row, to, arrived):
    with Client(instance) as c:
        c.hello()
        messages(c, "warm", to, arrived, lambda one: (one(), time.sleep(REST)))
        pids = {"runner": instance.runner()}
        for role, found in (("worker", instance.workers(row != "relay")),
                            ("agent", instance.agents())):
            if found:
                pids[role] = found[-1]
        meter = Meter(pids)
        messages(c, "used", to, arrived, meter.during)
        meter.enter(entry, row)
        c.quit()
    until(lambda: not instance.workers(row != "relay"))
    time.sleep(REST)


def traced_deliveries(verdict, instance, entry, row, to, arrived, trace, most):
    """The first, and some more for a worker that is at hand."""
    roles, several = Roles(instance), []

    def first():
        until(lambda: not instance.workers(row != "relay"))
        return without(accept(verdict, instance, roles, trace, row + " start", to),
                       "master", "session")
    starts = [undisturbed(first) for _ in range(SOME)]
    verdict.check(not any(count(v, EXECS) for mine in starts for v in mine.values()),
                  f"{row}: an exec")
    entry.enter_calls(row + "-start", middle(starts))

    def one(act):
        start = trace.size()
        act()
        several.append(without(roles.columns(trace.calls(start, trace.quiet(REST))),
                               "master", "session"))
    with Client(instance) as c:
        c.hello()
        messages(c, "warmed", to, arrived, lambda act: (act(), trace.quiet(0.1)))
        messages(c, "traced", to, arrived, one)
        report(verdict, f"{row}, with all at hand", several[-1], most, 0,
               0 if row == "relay" else 1)
        entry.enter_calls(row, middle(several))
        c.quit()
    if row == "maildir":
        check_batch(verdict, undisturbed(lambda: batch(instance, roles, trace, to)))


def batch(instance, roles, trace, to):
    """Starting and ending of workers included."""
    trace.quiet()
    start, before = trace.size(), sum(instance.arrived("alice").values())
    with Client(instance) as c:
        c.hello()
        for i in range(BATCH):
            c.message(f"batch-{i}", [to], size=4096)
        c.quit()
    if not until(lambda: sum(instance.arrived("alice").values()) >= before + BATCH, every=0.1):
        raise RuntimeError("the batch did not arrive")
    return without(roles.columns(trace.calls(start, trace.quiet(1.8))), "master", "session")


def check_batch(verdict, columns):
    n = sum(map(len, columns.values())) / BATCH
    verdict.check(n <= LOCAL, f"maildir: {n:.1f} calls a message of a batch, budget {LOCAL}",
                  table(columns))


def deliver_budget(verdict, instance, entry, row, to, arrived, most):
    instance.start()
    try:
        untraced_deliveries(instance, entry, row, to, arrived)
        trace = daemon_trace(instance, "trace." + row)
        try:
            traced_deliveries(verdict, instance, entry, row, to, arrived, trace, most)
        finally:
            trace.end()
    finally:
        instance.crush()


def relay_budget(verdict, ground, entry):
    sink = Sink(grouped=True)
    instance = Instance(ground, "relay", spool=ground.disk("relay.fs", 64), sink=sink)
    deliver_budget(verdict, instance, entry, "relay", f"x@{FAR}",
                   lambda token: sink.got[token, f"x@{FAR}"], RELAY)
    sink.close()


def local_budget(verdict, ground, entry, box, most):
    disk = ground.disk(f"local.{box}.fs", 64)
    instance = Instance(ground, "local." + box, spool=disk + "/spool", box=box,
                        boxes=disk + "/mail")
    deliver_budget(verdict, instance, entry, box, f"alice@{DOMAIN}",
                   lambda token: instance.arrived("alice")[token], most)


# ---------------------------------------------------------------- the parts

def settle(verdict, entry, name, rows):
    entry.save(name)
    book.hold(verdict, entry, {"calls", "faults"}, rows)


def run_accept(verdict, ground):
    entry = book.Book()
    accept_budget(verdict, ground, entry)
    settle(verdict, entry, "budget", {"connection", "first", "here", "next", "sendmail"})


def run_relay(verdict, ground):
    entry = book.Book()
    relay_budget(verdict, ground, entry)
    settle(verdict, entry, "budget-relay", {"relay-start", "relay"})


def run_maildir(verdict, ground):
    entry = book.Book()
    local_budget(verdict, ground, entry, "maildir", LOCAL)
    settle(verdict, entry, "budget-maildir", {"maildir-start", "maildir"})


def run_mbox(verdict, ground):
    entry = book.Book()
    local_budget(verdict, ground, entry, "mbox", LOCAL + 20)
    settle(verdict, entry, "budget-mbox", {"mbox-start", "mbox"})
