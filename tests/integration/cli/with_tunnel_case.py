"""A base class for tests of with-tunnel."""
from __future__ import annotations

import json
import pathlib
import shutil
import subprocess
from typing import Any, Optional

import case
from case import PROGRAM, Bastion, TunnelTest, is_alive, until

SLEEP = ("sleep", "600")


class CommandTest(TunnelTest):
    def setUp(self) -> None:
        super().setUp()
        self.known_hosts = self.root / "known_hosts"
        self.trust(self.bastion)
        (self.home / ".ssh").mkdir(mode=0o700)
        self.keys = self.home / ".ssh/authorized_keys"
        shutil.copy(self.bastion.directory / "key.pub", self.keys)
        self.keys.chmod(0o600)
        self.started: list[subprocess.Popen[str]] = []
        self.directories: set[str] = set()
        self.others = set(self.runtime.glob(".with.*"))  # of this user's other commands
        self.addCleanup(self.end_started)

    def trust(self, bastion: Bastion) -> None:
        key = " ".join((bastion.directory / "host_key.pub").read_text().split()[:2])
        self.known_hosts.write_text(f"[127.0.0.1]:{bastion.port} {key}\n")

    def end_started(self) -> None:
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.communicate()
        until("every process to end", lambda: not self.processes(), 20)

    def words(self, *options: str, command: tuple[str, ...], ports: Optional[str] = None) -> list[str]:
        return ["with-tunnel", "-b", f"{self.user()}@127.0.0.1:{self.bastion.port}", "-p", ports or str(self.port),
                "-s", str(self.bastion.directory / "key"), "--ssh-option", f'UserKnownHostsFile="{self.known_hosts}"',
                *options, "--", *command]

    def run_command(self, *options: str, command: tuple[str, ...], ports: Optional[str] = None,
                    env: Optional[dict[str, str]] = None) -> case.Done[str]:
        return self.run_holdfast(*self.words(*options, command=command, ports=ports), env=env)

    def start(self, *options: str, command: tuple[str, ...] = SLEEP, ports: Optional[str] = None,
              env: Optional[dict[str, str]] = None, **more: Any) -> subprocess.Popen[str]:
        process = subprocess.Popen([PROGRAM, *self.words(*options, command=command, ports=ports)],
                                   env={**self.env, **(env or {})}, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, cwd=self.root, **more)
        self.started.append(process)
        return process

    def start_and_await(self, *options: str, command: tuple[str, ...] = SLEEP, ports: Optional[str] = None,
                        env: Optional[dict[str, str]] = None) -> tuple[subprocess.Popen[str], str]:
        """The process, and its first line on stderr."""
        process = self.start(*options, command=command, ports=ports, env=env)
        assert process.stderr
        line = process.stderr.readline()
        self.directory(process.pid)
        return process, line

    def directory(self, pid: int) -> pathlib.Path:
        found, = until("the private directory", lambda: list(self.runtime.glob(f".with.{pid}.*")))
        self.directories.add(str(found))
        return pathlib.Path(found)

    def await_live(self, pid: int) -> None:
        """Not by connecting again and again: TCP may connect a free port to itself."""
        live = self.directory(pid) / "with-tunnel.live"
        until("the tunnel to be up", lambda: live.exists() and json.loads(live.read_text())["state"] == "up")

    def processes(self) -> dict[int, str]:
        """Of this test's tunnels: by pid, its command line."""
        found = {}
        home = f"HOME={self.home}".encode()
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                line = (entry / "cmdline").read_bytes()
                environment = (entry / "environ").read_bytes().split(b"\0")
            except OSError:
                continue
            text = line.replace(b"\0", b" ").decode(errors="replace")
            if (home in environment or any(one in text for one in self.directories)) and is_alive(int(entry.name)):
                found[int(entry.name)] = text
        return found

    def process(self, what: str) -> int:
        def find() -> Optional[int]:
            return next((pid for pid, line in self.processes().items() if what in line), None)
        return int(until(f"a process {what}", find))

    def left(self) -> list[str]:
        return [str(path) for path in self.runtime.glob(".with.*") if path not in self.others]

    def assert_nothing_is_left(self) -> None:
        until("every process to end", lambda: not self.processes(), 20)
        until("every file to be removed", lambda: not self.left(), 20)

    def login(self, *command: str, port: Optional[int] = None, program: str = "ssh") -> case.Done[str]:
        host_key = (self.home / ".local/state/holdfast/hostkeys/with-tunnel.pub").read_text().split()[:2]
        known = self.root / "known_visitor"
        known.write_text(f"[127.0.0.1]:{port or self.port} {' '.join(host_key)}\n")
        flag = "-P" if program == "sftp" else "-p"
        batch = ["-b", "-"] if program == "sftp" else []
        return subprocess.run(
            [program, "-F", "none", flag, str(port or self.port), "-i", str(self.bastion.directory / "key"),
             "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o", f"UserKnownHostsFile={known}",
             "-o", "ConnectTimeout=10", *batch, f"{self.user()}@127.0.0.1", *([] if batch else command)],
            input="\n".join(command) if batch else None, stdin=None if batch else subprocess.DEVNULL,
            capture_output=True, text=True, timeout=60)
