#!/usr/bin/python3
"""A tunnel moves from one backend to another: the port is back in a moment, nothing of the old one stays, and a move
that fails or is killed loses nothing."""
from __future__ import annotations

import json
import signal
from itertools import permutations
from typing import Any, Optional

from lab import Holdfast, LabTest, Session, Snapshot, User, Watch, main, until

PORT = 2222
NAME = str(PORT)
CONF = f".config/holdfast/tunnels/{NAME}.conf"
BACKENDS = ("systemd-user", "cron", "tmux", "screen", "nohup")
GAP = 10.0  # seconds; a login takes well under one, but several labs may share this machine


def all_moves() -> list[str]:
    """A way through every ordered pair of backends, each once."""
    left = set(permutations(BACKENDS, 2))
    way, loop = [], ["nohup"]
    while loop:  # Hierholzer
        here = loop[-1]
        onward = next((pair for pair in sorted(left) if pair[0] == here), None)
        if onward:
            left.remove(onward)
            loop.append(onward[1])
        else:
            way.append(loop.pop())
    return way[::-1]


class Moves(LabTest):
    ann: User
    holdfast: Holdfast
    session: Session
    fresh: Snapshot

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.ann = cls.lab.workstation.add_user("ann")
        cls.lab.bastion.admit(cls.ann)
        cls.holdfast = Holdfast(cls.lab.workstation, cls.ann)

    def setUp(self) -> None:
        super().setUp()
        self.host = self.lab.workstation
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
        """Which backends have anything of theirs on the host."""
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

    def assert_held_by(self, backend: str) -> dict[str, Any]:
        told = self.holdfast.await_up(NAME)
        self.assertEqual((told["backend"]["name"], told["backend"]["installed"], told["backend"]["running"]),
                         (backend, True, True))
        self.assertEqual(self.traces() - {"nohup"}, {backend} - {"nohup"})
        self.assertEqual(len(self.host.pids("ssh -N", "ann")), 1)
        self.assertFalse(self.host.exists(f"{self.ann.home}/.local/state/holdfast/workstation/{NAME}.handover"))
        self.assertEqual(self.lab.bastion.ssh_through(PORT, "ann", "hostname"), "workstation\n")
        return told

    def assert_removable(self) -> None:
        self.run_holdfast("remove", NAME)

        def nothing_left() -> bool:
            if changes := self.fresh.changes(self.host.snapshot()):
                raise AssertionError("\n".join(changes))
            return True
        until("the host to be as it was", nothing_left, timeout=10)

    # -- moves that succeed ------------------------------------------------------------------------------

    def test_every_pair_leaves_the_new_one_alone(self) -> None:
        way = all_moves()
        self.assertEqual(len(way), 21)
        for former, backend in zip(way, way[1:]):
            with self.subTest(f"{former} to {backend}"):
                self.note(f"{former} to {backend}: without the port", self.gap(backend))
                self.assertEqual(self.assert_held_by(backend)["ssh_pid"], self.before["ssh_pid"], "its ssh goes on")
        self.assert_removable()

    def gap(self, backend: str) -> float:
        """Moves it there; for how many seconds the port did not answer."""
        with Watch(lambda: self.lab.bastion.banner(PORT, timeout=0.5) is not None) as watch:
            self.move(backend)
            until("the port to answer", lambda: self.lab.bastion.banner(PORT, timeout=0.5))
        gap = sum(end - begin for begin, end in watch.outages())
        self.assertLess(gap, GAP, watch.timeline())
        return gap

    def test_from_a_directory_that_would_vanish_it_connects_anew(self) -> None:
        self.run_holdfast("remove", NAME)
        self.run_holdfast("setup", "-p", NAME, "-b", "gate@bastion", "--backend", "systemd-user")
        self.assertIn(f"runtime-dir = /run/user/{self.ann.uid}/holdfast", self.conf())
        self.note("systemd-user in /run/user to cron: without the port", self.gap("cron"))
        self.assert_held_by("cron")
        self.assertIn(f"runtime-dir = /tmp/holdfast-{self.ann.uid}", self.conf())
        self.assert_removable()

    def test_auto_climbs_to_the_strongest_and_stays_there(self) -> None:
        self.assertEqual(self.move_auto()["backend"]["name"], "systemd-user")
        self.assert_held_by("systemd-user")
        pid = self.holdfast.status(NAME)["supervisor_pid"]
        self.assertFalse(self.move_auto()["changed"])
        self.assertEqual(self.holdfast.status(NAME)["supervisor_pid"], pid)
        self.assert_removable()

    def move_auto(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.run_holdfast("move", NAME, "--backend", "auto", "--json").stdout)
        return told

    def test_it_stays_moved_after_a_reboot(self) -> None:
        self.move("systemd-user")
        self.move("cron")
        self.host.reboot()
        until("the port to answer", lambda: self.lab.bastion.banner(PORT), timeout=75)
        self.session = self.host.login(self.ann)
        self.assert_held_by("cron")

    # -- moves that fail ---------------------------------------------------------------------------------

    def wrapped(self, program: str, script: str) -> dict[str, str]:
        """A PATH in which that program is a script of ours; `real` in it is the true one."""
        real = self.host.run(["which", program]).stdout.strip()
        self.host.write_file(f"{self.ann.home}/odd/{program}", f"#!/bin/sh\nreal={real}\n{script}\n", "755", "ann")
        self.addCleanup(self.host.run, ["rm", "-rf", f"{self.ann.home}/odd"])
        return {"PATH": f"{self.ann.home}/odd:/usr/local/bin:/usr/bin:/bin"}

    def conf(self) -> str:
        return self.host.read_file(f"{self.ann.home}/{CONF}")

    def test_what_cannot_be_used_or_verified_changes_nothing(self) -> None:
        conf = self.conf()
        cases = (("cron", None, 5), ("tmux", self.wrapped("tmux", 'case "$*" in *proof*) exec $real "$@";; esac; exit 1'), 1))
        self.host.run(["systemctl", "stop", "cron"])
        self.addCleanup(self.host.run, ["systemctl", "start", "cron"])
        for backend, env, status in cases:
            with self.subTest(backend):
                done = self.run_holdfast("move", NAME, "--backend", backend, check=False, env=env)
                self.assertEqual(done.returncode, status, done.stderr)
                told = self.assert_held_by("nohup")
                self.assertEqual((told["supervisor_pid"], told["ssh_pid"]),
                                 (self.before["supervisor_pid"], self.before["ssh_pid"]), "it never let go")
                self.assertEqual(self.conf(), conf)

    def in_the_middle(self) -> str:
        """A move to systemd-user, of which the new supervisor's start hangs; its pid. Until go() nothing goes on."""
        env = self.wrapped("systemctl", 'case "$*" in *" start "*) touch ~/middle; until [ -e ~/go ]; do sleep 0.1; done;;'
                                        ' esac; exec $real "$@"')
        self.addCleanup(self.host.run, ["rm", "-f", f"{self.ann.home}/middle", f"{self.ann.home}/go"])
        self.session.background(f"sh -c 'echo $$ > ~/pid; exec env PATH={env['PATH']} {self.holdfast.path} move {NAME} "
                                "--backend systemd-user'")
        until("the move to be in the middle", lambda: self.host.exists(f"{self.ann.home}/middle"), timeout=30)
        return self.host.read_file(f"{self.ann.home}/pid").strip()

    def go(self) -> None:
        self.host.run(["touch", f"{self.ann.home}/go"], user="ann")

    def await_end(self, pid: str) -> None:
        until("the move to end", lambda: not self.host.pids(f"holdfast move {NAME}"), timeout=90)
        self.host.run(["rm", "-f", f"{self.ann.home}/pid"])

    def test_a_bastion_that_is_down_in_the_middle(self) -> None:
        conf = self.conf()
        pid = self.in_the_middle()
        self.lab.bastion.stop_sshd()
        self.addCleanup(self.lab.bastion.start_sshd)
        self.go()
        self.await_end(pid)
        self.lab.bastion.start_sshd()
        self.assert_held_by("nohup")
        self.assertEqual(self.conf(), conf)

    def test_interrupted_it_is_handed_back(self) -> None:
        conf = self.conf()
        pid = self.in_the_middle()
        self.host.kill(int(pid), signal.SIGTERM)
        self.go()
        self.await_end(pid)
        self.assert_held_by("nohup")
        self.assertEqual(self.conf(), conf)
        self.assertFalse(self.host.exists("/var/lib/systemd/linger/ann"), "linger is as it was")
        self.assert_removable_but_for("odd")

    def test_killed_it_loses_no_tunnel_and_the_next_move_tidies_up(self) -> None:
        pid = self.in_the_middle()
        self.host.kill(int(pid))
        self.await_end(pid)
        self.assertIsNotNone(self.lab.bastion.banner(PORT))
        self.go()
        self.move("cron")
        self.assert_held_by("cron")
        self.assert_removable_but_for("odd")

    def test_killed_it_can_be_removed_without_a_trace(self) -> None:
        pid = self.in_the_middle()
        self.host.kill(int(pid))
        self.await_end(pid)
        self.go()
        until("its child to end", lambda: not self.host.pids("until [ -e", "ann"))
        self.assert_removable_but_for("odd")

    def assert_removable_but_for(self, *ours: str) -> None:
        for name in (*ours, "middle", "go", "pid"):
            self.host.run(["rm", "-rf", f"{self.ann.home}/{name}"])
        self.assert_removable()


if __name__ == "__main__":
    main()
