#!/usr/bin/env python3
"""The C++ library as a stranger has it: installed, found by find_package and by pkg-config, used on a real tunnel."""
import functools
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

from case import Done, TunnelTest, free_port, is_alive, main, until

TREE = pathlib.Path(__file__).resolve().parents[3]
BUILD = pathlib.Path(os.environ["BUILD"])
CXX = os.environ.get("CXX_COMPILER", "c++")
STRICT = ["-std=c++17", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]


def run(*command: str | pathlib.Path, **options) -> str:
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=120, **options)
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}"
    return done.stdout


def command_line(pid: str) -> bytes:
    """Empty if the process has ended."""
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


class Installation:
    """What is installed below `top`, and what a program of a stranger's is built with; the sources are copied away."""

    def __init__(self, top: pathlib.Path) -> None:
        self.prefix = top / "prefix"
        self.sources = top / "sources"
        for component in ("Unspecified", "development"):
            run(os.environ["CMAKE"], "--install", BUILD, "--prefix", self.prefix, "--component", component)
        shutil.copytree(TREE / "examples/cpp", self.sources)
        shutil.copy(pathlib.Path(__file__).parent / "life.cpp", self.sources)
        self.environment = {**os.environ, "PATH": f"{self.prefix}/bin:{os.environ['PATH']}"}

    @functools.cache
    def by_find_package(self) -> pathlib.Path:
        build = self.prefix.parent / "cmake"
        run(os.environ["CMAKE"], "-S", self.sources, "-B", build, f"-DCMAKE_PREFIX_PATH={self.prefix}",
            f"-DCMAKE_CXX_COMPILER={CXX}", "-DCMAKE_CXX_FLAGS=" + " ".join(STRICT[1:]))
        run(os.environ["CMAKE"], "--build", build)
        return build / "tunnels"

    def flags(self) -> list[str]:
        path = next(self.prefix.rglob("holdfast.pc")).parent
        return run("pkg-config", "--cflags", "--libs", "holdfast",
                   env={**os.environ, "PKG_CONFIG_PATH": str(path)}).split()

    @functools.cache
    def by_pkg_config(self, name: str) -> pathlib.Path:
        program = self.prefix.parent / name
        run(CXX, *STRICT, self.sources / f"{name}.cpp", "-o", program, *self.flags(), cwd=self.sources)
        return program


class Library(TunnelTest):
    installation: Installation

    @classmethod
    def setUpClass(cls) -> None:
        top = tempfile.TemporaryDirectory(prefix="hf-library-")
        cls.addClassCleanup(top.cleanup)
        cls.installation = Installation(pathlib.Path(top.name))

    def setUp(self) -> None:
        super().setUp()
        self.env["PATH"] = self.installation.environment["PATH"]
        self.request = [f"{self.port}:127.0.0.1:{self.bastion.port}", f"{self.user()}@127.0.0.1:{self.bastion.port}",
                        str(self.bastion.directory / "key"), self.name]

    def call(self, *command: str | pathlib.Path) -> Done[str]:
        return subprocess.run([str(word) for word in command], env=self.env, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=60, cwd=self.root)

    def tunnel_with(self, program: pathlib.Path) -> None:
        made = self.call(program, "--user", "make", *self.request)
        self.assertEqual(made.returncode, 0, made.stderr)
        self.assertRegex(made.stdout, f"^made {self.name}: up, verified end to end, 127.0.0.1:{self.port} leads to ")
        self.assertEqual(self.call(program, "--user").stdout.replace("was there: ", "").split(", ")[:2],
                         [f"{self.name}: up", "verified end to end"])
        self.assertEqual(self.banner(), b"SSH-")
        self.assertRegex(self.call(program, "--user", "make", *self.request).stdout, "^was there: ")
        # The installed program runs the tunnel, not the caller of the library.
        supervisor = self.status()["supervisor_pid"]
        self.assertEqual(os.readlink(f"/proc/{supervisor}/exe"), str(self.installation.prefix / "bin/holdfast"))
        removed = self.call(program, "--user", "remove", self.name)
        self.assertEqual(removed.returncode, 0, removed.stderr)
        self.assertIn("stopped supervisor", removed.stdout)
        self.assertFalse(is_alive(supervisor))
        self.assertEqual(self.banner(), b"")
        self.assert_nothing_changed()

    def test_find_package(self) -> None:
        self.tunnel_with(self.installation.by_find_package())

    def test_pkg_config(self) -> None:
        self.assertTrue(all(str(TREE) not in flag for flag in self.installation.flags()))
        self.tunnel_with(self.installation.by_pkg_config("tunnels"))

    def test_ctrl_c_in_the_example_leaves_nothing(self) -> None:
        program = self.installation.by_pkg_config("tunnels")
        os.kill(self.bastion.process.pid, signal.SIGSTOP)
        self.addCleanup(os.kill, self.bastion.process.pid, signal.SIGCONT)
        example = subprocess.Popen([program, "--user", "make", *self.request], env=self.env, stderr=subprocess.PIPE,
                                   text=True, cwd=self.root)
        self.addCleanup(example.wait)
        self.addCleanup(example.kill)
        children = pathlib.Path(f"/proc/{example.pid}/task/{example.pid}/children")
        until("an ssh that waits for the bastion",
              lambda: any(b"ssh" in command_line(pid) for pid in children.read_text().split()))
        example.send_signal(signal.SIGINT)
        said = example.communicate(timeout=60)[1]
        self.assertRegex(said, r"(^|\n)tunnels: (.*: )?interrupted\n$")
        self.assertEqual(example.returncode, 1)
        self.assert_nothing_changed()

    def test_every_call_of_the_library(self) -> None:
        done = self.call(self.installation.by_pkg_config("life"), *self.request,
                         *(f"{free_port()}:127.0.0.1:{self.bastion.port}" for _ in range(2)))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout.splitlines(), [
            "unknown host key: host-key-unknown",
            "plan: lines, then 0 tunnels",
            "cancelled: interrupted",
            "thrown: the callback's own",
            "then 0 tunnels",
            "made: 1 verified",
            "again: 0",
            "restarted: verified",
            "kept: verified 1",
            "stopped: 1 0 stopped",
            "started: verified",
            "thrown late: the callback's own",
            "then 1 forward",
            "made in two threads: 2",
            "in two threads: 2",
            "removed: told",
            "removed again: no-such-tunnel",
            "no name: usage",
            "SIGCHLD: as it was",
            f"version: {os.environ['HOLDFAST_VERSION']}",
        ])
        self.assert_nothing_changed()

    def test_only_public_names_are_seen(self) -> None:
        archive = next(self.installation.prefix.rglob("libholdfast.a"))
        for kind in ("--defined-only", "--undefined-only"):
            names = run("nm", "--extern-only", "--demangle", kind, archive)
            foreign = [line for line in names.splitlines()
                       if ("boost" in line or "fmt::" in line or "holdfast::" in line) and "holdfast::v0" not in line]
            self.assertEqual(foreign, [], kind)

    def test_each_header_stands_by_itself(self) -> None:
        for header in sorted((self.installation.prefix / "include/holdfast").iterdir()):
            run(CXX, *STRICT, "-fsyntax-only", "-x", "c++", "-", "-include", f"holdfast/{header.name}",
                "-I", self.installation.prefix / "include")


if __name__ == "__main__":
    if not (BUILD / "libholdfast.a").exists():
        print("no C++ library was built here: a sanitized build, or no static Boost", file=sys.stderr)
        sys.exit(77)
    main()
