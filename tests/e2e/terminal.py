"""A terminal for tests: the program on a real pty, and what a person would see there.

Screen is a small terminal emulator that knows just what the program may send; anything else is an error. Terminal starts a
program with a pty as its controlling terminal, so that what is typed there becomes signals.
"""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
import unicodedata

SEQUENCE = re.compile(rb"\x1b\[([?]?)([0-9;]*)([A-Za-z])")


def width(char):
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


class Line:
    def __init__(self):
        self.cells = []  # (text, colour), "" behind a wide character

    def put(self, column, text, colour):
        while len(self.cells) < column:
            self.cells.append((" ", ""))
        for i in range(width(text)):
            self.cells[column + i:column + i + 1] = [(text if i == 0 else "", colour)]

    @property
    def text(self):
        return "".join(text for text, _ in self.cells).rstrip()


class Screen:
    """rows x columns. Lines that were scrolled out stand in above."""

    def __init__(self, rows, columns, reflow=True):
        self.rows, self.columns, self.reflow = rows, columns, reflow
        self.lines = [Line() for _ in range(rows)]
        self.above = []
        self.row = self.column = 0
        self.colour = ""
        self.cursor = self.wraps = True
        self.drawing = False  # within a synchronized update, of which nothing is seen yet
        self.clipped = 0  # how often a line that should not wrap would have
        self.rest = b""

    def feed(self, data):
        data = self.rest + data
        self.rest = b""
        at = 0
        while at < len(data):
            if data[at] == 0x1b:
                found = SEQUENCE.match(data, at)
                if not found:
                    assert re.fullmatch(rb"\x1b(\[[?]?[0-9;]*)?", data[at:]), f"unknown sequence {data[at:at + 20]!r}"
                    self.rest = data[at:]
                    return
                self.sequence(*(part.decode() for part in found.groups()))
                at = found.end()
                continue
            size = 1 if data[at] < 0x80 else 2 if data[at] < 0xe0 else 3 if data[at] < 0xf0 else 4
            if at + size > len(data):
                self.rest = data[at:]
                return
            self.character(data[at:at + size].decode())  # bytes that are no UTF-8 are an error
            at += size

    def sequence(self, private, numbers, letter):
        n = int(numbers.split(";")[0] or 0) if numbers else 0
        if private:
            assert letter in "hl" and n in (7, 25, 2026), (numbers, letter)
            if n == 25:
                self.cursor = letter == "h"
            elif n == 7:
                self.wraps = letter == "h"
            else:
                self.drawing = letter == "h"
        elif letter == "m":
            self.colour = "" if n == 0 else numbers
        elif letter == "A":
            self.row = max(0, self.row - max(1, n))
        elif letter == "K":
            assert n == 0
            del self.lines[self.row].cells[self.at():]
        elif letter == "J":
            assert n == 0
            del self.lines[self.row].cells[self.at():]
            for i in range(self.row + 1, self.rows):
                self.lines[i] = Line()
        else:
            raise AssertionError(f"unknown sequence ESC [ {numbers} {letter}")

    def at(self):
        """Where the cursor is: behind the last column there is none, a full line's last character is under it."""
        return min(self.column, self.columns - 1)

    def down(self):
        if self.row + 1 < self.rows:
            self.row += 1
            return
        self.above.append(self.lines.pop(0))
        self.lines.append(Line())

    def character(self, char):
        if char == "\n":
            self.down()
        elif char == "\r":
            self.column = 0
        elif ord(char) < 0x20 or 0x7f <= ord(char) < 0xa0:
            raise AssertionError(f"control character {char!r}")
        elif width(char) == 0:
            cells = self.lines[self.row].cells
            at = self.column - 1
            while at >= 0 and cells[at][0] == "":
                at -= 1
            cells[at] = (cells[at][0] + char, cells[at][1])
        else:
            if self.column + width(char) > self.columns:
                if self.wraps:
                    self.down()
                    self.column = 0
                else:
                    self.clipped += 1
                    self.column = self.columns - width(char)
            self.lines[self.row].put(self.column, char, self.colour)
            self.column += width(char)

    def resize(self, rows, columns):
        """As terminals do it that break long lines anew, or (reflow=False) as those that cut them."""
        if self.reflow:
            self.break_lines(columns)
        else:
            for line in self.lines:
                del line.cells[columns:]
        while len(self.lines) > rows:
            if self.row + 1 < len(self.lines) and not self.lines[-1].text:
                self.lines.pop()
            else:
                self.above.append(self.lines.pop(0))
                self.row = max(0, self.row - 1)
        while len(self.lines) < rows:
            self.lines.append(Line())
        self.rows, self.columns = rows, columns
        self.column = min(self.column, columns - 1)

    def break_lines(self, columns):
        broken, row = [], 0
        for i, line in enumerate(self.lines):
            if i == self.row:
                row = len(broken)
            for at in range(0, len(line.cells) or 1, columns):
                broken.append(Line())
                broken[-1].cells = line.cells[at:at + columns]
        self.lines, self.row = broken, row

    @property
    def text(self):
        return "\n".join(line.text for line in self.lines).rstrip("\n")

    @property
    def all_text(self):
        return "\n".join(line.text for line in self.above + self.lines).rstrip("\n")

    def line_with(self, text):
        return next(line for line in self.lines if text in line.text)

    def colour_of(self, text):
        """Of the first character of text, where it first stands."""
        line = self.line_with(text)
        for i in range(len(line.cells)):
            if "".join(t for t, _ in line.cells[i:]).startswith(text):
                return line.cells[i][1]
        return None


def at_a_terminal():
    """In the child. Whoever started the tests in the background had a shell that ignores these signals."""
    fcntl.ioctl(2, termios.TIOCSCTTY, 0)
    for number in (signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)


class Terminal:
    def __init__(self, words, rows=24, columns=80, env=None, cwd=None, reflow=True, stdout=None):
        self.screen = Screen(rows, columns, reflow)
        self.raw = b""
        self.master, self.slave = pty.openpty()  # the slave stays open: its modes can be asked after the end
        self.set_size(rows, columns)
        self.modes = termios.tcgetattr(self.slave)
        wanted = {"TERM": "xterm-256color", "LANG": "C.UTF-8", "NO_COLOR": None, "LC_ALL": None, "STY": None,
                  "XTERM_VERSION": None, **(env or {})}
        surroundings = {name: value for name, value in {**os.environ, **wanted}.items() if value is not None}
        self.process = subprocess.Popen(
            [str(word) for word in words], stdin=self.slave, stdout=self.slave if stdout is None else stdout,
            stderr=self.slave, env=surroundings, cwd=cwd, start_new_session=True,
            preexec_fn=at_a_terminal)
        self.pidfd = os.pidfd_open(self.process.pid)

    def set_size(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def resize(self, rows, columns):
        while self.read(0):  # what is on its way was drawn for the old size
            pass
        self.screen.resize(rows, columns)
        self.set_size(rows, columns)

    def read(self, seconds):
        """Takes what comes within the time; false: nothing came."""
        if not select.select([self.master], [], [], seconds)[0]:
            return False
        data = os.read(self.master, 65536)
        self.raw += data
        self.screen.feed(data)
        return True

    def type(self, text):
        os.write(self.master, text.encode())

    def wait(self, condition, seconds=30):
        """Until the screen is as wanted: a text to be found there, or a function of the screen."""
        wanted = condition if callable(condition) else lambda screen: condition in screen.text
        end = time.monotonic() + seconds
        while self.screen.drawing or not wanted(self.screen):
            left = end - time.monotonic()
            assert left > 0, f"it never came; the screen is\n{self.screen.text}"
            self.read(left)
        return self.screen

    def end(self, number=None, seconds=30):
        """Waits for the program's end (after a signal to it alone); returns the exit code, or -signal."""
        if number is not None:
            self.process.send_signal(number)
        end = time.monotonic() + seconds
        while not select.select([self.pidfd], [], [], 0)[0]:
            assert time.monotonic() < end, f"it does not end; the screen is\n{self.screen.text}"
            if self.master in select.select([self.master, self.pidfd], [], [], max(0, end - time.monotonic()))[0]:
                self.read(0)
        while self.read(0):
            pass
        return self.process.wait()

    def is_sane(self):
        """As a shell wants to find it: cursor, wrapping, colours and modes as before."""
        s = self.screen
        return s.cursor and s.wraps and s.colour == "" and not s.rest and not s.drawing and termios.tcgetattr(self.slave) == self.modes

    def close(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        os.close(self.pidfd)
        os.close(self.master)
        os.close(self.slave)
