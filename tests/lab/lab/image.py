"""The file system of a lab host: an overlay over the root of this machine, without its data, its services and its
accounts.
"""
from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
import uuid
from pathlib import Path

# Visible in the host; every other top-level directory is hidden.
TOP_LEVEL = {"bin", "boot", "dev", "etc", "home", "lib", "lib32", "lib64", "libx32", "media", "mnt", "opt", "proc",
             "root", "run", "sbin", "srv", "sys", "tmp", "usr", "var"}
# Empty in the host, if this machine has them.
EMPTY = ["boot", "home", "media", "mnt", "root", "run", "srv", "tmp", "var/tmp", "var/log", "var/mail",
         "var/spool/cron/crontabs", "var/lib/systemd/linger", "var/lib/systemd/timers", "var/cache/apt",
         "etc/cron.d", "etc/cron.hourly", "etc/cron.daily", "etc/cron.weekly", "etc/cron.monthly",
         "etc/rc2.d", "etc/rc3.d", "etc/rcS.d", "etc/systemd/user", "etc/ssh/sshd_config.d", "etc/ssh/ssh_config.d",
         "etc/profile.d", "usr/local/bin", "etc/holdfast", "etc/systemd/system", "etc/systemd/logind.conf.d",
         "etc/polkit-1/rules.d"]
SERVICES = ["cron", "ssh"]  # the enabled services; dbus and logind start on demand
MASKED = ["console-getty.service", "getty@tty1.service", "systemd-timesyncd.service",
          "systemd-update-utmp-runlevel.service", "proc-sys-fs-binfmt_misc.automount", "ssh.socket",
          "systemd-networkd.service", "systemd-resolved.service"]

# Files of accounts: each line begins with a name.
ACCOUNT_FILES = ("passwd", "shadow", "group", "gshadow", "subuid", "subgid")
FIRST_PERSON = 1000  # Debian's first uid that is not a system account's
NOBODY = 65534
USERS = 1000         # uids reserved for the users of a lab


def free_uids() -> tuple[int, int]:
    """First and last uid of a range that no account of this machine uses: the hosts share its kernel, which counts
    processes, keys and inotify watches per uid."""
    taken = {account.pw_uid for account in pwd.getpwall()}
    return next((first, first + USERS - 1) for first in range(20_000, 60_000, USERS)
                if taken.isdisjoint(range(first, first + USERS)))


def without_people(directory: Path = Path("/etc")) -> dict[str, str]:
    """The account files of this machine with its system accounts only, so that a lab can add users of any name."""
    lines = {name: (directory / name).read_text().splitlines(keepends=True)
             for name in ACCOUNT_FILES if (directory / name).exists()}
    people: set[str] = set()
    for name in ("passwd", "group"):
        for line in lines[name]:
            fields = line.rstrip("\n").split(":")
            is_person = FIRST_PERSON <= int(fields[2]) != NOBODY
            can_log_in = name == "passwd" and 0 < int(fields[2]) and fields[6].endswith("sh")
            if is_person or can_log_in:
                people.add(fields[0])
    return {name: "".join(line for line in text if line.split(":")[0] not in people) for name, text in lines.items()}


class Image:
    def __init__(self, directory: Path, hostname: str) -> None:
        directory.mkdir()
        self.upper, self.root = directory / "upper", directory / "root"
        self._work = directory / "work"
        for path in (self.upper, self.root, self._work):
            path.mkdir()
        self._prepare(hostname)
        subprocess.run(["mount", "-t", "overlay", "-o", f"lowerdir=/,upperdir={self.upper},workdir={self._work}",
                        "lab", str(self.root)], check=True)

    def _prepare(self, hostname: str) -> None:
        shutil.copystat("/", self.upper)
        for name in set(os.listdir("/")) - TOP_LEVEL:
            os.mknod(self.upper / name, stat.S_IFCHR, os.makedev(0, 0))  # hides it: an overlay's whiteout
        for name in EMPTY:
            if os.path.isdir(f"/{name}") and not os.path.islink(f"/{name}"):
                os.setxattr(self._directory(name), "trusted.overlay.opaque", b"y")
        self.file("etc/hostname", hostname + "\n")
        self.file("etc/machine-id", uuid.uuid4().hex + "\n")
        self.file("etc/nsswitch.conf", "passwd: files systemd\ngroup: files systemd\nshadow: files\nhosts: files\n")
        for name in ("etc/environment", "etc/motd", "etc/fstab", "etc/default/locale", "etc/systemd/logind.conf",
                     "etc/crontab"):  # the hourly jobs would start in the middle of a test
            self.file(name, "")
        for name, text in without_people().items():
            self.file(f"etc/{name}", text, mode=0o600 if "shadow" in name else 0o644)
        self._directory("etc/systemd/logind.conf.d")
        self._services()
        self._sshd()

    def _services(self) -> None:
        """/etc/systemd/system starts empty: no service that is enabled on this machine runs in the host."""
        units = "etc/systemd/system"
        self.link(f"{units}/default.target", "/lib/systemd/system/multi-user.target")
        self.link(f"{units}/sshd.service", "/lib/systemd/system/ssh.service")
        for name in SERVICES:
            self.link(f"{units}/multi-user.target.wants/{name}.service", f"/lib/systemd/system/{name}.service")
        for name in MASKED:
            self.link(f"{units}/{name}", "/dev/null")

    def _sshd(self) -> None:
        for key in Path("/etc/ssh").glob("ssh_host_*"):
            os.mknod(self._directory("etc/ssh") / key.name, stat.S_IFCHR, os.makedev(0, 0))
        key = self._directory("etc/ssh") / "ssh_host_ed25519_key"
        key.unlink(missing_ok=True)
        (key.with_suffix(".pub")).unlink(missing_ok=True)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", str(key)], check=True)
        shutil.copyfile("/usr/share/openssh/sshd_config", self._directory("etc/ssh") / "sshd_config")

    def file(self, name: str, text: str, mode: int = 0o644) -> None:
        path = self._directory(os.path.dirname(name)) / os.path.basename(name)
        path.write_text(text)
        path.chmod(mode)

    def link(self, name: str, target: str) -> None:
        (self._directory(os.path.dirname(name)) / os.path.basename(name)).symlink_to(target)

    def _directory(self, name: str) -> Path:
        """A directory in the upper layer, with the mode and owner of the directory that it covers."""
        path = self.upper
        for part in Path(name).parts:
            path = path / part
            if not path.is_dir():
                path.mkdir(mode=0o755)
                below = Path("/", path.relative_to(self.upper))
                if below.is_dir():
                    status = below.stat()
                    os.chown(path, status.st_uid, status.st_gid)
                    path.chmod(stat.S_IMODE(status.st_mode))
        return path
