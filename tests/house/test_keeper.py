# SPDX-License-Identifier: ISC
"""The private keys are in one process, and nowhere else; TLS goes on, whoever dies."""
import os
import re
import ssl

import pytest

from house import PATIENCE, SANITIZED, USERS, read, simple, wait
from test_tls import SERVICES, Client, common_name, context, make, s_client, shown

RSA = "rsa:2048"


@pytest.fixture
def tls(house):
    def start(kinds=("ec -pkeyopt ec_paramgen_curve:P-256",), more=""):
        g = house(start=False)
        paths = [make(g, f"{name}.test", kind) for name, kind in zip(("one", "two"), kinds)]
        g.configure(SERVICES + "".join(f"tls certificate {path}\n" for path in paths) + more)
        g.paths = paths
        g.start()
        # Who is greeted finds all in its place: keeper, master, sandboxes.
        with Client(g.host, 465):
            pass
        return g
    return start


def titled(g, word):
    """Those whom the warden has started so; a session has its master's title."""
    return [pid for pid, parent, title in g.processes() if title == word and parent == g.pid()]


def keepers(g):
    return titled(g, "keeper")


def sessions(g):
    master, = titled(g, "master")
    return [pid for pid, parent, _ in g.processes() if parent == master]


def status(g, pid, what):
    return re.search(rf"(?m)^{what}:[ \t]*(.*)$", read(g.host.path(f"/proc/{pid}/status")).decode())[1]


def upgrade(client):
    client.starttls(context=context())
    client.ehlo("again.test")


# ---------------------------------------------------------------- where the keys are

def secrets(g, path):
    """The numbers that are nobody's business, as they may lie in memory: OpenSSL
    has them with the least word first; and a piece of the file."""
    text = g.host.shell(f"openssl pkey -in {path} -noout -text")
    found = {}
    for name, digits in re.findall(r"(?m)^(priv|privateExponent|prime1|prime2|exponent1|exponent2):\n"
                                   r"((?: +[0-9a-f:]+\n)+)", text):
        number = bytes.fromhex(re.sub(r"[\s:]", "", digits)).lstrip(b"\0")
        number = number.rjust((len(number) + 7) // 8 * 8, b"\0")
        # 24 of its bytes, wherever in a row they are.
        found[name] = [number[:24], number[-24:], number[::-1][:24], number[::-1][-24:]]
    pem = re.search(r"-----BEGIN PRIVATE KEY-----\n(.*?)-----END", read(path).decode(), re.S)[1]
    lines = pem.split()
    found["pem"] = [lines[len(lines) // 2 - 1][8:40].encode()]
    return found


def memory(g, pid):
    """All that a process has, region by region."""
    with open(g.host.path(f"/proc/{pid}/maps"), encoding="ascii") as f:
        regions = [line.split()[:2] for line in f if not line.rstrip().endswith(("[vvar]", "[vsyscall]",
                                                                                "[vvar_vclock]"))]
    with open(g.host.path(f"/proc/{pid}/mem"), "rb", 0) as f:
        for bounds, rights in regions:
            first, last = (int(n, 16) for n in bounds.split("-"))
            # A sanitizer has maps of all addresses that there could be.
            if rights[0] != "r" or (SANITIZED and last - first > 1 << 28):
                continue
            f.seek(first)
            data = b""
            while len(data) < last - first and (part := f.read(last - first - len(data))):
                data += part
            yield data


def search(g, pid, words):
    """The names of those secrets that the process has, and how much was read."""
    found, size = set(), 0
    for data in memory(g, pid):
        size += len(data)
        found |= {name for name, forms in words.items() if any(form in data for form in forms)}
    return found, size


@pytest.mark.parametrize("kind, numbers", [
    (RSA, {"privateExponent", "prime1", "prime2", "exponent1", "exponent2"}),
    ("ec -pkeyopt ec_paramgen_curve:P-256", {"priv"}),
    ("ec -pkeyopt ec_paramgen_curve:P-384", {"priv"})])
def test_where_the_key_is(tls, kind, numbers):
    g = tls([kind])
    words = secrets(g, g.paths[0])
    assert set(words) == numbers | {"pem"}
    with Client(g.host, 465) as within, Client(g.host) as upgraded, Client(g.host):
        upgrade(upgraded)
        within.sendmail("bob@b.test", ["alice@a.test"], simple("sealed"))
        ours = wait(lambda: len(now := sessions(g)) == 3 and now, "no session but these")
        for pid in [g.pid(), g.process("master"), g.process("qmgr"), *ours]:
            found, size = search(g, pid, words)
            assert found == set() and size > 1 << 20, (pid, found)
        keeper, = keepers(g)
        found, _ = search(g, keeper, words)
        assert found >= numbers, found
    g.wait_mail("alice")


def test_who_it_is(tls):
    g = tls()
    keeper, = keepers(g)
    uid = g.host.shell("id -u godwitk").strip()
    assert set(status(g, keeper, "Uid").split()) == {uid}
    assert status(g, keeper, "Groups").split() == []
    assert status(g, keeper, "NoNewPrivs") == "1"
    assert status(g, keeper, "Seccomp") == "2"
    assert int(status(g, keeper, "CapEff"), 16) == 0
    assert int(status(g, keeper, "VmLck").split()[0]) > 0
    # Not dumpable (a sanitizer could not live so): its files in /proc are root's.
    assert SANITIZED or os.stat(g.host.path(f"/proc/{keeper}/environ")).st_uid == 0
    links = [os.readlink(path) for path in (g.host.path(f"/proc/{keeper}/fd/{n}") for n in
             os.listdir(g.host.path(f"/proc/{keeper}/fd")))]
    assert all(re.match(r"socket:|/dev/null$", link) or link.endswith(("/log", "/output"))
               for link in links), links
    assert sorted(os.listdir(g.host.path(g.run_dir))) == sorted(
        name for name in os.listdir(g.host.path(g.run_dir)) if "keeper" not in name)
    # Who may not ask cannot: the door has no name, and belongs to `user'.
    master = g.process("master")
    door, = [n for n in os.listdir(g.host.path(f"/proc/{master}/fd"))
             if "keeper" in os.readlink(g.host.path(f"/proc/{master}/fd/{n}"))]
    node = os.stat(g.host.path(f"/proc/{master}/fd/{door}"))
    assert node.st_mode & 0o777 == 0o600 and node.st_nlink == 0
    assert node.st_uid == int(g.host.shell("id -u godwit"))


def test_none_without_tls(house):
    g = house()
    assert keepers(g) == []
    g.send("bob@b.test", "alice@a.test", simple("clear"))
    g.wait_mail("alice")


def test_tls_comes_and_goes(house):
    g = house(start=False)
    listens = "listen smtp on 127.0.0.1\n"
    g.configure(listens)
    g.start()
    assert keepers(g) == []
    for lines, count in [(f"tls certificate {make(g, 'one.test')}\n", 1), ("", 0)]:
        mark = g.mark()
        g.configure(listens + lines)
        g.signal("HUP")
        g.wait_log("reload: done", since=mark)
        wait(lambda: len(keepers(g)) == count, "keepers")

        # Who comes in the first moment may still find the master before.
        def offered():
            with Client(g.host) as c:
                return c.has_extn("starttls") == bool(count)
        wait(offered, "new sessions are as the configuration says")
        if count:
            with Client(g.host) as c:
                upgrade(c)


def test_no_user_for_it(house):
    g = house(start=False)
    g.configure(f"{SERVICES}tls certificate {make(g, 'one.test')}\nkeeper-user nobody-at-all\n")
    with pytest.raises(AssertionError, match='no user "nobody-at-all" .setting keeper-user'):
        g.start()


# ---------------------------------------------------------------- who asks

def test_types_and_names(tls):
    """openssl s_client, of both versions, with both types, and resumed."""
    g = tls(["ec -pkeyopt ec_paramgen_curve:P-384", RSA])
    ticket = g.base + "/ticket"
    for words, want in [(["-tls1_3"], "ECDSA"), (["-tls1_3", "-sigalgs", "rsa_pss_rsae_sha256"], "RSA-PSS"),
                        (["-tls1_2"], "ECDSA"), (["-tls1_2", "-sigalgs", "RSA+SHA256"], "RSA"),
                        (["-tls1_2", "-sigalgs", "rsa_pss_rsae_sha384"], "RSA-PSS")]:
        said = s_client(g, 25, *words)
        assert f"Peer signature type: {want}\n" in said, (words, said)
        assert "221 2.0.0" in said
    for words, what in [(["-sess_out", ticket], "New,"), (["-sess_in", ticket], "Reused,")]:
        assert re.search("^" + what, s_client(g, 465, "-tls1_2", *words), re.M)
    assert "SSL_accept error" not in g.log()


def test_postfix_sends(tls, postfix):
    """Postfix insists on TLS, of each version, in a thing as it is in the world."""
    g = tls([RSA, "ec -pkeyopt ec_paramgen_curve:P-256"])
    g.configure(read(g.conf).decode().replace("listen smtp on 127.0.0.1", "listen smtp"))
    g.stop()
    g.start()
    before = postfix.command("postconf", "-h", "smtp_tls_security_level").stdout.decode().strip()
    try:
        for number, protocols in enumerate([">=TLSv1.3", "TLSv1.2"]):
            postfix.command("postconf", "-e", "smtp_tls_security_level=encrypt",
                            f"smtp_tls_mandatory_protocols={protocols}", "smtp_tls_loglevel=1")
            postfix.command("postfix", "reload")
            mark = g.mark()
            postfix.send("bob@b.test", "alice@a.test", simple(f"by Postfix {number}"))
            g.wait_log(r"TLS connection established from \S+: TLSv1\." + "32"[number], since=mark)
            g.wait_mail("alice", number + 1)
    finally:
        postfix.command("postconf", "-e", f"smtp_tls_security_level={before}")
        postfix.command("postconf", "-X", "smtp_tls_mandatory_protocols", "smtp_tls_loglevel")
        postfix.command("postfix", "reload")


def test_many_at_once(tls):
    g = tls([RSA], more="sessions-per-client 100\nconnections-per-minute 1000\n")
    clients = [Client(g.host) for _ in range(24)]
    for client in clients:
        upgrade(client)
    for client in clients:
        assert client.noop()[0] == 250
        client.close()
    assert len(keepers(g)) == 1


# ---------------------------------------------------------------- generations

def test_reload(tls):
    """Who came before asks the keeper of its day, and gets that day's certificate."""
    g = tls()
    first, = keepers(g)
    with Client(g.host) as old, Client(g.host, 465) as within:
        os.rename(make(g, "new.test"), g.paths[0])
        mark = g.mark()
        g.signal("HUP")
        g.wait_log("reload: done", since=mark)
        wait(lambda: len(keepers(g)) == 2, "two keepers")
        # The master before may greet once more.
        wait(lambda: shown(g) == "new.test", "the new certificate")
        upgrade(old)
        assert common_name(old) == "one.test"
        assert within.noop()[0] == 250
        assert first in keepers(g)
    wait(lambda: len(keepers(g)) == 1, "the old keeper has gone")
    assert first not in keepers(g)
    assert "keeper" not in g.since(mark).replace("starts as", "")


def test_keeper_dies(tls):
    g = tls()
    first, = keepers(g)
    with Client(g.host) as old, Client(g.host, 465) as within:
        mark = g.mark()
        g.host.run(["kill", "-KILL", first])
        g.wait_log("keeper was killed by signal 9; starting it again", since=mark)
        wait(lambda: keepers(g) and len(titled(g, "master")) == 2, "another generation")
        # TLS that is there goes on; what begins there is refused, in one line.
        within.sendmail("bob@b.test", ["alice@a.test"], simple("goes on"))
        with pytest.raises((ssl.SSLError, OSError)):
            upgrade(old)
        g.wait_log(r"SSL_accept error from unknown\[127.0.0.1\]: there is no keeper$", since=mark)
        old.close()
        with Client(g.host) as new:
            upgrade(new)
            new.sendmail("bob@b.test", ["alice@a.test"], simple("again"))
        # Clear text never needed it.
        g.send("bob@b.test", "alice@a.test", simple("clear"))
    g.wait_mail("alice", 3)
    # Again: not at once, but it comes.
    second, = keepers(g)
    theirs = set(titled(g, "master"))
    g.host.run(["kill", "-KILL", second])
    wait(lambda: keepers(g) not in ([], [second]), "a third one")
    # Until then the master of the second may take who comes.
    wait(lambda: (now := set(titled(g, "master"))) and not now & theirs, "its master")
    with Client(g.host) as new:
        upgrade(new)


def test_keeper_dies_and_its_keys_are_away(tls):
    """Until they are back there is no TLS, and mail comes in without."""
    g = tls()
    first, = keepers(g)
    master, = titled(g, "master")
    os.rename(g.paths[0], g.paths[0] + ".away")
    mark = g.mark()
    g.host.run(["kill", "-KILL", first])
    g.wait_log(f"error: keeper: tls: {g.paths[0]}: No such file", since=mark)
    assert keepers(g) == [] and titled(g, "master") == [master]
    g.send("bob@b.test", "alice@a.test", simple("clear"))
    g.wait_mail("alice")
    os.rename(g.paths[0] + ".away", g.paths[0])
    wait(lambda: keepers(g), "another one")
    wait(lambda: titled(g, "master") not in ([], [master]), "another master")
    with Client(g.host) as c:
        upgrade(c)


def test_master_dies(tls):
    """Its sessions live on, and so does their keeper, as long as they do."""
    g = tls()
    first, = keepers(g)
    with Client(g.host) as old:
        mark = g.mark()
        g.host.run(["kill", "-KILL", g.process("master")])
        g.wait_log("master was killed by signal 9; starting it again", since=mark)
        wait(lambda: len(keepers(g)) == 2 and g.process("master"), "another generation")
        upgrade(old)
        with Client(g.host) as new:
            upgrade(new)
    wait(lambda: len(keepers(g)) == 1, "the old keeper has gone")
    assert first not in keepers(g)
    assert "keeper " not in g.since(mark)


def test_master_dies_alone(tls):
    """No session is left: its keeper ends with it, without a word."""
    g = tls()
    for _ in range(3):
        mark, before = g.mark(), keepers(g)
        g.host.run(["kill", "-KILL", g.process("master")])
        g.wait_log("master was killed by signal 9; starting it again", since=mark)
        wait(lambda: len(keepers(g)) == 1 and keepers(g) != before, "another keeper")
        with Client(g.host) as c:
            upgrade(c)
        assert len(keepers(g)) == 1
        assert "keeper" not in g.since(mark)


def test_end(tls):
    g = tls()
    with Client(g.host) as c:
        upgrade(c)
        for name in ("TERM", "INT", "USR1", "HUP"):
            g.host.run(["kill", f"-{name}", *keepers(g)])
        with Client(g.host) as other:
            upgrade(other)
    pids = [p[0] for p in g.processes()]
    assert g.stop() == 0
    assert g.host.run(["ps", "-o", "args=", "-p", ",".join(map(str, pids))], check=False).stdout == b""
    assert "error:" not in g.log()


def test_an_ordinary_user(house):
    """Without root it is one more process, of the same user."""
    g = house(start=False)
    home = g.host.home("alice")
    path = make(g, "one.test")
    g.host.shell(f"chown alice {path} {g.base}")
    g.configure(f"listen smtp on 127.0.0.1:2525\nspool {home}/spool\nrun {home}/run\nlog {home}/log\n"
                f"tls certificate {path}\n")
    daemon = g.host.start(["setpriv", "--reuid=alice", "--regid=alice", "--init-groups",
                           g.program("godwitd"), "-d", "-f", g.conf])
    try:
        wait(lambda: b"starts as" in read(home + "/log"), "it runs")
        g.run_dir = home + "/run"
        with Client(g.host, 2525) as c:
            upgrade(c)
            assert c.noop()[0] == 250
        keeper, = keepers(g)
        assert set(status(g, keeper, "Uid").split()) == {str(USERS["alice"])}
        assert status(g, keeper, "Seccomp") == "2"
        looked = g.host.run(["cat", f"/proc/{keeper}/maps"], user="alice", check=False)
        assert SANITIZED or looked.returncode != 0
    finally:
        g.host.run(["kill", "-TERM", g.pid()], check=False)
        daemon.wait(PATIENCE)
