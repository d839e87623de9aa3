# SPDX-License-Identifier: ISC
"""What the fault tests stand on: a private instance of the daemon with its real
users, file systems in files, SMTP clients that can stop anywhere, a server that
takes relayed mail, and the count of what has arrived.

Everything runs in namespaces that tests/fault/run made: users, mounts, processes
and network are ours alone and are gone when it ends.
"""
import collections
import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

BUILD = os.environ.get("GODWIT_BUILD", "build")
SANITIZED = "asan" in BUILD
SLOW = 3 if SANITIZED else 1    # how much slower all may be
LONG = os.environ.get("FAULT_LONG", "") not in ("", "0")
USERS = {"godwit": 901, "godwitq": 902, "godwitk": 903, "godwitl": 905, "alice": 2001, "bob": 2002}
DOMAIN = "example.org"          # ours
FAR = "far.example"             # everybody else's; goes to the sink
TOKEN = re.compile(rb"^X-Token: (\S+)\r?$", re.M)


# ---------------------------------------------------------------- the ground

class Ground:
    """The directory in which all lies, with users and groups of its own."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="godwit-fault-")
        os.chmod(self.dir, 0o755)
        self.mounts, self.instances = [], []
        self._users()
        run("ip", "link", "set", "lo", "up")

    def _users(self):
        passwd, group = open("/etc/passwd").read(), open("/etc/group").read()
        for name, uid in USERS.items():
            home = os.path.join(self.dir, "home", name) if uid > 2000 else "/nonexistent"
            passwd += f"{name}:x:{uid}:{uid}:{name}:{home}:/bin/sh\n"
            group += f"{name}:x:{uid}:\n"
            if uid > 2000:
                os.makedirs(home, 0o755)
                os.chown(home, uid, uid)
        group += "godwitdrop:x:904:\n"
        for path, text in (("/etc/passwd", passwd), ("/etc/group", group)):
            # A name that the system has already must not hide ours.
            text = "".join(line + "\n" for line in reversed(list({
                line.split(":", 1)[0]: line for line in text.splitlines()}.values())))
            mine = os.path.join(self.dir, os.path.basename(path))
            with open(mine, "w") as out:
                out.write(text)
            os.chmod(mine, 0o644)
            run("mount", "--bind", mine, path)
        self.mail_gid = next(int(line.split(":")[2]) for line in group.splitlines()
                             if line.startswith("mail:"))

    def home(self, user):
        return os.path.join(self.dir, "home", user)

    def disk(self, name, megabytes, *options):
        """An ext4 file system with a journal in a file, mounted; its path."""
        image, at = os.path.join(self.dir, name + ".img"), os.path.join(self.dir, name)
        with open(image, "wb") as out:
            out.truncate(megabytes << 20)
        run("mkfs.ext4", "-q", "-F", "-m", "0", "-E", "lazy_itable_init=0,lazy_journal_init=0",
            *options, image)
        os.mkdir(at)
        run("mount", "-o", "loop", image, at)
        self.mounts.append(at)
        return at

    def clear(self):
        for at in reversed(self.mounts):
            subprocess.run(["umount", "-l", at], check=False)
        for path in ("/etc/passwd", "/etc/group"):
            subprocess.run(["umount", path], check=False)
        shutil.rmtree(self.dir, ignore_errors=True)


def run(*argv):
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(argv)}: {done.stderr.strip()}")
    return done.stdout


def until(what, seconds=60, every=0.01):
    """Waits until what() is true, which is sooner unless something is wrong; tells
    whether it became so.  However busy the machine is: nothing here is a measure
    of speed."""
    return perhaps(what, max(seconds, 60), every)


def perhaps(what, seconds, every=0.01):
    """The same, where it may well not become so."""
    end = time.monotonic() + seconds * SLOW
    while not what():
        if time.monotonic() > end:
            return False
        time.sleep(every)
    return True


# ---------------------------------------------------------------- processes

Process = collections.namedtuple("Process", "pid ppid title")


def processes():
    """All that are alive, as ps would show them."""
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat") as f:
                stat = f.read().rsplit(")", 1)[1].split()
            with open(f"/proc/{name}/cmdline", "rb") as f:
                title = f.read().rstrip(b"\0").decode("utf-8", "replace")
                title = title.removeprefix("godwitd: ")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if stat[0] not in "ZX":
            found.append(Process(int(name), int(stat[1]), title))
    return found


def kill(pid, sig=signal.SIGKILL):
    try:
        os.kill(pid, sig)
        return True
    except ProcessLookupError:
        return False


# ---------------------------------------------------------------- the daemon

class Instance:
    """One daemon.  spool: where its spool goes, by default into its own place;
    box: "maildir" or "mbox"; argv: how it is started, if not as godwitd is; user:
    who starts it, if not root."""

    def __init__(self, ground, name, spool=None, box="maildir", boxes=None, sink=None,
                 settings=None, argv=(os.path.join(BUILD, "godwitd"), "-d", "-f"), user=None):
        self.ground, self.box, self.argv, self.user = ground, box, argv, user
        self.dir = os.path.join(ground.dir, name)
        os.mkdir(self.dir)
        self.spool = spool or os.path.join(self.dir, "spool")
        self.log_path = os.path.join(self.dir, "log")
        self.boxes = boxes or os.path.join(self.dir, "mail")
        self._make_boxes()
        deliver = f"maildir {self.boxes}/%u" if box == "maildir" else f"mbox {self.boxes}"
        self.address = ("127.0.0.1", 25)
        self.conf = os.path.join(self.dir, "conf")
        lines = {"hostname": f"mx.{DOMAIN}", "domain": f"{DOMAIN} local",
                    "listen": "smtp on 127.0.0.1:25", "spool": self.spool,
                    "run": os.path.join(self.dir, "run"), "log": self.log_path,
                    "aliases": os.path.join(self.dir, "aliases"), "deliver": deliver,
                    "retry-first": "1s", "retry-most": "2s", "free-space": "1M",
                    "spool-may-lose-mail": "yes"}       # wherever /tmp lies
        if sink is not None:
            lines["route"] = f"* via 127.0.0.1:{sink.port}"
        lines.update(settings or {})
        with open(self.conf, "w") as out:
            out.write("".join(f"{k} {v}\n" for k, v in lines.items()))
        self.warden = None
        ground.instances.append(self)

    def _make_boxes(self):
        os.makedirs(self.boxes, exist_ok=True)
        os.chown(self.boxes, 0, self.ground.mail_gid)
        os.chmod(self.boxes, 0o2775)
        for user in ("alice", "bob") if self.box == "maildir" else ():
            at = os.path.join(self.boxes, user)
            os.makedirs(at, exist_ok=True)
            os.chown(at, USERS[user], USERS[user])

    def start(self):
        with open(os.path.join(self.dir, "output"), "ab") as output:
            self.warden = subprocess.Popen(
                [os.path.abspath(self.argv[0]), *self.argv[1:], self.conf],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, user=self.user,
                group=self.user, extra_groups=[] if self.user else None)
        if not until(self.is_up):
            raise RuntimeError("the daemon does not start: " + self.log()[-2000:])

    def is_up(self):
        return self.master() is not None and self.runner() is not None and self.answers()

    def answers(self):
        """Somebody greets.  One who is refused at once has no daemon."""
        with contextlib.suppress(OSError):
            with Client(self) as c:
                return c.greeting[0] == 220
        return False

    def stop(self):
        if self.warden is None:
            return
        self.warden.terminate()
        try:
            self.warden.wait(60)        # it takes 45 at the most
        except subprocess.TimeoutExpired:
            pass
        self.crush()

    def crush(self):
        """Ends everything that bears one of our titles."""
        for p in self.all():
            kill(p.pid)
        if self.warden is not None:
            self.warden.kill()
            self.warden.wait()
        self.warden = None
        until(lambda: not self.all())

    def again(self):
        self.stop()
        self.start()

    @staticmethod
    def all():
        return [p for p in processes() if re.match(
            r"(warden|master|qmgr|show|worker .*|agent .*)$", p.title)]

    def _named(self, title):
        mine = self.warden.pid if self.warden else -1
        return next((p.pid for p in processes() if p.title == title and p.ppid == mine), None)

    def master(self):
        return self._named("master")

    def runner(self):
        return self._named("qmgr")

    def sessions(self):
        mine = self.warden.pid if self.warden else -1
        return [p.pid for p in processes() if p.title == "master" and p.ppid != mine]

    @staticmethod
    def workers(local):
        return [p.pid for p in processes() if p.title.startswith("worker ") and
                ("local" in p.title.split()[1]) == local]

    @staticmethod
    def agents():
        return [p.pid for p in processes() if p.title.startswith("agent ")]

    def log(self):
        try:
            with open(self.log_path, errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def flaws(self):
        """What no fault excuses: words of a sanitizer, a bug that was noticed, a
        process that fell over (SIGKILL is ours) or into its own sandbox."""
        with open(os.path.join(self.dir, "output"), errors="replace") as f:
            said = f.read()
        found = re.findall(r"(?m)^.*(?:killed by signal (?!9\b)\d+|\bpanic:).*", self.log())
        if re.search("Sanitizer|runtime error:", said):
            found.append(said)
        return found

    # ------------------------------------------------ what lies where

    def queued(self, where="q"):
        found = []
        for folder, _, names in os.walk(os.path.join(self.spool, where)):
            found += [os.path.join(folder, n) for n in names]
        return found

    def is_empty(self):
        return not self.queued()

    def arrived(self, user):
        """How often each token lies in this user's mailbox."""
        if self.box == "mbox":
            paths = [os.path.join(self.boxes, user)]
        else:
            paths = [os.path.join(f, n) for f, _, names in
                     os.walk(os.path.join(self.boxes, user))
                     for n in names if not f.endswith("/tmp")]
        count = collections.Counter()
        for path in paths:              # a token in each message, once
            with contextlib.suppress(FileNotFoundError):
                with open(path, "rb") as f:
                    count.update(t.decode() for t in TOKEN.findall(f.read()))
        return count


# ---------------------------------------------------------------- clients

class Client:
    """An SMTP client that does what it is told, one step at a time."""

    def __init__(self, instance, timeout=60):
        self.sock = socket.create_connection(instance.address, timeout)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.sock.makefile("rb")
        self.greeting = self.reply()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        with contextlib.suppress(OSError):
            self.file.close()
            self.sock.close()

    def reply(self):
        """(code, text); code 0 when the connection ended."""
        text = b""
        while True:
            line = self.file.readline()
            text += line
            if not line.endswith(b"\n"):
                return 0, text.decode("latin-1")
            if line[3:4] != b"-":
                return int(line[:3]), text.decode("latin-1")

    def put(self, text):
        self.sock.sendall(text if isinstance(text, bytes) else text.encode())

    def say(self, line):
        self.put(line + "\r\n")
        return self.reply()

    def hello(self):
        return self.say("EHLO client.example")

    def envelope(self, recipients, size=None):
        """MAIL and every RCPT; the first reply that is not 250, or the last."""
        code, text = self.say("MAIL FROM:<sender@far.example>" + (f" SIZE={size}" if size else ""))
        for to in recipients:
            if code != 250:
                break
            code, text = self.say(f"RCPT TO:<{to}>")
        return code, text

    def message(self, token, recipients, size=500, declare=False):
        """A whole transaction; the code that it ended with."""
        body = content(token, size)
        code, _ = self.envelope(recipients, len(body) if declare else None)
        if code != 250:
            return code
        code, _ = self.say("DATA")
        if code != 354:
            return code
        self.put(body + b".\r\n")
        return self.reply()[0]

    def quit(self):
        code = self.say("QUIT")[0]
        self.close()
        return code


def content(token, size=500):
    head = (f"From: <sender@far.example>\r\nSubject: {token}\r\n"
            f"Message-ID: <{token}@client.example>\r\nX-Token: {token}\r\n\r\n").encode()
    line = b"0123456789012345678901234567890123456789012345678901234567890\r\n"
    return head + line * (max(0, size - len(head)) // len(line) + 1)


def send(instance, token, recipients, **how):
    """One message on a connection of its own; 0 when no reply came."""
    try:
        with Client(instance) as c:
            if c.greeting[0] != 220:
                return c.greeting[0]
            code = c.hello()[0]
            if code != 250:
                return code
            code = c.message(token, recipients, **how)
            if code == 250:
                with contextlib.suppress(OSError):
                    c.quit()
            return code
    except OSError:
        return 0


# ---------------------------------------------------------------- the sink

class Sink:
    """Takes relayed mail and notes each message that it answered with 250.
    answer: what it says to MAIL (250, or a refusal); delay: before its 250;
    later: recipients that it does not take now.
    grouped: it answers a group of commands, which must end with DATA, at once,
    so that the client always has as much to read."""

    def __init__(self, grouped=False):
        self.grouped = grouped
        self.got = collections.Counter()        # (token, recipient)
        self.answer, self.delay, self.connections, self.later = "250 2.1.0 Ok", 0, 0, set()
        self.server = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                sock, _ = self.server.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        with contextlib.suppress(OSError, ValueError), sock:
            self._talk(sock, sock.makefile("rb"))

    def _talk(self, sock, lines):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.sendall(b"220 sink.example ESMTP\r\n")
        to, held = [], b""
        for line in lines:
            verb = line[:4].upper()
            if verb == b"EHLO":
                sock.sendall(b"250-sink.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE\r\n")
            elif verb == b"MAIL":
                to = []
                held = self._say(sock, held, self.answer.encode() + b"\r\n")
            elif verb == b"RCPT":
                one = line[line.index(b"<") + 1:line.index(b">")].decode()
                if one in self.later:
                    held = self._say(sock, held, b"451 4.2.0 later\r\n")
                    continue
                to.append(one)
                held = self._say(sock, held, b"250 2.1.5 Ok\r\n" if self.answer[0] == "2"
                                 else b"503 no\r\n")
            elif verb == b"DATA":
                if not to or self.answer[0] != "2":
                    sock.sendall(held + b"503 no\r\n")
                    held = b""
                    continue
                sock.sendall(held + b"354 go on\r\n")
                held = b""
                self._take(sock, lines, to)
            elif verb == b"QUIT":
                sock.sendall(b"221 bye\r\n")
                return
            else:
                sock.sendall(b"250 Ok\r\n")

    def _say(self, sock, held, reply):
        """Now, or with the end of its group; what is held then."""
        if self.grouped:
            return held + reply
        sock.sendall(reply)
        return b""

    def _take(self, sock, lines, to):
        body = []
        for line in lines:
            if line == b".\r\n":
                break
            body.append(line)
        else:
            return                      # cut off: not taken
        if self.delay:
            time.sleep(self.delay)
        # Noted before it is said: what was said and did not arrive there is
        # the gap of RFC 1047.
        self.note(b"".join(body), to)
        sock.sendall(b"250 2.0.0 Ok: taken\r\n")

    def note(self, body, to):
        token = TOKEN.search(body)
        for one in to:
            self.got[(token[1].decode() if token else "?", one)] += 1

    def close(self):
        # Else the thread would accept for whoever gets this descriptor next.
        with contextlib.suppress(OSError):
            self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()


class Nobody:
    """A port on which nobody listens, and nobody will."""

    def __init__(self):
        self.sock = socket.socket()
        self.sock.bind(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]


# ---------------------------------------------------------------- the count

class Verdict:
    """Single test cases, and what they came to."""

    def __init__(self):
        self.passed = self.failed = 0

    def check(self, ok, name, detail=""):
        if ok:
            self.passed += 1
        else:
            self.failed += 1
            print(f"FAILED {name}")
            for line in str(detail).rstrip().splitlines():
                print("    " + line)
        sys.stdout.flush()
        return ok

    @staticmethod
    def say(text=""):
        print(text)
        sys.stdout.flush()
