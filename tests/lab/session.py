#!/usr/bin/python3
"""The tmux and screen backends: a session that users can attach to, what the tunnel survives, and no other session is
touched."""
from __future__ import annotations

from lab import BackendTest, Holdfast, LabTest, Snapshot, holds, main, until

PORT = 2222
NAME = str(PORT)
# Variables that would lead a careless program to the user's own server, or to a directory that does not exist.
ODD = {"TMUX_TMPDIR": "/home/ann", "SCREENDIR": "/nonexistent", "TMPDIR": "/nonexistent", "TMUX": "/tmp/x,1,0",
       "STY": "1.x", "TERM": "nonsense"}


class SessionTest(BackendTest):
    PROCESS = ""   # a part of the command line of the session's own process
    OWN = ""       # starts a session of ann's, with a configuration that would break ours
    LIST = ""      # lists the sessions of ann
    ATTACH = ""
    DETACH = ""
    KILL = ""      # ends our session from inside
    fresh: Snapshot

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        host = cls.host
        host.run(["systemctl", "mask", "user@.service"])
        host.run(["systemctl", "mask", "--now", "cron.service"])
        with host.login(cls.ann):
            pass  # the first login leaves files of its own

    def setUp(self) -> None:
        super().setUp()
        self.fresh = self.host.snapshot()
        with self.host.login(self.ann) as session:
            done = self.holdfast.run("setup", "-p", NAME, "-b", "gate@bastion", session=session,
                                     env={**ODD, "HOLDFAST_BACKENDS": f"systemd-user,cron,{self.BACKEND},nohup"})
        self.said = done.stdout + done.stderr
        self.addCleanup(self.holdfast.run, "remove", NAME, check=False)
        self.before = self.holdfast.await_up(NAME)

    def as_ann(self, command: str) -> str:
        with self.host.login(self.ann) as session:
            return session.run(command).stdout

    def assert_gone(self) -> None:
        """No session, supervisor or ssh is left."""
        self.assertEqual(self.host.pids(self.PROCESS, "ann") + self.host.pids("holdfast run", "ann"), [])
        until("ssh to end", lambda: not self.host.pids("ssh -N", "ann"))

    # -- the tests ---------------------------------------------------------------------------------------

    def test_auto_picks_it_and_says_what_it_does_not_survive(self) -> None:
        self.assertIn(f"backend {self.BACKEND}", self.said)
        self.assertRegex(self.said, r"cron.*no cron daemon is running")
        self.assertEqual(self.before["backend"], {
            "name": self.BACKEND, "installed": True, "running": True,
            "survives": {"crash": "no", "logout": "yes", "reboot": "no"}})

    def test_it_survives_a_logout(self) -> None:
        holds("the tunnel after logout", self.answers, seconds=12)  # logind ends a user's processes 10 s after the logout
        after = self.holdfast.status(NAME)
        self.assertEqual((after["ssh_pid"], after["supervisor_pid"]),
                         (self.before["ssh_pid"], self.before["supervisor_pid"]))

    def test_a_user_can_attach_and_detach(self) -> None:
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

    def test_ensure_restarts_a_killed_supervisor(self) -> None:
        self.host.kill(self.before["supervisor_pid"])
        until("status to report it", lambda: self.holdfast.state(NAME) == "failed")
        self.assertFalse(self.holdfast.status(NAME)["backend"]["running"])
        self.assertEqual(self.as_ann(f"{self.holdfast.path} ensure"), "")
        self.holdfast.await_up(NAME)
        self.assertEqual(len(self.host.pids("ssh -N")), 1)

    def test_status_reports_a_session_killed_from_inside(self) -> None:
        self.as_ann(self.KILL.format(uid=self.ann.uid))
        until("status to report it", lambda: self.holdfast.state(NAME) == "stopped")
        self.assert_gone()
        self.assertFalse(self.answers())

    def test_status_reports_a_killed_server(self) -> None:
        for pid in self.host.pids(self.PROCESS, "ann"):
            self.host.kill(pid)
        until("status to report it", lambda: self.holdfast.state(NAME) == "stopped")
        self.assert_gone()
        self.holdfast.run("start", NAME)
        self.holdfast.await_up(NAME)

    def test_stop_start_and_restart_work(self) -> None:
        self.holdfast.run("stop", NAME)
        self.assert_gone()
        self.assertEqual(self.as_ann(f"{self.holdfast.path} ensure {NAME}"), "")
        self.assertEqual(self.holdfast.state(NAME), "stopped")
        self.holdfast.run("start", NAME)
        between = self.holdfast.await_up(NAME)
        self.holdfast.run("restart", NAME)
        self.assertNotEqual(self.holdfast.await_up(NAME)["supervisor_pid"], between["supervisor_pid"])

    def test_start_restores_it_after_a_reboot(self) -> None:
        self.host.reboot()
        status = self.holdfast.status(NAME)
        self.assertEqual((status["state"], status["backend"]["running"]), ("stopped", False))
        self.holdfast.run("start", NAME)
        self.holdfast.await_up(NAME)

    def test_names_with_a_common_prefix_are_different_tunnels(self) -> None:
        for name in ("222", "2222.a"):
            self.addCleanup(self.holdfast.run, "remove", name, check=False)
            self.as_ann(f"{self.holdfast.path} setup -n {name} -p {PORT + len(name)} -b gate@bastion "
                        f"--backend {self.BACKEND}")
        self.holdfast.run("remove", "222")
        self.assertEqual([t["state"] for t in self.holdfast.statuses()], ["up", "up"])
        self.holdfast.run("remove", "2222.a")
        after = self.holdfast.status(NAME)
        self.assertEqual((after["state"], after["supervisor_pid"]), ("up", self.before["supervisor_pid"]))

    def test_other_sessions_of_the_user_are_not_touched(self) -> None:
        with self.host.login(self.ann) as session:
            session.run(self.OWN)
            before = session.run(self.LIST).stdout
            self.holdfast.run("restart", NAME, session=session)
            self.holdfast.await_up(NAME)
            self.holdfast.run("remove", NAME, session=session)
            self.assertEqual(session.run(self.LIST).stdout, before)
            self.assertNotIn("holdfast", before)
            session.run(f"{self.BACKEND} {'kill-server' if self.BACKEND == 'tmux' else '-S mine -X quit'}")
            session.run("rm -rf ~/.tmux.conf ~/.screenrc /tmp/tmux-$(id -u)")

    def test_remove_leaves_nothing(self) -> None:
        self.holdfast.run("remove", NAME)
        self.assert_gone()
        self.assertEqual(self.fresh.changes(self.host.snapshot()), [])


class Tmux(SessionTest):
    BACKEND = "tmux"
    PROCESS = "tmux -S "
    OWN = "echo 'set -g default-command false' >~/.tmux.conf; tmux new-session -d -s mine 'exec sleep 4567'"
    LIST = "tmux list-sessions -F '#{session_name} #{pane_pid}'"
    ATTACH = "env TERM=xterm tmux -S /tmp/holdfast-{uid}/2222.tmux attach -t =holdfast-2222"
    DETACH = "\x02d"
    KILL = "tmux -S /tmp/holdfast-{uid}/2222.tmux kill-session -t =holdfast-2222"


class Screen(SessionTest):
    BACKEND = "screen"
    PROCESS = "SCREEN -c"
    OWN = "echo 'shell /bin/false' >~/.screenrc; screen -dmS mine sleep 4567"
    LIST = "screen -ls | grep -o '[0-9]*[.][a-z]*'"
    ATTACH = "env TERM=xterm SCREENDIR=/tmp/holdfast-{uid}/screen screen -r holdfast-2222"
    DETACH = "\x01d"
    KILL = "SCREENDIR=/tmp/holdfast-{uid}/screen screen -S holdfast-2222 -X quit"


class KilledAtLogout(LabTest):
    def test_setup_says_that_logind_ends_it_at_logout(self) -> None:
        host = self.host
        self.kill_processes_at_logout()
        bob = self.person("bob")
        holdfast = Holdfast(host, bob)
        for port, backend in (("2230", "tmux"), ("2231", "screen")):
            with self.subTest(backend):
                with host.login(bob) as session:
                    holdfast.run("setup", "-p", port, "-b", "gate@bastion", "--backend", backend, session=session)
                    self.assertEqual(holdfast.await_up(port)["backend"]["survives"],
                                     {"crash": "no", "logout": "no", "reboot": "no"})
                until("logind to end ssh", lambda: not host.pids("ssh -N", "bob"), timeout=30)
                self.assertEqual(holdfast.state(port), "stopped")
                holdfast.run("remove", port)

    def test_a_scope_survives_the_logout_if_linger_is_on(self) -> None:
        host = self.host
        host.run(["systemctl", "unmask", "user@.service"])
        self.kill_processes_at_logout()
        eve = self.person("eve")
        holdfast = Holdfast(host, eve)
        for port, backend in (("2240", "tmux"), ("2241", "screen")):
            with host.login(eve) as session:
                session.run("loginctl enable-linger")
                holdfast.run("setup", "-p", port, "-b", "gate@bastion", "--backend", backend, session=session)
                self.assertEqual(holdfast.await_up(port)["backend"]["survives"],
                                 {"crash": "no", "logout": "yes", "reboot": "no"})
        host.await_no_session(eve)
        for port in ("2240", "2241"):
            holds(f"the tunnel {port} after logout", lambda: self.bastion.banner(int(port)), seconds=6)
            holdfast.run("remove", port)


if __name__ == "__main__":
    main()
