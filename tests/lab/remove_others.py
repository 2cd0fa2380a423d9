#!/usr/bin/python3
"""`remove` under cron, tmux, screen and nohup, in every state of a tunnel."""
from __future__ import annotations

import signal

from lab import BackendTest, main, until
from remove import NAME, RemoveTest


class RemoveOther(BackendTest, RemoveTest):
    def setUp(self) -> None:
        super().setUp()
        self.status = self.setup("--backend", self.BACKEND)
        self.assertEqual(self.status["backend"]["name"], self.BACKEND)

    def test_a_tunnel_that_is_up_is_removed(self) -> None:
        self.remove()
        self.assert_as_before()

    def test_a_stopped_tunnel_is_removed(self) -> None:
        self.holdfast.run("stop", NAME, session=self.session)
        self.remove()
        self.assert_as_before()

    def test_a_tunnel_waiting_for_its_bastion_is_removed(self) -> None:
        self.bastion.stop_sshd()
        self.addCleanup(self.bastion.start_sshd)
        until("status to report the loss", lambda: self.holdfast.state(NAME) != "up")
        self.remove()
        self.assert_as_before()

    def test_an_ssh_without_its_supervisor_is_removed(self) -> None:
        self.host.kill(self.status["supervisor_pid"])
        self.remove()
        self.assert_as_before()

    def test_a_tunnel_without_processes_is_removed(self) -> None:
        for which in ("supervisor_pid", "ssh_pid"):
            self.host.kill(self.status[which])
        self.remove()
        self.assert_as_before()

    def test_a_frozen_supervisor_is_removed(self) -> None:
        self.host.kill(self.status["supervisor_pid"], signal.SIGSTOP)
        self.remove()
        self.assert_as_before()

    def test_it_is_removed_after_a_reboot(self) -> None:
        self.session.logout()
        self.host.reboot()
        self.session = self.host.login(self.ann)
        self.addCleanup(self.session.logout)
        self.remove()
        self.assert_as_before()

    def test_setup_with_another_backend_removes_the_old_one(self) -> None:
        self.setup("--backend", "nohup" if self.BACKEND != "nohup" else "tmux")
        self.remove()
        self.assert_as_before()


class Cron(RemoveOther):
    BACKEND = "cron"


class Tmux(RemoveOther):
    BACKEND = "tmux"


class Screen(RemoveOther):
    BACKEND = "screen"


class Nohup(RemoveOther):
    BACKEND = "nohup"


if __name__ == "__main__":
    main()
