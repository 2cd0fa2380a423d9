"""A workstation and a bastion, booted on this machine by systemd-nspawn; see ../README.md."""
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2]))
from clean_environment import clean_environment  # noqa: E402

clean_environment()
from .bastion import Bastion, Connection, FakeServer
from .case import BackendTest, LabTest, UserTest, in_parallel, main, why_not
from .holdfast import Holdfast, program
from .host import CommandFailed, Host
from .lab import Lab
from .marks import put_between_marks
from .measure import NotInTime, Watch, holds, until
from .network import Flow, Network
from .snapshot import Snapshot
from .user import Session, Terminal, User

__all__ = ["BackendTest", "Bastion", "CommandFailed", "Connection", "FakeServer", "Flow", "Holdfast", "Host", "Lab", "LabTest",
           "Network", "NotInTime", "Session", "Snapshot", "Terminal", "User", "UserTest", "Watch", "holds", "in_parallel",
           "main", "program", "put_between_marks", "until", "why_not"]
