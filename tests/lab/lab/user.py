"""Users of a host, and the ssh client with which a test logs in as them."""
from __future__ import annotations

import re
import select
import subprocess
import time
from itertools import count
from typing import TYPE_CHECKING, Optional

from .claim import Claim
from .measure import until
from .network import Namespace

if TYPE_CHECKING:
    from .host import Host

_serial = count(1)


class Desk:
    """The ssh client of the test, with a key that every account of the lab accepts."""

    def __init__(self, claim: Claim, namespace: Namespace) -> None:
        self.claim, self.namespace = claim, namespace
        self.key = claim.ground / "desk_key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "desk", "-f", str(self.key)], check=True)
        self.public_key = self.key.with_suffix(".pub").read_text().strip()

    def ssh(self, where: Namespace, *arguments: str) -> list[str]:
        return where.command("env", "-i", "LANG=C.UTF-8", "TERM=xterm", "ssh", "-F", "none", "-i", str(self.key),
                             "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10",
                             "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
                             "-o", "LogLevel=ERROR", *arguments)


class User:
    def __init__(self, host: Host, name: str) -> None:
        self.host, self.name = host, name
        fields = host.run(["getent", "passwd", name]).stdout.strip().split(":")
        self.uid, self.home = int(fields[2]), fields[5]
        self.key = f"{self.home}/.ssh/id_ed25519"

    def make_key(self) -> None:
        self.host.run(["mkdir", "-m", "700", "-p", f"{self.home}/.ssh"], user=self.name)
        self.host.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", self.name, "-f", self.key], user=self.name)

    @property
    def public_key(self) -> str:
        return self.host.read_file(f"{self.key}.pub").strip()

    def authorize(self, public_key: str, options: str = "") -> None:
        """Adds the key to authorized_keys, with these options."""
        self._append(f"{self.home}/.ssh/authorized_keys", f"{options} {public_key}".strip())

    def trust(self, host: Host, *names: str) -> None:
        """Adds the host's key to known_hosts, as if the user had confirmed it."""
        key = " ".join(host.read_file("/etc/ssh/ssh_host_ed25519_key.pub").split()[:2])
        known = ",".join(names or (host.name, host.address))
        self._append(f"{self.home}/.ssh/known_hosts", f"{known} {key}")

    def _append(self, path: str, line: str) -> None:
        self.host.run(["sh", "-c", 'umask 077; mkdir -p "${1%/*}"; cat >>"$1"', "sh", path],
                      user=self.name, stdin=line + "\n")


class Session:
    """A login over ssh, open until logout(). All its commands run in one logind session."""

    def __init__(self, desk: Desk, host: Host, user: str) -> None:
        self.host, self.user = host, user
        self._desk = desk
        self._control = desk.claim.ground / f"s{next(_serial)}"
        self._log = desk.claim.ground / f"{self._control.name}.log"
        argv = desk.ssh(desk.namespace, "-N", "-M", "-S", str(self._control), "-E", str(self._log),
                        f"{user}@{host.place.mgmt}")
        self._master = desk.claim.spawn(argv, "desk", stdin=subprocess.DEVNULL)
        until(f"the login of {user} on {host.name}", self._is_in, 60, every=0.02)
        self.id = self.run('echo "$XDG_SESSION_ID"').stdout.strip()

    def _is_in(self) -> bool:
        if self._master.poll() is not None:
            raise AssertionError(f"login of {self.user} on {self.host.name}: {self._log.read_text().strip()}")
        return self._control.exists()

    def _command(self, *arguments: str) -> list[str]:
        return self._desk.ssh(self._desk.namespace, "-S", str(self._control), "-E", str(self._log),
                              *arguments)

    def argv(self, command: str) -> list[str]:
        """The argument list that runs a line for the user's shell in this login."""
        return self._command("-T", "lab", "--", command)

    def run(self, command: str, check: bool = True, timeout: float = 60, stdin: str = "", login_shell: bool = False,
            tty: bool = False) -> subprocess.CompletedProcess[str]:
        """Runs a line in the user's shell: with login_shell one that reads ~/.profile, with tty on a terminal."""
        if login_shell:
            command = "exec bash -lc '" + command.replace("'", "'\\''") + "'"
        argv = self._command("-tt" if tty else "-T", "lab", "--", command)
        done = subprocess.run(argv, input=stdin, text=True, errors="replace", timeout=timeout, cwd="/",
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if check and done.returncode != 0:
            raise AssertionError(f"{self.user}@{self.host.name}: {command}: exit {done.returncode}\n"
                                 f"{done.stdout}{done.stderr}")
        return done

    def background(self, command: str) -> None:
        """Starts a command that keeps running, detached by `nohup setsid … &`."""
        self.run(f"nohup setsid {command} </dev/null >/dev/null 2>&1 &")

    def terminal(self, command: Optional[str] = None) -> Terminal:
        """A command, or the user's login shell, on a terminal that the test controls."""
        # A multiplexed ssh without a terminal requests a pty without modes, so that not even Ctrl-C works.
        line = f"stty sane; exec {command or '$SHELL -l'}"
        argv = self._command("-tt", "lab", "--", line)
        return Terminal(self._desk.claim.spawn(argv, "desk", stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                               stderr=subprocess.STDOUT))

    def shell(self) -> Terminal:
        """The login shell that sshd starts, on a terminal that the test controls."""
        return Terminal(self._desk.claim.spawn(self._command("-tt", "lab"), "desk", stdin=subprocess.PIPE,
                                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT))

    def logout(self, timeout: float = 60) -> None:
        """Closes the connection and waits until the session is gone, or "closing" because it still has processes
        (host.await_no_session() waits for those too)."""
        subprocess.run(self._command("-O", "exit", "lab"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._master.wait(timeout)
        until(f"the logout of {self.user} on {self.host.name}",
              lambda: self.host.sessions(self.user).get(self.id, "closing") == "closing", timeout)

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        if self._master.poll() is None:
            self.logout()


class Terminal:
    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.seen = ""

    def send(self, text: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def expect(self, pattern: str, timeout: float = 30) -> re.Match[str]:
        """Reads until the pattern matches, and drops the output up to the end of the match."""
        assert self.process.stdout
        deadline = time.monotonic() + timeout
        while not (match := re.search(pattern, self.seen)):
            left = deadline - time.monotonic()
            ready, _, _ = select.select([self.process.stdout], [], [], max(0.0, left))
            chunk = self.process.stdout.read1(65536) if ready else b""  # type: ignore[attr-defined]
            if not chunk:
                why = "the terminal closed" if ready else f"no match in {timeout:g} s"
                raise AssertionError(f"expected /{pattern}/ on the terminal: {why}; read: {self.seen!r}")
            self.seen += chunk.decode(errors="replace")
        self.seen = self.seen[match.end():]
        return match

    def close(self, timeout: float = 30) -> int:
        """Closes its input and waits until the command ends."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.close()
        try:
            return self.process.wait(timeout)
        finally:
            self.process.stdout.close()
