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
def busy_port() -> Iterator[int]:
    """A port on which this process listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield int(listener.getsockname()[1])


class StallingBastion:
    """Accepts connections, sends an ssh banner, and then stays silent."""

    def __init__(self) -> None:
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen()
        self.port = int(self.listener.getsockname()[1])
        self.clients: list[socket.socket] = []
        threading.Thread(target=self.send_banners, daemon=True).start()

    def send_banners(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            client.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
            self.clients.append(client)

    def close(self) -> None:
        self.listener.close()
        for client in self.clients:
            client.close()


class Failures(TunnelTest):
    def fails(self, *arguments: str, status: int = 1, says: str = "") -> None:
        done = self.run_holdfast(*arguments)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertRegex(self.assert_reads_well(done), says)

    def test_a_port_conflict_names_your_own_tunnel(self) -> None:
        self.set_up()
        other = [f"{self.name}b" if word == self.name else word for word in self.arguments()]
        self.fails(*other, says=f"in use by your own tunnel {self.name}\\b")
        self.await_up()

    def test_a_busy_port_fails_and_changes_nothing(self) -> None:
        with busy_port() as port:
            self.fails(*self.arguments(port=port), says=f"{port}.*(taken|use|busy)")
            self.assert_nothing_changed()
            # Preflight pins the host key. Without it, ssh fails before it can request the port.
            self.fails(*self.arguments("--no-preflight", port=port), says="host key")
        self.assert_nothing_changed()

    def test_a_closed_target_fails_and_changes_nothing(self) -> None:
        self.fails(*self.arguments(target=free_port()), says="127.0.0.1:")
        self.assert_nothing_changed()

    def test_an_unknown_host_key_fails_and_changes_nothing(self) -> None:
        arguments = [word for word in self.arguments() if word != "--accept-new-host-key"]
        self.fails(*arguments, says="host key")
        self.assert_nothing_changed()

    def test_a_refused_connection_fails_and_changes_nothing(self) -> None:
        self.fails("setup", "--user", "-n", self.name, "-p", str(self.port), "-b", f"gate@127.0.0.1:{free_port()}",
                   says="refuse")
        self.assert_nothing_changed()

    def test_a_failed_update_restores_the_previous_tunnel(self) -> None:
        self.set_up()
        files, before = self.configuration(), self.status()
        with busy_port() as port:
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

    def test_a_second_setup_of_the_same_name_is_refused(self) -> None:
        bastion = StallingBastion()
        self.addCleanup(bastion.close)
        first = subprocess.Popen([PROGRAM, "setup", "--user", "-n", self.name, "-p", str(self.port), "-b",
                                  f"gate@127.0.0.1:{bastion.port}", "-s", str(self.bastion.directory / "key")],
                                 env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)
        until("the first setup to connect", lambda: bastion.clients)
        for arguments in (self.arguments(), ["remove", "--user", self.name]):
            done = self.run_holdfast(*arguments)
            self.assertEqual(done.returncode, 1 if arguments[0] == "setup" else 4, done.stderr)
        self.assertIn("another command is changing it", self.run_holdfast(*self.arguments()).stderr)
        first.send_signal(signal.SIGTERM)
        self.assertEqual(first.wait(60), 130)
        self.assert_nothing_changed()
        self.set_up()

    def test_ctrl_c_during_preflight_undoes_everything(self) -> None:
        bastion = StallingBastion()
        self.addCleanup(bastion.close)
        pid, terminal = pty.fork()
        if pid == 0:
            os.execve(PROGRAM, ["holdfast", "setup", "--user", "-n", self.name, "-p", str(self.port), "-b",
                                f"gate@127.0.0.1:{bastion.port}", "-s", str(self.bastion.directory / "key")], self.env)
        until("setup to connect", lambda: bastion.clients)
        os.write(terminal, b"\x03")
        output = b""
        try:
            while chunk := os.read(terminal, 4096):
                output += chunk
        except OSError:
            pass
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 130, output)
        self.assertIn("✓ ssh found", output.decode(), "a terminal shows a tick for each check")
        self.assert_nothing_changed()

    def test_ctrl_c_while_waiting_for_the_tunnel_undoes_everything(self) -> None:
        bastion = StallingBastion()
        self.addCleanup(bastion.close)
        waiting = subprocess.Popen([PROGRAM, "setup", "--user", "-n", self.name, "-p", str(self.port), "-b",
                                    f"gate@127.0.0.1:{bastion.port}", "-s", str(self.bastion.directory / "key"),
                                    "--no-preflight"], env=self.env, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        supervisor = until("the supervisor to run", self.supervisor_pid_or_0)
        waiting.send_signal(signal.SIGINT)
        self.assertEqual(waiting.wait(60), 130)
        self.assertFalse(is_alive(supervisor))
        self.assert_nothing_changed()

    def supervisor_pid_or_0(self) -> int:
        done = self.run_holdfast("status", "--user", self.name, "--json")
        return int(self.status()["supervisor_pid"] or 0) if done.returncode == 3 else 0

    @unittest.skipIf(os.getuid() == 0, "root may write everywhere")
    def test_a_read_only_home_fails_and_changes_nothing(self) -> None:
        self.home.chmod(0o500)
        self.addCleanup(self.home.chmod, 0o700)
        self.fails(*self.arguments(), says="permission denied")
        self.assert_nothing_changed()

    def test_a_file_in_place_of_the_config_directory_is_reported(self) -> None:
        (self.home / ".config").write_text("not a directory\n")
        self.before = self.everything()
        self.fails(*self.arguments(), says=r"\.config")
        self.assert_nothing_changed()


if __name__ == "__main__":
    main()
