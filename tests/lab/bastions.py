#!/usr/bin/python3
"""Several bastions: the next one while one is down, back to the first when it is well, and none is trusted less."""
from __future__ import annotations

import time
from typing import Any

from lab import Bastion, Holdfast, LabTest, User, holds, main, until

PORT = 2222
NAME = str(PORT)
FIRST, SECOND = "gate@bastion", "gate@second"
# Those who lost a bastion together come back to it spread over 10 s; then the login at the next one.
NEXT = 25.0
BACK = 60.0  # a stay of 10 s (20 s the second time), a look at the path each 10 s, a trial, a login


class Bastions(LabTest):
    bastions = ("bastion", "second")
    ann: User
    holdfast: Holdfast
    first: Bastion
    second: Bastion

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.first, cls.second = cls.lab.bastions
        cls.ann = cls.lab.workstation.add_user("ann")
        for bastion in cls.lab.bastions:
            bastion.admit(cls.ann)
        cls.holdfast = Holdfast(cls.lab.workstation)

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
        self.lab.workstation.run(["sed", "-i", f"s/{what}/{into}/", f"/etc/holdfast/tunnels/{NAME}.conf"])
        self.holdfast.run("restart", NAME)
        self.holdfast.await_up(NAME)

    def await_by(self, bastion: str, timeout: float) -> dict[str, Any]:
        def asked() -> Any:
            told = self.holdfast.status(NAME)
            if (told["state"], told["verified"], told["bastion"]) != ("up", True, bastion):
                raise AssertionError(told)
            return told
        told: dict[str, Any] = until(f"the tunnel to be up by {bastion}", asked, timeout)
        self.assertEqual(told["bastions"], [FIRST, SECOND])
        return told

    def assert_leads_here(self, bastion: Bastion) -> None:
        self.assertEqual(bastion.ssh_through(PORT, "ann", "hostname"), "workstation\n")

    def test_the_next_while_the_first_is_down_and_back_when_it_is_well(self) -> None:
        self.set_up()
        self.await_by(FIRST, 20)
        began = time.monotonic()
        self.first.stop_sshd()
        self.await_by(SECOND, NEXT)
        self.note("first bastion down, up by the second after", time.monotonic() - began)
        self.assert_leads_here(self.second)
        began = time.monotonic()
        self.first.start_sshd()
        self.await_by(FIRST, BACK)
        self.note("first bastion well, back at it after", time.monotonic() - began)
        self.assert_leads_here(self.first)
        until("the second's port to be let go", lambda: self.second.who_listens(PORT) is None)
        # An adopted connection knows where it leads.
        self.first.stop_sshd()
        told = self.await_by(SECOND, NEXT)
        self.lab.workstation.kill(told["supervisor_pid"])
        until("another supervisor", lambda: self.holdfast.status(NAME)["supervisor_pid"] not in
              (None, told["supervisor_pid"]), timeout=20)
        again = self.await_by(SECOND, 20)
        self.assertEqual(again["ssh_pid"], told["ssh_pid"])
        self.first.start_sshd()
        self.await_by(FIRST, BACK)

    def test_a_path_that_is_dropped_and_the_stale_port_on_the_way_back(self) -> None:
        self.set_up()
        self.await_by(FIRST, 20)
        holder = self.first.who_listens(PORT)
        began = time.monotonic()
        self.lab.network.blackhole("bastion")
        self.await_by(SECOND, 60)
        self.note("path to the first dropped, up by the second after", time.monotonic() - began)
        self.assertEqual(self.first.who_listens(PORT), holder)
        began = time.monotonic()
        self.lab.network.heal()
        self.await_by(FIRST, 120)
        self.note("path is back, back at the first, whose port was stale, after", time.monotonic() - began)
        self.assertNotEqual(self.first.who_listens(PORT), holder)
        self.assert_leads_here(self.first)

    def test_both_down_and_one_of_them_back(self) -> None:
        self.set_up()
        for bastion in self.lab.bastions:
            bastion.stop_sshd()
        until("it to wait", lambda: self.holdfast.state(NAME) == "waiting", timeout=40)
        self.second.start_sshd()
        self.await_by(SECOND, 60)

    def test_a_key_of_the_second_that_is_not_the_known_one_is_never_taken(self) -> None:
        self.set_up()
        self.second.new_host_key()
        self.addCleanup(self.ann.trust, self.second)
        self.first.stop_sshd()
        until("its key to be refused", timeout=40, ask=lambda: (
            self.holdfast.status(NAME)["last_error"]["class"] == "host-key-changed"))
        holds("nobody to be let in", lambda: self.holdfast.state(NAME) != "up", 15)
        self.assertIsNone(self.second.who_listens(PORT))
        self.first.start_sshd()
        self.await_by(FIRST, 60)

    def test_setup_goes_on_while_one_is_down_and_not_while_one_refuses(self) -> None:
        self.first.stop_sshd()
        said = self.set_up()
        self.assertIn(f"{FIRST}: bastion reached", said)
        self.assertIn(f"{SECOND}: host key known", said)
        self.await_by(SECOND, 20)
        self.first.start_sshd()
        self.await_by(FIRST, BACK)
        self.holdfast.run("remove", NAME)
        self.second.run(["mv", "/home/gate/.ssh/authorized_keys", "/home/gate/.ssh/away"])
        self.addCleanup(self.second.run, ["mv", "/home/gate/.ssh/away", "/home/gate/.ssh/authorized_keys"])
        done = self.holdfast.run("setup", "-p", NAME, "-b", FIRST, "-b", SECOND, "--run-as", "ann", check=False)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn(SECOND, done.stderr)


if __name__ == "__main__":
    main()
