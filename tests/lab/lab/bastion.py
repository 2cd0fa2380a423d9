"""The bastion: an ordinary sshd, and the faults that a bastion can have."""
from __future__ import annotations

import re
import signal
import socket
import subprocess
import threading
from dataclasses import dataclass
from typing import Callable, Optional

from .host import Host
from .measure import until
from .network import Flow
from .user import User


@dataclass(frozen=True)
class Connection:
    """An established ssh connection, seen from the bastion."""
    client: Flow
    pids: list[int]
    user: str


class Bastion(Host):
    GATE = "gate"
    _gate: Optional[User] = None

    @property
    def gate(self) -> User:
        """The account that tunnels log in to."""
        if not self._gate:
            self._gate = self.add_user(self.GATE)
        return self._gate

    def admit(self, user: User, options: str = "") -> None:
        """Accepts this user's key for gate and adds the bastion's host key to the user's known_hosts."""
        self.gate.authorize(user.public_key, options)
        user.trust(self)

    # -- sshd --------------------------------------------------------------------------------------------

    def configure(self, **settings: object) -> None:
        """Replaces the settings of sshd; without any, Debian's apply. Sessions stay."""
        text = "".join(f"{key} {value}\n" for key, value in settings.items())
        self.write_file("/etc/ssh/sshd_config.d/00-lab.conf", text)
        self.run(["sshd", "-t"])
        self.run(["systemctl", "reload" if self.sshd_runs() else "start", "ssh"])
        until("the banner of sshd", lambda: self.banner(22))

    def new_host_key(self) -> None:
        """A new host key, as after a reinstallation."""
        key = "/etc/ssh/ssh_host_ed25519_key"
        self.run(["sh", "-c", f"rm -f {key}* && ssh-keygen -q -t ed25519 -N '' -C lab -f {key}"])
        self.run(["systemctl", "restart", "ssh"])
        until("the banner of sshd", lambda: self.banner(22))

    def sshd_runs(self) -> bool:
        return self.run(["systemctl", "is-active", "ssh"], check=False).stdout.strip() == "active"

    def stop_sshd(self, sessions: bool = True) -> None:
        """Stops sshd and kills its sessions, which a plain stop of Debian's unit keeps."""
        self.run(["systemctl", "stop", "ssh"])
        if sessions:
            for connection in self.connections():
                self.kill_connection(connection)

    def start_sshd(self) -> None:
        self.run(["systemctl", "start", "ssh"])
        until("the banner of sshd", lambda: self.banner(22))

    def restart_sshd(self) -> None:
        self.stop_sshd()
        self.start_sshd()

    # -- connections -------------------------------------------------------------------------------------

    def connections(self, user: Optional[str] = None) -> list[Connection]:
        """Established connections to sshd from the other hosts, without logins of the tests themselves."""
        found = []
        for local, peer, pids in self._sockets("-t", "state", "established"):
            if not local.endswith(":22") or not pids or peer.startswith(self.place.mgmt.rpartition(".")[0] + "."):
                continue
            address, _, port = peer.rpartition(":")
            owners = self.run(["ps", "-o", "user:32=", "-p", ",".join(map(str, pids))], check=False).stdout.split()
            owner = next((name for name in owners if name not in ("root", "sshd")), "root")
            if user in (None, owner):
                found.append(Connection(Flow(address.strip("[]").removeprefix("::ffff:"), int(port)), pids, owner))
        return found

    def connection_of(self, port: int) -> Connection:
        """The ssh connection that holds this listening port."""
        holder = self.who_listens(port)
        for connection in self.connections():
            if holder in connection.pids:
                return connection
        raise AssertionError(f"no ssh connection on {self.name} holds port {port} (listening: pid {holder})")

    def who_listens(self, port: int) -> Optional[int]:
        """The pid, inside the bastion, that listens on this port of 127.0.0.1 or of all addresses."""
        for local, _, pids in self._sockets("-lt"):
            if local in (f"127.0.0.1:{port}", f"0.0.0.0:{port}", f"*:{port}", f"[::]:{port}"):
                return pids[0] if pids else None
        return None

    def kill_connection(self, connection: Connection) -> None:
        """SIGKILL to the sshd processes of this connection only."""
        self.run(["kill", "-KILL", *map(str, connection.pids)], check=False)

    def kill_session_of(self, user: str) -> None:
        for connection in self.connections(user):
            self.kill_connection(connection)

    def freeze_session_of(self, user: str) -> list[int]:
        """SIGSTOP: the bastion's kernel acknowledges packets, sshd does not answer. Returns the pids for thaw()."""
        pids = [pid for connection in self.connections(user) for pid in connection.pids]
        for pid in pids:
            self.kill(pid, signal.SIGSTOP)
        return pids

    def thaw(self, pids: list[int]) -> None:
        for pid in pids:
            self.kill(pid, signal.SIGCONT)

    def half_open(self, port: int) -> Flow:
        """Drops the packets of the connection that has this port, then kills its session: the port is free and the client is
        not told. The drop stays until network.heal()."""
        connection = self.connection_of(port)
        self.network.cut(connection.client)
        self.kill_connection(connection)
        until(f"port {port} to be free", lambda: self.who_listens(port) is None)
        return connection.client

    def _sockets(self, *which: str) -> list[tuple[str, str, list[int]]]:
        rows = []
        for line in self.run(["ss", "-Hnp", *which]).stdout.splitlines():
            addresses = [word for word in line.split() if re.search(r":(\d+|\*)$", word)]
            rows.append((addresses[0], addresses[1], [int(pid) for pid in re.findall(r"pid=(\d+)", line)]))
        return rows

    # -- through the tunnel ------------------------------------------------------------------------------

    def start_through(self, port: int, user: str, command: str) -> subprocess.Popen[str]:
        """A session through the tunnel, with pipes to its command. End it with kill()."""
        return subprocess.Popen(self._through(port, user, command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                cwd="/")

    def _through(self, port: int, user: str, command: str) -> list[str]:
        return self._desk.ssh(self.namespace, "-p", str(port), f"{user}@127.0.0.1", "--", command)

    def ssh_through(self, port: int, user: str, command: str, timeout: float = 60) -> str:
        """A complete login through the tunnel: `ssh -p PORT USER@localhost COMMAND` on the bastion."""
        argv = self._through(port, user, command)
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, timeout=timeout, cwd="/")
        if done.returncode != 0:
            raise AssertionError(
                f"ssh through port {port} of {self.name}: exit {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    # -- fake servers: listeners in place of sshd ---------------------------------------------------------------------------

    def fake_server(self, greet: bytes = b"", close: bool = False) -> FakeServer:
        """A port that accepts every connection, sends these bytes, and then stays silent or closes."""
        return FakeServer(self, greet, close)

    def holder(self, port: int, greet: bytes = b"", address: str = "127.0.0.1") -> FakeServer:
        """A process that has this port of one address."""
        return FakeServer(self, greet, close=False, where=(address, port))

    def silent_listener(self) -> FakeServer:
        return self.fake_server()

    def closing_listener(self) -> FakeServer:
        return self.fake_server(close=True)

    def web_server(self) -> FakeServer:
        return self.fake_server(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", close=True)

    def stalling_sshd(self) -> FakeServer:
        """Sends a banner and nothing more: ssh waits for ever, because ConnectTimeout ends with the banner."""
        return self.fake_server(b"SSH-2.0-OpenSSH_9.2p1\r\n")

    def endless_sender(self) -> FakeServer:
        """Sends carriage returns for ever instead of a banner. ssh does not count them, and its ConnectTimeout runs only
        while it waits for a byte: it reads on until it is killed."""
        return FakeServer(self, b"\r" * 65536, close=False, endless=True)


class FakeServer:
    """A listener in the bastion's network namespace, served by a thread of the test."""

    def __init__(self, bastion: Bastion, greet: bytes, close: bool, endless: bool = False,
                 where: tuple[str, int] = ("0.0.0.0", 0)) -> None:
        self._listener = bastion.namespace.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(where)
        self._listener.listen()
        self.port = int(self._listener.getsockname()[1])
        self._greet, self._close, self._endless = greet, close, endless
        self._over = threading.Event()
        self.connections = 0
        self._threads: list[threading.Thread] = []
        self._start(self._serve)

    def close(self) -> None:
        self._over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def __enter__(self) -> FakeServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start(self, task: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=task, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _serve(self) -> None:
        while not self._over.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._start(self._serve_client, client)

    def _serve_client(self, client: socket.socket) -> None:
        with client:
            client.settimeout(2)  # per send or receive, so that a silent client does not delay close()
            try:
                client.sendall(self._greet)
                while self._endless and not self._over.is_set():
                    client.sendall(self._greet)
                if not self._close:
                    self._over.wait()
                # A close with unread data would send a RST.
                client.shutdown(socket.SHUT_WR)
                while client.recv(4096):
                    pass
            except OSError:
                return
