#!/usr/bin/env python3
"""Checks the Markdown pages.

    check.py links DIRECTORY       every relative link leads to a file there, and every anchor to a heading
    check.py length PAGE WORDS     the page has at most WORDS words
"""

import pathlib
import re
import sys

CODE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")


def pages(top):
    for page in sorted(top.rglob("*.md")):
        parts = page.relative_to(top).parts
        if not any(part == "build" or part.startswith(".") for part in parts):
            yield page


def anchors(page):
    """As GitHub makes them from headings."""
    for heading in re.findall(r"^#+ (.+)$", CODE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE):
        yield re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def broken_links(top):
    checked = 0
    for page in pages(top):
        for link in LINK.findall(CODE.sub("", page.read_text(encoding="utf-8"))):
            if re.match(r"[a-z]+:", link):
                continue
            checked += 1
            path, _, anchor = link.partition("#")
            target = (page.parent / path).resolve() if path else page
            if not target.exists():
                yield f"{page.relative_to(top)}: {link}: no such file"
            elif anchor and anchor not in anchors(target):
                yield f"{page.relative_to(top)}: {link}: no such heading"
    if not checked:
        yield f"{top}: no link found"


def too_long(page, most):
    words = len(page.read_text(encoding="utf-8").split())
    if words > most:
        yield f"{page.name}: {words} words, and {most} are allowed"


def main(arguments):
    if len(arguments) == 2 and arguments[0] == "links":
        found = list(broken_links(pathlib.Path(arguments[1]).resolve()))
    elif len(arguments) == 3 and arguments[0] == "length":
        found = list(too_long(pathlib.Path(arguments[1]), int(arguments[2])))
    else:
        print(__doc__)
        return 2
    for complaint in found:
        print(complaint)
    return 1 if found else 0


sys.exit(main(sys.argv[1:]))
