#!/usr/bin/python3
"""An ordinary user in a real login: one program in ~/.local/bin, one `setup`, and what the tunnel survives."""
from __future__ import annotations

import copy
import json
import signal
import time
from typing import Any, Callable

from lab import Session, UserTest, Watch, holds, main, until

PORT = 2222
NAME = str(PORT)


class UserTunnel(UserTest):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        begin = time.monotonic()
        cls.said = cls.holdfast.setup("-p", NAME, "-b", "gate@bastion")
        cls.setup_seconds = time.monotonic() - begin

    def setUp(self) -> None:
        super().setUp()
        self.before = self.holdfast.await_up(NAME, timeout=60)
        self.assertTrue(self.answers())

    def watch(self) -> Watch:
        return Watch(self.answers, claim=lambda: self.holdfast.state(NAME))

    def await_recovery(self, watch: Watch, changed: str = "ssh_pid", timeout: float = 20) -> dict[str, Any]:
        """Waits until another process has the tunnel up and a login passes through it."""
        def is_replaced() -> dict[str, Any]:
            status = self.holdfast.status(NAME)
            if status["state"] != "up" or not status["verified"] or status[changed] in (None, self.before[changed]):
                raise AssertionError(status)
            return status
        try:
            status = until("the tunnel to recover", is_replaced, timeout)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{watch.timeline()}") from None
        self.assert_leads_home()
        return status

    def assert_short(self, watch: Watch, what: str, silent: float, lies: float) -> None:
        """Limits in seconds: how long the port was silent, and how long status called a silent port "up"."""
        longest = max((end - begin for begin, end in watch.outages()), default=0.0)
        self.note(f"{what}: port silent for", longest)
        self.assertLess(longest, silent, watch.timeline())
        self.assertEqual(watch.lies(longer_than=lies), [], watch.timeline())

    # -- one command -------------------------------------------------------------------------------------

    def test_one_setup_gives_a_working_tunnel(self) -> None:
        self.note("login, setup, logout", self.setup_seconds)
        self.assert_leads_home()
        self.assertEqual(self.before["backend"], {
            "name": "systemd-user", "installed": True, "running": True,
            "survives": {"crash": "yes", "logout": "yes", "reboot": "yes"}})
        self.assertEqual(self.before["forwards"], [
            {"listen": f"127.0.0.1:{PORT}", "target": "localhost:22", "state": "up", "bound": "loopback"}])
        self.assertEqual((self.before["host"], self.before["bastion"], self.before["engine"]),
                         ("workstation", "gate@bastion", "native"))
        self.assertEqual(self.host.pids("holdfast run", "ann"), [self.before["supervisor_pid"]])

    def test_setup_shows_its_steps_and_the_client_command(self) -> None:
        said = self.said.stdout + self.said.stderr
        for word in ("bastion reached", "host key known", "key accepted", "port 2222 free and allowed", "local target", "verified",
                     " ms", "-p 2222 ann@127.0.0.1"):
            self.assertIn(word, said)

    def test_setup_again_changes_nothing_and_says_so(self) -> None:
        snapshot = self.host.snapshot()
        with self.host.login(self.ann) as session:
            again = self.holdfast.run("setup", "-p", NAME, "-b", "gate@bastion", session=session)
        self.assertIn("nothing to do", again.stdout + again.stderr)
        after = self.holdfast.status(NAME)
        self.assertEqual((after["ssh_pid"], after["supervisor_pid"]),
                         (self.before["ssh_pid"], self.before["supervisor_pid"]))
        self.host.await_no_session(self.ann)
        self.assertEqual(snapshot.changes(self.host.snapshot()), [])

    def test_status_shows_a_table_or_one_tunnel(self) -> None:
        table = self.holdfast.run("status")
        self.assertRegex(table.stdout, r"2222\s.*up")
        self.assertIn("gate@bastion", self.holdfast.run("status", NAME).stdout)
        self.assertEqual(self.holdfast.run("status", "other", check=False).returncode, 4)

    # -- how ssh finds the bastion ---------------------------------------------------------------------------

    def second_tunnel(self, bastion: str, config: str = "") -> dict[str, Any]:
        """Sets up a second tunnel to this bastion with this ~/.ssh/config, and logs in through it."""
        port = 2250
        if config:
            path = f"{self.ann.home}/.ssh/config"
            self.host.write_file(path, config, mode="600", user="ann")
            self.addCleanup(self.host.run, ["rm", path])
        self.holdfast.setup("-p", str(port), "-b", bastion)
        self.addCleanup(self.holdfast.run, "remove", str(port))
        status = self.holdfast.await_up(str(port))
        self.assertEqual(self.bastion.ssh_through(port, "ann", "hostname"), "workstation\n")
        return status

    def test_an_alias_of_ssh_config_works(self) -> None:
        self.second_tunnel("work", f"Host work\n  HostName {self.bastion.address}\n  User gate\n")

    def test_an_ipv6_address_works(self) -> None:
        address = self.bastion.place.address6
        self.ann.trust(self.bastion, address)
        self.assertEqual(self.second_tunnel(f"gate@[{address}]")["bastion"], f"gate@[{address}]")

    def test_another_ssh_port_works(self) -> None:
        self.bastion.configure(Port="22\nPort 2022")
        self.addCleanup(self.bastion.configure)
        self.ann.trust(self.bastion, "[bastion]:2022")
        self.second_tunnel("gate@bastion:2022")

    def test_a_jump_host_works(self) -> None:
        config = f"Host inner\n  HostName {self.bastion.address}\n  User gate\n  ProxyJump gate@bastion\n"
        self.second_tunnel("inner", config)

    def test_a_hostile_ssh_config_does_not_break_it(self) -> None:
        self.second_tunnel("gate@bastion", "\n".join([
            "Host *", "  ControlMaster auto", "  ControlPath ~/.ssh/shared-%C", "  ControlPersist 10m",
            "  RemoteForward 2260 localhost:22", "  LocalForward 2261 localhost:22", "  ExitOnForwardFailure no",
            "  RemoteCommand touch pwned", "  PermitLocalCommand yes", "  LocalCommand touch ~/pwned",
            "  ForkAfterAuthentication yes", "  RequestTTY force", "  BatchMode no", "  StrictHostKeyChecking no",
            "  LogLevel QUIET", "  ServerAliveInterval 0", ""]))
        self.assertIsNone(self.bastion.who_listens(2260))
        self.assertFalse(self.host.exists(f"{self.ann.home}/pwned"))
        self.assertFalse(self.bastion.exists("/home/gate/pwned"))

    # -- what it survives --------------------------------------------------------------------------------

    def test_it_survives_a_logout(self) -> None:
        host = self.host
        with host.login(self.ann):
            pass
        host.await_no_session(self.ann)
        holds("the tunnel after logout", self.answers, seconds=3)
        status = self.holdfast.status(NAME)
        self.assertEqual((status["state"], status["ssh_pid"]), ("up", self.before["ssh_pid"]))

    def test_it_returns_after_a_reboot_without_a_login(self) -> None:
        host = self.host
        for act in (host.reboot, host.power_cut):
            with self.subTest(act.__name__):
                act()
                begin = time.monotonic()
                until("the port to answer", self.answers, timeout=60)
                self.note(f"{act.__name__}: from the end of the boot to an answer", time.monotonic() - begin)
                self.assertEqual(host.sessions(self.ann), {})
                self.holdfast.await_up(NAME)
                self.assert_leads_home()

    def test_a_killed_ssh_is_replaced(self) -> None:
        with self.watch() as watch:
            self.host.kill(self.before["ssh_pid"])
            after = self.await_recovery(watch)
        self.assertEqual(after["supervisor_pid"], self.before["supervisor_pid"])
        self.assert_short(watch, "kill -9 ssh", silent=3, lies=2)

    def test_a_killed_supervisor_is_replaced(self) -> None:
        with self.watch() as watch:
            self.host.kill(self.before["supervisor_pid"])
            self.await_recovery(watch, changed="supervisor_pid")
        self.assert_short(watch, "kill -9 supervisor", silent=5, lies=2)
        self.assertEqual(len(self.host.pids("ssh -N")), 1)

    def test_it_reconnects_to_a_restarted_bastion(self) -> None:
        with self.watch() as watch:
            self.bastion.stop_sshd()
            until("status to report the loss", lambda: self.holdfast.state(NAME) != "up")
            time.sleep(3)  # the length of the fault is what is tested
            self.bastion.start_sshd()
            begin = time.monotonic()
            self.await_recovery(watch)
        self.note("bastion's sshd away for 3 s: from its return to up", time.monotonic() - begin)
        self.assert_short(watch, "bastion's sshd away for 3 s", silent=15, lies=2)

    def test_it_reconnects_after_a_power_cut_of_the_bastion(self) -> None:
        with self.watch() as watch:
            self.bastion.power_cut()
            begin = time.monotonic()
            self.await_recovery(watch, timeout=90)
        self.note("bastion's power cut: from its return to up", time.monotonic() - begin)
        self.assert_short(watch, "bastion's power cut", silent=90, lies=75)

    def test_it_survives_ten_seconds_without_a_cable(self) -> None:
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

    # -- a home that is mounted late ------------------------------------------------------------------------

    def test_ensure_starts_a_unit_that_the_manager_did_not_find(self) -> None:
        """NFS, an automounter, a bind mount: with linger, the user manager is there before the home."""
        home, manager = self.ann.home, f"/run/user/{self.ann.uid}/systemd/private"
        self.host.run(["sh", "-ec", f"mkdir /srv/late; mv {home} /srv/late/ann; install -d -o ann -m 700 {home}"])
        self.host.write_file("/etc/systemd/system/late-home.service", "\n".join([
            "[Service]", "Type=oneshot",
            f"ExecStart=sh -c 'until test -S {manager}; do sleep .1; done; sleep 1; mount --bind /srv/late/ann {home}'",
            "[Install]", "WantedBy=multi-user.target", ""]))
        self.host.run(["systemctl", "enable", "late-home.service"])
        self.addCleanup(self.put_home_back)
        self.host.reboot()
        until("the home to be mounted", lambda: self.host.exists(self.holdfast.path))
        status = self.holdfast.status(NAME)
        self.assertEqual((status["state"], status["backend"]["survives"]["reboot"]), ("stopped", "no"))
        # `systemctl show` makes newer managers look for the unit again.
        self.assertLessEqual(set(status["installation"]["problems"]), {"systemd has not found its unit file yet"})
        told = json.loads(self.holdfast.run("doctor", "--json", check=False).stdout)
        reason, = (backend["reason"] for backend in told["backends"] if backend["name"] == "systemd-user")
        self.assertIn("is a mount of its own", reason)
        self.holdfast.run("ensure")
        self.holdfast.await_up(NAME)
        self.assert_leads_home()
        self.holdfast.run("stop", NAME)
        self.holdfast.run("ensure")
        self.assertEqual(self.holdfast.state(NAME), "stopped")

    def put_home_back(self) -> None:
        home = self.ann.home
        self.host.run(["systemctl", "disable", "late-home.service"])
        self.host.power_off()
        self.host.boot()
        self.host.run(["sh", "-ec", f"rmdir {home}; mv /srv/late/ann {home}; rmdir /srv/late; "
                                    "rm /etc/systemd/system/late-home.service"])
        self.host.reboot()
        self.holdfast.await_up(NAME)

    # -- commands -----------------------------------------------------------------------------------

    def test_stop_start_and_restart_work(self) -> None:
        self.holdfast.run("stop", NAME)
        self.assertFalse(self.answers())
        self.assertEqual(self.host.pids("ssh -N"), [])
        status = self.holdfast.status(NAME)
        self.assertEqual((status["state"], status["backend"]["installed"]), ("stopped", True))
        self.assertEqual(self.holdfast.run("status", NAME, check=False).returncode, 3)
        self.holdfast.run("start", NAME)
        self.before = self.holdfast.await_up(NAME)
        self.holdfast.run("restart", NAME)
        after = self.holdfast.await_up(NAME)
        self.assertNotEqual(after["supervisor_pid"], self.before["supervisor_pid"])

    def test_logs_show_the_recovery(self) -> None:
        with self.watch() as watch:
            self.host.kill(self.before["ssh_pid"], signal.SIGTERM)
            self.await_recovery(watch)
        self.assertIn("up", self.holdfast.run("logs", NAME, "-n", "20").stdout)

    # -- its installation --------------------------------------------------------------------------------

    def test_setup_repairs_a_damaged_installation_and_keeps_the_connection(self) -> None:
        unit = f"{self.ann.home}/.config/systemd/user/holdfast-{NAME}.service"
        name = f"holdfast-{NAME}.service"
        disabled = {"crash": "yes", "logout": "yes", "reboot": "no"}
        broken = {"crash": "no", "logout": "yes", "reboot": "no"}
        drop_in = f"[Service]\nExecStart=\nExecStart=/bin/sleep 1000\n"
        damages = (
            (f"systemctl --user disable {name}", "its unit is disabled", disabled),
            (f"rm {unit}; systemctl --user mask {name}", "its unit is masked", broken),
            (f"rm {unit}", "is missing", broken),
            (f"mkdir {unit}.d; printf '{drop_in}' >{unit}.d/own.conf; systemctl --user daemon-reload",
             "a drop-in changes its command", broken),
            (f"sed -i s/Restart=always/Restart=no/ {unit}; systemctl --user daemon-reload", "Restart=no",
             {"crash": "no", "logout": "yes", "reboot": "yes"}),
            ("loginctl disable-linger", "linger is off", {"crash": "yes", "logout": "at-login", "reboot": "at-login"}),
            (f"mv {self.holdfast.path} ~/moved", "is gone", broken))
        with self.host.login(self.ann) as session:
            for command, problem, survives in damages:
                with self.subTest(command):
                    session.run(command)
                    self.check_and_repair(session, problem, survives)
            session.run(f"mv ~/moved {self.holdfast.path}")
            self.holdfast.run("setup", "-p", NAME, "-b", "gate@bastion", session=session)

    def test_restart_stops_nothing_if_the_program_is_gone(self) -> None:
        path, moved = self.holdfast.path, f"{self.ann.home}/moved"
        self.host.run(["mv", path, moved])
        self.addCleanup(self.host.run, ["mv", moved, path])
        elsewhere = copy.copy(self.holdfast)
        elsewhere.path = moved
        for arguments in (("restart", NAME), ("restart", "--keep-connection", NAME)):
            done = elsewhere.run(*arguments, check=False)
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertIn(f"the program {path} is gone", done.stderr)
            self.assertIn("run holdfast setup again", done.stderr)
        after = elsewhere.status(NAME)
        self.assertEqual((after["state"], after["supervisor_pid"], after["ssh_pid"]),
                         ("up", self.before["supervisor_pid"], self.before["ssh_pid"]))
        self.assertEqual(after["supervisor"]["program"], path)
        self.assertIn(f"the supervisor is holdfast {after['supervisor']['version']}, {path}",
                      elsewhere.run("status", NAME).stdout)

    def check_and_repair(self, session: Session, problem: str, survives: dict[str, str]) -> None:
        holdfast = copy.copy(self.holdfast)
        if not self.host.exists(holdfast.path):
            holdfast.path = f"{self.ann.home}/moved"
        told = json.loads(holdfast.run("status", NAME, "--json", session=session).stdout)["tunnels"][0]
        self.assertFalse(told["installation"]["ok"])
        self.assertIn(problem, "; ".join(told["installation"]["problems"]))
        self.assertEqual((told["state"], told["backend"]["survives"]), ("up", survives))
        self.assertIn(problem, holdfast.run("status", session=session).stdout)
        again = holdfast.run("setup", "-p", NAME, "-b", "gate@bastion", session=session)
        self.assertIn("repaired", again.stdout + again.stderr)
        after = json.loads(holdfast.run("status", NAME, "--json", session=session).stdout)["tunnels"][0]
        self.assertEqual(after["installation"], {"ok": True, "problems": []})
        self.assertEqual(after["backend"], self.before["backend"])
        self.assertEqual((after["supervisor_pid"], after["ssh_pid"]),
                         (self.before["supervisor_pid"], self.before["ssh_pid"]))


if __name__ == "__main__":
    main()
