#!/usr/bin/python3
"""What hangs costs its own backend and two seconds: a crontab(1), a user manager, the system's bus, a home whose file
server does not answer. doctor tells which it is, setup goes on without it, and nothing is left waiting."""
from __future__ import annotations

import json
import signal
import time
from typing import Any, Optional

from lab import Holdfast, LabTest, Session, User, main, until

LONG = 12  # seconds: a busy machine, and far less than what hangs would take
# A file system that never answers, as a dead NFS server's: a FUSE mount whose server does not speak.
HANG = """
import ctypes, os, signal, sys
fuse = os.open("/dev/fuse", os.O_RDWR)
options = f"fd={fuse},rootmode=40000,user_id=0,group_id=0,allow_other"
if ctypes.CDLL(None).mount(b"hang", sys.argv[1].encode(), b"fuse", 0, options.encode()) != 0:
    sys.exit("mount failed")
print("mounted", flush=True)
signal.pause()
"""


class Hanging(LabTest):
    port = 2500

    def setUp(self) -> None:
        super().setUp()
        self.host = self.lab.workstation
        Hanging.port += 1
        self.user: User = self.host.add_user(f"hal{Hanging.port}")
        self.lab.bastion.admit(self.user)
        self.holdfast = Holdfast(self.host, self.user)

    def doctor(self, session: Session, env: Optional[dict[str, str]] = None) -> dict[str, Any]:
        begin = time.monotonic()
        said = json.loads(self.holdfast.run("doctor", "--json", session=session, env=env).stdout)
        self.note("doctor", time.monotonic() - begin)
        self.assertLess(time.monotonic() - begin, LONG)
        said["rows"] = {row["name"]: row for row in said["backends"]}
        return dict(said)

    def set_up(self, session: Session, env: Optional[dict[str, str]] = None) -> str:
        """Which backend setup takes meanwhile."""
        name = str(self.port)
        self.addCleanup(self.holdfast.run, "remove", name, check=False)
        begin = time.monotonic()
        self.holdfast.run("setup", "-p", name, "-b", "gate@bastion", session=session, env=env)
        self.note("setup", time.monotonic() - begin)
        return str(self.holdfast.await_up(name)["backend"]["name"])

    def stop(self, pid: int) -> None:
        self.host.kill(pid, signal.SIGSTOP)
        self.addCleanup(self.host.kill, pid, signal.SIGCONT)

    def test_a_crontab_that_hangs(self) -> None:
        for mode in ("exec sleep 600", "trap '' TERM; while :; do sleep 1; done"):
            with self.subTest(mode), self.host.login(self.user) as session:
                self.host.write_file(f"{self.user.home}/slow/crontab", f"#!/bin/sh\n{mode}\n", "755", self.user.name)
                env = {"PATH": f"{self.user.home}/slow:/usr/bin:/bin"}
                said = self.doctor(session, env)
                self.assertIn("did not answer within 2 s", said["rows"]["cron"]["reason"])
                self.assertEqual((said["choice"], said["rows"]["tmux"]["usable"]), ("systemd-user", True))
                until("no crontab to be left", lambda: not self.host.pids("slow/crontab", self.user.name), 3)

    def test_a_user_manager_that_hangs(self) -> None:
        with self.host.login(self.user) as session:
            manager, = self.host.pids("/lib/systemd/systemd --user", self.user.name)
            self.stop(manager)
            said = self.doctor(session)
            self.assertIn("did not answer within 2 s", said["rows"]["systemd-user"]["reason"])
            self.assertEqual(said["choice"], "cron")
            self.assertEqual(self.set_up(session), "cron")
            self.assertEqual(self.host.pids("systemctl --user", self.user.name), [])
            self.host.kill(manager, signal.SIGCONT)

    def test_a_bus_that_hangs(self) -> None:
        with self.host.login(self.user) as session:
            bus, = [pid for pid, owner, args in self.host.processes()
                    if owner == "messagebus" and "--system" in args]
            self.stop(bus)
            try:
                said = self.doctor(session)
                self.assertIsNone(said["host"]["kill_user_processes"])
                self.assertIn("polkit does not say", said["rows"]["systemd-user"]["reason"])
                self.assertEqual((said["choice"], said["rows"]["nohup"]["survives"]["logout"]), ("cron", "no"))
                self.assertEqual(self.set_up(session), "cron")
            finally:
                self.host.kill(bus, signal.SIGCONT)

    def test_a_home_that_hangs(self) -> None:
        host, user = self.host, self.user
        holdfast = Holdfast(host)  # a program in that home could not even be started
        host.run(["sh", "-c", "test -e /dev/fuse || mknod -m 666 /dev/fuse c 10 229"])
        host.write_file("/root/hang.py", HANG)
        host.run(["systemd-run", "--quiet", "--unit=hang", "--property=DeviceAllow=/dev/fuse rw", "python3",
                  "/root/hang.py", user.home])
        self.addCleanup(host.run, ["umount", "-l", user.home], check=False)
        self.addCleanup(host.run, ["systemctl", "stop", "hang"])  # first: its end is an error for all who wait
        until("the home to hang", lambda: f" {user.home} fuse " in host.read_file("/proc/mounts"))
        command = ["env", f"PATH={user.home}/bin:/usr/bin:/bin", holdfast.path]  # what looks for env does not hang
        begin = time.monotonic()
        done = host.run([*command, "doctor", "--json"], user=user.name, timeout=30)
        said = json.loads(done.stdout)
        self.note("doctor", time.monotonic() - begin)
        self.assertLess(time.monotonic() - begin, LONG)
        self.assertEqual(said["host"]["hanging"], [user.home, f"{user.home}/bin"])
        begin = time.monotonic()
        done = host.run([*command, "doctor", "-b", "gate@bastion"], user=user.name, check=False, timeout=30)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"looking into {user.home}: it did not answer within 2 s", done.stdout)
        done = host.run([*command, "setup", "-p", "2222", "-b", "gate@bastion"], user=user.name, check=False,
                        timeout=30)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"holdfast: looking into {user.home}: it did not answer within 2 s\n  hint: ", done.stderr)
        self.assertLess(time.monotonic() - begin, 2 * LONG)
        until("nothing to wait on", lambda: not host.pids("holdfast", user.name), 5)


if __name__ == "__main__":
    main()
