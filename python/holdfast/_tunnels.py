"""The three functions, with the names and parameters of scitex-tunnel."""

import os
from typing import List, Optional, Sequence, Union

from ._program import Result, Value, option_words, run

Port = Union[int, str]


def _first_of(*names: str) -> Optional[str]:
    return next((os.environ[name] for name in names if os.environ.get(name)), None)


def default_bastion() -> Optional[str]:
    return _first_of("HOLDFAST_BASTION", "SCITEX_TUNNEL_BASTION_SERVER", "SCITEX_SSH_BASTION_SERVER")


def default_key() -> Optional[str]:
    return _first_of("HOLDFAST_IDENTITY", "SCITEX_TUNNEL_SECRET_KEY_PATH", "SCITEX_SSH_SECRET_KEY_PATH")


def check_port(port: object) -> None:
    """Raises ValueError if the port is missing or not valid."""
    if port is None or port == "" or port == [] or isinstance(port, bool):
        raise ValueError("port is missing")
    if isinstance(port, int) and not 1 <= port <= 65535:
        raise ValueError(f"port {port} is not a port from 1 to 65535")


def _which(port: Optional[Port]) -> List[str]:
    """Arguments that select a tunnel by port or by name."""
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
    """Set up a persistent tunnel from `port` of the bastion to this machine. Returns after an end-to-end check.

    port: the port on the bastion, or "[BIND:]PORT:HOST:HOSTPORT" for another target than localhost:22, or a list of
    these.
    bastion_server: [USER@]HOST[:PORT], or a Host of ~/.ssh/config. The default is HOLDFAST_BASTION or
    SCITEX_TUNNEL_BASTION_SERVER.
    secret_key_path: the private key. The default is HOLDFAST_IDENTITY or SCITEX_TUNNEL_SECRET_KEY_PATH, otherwise ssh
    chooses.
    options: the options of `holdfast setup`, such as name="lab", backend="cron", accept_new_host_key=True or
    ssh_option=["Compression=yes"].

    The same arguments again change nothing. A failed setup is undone, and the result gives the cause. Raises ValueError
    if the port or the bastion is missing.
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
    """Report whether tunnels are up: all of them, or the one with this port on its bastion, or with this name.

    `success` is True if every one of them is up. The details are in ["json"]["tunnels"].
    """
    return run("status", *option_words(options), *_which(port))


def remove(port: Port, **options: Value) -> Result:
    """Stop the tunnel with this port on its bastion, or with this name; uninstall it and delete its files.

    ["json"]["removed"] lists the removed items. Raises ValueError if the port is missing.
    """
    check_port(port)
    return run("remove", *option_words(options), *_which(port))
