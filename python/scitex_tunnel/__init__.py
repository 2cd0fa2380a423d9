"""The three functions of scitex-tunnel, implemented by holdfast. Programs that import this need no change."""

import os
from typing import Optional, Union

from holdfast import Result, __version__, remove, status
from holdfast import setup as _setup
from holdfast._program import ProgramNotFound, Value, find_program
from holdfast._program import get_version as _program_version
from holdfast._tunnels import default_key

__all__ = ["AVAILABLE", "__version__", "get_version", "remove", "setup", "status"]


def _is_available() -> bool:
    try:
        return bool(find_program())
    except ProgramNotFound:
        return False


AVAILABLE = _is_available()
"""There was a program to run when this package was imported."""


def get_version() -> str:
    """The version of the program holdfast. If it cannot be run, the version of this package."""
    return _program_version() or __version__


def setup(
    port: int,
    bastion_server: Optional[str] = None,
    secret_key_path: Union[None, str, "os.PathLike[str]"] = None,
    **options: Value,
) -> Result:
    """holdfast.setup(), which also raises ValueError if the key is missing, as in scitex-tunnel."""
    if not secret_key_path and not default_key():
        raise ValueError("secret_key_path is missing: give it, or set SCITEX_TUNNEL_SECRET_KEY_PATH")
    return _setup(port, bastion_server, secret_key_path, **options)
