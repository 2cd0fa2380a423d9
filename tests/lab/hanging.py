#!/usr/bin/python3
"""Programs and file systems that never answer: crontab(1), a user manager, the system bus, a home on a dead file server.
Each costs two seconds and its own backend: doctor names it, setup continues without it, and no process is left waiting."""
from __future__ import annotations

import json
import signal
import time
from typing import Any, Optional

from lab import Holdfast, LabTest, Session, User, main, until

LIMIT = 30  # seconds on a busy machine; a program that waits for the hanging one never ends
# A file system that never answers, like a dead NFS server: a FUSE mount whose server does nothing.
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
        Hanging.port += 1
        self.user: User = self.person(f"hal{Hanging.port}")
        self.holdfast = Holdfast(self.host, self.user)

    def doctor(self, session: Session, env: Optional[dict[str, str]] = None) -> dict[str, Any]:
        begin = time.monotonic()
        said = json.loads(self.holdfast.run("doctor", "--json", session=session, env=env).stdout)
        self.note("doctor", time.monotonic() - begin)
        self.assertLess(time.monotonic() - begin, LIMIT)
        said["rows"] = {row["name"]: row for row in said["backends"]}
        return dict(said)

    def set_up(self, session: Session, env: Optional[dict[str, str]] = None) -> str:
        """The backend that setup picks meanwhile."""
        name = str(self.port)
        self.addCleanup(self.holdfast.run, "remove", name, check=False)
        begin = time.monotonic()
        self.holdfast.run("setup", "-p", name, "-b", "gate@bastion", session=session, env=env)
        self.note("setup", time.monotonic() - begin)
        return str(self.holdfast.await_up(name)["backend"]["name"])

    def stop(self, pid: int) -> None:
        self.host.kill(pid, signal.SIGSTOP)
        self.addCleanup(self.host.kill, pid, signal.SIGCONT)

    def test_a_hanging_crontab_costs_two_seconds(self) -> None:
        for mode in ("exec sleep 600", "trap '' TERM; while :; do sleep 1; done"):
            with self.subTest(mode), self.host.login(self.user) as session:
                self.host.write_file(f"{self.user.home}/slow/crontab", f"#!/bin/sh\n{mode}\n", "755", self.user.name)
                env = {"PATH": f"{self.user.home}/slow:/usr/bin:/bin"}
                said = self.doctor(session, env)
                self.assertIn("did not answer within 2 s", said["rows"]["cron"]["reason"])
                self.assertEqual((said["choice"], said["rows"]["tmux"]["usable"]), ("systemd-user", True))
                until("no crontab process to be left", lambda: not self.host.pids("slow/crontab", self.user.name), 15)

    def test_setup_uses_cron_if_the_user_manager_hangs(self) -> None:
        with self.host.login(self.user) as session:
            manager, = self.host.pids("/lib/systemd/systemd --user", self.user.name)
            self.stop(manager)
            said = self.doctor(session)
            self.assertIn("did not answer within 2 s", said["rows"]["systemd-user"]["reason"])
            self.assertEqual(said["choice"], "cron")
            self.assertEqual(self.set_up(session), "cron")
            self.assertEqual(self.host.pids("systemctl --user", self.user.name), [])
            self.host.kill(manager, signal.SIGCONT)

    def test_setup_uses_cron_if_the_system_bus_hangs(self) -> None:
        with self.host.login(self.user) as session:
            bus, = [pid for pid, owner, args in self.host.processes()
                    if owner == "messagebus" and "--system" in args]
            self.stop(bus)
            try:
                said = self.doctor(session)
                self.assertIsNone(said["host"]["kill_user_processes"])
                self.assertIn("polkit did not confirm", said["rows"]["systemd-user"]["reason"])
                self.assertEqual((said["choice"], said["rows"]["nohup"]["survives"]["logout"]), ("cron", "no"))
                self.assertEqual(self.set_up(session), "cron")
            finally:
                self.host.kill(bus, signal.SIGCONT)

    def hang_home(self) -> None:
        host, user = self.host, self.user
        host.run(["sh", "-c", "test -e /dev/fuse || mknod -m 666 /dev/fuse c 10 229"])
        host.write_file("/root/hang.py", HANG)
        host.run(["systemd-run", "--quiet", "--unit=hang", "--property=DeviceAllow=/dev/fuse rw", "python3",
                  "/root/hang.py", user.home])
        self.addCleanup(host.run, ["umount", "-l", user.home], check=False)
        self.addCleanup(host.run, ["systemctl", "stop", "hang"], check=False)  # runs first: the processes that wait for it then get an error
        until("the home to hang", lambda: f" {user.home} fuse " in host.read_file("/proc/mounts"))

    def test_cron_leaves_one_process_on_a_hanging_home(self) -> None:
        host, user = self.host, self.user
        names = [str(self.port), f"{self.port}.b"]
        with host.login(user) as session:
            for number, name in enumerate(names):
                self.addCleanup(self.holdfast.run, "remove", name, check=False)
                self.holdfast.run("setup", "-n", name, "-p", str(self.port + 100 * number), "-b", "gate@bastion",
                                  session=session, env={"HOLDFAST_BACKENDS": "cron"})
        crontab = host.run(["crontab", "-l"], user=user.name).stdout.splitlines()
        self.assertEqual(len([line for line in crontab if "ensure" in line]), 2)  # at boot, and every minute
        line = next(line for line in crontab if line.startswith("* * * * * "))[len("* * * * * "):]
        self.assertTrue(line.endswith(f" ensure --user {' '.join(names)}"), line)
        self.assertEqual(crontab[crontab.index("HOME=/") + 3], f"HOME={user.home}")  # cron itself enters HOME first
        self.hang_home()
        for _ in range(4):  # what cron does in four minutes
            host.run(["sh", "-c", f"cd / && ({line}) >/dev/null 2>&1 </dev/null &"], user=user.name)
        until("one process to be left", lambda: len(host.pids("ensure --user", user.name)) == 1, 15)
        host.run(["systemctl", "stop", "hang"])
        host.run(["umount", "-l", user.home], check=False)
        until("that process to end", lambda: not host.pids("ensure --user", user.name), 15)
        host.run(["sh", "-c", f"cd / && {line}"], user=user.name)
        self.assertEqual(self.holdfast.state(names[1]), "up")

    def test_a_hanging_home_is_named(self) -> None:
        host, user = self.host, self.user
        holdfast = Holdfast(host)  # a program in a hanging home cannot be started
        self.hang_home()
        command = ["env", f"PATH={user.home}/bin:/usr/bin:/bin", holdfast.path]  # finding env itself must not hang
        begin = time.monotonic()
        done = host.run([*command, "doctor", "--json"], user=user.name, timeout=30)
        said = json.loads(done.stdout)
        self.note("doctor", time.monotonic() - begin)
        self.assertLess(time.monotonic() - begin, LIMIT)
        self.assertEqual(said["host"]["hanging"], [user.home, f"{user.home}/bin"])
        begin = time.monotonic()
        done = host.run([*command, "doctor", "-b", "gate@bastion"], user=user.name, check=False, timeout=30)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"reading {user.home}: it did not answer within 2 s", done.stdout)
        done = host.run([*command, "setup", "-p", "2222", "-b", "gate@bastion"], user=user.name, check=False,
                        timeout=30)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"holdfast: reading {user.home}: it did not answer within 2 s\n  hint: ", done.stderr)
        self.assertLess(time.monotonic() - begin, 2 * LIMIT)
        for words in (["status"], ["status", "--json"], ["ensure"], ["ensure", "-v", "x"], ["stop", "x"], ["logs", "x"]):
            with self.subTest(words):
                begin = time.monotonic()
                done = host.run([*command, *words], user=user.name, check=False, timeout=30)
                self.note(words[0], time.monotonic() - begin)
                self.assertEqual(done.returncode, 1)
                self.assertIn(f"holdfast: reading {user.home}: it did not answer within 2 s\n  hint: ", done.stderr)
        until("no holdfast process to be left", lambda: not host.pids("holdfast", user.name), 15)


if __name__ == "__main__":
    main()
