"""One lab with every engine, reset to the same state before each fault."""
from __future__ import annotations

import select
import subprocess
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Callable, Iterable, Iterator, Optional

from lab import Holdfast, Host, Lab, NotInTime, until

from engines import ENGINES, Engine

Times = dict[str, Optional[float]]  # by engine; None: not in time


class Session:
    """`cat` on the workstation, by ssh through an engine's port."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def answer(self, since: float, cap: float) -> Optional[float]:
        """Seconds from `since` until it answers a line; None if it has ended, or not in time."""
        assert self.process.stdin and self.process.stdout
        with suppress(OSError):
            self.process.stdin.write("line\n")
            self.process.stdin.flush()
            readable, _, _ = select.select([self.process.stdout], [], [], max(0.0, since + cap - time.monotonic()))
            if readable and self.process.stdout.readline() == "line\n":
                return time.monotonic() - since
        return None


class Ground:
    def __init__(self, lab: Lab, wanted: Iterable[str]) -> None:
        self.lab = lab
        self.notes: list[str] = []
        ann = lab.workstation.add_user("ann")
        lab.bastion.admit(ann)
        lab.bastion.run(["systemctl", "mask", "--now", "cron"])
        # Every engine has the same login cost, and no other setting of the bastion ends a fault.
        self.installed: list[Engine] = []
        self.engines: list[Engine] = []  # the engines that run with this fault
        self.absent: dict[str, str] = {}
        for engine in [one for one in ENGINES if one.key in wanted]:
            why = engine.install(lab)
            if why:
                self.absent[engine.title] = why
            else:
                self.installed.append(engine)
        self.holdfast = Holdfast(lab.workstation)
        self.save_host_key()

    # -- before each fault

    def reset(self, fault: str) -> None:
        """Ends every fault, removes its effects, and waits until every tunnel is up."""
        lab = self.lab
        for host in lab.hosts.values():
            if host.is_on:
                host.resume()
            else:
                host.boot()
        lab.network.end_all_faults()
        self.engines = self.installed
        lab.workstation.run(["systemctl", "stop", *(engine.unit for engine in self.engines)])
        lab.workstation.run(["systemctl", "reset-failed"])
        until("the bastion to let every session go", self._no_session, 20)
        self.engines = [engine for engine in self.installed if engine.only in ("", fault)]
        lab.workstation.run(["systemctl", "start", *(engine.unit for engine in self.engines)])
        for engine in self.engines:
            until(f"{engine.title} to be up", lambda: lab.bastion.banner(engine.port), 60)
        time.sleep(2)  # supervisors see a working tunnel

    def _no_session(self) -> bool:
        self.lab.bastion.kill_session_of("gate")
        return all(self.lab.bastion.who_listens(engine.port) is None for engine in self.engines)

    def lose_power(self, host: Host) -> None:
        """Power cut and boot. The kernel of the dead host sends nothing more."""
        self.lab.network.blackhole(host.name)
        host.power_cut(boot=False)
        self.lab.network.forget(host.name)
        host.boot()

    # -- the state before the fault

    def holders(self) -> dict[str, int]:
        """The bastion's process behind each port."""
        found = {}
        for engine in self.engines:
            pid = self.lab.bastion.who_listens(engine.port)
            if pid is None:
                raise AssertionError(f"{engine.title}: port {engine.port} has no listener before the fault")
            found[engine.key] = pid
        return found

    def is_alive(self, pid: int) -> bool:
        """On the bastion, asked without a process: it may be asked a hundred times a second."""
        return Path(f"/proc/{self.lab.bastion.leader}/root/proc/{pid}").exists()

    def kill_tunnels(self) -> None:
        """SIGKILL to every engine's ssh at once."""
        pids = [str(engine.ssh(self.lab)) for engine in self.engines]
        self.lab.workstation.run(["kill", "-KILL", *pids])

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Connects to each port every second while the fault lasts: without traffic a dead path ends no connection."""
        over = threading.Event()

        def ask(engine: Engine) -> None:
            while not over.wait(1.0):
                self.lab.bastion.banner(engine.port, timeout=1.0)
        threads = [threading.Thread(target=ask, args=(engine,), daemon=True) for engine in self.engines]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            over.set()
            for thread in threads:
                thread.join()

    @contextmanager
    def session(self, engine: Engine) -> Iterator[Session]:
        session = Session(self.lab.bastion.start_through(engine.port, "ann", "cat"))
        try:
            if session.answer(time.monotonic(), 30) is None:
                raise AssertionError(f"{engine.title}: no session before the fault")
            yield session
        finally:
            session.process.kill()
            session.process.wait()

    # -- measurement

    def byte_back(self, engine: Engine, since: float, cap: float, former: Optional[int] = None) -> Optional[float]:
        """Seconds from `since` until the workstation's sshd sends its banner through the port. No probe while `former`, the
        bastion's process behind the port before the fault, lives: a probe would send it a packet."""
        while (now := time.monotonic()) - since < cap:
            with suppress(OSError, AssertionError):
                if former is not None and self.is_alive(former):
                    time.sleep(0.005)
                    continue
                if self.lab.bastion.banner(engine.port, timeout=1.0):
                    return time.monotonic() - since
            time.sleep(max(0.0, 0.02 - (time.monotonic() - now)))
        return None

    def race(self, since: float, cap: float, formers: Optional[dict[str, int]] = None) -> Times:
        """Measures all engines at once."""
        return self.each(lambda engine: self.byte_back(engine, since, cap, (formers or {}).get(engine.key)))

    def each(self, task: Callable[[Engine], Optional[float]]) -> Times:
        times: Times = {}
        failures: list[BaseException] = []

        def run(engine: Engine) -> None:
            try:
                times[engine.key] = task(engine)
            except BaseException as failure:
                failures.append(failure)
        threads = [threading.Thread(target=run, args=(engine,), daemon=True) for engine in self.engines]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]
        return times

    # -- the bastion's host key

    HOST_KEY = "/etc/ssh/ssh_host_ed25519_key"

    def save_host_key(self) -> None:
        self.lab.bastion.run(["cp", "-a", self.HOST_KEY, f"{self.HOST_KEY}.pub", "/root/"])

    def restore_host_key(self) -> None:
        name = self.HOST_KEY.rpartition("/")[2]
        self.lab.bastion.run(["cp", "-a", f"/root/{name}", f"/root/{name}.pub", "/etc/ssh/"])
        self.lab.bastion.run(["systemctl", "restart", "ssh"])
        until("the banner of sshd", lambda: self.lab.bastion.banner(22))

    def note_status(self, fault: str) -> None:
        """What holdfast says during a fault that needs manual action."""
        for engine in self.engines:
            if not engine.engine:
                continue
            with suppress(AssertionError, NotInTime, ValueError):
                told = self.holdfast.status(str(engine.port))
                error = told["last_error"] or {}
                self.notes.append(f"{fault}, {engine.title} said: {told['state']}, {error.get('class')}: "
                                  f"{error.get('message')}")
