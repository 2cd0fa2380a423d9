#!/usr/bin/python3
"""Changes one place of the decision code at a time and checks that the fast unit tests notice.

    tests/mutation/mutate.py [--count N] [--seed S] [--list] [FILE…]

FILE: a source file of the tables below; all of them without one. Each mutant is built in build/mutation, from a copy of the
tree, so neither the tree nor its builds change. A mutant that does not compile does not count. A mutant that the tests do not
notice survives: it is printed as a diff. Mutants that cannot change the behaviour are listed in equivalent.txt with the reason.
Exits 1 if another mutant survives.
"""
from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator

ROOT = Path(__file__).resolve().parent.parent.parent
WORK = ROOT / "build" / "mutation"

# The decision code, and the test program that covers it.
SUITES = {
    "unit_supervisor": ["src/supervisor/machine/*.cpp", "src/supervisor/autossh/machine.cpp",
                        "src/supervisor/report/uptime_recorder.cpp", "src/supervisor/stale/stale_port_diagnosis.cpp"],
    "unit_ssh": ["src/ssh/diagnosis/*.cpp"],
    "unit_backends": ["backends/text/*.cpp"],
    "unit_tunnels": ["src/tunnels/setup/planner*.cpp", "src/tunnels/setup/wanted_tunnel.cpp"],
}
EVENTS = "50000"  # of the property test: enough to notice, and a second

RELATIONS = {"<": ("<=", ">="), "<=": ("<", ">"), ">": (">=", "<="), ">=": (">", "<"), "==": ("!=",), "!=": ("==",)}
SWAPS = {"&&": "||", "||": "&&", "++": "--", "--": "++", "+=": "-=", "-=": "+=", "true": "false", "false": "true"}
TOKEN = re.compile(r"""(?P<skip>//.*|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])'|->|<<|>>|::)|(?P<operator>&&|\|\||\+\+|--|\+=|-=|[<>=!]=|(?<=\s)[<>](?=\s))"""
                   r"""|(?P<word>\b(?:true|false)\b)|(?P<number>(?<![\w.{\[])\d+(?![\w.]))""")
STATEMENT = re.compile(r"^(?P<indent>\s+)(?!return\b|break\b|case\b|using\b|const\b|auto\b|static\b|throw\b|else\b|default\b|#)"
                       r"(?P<what>[A-Za-z_(+*-][\w.>()\[\]*&:-]*\s*(?:[-+]?=[^=].*|\(.*\)|\+\+|--)?);\s*(?://.*)?$")
CONDITION = re.compile(r"\b(?P<keyword>if|while) (?P<init>\((?:const )?auto[^;()]*(?:\([^()]*\)[^;()]*)*;)?")


@dataclass(frozen=True)
class Mutant:
    file: str
    line: int  # from 1
    before: str
    after: str

    def text(self) -> str:
        return f"{self.file}:{self.line}\n  - {self.before.strip()}\n  + {self.after.strip()}"

    def key(self) -> str:
        """The mutant without its line number, which changes with every edit above it."""
        return f"{self.file}: {self.before.strip()} => {self.after.strip()}"


def negated(line: str) -> Iterator[str]:
    """The line with its `if` or `while` condition negated, where the condition ends on the line."""
    for found in CONDITION.finditer(line):
        if found["init"] or line.startswith("constexpr", found.end()) or not line.startswith("(", found.end()):
            continue
        depth = 0
        for at in range(found.end(), len(line)):
            depth += {"(": 1, ")": -1}.get(line[at], 0)
            if depth == 0:
                condition = line[found.end() + 1:at]
                if ";" not in condition and " = " not in condition:
                    yield f"{line[:found.end()]}(!({condition})){line[at + 1:]}"
                break


def changed_lines(line: str) -> Iterator[str]:
    """Every mutant of one line."""
    for found in TOKEN.finditer(line):
        token = found.group()
        if found["skip"]:
            continue
        others: tuple[str, ...]
        if found["number"]:
            others = (str(int(token) + 1),)
        elif token in RELATIONS:
            others = RELATIONS[token]
        else:
            others = (SWAPS[token],)
        for other in others:
            yield line[:found.start()] + other + line[found.end():]
    yield from negated(line)
    statement = STATEMENT.match(line)
    if statement and re.search(r"[(=]|\+\+|--", statement["what"]):
        yield f"{statement['indent']};"


def mutants_of(file: str) -> list[Mutant]:
    found = []
    for number, line in enumerate((ROOT / file).read_text().splitlines(), 1):
        if line.startswith(("#", "//", "namespace", "using")) or line.strip().startswith(("//", "HOLDFAST_", "template")):
            continue
        found += [Mutant(file, number, line, after) for after in changed_lines(line)]
    return found


def run(argv: list[str], timeout: float | None = None) -> int:
    """The exit status; 1 after the timeout, with the whole process group ended."""
    environment = {**os.environ, "HOLDFAST_EVENTS": EVENTS}
    child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                             env=environment, start_new_session=True)
    try:
        return child.wait(timeout)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        return 1


class Workspace:
    """A copy of the tree with a build of its own."""

    def __init__(self) -> None:
        self.source, self.build = WORK / "source", WORK / "build"
        self.limits: dict[str, float] = {}

    def prepare(self, suites: set[str]) -> None:
        listed = subprocess.run(["git", "-c", "safe.directory=*", "ls-files", "-z"], cwd=ROOT, check=True,
                                stdout=subprocess.PIPE, text=True).stdout
        wanted = {name for name in listed.split("\0") if name and (ROOT / name).is_file()}
        for name in wanted:
            to = self.source / name
            if to.is_file() and to.read_bytes() == (ROOT / name).read_bytes():
                continue
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to)
            to.touch()
        for old in [path for path in self.source.rglob("*") if path.is_file()]:
            if str(old.relative_to(self.source)) not in wanted:
                old.unlink()
        # Without -Werror: a mutant may leave something unused.
        subprocess.run(["cmake", "-G", "Ninja", "-S", self.source, "-B", self.build, "-DCMAKE_BUILD_TYPE=Debug",
                        "-DCMAKE_CXX_FLAGS=-g0"], check=True, stdout=subprocess.DEVNULL)
        for suite in sorted(suites):
            subprocess.run(["cmake", "--build", self.build, "--target", suite], check=True, stdout=subprocess.DEVNULL)
            began = time.monotonic()
            if run([self.program(suite)]) != 0:
                sys.exit(f"mutate.py: {suite} fails without any change")
            self.limits[suite] = 10 + 5 * (time.monotonic() - began)

    def program(self, suite: str) -> str:
        return str(self.build / "tests" / "unit" / suite)

    def survives(self, mutant: Mutant, suite: str) -> bool | None:
        """None: it does not compile."""
        file = self.source / mutant.file
        original = file.read_text()
        lines = original.splitlines()
        lines[mutant.line - 1] = mutant.after
        try:
            file.write_text("\n".join(lines) + "\n")
            if run(["cmake", "--build", str(self.build), "--target", suite]) != 0:
                return None
            return run([self.program(suite)], self.limits[suite]) == 0
        finally:
            file.write_text(original)


def equivalent() -> dict[str, str]:
    """Mutant.key() → why the mutant behaves the same."""
    known, reason = {}, ""
    for line in (Path(__file__).parent / "equivalent.txt").read_text().splitlines():
        if line.startswith("# "):
            reason = line[2:]
        elif line:
            known[line] = reason
    return known


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--count", type=int, default=300, help="mutants that compile (default: 300)")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--list", action="store_true", help="print every mutant and build nothing")
    options.add_argument("files", nargs="*")
    args = options.parse_args()

    suite_of = {str(path.relative_to(ROOT)): suite for suite, patterns in SUITES.items()
                for pattern in patterns for path in sorted(ROOT.glob(pattern))}
    unknown = [file for file in args.files if file not in suite_of]
    if unknown:
        options.error(f"not in the table of decision code: {', '.join(unknown)}")
    mutants = [mutant for file in args.files or suite_of for mutant in mutants_of(file)]
    if args.list:
        for mutant in mutants:
            print(mutant.text())
        return 0
    random.Random(args.seed).shuffle(mutants)

    workspace, known = Workspace(), equivalent()
    workspace.prepare({suite_of[mutant.file] for mutant in mutants})
    killed: dict[str, int] = {}
    survivors: dict[str, int] = {}
    same = 0
    for mutant in mutants:
        if sum(killed.values()) + sum(survivors.values()) >= args.count:
            break
        if mutant.key() in known:
            same += 1
            continue
        result = workspace.survives(mutant, suite_of[mutant.file])
        if result is None:
            continue
        counts = survivors if result else killed
        counts[mutant.file] = counts.get(mutant.file, 0) + 1
        if result:
            print("survived", mutant.text(), flush=True)
    for file in sorted({*killed, *survivors}):
        print(f"{file}: {killed.get(file, 0)} of {killed.get(file, 0) + survivors.get(file, 0)} killed")
    total = sum(killed.values()) + sum(survivors.values())
    print(f"{sum(killed.values())} of {total} mutants killed; {same} equivalent ones not tried; seed {args.seed}")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
