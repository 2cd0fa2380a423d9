"""Base classes for tests in a lab: all tests of a file share one lab. Where no lab can start, they are skipped, or fail
if CI=true."""
from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import unittest
from concurrent.futures import ThreadPoolExecutor
from typing import Callable, Optional, Sequence

from .bastion import Bastion
from .claim import cgroup_root
from .holdfast import Holdfast
from .host import Host
from .lab import Lab
from .measure import until
from .snapshot import Snapshot
from .user import User

SKIPPED = 77  # CTest's SKIP_RETURN_CODE
PROGRAMS = {"systemd-nspawn": "systemd-container", "ip": "iproute2", "nft": "nftables", "iptables": "iptables", "sshd": "openssh-server",
            "ssh": "openssh-client", "ss": "iproute2", "cron": "cron", "dbus-daemon": "dbus"}
_shared: Optional[Lab] = None


def why_not() -> Optional[str]:
    """Why no lab can start on this machine, or None."""
    if os.geteuid() != 0:
        return "a lab needs root"
    for program, package in PROGRAMS.items():
        if not shutil.which(program, path="/usr/sbin:/usr/bin:/sbin:/bin"):
            return f"a lab needs {program} (package {package})"
    try:
        root = cgroup_root()
    except (OSError, RuntimeError, StopIteration) as error:
        return f"a lab needs cgroup v2: {error}"
    if not os.access(root, os.W_OK):
        return f"a lab needs to make cgroups in {root}"
    attempt = subprocess.run(
        ["unshare", "--net", "--mount", "sh", "-ec",
         "ip link set lo up; ip link add name lab0 type veth peer name lab1; sysctl -qw net.ipv4.ip_forward=1;"
         "nft add table inet lab; mount -t tmpfs lab /mnt; mkdir /mnt/u /mnt/w /mnt/m;"
         "mount -t overlay -o lowerdir=/,upperdir=/mnt/u,workdir=/mnt/w lab /mnt/m"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if attempt.returncode != 0:
        return f"a lab needs network namespaces, nftables and overlay mounts: {attempt.stdout.strip()}"
    return None


def shared_lab(workstations: Sequence[str], shared_home: bool, bastions: Sequence[str]) -> Lab:
    """The lab of this test program. The first call boots it, main() ends it."""
    global _shared
    if _shared is None:
        lab = Lab(workstations, shared_home, bastions)
        lab.__enter__()
        _shared = lab
        print(f"# a lab of {len(lab.hosts)} hosts is up after {lab.boot_seconds:.1f} s", file=sys.stderr)
    return _shared


class LabTest(unittest.TestCase):
    """A test in the shared lab. Each test starts with every host on and no network fault."""
    lab: Lab
    host: Host        # the workstation
    bastion: Bastion  # the first bastion
    workstations: Sequence[str] = ("workstation",)  # the same in every class of a file
    shared_home = False
    bastions: Sequence[str] = ("bastion",)
    PORT = 2222

    @classmethod
    def setUpClass(cls) -> None:
        cls.lab = shared_lab(cls.workstations, cls.shared_home, cls.bastions)
        cls.host, cls.bastion = cls.lab.workstation, cls.lab.bastion

    def setUp(self) -> None:
        for host in self.lab.hosts.values():
            if not host.is_on:
                host.boot()
        self.lab.network.end_all_faults()

    @classmethod
    def person(cls, name: str, home: str = "") -> User:
        """A user of the workstation whose key every bastion accepts. The first call creates the account."""
        if name not in cls.lab.people:
            user = cls.lab.people[name] = cls.host.add_user(name, home)
            for bastion in cls.lab.bastions:
                bastion.admit(user)
        return cls.lab.people[name]

    def answers(self, port: int = 0) -> bool:
        """Whether an ssh server answers at this port of the bastion's loopback."""
        return self.bastion.banner(port or self.PORT, timeout=0.5) is not None

    def assert_leads_home(self, user: str = "ann", port: int = 0) -> None:
        """A login from the bastion through the tunnel reaches the workstation."""
        self.assertEqual(self.bastion.ssh_through(port or self.PORT, user, "hostname"), "workstation\n")

    def assert_unchanged(self, before: Snapshot, host: Optional[Host] = None, timeout: float = 20) -> None:
        """The host is as it was, at once or when processes that have ended are gone."""
        def is_unchanged() -> bool:
            if changes := before.changes((host or self.host).snapshot()):
                raise AssertionError("\n".join(changes))
            return True
        until(f"{(host or self.host).name} to be as it was before", is_unchanged, timeout)

    def kill_processes_at_logout(self) -> None:
        """logind's KillUserProcesses=yes on the workstation, until the test ends."""
        self.host.write_file("/etc/systemd/logind.conf.d/kill.conf", "[Login]\nKillUserProcesses=yes\n")
        self.addCleanup(self.host.run, ["systemctl", "restart", "systemd-logind"])
        self.addCleanup(self.host.run, ["rm", "/etc/systemd/logind.conf.d/kill.conf"])
        self.host.run(["systemctl", "restart", "systemd-logind"])

    def refuse_linger(self, prefix: str = "") -> None:
        """polkit refuses linger to users whose name starts with this prefix, until the test ends."""
        rule = "/etc/polkit-1/rules.d/10-refuse-linger.rules"
        self.host.write_file(rule, "polkit.addRule(function(action, subject) {\n"
                                   "  if (action.id.indexOf('org.freedesktop.login1.set-') == 0 && "
                                   f"subject.user.indexOf('{prefix}') == 0)\n    return polkit.Result.NO;\n}});\n")
        self.addCleanup(self.host.run, ["rm", rule])

    def note(self, what: str, seconds: float) -> None:
        """Prints a measured time for readers of the log."""
        print(f"# {what}: {seconds:.2f} s", file=sys.stderr)


class UserTest(LabTest):
    """A test of ann: an ordinary user of the workstation, with holdfast in ~/.local/bin."""
    ann: User
    holdfast: Holdfast

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.ann = cls.person("ann")
        cls.holdfast = Holdfast(cls.host, cls.ann)


class BackendTest(UserTest):
    """Tests that every subclass runs with its own backend; this class itself runs none."""
    BACKEND = ""

    @classmethod
    def setUpClass(cls) -> None:
        if not cls.BACKEND:
            raise unittest.SkipTest("its subclasses run these tests")
        super().setUpClass()


def in_parallel(*tasks: Callable[[], object]) -> None:
    """Runs each task in a thread of its own, until all have ended."""
    with ThreadPoolExecutor(len(tasks)) as pool:
        for task in [pool.submit(task) for task in tasks]:
            task.result()


class _Result(unittest.TextTestResult):
    def startTest(self, test: unittest.TestCase) -> None:
        self._begin = time.monotonic()
        super().startTest(test)

    def stopTest(self, test: unittest.TestCase) -> None:
        self.stream.writeln(f"#   took {time.monotonic() - self._begin:.1f} s")
        super().stopTest(test)

    def addFailure(self, test: unittest.TestCase, err: object) -> None:
        super().addFailure(test, err)  # type: ignore[arg-type]
        self._report()

    def addError(self, test: unittest.TestCase, err: object) -> None:
        super().addError(test, err)  # type: ignore[arg-type]
        self._report()

    def _report(self) -> None:
        if _shared:
            self.stream.writeln(_shared.report())


def main(needs: Sequence[str] = ()) -> None:
    """In place of unittest.main(): exit 0, 1, or 77 if no lab can start here or a needed program is missing (1 if
    CI=true)."""
    global _shared
    missing = [name for name in needs if not shutil.which(name)]
    reason = why_not() or (f"it needs {' '.join(missing)}" if missing else None)
    if reason:
        print(f"skipped: {reason}", file=sys.stderr)
        sys.exit(1 if os.environ.get("CI") == "true" else SKIPPED)
    try:
        runner = unittest.TextTestRunner(resultclass=_Result, verbosity=2)
        program = unittest.main(module="__main__", testRunner=runner, exit=False)
        status = 0 if program.result.wasSuccessful() else 1
    except KeyboardInterrupt as interrupt:
        print(f"interrupted {interrupt}", file=sys.stderr)
        status = 130
    finally:
        if _shared:
            _shared.close()
            _shared = None
    sys.exit(status)
