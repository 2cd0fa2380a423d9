#!/usr/bin/python3
"""`remove`, in every state that a tunnel can be in: files, processes, units, sockets and linger are as they were."""
from __future__ import annotations

import signal
import time
from typing import Any

from lab import Holdfast, LabTest, User, main, until

PORT = 2222
NAME = str(PORT)
UNIT = f"holdfast-{NAME}.service"


class Removing(LabTest):
    """A user who stays logged in, and how the host was before she set anything up."""
    ann: User
    holdfast: Holdfast

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.ann = cls.lab.workstation.add_user("ann")
        cls.lab.bastion.admit(cls.ann)
        cls.holdfast = Holdfast(cls.lab.workstation, cls.ann)

    def setUp(self) -> None:
        super().setUp()
        self.host = self.lab.workstation
        self.manager = {"XDG_RUNTIME_DIR": f"/run/user/{self.ann.uid}"}
        # The login stays open: what is compared is what holdfast leaves, not what a first or last login does.
        self.session = self.host.login(self.ann)
        self.addCleanup(self.session.logout)
        self.assertFalse(self.host.exists("/var/lib/systemd/linger/ann"))
        self.fresh = self.host.snapshot()
        self.listening = self.sockets()

    def sockets(self) -> list[str]:
        return sorted(line.split()[3] for line in self.host.run(["ss", "-Hlnt"]).stdout.splitlines())

    def setup(self, *arguments: str) -> dict[str, Any]:
        self.holdfast.run("setup", "-p", NAME, "-b", "gate@bastion", *arguments, session=self.session)
        return self.holdfast.await_up(NAME)

    def remove(self) -> str:
        done = self.holdfast.run("remove", NAME, session=self.session)
        return done.stdout + done.stderr

    def assert_as_before(self) -> None:
        def nothing_left() -> bool:
            changes = self.fresh.changes(self.host.snapshot())
            if changes:
                raise AssertionError("\n".join(changes))
            return True
        # sshd's own processes of the login that came through the tunnel take a moment; ours must be gone at once.
        self.assertEqual(self.host.pids("holdfast") + self.host.pids("ssh -N"), [])
        until("the host to be as it was", nothing_left, timeout=3)
        self.assertEqual(self.sockets(), self.listening)
        units = self.host.run(["systemctl", "--user", "list-units", "--all", "--no-legend", "holdfast-*"],
                              user="ann", env=self.manager)
        self.assertEqual(units.stdout, "")
        until("the bastion's port to be free", lambda: self.lab.bastion.who_listens(PORT) is None, timeout=3)
        self.assertEqual(self.holdfast.run("status", NAME, check=False).returncode, 4)

    def sub_state(self) -> str:
        return self.host.run(["systemctl", "--user", "show", "-p", "SubState", "--value", UNIT], user="ann",
                             env=self.manager).stdout.strip()


class Remove(Removing):
    # -- states ------------------------------------------------------------------------------------------

    def test_up(self) -> None:
        self.setup()
        said = self.remove()
        for gone in (UNIT, f"{NAME}.conf", "linger"):
            self.assertIn(gone, said)
        self.assert_as_before()

    def test_stopped(self) -> None:
        self.setup()
        self.holdfast.run("stop", NAME, session=self.session)
        self.remove()
        self.assert_as_before()

    def test_waiting_for_a_bastion_that_is_away(self) -> None:
        self.setup()
        self.lab.bastion.stop_sshd()
        self.addCleanup(self.lab.bastion.start_sshd)
        until("the loss to be told", lambda: self.holdfast.state(NAME) != "up")
        self.remove()
        self.assert_as_before()

    def test_between_a_crash_and_the_restart(self) -> None:
        """Stopping a unit in this gap runs neither ExecStop nor ExecStopPost: the ssh is ours to end."""
        status = self.setup()
        self.host.write_file(f"/run/user/{self.ann.uid}/systemd/user/{UNIT}.d/gap.conf", "[Service]\nRestartSec=30\n",
                             user="ann")
        self.host.run(["systemctl", "--user", "daemon-reload"], user="ann", env=self.manager)
        self.host.kill(status["supervisor_pid"])
        until("the gap", lambda: self.sub_state() == "auto-restart")
        self.assertEqual(self.host.pids("ssh -N", "ann"), [status["ssh_pid"]])
        self.host.run(["rm", "-r", f"/run/user/{self.ann.uid}/systemd/user/{UNIT}.d"], user="ann")
        self.remove()
        self.assert_as_before()

    def test_disabled_by_hand(self) -> None:
        self.setup()
        self.host.run(["systemctl", "--user", "disable", "--now", UNIT], user="ann", env=self.manager)
        self.assertEqual(self.host.pids("ssh -N", "ann"), [])
        self.remove()
        self.assert_as_before()

    def test_unit_deleted_by_hand(self) -> None:
        self.setup()
        self.host.run(["rm", f"{self.ann.home}/.config/systemd/user/{UNIT}"])
        self.remove()
        self.assert_as_before()

    def test_supervisor_that_stands_still(self) -> None:
        status = self.setup()
        self.host.kill(status["supervisor_pid"], signal.SIGSTOP)
        begin = time.monotonic()
        self.remove()
        self.note("remove of a frozen supervisor", time.monotonic() - begin)
        self.assert_as_before()

    def test_ssh_that_stands_still(self) -> None:
        status = self.setup()
        self.host.kill(status["ssh_pid"], signal.SIGSTOP)
        self.remove()
        self.assert_as_before()

    def test_after_a_reboot(self) -> None:
        """From a session of another boot than the one that set it up."""
        self.setup()
        self.session.logout()
        self.host.reboot()
        self.session = self.host.login(self.ann)
        self.addCleanup(self.session.logout)
        self.holdfast.await_up(NAME)
        self.remove()
        self.assert_as_before()

    def test_with_no_login_and_no_bus_in_the_environment(self) -> None:
        self.setup()
        self.session.logout()
        self.holdfast.run("remove", NAME)
        self.assertEqual(self.host.pids("holdfast") + self.host.pids("ssh -N"), [])
        self.session = self.host.login(self.ann)
        self.addCleanup(self.session.logout)
        self.assert_as_before()

    # -- what is not ours --------------------------------------------------------------------------------

    def test_linger_that_was_on_stays_on(self) -> None:
        self.session.run("loginctl enable-linger")
        self.addCleanup(self.host.run, ["loginctl", "disable-linger", "ann"])
        self.fresh = self.host.snapshot()
        self.setup()
        self.remove()
        self.assertTrue(self.host.exists("/var/lib/systemd/linger/ann"))
        self.assert_as_before()

    def test_linger_stays_while_another_tunnel_needs_it(self) -> None:
        self.setup()
        self.holdfast.run("setup", "-p", "2223", "-b", "gate@bastion", session=self.session)
        self.holdfast.run("remove", "2223", session=self.session)
        self.assertTrue(self.host.exists("/var/lib/systemd/linger/ann"))
        self.assertEqual(self.holdfast.state(NAME), "up")
        self.remove()
        self.assert_as_before()

    def test_linger_stays_while_another_unit_needs_it(self) -> None:
        self.host.write_file(f"{self.ann.home}/.config/systemd/user/backup.service",
                             "[Service]\nExecStart=/bin/sleep 1\n[Install]\nWantedBy=default.target\n", user="ann")
        self.host.run(["systemctl", "--user", "enable", "backup.service"], user="ann", env=self.manager)
        self.addCleanup(self.host.run, ["rm", "-r", f"{self.ann.home}/.config/systemd"])
        self.addCleanup(self.host.run, ["loginctl", "disable-linger", "ann"])
        self.setup()
        self.remove()
        self.assertTrue(self.host.exists("/var/lib/systemd/linger/ann"))
        self.assertTrue(self.host.exists(f"{self.ann.home}/.config/systemd/user/backup.service"))
        self.assertFalse(self.host.exists(f"{self.ann.home}/.config/holdfast"))

    def test_a_neighbours_files_stay(self) -> None:
        self.setup()
        for path in (".config/holdfast/notes", ".local/state/keep"):
            self.host.write_file(f"{self.ann.home}/{path}", "mine", user="ann")
        self.remove()
        for path in (".config/holdfast/notes", ".local/state/keep"):
            self.assertEqual(self.host.read_file(f"{self.ann.home}/{path}"), "mine")
        self.host.run(["rm", "-r", f"{self.ann.home}/.config/holdfast", f"{self.ann.home}/.local/state"])

    def test_what_is_not_there_is_exit_4_and_changes_nothing(self) -> None:
        done = self.holdfast.run("remove", "nothing", session=self.session, check=False)
        self.assertEqual(done.returncode, 4)
        self.assert_as_before()

    def test_all_and_by_port(self) -> None:
        for port in ("2231", "2232", "2233"):
            self.holdfast.run("setup", "-n", f"t{port}", "-p", port, "-b", "gate@bastion", session=self.session)
        self.holdfast.run("remove", "-p", "2231", session=self.session)
        self.assertEqual([t["name"] for t in self.holdfast.statuses()], ["t2232", "t2233"])
        self.holdfast.run("remove", "--all", session=self.session)
        self.assert_as_before()

    # -- a setup that fails ------------------------------------------------------------------------------

    def test_failed_setup_leaves_nothing(self) -> None:
        with self.lab.bastion.door() as squatter:
            done = self.holdfast.run("setup", "-n", NAME, "-p", str(squatter.port), "-b", "gate@bastion",
                                     session=self.session, check=False)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assert_as_before()

    def test_interrupted_setup_leaves_nothing(self) -> None:
        with self.lab.bastion.stalling_door() as door:
            self.ann.trust(self.lab.bastion, f"[bastion]:{door.port}")
            self.fresh = self.host.snapshot()
            terminal = self.session.terminal(f"{self.holdfast.path} setup -p {NAME} -b gate@bastion:{door.port}")
            until("a visitor at the door", lambda: door.visitors)
            terminal.send("\x03")
            self.assertEqual(terminal.close(timeout=20), 130, terminal.seen)
        self.assert_as_before()


if __name__ == "__main__":
    main()
