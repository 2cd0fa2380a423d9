#!/usr/bin/env python3
"""The demo: every step works, and nothing is left behind, also after an interrupt."""
import pathlib
import signal
import subprocess

from case import PROGRAM, ProgramTest, main, until


def traces() -> set[str]:
    """The directory of a running demo and the processes that name it."""
    found = {str(path) for path in pathlib.Path("/tmp").glob("holdfast-demo-*")}
    for process in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = process.read_bytes()
        except OSError:
            continue
        if b"holdfast-demo-" in words or b"\0demo-" in words:
            found.add(words.replace(b"\0", b" ").decode(errors="replace"))
    return found


class Demo(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.others = traces()  # another demo may run beside this one

    def test_every_step_works_and_nothing_is_left(self) -> None:
        done = self.run_holdfast("demo")
        self.assertEqual(done.returncode, 0, done.stderr)
        for step in ("private bastion", "verified end to end in", "used: ", "broken: ", "recovered: ", "used again: ",
                     "tunnel removed", "nothing left behind"):
            self.assertIn(step, done.stderr)
        self.assertLessEqual(traces(), self.others)
        self.assert_nothing_changed()

    def test_an_interrupt_leaves_nothing(self) -> None:
        demo = subprocess.Popen([PROGRAM, "demo"], env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                stderr=subprocess.PIPE, text=True)
        assert demo.stderr
        for line in demo.stderr:
            if line.startswith("used: "):
                demo.send_signal(signal.SIGINT)
                break
        demo.communicate(timeout=60)
        self.assertEqual(demo.returncode, 130)
        until("all of it to be gone", lambda: traces() <= self.others)
        self.assert_nothing_changed()


if __name__ == "__main__":
    main()
