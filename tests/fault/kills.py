# SPDX-License-Identifier: ISC
"""kill -9 of each process in turn, in the middle of traffic: what was answered
with 250 arrives, nothing comes twice but what died in the gap between the work
and its record (RFC 1047), and the service comes back by itself."""
import collections
import contextlib
import os
import random
import signal
import threading
import time

from instance import (LONG, Client, Instance, Sink, DOMAIN, FAR, content, kill, perhaps, send,
                      until)
from tracing import Trace

ROUNDS = 20 if LONG else 5      # of each of the two mailbox formats
CLIENTS = 4
TARGETS = ("session", "remote worker", "local worker", "agent", "runner", "master", "warden")


class Traffic:
    """Several clients that send numbered messages until they are told to stop."""

    def __init__(self, instance, pause):
        self.instance, self.pause = instance, pause
        self.ended = threading.Event()
        self.answers = {}               # token: (code, recipients)
        self.threads = [threading.Thread(target=self._send, args=(i,), daemon=True)
                        for i in range(CLIENTS)]
        for t in self.threads:
            t.start()

    def _recipients(self, chance):
        alice, bob, far = f"alice@{DOMAIN}", f"bob@{DOMAIN}", f"someone@{FAR}"
        return chance.choice(([alice], [far], [alice], [far], [alice, bob, far]))

    def _send(self, who):
        chance, n = random.Random(who), 0
        while not self.ended.is_set():
            try:
                with Client(self.instance) as c:
                    if c.greeting[0] != 220 or c.hello()[0] != 250:
                        continue
                    for _ in range(chance.randint(1, 4)):
                        n += 1
                        to, token = self._recipients(chance), f"c{who}-{n}"
                        # Until there is an answer it is not known.
                        self.answers[token] = (0, to)
                        code = c.message(token, to, size=chance.choice((300, 3000, 300000)))
                        self.answers[token] = (code, to)
                        if code == 0 or self.ended.is_set():
                            break
                        time.sleep(self.pause)
            except OSError:
                time.sleep(0.05)

    def end(self):
        self.ended.set()
        for t in self.threads:
            t.join(180)


def kill_one(instance, target):
    """Kills one of that kind as soon as one shows itself; true when the service
    is whole again."""
    look = {
        "warden": lambda: [instance.warden.pid],
        "master": lambda: [instance.master()],
        "runner": lambda: [instance.runner()],
        "session": instance.sessions,
        "remote worker": lambda: instance.workers(False),
        "local worker": lambda: instance.workers(True),
        "agent": instance.agents,
    }[target]

    def shoot():
        found = [pid for pid in look() if pid]
        return found and kill(random.choice(found))

    if not until(shoot, every=0.002):
        return False
    if target == "warden":
        # As init would; the others are its own affair.
        instance.warden.wait()
        instance.start()
    # Who has died some times rests for up to a minute.
    return until(lambda: instance.master() and instance.runner(), 120)


def judge(verdict, name, instance, sink, answers):
    """Counts what came of every message; returns what came twice, by kind."""
    lost, wrong, twice = [], [], collections.Counter()
    boxes = {user: instance.arrived(user) for user in ("alice", "bob")}
    for token, (code, recipients) in answers.items():
        for to in recipients:
            local, domain = to.split("@")
            n = boxes[local][token] if domain == DOMAIN else sink.got[(token, to)]
            if code == 250 and n == 0:
                lost.append(f"{token} to {to}")
            if n > 1:
                kind = instance.box if domain == DOMAIN else "remote"
                twice[kind] += n - 1
                wrong.append(f"{token} to {to}: {n} times, answered {code}")
    verdict.check(not lost, f"{name}: {len(lost)} messages were lost", "\n".join(lost))
    verdict.check(twice["maildir"] == 0, f"{name}: twice in a Maildir", "\n".join(wrong))
    return twice, wrong


def storm(verdict, ground, box):
    sink = Sink()
    disk = ground.disk(f"kill.{box}.fs", 4096 if LONG else 512)
    instance = Instance(ground, "kill." + box, spool=disk + "/spool", boxes=disk + "/mail",
                        box=box, sink=sink)
    instance.start()
    traffic = Traffic(instance, 0.01)
    kills = collections.Counter()
    try:
        for _ in range(ROUNDS):
            for target in TARGETS:
                time.sleep(random.uniform(0.05, 0.3))
                ok = kill_one(instance, target)
                kills[target] += ok
                verdict.check(ok, f"kill {box}: no {target} to kill, or it does not come back",
                              instance.log()[-3000:])
        with contextlib.suppress(Exception):
            traffic.end()
        sent = traffic.answers
        # Nobody starts it again or tells it anything: it must end by itself.
        empty = until(instance.is_empty, 180, 0.1)
        verdict.check(empty, f"kill {box}: the spool does not become empty",
                      "\n".join(instance.queued()) + "\n" + instance.log()[-4000:])
        verdict.check(not instance.queued("corrupt"), f"kill {box}: something lies in corrupt",
                      "\n".join(instance.queued("corrupt")))
        verdict.check(send(instance, "after", [f"alice@{DOMAIN}"]) == 250 and
                      until(lambda: instance.arrived("alice")["after"] == 1),
                      f"kill {box}: the service is not back", instance.log()[-3000:])
        twice, wrong = judge(verdict, f"kill {box}", instance, sink, sent)
        deaths = sum(kills.values())
        codes = collections.Counter(code for code, _ in sent.values())
        verdict.say(f"kill {box}: {deaths} kills ({', '.join(f'{t} {kills[t]}' for t in TARGETS)})")
        verdict.say(f"    {len(sent)} messages: {codes[250]} answered 250, {codes[0]} without "
                    f"an answer, {len(sent) - codes[250] - codes[0]} refused; none lost unless "
                    "said above")
        verdict.say(f"    twice: {dict(twice) or 'none'}")
        for line in wrong:
            verdict.say("      " + line)
        # Only a death between the far end's 250 and the mark lets it come again.
        verdict.check(sum(twice.values()) <= deaths, f"kill {box}: more came twice than died",
                      "\n".join(wrong))
    finally:
        traffic.ended.set()
        instance.crush()
        sink.close()


def words_lost(verdict, ground):
    """Nobody hears that there is mail: the runner stands still while much comes
    in, and a session outlives the warden whose runner it knows."""
    disk = ground.disk("words.fs", 64)
    instance = Instance(ground, "words", spool=disk + "/spool", boxes=disk + "/mail")
    instance.start()
    alice, n = f"alice@{DOMAIN}", 600 if LONG else 60
    try:
        kill(instance.runner(), signal.SIGSTOP)
        codes = collections.Counter()
        for start in range(0, n, 50):
            with Client(instance) as c:
                c.hello()
                codes.update(c.message(f"still-{i}", [alice])
                             for i in range(start, min(start + 50, n)))
        verdict.check(codes == {250: n}, f"runner stopped: answered {dict(codes)}")
        kill(instance.runner(), signal.SIGCONT)
        came = until(lambda: len(instance.arrived("alice")) == n, 120, 0.1)
        verdict.check(came, f"runner stopped: {len(instance.arrived('alice'))} of {n} arrive")

        with Client(instance) as c:
            c.hello()
            c.envelope([alice])
            verdict.check(c.say("DATA")[0] == 354, "orphan: no 354")
            kill_one(instance, "warden")
            time.sleep(1)               # the new runner has looked at everything
            c.put(content("orphan") + b".\r\n")
            code = c.reply()[0]
        came = (until if code == 250 else perhaps)(
            lambda: instance.arrived("alice")["orphan"] == 1, 15, 0.1)
        verdict.check(came == (code == 250), f"orphan of a dead warden: answered {code}, "
                      f"arrived: {came}", instance.log()[-3000:])
        verdict.check(until(instance.is_empty), "words lost: the spool is not empty")
        verdict.say(f"words lost: {n} while the runner stood still, 1 of an orphan "
                    f"(answered {code})")
    finally:
        instance.crush()


def forgotten_lock(verdict, ground):
    """An agent dies while it has the lock of a mailbox: the next one need not
    wait until the lock is stale for everybody."""
    instance = Instance(ground, "lock", spool=ground.disk("lock.fs", 64) + "/spool", box="mbox")
    instance.start()
    try:
        trace = Trace(os.path.join(instance.dir, "trace"), [instance.warden.pid], "-e",
                      "trace=fsync,fdatasync", "-e",
                      "inject=fsync,fdatasync:signal=KILL:when=1")
        try:
            code = send(instance, "locked", [f"bob@{DOMAIN}"])
            died = until(lambda: "killed by SIGKILL" in open(trace.path).read())
        finally:
            trace.end()
        left = os.path.exists(os.path.join(instance.boxes, "bob.lock"))
        verdict.check(code == 250 and died and left, f"lock: answered {code}, died: {died}, "
                      f"lock left: {left}", instance.log()[-2000:])
        verdict.check(until(instance.is_empty), "lock: it is waited for", instance.log()[-2000:])
        n = instance.arrived("bob")["locked"]
        verdict.check(1 <= n <= 2, f"lock: arrived {n} times")
        verdict.check(not [x for x in os.listdir(instance.boxes) if x.endswith(".lock")],
                      "lock: a lock is left")
    finally:
        instance.crush()


class Index:
    """The files that say when what waits is due, and what can become of them."""

    def __init__(self, instance):
        self.dir = os.path.join(instance.spool, "index")

    def files(self):
        return {name: open(os.path.join(self.dir, name), "rb").read()
                for name in os.listdir(self.dir)}

    def put(self, files):
        for name in os.listdir(self.dir):
            os.unlink(os.path.join(self.dir, name))
        for name, content in files.items():
            path = os.path.join(self.dir, name)
            with open(path, "wb") as out:
                out.write(content)
            os.chown(path, os.stat(self.dir).st_uid, -1)

    def tear(self):
        """Cut short, a bit wrong, or gone."""
        files = self.files()
        for name, content in list(files.items()):
            what = random.randrange(4)
            at = random.randrange(len(content))
            if what == 0:
                files[name] = content[:at]
            elif what == 1:
                files[name] = content[:at] + bytes([content[at] ^ 4]) + content[at + 1:]
            elif what == 2:
                del files[name]
        self.put(files)


def index_stages(verdict, ground):
    """The runner dies, or is ended and dies while it writes its index; and the
    index that the next one finds is whole, torn, away, or of another day."""
    sink = Sink()
    sink.answer = "450 4.2.0 come again"
    disk = ground.disk("index.fs", 64)
    instance = Instance(ground, "index", spool=disk + "/spool", boxes=disk + "/mail", sink=sink,
                        settings={"retry-first": "2s", "retry-most": "4s"})
    instance.start()
    index, deaths, codes = Index(instance), 0, {}
    old = {}
    try:
        def feed(n):
            with Client(instance) as c:
                c.hello()
                for _ in range(n):
                    token = f"index-{len(codes)}"
                    codes[token] = c.message(token, [f"someone@{FAR}"])

        def ended():
            kill(instance.runner(), signal.SIGTERM)
            time.sleep(random.uniform(0, 0.01))

        for i in range(40 if LONG else 8):
            feed(40)
            until(lambda: instance.log().count("status=deferred") > 40 * i)
            if i % 2:
                # Some get through, so that names in the index have gone.
                sink.answer = "250 2.1.0 Ok"
                time.sleep(random.uniform(0.5, 2))
                sink.answer = "450 4.2.0 come again"
            if i % 4 != 3:
                runner = instance.runner()
                if i % 4 == 1:
                    ended()
                deaths += kill(runner)
                ok = until(lambda: instance.runner() not in (None, runner))
                verdict.check(ok, "index: the runner does not come back")
            instance.stop()
            if i % 4 == 0:
                index.tear()
            elif i % 4 == 1:
                files, old = index.files(), old or index.files()
                index.put(old if random.randrange(2) else files | old)
            verdict.check(i < 4 or index.files(), "index: none is written")
            instance.start()
        sink.answer = "250 2.1.0 Ok"
        empty = until(instance.is_empty, every=0.1)
        verdict.check(empty, "index: the spool does not become empty",
                      "\n".join(instance.queued()) + "\n" + instance.log()[-4000:])
        lost = [t for t, code in codes.items() if code == 250 and
                sink.got[(t, f"someone@{FAR}")] == 0]
        twice = sum(n - 1 for n in sink.got.values())
        verdict.check(not lost, f"index: {len(lost)} messages were lost", "\n".join(lost))
        # Not more than all that the workers of each dead runner had in hand.
        verdict.check(twice <= deaths * 20, f"index: {twice} came twice, {deaths} deaths")
        verdict.check(not instance.queued("corrupt"), "index: something lies in corrupt")
        verdict.say(f"index: {len(codes)} messages, {deaths} runners killed, {len(lost)} lost, "
                    f"{twice} twice")
    finally:
        instance.crush()
        sink.close()


def run_maildir(verdict, ground):
    random.seed(1)
    storm(verdict, ground, "maildir")
    words_lost(verdict, ground)


def run_index(verdict, ground):
    random.seed(3)
    index_stages(verdict, ground)


def run_mbox(verdict, ground):
    random.seed(2)
    forgotten_lock(verdict, ground)
    storm(verdict, ground, "mbox")
