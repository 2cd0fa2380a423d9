#!/usr/bin/python3
"""autossh at the restarts, under every kind of backend: who is killed comes back, and nothing is left in the end."""
from __future__ import annotations

import unittest

from lab import Holdfast, LabTest, User, main, until

PORT = 2222
NAME = str(PORT)


class Held(LabTest):
    """What all backends do alike."""
    BACKEND = ""
    CRASH = 0.0  # seconds until there is another supervisor after one was killed; 0: there is none
    REBOOT = False
    ann: User
    users: dict[str, Holdfast] = {}

    @classmethod
    def setUpClass(cls) -> None:
        if not cls.BACKEND:
            raise unittest.SkipTest("the classes below are the tests")
        super().setUpClass()
        host = cls.lab.workstation
        if "ann" not in Held.users:
            Held.ann = host.add_user("ann")
            cls.lab.bastion.admit(Held.ann)
            Held.users = {"ann": Holdfast(host, Held.ann), "root": Holdfast(host)}

    def setUp(self) -> None:
        super().setUp()
        self.host = self.lab.workstation
        self.holdfast = self.users["root" if self.BACKEND == "systemd-system" else "ann"]
        self.fresh = self.host.snapshot()
        more = ["--run-as", "ann"] if self.BACKEND == "systemd-system" else []
        self.holdfast.setup("-p", NAME, "-b", "gate@bastion", "--engine", "autossh", "--backend", self.BACKEND, *more)
        self.addCleanup(self.holdfast.run, "remove", NAME, check=False)
        self.before = self.holdfast.await_up(NAME)

    def answers(self) -> bool:
        return self.lab.bastion.banner(PORT, timeout=0.5) is not None

    def autossh(self) -> int:
        """The one that has the tunnel's ssh."""
        ssh = self.holdfast.status(NAME)["ssh_pid"]
        parent = int(self.host.run(["ps", "-o", "ppid=", "-p", str(ssh)]).stdout)
        self.assertIn(parent, self.host.pids("autossh", "ann"))
        return parent

    def test_who_is_killed_comes_back(self) -> None:
        self.assertEqual((self.before["engine"], self.before["backend"]["name"]), ("autossh", self.BACKEND))
        autossh = self.autossh()
        self.host.kill(self.before["ssh_pid"])
        until("another ssh", lambda: self.holdfast.status(NAME)["ssh_pid"] not in (None, self.before["ssh_pid"]))
        after = self.holdfast.await_up(NAME)
        self.assertEqual((self.autossh(), after["supervisor_pid"]), (autossh, self.before["supervisor_pid"]))
        self.host.kill(autossh)
        until("another autossh", lambda: autossh not in self.host.pids("autossh", "ann"))
        until("another ssh", lambda: self.holdfast.status(NAME)["ssh_pid"] not in (None, after["ssh_pid"]))
        self.holdfast.await_up(NAME)
        self.assertEqual(self.lab.bastion.ssh_through(PORT, "ann", "hostname"), "workstation\n")

    def test_the_tunnel_outlives_the_supervisor(self) -> None:
        survives = self.before["backend"]["survives"]["crash"]
        self.host.kill(self.before["supervisor_pid"])
        if not self.CRASH:
            self.assertEqual(survives, "no")
            until("status to tell", lambda: self.holdfast.state(NAME) == "stopped")
            self.assertTrue(self.answers(), "autossh goes on")
            return
        self.assertNotEqual(survives, "no")
        until("another supervisor", lambda: self.holdfast.status(NAME)["supervisor_pid"]
              not in (None, self.before["supervisor_pid"]), timeout=self.CRASH)
        self.holdfast.await_up(NAME)
        until("one autossh alone", lambda: len(self.host.pids("autossh", "ann")) == 1)

    def test_a_reboot(self) -> None:
        if not self.REBOOT:
            self.assertEqual(self.before["backend"]["survives"]["reboot"], "no")
            return
        self.host.reboot()
        until("the port to answer", self.answers, timeout=30)
        self.assertEqual(self.holdfast.await_up(NAME, timeout=90)["engine"], "autossh")

    def test_stop_and_remove_leave_nothing(self) -> None:
        for leave in ("stop", "remove"):
            self.holdfast.run(leave, NAME)
            for process in ("autossh", "ssh -N", "holdfast run"):
                self.assertEqual(self.host.pids(process, "ann"), [], f"{process} after {leave}")
        self.assertFalse(self.answers())
        changes = [line for line in self.fresh.changes(self.host.snapshot()) if "holdfast" in line]
        self.assertEqual(changes, [])


class SystemdUser(Held):
    BACKEND, CRASH, REBOOT = "systemd-user", 10, True


class Cron(Held):
    BACKEND, CRASH, REBOOT = "cron", 75, True


class Tmux(Held):
    BACKEND = "tmux"


class Nohup(Held):
    BACKEND = "nohup"

    def test_a_forward_of_the_users_configuration_is_not_opened(self) -> None:
        self.holdfast.run("remove", NAME)
        config = f"{self.ann.home}/.ssh/config"
        self.host.run(["sh", "-c", f"printf 'Host bastion\\n LocalForward 18080 localhost:80\\n' > {config}"], user="ann")
        self.addCleanup(self.host.run, ["rm", config])
        done = self.holdfast.setup("-p", NAME, "-b", "gate@bastion", "--engine", "autossh", "--backend", "nohup",
                                   check=False)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("adds a forward of its own", done.stderr)
        self.assertEqual(self.host.pids("ssh -N", "ann"), [])


class SystemdSystem(Held):
    BACKEND, CRASH, REBOOT = "systemd-system", 10, True


if __name__ == "__main__":
    main()
