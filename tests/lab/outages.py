#!/usr/bin/python3
"""Connections that die without a word: the tunnel must notice by its own timers. Each fault has its full length."""
from __future__ import annotations

import threading
import time

from lab import Holdfast, UserTest, Watch, in_parallel, main, until

# Seconds for which status may still say "up": up to 8 s until the supervisor asks the kernel, then a probe of 3 s. Where the
# kernel's keepalive cannot be set, as in some containers, TCP's retransmissions take their time.
NOTICED = 30.0


class Outages(UserTest):
    system: Holdfast

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.system = Holdfast(cls.host)  # root's, in its sandbox
        cls.system.run("setup", "-p", "2224", "-b", "gate@bastion", "--run-as", "ann")
        for port in (2222, 2223):
            cls.holdfast.setup("-p", str(port), "-b", "gate@bastion")
        # Edited by hand, as the manual says.
        with cls.host.login(cls.ann) as session:
            session.run("sed -i 's/^probe-interval = .*/probe-interval = 10/' ~/.config/holdfast/tunnels/2223.conf")
            cls.holdfast.run("restart", "2223", session=session)

    def setUp(self) -> None:
        super().setUp()
        for name in ("2222", "2223", "2224"):
            self.owner(name).await_up(name, timeout=60)

    def owner(self, name: str) -> Holdfast:
        return self.system if name == "2224" else self.holdfast

    def watch(self, port: int) -> Watch:
        return Watch(lambda: self.bastion.banner(port, timeout=0.5),
                     claim=lambda: self.owner(str(port)).state(str(port)), every=0.1, claim_every=0.5)

    def test_a_half_open_connection_is_noticed_and_replaced(self) -> None:
        """The bastion dropped the connection and freed the port; the workstation was not told."""
        watches = {2222: (self.watch(2222), NOTICED), 2223: (self.watch(2223), NOTICED)}
        with watches[2222][0], watches[2223][0]:
            for port in watches:
                self.bastion.half_open(port)
            in_parallel(*(lambda port=port, limit=limit: self.await_answer(port, limit + 10)
                          for port, (_, limit) in watches.items()))
        for port, (watch, limit) in watches.items():
            with self.subTest(port=port, limit=limit):
                (begin, end), = watch.outages()
                self.note(f"half-open, port {port}: up again after", end - begin)
                self.assertLess(end - begin, limit, watch.timeline())
                self.assertEqual(watch.lies(longer_than=limit), [], watch.timeline())
                self.assertEqual(self.bastion.ssh_through(port, "ann", "hostname"), "workstation\n")
                self.holdfast.await_up(str(port))

    def test_a_connection_that_the_bastion_forgot_is_reset(self) -> None:
        """The bastion lost the connection while the path was out, and answers the next packet with a reset."""
        with self.watch(2222) as watch:
            self.bastion.half_open(2222)
            self.lab.network.heal()
            self.await_answer(2222, 15)
        (begin, end), = watch.outages()
        self.note("half-open with a reset: up again after", end - begin)
        self.assertLess(end - begin, 10, watch.timeline())
        self.holdfast.await_up("2222")

    def test_a_session_outlives_an_outage_of_a_minute(self) -> None:
        before = {name: self.owner(name).status(name) for name in ("2222", "2223", "2224")}
        session = self.bastion.start_through(2222, "ann", "cat")
        self.addCleanup(session.kill)
        end = threading.Timer(180, session.kill)  # a lost session would never answer
        end.start()
        self.addCleanup(end.cancel)
        assert session.stdin and session.stdout
        session.stdin.write("before\n")
        session.stdin.flush()
        self.assertEqual(session.stdout.readline(), "before\n")
        with self.watch(2224) as watch:
            self.lab.network.blackhole("workstation")
            until("the outage to be shown", lambda: self.holdfast.state("2222") == "waiting", timeout=NOTICED)
            time.sleep(60)  # the length of the fault is what is tested
            self.lab.network.heal()
            begin = time.monotonic()
            session.stdin.write("after\n")
            session.stdin.flush()
            self.assertEqual(session.stdout.readline(), "after\n")
            self.note("path dropped for 60 s: the session goes on after", time.monotonic() - begin)
            for name in before:
                self.owner(name).await_up(name)
        self.assertEqual(watch.lies(longer_than=NOTICED), [], watch.timeline())
        for name, told in before.items():
            now = self.owner(name).status(name)
            self.assertEqual((now["ssh_pid"], now["reconnects"]), (told["ssh_pid"], told["reconnects"]), name)

    def await_answer(self, port: int, timeout: float) -> None:
        until(f"port {port} to answer again", lambda: self.bastion.banner(port), timeout)

    def test_a_frozen_bastion_is_noticed(self) -> None:
        """Its kernel acknowledges every packet but sshd does not answer: no TCP timer expires."""
        with self.watch(2223) as watch:
            frozen = self.bastion.freeze_session_of("gate")
            until("the loss to be noticed", lambda: self.holdfast.state("2223") != "up", timeout=20)
            self.bastion.thaw(frozen)
            begin = time.monotonic()
            self.await_answer(2223, 30)
            self.holdfast.await_up("2223")
        back = time.monotonic() - begin
        self.note("bastion frozen until it was noticed: back after", back)
        self.assertLess(back, 10, watch.timeline())
        self.assertEqual(watch.lies(longer_than=20), [], watch.timeline())

    def test_a_path_dropped_for_two_minutes_recovers(self) -> None:
        """The bastion keeps the port for the dead connection, longer than any timeout here."""
        with self.watch(2222) as slow, self.watch(2223) as quick, self.watch(2224) as system:
            holder = self.bastion.who_listens(2222)
            self.lab.network.blackhole("workstation")
            time.sleep(120)  # the length of the fault is what is tested
            self.assertEqual(self.bastion.who_listens(2222), holder)
            self.lab.network.heal()
            begin = time.monotonic()
            in_parallel(*(lambda port=port: self.await_answer(port, 60) for port in (2222, 2223, 2224)))
            for name in ("2222", "2223", "2224"):
                self.owner(name).await_up(name)
        for name, watch in (("2222", slow), ("2223", quick), ("2224", system)):
            with self.subTest(name=name):
                back = watch.begin + watch.outages()[-1][1] - begin
                self.note(f"path dropped for 120 s, tunnel {name}: back after", back)
                self.assertLess(back, 5, watch.timeline())
                self.assertEqual(watch.lies(longer_than=NOTICED), [], watch.timeline())
                self.assertEqual(self.bastion.ssh_through(int(name), "ann", "hostname"), "workstation\n")


if __name__ == "__main__":
    main()
