"""Builds the packages of a tree with scripts/package."""
from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

TREE = Path(__file__).resolve().parents[2]
sys.path.append(str(TREE / "tests"))
from clean_environment import clean_environment  # noqa: E402

clean_environment()


def skip(why: str) -> None:
    print(f"skipped: {why}")
    sys.exit(77)


def run(*command: str | Path, **options) -> str:
    """Returns its output. An AssertionError with that output if it failed."""
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False, **options)
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}"
    return done.stdout


class Packages:
    """The packages of `tree`. `environment` is added for scripts/package and must make no difference."""

    def __init__(self, tree: Path = TREE, umask: int = 0o022, **environment: str) -> None:
        run(tree / "scripts/package", env={**os.environ, **environment}, umask=umask)
        self.directory = tree / "build/packages"
        self.deb = next(self.directory.glob("holdfast_*.deb"))
        self.development = next(self.directory.glob("libholdfast-dev_*.deb"))
        self.archive = next(self.directory.glob("*.tar.gz"))
        self.sums = (self.directory / "SHA256SUMS").read_text(encoding="ascii")
