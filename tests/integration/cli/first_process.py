#!/usr/bin/env python3
"""`holdfast run` as pid 1 of a container: it reaps every process whose parent ended, and SIGTERM ends all."""
from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import unittest

from case import PROGRAM, TunnelTest, is_alive, main, until


def children(pid: int) -> dict[int, str]:
    """The children of a process, and the state of each: "Z" is a zombie."""
    found = {}
    for entry in pathlib.Path("/proc").iterdir():
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split() if entry.name.isdigit() else []
        except OSError:
            continue
        if fields and int(fields[1]) == pid:
            found[int(entry.name)] = fields[0]
    return found


@unittest.skipUnless(os.getuid() == 0, "only root can make a pid namespace without a user namespace")
class FirstProcess(TunnelTest):
    def test_it_reaps_orphans_and_ends_all_at_sigterm(self) -> None:
        self.set_up()
        self.run_holdfast("stop", "--user", self.name)
        container = subprocess.Popen(["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", PROGRAM, "run", "--user",
                                      self.name], env=self.env, stdin=subprocess.DEVNULL, cwd=self.root)
        self.addCleanup(container.wait)
        self.addCleanup(container.kill)
        until("its port", lambda: self.banner() == b"SSH-")
        first, = children(container.pid)
        enter = ["nsenter", "-t", str(first), "-p", "-m"]
        # The parent of this sleep ends at once: the kernel gives it to pid 1.
        subprocess.run([*enter, "sh", "-c", "(sleep 0.3 &) ; (sleep 4569 &)"], check=True)
        until("the orphans", lambda: len(children(first)) >= 2)
        until("the ended one to be reaped", lambda: "Z" not in children(first).values() and len(children(first)) == 2)
        everybody = [first, *children(first)]
        os.kill(first, signal.SIGTERM)
        self.assertEqual(container.wait(30), 0)
        self.assertEqual([pid for pid in everybody if is_alive(pid)], [])
        self.assertEqual(self.banner(), b"")


if __name__ == "__main__":
    main()
