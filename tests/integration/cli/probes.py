#!/usr/bin/env python3
"""What a probe proves, with a real ssh and sshd: it is this tunnel's ssh that leads to a target that answers."""
from __future__ import annotations

import signal
import socket
import threading
import time
from typing import Any, Optional

from case import TunnelTest, free_port, main, until


class Target:
    """A local server. `behaviour` gets each connection; nothing: it is kept open and silent."""

    def __init__(self, behaviour: Optional[Any] = None, port: int = 0, backlog: int = 128) -> None:
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(("127.0.0.1", port))
        self.socket.listen(backlog)
        self.port = int(self.socket.getsockname()[1])
        self.behaviour = behaviour
        self.kept: list[socket.socket] = []
        self.thread: Optional[threading.Thread] = None

    def serve(self) -> "Target":
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()
        return self

    def _serve(self) -> None:
        try:
            while True:
                visitor = self.socket.accept()[0]
                self.kept.append(visitor)
                if self.behaviour:
                    self.behaviour(visitor)
        except OSError:
            return

    def fill(self) -> "Target":
        """Its queue is full: the kernel drops every further SYN."""
        for _ in range(3):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", self.port))
            self.kept.append(one)
        time.sleep(0.05)  # the handshakes on loopback
        return self

    def close(self) -> None:
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        if self.thread:
            self.thread.join()
        self.socket.close()
        for one in self.kept:
            one.close()


def penalise(visitor: socket.socket) -> None:
    visitor.sendall(b"Not allowed at this time\r\n")
    visitor.close()


class Probes(TunnelTest):
    def target(self, *arguments: Any, **named: Any) -> Target:
        made = Target(*arguments, **named)
        self.addCleanup(made.close)
        return made

    def await_state(self, state: str, failure: str) -> dict[str, Any]:
        def there() -> Optional[dict[str, Any]]:
            now = self.status()
            return now if now["state"] == state and (now["last_error"] or {}).get("class") == failure else None
        return dict(until(f"the tunnel to be {state}", there))

    def states(self, now: dict[str, Any]) -> list[str]:
        return [forward["state"] for forward in now["forwards"]]

    def test_a_stranger_on_one_of_two_addresses_is_no_proof(self) -> None:
        """sshd grants "localhost" on ::1 alone while a stranger, here another sshd, has 127.0.0.1."""
        stranger = self.target(lambda visitor: visitor.sendall(b"SSH-2.0-stranger\r\n"), self.port).serve()
        for bind in ("localhost", "[::]"):
            done = self.run_holdfast(*self.arguments("-p", f"{bind}:{stranger.port}:127.0.0.1:{self.bastion.port}",
                                                     port=free_port()), timeout=120)
            self.assertEqual(done.returncode, 1, done.stdout)
            self.assertIn("leads to another process", done.stderr)
            self.assertIn(f":{stranger.port} ", done.stderr)

    def test_both_addresses_of_a_name_are_proven(self) -> None:
        done = self.run_holdfast(*self.arguments("-p", f"localhost:{free_port()}:127.0.0.1:{self.bastion.port}"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.states(self.await_up()), ["up", "up"])

    def test_a_target_that_closes_at_once_refuses(self) -> None:
        target = self.target(penalise).serve()
        done = self.run_holdfast(*self.arguments("-p", f"{free_port()}:127.0.0.1:{target.port}", "--allow-target-down"))
        self.assertEqual(done.returncode, 0, done.stderr)
        now = self.await_state("degraded", "target-down")
        self.assertEqual(self.states(now), ["up", "down"])
        self.assertIn("Not allowed at this time", now["last_error"]["message"])
        self.assertIn("PerSourcePenaltyExemptList 127.0.0.1,::1", now["last_error"]["hint"])
        self.kill(now["supervisor_pid"], signal.SIGUSR1)
        target.behaviour = None
        self.assertEqual(self.await_up()["ssh_pid"], now["ssh_pid"])

    def test_a_named_target_that_drops_connections_is_down(self) -> None:
        target = self.target(backlog=0).fill()
        done = self.run_holdfast(*self.arguments("-p", f"{free_port()}:localhost.:{target.port}", "--allow-target-down"),
                                 timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.states(self.await_state("degraded", "target-down")), ["up", "down"])

    def test_many_silent_targets_do_not_keep_a_good_one_down(self) -> None:
        silent = [self.target(backlog=0).fill() for _ in range(22)]
        ports = [argument for one in silent for argument in ("-p", f"{free_port()}:127.0.0.1:{one.port}")]
        done = self.run_holdfast(*self.arguments(*ports, "--allow-target-down"), timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        now = self.await_state("degraded", "target-down")
        self.assertEqual(self.states(now), ["up"] + 22 * ["down"])
        self.assertEqual(self.banner(), b"SSH-")

    def test_a_unix_socket_as_the_target_is_proven(self) -> None:
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        listener.bind(str(self.root / "target.sock"))
        listener.listen()
        done = self.run_holdfast(*self.arguments("-p", f"{free_port()}:{self.root}/target.sock"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.states(self.await_up()), ["up", "up"])


if __name__ == "__main__":
    main()
