"""Finds the program, runs it, and reads what it says."""

import json
import os
import shutil
import signal
import subprocess
import threading
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple, TypedDict, Union

Value = Union[None, bool, int, str, "os.PathLike[str]", Sequence[Union[int, str]]]
"""Of an option: True gives it, None and False do not, a list gives it once for each of its items."""


class Result(TypedDict):
    """What a command came to."""

    success: bool
    """It ended with exit status 0; of status: everything asked about is up."""
    stdout: str
    stderr: str
    exit_status: int
    """0 done or up, 1 failed, 2 wrong usage, 3 not up, 4 no such tunnel, 5 no usable backend, 130 interrupted."""
    error: Optional[Dict[str, Any]]
    """class, message and hint where it failed; else None."""
    json: Optional[Dict[str, Any]]
    """What the program printed with --json; None where it failed."""


def find_program() -> str:
    """The program's path. Raises FileNotFoundError where there is none."""
    named = os.environ.get("HOLDFAST_PROGRAM")
    if named:
        return named
    in_path = shutil.which("holdfast")
    if in_path:
        return in_path
    # PREFIX/lib/python3/dist-packages/holdfast, or a virtual environment's lib/python3.x/site-packages
    for parent in Path(__file__).resolve().parents:
        beside = parent / "bin" / "holdfast"
        if beside.is_file() and os.access(beside, os.X_OK):
            return str(beside)
    raise FileNotFoundError("the program holdfast is neither in PATH nor beside this package: set HOLDFAST_PROGRAM")


def option_words(options: Dict[str, Value]) -> List[str]:
    """Keyword arguments as words of a command line, always --option=value: no value can become an option."""
    words: List[str] = []
    for name, value in options.items():
        if not name.replace("_", "").isalpha() or not name.isascii():
            raise TypeError(f"{name!r} cannot be an option of holdfast")
        option = "--" + name.replace("_", "-")
        if value is None or value is False:
            continue
        if value is True:
            words.append(option)
        elif isinstance(value, (int, str, os.PathLike)):
            words.append(f"{option}={os.fspath(value) if isinstance(value, os.PathLike) else value}")
        else:
            words.extend(f"{option}={item}" for item in value)
    return words


def _run(argv: List[str]) -> "Tuple[subprocess.Popen[str], str, str]":
    """Ctrl-C interrupts the program too, which undoes what it has done so far, and is raised when it has ended."""
    interrupts: List[int] = []
    former = signal.getsignal(signal.SIGINT)
    # While it starts there is nobody yet to be told of an interrupt. Only the main thread ever hears of one.
    defers = callable(former) and threading.current_thread() is threading.main_thread()
    process = None
    if defers:
        signal.signal(signal.SIGINT, lambda number, frame: interrupts.append(number))
    try:
        try:
            process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,
            )
        finally:
            if defers:
                signal.signal(signal.SIGINT, former)
        if interrupts:
            raise KeyboardInterrupt
        stdout, stderr = process.communicate()
    except KeyboardInterrupt:
        if process is not None:
            process.send_signal(signal.SIGINT)
            process.communicate()
        raise
    return process, stdout, stderr


def run(*words: str) -> Result:
    """One command with --json, without a terminal, so that neither it nor ssh can ask for anything."""
    process, stdout, stderr = _run([find_program(), words[0], "--json", *words[1:]])
    said: Optional[Dict[str, Any]] = None
    try:
        read = json.loads(stdout)
        said = read if isinstance(read, dict) else None
    except ValueError:
        pass
    error = said.get("error") if said else None
    if said is None and process.returncode != 0:
        error = {"class": "failed", "message": stderr.strip(), "hint": None}
    return {
        "success": process.returncode == 0,
        "stdout": stdout,
        "stderr": stderr,
        "exit_status": process.returncode if process.returncode >= 0 else 128 - process.returncode,
        "error": error,
        "json": None if error else said,
    }
