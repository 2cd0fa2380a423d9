#!/usr/bin/python3
"""An agent's client, the official one, on a booted host: every tool against a tunnel that systemd holds. The server is
started through ssh, with the few variables that clients pass on."""
from __future__ import annotations

import json
import pathlib
import sys

from lab import Holdfast, LabTest, main

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "integration/mcp"))
from official_client import install, meet  # noqa: E402

PORT = 2222


class Agent(LabTest):
    def test_every_tool_with_the_official_client(self) -> None:
        host, bastion = self.lab.workstation, self.lab.bastion
        ann = host.add_user("ann")
        bastion.admit(ann)
        Holdfast(host, ann)
        host.run(["rm", f"{ann.home}/.ssh/known_hosts"], user="ann")  # the agent is to meet an unknown host key
        with host.login(ann) as session:
            before = host.snapshot()
            line = f"exec env -i HOME={ann.home} USER=ann PATH=/usr/bin:/bin {ann.home}/.local/bin/holdfast mcp start"
            done = meet({"SERVER": json.dumps(session.argv(line)), "NAME": "lab", "PORT": str(PORT),
                         "TARGET": "localhost:22", "KEY": ann.key, "BASTION": "gate@bastion", "BACKEND": "systemd-user",
                         "FREE_PORT": str(host.free_port())}, {"HOME": "/", "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"})
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertRegex(done.stdout, r"# fail 0\n")
            self.assertRegex(done.stdout, r"# skipped 1\n")  # a bastion that is stopped: where it is a process of ours
            self.assertEqual(before.changes(host.snapshot()), [])


if __name__ == "__main__":
    install()
    main()
