#!/usr/bin/python3
"""The slow deaths of a connection, in their full length: nobody says anything, and the tunnel has to find out."""
from __future__ import annotations

import threading
import time

from lab import Holdfast, LabTest, User, Watch, main, until

# A probe each 60 s (up to a tenth more), two questions of 3 s, and a last longer look: what "up" may be behind by.
NOTICED = 75.0


class Outages(LabTest):
    ann: User
    holdfast: Holdfast
    machines: Holdfast

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.ann = cls.lab.workstation.add_user("ann")
        cls.lab.bastion.admit(cls.ann)
        cls.holdfast = Holdfast(cls.lab.workstation, cls.ann)
        cls.machines = Holdfast(cls.lab.workstation)  # root's, in its sandbox
        cls.machines.run("setup", "-p", "2224", "-b", "gate@bastion", "--run-as", "ann")
        for port in (2222, 2223):
            cls.holdfast.setup("-p", str(port), "-b", "gate@bastion")
        # Hand-edited, as the manual says.
        with cls.lab.workstation.login(cls.ann) as session:
            session.run("sed -i 's/^probe-interval = .*/probe-interval = 10/' ~/.config/holdfast/tunnels/2223.conf")
            cls.holdfast.run("restart", "2223", session=session)

    def setUp(self) -> None:
        super().setUp()
        for name in ("2222", "2223", "2224"):
            self.owner(name).await_up(name, timeout=60)

    def owner(self, name: str) -> Holdfast:
        return self.machines if name == "2224" else self.holdfast

    def watch(self, port: int) -> Watch:
        return Watch(lambda: self.lab.bastion.banner(port, timeout=0.5),
                     claim=lambda: self.owner(str(port)).state(str(port)), every=0.1, claim_every=0.5)

    def test_half_open_is_noticed_and_mended(self) -> None:
        """The bastion has forgotten the connection and its port is free, and nothing told the workstation."""
        watches = {2222: (self.watch(2222), NOTICED), 2223: (self.watch(2223), 20.0)}
        with watches[2222][0], watches[2223][0]:
            for port in watches:
                self.lab.bastion.half_open(port)
            waits = [threading.Thread(target=self.await_answer, args=(port, limit + 10))
                     for port, (_, limit) in watches.items()]
            for wait in waits:
                wait.start()
            for wait in waits:
                wait.join()
        for port, (watch, limit) in watches.items():
            with self.subTest(port=port, limit=limit):
                (begin, end), = watch.outages()
                self.note(f"half-open, port {port}: mended after", end - begin)
                self.assertLess(end - begin, limit, watch.timeline())
                self.assertEqual(watch.lies(longer_than=limit), [], watch.timeline())
                self.assertEqual(self.lab.bastion.ssh_through(port, "ann", "hostname"), "workstation\n")
                self.holdfast.await_up(str(port))

    def await_answer(self, port: int, timeout: float) -> None:
        until(f"port {port} to answer again", lambda: self.lab.bastion.banner(port), timeout)

    def test_bastion_that_stands_still(self) -> None:
        """Its kernel goes on acknowledging and its sshd answers nothing: no timer of TCP's ever runs out."""
        with self.watch(2223) as watch:
            frozen = self.lab.bastion.freeze_session_of("gate")
            until("it to be noticed", lambda: self.holdfast.state("2223") != "up", timeout=20)
            self.lab.bastion.thaw(frozen)
            begin = time.monotonic()
            self.await_answer(2223, 30)
            self.holdfast.await_up("2223")
        back = time.monotonic() - begin
        self.note("bastion frozen until it was noticed: back after", back)
        self.assertLess(back, 10, watch.timeline())
        self.assertEqual(watch.lies(longer_than=20), [], watch.timeline())

    def test_path_dropped_for_two_minutes(self) -> None:
        """The bastion goes on holding the port for the dead connection, longer than any patience."""
        with self.watch(2222) as slow, self.watch(2223) as quick, self.watch(2224) as machines:
            holder = self.lab.bastion.who_listens(2222)
            self.lab.network.blackhole("workstation")
            time.sleep(120)  # the length of the fault is what is tested
            self.assertEqual(self.lab.bastion.who_listens(2222), holder)
            self.lab.network.heal()
            begin = time.monotonic()
            waits = [threading.Thread(target=self.await_answer, args=(port, 60)) for port in (2222, 2223, 2224)]
            for wait in waits:
                wait.start()
            for wait in waits:
                wait.join()
            for name in ("2222", "2223", "2224"):
                self.owner(name).await_up(name)
        for name, watch, lies in (("2222", slow, NOTICED), ("2223", quick, 20.0), ("2224", machines, NOTICED)):
            with self.subTest(name=name):
                back = watch.begin + watch.outages()[-1][1] - begin
                self.note(f"path dropped for 120 s, tunnel {name}: back after", back)
                self.assertLess(back, 5, watch.timeline())
                self.assertEqual(watch.lies(longer_than=lies), [], watch.timeline())
                self.assertEqual(self.lab.bastion.ssh_through(int(name), "ann", "hostname"), "workstation\n")


if __name__ == "__main__":
    main()
