"""Base classes for tests of the program: a private HOME, and a private bastion."""
from __future__ import annotations

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
from typing import Any, Callable, Optional

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2]))
from clean_environment import clean_environment  # noqa: E402

clean_environment()
PROGRAM = os.environ.get("HOLDFAST", "build/dev/holdfast")
Done = subprocess.CompletedProcess


def until(what: str, ready: Callable[[], Any], timeout: float = 60) -> Any:
    """Waits until ready() is true, and returns its value."""
    deadline = time.monotonic() + timeout
    while not (seen := ready()):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout:g} s for {what}")
        time.sleep(0.01)
    return seen


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def find_sshd() -> Optional[str]:
    return shutil.which("sshd", path=os.environ["PATH"] + ":/usr/sbin:/sbin")


# A test program of root has /tmp and /run/user to itself: all tunnels of a user share one runtime directory there. The tree
# may stand below /tmp; it is mounted again.
INSIDE = "--inside"
HIDE = """exec 9<"$1" || exit
for directory in /tmp /run/user; do [ ! -d $directory ] || mount -t tmpfs -o mode=1777 tmpfs $directory || exit; done
[ -d "$1" ] || { mkdir -p "$1" && mount --bind /proc/self/fd/9 "$1" && cd "$1" || exit; }
exec 9<&-; shift; exec "$@\""""


def main(needs_sshd: bool = True, needs_namespace: bool = False, own_network: bool = False) -> None:
    """Runs the tests of the calling file, in a mount namespace where the user can make one. Exits with 77 (skipped) where
    something that it needs is missing. own_network: also in a network namespace with only a loopback device.
    """
    if needs_sshd and not find_sshd():
        skip("sshd is not installed")
    if INSIDE in sys.argv:
        sys.argv.remove(INSIDE)
        if own_network:
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        unittest.main()
    unshare = ["unshare", "--mount", *["--net"] * own_network]
    if subprocess.run([*unshare, "true"], check=False).returncode == 0:
        tree = str(pathlib.Path(__file__).resolve().parents[3])
        os.execvp(unshare[0], [*unshare, "sh", "-c", HIDE, "sh", tree, sys.executable, "-B", *sys.argv, INSIDE])
    if needs_namespace or own_network:
        skip("only root can make a mount namespace")
    unittest.main()


def skip(why: str) -> None:
    print(why, file=sys.stderr)
    sys.exit(77)


def is_alive(pid: int) -> bool:
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


class ProgramTest(unittest.TestCase):
    """Each test has its own HOME. holdfast runs in the user scope with the nohup backend on every machine."""

    def setUp(self) -> None:
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="hf-cli-"))
        self.addCleanup(shutil.rmtree, self.root, ignore_errors=True)
        self.home = self.root / "home"
        self.home.mkdir(mode=0o700)
        self.env = {"HOME": str(self.home), "USER": self.user(), "PATH": os.environ["PATH"], "LANG": "C.UTF-8",
                    "HOLDFAST_BACKENDS": "nohup"}
        self.name = "t" + self.root.name[-8:].replace("_", "x")
        self.runtime = pathlib.Path(f"/tmp/holdfast-{os.getuid()}")
        # Other tests of this user may use the runtime directory at the same time.
        self.before = self.everything()

    @staticmethod
    def user() -> str:
        return subprocess.run(["id", "-un"], check=True, capture_output=True, text=True).stdout.strip()

    def run_holdfast(self, *arguments: str, env: Optional[dict[str, str]] = None, stdout: Any = subprocess.PIPE,
                     timeout: float = 60) -> Done[str]:
        return subprocess.run([PROGRAM, *arguments], env={**self.env, **(env or {})}, stdin=subprocess.DEVNULL,
                              stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=timeout, cwd=self.root)

    def everything(self) -> dict[str, tuple[int, bytes]]:
        """Every path in HOME, this test's files in the runtime directory, and any left-over .check.PID."""
        found: dict[str, tuple[int, bytes]] = {}
        left = [path for path in self.runtime.glob(".check.*") if not pathlib.Path(f"/proc/{path.suffix[1:]}").exists()]
        for path in [*self.home.rglob("*"), *self.runtime.glob(f"{self.name}*"), *left]:
            try:
                found[str(path)] = (path.lstat().st_mode, path.read_bytes() if path.is_file() else b"")
            except FileNotFoundError:
                continue
        return found

    def assert_nothing_changed(self, why: str = "") -> None:
        self.assertEqual(self.everything(), self.before, why)

    def assert_reads_well(self, done: Done[str]) -> str:
        """Checks that stderr has one well-formed error, and at most a hint below it. Returns the error line."""
        lines = done.stderr.splitlines()
        errors = [line for line in lines if line.startswith("holdfast: ") and not line.startswith("holdfast: warning")]
        self.assertEqual(len(errors), 1, done.stderr)
        after = lines[lines.index(errors[0]) + 1:]
        self.assertTrue(not after or (len(after) == 1 and after[0].startswith("  hint: ")), done.stderr)
        for line in (errors[0], *after):
            self.assertNotRegex(line, r"\.$|errno|terminate called|what\(\)|[\x00-\x1f\x7f]")
        self.assertNotRegex(errors[0], r"^holdfast: [A-Z]|internal error")
        return errors[0]


class Bastion:
    """An sshd on loopback that accepts one key for its own user. It is the bastion and also the target."""

    def __init__(self, directory: pathlib.Path, **settings: str) -> None:
        self.directory = directory
        directory.mkdir(mode=0o700)
        sshd = find_sshd()
        assert sshd
        if os.getuid() == 0:
            os.makedirs("/run/sshd", exist_ok=True)
        for key in ("host_key", "key"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(directory / key)], check=True)
        shutil.copy(directory / "key.pub", directory / "authorized_keys")
        self.port = free_port()
        lines = {"Port": str(self.port), "ListenAddress": "127.0.0.1", "HostKey": str(directory / "host_key"),
                 "AuthorizedKeysFile": str(directory / "authorized_keys"), "PidFile": "none", "UsePAM": "no",
                 "StrictModes": "no", "PermitRootLogin": "prohibit-password", "MaxStartups": "100", **settings}
        (directory / "config").write_text("".join(f"{key} {value}\n" for key, value in lines.items()))
        self.argv = [sshd, "-D", "-f", str(directory / "config"), "-E", str(directory / "log")]
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(self.argv, stderr=subprocess.DEVNULL)
        until("the bastion to answer", self.answers)

    def answers(self) -> bool:
        if self.process.poll() is not None:
            raise AssertionError((self.directory / "log").read_text())
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(60)


class TunnelTest(ProgramTest):
    """With a bastion. The tunnel `self.name` is removed at the end."""

    def setUp(self) -> None:
        super().setUp()
        self.bastion = Bastion(self.root / "bastion")
        self.addCleanup(self.bastion.stop)
        self.port = free_port()
        self.addCleanup(self.run_holdfast, "remove", "--user", self.name)

    def arguments(self, *more: str, port: Optional[int] = None, target: Optional[int] = None) -> list[str]:
        return ["setup", "--user", "-n", self.name, "-p", f"{port or self.port}:127.0.0.1:{target or self.bastion.port}",
                "-b", f"{self.user()}@127.0.0.1:{self.bastion.port}", "-s", str(self.bastion.directory / "key"),
                "--accept-new-host-key", *more]

    def set_up(self, *more: str) -> Done[str]:
        done = self.run_holdfast(*self.arguments(*more))
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def status(self) -> dict[str, Any]:
        done = self.run_holdfast("status", "--user", self.name, "--json")
        self.assertIn(done.returncode, (0, 3), done.stderr)
        tunnel, = json.loads(done.stdout)["tunnels"]
        self.assertEqual(done.returncode, 0 if tunnel["state"] == "up" else 3)
        return dict(tunnel)

    def await_up(self) -> dict[str, Any]:
        def up() -> Optional[dict[str, Any]]:
            now = self.status()
            return now if now["state"] == "up" and now["verified"] else None
        return dict(until("the tunnel to be up", up))

    def banner(self, port: Optional[int] = None) -> bytes:
        """The first four bytes from the port of the bastion; empty when nothing answers."""
        with socket.socket() as client:
            client.settimeout(20)
            if client.connect_ex(("127.0.0.1", port or self.port)) != 0:
                return b""
            try:
                return client.recv(4)
            except ConnectionResetError:  # the listener closed meanwhile
                return b""

    @staticmethod
    def kill(pid: int, number: int = signal.SIGKILL) -> None:
        os.kill(pid, number)
