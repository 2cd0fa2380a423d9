"""The network between the hosts: namespaces, cables and faults.

    workstation eth0 ──┐                       ┌── mgmt0 workstation
                       ├─ road (a router)  desk ┤        (logins of tests: no fault touches them)
    bastion     eth0 ──┘                       └── mgmt0 bastion

Faults happen on the road, so that a host notices as little of them as it would of a real fault.
"""
from __future__ import annotations

import ctypes
import os
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Flow:
    """One TCP connection, by the client's address and port."""
    address: str
    port: int


class Namespace:
    """A network namespace, kept by a bind mount on a file of the lab (nothing appears in /run/netns)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.touch()
        subprocess.run(["unshare", f"--net={path}", "ip", "link", "set", "lo", "up"], check=True)

    def command(self, *argv: str) -> list[str]:
        return ["nsenter", f"--net={self.path}", "--", *argv]

    def run(self, *argv: str, stdin: Optional[str] = None) -> str:
        done = subprocess.run(self.command(*argv), input=stdin, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(argv)}: {done.stdout.strip()}")
        return done.stdout

    def script(self, lines: list[str]) -> None:
        """Several `ip` commands in one process."""
        self.run("ip", "-batch", "-", stdin="\n".join(lines) + "\n")

    def socket(self, family: int = socket.AF_INET, kind: int = socket.SOCK_STREAM) -> socket.socket:
        """A socket in this namespace. The calling thread enters the namespace only to create it."""
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        there = os.open(self.path, os.O_RDONLY)
        try:
            _set_namespace(there)
            try:
                return socket.socket(family, kind)
            finally:
                _set_namespace(home)
        finally:
            os.close(there)
            os.close(home)


def _set_namespace(descriptor: int) -> None:
    if _libc.setns(descriptor, CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"setns: {os.strerror(number)}")


@dataclass
class Place:
    """The addresses of a host. Faults affect `eth0`, never `mgmt0`."""
    name: str
    namespace: Namespace
    number: int
    address: str = ""
    address6: str = ""
    mgmt: str = ""


class Network:
    def __init__(self, directory: Path, tag: int) -> None:
        self._directory = directory
        self._tag = tag % 200 + 20  # 10.TAG.*: tells labs apart for a reader
        self._places: dict[str, Place] = {}
        self._dropped: set[str] = set()
        self._cut: list[Flow] = []
        self._unplugged: set[str] = set()
        self.road = Namespace(directory / "road")
        self.desk = Namespace(directory / "desk")
        self.road.run("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")

    def add(self, name: str) -> Place:
        """Connects a new host to both networks."""
        number = len(self._places) + 1
        place = Place(name, Namespace(self._directory / name), number)
        net, net6, mgmt = f"10.{self._tag}.{number}", f"fd00:{self._tag}:{number}:", f"10.{self._tag}.{100 + number}"
        place.address, place.address6, place.mgmt = f"{net}.2", f"{net6}:2", f"{mgmt}.2"
        self.road.script([
            f"link add {name} type veth peer name eth0 netns {place.namespace.path}",
            f"addr add {net}.1/24 dev {name}",
            f"addr add {net6}:1/64 dev {name} nodad",
            f"link set {name} up",
        ])
        self.desk.script([
            f"link add {name} type veth peer name mgmt0 netns {place.namespace.path}",
            f"addr add {mgmt}.1/24 dev {name}",
            f"link set {name} up",
        ])
        place.namespace.script([f"addr add {mgmt}.2/24 dev mgmt0", "link set mgmt0 up"])
        self._places[name] = place
        self.interface_up(name)
        return place

    def place(self, name: str) -> Place:
        return self._places[name]

    # -- faults ------------------------------------------------------------------------------------------

    def readdress(self, name: str, address: str) -> None:
        """Gives the host another IPv4 address of the same network, as a new DHCP lease does."""
        place = self._places[name]
        place.namespace.run("ip", "-4", "addr", "flush", "dev", "eth0")
        place.namespace.script([f"addr add {address}/24 dev eth0", f"route replace default via {place.address[:-1]}1"])

    def unplug(self, name: str) -> None:
        """Unplugs the host's cable: no carrier; addresses and routes stay, as before a network daemon reacts."""
        self._unplugged.add(name)
        self.road.script([f"link set {name} down"])

    def plug(self, name: str) -> None:
        self._unplugged.discard(name)
        self.road.script([f"link set {name} up", f"addr replace {self._gateway6(name)}/64 dev {name} nodad"])

    def interface_down(self, name: str) -> None:
        """Takes the host's interface down: its routes are gone, and netlink reports it."""
        self._unplugged.add(name)
        self._places[name].namespace.script(["link set eth0 down"])

    def interface_up(self, name: str) -> None:
        place = self._places[name]
        self._unplugged.discard(name)
        place.namespace.script([
            f"addr replace {place.address}/24 dev eth0",
            "link set eth0 up",
            f"addr replace {place.address6}/64 dev eth0 nodad",
            f"route replace default via {place.address[:-1]}1",
            f"route replace default via {self._gateway6(name)}",
        ])

    def blackhole(self, name: str) -> None:
        """Drops every packet to and from this host silently."""
        self._dropped.add(name)
        self._set_rules()

    def cut(self, flow: Flow) -> None:
        """Drops the packets of this TCP connection in both directions."""
        self._cut.append(flow)
        self._set_rules()

    def forget(self, name: str) -> None:
        """Deletes every TCP connection of the host silently, as a power cut does. Otherwise the namespace, which stays after its
        host, would close them."""
        self.blackhole(name)
        self._places[name].namespace.run("ss", "-K", "-Ht", "state", "connected")
        self.heal(name)

    def heal(self, name: Optional[str] = None) -> None:
        """Ends the drops of this host, or all drops."""
        if name is None:
            self._dropped.clear()
            self._cut.clear()
        self._dropped.discard(name or "")
        self._set_rules()

    def end_all_faults(self) -> None:
        """Ends every fault."""
        for name in set(self._unplugged):
            self.plug(name)
            self.interface_up(name)
        if self._dropped or self._cut:
            self.heal()

    def _set_rules(self) -> None:
        rules = [f'{side} "{name}" drop' for name in sorted(self._dropped) for side in ("iifname", "oifname")]
        for flow in self._cut:
            family = "ip6" if ":" in flow.address else "ip"
            rules += [f"{family} saddr {flow.address} tcp sport {flow.port} drop",
                      f"{family} daddr {flow.address} tcp dport {flow.port} drop"]
        script = ["add table inet lab",
                  "add chain inet lab road { type filter hook forward priority 0; policy accept; }",
                  "flush chain inet lab road", *(f"add rule inet lab road {rule}" for rule in rules)]
        self.road.run("nft", "-f", "-", stdin="\n".join(script) + "\n")

    def _gateway6(self, name: str) -> str:
        return self._places[name].address6[:-1] + "1"
