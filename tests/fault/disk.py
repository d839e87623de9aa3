# SPDX-License-Identifier: ISC
"""Disks that lose their power.  A Recording is a file system on a loop device
whose every write and flush goes through blocklog into a log; a Past builds from
that log the disk of any moment, as a real one might be found afterwards: of
what was written after the last flush all may be there, nothing, or any part,
the last of it torn."""
import bisect
import collections
import contextlib
import mmap
import os
import random
import shutil
import struct
import subprocess

from instance import BUILD, run, until

# make: without its last argument, the image; journal: it is mounted as it was
# found, and not checked first.
Kind = collections.namedtuple("Kind", "name make megabytes journal")
EXT4 = ("mkfs.ext4", "-q", "-F", "-m", "0", "-E", "lazy_itable_init=0,lazy_journal_init=0")
KINDS = {kind.name: kind for kind in (
    Kind("ext4", EXT4, 96, True),
    Kind("nojournal", EXT4 + ("-O", "^has_journal"), 96, False),
    Kind("xfs", ("mkfs.xfs", "-q", "-f"), 320, True),
    Kind("btrfs", ("mkfs.btrfs", "-q", "-f"), 128, True))}
WRITE = 1
HEAD = struct.Struct("=IIQQ")           # of a record, as blocklog.c has it
SECTOR = 512
MODELS = ("all", "flushed", "some")
# One block with one checksum: with half of it nobody's btrfs can be mounted, ours
# or another's.
BTRFS_SUPER = 64 * 1024


def is_mounted_here(kind):
    """Whether the kernel knows that file system."""
    system = kind.make[0].removeprefix("mkfs.")
    if shutil.which("modprobe"):
        subprocess.run(["modprobe", "-q", system], stderr=subprocess.DEVNULL, check=False)
    with open("/proc/filesystems") as f:
        return system in f.read().split()


def unmount(at):
    if not until(lambda: subprocess.run(["umount", at], stderr=subprocess.DEVNULL,
                                        check=False).returncode == 0, every=0.02):
        raise RuntimeError(f"{at} is in use")


class Recording:
    """A new file system, mounted at .at, that can be cut at any moment later."""

    def __init__(self, ground, kind, name):
        self.ground, self.kind, self.dir = ground, kind, os.path.join(ground.dir, name)
        os.mkdir(self.dir)
        run("mount", "-t", "tmpfs", "-o", "size=2g,mode=755", name, self.dir)
        ground.mounts.append(self.dir)
        self.base, self.log, self.at, image, disk = (
            os.path.join(self.dir, n) for n in ("base", "log", "fs", "image", "disk"))
        with open(self.base, "wb") as out:
            out.truncate(kind.megabytes << 20)
        run(*kind.make, self.base)
        run("cp", "--sparse=always", self.base, image)
        open(disk, "w").close()
        os.mkdir(self.at)
        self.disk, self.child = disk, subprocess.Popen(
            [os.path.join(BUILD, "fault", "blocklog"), image, self.log, disk])
        if not until(lambda: os.path.ismount(disk) and os.path.getsize(disk)):
            raise RuntimeError("blocklog does not start")
        ground.mounts.append(disk)
        run("mount", "-o", "loop", disk, self.at)
        ground.mounts.append(self.at)

    def position(self):
        """The time, as the length of the log."""
        return os.stat(self.log).st_size

    def end(self):
        """No more is recorded, but what it takes to unmount it."""
        for at in (self.at, self.disk):
            unmount(at)
            self.ground.mounts.remove(at)
        self.child.wait(10)

    def forget(self):
        unmount(self.dir)
        self.ground.mounts.remove(self.dir)


class Past:
    """The disks that a recording went through.  Each is asked for with a later
    cut than the one before it."""

    def __init__(self, recording, seed=1):
        self.kind, self.dir, self.at = recording.kind, recording.dir, recording.at
        self.chance = random.Random(seed)
        with open(recording.log, "rb") as f:
            self.bytes = mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)
        self.ends, self.records, at = [], [], 0
        while at < len(self.bytes):
            what, length, offset, ns = HEAD.unpack_from(self.bytes, at)
            at += HEAD.size
            self.records.append((what, at, length, offset, ns / 1e9))
            at += length
            self.ends.append(at)
        self.rolling, self.scratch = recording.base, os.path.join(self.dir, "scratch")
        self.done = 0                   # records that are in the rolling image

    def count(self, cut):
        """The records that had been made when the log was so long."""
        return bisect.bisect_right(self.ends, cut)

    def time(self, cut):
        return self.records[max(0, self.count(cut) - 1)][4]

    def _write(self, fd, record, length=None):
        _, at, whole, offset, _ = record
        os.pwrite(fd, self.bytes[at:at + (whole if length is None else length)], offset)

    def build(self, cut, model):
        """The image of that moment, in a file that the next one overwrites."""
        end = self.count(cut)
        flushed = next((i + 1 for i in range(end - 1, self.done - 1, -1)
                        if self.records[i][0] != WRITE), self.done)
        with open(self.rolling, "r+b") as out:
            for record in self.records[self.done:flushed]:
                if record[0] == WRITE:
                    self._write(out.fileno(), record)
        self.done = flushed
        run("cp", "--sparse=always", self.rolling, self.scratch)
        late = self.records[flushed:end]
        if model == "flushed":
            late = []
        elif model == "some":
            late = [r for r in late if self.chance.random() < 0.5]
        with open(self.scratch, "r+b") as out:
            for i, record in enumerate(late):
                torn = model == "some" and i == len(late) - 1 and \
                    record[3] != BTRFS_SUPER
                self._write(out.fileno(), record, SECTOR * self.chance.randint(
                    0, record[2] // SECTOR) if torn else None)

    def _check(self):
        if self.kind.make[0] == "mkfs.ext4":
            subprocess.run(["e2fsck", "-fy", self.scratch], stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, check=False)

    @contextlib.contextmanager
    def power_up(self, cut, model):
        """The file system as it is after the power came back, mounted where it
        was."""
        self.build(cut, model)
        if not self.kind.journal:
            self._check()
        try:
            run("mount", "-o", "loop", self.scratch, self.at)
        except RuntimeError:            # ext4's superblock has two sectors
            self._check()
            run("mount", "-o", "loop", self.scratch, self.at)
        try:
            yield self.at
        finally:
            unmount(self.at)

    def close(self):
        self.bytes.close()
