"""Finds the program, runs it, and reads its output."""

import json
import os
import shutil
import signal
import subprocess
import threading
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple, TypedDict, Union

Value = Union[None, bool, int, str, "os.PathLike[str]", Sequence[Union[int, str]]]
"""The value of an option. True sets it, None and False don't, a list repeats it for each item."""


class Result(TypedDict):
    """The result of a command."""

    success: bool
    """The exit status was 0. For status: every tunnel that was asked about is up."""
    stdout: str
    stderr: str
    exit_status: int
    """0 success or up, 1 failure, 2 invalid usage, 3 not up, 4 no such tunnel, 5 no usable backend, 130 interrupted."""
    error: Optional[Dict[str, Any]]
    """class, message and hint of a failure, otherwise None."""
    json: Optional[Dict[str, Any]]
    """The output with --json, or None after a failure."""


def find_program() -> str:
    """The path of the program. Raises FileNotFoundError if there is none."""
    named = os.environ.get("HOLDFAST_PROGRAM")
    if named:
        return named
    in_path = shutil.which("holdfast")
    if in_path:
        return in_path
    # PREFIX/lib/python3/dist-packages/holdfast, or a virtual environment's lib/python3.x/site-packages
    for parent in Path(__file__).resolve().parents:
        sibling = parent / "bin" / "holdfast"
        if sibling.is_file() and os.access(sibling, os.X_OK):
            return str(sibling)
    raise FileNotFoundError("the program holdfast is neither in PATH nor next to this package: set HOLDFAST_PROGRAM")


def option_words(options: Dict[str, Value]) -> List[str]:
    """Keyword arguments as --option=value, so that no value can become an option."""
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
    """Runs the program. Ctrl-C interrupts it, waits until it has undone its work, and then raises KeyboardInterrupt."""
    interrupts: List[int] = []
    previous_handler = signal.getsignal(signal.SIGINT)
    # An interrupt during the start is delivered after it. Only the main thread receives interrupts.
    defers = callable(previous_handler) and threading.current_thread() is threading.main_thread()
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
                signal.signal(signal.SIGINT, previous_handler)
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
    """Runs one command with --json and without a terminal, so that neither it nor ssh can ask a question."""
    process, stdout, stderr = _run([find_program(), words[0], "--json", *words[1:]])
    answer: Optional[Dict[str, Any]] = None
    try:
        read = json.loads(stdout)
        answer = read if isinstance(read, dict) else None
    except ValueError:
        pass
    error = answer.get("error") if answer else None
    if answer is None and process.returncode != 0:
        error = {"class": "failed", "message": stderr.strip(), "hint": None}
    return {
        "success": process.returncode == 0,
        "stdout": stdout,
        "stderr": stderr,
        "exit_status": process.returncode if process.returncode >= 0 else 128 - process.returncode,
        "error": error,
        "json": None if error else answer,
    }
