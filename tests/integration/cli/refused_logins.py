#!/usr/bin/env python3
"""Bastions ban machines, not tunnels: how many refused logins all tunnels of a user make together."""
from __future__ import annotations

import json
import re
import shutil
import time
import unittest

from case import TunnelTest, free_port, main, until

LIMIT = 4  # in 10 minutes: fail2ban bans after 5 by default
SECONDS = 60  # three tunnels that did not know of each other would make nine refused logins


class RefusedLogins(TunnelTest):
    def refused(self) -> int:
        """The logins that sshd refused, by the client's port."""
        log = (self.bastion.directory / "log").read_text()
        return len(set(re.findall(r"Connection (?:closed|reset) by authenticating user \S+ \S+ port (\d+)", log)))

    @unittest.skipUnless(shutil.which("autossh"), "autossh is not installed")
    def test_tunnels_of_both_engines_share_one_budget(self) -> None:
        names = [self.name, self.name + "b", self.name + "c"]
        for name, engine in zip(names, ("native", "native", "autossh")):
            self.addCleanup(self.run_holdfast, "remove", "--user", name)
            arguments = self.arguments("--engine", engine, port=free_port())
            arguments[arguments.index(self.name)] = name
            done = self.run_holdfast(*arguments)
            self.assertEqual(done.returncode, 0, done.stderr)
        (self.bastion.directory / "authorized_keys").write_text("")
        began = time.monotonic()
        for tunnel in self.tunnels():
            self.kill(tunnel["ssh_pid"])
        until("every tunnel to know why", lambda: all(
            tunnel["state"] == "failed" and tunnel["last_error"]["class"] == "auth" for tunnel in self.tunnels()))
        until("a minute", lambda: time.monotonic() > began + SECONDS, SECONDS + 60)
        self.assertIn(self.refused(), range(1, LIMIT + 1))

    def tunnels(self) -> list[dict[str, object]]:
        return list(json.loads(self.run_holdfast("status", "--user", "--json").stdout)["tunnels"])


if __name__ == "__main__":
    main()
