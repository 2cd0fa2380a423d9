#!/usr/bin/python3
"""A tunnel with two bastions: failover, failback, and the same host key checks for both."""
from __future__ import annotations

import time
from typing import Any

from lab import Bastion, Holdfast, UserTest, holds, main, until

PORT = 2222
NAME = str(PORT)
FIRST, SECOND = "gate@bastion", "gate@second"
FAILOVER = 25.0  # seconds: reconnects are spread over 10 s, then a login at the next bastion
FAILBACK = 60.0  # a failback delay of 10 s (20 s the second time), a probe each 10 s, a login


class Bastions(UserTest):
    bastions = ("bastion", "second")
    first: Bastion
    second: Bastion

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.first, cls.second = cls.lab.bastions
        cls.holdfast = Holdfast(cls.host)

    def setUp(self) -> None:
        super().setUp()
        self.addCleanup(self.holdfast.run, "remove", NAME, check=False)
        for bastion in self.lab.bastions:
            self.addCleanup(bastion.start_sshd)

    def set_up(self) -> str:
        done = self.holdfast.run("setup", "-p", NAME, "-b", f"{FIRST},{SECOND}", "--run-as", "ann")
        self.edit("probe-interval = 60", "probe-interval = 10")
        return done.stdout + done.stderr

    def edit(self, what: str, into: str) -> None:
        self.host.run(["sed", "-i", f"s/{what}/{into}/", f"/etc/holdfast/tunnels/{NAME}.conf"])
        self.holdfast.run("restart", NAME)
        self.holdfast.await_up(NAME)

    def await_up_at(self, bastion: str, timeout: float) -> dict[str, Any]:
        def asked() -> Any:
            told = self.holdfast.status(NAME)
            if (told["state"], told["verified"], told["bastion"]) != ("up", True, bastion):
                raise AssertionError(told)
            return told
        told: dict[str, Any] = until(f"the tunnel to be up at {bastion}", asked, timeout)
        self.assertEqual(told["bastions"], [FIRST, SECOND])
        return told

    def assert_leads_home_from(self, bastion: Bastion) -> None:
        self.assertEqual(bastion.ssh_through(PORT, "ann", "hostname"), "workstation\n")

    def test_it_fails_over_and_fails_back(self) -> None:
        self.set_up()
        self.await_up_at(FIRST, 20)
        began = time.monotonic()
        self.first.stop_sshd()
        self.await_up_at(SECOND, FAILOVER)
        self.note("first bastion down, up at the second after", time.monotonic() - began)
        self.assert_leads_home_from(self.second)
        began = time.monotonic()
        self.first.start_sshd()
        self.await_up_at(FIRST, FAILBACK)
        self.note("first bastion back, failback after", time.monotonic() - began)
        self.assert_leads_home_from(self.first)
        until("the port of the second to be free", lambda: self.second.who_listens(PORT) is None)
        # A new supervisor that adopts the ssh still knows its bastion.
        self.first.stop_sshd()
        told = self.await_up_at(SECOND, FAILOVER)
        self.host.kill(told["supervisor_pid"])
        until("the next supervisor", lambda: self.holdfast.status(NAME)["supervisor_pid"] not in
              (None, told["supervisor_pid"]), timeout=20)
        again = self.await_up_at(SECOND, 20)
        self.assertEqual(again["ssh_pid"], told["ssh_pid"])
        self.first.start_sshd()
        self.await_up_at(FIRST, FAILBACK)

    def test_failback_frees_the_stale_port_of_a_dropped_path(self) -> None:
        self.set_up()
        self.await_up_at(FIRST, 20)
        holder = self.first.who_listens(PORT)
        began = time.monotonic()
        self.lab.network.blackhole("bastion")
        self.await_up_at(SECOND, 60)
        self.note("path to the first dropped, up at the second after", time.monotonic() - began)
        self.assertEqual(self.first.who_listens(PORT), holder)
        began = time.monotonic()
        self.lab.network.heal()
        self.await_up_at(FIRST, 120)
        self.note("path restored, failback to a stale port after", time.monotonic() - began)
        self.assertNotEqual(self.first.who_listens(PORT), holder)
        self.assert_leads_home_from(self.first)

    def test_it_recovers_when_one_of_two_lost_bastions_returns(self) -> None:
        self.set_up()
        for bastion in self.lab.bastions:
            bastion.stop_sshd()
        until("the tunnel to wait", lambda: self.holdfast.state(NAME) == "waiting", timeout=40)
        self.second.start_sshd()
        self.await_up_at(SECOND, 60)

    def test_a_changed_host_key_at_the_second_bastion_is_refused(self) -> None:
        self.set_up()
        self.second.new_host_key()
        self.addCleanup(self.ann.trust, self.second)
        self.first.stop_sshd()
        until("its host key to be refused", timeout=40, ask=lambda: (
            self.holdfast.status(NAME)["last_error"]["class"] == "host-key-changed"))
        holds("the tunnel to stay down", lambda: self.holdfast.state(NAME) != "up", 15)
        self.assertIsNone(self.second.who_listens(PORT))
        self.first.start_sshd()
        self.await_up_at(FIRST, 60)

    def test_setup_accepts_a_down_bastion_but_not_a_refusing_one(self) -> None:
        self.first.stop_sshd()
        said = self.set_up()
        self.assertIn(f"{FIRST}: bastion reached", said)
        self.assertIn(f"{SECOND}: host key known", said)
        self.await_up_at(SECOND, 20)
        self.first.start_sshd()
        self.await_up_at(FIRST, FAILBACK)
        self.holdfast.run("remove", NAME)
        self.second.run(["mv", "/home/gate/.ssh/authorized_keys", "/home/gate/.ssh/away"])
        self.addCleanup(self.second.run, ["mv", "/home/gate/.ssh/away", "/home/gate/.ssh/authorized_keys"])
        done = self.holdfast.run("setup", "-p", NAME, "-b", FIRST, "-b", SECOND, "--run-as", "ann", check=False)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn(SECOND, done.stderr)


if __name__ == "__main__":
    main()
