"""Leaving out a good step or adding a harmful one never scores higher, nor earns a better verdict."""

from __future__ import annotations

import random

import pytest

from rubrics.findings import Scorecard
from tests.property.rubrics.plays import BANDS, NIGHTS, Play, random_harm, random_play

FAST, ALL, CHUNK = 240, 10_000, 500
BLIND = {"session.joined", "session.ended", "session.started"}
"""Kinds of events on which no point can rest: they happen to everybody."""


def worse_or_alike(less: Scorecard, more: Scorecard) -> bool:
    return less.score <= more.score and BANDS.index(less.verdict) <= BANDS.index(more.verdict)


def check(seed: int) -> None:
    rng = random.Random(seed)
    play = random_play(rng)
    card = play.card()
    check_card(play, card)
    good = play.good_steps()
    if good:
        gone = rng.choice(good)
        assert worse_or_alike(play.without(gone).card(), card), (seed, "without", gone)
    harm = random_harm(rng, "bad-more", play.night, play.steps)
    assert worse_or_alike(play.also(harm).card(), card), (seed, "with", harm)


def check_card(play: Play, card: Scorecard) -> None:
    """In range, and every point rests on an observation that the log holds."""
    kinds = {event.n: event.kind for event in play.night.log(play.steps)}
    assert 0.0 <= card.score <= 100.0
    for item in (*card.findings, *card.red_flags):
        assert item.evidence
        assert set(item.evidence) <= set(kinds)
    for finding in card.findings:
        assert finding.because
        assert 0.0 <= finding.points <= finding.points_max
        if finding.points > 0.0:
            assert {kinds[n] for n in finding.evidence} - BLIND, finding
    if any(flag.level == "fatal" for flag in card.red_flags):
        assert card.verdict == "no"
    assert (card.verdict == "strong") == (card.reasons == ())


@pytest.mark.parametrize("chunk", range(4))
def test_random_plays(chunk: int) -> None:
    """The first of those that the sweep tries."""
    for seed in range(chunk * FAST // 4, (chunk + 1) * FAST // 4):
        check(seed)


@pytest.mark.sweep
@pytest.mark.parametrize("first", range(0, ALL, CHUNK))
def test_ten_thousand_random_plays(first: int) -> None:
    for seed in range(first, first + CHUNK):
        check(seed)


@pytest.mark.parametrize(("night", "expert"), NIGHTS)
def test_no_single_step_of_an_expert_is_worth_less_than_nothing(night: object, expert: object) -> None:
    play = Play(night, expert)  # type: ignore[arg-type]
    card = play.card()
    for name in play.good_steps():
        assert worse_or_alike(play.without(name).card(), card), name


def test_random_plays_are_of_every_kind() -> None:
    """Verdicts, flags and harms that never come up would not be tested."""
    verdicts, flags, kinds = set(), set(), set()
    for seed in range(200):
        rng = random.Random(seed)
        play = random_play(rng)
        kinds.add(random_harm(rng, "x", play.night, play.steps).kind)
        if seed < 80:
            card = play.card()
            verdicts.add(card.verdict)
            flags |= {flag.flag for flag in card.red_flags}
    assert verdicts == set(BANDS)
    assert len(flags) >= 5
    assert len(kinds) == 9
