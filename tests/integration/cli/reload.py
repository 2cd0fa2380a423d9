#!/usr/bin/env python3
"""A tunnel file is edited at a bad moment: the supervisor applies it and continues."""
from __future__ import annotations

import signal
import socket
from typing import Optional

from case import TunnelTest, free_port, is_alive, main, until


class Reload(TunnelTest):
    def begin(self, *more: str, bastions: Optional[str] = None) -> None:
        words = self.arguments(*more)
        words[words.index("-b") + 1] = bastions or self.here()
        done = self.run_holdfast(*words)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.was = self.await_up()
        self.file = self.home / ".config/holdfast/tunnels" / f"{self.name}.conf"

    def edit(self, old: str, new: str) -> None:
        text = self.file.read_text()
        self.assertIn(old, text)
        self.file.write_text(text.replace(old, new))

    def hang_up(self) -> None:
        self.kill(self.was["supervisor_pid"], signal.SIGHUP)

    def here(self) -> str:
        return f"{self.user()}@127.0.0.1:{self.bastion.port}"

    def nowhere(self) -> str:
        return f"{self.user()}@127.0.0.1:{free_port()}"

    def await_bastions(self, *wanted: str) -> None:
        until(f"the bastions {wanted}", lambda: self.status()["bastions"] == list(wanted))
        self.assertEqual(self.await_up()["supervisor_pid"], self.was["supervisor_pid"])

    def test_an_edit_adds_a_bastion(self) -> None:
        self.begin()
        more = self.nowhere()
        self.edit(f"bastion = {self.here()}", f"bastion = {self.here()}, {more}")
        self.hang_up()
        self.await_bastions(self.here(), more)

    def test_stops_while_a_bastion_is_being_added(self) -> None:
        self.begin()
        self.kill(self.was["ssh_pid"], signal.SIGSTOP)  # a stopped ssh does not end on SIGTERM
        self.edit(f"bastion = {self.here()}", f"bastion = {self.here()}, {self.nowhere()}")
        self.hang_up()
        until("the supervisor to end ssh", lambda: self.status()["state"] == "connecting")
        self.kill(self.was["supervisor_pid"], signal.SIGTERM)
        until("it to end", lambda: not is_alive(self.was["supervisor_pid"]))
        self.assertFalse(is_alive(self.was["ssh_pid"]))

    def test_another_host_removes_the_bastion_of_a_failback(self) -> None:
        """host = any: the supervisor reads the file before each ssh, without a signal."""
        down = self.nowhere()
        self.begin("--host", "any", bastions=f"{down},{self.here()}")
        self.edit(f"bastion = {down}, {self.here()}", f"bastion = {self.here()}")
        self.kill(self.status()["ssh_pid"])
        self.await_bastions(self.here())

    def test_a_target_changes_while_ssh_connects(self) -> None:
        """The new target need not send a banner like the old one."""
        quiet = socket.socket()
        self.addCleanup(quiet.close)
        quiet.bind(("127.0.0.1", 0))
        quiet.listen()
        self.begin()
        self.edit(f"{self.port}:127.0.0.1:{self.bastion.port}", f"{self.port}:127.0.0.1:22")
        self.hang_up()
        until("port 22 as the target", lambda: self.status()["forwards"][0]["target"] == "127.0.0.1:22")
        self.bastion.process.send_signal(signal.SIGSTOP)
        try:
            was = self.status()["ssh_pid"]
            self.kill(was)
            until("another ssh", lambda: self.status()["ssh_pid"] not in (None, was))
            elsewhere = f"127.0.0.1:{quiet.getsockname()[1]}"
            self.edit(f"{self.port}:127.0.0.1:22", f"{self.port}:{elsewhere}")
            self.hang_up()
            until("the new target", lambda: self.status()["forwards"][0]["target"] == elsewhere)
        finally:
            self.bastion.process.send_signal(signal.SIGCONT)
        self.assertEqual(self.await_up()["supervisor_pid"], self.was["supervisor_pid"])


if __name__ == "__main__":
    main()
