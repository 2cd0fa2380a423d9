#!/usr/bin/env python3
"""status --watch at a real terminal and into a pipe: updates, cost, and the restored terminal."""
from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
from typing import Any, Callable, Optional

from case import PROGRAM, TunnelTest, main, until

ENTER, LEAVE = "\x1b[?1049h", "\x1b[?25h\x1b[?1049l"
SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


class Seat:
    """A terminal that runs a program as a shell's job."""

    def __init__(self, argv: list[str], env: dict[str, str], rows: int = 24, columns: int = 80) -> None:
        self.terminal, inside = pty.openpty()
        self.resize(rows, columns)
        self.before = termios.tcgetattr(inside)
        self.process = subprocess.Popen(argv, env=env, stdin=inside, stdout=inside, stderr=inside,
                                        start_new_session=True,
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        self.inside = inside  # held: what is left of the terminal's settings is to be looked at afterwards
        self.seen = ""

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, keys: str) -> None:
        os.write(self.terminal, keys.encode())

    def read(self, patience: float) -> bool:
        ready, _, _ = select.select([self.terminal], [], [], patience)
        if ready:
            self.seen += os.read(self.terminal, 65536).decode(errors="replace")
        return bool(ready)

    def await_that(self, what: str, ready: Callable[[], Any], timeout: float = 30) -> Any:
        def look() -> Any:
            self.read(0.05)
            return ready()
        return until(what, look, timeout)

    def await_text(self, pattern: str) -> str:
        """Waits for the pattern, and returns the screen."""
        def look() -> Optional[str]:
            pictures = self.seen.split("\x1b[H")
            return next((shown for shown in reversed(pictures[-2:]) if re.search(pattern, plain(shown), re.DOTALL)), None)
        return str(self.await_that(f"{pattern} in {self.seen[-2000:]!r}", look))

    def await_end(self) -> int:
        return int(self.await_that("its end", lambda: self.process.poll() is not None) and self.process.returncode)

    def is_restored(self) -> bool:
        return termios.tcgetattr(self.inside)[:4] == self.before[:4]

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(60)
        os.close(self.terminal)
        os.close(self.inside)


def plain(text: str) -> str:
    return SEQUENCE.sub("", text)


def lines_of(picture: str) -> list[str]:
    return re.split(r"\x1b\[K\r+\n", picture)  # the terminal adds a return of its own


class Watch(TunnelTest):
    def sit(self, *arguments: str, rows: int = 24, columns: int = 80, **env: str) -> Seat:
        seat = Seat([PROGRAM, "status", "--user", "--watch", *arguments], {**self.env, "TERM": "xterm", **env},
                    rows, columns)
        self.addCleanup(seat.close)
        return seat

    def test_updates_in_place_and_q_restores_the_terminal(self) -> None:
        self.set_up()
        ssh = self.await_up()["ssh_pid"]
        seat = self.sit()
        seat.await_text(rf"1 tunnel: 1 up.*{self.name} +up ")
        self.assertIn(ENTER, seat.seen)
        self.assertEqual(seat.seen.count("\x1b[2J"), 1, "cleared once: it does not flicker")
        self.assertEqual(self.run_holdfast("stop", "--user", self.name).returncode, 0)
        seat.await_text(r"1 stopped")
        self.assertEqual(self.run_holdfast("start", "--user", self.name).returncode, 0)
        seat.await_text(r"1 up")
        self.assertNotEqual(self.await_up()["ssh_pid"], ssh)
        seat.type("x")  # no key of ours
        seat.type("q")
        self.assertEqual(seat.await_end(), 0)
        self.assertTrue(seat.seen.endswith(LEAVE), seat.seen[-200:])
        self.assertTrue(seat.is_restored())

    def test_ctrl_c_and_sigterm_restore_the_terminal(self) -> None:
        for end in (lambda seat: seat.type("\x03"), lambda seat: seat.process.terminate()):
            seat = self.sit()
            seat.await_text(r"you have no tunnels")
            end(seat)
            self.assertEqual(seat.await_end(), 130)
            self.assertTrue(seat.seen.endswith(LEAVE))
            self.assertTrue(seat.is_restored())

    def test_ctrl_z_restores_the_terminal_and_fg_redraws(self) -> None:
        # A shell's job, because the terminal does not stop an orphaned process group.
        argv = ["bash", "--norc", "-c", f"set -m; '{PROGRAM}' status --user --watch; echo stopped:$?; fg >/dev/null; "
                                        "echo ended:$?"]
        seat = Seat(argv, {**self.env, "TERM": "xterm"})
        self.addCleanup(seat.close)
        seat.await_text(r"you have no tunnels")
        seat.type("\x1a")
        seat.await_that("the job to be stopped and to go on", lambda: seat.seen.count(ENTER) == 2)
        self.assertIn("stopped:148", seat.seen)
        self.assertIn(LEAVE, seat.seen.partition("stopped:")[0])
        seat.type("q")
        seat.await_that("its end", lambda: "ended:0" in seat.seen)
        self.assertEqual(seat.await_end(), 0)

    def test_output_fits_a_small_terminal(self) -> None:
        self.set_up()
        self.await_up()
        seat = self.sit(self.name, rows=8, columns=30)
        picture = seat.await_text(r"\d+ more lines")
        lines = lines_of(picture)
        self.assertEqual(len(lines), 8)
        for line in lines:
            self.assertLessEqual(len(plain(line)), 30, line)
        seat.resize(50, 100)
        picture = seat.await_text(r"last week.*history")
        self.assertTrue(any(len(plain(line)) > 60 for line in lines_of(picture)))
        seat.type("q")
        self.assertEqual(seat.await_end(), 0)

    def test_a_dumb_terminal_gets_plain_tables(self) -> None:
        seat = self.sit(TERM="dumb")
        seat.await_that("the answer", lambda: "you have no tunnels" in seat.seen)
        self.assertNotIn("\x1b", seat.seen)

    def watching(self, *arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen([PROGRAM, "status", "--user", "--watch", *arguments], env=self.env, text=True,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

        def end() -> None:
            process.kill()
            process.communicate()
        self.addCleanup(end)
        return process

    def test_a_pipe_gets_one_json_line_for_each_change(self) -> None:
        self.set_up()
        before = self.await_up()
        watching = self.watching("--json")
        assert watching.stdout
        first = json.loads(watching.stdout.readline())["tunnels"][0]
        self.assertEqual((first["name"], first["state"]), (self.name, "up"))
        self.kill(before["ssh_pid"])
        while True:  # each of them another one, until it is up again
            now = json.loads(watching.stdout.readline())["tunnels"][0]
            self.assertNotEqual(now, first)
            if now["state"] == "up" and now["ssh_pid"] != before["ssh_pid"]:
                break
        self.assertEqual(now["reconnects"], 1)
        watching.send_signal(signal.SIGINT)
        self.assertEqual(watching.wait(60), 130)

    def test_a_pipe_gets_a_table_only_after_a_change(self) -> None:
        self.set_up()
        self.await_up()
        watching = self.watching()
        assert watching.stdout
        table = [watching.stdout.readline() for _ in range(2)]
        self.assertRegex(table[1], rf"^{self.name} +up ")
        self.assertEqual(self.run_holdfast("stop", "--user", self.name).returncode, 0)
        told = ""
        while "stopped" not in told:
            told += watching.stdout.readline()
        self.assertNotIn("\x1b", told)
        # SINCE always differs; that is no change.
        ready, _, _ = select.select([watching.stdout], [], [], 3.5)
        if ready:  # the backend's own word, which a whole look brings
            told = watching.stdout.readline() + watching.stdout.readline() + watching.stdout.readline()
            ready, _, _ = select.select([watching.stdout], [], [], 3.5)
        self.assertFalse(ready)

    def test_ends_when_the_reader_closes(self) -> None:
        watching = self.watching()
        assert watching.stdout
        watching.stdout.readline()
        watching.stdout.close()
        until("it to end", lambda: watching.poll() is not None)
        self.assertEqual(watching.returncode, 0)

    def test_uses_little_cpu(self) -> None:
        self.set_up()
        self.await_up()
        record = self.root / "asked"
        programs = self.root / "bin"
        programs.mkdir()
        for name in ("systemctl", "loginctl", "busctl", "ssh", "crontab"):
            program = programs / name
            program.write_text(f"#!/bin/sh\necho {name} >>{record}\nexit 1\n")
            program.chmod(0o755)
        self.env["PATH"] = f"{programs}:{self.env['PATH']}"
        seat = self.sit(self.name)
        seat.await_text(r"1 up")
        asked = record.read_text() if record.exists() else ""
        seen = seat.seen.count("\x1b[H")
        seat.await_that("five looks more", lambda: seat.seen.count("\x1b[H") >= seen + 5)
        self.assertEqual(record.read_text() if record.exists() else "", asked, "a look a second asks nobody")
        with open(f"/proc/{seat.process.pid}/stat") as stat:
            ticks = sum(int(field) for field in stat.read().rpartition(")")[2].split()[11:13])
        self.assertLess(ticks / os.sysconf("SC_CLK_TCK"), 2)


if __name__ == "__main__":
    main()
