# SPDX-License-Identifier: ISC
"""Many entries that only wait: what they cost at a start, at rest, in a listing
and beside fresh mail.  FAULT_CROWD says how many; the figures are printed, and
what must hold of them at any size is checked."""
import os
import subprocess
import threading
import time

from instance import BUILD, FAR, LONG, Client, Instance, Nobody, processes, send, until

COUNT = int(os.environ.get("FAULT_CROWD", "20000" if LONG else "2000"))
TICK = os.sysconf("SC_CLK_TCK")


def fill(instance, count, seconds, recipient=f"someone@{FAR}"):
    """So many deferred entries in the spool of a daemon that is down."""
    done = subprocess.run([os.path.join(BUILD, "fault/crowd"), instance.spool, str(count),
                           str(seconds), recipient], check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.split()


def cpu(instance):
    """Seconds of all that are alive, and of what they have buried."""
    total = 0
    for p in [instance.warden.pid] + [p.pid for p in instance.all()]:
        try:
            with open(f"/proc/{p}/stat") as f:
                total += sum(map(int, f.read().rsplit(")", 1)[1].split()[11:15]))
        except (FileNotFoundError, ProcessLookupError):
            pass
    return total / TICK


def pss(pid):
    with open(f"/proc/{pid}/smaps_rollup") as f:
        return int(next(line.split()[1] for line in f if line.startswith("Pss:")))


def mailq(instance):
    """Seconds to the first line and to the last, and the last line."""
    begin = time.monotonic()
    with subprocess.Popen([os.path.join(BUILD, "godwit"), "-f", instance.conf, "queue"],
                          stdout=subprocess.PIPE, text=True) as child:
        last = child.stdout.readline()
        first = time.monotonic() - begin
        for last in child.stdout:
            pass
    return first, time.monotonic() - begin, last.strip()


def accept_rate(instance, n=1000, sessions=10):
    """Messages a second for a destination that is known to be asleep."""
    def one(who):
        for i in range(n // sessions):
            with Client(instance) as c:
                c.hello()
                c.message(f"fresh-{who}-{i}", [f"x@{FAR}"], size=2048)
                c.quit()
    threads = [threading.Thread(target=one, args=(i,)) for i in range(sessions)]
    begin = time.monotonic()
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return n / (time.monotonic() - begin)


def make(ground, name, count, **settings):
    # Room for the names and a block or two of each.
    spool = None if count > 50000 else ground.disk(
        name + ".fs", 64 + count // 50, "-N", str(count + 8192)) + "/spool"
    return Instance(ground, name, spool=spool, sink=Nobody(),
                    settings={"retry-first": "1h", "retry-most": "4h", "sessions-per-client": "100",
                              "transactions": "100000"} | settings)


def start(instance):
    begin = time.monotonic()
    instance.start()
    return time.monotonic() - begin


def measure(verdict, instance, name, watch=20 if COUNT > 50000 else 3):
    to_accept = start(instance)
    time.sleep(watch)
    used, runner = cpu(instance), instance.runner()
    verdict.say(f"{name}: greeting after {to_accept:.3f} s, {used:.2f} s CPU in the first "
                f"{watch} s, runner {pss(runner)} KiB PSS")
    return to_accept, used, pss(runner)


def figures(verdict, ground):
    empty = make(ground, "crowd.empty", 0)
    empty.start()
    send(empty, "first", [f"x@{FAR}"])
    rate0 = accept_rate(empty)
    base = pss(empty.runner())
    empty.stop()
    instance = make(ground, "crowd", COUNT)
    instance.start()
    instance.stop()
    begin = time.monotonic()
    fill(instance, COUNT, 3600)
    verdict.say(f"{COUNT} entries made in {time.monotonic() - begin:.0f} s")
    try:
        measure(verdict, instance, "first start")
        until(lambda: instance.log().count("(queue active)") >= COUNT, every=0.1)
        instance.stop()
        opened = instance.log().count("(queue active)")
        _, _, size = measure(verdict, instance, "next start")
        again = instance.log().count("(queue active)") - opened
        verdict.check(opened == COUNT and again == 0, f"crowd: {opened} of {COUNT} opened at the "
                      f"first start, {again} at the next")
        verdict.say(f"    {(size - base) * 1024 / COUNT:.0f} bytes an entry")
        first, whole, last = mailq(instance)
        verdict.say(f"mailq: first line after {first:.3f} s, all after {whole:.2f} s: {last}")
        verdict.check(last.endswith(f"in {COUNT} Requests."), "crowd: mailq", last)
        rate = accept_rate(instance)
        verdict.say(f"accept: {rate:.0f} a second, {rate0:.0f} with an empty queue")
        errors = [line for line in instance.log().splitlines() if " error: " in line]
        verdict.check(not errors, "crowd: errors", "\n".join(errors[:10]))
        children = [p for p in processes() if p.title == "show"]
        verdict.check(not children, "crowd: a listing is left", children)
    finally:
        instance.crush()


def run_all(verdict, ground):
    figures(verdict, ground)
