# SPDX-License-Identifier: ISC
"""Many sessions one after the other in one process, for the tests that hold
tens of thousands of them (model.py, smuggle.py).

A session gets what is sent in pieces, each with the reply codes that it must
bring before the next piece goes out; the piece TLS is a handshake.  At last the
server must have closed.  What
was taken is compared in batches: the spool holds the messages that were
acknowledged, byte for byte what the test says they are, and no others.
"""
import os
import re
import shutil
import socket
import ssl
import subprocess
import tempfile

import dialogue

BATCH = 500
# A directory in memory: nothing is delivered from here.
WHERE = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
TLS = (None, [])
CLIENT = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
CLIENT.check_hostname, CLIENT.verify_mode = False, ssl.CERT_NONE
# Who can log in, with the password pencil.
USER = ("user:SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY="
        ":wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=")
LINE = re.compile(rb"([2-5][0-9][0-9])([ -])([^\r\n]*)\r\n")


class Hosts:
    """The process, and what it has acknowledged but not yet been asked for."""

    def __init__(self, session, conf, *options, needs=()):
        self.top = tempfile.mkdtemp(prefix="godwit-many-", dir=WHERE)
        lines = dialogue.CONF[:-1] + ["log /dev/null"] + conf
        lines += [f"{word} {self.top}/{word}" for word in ("spool", "run", "aliases")]
        if "tls" in needs:
            lines.append("tls certificate " + self.certify())
        if "login" in needs:
            lines.append("login file " + self.know(USER))
        with open(f"{self.top}/conf", "w", encoding="utf-8") as f:
            f.write("\n".join(lines) + "\n")
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self.child = subprocess.Popen(
                [session, "-m", *options, f"{self.top}/conf"], stdin=theirs,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.taken = {}         # name: (what is to be in it, which session)
        self.failures = []
        self.held, self.dead = 0, False

    def certify(self):
        path = self.top + "/pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-days", "9", "-subj", "/CN=a.test",
                        "-keyout", path + ".key", "-out", path], check=True,
                       stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.chmod(path + ".key", 0o600)
        return f"{path} key {path}.key"

    def know(self, user):
        path = self.top + "/passwd"
        with open(path, "w", encoding="utf-8") as f:
            f.write(user + "\n")
        os.chmod(path, 0o600)
        return path

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if not self.dead:
            self.settle()
        self.control.close()
        try:
            self.child.communicate(timeout=dialogue.PATIENCE)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
        if self.child.returncode != 0:
            self.failures.append(("the end", f"status {self.child.returncode}"))
        shutil.rmtree(self.top, ignore_errors=True)

    def hold(self, name, pieces, contents):
        """pieces: (bytes, codes).  contents: what each message that is taken
        holds.  Returns whether all went as it should."""
        if self.dead:
            return False
        ours, theirs = socket.socketpair()
        with theirs:
            self.order(b"x", theirs.fileno())
        ours.settimeout(dialogue.PATIENCE)
        wire = Replies(ours)
        try:
            failure = self.speak(name, wire, pieces, contents)
        finally:
            wire.sock.close()
        if failure:
            self.failures.append((name, failure))
        self.held += 1
        if self.held % BATCH == 0:
            self.settle()
        return not failure

    def order(self, word, *descriptors):
        try:
            socket.send_fds(self.control, [word], descriptors)
        except OSError:
            self.dead = True

    def speak(self, name, wire, pieces, contents):
        queue = list(contents)
        for data, codes in [(b"", [220])] + pieces:
            if data is None and (failure := wire.secure()):
                return failure
            try:
                wire.sock.sendall(data or b"")
            except OSError:     # what it has said, tells
                pass
            for code in codes:
                got, text = wire.next()
                if got != code:
                    return f"{got} {text}, not {code}, after {data[-300:]!r}"
                if text.startswith("2.0.0 Ok: queued as "):
                    if not queue:
                        return f"one message too many: {text}"
                    self.taken[text.split()[-1]] = (queue.pop(0), name)
        try:
            wire.sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        got, text = wire.next()
        if got is not None:
            return f"{got} {text} at the end"
        return f"{len(queue)} messages were not taken" if queue else None

    def settle(self):
        """The spool against what was acknowledged."""
        self.order(b"dump")
        dump = b""
        while not dump.endswith(b"end\n") or not dialogue.read_dump(dump)[2]:
            more = os.read(self.child.stdout.fileno(), 1 << 20)
            if not more:
                self.dead = True
                self.failures.append(("the end", "the session has died: " +
                                      self.child.stderr.read().decode()))
                return
            dump += more
        for entry in dialogue.read_dump(dump)[0]:
            want, name = self.taken.pop(entry.name.rpartition("/")[2], (None, "nobody"))
            if entry.content != want:
                self.failures.append((name, f"stored was {entry.content[:300]!r}, not "
                                      f"{want and want[:300]!r}"))
        for want, name in self.taken.values():
            self.failures.append((name, f"not in the spool: {want[:300]!r}"))
        self.taken = {}


class Replies:
    def __init__(self, sock):
        self.sock, self.buffer = sock, b""

    def secure(self):
        """TLS from here on; what went wrong, if something did."""
        if self.buffer:
            return f"{self.buffer!r} behind the reply to STARTTLS"
        try:
            self.sock = CLIENT.wrap_socket(self.sock)
        except (OSError, ValueError) as why:
            return f"no handshake: {why}"
        return None

    def next(self):
        """(code, text of the last line), or (None, why) at the end."""
        while True:
            for match in LINE.finditer(self.buffer):
                if match[2] == b" ":
                    self.buffer = self.buffer[match.end():]
                    return int(match[1]), match[3].decode("latin-1")
            try:
                got = self.sock.recv(65536)
            except socket.timeout:
                return None, "and silence"
            except (ConnectionResetError, ssl.SSLError):
                got = b""
            if not got:
                return None, "the end" + (f" within {self.buffer!r}" if self.buffer else "")
            self.buffer += got
