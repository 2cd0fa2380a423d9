"""What a terminal was sent, as a small SVG: text stays text, light and dark follow the reader's own choice."""
from __future__ import annotations

import re
from typing import Iterator, NamedTuple
from xml.sax.saxutils import escape

SIZE, CELL, LINE, MARGIN = 14, 8.4, 20, 18  # pixels; CELL is 0.6 em, what most monospace fonts have
SEQUENCE = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])|\x1b\][^\x07]*\x07|\x1b[=>()][0B]?")
NAMES = {"1": "bold", "2": "dim", "31": "red", "32": "green", "33": "yellow"}
LIGHT = {"back": "#ffffff", "edge": "#d0d7de", "text": "#1f2328", "dim": "#656d76", "red": "#cf222e",
         "green": "#1a7f37", "yellow": "#9a6700"}
DARK = {"back": "#0d1117", "edge": "#30363d", "text": "#e6edf3", "dim": "#8b949e", "red": "#ff7b72",
        "green": "#3fb950", "yellow": "#d29922"}


class Cell(NamedTuple):
    character: str
    style: str


Row = list[Cell]


def rows_of(sent: str) -> list[Row]:
    """The screen's lines: colours, returns and line breaks are understood, which is all that our commands send.
    Anything that moves the cursor elsewhere is a ValueError: it would be drawn in a wrong place."""
    rows: list[Row] = [[]]
    column, style, at = 0, "", 0
    while at < len(sent):
        if found := SEQUENCE.match(sent, at):
            at = found.end()
            arguments, verb = found.groups()
            if verb == "m":
                style = " ".join(NAMES[code] for code in arguments.split(";") if code in NAMES)
            elif verb == "K" and arguments in ("", "0"):
                del rows[-1][column:]
            elif verb is not None and not arguments.startswith("?"):
                raise ValueError(f"a terminal sequence that is not drawn: {found.group()!r}")
            continue
        character, at = sent[at], at + 1
        if character == "\n":
            rows.append([])
            column = 0
        elif character == "\r":
            column = 0
        elif character == "\b":
            column = max(0, column - 1)
        elif character >= " ":
            rows[-1] += [Cell(" ", "")] * (column - len(rows[-1]))
            rows[-1][column:column + 1] = [Cell(character, style)]
            column += 1
    while rows and not "".join(cell.character for cell in rows[-1]).strip():
        rows.pop()
    return rows


def words_of(row: Row) -> Iterator[tuple[int, str, str]]:
    """(column, text, style) of each stretch in one style; two spaces end one, so that columns stand where they stood."""
    text = "".join(cell.character for cell in row)
    for found in re.finditer(r"\S+(?: \S+)*", text):
        begin = found.start()
        for at in range(found.start() + 1, found.end() + 1):
            if at == found.end() or row[at].style != row[begin].style:
                if stretch := text[begin:at].strip():
                    yield begin + len(text[begin:at]) - len(text[begin:at].lstrip()), stretch, row[begin].style
                begin = at


def colours(of: dict[str, str]) -> str:
    marks = "".join(f".{name}{{fill:{of[name]}}}" for name in ("dim", "red", "green", "yellow"))
    return f"rect{{fill:{of['back']};stroke:{of['edge']}}}text{{fill:{of['text']}}}{marks}"


def svg(sent: str, title: str) -> str:
    rows = rows_of(sent)
    width = round(max(len(row) for row in rows) * CELL + 2 * MARGIN)
    height = len(rows) * LINE + 2 * MARGIN - (LINE - SIZE)
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
             ' role="img">',
             f"<title>{escape(title)}</title>",
             "<style>",
             f"text{{font:{SIZE}px ui-monospace,SFMono-Regular,Menlo,'DejaVu Sans Mono','Liberation Mono',monospace;"
             "white-space:pre}.bold{font-weight:bold}",
             colours(LIGHT),
             f"@media(prefers-color-scheme:dark){{{colours(DARK)}}}",
             "</style>",
             f'<rect x=".5" y=".5" width="{width - 1}" height="{height - 1}" rx="8"/>']
    for number, row in enumerate(rows):
        y = MARGIN + number * LINE + SIZE - 3
        for column, text, style in words_of(row):
            mark = f' class="{style}"' if style else ""
            x, length = MARGIN + column * CELL, len(text) * CELL
            lines.append(f'<text x="{x:g}" y="{y}" textLength="{length:g}"{mark}>{escape(text)}</text>')
    return "\n".join([*lines, "</svg>", ""])
