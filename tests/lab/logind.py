#!/usr/bin/python3
"""What a tunnel is said to survive at logout, put to the proof by a real logout: KillUserProcesses on and off, linger on
and refused by polkit, and the supervisor in a session, in the user's manager or in cron's service."""
from __future__ import annotations

import json
import sys
from typing import Any

from lab import Holdfast, LabTest, User, holds, main, until

# Who is called so may not turn linger on.
RULE = ("polkit.addRule(function(action, subject) {\n"
        "  if (action.id.indexOf('org.freedesktop.login1.set-') == 0 && subject.user.indexOf('ref') == 0)\n"
        "    return polkit.Result.NO;\n});\n")
LOGIND_DELAY = 13  # UserStopDelaySec=10, and some
MINUTE = 80        # cron's watchdog, and a login


class Tunnel:
    """One user with one tunnel, held in one way."""

    def __init__(self, test: Logind, name: str, port: int, backend: str, by_cron: bool) -> None:
        self.test, self.port, self.backend, self.by_cron = test, port, backend, by_cron
        self.host, self.bastion = test.lab.workstation, test.lab.bastion
        self.user: User = self.host.add_user(name)
        self.bastion.admit(self.user)
        self.holdfast = Holdfast(self.host, self.user)
        self.lingers = not name.startswith("ref")
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
        # What doctor promised is what setup made.
        self.test.assertEqual(self.survives(), row["survives"], self.title)
        if self.by_cron:
            self.host.kill(self.status["supervisor_pid"])

    def await_watchdog(self) -> None:
        if not self.by_cron:
            return
        first = self.status["supervisor_pid"]
        until("the watchdog", lambda: self.holdfast.status(str(self.port))["supervisor_pid"] not in (None, first), MINUTE)
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

    def prove(self) -> None:
        """After the logout, and logind's delay."""
        claim = self.survives()["logout"]
        if claim == "yes":
            self.test.assertTrue(self.answers(), f"{self.title}: said to survive a logout, and is gone")
            now = self.holdfast.status(str(self.port))
            self.test.assertEqual(now["supervisor_pid"], self.status["supervisor_pid"], self.title)
        else:
            before = self.status["supervisor_pid"]
            self.test.assertFalse(any(pid == before for pid in self.host.pids("holdfast run", self.user.name)),
                                  f"{self.title}: said to end at logout, and runs")
            if claim.startswith("within"):
                until(f"{self.title}: the watchdog to bring it back", self.answers, MINUTE)
            else:
                self.test.assertFalse(self.answers(), self.title)


class Logind(LabTest):
    port = 2400

    def setUp(self) -> None:
        super().setUp()
        host = self.lab.workstation
        host.write_file("/etc/polkit-1/rules.d/10-linger.rules", RULE)
        self.addCleanup(host.run, ["rm", "/etc/polkit-1/rules.d/10-linger.rules"])

    def policy(self, kill: str) -> None:
        host = self.lab.workstation
        host.write_file("/etc/systemd/logind.conf.d/kill.conf", f"[Login]\nKillUserProcesses={kill}\n")
        self.addCleanup(host.run, ["systemctl", "restart", "systemd-logind"])
        self.addCleanup(host.run, ["rm", "/etc/systemd/logind.conf.d/kill.conf"])
        host.run(["systemctl", "restart", "systemd-logind"])

    def every_combination(self, kill: str) -> None:
        self.policy(kill)
        tunnels: list[Tunnel] = []
        for linger in ("lin", "ref"):
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
            if tunnel.by_cron and kill == "yes":  # the ssh that its supervisor adopted was the session's (ADR 14)
                until("the session to be gone", tunnel.session_is_gone, 10)
                until(f"{tunnel.title}: another ssh", tunnel.answers, 5)
        holds("what is said to survive", lambda: all(t.answers() for t in surviving), LOGIND_DELAY, every=0.5)
        for tunnel in tunnels:
            with self.subTest(tunnel.title, kill=kill):
                tunnel.prove()

    def test_where_logind_spares_processes(self) -> None:
        self.every_combination("no")

    def test_where_logind_ends_processes(self) -> None:
        self.every_combination("yes")


if __name__ == "__main__":
    main()
