# SPDX-License-Identifier: ISC
"""Mail programs as they are, submitting by a name and a certificate that they
prove, with a login, on 587 and 465: what they are told to send arrives."""
import json
import os
import ssl
import subprocess

import pytest

from house import SLOW, Client, parse, read, simple, split_trace, write

SETTINGS = """
listen smtp
listen submission
listen submissions
tls certificate {base}/crt key {base}/key
login file {base}/passwd
deliver maildir ~/Maildir
"""
# Dots, a line that begins a message in an mbox, octets beyond ASCII, blanks at
# the end and a line that is too long for some.
BODY = ".\n..\nFrom here to there\n\u00e9l\u00e8ve \u20ac\nblanks  \n" + "long " * 300 + "\n\n.last\n"
SERVICES = [("submission", 587), ("submissions", 465)]


@pytest.fixture
def server(house, village):
    """Its certificate is at the client's, as that of one whom it trusts."""
    g = house(start=False)
    g.host.shell("umask 077; openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
                 "-days 90 -subj /CN=a.test -addext subjectAltName=DNS:a.test "
                 f"-keyout {g.base}/key -out {g.base}/crt 2>/dev/null")
    g.configure(SETTINGS.format(base=g.base))
    g.host.run([g.program("godwit"), "passwd", "-f", g.conf, "--stdin", "bob"], input=b"pencil\n")
    write(trusted(village), read(g.host.path(f"{g.base}/crt")).decode())
    return g.start()


def trusted(village):
    return f"{village.b.base}/a.test.crt"


def s_nail(host, crt, service, port):
    host.run(["s-nail", "-:/", "-Sv15-compat", f"-Smta={service}://bob:pencil@a.test:{port}",
              "-Ssmtp-use-starttls", "-Ssmtp-config=all", f"-Stls-ca-file={crt}",
              "-Stls-verify=strict", "-Sfrom=bob@a.test", "-Shostname=b.test",
              "-Ssendwait", "-Sttycharset=utf-8", "-s", "Gr\u00fc\u00dfe", "alice@a.test"],
             input=BODY.encode(), user="carol")


def mutt(host, crt, service, port):
    scheme = "smtps" if port == 465 else "smtp"
    write(f"{host.base}/muttrc", f"""
set smtp_url="{scheme}://bob@a.test:{port}/" smtp_pass=pencil smtp_authenticators=plain
set ssl_starttls=yes ssl_force_tls=yes ssl_ca_certificates_file={crt}
set from=bob@a.test hostname=b.test copy=no charset=utf-8 send_charset=utf-8
""")
    host.run(["env", "LC_ALL=C.UTF-8", "mutt", "-F", f"{host.base}/muttrc", "-s", "Gr\u00fc\u00dfe",
              "alice@a.test"], input=BODY.encode(), user="carol")


@pytest.mark.parametrize("service, port", SERVICES)
@pytest.mark.parametrize("send", [s_nail, mutt])
def test_mail_program(server, village, send, service, port):
    """They pack the text as they like; unpacked it is the text."""
    send(village.b, trusted(village), service, port)
    arrived, = server.maildir("alice").wait()
    message = parse(arrived)
    assert message["Subject"] == "Gr\u00fc\u00dfe" and "bob@a.test" in message["From"]
    assert message.get_content().replace("\r\n", "\n") == BODY
    assert b" with ESMTPSA id " in arrived
    server.wait_log(r"sasl_method=\S+, sasl_username=bob$")


MESSAGE = simple("as it is", BODY)


def swaks(host, crt, port):
    return host.run(["swaks", "--server", "a.test", "--port", port, "--auth", "PLAIN",
                     "--tls-on-connect" if port == 465 else "--tls", "--tls-verify", "--tls-ca-path",
                     crt, "--auth-user", "bob", "--auth-password", "pencil", "--from", "bob@a.test",
                     "--to", "alice@a.test", "--data", "-"],
                    input=MESSAGE.replace(b"\r\n", b"\n").removesuffix(b"\n"))  # it adds one


def curl(host, crt, port):
    scheme = "smtps" if port == 465 else "smtp"
    return host.run(["curl", "--silent", "--show-error", "--url", f"{scheme}://a.test:{port}/b.test",
                     "--ssl-reqd", "--cacert", crt, "--user", "bob:pencil", "--mail-from",
                     "bob@a.test", "--mail-rcpt", "alice@a.test", "--upload-file", "-"],
                    input=MESSAGE)


def msmtp(host, crt, port):
    return host.run(["msmtp", "--host=a.test", f"--port={port}", "--from=bob@a.test", "--auth=on",
                     "--user=bob", "--passwordeval=echo pencil", "--tls=on",
                     f"--tls-trust-file={crt}", f"--tls-starttls={'off' if port == 465 else 'on'}",
                     "--", "alice@a.test"], input=MESSAGE.replace(b"\r\n", b"\n"))


class Smtplib(Client):
    """Proves the certificate; on 465 at once."""

    def __init__(self, host, crt, port):
        self.crt = crt
        super().__init__(host, "192.0.2.10", port)

    def context(self):
        return ssl.create_default_context(cafile=self.crt)

    def _get_socket(self, host, port, timeout):
        s = super()._get_socket(host, port, timeout)
        return self.context().wrap_socket(s, server_hostname="a.test") if port == 465 else s


def smtplib(host, crt, port):
    with Smtplib(host, crt, port) as c:
        c._host = "a.test"
        if port == 587:
            c.starttls(context=c.context())
        c.login("bob", "pencil")
        assert c.post("bob@a.test", "alice@a.test", MESSAGE)[0] == 250


@pytest.mark.parametrize("port", [587, 465])
@pytest.mark.parametrize("send", [swaks, curl, msmtp, smtplib])
def test_program_that_sends_what_it_is_given(server, village, send, port):
    """Octet for octet."""
    send(village.b, trusted(village), port)
    arrived, = server.maildir("alice").wait()
    assert split_trace(arrived, 1)[1] == MESSAGE.replace(b"\r\n", b"\n")
    assert b" with ESMTPSA id " in arrived


# ---------------------------------------------------------------- openssl

class Shell:
    """openssl s_client, at whose keyboard we are."""

    def __init__(self, host, *words):
        self.child = subprocess.Popen([*host.prefix, "timeout", "300", "openssl", "s_client", *words],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT)
        self.said = b""

    def expect(self, words):
        while words not in self.said:
            more = os.read(self.child.stdout.fileno(), 65536)
            if not more:
                break
            self.said += more
        return self.said

    def type(self, line):
        self.child.stdin.write(line + b"\n")
        self.child.stdin.flush()

    def close(self):
        rest, _ = self.child.communicate()
        return self.said + rest


@pytest.mark.parametrize("words", [("-connect", "a.test:465"),
                                   ("-connect", "a.test:587", "-starttls", "smtp"),
                                   ("-connect", "a.test:25", "-starttls", "smtp")])
def test_renegotiation_is_refused(server, village, words):
    """T-26, CVE-2009-3555: with TLS 1.2 the client asks for another handshake, by
    the command R, and gets an alert instead."""
    s = Shell(village.b, *words, "-tls1_2", "-crlf")
    assert b"Secure Renegotiation IS supported" in s.expect(b"Extended master secret:")
    s.type(b"NOOP")
    s.expect(b"250 2.0.0")
    s.type(b"R")
    _, asked, after = s.close().partition(b"\nRENEGOTIATING\n")
    assert asked and b"no renegotiation" in after, after
    assert b"depth=" not in after and b"221 2.0.0" not in after, after
    server.wait_log(r"disconnect from \S+ messages=0")


# ---------------------------------------------------------------- testssl

# What may be found that is not good, and why.
ARGUED = {
    "cert_trust": "the certificate of the test is signed by itself",
    "cert_chain_of_trust": "the certificate of the test is signed by itself",
    "cert_revocation": "nobody could revoke the certificate of the test",
    "overall_grade": "says no more than what it was made of",
    "LUCKY13": "TLS 1.2 with CBC and HMAC is kept for old clients; OpenSSL's is in constant time",
}
# One address opens hundreds of connections; by default it would be sent away.
UNLIMITED = "".join(f"{name} 0\n" for name in (
    "connections-per-minute", "connections-per-minute-network", "connections-per-second",
    "handshakes-per-minute", "commands-per-minute", "sessions-per-client", "sessions-per-network"))


def examine(host, path, *words):
    """All that testssl.sh has found, by its name for it."""
    done = host.run(["testssl", "--quiet", "--warnings=batch", "--color=0", "--nodns=none",
                     "--jsonfile", path, *words], check=False, timeout=1000 * SLOW)
    found = json.loads(read(host.path(path)) or b"[]")
    assert len(found) > 100, done
    return {one["id"]: (one["severity"], one["finding"]) for one in found}


@pytest.mark.slow
@pytest.mark.parametrize("words", [("192.0.2.10:465",), ("-t", "smtp", "192.0.2.10:25")])
def test_testssl(server, village, words):
    """T-26: it knows the attacks of two decades, and makes them."""
    server.configure(SETTINGS.format(base=server.base) + UNLIMITED)
    mark = server.mark()
    server.signal("HUP")
    server.wait_log("reload: done", since=mark)
    found = examine(village.b, f"{village.b.base}/testssl{len(words)}", *words)
    bad = {name: what for name, what in found.items()
           if what[0] not in ("OK", "INFO", "LOW", "DEBUG") and name not in ARGUED}
    assert bad == {}
    for name in "heartbleed", "CCS", "secure_client_renego", "secure_renego", "ROBOT":
        assert found[name][0] == "OK", (name, found[name])
