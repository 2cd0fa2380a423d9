#!/usr/bin/python3
"""`remove` of a tunnel that cron, tmux, screen or nohup holds, in every state that it can be in."""
from __future__ import annotations

import signal
import unittest

from lab import main, until
from remove import NAME, Removing


class Held(Removing):
    BACKEND = ""

    @classmethod
    def setUpClass(cls) -> None:
        if not cls.BACKEND:
            raise unittest.SkipTest("the classes below are the tests")
        if hasattr(Held, "ann"):
            cls.lab = Held.lab
            return
        super().setUpClass()
        Held.ann, Held.holdfast, Held.lab = cls.ann, cls.holdfast, cls.lab

    def setUp(self) -> None:
        super().setUp()
        self.status = self.setup("--backend", self.BACKEND)
        self.assertEqual(self.status["backend"]["name"], self.BACKEND)

    def test_up(self) -> None:
        self.remove()
        self.assert_as_before()

    def test_stopped(self) -> None:
        self.holdfast.run("stop", NAME, session=self.session)
        self.remove()
        self.assert_as_before()

    def test_waiting_for_a_bastion_that_is_away(self) -> None:
        self.lab.bastion.stop_sshd()
        self.addCleanup(self.lab.bastion.start_sshd)
        until("the loss to be told", lambda: self.holdfast.state(NAME) != "up")
        self.remove()
        self.assert_as_before()

    def test_supervisor_gone_and_ssh_left(self) -> None:
        self.host.kill(self.status["supervisor_pid"])
        self.remove()
        self.assert_as_before()

    def test_both_gone(self) -> None:
        for which in ("supervisor_pid", "ssh_pid"):
            self.host.kill(self.status[which])
        self.remove()
        self.assert_as_before()

    def test_supervisor_that_stands_still(self) -> None:
        self.host.kill(self.status["supervisor_pid"], signal.SIGSTOP)
        self.remove()
        self.assert_as_before()

    def test_after_a_reboot(self) -> None:
        self.session.logout()
        self.host.reboot()
        self.session = self.host.login(self.ann)
        self.addCleanup(self.session.logout)
        self.remove()
        self.assert_as_before()

    def test_for_another_that_takes_its_place(self) -> None:
        """Another backend at the next setup: nothing of the one before stays."""
        self.setup("--backend", "nohup" if self.BACKEND != "nohup" else "tmux")
        self.remove()
        self.assert_as_before()


class Cron(Held):
    BACKEND = "cron"


class Tmux(Held):
    BACKEND = "tmux"


class Screen(Held):
    BACKEND = "screen"


class Nohup(Held):
    BACKEND = "nohup"


if __name__ == "__main__":
    main()
