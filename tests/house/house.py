# SPDX-License-Identifier: ISC
"""A village for whole daemons: three hosts on one bridge, each in namespaces of
its own (network, mounts, processes, host name), with nothing outside touched.

	dns  192.0.2.53   nsd, with the zones below; the bridge lies here
	a    192.0.2.10   godwit, a.test
	b    192.0.2.20   Postfix, b.test; also .22, and .21 where nobody listens

Every host has a copy of /etc with more users in it, and an empty /var/mail.
All its processes hang from one, which ends when its standard input does: so
they end with us, however we end, and the kernel takes the namespaces and what
was mounted away with them.  No name of a namespace is ever entered anywhere.

Nothing here sleeps for a fixed time: wait() polls a condition until a deadline.
The machine may be slow, stall for some seconds or lose a datagram, and no test
may fail for that: whatever must come has PATIENCE, and what is judged by time is
judged by a setting that is longer than any delay, or against a twin of the same
run.  The stress that comes of a slow machine is switched off, but where it is
what is tested.
"""
import contextlib
import ctypes
import email
import email.policy
import os
import re
import shutil
import smtplib
import socket
import subprocess
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TREE = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.join(TREE, os.environ.get("GODWIT_BUILD", "build"))
SANITIZED = "asan" in BUILD
SLOW = 5 if SANITIZED else 1            # how much slower all may be
PATIENCE = 60 * SLOW                    # seconds, until a wait is a failure

# The kernel counts some things by user, whatever the namespace: villages beside
# each other (tests/run) have no user in common.
VILLAGE = 10 * int(os.environ.get("GODWIT_VILLAGE", "0"))
USERS = {name: 7501 + VILLAGE + n for n, name in enumerate(("alice", "bob", "carol", "dave"))}
SYSTEM = {name: 6901 + VILLAGE + n
          for n, name in enumerate(("godwit", "godwitq", "godwitk", "godwita"))}
GROUPS = {"godwitdrop": 6909 + VILLAGE}

DNS, A, B, REFUSES, B2, BLACK = ("192.0.2." + n for n in
                                 ("53", "10", "20", "21", "22", "66"))

ZONE = f"""
$TTL 60
.		SOA	ns.test. root.test. 1 3600 600 86400 1
.		NS	ns.test.
$ORIGIN test.
ns		A	{DNS}
a		A	{A}
		AAAA	2001:db8::10
b		A	{B}
		AAAA	2001:db8::20
b1		A	{B}
b2		A	{B2}
refuses		A	{REFUSES}
hole		A	{BLACK}
a		MX	10 a
b		MX	10 b1
second		MX	10 refuses
		MX	20 b1
equal		MX	10 b1
		MX	10 b2
onlya		A	{B}
onlyaaaa	AAAA	2001:db8::20
alias		CNAME	b
mxalias		MX	10 mxtarget
mxtarget	CNAME	b1
null		MX	0 .
ours		MX	10 a
		MX	20 b1
backup		MX	10 b1
		MX	20 a
down		MX	10 refuses
black		MX	10 hole
*.black		MX	10 hole
empty		TXT	"neither an MX nor an address"
noaddr		MX	10 nosuchhost
late		MX	10 broken.broken
$ORIGIN 2.0.192.in-addr.arpa.
10		PTR	a.test.
20		PTR	b1.test.
22		PTR	b2.test.
30		PTR	good.client.test.
32		PTR	good.client.test.
33		PTR	x.broken.test.
34		PTR	bad\\032name.client.test.
35		PTR	other.client.test.
35		PTR	third.client.test.
36		CNAME	36.of.client.test.
37		PTR	nosuch.client.test.
38		PTR	192.0.2.38.
$ORIGIN 8.b.d.0.1.0.0.2.ip6.arpa.
1.3.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0	PTR	six.client.test.
$ORIGIN client.test.
good		A	192.0.2.30
six		AAAA	2001:db8::31
other		A	192.0.2.99
third		A	192.0.2.35
36.of		PTR	aliased.client.test.
aliased		A	192.0.2.36
; Lists of the DNS, RFC 5782: with their test entries, but for those that are ill.
$ORIGIN bl.test.
2.0.0.127	A	127.0.0.2
40.2.0.192	A	127.0.0.2
		TXT	"https://bl.test/?40"
41.2.0.192	A	127.0.0.10
42.2.0.192	A	127.255.255.254
43.2.0.192	A	127.0.0.3
44.2.0.192	A	127.0.0.10
1.3.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2	A	127.0.0.2
$ORIGIN other.test.
2.0.0.127	A	127.0.0.2
44.2.0.192	A	127.0.0.4
$ORIGIN white.test.
2.0.0.127	A	127.0.0.2
43.2.0.192	A	127.0.0.2
$ORIGIN all.test.
*		A	127.0.0.2
$ORIGIN wild.test.
*		A	192.0.2.1
$ORIGIN nobody.test.
40.2.0.192	A	127.0.0.2
"""
# Postfix takes mail for these.
B_DOMAINS = ["b.test", "second.test", "equal.test", "onlya.test",
             "onlyaaaa.test", "alias.test", "mxalias.test", "backup.test"]


def wait(condition, what, seconds=None):
    """Calls it until it returns something true, and returns that."""
    seconds = PATIENCE if seconds is None else seconds * SLOW
    end = time.monotonic() + seconds
    pause = 0.005
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= end:
            raise AssertionError(f"not within {seconds} seconds: {what}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)


def read(path):
    try:
        with open(path, "rb") as f:
            return f.read()
    except FileNotFoundError:
        return b""


def without(path, names):
    """A passwd or group of this system, with no user or group of those names."""
    return "".join(line for line in read(path).decode().splitlines(True)
                   if line.split(":")[0] not in names)


def write(path, text, mode=0o644):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    os.chmod(path, mode)


# ---------------------------------------------------------------- hosts

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
NETWORKS = threading.Lock()


def enter_network(fd):
    if LIBC.setns(fd, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


class Host:
    """One host; run() and start() act inside of it."""

    def __init__(self, name, base):
        self.name = name
        self.base = os.path.join(base, name)
        self.started = []
        os.mkdir(self.base, 0o755)
        self.holder = subprocess.Popen(
            ["unshare", "--net", "--mount", "--uts", "--ipc", "--pid", "--fork",
             "--mount-proc", "--kill-child", "--propagation", "private",
             "sh", "-c", "echo; exec env --ignore-signal=CHLD cat"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            start_new_session=True)
        assert self.holder.stdout.readline() == b"\n", "no namespaces"
        self.pid = self.holder.pid
        self.prefix = ["nsenter", f"--target={self.pid}", "--mount", "--net",
                       "--uts", "--ipc",
                       f"--pid=/proc/{self.pid}/ns/pid_for_children",
                       "--root", "--wd", "--"]
        self.network = os.open(f"/proc/{self.pid}/ns/net", os.O_RDONLY)
        self.settle()

    def settle(self):
        # The tree may lie where only root comes to, as below /root.
        self.programs = os.path.join(self.base, "programs")
        etc, homes = os.path.join(self.base, "etc"), os.path.join(self.base, "home")
        for made in (self.programs, etc, homes):
            os.mkdir(made, 0o755)
        self.shell(f"""
            mount --bind {BUILD} {self.programs}
            mount -t tmpfs -o mode=755 tmpfs {etc}
            cp -a /etc/. {etc}
            cd {etc}; rm -f passwd group hosts resolv.conf aliases   # may be links
            mount --bind {etc} /etc
            hostname {self.name}.test
            ip link set lo up
            sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0
        """)
        ours = (*SYSTEM, *USERS, *GROUPS)
        users, groups = without("/etc/passwd", ours), without("/etc/group", ours)
        for name, number in SYSTEM.items():
            users += f"{name}:x:{number}:{number}::/nonexistent:/usr/sbin/nologin\n"
        for name, number in USERS.items():
            home = os.path.join(homes, name)
            os.mkdir(home, 0o700)
            os.chown(home, number, number)
            users += f"{name}:x:{number}:{number}:{name.title()} Test:{home}:/bin/sh\n"
        for name, number in {**SYSTEM, **USERS, **GROUPS}.items():
            groups += f"{name}:x:{number}:\n"
        for name, text in (("passwd", users), ("group", groups),
                           ("hosts", "127.0.0.1 localhost\n::1 localhost\n"),
                           ("resolv.conf", f"nameserver {DNS}\n"), ("aliases", ""),
                           ("mailname", f"{self.name}.test\n")):
            write(self.path("/etc/" + name), text)
        self.shell("""
            mount -t tmpfs tmpfs /var/mail
            chgrp mail /var/mail; chmod 2775 /var/mail
        """)

    def run(self, argv, check=True, user=None, **more):
        """Like subprocess.run, with output as bytes; argv is a list."""
        more.setdefault("timeout", 3 * PATIENCE)
        more.setdefault("stdin", None if "input" in more else subprocess.DEVNULL)
        if "input" in more:
            del more["stdin"]
        argv = [str(word) for word in argv]
        if user is not None:
            argv = ["setpriv", f"--reuid={user}", f"--regid={user}",
                    "--init-groups", "env", f"USER={user}", f"LOGNAME={user}",
                    f"HOME={self.base}/home/{user}"] + argv
        done = subprocess.run(self.prefix + argv, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, **more)
        if check and done.returncode != 0:
            raise AssertionError(f"{argv} ended with {done.returncode}: "
                                 f"{done.stdout!r} {done.stderr!r}")
        return done

    def shell(self, script, **more):
        return self.run(["sh", "-ec", script], **more).stdout.decode()

    def start(self, argv, **more):
        child = subprocess.Popen(self.prefix + [str(word) for word in argv],
                                 stdin=subprocess.DEVNULL,
                                 start_new_session=True, **more)
        self.started.append(child)
        return child

    def home(self, user):
        return os.path.join(self.base, "home", user)

    def path(self, path):
        """A path of the host, as we see it."""
        return f"/proc/{self.pid}/root{path}"

    @contextlib.contextmanager
    def net(self):
        """Sockets that are made within belong to the host's network."""
        with NETWORKS:
            ours = os.open("/proc/self/ns/net", os.O_RDONLY)
            enter_network(self.network)
            try:
                yield
            finally:
                enter_network(ours)
                os.close(ours)

    def connect(self, to="127.0.0.1", port=25, timeout=None):
        family = socket.AF_INET6 if ":" in to else socket.AF_INET
        with self.net():
            s = socket.socket(family)
        s.settimeout(PATIENCE if timeout is None else timeout)
        try:
            s.connect((to, port))
        except BaseException:
            s.close()
            raise
        return s

    def listen(self, at="0.0.0.0", port=25):
        with self.net():
            s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind((at, port))
        s.listen(100)
        return s

    def close(self):
        with contextlib.suppress(OSError):
            self.holder.stdin.close()
        try:
            self.holder.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.holder.kill()
            self.holder.wait()
        self.holder.stdout.close()
        for child in self.started:
            child.wait()
        os.close(self.network)


class Village:
    """The three hosts with their cables."""

    def __init__(self, base):
        os.chmod(base, 0o755)
        self.base = base
        self.hosts = []
        try:
            self.dns, self.a, self.b = (self.settle(n) for n in ("dns", "a", "b"))
            self.wire()
        except BaseException:
            self.close()
            raise

    def settle(self, name):
        host = Host(name, self.base)
        self.hosts.append(host)
        return host

    def wire(self):
        net = ["nsenter", f"--target={self.dns.pid}", "--net", "--"]
        subprocess.run(net + ["ip", "link", "add", "br0", "type", "bridge", "stp_state", "0",
                              "forward_delay", "0", "mcast_snooping", "0"], check=True)
        for host in (self.a, self.b):
            subprocess.run(net + ["ip", "link", "add", "to-" + host.name, "type", "veth",
                                  "peer", "name", "eth0", "netns",
                                  str(host.pid)], check=True)
            self.dns.shell(f"ip link set to-{host.name} master br0 up")
        self.dns.shell(f"ip addr add {DNS}/24 dev br0; ip link set br0 up")
        self.a.shell(f"""
            ip addr add {A}/24 dev eth0
            ip -6 addr add 2001:db8::10/64 dev eth0 nodad
            ip link set eth0 up
            ip neigh add {BLACK} lladdr 02:00:00:00:00:66 dev eth0 nud permanent
        """)
        self.b.shell(f"""
            for ip in {B} {REFUSES} {B2}; do ip addr add $ip/24 dev eth0; done
            ip -6 addr add 2001:db8::20/64 dev eth0 nodad
            ip link set eth0 up
        """)

    def close(self):
        for host in self.hosts:
            host.close()


# ---------------------------------------------------------------- nsd

class Nsd:
    """Authority for the root, and so for all that there is; the zone
    broken.test is configured and has no file, which is SERVFAIL."""

    def __init__(self, host):
        self.host = host
        self.base = os.path.join(host.base, "nsd")
        os.mkdir(self.base)
        write(self.base + "/root.zone", ZONE)
        write(self.base + "/nsd.conf", f"""
server:
	ip-address: {DNS}
	username: ""
	chroot: ""
	zonesdir: "{self.base}"
	zonelistfile: "{self.base}/zone.list"
	xfrdfile: "{self.base}/xfrd.state"
	# Below /tmp it would name a directory by its number alone, and two
	# in pid namespaces of their own have the same.
	xfrdir: "{self.base}"
	pidfile: "{self.base}/nsd.pid"
	logfile: "{self.base}/log"
	database: ""
	server-count: 1
	# By default it leaves out answers when a network asks more than 200 a second.
	rrl-ratelimit: 0
	rrl-whitelist-ratelimit: 0
remote-control:
	control-enable: no
zone:
	name: .
	zonefile: root.zone
zone:
	name: broken.test
	zonefile: nosuch.zone
""")
        host.run(["nsd-checkconf", self.base + "/nsd.conf"])
        host.start(["nsd", "-d", "-c", self.base + "/nsd.conf"],
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait(lambda: self.rcode("a.test") == 0, "nsd answers")
            wait(lambda: self.rcode("nosuch.test") == 3, "it denies")
            wait(lambda: self.rcode("broken.test") == 2, "it fails")
        except AssertionError as e:
            log = read(self.base + "/log").decode()
            raise AssertionError(f"{e}; its log: {log}") from None

    def rcode(self, name):
        question = b"".join(bytes([len(l)]) + l.encode()
                            for l in name.split(".")) + b"\0\0\x01\0\x01"
        with self.host.net():
            s = socket.socket(type=socket.SOCK_DGRAM)
        with s:
            s.settimeout(0.5)      # one that comes while it forks is lost
            try:
                s.sendto(b"\x12\x34\1\0\0\1\0\0\0\0\0\0" + question, (DNS, 53))
                return s.recv(512)[3] & 15
            except OSError:
                return None


# ---------------------------------------------------------------- Postfix

class Postfix:
    """Debian's, run as an instance of its own: maildirs in the homes."""

    def __init__(self, host):
        self.host = host
        self.base = os.path.join(host.base, "postfix")
        self.conf = self.base + "/etc"
        self.log_path = self.base + "/log"
        self.queue = self.base + "/queue"
        os.makedirs(self.conf)
        os.mkdir(self.queue)
        os.mkdir(self.base + "/data")
        shutil.chown(self.base + "/data", "postfix")
        write(self.conf + "/main.cf", f"""
compatibility_level = 3.6
queue_directory = {self.queue}
data_directory = {self.base}/data
myhostname = b.test
mydomain = test
mydestination = {", ".join(B_DOMAINS)}
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1, {B}, {B2}, 2001:db8::20
smtp_bind_address = {B}
inet_protocols = all
alias_maps =
alias_database =
home_mailbox = Maildir/
mailbox_command =
mailbox_size_limit = 0
message_size_limit = 104857600
enable_long_queue_ids = yes
maillog_file = {self.log_path}
maillog_file_prefixes = {self.base}
biff = no
in_flow_delay = 0
queue_run_delay = 2s
minimal_backoff_time = 2s
maximal_backoff_time = 4s
smtpd_client_connection_count_limit = 0
default_process_limit = 30
# Mail is to pass as it is.
local_header_rewrite_clients =
remote_header_rewrite_domain =
always_add_missing_headers = no
message_drop_headers =
message_strip_characters =
disable_mime_input_processing = yes
disable_mime_output_conversion = yes
smtp_line_length_limit = 0
line_length_limit = 20000
header_size_limit = 1000000
hopcount_limit = 100
recipient_delimiter = +
local_destination_concurrency_limit = 10
strict_8bitmime = no
""")
        lines = []
        for line in read("/etc/postfix/master.cf").decode().splitlines():
            words = line.split()
            if words and not line.startswith(("#", " ", "\t")):
                words[4] = "n"          # no chroot
                line = "  ".join(words)
            lines.append(line)
        write(self.conf + "/master.cf", "\n".join(lines) + "\n")
        self.start()

    def command(self, *words, **more):
        return self.host.run(words[:1] + ("-c", self.conf) + words[1:], **more)

    def start(self):
        self.command("postfix", "start")
        wait(self.is_up, "Postfix greets")

    def stop(self):
        self.command("postfix", "stop")
        wait(lambda: not self.is_up(), "Postfix is gone")

    def is_up(self):
        try:
            with self.host.connect(B) as s:
                greeted = s.recv(100).startswith(b"220")
                s.sendall(b"QUIT\r\n")
                return greeted
        except OSError:
            return False

    def log(self):
        return read(self.log_path).decode("utf-8", "replace")

    def mark(self):
        """A place in the log, for since()."""
        return len(read(self.log_path))

    def since(self, mark):
        return read(self.log_path)[mark:].decode("utf-8", "replace")

    def send(self, sender, to, message, **more):
        return send(self.host, sender, to, message, **more)

    def inbox(self, user):
        return Maildir(self.host.home(user) + "/Maildir")

    def empty(self):
        self.command("postsuper", "-d", "ALL", check=False)
        for user in USERS:
            shutil.rmtree(self.host.home(user) + "/Maildir", ignore_errors=True)

    def mailq(self):
        return self.command("postqueue", "-p").stdout.decode()


# ---------------------------------------------------------------- godwit

class Godwit:
    """An instance of our own on a host, made for one test."""

    def __init__(self, host, base, settings="", journal=False, aliases=""):
        self.host = host
        self.base = base
        os.mkdir(base, 0o755)
        self.conf = base + "/godwit.conf"
        self.log_path = base + "/log"
        self.spool = base + "/spool"
        self.run_dir = base + "/run"
        self.aliases = base + "/aliases"
        self.warden = None
        self.mounted = False
        if journal:
            self.mount()
        self.configure(settings)
        self.alias(aliases)

    def mount(self):
        """The spool on an ext4 with a journal, which ours need not have."""
        image = self.base + "/image"
        with open(image, "wb") as f:
            f.truncate(256 << 20)
        os.mkdir(self.spool + ".fs", 0o755)
        self.host.shell(f"""
            mkfs.ext4 -q -F -O has_journal {image}
            mount -o loop {image} {self.spool}.fs
        """)
        self.mounted = True
        self.spool += ".fs/spool"

    def configure(self, settings):
        """Writes the configuration.  A setting in `settings` takes the place
        of the one given here."""
        ours = {
            "hostname": f"{self.host.name}.test",
            "listen": "smtp",
            "deliver": "mbox /var/mail",
            "spool": self.spool,
            "run": self.run_dir,
            "log": self.log_path,
            "aliases": self.aliases,
            "free-space": "1M",
            "spool-may-lose-mail": "yes",       # wherever /tmp lies
            "transactions": "1000",
            "retry-first": "1s",
            "retry-most": "2s",
            "timeout-connect": "3s",
            "stress-at": "0",
        }
        named = {line.split()[0] for line in settings.splitlines() if line.strip()}
        text = "".join(f"{name} {value}\n" for name, value in ours.items()
                       if name not in named)
        write(self.conf, text + settings.strip() + "\n")

    def alias(self, text):
        """Writes the table and compiles it; none is a system without one."""
        if text:
            write(self.aliases, text)
            self.sendmail("-bi")

    def program(self, name):
        path = os.path.join(BUILD, name)
        assert os.access(path, os.X_OK), f"{path} was not built"
        return os.path.join(self.host.programs, name)

    def start(self):
        mark = self.mark()
        self.output = open(self.base + "/output", "ab")
        self.warden = self.host.start(
            [self.program("godwitd"), "-d", "-f", self.conf],
            stdout=self.output, stderr=self.output)
        wait(lambda: re.search("starts as|is running", self.since(mark)) or
             self.warden.poll() is not None, "godwitd runs")
        if self.warden.poll() is not None:
            raise AssertionError("godwitd ended: " +
                                 read(self.base + "/output").decode())
        return self

    def pid(self):
        """Of the warden, within the host."""
        return int(read(self.run_dir + "/godwit.pid") or 0)

    def processes(self):
        """pid, parent, command; of this instance."""
        rows = [line.split(None, 2) for line in self.host.run(
            ["ps", "-eo", "pid=,ppid=,args="]).stdout.decode().splitlines()]
        rows = [(int(row[0]), int(row[1]), row[2].removeprefix("godwitd: "))
                for row in rows]
        ours = {self.pid()}
        while True:
            more = {pid for pid, parent, _ in rows if parent in ours} - ours
            if not more:
                return [row for row in rows if row[0] in ours]
            ours |= more

    def limits_of_a_session(self):
        """{what: (soft, hard)} of any that lives; one that has just ended has none."""
        def look():
            master = self.process("master")
            for pid, parent, _ in self.processes():
                with contextlib.suppress(OSError):
                    if parent == master and (text := read(self.host.path(f"/proc/{pid}/limits"))):
                        return text.decode()
            return None
        return {match[1].strip(): (match[2], match[3]) for match in
                re.finditer(r"(?m)^(Max [a-z ]+?)  +(\S+) +(\S+)", wait(look, "a session"))}

    def process(self, word):
        """The first process of that title, or None."""
        for pid, _, title in self.processes():
            if title.split()[0] == word:
                return pid
        return None

    def signal(self, name):
        self.host.run(["kill", f"-{name}", self.pid()])

    def stop(self, seconds=None):
        """SIGTERM, and all its processes are gone."""
        if self.warden is None:
            return 0
        pid = self.pid()
        if self.warden.poll() is None:
            self.host.run(["kill", "-TERM", pid], check=False)
            wait(lambda: self.warden.poll() is not None, "godwitd ends", seconds)
        status, self.warden = self.warden.returncode, None
        self.output.close()
        return status

    def kill(self):
        """What is left of it, at the end of a test."""
        if self.warden is not None and self.warden.poll() is None:
            for pid, _, _ in self.processes():     # the warden first
                self.host.run(["kill", "-KILL", pid], check=False)
            self.warden.wait()
            self.output.close()
        self.warden = None
        if self.mounted:
            wait(lambda: self.host.run(["umount", os.path.dirname(self.spool)],
                                       check=False).returncode == 0,
                 "the spool can be unmounted")
            self.mounted = False
        self.host.shell("rm -rf /var/mail/*")
        for user in USERS:
            home = self.host.home(user)
            for name in os.listdir(home):
                path = os.path.join(home, name)
                if os.path.isdir(path):
                    shutil.rmtree(path)
                else:
                    os.remove(path)

    def flaws(self):
        """What no test may leave behind: words of a sanitizer, a process that
        fell over (SIGKILL is ours) or into its own sandbox (SIGSYS)."""
        output = read(self.base + "/output").decode("utf-8", "replace")
        found = re.findall(r"(?m)^.*(?:Sanitizer|runtime error:).*", output)
        found += re.findall(r"(?m)^.*(?:killed by signal (?!9\b)\d+|"
                            r"worker for .* has died|\bpanic:).*", self.log())
        return found

    def log(self):
        return read(self.log_path).decode("utf-8", "replace")

    def mark(self):
        return len(read(self.log_path))

    def since(self, mark):
        return read(self.log_path)[mark:].decode("utf-8", "replace")

    def wait_log(self, pattern, seconds=None, since=0):
        """The match of the pattern in the log."""
        found = re.compile(pattern, re.M)
        return wait(lambda: found.search(self.since(since)),
                    f"in the log: {pattern}", seconds)

    def send(self, sender, to, message, **more):
        return send(self.host, sender, to, message, **more)

    def sendmail(self, *words, **more):
        return self.host.run([self.program("sendmail"), f"-C{self.conf}", *words],
                             **more)

    def mailq(self):
        return self.sendmail("-bp").stdout.decode()

    def queue(self, *words, **more):
        return self.host.run([self.program("godwit"), "-f", self.conf, "queue",
                              *words], **more)

    def entries(self):
        """The entries of the queue, as files."""
        found = []
        for folder, _, names in os.walk(self.host.path(self.spool + "/q")):
            found += [os.path.join(folder, name) for name in names]
        return found

    def is_empty(self):
        return not self.entries()

    def wait_empty(self, seconds=None):
        wait(self.is_empty, "the queue is empty", seconds)

    def mbox(self, user):
        return mbox_messages(read(self.host.path(f"/var/mail/{user}")))

    def maildir(self, user):
        return Maildir(self.host.home(user) + "/Maildir")

    def wait_mail(self, user, count=1, seconds=None):
        """The messages in the user's mbox, once there are so many."""
        wait(lambda: len(self.mbox(user)) >= count,
             f"{count} messages for {user}", seconds)
        return self.mbox(user)


# ---------------------------------------------------------------- mail

class Maildir:
    def __init__(self, path):
        self.path = path

    def files(self):
        found = []
        for part in ("new", "cur"):
            with contextlib.suppress(FileNotFoundError):
                found += [os.path.join(self.path, part, name)
                          for name in os.listdir(os.path.join(self.path, part))]
        return found

    def messages(self):
        return [read(path) for path in self.files()]

    def wait(self, count=1, seconds=None):
        wait(lambda: len(self.files()) >= count,
             f"{count} messages in {self.path} (there are {len(self.files())})",
             seconds)
        return self.messages()


def mbox_messages(data):
    """The messages of an mbox, without their From_ lines; the quoting stays.
    None while the last one is still being written."""
    if not data.endswith(b"\n\n"):
        return []
    assert data.startswith(b"From "), data[:80]
    parts = re.split(rb"(?:\A|(?<=\n\n))From [^\n]*\n", data)[1:]
    return [part[:-1] for part in parts]


def parse(message):
    return email.message_from_bytes(message, policy=email.policy.SMTP)


def simple(subject, body="Hello.\n", sender="alice@a.test", to="bob@b.test"):
    text = (f"From: {sender}\nTo: {to}\nSubject: {subject}\n"
            f"Date: Sat, 22 Nov 2025 07:00:00 +0000\n"
            f"Message-ID: <{subject.replace(' ', '.')}@a.test>\n\n{body}")
    return text.replace("\n", "\r\n").encode()


def with_subject(messages, subject):
    return [m for m in messages
            if re.search(rb"(?m)^Subject: %b\r?$" % re.escape(subject.encode()),
                         m.split(b"\n\n")[0])]


TRACE = re.compile(rb"(?:(?:Return-Path|Delivered-To|X-Original-To|Received):"
                   rb"[^\n]*\n(?:\t[^\n]*\n)*)", re.I)


def split_trace(message, received):
    """What arrived, without what was put in front of it: any mark of delivery
    and so many Received fields, which both of us fold with a tab.  Behind the
    last of them all is the sender's own."""
    trace, seen, at = [], 0, 0
    while seen < received and (match := TRACE.match(message, at)):
        seen += match[0].startswith(b"Received:")
        trace.append(match[0])
        at = match.end()
    assert seen == received, message[:2000]
    return trace, message[at:]


class Client(smtplib.SMTP):
    """smtplib, from within a host, with the message as it is."""

    def __init__(self, host, at="127.0.0.1", port=25):
        self.host_of_client = host
        self.at = at
        super().__init__(at, port, local_hostname="client.test",
                         timeout=PATIENCE)

    def _get_socket(self, host, port, timeout):
        return self.host_of_client.connect(host, port, timeout)

    def post(self, sender, to, message, options=("BODY=8BITMIME",)):
        """One transaction; the reply to the message."""
        self.ehlo_or_helo_if_needed()
        to = [to] if isinstance(to, str) else to
        options = [o for o in options if self.has_extn("8bitmime")]
        code, text = self.mail(sender, options)
        if code != 250:
            raise smtplib.SMTPSenderRefused(code, text, sender)
        for one in to:
            code, text = self.rcpt(one)
            if code != 250:
                self.rset()
                raise smtplib.SMTPRecipientsRefused({one: (code, text)})
        code, text = self.docmd("DATA")
        if code != 354:
            raise smtplib.SMTPDataError(code, text)
        self.send(stuff(message))
        return self.getreply()


def stuff(message):
    """Dots doubled, and the end."""
    message = re.sub(rb"(?m)^\.", b"..", message)
    return message + (b"" if message.endswith(b"\r\n") else b"\r\n") + b".\r\n"


def send(host, sender, to, message, at="127.0.0.1", port=25):
    """One message over its own connection; it was accepted: the reply."""
    with Client(host, at, port) as client:
        code, text = client.post(sender, to, message)
    assert code == 250, (code, text)
    return text.decode()


def queue_id(reply):
    return re.search(r"queued as (\S+)", reply)[1]


class Sink:
    """A server that keeps what it is told.  `replies` gives, for a verb or for
    "." or "CONNECT", what is said instead of yes."""

    def __init__(self, host, at="0.0.0.0", port=25, replies=None,
                 extensions=("PIPELINING", "8BITMIME", "SIZE 200000000",
                             "ENHANCEDSTATUSCODES")):
        self.replies = replies or {}
        self.extensions = extensions
        self.messages = []
        self.connections = 0
        self.lock = threading.Lock()
        self.open = set()
        self.socket = host.listen(at, port)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            with self.lock:
                self.connections += 1
                self.open.add(connection)
            threading.Thread(target=self.serve, args=(connection,),
                             daemon=True).start()

    def serve(self, connection):
        try:
            with connection, connection.makefile("rwb") as f:
                self.talk(f)
        except (OSError, ValueError):
            pass
        finally:
            with self.lock:
                self.open.discard(connection)

    def say(self, f, verb, otherwise):
        text = self.replies.get(verb, otherwise)
        if callable(text):
            text = text()
        f.write(text.encode() + b"\r\n")
        f.flush()
        return text

    def talk(self, f):
        self.say(f, "CONNECT", "220 sink.test ESMTP")
        message = {"to": []}
        for line in iter(f.readline, b""):
            verb = line.split(None, 1)[0].decode("latin1").upper()
            if verb == "EHLO":
                lines = ["sink.test", *self.extensions]
                self.say(f, verb, "\r\n".join(
                    ("250-" if i < len(lines) - 1 else "250 ") + line
                    for i, line in enumerate(lines)))
            elif verb == "MAIL":
                said = self.say(f, verb, "250 2.1.0 Ok")
                message = {"to": []}
                if said[0] == "2":
                    message["from"] = line.strip()
            elif verb in ("RCPT", "DATA") and ("from" not in message or (
                    verb == "DATA" and not message["to"])):
                f.write(b"503 5.5.1 out of order\r\n")
                f.flush()
            elif verb == "RCPT":
                if self.say(f, verb, "250 2.1.5 Ok")[0] == "2":
                    message["to"].append(line.strip())
            elif verb == "DATA":
                if self.say(f, verb, "354 Go on")[0] == "3":
                    self.take(f, message)
            elif verb == "QUIT":
                self.say(f, verb, "221 2.0.0 Bye")
                return
            else:
                self.say(f, verb, "250 2.0.0 Ok")

    def take(self, f, message):
        lines = []
        for line in iter(f.readline, b""):
            if line == b".\r\n":
                break
            lines.append(line[1:] if line.startswith(b".") else line)
        message["data"] = b"".join(lines)
        if self.say(f, ".", "250 2.0.0 Ok: taken")[0] == "2":
            with self.lock:
                self.messages.append(dict(message))

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        with self.lock:
            for connection in self.open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
