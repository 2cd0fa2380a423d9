#!/usr/bin/env python3
"""The official client of the Model Context Protocol calls every tool for a real tunnel."""
import json
import pathlib

from case import PROGRAM, TunnelTest, free_port, main
from official_client import install, meet


class Sdk(TunnelTest):
    def test_with_the_official_client(self) -> None:
        there = self.bastion.directory
        done = meet({"SERVER": json.dumps([str(pathlib.Path(PROGRAM).resolve()), "mcp", "start"]), "NAME": self.name,
                     "PORT": str(self.port), "TARGET": f"127.0.0.1:{self.bastion.port}", "KEY": str(there / "key"),
                     "BASTION": f"{self.user()}@127.0.0.1:{self.bastion.port}", "BACKEND": "nohup",
                     "FREE_PORT": str(free_port()), "BASTION_PID": str(self.bastion.process.pid)}, self.env)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"# pass [1-9]")
        self.assertRegex(done.stdout, r"# skipped 0")
        self.assert_nothing_changed("every tunnel of the test was removed")


if __name__ == "__main__":
    install()
    main()
