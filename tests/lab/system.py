#!/usr/bin/python3
"""root on a workstation of its own: a tunnel of the machine that runs as an ordinary user, shut off from the rest."""
from __future__ import annotations

import re
import time

from lab import Holdfast, LabTest, Snapshot, User, Watch, main, until

PORT = 2222
NAME = str(PORT)
UNIT = f"holdfast-{NAME}.service"
HIGHEST_EXPOSURE = 1.5


class SystemTunnel(LabTest):
    ann: User
    holdfast: Holdfast
    fresh: Snapshot

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        host = cls.lab.workstation
        cls.ann = host.add_user("ann")
        cls.lab.bastion.admit(cls.ann)
        cls.holdfast = Holdfast(host)
        cls.fresh = host.snapshot()
        cls.holdfast.setup("-p", NAME, "-b", "gate@bastion", "--run-as", "ann")

    def setUp(self) -> None:
        super().setUp()
        if not self.holdfast.host.exists(f"/etc/systemd/system/{UNIT}"):
            self.holdfast.setup("-p", NAME, "-b", "gate@bastion", "--run-as", "ann")
        self.before = self.holdfast.await_up(NAME)

    def answers(self) -> bool:
        return self.lab.bastion.banner(PORT, timeout=0.5) is not None

    def assert_leads_home(self) -> None:
        self.assertEqual(self.lab.bastion.ssh_through(PORT, "ann", "hostname"), "workstation\n")

    def test_it_runs_as_an_ordinary_user(self) -> None:
        self.assert_leads_home()
        self.assertEqual(self.before["backend"], {
            "name": "systemd-system", "installed": True, "running": True,
            "survives": {"crash": "yes", "logout": "yes", "reboot": "yes"}})
        owners = {owner for pid, owner, _ in self.lab.workstation.processes()
                  if pid in (self.before["supervisor_pid"], self.before["ssh_pid"])}
        self.assertEqual(owners, {"ann"})

    def test_its_user_sees_it_too(self) -> None:
        done = self.lab.workstation.run([self.holdfast.path, "status", "--system", NAME, "--json"], user="ann")
        self.assertIn('"state":"up"', done.stdout.replace('": "', '":"'))

    def test_who_looks_among_his_own_is_told_where_it_is(self) -> None:
        own = Holdfast(self.lab.workstation, self.ann)
        self.assertIn("you have no tunnels, the machine has: holdfast status --system", own.run("status").stderr)
        done = own.run("remove", NAME, check=False)
        self.assertEqual(done.returncode, 4)
        self.assertIn("hint: one of the machine's has that name: add --system, and sudo to change it", done.stderr)
        self.lab.workstation.run(["rm", own.path])

    def test_nothing_was_written_into_the_users_home(self) -> None:
        changes = [line for line in self.fresh.changes(self.lab.workstation.snapshot()) if "/home/" in line]
        self.assertEqual(changes, [])

    def test_its_sandbox_is_tight(self) -> None:
        said = self.lab.workstation.run(["systemd-analyze", "security", "--no-pager", UNIT], check=False).stdout
        match = re.search(r"Overall exposure level for \S+: ([\d.]+)", said)
        assert match, said
        self.assertLessEqual(float(match[1]), HIGHEST_EXPOSURE, said)

    def test_systemctl_status_has_one_line_for_a_person(self) -> None:
        said = self.lab.workstation.run(["systemctl", "show", "-p", "StatusText", "--value", UNIT]).stdout
        self.assertIn("up", said)

    def test_it_is_back_after_a_reboot(self) -> None:
        for act in (self.lab.workstation.reboot, self.lab.workstation.power_cut):
            with self.subTest(act.__name__):
                act()
                begin = time.monotonic()
                until("the port to answer", self.answers, timeout=20)
                self.note(f"{act.__name__}: from the end of the boot to an answer", time.monotonic() - begin)
                self.holdfast.await_up(NAME)
                self.assert_leads_home()

    def test_killed_processes_are_replaced(self) -> None:
        for victim, silent in (("ssh_pid", 3), ("supervisor_pid", 5)):
            with self.subTest(victim):
                before = self.holdfast.await_up(NAME)
                with Watch(self.answers, claim=lambda: self.holdfast.state(NAME)) as watch:
                    self.lab.workstation.kill(before[victim])
                    until("another process", lambda: self.holdfast.status(NAME)[victim] not in (None, before[victim]))
                    self.holdfast.await_up(NAME)
                longest = max((end - begin for begin, end in watch.outages()), default=0.0)
                self.note(f"kill -9 {victim}: port silent for", longest)
                self.assertLess(longest, silent, watch.timeline())
                self.assertEqual(watch.lies(longer_than=2), [], watch.timeline())
                self.assert_leads_home()

    def test_remove_leaves_nothing(self) -> None:
        self.holdfast.run("remove", NAME)
        self.assertEqual(self.fresh.changes(self.lab.workstation.snapshot()), [])
        units = self.lab.workstation.run(["systemctl", "list-units", "--all", "--no-legend", "holdfast-*"]).stdout
        self.assertEqual(units, "")
        self.assertFalse(self.answers())

    def test_root_without_a_user_is_a_usage_error(self) -> None:
        with self.lab.workstation.login("root") as session:
            done = self.holdfast.run("setup", "-p", "2299", "-b", "gate@bastion", session=session, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("--run-as", done.stderr)


if __name__ == "__main__":
    main()
