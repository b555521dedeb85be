"""Works in `hob shell` as a person would, on a pseudo-terminal, and checks what is seen.

Usage: terminal.py HOB COMMANDS
"""

import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from person import Terminal


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
