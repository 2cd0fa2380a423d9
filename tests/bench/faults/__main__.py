"""How long each engine needs to recover from each fault: the same hosts, the same fault, the same key, and one tunnel for
each engine at one bastion.

    python3 tests/bench/faults [--quick] [--only FAULT,…] [--engines KEY,…] [--labs N] [--holdfast FILE]
                               [--json FILE [--resume]] [--write FILE]

Boots labs of tests/lab (needs root). Fast faults run five times, in sequence. Slow ones run three times in several labs at
once, because they mostly wait. --quick runs each once. It has no limits. If interrupted, it prints the results so far.
"""
from __future__ import annotations

import argparse
import json
import os
import queue
import sys
import threading
import time
import traceback
from contextlib import ExitStack
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent.parent / "lab")]
from lab import Lab, put_between_marks, why_not  # noqa: E402

from catalogue import FAULTS, Fault  # noqa: E402
from engines import ENGINES, versions  # noqa: E402
from ground import Ground  # noqa: E402
from report import MARKS, Report, cell  # noqa: E402

FAST_ROUNDS, SLOW_ROUNDS = 5, 3
BOOT = 12  # seconds for a lab and its engines


class Run:
    def __init__(self, wanted: argparse.Namespace) -> None:
        self.wanted = wanted
        self.report = Report()
        self._order = [fault.key for fault in FAULTS]
        self._lock = threading.Lock()
        self._begin = time.monotonic()

    def say(self, text: str) -> None:
        print(f"# {time.monotonic() - self._begin:6.0f} s  {text}", file=sys.stderr, flush=True)

    def rounds(self, fault: Fault) -> int:
        return 1 if self.wanted.quick else SLOW_ROUNDS if fault.slow else FAST_ROUNDS

    def all(self) -> None:
        faults = [fault for fault in FAULTS if not self.wanted.only or fault.key in self.wanted.only]
        if self.wanted.resume and self.wanted.json.exists():
            self.report.load(json.loads(self.wanted.json.read_text(encoding="utf-8")))
            faults = [fault for fault in faults if self.wanted.only or not self.report.has(fault.key)]
            for fault in faults:
                self.report.forget(fault.key)
        jobs: dict[bool, list[Fault]] = {True: [], False: []}
        for fault in faults:
            jobs[fault.aside] += [fault] * self.rounds(fault)
        jobs[True].sort(key=lambda fault: -fault.at_most)
        self.say(f"at most {self.estimate(jobs) / 60:.0f} min")
        with ExitStack() as labs:
            grounds = [self.ground(labs.enter_context(Lab()))]
            self.work(grounds, jobs[False])
            while len(grounds) < min(self.wanted.labs, len(jobs[True])):
                grounds.append(self.ground(labs.enter_context(Lab())))
            self.work(grounds, jobs[True])

    def estimate(self, jobs: dict[bool, list[Fault]]) -> float:
        """Seconds if no engine recovers before the cap."""
        labs = min(self.wanted.labs, len(jobs[True]) or 1)
        free = [0.0] * labs
        for fault in jobs[True]:
            free[free.index(min(free))] += fault.at_most
        return sum(fault.at_most for fault in jobs[False]) + max(free) + BOOT * labs

    def ground(self, lab: Lab) -> Ground:
        ground = Ground(lab, self.wanted.engines)
        self.report.versions, self.report.absent = versions(lab), ground.absent
        return ground

    def work(self, grounds: list[Ground], faults: list[Fault]) -> None:
        """Every fault once, each in the next free lab."""
        waiting: queue.SimpleQueue[Fault] = queue.SimpleQueue()
        for fault in faults:
            waiting.put(fault)

        def take_turns(ground: Ground) -> None:
            while True:
                try:
                    fault = waiting.get_nowait()
                except queue.Empty:
                    return
                self.one(ground, fault)
        threads = [threading.Thread(target=take_turns, args=(ground,), daemon=True) for ground in grounds]
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():  # a join without a timeout would delay Ctrl-C
                thread.join(0.2)

    def one(self, ground: Ground, fault: Fault) -> None:
        self.say(f"{fault.key} begins")
        try:
            ground.reset(fault.key)
            rows = fault.run(ground)
        except Exception:
            self.say(f"{fault.key} could not be measured:\n{traceback.format_exc()}")
            return
        with self._lock:
            self.report.add(fault.key, fault.cap, rows)
            self.report.notes += [note for note in ground.notes if note not in self.report.notes]
            self.report.rows = dict(sorted(self.report.rows.items(), key=lambda row: self._order.index(row[1].fault)))
            self.save()
        for title, times in rows.items():
            self.say(f"{title}: " + ", ".join(f"{key} {cell(float('inf') if seconds is None else seconds, fault.cap)}"
                                              for key, seconds in times.items()))

    def show(self) -> None:
        self.report.seconds += time.monotonic() - self._begin
        self.say(f"it took {(time.monotonic() - self._begin) / 60:.0f} min")
        reasons = {fault.key: fault.why for fault in FAULTS}
        table = self.report.table(ENGINES, reasons)
        print(table)
        for note in self.report.notes:
            self.say(note)
        self.save()
        if self.wanted.write:
            put_between_marks(self.wanted.write, MARKS, table + "\n")

    def save(self) -> None:
        if self.wanted.json:
            rounds = {fault.key: self.rounds(fault) for fault in FAULTS}
            text = json.dumps(self.report.json(rounds), indent=1, ensure_ascii=False)
            self.wanted.json.write_text(text + "\n", encoding="utf-8")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)

    def names(known: list[str]) -> object:
        def split(text: str) -> list[str]:
            chosen = text.split(",")
            for name in chosen:
                if name not in known:
                    raise argparse.ArgumentTypeError(f"{name}: not one of {', '.join(known)}")
            return chosen
        return split
    faults, engines = [fault.key for fault in FAULTS], [engine.key for engine in ENGINES]
    parser.add_argument("--quick", action="store_true", help="each fault once")
    parser.add_argument("--only", type=names(faults), default=[], metavar="FAULT,…", help=", ".join(faults))
    parser.add_argument("--engines", type=names(engines), default=engines, metavar="KEY,…", help=", ".join(engines))
    parser.add_argument("--labs", type=int, default=5, help="for the slow faults, at once")
    parser.add_argument("--holdfast", type=Path, default=Path("build/static/holdfast"))
    parser.add_argument("--json", type=Path, metavar="FILE", help="every single time, too")
    parser.add_argument("--resume", action="store_true", 
                        help="only what FILE has not yet, or what --only names; keep the rest")
    parser.add_argument("--write", type=Path, metavar="FILE",
                        help="replace the table between the marks of FILE (docs/benchmarks.md)")
    wanted = parser.parse_args()
    if wanted.resume and not wanted.json:
        parser.error("--resume needs --json FILE")
    return wanted


def main() -> int:
    wanted = arguments()
    if reason := why_not():
        print(f"faults: {reason}", file=sys.stderr)
        return 1
    os.environ["HOLDFAST_STATIC"] = str(wanted.holdfast.resolve())
    run = Run(wanted)
    status = 0
    try:
        run.all()
    except KeyboardInterrupt:
        run.say("interrupted")
        status = 130
    run.show()
    return status


if __name__ == "__main__":
    sys.exit(main())
