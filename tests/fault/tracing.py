# SPDX-License-Identifier: ISC
"""strace on processes that run: what they call, in which order, how often; and
calls that fail on demand.  Every call is counted where it begins, so that one
which was cut in two by another process is one."""
import collections
import os
import re
import signal
import subprocess
import time

from instance import until

CALL = re.compile(r"^(\d+) +(?:[\d.]+ +)?(\w+)\((.*)$")
REST = re.compile(r"^(\d+) +(?:[\d.]+ +)?<\.\.\. (\w+) resumed>(.*)$")

Call = collections.namedtuple("Call", "pid name text")


def parse(text):
    """The calls of strace -f, results attached."""
    found, open_calls = [], {}
    for line in text.splitlines():
        if match := CALL.match(line):
            if "<unfinished ...>" in line:
                open_calls[match[1]] = len(found)
            found.append(Call(int(match[1]), match[2], match[3]))
        elif (match := REST.match(line)) and match[1] in open_calls:
            at = open_calls.pop(match[1])
            found[at] = found[at]._replace(text=found[at].text + match[3])
    # Before Linux 6.10 a link is two calls: the first is in vain.
    return [c for c in found if not (c.name == "linkat" and "AT_EMPTY_PATH" in c.text and
                                     "ENOENT" in c.text)]


class Trace:
    """strace -f on some processes, into a file; without what they fork if not
    follow."""

    def __init__(self, path, pids, *options, follow=True):
        self.path = path
        with open(path, "w"):
            pass
        argv = ["strace", "-s", "96", "-o", path, *options] + ["-f"] * follow
        for pid in pids:
            argv += ["-p", str(pid)]
        self.strace = subprocess.Popen(argv, stdin=subprocess.DEVNULL,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.pids = pids
        # All threads of all of them are stopped once and then let go.
        if not until(self._attached, every=0.005):
            raise RuntimeError("strace does not attach")

    def _attached(self):
        if self.strace.poll() is not None:
            said = self.strace.stderr.read().decode()
            # It ends with the last that it watches: that one was to die at once.
            if said.count("attached") < len(self.pids):
                raise RuntimeError("strace: " + said)
            return True
        for pid in self.pids:
            try:
                with open(f"/proc/{pid}/status") as f:
                    tracer = re.search(r"^TracerPid:\s+(\d+)", f.read(), re.M)
            except (FileNotFoundError, ProcessLookupError):
                continue
            if tracer is None or tracer[1] == "0":
                return False
        return True

    def size(self):
        return os.path.getsize(self.path)

    def quiet(self, seconds=0.25, most=5):
        """Waits until nothing was called for so long; where the file ends then."""
        end, last, since = time.monotonic() + most, self.size(), time.monotonic()
        while time.monotonic() < end:
            time.sleep(0.02)
            if self.size() != last:
                last, since = self.size(), time.monotonic()
            elif time.monotonic() - since >= seconds:
                break
        return last

    def has(self, pattern, start=0):
        """Waits until that is in the file, behind this place."""
        def look():
            with open(self.path, errors="replace") as f:
                f.seek(start)
                return re.search(pattern, f.read())
        return until(look)

    def calls(self, start=0, end=None):
        """What began between two places of the file, results attached."""
        with open(self.path, errors="replace") as f:
            f.seek(start)
            return parse(f.read() if end is None else f.read(end - start))

    def end(self):
        if self.strace.poll() is None:
            self.strace.send_signal(signal.SIGTERM)
        try:
            self.strace.wait(60)
        except subprocess.TimeoutExpired:
            self.strace.kill()
            self.strace.wait()
        self.strace.stderr.close()


def tally(calls):
    return collections.Counter(c.name for c in calls)


def count(calls, kinds):
    return sum(1 for c in calls if c.name in kinds)


def table(columns):
    """Lines of counts: a row a call, a column a process; sums below."""
    heads = list(columns)
    counts = {h: tally(columns[h]) for h in heads}
    names = sorted({n for c in counts.values() for n in c},
                   key=lambda n: (-sum(c[n] for c in counts.values()), n))
    width = max([16] + [len(n) + 2 for n in names])
    lines = ["    " + "".ljust(width) + "".join(h.rjust(10) for h in heads) + "all".rjust(10)]
    for n in names:
        row = [counts[h][n] for h in heads]
        lines.append("    " + n.ljust(width) + "".join(str(x or "").rjust(10) for x in row) +
                     str(sum(row)).rjust(10))
    row = [sum(counts[h].values()) for h in heads]
    lines.append("    " + "all".ljust(width) + "".join(str(x).rjust(10) for x in row) +
                 str(sum(row)).rjust(10))
    return "\n".join(lines)
