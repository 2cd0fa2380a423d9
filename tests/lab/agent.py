#!/usr/bin/python3
"""The official MCP client calls every tool on a booted host, where systemd runs the tunnel. The server is started over ssh
with the few environment variables that clients pass on."""
from __future__ import annotations

import json
import pathlib
import sys

from lab import UserTest, main

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "integration/mcp"))
from official_client import install, meet  # noqa: E402

PORT = 2222


class Agent(UserTest):
    def test_every_tool_works_with_the_official_client(self) -> None:
        host, ann = self.host, self.ann
        host.run(["rm", f"{ann.home}/.ssh/known_hosts"], user="ann")  # the agent must meet an unknown host key
        with host.login(ann) as session:
            before = host.snapshot()
            line = f"exec env -i HOME={ann.home} USER=ann PATH=/usr/bin:/bin {ann.home}/.local/bin/holdfast mcp start"
            done = meet({"SERVER": json.dumps(session.argv(line)), "NAME": "lab", "PORT": str(PORT),
                         "TARGET": "localhost:22", "KEY": ann.key, "BASTION": "gate@bastion", "BACKEND": "systemd-user",
                         "FREE_PORT": str(host.free_port())}, {"HOME": "/", "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"})
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertRegex(done.stdout, r"# fail 0\n")
            self.assertRegex(done.stdout, r"# skipped 1\n")  # it needs a bastion that the test can stop
            self.assertEqual(before.changes(host.snapshot()), [])


if __name__ == "__main__":
    install()
    main()
