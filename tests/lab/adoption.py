#!/usr/bin/python3
"""Under systemd, no session through the tunnel is dropped when its supervisor is killed, restarted or upgraded."""
from __future__ import annotations

import os
import socket
from contextlib import contextmanager
from typing import Any, Iterator

from lab import Holdfast, Session, UserTest, main, until

KILLS = int(os.environ.get("HOLDFAST_KILLS", "10"))


class Adoption(UserTest):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        # assert_session_stays() never logs in, and a hundred kills take longer than sshd's LoginGraceTime.
        cls.host.write_file("/etc/ssh/sshd_config.d/no-grace-time.conf", "LoginGraceTime 0\n")
        cls.host.run(["systemctl", "reload", "ssh"])

    @contextmanager
    def assert_session_stays(self, port: int) -> Iterator[None]:
        """A connection through the tunnel that must stay open throughout the block."""
        with self.bastion.namespace.socket() as connection:
            connection.settimeout(10)
            connection.connect(("127.0.0.1", port))
            self.assertTrue(connection.recv(256).startswith(b"SSH-"))
            yield
            connection.sendall(b"SSH-2.0-client\r\n")
            try:
                self.assertTrue(connection.recv(4096), "the session was dropped")
            except socket.timeout:
                self.fail("the session is silent")

    def assert_ssh_survives(self, holdfast: Holdfast, session: Session, scope: str, port: int) -> None:
        name = str(port)
        systemctl = "systemctl --user" if scope == "--user" else "systemctl"
        first = holdfast.await_up(name)

        def next_supervisor(before: dict[str, Any]) -> dict[str, Any]:
            return until("the next supervisor to be up", timeout=30, ask=lambda: next(
                (now for now in [holdfast.status(name)] if now["state"] == "up" and now["verified"] and
                 now["supervisor_pid"] != before["supervisor_pid"]), None)) or {}

        with self.assert_session_stays(port):
            now = first
            for _ in range(KILLS):
                self.host.kill(now["supervisor_pid"])
                now = next_supervisor(now)
                self.assertEqual((now["ssh_pid"], now["reconnects"]), (first["ssh_pid"], 0))
            session.run(f"{systemctl} restart holdfast-{name}")
            now = next_supervisor(now)
            self.assertEqual(now["ssh_pid"], first["ssh_pid"], "systemctl restart")
            self.assertEqual(holdfast.run("restart", scope, "--keep-connection", name, session=session).stderr, "")
            now = next_supervisor(now)
            self.assertEqual(now["ssh_pid"], first["ssh_pid"], "restart --keep-connection")
            holdfast.host.run(["sh", "-c", f"cp {holdfast.path} {holdfast.path}.new && mv {holdfast.path}.new {holdfast.path}"],
                              user=holdfast.user.name if holdfast.user else None)
            self.host.kill(now["supervisor_pid"])
            now = next_supervisor(now)
            self.assertEqual(now["ssh_pid"], first["ssh_pid"], "the program file was replaced")
        session.run(f"{systemctl} stop holdfast-{name}")
        until("ssh to end with the unit", lambda: not self.host.pids("ssh -N", "ann"))
        self.assertIsNone(self.bastion.banner(port))
        session.run(f"{systemctl} start holdfast-{name}")
        now = holdfast.await_up(name)
        holdfast.run("remove", scope, name, session=session)
        self.assertEqual(self.host.pids("ssh -N", "ann"), [])

    def test_a_user_unit_keeps_its_ssh(self) -> None:
        holdfast = self.holdfast
        with self.host.login(self.ann) as session:
            holdfast.run("setup", "-p", "2222", "-b", "gate@bastion", "--backend", "systemd-user", session=session)
            self.addCleanup(holdfast.run, "remove", "2222", check=False)
            self.assert_ssh_survives(holdfast, session, "--user", 2222)

    def test_a_sandboxed_system_unit_keeps_its_ssh(self) -> None:
        holdfast = Holdfast(self.host)
        with self.host.login("root") as session:
            holdfast.run("setup", "-p", "2223", "-b", "gate@bastion", "--run-as", "ann", session=session)
            self.addCleanup(holdfast.run, "remove", "2223", check=False)
            self.assert_ssh_survives(holdfast, session, "--system", 2223)


if __name__ == "__main__":
    main()
