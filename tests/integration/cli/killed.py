#!/usr/bin/env python3
"""A setup that is killed half-way."""
from __future__ import annotations

import pathlib
import subprocess

from case import PROGRAM, TunnelTest, main, until


def processes_with(argument: str) -> list[str]:
    found = []
    for line in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if argument in line.read_text(errors="replace").split("\0"):
                found.append(line.parent.name)
        except OSError:
            continue
    return found


class Killed(TunnelTest):
    def test_a_check_ends_with_a_setup_that_is_killed(self) -> None:
        setup = subprocess.Popen([PROGRAM, *self.arguments()], env=self.env, cwd=self.root, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        scratch = self.runtime / f".check.{setup.pid}"
        until("the check to be logged in", (scratch / "ctl").is_socket)
        setup.kill()
        setup.wait(60)
        until("ssh to end", lambda: not processes_with(f"{scratch}/ctl"), timeout=10)
        self.set_up()
        self.assertFalse(scratch.exists())


if __name__ == "__main__":
    main()
