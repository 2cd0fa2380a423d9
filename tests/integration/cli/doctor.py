#!/usr/bin/env python3
"""doctor: checks this host and a bastion, and changes neither."""
from __future__ import annotations

import json
import os
import pty
import subprocess
import unittest
from typing import Any, Optional

from case import PROGRAM, ProgramTest, TunnelTest, free_port, main


class Host(ProgramTest):
    def doctor(self, *arguments: str, status: int = 0, env: Optional[dict[str, str]] = None) -> dict[str, Any]:
        done = self.run_holdfast("doctor", "--user", *arguments, "--json", env=env)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return dict(json.loads(done.stdout))

    def test_lists_every_backend_with_its_reason(self) -> None:
        said = self.doctor()
        self.assertEqual([row["name"] for row in said["backends"]],
                         ["systemd-system", "systemd-user", "cron", "tmux", "screen", "nohup", "login-hook"])
        for row in said["backends"]:
            self.assertEqual(sorted(row), ["grade", "name", "reason", "remedy", "scope", "survives", "usable"])
            self.assertTrue(row["reason"])
            self.assertEqual(row["usable"], row["survives"]["crash"] is not None)
        self.assertEqual((said["choice"], said["scope"]), ("nohup", "user"))  # the tests set HOLDFAST_BACKENDS=nohup
        self.assertEqual((said["host"]["uid"], said["host"]["hanging"]), (os.getuid(), []))
        self.assertEqual(said["host"]["kernel"], os.uname().release)
        self.assert_nothing_changed()

    def test_text_fits_a_terminal_and_is_coloured_only_there(self) -> None:
        done = self.run_holdfast("doctor", "--user")
        self.assertEqual(done.returncode, 0, done.stderr)
        for line in done.stdout.splitlines():
            self.assertLessEqual(len(line), 80, line)
        self.assertNotIn("\x1b", done.stdout)
        self.assertRegex(done.stdout, r"(?m)^auto takes nohup: does not survive a crash")
        self.assertIn("\x1b[", self.on_terminal({"TERM": "xterm"}))
        self.assertNotIn("\x1b[", self.on_terminal({"TERM": "xterm", "NO_COLOR": "1"}))

    def on_terminal(self, env: dict[str, str]) -> str:
        ours, theirs = pty.openpty()
        try:
            subprocess.run([PROGRAM, "doctor", "--user"], env={**self.env, **env}, stdin=subprocess.DEVNULL,
                           stdout=theirs, stderr=subprocess.DEVNULL, timeout=60, check=True)
            return os.read(ours, 65536).decode()
        finally:
            os.close(theirs)
            os.close(ours)

    def test_works_without_home_ssh_and_path(self) -> None:
        del self.env["HOME"]
        self.assertIsNone(self.doctor()["host"]["home"])
        self.env["PATH"] = "/nonexistent"
        said = self.doctor()
        self.assertEqual((said["host"]["ssh"], said["choice"]), (None, "nohup"))
        del self.env["USER"]
        self.doctor()

    def test_no_usable_backend_is_exit_5(self) -> None:
        said = self.doctor(status=5, env={"HOLDFAST_BACKENDS": "systemd-user", "PATH": "/nonexistent"})
        self.assertIsNone(said["choice"])

    def test_a_port_without_a_bastion_is_a_usage_error(self) -> None:
        done = self.run_holdfast("doctor", "--user", "--port", "2222")
        self.assertEqual(done.returncode, 2)
        self.assertIn("needs a bastion", self.assert_reads_well(done))


class Bastion(TunnelTest):
    STEPS = ["ssh found", "key usable", "bastion reached", "host key known", "key accepted"]

    def checks(self, *arguments: str, status: int = 0, bastion: Optional[int] = None,
               env: Optional[dict[str, str]] = None) -> dict[str, dict[str, Any]]:
        done = self.run_holdfast("doctor", "--user", "--json", "-b",
                                 f"{self.user()}@127.0.0.1:{bastion or self.bastion.port}", *arguments, env=env)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        checks = json.loads(done.stdout)["preflight"]
        for check in checks:
            self.assertEqual(check["outcome"] == "failed", check["message"] is not None, check)
        return {check["check"]: check for check in checks}

    def outcomes(self, checks: dict[str, dict[str, Any]]) -> list[str]:
        return [checks[step]["outcome"] for step in self.STEPS]

    def key(self) -> list[str]:
        return ["-s", str(self.bastion.directory / "key")]

    def test_an_unknown_host_key_skips_later_checks(self) -> None:
        port = free_port()
        checks = self.checks(*self.key(), "-p", f"{port}:127.0.0.1:{self.bastion.port}", status=1)
        self.assertEqual(self.outcomes(checks), ["passed", "passed", "passed", "failed", "skipped"])
        self.assertEqual(checks["host key known"]["class"], "host-key-unknown")
        self.assertEqual(checks[f"port {port} free and allowed"]["outcome"], "skipped")
        # Checks that need no bastion still run.
        self.assertEqual(checks[f"local target 127.0.0.1:{self.bastion.port} answering"]["outcome"], "passed")
        self.assert_nothing_changed()

    def test_uses_the_host_key_of_an_existing_tunnel(self) -> None:
        self.set_up()
        before = self.everything()
        port = free_port()
        target = f"127.0.0.1:{self.bastion.port}"
        checks = self.checks(*self.key(), "-p", f"{self.port}:{target}", "-p", f"{port}:{target}")
        self.assertEqual(self.outcomes(checks), ["passed"] * 5)
        self.assertEqual(checks[f"port {self.port} free and allowed"]["figure"], f"held by your tunnel {self.name}")
        self.assertEqual(checks[f"port {port} free and allowed"]["outcome"], "passed")
        self.assertEqual(self.status()["state"], "up")
        after = self.everything()
        self.assertEqual(sorted(before), sorted(after))
        done = self.run_holdfast("doctor", "--user", "-b", f"{self.user()}@127.0.0.1:{self.bastion.port}", *self.key())
        self.assertRegex(done.stdout, r"(?m)^ok +bastion reached +in \d")
        self.assertRegex(done.stdout, r"(?m)^skipped  port free and allowed +no port is given$")

    def test_a_missing_key_skips_only_the_login(self) -> None:
        self.set_up()
        checks = self.checks("-s", str(self.root / "nothing"), "-p", str(free_port()), status=1)
        self.assertEqual(self.outcomes(checks), ["passed", "failed", "passed", "passed", "skipped"])
        self.assertEqual(checks["key usable"]["class"], "key-missing")

    def test_unreachable_bastion_and_missing_ssh(self) -> None:
        checks = self.checks(*self.key(), bastion=free_port(), status=1)
        self.assertEqual(self.outcomes(checks), ["passed", "passed", "failed", "skipped", "skipped"])
        self.assertEqual(checks["bastion reached"]["class"], "refused")
        checks = self.checks(*self.key(), status=1, env={"PATH": "/nonexistent"})
        self.assertEqual(self.outcomes(checks), ["failed"] + ["skipped"] * 4)
        self.assertEqual(checks["ssh found"]["class"], "ssh-missing")
        self.assert_nothing_changed()

    def test_a_busy_port_does_not_affect_another(self) -> None:
        self.set_up()
        free = free_port()
        checks = self.checks(*self.key(), "-p", f"{self.bastion.port}:127.0.0.1:{self.bastion.port}",
                             "-p", f"{free}:127.0.0.1:{self.bastion.port}", status=1)
        self.assertEqual(checks[f"port {self.bastion.port} free and allowed"]["class"], "forward-busy")
        self.assertEqual(checks[f"port {free} free and allowed"]["outcome"], "passed")


if __name__ == "__main__":
    main()
