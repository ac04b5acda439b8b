"""Makes calls of the program fail while it runs: the other half of tests/faults/faults.c, which tells what there is."""
import contextlib
import ctypes
import errno
import mmap
import os
import pathlib

from conftest import TIPHYS

LIBRARY = pathlib.Path(TIPHYS).resolve().parent / "tests" / "faults" / "libfaults.so"
FAIL, FAIL_AFTER, DIE, DIE_AFTER, SHORT, PASS = range(6)
POINTS = ("step", "memory", "write", "read", "sync", "cut", "open", "files", "handle", "accept", "connect", "send",
          "receive", "spawn", "clock")
FOREVER = 2**63 - 1
SQLITE_FULL, SQLITE_IOERR = 13, 10


class Record(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char * 16), ("seen", ctypes.c_uint64), ("first", ctypes.c_uint64),
                ("last", ctypes.c_uint64), ("action", ctypes.c_uint64), ("error", ctypes.c_int64),
                ("delay_us", ctypes.c_uint64)]


class Panel:
    """One switch a kind of call; shared with every program that runs with its environment."""

    def __init__(self, path):
        with open(path, "wb+") as f:
            f.truncate(len(POINTS) * ctypes.sizeof(Record))
            self.memory = mmap.mmap(f.fileno(), 0)
        self.records = {point: Record.from_buffer(self.memory, i * ctypes.sizeof(Record)) for i, point in enumerate(POINTS)}
        for point, record in self.records.items():
            record.name = point.encode()
        self.environment = {"TIPHYS_FAULTS": str(path), "LD_PRELOAD": str(LIBRARY), "ASAN_OPTIONS": "verify_asan_link_order=0:"
                            + os.environ.get("ASAN_OPTIONS", "detect_leaks=0")}

    def seen(self, point):
        return self.records[point].seen

    def at(self, point, n, error=errno.EIO, action=FAIL, times=1, delay=0.0):
        """The n-th call from now on (from 1), and those after it."""
        record = self.records[point]
        record.first = 0
        record.error, record.action, record.delay_us = error, action, int(delay * 1e6)
        record.last = min(record.seen + n + times - 1, FOREVER)
        record.first = record.seen + n

    def struck(self, point):
        return self.records[point].first <= self.records[point].seen

    def clear(self):
        for record in self.records.values():
            record.first = 0

    @contextlib.contextmanager
    def while_(self, point, error=errno.EIO, action=FAIL, delay=0.0):
        self.at(point, 1, error, action, FOREVER, delay)
        try:
            yield
        finally:
            self.records[point].first = 0

    def shift_clock(self, seconds):
        self.records["clock"].error = int(seconds * 1000)
