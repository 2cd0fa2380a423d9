#!/usr/bin/env python3
"""No option and no setting of ssh_config lets ssh trust a host key that it does not know, or run a program at login."""
import json
import os
import pathlib
import shutil
import subprocess
import sys

from case import PROGRAM, TunnelTest, main

sys.path.append(str(pathlib.Path(__file__).resolve().parents[3] / "python"))


class Trust(TunnelTest):
    def setUp(self) -> None:
        super().setUp()
        self.canary = self.root / "ran"
        self.known = self.root / "known"  # the bastion's key, under another name
        kind, key = (self.bastion.directory / "host_key.pub").read_text().split()[:2]
        self.known.write_text(f"elsewhere {kind} {key}\n")
        self.options = [
            "UserKnownHostsFile=/dev/null", "userknownhostsfile = \"/dev/null\"", "UserKnownHostsFile=none",
            f"GlobalKnownHostsFile={self.known}", f"KnownHostsCommand=/bin/sh -c 'touch {self.canary}'",
            "VerifyHostKeyDNS=yes", "HOSTKEYALIAS=elsewhere", "HostKeyAlias elsewhere", "StrictHostKeyChecking=no",
            "StrictHostKeyChecking no", " stricthostkeychecking = accept-new", "\"StrictHostKeyChecking\"=no",
            "NoHostAuthenticationForLocalhost=yes", "CanonicalizePermittedCNAMEs=*:*", f"Include={self.known}",
            f"Match=exec \"touch {self.canary}\"", "PermitLocalCommand=yes", f"LocalCommand=touch {self.canary}",
            "IgnoreUnknown=*"]

    def assert_no_login(self, why: str) -> None:
        self.assertNotIn("Accepted publickey", (self.bastion.directory / "log").read_text(), why)
        self.assertFalse(self.canary.exists(), why)

    def setup_words(self, *more: str) -> list[str]:
        return [word for word in self.arguments(*more) if word != "--accept-new-host-key"]

    def test_the_command_line_refuses_each_option(self) -> None:
        for option in self.options:
            done = self.run_holdfast(*self.setup_words(f"--ssh-option={option}"))
            self.assertEqual(done.returncode, 2, f"{option}: {done.stdout}{done.stderr}")
            self.assertIn("ssh-option", self.assert_reads_well(done))
            self.assert_no_login(option)
        self.assert_nothing_changed()

    def test_a_tunnel_file_refuses_each_option(self) -> None:
        file = self.home / ".config/holdfast/tunnels" / f"{self.name}.conf"
        file.parent.mkdir(parents=True, mode=0o700)
        for option in self.options:
            file.write_text(f"port = {self.port}\nidentity = {self.bastion.directory / 'key'}\nbackend = nohup\n"
                            f"ssh-option = {option}\nbastion = {self.user()}@127.0.0.1:{self.bastion.port}\n")
            file.chmod(0o600)
            for words in (("run", self.name), ("start", self.name)):
                done = self.run_holdfast(*words, "--user")
                self.assertIn(done.returncode, (1, 2), f"{option}: {done.stdout}{done.stderr}")
                self.assertIn(f"{self.name}.conf line 4, ssh-option", self.assert_reads_well(done))
                self.assert_no_login(option)
        file.unlink()

    def test_python_and_agents_get_the_same_refusal(self) -> None:
        import holdfast
        saved = dict(os.environ)
        self.addCleanup(lambda: (os.environ.clear(), os.environ.update(saved)))
        os.environ.update({**self.env, "HOLDFAST_PROGRAM": str(pathlib.Path(PROGRAM).resolve())})
        bastion, key = f"{self.user()}@127.0.0.1:{self.bastion.port}", str(self.bastion.directory / "key")
        for option in self.options:
            done = holdfast.setup(self.port, bastion, key, name=self.name, user=True, ssh_option=[option])
            self.assertEqual(done["exit_status"], 2, f"{option}: {done['stderr']}")
            self.assert_no_login(option)
        calls = [{"method": "initialize", "params": {"protocolVersion": "2025-11-25", "capabilities": {},
                                                     "clientInfo": {"name": "test", "version": "1"}}}]
        calls += [{"method": "tools/call", "params": {"name": "tunnel_setup", "arguments": {
            "port": self.port, "bastion_server": bastion, "secret_key_path": key, "name": self.name, "scope": "user",
            "ssh_options": [option]}}} for option in [*self.options, f"ProxyCommand=touch {self.canary}"]]
        talk = "".join(json.dumps({"jsonrpc": "2.0", "id": number, **call}) + "\n" for number, call in enumerate(calls))
        answers = subprocess.run([PROGRAM, "mcp", "start"], env=self.env, input=talk, capture_output=True, text=True,
                                 timeout=120).stdout.splitlines()
        self.assertEqual(len(answers), len(calls))
        for answer in map(json.loads, answers):
            if answer["id"]:
                self.assertTrue(answer["result"]["isError"], answer)
                self.assertIn("ssh-option", answer["result"]["structuredContent"]["error"]["message"])
        self.assert_no_login("tunnel_setup")

    def test_ssh_config_cannot_turn_the_check_off(self) -> None:
        included = self.root / "included"
        included.write_text("  StrictHostKeyChecking no\n  VerifyHostKeyDNS yes\n  NoHostAuthenticationForLocalhost yes\n"
                            "  CheckHostIP no\n  UserKnownHostsFile /dev/null\n  GlobalKnownHostsFile /dev/null\n"
                            f"  PermitLocalCommand yes\n  LocalCommand touch {self.canary}\n")
        settings = self.root / "ssh_config"
        settings.write_text(f"Match exec true\n  Include {included}\n")
        programs = self.root / "programs"
        programs.mkdir()
        (programs / "ssh").write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {settings} "$@"\n')
        (programs / "ssh").chmod(0o755)
        self.env["PATH"] = f"{programs}:{self.env['PATH']}"
        for more in ((), ("--no-preflight",)):
            done = self.run_holdfast(*self.setup_words(*more))
            self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
            self.assertIn("host key", self.assert_reads_well(done))
            self.assert_no_login(f"setup {more}")
        self.assert_nothing_changed()


if __name__ == "__main__":
    main()
