#!/usr/bin/python3
"""Two builds from scratch in two directories give the same packages."""
from __future__ import annotations

import tempfile
import unittest
from pathlib import Path

from made import TREE, Packages, run


class Rebuild(unittest.TestCase):
    def test_two_builds_in_two_directories_are_identical(self) -> None:
        sums = []
        for place in ("a", "a-longer-place"):
            with tempfile.TemporaryDirectory(prefix="holdfast-rebuild-") as scratch:
                tree = Path(scratch) / place
                run("git", "-c", "safe.directory=*", "clone", "--quiet", "--no-hardlinks", TREE, tree)
                sums.append(Packages(tree, CCACHE_DISABLE="1").sums)
        self.assertEqual(sums[0], sums[1])


if __name__ == "__main__":
    unittest.main(verbosity=2)
