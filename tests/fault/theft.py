# SPDX-License-Identifier: ISC
"""A session in the hands of somebody else (tests/fault/stolen.c): all that it
tries fails, each attempt in a session of its own, and each is one that somebody
without a cage succeeds with, else its failing would mean nothing.  What it may
do (make entries, write to the log, tell the runner things) does no harm.

LEFT are the ways that stay open to it, with the reason; they are tried as well,
and said.  SECURITY 3.2 F17, T-21, T-40."""
import contextlib
import errno
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
import types

from instance import BUILD, Client, Instance, Sink, FAR, USERS, processes, run, until

STOLEN = os.path.abspath(os.path.join(BUILD, "fault/stolen"))
SIGSYS = int(signal.SIGSYS)
EPERM, ENOENT, EAGAIN, EINVAL, ENOSYS, ENOEXEC, EFAULT = 1, 2, 11, 22, 38, 8, 14
ABSENT = (ENOSYS, 93, 97)       # no such call, protocol, family
RLIMITS = {"cpu": 0, "file": 1, "processes": 6, "descriptors": 7, "memory": 9}
# Outside they get as far as the kernel's own look at what was handed over.
REACHED = {"kexec": {0}, "module": {0, ENOEXEC, EFAULT, EINVAL}, "rmmod": {0, ENOENT},
           "any-handle": {0, EFAULT, EINVAL, 9, 116}, "kcmp": {0, 95}, "getfd-any": {0},
           "mq": {0}, "handle": {0}, "robust-list": {0}}
TALKING = ("redirect", "fastopen", "fastopen-message", "listen-own")
LEFT = {
    "too-much": "what one reserves, many files would take: it is for a quota of the disk",
    "connect-local (public)": "a socket that any user may connect to: it cannot be told from "
                              "those of the user database and of the log",
}
# Where all are one user there are no modes between them.
LEFT_TO_A_USER = LEFT | {
    "make (/spool/q)": "beside the directories in which it makes its entries",
    "ask-local (the runner: mailq)": "all are one user",
    "ask-local (the submission socket)": "all are one user",
}


class Place:
    """What lies about for a thief to take; copies, for who is to have it."""

    def __init__(self, ground, instance, name):
        self.instance, self.n = instance, 0
        self.dir = os.path.join(ground.dir, name + ".outside")
        os.mkdir(self.dir)
        self.secret = os.path.join(self.dir, "secret")
        with open(self.secret, "w") as f:
            f.write("secret")
        os.chmod(self.secret, 0o600)
        self.server = socket.create_server(("127.0.0.1", 0))
        self.server6 = self.server.getsockname()[1]
        self.abstract = socket.socket(socket.AF_UNIX)
        self.abstract.bind("\0theft")
        self.abstract.listen(50)
        self.public = socket.socket(socket.AF_UNIX)
        self.public.bind(os.path.join(self.dir, "public"))
        self.public.listen(50)
        os.chmod(self.dir, 0o755)
        os.chmod(os.path.join(self.dir, "public"), 0o777)
        self.victim = subprocess.Popen(["sleep", "36000"])

    def copy(self, path):
        """Another one of the same kind, that may be spoilt."""
        self.n += 1
        to = os.path.join(self.dir, f"copy{self.n}")
        if os.path.isdir(path):
            os.mkdir(to)
        else:
            shutil.copy2(path, to)
        return to

    def fresh(self):
        self.n += 1
        return os.path.join(self.dir, f"new{self.n}")

    def close(self):
        self.victim.kill()
        self.victim.wait()
        for one in (self.server, self.abstract, self.public):
            one.close()


def outside(place, name, path="-", other="-", number="-"):
    """The attempt without a cage, by root.  None: its answer did not come."""
    here, there = socket.socketpair() if name not in TALKING + ("socket-ulp", ) else (None, None)
    if here is None:
        there = socket.create_connection(place.server.getsockname())
        here, _ = place.server.accept()
    with here, there:
        done = subprocess.run([STOLEN, "try", name, str(path), str(other), str(number)],
                              stdin=there, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=120, check=False)
    with contextlib.suppress(ValueError, IndexError):
        return int(done.stdout.split()[0])
    return None


def within(instance, name, path="-", other="-", number="-"):
    """(errno, how): what a stolen session came to; errno None: killed for it."""
    mark = len(instance.log())
    with Client(instance) as c:
        if c.greeting[0] != 220:
            return 0, "no session: " + c.greeting[1]
        c.put(f"{name} {path} {other} {number}\n")
        with contextlib.suppress(OSError):
            line = c.file.readline().decode()
            if line:
                return int(line.split()[0]), line.split(maxsplit=1)[1].strip()
    found = []

    def told():
        found[:] = re.findall(rf"theft {name}: (\d+) (.*)|was killed by signal (\d+)",
                              instance.log()[mark:])
        return found
    if not until(told):
        return 0, "it ended, and nobody knows how"
    if found[0][2]:
        return None if int(found[0][2]) == SIGSYS else 0, "killed by signal " + found[0][2]
    return int(found[0][0]), found[0][1]


# ---------------------------------------------------------------- the list

def on_files(w, p):
    """Rows of: name, what it is given within, what outside, what it is called."""
    entry, shard, spool, copy = w.entry, os.path.dirname(w.entry), w.spool, p.copy
    new = os.path.join(shard, "stolen")
    for call in ("read", "write", "append", "empty", "replace", "truncate", "unlink", "unlinkat",
                 "chmod", "chown", "utimes", "xattr"):
        yield call, (entry,), (copy(entry),), "an entry"
    for call in ("rename", "exchange"):
        yield call, (entry, w.second), (copy(entry), copy(entry)), "an entry"
    yield "rename", (entry, new), (copy(entry), p.fresh()), "an entry to a new name"
    yield "handle", (entry, spool), (copy(entry), p.dir), "an entry"
    yield "any-handle", (), (), ""
    yield "symlink", (p.secret, new), (p.secret, p.fresh()), "into the spool"
    for call in ("mkdir", "fifo"):
        yield call, (new,), (p.fresh(),), "in the spool"
    yield "rmdir", (w.empty_shard,), (copy(p.dir),), "of the spool"
    yield "chmod-own", (shard,), (p.dir,), "of an entry it made"
    for what in (shard, spool, os.path.join(spool, "q"), "/etc", "/"):
        yield "list", (what,), (what,), what.replace(spool, "spool")
    for what in (shard, spool):
        yield "inotify", (what,), (what,), what.replace(spool, "spool")
    yield "fanotify", (), (), ""
    for what in ("/etc/shadow", w.conf_secret, w.key, w.held, w.spool +
                 "/journal", p.secret, w.shm, w.box):
        yield "read", (what,), (what,), os.path.basename(what)
    for call in ("write", "append", "replace"):
        for what in (w.conf, w.aliases, "/etc/passwd", w.box, w.held):
            yield call, (what,), (copy(what),), os.path.basename(what)
    yield "append", (w.log_path,), (copy(w.log_path),), "log, opened anew"
    for where in (spool, spool + "/drop", spool + "/corrupt", spool + "/q", w.dir,
                  w.dir + "/run", "/tmp", "/dev/shm", "/run", w.boxes):
        at = os.path.join(where, "stolen")
        yield "make", (at,), (p.fresh(),), where.replace(w.dir, "")
    for where in (spool + "/drop", "/tmp"):
        yield "make-unnamed", (where,), (p.dir,), where.replace(spool, "")
    yield "link", ("/etc/passwd", new), (p.secret, p.fresh()), "/etc/passwd into the spool"
    yield "link", (entry, p.fresh()), (copy(entry), p.fresh()), "an entry out of the spool"
    yield "link", (entry, os.path.join(w.empty_shard, os.path.basename(entry))), \
        (copy(entry), p.fresh()), "an entry into another directory"
    yield "link", (entry, os.path.join(spool, "hold", os.path.basename(entry))), \
        (copy(entry), p.fresh()), "an entry on hold"
    yield "chroot", (shard,), (p.dir,), ""
    for call in ("overwrite", "cut", "punch", "zero", "chmod", "reopen"):
        yield "log-" + call, (), (copy(w.log_path),), ""


def on_processes(w, p):
    others = {"master": w.master(), "warden": w.warden.pid,
              "runner": w.runner(), "session": w.other, "keeper": w.keeper()}
    victim = ("-", writable(p.victim.pid), p.victim.pid)
    for what, pid in others.items():
        for call in ("kill", "proc-mem", "ptrace", "vm-read"):
            yield call, ("-", writable(pid), pid), victim, what
    him = ("-", "-", others["session"])
    for call in ("seize", "getfd", "kcmp", "robust-list", "proc-maps", "tkill", "tgkill",
                 "sigqueue", "pidfd-signal", "setown", "fiosetown", "prlimit", "nice", "scheduler",
                 "attributes", "affinity"):
        yield call, him, victim, "another session"
    yield "vm-write", ("-", writable(w.other), w.other), victim, "another session"
    yield "run", ("/bin/true",), ("/bin/true",), ""
    yield "exec", ("/bin/true",), ("/bin/true",), ""
    for call in ("memfd", "fork", "vfork", "clone3", "thread", "newuser", "own-mem", "oom-score",
                 "getfd-any", "kill-group", "dnotify", "timer", "setpgid", "setsid", "setuid",
                 "capset", "setfsuid", "dumpable", "subreaper", "personality", "unshare", "setns",
                 "fsopen", "add-key", "keyctl", "bpf", "io-uring", "userfaultfd", "perf",
                 "kexec", "module", "rmmod", "hostname", "clock", "dmesg", "ioperm", "ldt", "shm",
                 "msg", "mq", "tiocsti"):
        yield call, (), (), ""
    for call in ("setresuid", "setresgid", "setgroups"):
        yield call, ("-", "-", USERS["alice"]), ("-", "-", USERS["alice"]), "alice"
    for what, number in RLIMITS.items():
        if what != "file":              # the log is one
            yield "rlimit", ("-", "-", number), ("-", "-", number), what
    yield "mount", (w.mount,), (w.mount,), ""
    yield "umount", (w.mount,), (w.mount,), ""
    yield "open-tree", ("/etc",), ("/etc",), ""


def on_memory(w, p):
    for call in ("map-code", "make-code", "make-code-by-key", "int80", "x32", "board-open",
                 "board-write"):
        yield call, (), (), ""
    for i, at in enumerate(w.pages):
        for call in ("page-read", "page-write"):
            yield call, ("-", "-", at), (), f"of the master's own, {i + 1}"
    yield "find-key", (w.key_text,), (w.key_text,), "of TLS"


def on_sockets(w, p):
    sink = ("-", "-", p.server6)
    for call in ("tcp", "redirect", "fastopen", "fastopen-message"):
        yield call, sink, sink, ""
    for call in ("tcp6", "udp", "raw", "packet", "netlink", "alg", "vsock", "listen-own",
                 "listen-local", "listener", "credentials", "socket-filter", "socket-ulp",
                 "line-cut", "line-narrow", "line-unblock", "flight"):
        yield call, (), (), ""
    yield "bind", (os.path.join(w.boxes, "sock"),), (p.fresh(),), "a path"
    yield "bind", ("@stolen",), ("@stolen",), "an abstract name"
    yield "connect-local", ("@theft",), ("@theft",), "an abstract socket"
    yield "connect-local", (p.dir + "/public",), (p.dir + "/public",), "public"
    run_dir = os.path.join(w.dir, "run")
    yield "ask-local", (f"{run_dir}/queue.sock", "mailq"), (f"{run_dir}/queue.sock", "mailq"), \
        "the runner: mailq"
    yield "ask-local", (f"{run_dir}/submit.sock", "-"), None, "the submission socket"


def said(name, what):
    return f"{name} ({what})" if what else name


class Tally:
    def __init__(self, verdict, left):
        self.verdict, self.held, self.open, self.nobody, self.left = verdict, 0, [], [], left

    def take(self, instance, place, row):
        name, inside, out, what = row
        label = said(name, what)
        err, how = within(instance, name, *inside)
        control = outside(place, name, *out) if out is not None else 0
        if control in ABSENT or (name == "x32" and control is None) or \
                (name == "rlimit" and control == EPERM):
            self.nobody.append(label)           # this kernel has it for nobody
            return
        self.verdict.check(control in REACHED.get(name, {0}),
                           f"theft: {label}: outside it fails as well, with {control}")
        if label in self.left and err == 0:
            self.open.append(f"{label}: {self.left[label]}")
            return
        if self.verdict.check(err != 0, f"theft: {label}: it succeeded", how):
            self.held += 1
        if os.environ.get("FAULT_TELL"):
            self.verdict.say(f"    {label}: {how}")


# ---------------------------------------------------------------- the world

class World(Instance):
    """The daemon with the thief in it, and with something to steal."""

    def __init__(self, ground, name, aliases, drain=None, **more):
        super().__init__(ground, name, argv=(STOLEN, "serve"), **more)
        self.drain, self.aliases = drain, aliases
        with open(self.aliases, "w") as f:
            f.write("someone: alice\n")

    def log(self):
        return "".join(self.drain.lines) if self.drain else super().log()

    def keeper(self):
        return self._named("keeper")

    def sessions_of_master(self):
        master = self.master()
        return [p.pid for p in processes() if p.ppid == master]

    def flaws(self):
        """The filter's own sentence is what we are here for."""
        return [f for f in super().flaws() if not f.endswith(f"by signal {SIGSYS}")]


def make_key(ground, name):
    """A certificate, its key for root alone, and the key as a number."""
    key, crt = os.path.join(ground.dir, name + ".key"), os.path.join(ground.dir, name + ".crt")
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
        "-nodes", "-keyout", key, "-out", crt, "-days", "2", "-subj", "/CN=mx.example.org")
    os.chmod(key, 0o600)
    text = run("openssl", "pkey", "-in", key, "-noout", "-text")
    number = re.search(r"priv:((?:\s+[0-9a-f:]+\n)+)pub:", text)[1]
    return key, crt, re.sub(r"[^0-9a-f]", "", number).rjust(64, "0")[-64:]


def own_pages(pid):
    """Where a process has memory that it leaves to no child."""
    found, at = [], None
    with open(f"/proc/{pid}/smaps") as f:
        for line in f:
            if match := re.match(r"([0-9a-f]+)-[0-9a-f]+ ", line):
                at = int(match[1], 16)
            elif line.startswith("VmFlags:") and " dc" in line:
                found.append(at)
    return found


def writable(pid):
    """An address of its own memory."""
    with open(f"/proc/{pid}/maps") as f:
        return "0x" + next(line.split("-")[0] for line in f if " rw" in line)


def deferred(real):
    """Two entries that wait, made by the daemon as it is."""
    for i in range(2):
        with Client(real) as c:
            c.hello()
            assert c.message(f"loot-{i}", [f"x@{FAR}"]) == 250
            c.quit()
    assert until(lambda: len(real.queued()) == 2 and "status=deferred" in real.log()), real.log()
    return real.queued()


def snapshot(w):
    """All that no thief may have changed."""
    found = {}
    for top in (w.spool, w.boxes, os.path.join(w.dir, "conf"), w.aliases, w.key, w.conf_secret):
        for folder, _, names in os.walk(top) if os.path.isdir(top) else [("", "", [top])]:
            for name in names:
                path = os.path.join(folder, name)
                if "/index" in path or os.path.islink(path):
                    continue
                with open(path, "rb") as f:
                    st = os.fstat(f.fileno())
                    found[path] = f.read(), st.st_mode, st.st_uid, st.st_nlink
    return found


class Loot:
    """A daemon with the thief in it, two entries that wait, and other things that
    are worth something."""

    def __init__(self, ground, name, user=None, drain=None, **settings):
        self.ground, self.name, self.user = ground, name, user
        self.sink = Sink()
        self.sink.answer = "450 4.2.0 later"
        key, crt, number = make_key(ground, name)
        settings = {"sessions-per-client": "0", "connections-per-minute": "0", "sessions": "200",
                    "connections-per-minute-network": "0", "connections-per-second": "0",
                    "sessions-per-network": "0", "tls": f"certificate {crt} key {key}",
                    "retry-first": "1h", "retry-most": "1h"} | settings
        if user is not None:
            settings["listen"] = "smtp on 127.0.0.1:2525"
        # What lies beside the aliases can be read as they can.
        aliases = os.path.join(ground.dir, name + ".etc", "aliases")
        os.mkdir(os.path.dirname(aliases))
        self.world = w = World(ground, name, aliases, sink=self.sink, user=user, drain=drain,
                               settings=settings | {"aliases": aliases})
        w.key, w.key_text = key, number
        w.conf_secret, w.shm = os.path.join(w.dir, "password"), \
            os.path.join("/dev/shm", os.path.basename(ground.dir))
        w.mount = os.path.join(ground.dir, name + ".mount")
        os.mkdir(w.mount)
        put(w.conf_secret, 0o600)
        put(w.shm, 0o644)
        if user is not None:
            w.address = ("127.0.0.1", 2525)
            for path in (w.dir, w.boxes, w.key, w.conf_secret):
                os.chown(path, user, user)
        self.fill()

    def fill(self):
        """The entries are made by a daemon that nobody has stolen."""
        w = self.world
        w.argv, stolen = (os.path.join(BUILD, "godwitd"), "-d", "-f"), w.argv
        w.start()
        w.entry, w.second = deferred(w)
        w.stop()
        w.argv = stolen
        shards = [os.path.join(w.spool, "q", d) for d in os.listdir(os.path.join(w.spool, "q"))]
        w.empty_shard = next(d for d in shards if os.path.isdir(d) and not os.listdir(d))
        w.held, w.box = os.path.join(w.spool, "hold", "held"), os.path.join(w.boxes, "alice/mail")
        put(w.held, 0o600, self.user or USERS["godwitq"])
        put(w.box, 0o600, USERS["alice"])

    def start(self):
        w = self.world
        w.start()
        self.companion = Client(w)              # another session, that waits
        until(lambda: len(w.sessions_of_master()) == 1)
        w.other, = w.sessions_of_master()
        w.pages = own_pages(w.master())
        return w

    def close(self):
        self.world.crush()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.world.shm)
        self.sink.close()


def put(path, mode, owner=0):
    with open(path, "w") as f:
        f.write("something")
    os.chmod(path, mode)
    os.chown(path, owner, owner)


# ---------------------------------------------------------------- the parts

def rows(w, place):
    for some in (on_files, on_processes, on_memory, on_sockets):
        yield from some(w, place)


def tell(verdict, tally, who):
    for line in tally.open:
        verdict.say(f"    left: {line}")
    if tally.nobody:
        verdict.say("    nobody can here: " + ", ".join(tally.nobody))
    verdict.say(f"theft from {who}: {tally.held} attempts failed, "
                f"{len(tally.open)} are left open")


def steal(verdict, ground):
    """With users of their own, as the daemon is meant to run."""
    loot = Loot(ground, "theft",
                listen="smtp on 127.0.0.1:25\nlisten smtp on 127.0.0.1:2599 proxy from 127.0.0.1",
                login=f"file {passwords(ground)}\nlogin without tls\nlogin senders any\n"
                      "login-user godwitl")
    w = loot.start()
    place, tally = Place(ground, w, "theft"), Tally(verdict, LEFT)
    before, people = snapshot(w), (w.master(), w.runner(), w.warden.pid, w.other)
    with open(w.log_path, "rb") as f:
        told = f.read()
    try:
        for row in rows(w, place):
            tally.take(w, place, row)
        tell(verdict, tally, "a daemon with users")
        verdict.check(tally.held >= 150, f"theft: only {tally.held} attempts")
        verdict.check(snapshot(w) == before, "theft: something has changed",
                      "\n".join(k for k, v in snapshot(w).items() if before.get(k) != v))
        verdict.check((w.master(), w.runner(), w.warden.pid) == people[:3] and
                      w.other in w.sessions() + [p.pid for p in processes()],
                      "theft: somebody has died")
        with open(w.log_path, "rb") as f:
            verdict.check(f.read().startswith(told), "theft: the log has been changed")
        loot.companion.put("read /etc/passwd - -\n")
        verdict.check(loot.companion.file.readline().startswith(b"0 "),
                      "theft: the other session has come to harm")
        fly(verdict, w)
        harm(verdict, w, loot)
    finally:
        place.close()
        loot.close()


def passwords(ground):
    """Of a user whose password is pencil."""
    path = os.path.join(ground.dir, "theft.passwd")
    with open(path, "w") as f:
        f.write("user:SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpc"
                "XkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=\n")
    os.chown(path, 0, USERS["godwitl"])
    os.chmod(path, 0o640)
    return path


def fly(verdict, w):
    """While one keeps as many descriptors on their way as it can, another client
    logs in, and one comes in through a proxy; but none for somebody else."""
    proxied = types.SimpleNamespace(address=("127.0.0.1", 2599), log=w.log)
    with Client(w) as c:
        c.put("stay-in-flight - - -\n")
        verdict.check(c.file.readline() == b"0 flying\r\n", "theft: it does not fly")
        for where, name, path, other, want in (
                (w, "log-in", "-", "pencil", 0),
                (proxied, "introduce", "203.0.113.7", "-", 0),
                (w, "introduce", "203.0.113.8", "-", errno.EACCES),
                (w, "log-in", "203.0.113.9", "pencil", errno.EACCES),
                (proxied, "log-in", "203.0.113.9", "pencil", errno.EACCES),
                (proxied, "log-in", "unknown", "pencil", 0)):
            err, how = within(where, name, path, other)
            verdict.check(err == want, f"theft: {name} {path} {other} in flight: {err}", how)


def harm(verdict, w, loot):
    """What it may do, and what comes of it: nothing."""
    master, runner, name = w.master(), w.runner(), os.path.basename(w.entry)
    quarry = os.path.join(os.path.dirname(w.entry))
    within(w, "lie", name)
    err, _ = within(w, "lie-to-the-master")
    verdict.check(err == errno.EPERM, "theft: a session of no proxy has named a client", err)
    verdict.check(w.master() == master, "theft: lies end the master")
    within(w, "request", "root")
    within(w, "request", "alice\x07/../root")
    within(w, "rubbish", os.path.join(quarry, name[:-1] + ("A" if name[-1] != "A" else "B")))
    # The same entry under another name beside it.
    err, _ = within(w, "link", w.entry, os.path.join(quarry, name[:-2] + "ZZ"))
    verdict.check(err == 0, "theft: nothing can be made of that any more: so try it")
    with Client(w) as c:
        c.put(f"flood {name} - -\n")
        time.sleep(1)
    verdict.check(until(lambda: w.runner() == runner), "theft: lies end the runner")
    verdict.check(not w.agents(), "theft: a session was given an agent")
    verdict.check(not re.search(r"agent|deliver as", w.log()), "theft: the warden heard a session")
    verdict.check(os.path.exists(w.entry), "theft: a lie removed an entry")
    loot.sink.answer = "250 2.1.0 Ok"
    run(os.path.join(BUILD, "godwit"), "-f", w.conf, "queue", "flush")
    until(lambda: sum(loot.sink.got.values()) >= 2)
    time.sleep(1)
    verdict.check(dict(loot.sink.got) == {(f"loot-{i}", f"x@{FAR}"): 1 for i in range(2)},
                  "theft: the entries are not delivered once each", loot.sink.got)
    reload_in_a_flood(verdict, w)


def reload_in_a_flood(verdict, w):
    """There is always a note for the runner, and it hears that it is to end."""
    runner = w.runner()
    with contextlib.ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(Client(w)).put("flood - - -\n")
        time.sleep(0.2)
        os.kill(w.warden.pid, signal.SIGHUP)
        verdict.check(until(lambda: all(p.pid != runner for p in processes())),
                      "theft: a flood of notes keeps the runner from its end")
        verdict.check(until(lambda: w.runner() not in (None, runner)),
                      "theft: there is no other runner")


class Drain(threading.Thread):
    """Reads a log that is a pipe, so that the daemon has a limit of files."""

    def __init__(self, path):
        super().__init__(daemon=True)
        os.mkfifo(path)
        os.chmod(path, 0o666)
        self.path, self.lines = path, []
        self.start()

    def run(self):
        # Open for writing as well: it outlives those who write.
        with open(os.open(self.path, os.O_RDWR), errors="replace") as f:
            for line in f:
                self.lines.append(line)


def fill_the_disk(verdict, ground):
    fifo = os.path.join(ground.dir, "theft.log")
    drain = Drain(fifo)
    loot = Loot(ground, "theft-disk", drain=drain, log=fifo)
    place, tally = Place(ground, loot.world, "theft-disk"), Tally(verdict, LEFT)
    try:
        w = loot.start()
        far = 128 << 20                 # the longest message, and much
        for call in ("too-long", "too-much"):
            tally.take(w, place, (call, (os.path.dirname(w.entry), "-", far),
                                  (place.dir, "-", far), ""))
        tally.take(w, place, ("rlimit", ("-", "-", 1), ("-", "-", 1), "file"))
        tell(verdict, tally, "a daemon whose log is no file")
    finally:
        place.close()
        loot.close()


# Where all are one user the modes of files part nobody from anybody; Landlock
# does, and the filter.
def steal_from_a_user(verdict, ground):
    loot = Loot(ground, "theft-user", user=USERS["alice"])
    w = loot.start()
    place, tally = Place(ground, w, "theft-user"), Tally(verdict, LEFT_TO_A_USER)
    before = snapshot(w)
    try:
        for row in rows(w, place):
            tally.take(w, place, row)
        tell(verdict, tally, "a daemon of an ordinary user")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(w.spool, "q", "stolen"))
        verdict.check(snapshot(w) == before, "theft: something of the user's has changed",
                      "\n".join(k for k, v in snapshot(w).items() if before.get(k) != v))
    finally:
        place.close()
        loot.close()


def run_all(verdict, ground):
    steal(verdict, ground)
    fill_the_disk(verdict, ground)
    steal_from_a_user(verdict, ground)
