#!/usr/bin/env python3
"""Completion in real shells at a real terminal, also with hostile names."""
from __future__ import annotations

import os
import pathlib
import pty
import re
import select
import shutil
import signal
import subprocess
import tempfile
import termios
import time
import unittest

from case import PROGRAM, main, until

SHELLS = ("bash", "zsh", "fish")
HOSTILE = ("$(touch pwned)", "`touch pwned`", "a;touch pwned", "-rf", "*", "a b", "'", '"', "\n")
ALIASES = "Host bastion $(touch${IFS}pwned) `touch` ;touch *.lab\nInclude conf.d/*\n"
# Ctrl-X l prints the completed line, so that the test need not parse the screen. By default Tab in zsh
# expands, which runs $(…) with any completion.
START = {
    "bash": (["bash", "--norc", "--noprofile", "-i"],
             """bind -x '"\\C-xl": printf "\\n<<%s>>\\n" "$READLINE_LINE"'; bind 'set bell-style none'
                bind 'set show-all-if-ambiguous on'; bind 'set enable-bracketed-paste off'; set -u
                eval "$(holdfast completion bash)"\n"""),
    "zsh": (["zsh", "-f", "-i"],
            """autoload -Uz compinit; compinit -u -D; eval "$(holdfast completion zsh)"; setopt no_beep
               show-line() { zle -I; print -r -- "<<$BUFFER>>" }; zle -N show-line; bindkey '^Xl' show-line
               bindkey '^I' complete-word\n""")}


class Keyboard:
    """An interactive shell at a terminal of 200 columns."""

    def __init__(self, argv: list[str], env: dict[str, str], cwd: pathlib.Path) -> None:
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.chdir(cwd)
            os.execvpe(argv[0], argv, env)
        self.seen = ""

    def type(self, keys: str) -> None:
        os.write(self.terminal, keys.encode())

    def read_until(self, pattern: str) -> re.Match[str]:
        deadline = time.monotonic() + 20
        while not (found := re.search(pattern, self.seen, re.DOTALL)):
            ready, _, _ = select.select([self.terminal], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                raise AssertionError(f"waited for {pattern}, saw {self.seen!r}")
            self.seen += os.read(self.terminal, 65536).decode(errors="replace")
        return found

    def complete(self, line: str) -> tuple[str, str]:
        """The line after Tab, and the output of the shell."""
        # While the shell prints, the terminal handles control characters, and Ctrl-U would be lost.
        until("the shell to read keys", lambda: not termios.tcgetattr(self.terminal)[3] & termios.ICANON)
        self.seen = ""
        self.type("\x15" + line + "\t\x18l")
        found = self.read_until(r"(.*)<<([^\n]*?)>>")
        return found[2], found[1]

    def close(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.terminal)


class Completion(unittest.TestCase):
    def setUp(self) -> None:
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="hf-completion-"))
        self.addCleanup(shutil.rmtree, self.root)
        self.home = self.root / "home"
        tunnels = self.home / ".config/holdfast/tunnels"
        tunnels.mkdir(parents=True)
        for name in ("lab", "office.west", *HOSTILE):
            (tunnels / f"{name}.conf").write_text("")
        included = self.home / ".ssh/conf.d"
        included.mkdir(parents=True)
        (self.home / ".ssh/config").write_text(ALIASES)
        (included / "more").write_text("Host gateway\n")
        self.work = self.root / "work"
        self.work.mkdir()
        for name in ("my-key", "$(touch pwned)-key", "lib"):
            (self.work / name).write_text("")
        programs = self.root / "bin"
        programs.mkdir()
        (programs / "holdfast").symlink_to(os.path.abspath(PROGRAM))
        self.env = {"HOME": str(self.home), "PATH": f"{programs}:/usr/local/bin:/usr/bin:/bin", "TERM": "xterm",
                    "COLUMNS": "200", "LC_ALL": "C.UTF-8", "USER": "ann"}
        self.before = self.listing()
        self.addCleanup(lambda: self.assertEqual(self.listing(), self.before, "completion ran a command"))

    def listing(self) -> list[str]:
        """Without fish's own files."""
        return sorted(str(path) for path in self.root.rglob("*")
                      if not re.search(r"/fish|/\.(local|cache)|\.config$", str(path)))

    def keyboard(self, shell: str) -> Keyboard:
        argv, start = START[shell]
        keyboard = Keyboard(argv, self.env, self.work)
        self.addCleanup(keyboard.close)
        keyboard.type(start + "echo re''ady\n")
        keyboard.read_until(r"ready\r\n")
        return keyboard

    def fish(self, line: str) -> list[str]:
        (self.root / "holdfast.fish").write_text(self.script("fish"))
        done = subprocess.run(["fish", "--no-config", "-C", f"source {self.root}/holdfast.fish", "-c",
                               "complete -C $argv[1] --escape 2>/dev/null; or complete -C $argv[1]", line],
                              env=self.env, cwd=self.work, capture_output=True, text=True, timeout=120)
        (self.root / "holdfast.fish").unlink()
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return [shown.partition("\t")[0] for shown in done.stdout.splitlines()]

    def script(self, shell: str) -> str:
        done = subprocess.run([PROGRAM, "completion", shell], env=self.env, capture_output=True, text=True, timeout=120)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def assert_completes(self, line: str, *wanted: str) -> None:
        """Every shell completes the line to the only text of `wanted`, or lists several."""
        for shell in ("bash", "zsh"):
            became, shown = self.keyboards[shell].complete("holdfast " + line)
            if len(wanted) == 1:
                self.assertEqual(became.rstrip(), "holdfast " + wanted[0], shell)
            for word in wanted[1:] and wanted:
                self.assertIn(word.split()[-1], shown, f"{shell}: {line}")
        last = [word.split()[-1] for word in wanted]
        self.assertEqual(sorted(set(self.fish("holdfast " + line)) & set(last)), sorted(last), "fish: " + line)

    def test_completes_commands_options_tunnels_and_hosts(self) -> None:
        self.keyboards = {shell: self.keyboard(shell) for shell in ("bash", "zsh")}
        self.assert_completes("compl", "completion")
        self.assert_completes("status --user la", "status --user lab")
        self.assert_completes("status --user ", "status lab", "status office.west")
        self.assert_completes("setup --user --backend lo", "setup --user --backend login-hook")
        self.assert_completes("setup --user --backend=lo", "setup --user --backend=login-hook")
        self.assert_completes("setup --engine ", "setup --engine native", "setup --engine autossh")
        self.assert_completes("setup -b ba", "setup -b bastion")
        self.assert_completes("setup -b me@gat", "setup -b me@gateway")
        self.assert_completes("setup --bastion=me@gat", "setup --bastion=me@gateway")
        self.assert_completes("setup -s my", "setup -s my-key")
        self.assert_completes("setup --identity=my", "setup --identity=my-key")
        self.assert_completes("setup --accept", "setup --accept-new-host-key")
        self.assert_completes("hook f", "hook fish")
        self.assert_completes("completion z", "completion zsh")
        self.assert_completes("-v status --user la", "-v status --user lab")

    def test_hostile_names_are_neither_completed_nor_run(self) -> None:
        for shell in ("bash", "zsh"):
            keyboard = self.keyboard(shell)
            # A shell may redraw the previous line, so lines that contain the text come last.
            for line in ("holdfast status --user ", "holdfast setup -b ", "holdfast status --user 'a ",
                         "holdfast status --user $(touch pwned) ", "holdfast status --user `touch pwned` ",
                         "holdfast status --user \"$(touch pwned) ", "holdfast setup -b $(touch pwned)@ba"):
                became, shown = keyboard.complete(line)
                self.assertTrue(became.startswith(line.rstrip()), f"{shell}: {line} became {became}")
                if "pwned" not in line:
                    self.assertNotIn("touch", shown, f"{shell}: {line}")
        for line in ("holdfast status --user ", "holdfast setup -b ", "holdfast status --user (touch pwned) ",
                     "holdfast status --user \"$(touch pwned)\" "):
            self.assertNotIn("pwned", "".join(self.fish(line)), line)
        self.assertFalse(list(self.root.rglob("pwned")))

    def test_a_failure_is_silent(self) -> None:
        self.env["HOME"] = "/nonexistent"
        for shell in ("bash", "zsh"):
            keyboard = self.keyboard(shell)
            line = "holdfast status --user x"
            became, shown = keyboard.complete(line)
            self.assertEqual(became.rstrip(), line, shell)
            self.assertNotIn("holdfast:", shown, shell)
            keyboard.type("\x15PATH=/nonexistent\n")
            became, shown = keyboard.complete(line)
            self.assertEqual(became.rstrip(), line, shell)
            self.assertNotIn("not found", shown, shell)
        self.assertEqual(self.fish("holdfast status --user x"), [])

    def test_a_thousand_tunnels_need_no_other_program(self) -> None:
        tunnels = self.home / ".config/holdfast/tunnels"
        for number in range(1000):
            (tunnels / f"many{number}.conf").write_text("")
        self.before = self.listing()
        argv = [PROGRAM, "completion", "--candidates", "--", "status", "--user", "many"]
        done = subprocess.run(argv, env={**self.env, "PATH": "/nonexistent"}, capture_output=True, text=True, timeout=120)
        self.assertLessEqual({f"many{number}" for number in range(1000)},
                             {line.split("\t")[0] for line in done.stdout.splitlines()})

    def test_zsh_finds_the_installed_script(self) -> None:
        functions = self.root / "functions"
        functions.mkdir()
        (functions / "_holdfast").write_text(self.script("zsh"))
        self.before = self.listing()
        keyboard = Keyboard(["zsh", "-f", "-i"], self.env, self.work)
        self.addCleanup(keyboard.close)
        keyboard.type(f"fpath=({functions} $fpath)\n" + START["zsh"][1].replace('eval "$(holdfast completion zsh)";', "")
                      + "echo re''ady\n")
        keyboard.read_until(r"ready\r\n")
        for _ in range(2):  # zsh runs the file at the first call, and the function that it defines at later calls
            self.assertEqual(keyboard.complete("holdfast status --user la")[0].rstrip(), "holdfast status --user lab")

    def test_takes_one_known_shell(self) -> None:
        for arguments in ((), ("csh",), ("bash", "zsh")):
            done = subprocess.run([PROGRAM, "completion", *arguments], env=self.env, capture_output=True, text=True,
                                  timeout=120)
            self.assertEqual((done.returncode, done.stdout), (2, ""), arguments)


if __name__ == "__main__":
    missing = [shell for shell in SHELLS if not shutil.which(shell)]
    if missing:
        print("not installed:", *missing)
        raise SystemExit(77)
    main(needs_sshd=False)
