#!/usr/bin/python3
"""`auto` picks the most durable backend that works on this host and says why it rejected each better one. `doctor` says the
same. One host is put into many states."""
from __future__ import annotations

import json
import sys
from typing import Any

from lab import Holdfast, LabTest, User, main, until

ALL = ["systemd-user", "cron", "tmux", "screen", "nohup"]
NO_MANAGER = "no systemd user manager is running for you"
NO_LINGER = "linger is off, and you are not allowed to turn it on"
DENIED = "you are not allowed to use cron"
EVERYTHING = {"crash": "yes", "logout": "yes", "reboot": "yes"}
CRON = {"crash": "within:60s", "logout": "yes", "reboot": "yes"}
SESSION = {"crash": "no", "logout": "yes", "reboot": "no"}


class Choice(LabTest):
    port = 2300

    def setUp(self) -> None:
        super().setUp()
        Choice.port += 1
        self.user: User = self.person(f"user{Choice.port}")
        self.holdfast = Holdfast(self.host, self.user)

    # -- states of the host ------------------------------------------------------------------------------

    def change(self, to: list[str], back: list[str]) -> None:
        self.addCleanup(self.host.run, back)
        self.host.run(to)

    def without(self, *programs: str) -> None:
        for program in programs:
            self.change(["mv", f"/usr/bin/{program}", f"/usr/bin/{program}.gone"],
                        ["mv", f"/usr/bin/{program}.gone", f"/usr/bin/{program}"])

    def without_manager(self) -> None:
        self.change(["systemctl", "mask", "user@.service"], ["systemctl", "unmask", "user@.service"])

    def refusing_linger(self) -> None:
        self.refuse_linger()
        asked = "pkcheck --action-id org.freedesktop.login1.set-self-linger --process $$"
        with self.host.login(self.user) as session:
            until("polkit to read its rules", lambda: session.run(asked, check=False).returncode != 0)

    def denying_cron(self, file: str = "deny") -> None:
        self.addCleanup(self.host.run, ["rm", f"/etc/cron.{file}"])
        self.host.write_file(f"/etc/cron.{file}", f"{self.user.name}\n" if file == "deny" else "somebody\n")

    # -- what doctor and setup must say ---------------------------------------------------------------------------

    def expect(self, choice: str, survives: dict[str, str], passed_over: dict[str, str],
               advice: str = "") -> dict[str, Any]:
        """doctor and setup choose this backend, say what it survives, and give the reason against each better one."""
        with self.host.login(self.user) as session:
            doctor = json.loads(self.holdfast.run("doctor", "--json", session=session).stdout)
            text = self.holdfast.run("doctor", session=session).stdout
            done = self.holdfast.run("setup", "-p", str(self.port), "-b", "gate@bastion", session=session)
            self.addCleanup(self.holdfast.run, "remove", str(self.port), check=False)
            status = self.holdfast.await_up(str(self.port))
        said = done.stdout + done.stderr
        rows = {row["name"]: row for row in doctor["backends"]}
        print(f"# {self._testMethodName[5:].replace('_', ' ')}: {choice}", file=sys.stderr)
        for line in said.splitlines():
            if "passed over" in line or line.startswith("backend "):
                print(f"#     {line.removeprefix('warning: ')}", file=sys.stderr)
        self.assertEqual(status["backend"]["name"], choice)
        self.assertEqual(status["backend"]["survives"], survives)
        self.assertEqual(doctor["choice"], choice)
        self.assertEqual(rows[choice]["survives"], survives)
        self.assertRegex(said, rf"backend {choice}: ")
        for name in ALL[:ALL.index(choice)]:
            self.assertIn(passed_over[name], rows[name]["reason"])
            self.assertRegex(said, rf"passed over {name}: .*{passed_over[name]}")
        for name in ALL[ALL.index(choice) + 1:]:
            self.assertNotIn(f"passed over {name}", said)
        self.assertIn(advice, doctor["advice"] or "")
        self.assertEqual(bool(advice), bool(doctor["advice"]), doctor["advice"])
        for line in text.splitlines():
            self.assertLessEqual(len(line), 80, line)
        for name, row in rows.items():
            self.assertIn(name, text)
        return rows

    # -- the tests ---------------------------------------------------------------------------------------

    def test_systemd_user_is_chosen_where_everything_works(self) -> None:
        self.expect("systemd-user", EVERYTHING, {})

    def test_cron_is_chosen_if_linger_is_refused(self) -> None:
        self.refusing_linger()
        rows = self.expect("cron", CRON, {"systemd-user": NO_LINGER}, f"sudo loginctl enable-linger {self.user.name}")
        self.assertEqual(rows["systemd-user"]["survives"],
                         {"crash": "yes", "logout": "at-login", "reboot": "at-login"})

    def test_tmux_is_chosen_if_linger_and_cron_are_refused(self) -> None:
        self.refusing_linger()
        self.denying_cron()
        self.expect("tmux", SESSION, {"systemd-user": NO_LINGER, "cron": DENIED},
                    f"sudo loginctl enable-linger {self.user.name}")

    def test_cron_is_chosen_without_a_user_manager(self) -> None:
        self.without_manager()
        self.expect("cron", CRON, {"systemd-user": NO_MANAGER}, "sudo holdfast setup")

    def test_tmux_is_chosen_if_cron_allows_other_users_only(self) -> None:
        self.without_manager()
        self.denying_cron("allow")
        self.expect("tmux", SESSION, {"systemd-user": NO_MANAGER, "cron": DENIED}, "ask an administrator to allow")

    def test_screen_is_chosen_without_manager_cron_and_tmux(self) -> None:
        self.without_manager()
        self.change(["systemctl", "stop", "cron"], ["systemctl", "start", "cron"])
        self.without("tmux")
        self.expect("screen", SESSION, {"systemd-user": NO_MANAGER, "cron": "no cron daemon is running",
                                        "tmux": "tmux is not installed"}, "sudo systemctl enable --now cron")

    def test_nohup_is_chosen_where_nothing_else_works(self) -> None:
        self.without_manager()
        self.without("tmux", "screen", "crontab")
        self.expect("nohup", SESSION, {
            "systemd-user": NO_MANAGER, "cron": "crontab is not installed", "tmux": "tmux is not installed",
            "screen": "screen is not installed"}, "sudo apt-get install cron")

    def test_systemd_system_is_chosen_for_root(self) -> None:
        root = Holdfast(self.host)
        doctor = json.loads(root.run("doctor", "--json").stdout)
        self.assertEqual((doctor["scope"], doctor["choice"], doctor["advice"]), ("system", "systemd-system", None))
        done = root.run("setup", "-p", str(self.port), "-b", "gate@bastion", "--run-as", self.user.name)
        self.addCleanup(root.run, "remove", str(self.port), check=False)
        self.assertIn("backend systemd-system: survives a crash, a logout and a reboot", done.stdout + done.stderr)
        print("# root: systemd-system", file=sys.stderr)
        status = root.await_up(str(self.port))
        self.assertEqual((status["backend"]["name"], status["backend"]["survives"]), ("systemd-system", EVERYTHING))

    def test_status_hints_at_a_better_backend(self) -> None:
        name = str(self.port)
        with self.host.login(self.user) as session:
            self.holdfast.run("setup", "-p", name, "-b", "gate@bastion", "--backend", "nohup", session=session)
            self.addCleanup(self.holdfast.run, "remove", name, check=False)
            self.holdfast.await_up(name)
            said = self.holdfast.run("status", name, session=session).stdout
            self.assertIn("hint: this host allows systemd-user, which survives a crash and a reboot: "
                          f"holdfast move {name} --backend auto\n", said)
            self.assertNotIn("allows", self.holdfast.run("status", session=session).stdout)
            self.assertNotIn("allows", self.holdfast.run("status", name, "--json", session=session).stdout)
            self.assertNotIn("allows", self.holdfast.run("status", name, session=session,
                                                         env={"HOLDFAST_BACKENDS": "nohup"}).stdout)


if __name__ == "__main__":
    main()
