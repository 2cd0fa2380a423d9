#!/usr/bin/python3
"""The .deb on Debian 11 and 13 (OpenSSH 8.4 and 10): installed, a real tunnel by `holdfast demo`, purged again."""
from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from made import TREE, Packages, run, skip

RELEASES = {"bullseye": "OpenSSH 8.4", "trixie": "OpenSSH 10."}
# A system as an image has it: every mount is the namespace's own, every process ends with its first.
INSIDE = """
mount -t proc proc "$1/proc" && mount -t tmpfs tmpfs "$1/run" && mount --rbind /dev "$1/dev" || exit 1
exec chroot "$1" /bin/sh -ec "$2"
"""
STORY = """
export LC_ALL=C.UTF-8
ls / /usr/bin /usr/share >/root/before
dpkg -i /root/holdfast.deb
ssh -V 2>&1
holdfast demo
test -z "$(holdfast status 2>/dev/null | grep demo)"
dpkg --purge holdfast
ls / /usr/bin /usr/share >/root/after
cmp /root/before /root/after
"""


def mirror() -> str:
    """Where this machine gets its own packages from."""
    targets = run("apt-get", "indextargets", "--format", "$(REPO_URI) $(COMPONENT)", "Created-By: Packages")
    found = [line.split()[0] for line in targets.splitlines() if line.endswith(" main")]
    return next(uri for uri in found if "security" not in uri)


class Releases(unittest.TestCase):
    packages: Packages

    @classmethod
    def setUpClass(cls) -> None:
        cls.packages = Packages()

    def on(self, release: str) -> None:
        with tempfile.TemporaryDirectory(prefix="holdfast-release-") as scratch:
            root = Path(scratch) / release
            run("debootstrap", "--variant=minbase", "--include=openssh-client,openssh-server,procps", release, root,
                mirror())
            shutil.copy(self.packages.deb, root / "root/holdfast.deb")
            told = run("unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", INSIDE, "sh", root, STORY)
            print(told)
            self.assertIn(f"ssh found: {RELEASES[release]}", told)
            self.assertIn("every step was seen to work", told)

    def test_debian_11(self) -> None:
        self.on("bullseye")

    def test_debian_13(self) -> None:
        self.on("trixie")


if __name__ == "__main__":
    if os.geteuid() != 0:
        skip("a chroot needs root")
    if shutil.which("debootstrap") is None:
        skip("there is no debootstrap: scripts/setup-dependencies full")
    if subprocess.run(["unshare", "--mount", "--pid", "--fork", "true"], check=False).returncode != 0:
        skip("no mount namespace can be made here")
    unittest.main(verbosity=2)
