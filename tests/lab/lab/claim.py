"""Everything that a lab has on this machine, under one name: a directory with mounts, a cgroup with every process of the
lab, and files in /run/systemd/nspawn.

The name contains pid and start time of the owner, so that the next lab can clear what a killed owner left.
"""
from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from itertools import count
from pathlib import Path
from typing import Iterator, Optional

PREFIX = "holdfast-lab."
_serial = count(1)


class Claim:
    def __init__(self, name: str) -> None:
        self.name = name
        self.directory = Path(tempfile.gettempdir()) / name
        self.ground = self.directory / "t"  # a tmpfs: an overlay's upper directory cannot be on an overlay
        self.cgroup = cgroup_root() / name
        self._keeper: Optional[subprocess.Popen[bytes]] = None

    @classmethod
    def take(cls) -> Claim:
        """Clears what dead owners left, then creates and mounts an empty directory for this process."""
        sweep()
        claim = cls(f"{PREFIX}{os.getpid()}.{start_time(os.getpid())}.{next(_serial)}")
        claim.directory.mkdir(mode=0o700)
        try:
            claim.ground.mkdir()
            claim.cgroup.mkdir()
            _call("mount", "-t", "tmpfs", "-o", "mode=755,size=50%", claim.name, str(claim.ground))
            _call("mount", "--make-private", str(claim.ground))
            # If this process is killed, the stdin of the keeper ends and the keeper clears up.
            claim._keeper = subprocess.Popen([sys.executable, __file__, claim.name], stdin=subprocess.PIPE,
                                             start_new_session=True, cwd="/")
        except BaseException:
            claim.release()
            raise
        return claim

    def spawn(self, argv: list[str], group: str, **options: object) -> subprocess.Popen[bytes]:
        """Starts a process in this claim's cgroup, so that release() ends it and its children."""
        procs = self.cgroup / group / "cgroup.procs"
        procs.parent.mkdir(exist_ok=True)
        wrapped = ["sh", "-c", 'echo $$ > "$0" && exec "$@"', str(procs), *argv]
        process: subprocess.Popen[bytes] = subprocess.Popen(  # type: ignore[call-overload]
            wrapped, start_new_session=True, cwd="/", **options)
        while process.poll() is None and process.pid not in self._pids(procs.parent):
            time.sleep(0.001)
        return process

    def kill_group(self, group: str = "") -> None:
        """SIGKILL to every process of the group, until none is left."""
        deadline = time.monotonic() + 60
        while pids := list(self._pids(self.cgroup / group)):
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if time.monotonic() > deadline:
                raise RuntimeError(f"processes of {self.name} do not end: {pids}")
            time.sleep(0.02)

    def release(self) -> None:
        """Ends every process, unmounts, deletes. Safe to call twice, and for a claim that was never completed."""
        self.kill_group()
        for mount in reversed(self._mounts()):
            _forget_lock(mount)
            if subprocess.run(["umount", mount], stderr=subprocess.DEVNULL).returncode != 0:
                _call("umount", "-l", mount)
        for root in cgroup_roots():
            for directory, _, _ in os.walk(root / self.name, topdown=False):
                _rmdir_busy(Path(directory))
        for trace in Path("/run/systemd/nspawn/propagate").glob(f"{self.name}.*"):
            with contextlib.suppress(OSError):
                trace.rmdir()
        for path in (self.ground, self.directory):
            with contextlib.suppress(FileNotFoundError):
                path.rmdir()
        if self._keeper:
            assert self._keeper.stdin
            self._keeper.stdin.close()
            self._keeper.wait(60)
            self._keeper = None

    def _pids(self, group: Path) -> Iterator[int]:
        for directory, _, _ in os.walk(group):
            with contextlib.suppress(OSError):
                yield from map(int, Path(directory, "cgroup.procs").read_text().split())

    def _mounts(self) -> list[str]:
        points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
        return [point for point in points if point.startswith(f"{self.directory}/")]


def sweep() -> None:
    """Releases every claim whose owner is dead."""
    for directory in [path for place in (Path(tempfile.gettempdir()), *cgroup_roots())
                      for path in place.glob(f"{PREFIX}*.*.*")]:
        pid, started = directory.name[len(PREFIX):].split(".")[:2]
        with contextlib.suppress(FileNotFoundError):
            if directory.lstat().st_uid == os.getuid() and start_time(int(pid)) != int(started):
                Claim(directory.name).release()


def start_time(pid: int) -> int:
    """In clock ticks since boot (field 22 of /proc/PID/stat); 0 when there is no such process."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    except (FileNotFoundError, ProcessLookupError):
        return 0


def cgroup_root() -> Path:
    """The cgroup v2 directory of this process."""
    point = next((point for point, kind in _cgroup_mounts() if kind == "cgroup2"), None)
    if point is None:
        raise RuntimeError("no cgroup2 file system is mounted")
    return Path(point + _cgroup())


def cgroup_roots() -> list[Path]:
    """That directory in every hierarchy: beside a cgroup v1 hierarchy, systemd-nspawn makes directories of the same name
    in both, and removes them in neither."""
    return [root for point, _ in _cgroup_mounts() if (root := Path(point + _cgroup())).is_dir()]


def _cgroup() -> str:
    return next(line[3:] for line in Path("/proc/self/cgroup").read_text().splitlines() if line.startswith("0::"))


def _cgroup_mounts() -> list[tuple[str, str]]:
    """(mount point, type) of every cgroup file system."""
    mounts = [line.split(" - ") for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    return [(left.split()[4], right.split()[0]) for left, right in mounts if right.startswith("cgroup")]


def _forget_lock(mount: str) -> None:
    # systemd-nspawn locks its root directory with a file of this name. A killed one does not remove it.
    with contextlib.suppress(OSError):
        status = os.stat(mount)
        Path(f"/run/systemd/nspawn/locks/inode-{status.st_dev}:{status.st_ino}").unlink(missing_ok=True)


def _rmdir_busy(directory: Path) -> None:
    # A cgroup stays busy for a moment after its last process was reaped.
    for _ in range(500):
        try:
            return directory.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(0.02)
    directory.rmdir()


def _call(*argv: str) -> None:
    done = subprocess.run(argv, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(argv)}: {done.stderr.strip()}")


if __name__ == "__main__":
    for hang in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(hang, signal.SIG_IGN)
    sys.stdin.buffer.read()
    Claim(sys.argv[1]).release()
