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
import time
from typing import Any, Callable, Optional

from case import PROGRAM, TunnelTest, main, until

ENTER, LEAVE = "\x1b[?1049h", "\x1b[?25h\x1b[?1049l"
SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


class Terminal:
    """A pseudo-terminal on which a program runs as a shell's job."""

    def __init__(self, argv: list[str], env: dict[str, str], rows: int = 24, columns: int = 80) -> None:
        self.terminal, inside = pty.openpty()
        self.resize(rows, columns)
        self.before = termios.tcgetattr(inside)
        self.process = subprocess.Popen(argv, env=env, stdin=inside, stdout=inside, stderr=inside,
                                        start_new_session=True,
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        self.inside = inside  # stays open: is_restored() reads the terminal's settings after the program has ended
        self.seen = ""

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, keys: str) -> None:
        os.write(self.terminal, keys.encode())

    def read(self, timeout: float) -> bool:
        ready, _, _ = select.select([self.terminal], [], [], timeout)
        if ready:
            self.seen += os.read(self.terminal, 65536).decode(errors="replace")
        return bool(ready)

    def await_that(self, what: str, ready: Callable[[], Any], timeout: float = 30) -> Any:
        def read_and_check() -> Any:
            self.read(0.05)
            return ready()
        return until(what, read_and_check, timeout)

    def await_text(self, pattern: str) -> str:
        """Waits for the pattern, and returns the screen."""
        def find_screen() -> Optional[str]:
            screens = self.seen.split("\x1b[H")
            return next((screen for screen in reversed(screens[-2:]) if re.search(pattern, plain(screen), re.DOTALL)), None)
        return str(self.await_that(f"{pattern} in {self.seen[-2000:]!r}", find_screen))

    def await_end(self) -> int:
        return int(self.await_that("the program to end", lambda: self.process.poll() is not None) and self.process.returncode)

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
    return re.split(r"\x1b\[K\r+\n", picture)  # the terminal driver turns \n into \r\n


class Watch(TunnelTest):
    def watch(self, *arguments: str, rows: int = 24, columns: int = 80, **env: str) -> Terminal:
        terminal = Terminal([PROGRAM, "status", "--user", "--watch", *arguments],
                            {**self.env, "TERM": "xterm", **env}, rows, columns)
        self.addCleanup(terminal.close)
        return terminal

    def test_updates_in_place_and_q_restores_the_terminal(self) -> None:
        self.set_up()
        ssh = self.await_up()["ssh_pid"]
        terminal = self.watch()
        terminal.await_text(rf"1 tunnel: 1 up.*{self.name} +up ")
        self.assertIn(ENTER, terminal.seen)
        self.assertEqual(terminal.seen.count("\x1b[2J"), 1, "cleared once: it does not flicker")
        self.assertEqual(self.run_holdfast("stop", "--user", self.name).returncode, 0)
        terminal.await_text(r"1 stopped")
        self.assertEqual(self.run_holdfast("start", "--user", self.name).returncode, 0)
        terminal.await_text(r"1 up")
        self.assertNotEqual(self.await_up()["ssh_pid"], ssh)
        terminal.type("x")  # a key without a meaning
        terminal.type("q")
        self.assertEqual(terminal.await_end(), 0)
        self.assertTrue(terminal.seen.endswith(LEAVE), terminal.seen[-200:])
        self.assertTrue(terminal.is_restored())

    def test_ctrl_c_and_sigterm_restore_the_terminal(self) -> None:
        for end in (lambda terminal: terminal.type("\x03"), lambda terminal: terminal.process.terminate()):
            terminal = self.watch()
            terminal.await_text(r"you have no tunnels")
            end(terminal)
            self.assertEqual(terminal.await_end(), 130)
            self.assertTrue(terminal.seen.endswith(LEAVE))
            self.assertTrue(terminal.is_restored())

    def test_ctrl_z_restores_the_terminal_and_fg_redraws(self) -> None:
        # A shell's job, because the terminal does not stop an orphaned process group.
        argv = ["bash", "--norc", "-c", f"set -m; '{PROGRAM}' status --user --watch; echo stopped:$?; fg >/dev/null; "
                                        "echo ended:$?"]
        terminal = Terminal(argv, {**self.env, "TERM": "xterm"})
        self.addCleanup(terminal.close)
        terminal.await_text(r"you have no tunnels")
        terminal.type("\x1a")
        terminal.await_that("the job to stop and continue", lambda: terminal.seen.count(ENTER) == 2)
        self.assertIn("stopped:148", terminal.seen)
        self.assertIn(LEAVE, terminal.seen.partition("stopped:")[0])
        terminal.type("q")
        terminal.await_that("the job to end", lambda: "ended:0" in terminal.seen)
        self.assertEqual(terminal.await_end(), 0)

    def test_output_fits_a_small_terminal(self) -> None:
        self.set_up()
        self.await_up()
        terminal = self.watch(self.name, rows=8, columns=30)
        picture = terminal.await_text(r"\d+ more lines")
        lines = lines_of(picture)
        self.assertEqual(len(lines), 8)
        for line in lines:
            self.assertLessEqual(len(plain(line)), 30, line)
        terminal.resize(50, 100)
        picture = terminal.await_text(r"last week.*history")
        self.assertTrue(any(len(plain(line)) > 60 for line in lines_of(picture)))
        terminal.type("q")
        self.assertEqual(terminal.await_end(), 0)

    def test_a_dumb_terminal_gets_plain_tables(self) -> None:
        terminal = self.watch(TERM="dumb")
        terminal.await_that("the answer", lambda: "you have no tunnels" in terminal.seen)
        self.assertNotIn("\x1b", terminal.seen)

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
        while True:  # every printed status differs from the first one
            now = json.loads(watching.stdout.readline())["tunnels"][0]
            self.assertNotEqual(now, first)
            if now["state"] == "up" and now["ssh_pid"] != before["ssh_pid"]:
                break
        self.assertEqual(now["reconnects"], 1)
        watching.send_signal(signal.SIGINT)
        self.assertEqual(watching.wait(60), 130)

    def test_a_tunnel_with_a_broken_file_is_watched_too(self) -> None:
        self.set_up()
        before = self.await_up()
        file = self.home / f".config/holdfast/tunnels/{self.name}.conf"
        text = file.read_text()
        self.addCleanup(file.write_text, text)
        file.write_text("nonsense\n" + text)
        watching = self.watching("--json")
        assert watching.stdout
        self.assertEqual(json.loads(watching.stdout.readline())["tunnels"][0]["state"], "up")
        for process in ("supervisor_pid", "ssh_pid"):
            self.kill(before[process])
        begin = time.monotonic()
        while json.loads(watching.stdout.readline())["tunnels"][0]["state"] == "up":
            pass
        self.assertLess(time.monotonic() - begin, 8)  # everything is read again after 15 s
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
        if ready:  # a full read may add the backend's state
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
        record = self.root / "called"
        programs = self.root / "bin"
        programs.mkdir()
        for name in ("systemctl", "loginctl", "busctl", "ssh", "crontab"):
            program = programs / name
            program.write_text(f"#!/bin/sh\necho {name} >>{record}\nexit 1\n")
            program.chmod(0o755)
        self.env["PATH"] = f"{programs}:{self.env['PATH']}"
        terminal = self.watch(self.name)
        terminal.await_text(r"1 up")
        calls = record.read_text() if record.exists() else ""
        seen = terminal.seen.count("\x1b[H")
        terminal.await_that("five more refreshes", lambda: terminal.seen.count("\x1b[H") >= seen + 5)
        self.assertEqual(record.read_text() if record.exists() else "", calls, "a refresh runs no program")
        with open(f"/proc/{terminal.process.pid}/stat") as stat:
            ticks = sum(int(field) for field in stat.read().rpartition(")")[2].split()[11:13])
        self.assertLess(ticks / os.sysconf("SC_CLK_TCK"), 2)


if __name__ == "__main__":
    main()
