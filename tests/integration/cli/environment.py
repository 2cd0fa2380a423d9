#!/usr/bin/env python3
"""Closed descriptors, readers that close early, spellings of a bastion, and the reports of setup and remove."""
from __future__ import annotations

import os
import pathlib
import socket
import subprocess

from case import PROGRAM, Done, ProgramTest, TunnelTest, main

GATE = "gate@bastion"


class Descriptors(TunnelTest):
    def without(self, *closed: int, arguments: list[str]) -> int:
        """Starts holdfast with these standard descriptors closed."""
        redirections = " ".join(f"{number}>&-" for number in closed)
        return subprocess.run(["sh", "-c", f'exec "$0" "$@" {redirections}', PROGRAM, *arguments], env=self.env,
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              timeout=60, check=False).returncode

    def test_a_supervisor_has_all_standard_descriptors(self) -> None:
        """Otherwise its lock would become standard output, and messages would be written into it."""
        self.set_up()
        self.assertEqual(self.run_holdfast("stop", "--user", self.name).returncode, 0)
        self.without(0, 1, 2, arguments=["start", "--user", self.name])
        supervisor = pathlib.Path(f"/proc/{self.await_up()['supervisor_pid']}/fd")
        self.assertEqual([os.readlink(supervisor / number) for number in "012"], ["/dev/null"] * 3)

    def test_a_closed_stdout_is_a_failure(self) -> None:
        self.assertEqual(self.without(1, arguments=["version"]), 1)


class Readers(ProgramTest):
    def test_a_reader_that_closes_early_is_no_failure(self) -> None:
        reads, writes = os.pipe()
        os.close(reads)
        with os.fdopen(writes, "w") as pipe:
            done = self.run_holdfast("--help-recursive", stdout=pipe)
        self.assertEqual((done.returncode, done.stderr), (0, ""))


class Follower(TunnelTest):
    def test_logs_follow_ends_when_the_reader_closes(self) -> None:
        """`holdfast logs NAME -f | grep -m1 up` must end after the match."""
        self.set_up()
        follower = subprocess.Popen([PROGRAM, "logs", "--user", self.name, "-f"], env=self.env, stdout=subprocess.PIPE)
        self.addCleanup(follower.wait)
        self.addCleanup(follower.kill)
        assert follower.stdout
        follower.stdout.readline()
        follower.stdout.close()
        self.assertEqual(follower.wait(60), 0)


class Bastions(ProgramTest):
    def plan(self, *arguments: str) -> Done[str]:
        return self.run_holdfast("setup", "--user", "--dry-run", "-q", *arguments)

    def test_accepts_bastions_as_ssh_does(self) -> None:
        for typed, meant in ((f"ssh://{GATE}", GATE), (f"ssh://{GATE}:2200/", f"{GATE}:2200"),
                             ("ssh://gate@[::1]:22", "gate@[::1]:22"), ("gate@corp.example@bastion",) * 2):
            with self.subTest(typed):
                self.assertIn(f"bastion = {meant}\n", self.plan("-p", "2222", "-b", typed).stdout + "\n")
        for typed in ("ssh://", "ssh://-x", "ssh://gate@bastion/path", "ftp://bastion"):
            self.assertEqual(self.plan("-p", "2222", "-b", typed).returncode, 2, typed)

    def test_a_port_in_place_of_an_address_is_refused(self) -> None:
        """ssh reads 2222:22 as port 22 of the address 0.0.8.174, but people mean from 2222 to 22."""
        for typed in ("2222:22", "2222:22:22", "22:2222:localhost:22"):
            done = self.plan("-p", typed, "-b", GATE)
            self.assertEqual(done.returncode, 2, done.stdout)
            self.assertIn("is not a host or address", self.assert_reads_well(done))


class Reports(TunnelTest):
    def plan(self, *more: str, target: int = 0) -> str:
        done = self.run_holdfast(*self.arguments("--dry-run", *more, target=target or None))
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_a_plan_lists_only_necessary_steps(self) -> None:
        self.assertIn(f"{self.name}.known_hosts (0600), the bastion's host key", self.plan())
        self.set_up()
        before = self.everything()
        self.assertEqual(self.plan(), f"nothing: tunnel {self.name} is up already\n")
        other = self.plan("-p", "9")
        self.assertIn("127.0.0.1:9:localhost:22", other)
        self.assertIn("its connection stays", other)
        self.assertNotIn("end the process", other)
        anew = self.plan("--ssh-option", "Compression=no")
        self.assertIn("end the process", anew)
        self.assertIn("start in the background", anew[anew.index("end the process"):])
        after = self.everything()
        self.assertEqual({path for path in before if path.endswith(".conf")},
                         {path for path in after if path.endswith(".conf")})

    def test_setup_changes_the_target_of_its_own_port(self) -> None:
        self.set_up()
        before = self.status()
        with socket.socket() as elsewhere:
            elsewhere.bind(("127.0.0.1", 0))
            elsewhere.listen()
            target = int(elsewhere.getsockname()[1])
            done = self.run_holdfast(*self.arguments(target=target))
            self.assertEqual(done.returncode, 0, done.stderr)
            now = self.await_up()
        self.assertEqual(now["forwards"][0]["target"], f"127.0.0.1:{target}")
        self.assertEqual(now["ssh_pid"], before["ssh_pid"], "the same ssh still runs")

    def test_doctor_recognises_a_port_of_an_own_tunnel(self) -> None:
        self.set_up()
        done = self.run_holdfast("doctor", "--user", "-b", f"{self.user()}@127.0.0.1:{self.bastion.port}", "-s",
                                 str(self.bastion.directory / "key"), "-p", str(self.port))
        self.assertRegex(done.stdout, rf"(?m)^ok +port {self.port} free and allowed +held by your tunnel {self.name}$")

    def test_a_handwritten_file_has_no_backend(self) -> None:
        """The shortest file of holdfast.conf(5), which is enough for `run`."""
        tunnels = self.home / ".config/holdfast/tunnels"
        tunnels.mkdir(parents=True, mode=0o700)
        (tunnels / f"{self.name}.conf").write_text(f"port = 2222\nbastion = {GATE}\n")
        (tunnels / f"{self.name}.conf").chmod(0o600)
        done = self.run_holdfast("start", "--user", self.name)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(self.assert_reads_well(done), "none has been chosen for this tunnel yet")

    def test_remove_lists_each_removed_thing_once(self) -> None:
        self.set_up()
        removed = self.removed()
        self.assertEqual(sorted(set(removed)), sorted(removed))
        self.assertEqual([path for path in removed if path.endswith(".stopped")], [], "the tunnel was not stopped")
        tunnels = self.home / ".config/holdfast/tunnels"
        tunnels.mkdir(parents=True, mode=0o700)
        (tunnels / f"{self.name}.conf").write_text("nonsense\n")
        (tunnels / f"{self.name}.conf").chmod(0o600)
        removed = self.removed()
        self.assertEqual(sorted(set(removed)), sorted(removed))
        self.assertIn(str(tunnels / f"{self.name}.conf"), removed)

    def removed(self) -> list[str]:
        done = self.run_holdfast("remove", "--user", self.name)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [line.split(maxsplit=1)[1] for line in done.stdout.splitlines() if line.startswith("  removed ")]


if __name__ == "__main__":
    main()
