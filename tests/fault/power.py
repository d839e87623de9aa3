# SPDX-License-Identifier: ISC
"""Power cuts.  The daemon works on a file system whose disk remembers every
write and flush (disk.py); afterwards the disks of many moments are built, the
daemon is started on each, and gives account: whatever was answered with 250
before that moment is there, whole, here or there; nothing half-made comes out;
and twice comes only what was delivered in the last moment, whose removal was
not yet on the disk.

One client at a time tells exactly when it got its 250; of many at once, another
one's sync may hide what is missing.  So there are both, and besides them
saver.c, which saves files in the right order and in wrong ones: that the wrong
ones are found out is what makes the others worth anything."""
import collections
import contextlib
import os
import random
import signal
import subprocess
import threading
import time
import zlib

from disk import KINDS, MODELS, Past, Recording, is_mounted_here
from instance import (BUILD, LONG, TOKEN, Client, Instance, Sink, DOMAIN, FAR, content, kill, perhaps, run,
                      until)
from tracing import Trace

CLIENTS = 6
SECONDS = 8 if LONG else 1.5            # of traffic
CUTS = 150 if LONG else 6               # of a storm
SAVER_CUTS = 60 if LONG else 6
# Seconds between a delivery and a cut that repeats it, beside what the disk needs:
# so many times the longest that a message was taken in.  The sync of one queue
# directory commits the removals in all of them, but not on btrfs, which has them
# on the disk at its next commit, by default every 30 seconds.
MOST_AGE = {"ext4": 1.5, "xfs": 1.5, "btrfs": 35}
TIMES_LONGEST = 5
ALICE, FAR_ONE, LATER = f"alice@{DOMAIN}", f"someone@{FAR}", f"later@{FAR}"
SIZES = (300, 300, 3000, 3000, 70000, (1 << 20) + 500)


def crc(body):
    """Of what the sender wrote, whatever stands before it and ends its lines."""
    body = body.replace(b"\r\n", b"\n")
    start = body.find(b"From: <sender@far.example>\n")
    return zlib.crc32(body[start:]) if start >= 0 else None


# ---------------------------------------------------------------- what happens

class NotingSink(Sink):
    """Notes when it took what, by the length of the log."""

    def __init__(self):
        super().__init__()
        self.recording, self.events = None, []

    def note(self, body, to):
        at = self.recording.position() if self.recording else 0
        token = TOKEN.search(body)
        for one in to:
            self.events.append((at, token[1].decode() if token else "?", one, crc(body)))


class Letters:
    """What was sent: recipients, checksum, and when the 250 came, if it did."""

    def __init__(self, instance, recording):
        self.instance, self.recording = instance, recording
        self.to, self.sum, self.taken, self.longest = {}, {}, {}, 0.0

    def send(self, client, token, recipients, size):
        self.to[token], self.sum[token] = recipients, crc(content(token, size))
        begun = time.monotonic()
        code = client.message(token, recipients, size=size, declare=len(token) % 2 == 0)
        if code == 250:
            self.taken[token] = self.recording.position()
        self.longest = max(self.longest, time.monotonic() - begun)
        return code

    def storm(self, seconds):
        """For so long, and until something was taken."""
        begun = time.monotonic()

        def is_over():
            now = time.monotonic()
            return now > begun + 60 or (now > begun + seconds and bool(self.taken))

        def client(who):
            chance, n = random.Random(who), 0
            with contextlib.suppress(OSError):
                while not is_over():
                    with Client(self.instance) as c:
                        c.hello()
                        for _ in range(chance.randint(1, 20)):
                            n += 1
                            self.send(c, f"c{who}-{n}", chance.choice((
                                [ALICE], [ALICE], [FAR_ONE], [FAR_ONE], [ALICE, FAR_ONE],
                                [FAR_ONE, LATER])) if n % 25 else [ALICE, FAR_ONE, LATER],
                                chance.choice(SIZES))
                            if is_over():
                                break

        threads = [threading.Thread(target=client, args=(i,)) for i in range(CLIENTS)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()


# ---------------------------------------------------------------- the account

class Account:
    """What the power cuts of one recording came to."""

    def __init__(self, name):
        self.name, self.most_age = name, MOST_AGE[name.split()[0]]
        self.cuts, self.messages, self.torn, self.repeated, self.oldest = 0, 0, 0, 0, 0.0
        self.lost, self.wrong = [], []

    def say(self, verdict, longest):
        for what, lines in (("lost", self.lost), ("wrong", self.wrong)):
            verdict.check(not lines, f"power {self.name}: {len(lines)} {what}",
                          "\n".join(lines[:40]))
        verdict.check(self.oldest <= self.most_age + TIMES_LONGEST * longest,
                      f"power {self.name}: delivered again after {self.oldest:.2f} s")
        verdict.say(f"power {self.name}: {self.cuts} cuts, {self.messages} messages taken before "
                    f"them, {len(self.lost)} lost, {self.repeated} relayed again"
                    + (f", the oldest after {self.oldest * 1000:.0f} ms" if self.repeated else "")
                    + f", {self.torn} torn and never acknowledged")


def mailbox(instance):
    """(token, checksum) of each file in the mailbox."""
    found = []
    for folder in ("new", "cur"):
        at = os.path.join(instance.boxes, "alice", folder)
        for name in os.listdir(at) if os.path.isdir(at) else ():
            with open(os.path.join(at, name), "rb") as f:
                body = f.read()
            token = TOKEN.search(body)
            found.append((token[1].decode() if token else name, crc(body)))
    return found


def judge(account, instance, letters, sink, past, cut, after):
    """after: what the sink has taken in the second life."""
    when = f"cut at {cut}"
    before = collections.defaultdict(int)
    for at, token, to, _ in sink.events:
        if at <= cut:
            before[(token, to)] = max(before[(token, to)], at)
    arrived = [(t, ALICE, s) for t, s in mailbox(instance)]
    later = [(t, to, s) for _, t, to, s in after]
    count = collections.Counter((t, to) for t, to, _ in arrived + later)
    for token, to, checksum in arrived + later:
        if checksum is None or letters.sum.get(token) != checksum:
            account.wrong.append(f"{when}: {token} to {to} is not whole")
    for (token, to), n in count.items():
        if n > 1:
            account.wrong.append(f"{when}: {token} to {to} {n} times")
        if to != ALICE and (token, to) in before:
            account.repeated += 1
            account.oldest = max(account.oldest, past.time(cut) - past.time(before[(token, to)]))
    for token, at in letters.taken.items():
        if at > cut:
            continue
        account.messages += 1
        for to in letters.to[token]:
            if not count[(token, to)] and (to == ALICE or (token, to) not in before):
                account.lost.append(f"{when}: {token} to {to}, taken "
                                    f"{past.time(cut) - past.time(at):.3f} s before")
    for path in instance.queued("corrupt"):
        with open(path, "rb") as f:
            token = TOKEN.search(f.read())
        # What was under way at the cut may be torn; it was not acknowledged.
        if token is None or letters.taken.get(token[1].decode(), cut + 1) <= cut:
            account.wrong.append(f"{when}: {path}")
        account.torn += 1
    account.cuts += 1


def live_again(account, instance, letters, sink, past, cut, model):
    """The power comes back, and the daemon with it."""
    first = len(sink.events)
    with past.power_up(cut, model):
        instance.start()
        try:
            if not perhaps(instance.is_empty, 5, 0.02):
                run(os.path.join(BUILD, "godwit"), "queue", "flush", "-f", instance.conf)
                if not until(instance.is_empty, every=0.02):
                    account.wrong.append(f"cut at {cut}, {model}: the queue does not end: "
                                         f"{instance.queued()[:3]}\n{instance.log()[-1000:]}")
        finally:
            instance.crush()
        after = sink.events[first:]
        del sink.events[first:]
        judge(account, instance, letters, sink, past, cut, after)


def choose(past, letters, from_, n, seed):
    """Moments, every other the very one of a 250."""
    chance = random.Random(seed)
    last = max(letters.taken.values())
    ends = [end for end in past.ends if from_ <= end <= last]
    said = [at for at in letters.taken.values() if at >= from_]
    return sorted(chance.choice(said if i % 2 else ends) for i in range(n))


def cut_all(verdict, name, instance, letters, sink, recording, from_, n):
    account, past = Account(name), Past(recording)
    sink.recording, sink.later, sink.delay = None, set(), 0
    models = random.Random(n)
    for cut in choose(past, letters, from_, n, len(name)):
        live_again(account, instance, letters, sink, past, cut, models.choice(MODELS))
    past.close()
    account.say(verdict, letters.longest)
    verdict.check(account.messages > 0, f"power {name}: nothing was taken", instance.log()[-2000:])


# ---------------------------------------------------------------- the daemon

def begin(ground, kind, name):
    recording, sink = Recording(ground, KINDS[kind], name), NotingSink()
    instance = Instance(ground, "of." + name, spool=recording.at + "/spool",
                        boxes=recording.at + "/mail", sink=sink)
    instance.start()
    run("sync", "-f", recording.at)
    sink.recording = recording
    return recording, sink, instance


def storm(verdict, ground, kind):
    recording, sink, instance = begin(ground, kind, kind)
    letters, from_ = Letters(instance, recording), recording.position()
    try:
        sink.later, sink.delay = {LATER}, 0.002
        letters.storm(SECONDS)
        instance.crush()
        recording.end()
        cut_all(verdict, kind, instance, letters, sink, recording, from_, CUTS)
    finally:
        instance.crush()
        sink.close()
    recording.forget()


def slow(verdict, ground, kind):
    """One client, nobody else who syncs, and the file system is written back
    by others between the last write of a message and its name: the one sync
    must reach the name all the same."""
    name = kind + " slowly"
    recording, sink, instance = begin(ground, kind, kind + ".slow")
    letters, ended = Letters(instance, recording), threading.Event()
    kill(instance.runner(), signal.SIGSTOP)
    from_ = recording.position()

    def others():
        while not ended.wait(0.05):
            subprocess.run(["sync", "-f", recording.at], check=False)

    trace = Trace(os.path.join(instance.dir, "trace"), [instance.master()], "-e", "trace=linkat",
                  "-e", "inject=linkat:delay_enter=60000")
    thread = threading.Thread(target=others)
    thread.start()
    try:
        with Client(instance) as c:
            c.hello()
            for i in range(60 if LONG else 12):
                letters.send(c, f"slow-{i}", [FAR_ONE], SIZES[i % len(SIZES)])
                time.sleep(0.002)
    finally:
        ended.set()
        thread.join()
        trace.end()
    try:
        instance.crush()
        recording.end()
        cut_all(verdict, name, instance, letters, sink, recording, from_, CUTS // 2)
    finally:
        instance.crush()
        sink.close()
    recording.forget()


# ---------------------------------------------------------------- the orders

def losses(ground, kind, steps, workers=4, files=30, cuts=SAVER_CUTS):
    """Saves files in that order; how many there were before the cuts, and how
    many of them were lost."""
    recording, seed = Recording(ground, KINDS[kind], f"saver.{kind}.{steps}.{files}"), 1
    folder, size = os.path.join(recording.at, "files"), 3000
    os.mkdir(folder)
    run("sync", "-f", folder)
    text = run(os.path.join(BUILD, "fault", "saver"), steps, folder, recording.log,
               str(workers), str(files), str(size))
    saved = [(int(at), name) for name, at in map(str.split, text.splitlines())]
    recording.end()
    past, chance, files, lost = Past(recording, seed), random.Random(seed), 0, 0
    for i, cut in enumerate(sorted(chance.choice(saved)[0] for _ in range(cuts))):
        with past.power_up(cut, MODELS[i % len(MODELS)]):
            for at, name in saved:
                if at > cut:
                    continue
                files += 1
                want = ((name + "\n") * (size // len(name))).encode()[:size]
                try:
                    with open(os.path.join(folder, name), "rb") as f:
                        lost += f.read() != want
                except FileNotFoundError:
                    lost += 1
    past.close()
    recording.forget()
    return files, lost


def orders(verdict, ground, kind):
    """wlF is the daemon's own.  wfl is wrong, and must be found out.  Whether
    fdatasync will do is up to the kernel: on ext4 it does not."""
    for steps, loses in (("wlF", False), ("wslF", False), ("wfl", True), ("wslf", None)):
        files, lost = losses(ground, kind, steps)
        verdict.check(loses in (None, lost > 0), f"power {kind}: {lost} of {files} "
                      f"files are lost in the order {steps}"
                      + (": the test does not see it" if loses else ""))
        verdict.say(f"power {kind}: order {steps}, {SAVER_CUTS} cuts, {files} files, {lost} lost")


def without_journal(verdict, ground):
    """What ext4 can hold without a journal: a file and its name by itself, if
    all is synced, but no large directory, whatever is synced.  That is why it
    is not trusted, and no promise is made for it."""
    for steps, loses in (("wlFd", False), ("wfl", True)):
        files, lost = losses(ground, "nojournal", steps, workers=1)
        verdict.check(loses == (lost > 0), f"power nojournal: {lost} of {files} files are lost "
                      f"in the order {steps}")
        verdict.say(f"power nojournal: order {steps}, small directory, {SAVER_CUTS} cuts, "
                    f"{files} files, {lost} lost")
    if LONG:
        files, lost = losses(ground, "nojournal", "wlFd", workers=16, files=300, cuts=300)
        verdict.check(lost > 0, "power nojournal: a large directory is safe: trust it more")
        verdict.say(f"power nojournal: order wlFd, large directory, 300 cuts, {files} files, "
                    f"{lost} lost")


def run_kind(verdict, ground, kind):
    if not is_mounted_here(KINDS[kind]):
        verdict.say(f"power {kind}: left out, this kernel does not know it")
        verdict.check(os.environ.get("GODWIT_CI", "0") in ("", "0"), f"power {kind}: left out")
        return
    orders(verdict, ground, kind)
    storm(verdict, ground, kind)
    slow(verdict, ground, kind)


def run_ext4(verdict, ground):
    run_kind(verdict, ground, "ext4")


def run_nojournal(verdict, ground):
    without_journal(verdict, ground)


def run_xfs(verdict, ground):
    run_kind(verdict, ground, "xfs")


def run_btrfs(verdict, ground):
    run_kind(verdict, ground, "btrfs")
