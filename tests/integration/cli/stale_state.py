#!/usr/bin/env python3
"""What status says when the supervisor's last word may be wrong: stopped processes, state that cannot be written."""
from __future__ import annotations

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import unittest
from typing import Any

import case
from case import TunnelTest, free_port, main, until
from probes import Target


class StaleState(TunnelTest):
    def setUp(self) -> None:
        super().setUp()
        self.set_up("--allow-target-down")
        self.first = self.await_up()
        text = (self.home / f".config/holdfast/tunnels/{self.name}.conf").read_text()
        found = re.search(r"(?m)^runtime-dir = (.*)$", text)
        assert found
        self.directory = pathlib.Path(found[1])

    def await_state(self, state: str) -> dict[str, Any]:
        return dict(until(f"the tunnel to be {state}", lambda: (now := self.status())["state"] == state and now))

    def stop(self, which: str) -> None:
        self.kill(self.first[which], signal.SIGSTOP)
        self.addCleanup(self.kill, self.first[which], signal.SIGCONT)

    def test_a_stopped_supervisor_is_not_believed(self) -> None:
        self.stop("supervisor_pid")
        now = dict(until("status to notice it", lambda: (told := self.status())["state"] != "up" and told))
        self.assertEqual((now["state"], now["verified"], now["forwards"][0]["state"]), (None, False, None))
        self.assertEqual(now["last_error"]["hint"], f"kill -CONT {self.first['supervisor_pid']}")
        self.kill(self.first["supervisor_pid"], signal.SIGCONT)
        self.assertEqual(self.await_up()["ssh_pid"], self.first["ssh_pid"])

    def test_a_stopped_ssh_carries_nothing(self) -> None:
        self.stop("supervisor_pid")
        self.stop("ssh_pid")
        now = dict(until("status to notice it", lambda: (told := self.status())["state"] == "connecting" and told))
        self.assertEqual((now["verified"], now["forwards"][0]["state"], now["rtt_ms"]), (False, "down", None))
        self.kill(self.first["ssh_pid"], signal.SIGCONT)
        self.kill(self.first["supervisor_pid"], signal.SIGCONT)
        self.await_up()

    def test_a_state_that_cannot_be_replaced_is_overwritten(self) -> None:
        # The name of the temporary file is taken, as on a full disk there would be no room for it.
        blocker = self.directory / f"{self.name}.live.new.{self.first['supervisor_pid']}"
        blocker.mkdir()
        self.addCleanup(blocker.rmdir)
        self.bastion.stop()
        self.assertEqual(self.await_state("waiting")["forwards"][0]["state"], "down")

    def test_a_deleted_state_is_written_again(self) -> None:
        live = self.directory / f"{self.name}.live"
        live.unlink()
        until("the live state to be there again", live.exists, timeout=5)
        self.assertEqual(self.await_up()["ssh_pid"], self.first["ssh_pid"])

    def test_a_dead_target_stays_down_without_a_control_socket(self) -> None:
        added = self.run_holdfast(*self.arguments("-p", f"{free_port()}:127.0.0.1:{free_port()}", "--allow-target-down"))
        self.assertEqual(added.returncode, 0, added.stderr)
        now = self.await_state("degraded")
        for socket in self.directory.glob("*.s"):
            if str(socket).encode() in pathlib.Path(f"/proc/{now['ssh_pid']}/cmdline").read_bytes():
                socket.unlink()
        self.kill(now["supervisor_pid"], signal.SIGUSR1)
        now = dict(until("the probe to find no socket",
                         lambda: "control socket" in (told := self.status())["last_error"]["message"] and told))
        self.assertEqual(now["state"], "degraded")
        self.assertEqual([forward["state"] for forward in now["forwards"]], ["up", "down"])


    def hanging_process(self) -> dict[str, int]:
        """In state D: posix_spawn(3) waits in the kernel until its child, which opens a FIFO, has opened it."""
        fifo = self.root / "fifo"
        os.mkfifo(fifo)
        script = ("import os, sys; os.posix_spawn('/bin/true', ['true'], {}, "
                  "file_actions=[(os.POSIX_SPAWN_OPEN, 0, sys.argv[1], os.O_RDONLY, 0)])")
        process = subprocess.Popen([sys.executable, "-c", script, str(fifo)])

        def release() -> None:
            with open(fifo, "wb"):  # the child opens it, and both end
                process.wait(60)
        self.addCleanup(release)

        def fields() -> list[str]:
            return pathlib.Path(f"/proc/{process.pid}/stat").read_text().rpartition(") ")[2].split()
        # It may be in state D before, to read a file.
        children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children")
        until("the process to hang", lambda: children.read_text() and fields()[0] == "D")
        return {"pid": process.pid, "start_time": int(fields()[19])}

    def test_a_supervisor_that_hangs_in_the_kernel_is_not_believed(self) -> None:
        self.stop("supervisor_pid")  # the live state stays as it is
        live = self.directory / f"{self.name}.live"
        text = live.read_text()
        told = json.loads(text)
        told["supervisor"].update(self.hanging_process())
        self.addCleanup(live.write_text, text)
        live.write_text(json.dumps(told))
        now = self.status()
        self.assertEqual((now["state"], now["verified"], now["forwards"][0]["state"]), (None, False, None))
        self.assertIn("hangs in the kernel (state D)", now["last_error"]["message"])


@unittest.skipUnless(os.getuid() == 0, "only root can make a mount namespace")
class ReadOnly(TunnelTest):
    """The supervisor's runtime directory becomes read-only, as after an error of the disk."""

    def run_holdfast(self, *arguments: str, **more: Any) -> Any:
        within = getattr(self, "within", ["unshare", "--mount"])
        program, case.PROGRAM = case.PROGRAM, within[0]
        try:
            return super().run_holdfast(*within[1:], program, *arguments, **more)
        finally:
            case.PROGRAM = program

    def test_a_state_that_can_no_longer_be_written_is_not_believed(self) -> None:
        self.set_up()
        directory = re.search(r"(?m)^runtime-dir = (.*)$",
                              (self.home / f".config/holdfast/tunnels/{self.name}.conf").read_text())
        assert directory
        supervisor = self.await_up()["supervisor_pid"]
        self.within = ["nsenter", "--target", str(supervisor), "--mount"]

        def mount(script: str) -> None:
            subprocess.run([*self.within, "sh", "-ec", script, "sh", directory[1]], check=True)
        mount('mount --bind "$1" "$1"; mount -o remount,bind,ro "$1"')
        self.addCleanup(mount, 'umount "$1"')
        now = self.status()
        self.assertEqual((now["state"], now["verified"], now["forwards"][0]["state"]), (None, False, None))
        self.assertIn(f"the file system of {directory[1]} is read-only", now["last_error"]["message"])


class SharedTarget(TunnelTest):
    """Only one of the tunnels to a target may connect to it at a time."""

    def setUp(self) -> None:
        super().setUp()
        self.target = Target().serve()
        self.addCleanup(self.target.close)
        self.names = [self.name, self.name + "-b"]
        self.addCleanup(self.run_holdfast, "remove", "--user", self.names[1])
        for name in self.names:
            arguments = self.arguments(port=free_port(), target=self.target.port)
            arguments[arguments.index("-n") + 1] = name
            done = self.run_holdfast(*arguments)
            self.assertEqual(done.returncode, 0, done.stderr)

    def probe(self, name: str) -> dict[str, Any]:
        tunnel, = json.loads(self.run_holdfast("status", "--user", name, "--json").stdout)["tunnels"]
        self.kill(tunnel["supervisor_pid"], signal.SIGUSR1)
        return dict(tunnel)

    def test_a_dead_target_is_dead_for_every_tunnel(self) -> None:
        self.target.close()
        until("the first tunnel to notice it", lambda: self.probe(self.names[0])["state"] == "waiting")
        now = dict(until("the second one to hear of it",
                         lambda: (told := self.probe(self.names[1]))["state"] == "waiting" and told, timeout=5))
        self.assertIn(f"127.0.0.1:{self.target.port}", now["last_error"]["message"])
        self.target = Target(port=self.target.port).serve()
        self.addCleanup(self.target.close)
        until("the first tunnel to be up", lambda: self.probe(self.names[0])["state"] == "up")
        until("the second one to be up", lambda: self.probe(self.names[1])["state"] == "up", timeout=5)


if __name__ == "__main__":
    main()
