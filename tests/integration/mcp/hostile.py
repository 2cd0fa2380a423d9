#!/usr/bin/env python3
"""The MCP server with clients that break the protocol or disappear."""
import fcntl
import json
import os
import pathlib
import pty
import signal
import subprocess
import termios
from typing import Any, Optional

from case import PROGRAM, TunnelTest, is_alive, main, until

MEGABYTE = 1 << 20
Message = dict[str, Any]


class Server:
    """`holdfast mcp start`, with one message a line."""

    def __init__(self, test: TunnelTest, **how: Any) -> None:
        self.process = subprocess.Popen([PROGRAM, "mcp", "start"], env=test.env, cwd=test.root,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, **how)
        test.addCleanup(self.end)

    def end(self) -> None:
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe
            try:
                pipe.close()
            except BrokenPipeError:
                pass
        try:
            self.process.wait(60)
        finally:
            self.process.kill()

    def write(self, line: bytes) -> None:
        assert self.process.stdin
        self.process.stdin.write(line)
        self.process.stdin.flush()

    def say(self, **message: Any) -> None:
        self.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")

    def hear(self) -> Message:
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError("the server has ended")
        return dict(json.loads(line))

    def ask(self, method: str, number: Any = 1, **params: Any) -> Message:
        self.say(id=number, method=method, params=params)
        return self.hear()

    def initialize(self, version: str = "2025-11-25") -> Message:
        answer = self.ask("initialize", 0, protocolVersion=version, capabilities={},
                          clientInfo={"name": "test", "version": "1"})
        self.say(method="notifications/initialized")
        return answer

    def call(self, tool: str, number: Any = 7, **arguments: Any) -> None:
        self.say(id=number, method="tools/call", params={"name": tool, "arguments": arguments})

    def child(self) -> Optional[int]:
        """The processes that run a call."""
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return int(children[0]) if children else None


class Hostile(TunnelTest):
    def setup_call(self, server: Server, **more: Any) -> None:
        server.call("tunnel_setup", **{
            "port": f"{self.port}:127.0.0.1:{self.bastion.port}", "name": self.name, "scope": "user",
            "bastion_server": f"{self.user()}@127.0.0.1:{self.bastion.port}", "accept_new_host_key": True,
            "secret_key_path": str(self.bastion.directory / "key"), **more})

    def stuck_setup(self, server: Server) -> int:
        """A setup that waits for a bastion that accepts the connection and sends nothing."""
        os.kill(self.bastion.process.pid, signal.SIGSTOP)
        self.addCleanup(os.kill, self.bastion.process.pid, signal.SIGCONT)
        self.setup_call(server)
        child = int(until("the call to start its process", server.child))
        until("its ssh to be there", lambda: pathlib.Path(f"/proc/{child}/task/{child}/children").read_text())
        return child

    def test_invalid_messages_get_an_error(self) -> None:
        server = Server(self)
        self.assertEqual(server.initialize()["result"]["serverInfo"]["name"], "holdfast")
        for line, code in ((b"hello\n", -32700), (b"{\n", -32700), (b"\xff\xfe\x00\n", -32700), (b"[" * 5000 + b"\n", -32700),
                           (b"7\n", -32600), (b"[]\n", -32600), (b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]\n', -32600),
                           (b'{"jsonrpc":"2.0","id":{},"method":"ping"}\n', -32600)):
            server.write(line)
            answer = server.hear()
            self.assertEqual((answer["error"]["code"], answer["id"]), (code, None), line)
        self.assertEqual(server.ask("no/such")["error"]["code"], -32601)
        self.assertEqual(server.ask("ping")["result"], {})

    def test_a_line_of_50_megabytes_needs_no_memory(self) -> None:
        server = Server(self)
        server.initialize()
        for _ in range(50):
            server.write(b"x" * MEGABYTE)
        server.write(b"\n")
        self.assertEqual(server.hear()["error"]["code"], -32600)
        self.assertEqual(server.ask("ping")["result"], {})
        status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
        peak, = (int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))
        if b"__asan_init" not in pathlib.Path(PROGRAM).read_bytes():  # AddressSanitizer delays free(3)
            self.assertLess(peak, 100 * 1024, "the limit of the peak, in kB")

    def test_an_argument_that_is_too_long_is_an_error(self) -> None:
        server = Server(self)
        server.initialize()
        server.call("tunnel_logs", name="x" * 500000)
        result = server.hear()["result"]
        self.assertTrue(result["isError"])
        self.assertEqual(result["structuredContent"]["lines"], None)

    def test_no_argument_runs_a_program(self) -> None:
        marker = self.root / "pwned"
        server = Server(self)
        server.initialize()
        run = f"touch {marker}"
        settings = self.root / "settings"
        settings.write_text(f"ProxyCommand {run}\n")
        bastion = {"bastion_server": f"{self.user()}@127.0.0.1:{self.bastion.port}"}
        options = [f"ProxyCommand={run}", f"proxycommand = {run}", f"PROXYCOMMAND={run}", f"ProxyCommand {run}",
                   f'"ProxyCommand"={run}', f"Compression=yes\nProxyCommand={run}", f"KnownHostsCommand=/bin/{run}",
                   f"LocalCommand={run}", f"Include={settings}", f"Match=exec \"{run}\"", f"ProxyJump=$({run})",
                   f"PKCS11Provider={settings}", f"SecurityKeyProvider={settings}", f"XAuthLocation={settings}",
                   "UserKnownHostsFile=/dev/null", "StrictHostKeyChecking=no", f"IdentityAgent={settings}"]
        others = [{"bastion_server": f"-oProxyCommand={run}"}, {"bastion_server": f"$({run})"},
                  {"bastion_server": f"-oProxyCommand={run}@127.0.0.1"}, {"run_as": f"-oProxyCommand={run}"},
                  {"port": f"2222 -oProxyCommand={run}"}, {"secret_key_path": f"key\nssh-option = ProxyCommand={run}"}]
        for tool in ("tunnel_doctor", "tunnel_setup"):
            port: dict[str, Any] = {"port": self.port} if tool == "tunnel_setup" else {}
            for more in [{"ssh_options": [option]} for option in options] + others:
                with self.subTest(tool, more=more):
                    server.call(tool, scope="user", **{**bastion, **port, **more})
                    result = server.hear()["result"]
                    self.assertTrue(result["isError"])
                    self.assertEqual(result["structuredContent"]["error"]["class"], "usage")
        self.assertFalse(marker.exists(), "an argument ran a program")
        self.assert_nothing_changed()

    def test_a_refused_ssh_option_lists_the_allowed_ones(self) -> None:
        server = Server(self)
        server.initialize()
        server.call("tunnel_doctor", bastion_server="gate@127.0.0.1", ssh_options=["ProxyCommand=nc %h %p"])
        error = server.hear()["result"]["structuredContent"]["error"]
        self.assertIn("ProxyCommand", error["message"])
        self.assertRegex(error["hint"], "Compression.*ProxyJump")

    def test_a_batch_gets_one_answer(self) -> None:
        server = Server(self)
        server.initialize("2025-03-26")
        server.write(json.dumps([{"jsonrpc": "2.0", "id": 1, "method": "ping"},
                                 {"jsonrpc": "2.0", "id": 2, "method": "tools/call",
                                  "params": {"name": "tunnel_status", "arguments": {"scope": "user"}}}]).encode() + b"\n")
        assert server.process.stdout
        answers = {answer["id"]: answer["result"] for answer in json.loads(server.process.stdout.readline())}
        self.assertEqual(answers[1], {})
        self.assertEqual(json.loads(answers[2]["content"][0]["text"])["tunnels"], [])

    def test_running_calls_are_answered_after_the_end_of_input(self) -> None:
        messages = [{"id": 0, "method": "initialize", "params": {"protocolVersion": "2025-11-25"}},
                    {"id": 1, "method": "tools/call", "params": {"name": "tunnel_status", "arguments": {"scope": "user"}}}]
        text = "\n".join(json.dumps({"jsonrpc": "2.0", **message}) for message in messages)  # no final line break
        file = self.root / "words"
        file.write_text(text)
        for source in ("pipe", "file"):
            with self.subTest(source), file.open() as words:
                how: dict[str, Any] = {"input": text} if source == "pipe" else {"stdin": words}
                done = subprocess.run([PROGRAM, "mcp", "start"], env=self.env, capture_output=True, text=True, timeout=120,
                                      **how)
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                answers = [json.loads(line) for line in done.stdout.splitlines()]
                self.assertEqual([answer["id"] for answer in answers], [0, 1])
                self.assertTrue(answers[1]["result"]["structuredContent"]["success"])

    def test_a_lost_client_cancels_its_setup(self) -> None:
        server = Server(self)
        server.initialize()
        child = self.stuck_setup(server)
        assert server.process.stdout and server.process.stdin
        server.process.stdout.close()
        server.process.stdin.close()
        self.assertEqual(server.process.wait(60), 0)
        self.assertFalse(is_alive(child))
        self.assert_nothing_changed()

    def test_a_terminated_server_cancels_its_setup(self) -> None:
        for number, status in ((signal.SIGTERM, 0), (signal.SIGHUP, 0), (signal.SIGINT, 130)):
            with self.subTest(number):
                server = Server(self)
                server.initialize()
                child = self.stuck_setup(server)
                server.process.send_signal(number)
                self.assertEqual(server.process.wait(60), status)
                self.assertFalse(is_alive(child))
                os.kill(self.bastion.process.pid, signal.SIGCONT)
        self.assert_nothing_changed()

    def test_a_cancelled_setup_is_undone_and_never_answered(self) -> None:
        server = Server(self)
        server.initialize()
        child = self.stuck_setup(server)
        self.setup_call(server)
        self.assertIsNone(server.hear()["id"], "the error has no id, because a running call has the same one")
        server.say(method="notifications/cancelled", params={"requestId": 7, "reason": "enough"})
        until("the process of the call to end", lambda: not is_alive(child), 60)
        self.assertEqual(server.ask("ping", 8), {"jsonrpc": "2.0", "id": 8, "result": {}})
        self.assert_nothing_changed()

    def test_queued_calls_are_answered_or_cancelled(self) -> None:
        server = Server(self)
        server.initialize()
        for number in range(40):
            server.call("tunnel_status", number, scope="user")
        server.say(method="notifications/cancelled", params={"requestId": 39})
        heard = {server.hear()["id"] for _ in range(39)}
        self.assertEqual(heard, set(range(39)))
        self.assertEqual(server.ask("ping", "last")["id"], "last")

    def test_nothing_prompts_on_the_server_terminal(self) -> None:
        locked = self.root / "locked"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", str(locked)], check=True)
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, ours)

        def take_terminal() -> None:
            fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)

        server = Server(self, start_new_session=True, preexec_fn=take_terminal, pass_fds=[theirs])
        os.close(theirs)
        server.initialize()
        self.setup_call(server, secret_key_path=str(locked))
        answer = server.hear()["result"]["structuredContent"]
        self.assertEqual(answer["error"]["class"], "key-passphrase")
        self.assertIn("assphrase", answer["error"]["message"])
        server.end()
        os.set_blocking(ours, False)
        try:
            self.assertEqual(os.read(ours, 100), b"", "ssh prompted on the terminal")
        except OSError:
            pass  # EIO or EAGAIN: nothing was written to the terminal
        self.assert_nothing_changed()


if __name__ == "__main__":
    main()
