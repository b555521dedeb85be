"""The person's side of a pseudo-terminal, for scripts that work in a program as a person would."""

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

    def __init__(self, argv, **env):
        self.seen = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(env)
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
        while time.monotonic() < end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.02)
        os.kill(self.pid, 9)
        sys.exit(f"never ended, but {self.seen[-600:]!r}")
