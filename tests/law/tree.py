# SPDX-License-Identifier: ISC
"""What the laws share: the C files of the tree, and C without its comments."""
import glob
import os
import re
import sys

os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))

GENERATED = {"include/config.h"}
_token = re.compile(
    r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def files(*folders):
    """Every .c and .h below the folders, sorted, without what is generated."""
    found = []
    for folder in folders:
        for suffix in "ch":
            found += glob.glob(f"{folder}/**/*.{suffix}", recursive=True)
    return sorted(set(found) - GENERATED)


def read(path):
    with open(path, encoding="utf-8", errors="replace") as f:
        return f.read()


def bare(text):
    """The text with comments and literals blanked; the lines stay the same."""
    def blank(match):
        token = match[0]
        if token[0] in "\"'":
            return token[0] * 2
        return " " + "\n" * token.count("\n")
    return _token.sub(blank, text)


def includes(text):
    """The files that are included with quotes, with their line numbers."""
    for number, line in enumerate(text.splitlines(), 1):
        if match := re.match(r'\s*#\s*include\s+"([^"]+)"', line):
            yield number, match[1]


class Verdict:
    def __init__(self):
        self.broken = 0

    def say(self, where, what):
        print(f"{where}: {what}")
        self.broken += 1

    def end(self):
        sys.exit(1 if self.broken else 0)
