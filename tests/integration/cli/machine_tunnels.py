#!/usr/bin/env python3
"""What an ordinary user is shown of the machine's tunnels."""
from __future__ import annotations

import json
import os
import pathlib
import subprocess

from case import Done, PROGRAM, ProgramTest, main

TUNNEL = """port = 2400
bastion = gate@bastion
backend = systemd-system
run_as = {user}
"""


class MachineTunnels(ProgramTest):
    """The program runs as nobody, in a mount namespace of its own whose /etc has a tunnel 2400."""

    def setUp(self) -> None:
        super().setUp()
        self.root.chmod(0o755)
        os.chown(self.home, 65534, 65534)
        for name in ("etc", "work"):
            (self.root / name).mkdir()
        self.write(self.root / "etc/holdfast/tunnels", "2400", "nobody", 0)

    @staticmethod
    def write(directory: pathlib.Path, name: str, user: str, owner: int, text: str = TUNNEL) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        file = directory / f"{name}.conf"
        file.write_text(text.format(user=user))
        for path in (directory.parent, directory, file):
            os.chown(path, owner, owner)
            path.chmod(0o644 if path == file else 0o755)

    def write_own(self, name: str, text: str) -> None:
        self.write(self.home / ".config/holdfast/tunnels", name, "", 65534, text)
        os.chown(self.home / ".config", 65534, 65534)

    def as_nobody(self, *arguments: str) -> Done[str]:
        script = ('mount -t overlay overlay -o "lowerdir=/etc,upperdir=$1/etc,workdir=$1/work" /etc && shift && '
                  'exec setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs "$@"')
        return subprocess.run(["unshare", "--mount", "sh", "-c", script, "sh", str(self.root), PROGRAM, *arguments],
                              env={**self.env, "USER": "nobody"}, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=60, cwd="/")

    def names(self, *arguments: str) -> list[str]:
        done = self.as_nobody("status", "--json", *arguments)
        return [tunnel["name"] for tunnel in json.loads(done.stdout).get("tunnels", [])]

    def test_a_name_or_port_that_only_the_machine_has_is_the_machines(self) -> None:
        for selection in (("2400",), ("-p", "2400")):
            self.assertEqual(self.names(*selection), ["2400"])
            done = self.as_nobody("client-config", *selection)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("  ProxyJump gate@bastion\n", done.stdout)
        self.assertNotEqual(self.as_nobody("logs", "2400").returncode, 4)

    def test_a_tunnel_of_another_user_has_the_same_block(self) -> None:
        self.write(self.root / "etc/holdfast/tunnels", "2400", "root", 0)
        done = self.as_nobody("client-config", "2400")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("  User root\n", done.stdout)
        self.assertIn("  ProxyJump gate@bastion\n", done.stdout)

    def test_the_users_own_tunnel_comes_first(self) -> None:
        self.write_own("2400", "port = 2401\nbastion = me@own\nbackend = nohup\n")
        self.assertIn("  ProxyJump me@own\n", self.as_nobody("client-config", "2400").stdout)
        self.assertIn("  ProxyJump me@own\n", self.as_nobody("client-config", "-p", "2401").stdout)
        self.assertIn("  ProxyJump gate@bastion\n", self.as_nobody("client-config", "-p", "2400").stdout)

    def test_an_option_or_a_change_means_the_users_own(self) -> None:
        for words in (("status", "--user", "2400"), ("client-config", "--user", "2400"), ("stop", "2400"),
                      ("remove", "2400"), ("status", "2400", "2401")):
            done = self.as_nobody(*words)
            self.assertEqual(done.returncode, 4, words)
            self.assertIn("no such tunnel", done.stderr)
        self.assertEqual(self.names(), [])

    def test_the_hint_for_a_port_names_the_machines_tunnel(self) -> None:
        for words in (("status", "--user", "-p", "2400"), ("remove", "-p", "2400")):
            done = self.as_nobody(*words)
            self.assertEqual(done.returncode, 4, words)
            self.assertIn("\n  hint: tunnel 2400 of the machine listens on it: add --system", done.stderr)
        self.assertIn("\n  hint: holdfast status lists them\n", self.as_nobody("remove", "-p", "2401").stderr)


if __name__ == "__main__":
    main(needs_sshd=False, needs_namespace=True)
