"""Works in `hob shell` as a person would, on a pseudo-terminal, and checks what is seen.

Usage: terminal.py HOB COMMANDS
"""

import fcntl
import os
import pty
import re
import select
import struct
import sys
import termios
import time

PATIENCE = 60


class Terminal:
    """The person's side: types, looks, and answers what a terminal is asked."""

    def __init__(self, argv):
        self.seen = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execv(argv[0], argv)

    def size(self, columns, rows):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text):
        os.write(self.fd, text)

    def look(self, seconds):
        """Reads for a while; answers where the cursor is."""
        ready, _, _ = select.select([self.fd], [], [], seconds)
        if not ready:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            return False
        self.seen = re.sub(rb"\x1b\]0;[^\x07]*\x07", b"", self.seen + data)
        for _ in range(data.count(b"\x1b[6n")):
            os.write(self.fd, b"\x1b[1;1R")
        return bool(data)

    def until(self, pattern):
        """Waits until something is seen, and takes everything up to it."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            found = re.search(pattern, self.seen)
            if found:
                self.seen = self.seen[found.end():]
                return found
            if not self.look(0.1):
                break
        sys.exit(f"never saw {pattern!r}, but {self.seen[-600:]!r}")

    def wait(self):
        """Looks until the program is gone, and says its exit code."""
        end = time.monotonic() + PATIENCE
        while self.look(0.1) and time.monotonic() < end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def main():
    hob, commands = sys.argv[1:]
    terminal = Terminal([hob, "shell", "--bin", commands])
    prompt = rb"\$ "
    terminal.size(100, 30)
    terminal.until(prompt)

    # A line is edited by the shell inside: what was wrong is rubbed out.
    terminal.type(b"echo one twoo\x7f\r")
    terminal.until(rb"2004lone two\r\n")

    # What is typed goes to the program in the foreground, and its end is the end of its input.
    terminal.until(prompt)
    # What is typed before the shell has given the terminal back is the shell's to drop.
    terminal.type(b"echo up; cat\r")
    terminal.until(rb"up\r\n")
    terminal.type(b"abc\r")
    terminal.until(rb"abc\r\nabc\r\n")
    terminal.type(b"\x04")

    # Control-C ends what runs, and not the shell.
    terminal.until(prompt)
    terminal.type(b"sleep 1000\r")
    terminal.until(rb"2004l")
    time.sleep(0.3)
    terminal.type(b"\x03")
    terminal.until(prompt)
    terminal.type(b"echo =$?=\r")
    terminal.until(rb"=130=")

    # Control-Z stops nobody whom nobody could continue.
    terminal.until(prompt)
    terminal.type(b"cat; echo after\r")
    terminal.until(rb"2004l")
    time.sleep(0.3)
    terminal.type(b"\x1a")
    terminal.type(b"still\r")
    terminal.until(rb"still\r\nstill\r\n")
    terminal.type(b"\x04")
    terminal.until(rb"after")

    # The window has the size of the person's.
    terminal.until(prompt)
    terminal.size(61, 17)
    time.sleep(0.5)
    terminal.type(b"x=$(seq 1 200); echo $x | fold -w 61 > /dev/null; ls -C /bin | head -n 1 | wc -L\r")
    terminal.until(rb"2004l[^0-9]*([0-9]+)\r\n")

    terminal.until(prompt)
    terminal.type(b"exit 3\r")
    code = terminal.wait()
    if code != 3:
        sys.exit(f"exit code {code}, not 3")
    print("all as it should be")


main()
