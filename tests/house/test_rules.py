# SPDX-License-Identifier: ISC
"""The rules of the policy in the whole daemon: that `godwit explain` tells what a
session does, and what becomes of mail that is held."""
import json
import socket

import pytest

from house import A, B, B2, PATIENCE, REFUSES, queue_id, read, simple, wait, write

SIX = "2001:db8::20"
SUBMISSION = 587

RULES = """
listen smtp
listen submission
domain a.test c.test local
relay for {B2}
route far.test via [192.0.2.20]:2525
accept from friend@b.test and to *@a.test
reject client in {REFUSES} at connect with "554 5.7.1 not from there"
reject helo is localhost or [127.*] at hello
reject helo is friend with "550 5.7.1 friends have names"
reject from in file {dir}/senders with "550 5.7.1 listed"
reject from *@*.bad.test at mail
defer client in file {dir}/clients and not to postmaster@*
reject to closed@a.test or closed@c.test
reject size over 20K and to alice@a.test with "552 5.3.4 too much for Alice"
hold from held@b.test or @held.test
discard to nobody-at-all@a.test
discard size over 30K from @waste.test
header "X-Bulk: yes" if from <>
defer from slow@b.test with "450 4.2.0 later"
accept client in {SIX}
reject on submission and from @out.test
reject from *@*.in-the-end.test at end with "554 5.7.0 at last"
"""

ALIASES = """
postmaster: root
root: alice
team: alice, bob, far@far.test
wrong: nobody-knows-him
loop: loop2
loop2: loop
"""

# client, port, hello, sender, recipient, bytes of content (declared or not)
CASES = [
    (B, 25, "b.test", "bob@b.test", "alice@a.test", 100, True),
    (B, 25, "b.test", "bob@b.test", "team@a.test", 100, True),
    (B, 25, "b.test", "", "carol@c.test", 100, False),
    (B, 25, "b.test", "bob@b.test", "wrong@a.test", 100, True),
    (B, 25, "b.test", "bob@b.test", "loop@a.test", 100, True),
    (B, 25, "b.test", "bob@b.test", "nosuchuser@a.test", 100, True),
    (B, 25, "b.test", "bob@b.test", "somebody@far.test", 100, True),
    (B, 25, "b.test", "bob@b.test", "postmaster", 100, True),
    (B, 25, "b.test", "bob@b.test", "nosuch@@a.test", 100, True),
    (B, 25, "b.test", "bob@@b.test", "alice@a.test", 100, True),
    (B, 25, "b.test", "friend@b.test", "closed@a.test", 100, True),
    (B, 25, "b.test", "friend@b.test", "somebody@far.test", 100, True),
    (B, 25, "friend", "bob@b.test", "alice@a.test", 100, True),
    (B, 25, "localhost", "bob@b.test", "alice@a.test", 100, True),
    (B, 25, "[127.0.0.1]", "bob@b.test", "alice@a.test", 100, True),
    (B, 25, "b.test", "Spammer@B.test", "alice@a.test", 100, True),
    (B, 25, "b.test", "any@listed.test", "alice@a.test", 100, True),
    (B, 25, "b.test", "any@sub.below.test", "alice@a.test", 100, True),
    (B, 25, "b.test", "x@sub.bad.test", "alice@a.test", 100, True),
    (B, 25, "b.test", "x@bad.test", "alice@a.test", 100, True),
    (B, 25, "b.test", "bob@b.test", "CLOSED@c.test", 100, True),
    (B, 25, "b.test", "bob@b.test", "alice@a.test", 30000, True),
    (B, 25, "b.test", "bob@b.test", "alice@a.test", 30000, False),
    (B, 25, "b.test", "bob@b.test", "bob@a.test", 30000, False),
    (B, 25, "b.test", "held@b.test", "alice@a.test", 100, True),
    (B, 25, "b.test", "x@held.test", "team@a.test", 25000, False),
    (B, 25, "b.test", "bob@b.test", "nobody-at-all@a.test", 100, True),
    (B, 25, "b.test", "x@waste.test", "bob@a.test", 40000, True),
    (B, 25, "b.test", "x@waste.test", "bob@a.test", 40000, False),
    (B, 25, "b.test", "slow@b.test", "alice@a.test", 100, True),
    (B, 25, "b.test", "x@sub.in-the-end.test", "alice@a.test", 100, False),
    (B, 25, "b.test", "bob@b.test", "alice@a.test", 99999999, True),
    (B2, 25, "b.test", "bob@b.test", "somebody@far.test", 100, True),
    (B2, 25, "b.test", "spammer@b.test", "somebody@far.test", 100, True),
    (B2, SUBMISSION, "b.test", "bob@b.test", "alice@a.test", 100, True),
    (B2, SUBMISSION, "b.test", "x@out.test", "alice@a.test", 100, True),
    (B, SUBMISSION, "b.test", "x@out.test", "alice@a.test", 100, True),
    (REFUSES, 25, "b.test", "bob@b.test", "alice@a.test", 100, True),
    (REFUSES, 25, "b.test", "friend@b.test", "alice@a.test", 100, True),
    (SIX, 25, "b.test", "x@sub.in-the-end.test", "alice@a.test", 100, True),
    (SIX, 25, "b.test", "slow@b.test", "alice@a.test", 100, True),
]


class Speaker:
    """A session from a certain address, line by line."""

    def __init__(self, host, client, port):
        six = ":" in client
        with host.net():
            self.socket = socket.socket(socket.AF_INET6 if six else socket.AF_INET)
        self.socket.settimeout(PATIENCE)
        self.socket.bind((client, 0))
        self.socket.connect(("2001:db8::10" if six else A, port))
        self.file = self.socket.makefile("rb")

    def hear(self):
        """The last line of a reply, without its end."""
        while True:
            line = self.file.readline().decode()
            if line[3:4] != "-":
                return line.rstrip("\r\n")

    def say(self, text):
        self.socket.sendall(text.encode() + b"\r\n")
        return self.hear()

    def close(self):
        self.file.close()
        self.socket.close()


def transcript(speaker, case):
    """What the session says, by stage; it ends with the first refusal."""
    _, _, hello, sender, to, size, declared = case
    yield "connect", speaker.hear()
    yield "hello", speaker.say(f"EHLO {hello}")
    tail = f" SIZE={size}" if declared else ""
    yield "mail", speaker.say(f"MAIL FROM:<{sender}>{tail}")
    yield "rcpt", speaker.say(f"RCPT TO:<{to}>")
    if (said := speaker.say("DATA"))[:3] != "354":
        yield "end", said
        return
    # Of exactly so many bytes.
    line = "x" * 78 + "\r\n"
    content = line * (size // 80)
    content += "y" * (size - len(content) - 2) + "\r\n"
    speaker.socket.sendall(content.encode())
    yield "end", speaker.say(".")


def hear_all(host, case):
    speaker = Speaker(host, case[0], case[1])
    heard = {}
    try:
        for stage, said in transcript(speaker, case):
            heard[stage] = said
            if said[0] in "45":
                break
    finally:
        speaker.close()
    return heard


def explain(g, case):
    client, port, hello, sender, to, size, _ = case
    done = g.host.run([g.program("godwit"), "-f", g.conf, "explain", "--json",
                       "--client", client, "--helo", hello, "--from", sender,
                       "--to", to, "--size", size, "--on",
                       "submission" if port == SUBMISSION else "smtp"], check=False)
    told = json.loads(done.stdout)
    assert done.returncode == {"refused": 69, "refused for now": 75}.get(told["result"], 0)
    return told


def compare(case, heard, told):
    """Reply by reply.  A size that was not declared is known to a session at the
    end only, so the refusal may come later than it is told; it is the same."""
    replies = {stage["stage"]: stage["reply"] for stage in told["stages"]}
    last = list(heard.values())[-1]
    assert (last[0] in "45") == told["result"].startswith("refused"), (case, told)
    assert (last[0] == "4") == (told["result"] == "refused for now"), case
    if last[0] in "45":
        assert last == list(replies.values())[-1], (case, told)
    for stage, said in heard.items():
        want = replies.get(stage, "")
        if said[0] in "45":
            assert not case[6] or said == want, (case, stage)
        elif stage in ("mail", "rcpt"):
            # Here alone nothing follows the text.
            assert said == want or not case[6], (case, stage)
        elif stage == "end":
            assert said.startswith(want or "250 2.0.0 Ok"), (case, said)
        else:
            assert want == "", (case, stage)


def rules_for(g):
    write(g.base + "/senders", "spammer@b.test\n@listed.test # all of them\n"
          "*.below.test\n")
    write(g.base + "/clients", "198.51.100.0/24\n192.0.2.21\n")
    g.configure(RULES.format(dir=g.base, **globals()))


def test_explain_tells_what_a_session_does(house, village):
    g = house(start=False, aliases=ALIASES)
    rules_for(g)
    g.start()
    for case in CASES:
        heard, told = hear_all(village.b, case), explain(g, case)
        compare(case, heard, told)
        last = list(heard.values())[-1]
        if told["result"] == "discarded":
            assert last == "250 2.0.0 Ok", case
        if told["result"] == "held":
            assert read(g.host.path(f"{g.spool}/hold/{queue_id(last)}")), case
    results = [explain(g, case)["result"] for case in CASES]
    assert set(results) == {"taken", "held", "discarded", "refused", "refused for now"}


def test_explain_an_address(house):
    g = house(start=False, aliases=ALIASES)
    rules_for(g)
    text = g.host.run([g.program("godwit"), "-f", g.conf, "explain",
                       "team@a.test"]).stdout.decode()
    path = g.base + "/aliases"
    assert text == f"""aliases
  team@a.test: alias team, which is alice, bob, far@far.test ({path}:4, {path}.db)
    alice: user alice of this machine
    bob: user bob of this machine
    far@far.test: not delivered here
goes to
  alice@a.test: the user alice
  bob@a.test: the user bob
  far@far.test: the host 192.0.2.20, port 2525 (godwit.conf:{line_of(g, "route")})
"""
    done = g.host.run([g.program("godwit"), "-f", g.conf, "explain", "loop@a.test"],
                      check=False)
    assert done.returncode == 69 and b"alias loop2" in done.stdout


def test_explain_tells_where(house):
    """File and line of what hits, or the database and its key, at each level."""
    g = house(start=False)
    path, listed = g.base + "/aliases", g.base + "/some"
    g.alias(f"one: :include:{listed}\n\ntwo:\n  bob\n")
    write(listed, "# a list\nalice\n\ntwo\n")
    rows = [("client in file", "nets", "# ours\n\n192.0.2.0/24 # net\n", "nets:3: 192.0.2.0/24"),
            ("from in file", "senders", "x@y.test\n@b.test\n", "senders:2: @b.test"),
            ("helo in file", "names", "*.b.test all of it\n", "names:1: *.b.test"),
            ("login in file", "logins", "ann\nbob\n", "logins:2: bob")]
    rules = ""
    for what, name, text, _ in rows:
        write(f"{g.base}/{name}", text)
        rules += f'header "X-{name}: hit" if {what} {g.base}/{name}\n'
    write(g.base + "/keys", "ann@b.test x\n")
    g.host.run(["postmap", f"hash:{g.base}/keys"])
    g.configure(f"login senders any\n{rules}accept from in db {g.base}/keys.db\n")

    def told():
        done = g.host.run([g.program("godwit"), "-f", g.conf, "explain", "--json", "--client",
                           B, "--helo", "mx.b.test", "--from", "Ann@b.test", "--login", "Bob",
                           "one@a.test"], check=False)
        return json.loads(done.stdout)

    steps = [s["because"] for s in told()["stages"][-1]["rules"]]
    for because, (_, _, _, want) in zip(steps, rows):
        assert because.endswith(f"({g.base}/{want})"), because
    assert steps[-1].endswith(f"({g.base}/keys.db: ann@b.test)")
    tree = [(s["kind"], s["key"], s["from"], s["place"], s["database"])
            for s in told()["aliases"]]
    assert tree == [("alias", "one", path + ":1", "", path + ".db"), ("include", "", "", "", ""),
                    ("user", "", "", listed + ":2", ""),
                    # One of an include that is an alias is in two places.
                    ("alias", "two", path + ":3", listed + ":4", path + ".db"),
                    ("user", "", "", "", "")]
    # What was changed since it was compiled is not where the alias is from.
    write(path, "one: alice\n")
    assert told()["aliases"][0]["from"] == ""


def test_explain_as_the_client_comes(house):
    """By the listener of its family, and greeting with its address as RFC 5321 4.1.3
    has it."""
    g = house("listen smtp on 0.0.0.0:25 as four\nlisten smtp on [::]:25 as six\n"
              "client-names no\nreject helo malformed at hello\n"
              'reject on six at end with "550 5.7.1 six"\n'
              'reject on four at end with "550 5.7.1 four"', start=False)
    for client, want in (("2001:db8::31", "550 5.7.1 six"), ("192.0.2.30", "550 5.7.1 four")):
        for on in ([], ["--on", "smtp"], ["--on", "25"]):
            told = json.loads(g.host.run(
                [g.program("godwit"), "-f", g.conf, "explain", "--json", "--client", client,
                 *on, "--size", "1K", "alice@a.test"], check=False).stdout)
            assert told["stages"][-1]["reply"] == want, (client, told)
    # A program of this machine comes by the local socket, which is none of them.
    told = json.loads(g.host.run([g.program("godwit"), "-f", g.conf, "explain", "--json", "--on",
                                  "six", "--size", "1K", "alice@a.test"], check=False).stdout)
    assert told["stages"][-1]["reply"].startswith("250 "), told


def line_of(g, word):
    lines = read(g.conf).decode().splitlines()
    return next(n for n, line in enumerate(lines, 1) if line.startswith(word))


def test_two_listeners_of_one_service(house, village):
    """A rule tells them apart by name and by port, and a reload does not mix them up."""
    g = house("listen smtp on 25\nlisten smtp on 2525 as inside\n"
              f"listen smtp on {A}:2526\n"
              'reject on inside at connect with "521 5.7.1 inside"\n'
              'reject on 2526 at hello with "550 5.7.1 the third"')

    def heard(port):
        speaker = Speaker(village.b, B, port)
        try:
            yield speaker.hear()
            yield speaker.say("EHLO b.test")
        finally:
            speaker.close()

    for _ in range(2):
        assert [s[:4] for s in heard(25)] == ["220 ", "250 "]
        assert next(heard(2525)) == "521 5.7.1 inside"
        assert list(heard(2526))[1] == "550 5.7.1 the third"
        mark = g.mark()
        g.signal("HUP")
        g.wait_log("reload: done", since=mark)


def test_mail_is_held_and_released(house):
    g = house('header "X-Seen: yes"\nhold from @b.test with "ask Ann"')
    name = queue_id(g.send("bob@b.test", "alice@a.test", simple("held", "Hello.\n")))
    assert g.is_empty()
    g.wait_log(rf"{name}: hold: RCPT from unknown\[127\.0\.0\.1\]: <bob@b\.test>: "
               r"Sender address: ask Ann; from=<bob@b\.test> to=<alice@a\.test>")
    listing = g.mailq()
    assert name + "!" in listing and "(<bob@b.test>: Sender address: ask Ann)" in listing
    shown = json.loads(g.queue("show", "--json", name).stdout)
    assert shown["queue_name"] == "hold"
    g.queue("release", name)
    message, = g.wait_mail("alice")
    assert b"X-Seen: yes\n" in message
    g.wait_empty()


@pytest.mark.parametrize("size", [1000, 1000000])
def test_what_is_held_at_the_end(house, size):
    """Known too late to be made there: by a session in its sandbox all the same."""
    g = house("reject size over 10M\nhold size over 500 from @b.test with \"large\"")
    body = "All work and no play.\n" * (size // 22)
    name = queue_id(g.send("bob@b.test", "alice@a.test", simple("held", body)))
    assert g.is_empty()
    g.wait_log(rf"{name}: hold: END-OF-MESSAGE from .*: large; from=<bob@b\.test> to=<alice@a\.test>")
    assert "(<bob@b.test>: Sender address: large)" in g.mailq()
    g.queue("release", name)
    message, = g.wait_mail("alice")
    assert message.endswith(body.encode() + b"\n") or message.endswith(body.encode())
    # One that might have been held, and is not.
    g.send("ann@c.test", "bob@a.test", simple("not held", body))
    message, = g.wait_mail("bob")
    g.wait_empty()


def test_what_is_held_outlives_the_daemon(house):
    g = house("hold to alice@a.test")
    name = queue_id(g.send("bob@b.test", "alice@a.test", simple("held", "Hello.\n")))
    g.stop()
    g.start()
    assert name + "!" in g.mailq()
    g.queue("remove", name)
    assert g.mailq() == "Mail queue is empty\n"


def test_a_list_is_read_again_or_stays(house):
    g = house(start=False)
    write(g.base + "/bad", "192.0.2.20\n")
    g.configure(f"reject client in file {g.base}/bad")
    g.start()

    def refused():
        speaker = Speaker(g.host, A, 25)
        try:
            speaker.hear()
            speaker.say("EHLO b.test")
            speaker.say("MAIL FROM:<bob@b.test>")
            return speaker.say("RCPT TO:<alice@a.test>")[0] == "5"
        finally:
            speaker.close()

    assert not refused()
    mark = g.mark()
    write(g.base + "/bad", "192.0.2.0/24\n192.0.2.1/24\n")
    g.signal("HUP")
    g.wait_log(rf"reload: {g.base}/bad:2:1: expected a network", since=mark)
    g.wait_log("reload: the configuration stays as it was", since=mark)
    assert not refused()
    write(g.base + "/bad", f"{A}\n")
    g.signal("HUP")
    g.wait_log("reload: done", since=mark)
    wait(refused, "the new list holds")
    checked = g.host.run([g.program("godwit"), "check", "-f", g.conf], check=False)
    assert checked.returncode == 0
    write(g.base + "/bad", "x\n")
    checked = g.host.run([g.program("godwit"), "check", "-f", g.conf], check=False)
    assert checked.returncode == 78 and b"/bad:1:1: expected a network" in checked.stderr


def test_a_database_that_changes(house):
    """Opened by the master, asked by a session in its sandbox, opened again."""
    g = house(start=False)
    make = ["postmap", f"hash:{g.base}/bad"]
    write(g.base + "/bad", "someone@c.test x\n")
    g.host.run(make)
    g.configure(f"reject from in db {g.base}/bad.db")
    g.start()

    def said(sender):
        speaker = Speaker(g.host, A, 25)
        try:
            speaker.hear()
            speaker.say("EHLO b.test")
            speaker.say(f"MAIL FROM:<{sender}>")
            return speaker.say("RCPT TO:<alice@a.test>")[:3]
        finally:
            speaker.close()

    assert said("someone@c.test") == "554"
    assert said("bob@b.test") == "250"
    write(g.base + "/bad", "@b.test x\n")
    g.host.run(make)
    wait(lambda: said("bob@b.test") == "554", "the new database holds")
    assert said("someone@c.test") == "250"
    g.host.run(["rm", f"{g.base}/bad.db"])
    wait(lambda: said("bob@b.test") == "451", "none is no answer")
