# SPDX-License-Identifier: ISC
"""Who logs in may send anywhere: smtplib, swaks, curl, msmtp and GNU SASL as
clients, our own file of passwords, a real Dovecot and PAM as those who know.
The clients stand on host b, which we relay for only when they have logged in."""
import base64
import collections
import concurrent.futures
import contextlib
import hashlib
import hmac
import itertools
import json
import os
import re
import smtplib
import socket
import ssl
import statistics
import subprocess
import threading
import time

import pytest

from house import A, B, PATIENCE, SYSTEM, parse, read, simple, wait, write

OPEN = "login without tls\nlogin senders any\n"


def passwd(g, name, secret, *words, **more):
    return g.host.run([g.program("godwit"), "passwd", "-f", g.conf, "--stdin", *words, name],
                      input=secret.encode() + b"\n", **more)


@pytest.fixture
def filed(house):
    """A godwit with a file of its own and the user bob, whose password is
    pencil."""
    def make(more="", **options):
        g = house(start=False, **options)
        g.configure(f"login file {g.base}/passwd\n{OPEN}{more}")
        passwd(g, "bob", "pencil")
        return g.start()
    return make


def test_passwd(house):
    """`godwit passwd' changes a line and leaves the others as they are."""
    g = house(start=False)
    g.configure(f"login file {g.base}/passwd\n")
    path = g.host.path(f"{g.base}/passwd")
    passwd(g, "bob", "one")
    write(path, "# ours\n" + read(path).decode() + "old:$6$x$" + "y" * 86 + "\nbobby:*\n")
    before = read(path).decode().splitlines()
    passwd(g, "bob", "two")
    after = read(path).decode().splitlines()
    assert [n for n in range(4) if before[n] != after[n]] == [1] and len(after) == 4
    assert os.stat(path).st_mode & 0o777 == 0o640
    passwd(g, "j\u00fcrgen@a.test", "three")
    listed = g.host.run([g.program("godwit"), "passwd", "-f", g.conf, "--list"]).stdout.decode()
    assert listed.splitlines() == ["bob scram-sha-256", "old crypt", "bobby cannot log in",
                                   "j\u00fcrgen@a.test scram-sha-256"]
    for name in "a:b", "", "#x", "a\nb", "x" * 256:
        assert passwd(g, name, "x", check=False).returncode != 0
    for secret in "", "a\x03b", "x" * 1025:
        assert passwd(g, "bob", secret, check=False).returncode != 0
    assert read(path).decode().splitlines()[:4] == after
    for name, code in ("bob", 0), ("bob", 67), ("nobody", 67):
        done = g.host.run([g.program("godwit"), "passwd", "-f", g.conf, "--delete", name],
                          check=False)
        assert (done.returncode == 0) == (code == 0), done
    assert read(path).decode().splitlines()[:3] == [before[0], *before[2:]]
    many = [g.host.start([g.program("godwit"), "passwd", "-f", g.conf, "--stdin", f"user{n}"],
                         stdout=subprocess.PIPE) for n in range(4)]
    assert all(child.wait() != 0 for child in many)         # nothing on stdin
    for child in many:
        child.stdout.close()
    g.host.shell("for n in 1 2 3 4 5 6 7 8; do echo secret | " +
                 f"{g.program('godwit')} passwd -f {g.conf} --stdin side$n & done; wait")
    assert read(path).decode().count("\nside") == 8


def test_passwd_asks(house):
    """On a terminal it asks twice, and what is typed is not seen."""
    g = house(start=False)
    g.configure(f"login file {g.base}/passwd\n")

    def type_in(first, again):
        child = subprocess.Popen(
            [*g.host.prefix, "script", "-qec",
             f"{g.program('godwit')} passwd -f {g.conf} bob", "/dev/null"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        seen = b""
        for question, answer in (b"Password: ", first), (b"Once more: ", again):
            while not seen.endswith(question):
                more = os.read(child.stdout.fileno(), 1000)
                assert more, seen
                seen += more
            child.stdin.write(answer.encode() + b"\n")
            child.stdin.flush()
        out, _ = child.communicate(timeout=PATIENCE)
        return child.returncode, (seen + out).decode()

    code, seen = type_in("pencil", "pen")
    assert code != 0 and "not the same" in seen and "penc" not in seen, seen
    code, seen = type_in("pencil", "pencil")
    assert code == 0 and "penc" not in seen, seen
    assert read(g.host.path(f"{g.base}/passwd")).startswith(b"bob:SCRAM-SHA-256$15000:")


class Client(smtplib.SMTP):
    """smtplib's, with a socket of host b, which may be sent away."""

    def __exit__(self, *args):
        self.close()

    def __init__(self, host, port=25):
        self.where = host
        super().__init__(A, port, local_hostname="client.test", timeout=PATIENCE)

    def _get_socket(self, host, port, timeout):
        return self.where.connect(host, port, timeout)


def try_to_send(c):
    c.mail("bob@a.test")
    code, _ = c.rcpt("carol@b.test")
    c.rset()
    return code


def test_smtplib(filed, village, postfix):
    g = filed()
    for mechanism in ("PLAIN", "LOGIN"):
        with Client(village.b) as c:
            c.ehlo()
            assert c.esmtp_features["auth"].split() == ["SCRAM-SHA-256", "PLAIN", "LOGIN"]
            assert try_to_send(c) == 554
            c.user, c.password = "bob", "pencil"
            code, _ = c.auth(mechanism, getattr(c, f"auth_{mechanism.lower()}"))
            assert code == 235
            c.sendmail("bob@a.test", "carol@b.test", simple(f"by {mechanism}"))
        name = g.wait_log(rf"(\w+): client=\S+, sasl_method={mechanism}, "
                          r"sasl_username=bob$")[1]
        g.wait_log(rf"{name}: to=<carol@b\.test>, .*status=sent")
    message = postfix.inbox("carol").wait(2)[0]
    assert "with ESMTPA id" in parse(message)["Received"] or \
        any("with ESMTPA id" in one for one in parse(message).get_all("Received"))


def test_no_hash_and_no_key_is_where_a_session_is(filed, village):
    """T-38: the file is the doorkeeper's to read, and nobody else's."""
    g = filed()
    st = os.stat(g.host.path(f"{g.base}/passwd"))
    assert (st.st_mode & 0o777, st.st_uid, st.st_gid) == (0o640, 0, SYSTEM["godwita"])
    for user in ("godwit", "godwitq", "alice"):
        told = g.host.run(["cat", f"{g.base}/passwd"], user=user, check=False)
        assert b"Permission denied" in told.stderr
    door = os.stat(g.host.path(f"{g.run_dir}/door.sock"))
    assert (door.st_mode & 0o777, door.st_uid) == (0o600, SYSTEM["godwit"])
    doorkeeper = wait(lambda: g.process("doorkeeper"), "the doorkeeper runs")

    def caged():
        status = read(g.host.path(f"/proc/{doorkeeper}/status")).decode()
        return status if "\nSeccomp:\t2\n" in status else None
    status = wait(caged, "the doorkeeper is in its cage")
    assert "\nUid:" + 4 * f"\t{SYSTEM['godwita']}" + "\n" in status
    assert "\nNoNewPrivs:\t1\n" in status
    # No secret stays in the log.
    with Client(village.b) as c:
        c.ehlo()
        c.docmd("AUTH", "PLAIN " + base64.b64encode(b"\0bob\0rubber").decode())
    g.wait_log("authentication failed")
    assert "rubber" not in g.log() and "cnViYmVy" not in g.log()


def guess(host, times):
    with Client(host) as c:
        c.ehlo()
        for n in range(times):
            code, _ = c.docmd("AUTH", "PLAIN " +
                              base64.b64encode(b"\0bob\0no%d" % n).decode())
            assert code == 535


def test_fail2ban(filed, village):
    """Whom its filter for Postfix, in mode auth, finds in our log."""
    g = filed()
    guess(village.b, 2)
    with Client(village.b) as c:
        c.login("bob", "pencil")
    os.rename(f"{g.run_dir}/door.sock", f"{g.run_dir}/away")
    with Client(village.b) as c:
        c.ehlo()
        assert c.docmd("AUTH", "PLAIN AGJvYgBubw==")[0] == 454
    g.wait_log("Connection lost to authentication server")
    found = re.findall(r"(?m)smtpd\[\d+\]: warning: [^[]*\[([0-9.]+)\]: SASL (?:LOGIN|PLAIN) "
                       r"authentication failed:(?! Connection lost to authentication server)",
                       g.log())
    assert found == [B, B]


@pytest.mark.slow
def test_the_slow_down(filed, village):
    """T-32: each failure doubles the wait; then the client is sent away."""
    g = filed()
    begun = time.monotonic()
    guess(village.b, 3)
    assert time.monotonic() - begun >= 3                    # 0, 1 and 2 seconds
    g.wait_log(r"warning: \S+\[192\.0\.2\.20\]: SASL PLAIN authentication failed: "
               r"authentication failure, sasl_username=bob$")
    with Client(village.b) as c:                            # 4 seconds
        c.ehlo()
        assert c.docmd("AUTH", "PLAIN AGJvYgBubw==")[0] == 535
    with Client(village.b) as c:                            # 8 seconds
        c.ehlo()
        assert c.docmd("AUTH", "PLAIN AGJvYgBubw==")[0] == 535
    def is_sent_away():
        """Unless that comes 8 seconds late; then the wait is twice as long again."""
        with Client(village.b) as c:
            c.ehlo()
            return c.docmd("AUTH", "PLAIN AGJvYgBubw==")[0] == 421
    assert is_sent_away() or is_sent_away()
    g.wait_log(r"authentication put off for \d+ seconds")
    # Nobody else is kept waiting; it would be for 16 seconds, or told to go.
    with g.host.connect("127.0.0.1") as s:
        s.recv(1000)
        s.sendall(b"EHLO x\r\n")
        s.recv(1000)
        begun = time.monotonic()
        s.sendall(b"AUTH PLAIN AGJvYgBwZW5jaWw=\r\n")
        assert s.recv(1000).startswith(b"235")
        assert time.monotonic() - begun < 8


def plain(name, secret="wrong"):
    return "AUTH PLAIN " + base64.b64encode(f"\0{name}\0{secret}".encode()).decode()


def session_from(host, address, preface=b""):
    """A session with us, greeted, of a client with that address."""
    with host.net():
        s = socket.socket()
    s.settimeout(PATIENCE)
    s.bind((address, 0))
    s.connect((A, 25))
    s.sendall(preface)
    s.recv(1000)
    s.sendall(b"EHLO x\r\n")
    s.recv(1000)
    return s


def ask(s, line):
    """The answer, and the seconds until it came."""
    begun = time.monotonic()
    s.sendall(line.encode() + b"\r\n")
    answer = s.recv(1000).decode()
    return answer, time.monotonic() - begun


def fail_by_plain(s, name):
    answer, taken = ask(s, plain(name))
    assert answer.startswith("535 5.7.8 "), answer
    return taken


def fail_by_scram(s, name):
    """What the challenge takes and what the refusal takes, together."""
    first = base64.b64encode(f"n,,n={name},r=abc".encode()).decode()
    answer, taken = ask(s, "AUTH SCRAM-SHA-256 " + first)
    assert answer.startswith("334 "), answer
    nonce = base64.b64decode(answer[4:]).split(b",")[0]
    final = b"c=biws," + nonce + b",p=" + base64.b64encode(bytes(32))
    answer, more = ask(s, base64.b64encode(final).decode())
    assert answer.startswith("535 5.7.8 "), answer
    return taken + more


@pytest.fixture
def crowd(village):
    """Every address of 10.0.0.0/8 is host b's."""
    village.a.shell("ip route add 10.0.0.0/8 via 192.0.2.20")
    village.b.shell("ip route add local 10.0.0.0/8 dev lo")
    yield village.b
    village.a.shell("ip route del 10.0.0.0/8 via 192.0.2.20")
    village.b.shell("ip route del local 10.0.0.0/8 dev lo")


def measure(host, fail, kinds, tries, again=0):
    """Quartiles of the time that each name takes, in milliseconds.  Each try is
    from a network that has not failed before; the names take turns."""
    times = {name: [] for name in kinds}
    networks = (f"10.{n >> 8}.{n & 255}.1" for n in itertools.count(again << 12))
    for _ in range(tries):
        for name in kinds:
            with session_from(host, next(networks)) as s:
                times[name].append(fail(s, name) * 1000)
    spread = {name: statistics.quantiles(all, n=4) for name, all in times.items()}
    print("\n" + "\n".join(f"{fail.__name__} {name}: median {q[1]:.2f} ms, quartiles "
                           f"{q[0]:.2f} and {q[2]:.2f}, {tries} tries"
                           for name, q in spread.items()))
    return spread


def are_same(spread):
    """Nobody could tell one from another by less than many tries: the medians
    differ less than one try does from the next."""
    middle = [q[1] for q in spread.values()]
    widest = max(q[2] - q[0] for q in spread.values())
    return max(middle) - min(middle) <= max(widest, 0.1 * min(middle))


def assert_same(host, fail, kinds, tries):
    """What differs does so each time; what else the machine does, does not."""
    spreads = []
    while not spreads or not are_same(spreads[-1]):
        assert len(spreads) < 4, spreads
        spreads.append(measure(host, fail, kinds, tries, len(spreads)))


MANY = [20, pytest.param(200, marks=pytest.mark.slow)]


@pytest.mark.parametrize("tries", MANY)
@pytest.mark.parametrize("fail", [fail_by_plain, fail_by_scram])
def test_time_does_not_tell_who_exists(filed, crowd, fail, tries):
    """T-38: a wrong password, a locked user and an unknown one."""
    g = filed()
    path = g.host.path(f"{g.base}/passwd")
    write(path, read(path).decode() + "locked:!\n", 0o640)
    os.chown(path, 0, SYSTEM["godwita"])
    assert_same(crowd, fail, ["bob", "locked", "ghost"], tries)


def test_two_hundred_at_once(filed, crowd):
    """T-32: from as many networks, in a burst; each is answered, and none put off."""
    filed("sessions 400\nconnections-per-second 0\n")
    words = "AUTH PLAIN " + base64.b64encode(b"\0bob\0pencil").decode() + "\r\n"
    with contextlib.ExitStack() as stack:
        all_ = [stack.enter_context(session_from(crowd, f"10.0.{n}.1")) for n in range(200)]
        for s in all_:
            s.sendall(words.encode())
        said = []
        for s in all_:
            s.settimeout(120)
            said.append(s.recv(200)[:9])
    assert said == [b"235 2.7.0"] * 200, collections.Counter(said)


def test_who_falls_silent_keeps_nobody_out(filed, crowd):
    """T-32: more exchanges that nobody ends than there are processes that may
    reckon at once.  Each is left to itself for 20 seconds."""
    filed()
    first = "AUTH SCRAM-SHA-256 " + base64.b64encode(b"n,,n=bob,r=abc").decode()
    with contextlib.ExitStack() as silent:
        for n in range(40):
            s = silent.enter_context(session_from(crowd, f"10.0.{n}.1"))
            assert ask(s, first)[0].startswith("334 ")
        with session_from(crowd, "10.1.0.1") as s:
            answer, taken = ask(s, plain("bob", "pencil"))
            assert answer.startswith("235 ") and taken < 10


def test_who_stands_behind_a_proxy(filed, village):
    """T-32: he waits for his own failures and not for those of his neighbours;
    a client that nobody names is counted as the proxy.  Who would have to wait
    for more than 8 seconds is sent away: that is after five."""
    filed(f"listen smtp proxy from {B}\n")

    def fail(who):
        preface = b"PROXY UNKNOWN\r\n" if who is None else \
            f"PROXY TCP4 {who} {A} 999 25\r\n".encode()
        with session_from(village.b, B, preface) as s:
            return ask(s, plain("bob"))[0][:4]

    def fail_until_sent_away(who):
        said = [fail(who)]
        while said[-1] == "535 " and len(said) < 9:
            said.append(fail(who))
        assert said == ["535 "] * (len(said) - 1) + ["421 "] and len(said) > 5, (who, said)

    with concurrent.futures.ThreadPoolExecutor() as pool:
        for done in [pool.submit(fail_until_sent_away, who) for who in ("198.51.100.1", None)]:
            done.result()
    for neighbour in "203.0.113.1", "127.0.0.1":
        assert fail(neighbour) == "535 "


def post_by_curl(host, *words, check=True):
    return host.run(["curl", "--silent", "--show-error", "--verbose", "--url",
                     f"smtp://{A}/client.test", "--mail-from", "bob@a.test", "--mail-rcpt",
                     "alice@a.test", "--upload-file", "-", *words],
                    input=simple("by curl"), check=check)


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_curl(filed, village, mechanism):
    g = filed()
    post_by_curl(village.b, "--user", "bob:pencil", "--login-options", f"AUTH={mechanism}")
    g.wait_mail("alice")
    g.wait_log(rf"sasl_method={mechanism}, sasl_username=bob$")
    done = post_by_curl(village.b, "--user", "bob:pen", "--login-options",
                        f"AUTH={mechanism}", check=False)
    assert done.returncode == 67, done          # CURLE_LOGIN_DENIED


def post_by_msmtp(host, mechanism, secret="pencil"):
    return host.run(["msmtp", f"--host={A}", "--port=25", "--from=bob@a.test",
                     f"--auth={mechanism}", "--user=bob", f"--passwordeval=echo {secret}",
                     "--tls=on", "--tls-certcheck=off", "--debug", "--", "alice@a.test"],
                    input=simple("by msmtp"), check=False)


@pytest.mark.parametrize("mechanism", ["plain", "login", "scram-sha-256"])
def test_msmtp(secured, village, mechanism):
    g = secured()
    done = post_by_msmtp(village.b, mechanism)
    assert done.returncode == 0, done
    mail, = g.wait_mail("alice")
    assert b"with ESMTPSA id" in mail
    g.wait_log(rf"sasl_method={mechanism.upper()}, sasl_username=bob$")
    assert post_by_msmtp(village.b, mechanism, "pen").returncode == 77   # EX_NOPERM
    g.wait_log(rf"SASL {mechanism.upper()} authentication failed: "
               r"authentication failure, sasl_username=bob$")


def test_swaks(filed, village):
    g = filed()
    for mechanism in ("PLAIN", "LOGIN"):
        done = village.b.run(["swaks", "--server", A, "--auth", mechanism,
                              "--auth-user", "bob", "--auth-password", "pencil",
                              "--from", "bob@a.test", "--to", "alice@a.test"])
        assert b"235 2.7.0" in done.stdout, done.stdout
    g.wait_mail("alice", 2)


def gsasl(host, mechanism, secret):
    return host.run(["gsasl", "--smtp", f"--connect={A}:25", "-m", mechanism,
                     "-a", "bob", "-p", secret, "--no-starttls", "--quiet"],
                    check=False, input=b"")


def test_scram_of_another_make(filed, village):
    g = filed()
    done = gsasl(village.b, "SCRAM-SHA-256", "pencil")
    assert b"235 2.7.0" in done.stdout, done
    g.wait_log("disconnect from")
    done = gsasl(village.b, "SCRAM-SHA-256", "pen")
    assert b"235" not in done.stdout
    g.wait_log(r"SASL SCRAM-SHA-256 authentication failed: "
               r"authentication failure, sasl_username=bob$")


def test_the_doorkeeper_dies(filed, village):
    """It is started again; who asks meanwhile is told to come later."""
    g = filed()
    first = wait(lambda: g.process("doorkeeper"), "the doorkeeper runs")
    g.host.run(["kill", "-KILL", first])
    wait(lambda: g.process("doorkeeper") not in (None, first), "there is another")
    with Client(village.b) as c:
        c.login("bob", "pencil", initial_response_ok=False)


def packet(kind, *fields, flags=0):
    return bytes([kind, flags]) + b"".join(
        len(f).to_bytes(2, "little") + f for f in fields)


KNOCK, ENTER, CHALLENGE, YES, LATER = 1, 15, 16, 17, 19
HUGE = packet(CHALLENGE, bytes(17000))


@pytest.mark.parametrize("said", [
    (), (b"\xff" * 10,), (b"\x0f",), (HUGE,), (packet(CHALLENGE, b"x"),),
    (packet(YES, b"", b""),), (packet(YES, b"b\nob", b""),),
    (packet(ENTER) + b"x",),
    (packet(ENTER),), (packet(ENTER), b"\xff" * 10), (packet(ENTER), HUGE),
    (packet(ENTER), packet(ENTER)), (packet(ENTER), packet(CHALLENGE, b"x")),
    (packet(ENTER), packet(YES, b"x" * 256, b"")), (packet(ENTER), packet(YES, b"bob")),
    (packet(ENTER), packet(LATER, b"tomorrow")),
])
def test_a_doorkeeper_that_is_none(filed, village, said):
    """T-23: it closes, talks nonsense or too much, at each step."""
    g = filed()
    path = f"{g.run_dir}/door.sock"
    os.remove(path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as door:
        door.bind(path)
        os.chmod(path, 0o666)
        door.listen()
        with session_from(village.b, B) as s:
            s.sendall(plain("bob", "pencil").encode() + b"\r\n")
            visitor, _ = door.accept()
            with visitor:
                knock, fds, _, _ = socket.recv_fds(visitor, 100, 5)
                assert (knock, fds) == (packet(KNOCK, b"", A.encode()), [])
                for n, one in enumerate(said):
                    visitor.send(one)
                    if n == 0 and one == packet(ENTER):
                        assert visitor.recv(1000).endswith(b"pencil")
            assert s.recv(1000).startswith(b"454 4.7.0 ")
            assert ask(s, "MAIL FROM:<bob@b.test>")[0].startswith("250 ")
            assert ask(s, "RCPT TO:<carol@b.test>")[0].startswith("554 ")
    g.wait_log("SASL PLAIN authentication failed: Connection lost to authentication server: ")


def test_who_asks_for_one_sees_nobody_else(filed, crowd):
    """T-21: the process of one attempt has its own descriptors alone."""
    g = filed()
    first = "AUTH SCRAM-SHA-256 " + base64.b64encode(b"n,,n=bob,r=abc").decode()
    with session_from(crowd, "10.0.0.1") as one, session_from(crowd, "10.0.1.1") as two:
        for s in one, two:
            assert ask(s, first)[0].startswith("334 ")
        keeper = g.process("doorkeeper")
        desks = [pid for pid, parent, _ in g.processes() if parent == keeper]
        assert len(desks) == 2
        for pid in desks:
            fds = g.host.path(f"/proc/{pid}/fd")
            kinds = sorted(os.readlink(f"{fds}/{n}").split(":")[0] for n in os.listdir(fds))
            said = [g.base + "/output"] * 2
            assert kinds == sorted(["/dev/null", *said, g.log_path, "pipe", "socket"])


def offers_login(host):
    with Client(host) as c:
        c.ehlo()
        return "auth" in c.esmtp_features


def test_reload(house, village):
    """Login comes with a reload and goes with one."""
    g = house()
    assert g.process("doorkeeper") is None
    g.configure(f"login file {g.base}/passwd\n{OPEN}")
    passwd(g, "bob", "pencil")
    g.signal("HUP")
    g.wait_log("reload: done")
    wait(lambda: g.process("doorkeeper"), "the doorkeeper runs")
    # The old master may have let in one or two before it heard.
    wait(lambda: offers_login(village.b), "it is offered")
    with Client(village.b) as c:
        c.login("bob", "pencil")
    passwd(g, "bob", "other")                   # counts at once
    with Client(village.b) as c:
        c.login("bob", "other")
    mark = g.mark()
    g.configure("")
    g.signal("HUP")
    g.wait_log("reload: done", since=mark)
    wait(lambda: g.process("doorkeeper") is None, "the doorkeeper has gone")
    wait(lambda: not offers_login(village.b), "it is offered no more")
    with Client(village.b) as c:
        c.ehlo()
        assert c.docmd("AUTH", "PLAIN")[0] == 502


def test_sessions_of_former_masters(filed, village):
    """Who is in when the configuration is read again logs in afterwards; so does
    one whose master has died."""
    g = filed("connections-per-minute 0\nsessions-per-client 0\n")

    def children(of):
        return {pid for pid, parent, title in g.processes() if parent == of and
                title.split()[0] == "master"}

    def come(master):
        """A session of that master, and of no other."""
        before = children(master)
        s = session_from(village.b, B)
        if children(master) > before:
            return s
        s.close()
        return None
    first, = children(g.pid())
    with wait(lambda: come(first), "a session") as oldest:
        g.signal("HUP")
        wait(lambda: len(children(g.pid())) == 2, "a new master")
        second, = children(g.pid()) - {first}
        with wait(lambda: come(second), "a session of the new one") as old:
            g.host.run(["kill", "-KILL", second])
            wait(lambda: children(g.pid()) - {first, second}, "a third one")
            for s in oldest, old:
                assert ask(s, plain("bob", "pencil"))[0].startswith("235 ")


def test_submission(filed, village):
    g = filed("listen smtp\nlisten submission\n")
    with Client(village.b, 587) as c:
        c.ehlo()
        assert c.docmd("MAIL", "FROM:<bob@a.test>")[0] == 530
        c.login("bob", "pencil")
        c.sendmail("bob@a.test", "alice@a.test", simple("submitted"))
    g.wait_mail("alice")


def test_explain_of_a_login(filed, village):
    """What `godwit explain' says of it, a session says."""
    g = filed("listen smtp\nlisten submission\naccept login bob from bob@a.test\n"
              "reject login * from @a.test with \"550 5.7.1 not yours\"\n")
    for port, service in (25, "smtp"), (587, "submission"):
        for login in None, "bob":
            for sender in "bob@a.test", "alice@a.test", "x@b.test":
                words = ["--client", B, "--on", service, "--from", sender]
                told = g.host.run([g.program("godwit"), "explain", "-f", g.conf, *words,
                                   *(["--login", login] if login else []),
                                   "carol@b.test"], check=False)
                with Client(village.b, port) as c:
                    c.ehlo()
                    if login:
                        c.login(login, "pencil")
                    code, text = c.mail(sender)
                    if code == 250:
                        code, text = c.rcpt("carol@b.test")
                assert (told.returncode == 0) == (code == 250), (told, code, text)
                if code != 250:
                    assert text.split(b"\n")[0] in told.stdout, (told, code, text)
                elif login:
                    assert b"bob has logged in" in told.stdout


def test_mailq_says_who(filed, village):
    g = filed("workers 0\n")
    with Client(village.b) as c:
        c.login("bob", "pencil")
        c.sendmail("bob@a.test", "carol@b.test", simple("waits"))
    assert b'"login":"bob"' in g.queue("list", "--json").stdout


# ---------------------------------------------------------------- under TLS

def certify(g, name):
    """A certificate and its key; who trusts the one trusts its holder."""
    g.host.shell(f"umask 077; openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 "
                 f"-nodes -days 9 -subj /CN={name} -keyout {g.base}/{name}.key "
                 f"-out {g.base}/{name}.crt 2>/dev/null")
    return f"{g.base}/{name}.crt", f"{g.base}/{name}.key"


@pytest.fixture
def secured(house):
    def start(more=""):
        g = house(start=False)
        crt, key = certify(g, "a.test")
        certify(g, "bob")
        g.configure(f"tls certificate {crt} key {key}\nlogin file {g.base}/passwd\n"
                    f"{more.format(base=g.base)}")
        passwd(g, "bob", "pencil")
        return g.start()
    return start


def context(g=None):
    c = ssl.create_default_context()
    c.check_hostname, c.verify_mode = False, ssl.CERT_NONE
    if g is not None:
        c.load_cert_chain(g.host.path(f"{g.base}/bob.crt"), g.host.path(f"{g.base}/bob.key"))
    return c


def test_only_under_tls(secured, village):
    g = secured()
    with Client(village.b) as c:
        c.ehlo()
        assert "auth" not in c.esmtp_features
        assert c.docmd("AUTH", "PLAIN AGJvYgBwZW5jaWw=")[0] == 538
        c.starttls(context=context())
        c.ehlo()
        assert c.esmtp_features["auth"].split() == [
            "SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN", "LOGIN"]
        c.login("bob", "pencil")
        c.sendmail("bob@a.test", "alice@a.test", simple("secret"))
    mail, = g.wait_mail("alice")
    assert b"with ESMTPSA id" in mail


def test_what_was_said_in_clear_is_forgotten(secured, village):
    """RFC 3207 4.2, T-3"""
    secured("login without tls\n")
    with Client(village.b) as c:
        c.login("bob", "pencil")
        assert try_to_send(c) == 250
        c.starttls(context=context())
        c.ehlo()
        assert try_to_send(c) == 554


def pump(one, other):
    with contextlib.suppress(OSError):
        while got := one.recv(65536):
            other.sendall(got)
    with contextlib.suppress(OSError):
        other.shutdown(socket.SHUT_WR)


def greet_for(listener, to):
    """gsasl says STARTTLS without an EHLO before it: this says it for gsasl,
    and then passes on what it does not understand."""
    client, _ = listener.accept()
    server = to()
    with client, server:
        client.sendall(server.recv(1000))
        said = b""
        while not said.endswith(b"\n"):                # in two pieces, sometimes
            said += client.recv(1)
        assert said.strip() == b"STARTTLS"
        server.sendall(b"EHLO client.test\r\n")
        assert b"STARTTLS" in server.recv(1000)
        server.sendall(b"STARTTLS\r\n")
        client.sendall(server.recv(1000))
        back = threading.Thread(target=pump, args=(server, client))
        back.start()
        pump(client, server)
        back.join()


def test_channel_binding_of_another_make(secured, village):
    """By tls-unique, with TLS 1.2: Debian 12's gsasl does not get through a
    handshake of TLS 1.3 here."""
    g = secured()
    with village.b.listen("127.0.0.1", 2525) as listener:
        between = threading.Thread(target=greet_for, args=(
            listener, lambda: village.b.connect(A, 25)))
        between.start()
        done = village.b.run(["gsasl", "--smtp", "--connect=127.0.0.1:2525", "-m",
                              "SCRAM-SHA-256-PLUS", "-a", "bob", "-p", "pencil",
                              "--starttls", "--x509-ca-file=",
                              "--priority=NORMAL:-VERS-TLS1.3"],
                             check=False, input=b"")
        between.join()
    assert b"235 2.7.0" in done.stdout, (done, g.log())
    first = re.search(rb"334 \r\n(\S+)", done.stdout)[1]
    assert base64.b64decode(first).startswith(b"p=tls-unique,,n=bob,")


def test_external(secured, village):
    """Who shows a certificate that we trust need not say a password."""
    g = secured("tls-client-certificates ask\ntls-client-authorities {base}/bob.crt\n"
                "login mechanisms external plain\n")
    with Client(village.b) as c:
        c.starttls(context=context())
        c.ehlo()
        assert c.esmtp_features["auth"].split() == ["PLAIN"]
        assert c.docmd("AUTH", "EXTERNAL =")[0] == 504
    with Client(village.b) as c:
        c.starttls(context=context(g))
        c.ehlo()
        assert c.esmtp_features["auth"].split() == ["EXTERNAL", "PLAIN"]
        assert c.docmd("AUTH", "EXTERNAL " + base64.b64encode(b"root").decode())[0] == 535
        assert c.docmd("AUTH", "EXTERNAL =")[0] == 235
        assert try_to_send(c) == 250


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_external_when_resumed(secured, village, version):
    """The certificate that was shown the first time is the client's in a session that
    is resumed, and nobody else's."""
    g = secured("listen submissions\ntls-client-certificates ask\n"
                "tls-client-authorities {base}/bob.crt\nlogin mechanisms external plain\n")
    c = context(g)
    c.minimum_version = c.maximum_version = ssl.TLSVersion[version]
    ticket = None
    for resumed in False, True:
        with c.wrap_socket(village.b.connect(A, 465), session=ticket) as s:
            assert s.recv(1000).startswith(b"220 ")
            assert s.session_reused is resumed
            s.sendall(b"EHLO x\r\n")
            assert b"EXTERNAL" in s.recv(4096)
            s.sendall(b"AUTH EXTERNAL =\r\n")
            assert s.recv(1000).startswith(b"235 ")
            ticket = s.session
    # Without a certificate no ticket makes up for it.
    with context().wrap_socket(village.b.connect(A, 465)) as s:
        assert s.recv(1000).startswith(b"220 ")
        s.sendall(b"EHLO x\r\n")
        assert b"EXTERNAL" not in s.recv(4096)


def test_external_of_another_make(secured, village):
    g = secured("tls-client-certificates ask\ntls-client-authorities {base}/bob.crt\n"
                "login mechanisms external\n")
    mine = [f"{village.b.base}/bob.{kind}" for kind in ("crt", "key")]
    for path in mine:
        write(path, read(g.host.path(f"{g.base}/{os.path.basename(path)}")).decode(), 0o600)
    post_by_curl(village.b, "--ssl-reqd", "--insecure", "--cert", mine[0], "--key", mine[1],
                 "--user", "bob:", "--login-options", "AUTH=EXTERNAL")
    g.wait_mail("alice")
    g.wait_log(r"sasl_method=EXTERNAL, sasl_username=bob$")


# ---------------------------------------------------------------- Dovecot

TOKEN_KEY = b"a key that only the issuer and Dovecot know"


def token(name, key=TOKEN_KEY, lasts=600):
    """A JSON web token (RFC 7519), signed with HMAC-SHA-256."""
    def put(part):
        return base64.urlsafe_b64encode(part).rstrip(b"=")

    now = int(time.time())
    text = b".".join(put(json.dumps(part).encode()) for part in (
        {"typ": "JWT", "alg": "HS256"},
        {"sub": name, "iat": now - 5, "nbf": now - 5, "exp": now + lasts}))
    return (text + b"." + put(hmac.digest(key, text, hashlib.sha256))).decode()


@pytest.fixture
def dovecot(village, request):
    """Debian's, as nothing but an authentication server, on host a."""
    host = village.a
    base = f"{host.base}/dovecot"
    host.run(["rm", "-rf", base])
    os.mkdir(base, 0o755)
    secret = host.run(["doveadm", "pw", "-s", "SCRAM-SHA-256", "-p", "pencil"])
    write(f"{base}/users", f"bob:{secret.stdout.decode().strip()}\n")
    os.makedirs(f"{base}/keys/default/HS256")
    write(f"{base}/keys/default/HS256/default", base64.b64encode(TOKEN_KEY).decode())
    write(f"{base}/oauth2", f"""
introspection_mode = local
local_validation_key_dict = fs:posix:prefix={base}/keys/
username_attribute = sub
""")
    write(f"{base}/conf", f"""
base_dir = {base}/run
state_dir = {base}/state
log_path = {base}/log
auth_debug = yes
protocols =
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login scram-sha-256 xoauth2 oauthbearer
auth_failure_delay = 0
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {base}/oauth2
}}
passdb {{
  driver = passwd-file
  mechanisms = plain login scram-sha-256
  args = {base}/users
}}
userdb {{
  driver = static
  args = uid=2002 gid=2002 home=/tmp
}}
service auth {{
  unix_listener auth-client {{
    mode = 0660
    group = godwita
  }}
}}
""")
    child = host.start(["dovecot", "-F", "-c", f"{base}/conf"],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait(lambda: os.path.exists(host.path(f"{base}/run/auth-client")), "Dovecot runs")
    yield f"{base}/run/auth-client"
    host.run(["doveadm", "-c", f"{base}/conf", "stop"], check=False)
    wait(lambda: child.poll() is not None, "Dovecot ends")


def test_dovecot(house, village, dovecot):
    g = house(f"login dovecot unix:{dovecot}\n{OPEN}"
              "login mechanisms scram-sha-256 plain login\n")
    with Client(village.b) as c:
        c.login("bob", "pencil")
        assert try_to_send(c) == 250
    assert b"235 2.7.0" in gsasl(village.b, "SCRAM-SHA-256", "pencil").stdout
    with Client(village.b) as c:
        c.ehlo()
        with pytest.raises(smtplib.SMTPAuthenticationError):
            c.user, c.password = "bob", "pen"
            c.auth("PLAIN", c.auth_plain)
    assert b"235" not in gsasl(village.b, "SCRAM-SHA-256", "pen").stdout
    g.wait_log(r"SASL PLAIN authentication failed: authentication failure, "
               r"sasl_username=bob$")


@pytest.mark.parametrize("mechanism", ["XOAUTH2", "OAUTHBEARER"])
def test_tokens(house, village, dovecot, mechanism):
    """A real token, which Dovecot proves, from a real client."""
    g = house(f"login dovecot unix:{dovecot}\n{OPEN}login mechanisms {mechanism}\n")
    bearer = ("--user", "bob", "--login-options", f"AUTH={mechanism}", "--oauth2-bearer")
    post_by_curl(village.b, *bearer, token("bob"))
    g.wait_mail("alice")
    g.wait_log(rf"sasl_method={mechanism}, sasl_username=bob$")
    for bad in token("bob", b"another key"), token("bob", lasts=-60):
        done = post_by_curl(village.b, *bearer, bad, check=False)
        assert done.returncode == 67, done
        g.wait_log(rf"SASL {mechanism} authentication failed: authentication failure")


def test_what_a_token_needs(house, village, dovecot):
    """RFC 7628 4.3: who asks for that is told, however often, and has not failed."""
    g = house(f"login dovecot unix:{dovecot}\n{OPEN}login mechanisms OAUTHBEARER\n")
    query = base64.b64encode(b"n,a=bob,\1host=a.test\1port=25\1auth=\1\1").decode()
    with Client(village.b) as c:
        c.ehlo()
        for _ in range(4):
            code, text = c.docmd("AUTH", "OAUTHBEARER " + query)
            assert code == 334 and json.loads(base64.b64decode(text)) == {"status": "invalid_token"}
            assert c.docmd("AQ==")[0] == 535
        said = base64.b64encode(f"n,a=bob,\1auth=Bearer {token('bob')}\1\1".encode()).decode()
        assert c.docmd("AUTH", "OAUTHBEARER " + said)[0] == 235
    assert "authentication failed" not in g.log()


def test_dovecot_is_away(house, village):
    g = house(f"login dovecot unix:/nonexistent/auth-client\n{OPEN}")
    with Client(village.b) as c:
        c.ehlo()
        code, text = c.docmd("AUTH", "PLAIN AGJvYgBwZW5jaWw=")
        assert (code, text[:5]) == (454, b"4.7.0")
    g.wait_log("Connection lost to authentication server: Dovecot: ")


# ---------------------------------------------------------------- PAM

def know_alice(host):
    """A user of the system, with the password pencil."""
    hashed = host.run(["openssl", "passwd", "-6", "-salt", "saltstring", "pencil"])
    shadow = read(host.path("/etc/shadow")).decode()
    if "alice:" not in shadow:
        write(host.path("/etc/shadow"), shadow +
              f"alice:{hashed.stdout.decode().strip()}:19000:0:99999:7:::\n", 0o600)
    write(host.path("/etc/pam.d/godwit-test"),
          "auth required pam_unix.so nodelay\naccount required pam_unix.so\n")


def test_pam(house, village):
    """The users of the system, as PAM's own module knows them."""
    know_alice(village.a)
    g = house(f"login pam godwit-test\n{OPEN}")
    with Client(village.b) as c:
        c.ehlo()
        assert c.esmtp_features["auth"].split() == ["PLAIN", "LOGIN"]
        c.login("alice", "pencil")
        assert try_to_send(c) == 250
    with Client(village.b) as c:
        with pytest.raises(smtplib.SMTPAuthenticationError):
            c.login("alice", "pen")
    g.wait_log(r"SASL PLAIN authentication failed: authentication failure, "
               r"sasl_username=alice$")
    with Client(village.b) as c:
        c.ehlo()
        assert c.docmd("AUTH", "PLAIN AGdob3N0AHBlbmNpbA==")[0] == 535


def test_who_asks_pam(house, village):
    """T-21: root is the prover alone, who is nobody's but the doorkeeper's."""
    know_alice(village.a)
    g = house(f"login pam godwit-test\n{OPEN}")

    def people():
        """(doorkeeper, prover), when both are what they are to be."""
        found = {title.split()[0]: pid for pid, _, title in g.processes()}
        both = found.get("doorkeeper"), found.get("prover")
        if None in both:
            return None
        try:
            text = [read(g.host.path(f"/proc/{pid}/status")).decode() for pid in both]
        except ProcessLookupError:              # it has just ended
            return None
        return both if "\nSeccomp:\t2\n" in text[0] and "\nNoNewPrivs:\t1\n" in text[1] \
            else None
    doorkeeper, prover = wait(people, "doorkeeper and prover")
    for pid, uid in (doorkeeper, SYSTEM["godwita"]), (prover, 0):
        status = read(g.host.path(f"/proc/{pid}/status")).decode()
        assert "\nUid:" + 4 * f"\t{uid}" + "\n" in status
    assert not [n for n in os.listdir(g.host.path(g.run_dir)) if "prover" in n]
    # Neither lives without the other.
    for victim in 1, 0:
        before = wait(people, "doorkeeper and prover")
        g.host.run(["kill", "-KILL", before[victim]])
        wait(lambda: (now := people()) and not set(now) & set(before), "two others")
    with Client(village.b) as c:
        c.login("alice", "pencil", initial_response_ok=False)


@pytest.mark.parametrize("tries", [6, pytest.param(200, marks=pytest.mark.slow)])
def test_pam_takes_its_time(house, crowd, village, tries):
    """T-38, for those whom the system knows."""
    know_alice(village.a)
    house(f"login pam godwit-test\n{OPEN}")
    assert_same(crowd, fail_by_plain, ["alice", "ghost"], tries)
