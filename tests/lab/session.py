#!/usr/bin/python3
"""tmux and screen hold a tunnel in a session that one can look into: what it outlives, and that no other is touched."""
from __future__ import annotations

import unittest

from lab import Holdfast, LabTest, Snapshot, User, holds, main, until

PORT = 2222
NAME = str(PORT)
# Where a careless program would meet the user's own server, or would find no place for one.
ODD = {"TMUX_TMPDIR": "/home/ann", "SCREENDIR": "/nonexistent", "TMPDIR": "/nonexistent", "TMUX": "/tmp/x,1,0",
       "STY": "1.x", "TERM": "nonsense"}


class Held(LabTest):
    """All that both do alike."""
    BACKEND = ""
    RUNS = ""      # a part of the command line of the session's own process
    OWN = ""       # ann's own session, under a configuration that would break ours
    OWN_SAID = ""  # says what is to be the same before and after
    ATTACH = ""
    DETACH = ""
    KILL = ""      # ends the session from inside
    ann: User
    holdfast: Holdfast
    fresh: Snapshot

    @classmethod
    def setUpClass(cls) -> None:
        if not cls.BACKEND:
            raise unittest.SkipTest("the classes below are the tests")
        super().setUpClass()
        host = cls.lab.workstation
        host.run(["systemctl", "mask", "user@.service"])
        host.run(["systemctl", "mask", "--now", "cron.service"])
        if not hasattr(Held, "ann"):
            Held.ann = host.add_user("ann")
            cls.lab.bastion.admit(cls.ann)
            Held.holdfast = Holdfast(host, cls.ann)
            with host.login(cls.ann):
                pass

    def setUp(self) -> None:
        super().setUp()
        self.host = self.lab.workstation
        self.fresh = self.host.snapshot()
        with self.host.login(self.ann) as session:
            done = self.holdfast.run("setup", "-p", NAME, "-b", "gate@bastion", session=session,
                                     env={**ODD, "HOLDFAST_BACKENDS": f"systemd-user,cron,{self.BACKEND},nohup"})
        self.said = done.stdout + done.stderr
        self.addCleanup(self.holdfast.run, "remove", NAME, check=False)
        self.before = self.holdfast.await_up(NAME)

    def answers(self) -> bool:
        return self.lab.bastion.banner(PORT, timeout=0.5) is not None

    def as_ann(self, command: str) -> str:
        with self.host.login(self.ann) as session:
            return session.run(command).stdout

    def assert_gone(self) -> None:
        """Session, supervisor and ssh."""
        self.assertEqual(self.host.pids(self.RUNS, "ann") + self.host.pids("holdfast run", "ann"), [])
        until("ssh to end", lambda: not self.host.pids("ssh -N", "ann"))

    # -- the tests ---------------------------------------------------------------------------------------

    def test_auto_takes_it_and_says_what_it_does_not_survive(self) -> None:
        self.assertIn(f"backend {self.BACKEND}", self.said)
        self.assertRegex(self.said, r"cron.*no cron daemon runs here")
        self.assertEqual(self.before["backend"], {
            "name": self.BACKEND, "installed": True, "running": True,
            "survives": {"crash": "no", "logout": "yes", "reboot": "no"}})

    def test_logout_does_not_end_it(self) -> None:
        holds("the tunnel after logout", self.answers, seconds=12)  # logind's delay before it ends a user is 10 s
        after = self.holdfast.status(NAME)
        self.assertEqual((after["ssh_pid"], after["supervisor_pid"]),
                         (self.before["ssh_pid"], self.before["supervisor_pid"]))

    def test_it_can_be_looked_into_and_left(self) -> None:
        with self.host.login(self.ann) as session:
            terminal = session.terminal(self.ATTACH.format(uid=self.ann.uid))
            terminal.expect(r"up: 127\.0\.0\.1:2222 of gate@bastion, verified end to end")
            self.host.kill(self.before["ssh_pid"])
            terminal.expect(r"connecting")
            terminal.expect(r"up: ")
            terminal.send(self.DETACH)
            terminal.expect(r"detached")
            terminal.close()
        after = self.holdfast.await_up(NAME)
        self.assertEqual(after["supervisor_pid"], self.before["supervisor_pid"])

    def test_killed_supervisor_is_told_and_ensure_mends_it(self) -> None:
        self.host.kill(self.before["supervisor_pid"])
        until("it to be told", lambda: self.holdfast.state(NAME) == "stopped")
        self.assertFalse(self.holdfast.status(NAME)["backend"]["running"])
        self.assertEqual(self.as_ann(f"{self.holdfast.path} ensure"), "")
        self.holdfast.await_up(NAME)
        self.assertEqual(len(self.host.pids("ssh -N")), 1)

    def test_killed_from_inside_it_is_told(self) -> None:
        self.as_ann(self.KILL.format(uid=self.ann.uid))
        until("it to be told", lambda: self.holdfast.state(NAME) == "stopped")
        self.assert_gone()
        self.assertFalse(self.answers())

    def test_killed_server_is_told(self) -> None:
        for pid in self.host.pids(self.RUNS, "ann"):
            self.host.kill(pid)
        until("it to be told", lambda: self.holdfast.state(NAME) == "stopped")
        self.assert_gone()
        self.holdfast.run("start", NAME)
        self.holdfast.await_up(NAME)

    def test_stop_start_and_restart(self) -> None:
        self.holdfast.run("stop", NAME)
        self.assert_gone()
        self.assertEqual(self.as_ann(f"{self.holdfast.path} ensure {NAME}"), "")
        self.assertEqual(self.holdfast.state(NAME), "stopped")
        self.holdfast.run("start", NAME)
        between = self.holdfast.await_up(NAME)
        self.holdfast.run("restart", NAME)
        self.assertNotEqual(self.holdfast.await_up(NAME)["supervisor_pid"], between["supervisor_pid"])

    def test_reboot_leaves_it_stopped_and_start_brings_it_back(self) -> None:
        self.host.reboot()
        status = self.holdfast.status(NAME)
        self.assertEqual((status["state"], status["backend"]["running"]), ("stopped", False))
        self.holdfast.run("start", NAME)
        self.holdfast.await_up(NAME)

    def test_names_that_begin_alike_are_two_tunnels(self) -> None:
        for name in ("222", "2222.a"):
            self.addCleanup(self.holdfast.run, "remove", name, check=False)
            self.as_ann(f"{self.holdfast.path} setup -n {name} -p {PORT + len(name)} -b gate@bastion "
                        f"--backend {self.BACKEND}")
        self.holdfast.run("remove", "222")
        self.assertEqual([t["state"] for t in self.holdfast.statuses()], ["up", "up"])
        self.holdfast.run("remove", "2222.a")
        after = self.holdfast.status(NAME)
        self.assertEqual((after["state"], after["supervisor_pid"]), ("up", self.before["supervisor_pid"]))

    def test_the_users_own_sessions_are_left_alone(self) -> None:
        with self.host.login(self.ann) as session:
            session.run(self.OWN)
            before = session.run(self.OWN_SAID).stdout
            self.holdfast.run("restart", NAME, session=session)
            self.holdfast.await_up(NAME)
            self.holdfast.run("remove", NAME, session=session)
            self.assertEqual(session.run(self.OWN_SAID).stdout, before)
            self.assertNotIn("holdfast", before)
            session.run(f"{self.BACKEND} {'kill-server' if self.BACKEND == 'tmux' else '-S mine -X quit'}")
            session.run("rm -rf ~/.tmux.conf ~/.screenrc /tmp/tmux-$(id -u)")

    def test_remove_leaves_nothing(self) -> None:
        self.holdfast.run("remove", NAME)
        self.assert_gone()
        self.assertEqual(self.fresh.changes(self.host.snapshot()), [])


class Tmux(Held):
    BACKEND = "tmux"
    RUNS = "tmux -S "
    OWN = "echo 'set -g default-command false' >~/.tmux.conf; tmux new-session -d -s mine 'exec sleep 4567'"
    OWN_SAID = "tmux list-sessions -F '#{session_name} #{pane_pid}'"
    ATTACH = "env TERM=xterm tmux -S /tmp/holdfast-{uid}/2222.tmux attach -t =holdfast-2222"
    DETACH = "\x02d"
    KILL = "tmux -S /tmp/holdfast-{uid}/2222.tmux kill-session -t =holdfast-2222"


class Screen(Held):
    BACKEND = "screen"
    RUNS = "SCREEN -c"
    OWN = "echo 'shell /bin/false' >~/.screenrc; screen -dmS mine sleep 4567"
    OWN_SAID = "screen -ls | grep -o '[0-9]*[.][a-z]*'"
    ATTACH = "env TERM=xterm SCREENDIR=/tmp/holdfast-{uid}/screen screen -r holdfast-2222"
    DETACH = "\x01d"
    KILL = "SCREENDIR=/tmp/holdfast-{uid}/screen screen -S holdfast-2222 -X quit"


class KilledAtLogout(LabTest):
    def test_where_logind_ends_processes_setup_says_so(self) -> None:
        host = self.lab.workstation
        host.write_file("/etc/systemd/logind.conf.d/kill.conf", "[Login]\nKillUserProcesses=yes\n")
        host.run(["systemctl", "restart", "systemd-logind"])
        self.addCleanup(host.run, ["systemctl", "restart", "systemd-logind"])
        self.addCleanup(host.run, ["rm", "/etc/systemd/logind.conf.d/kill.conf"])
        bob = host.add_user("bob")
        self.lab.bastion.admit(bob)
        holdfast = Holdfast(host, bob)
        for port, backend in (("2230", "tmux"), ("2231", "screen")):
            with self.subTest(backend):
                with host.login(bob) as session:
                    holdfast.run("setup", "-p", port, "-b", "gate@bastion", "--backend", backend, session=session)
                    self.assertEqual(holdfast.await_up(port)["backend"]["survives"],
                                     {"crash": "no", "logout": "no", "reboot": "no"})
                until("logind to end it", lambda: not host.pids("ssh -N", "bob"), timeout=30)
                self.assertEqual(holdfast.state(port), "stopped")
                holdfast.run("remove", port)

    def test_with_linger_a_scope_outlives_the_login(self) -> None:
        host = self.lab.workstation
        host.run(["systemctl", "unmask", "user@.service"])
        host.write_file("/etc/systemd/logind.conf.d/kill.conf", "[Login]\nKillUserProcesses=yes\n")
        host.run(["systemctl", "restart", "systemd-logind"])
        self.addCleanup(host.run, ["systemctl", "restart", "systemd-logind"])
        self.addCleanup(host.run, ["rm", "/etc/systemd/logind.conf.d/kill.conf"])
        eve = host.add_user("eve")
        self.lab.bastion.admit(eve)
        holdfast = Holdfast(host, eve)
        for port, backend in (("2240", "tmux"), ("2241", "screen")):
            with host.login(eve) as session:
                session.run("loginctl enable-linger")
                holdfast.run("setup", "-p", port, "-b", "gate@bastion", "--backend", backend, session=session)
                self.assertEqual(holdfast.await_up(port)["backend"]["survives"],
                                 {"crash": "no", "logout": "yes", "reboot": "no"})
        host.await_no_session(eve)
        for port in ("2240", "2241"):
            holds(f"the tunnel {port} after logout", lambda: self.lab.bastion.banner(int(port)), seconds=6)
            holdfast.run("remove", port)


if __name__ == "__main__":
    main()
