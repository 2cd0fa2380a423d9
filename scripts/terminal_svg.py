"""Draws terminal output as a small SVG: text stays text, and its colours follow the reader's light or dark theme."""
from __future__ import annotations

import re
from typing import Iterator, NamedTuple
from xml.sax.saxutils import escape

SIZE, CELL, LINE, MARGIN, BAR = 14, 8.4, 20, 18, 32  # pixels; CELL is 0.6 em, the width of most monospace fonts
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
    """The lines of the screen. It understands colours, returns and line breaks, because our commands send no others.
    It raises ValueError for a sequence that moves the cursor, because the text would be drawn in a wrong place."""
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
    """(column, text, style) of each stretch in one style. Two spaces end a stretch, so that columns stay aligned."""
    text = "".join(cell.character for cell in row)
    for found in re.finditer(r"\S+(?: \S+)*", text):
        begin = found.start()
        for at in range(found.start() + 1, found.end() + 1):
            if at == found.end() or row[at].style != row[begin].style:
                if stretch := text[begin:at].strip():
                    yield begin + len(text[begin:at]) - len(text[begin:at].lstrip()), stretch, row[begin].style
                begin = at


def folded(output: str, shown: str) -> str:
    """Replaces each group of ticked lines that do not match `shown` by their number."""
    lines: list[str] = []
    count = 0
    for line in [*output.split("\n"), ""]:
        is_hidden = "✓" in line and not re.search(shown, line)
        if count and not is_hidden:
            lines.append(f"\x1b[2m⋮ {count} more\x1b[0m")
            count = 0
        if is_hidden:
            count += 1
        else:
            lines.append(line)
    return "\n".join(lines[:-1])


def colours(of: dict[str, str]) -> str:
    marks = "".join(f".{name}{{fill:{of[name]}}}" for name in ("dim", "red", "green", "yellow"))
    return f"rect,path{{fill:{of['back']};stroke:{of['edge']}}}text{{fill:{of['text']}}}{marks}"


def svg(sent: str, title: str) -> str:
    rows = rows_of(sent)
    width = round(max(len(row) for row in rows) * CELL + 2 * MARGIN)
    height = BAR + len(rows) * LINE + 2 * MARGIN - (LINE - SIZE)
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
             ' role="img">',
             f"<title>{escape(title)}</title>",
             "<style>",
             f"text{{font:{SIZE}px ui-monospace,SFMono-Regular,Menlo,'DejaVu Sans Mono','Liberation Mono',monospace;"
             "white-space:pre}.bold{font-weight:bold}",
             colours(LIGHT),
             f"@media(prefers-color-scheme:dark){{{colours(DARK)}}}",
             "</style>",
             f'<rect x=".5" y=".5" width="{width - 1}" height="{height - 1}" rx="8"/>',
             f'<path d="M.5 {BAR}.5H{width - .5}"/>',
             *(f'<circle class="{style}" cx="{18 + 20 * number}" cy="{BAR / 2:g}" r="6"/>'
               for number, style in enumerate(("red", "yellow", "green")))]
    for number, row in enumerate(rows):
        y = BAR + MARGIN + number * LINE + SIZE - 3
        for column, text, style in words_of(row):
            mark = f' class="{style}"' if style else ""
            x, length = MARGIN + column * CELL, len(text) * CELL
            lines.append(f'<text x="{x:g}" y="{y}" textLength="{length:g}"{mark}>{escape(text)}</text>')
    return "\n".join([*lines, "</svg>", ""])
