#!/usr/bin/env python3
"""Forwards change while the tunnel runs: sessions through the other forwards continue."""
from __future__ import annotations

import hashlib
import os
import signal
import socket
import threading
from typing import Any, Optional

from case import TunnelTest, free_port, main, until


class Transfer:
    """A transfer through the tunnel: the target sends half of it at once, and the rest on request."""
    HALF = 8 << 20

    def __init__(self) -> None:
        self.content = os.urandom(2 * self.HALF)
        self.go_on = threading.Event()
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen()
        self.port = int(self.listener.getsockname()[1])
        self.heard = hashlib.sha256()
        self.size = 0
        self.threads = [threading.Thread(target=self._serve, daemon=True)]
        self.threads[0].start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._send, args=(client,), daemon=True).start()

    def _send(self, client: socket.socket) -> None:
        with client:
            try:
                client.sendall(self.content[:self.HALF])
                self.go_on.wait()
                client.sendall(self.content[self.HALF:])
            except OSError:  # a probe closes after the first bytes
                return

    def begin(self, port: int) -> None:
        """Connects to the port of the bastion."""
        thread = threading.Thread(target=self._receive, args=(port,), daemon=True)
        self.threads.append(thread)
        thread.start()
        until("half of it to arrive", lambda: self.size >= self.HALF)

    def _receive(self, port: int) -> None:
        with socket.create_connection(("127.0.0.1", port)) as client:
            while chunk := client.recv(1 << 16):
                self.heard.update(chunk)
                self.size += len(chunk)

    def finish(self) -> bool:
        """Sends the rest. True when all of it arrived."""
        self.go_on.set()
        self.threads[-1].join(30)
        return self.heard.digest() == hashlib.sha256(self.content).digest()

    def close(self) -> None:
        self.go_on.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.threads[0].join()
        self.listener.close()


class Forwards(TunnelTest):
    def setUp(self) -> None:
        super().setUp()
        self.transfer = Transfer()
        self.addCleanup(self.transfer.close)
        self.other = free_port()
        done = self.run_holdfast(*self.arguments("-p", f"{self.other}:127.0.0.1:{self.bastion.port}",
                                                 target=self.transfer.port))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.before = self.await_up()
        self.transfer.begin(self.port)
        self.file = self.home / ".config/holdfast/tunnels" / f"{self.name}.conf"

    def edit(self, old: str, new: str, number: int = signal.SIGHUP) -> None:
        text = self.file.read_text()
        self.assertIn(old, text)
        self.file.write_text(text.replace(old, new))
        self.kill(self.before["supervisor_pid"], number)

    def line(self, port: int) -> str:
        return f"port = 127.0.0.1:{port}:127.0.0.1:{self.bastion.port}\n"

    def states(self) -> dict[str, str]:
        return {forward["listen"].rpartition(":")[2]: forward["state"] for forward in self.status()["forwards"]}

    def assert_same_connection(self, now: Optional[dict[str, Any]] = None) -> None:
        now = now or self.status()
        self.assertEqual((now["ssh_pid"], now["supervisor_pid"], now["reconnects"]),
                         (self.before["ssh_pid"], self.before["supervisor_pid"], self.before["reconnects"]))

    def test_edits_of_the_file_add_and_remove_forwards(self) -> None:
        more = free_port()
        self.edit(self.line(self.other), self.line(self.other) + self.line(more))
        until("the new port to answer", lambda: self.banner(more) == b"SSH-")
        self.assertEqual(set(self.await_states(3).values()), {"up"})
        self.edit(self.line(self.other), "", signal.SIGUSR2)
        until("the old port to close", lambda: self.banner(self.other) == b"")
        self.assertEqual(set(self.await_states(2)), {str(self.port), str(more)})
        self.assert_same_connection(self.await_up())
        self.assertTrue(self.transfer.finish())

    def await_states(self, count: int) -> dict[str, str]:
        def told() -> Optional[dict[str, str]]:
            states = self.states()
            return states if len(states) == count and set(states.values()) == {"up"} else None
        return dict(until(f"{count} forwards to be up", told))

    def test_a_forward_changes_its_target(self) -> None:
        quiet = socket.socket()
        self.addCleanup(quiet.close)
        quiet.bind(("127.0.0.1", 0))
        quiet.listen()
        self.edit(f"{self.other}:127.0.0.1:{self.bastion.port}", f"{self.other}:127.0.0.1:{quiet.getsockname()[1]}")
        elsewhere = f"127.0.0.1:{quiet.getsockname()[1]}"
        until("the port to have the new target", lambda: (now := self.status())["state"] == "up" and
              now["forwards"][1]["target"] == elsewhere)
        with socket.create_connection(("127.0.0.1", self.other)):
            quiet.settimeout(30)
            quiet.accept()[0].close()
        self.assert_same_connection()
        self.assertTrue(self.transfer.finish())

    def test_setup_with_other_ports_keeps_the_connection(self) -> None:
        more = free_port()
        done = self.run_holdfast(*self.arguments("-p", f"{more}:127.0.0.1:{self.bastion.port}",
                                                 target=self.transfer.port))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual((self.banner(more), self.banner(self.other)), (b"SSH-", b""))
        self.assert_same_connection(self.await_up())
        self.assertTrue(self.transfer.finish())

    def test_a_busy_port_is_reported_and_others_stay_open(self) -> None:
        with socket.socket() as holder:
            holder.bind(("127.0.0.1", 0))
            holder.listen()
            taken = int(holder.getsockname()[1])
            self.edit(self.line(self.other), self.line(self.other) + self.line(taken))
            now = until("status to report the busy port", lambda: (now := self.status())["state"] == "degraded" and now)
            self.assertEqual((now["last_error"]["class"], now["forwards"][2]["state"]), ("forward-busy", "busy"))
            self.assertIn(str(taken), now["last_error"]["message"])
            self.assertEqual(self.banner(self.other), b"SSH-")
            until("the others to be seen up", lambda: (s := self.states())[str(self.other)] == s[str(self.port)] == "up")
        until("the port to be free", lambda: self.banner(taken) == b"SSH-")
        self.assert_same_connection(self.await_up())
        self.assertTrue(self.transfer.finish())

    def test_a_setup_with_a_busy_port_changes_nothing(self) -> None:
        text = self.file.read_text()
        with socket.socket() as holder:
            holder.bind(("127.0.0.1", 0))
            holder.listen()
            taken = int(holder.getsockname()[1])
            for flags in ([], ["--no-preflight"]):
                done = self.run_holdfast(*self.arguments("-p", f"{taken}:127.0.0.1:{self.bastion.port}", *flags,
                                                         target=self.transfer.port))
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertIn(str(taken), done.stderr)
                self.assertEqual(self.file.read_text(), text)
                self.assert_same_connection(self.await_up())
                self.assertEqual(set(self.states()), {str(self.port), str(self.other)})
        self.assertTrue(self.transfer.finish())

    def test_a_port_busy_on_one_address_family_is_busy(self) -> None:
        """Without a bind address sshd would bind only ::1 when 127.0.0.1 is busy. IPv4 clients would reach another program."""
        with socket.socket() as holder:
            holder.bind(("127.0.0.1", 0))
            holder.listen()
            taken = int(holder.getsockname()[1])
            self.edit(self.line(self.other), self.line(self.other) + self.line(taken))
            until("the port to be busy", lambda: self.states().get(str(taken)) == "busy")
            with socket.socket(socket.AF_INET6) as client:
                self.assertNotEqual(client.connect_ex(("::1", taken)), 0)
        self.assertTrue(self.transfer.finish())


if __name__ == "__main__":
    main()
