"""Persistent SSH reverse tunnels, with or without root: the program holdfast, from Python.

    import holdfast
    holdfast.setup(2222, bastion_server="gate@bastion")
    holdfast.status(2222)["json"]["tunnels"][0]["state"]
    holdfast.remove(2222)

Nothing is ever asked: what needs a person fails, and says what to do. The program is the one that HOLDFAST_PROGRAM
names, or holdfast in PATH, or the one installed beside this package.
"""

from ._program import Result, Value
from ._tunnels import remove, setup, status

__version__ = "0.1.0"
__all__ = ["Result", "Value", "remove", "setup", "status"]
