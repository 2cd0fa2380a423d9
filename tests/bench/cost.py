#!/usr/bin/python3
"""What an idle tunnel costs, and what a byte costs through it, beside autossh and plain ssh.

    tests/bench/cost.py [--holdfast FILE] [--seconds N] [--tunnels N] [--json FILE] [NAME…]

Boots the lab of tests/lab (root needed). NAME: one, many, forwards, through; all of them without one. `one` and `many` are
watched for N seconds; supervisors and their ssh are counted apart. Prints a table; asserts nothing.
"""
from __future__ import annotations

import argparse
import json
import os
import re
import socket
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from bench import cpu_and_switches

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lab"))
from lab import Holdfast, Lab, until  # noqa: E402

FIRST_PORT = 2400
BULK = 128 * 1024 * 1024  # bytes
ECHOES = 300

# A server on the workstation: it echoes each byte, and sends BULK bytes for an "S".
TARGET = """
import socket, threading
listener = socket.create_server(("127.0.0.1", 7007), backlog=64)
def serve(peer):
    with peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while got := peer.recv(1):
            if got == b"S":
                block, left = bytes(65536), %d
                while left > 0:
                    left -= peer.send(block[:left])
            else:
                peer.sendall(got)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
""" % BULK


@dataclass
class Cost:
    """Sums over several processes."""
    processes: int
    resident: float  # MB
    private: float   # MB: freed if they ended
    cpu: float       # seconds since each started
    wakes: int


def cost_of(processes: list[Path]) -> Cost:
    cost = Cost(len(processes), 0, 0, 0, 0)
    for process in processes:
        rollup = dict(re.findall(r"^(\w+):\s+(\d+) kB$", (process / "smaps_rollup").read_text(), re.MULTILINE))
        cost.resident += int(rollup["Rss"]) / 1024
        cost.private += (int(rollup["Private_Clean"]) + int(rollup["Private_Dirty"])) / 1024
        cpu, switches = cpu_and_switches(process)
        cost.cpu += cpu
        cost.wakes += switches
    return cost


class Bench:
    def __init__(self, lab: Lab, seconds: float, tunnels: int) -> None:
        self.lab, self.seconds, self.tunnels = lab, seconds, tunnels
        self.ann = lab.workstation.add_user("ann")
        lab.bastion.admit(self.ann)
        lab.bastion.configure(MaxStartups="200", MaxSessions="500")
        self.holdfast = Holdfast(lab.workstation)
        self.rows: list[tuple[str, ...]] = []
        self.figures: dict[str, dict[str, float]] = {}

    # -- processes

    def processes(self, *names: str) -> list[Path]:
        """The processes of ann with this program name."""
        proc = Path(f"/proc/{self.lab.workstation.leader}/root/proc")
        found = []
        for entry in proc.iterdir():
            try:
                if entry.name.isdigit() and entry.stat().st_uid == self.ann.uid and \
                        (entry / "comm").read_text().strip() in names:
                    found.append(entry)
            except (FileNotFoundError, ProcessLookupError):
                continue
        return found

    def holdfast_up(self, ports: list[int], forwards: list[int]) -> None:
        """One tunnel for each port; the first gets `forwards` more."""
        for port in ports:
            more = [word for forward in forwards for word in ("-p", str(forward))]
            self.holdfast.run("setup", "-n", str(port), "-p", str(port), *more, "-b", "gate@bastion", "--system",
                              "--run-as", "ann", "--backend", "systemd-system", "--no-preflight", timeout=180)
        for port in ports:
            self.holdfast.await_up(str(port), timeout=120)

    def autossh_up(self, ports: list[int]) -> None:
        for port in ports:
            self.lab.workstation.run(
                ["systemd-run", "--quiet", "--collect", f"--unit=rival-{port}", "--uid=ann",
                 "--setenv=AUTOSSH_GATETIME=0", "/usr/bin/autossh", "-M", "0", "-N", "-R",
                 f"127.0.0.1:{port}:localhost:22", "gate@bastion"])
        for port in ports:
            until(f"port {port} to answer", lambda: self.lab.bastion.banner(port), 120)

    def all_down(self) -> None:
        self.holdfast.run("remove", "--all", check=False, timeout=300)
        self.lab.workstation.run(["systemctl", "stop", "rival-*"], check=False)
        until("nothing of ann's to run", lambda: not self.processes("holdfast", "autossh", "ssh"), 60)

    # -- measurements

    def watch(self, title: str, *names: str) -> None:
        time.sleep(5)  # the start is not measured
        ssh = self.processes("ssh")
        supervisors = self.processes(*names)
        before = cost_of(supervisors), cost_of(ssh)
        time.sleep(self.seconds)
        after = cost_of(supervisors), cost_of(ssh)
        for who, first, last in ((title, before[0], after[0]), (f"  its ssh, {title}", before[1], after[1])):
            day = (last.cpu - first.cpu) / self.seconds * 86400
            hour = (last.wakes - first.wakes) / self.seconds * 3600
            self.tell(who, processes=last.processes, resident=last.resident, private=last.private, cpu_day=day,
                      wakes_hour=hour)

    def tell(self, who: str, **figures: float) -> None:
        self.figures[who.strip()] = figures
        texts = [f"{value:.2f} {unit}" for unit, value in
                 ((key.replace("_", " a "), value) for key, value in figures.items())]
        self.rows.append((who, *texts))
        print("# " + "  ".join((who, *texts)), file=sys.stderr, flush=True)

    def one(self) -> None:
        self.holdfast_up([FIRST_PORT], [])
        self.watch("holdfast, 1 tunnel", "holdfast")
        self.all_down()
        self.autossh_up([FIRST_PORT])
        self.watch("autossh, 1 tunnel", "autossh")
        self.all_down()

    def many(self) -> None:
        ports = list(range(FIRST_PORT, FIRST_PORT + self.tunnels))
        self.holdfast_up(ports, [])
        self.watch(f"holdfast, {self.tunnels} tunnels", "holdfast")
        self.all_down()
        self.autossh_up(ports)
        self.watch(f"autossh, {self.tunnels} tunnels", "autossh")
        self.all_down()

    def forwards(self) -> None:
        """Many ports over one connection, with every process that each engine needs."""
        ports = list(range(FIRST_PORT, FIRST_PORT + self.tunnels))
        self.holdfast_up(ports[:1], ports[1:])
        ours = cost_of(self.processes("holdfast", "ssh"))
        self.all_down()
        self.autossh_up(ports)
        theirs = cost_of(self.processes("autossh", "ssh"))
        self.all_down()
        for who, cost in ((f"holdfast, 1 tunnel of {self.tunnels} forwards", ours),
                          (f"autossh, {self.tunnels} of them", theirs)):
            self.tell(who, processes=cost.processes, resident=cost.resident, private=cost.private)
        self.tell("autossh needs, times as much", resident=theirs.resident / ours.resident,
                  private=theirs.private / ours.private)

    def through(self) -> None:
        """The same bytes through holdfast's tunnel and through a plain ssh -R, in pairs, because machines are noisy."""
        ours, bare = FIRST_PORT, FIRST_PORT + 1
        host = self.lab.workstation
        host.run(["systemd-run", "--quiet", "--collect", "--unit=target", "python3", "-c", TARGET])
        self.holdfast.run("setup", "-n", str(ours), "-p", f"{ours}:127.0.0.1:7007", "-b", "gate@bastion", "--system",
                          "--run-as", "ann", "--backend", "systemd-system", "--no-preflight")
        host.run(["systemd-run", "--quiet", "--collect", "--unit=rival-bare", "--uid=ann", "ssh", "-N", "-R",
                  f"127.0.0.1:{bare}:127.0.0.1:7007", "gate@bastion"])
        self.holdfast.await_up(str(ours))
        for port in (ours, bare):
            until(f"an echo through port {port}", lambda: self.echo(port, 1), 20)
        rates: dict[int, list[float]] = {ours: [], bare: []}
        trips: dict[int, list[float]] = {ours: [], bare: []}
        for _ in range(5):
            for port in (ours, bare):
                rates[port].append(self.bulk(port))
                trips[port] += self.echo(port, ECHOES)
        for who, port in (("through holdfast", ours), ("through a bare ssh -R", bare)):
            self.tell(who, MB_s=statistics.median(rates[port]), ms=statistics.median(trips[port]) * 1000)
        self.tell("holdfast, of the bare one", rate=statistics.median(rates[ours]) / statistics.median(rates[bare]),
                  latency=statistics.median(trips[ours]) / statistics.median(trips[bare]))
        host.run(["systemctl", "stop", "target"])
        self.all_down()

    def dial(self, port: int) -> socket.socket:
        connection = self.lab.bastion.namespace.socket()
        connection.settimeout(60)
        connection.connect(("127.0.0.1", port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def echo(self, port: int, times: int) -> list[float]:
        """Seconds of each round trip of one byte."""
        trips = []
        with self.dial(port) as connection:
            for _ in range(times):
                begin = time.monotonic()
                connection.sendall(b"e")
                if connection.recv(1) != b"e":
                    raise RuntimeError(f"port {port}: no echo")
                trips.append(time.monotonic() - begin)
        return trips

    def bulk(self, port: int) -> float:
        """MB per second from the workstation to the bastion."""
        with self.dial(port) as connection:
            begin, left = time.monotonic(), BULK
            connection.sendall(b"S")
            while left > 0:
                left -= len(connection.recv(1 << 20)) or BULK * 2
            if left < 0:
                raise RuntimeError(f"port {port}: the stream ended early")
        return BULK / 1e6 / (time.monotonic() - begin)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--holdfast", type=Path, default=Path("build/static/holdfast"))
    parser.add_argument("--seconds", type=float, default=600, help="how long an idle tunnel is watched")
    parser.add_argument("--tunnels", type=int, default=100)
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("names", nargs="*", metavar="NAME")
    wanted = parser.parse_args()
    os.environ["HOLDFAST_STATIC"] = str(wanted.holdfast.resolve())
    with Lab() as lab:
        bench = Bench(lab, wanted.seconds, wanted.tunnels)
        parts: dict[str, Callable[[], None]] = {"one": bench.one, "many": bench.many, "forwards": bench.forwards,
                                                "through": bench.through}
        for name in wanted.names or parts:
            parts[name]()
    width = max(len(row[0]) for row in bench.rows)
    for row in bench.rows:
        print("  ".join((row[0].ljust(width), *(text.rjust(18) for text in row[1:]))).rstrip())
    if wanted.json:
        wanted.json.write_text(json.dumps(bench.figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
