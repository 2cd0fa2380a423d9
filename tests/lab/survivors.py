#!/usr/bin/python3
"""Processes of a tunnel whose runtime files are gone, or lie in another /tmp than the command's."""
from __future__ import annotations

import signal
from typing import Any

from lab import Holdfast, UserTest, main, until
from lab.host import Completed

NAME = "2222"
BASTION = ("-b", "gate@bastion")


class Survivors(UserTest):
    def setUp(self) -> None:
        super().setUp()
        self.holdfast.setup("-p", NAME, *BASTION, "--backend", "nohup")
        self.addCleanup(self.holdfast.run, "remove", NAME, check=False)
        self.before = self.holdfast.await_up(NAME)

    def with_another_tmp(self, *arguments: str) -> Completed[str]:
        """Runs ann's holdfast with an empty /tmp of its own."""
        script = ("mount -t tmpfs -o mode=1777 none /tmp; exec setpriv --reuid=ann --regid=ann --init-groups "
                  'env HOME=/home/ann USER=ann LOGNAME=ann "$@"')
        return self.host.run(["unshare", "--mount", "sh", "-ec", script, "sh", self.holdfast.path, *arguments],
                             check=False)

    def start_by_hand(self, command: str) -> dict[str, Any]:
        self.holdfast.run("stop", NAME)
        self.host.run(["setsid", "--fork", "sh", "-c", f"exec {command} > /dev/null 2>&1"], user="ann")
        return self.holdfast.await_up(NAME)

    def assert_ended(self, before: dict[str, Any]) -> None:
        for process in ("supervisor_pid", "ssh_pid"):
            self.assertFalse(self.host.exists(f"/proc/{before[process]}"), process)
        until("the bastion to free the port", lambda: not self.answers())

    def test_stop_finds_a_supervisor_that_was_started_without_a_scope(self) -> None:
        before = self.start_by_hand(f"{self.holdfast.path} run {NAME}")
        # During a supervisor's first second status does not doubt it: its runtime directory may just be made.
        until("status to name the supervisor", lambda: f"supervisor {before['supervisor_pid']} runs" in
              self.with_another_tmp("status", NAME).stdout)
        stopped = self.with_another_tmp("stop", NAME)
        self.assertEqual(stopped.returncode, 0, stopped.stderr)
        self.assert_ended(before)

    def test_remove_finds_a_supervisor_of_another_program_name(self) -> None:
        other = f"{self.ann.home}/tunnel-keeper"
        self.host.run(["cp", self.holdfast.path, other], user="ann")
        self.addCleanup(self.host.run, ["rm", "-f", other])
        before = self.start_by_hand(f"{other} run --user {NAME}")
        self.with_another_tmp("ensure", NAME)
        self.assertEqual(len(self.host.pids(f"run --user {NAME}", "ann")), 1)
        removed = self.with_another_tmp("remove", NAME)
        self.assertIn(f"stopped supervisor {before['supervisor_pid']}", removed.stdout)
        self.assert_ended(before)

    def test_stop_ends_an_ssh_whose_supervisor_was_killed(self) -> None:
        self.host.kill(self.before["supervisor_pid"], signal.SIGKILL)
        self.assertIn(f"ssh {self.before['ssh_pid']} still runs", self.with_another_tmp("status", NAME).stdout)
        stopped = self.with_another_tmp("stop", NAME)
        self.assertEqual(stopped.returncode, 0, stopped.stderr)
        self.assert_ended(self.before)

    def test_remove_clears_a_runtime_directory_that_the_file_no_longer_names(self) -> None:
        former, other = f"/tmp/holdfast-{self.ann_uid()}", f"/var/tmp/holdfast-{self.ann_uid()}"
        self.assertTrue(self.host.exists(former))
        self.host.run(["mkdir", "-m", "700", other], user="ann")
        file = f"{self.ann.home}/.config/holdfast/tunnels/{NAME}.conf"
        self.host.write_file(file, self.host.read_file(file).replace(former, other), mode="600", user="ann")
        self.holdfast.run("remove", NAME)
        self.assert_ended(self.before)
        self.assertEqual([path for path in (former, other) if self.host.exists(path)], [])

    def ann_uid(self) -> str:
        return self.host.run(["id", "-u", "ann"]).stdout.strip()


class SystemSurvivors(UserTest):
    def test_a_vanished_runtime_directory_is_made_again(self) -> None:
        root = Holdfast(self.host)
        root.setup("-p", NAME, *BASTION, "--run-as", "ann")
        self.addCleanup(root.run, "remove", NAME)
        before = root.await_up(NAME)
        self.host.run(["rm", "-rf", f"/run/holdfast/{NAME}"])
        self.assertTrue(self.answers())
        self.host.kill(before["ssh_pid"], signal.SIGKILL)
        root.await_up(NAME, timeout=30)
        self.assert_leads_home()


if __name__ == "__main__":
    main()
