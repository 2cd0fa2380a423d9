"""Tables that a program writes into a document."""
from __future__ import annotations

from pathlib import Path


def put_between_marks(path: Path, marks: tuple[str, str], text: str) -> None:
    """Replaces the text between the two marks; the rest of the file stays."""
    before, begin, rest = path.read_text(encoding="utf-8").partition(marks[0])
    _, end, after = rest.partition(marks[1])
    if not begin or not end:
        raise AssertionError(f"{path} has no marks {marks[0].strip()} … {marks[1].strip()}")
    path.write_text(f"{before}{begin}{text}{end}{after}", encoding="utf-8")
