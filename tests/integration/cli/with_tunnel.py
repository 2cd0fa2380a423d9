"""with-tunnel: a command, and a tunnel that lives as long as it does."""
from __future__ import annotations

import json
import os
import pathlib
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import unittest
from typing import Any, Optional

import case
from case import PROGRAM, Bastion, TunnelTest, free_port, is_alive, until

SLEEP = ("sleep", "600")


class CommandTest(TunnelTest):
    def setUp(self) -> None:
        super().setUp()
        self.known_hosts = self.root / "known_hosts"
        self.trust(self.bastion)
        (self.home / ".ssh").mkdir(mode=0o700)
        self.keys = self.home / ".ssh/authorized_keys"
        shutil.copy(self.bastion.directory / "key.pub", self.keys)
        self.keys.chmod(0o600)
        self.started: list[subprocess.Popen[str]] = []
        self.directories: set[str] = set()
        self.others = set(self.runtime.glob(".with.*"))  # of this user's other commands
        self.addCleanup(self.end_started)

    def trust(self, bastion: Bastion) -> None:
        key = " ".join((bastion.directory / "host_key.pub").read_text().split()[:2])
        self.known_hosts.write_text(f"[127.0.0.1]:{bastion.port} {key}\n")

    def end_started(self) -> None:
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.communicate()
        until("every process to end", lambda: not self.processes(), 20)

    def words(self, *options: str, command: tuple[str, ...], ports: Optional[str] = None) -> list[str]:
        return ["with-tunnel", "-b", f"{self.user()}@127.0.0.1:{self.bastion.port}", "-p", ports or str(self.port),
                "-s", str(self.bastion.directory / "key"), "--ssh-option", f'UserKnownHostsFile="{self.known_hosts}"',
                *options, "--", *command]

    def run_command(self, *options: str, command: tuple[str, ...], ports: Optional[str] = None,
                    env: Optional[dict[str, str]] = None) -> case.Done[str]:
        return self.run_holdfast(*self.words(*options, command=command, ports=ports), env=env)

    def start(self, *options: str, command: tuple[str, ...] = SLEEP, ports: Optional[str] = None,
              env: Optional[dict[str, str]] = None, **more: Any) -> subprocess.Popen[str]:
        process = subprocess.Popen([PROGRAM, *self.words(*options, command=command, ports=ports)],
                                   env={**self.env, **(env or {})}, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, cwd=self.root, **more)
        self.started.append(process)
        return process

    def start_and_await(self, *options: str, command: tuple[str, ...] = SLEEP, ports: Optional[str] = None,
                        env: Optional[dict[str, str]] = None) -> tuple[subprocess.Popen[str], str]:
        """The process, and its first line on stderr."""
        process = self.start(*options, command=command, ports=ports, env=env)
        assert process.stderr
        line = process.stderr.readline()
        self.directory(process.pid)
        return process, line

    def directory(self, pid: int) -> pathlib.Path:
        found, = until("the private directory", lambda: list(self.runtime.glob(f".with.{pid}.*")))
        self.directories.add(str(found))
        return pathlib.Path(found)

    def await_live(self, pid: int) -> None:
        """Not by connecting again and again: TCP may connect a free port to itself."""
        live = self.directory(pid) / "with-tunnel.live"
        until("the tunnel to be up", lambda: live.exists() and json.loads(live.read_text())["state"] == "up")

    def processes(self) -> dict[int, str]:
        """Of this test's tunnels: by pid, its command line."""
        found = {}
        home = f"HOME={self.home}".encode()
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                line = (entry / "cmdline").read_bytes()
                environment = (entry / "environ").read_bytes().split(b"\0")
            except OSError:
                continue
            text = line.replace(b"\0", b" ").decode(errors="replace")
            if (home in environment or any(one in text for one in self.directories)) and is_alive(int(entry.name)):
                found[int(entry.name)] = text
        return found

    def process(self, what: str) -> int:
        def find() -> Optional[int]:
            return next((pid for pid, line in self.processes().items() if what in line), None)
        return int(until(f"a process {what}", find))

    def left(self) -> list[str]:
        return [str(path) for path in self.runtime.glob(".with.*") if path not in self.others]

    def assert_nothing_is_left(self) -> None:
        until("every process to end", lambda: not self.processes(), 20)
        until("every file to be removed", lambda: not self.left(), 20)

    def login(self, *command: str, port: Optional[int] = None, program: str = "ssh") -> case.Done[str]:
        host_key = (self.home / ".local/state/holdfast/hostkeys/with-tunnel.pub").read_text().split()[:2]
        known = self.root / "known_visitor"
        known.write_text(f"[127.0.0.1]:{port or self.port} {' '.join(host_key)}\n")
        flag = "-P" if program == "sftp" else "-p"
        batch = ["-b", "-"] if program == "sftp" else []
        return subprocess.run(
            [program, "-F", "none", flag, str(port or self.port), "-i", str(self.bastion.directory / "key"),
             "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o", f"UserKnownHostsFile={known}",
             "-o", "ConnectTimeout=10", *batch, f"{self.user()}@127.0.0.1", *([] if batch else command)],
            input="\n".join(command) if batch else None, stdin=None if batch else subprocess.DEVNULL,
            capture_output=True, text=True, timeout=60)


class Process(CommandTest):
    def test_exit_status_and_streams_are_those_of_the_command(self) -> None:
        done = self.run_command(command=("sh", "-c", "echo out; echo err >&2; exit 7"))
        self.assertEqual(done.returncode, 7)
        self.assertEqual(done.stdout, "out\n")
        self.assertRegex(done.stderr, rf"^holdfast: port {self.port} of .* \(up in \d+ ms\): ssh -J .*\nerr\n$")
        self.assert_nothing_is_left()

    def test_the_command_is_the_process_that_was_started(self) -> None:
        script = ("import os\ntry: os.waitpid(-1, os.WNOHANG)\nexcept ChildProcessError: print(os.getpid(), os.getppid())")
        process = self.start(command=(sys.executable, "-c", script))
        out, err = process.communicate(timeout=60)
        self.assertEqual(out, f"{process.pid} {os.getpid()}\n", err)

    def test_standard_input_reaches_the_command(self) -> None:
        process = self.start(command=("cat",))
        out, _ = process.communicate("one\ntwo\n", timeout=60)
        self.assertEqual(out, "one\ntwo\n")

    def test_arguments_reach_the_command_unchanged(self) -> None:
        words = ("", "a b", "--", "--json", "-x", "$(id)", "*", "line\nbreak", "--help")
        done = self.run_command(command=("printf", "<%s>", *words))
        self.assertEqual(done.stdout, "".join(f"<{word}>" for word in words))

    def test_signals_and_descriptors_reach_the_command_unchanged(self) -> None:
        show = "grep -E '^Sig(Blk|Ign|Cgt)' /proc/self/status; ls /proc/self/fd; umask; pwd; env | sort"
        for before in ("", "trap '' PIPE TERM USR1; ", "exec <&-; ", "exec 7</dev/null; ", "umask 027; "):
            with self.subTest(before):
                mine = shlex.join([PROGRAM, *self.words(command=("sh", "-c", show))])
                plain = shlex.join(["sh", "-c", show])
                program = str(pathlib.Path(PROGRAM).resolve())
                runs = [subprocess.run(["sh", "-c", before + line.replace(PROGRAM, program, 1)], env=self.env, cwd=self.root,
                                       capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
                        for line in ("exec " + plain, "exec " + mine)]
                self.assertEqual(runs[0].stdout, runs[1].stdout)

    def test_a_signal_ends_the_command(self) -> None:
        process, line = self.start_and_await()
        self.assertIn("holdfast: port", line)
        process.terminate()
        self.assertEqual(process.wait(20), -signal.SIGTERM)
        self.assert_nothing_is_left()

    def test_a_missing_command_exits_with_127_and_opens_no_tunnel(self) -> None:
        done = self.run_command(command=("no-such-program-xyz",))
        self.assertEqual(done.returncode, 127)
        self.assertIn("no such program", self.assert_reads_well(done))
        self.assertEqual(self.left(), [])

    def test_a_file_that_cannot_run_exits_with_126(self) -> None:
        (self.root / "text").write_text("text")
        done = self.run_command(command=(str(self.root / "text"),))
        self.assertEqual(done.returncode, 126)
        self.assert_reads_well(done)

    def test_further_tasks_of_a_slurm_step_have_no_tunnel(self) -> None:
        done = self.run_command(command=("echo", "task"), env={"SLURM_PROCID": "1"})
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "task\n", ""))
        first = self.run_command(command=("echo", "task"), env={"SLURM_PROCID": "0"})
        self.assertIn("holdfast: port", first.stderr)

    def test_a_command_in_a_command_has_a_tunnel_of_its_own(self) -> None:
        other = free_port()
        inner = self.words(command=SLEEP, ports=str(other))
        process = self.start(command=(str(pathlib.Path(PROGRAM).resolve()), *inner))
        assert process.stderr
        for port in (self.port, other):
            self.assertIn(f"port {port} of", process.stderr.readline())
        self.assertEqual((self.banner(), self.banner(other)), (b"SSH-", b"SSH-"))


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


class Failures(CommandTest):
    def test_a_dead_bastion_does_not_keep_the_command_from_running(self) -> None:
        self.bastion.stop()
        done = self.run_command("--wait", "1s", command=("sh", "-c", "echo ran; exit 3"))
        self.assertEqual((done.returncode, done.stdout), (3, "ran\n"))
        self.assertRegex(done.stderr, r"^holdfast: warning: opening the tunnel to \S+: it is not up after 1\.\d s: .*; "
                                      r"the command runs without it\n")
        self.assert_nothing_is_left()

    def test_require_keeps_the_command_from_running(self) -> None:
        self.bastion.stop()
        done = self.run_command("--require", "--wait", "1", command=("echo", "ran"))
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assert_reads_well(done)
        self.assert_nothing_is_left()

    def test_the_tunnel_comes_up_later(self) -> None:
        self.bastion.stop()
        process, line = self.start_and_await("--wait", "0s")
        self.assertIn("the command runs without it", line)
        self.bastion.start()
        self.await_live(process.pid)
        self.assertEqual(self.banner(), b"SSH-")
        self.assertIsNone(process.poll())

    def test_an_unknown_host_key_is_refused_at_once(self) -> None:
        self.known_hosts.write_text("")
        done = self.run_command("--require", command=("echo", "ran"))
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("host key", self.assert_reads_well(done))
        self.assertNotIn("after 20", done.stderr)
        self.assertIn("hint: check the fingerprint", done.stderr)
        self.assertNotIn("--accept-new-host-key", done.stderr)
        self.assert_nothing_is_left()

    def test_a_busy_port_is_passed_over(self) -> None:
        first = self.two_ports()
        with socket.socket() as holder:
            holder.bind(("127.0.0.1", first))
            holder.listen()
            _, line = self.start_and_await(ports=f"{first}-{first + 1}")
            self.assertIn(f"port {first + 1} of", line)
            self.assertEqual(self.banner(first + 1), b"SSH-")

    def test_a_range_that_is_busy_is_tried_again(self) -> None:
        first = self.two_ports()
        with socket.socket() as one, socket.socket() as two:
            for holder, port in ((one, first), (two, first + 1)):
                holder.bind(("127.0.0.1", port))
                holder.listen()
            process, line = self.start_and_await("--wait", "1s", ports=f"{first}-{first + 1}")
            self.assertIn("the command runs without it", line)
        self.await_live(process.pid)
        self.assertIn(b"SSH-", (self.banner(first), self.banner(first + 1)))

    def test_a_port_that_the_bastion_forbids_is_passed_over(self) -> None:
        first = self.two_ports()
        self.bastion.stop()
        config = self.bastion.directory / "config"
        config.write_text(config.read_text() + f"PermitListen 127.0.0.1:{first + 1}\n")
        self.bastion.start()
        _, line = self.start_and_await(ports=f"{first}-{first + 1}")
        self.assertIn(f"port {first + 1} of", line)

    @staticmethod
    def two_ports() -> int:
        while True:
            with socket.socket() as one, socket.socket() as two:
                one.bind(("127.0.0.1", 0))
                port = int(one.getsockname()[1])
                try:
                    two.bind(("127.0.0.1", port + 1))
                except (OSError, OverflowError):
                    continue
                return port

    def test_a_target_may_start_later(self) -> None:
        target = free_port()
        _, line = self.start_and_await("-t", f"localhost:{target}")
        self.assertIn(f"leads to localhost:{target} (open, and waits for its target): ssh -N -L ", line)
        self.assertFalse(any("sshd_config" in one for one in self.processes().values()))
        with socket.socket() as server:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            server.bind(("127.0.0.1", target))
            server.listen()
            with socket.create_connection(("127.0.0.1", self.port), 20) as client:
                server.settimeout(20)
                client.sendall(b"kelp")
                # The tunnel's probes connect, too.
                until("the bytes", lambda: self.first_bytes(server) == b"kelp")

    @staticmethod
    def first_bytes(server: socket.socket) -> bytes:
        peer, _ = server.accept()
        with peer:
            peer.settimeout(1)
            try:
                return peer.recv(4)
            except OSError:
                return b""


class Ends(CommandTest):
    def test_nothing_is_left_after_the_command_is_killed(self) -> None:
        process, _ = self.start_and_await()
        self.assertEqual(len(self.processes()), 4, self.processes())  # the command, the sidecar, ssh and sshd
        process.kill()
        process.wait(20)
        self.assert_nothing_is_left()

    def test_nothing_is_left_after_a_kill_during_the_wait(self) -> None:
        self.bastion.stop()
        process = self.start("--wait", "60s")
        self.directory(process.pid)
        self.process(" sidecar ")
        process.kill()
        process.wait(20)
        self.assert_nothing_is_left()

    def test_ssh_and_sshd_end_with_a_killed_sidecar(self) -> None:
        process, _ = self.start_and_await()
        self.kill(self.process(" sidecar "))
        until("ssh and sshd to end", lambda: list(self.processes()) == [process.pid], 20)
        self.assertIsNone(process.poll())
        self.assertEqual(len(self.left()), 1)
        process.kill()
        process.wait(20)
        self.assertEqual(self.run_command(command=("true",)).returncode, 0)
        self.assert_nothing_is_left()

    def test_a_running_tunnel_is_not_swept(self) -> None:
        self.start_and_await()
        other = self.run_command(command=("true",), ports=str(free_port()))
        self.assertIn("holdfast: port", other.stderr)
        self.assertEqual(self.banner(), b"SSH-")
        until("the other's files to be removed", lambda: len(self.left()) == 1, 20)

    def test_signals_for_the_whole_job_leave_the_tunnel(self) -> None:
        self.start_and_await()
        sidecar = self.process(" sidecar ")
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM,
                       signal.SIGQUIT, signal.SIGXCPU):
            self.kill(sidecar, number)
        self.assertEqual(self.login("echo", "up").stdout, "up\n")
        self.assertTrue(is_alive(sidecar))

    def test_a_killed_ssh_is_replaced(self) -> None:
        self.start_and_await()
        ssh = self.process("ssh -N -M")
        self.kill(ssh)
        until("another ssh", lambda: ssh not in self.processes() and self.banner() == b"SSH-")


class Usage(CommandTest):
    def test_hostile_and_invalid_values_exit_with_2(self) -> None:
        plain = ["-b", "gate@bastion", "-p", "2230"]
        for options in (["-b", "-oProxyCommand=touch x", "-p", "2230"], ["-b", "a b", "-p", "2230"], ["-p", "2230"],
                        ["-b", "a,b", "-p", "2230"], ["-b", "gate@bastion"],
                        *(["-b", "gate@bastion", "-p", port] for port in
                          ("0", "65536", "2239-2230", "1-2-3", "2230-", "-2230", "1-65535", "2230\n", "127.0.0.1:2230", "x")),
                        *([*plain, "-t", target] for target in
                          ("localhost:80\nGatewayPorts yes", "localhost", "8888", ":80", "localhost:0", "a b:80", "-x:80",
                           "22:localhost:80", "[::1:80", "/run/", "h:80:i:81")),
                        *([*plain, "--wait", wait] for wait in ("", "x", "-1", "20 s", "1d", "99999999999", "25h")),
                        [*plain, "--keys", "a\nb"], [*plain, "-t", "localhost:1", "--keys", "f"],
                        [*plain, "-t", "localhost:1", "--sshd"], [*plain, "-s", "k\ney"],
                        [*plain, "--ssh-option", "StrictHostKeyChecking=no"], [*plain, "--ssh-option", "A=b\nc"],
                        [*plain, "-p", "2231"], [*plain, "--nonsense"]):
            with self.subTest(options):
                done = self.run_holdfast("with-tunnel", *options, "--", "touch", str(self.root / "ran"))
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assert_reads_well(done)
        self.assertFalse((self.root / "ran").exists())
        self.assertFalse((self.root / "x").exists())
        self.assertEqual(self.left(), [])
        self.assertEqual(self.run_holdfast("with-tunnel", *plain).returncode, 2)


if __name__ == "__main__":
    case.main()
