#!/usr/bin/python3
"""A third host uses the output of client-config with plain ssh, scp and rsync."""
from __future__ import annotations

from lab import User, UserTest, main

PORT = 2222


class Laptop(UserTest):
    workstations = ("workstation", "laptop", "front")
    visitor: User  # ann on her laptop

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        workstation, laptop, front = (cls.lab.hosts[name] for name in cls.workstations)
        bastion = cls.bastion
        cls.visitor = laptop.add_user("visitor")
        bastion.admit(cls.visitor)
        jump = front.add_user("jump")
        for user in (cls.ann, cls.visitor):
            jump.authorize(user.public_key)
            user.trust(front)
        cls.ann.authorize(cls.visitor.public_key)
        # The laptop does not have this configuration.
        workstation.write_file(f"{cls.ann.home}/.ssh/config",
                               f"Host hpc\n  HostName {bastion.name}\n  User gate\n  ProxyJump way\n"
                               f"Host way\n  HostName {front.name}\n  User jump\n", "600", "ann")

    def tearDown(self) -> None:
        self.holdfast.run("remove", "--all")

    def configure_laptop(self) -> None:
        """Makes the output of client-config the laptop's ~/.ssh/config, and adds its lines to known_hosts."""
        config = self.holdfast.run("client-config").stdout
        laptop, known = self.lab.hosts["laptop"], f"{self.visitor.home}/.ssh/known_hosts"
        laptop.write_file(f"{self.visitor.home}/.ssh/config", config, "600", "visitor")
        lines = [line.strip("# ") + "\n" for line in config.splitlines() if line.startswith("  #   holdfast-")]
        self.assertTrue(lines, config)
        laptop.write_file(known, laptop.read_file(known) + "".join(lines), "600", "visitor")

    def on_laptop(self, *argv: str) -> str:
        return self.lab.hosts["laptop"].run(argv, user="visitor").stdout

    def assert_reaches(self, name: str) -> None:
        laptop, workstation = self.lab.hosts["laptop"], self.host
        self.assertEqual(self.on_laptop("ssh", name, "hostname; id -un"), "workstation\nann\n")
        laptop.write_file("/home/visitor/out/a file", "to and fro\n", user="visitor")
        self.on_laptop("scp", "-q", "/home/visitor/out/a file", f"{name}:copied")
        self.assertEqual(workstation.read_file("/home/ann/copied"), "to and fro\n")
        self.on_laptop("scp", "-q", f"{name}:copied", "/home/visitor/back")
        self.assertEqual(laptop.read_file("/home/visitor/back"), "to and fro\n")
        self.on_laptop("rsync", "-a", "/home/visitor/out/", f"{name}:synced/")
        self.assertEqual(workstation.read_file("/home/ann/synced/a file"), "to and fro\n")

    def test_the_laptop_logs_in_through_the_bastion(self) -> None:
        self.holdfast.setup("-p", str(PORT), "-b", "gate@bastion")
        self.configure_laptop()
        self.assert_reaches("workstation")

    def test_an_alias_behind_a_jump_host_works(self) -> None:
        self.holdfast.setup("-n", "home", "-p", str(PORT), "-b", "hpc")
        self.configure_laptop()
        self.assert_reaches("home")

    def test_a_unix_socket_on_the_bastion_works(self) -> None:
        self.holdfast.setup("-n", "lab", "-p", "/home/gate/lab.sock", "-b", "gate@bastion")
        self.configure_laptop()
        config = self.holdfast.run("client-config", "lab").stdout
        command = next(line[4:] for line in config.splitlines() if line.startswith("#   ssh -N"))
        laptop = self.lab.hosts["laptop"]
        # -f returns when the forward is open.
        laptop.run(["sh", "-c", command.replace("ssh -N", "ssh -f -N -o ExitOnForwardFailure=yes") + " >/dev/null 2>&1"],
                   user="visitor")
        self.assertEqual(self.on_laptop("ssh", "lab", "hostname"), "workstation\n")
        for pid in laptop.pids("ssh -f -N", user="visitor"):
            laptop.kill(pid)


if __name__ == "__main__":
    main(needs=["rsync"])
