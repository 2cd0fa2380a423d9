#!/usr/bin/env python3
"""The official client of the Model Context Protocol, at work with every tool against a real tunnel: sdk.test.mjs."""
import os
import pathlib
import shutil
import subprocess
import sys

from house import PROGRAM, TunnelHouse, free_port, main

HERE = pathlib.Path(__file__).parent
SDK = pathlib.Path(os.environ.get("MCP_SDK", "build/dev/tests/integration/mcp/sdk")).resolve()


def install() -> None:
    """The client as the lock has it, in a directory of the build; once for each state of the lock."""
    SDK.mkdir(parents=True, exist_ok=True)
    lock = (HERE / "package-lock.json").read_text()
    mark = SDK / "installed.json"
    for name in ("package.json", "package-lock.json", ".npmrc", "sdk.test.mjs"):
        shutil.copy(HERE / name, SDK / name)
    if mark.is_file() and mark.read_text() == lock:
        return
    done = subprocess.run(["npm", "ci"], cwd=SDK, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240)
    if done.returncode != 0:
        print(f"the official client cannot be installed here:\n{done.stderr}", file=sys.stderr)
        sys.exit(77)
    mark.write_text(lock)


class Sdk(TunnelHouse):
    def test_with_the_official_client(self) -> None:
        there = self.bastion.directory
        scene = {"HOLDFAST": str(pathlib.Path(PROGRAM).resolve()), "SCENE_NAME": self.name, "SCENE_PORT": str(self.port),
                 "SCENE_TARGET": f"127.0.0.1:{self.bastion.port}", "SCENE_KEY": str(there / "key"),
                 "SCENE_BASTION": f"{self.user()}@127.0.0.1:{self.bastion.port}",
                 "SCENE_BASTION_PID": str(self.bastion.process.pid), "SCENE_FREE_PORT": str(free_port())}
        done = subprocess.run(["node", "--test", "--test-reporter=tap", str(SDK / "sdk.test.mjs")], env={**self.env, **scene}, cwd=self.root,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=200)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"# pass [1-9]")
        self.assertRegex(done.stdout, r"# (fail|skipped) 0")
        self.assert_nothing_changed("every tunnel of the test was removed")


if __name__ == "__main__":
    if not shutil.which("npm") or not shutil.which("node"):
        print("node and npm are not installed", file=sys.stderr)
        sys.exit(77)
    install()
    main()
