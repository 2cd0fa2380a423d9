#!/usr/bin/env python3
"""A supervisor adopts the ssh of its predecessor: sessions through the tunnel continue."""
import hashlib
import os
import signal
import socket
import threading

from case import TunnelTest, free_port, is_alive, main, until

KILLS = int(os.environ.get("HOLDFAST_KILLS", "10"))


class Stream:
    """A server that sends until stop(), and a client that reads through the tunnel."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.listener.getsockname()[1])
        self.enough = threading.Event()
        self.sent, self.received = hashlib.sha256(), hashlib.sha256()
        self.bytes = [0, 0]
        self.broken = ""
        self.server = threading.Thread(target=self.serve, daemon=True)
        self.server.start()

    def serve(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:  # closed: the end
                return
            threading.Thread(target=self.send, args=(client,), daemon=True).start()

    def send(self, client: socket.socket) -> None:
        with client:
            if client.recv(1) != b"!":  # a probe: it sends nothing and closes
                return
            block = os.urandom(1 << 16)
            while not self.enough.is_set():
                client.sendall(block)
                self.sent.update(block)
                self.bytes[0] += len(block)
                block = block[1:] + block[:1]

    def read(self, port: int) -> None:
        def run() -> None:
            try:
                with socket.create_connection(("127.0.0.1", port)) as server:
                    server.sendall(b"!")
                    while chunk := server.recv(1 << 16):
                        self.received.update(chunk)
                        self.bytes[1] += len(chunk)
                        self.enough.wait(0.002)  # slow enough to last
            except OSError as error:
                self.broken = str(error)
        self.client = threading.Thread(target=run, daemon=True)
        self.client.start()
        until("the stream to flow", lambda: self.bytes[1] or self.broken)

    def end(self) -> None:
        self.enough.set()
        self.client.join(30)
        self.listener.close()


class Adoption(TunnelTest):
    def setUp(self) -> None:
        super().setUp()
        self.conf = self.home / f".config/holdfast/tunnels/{self.name}.conf"

    def break_down(self) -> int:
        """Kills the supervisor. Returns the pid of its ssh."""
        before = self.status()
        self.kill(before["supervisor_pid"])
        until("the supervisor to be gone", lambda: not is_alive(before["supervisor_pid"]))
        return int(before["ssh_pid"])

    def edit(self, old: str, new: str) -> None:
        text = self.conf.read_text()
        self.assertIn(old, text)
        self.conf.write_text(text.replace(old, new))

    def restart_keeping(self) -> str:
        done = self.run_holdfast("restart", "--user", "--keep-connection", self.name)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertFalse(list(self.home.rglob("*.handover")))
        return done.stderr

    def test_sessions_survive_killed_supervisors_and_restarts(self) -> None:
        stream = Stream()
        done = self.run_holdfast(*self.arguments("--backend", "nohup", target=stream.port))
        self.assertEqual(done.returncode, 0, done.stderr)
        ssh = self.status()["ssh_pid"]
        stream.read(self.port)
        for _ in range(KILLS):
            self.assertEqual(self.break_down(), ssh)
            self.run_holdfast("ensure", "--user", self.name)
            now = self.await_up()
            self.assertEqual((now["ssh_pid"], now["reconnects"]), (ssh, 0))
        before = self.status()["supervisor_pid"]
        self.assertEqual(self.restart_keeping(), "")
        now = self.await_up()
        self.assertEqual(now["ssh_pid"], ssh)
        self.assertNotEqual(now["supervisor_pid"], before)
        self.assertTrue(stream.client.is_alive(), stream.broken)
        stream.end()
        self.assertEqual((stream.broken, stream.bytes[0], stream.sent.digest()),
                         ("", stream.bytes[1], stream.received.digest()))

    def test_an_adopted_ssh_is_replaced_when_it_dies(self) -> None:
        self.set_up()
        ssh = self.break_down()
        self.run_holdfast("ensure", "--user")
        self.assertEqual(self.await_up()["ssh_pid"], ssh)
        self.kill(ssh)
        now = until("another ssh", lambda: (told := self.status())["state"] == "up" and told["ssh_pid"] != ssh and told)
        self.assertEqual(now["reconnects"], 1)
        self.assertEqual(self.banner(), b"SSH-")

    def test_stop_and_remove_end_an_adopted_ssh(self) -> None:
        for command in ("stop", "remove"):
            with self.subTest(command):
                self.set_up()
                ssh = self.break_down()
                self.run_holdfast("ensure", "--user")
                self.assertEqual(self.await_up()["ssh_pid"], ssh)
                self.assertEqual(self.run_holdfast(command, "--user", self.name).returncode, 0)
                self.assertFalse(is_alive(ssh))
        self.assert_nothing_changed()

    def test_changed_connection_settings_cause_a_reconnect(self) -> None:
        self.set_up()
        ssh = self.status()["ssh_pid"]
        self.edit("bastion = ", "ssh-option = Compression=yes\nbastion = ")
        self.assertIn("has reconnected", self.restart_keeping())
        self.assertFalse(is_alive(ssh))
        self.assertEqual(self.banner(), b"SSH-")

    def test_a_new_forward_uses_the_same_connection(self) -> None:
        self.set_up()
        ssh, more = self.status()["ssh_pid"], free_port()
        self.edit("bastion = ", f"port = {more}:127.0.0.1:{self.bastion.port}\nbastion = ")
        self.restart_keeping()
        self.assertEqual(self.await_up()["ssh_pid"], ssh)
        self.assertEqual((self.banner(), self.banner(more)), (b"SSH-", b"SSH-"))

    def test_a_removed_forward_is_closed(self) -> None:
        more = free_port()
        self.set_up("-p", f"{more}:127.0.0.1:{self.bastion.port}")
        text = self.conf.read_text()
        self.conf.write_text("".join(line for line in text.splitlines(True) if f":{more}:" not in line))
        self.assertIn("has reconnected", self.restart_keeping())
        self.assertEqual((self.banner(), self.banner(more)), (b"SSH-", b""))

    def test_an_ssh_that_does_not_answer_is_replaced(self) -> None:
        self.set_up()
        ssh = self.break_down()
        self.kill(ssh, signal.SIGSTOP)
        self.run_holdfast("ensure", "--user")
        now = until("another ssh", lambda: (told := self.status())["state"] == "up" and told["ssh_pid"] != ssh and told)
        self.assertFalse(is_alive(ssh))
        self.assertEqual(now["reconnects"], 0)

    def test_a_control_socket_of_another_ssh_is_not_adopted(self) -> None:
        self.set_up()
        ssh = self.break_down()
        self.kill(ssh)
        until("ssh to be gone", lambda: not is_alive(ssh))
        arguments = (self.runtime / f"{self.name}.live").read_text()
        self.assertIn(str(ssh), arguments)
        control, = [path for path in self.runtime.glob("*.s") if self.is_dead(str(path))]
        control.unlink()
        with socket.socket(socket.AF_UNIX) as stranger:
            stranger.bind(str(control))
            stranger.listen()
            done = self.run_holdfast("run", "--user", self.name)
            self.assertEqual(done.returncode, 1)
            self.assertIn("another program listens there", self.assert_reads_well(done))
        control.unlink()

    def is_dead(self, path: str) -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            return client.connect_ex(path) != 0


if __name__ == "__main__":
    main()
