#!/usr/bin/env python3
"""The README's picture: what a terminal was sent is drawn, letter by letter, in its place and its colour."""
from __future__ import annotations

import pathlib
import sys
import xml.etree.ElementTree as xml

from house import PROGRAM, TunnelHouse, main
from watch import Seat

HOUSE = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(HOUSE / "scripts"))

from terminal_svg import CELL, MARGIN, svg  # noqa: E402

TEXT = "{http://www.w3.org/2000/svg}text"


def lines_of(picture: str) -> list[str]:
    """The screen again: each text at the column where it was put."""
    rows: dict[float, str] = {}
    for text in xml.fromstring(picture).iter(TEXT):
        y, column = float(text.attrib["y"]), round((float(text.attrib["x"]) - MARGIN) / CELL)
        rows[y] = rows.get(y, "").ljust(column) + (text.text or "")
    return list(rows.values())


class Picture(TunnelHouse):
    def test_a_real_setup_is_drawn_as_it_was_seen(self) -> None:
        seat = Seat([PROGRAM, *self.arguments()], {**self.env, "TERM": "xterm"}, columns=200)
        self.addCleanup(seat.close)
        self.assertEqual(seat.await_end(), 0, seat.seen)
        while seat.read(0):
            pass
        picture = svg(seat.seen, "setup")
        lines = lines_of(picture)
        self.assertTrue(any(line.startswith("✓ key accepted  in ") for line in lines), lines)
        self.assertTrue(any(line.startswith(f"tunnel {self.name} is up: verified") for line in lines), lines)
        self.assertIn('class="green">✓<', picture)
        self.assertNotIn("\x1b", picture)
        self.assertLess(len(picture), 30_000)
        table = self.run_holdfast("status", "--user").stdout
        self.assertEqual(lines_of(svg(table, "status")), table.splitlines())

    def test_hostile_bytes_stay_text(self) -> None:
        self.assertEqual(lines_of(svg("<&>\"']]>  \x1b[31m</text>\x1b[0m\n", "<title>")), ["<&>\"']]>  </text>"])

    def test_a_line_that_is_written_over_is_seen_as_it_ended(self) -> None:
        self.assertEqual(lines_of(svg("wait…\rdone\x1b[K\r\nnext\x1b[?25h\n", "")), ["done", "next"])

    def test_what_would_be_drawn_in_a_wrong_place_is_not_drawn(self) -> None:
        with self.assertRaises(ValueError):
            svg("up\x1b[3Athere", "")


if __name__ == "__main__":
    main()
