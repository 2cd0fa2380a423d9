#!/usr/bin/python3
"""A machine that gives users nothing but a shell: setup falls to nohup, says why, and says what that is worth."""
from __future__ import annotations

from lab import Holdfast, LabTest, Snapshot, User, holds, main, until

PORT = 2222
NAME = str(PORT)


class NothingButAShell(LabTest):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.lab.workstation.run(["systemctl", "mask", "user@.service"])
        cls.lab.workstation.run(["systemctl", "mask", "--now", "cron.service"])
        cls.lab.workstation.run(["rm", "-f", "/usr/bin/tmux", "/usr/bin/screen"])


class Nohup(NothingButAShell):
    ann: User
    holdfast: Holdfast
    fresh: Snapshot

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        host = cls.lab.workstation
        cls.ann = host.add_user("ann")
        cls.lab.bastion.admit(cls.ann)
        cls.holdfast = Holdfast(host, cls.ann)
        with host.login(cls.ann) as session:
            assert session.run("systemctl --user is-system-running", check=False).returncode != 0
        cls.fresh = host.snapshot()

    def setUp(self) -> None:
        super().setUp()
        self.said = self.holdfast.setup("-p", NAME, "-b", "gate@bastion")
        self.addCleanup(self.holdfast.run, "remove", NAME, check=False)
        self.before = self.holdfast.await_up(NAME)

    def answers(self) -> bool:
        return self.lab.bastion.banner(PORT, timeout=0.5) is not None

    def test_setup_says_why_and_what_it_does_not_survive(self) -> None:
        said = self.said.stdout + self.said.stderr
        self.assertIn("nohup", said)
        self.assertRegex(said, r"systemd-user.*no systemd user manager runs for you")
        self.assertRegex(said, r"cron.*no cron daemon runs here")
        self.assertRegex(said, r"not survive.*(crash.*reboot|reboot.*crash)")
        self.assertEqual(self.before["backend"], {
            "name": "nohup", "installed": True, "running": True,
            "survives": {"crash": "no", "logout": "yes", "reboot": "no"}})

    def test_logout_does_not_end_it(self) -> None:
        self.assertEqual(self.lab.bastion.ssh_through(PORT, "ann", "hostname"), "workstation\n")
        holds("the tunnel after logout", self.answers, seconds=12)  # logind's delay before it ends a user is 10 s
        after = self.holdfast.status(NAME)
        self.assertEqual((after["state"], after["ssh_pid"], after["supervisor_pid"]),
                         ("up", self.before["ssh_pid"], self.before["supervisor_pid"]))

    def test_killed_ssh_is_replaced(self) -> None:
        self.lab.workstation.kill(self.before["ssh_pid"])
        until("another ssh", lambda: self.holdfast.status(NAME)["ssh_pid"] not in (None, self.before["ssh_pid"]))
        self.holdfast.await_up(NAME)

    def test_setup_again_mends_what_has_lost_its_supervisor(self) -> None:
        """Its ssh goes on, and holds the very port that setup wants."""
        self.lab.workstation.kill(self.before["supervisor_pid"])
        self.holdfast.setup("-p", NAME, "-b", "gate@bastion")
        after = self.holdfast.await_up(NAME)
        self.assertNotEqual(after["supervisor_pid"], self.before["supervisor_pid"])
        self.assertEqual(len(self.lab.workstation.pids("ssh -N")), 1)

    def test_killed_supervisor_is_told_and_start_mends_it(self) -> None:
        self.lab.workstation.kill(self.before["supervisor_pid"])
        until("it to be told", lambda: self.holdfast.state(NAME) == "stopped")
        self.assertFalse(self.holdfast.status(NAME)["backend"]["running"])
        self.holdfast.run("start", NAME)
        self.holdfast.await_up(NAME)
        self.assertEqual(len(self.lab.workstation.pids("ssh -N")), 1)
        self.assertEqual(self.lab.bastion.ssh_through(PORT, "ann", "hostname"), "workstation\n")

    def test_reboot_leaves_it_stopped_and_start_brings_it_back(self) -> None:
        self.lab.workstation.reboot()
        status = self.holdfast.status(NAME)
        self.assertEqual((status["state"], status["backend"]["running"]), ("stopped", False))
        self.holdfast.run("start", NAME)
        self.holdfast.await_up(NAME)

    def test_a_strangers_pid_is_not_killed(self) -> None:
        """After a reboot the noted pid may be anybody's."""
        host = self.lab.workstation
        host.kill(self.before["supervisor_pid"])
        with host.login(self.ann) as session:
            session.background("sleep 4567")
        stranger, = host.pids("sleep 4567")
        pidfile = host.run(["sh", "-c", "ls /tmp/holdfast-*/*.pid"]).stdout.strip()
        noted = host.read_file(pidfile).split()
        host.write_file(pidfile, " ".join([str(stranger), *noted[1:]]) + "\n", mode="600", user="ann")
        self.holdfast.run("remove", NAME)
        self.assertEqual(host.pids("sleep 4567"), [stranger])
        host.kill(stranger)
        until("the stranger to be gone", lambda: not host.pids("sleep 4567"))
        self.assertEqual(self.fresh.changes(host.snapshot()), [])

    def test_remove_leaves_nothing(self) -> None:
        self.holdfast.run("remove", NAME)
        self.assertEqual(self.fresh.changes(self.lab.workstation.snapshot()), [])
        self.assertFalse(self.answers())


class KilledAtLogout(NothingButAShell):
    def test_where_logind_ends_processes_setup_says_so(self) -> None:
        host = self.lab.workstation
        host.write_file("/etc/systemd/logind.conf.d/kill.conf", "[Login]\nKillUserProcesses=yes\n")
        host.run(["systemctl", "restart", "systemd-logind"])
        self.addCleanup(host.run, ["systemctl", "restart", "systemd-logind"])
        self.addCleanup(host.run, ["rm", "/etc/systemd/logind.conf.d/kill.conf"])
        bob = host.add_user("bob")
        self.lab.bastion.admit(bob)
        holdfast = Holdfast(host, bob)
        with host.login(bob) as session:
            holdfast.run("setup", "-p", "2230", "-b", "gate@bastion", session=session)
            self.assertEqual(holdfast.await_up("2230")["backend"]["survives"],
                             {"crash": "no", "logout": "no", "reboot": "no"})
        until("logind to end it", lambda: not host.pids("ssh -N", "bob"), timeout=30)
        self.assertEqual(holdfast.state("2230"), "stopped")
        holdfast.run("remove", "2230")


class LingerRefused(NothingButAShell):
    RULE = ("polkit.addRule(function(action) {\n"
            "  if (action.id.indexOf('org.freedesktop.login1.set-') == 0) return polkit.Result.NO;\n});\n")

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.lab.workstation.run(["systemctl", "unmask", "user@.service"])

    def test_a_manager_that_ends_at_logout_is_passed_over(self) -> None:
        host = self.lab.workstation
        host.write_file("/etc/polkit-1/rules.d/10-no-linger.rules", self.RULE)
        self.addCleanup(host.run, ["rm", "/etc/polkit-1/rules.d/10-no-linger.rules"])
        carl = host.add_user("carl")
        self.lab.bastion.admit(carl)
        holdfast = Holdfast(host, carl)
        with host.login(carl) as session:
            until("polkit to refuse", lambda: session.run("loginctl enable-linger", check=False).returncode != 0)
            said = holdfast.run("setup", "-p", "2231", "-b", "gate@bastion", session=session)
            self.addCleanup(holdfast.run, "remove", "2231", check=False)
            self.assertRegex(said.stdout + said.stderr, r"systemd-user.*linger is off")
            self.assertIn("sudo loginctl enable-linger carl", said.stdout + said.stderr)
        self.assertEqual(holdfast.status("2231")["backend"]["name"], "nohup")
        holds("the tunnel after logout", lambda: self.lab.bastion.banner(2231), seconds=12)
        self.assertEqual(self.lab.bastion.ssh_through(2231, "carl", "hostname"), "workstation\n")


if __name__ == "__main__":
    main()
