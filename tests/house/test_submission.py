# SPDX-License-Identifier: ISC
"""Mail from users: swaks, smtplib, curl and msmtp on the ports 587 and 465, as
their users use them, and the messages read back from a Maildir, byte by byte.
The clients stand on host b, which may not relay."""
import contextlib
import json
import os
import re
import smtplib
import socket

import pytest

from house import A, PATIENCE, parse, read, wait
from test_login import certify, context, passwd

SERVICES = "listen smtp\nlisten submission\nlisten submissions\ndeliver maildir\n"
LETTER = ("From: Bob <bob@a.test>\r\nTo: alice@a.test\r\nBcc: dave@a.test,\r\n carol@b.test\r\n"
          "Subject: to alice\r\nMessage-ID: <1@a.test>\r\n"
          "Date: Sun, 22 Nov 2026 06:22:26 +0000\r\n\r\nHello.\r\n")
SEEN = ("From: Bob <bob@a.test>\nTo: alice@a.test\nSubject: to alice\nMessage-ID: <1@a.test>\n"
        "Date: Sun, 22 Nov 2026 06:22:26 +0000\n\nHello.\n")


@pytest.fixture
def opened(house):
    """A godwit on all ports, with a certificate and the users bob and dave."""
    def start(more="", lists=None):
        g = house(start=False)
        crt, key = certify(g, "a.test")
        for name, text in (lists or {}).items():
            g.host.run(["tee", f"{g.base}/{name}"], input=text.encode())
        g.configure(f"tls certificate {crt} key {key}\nlogin file {g.base}/passwd\n"
                    f"{SERVICES}{more.format(base=g.base)}")
        passwd(g, "bob", "pencil")
        passwd(g, "dave", "pencil")
        return g.start()
    return start


class Client(smtplib.SMTP):
    """smtplib's, from host b; on port 465 with TLS at once."""

    def __init__(self, host, port=587, name=None):
        self.where = host
        super().__init__(A, port, local_hostname="laptop.test", timeout=PATIENCE)
        if port == 587:
            self.starttls(context=context())
        if name:
            self.login(name, "pencil")

    def __exit__(self, *args):
        self.close()

    def _get_socket(self, host, port, timeout):
        s = self.where.connect(host, port, timeout)
        return context().wrap_socket(s) if port == 465 else s


def arrived(g, user, n=1):
    """What has come, without what has been put in front of the content."""
    found = [m.decode() for m in g.maildir(user).wait(n)]
    assert len(found) == n
    return found


def behind_trace(text):
    """Without Return-Path, Delivered-To and Received."""
    while match := re.match(r"(Return-Path|Delivered-To|Received|X-Original-To):"
                            r"[^\n]*\n([ \t][^\n]*\n)*", text):
        text = text[match.end():]
    return text


def test_strangers_must_log_in(opened, village):
    """RFC 6409 4.3, RFC 8314 3.3"""
    opened()
    with contextlib.closing(village.b.connect(A, 587)) as s:
        f = s.makefile("rwb")
        f.readline()
        f.write(b"HELO x\r\n")
        f.flush()
        assert f.readline().startswith(b"250")
        f.write(b"MAIL FROM:<bob@a.test>\r\n")
        f.flush()
        assert f.readline() == b"530 5.7.0 Must issue a STARTTLS command first\r\n"
    for port in 587, 465:
        with Client(village.b, port) as c:
            c.ehlo()
            assert "starttls" not in c.esmtp_features
            assert "auth" in c.esmtp_features and "etrn" not in c.esmtp_features
            code, text = c.mail("bob@a.test")
            assert (code, text) == (530, b"5.7.0 Authentication required")
            c.login("bob", "pencil")
            assert c.mail("bob@a.test")[0] == 250


def by_smtplib(village, port):
    with Client(village.b, port, "bob") as c:
        c.sendmail("bob@a.test", ["alice@a.test"], LETTER)


def by_swaks(village, port):
    tls = "--tls-on-connect" if port == 465 else "--tls"
    village.b.run(["swaks", "--server", A, "--port", str(port), tls, "--auth", "PLAIN",
                   "--auth-user", "bob", "--auth-password", "pencil", "--from", "bob@a.test",
                   "--to", "alice@a.test", "--data", "-"],
                  input=LETTER.replace("\r\n", "\n").encode())


def by_curl(village, port):
    scheme = "smtps" if port == 465 else "smtp"
    village.b.run(["curl", "--silent", "--show-error", "--insecure", "--ssl-reqd", "--url",
                   f"{scheme}://{A}:{port}/laptop.test", "--user", "bob:pencil",
                   "--mail-from", "bob@a.test", "--mail-rcpt", "alice@a.test",
                   "--upload-file", "-"], input=LETTER.encode())


def by_msmtp(village, port):
    # It takes Bcc out by itself unless it is told not to.
    village.b.run(["msmtp", f"--host={A}", f"--port={port}", "--from=bob@a.test", "--tls=on",
                   f"--tls-starttls={'off' if port == 465 else 'on'}", "--tls-certcheck=off",
                   "--auth=plain", "--user=bob", "--passwordeval=echo pencil",
                   "--remove-bcc-headers=off", "alice@a.test"],
                  input=LETTER.replace("\r\n", "\n").encode())


@pytest.mark.parametrize("port", (587, 465))
@pytest.mark.parametrize("client", (by_smtplib, by_swaks, by_curl, by_msmtp))
def test_a_message_read_back(opened, village, client, port):
    """Bcc has gone, and nothing else."""
    g = opened()
    client(village, port)
    text, = arrived(g, "alice")
    text = behind_trace(text)
    # swaks ends its data with an empty line of its own.
    assert text == SEEN or (client is by_swaks and text == SEEN + "\n"), text
    assert re.search(r"with ESMTPSA id", arrived(g, "alice")[0])


def test_missing_fields(opened, village):
    g = opened()
    with Client(village.b, 587, "bob") as c:
        c.sendmail("bob+home@a.test", ["alice@a.test"], "Subject: x\r\n\r\nHello.\r\n")
        c.sendmail("", ["alice@a.test"], "Hello.\r\n")
    with village.b.connect(A, 25) as s:     # and not on port 25
        f = s.makefile("rwb")
        for line in (b"", b"HELO x\r\n", b"MAIL FROM:<x@b.test>\r\n",
                     b"RCPT TO:<alice@a.test>\r\n", b"DATA\r\n",
                     b"Bcc: stays\r\nSubject: 25\r\n\r\n.\r\n"):
            f.write(line)
            f.flush()
            assert f.readline()[:1] in b"23"
    found = sorted(behind_trace(text) for text in arrived(g, "alice", 3))
    assert found[0] == "Bcc: stays\nSubject: 25\n\n"
    first, second = found[1:]
    ours = (r"Message-ID: <(\w+)@a\.test>\nDate: \w+, \d+ \w+ \d+ [\d:]+ [-+]\d+\n"
            r"From: bob%s@a\.test\n%s")
    texts = {"\\+home": "Subject: x\n\nHello\\.\n", "": "\nHello\\.\n"}
    for plus, rest in texts.items():
        assert any(re.fullmatch(ours % (plus, rest), one) for one in (first, second)), found
    for one in first, second:
        name = re.match(r"Message-ID: <(\w+)@", one)[1]
        assert f"{name}: message-id=<{name}@a.test>" in g.log()


def test_senders(opened, village):
    """A list, read again on SIGHUP, and what `godwit explain' says of it."""
    g = opened("login senders file {base}/senders\n",
               {"senders": "# who as whom\nbob bob@a.test, @sales.test\n"})
    cases = (("bob", "bob@a.test", True), ("bob", "x@sales.test", True),
             ("bob", "alice@a.test", False), ("dave", "dave@a.test", True),
             ("dave", "bob@a.test", False), ("dave", "", True))

    def try_all(expected):
        for login, sender, _ in cases:
            with Client(village.b, 587, login) as c:
                code, text = c.mail(sender)
            told = g.host.run([g.program("godwit"), "explain", "-f", g.conf, "--client",
                               "192.0.2.20", "--tls", "--on", "submission", "--login", login,
                               "--from", sender, "alice@a.test"], check=False)
            assert (code == 250) == expected[login, sender] == (told.returncode == 0), \
                (code, text, told)
            if code != 250:
                assert text == (f"5.7.1 <{sender}>: Sender address rejected: not owned by "
                                f"user {login}").encode()
                assert text in told.stdout
            yield told.stdout.decode()

    told = list(try_all({(l, s): may for l, s, may in cases}))
    assert f"  sender: bob may send as <x@sales.test>: {g.base}/senders:2: bob has " \
        "@sales.test (" in told[1]
    assert re.search(r"senders:2: bob has no such address \(\S+\.conf:\d+\)", told[2])
    assert re.search(r"dave may send as <dave@a.test>: it is his own", told[3])
    assert "dave may not send as <bob@a.test>: it is not his own" in told[4]
    assert "dave may send as <>: everybody may" in told[5]
    assert re.search(r"NOQUEUE: reject: MAIL from \S+\[192\.0\.2\.20\]: 550 5\.7\.1 "
                     r"<alice@a\.test>: Sender address rejected: not owned by user bob; "
                     r"from=<alice@a\.test> proto=ESMTP", g.log())
    g.host.run(["tee", f"{g.base}/senders"], input=b"* bob@a.test\n")
    g.signal("HUP")
    g.wait_log("reload: done")

    def holds():
        """The master before may greet once more."""
        with Client(village.b, 587, "dave") as c:
            return c.mail("bob@a.test")[0] == 250
    wait(holds, "the new list holds")
    told = list(try_all({(l, s): s in ("bob@a.test", "") for l, s, _ in cases}))
    assert "senders:1: * has bob@a.test" in told[4]


def test_a_bad_list_is_an_error(opened, village):
    g = opened("login senders file {base}/senders\n", {"senders": "bob bob@a.test\n"})
    g.host.run(["tee", f"{g.base}/senders"], input=b"bob bob\n")
    told = g.host.run([g.program("godwit"), "check", "-f", g.conf], check=False)
    assert told.returncode != 0
    assert b"senders:1:5: expected an address, @DOMAIN or *, got \"bob\"" in \
        told.stdout + told.stderr
    g.signal("HUP")
    g.wait_log("reload: the configuration stays as it was")
    with Client(village.b, 587, "bob") as c:
        assert c.mail("bob@a.test")[0] == 250
        c.rset()
        assert c.mail("alice@a.test")[0] == 550


def test_from_field_and_hidden_client(opened, village):
    g = opened("login-checks-from yes\nreceived-hides-client yes\n")
    with Client(village.b, 465, "bob") as c:
        with pytest.raises(smtplib.SMTPDataError) as caught:
            c.sendmail("bob@a.test", ["alice@a.test"],
                       "From: \"bob@a.test\" <boss@a.test>\r\n\r\n.\r\n")
        assert caught.value.smtp_error == (b"5.7.1 <boss@a.test>: From field rejected: "
                                           b"not owned by user bob")
        c.sendmail("bob@a.test", ["alice@a.test"], LETTER)
    text, = arrived(g, "alice")
    received = re.search(r"Received: ([^\n]*\n([ \t][^\n]*\n)*)", text)[1]
    assert re.match(r"by a\.test \(godwit\) with ESMTPSA id \w+\n", received), received
    assert "192.0.2.20" not in text and "laptop" not in text
    assert re.search(r"client=\S+\[192\.0\.2\.20\], sasl_method=\S+, sasl_username=bob", g.log())


# ---------------------------------------------------------------- budgets

def post(village, name, subject, *to, port=587):
    with Client(village.b, port, name) as c:
        c.sendmail(f"{name}@a.test", to or ["alice@a.test"],
                   f"Subject: {subject}\r\n\r\nHello.\r\n")


def held(g):
    """The reasons, by message."""
    lines = g.queue("list", "--json").stdout.decode().splitlines()
    return {json.loads(line)["queue_id"]: line for line in lines if "login bob" in line}


def test_budget(opened, village):
    """Beyond it mail is held, one report goes out, nothing is lost; a reload and
    a restart forget nothing, and another login is not meant."""
    g = opened("login-messages-per-hour 3\n")
    g.alias("postmaster: carol\n")
    for n in range(3):
        post(village, "bob", f"good {n}", port=(587, 465)[n % 2])
    g.maildir("alice").wait(3)
    post(village, "bob", "held 0")
    report, = g.maildir("carol").wait(1)
    assert b"login bob: more than 3 messages in one hour" in report
    assert b"\nSubject: A user's mail is held" in report and b"\nReturn-Path: <>" in b"\n" + report
    g.wait_log(r"doorkeeper\[\d+\]: warning: login bob is over its budget: more than 3 "
               r"messages in one hour; what it sends now is held")
    g.wait_log(r"\w+: hold: DATA from \S+\[192\.0\.2\.20\]: login bob: more than 3 messages "
               r"in one hour; from=<bob@a\.test> to=<alice@a\.test>")
    g.signal("HUP")
    g.wait_log("reload: done")
    post(village, "bob", "held 1")
    g.stop()
    g.start()
    post(village, "bob", "held 2")
    post(village, "dave", "good 3")
    g.maildir("alice").wait(4)
    waiting = held(g)
    assert len(waiting) == 3 and all("more than 3 messages in one hour" in one
                                     for one in waiting.values())
    assert g.mailq().count("login bob: more than 3 messages in one hour") == 3
    assert len(g.maildir("carol").files()) == 1
    for name in waiting:
        g.queue("release", name)
    g.maildir("alice").wait(7)
    subjects = sorted(parse(m)["Subject"] for m in g.maildir("alice").messages())
    assert subjects == [f"good {n}" for n in range(4)] + [f"held {n}" for n in range(3)]
    g.wait_empty()


def test_the_report_is_owed_until_it_is_made(opened, village):
    """The first beyond the budget comes to nothing, in each way that there is; so
    the next one tells."""
    g = opened("login-messages-per-hour 1\n")
    g.alias("postmaster: carol\n")
    post(village, "bob", "good")
    with Client(village.b, 587, "bob") as c:
        with pytest.raises(smtplib.SMTPDataError):
            c.sendmail("bob@a.test", ["alice@a.test"], "Received: x\r\n" * 200 + LETTER)
    with Client(village.b, 587, "bob") as c:
        c.mail("bob@a.test")
        c.rcpt("alice@a.test")
        assert c.docmd("DATA")[0] == 354
        c.sock.shutdown(socket.SHUT_RDWR)
        g.wait_log("lost connection after DATA")
    assert not held(g) and "postmaster notification" not in g.log()
    post(village, "bob", "held 0")
    report, = g.maildir("carol").wait(1)
    assert b"login bob: more than 1 message in one hour" in report
    post(village, "bob", "held 1")
    assert len(held(g)) == 2
    g.wait_empty()
    assert len(g.maildir("carol").files()) == 1
    assert g.log().count("login bob is over its budget") == 1


def test_budget_of_new_recipients(opened, village):
    g = opened("login-new-recipients-per-day 3\nworkers 0\n")
    friends = [f"friend{n}@b.test" for n in range(3)]
    post(village, "bob", "to friends", *friends)
    post(village, "bob", "to friends again", *reversed(friends))
    assert not held(g)
    post(village, "bob", "to a stranger", friends[0], "stranger@b.test")
    assert len(held(g)) == 1
    post(village, "bob", "to a friend", friends[1])
    post(village, "dave", "to a stranger", "stranger@b.test")
    assert len(held(g)) == 1


def test_the_book_is_roots_own(opened, village):
    """T-28: no process that talks to the network can open it."""
    g = opened()
    post(village, "bob", "x")
    st = os.stat(g.host.path(f"{g.run_dir}/spending"))
    assert (st.st_mode & 0o777, st.st_uid) == (0o600, 0)
    for word in ("master", "qmgr"):
        assert b"spending" not in read(g.host.path(f"/proc/{g.process(word)}/maps"))


def test_no_doorkeeper_no_mail(opened, village):
    """While the book cannot be asked, mail waits at its sender's."""
    g = opened()
    with Client(village.b, 587, "bob") as c:
        g.host.run(["mv", f"{g.run_dir}/door.sock", f"{g.run_dir}/door.away"])
        c.mail("bob@a.test")
        c.rcpt("alice@a.test")
        assert c.docmd("DATA")[0] == 451
        g.wait_log("budget of login bob: ")
        g.host.run(["mv", f"{g.run_dir}/door.away", f"{g.run_dir}/door.sock"])
        c.rset()
        c.sendmail("bob@a.test", ["alice@a.test"], LETTER)
