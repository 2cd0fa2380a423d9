#!/usr/bin/env python3
"""Checks the man pages, and that they agree with the program.

    check.py lint PAGE…             no warning of groff and mandoc, no dead cross reference, one sentence a
                                    line
    check.py classes PAGE SOURCE    holdfast.1 explains the failure classes of src/core/failure.cpp
    check.py options PAGE PROGRAM   holdfast.1 has the commands and options of `holdfast --help-recursive`
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys

SECTIONS = {"1": ["NAME", "SYNOPSIS", "DESCRIPTION", "ENVIRONMENT", "FILES", "EXIT STATUS", "EXAMPLES",
                  "DIAGNOSTICS", "SEE ALSO"],
            "5": ["NAME", "DESCRIPTION", "FILES", "EXAMPLES", "DIAGNOSTICS", "SEE ALSO"],
            "7": ["NAME", "DESCRIPTION", "ENVIRONMENT", "FILES", "EXAMPLES", "SEE ALSO"]}
# Sections that the help prints for every command, and their section in the man page.
COMMON = {"whose tunnels:": "Whose tunnels", "every command:": "Every command"}


def lint(pages):
    for page in pages:
        said = subprocess.run(["groff", "-mdoc", "-Tutf8", "-ww", "-z", page], capture_output=True, text=True)
        if said.returncode != 0 or said.stderr.strip():
            yield f"{page.name}: groff says: {said.stderr.strip() or said.returncode}"
        if shutil.which("mandoc"):
            said = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", page], capture_output=True, text=True)
            if said.returncode != 0 or said.stdout.strip():
                yield f"{page.name}: mandoc says: {said.stdout.strip() or said.returncode}"
        elif "CI" in os.environ:
            yield "mandoc is not installed"
        text = page.read_text(encoding="utf-8")
        headings = re.findall(r"^\.Sh (.+)$", text, re.MULTILINE)
        for wanted in SECTIONS[page.suffix[1:]]:
            if wanted not in headings:
                yield f"{page.name}: no section {wanted}"
        for name, section in re.findall(r"^\.(?:.* )?Xr (holdfast\S*) (\d)", text, re.MULTILINE):
            if not (page.parent / f"{name}.{section}").is_file():
                yield f"{page.name}: there is no {name}({section})"
        for number, line in enumerate(text.splitlines(), 1):
            if not line.startswith(".") and re.search(r"[a-z)][.?!] +[A-Z]", line):
                yield f"{page.name}:{number}: more than one sentence in a line"
            if line != line.rstrip():
                yield f"{page.name}:{number}: blanks at the end"


def options_in_page(page):
    """{"setup": {"-p", "--port", …}, …, "Whose tunnels": {…}} from the .Ss sections of COMMANDS and COMMON OPTIONS."""
    found, here, inside = {}, None, False
    for line in page.read_text(encoding="utf-8").splitlines():
        if line.startswith(".Sh "):
            inside, here = line in (".Sh COMMANDS", ".Sh COMMON OPTIONS"), None
        elif inside and line.startswith(".Ss "):
            here = found.setdefault(line[4:], set())
        elif here is not None and line.startswith(".It Fl "):
            names = re.findall(r"Fl (-?[A-Za-z][\w-]*)", line)
            here.update("-" + name for name in names)
    return found


def options_in_help(text):
    """The same from the program's own words."""
    found, command, here = {}, None, None
    for line in text.splitlines():
        heading = re.match(r"holdfast ([a-z-]+(?: [a-z-]+)?): ", line)
        if heading:
            command, here = heading[1], found.setdefault(heading[1], set())
        elif command and line == "options:":
            here = found[command]
        elif command and line in COMMON:
            here = found.setdefault(COMMON[line], set())
        elif command and re.match(r"  -", line):
            here.update(re.findall(r"(?:^  |, )(--?[A-Za-z][\w-]*)", line))
    return found


def compare(page, program):
    said = subprocess.run([program, "--help-recursive"], capture_output=True, text=True, timeout=30)
    if said.returncode != 0:
        yield f"{program} --help-recursive ended with {said.returncode}: {said.stderr.strip()}"
        return
    page_has, help_has = options_in_page(page), options_in_help(said.stdout)
    if not help_has.get("setup") or not page_has.get("setup"):
        yield f"setup has no options: {sorted(help_has)} in the help, {sorted(page_has)} in the page"
    for name in sorted(page_has.keys() | help_has.keys()):
        if name not in page_has or name not in help_has:
            yield f"\"{name}\" is in the {'page' if name in page_has else 'help'} alone"
            continue
        for option in sorted(page_has[name] ^ help_has[name]):
            yield f"{name}: {option} is in the {'page' if option in page_has[name] else 'help'} alone"


def classes(page, source):
    """Each with what it means and what to do: two sentences at least."""
    known = re.findall(r'^    \{\w+, "([\w-]+)"\},$', source.read_text(encoding="utf-8"), re.MULTILINE)
    section = page.read_text(encoding="utf-8").partition(".Sh DIAGNOSTICS")[2].partition(".Sh ")[0]
    explained = dict(re.findall(r"^\.It Cm ([\w-]+)\n(.*?)(?=^\.It |^\.El)", section, re.MULTILINE | re.DOTALL))
    if not known:
        yield f"{source}: no classes found"
    for name in [name for name in known if name not in explained]:
        yield f"{page.name}: {name} is not explained"
    for name, text in explained.items():
        if name not in known:
            yield f"{page.name}: there is no failure called {name}"
        if len(re.findall(r"[.:]$|\w [.;]$", text, re.MULTILINE)) < 2:
            yield f"{page.name}: {name} does not say what to do"


def main(arguments):
    if len(arguments) > 1 and arguments[0] == "lint":
        found = list(lint([pathlib.Path(page) for page in arguments[1:]]))
    elif len(arguments) == 3 and arguments[0] == "options":
        found = list(compare(pathlib.Path(arguments[1]), arguments[2]))
    elif len(arguments) == 3 and arguments[0] == "classes":
        found = list(classes(pathlib.Path(arguments[1]), pathlib.Path(arguments[2])))
    else:
        print(__doc__)
        return 2
    for complaint in found:
        print(complaint)
    return 1 if found else 0


sys.exit(main(sys.argv[1:]))
