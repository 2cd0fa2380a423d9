#!/usr/bin/python3
"""A host that gives users only a shell: setup picks nohup, says why, and says what the tunnel does not survive."""
from __future__ import annotations

from lab import Holdfast, LabTest, Snapshot, UserTest, holds, main, until

PORT = 2222
NAME = str(PORT)


class ShellOnly(LabTest):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.host.run(["systemctl", "mask", "user@.service"])
        cls.host.run(["systemctl", "mask", "--now", "cron.service"])
        cls.host.run(["rm", "-f", "/usr/bin/tmux", "/usr/bin/screen"])


class Nohup(ShellOnly, UserTest):
    fresh: Snapshot

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        with cls.host.login(cls.ann) as session:
            assert session.run("systemctl --user is-system-running", check=False).returncode != 0
        cls.fresh = cls.host.snapshot()

    def setUp(self) -> None:
        super().setUp()
        self.said = self.holdfast.setup("-p", NAME, "-b", "gate@bastion")
        self.addCleanup(self.holdfast.run, "remove", NAME, check=False)
        self.before = self.holdfast.await_up(NAME)

    def test_setup_says_why_and_what_it_does_not_survive(self) -> None:
        said = self.said.stdout + self.said.stderr
        self.assertIn("nohup", said)
        self.assertRegex(said, r"systemd-user.*no systemd user manager is running for you")
        self.assertRegex(said, r"cron.*no cron daemon is running")
        self.assertRegex(said, r"not survive.*(crash.*reboot|reboot.*crash)")
        self.assertEqual(self.before["backend"], {
            "name": "nohup", "installed": True, "running": True,
            "survives": {"crash": "no", "logout": "yes", "reboot": "no"}})

    def test_it_survives_a_logout(self) -> None:
        self.assert_leads_home()
        holds("the tunnel after logout", self.answers, seconds=12)  # logind ends a user's processes 10 s after the logout
        after = self.holdfast.status(NAME)
        self.assertEqual((after["state"], after["ssh_pid"], after["supervisor_pid"]),
                         ("up", self.before["ssh_pid"], self.before["supervisor_pid"]))

    def test_a_killed_ssh_is_replaced(self) -> None:
        self.host.kill(self.before["ssh_pid"])
        until("a new ssh", lambda: self.holdfast.status(NAME)["ssh_pid"] not in (None, self.before["ssh_pid"]))
        self.holdfast.await_up(NAME)

    def test_setup_again_restores_a_lost_supervisor(self) -> None:
        """The old ssh still runs and has the port that setup needs."""
        self.host.kill(self.before["supervisor_pid"])
        self.holdfast.setup("-p", NAME, "-b", "gate@bastion")
        after = self.holdfast.await_up(NAME)
        self.assertNotEqual(after["supervisor_pid"], self.before["supervisor_pid"])
        self.assertEqual(len(self.host.pids("ssh -N")), 1)

    def test_status_reports_a_killed_supervisor_and_start_restores_it(self) -> None:
        self.host.kill(self.before["supervisor_pid"])
        until("status to report it", lambda: self.holdfast.state(NAME) == "failed")
        self.assertIn("its supervisor was killed", self.holdfast.run("status", NAME, check=False).stdout)
        self.assertFalse(self.holdfast.status(NAME)["backend"]["running"])
        self.holdfast.run("start", NAME)
        self.holdfast.await_up(NAME)
        self.assertEqual(len(self.host.pids("ssh -N")), 1)
        self.assert_leads_home()

    def test_start_restores_it_after_a_reboot(self) -> None:
        self.host.reboot()
        status = self.holdfast.status(NAME)
        self.assertEqual((status["state"], status["backend"]["running"]), ("stopped", False))
        self.holdfast.run("start", NAME)
        self.holdfast.await_up(NAME)

    def test_a_reused_pid_is_not_killed(self) -> None:
        """After a reboot the pid in the pidfile may belong to any process."""
        host = self.host
        host.kill(self.before["supervisor_pid"])
        with host.login(self.ann) as session:
            session.background("sleep 4567")
        other, = host.pids("sleep 4567")
        pidfile = host.run(["sh", "-c", "ls /tmp/holdfast-*/*.pid"]).stdout.strip()
        recorded = host.read_file(pidfile).split()
        host.write_file(pidfile, " ".join([str(other), *recorded[1:]]) + "\n", mode="600", user="ann")
        self.holdfast.run("remove", NAME)
        self.assertEqual(host.pids("sleep 4567"), [other])
        host.kill(other)
        until("that process to end", lambda: not host.pids("sleep 4567"))
        self.assertEqual(self.fresh.changes(host.snapshot()), [])

    def test_remove_leaves_nothing(self) -> None:
        self.holdfast.run("remove", NAME)
        self.assertEqual(self.fresh.changes(self.host.snapshot()), [])
        self.assertFalse(self.answers())


class KilledAtLogout(ShellOnly):
    def test_setup_says_that_logind_ends_it_at_logout(self) -> None:
        host = self.host
        self.kill_processes_at_logout()
        bob = self.person("bob")
        holdfast = Holdfast(host, bob)
        with host.login(bob) as session:
            holdfast.run("setup", "-p", "2230", "-b", "gate@bastion", session=session)
            self.assertEqual(holdfast.await_up("2230")["backend"]["survives"],
                             {"crash": "no", "logout": "no", "reboot": "no"})
        until("logind to end ssh", lambda: not host.pids("ssh -N", "bob"), timeout=30)
        self.assertEqual(holdfast.state("2230"), "stopped")
        holdfast.run("remove", "2230")


class LingerRefused(ShellOnly):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.host.run(["systemctl", "unmask", "user@.service"])

    def test_a_manager_that_ends_at_logout_is_rejected(self) -> None:
        host = self.host
        self.refuse_linger()
        carl = self.person("carl")
        holdfast = Holdfast(host, carl)
        with host.login(carl) as session:
            until("polkit to refuse", lambda: session.run("loginctl enable-linger", check=False).returncode != 0)
            said = holdfast.run("setup", "-p", "2231", "-b", "gate@bastion", session=session)
            self.addCleanup(holdfast.run, "remove", "2231", check=False)
            self.assertRegex(said.stdout + said.stderr, r"systemd-user.*linger is off")
            self.assertIn("sudo loginctl enable-linger carl", said.stdout + said.stderr)
        self.assertEqual(holdfast.status("2231")["backend"]["name"], "nohup")
        holds("the tunnel after logout", lambda: self.bastion.banner(2231), seconds=12)
        self.assertEqual(self.bastion.ssh_through(2231, "carl", "hostname"), "workstation\n")


if __name__ == "__main__":
    main()
