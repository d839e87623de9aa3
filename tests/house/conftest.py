# SPDX-License-Identifier: ISC
"""What the tests of whole daemons are given.  The village is made once; each
test has a Postfix with empty mailboxes and makes its own godwit.
"""
import glob
import itertools
import os
import re
import shutil
import signal
import tempfile

import pytest

from house import BUILD, Godwit, Nsd, Postfix, Sink, Village, read

TAIL = 6000
PREFIX = "godwit-house-"
COUNTER = itertools.count(1)


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: not for every make check")
    # SIGTERM ends us as Ctrl-C does: with all that was started.
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_collection_modifyitems(items):
    if os.geteuid() != 0:
        raise pytest.UsageError("tests/house wants root: it makes namespaces")
    for tool in ("nsd", "postfix", "haproxy", "unshare", "nsenter", "ip", "setpriv",
                 "mkfs.ext4", "prlimit", "ps", "sysctl"):
        if shutil.which(tool) is None:
            raise pytest.UsageError(f"tests/house wants {tool}: "
                                    "./configure --install-deps")
    if not os.access(os.path.join(BUILD, "godwitd"), os.X_OK):
        raise pytest.UsageError(f"{BUILD}/godwitd was not built")


def sweep():
    """What was left by one of us that was killed; only files can be."""
    for path in glob.glob(os.path.join(tempfile.gettempdir(), PREFIX + "*")):
        pid = re.match(r"\d+", os.path.basename(path)[len(PREFIX):])
        if pid and not os.path.exists(f"/proc/{pid[0]}"):
            shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def village():
    sweep()
    base = tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-")
    village = None
    try:
        village = Village(base)
        Nsd(village.dns)
        yield village
    finally:
        if village is not None:
            village.close()
        shutil.rmtree(base)


@pytest.fixture(scope="session")
def neighbour(village):
    return Postfix(village.b)


@pytest.fixture
def postfix(neighbour, request):
    """Postfix, up and with nothing in it."""
    if not neighbour.is_up():
        neighbour.start()
    neighbour.empty()
    request.node.postfix = neighbour, neighbour.mark()
    return neighbour


@pytest.fixture
def house(village, request):
    """Makes and starts a godwit: house(settings, ...)."""
    made = []

    def make(settings="", start=True, **more):
        base = os.path.join(village.a.base, f"godwit{next(COUNTER)}")
        g = Godwit(village.a, base, settings, **more)
        made.append(g)
        request.node.godwits = made
        return g.start() if start else g

    yield make
    flaws = []
    for g in made:
        g.kill()
        flaws += g.flaws()
        shutil.rmtree(g.base)
    assert flaws == []


@pytest.fixture
def sink(village):
    """Makes a server on host b: sink(at, replies=...)."""
    made = []

    def make(at, **more):
        made.append(Sink(village.b, at, **more))
        return made[-1]

    yield make
    for s in made:
        s.close()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item, call):
    """A test that failed shows what the daemons said."""
    if call.excinfo is None or call.when != "call":
        return
    for g in getattr(item, "godwits", []):
        for name in ("log", "output"):
            show(item, "godwit's " + name, read(f"{g.base}/{name}"))
    postfix, mark = getattr(item, "postfix", (None, 0))
    if postfix is not None:
        show(item, "Postfix's log", read(postfix.log_path)[mark:])


def show(item, what, text):
    if text:
        item.add_report_section("call", "stdout: " + what,
                                text[-TAIL:].decode("utf-8", "replace"))
