"""Works in `hob repl` as a person would, on a pseudo-terminal, and checks what is seen.

Usage: terminal.py HOB SCRATCH

SCRATCH is an empty directory: the history is kept there, and modules are written there.
"""

import os
import pathlib
import stat
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from person import Terminal

HOB, SCRATCH = sys.argv[1], pathlib.Path(sys.argv[2])
# A prompt with nothing behind it: the cursor goes where the line begins.
PROMPT = rb"> \r\x1b\[2C"
# A line was taken: what is pasted is not marked any more.
TAKEN = rb"2004l\r\n"
UP, CONTROL_C, CONTROL_D = b"\x1b[A", b"\x03", b"\x04"

# Sends itself a message in every turn. So its vat always has something to do, and what nobody keeps is waited for without an end.
BUSY = """(module
  (import "hob_actor" "send_only" (func $send (param i32 i32) (result i64)))
  (memory (export "memory") 1)
  (data (i32.const 0) "[")
  (data (i32.const 200) "<6'answer1+>")
  (func (export "alloc") (param i32) (result i32) (i32.const 1024))
  ;; A message begins with `<4'turn` and the reference of the actor itself: `[SELF[]]` is what is sent.
  (func (export "turn") (param $at i32) (param $len i32) (result i64)
    (local $to i32) (local $byte i32)
    (local.set $at (i32.add (local.get $at) (i32.const 7)))
    (local.set $to (i32.const 1))
    (loop $copy
      (local.set $byte (i32.load8_u (local.get $at)))
      (i32.store8 (local.get $to) (local.get $byte))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (local.set $to (i32.add (local.get $to) (i32.const 1)))
      (br_if $copy (i32.ne (local.get $byte) (i32.const 62))))
    (i32.store8 (local.get $to) (i32.const 91))
    (i32.store8 offset=1 (local.get $to) (i32.const 93))
    (i32.store8 offset=2 (local.get $to) (i32.const 93))
    (if (i64.ne (call $send (i32.const 0) (i32.add (local.get $to) (i32.const 3))) (i64.const 0)) (then (unreachable)))
    (i64.const 0xc80000000c)))
"""

# Never ends its turn, which only its fuel does.
ENDLESS = """(module
  (memory (export "memory") 1)
  (func (export "alloc") (param i32) (result i32) (i32.const 1024))
  (func (export "turn") (param i32 i32) (result i64) (loop $on (br $on)) (i64.const 0)))
"""


def start(*args, **env):
    env = {"XDG_STATE_HOME": str(SCRATCH / "state"), "TERM": "xterm", "HOME": str(SCRATCH), **env}
    terminal = Terminal([HOB, "repl", *args], **env)
    terminal.size(100, 30)
    terminal.until(rb"`help` lists the words")
    terminal.until(PROMPT)
    return terminal


def say(terminal, line, answer):
    """Types a line, sees what comes of it, and the next prompt."""
    terminal.type(line + b"\r")
    terminal.until(answer)
    terminal.until(PROMPT)


def ends(terminal, code=0):
    found = terminal.wait()
    if found != code:
        sys.exit(f"exit code {found}, not {code}; {terminal.seen[-600:]!r}")


def lines():
    """A line, one that fails, one that is not whole, and what was typed wrong and rubbed out."""
    terminal = start()
    say(terminal, b"c = spawn counter 4", rb"\r\n")
    say(terminal, b"c add 2x\x7f", rb"\n6\r\n")
    say(terminal, b"c nonsense", rb"no-method: ")
    say(terminal, b"(c get", rb"syntax: a `\)` is missing, at byte 6 of the line\r\n")
    say(terminal, b'"abc', rb"syntax: the string does not end")
    say(terminal, b"c get", rb"\n6\r\n")
    # What was pasted is as many lines as it has.
    terminal.type(b"\x1b[200~d = spawn counter 40 # forty\rd add 2\rd add\x1b[201~")
    terminal.until(rb"d add")
    terminal.type(b"\r")
    terminal.until(rb"\n42\r\n")
    terminal.until(rb"\n43\r\n")
    terminal.until(PROMPT)
    return terminal


def completion(terminal):
    terminal.type(b"car\t")
    terminal.until(rb"caretaker")
    terminal.type(CONTROL_C)
    terminal.until(PROMPT)
    say(terminal, b"ledger = spawn counter 7", rb"\r\n")
    terminal.type(b"led\t")
    terminal.until(rb"ledger")
    terminal.type(b" get\r")
    terminal.until(rb"\n7\r\n")
    terminal.until(PROMPT)
    # Of several, all are shown.
    terminal.type(b"f\t\t")
    terminal.until(rb"facet.*fulfill")
    terminal.type(CONTROL_C)
    terminal.until(PROMPT)


def history(terminal):
    say(terminal, b"ledger add 3", rb"\n10\r\n")
    say(terminal, b" ledger add 5", rb"\n15\r\n")
    # A line that began with a space is not kept; the one before it is.
    terminal.type(UP)
    terminal.until(rb"ledger add 3")
    terminal.type(b"\r")
    terminal.until(rb"\n18\r\n")
    terminal.until(PROMPT)
    terminal.type(CONTROL_D)
    ends(terminal)

    file = SCRATCH / "state/hob/repl-history"
    mode = stat.S_IMODE(file.stat().st_mode)
    if mode != 0o600:
        sys.exit(f"{file} has mode {mode:o}")
    if "add 5" in file.read_text():
        sys.exit("a line that began with a space was kept")

    terminal = start()
    terminal.type(UP)
    terminal.until(rb"ledger add 3")
    terminal.type(CONTROL_C)
    terminal.until(PROMPT)
    # Whoever is ended has lost nothing of what was typed.
    say(terminal, b"list 1 2", rb"\[1 2\]")
    os.kill(terminal.pid, 9)
    ends(terminal, -9)
    if "list 1 2" not in file.read_text():
        sys.exit("a line was lost")

    before = file.read_text()
    terminal = start("--no-history")
    terminal.type(UP + b"\r")
    terminal.until(PROMPT)
    say(terminal, b"list 3 4", rb"\[3 4\]")
    terminal.type(CONTROL_D)
    ends(terminal)
    other = SCRATCH / "other"
    terminal = start("--history", str(other))
    say(terminal, b"list 5 6", rb"\[5 6\]")
    terminal.type(CONTROL_D)
    ends(terminal)
    if file.read_text() != before or "list 5 6" not in other.read_text():
        sys.exit("what was typed was kept elsewhere")
    if stat.S_IMODE(other.stat().st_mode) != 0o600:
        sys.exit(f"{other} can be read by others")


def waiting():
    """Control-C abandons a line, and what is waited for without an end, and not the session."""
    (SCRATCH / "busy.wat").write_text(BUSY)
    terminal = start("--no-history")
    terminal.type(b"quit")
    terminal.until(rb"quit")
    terminal.type(CONTROL_C)
    terminal.until(PROMPT)
    say(terminal, b'busy = spawn (await (load "%s")) 0' % bytes(SCRATCH / "busy.wat"), rb"\r\n")
    say(terminal, b"tell busy", rb"\r\n")
    say(terminal, b"[p r] = promise", rb"\r\n")
    terminal.type(b"await p\r")
    terminal.until(TAKEN)
    time.sleep(0.3)
    # What is typed meanwhile is not shown, and is gone with what is given up; what comes after it is not.
    terminal.type(b"quit\r" + CONTROL_C + b"list 8 9")
    terminal.until(rb"given-up: nobody waits for it any more\r\n")
    terminal.until(rb"list 8 9")
    terminal.type(b"\r")
    terminal.until(rb"\[8 9\]")
    terminal.until(PROMPT)
    # What comes of it after all is shown with the next line.
    say(terminal, b"fulfill r 77", rb"\r\n")
    say(terminal, b"list 10", rb"77\r\n(.*\r\n)*\[10\]")
    terminal.type(CONTROL_D)
    ends(terminal)


def turns():
    """A turn ends by itself; who does not want to wait for that ends the session, with a second Control-C."""
    (SCRATCH / "endless.wat").write_text(ENDLESS)
    terminal = start("--no-history", "--fuel", "1000000000000000")
    say(terminal, b'endless = spawn (await (load "%s")) 0' % bytes(SCRATCH / "endless.wat"), rb"\r\n")
    terminal.type(b"endless go\r")
    terminal.until(TAKEN)
    time.sleep(0.3)
    terminal.type(CONTROL_C)
    time.sleep(0.3)
    terminal.type(CONTROL_C)
    terminal.until(rb"ended in the middle of a turn")
    ends(terminal, 130)


def put_back():
    """The terminal is what it was, however the session ends: a shell that started it sees the same settings."""
    inner = f"stty -a > before; {HOB} repl --no-history; echo =$?=; stty -a > after; echo done"
    os.chdir(SCRATCH)
    for key, code in [(CONTROL_D, 0), (b"quit\r", 0)]:
        terminal = Terminal(["/bin/sh", "-c", inner], TERM="xterm")
        terminal.until(PROMPT)
        terminal.type(key)
        terminal.until(b"=%d=" % code)
        terminal.until(rb"done\r\n")
        ends(terminal)
        before, after = (SCRATCH / "before").read_text(), (SCRATCH / "after").read_text()
        if before != after or "echo" not in before:
            sys.exit(f"before:\n{before}\nafter:\n{after}")


def plain():
    """A terminal that can do nothing is read line by line."""
    terminal = Terminal([HOB, "repl", "--no-history"], TERM="dumb")
    terminal.until(rb"> $")
    terminal.type(b"list 1 2\r")
    terminal.until(rb"\n\[1 2\]\r\n> $")
    terminal.type(CONTROL_D)
    ends(terminal)


def main():
    terminal = lines()
    completion(terminal)
    history(terminal)
    waiting()
    turns()
    put_back()
    plain()
    print("all as it should be")


main()
