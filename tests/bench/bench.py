#!/usr/bin/python3
"""Speed and size, each as a ratio against a baseline measured in the same run: machines are noisy, ratios less so.

    tests/bench/bench.py [--holdfast FILE] [--idle SECONDS] [NAME…]

Boots the lab of tests/lab (needs root). NAME: recovery, commands, ensure, hook, many, setup, idle,
autossh; all of them without one.
Prints a table and has no limits.
"""
from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Callable

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lab"))
from lab import Holdfast, Lab, User, until, why_not  # noqa: E402

PORT = 2222
NAME = str(PORT)

# Measures commands in turn, inside the host, without the cost of entering it: one line for each round.
TIMER = """
import json, subprocess, sys, time
def taken(argv):
    begin = time.monotonic()
    subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.monotonic() - begin
commands = json.loads(sys.argv[2])
for _ in range(int(sys.argv[1])):
    print(*map(taken, commands))
"""

# Two homes in turn: seconds from the start of a login shell on a terminal to its end, one line for each pair. `ensure`
# of one login has ended before the next is measured.
SHELL_TIMER = """
import fcntl, os, subprocess, sys, termios, time
rounds, program, argv, homes = int(sys.argv[1]), sys.argv[2], sys.argv[3].split(), sys.argv[4:]
def ended():
    return subprocess.run(["pgrep", "-f", program + " ensure"], stdout=subprocess.DEVNULL).returncode == 1
def login(home):
    master, slave = os.openpty()
    begin = time.monotonic()
    subprocess.run(argv, stdin=slave, stdout=slave, stderr=slave, start_new_session=True, cwd=home,
                   preexec_fn=lambda: fcntl.ioctl(slave, termios.TIOCSCTTY, 0),
                   env=os.environ | {"HOME": home, "TERM": "dumb"})
    taken = time.monotonic() - begin
    os.close(slave)
    os.close(master)
    while not ended():
        time.sleep(0.01)
    return taken
for home in homes:
    login(home)  # fills the caches
for turn in range(rounds):
    taken = {home: login(home) for home in (homes if turn % 2 else homes[::-1])}
    print(*(taken[home] for home in homes))
"""


class Bench:
    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.ann: User = lab.workstation.add_user("ann")
        lab.bastion.admit(self.ann)
        self.holdfast = Holdfast(lab.workstation, self.ann)
        self.rows: list[tuple[str, str, str, str]] = []

    def times(self, *argv: str, rounds: int = 15) -> list[float]:
        taken, = self.in_turn([*argv], rounds=rounds)
        return taken

    def in_turn(self, *commands: list[str], rounds: int) -> list[list[float]]:
        """The seconds of each command. They take turns, so that other load affects all of them."""
        env = {"XDG_RUNTIME_DIR": f"/run/user/{self.ann.uid}"}
        said = self.lab.workstation.run(["python3", "-c", TIMER, str(rounds), json.dumps(commands)], user="ann",
                                        timeout=300, env=env)
        return [list(column) for column in zip(*(map(float, line.split()) for line in said.stdout.splitlines()))]

    def row(self, what: str, ours: float, baseline: float, of: str, unit: str = "ms", bound: str = "") -> None:
        scale = 1000 if unit == "ms" else 1
        self.rows.append((what, f"{ours * scale:.1f} {unit}", f"{baseline * scale:.1f} {unit} ({of})",
                          f"{ours / baseline:.2f}{'  bound ' + bound if bound else ''}"))

    def bare_login(self) -> float:
        """Seconds for `ssh gate@bastion true`."""
        return statistics.median(self.times("ssh", "gate@bastion", "true"))

    def await_port(self, begin: float, timeout: float = 60) -> float:
        until("the port to answer", lambda: self.lab.bastion.banner(PORT, timeout=0.5), timeout, every=0.002)
        return time.monotonic() - begin

    # -- measurements --------------------------------------------------------------------------------

    def recovery(self) -> None:
        self.up()
        found: list[float] = []
        for _ in range(10):
            time.sleep(5)  # kills 5 s apart
            pid = self.holdfast.await_up(NAME)["ssh_pid"]
            begin = time.monotonic()
            self.lab.workstation.kill(pid)
            until("ssh to be gone", lambda: pid not in self.lab.workstation.pids("ssh -N"), 5, every=0.0)
            found.append(self.await_port(begin))
        login = self.bare_login()
        self.row("ssh killed, 1st time: port back", found[0], login, "bare login", bound="1.25")
        self.row("ssh killed, 10th time: port back", found[9], login, "bare login", bound="1.25")
        self.row("ssh killed, median of ten", statistics.median(found), login, "bare login", bound="1.25")

    def commands(self) -> None:
        self.up()
        nothing = statistics.median(self.times("/bin/true", rounds=50))
        systemctl = statistics.median(self.times("systemctl", "--user", "list-units", "--all", "--plain",
                                                 "--no-legend", "holdfast-*", rounds=50))
        pgrep = statistics.median(self.times("pgrep", "-u", "ann", "-f", "ssh -N", rounds=50))
        version = statistics.median(self.times(self.holdfast.path, "version", rounds=50))
        status = statistics.median(self.times(self.holdfast.path, "status", NAME, rounds=50))
        self.row("version", version, nothing, "/bin/true", bound="5 ms")
        self.row("status of one tunnel", status, systemctl, "one systemctl", bound="5 ms more")
        self.row("status of one tunnel", status, pgrep, "pgrep snippet")

    def ensure(self) -> None:
        """`ensure` with nothing to do, as cron runs it each minute and the hook at each login."""
        self.up()
        both = [self.holdfast.path, "ensure"], ["pgrep", "-f", "ssh -N"]
        one, pgrep = map(statistics.median, self.in_turn(*both, rounds=100))
        self.row("ensure, one tunnel", one, pgrep, "pgrep snippet", bound="0.4")
        # Ninety-nine imitations: a tunnel file each, a copy of the live state, and a hard link to the lock.
        more = """cd ~/.config/holdfast/tunnels; run=$(sed -n 's/^runtime-dir *= *//p' 2222.conf)
            for n in $(seq 3001 3099); do
                cp -p 2222.conf $n.conf; cp -p $run/2222.live $run/$n.live; ln $run/2222.lock $run/$n.lock; done"""
        self.lab.workstation.run(["sh", "-ec", more], user="ann")
        hundred, pgrep = map(statistics.median, self.in_turn(*both, rounds=100))
        self.row("ensure, 100 tunnels", hundred, pgrep, "pgrep snippet", bound="2")
        self.lab.workstation.run(["sh", "-ec", more.split("\n")[0] + "; rm 3???.conf $run/3???.l*"], user="ann")

    def hook(self) -> None:
        """A login shell with the hook beside the same shell without it, while the tunnel is up."""
        self.up()
        home, bare = self.ann.home, f"{self.ann.home}/bare"
        # The same start-up files without the hook.
        make = "touch .zshrc; mkdir -p .local/share/fish/generated_completions bare/.local/share bare/.config" \
               "; cp -a .profile .bashrc .zshrc bare; cp -a .local/share/fish bare/.local/share"
        self.lab.workstation.run(["sh", "-ec", "cd; " + make], user="ann")
        shells = {"dash": "sh", "bash": "bash", "zsh": "zsh", "fish": "fish"}
        self.holdfast.run("hook", "--install", *shells.values())
        for shell in shells:
            said = self.lab.workstation.run(
                ["python3", "-c", SHELL_TIMER, "40", self.holdfast.path, f"{shell} -l -i -c true", home, bare],
                user="ann", timeout=300)
            pairs = [tuple(map(float, line.split())) for line in said.stdout.splitlines()]
            hooked, plain = (sorted(column) for column in zip(*pairs))
            self.row(f"login shell {shell}, with the hook", statistics.median(hooked), statistics.median(plain),
                     "without it")
            (low, _, high), (plain_low, _, plain_high) = statistics.quantiles(hooked), statistics.quantiles(plain)
            self.rows.append(("  middle half", f"{low * 1000:.1f} … {high * 1000:.1f} ms",
                              f"{plain_low * 1000:.1f} … {plain_high * 1000:.1f} ms",
                              f"overlap: {'yes' if low <= plain_high and plain_low <= high else 'no'}"))
            more = statistics.median(with_it - without for with_it, without in pairs)
            self.rows.append(("  more, median of the pairs", f"{more * 1000:.1f} ms", "", ""))
        self.holdfast.run("hook", "--remove", *shells.values())
        self.lab.workstation.run(["rm", "-r", bare])

    def many(self) -> None:
        """`status` and `ensure` with 200 tunnels, under systemd with a running unit each, then under cron, tmux and nohup."""
        self.up()
        host, ann = self.lab.workstation, self.ann
        env = {"XDG_RUNTIME_DIR": f"/run/user/{ann.uid}"}
        # Imitations: a tunnel file and a running unit each, a copy of the live state, and a hard link to the lock.
        make = """cd ~/.config/holdfast/tunnels; run=$(sed -n 's/^runtime-dir *= *//p' 2222.conf)
            for n in $(seq 3001 3199); do
                cp -p 2222.conf $n.conf; cp -p $run/2222.live $run/$n.live; ln $run/2222.lock $run/$n.lock
                printf '[Service]\\nExecStart=/bin/sleep infinity\\n' >~/.config/systemd/user/holdfast-$n.service; done
            systemctl --user daemon-reload; systemctl --user start $(seq -f 'holdfast-%g.service' 3001 3199)
            for n in systemctl busctl loginctl crontab id tmux screen; do
                printf '#!/bin/sh\\necho $0 >>~/count\\nPATH=/usr/bin:/bin exec %s "$@"\\n' $n >~/bin/$n; done; chmod +x ~/bin/*"""
        host.run(["sh", "-ec", "mkdir -p ~/bin; " + make], user=ann.name, env=env, timeout=180)
        systemctl = statistics.median(self.times("systemctl", "--user", "list-units", "--all", "--plain",
                                                 "--no-legend", "holdfast-*", rounds=30))
        for backend in ("systemd-user", "cron", "tmux", "nohup"):
            host.run(["sh", "-ec", "cd ~/.config/holdfast/tunnels; sed -i 's/^backend *=.*/backend = '$1/ 3???.conf",
                      "sh", backend], user=ann.name)
            taken = statistics.median(self.times(self.holdfast.path, "status", rounds=30))
            host.run(["sh", "-c", "rm -f ~/count; PATH=~/bin:$PATH ~/.local/bin/holdfast status >/dev/null"],
                     user=ann.name, env=env, check=False)
            started = host.run(["sh", "-c", "cat ~/count 2>/dev/null | sed 's,.*/,,' | sort | uniq -c"], user=ann.name)
            self.row(f"status of 200, {backend}", taken, systemctl, "one list-units", bound="100 ms")
            self.rows.append(("  starts", " ".join(started.stdout.split()) or "nothing", "", ""))
            ensured = statistics.median(self.times(self.holdfast.path, "ensure", rounds=30))
            self.row(f"ensure of 200, {backend}", ensured, systemctl, "one list-units")
        clear = """systemctl --user stop 'holdfast-3*.service'; rm -r ~/bin ~/count ~/.config/systemd/user/holdfast-3*
            systemctl --user daemon-reload
            cd ~/.config/holdfast/tunnels; run=$(sed -n 's/^runtime-dir *= *//p' 2222.conf); rm 3???.conf $run/3???.l*"""
        host.run(["sh", "-c", clear], user=ann.name, env=env)

    def setup(self) -> None:
        login = self.bare_login()
        taken = []
        for _ in range(5):
            self.holdfast.run("remove", NAME, check=False)
            taken += self.times(self.holdfast.path, "setup", "-p", NAME, "-b", "gate@bastion", rounds=1)
            self.holdfast.await_up(NAME)
        self.row("setup until verified", statistics.median(taken), login, "bare login",
                 bound=f"3 logins + 500 ms = {3 * login * 1000 + 500:.0f} ms")

    def idle(self, seconds: float) -> None:
        self.up()
        self.holdfast.run("restart", NAME)
        status = self.holdfast.await_up(NAME)
        root = Path(f"/proc/{self.lab.workstation.leader}/root/proc/{status['supervisor_pid']}")
        time.sleep(5)  # the start is not measured
        before = cpu_and_switches(root)
        time.sleep(seconds)
        after = cpu_and_switches(root)
        day = (after[0] - before[0]) / seconds * 86400
        self.rows.append(("supervisor: CPU of a day", f"{day:.2f} s", f"measured {seconds:.0f} s", "bound 1 s"))
        self.rows.append(("supervisor: wakes up every", f"{seconds / max(1, after[1] - before[1]):.1f} s", "", "bound 10 s"))
        ssh = Path(f"/proc/{self.lab.workstation.leader}/root/proc/{status['ssh_pid']}")
        self.row("supervisor: resident", resident(root), resident(ssh), "its ssh", unit="MB", bound="4 MB")

    def autossh(self) -> None:
        """The recovery of autossh at the same bastion."""
        self.holdfast.run("remove", NAME, check=False)
        host = self.lab.workstation
        with host.login(self.ann) as session:
            session.background(f"env AUTOSSH_GATETIME=0 autossh -M 0 -N -R 127.0.0.1:{PORT}:localhost:22 gate@bastion")
            self.await_port(time.monotonic())
            found = []
            for _ in range(5):
                time.sleep(2)
                pid, = [p for p in host.pids("ssh -N", user="ann") if p not in host.pids("autossh")]
                begin = time.monotonic()
                host.kill(pid)
                until("ssh to be gone", lambda: pid not in host.pids("ssh -N"), 5, every=0.0)
                found.append(self.await_port(begin))
            for pid in host.pids("autossh"):
                host.kill(pid)
            for pid in host.pids("ssh -N"):
                host.kill(pid)
        self.row("autossh: ssh killed, median of five", statistics.median(found), self.bare_login(), "bare login")

    def up(self) -> None:
        if self.holdfast.run("status", NAME, check=False).returncode != 0:
            self.holdfast.setup("-p", NAME, "-b", "gate@bastion")
        self.holdfast.await_up(NAME)


def cpu_and_switches(process: Path) -> tuple[float, int]:
    switches = [line.split()[1] for line in (process / "status").read_text().splitlines()
                if line.startswith("voluntary_ctxt_switches")]
    schedstat = (process / "schedstat").read_text().split()  # nanoseconds on a CPU, proc(5)
    return int(schedstat[0]) / 1e9, int(switches[0])


def resident(process: Path) -> float:
    for line in (process / "status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"{process}: no VmRSS")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--holdfast", type=Path, default=Path("build/static/holdfast"))
    parser.add_argument("--idle", type=float, default=600, help="seconds of the idle measurement")
    parser.add_argument("names", nargs="*", metavar="NAME")
    wanted = parser.parse_args()
    os.environ["HOLDFAST_STATIC"] = str(wanted.holdfast.resolve())
    if reason := why_not():
        print(f"skipped: {reason}")
        return
    with Lab() as lab:
        bench = Bench(lab)
        parts: dict[str, Callable[[], None]] = {
            "recovery": bench.recovery, "commands": bench.commands, "ensure": bench.ensure, "hook": bench.hook,
            "many": bench.many, "setup": bench.setup,
            "idle": lambda: bench.idle(wanted.idle), "autossh": bench.autossh}
        for name in wanted.names or parts:
            parts[name]()
        widths = [max(len(row[column]) for row in bench.rows) for column in range(4)]
        for row in bench.rows:
            print("  ".join(text.ljust(width) for text, width in zip(row, widths)).rstrip())


if __name__ == "__main__":
    main()
