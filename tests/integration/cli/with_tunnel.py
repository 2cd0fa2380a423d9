"""with-tunnel: a command, and a tunnel that lives as long as it does."""
from __future__ import annotations

import os
import pathlib
import shlex
import signal
import socket
import subprocess
import sys

from case import PROGRAM, free_port, is_alive, main, until
from with_tunnel_case import SLEEP, CommandTest


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
    main()
