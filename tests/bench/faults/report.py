"""The results as text, as a table and as JSON."""
from __future__ import annotations

import datetime
import math
import statistics
from dataclasses import dataclass, field
from typing import Any, Optional

from engines import Engine
from ground import Times


MARKS = ("<!-- faults: written by tests/bench/faults -->\n", "<!-- end of faults -->\n")


NOISE = 0.2  # seconds


@dataclass
class Row:
    fault: str
    cap: float
    times: dict[str, list[Optional[float]]] = field(default_factory=dict)

    def add(self, times: Times) -> None:
        for key, seconds in times.items():
            self.times.setdefault(key, []).append(seconds)

    def median(self, key: str) -> Optional[float]:
        """None if it was not measured, infinite if it was mostly not in time."""
        times = self.times.get(key)
        return statistics.median(math.inf if one is None else one for one in times) if times else None


class Report:
    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.notes: list[str] = []
        self.versions = ""
        self.absent: dict[str, str] = {}
        self.seconds = 0.0  # total time, including resumed runs

    def add(self, fault: str, cap: float, rows: dict[str, Times]) -> None:
        for title, times in rows.items():
            self.rows.setdefault(title, Row(fault, cap)).add(times)

    def table(self, engines: list[Engine], reasons: dict[str, str]) -> str:
        """Markdown for docs/benchmarks.md, with the date."""
        shown = [engine for engine in engines
                 if not engine.only and any(engine.key in row.times for row in self.rows.values())]
        lines = ["| fault | " + " | ".join(engine.title for engine in shown) + " |",
                 "| --- |" + " --- |" * len(shown)]
        for title, row in self.rows.items():
            cells = [cell(row.median(engine.key), row.cap) for engine in shown]
            lines.append(f"| {title} | " + " | ".join(cells) + " |")
        rounds = sorted({len(times) for row in self.rows.values() for times in row.times.values()}, reverse=True)
        lines += ["", f"Seconds from the end of a fault until a byte came back through the port, or from its beginning if it "
                  f"doesn't end. Medians of {' or '.join(map(str, rounds))} rounds. The length of a fault varies at random, "
                  f"so that no program's retries fit it by chance. Measured on {datetime.date.today().isoformat()}, in "
                  f"{self.seconds / 60:.0f} min: {self.versions}."]
        lines += [f"Not measured: {title} ({why})." for title, why in self.absent.items()]
        if slower := self.slower(engines, reasons):
            lines += ["", "Rows in which holdfast is more than 10 % slower than another program:", ""] + slower
        return "\n".join(lines)

    def slower(self, engines: list[Engine], reasons: dict[str, str]) -> list[str]:
        """The rows in which holdfast is slower, with the known reason."""
        lines = []
        for title, row in self.rows.items():
            ours = row.median("native")
            rivals = {engine.title: row.median(engine.key) for engine in engines if not engine.engine}
            best = min((one for one in rivals.items() if one[1] is not None), key=lambda one: one[1], default=None)
            if ours is None or best is None or ours <= 1.1 * best[1]:
                continue
            why = reasons.get(row.fault, "") or "the reason is unknown"
            if ours - best[1] < NOISE:
                why = "the difference between two logins"
            lines.append(f"- {title}: {cell(ours, row.cap)} against {cell(best[1], row.cap)} ({best[0]}): {why}.")
        return lines

    def json(self, rounds: dict[str, int]) -> dict[str, Any]:
        return {"date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
                "versions": self.versions, "seconds": self.seconds, "rounds": rounds, "notes": self.notes, "absent": self.absent,
                "rows": [{"row": title, "fault": row.fault, "cap": row.cap, "times": row.times}
                         for title, row in self.rows.items()]}


    def load(self, told: dict[str, Any]) -> None:
        """Loads the results of an earlier json(); new measurements replace them."""
        self.versions, self.absent, self.notes = told["versions"], told["absent"], told["notes"]
        self.seconds = told.get("seconds", 0.0)
        for row in told["rows"]:
            self.rows[row["row"]] = Row(row["fault"], row["cap"], row["times"])

    def forget(self, fault: str) -> None:
        """Drops its results before it is measured again."""
        self.rows = {title: row for title, row in self.rows.items() if row.fault != fault}

    def has(self, fault: str) -> bool:
        return any(row.fault == fault for row in self.rows.values())


def cell(seconds: Optional[float], cap: float) -> str:
    if seconds is None:
        return "–"
    if math.isinf(seconds):
        return f"never in {cap:g} s"
    return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.0f} s"
