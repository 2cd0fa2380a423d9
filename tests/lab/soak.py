#!/usr/bin/python3
"""Random faults in sequence: every tunnel recovers from each, and no process, file or memory grows.

    tests/lab/soak.py [--minutes N] [--seed S]

The same seed gives the same faults in the same order. The supervisor of the first tunnel is never killed, so that its growth
is seen; the second tunnel gets every fault. The bastion has ClientAliveInterval: after a change of address only that frees
the port.
"""
from __future__ import annotations

import argparse
import random
import re
import signal
import statistics
import sys
import time
from dataclasses import dataclass
from typing import Callable, Iterable

from lab import Holdfast, UserTest, main, until

STEADY, SHAKEN = "2222", "2223"
PORTS = (2222, 2223, 2224)
RECOVERY = 150.0  # the longest recovery after the last fault has ended
HEALTH = 15.0     # the longest pause between faults
FILES = 3 << 20   # bytes of logs, history and runtime files of a tunnel, at any time

options = argparse.Namespace(minutes=5.0, seed=1)


@dataclass
class Size:
    """What could grow."""
    descriptors: int
    private_kib: int
    processes: int
    files: dict[str, int]


class Soak(UserTest):
    system: Holdfast
    own: Holdfast

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.bastion.configure(ClientAliveInterval=5, ClientAliveCountMax=2)
        cls.system, cls.own = Holdfast(cls.host), cls.holdfast
        cls.system.run("setup", "-p", STEADY, "-b", "gate@bastion", "--run-as", "ann")
        cls.own.setup("-n", SHAKEN, "-p", "2223", "-p", "2224", "-b", "gate@bastion")

    def setUp(self) -> None:
        super().setUp()
        self.random = random.Random(options.seed)
        self.addresses = [self.lab.network.place("workstation").address]
        self.addresses += [self.addresses[0][:-1] + number for number in ("77", "78")]
        self.began = time.monotonic()
        self.sizes: list[Size] = []
        self.recoveries: list[float] = []
        self.pid = self.system.await_up(STEADY, timeout=60)["supervisor_pid"]

    def owner(self, name: str) -> Holdfast:
        return self.system if name == STEADY else self.own

    def tell(self, text: str) -> None:
        print(f"# {time.monotonic() - self.began:7.1f} s  {text}", file=sys.stderr, flush=True)

    # -- faults: each has ended when its function returns ------------------------------------------

    def some(self, least: float, most: float) -> float:
        return self.random.uniform(least, most)

    def pid_of(self, name: str, key: str) -> int:
        return int(self.owner(name).status(name)[key] or 0)

    def signal_ssh(self, sig: signal.Signals) -> int:
        pid = self.pid_of(self.random.choice((STEADY, SHAKEN)), "ssh_pid")
        if pid:
            self.host.run(["kill", f"-{int(sig)}", str(pid)], check=False)
        return pid

    def ssh_killed(self) -> None:
        self.signal_ssh(signal.SIGKILL)

    def ssh_ended(self) -> None:
        self.signal_ssh(signal.SIGTERM)

    def ssh_frozen(self) -> None:
        pid = self.signal_ssh(signal.SIGSTOP)
        time.sleep(self.some(1, 30))
        if pid:
            self.host.run(["kill", "-CONT", str(pid)], check=False)

    def supervisor_killed(self) -> None:
        if pid := self.pid_of(SHAKEN, "supervisor_pid"):
            self.host.run(["kill", "-KILL", str(pid)], check=False)

    def both_killed(self) -> None:
        pids = [str(pid) for key in ("supervisor_pid", "ssh_pid") if (pid := self.pid_of(SHAKEN, key))]
        if pids:
            self.host.run(["kill", "-KILL", *pids], check=False)

    def restarted_by_hand(self) -> None:
        self.own.run("restart", SHAKEN, check=False)

    def bastion_restarted(self) -> None:
        self.bastion.stop_sshd()
        time.sleep(self.some(0, 20))
        self.bastion.start_sshd()

    def session_killed_on_the_bastion(self) -> None:
        self.bastion.kill_session_of("gate")

    def session_frozen_on_the_bastion(self) -> None:
        frozen = self.bastion.freeze_session_of("gate")
        time.sleep(self.some(1, 30))
        self.bastion.run(["kill", "-CONT", *map(str, frozen)], check=False)

    def path_dropped(self) -> None:
        self.lab.network.blackhole("workstation")
        time.sleep(self.some(1, 60))
        self.lab.network.heal()

    def cable_out(self) -> None:
        self.lab.network.unplug("workstation")
        time.sleep(self.some(1, 40))
        self.lab.network.end_all_faults()

    def interface_down(self) -> None:
        self.lab.network.interface_down("workstation")
        time.sleep(self.some(1, 30))
        self.lab.network.end_all_faults()

    def address_changed(self) -> None:
        self.lab.network.readdress("workstation", self.random.choice(self.addresses))

    def suspended(self) -> None:
        self.host.suspend()
        time.sleep(self.some(1, 40))
        self.host.resume()

    def suspended_while_the_path_drops(self) -> None:
        self.lab.network.blackhole("workstation")
        self.suspended()
        self.lab.network.heal()

    def faults(self) -> list[Callable[[], None]]:
        return [self.ssh_killed, self.ssh_killed, self.ssh_ended, self.ssh_frozen, self.supervisor_killed,
                self.both_killed, self.restarted_by_hand, self.bastion_restarted, self.session_killed_on_the_bastion,
                self.session_frozen_on_the_bastion, self.path_dropped, self.cable_out, self.interface_down,
                self.address_changed, self.suspended, self.suspended_while_the_path_drops]

    # -- measurements -------------------------------------------------------------------------------

    def await_all(self) -> float:
        """Seconds until every port answers. It probes every 3 s only: with twenty probes a second, sshd 9.2 kept the port of a
        lost address for more than 150 s in spite of ClientAliveInterval, otherwise for 40 s."""
        def are_all_up() -> bool:
            for name in (STEADY, SHAKEN):
                self.owner(name).await_up(name, timeout=RECOVERY)
            return all(self.bastion.banner(port) for port in PORTS)

        begin = time.monotonic()
        until("every port to answer", are_all_up, RECOVERY, every=3)
        return time.monotonic() - begin

    def size(self) -> Size:
        host = self.host
        rollup = host.run(["cat", f"/proc/{self.pid}/smaps_rollup"]).stdout
        private = sum(int(kib) for kib in re.findall(r"^Private_\w+:\s+(\d+) kB$", rollup, re.MULTILINE))
        files: dict[str, int] = {}
        places = [f"/var/lib/holdfast/{STEADY}", f"/run/holdfast/{STEADY}", f"{self.ann.home}/.local/state/holdfast",
                  f"/run/user/{self.ann.uid}/holdfast"]
        for line in host.run(["find", *places, "-type", "f", "-printf", "%p %s\n"], check=False).stdout.splitlines():
            path, _, size = line.rpartition(" ")
            files[path] = int(size)
        mine = [row for row in host.processes() if row[1] == "ann" and ("holdfast" in row[2] or "ssh -N" in row[2])]
        return Size(len(host.run(["ls", f"/proc/{self.pid}/fd"]).stdout.split()), private, len(mine), files)

    def test_every_tunnel_recovers_and_nothing_grows(self) -> None:
        self.tell(f"seed {options.seed}, {options.minutes:g} minutes")
        end = self.began + options.minutes * 60
        self.sizes.append(self.size())
        made = 0
        while time.monotonic() < end:
            for fault in self.random.choices(self.faults(), k=self.random.choice((1, 1, 1, 2, 3))):
                self.tell(fault.__name__.replace("_", " "))
                fault()
                made += 1
            self.recoveries.append(self.await_all())
            time.sleep(self.some(0, HEALTH))
            self.sizes.append(self.size())
            self.tell(f"all up again after {self.recoveries[-1]:.1f} s; {self.sizes[-1].descriptors} descriptors, "
                      f"{self.sizes[-1].private_kib} KiB private, {self.sizes[-1].processes} processes, "
                      f"{sum(self.sizes[-1].files.values())} bytes of files")
        self.assertEqual(self.system.status(STEADY)["supervisor_pid"], self.pid, "the supervisor was replaced")
        for port in PORTS:
            self.assertEqual(self.bastion.ssh_through(port, "ann", "hostname"), "workstation\n")
        self.tell(f"{made} faults; up again after {statistics.median(self.recoveries):.1f} s (median), "
                  f"{max(self.recoveries):.1f} s (longest)")
        self.assert_nothing_grew()

    def assert_nothing_grew(self) -> None:
        third = max(1, len(self.sizes) // 3)
        first, last = self.sizes[:third], self.sizes[-third:]
        for what, slack, of in (("descriptors", 2, lambda size: size.descriptors),
                                ("private KiB", 256, lambda size: size.private_kib),
                                ("processes", 2, lambda size: size.processes)):
            before, after = (statistics.median(map(of, sizes)) for sizes in (first, last))
            self.tell(f"{what}: median {before:g} in the first third, {after:g} in the last, "
                      f"at most {max(map(of, self.sizes))}")
            self.assertLessEqual(after, before + slack, what)
        largest = max(sum(size.files.values()) for size in self.sizes)
        self.tell(f"files: at most {largest} bytes, {max(len(size.files) for size in self.sizes)} of them")
        self.assertLess(largest, 2 * FILES)
        self.assertEqual(kinds_of_files(last[-1].files), kinds_of_files(first[-1].files), "new files were left")


def kinds_of_files(paths: Iterable[str]) -> set[str]:
    """The paths without the suffix of a rotated file. The first row of NAME.uptime is written at a full quarter of an hour,
    so that file may come in the middle of a run."""
    return {re.sub(r"\.(1|old)$", "", path) for path in paths if not path.endswith(".uptime")}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=options.minutes)
    parser.add_argument("--seed", type=int, default=options.seed)
    options, rest = parser.parse_known_args()
    sys.argv[1:] = rest
    main()
