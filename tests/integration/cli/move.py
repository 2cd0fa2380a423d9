#!/usr/bin/env python3
"""`move` changes the backend. A failure keeps the tunnel and leaves nothing behind."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
from typing import Any, Optional

from case import PROGRAM, TunnelTest, is_alive, main, until

HELD_BY_HAND = [name for name in ("tmux", "screen", "nohup") if name == "nohup" or shutil.which(name)]


class Move(TunnelTest):
    def setUp(self) -> None:
        super().setUp()
        self.tools = self.root / "tools"
        self.tools.mkdir()
        self.env["PATH"] = f"{self.tools}:{self.env['PATH']}"
        self.set_up("--backend", "nohup")
        self.addCleanup(self.end_sessions)
        self.conf = self.home / f".config/holdfast/tunnels/{self.name}.conf"
        self.conf.write_text(self.conf.read_text().replace("backend = nohup\n", "# mine\nbackend = nohup # for now\n"))
        self.first = self.status()

    def end_sessions(self) -> None:
        subprocess.run(["tmux", "-S", str(self.runtime / f"{self.name}.tmux"), "kill-server"],
                       stderr=subprocess.DEVNULL, check=False) if shutil.which("tmux") else None

    def move(self, backend: str, *more: str, status: int = 0, env: Optional[dict[str, str]] = None) -> Any:
        done = self.run_holdfast("move", "--user", self.name, "--backend", backend, *more, env=env)
        self.assertEqual(done.returncode, status, done.stderr)
        return done

    def supervisors(self) -> list[int]:
        found = subprocess.run(["pgrep", "-f", f"holdfast run --user {self.name}$"], capture_output=True, text=True)
        # The command lines of tmux and screen contain the same words.
        return [pid for pid in map(int, found.stdout.split())
                if pathlib.Path(f"/proc/{pid}/exe").resolve() == pathlib.Path(PROGRAM).resolve()]

    def assert_held_by(self, backend: str) -> dict[str, Any]:
        now = self.await_up()
        self.assertEqual((now["backend"]["name"], now["backend"]["installed"], now["backend"]["running"]),
                         (backend, True, True))
        self.assertEqual(self.supervisors(), [now["supervisor_pid"]], "one supervisor for one tunnel")
        self.assertEqual(self.banner(), b"SSH-")
        return now

    def assert_as_it_was(self, files: dict[str, tuple[int, bytes]]) -> None:
        """Checks that nohup has the tunnel and that all files are unchanged, except live state."""
        self.assert_held_by("nohup")
        self.assertEqual(self.kept(self.everything()), self.kept(files))

    def kept(self, files: dict[str, tuple[int, bytes]]) -> dict[str, tuple[int, bytes]]:
        told = (".log", ".history", ".uptime", ".connection", ".processes", ".live", ".pid", ".ssh.log", ".ssh.err")
        others = str(self.runtime / ".check.")  # another test's preflight
        return {path: seen for path, seen in files.items() if not path.endswith(told) and not path.startswith(others)}

    def fake(self, program: str, script: str) -> None:
        path = self.tools / program
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    # -- successful moves -------------------------------------------------------------------------------

    def test_moves_between_all_backends_without_a_daemon(self) -> None:
        held = "nohup"
        for wanted in [*HELD_BY_HAND, "nohup", *reversed(HELD_BY_HAND), "tmux", "nohup"]:
            if wanted == held or wanted not in HELD_BY_HAND:
                continue
            with self.subTest(f"{held} to {wanted}"):
                before = self.status()
                answer = json.loads(self.move(wanted, "--json").stdout)
                self.assertTrue(answer["changed"])
                self.assertEqual(answer["backend"]["name"], wanted)
                self.assert_held_by(wanted)
                self.assertFalse(is_alive(before["supervisor_pid"]))
                held = wanted
        self.assertIn(f"# mine\nbackend = {held}\n", self.conf.read_text(), "a move changes only the backend")
        self.run_holdfast("remove", "--user", self.name)
        self.assert_nothing_changed()

    def test_a_move_to_the_same_backend_changes_nothing(self) -> None:
        before = self.everything()
        self.assertIn("held by nohup already", self.move("nohup").stdout)
        self.assertIn("the strongest", self.move("auto").stdout)
        self.assertEqual(self.status()["supervisor_pid"], self.first["supervisor_pid"])
        after = self.everything()
        self.assertEqual({p for p in after if after[p] != before.get(p)} - {str(self.runtime)}, set())

    def test_dry_run_changes_nothing(self) -> None:
        before = self.everything()
        said = self.move("tmux", "--dry-run").stdout
        for step in ("new-session", "backend = tmux", "is ready to take over", f"{self.name}.pid"):
            self.assertIn(step, said)
        self.assertEqual(self.kept(self.everything()), self.kept(before))

    def test_move_usage_errors(self) -> None:
        for words, status, cause in ((("move",), 2, "the name of the tunnel"), (("move", "no-such"), 4, "no such tunnel"),
                                     (("move", self.name, "--backend", "smoke"), 2, "no such backend"),
                                     (("move", self.name, "--backend", "systemd-system"), 2, "system scope")):
            done = self.run_holdfast(words[0], "--user", *words[1:])
            self.assertEqual(done.returncode, status, done.stderr)
            self.assertIn(cause, self.assert_reads_well(done))

    def test_setup_with_another_backend_hands_over_too(self) -> None:
        done = self.run_holdfast(*self.arguments("--backend", "screen"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("ready to take over", done.stderr)
        self.assert_held_by("screen")

    # -- failures --------------------------------------------------------------------------------------

    def test_an_unusable_backend_changes_nothing(self) -> None:
        before = self.everything()
        (self.tools / "ssh").symlink_to(str(shutil.which("ssh")))
        done = self.move("cron", status=5, env={"PATH": str(self.tools)})
        self.assertIn("crontab is not installed", self.assert_reads_well(done))
        self.assertEqual(self.kept(self.everything()), self.kept(before))

    def test_a_new_supervisor_that_never_starts_keeps_the_old_one(self) -> None:
        before = self.everything()
        # Its check passes, but its start fails.
        real = shutil.which("tmux", path=os.environ["PATH"])
        self.fake("tmux", f'case "$*" in *proof*|*kill-server*) exec {real} "$@";; esac; sleep 600 >/dev/null 2>&1 & echo $!')
        done = self.move("tmux", status=1)
        self.assertIn("was not ready to take over", self.assert_reads_well(done))
        self.assertEqual(self.status()["supervisor_pid"], self.first["supervisor_pid"], "the old supervisor still runs")
        self.assert_as_it_was(before)

    def test_a_lost_bastion_hands_back_to_the_old_backend(self) -> None:
        before = self.everything()
        self.bastion.stop()
        done = self.run_holdfast("move", "--user", self.name, "--backend", "screen")
        self.assertEqual(done.returncode, 1, done.stdout)
        self.bastion.start()
        self.assert_as_it_was(before)

    def interrupted(self, number: int) -> int:
        """Interrupts a move whose new supervisor never becomes ready."""
        real = shutil.which("tmux", path=os.environ["PATH"])
        mark = self.root / "started"
        self.fake("tmux", f'case "$*" in *proof*|*kill-server*) exec {real} "$@";; esac; '
                          f'{real} -S {self.runtime}/{self.name}.tmux -f /dev/null new-session -d -P -F "#{{pane_pid}}" '
                          f"sleep 600; touch {mark}")
        command = subprocess.Popen([PROGRAM, "move", "--user", self.name, "--backend", "tmux"], env=self.env,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        until("the new supervisor to start", mark.exists)
        command.send_signal(number)
        command.communicate(timeout=60)
        return command.returncode

    def test_an_interrupt_hands_back_to_the_old_backend(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            before = self.everything()
            self.assertEqual(self.interrupted(number), 130)
            self.assert_as_it_was(before)
            (self.root / "started").unlink()

    def test_a_killed_move_keeps_the_tunnel_and_is_cleaned_up_later(self) -> None:
        self.assertEqual(self.interrupted(signal.SIGKILL), -signal.SIGKILL)
        self.assertEqual(self.banner(), b"SSH-")
        self.assertTrue(is_alive(self.first["supervisor_pid"]))
        (self.tools / "tmux").unlink()
        self.move("screen")
        self.assert_held_by("screen")
        self.assertFalse(list(self.home.rglob("*.handover")))
        self.assertFalse((self.runtime / f"{self.name}.tmux").exists())

    def test_a_tunnel_can_be_removed_after_a_killed_move(self) -> None:
        self.interrupted(signal.SIGKILL)
        (self.tools / "tmux").unlink()
        done = self.run_holdfast("remove", "--user", self.name)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual((self.supervisors(), self.banner()), ([], b""))
        self.assert_nothing_changed()


if __name__ == "__main__":
    main()
