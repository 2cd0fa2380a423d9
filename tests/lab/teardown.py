#!/usr/bin/python3
"""What a lab does to the machine under it: it leaves nothing behind, and it does not depend on the machine's accounts."""
from __future__ import annotations

import contextlib
import json
import os
import pwd
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from lab import main, until
from lab.claim import PREFIX, Claim, cgroup_roots, start_time, sweep
from lab.image import ACCOUNT_FILES, free_uids

HERE = Path(__file__).resolve().parent


class Teardown(unittest.TestCase):
    SCRIPT = """
import sys; sys.path.insert(0, sys.argv[1])
from lab import Lab
with Lab() as lab:
    lab.workstation.add_user("bob"); s = lab.workstation.login("bob"); s.background("sleep 4321")
    print("ready", flush=True); sys.stdin.readline()
    if sys.argv[2] == "raise": raise ValueError
    if sys.argv[2] == "wait": sys.stdin.readline()
"""

    def test_nothing_is_left_however_a_lab_ends(self) -> None:
        ends = [("return", None), ("raise", None), ("wait", signal.SIGINT), ("wait", signal.SIGTERM),
                ("wait", signal.SIGKILL)]
        for how, sig in ends:
            with self.subTest(how=how, signal=sig):
                owner = subprocess.Popen([sys.executable, "-c", self.SCRIPT, str(HERE), how], stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
                assert owner.stdout and owner.stdin
                self.assertEqual(owner.stdout.readline(), b"ready\n")
                traces = Traces(owner.pid)
                self.assertEqual({trace.split()[0] for trace in traces.left()}, {"file", "mount", "process"})
                owner.stdin.write(b"\n")
                owner.stdin.flush()
                if sig:
                    owner.send_signal(sig)
                owner.wait(60)
                until("no trace of the lab", traces.gone, timeout=60)
                owner.stdin.close()
                owner.stdout.close()

    def test_the_next_lab_clears_what_a_killed_one_left(self) -> None:
        dead = subprocess.Popen(["true"])
        dead.wait()
        left = Claim(f"{PREFIX}{dead.pid}.1.1")
        left.ground.mkdir(parents=True)
        for root in cgroup_roots():
            with contextlib.suppress(OSError):  # some v1 hierarchies may be read-only
                (root / left.name / "host").mkdir(parents=True)
        subprocess.run(["mount", "-t", "tmpfs", left.name, str(left.ground)], check=True)
        sleeper = left.spawn(["sleep", "4322"], "host")
        sweep()
        self.assertEqual(sleeper.wait(30), -signal.SIGKILL)
        self.assertEqual(Traces(dead.pid).left(), [])

    def test_without_root_a_test_is_skipped_but_fails_in_ci(self) -> None:
        with tempfile.TemporaryDirectory() as copy:
            os.chmod(copy, 0o755)
            os.mkdir(f"{copy}/lab")
            subprocess.run(["cp", "-r", str(HERE / "lab"), f"{copy}/lab"], check=True)
            subprocess.run(["cp", str(HERE.parent / "clean_environment.py"), copy], check=True)
            for ci, status in (("", 77), ("true", 1)):
                done = subprocess.run(
                    ["setpriv", "--reuid=65534", "--clear-groups", sys.executable, "-c", "import lab; lab.main()"],
                    cwd=f"{copy}/lab", env={"CI": ci, "PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"},
                    stderr=subprocess.PIPE, text=True)
                self.assertEqual((done.returncode, done.stderr), (status, "skipped: a lab needs root\n"))


class Accounts(unittest.TestCase):
    """A machine with the lab's users: ann and bob as people, gate as a system account that can log in."""
    TAKEN = {"ann": 1001, "bob": free_uids()[0], "gate": 999}
    MOUNT = 'for file in "$1"/*; do mount --bind "$file" "/etc/${file##*/}"; done; shift; exec "$@"'
    SCRIPT = """
import json, pwd, sys; sys.path.insert(0, sys.argv[1])
from lab import Lab
assert pwd.getpwnam("ann").pw_uid == 1001, "this machine has no such user"
with Lab() as lab:
    before = lab.workstation.run(["getent", "passwd"]).stdout
    people = [lab.workstation.add_user(name) for name in ("ann", "bob", "dave")]
    lab.bastion.admit(people[0])
    login = lab.workstation.run(["ssh", "-o", "BatchMode=yes", "gate@bastion", "id", "-un"], user="ann").stdout
    print(json.dumps([before, [user.uid for user in (*people, lab.bastion.gate)], login]))
"""

    def test_a_lab_starts_where_its_users_have_accounts(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            self.write_accounts(Path(directory))
            # In a mount namespace of its own: nothing of this machine changes.
            done = subprocess.run(["unshare", "--mount", "--propagation=private", "sh", "-ec", self.MOUNT, "sh", directory,
                                   sys.executable, "-B", "-c", self.SCRIPT, str(HERE)], stdout=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 0)
        before, uids, login = json.loads(done.stdout)
        accounts = [line.split(":") for line in before.splitlines()]
        self.assertEqual([fields[0] for fields in accounts if fields[0] in self.TAKEN or 1000 <= int(fields[2]) < 65534], [])
        self.assertIn("sshd", [fields[0] for fields in accounts])
        self.assertEqual(login, "gate\n")
        self.assertEqual(set(uids) & {*self.TAKEN.values(), *(account.pw_uid for account in pwd.getpwall())}, set())

    def write_accounts(self, directory: Path) -> None:
        for name in ACCOUNT_FILES:
            file = Path("/etc") / name
            if not file.exists():
                continue
            lines = [line for line in file.read_text().splitlines(keepends=True) if line.split(":")[0] not in self.TAKEN]
            for account, uid in self.TAKEN.items():
                lines.append({"passwd": f"{account}:x:{uid}:{uid}::/home/{account}:/bin/sh\n",
                              "group": f"{account}:x:{uid}:\n", "shadow": f"{account}:!:1::::::\n",
                              "gshadow": f"{account}:!::\n"}.get(name, f"{account}:{100000 + uid}:65536\n"))
            (directory / name).write_text("".join(lines))


class Traces:
    """What the lab of one owner has on this machine: mounts, files, cgroups, processes. (Its network namespaces
    are mounts or belong to its processes.) Other labs may come and go meanwhile."""

    def __init__(self, owner: int) -> None:
        self._mark = f"{PREFIX}{owner}."
        self._processes = {f"{pid}/{start_time(pid)}" for pid in self._pids()}
        self._locks = []
        for mount in self._mounts():
            status = os.stat(mount)
            self._locks.append(f"/run/systemd/nspawn/locks/inode-{status.st_dev}:{status.st_ino}")

    def left(self) -> list[str]:
        directories = [tempfile.gettempdir(), "/run/systemd/nspawn/propagate", *map(str, cgroup_roots())]
        files = [f"{directory}/{name}" for directory in directories if os.path.isdir(directory)
                 for name in os.listdir(directory) if name.startswith(self._mark)]
        running = [process for process in self._processes
                   if str(start_time(int(process.split("/")[0]))) == process.split("/")[1]]
        return ([f"file {path}" for path in [*files, *filter(os.path.exists, self._locks)]]
                + [f"mount {mount}" for mount in self._mounts()] + [f"process {process}" for process in running])

    def gone(self) -> bool:
        if left := self.left():
            raise AssertionError(left)
        return True

    def _mounts(self) -> list[str]:
        points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
        return [point for point in points if self._mark in point]

    def _pids(self) -> list[int]:
        files = [file for root in cgroup_roots() for file in root.glob(f"{self._mark}*/**/cgroup.procs")]
        keepers = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                if self._mark.encode() in path.read_bytes():
                    keepers.append(int(path.parent.name))
        return keepers + [int(pid) for file in files for pid in file.read_text().split()]


if __name__ == "__main__":
    main()
