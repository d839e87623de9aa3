# SPDX-License-Identifier: ISC
"""Instructions, counted by callgrind in the daemon without its cages
(tests/ledger/uncaged.c).  They are those of user mode, and the same in every
run but for a few: one message follows the other, so that no two things happen
at once, and of some times the cheapest counts: what comes on top is of the
machine's making, as when the log has a longer delay to tell."""
import collections
import os
import re
import signal
import ssl
import subprocess
import time

import book
from instance import BUILD, Client, DOMAIN, FAR, Instance, Nobody, Sink, processes, until
from theft import make_key

BATCH, BATCHES, SOME = 7, 7, 4


class Uncaged(Instance):
    """The daemon under callgrind, and what each of its processes has counted."""

    def start(self):
        self.dumps, self.counts = {}, os.path.join(self.dir, "counts")
        os.mkdir(self.counts)
        os.chmod(self.counts, 0o1777)   # an agent is somebody else
        self.said = open(os.path.join(self.dir, "output"), "w+")
        self.warden = subprocess.Popen(
            ["valgrind", "-q", "--tool=callgrind", "--vgdb=no",
             f"--callgrind-out-file={self.counts}/%p", os.path.join(BUILD, "ledger/uncaged"),
             self.conf], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.said,
            start_new_session=True, text=True)
        self.pids = {}
        for _ in range(2):
            words = self.warden.stdout.readline().split()
            if len(words) != 2:
                self.warden.wait(10)
                self.said.seek(0)
                raise RuntimeError("the daemon does not start under valgrind: " +
                                   self.said.read()[-2000:])
            self.pids[words[0]] = int(words[1])
        if not until(self.answers):
            raise RuntimeError("the daemon does not answer under valgrind: " + self.log()[-2000:])
        self.rest()

    def crush(self):
        os.killpg(self.warden.pid, signal.SIGKILL)
        self.warden.wait()
        self.warden.stdout.close()
        self.said.close()

    def children(self, parent):
        return [p.pid for p in processes() if p.ppid == parent]

    def rest(self):
        """Until the master is alone and has taken note of it."""
        until(lambda: not self.children(self.pids["master"]))
        time.sleep(0.05)

    def count(self, roles):
        """What each of these has counted since it was asked last, or was born."""
        for pid in roles.values():
            self.dumps[pid] = self.dumps.get(pid, 0) + 1
            os.kill(pid, signal.SIGUSR2)
        return {role: self.read(pid, f".{self.dumps[pid]}") for role, pid in roles.items()}

    def path(self, pid, which=""):
        return f"{self.counts}/{pid}{which}"

    def read(self, pid, which=""):
        """The total of a file that is there, or will be in a moment."""
        def whole():
            try:
                with open(self.path(pid, which)) as f:
                    return re.search(r"^totals: (\d+)$", f.read(), re.M)
            except FileNotFoundError:
                return None
        if not until(whole):
            raise RuntimeError(f"callgrind left no count of process {pid}: it is gone?")
        return int(whole()[1])


# ---------------------------------------------------------------- accepting

def one_by_one(instance, entry, row, act):
    """SOME connections, each a second after the one before, so that what the
    master does once a second it does for each."""
    shared = dict(instance.pids)
    if row == "connection":
        del shared["runner"]
    elif row == "here":             # it is on its way already
        shared.clear()
    counts = collections.defaultdict(list)
    for i in range(SOME):
        time.sleep(1.05)
        instance.count(shared)
        with Client(instance) as c:
            c.hello()
            session = instance.children(instance.pids["master"])[0]
            act(c, i)
            c.quit()
        instance.rest()
        counts["session"].append(instance.read(session))
        for role, n in instance.count(shared).items():
            counts[role].append(n)
    for role, all_of_them in counts.items():
        entry.enter(row, role, instructions=min(all_of_them))


def need(ok, what, instance):
    if not ok:
        raise RuntimeError(f"{what}: {instance.log()[-1000:]}")


def accept(instance, entry):
    def message(c, token):
        need(c.message(token, [f"x@{FAR}"], size=4096) == 250, "not accepted", instance)
    one_by_one(instance, entry, "connection", lambda c, i: None)
    one_by_one(instance, entry, "first", lambda c, i: message(c, f"first-{i}"))
    with Client(instance) as c:
        c.hello()
        message(c, "next-00")
        time.sleep(0.1)
        roles = {"session": instance.children(instance.pids["master"])[0],
                 "runner": instance.pids["runner"]}
        counts = collections.defaultdict(list)
        for i in range(BATCHES):
            instance.count(roles)
            for j in range(BATCH):
                message(c, f"next-{i}{j}")
            time.sleep(0.1)
            for role, n in instance.count(roles).items():
                counts[role].append(n / BATCH)
        for role, all_of_them in counts.items():
            entry.enter("next", role, instructions=min(all_of_them))
        entry.hot = hottest(instance.path(roles["session"],
                                          f".{instance.dumps[roles['session']]}"))
        c.quit()
    instance.rest()
    one_by_one(instance, entry, "here", lambda c, i: need(
        c.message(f"here-{i}", [f"alice@{DOMAIN}"], size=4096) == 250, "not accepted", instance))


def hottest(path, most=12):
    """(instructions a message, file:function) of what one batch has cost."""
    done = subprocess.run(["callgrind_annotate", "--threshold=100", "--auto=no", path],
                          capture_output=True, text=True, check=True)
    found = re.findall(r"^ *([\d,]+) +\([ \d.]+%\) +(\S+:\S+)", done.stdout, re.M)
    return [[int(n.replace(",", "")) / BATCH, os.path.basename(name)] for n, name in found][:most]


def sendmail(instance, entry):
    out = os.path.join(instance.dir, "cg.sendmail")
    done = subprocess.run(["valgrind", "-q", "--tool=callgrind", "--vgdb=no",
                           "--callgrind-out-file=" + out, os.path.join(BUILD, "sendmail"),
                           "-C", instance.conf, f"x@{FAR}"], input=b"Subject: x\n\nhello\n",
                          capture_output=True, check=False)
    need(done.returncode == 0, f"sendmail: {done.stderr.decode()}", instance)
    with open(out) as f:
        entry.enter("sendmail", "sendmail",
                    instructions=int(re.search(r"^totals: (\d+)$", f.read(), re.M)[1]))


def accept_all(ground, entry):
    """Delivery is held back: the destination is known to be asleep."""
    instance = Uncaged(ground, "accept", spool=ground.disk("accept.fs", 64), sink=Nobody(),
                       settings={"retry-first": "1h", "retry-most": "1h"})
    instance.start()
    try:
        with Client(instance) as c:
            c.hello()
            c.message("wake", [f"x@{FAR}"])
            need(until(lambda: "status=deferred" in instance.log()), "not asleep", instance)
            c.quit()
        time.sleep(2)                   # the worker that found it so has gone
        accept(instance, entry)
        sendmail(instance, entry)
    finally:
        instance.crush()


# ---------------------------------------------------------------- in TLS

class Secure(Client):
    """Who says STARTTLS, and may bring the session of one before."""

    def secure(self, context, session=None):
        self.hello()
        self.say("STARTTLS")
        self.sock = context.wrap_socket(self.sock, session=session)
        self.file = self.sock.makefile("rb")
        self.hello()


def secured(ground, entry):
    """What a message costs after a handshake.  The keys are in the process here:
    what the keeper has to do for them is in the figure."""
    key, crt, _ = make_key(ground, "ledger")
    instance = Uncaged(ground, "tls", spool=ground.disk("tls.fs", 64), sink=Nobody(),
                       settings={"retry-first": "1h", "retry-most": "1h",
                                 "tls": f"certificate {crt} key {key}"})
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    counts, ticket = collections.defaultdict(list), None
    instance.start()
    try:
        for i in range(2 * SOME):
            row = "tls-resumed" if i % 2 else "tls"
            with Secure(instance) as c:
                c.secure(context, ticket if i % 2 else None)
                need(c.sock.session_reused == bool(i % 2), f"{row}: resumed or not", instance)
                session = instance.children(instance.pids["master"])[0]
                need(c.message(f"{row}-{i}", [f"x@{FAR}"], size=4096) == 250, "not accepted",
                     instance)
                ticket = c.sock.session
                c.quit()
            instance.rest()
            counts[row].append(instance.read(session))
        for row, all_of_them in counts.items():
            entry.enter(row, "session", instructions=min(all_of_them))
    finally:
        instance.crush()


# ---------------------------------------------------------------- delivering

def deliver(instance, entry, row, to, arrived):
    """SOME messages by one worker, and one agent if there is one."""
    with Client(instance) as c:
        c.hello()

        def one(token):
            c.message(token, [to], size=4096)
            need(until(lambda: arrived(token)), f"{row}: no delivery", instance)
            time.sleep(0.1)             # until the removal is synced
        for i in range(2):
            one(f"warm-{i}")
        roles = {"runner": instance.pids["runner"]}
        for role, parent in (("worker", roles["runner"]), ("agent", instance.warden.pid)):
            born = [p for p in instance.children(parent) if p not in instance.pids.values()]
            if born:
                roles[role] = max(born)
        counts = collections.defaultdict(list)
        for i in range(SOME):
            instance.count(roles)
            one(f"cost-{i}")
            for role, n in instance.count(roles).items():
                counts[role].append(n)
        for role, all_of_them in counts.items():
            entry.enter(row, role, instructions=min(all_of_them))
        c.quit()


def relay(ground, entry):
    sink = Sink(grouped=True)
    instance = Uncaged(ground, "relay", spool=ground.disk("relay.fs", 64), sink=sink)
    instance.start()
    try:
        deliver(instance, entry, "relay", f"x@{FAR}",
                lambda token: sink.got[token, f"x@{FAR}"])
    finally:
        instance.crush()
        sink.close()


def local(ground, entry, box):
    disk = ground.disk(f"local.{box}.fs", 64)
    instance = Uncaged(ground, "local." + box, spool=disk + "/spool", box=box,
                       boxes=disk + "/mail")
    # One worker: of two, the one that is looked at may have had nothing to do.
    with open(instance.conf, "a") as f:
        f.write("workers-per-destination 1\n")
    instance.start()
    try:
        deliver(instance, entry, box, f"alice@{DOMAIN}",
                lambda token: instance.arrived("alice")[token])
    finally:
        instance.crush()


def run_all(verdict, ground):
    entry = book.Book()
    accept_all(ground, entry)
    secured(ground, entry)
    relay(ground, entry)
    local(ground, entry, "maildir")
    local(ground, entry, "mbox")
    entry.save("instructions")
    book.hold(verdict, entry, {"instructions"}, set(book.ROWS))
