"""A lab: hosts and the network between them. It leaves nothing on this machine."""
from __future__ import annotations

import atexit
import signal
import threading
import time
from pathlib import Path
from typing import Any, Iterable, Sequence

from .bastion import Bastion
from .claim import Claim
from .host import Host
from .network import Network
from .user import Desk, User


class Lab:
    """
        with Lab() as lab:
            lab.workstation.run(["uname", "-a"])

    It can have several workstations, which may share /home, and several bastions.
    """

    def __init__(self, workstations: Sequence[str] = ("workstation",), shared_home: bool = False,
                 bastions: Sequence[str] = ("bastion",)) -> None:
        self._names, self._shared_home, self._bastions = tuple(workstations), shared_home, tuple(bastions)
        self.hosts: dict[str, Host] = {}
        self.people: dict[str, User] = {}  # users of the workstation, by name

    def __enter__(self) -> Lab:
        begin = time.monotonic()
        self._handlers = _on((signal.SIGTERM, signal.SIGHUP), _interrupt)
        self._claim = Claim.take()
        atexit.register(self.close)
        try:
            self._build()
        except BaseException:
            self.close()
            raise
        self.boot_seconds = time.monotonic() - begin
        return self

    def _build(self) -> None:
        ground = self._claim.ground
        namespaces = ground / "net"
        namespaces.mkdir()
        self.network = Network(namespaces, tag=int(self._claim.name.split(".")[1]))
        self.desk = Desk(self._claim, self.network.desk)
        binds = []
        if self._shared_home:
            (ground / "home").mkdir()
            binds = [f"{ground / 'home'}:/home"]
        for name in self._names:
            self.hosts[name] = Host(self._claim, self.desk, self.network, name, binds)
        self.bastions = [Bastion(self._claim, self.desk, self.network, name) for name in self._bastions]
        self.bastion = self.bastions[0]
        self.hosts.update({bastion.name: bastion for bastion in self.bastions})
        self.workstation = self.hosts[self._names[0]]
        for host in self.hosts.values():
            host.knows(self.hosts.values())
            host.boot(wait=False)
        for host in self.hosts.values():
            host.await_boot()

    @property
    def directory(self) -> Path:
        return self._claim.directory

    def report(self) -> str:
        """The journals of the hosts, for a failing test."""
        parts = []
        for host in self.hosts.values():
            try:
                parts.append(f"---- {host.name}: journal\n{host.journal()}" if host.is_on else
                             f"---- {host.name} is off; console:\n{host.console()[-2000:]}")
            except Exception as error:
                parts.append(f"---- {host.name}: {error}; console:\n{host.console()[-2000:]}")
        return "\n".join(parts)

    def close(self) -> None:
        """Ends every process and removes every mount, namespace and file. Safe to call again."""
        # Signals are ignored meanwhile: a second Ctrl-C must not leave half of the lab behind.
        previous = _on((signal.SIGINT, signal.SIGTERM, signal.SIGHUP), signal.SIG_IGN)
        try:
            self._claim.release()
        finally:
            for sig, handler in {**previous, **self._handlers}.items():
                signal.signal(sig, handler)
            self._handlers = {}
            atexit.unregister(self.close)

    def __exit__(self, *_: object) -> None:
        self.close()


def _interrupt(number: int, _: object) -> None:
    # As Ctrl-C does. unittest would count a SystemExit as one failing test and go on.
    raise KeyboardInterrupt(signal.Signals(number).name)


def _on(signals: Iterable[signal.Signals], handler: Any) -> dict[signal.Signals, Any]:
    """Sets the handler and returns the previous ones. Outside the main thread, where Python forbids it, it does nothing."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    return {sig: signal.signal(sig, handler) for sig in signals}
