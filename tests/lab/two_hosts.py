#!/usr/bin/python3
"""Two hosts, one home: a tunnel belongs to one of them, or to any, and nothing of the one is taken for the other's."""
from __future__ import annotations

import json
import shlex
import sys
import threading
import time
from typing import Any, Callable

from lab import CommandFailed, Holdfast, Host, LabTest, Snapshot, User, holds, main, until

PORT = 2222
NAME = str(PORT)
WITHIN = 15.0   # seconds, until a standby has the port that was let go
FILE = "/home/ann/.config/holdfast/tunnels/2222.conf"
UNIT = "holdfast-2222.service"


class TwoHosts(LabTest):
    workstations = ("node1", "node2")
    shared_home = True
    node1: Host
    node2: Host
    people: dict[str, User]
    programs: dict[str, Holdfast]
    fresh: dict[str, Snapshot]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        node1, node2 = cls.lab.hosts["node1"], cls.lab.hosts["node2"]
        if not hasattr(TwoHosts, "people"):
            ann = node1.add_user("ann")
            TwoHosts.node1, TwoHosts.node2 = node1, node2
            TwoHosts.people = {"node1": ann, "node2": node2.add_same_user(ann)}
            cls.lab.bastion.admit(ann)
            TwoHosts.programs = {name: Holdfast(cls.lab.hosts[name], user) for name, user in cls.people.items()}
            for name in cls.people:
                with cls.lab.hosts[name].login("ann"):
                    pass
            TwoHosts.fresh = {name: cls.lab.hosts[name].snapshot() for name in cls.people}

    def setUp(self) -> None:
        super().setUp()
        self.addCleanup(self.remove_everywhere)

    def remove_everywhere(self) -> None:
        self.lab.network.mend_all()
        for name, program in self.programs.items():
            if not self.lab.hosts[name].is_on:
                self.lab.hosts[name].boot()
            program.run("remove", NAME, check=False)

    def set_up(self, name: str, *arguments: str, check: bool = True) -> str:
        done = self.programs[name].setup("-p", NAME, "-b", "gate@bastion", *arguments, check=check)
        return done.stdout + done.stderr

    def state(self, name: str) -> str:
        return self.programs[name].state(NAME)

    def status(self, name: str) -> dict[str, Any]:
        return self.programs[name].status(NAME)

    def exit_of(self, name: str, *words: str) -> int:
        return self.programs[name].run(*words, check=False).returncode

    def owner(self) -> str:
        """Where the port on the bastion leads."""
        return self.lab.bastion.ssh_through(PORT, "ann", "hostname").strip()

    def await_state(self, name: str, state: str, timeout: float = 20) -> dict[str, Any]:
        def asked() -> Any:
            told = self.status(name)
            if told["state"] != state:
                raise AssertionError(told)
            return told
        told: dict[str, Any] = until(f"{name} to be {state}", asked, timeout)
        return told

    def refused(self, name: str, *words: str) -> str:
        done = self.programs[name].run(*words, check=False)
        self.assertNotEqual(done.returncode, 0, done.stdout)
        return done.stderr

    def file(self) -> str:
        return self.node1.read_file(FILE)

    def assert_as_fresh(self, name: str) -> None:
        def nothing_left() -> bool:
            changes = self.fresh[name].changes(self.lab.hosts[name].snapshot())
            if changes:
                raise AssertionError("\n".join(changes))
            return True
        until(f"{name} to be as it was", nothing_left, timeout=15)


class OwnHost(TwoHosts):
    """A tunnel of node1's, and what node2 does about it: nothing."""

    def test_the_other_host_tells_whose_it_is_and_refuses_to_touch_it(self) -> None:
        self.set_up("node1")
        before = self.status("node1")
        self.assertEqual((before["state"], before["host"]), ("up", "node1"))
        text = self.file()
        for words in (["start", NAME], ["stop", NAME], ["restart", NAME], ["remove", NAME], ["remove", "-p", NAME],
                      ["run", NAME], ["setup", "-p", NAME, "-b", "gate@bastion"]):
            self.assertIn("belongs to host node1", self.refused("node2", *words), words)
        self.assertEqual(self.exit_of("node2", "remove", "--all"), 0)
        there = self.status("node2")
        self.assertEqual((there["host"], there["state"], there["verified"], there["supervisor_pid"]),
                         ("node1", None, None, None))
        self.assertEqual((self.exit_of("node2", "status"), self.exit_of("node2", "status", NAME)), (0, 3))
        self.assertIn("ask there", self.programs["node2"].run("status", check=False).stdout)
        self.assertEqual(self.file(), text)
        after = self.status("node1")
        self.assertEqual((after["ssh_pid"], after["supervisor_pid"], after["state"]),
                         (before["ssh_pid"], before["supervisor_pid"], "up"))
        self.programs["node1"].run("remove", NAME)
        for name in self.people:
            self.assert_as_fresh(name)

    def test_its_unit_in_the_shared_home_stays_inactive_elsewhere(self) -> None:
        self.set_up("node1", "--backend", "systemd-user")
        self.node2.run(["systemctl", "stop", f"user@{self.people['node2'].uid}.service"])
        self.node2.run(["loginctl", "enable-linger", "ann"])
        self.addCleanup(self.node2.run, ["loginctl", "disable-linger", "ann"])
        with self.node2.login("ann") as session:
            until("the user manager of node2 to be up", lambda: session.run(
                "systemctl --user is-system-running", check=False).stdout.strip() in ("running", "degraded"))
            shown = session.run(f"systemctl --user show {UNIT} -p UnitFileState -p ActiveState -p ConditionResult")
            self.assertEqual(sorted(shown.stdout.split()),
                             ["ActiveState=inactive", "ConditionResult=no", "UnitFileState=enabled"])
            asked = session.run(f"systemctl --user show {UNIT} -p ConditionTimestamp --value").stdout.strip()
            self.assertTrue(asked, "the user manager of node2 has not looked at the unit at all")
            self.programs["node2"].run("ensure", session=session)
            self.programs["node2"].run("ensure", NAME, session=session)
        holds("node2 to leave it alone", lambda: not self.node2.pids("holdfast run") and not self.node2.pids("ssh -N"),
              seconds=3)
        self.assertEqual((self.state("node1"), self.owner()), ("up", "node1"))
        self.programs["node1"].run("remove", NAME)
        self.assertFalse(self.node1.exists(f"/home/ann/.config/systemd/user/{UNIT}"))

    def test_cron_and_the_hook_of_the_other_host_leave_it_alone(self) -> None:
        self.set_up("node1", "--backend", "cron")
        self.assertIn("holdfast 2222", self.node1.run(["crontab", "-u", "ann", "-l"]).stdout)
        self.assertNotEqual(self.node2.run(["crontab", "-u", "ann", "-l"], check=False).returncode, 0)
        before = self.status("node1")["supervisor_pid"]
        said = self.programs["node2"].run("ensure", "-v")
        self.assertIn("belongs to host node1", said.stderr)
        self.assertFalse(self.node2.pids("holdfast run"))
        self.assertEqual(self.status("node1")["supervisor_pid"], before)

    def test_a_renamed_host_is_told_and_one_command_mends_it(self) -> None:
        self.set_up("node1")
        supervisor = self.status("node1")["supervisor_pid"]
        self.node1.run(["hostname", "node9"])
        self.addCleanup(self.node1.run, ["hostname", "node1"])
        self.node1.run(["kill", "-USR1", str(supervisor)])
        self.assertEqual(self.await_state("node1", "up")["supervisor_pid"], supervisor)  # its own, though renamed
        why = self.status("node1")["last_error"]
        self.assertIn("node1's machine id", why["message"])
        self.assertIn("renamed", self.refused("node1", "stop", NAME))
        self.node1.run(["kill", "-TERM", str(supervisor)])  # systemd starts it again, under the new name
        told = self.await_state("node1", "failed")
        self.assertEqual(self.exit_of("node1", "status"), 3)  # dead, and not in silence
        command = told["last_error"]["hint"].partition(": ")[2]
        self.assertEqual(shlex.split(command)[0:2], ["holdfast", "setup"])
        with self.node1.login("ann") as session:
            self.programs["node1"].run(*shlex.split(command)[1:], session=session)
        mended = self.status("node1")
        self.assertEqual((mended["state"], mended["host"], mended["last_error"]), ("up", "node9", None))
        self.programs["node1"].run("remove", NAME)
        self.node1.run(["hostname", "node1"])
        self.assert_as_fresh("node1")

    def test_a_copy_of_the_machine_is_not_taken_for_it(self) -> None:
        self.set_up("node1")
        own = self.node2.read_file("/etc/machine-id")
        self.node2.write_file("/etc/machine-id", self.node1.read_file("/etc/machine-id"))
        self.addCleanup(self.node2.write_file, "/etc/machine-id", own)
        self.assertIn("renamed, or a copy of it", self.refused("node2", "start", NAME))
        self.programs["node2"].run("ensure")
        self.assertFalse(self.node2.pids("holdfast run"))
        self.assertEqual((self.state("node1"), self.owner()), ("up", "node1"))


class AnyHost(TwoHosts):
    """host = any: the bastion's port decides who has the tunnel, and the other one stands by."""

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

    def takes_over(self, name: str, what: str, act: Callable[[], object], limit: float) -> None:
        """`act`, and the seconds from its end until the port leads to `name`."""
        act()
        begin = time.monotonic()
        until(f"{name} to have the tunnel", every=0.1, timeout=limit,  # a dead port would hold a whole login up
              ask=lambda: self.lab.bastion.banner(PORT, timeout=0.5) and self.owner() == name)
        took = time.monotonic() - begin
        self.note(f"{what}: the other host has the tunnel after", took)
        self.assertLess(took, limit)
        told = self.programs[name].await_up(NAME)
        self.assertTrue(told["verified"])

    def cut_power_of_node1(self) -> None:
        """Without a word: processes that are killed would still have their connections closed by the kernel."""
        self.lab.network.unplug("node1")
        self.node1.power_cut(boot=False)

    def bastion_lets_go_of(self, name: str) -> None:
        address, begin = self.lab.hosts[name].address, time.monotonic()
        until(f"the bastion to notice that {name} is gone", timeout=60, ask=lambda: address not in [
            connection.client.address for connection in self.lab.bastion.connections("gate")])
        self.note(f"ClientAliveInterval 5, twice: the bastion lets go of {name} after", time.monotonic() - begin)

    def test_one_has_it_and_the_other_stands_by_without_a_complaint(self) -> None:
        self.set_up_both()
        self.assertIn("nothing changed", self.set_up("node2"))
        self.assertIn("nothing changed", self.set_up("node1"))
        told = self.status("node2")
        self.assertEqual((told["verified"], told["last_error"], told["host"]), (False, None, "any"))
        self.assertTrue(told["ssh_pid"])
        self.assertEqual((self.exit_of("node2", "status"), self.exit_of("node2", "status", NAME)), (0, 3))
        before = self.status("node1")

        def asked() -> int:
            return int(self.lab.bastion.run(
                ["sh", "-c", "journalctl -b -t sshd | grep -c 'cannot listen to port: 2222'"]).stdout)
        first, begin = asked(), time.monotonic()
        holds("node2 to stand by", lambda: self.state("node2") == "standby", seconds=30, every=1)
        per_minute = (asked() - first) * 60 / (time.monotonic() - begin)
        print(f"# a standby asks {per_minute:.1f} times a minute", file=sys.stderr)
        self.assertLess(per_minute, 9)
        after = self.status("node1")
        self.assertEqual((after["ssh_pid"], after["reconnects"]), (before["ssh_pid"], before["reconnects"]))

    def test_the_owner_is_stopped_and_comes_back(self) -> None:
        self.set_up_both()
        self.takes_over("node2", "stop", lambda: self.programs["node1"].run("stop", NAME), WITHIN)
        before = self.status("node2")
        said = self.programs["node1"].run("start", NAME)
        self.assertIn("stands by", said.stdout)
        self.await_state("node1", "standby")
        holds("node2 to keep it", lambda: self.state("node2") == "up", seconds=5)
        self.assertEqual(self.status("node2")["ssh_pid"], before["ssh_pid"])
        # a standby's own ssh ends: it logs in and stands by again
        self.node1.kill(self.status("node1")["ssh_pid"])
        until("another ssh", lambda: self.status("node1")["ssh_pid"])
        self.await_state("node1", "standby")
        self.assertEqual(self.owner(), "node2")

    def test_the_owners_host_is_powered_off_and_comes_back(self) -> None:
        self.set_up_both()
        self.takes_over("node2", "an orderly power off", self.node1.power_off, WITHIN)
        self.node1.boot()
        self.await_state("node1", "standby", timeout=30)
        self.assertEqual((self.state("node2"), self.owner()), ("up", "node2"))

    def test_power_cut_and_cable_out_as_soon_as_the_bastion_lets_go(self) -> None:
        self.lab.bastion.configure(ClientAliveInterval=5, ClientAliveCountMax=2)
        self.addCleanup(self.lab.bastion.configure)
        self.set_up_both()
        self.takes_over("node2", "a power cut, then the bastion letting go",
                        lambda: (self.cut_power_of_node1(), self.bastion_lets_go_of("node1")), WITHIN)
        self.lab.network.plug("node1")
        self.node1.boot()
        self.await_state("node1", "standby", timeout=60)
        self.takes_over("node1", "the cable out, then the bastion letting go",
                        lambda: (self.lab.network.unplug("node2"), self.bastion_lets_go_of("node2")), WITHIN)
        self.lab.network.plug("node2")
        self.await_state("node2", "standby", timeout=90)
        self.assertEqual(self.owner(), "node1")

    def test_a_port_that_is_held_for_a_dead_host_is_told(self) -> None:
        self.set_up_both(probe_interval=10)
        self.cut_power_of_node1()
        told: dict[str, Any] = until("the reason to be told", lambda: self.status("node2")["last_error"] and
                                     self.status("node2"), timeout=60)
        self.assertEqual(told["state"], "standby")
        self.assertIn("a host that does not answer", told["last_error"]["message"])
        self.assertIn("ClientAliveInterval", told["last_error"]["hint"])
        self.assertEqual(self.exit_of("node2", "status"), 3)
        self.lab.network.plug("node1")
        self.node1.boot()  # it frees what its own dead session held, and whoever asks first has it
        until("one of them to have it", lambda: sorted(map(self.state, self.people)) == ["standby", "up"], timeout=60)
        standby = next(name for name in self.people if self.state(name) == "standby")
        until("nothing to complain of", lambda: self.status(standby)["last_error"] is None, timeout=60)
        self.assertNotEqual(self.owner(), standby)

    def test_removed_on_one_host_it_ends_on_the_other_and_can_be_cleared_there(self) -> None:
        self.set_up_both()
        said = self.programs["node1"].run("remove", NAME).stdout
        self.assertIn("host node2 has it too", said)
        self.assertFalse(self.node1.exists(FILE))
        begin = time.monotonic()
        until("node2 to end it", lambda: not self.node2.pids("holdfast run") and not self.node2.pids("ssh -N"), timeout=75)
        self.note("removed on the other host: it ends here after", time.monotonic() - begin)
        told = self.programs["node2"].run("status", check=False)
        self.assertEqual(told.returncode, 3)
        self.assertIn("holdfast remove 2222", told.stdout)
        self.programs["node2"].run("remove", NAME)
        for name in self.people:
            self.assert_as_fresh(name)
        for directory in (".config/holdfast", ".local/state/holdfast", ".config/systemd"):
            self.assertFalse(self.node1.exists(f"/home/ann/{directory}"), directory)

    def test_with_nohup_a_pidfile_and_live_state_of_another_host_are_nobodys(self) -> None:
        self.set_up_both("--backend", "nohup")
        runtime = f"/tmp/holdfast-{self.people['node1'].uid}"
        theirs = {end: self.node1.read_file(f"{runtime}/2222.{end}") for end in ("pid", "live")}
        self.programs["node2"].run("stop", NAME)
        with self.node2.login("ann") as session:
            session.background("sleep 4567")
        stranger, = self.node2.pids("sleep 4567")
        self.addCleanup(self.node2.run, ["pkill", "-x", "sleep"], check=False)
        start = self.node2.run(["sh", "-c", f"cut -d' ' -f22 /proc/{stranger}/stat"]).stdout.strip()
        pid, _, boot, host = theirs["pid"].split()
        live = json.loads(theirs["live"])
        live["supervisor"].update(pid=stranger, start_time=int(start))
        live["ssh"].update(pid=stranger, start_time=int(start))
        for boot_id, name in ((boot, host), (self.node2.boot_id(), host), (boot, "node2")):
            self.node2.write_file(f"{runtime}/2222.pid", f"{stranger} {start} {boot_id} {name}\n", mode="600", user="ann")
            for process in (live["supervisor"], live["ssh"]):
                process.update(boot_id=boot_id, host=name)
            self.node2.write_file(f"{runtime}/2222.live", json.dumps(live), mode="600", user="ann")
            told = self.status("node2")
            self.assertEqual((told["state"], told["supervisor_pid"], told["backend"]["running"]),
                             ("stopped", None, False))
            self.programs["node2"].run("stop", NAME)
            self.assertEqual(self.node2.pids("sleep 4567"), [stranger])
        self.programs["node2"].run("start", NAME)
        self.assertEqual(self.state("node2"), "standby")
        self.assertEqual((self.state("node1"), self.owner()), ("up", "node1"))

    def test_both_at_work_at_once_and_every_file_is_ones_own(self) -> None:
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
        threads = [threading.Thread(target=work, args=(name,)) for name in self.people]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        until("one of them to have it", lambda: sorted(map(self.state, self.people)) == ["standby", "up"])
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
