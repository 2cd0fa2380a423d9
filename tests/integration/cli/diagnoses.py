#!/usr/bin/env python3
"""What the supervisor says about a login that fails, with a real ssh and sshd, and names and addresses of its own."""
from __future__ import annotations

import socket
import subprocess
import time
from typing import Any, Optional

from case import free_port, main, until
from isolated_case import IsolatedTest, NamedBastion, run


class MovedName(IsolatedTest):
    def test_a_moved_bastion_is_found_as_soon_as_its_name_is_right(self) -> None:
        """The bastion moves to another address. A stranger has the old one, where the name leads for a while."""
        self.set_up_named()
        self.bastion.stop()
        moved = NamedBastion(self.root / "moved", "127.0.0.2", self.bastion.port)
        self.addCleanup(moved.stop)
        for name in ("host_key", "host_key.pub", "authorized_keys"):
            (moved.directory / name).write_bytes((self.bastion.directory / name).read_bytes())
        moved.stop()
        moved.start()
        stranger = NamedBastion(self.root / "stranger", "127.0.0.1", self.bastion.port)
        self.addCleanup(stranger.stop)
        self.break_connection()
        error = self.await_error("host-key-changed")
        self.assertIn("at 127.0.0.1 has changed", error["message"])
        self.assertIn("name leads to another machine", error["message"])
        self.assertNotIn("ssh-keygen", error["hint"])
        self.assertIn("getent hosts bastion", error["hint"])
        # The quick retries after a changed host key end after 60 s.
        until("the slow retries", lambda: self.status()["state"] == "failed" and self.wait() > 20, 150)
        self.name_addresses(bastion="127.0.0.2")
        began = time.monotonic()
        self.await_up()
        self.assertLess(time.monotonic() - began, 15)

    def wait(self) -> float:
        due = self.status()["next_attempt"]
        if not due:
            return 0
        return time.mktime(time.strptime(due, "%Y-%m-%dT%H:%M:%SZ")) - time.mktime(time.gmtime())


class Agents(IsolatedTest):
    def silent_agent(self) -> str:
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        path = str(self.root / "agent")
        listener.bind(path)
        listener.listen(8)
        return path

    def test_an_agent_that_falls_silent_is_named(self) -> None:
        self.use_default_key()
        self.set_up_named(identity=False)
        path = self.silent_agent()
        self.config.write_text(f"Host bastion\n  IdentityAgent {path}\n")
        self.break_connection()
        began = time.monotonic()
        error = self.await_error("agent")
        self.assertLess(time.monotonic() - began, 20)
        self.assertIn(path, error["message"])

    def test_a_given_key_needs_no_agent(self) -> None:
        self.config.write_text(f"Host bastion\n  IdentityAgent {self.silent_agent()}\n")
        self.set_up_named()

    def test_the_agent_of_a_jump_host_is_named(self) -> None:
        self.use_default_key()
        self.name_addresses(bastion="127.0.0.1", jump="127.0.0.1")
        self.trust("jump", self.bastion)
        jump = f"Host jump\n  Port {self.bastion.port}\n"
        self.config.write_text(f"Host bastion\n  ProxyJump jump\n{jump}")
        self.set_up_named()
        path = self.silent_agent()
        self.config.write_text(f"Host bastion\n  ProxyJump jump\n{jump}  IdentityAgent {path}\n")
        self.break_connection()
        self.assertIn(path, self.await_error("agent")["message"])


class Addresses(IsolatedTest):
    def test_the_address_that_refused_is_blamed(self) -> None:
        self.set_up_named()
        self.name_addresses(bastion="127.0.0.1 2001:db8::1")
        self.bastion.stop()
        self.break_connection()
        self.assertIn("refused the connection", self.await_error("refused")["message"])

    def test_a_dropped_address_is_named_by_setup(self) -> None:
        """An IPv6 address that drops packets costs each login 10 s."""
        run("ip", "link", "add", "hole0", "type", "veth", "peer", "name", "hole1")
        self.addCleanup(run, "ip", "link", "del", "hole0")
        for link in ("hole0", "hole1"):
            run("ip", "link", "set", link, "up")
        run("ip", "-6", "address", "add", "fd00::1/64", "dev", "hole0", "nodad")
        run("ip", "-6", "neighbour", "add", "fd00::2", "lladdr", "02:00:00:00:00:01", "dev", "hole0")
        self.name_addresses(bastion="fd00::2 127.0.0.1")
        done = self.run_holdfast(*self.named(), timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("the address fd00::2 of", done.stderr + done.stdout)
        self.assertIn("--ssh-option AddressFamily=inet", done.stderr + done.stdout)


class Certificates(IsolatedTest):
    def sign_host(self, validity: str) -> None:
        key = self.bastion.directory / "host_key"
        run("ssh-keygen", "-q", "-s", str(self.bastion.directory / "key"), "-I", "bast", "-h", "-n", "bastion", "-V",
            validity, f"{key}.pub")

    def test_a_host_certificate_that_expired_is_named_with_its_dates(self) -> None:
        self.sign_host("20200101Z:20990101Z")
        with (self.bastion.directory / "config").open("a") as config:
            config.write(f"HostCertificate {self.bastion.directory}/host_key-cert.pub\n")
        self.bastion.stop()
        self.bastion.start()
        authority = (self.bastion.directory / "key.pub").read_text()
        (self.home / ".ssh/known_hosts").write_text(f"@cert-authority * {authority}")
        self.set_up_named()
        for validity, words in (("20200101Z:20210101Z", "expired"), ("20980101Z:20990101Z", "not yet valid")):
            self.sign_host(validity)
            self.bastion.stop()
            self.bastion.start()
            self.break_connection()
            error = until(f"a certificate that is {words}", lambda: self.certificate_error(words))
            begins, ends = (f"{word[:4]}-01-01" for word in validity.split(":"))
            self.assertIn(f"valid from {begins}T00:00:00 to {ends}T00:00:00", error["message"])
            self.assertIn("clock is at 20", error["message"])
            self.sign_host("20200101Z:20990101Z")
            self.bastion.stop()
            self.bastion.start()
            self.run_holdfast("restart", "--user", self.name)
            self.await_up()

    def certificate_error(self, words: str) -> Optional[dict[str, Any]]:
        error = self.status()["last_error"]
        return error if error and error["class"] == "certificate" and words in error["message"] else None

    def test_a_user_certificate_that_expired_is_named_with_its_dates(self) -> None:
        self.set_up_named()
        key = self.bastion.directory / "key"
        run("ssh-keygen", "-q", "-s", str(self.bastion.directory / "host_key"), "-I", "ada", "-n", self.user(), "-V",
            "20200101Z:20210101Z", f"{key}.pub")
        (self.bastion.directory / "authorized_keys").write_text("")
        self.break_connection()
        error = self.await_error("certificate")
        self.assertIn("has expired: it is valid from 2020-01-01T00:00:00Z to 2021-01-01T00:00:00Z", error["message"])
        self.assertIn("clock is at 20", error["message"])
        self.assertNotIn("authorized_keys", error["hint"])


class Configuration(IsolatedTest):
    def test_a_bad_line_of_ssh_config_is_shown_with_file_and_number(self) -> None:
        self.set_up_named()
        bad = (("Host *\n  UseKeychain yes\n", "line 2: bad configuration option: usekeychain"),
               ("\ufeffHost bastion\n  User gate\n", "line 1: bad configuration option: "),
               ("Host bastion\n\n  Compresion yes\n", "line 3: bad configuration option: compresion"))
        for text, words in bad:
            self.config.write_text(text)
            self.break_connection()
            error = until(words, lambda: self.error_with(words))
            self.assertEqual(error["class"], "config")
            self.assertIn(str(self.config), error["message"])
            self.config.write_text("")
            began = time.monotonic()
            self.await_up()
            self.assertLess(time.monotonic() - began, 15, "a corrected file is followed by a login")

    def error_with(self, words: str) -> Optional[dict[str, Any]]:
        error = self.status()["last_error"]
        return error if error and words in error["message"].lower() else None

    def test_settings_that_keep_ssh_from_a_login_are_named(self) -> None:
        self.set_up_named()
        cases = (("BindAddress 10.77.0.1", "unreachable", "address 10.77.0.1 of BindAddress"),
                 ("UserKnownHostsFile /dev/null", "host-key-unknown", "UserKnownHostsFile /dev/null"),
                 ("PubkeyAuthentication no", "config", "PubkeyAuthentication no"))
        for setting, failure, words in cases:
            with self.subTest(setting):
                self.config.write_text(f"Host bastion\n  {setting}\n")
                self.break_connection()
                self.assertIn(words, self.await_error(failure)["message"])
                self.config.write_text("")
                self.run_holdfast("restart", "--user", self.name)
                self.await_up()


    def test_a_chroot_that_fails_is_named(self) -> None:
        """sshd closes the connection after the login. It does not chroot root."""
        self.set_up_named()
        strict = NamedBastion(self.root / "strict", ChrootDirectory=str(self.root / "nothing"))
        self.addCleanup(strict.stop)
        for path in (self.root, strict.directory):
            path.chmod(0o755)
        (strict.directory / "authorized_keys").write_bytes((self.bastion.directory / "key.pub").read_bytes())
        self.trust("bastion", strict)
        done = self.run_holdfast("setup", "--user", "-n", f"{self.name}b", "-p", str(free_port()), "-b",
                                 f"gate@bastion:{strict.port}", "-s", str(self.bastion.directory / "key"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("closed the connection right after the login", done.stderr)
        self.assertIn("ChrootDirectory", done.stderr)


class JumpHosts(IsolatedTest):
    def setUp(self) -> None:
        super().setUp()
        self.use_default_key()
        self.name_addresses(bastion="127.0.0.1", jump="127.0.0.1")
        self.jump = NamedBastion(self.root / "jump")
        self.addCleanup(self.jump.stop)
        (self.jump.directory / "authorized_keys").write_bytes((self.home / ".ssh/id_ed25519.pub").read_bytes())
        self.trust("jump", self.jump)
        self.use()
        self.set_up_named()

    def use(self, loop: str = "") -> None:
        self.config.write_text(f"Host bastion\n  ProxyJump jump\nHost jump\n  Port {self.jump.port}\n{loop}")

    def who(self) -> str:
        return f"the jump host {self.user()}@jump:{self.jump.port}"

    def check(self, words: str, failure: str = "jump-host") -> None:
        """status, setup and doctor name the jump host in the same words."""
        self.assertIn(words, self.await_error(failure)["message"])
        done = self.run_holdfast("setup", "--user", "-n", f"{self.name}b", "-p", str(free_port()), "-b",
                                 f"{self.user()}@bastion:{self.bastion.port}")
        self.assertEqual(done.returncode, 1)
        self.assertIn(words, done.stderr)
        doctor = self.run_holdfast("doctor", "--user", "-b", f"{self.user()}@bastion:{self.bastion.port}", timeout=120)
        self.assertIn(words, " ".join((doctor.stdout + doctor.stderr).split()))

    def test_a_jump_host_with_an_unknown_key_is_named(self) -> None:
        known = self.home / ".ssh/known_hosts"
        known.write_text("".join(line for line in known.read_text().splitlines(keepends=True)
                                 if not line.startswith("[jump]")))
        self.break_connection()
        self.check(f"the host key of {self.who()} is unknown")

    def test_a_jump_host_that_refuses_the_key_is_named(self) -> None:
        (self.jump.directory / "authorized_keys").write_text("")
        self.break_connection()
        self.check(f"{self.who()} refused the key")

    def test_a_jump_host_that_is_down_is_named(self) -> None:
        self.jump.stop()
        self.break_connection()
        self.check(f"{self.who()} refused the connection")

    def test_a_jump_host_that_allows_no_connection_is_named(self) -> None:
        with (self.jump.directory / "config").open("a") as config:
            config.write("PermitOpen none\n")
        self.jump.stop()
        self.jump.start()
        self.run_holdfast("restart", "--user", self.name)
        self.check(f"{self.who()} does not allow a connection to")

    def test_a_loop_of_jump_hosts_is_named(self) -> None:
        self.use("  ProxyJump bastion\n")
        self.break_connection()
        began = time.monotonic()
        self.assertIn("lead back to each other", self.await_error("jump-host")["message"])
        self.assertLess(time.monotonic() - began, 20)
        until("its ssh to end", lambda: self.processes_of_the_loop() == 0, 20)

    def processes_of_the_loop(self) -> int:
        found = subprocess.run(["pgrep", "-fc", rf"ssh .*-W \[?(bastion|jump)\]?:({self.bastion.port}|{self.jump.port})"],
                               capture_output=True, text=True)
        return int(found.stdout or 0)


if __name__ == "__main__":
    main(own_network=True)
