#!/usr/bin/python3
"""No Python test depends on the caller's environment: every test program imports a base module that clears it."""
from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import unittest
from pathlib import Path

TESTS = Path(__file__).resolve().parents[2]
BASES = {"lab": TESTS / "lab", "case": TESTS / "integration/cli", "made": TESTS / "packages"}
FOLDERS = ("lab", "integration", "packages", "bench")
CALLER = {"NOTIFY_SOCKET": "/nonexistent/notify", "XDG_RUNTIME_DIR": "/nonexistent", "HOLDFAST_BASTION": "caller@bastion",
          "SCITEX_TUNNEL_BASTION_SERVER": "caller@bastion", "SSH_AUTH_SOCK": "/nonexistent/agent", "TMUX": "/nonexistent,1,0",
          "STY": "1.caller", "INVOCATION_ID": "caller", "JOURNAL_STREAM": "1:2", "LC_ALL": "tlh_KX.UTF-8", "TERM": "caller",
          "NO_COLOR": "1", "LANG": "tlh_KX.UTF-8", "DBUS_SESSION_BUS_ADDRESS": "unix:path=/nonexistent"}
KEPT = {"HOLDFAST_STATIC": "/nonexistent/static", "HOLDFAST_KILLS": "3", "CI": "true", "HOME": "/nonexistent/home"}


class Environment(unittest.TestCase):
    def test_every_base_module_clears_the_environment(self) -> None:
        for base, directory in BASES.items():
            with self.subTest(base):
                program = f"import sys; sys.path.insert(0, sys.argv[1]); import {base}, json, os; print(json.dumps(dict(os.environ)))"
                done = subprocess.run([sys.executable, "-B", "-c", program, directory], check=True, text=True,
                                      stdout=subprocess.PIPE, env={"PATH": os.environ["PATH"], **CALLER, **KEPT})
                left = json.loads(done.stdout)
                self.assertEqual(left.pop("LANG"), "C.UTF-8")
                left.pop("LC_CTYPE", None)  # Python itself sets it where the locale is C
                self.assertEqual(left, {"PATH": os.environ["PATH"], **KEPT})

    def test_every_test_program_imports_a_base_module(self) -> None:
        programs = [path for folder in FOLDERS for path in (TESTS / folder).rglob("*.py")
                    if '\nif __name__ == "__main__":' in path.read_text(encoding="utf-8")]
        self.assertGreater(len(programs), 50)
        base = re.compile(rf"^from ({'|'.join(BASES)}) import ", re.MULTILINE)
        without = [str(path.relative_to(TESTS)) for path in programs if not base.search(path.read_text(encoding="utf-8"))]
        without.remove("lab/lab/claim.py")  # not a test: it removes the remains of a lab that was killed
        self.assertEqual(without, [])


if __name__ == "__main__":
    unittest.main()
