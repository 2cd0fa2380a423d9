#!/usr/bin/env python3
"""The backend login-hook: a login restarts the tunnel, and start-up files are edited only on request."""
import json
import subprocess

from case import TunnelTest, main, until

PROFILE = b"# mine\nexport EDITOR=vi\n"
BASHRC = b"alias ll='ls -l'"  # without a line break at its end


class LoginHook(TunnelTest):
    def setUp(self) -> None:
        super().setUp()
        self.env["SHELL"] = "/bin/bash"
        self.profile, self.bashrc = self.home / ".profile", self.home / ".bashrc"
        self.profile.write_bytes(PROFILE)
        self.bashrc.write_bytes(BASHRC)
        self.before = self.everything()

    def log_in(self) -> None:
        done = subprocess.run(["/bin/bash", "-l", "-i", "-c", ":"], env=self.env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=120, cwd=self.home, check=True,
                              start_new_session=True)  # in the background of a terminal -i would stop it
        self.assertEqual(done.stdout, b"")

    def remove(self) -> str:
        done = self.run_holdfast("remove", "--user", self.name)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_a_login_restarts_it_and_remove_restores_the_files(self) -> None:
        told = self.set_up("--backend", "login-hook")
        for file in (self.profile, self.bashrc):
            self.assertIn(str(file), told.stderr, "setup names each start-up file that it edits")
            self.assertIn(b"login hook", file.read_bytes())
        first = self.await_up()
        self.assertEqual((first["backend"]["survives"]["crash"], first["backend"]["survives"]["reboot"]),
                         ("at-login", "at-login"))
        shown = self.run_holdfast("status", "--user", self.name).stdout
        self.assertIn(f"in {self.profile}, {self.bashrc}", shown)
        self.kill(first["supervisor_pid"])
        until("the supervisor to be gone", lambda: self.status()["supervisor_pid"] is None)
        self.log_in()
        self.assertNotEqual(self.await_up()["supervisor_pid"], first["supervisor_pid"])
        self.assertEqual(self.banner(), b"SSH-")
        self.assertIn("nothing changed", self.set_up("--backend", "login-hook").stdout)
        said = self.remove()
        for file in (self.profile, self.bashrc):
            self.assertIn(f"removed the login hook from {file}\n", said)
        self.assert_nothing_changed()

    def test_a_hook_of_the_user_stays(self) -> None:
        self.assertEqual(self.run_holdfast("hook", "--install").returncode, 0)
        hooked = [file.read_bytes() for file in (self.profile, self.bashrc)]
        self.set_up("--backend", "login-hook")
        self.assertEqual([file.read_bytes() for file in (self.profile, self.bashrc)], hooked)
        self.assertNotIn("login hook", self.remove())
        self.assertEqual([file.read_bytes() for file in (self.profile, self.bashrc)], hooked)
        self.assertEqual(self.run_holdfast("hook", "--remove").returncode, 0)
        self.assert_nothing_changed()

    def test_move_adds_and_removes_the_hook(self) -> None:
        self.set_up("--backend", "nohup")
        self.assertEqual(self.profile.read_bytes(), PROFILE)
        there = self.run_holdfast("move", "--user", self.name, "--backend", "login-hook")
        self.assertEqual(there.returncode, 0, there.stderr)
        self.assertIn(str(self.bashrc), there.stderr)
        self.assertEqual(self.await_up()["backend"]["name"], "login-hook")
        plan = self.run_holdfast("move", "--user", self.name, "--backend", "nohup", "--dry-run").stdout
        self.assertIn(f"remove the login hook from {self.profile}", plan)
        self.assertIn(b"login hook", self.profile.read_bytes())
        back = self.run_holdfast("move", "--user", self.name, "--backend", "nohup")
        self.assertEqual(back.returncode, 0, back.stderr)
        self.assertIn(str(self.bashrc), back.stderr)
        self.assertEqual((self.profile.read_bytes(), self.bashrc.read_bytes()), (PROFILE, BASHRC))
        self.assertEqual(self.await_up()["backend"]["name"], "nohup")

    def test_a_failed_setup_restores_the_files(self) -> None:
        done = self.run_holdfast(*self.arguments("--backend", "login-hook", "--no-preflight",
                                                 "--ssh-option", "PreferredAuthentications=password"))
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("nothing was changed", done.stderr)
        self.assert_nothing_changed()

    def test_an_unwritable_startup_file_is_reported(self) -> None:
        self.profile.chmod(0o444)
        before = self.everything()
        done = self.run_holdfast(*self.arguments("--backend", "login-hook"))
        self.assertEqual(done.returncode, 5, done.stderr)
        self.assertIn("read-only", self.assert_reads_well(done))
        self.assertEqual(self.everything(), before)
        rows = json.loads(self.run_holdfast("doctor", "--user", "--json").stdout)["backends"]
        self.assertEqual([row["usable"] for row in rows if row["name"] == "login-hook"], [False])

    def test_auto_never_chooses_it(self) -> None:
        self.set_up()
        self.assertEqual(self.status()["backend"]["name"], "nohup")
        self.assertEqual((self.profile.read_bytes(), self.bashrc.read_bytes()), (PROFILE, BASHRC))


if __name__ == "__main__":
    main()
