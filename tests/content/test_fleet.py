"""Nights played by many processes: the same results for any number of them, and no failure goes unheard."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator, Sequence

import pytest

from reference_platform.errors import InternalError
from scenarios import fleet
from scenarios.fleet import Message, NightRequest, run_here
from scenarios.fleet_process import run_apart
from scenarios.night import Outcome, open_night, outcome_of, play_copies, play_out
from simulator.drill.spec import Step
from simulator.image.builder import ensure_image
from simulator.session.session import Session
from tests.content.short_drill import CURE, LOOK, short_night

NIGHTS = (short_night(1), short_night(2))


def _finished(messages: Iterator[Message]) -> dict[tuple[int, int | None], Outcome]:
    return {(item.night, item.task): item.outcome for item in messages if item.outcome is not None}


def _here(nights: Sequence[NightRequest], workers: int) -> dict[tuple[int, int | None], Outcome]:
    return _finished(run_here(nights, ensure_image(), workers))


@pytest.fixture(scope="module")
def alone() -> dict[tuple[int, int | None], Outcome]:
    return _here(NIGHTS, 1)


def test_every_task_of_every_night_is_done_once(alone: dict[tuple[int, int | None], Outcome]) -> None:
    assert set(alone) == {(night, task) for night in (0, 1) for task in (None, 0, 1, 2)}


def test_results_do_not_depend_on_the_number_of_processes(alone: dict[tuple[int, int | None], Outcome]) -> None:
    assert _here(NIGHTS, 3) == alone


def test_results_do_not_depend_on_order(alone: dict[tuple[int, int | None], Outcome]) -> None:
    other = NightRequest(NIGHTS[0].drill, 1, NIGHTS[0].tasks[::-1])
    turned = _here((NIGHTS[1], other), 2)
    assert turned[0, 0] == alone[1, 0]
    assert [turned[1, task] for task in (2, 1, 0)] == [alone[0, task] for task in (0, 1, 2)]


def test_a_process_of_its_own_gives_the_same(alone: dict[tuple[int, int | None], Outcome]) -> None:
    assert _finished(run_apart(NIGHTS, 2)) == alone


def test_a_copy_plays_as_a_night_of_its_own_would(alone: dict[tuple[int, int | None], Outcome]) -> None:
    session = open_night(NIGHTS[0].drill, ensure_image(), 1)
    copies = play_copies(session, {"idle": (), "cure": CURE})
    assert copies == {"idle": alone[0, 0], "cure": alone[0, 2]}
    assert play_out(session, LOOK) == alone[0, 1]


def test_an_opened_night_says_when_and_why_the_responder_joined(alone: dict[tuple[int, int | None], Outcome]) -> None:
    opened = alone[0, None]
    assert opened["joined_by"] == "page"
    assert 40 <= opened["faults_s"][0] <= 80 < opened["joined_s"] < 600
    kinds = [json.loads(line)["kind"] for line in opened["lines"]]
    assert kinds[0] == "session.started"
    assert "session.joined" in kinds
    assert json.loads(alone[0, 0]["lines"][0])["n"] == len(kinds) + 1


def test_only_the_cure_cures(alone: dict[tuple[int, int | None], Outcome]) -> None:
    assert [alone[0, task]["cured"] for task in (0, 1, 2)] == [False, False, True]


def test_the_healthy_twin_is_silent_where_the_night_is_loud() -> None:
    done = _here((short_night(1, twin=None, idle=()),), 2)
    assert done[0, 0]["loud"] == []
    assert done[0, 0]["until_s"] == done[0, None]["joined_s"] + 540.0
    assert "alert.fired" in "".join(done[0, None]["lines"])


def test_a_copy_that_fails_or_dies_takes_no_other_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def play(session: Session, steps: Sequence[Step]) -> Outcome:
        if steps == LOOK:
            raise ZeroDivisionError("on purpose")
        if steps == CURE:
            os.kill(os.getpid(), signal.SIGKILL)
        return play_out(session, steps)

    monkeypatch.setattr(fleet, "play_out", play)
    done = _here((short_night(1),), 2)
    assert "verdict" in done[0, 0]
    assert done[0, 1]["failed"].endswith("ZeroDivisionError: on purpose")
    assert done[0, 2]["failed"] == "its process ended without a result"


@pytest.mark.parametrize("dies", [False, True])
def test_a_night_that_does_not_open_is_told_and_the_next_is_played(monkeypatch: pytest.MonkeyPatch, dies: bool) -> None:
    def opens(drill: object, image: object, seed: int, told: object) -> Session:
        if seed == 1:
            if dies:
                os.kill(os.getpid(), signal.SIGKILL)
            raise ZeroDivisionError("on purpose")
        return open_night(NIGHTS[1].drill, ensure_image(), seed)

    monkeypatch.setattr(fleet, "open_night", opens)
    done = _here((short_night(1), short_night(2, idle=())), 1)
    assert set(done) == {(0, None), (1, None), (1, 0)}
    said = done[0, None]["failed"]
    assert said == "the night's process ended before it was open" if dies else said.endswith("on purpose")


def test_progress_grows_and_ends_below_one() -> None:
    shares = [item.share for item in run_here((short_night(1, idle=()),), ensure_image(), 1) if item.outcome is None]
    assert shares == sorted(shares)
    assert 0.0 < shares[0] <= shares[-1] < 1.0


def test_leaving_early_ends_every_process() -> None:
    messages = run_here(NIGHTS, ensure_image(), 2)
    next(messages)
    messages.close()  # type: ignore[attr-defined]
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_a_fleet_that_cannot_start_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "false")
    with pytest.raises(InternalError, match="the process that plays stopped") as caught:
        list(run_apart(NIGHTS, 1))
    assert caught.value.why == "it ended with 1"


def test_an_outcome_that_failed_is_an_error_of_ours() -> None:
    with pytest.raises(InternalError, match="idle failed"):
        outcome_of(b'{"failed": "Traceback"}', "idle")
    with pytest.raises(InternalError, match="without a result"):
        outcome_of(b"", "idle")


def test_a_request_survives_its_way_to_another_process() -> None:
    request = short_night(3, idle=(), twin=None, look=LOOK)
    assert NightRequest.from_json(json.loads(json.dumps(request.to_json()))) == request
