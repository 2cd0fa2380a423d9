#!/usr/bin/env python3
"""The login hook in real shells: it starts tunnels, and doesn't affect the shell."""
from __future__ import annotations

import os
import pathlib
import shutil
import struct
import subprocess
import tempfile
import time
import unittest
from typing import Optional

from case import PROGRAM, main, until

FILES = {"sh": [".profile"], "bash": [".bash_profile", ".bashrc"], "zsh": [".zshrc"],
         "fish": [".config/fish/conf.d/holdfast.fish"]}
PROGRAMS = {"sh": "dash", "bash": "bash", "zsh": "zsh", "fish": "fish"}
LOOK = 'echo "[$? ${!:-none}]"; jobs; alias; trap; set | grep -i holdfast; ls -l /proc/self/fd | wc -l'
LOOK_FISH = 'echo "[$status $last_pid]"; jobs; set | grep -i holdfast; true'
BEFORE = {"plain": ":\n", "failed": "! :\n", "strict": "set -eu\nset -C\n", "strict-failed": "set -eu\n! :\n"}


class Hook(unittest.TestCase):
    def setUp(self) -> None:
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="hf-hook-"))
        self.addCleanup(shutil.rmtree, self.root)
        self.home = self.root / "it's $HOME \"of\" `id`"
        self.home.mkdir()
        self.program = self.home / "holdfast"
        self.record = self.root / "ran"

    def hook(self, *arguments: str, shell: str = "/bin/bash", status: int = 0) -> subprocess.CompletedProcess:
        shutil.copy(PROGRAM, self.program)
        done = subprocess.run([self.program, "hook", *arguments], env=self.environment() | {"SHELL": shell},
                              capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, status, done.stderr)
        # A fake program that records its call, prints, and is slow.
        self.program.unlink()
        self.program.write_text(f'#!/bin/sh\necho "$*" >>{self.record}\necho noise\necho noise >&2\nsleep 5\n')
        self.program.chmod(0o755)
        return done

    def environment(self) -> dict[str, str]:
        return {"HOME": str(self.home), "PATH": "/usr/local/bin:/usr/bin:/bin", "USER": "ann", "LOGNAME": "ann",
                "LC_ALL": "C", "TERM": "dumb"}

    def shell(self, name: str, *arguments: str) -> tuple[int, str, str]:
        done = subprocess.run([PROGRAMS[name], *arguments], env=self.environment(), cwd=self.home,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
                              start_new_session=True)  # in the background of a terminal -i would stop it
        # The process group in this message differs each time.
        errors = "\n".join(line for line in done.stderr.splitlines() if "process group" not in line)
        return done.returncode, done.stdout, errors

    def forget(self) -> None:
        self.record.unlink(missing_ok=True)

    def ran(self) -> list[str]:
        return self.record.read_text().splitlines() if self.record.exists() else []

    def installed(self, name: str, before: Optional[str]) -> None:
        for file in FILES[name]:
            path = self.home / file
            path.parent.mkdir(parents=True, exist_ok=True)
            if before is not None:
                path.write_text(before)

    def modes(self, name: str) -> list[tuple[list[str], bool]]:
        """Ways to start a shell, and whether it is interactive and reads the file."""
        look = LOOK_FISH if name == "fish" else LOOK
        login_reads = ["-l", "-i"]
        modes = [(["-c", look], False), ([*login_reads, "-c", look], True)]
        if name != "sh":  # without ENV, an interactive sh reads no file unless it is a login shell
            modes.append((["-i", "-c", look], True))
            modes.append((["-l", "-c", look], False))
        return modes

    def test_the_start_up_file_stays_the_same_file(self) -> None:
        file, other = self.home / ".bashrc", self.home / "dot-bashrc"
        file.write_text(": mine\n")
        file.chmod(0o640)
        os.link(file, other)
        self.hook("--install", "bash")
        self.assertIn("holdfast", other.read_text())
        self.hook("--remove", "bash")
        self.assertEqual(other.read_text(), ": mine\n")
        self.assertEqual((file.stat().st_nlink, file.stat().st_mode & 0o7777), (2, 0o640))

    def test_the_start_up_file_keeps_its_attributes(self) -> None:
        file = self.home / ".bashrc"
        file.write_text(": mine\n")
        file.chmod(0o640)
        entries = [(1, 6, -1), (2, 4, 1001), (4, 4, -1), (16, 4, -1), (32, 0, -1)]  # as linux/posix_acl_xattr.h has them
        attributes = {"user.note": b"x", "system.posix_acl_access":
                      struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *entry) for entry in entries)}
        for name, value in attributes.items():
            try:
                os.setxattr(file, name, value)
            except OSError as error:
                self.skipTest(f"{name}: {error}")
        for change in ("--install", "--remove"):
            self.hook(change, "bash")
            self.assertEqual({name: os.getxattr(file, name) for name in os.listxattr(file)}, attributes)
            self.assertEqual(file.stat().st_mode & 0o7777, 0o640)

    def test_what_a_killed_command_left_beside_the_file_is_removed(self) -> None:
        writer = subprocess.Popen(["true"])
        writer.wait(60)
        left = [self.home / f".bashrc.new.{pid}" for pid in (writer.pid, os.getpid())]
        for file in left:
            file.write_text("half")
            os.utime(file, (1, 1))
        self.hook("--install", "bash")
        self.assertEqual([file.exists() for file in left], [False, True])

    def test_the_hook_does_not_affect_a_shell(self) -> None:
        for name in FILES:
            befores = {"plain": ""} if name == "fish" else BEFORE
            for case, before in befores.items():
                self.installed(name, before)
                without = [self.shell(name, *mode) for mode, _ in self.modes(name)]
                self.hook("--install", name)
                for (mode, runs), expected in zip(self.modes(name), without):
                    with self.subTest(shell=name, before=case, mode=mode[:-1]):
                        self.forget()
                        self.assertEqual(self.shell(name, *mode), expected)
                        if runs:
                            until("ensure", self.ran)
                        self.assertEqual(self.ran(), ["ensure --user"] if runs else [])
                self.hook("--remove", name)
                for file in FILES[name]:
                    self.assertEqual((self.home / file).read_text(), before)

    def test_a_login_does_not_wait_for_the_hook(self) -> None:
        for name in FILES:
            self.hook("--install", name)
            begin = time.monotonic()
            self.shell(name, "-l", "-i", "-c", "true")  # returns when no process has its output open
            self.assertLess(time.monotonic() - begin, 5.0, name)
            until("ensure", self.ran)
            self.forget()
            self.hook("--remove", name)
        self.assertEqual([path for path in self.home.rglob("*") if "holdfast" in path.name], [self.program])

    def test_a_missing_program_is_ignored(self) -> None:
        for name in FILES:
            before = self.shell(name, "-l", "-i", "-c", "true")
            self.hook("--install", name)
            self.program.unlink()
            self.assertEqual(self.shell(name, "-l", "-i", "-c", "true"), before)
            self.hook("--remove", name)

    def test_runs_once_when_both_files_have_the_hook(self) -> None:
        (self.home / ".bash_profile").write_text(". ~/.bashrc\n")
        (self.home / ".bashrc").write_text("")
        self.hook("--install", "bash")
        self.shell("bash", "-l", "-i", "-c", "true")
        until("ensure", self.ran)
        time.sleep(0.2)  # time for a wrong second run
        self.assertEqual(self.ran(), ["ensure --user"])

    def test_a_start_up_file_that_starts_another_shell(self) -> None:
        """Login shell bash, and `exec fish` in .bashrc: the end of .bash_profile is never reached."""
        for other, line in (("fish", "[[ $- == *i* ]] && exec fish -i"), ("zsh", 'exec "$(command -v zsh)" -i')):
            with self.subTest(line):
                (self.home / ".bash_profile").write_text(". ~/.bashrc\n")
                (self.home / ".bashrc").write_text(f"# exec bash\n{line}\n")
                done = self.hook("--install")
                self.assertIn("the hook is installed; the next login", done.stderr)
                self.assertEqual(self.ran(), [], "the check starts no tunnel")
                self.shell("bash", "-l", "-i")
                until("ensure", self.ran)
                self.forget()
                self.hook("--remove")
                self.assertEqual((self.home / ".bashrc").read_text(), f"# exec bash\n{line}\n")
                self.assertFalse((self.home / FILES[other][0]).exists())

    def test_says_when_a_login_shell_does_not_run_the_hook(self) -> None:
        (self.home / ".bash_profile").write_text(". ~/.bashrc\n")
        (self.home / ".bashrc").write_text("exec cat\n")
        reports = pathlib.Path(f"/tmp/holdfast-{os.getuid()}")
        before = set(reports.glob(".hook.*"))  # a killed test left them
        done = self.hook("--install")
        self.assertIn("holdfast: warning: checking the hook in /bin/bash -l -i: the shell ended without running the hook", done.stderr)
        self.assertIn("is not proven to run at the next login", done.stderr)
        self.assertLessEqual(set(reports.glob(".hook.*")), before)

    def test_the_printed_hook_works_in_any_file(self) -> None:
        for name in FILES:
            text = self.hook(name).stdout
            self.assertTrue(text.startswith("# >>> holdfast login hook >>>\n"))
            path = self.home / FILES[name][-1]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            self.shell(name, "-l", "-i", "-c", "true") if name != "bash" else self.shell(name, "-i", "-c", "true")
            until(f"ensure from {name}", self.ran)
            self.forget()

    def test_remove_restores_the_files_of_the_login_shell(self) -> None:
        dotfiles = self.home / "dotfiles"
        dotfiles.mkdir()
        (dotfiles / "zshrc").write_bytes(b"no end\r")
        (self.home / ".zshrc").symlink_to("dotfiles/zshrc")
        said = self.hook("--install", shell="/usr/bin/zsh").stdout
        self.assertEqual(said, f"changed {self.home}/.zshrc\n")
        self.assertEqual(self.hook("--install", shell="/usr/bin/zsh").stdout, "")
        self.assertTrue((self.home / ".zshrc").is_symlink())
        self.hook("--remove", shell="/usr/bin/zsh")
        self.assertTrue((self.home / ".zshrc").is_symlink())
        self.assertEqual((dotfiles / "zshrc").read_bytes(), b"no end\r")

    def test_install_hides_no_bash_file(self) -> None:
        (self.home / ".profile").write_text("export A=1\n")
        self.hook("--install", "bash")
        self.assertIn("login hook", (self.home / ".profile").read_text())
        self.assertFalse((self.home / ".bash_profile").exists())
        (self.home / ".bash_login").write_text("")
        self.hook("--remove", "bash")  # bash now reads .bash_login in place of .profile; --remove still finds the hook
        self.assertEqual((self.home / ".profile").read_text(), "export A=1\n")
        self.assertFalse((self.home / ".bashrc").exists())

    def test_usage_errors(self) -> None:
        self.hook(status=2)
        self.hook("tcsh", status=2)
        self.hook("--install", "--remove", status=2)
        self.hook("bash", "zsh", status=2)
        self.hook("--install", shell="/bin/tcsh", status=1)
        self.assertEqual(os.listdir(self.home), ["holdfast"])


if __name__ == "__main__":
    if not all(shutil.which(program) for program in PROGRAMS.values()):
        print("dash, bash, zsh and fish are not all installed")
        raise SystemExit(77)
    main(needs_sshd=False)
