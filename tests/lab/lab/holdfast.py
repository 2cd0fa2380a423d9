"""The program under test, installed on a host and run as its user would run it."""
from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Optional

from .host import CommandFailed, Completed, Host
from .measure import until
from .user import Session, User


def program() -> Path:
    """The static file that HOLDFAST_STATIC names, which is what users copy; otherwise the one that HOLDFAST names."""
    for variable in ("HOLDFAST_STATIC", "HOLDFAST"):
        if (name := os.environ.get(variable)) and Path(name).is_file():
            return Path(name)
    raise RuntimeError("set HOLDFAST or HOLDFAST_STATIC to the program under test")


class Holdfast:
    """One user's holdfast on one host, at `path`."""

    def __init__(self, host: Host, user: Optional[User] = None) -> None:
        self.host, self.user = host, user
        self.path = f"{user.home}/.local/bin/holdfast" if user else "/usr/local/bin/holdfast"
        host.put(program(), self.path, user=user.name if user else None)

    def run(self, *arguments: str, session: Optional[Session] = None, check: bool = True, timeout: float = 90,
            env: Optional[dict[str, str]] = None) -> Completed[str]:
        """Runs it in this login; without one, as cron does: no session, no XDG_RUNTIME_DIR."""
        if session:
            return session.run(" ".join(map(_quoted, ["env", *(f"{k}={v}" for k, v in (env or {}).items()), self.path,
                                                      *arguments])), check=check, timeout=timeout)
        return self.host.run([self.path, *arguments], user=self.user.name if self.user else None, check=check,
                             timeout=timeout, env=env)

    def setup(self, *arguments: str, check: bool = True) -> Completed[str]:
        """`holdfast setup …` in a real login, which has ended when this returns."""
        with self.host.login(self.user or "root") as session:
            return self.run("setup", *arguments, session=session, check=check)

    def statuses(self, *arguments: str) -> list[dict[str, Any]]:
        done = self.run("status", *arguments, "--json", check=False)
        if done.returncode not in (0, 3):
            raise CommandFailed(self.host.name, ["holdfast", "status", *arguments], done)
        tunnels: list[dict[str, Any]] = json.loads(done.stdout)["tunnels"]
        return tunnels

    def status(self, name: str) -> dict[str, Any]:
        tunnel, = self.statuses(name)
        return tunnel

    def state(self, name: str) -> str:
        return str(self.status(name)["state"])

    def await_up(self, name: str, timeout: float = 60) -> dict[str, Any]:
        """Waits until status says up and verified; returns that status."""
        def asked() -> Optional[dict[str, Any]]:
            told = self.status(name)
            if told["state"] == "up" and told["verified"]:
                return told
            raise AssertionError(told)
        status = until(f"tunnel {name} to be up", asked, timeout)
        assert status
        return status


def _quoted(word: str) -> str:
    return "'" + word.replace("'", "'\\''") + "'"
