"""A surge adds arrivals of its own and moves nobody else's."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.traffic.arrivals import BLOCK_S, Arrivals, Block, Surge, history_counts
from simulator.world.rhythm import Rhythm

SHARES = np.array([0.45, 0.40, 0.15])
CUSTOMERS = 50


def _arrivals(*surges: Surge) -> Arrivals:
    rng, extra = np.random.default_rng(3), np.random.default_rng(4)
    made = Arrivals(Rhythm(72_000.0), 40.0, SHARES, np.ones(CUSTOMERS), rng, extra)
    for surge in surges:
        made.add_surge(surge)
    return made


def _blocks(arrivals: Arrivals, count: int) -> list[Block]:
    return [arrivals.next_block() for _ in range(count)]


def _without(block: Block, calm: Block) -> np.ndarray:
    """Rows of `block` that are not in `calm`; every row of `calm` has to be there, in order."""
    known = set(calm.time_s.tolist())
    own = np.array([time in known for time in block.time_s.tolist()], dtype=bool)
    assert block.time_s[own].tolist() == calm.time_s.tolist()
    assert block.route[own].tolist() == calm.route.tolist()
    assert block.entity[own].tolist() == calm.entity.tolist()
    return np.flatnonzero(~own)


def test_everybody_else_comes_as_they_would_have() -> None:
    surge = Surge(60.0, 180.0, 3.0, (0, 2))
    for calm, busy in zip(_blocks(_arrivals(), 5), _blocks(_arrivals(surge), 5), strict=True):
        added = _without(busy, calm)
        assert (np.diff(busy.time_s) >= 0).all()
        if 60.0 <= busy.begin_s < 180.0:
            assert len(added) > 1000
            assert set(busy.route[added].tolist()) == {0, 2}
            assert 0 <= busy.entity[added].min() <= busy.entity[added].max() < CUSTOMERS
            assert busy.time_s[added].min() >= busy.begin_s
            assert busy.time_s[added].max() < busy.begin_s + BLOCK_S
        else:
            assert len(added) == 0


def test_a_surge_adds_its_factor_less_one_of_what_its_routes_usually_get() -> None:
    usual_per_s = _arrivals().rate_per_s(30.0)
    added = [
        _without(busy, calm)
        for calm, busy in zip(
            _blocks(_arrivals(), 20), _blocks(_arrivals(Surge(0.0, 1200.0, 3.0, (1,))), 20), strict=True
        )
    ]
    count = sum(len(rows) for rows in added)
    assert count == pytest.approx(2.0 * 0.40 * usual_per_s * 1200.0, rel=0.03)


def test_routes_share_a_surge_as_they_share_everything() -> None:
    blocks = _blocks(_arrivals(Surge(0.0, 1200.0, 11.0, (0, 2))), 20)
    counts = np.bincount(np.concatenate([block.route for block in blocks]), minlength=3)
    assert counts[0] / counts[2] == pytest.approx(3.0, rel=0.05)


def test_a_surge_that_ends_within_a_minute_fills_its_part_of_it() -> None:
    calm, busy = _arrivals(), _arrivals(Surge(0.0, 75.0, 21.0, (0, 1, 2)))
    first, second, third = (
        (plain, block, _without(block, plain)) for plain, block in zip(_blocks(calm, 3), _blocks(busy, 3), strict=True)
    )
    assert len(second[2]) == pytest.approx(len(first[2]) / 4, rel=0.1)
    assert second[1].time_s[second[2]].max() < 75.0
    assert second[1].time_s[second[2]].min() >= 60.0
    assert len(third[2]) == 0


def test_a_surge_that_begins_within_a_minute_adds_nothing_before() -> None:
    calm, busy = _arrivals(), _arrivals(Surge(45.0, 120.0, 21.0, (0, 1, 2)))
    first, second = (
        (block, _without(block, plain)) for plain, block in zip(_blocks(calm, 2), _blocks(busy, 2), strict=True)
    )
    assert len(first[1]) == pytest.approx(len(second[1]) / 4, rel=0.1)
    assert first[0].time_s[first[1]].min() >= 45.0
    assert first[0].time_s[first[1]].max() < 60.0


def test_expected_rates_hold_while_a_surge_lasts_and_surges_add_up() -> None:
    arrivals = _arrivals(Surge(100.0, 200.0, 3.0, (0,)), Surge(150.0, 300.0, 1.5, (0, 1)))
    plain = _arrivals()
    for t_s, factors in (
        (99.9, (1.0, 1.0, 1.0)),
        (100.0, (3.0, 1.0, 1.0)),
        (150.0, (3.5, 1.5, 1.0)),
        (199.9, (3.5, 1.5, 1.0)),
        (200.0, (1.5, 1.5, 1.0)),
        (300.0, (1.0, 1.0, 1.0)),
    ):
        for route, factor in enumerate(factors):
            usual = plain.rate_per_s(t_s) * SHARES[route]
            assert plain.route_rate_per_s(route, t_s) == pytest.approx(usual)
            assert arrivals.route_rate_per_s(route, t_s) == pytest.approx(factor * usual)
            assert arrivals.surges(route, t_s) is (factor > 1.0)


def test_a_surge_needs_a_stream_of_its_own() -> None:
    arrivals = Arrivals(Rhythm(0.0), 40.0, SHARES, np.ones(CUSTOMERS), np.random.default_rng(3))
    arrivals.add_surge(Surge(0.0, 60.0, 2.0, (0,)))
    with pytest.raises(AssertionError, match="stream"):
        arrivals.next_block()


def test_weights_of_customers_hold_within_a_surge() -> None:
    weights = np.array([1.0, 0.0, 3.0])
    arrivals = Arrivals(Rhythm(72_000.0), 40.0, SHARES, weights, np.random.default_rng(3), np.random.default_rng(4))
    arrivals.add_surge(Surge(0.0, 1200.0, 11.0, (0,)))
    entities = np.concatenate([block.entity for block in _blocks(arrivals, 20)])
    counts = np.bincount(entities, minlength=3)
    assert counts[1] == 0
    assert counts[2] / counts[0] == pytest.approx(3.0, rel=0.05)


class Steep(Rhythm):
    """Intensity that is the time itself: which instant was asked for shows in the count."""

    def ratio(self, t_s: np.ndarray | float) -> np.ndarray:
        return np.asarray(t_s, dtype=np.float64)


def test_a_minute_has_what_the_rhythm_says_for_its_middle() -> None:
    arrivals = Arrivals(Steep(0.0), 10.0, SHARES, np.ones(CUSTOMERS), np.random.default_rng(3))
    counts = [len(block.time_s) for block in _blocks(arrivals, 4)]
    # Ten times the middle's second, for sixty seconds; six standard deviations of a Poisson count.
    for count, middle_s in zip(counts, (30.0, 90.0, 150.0, 210.0), strict=True):
        assert abs(count - 600.0 * middle_s) < 6.0 * np.sqrt(600.0 * middle_s)


def test_a_surge_is_added_to_what_the_middle_of_the_minute_has() -> None:
    calm = Arrivals(Steep(0.0), 10.0, SHARES, np.ones(CUSTOMERS), np.random.default_rng(3), np.random.default_rng(4))
    busy = Arrivals(Steep(0.0), 10.0, SHARES, np.ones(CUSTOMERS), np.random.default_rng(3), np.random.default_rng(4))
    busy.add_surge(Surge(0.0, 60.0, 3.0, (1,)))
    plain, block = calm.next_block(), busy.next_block()
    assert block.begin_s == 0.0
    expected = 2.0 * 0.40 * 10.0 * 30.0 * 60.0
    assert abs(len(_without(block, plain)) - expected) < 6.0 * np.sqrt(expected)


def test_nobody_comes_in_a_minute_that_is_not_kept() -> None:
    arrivals = _arrivals()
    arrivals.keep(lambda begin_s: begin_s != 60.0)
    counts = [len(block.time_s) for block in _blocks(arrivals, 3)]
    assert [count > 0 for count in counts] == [True, False, True]


def test_a_surge_of_another_minute_draws_nothing() -> None:
    """One that ends or begins at the border leaves the stream of surges as it was."""
    extra = np.random.default_rng(4)
    arrivals = Arrivals(Rhythm(0.0), 40.0, SHARES, np.ones(CUSTOMERS), np.random.default_rng(3), extra)
    before = extra.bit_generator.state
    arrivals.add_surge(Surge(60.0, 120.0, 3.0, (0,)))
    arrivals.next_block()
    assert extra.bit_generator.state == before
    arrivals.next_block()
    after = extra.bit_generator.state
    assert after != before
    arrivals.next_block()
    assert extra.bit_generator.state == after


def test_shares_are_of_all_requests_whatever_they_add_up_to() -> None:
    twice = Arrivals(Rhythm(0.0), 40.0, 2.0 * SHARES, np.ones(CUSTOMERS), np.random.default_rng(3))
    assert twice.route_rate_per_s(1, 0.0) == pytest.approx(0.40 * twice.rate_per_s(0.0))
    assert twice.rate_per_s(0.0) == pytest.approx(40.0 * float(Rhythm(0.0).ratio(0.0)))
    assert float(Rhythm(0.0).ratio(0.0)) != pytest.approx(1.0)


def test_weeks_before_the_first_minute_follow_the_same_law() -> None:
    ends_s = np.arange(3600.0, 25 * 3600.0, 3600.0)
    counts = history_counts(Steep(0.0), 2.0, 0.25, ends_s, 3600.0, np.random.default_rng(5))
    expected = 2.0 * 0.25 * 3600.0 * (ends_s - 1800.0)
    assert (np.abs(counts - expected) < 6.0 * np.sqrt(expected)).all()
