#!/usr/bin/python3
"""A bastion whose firewall limits new connections with the rules of `ufw limit ssh`: after six new connections in 30 s
it rejects more, until 30 s pass without one."""
from __future__ import annotations

import time
from typing import Any

from lab import Holdfast, LabTest, User, main, until

PORT = 2222
NAME = str(PORT)
AWAY = 20.0  # far more looks than six
PAUSE = 31.0
LIMITED = "limits new connections: no login"
LOGIN = 15.0  # the spread of a fleet (6 s at most), a login and a probe, on a machine that has other things to do


class RateLimit(LabTest):
    ann: User
    holdfast: Holdfast

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        host = cls.lab.workstation
        cls.ann = host.add_user("ann")
        cls.lab.bastion.admit(cls.ann)
        cls.holdfast = Holdfast(host)
        cls.holdfast.run("setup", "-p", NAME, "-b", "gate@bastion", "--run-as", "ann")

    def setUp(self) -> None:
        super().setUp()
        self.bastion = self.lab.bastion
        self.holdfast.await_up(NAME, timeout=60)
        self.limit()
        self.noticed_before = self.log().count(LIMITED)

    def limit(self) -> None:
        """`ufw limit ssh`. Only what comes over the road counts: the lab's own logins come from elsewhere."""
        for action in ("-A", "-D"):
            for table in ("iptables", "ip6tables"):
                rule = [table, "-w", action, "INPUT", "-i", "eth0", "-p", "tcp", "--dport", "22",
                        "-m", "conntrack", "--ctstate", "NEW", "-m", "recent"]
                for rest in (["--set"], ["--update", "--seconds", "30", "--hitcount", "6", "-j", "REJECT"]):
                    if action == "-A":
                        self.bastion.namespace.run(*rule, *rest)
                    else:
                        self.addCleanup(self.bastion.namespace.run, *rule, *rest)

    def status(self) -> dict[str, Any]:
        return self.holdfast.status(NAME)

    def log(self) -> str:
        return self.holdfast.run("logs", NAME, "-n", "1000").stdout

    def await_limit(self) -> None:
        until("the limit to be noticed", lambda: self.log().count(LIMITED) > self.noticed_before, timeout=AWAY)

    def test_sshd_away_for_twenty_seconds(self) -> None:
        began = time.monotonic()
        self.bastion.stop_sshd()
        self.await_limit()
        noticed = time.monotonic()
        self.note("noticed after", noticed - began)
        time.sleep(max(0.0, AWAY - (noticed - began)))  # the length of the fault is what is tested
        self.bastion.start_sshd()
        returned = time.monotonic()
        self.holdfast.await_up(NAME, timeout=120)
        back = time.monotonic()
        self.note("back after sshd's return by", back - returned)
        self.assertLess(back - noticed, PAUSE + LOGIN)
        self.assertEqual(self.bastion.ssh_through(PORT, "ann", "hostname"), "workstation\n")
        self.assertIn("are no longer limited", self.log())

    def test_a_restart_in_the_pause_waits_for_its_end(self) -> None:
        self.bastion.stop_sshd()
        self.await_limit()
        noticed = time.monotonic()
        self.bastion.start_sshd()
        self.lab.workstation.run(["systemctl", "restart", f"holdfast-{NAME}.service"])
        until("it to wait", lambda: self.status()["state"] == "waiting")
        self.holdfast.await_up(NAME, timeout=PAUSE + LOGIN)
        back = time.monotonic()
        self.note("restarted in the pause: back after its begin by", back - noticed)
        self.assertGreater(back - noticed, PAUSE - 3)
        self.assertLess(back - noticed, PAUSE + LOGIN)


if __name__ == "__main__":
    main()
