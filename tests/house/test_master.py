# SPDX-License-Identifier: ISC
"""The daemon as a daemon: its processes, its signals, and want of something."""
import contextlib
import re
import select
import socket
import threading
import time

import pytest

from house import (A, B, B2, PATIENCE, REFUSES, SANITIZED, Client, parse, queue_id, read,
                   simple, stuff, wait)


def extension(client, name):
    client.ehlo()
    return client.esmtp_features.get(name)


def test_who_runs_as_whom(house):
    g = house()
    with Client(g.host) as client:
        client.ehlo()
        session = wait(lambda: [p for p in g.processes() if "smtpd" in p[2] or
                                p[1] == g.process("master")], "a session")[0][0]
        for pid, user in [(g.pid(), "root"), (g.process("master"), "godwit"),
                          (g.process("qmgr"), "godwitq"), (session, "godwit")]:
            status = read(g.host.path(f"/proc/{pid}/status")).decode()
            uids = re.search(r"Uid:\s+(.*)", status)[1].split()
            assert set(uids) == {g.host.shell(f"id -u {user}").strip()}, user
            if user != "root":
                assert re.search(r"NoNewPrivs:\s+1", status), user
                assert re.search(r"Seccomp:\s+2", status), user
                assert re.search(r"CapEff:\s+0+\n", status), user


def test_who_is_killed_for_memory(house):
    """The warden last (where root may say so), sessions first; what a user starts
    is as he is himself."""
    ours = int(read("/proc/self/oom_score_adj"))
    g = house("deliver command \"/bin/sh -c \\\"cat /proc/self/oom_score_adj "
              ">~/score\\\"\"")
    g.send("bob@b.test", "alice@a.test", simple("one"))
    g.wait_log("status=sent")
    score = {name: int(read(g.host.path(f"/proc/{pid}/oom_score_adj"))) for name, pid in
             [("warden", g.pid()), ("master", g.process("master")), ("qmgr", g.process("qmgr"))]}
    lower = g.host.run(["sh", "-c", "echo -500 >/proc/self/oom_score_adj"], check=False)
    assert score == {"warden": ours if lower.returncode else min(ours, -500),
                     "master": min(ours + 100, 1000), "qmgr": ours}
    assert int(read(g.host.home("alice") + "/score")) == ours
    with Client(g.host) as client:
        client.ehlo()
        # The one that brought the message may be there still.
        session, = wait(lambda: len(now := [p[0] for p in g.processes()
                                            if p[1] == g.process("master")]) == 1 and now,
                        "one session")
        assert int(read(g.host.path(f"/proc/{session}/oom_score_adj"))) == score["master"]


def test_spool_is_nobody_elses(house):
    g = house("retry-first 1h\nretry-most 1h")
    name = queue_id(g.send("alice@a.test", "x@down.test", simple("private")))
    g.wait_log(name + ": to=.*deferred")
    path, = g.entries()
    inside = path[path.index(g.spool):]
    done = g.host.run(["cat", inside], user="alice", check=False)
    assert done.returncode != 0
    done = g.host.run(["ls", g.spool + "/q"], user="alice", check=False)
    assert done.returncode != 0


def test_the_spool_is_put_to_the_proof(house):
    """One line says what its file system asks for, and the check says the
    same; the journal is the runner's, with its room."""
    g = house(journal=True)
    line = f"spool {g.spool}: ext4 with a journal: one sync a message"
    assert g.wait_log(r"spool .*: .*")[0] == line
    check = [g.program("godwit"), "check", "-f", g.conf]
    assert line in g.host.run(check).stdout.decode().splitlines()
    wait(lambda: g.host.shell(f"stat -c '%U %a %s' {g.spool}/journal") == "godwitq 600 65536\n",
         "the runner makes room for notes")
    assert not re.search("error", g.since(0))
    assert g.entries() == []


def test_a_spool_in_memory_is_refused(house):
    g = house(start=False)
    at = g.base + "/memory"
    g.host.shell(f"mkdir {at} && mount -t tmpfs tmpfs {at}")
    try:
        g.configure(f"spool {at}/spool\nspool-may-lose-mail no")
        with pytest.raises(AssertionError, match="lies on tmpfs, which forgets.*"
                           "spool-may-lose-mail yes"):
            g.start()
        assert g.host.shell(f"ls {at}") == ""
        g.warden = None
        check = [g.program("godwit"), "check", "-f", g.conf]
        assert b"lies on tmpfs" in g.host.run(check).stderr
        g.configure(f"spool {at}/spool\nspool-may-lose-mail yes")
        g.start()
        g.wait_log("warning: spool .*: tmpfs: .*mail may be lost")
        g.send("bob@b.test", "alice@a.test", simple("volatile"))
        g.wait_mail("alice")
        g.stop()
    finally:
        g.host.shell(f"umount {at}")


def test_a_spool_on_an_overlay(house):
    g = house(start=False)
    at = g.base + "/overlay"
    g.host.shell(f"""
        mkdir {at} {at}/lower {at}/upper {at}/work {at}/merged
        mount -t overlay -o lowerdir={at}/lower,upperdir={at}/upper,workdir={at}/work overlay {at}/merged
    """)
    try:
        g.configure(f"spool {at}/merged/spool\nspool-may-lose-mail no")
        g.start()
        g.wait_log("spool .*: overlay: also syncs the directory")
        g.send("bob@b.test", "alice@a.test", simple("overlaid"))
        g.wait_mail("alice")
        g.stop()
    finally:
        g.host.shell(f"umount {at}/merged")


def test_reload_during_traffic(house):
    """Nobody is refused, and nothing is lost."""
    g = house("sessions-per-client 200")
    sent, broken, end = [], [], threading.Event()

    def talk(number):
        i = 0
        while not end.is_set():
            subject = f"t{number} {i}"
            i += 1
            try:
                g.send("bob@b.test", "alice@a.test", simple(subject))
                sent.append(subject)
            except Exception as e:      # whatever it is, it is a failure
                broken.append(f"{subject}: {e!r}")

    threads = [threading.Thread(target=talk, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    try:
        for i in range(5):
            mark, count = g.mark(), len(sent)
            g.configure(f"sessions-per-client 200\nsize {10 + i}M")
            g.signal("HUP")
            g.wait_log("reload: done", since=mark)
            wait(lambda: len(sent) >= count + 10 or broken, "mail goes on")
    finally:
        end.set()
        for thread in threads:
            thread.join()
    assert broken == []
    def told():
        with Client(g.host) as client:
            return extension(client, "size")
    # The master before may greet once more.
    wait(lambda: told() == str(14 << 20), "the last configuration holds")
    messages = g.wait_mail("alice", len(sent))
    assert sorted(parse(m)["Subject"] for m in messages) == sorted(sent)
    g.wait_empty()


def test_a_bad_configuration_changes_nothing(house):
    g = house("size 10M")
    master, runner = g.process("master"), g.process("qmgr")
    g.configure("size 12M\nhostnam x")
    line = read(g.conf).decode().split("\n").index("hostnam x") + 1
    g.signal("HUP")
    g.wait_log(rf"godwit\.conf:{line}:1: unknown setting \"hostnam\"; "
               "did you mean \"hostname\"\\?")
    g.wait_log("the configuration stays as it was")
    with Client(g.host) as client:
        assert extension(client, "size") == str(10 << 20)
    assert (g.process("master"), g.process("qmgr")) == (master, runner)
    g.configure("size 12M\nrun /elsewhere")
    g.signal("HUP")
    g.wait_log("reload: .*need a restart.*run")
    with Client(g.host) as client:
        assert extension(client, "size") == str(10 << 20)


def test_a_session_outlives_a_reload(house):
    g = house()
    with Client(g.host) as client:
        client.ehlo()
        client.mail("bob@b.test")
        mark = g.mark()
        g.signal("HUP")
        g.wait_log("reload: done", since=mark)
        g.send("bob@b.test", "alice@a.test", simple("by the new one"))
        client.rcpt("alice@a.test")
        assert client.docmd("DATA")[0] == 354
        client.send(stuff(simple("by the old one")))
        assert client.getreply()[0] == 250
    messages = g.wait_mail("alice", 2)
    assert {parse(m)["Subject"] for m in messages} == \
        {"by the new one", "by the old one"}


def test_sigterm_drains(house):
    """Who has begun a message may end it; who waits is told to go."""
    g = house()
    busy, idle = Client(g.host), Client(g.host)
    idle.ehlo()
    busy.ehlo()
    busy.mail("bob@b.test")
    busy.rcpt("alice@a.test")
    assert busy.docmd("DATA")[0] == 354
    half = simple("the last one", "x" * 60 + "\n")
    busy.send(half[:40])
    g.host.run(["kill", "-TERM", g.pid()])
    assert idle.getreply()[0] == 421
    wait(lambda: refuses(g), "new connections are refused")
    assert g.warden.poll() is None
    busy.send(stuff(half)[40:])
    code, text = busy.getreply()
    assert code == 250
    assert busy.getreply()[0] == 421
    assert g.stop() == 0
    assert not g.host.shell("ps -eo args").count("master")
    name = queue_id(text.decode())
    if not g.mbox("alice"):
        g.start()
        g.wait_log(name + ": to=.*status=sent")
    assert len(g.wait_mail("alice")) == 1
    busy.close()
    idle.close()


def refuses(g):
    try:
        g.host.connect().close()
    except ConnectionRefusedError:
        return True
    return False


def test_a_service_that_dies_is_started_again(house):
    g = house()
    for title in ("master", "qmgr"):
        before = g.process(title)
        g.host.run(["kill", "-KILL", before])
        wait(lambda: g.process(title) not in (None, before), f"a new {title}")
        g.wait_log(f"{title} was killed by signal 9; starting it again")
    g.send("bob@b.test", "alice@a.test", simple("still here"))
    g.wait_mail("alice")


def test_no_descriptors_left(house):
    """T-34: the master says 421 and lives; afterwards all is well again."""
    g = house()
    # The port is open before the master has all that it will have.
    wait(lambda: is_served(g), "somebody is greeted")
    master = g.process("master")
    # Without those that it has for a moment.
    fds = set.intersection(*({int(fd) for fd in g.host.shell(f"ls /proc/{master}/fd").split()}
                             for _ in range(5)))
    # The lowest number that is free would be the next connection's.
    free = min(set(range(max(fds) + 2)) - fds)
    # It can give up its reserve for a number below the limit only.
    listing = g.host.shell(f"ls -l /proc/{master}/fd")
    spare = {int(fd) for fd in re.findall(r" (\d+) -> /dev/null$", listing, re.M)} - {0, 1, 2}
    assert spare and max(spare) < free, f"{free} is free in {listing}"
    limit = ["prlimit", f"--pid={master}"]
    g.host.run(limit + [f"--nofile={free}:"], user="godwit")
    for _ in range(3):
        with g.host.connect() as s:
            assert s.recv(200).startswith(b"421 4.3.2 ")
            assert s.recv(200) == b""
    g.wait_log("accept: Too many open files")
    g.host.run(limit + [f"--nofile={free + 8}:"], user="godwit")
    g.send("bob@b.test", "alice@a.test", simple("afterwards"))
    g.wait_mail("alice")
    assert g.process("master") == master


def test_limits_of_connections(house):
    """T-33"""
    g = house("sessions 3\nsessions-per-client 2")
    clients = [Client(g.host) for _ in range(2)]
    with g.host.connect() as s:
        assert s.recv(200).startswith(b"421 4.7.0 ")
    other = Client(g.host, "::1")
    with g.host.connect("192.0.2.10") as s:
        assert s.recv(200).startswith(b"421 4.3.2 ")
    for client in clients + [other]:
        client.quit()
    wait(lambda: is_served(g), "there is room again")


def greet(host, source=None, port=25):
    """The first line that a connection is sent; "" when it is closed."""
    with host.net():
        s = socket.create_connection((A, port), PATIENCE, (source, 0) if source else None)
    with s:
        return s.recv(200).decode()


def come(host, source, least):
    """Comes until it is refused: it is greeted so many times, and once more for
    each 12 seconds (the faster of two rates) that this took."""
    begun, n = time.monotonic(), 0
    while (said := greet(host, source)).startswith("220 "):
        n += 1
    assert said.startswith("421 4.7.0")
    assert least <= n <= least + (time.monotonic() - begun) // 12
    return said


def rush(host, source, n):
    """So many at once, however slow we are: what they are told."""
    with contextlib.ExitStack() as stack:
        crowd = []
        for _ in range(n):
            with host.net():
                s = stack.enter_context(socket.socket())
            s.settimeout(PATIENCE)
            s.bind((source, 0))
            s.connect((A, 25))
            crowd.append(s)
        return [s.recv(200).decode() for s in crowd]


def test_who_comes_too_often(house, village):
    """T-33"""
    g = house(f"relay for {B2}\nconnections-per-minute 3\n"
              "connections-per-minute-network 5")
    come(village.b, B, 3)
    g.wait_log(rf"NOQUEUE: reject: CONNECT from unknown\[{re.escape(B)}\]: 421 4\.7\.0 "
               "Too many new connections from your address; try again later$")
    # Another of the same network has what is left of five; it would have three.
    assert "your network" in come(village.b, REFUSES, 2)
    # Ours may come as often as they like.
    for _ in range(9):
        assert greet(village.b, B2).startswith("220 ")
    for _ in range(9):
        assert is_served(g)

    def unlogged():
        """Five lines a second, and a number."""
        mark, begun = g.mark(), time.monotonic()
        said = [word[:4] for word in rush(village.b, B, 60)]
        assert said.count("421 ") >= 50
        wait(lambda: g.since(mark).count("reject: CONNECT") >= 1, "they are logged")
        logged = g.since(mark).count("reject: CONNECT")
        assert logged <= 5 * (time.monotonic() - begun + 2)
        return logged <= 30
    wait(unlogged, "not all are logged")
    wait(lambda: is_served(g) and "more connections were refused" in g.log(),
         "those that were not logged are counted")


def test_the_last_sessions_are_for_ours(house, village):
    """T-33"""
    g = house("listen smtp\nlisten submission\nsessions 20\nsessions-per-client 0\n"
              "sessions-per-network 0")
    with contextlib.ExitStack() as stack:
        for _ in range(16):
            s = stack.enter_context(village.b.connect(A))
            assert s.recv(200).startswith(b"220 ")
        assert greet(village.b).startswith("421 4.3.2 ")
        assert is_served(g)
        assert greet(village.b, port=587).startswith("220 ")
        assert greet(village.b).startswith("421 4.3.2 ")
    wait(lambda: greet(village.b).startswith("220 "), "there is room again")


def is_served(g):
    with g.host.connect() as s:
        return s.recv(200).startswith(b"220 ")


def test_a_full_spool_is_said_at_mail(house):
    """T-28"""
    g = house("free-space 1G", journal=True)
    with Client(g.host) as client:
        client.ehlo()
        code, text = client.mail("bob@b.test")
        assert code == 452 and text.startswith(b"4.3.1 ")


@pytest.mark.slow
def test_a_disk_that_fills_up_during_data(house):
    """T-28: 451 or 452, nothing left behind, and the next one passes."""
    g = house("free-space 0\nsize 1G", journal=True)
    big = simple("too big", "x" * 70 + "\n") + (b"y" * 70 + b"\r\n") * 4500000
    with Client(g.host) as client:
        client.ehlo()
        client.mail("bob@b.test")
        client.rcpt("alice@a.test")
        assert client.docmd("DATA")[0] == 354
        client.send(stuff(big))
        assert client.getreply()[0] in (451, 452)
        code, _ = client.post("bob@b.test", "alice@a.test", simple("small"))
        assert code == 250
    g.wait_mail("alice")
    g.wait_empty()


@pytest.mark.slow
def test_a_trickle_is_ended(house):
    """Within every timeout, but too slow; who is not is left alone (T-27)."""
    g = house()
    begun = time.monotonic()
    slow, steady, chunks = (Client(g.host, "192.0.2.10") for _ in range(3))
    for client in slow, steady, chunks:
        client.ehlo()
        client.mail("")
        client.rcpt("alice@a.test")
        if client is not chunks:
            assert client.docmd("DATA")[0] == 354
    steady.send(b"Subject: steady\r\n\r\n")
    chunks.send(b"BDAT 10000 LAST\r\n")
    sent = 0
    while not select.select([slow.sock], [], [], 1)[0]:
        slow.send(b"x")
        chunks.send(b"x")
        # Three times what it must, however late this is.
        more = int((time.monotonic() - begun + 1) * 3 * 500 - sent) // 102
        steady.send((b"y" * 100 + b"\r\n") * more)
        sent += more * 102
    assert 29 < time.monotonic() - begun
    for client, verb in (slow, "DATA"), (chunks, "BDAT"):
        assert client.getreply()[0] == 421
        g.wait_log(rf"too slow a client after {verb} \(\d+ bytes\) from "
                   r"\S+\[192.0.2.10\]")
    steady.send(b".\r\n")
    assert steady.getreply()[0] == 250
    steady.quit()
    messages = g.wait_mail("alice")
    assert [parse(m)["Subject"] for m in messages] == ["steady"]


def limits_of_a_session(g):
    with Client(g.host) as client:
        client.ehlo()
        return g.limits_of_a_session()


def test_limits_of_a_session(house):
    g = house()
    limits = limits_of_a_session(g)
    assert limits["Max cpu time"] == ("5", "60")
    assert limits["Max core file size"] == ("0", "0")
    # The sanitizers take more than any machine has.
    assert SANITIZED or limits["Max address space"] == (str(192 << 20),) * 2
    assert limits["Max open files"][0] == limits["Max open files"][1]
    assert int(limits["Max open files"][1]) <= 28 + 65 + 256
    # The log of this one is a file, which may grow.
    assert limits["Max file size"][0] == "unlimited"
    # Those who live long have their time.
    text = read(g.host.path(f"/proc/{g.process('master')}/limits")).decode()
    assert re.search(r"Max cpu time +unlimited +unlimited", text)


def test_the_largest_file_of_a_session(house):
    g = house("log /dev/null\nsize 10M", start=False)
    with open(g.base + "/output", "ab") as g.output:
        g.warden = g.host.start([g.program("godwitd"), "-d", "-f", g.conf],
                                stdout=g.output, stderr=g.output)
    wait(lambda: not refuses(g), "godwitd runs")
    most = int(limits_of_a_session(g)["Max file size"][1])
    assert 11 << 20 < most < 25 << 20
    g.send("bob@b.test", "alice@a.test", simple("big", "x" * 70 + "\n") +
           (b"y" * 70 + b"\r\n") * 140000)
    assert len(g.wait_mail("alice")[0]) > 9 << 20
