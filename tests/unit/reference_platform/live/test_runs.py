"""Materialisations that nobody waits for."""

from __future__ import annotations

import threading
from typing import Any

import orjson

from reference_platform.live.endpoint import Reply
from reference_platform.live.runs import WAITING_MAX, RunsInProgress
from tests.unit.reference_platform.live.conftest import HANG_S


def _body(reply: Reply) -> Any:
    return orjson.loads(reply.body)


def test_a_view_is_in_one_run_at_a_time_unless_somebody_insists() -> None:
    runs, gate, done = RunsInProgress(2), threading.Event(), threading.Semaphore(0)

    def run() -> None:
        gate.wait(HANG_S)
        done.release()

    first = runs.start(["a", "b"], run, force=False)
    assert (first.status, _body(first)) == (202, {"status": "accepted", "feature_views": ["a", "b"]})
    second = runs.start(["b", "c"], run, force=False)
    assert (second.status, _body(second)["feature_views"]) == (409, ["b"])
    assert "?force=true" in _body(second)["error"]
    assert runs.start(["c"], run, force=False).status == 202
    assert runs.start(["b"], run, force=True).status == 202
    gate.set()
    for _ in range(3):
        assert done.acquire(timeout=HANG_S)
    runs.close(wait=True)


def test_a_run_that_fails_lets_its_views_go() -> None:
    runs, done = RunsInProgress(1), threading.Event()

    def fails() -> None:
        raise ZeroDivisionError

    runs.start(["a"], fails, force=False)
    # The one thread comes to this only when it is done with the run before.
    runs.start(["z"], done.set, force=False)
    assert done.wait(HANG_S)
    assert runs.start(["a"], done.set, force=False).status == 202
    runs.close(wait=True)


def test_more_runs_than_may_wait_are_told_to_come_back() -> None:
    runs, gate = RunsInProgress(1), threading.Event()
    replies = [runs.start([str(number)], gate.wait, force=True) for number in range(WAITING_MAX + 1)]
    assert [reply.status for reply in replies] == [202] * WAITING_MAX + [409]
    assert "come back" in _body(replies[-1])["error"]
    gate.set()
    runs.close(wait=True)
