#!/usr/bin/env python3
"""Setups that fail or are interrupted: a clear error, everything undone, the previous tunnel restored."""
import os
import pty
import signal
import socket
import subprocess
import threading
import unittest
from typing import Iterator
from contextlib import contextmanager

from case import PROGRAM, TunnelTest, free_port, is_alive, main, until


@contextmanager
def squatter() -> Iterator[int]:
    """A port that another process holds."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        door.listen()
        yield int(door.getsockname()[1])


class Stall:
    """Sends an ssh banner and nothing more."""

    def __init__(self) -> None:
        self.door = socket.socket()
        self.door.bind(("127.0.0.1", 0))
        self.door.listen()
        self.port = int(self.door.getsockname()[1])
        self.visitors: list[socket.socket] = []
        threading.Thread(target=self.greet, daemon=True).start()

    def greet(self) -> None:
        while True:
            try:
                visitor, _ = self.door.accept()
            except OSError:
                return
            visitor.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
            self.visitors.append(visitor)

    def close(self) -> None:
        self.door.close()
        for visitor in self.visitors:
            visitor.close()


class Failures(TunnelTest):
    def fails(self, *arguments: str, status: int = 1, says: str = "") -> None:
        done = self.run_holdfast(*arguments)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertRegex(self.assert_reads_well(done), says)

    def test_a_port_of_an_own_tunnel_names_that_tunnel(self) -> None:
        self.set_up()
        other = [f"{self.name}b" if word == self.name else word for word in self.arguments()]
        self.fails(*other, says=f"in use by your own tunnel {self.name}\\b")
        self.await_up()

    def test_busy_port(self) -> None:
        with squatter() as port:
            self.fails(*self.arguments(port=port), says=f"{port}.*(taken|use|busy)")
            self.assert_nothing_changed()
            self.fails(*self.arguments("--no-preflight", port=port), says="host key")  # nobody asked about it yet
        self.assert_nothing_changed()

    def test_closed_target(self) -> None:
        self.fails(*self.arguments(target=free_port()), says="127.0.0.1:")
        self.assert_nothing_changed()

    def test_unknown_host_key(self) -> None:
        arguments = [word for word in self.arguments() if word != "--accept-new-host-key"]
        self.fails(*arguments, says="host key")
        self.assert_nothing_changed()

    def test_bastion_that_refuses(self) -> None:
        self.fails("setup", "--user", "-n", self.name, "-p", str(self.port), "-b", f"gate@127.0.0.1:{free_port()}",
                   says="refuse")
        self.assert_nothing_changed()

    def test_a_failed_update_restores_the_previous_tunnel(self) -> None:
        self.set_up()
        files, before = self.configuration(), self.status()
        with squatter() as port:
            # Preflight fails, so the previous tunnel was never stopped.
            self.fails(*self.arguments(port=port), says=str(port))
            self.assertEqual(self.status()["ssh_pid"], before["ssh_pid"])
            # The start fails, and the previous tunnel runs again.
            self.fails(*self.arguments("--no-preflight", port=port), says=str(port))
        self.assertEqual(self.configuration(), files)
        self.await_up()
        self.assertEqual(self.banner(), b"SSH-")

    def configuration(self) -> dict[str, object]:
        return {path: entry for path, entry in self.everything().items() if "/.config/" in path}

    def test_two_setups_of_one_name_at_once(self) -> None:
        stall = Stall()
        self.addCleanup(stall.close)
        first = subprocess.Popen([PROGRAM, "setup", "--user", "-n", self.name, "-p", str(self.port), "-b",
                                  f"gate@127.0.0.1:{stall.port}", "-s", str(self.bastion.directory / "key")],
                                 env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)
        until("the first to be at work", lambda: stall.visitors)
        for arguments in (self.arguments(), ["remove", "--user", self.name]):
            done = self.run_holdfast(*arguments)
            self.assertEqual(done.returncode, 1 if arguments[0] == "setup" else 4, done.stderr)
        self.assertIn("another command is changing it", self.run_holdfast(*self.arguments()).stderr)
        first.send_signal(signal.SIGTERM)
        self.assertEqual(first.wait(60), 130)
        self.assert_nothing_changed()
        self.set_up()

    def test_interrupted_at_a_terminal(self) -> None:
        stall = Stall()
        self.addCleanup(stall.close)
        pid, terminal = pty.fork()
        if pid == 0:
            os.execve(PROGRAM, ["holdfast", "setup", "--user", "-n", self.name, "-p", str(self.port), "-b",
                                f"gate@127.0.0.1:{stall.port}", "-s", str(self.bastion.directory / "key")], self.env)
        until("it to be at work", lambda: stall.visitors)
        os.write(terminal, b"\x03")
        said = b""
        try:
            while chunk := os.read(terminal, 4096):
                said += chunk
        except OSError:
            pass
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 130, said)
        self.assertIn("✓ ssh found", said.decode(), "a tick a line on a terminal")
        self.assert_nothing_changed()

    def test_interrupted_while_it_waits_for_the_tunnel(self) -> None:
        stall = Stall()
        self.addCleanup(stall.close)
        waiting = subprocess.Popen([PROGRAM, "setup", "--user", "-n", self.name, "-p", str(self.port), "-b",
                                    f"gate@127.0.0.1:{stall.port}", "-s", str(self.bastion.directory / "key"),
                                    "--no-preflight"], env=self.env, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        supervisor = until("the supervisor to run", lambda: self.status_or_none())
        waiting.send_signal(signal.SIGINT)
        self.assertEqual(waiting.wait(60), 130)
        self.assertFalse(is_alive(supervisor))
        self.assert_nothing_changed()

    def status_or_none(self) -> int:
        done = self.run_holdfast("status", "--user", self.name, "--json")
        return int(self.status()["supervisor_pid"] or 0) if done.returncode == 3 else 0

    @unittest.skipIf(os.getuid() == 0, "root may write everywhere")
    def test_read_only_home(self) -> None:
        self.home.chmod(0o500)
        self.addCleanup(self.home.chmod, 0o700)
        self.fails(*self.arguments(), says="permission denied")
        self.assert_nothing_changed()

    def test_a_directory_in_place_of_the_file_is_reported(self) -> None:
        (self.home / ".config").write_text("not a directory\n")
        self.before = self.everything()
        self.fails(*self.arguments(), says=r"\.config")
        self.assert_nothing_changed()


if __name__ == "__main__":
    main()
