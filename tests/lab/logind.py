#!/usr/bin/python3
"""What status says about a logout is true of a real logout: with KillUserProcesses on and off, linger on and refused, and
the supervisor in a session, in the user manager or in cron's service."""
from __future__ import annotations

import json
import sys
from typing import Any

from lab import Holdfast, LabTest, User, holds, main, until

REFUSED = "ref"    # polkit refuses linger to users whose name starts so
LOGIND_DELAY = 13  # seconds: UserStopDelaySec=10, and some
WATCHDOG = 90      # seconds: cron runs the watchdog each minute, then a login


class Tunnel:
    """A user of its own with one tunnel."""

    def __init__(self, test: Logind, name: str, port: int, backend: str, by_cron: bool) -> None:
        self.test, self.port, self.backend, self.by_cron = test, port, backend, by_cron
        self.host, self.bastion = test.lab.workstation, test.lab.bastion
        self.user: User = test.person(name)
        self.holdfast = Holdfast(self.host, self.user)
        self.lingers = not name.startswith(REFUSED)
        self.session = self.host.login(self.user)

    def set_up(self) -> None:
        if self.lingers:
            self.session.run("loginctl enable-linger")
        else:
            self.test.assertNotEqual(self.session.run("loginctl enable-linger", check=False).returncode, 0)
        rows = json.loads(self.holdfast.run("doctor", "--json", session=self.session).stdout)["backends"]
        row, = [row for row in rows if row["name"] == self.backend]
        self.holdfast.run("setup", "-p", str(self.port), "-b", "gate@bastion", "--backend", self.backend,
                          session=self.session)
        self.status = self.holdfast.await_up(str(self.port))
        # status after setup claims the same as doctor before it.
        self.test.assertEqual(self.survives(), row["survives"], self.title)
        if self.by_cron:
            self.host.kill(self.status["supervisor_pid"])

    def await_watchdog(self) -> None:
        if not self.by_cron:
            return
        first = self.status["supervisor_pid"]
        until("the watchdog", lambda: self.holdfast.status(str(self.port))["supervisor_pid"] not in (None, first), WATCHDOG)
        self.status = self.holdfast.await_up(str(self.port))

    def survives(self) -> dict[str, Any]:
        survives: dict[str, Any] = self.status["backend"]["survives"]
        return survives

    @property
    def title(self) -> str:
        return (f"{self.backend}{' by its watchdog' if self.by_cron else ''}, linger "
                f"{'on' if self.lingers else 'refused'}")

    def answers(self) -> bool:
        return self.bastion.banner(self.port, timeout=0.5) is not None

    def session_is_gone(self) -> bool:
        return self.host.run(["loginctl", "show-session", self.session.id], check=False).returncode != 0

    def cgroup(self) -> str:
        lines = self.host.read_file(f"/proc/{self.status['supervisor_pid']}/cgroup").splitlines()
        return next(line.removeprefix("0::") for line in lines if line.startswith("0::"))

    def check_claim(self) -> None:
        """Compares the claim with the state after the logout and logind's delay."""
        claim = self.survives()["logout"]
        if claim == "yes":
            self.test.assertTrue(self.answers(), f"{self.title}: claims to survive a logout, but is gone")
            now = self.holdfast.status(str(self.port))
            self.test.assertEqual(now["supervisor_pid"], self.status["supervisor_pid"], self.title)
        else:
            before = self.status["supervisor_pid"]
            self.test.assertFalse(any(pid == before for pid in self.host.pids("holdfast run", self.user.name)),
                                  f"{self.title}: claims to end at logout, but runs")
            if claim.startswith("within"):
                until(f"{self.title}: the watchdog to restart it", self.answers, WATCHDOG)
            else:
                self.test.assertFalse(self.answers(), self.title)


class Logind(LabTest):
    port = 2400

    def setUp(self) -> None:
        super().setUp()
        self.refuse_linger(REFUSED)

    def check_all(self, kill: str) -> None:
        tunnels: list[Tunnel] = []
        for linger in ("lin", REFUSED):
            for backend, by_cron in (("nohup", False), ("tmux", False), ("systemd-user", False), ("cron", False),
                                     ("cron", True)):
                Logind.port += 1
                tunnel = Tunnel(self, f"{linger}{Logind.port}", Logind.port, backend, by_cron)
                self.addCleanup(tunnel.holdfast.run, "remove", "--all", check=False)
                tunnels.append(tunnel)
                tunnel.set_up()
        for tunnel in tunnels:
            tunnel.await_watchdog()
        for tunnel in tunnels:
            print(f"# KillUserProcesses={kill}, {tunnel.title}: logout {tunnel.survives()['logout']} "
                  f"({tunnel.cgroup()})", file=sys.stderr)
        for tunnel in tunnels:
            tunnel.session.logout()
        surviving = [t for t in tunnels if t.survives()["logout"] == "yes"]
        for tunnel in surviving:
            if tunnel.by_cron and kill == "yes":  # its supervisor adopted an ssh of the session (ADR 14)
                until("the session to be gone", tunnel.session_is_gone, 20)
                until(f"{tunnel.title}: another ssh", tunnel.answers, 5)
        holds("the tunnels that claim to survive", lambda: all(t.answers() for t in surviving), LOGIND_DELAY, every=0.5)
        for tunnel in tunnels:
            with self.subTest(tunnel.title, kill=kill):
                tunnel.check_claim()

    def test_claims_are_true_where_logind_keeps_processes(self) -> None:
        self.check_all("no")  # logind's default

    def test_claims_are_true_where_logind_ends_processes(self) -> None:
        self.kill_processes_at_logout()
        self.check_all("yes")


if __name__ == "__main__":
    main()
