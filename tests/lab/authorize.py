#!/usr/bin/python3
"""A key that can open one tunnel and nothing else: authorize installs it, setup uses it, a power cut does not break it."""
from __future__ import annotations

from lab import Holdfast, UserTest, main, until

PORT = 2230


class Authorize(UserTest):
    PORT = PORT

    def test_the_restricted_key_opens_one_tunnel_and_nothing_else(self) -> None:
        lab, bastion, ann, holdfast = self.lab, self.bastion, self.ann, self.holdfast
        key = f"{ann.home}/.ssh/tunnel"
        lab.workstation.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "tunnel", "-f", key], user="ann")
        words = ("authorize", "-b", "gate@bastion", "-p", str(PORT), "-s", key)
        before = bastion.read_file(f"{bastion.gate.home}/.ssh/authorized_keys")
        line = holdfast.run(*words, "--install").stdout
        self.assertEqual(bastion.read_file(f"{bastion.gate.home}/.ssh/authorized_keys"), before + line)
        mode = bastion.run(["stat", "-c", "%a %U", f"{bastion.gate.home}/.ssh/authorized_keys"]).stdout
        self.assertEqual(mode, "600 gate\n")
        holdfast.setup("-p", str(PORT), "-b", "gate@bastion", "-s", key)
        self.addCleanup(holdfast.run, "remove", "--all", check=False)
        self.assertTrue(holdfast.await_up(str(PORT))["verified"])

        # A power cut closes no connection, so the old session keeps the port.
        stale = bastion.connection_of(PORT)
        lab.workstation.power_cut()
        status = holdfast.await_up(str(PORT), timeout=90)
        self.assertTrue(status["verified"])
        self.assertNotEqual(bastion.connection_of(PORT).client, stale.client)

        def ssh(*more: str) -> str:
            done = lab.workstation.run(["ssh", "-i", key, "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", *more],
                                       user="ann", check=False)
            self.assertNotEqual(done.returncode, 0, more)
            return done.stdout
        self.assertEqual(ssh("gate@bastion", "id"), "")
        self.assertEqual(ssh("-o", "ExitOnForwardFailure=yes", "-N", "-R", "127.0.0.1:2231:localhost:22",
                             "gate@bastion"), "")
        self.assertEqual(ssh("-W", "127.0.0.1:22", "gate@bastion"), "")

        holdfast.run(*words, "--remove")
        self.assertEqual(bastion.read_file(f"{bastion.gate.home}/.ssh/authorized_keys"), before)
        until("the tunnel to stay up", lambda: holdfast.state(str(PORT)) == "up")

    def test_root_gets_the_line_of_the_user_who_runs_it(self) -> None:
        lab = self.lab
        ben = self.person("ben")
        lab.workstation.write_file(f"{ben.home}/.ssh/config", "Host far\n  HostName bastion\n  User gate\n", "600", "ben")
        holdfast = Holdfast(lab.workstation)
        self.addCleanup(holdfast.run, "remove", "--all", check=False)
        holdfast.setup("-p", "2232", "-b", "far", "--run-as", "ben")
        line = holdfast.run("authorize", "2232").stdout
        self.assertIn(' permitopen="127.0.0.1:2232" '.strip(), line)
        self.assertTrue(line.endswith(f" {ben.public_key}\n"), line)
        config = holdfast.run("client-config", "2232").stdout
        self.assertIn("  User ben\n  ProxyJump gate@bastion\n", config)


if __name__ == "__main__":
    main()
