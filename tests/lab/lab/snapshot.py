"""The differences on a host between two moments: files and processes.

The disk of a host is an overlay, so the upper layer has every file that it wrote. /run, /tmp and /dev/shm are read
directly.
"""
from __future__ import annotations

import hashlib
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

# Files that a running system writes by itself: the start of a path, or all of it if the pattern ends in $.
FILE_NOISE = re.compile("^(" + "|".join([
    "/var/log/", "/var/cache/", "/var/lib/systemd/(random-seed|timers|catalog)", "/var/lib/dbus/", r"/etc/\.updated$",
    r"/etc/\.pwd\.lock$", "/run/systemd/(?!transient/|system/|system.control/)", r"/run/systemd/transient/session-",
    "/run/(log|dbus|mount|host|credentials|sudo|udev)(/|$)",
    r"/run/(utmp|motd\.dynamic|initctl|crond\.(pid|reboot)|sshd\.pid)$",
    r"/run/user/\d+$", r"/run/user/\d+/(systemd|dbus-1|gnupg|bus)(/|$)", "/(var/)?tmp/systemd-private-",
    r"/run/user/\d+/fish_universal_variables\.notifier$",  # of every fish that sets a variable
    r"/tmp/\.(X11|ICE|font|XIM|Test)-unix$"]) + ")")
PROCESS_NOISE = re.compile(r"^\S+ (" + "|".join([
    r"\[.*\]$", "sshd: ", "/usr/sbin/sshd -D -R$",  # for a connection that has ended
    r"\(\S*\)$", r"(/usr)?(/lib/systemd/)?systemd --user",
    ".*dbus-daemon --session ",
    "/lib/systemd/systemd-(hostnamed|timedated|localed|user-runtime-dir)", ".*/polkitd "]) + ")")


@dataclass(frozen=True)
class Entry:
    kind: str
    mode: str
    owner: str
    content: str  # hash of a file, target of a link

    def __str__(self) -> str:
        return f"{self.kind} {self.mode} {self.owner} {self.content}".strip()


@dataclass(frozen=True)
class Snapshot:
    files: dict[str, Optional[Entry]]  # None: a file of the image that is deleted here
    opaque: frozenset[str]
    processes: list[str]

    @classmethod
    def take(cls, upper: Path, root: Path, processes: list[tuple[int, str, str]]) -> Snapshot:
        files: dict[str, Optional[Entry]] = {}
        opaque: set[str] = set()
        _walk(upper, "", files, opaque)
        for volatile in ("run", "tmp", "dev/shm"):
            _walk(root / volatile, f"/{volatile}", files, set())
        quiet = {path: entry for path, entry in files.items() if not FILE_NOISE.search(path)}
        commands = [f"{user} {args}" for _, user, args in processes]
        return cls(quiet, frozenset(opaque), sorted(c for c in commands if not PROCESS_NOISE.match(c)))

    def changes(self, after: Snapshot) -> list[str]:
        """One line a change, in order; empty when nothing is left over and nothing is missing."""
        lines = []
        for path in sorted(self.files.keys() | after.files.keys()):
            old, new = self._at(path), after._at(path)
            if old != new:
                lines.append(f"- {path}: {old}" if new is None else
                             f"+ {path}: {new}" if old is None else f"! {path}: {old} -> {new}")
        before, later = list(self.processes), list(after.processes)
        lines += [f"+ process {command}" for command in later if not _take(before, command)]
        lines += [f"- process {command}" for command in before]
        return lines

    def _at(self, path: str) -> Optional[Entry]:
        if path in self.files:
            return self.files[path]
        parents = [str(parent) for parent in Path(path).parents]
        # The host never wrote it: it is the file of the image, if the image shows one.
        if any(parent in self.opaque for parent in parents) or path.startswith(("/run/", "/tmp/", "/dev/")):
            return None
        return _entry(path) if os.path.lexists(path) else None


def _walk(directory: Path, shown: str, files: dict[str, Optional[Entry]], opaque: set[str]) -> None:
    try:
        names = sorted(os.listdir(directory))
    except (FileNotFoundError, NotADirectoryError):
        return
    for name in names:
        real, path = directory / name, f"{shown}/{name}"
        try:
            files[path] = _entry(str(real))
            if files[path] and real.is_dir() and not real.is_symlink():
                if "trusted.overlay.opaque" in os.listxattr(real):
                    opaque.add(path)
                _walk(real, path, files, opaque)
        except FileNotFoundError:
            continue  # deleted meanwhile


def _entry(path: str) -> Optional[Entry]:
    status = os.lstat(path)
    mode, owner = f"{stat.S_IMODE(status.st_mode):04o}", f"{status.st_uid}:{status.st_gid}"
    if stat.S_ISCHR(status.st_mode) and status.st_rdev == 0:
        return None  # an overlay's whiteout
    if stat.S_ISLNK(status.st_mode):
        return Entry("link", mode, owner, os.readlink(path))
    if stat.S_ISREG(status.st_mode):
        with open(path, "rb") as file:
            return Entry("file", mode, owner, hashlib.sha256(file.read()).hexdigest()[:16])
    kinds = {stat.S_IFDIR: "directory", stat.S_IFSOCK: "socket", stat.S_IFIFO: "pipe"}
    return Entry(kinds.get(stat.S_IFMT(status.st_mode), "device"), mode, owner, "")


def _take(rest: list[str], item: str) -> bool:
    if item in rest:
        rest.remove(item)
        return True
    return False
