#!/usr/bin/python3
"""Tests the lab itself with plain `ssh -N -R`, without holdfast."""
from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

from lab import FakeServer, LabTest, NotInTime, User, Watch, holds, main, until


class TunnelTest(LabTest):
    """The tunnel is a plain ssh, started in the background of a login that has ended."""
    ann: User
    OPTIONS = "-o BatchMode=yes -o ExitOnForwardFailure=yes"

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.ann = cls.person("ann")

    def setUp(self) -> None:
        super().setUp()
        self.port = self.bastion.free_port()
        self.addCleanup(self.end_tunnels)

    def end_tunnels(self) -> None:
        for pid in self.host.pids("ssh -N -R", "ann") if self.host.is_on else []:
            self.host.kill(pid)
        self.lab.network.end_all_faults()

    def open_tunnel(self) -> int:
        """Opens it, and returns its ssh's pid on the workstation."""
        before = set(self.host.pids("ssh -N -R", "ann"))
        with self.host.login(self.ann) as session:
            session.background(f"ssh -N -R 127.0.0.1:{self.port}:localhost:22 {self.OPTIONS} gate@bastion")
            until("the tunnel to open", lambda: self.bastion.banner(self.port))
        pid, = set(self.host.pids("ssh -N -R", "ann")) - before
        return pid

    def answers(self) -> bool:
        return self.bastion.banner(self.port, timeout=0.5) is not None


class Hosts(TunnelTest):
    def test_the_hosts_differ_from_each_other_and_this_machine(self) -> None:
        seen = set()
        for host in self.lab.hosts.values():
            self.assertEqual(host.run(["hostname"]).stdout.strip(), host.name)
            self.assertEqual(host.run(["systemctl", "--failed", "--no-legend", "--plain"]).stdout, "")
            for path in ("/etc/machine-id", "/etc/ssh/ssh_host_ed25519_key.pub", "/proc/sys/kernel/random/boot_id"):
                seen.add(host.read_file(path))
                seen.add(Path(path).read_text() if os.path.exists(path) else path)
            shown = host.run(["ls", "/root", "/tmp", "--ignore=systemd-private-*"]).stdout
            self.assertEqual(shown, "/root:\n\n/tmp:\n")
            self.assertFalse(host.exists(str(self.lab.directory)))
        self.assertEqual(len(seen), 3 * len(self.lab.hosts) + 3)

    def test_a_failing_or_hanging_command_is_an_error(self) -> None:
        host = self.host
        with self.assertRaisesRegex(AssertionError, "workstation: ls /nowhere: exit 2"):
            host.run(["ls", "/nowhere"])
        with self.assertRaisesRegex(TimeoutError, "not done in 0.2 s"):
            host.run(["sleep", "60"], timeout=0.2)
        self.assertEqual(host.pids("sleep 60"), [])
        with self.assertRaisesRegex(NotInTime, "waited 0.1 s for nothing at all; last seen: 0"):
            until("nothing at all", lambda: 0, timeout=0.1)

    def test_a_login_is_a_logind_session_until_its_logout(self) -> None:
        host = self.host
        begin = time.monotonic()
        with host.login(self.ann) as session:
            self.note("login", time.monotonic() - begin)
            self.assertEqual(host.sessions(self.ann)[session.id], "active")
            self.assertIn(f"session-{session.id}.scope", session.run("cat /proc/self/cgroup").stdout)
            self.assertEqual(session.run("systemctl --user is-active default.target").stdout, "active\n")
            self.assertEqual(session.run("exit 7", check=False).returncode, 7)
            terminal = session.terminal()
            terminal.send("tty; echo $((6*7))\n")
            terminal.expect(r"/dev/pts/\d+")
            terminal.expect(r"\b42\b")
            terminal.send("exit\n")
            self.assertEqual(terminal.close(), 0)
            terminal = session.terminal("sleep 60")
            until("sleep to run", lambda: host.pids("sleep 60"))

            def is_ended() -> bool:
                if not host.pids("sleep 60"):
                    return True
                with contextlib.suppress(BrokenPipeError):  # it ended just now
                    terminal.send("\x03")  # the first may come before sleep has the terminal
                return False

            until("^C to end sleep", is_ended)
            terminal.close()
        host.await_no_session(self.ann)
        self.note("login, and every trace of it gone", time.monotonic() - begin)
        self.assertFalse(host.exists(f"/run/user/{self.ann.uid}"))

    def test_a_reboot_keeps_the_disk(self) -> None:
        self.assert_new_boot("reboot", self.host.reboot)

    def test_a_power_cut_keeps_the_disk(self) -> None:
        self.assert_new_boot("power cut", self.host.power_cut)

    def assert_new_boot(self, what: str, act: object) -> None:
        host = self.host
        self.open_tunnel()
        boot = host.boot_id()
        host.write_file("/run/marker", "here")
        host.write_file("/home/ann/marker", "here", user="ann")
        begin = time.monotonic()
        act()  # type: ignore[operator]
        self.note(what, time.monotonic() - begin)
        self.assertNotEqual(host.boot_id(), boot)
        self.assertFalse(host.exists("/run/marker"))
        self.assertEqual(host.read_file("/home/ann/marker"), "here")
        self.assertEqual(host.pids("ssh -N -R"), [])

    def test_cron_runs_its_reboot_lines(self) -> None:
        host = self.host
        host.run(["crontab", "-"], user="ann", stdin="@reboot touch /run/lock/cron-was-here\n")
        host.reboot()
        until("cron's @reboot line to run", lambda: host.exists("/run/lock/cron-was-here"))
        host.run(["crontab", "-r"], user="ann")

    def test_the_manager_of_a_lingering_user_starts_at_boot(self) -> None:
        host = self.host
        with host.login(self.ann) as session:
            session.run("loginctl enable-linger")
        host.await_no_session(self.ann)
        self.addCleanup(host.run, ["loginctl", "disable-linger", "ann"])
        host.reboot()
        until("the user manager", lambda: host.exists(f"/run/user/{self.ann.uid}/systemd/private"))

    def test_a_snapshot_shows_exactly_the_changes(self) -> None:
        host = self.host
        before = host.snapshot()
        with host.login(self.ann) as session:
            session.run("mkdir -p ~/.config/x && echo 1 >~/.config/x/y && ln -s y ~/.config/x/z")
            session.run("chmod 600 ~/.profile")
            session.background("sleep 1234")
            host.write_file("/etc/systemd/system/stray.service", "[Service]\n")
            host.run(["rm", "/etc/hosts.allow"])
        changes = before.changes(host.snapshot())
        for expected in ("+ /home/ann/.config/x/y: file", "+ /home/ann/.config/x/z: link", "! /home/ann/.profile: file",
                         "+ /etc/systemd/system/stray.service: file", "- /etc/hosts.allow: file",
                         "+ process ann sleep 1234"):
            self.assertTrue([line for line in changes if line.startswith(expected)], (expected, changes))
        host.kill(host.pids("sleep 1234")[0])
        host.run(["rm", "-r", "/home/ann/.config", "/etc/systemd/system/stray.service"])
        host.run(["chmod", "644", "/home/ann/.profile"])
        host.write_file("/etc/hosts.allow", Path("/etc/hosts.allow").read_bytes())
        host.await_no_session(self.ann)
        self.assertEqual(before.changes(host.snapshot()), [])
        host.reboot()
        self.assertEqual(before.changes(host.snapshot()), [])


class Faults(TunnelTest):
    def test_a_tunnel_works_after_its_login_has_ended(self) -> None:
        begin = time.monotonic()
        self.open_tunnel()
        self.note("login, tunnel, logout", time.monotonic() - begin)
        self.assert_leads_home(port=self.port)
        self.assertEqual(self.bastion.connection_of(self.port).user, "gate")

    def test_an_unplugged_cable_stops_the_tunnel_until_plugged(self) -> None:
        for down, up in ((self.lab.network.unplug, self.lab.network.plug),
                         (self.lab.network.interface_down, self.lab.network.interface_up)):
            with self.subTest(down.__name__):
                pid = self.open_tunnel()
                down("workstation")
                self.assertFalse(self.answers())
                up("workstation")
                until("the tunnel to answer again", self.answers, timeout=60)
                self.assertIn(pid, self.host.pids("ssh -N -R"))
                self.end_tunnels()
                until("the port to be free", lambda: not self.bastion.who_listens(self.port))

    def test_a_blackhole_leaves_the_port_in_use(self) -> None:
        pid = self.open_tunnel()
        holder = self.bastion.who_listens(self.port)
        self.lab.network.blackhole("workstation")
        self.assertFalse(self.answers())
        self.host.kill(pid)
        holds("the stale port", lambda: self.bastion.who_listens(self.port) == holder, seconds=1)
        self.lab.network.heal()
        # The kernel sends the client's FIN again.
        until("the port to be free", lambda: self.bastion.who_listens(self.port) is None)

    def test_half_open_frees_the_port_without_a_word_to_ssh(self) -> None:
        pid = self.open_tunnel()
        flow = self.bastion.half_open(self.port)
        self.assertEqual(self.bastion.connections("gate"), [])
        holds("the client to keep the connection", seconds=1, ask=lambda: f":{flow.port} " in self.host.run(
            ["ss", "-Htn", "state", "established", "dport", "=", ":22"]).stdout)
        self.assertIn(pid, self.host.pids("ssh -N -R"))
        self.open_tunnel()  # the fault does not affect a second connection
        self.assertEqual(self.bastion.connections("gate")[0].client.address, self.host.address)
        self.lab.network.heal()
        until("the first ssh to end", lambda: pid not in self.host.pids("ssh -N -R"), timeout=30)

    def test_a_bastion_restart_ends_sessions(self) -> None:
        pid = self.open_tunnel()
        self.bastion.restart_sshd()
        self.assertIsNone(self.bastion.who_listens(self.port))
        until("ssh to end", lambda: pid not in self.host.pids("ssh -N -R"))
        self.open_tunnel()
        self.bastion.stop_sshd()
        self.assertIsNone(self.bastion.banner(22))
        self.bastion.start_sshd()
        self.open_tunnel()
        self.bastion.kill_session_of("gate")
        until("the port to be free", lambda: not self.bastion.who_listens(self.port))
        self.open_tunnel()
        begin = time.monotonic()
        self.bastion.reboot()
        self.note("reboot of the bastion", time.monotonic() - begin)
        until("ssh to end", lambda: not self.host.pids("ssh -N -R"), timeout=30)

    def test_a_frozen_session_answers_again_after_thaw(self) -> None:
        self.open_tunnel()
        frozen = self.bastion.freeze_session_of("gate")
        self.assertFalse(self.answers())
        self.bastion.thaw(frozen)
        until("the tunnel to answer again", self.answers)

    def test_a_bastion_can_refuse_forwards_and_keys(self) -> None:
        bastion, host = self.bastion, self.host
        plain = ["ssh", "-N", "-R", f"127.0.0.1:{self.port}:localhost:22", *self.OPTIONS.split(), "gate@bastion"]
        bastion.configure(AllowTcpForwarding="no")
        self.assertIn("remote port forwarding failed", host.run(plain, user="ann", check=False).stderr)
        bastion.configure(AllowUsers="root")
        self.assertIn("Permission denied", host.run(plain, user="ann", check=False).stderr)
        bastion.configure()
        bastion.new_host_key()
        self.assertIn("HAS CHANGED", host.run(plain, user="ann", check=False).stderr)
        host.run(["rm", "/home/ann/.ssh/known_hosts"])
        self.ann.trust(bastion)
        self.open_tunnel()

    def connect_to(self, server: FakeServer, connect_timeout: int = 1, timeout: float = 20) -> str:
        """The error of ssh at this server; TimeoutError if ssh has not ended by then."""
        done = self.host.run(
            ["ssh", "-o", f"ConnectTimeout={connect_timeout}", "-p", str(server.port), *self.OPTIONS.split(), "bastion", "true"],
            user="ann", check=False, timeout=timeout)
        self.assertEqual(done.returncode, 255)
        return done.stderr

    def test_ssh_ends_when_the_server_closes_or_stays_silent(self) -> None:
        for server, said in ((self.bastion.silent_listener(), "timed out during banner exchange"),
                             (self.bastion.closing_listener(), "kex_exchange_identification: Connection closed"),
                             (self.bastion.web_server(), "kex_exchange_identification")):
            with server:
                self.assertIn(said, self.connect_to(server))

    def test_ssh_waits_for_a_server_that_stalls_after_its_first_bytes(self) -> None:
        for server in (self.bastion.stalling_sshd(), self.bastion.endless_sender()):
            with server:
                self.assertRaisesRegex(TimeoutError, "not done in 8 s", self.connect_to, server, 5, timeout=8)
                self.assertEqual(server.connections, 1)


class Watching(TunnelTest):
    def test_a_watch_reports_a_wrong_claim_of_up(self) -> None:
        self.open_tunnel()
        with Watch(self.answers, claim=lambda: "up", claim_every=0.05) as watch:
            time.sleep(1)
            self.lab.network.blackhole("workstation")
            time.sleep(3)
            self.lab.network.heal()
            until("an answer", self.answers)
            time.sleep(0.5)
        (begin, end), = watch.outages()
        self.assertTrue(0.5 < begin < 1.5 and 3.5 < end < 15, watch.timeline())
        self.assertEqual(watch.lies(longer_than=10), [])
        lies = watch.lies(longer_than=2)
        self.assertTrue(lies and all(begin + 2 <= lie.at <= end for lie in lies), (lies, watch.timeline()))


if __name__ == "__main__":
    main()
