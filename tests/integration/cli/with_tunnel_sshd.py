"""The private sshd of with-tunnel, and its visitors."""
from __future__ import annotations

import os
import subprocess

import case
from case import PROGRAM, main, until
from with_tunnel_case import CommandTest


class Visitors(CommandTest):
    def test_a_visitor_logs_in_with_the_printed_command(self) -> None:
        _, line = self.start_and_await(env={"USER": "another"})
        command = line.partition("): ")[2].split()
        self.assertEqual(command[:2], ["ssh", "-J"], line)
        key = self.root / "config"
        key.write_text(f"Host *\n  IdentityFile {self.bastion.directory / 'key'}\n  BatchMode yes\n"
                       "  StrictHostKeyChecking accept-new\n"
                       f"  UserKnownHostsFile {self.root / 'laptop_known_hosts'}\n")
        done = subprocess.run([command[0], "-F", str(key), *command[1:], "echo", "inside"], capture_output=True, text=True,
                              timeout=60, stdin=subprocess.DEVNULL)
        self.assertEqual(done.stdout, "inside\n", done.stderr)

    def test_a_visitor_has_the_variables_of_the_job(self) -> None:
        self.start_and_await(env={"SLURM_JOB_ID": "4711", "CUDA_VISIBLE_DEVICES": "0,1", "TMPDIR": "/tmp/with space",
                                  "SLURM_JOB_NAME": 'a"b', "SECRET": "hidden"})
        done = self.login('echo "$SLURM_JOB_ID|$CUDA_VISIBLE_DEVICES|$TMPDIR|$SLURM_JOB_NAME|$SECRET"')
        self.assertEqual(done.stdout, "4711|0,1|/tmp/with space||\n", done.stderr)

    def test_files_are_copied_with_sftp(self) -> None:
        self.start_and_await()
        (self.root / "sent").write_text("kelp")
        done = self.login(f"put {self.root / 'sent'} {self.root / 'received'}", program="sftp")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual((self.root / "received").read_text(), "kelp")

    def test_only_the_keys_of_the_file_may_log_in(self) -> None:
        other = self.root / "other_keys"
        other.write_text("")
        self.start_and_await("--keys", str(other))
        done = self.login("true")
        self.assertEqual(done.returncode, 255)
        self.assertIn("Permission denied (publickey)", done.stderr)

    def test_a_session_ends_with_the_command(self) -> None:
        process, _ = self.start_and_await()
        visitor = subprocess.Popen(
            ["ssh", "-F", "none", "-p", str(self.port), "-i", str(self.bastion.directory / "key"),
             "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", f"{self.user()}@127.0.0.1",
             "echo ready; exec cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.addCleanup(visitor.communicate)
        self.addCleanup(visitor.kill)
        assert visitor.stdout
        self.assertEqual(visitor.stdout.readline().strip(), "ready")
        process.kill()
        self.assertNotEqual(visitor.wait(20), 0)
        self.assert_nothing_is_left()

    def test_the_private_sshd_comes_back_on_its_port(self) -> None:
        self.start_and_await()
        for _ in range(3):
            sshd = self.process("sshd_config")
            self.kill(sshd)
            until("another sshd", lambda: sshd not in self.processes() and self.banner() == b"SSH-")
        self.assertEqual(self.login("echo", "back").stdout, "back\n")

    def test_the_host_key_stays_the_same(self) -> None:
        keys = self.home / ".local/state/holdfast/hostkeys/with-tunnel"
        self.run_command(command=("true",))
        first = keys.read_bytes()
        self.assertEqual(keys.stat().st_mode & 0o777, 0o600)
        self.run_command(command=("true",))
        self.assertEqual(keys.read_bytes(), first)
        self.assertEqual(sorted(path.name for path in keys.parent.iterdir()), ["with-tunnel", "with-tunnel.pub"])

    def test_keys_that_others_can_change_are_refused(self) -> None:
        self.keys.chmod(0o666)
        done = self.run_command("--require", command=("echo", "no"))
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("other users can write to it", self.assert_reads_well(done))
        self.keys.unlink()
        done = self.run_command("--require", command=("echo", "no"))
        self.assertIn("there is no such file", self.assert_reads_well(done))
        self.assertIn("--keys FILE", done.stderr)
        self.assertEqual(self.left(), [])

    def test_a_full_or_read_only_home_gets_a_temporary_host_key(self) -> None:
        (self.home / ".local").write_text("not a directory")
        done = self.run_command(command=("echo", "ran"))
        self.assertEqual(done.stdout, "ran\n")
        self.assertIn("temporary host key", done.stderr)
        self.assertIn("holdfast: port", done.stderr)
        self.assert_nothing_is_left()

    def test_a_private_sshd_that_does_not_run_is_named(self) -> None:
        programs = self.root / "programs"
        programs.mkdir()
        (programs / "sshd").write_text("#!/bin/sh\n[ \"$1\" = -V ] && echo OpenSSH_9.2p1 && exit\n"
                                       "echo Missing privilege separation directory: /run/sshd >&2; exit 255\n")
        (programs / "sshd").chmod(0o755)
        done = self.run_command("--wait", "3s", command=("echo", "ran"), env={"PATH": f"{programs}:{os.environ['PATH']}"})
        self.assertEqual((done.returncode, done.stdout), (0, "ran\n"))
        self.assertIn("the private sshd does not run: Missing privilege separation directory: /run/sshd", done.stderr)
        self.assertIn("hint: mkdir -m 0755 /run/sshd\n", done.stderr)
        self.assert_nothing_is_left()

    def test_without_sshd_the_error_names_the_other_target(self) -> None:
        sshd = case.find_sshd()
        assert sshd
        if subprocess.run(["unshare", "--mount", "true"], check=False).returncode != 0:
            self.skipTest("only root can hide sshd")
        script = 'mount --bind /dev/null "$1" && shift && exec "$@"'
        done = subprocess.run(["unshare", "--mount", "sh", "-c", script, "sh", os.path.realpath(sshd), PROGRAM,
                               *self.words(command=("echo", "ran"))], env={**self.env, "PATH": "/usr/bin:/bin"},
                              capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
        self.assertEqual((done.returncode, done.stdout), (0, "ran\n"))
        self.assertRegex(done.stderr, r"^holdfast: warning: looking for the sshd program: it is not installed on \S+; "
                                      r"the command runs without it\n  hint: .*-t HOST:PORT\n$")


if __name__ == "__main__":
    main()
