#!/usr/bin/env python3
"""import: replaces a running autossh, and restores it byte for byte when that fails."""
from __future__ import annotations

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
from typing import Any

from case import Done, TunnelTest, is_alive, main, until


class Import(TunnelTest):
    def setUp(self) -> None:
        super().setUp()
        self.key = self.bastion.directory / "key"
        self.command = (f"AUTOSSH_GATETIME=0 autossh -M 0 -f -N -i {self.key} -p {self.bastion.port} "
                        f"-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o IdentitiesOnly=yes "
                        f"-o ExitOnForwardFailure=yes -R {self.port}:127.0.0.1:{self.bastion.port} "
                        f"{self.user()}@127.0.0.1")
        self.file = self.home / ".bashrc"
        self.file.write_text(f"alias ll='ls -l'\nif ! pgrep -f 'autossh.*{self.port}' >/dev/null; then\n"
                             f"    {self.command}\nfi\nexport LAST=1\n")
        self.addCleanup(self.end_autossh)
        # A start-up file starts its tunnel at the next login. With the login hook nohup does so, too.
        self.env["SHELL"] = "/bin/zsh"
        self.run_holdfast("hook", "--install", "zsh")

    def autosshs(self) -> list[int]:
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            try:
                argv = (entry / "cmdline").read_bytes() if entry.name.isdigit() else b""
            except OSError:
                continue
            if argv.split(b"\0")[0].endswith(b"autossh") and str(self.port).encode() in argv:
                found.append(int(entry.name))
        return [pid for pid in found if is_alive(pid)]

    def end_autossh(self) -> None:
        for pid in self.autosshs():
            os.kill(pid, signal.SIGTERM)
        until("autossh to end", lambda: not self.autosshs())

    def start_old(self) -> list[int]:
        subprocess.run(["bash", "--norc", "-c", f". {self.file}"], check=True, env=self.env, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120)
        until("the old tunnel", lambda: self.banner() == b"SSH-")
        return self.autosshs()

    def run_import(self, *arguments: str, status: int = 0) -> Done[str]:
        done = self.run_holdfast("import", "--user", str(self.file), "-n", self.name, "--accept-new-host-key",
                                 *arguments, timeout=120)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done

    def one(self, done: Done[str]) -> dict[str, Any]:
        result, = json.loads(done.stdout)["imports"]
        return dict(result)

    def test_imports_a_running_autossh_and_can_be_undone(self) -> None:
        before = self.file.read_text()
        old = self.start_old()
        self.assertTrue(old)
        self.run_import()
        self.assertEqual(self.autosshs(), [])
        status = self.status()
        self.assertEqual((status["state"], status["verified"]), ("up", True))
        self.assertEqual(self.banner(), b"SSH-")
        after = self.file.read_text()
        self.assertEqual(after.count(f"# holdfast has it (tunnel {self.name}): "), 3)
        # The next login works and doesn't start autossh.
        subprocess.run(["bash", "-n", str(self.file)], check=True)
        self.assertEqual(subprocess.run(["bash", "--norc", "-c", f". {self.file}; echo $LAST"], env=self.env, check=True,
                                        capture_output=True, text=True, timeout=120).stdout, "1\n")
        self.assertEqual(self.autosshs(), [])
        self.assertEqual(after.replace(f": # holdfast has it (tunnel {self.name}): ", "")
                         .replace(f"# holdfast has it (tunnel {self.name}): ", ""), before)
        done = self.run_holdfast("import", "--user", str(self.file))
        self.assertIn("no line in it starts autossh", self.assert_reads_well(done))
        # Another line for the same port would compete for it at every login.
        self.file.write_text(before)
        done = self.run_import()
        self.assertIn("exists already", done.stderr)
        self.assertEqual(self.file.read_text(), after)
        self.assertEqual(self.status()["supervisor_pid"], status["supervisor_pid"])
        self.file.write_text(before.replace("-R ", "-R 127.0.0.2:"))
        self.assertIn("another tunnel", self.run_import(status=1).stderr)

    def test_dry_run_changes_nothing(self) -> None:
        old, everything = self.start_old(), self.everything()
        done = self.run_import("--dry-run")
        self.assertIn(f"end autossh (process {old[0]})", done.stdout)
        self.assertIn(f"write {self.home}/.config/holdfast/tunnels/{self.name}.conf", done.stdout)
        self.assertIn("no bastion was checked", done.stderr)
        self.assertEqual((self.everything(), self.autosshs()), (everything, old))
        self.assertEqual(self.one(self.run_import("--dry-run", "--json"))["outcome"], "planned")

    def test_a_failed_check_changes_nothing(self) -> None:
        old = self.start_old()
        before = self.everything()
        self.key.rename(self.root / "elsewhere")
        result = self.one(self.run_import("--json", status=1))
        self.assertEqual(result["outcome"], "failed")
        self.assertIn(str(self.key), result["message"])
        self.assertEqual((self.everything(), self.autosshs()), (before, old))

    def test_a_failure_after_the_stop_restores_everything(self) -> None:
        # This key may listen on "localhost", which autossh requests, but not on 127.0.0.1, which holdfast requests.
        public = (self.bastion.directory / "key.pub").read_text()
        (self.bastion.directory / "authorized_keys").write_text(f'permitlisten="localhost:{self.port}" {public}')
        self.file.chmod(0o640)
        before, old = self.everything(), self.start_old()
        done = self.run_import(status=1)
        self.assertIn("does not allow this key to listen", done.stderr)
        self.assertIn("is restored", done.stderr)
        self.assertEqual({path: what for path, what in self.everything().items() if "/.local" not in path},
                         {path: what for path, what in before.items() if "/.local" not in path})
        self.assertTrue(self.autosshs())
        self.assertNotEqual(self.autosshs(), old)
        until("the old tunnel", lambda: self.banner() == b"SSH-")

    def test_a_successor_that_survives_less_is_refused(self) -> None:
        """Without the login hook, nohup is not back at the next login."""
        old = self.start_old()
        self.run_holdfast("hook", "--remove", "zsh")
        before = self.everything()
        for dry_run in (["--dry-run"], []):
            done = self.run_import(*dry_run, status=1)
            self.assertIn("nohup does not survive a reboot, but the tunnel that it would replace does better", done.stderr)
            self.assertIn("\n  hint: holdfast hook --install, then import again\n", done.stderr)
        self.assertEqual((self.everything(), self.autosshs()), (before, old))
        # The same for a tunnel that exists.
        self.run_holdfast("hook", "--install", "zsh")
        self.run_import()
        self.file.write_text(self.file.read_text().replace(f"# holdfast has it (tunnel {self.name}): ", "").replace(": if", "if"))
        self.run_holdfast("hook", "--remove", "zsh")
        done = self.run_import(status=1)
        self.assertIn(f"tunnel {self.name} exists already and is up, but with nohup it does not survive a reboot", done.stderr)

    def test_an_unsupported_line_is_reported_and_unchanged(self) -> None:
        self.file.write_text(self.file.read_text().replace("-M 0", "-M 0 -D 1080"))
        before = self.everything()
        done = self.run_import(status=1)
        self.assertIn("-D 1080", self.assert_reads_well_with_note(done))
        self.assertEqual(self.everything(), before)

    def assert_reads_well_with_note(self, done: Done[str]) -> str:
        return next(line for line in done.stderr.splitlines() if line.startswith("holdfast: "))

    def test_nothing_to_import(self) -> None:
        self.file.write_text("alias ll='ls -l'\n")
        done = self.run_holdfast("import", "--user", env={"PATH": "/nonexistent"})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("nothing to import was found", done.stderr)


if __name__ == "__main__":
    if not shutil.which("autossh"):
        print("skipped: it needs autossh", file=sys.stderr)
        sys.exit(1 if os.environ.get("CI") == "true" else 77)
    main()
