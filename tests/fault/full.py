# SPDX-License-Identifier: ISC
"""No room: blocks and inodes used up at each step of accepting, a spool that is
full while it is delivered from, mailboxes that are full.  452 or 451, nothing
lost, and the service back as soon as there is room."""
import contextlib
import os
import time

from instance import BUILD, Client, Instance, Sink, DOMAIN, FAR, content, run, send, until

BIG = 3 << 20
ALICE = f"alice@{DOMAIN}"
REFUSED = (451, 452)


class Blocks:
    """Uses up every block of a file system, and gives them back."""

    def __init__(self, at):
        self.path = os.path.join(at, "filler")

    def fill(self):
        size, fd = 1 << 20, os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            while size >= 512:
                try:
                    while os.write(fd, b"\0" * size) == size:
                        pass
                    os.fsync(fd)
                except OSError:
                    pass
                size //= 2
            with contextlib.suppress(OSError):
                os.fsync(fd)
        finally:
            os.close(fd)

    def free(self):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)


class Inodes:
    """The same with inodes; less: how many stay free."""

    def __init__(self, at):
        self.dir, self.n = os.path.join(at, "names"), 0
        os.makedirs(self.dir, exist_ok=True)

    def fill(self):
        while True:
            try:
                os.close(os.open(os.path.join(self.dir, str(self.n)),
                                 os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            except OSError:
                return
            self.n += 1

    def free(self):
        for name in os.listdir(self.dir):
            os.unlink(os.path.join(self.dir, name))


def before_mail(c, hog, token, _):
    hog.fill()
    return c.message(token, [ALICE])


def after_mail(c, hog, token, size):
    body = content(token, size)
    code, _ = c.envelope([ALICE])
    if code != 250:
        return code
    hog.fill()
    code, _ = c.say("DATA")
    if code != 354:
        return code
    c.put(body + b".\r\n")
    return c.reply()[0]


def declared(c, hog, token, _):
    """The size is known at MAIL: the room is asked for before 354."""
    body = content(token, BIG)
    code, _ = c.envelope([ALICE], len(body))
    if code != 250:
        return code
    hog.fill()
    code, _ = c.say("DATA")
    if code != 354:
        return code
    c.put(body + b".\r\n")
    return c.reply()[0]


def during_data(c, hog, token, _):
    body = content(token, BIG)
    c.envelope([ALICE])
    if c.say("DATA")[0] != 354:
        return -1
    c.put(body[:BIG // 2])
    time.sleep(0.2)
    hog.fill()
    c.put(body[BIG // 2:] + b".\r\n")
    return c.reply()[0]


def at_commit(c, hog, token, size):
    """All is here but the dot; a small message has not touched the disk yet."""
    body = content(token, size)
    c.envelope([ALICE])
    if c.say("DATA")[0] != 354:
        return -1
    c.put(body)
    time.sleep(0.1)
    hog.fill()
    c.put(b".\r\n")
    return c.reply()[0]


def accept_full(verdict, ground, what, options, make_hog, steps):
    disk = ground.disk(f"full.{what}.fs", 32, *options)
    instance = Instance(ground, "full." + what, spool=disk + "/spool")
    instance.start()
    hog, said = make_hog(disk), []
    try:
        for step, size, must_refuse in steps:
            token = f"{what}-{step.__name__}-{size}"
            name = f"full {what}, {step.__name__.replace('_', ' ')}, {size} bytes"
            with Client(instance) as c:
                c.hello()
                try:
                    code = step(c, hog, token, size)
                    said.append(f"{step.__name__} {size}: {code}")
                    good = REFUSED if must_refuse else REFUSED + (250,)
                    verdict.check(code in good, f"{name}: answered {code}", instance.log()[-2000:])
                    # The session has lost nothing but this message.
                    verdict.check(c.say("NOOP")[0] == 250, f"{name}: the session is gone")
                finally:
                    hog.free()
                # There is room again: at once, on this very connection.
                again = c.message(token + "-again", [ALICE])
                verdict.check(again == 250, f"{name}: then answered {again}, not 250",
                              instance.log()[-2000:])
            until(lambda: instance.is_empty() and instance.arrived("alice")[token + "-again"])
            box = instance.arrived("alice")
            verdict.check(box[token + "-again"] == 1, f"{name}: the next one arrived "
                          f"{box[token + '-again']} times", instance.log()[-2000:])
            verdict.check(box[token] == (1 if code == 250 else 0),
                          f"{name}: answered {code}, arrived {box[token]} times",
                          instance.log()[-2000:])
        verdict.check(instance.is_empty(), f"full {what}: the spool is not empty",
                      "\n".join(instance.queued()) + instance.log()[-2000:])
        verdict.check(not instance.queued("corrupt"), f"full {what}: something lies in corrupt")
        verdict.say(f"full {what}: " + ", ".join(said))
    finally:
        instance.crush()


def deliver_from_full(verdict, ground):
    """The spool fills up while it holds mail: what is delivered is marked in
    place all the same, so that nothing comes twice and nothing is lost."""
    disk, sink = ground.disk("full.queue.fs", 32, "-b", "1024"), Sink()
    instance = Instance(ground, "full.queue", spool=disk + "/spool", sink=sink)
    instance.start()
    hog, far = Blocks(disk), f"someone@{FAR}"
    try:
        sink.answer = "451 4.3.0 not now"
        with Client(instance) as c:
            c.hello()
            codes = [c.message(f"queued-{i}", [ALICE, far]) for i in range(10)]
        verdict.check(codes == [250] * 10, f"full queue: answered {codes}")
        hog.fill()
        until(lambda: sum(instance.arrived("alice").values()) == 10)
        time.sleep(2.5)                 # one more attempt on the full disk
        verdict.check(len(instance.queued()) == 10, "full queue: entries are gone while the far "
                      "end refuses", instance.log()[-2000:])
        sink.answer = "250 2.1.0 Ok"
        done = until(instance.is_empty)
        verdict.check(done, "full queue: the full spool is not delivered", instance.log()[-3000:])
        box = instance.arrived("alice")
        wrong = [f"{t}: {box[t]} here, {sink.got[(t, far)]} there" for t in
                 (f"queued-{i}" for i in range(10)) if box[t] != 1 or sink.got[(t, far)] != 1]
        verdict.check(not wrong, "full queue: not exactly once", "\n".join(wrong))
    finally:
        hog.free()
        instance.crush()
        sink.close()


def start_full(verdict, ground):
    """A daemon that is started on a full disk delivers what waits there."""
    disk, sink = ground.disk("full.start.fs", 32, "-b", "1024"), Sink()
    instance = Instance(ground, "full.start", spool=disk + "/spool", sink=sink)
    far = f"someone@{FAR}"
    for what, hog in ("blocks", Blocks(disk)), ("inodes", Inodes(disk)):
        try:
            instance.start()
            sink.answer = "451 4.3.0 not now"
            verdict.check(send(instance, "waits-" + what, [far]) == 250, "full start: not taken")
            hog.fill()
            sink.answer = "250 2.1.0 Ok"
            instance.again()
            verdict.check(until(instance.is_empty) and sink.got[("waits-" + what, far)] == 1,
                          f"full start, no {what}: not delivered once", instance.log()[-2000:])
        except RuntimeError as e:
            verdict.check(False, f"full start, no {what}", e)
        finally:
            hog.free()
            instance.crush()
    verdict.check("no room for the self-test" in instance.log(), "full start: nothing was said",
                  instance.log()[-2000:])
    verdict.say("full start: comes up, and delivers what waits")
    sink.close()


def notes_on_full(verdict, ground):
    """What cannot be marked in its entry can be noted, for the room was taken
    before; where it was not, nothing can, so the test would see it."""
    disk = ground.disk("full.notes.fs", 32, "-b", "1024")
    program, said = os.path.join(os.path.abspath(BUILD), "fault/note"), {}
    for kind in "reserved", "bare":
        spool, hog = os.path.join(disk, kind), Blocks(disk)
        run(program, spool, "reserve" if kind == "reserved" else "0")
        hog.fill()
        try:
            said[kind] = int(run(program, spool, "1024"))
        finally:
            hog.free()
        again = int(run(program, spool, "1"))
        verdict.check(again == 1, f"full notes, {kind}: no note where there is room")
    verdict.check(said["reserved"] == 1024, f"full notes: {said['reserved']} of 1024 in the room")
    verdict.check(said["bare"] < 16, f"full notes: {said['bare']} without room: it was not full")
    verdict.say(f"full notes: {said['reserved']} in the room that was taken, {said['bare']} without")


def mailbox_full(verdict, ground, box):
    """A mailbox that is full is a reason to wait."""
    disk = ground.disk(f"full.{box}.boxes", 16, "-b", "1024")
    instance = Instance(ground, "full." + box, box=box, boxes=disk + "/mail",
                        spool=ground.disk(f"full.{box}.fs", 32) + "/spool")
    instance.start()
    hogs = [("blocks", Blocks(disk))]
    if box == "maildir":
        hogs.append(("inodes", Inodes(disk)))
    try:
        with Client(instance) as c:
            c.hello()
            c.message("first", [ALICE])
            verdict.check(until(lambda: instance.arrived("alice")["first"] == 1),
                          f"{box}: the first does not arrive", instance.log()[-2000:])
            for what, hog in hogs:
                name = f"{box} on a disk without {what}"
                size = 500 if what == "inodes" else 200000
                hog.fill()
                before = instance.arrived("alice")
                length = os.path.getsize(os.path.join(instance.boxes, "alice"))
                code = c.message("full-" + what, [ALICE], size=size)
                verdict.check(code == 250, f"{name}: answered {code}")
                seen = until(lambda: "status=deferred" in instance.log().rsplit(
                    "full-" + what, 1)[-1])
                verdict.check(seen, f"{name}: not deferred", instance.log()[-2000:])
                verdict.check(instance.arrived("alice") == before and (box == "maildir" or
                              os.path.getsize(os.path.join(instance.boxes, "alice")) == length),
                              f"{name}: a part of it was left in the mailbox")
                verdict.check("status=bounced" not in instance.log(), f"{name}: bounced")
                hog.free()
                came = until(lambda: instance.arrived("alice")["full-" + what] == 1)
                verdict.check(came, f"{name}: not delivered when there is room",
                              instance.log()[-2000:])
        until(instance.is_empty)
        verdict.check(instance.is_empty() and max(instance.arrived("alice").values()) == 1,
                      f"{box}: not exactly once", instance.log()[-2000:])
        verdict.say(f"full {box}: deferred, then delivered")
    finally:
        instance.crush()


def run_all(verdict, ground):
    accept_full(verdict, ground, "blocks", ("-b", "1024"), Blocks, (
        (before_mail, 500, True), (after_mail, 500, True), (after_mail, BIG, True),
        (declared, BIG, True), (during_data, BIG, True), (at_commit, 500, True),
        (at_commit, 200000, True), (at_commit, BIG, True)))
    accept_full(verdict, ground, "inodes", ("-N", "512"), Inodes, (
        (before_mail, 500, True), (after_mail, 500, True), (after_mail, BIG, True),
        # It has its inode by then.
        (during_data, BIG, False), (at_commit, 500, False)))
    deliver_from_full(verdict, ground)
    start_full(verdict, ground)
    notes_on_full(verdict, ground)
    mailbox_full(verdict, ground, "maildir")
    mailbox_full(verdict, ground, "mbox")
