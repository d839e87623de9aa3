# SPDX-License-Identifier: ISC
"""From the neighbour to a user of this system: Postfix -> godwit -> mailbox."""
import os
import smtplib

import pytest

from house import (Client, USERS, parse, queue_id, simple, split_trace, wait,
                   with_subject, write)

ORDER_FIRST = "Hello.\nFrom here on.\n..\n"


def test_to_an_mbox(house, postfix):
    g = house()
    sent = simple("to mbox", ORDER_FIRST)
    postfix.send("bob@b.test", "alice@a.test", sent)
    message, = g.wait_mail("alice")
    trace, rest = split_trace(message, 2)
    assert trace[0] == b"Return-Path: <bob@b.test>\n"
    assert trace[1] == b"Delivered-To: alice@a.test\n"
    assert b"from b.test (" in trace[2] and b"by a.test" in trace[2]
    assert rest == sent.replace(b"\r\n", b"\n").replace(b"\nFrom h", b"\n>From h")
    owner = g.host.shell("stat -c '%U %a' /var/mail/alice").split()
    assert owner == ["alice", "600"]
    g.wait_empty()
    wait(lambda: not postfix.mailq().startswith("-Queue"), "Postfix has none left")


def test_to_a_maildir(house, postfix):
    g = house("deliver maildir ~/Maildir")
    sent = simple("to maildir", ORDER_FIRST)
    postfix.send("bob@b.test", ["alice@a.test", "carol@a.test"], sent)
    for user in ("alice", "carol"):
        box = g.maildir(user)
        message, = box.wait()
        trace, rest = split_trace(message, 2)
        assert rest == sent.replace(b"\r\n", b"\n")
        assert b"Delivered-To: %b@a.test\n" % user.encode() in trace
        path, = box.files()
        assert os.stat(path).st_uid == USERS[user]
        assert os.stat(path).st_mode & 0o777 == 0o600
        assert os.listdir(box.path + "/tmp") == []
    g.wait_empty()


def test_to_a_command_that_defers(house, postfix):
    """It ends with 75 until the flag is there, then it is procmail."""
    g = house(start=False)
    flag, script = g.base + "/flag", g.base + "/deliver"
    write(script, f"""#!/bin/sh
id -un >&2
test -e {flag} || exit 75
exec /usr/bin/procmail -a "$2" -d "$1"
""", 0o755)
    g.configure(f'deliver command "{script} %u %e"')
    g.start()
    postfix.send("bob@b.test", "alice+mark@a.test", simple("to procmail"))
    g.wait_log(r"to=<alice\+mark@a\.test>.*dsn=4\.\S+ status=deferred .*alice")
    assert not g.is_empty()
    write(flag, "")
    message, = with_subject(g.wait_mail("alice"), "to procmail")
    assert b"Delivered-To: alice+mark@a.test\n" in message
    g.wait_log(r"to=<alice\+mark@a\.test>.*status=sent")
    g.wait_empty()
    assert len(g.mbox("alice")) == 1


@pytest.mark.parametrize("status, expected", [
    (67, r"dsn=5\.1\.1, status=bounced"),
    (69, r"dsn=5\.3\.0, status=bounced"),
    (77, r"dsn=5\.7\.1, status=bounced"),
    (99, r"dsn=5\.3\.0, status=bounced"),
    (71, r"dsn=4\.3\.0, status=deferred"),
])
def test_statuses_of_a_command(house, status, expected):
    g = house(f'deliver command "/bin/sh -c \'exit {status}\'"')
    g.send("bob@b.test", "alice@a.test", simple("status"))
    g.wait_log(r"to=<alice@a\.test>.*" + expected)


def test_unknown_user_is_refused_at_rcpt(house, postfix):
    """T-35: and never bounced."""
    g = house()
    with Client(postfix.host, "192.0.2.10") as client:
        with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
            client.post("bob@b.test", "nobodyhere@a.test", simple("unknown"))
        assert refused.value.recipients["nobodyhere@a.test"][0] == 550
        with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
            client.post("bob@b.test", "x@elsewhere.test", simple("relay"))
        assert refused.value.recipients["x@elsewhere.test"][0] == 554
    assert g.is_empty()


def test_mail_for_root_is_never_delivered_as_root(house):
    g = house()
    g.send("bob@b.test", "root@a.test", simple("for root"))
    wait(lambda: g.mbox("root"), "mail for root")
    assert g.host.shell("stat -c %U /var/mail/root").strip() == "mail"


def test_aliases(house, postfix):
    g = house(aliases="team: alice, carol, bob@b.test\nboss: team\n"
                      "postmaster: dave\n")
    postfix.send("bob@b.test", "boss@a.test", simple("to the team"))
    for user in ("alice", "carol"):
        message, = with_subject(g.wait_mail(user), "to the team")
        trace, _ = split_trace(message, 2)
        assert b"X-Original-To: boss@a.test\n" in trace
    message, = postfix.inbox("bob").wait()
    assert b"X-Original-To: bob@b.test" in message
    g.wait_empty()


def test_a_change_of_aliases_needs_no_restart(house):
    g = house(aliases="old: alice\n")
    with Client(g.host) as client, \
            pytest.raises(smtplib.SMTPRecipientsRefused):
        client.post("bob@b.test", "new@a.test", simple("too early"))
    g.send("bob@b.test", "old@a.test", simple("old name"))
    g.wait_mail("alice")
    g.alias("new: carol\n")
    # It may be a second before it is looked at again.
    wait(lambda: takes(g, "new@a.test"), "the new name is known")
    assert with_subject(g.wait_mail("carol"), "new name")
    assert not takes(g, "old@a.test")


def takes(g, recipient):
    with Client(g.host) as client:
        try:
            return client.post("bob@b.test", recipient, simple("new name"))
        except smtplib.SMTPRecipientsRefused:
            return None


def test_a_large_mbox_of_many_senders_at_once(house):
    """Several sessions and a mailbox under one lock: each message once."""
    g = house()
    clients = [Client(g.host) for _ in range(5)]
    for i in range(40):
        code, _ = clients[i % 5].post("bob@b.test", "alice@a.test",
                                      simple(f"number {i}"))
        assert code == 250
    for client in clients:
        client.quit()
    messages = g.wait_mail("alice", 40)
    assert sorted(parse(m)["Subject"] for m in messages) == \
        sorted(f"number {i}" for i in range(40))
    g.wait_empty()


def test_the_spool_on_a_journal(house, postfix):
    g = house(journal=True)
    reply = g.send("bob@b.test", ["alice@a.test", "bob@b.test"], simple("journal"))
    g.wait_mail("alice")
    postfix.inbox("bob").wait()
    g.wait_log(queue_id(reply) + ": removed")
    g.wait_empty()
