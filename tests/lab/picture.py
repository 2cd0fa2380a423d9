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
DURATION = r"\d+(\.\d+)? (ms|s|min|h|%)"
CHANGING = re.compile(rf"\d{{4}}-\d\d-\d\d [\d:]+ \w+|{DURATION}( {DURATION})*|-9 \d+|\d+, ssh \d+|[·▁▂▃▄▅▆▇█]+(?= …)")


def said(picture: str) -> tuple[list[str], list[str]]:
    """Its rows without the parts that change at every run, and the rows of the history. A slow machine may have more of
    these."""
    rows: dict[str, list[str]] = {}
    for text in xml.fromstring(picture).iter(TEXT):
        rows.setdefault(text.get("y", ""), []).append(text.text or "")
    lines = [CHANGING.sub("…", CHANGING.sub("…", re.sub(r"(?<=[·▁▂▃▄▅▆▇█]) (?=[·▁▂▃▄▅▆▇█])", "", " ".join(row))))
             for row in rows.values()]
    lines = [re.sub("^(round trip|last day|last week) .*", r"\1 …", line) for line in lines]
    history = next(number for number, line in enumerate(lines) if line.startswith("history"))
    return lines[:history], [line.removeprefix("history ") for line in lines[history:]]


class Picture(unittest.TestCase):
    def test_the_picture_shows_what_the_program_prints(self) -> None:
        with tempfile.TemporaryDirectory(prefix="hf-picture-") as directory:
            file = Path(directory) / "picture.svg"
            done = subprocess.run([sys.executable, TREE / "scripts/picture", file], text=True, timeout=300,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            self.assertEqual(done.returncode, 0, done.stdout)
            fresh = file.read_text(encoding="utf-8")
        rows, history = said(fresh)
        self.assertIn("tunnel lab is up: verified end to end in …", rows)
        self.assertIn("workstation", rows, "the laptop's ssh printed the name of the workstation")
        self.assertIn("… up → connecting: ssh was killed by signal 9", history)
        committed = (TREE / "docs/terminal.svg").read_text(encoding="utf-8")
        shown, shown_history = said(committed)
        self.assertEqual(rows, shown, "the output has changed: run scripts/picture")
        self.assertLessEqual(set(shown_history), set(history), "the output has changed: run scripts/picture")
        self.assertLess(len(committed), 30_000)


if __name__ == "__main__":
    main()
