#!/usr/bin/python3
"""Every invalid input and every obstacle: setup prints a clear message, exits with the right status and changes nothing."""
from __future__ import annotations

import subprocess
import sys
from typing import Optional

from lab import Session, UserTest, in_parallel, main

GATE = "gate@bastion"


class BadInput(UserTest):
    def setUp(self) -> None:
        super().setUp()
        self.session = self.host.login(self.ann)
        self.addCleanup(self.session.logout)
        self.fresh = self.host.snapshot()

    def refused(self, arguments: list[str], status: int, says: str, hint: str = "",
                env: Optional[dict[str, str]] = None) -> str:
        """setup with these arguments exits with this status and this message, in the usual form, and changes nothing."""
        done = self.holdfast.run("setup", *arguments, session=self.session, check=False, env=env, timeout=120)
        said = done.stderr
        shown = " ".join(map(repr, arguments))
        error = next((line for line in said.splitlines() if line.startswith("holdfast: ")), "")
        hints = " ".join(line for line in said.splitlines() if line.startswith("  hint: "))
        print(f"# setup {shown}\n#   {error}\n#   {hints.strip()}", file=sys.stderr)
        self.assertEqual(done.returncode, status, f"setup {shown}: {done.stdout}{said}")
        self.assertRegex(error, says, said)
        self.assertRegex(hints, hint or "^", said)
        for line in (error, hints):
            self.assertNotRegex(line, r"\.$|errno|terminate called|what\(\)|[\x00-\x1f\x7f]")
        self.assertNotRegex(error, r"^holdfast: [A-Z]")
        self.assertEqual(self.fresh.changes(self.host.snapshot()), [], f"setup {shown}: {said}")
        return said


class Arguments(BadInput):
    """Invalid arguments: exit 2 before anything is touched."""

    def test_an_invalid_port_is_refused(self) -> None:
        for port in ("0", "65536", "22x", "", "-1", "1:2:3:4:5", "2222:localhost", "2222:localhost:0", "2222\n2223"):
            with self.subTest(port=port):
                self.refused(["-p", port, "-b", GATE], 2, "port")

    def test_an_invalid_name_is_refused(self) -> None:
        for name in ("../x", "-x", "a\nb", "x" * 65, "", "a/b", ".x", "ä"):
            with self.subTest(name=name):
                self.refused([f"--name={name}", "-p", "2222", "-b", GATE], 2, "name")

    def test_an_invalid_bastion_is_refused(self) -> None:
        for bastion in ("", "-oProxyCommand=touch /tmp/pwned", "a b", "a\nb", "a\x1bb", "gate@", "bastion:99999",
                        "@bastion", "gate@bastion:", "gate@bastion:22x", "[::1", "-bastion", "gate@-bastion"):
            with self.subTest(bastion=bastion):
                self.refused(["-p", "2222", f"--bastion={bastion}"], 2, "bastion|destination")
        self.assertFalse(self.host.exists("/tmp/pwned"))

    def test_a_missing_option_is_named(self) -> None:
        self.refused(["-p", "2222"], 2, "option --bastion", "HOLDFAST_BASTION")
        self.refused(["-b", GATE], 2, "option --port", "-p PORT")
        self.refused(["-p", "2222", "-b", GATE, "--sped"], 2, "sped")

    def test_enforced_options_cannot_be_overridden(self) -> None:
        for option in ("BatchMode=no", "stricthostkeychecking=no", "ControlPath=/x", "nonsense", "=x"):
            with self.subTest(option=option):
                self.refused(["-p", "2222", "-b", GATE, "--ssh-option", option], 2, "option")

    def test_an_unknown_backend_or_engine_is_refused(self) -> None:
        self.refused(["-p", "2222", "-b", GATE, "--backend", "slurm"], 2, "not available in this version")
        self.refused(["-p", "2222", "-b", GATE, "--engine", "nonsense"], 2, "no such engine")
        self.refused(["-p", "2222", "-b", GATE, "--backend", "nonsense"], 2, "no such backend")


class Keys(BadInput):
    def key(self, name: str, mode: str = "600") -> str:
        path = f"{self.ann.home}/.ssh/{name}"
        self.session.run(f"rm -f {path}*; ssh-keygen -q -t ed25519 -N '' -f {path} && chmod {mode} {path}")
        self.addCleanup(self.host.run, ["rm", "-f", path, f"{path}.pub"])
        self.fresh = self.host.snapshot()
        return path

    def refused_key(self, path: str, says: str, hint: str = "") -> None:
        self.refused(["-p", "2222", "-b", GATE, "-s", path], 1, says, hint)

    def test_a_missing_key_is_named(self) -> None:
        self.refused_key("~/.ssh/nothing", r"\.ssh/nothing", "ssh-keygen|-s")

    def test_a_directory_is_no_key(self) -> None:
        self.refused_key("~/.ssh", "is a directory, not a private key", "-s FILE")

    def test_a_key_that_others_can_read_is_refused(self) -> None:
        self.refused_key(self.key("open", mode="644"), "other users can read the private key", "chmod 600")

    def test_a_passphrase_without_an_agent_is_refused(self) -> None:
        path = self.key("locked")
        self.session.run(f"ssh-keygen -q -p -N secret -P '' -f {path}")
        self.fresh = self.host.snapshot()
        self.refused_key(path, "has a passphrase", "ssh-keygen")

    def test_a_public_key_is_recognized(self) -> None:
        self.refused_key(self.ann.key + ".pub", "is a public key", "without .pub")

    def test_a_file_that_is_no_key_is_refused(self) -> None:
        path = self.key("garbage")
        self.host.write_file(path, "no key\n", mode="600", user="ann")
        self.fresh = self.host.snapshot()
        self.refused_key(path, "contains no private key")


class Bastions(BadInput):
    """Obstacles that only the network shows: exit 1."""

    def refused_by(self, bastion: str, says: str, hint: str = "", port: int = 2222, *more: str) -> str:
        return self.refused(["-p", str(port), "-b", bastion, *more], 1, says, hint)

    def test_a_name_unknown_to_dns_is_named(self) -> None:
        self.refused_by("gate@nowhere.invalid", "cannot resolve .nowhere.invalid")

    def test_a_refused_connection_is_named(self) -> None:
        self.refused_by(f"{GATE}:1", "bastion port 1 refused the connection", "port")

    def test_a_server_that_sends_no_banner_is_named(self) -> None:
        with self.bastion.silent_listener() as server:
            self.refused_by(f"{GATE}:{server.port}", "accepted the connection but sent no ssh banner")

    def test_an_unreachable_bastion_is_named(self) -> None:
        self.lab.network.blackhole("bastion")
        self.refused_by(GATE, "did not answer in time")

    def test_a_server_that_stalls_after_its_banner_is_named(self) -> None:
        with self.bastion.stalling_sshd() as server:
            self.refused_by(f"{GATE}:{server.port}", "did not answer in time")

    def test_a_server_that_does_not_speak_ssh_is_named(self) -> None:
        with self.bastion.web_server() as server:
            self.refused_by(f"{GATE}:{server.port}", "sent no ssh banner, but:", "port")
        with self.bastion.closing_listener() as server:
            self.refused_by(f"{GATE}:{server.port}", "closed")

    def test_an_unknown_host_key_is_refused(self) -> None:
        self.refused_by("gate@bastion6", "host key .* is unknown", "--accept-new-host-key")

    def test_a_changed_host_key_is_refused(self) -> None:
        bastion = self.bastion
        bastion.new_host_key()
        try:
            self.refused_by(GATE, "host key .* has changed", "ssh-keygen .*-R")
        finally:
            self.host.write_file(f"{self.ann.home}/.ssh/known_hosts", "", mode="600", user="ann")
            self.ann.trust(bastion)

    def test_a_bastion_that_refuses_the_key_is_named(self) -> None:
        self.bastion.configure(AllowUsers="root")
        self.addCleanup(self.bastion.configure)
        self.refused_by(GATE, "refused every key", "authorized_keys of gate")

    def test_a_bastion_that_refuses_forwards_is_named(self) -> None:
        self.addCleanup(self.bastion.configure)
        for settings in ({"AllowTcpForwarding": "no"}, {"AllowTcpForwarding": "local"}, {"DisableForwarding": "yes"},
                         {"PermitListen": "127.0.0.1:9"}):
            with self.subTest(**settings):
                self.bastion.configure(**settings)
                self.refused_by(GATE, "does not allow this key to listen on port 2222", "AllowTcpForwarding")

    def test_a_port_in_use_on_the_bastion_is_named(self) -> None:
        with self.bastion.fake_server() as server:
            self.refused_by(GATE, "is already in use", "another port", server.port)

    def test_an_invalid_ssh_config_is_named(self) -> None:
        self.host.write_file(f"{self.ann.home}/.ssh/config", "Nonsense yes\n", mode="600", user="ann")
        self.addCleanup(self.host.run, ["rm", f"{self.ann.home}/.ssh/config"])
        self.fresh = self.host.snapshot()
        self.refused_by(GATE, r"\.ssh/config", "ssh -G")


class Workstation(BadInput):
    def test_a_missing_ssh_is_named(self) -> None:
        self.refused(["-p", "2222", "-b", GATE], 1, "ssh", "install", env={"PATH": "/nowhere"})

    def test_a_read_only_home_is_named(self) -> None:
        self.host.run(["mount", "--bind", self.ann.home, self.ann.home])
        self.addCleanup(self.host.run, ["umount", self.ann.home])
        self.host.run(["mount", "-o", "remount,bind,ro", self.ann.home])
        self.fresh = self.host.snapshot()
        self.refused(["-p", "2222", "-b", GATE], 1, "read-only")

    def test_a_full_disk_is_named(self) -> None:
        self.host.run(["mkdir", f"{self.ann.home}/.config"], user="ann")
        self.addCleanup(self.host.run, ["rmdir", f"{self.ann.home}/.config"])
        self.host.run(["mount", "-t", "tmpfs", "-o", "size=16k,mode=777", "full", f"{self.ann.home}/.config"])
        self.addCleanup(self.host.run, ["umount", f"{self.ann.home}/.config"])
        self.session.run("head -c 1M /dev/zero >~/.config/filling", check=False)
        self.fresh = self.host.snapshot()
        self.refused(["-p", "2222", "-b", GATE], 1, "no space left")

    def test_a_missing_home_is_named(self) -> None:
        self.refused(["-p", "2222", "-b", GATE], 1, "home|/nowhere", env={"HOME": "/nowhere"})
        self.refused(["-p", "2222", "-b", GATE], 1, "home|HOME", env={"HOME": ""})

    def test_one_of_two_setups_at_once_wins(self) -> None:
        done: list[subprocess.CompletedProcess[str]] = []
        sessions = [self.session, self.host.login(self.ann)]
        self.addCleanup(sessions[1].logout)

        def setup(session: Session) -> None:
            done.append(self.holdfast.run("setup", "-p", "2222", "-b", GATE, session=session, check=False))
        in_parallel(*(lambda session=session: setup(session) for session in sessions))
        self.addCleanup(self.holdfast.run, "remove", "2222", check=False)
        self.assertIn(0, [d.returncode for d in done], [d.stderr for d in done])
        for loser in (d for d in done if d.returncode != 0):
            self.assertEqual(loser.returncode, 1)
            self.assertIn("another command is changing it", loser.stderr)
        self.holdfast.await_up("2222")
        self.assertEqual(len(self.host.pids("ssh -N", "ann")), 1)
        self.assert_leads_home()
        self.holdfast.run("remove", "2222", session=self.session)
        self.assert_unchanged(self.fresh)

    def test_a_closed_target_is_named(self) -> None:
        self.refused(["-p", "2222:localhost:8022", "-b", GATE], 1, "localhost:8022")


if __name__ == "__main__":
    main()
