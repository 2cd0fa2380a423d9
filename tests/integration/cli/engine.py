#!/usr/bin/env python3
"""A tunnel with engine autossh: the same commands and states, but autossh restarts ssh."""
from __future__ import annotations

import json
import pathlib
import shutil
import signal
import sys
import unittest
from typing import Any, Optional

from case import TunnelTest, free_port, is_alive, main, until
from supervision import Service


def parent(pid: int) -> int:
    return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def command_line(pid: int) -> list[str]:
    return pathlib.Path(f"/proc/{pid}/cmdline").read_text().split("\0")[:-1]


class Engine(TunnelTest):
    def arguments(self, *more: str, **ends: Optional[int]) -> list[str]:
        return super().arguments("--engine", "autossh", *more, **ends)

    def native(self, *more: str) -> list[str]:
        return super().arguments(*more)

    def await_state(self, state: str, failure: str) -> dict[str, Any]:
        def there() -> Optional[dict[str, Any]]:
            now = self.status()
            return now if now["state"] == state and (now["last_error"] or {}).get("class") == failure else None
        return dict(until(f"the tunnel to be {state}, {failure}", there))

    def kill_and_wait(self, pid: int) -> None:
        self.kill(pid)
        until(f"process {pid} to be gone", lambda: not is_alive(pid))

    def test_is_verified_end_to_end_and_ssh_is_a_child_of_autossh(self) -> None:
        told = json.loads(self.set_up("--json").stdout)
        now = self.status()
        self.assertEqual((now["state"], now["verified"], now["engine"], told["engine"]), ("up", True, "autossh", "autossh"))
        self.assertEqual(self.banner(), b"SSH-")
        autossh = parent(now["ssh_pid"])
        self.assertEqual(parent(autossh), now["supervisor_pid"])
        words = command_line(autossh)
        self.assertEqual(words[1:3], ["-M", "0"])
        for setting in ("BatchMode=yes", "ExitOnForwardFailure=yes", "ServerAliveInterval=15"):
            self.assertIn(setting, words)
        self.assertEqual(command_line(now["ssh_pid"])[-2:-1], ["--"], "ssh could read the bastion as an option")
        environment = pathlib.Path(f"/proc/{autossh}/environ").read_text().split("\0")
        self.assertIn("AUTOSSH_GATETIME=0", environment)

    def test_setup_again_changes_nothing(self) -> None:
        self.set_up()
        before = self.status()
        self.assertIn("nothing to do", self.set_up().stdout)
        self.assertEqual(self.status()["ssh_pid"], before["ssh_pid"])

    def test_the_same_autossh_restarts_a_killed_ssh(self) -> None:
        self.set_up()
        before = self.status()
        autossh = parent(before["ssh_pid"])
        for killed in range(1, 4):  # a dead control socket does not stop the next ssh
            self.kill(self.status()["ssh_pid"])
            after = dict(until("another ssh", lambda: (now := self.await_up())["reconnects"] == killed and now))
            self.assertEqual((after["supervisor_pid"], parent(after["ssh_pid"])), (before["supervisor_pid"], autossh))
        self.assertEqual(self.banner(), b"SSH-")
        said = self.run_holdfast("logs", "--user", self.name).stdout
        self.assertIn("autossh: ssh exited on signal 9", said)

    def test_autossh_is_restarted_when_it_exits(self) -> None:
        self.set_up()
        before = self.status()
        for number in (signal.SIGKILL, signal.SIGTERM):
            now = self.await_up()
            autossh = parent(now["ssh_pid"])
            # On SIGTERM ssh exits with 0, and autossh exits too.
            self.kill(autossh if number == signal.SIGKILL else now["ssh_pid"], number)
            after = dict(until("another ssh", lambda: (seen := self.await_up())["ssh_pid"] != now["ssh_pid"] and seen))
            self.assertNotEqual(parent(after["ssh_pid"]), autossh)
            self.assertEqual(after["supervisor_pid"], before["supervisor_pid"])
            self.assertFalse(is_alive(now["ssh_pid"]), "an ssh without its autossh would keep the port")
        self.assertEqual(self.banner(), b"SSH-")

    def test_stop_ends_an_autossh_without_supervisor(self) -> None:
        self.set_up()
        before = self.status()
        autossh = parent(before["ssh_pid"])
        self.kill_and_wait(before["supervisor_pid"])
        self.assertEqual(self.status()["state"], "failed")
        self.kill_and_wait(before["ssh_pid"])
        until("the bastion's port to lead here again", lambda: self.banner() == b"SSH-")
        self.assertTrue(is_alive(autossh))
        self.assertEqual(self.run_holdfast("stop", "--user", self.name).returncode, 0)
        self.assertFalse(is_alive(autossh))
        until("the port to be free", lambda: self.banner() == b"")

    def test_a_new_supervisor_replaces_a_killed_one(self) -> None:
        self.set_up()
        before = self.status()
        autossh = parent(before["ssh_pid"])
        self.kill_and_wait(before["supervisor_pid"])
        self.assertEqual(self.run_holdfast("start", "--user", self.name).returncode, 0)
        self.await_up()
        self.assertFalse(is_alive(autossh) or is_alive(before["ssh_pid"]))

    def test_remove_leaves_nothing(self) -> None:
        self.set_up()
        now = self.status()
        autossh = parent(now["ssh_pid"])
        self.assertEqual(self.run_holdfast("remove", "--user", self.name).returncode, 0)
        self.assertFalse(is_alive(autossh) or is_alive(now["ssh_pid"]) or is_alive(now["supervisor_pid"]))
        self.assert_nothing_changed()

    def test_a_stopped_ssh_is_detected_and_ended(self) -> None:
        self.set_up()
        before = self.status()
        self.kill(before["ssh_pid"], signal.SIGSTOP)
        self.kill(before["supervisor_pid"], signal.SIGUSR1)
        after = dict(until("another ssh", lambda: (now := self.status())["ssh_pid"] not in (None, before["ssh_pid"])
                           and now, timeout=30))
        self.assertEqual(after["last_error"]["class"], "dead-peer")
        self.assertFalse(is_alive(before["ssh_pid"]))
        self.await_up()

    def test_stop_ends_a_stopped_ssh(self) -> None:
        self.set_up()
        now = self.status()
        self.kill(now["ssh_pid"], signal.SIGSTOP)
        self.assertEqual(self.run_holdfast("stop", "--user", self.name).returncode, 0)
        self.assertFalse(is_alive(now["ssh_pid"]) or is_alive(now["supervisor_pid"]))

    def test_a_busy_port_is_reported_and_retried(self) -> None:
        self.set_up()
        self.assertEqual(self.run_holdfast("stop", "--user", self.name).returncode, 0)
        holder = Service(self.port)
        refused = self.run_holdfast("start", "--user", self.name, timeout=120)
        self.assertNotEqual(refused.returncode, 0)
        now = self.await_state("waiting", "forward-busy")
        self.assertEqual((now["forwards"][0]["state"], now["verified"]), ("busy", False))
        holder.close()
        self.kill(now["supervisor_pid"], signal.SIGUSR1)
        self.assertEqual(self.await_up()["supervisor_pid"], now["supervisor_pid"])

    def test_a_key_refused_later_is_reported(self) -> None:
        self.set_up()
        before = self.status()
        (self.bastion.directory / "authorized_keys").write_text("")
        self.kill(before["ssh_pid"])
        now = self.await_state("failed", "auth")
        self.assertFalse(now["verified"])
        shutil.copy(self.bastion.directory / "key.pub", self.bastion.directory / "authorized_keys")
        self.kill(now["supervisor_pid"], signal.SIGUSR1)
        self.await_up()

    def test_setup_changes_the_engine_and_back(self) -> None:
        self.set_up()
        autossh = parent(self.status()["ssh_pid"])
        self.assertEqual(self.run_holdfast(*self.native()).returncode, 0)
        now = self.await_up()
        self.assertEqual((now["engine"], parent(now["ssh_pid"])), ("native", now["supervisor_pid"]))
        self.assertFalse(is_alive(autossh))
        self.set_up()
        self.assertEqual(self.await_up()["engine"], "autossh")

    def test_changed_forwards_start_another_autossh(self) -> None:
        self.set_up()
        more = free_port()
        done = self.run_holdfast(*self.arguments("-p", f"{more}:127.0.0.1:{self.bastion.port}"))
        self.assertEqual(done.returncode, 0, done.stderr)
        now = self.await_up()
        self.assertEqual((now["engine"], [forward["state"] for forward in now["forwards"]]), ("autossh", ["up", "up"]))
        self.assertEqual((self.banner(), self.banner(more)), (b"SSH-", b"SSH-"))

    @unittest.skipUnless(shutil.which("tmux"), "tmux is not installed")
    def test_move_keeps_the_engine(self) -> None:
        self.set_up()
        before = self.status()
        for backend in ("tmux", "nohup"):
            done = self.run_holdfast("move", "--user", self.name, "--backend", backend)
            self.assertEqual(done.returncode, 0, done.stderr)
            now = self.await_up()
            self.assertEqual((now["engine"], now["backend"]["name"]), ("autossh", backend))
        self.assertFalse(is_alive(before["ssh_pid"]) or is_alive(before["supervisor_pid"]))

    def test_missing_autossh_is_reported_with_a_hint(self) -> None:
        tools = self.root / "tools"
        tools.mkdir()
        for program in ("ssh", "ssh-keygen", "id", "getent", "apt-get"):
            if found := shutil.which(program):
                (tools / program).symlink_to(found)
        (tools / "apt-get").unlink(missing_ok=True)
        (tools / "apt-get").write_text("#!/bin/sh\nexit 1\n")
        (tools / "apt-get").chmod(0o755)
        self.assertEqual(self.run_holdfast(*self.native()).returncode, 0)
        before, now = self.everything(), self.status()
        for more in ((), ("--dry-run",), ("--no-preflight",)):
            done = self.run_holdfast(*self.arguments(*more), env={"PATH": str(tools)})
            self.assertEqual(done.returncode, 1)
            self.assertIn("autossh program: it is not installed", self.assert_reads_well(done))
            self.assertIn("apt-get install autossh", done.stderr)
        (tools / "autossh").write_text("#!/bin/sh\necho hello\n")
        self.assertIn("it is not executable", self.run_holdfast(*self.arguments(), env={"PATH": str(tools)}).stderr)
        (tools / "autossh").chmod(0o755)
        self.assertIn("it is not autossh", self.run_holdfast(*self.arguments(), env={"PATH": str(tools)}).stderr)
        self.assertEqual(self.everything(), before)
        self.assertEqual((self.status()["ssh_pid"], self.status()["engine"]), (now["ssh_pid"], "native"))

    def test_a_failed_setup_restores_the_native_tunnel(self) -> None:
        self.assertEqual(self.run_holdfast(*self.native()).returncode, 0)
        words = self.arguments("--no-preflight")
        words[words.index("-s") + 1] = str(self.root / "no such key")
        failed = self.run_holdfast(*words)
        self.assertEqual(failed.returncode, 1, failed.stderr)
        now = self.await_up()
        self.assertEqual(now["engine"], "native")
        self.assertEqual(self.banner(), b"SSH-")

    def test_autossh_ignores_variables_of_the_user(self) -> None:
        log = self.root / "elsewhere"
        done = self.run_holdfast(*self.arguments(), env={
            "AUTOSSH_PORT": "20000", "AUTOSSH_LOGFILE": str(log), "AUTOSSH_PATH": "/bin/false", "AUTOSSH_MAXSTART": "1",
            "AUTOSSH_PIDFILE": str(log)})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.await_up()
        self.assertFalse(log.exists())

    def test_dry_run_shows_the_autossh_command(self) -> None:
        done = self.run_holdfast(*self.arguments("--dry-run"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, rf"(?m)^run \S*/autossh -M 0 -N .*-R 127\.0\.0\.1:{self.port}:.* -- -- \S+$")
        self.assertIn("AUTOSSH_GATETIME=0", done.stdout)
        self.assert_nothing_changed()


if __name__ == "__main__":
    if not shutil.which("autossh"):
        print("autossh is not installed", file=sys.stderr)
        sys.exit(77)
    main()
