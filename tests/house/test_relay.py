# SPDX-License-Identifier: ISC
"""To the world: user -> sendmail -> godwit -> MX -> Postfix -> its mailbox, and
what the DNS can say about where the mail is to go."""
import re

import pytest

from house import (Client, SANITIZED, TREE, parse, queue_id, read, simple,
                   split_trace, wait)


def test_a_user_sends_with_sendmail(house, postfix):
    g = house()
    g.sendmail("-i", "bob@b.test", user="alice",
               input=b"Subject: from a shell\n\nHello.\n.\nthe end\n")
    message, = postfix.inbox("bob").wait()
    trace, _ = split_trace(message, 2)
    assert trace[0] == b"Return-Path: <alice@a.test>\n"
    parsed = parse(message)
    assert parsed["From"].addresses[0].addr_spec == "alice@a.test"
    assert parsed["Message-ID"] and parsed["Date"]
    assert message.endswith(b"\n\nHello.\n.\nthe end\n")
    g.wait_log(r"to=<bob@b\.test>, relay=b1\.test\[\S+\]:25, .*dsn=2\.0\.0, "
               r"status=sent \(250 2\.0\.0 Ok: queued as \w+\)")
    g.wait_empty()


def test_sendmail_while_the_daemon_is_down(house, postfix, village, request):
    """The one program with a privilege, as it would be installed: it writes
    into the spool that was compiled in and no other."""
    spool = re.search(r'CONFIG_SPOOL_DIR\s+"(.*)"',
                      read(TREE + "/include/config.h").decode())[1]
    village.a.shell("mount -t tmpfs tmpfs /var/spool")
    request.addfinalizer(lambda: village.a.shell("umount -l /var/spool"))
    g = house(f"spool {spool}")
    g.stop()
    where = g.base + "/bin"
    g.host.shell(f"""
        install -d -m 755 {where}
        install -m 755 {g.program("sendmail")} {where}/sendmail
        install -g godwitdrop -m 2755 {g.program("drop")} {where}/drop
    """)
    # A sanitizer cannot bear a program with a privilege; there alice has it.
    who = ["--regid=alice", "--init-groups"]
    if SANITIZED:
        g.host.run(["chmod", "755", where + "/drop"])
        who = ["--regid=godwitdrop", "--clear-groups"]
    g.host.run(["setpriv", "--reuid=alice", *who, where + "/sendmail",
                "-C" + g.conf, "-i", "bob@b.test", "carol@a.test"],
               input=b"Subject: while you were out\n\nHello.\n")
    told = g.sendmail("-bp")
    assert told.stdout == b"Mail queue is empty\n"
    assert b"\n1 dropped message not listed" in told.stderr
    g.start()
    message, = g.wait_mail("carol")
    assert split_trace(message, 1)[0][0] == b"Return-Path: <alice@a.test>\n"
    postfix.inbox("bob").wait()
    g.wait_empty()


@pytest.mark.parametrize("domain, host, ip", [
    ("b.test", "b1.test", r"192\.0\.2\.20"),
    ("second.test", "b1.test", r"192\.0\.2\.20"),
    ("onlya.test", "onlya.test", r"192\.0\.2\.20"),
    ("onlyaaaa.test", "onlyaaaa.test", "2001:db8::20"),
    ("alias.test", r"b1?\.test", r"192\.0\.2\.20"),
    ("mxalias.test", "mxtarget.test", r"192\.0\.2\.20"),
    ("backup.test", "b1.test", r"192\.0\.2\.20"),
    ("[192.0.2.20]", None, r"192\.0\.2\.20"),
    ("[IPv6:2001:db8::20]", None, "2001:db8::20"),
])
def test_where_mail_goes(house, postfix, domain, host, ip):
    g = house()
    g.send("alice@a.test", "bob@" + domain, simple("on its way"))
    message, = postfix.inbox("bob").wait()
    assert b"\nDelivered-To: bob@" in message
    host = r"[^\[]*" if host is None else host
    g.wait_log(rf"to=<bob@{re.escape(domain)}>, relay={host}\[{ip}\]:25, "
               "delay=.*status=sent")
    g.wait_empty()
    if domain == "second.test":         # the first had refused the connection
        assert "192.0.2.21" not in re.findall("relay=.*sent", g.log())[0]


def test_an_mx_of_equal_preference_is_picked_by_lot(house, postfix):
    """Both are used; that one is not has the odds of 2 in 2 ** 16."""
    g = house("workers-per-destination 1")
    used = set()
    for i in range(16):
        # Other recipients' mail must not share the connection.
        mark = g.mark()
        g.send("alice@a.test", "bob@equal.test", simple(f"lot {i}"))
        used.add(g.wait_log(r"relay=(b[12])\.test\[.*status=sent", since=mark)[1])
        if len(used) == 2:
            break
        wait(lambda: g.process("worker") is None, "the worker has gone")
    assert used == {"b1", "b2"}


def test_many_recipients(house, postfix):
    """More than go into one transaction: each gets it once, from few of them."""
    g = house()
    mark = postfix.mark()
    users = [f"bob+{i}@b.test" for i in range(120)]
    g.send("alice@a.test", users + ["carol@a.test"], simple("to all"))
    messages = postfix.inbox("bob").wait(120)
    g.wait_mail("carol")
    g.wait_empty()
    got = sorted(re.search(rb"(?m)^X-Original-To: (.*)", m)[1].decode()
                 for m in messages)
    assert got == sorted(users)
    wait(lambda: "disconnect from a.test" in postfix.since(mark), "the end")
    assert len(re.findall("disconnect from a.test", postfix.since(mark))) <= 2
    assert len(re.findall(r"cleanup\S+ \w+: message-id=", postfix.since(mark))) <= 3


def bounce_of(g, user="alice"):
    """The one bounce in the user's mbox: its parts."""
    message, = g.wait_mail(user)
    report = parse(message)
    assert report.get_content_type() == "multipart/report", message
    assert report.get_param("report-type") == "delivery-status"
    assert message.startswith(b"Return-Path: <>\n")
    assert not report.defects
    text, status, returned = report.get_payload()
    assert status.get_content_type() == "message/delivery-status"
    fields = status.get_payload()
    assert fields[0]["Reporting-MTA"] == "dns; a.test"
    return report, text.get_content(), fields[1:], returned


@pytest.mark.parametrize("domain, status", [
    ("null.test", "5.1.10"),
    ("nosuch.test", "5.1.2"),
    ("ours.test", "5.4.6"),
    ("empty.test", "5.4.4"),
])
def test_where_no_mail_can_go(house, domain, status):
    g = house()
    g.send("alice@a.test", "bob@" + domain, simple("into the void"))
    report, text, (failed,), returned = bounce_of(g)
    assert failed["Action"] == "failed"
    assert failed["Status"] == status
    assert failed["Final-Recipient"] == f"rfc822; bob@{domain}"
    assert f"bob@{domain}" in text
    assert report["To"] and "alice@a.test" in report["To"]
    assert "into the void" in returned.as_string()
    g.wait_log(rf"to=<bob@{re.escape(domain)}>.*dsn={re.escape(status)}, "
               "status=bounced")
    g.wait_empty()


@pytest.mark.parametrize("domain, status", [
    ("broken.test", "4.4.3"),           # SERVFAIL
    ("down.test", "4.4.1"),             # nobody listens
    ("noaddr.test", "4.4.4"),           # the MX has no address
])
def test_what_is_tried_again(house, domain, status):
    g = house("retry-first 1h\nretry-most 1h")
    reply = g.send("alice@a.test", "bob@" + domain, simple("later"))
    g.wait_log(rf"to=<bob@{re.escape(domain)}>, relay=\S+, .*"
               rf"dsn={re.escape(status)}, status=deferred \(")
    assert queue_id(reply) in g.mailq()
    assert g.mbox("alice") == []


def test_unknown_user_at_the_far_side(house, postfix):
    g = house()
    mark = g.mark()
    g.sendmail("-i", "nobodyhere@b.test", "bob@b.test", user="alice",
               input=b"Subject: half of it\nX-Mark: kept\n\nHello.\n")
    postfix.inbox("bob").wait()
    report, text, (failed,), returned = bounce_of(g)
    assert report["Subject"] and report["Date"] and report["Message-ID"]
    assert report["Auto-Submitted"].startswith("auto-replied")
    assert failed["Final-Recipient"] == "rfc822; nobodyhere@b.test"
    assert failed["Action"] == "failed" and failed["Status"] == "5.1.1"
    assert failed["Remote-MTA"] == "dns; b1.test"
    assert failed["Diagnostic-Code"].startswith("smtp; 550 5.1.1 ")
    assert "User unknown" in text and "nobodyhere@b.test" in text
    assert "X-Mark: kept" in returned.as_string()
    assert "bob@b.test" not in text
    assert g.since(mark).count("sender non-delivery notification") == 1
    g.wait_empty()


def test_the_bounce_goes_back_through_postfix(house, postfix):
    """The sender is at the neighbour's; godwit relays for it."""
    g = house("relay for 192.0.2.20 2001:db8::20")
    with Client(postfix.host, "192.0.2.10") as client:
        code, _ = client.post("bob@b.test", "x@null.test", simple("and back"))
        assert code == 250
    message, = postfix.inbox("bob").wait()
    assert message.startswith(b"Return-Path: <>\n")
    assert parse(message).get_content_type() == "multipart/report"


def test_a_mail_loop_ends(house):
    """T-29: at the hundredth hop, with one bounce."""
    g = house("route loop.test via [127.0.0.1]:25\n")
    g.send("alice@a.test", "x@loop.test", simple("round and round"))
    bounce, = g.wait_mail("alice", seconds=300)
    g.wait_empty()
    assert b"Too many hops" in bounce and b"\nStatus: 5.4.6\n" in bounce
    assert len(re.findall(r": client=", g.log())) == 101
    assert len(g.mbox("alice")) == 1


def test_a_bounce_that_bounces_goes_to_postmaster(house):
    """T-35: where nobody is left to be told, nobody outside is."""
    g = house(aliases="postmaster: dave\n")
    g.send("gone@null.test", "x@null.test", simple("both ends are dead"))
    messages = g.wait_mail("dave")
    g.wait_empty()
    assert len(g.mbox("dave")) == 1
    assert parse(messages[0]).get_content_type() == "multipart/report"
    assert g.log().count("postmaster non-delivery notification") == 1


def test_a_message_that_expires(house):
    g = house("lifetime 2s\nretry-most 1s")
    g.send("alice@a.test", "bob@down.test", simple("too late"))
    _, text, (failed,), _ = bounce_of(g)
    # RFC 3463 3.5: 4.7 is delivery time expired; 4.1 no answer from the host.
    assert failed["Status"] in ("5.4.7", "5.4.1", "4.4.7")
    assert failed["Action"] == "failed"
    assert "expired" in text
    g.wait_empty()


def test_what_a_server_may_say(house, sink):
    """One message, one recipient each of: taken, refused, put off."""
    g = house("route sink.test via [192.0.2.21]:2525\nretry-first 1h\n"
              "retry-most 1h")
    replies = iter(["250 2.1.5 Ok", "550-5.1.1 no such\r\n550 5.1.1 user here",
                    "450 4.2.1 not now"])
    s = sink("192.0.2.21", port=2525, replies={"RCPT": lambda: next(replies)})
    reply = g.send("alice@a.test", ["one@sink.test", "two@sink.test",
                                    "three@sink.test"], simple("mixed"))
    _, _, (failed,), _ = bounce_of(g)
    assert failed["Final-Recipient"] == "rfc822; two@sink.test"
    taken, = s.messages
    assert taken["to"] == [b"RCPT TO:<one@sink.test>"]
    g.wait_log(r"to=<three@sink\.test>.*dsn=4\.2\.1, status=deferred")
    queue = g.mailq()
    assert queue_id(reply) in queue and "three@sink.test" in queue
    assert "one@sink.test" not in queue and "two@sink.test" not in queue


@pytest.mark.parametrize("where", ["CONNECT", "EHLO", "MAIL", "DATA", "."])
def test_a_server_that_puts_us_off(house, sink, where):
    g = house("route sink.test via [192.0.2.21]:2525")
    says = iter(["451 4.3.2 busy"] * (2 if where == "EHLO" else 1))
    usual = {"CONNECT": "220 hi", "EHLO": "250 sink.test", "MAIL": "250 ok",
             "DATA": "354 go on", ".": "250 ok"}
    s = sink("192.0.2.21", port=2525,
             replies={where: lambda: next(says, usual[where])})
    g.send("alice@a.test", "x@sink.test", simple("again, please"))
    g.wait_log(r"to=<x@sink\.test>.*status=deferred \(.*451 4\.3\.2 busy")
    g.wait_log(r"to=<x@sink\.test>.*status=sent")
    assert len(s.messages) == 1
    g.wait_empty()


@pytest.mark.parametrize("where", ["CONNECT", "MAIL", "DATA", "."])
def test_a_server_that_hangs_up(house, sink, where):
    """Without a reply; the second time it does not."""
    g = house("route sink.test via [192.0.2.21]:2525")
    rounds = iter([True])
    usual = {"CONNECT": "220 hi", "MAIL": "250 ok", "DATA": "354 go on",
             ".": "250 ok"}

    def reply():
        if next(rounds, False):
            raise OSError("hang up")
        return usual[where]

    s = sink("192.0.2.21", port=2525, replies={where: reply})
    g.send("alice@a.test", "x@sink.test", simple("hung up on"))
    g.wait_log(r"to=<x@sink\.test>.*status=deferred")
    g.wait_log(r"to=<x@sink\.test>.*status=sent")
    g.wait_empty()
    assert len(s.messages) == 1
