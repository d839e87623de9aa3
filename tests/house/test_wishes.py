# SPDX-License-Identifier: ISC
"""What a sender asks for beside delivery, obeyed: reports (RFC 3461), a time to
wait until (RFC 4865), a time to be delivered in (RFC 2852), addresses in UTF-8
(RFC 6531), and mail that is asked for (RFC 1985)."""
import re
import time

import pytest

from house import Client, parse, queue_id, simple, wait

SINK = "route sink.test via [192.0.2.21]:2525\n"
SUBMIT = "listen smtp\nlisten submission on 127.0.0.1:587\n"


def post(g, to, message, mail="", port=25, sender="alice@a.test", host=None,
         at="127.0.0.1"):
    """One message with parameters: to is one recipient or several, each with
    its own behind the address."""
    with Client(host or g.host, at, port) as client:
        client.ehlo()
        for line in [f"MAIL FROM:<{sender}> {mail}".rstrip(),
                     *(f"RCPT TO:<{one.split()[0]}> {' '.join(one.split()[1:])}".rstrip()
                       for one in ([to] if isinstance(to, str) else to))]:
            client.send((line + "\r\n").encode())
            code, text = client.getreply()
            assert code == 250, (line, code, text)
        assert client.docmd("DATA")[0] == 354
        client.send(message + b".\r\n")
        code, text = client.getreply()
    assert code == 250, (code, text)
    return text.decode()


def report_in(message):
    report = parse(message)
    assert report.get_content_type() == "multipart/report", message
    assert message.startswith(b"Return-Path: <>\n")
    text, status, returned = report.get_payload()
    fields = status.get_payload()
    return text.get_content(), fields[0], fields[1:], returned


def test_success_here(house):
    g = house()
    reply = post(g, "carol@a.test NOTIFY=SUCCESS ORCPT=rfc822;Carol+2Bx@A.test",
                 simple("tell me"), "ENVID=my+20id RET=HDRS")
    message, = g.wait_mail("alice")
    text, about, (one,), returned = report_in(message)
    assert about["Original-Envelope-Id"] == "my id"
    assert about["X-Godwit-ID"] == queue_id(reply)
    assert one["Original-Recipient"] == "rfc822;Carol+x@A.test"
    assert one["Final-Recipient"] == "rfc822; carol@a.test"
    assert one["Action"] == "delivered" and one["Status"].startswith("2.")
    assert "Delivered." in text
    assert "Subject: tell me" in returned.as_string()
    assert "Hello." not in returned.as_string()
    assert len(g.wait_mail("carol")) == 1
    g.wait_empty()


@pytest.mark.parametrize("notify", ["", "NOTIFY=NEVER", "NOTIFY=FAILURE,DELAY"])
def test_no_success_unasked(house, notify):
    g = house()
    post(g, f"carol@a.test {notify}", simple("quiet"))
    g.wait_mail("carol")
    g.wait_empty()
    assert g.mbox("alice") == []


@pytest.mark.parametrize("notify, told", [
    ("", True), ("NOTIFY=FAILURE", True), ("NOTIFY=FAILURE,SUCCESS", True),
    ("NOTIFY=NEVER", False), ("NOTIFY=SUCCESS", False), ("NOTIFY=DELAY", False),
])
def test_failure_as_asked(house, notify, told):
    g = house()
    post(g, f"x@null.test {notify} ORCPT=rfc822;who@null.test", simple("fails"),
         "ENVID=e1")
    g.wait_log("status=bounced")
    g.wait_empty()
    if not told:
        assert g.mbox("alice") == []
        assert "non-delivery notification" not in g.log()
        return
    message, = g.wait_mail("alice")
    _, about, (one,), _ = report_in(message)
    assert about["Original-Envelope-Id"] == "e1"
    assert one["Original-Recipient"] == "rfc822;who@null.test"
    assert one["Action"] == "failed"


@pytest.mark.parametrize("ret, whole", [("RET=FULL", True), ("RET=HDRS", False),
                                        ("", False)])
def test_what_comes_back(house, ret, whole):
    g = house()
    post(g, "x@null.test", simple("returned", "The body.\n"), ret)
    message, = g.wait_mail("alice")
    _, _, _, returned = report_in(message)
    assert returned.get_content_type() == (
        "message/rfc822" if whole else "text/rfc822-headers")
    assert (b"The body." in message) == whole
    g.wait_empty()


def test_a_long_message_does_not_come_back_whole(house):
    g = house()
    post(g, "x@null.test", simple("long", "The body.\n" * 40000), "RET=FULL")
    message, = g.wait_mail("alice")
    assert b"The body." not in message
    g.wait_empty()


def test_success_at_the_neighbour(house, postfix):
    """Postfix has been told, and tells: our own report would be one too many."""
    g = house()
    post(g, "bob@b.test NOTIFY=SUCCESS ORCPT=rfc822;bob@b.test",
         simple("far away"), "ENVID=far")
    message, = g.wait_mail("alice")
    assert b"\nReceived: from b.test" in message
    _, about, (one,), _ = report_in(message)
    assert about["Original-Envelope-Id"] == "far"
    assert one["Original-Recipient"] == "rfc822;bob@b.test"
    assert one["Action"] == "delivered"
    g.wait_empty()
    time.sleep(0.5)
    assert len(g.mbox("alice")) == 1


def test_the_neighbour_asks_us(house, postfix):
    g = house()
    post(g, "carol@a.test NOTIFY=SUCCESS ORCPT=rfc822;carol@a.test",
         simple("are you there"), "ENVID=from-postfix", sender="bob@b.test",
         host=postfix.host)
    g.wait_mail("carol")
    message, = postfix.inbox("bob").wait()
    _, about, (one,), _ = report_in(message)
    assert about["Reporting-MTA"] == "dns; a.test"
    assert about["Original-Envelope-Id"] == "from-postfix"
    assert one["Original-Recipient"] == "rfc822;carol@a.test"
    assert one["Action"] == "delivered"


def test_success_where_nobody_will_tell(house, sink):
    """RFC 3461 5.2.2 b: and nothing of it is said to who does not know it."""
    g = house(SINK)
    s = sink("192.0.2.21", port=2525)
    post(g, ["x@sink.test NOTIFY=SUCCESS", "y@sink.test"], simple("relayed"),
         "RET=FULL ENVID=z MT-PRIORITY=3")
    message, = g.wait_mail("alice")
    _, _, (one,), _ = report_in(message)
    assert one["Final-Recipient"] == "rfc822; x@sink.test"
    assert one["Action"] == "relayed"
    assert one["Remote-MTA"].startswith("dns; ")
    g.wait_empty()
    taken, = s.messages
    assert re.fullmatch(rb"MAIL FROM:<alice@a\.test> SIZE=\d+", taken["from"])
    assert taken["to"] == [b"RCPT TO:<x@sink.test>", b"RCPT TO:<y@sink.test>"]


def test_all_is_passed_on(house, sink):
    g = house(SINK)
    s = sink("192.0.2.21", port=2525, extensions=(
        "8BITMIME", "SMTPUTF8", "DSN", "DELIVERBY 60", "MT-PRIORITY", "SIZE"))
    post(g, "x@sink.test NOTIFY=SUCCESS,DELAY ORCPT=rfc822;X+2By@Sink.Test",
         simple("everything"),
         "RET=HDRS ENVID=a+20b MT-PRIORITY=-2 BY=600;RT SMTPUTF8 BODY=8BITMIME")
    taken, = wait(lambda: s.messages, "it has arrived")
    match = re.fullmatch(rb"MAIL FROM:<alice@a\.test> SIZE=\d+ BODY=8BITMIME SMTPUTF8 "
                         rb"RET=HDRS ENVID=a\+20b BY=(\d+);RT MT-PRIORITY=-2",
                         taken["from"])
    assert match and 300 <= int(match[1]) <= 600, taken["from"]
    assert taken["to"] == [b"RCPT TO:<x@sink.test> NOTIFY=SUCCESS,DELAY "
                           b"ORCPT=rfc822;X+2By@Sink.Test"]
    assert b"\tPRIORITY -2;" in taken["data"].replace(b"\r\n", b"")
    # RFC 2852 4.1.4: T is told of each step, asked or not.
    message, = g.wait_mail("alice")
    _, about, (one,), _ = report_in(message)
    assert one["Action"] == "relayed" and about["Deliver-By-Date"]
    g.wait_empty()


def test_an_alias_of_several(house):
    """RFC 3461 5.2.7.3: that it was expanded is told, and nothing more."""
    g = house(aliases="all: carol, dave\n")
    post(g, "all@a.test NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;all@a.test",
         simple("to all"))
    g.wait_mail("carol")
    g.wait_mail("dave")
    message, = g.wait_mail("alice")
    _, _, (one,), _ = report_in(message)
    assert one["Action"] == "expanded"
    assert one["Original-Recipient"] == "rfc822;all@a.test"
    g.wait_empty()
    assert len(g.mbox("alice")) == 1


def test_held_until_its_time(house):
    g = house(SUBMIT)
    began = time.monotonic()
    reply = post(g, "carol@a.test", simple("not yet"), "HOLDFOR=20", port=587)
    name = queue_id(reply)
    assert "held by its sender until" in g.mailq()
    assert "held until" in g.queue("show", name).stdout.decode()
    assert b'"hold_until":' in g.queue("show", name, "--json").stdout
    # Nobody can hurry it, and a restart does not.
    g.queue("flush")
    g.queue("flush", name)
    g.stop()
    g.start()
    g.queue("flush")
    assert g.mbox("carol") == []
    g.wait_mail("carol", seconds=90)
    assert time.monotonic() - began >= 19.9
    g.wait_empty()


def test_returned_when_the_time_is_over(house):
    g = house("deliver-by-least 1s\nlifetime 1h")
    post(g, "x@down.test", simple("hurry"), "BY=4;R")
    message, = g.wait_mail("alice")
    _, about, (one,), _ = report_in(message)
    assert one["Action"] == "failed" and one["Status"] == "5.4.7"
    assert about["Deliver-By-Date"]
    g.wait_empty()


def test_a_demand_that_the_next_host_does_not_know(house, sink):
    """RFC 2852 4.1.4.1"""
    g = house(SINK)
    s = sink("192.0.2.21", port=2525)
    post(g, "x@sink.test", simple("hurry"), "BY=600;R")
    message, = g.wait_mail("alice")
    _, _, (one,), _ = report_in(message)
    assert one["Action"] == "failed" and one["Status"] == "5.3.3"
    assert s.messages == []
    g.wait_empty()


def test_told_when_the_time_is_over(house, sink):
    """Mode N: once, and it is tried on."""
    g = house(SINK + "retry-first 1s\nretry-most 1s")
    busy = [True]
    s = sink("192.0.2.21", port=2525, replies={
        "RCPT": lambda: "450 4.2.1 not now" if busy[0] else "250 2.1.5 Ok"})
    post(g, "x@sink.test", simple("no hurry"), "BY=2;N")
    message, = g.wait_mail("alice")
    _, about, (one,), _ = report_in(message)
    assert one["Action"] == "delayed" and one["Status"] == "4.4.7"
    assert about["Deliver-By-Date"] and one["Will-Retry-Until"]
    wait(lambda: g.log().count("status=deferred") >= 4, "it is tried again")
    assert len(g.mbox("alice")) == 1
    busy[0] = False
    wait(lambda: s.messages, "it has arrived")
    g.wait_empty()


def test_utf8_to_who_cannot_read_it(house, sink):
    """RFC 6531 3.2: a local part has no other spelling, a domain has."""
    g = house(SINK + "route xn--bcher-kva.test via [192.0.2.21]:2525\n")
    s = sink("192.0.2.21", port=2525)
    post(g, ["é@sink.test", "y@sink.test"], simple("half"), "SMTPUTF8")
    message, = g.wait_mail("alice")
    _, _, (one,), _ = report_in(message)
    assert one["Status"] == "5.6.7"
    assert one["Final-Recipient"] == r"utf-8;\x{E9}@sink.test"
    taken, = s.messages
    assert taken["to"] == [b"RCPT TO:<y@sink.test>"]
    post(g, "z@bücher.test", simple("domain"), "SMTPUTF8")
    wait(lambda: len(s.messages) == 2, "the second has arrived")
    assert s.messages[1]["to"] == [b"RCPT TO:<z@xn--bcher-kva.test>"]
    assert b"SMTPUTF8" not in s.messages[1]["from"]
    assert b"with UTF8SMTP id" in s.messages[1]["data"]
    header = simple("x").replace(b"Subject: x", "Subject: é".encode())
    post(g, "w@sink.test", header, "SMTPUTF8")
    _, second = g.wait_mail("alice", 2)
    _, _, (one,), returned = report_in(second)
    assert one["Status"] == "5.6.9"
    assert returned.get_content_type() == "message/global-headers"
    g.wait_empty()


def test_utf8_to_who_can(house, sink):
    g = house(SINK)
    s = sink("192.0.2.21", port=2525, extensions=("8BITMIME", "SMTPUTF8"))
    post(g, "é@sink.test", simple("whole"), "SMTPUTF8")
    taken, = wait(lambda: s.messages, "it has arrived")
    assert taken["from"] == b"MAIL FROM:<alice@a.test> SMTPUTF8"
    assert taken["to"] == ["RCPT TO:<é@sink.test>".encode()]
    g.wait_empty()


def test_smtputf8_without_8bitmime_is_none(house, sink):
    """RFC 6531 3.1, 8"""
    g = house(SINK)
    sink("192.0.2.21", port=2525, extensions=("SMTPUTF8",))
    post(g, "é@sink.test", simple("neither"), "SMTPUTF8")
    message, = g.wait_mail("alice")
    _, _, (one,), _ = report_in(message)
    assert one["Status"] == "5.6.7"
    g.wait_empty()


def test_mail_that_is_asked_for(house, sink):
    """RFC 1985: what waits for one domain goes, the rest waits on."""
    g = house(SINK + "route sub.sink.test via [192.0.2.21]:2525\n"
              "retry-first 1h\nretry-most 1h")
    n = 30
    for i in range(n):
        g.send("alice@a.test", f"x{i}@sink.test", simple(f"waiting {i}"))
    g.send("alice@a.test", "y@sub.sink.test", simple("waiting below"))
    g.send("alice@a.test", "z@down.test", simple("waiting elsewhere"))
    wait(lambda: g.log().count("status=deferred") >= n + 2, "all wait")
    s = sink("192.0.2.21", port=2525)
    with Client(g.host) as client:
        client.ehlo()
        assert client.docmd("ETRN", "sink.test")[0] == 250
        wait(lambda: len(s.messages) == n, "it has been sent")
        assert not any(b"sub.sink" in m["to"][0] for m in s.messages)
        assert client.docmd("ETRN", "@sink.test")[0] == 250
        wait(lambda: len(s.messages) == n + 1, "those below, too")
    wait(lambda: len(g.entries()) == 1, "only the one elsewhere is left")


def test_lines_behind_each_other(house, sink):
    """RFC 6710 5.1: what is more urgent goes first, whenever it came."""
    g = house(SINK + "workers-per-destination 1\nretry-first 1h\nretry-most 1h")
    busy = [True]
    s = sink("192.0.2.21", port=2525, replies={
        "MAIL": lambda: "450 4.3.2 not now" if busy[0] else "250 2.1.0 Ok"})
    wanted = [(p, i) for p in (9, 3, 0, -5) for i in range(3)]
    for p, i in sorted(wanted, key=lambda one: one[1]):
        post(g, "x@sink.test", simple(f"p {p} {i}"),
             f"MT-PRIORITY={p}" if p else "")
    wait(lambda: g.log().count("status=deferred") >= len(wanted), "all wait")
    wait(lambda: g.process("worker") is None, "no delivery is under way")
    busy[0] = False
    g.queue("flush")
    wait(lambda: len(s.messages) == len(wanted), "all have gone")
    got = [int(re.search(rb"Subject: p (-?\d+)", m["data"])[1]) for m in s.messages]
    assert got[-3:] == [-5, -5, -5] and got.index(9) < got.index(-5), got
    g.wait_empty()
