# SPDX-License-Identifier: ISC
"""The queue between two hosts: put off, tried again, shown, and changed."""
import contextlib
import json
import os
import re
import time

import pytest

from house import BLACK, Client, parse, queue_id, simple, wait, with_subject

LONG = "retry-first 1h\nretry-most 1h"


def test_postfix_down_then_up(house, postfix):
    g = house()
    postfix.stop()
    reply = g.send("alice@a.test", "bob@b.test", simple("patience"))
    g.wait_log(r"to=<bob@b\.test>.*status=deferred \(connect to b1\.test")
    queue = g.mailq()
    assert queue_id(reply) in queue
    assert "alice@a.test" in queue and "bob@b.test" in queue
    assert "refused" in queue
    assert queue.endswith(" in 1 Request.\n")
    g.wait_log(r"(?s)status=deferred.*status=deferred")
    postfix.start()
    postfix.inbox("bob").wait()
    g.wait_empty()
    assert g.mailq() == "Mail queue is empty\n"
    assert len(with_subject(postfix.inbox("bob").messages(), "patience")) == 1
    assert g.log().count("status=sent") == 1


def test_a_dead_destination_delays_nobody(house, postfix):
    """T-36: 100 messages for a host that does not even refuse, and one that is for
    another."""
    g = house("timeout-connect 10m\nworkers 20")
    with Client(g.host) as client:
        for i in range(100):
            code, _ = client.post("alice@a.test", "x@black.test", simple(f"d{i}"))
            assert code == 250
        client.post("alice@a.test", "bob@b.test", simple("alive"))
        client.post("alice@a.test", "carol@a.test", simple("at home"))
        g.wait_mail("carol")
        postfix.inbox("bob").wait()
    assert f"hole.test[{BLACK}]" not in g.log()         # still being tried


def test_local_mail_waits_for_no_destination(house):
    """T-36: while more of them than there may be workers do not even refuse."""
    g = house("timeout-connect 10m\nworkers 16")
    with Client(g.host) as client:
        for i in range(40):
            client.post("alice@a.test", f"x@{i}.black.test", simple(f"d{i}"))
        client.post("alice@a.test", "carol@a.test", simple("at home"))
        g.wait_mail("carol")
    assert ".black.test" not in "".join(re.findall("to=<.*", g.log()))


@contextlib.contextmanager
def hole_that_refuses(village):
    """What is black otherwise is host b's for a while."""
    village.b.shell(f"ip addr add {BLACK}/24 dev eth0")
    village.a.shell(f"ip neigh del {BLACK} dev eth0")
    try:
        yield
    finally:
        village.b.shell(f"ip addr del {BLACK}/24 dev eth0")
        village.a.shell(f"ip neigh replace {BLACK} lladdr 02:00:00:00:00:66 dev eth0 "
                        "nud permanent")


def test_many_dead_destinations_delay_nobody(house, village, postfix):
    """T-36: more of them than there may be workers.  Other mail waits for them
    while they are new, but not once they are known: half of the workers are in
    their way, and no more, however long each of them takes."""
    g = house("timeout-connect 10m\nworkers 16\nretry-first 1s\nretry-most 1s")

    def probes():
        return len([title for _, _, title in g.processes()
                    if title.startswith("worker") and ".black" in title])
    with Client(g.host) as client:
        with hole_that_refuses(village):
            for i in range(40):
                client.post("alice@a.test", f"x@{i}.black.test", simple(f"d{i}"))
            wait(lambda: len(set(re.findall(r"to=<x@(\d+)\.black", g.log()))) == 40,
                 "all are known to be dead")
        wait(lambda: probes() >= 8, "some are tried again, for ever")
        time.sleep(2)                   # all others are due, too
        client.post("alice@a.test", "bob@b.test", simple("alive"))
        postfix.inbox("bob").wait()
        assert probes() == 8


def test_many_messages_over_one_connection(house, postfix):
    g = house("workers 0")
    mark = postfix.mark()
    with Client(g.host) as client:
        for i in range(50):
            code, _ = client.post("alice@a.test", "bob@b.test", simple(f"n{i}"))
            assert code == 250
    # All are there when the worker comes: it waits for none of them.
    g.configure("workers-per-destination 1")
    g.signal("HUP")
    postfix.inbox("bob").wait(50)
    g.wait_empty()
    wait(lambda: "disconnect from a.test" in postfix.since(mark),
         "godwit takes its leave")
    log = postfix.since(mark)
    assert len(re.findall(r": connect from a\.test", log)) == 1
    assert re.search(r"disconnect from a\.test\S* ehlo=1 mail=50 rcpt=50 data=50 "
                     r"quit=1", log)
    subjects = {parse(m)["Subject"] for m in postfix.inbox("bob").messages()}
    assert len(subjects) == 50


def test_restart_keeps_the_back_off(house):
    g = house(LONG)
    name = queue_id(g.send("alice@a.test", "bob@down.test", simple("later")))
    g.wait_log(name + r": to=<bob@down\.test>.*status=deferred")
    before = re.search("1 attempt, next .*", g.queue("show", name).stdout.decode())
    assert before
    g.stop()
    mark = g.mark()
    g.start()
    # What comes after it is served; it is not even opened.
    g.send("bob@b.test", "alice@a.test", simple("meanwhile"))
    g.wait_mail("alice")
    assert "qmgr" in g.since(mark) and f"{name}: " not in g.since(mark)
    after = re.search("1 attempt, next .*", g.queue("show", name).stdout.decode())
    assert after and after[0] == before[0]


def defer_some(g, n):
    """The names of so many that wait for b.test, in the index of a godwit that
    has been started again."""
    names = [queue_id(g.send("alice@a.test", "bob@b.test", simple(f"f{i}")))
             for i in range(n)]
    for name in names:
        g.wait_log(name + ": to=.*status=deferred")
    wait(lambda: g.process("worker") is None, "no delivery is under way")
    g.stop()
    mark = g.mark()
    g.start()
    wait(lambda: g.mailq().count("bob@b.test") == n, "all are listed")
    assert not any(name in g.since(mark) for name in names)
    return names, mark


def lateness(log, name, since):
    """By how many seconds its attempts are later than 20 and an eighth (23, with what
    stamps leave out) after the one before, or than the first line of `since'; none
    is earlier than 20 less an eighth."""
    def at(line):
        h, m, s = map(int, re.search(r"(\d\d):(\d\d):(\d\d) ", line).groups())
        return 3600 * h + 60 * m + s

    def after(a, b):
        return (b - a + 43200) % 86400 - 43200      # there may be a midnight between
    tries = [at(line) for line in re.findall(rf"(?m)^.*{name}: to=.*status=.*", log)]
    gaps = [after(a, b) for a, b in zip(tries, tries[1:])]
    assert min(gaps) >= 16, gaps
    return max(min(gap - 23, after(at(since), b)) for gap, b in zip(gaps, tries[1:]))


def test_a_dormant_one_is_tried_at_its_time(house, postfix):
    """Across a restart; and one that came in while the runner was dead.  How slow
    this machine is meanwhile is told by others, which have no time to wait for."""
    g = house("retry-first 20s\nretry-most 20s")
    postfix.stop()
    names, mark = defer_some(g, 3)
    postfix.start()
    usual, end = 0, time.monotonic() + 180
    while not all(re.search(name + ": to=.*status=sent", g.log()) for name in names):
        assert time.monotonic() < end
        begun = time.monotonic()
        other = queue_id(g.send("bob@b.test", "alice@a.test", simple("other")))
        g.wait_log(other + ": to=.*status=sent", since=mark)
        usual = max(usual, time.monotonic() - begun)
        time.sleep(0.5)
    late = [lateness(g.log(), name, g.since(mark)) for name in names]
    assert max(late) <= 10 + 4 * usual, (late, usual)
    g.wait_empty()
    assert len(re.findall("to=<bob@b.test>.*status=sent", g.log())) == 3


def test_dormant_ones_are_flushed_held_and_removed(house, postfix):
    g = house(LONG)
    postfix.stop()
    names, mark = defer_some(g, 5)
    postfix.start()
    g.queue("flush", names[0])
    g.wait_log(names[0] + ": to=.*status=sent", since=mark)
    g.queue("remove", names[1])
    g.queue("hold", names[2])
    g.queue("hold", names[3])
    assert names[1] not in g.mailq() and names[2] + "!" in g.mailq()
    g.queue("release", names[3])
    g.queue("flush")
    for name in names[3:]:
        g.wait_log(name + ": to=.*status=sent", since=mark)
    wait(lambda: len(g.entries()) == 0, "only one is left, on hold")
    assert names[2] + "!" in g.mailq()
    # It has its old time again; and the index knows nothing of it.
    g.stop()
    g.start()
    g.queue("release", names[2])
    wait(lambda: names[2] + " " in g.mailq(), "it is back")
    assert g.log().count("status=sent") == 3
    g.queue("flush", names[2])
    postfix.inbox("bob").wait(4)
    g.wait_empty()
    assert len(postfix.inbox("bob").messages()) == 4


def test_the_index_is_a_hint(house, postfix):
    """Damaged, away, of another queue: every entry is tried when it is due."""
    g = house("retry-first 5s\nretry-most 5s")
    postfix.stop()
    names = [queue_id(g.send("alice@a.test", "bob@b.test", simple(f"i{i}")))
             for i in range(4)]
    for name in names:
        g.wait_log(name + ": to=.*status=deferred")
    wait(lambda: g.process("worker") is None, "no delivery is under way")
    g.stop()
    at = g.host.path(g.spool + "/index/")
    files = sorted(os.listdir(at))
    assert files
    for i, name in enumerate(files):
        with open(at + name, "r+b") as f:
            if i % 3 == 0:
                f.truncate(len(f.read()) - 1)
            elif i % 3 == 1:
                f.seek(33)
                f.write(b"?")
            else:
                f.truncate(0)
    with open(at + "00", "ab") as f:
        f.write(b"x" * 100000)
    postfix.start()
    g.start()
    for name in names:
        g.wait_log(name + ": to=.*status=sent")
    g.wait_empty()
    assert "is damaged" in g.log()


def test_flush_makes_it_tried_at_once(house, postfix):
    g = house(LONG)
    postfix.stop()
    names = [queue_id(g.send("alice@a.test", "bob@b.test", simple(f"f{i}")))
             for i in range(3)]
    # The others need not be tried: the destination is known to be dead.
    g.wait_log(names[0] + ": to=.*status=deferred")
    wait(lambda: g.process("worker") is None, "no delivery is under way")
    postfix.start()
    g.queue("flush", names[1])
    g.wait_log(names[1] + ": to=.*status=sent")
    g.queue("flush")
    postfix.inbox("bob").wait(3)
    g.wait_empty()


def test_hold_release_remove(house, postfix):
    g = house(LONG)
    postfix.stop()
    held, removed, both = [
        queue_id(g.send("alice@a.test", "bob@b.test", simple(s)))
        for s in ("held", "removed", "both")]
    g.wait_log(held + ": to=.*status=deferred")
    wait(lambda: g.process("worker") is None, "no delivery is under way")
    g.queue("hold", held)
    g.queue("hold", both)
    g.queue("remove", removed)
    g.queue("remove", both)
    queue = g.mailq()
    assert held + "!" in queue and removed not in queue and both not in queue
    postfix.start()
    mark = g.mark()
    g.queue("flush")
    assert g.queue("show", held).stdout.startswith(
        f"id         {held} (on hold)\n".encode())
    done = g.queue("release", removed, check=False)
    assert done.returncode != 0 and b"no such message" in done.stderr
    # A mail that comes later and passes proves that the flush has been.
    g.send("alice@a.test", "bob@b.test", simple("free"))
    postfix.inbox("bob").wait(1)
    assert f"{held}: to=" not in g.since(mark)
    g.queue("release", held)
    g.queue("flush", held)
    postfix.inbox("bob").wait(2)
    subjects = sorted(parse(m)["Subject"] for m in postfix.inbox("bob").messages())
    assert subjects == ["free", "held"]
    g.wait_empty()
    assert g.mailq() == "Mail queue is empty\n"


def test_only_root_changes_the_queue(house):
    g = house(LONG)
    name = queue_id(g.send("alice@a.test", "bob@down.test", simple("mine")))
    g.wait_log(name + ": to=.*status=deferred")
    wait(lambda: g.process("worker") is None, "no delivery is under way")
    assert name in g.sendmail("-bp", user="bob").stdout.decode()
    for verb in ("hold", "remove"):
        done = g.queue(verb, name, user="bob", check=False)
        assert done.returncode != 0 and b"only root" in done.stderr
    assert name in g.mailq()


def test_queue_show(house):
    g = house(LONG)
    name = queue_id(g.send("alice@a.test", "bob@down.test", simple("show me")))
    g.wait_log(name + ": to=.*status=deferred")
    text = g.queue("show", name).stdout.decode()
    assert f"id         {name}\n" in text
    assert "sender     <alice@a.test>" in text and "bob@down.test" in text
    assert "Subject: show me" in text
    shown = json.loads(g.queue("show", "--json", name).stdout)
    assert name in json.dumps(shown) and "bob@down.test" in json.dumps(shown)
    lines = g.queue("list", "--json").stdout.splitlines()
    assert len(lines) == 1 and name in json.dumps(json.loads(lines[0]))


ENTRY = re.compile(
    r"(?P<id>\S+?)(?P<mark>[*!]?) +(?P<size>\d+) "
    r"(?P<date>\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d)  ?(?P<sender>\S+)$")


def test_mailq_looks_like_postfix(house, postfix):
    g = house(LONG)
    message = simple("deferred", sender="bob@b.test", to="x@down.test")
    to = ["x@down.test", "y@down.test"]
    postfix.send("bob@b.test", to, message)
    wait(lambda: "(connect" in postfix.mailq(), "Postfix defers it")
    g.send("bob@b.test", to, message)
    g.wait_log(r"to=<y@down\.test>.*status=deferred")
    wait(lambda: g.process("worker") is None, "no delivery is under way")
    theirs, ours = postfix.mailq().split("\n"), g.mailq().split("\n")
    assert len(theirs) == len(ours), (theirs, ours)
    assert ours[0] == theirs[0]
    a, b = ENTRY.match(ours[1]), ENTRY.match(theirs[1])
    assert a and b and a["sender"] == b["sender"] and a["mark"] == ""
    assert a.start("sender") - len(a["id"]) <= b.start("sender") - len(b["id"]) + 3
    for mine, its in zip(ours[2:], theirs[2:]):
        if its.lstrip().startswith("("):
            assert re.fullmatch(r" *\(connect to refuses\.test\[192\.0\.2\.21\]:25: "
                                r"Connection refused\)", mine)
            assert len(mine) == len(its)
        else:
            assert mine == its


def test_mailq_of_many(house):
    g = house(LONG)
    for first in (0, 505):          # so many that several list them
        with Client(g.host) as client:
            for i in range(first, first + 505):
                client.post("alice@a.test", f"x{i}@down.test", simple(f"q{i}"))
    text = g.mailq()
    assert text.endswith(" in 1010 Requests.\n")
    assert len(set(re.findall(r"x\d+@down\.test", text))) == 1010
    assert len(g.queue("--json").stdout.splitlines()) == 1010


@pytest.mark.slow
def test_a_crash_of_the_queue_runner_loses_nothing(house, postfix):
    """It is killed again and again while mail passes; no message is lost, and
    none that was in nobody's hands comes twice."""
    g = house("workers-per-destination 4")
    with Client(g.host) as client:
        for i in range(200):
            code, _ = client.post("alice@a.test", "bob@b.test", simple(f"k{i}"))
            assert code == 250
            if i % 50 == 25:
                runner = g.process("qmgr")
                if runner is not None:
                    g.host.run(["kill", "-KILL", runner])
    postfix.inbox("bob").wait(200, seconds=180)
    g.wait_empty(180)
    subjects = [parse(m)["Subject"] for m in postfix.inbox("bob").messages()]
    assert len(set(subjects)) == 200
    assert len(subjects) <= 200 + 4 * 4
