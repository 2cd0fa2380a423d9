#!/usr/bin/python3
"""What every backend survives: each fault happens once to all of them, and the result is compared with the claim of
`status`.

    tests/lab/matrix.py [--write docs/backends.md] [--rows cron,nohup]

Prints the table; --write puts it between the marks of that file. Fails if a claim was wrong.
"""
from __future__ import annotations

import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Iterable, Mapping, Optional

from lab import Holdfast, LabTest, Session, User, main, put_between_marks

MARKS = ("<!-- matrix: written by tests/lab/matrix.py -->\n", "<!-- end of matrix -->\n")
KILLING = "logout, `KillUserProcesses=yes`"
COLUMNS = ("ssh killed", "supervisor killed", "logout", KILLING, "reboot", "power cut")
CLAIMED = dict(zip(COLUMNS, (None, "crash", "logout", "logout", "reboot", "reboot")))
PROMPT = 20   # seconds for a recovery without the watchdog, and for a restart at login
TIMEOUT = 90  # seconds: longer than the watchdog's minute and a login
PARALLEL = 6   # rows at once: MaxStartups of sshd refuses some of more than ten logins
SETTLED = 20  # seconds: logind ends a user's manager 10 s after the last logout
NO_LINGER = "m-no-linger"
POLKIT = ("polkit.addRule(function(action, subject) {\n  if (action.id.indexOf('org.freedesktop.login1.set-') == 0 &&"
          f" subject.user == '{NO_LINGER}') return polkit.Result.NO;\n}});\n")
KILL_POLICY = "/etc/systemd/logind.conf.d/kill.conf"


@dataclass(frozen=True)
class Outcome:
    """`kind` is "goes on", "back", "at login" or "no"; `seconds` is the time until a supervisor had the tunnel up."""
    kind: str
    seconds: float = 0.0
    unsupervised: bool = False  # no supervisor, but its ssh still works

    def agrees(self, column: str, claim: Optional[str]) -> bool:
        if claim is None:  # every backend replaces a killed ssh
            return self.kind == "back" and self.seconds <= PROMPT
        if claim == "yes":
            return self.kind == "goes on" if "logout" in column else self.kind == "back" and self.seconds <= PROMPT
        if claim.startswith("within:"):
            return self.kind == "back" and self.seconds <= int(claim[7:-1]) + PROMPT
        return self.kind == {"at-login": "at login", "no": "no"}[claim]

    def __str__(self) -> str:
        if self.kind == "back":
            return f"{self.seconds:.1f} s" if self.seconds < 10 else f"{self.seconds:.0f} s"
        if self.kind == "at login":
            return f"at login, {self.seconds:.1f} s"
        return "no; ssh goes on" if self.unsupervised else self.kind


@dataclass
class Row:
    """One backend with a user of its own."""
    title: str
    backend: str
    user_name: str
    port: int = 0
    root: bool = False
    hook: bool = False  # `holdfast hook --install` before its first setup
    user: User = field(init=False)
    holdfast: Holdfast = field(init=False)
    sessions: list[Session] = field(default_factory=list)
    before: dict[str, Any] = field(default_factory=dict)
    cells: dict[str, Outcome] = field(default_factory=dict)
    claims: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.user_name.removeprefix("m-")


def all_rows() -> list[Row]:
    rows = [Row("`systemd-system`", "systemd-system", "m-system", root=True),
            Row("`systemd-user`", "systemd-user", "m-linger"),
            Row("`systemd-user` without linger", "systemd-user", NO_LINGER),
            Row("`cron`", "cron", "m-cron"),
            Row("`tmux`", "tmux", "m-tmux"),
            Row("`screen`", "screen", "m-screen"),
            Row("`nohup`", "nohup", "m-nohup"),
            Row("`tmux` with the login hook", "tmux", "m-tmux-hook", hook=True),
            Row("`screen` with the login hook", "screen", "m-screen-hook", hook=True),
            Row("`nohup` with the login hook", "nohup", "m-nohup-hook", hook=True),
            Row("`login-hook`", "login-hook", "m-login-hook")]
    for number, row in enumerate(rows):
        row.port = 2301 + number
    return rows


class Matrix(LabTest):
    only: list[str] = []
    write: Optional[Path] = None
    rows: list[Row]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        host, bastion = cls.lab.workstation, cls.lab.bastion
        host.write_file("/etc/polkit-1/rules.d/10-no-linger.rules", POLKIT)
        bastion.configure(MaxStartups=100)  # all rows log in at the same moment
        cls.rows = [row for row in all_rows() if not cls.only or row.name in cls.only]
        for row in cls.rows:
            row.user = cls.person(row.user_name)
            row.holdfast = Holdfast(host, None if row.root else row.user)

    # -- setting up --------------------------------------------------------------------------------------

    def each(self, act: Callable[[Row], None], rows: Optional[list[Row]] = None) -> None:
        """In parallel: each row has a user of its own."""
        with ThreadPoolExecutor(PARALLEL) as pool:
            list(pool.map(act, self.rows if rows is None else rows))

    def set_up(self, row: Row) -> None:
        """In a login of its own, which stays open."""
        session = self.lab.workstation.login("root" if row.root else row.user)
        row.sessions.append(session)
        if row.hook:
            row.holdfast.run("hook", "--install", session=session)
        arguments = ["-n", row.name, "-p", str(row.port), "-b", "gate@bastion", "--backend", row.backend]
        row.holdfast.run("setup", *arguments, *(["--run-as", row.user_name] if row.root else []), session=session)

    def log_out(self, row: Row) -> None:
        while row.sessions:
            row.sessions.pop().logout()

    def read_claims(self, column: str) -> None:
        for row in self.rows:
            row.before = row.holdfast.await_up(row.name)
            self.assertEqual(row.before["backend"]["name"], row.backend)
            if CLAIMED[column]:
                row.claims[column] = row.before["backend"]["survives"][CLAIMED[column]]

    # -- watching ----------------------------------------------------------------------------------------

    def supervisors(self) -> dict[str, set[int]]:
        """User to pids of `holdfast run`, without a tmux or screen that has it in its arguments."""
        found: dict[str, set[int]] = {row.user_name: set() for row in self.rows}
        for pid, owner, args in self.lab.workstation.processes():
            if re.match(r"\S+/bin/holdfast run ", args) and owner in found:
                found[owner].add(pid)
        return found

    def answers(self, row: Row) -> bool:
        return self.lab.bastion.banner(row.port, timeout=0.5) is not None

    def is_up(self, row: Row, supervisors: set[int], dead: set[int]) -> bool:
        """A living supervisor says "up" with an ssh that was not killed, and the port answers."""
        if not supervisors - dead or not self.answers(row):
            return False
        told = row.holdfast.status(row.name)
        return bool(told["state"] == "up" and told["verified"] and told["ssh_pid"] not in dead
                    and told["supervisor_pid"] in supervisors - dead)

    def watch(self, rows: Iterable[Row], begins: Mapping[str, float], seconds: float,
              dead: set[int]) -> dict[str, float]:
        """Name to seconds from its entry in `begins`, which may come later, until the tunnel is up. A tunnel that is not up
        in time is missing."""
        waiting, back = list(rows), {}

        def look(row: Row) -> None:
            if self.is_up(row, supervisors[row.user_name], dead):
                back[row.name] = time.monotonic() - begins[row.name]

        while waiting:
            supervisors = self.supervisors()
            self.each(look, [row for row in waiting if row.name in begins])
            now = time.monotonic()
            waiting = [row for row in waiting if row.name not in back and now - begins.get(row.name, now) < seconds]
            time.sleep(0.1)
        return back

    def watch_logout(self) -> tuple[list[Row], float]:
        """The rows that lost supervisor, ssh or port by the end of the logout, and the time of the last loss."""
        lost: list[Row] = []
        begin = since = time.monotonic()
        while time.monotonic() - begin < SETTLED:
            supervisors = self.supervisors()
            for row in self.rows:
                kept = row.before["supervisor_pid"] in supervisors[row.user_name] and self.answers(row)
                if not kept and row not in lost:
                    lost.append(row)
                    since = time.monotonic()
            time.sleep(0.25)
        for row in self.rows:
            told = row.holdfast.status(row.name)
            if row not in lost and any(told[key] != row.before[key] for key in ("ssh_pid", "supervisor_pid")):
                lost.append(row)
        return lost, since

    def judge(self, column: str, rows: Iterable[Row], begin: float, dead: set[int], seconds: float = TIMEOUT) -> None:
        """Fills the column for these rows and leaves each tunnel up."""
        rows = list(rows)
        back = self.watch(rows, {row.name: begin for row in rows}, seconds, dead)
        for row in rows:
            if row.name in back:
                row.cells[column] = Outcome("back", back[row.name])
        still_down = [row for row in rows if row.name not in back]
        orphaned = {row.name for row in still_down if self.answers(row)}
        restarted = self.log_in_to_start(still_down, dead)
        for row in still_down:
            row.cells[column] = (Outcome("at login", restarted[row.name]) if row.name in restarted else
                                 Outcome("no", unsupervised=row.name in orphaned))
        self.each(self.set_up, [row for row in still_down if row.name not in restarted])

    def log_in_to_start(self, rows: list[Row], dead: set[int]) -> dict[str, float]:
        """Name to seconds from the start of the login, for each row that the login started."""
        begins: dict[str, float] = {}

        def log_in(row: Row) -> None:
            begins[row.name] = time.monotonic()
            self.log_in_on_a_terminal(row)

        with ThreadPoolExecutor(PARALLEL) as pool:
            logins = [pool.submit(log_in, row) for row in rows]
            restarted = self.watch(rows, begins, PROMPT, dead)
            for login in logins:
                login.result()
        return restarted

    def log_in_on_a_terminal(self, row: Row) -> None:
        """A login shell on a terminal, which reads the start-up files."""
        session = self.lab.workstation.login("root" if row.root else row.user)
        row.sessions.append(session)
        terminal = session.terminal()
        terminal.send("echo here $((1 + 1))\n")
        terminal.expect("here 2")
        terminal.send("exit\n")
        terminal.close()

    # -- the faults --------------------------------------------------------------------------------------

    def kill(self, column: str, which: str) -> None:
        self.read_claims(column)
        victims = [row.before[which] for row in self.rows]
        begin = time.monotonic()
        self.lab.workstation.run(["kill", "-KILL", *map(str, victims)])
        self.judge(column, self.rows, begin, set(victims))

    def logout(self, column: str) -> None:
        self.read_claims(column)
        self.each(self.log_out)
        lost, since = self.watch_logout()
        for row in self.rows:
            if row not in lost:
                row.cells[column] = Outcome("goes on")
        self.judge(column, lost, since, set())

    def lose_power(self, column: str, act: Callable[[], None]) -> None:
        self.read_claims(column)
        act()
        begin = time.monotonic()
        self.each(self.log_out)  # these logins ended with the boot
        self.judge(column, self.rows, begin, set())

    def set_up_again(self) -> None:
        """Restarts logind with its new policy and sets every tunnel up again."""
        self.lab.workstation.run(["systemctl", "restart", "systemd-logind"])
        self.each(self.set_up_row_again)

    def set_up_row_again(self, row: Row) -> None:
        row.holdfast.run("remove", row.name)
        self.log_out(row)
        self.lab.workstation.await_no_session("root" if row.root else row.user)
        self.set_up(row)

    def test_every_claim_is_true(self) -> None:
        host = self.lab.workstation
        self.each(self.set_up)
        self.kill("ssh killed", "ssh_pid")
        self.kill("supervisor killed", "supervisor_pid")
        self.logout("logout")
        host.write_file(KILL_POLICY, "[Login]\nKillUserProcesses=yes\n")
        self.set_up_again()
        self.logout(KILLING)
        host.run(["rm", KILL_POLICY])
        self.set_up_again()
        self.lose_power("reboot", host.reboot)
        self.lose_power("power cut", host.power_cut)
        self.each(self.log_out)
        text = table(self.rows)
        print(text, end="", flush=True)
        wrong = [f"{row.name}, {column}: claimed {row.claims.get(column)}, found {row.cells[column]}"
                 for row in self.rows for column in COLUMNS
                 if not row.cells[column].agrees(column, row.claims.get(column))]
        self.assertEqual(wrong, [])
        if self.write:
            put_between_marks(self.write, MARKS, text)


def table(rows: list[Row]) -> str:
    lines = [["backend", *COLUMNS], ["---"] * (1 + len(COLUMNS))]
    lines += [[row.title, *(str(row.cells[column]) for column in COLUMNS)] for row in rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def take_option(name: str) -> Optional[str]:
    """Removes the option from the arguments, which unittest reads next."""
    if name not in sys.argv[1:]:
        return None
    at = sys.argv.index(name)
    value = sys.argv[at + 1] if at + 1 < len(sys.argv) else sys.exit(f"{name} needs a value")
    del sys.argv[at:at + 2]
    return value


if __name__ == "__main__":
    Matrix.only = (take_option("--rows") or "").split(",") if "--rows" in sys.argv else []
    Matrix.write = Path(path).absolute() if (path := take_option("--write")) else None
    if Matrix.only and Matrix.write:
        sys.exit("--write takes the whole table")
    main()
