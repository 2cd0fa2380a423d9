#!/usr/bin/python3
"""The .deb on Debian 11 and 13 (OpenSSH 8.4 and 10): installed, `holdfast demo`, purged. On Debian 13 also cronie, the cron
of Red Hat, and takeover with sshd-session, with busybox as sh, and with root's key."""
from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from made import Packages, run, skip

RELEASES = {"bullseye": "OpenSSH 8.4", "trixie": "OpenSSH 10."}
# Runs a command in the chroot, in its own mount and pid namespaces: every process ends with the first.
INSIDE = """
if test -n "$3"; then ip link set lo up; fi
mount -t proc proc "$1/proc" && mount -t tmpfs tmpfs "$1/run" && mount --rbind /dev "$1/dev" || exit 1
exec chroot "$1" /bin/sh -ec "$2"
"""
DEMO = """
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

# A tunnel of ann to gate@127.0.0.1, to the sshd of the same system.
SSHD = """
dpkg -i /root/holdfast.deb
useradd -m -s /bin/bash ann
useradd -m -s /bin/bash -p '*' gate
mkdir -p /run/sshd
/usr/sbin/sshd -p 2200
su - ann -c 'mkdir -m 700 .ssh && ssh-keygen -q -t ed25519 -N "" -f .ssh/id_ed25519'
su - ann -c 'ssh-keyscan -p 2200 127.0.0.1 2>/dev/null >.ssh/known_hosts'
install -d -m 700 -o gate -g gate /home/gate/.ssh
install -m 600 -o gate -g gate /home/ann/.ssh/id_ed25519.pub /home/gate/.ssh/authorized_keys
install -d -m 700 /root/.ssh
install -m 600 /home/ann/.ssh/id_ed25519.pub /root/.ssh/authorized_keys
"""
CRONIE = SSHD + """
/usr/sbin/crond
su - ann -c 'printf "# mine\n*/7 * * * * true\n" | crontab - && crontab -l >before'
su - ann -c 'holdfast setup -p 2222:127.0.0.1:2200 -b gate@127.0.0.1:2200 --json' | grep -o '"name": *"cron"'
old=$(cat /tmp/holdfast-*/2222.pid | cut -d' ' -f1)
kill -KILL "$old"
for i in $(seq 75); do
  sleep 1
  if su - ann -c 'holdfast status 2222 >/dev/null' && ! grep -q "^$old " /tmp/holdfast-*/2222.pid; then break; fi
done
su - ann -c 'holdfast status 2222'
su - ann -c 'holdfast remove 2222 && crontab -l | cmp before -'
test ! -e /tmp/holdfast-*
echo cronie restarted it
"""


# A stopped session keeps the port: neither the knock nor the keepalive of sshd ends it.
TAKEOVER = SSHD + """
stale() {  # USER on the bastion, and a name for the case
  su - ann -c "holdfast setup -p 2222:127.0.0.1:2200 -b $1@127.0.0.1:2200 --takeover" >/dev/null
  session=
  for i in $(seq 50); do  # the supervisor records the session after setup
    session=$(su - ann -c 'cut -d" " -f2 .local/state/holdfast/*/2222.session' 2>/dev/null) && test -n "$session" && break
    sleep 0.1
  done
  test "$(ps -o comm= "$session")" = sshd-session
  test "$(ps -o user= "$session")" = "$1"
  kill -STOP "$session"
  kill -KILL $(pgrep -u ann -x ssh)
  for i in $(seq 40); do
    sleep 0.5
    if su - ann -c 'holdfast status 2222 >/dev/null'; then break; fi
  done
  su - ann -c 'holdfast status 2222'
  ! kill -0 "$session" 2>/dev/null
  su - ann -c 'holdfast remove 2222' >/dev/null
  echo "freed: $2"
}
stale gate "a session of its own"
mount -o remount,hidepid=2 /proc
su - ann -c 'holdfast setup -p 2222:127.0.0.1:2200 -b gate@127.0.0.1:2200 --takeover' 2>&1 >/dev/null | grep takeover
su - ann -c 'holdfast remove 2222' >/dev/null
mount -o remount,hidepid=0 /proc
stale root "the key of root"
ln -sf "$(command -v busybox)" /bin/sh
stale gate "busybox"
"""


def mirror() -> str:
    """The package mirror of this machine."""
    targets = run("apt-get", "indextargets", "--format", "$(REPO_URI) $(COMPONENT)", "Created-By: Packages")
    found = [line.split()[0] for line in targets.splitlines() if line.endswith(" main")]
    return next(uri for uri in found if "security" not in uri)


class Releases(unittest.TestCase):
    packages: Packages

    @classmethod
    def setUpClass(cls) -> None:
        cls.packages = Packages()

    def system(self, release: str, *besides: str) -> Path:
        """A new system with the package in /root, removed after the test."""
        scratch = tempfile.TemporaryDirectory(prefix="holdfast-release-")
        self.addCleanup(scratch.cleanup)
        root = Path(scratch.name) / release
        include = ",".join(("openssh-client", "openssh-server", "procps", *besides))
        run("debootstrap", "--variant=minbase", f"--include={include}", release, root, mirror())
        shutil.copy(self.packages.deb, root / "root/holdfast.deb")
        return root

    def run_in(self, root: Path, story: str, *namespaces: str) -> str:
        output = run("unshare", "--mount", "--pid", "--fork", "--kill-child", *namespaces, "sh", "-c", INSIDE, "sh", root,
                   story, *namespaces)
        print(output)
        return output

    def demo_on(self, release: str) -> None:
        output = self.run_in(self.system(release), DEMO)
        self.assertIn(f"ssh found: {RELEASES[release]}", output)
        self.assertIn("every step worked", output)

    def test_the_demo_works_on_debian_11(self) -> None:
        self.demo_on("bullseye")

    def test_the_demo_works_on_debian_13(self) -> None:
        self.demo_on("trixie")

    def test_cronie_restarts_a_killed_supervisor(self) -> None:
        root = self.system("trixie")
        for file in ("resolv.conf", "hosts"):
            shutil.copy(Path("/etc") / file, root / "etc")
        shutil.copytree("/etc/apt/apt.conf.d", root / "etc/apt/apt.conf.d", dirs_exist_ok=True)
        self.run_in(root, "apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes cronie")
        output = self.run_in(root, CRONIE, "--net")
        self.assertIn("verified end to end", output)
        self.assertIn("cronie restarted it", output)

    def test_takeover_frees_the_port_of_a_frozen_session(self) -> None:
        output = self.run_in(self.system("trixie", "busybox"), TAKEOVER, "--net")
        for where in ("a session of its own", "the key of root", "busybox"):
            self.assertIn(f"freed: {where}\n", output)
        self.assertIn("or hides its processes from it, so takeover cannot end a stale session", output)


if __name__ == "__main__":
    if os.geteuid() != 0:
        skip("a chroot needs root")
    if shutil.which("debootstrap") is None:
        skip("debootstrap is missing: scripts/setup-dependencies full")
    if subprocess.run(["unshare", "--mount", "--pid", "--fork", "true"], check=False).returncode != 0:
        skip("this kernel allows no mount namespaces")
    unittest.main(verbosity=2)
