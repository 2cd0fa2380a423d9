#!/usr/bin/env python3
"""Commands that only look leave known_hosts as it is, with an sshd that offers more host keys than are known."""
import json
import shutil
import subprocess

from case import PROGRAM, Bastion, TunnelTest, main, until


class KnownHosts(TunnelTest):
    def setUp(self) -> None:
        super().setUp()
        bastion = self.bastion
        bastion.stop()
        second = bastion.directory / "second_host_key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-f", str(second)], check=True)
        config = bastion.directory / "config"
        config.write_text(f"{config.read_text()}HostKey {second}\n")
        bastion.start()
        self.known = self.root / "known_hosts"
        self.know(bastion)
        ssh = shutil.which("ssh")
        programs = self.root / "programs"
        programs.mkdir()
        self.settings = self.root / "ssh_config"
        self.settings.write_text(f"UserKnownHostsFile {self.known}\nUpdateHostKeys yes\nCheckHostIP yes\n"
                                 f"HashKnownHosts no\nStrictHostKeyChecking no\n")
        (programs / "ssh").write_text(f'#!/bin/sh\nexec {ssh} -F {self.settings} "$@"\n')
        (programs / "ssh").chmod(0o755)
        self.env["PATH"] = f"{programs}:{self.env['PATH']}"

    def know(self, bastion: Bastion) -> None:
        kind, key = (bastion.directory / "host_key.pub").read_text().split()[:2]
        with self.known.open("a") as known:
            known.write(f"[127.0.0.1]:{bastion.port} {kind} {key}\n")

    def destination(self) -> str:
        return f"{self.user()}@127.0.0.1:{self.bastion.port}"

    def test_the_looks_write_nothing(self) -> None:
        before = self.known.read_bytes()
        key = str(self.bastion.directory / "key")
        setup = [word for word in self.arguments("--dry-run") if word != "--accept-new-host-key"]
        for words in (("doctor", "--user", "-b", self.destination(), "-s", key), setup, ("status", "--user"),
                      ("authorize", "--user", "-b", self.destination(), "-p", "2222", "-s", key)):
            done = self.run_holdfast(*words)
            # 1: no target; 5: no backend answered in time on a busy machine.
            self.assertIn(done.returncode, (0, 1, 5), done.stdout + done.stderr)
            self.assertEqual(self.known.read_bytes(), before, words)
        calls = [{"method": "initialize", "params": {"protocolVersion": "2025-11-25", "capabilities": {},
                                                     "clientInfo": {"name": "test", "version": "1"}}},
                 {"method": "tools/call", "params": {"name": "tunnel_doctor", "arguments": {
                     "bastion_server": self.destination(), "secret_key_path": key, "scope": "user"}}}]
        talk = "".join(json.dumps({"jsonrpc": "2.0", "id": number, **call}) + "\n" for number, call in enumerate(calls))
        done = subprocess.run([PROGRAM, "mcp", "start"], env=self.env, input=talk, capture_output=True, text=True,
                              timeout=60)
        self.assertIn('"host key known"', done.stdout.replace('\\"', '"'), done.stdout + done.stderr)
        self.assertEqual(self.known.read_bytes(), before, "tunnel_doctor")
        self.assertIn("Accepted publickey", (self.bastion.directory / "log").read_text())

    def test_this_sshd_makes_a_plain_ssh_write(self) -> None:
        """So that the test above checks something."""
        before = self.known.read_bytes()
        ssh = subprocess.Popen(["ssh", "-N", "-o", "BatchMode=yes", "-i", str(self.bastion.directory / "key"), "-p",
                                str(self.bastion.port), f"{self.user()}@127.0.0.1"], env=self.env)
        try:
            until("ssh to add the second host key", lambda: self.known.read_bytes() != before)
        finally:
            ssh.terminate()
            ssh.wait(60)

    def add_jump_host(self, name: str) -> None:
        jump = Bastion(self.root / name)
        self.addCleanup(jump.stop)
        jump.stop()
        shutil.copy(self.bastion.directory / "key.pub", jump.directory / "authorized_keys")
        config = jump.directory / "config"
        config.write_text(f"{config.read_text()}HostKey {self.bastion.directory / 'second_host_key'}\n")
        jump.start()
        self.know(jump)
        self.set_host(name, jump.port)

    def set_host(self, name: str, port: int, *lines: str) -> None:
        block = "\n  ".join([f"Host {name}", "HostName 127.0.0.1", f"Port {port}", *lines])
        self.settings.write_text(f"{block}\n{self.settings.read_text()}")

    def test_jump_hosts_add_nothing_either(self) -> None:
        self.settings.write_text(f"Host *\n{self.settings.read_text()}IdentityFile {self.bastion.directory / 'key'}\n")
        self.add_jump_host("first")
        self.add_jump_host("second")
        self.set_host("behind", self.bastion.port, "ProxyJump first,second")
        before = self.known.read_bytes()
        done = self.run_holdfast("doctor", "--user", "-b", "behind")
        self.assertRegex(done.stdout, "ok +key accepted", done.stdout + done.stderr)
        self.assertEqual(self.known.read_bytes(), before)
        for name in ("first", "second"):
            self.assertIn("Accepted publickey", (self.root / name / "log").read_text())


if __name__ == "__main__":
    main()
