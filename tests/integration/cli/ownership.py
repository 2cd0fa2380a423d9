#!/usr/bin/env python3
"""Files that belong to somebody else: another user's tunnels under `sudo -E`, and tunnels whose file names are alike."""
import os
import pathlib
import unittest

from case import ProgramTest, TunnelTest, free_port, main

SOMEBODY = 54321  # a uid; it needs no account


@unittest.skipUnless(os.getuid() == 0, "only root can use another user's home")
class HomeOfAnotherUser(ProgramTest):
    """`sudo -E holdfast … --user`: root, with HOME and XDG variables of the user."""

    def setUp(self) -> None:
        super().setUp()
        tunnels = self.home / ".config/holdfast/tunnels"
        tunnels.mkdir(parents=True)
        (tunnels / "lab.conf").write_text("bastion = gate@bastion\nport = 127.0.0.1:2222:localhost:22\nbackend = nohup\n")
        os.chmod(self.root, 0o711)
        for path in (self.home, *self.home.rglob("*")):
            os.chown(path, SOMEBODY, SOMEBODY)
        self.before = self.everything()

    def assert_refused(self, *arguments: str, home: str = "") -> None:
        done = self.run_holdfast(*arguments, env={"HOME": home} if home else None)
        self.assertEqual((done.returncode, done.stdout), (2, ""), (arguments, done.stderr))
        if arguments[0] != "ensure":
            self.assertRegex(self.assert_reads_well(done), f"{self.root}/[^:]*: it belongs to uid {SOMEBODY}, not to root")
            self.assertTrue(done.stderr.endswith("\n  hint: leave out sudo, or use --system\n"), done.stderr)
        self.assert_nothing_changed(str(arguments))
        owners = {path.lstat().st_uid for path in self.home.rglob("*")}
        self.assertEqual(owners, {SOMEBODY}, arguments)

    def test_root_is_refused_by_every_command_that_changes_something(self) -> None:
        for arguments in (["setup", "-p", "2222", "-b", "gate@bastion", "--user"], ["remove", "lab", "--user"],
                          ["start", "lab", "--user"], ["stop", "lab", "--user"], ["restart", "lab", "--user"],
                          ["restart", "--keep-connection", "lab", "--user"], ["run", "lab", "--user"],
                          ["reap", "lab", "--user"], ["ensure", "--user"], ["move", "lab", "--backend", "nohup", "--user"],
                          ["hook", "--install", "bash"], ["hook", "--remove", "bash"]):
            with self.subTest(arguments):
                self.assert_refused(*arguments)

    def test_root_is_refused_behind_a_link_of_its_own(self) -> None:
        link = self.root / "link"
        link.symlink_to(self.home)
        self.assert_refused("stop", "lab", "--user", home=str(link))

    def test_root_is_refused_if_only_a_configuration_directory_is_the_user_s(self) -> None:
        own = self.root / "own"
        own.mkdir()
        for variable in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
            with self.subTest(variable):
                done = self.run_holdfast("run", "lab", "--user", env={"HOME": str(own), variable: str(self.home / ".config")})
                self.assertEqual(done.returncode, 2)
                self.assertIn(f"it belongs to uid {SOMEBODY}, not to root", done.stderr)
                self.assertEqual(list(own.iterdir()), [])

    def test_root_may_read(self) -> None:
        done = self.run_holdfast("status", "lab", "--user")
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assert_nothing_changed()


class AlikeNames(TunnelTest):
    def test_a_tunnel_may_have_the_name_of_another_one_s_lock(self) -> None:
        """The supervisor of NAME holds NAME.lock. A command that changes tunnel NAME or the crontab has a lock, too."""
        self.set_up()
        first = self.name
        self.name += ".setup"
        self.addCleanup(self.run_holdfast, "remove", "--user", self.name)
        self.port = free_port()
        self.set_up()
        done = self.run_holdfast("stop", "--user", first)
        self.assertEqual(done.returncode, 0, done.stderr)
        done = self.run_holdfast("restart", "--user", self.name)
        self.assertEqual(done.returncode, 0, done.stderr)
        left = sorted(str(path) for path in pathlib.Path(self.runtime).glob(f".{first}*"))
        self.assertEqual(left, [])


if __name__ == "__main__":
    main()
