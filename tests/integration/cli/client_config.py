#!/usr/bin/env python3
"""client-config: what it prints, given to a plain ssh as its configuration, leads in."""
from __future__ import annotations

import json
import pathlib
import subprocess

from house import Done, TunnelHouse, main


class ClientConfig(TunnelHouse):
    def config(self, *arguments: str) -> str:
        done = self.run_holdfast("client-config", "--user", *arguments)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def ssh(self, config: str, *words: str) -> Done[str]:
        """A laptop that has this configuration, and none of ours."""
        path = self.root / "laptop_config"
        key = self.bastion.directory / "key"
        known = self.root / "laptop_known_hosts"
        # ssh hands -F on to the ssh of its ProxyJump.
        path.write_text(f"{config}\nHost *\n  IdentityFile {key}\n  UserKnownHostsFile {known}\n"
                        "  StrictHostKeyChecking accept-new\n  BatchMode yes\n")
        return subprocess.run(["ssh", "-F", str(path), *words], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=60)

    def test_plain_ssh_comes_in_and_keeps_the_host_key_under_its_own_name(self) -> None:
        self.set_up()
        config = self.config(self.name)
        done = self.ssh(config, self.name, "echo in")
        self.assertEqual(done.stdout, "in\n", done.stderr)
        known = (self.root / "laptop_known_hosts").read_text()
        self.assertRegex(known, rf"(?m)^holdfast-\S+-{self.name} ssh-ed25519 ")
        self.assertNotIn(f"[127.0.0.1]:{self.port}", known)  # which another tunnel may have tomorrow

    def test_a_host_block_of_ours_is_not_needed_there(self) -> None:
        ssh = self.home / ".ssh"
        ssh.mkdir(mode=0o700)
        block = (f"Host far\n  HostName 127.0.0.1\n  Port {self.bastion.port}\n  User {self.user()}\n"
                 f"  UserKnownHostsFile {self.root}/known\n")
        alias = self.root / "config"
        alias.write_text(block)
        alias.chmod(0o600)
        # ssh finds the home by the uid, not by HOME: the alias is put where ssh will see it, by a wrapper of its name.
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
        config = self.config()
        self.assertIn(f"  ProxyJump {self.user()}@127.0.0.1:{self.bastion.port}\n", config)
        self.assertEqual(self.ssh(config, self.name, "echo in").stdout, "in\n")

    def test_json_has_the_same(self) -> None:
        self.set_up()
        done = self.run_holdfast("client-config", "--user", "-p", str(self.port), "--json")
        tunnel, = json.loads(done.stdout)["tunnels"]
        self.assertEqual(tunnel["config"], self.config(self.name))
        host, = tunnel["hosts"]
        self.assertEqual((host["host"], host["hostname"], host["port"], host["user"], host["before"]),
                         (self.name, "127.0.0.1", self.port, self.user(), None))

    def test_what_is_no_ssh_has_its_command_and_a_broken_file_hides_no_other(self) -> None:
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

    def test_there_is_none(self) -> None:
        done = self.run_holdfast("client-config", "--user", "nothing")
        self.assertEqual(done.returncode, 4)
        self.assertIn("no such tunnel", self.assert_reads_well(done))
        self.assertEqual(self.run_holdfast("client-config", "--user").returncode, 0)


if __name__ == "__main__":
    main()
