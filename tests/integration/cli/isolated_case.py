"""A base class for tests that need names, addresses and an ssh_config of their own: root in private namespaces."""
from __future__ import annotations

import os
import pathlib
import pwd
import shutil
import socket
import subprocess
from typing import Any, Optional

from case import Bastion, TunnelTest, until

def run(*argv: str) -> str:
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


class NamedBastion(Bastion):
    """A bastion at an address and a port of choice."""

    def __init__(self, directory: pathlib.Path, address: str = "127.0.0.1", port: Optional[int] = None,
                 through: tuple[str, ...] = (), **settings: str) -> None:
        """`through`: the command that starts sshd, as `nsenter`."""
        self.address = address
        self.through = through
        wanted = {"ListenAddress": address, **settings}
        if port:
            wanted["Port"] = str(port)
        self.wanted_port = port
        super().__init__(directory, **wanted)

    def start(self) -> None:
        self.process = subprocess.Popen([*self.through, *self.argv], stderr=subprocess.DEVNULL)
        until("the bastion to answer", self.answers)

    def answers(self) -> bool:
        if self.process.poll() is not None:
            raise AssertionError((self.directory / "log").read_text())
        self.port = self.wanted_port or self.port
        family = socket.AF_INET6 if ":" in self.address else socket.AF_INET
        with socket.socket(family) as probe:
            return probe.connect_ex((self.address, self.port)) == 0

    def host_key(self) -> str:
        return " ".join((self.directory / "host_key.pub").read_text().split()[:2])


class IsolatedTest(TunnelTest):
    """ssh reads the private HOME, which has a known_hosts file with `bastion`, and /etc/hosts is the test's own."""

    def setUp(self) -> None:
        super().setUp()
        self.hosts = self.root / "hosts"
        self.name_addresses(bastion="127.0.0.1")
        self.cover("/etc/hosts", self.hosts)
        accounts = self.root / "passwd"
        own = pwd.getpwuid(os.getuid()).pw_dir
        accounts.write_text("gate:x:64321:64321::/:/bin/sh\n" + "".join(
            line.replace(f":{own}:", f":{self.home}:", 1) if line.split(":")[2] == str(os.getuid()) else line
            for line in pathlib.Path("/etc/passwd").read_text().splitlines(keepends=True)))
        self.cover("/etc/passwd", accounts)
        self.config = self.home / ".ssh/config"
        self.config.parent.mkdir(mode=0o700)
        self.trust("bastion", self.bastion)

    def cover(self, path: str, by: pathlib.Path) -> None:
        run("mount", "--bind", str(by), path)
        self.addCleanup(run, "umount", path)

    def name_addresses(self, **names: str) -> None:
        self.hosts.write_text("127.0.0.1 localhost\n" + "".join(
            f"{address} {name}\n" for name, text in names.items() for address in text.split()))

    def trust(self, name: str, bastion: Bastion) -> None:
        key = (bastion.directory / "host_key.pub").read_text()
        with (self.home / ".ssh/known_hosts").open("a") as known:
            known.write(f"[{name}]:{bastion.port} {key}")

    def named(self, *more: str, at: str = "bastion", identity: bool = True) -> list[str]:
        """The arguments of a setup that reaches the bastion by a name."""
        key = ["-s", str(self.bastion.directory / "key")] if identity else []
        return ["setup", "--user", "-n", self.name, "-p", f"{self.port}:127.0.0.1:{self.bastion.port}", "-b",
                f"{self.user()}@{at}:{self.bastion.port}", *key, *more]

    def set_up_named(self, *more: str, at: str = "bastion", identity: bool = True) -> dict[str, Any]:
        done = self.run_holdfast(*self.named(*more, at=at, identity=identity))
        self.assertEqual(done.returncode, 0, done.stderr)
        return self.await_up()

    def await_error(self, failure: str, timeout: float = 60) -> dict[str, Any]:
        """The last error as soon as it is of that class."""
        def there() -> Optional[dict[str, Any]]:
            error = self.status()["last_error"]
            return error if error and error["class"] == failure else None
        try:
            return dict(until(f"an error of class {failure}", there, timeout))
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.status()['last_error']}") from None

    def break_connection(self) -> None:
        self.kill(self.status()["ssh_pid"])

    def use_default_key(self) -> None:
        for suffix in ("", ".pub"):
            shutil.copy(self.bastion.directory / f"key{suffix}", self.home / f".ssh/id_ed25519{suffix}")
