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
    """0 success or up, 1 failure, 2 invalid usage, 3 not up, 4 no such tunnel, 5 no usable backend, 127 no program to run, 130 interrupted."""
    error: Optional[Dict[str, Any]]
    """class, message and hint of a failure, otherwise None."""
    json: Optional[Dict[str, Any]]
    """The output with --json, or None after a failure."""


class ProgramNotFound(RuntimeError):
    """There is no holdfast program to run."""


def _prefix() -> Optional[Path]:
    """The prefix that this package is installed in: it is PREFIX/lib/pythonX/{dist,site}-packages/holdfast."""
    packages = Path(__file__).resolve().parents[1]
    python, library = packages.parent, packages.parent.parent
    installed = (
        packages.name in ("dist-packages", "site-packages")
        and python.name.startswith("python")
        and library.name in ("lib", "lib64")
    )
    return library.parent if installed else None


def _is_program(path: "Union[str, os.PathLike[str]]") -> bool:
    return os.path.isfile(path) and os.access(path, os.X_OK)


def find_program() -> str:
    """The path of the program. Raises ProgramNotFound if there is none."""
    named = os.environ.get("HOLDFAST_PROGRAM")
    if named:
        if _is_program(named):
            return named
        raise ProgramNotFound(f"HOLDFAST_PROGRAM={named} is not a program")
    in_path = shutil.which("holdfast")
    if in_path:
        return in_path
    prefix = _prefix()
    if prefix is not None and _is_program(prefix / "bin" / "holdfast"):
        return str(prefix / "bin" / "holdfast")
    raise ProgramNotFound("the program holdfast is neither in PATH nor installed with this package")


def get_version() -> Optional[str]:
    """The version of the program, such as "0.1.0". None if it cannot be run."""
    try:
        shown = subprocess.run(
            [find_program(), "version"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
            errors="replace",
            timeout=10,
        ).stdout.split()
    except (ProgramNotFound, OSError, subprocess.TimeoutExpired):
        return None
    return shown[1] if len(shown) > 1 and shown[0] == "holdfast" else None


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
    try:
        process, stdout, stderr = _run([find_program(), words[0], "--json", *words[1:]])
    except (ProgramNotFound, OSError) as problem:
        hint = "install holdfast, or set HOLDFAST_PROGRAM to its path"
        return {
            "success": False,
            "stdout": "",
            "stderr": f"holdfast: running the program: {problem}\n  hint: {hint}\n",
            "exit_status": 127,
            "error": {"class": "program-missing", "message": str(problem), "hint": hint},
            "json": None,
        }
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
