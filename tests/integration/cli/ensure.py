#!/usr/bin/env python3
"""`ensure`, for cron and login hooks: silent, fast, and at most one supervisor, however often it runs."""
import subprocess

from case import PROGRAM, TunnelTest, is_alive, main, until


class Ensure(TunnelTest):
    def setUp(self) -> None:
        super().setUp()
        self.set_up()
        self.first = self.status()

    def ensure(self, *arguments: str, status: int = 0) -> None:
        done = self.run_holdfast("ensure", "--user", *arguments)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (status, "", ""))

    def break_down(self) -> None:
        """Kills the supervisor. Its ssh continues unsupervised."""
        self.kill(self.first["supervisor_pid"])
        until("the supervisor to be gone", lambda: not is_alive(self.first["supervisor_pid"]))

    def test_a_running_tunnel_starts_no_process(self) -> None:
        before = self.everything()
        # PATH has no program to start.
        done = self.run_holdfast("ensure", "--user", env={"PATH": "/nonexistent"})
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        self.assertEqual(self.everything(), before)
        self.assertEqual(self.status()["supervisor_pid"], self.first["supervisor_pid"])

    def test_starts_a_tunnel_that_is_down(self) -> None:
        self.break_down()
        self.ensure(self.name)
        now = self.await_up()
        self.assertNotEqual(now["supervisor_pid"], self.first["supervisor_pid"])
        self.assertEqual(now["ssh_pid"], self.first["ssh_pid"], "the same ssh still runs")
        self.assertIn("ensure", self.run_holdfast("logs", "--user", self.name).stdout)

    def test_parallel_calls_start_one_supervisor(self) -> None:
        self.break_down()
        calls = [subprocess.Popen([PROGRAM, "ensure", "--user"], env=self.env, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for _ in range(12)]
        self.assertEqual([(call.communicate()[0], call.returncode) for call in calls], [(b"", 0)] * 12)
        now = self.await_up()
        self.assertEqual(self.supervisors(), [now["supervisor_pid"]])

    def supervisors(self) -> list[int]:
        found = subprocess.run(["pgrep", "-f", f"holdfast run --user {self.name}$"], capture_output=True, text=True)
        return [int(pid) for pid in found.stdout.split()]

    def test_stop_ends_the_tunnel_also_if_its_mark_cannot_be_written(self) -> None:
        """As in a full or read-only home."""
        mark, = (path / f"{self.name}.stopped" for path in self.home.glob(".local/state/holdfast/*"))
        mark.mkdir()
        self.addCleanup(mark.rmdir)
        done = self.run_holdfast("stop", "--user", self.name)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f"tunnel {self.name} is stopped", done.stdout)
        self.assertIn(f"holdfast: warning: writing {mark}: it is not a regular file: the next login, or cron, starts tunnel "
                      f"{self.name} again", done.stderr)
        self.assertFalse(is_alive(self.first["supervisor_pid"]) or is_alive(self.first["ssh_pid"]))

    def test_a_stopped_tunnel_stays_stopped(self) -> None:
        self.run_holdfast("stop", "--user", self.name)
        self.ensure()
        self.assertEqual(self.status()["state"], "stopped")
        said = self.run_holdfast("ensure", "--user", "-v")
        self.assertIn("it was stopped with holdfast stop", said.stderr)
        self.run_holdfast("start", "--user", self.name)
        self.first = self.status()
        self.break_down()
        self.ensure()
        self.await_up()

    def test_a_stop_of_an_earlier_boot_is_ignored(self) -> None:
        self.run_holdfast("stop", "--user", self.name)
        mark, = self.home.glob(f".local/state/holdfast/*/{self.name}.stopped")
        mark.write_text("another-boot\n")
        self.ensure()
        self.await_up()

    def test_errors_are_shown_with_v_and_affect_no_other_tunnel(self) -> None:
        self.ensure("nothing", status=4)
        broken = self.home / ".config/holdfast/tunnels/a-broken.conf"
        broken.write_text("port = ")
        broken.chmod(0o600)
        far = self.home / ".config/holdfast/tunnels/far.conf"
        far.write_text("port = 2222\nbackend = nohup\nhost = elsewhere\nbastion = gate@bastion\n")
        far.chmod(0o600)
        self.break_down()
        self.ensure(status=1)
        self.await_up()
        said = self.run_holdfast("ensure", "--user", "-v").stderr
        self.assertIn("a-broken.conf", said)
        self.assertIn("it belongs to host elsewhere", said)

    def test_a_directory_that_cannot_be_read_is_named(self) -> None:
        tunnels = self.home / ".config/holdfast/tunnels"
        kept = tunnels.with_name("kept")
        tunnels.rename(kept)
        self.addCleanup(kept.rename, tunnels)
        for make, cause in ((lambda: tunnels.write_text(""), "not a directory"),
                            (lambda: tunnels.symlink_to("nothing"), "it is a dangling symbolic link")):
            make()
            self.ensure(status=1)
            for words in (("ensure", "-v"), ("remove", "--all"), ("stop", "--all")):
                done = self.run_holdfast(*words, "--user")
                self.assertEqual((done.returncode, done.stdout), (1, ""), words)
                self.assertEqual(self.assert_reads_well(done), f"holdfast: reading {tunnels}: {cause}")
            tunnels.unlink()


if __name__ == "__main__":
    main()
