# SPDX-License-Identifier: ISC
"""TLS with real clients: STARTTLS, port 465, resumption, renewal, injection."""
import collections
import os
import random
import re
import smtplib
import socket
import ssl
import time

import pytest

from house import PATIENCE, simple, wait

SERVICES = "listen smtp on 127.0.0.1\nlisten submission on 127.0.0.1\n" \
    "listen submissions on 127.0.0.1\n"


def make(g, name, kind="ec -pkeyopt ec_paramgen_curve:P-256"):
    """A certificate and its key, in one file that only root may read."""
    path = f"{g.base}/{name}.pem"
    g.host.shell(f"umask 077; openssl req -x509 -newkey {kind} -nodes -days 9 -subj /CN={name} "
                 f"-keyout {path}.key -out {path}.crt 2>/dev/null; "
                 f"cat {path}.key {path}.crt >{path}.new; mv {path}.new {path}")
    return path


@pytest.fixture
def tls(house):
    def start(more="", services=SERVICES):
        g = house(start=False)
        g.configure(f"{services}tls certificate {make(g, 'one.test')}\n{more}")
        return g.start()
    return start


def context(**more):
    c = ssl.create_default_context()
    c.check_hostname = False
    c.verify_mode = ssl.CERT_NONE
    for name, value in more.items():
        setattr(c, name, value)
    return c


class Client(smtplib.SMTP):
    """A client within the host's network; port 465 speaks TLS at once."""

    def __init__(self, host, port=25, hello=True):
        self.house = host
        super().__init__(timeout=PATIENCE)
        self._host = "a.test"
        self.connect("127.0.0.1", port)
        if hello:
            self.ehlo("client.test")

    def _get_socket(self, host, port, timeout):
        s = self.house.connect(host, port)
        return context().wrap_socket(s) if port == 465 else s


def common_name(client):
    der = client.sock.getpeercert(True)
    return re.search(rb"\w+\.test", der)[0].decode()


def shown(g):
    with Client(g.host, 465) as c:
        return common_name(c)


def test_starttls(tls):
    g = tls()
    with Client(g.host) as c:
        assert c.has_extn("starttls")
        c.starttls(context=context())
        assert c.helo_resp is None and c.docmd("MAIL FROM:<a@b.test>")[0] == 503
        c.ehlo("again.test")
        assert not c.has_extn("starttls")
        assert c.docmd("STARTTLS")[0] == 503
        c.sendmail("bob@b.test", ["alice@a.test"], simple("sealed"))
    mail, = g.wait_mail("alice")
    trace = " ".join(mail.decode().split())
    assert "from again.test (unknown [127.0.0.1])" in trace
    assert re.search(r"\(using TLSv1.3 with cipher TLS_AES_128_GCM_SHA256 \(128/128 bits\)\) by a.test "
                     r"\(godwit\) with ESMTPS id \w+ for <alice@a.test>;", trace), trace
    g.wait_log(r"Anonymous TLS connection established from unknown\[127.0.0.1\]: "
               r"TLSv1.3 with cipher TLS_AES_128_GCM_SHA256 \(128/128 bits\) key-exchange x25519$")


def test_switched_off(tls):
    g = tls("extension starttls no\n")
    with Client(g.host) as c:
        assert not c.has_extn("starttls")
        assert c.docmd("STARTTLS")[0] == 502
        assert c.noop()[0] == 250


def test_requiretls_switched_off(tls):
    g = tls("extension requiretls no\n")
    with Client(g.host, 465) as c:
        assert not c.has_extn("requiretls")
        assert c.mail("alice@a.test", ["REQUIRETLS"])[0] == 555
        assert c.mail("alice@a.test")[0] == 250


@pytest.mark.parametrize("port", [587, 465])
def test_submission(tls, port):
    g = tls()
    with Client(g.host, port) as c:
        if port == 587:
            assert c.has_extn("starttls")
            c.starttls(context=context())
            c.ehlo("client.test")
        assert not c.has_extn("starttls")
        c.sendmail("bob@b.test", ["alice@a.test"], simple("sealed"))
    mail, = g.wait_mail("alice")
    trace = " ".join(mail.decode().split())
    # RFC 8314 4.3
    assert re.search(r"for <alice@a.test> tls TLS_\w+ group x25519; ", trace), trace


def test_wrong_order(tls):
    g = tls()
    with Client(g.host, hello=False) as c:
        assert c.docmd("STARTTLS")[0] == 503
        c.helo("client.test")
        assert c.docmd("STARTTLS")[0] == 503
        c.ehlo("client.test")
        assert c.docmd("STARTTLS now")[0] == 501
        c.docmd("MAIL FROM:<a@b.test>")
        assert c.docmd("STARTTLS")[0] == 503
        c.rset()
        c.starttls(context=context())
        c.ehlo("client.test")


@pytest.mark.parametrize("parts", [
    [b"STARTTLS\r\nRSET\r\nMAIL FROM:<evil@b.test>\r\n"],
    [b"STARTTLS\r\n", b"RSET\r\nMAIL FROM:<evil@b.test>\r\n"],
    [b"STARTTLS\r\nR"],
])
def test_injection(tls, parts):
    """T-2, CVE-2011-0411: what was sent in clear is never answered within TLS."""
    g = tls()
    with g.host.connect() as s:
        f = s.makefile("rb")
        assert f.readline().startswith(b"220 ")
        s.sendall(b"EHLO x\r\n")
        while f.readline()[3:4] == b"-":
            pass
        for part in parts:
            s.sendall(part)
        said = f.readline()
        if said.startswith(b"220 "):
            # The second part came behind our reply: to TLS it is noise.
            try:
                with context().wrap_socket(s) as within:
                    within.settimeout(PATIENCE)
                    assert within.recv(100) == b""
            except (ssl.SSLError, OSError):
                pass
        else:
            assert said.startswith(b"421 ") and f.read() == b""
    g.wait_log(r"disconnect from")
    assert "evil" not in g.log()


def test_injection_however_it_is_cut(tls):
    """T-2: in pieces, with and without a wait between them."""
    g = tls()
    chance, ends = random.Random(1), collections.Counter()
    text = b"STARTTLS\r\nRSET\r\nMAIL FROM:<evil@b.test>\r\nQUIT\r\n"
    for n in range(200):
        cuts = sorted(chance.sample(range(1, len(text)), chance.randint(0, 3)))
        heard = n % 20 == 0             # at the end of the command we wait
        if heard:
            cuts = [text.index(b"\n") + 1]
        with g.host.connect() as s:
            f = s.makefile("rb")
            f.readline()
            s.sendall(b"EHLO x\r\n")
            while f.readline()[3:4] == b"-":
                pass
            try:
                for begin, end in zip([0, *cuts], [*cuts, len(text)]):
                    s.sendall(text[begin:end])
                    if heard and begin == 0:
                        said = f.readline()
                    time.sleep(chance.choice((0, 0, 0.001, 0.01)))
                s.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            said = said if heard else f.readline()
            try:
                rest = f.read()
            except ConnectionResetError:
                rest = b""
        ends[said[:3]] += 1
        # Either it is told to go, or what comes is noise to TLS, at most with
        # an alert as the answer.
        assert said[:4] in (b"421 ", b"220 ")
        assert rest == b"" or (said[:3] == b"220" and rest[:2] == b"\x15\x03"), rest
    assert len(ends) == 2 and "evil" not in g.log()


def s_client(g, port, *words, said="QUIT\r\n"):
    start = [] if port == 465 else ["-starttls", "smtp"]
    return g.host.run(["timeout", "120", "openssl", "s_client", "-connect", f"127.0.0.1:{port}",
                       *start, "-ign_eof", *words], input=said.encode(), check=False).stdout.decode()


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_resumption(tls, version):
    """Each connection is a process of its own; T-26: a ticket of one service is none on another."""
    g = tls()
    ticket = g.base + "/ticket"
    for port, words, what in [(465, ["-sess_out", ticket], "New,"), (465, ["-sess_in", ticket], "Reused,"),
                              (465, ["-sess_in", ticket], "Reused,"), (25, ["-sess_in", ticket], "New,"),
                              (587, ["-sess_in", ticket], "New,")]:
        said = s_client(g, port, version, *words)
        assert re.search("^" + what, said, re.M), (port, words, said)
        assert "221 2.0.0" in said
    assert not re.search("SSL_accept error", g.log())


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_resumption_after_a_reload(tls, version):
    """T-26: the ticket of an old generation is no error, whatever becomes of it."""
    g = tls()
    ticket = g.base + "/ticket"
    assert re.search("^New,", s_client(g, 465, version, "-sess_out", ticket), re.M)
    for _ in range(2):
        mark = g.mark()
        g.signal("HUP")
        g.wait_log("reload: done", since=mark)
        said = s_client(g, 465, version, "-sess_in", ticket)
        assert re.search("^(New|Reused),", said, re.M) and "221 2.0.0" in said
    assert not re.search("SSL_accept error", g.log())


def test_old_versions(tls):
    g = tls()
    assert "Cipher is (NONE)" in s_client(g, 465, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0")
    g.wait_log(r"SSL_accept error from unknown\[127.0.0.1\]: unsupported protocol")


def test_names_and_types(tls):
    g = tls()
    two, rsa = make(g, "two.test"), make(g, "rsa.test", "rsa:2048")
    g.configure(f"{SERVICES}tls certificate {g.base}/one.test.pem\ntls certificate {rsa}\n"
                f"tls certificate {two} for two.test *.two.test\n")
    mark = g.mark()
    g.signal("HUP")
    g.wait_log("reload: done", since=mark)
    # The master before may greet once more.
    wait(lambda: "subject=CN = two.test" in s_client(g, 465, "-servername", "two.test"),
         "the new certificates")
    for words, name in [(["-servername", "x.two.test"], "two.test"), (["-servername", "x.test"], "one.test"),
                        (["-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"], "rsa.test")]:
        assert f"subject=CN = {name}" in s_client(g, 465, *words), name


@pytest.mark.parametrize("version, ec, rsa", [
    ("-tls1_2", ["-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"], ["-cipher", "ECDHE-RSA-AES128-GCM-SHA256"]),
    ("-tls1_3", ["-sigalgs", "ECDSA+SHA256"], ["-sigalgs", "RSA-PSS+SHA256"])])
def test_each_name_in_each_type(tls, version, ec, rsa):
    """What the client asks for and what it can verify decide together."""
    g = tls()
    lines = "".join(f"tls certificate {make(g, f'{name}{kind}.test', how)}{names}\n"
                    for name, names in (("one", ""), ("two", " for two.test"))
                    for kind, how in (("ec", "ec -pkeyopt ec_paramgen_curve:P-256"), ("rsa", "rsa:2048")))
    g.configure(SERVICES + lines)
    mark = g.mark()
    g.signal("HUP")
    g.wait_log("reload: done", since=mark)
    # The master before may greet once more.
    wait(lambda: "subject=CN = oneec.test" in s_client(g, 465, version, *ec), "the new ones")
    for name, asked in ("one", []), ("one", ["-servername", "x.test"]), ("two", ["-servername", "two.test"]):
        for kind, words in ("ec", ec), ("rsa", rsa):
            said = s_client(g, 465, version, *asked, *words)
            assert f"subject=CN = {name}{kind}.test" in said and "221 2.0.0" in said, (name, kind, said)


def test_renewal(tls):
    """A reload takes the new certificate; who is here keeps the old one."""
    g = tls()
    with Client(g.host, 465) as old:
        assert common_name(old) == "one.test"
        os.rename(make(g, "new.test"), g.base + "/one.test.pem")
        mark = g.mark()
        g.signal("HUP")
        g.wait_log("reload: done", since=mark)
        wait(lambda: shown(g) == "new.test", "the new certificate")
        assert old.noop()[0] == 250
        assert common_name(old) == "one.test"


@pytest.mark.slow
def test_renewal_by_itself(tls):
    """Nobody tells us: the files are looked at each minute."""
    g = tls()
    assert shown(g) == "one.test"
    os.rename(make(g, "new.test"), g.base + "/one.test.pem")
    g.wait_log("certificates have changed: reload done", seconds=180)
    # The master before may greet once more.
    wait(lambda: shown(g) == "new.test", "the new certificate")


def test_bad_files(tls, house):
    """At the start it does not start; at a reload nothing changes."""
    g = tls()
    assert shown(g) == "one.test"       # now its keeper has read what is spoilt
    path = g.base + "/one.test.pem"
    for spoil, word in [("chmod 644", "others may read"), ("truncate -s 100", "no certificate"),
                        ("rm", "No such file")]:
        mark = g.mark()
        g.host.shell(f"{spoil} {path}")
        g.signal("HUP")
        g.wait_log(f"reload: tls: {path}: .*{word}", since=mark)
        g.wait_log("reload: the configuration stays", since=mark)
        with Client(g.host, 465) as c:
            assert common_name(c) == "one.test"
    bad = house(start=False)
    bad.configure(f"{SERVICES}tls certificate /nonexistent")
    with pytest.raises(AssertionError, match="tls: /nonexistent: No such file"):
        bad.start()


def test_key_is_root_s(tls):
    """The sessions' user cannot read the file that they serve."""
    g = tls()
    path = g.base + "/one.test.pem"
    assert g.host.run(["setpriv", "--reuid=godwit", "--regid=godwit", "--clear-groups", "cat", path],
                      check=False).returncode != 0
    with Client(g.host, 465) as c:
        session, = [p[0] for p in g.processes() if p[1] == g.process("master")]
        held = g.host.shell(f"ls -l /proc/{session}/fd")
        assert path not in held
        assert c.noop()[0] == 250


def test_client_certificate(tls):
    g = tls("tls-client-certificates ask")
    path = make(g, "client.test")
    s_client(g, 465, "-cert", path, "-key", path)
    g.wait_log(r"Untrusted TLS connection established from")
    g.wait_log(r"subject_CN=, fingerprint=[0-9a-f]{64}$")
    assert s_client(g, 465).count("221 2.0.0") == 1


def test_browser_within_tls(tls):
    """T-5"""
    g = tls()
    with context().wrap_socket(g.host.connect(port=465)) as s:
        s.sendall(b"POST / HTTP/1.1\r\nHost: a.test\r\n\r\nMAIL FROM:<a@b.test>\r\n")
        said = b""
        while got := s.recv(1000):
            said += got
    assert re.fullmatch(rb"220 .*\r\n421 .*\r\n", said)


def begin_with(s, header):
    """TLS whose first bytes come with what is in front of them."""
    here, there = ssl.MemoryBIO(), ssl.MemoryBIO()
    within = context().wrap_bio(here, there)
    while True:
        try:
            within.do_handshake()
            s.sendall(there.read())
            return within, here
        except ssl.SSLWantReadError:
            s.sendall(header + there.read())
            header = b""
            here.write(s.recv(65536))


def test_tls_behind_a_proxy(tls):
    """None of it is read as a part of the PROXY header."""
    g = tls(services="listen submissions on 127.0.0.1 proxy from 127.0.0.1\n")
    with g.host.connect(port=465) as s:
        within, here = begin_with(s, b"PROXY TCP4 203.0.113.9 192.0.2.10 40000 465\r\n")
        while True:
            try:
                assert within.read().startswith(b"220 ")
                break
            except ssl.SSLWantReadError:
                here.write(s.recv(65536))
    g.wait_log(r"TLS connection established from unknown\[203\.0\.113\.9\]: ")


def test_xclient_and_starttls(tls):
    """What was told of the client stays; what it said itself is forgotten."""
    g = tls("xclient for 127.0.0.1\n")
    with Client(g.host) as c:
        assert c.docmd("XCLIENT ADDR=203.0.113.9 NAME=c.test")[0] == 220
        assert c.docmd("STARTTLS")[0] == 503
        c.ehlo("client.test")
        c.starttls(context=context())
        assert c.docmd("MAIL FROM:<a@b.test>")[0] == 503
        c.ehlo("again.test")
        assert c.has_extn("xclient")
        c.sendmail("bob@b.test", ["alice@a.test"], simple("sealed"))
        assert c.docmd("XCLIENT ADDR=203.0.113.10")[0] == 220
        c.ehlo("again.test")
        assert not c.has_extn("starttls")
        assert c.docmd("STARTTLS")[0] == 503
    mail, = g.wait_mail("alice")
    trace = " ".join(mail.decode().split())
    assert "from again.test (c.test [203.0.113.9]) (using TLSv1.3 " in trace
    assert " with ESMTPS id " in trace


def test_big_message(tls):
    g = tls()
    body = b"".join(b"%06d " % n + b"x" * 60 + b"\r\n" for n in range(40000))
    with Client(g.host, 465) as c:
        c.sendmail("bob@b.test", ["alice@a.test"], b"Subject: big\r\n\r\n" + body)
    mail, = g.wait_mail("alice")
    assert mail.partition(b"\n\n")[2].rstrip() == body.replace(b"\r\n", b"\n").rstrip()


@pytest.mark.parametrize("port", [587, 465])
def test_requiretls(tls, sink, port):
    """RFC 8689: here it is kept; beyond there is no TLS yet, so it comes back,
    and without its body.  In clear it cannot be asked for at all."""
    g = tls(more="route sink.test via [192.0.2.21]:2525\n")
    s = sink("192.0.2.21", port=2525, extensions=("REQUIRETLS", "DSN"))
    with Client(g.host, port) as c:
        if port == 587:
            assert not c.has_extn("requiretls")
            assert c.mail("alice@a.test", ["REQUIRETLS"])[0] == 555
            c.starttls(context=context())
            c.ehlo("client.test")
        assert c.has_extn("requiretls")
        c.sendmail("alice@a.test", ["carol@a.test", "x@sink.test"],
                   b"TLS-Required: No\r\n" + simple("a secret", "The body.\n"),
                   ["REQUIRETLS", "RET=FULL"])
    g.wait_mail("carol")
    bounce, = g.wait_mail("alice")
    assert b"\nStatus: 5.7.30\n" in bounce
    assert b"Subject: a secret" in bounce and b"The body." not in bounce
    assert s.messages == []
    g.wait_empty()
    # RFC 8689 4.1: without the parameter it is the field that counts.
    g.send("alice@a.test", "x@sink.test",
           b"TLS-Required: No\r\n" + simple("no secret", "The body.\n"))
    g.wait_empty()
    assert len(s.messages) == 1
