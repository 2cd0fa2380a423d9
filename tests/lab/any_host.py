#!/usr/bin/python3
"""`host = any` with a shared home: the bastion's port decides which host has the tunnel, and the other stands by."""
from __future__ import annotations

import json
import sys
import time
from typing import Any, Callable

from lab import CommandFailed, holds, in_parallel, main, until
from two_hosts import FILE, NAME, PORT, TwoHostsTest

TAKEOVER = 15.0  # seconds until the standby host has a port that was freed


class AnyHost(TwoHostsTest):
    def set_up_both(self, *arguments: str, probe_interval: int = 60) -> None:
        self.set_up("node1", "--host", "any", *arguments)
        if probe_interval != 60:
            self.node1.write_file(FILE, self.file().replace("probe-interval = 60", f"probe-interval = {probe_interval}"),
                                  mode="600", user="ann")
            self.programs["node1"].run("restart", NAME)
        text = self.file()
        said = self.set_up("node2", *arguments)
        self.assertIn("set up on host node1 already", said)
        self.assertIn("stands by", said)
        self.assertEqual(self.file(), text)
        self.assertEqual((self.state("node1"), self.state("node2")), ("up", "standby"))
        self.assertEqual(self.owner(), "node1")

    def assert_takes_over(self, name: str, what: str, act: Callable[[], object], limit: float) -> None:
        """Runs `act` and measures the seconds from its end until the port leads to `name`."""
        act()
        begin = time.monotonic()
        until(f"{name} to have the tunnel", every=0.1, timeout=limit,  # a login through a dead port would take too long
              ask=lambda: self.bastion.banner(PORT, timeout=0.5) and self.owner() == name)
        took = time.monotonic() - begin
        self.note(f"{what}: the other host has the tunnel after", took)
        self.assertLess(took, limit)
        told = self.programs[name].await_up(NAME)
        self.assertTrue(told["verified"])

    def cut_power_of_node1(self) -> None:
        """With the cable out first: the kernel closes the connections of killed processes."""
        self.lab.network.unplug("node1")
        self.node1.power_cut(boot=False)

    def await_dropped_by_bastion(self, name: str) -> None:
        address, begin = self.lab.hosts[name].address, time.monotonic()
        until(f"the bastion to notice that {name} is gone", timeout=60, ask=lambda: address not in [
            connection.client.address for connection in self.bastion.connections("gate")])
        self.note(f"ClientAliveInterval 5, twice: the bastion drops {name} after", time.monotonic() - begin)

    def test_one_host_has_it_and_the_other_stands_by(self) -> None:
        self.set_up_both()
        self.assertIn("nothing changed", self.set_up("node2"))
        self.assertIn("nothing changed", self.set_up("node1"))
        told = self.status("node2")
        self.assertEqual((told["verified"], told["last_error"], told["host"]), (False, None, "any"))
        self.assertTrue(told["ssh_pid"])
        self.assertEqual((self.exit_of("node2", "status"), self.exit_of("node2", "status", NAME)), (0, 3))
        before = self.status("node1")

        def requests() -> int:
            return int(self.bastion.run(
                ["sh", "-c", "journalctl -b -t sshd | grep -c 'cannot listen to port: 2222'"]).stdout)
        first, begin = requests(), time.monotonic()
        holds("node2 to stand by", lambda: self.state("node2") == "standby", seconds=30, every=1)
        per_minute = (requests() - first) * 60 / (time.monotonic() - begin)
        print(f"# a standby requests the port {per_minute:.1f} times a minute", file=sys.stderr)
        self.assertLess(per_minute, 9)
        after = self.status("node1")
        self.assertEqual((after["ssh_pid"], after["reconnects"]), (before["ssh_pid"], before["reconnects"]))

    def test_a_stopped_owner_returns_as_standby(self) -> None:
        self.set_up_both()
        self.assert_takes_over("node2", "stop", lambda: self.programs["node1"].run("stop", NAME), TAKEOVER)
        before = self.status("node2")
        said = self.programs["node1"].run("start", NAME)
        self.assertIn("stands by", said.stdout)
        self.await_state("node1", "standby")
        holds("node2 to keep it", lambda: self.state("node2") == "up", seconds=5)
        self.assertEqual(self.status("node2")["ssh_pid"], before["ssh_pid"])
        # The standby logs in again after its ssh has ended.
        self.node1.kill(self.status("node1")["ssh_pid"])
        until("a new ssh", lambda: self.status("node1")["ssh_pid"])
        self.await_state("node1", "standby")
        self.assertEqual(self.owner(), "node2")

    def test_the_standby_takes_over_after_a_power_off(self) -> None:
        self.set_up_both()
        self.assert_takes_over("node2", "an orderly power off", self.node1.power_off, TAKEOVER)
        self.node1.boot()
        self.await_state("node1", "standby", timeout=30)
        self.assertEqual((self.state("node2"), self.owner()), ("up", "node2"))

    def test_the_standby_takes_over_when_the_bastion_drops_the_owner(self) -> None:
        self.bastion.configure(ClientAliveInterval=5, ClientAliveCountMax=2)
        self.addCleanup(self.bastion.configure)
        self.set_up_both()
        self.assert_takes_over("node2", "a power cut, then the bastion drops the owner",
                        lambda: (self.cut_power_of_node1(), self.await_dropped_by_bastion("node1")), TAKEOVER)
        self.lab.network.plug("node1")
        self.node1.boot()
        self.await_state("node1", "standby", timeout=60)
        self.assert_takes_over("node1", "the cable out, then the bastion drops the owner",
                        lambda: (self.lab.network.unplug("node2"), self.await_dropped_by_bastion("node2")), TAKEOVER)
        self.lab.network.plug("node2")
        self.await_state("node2", "standby", timeout=90)
        self.assertEqual(self.owner(), "node1")

    def test_status_reports_a_port_kept_for_a_dead_host(self) -> None:
        self.set_up_both(probe_interval=10)
        self.cut_power_of_node1()
        told: dict[str, Any] = until("status to give the reason", lambda: self.status("node2")["last_error"] and
                                     self.status("node2"), timeout=60)
        self.assertEqual(told["state"], "standby")
        self.assertIn("a host that does not answer", told["last_error"]["message"])
        self.assertIn("ClientAliveInterval", told["last_error"]["hint"])
        self.assertEqual(self.exit_of("node2", "status"), 3)
        self.lab.network.plug("node1")
        self.node1.boot()  # it frees the port of its old session; the first request then gets it
        until("one host to be up and the other to stand by", timeout=60,
              ask=lambda: sorted(map(self.state, self.people)) == ["standby", "up"])
        standby = next(name for name in self.people if self.state(name) == "standby")
        until("no error to be left", lambda: self.status(standby)["last_error"] is None, timeout=60)
        self.assertNotEqual(self.owner(), standby)

    def test_removed_on_one_host_it_ends_on_the_other(self) -> None:
        self.set_up_both()
        said = self.programs["node1"].run("remove", NAME).stdout
        self.assertIn("host node2 has it too", said)
        self.assertFalse(self.node1.exists(FILE))
        begin = time.monotonic()
        until("node2 to end it", lambda: not self.node2.pids("holdfast run") and not self.node2.pids("ssh -N"), timeout=75)
        self.note("removed on the other host: ended here after", time.monotonic() - begin)
        told = self.programs["node2"].run("status", check=False)
        self.assertEqual(told.returncode, 3)
        self.assertIn("holdfast remove 2222", told.stdout)
        self.programs["node2"].run("remove", NAME)
        for name in self.people:
            self.assert_unchanged(self.fresh[name], self.lab.hosts[name])
        for directory in (".config/holdfast", ".local/state/holdfast", ".config/systemd"):
            self.assertFalse(self.node1.exists(f"/home/ann/{directory}"), directory)

    def test_files_of_another_host_are_ignored_under_nohup(self) -> None:
        self.set_up_both("--backend", "nohup")
        runtime = f"/tmp/holdfast-{self.people['node1'].uid}"
        files = {end: self.node1.read_file(f"{runtime}/2222.{end}") for end in ("pid", "live")}
        self.programs["node2"].run("stop", NAME)
        with self.node2.login("ann") as session:
            session.background("sleep 4567")
        other, = self.node2.pids("sleep 4567")
        self.addCleanup(self.node2.run, ["pkill", "-x", "sleep"], check=False)
        start = self.node2.run(["sh", "-c", f"cut -d' ' -f22 /proc/{other}/stat"]).stdout.strip()
        pid, _, boot, host = files["pid"].split()
        live = json.loads(files["live"])
        live["supervisor"].update(pid=other, start_time=int(start))
        live["ssh"].update(pid=other, start_time=int(start))
        for name in (host, "node2"):  # the boot tells: a host may get another name
            self.node2.write_file(f"{runtime}/2222.pid", f"{other} {start} {boot} {name}\n", mode="600", user="ann")
            for process in (live["supervisor"], live["ssh"]):
                process.update(boot_id=boot, host=name)
            self.node2.write_file(f"{runtime}/2222.live", json.dumps(live), mode="600", user="ann")
            told = self.status("node2")
            self.assertEqual((told["state"], told["supervisor_pid"], told["backend"]["running"]),
                             ("stopped", None, False))
            self.programs["node2"].run("stop", NAME)
            self.assertEqual(self.node2.pids("sleep 4567"), [other])
        self.programs["node2"].run("start", NAME)
        self.assertEqual(self.state("node2"), "standby")
        self.assertEqual((self.state("node1"), self.owner()), ("up", "node1"))

    def test_two_hosts_at_work_write_files_of_their_own(self) -> None:
        self.set_up_both("--backend", "nohup")
        failures: list[str] = []

        def work(name: str) -> None:
            try:
                for _ in range(3):
                    self.programs[name].run("restart", NAME)
                    self.programs[name].run("ensure")
                    self.programs[name].run("status", check=False)
            except (CommandFailed, TimeoutError) as error:
                failures.append(f"{name}: {error}")
        in_parallel(*(lambda name=name: work(name) for name in self.people))
        self.assertEqual(failures, [])
        until("one host to be up and the other to stand by", lambda: sorted(map(self.state, self.people)) == ["standby", "up"])
        state = "/home/ann/.local/state/holdfast"
        for name, other in (("node1", "node2"), ("node2", "node1")):
            host = self.lab.hosts[name]
            log = host.read_file(f"{state}/{name}/2222.log")
            pids = [line.split("pid ")[1].split(":")[0] for line in log.splitlines() if "holdfast 0" in line]
            self.assertEqual(len(pids), 4, log)
            self.assertEqual(pids[-1], str(self.status(name)["supervisor_pid"]))
            self.assertEqual(len(host.pids("holdfast run")), 1)
            record = json.loads(host.read_file(f"{state}/{name}/installed.json"))
            self.assertEqual(record["tunnels"], [NAME])
            runtime = f"/tmp/holdfast-{self.people[name].uid}"
            live = json.loads(host.read_file(f"{runtime}/2222.live"))
            self.assertEqual(live["supervisor"]["host"], name)
            self.assertEqual(live["supervisor"]["boot_id"], host.boot_id())
            self.assertNotIn(other, host.read_file(f"{runtime}/2222.pid"))


if __name__ == "__main__":
    main()
