"""Persistent SSH reverse tunnels, with or without root. This package runs the program holdfast.

    import holdfast
    holdfast.setup(2222, bastion_server="gate@bastion")
    holdfast.status(2222)["json"]["tunnels"][0]["state"]
    holdfast.remove(2222)

The package never asks a question. If something needs manual action, the call fails and gives a hint. It runs the
program that HOLDFAST_PROGRAM names, otherwise holdfast in PATH, otherwise the program that was installed with this package.
"""

from ._program import Result, Value
from ._tunnels import remove, setup, status

__version__ = "0.1.0"
__all__ = ["Result", "Value", "remove", "setup", "status"]
