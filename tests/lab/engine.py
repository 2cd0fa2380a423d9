#!/usr/bin/python3
"""`engine = autossh` under every kind of backend: each killed process is replaced, and remove leaves nothing."""
from __future__ import annotations

from lab import BackendTest, Holdfast, main, until

PORT = 2222
NAME = str(PORT)


class Engine(BackendTest):
    CRASH = 0.0  # seconds until a killed supervisor is replaced; 0: it is not
    REBOOT = False
    user: Holdfast
    system: Holdfast

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.user, cls.system = cls.holdfast, Holdfast(cls.host)

    def setUp(self) -> None:
        super().setUp()
        self.holdfast = self.system if self.BACKEND == "systemd-system" else self.user
        self.fresh = self.host.snapshot()
        more = ["--run-as", "ann"] if self.BACKEND == "systemd-system" else []
        self.holdfast.setup("-p", NAME, "-b", "gate@bastion", "--engine", "autossh", "--backend", self.BACKEND, *more)
        self.addCleanup(self.holdfast.run, "remove", NAME, check=False)
        self.before = self.holdfast.await_up(NAME)

    def autossh(self) -> int:
        """The parent of the tunnel's ssh."""
        ssh = self.holdfast.status(NAME)["ssh_pid"]
        parent = int(self.host.run(["ps", "-o", "ppid=", "-p", str(ssh)]).stdout)
        self.assertIn(parent, self.host.pids("autossh", "ann"))
        return parent

    def test_a_killed_ssh_or_autossh_is_replaced(self) -> None:
        self.assertEqual((self.before["engine"], self.before["backend"]["name"]), ("autossh", self.BACKEND))
        autossh = self.autossh()
        self.host.kill(self.before["ssh_pid"])
        until("a new ssh", lambda: self.holdfast.status(NAME)["ssh_pid"] not in (None, self.before["ssh_pid"]))
        after = self.holdfast.await_up(NAME)
        self.assertEqual((self.autossh(), after["supervisor_pid"]), (autossh, self.before["supervisor_pid"]))
        self.host.kill(autossh)
        until("a new autossh", lambda: autossh not in self.host.pids("autossh", "ann"))
        until("a new ssh", lambda: self.holdfast.status(NAME)["ssh_pid"] not in (None, after["ssh_pid"]))
        self.holdfast.await_up(NAME)
        self.assert_leads_home()

    def test_the_tunnel_survives_a_killed_supervisor(self) -> None:
        survives = self.before["backend"]["survives"]["crash"]
        self.host.kill(self.before["supervisor_pid"])
        if not self.CRASH:
            self.assertEqual(survives, "no")
            until("status to report it", lambda: self.holdfast.state(NAME) == "failed")
            self.assertTrue(self.answers(), "the tunnel answers, because autossh still runs")
            return
        self.assertNotEqual(survives, "no")
        until("a new supervisor", lambda: self.holdfast.status(NAME)["supervisor_pid"]
              not in (None, self.before["supervisor_pid"]), timeout=self.CRASH)
        self.holdfast.await_up(NAME)
        until("exactly one autossh", lambda: len(self.host.pids("autossh", "ann")) == 1)

    def test_it_survives_a_reboot_if_its_backend_does(self) -> None:
        if not self.REBOOT:
            self.assertEqual(self.before["backend"]["survives"]["reboot"], "no")
            return
        self.host.reboot()
        until("the port to answer", self.answers, timeout=60)
        self.assertEqual(self.holdfast.await_up(NAME, timeout=90)["engine"], "autossh")

    def test_stop_and_remove_leave_nothing(self) -> None:
        for leave in ("stop", "remove"):
            self.holdfast.run(leave, NAME)
            for process in ("autossh", "ssh -N", "holdfast run"):
                self.assertEqual(self.host.pids(process, "ann"), [], f"{process} after {leave}")
        self.assertFalse(self.answers())
        changes = [line for line in self.fresh.changes(self.host.snapshot()) if "holdfast" in line]
        self.assertEqual(changes, [])


class SystemdUser(Engine):
    BACKEND, CRASH, REBOOT = "systemd-user", 10, True


class Cron(Engine):
    BACKEND, CRASH, REBOOT = "cron", 75, True


class Tmux(Engine):
    BACKEND = "tmux"


class Nohup(Engine):
    BACKEND = "nohup"

    def test_setup_refuses_a_forward_in_the_ssh_configuration(self) -> None:
        self.holdfast.run("remove", NAME)
        config = f"{self.ann.home}/.ssh/config"
        self.host.run(["sh", "-c", f"printf 'Host bastion\\n LocalForward 18080 localhost:80\\n' > {config}"], user="ann")
        self.addCleanup(self.host.run, ["rm", config])
        done = self.holdfast.setup("-p", NAME, "-b", "gate@bastion", "--engine", "autossh", "--backend", "nohup",
                                   check=False)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("adds a forward that autossh cannot leave out", done.stderr)
        self.assertEqual(self.host.pids("ssh -N", "ann"), [])


class SystemdSystem(Engine):
    BACKEND, CRASH, REBOOT = "systemd-system", 10, True


if __name__ == "__main__":
    main()
