#!/usr/bin/env python3
"""authorize: its line allows a verified tunnel that recovers, and nothing else."""
from __future__ import annotations

import json
import os
import pathlib
import shutil
import signal
import socket as socket_module
import subprocess
from typing import Optional

from case import Done, TunnelTest, free_port, main, until


class Authorize(TunnelTest):
    def setUp(self) -> None:
        super().setUp()
        self.key = self.root / "tunnel_key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "a tunnel", "-f", str(self.key)], check=True)
        self.keys = self.bastion.directory / "authorized_keys"
        self.at = f"{self.user()}@127.0.0.1:{self.bastion.port}"

    def authorize(self, *arguments: str, status: int = 0) -> Done[str]:
        done = self.run_holdfast("authorize", "--user", *arguments)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done

    def line(self, *ports: str) -> str:
        return self.authorize("-b", self.at, "-s", str(self.key), *(word for port in ports for word in ("-p", port))).stdout

    def allow(self, *ports: str) -> None:
        self.keys.write_text(self.line(*ports))

    def ssh(self, *words: str, timeout: float = 20) -> Done[str]:
        argv = ["ssh", "-F", "none", "-i", str(self.key), "-p", str(self.bastion.port), "-o", "BatchMode=yes",
                "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "IdentitiesOnly=yes",
                "-o", "ExitOnForwardFailure=yes", *words]
        return subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout)

    def set_up_with_key(self, *more: str) -> None:
        words = self.arguments(*more)
        words[words.index("-s") + 1] = str(self.key)
        done = self.run_holdfast(*words)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_tunnel_with_this_line_is_verified_and_recovers(self) -> None:
        self.allow(str(self.port))
        self.set_up_with_key()
        status = self.await_up()
        self.assertTrue(status["verified"])
        self.kill(status["ssh_pid"], signal.SIGKILL)
        until("another ssh", lambda: self.status()["ssh_pid"] not in (None, status["ssh_pid"]))
        self.assertTrue(self.await_up()["verified"])
        self.assertEqual(self.banner(), b"SSH-")
        # The tunnel's name, or its bastion, gives the same line.
        self.assertEqual(self.authorize(self.name).stdout, self.keys.read_text())
        self.assertEqual(self.authorize("-b", self.at).stdout, self.keys.read_text())

    def test_another_port_is_reported_as_forbidden(self) -> None:
        self.allow(str(self.port))
        words = self.arguments(port=free_port())
        words[words.index("-s") + 1] = str(self.key)
        done = self.run_holdfast(*words)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(self.assert_reads_well(done), "does not allow this key to listen on port")

    @staticmethod
    def connect_to(path: pathlib.Path) -> Optional[socket_module.socket]:
        client = socket_module.socket(socket_module.AF_UNIX)
        client.settimeout(20)
        try:
            client.connect(str(path))
            return client
        except (FileNotFoundError, ConnectionRefusedError):
            client.close()
            return None

    def test_the_key_allows_nothing_else(self) -> None:
        self.allow(str(self.port))
        marker = self.root / "marker"
        for words in (["127.0.0.1", f"touch {marker}"], ["-tt", "127.0.0.1"], ["-s", "127.0.0.1", "sftp"]):
            done = self.ssh(*words)
            self.assertNotEqual(done.returncode, 0)
            self.assertEqual(done.stdout.strip(), "")
        self.assertFalse(marker.exists())
        other = free_port()
        for forward in (f"127.0.0.1:{other}", f"0.0.0.0:{self.port}", f"[::1]:{self.port}", f"*:{self.port}",
                        f"localhost:{self.port}"):
            done = self.ssh("-N", "-R", f"{forward}:127.0.0.1:{self.bastion.port}", "127.0.0.1")
            self.assertEqual(done.returncode, 255, forward)
            self.assertIn("remote port forwarding failed", done.stderr)
        # From the bastion: only to the tunnel's port.
        done = self.ssh("-W", f"127.0.0.1:{self.bastion.port}", "127.0.0.1")
        self.assertIn("administratively prohibited", done.stderr)
        self.assertEqual(done.stdout, "")
        with socket_module.socket(socket_module.AF_UNIX) as far:
            far.bind(str(self.root / "far.sock"))
            far.listen()
            far.settimeout(20)
            near = self.root / "near.sock"
            ssh = subprocess.Popen(["ssh", "-F", "none", "-N", "-i", str(self.key), "-p", str(self.bastion.port),
                                    "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "LogLevel=ERROR",
                                    "-o", "UserKnownHostsFile=/dev/null", "-o", "IdentitiesOnly=yes",
                                    "-L", f"{near}:{self.root}/far.sock", "127.0.0.1"],
                                   stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                # ssh binds the socket before it listens on it.
                with until("the local end", lambda: self.connect_to(near)) as client:
                    self.assertEqual(client.recv(1), b"")
                self.assertRaises(socket_module.timeout, far.accept)
            finally:
                ssh.terminate()
                ssh.wait(60)
        done = self.ssh("-v", "-A", "-X", "127.0.0.1", "true")
        self.assertNotRegex(done.stderr, "(?i)agent forwarding enabled|x11 forwarding enabled")
        done = self.ssh("-N", "-o", "Tunnel=point-to-point", "-w", "any:any", "127.0.0.1")
        self.assertNotEqual(done.returncode, 0)

    def test_warns_that_the_line_allows_unix_sockets(self) -> None:
        self.assertIn("AllowStreamLocalForwarding no", self.authorize("-b", self.at, "-s", str(self.key), "-p", "2222").stderr)
        self.allow(str(self.port))
        self.bastion.stop()
        with open(self.bastion.directory / "config", "a", encoding="utf-8") as config:
            config.write("AllowStreamLocalForwarding no\n")
        self.bastion.start()
        socket = self.root / "made"
        done = self.ssh("-N", "-R", f"{socket}:127.0.0.1:{self.bastion.port}", "127.0.0.1")
        self.assertEqual(done.returncode, 255)
        self.assertFalse(socket.exists())
        self.set_up_with_key()
        self.assertTrue(self.await_up()["verified"])

    def test_a_tunnel_on_a_socket_is_up_but_unverified(self) -> None:
        socket = self.root / "far.sock"
        self.allow(str(socket))
        words = self.arguments()
        words[words.index("-s") + 1] = str(self.key)
        words[words.index("-p") + 1] = f"{socket}:127.0.0.1:{self.bastion.port}"
        done = self.run_holdfast(*words)
        self.assertEqual(done.returncode, 0, done.stderr)
        status = self.status()
        self.assertEqual((status["state"], status["verified"]), ("up", False), json.dumps(status))
        with socket_module.socket(socket_module.AF_UNIX) as client:
            client.settimeout(20)
            client.connect(str(socket))
            self.assertEqual(client.recv(4), b"SSH-")
        done = self.ssh("-N", "-R", f"127.0.0.1:{free_port()}:127.0.0.1:{self.bastion.port}", "127.0.0.1")
        self.assertIn("remote port forwarding failed", done.stderr)

    def test_finds_the_public_key(self) -> None:
        pub = self.key.with_suffix(".pub")
        line = self.line("2222")
        self.assertTrue(line.endswith(f" {pub.read_text()}"), line)
        pub.unlink()
        self.assertIn(" ssh-ed25519 ", self.line("2222"))
        subprocess.run(["ssh-keygen", "-q", "-p", "-N", "secret", "-P", "", "-f", str(self.key)], check=True,
                       stdout=subprocess.DEVNULL)
        done = self.authorize("-b", self.at, "-s", str(self.key), "-p", "2222", status=1)
        self.assertIn("passphrase", self.assert_reads_well(done))
        self.assertIn(f"hint: ssh-keygen -y -f {self.key} > {self.key}.pub", done.stderr)
        done = self.authorize("-b", self.at, "-s", str(self.root / "none"), "-p", "2222", status=1)
        self.assertIn("does not exist", self.assert_reads_well(done))

    def test_usage(self) -> None:
        for words in ([], ["-b", self.at], ["-b", self.at, "-p", "0"], ["nothing", "-p", "2222"],
                      ["-b", self.at, "-p", "2222", "--install", "--remove"], ["-b", self.at, "-p", "2222", "--replace"]):
            self.assert_reads_well(self.authorize(*words, status=2))
        self.assert_reads_well(self.authorize("nothing", status=4))

    # -- --install: commands on the bastion get their own HOME, so that ~/.ssh of this account is not changed

    def install(self, *arguments: str, status: int = 0) -> Done[str]:
        """Installs into another HOME, which the sshd sets, as if for another account."""
        return self.authorize("-b", self.at, "-s", str(self.key), "--login-key", f"{self.bastion.directory}/key",
                              "--ssh-option",
                              f"UserKnownHostsFile={self.bastion.directory}/known", *arguments, status=status)

    def far_home(self) -> pathlib.Path:
        """An sshd that sets HOME and runs commands with a login shell that prints."""
        far = self.root / "far"
        far.mkdir()
        host_key = (self.bastion.directory / "host_key.pub").read_text().split()[:2]
        (self.bastion.directory / "known").write_text(f"[127.0.0.1]:{self.bastion.port} {' '.join(host_key)}\n")
        self.bastion.stop()
        with open(self.bastion.directory / "config", "a", encoding="utf-8") as config:
            config.write(f"ForceCommand echo welcome; export HOME={far}; eval \"$SSH_ORIGINAL_COMMAND\"\n")
        self.bastion.start()
        return far

    def test_install_is_idempotent_and_keeps_other_bytes(self) -> None:
        far = self.far_home()
        first = json.loads(self.install("-p", "2222", "--install", "--json").stdout)
        self.assertEqual((first["change"], first["changed"]), ("added", True))
        file = far / ".ssh/authorized_keys"
        self.assertEqual(file.read_text(), first["line"] + "\n")
        self.assertEqual([oct(path.stat().st_mode & 0o777) for path in (file, file.parent)], ["0o600", "0o700"])
        inode = file.stat().st_ino
        again = json.loads(self.install("-p", "2222", "--install", "--json").stdout)
        self.assertEqual((again["change"], again["changed"], file.stat().st_ino), ("none", False, inode))
        # The file has no final line break, an unusual mode, and is a link.
        kept = far / "dotfiles keys"
        kept.write_text("# mine\n\nssh-rsa AAAAB3NzaC1yc2EAAAADAQABother me")
        kept.chmod(0o640)
        file.unlink()
        file.symlink_to(kept)
        self.install("-p", "2222", "--install")
        self.install("-p", "2223", "--install")
        self.assertTrue(file.is_symlink())
        lines = kept.read_text().splitlines()
        self.assertEqual(lines[:3], ["# mine", "", "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABother me"])
        self.assertEqual(lines[3], self.line("2222", "2223").strip())
        self.assertEqual((len(lines), oct(kept.stat().st_mode & 0o777)), (4, "0o640"))
        self.install("-p", "2222", "-p", "2223", "--remove")
        self.assertEqual(kept.read_text(), "# mine\n\nssh-rsa AAAAB3NzaC1yc2EAAAADAQABother me\n")
        self.assertEqual(sorted(path.name for path in far.iterdir()), [".ssh", "dotfiles keys"])
        self.assertEqual(sorted(path.name for path in file.parent.iterdir()), ["authorized_keys"])

    def test_a_line_with_other_rights_needs_replace(self) -> None:
        far = self.far_home()
        file = far / ".ssh/authorized_keys"
        file.parent.mkdir(mode=0o700)
        shutil.copy(self.key.with_suffix(".pub"), file)
        before = file.read_bytes()
        done = self.install("-p", "2222", "--install", status=1)
        self.assertIn("with other rights", self.assert_reads_well(done))
        self.assertEqual(file.read_bytes(), before)
        self.install("-p", "2222", "--install", "--replace")
        self.assertEqual(file.read_text(), self.line("2222"))

    def test_an_unknown_host_key_is_named_with_its_remedy(self) -> None:
        words = ["-b", self.at, "-s", str(self.key), "--login-key", f"{self.bastion.directory}/key", "-p", "2222"]
        for edit in ("--install", "--remove"):
            done = self.authorize(*words, edit, status=1)
            self.assertRegex(self.assert_reads_well(done), "the host key of .* is unknown")
            self.assertIn(f"then run ssh -p {self.bastion.port} {self.user()}@127.0.0.1 once", done.stderr)
            self.assertNotIn("key: --login-key", done.stderr)
        done = self.authorize(*words, "--install", "--json", status=1)
        self.assertEqual(json.loads(done.stdout)["error"]["class"], "host-key-unknown")

    def test_a_bastion_that_is_down_is_no_matter_of_the_key(self) -> None:
        self.bastion.stop()
        done = self.authorize("-b", self.at, "-s", str(self.key), "-p", "2222", "--install", status=1)
        self.assertIn("refused the connection", self.assert_reads_well(done))
        self.assertNotIn("--login-key", done.stderr)

    def test_an_unwritable_file_is_reported_and_unchanged(self) -> None:
        far = self.far_home()
        (far / ".ssh").symlink_to(far / "nowhere")
        self.assertIn("cannot create ~/.ssh", self.assert_reads_well(self.install("-p", "2222", "--install", status=1)))
        (far / ".ssh").unlink()
        (far / ".ssh/authorized_keys").mkdir(parents=True)
        self.assertIn("is not a regular file", self.assert_reads_well(self.install("-p", "2222", "--install", status=1)))

    def test_a_login_without_commands_is_reported(self) -> None:
        self.far_home()
        self.keys.write_text((self.bastion.directory / "key.pub").read_text())
        with open(self.keys, "a", encoding="utf-8") as keys:
            keys.write(self.line("2222"))
        self.bastion.stop()
        config = (self.bastion.directory / "config").read_text()
        (self.bastion.directory / "config").write_text(config.partition("ForceCommand")[0] + "ForceCommand /bin/false\n")
        self.bastion.start()
        self.assertIn("did not run the command", self.assert_reads_well(self.install("-p", "2222", "--install", status=1)))
        self.keys.write_text("")
        done = self.install("-p", "2222", "--install", status=1)
        self.assertIn("hint:", done.stderr)
        self.assertNotIn("wrote", os.listdir(self.root))


if __name__ == "__main__":
    main()
