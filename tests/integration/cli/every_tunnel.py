#!/usr/bin/env python3
"""start, stop and restart with --all: every tunnel, also after one that fails."""
from __future__ import annotations

import json
import re

from case import Done, TunnelTest, free_port, main


class EveryTunnel(TunnelTest):
    def setUp(self) -> None:
        super().setUp()
        self.other = f"{self.name}b"
        self.addCleanup(self.run_holdfast, "remove", "--user", self.other)
        self.set_up()
        words = self.arguments(port=free_port())
        words[words.index("-n") + 1] = self.other
        self.assertEqual(self.run_holdfast(*words).returncode, 0)
        self.tunnels = self.home / ".config/holdfast/tunnels"

    def control(self, *words: str, status: int = 0) -> Done[str]:
        done = self.run_holdfast(*words[:1], "--user", *words[1:])
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done

    def states(self) -> dict[str, str]:
        done = self.run_holdfast("status", "--user", "--json")
        return {tunnel["name"]: tunnel["state"] for tunnel in json.loads(done.stdout)["tunnels"]}

    def ssh_pids(self) -> list[int]:
        done = self.run_holdfast("status", "--user", "--json")
        return [tunnel["ssh_pid"] for tunnel in json.loads(done.stdout)["tunnels"]]

    def test_each_command_acts_on_every_tunnel(self) -> None:
        self.control("stop", "--all")
        self.assertEqual(self.states(), {self.name: "stopped", self.other: "stopped"})
        self.assertEqual(self.control("stop", "--all").stdout.count("was not running"), 2)
        self.assertEqual(self.control("start", "--all").stdout.count("verified end to end"), 2)
        before = self.ssh_pids()
        self.control("restart", "--all", "--keep-connection")
        self.assertEqual(self.ssh_pids(), before)
        self.control("restart", "--all")
        self.assertFalse(set(before) & set(self.ssh_pids()))
        self.assertEqual(self.states(), {self.name: "up", self.other: "up"})

    def test_one_that_fails_does_not_stop_the_others(self) -> None:
        self.control("stop", "--all")
        # The first by name, so that the others come after it.
        (self.tunnels / "a.conf").write_text("nonsense\n")
        (self.tunnels / "a.conf").chmod(0o600)
        for words in (("start",), ("restart",), ("restart", "--keep-connection")):
            done = self.control(*words, "--all", status=1)
            self.assertIn("a.conf", self.assert_reads_well(done))
            states = self.states()
            self.assertEqual((states[self.name], states[self.other]), ("up", "up"), words)
        self.control("stop", "--all")  # it needs no file
        self.assertNotIn("up", self.states().values())

    def test_one_that_does_not_come_up_gives_its_status(self) -> None:
        self.control("stop", "--all")
        file = self.tunnels / f"{self.name}.conf"
        file.write_text(file.read_text().replace(f"127.0.0.1:{self.bastion.port}\n", f"127.0.0.1:{free_port()}\n"))
        done = self.control("start", "--all", status=3)
        self.assertIn(f"tunnel {self.other} is up", done.stdout)
        self.assertIn("refused the connection", self.assert_reads_well(done))

    def test_tunnels_of_other_hosts_are_left_alone(self) -> None:
        file = self.tunnels / f"{self.other}.conf"
        text = file.read_text()
        file.write_text(re.sub("(?m)^host = .*", "host = elsewhere", text))
        self.assertNotIn(self.other, self.control("restart", "--all").stdout)
        file.write_text(text)
        self.assertEqual(self.states(), {self.name: "up", self.other: "up"})

    def test_usage(self) -> None:
        for words in (("start",), ("stop",), ("restart",), ("stop", "--all", self.name)):
            self.assert_reads_well(self.control(*words, status=2))
        self.assertEqual(self.states(), {self.name: "up", self.other: "up"})


if __name__ == "__main__":
    main()
