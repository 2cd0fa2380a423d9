#!/usr/bin/env python3
"""mcp list-tools, installation and doctor agree with the server."""
import json
import shlex
import shutil
import subprocess
from typing import Any

from case import PROGRAM, ProgramTest, main

INITIALIZE = {"id": 0, "method": "initialize", "params": {"protocolVersion": "2025-11-25"}}


def speak(argv: list[str], env: dict[str, str], *messages: dict[str, Any]) -> list[dict[str, Any]]:
    """The answers of a server to a whole session."""
    text = "".join(json.dumps({"jsonrpc": "2.0", **message}) + "\n" for message in (INITIALIZE, *messages))
    done = subprocess.run(argv, env=env, input=text, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return [json.loads(line)["result"] for line in done.stdout.splitlines()]


class Commands(ProgramTest):
    def test_lists_the_tools_of_the_server(self) -> None:
        tools = speak([PROGRAM, "mcp", "start"], self.env, {"id": 1, "method": "tools/list"})[1]["tools"]
        short = self.run_holdfast("mcp", "list-tools").stdout.splitlines()
        self.assertEqual([line for line in short if not line.startswith(" ")], [tool["name"] for tool in tools])
        long = self.run_holdfast("mcp", "list-tools", "-v").stdout
        for tool in tools:
            part = long[long.index(tool["name"] + "\n"):]
            for name in tool["inputSchema"]["properties"]:
                self.assertRegex(part, rf"(?m)^    {name} \(", tool["name"])
        self.assertTrue(all(len(line) <= 80 for line in long.splitlines()))

    def test_the_installation_starts_the_server(self) -> None:
        odd = self.root / "a dir's $(id)"
        odd.mkdir()
        program = odd / "holdfast"
        shutil.copy(PROGRAM, program)
        told = {"HOLDFAST_BASTION": "gate@bastion", "SCITEX_TUNNEL_SECRET_KEY_PATH": "/home/a b/it's"}

        def said(*more: str) -> str:
            return subprocess.run([str(program), "mcp", "installation", *more], env={**self.env, **told}, timeout=120,
                                  capture_output=True, text=True, check=True).stdout

        server = json.loads(said("--json"))["mcpServers"]["holdfast"]
        self.assertEqual(server, {"command": str(program), "args": ["mcp", "start"],
                                  "env": {**told, "HOLDFAST_BACKENDS": "nohup"}})
        answers = speak([server["command"], *server["args"]], self.env, {"id": 1, "method": "ping"})
        self.assertEqual((answers[0]["serverInfo"]["name"], answers[1]), ("holdfast", {}))
        text = said()
        self.assertIn(said("--json").strip(), text)
        claude, = (line for line in text.splitlines() if line.startswith("  claude mcp add "))
        words = shlex.split(claude)
        self.assertEqual(words[words.index("--") + 1:], [str(program), "mcp", "start"])
        given = dict(words[i + 1].split("=", 1) for i, word in enumerate(words) if word == "--env")
        self.assertEqual(given, server["env"])

    def test_the_doctor_tests_the_server(self) -> None:
        done = self.run_holdfast("mcp", "doctor", env={"HOLDFAST_BASTION": "gate@bastion"})
        self.assertIn(done.returncode, (0, 5), done.stderr)  # 5: as root where there is no systemd
        self.assertRegex(done.stdout, r"(?m)^protocol    2025-11-25, 6 tools, a session in \d+ ms$")
        self.assertIn("gate@bastion", done.stdout)
        self.assert_nothing_changed()

    def test_a_person_is_told_what_it_is_for(self) -> None:
        for words, says in ((("mcp",), "its subcommand is missing"), (("mcp", "strat"), "did you mean holdfast mcp start")):
            done = self.run_holdfast(*words)
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertIn(says, done.stderr)
        for words in (("mcp", "--help"), ("help", "mcp"), ("help", "mcp", "start"), ("mcp", "start", "--help")):
            done = self.run_holdfast(*words)
            self.assertEqual(done.returncode, 0)
            self.assertIn("usage: holdfast mcp", done.stdout)


if __name__ == "__main__":
    main(needs_sshd=False)
