"""Installs the official client of the Model Context Protocol, and runs official_client.test.mjs with it."""
from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
HOME = pathlib.Path(os.environ.get("MCP_SDK", "build/dev/tests/integration/mcp/sdk")).resolve()


def install() -> None:
    """Installs the client of package-lock.json into the build directory, once for each version of that file. Exits
    with 77 (skipped) when that is impossible."""
    if not shutil.which("npm") or not shutil.which("node"):
        print("node and npm are not installed", file=sys.stderr)
        sys.exit(77)
    HOME.mkdir(parents=True, exist_ok=True)
    lock = (HERE / "package-lock.json").read_text()
    mark = HOME / "installed.json"
    for name in ("package.json", "package-lock.json", ".npmrc", "official_client.test.mjs"):
        shutil.copy(HERE / name, HOME / name)
    if mark.is_file() and mark.read_text() == lock:
        return
    done = subprocess.run(["npm", "ci"], cwd=HOME, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240)
    if done.returncode != 0:
        print(f"the official client cannot be installed here:\n{done.stderr}", file=sys.stderr)
        sys.exit(77)
    mark.write_text(lock)


def meet(scene: dict[str, str], env: dict[str, str], timeout: float = 200) -> subprocess.CompletedProcess[str]:
    """The client's tests against the scene: SERVER (an argument list as JSON), NAME, PORT, TARGET, BASTION, KEY, BACKEND
    (the choice of `auto`), FREE_PORT, and BASTION_PID where the bastion can be stopped."""
    argv = ["node", "--test", "--test-reporter=tap", str(HOME / "official_client.test.mjs")]
    return subprocess.run(argv, env={**env, **{f"SCENE_{key}": value for key, value in scene.items()}}, cwd="/",
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout)
