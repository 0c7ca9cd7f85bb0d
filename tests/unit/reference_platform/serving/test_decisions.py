"""Every decision at both sides of its border."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_platform.compilation import plain
from reference_platform.serving import records as rec
from reference_platform.serving.decide import (
    admission,
    balancer,
    batcher,
    breaker,
    cache,
    fallback,
    retry,
    router,
    shadow,
)

arm_of = plain(router.arm_of)


def _wrapping(function: Callable[..., int]) -> Callable[..., int]:
    """The plain function; NumPy warns where whole numbers wrap around, as they are meant to here."""
    python = plain(function)

    def call(*args: object) -> int:
        with np.errstate(over="ignore"):
            return int(python(*args))

    return call


mixed, bucket_of, place_of = (_wrapping(each) for each in (router.mixed, router.bucket_of, balancer.place_of))


@pytest.mark.parametrize(
    ("gateway_up", "in_flight", "arm", "circuit_open", "expected"),
    [
        (1, 10, 0, False, rec.NO_CAUSE),
        (1, 11, 0, False, rec.OVERLOADED),
        (0, 1, 0, False, rec.GATEWAY_DOWN),
        (0, 11, -1, True, rec.GATEWAY_DOWN),
        (1, 1, -1, False, rec.NO_REPLICA),
        (1, 11, -1, False, rec.NO_REPLICA),
        (1, 1, -1, True, rec.CIRCUIT_OPEN),
    ],
)
def test_admission(gateway_up: int, in_flight: int, arm: int, circuit_open: bool, expected: int) -> None:
    assert plain(admission.refusal)(gateway_up, in_flight, 10, arm, circuit_open) == expected


@given(st.integers(0, 2**62))
def test_mixing_keeps_numbers_in_range_and_tells_neighbours_apart(number: int) -> None:
    assert 0 <= mixed(number) < 2**63
    assert mixed(number) != mixed(number + 1)
    assert mixed(number) == router.mixed(number), "compiled"


def test_visitors_fall_evenly_into_buckets_and_otherwise_on_another_route() -> None:
    """Chi-square over a hundred cells of 20,000 visitors stays below its 99.99 % point, for both salts."""
    cut = [np.array([bucket_of(entity, salt) for entity in range(20_000)]) for salt in (0, 1 << 32)]
    for buckets in cut:
        cells = np.bincount(buckets // 100, minlength=100)
        assert len(cells) == 100
        assert ((cells - 200.0) ** 2 / 200.0).sum() < 160.0
    assert abs(np.corrcoef(cut)[0, 1]) < 0.03


def _arms(*shares: tuple[int, int, int]) -> rec.Records:
    arms = rec.table(rec.ARM, len(shares))
    for place, (bucket_end, members, open_until_us) in enumerate(shares):
        arms[place].bucket_end, arms[place].members, arms[place].open_until_us = bucket_end, members, open_until_us
    return arms


@pytest.mark.parametrize(("bucket", "expected"), [(0, 0), (8_999, 0), (9_000, 1), (9_999, 1)])
def test_a_bucket_belongs_to_the_arm_whose_share_holds_it(bucket: int, expected: int) -> None:
    assert arm_of(_arms((9_000, 2, 0), (10_000, 1, 0)), 0, 2, bucket, 5) == expected


def test_visitors_of_an_arm_that_cannot_answer_go_to_one_that_can() -> None:
    assert arm_of(_arms((9_000, 2, 0), (10_000, 0, 0)), 0, 2, 9_500, 5) == 0, "no replica"
    assert arm_of(_arms((9_000, 2, 6), (10_000, 1, 0)), 0, 2, 10, 5) == 1, "circuit open until 6"
    assert arm_of(_arms((9_000, 2, 5), (10_000, 1, 0)), 0, 2, 10, 5) == 0, "closed from 5 on"
    assert arm_of(_arms((9_000, 0, 0), (10_000, 0, 0)), 0, 2, 10, 5) == -1
    assert arm_of(_arms((0, 3, 0), (10_000, 0, 0)), 0, 2, 10, 5) == -1, "an arm without a share takes nobody"
    assert arm_of(_arms((10_000, 1, 0), (10_000, 1, 0), (10_000, 1, 0)), 1, 2, 10, 5) == 1, "arms of other routes"


def test_a_circuit_is_to_blame_only_where_there_are_replicas() -> None:
    circuit_open = plain(router.circuit_open)
    assert circuit_open(_arms((10_000, 1, 9)), 0, 1)
    assert not circuit_open(_arms((10_000, 0, 9)), 0, 1)
    assert not circuit_open(_arms((10_000, 0, 0), (10_000, 1, 0)), 0, 1)


def _loaded(*outstanding: int) -> tuple[np.ndarray, rec.Records]:
    replicas = rec.table(rec.REPLICA, len(outstanding))
    replicas.outstanding[:] = outstanding
    return np.arange(len(outstanding), dtype=np.int32)[None, :], replicas


def test_round_robin_takes_each_in_turn() -> None:
    members, replicas = _loaded(9, 0, 0)
    assert [place_of(members, replicas, 0, 3, rec.ROUND_ROBIN, turn, 1) for turn in range(5)] == [0, 1, 2, 0, 1]


def test_least_requests_takes_the_first_of_the_idlest_from_its_turn_on() -> None:
    members, replicas = _loaded(2, 1, 1, 3)
    chosen = [place_of(members, replicas, 0, 4, rec.LEAST_REQUESTS, turn, 1) for turn in range(5)]
    assert chosen == [1, 1, 2, 1, 1]


@given(st.integers(0, 2**40))
def test_two_choices_never_takes_the_busiest_of_three(lot: int) -> None:
    members, replicas = _loaded(0, 5, 9)
    assert place_of(members, replicas, 0, 3, rec.TWO_CHOICES, 0, lot) in (0, 1)
    assert place_of(*_loaded(4), 0, 1, rec.TWO_CHOICES, 7, lot) == 0


def test_two_choices_draws_every_pair() -> None:
    members, replicas = _loaded(1, 2, 3)
    chosen = [place_of(members, replicas, 0, 3, rec.TWO_CHOICES, 0, lot) for lot in range(3_000)]
    assert np.bincount(chosen).tolist() == pytest.approx([2_000, 1_000], rel=0.1), "0 of two pairs in three, 1 of one"


def test_batches() -> None:
    assert not plain(batcher.is_full)(7, 8)
    assert plain(batcher.is_full)(8, 8)
    assert plain(batcher.due_us)(100, 5) == 105
    assert [plain(batcher.size)(waiting, 8) for waiting in (3, 8, 9)] == [3, 8, 8]
    assert plain(batcher.has_room)(47, 48)
    assert not plain(batcher.has_room)(48, 48)


def test_features_are_fresh_until_their_time_to_live_has_passed() -> None:
    is_fresh = plain(cache.is_fresh)
    assert is_fresh(159, 100, 60)
    assert not is_fresh(160, 100, 60)
    assert not is_fresh(160, 160, 0), "nothing is cached"
    assert not is_fresh(0, rec.NEVER_US, 2**60)


@pytest.mark.parametrize(
    ("tries", "flags", "cause", "expected"),
    [
        (2, 0, rec.QUEUE_FULL, True),
        (3, 0, rec.QUEUE_FULL, False),
        (1, rec.TAGGED, rec.QUEUE_FULL, False),
        (1, 0, rec.ATTEMPTS_FULL, False),
    ],
)
def test_retries(tries: int, flags: int, cause: int, expected: bool) -> None:
    assert plain(retry.tries_again)(tries, 3, flags, cause) == expected


def test_a_breaker_opens_at_its_number_of_failures_and_never_without_one() -> None:
    opens = plain(breaker.opens)
    assert [opens(failures, 3) for failures in (2, 3, 4)] == [False, True, True]
    assert not opens(1_000, 0)


def test_the_ladder_below_the_model() -> None:
    outcome = plain(fallback.outcome)
    assert [outcome(*up) for up in ((1, 1), (0, 1), (1, 0), (0, 0))] == [rec.FALLBACK, rec.ERROR, rec.ERROR, rec.ERROR]


def test_shadows_only_of_first_attempts_while_there_is_room() -> None:
    is_shadowed = plain(shadow.is_shadowed)
    assert is_shadowed(0, 1, 1, 51, 100)
    assert not is_shadowed(0, 1, 1, 50, 100)
    assert not is_shadowed(0, 1, 2, 51, 100)
    assert not is_shadowed(0, 0, 1, 51, 100)
    assert not is_shadowed(-1, 1, 1, 51, 100)
