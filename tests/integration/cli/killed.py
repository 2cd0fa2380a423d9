#!/usr/bin/env python3
"""A setup that is killed half-way, or whose terminal hangs up: it may be a login through the tunnel itself."""
from __future__ import annotations

import pathlib
import signal
import subprocess

from case import PROGRAM, TunnelTest, is_alive, main, until


def has_pending_sigterm(pid: int) -> bool:
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    pending = [int(line.split()[1], 16) for line in lines if line.startswith(("SigPnd:", "ShdPnd:"))]
    return any(mask >> (signal.SIGTERM - 1) & 1 for mask in pending)


def processes_with(argument: str) -> list[str]:
    found = []
    for line in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if argument in line.read_text(errors="replace").split("\0"):
                found.append(line.parent.name)
        except OSError:
            continue
    return found


class Killed(TunnelTest):
    def hung_up(self, *arguments: str) -> None:
        """Runs a command, and sends it SIGHUP while it stops the supervisor."""
        supervisor = self.await_up()["supervisor_pid"]
        self.kill(supervisor, signal.SIGSTOP)  # so that the stop takes some seconds
        command = subprocess.Popen([PROGRAM, *arguments], env=self.env, stdin=subprocess.DEVNULL, cwd=self.root,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        until("the supervisor to be stopped", lambda: has_pending_sigterm(supervisor))
        command.send_signal(signal.SIGHUP)
        printed, _ = command.communicate(timeout=60)
        self.assertEqual(command.returncode, 0, printed)
        self.assertFalse(is_alive(supervisor))

    def test_setup_changes_the_tunnel_of_its_own_login(self) -> None:
        self.set_up()
        self.hung_up(*self.arguments("--ssh-option", "Compression=yes"))
        self.await_up()
        self.assertIn("Compression=yes", (self.home / f".config/holdfast/tunnels/{self.name}.conf").read_text())

    def test_a_check_ends_with_a_setup_that_is_killed(self) -> None:
        setup = subprocess.Popen([PROGRAM, *self.arguments()], env=self.env, cwd=self.root, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        scratch = self.runtime / f".check.{setup.pid}"
        until("the check to be logged in", (scratch / "ctl").is_socket)
        setup.kill()
        setup.wait(60)
        # A SIGTERM that comes just before ssh waits for events is noticed at its next keepalive, after 15 s.
        until("ssh to end", lambda: not processes_with(f"{scratch}/ctl"))
        self.set_up()
        self.assertFalse(scratch.exists())


if __name__ == "__main__":
    main()
