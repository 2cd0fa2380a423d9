#!/usr/bin/python3
"""What status tells of the past is true after the machine has lost its power: time that it was off is not known."""
from __future__ import annotations

import json
import os
import re
from datetime import datetime, timedelta, timezone
from typing import Any

from lab import Holdfast, LabTest, User, main, until

NAME = "2222"
FORMAT = "%Y-%m-%dT%H:%M:%SZ"
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
HOUR = 3600


def row(begin: datetime, hours: float, up: float) -> str:
    """A row of the record, as a supervisor writes it."""
    length = int(hours * HOUR * 1000)
    return json.dumps({"from": begin.strftime(FORMAT), "ms": length, "up_ms": int(length * up), "degraded_ms": 0,
                       "down_ms": length - int(length * up), "rtt_ms": [10, 12.5, 40]}, separators=(",", ":")) + "\n"


class PowerCut(LabTest):
    user: User
    holdfast: Holdfast

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.user = cls.lab.workstation.add_user("ann")
        cls.lab.bastion.admit(cls.user)
        cls.holdfast = Holdfast(cls.lab.workstation, cls.user)

    def setUp(self) -> None:
        super().setUp()
        self.holdfast.setup("-p", NAME, "-b", "gate@bastion")
        self.addCleanup(self.holdfast.run, "remove", NAME)
        self.host = self.lab.workstation
        kept = f"{self.user.home}/.local/state/holdfast/workstation/{NAME}"
        self.record, self.history = self.host.disk(f"{kept}.uptime"), self.host.disk(f"{kept}.history")

    def day(self) -> dict[str, Any]:
        return dict(self.holdfast.status(NAME)["history"]["day"])

    def write_record(self, rows: str) -> None:
        self.record.write_text(rows)
        os.chown(self.record, self.user.uid, self.user.uid)

    def let_pass(self, hours: int) -> None:
        """While it is off: what was written is that much older when it boots. (No clock is ever set here.)"""
        def older(found: re.Match[str]) -> str:
            return (datetime.strptime(found.group(), FORMAT) - timedelta(hours=hours)).strftime(FORMAT)
        for file in (self.record, self.history):
            if file.exists():
                file.write_text(STAMP.sub(older, file.read_text()))

    def test_hours_without_power_are_neither_up_nor_down_whatever_the_cut_left_in_the_files(self) -> None:
        self.holdfast.await_up(NAME)
        self.host.power_cut(boot=False)
        now = datetime.now(timezone.utc)
        # Four hours, an eighth of which it was down; then the power went, for five hours.
        self.write_record(row(now - timedelta(hours=4), 2, 1) + row(now - timedelta(hours=2), 2, 0.75))
        self.let_pass(5)
        torn = row(now - timedelta(hours=5), 1, 1)
        with self.record.open("ab") as record:
            record.write(torn[:len(torn) // 2].encode())
            record.write(b"\0" * 4096)  # what a journalled file system has for blocks that were never written
        with self.history.open("ab") as history:
            history.write(b'{"at":"20' + b"\0" * 512)
        self.host.boot()
        self.holdfast.await_up(NAME)
        self.check_the_four_hours()
        # What comes after the torn line is not lost with it: a stop writes a row.
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
        # From the left: nobody knows; four hours in half hours; five hours off; now.
        self.assertRegex(drawn, r"^·{28,29}█{3,5}[█▁-▇]{4,5}·{9,10}[█▁-▇]{1,2}$")

    def test_power_that_goes_while_it_is_connecting_makes_no_hours_down(self) -> None:
        self.holdfast.await_up(NAME)
        self.lab.network.unplug("workstation")
        self.host.kill(self.holdfast.status(NAME)["ssh_pid"])
        until("it to be down", lambda: self.holdfast.state(NAME) != "up")
        self.host.power_cut(boot=False)
        self.let_pass(7)
        self.lab.network.plug("workstation")
        self.host.boot()
        self.holdfast.await_up(NAME)
        total = self.day()["total"]
        self.assertLess(total["down_seconds"], 120)
        self.assertLess(total["up_seconds"], 120)

    def test_a_clock_that_was_wrong_at_boot_fills_no_day(self) -> None:
        self.holdfast.await_up(NAME)
        self.host.power_cut(boot=False)
        now = datetime.now(timezone.utc)
        # No battery: it booted in 1970 and found its time; and once it was a year ahead.
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
