#!/usr/bin/python3
"""`remove` in every state of a tunnel: files, processes, units, sockets and linger are as before setup."""
from __future__ import annotations

import json
import signal
import time
from typing import Any

from lab import UserTest, main, until

PORT = 2222
NAME = str(PORT)
UNIT = f"holdfast-{NAME}.service"


class RemoveTest(UserTest):
    """ann stays logged in. The host is compared with its state before setup."""

    def setUp(self) -> None:
        super().setUp()
        self.manager = {"XDG_RUNTIME_DIR": f"/run/user/{self.ann.uid}"}
        # The login stays open: a first or last login changes files too.
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
        # Processes of sshd for a login through the tunnel may take a moment; ours must be gone at once.
        self.assertEqual(self.host.pids("holdfast") + self.host.pids("ssh -N"), [])
        self.assert_unchanged(self.fresh)
        self.assertEqual(self.sockets(), self.listening)
        units = self.host.run(["systemctl", "--user", "list-units", "--all", "--no-legend", "holdfast-*"],
                              user="ann", env=self.manager)
        self.assertEqual(units.stdout, "")
        until("the bastion's port to be free", lambda: self.bastion.who_listens(PORT) is None)
        self.assertEqual(self.holdfast.run("status", NAME, check=False).returncode, 4)

    def sub_state(self) -> str:
        return self.host.run(["systemctl", "--user", "show", "-p", "SubState", "--value", UNIT], user="ann",
                             env=self.manager).stdout.strip()


class Remove(RemoveTest):
    # -- states ------------------------------------------------------------------------------------------

    def test_a_tunnel_that_is_up_is_removed(self) -> None:
        self.setup()
        said = self.remove()
        for gone in (UNIT, f"{NAME}.conf", "linger"):
            self.assertIn(gone, said)
        self.assert_as_before()

    def test_a_stopped_tunnel_is_removed(self) -> None:
        self.setup()
        self.holdfast.run("stop", NAME, session=self.session)
        self.remove()
        self.assert_as_before()

    def test_a_tunnel_waiting_for_its_bastion_is_removed(self) -> None:
        self.setup()
        self.bastion.stop_sshd()
        self.addCleanup(self.bastion.start_sshd)
        until("status to report the loss", lambda: self.holdfast.state(NAME) != "up")
        self.remove()
        self.assert_as_before()

    def test_a_tunnel_between_crash_and_restart_is_removed(self) -> None:
        """systemd runs neither ExecStop nor ExecStopPost then: remove itself must end ssh."""
        status = self.setup()
        self.host.write_file(f"/run/user/{self.ann.uid}/systemd/user/{UNIT}.d/gap.conf", "[Service]\nRestartSec=30\n",
                             user="ann")
        self.host.run(["systemctl", "--user", "daemon-reload"], user="ann", env=self.manager)
        self.host.kill(status["supervisor_pid"])
        until("the unit to wait for its restart", lambda: self.sub_state() == "auto-restart")
        self.assertEqual(self.host.pids("ssh -N", "ann"), [status["ssh_pid"]])
        self.host.run(["rm", "-r", f"/run/user/{self.ann.uid}/systemd/user/{UNIT}.d"], user="ann")
        self.remove()
        self.assert_as_before()

    def test_a_unit_disabled_by_hand_is_removed(self) -> None:
        self.setup()
        self.host.run(["systemctl", "--user", "disable", "--now", UNIT], user="ann", env=self.manager)
        self.assertEqual(self.host.pids("ssh -N", "ann"), [])
        self.remove()
        self.assert_as_before()

    def test_a_tunnel_without_its_unit_file_is_removed(self) -> None:
        self.setup()
        self.host.run(["rm", f"{self.ann.home}/.config/systemd/user/{UNIT}"])
        self.remove()
        self.assert_as_before()

    def test_a_frozen_supervisor_is_removed(self) -> None:
        status = self.setup()
        self.host.kill(status["supervisor_pid"], signal.SIGSTOP)
        begin = time.monotonic()
        self.remove()
        self.note("remove of a frozen supervisor", time.monotonic() - begin)
        self.assert_as_before()

    def test_a_frozen_ssh_is_removed(self) -> None:
        status = self.setup()
        self.host.kill(status["ssh_pid"], signal.SIGSTOP)
        self.remove()
        self.assert_as_before()

    def test_it_is_removed_after_a_reboot(self) -> None:
        """From a login of another boot than that of setup."""
        self.setup()
        self.session.logout()
        self.host.reboot()
        self.session = self.host.login(self.ann)
        self.addCleanup(self.session.logout)
        self.holdfast.await_up(NAME)
        self.remove()
        self.assert_as_before()

    def test_it_is_removed_without_a_login_or_bus(self) -> None:
        self.setup()
        self.session.logout()
        self.holdfast.run("remove", NAME)
        self.assertEqual(self.host.pids("holdfast") + self.host.pids("ssh -N"), [])
        self.session = self.host.login(self.ann)
        self.addCleanup(self.session.logout)
        self.assert_as_before()

    def test_the_unit_goes_where_the_user_manager_looks(self) -> None:
        """The manager does not know the XDG_CONFIG_HOME that a shell exports."""
        env = {"XDG_CONFIG_HOME": f"{self.ann.home}/cfg"}
        self.holdfast.run("setup", "-p", NAME, "-b", "gate@bastion", session=self.session, env=env)
        status, = json.loads(self.holdfast.run("status", NAME, "--json", session=self.session, env=env).stdout)["tunnels"]
        self.assertEqual((status["state"], status["backend"]["name"]), ("up", "systemd-user"))
        self.assertTrue(self.host.exists(f"{self.ann.home}/.config/systemd/user/{UNIT}"))
        self.assertTrue(self.host.exists(f"{self.ann.home}/cfg/holdfast/tunnels/{NAME}.conf"))
        self.holdfast.run("remove", NAME, session=self.session, env=env)
        self.assert_as_before()

    def test_cron_starts_nothing_again_where_the_home_cannot_be_written(self) -> None:
        home = self.ann.home
        self.holdfast.run("setup", "-p", NAME, "-b", "gate@bastion", session=self.session, env={"HOLDFAST_BACKENDS": "cron"})
        self.host.run(["mount", "--bind", home, home])
        self.addCleanup(self.host.run, ["umount", "-l", home], check=False)
        self.host.run(["mount", "-o", "remount,bind,ro", home])
        stopped = self.holdfast.run("stop", NAME, session=self.session)
        self.assertIn(f"tunnel {NAME} is stopped", stopped.stdout)
        self.assertIn("read-only file system", stopped.stderr)
        self.assertEqual(self.host.pids("holdfast") + self.host.pids("ssh -N"), [])
        done = self.holdfast.run("remove", NAME, session=self.session, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("read-only file system", done.stderr)
        self.assertIn("removed its lines from your crontab", done.stdout)
        self.assertNotEqual(self.host.run(["crontab", "-l"], user="ann", check=False).returncode, 0)
        self.host.run(["umount", "-l", home])
        self.remove()
        self.assert_as_before()

    def test_the_backend_that_has_it_is_found_after_an_edit(self) -> None:
        for backend in ("systemd-user", "cron"):
            with self.subTest(backend):
                self.setup("--backend", backend)
                self.host.run(["sed", "-i", "s/^backend.*/backend = nohup/",
                               f"{self.ann.home}/.config/holdfast/tunnels/{NAME}.conf"], user="ann")
                done = self.holdfast.run("restart", NAME, session=self.session, check=False)
                self.assertIn(f"its file says backend = nohup, but {backend} still starts it", done.stderr)
                self.assertEqual(len(self.host.pids("holdfast run", "ann")), 1)
                self.holdfast.run("stop", NAME, session=self.session)
                time.sleep(3)  # systemd would start it again after 1 s
                self.assertEqual(self.host.pids("holdfast run", "ann"), [])
                self.remove()
                self.assert_as_before()
                self.assertNotEqual(self.host.run(["crontab", "-l"], user="ann", check=False).returncode, 0)

    def test_nothing_is_stopped_while_the_crontab_cannot_be_read(self) -> None:
        status = self.setup("--backend", "cron")
        self.host.write_file("/etc/cron.deny", "ann\n")
        self.addCleanup(self.host.run, ["rm", "-f", "/etc/cron.deny"])
        done = self.holdfast.run("remove", NAME, session=self.session, check=False)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("not allowed to use cron", done.stderr)
        self.assertEqual(self.holdfast.status(NAME)["supervisor_pid"], status["supervisor_pid"])
        self.host.run(["rm", "/etc/cron.deny"])
        self.remove()
        self.assert_as_before()

    def test_what_a_killed_setup_did_is_removed(self) -> None:
        self.session.run(f"{self.holdfast.path} setup -p {NAME} -b gate@10.255.255.1 --no-preflight >/dev/null 2>&1 & "
                         "while ! test -e /var/lib/systemd/linger/ann; do sleep .01; done; kill -KILL $!; wait",
                         check=False)
        self.remove()
        self.assert_as_before()

    def test_a_failing_setup_keeps_the_linger_of_another_tunnel(self) -> None:
        self.session.run(f"{self.holdfast.path} setup -p 2223 -b gate@10.255.255.1 --no-preflight >/dev/null 2>&1 & "
                         f"while ! test -e /var/lib/systemd/linger/ann; do sleep .01; done; "
                         f"{self.holdfast.path} setup -p {NAME} -b gate@bastion; wait")
        self.assertTrue(self.host.exists("/var/lib/systemd/linger/ann"))
        self.holdfast.await_up(NAME)
        self.remove()
        self.assert_as_before()

    def test_a_running_tunnel_without_its_files_is_removed(self) -> None:
        self.setup()
        self.addCleanup(self.host.run, ["loginctl", "disable-linger", "ann"])  # only the deleted record knew
        self.session.run("rm -r ~/.config/holdfast ~/.local/state/holdfast")
        self.remove()
        self.host.run(["loginctl", "disable-linger", "ann"])
        self.assertEqual(self.host.pids("holdfast") + self.host.pids("ssh -N"), [])
        self.assertFalse(self.host.exists(f"{self.ann.home}/.config/systemd/user/{UNIT}"))
        self.assertEqual(self.holdfast.run("status", NAME, check=False).returncode, 4)
        self.session.run("rm -rf ~/.config ~/.local/state")

    # -- what must stay -------------------------------------------------------------------------------

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

    def test_linger_stays_while_a_job_of_the_user_runs(self) -> None:
        """One that systemd-run started is enabled nowhere. Without linger it dies at logout."""
        self.setup()
        self.session.run("systemd-run --user --quiet --unit=long-job sleep 4568")
        self.addCleanup(self.host.run, ["loginctl", "disable-linger", "ann"])
        self.addCleanup(self.host.run, ["systemctl", "--user", "stop", "long-job"], user="ann", env=self.manager)
        said = self.remove()
        self.assertIn("left linger on: other units of yours may need it", said)
        self.assertTrue(self.host.exists("/var/lib/systemd/linger/ann"))
        self.assertEqual(len(self.host.pids("sleep 4568", "ann")), 1)

    def test_files_of_other_programs_stay(self) -> None:
        self.setup()
        for path in (".config/holdfast/notes", ".local/state/keep"):
            self.host.write_file(f"{self.ann.home}/{path}", "mine", user="ann")
        self.remove()
        for path in (".config/holdfast/notes", ".local/state/keep"):
            self.assertEqual(self.host.read_file(f"{self.ann.home}/{path}"), "mine")
        self.host.run(["rm", "-r", f"{self.ann.home}/.config/holdfast", f"{self.ann.home}/.local/state"])

    def test_an_unknown_name_exits_4_and_changes_nothing(self) -> None:
        done = self.holdfast.run("remove", "nothing", session=self.session, check=False)
        self.assertEqual(done.returncode, 4)
        self.assert_as_before()

    def test_remove_takes_a_port_or_all(self) -> None:
        for port in ("2231", "2232", "2233"):
            self.holdfast.run("setup", "-n", f"t{port}", "-p", port, "-b", "gate@bastion", session=self.session)
        self.holdfast.run("remove", "-p", "2231", session=self.session)
        self.assertEqual([t["name"] for t in self.holdfast.statuses()], ["t2232", "t2233"])
        self.holdfast.run("remove", "--all", session=self.session)
        self.assert_as_before()

    # -- a setup that fails ------------------------------------------------------------------------------

    def test_a_failed_setup_leaves_nothing(self) -> None:
        with self.bastion.fake_server() as holder:
            done = self.holdfast.run("setup", "-n", NAME, "-p", str(holder.port), "-b", "gate@bastion",
                                     session=self.session, check=False)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assert_as_before()

    def test_an_interrupted_setup_leaves_nothing(self) -> None:
        with self.bastion.stalling_sshd() as server:
            self.ann.trust(self.bastion, f"[bastion]:{server.port}")
            self.fresh = self.host.snapshot()
            terminal = self.session.terminal(f"{self.holdfast.path} setup -p {NAME} -b gate@bastion:{server.port}")
            until("setup to connect", lambda: server.connections)
            terminal.send("\x03")
            self.assertEqual(terminal.close(timeout=30), 130, terminal.seen)
        self.assert_as_before()


if __name__ == "__main__":
    main()
