#!/usr/bin/python3
"""Proves the lab itself, with nothing but plain `ssh -N -R` in it."""
from __future__ import annotations

import os
import time
from pathlib import Path

from lab import Door, LabTest, NotInTime, User, Watch, holds, main, until


class TunnelTest(LabTest):
    """A plain ssh as the tunnel, started in the background of a login that has ended."""
    ann: User
    OPTIONS = "-o BatchMode=yes -o ExitOnForwardFailure=yes"

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        if not hasattr(TunnelTest, "ann"):
            TunnelTest.ann = cls.lab.workstation.add_user("ann")
            cls.lab.bastion.admit(TunnelTest.ann)

    def setUp(self) -> None:
        super().setUp()
        self.port = self.lab.bastion.free_port()
        self.addCleanup(self.end_tunnels)

    def end_tunnels(self) -> None:
        for pid in self.lab.workstation.pids("ssh -N -R", "ann") if self.lab.workstation.is_on else []:
            self.lab.workstation.kill(pid)
        self.lab.network.mend_all()

    def open_tunnel(self) -> int:
        """Opens it, and returns its ssh's pid on the workstation."""
        before = set(self.lab.workstation.pids("ssh -N -R", "ann"))
        with self.lab.workstation.login(self.ann) as session:
            session.background(f"ssh -N -R 127.0.0.1:{self.port}:localhost:22 {self.OPTIONS} gate@bastion")
            until("the tunnel to open", lambda: self.lab.bastion.banner(self.port))
        pid, = set(self.lab.workstation.pids("ssh -N -R", "ann")) - before
        return pid

    def answers(self) -> bool:
        return self.lab.bastion.banner(self.port, timeout=0.5) is not None


class Hosts(TunnelTest):
    def test_hosts_are_two_machines_and_neither_is_this_one(self) -> None:
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

    def test_a_command_fails_or_hangs_loudly(self) -> None:
        host = self.lab.workstation
        with self.assertRaisesRegex(AssertionError, "workstation: ls /nowhere: exit 2"):
            host.run(["ls", "/nowhere"])
        with self.assertRaisesRegex(TimeoutError, "not done in 0.2 s"):
            host.run(["sleep", "60"], timeout=0.2)
        self.assertEqual(host.pids("sleep 60"), [])
        with self.assertRaisesRegex(NotInTime, "waited 0.1 s for nothing at all; last seen: 0"):
            until("nothing at all", lambda: 0, timeout=0.1)

    def test_login_is_a_session_of_logind_and_logout_ends_it(self) -> None:
        host = self.lab.workstation
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
            terminal.send("\x03")
            terminal.close()
            self.assertEqual(host.pids("sleep 60"), [])
        host.await_no_session(self.ann)
        self.note("login, and every trace of it gone", time.monotonic() - begin)
        self.assertFalse(host.exists(f"/run/user/{self.ann.uid}"))

    def test_reboot_is_a_new_boot_of_the_same_disk(self) -> None:
        self.assert_new_boot("reboot", self.lab.workstation.reboot)

    def test_power_cut_is_a_new_boot_of_the_same_disk(self) -> None:
        self.assert_new_boot("power cut", self.lab.workstation.power_cut)

    def assert_new_boot(self, what: str, act: object) -> None:
        host = self.lab.workstation
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

    def test_cron_runs_at_reboot_lines(self) -> None:
        host = self.lab.workstation
        host.run(["crontab", "-"], user="ann", stdin="@reboot touch /run/lock/cron-was-here\n")
        host.reboot()
        until("cron's @reboot line to run", lambda: host.exists("/run/lock/cron-was-here"))
        host.run(["crontab", "-r"], user="ann")

    def test_lingering_user_is_started_at_boot(self) -> None:
        host = self.lab.workstation
        with host.login(self.ann) as session:
            session.run("loginctl enable-linger")
        host.await_no_session(self.ann)
        self.addCleanup(host.run, ["loginctl", "disable-linger", "ann"])
        host.reboot()
        until("the user manager", lambda: host.exists(f"/run/user/{self.ann.uid}/systemd/private"))

    def test_snapshot_sees_what_was_left_behind_and_only_that(self) -> None:
        host = self.lab.workstation
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
    def test_tunnel_leads_home_and_outlives_its_login(self) -> None:
        begin = time.monotonic()
        self.open_tunnel()
        self.note("login, tunnel, logout", time.monotonic() - begin)
        self.assertEqual(self.lab.bastion.ssh_through(self.port, "ann", "hostname"), "workstation\n")
        self.assertEqual(self.lab.bastion.connection_of(self.port).user, "gate")

    def test_unplugged_cable_silences_and_plugging_it_heals(self) -> None:
        for down, up in ((self.lab.network.unplug, self.lab.network.plug),
                         (self.lab.network.interface_down, self.lab.network.interface_up)):
            with self.subTest(down.__name__):
                pid = self.open_tunnel()
                down("workstation")
                self.assertFalse(self.answers())
                up("workstation")
                until("the tunnel to answer again", self.answers, timeout=20)
                self.assertIn(pid, self.lab.workstation.pids("ssh -N -R"))
                self.end_tunnels()
                until("the port to be free", lambda: not self.lab.bastion.who_listens(self.port))

    def test_blackhole_silences_while_the_bastion_still_holds_the_port(self) -> None:
        pid = self.open_tunnel()
        holder = self.lab.bastion.who_listens(self.port)
        self.lab.network.blackhole("workstation")
        self.assertFalse(self.answers())
        self.lab.workstation.kill(pid)
        holds("the stale port", lambda: self.lab.bastion.who_listens(self.port) == holder, seconds=1)
        self.lab.network.heal()
        self.assertEqual(self.lab.bastion.who_listens(self.port), holder)
        self.lab.bastion.kill_session_of("gate")

    def test_half_open_frees_the_port_and_does_not_tell_the_client(self) -> None:
        pid = self.open_tunnel()
        flow = self.lab.bastion.half_open(self.port)
        self.assertEqual(self.lab.bastion.connections("gate"), [])
        holds("the client to believe in it", seconds=1, ask=lambda: f":{flow.port} " in self.lab.workstation.run(
            ["ss", "-Htn", "state", "established", "dport", "=", ":22"]).stdout)
        self.assertIn(pid, self.lab.workstation.pids("ssh -N -R"))
        self.open_tunnel()  # a second one, at the same port, is not in the way of the fault
        self.assertEqual(self.lab.bastion.connections("gate")[0].client.address, self.lab.workstation.address)
        self.lab.network.heal()
        until("the first ssh to learn of it", lambda: pid not in self.lab.workstation.pids("ssh -N -R"), timeout=30)

    def test_bastion_restart_ends_sessions_and_comes_back(self) -> None:
        pid = self.open_tunnel()
        self.lab.bastion.restart_sshd()
        self.assertIsNone(self.lab.bastion.who_listens(self.port))
        until("ssh to end", lambda: pid not in self.lab.workstation.pids("ssh -N -R"))
        self.open_tunnel()
        self.lab.bastion.stop_sshd()
        self.assertIsNone(self.lab.bastion.banner(22))
        self.lab.bastion.start_sshd()
        self.open_tunnel()
        self.lab.bastion.kill_session_of("gate")
        until("the port to be free", lambda: not self.lab.bastion.who_listens(self.port))
        self.open_tunnel()
        begin = time.monotonic()
        self.lab.bastion.reboot()
        self.note("reboot of the bastion", time.monotonic() - begin)
        until("ssh to end", lambda: not self.lab.workstation.pids("ssh -N -R"), timeout=30)

    def test_frozen_session_answers_no_more_until_thawed(self) -> None:
        self.open_tunnel()
        frozen = self.lab.bastion.freeze_session_of("gate")
        self.assertFalse(self.answers())
        self.lab.bastion.thaw(frozen)
        until("the tunnel to answer again", self.answers)

    def test_bastion_may_refuse_forwards_keys_and_its_old_name(self) -> None:
        bastion, host = self.lab.bastion, self.lab.workstation
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

    def knock(self, door: Door, timeout: float = 20) -> str:
        """What ssh says of this door; TimeoutError when it is still at it by then."""
        done = self.lab.workstation.run(
            ["ssh", "-o", "ConnectTimeout=1", "-p", str(door.port), *self.OPTIONS.split(), "bastion", "true"],
            user="ann", check=False, timeout=timeout)
        self.assertEqual(done.returncode, 255)
        return done.stderr

    def test_doors_turn_ssh_away(self) -> None:
        for door, said in ((self.lab.bastion.silent_door(), "timed out during banner exchange"),
                           (self.lab.bastion.closing_door(), "kex_exchange_identification: Connection closed"),
                           (self.lab.bastion.web_door(), "kex_exchange_identification")):
            with door:
                self.assertIn(said, self.knock(door))

    def test_doors_hold_ssh_beyond_its_connect_timeout(self) -> None:
        for door in (self.lab.bastion.stalling_door(), self.lab.bastion.endless_door()):
            with door:
                self.assertRaisesRegex(TimeoutError, "not done in 3 s", self.knock, door, timeout=3)
                self.assertEqual(door.visitors, 1)


class Watching(TunnelTest):
    def test_a_claim_of_up_for_a_silent_port_is_a_lie(self) -> None:
        self.open_tunnel()
        with Watch(self.answers, claim=lambda: "up", claim_every=0.05) as watch:
            time.sleep(1)
            self.lab.network.blackhole("workstation")
            time.sleep(3)
            self.lab.network.heal()
            until("an answer", self.answers)
            time.sleep(0.5)
        (begin, end), = watch.outages()
        self.assertTrue(0.5 < begin < 1.5 and 3.5 < end < 8, watch.timeline())
        self.assertEqual(watch.lies(longer_than=10), [])
        lies = watch.lies(longer_than=2)
        self.assertTrue(lies and all(begin + 2 <= lie.at <= end for lie in lies), (lies, watch.timeline()))


if __name__ == "__main__":
    main()
