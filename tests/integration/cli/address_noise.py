#!/usr/bin/env python3
"""Addresses that appear on other interfaces, as those of containers do, disturb neither a tunnel nor a login."""
from __future__ import annotations

import pathlib
import subprocess
import threading
import time

from case import main, until
from isolated_case import IsolatedTest, NamedBastion, run


class AddressNoise(IsolatedTest):
    """The bastion is behind a link of its own. The target is an sshd on loopback, which logs each probe."""

    def setUp(self) -> None:
        super().setUp()
        self.far = subprocess.Popen(["unshare", "--net", "sleep", "600"])
        self.addCleanup(self.far.wait)
        self.addCleanup(self.far.kill)
        until("the far namespace", lambda: self.namespace(self.far.pid) != self.namespace("self"))
        for near, peer in (("wan0", "wan1"), ("noise0", "noise1")):
            run("ip", "link", "add", near, "type", "veth", "peer", "name", peer)
            self.addCleanup(subprocess.run, ["ip", "link", "del", near], stderr=subprocess.DEVNULL)
        run("ip", "link", "set", "wan1", "netns", str(self.far.pid))
        run("ip", "address", "add", "10.99.0.1/24", "dev", "wan0")
        run("ip", "link", "set", "wan0", "up")
        self.there = ("nsenter", "--net", "--target", str(self.far.pid))
        run(*self.there, "ip", "address", "add", "10.99.0.2/24", "dev", "wan1")
        for link in ("lo", "wan1"):
            run(*self.there, "ip", "link", "set", link, "up")
        for link in ("noise0", "noise1"):
            run("ip", "link", "set", link, "up")
        self.remote = NamedBastion(self.root / "remote", "10.99.0.2", through=self.there, LogLevel="VERBOSE")
        self.target = NamedBastion(self.root / "target", LogLevel="VERBOSE")
        for one in (self.remote, self.target):
            self.addCleanup(one.stop)
        (self.remote.directory / "authorized_keys").write_bytes((self.bastion.directory / "key.pub").read_bytes())
        self.name_addresses(bastion="10.99.0.2")
        self.trust("bastion", self.remote)
        done = self.run_holdfast("setup", "--user", "-n", self.name, "-p", f"{self.port}:127.0.0.1:{self.target.port}",
                                 "-b", f"{self.user()}@bastion:{self.remote.port}", "-s",
                                 str(self.bastion.directory / "key"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.await_up()

    @staticmethod
    def namespace(pid: object) -> str:
        return pathlib.Path(f"/proc/{pid}/ns/net").readlink().name

    @staticmethod
    def connections(log: pathlib.Path) -> int:
        return log.read_text().count("Connection from ")

    def begin_noise(self, addresses: int = 100) -> threading.Thread:
        def add() -> None:
            for number in range(addresses):
                run("ip", "address", "add", f"10.55.{number // 250}.{number % 250 + 1}/32", "dev", "noise0")
                time.sleep(0.05)  # each one is an event of its own
        thread = threading.Thread(target=add)
        thread.start()
        self.addCleanup(thread.join)
        return thread

    def test_a_tunnel_that_is_up_is_hardly_probed(self) -> None:
        before, probes = self.status(), self.connections(self.target.directory / "log")
        self.begin_noise().join()
        time.sleep(1)
        self.assertLessEqual(self.connections(self.target.directory / "log") - probes, 2)
        after = self.status()
        self.assertEqual((after["state"], after["ssh_pid"], after["reconnects"]),
                         ("up", before["ssh_pid"], before["reconnects"]))

    def test_a_login_comes_through_at_the_first_attempt(self) -> None:
        """A login that the noise killed would begin anew, and the bastion would log each one."""
        logins = self.connections(self.remote.directory / "log")
        noise = self.begin_noise()
        self.break_connection()
        began = time.monotonic()
        self.await_up()
        self.assertLess(time.monotonic() - began, 15)
        self.assertTrue(noise.is_alive() or time.monotonic() - began > 5)
        noise.join()
        self.assertLessEqual(self.connections(self.remote.directory / "log") - logins, 2)


if __name__ == "__main__":
    main(own_network=True)
