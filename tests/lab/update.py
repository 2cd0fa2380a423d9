#!/usr/bin/python3
"""setup of an existing tunnel: it is updated, or restored if the update fails. And `demo`, which leaves nothing."""
from __future__ import annotations

from typing import Any

from lab import Holdfast, Session, Snapshot, User, UserTest, main

NAME = "lab"
USUAL = ("setup", "-n", NAME, "-b", "gate@bastion")


class Update(UserTest):

    def begin(self, holdfast: Holdfast, user: User | str, *scope: str) -> None:
        self.holdfast, self.scope = holdfast, scope
        self.session: Session = self.host.login(user)
        self.addCleanup(self.session.logout)
        self.fresh: Snapshot = self.host.snapshot()
        self.addCleanup(self.run_it, "remove", NAME)

    def run_it(self, *arguments: str) -> Any:
        return self.holdfast.run(*arguments, session=self.session, check=False, timeout=120)

    def set_up(self, *arguments: str) -> dict[str, Any]:
        done = self.run_it(*USUAL, *self.scope, *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return self.holdfast.await_up(NAME)

    def fail_update(self, *arguments: str) -> None:
        """The port is in use. Without preflight only the new tunnel notices."""
        with self.bastion.fake_server() as holder:
            done = self.run_it(*USUAL, *self.scope, *arguments, "--no-preflight", "-p", str(holder.port))
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("the previous tunnel runs again", done.stderr)

    def assert_only_answers_at(self, *ports: int) -> None:
        for port in (2222, 2223):
            self.assertEqual(bool(self.bastion.banner(port)), port in ports, port)

    def remove(self) -> None:
        self.assertEqual(self.run_it("remove", NAME).returncode, 0)
        self.assert_unchanged(self.fresh)

    def update_and_fail(self, first: str) -> None:
        self.assertEqual(self.set_up("-p", "2222")["backend"]["name"], first)
        self.fail_update()
        self.assertEqual(self.holdfast.await_up(NAME)["backend"]["name"], first)
        self.assert_only_answers_at(2222)
        self.set_up("-p", "2223")
        self.assert_only_answers_at(2223)

    def test_a_users_tunnel_is_updated_or_restored(self) -> None:
        self.begin(self.holdfast, self.ann)
        self.update_and_fail("systemd-user")
        self.assertEqual(self.set_up("-p", "2223", "--backend", "nohup")["backend"]["name"], "nohup")
        self.assertFalse(self.host.exists(f"{self.ann.home}/.config/systemd/user/holdfast-{NAME}.service"))
        self.fail_update("--backend", "systemd-user")
        self.assertEqual(self.holdfast.await_up(NAME)["backend"]["name"], "nohup")
        self.assertFalse(self.host.exists(f"{self.ann.home}/.config/systemd/user/holdfast-{NAME}.service"))
        self.assertEqual(self.set_up("-p", "2223", "--backend", "systemd-user")["backend"]["name"], "systemd-user")
        self.assert_only_answers_at(2223)
        self.remove()

    def test_a_system_tunnel_is_updated_or_restored(self) -> None:
        self.begin(Holdfast(self.host), "root", "--run-as", "ann")
        self.update_and_fail("systemd-system")
        self.remove()

    def test_the_demo_leaves_nothing(self) -> None:
        for holdfast, user in ((self.holdfast, self.ann),
                               (Holdfast(self.host), "root")):
            with self.subTest(user):
                self.begin(holdfast, user)
                done = self.run_it("demo")
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn("backend systemd-user", done.stderr)
                self.assert_unchanged(self.fresh)


if __name__ == "__main__":
    main()
