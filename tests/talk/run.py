#!/usr/bin/python3 -B
# SPDX-License-Identifier: ISC
"""Holds all dialogues with the SMTP session and counts them.

usage: tests/talk/run.py [-v] [word...]

A dialogue is a file *.talk anywhere below this directory, or a case of one of
the tables matrix.py, paths.py, walk.py, smuggle.py, eai.py and controls.py.  With
words, only those whose name holds one of them; the texts of these are printed with -v.  The session is
taken from $GODWIT_BUILD (build); $TALK_PATIENCE says how many seconds a reply
may take (60).  dialogue.py says how a .talk is written.

Those of which there are tens of thousands (model.py, and the rest of smuggle.py)
come to one test each; $TALK_LONG=1 holds all of them and not a sample.
"""
import concurrent.futures
import os
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
TOP = os.path.dirname(os.path.dirname(HERE))
os.chdir(TOP)

import controls
import dialogue
import eai
import many
import matrix
import model
import paths
import smuggle
import walk

# Every reply code that this server has (RFC 5321 4.2.3, and 555 of 4.1.1.11).
CODES = {214, 220, 221, 250, 252, 354, 421, 451, 452, 458, 459, 500, 501, 502, 503, 504,
         550, 552, 553, 554, 555}


def files():
    for folder, _, names in sorted(os.walk(HERE)):
        for name in sorted(names):
            if name.endswith(".talk"):
                path = os.path.join(folder, name)
                with open(path, encoding="utf-8") as f:
                    yield os.path.relpath(path, TOP), f.read()


def cases():
    yield from files()
    for table in (matrix, paths, walk, smuggle, eai, controls):
        name = f"tests/talk/{table.__name__}.py"
        for case, text in table.cases():
            yield f"{name} {case}", text


class Hall:
    """Where the dialogues are held: a world for each of the threads."""

    def __init__(self, session):
        self.session = session
        self.mine = threading.local()
        self.worlds = []

    def hold(self, case):
        if not hasattr(self.mine, "world"):
            self.mine.world = dialogue.World(self.session)
            self.worlds.append(self.mine.world)
        return case, dialogue.hold(self.mine.world, case[1])

    def close(self):
        for world in self.worlds:
            world.end()


def by_model(alphabet):
    """What holds the sequences of that alphabet."""
    def hold(session, long, failures):
        with many.Hosts(session, model.CONF + alphabet.conf, "-p", "192.0.2.1",
                        needs=alphabet.needs) as hosts:
            n = model.run(hosts, alphabet, long)
        failures += hosts.failures
        return n
    return hold


def by_smuggling(session, long, failures):
    with many.Hosts(session, smuggle.CONF, "-p", "192.0.2.1") as hosts:
        n = smuggle.run(hosts, long)
    failures += hosts.failures
    return n


def by_mending(session, long, failures):
    with many.Hosts(session, smuggle.CONF + ["normalize for 192.0.2.1"], "-p",
                    "192.0.2.1") as hosts:
        n = smuggle.run(hosts, long, smuggle.MENDED)
    failures += hosts.failures
    return n


def by_client(session, long, failures):
    return smuggle.run_client(os.path.join(os.path.dirname(session), "client"), long, failures)


MANY = [
    *((f"model.py {alphabet.name}", by_model(alphabet), "sequences of commands as the model says")
      for alphabet in model.ALPHABETS),
    ("smuggle.py all", by_smuggling, "contents by DATA and BDAT, each one message or none"),
    ("smuggle.py mended", by_mending, "contents whose line ends are mended, each one message"),
    ("smuggle.py client", by_client, "contents, of which our client sent no bare CR or LF"),
]


def hold_many(session, words):
    """(passed, failed) of those of which there are very many, some at once: each
    waits for a session that waits for it."""
    long = os.environ.get("TALK_LONG", "") not in ("", "0")
    chosen = [("tests/talk/" + name, hold, what) for name, hold, what in MANY
              if not words or any(word in "tests/talk/" + name for word in words)]

    def one(case):
        failures = []
        return case[1](session, long, failures), failures

    passed = failed = 0
    with concurrent.futures.ThreadPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        for (name, _, what), (n, failures) in zip(chosen, pool.map(one, chosen)):
            print(f"{name}: {n} {what}" + (f"; {len(failures)} FAILED" if failures else ""))
            for case, why in failures[:20]:
                print(f"FAILED {name} {case}: {why}")
            passed, failed = passed + (not failures), failed + bool(failures)
    return passed, failed


def main(words):
    verbose = "-v" in words
    words = [word for word in words if word != "-v"]
    session = os.path.abspath(os.path.join(os.environ.get("GODWIT_BUILD", "build"),
                                           "talk/session"))
    if not os.access(session, os.X_OK):
        print(f"{session} was not built: make helpers\n0 passed, 1 failed")
        return 1
    chosen = [case for case in cases()
              if not words or any(word in case[0] for word in words)]
    # One more than there are processors: some dialogues mostly wait.
    hall = Hall(session)
    passed, codes, failed = 0, set(), 0
    try:
        with concurrent.futures.ThreadPoolExecutor(min(2, os.cpu_count() or 1) + 1) as pool:
            for (name, text), result in pool.map(hall.hold, chosen):
                codes |= result.codes
                passed += result.failure is None
                if result.failure is not None:
                    failed += 1
                    print(f"FAILED {name} {result.failure}\n")
                if verbose or (result.failure is not None and ".py " in name):
                    print(f"--- {name}\n{text}\n---")
    finally:
        hall.close()
    more = hold_many(session, words)
    passed, failed = passed + more[0], failed + more[1]
    if not words:
        passed, failed = passed + (CODES <= codes), failed + (not CODES <= codes)
        if not CODES <= codes:
            print("FAILED reply codes: never given:", *sorted(CODES - codes))
        for line in [*smuggle.left_out(), *eai.left_out()]:
            print(line)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
