#!/usr/bin/python3
"""A third host comes in: what client-config prints, and plain ssh, scp and rsync with it."""
from __future__ import annotations

import os
import shutil
import sys

from lab import Holdfast, LabTest, User, main

PORT = 2222


class Laptop(LabTest):
    workstations = ("workstation", "laptop", "front")
    ann: User      # on the workstation
    visitor: User  # the same person, on her laptop
    holdfast: Holdfast

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        workstation, laptop, front = (cls.lab.hosts[name] for name in cls.workstations)
        bastion = cls.lab.bastion
        cls.ann = workstation.add_user("ann")
        cls.visitor = laptop.add_user("visitor")
        jump = front.add_user("jump")
        for user in (cls.ann, cls.visitor):
            bastion.admit(user)
            jump.authorize(user.public_key)
            user.trust(front)
        cls.ann.authorize(cls.visitor.public_key)
        cls.holdfast = Holdfast(workstation, cls.ann)
        # The laptop has none of this.
        workstation.write_file(f"{cls.ann.home}/.ssh/config",
                               f"Host hpc\n  HostName {bastion.name}\n  User gate\n  ProxyJump way\n"
                               f"Host way\n  HostName {front.name}\n  User jump\n", "600", "ann")

    def tearDown(self) -> None:
        self.holdfast.run("remove", "--all")

    def give(self, *names: str) -> None:
        """The laptop has what client-config prints as its configuration."""
        config = self.holdfast.run("client-config").stdout
        self.lab.hosts["laptop"].write_file(f"{self.visitor.home}/.ssh/config", config, "600", "visitor")
        for name in names:
            self.visitor.trust(self.lab.workstation, f"holdfast-workstation-{name}")

    def on_laptop(self, *argv: str) -> str:
        return self.lab.hosts["laptop"].run(argv, user="visitor").stdout

    def come_in(self, name: str) -> None:
        laptop, workstation = self.lab.hosts["laptop"], self.lab.workstation
        self.assertEqual(self.on_laptop("ssh", name, "hostname; id -un"), "workstation\nann\n")
        laptop.write_file("/home/visitor/out/a file", "to and fro\n", user="visitor")
        self.on_laptop("scp", "-q", "/home/visitor/out/a file", f"{name}:copied")
        self.assertEqual(workstation.read_file("/home/ann/copied"), "to and fro\n")
        self.on_laptop("scp", "-q", f"{name}:copied", "/home/visitor/back")
        self.assertEqual(laptop.read_file("/home/visitor/back"), "to and fro\n")
        self.on_laptop("rsync", "-a", "/home/visitor/out/", f"{name}:synced/")
        self.assertEqual(workstation.read_file("/home/ann/synced/a file"), "to and fro\n")

    def test_by_a_bastion(self) -> None:
        self.holdfast.setup("-p", str(PORT), "-b", "gate@bastion")
        self.give("2222")
        self.come_in("2222")

    def test_by_an_alias_that_is_itself_behind_a_jump_host(self) -> None:
        self.holdfast.setup("-n", "home", "-p", str(PORT), "-b", "hpc")
        self.give("home")
        self.come_in("home")

    def test_by_a_socket_of_the_bastions(self) -> None:
        self.holdfast.setup("-n", "lab", "-p", "/home/gate/lab.sock", "-b", "gate@bastion")
        self.give("lab")
        config = self.holdfast.run("client-config", "lab").stdout
        command = next(line[4:] for line in config.splitlines() if line.startswith("#   ssh -N"))
        laptop = self.lab.hosts["laptop"]
        # In the background until the forward is there: what "while it runs" asks for.
        laptop.run(["sh", "-c", command.replace("ssh -N", "ssh -f -N -o ExitOnForwardFailure=yes") + " >/dev/null 2>&1"],
                   user="visitor")
        self.assertEqual(self.on_laptop("ssh", "lab", "hostname"), "workstation\n")
        for pid in laptop.pids("ssh -f -N", user="visitor"):
            laptop.kill(pid)


if __name__ == "__main__":
    if not shutil.which("rsync"):
        print("skipped: it needs rsync", file=sys.stderr)
        sys.exit(1 if os.environ.get("CI") == "true" else 77)
    main()
