# SPDX-License-Identifier: ISC
"""What a message costs in system calls, forks, execs and syncs, and that nothing
is said before it is on the disk.  The numbers are budgets: a change that makes
a message dearer fails here."""
import collections
import os
import time

from instance import Client, Instance, Nobody, Sink, DOMAIN, FAR, processes, send, until
from tracing import EXECS, FORKS, SYNCS, Trace, table, total

ACCEPT, RELAY, LOCAL = 60, 40, 60
BATCH = 50


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
    own = total(calls, SYNCS) - len(runner)
    verdict.say(f"{name}: {len(calls)} system calls, {total(calls, FORKS)} forks, "
                f"{total(calls, EXECS)} execs, {own} syncs" +
                (f" and {len(runner)} of removals" if runner else "") + note)
    verdict.say(table(columns))
    listing = "\n".join(f"{c.pid} {c.name}({c.text}" for c in calls)
    verdict.check(len(calls) <= most, f"{name}: {len(calls)} system calls, budget {most}", listing)
    verdict.check(total(calls, FORKS) <= forks, f"{name}: more than {forks} forks", listing)
    verdict.check(total(calls, EXECS) == 0, f"{name}: an exec", listing)
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


def accept(verdict, instance, roles, trace, name, recipient, size=4096):
    """One message on one connection, after a second of rest."""
    time.sleep(1.1)
    start = trace.quiet()
    with Client(instance) as c:
        c.hello()
        code = c.message(name.replace(" ", "-"), [recipient], size=size)
        c.quit()
    end = trace.quiet()
    verdict.check(code == 250, f"{name}: answered {code}")
    return roles.columns(trace.calls(start, end))


def accept_budget(verdict, ground):
    """Delivery is held back: the destination is known to be asleep."""
    sink = Nobody()
    instance = Instance(ground, "accept", spool=ground.disk("accept.fs", 64), sink=sink,
                        settings={"retry-first": "1m", "retry-most": "1h"})
    instance.start()
    try:
        send(instance, "wake", [f"x@{FAR}"])
        verdict.check(until(lambda: "status=deferred" in instance.log(), 5),
                      "accept: the destination is not asleep", instance.log()[-2000:])
        time.sleep(0.5)
        roles, trace = Roles(instance), daemon_trace(instance, "trace.accept")
        try:
            columns = accept(verdict, instance, roles, trace, "accept", f"x@{FAR}")
            report(verdict, "accept, one message a connection", columns, ACCEPT, 1, 1)
            check_order(verdict, columns, "accept")
            start = trace.quiet()
            with Client(instance) as c:
                c.hello()
                codes = [c.message(f"many-{i}", [f"x@{FAR}"], size=4096) for i in range(BATCH)]
                c.quit()
            columns = roles.columns(trace.calls(start, trace.quiet()))
            verdict.check(codes == [250] * BATCH, "a batch of messages was not accepted", codes)
            n = sum(map(len, columns.values()))
            verdict.say(f"accept, {BATCH} messages on one connection: {n / BATCH:.1f} system "
                        "calls a message")
            verdict.say(table(columns))
            verdict.check(n <= (ACCEPT - 15) * BATCH, f"accept of a batch: {n / BATCH:.1f} calls "
                          f"a message, budget {ACCEPT - 15}")
        finally:
            trace.end()
    finally:
        instance.crush()


def relay_budget(verdict, ground):
    sink = Sink()
    instance = Instance(ground, "relay", spool=ground.disk("relay.fs", 64), sink=sink)
    instance.start()
    try:
        send(instance, "first", [f"x@{FAR}"])
        until(lambda: sink.got and instance.is_empty(), 5)
        time.sleep(2)
        roles, trace = Roles(instance), daemon_trace(instance, "trace.relay")
        try:
            columns = accept(verdict, instance, roles, trace, "relay with connect", f"x@{FAR}")
            verdict.say("relay, connection and worker new (accept included)")
            verdict.say(table(columns))
            # The worker lingers a moment with its connection open.
            start, got = trace.size(), sum(sink.got.values())
            with Client(instance) as c:
                c.hello()
                c.message("relay-warm", [f"x@{FAR}"], size=4096)
                c.message("relay-measured-0", [f"x@{FAR}"], size=4096)
                until(lambda: sum(sink.got.values()) == got + 2, 5, 0.001)
                trace.quiet(0.1)
                start, connections = trace.size(), sink.connections
                c.message("relay-measured", [f"x@{FAR}"], size=4096)
                until(lambda: sum(sink.got.values()) == got + 3, 5, 0.001)
                end = trace.quiet(0.15)
                columns = roles.columns(trace.calls(start, end))
                verdict.check(sink.connections == connections, "relay: a new connection was made")
                c.quit()
            mine = {k: v for k, v in columns.items() if k in ("runner", "worker")}
            report(verdict, "relay on an open connection", mine, RELAY, 0, 0)
            verdict.say(f"    (and the session's: {len(columns.get('session', []))})")
        finally:
            trace.end()
    finally:
        instance.crush()
        sink.close()


def local_budget(verdict, ground, box):
    disk = ground.disk(f"local.{box}.fs", 64)
    instance = Instance(ground, "local." + box, spool=disk + "/spool", box=box,
                        boxes=disk + "/mail")
    instance.start()
    alice = f"alice@{DOMAIN}"
    try:
        send(instance, "first", [alice])
        until(lambda: instance.arrived("alice") and instance.is_empty(), 5)
        time.sleep(2)
        roles, trace = Roles(instance), daemon_trace(instance, "trace.local")
        try:
            columns = accept(verdict, instance, roles, trace, "local first", alice)
            mine = {k: v for k, v in columns.items() if k not in ("master", "session")}
            verdict.say(f"{box}, the first (worker and agent are started and end): "
                        f"{sum(map(len, mine.values()))} system calls, "
                        f"{sum(total(v, FORKS) for v in mine.values())} forks, session "
                        f"{len(columns.get('session', []))}, master {len(columns.get('master', []))}")
            verdict.say(table(columns))
            verdict.check(sum(total(v, EXECS) for v in mine.values()) == 0, f"{box}: an exec")
            with Client(instance) as c:
                c.hello()
                for name in ("warm", "warmer"):
                    c.message("local-" + name, [alice], size=4096)
                    until(lambda: instance.arrived("alice")["local-" + name], 5)
                    trace.quiet(0.1)
                start = trace.size()
                c.message("local-measured", [alice], size=4096)
                until(lambda: instance.arrived("alice")["local-measured"], 5)
                columns = roles.columns(trace.calls(start, trace.quiet(0.15)))
                mine = {k: v for k, v in columns.items() if k not in ("master", "session")}
                report(verdict, f"{box}, worker and agent at hand", mine,
                       LOCAL if box == "maildir" else LOCAL + 20, 0, 1)
                trace.quiet()
                start = trace.size()
                for i in range(BATCH):
                    c.message(f"batch-{i}", [alice], size=4096)
                done = until(lambda: len(instance.arrived("alice")) >= BATCH + 5, 10, 0.1)
                columns = roles.columns(trace.calls(start, trace.quiet(1.8)))
                c.quit()
            mine = {k: v for k, v in columns.items() if k not in ("master", "session")}
            n = sum(map(len, mine.values()))
            verdict.check(done, f"{box}: the batch did not arrive")
            verdict.say(f"{box}, a batch of {BATCH}: {n / BATCH:.1f} system calls a message, "
                        f"starting and ending of workers included")
            verdict.say(table(mine))
            if box == "maildir":
                verdict.check(n <= LOCAL * BATCH, f"{box}: {n / BATCH:.1f} calls a message of a "
                              f"batch, budget {LOCAL}")
        finally:
            trace.end()
    finally:
        instance.crush()


def run_all(verdict, ground):
    accept_budget(verdict, ground)
    relay_budget(verdict, ground)
    local_budget(verdict, ground, "maildir")
    local_budget(verdict, ground, "mbox")
