"""unittest on a lab: one lab for a whole file of tests, and a skip that a CI run does not forgive."""
from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import unittest
from typing import Optional, Sequence

from .claim import cgroup_root
from .lab import Lab

SKIPPED = 77  # CTest's SKIP_RETURN_CODE
PROGRAMS = {"systemd-nspawn": "systemd-container", "ip": "iproute2", "nft": "nftables", "iptables": "iptables", "sshd": "openssh-server",
            "ssh": "openssh-client", "ss": "iproute2", "cron": "cron", "dbus-daemon": "dbus"}
_shared: Optional[Lab] = None


def why_not() -> Optional[str]:
    """Why no lab can be had here, or None."""
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
    trial = subprocess.run(
        ["unshare", "--net", "--mount", "sh", "-ec",
         "ip link set lo up; ip link add name lab0 type veth peer name lab1; sysctl -qw net.ipv4.ip_forward=1;"
         "nft add table inet lab; mount -t tmpfs lab /mnt; mkdir /mnt/u /mnt/w /mnt/m;"
         "mount -t overlay -o lowerdir=/,upperdir=/mnt/u,workdir=/mnt/w lab /mnt/m"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if trial.returncode != 0:
        return f"a lab needs network namespaces, nftables and overlay mounts: {trial.stdout.strip()}"
    return None


def shared_lab(workstations: Sequence[str], shared_home: bool, bastions: Sequence[str]) -> Lab:
    """The lab of this test program: booted at first use, ended by main()."""
    global _shared
    if _shared is None:
        lab = Lab(workstations, shared_home, bastions)
        lab.__enter__()
        _shared = lab
        print(f"# a lab of {len(lab.hosts)} hosts is up after {lab.boot_seconds:.1f} s", file=sys.stderr)
    return _shared


class LabTest(unittest.TestCase):
    """A test in the shared lab. Each begins with every host on and no fault on the network."""
    lab: Lab
    workstations: Sequence[str] = ("workstation",)  # the same in every class of a file
    shared_home = False
    bastions: Sequence[str] = ("bastion",)

    @classmethod
    def setUpClass(cls) -> None:
        cls.lab = shared_lab(cls.workstations, cls.shared_home, cls.bastions)

    def setUp(self) -> None:
        for host in self.lab.hosts.values():
            if not host.is_on:
                host.boot()
        self.lab.network.mend_all()

    def note(self, what: str, seconds: float) -> None:
        """A figure for the reader of the log."""
        print(f"# {what}: {seconds:.2f} s", file=sys.stderr)


class _Result(unittest.TextTestResult):
    def startTest(self, test: unittest.TestCase) -> None:
        self._begin = time.monotonic()
        super().startTest(test)

    def stopTest(self, test: unittest.TestCase) -> None:
        self.stream.writeln(f"#   took {time.monotonic() - self._begin:.1f} s")
        super().stopTest(test)

    def addFailure(self, test: unittest.TestCase, err: object) -> None:
        super().addFailure(test, err)  # type: ignore[arg-type]
        self._tell()

    def addError(self, test: unittest.TestCase, err: object) -> None:
        super().addError(test, err)  # type: ignore[arg-type]
        self._tell()

    def _tell(self) -> None:
        if _shared:
            self.stream.writeln(_shared.report())


def main() -> None:
    """In place of unittest.main(): exit 0, 1, or 77 when no lab can be had here (1 where CI=true)."""
    global _shared
    reason = why_not()
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
