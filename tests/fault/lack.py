# SPDX-License-Identifier: ISC
"""The process that accepts, and the one above it, when the kernel has nothing
left: no memory, no process, no descriptor.  Neither ends; who comes meanwhile
is told 421 or waits, and two seconds after it is over all is as before (T-34).
A machine may be busy: then a message takes long when nothing is lacking, too, and
what was late is late each of three times."""
import contextlib
import os
import signal
import time

from instance import BUILD, Client, Instance, DOMAIN, kill, processes, run, send, until
from tracing import Trace

LASTS, BACK = 1, 2              # seconds: of the lack, until all is well,
SOON = 30                       # in any case,
TIMES = 3                       # or else late so often
PATIENT = 60                    # of who has to be greeted, however busy the machine
MEMORY = ("mmap", "brk", "mremap")
# What fails, with what; what those who come may be answered (0: no word in half
# a second, 220: they did not need it).
LACKS = (
    (("accept4",), "ENOMEM", {0, 421}), (("accept4",), "ENOBUFS", {0, 421}),
    (("accept4",), "EMFILE", {0, 421}), (("accept4",), "ENFILE", {0, 421}),
    (("clone",), "ENOMEM", {0, 421}), (("clone",), "EAGAIN", {0, 421}),
    (("openat",), "ENOMEM", {220}), (("openat",), "EMFILE", {220}),
    (("accept4", "openat"), "EMFILE", {0, 421}),
    (("newfstatat", "stat"), "ENOMEM", {220}),
    (("ppoll",), "ENOMEM", {0, 220}), (("ppoll", "poll"), "ENOMEM", {0, 220}),
    (("clone", "sendto", "write"), "ENOBUFS", {0}), (MEMORY, "ENOMEM", {220}),
    (MEMORY + ("clone",), "ENOMEM", {0, 421}), (MEMORY + ("accept4",), "ENOMEM", {0, 421}),
    (MEMORY + ("clone", "openat", "accept4", "newfstatat"), "ENOMEM", {0, 421}),
)


def refuse(calls, error):
    """strace's options that make them fail.  brk tells that by what it returns."""
    found = ["-e", "trace=" + ",".join(calls)]
    rest = [c for c in calls if c != "brk"]
    return found + ["-e", f"inject={','.join(rest)}:error={error}"] + \
        (["-e", "inject=brk:retval=0"] if "brk" in calls else [])


def greeting(instance, timeout):
    try:
        with Client(instance, timeout=timeout) as c:
            return c.greeting[0]
    except OSError:
        return 0


def arrives(instance, token, name, since=None):
    """Seconds until a message to that name is accepted, at the first go or later."""
    since, code = since or time.monotonic(), 0
    while code != 250 and time.monotonic() < since + PATIENT:
        with contextlib.suppress(OSError), Client(instance, timeout=PATIENT) as c:
            code = c.greeting[0] == 220 and c.hello()[0] == 250 and \
                c.message(token, [f"{name}@{DOMAIN}"])
    return time.monotonic() - since if code == 250 else float("inf")


def compile_aliases(instance, name):
    """As another program would, at one stroke: such a file is verified before it
    is used, and that takes more memory than the master has at hand."""
    path = os.path.join(instance.dir, "aliases")
    with open(path, "a"):
        pass
    run(os.path.join(BUILD, "fault", "foreign"), path + ".new", name, "alice")
    os.rename(path + ".new", path + ".db")


def lack(verdict, instance, number, calls, error, allowed):
    """Seconds from its end until a message is taken."""
    name = f"lack: {'+'.join(calls)} says {error}"
    if "mmap" in calls:                 # a process that has none in reserve
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(instance.dir, "aliases.db"))
        instance.again()
    master, mark, said = instance.master(), len(instance.log()), set()
    compile_aliases(instance, f"someone{number}")
    time.sleep(1)                       # it looks at them once a second
    trace = Trace(os.path.join(instance.dir, "trace.lack"), [master],
                  *refuse(calls, error), follow=False)
    try:
        begun, text = time.monotonic(), ""
        while time.monotonic() < begun + LASTS or (
                "(INJECTED)" not in text and time.monotonic() < begun + PATIENT):
            said.add(greeting(instance, 0.5 if 0 in allowed else PATIENT))
            time.sleep(0.02)
            with open(trace.path, errors="replace") as f:
                text = f.read()
    finally:
        trace.end()
    over, story = time.monotonic(), text[-1000:] + instance.log()[mark:][-3000:]
    verdict.say(f"    {name}: {sorted(said)}, " + ", ".join(
        f"{c} {sum(1 for l in text.splitlines() if c + '(' in l and 'INJ' in l)}" for c in calls))
    verdict.check("(INJECTED)" in text, f"{name}: nothing failed", story)
    verdict.check(said <= allowed, f"{name}: answered {sorted(said)}", story)
    took = arrives(instance, f"lack-{number}", f"someone{number}", over)
    verdict.check(took <= SOON, f"{name}: a message is taken {took:.1f} s later", story)
    verdict.check(instance.master() == master, f"{name}: the master has ended", story)
    return took


def mended(verdict, instance, number, calls, error, allowed):
    """Not late, or it is again and again."""
    late = []
    while len(late) < TIMES:
        name = f"{number}x{len(late)}"
        took = lack(verdict, instance, name, calls, error, allowed)
        usual = arrives(instance, f"usual-{name}", f"someone{name}")
        if took <= BACK + 10 * usual:
            return
        late.append(f"{took:.1f} s, {usual:.2f} when all is well")
        verdict.say("    late: " + late[-1])
    verdict.check(False, f"lack: {'+'.join(calls)} says {error}: late each time: "
                  + "; ".join(late), instance.log()[-3000:])


def sessions_lack(verdict, instance):
    """No memory in the sessions: 421, not a connection that just ends.  They are
    forked by a master that has just begun, and has none lying about."""
    instance.again()
    trace = Trace(os.path.join(instance.dir, "trace.lack"), [instance.master()],
                  *refuse(MEMORY, "ENOMEM"))
    code = 0
    try:
        with Client(instance) as c:
            c.hello()
            c.say("MAIL FROM:<>")
            for i in range(50000):
                code, text = c.say(f"RCPT TO:<u{i}@{'a.' * 100}example>")
                if code != 250:
                    break
    finally:
        trace.end()
    verdict.say(f"    lack: a session without memory says {text.strip()}, after {i} recipients")
    verdict.check(code == 421, f"lack: a session without memory says {code}",
                  instance.log()[-2000:])


def reload_lack(verdict, instance):
    """A configuration that there is no memory to read changes nothing."""
    warden, master, mark = instance.warden, instance.master(), len(instance.log())
    trace = Trace(os.path.join(instance.dir, "trace.lack"), [warden.pid],
                  *refuse(MEMORY, "ENOMEM"), follow=False)
    try:
        kill(warden.pid, signal.SIGHUP)
        said = until(lambda: "the configuration stays" in instance.log()[mark:])
    finally:
        trace.end()
    story = instance.log()[mark:]
    verdict.check(said and "out of memory" in story, "lack: a reload without memory", story)
    verdict.check(warden.poll() is None and instance.master() == master and
                  greeting(instance, PATIENT) == 220, "lack: a reload ended something", story)
    kill(warden.pid, signal.SIGHUP)
    verdict.check(until(lambda: "reload: done" in instance.log()[mark:]),
                  "lack: the next reload does nothing", instance.log()[mark:])
    until(lambda: len([p for p in processes() if p.title == "master" and
                       p.ppid == warden.pid]) == 1)     # the one before has gone


def disk_lack(verdict, instance):
    """Two sessions whose disk has failed say so when they end, and the others ask
    it no more; only a session can tell, and the master tells the others."""
    trace = Trace(os.path.join(instance.dir, "trace.lack"), [instance.master()],
                  "-e", "trace=fsync", "-e", "inject=fsync:error=EIO")
    try:
        with Client(instance) as other:
            other.hello()
            codes = [send(instance, f"sick-{i}", [f"alice@{DOMAIN}"]) for i in range(2)]

            def is_told():
                return other.say("MAIL FROM:<>")[0] == 451 or other.say("RSET") is None
            sick = until(is_told, every=1)
    finally:
        trace.end()
    verdict.check(codes == [451, 451] and sick, f"lack: the disk fails, and {codes}, {sick}",
                  instance.log()[-2000:])


def run_all(verdict, ground):
    instance = Instance(ground, "lack", settings={"recipients": "100000"})
    instance.start()
    try:
        for number, (calls, error, allowed) in enumerate(LACKS, 1):
            mended(verdict, instance, number, calls, error, allowed)
        sessions_lack(verdict, instance)
        reload_lack(verdict, instance)
        disk_lack(verdict, instance)
    finally:
        instance.crush()
