#!/usr/bin/python3
"""A key that can do one tunnel only: put there by authorize, used by setup, healed after a power cut, useless else."""
from __future__ import annotations

from lab import Holdfast, LabTest, main, until

PORT = 2230


class Authorize(LabTest):
    def test_a_tunnel_under_the_installed_line_heals_a_stale_port(self) -> None:
        lab, bastion = self.lab, self.lab.bastion
        ann = lab.workstation.add_user("ann")
        bastion.admit(ann)  # the first login, which may write there
        key = f"{ann.home}/.ssh/tunnel"
        lab.workstation.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "tunnel", "-f", key], user="ann")
        holdfast = Holdfast(lab.workstation, ann)
        words = ("authorize", "-b", "gate@bastion", "-p", str(PORT), "-s", key)
        before = bastion.read_file(f"{bastion.gate.home}/.ssh/authorized_keys")
        line = holdfast.run(*words, "--install").stdout
        self.assertEqual(bastion.read_file(f"{bastion.gate.home}/.ssh/authorized_keys"), before + line)
        mode = bastion.run(["stat", "-c", "%a %U", f"{bastion.gate.home}/.ssh/authorized_keys"]).stdout
        self.assertEqual(mode, "600 gate\n")
        holdfast.setup("-p", str(PORT), "-b", "gate@bastion", "-s", key)
        self.addCleanup(holdfast.run, "remove", "--all", check=False)
        self.assertTrue(holdfast.await_up(str(PORT))["verified"])

        # The bastion never hears of it: its session, and the port, stay.
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
        until("the tunnel to go on", lambda: holdfast.state(str(PORT)) == "up")

    def test_root_asks_as_the_one_who_runs_it(self) -> None:
        lab = self.lab
        ben = lab.workstation.add_user("ben")
        lab.bastion.admit(ben)
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
