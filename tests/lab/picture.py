#!/usr/bin/python3
"""The picture in README.md shows this program: a new recording must have the same text as docs/terminal.svg."""
from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as xml
from pathlib import Path

from lab import main

TREE = Path(__file__).resolve().parents[2]
TEXT = "{http://www.w3.org/2000/svg}text"
CHANGING = re.compile(r"\d{4}-\d\d-\d\d [\d:]+ \w+|\d+(\.\d+)? (ms|s|%|min)|-9 \d+|\d+, ssh \d+|[·▁▂▃▄▅▆▇█]{2,}|^[▁▂▃▄▅▆▇█]$")


def said(picture: str) -> list[str]:
    """Its texts, without the parts that change at every run."""
    return [CHANGING.sub("…", text.text or "") for text in xml.fromstring(picture).iter(TEXT)]


class Picture(unittest.TestCase):
    def test_the_picture_shows_what_the_program_prints(self) -> None:
        with tempfile.TemporaryDirectory(prefix="hf-picture-") as directory:
            file = Path(directory) / "picture.svg"
            done = subprocess.run([sys.executable, TREE / "scripts/picture", file], text=True, timeout=300,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            self.assertEqual(done.returncode, 0, done.stdout)
            fresh = file.read_text(encoding="utf-8")
        self.assertIn("tunnel lab is up: verified end to end in …", said(fresh))
        self.assertIn("workstation", said(fresh), "the laptop's ssh printed the name of the workstation")
        self.assertIn("up → connecting: ssh was killed by signal 9", said(fresh))
        committed = (TREE / "docs/terminal.svg").read_text(encoding="utf-8")
        self.assertEqual(said(fresh), said(committed), "the output has changed: run scripts/picture")
        self.assertLess(len(committed), 30_000)


if __name__ == "__main__":
    main()
