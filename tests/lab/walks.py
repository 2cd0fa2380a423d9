#!/usr/bin/python3
"""Types the commands of README.md and docs/ on a fresh host, as five users: a cluster account, a host that ends every process
at logout, root, an agent, a Python program."""
from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

from lab import LabTest, Session, User, main, program, until

HOUSE = Path(__file__).resolve().parents[2]
# A stand-in for sudo: with its own PATH and only the caller's name.
SUDO = '#!/bin/sh\nexec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root USER=root ' \
       'LOGNAME=root SUDO_USER=rita "$@"\n'


def page(name: str) -> str:
    return (HOUSE / name).read_text(encoding="utf-8")


def block(name: str, after: str, language: str = "sh") -> str:
    """The first code block of a page after `after`."""
    text = page(name)
    return text[text.index(after):].split(f"```{language}\n", 1)[1].split("```", 1)[0]


class Walks(LabTest):
    def newcomer(self, name: str) -> User:
        """A user with a copy of the source and of the built program, whose key the bastion accepts."""
        user = self.person(name)
        self.lab.workstation.put(program(), f"{user.home}/holdfast/build/static/holdfast", user=name)
        return user

    def quick_start(self, session: Session) -> str:
        """Copies the static file and sets a tunnel up. Returns the output. The build itself was done elsewhere."""
        build, copy = block("README.md", "**As one static file").split("\n", 1)
        self.assertTrue(build.startswith("cmake --preset static"))
        lines = copy + block("README.md", "## Quick start")
        return session.run(f"set -e; cd holdfast; exec 2>&1\n{lines}").stdout

    def write_until_the_end(self, file: str, text: str, undo: str) -> None:
        host = self.lab.workstation
        host.write_file(file, text)
        self.addCleanup(host.run, ["sh", "-c", f"rm -f {file}; {undo}"])

    def without_managers(self) -> None:
        """A login node: no user manager, no cron for users."""
        host = self.lab.workstation
        host.run(["systemctl", "mask", "user@.service"])
        self.addCleanup(host.run, ["systemctl", "unmask", "user@.service"])
        self.write_until_the_end("/etc/cron.allow", "", "true")

    def test_a_cluster_account_follows_the_quick_start(self) -> None:
        self.without_managers()
        with self.lab.workstation.login(self.newcomer("hana")) as session:
            said = self.quick_start(session)
            self.assertIn("tunnel 2222 is up: verified end to end", said)
            self.assertRegex(said, r"passed over cron: .*use cron")
            self.assertRegex(said, r"2222 +up ")
            self.assertEqual(self.lab.bastion.ssh_through(2222, "hana", "hostname"), "workstation\n")
            session.run(".local/bin/holdfast remove 2222")

    def test_the_hook_helps_on_a_host_that_ends_processes(self) -> None:
        self.without_managers()
        host = self.lab.workstation
        self.kill_processes_at_logout()
        hugo = self.newcomer("hugo")
        hook, = set(re.findall(r"`(holdfast hook --install)` as well", page("README.md")))
        with host.login(hugo) as session:
            self.assertIn("the tunnel ends when you log out, and nothing starts it again", self.quick_start(session))
            session.run(f'PATH="$HOME/.local/bin:$PATH"; {hook}')
        until("the tunnel to end with the login", lambda: self.lab.bastion.banner(2222, timeout=0.5) is None, 30)
        with host.login(hugo) as session:
            shell = session.shell()
            shell.expect(r"\$ ")
            until("the next login to start it", lambda: self.lab.bastion.banner(2222), 20)
            session.run(".local/bin/holdfast remove 2222; .local/bin/holdfast hook --remove")
            shell.send("exit\n")
            shell.close()

    def test_root_follows_the_quick_start(self) -> None:
        host = self.lab.workstation
        rita = self.newcomer("rita")
        self.write_until_the_end("/usr/local/bin/sudo", SUDO, "rm -f /usr/local/bin/holdfast")
        host.run(["chmod", "755", "/usr/local/bin/sudo"])
        lines = block("README.md", "| root on your own machine")
        said = host.run(["sh", "-ec", f"cd {rita.home}/holdfast; exec 2>&1\n{lines}"]).stdout
        self.assertIn("tunnel 2222 is up: verified end to end", said)
        self.assertRegex(said, r"2222 +up .*systemd-system")
        self.assertTrue(host.pids("holdfast", user="rita"))
        host.run(["/usr/local/bin/sudo", "holdfast", "remove", "2222"])

    def test_an_agent_uses_the_printed_configuration(self) -> None:
        with self.lab.workstation.login(self.newcomer("mia")) as session:
            self.quick_start(session)
            command = 'PATH="$HOME/.local/bin:$PATH"; '
            printed = session.run(command + "holdfast mcp installation").stdout
            told = json.loads(printed[printed.index("\n{"):printed.index("\n}") + 2])["mcpServers"]["holdfast"]
            self.assertIn("6 tools", session.run(command + "holdfast mcp doctor").stdout)
            hello = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
                "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "walk", "version": "1"}}}
            ask = {"jsonrpc": "2.0", "id": 2, "method": "tools/call",
                   "params": {"name": "tunnel_remove", "arguments": {"port": 2222}}}
            # A client starts it without a shell and without our PATH.
            with subprocess.Popen(session.argv("exec env -i HOME=$HOME " + " ".join([told["command"], *told["args"]])),
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
                assert server.stdin and server.stdout
                answers = []
                for message in (hello, ask):
                    server.stdin.write(json.dumps(message) + "\n")
                    server.stdin.flush()
                    answers.append(json.loads(server.stdout.readline()))
                server.stdin.close()
            self.assertEqual(answers[0]["result"]["serverInfo"]["name"], "holdfast")
            self.assertTrue(answers[1]["result"]["structuredContent"]["success"], answers[1])

    def test_the_python_example_runs(self) -> None:
        pia = self.newcomer("pia")
        for file in (HOUSE / "python").rglob("*.py"):
            self.lab.workstation.put(file, f"{pia.home}/holdfast/{file.relative_to(HOUSE)}", "644", "pia")
        with self.lab.workstation.login(pia) as session:
            self.quick_start(session)
            session.run(".local/bin/holdfast remove 2222")
            path, script = block("docs/python.md", "# Python"), block("docs/python.md", "# Python", "python")
            said = session.run(f'PATH="$HOME/.local/bin:$PATH"; cd holdfast\n{path}\nexec python3 -', stdin=script).stdout
        self.assertIn("'name': 'lab', 'state': 'up', 'verified': True", said)
        self.assertRegex(said, r"(?m)^True$")
        self.assertIn("'removed': [{'name': 'lab'", said)


if __name__ == "__main__":
    main()
