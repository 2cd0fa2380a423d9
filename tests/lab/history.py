#!/usr/bin/python3
"""The uptime that status shows is correct after a power cut: time without power counts neither as up nor as down."""
from __future__ import annotations

import json
import os
import re
from datetime import datetime, timedelta, timezone
from typing import Any

from lab import UserTest, main, until

NAME = "2222"
FORMAT = "%Y-%m-%dT%H:%M:%SZ"
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
HOUR = 3600


def row(begin: datetime, hours: float, up: float) -> str:
    """One line of the .uptime file, as a supervisor writes it."""
    length = int(hours * HOUR * 1000)
    return json.dumps({"from": begin.strftime(FORMAT), "ms": length, "up_ms": int(length * up), "degraded_ms": 0,
                       "down_ms": length - int(length * up), "rtt_ms": [10, 12.5, 40]}, separators=(",", ":")) + "\n"


class PowerCut(UserTest):
    def setUp(self) -> None:
        super().setUp()
        self.holdfast.setup("-p", NAME, "-b", "gate@bastion")
        self.addCleanup(self.holdfast.run, "remove", NAME)
        kept = f"{self.ann.home}/.local/state/holdfast/workstation/{NAME}"
        self.record, self.history = self.host.disk(f"{kept}.uptime"), self.host.disk(f"{kept}.history")

    def day(self) -> dict[str, Any]:
        return dict(self.holdfast.status(NAME)["history"]["day"])

    def write_record(self, rows: str) -> None:
        self.record.write_text(rows)
        os.chown(self.record, self.ann.uid, self.ann.uid)

    def let_pass(self, hours: int) -> None:
        """Makes the records older while the host is off. (No test sets a clock.)"""
        def older(found: re.Match[str]) -> str:
            return (datetime.strptime(found.group(), FORMAT) - timedelta(hours=hours)).strftime(FORMAT)
        for file in (self.record, self.history):
            if file.exists():
                file.write_text(STAMP.sub(older, file.read_text()))

    def test_hours_without_power_count_neither_up_nor_down(self) -> None:
        self.holdfast.await_up(NAME)
        self.host.power_cut(boot=False)
        now = datetime.now(timezone.utc)
        # Four hours, of which it was down for half an hour; then five hours without power.
        self.write_record(row(now - timedelta(hours=4), 2, 1) + row(now - timedelta(hours=2), 2, 0.75))
        self.let_pass(5)
        torn = row(now - timedelta(hours=5), 1, 1)
        with self.record.open("ab") as record:
            record.write(torn[:len(torn) // 2].encode())
            record.write(b"\0" * 4096)  # a journalling file system leaves zeros in blocks it did not write
        with self.history.open("ab") as history:
            history.write(b'{"at":"20' + b"\0" * 512)
        self.host.boot()
        self.holdfast.await_up(NAME)
        self.check_the_four_hours()
        # Lines after the damaged one are still read: a stop writes one.
        self.holdfast.run("stop", NAME)
        written = json.loads(self.record.read_bytes().splitlines()[-1])
        self.assertGreater(written["up_ms"], 0)
        self.holdfast.run("start", NAME)
        self.holdfast.await_up(NAME)
        self.check_the_four_hours()
        told = json.loads(self.history.read_bytes().splitlines()[-1])
        self.assertEqual(told["to"], "up")

    def check_the_four_hours(self) -> None:
        day = self.day()
        self.assertAlmostEqual(day["total"]["up_seconds"], 3.5 * HOUR, delta=120)
        self.assertAlmostEqual(day["total"]["down_seconds"], 0.5 * HOUR, delta=120)
        self.assertAlmostEqual(day["availability_percent"], 87.5, delta=1)
        shown = self.holdfast.run("status", NAME, env={"LANG": "C.UTF-8"}).stdout
        drawn, = re.findall(r"^last day +([█▁-▇·]{48})  8[678]\.\d\d %, (?:29|30|31|32) min down$", shown, re.MULTILINE)
        # From the left: no data; four hours in steps of half an hour; five hours off; now.
        self.assertRegex(drawn, r"^·{28,29}█{3,5}[█▁-▇]{4,5}·{9,10}[█▁-▇]{1,2}$")

    def test_a_power_cut_while_connecting_adds_no_downtime(self) -> None:
        self.holdfast.await_up(NAME)
        self.lab.network.unplug("workstation")
        self.host.kill(self.holdfast.status(NAME)["ssh_pid"])
        until("the tunnel to be down", lambda: self.holdfast.state(NAME) != "up")
        self.host.power_cut(boot=False)
        self.let_pass(7)
        self.lab.network.plug("workstation")
        self.host.boot()
        self.holdfast.await_up(NAME)
        total = self.day()["total"]
        self.assertLess(total["down_seconds"], 120)
        self.assertLess(total["up_seconds"], 120)

    def test_a_wrong_clock_at_boot_adds_no_uptime(self) -> None:
        self.holdfast.await_up(NAME)
        self.host.power_cut(boot=False)
        now = datetime.now(timezone.utc)
        # A host without a battery boots in 1970 until its clock is set; another clock was a year ahead.
        self.write_record(row(datetime(1970, 1, 1), 20, 1) + row(now - timedelta(hours=1), 1, 0.5)
                          + row(now + timedelta(days=365), 20, 1))
        with self.history.open("a") as history:
            for at, begin, to in (("1970-01-01T00:00:30Z", "connecting", "up"), (now.strftime(FORMAT), "up", "waiting")):
                history.write(json.dumps({"at": at, "from": begin, "to": to, "reason": "a test"}) + "\n")
        self.host.boot()
        self.holdfast.await_up(NAME)
        day = self.day()
        self.assertAlmostEqual(day["total"]["up_seconds"], 0.5 * HOUR, delta=120)
        self.assertAlmostEqual(day["total"]["down_seconds"], 0.5 * HOUR, delta=120)
        week = self.holdfast.status(NAME)["history"]["week"]
        self.assertAlmostEqual(week["total"]["up_seconds"], 0.5 * HOUR, delta=120)


if __name__ == "__main__":
    main()
