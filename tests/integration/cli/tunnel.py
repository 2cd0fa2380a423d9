#!/usr/bin/env python3
"""The life of a tunnel: setup, status, stop, start, faults, removal without a trace."""
import json
import os
import pathlib
import re
import resource
import shlex
import signal
import socket
import subprocess
import time

from case import PROGRAM, TunnelTest, is_alive, main, until
from watch import Terminal

KEYS = ["name", "state", "verified", "since", "host", "bastion", "bastions", "engine", "forwards", "backend",
        "installation", "supervisor", "supervisor_pid", "ssh_pid", "rtt_ms", "reconnects", "next_attempt", "last_error", "credential"]


class Life(TunnelTest):
    def test_setup_ends_with_the_command_for_a_laptop(self) -> None:
        done = self.set_up()
        answer = done.stdout.splitlines()
        self.assertRegex(answer[0], r"verified end to end in \d+ ms$")
        self.assertTrue(answer[-1].startswith("ssh "), answer)
        for step in ("bastion reached", "host key known", "key accepted", "free and allowed", "local target", "written"):
            self.assertIn(step, done.stderr)
        self.assertNotIn("\x1b", done.stdout + done.stderr, "no colour where there is no terminal")
        self.assertEqual(self.banner(), b"SSH-")

    def test_status_as_table_detail_and_json(self) -> None:
        self.set_up()
        now = self.status()
        self.assertEqual(list(now), [*KEYS, "history"])
        self.assertEqual((now["state"], now["verified"], now["engine"]), ("up", True, "native"))
        self.assertEqual(now["backend"]["name"], "nohup")
        self.assertTrue(is_alive(now["supervisor_pid"]) and is_alive(now["ssh_pid"]))
        table = self.run_holdfast("status", "--user").stdout
        self.assertRegex(table, rf"(?m)^{self.name} +up ")
        self.assertIn("verified end to end", self.run_holdfast("status", "--user", self.name).stdout)
        self.assertIn(self.name, self.run_holdfast("status", "--user", "-p", str(self.port)).stdout)

    def test_a_repeated_setup_changes_nothing(self) -> None:
        self.assertTrue(json.loads(self.set_up("--json").stdout)["changed"])
        before, now = self.everything(), self.status()
        again = json.loads(self.set_up("--json").stdout)
        self.assertFalse(again.pop("changed"))
        self.assertEqual(list(again), KEYS)
        self.assertIn("nothing to do", self.set_up().stdout)
        self.assertEqual((self.status()["supervisor_pid"], self.status()["ssh_pid"]),
                         (now["supervisor_pid"], now["ssh_pid"]))
        self.assertEqual(self.everything(), before)

    def test_other_arguments_update_in_place(self) -> None:
        self.set_up()
        before = self.status()
        done = self.run_holdfast(*self.arguments("--ssh-option", "Compression=no", "--json"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(json.loads(done.stdout)["changed"])
        self.assertFalse(is_alive(before["ssh_pid"]) or is_alive(before["supervisor_pid"]))
        self.assertIn("Compression=no", (self.home / f".config/holdfast/tunnels/{self.name}.conf").read_text())
        self.assertEqual(self.banner(), b"SSH-")

    def test_stop_start_restart(self) -> None:
        self.set_up()
        before = self.status()
        self.assertEqual(self.run_holdfast("stop", "--user", self.name).returncode, 0)
        self.assertFalse(is_alive(before["ssh_pid"]) or is_alive(before["supervisor_pid"]))
        self.assertEqual(self.banner(), b"")
        stopped = self.status()
        self.assertEqual((stopped["state"], stopped["backend"]["installed"], stopped["backend"]["running"]),
                         ("stopped", True, False))
        self.assertEqual(self.run_holdfast("stop", "--user", self.name).returncode, 0, "a second stop succeeds")
        self.assertEqual(self.run_holdfast("start", "--user", self.name).returncode, 0)
        started = self.status()
        self.assertEqual(self.run_holdfast("start", "--user", self.name).returncode, 0)
        self.assertEqual(self.status()["ssh_pid"], started["ssh_pid"], "start leaves a running tunnel alone")
        self.assertEqual(self.run_holdfast("restart", "--user", self.name).returncode, 0)
        self.assertNotEqual(self.status()["supervisor_pid"], started["supervisor_pid"])
        self.assertEqual(self.banner(), b"SSH-")

    def interrupted(self, number: signal.Signals, *arguments: str) -> int:
        """Sends the signal to holdfast while it waits for the supervisor to end. Returns its exit status."""
        supervisor = self.status()["supervisor_pid"]
        status = pathlib.Path(f"/proc/{supervisor}/status")
        os.kill(supervisor, signal.SIGSTOP)
        with subprocess.Popen([PROGRAM, *arguments], env=self.env, cwd=self.root, stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as command:
            until("it to be told to end", lambda: int(re.findall(r"ShdPnd:\s*(\w+)", status.read_text())[0], 16)
                  & 1 << signal.SIGTERM - 1)
            command.send_signal(number)
            time.sleep(0.2)  # the signal may be handled only when holdfast runs again
            os.kill(supervisor, signal.SIGCONT)
        return command.returncode

    def test_a_signal_does_not_part_stop_from_start(self) -> None:
        self.set_up()
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
            with self.subTest(number.name):
                before = self.await_up()["supervisor_pid"]
                self.assertEqual(self.interrupted(number, "restart", "--user", self.name), 130)
                self.assertNotEqual(self.await_up()["supervisor_pid"], before)

    def test_a_signal_does_not_leave_a_removal_half_done(self) -> None:
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
            with self.subTest(number.name):
                self.set_up()
                self.assertEqual(self.interrupted(number, "remove", "--user", self.name), 0)
                self.assert_nothing_changed()

    def test_remove_leaves_nothing(self) -> None:
        self.set_up()
        before = self.status()
        done = self.run_holdfast("remove", "--user", self.name)
        self.assertEqual(done.returncode, 0, done.stderr)
        for gone in (f"{self.name}.conf", f"{self.name}.known_hosts", str(before["supervisor_pid"]), f"{self.name}.log"):
            self.assertIn(gone, done.stdout)
        self.assertFalse(is_alive(before["ssh_pid"]) or is_alive(before["supervisor_pid"]))
        self.assert_nothing_changed()
        self.assertEqual(self.run_holdfast("remove", "--user", self.name).returncode, 4)

    def test_remove_works_on_a_full_disk(self) -> None:
        self.set_up()
        supervisor = self.await_up()["supervisor_pid"]
        limit = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        done = subprocess.run([PROGRAM, "remove", "--user", self.name], env=self.env, capture_output=True, text=True,
                              timeout=60, cwd=self.root, restore_signals=False,  # SIGXFSZ stays ignored
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, limit)))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertFalse(is_alive(supervisor))
        self.assert_nothing_changed()

    def test_remove_by_port(self) -> None:
        self.set_up()
        self.assertEqual(self.run_holdfast("remove", "--user", "-p", str(self.port)).returncode, 0)
        self.assert_nothing_changed()

    def test_remove_cleans_up_after_a_host_was_renamed(self) -> None:
        if not pathlib.Path("/etc/machine-id").exists():
            self.skipTest("this machine has no mark to know it by")
        self.set_up("--takeover")
        self.await_up()
        here = self.home / ".local/state/holdfast" / socket.gethostname()
        until("its session to be known", (here / f"{self.name}.session").exists)
        self.assertEqual(self.run_holdfast("stop", "--user", self.name).returncode, 0)
        here.rename(here.parent / "formerly")
        file = self.home / ".config/holdfast/tunnels" / f"{self.name}.conf"
        file.write_text(file.read_text().replace(f"host = {socket.gethostname()}", "host = formerly"))
        told = self.status()["last_error"]["hint"]
        self.assertIn("--takeover", told)
        mend = shlex.split(told.partition(": holdfast ")[2])
        done = self.run_holdfast(*mend, "--user")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertFalse((here.parent / "formerly").exists(), list(here.parent.rglob("*")))
        self.assertIn("takeover = yes", file.read_text())

    def test_logs_follow(self) -> None:
        self.set_up()
        self.assertIn("up: verified end to end", self.run_holdfast("logs", "--user", self.name).stdout)
        self.assertEqual(len(self.run_holdfast("logs", "--user", self.name, "-n", "1").stdout.splitlines()), 1)
        follower = subprocess.Popen([PROGRAM, "logs", "--user", self.name, "-f", "-n", "0"], env=self.env, text=True,
                                    stdout=subprocess.PIPE)
        self.addCleanup(follower.wait)
        self.addCleanup(follower.kill)
        assert follower.stdout
        self.kill(self.status()["ssh_pid"])
        self.assertIn("ssh", follower.stdout.readline())
        follower.stdout.close()

    def test_logs_show_local_time_on_a_terminal(self) -> None:
        self.set_up()
        terminal = Terminal([PROGRAM, "logs", "--user", self.name, "-f"], {**self.env, "TZ": "TEST-2"}, columns=200)
        self.addCleanup(terminal.close)
        stamp = r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d TEST "
        terminal.await_text(stamp[1:] + "up: verified")
        self.kill(self.status()["ssh_pid"])
        terminal.await_text("up: verified.*ssh.*up: verified")
        for line in terminal.seen.splitlines():
            self.assertRegex(line, stamp)
        piped = self.run_holdfast("logs", "--user", self.name, env={"TZ": "TEST-2"}).stdout
        for line in piped.splitlines():
            self.assertRegex(line, r"^\S+T\S+Z ")

    def test_dry_run_prints_everything_and_changes_nothing(self) -> None:
        done = self.run_holdfast(*self.arguments("--dry-run"))
        self.assertEqual(done.returncode, 0, done.stderr)
        for word in (f"{self.name}.conf (0600)", f"    port = 127.0.0.1:{self.port}:", "start in the background"):
            self.assertIn(word, done.stdout)
        self.assert_nothing_changed()
        at = f"{self.user()}@127.0.0.1:{self.bastion.port}"
        self.assertIn(f"the bastion was not checked: --dry-run. To check it: holdfast doctor -b {at}", done.stderr)
        self.assertIs(json.loads(self.run_holdfast(*self.arguments("--dry-run", "--json")).stdout)["checked"], False)


class Broken(TunnelTest):
    def test_a_killed_ssh_is_reported_and_restarted(self) -> None:
        self.set_up()
        before = self.status()
        self.kill(before["ssh_pid"])
        until("it to be gone", lambda: not is_alive(before["ssh_pid"]))
        self.assertNotEqual(self.status()["ssh_pid"], before["ssh_pid"])
        after = self.await_up()
        self.assertEqual((after["supervisor_pid"], after["reconnects"]), (before["supervisor_pid"], 1))

    def test_start_replaces_a_killed_supervisor(self) -> None:
        self.set_up()
        before = self.status()
        self.kill(before["supervisor_pid"])
        until("the supervisor to be gone", lambda: not is_alive(before["supervisor_pid"]))
        self.assertEqual(self.status()["state"], "failed")
        self.assertEqual(self.run_holdfast("start", "--user", self.name).returncode, 0)
        self.assertEqual(self.status()["ssh_pid"], before["ssh_pid"], "the same ssh still runs")
        self.assertEqual(self.banner(), b"SSH-")

    def test_reap_ends_only_the_ssh_of_a_dead_supervisor(self) -> None:
        self.set_up()
        before = self.status()
        refused = self.run_holdfast("reap", "--user", self.name)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("is running", self.assert_reads_well(refused))
        self.kill(before["supervisor_pid"])
        until("the supervisor to be gone", lambda: not is_alive(before["supervisor_pid"]))
        self.assertTrue(is_alive(before["ssh_pid"]))
        self.assertEqual(self.run_holdfast("reap", "--user", self.name).returncode, 0)
        self.assertFalse(is_alive(before["ssh_pid"]))

    def test_stop_and_remove_end_the_ssh_of_a_dead_supervisor(self) -> None:
        for command in ("stop", "remove"):
            with self.subTest(command):
                self.set_up()
                before = self.status()
                self.kill(before["supervisor_pid"])
                until("the supervisor to be gone", lambda: not is_alive(before["supervisor_pid"]))
                self.assertEqual(self.run_holdfast(command, "--user", self.name).returncode, 0)
                self.assertFalse(is_alive(before["ssh_pid"]))
        self.assert_nothing_changed()

    def test_stop_ends_a_supervisor_started_by_hand(self) -> None:
        self.set_up()
        self.run_holdfast("stop", "--user", self.name)
        by_hand = subprocess.Popen([PROGRAM, "run", "--user", self.name], env=self.env, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        self.addCleanup(by_hand.wait)
        self.assertEqual(self.await_up()["supervisor_pid"], by_hand.pid)
        self.assertEqual(self.run_holdfast("stop", "--user", self.name).returncode, 0)
        self.assertEqual(by_hand.wait(60), 0)

    def test_a_broken_file_affects_no_other_tunnel(self) -> None:
        self.set_up()
        file = self.home / f".config/holdfast/tunnels/{self.name}.conf"
        other = file.with_name("other.conf")
        other.write_text("nonsense\n")
        other.chmod(0o600)
        tunnels = {t["name"]: t for t in json.loads(self.run_holdfast("status", "--user", "--json").stdout)["tunnels"]}
        self.assertEqual((tunnels["other"]["state"], tunnels["other"]["last_error"]["class"]), ("failed", "config"))
        self.assertEqual(tunnels[self.name]["state"], "up")
        self.assertEqual(self.run_holdfast("run", "--user", "other").returncode, 2)
        before = self.status()
        file.write_text("port =")
        self.assertEqual(self.run_holdfast("remove", "--user", self.name, "other").returncode, 0)
        self.assertFalse(is_alive(before["ssh_pid"]) or is_alive(before["supervisor_pid"]))
        self.assertEqual([path for path in self.everything() if path.endswith(".conf")], [])

    def test_run_ends_cleanly_on_sigterm(self) -> None:
        self.set_up()
        self.run_holdfast("stop", "--user", self.name)
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number):
                by_hand = subprocess.Popen([PROGRAM, "run", "--user", self.name], env=self.env,
                                           stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
                ssh = self.await_up()["ssh_pid"]
                os.kill(by_hand.pid, number)
                self.assertEqual(by_hand.wait(60), 0)
                self.assertFalse(is_alive(ssh))


if __name__ == "__main__":
    main()
