#!/usr/bin/env python3
"""Checks the direction of includes. Complains about an include that points upward, a heavy header in a header that other
files include, and a public header (include/) that needs more than the standard library.

    check.py TREE          checks src/ and backends/ of TREE
    check.py --self-check  checks itself with trees that must fail and trees that must pass

A module may include itself and modules strictly below:
    main > cli, library > tunnels, mcp > supervisor, backends > ssh, store > os > core
"""

import pathlib
import re
import sys
import tempfile

LEVEL = {"core": 0, "os": 1, "ssh": 2, "store": 2, "supervisor": 3, "backends": 3, "tunnels": 4, "mcp": 4,
         "cli": 5, "library": 5, "main": 6}
# (folder, what its files may not include, why)
FORBIDDEN = [
    ("src/supervisor/machine/", re.compile(r"supervisor/(?!machine/)|boost/asio"), "the machine is pure"),
    ("src/cli/output/", re.compile(r"cli/(commands|mcp|completion)/"), "output knows no command"),
]
HEAVY = re.compile(r"boost/(asio|json|process|program_options)([./]|$)")
FORWARD_DECLARATIONS = re.compile(r"fwd\.hpp$")
PUBLIC = re.compile(r"holdfast/[a-z_]+\.hpp$|[a-z_]+$")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def module_of_file(path):
    """The module of a file in the tree. src/main.cpp is a module of its own."""
    parts = path.parts
    if parts[0] == "backends":
        return "backends"
    return parts[1] if len(parts) > 2 else "main"


def public_headers(tree, files):
    """Headers that a header or another module includes: their own includes spread."""
    public = set()
    for path in files:
        name = path.relative_to(tree)
        for line in path.read_text(encoding="utf-8").splitlines():
            found = INCLUDE.match(line)
            if found and found[1] == '"':
                other = found[2].split("/")[0]
                if path.suffix == ".hpp" or other != module_of_file(name):
                    public.add(found[2])
    return public


def public_complaints(tree):
    """Installed headers include only the standard library and each other."""
    for path in sorted((tree / "include").rglob("*.hpp")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            found = INCLUDE.match(line)
            if found and not (found[1] == "<" and PUBLIC.match(found[2])):
                yield f"{path.relative_to(tree)}:{number}: a public header may not include {found[2]}"


def complaints(tree):
    yield from public_complaints(tree)
    files = sorted(p for top in ("src", "backends") for p in (tree / top).rglob("*") if p.suffix in (".hpp", ".cpp"))
    if not files:
        yield f"{tree}: no source file found"
    public = public_headers(tree, files)
    included = {found[2] for p in files for line in p.read_text(encoding="utf-8").splitlines()
                if (found := INCLUDE.match(line)) and found[1] == '"'}
    for path in files:
        name = path.relative_to(tree)
        module = module_of_file(name)
        if module not in LEVEL:
            yield f"{name}: unknown module \"{module}\""
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            found = INCLUDE.match(line)
            if not found:
                continue
            bracket, target = found.groups()
            at = f"{name}:{number}"
            for folder, forbidden, reason in FORBIDDEN:
                if str(name).startswith(folder) and forbidden.match(target):
                    yield f"{at}: {folder} may not include \"{target}\": {reason}"
            if bracket == "<":
                own = str(name).removeprefix("src/")
                spreads = path.suffix == ".hpp" and (own in public or own not in included)
                if spreads and HEAVY.match(target) and not FORWARD_DECLARATIONS.search(target):
                    yield f"{at}: <{target}> is heavy and belongs in a .cpp file"
                continue
            other = target.split("/")[0]
            if other not in LEVEL or "/" not in target or ".." in target:
                yield f"{at}: \"{target}\" does not begin with a module"
            elif other != module and LEVEL[other] >= LEVEL[module]:
                yield f"{at}: {module} may not include {other} (\"{target}\")"


def self_check():
    cases = [  # (path, line, is it fine)
        ("src/os/a.hpp", '#include "core/error.hpp"', True),
        ("src/os/a.cpp", "#include <boost/asio/io_context.hpp>", True),
        ("src/os/a.hpp", "#include <boost/json/fwd.hpp>", True),
        ("backends/a.cpp", '#include "store/paths.hpp"', True),
        ("src/main.cpp", '#include "cli/run.hpp"', True),
        ("src/core/a.hpp", '#include "os/host.hpp"', False),
        ("src/os/a.cpp", '#  include "ssh/client/arguments.hpp"', False),
        ("src/ssh/mux/a.cpp", '#include "store/paths.hpp"', False),
        ("src/store/a.cpp", '#include "ssh/diagnosis/diagnosis.hpp"', False),
        ("src/supervisor/a.cpp", '#include "backends/plan/plan.hpp"', False),
        ("backends/a.cpp", '#include "cli/output/table.hpp"', False),
        ("src/tunnels/a.cpp", '#include "cli/output/terminal.hpp"', False),
        ("src/library/a.cpp", '#include "tunnels/setup/setup.hpp"', True),
        ("src/library/a.cpp", '#include "cli/output/terminal.hpp"', False),
        ("src/mcp/a.cpp", '#include "tunnels/setup/setup.hpp"', False),
        ("src/ssh/a.cpp", '#include "../cli/table.hpp"', False),
        ("src/ssh/a.cpp", '#include "arguments.hpp"', False),
        ("src/attic/a.cpp", "int x;", False),
        ("src/os/a.hpp", "#include <boost/asio.hpp>", False),
        ("src/supervisor/machine/a.cpp", '#include "supervisor/machine/backoff.hpp"', True),
        ("src/supervisor/machine/a.cpp", '#include "supervisor/loop/timers.hpp"', False),
        ("src/supervisor/machine/a.cpp", '#include "supervisor/watch/network.hpp"', False),
        ("src/supervisor/machine/a.cpp", "#include <boost/asio/post.hpp>", False),
        ("src/supervisor/loop/a.cpp", '#include "supervisor/machine/machine.hpp"', True),
        ("src/cli/output/a.cpp", '#include "cli/output/table.hpp"', True),
        ("src/cli/output/a.cpp", '#include "cli/commands/setup.hpp"', False),
        ("src/ssh/a.hpp", "#include <boost/json/value.hpp>", False),
        ("src/cli/a.hpp", "#include <boost/program_options/parsers.hpp>", False),
        ("src/os/a.hpp", "#include <boost/process/v2/process.hpp>", False),
    ]
    heavy = ("src/os/launch.hpp", "#include <boost/process/v2/process.hpp>")
    trees = [([(path, line)], fine) for path, line, fine in cases] + [
        ([heavy, ("src/os/a.cpp", '#include "os/launch.hpp"')], True),
        ([heavy, ("src/os/a.hpp", '#include "os/launch.hpp"')], False),
        ([heavy, ("src/cli/a.cpp", '#include "os/launch.hpp"')], False),
    ]
    beside = ("src/core/a.cpp", "")
    trees += [
        ([beside, ("include/holdfast/a.hpp", "#include <vector>")], True),
        ([beside, ("include/holdfast/a.hpp", "#include <holdfast/b.hpp>")], True),
        ([beside, ("include/holdfast/a.hpp", '#include "core/error.hpp"')], False),
        ([beside, ("include/holdfast/a.hpp", "#include <boost/json.hpp>")], False),
        ([beside, ("include/holdfast/a.hpp", "#include <unistd.h>")], False),
    ]
    wrong = 0
    for tree, fine in trees:
        with tempfile.TemporaryDirectory() as directory:
            for path, line in tree:
                file = pathlib.Path(directory, path)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(line + "\n", encoding="utf-8")
            if (not list(complaints(pathlib.Path(directory)))) != fine:
                print(f"self-check: {tree}: expected it to {'pass' if fine else 'fail'}")
                wrong += 1
    with tempfile.TemporaryDirectory() as directory:
        if not list(complaints(pathlib.Path(directory))):
            print("self-check: an empty tree passed")
            wrong += 1
    return wrong


def main(arguments):
    if arguments == ["--self-check"]:
        return 1 if self_check() else 0
    if len(arguments) != 1:
        print(__doc__)
        return 2
    found = list(complaints(pathlib.Path(arguments[0])))
    for complaint in found:
        print(complaint)
    return 1 if found else 0


sys.exit(main(sys.argv[1:]))
