#!/usr/bin/python3
"""The commonest pain of all: the bastion's port is still held by our own session, which died without a word."""
from __future__ import annotations

import signal
import time
from typing import Any

from lab import Holdfast, LabTest, User, main, until

PORT = 2222
NAME = str(PORT)
SOON = 30.0  # a login, a knock and its second SYN, on a machine that has other things to do


class StalePort(LabTest):
    ann: User
    holdfast: Holdfast

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        host = cls.lab.workstation
        cls.ann = host.add_user("ann")
        cls.lab.bastion.admit(cls.ann)
        cls.holdfast = Holdfast(host)
        cls.holdfast.run("setup", "-p", NAME, "-b", "gate@bastion", "--run-as", "ann")

    def setUp(self) -> None:
        super().setUp()
        self.bastion, self.network = self.lab.bastion, self.lab.network
        self.before = self.holdfast.await_up(NAME, timeout=60)

    def cut(self) -> int:
        """From here on nothing passes; who listens on the bastion."""
        holder = self.bastion.who_listens(PORT)
        assert holder
        self.network.blackhole("workstation")
        return holder

    def assert_freed(self, holder: int, began: float, what: str, limit: float = SOON) -> None:
        after = self.holdfast.await_up(NAME, timeout=limit + 30)
        took = time.monotonic() - began
        self.note(what, took)
        self.assertLess(took, limit)
        self.assertNotEqual(self.bastion.who_listens(PORT), holder)
        self.assertEqual(self.bastion.ssh_through(PORT, "ann", "hostname"), "workstation\n")
        self.assertTrue(after["verified"])

    def leave(self, ssh: int) -> None:
        """This host goes on from another address, and nobody answers at its old one any more."""
        place = self.network.place("workstation")
        old = place.address
        self.network.blackhole("workstation")
        self.lab.workstation.kill(ssh)
        self.network.readdress("workstation", old[:-1] + "77")
        self.addCleanup(self.network.readdress, "workstation", old)
        self.network.heal()

    # -- every way of dying, and a bastion that never asks after its clients -------------------------------

    def test_ssh_killed_while_nothing_passes(self) -> None:
        holder = self.cut()
        self.lab.workstation.kill(self.before["ssh_pid"])
        until("it to be noticed", lambda: self.holdfast.state(NAME) != "up")
        self.assertEqual(self.bastion.who_listens(PORT), holder)
        began = time.monotonic()
        self.network.heal()
        self.assert_freed(holder, began, "ssh killed on a dead path")

    def test_supervisor_and_ssh_killed_while_nothing_passes(self) -> None:
        holder = self.cut()
        for pid in (self.before["supervisor_pid"], self.before["ssh_pid"]):
            self.lab.workstation.kill(pid)
        until("another supervisor", lambda: self.holdfast.status(NAME)["supervisor_pid"] not in
              (None, self.before["supervisor_pid"]), timeout=30)
        began = time.monotonic()
        self.network.heal()
        self.assert_freed(holder, began, "supervisor and ssh killed on a dead path")

    def test_power_cut_and_reboot(self) -> None:
        """Another boot: only what is kept on the disk tells of the session."""
        holder = self.cut()
        self.lab.workstation.power_cut(boot=False)
        self.network.heal()
        self.assertEqual(self.bastion.who_listens(PORT), holder)
        self.lab.workstation.boot()
        self.assert_freed(holder, time.monotonic(), "power cut, after the boot")

    def test_suspended_while_the_path_was_cut(self) -> None:
        """Frozen stands for suspended; ssh was ended meanwhile, as by a resume that finds the lease gone."""
        pids = [self.before["supervisor_pid"], self.before["ssh_pid"]]
        holder = self.cut()
        for pid in pids:
            self.lab.workstation.kill(pid, signal.SIGSTOP)
        self.lab.workstation.kill(self.before["ssh_pid"])
        self.network.heal()
        began = time.monotonic()
        self.lab.workstation.kill(pids[0], signal.SIGCONT)
        self.assert_freed(holder, began, "frozen, then thawed without its ssh")

    # -- where a knock cannot work, that is said ----------------------------------------------------------

    def await_words(self, *words: str, timeout: float = 60, name: str = NAME) -> dict[str, Any]:
        def told() -> dict[str, Any]:
            error = self.holdfast.status(name)["last_error"]
            text = f"{error['message']} {error['hint']}"
            if error["class"] == "forward-busy" and all(word in text for word in words):
                return dict(error)
            raise AssertionError(text)
        return until(f"it to say {words}", told, timeout)

    def test_another_address(self) -> None:
        old, holder = self.network.place("workstation").address, self.bastion.who_listens(PORT)
        self.leave(self.before["ssh_pid"])
        self.await_words(old, "cannot be freed from here", "ClientAliveInterval")
        self.assertEqual(self.bastion.who_listens(PORT), holder)
        # The old address is back: so is the way to free it.
        self.network.readdress("workstation", old)
        self.assert_freed(holder, time.monotonic(), "address changed, then back", limit=60)

    def behind_a_proxy(self, name: str) -> dict[str, Any]:
        self.holdfast.run("setup", "-p", name, "-b", "gate@bastion", "--run-as", "ann",
                          "--ssh-option", "ProxyCommand=ssh -q -W %h:%p gate@bastion")
        self.addCleanup(self.holdfast.run, "remove", name, check=False)
        return self.holdfast.await_up(name)

    def test_behind_a_proxy_and_from_another_address(self) -> None:
        """The connection to the bastion is the proxy's, and its ends are not known: nowhere to knock from."""
        before = self.behind_a_proxy("2230")
        holder = self.bastion.who_listens(2230)
        self.leave(before["ssh_pid"])
        self.await_words("2230", "cannot be freed from here through a ProxyJump or ProxyCommand", "ClientAliveInterval",
                         name="2230")
        self.assertEqual(self.bastion.who_listens(2230), holder)

    def test_behind_a_proxy_of_a_host_that_lives(self) -> None:
        """Whoever dials the port makes the stale session speak, and this host's kernel knows nothing of it."""
        before = self.behind_a_proxy("2231")
        holder = self.bastion.who_listens(2231)
        self.network.blackhole("workstation")
        self.lab.workstation.kill(before["ssh_pid"])
        self.network.forget("workstation")
        began = time.monotonic()
        self.holdfast.await_up("2231", timeout=SOON)
        self.note("behind a proxy, freed by the look", time.monotonic() - began)
        self.assertNotEqual(self.bastion.who_listens(2231), holder)

    def test_a_nat_that_has_forgotten(self) -> None:
        """What it lets out now comes from another port: the bastion takes a knock for somebody new."""
        self.let_out_by("41000-41999")
        self.addCleanup(self.network.road.run, "nft", "delete", "table", "ip", "lab_nat")
        self.holdfast.run("restart", NAME)
        before = self.holdfast.await_up(NAME)
        holder = self.cut()
        self.lab.workstation.kill(before["ssh_pid"])
        self.let_out_by("42000-42999", forgotten="41000-41999")
        self.network.forget("workstation")
        self.await_words("unless a NAT on the way has forgotten", "ClientAliveInterval")
        self.assertEqual(self.bastion.who_listens(PORT), holder)
        self.bastion.kill_session_of("gate")

    def let_out_by(self, ports: str, forgotten: str = "") -> None:
        """A NAT: connections come from its own address and these ports. What is meant for a mapping that it has
        forgotten it drops, as they do, and tells nobody."""
        road, gate = self.network.road, self.network.place("bastion").address[:-1] + "1"
        rules = ["add table ip lab_nat", "add chain ip lab_nat out { type nat hook postrouting priority 100; }",
                 "add chain ip lab_nat in { type filter hook prerouting priority -300; }",
                 "flush chain ip lab_nat out", "flush chain ip lab_nat in",
                 f"add rule ip lab_nat out ip protocol tcp snat to {gate}:{ports}"]
        if forgotten:
            rules.append(f"add rule ip lab_nat in ip daddr {gate} tcp dport {forgotten} drop")
        road.run("nft", "-f", "-", stdin="\n".join(rules) + "\n")

    # -- by a command on the bastion ----------------------------------------------------------------------

    def take_over(self, name: str, *more: str) -> tuple[dict[str, Any], int]:
        """A tunnel that may do so, up and noted; who holds its port on the bastion."""
        self.holdfast.run("setup", "-p", name, "-b", "gate@bastion", "--run-as", "ann", "--takeover", *more)
        self.addCleanup(self.holdfast.run, "remove", name, check=False)
        up = self.holdfast.await_up(name)
        self.await_noted(name)
        holder = self.bastion.who_listens(int(name))
        assert holder
        return up, holder

    def await_noted(self, name: str) -> None:
        """The session that holds the port is the one that was written down."""
        file = f"/var/lib/holdfast/{name}/{name}.session"
        until("the session to be noted", lambda: f" {self.bastion.who_listens(int(name))} " in
              self.lab.workstation.run(["cat", file], check=False).stdout)

    def test_takeover_where_no_knock_can_work(self) -> None:
        before, holder = self.take_over("2240", "--ssh-option", "ProxyCommand=ssh -q -W %h:%p gate@bastion")
        with self.lab.workstation.login(self.ann) as person:  # the same account, and another tunnel of it
            person.run("ssh -fN -M -S ~/person gate@bastion")
            others = {pid for one in self.bastion.connections("gate") if holder not in one.pids for pid in one.pids}
            self.assertGreaterEqual(len(others), 6)  # the person, the proxy, tunnel 2222: two processes each
            self.leave(before["ssh_pid"])
            began = time.monotonic()
            after = self.holdfast.await_up("2240", timeout=SOON)
            self.note("behind a proxy, from another address, by takeover", time.monotonic() - began)
            self.assertTrue(after["verified"])
            self.assertNotEqual(self.bastion.who_listens(2240), holder)
            alive = {pid for pid, _, args in self.bastion.processes() if args.startswith("sshd: gate")}
            self.assertNotIn(holder, alive)
            self.assertEqual(others - alive, set(), "nobody else's session was ended")
        self.assertEqual(self.holdfast.status("2240")["last_error"]["class"], "forward-busy")

    def test_takeover_after_a_power_cut_at_a_nat_that_forgot(self) -> None:
        """What is on the disk is enough."""
        self.let_out_by("41000-41999")
        self.addCleanup(self.network.road.run, "nft", "delete", "table", "ip", "lab_nat")
        self.holdfast.run("restart", NAME)  # from behind the NAT as well
        _, holder = self.take_over("2241")
        self.network.blackhole("workstation")
        self.lab.workstation.power_cut(boot=False)
        self.let_out_by("42000-42999", forgotten="41000-41999")
        self.network.heal()
        self.assertEqual(self.bastion.who_listens(2241), holder)
        self.lab.workstation.boot()
        began = time.monotonic()
        self.holdfast.await_up("2241", timeout=60)
        self.note("power cut behind a NAT, by takeover", time.monotonic() - began)
        self.assertNotEqual(self.bastion.who_listens(2241), holder)
        self.bastion.kill_session_of("gate")  # tunnel 2222, which may not do so

    def test_takeover_leaves_alone_who_answers(self) -> None:
        """A tunnel of somebody's at the same account took the port meanwhile, and it lives."""
        self.take_over("2242")
        self.holdfast.run("stop", "2242")
        with self.lab.workstation.login(self.ann) as person:
            person.run("ssh -fN -M -S ~/other -o ExitOnForwardFailure=yes -R 127.0.0.1:2242:localhost:22 gate@bastion")
            holder = self.bastion.who_listens(2242)
            self.holdfast.run("start", "2242", check=False)
            self.await_words("2242", "somebody else", "an ssh server answers", name="2242")
            self.assertEqual(self.bastion.who_listens(2242), holder)
            # One that says nothing is not ours either: what is ended is what was noted, and that is gone.
            theirs = self.lab.workstation.pids("/home/ann/other", "ann")
            for pid in theirs:
                self.lab.workstation.kill(pid, signal.SIGSTOP)
            self.holdfast.run("restart", "2242", check=False)
            self.await_words("the session that this tunnel last had there is gone", name="2242")
            self.assertEqual(self.bastion.who_listens(2242), holder)
            for pid in theirs:
                self.lab.workstation.kill(pid)

    def test_takeover_by_a_key_that_may_run_no_command(self) -> None:
        keys = f"{self.bastion.gate.home}/.ssh/authorized_keys"
        kept = self.bastion.run(["cat", keys]).stdout
        self.addCleanup(self.bastion.write_file, keys, kept)
        self.bastion.write_file(keys, "".join(f'restrict,port-forwarding,command="/bin/false" {line}\n'
                                              for line in kept.splitlines() if line.startswith("ssh-")))
        done = self.holdfast.run("setup", "-p", "2243", "-b", "gate@bastion", "--run-as", "ann", "--takeover")
        self.addCleanup(self.holdfast.run, "remove", "2243", check=False)
        self.assertIn("runs no command for this key", done.stdout + done.stderr)
        before = self.holdfast.await_up("2243")
        holder = self.bastion.who_listens(2243)
        self.leave(before["ssh_pid"])
        self.await_words("2243", "takeover cannot free it", "ClientAliveInterval", name="2243")
        self.assertEqual(self.bastion.who_listens(2243), holder)

    def test_somebody_else(self) -> None:
        self.holdfast.run("stop", NAME)
        with self.bastion.holder(PORT, b"SSH-2.0-Else\r\n"):
            self.holdfast.run("start", NAME, check=False)
            self.await_words(NAME, "somebody else", "another port")
        self.assert_freed(-1, time.monotonic(), "somebody else let go")

    def test_a_bastion_that_asks_after_its_clients(self) -> None:
        """With ClientAliveInterval the bastion lets go by itself, whatever became of the address."""
        self.bastion.configure(ClientAliveInterval=3, ClientAliveCountMax=2)
        self.addCleanup(self.bastion.configure)
        self.holdfast.run("restart", NAME)
        before = self.holdfast.await_up(NAME)
        holder = self.cut()
        self.lab.workstation.kill(before["ssh_pid"])
        until("the bastion to let go", lambda: self.bastion.who_listens(PORT) != holder, timeout=40)
        began = time.monotonic()
        self.network.heal()
        self.assert_freed(holder, began, "freed by the bastion itself")


if __name__ == "__main__":
    main()
