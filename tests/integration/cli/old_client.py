#!/usr/bin/env python3
"""Debian 11's ssh (OpenSSH 8.4) as the client: probes of five ports, one after the other, leave it running. Its master exits
when the control connection of a probe closes before the probe's data end does. Needs root and debootstrap."""
from __future__ import annotations

import os
import pathlib
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from typing import Optional

from case import TunnelTest, free_port, main, skip, until

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "packages"))
from releases import mirror  # noqa: E402

PORTS = 5
ROUNDS = 300
# exec keeps the pid: the process that holdfast starts becomes the old ssh.
WRAPPER = """#!/bin/sh
exec unshare --mount /bin/sh -c 'root=$1; shift
mount --rbind /tmp "$root/tmp" && mount --rbind /dev "$root/dev" && exec chroot "$root" /usr/bin/ssh "$@"' sh {root} "$@"
"""


class Target:
    """Sends an ssh banner, and counts connections."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.socket.getsockname()[1]
        self.connections = 0
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        try:
            while True:
                with self.socket.accept()[0] as one:
                    one.sendall(b"SSH-2.0-target\r\n")
                    one.recv(1)
                self.connections += 1
        except OSError:
            return

    def close(self) -> None:
        self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.socket.close()


class OldClient(TunnelTest):
    scratch: tempfile.TemporaryDirectory[str]
    system: pathlib.Path

    @classmethod
    def setUpClass(cls) -> None:
        given = os.environ.get("HOLDFAST_TEST_BULLSEYE")
        cls.scratch = tempfile.TemporaryDirectory(prefix="hf-old-client-", dir="/var/tmp")
        cls.addClassCleanup(cls.scratch.cleanup)
        cls.system = pathlib.Path(given or cls.scratch.name + "/bullseye")
        if not given:
            subprocess.run(["debootstrap", "--variant=minbase", "--include=openssh-client", "bullseye", cls.system,
                            mirror()], check=True, stdout=subprocess.DEVNULL)

    def setUp(self) -> None:
        super().setUp()
        programs = self.root / "bin"
        programs.mkdir()
        (programs / "ssh").write_text(WRAPPER.format(root=shlex.quote(str(self.system))))
        (programs / "ssh").chmod(0o755)
        self.env["PATH"] = f"{programs}:{self.env['PATH']}"
        self.target = Target()
        self.addCleanup(self.target.close)

    def probe_until(self, connections: int, supervisor: int) -> None:
        def reached() -> Optional[bool]:
            self.kill(supervisor, signal.SIGUSR1)  # a probe that is under way is not begun again
            return self.target.connections >= connections
        until(f"{connections} probes", reached, timeout=600)

    def test_300_probes_of_five_ports_leave_ssh_running(self) -> None:
        more = [word for _ in range(PORTS - 1) for word in ("-p", f"{free_port()}:127.0.0.1:{self.target.port}")]
        done = self.run_holdfast(*self.arguments(*more, target=self.target.port))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("OpenSSH 8.4", done.stdout + done.stderr)
        before = self.await_up()
        self.probe_until(self.target.connections + PORTS * ROUNDS, before["supervisor_pid"])
        after = self.status()
        print(f"{self.target.connections} probes, {after['reconnects']} reconnects")
        self.assertEqual(after["reconnects"], before["reconnects"], after["last_error"])
        self.assertEqual(after["ssh_pid"], before["ssh_pid"])


if __name__ == "__main__":
    if shutil.which("debootstrap") is None:
        skip("debootstrap is not installed")
    main(needs_namespace=True)
