#!/usr/bin/python3
"""Unusual homes, temporary directories and full disks: the tunnel works, or setup fails and leaves nothing."""
from __future__ import annotations

import unittest
from typing import Optional

from lab import Holdfast, LabTest, Session, Snapshot, User, main, program, until
from lab.host import Completed

GATE = "gate@bastion"
# No "%": ssh itself expands it in the name of a key (cron.py has it in other directories).
HOME = "/home/o d'd\"$HOME `x`\\tä"


class AtHome(Holdfast):
    """Passes the user's real home as HOME."""

    def run(self, *arguments: str, session: Optional[Session] = None, check: bool = True, timeout: float = 90,
            env: Optional[dict[str, str]] = None) -> Completed[str]:
        assert self.user
        return super().run(*arguments, session=session, check=check, timeout=timeout,
                           env={"HOME": self.user.home, **(env or {})})


class OddPlaces(LabTest):
    """Each subclass has its own user, who stays logged in: snapshots then show only what holdfast leaves."""
    NAME = ""
    HOME = ""
    user: User
    holdfast: AtHome
    fresh: Snapshot

    @classmethod
    def setUpClass(cls) -> None:
        if not cls.NAME:
            raise unittest.SkipTest("its subclasses run these tests")
        super().setUpClass()
        cls.user = cls.person(cls.NAME, cls.HOME)
        cls.holdfast = AtHome(cls.host, cls.user)

    def setUp(self) -> None:
        super().setUp()
        self.session = self.host.login(self.user)
        self.addCleanup(self.session.logout)
        self.port = self.bastion.free_port()
        self.fresh = self.host.snapshot()

    def set_up(self, backend: str, env: Optional[dict[str, str]] = None, check: bool = True) -> Completed[str]:
        return self.holdfast.run("setup", "-n", "odd", "-p", str(self.port), "-b", GATE, "--backend", backend,
                                 session=self.session, env=env, check=check)

    def remove(self) -> None:
        self.holdfast.run("remove", "odd", session=self.session)
        self.assert_unchanged(self.fresh)


class Homes(OddPlaces):
    NAME, HOME = "odd", HOME

    def move_program(self) -> None:
        """systemd starts no program whose path has a quote: setup says so. A home with a quote works."""
        done = self.set_up("systemd-user", check=False)
        self.assertEqual(done.returncode, 5, done.stderr)
        self.assertIn("systemd cannot start a program whose path contains a quote", done.stderr)
        self.assert_unchanged(self.fresh)
        usual, self.holdfast.path = self.holdfast.path, "/usr/local/bin/holdfast"
        self.host.put(program(), self.holdfast.path)
        self.fresh = self.host.snapshot()
        self.addCleanup(setattr, self.holdfast, "path", usual)

    def test_every_backend_works_in_an_unusual_home(self) -> None:
        for backend in ("systemd-user", "cron", "tmux", "screen", "nohup"):
            with self.subTest(backend):
                if backend == "systemd-user":
                    self.move_program()
                self.set_up(backend)
                before = self.holdfast.await_up("odd")
                self.assertEqual(before["backend"]["name"], backend)
                self.host.kill(before["ssh_pid"])
                until("a new ssh", lambda: self.holdfast.status("odd")["ssh_pid"] not in (None, before["ssh_pid"]))
                self.holdfast.await_up("odd")
                self.host.kill(before["supervisor_pid"])
                until("it to end", lambda: before["supervisor_pid"] not in [pid for pid, _, _ in self.host.processes()])
                if backend in ("tmux", "screen", "nohup"):
                    self.holdfast.run("ensure", session=self.session)
                until("a new supervisor", timeout=90, ask=lambda: self.holdfast.status("odd")["supervisor_pid"]
                      not in (None, before["supervisor_pid"]))
                self.holdfast.await_up("odd")
                self.assert_leads_home(self.NAME, self.port)
                self.remove()
        self.assertFalse(self.host.exists("/home/odd"))


class TemporaryDirectories(OddPlaces):
    NAME = "tess"

    def test_no_unusable_variable_keeps_a_session_from_starting(self) -> None:
        spaces, long = f"{self.user.home}/a b'c", f"{self.user.home}/{'x' * 120}"
        self.session.run(f"mkdir -m 700 \"{spaces}\" {long}; mkdir -m 500 ~/shut")
        self.host.run(["mkdir", "-m", "700", "/home/strangers"])
        self.fresh = self.host.snapshot()
        for where in ("/nonexistent", f"{self.user.home}/shut", long, spaces, "relative", "/home/strangers", ""):
            for backend in ("tmux", "screen", "nohup"):
                with self.subTest(backend, where=where):
                    self.set_up(backend, env=dict.fromkeys(("TMPDIR", "TMUX_TMPDIR", "SCREENDIR"), where))
                    self.assertEqual(self.holdfast.await_up("odd")["backend"]["name"], backend)
                    self.remove()


class FullDisks(OddPlaces):
    NAME = "fay"

    def fill(self, directory: str) -> None:
        """Mounts a full file system over the directory, with the same files in it."""
        host = self.host
        owner = host.run(["stat", "-c", "%a %u:%g", directory]).stdout.split()
        host.run(["cp", "-a", directory, "/mnt/kept"])
        host.run(["mount", "-t", "tmpfs", "-o", f"size=64k,mode={owner[0]}", "full", directory])
        self.addCleanup(host.run, ["umount", "--lazy", directory], check=False)
        host.run(["chown", owner[1], directory])
        host.run(["sh", "-c", f"cp -a /mnt/kept/. {directory}/; rm -r /mnt/kept; cat /dev/zero >{directory}/filling"],
                 check=False)
        self.fresh = host.snapshot()

    def refused(self, backend: str) -> str:
        done = self.set_up(backend, check=False)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertRegex(done.stderr, r"(?m)^holdfast: .*no space left", done.stderr)
        self.assertNotIn("could not be undone", done.stderr)
        self.assert_unchanged(self.fresh)
        return done.stderr

    def test_setup_leaves_nothing_in_a_full_home(self) -> None:
        for directory in (f"{self.user.home}/.config", f"{self.user.home}/.local/state"):
            with self.subTest(directory):
                self.session.run(f"mkdir -p {directory}")
                self.fill(directory)
                for backend in ("systemd-user", "cron", "nohup"):
                    self.refused(backend)
                self.host.run(["umount", "--lazy", directory])
                self.session.run(f"rmdir {directory}")

    def test_setup_keeps_the_crontab_if_the_spool_is_full(self) -> None:
        spool = "/var/spool/cron/crontabs"
        crontab = "# mine\n5 5 5 5 5 true\n"
        self.host.run(["crontab", "-u", self.NAME, "-"], stdin=crontab)
        self.addCleanup(self.host.run, ["crontab", "-u", self.NAME, "-r"], check=False)
        self.fill(spool)
        before = self.host.read_file(f"{spool}/{self.NAME}")
        done = self.set_up("cron", check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertRegex(done.stderr, r"(?m)^holdfast: .*crontab", done.stderr)
        self.assertEqual(self.host.read_file(f"{spool}/{self.NAME}"), before)
        self.assert_unchanged(self.fresh)

    def test_setup_leaves_nothing_in_a_full_runtime_directory(self) -> None:
        """Live state, lock and pidfile have no space."""
        self.fill("/tmp")
        for backend in ("cron", "tmux", "screen", "nohup"):
            with self.subTest(backend):
                self.refused(backend)


if __name__ == "__main__":
    main()
