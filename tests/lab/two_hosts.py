#!/usr/bin/python3
"""Two hosts with a shared home: a tunnel belongs to one of them, and the other host does not touch it."""
from __future__ import annotations

import shlex
from typing import Any

from lab import Holdfast, Host, LabTest, Snapshot, User, holds, main, until

PORT = 2222
NAME = str(PORT)
FILE = "/home/ann/.config/holdfast/tunnels/2222.conf"
UNIT = "holdfast-2222.service"


class TwoHostsTest(LabTest):
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
        ann = cls.person("ann")
        cls.node1, cls.node2 = node1, node2
        cls.people = {"node1": ann, "node2": node2.add_same_user(ann)}
        cls.programs = {name: Holdfast(cls.lab.hosts[name], user) for name, user in cls.people.items()}
        for name in cls.people:
            with cls.lab.hosts[name].login("ann"):
                pass  # the first login leaves files of its own
        cls.fresh = {name: cls.lab.hosts[name].snapshot() for name in cls.people}

    def setUp(self) -> None:
        super().setUp()
        self.addCleanup(self.remove_everywhere)

    def remove_everywhere(self) -> None:
        self.lab.network.end_all_faults()
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
        """The host that the bastion's port leads to."""
        return self.bastion.ssh_through(PORT, "ann", "hostname").strip()

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


class OneHost(TwoHostsTest):
    """A tunnel of node1."""

    def test_the_other_host_names_the_owner_and_refuses_changes(self) -> None:
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
        self.assertIn("run holdfast status there", self.programs["node2"].run("status", check=False).stdout)
        self.assertEqual(self.file(), text)
        after = self.status("node1")
        self.assertEqual((after["ssh_pid"], after["supervisor_pid"], after["state"]),
                         (before["ssh_pid"], before["supervisor_pid"], "up"))
        self.programs["node1"].run("remove", NAME)
        for name in self.people:
            self.assert_unchanged(self.fresh[name], self.lab.hosts[name])

    def test_its_unit_stays_inactive_on_the_other_host(self) -> None:
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
            self.assertTrue(asked, "the user manager of node2 has not checked the unit's condition")
            self.programs["node2"].run("ensure", session=session)
            self.programs["node2"].run("ensure", NAME, session=session)
        holds("node2 to leave it alone", lambda: not self.node2.pids("holdfast run") and not self.node2.pids("ssh -N"),
              seconds=3)
        self.assertEqual((self.state("node1"), self.owner()), ("up", "node1"))
        self.programs["node1"].run("remove", NAME)
        self.assertFalse(self.node1.exists(f"/home/ann/.config/systemd/user/{UNIT}"))

    def test_ensure_on_the_other_host_does_not_start_it(self) -> None:
        self.set_up("node1", "--backend", "cron")
        self.assertIn("holdfast 2222", self.node1.run(["crontab", "-u", "ann", "-l"]).stdout)
        self.assertNotEqual(self.node2.run(["crontab", "-u", "ann", "-l"], check=False).returncode, 0)
        before = self.status("node1")["supervisor_pid"]
        said = self.programs["node2"].run("ensure", "-v")
        self.assertIn("belongs to host node1", said.stderr)
        self.assertFalse(self.node2.pids("holdfast run"))
        self.assertEqual(self.status("node1")["supervisor_pid"], before)

    def test_a_renamed_host_gets_one_command_that_fixes_it(self) -> None:
        self.set_up("node1")
        supervisor = self.status("node1")["supervisor_pid"]
        self.node1.run(["hostname", "node9"])
        self.addCleanup(self.node1.run, ["hostname", "node1"])
        self.node1.run(["kill", "-USR1", str(supervisor)])
        self.assertEqual(self.await_state("node1", "up")["supervisor_pid"], supervisor)  # a renamed host keeps its running tunnel
        why = self.status("node1")["last_error"]
        self.assertIn("node1's machine id", why["message"])
        self.assertIn("renamed", self.refused("node1", "stop", NAME))
        self.node1.run(["kill", "-TERM", str(supervisor)])  # systemd starts it again, under the new name
        told = self.await_state("node1", "failed")
        self.assertEqual(self.exit_of("node1", "status"), 3)  # status reports the failure
        command = told["last_error"]["hint"].partition(": ")[2]
        self.assertEqual(shlex.split(command)[0:2], ["holdfast", "setup"])
        with self.node1.login("ann") as session:
            self.programs["node1"].run(*shlex.split(command)[1:], session=session)
        fixed = self.status("node1")
        self.assertEqual((fixed["state"], fixed["host"], fixed["last_error"]), ("up", "node9", None))
        self.programs["node1"].run("remove", NAME)
        self.node1.run(["hostname", "node1"])
        self.assert_unchanged(self.fresh["node1"], self.node1)

    def test_a_copy_of_the_machine_does_not_own_its_tunnels(self) -> None:
        self.set_up("node1")
        own = self.node2.read_file("/etc/machine-id")
        self.node2.write_file("/etc/machine-id", self.node1.read_file("/etc/machine-id"))
        self.addCleanup(self.node2.write_file, "/etc/machine-id", own)
        self.assertIn("renamed, or a copy of it", self.refused("node2", "start", NAME))
        self.programs["node2"].run("ensure")
        self.assertFalse(self.node2.pids("holdfast run"))
        self.assertEqual((self.state("node1"), self.owner()), ("up", "node1"))


if __name__ == "__main__":
    main()
