#!/usr/bin/python3
"""An ordinary user over a real login: one program in ~/.local/bin, one `setup`, and what the tunnel then outlives."""
from __future__ import annotations

import signal
import time
from typing import Any, Callable

from lab import Holdfast, LabTest, User, Watch, holds, main, until

PORT = 2222
NAME = str(PORT)


class UserTunnel(LabTest):
    ann: User
    holdfast: Holdfast

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.ann = cls.lab.workstation.add_user("ann")
        cls.lab.bastion.admit(cls.ann)
        cls.holdfast = Holdfast(cls.lab.workstation, cls.ann)
        begin = time.monotonic()
        cls.said = cls.holdfast.setup("-p", NAME, "-b", "gate@bastion")
        cls.setup_seconds = time.monotonic() - begin

    def setUp(self) -> None:
        super().setUp()
        self.before = self.holdfast.await_up(NAME, timeout=60)
        self.assertTrue(self.answers())

    def answers(self) -> bool:
        return self.lab.bastion.banner(PORT, timeout=0.5) is not None

    def watch(self) -> Watch:
        return Watch(self.answers, claim=lambda: self.holdfast.state(NAME))

    def mended(self, watch: Watch, changed: str = "ssh_pid", timeout: float = 20) -> dict[str, Any]:
        """Until the tunnel is up again by another process than before, and carries a login."""
        def by_another() -> dict[str, Any]:
            status = self.holdfast.status(NAME)
            if status["state"] != "up" or not status["verified"] or status[changed] in (None, self.before[changed]):
                raise AssertionError(status)
            return status
        try:
            status = until("the tunnel to be mended", by_another, timeout)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{watch.timeline()}") from None
        self.assertEqual(self.lab.bastion.ssh_through(PORT, "ann", "hostname"), "workstation\n")
        return status

    def assert_short(self, watch: Watch, what: str, silent: float, lies: float) -> None:
        """The port was silent for no longer than this, and a silent port was called "up" for no longer than that."""
        longest = max((end - begin for begin, end in watch.outages()), default=0.0)
        self.note(f"{what}: port silent for", longest)
        self.assertLess(longest, silent, watch.timeline())
        self.assertEqual(watch.lies(longer_than=lies), [], watch.timeline())

    # -- one command -------------------------------------------------------------------------------------

    def test_one_setup_leads_home(self) -> None:
        self.note("login, setup, logout", self.setup_seconds)
        self.assertEqual(self.lab.bastion.ssh_through(PORT, "ann", "hostname"), "workstation\n")
        self.assertEqual(self.before["backend"], {
            "name": "systemd-user", "installed": True, "running": True,
            "survives": {"crash": "yes", "logout": "yes", "reboot": "yes"}})
        self.assertEqual(self.before["forwards"], [
            {"listen": f"127.0.0.1:{PORT}", "target": "localhost:22", "state": "up"}])
        self.assertEqual((self.before["host"], self.before["bastion"], self.before["engine"]),
                         ("workstation", "gate@bastion", "native"))
        self.assertEqual(self.lab.workstation.pids("holdfast run", "ann"), [self.before["supervisor_pid"]])

    def test_setup_shows_its_steps_and_how_to_come_in(self) -> None:
        said = self.said.stdout + self.said.stderr
        for word in ("bastion reached", "host key known", "key accepted", "port 2222 free and allowed", "local target", "verified",
                     " ms", "-p 2222 ann@127.0.0.1"):
            self.assertIn(word, said)

    def test_setup_again_changes_nothing_and_says_so(self) -> None:
        snapshot = self.lab.workstation.snapshot()
        with self.lab.workstation.login(self.ann) as session:
            again = self.holdfast.run("setup", "-p", NAME, "-b", "gate@bastion", session=session)
        self.assertIn("nothing to do", again.stdout + again.stderr)
        after = self.holdfast.status(NAME)
        self.assertEqual((after["ssh_pid"], after["supervisor_pid"]),
                         (self.before["ssh_pid"], self.before["supervisor_pid"]))
        self.lab.workstation.await_no_session(self.ann)
        self.assertEqual(snapshot.changes(self.lab.workstation.snapshot()), [])

    def test_status_is_exit_status_table_and_detail(self) -> None:
        table = self.holdfast.run("status")
        self.assertRegex(table.stdout, r"2222\s.*up")
        self.assertIn("gate@bastion", self.holdfast.run("status", NAME).stdout)
        self.assertEqual(self.holdfast.run("status", "other", check=False).returncode, 4)

    # -- the ways to a bastion ---------------------------------------------------------------------------

    def extra(self, bastion: str, config: str = "") -> dict[str, Any]:
        """A second tunnel, by this name for the bastion and with this ssh_config, that has carried a login."""
        port = 2250
        if config:
            path = f"{self.ann.home}/.ssh/config"
            self.lab.workstation.write_file(path, config, mode="600", user="ann")
            self.addCleanup(self.lab.workstation.run, ["rm", path])
        self.holdfast.setup("-p", str(port), "-b", bastion)
        self.addCleanup(self.holdfast.run, "remove", str(port))
        status = self.holdfast.await_up(str(port))
        self.assertEqual(self.lab.bastion.ssh_through(port, "ann", "hostname"), "workstation\n")
        return status

    def test_alias_of_ssh_config(self) -> None:
        self.extra("work", f"Host work\n  HostName {self.lab.bastion.address}\n  User gate\n")

    def test_address_of_ipv6(self) -> None:
        address = self.lab.bastion.place.address6
        self.ann.trust(self.lab.bastion, address)
        self.assertEqual(self.extra(f"gate@[{address}]")["bastion"], f"gate@[{address}]")

    def test_another_port(self) -> None:
        self.lab.bastion.configure(Port="22\nPort 2022")
        self.addCleanup(self.lab.bastion.configure)
        self.ann.trust(self.lab.bastion, "[bastion]:2022")
        self.extra("gate@bastion:2022")

    def test_jump_host(self) -> None:
        where = f"Host inner\n  HostName {self.lab.bastion.address}\n  User gate\n  ProxyJump gate@bastion\n"
        self.extra("inner", where)

    def test_ssh_config_that_would_break_a_tunnel_does_not(self) -> None:
        self.extra("gate@bastion", "\n".join([
            "Host *", "  ControlMaster auto", "  ControlPath ~/.ssh/shared-%C", "  ControlPersist 10m",
            "  RemoteForward 2260 localhost:22", "  LocalForward 2261 localhost:22", "  ExitOnForwardFailure no",
            "  RemoteCommand touch pwned", "  PermitLocalCommand yes", "  LocalCommand touch ~/pwned",
            "  ForkAfterAuthentication yes", "  RequestTTY force", "  BatchMode no", "  StrictHostKeyChecking no",
            "  LogLevel QUIET", "  ServerAliveInterval 0", ""]))
        self.assertIsNone(self.lab.bastion.who_listens(2260))
        self.assertFalse(self.lab.workstation.exists(f"{self.ann.home}/pwned"))
        self.assertFalse(self.lab.bastion.exists("/home/gate/pwned"))

    # -- what it outlives --------------------------------------------------------------------------------

    def test_logout_does_not_end_it(self) -> None:
        host = self.lab.workstation
        with host.login(self.ann):
            pass
        host.await_no_session(self.ann)
        holds("the tunnel after logout", self.answers, seconds=3)
        status = self.holdfast.status(NAME)
        self.assertEqual((status["state"], status["ssh_pid"]), ("up", self.before["ssh_pid"]))

    def test_reboot_brings_it_back_without_a_login(self) -> None:
        host = self.lab.workstation
        for act in (host.reboot, host.power_cut):
            with self.subTest(act.__name__):
                act()
                begin = time.monotonic()
                until("the port to answer", self.answers, timeout=20)
                self.note(f"{act.__name__}: from the end of the boot to an answer", time.monotonic() - begin)
                self.assertEqual(host.sessions(self.ann), {})
                self.holdfast.await_up(NAME)
                self.assertEqual(self.lab.bastion.ssh_through(PORT, "ann", "hostname"), "workstation\n")

    def test_killed_ssh_is_replaced(self) -> None:
        with self.watch() as watch:
            self.lab.workstation.kill(self.before["ssh_pid"])
            after = self.mended(watch)
        self.assertEqual(after["supervisor_pid"], self.before["supervisor_pid"])
        self.assert_short(watch, "kill -9 ssh", silent=3, lies=2)

    def test_killed_supervisor_is_replaced(self) -> None:
        with self.watch() as watch:
            self.lab.workstation.kill(self.before["supervisor_pid"])
            self.mended(watch, changed="supervisor_pid")
        self.assert_short(watch, "kill -9 supervisor", silent=5, lies=2)
        self.assertEqual(len(self.lab.workstation.pids("ssh -N")), 1)

    def test_stopped_bastion_is_waited_for(self) -> None:
        with self.watch() as watch:
            self.lab.bastion.stop_sshd()
            until("the loss to be told", lambda: self.holdfast.state(NAME) != "up", timeout=3)
            time.sleep(3)
            self.lab.bastion.start_sshd()
            begin = time.monotonic()
            self.mended(watch)
        self.note("bastion's sshd away for 3 s: from its return to up", time.monotonic() - begin)
        self.assert_short(watch, "bastion's sshd away for 3 s", silent=15, lies=2)

    def test_bastion_that_loses_power_is_waited_for(self) -> None:
        with self.watch() as watch:
            self.lab.bastion.power_cut()
            begin = time.monotonic()
            self.mended(watch, timeout=90)
        self.note("bastion's power cut: from its return to up", time.monotonic() - begin)
        self.assert_short(watch, "bastion's power cut", silent=90, lies=75)

    def test_cable_out_for_ten_seconds(self) -> None:
        for out, back in ((self.lab.network.unplug, self.lab.network.plug),
                          (self.lab.network.interface_down, self.lab.network.interface_up)):
            with self.subTest(out.__name__):
                self.before = self.holdfast.await_up(NAME)
                with self.watch() as watch:
                    self.during(out, 10)
                    back("workstation")
                    begin = time.monotonic()
                    until("the port to answer again", self.answers, timeout=20)
                    seconds = time.monotonic() - begin
                    self.holdfast.await_up(NAME)
                self.note(f"{out.__name__} for 10 s: from its return to an answer", seconds)
                self.assertLess(seconds, 5, watch.timeline())

    def during(self, out: Callable[[str], None], seconds: float) -> None:
        out("workstation")
        time.sleep(seconds)  # the length of the fault is what is tested

    # -- what it obeys -----------------------------------------------------------------------------------

    def test_stop_start_and_restart(self) -> None:
        self.holdfast.run("stop", NAME)
        self.assertFalse(self.answers())
        self.assertEqual(self.lab.workstation.pids("ssh -N"), [])
        status = self.holdfast.status(NAME)
        self.assertEqual((status["state"], status["backend"]["installed"]), ("stopped", True))
        self.assertEqual(self.holdfast.run("status", NAME, check=False).returncode, 3)
        self.holdfast.run("start", NAME)
        self.before = self.holdfast.await_up(NAME)
        self.holdfast.run("restart", NAME)
        after = self.holdfast.await_up(NAME)
        self.assertNotEqual(after["supervisor_pid"], self.before["supervisor_pid"])

    def test_logs_tell_what_happened(self) -> None:
        with self.watch() as watch:
            self.lab.workstation.kill(self.before["ssh_pid"], signal.SIGTERM)
            self.mended(watch)
        self.assertIn("up", self.holdfast.run("logs", NAME, "-n", "20").stdout)


if __name__ == "__main__":
    main()
