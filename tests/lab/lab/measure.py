"""Waits with a deadline, and records observations with their time."""
from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Callable, Optional, TypeVar

T = TypeVar("T")


class NotInTime(AssertionError):
    """A wait timed out. The message says for what, for how long, and the last observation."""


def until(what: str, ask: Callable[[], T], timeout: float = 30.0, every: float = 0.05) -> T:
    """Calls `ask` until its answer is true, and returns it. An exception counts as "not yet"."""
    deadline = time.monotonic() + timeout
    while True:
        seen: object
        try:
            answer = ask()
            if answer:
                return answer
            seen = answer
        except Exception as error:  # the message of NotInTime shows the last one
            seen = error
        if time.monotonic() >= deadline:
            raise NotInTime(f"waited {timeout:g} s for {what}; last seen: {seen!r}")
        time.sleep(every)


def holds(what: str, ask: Callable[[], object], seconds: float, every: float = 0.1) -> None:
    """Fails as soon as the answer is not true within these seconds."""
    begin = time.monotonic()
    while time.monotonic() - begin < seconds:
        answer = ask()
        if not answer:
            after = time.monotonic() - begin
            raise AssertionError(f"{what}: held {after:.1f} s of {seconds:g} s, then: {answer!r}")
        time.sleep(every)


@dataclass(frozen=True)
class Sample:
    """One poll: when it began, when it ended (time.monotonic), and its answer."""
    asked: float
    answered: float
    value: object


@dataclass(frozen=True)
class Lie:
    """A claim of "up", `silent_for` seconds after the last answer of the port."""
    at: float
    silent_for: float


class Sampler(threading.Thread):
    def __init__(self, ask: Callable[[], object], every: float) -> None:
        super().__init__(daemon=True)
        self._ask, self._every = ask, every
        self._enough = threading.Event()
        self.samples: list[Sample] = []

    def run(self) -> None:
        while not self._enough.is_set():
            asked = time.monotonic()
            value: object
            try:
                value = self._ask()
            except Exception as error:
                value = error
            self.samples.append(Sample(asked, time.monotonic(), value))
            self._enough.wait(max(0.0, self._every - (time.monotonic() - asked)))

    def stop(self) -> None:
        self._enough.set()
        self.join()


class Watch:
    """Polls a port (a callable: its banner or None) and the claim about it until the block ends.

        with Watch(lambda: bastion.banner(port), claim=lambda: state_of("2222")) as watch:
            network.blackhole("workstation")
            until("the loss to be noticed", ...)
        assert not watch.lies(longer_than=10)
    """

    def __init__(self, answers: Callable[[], object], claim: Optional[Callable[[], object]] = None,
                 every: float = 0.05, claim_every: float = 0.25) -> None:
        self._port = Sampler(answers, every)
        self._claim = Sampler(claim, claim_every) if claim else None
        self.begin = time.monotonic()

    def __enter__(self) -> Watch:
        self.begin = time.monotonic()
        for sampler in filter(None, (self._port, self._claim)):
            sampler.start()
        return self

    def __exit__(self, *_: object) -> None:
        for sampler in filter(None, (self._port, self._claim)):
            sampler.stop()

    @property
    def answering(self) -> list[Sample]:
        """Every poll of the port so far; `value` is true if it answered."""
        return [Sample(s.asked, s.answered, bool(s.value) and not isinstance(s.value, Exception))
                for s in list(self._port.samples)]

    @property
    def claims(self) -> list[Sample]:
        return list(self._claim.samples) if self._claim else []

    def outages(self) -> list[tuple[float, float]]:
        """(from, to) of each silence, in seconds since the watch began: from the last answer to the next."""
        found: list[tuple[float, float]] = []
        good, silent = self.begin, False
        for sample in self.answering:
            if sample.value and silent:
                found.append((good - self.begin, sample.answered - self.begin))
            if sample.value:
                good = sample.answered
            silent = not sample.value
        if silent:
            found.append((good - self.begin, time.monotonic() - self.begin))
        return found

    def lies(self, longer_than: float, up: Callable[[object], bool] = lambda value: value == "up") -> list[Lie]:
        """Claims of "up" made while the port had not answered for longer than this many seconds.

        A claim counts from the start of its poll. A silence counts only if every poll during it, and the first that began
        after it, had no answer: a poll that was under way when the port came back may have hung at the old connection.
        """
        port = self.answering
        found: list[Lie] = []
        for claim in self.claims:
            if not up(claim.value):
                continue
            before = [s for s in port if s.answered <= claim.asked]
            around = [s for s in port if s.answered > claim.asked and s.asked < claim.answered + 0.001]
            after = next((s for s in port if s.asked >= claim.asked), None)
            if not before or before[-1].value or any(s.value for s in around) or after is None or after.value:
                continue
            good = max((s.answered for s in before if s.value), default=self.begin)
            if claim.asked - good > longer_than:
                found.append(Lie(claim.asked - self.begin, claim.asked - good))
        return found

    def timeline(self) -> str:
        """Each change with its time, one a line, for the message of a failing test."""
        changes = [(s.answered, "port answers" if s.value else "port silent") for s in self.answering]
        lines = _changes(changes, self.begin) + _changes(
            [(s.answered, f"claimed: {s.value}") for s in self.claims], self.begin)
        return "\n".join(text for _, text in sorted(lines))


def _changes(events: list[tuple[float, str]], begin: float) -> list[tuple[float, str]]:
    lines: list[tuple[float, str]] = []
    last = ""
    for at, text in events:
        if text != last:
            lines.append((at, f"{at - begin:8.2f} s  {text}"))
            last = text
    return lines
