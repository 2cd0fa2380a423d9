"""One booted host of the lab."""
from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Iterable, Mapping, Optional, Sequence, Union

from .claim import Claim
from .image import Image, free_uids
from .measure import until
from .network import Namespace, Network, Place
from .snapshot import Snapshot
from .user import Desk, Session, User

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
Completed = subprocess.CompletedProcess


class CommandFailed(AssertionError):
    def __init__(self, where: str, argv: Sequence[str], done: Completed[str]) -> None:
        super().__init__(f"{where}: {' '.join(argv)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        self.returncode, self.stdout, self.stderr = done.returncode, done.stdout, done.stderr


class Host:
    def __init__(self, claim: Claim, desk: Desk, network: Network, name: str, binds: Sequence[str] = ()) -> None:
        self.name = name
        self.network = network
        self.place: Place = network.add(name)
        self.boot_seconds = 0.0
        self._claim, self._desk, self._binds = claim, desk, list(binds)
        self._machine = f"{claim.name}.{name}"
        self._image = Image(claim.ground / f"{name}.image", name)
        self._image.file("root/.ssh/authorized_keys", desk.public_key + "\n", mode=0o600)
        self._console = claim.ground / f"{name}.console"
        self._nspawn: Optional[subprocess.Popen[bytes]] = None
        self._leader = 0
        self._uids = free_uids()

    @property
    def address(self) -> str:
        """Its address on the network with the faults. Every host also knows it by name."""
        return self.place.address

    @property
    def namespace(self) -> Namespace:
        return self.place.namespace

    @property
    def leader(self) -> int:
        """The pid, on this machine, of the host's PID 1."""
        if not self._leader:
            raise AssertionError(f"{self.name} is off")
        return self._leader

    def knows(self, hosts: Iterable[Host]) -> None:
        """Writes /etc/hosts, before the first boot: NAME for the IPv4 address, NAME6 for the IPv6 address."""
        lines = ["127.0.0.1 localhost", "::1 localhost"]
        for host in hosts:
            lines += [f"{host.place.address} {host.name}", f"{host.place.address6} {host.name}6"]
        self._image.file("etc/hosts", "\n".join(lines) + "\n")

    # -- power -------------------------------------------------------------------------------------------

    def boot(self, wait: bool = True) -> None:
        begin = time.monotonic()
        # systemd-nspawn forbids pidfd_getfd(2) by default; a real machine does not.
        argv = ["systemd-nspawn", "--quiet", f"--directory={self._image.root}", "--boot", "--register=no",
                "--keep-unit", f"--network-namespace-path={self.namespace.path}", f"--machine={self._machine}",
                f"--hostname={self.name}", "--link-journal=no", "--resolv-conf=off", "--timezone=off",
                "--console=read-only", "--system-call-filter=pidfd_getfd",
                *(f"--bind={bind}" for bind in self._binds)]
        with open(self._console, "ab") as console:
            self._nspawn = self._claim.spawn(argv, self.name, stdin=subprocess.DEVNULL, stdout=console, stderr=console,
                                             env={"PATH": PATH, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"})
        if wait:
            self.await_boot()
            self.boot_seconds = time.monotonic() - begin

    def await_boot(self, timeout: float = 120) -> None:
        """Waits until PID 1 has started every unit and sshd sends its banner."""
        self._leader = until(f"PID 1 of {self.name}", self._find_leader, timeout, every=0.02)
        until(f"{self.name} to be up", self._is_up, timeout)
        until(f"sshd of {self.name}", lambda: self.banner(22), timeout)

    def power_off(self, timeout: float = 120) -> None:
        """An orderly shutdown; returns when it is complete."""
        self.run(["systemctl", "poweroff"], check=False)
        self._await_end(timeout)

    def reboot(self) -> None:
        self.power_off()
        self.boot()

    def power_cut(self, boot: bool = True) -> None:
        """Kills every process at once, then boots again unless told not to."""
        os.kill(self.leader, signal.SIGKILL)
        self._await_end(60)
        if boot:
            self.boot()

    def suspend(self) -> None:
        """Freezes every process of the host. Unlike a real suspend, its network and its clocks continue."""
        self._set_frozen("1")

    def resume(self) -> None:
        self._set_frozen("0")

    def _set_frozen(self, value: str) -> None:
        group = self._claim.cgroup / self.name
        (group / "cgroup.freeze").write_text(value)
        until(f"{self.name} to be frozen: {value}", lambda: f"frozen {value}" in (group / "cgroup.events").read_text())

    @property
    def is_on(self) -> bool:
        return self._nspawn is not None and self._nspawn.poll() is None

    def disk(self, path: str) -> Path:
        """The path of a file of the host on this machine. It works while the host is off."""
        return self._image.root / path.lstrip("/")

    def boot_id(self) -> str:
        return self.read_file("/proc/sys/kernel/random/boot_id").strip()

    def _await_end(self, timeout: float) -> None:
        assert self._nspawn
        self._nspawn.wait(timeout)
        self._nspawn, self._leader = None, 0
        self._claim.kill_group(self.name)

    def _find_leader(self) -> int:
        assert self._nspawn
        if self._nspawn.poll() is not None:
            raise RuntimeError(f"systemd-nspawn ended with {self._nspawn.returncode}: {self.console()[-500:]}")
        pid = self._nspawn.pid
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            status = Path(f"/proc/{child}/status").read_text()
            if any(line.startswith("NSpid:") and line.split()[-1] == "1" and len(line.split()) > 2
                   for line in status.splitlines()):
                return int(child)
        return 0

    def _is_up(self) -> bool:
        done = self.run(["systemctl", "is-system-running"], check=False)
        if done.stdout.strip() not in ("running", "degraded"):
            raise RuntimeError(f"{done.stdout.strip()} {done.stderr.strip()}")
        return True

    # -- commands and files ------------------------------------------------------------------------------

    def run(self, argv: Sequence[str], user: Optional[str] = None, env: Optional[Mapping[str, str]] = None,
            check: bool = True, timeout: float = 60, stdin: Union[str, bytes] = "") -> Completed[str]:
        """Runs a command in the host with a minimal environment, without a login or session (use login() for those)."""
        variables = {"PATH": PATH, "LANG": "C.UTF-8", "HOME": "/root", "USER": "root", "LOGNAME": "root"}
        become: list[str] = []
        if user and user != "root":
            variables.update(HOME=f"/home/{user}", USER=user, LOGNAME=user)
            become = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups"]
        variables.update(env or {})
        wrapped = ["nsenter", "-t", str(self.leader), "-a", "env", "-i",
                   *(f"{key}={value}" for key, value in variables.items()),
                   *become, "timeout", "--kill-after=1", f"{timeout:g}", *argv]
        done = subprocess.run(wrapped, input=stdin.encode() if isinstance(stdin, str) else stdin,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout + 10, cwd="/")
        text = Completed(list(argv), done.returncode, done.stdout.decode(errors="replace"),
                         done.stderr.decode(errors="replace"))
        if text.returncode in (124, 137):
            raise TimeoutError(f"{self.name}: {' '.join(argv)}: not done in {timeout:g} s\n{text.stdout}{text.stderr}")
        if check and text.returncode != 0:
            raise CommandFailed(self.name, argv, text)
        return text

    def read_file(self, path: str) -> str:
        return self.run(["cat", "--", path]).stdout

    def write_file(self, path: str, content: Union[str, bytes], mode: str = "644", user: Optional[str] = None) -> None:
        """Writes the file as root, or as the user that will own it."""
        make = 'mkdir -p "${1%/*}" && rm -f "$1" && cat >"$1" && chmod "$2" "$1"'
        self.run(["sh", "-c", make, "sh", path, mode], user=user, stdin=content)

    def put(self, source: Path, path: str, mode: str = "755", user: Optional[str] = None) -> None:
        """Copies a file of this machine into the host."""
        self.write_file(path, source.read_bytes(), mode, user)

    def exists(self, path: str) -> bool:
        return self.run(["test", "-e", path, "-o", "-L", path], check=False).returncode == 0

    def processes(self) -> list[tuple[int, str, str]]:
        """(pid inside the host, user, command line) of every process, without zombies and this ps."""
        lines = self.run(["ps", "-e", "-ww", "-o", "pid=,stat=,user:32=,args="]).stdout.splitlines()
        rows = [line.split(None, 3) for line in lines]
        return [(int(row[0]), row[2], row[3]) for row in rows
                if len(row) == 4 and not row[1].startswith("Z") and "pid=,stat=,user:32=" not in row[3]]

    def pids(self, pattern: str, user: Optional[str] = None) -> list[int]:
        """The pids inside the host whose command line contains this text."""
        return [pid for pid, owner, args in self.processes() if pattern in args and user in (None, owner)]

    def kill(self, pid: int, sig: signal.Signals = signal.SIGKILL) -> None:
        self.run(["kill", f"-{int(sig)}", str(pid)])

    def snapshot(self) -> Snapshot:
        """Every file that differs from a fresh host, and every process. Take two and compare them."""
        return Snapshot.take(self._image.upper, Path(f"/proc/{self.leader}/root"), self.processes())

    # -- people ------------------------------------------------------------------------------------------

    def add_user(self, name: str, home: str = "") -> User:
        """Adds an ordinary user with a key pair and without a password. The lab's own key can log in too."""
        first, last = self._uids
        self.run(["useradd", "--create-home", f"--home-dir={home or '/home/' + name}", "--shell=/bin/bash",
                  "--user-group", "--password=*", "-K", f"UID_MIN={first}", "-K", f"UID_MAX={last}",
                  "-K", f"GID_MIN={first}", "-K", f"GID_MAX={last}", name])
        user = User(self, name)
        user.make_key()
        user.authorize(self._desk.public_key)
        return user

    def add_same_user(self, user: User) -> User:
        """Adds the same user here, with the home that both hosts share."""
        self.run(["useradd", "--no-create-home", "--user-group", f"--uid={user.uid}", "--shell=/bin/bash",
                  "--password=*", user.name])
        return User(self, user.name)

    def login(self, user: Union[User, str]) -> Session:
        """A real login over ssh, also for root: PAM, logind, a session. No network fault affects it."""
        name = user if isinstance(user, str) else user.name
        return Session(self._desk, self, name)

    def sessions(self, user: Union[User, str]) -> dict[str, str]:
        """The user's logind sessions: id to state ("active", "closing", …)."""
        name = user if isinstance(user, str) else user.name
        rows = [line.split() for line in self.run(["loginctl", "list-sessions", "--no-legend"]).stdout.splitlines()]
        states: dict[str, str] = {}
        for row in rows:
            if len(row) >= 3 and row[2] == name:
                shown = self.run(["loginctl", "show-session", row[0], "-p", "State", "--value"], check=False)
                states[row[0]] = shown.stdout.strip()
        return states

    def await_no_session(self, user: Union[User, str], timeout: float = 60) -> None:
        """Waits until this user has no session and, unless it lingers, no user manager."""
        name = user if isinstance(user, str) else user.name
        until(f"{self.name} to have no session of {name}", lambda: not self.sessions(name), timeout)
        if self.exists(f"/var/lib/systemd/linger/{name}"):
            return
        uid = self.run(["id", "-u", name]).stdout.strip()
        until(f"the user manager of {name} to end", timeout=timeout, ask=lambda: self.run(
            ["systemctl", "is-active", f"user@{uid}.service"], check=False).stdout.strip() in ("inactive", "failed"))

    # -- inspection --------------------------------------------------------------------------------------

    def banner(self, port: int, timeout: float = 1.0) -> Optional[str]:
        """The ssh banner at this port of the host's loopback, or None."""
        with self.namespace.socket() as connection:
            connection.settimeout(timeout)
            try:
                connection.connect(("127.0.0.1", port))
                heard = connection.recv(256).decode(errors="replace")
            except OSError:
                return None
        return heard.strip() if heard.startswith("SSH-") else None

    def free_port(self) -> int:
        with self.namespace.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            return int(listener.getsockname()[1])

    def journal(self, lines: int = 60) -> str:
        return self.run(["journalctl", "--no-pager", "-b", "-o", "short-precise", f"--lines={lines}"]).stdout

    def console(self) -> str:
        return self._console.read_text(errors="replace") if self._console.exists() else ""
