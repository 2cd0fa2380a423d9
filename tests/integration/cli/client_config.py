#!/usr/bin/env python3
"""client-config: plain ssh connects with its output as configuration."""
from __future__ import annotations

import json
import pathlib
import re
import socket
import subprocess

from case import Done, TunnelTest, free_port, main


class ClientConfig(TunnelTest):
    def config(self, *arguments: str) -> str:
        done = self.run_holdfast("client-config", "--user", *arguments)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def ssh(self, config: str, *words: str) -> Done[str]:
        """ssh on a laptop that has only this configuration."""
        path = self.root / "laptop_config"
        key = self.bastion.directory / "key"
        known = self.root / "laptop_known_hosts"
        # ssh passes -F to the ssh of its ProxyJump.
        path.write_text(f"{config}\nHost *\n  IdentityFile {key}\n  UserKnownHostsFile {known}\n"
                        "  StrictHostKeyChecking accept-new\n  BatchMode yes\n")
        return subprocess.run(["ssh", "-F", str(path), *words], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=60)

    def test_plain_ssh_connects_and_stores_the_host_key_by_name(self) -> None:
        self.set_up()
        config = self.config(self.name)
        done = self.ssh(config, self.name, "echo in")
        self.assertEqual(done.stdout, "in\n", done.stderr)
        known = (self.root / "laptop_known_hosts").read_text()
        self.assertRegex(known, rf"(?m)^holdfast-\S+-{self.name} ssh-ed25519 ")
        self.assertNotIn(f"[127.0.0.1]:{self.port}", known)  # another tunnel may use that port later

    def test_with_the_known_hosts_line_the_laptop_asks_nothing(self) -> None:
        self.set_up()
        config = self.config(self.name)
        line, = (word.strip("# ") for word in config.splitlines() if re.match(r"  #   holdfast-\S+ ssh-ed25519 AAAA", word))
        key = (self.bastion.directory / "host_key.pub").read_text().split()[1]
        self.assertEqual(line.split()[2], key)
        bastion_line = f"[127.0.0.1]:{self.bastion.port} ssh-ed25519 {key}"
        (self.root / "laptop_known_hosts").write_text(f"{line}\n{bastion_line}\n")
        done = self.ssh(config.replace("Host ", "Match all\n  StrictHostKeyChecking yes\nHost ", 1), self.name, "echo in")
        self.assertEqual(done.stdout, "in\n", done.stderr)

    def test_a_tunnel_without_a_name_has_the_name_of_this_machine(self) -> None:
        self.name = str(self.port)
        words = self.arguments()
        del words[words.index("-n"):words.index("-n") + 2]
        done = self.run_holdfast(*words)
        self.addCleanup(self.run_holdfast, "remove", "--user", self.name)
        self.assertEqual(done.returncode, 0, done.stderr)
        config = self.config()
        self.assertIn(f"Host {socket.gethostname()}\n", config)
        self.assertEqual(self.ssh(config, socket.gethostname(), "echo in").stdout, "in\n")

    def test_the_bastion_that_carries_the_tunnel_is_named(self) -> None:
        words = self.arguments()
        alive = words[words.index("-b") + 1]
        words[words.index("-b") + 1] = f"{self.user()}@127.0.0.1:{free_port()},{alive}"
        done = self.run_holdfast(*words)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f" -p {self.bastion.port} ", done.stdout.splitlines()[-1])
        config = self.config(self.name)
        self.assertIn(f"  ProxyJump {alive}\n", config)
        self.assertEqual(self.ssh(config, self.name, "echo in").stdout, "in\n")

    def test_the_laptop_needs_no_host_alias(self) -> None:
        ssh = self.home / ".ssh"
        ssh.mkdir(mode=0o700)
        block = (f"Host far\n  HostName 127.0.0.1\n  Port {self.bastion.port}\n  User {self.user()}\n"
                 f"  UserKnownHostsFile {self.root}/known\n")
        alias = self.root / "config"
        alias.write_text(block)
        alias.chmod(0o600)
        # ssh ignores HOME, so a wrapper passes it the configuration with the alias.
        bin_directory = self.root / "bin"
        bin_directory.mkdir()
        real = subprocess.run(["which", "ssh"], check=True, capture_output=True, text=True).stdout.strip()
        wrapper = bin_directory / "ssh"
        wrapper.write_text(f'#!/bin/sh\nexec {real} -F {alias} "$@"\n')
        wrapper.chmod(0o755)
        self.env["PATH"] = f"{bin_directory}:{self.env['PATH']}"
        words = self.arguments()
        words[words.index("-b") + 1] = "far"
        done = self.run_holdfast(*words)
        self.assertEqual(done.returncode, 0, done.stderr)
        # Nor for the last line of setup.
        self.assertEqual(done.stdout.splitlines()[-1],
                         f"ssh -N -L {self.port}:127.0.0.1:{self.port} -p {self.bastion.port} {self.user()}@127.0.0.1")
        config = self.config()
        self.assertIn(f"  ProxyJump {self.user()}@127.0.0.1:{self.bastion.port}\n", config)
        self.assertEqual(self.ssh(config, self.name, "echo in").stdout, "in\n")

    def test_json_has_the_same_values(self) -> None:
        self.set_up()
        done = self.run_holdfast("client-config", "--user", "-p", str(self.port), "--json")
        tunnel, = json.loads(done.stdout)["tunnels"]
        self.assertEqual(tunnel["config"], self.config(self.name))
        host, = tunnel["hosts"]
        self.assertEqual((host["host"], host["hostname"], host["port"], host["user"], host["before"]),
                         (self.name, "127.0.0.1", self.port, self.user(), None))

    def test_other_forwards_have_a_command_and_broken_files_are_skipped(self) -> None:
        self.set_up()
        self.assertEqual(self.run_holdfast("stop", "--user", self.name).returncode, 0)
        tunnels = pathlib.Path(self.home / ".config/holdfast/tunnels")
        good = (tunnels / f"{self.name}.conf").read_text()
        (tunnels / "broken.conf").write_text("nonsense\n")
        (tunnels / "broken.conf").chmod(0o600)
        done = self.run_holdfast("client-config", "--user")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn(f"Host {self.name}\n", done.stdout)
        self.assertIn("broken.conf", done.stderr)
        web = good.replace(f"{self.port}:127.0.0.1:{self.bastion.port}", f"{self.port}:127.0.0.1:9")
        (tunnels / f"{self.name}.conf").write_text(web)
        config = self.config(self.name)
        self.assertNotIn("Host ", config)
        self.assertIn(f"#   ssh -N -L {self.port}:127.0.0.1:{self.port} -p {self.bastion.port} {self.user()}@127.0.0.1",
                      config)

    def test_unknown_or_no_tunnels(self) -> None:
        done = self.run_holdfast("client-config", "--user", "nothing")
        self.assertEqual(done.returncode, 4)
        self.assertIn("no such tunnel", self.assert_reads_well(done))
        self.assertEqual(self.run_holdfast("client-config", "--user").returncode, 0)


if __name__ == "__main__":
    main()
