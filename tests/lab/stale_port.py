#!/usr/bin/python3
"""The bastion keeps the port for an old session of this tunnel, which died without a word."""
from __future__ import annotations

import signal
import time
from typing import Any

from lab import Holdfast, UserTest, main, until

PORT = 2222
NAME = str(PORT)
SOON = 30.0  # seconds for a login, a knock and its second SYN on a busy machine


class StalePort(UserTest):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.holdfast = Holdfast(cls.host)
        cls.holdfast.run("setup", "-p", NAME, "-b", "gate@bastion", "--run-as", "ann")

    def setUp(self) -> None:
        super().setUp()
        self.network = self.lab.network
        self.before = self.holdfast.await_up(NAME, timeout=60)

    def cut(self) -> int:
        """Drops every packet of the workstation. Returns the pid that listens on the bastion."""
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
        """Ends this ssh and gives the workstation another address; the old one no longer answers."""
        place = self.network.place("workstation")
        old = place.address
        self.network.blackhole("workstation")
        self.host.kill(ssh)
        self.network.readdress("workstation", old[:-1] + "77")
        self.addCleanup(self.network.readdress, "workstation", old)
        self.network.heal()

    # -- freed by a knock ------------------------------

    def test_the_port_of_a_killed_ssh_is_freed(self) -> None:
        holder = self.cut()
        self.host.kill(self.before["ssh_pid"])
        until("the loss to be noticed", lambda: self.holdfast.state(NAME) != "up")
        self.assertEqual(self.bastion.who_listens(PORT), holder)
        began = time.monotonic()
        self.network.heal()
        self.assert_freed(holder, began, "ssh killed on a dead path")

    def test_the_port_of_a_killed_supervisor_is_freed(self) -> None:
        holder = self.cut()
        for pid in (self.before["supervisor_pid"], self.before["ssh_pid"]):
            self.host.kill(pid)
        until("a new supervisor", lambda: self.holdfast.status(NAME)["supervisor_pid"] not in
              (None, self.before["supervisor_pid"]), timeout=30)
        began = time.monotonic()
        self.network.heal()
        self.assert_freed(holder, began, "supervisor and ssh killed on a dead path")

    def test_the_port_is_freed_after_a_power_cut(self) -> None:
        """After the boot only files know of the session."""
        holder = self.cut()
        self.host.power_cut(boot=False)
        self.network.heal()
        self.assertEqual(self.bastion.who_listens(PORT), holder)
        self.host.boot()
        self.assert_freed(holder, time.monotonic(), "power cut, after the boot")

    def test_the_port_is_freed_after_a_suspend(self) -> None:
        """SIGSTOP stands for suspend. ssh ends meanwhile, as after a resume without the old address."""
        pids = [self.before["supervisor_pid"], self.before["ssh_pid"]]
        holder = self.cut()
        for pid in pids:
            self.host.kill(pid, signal.SIGSTOP)
        self.host.kill(self.before["ssh_pid"])
        self.network.heal()
        began = time.monotonic()
        self.host.kill(pids[0], signal.SIGCONT)
        self.assert_freed(holder, began, "frozen, then thawed without its ssh")

    # -- the message where a knock cannot work ----------------------------------------------------------

    def await_message(self, *words: str, timeout: float = 60, name: str = NAME) -> dict[str, Any]:
        def told() -> dict[str, Any]:
            error = self.holdfast.status(name)["last_error"]
            text = f"{error['message']} {error['hint']}"
            if error["class"] == "forward-busy" and all(word in text for word in words):
                return dict(error)
            raise AssertionError(text)
        return until(f"the message {words}", told, timeout)

    def test_the_message_names_a_changed_address(self) -> None:
        old, holder = self.network.place("workstation").address, self.bastion.who_listens(PORT)
        self.leave(self.before["ssh_pid"])
        self.await_message(old, "cannot be freed from here", "ClientAliveInterval")
        self.assertEqual(self.bastion.who_listens(PORT), holder)
        # With the old address a knock works again.
        self.network.readdress("workstation", old)
        self.assert_freed(holder, time.monotonic(), "address changed, then back", limit=60)

    def behind_a_proxy(self, name: str) -> dict[str, Any]:
        self.holdfast.run("setup", "-p", name, "-b", "gate@bastion", "--run-as", "ann",
                          "--ssh-option", "ProxyCommand=ssh -q -W %h:%p gate@bastion")
        self.addCleanup(self.holdfast.run, "remove", name, check=False)
        return self.holdfast.await_up(name)

    def test_the_message_names_a_proxy(self) -> None:
        """The proxy has the connection to the bastion, so its addresses are unknown and a knock is impossible."""
        before = self.behind_a_proxy("2230")
        holder = self.bastion.who_listens(2230)
        self.leave(before["ssh_pid"])
        self.await_message("2230", "cannot be freed from here through a ProxyJump or ProxyCommand", "ClientAliveInterval",
                         name="2230")
        self.assertEqual(self.bastion.who_listens(2230), holder)

    def test_a_probe_frees_the_port_behind_a_proxy(self) -> None:
        """A connection to the port makes the old session send a packet, and this host answers with a RST."""
        before = self.behind_a_proxy("2231")
        holder = self.bastion.who_listens(2231)
        self.network.blackhole("workstation")
        self.host.kill(before["ssh_pid"])
        self.network.forget("workstation")
        began = time.monotonic()
        self.holdfast.await_up("2231", timeout=SOON)
        self.note("behind a proxy, freed by the probe", time.monotonic() - began)
        self.assertNotEqual(self.bastion.who_listens(2231), holder)

    def test_the_message_names_a_nat_that_lost_its_mapping(self) -> None:
        """The NAT now uses another port: to the bastion a knock is a new connection."""
        self.nat_to("41000-41999")
        self.addCleanup(self.remove_nat)
        self.holdfast.run("restart", NAME)
        before = self.holdfast.await_up(NAME)
        holder = self.cut()
        self.host.kill(before["ssh_pid"])
        self.nat_to("42000-42999", lost="41000-41999")
        self.network.forget("workstation")
        self.await_message("unless a NAT on the way has forgotten", "ClientAliveInterval")
        self.assertEqual(self.bastion.who_listens(PORT), holder)

    def nat_to(self, ports: str, lost: str = "") -> None:
        """A NAT that uses its own address and these ports. It drops packets to the lost mapping silently."""
        road, gate = self.network.road, self.network.place("bastion").address[:-1] + "1"
        rules = ["add table ip lab_nat", "add chain ip lab_nat out { type nat hook postrouting priority 100; }",
                 "add chain ip lab_nat in { type filter hook prerouting priority -300; }",
                 "flush chain ip lab_nat out", "flush chain ip lab_nat in",
                 f"add rule ip lab_nat out ip protocol tcp snat to {gate}:{ports}"]
        if lost:
            rules.append(f"add rule ip lab_nat in ip daddr {gate} tcp dport {lost} drop")
        road.run("nft", "-f", "-", stdin="\n".join(rules) + "\n")

    def remove_nat(self) -> None:
        """Without the NAT, and with a session of tunnel 2222 that does not go through it."""
        self.network.road.run("nft", "delete", "table", "ip", "lab_nat")
        self.network.heal()
        before = self.bastion.who_listens(PORT)
        self.bastion.kill_session_of("gate")
        until("a new session of tunnel 2222", lambda: self.bastion.who_listens(PORT) not in (None, before), timeout=60)

    # -- freed by takeover, a command on the bastion ----------------------------------------------------------------------

    def take_over(self, name: str, *more: str) -> tuple[dict[str, Any], int]:
        """Sets up a tunnel with takeover. Returns its status and the pid that listens on the bastion."""
        self.holdfast.run("setup", "-p", name, "-b", "gate@bastion", "--run-as", "ann", "--takeover", *more)
        self.addCleanup(self.holdfast.run, "remove", name, check=False)
        up = self.holdfast.await_up(name)
        self.await_recorded(name)
        holder = self.bastion.who_listens(int(name))
        assert holder
        return up, holder

    def await_recorded(self, name: str) -> None:
        """Waits until the .session file names the session that listens."""
        file = f"/var/lib/holdfast/{name}/{name}.session"
        until("the session to be recorded", lambda: f" {self.bastion.who_listens(int(name))} " in
              self.host.run(["cat", file], check=False).stdout)

    def other_sessions(self, holder: int) -> set[int]:
        """The processes of the login, of the proxy and of tunnel 2222: two each, once sshd gave up its privileges."""
        found = {pid for one in self.bastion.connections("gate") if holder not in one.pids for pid in one.pids}
        assert len(found) >= 6, found
        return found

    def test_takeover_ends_only_its_own_session(self) -> None:
        before, holder = self.take_over("2240", "--ssh-option", "ProxyCommand=ssh -q -W %h:%p gate@bastion")
        with self.host.login(self.ann) as person:  # another session of the same account
            person.run("ssh -fN -M -S ~/person gate@bastion")
            others = until("the processes of the three other sessions", lambda: self.other_sessions(holder))
            self.leave(before["ssh_pid"])
            began = time.monotonic()
            after = self.holdfast.await_up("2240", timeout=SOON)
            self.note("behind a proxy, from another address, by takeover", time.monotonic() - began)
            self.assertTrue(after["verified"])
            self.assertNotEqual(self.bastion.who_listens(2240), holder)
            alive = {pid for pid, _, args in self.bastion.processes() if args.startswith("sshd: gate")}
            self.assertNotIn(holder, alive)
            self.assertEqual(others - alive, set(), "no other session was ended")
        self.assertEqual(self.holdfast.status("2240")["last_error"]["class"], "forward-busy")

    def test_takeover_works_after_a_power_cut_behind_a_nat(self) -> None:
        """The .session file is enough."""
        self.nat_to("41000-41999")
        self.addCleanup(self.remove_nat)
        self.holdfast.run("restart", NAME)  # from behind the NAT as well
        _, holder = self.take_over("2241")
        self.network.blackhole("workstation")
        self.host.power_cut(boot=False)
        self.nat_to("42000-42999", lost="41000-41999")
        self.network.heal()
        self.assertEqual(self.bastion.who_listens(2241), holder)
        self.host.boot()
        began = time.monotonic()
        self.holdfast.await_up("2241", timeout=60)
        self.note("power cut behind a NAT, by takeover", time.monotonic() - began)
        self.assertNotEqual(self.bastion.who_listens(2241), holder)

    def test_takeover_ends_no_session_of_another_tunnel(self) -> None:
        """Another tunnel of the same account has the port and works."""
        self.take_over("2242")
        self.holdfast.run("stop", "2242")
        with self.host.login(self.ann) as person:
            person.run("ssh -fN -M -S ~/other -o ExitOnForwardFailure=yes -R 127.0.0.1:2242:localhost:22 gate@bastion")
            holder = self.bastion.who_listens(2242)
            self.holdfast.run("start", "2242", check=False)
            self.await_message("2242", "already in use", "an ssh server answers", name="2242")
            self.assertEqual(self.bastion.who_listens(2242), holder)
            # If that tunnel does not answer, it is still not ours: the recorded session is gone.
            others = self.host.pids("/home/ann/other", "ann")
            for pid in others:
                self.host.kill(pid, signal.SIGSTOP)
            self.holdfast.run("restart", "2242", check=False)
            self.await_message("the session that this tunnel last had there is gone", name="2242")
            self.assertEqual(self.bastion.who_listens(2242), holder)
            for pid in others:
                self.host.kill(pid)

    def test_takeover_with_a_restricted_key_says_why_it_fails(self) -> None:
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
        self.await_message("2243", "takeover cannot free it", "ClientAliveInterval", name="2243")
        self.assertEqual(self.bastion.who_listens(2243), holder)

    def test_the_message_names_another_process(self) -> None:
        self.holdfast.run("stop", NAME)
        with self.bastion.holder(PORT, b"SSH-2.0-Else\r\n"):
            self.holdfast.run("start", NAME, check=False)
            self.await_message(NAME, "already in use", "another port")
        self.assert_freed(-1, time.monotonic(), "another process released the port")

    def test_client_alive_interval_frees_the_port(self) -> None:
        self.bastion.configure(ClientAliveInterval=3, ClientAliveCountMax=2)
        self.addCleanup(self.bastion.configure)
        self.holdfast.run("restart", NAME)
        before = self.holdfast.await_up(NAME)
        holder = self.cut()
        self.host.kill(before["ssh_pid"])
        until("the bastion to free the port", lambda: self.bastion.who_listens(PORT) != holder, timeout=40)
        began = time.monotonic()
        self.network.heal()
        self.assert_freed(holder, began, "freed by the bastion itself")


if __name__ == "__main__":
    main()
