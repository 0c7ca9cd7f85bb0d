"""The virtual driver: who is told what time it is, in which order, and that cuts do not matter."""

from __future__ import annotations

import math
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.engine.drive import VirtualDrive

END_S = 100.0


class Metronome:
    """A part that is due every `period_s` and does nothing when it is told the time too early."""

    def __init__(self, name: str, period_s: float, heard: list[tuple[float, str]]) -> None:
        self.name, self.period_s, self.heard = name, period_s, heard
        self.due_s = period_s
        self.told = 0
        self.on_beat: Callable[[float], None] = lambda _: None

    def next_wake_s(self) -> float:
        return self.due_s

    def tick(self, now_s: float) -> None:
        self.told += 1
        if now_s < self.due_s:
            return
        self.heard.append((now_s, self.name))
        self.due_s = now_s + self.period_s
        self.on_beat(now_s)


class Plane:
    """Remembers how far requests have flowed."""

    def __init__(self) -> None:
        self.marks: list[float] = []

    def advance(self, to_s: float) -> None:
        assert not self.marks or to_s >= self.marks[-1], "requests never flow backwards"
        self.marks.append(to_s)


def _always() -> bool:
    return True


def _drive(*periods_s: float) -> tuple[VirtualDrive, list[Metronome], list[tuple[float, str]], Plane]:
    heard: list[tuple[float, str]] = []
    parts = [Metronome(f"part {index}", period_s, heard) for index, period_s in enumerate(periods_s)]
    plane = Plane()
    return VirtualDrive(parts, plane.advance), parts, heard, plane


def test_ties_go_to_the_part_that_comes_first() -> None:
    drive, _, heard, _ = _drive(4.0, 2.0, 4.0, 1.0)
    drive.run(4.0, _always)
    assert [name for t, name in heard if t == 4.0] == ["part 0", "part 1", "part 2", "part 3"]


@settings(max_examples=60, deadline=None)
@given(
    periods_s=st.lists(st.sampled_from([0.5, 1.0, 3.0, 7.0, 0.1]), min_size=1, max_size=5),
    cuts=st.lists(st.floats(0.0, END_S), max_size=15),
)
def test_any_cut_of_run_tells_the_same_story(periods_s: list[float], cuts: list[float]) -> None:
    whole, _, heard_whole, _ = _drive(*periods_s)
    parts, _, heard_parts, _ = _drive(*periods_s)
    whole.run(END_S, _always)
    for mark in sorted(cuts):
        assert parts.run(mark, _always) == mark
        assert parts.now_s == mark
    parts.run(END_S, _always)
    assert heard_parts == heard_whole


def test_requests_flow_to_the_instant_before_any_part_acts() -> None:
    drive, parts, _, plane = _drive(3.0, 5.0)
    for part in parts:
        part.on_beat = lambda now_s: None if plane.marks[-1] == now_s else _fail(now_s)
    drive.run(31.0, _always)
    assert plane.marks[-1] == 31.0


def _fail(now_s: float) -> None:
    raise AssertionError(f"requests have not reached {now_s}")


def test_a_due_time_that_moves_earlier_is_kept_and_the_stale_one_is_harmless() -> None:
    drive, parts, heard, _ = _drive(50.0)
    drive.run(10.0, _always)
    parts[0].due_s = 12.0
    drive.arm()
    drive.run(55.0, _always)
    assert heard == [(12.0, "part 0")]
    assert parts[0].told <= 2
    drive.run(100.0, _always)
    assert heard == [(12.0, "part 0"), (62.0, "part 0")]


def test_a_due_time_that_moves_later_is_not_acted_on_early() -> None:
    drive, parts, heard, _ = _drive(20.0)
    parts[0].due_s = 40.0
    drive.run(39.0, _always)
    assert heard == []
    drive.run(60.0, _always)
    assert heard == [(40.0, "part 0"), (60.0, "part 0")]


def test_a_part_that_wakes_another_has_it_act_at_the_same_instant() -> None:
    drive, (first, second), heard, _ = _drive(1000.0, 10.0)

    def wake_first(now_s: float) -> None:
        first.due_s = now_s

    second.on_beat = wake_first
    drive.run(10.0, _always)
    assert heard == [(10.0, "part 1"), (10.0, "part 0")]


def test_a_due_time_in_the_past_is_acted_on_now() -> None:
    drive, parts, heard, _ = _drive(1000.0)
    drive.run(30.0, _always)
    parts[0].due_s = 5.0
    drive.arm()
    drive.run(30.0, _always)
    assert heard == [(30.0, "part 0")]


def test_a_part_that_is_never_due_is_never_told() -> None:
    drive, parts, _, _ = _drive(math.inf, 1.0)
    drive.run(10.0, _always)
    assert parts[0].told == 0


def test_stopping_after_an_event_and_going_on_loses_nothing() -> None:
    drive, _, heard, _ = _drive(2.0, 3.0)
    reached = [drive.run(12.0, lambda: False)]
    while reached[-1] < 12.0:
        reached.append(drive.run(12.0, lambda: False))
    drive.run(12.0, _always)
    again, _, heard_again, _ = _drive(2.0, 3.0)
    again.run(12.0, _always)
    assert heard == heard_again
    assert reached == sorted(reached)
