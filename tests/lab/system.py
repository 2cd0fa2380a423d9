#!/usr/bin/python3
"""root sets up a system tunnel that runs as an ordinary user, in a sandbox."""
from __future__ import annotations

import json
import re
import time

from lab import Holdfast, Snapshot, UserTest, Watch, main, until

PORT = 2222
NAME = str(PORT)
UNIT = f"holdfast-{NAME}.service"
HIGHEST_EXPOSURE = 1.5


class SystemTunnel(UserTest):
    own: Holdfast  # ann's
    fresh: Snapshot

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.own = cls.holdfast
        cls.holdfast = Holdfast(cls.host)
        cls.fresh = cls.host.snapshot()
        cls.holdfast.setup("-p", NAME, "-b", "gate@bastion", "--run-as", "ann")

    def setUp(self) -> None:
        super().setUp()
        if not self.holdfast.host.exists(f"/etc/systemd/system/{UNIT}"):
            self.holdfast.setup("-p", NAME, "-b", "gate@bastion", "--run-as", "ann")
        self.before = self.holdfast.await_up(NAME)

    def test_it_runs_as_an_ordinary_user(self) -> None:
        self.assert_leads_home()
        self.assertEqual(self.before["backend"], {
            "name": "systemd-system", "installed": True, "running": True,
            "survives": {"crash": "yes", "logout": "yes", "reboot": "yes"}})
        owners = {owner for pid, owner, _ in self.host.processes()
                  if pid in (self.before["supervisor_pid"], self.before["ssh_pid"])}
        self.assertEqual(owners, {"ann"})

    def test_its_user_can_read_its_status(self) -> None:
        done = self.host.run([self.holdfast.path, "status", "--system", NAME, "--json"], user="ann")
        self.assertIn('"state":"up"', done.stdout.replace('": "', '":"'))

    def test_a_user_command_points_to_the_system_tunnel(self) -> None:
        self.assertIn("you have no tunnels, but the machine has: holdfast status --system", self.own.run("status").stderr)
        for selection in ((NAME,), ("-p", NAME)):
            self.assertEqual(json.loads(self.own.run("status", *selection, "--json").stdout)["tunnels"][0]["state"], "up")
            self.assertIn("ProxyJump gate@bastion", self.own.run("client-config", *selection).stdout)
        self.assertIn(" up", self.own.run("logs", NAME).stdout)
        done = self.own.run("remove", NAME, check=False)
        self.assertEqual(done.returncode, 4)
        self.assertIn("hint: a tunnel of the machine has that name: add --system, and sudo to change it", done.stderr)

    def test_systemctl_reload_applies_an_edit(self) -> None:
        file = f"/etc/holdfast/tunnels/{NAME}.conf"
        text = self.host.read_file(file)
        self.addCleanup(self.host.run, ["systemctl", "reload", UNIT])
        self.addCleanup(self.host.write_file, file, text)
        self.host.write_file(file, text + "port = 127.0.0.1:2298:localhost:22\n")
        self.host.run(["systemctl", "reload", UNIT])
        until("the added port", lambda: [forward["state"] for forward in self.holdfast.status(NAME)["forwards"]] == ["up", "up"])
        after = self.holdfast.status(NAME)
        self.assertEqual((after["ssh_pid"], after["supervisor_pid"]), (self.before["ssh_pid"], self.before["supervisor_pid"]))

    def journal(self) -> list[tuple[str, str]]:
        """Priority and text of the unit's own lines."""
        said = self.host.run(["journalctl", "--no-pager", "-o", "json", "-u", UNIT, "_COMM=holdfast"]).stdout
        return [(line["PRIORITY"], line["MESSAGE"]) for line in map(json.loads, said.splitlines())]

    def test_the_journal_has_one_line_for_each_change(self) -> None:
        before = len(self.journal())
        self.host.kill(self.before["ssh_pid"])
        until("two lines", lambda: len(self.journal()) >= before + 2)
        down, up = self.journal()[before:]
        self.assertEqual((down[0], up[0]), ("4", "6"))
        self.assertRegex(down[1], r"^down, after .* up: \S+: ")
        self.assertRegex(up[1], rf"^up: 127\.0\.0\.1:{NAME} of gate@bastion, verified end to end, after .* down$")

    def test_nothing_was_written_into_the_users_home(self) -> None:
        changes = [line for line in self.fresh.changes(self.host.snapshot()) if "/home/" in line]
        self.assertEqual(changes, [])

    def test_its_sandbox_has_a_low_exposure_level(self) -> None:
        said = self.host.run(["systemd-analyze", "security", "--no-pager", UNIT], check=False).stdout
        match = re.search(r"Overall exposure level for \S+: ([\d.]+)", said)
        assert match, said
        self.assertLessEqual(float(match[1]), HIGHEST_EXPOSURE, said)

    def test_systemctl_status_shows_its_state(self) -> None:
        said = self.host.run(["systemctl", "show", "-p", "StatusText", "--value", UNIT]).stdout
        self.assertIn("up", said)

    def test_it_returns_after_a_reboot(self) -> None:
        for act in (self.host.reboot, self.host.power_cut):
            with self.subTest(act.__name__):
                act()
                begin = time.monotonic()
                until("the port to answer", self.answers, timeout=60)
                self.note(f"{act.__name__}: from the end of the boot to an answer", time.monotonic() - begin)
                self.holdfast.await_up(NAME)
                self.assert_leads_home()

    def test_killed_processes_are_replaced(self) -> None:
        for victim, silent in (("ssh_pid", 3), ("supervisor_pid", 5)):
            with self.subTest(victim):
                before = self.holdfast.await_up(NAME)
                with Watch(self.answers, claim=lambda: self.holdfast.state(NAME)) as watch:
                    self.host.kill(before[victim])
                    until("a new process", lambda: self.holdfast.status(NAME)[victim] not in (None, before[victim]))
                    self.holdfast.await_up(NAME)
                longest = max((end - begin for begin, end in watch.outages()), default=0.0)
                self.note(f"kill -9 {victim}: port silent for", longest)
                self.assertLess(longest, silent, watch.timeline())
                self.assertEqual(watch.lies(longer_than=2), [], watch.timeline())
                self.assert_leads_home()

    def test_setup_enables_a_disabled_unit_and_keeps_the_connection(self) -> None:
        self.host.run(["systemctl", "disable", UNIT])
        told = self.holdfast.status(NAME)
        self.assertEqual(told["installation"], {"ok": False, "problems": ["its unit is disabled"]})
        self.assertEqual(told["backend"]["survives"], {"crash": "yes", "logout": "yes", "reboot": "no"})
        self.holdfast.setup("-p", NAME, "-b", "gate@bastion", "--run-as", "ann")
        after = self.holdfast.status(NAME)
        self.assertEqual((after["installation"]["ok"], after["backend"], after["ssh_pid"]),
                         (True, self.before["backend"], self.before["ssh_pid"]))

    def test_remove_leaves_nothing(self) -> None:
        self.holdfast.run("remove", NAME)
        self.assertEqual(self.fresh.changes(self.host.snapshot()), [])
        units = self.host.run(["systemctl", "list-units", "--all", "--no-legend", "holdfast-*"]).stdout
        self.assertEqual(units, "")
        self.assertFalse(self.answers())

    def test_root_must_name_a_user(self) -> None:
        with self.host.login("root") as session:
            done = self.holdfast.run("setup", "-p", "2299", "-b", "gate@bastion", session=session, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("--run-as", done.stderr)


if __name__ == "__main__":
    main()
