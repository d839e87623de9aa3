# SPDX-License-Identifier: ISC
"""The commands of vectors/eai/rfc6531.json (SMTPUTF8), each in a session of its
own.  The codes there are the RFC's; "a-or-b" leaves a choice.  What is relayed
is proved in tests/house/test_wishes.py, for a whole way is needed there.

No case is excepted.  Two leave a choice that is taken so: a domain that is not
in NFC is taken (libidn2 brings it into that form before it is looked up), and a
C1 control in a local part is refused on every port, since it would reach logs
and terminals.
"""
import json
import os

PATH = os.path.join(os.environ.get("VECTORS", "../shared/vectors"), "eai/rfc6531.json")


def left_out():
    if not os.path.exists(PATH):
        yield f"left out: there are no vectors: {PATH} ($VECTORS)"


def one_of(expected):
    """"501-or-553" and "553 5.6.7" as what the reply must look like."""
    return "|".join(word.replace(".", r"\.") for word in expected.split("-or-"))


def raw(line):
    return line.replace('"', r"\"")


def cases():
    if not os.path.exists(PATH):
        return
    with open(PATH, encoding="utf-8") as f:
        rows = json.load(f)["commands"]
    for row in rows:
        last = row["rcpt"] or row["mail"]
        start = ["S: 220 *"] if last.startswith("EHLO") else ["to greeted"]
        steps = ["@peer 127.0.0.1", *start]
        if row["rcpt"]:
            steps += [f"C| {raw(row['mail'])}\\r\\n", "S: 250 *"]
        steps += [f"C| {raw(last)}\\r\\n", f"S~ ({one_of(row['expect'])})[ -].*"]
        yield row["id"], "\n".join(steps)
