#!/usr/bin/env python3
"""Checks that no private word is left as a name or in a text that users read.

    check.py TREE          checks names in C++ and Python, string literals of the program, man pages, templates and documents
    check.py --self-check  checks itself with lines that must fail and lines that must pass

A name is split into its words: `way_in` and `WayIn` both contain `way in`.
"""

import pathlib
import re
import sys

# Words of a name, and the name to use.
NAMES = {
    "tiding": "event", "tidings": "event", "contest": "port_conflict", "contested": "port_busy", "own wait": "spread_delay",
    "take turn": "acquire", "waiter": "LockWait", "trial": "failback_probe", "trials": "failback_probes", "long run": "ProcessServices",
    "growth watch": "inotify_file", "control watch": "inotify_file", "useless knock": "stale_port_diagnosis",
    "by way of": "via_bastion", "go by": "switch_to", "way in": "client_command", "past": "uptime_summary", "hanging": "unresponsive",
    "scratch": "scratch_directory", "places": "paths", "advice": "recommendation", "former": "previous, legacy", "import source": "legacy_entry",
    "setup words": "setup_arguments", "survives words": "survival_text", "host part": "host_settings", "carrier": "plan_executor",
    "ask at once": "forked_query", "bury": "reap", "survey": "read_only_host", "far session": "remote_session",
    "far question": "remote_query", "far end": "takeover_result", "dial end": "loopback_endpoint", "nudge": "probe_request",
    "nudged": "probe_requested", "held before": "previously_held", "pass over": "skip_forward", "patience": "timeout",
    "no place": "server_full", "turned away": "auth_budget", "mistrusted": "host_key_budget", "nameless": "dns_budget",
    "greeting": "target_banner", "explanation": "diagnosis_text", "put in words": "make_diagnosis", "farewell": "terminate_request",
    "carry out": "execute", "put to rest": "retire_duplicate", "waits to be named": "is_opt_in",
    "starts again itself": "restarts_job", "room": "module", "rooms": "modules", "house": "layer", "mend": "fix",
    "mended": "fixed", "mends": "fixes", "whoever": "a noun", "whom": "a noun",
}
LONGEST_NAME = 5  # words
# Names that may stay: there the word is the field's own.
ALLOWED_NAMES = {
    "scratch_directory", "ScratchDirectory", "scratch_directory_", "scratch_directory_test",
    "k_carrier",  # of a network link: rtnetlink(7)
}
# Texts that users read: (pattern, what to write).
TEXTS = [
    (r"\btidings\b", "event"), (r"\bwho(m|ever|mever)\b", "a noun"), (r"\bmend(s|ed|ing)?\b", "fix"), (r"\bby way of\b", "via"),
    (r"\bnobody knows\b", "no data"), (r"\ba person is needed\b", "needs manual action"), (r"\bin (its|their|our) turn\b", "slot"),
    (r"\bwhose fellow\b", "a noun"), (r"\bput to rest\b", "retire"), (r"\blets? nobody in\b", "refuses logins"),
    (r"\bnothing but\b", "only"), (r"\bas it stands\b", "leave it out"), (r"\bcannot be meant\b", "invalid"),
    (r"\bfor nothing\b", "without cost"), (r"\bat ease\b", "slowly"),
]
TOKEN = re.compile(r'R"(\w*)\((?P<raw>.*?)\)\1"|"(?P<text>(?:\\.|[^"\\\n])*)"|\'(?:\\.|[^\'\\\n])\'|//[^\n]*|/\*.*?\*/', re.S)
IDENTIFIER = re.compile(r"\b[A-Za-z_][A-Za-z0-9_]*\b")


def words_of(name):
    """`kWayIn_` → `way in` with a blank at both ends."""
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return " " + " ".join(word.lower() for word in split.split("_") if word) + " "


def bad_name(name):
    if name in ALLOWED_NAMES:
        return None
    words = words_of(name)
    if len(words.split()) >= LONGEST_NAME:  # a test case: a sentence
        return None
    return next((f"{bad} → {good}" for bad, good in NAMES.items() if f" {bad} " in words), None)


def bad_text(text):
    return next((f"{found[0]} → {good}" for bad, good in TEXTS if (found := re.search(bad, text, re.IGNORECASE))), None)


def cpp(text):
    """(code without literals and comments, [(offset, string literal)]); offsets stay."""
    code, literals, at = [], [], 0
    for found in TOKEN.finditer(text):
        code.append(text[at:found.start()])
        code.append(re.sub(r"[^\n]", " ", found[0]))
        literal = found["raw"] if found["raw"] is not None else found["text"]
        if literal:
            literals.append((found.start(), literal))
        at = found.end()
    code.append(text[at:])
    return "".join(code), literals


def complaints(tree):
    def line(text, offset):
        return text.count("\n", 0, offset) + 1

    sources = [p for top in ("src", "backends", "include", "tests") for p in (tree / top).rglob("*") if p.suffix in (".cpp", ".hpp")]
    for path in sorted(sources):
        name, text = path.relative_to(tree), path.read_text(encoding="utf-8")
        if reason := bad_name(path.stem):
            yield f"{name}: file name: {reason}"
        code, literals = cpp(text)
        for found in IDENTIFIER.finditer(re.sub(r"(?m)^\s*#\s*include.*$", "", code)):
            if reason := bad_name(found[0]):
                yield f"{name}: {found[0]}: {reason}"
        if name.parts[0] != "tests":
            for offset, literal in literals:
                if reason := bad_text(literal):
                    yield f"{name}:{line(text, offset)}: {reason}"
    documents = [tree / "README.md", tree / "CHANGELOG.md", tree / "ARCHITECTURE.md", tree / "CONTRIBUTING.md"]
    documents += [p for top in ("docs", "man", "templates") for p in (tree / top).rglob("*") if p.is_file() and p.suffix != ".svg"]
    for path in sorted(documents):
        if path.exists():
            for number, content in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                if reason := bad_text(content):
                    yield f"{path.relative_to(tree)}:{number}: {reason}"


def self_check():
    wrong = 0
    for name, bad in [("way_in", True), ("WayIn", True), ("k_patience", True), ("patience_", True), ("driveway", False),
                      ("scratch", True), ("scratch_directory", False), ("formerly", False), ("former_tunnel", True), ("path", False)]:
        if bool(bad_name(name)) != bad:
            print(f"self-check: name {name}")
            wrong += 1
    for text, bad in [("whoever asks", True), ("it was mended", True), ("recommend this", False), ("commenders", False)]:
        if bool(bad_text(text)) != bad:
            print(f"self-check: text {text}")
            wrong += 1
    return wrong


def main(arguments):
    if arguments == ["--self-check"]:
        return 1 if self_check() else 0
    if len(arguments) != 1:
        print(__doc__)
        return 2
    found = sorted(set(complaints(pathlib.Path(arguments[0]))))
    for complaint in found:
        print(complaint)
    return 1 if found else 0


sys.exit(main(sys.argv[1:]))
