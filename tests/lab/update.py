#!/usr/bin/python3
"""Setup of a tunnel that is there: it is updated in place, or, when that fails, at work again as it was. And the demo."""
from __future__ import annotations

from typing import Any

from lab import Holdfast, LabTest, Session, Snapshot, User, main

NAME = "lab"
USUAL = ("setup", "-n", NAME, "-b", "gate@bastion")


class Update(LabTest):
    ann: User

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.ann = cls.lab.workstation.add_user("ann")
        cls.lab.bastion.admit(cls.ann)

    def begin(self, holdfast: Holdfast, user: User | str, *scope: str) -> None:
        self.holdfast, self.scope = holdfast, scope
        self.session: Session = self.lab.workstation.login(user)
        self.addCleanup(self.session.logout)
        self.fresh: Snapshot = self.lab.workstation.snapshot()
        self.addCleanup(self.run_it, "remove", NAME)

    def run_it(self, *arguments: str) -> Any:
        return self.holdfast.run(*arguments, session=self.session, check=False, timeout=120)

    def set_up(self, *arguments: str) -> dict[str, Any]:
        done = self.run_it(*USUAL, *self.scope, *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return self.holdfast.await_up(NAME)

    def fails_when_it_runs(self, *arguments: str) -> None:
        """The port is somebody else's, and without preflight only the new tunnel itself finds out."""
        with self.lab.bastion.door() as squatter:
            done = self.run_it(*USUAL, *self.scope, *arguments, "--no-preflight", "-p", str(squatter.port))
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("the former tunnel runs again", done.stderr)

    def answers_at(self, *ports: int) -> None:
        for port in (2222, 2223):
            self.assertEqual(bool(self.lab.bastion.banner(port)), port in ports, port)

    def remove(self) -> None:
        self.assertEqual(self.run_it("remove", NAME).returncode, 0)
        # A process that has ended and was not waited for yet is nobody's.
        left = [line for line in self.fresh.changes(self.lab.workstation.snapshot()) if "<defunct>" not in line]
        self.assertEqual(left, [])

    def update_and_fail(self, first: str) -> None:
        self.assertEqual(self.set_up("-p", "2222")["backend"]["name"], first)
        self.fails_when_it_runs()
        self.assertEqual(self.holdfast.await_up(NAME)["backend"]["name"], first)
        self.answers_at(2222)
        self.set_up("-p", "2223")
        self.answers_at(2223)

    def test_a_users_tunnel(self) -> None:
        self.begin(Holdfast(self.lab.workstation, self.ann), self.ann)
        self.update_and_fail("systemd-user")
        self.assertEqual(self.set_up("-p", "2223", "--backend", "nohup")["backend"]["name"], "nohup")
        self.assertFalse(self.lab.workstation.exists(f"{self.ann.home}/.config/systemd/user/holdfast-{NAME}.service"))
        self.fails_when_it_runs("--backend", "systemd-user")
        self.assertEqual(self.holdfast.await_up(NAME)["backend"]["name"], "nohup")
        self.assertFalse(self.lab.workstation.exists(f"{self.ann.home}/.config/systemd/user/holdfast-{NAME}.service"))
        self.assertEqual(self.set_up("-p", "2223", "--backend", "systemd-user")["backend"]["name"], "systemd-user")
        self.answers_at(2223)
        self.remove()

    def test_the_machines_tunnel(self) -> None:
        self.begin(Holdfast(self.lab.workstation), "root", "--run-as", "ann")
        self.update_and_fail("systemd-system")
        self.remove()

    def test_the_demo_leaves_nothing(self) -> None:
        for holdfast, user in ((Holdfast(self.lab.workstation, self.ann), self.ann),
                               (Holdfast(self.lab.workstation), "root")):
            with self.subTest(user):
                self.begin(holdfast, user)
                done = self.run_it("demo")
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn("backend systemd-user", done.stderr)
                left = [line for line in self.fresh.changes(self.lab.workstation.snapshot()) if "<defunct>" not in line]
                self.assertEqual(left, [])


if __name__ == "__main__":
    main()
