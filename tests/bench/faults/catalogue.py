"""The faults. Each hits all engines at once."""
from __future__ import annotations

import socket
import threading
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Callable

from lab import Bastion, until

from engines import Engine
from ground import Ground, Times

KILLS = 10
Rows = dict[str, Times]  # by the row's title


@dataclass(frozen=True)
class Fault:
    key: str
    run: Callable[[Ground], Rows]
    cap: float    # seconds to wait for a byte from the start of the row's clock
    lasts: float  # seconds: the length of the fault
    slow: bool = False   # three rounds instead of five
    aside: bool = False  # mostly waiting: other labs may run beside it
    why: str = ""        # why holdfast is slower than another engine

    @property
    def at_most(self) -> float:
        return RESET + self.lasts + self.cap


RESET = 12  # seconds until every tunnel is up again


class Lengths:
    """The length of each fault varies by a tenth, and by at least the 3 s between retries of some engines. With a fixed
    length, the fault would always end just before the retry of one engine and just after that of another. The lengths are
    spread evenly for every number of rounds."""

    GOLDEN_RATIO = 0.6180339887498949

    def __init__(self) -> None:
        self._drawn: dict[str, int] = {}
        self._lock = threading.Lock()

    def draw(self, fault: str, seconds: float) -> float:
        with self._lock:
            count = self._drawn[fault] = self._drawn.get(fault, -1) + 1
        part = (0.5 + count * self.GOLDEN_RATIO) % 1
        return seconds + (2 * part - 1) * max(1.6, seconds / 10)


LENGTHS = Lengths()


def killed(ground: Ground, cap: float) -> Rows:
    """Ten times, 2 s after each recovery: shows a limit on restarts."""
    found: dict[str, list[float]] = {}

    def kill_ten(engine: Engine) -> None:
        times = found.setdefault(engine.key, [])
        for _ in range(KILLS):
            former = ground.lab.bastion.who_listens(engine.port)
            ssh = engine.ssh(ground.lab)
            begin = time.monotonic()
            ground.lab.workstation.kill(ssh)
            back = ground.byte_back(engine, begin, cap, former)
            if back is None:
                return
            times.append(back)
            time.sleep(2)
    ground.each(kill_ten)
    rows: Rows = {"ssh killed, 1st time": {}, f"ssh killed, {KILLS}th time in a row": {}}
    first, last = rows.values()
    for key, times in found.items():
        first[key] = times[0] if times else None
        last[key] = times[-1] if len(times) == KILLS else None
    return rows


def supervisor_killed(ground: Ground, cap: float) -> Rows:
    """The clock stops at the next byte; whether sessions through the tunnel survived does not count."""
    pids = [engine.supervisor(ground.lab) for engine in ground.engines]
    begin = time.monotonic()
    ground.lab.workstation.run(["kill", "-KILL", *map(str, pids)])
    time.sleep(0.2)  # systemd ends the remaining processes of a unit
    return {"supervisor killed": ground.race(begin, cap)}


def bastion_away(seconds: float) -> Callable[[Ground, float], Rows]:
    def run(ground: Ground, cap: float) -> Rows:
        ground.lab.bastion.stop_sshd()
        time.sleep(LENGTHS.draw(f"away {seconds}", seconds))
        ground.lab.bastion.start_sshd()
        return {f"bastion's sshd down for {seconds:g} s": ground.race(time.monotonic(), cap)}
    return run


def bastion_power(ground: Ground, cap: float) -> Rows:
    ground.lose_power(ground.lab.bastion)
    return {"bastion lost power, then booted": ground.race(time.monotonic(), cap)}


def stale(ground: Ground, cap: float) -> Rows:
    """The bastion keeps every port for old sessions that the workstation no longer knows."""
    formers = ground.holders()
    ground.lose_power(ground.lab.workstation)
    return {"port held by an old session of the same tunnel": ground.race(time.monotonic(), cap, formers)}


def cable(seconds: float) -> Callable[[Ground, float], Rows]:
    def run(ground: Ground, cap: float) -> Rows:
        ground.lab.network.unplug("workstation")
        with ground.in_use():
            time.sleep(LENGTHS.draw(f"cable {seconds}", seconds))
        ground.lab.network.plug("workstation")
        return {f"cable out for {seconds:g} s": ground.race(time.monotonic(), cap)}
    return run


def blackhole(ground: Ground, cap: float) -> Rows:
    ground.lab.network.blackhole("workstation")
    with ground.in_use():
        time.sleep(LENGTHS.draw("blackhole", 120))
    ground.lab.network.heal()
    return {"path silently dropped for 120 s": ground.race(time.monotonic(), cap)}


def session(seconds: float, cable_out: bool = False) -> Callable[[Ground, float], Rows]:
    """A session through each port, idle while the fault lasts. The clock stops when it answers; never, if it has ended."""
    def run(ground: Ground, cap: float) -> Rows:
        network = ground.lab.network
        with ExitStack() as stack:
            sessions = {engine.key: stack.enter_context(ground.session(engine)) for engine in ground.engines}
            (network.unplug if cable_out else network.blackhole)("workstation")
            time.sleep(seconds)
            network.plug("workstation") if cable_out else network.heal()
            begin = time.monotonic()
            title = f"a session goes on after {seconds:g} s " + ("without the cable" if cable_out else "of lost packets")
            return {title: ground.each(lambda engine: sessions[engine.key].answer(begin, cap))}
    return run


def half_open(ground: Ground, cap: float) -> Rows:
    begin = time.monotonic()
    for engine in ground.engines:
        ground.lab.bastion.half_open(engine.port)
    return {"half-open: only the bastion dropped the connection": ground.race(begin, cap)}


def address_changed(ground: Ground, cap: float) -> Rows:
    place = ground.lab.workstation.place
    other = place.address[:-1] + "3"
    change = ["addr del {0}/24 dev eth0", "addr add {1}/24 dev eth0",
              f"route replace default via {place.address[:-1]}1"]
    place.namespace.script([line.format(place.address, other) for line in change])
    try:
        times = ground.race(time.monotonic(), cap)
    finally:
        place.namespace.script([line.format(other, place.address) for line in change])
    title = "workstation's address changed"
    rows: Rows = {title: times}
    if "takeover" in times:
        rows[f"{title}, holdfast with `takeover = yes`"] = {**times, "native": times.pop("takeover")}
    return rows


def frozen(ground: Ground, cap: float) -> Rows:
    """A laptop sleeps while its network forgets it."""
    ground.lab.workstation.suspend()
    ground.lab.network.blackhole("workstation")
    with ground.in_use():
        time.sleep(LENGTHS.draw("frozen", 120))
    ground.lab.network.heal()
    ground.lab.workstation.resume()
    return {"frozen for 120 s while the path drops packets": ground.race(time.monotonic(), cap)}


def dns_gone(ground: Ground, cap: float) -> Rows:
    """ssh is killed meanwhile, because an open connection needs no name."""
    host = ground.lab.workstation
    hosts = host.read_file("/etc/hosts")
    pids = [str(engine.ssh(ground.lab)) for engine in ground.engines]
    host.write_file("/etc/hosts", "127.0.0.1 localhost\n")
    host.run(["kill", "-KILL", *pids])
    time.sleep(LENGTHS.draw("dns", 60))
    host.write_file("/etc/hosts", hosts)
    return {"bastion's name does not resolve for 60 s": ground.race(time.monotonic(), cap)}


def port_taken(ground: Ground, cap: float) -> Rows:
    """Another process has the port for 20 s."""
    bastion = ground.lab.bastion
    with ExitStack() as holders:
        for engine in ground.engines:
            holder = holders.enter_context(bastion.namespace.socket())
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bastion.kill_connection(bastion.connection_of(engine.port))
            until(f"port {engine.port} to be free", lambda: _takes(holder, engine.port), 10, every=0.0)
        time.sleep(LENGTHS.draw("taken", 20))
    return {"port taken by another process, then freed": ground.race(time.monotonic(), cap)}


def _takes(holder: socket.socket, port: int) -> bool:
    with suppress(OSError):
        holder.bind(("127.0.0.1", port))
        holder.listen()
        return True
    return False


def host_key(ground: Ground, cap: float) -> Rows:
    ground.lab.bastion.new_host_key()
    ground.lab.bastion.kill_session_of("gate")
    time.sleep(LENGTHS.draw("host key", 30))
    ground.note_status("host key changed")
    ground.restore_host_key()
    return {"host key changed, restored after 30 s": ground.race(time.monotonic(), cap)}


def key_revoked(ground: Ground, cap: float) -> Rows:
    keys = f"{ground.lab.bastion.gate.home}/.ssh/authorized_keys"
    ground.lab.bastion.run(["mv", keys, f"{keys}.kept"])
    ground.lab.bastion.kill_session_of("gate")
    time.sleep(LENGTHS.draw("revoked", 30))
    ground.note_status("key revoked")
    ground.lab.bastion.run(["mv", f"{keys}.kept", keys])
    return {"key revoked, restored after 30 s": ground.race(time.monotonic(), cap)}


def _stranger(bastion: Bastion) -> socket.socket:
    """A connection that got the banner and sends nothing."""
    stranger = bastion.namespace.socket()
    try:
        stranger.settimeout(1)
        stranger.connect(("127.0.0.1", 22))
        if not stranger.recv(64).startswith(b"SSH-"):
            raise ConnectionError("refused")
        return stranger
    except OSError:
        stranger.close()
        raise


def max_startups(ground: Ground, cap: float) -> Rows:
    """Other clients use up MaxStartups."""
    bastion = ground.lab.bastion
    bastion.configure(MaxStartups=1)
    bastion.run(["systemctl", "restart", "ssh"])  # a reload would drop the other clients; sessions stay
    try:
        with until("sshd to accept a connection", lambda: _stranger(bastion)):
            ground.kill_tunnels()
            time.sleep(LENGTHS.draw("startups", 30))
    finally:
        bastion.configure()
    return {"bastion at MaxStartups for 30 s": ground.race(time.monotonic(), cap)}


SPREAD = ("after a bastion restarts, each tunnel delays its login by its port for up to 0.2 s. A tunnel that the bastion has "
          "dropped then delays it for up to 6 s, so that a fleet doesn't overload the bastion (ADR 10)")
BANS = "a refused login is tried at most three times in a minute, so that no bastion bans this machine"
KEPT = "holdfast keeps the connection and the sessions through it; TCP sends the byte at its next retransmission"


def _fault(key: str, run: Callable[[Ground, float], Rows], cap: float, lasts: float, slow: bool = False,
           aside: bool = True, why: str = "") -> Fault:
    return Fault(key, lambda ground: run(ground, cap), cap, lasts, slow, slow and aside, why)


FAULTS = [
    _fault("killed", killed, 90, 150, slow=True),
    _fault("supervisor", supervisor_killed, 30, 0),
    _fault("restart-3", bastion_away(3), 30, 3, why=SPREAD),
    _fault("restart-60", bastion_away(60), 60, 60, slow=True, why=SPREAD),
    _fault("power", bastion_power, 60, 15, slow=True, aside=False, why=SPREAD),  # a boot needs all cores
    _fault("stale", stale, 30, 15),
    _fault("cable-10", cable(10), 30, 10, why=KEPT),
    _fault("cable-300", cable(300), 60, 300, slow=True, why=KEPT),
    _fault("blackhole", blackhole, 60, 120, slow=True),
    *(_fault(f"session-{seconds}", session(seconds), 60, seconds, slow=True) for seconds in (10, 30, 60, 110)),
    *(_fault(f"session-cable-{seconds}", session(seconds, cable_out=True), 60, seconds, slow=True) for seconds in (30, 110)),
    _fault("half-open", half_open, 130, 0, slow=True),
    _fault("address", address_changed, 60, 0, slow=True),
    _fault("frozen", frozen, 60, 120, slow=True),
    _fault("dns", dns_gone, 60, 60, slow=True),
    _fault("taken", port_taken, 30, 20, slow=True),
    _fault("host-key", host_key, 60, 30, slow=True),
    _fault("revoked", key_revoked, 60, 30, slow=True, why=BANS),
    _fault("max-startups", max_startups, 60, 30, slow=True),
]
