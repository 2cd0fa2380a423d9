#!/usr/bin/env python3
"""What a user's shell, scripts and habits do around holdfast: descriptors that are closed, readers that go away, the
ways in which ssh's users write a bastion, and what is said of what was or would be done."""
from __future__ import annotations

import os
import pathlib
import subprocess

from house import PROGRAM, House, TunnelHouse, main

class Descriptors(TunnelHouse):
    def without(self, *closed: int, arguments: list[str]) -> int:
        """holdfast, started without these of the standard descriptors."""
        redirections = " ".join(f"{number}>&-" for number in closed)
        return subprocess.run(["sh", "-c", f'exec "$0" "$@" {redirections}', PROGRAM, *arguments], env=self.env,
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              timeout=60, check=False).returncode

    def test_a_supervisor_has_them_all(self) -> None:
        """Its lock would be its standard output, and be written into by the first who says something."""
        self.set_up()
        self.assertEqual(self.run_holdfast("stop", "--user", self.name).returncode, 0)
        self.without(0, 1, 2, arguments=["start", "--user", self.name])
        supervisor = pathlib.Path(f"/proc/{self.await_up()['supervisor_pid']}/fd")
        self.assertEqual([os.readlink(supervisor / number) for number in "012"], ["/dev/null"] * 3)

    def test_an_answer_to_nobody_is_still_a_failure(self) -> None:
        self.assertEqual(self.without(1, arguments=["version"]), 1)


class Readers(House):
    def test_one_that_has_seen_enough_is_no_failure(self) -> None:
        reads, writes = os.pipe()
        os.close(reads)
        with os.fdopen(writes, "w") as pipe:
            done = self.run_holdfast("--help-recursive", stdout=pipe)
        self.assertEqual((done.returncode, done.stderr), (0, ""))


if __name__ == "__main__":
    main()
