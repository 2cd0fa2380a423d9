#!/usr/bin/env python3
"""Command lines that are refused: exit 2, one error line, nothing changed."""
import os
import pathlib
import subprocess

from case import ProgramTest, main

GATE = "gate@bastion"


class Refusals(ProgramTest):
    def refused(self, *arguments: str, says: str, status: int = 2, hint: str = "", **env: str) -> None:
        done = self.run_holdfast(*arguments, env=env)
        shown = f"{arguments}: {done.stdout}{done.stderr}"
        self.assertEqual(done.returncode, status, shown)
        self.assertEqual(done.stdout, "", shown)
        self.assertRegex(self.assert_reads_well(done), says)
        self.assertIn(hint, done.stderr)
        self.assert_nothing_changed(shown)

    def test_ports(self) -> None:
        for port in ("0", "65536", "22x", "", "-1", "1:2:3:4:5", "2222:localhost", "2222:localhost:0", "2222\n2223"):
            with self.subTest(port=port):
                self.refused("setup", "--user", "-b", GATE, "-p", port, says="port")

    def test_names(self) -> None:
        for name in ("../x", "-x", "a\nb", "x" * 65, "", "a/b", ".x", "ä"):
            with self.subTest(name=name):
                self.refused("setup", "--user", "-b", GATE, "-p", "2222", f"--name={name}", says="name")
                for command in ("remove", "start", "stop", "status", "logs", "run", "reap"):
                    self.refused(command, "--user", "--", name, says="name|no such tunnel")

    def test_bastions(self) -> None:
        for bastion in ("", "-oProxyCommand=touch pwned", "a b", "a\nb", "a\x1b[2Jb", "a\u202eb", "a\u200f@b",
                        "user@", "host:99999", "@host"):
            with self.subTest(bastion=bastion):
                self.refused("setup", "--user", "-p", "2222", "-b", bastion, says="bastion")
        self.assertFalse((self.root / "pwned").exists())

    def test_missing_and_unknown_options(self) -> None:
        self.refused("setup", "--user", "-p", "2222", says="option --bastion: it is missing")
        self.refused("setup", "--user", "-b", GATE, says="option --port: it is missing")
        self.refused("setup", "--user", "-p", "2222", "-b", GATE, "--sped", says="option --sped")
        self.refused("setup", "--user", "--system", "-p", "2222", "-b", GATE, says="--system and --user")
        self.refused("status", "--user", "--lines", "5", says="option --lines")
        self.refused("logs", "--user", "x", "-n", "many", says="lines")
        for command in ("remove", "start", "stop", "restart", "logs", "run", "reap"):
            self.refused(command, "--user", says="give tunnel names|missing")
        self.refused("remove", "--user", "x", "--all", says="give tunnel names")

    def test_commands(self) -> None:
        self.refused("statsu", says="no such command", hint="did you mean holdfast status")
        for synonym in ("ls", "list"):
            self.refused(synonym, says="no such command", hint="did you mean holdfast status")
        self.refused("mcp", says="its subcommand is missing")
        self.refused("mcp", "stat", says="no such command")
        self.refused("mcp", "start", "now", says="unexpected argument")
        self.refused("setup", "--user", "-p", "2222", "-b", GATE, "--backend", "slurm", says="not available in this")
        self.refused("setup", "--user", "-p", "2222", "-b", GATE, "--backend", "corn", says="no such backend",
                     hint="did you mean cron")
        self.refused("setup", "--user", "-p", "2222", "-b", GATE, "--engine", "autosh", says="no such engine",
                     hint="did you mean autossh")

    def test_unknown_tunnels(self) -> None:
        for command in ("status", "remove", "start", "stop", "restart", "logs", "run", "reap"):
            self.refused(command, "--user", "nothing", says="no such tunnel", status=4)
        for command in ("status", "remove"):
            self.refused(command, "--user", "-p", "2222", says="port 2222", status=4)

    def test_environment_files(self) -> None:
        path = self.root / "some.env"
        self.refused("status", "--user", "--env-file", str(path), says="some.env.*no such file")
        path.write_text("HOLDFAST_BASTION=gate@bastion\nnonsense\n")
        self.refused("status", "--user", "--env-file", str(path), says="some.env line 2")
        path.write_text("HOLDFAST_BASTION='a b'\n")
        self.refused("setup", "--user", "-p", "2222", "--env-file", str(path), says='bastion "a b"')
        self.refused("--env-file", str(path), "setup", "--user", "-p", "2222", says='bastion "a b"')
        # A .env file is never read on its own.
        (self.root / ".env").write_text("HOLDFAST_BASTION=gate@bastion\n")
        self.refused("setup", "--user", "-p", "2222", says="option --bastion: it is missing")

    def test_keys(self) -> None:
        for key, says in ((self.root / "nothing", "nothing"), (self.root, "directory")):
            self.refused("setup", "--user", "-p", "2222", "-b", "gate@127.0.0.1:1", "-s", str(key), says=says, status=1)

    def test_homes(self) -> None:
        usual = ("setup", "--user", "-p", "2222", "-b", "gate@127.0.0.1:1")
        self.refused(*usual, says="home|HOME", status=1, HOME="")
        self.refused(*usual, says="/nowhere/at/all: it does not exist", status=1, HOME="/nowhere/at/all")

    def test_no_ssh(self) -> None:
        self.refused("setup", "--user", "-p", "2222", "-b", GATE, says="ssh", status=1, PATH=str(self.root))

    def test_scopes(self) -> None:
        usual = ("setup", "--system", "-p", "2222", "-b", GATE)
        if os.getuid() == 0:
            self.refused(*usual, says="--run-as")
            self.refused(*usual, "--run-as", "nobody-of-that-name", says="nobody-of-that-name")
        else:
            self.refused(*usual, says="only root can", status=5)
        self.refused("setup", "--user", "-p", "2222", "-b", GATE, "--run-as", "root", says="--run-as")

    def test_no_usable_backend(self) -> None:
        self.refused("setup", "--user", "-p", "2222", "-b", GATE, says="backend", status=5,
                     HOLDFAST_BACKENDS="systemd-user", XDG_RUNTIME_DIR=str(self.root), PATH=self.path_without_systemctl())

    def path_without_systemctl(self) -> str:
        programs = self.root / "programs"
        programs.mkdir()
        for program in ("ssh", "id", "getent", "ssh-keygen"):
            found = subprocess.run(["which", program], capture_output=True, text=True, check=True).stdout.strip()
            (programs / program).symlink_to(found)
        return str(programs)


class Answers(ProgramTest):
    """Answers go to stdout, messages to stderr."""

    def test_help_and_version_go_to_stdout(self) -> None:
        for arguments in (["--help"], ["-h"], ["help"], ["help", "setup"], ["setup", "--help"], ["--help-recursive"]):
            done = self.run_holdfast(*arguments)
            self.assertEqual((done.returncode, done.stderr), (0, ""), arguments)
            self.assertIn("usage: holdfast", done.stdout)
        self.assertEqual(self.run_holdfast("version").stdout, self.run_holdfast("--version").stdout)
        self.assertRegex(self.run_holdfast("version").stdout, r"^holdfast \d+\.\d+\.\d+\n$")

    def test_no_command_prints_the_help_and_is_a_usage_error(self) -> None:
        done = self.run_holdfast()
        self.assertEqual((done.returncode, done.stderr), (2, ""))
        self.assertEqual(done.stdout, self.run_holdfast("--help").stdout)
        for group in ("everyday", "looking into it", "moving in and out", "for programs"):
            self.assertIn(f"\n{group}:\n", done.stdout)

    def test_manual_pages_are_in_the_program(self) -> None:
        for page, heading in (((), "HOLDFAST(1)"), (("holdfast.conf",), "HOLDFAST.CONF(5)"),
                              (("holdfast-backends",), "HOLDFAST-BACKENDS(7)")):
            done = self.run_holdfast("help", "--man", *page, env={"PATH": str(self.root)})
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertTrue(done.stdout.startswith(heading), done.stdout[:80])
            self.assertNotRegex(done.stdout, r"[\b\x1b]")
        self.assertIn("did you mean holdfast.conf", self.run_holdfast("help", "--man", "holdfast.cnf").stderr)

    def test_a_mistyped_tunnel_gets_a_suggestion(self) -> None:
        tunnels = self.home / ".config/holdfast/tunnels"
        tunnels.mkdir(parents=True, mode=0o700)
        (tunnels / "office.conf").write_text(f"port = 2222\nbastion = {GATE}\n")
        (tunnels / "office.conf").chmod(0o600)
        self.assertIn("hint: did you mean office\n", self.run_holdfast("status", "--user", "offcie").stderr)

    def test_no_tunnels_is_a_success(self) -> None:
        done = self.run_holdfast("status", "--user")
        self.assertEqual((done.returncode, done.stdout), (0, ""))
        self.assertEqual(self.run_holdfast("status", "--user", "--json").stdout, '{"tunnels":[]}\n')
        self.assertEqual(self.run_holdfast("remove", "--user", "--all").returncode, 0)
        self.assert_nothing_changed()

    def test_an_unwritable_stdout_is_a_failure(self) -> None:
        with open("/dev/full", "w", encoding="ascii") as full:
            done = self.run_holdfast("--help", stdout=full)
        self.assertEqual(done.returncode, 1)
        self.assertIn("standard output", done.stderr)

    def test_old_names_still_work(self) -> None:
        self.assertEqual(self.run_holdfast("show-status", "--user").returncode, 0)
        self.assertEqual(self.run_holdfast("remove-tunnel", "--user", "x").returncode, 4)
        self.assertEqual(self.run_holdfast("setup-tunnel", "--user", "-p", "0", "-b", GATE).returncode, 2)

    def test_a_tunnel_of_another_host_is_not_down(self) -> None:
        tunnels = pathlib.Path(self.home, ".config/holdfast/tunnels")
        tunnels.mkdir(parents=True, mode=0o700)
        (tunnels / "far.conf").write_text("port = 2222\nbackend = nohup\nhost = elsewhere\nbastion = gate@bastion\n")
        (tunnels / "far.conf").chmod(0o600)
        done = self.run_holdfast("status", "--user", "--json")
        self.assertEqual(done.returncode, 0, "a tunnel of another host counts only when it is named")
        self.assertIn('"state":null', done.stdout)
        self.assertEqual(self.run_holdfast("status", "--user", "far").returncode, 3)
        for command in ("remove", "start", "stop", "restart"):
            done = self.run_holdfast(command, "--user", "far")
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertIn("elsewhere", self.assert_reads_well(done))
        self.assertEqual(self.run_holdfast("run", "--user", "far").returncode, 2)


if __name__ == "__main__":
    main(needs_sshd=False)
