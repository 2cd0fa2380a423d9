#!/usr/bin/env python3
"""import holdfast, and import scitex_tunnel, against a real tunnel."""
import ast
import contextlib
import inspect
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest.mock
from typing import Any, Iterator

import holdfast
import scitex_ssh
import scitex_tunnel
from case import PROGRAM, TunnelTest, main, until

PACKAGE = pathlib.Path(holdfast.__file__).parent
BASE = {"success", "stdout", "stderr"}


class Api(TunnelTest):
    def setUp(self) -> None:
        super().setUp()
        program = str(pathlib.Path(PROGRAM).resolve())
        environment = unittest.mock.patch.dict(os.environ, {**self.env, "HOLDFAST_PROGRAM": program}, clear=True)
        environment.start()
        self.addCleanup(environment.stop)

    def make(self, module: Any = holdfast, **more: Any) -> Any:
        return module.setup(f"{self.port}:127.0.0.1:{self.bastion.port}",
                            **{"bastion_server": f"{self.user()}@127.0.0.1:{self.bastion.port}",
                               "secret_key_path": self.bastion.directory / "key", "name": self.name, "user": True,
                               "accept_new_host_key": True, **more})

    def test_the_life_of_a_tunnel(self) -> None:
        made = self.make()
        self.assertTrue(made["success"], made["stderr"])
        self.assertEqual((made["json"]["state"], made["json"]["changed"], made["error"]), ("up", True, None))
        self.assertFalse(self.make()["json"]["changed"])
        self.assertTrue(BASE < made.keys())
        for which in (self.port, str(self.port), self.name):
            now = holdfast.status(which, user=True)
            self.assertTrue(now["success"], now["stderr"])
            self.assertEqual([tunnel["name"] for tunnel in now["json"]["tunnels"]], [self.name])
        self.assertEqual(len(holdfast.status(user=True)["json"]["tunnels"]), 1)
        gone = holdfast.remove(self.port, user=True)
        self.assertTrue(gone["success"], gone["stderr"])
        self.assertEqual(gone["json"]["removed"][0]["name"], self.name)
        again = holdfast.remove(self.port, user=True)
        self.assertEqual((again["success"], again["exit_status"], again["error"]["class"], again["json"]),
                         (False, 4, "no-such-tunnel", None))
        self.assert_nothing_changed()

    def test_import_scitex_tunnel_still_works(self) -> None:
        names = ["port", "bastion_server", "secret_key_path"]
        for module in (holdfast, scitex_tunnel):
            signature = inspect.signature(module.setup)
            self.assertEqual(list(signature.parameters)[:3], names)
            self.assertEqual([signature.parameters[name].default for name in names[1:]], [None, None])
        for name in scitex_tunnel.__all__:
            self.assertIs(getattr(scitex_ssh, name), getattr(scitex_tunnel, name))
        self.assertEqual(scitex_tunnel.get_version(), holdfast.__version__)
        made = self.make(scitex_tunnel)
        self.assertTrue(made["success"], made["stderr"])
        self.assertTrue(BASE < scitex_tunnel.status(self.port, user=True).keys())
        self.assertTrue(scitex_tunnel.remove(self.port, user=True)["success"])

    def test_a_missing_value_is_a_value_error(self) -> None:
        for module in (holdfast, scitex_tunnel):
            for call in (lambda: module.setup(None, "gate@bastion", "/key"), lambda: module.setup(2222),
                         lambda: module.setup(2222, "", "/key"), lambda: module.remove(None),
                         lambda: module.setup(0, "gate@bastion", "/key"), lambda: module.setup(70000, "b", "/key")):
                self.assertRaises(ValueError, call)
        self.assertRaises(ValueError, lambda: scitex_tunnel.setup(2222, "gate@bastion"))
        self.assertRaises(TypeError, lambda: holdfast.setup(2222, "gate@bastion", **{"--system": True}))
        self.assert_nothing_changed()

    def test_variables_replace_arguments(self) -> None:
        for bastion, key in (("SCITEX_TUNNEL_BASTION_SERVER", "SCITEX_TUNNEL_SECRET_KEY_PATH"),
                             ("SCITEX_SSH_BASTION_SERVER", "SCITEX_SSH_SECRET_KEY_PATH"),
                             ("HOLDFAST_BASTION", "HOLDFAST_IDENTITY")):
            there = {bastion: f"{self.user()}@127.0.0.1:{self.bastion.port}", key: str(self.bastion.directory / "key")}
            with unittest.mock.patch.dict(os.environ, there):
                made = self.make(scitex_tunnel, bastion_server=None, secret_key_path=None)
            self.assertTrue(made["success"], made["stderr"])
            self.assertTrue(holdfast.remove(self.name, user=True)["success"])

    def test_a_failure_has_a_reason_and_leaves_nothing(self) -> None:
        for more, wanted in (({"accept_new_host_key": False}, "host-key-unknown"), ({"backend": "steam"}, "usage"),
                             ({"ssh_option": ["StrictHostKeyChecking=no"]}, "usage"), ({"sped": 1}, "usage"),
                             ({"bastion_server": "-oProxyCommand=id"}, "usage"), ({"name": "--all"}, "usage")):
            failed = self.make(**more)
            self.assertEqual((failed["success"], failed["error"]["class"], failed["json"]), (False, wanted, None), more)
            self.assertIn("holdfast: ", failed["stderr"])
        self.assert_nothing_changed()

    def test_an_interrupt_undoes_the_setup(self) -> None:
        script = "import sys, holdfast; holdfast.setup(sys.argv[1], *sys.argv[2:4], name=sys.argv[4], user=True, " \
                 "accept_new_host_key=True)"
        os.kill(self.bastion.process.pid, signal.SIGSTOP)
        self.addCleanup(os.kill, self.bastion.process.pid, signal.SIGCONT)
        python = subprocess.Popen([sys.executable, "-c", script, str(self.port),
                                   f"{self.user()}@127.0.0.1:{self.bastion.port}", str(self.bastion.directory / "key"),
                                   self.name], stderr=subprocess.PIPE, text=True,
                                  env={**os.environ, "PYTHONPATH": str(PACKAGE.parent)})
        self.addCleanup(python.wait)
        self.addCleanup(python.kill)

        def children(pid: int) -> list[int]:
            return [int(pid) for pid in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

        program = until("the program to run", lambda: children(python.pid))[0]
        until("its ssh to run", lambda: children(program))
        python.send_signal(signal.SIGINT)
        self.assertIn("KeyboardInterrupt", python.communicate(timeout=60)[1])
        self.assert_nothing_changed()


class Package(unittest.TestCase):
    @contextlib.contextmanager
    def installed(self) -> Iterator[pathlib.Path]:
        with unittest.mock.patch.dict(os.environ, {"PATH": "/nowhere"}, clear=True):
            with tempfile.TemporaryDirectory() as prefix:
                place = pathlib.Path(prefix, "lib/python3/dist-packages")
                shutil.copytree(PACKAGE, place / "holdfast")
                yield pathlib.Path(prefix)

    def ask(self, packages: pathlib.Path, script: str) -> str:
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120,
                              env={**os.environ, "PYTHONPATH": str(packages)})
        return done.stdout.strip() or done.stderr.strip().splitlines()[-1]

    def find(self, packages: pathlib.Path) -> str:
        return self.ask(packages, "from holdfast._program import find_program; print(find_program())")

    def test_finds_the_program_of_its_prefix(self) -> None:
        with self.installed() as prefix:
            packages = prefix / "lib/python3/dist-packages"
            self.assertRegex(self.find(packages), r"ProgramNotFound: .*neither in PATH")
            (prefix / "bin").mkdir()
            beside = prefix / "bin/holdfast"
            beside.symlink_to("/bin/true")
            self.assertEqual(self.find(packages), str(beside.parent.resolve() / "holdfast"))
            os.environ["HOLDFAST_PROGRAM"] = "/bin/false"
            self.assertEqual(self.find(packages), "/bin/false")
            os.environ["HOLDFAST_PROGRAM"] = "/nowhere/holdfast"
            self.assertRegex(self.find(packages), r"ProgramNotFound: .*/nowhere/holdfast is not a program")

    def test_runs_no_program_outside_its_prefix(self) -> None:
        with self.installed() as prefix:
            for directory in ("bin", "lib/bin", "lib/python3/bin", "src/bin", "src/lib/python3/bin"):
                (prefix / directory).mkdir(parents=True)
                (prefix / directory / "holdfast").symlink_to("/bin/true")
            self.assertEqual(self.find(prefix / "lib/python3/dist-packages"), str(prefix.resolve() / "bin/holdfast"))
            for packages in ("src", "lib/python3", "lib/other/dist-packages", "python3/site-packages", "src/lib/x/y"):
                shutil.copytree(PACKAGE, prefix / packages / "holdfast", dirs_exist_ok=True)
                self.assertIn("ProgramNotFound", self.find(prefix / packages), packages)

    def test_a_missing_program_is_an_error_in_the_result(self) -> None:
        with self.installed() as prefix:
            packages = prefix / "lib/python3/dist-packages"
            for module in ("scitex_ssh", "scitex_tunnel"):
                shutil.copytree(PACKAGE.parent / module, packages / module)
            script = "import holdfast; done = holdfast.status(); print(done['success'], done['error']['class'], " \
                     "done['exit_status'], 'hint: install holdfast' in done['stderr'])"
            self.assertEqual(self.ask(packages, script), "False program-missing 127 True")
            version = holdfast.__version__
            about = "import scitex_ssh; print(scitex_ssh.AVAILABLE, scitex_ssh.get_version())"
            self.assertEqual(self.ask(packages, about), f"False {version}")
            os.environ["HOLDFAST_PROGRAM"] = PROGRAM
            self.assertEqual(self.ask(packages, about), f"True {version}")

    def test_the_installed_package_finds_its_program(self) -> None:
        with tempfile.TemporaryDirectory() as prefix:
            subprocess.run([os.environ["CMAKE"], "--install", os.environ["BUILD"], "--prefix", prefix,
                            "--component", "Unspecified"], check=True,
                           stdout=subprocess.DEVNULL, timeout=60)
            script = "import holdfast; print(holdfast.status('nothing', user=True)['error']['class'])"
            done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, cwd="/",
                                  env={"HOME": prefix, "PATH": "/nowhere",
                                       "PYTHONPATH": f"{prefix}/lib/python3/dist-packages"})
            self.assertEqual((done.stdout, done.stderr), ("no-such-tunnel\n", ""))

    def test_versions_agree_and_python_3_6_can_parse_it(self) -> None:
        project = (PACKAGE.parent / "pyproject.toml").read_text()
        version, = re.findall(r'^version = "(.*)"$', project, re.MULTILINE)
        self.assertEqual({version, holdfast.__version__, scitex_tunnel.__version__}, {os.environ["HOLDFAST_VERSION"]})
        self.assertIn('requires-python = ">=3.8"', project)
        for file in PACKAGE.parent.rglob("*.py"):
            ast.parse(file.read_text(), feature_version=(3, 8))
        for module in ("holdfast", "scitex_ssh", "scitex_tunnel"):
            self.assertTrue((PACKAGE.parent / module / "py.typed").is_file())

    def test_list_python_apis_matches_the_package(self) -> None:
        listed = subprocess.run([PROGRAM, "list-python-apis"], capture_output=True, text=True, timeout=30).stdout
        for name in ("setup", "status", "remove"):
            line, = (line for line in listed.splitlines() if line.startswith(f"holdfast.{name}("))
            for parameter in inspect.signature(getattr(holdfast, name)).parameters:
                self.assertIn(parameter, line)


if __name__ == "__main__":
    main()
