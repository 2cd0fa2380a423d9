#!/usr/bin/env python3
"""The supervisor with a real ssh and sshd: it reports faults, and repairs the connection."""
from __future__ import annotations

import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from typing import Any, Optional

from case import Bastion, TunnelTest, free_port, is_alive, main, until


class Service:
    """A local server on a given port that accepts connections and sends nothing."""

    def __init__(self, port: int) -> None:
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(("127.0.0.1", port))
        self.socket.listen()
        self.taken: list[socket.socket] = []
        self.thread = threading.Thread(target=self._take, daemon=True)
        self.thread.start()

    def _take(self) -> None:
        try:
            while True:
                self.taken.append(self.socket.accept()[0])
        except OSError:
            return

    def close(self) -> None:
        self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.socket.close()
        for one in self.taken:
            one.close()


class Supervision(TunnelTest):
    def look(self, now: Optional[dict[str, Any]] = None) -> None:
        """SIGUSR1: probe at once."""
        self.kill((now or self.status())["supervisor_pid"], signal.SIGUSR1)

    def await_state(self, state: str, failure: Optional[str] = None) -> dict[str, Any]:
        def there() -> Optional[dict[str, Any]]:
            now = self.status()
            right_class = failure is None or (now["last_error"] and now["last_error"]["class"] == failure)
            return now if now["state"] == state and right_class else None
        return dict(until(f"the tunnel to be {state}", there))

    def test_a_dead_target_is_reported_and_keeps_the_connection(self) -> None:
        port = free_port()
        service = Service(port)
        done = self.run_holdfast(*self.arguments(target=port))
        self.assertEqual(done.returncode, 0, done.stderr)
        before = self.await_up()
        service.close()
        self.look(before)
        now = self.await_state("waiting", "target-down")
        self.assertFalse(now["verified"])
        self.assertEqual((now["ssh_pid"], now["forwards"][0]["state"]), (before["ssh_pid"], "down"))
        self.assertIn(str(port), now["last_error"]["message"])
        service = Service(port)
        self.addCleanup(service.close)
        self.look()
        self.assertEqual(self.await_up()["ssh_pid"], before["ssh_pid"])

    def test_one_dead_target_of_two_degrades_the_tunnel(self) -> None:
        port, other = free_port(), free_port()
        service = Service(port)
        done = self.run_holdfast(*self.arguments("-p", f"{other}:127.0.0.1:{port}"))
        self.assertEqual(done.returncode, 0, done.stderr)
        before = self.await_up()
        service.close()
        self.look(before)
        now = self.await_state("degraded", "target-down")
        self.assertEqual([forward["state"] for forward in now["forwards"]], ["up", "down"])
        self.assertFalse(now["verified"])
        table = self.run_holdfast("status", "--user")
        self.assertEqual(table.returncode, 3, table.stderr)
        self.assertIn(f"not working: 127.0.0.1:{other}", table.stdout)
        self.assertNotIn("sshd", table.stdout)
        service = Service(port)
        self.addCleanup(service.close)
        self.look()
        after = self.await_up()
        self.assertEqual((after["ssh_pid"], after["reconnects"]), (before["ssh_pid"], before["reconnects"]))

    def test_a_target_may_be_down_only_if_setup_was_told_so(self) -> None:
        port = free_port()
        refused = self.run_holdfast(*self.arguments(target=port))
        self.assertEqual(refused.returncode, 1, refused.stderr)
        self.assertIn("--allow-target-down", self.assert_reads_well(refused) + refused.stderr)
        self.assert_nothing_changed()
        arguments = self.arguments("--allow-target-down", target=port)
        done = self.run_holdfast(*arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("waits for its target", done.stdout)
        now = self.await_state("waiting", "target-down")
        self.assertIn("waiting for its target", self.run_holdfast("status", "--user", self.name).stdout)
        again = self.run_holdfast(*arguments)
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertIn("nothing changed", again.stdout)
        restarted = self.run_holdfast("restart", "--user", self.name)
        self.assertEqual(restarted.returncode, 0, restarted.stderr)
        now = self.await_state("waiting", "target-down")
        service = Service(port)
        self.addCleanup(service.close)
        self.look()
        self.assertEqual(self.await_up()["ssh_pid"], now["ssh_pid"])

    def test_a_busy_port_is_requested_again_over_one_connection(self) -> None:
        self.set_up()
        self.assertEqual(self.run_holdfast("stop", "--user", self.name).returncode, 0)
        holder = Service(self.port)
        refused = self.run_holdfast("start", "--user", self.name, timeout=120)
        self.assertNotEqual(refused.returncode, 0)
        now = self.await_state("waiting", "forward-busy")
        self.assertEqual(now["forwards"][0]["state"], "busy")
        holder.close()
        self.look(now)
        after = self.await_up()
        self.assertEqual((after["ssh_pid"], after["supervisor_pid"]), (now["ssh_pid"], now["supervisor_pid"]))
        self.assertEqual(self.banner(), b"SSH-")

    def test_a_stopped_ssh_is_soon_not_up(self) -> None:
        self.set_up()
        before = self.await_up()
        self.kill(before["ssh_pid"], signal.SIGSTOP)
        self.look(before)
        after = until("another ssh", lambda: (now := self.status())["ssh_pid"] not in (None, before["ssh_pid"]) and now,
                      timeout=30)
        self.assertFalse(is_alive(before["ssh_pid"]))
        self.assertEqual(after["last_error"]["class"], "dead-peer")
        self.await_up()

    def test_sighup_applies_a_changed_file_but_no_broken_one(self) -> None:
        self.set_up()
        before = self.await_up()
        file = self.home / ".config/holdfast/tunnels" / f"{self.name}.conf"
        sound = file.read_text()
        file.write_text(sound.replace("bastion =", "bastoin ="))
        self.kill(before["supervisor_pid"], signal.SIGHUP)
        until("the log to say so", lambda: "was not applied" in self.run_holdfast("logs", "--user", self.name).stdout)
        other = free_port()
        file.write_text(sound.replace(f"127.0.0.1:{self.port}:", f"127.0.0.1:{other}:"))
        self.kill(before["supervisor_pid"], signal.SIGHUP)
        until("the other port to answer", lambda: self.banner(other) == b"SSH-")
        after = self.await_up()
        self.assertEqual(after["forwards"][0]["listen"], f"127.0.0.1:{other}")
        self.assertEqual(after["supervisor_pid"], before["supervisor_pid"])
        self.assertEqual(self.banner(self.port), b"")

    def test_reconnects_soon_after_the_bastion_returns(self) -> None:
        self.set_up()
        before = self.await_up()
        self.bastion.stop()
        self.kill(before["ssh_pid"])
        self.await_state("waiting", "refused")
        self.bastion.start()
        after = self.await_up()
        self.assertEqual(after["supervisor_pid"], before["supervisor_pid"])
        self.assertGreaterEqual(after["reconnects"], 1)

    def lose_sshd(self) -> None:
        """sshd and its sessions end."""
        children = pathlib.Path(f"/proc/{self.bastion.process.pid}/task/{self.bastion.process.pid}/children").read_text()
        self.bastion.stop()
        for pid in children.split():
            self.kill(int(pid))
        self.await_state("waiting", "refused")

    def time_to_return(self) -> float:
        """Seconds until the tunnel carries bytes, with its retry slot near the end of the spread."""
        self.bastion.start()
        began = time.monotonic()
        until("the tunnel to carry bytes", lambda: self.banner() == b"SSH-")
        return time.monotonic() - began

    def take_login_slot(self) -> Optional[socket.socket]:
        """A connection that sshd waits for."""
        stranger = socket.create_connection(("127.0.0.1", self.bastion.port), 20)
        try:
            if stranger.recv(4) == b"SSH-":
                return stranger
        except ConnectionResetError:  # dropped
            pass
        stranger.close()
        return None

    def use_a_late_slot(self) -> None:
        while self.port * (5 ** 0.5 - 1) / 2 % 1 < 0.8:
            self.port = free_port()

    def test_a_tunnel_alone_returns_at_once(self) -> None:
        self.use_a_late_slot()
        self.set_up()
        self.await_up()
        self.lose_sshd()
        self.assertLess(self.time_to_return(), 3)
        with (self.home / f".config/holdfast/tunnels/{self.name}.conf").open("r+") as file:
            text = file.read()
            file.seek(0)
            file.write("spread = 6\n" + text)
        before = self.await_up()
        self.kill(before["supervisor_pid"], signal.SIGHUP)
        until("the change to be applied",
              lambda: "the forwards changed" in self.run_holdfast("logs", "--user", self.name).stdout)
        self.assertEqual(self.await_up()["ssh_pid"], before["ssh_pid"])
        self.lose_sshd()
        self.assertGreater(self.time_to_return(), 4)

    def test_a_login_that_sshd_drops_makes_the_next_returns_careful(self) -> None:
        self.use_a_late_slot()
        self.set_up()
        self.await_up()
        self.lose_sshd()
        config = self.bastion.directory / "config"
        config.write_text(config.read_text().replace("MaxStartups 100\n", "MaxStartups 1:100:1\n"))
        self.bastion.start()
        with until("the only slot for logins to be free", self.take_login_slot):
            crowd = until("the crowd to be stored", lambda: next(self.home.rglob(f"{self.name}.crowd"), None))
        self.assertRegex(crowd.read_text(), rf"^[0-9]+ {self.user()}@127\.0\.0\.1:{self.bastion.port}\n$")
        self.await_up()
        self.assertEqual(self.run_holdfast("restart", "--user", self.name).returncode, 0)
        self.await_up()
        self.lose_sshd()
        self.assertGreater(self.time_to_return(), 4)

    def give_ssh_a_config_file(self, text: str) -> None:
        """ssh ignores HOME, so a wrapper passes it the file."""
        config = self.root / "config"
        config.write_text(text)
        config.chmod(0o600)
        programs = self.root / "bin"
        programs.mkdir()
        (programs / "ssh").write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {config} "$@"\n')
        (programs / "ssh").chmod(0o755)
        self.env["PATH"] = f"{programs}:{self.env['PATH']}"

    def test_old_options_in_the_config_file_do_not_delay_a_reconnect(self) -> None:
        self.give_ssh_a_config_file("Host *\n  RSAAuthentication yes\n  CompressionLevel 6\n")
        self.set_up("--ssh-option", "CompressionLevel=6")
        logged = self.run_holdfast("logs", "--user", self.name).stdout
        self.assertIn('Unsupported option "rsaauthentication"', logged, "ssh prints its warning")
        ssh = self.await_up()["ssh_pid"]
        for reconnects, pid_to_kill in enumerate((lambda: ssh, self.bastion_session), 1):
            self.kill(pid_to_kill())
            after = dict(until("another ssh", lambda: (now := self.await_up())["reconnects"] == reconnects and now, 8))
            self.assertEqual(after["last_error"]["class"], "closed")

    def bastion_session(self) -> int:
        """The pid of the bastion's process for the tunnel."""
        children = pathlib.Path(f"/proc/{self.bastion.process.pid}/task/{self.bastion.process.pid}/children").read_text()
        return int(children.split()[0])

    def test_a_bad_option_in_the_config_file_is_named(self) -> None:
        self.give_ssh_a_config_file("Host *\n  RSAAuthentication yes\n  Compression perhaps\n")
        done = self.run_holdfast(*self.arguments())
        self.assertNotEqual(done.returncode, 0)
        self.assertIn('config line 3: unsupported option "perhaps"', done.stderr)

    def test_several_forwards_are_up_together(self) -> None:
        more = free_port()
        done = self.run_holdfast(*self.arguments("-p", f"{more}:127.0.0.1:{self.bastion.port}"))
        self.assertEqual(done.returncode, 0, done.stderr)
        now = self.await_up()
        self.assertEqual([forward["state"] for forward in now["forwards"]], ["up", "up"])
        self.assertEqual((self.banner(), self.banner(more)), (b"SSH-", b"SSH-"))

    def test_a_tunnel_listens_on_a_socket_of_the_bastion(self) -> None:
        path = self.root / "far.sock"
        words = self.arguments()
        words[words.index("-p") + 1] = f"{path}:127.0.0.1:{self.bastion.port}"
        done = self.run_holdfast(*words)
        self.assertEqual(done.returncode, 0, done.stderr)
        now = self.await_up()
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(20)
            client.connect(str(path))
            self.assertEqual(client.recv(4), b"SSH-")
        # The socket file stays after ssh was killed. The error names it, and the tunnel recovers when it is deleted.
        self.kill(now["ssh_pid"])
        self.assertIn("far.sock", self.await_state("waiting", "forward-busy")["last_error"]["message"])
        path.unlink()
        self.look()
        self.await_up()

    def test_without_socket_connections_the_tunnel_is_unverified(self) -> None:
        closed = Bastion(self.root / "closed", AllowStreamLocalForwarding="remote")
        self.addCleanup(closed.stop)
        path = self.root / "far.sock"
        words = self.arguments()
        words[words.index("-p") + 1] = f"{path}:127.0.0.1:{closed.port}"
        words[words.index("-b") + 1] = f"{self.user()}@127.0.0.1:{closed.port}"
        words[words.index("-s") + 1] = str(closed.directory / "key")
        done = self.run_holdfast(*words, "--accept-new-host-key")
        self.assertEqual(done.returncode, 0, done.stderr)
        now = self.await_state("up", "forward-denied")
        self.assertFalse(now["verified"])
        self.assertIn("AllowStreamLocalForwarding", now["last_error"]["hint"])
        self.look(now)
        self.assertEqual(self.await_state("up")["ssh_pid"], now["ssh_pid"])


class RuntimeDirectory(TunnelTest):
    """The runtime directory is removed, or is another one for the command than for the supervisor."""

    def setUp(self) -> None:
        super().setUp()
        self.set_up()
        self.run_holdfast("stop", "--user", self.name)
        # `remove` does not look into the directory that setup chose once the file names another one.
        file = self.home / f".config/holdfast/tunnels/{self.name}.conf"
        first = re.search(r"(?m)^runtime-dir = (.*)$", file.read_text())
        assert first
        self.addCleanup(pathlib.Path(first[1], f"{self.name}.lock").unlink, missing_ok=True)
        self.run_in("run")
        self.assertEqual(self.run_holdfast("start", "--user", self.name).returncode, 0)
        self.first = self.await_up()

    def run_in(self, directory: str) -> None:
        """Changes the directory in the tunnel's file."""
        path = self.root / directory
        path.mkdir(mode=0o700)
        file = self.home / f".config/holdfast/tunnels/{self.name}.conf"
        file.write_text(re.sub(r"(?m)^runtime-dir = .*$", f"runtime-dir = {path}", file.read_text()))

    def supervisors(self) -> list[int]:
        found = subprocess.run(["pgrep", "-f", f"run --user {self.name}$"], capture_output=True, text=True)
        return [int(pid) for pid in found.stdout.split()]

    def assert_stop_ends_all(self) -> None:
        done = self.run_holdfast("stop", "--user", self.name)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(str(self.first["supervisor_pid"]), done.stdout)
        self.assertEqual(self.supervisors(), [])
        self.assertFalse(is_alive(self.first["ssh_pid"]))
        self.assertEqual(self.status()["state"], "stopped")

    def test_a_removed_directory_is_made_again_and_the_connection_stays(self) -> None:
        shutil.rmtree(self.root / "run")
        until("the live state to be there again", (self.root / f"run/{self.name}.live").exists)
        self.kill(self.first["supervisor_pid"], signal.SIGUSR1)  # probes at once
        now = until("the probe to find no socket", lambda: (seen := self.status())["verified"] is False and seen)
        self.assertEqual((now["state"], now["supervisor_pid"], now["ssh_pid"]),
                         ("up", self.first["supervisor_pid"], self.first["ssh_pid"]))
        self.assertIn("control socket was deleted", now["last_error"]["message"])
        self.run_holdfast("ensure", "--user")
        self.assertEqual(self.supervisors(), [self.first["supervisor_pid"]])
        self.assertEqual(self.banner(), b"SSH-")
        self.assert_stop_ends_all()

    def test_a_killed_ssh_is_replaced_in_the_new_directory(self) -> None:
        shutil.rmtree(self.root / "run")
        self.kill(self.first["ssh_pid"])
        until("another ssh", lambda: self.status()["ssh_pid"] not in (None, self.first["ssh_pid"]))
        self.assertEqual(self.await_up()["supervisor_pid"], self.first["supervisor_pid"])

    def test_a_supervisor_of_another_directory_is_found_and_ended(self) -> None:
        self.run_in("other")
        now = until("a supervisor that is not new", lambda: (told := self.status())["state"] == "up" and told)
        self.assertEqual(now["supervisor"]["pid"], self.first["supervisor_pid"])
        self.assertIn("is another one here", now["last_error"]["message"])
        self.assertIn("its supervisor runs", self.run_holdfast("ensure", "--user", "-v", self.name).stderr)
        self.assertEqual(self.run_holdfast("start", "--user", self.name).returncode, 1)
        self.assertEqual(self.supervisors(), [self.first["supervisor_pid"]])
        self.assert_stop_ends_all()

    def test_remove_ends_a_supervisor_without_files(self) -> None:
        os.kill(self.first["supervisor_pid"], signal.SIGSTOP)  # it cannot make the directory again
        shutil.rmtree(self.root / "run")
        done = self.run_holdfast("remove", "--user", self.name)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.supervisors(), [])
        self.assertFalse(is_alive(self.first["ssh_pid"]))
        self.assertEqual(self.banner(), b"")


if __name__ == "__main__":
    main()
