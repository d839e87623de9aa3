# SPDX-License-Identifier: ISC
"""How content and clients are framed: chunks, binary messages, proxies."""
import os
import random
import re
import signal
import socket

import pytest

from house import A, B, PATIENCE, REFUSES, Client, read, simple, split_trace, wait
from test_login import filed, passwd  # noqa: F401: a fixture

BINARY = b"MIME-Version: 1.0\r\nContent-Type: application/octet-stream\r\n" \
         b"Content-Transfer-Encoding: binary\r\n\r\n"


def binary():
    """Every octet, and bare line ends and dots wherever they hurt."""
    chance = random.Random(1)
    return BINARY + bytes(range(256)) + b"\n.\n\r.\r\r\n.\r\n" + chance.randbytes(300000) + b"\r"


def post_chunks(host, sender, to, message, size, body="BINARYMIME RET=FULL"):
    """One transaction by BDAT, all of it in one group; its replies."""
    parts = [message[i:i + size] for i in range(0, len(message), size)]
    with Client(host) as client:
        client.ehlo()
        group = f"MAIL FROM:<{sender}> BODY={body}\r\nRCPT TO:<{to}>\r\n".encode()
        for part in parts:
            group += b"BDAT %d\r\n" % len(part) + part
        client.send(group + b"BDAT 0 LAST\r\n")
        return [client.getreply()[0] for _ in range(len(parts) + 3)]


def test_a_binary_message_to_a_maildir(house):
    g = house("deliver maildir")
    message = binary()
    assert set(post_chunks(g.host, "bob@b.test", "alice@a.test", message, 65536)) == {250}
    arrived, = g.maildir("alice").wait()
    head, found, rest = arrived.partition(BINARY)
    assert found and BINARY + rest == message
    assert b"\n" not in head.replace(b"\r\n", b"")
    g.wait_empty()


def test_a_binary_message_to_who_does_not_take_it(house, postfix):
    """RFC 3030 3: returned, never converted; and of what is returned, the header."""
    g = house("deliver maildir\nrelay for 127.0.0.0/8")
    assert set(post_chunks(g.host, "alice@a.test", "bob@b.test", binary(), 1000000)) == {250}
    g.wait_log(r"to=<bob@b\.test>.* dsn=5\.6\.1, status=bounced")
    bounce, = g.maildir("alice").wait()
    assert b"5.6.1" in bounce and b"Content-Transfer-Encoding: binary\n" in bounce
    assert binary()[-100:] not in bounce and b"\r" not in bounce and b"\0" not in bounce
    g.wait_empty()


def test_chunks_to_postfix(house, postfix):
    g = house()
    message = simple("in chunks") + b".\r\n..\r\n"
    codes = post_chunks(g.host, "alice@a.test", "bob@b.test", message, 7, "8BITMIME")
    assert set(codes) == {250}
    arrived, = postfix.inbox("bob").wait()
    assert split_trace(arrived, 2)[1] == message.replace(b"\r\n", b"\n")


def from_proxy(village, source, header, port=2525):
    with village.b.net():
        s = socket.create_connection((A, port), PATIENCE, (source, 0))
    s.sendall(header)
    return s


def lines(s, n):
    said = b""
    while said.count(b"\n") < n and (more := s.recv(2000)):
        said += more
    return said


def test_a_proxy_and_nobody_else(house, village):
    g = house(f"listen smtp\nlisten smtp on 2525 proxy from {B}\nrelay for {B}")
    header = b"PROXY TCP4 203.0.113.9 192.0.2.10 40000 25\r\n"
    s = from_proxy(village, B, header)
    assert s.recv(200).startswith(b"220 ")
    s.sendall(b"EHLO c.test\r\n")
    s.recv(2000)
    s.sendall(b"MAIL FROM:<>\r\nRCPT TO:<x@b.test>\r\nRCPT TO:<alice@a.test>\r\n")
    # The proxy's network may relay; its client may not.
    assert re.fullmatch(rb"250 .*\r\n554 5\.7\.1 .*\r\n250 .*\r\n", lines(s, 3))
    g.wait_log(r"connect from unknown\[203\.0\.113\.9\]$")
    s.close()
    # On the other port the same host is itself, and is counted.
    mark = g.mark()
    with from_proxy(village, B, header, 25) as s:
        assert re.fullmatch(rb"220 .*\r\n500 .*\r\n", lines(s, 2))
    with from_proxy(village, REFUSES, header) as s:
        assert s.recv(200).startswith(b"554 5.7.1 ")
    g.wait_log(rf"NOQUEUE: reject: CONNECT from unknown\[{re.escape(REFUSES)}\]: 554 5\.7\.1 ",
               since=mark)
    with from_proxy(village, B, b"EHLO c.test\r\n") as s:
        assert s.recv(200) == b""
    g.wait_log(r"something else before the PROXY header from", since=mark)


def test_who_comes_through_a_proxy_is_counted(house, village):
    """T-33: as itself; the proxy is not, nor whom it does not name."""
    g = house(f"listen smtp on 2525 proxy from {B}\nconnections-per-minute 3\n"
              f"sessions-per-client 2\nrelay for {B} 203.0.113.200")

    def come(header):
        s = from_proxy(village, B, header)
        return s, s.recv(200)

    def client(n):
        return come(b"PROXY TCP4 203.0.113.%d 192.0.2.10 40000 25\r\n" % n)

    held = [client(n) for n in range(1, 9)] + [come(b"PROXY UNKNOWN\r\n") for _ in range(8)]
    held += [client(1), client(200), client(200)]
    assert [said[:4] for _, said in held] == [b"220 "] * 19
    mark = g.mark()
    for n in (1, 200):
        s, said = client(n)
        with s:
            assert said.startswith(b"421 4.7.0 Too many connections from your address")
            assert s.recv(200) == b""
        g.wait_log(rf"NOQUEUE: reject: CONNECT from unknown\[203\.0\.113\.{n}\]: 421 4\.7\.0 ",
                   since=mark)
    for s, _ in held:
        s.close()
    # As soon as they have gone: the third within the minute, and then one too
    # many; those of ours are not.
    wait(lambda: client(1)[1].startswith(b"220 "), "a place for a client")
    wait(lambda: client(1)[1].startswith(b"421 4.7.0 Too many new connections from your "),
         "too many in a minute")
    for _ in range(4):
        wait(lambda: client(200)[1].startswith(b"220 "), "a place for one of ours")


def swaks(village, *words):
    """With the addresses of a client that is far away."""
    done = village.b.run(["swaks", "--server", A, "--local-interface", B, "--from", "bob@b.test",
                          "--to", "alice@a.test", "--helo", "far.test", *words], check=False)
    return done.returncode, done.stdout.decode()


@pytest.mark.parametrize("words, shown", [
    ("--proxy-family TCP4 --proxy-source 203.0.113.9 --proxy-dest 192.0.2.10", "203.0.113.9"),
    ("--proxy-family TCP6 --proxy-source 2001:db8::9 --proxy-dest 2001:db8::10",
     "IPv6:2001:db8::9"),
    ("--proxy-version 2 --proxy-family AF_INET --proxy-source 203.0.113.9 "
     "--proxy-dest 192.0.2.10", "203.0.113.9"),
    ("--proxy-version 2 --proxy-family AF_INET6 --proxy-source 2001:db8::9 "
     "--proxy-dest 2001:db8::10", "IPv6:2001:db8::9"),
])
def test_proxy_by_swaks(house, village, words, shown):
    g = house(f"listen smtp on 2525 proxy from {B}\n")
    status, said = swaks(village, "--port", "2525", "--proxy-source-port", "40000",
                         "--proxy-dest-port", "25", *words.split())
    assert status == 0, said
    mail, = g.wait_mail("alice")
    assert f"from far.test (unknown [{shown}])" in " ".join(mail.decode().split())


def test_xclient_by_swaks(house, village):
    g = house(f"listen smtp\nxclient for {B}\n")
    status, said = swaks(village, "--from", "joe+x@far.test",
                         "--xclient-addr", "203.0.113.9", "--xclient-port", "40000",
                         "--xclient-name", "mail.far.test", "--xclient-helo", "farther.test",
                         "--xclient-proto", "ESMTP", "--xclient-login", "joe+x@far.test",
                         "--xclient-reverse-name", "mail.far.test", "--xclient-destaddr", A)
    assert status == 0, said
    mail, = g.wait_mail("alice")
    assert "from farther.test (mail.far.test [203.0.113.9])" in " ".join(mail.decode().split())
    g.wait_log(r"xclient from b1\.test\[192\.0\.2\.20\]: connect from "
               r"mail\.far\.test\[203\.0\.113\.9\], login joe\+x@far\.test$")
    assert swaks(village, "--server", A, "--local-interface", REFUSES, "--xclient-addr",
                 "203.0.113.9")[0] != 0


def name_client(village, n, words="", port=25):
    """As a proxy that is one of ours; what is said to the client that it names."""
    s = village.b.connect(A, port)
    assert s.recv(200).startswith(b"220 ")
    s.sendall(b"EHLO proxy.test\r\n")
    assert b"XCLIENT" in s.recv(2000)
    s.sendall(b"XCLIENT ADDR=203.0.113.%d%s\r\n" % (n, words.encode()))
    return s, s.recv(200)


@pytest.mark.parametrize("more", [f"relay for {B}", ""], ids=["ours", "not-ours"])
def test_whom_xclient_names_is_counted(house, village, more):
    """T-33: as itself, and the proxy not at all, whether it is one of ours or not."""
    g = house(f"listen smtp\nxclient for {B}\n{more}\nconnections-per-minute 3\n"
              "sessions-per-client 2")
    silent = [village.b.connect(A) for _ in range(5)]
    assert [s.recv(200)[:4] for s in silent] == [b"220 "] * 5
    held = [name_client(village, n) for n in range(1, 9)] + [name_client(village, 1)]
    assert [said[:4] for _, said in held] == [b"220 "] * 9
    mark = g.mark()
    s, said = name_client(village, 1)
    with s:
        assert said.startswith(b"421 4.7.0 Too many connections from your address")
        assert s.recv(200) == b""
    g.wait_log(r"NOQUEUE: reject: CONNECT from unknown\[203\.0\.113\.1\]: 421 4\.7\.0 ",
               since=mark)
    # One connection, one client after the other.
    again = held[1][0]
    again.sendall(b"EHLO proxy.test\r\n")
    assert b"XCLIENT" in again.recv(2000)
    again.sendall(b"XCLIENT ADDR=203.0.113.1\r\n")
    assert again.recv(200).startswith(b"421 4.7.0 ")
    for s, _ in held:
        s.close()
    wait(lambda: name_client(village, 1)[1].startswith(b"220 "), "a place for a client")
    wait(lambda: name_client(village, 1)[1].startswith(b"421 4.7.0 Too many new connections "),
         "too many in a minute")
    for s in silent:
        s.close()


def test_whom_xclient_names_has_a_term(house, village, filed):  # noqa: F811
    """Not the proxy's, who need not log in; and who has logged in has time."""
    g = filed(f"listen submission\nxclient for {B}\nrelay for {B}\ntimeout-login 10s")
    users, said = name_client(village, 2, " LOGIN=bob", 587)
    assert said.startswith(b"220 ")
    with name_client(village, 1, port=587)[0] as s:
        assert s.recv(200).startswith(b"421 4.7.0 ")
        g.wait_log(r"no login in time after XCLIENT from \S+\[203\.0\.113\.1\]")
    with users:
        users.sendall(b"NOOP\r\n")
        assert users.recv(200).startswith(b"250 ")


HAPROXY = """
defaults
 mode tcp
 timeout connect 300s
 timeout client 300s
 timeout server 300s
 timeout check 300s
frontend one
 bind {B}:2501
 default_backend one
backend one
 server one {A}:2525 send-proxy
frontend two
 bind {B}:2502
 default_backend two
backend two
 server two {A}:2525 send-proxy-v2 proxy-v2-options crc32c,unique-id check check-send-proxy inter 200 fall 1000
"""


@pytest.mark.parametrize("port", [2501, 2502])
def test_behind_haproxy(house, village, tmp_path, port):
    """Its checks of whether we are alive are no clients (LOCAL)."""
    g = house(f"listen smtp on 2525 proxy from {B}\n")
    path = tmp_path / "haproxy.cfg"
    path.write_text(HAPROXY.format(A=A, B=B))
    proxy = village.b.start(["haproxy", "-db", "-f", str(path)])

    def come():
        try:
            with village.b.net():
                return socket.create_connection((B, port), PATIENCE, (REFUSES, 0))
        except ConnectionRefusedError:
            return None

    try:
        with wait(come, "haproxy") as s:
            assert lines(s, 1).startswith(b"220 ")
            s.sendall(b"HELO far.test\r\n")
            assert lines(s, 1).startswith(b"250 ")
            s.sendall(b"MAIL FROM:<bob@b.test>\r\nRCPT TO:<alice@a.test>\r\nDATA\r\n")
            assert lines(s, 3).splitlines()[2].startswith(b"354 ")
            s.sendall(b"Subject: x\r\n\r\n.\r\nQUIT\r\n")
            assert lines(s, 2).startswith(b"250 ")
        mail, = g.wait_mail("alice")
        assert f"from far.test (unknown [{REFUSES}])" in " ".join(mail.decode().split())
        if port == 2502:
            g.wait_log(r"connect from unknown\[unknown\]$")
    finally:
        os.killpg(proxy.pid, signal.SIGKILL)
        proxy.wait()


ENDLESS = 2 ** 31 + 2 ** 27


def memory_of_the_session(g):
    session = wait(lambda: [p for p in g.processes() if p[1] == g.process("master")],
                   "a session")[0][0]
    status = read(g.host.path(f"/proc/{session}/status")).decode()
    return int(re.search(r"VmHWM:\s*(\d+) kB", status)[1]) * 1024


@pytest.mark.slow
@pytest.mark.parametrize("begin, most, end", [
    (b"", ENDLESS, rb"500 5\.5\.2 .*\r\n"),
    (b"MAIL FROM:<", ENDLESS, rb"500 5\.5\.2 .*\r\n"),
    (b"BDAT 52428800\r\nSubject: ", ENDLESS, rb"250 .*\r\n500 5\.5\.2 .*\r\n"),
    # Those end it, before the client has read why or not.
    (b"DATA\r\nSubject: ", 2 ** 28, rb"(552 5\.3\.4 .*\r\n421 .*\r\n)?"),
    (b"DATA\r\n\r\n", 2 ** 28, rb"(552 5\.3\.4 .*\r\n421 .*\r\n)?"),
    (b"BDAT 2147483649\r\n", 2 ** 25, rb"(552 5\.3\.4 .*\r\n421 .*\r\n)?"),
])
def test_what_never_ends(house, begin, most, end):
    """T-9: beyond what 31 bits can count, or cut short; and the memory stays as it
    was."""
    g = house()
    with Client(g.host) as client:
        client.ehlo()
        client.mail("")
        client.rcpt("alice@a.test")
        if begin.startswith(b"DATA\r\n"):
            assert client.docmd("DATA")[0] == 354
            begin = begin[6:]
        client.send(begin)
        piece, sent, memory = b"x" * 2 ** 20, 0, 0
        try:
            while sent < most:
                client.sock.sendall(piece)
                sent += len(piece)
                if sent == 2 ** 25:
                    memory = memory_of_the_session(g)
            assert memory_of_the_session(g) - memory < 2 ** 20
            client.send(b"\r\n")
        except (BrokenPipeError, ConnectionResetError):
            pass
        said = b""
        try:
            while not re.fullmatch(end.strip(b"()?"), said) and (more := client.sock.recv(1000)):
                said += more
        except ConnectionResetError:
            pass
        assert re.fullmatch(end, said), said
    assert (sent >= most) == (most == ENDLESS) and memory < 2 ** 25
