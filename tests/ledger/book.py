# SPDX-License-Identifier: ISC
"""The ledger: what one thing that the daemon does costs, by process.

Figures are gathered by the parts of tests/fault/run that measure
(budget..., instructions), each in a process of its own, and compared with
tests/ledger/LEDGER.  tests/ledger/run takes them from the parts, prints them in
one table and records a new baseline.

A line of LEDGER is

    row process what figure slack [names]

what is calls (system calls; the names say which), instructions (in user mode)
or faults (of pages).  The slack is a number, or a part of the figure: 4%.
"""
import collections
import json
import os
import subprocess

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "LEDGER")
ROWS = {
    "connection": "a connection alone: EHLO, QUIT",
    "first": "an accepted message, one a connection (4 KiB)",
    "here": "an accepted message for a user of this machine, one a connection",
    "next": "an accepted message, the 2nd to 50th of a connection",
    "tls": "an accepted message after STARTTLS, with a full handshake",
    "tls-resumed": "an accepted message after STARTTLS, resumed",
    "sendmail": "a message from sendmail, accepted",
    "relay-start": "a relayed message, worker and connection new",
    "relay": "a relayed message, on an open connection",
    "maildir-start": "a message into a Maildir, worker and agent new",
    "maildir": "a message into a Maildir, worker and agent at hand",
    "mbox-start": "a message into an mbox, worker and agent new",
    "mbox": "a message into an mbox, worker and agent at hand",
}
PROCESSES = ["master", "session", "runner", "warden", "worker", "agent", "sendmail"]
FORKS = {"fork", "vfork", "clone", "clone3"}
EXECS = {"execve", "execveat"}
SYNCS = {"fsync", "fdatasync", "sync", "syncfs"}
HELD = {"calls": "system calls", "instructions": "instructions", "faults": "page faults"}
SEEN = {"waits": "switches, voluntary", "preempted": "switches, involuntary"}
SLACK = {"calls": "0", "instructions": "4%", "faults": "25%"}
FEW, SLACK_OF_FEW = 10, "2"             # faults
HINT = ("If it is to cost that from now on: make ledger RECORD=1, and commit "
        "tests/ledger/LEDGER with the change.")


def compiler():
    """Who built the programs, and for which machine."""
    with open(os.path.join(os.environ.get("GODWIT_BUILD", "build"), "flags")) as f:
        cc = f.read().split()[0]
    def ask(option):
        return subprocess.run([cc, option], capture_output=True, text=True,
                              check=True).stdout.splitlines()[0]
    # The first word is how it was called.
    return ask("--version").split(" ", 1)[-1] + ", " + ask("-dumpmachine")


class Book:
    """figures[row, process][what]; the calls are a count by name."""

    def __init__(self):
        self.figures = collections.defaultdict(dict)
        self.hot = []                   # (instructions, function) of "next"

    def enter(self, row, process, **what):
        self.figures[row, process].update(what)

    def enter_calls(self, row, columns):
        for process, names in columns.items():
            self.enter(row, process, calls=dict(names))

    def save(self, name):
        """For tests/ledger/run, if that has asked."""
        if folder := os.environ.get("LEDGER_OUT"):
            with open(os.path.join(folder, name), "w") as out:
                json.dump([[list(k), v] for k, v in self.figures.items()] + [self.hot], out)

    def load(self, path):
        with open(path) as f:
            *figures, hot = json.load(f)
        for key, what in figures:
            self.figures[tuple(key)].update(what)
        self.hot += hot

    def lines(self):
        """(row, process, what, value, names) in the order of the file."""
        for row in ROWS:
            for process in PROCESSES:
                found = self.figures.get((row, process), {})
                for what in HELD:
                    if what not in found:
                        continue
                    value = found[what]
                    if what == "calls":
                        yield row, process, what, sum(value.values()), value
                    else:
                        yield row, process, what, value, {}


def number(x):
    return f"{round(x, 2):g}" if x < 1000 else str(round(x))


def say_names(names):
    return " ".join(f"{name} {number(n)}" for name, n in
                    sorted(names.items(), key=lambda x: (-x[1], x[0])))


# ---------------------------------------------------------------- the file

Line = collections.namedtuple("Line", "figure slack names")


def read(path=PATH):
    lines, built = {}, ""
    with open(path) as f:
        for text in f:
            words = text.split()
            if text.startswith("# built by "):
                built = text[len("# built by "):].strip()
            if not words or words[0].startswith("#"):
                continue
            row, process, what, figure, slack, *names = words
            lines[row, process, what] = Line(
                float(figure), slack,
                {name: float(n) for name, n in zip(names[::2], names[1::2])})
    return lines, built


def write(book, path=PATH):
    """What was measured; a slack that somebody chose stays."""
    try:
        former = read(path)[0]
    except FileNotFoundError:
        former = {}
    with open(path, "w") as out:
        out.write("# What a message costs: read tests/ledger/book.py; made by make ledger "
                  f"RECORD=1.\n# built by {compiler()}\n")
        last = None
        for row, process, what, value, names in book.lines():
            if row != last:
                out.write(f"\n# {ROWS[row]}\n")
            last = row
            slack = SLACK_OF_FEW if what == "faults" and value < FEW else SLACK[what]
            if (row, process, what) in former:
                slack = former[row, process, what].slack
            out.write(f"{row:<13} {process:<8} {what:<12} {number(value):>8} {slack:>4}  "
                      f"{say_names(names)}".rstrip() + "\n")


def allowed(line):
    if line.slack.endswith("%"):
        return line.figure * float(line.slack[:-1]) / 100
    return float(line.slack)


def differences(names, before):
    """What was added and what has gone, by name."""
    delta = {n: round(names.get(n, 0) - before.get(n, 0), 2) for n in names.keys() | before.keys()}
    return ({n: d for n, d in delta.items() if d > 0.1},
            {n: -d for n, d in delta.items() if d < -0.1})


def hold(verdict, book, kinds, rows):
    """Each line of the file against what was measured: a case each."""
    if os.environ.get("LEDGER_RECORD"):
        return
    (lines, built_then), built = read(), compiler()
    other = "" if built == built_then else (
        f"(recorded from a build by {built_then}; this is one by {built}, and "
        "that alone may be the difference)")
    measured = {(row, process, what): (value, names)
                for row, process, what, value, names in book.lines() if what in kinds}
    wanted = {k for k in lines if k[2] in kinds and k[0] in rows}
    for key in sorted(wanted | measured.keys(), key=str):
        row, process, what = key
        name = f"ledger: {ROWS.get(row, row)}: {process}, {HELD[what]}"
        if key not in lines:
            verdict.check(False, name + ": not in the ledger",
                          f"{number(measured[key][0])} {say_names(measured[key][1])}\n{HINT}")
            continue
        line = lines[key]
        if key not in measured:
            verdict.check(False, name + f": {number(line.figure)} in the ledger, nothing was "
                          "measured", HINT)
            continue
        value, names = measured[key]
        slack = allowed(line) + 0.1 * (what == "calls")
        more, less = differences(names, line.names)
        detail = [f"added: {say_names(more)}"] * bool(more) + \
            [f"gone: {say_names(less)}"] * bool(less) + [other] * bool(other) + [HINT]
        # The runner's commit removals, of all that were removed at about that time.
        syncs = process != "runner" and SYNCS & more.keys()
        verdict.check(abs(value - line.figure) <= slack and
                      max(sum(more.values()), sum(less.values())) <= slack,
                      f"{name}: {number(value)}, the ledger has {number(line.figure)} "
                      f"(slack {line.slack})" + ", with more syncs" * bool(syncs),
                      "\n".join(detail))


# ---------------------------------------------------------------- the table

def total(names, kinds):
    return sum(n for name, n in names.items() if name in kinds)


def table(book):
    """All of it, to be read."""
    heads = [p for p in PROCESSES if any(process == p for _, process in book.figures)]
    out = [" " * 28 + "".join(h.rjust(10) for h in heads) + "all".rjust(10)]
    kinds = [(HELD["calls"], lambda f: sum(f["calls"].values()) if "calls" in f else None)] + [
        (label, lambda f, k=k: total(f["calls"], k) if "calls" in f else None)
        for label, k in (("forks", FORKS), ("execs", EXECS), ("syncs", SYNCS))] + [
        (label, lambda f, what=what: f.get(what))
        for what, label in (list(HELD.items())[1:] + list(SEEN.items()))]
    for row, title in ROWS.items():
        cells = {p: book.figures[row, p] for p in heads if (row, p) in book.figures}
        if not cells:
            continue
        out += ["", f"{row}: {title}"]
        for label, value in kinds:
            found = {p: value(f) for p, f in cells.items()}
            known = [v for v in found.values() if v is not None]
            if not any(known):
                continue
            out.append(f"    {label:<24}" + "".join(
                ("" if found.get(p) is None else number(found[p])).rjust(10) for p in heads) +
                number(sum(known)).rjust(10))
        out += [f"    {p:<9}{say_names(f['calls'])}" for p, f in cells.items() if f.get("calls")]
    if book.hot:
        out += ["", "The functions with most instructions in a session, a message (next):"]
        out += [f"    {number(n):>8}  {name}" for n, name in book.hot]
    return "\n".join(out)
