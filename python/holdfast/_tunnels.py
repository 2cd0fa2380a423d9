"""The three functions, as scitex-tunnel has them."""

import os
from typing import List, Optional, Sequence, Union

from ._program import Result, Value, option_words, run

Port = Union[int, str]


def _first_of(*names: str) -> Optional[str]:
    return next((os.environ[name] for name in names if os.environ.get(name)), None)


def default_bastion() -> Optional[str]:
    return _first_of("HOLDFAST_BASTION", "SCITEX_TUNNEL_BASTION_SERVER")


def default_key() -> Optional[str]:
    return _first_of("HOLDFAST_IDENTITY", "SCITEX_TUNNEL_SECRET_KEY_PATH")


def check_port(port: object) -> None:
    """Raises ValueError where it is missing, or cannot be a port."""
    if port is None or port == "" or port == [] or isinstance(port, bool):
        raise ValueError("port is missing")
    if isinstance(port, int) and not 1 <= port <= 65535:
        raise ValueError(f"port {port} is not a port from 1 to 65535")


def _which(port: Optional[Port]) -> List[str]:
    """A tunnel by its port, or by its name."""
    if port is None:
        return []
    check_port(port)
    text = str(port)
    return ["--port=" + text] if text.isdecimal() and text.isascii() else ["--", text]


def setup(
    port: Union[Port, Sequence[Port]],
    bastion_server: Optional[str] = None,
    secret_key_path: Union[None, str, "os.PathLike[str]"] = None,
    **options: Value,
) -> Result:
    """Make a tunnel that lasts: `port` of the bastion leads to this machine. Returns when it was verified end to end.

    port: the port to listen on at the bastion, or "[BIND:]PORT:HOST:HOSTPORT" to lead elsewhere than localhost:22
    here; several in a list. bastion_server: [USER@]HOST[:PORT] or a Host of ~/.ssh/config; without it HOLDFAST_BASTION
    or SCITEX_TUNNEL_BASTION_SERVER. secret_key_path: without it HOLDFAST_IDENTITY or SCITEX_TUNNEL_SECRET_KEY_PATH,
    else what ssh itself would use. options: those of `holdfast setup`, such as name="lab", backend="cron",
    accept_new_host_key=True, ssh_option=["Compression=yes"].

    With the same arguments again nothing changes. What fails is undone; the dict says why. Raises ValueError where
    the port or the bastion is missing.
    """
    check_port(port)
    if not bastion_server and not default_bastion() and "env_file" not in options:
        raise ValueError("bastion_server is missing: give it, or set HOLDFAST_BASTION")
    ports = [port] if isinstance(port, (int, str)) else list(port)
    return run(
        "setup",
        *option_words({"port": ports, "bastion": bastion_server or None, "identity": secret_key_path or None}),
        *option_words(options),
    )


def status(port: Optional[Port] = None, **options: Value) -> Result:
    """Whether tunnels are up: all of them, or the one on `port` of its bastion (or of that name).

    `success` is True when everything asked about is up; the details are in ["json"]["tunnels"].
    """
    return run("status", *option_words(options), *_which(port))


def remove(port: Port, **options: Value) -> Result:
    """Stop the tunnel on `port` of its bastion (or of that name), uninstall it, delete all that belongs to it.

    What was removed is in ["json"]["removed"]. Raises ValueError where the port is missing.
    """
    check_port(port)
    return run("remove", *option_words(options), *_which(port))
