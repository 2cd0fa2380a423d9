#!/usr/bin/env python3
"""The uptime history: recorded by the supervisor, charted by status, deleted by remove."""
import json
import pathlib
import socket
import time

from case import TunnelTest, main, until

DAY = ("last day", 48)
WEEK = ("last week", 56)


class History(TunnelTest):
    def past(self) -> dict:
        history = self.status()["history"]
        self.assertIsNotNone(history)
        return dict(history)

    def line(self, label: str, **env: str) -> str:
        shown = self.run_holdfast("status", "--user", self.name, env=env).stdout
        found = [line for line in shown.splitlines() if line.startswith(label)]
        self.assertEqual(len(found), 1, shown)
        return found[0][11:]

    def record(self) -> pathlib.Path:
        return self.home / ".local/state/holdfast" / socket.gethostname() / f"{self.name}.uptime"

    def test_status_shows_when_and_why_a_tunnel_was_down(self) -> None:
        self.set_up()
        first = self.await_up()
        self.kill(first["ssh_pid"])
        until("another ssh", lambda: self.await_up()["ssh_pid"] != first["ssh_pid"])
        time_of_stop = time.time()
        self.assertEqual(self.run_holdfast("stop", "--user", self.name).returncode, 0)
        row = json.loads(self.record().read_text().splitlines()[-1])
        self.assertEqual(row["reconnects"], {"closed": 1})
        self.assertGreater(row["up_ms"], 0)
        self.assertGreater(row["down_ms"], 0)
        # Up for an hour, down two days ago; between them torn and foreign lines.
        ago = [(time_of_stop - 7200, 3600, 0), (time_of_stop - 3 * 86400, 0, 3600)]
        with self.record().open("a") as record:
            for began, up, down in ago:
                stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(began))
                record.write(json.dumps({"from": stamp, "ms": 3600000, "up_ms": up * 1000, "degraded_ms": 0,
                                         "down_ms": down * 1000, "rtt_ms": [10, 12.5, 4000]}) + "\n")
                record.write('{"from":"20\n\0\n[[[[\n')
        past = self.past()
        self.assertEqual((len(past["day"]["slots"]), len(past["week"]["slots"])), (DAY[1], WEEK[1]))
        self.assertEqual(past["day"]["reconnects"], {"closed": 1})
        self.assertGreater(past["day"]["availability_percent"], 99)
        self.assertAlmostEqual(past["week"]["availability_percent"], 50, delta=1)
        self.assertEqual(past["day"]["rtt_ms"]["max"], 4000)  # the value in the history file; real round trips are shorter
        day = self.line(DAY[0])
        blocks, _, words = day.partition("  ")
        self.assertEqual(len(blocks), DAY[1])
        self.assertIn("█", blocks)
        self.assertRegex(words, r"^9\d\.\d\d %, .* down$")
        self.assertIn("▁", self.line(WEEK[0]))
        self.assertNotIn("\x1b", day)
        self.assertTrue(self.line(DAY[0], LANG="C").isascii())
        self.assertTrue(self.line(WEEK[0], LANG="C.UTF-8", LC_ALL="POSIX").isascii())
        self.run_holdfast("remove", "--user", self.name)
        self.assert_nothing_changed()

    def test_time_without_supervisor_is_no_data(self) -> None:
        self.set_up()
        killed = self.await_up()["supervisor_pid"]
        self.kill(killed)
        until("it to be seen as gone", lambda: self.status()["supervisor_pid"] is None)
        # The killed supervisor wrote "up" last.
        self.assertIsNone(self.past()["day"]["availability_percent"])
        self.assertEqual(self.run_holdfast("start", "--user", self.name).returncode, 0)
        self.assertGreater(self.past()["day"]["total"]["up_seconds"], 0)

    def test_a_list_of_tunnels_has_no_charts(self) -> None:
        self.set_up()
        done = self.run_holdfast("status", "--user", "--json")
        self.assertTrue(all(tunnel["history"] is None for tunnel in json.loads(done.stdout)["tunnels"]))


if __name__ == "__main__":
    main()
