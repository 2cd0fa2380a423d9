#!/usr/bin/env python3
"""Hostile values through every input of the real program: nothing runs, and no terminal or JSON reader is fooled."""
import json
import os
import pathlib
import re
import shlex
import socket
import subprocess
import sys
import threading
from typing import Any, Iterable, Optional, Union

from case import PROGRAM, ProgramTest, main

sys.path.append(str(pathlib.Path(__file__).resolve().parents[3] / "python"))

GATE = "gate@127.0.0.1:1"
INJECTED = "INJECTED"  # begins each line that a value tries to add
Text = Union[str, bytes]
# Control bytes, and characters that hide or reorder text on a terminal.
UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]")


def hostile_values(canary: pathlib.Path) -> dict[str, bytes]:
    """By name. A command that one of them smuggles in creates `canary`."""
    run = f"touch {canary}"
    texts = {
        "newline": f"x\n{INJECTED} * * * * {run}\n", "crlf": f"x\r\n{INJECTED}={run}\r\n", "return": f"x\r{INJECTED} {run}",
        "single quote": f"x'; {run}; '", "double quote": f'x"; {run}; "', "substitution": f"x$({run})",
        "backquotes": f"x`{run}`", "semicolon": f"x; {run}", "pipe": f"x|{run}", "ampersand": f"x&{run}&",
        "percent": f"x%n%h%%{run}", "specifier": "%h/%t/%n/%i", "variable": "${HOME}$HOME$$", "backslash": f"x\\n\\;{run}\\",
        "option": f"-oProxyCommand={run}", "long option": f"--ssh-option=ProxyCommand={run}", "comment": f"x # {run}",
        "escape": "x\x1b[2J\x1b]0;owned\x07\x1b[8m", "c1": "x\x9b31m", "bidi": "x\u202edlrow\u2066\u200f",
        "long": "x" * 65536, "history": "x!!!touch", "section": f"x]\n{INJECTED}]\nExecStart=/bin/{run}",
        "marker": f"x\n# <<< holdfast x <<<\n{INJECTED} {run}", "tab": f"x\t{run}", "glob": "/*/*", "spaces": " x  y ",
    }
    return {**{name: text.encode() for name, text in texts.items()}, "invalid utf-8": b"x\xff\xfe\xc0\xaf",
            "nul": b"x\0" + run.encode()}


class Injection(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.canary = self.root / "ran"
        self.values = hostile_values(self.canary)
        # For inputs that take a run each. The unit tests put every value into every text.
        self.few = {name: self.values[name] for name in (
            "newline", "single quote", "substitution", "option", "escape", "bidi", "long", "invalid utf-8")}
        self.tunnels = self.home / ".config/holdfast/tunnels"
        self.programs = self.root / "programs"
        self.programs.mkdir()
        self.env["PATH"] = f"{self.programs}:{self.env['PATH']}"
        self.env["HOLDFAST_BACKENDS"] = "nohup,tmux,screen,cron,systemd-user"

    def check(self, where: str, *words: Text, env: Optional[dict[str, Text]] = None, stdin: Optional[bytes] = None,
              statuses: Iterable[int] = range(6)) -> bytes:
        """Runs the program, checks what it prints, and returns stdout."""
        done = subprocess.run([PROGRAM, *words], env={**self.env, **(env or {})}, input=stdin or b"", cwd=self.root,
                              capture_output=True, timeout=120)
        shown = f"{where}: {[word[:200] for word in words]}\n{done.stdout[:2000]!r}\n{done.stderr[:2000]!r}"
        self.assertIn(done.returncode, statuses, shown)
        self.assertFalse(self.canary.exists(), shown)
        for stream in (done.stdout, done.stderr):
            text = stream.decode()  # raises for invalid UTF-8
            self.assertNotRegex(text, UNSAFE, shown)
            self.assertFalse([line for line in text.splitlines() if line.strip().startswith(INJECTED)], shown)
        if "--json" in words and done.stdout:
            json.loads(done.stdout)
        return done.stdout

    def passable(self) -> dict[str, bytes]:
        """The values that fit into an argument or a variable."""
        return {name: value for name, value in self.values.items() if b"\0" not in value}

    def test_options(self) -> None:
        usual = {"--port": "2222", "--bastion": GATE, "--name": "x", "--no-preflight": None, "--dry-run": None,
                 "--user": None}
        shapes = {
            "--port": ("{}", "{}:2222", "2222:{}:22", "2222:localhost:{}", "/tmp/{}"), "--name": ("{}",),
            "--bastion": ("{}", "{}@127.0.0.1", "gate@{}", "127.0.0.1:{}", "ssh://{}", f"{GATE},{{}}"),
            "--identity": ("{}", "/tmp/{}"), "--ssh-option": ("{}", "{}=x", "Compression={}", "ProxyJump={}"),
            "--backend": ("{}",), "--engine": ("{}",), "--host": ("{}",), "--env-file": ("{}",), "--run-as": ("{}",),
        }
        for name, value in self.few.items():
            for option, forms in shapes.items():
                for form in forms:
                    words: list[Text] = ["setup"]
                    for usually, standard in usual.items():
                        if usually != option:
                            words.append(usually if standard is None else f"{usually}={standard}")
                    words.append(option.encode() + b"=" + form.encode().replace(b"{}", value))
                    self.check(f"{option} {form} {name}", *words, *(["--json"] if name == "escape" else []))
        self.assert_nothing_changed()

    def test_operands(self) -> None:
        for name, value in self.passable().items():
            for command in ("remove", "start", "logs", "status", "client-config", "hook") if name in self.few else ("remove",):
                self.check(f"{command} {name}", command, "--user", "--", value)
            self.check(f"completion {name}", "completion", "--", value)
            self.check(f"a command {name}", value)
        self.assert_nothing_changed()

    def test_variables(self) -> None:
        setup = ("setup", "--user", "--no-preflight", "--dry-run", "--port=2222", "--name=x")
        file = self.root / "some.env"
        for name, value in {**self.few, "nul": self.values["nul"]}.items():
            for variable in ("HOLDFAST_BASTION", "HOLDFAST_IDENTITY", "HOLDFAST_BACKENDS", "SCITEX_TUNNEL_BASTION_SERVER"):
                others: list[Text] = [] if "BASTION" in variable else [f"--bastion={GATE}"]
                if name != "nul":
                    self.check(f"{variable} {name}", *setup, *others, env={variable: value})
                for quote in (b"", b'"'):
                    file.write_bytes(variable.encode() + b"=" + quote + value + quote + b"\n")
                    self.check(f"{variable} {name} in a file", *setup, *others, f"--env-file={file}")
            if name == "nul":
                continue
            several = {variable: value for variable in ("TERM", "LANG", "USER", "SHELL", "NO_COLOR")}
            self.check(f"variables {name}", *setup, f"--bastion={GATE}", env=several)
            for variable in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "HOME"):
                self.check(f"{variable} {name}", "status", env={variable: value})

    def test_tunnel_files(self) -> None:
        self.tunnels.mkdir(parents=True, mode=0o700)
        good = {"port": "2222", "bastion": GATE, "backend": "nohup", "engine": "native"}
        file = self.tunnels / "x.conf"
        for name, value in self.few.items():
            for key in ("port", "bastion", "identity", "backend", "engine", "host", "machine", "ssh-option", "known-hosts",
                        "runtime-dir", "probe-interval", "spread", "takeover", "a key"):
                lines = [f"{other} = {text}\n".encode() for other, text in good.items() if other != key]
                path = b"/tmp/" if key in ("identity", "known-hosts", "runtime-dir") else b""
                file.write_bytes(b"".join(lines) + key.encode() + b" = " + path + value + b"\n")
                file.chmod(0o600)
                self.check(f"{key} = {name}", "status", "--user", *(["--json"] if name == "escape" else ["x"]))
                if key in ("bastion", "host", "port"):
                    self.check_block(self.check(f"{key} = {name}", "client-config", "--user", "x"))
            file.write_bytes(value)
            self.check(f"a file of {name}", "status", "--user")
            file.unlink()

    def check_block(self, block: bytes) -> None:
        """What ssh reads from a block of client-config runs no command."""
        file = self.root / "block"
        file.write_bytes(block)
        for alias in re.findall(rb"^Host (\S+)$", block, re.MULTILINE):
            done = subprocess.run(["ssh", "-G", "-F", str(file), "--", alias], capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertNotRegex(done.stdout, r"(?m)^(proxycommand|localcommand|knownhostscommand|permitlocalcommand yes)")

    def test_names_of_files(self) -> None:
        self.tunnels.mkdir(parents=True, mode=0o700)
        for name, value in self.values.items():
            if b"\0" in value or b"/" in value or len(value) > 200:
                continue
            file = os.path.join(os.fsencode(self.tunnels), value + b".conf")
            pathlib.Path(os.fsdecode(file)).write_text(f"port = 2222\nbastion = {GATE}\n")
            for words in (("status",), ("status", "--json"), ("ensure", "-v"), ("client-config",)):
                self.check(f"the file {name}", *words, "--user")
            os.unlink(file)

    def test_kept_state(self) -> None:
        """What another user of the tunnel, or an attacker in its account, wrote into its state."""
        self.tunnels.mkdir(parents=True, mode=0o700)
        (self.tunnels / "x.conf").write_text(f"port = 2222\nbastion = {GATE}\nbackend = nohup\n"
                                             f"runtime-dir = {self.root}/run\n")
        (self.tunnels / "x.conf").chmod(0o600)
        host = subprocess.run(["hostname"], capture_output=True, text=True, check=True).stdout.strip()
        state = self.home / ".local/state/holdfast" / host
        state.mkdir(parents=True, mode=0o700)
        run = self.root / "run"
        run.mkdir(mode=0o700)
        for name, value in self.values.items():
            text = json.dumps(value.decode(errors="surrogateescape"))
            (state / "x.log").write_bytes(b"2026-11-22T10:00:00Z " + value.replace(b"\n", b" ") + b"\nlast\n")
            (state / "x.history").write_text(f'{{"at":"2026-11-22T10:00:00Z","from":"up","to":"waiting","reason":{text}}}\n')
            (state / "x.uptime").write_bytes(value)
            (state / "x.processes").write_bytes(value)
            (state / "x.setup").write_bytes(value)
            (run / "x.live").write_bytes(b'{"state":"up","message":' + text.encode() + b"}")
            for words in (("logs", "x"), ("logs", "x", "--json"), ("status", "x"), ("status", "--json")):
                self.check(f"state of {name}", *words, "--user", statuses=(0, 3))

    def test_what_other_programs_print(self) -> None:
        """Crontabs and start-up files that import reads, and programs that backends ask."""
        for name, value in self.few.items():
            one_line = value.replace(b"\n", b" ")
            for line in (b"@reboot autossh -M 0 -N -R 2222:localhost:22 gate@" + one_line,
                         b"@reboot autossh -M 0 -N -o " + one_line + b" -R 2222:localhost:22 gate@bastion",
                         b"@reboot autossh -M 0 -N -i '" + one_line + b"' -R 2222:localhost:22 gate@bastion", value):
                (self.root / "table").write_bytes(line + b"\n")
                self.fake("crontab", f"cat {shlex.quote(str(self.root / 'table'))}")
                self.check(f"crontab with {name}", "import", "--dry-run", "--crontab")
                (self.home / ".bashrc").write_bytes(line.replace(b"@reboot ", b"") + b"\n")
                self.check(f".bashrc with {name}", "import", "--dry-run", "--json")
            (self.root / "shown").write_bytes(value)
            for program in ("systemctl", "tmux", "screen", "loginctl", "busctl", "getent"):
                self.fake(program, f"cat {shlex.quote(str(self.root / 'shown'))}")
            self.check(f"programs that print {name}", "doctor", "--user")
            for program in self.programs.iterdir():
                program.unlink()

    def fake(self, name: str, script: str) -> None:
        (self.programs / name).write_text(f"#!/bin/sh\n{script}\n")
        (self.programs / name).chmod(0o755)

    def test_ssh_configuration(self) -> None:
        directory = self.home / ".ssh"
        directory.mkdir(mode=0o700)
        self.tunnels.mkdir(parents=True, mode=0o700)
        (self.tunnels / "x.conf").write_text("port = 2222\nbastion = lab\nbackend = nohup\n")
        (self.tunnels / "x.conf").chmod(0o600)
        wrapper = f'exec {shlex.quote(str(self.real_ssh()))} -F {shlex.quote(str(directory / "config"))} "$@"'
        self.fake("ssh", f'[ "$1" = -V ] && exec {shlex.quote(str(self.real_ssh()))} -V; {wrapper}')
        for name, value in self.few.items():
            for line in (b"Host " + value, b"Host lab\n  HostName " + value, b"Host lab\n  User " + value,
                         b"Host lab\n  HostKeyAlias " + value, b"Host lab\n  IdentityFile " + value, value):
                (directory / "config").write_bytes(line + b"\n  ConnectTimeout 1\n")
                self.check(f"{line[:20]!r} {name}", "client-config", "--user", "x")
            self.check(f"aliases {name}", "doctor", "--user", "-b", "lba")

    @staticmethod
    def real_ssh() -> str:
        return subprocess.run(["which", "ssh"], capture_output=True, text=True, check=True).stdout.strip()

    def test_banners_of_servers(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            current = [b""]

            def serve() -> None:
                while True:
                    try:
                        visitor, _ = listener.accept()
                    except OSError:
                        return
                    with visitor:
                        visitor.sendall(current[0])

            server = threading.Thread(target=serve)
            server.start()
            try:
                for name, value in self.few.items():
                    for banner in (value + b"\r\n", b"SSH-2.0-" + value + b"\r\n"):
                        current[0] = banner
                        self.check(f"a banner of {name}", "doctor", "--user", "-b", f"gate@127.0.0.1:{port}")
            finally:
                listener.shutdown(socket.SHUT_RDWR)
                server.join()

    def test_comments_of_keys(self) -> None:
        key = self.root / "key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
        kind, public = (self.root / "key.pub").read_text().split()[:2]
        for name, value in self.values.items():
            (self.root / "key.pub").write_bytes(f"{kind} {public} ".encode() + value + b"\n")
            line = self.check(f"a comment of {name}", "authorize", "--user", "-b", GATE, "-p", "2222", "-s", str(key))
            self.assertLessEqual(len(line.decode().splitlines()), 1, name)
            self.check(f"a comment of {name}", "authorize", "--user", "-b", GATE, "-p", "2222", "-s", str(key), "--json")

    def test_agents(self) -> None:
        for name, value in self.values.items():
            text = value.decode(errors="surrogateescape")
            calls = [{"name": tool, "arguments": {argument: text}} for tool, arguments in {
                "tunnel_setup": ("port", "bastion_server", "secret_key_path", "name"),
                "tunnel_status": ("port",), "tunnel_remove": ("port",), "tunnel_doctor": ("bastion_server",),
                "tunnel_logs": ("name",)}.items() for argument in arguments]
            calls.append({"name": "tunnel_setup", "arguments": {"port": 2222, "bastion_server": GATE, "ssh_options": [text]}})
            calls.append({"name": text, "arguments": {}})
            lines: list[dict[str, Any]] = [{"id": 0, "method": "initialize", "params": {
                "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": text, "version": text}}}]
            lines += [{"id": number, "method": "tools/call", "params": call} for number, call in enumerate(calls, 1)]
            talk = b"".join(json.dumps({"jsonrpc": "2.0", **line}).encode() + b"\n" for line in lines)
            answers = self.check(f"an agent that says {name}", "mcp", "start", stdin=talk)
            self.assertEqual(len([json.loads(line) for line in answers.splitlines()]), len(lines), name)

    def test_python(self) -> None:
        import holdfast
        saved = dict(os.environ)
        self.addCleanup(lambda: (os.environ.clear(), os.environ.update(saved)))
        os.environ.update({**self.env, "HOLDFAST_PROGRAM": str(pathlib.Path(PROGRAM).resolve())})
        for name, value in {**self.few, "nul": self.values["nul"]}.items():
            text = os.fsdecode(value)
            for call in (lambda: holdfast.setup(text, GATE, dry_run=True, no_preflight=True, user=True),
                         lambda: holdfast.setup(2222, text, name="x", dry_run=True, no_preflight=True, user=True),
                         lambda: holdfast.setup(2222, GATE, text, name="x", dry_run=True, no_preflight=True, user=True),
                         lambda: holdfast.setup(2222, GATE, ssh_option=[text], dry_run=True, no_preflight=True, user=True),
                         lambda: holdfast.status(text), lambda: holdfast.remove(text)):
                try:
                    done = call()
                except ValueError as refused:  # a NUL byte
                    self.assertEqual(name, "nul", refused)
                    continue
                self.assertFalse(self.canary.exists(), name)
                self.assertNotRegex(done["stderr"], UNSAFE, name)
                self.assertIn(done["exit_status"], range(6), name)


if __name__ == "__main__":
    main()
