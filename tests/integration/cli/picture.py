#!/usr/bin/env python3
"""The README's picture shows the output of a terminal with positions and colours."""
from __future__ import annotations

import pathlib
import sys
import xml.etree.ElementTree as xml

from case import PROGRAM, TunnelTest, main
from watch import Terminal

HOUSE = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(HOUSE / "scripts"))

from terminal_svg import CELL, MARGIN, folded, svg  # noqa: E402

TEXT = "{http://www.w3.org/2000/svg}text"


def lines_of(picture: str) -> list[str]:
    """The lines of the screen, from the texts and their columns."""
    rows: dict[float, str] = {}
    for text in xml.fromstring(picture).iter(TEXT):
        y, column = float(text.attrib["y"]), round((float(text.attrib["x"]) - MARGIN) / CELL)
        rows[y] = rows.get(y, "").ljust(column) + (text.text or "")
    return list(rows.values())


class Picture(TunnelTest):
    def test_draws_a_real_setup(self) -> None:
        terminal = Terminal([PROGRAM, *self.arguments()], {**self.env, "TERM": "xterm"}, columns=200)
        self.addCleanup(terminal.close)
        self.assertEqual(terminal.await_end(), 0, terminal.seen)
        while terminal.read(0):
            pass
        picture = svg(terminal.seen, "setup")
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

    def test_draws_the_last_state_of_an_overwritten_line(self) -> None:
        self.assertEqual(lines_of(svg("wait…\rdone\x1b[K\r\nnext\x1b[?25h\n", "")), ["done", "next"])

    def test_folds_ticked_lines(self) -> None:
        output = "$ setup\n✓ a\n✓ b\n✓ c\nup\n✓ d\n"
        self.assertEqual(lines_of(svg(folded(output, "b"), "")), ["$ setup", "⋮ 1 more", "✓ b", "⋮ 1 more", "up",
                                                                  "⋮ 1 more"])
        self.assertEqual(folded(output, "✓"), output)

    def test_refuses_unsupported_escape_sequences(self) -> None:
        with self.assertRaises(ValueError):
            svg("up\x1b[3Athere", "")


if __name__ == "__main__":
    main()
