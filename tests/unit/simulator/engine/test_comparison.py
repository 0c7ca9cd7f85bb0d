"""Logs agree when all that is promised is equal and every fraction is close; the first event that differs is named."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from simulator.engine.comparison import ABSOLUTE, RELATIVE, first_disagreement, skeleton
from simulator.engine.events import Event

DATA: dict[str, Any] = {
    "name": "StoreSlow",
    "value": 100.0,
    "n_pods": 3,
    "text": "p99 is 0.5 s on 2 pods",
    "routes": {"a": {"p99_s": 0.25}, "b": [1.5, 2]},
    "ok": True,
    "none": None,
}
EVENT = Event(2, 5_000_000, "alerts", "alert.fired", True, DATA)
LOG = [Event(1, 0, "session", "session.started", True, {"seed": 1}), EVENT]


def with_data(**changes: Any) -> Event:
    return replace(EVENT, data={**DATA, **changes})


@pytest.mark.parametrize(
    "other",
    [
        EVENT,
        with_data(value=100.0 * (1 + 0.9 * RELATIVE)),
        with_data(value=100.0 * (1 - 0.9 * RELATIVE)),
        with_data(routes={"b": [1.5 + 1e-5, 2], "a": {"p99_s": 0.25}}),
        with_data(text="p99 is 0.50001 s on 2 pods"),
    ],
)
def test_close_fractions_agree(other: Event) -> None:
    assert first_disagreement(LOG, [LOG[0], other]) is None
    assert first_disagreement([LOG[0], other], LOG) is None


@pytest.mark.parametrize(
    "other",
    [
        replace(EVENT, n=3),
        replace(EVENT, t_us=EVENT.t_us + 1),
        replace(EVENT, src="pager"),
        replace(EVENT, kind="alert.resolved"),
        replace(EVENT, visible=False),
        with_data(value=100.0 * (1 + 1.2 * RELATIVE)),
        with_data(value=100),
        with_data(value=-100.0),
        with_data(n_pods=4),
        with_data(text="p99 is 0.51 s on 2 pods"),
        with_data(text="p99 is 0.5 s on 3 pods"),
        with_data(text="p99 is 0.5 s on 2 pods 0.5"),
        with_data(routes={"a": {"p99_s": 0.25}, "b": [2, 1.5]}),
        with_data(routes={"a": {"p99_s": 0.25}}),
        with_data(ok=False),
        with_data(none=0.0),
        with_data(more=1),
    ],
)
def test_anything_else_is_named_with_its_event(other: Event) -> None:
    parted = first_disagreement(LOG, [LOG[0], other])
    assert parted is not None
    assert (parted.n, parted.expected, parted.found) == (2, EVENT, other)
    assert other.line() in str(parted)


def test_near_zero_the_difference_itself_counts() -> None:
    assert first_disagreement([with_data(value=0.0)], [with_data(value=0.9 * ABSOLUTE)]) is None
    assert first_disagreement([with_data(value=0.0)], [with_data(value=2 * ABSOLUTE)]) is not None


def test_a_log_that_ends_early_or_goes_on_parts_there() -> None:
    assert str(first_disagreement(LOG, LOG[:1])).endswith("now no such event")
    parted = first_disagreement(LOG[:1], LOG)
    assert parted is not None
    assert (parted.n, parted.expected, parted.found) == (2, None, EVENT)


def test_which_build_played_is_not_compared_and_what_it_played_is() -> None:
    def started(**data: Any) -> Event:
        return Event(1, 0, "session", "session.started", True, {"scenario": "a", "version": "1", "image": "x", **data})

    assert skeleton(started()) == skeleton(started(version="2", image="y", edition="z"))
    assert skeleton(started()) != skeleton(started(scenario="b"))
    elsewhere = Event(1, 0, "x", "deploy", True, {"version": "1"})
    assert skeleton(elsewhere) != skeleton(replace(elsewhere, data={"version": "2"}))
