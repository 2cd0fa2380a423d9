#!/usr/bin/python3
"""`move` from one backend to another: the port stays open, the old backend leaves nothing, and a move that fails or is
killed does not lose the tunnel."""
from __future__ import annotations

import json
import signal
from itertools import permutations
from typing import Any, Optional

from lab import Session, Snapshot, UserTest, Watch, main, until

PORT = 2222
NAME = str(PORT)
CONF = f".config/holdfast/tunnels/{NAME}.conf"
BACKENDS = ("systemd-user", "cron", "tmux", "screen", "nohup")
GAP = 10.0  # seconds without the port; a login takes less than one, but several labs may share this machine


def all_moves() -> list[str]:
    """A path that takes every ordered pair of backends once."""
    left = set(permutations(BACKENDS, 2))
    path, stack = [], ["nohup"]
    while stack:  # Hierholzer's algorithm
        pair = next((pair for pair in sorted(left) if pair[0] == stack[-1]), None)
        if pair:
            left.remove(pair)
            stack.append(pair[1])
        else:
            path.append(stack.pop())
    return path[::-1]


class Move(UserTest):
    session: Session
    fresh: Snapshot

    def setUp(self) -> None:
        super().setUp()
        self.session = self.host.login(self.ann)
        self.addCleanup(self.session.logout)
        self.fresh = self.host.snapshot()
        self.addCleanup(self.run_holdfast, "remove", NAME, check=False)
        self.run_holdfast("setup", "-p", NAME, "-b", "gate@bastion", "--backend", "nohup")
        self.before = self.holdfast.await_up(NAME)

    def run_holdfast(self, *words: str, check: bool = True, env: Optional[dict[str, str]] = None) -> Any:
        return self.holdfast.run(*words, session=self.session, check=check, env=env)

    def move(self, backend: str) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.run_holdfast("move", NAME, "--backend", backend, "--json").stdout)
        self.assertEqual((told["changed"], told["backend"]["name"], told["state"]), (True, backend, "up"))
        return told

    def traces(self) -> set[str]:
        """The backends that have files or linger on the host."""
        found = set()
        home, runtime = self.ann.home, f"/tmp/holdfast-{self.ann.uid}"
        if self.host.exists(f"{home}/.config/systemd/user/holdfast-{NAME}.service") or \
                self.host.exists("/var/lib/systemd/linger/ann") or self.host.exists(f"/run/user/{self.ann.uid}/holdfast"):
            found.add("systemd-user")
        if "holdfast" in self.host.run(["crontab", "-u", "ann", "-l"], check=False).stdout:
            found.add("cron")
        for backend, place in (("tmux", f"{runtime}/{NAME}.tmux"), ("screen", f"{runtime}/screen")):
            if self.host.exists(place):
                found.add(backend)
        return found

    def assert_runs_under(self, backend: str) -> dict[str, Any]:
        told = self.holdfast.await_up(NAME)
        self.assertEqual((told["backend"]["name"], told["backend"]["installed"], told["backend"]["running"]),
                         (backend, True, True))
        self.assertEqual(self.traces() - {"nohup"}, {backend} - {"nohup"})
        self.assertEqual(len(self.host.pids("ssh -N", "ann")), 1)
        self.assertFalse(self.host.exists(f"{self.ann.home}/.local/state/holdfast/workstation/{NAME}.handover"))
        self.assert_leads_home()
        return told

    def assert_removable(self) -> None:
        self.run_holdfast("remove", NAME)
        self.assert_unchanged(self.fresh)

    # -- moves that succeed ------------------------------------------------------------------------------

    def test_every_pair_of_backends_works(self) -> None:
        path = all_moves()
        self.assertEqual(len(path), 21)
        for previous, backend in zip(path, path[1:]):
            with self.subTest(f"{previous} to {backend}"):
                self.note(f"{previous} to {backend}: without the port", self.gap(backend))
                self.assertEqual(self.assert_runs_under(backend)["ssh_pid"], self.before["ssh_pid"], "its ssh keeps running")
        self.assert_removable()

    def gap(self, backend: str) -> float:
        """Moves the tunnel. Returns the seconds for which the port did not answer."""
        with Watch(self.answers) as watch:
            self.move(backend)
            until("the port to answer", self.answers)
        gap = sum(end - begin for begin, end in watch.outages())
        self.assertLess(gap, GAP, watch.timeline())
        return gap

    def test_it_reconnects_if_its_runtime_directory_would_vanish(self) -> None:
        self.run_holdfast("remove", NAME)
        self.run_holdfast("setup", "-p", NAME, "-b", "gate@bastion", "--backend", "systemd-user")
        self.assertIn(f"runtime-dir = /run/user/{self.ann.uid}/holdfast", self.conf())
        self.note("systemd-user in /run/user to cron: without the port", self.gap("cron"))
        self.assert_runs_under("cron")
        self.assertIn(f"runtime-dir = /tmp/holdfast-{self.ann.uid}", self.conf())
        self.assert_removable()

    def test_auto_moves_to_the_most_durable_backend(self) -> None:
        self.assertEqual(self.move_auto()["backend"]["name"], "systemd-user")
        self.assert_runs_under("systemd-user")
        pid = self.holdfast.status(NAME)["supervisor_pid"]
        self.assertFalse(self.move_auto()["changed"])
        self.assertEqual(self.holdfast.status(NAME)["supervisor_pid"], pid)
        self.assert_removable()

    def move_auto(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.run_holdfast("move", NAME, "--backend", "auto", "--json").stdout)
        return told

    def test_the_new_backend_starts_it_after_a_reboot(self) -> None:
        self.move("systemd-user")
        self.move("cron")
        self.host.reboot()
        until("the port to answer", lambda: self.bastion.banner(PORT), timeout=75)
        self.session = self.host.login(self.ann)
        self.assert_runs_under("cron")

    # -- moves that fail ---------------------------------------------------------------------------------

    def wrapped(self, program: str, script: str) -> dict[str, str]:
        """A PATH in which this script replaces the program; $real in it is the program."""
        real = self.host.run(["which", program]).stdout.strip()
        self.host.write_file(f"{self.ann.home}/odd/{program}", f"#!/bin/sh\nreal={real}\n{script}\n", "755", "ann")
        self.addCleanup(self.host.run, ["rm", "-rf", f"{self.ann.home}/odd"])
        return {"PATH": f"{self.ann.home}/odd:/usr/local/bin:/usr/bin:/bin"}

    def conf(self) -> str:
        return self.host.read_file(f"{self.ann.home}/{CONF}")

    def test_an_unusable_backend_changes_nothing(self) -> None:
        conf = self.conf()
        cases = (("cron", None, 5), ("tmux", self.wrapped("tmux", 'case "$*" in *proof*) exec $real "$@";; esac; exit 1'), 1))
        self.host.run(["systemctl", "stop", "cron"])
        self.addCleanup(self.host.run, ["systemctl", "start", "cron"])
        for backend, env, status in cases:
            with self.subTest(backend):
                done = self.run_holdfast("move", NAME, "--backend", backend, check=False, env=env)
                self.assertEqual(done.returncode, status, done.stderr)
                told = self.assert_runs_under("nohup")
                self.assertEqual((told["supervisor_pid"], told["ssh_pid"]),
                                 (self.before["supervisor_pid"], self.before["ssh_pid"]), "both kept running")
                self.assertEqual(self.conf(), conf)

    def in_the_middle(self) -> str:
        """Starts a move to systemd-user that waits, until go(), before it starts the new supervisor. Returns its pid."""
        env = self.wrapped("systemctl", 'case "$*" in *" start "*) touch ~/middle; until [ -e ~/go ]; do sleep 0.1; done;;'
                                        ' esac; exec $real "$@"')
        self.addCleanup(self.host.run, ["rm", "-f", f"{self.ann.home}/middle", f"{self.ann.home}/go"])
        self.session.background(f"sh -c 'echo $$ > ~/pid; exec env PATH={env['PATH']} {self.holdfast.path} move {NAME} "
                                "--backend systemd-user'")
        until("the first half of the move", lambda: self.host.exists(f"{self.ann.home}/middle"), timeout=30)
        return self.host.read_file(f"{self.ann.home}/pid").strip()

    def go(self) -> None:
        self.host.run(["touch", f"{self.ann.home}/go"], user="ann")

    def await_end(self, pid: str) -> None:
        until("the move to end", lambda: not self.host.pids(f"holdfast move {NAME}"), timeout=90)
        self.host.run(["rm", "-f", f"{self.ann.home}/pid"])

    def test_a_bastion_lost_in_the_middle_undoes_the_move(self) -> None:
        conf = self.conf()
        pid = self.in_the_middle()
        self.bastion.stop_sshd()
        self.addCleanup(self.bastion.start_sshd)
        self.go()
        self.await_end(pid)
        self.bastion.start_sshd()
        self.assert_runs_under("nohup")
        self.assertEqual(self.conf(), conf)

    def test_an_interrupted_move_is_undone(self) -> None:
        conf = self.conf()
        pid = self.in_the_middle()
        self.host.kill(int(pid), signal.SIGTERM)
        self.go()
        self.await_end(pid)
        self.assert_runs_under("nohup")
        self.assertEqual(self.conf(), conf)
        self.assertFalse(self.host.exists("/var/lib/systemd/linger/ann"), "linger is off again")
        self.clean_up_and_assert_removable()

    def test_a_killed_move_loses_no_tunnel_and_can_be_repeated(self) -> None:
        pid = self.in_the_middle()
        self.host.kill(int(pid))
        self.await_end(pid)
        self.assertIsNotNone(self.bastion.banner(PORT))
        self.go()
        self.move("cron")
        self.assert_runs_under("cron")
        self.clean_up_and_assert_removable()

    def test_after_a_killed_move_remove_leaves_nothing(self) -> None:
        pid = self.in_the_middle()
        self.host.kill(int(pid))
        self.await_end(pid)
        self.go()
        self.clean_up_and_assert_removable()

    def clean_up_and_assert_removable(self) -> None:
        until("the waiting systemctl to see `go`", lambda: not self.host.pids("odd/systemctl", "ann"))
        for name in ("odd", "middle", "go", "pid"):
            self.host.run(["rm", "-rf", f"{self.ann.home}/{name}"])
        self.assert_removable()


if __name__ == "__main__":
    main()
