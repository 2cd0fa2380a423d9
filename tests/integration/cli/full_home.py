#!/usr/bin/env python3
"""A home without free space or inodes: stop and remove still do their work."""
from __future__ import annotations

import pathlib
import subprocess

from case import TunnelTest, is_alive, main


class FullHome(TunnelTest):
    def fill_home(self, *, inodes: bool) -> None:
        """Leaves no free byte, or no free inode, in the home."""
        at = 0
        while True:
            filler = self.home / f"filler{at}"
            at += 1
            try:
                filler.touch()
                if inodes:
                    continue
                with filler.open("ab", buffering=0) as file:
                    while file.write(bytes(4096)):
                        pass
            except OSError:
                return

    def set_up_on_small_disk(self, *, inodes: bool) -> None:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k,nr_inodes=64,mode=700", "home", str(self.home)], check=True)
        self.addCleanup(subprocess.run, ["umount", "--lazy", str(self.home)], check=False, stderr=subprocess.DEVNULL)
        self.set_up()
        self.was = self.await_up()
        self.fill_home(inodes=inodes)
        with self.assertRaises(OSError):
            (self.home / "one more").write_bytes(b"x")

    def assert_ended(self) -> None:
        self.assertFalse(is_alive(self.was["supervisor_pid"]))
        self.assertFalse(is_alive(self.was["ssh_pid"]))
        self.assertEqual(self.banner(), b"")

    def left(self) -> list[pathlib.Path]:
        return [path for path in self.home.rglob("*") if not path.name.startswith(("filler", "one more"))]

    def test_stop_ends_the_tunnel_and_says_what_it_could_not_write(self) -> None:
        for inodes in (False, True):
            with self.subTest(inodes=inodes):
                self.set_up_on_small_disk(inodes=inodes)
                done = self.run_holdfast("stop", "--user", self.name)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn(f"supervisor {self.was['supervisor_pid']} has ended", done.stdout)
                self.assertIn("no space left on device", done.stderr)
                self.assert_ended()
                self.assertEqual(self.run_holdfast("remove", "--user", self.name).returncode, 0)
                subprocess.run(["umount", "--lazy", str(self.home)], check=True)

    def test_remove_leaves_nothing(self) -> None:
        for inodes in (False, True):
            with self.subTest(inodes=inodes):
                self.set_up_on_small_disk(inodes=inodes)
                done = self.run_holdfast("remove", "--user", self.name)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assert_ended()
                self.assertEqual(self.left(), [])
                subprocess.run(["umount", "--lazy", str(self.home)], check=True)


if __name__ == "__main__":
    main(needs_namespace=True)
