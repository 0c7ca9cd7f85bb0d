"""The way from the shop to the pipeline: nothing is changed on a good day, and every deviation is put aside by name."""

from __future__ import annotations

import numpy as np
import pytest

from reference_platform.errors import CommandError, ContentError
from reference_platform.features.types import Float64, String
from reference_platform.shop.feed import Delivery, EventFeed
from reference_platform.shop.producers import STABLE, ProducerRelease, Releases, Sender
from reference_platform.shop.topics import PARTITIONS, PAYMENTS, column_of, partition_of
from tests.unit.reference_platform.shop.streams import GOOD, STEP_S, payments


def feed_with(*members: str) -> EventFeed:
    feed = EventFeed(PAYMENTS)
    feed.consumer.set_members(members or ("pod-a", "pod-b"))
    return feed


def values(delivery: Delivery, name: str) -> np.ndarray:
    return column_of(delivery.columns, name).values


def test_on_a_good_day_the_pipeline_gets_just_what_happened_and_no_truth() -> None:
    feed = feed_with()
    for step in range(1, 6):
        events = payments(step, step * STEP_S)
        delivery = feed.step(events, [GOOD, GOOD], step * STEP_S)
        assert delivery.exact
        assert set(delivery.columns) == {"ts", *PAYMENTS.names}
        for name in delivery.columns:
            assert np.array_equal(values(delivery, name), events[name])
            assert values(delivery, name).dtype == events[name].dtype
    assert feed.consumer.counts.late == 0
    assert not feed.consumer.counts.dead


@pytest.mark.parametrize(
    ("release", "why"),
    [
        (ProducerRelease("x", renamed={"amount_eur": "amount"}), "column amount_eur is missing, found amount"),
        (ProducerRelease("x", retyped={"amount_eur": Float64}), "column amount_eur is Float64, not Float32"),
        (ProducerRelease("x", retyped={"customer": String}), "column customer is String, not Int32"),
    ],
)
def test_other_names_or_types_put_every_record_aside(release: ProducerRelease, why: str) -> None:
    feed = feed_with()
    delivery = feed.step(payments(1, STEP_S), [Sender(release)], STEP_S)
    assert delivery.count == 0
    assert not delivery.exact
    assert feed.consumer.counts.dead == {"schema": 40}
    assert {letter.reason for letter in feed.consumer.dead_letters} == {why}


def test_two_releases_side_by_side_lose_the_share_of_the_bad_one() -> None:
    feed = feed_with()
    bad = Sender(ProducerRelease("x", renamed={"merchant": "shop"}))
    delivery = feed.step(payments(1, STEP_S), [GOOD, bad], STEP_S)
    assert delivery.count == feed.consumer.counts.dead["schema"] == 20
    assert delivery.releases == {STABLE}


def test_a_unit_passes_every_check() -> None:
    feed = feed_with()
    events = payments(1, STEP_S)
    delivery = feed.step(events, [Sender(ProducerRelease("x", factors={"amount_eur": 100.0}))], STEP_S)
    assert delivery.count == 40
    assert not delivery.exact
    assert np.allclose(values(delivery, "amount_eur"), 100.0 * events["amount_eur"], rtol=1e-6)
    assert feed.consumer.last.mean["amount_eur"] == pytest.approx(100.0 * float(events["amount_eur"].mean()), rel=1e-6)


def test_missing_optional_values_arrive_as_nulls_and_missing_keys_are_put_aside() -> None:
    feed = feed_with()
    release = ProducerRelease("x", null_ratios={"new_device": 1.0, "customer": 0.5})
    delivery = feed.step(payments(1, STEP_S, 400), [Sender(release)], STEP_S)
    assert not column_of(delivery.columns, "new_device").mask().any()
    assert column_of(delivery.columns, "customer").mask().all()
    assert feed.consumer.last.null_ratio["new_device"] == 1.0
    assert 120 < feed.consumer.counts.dead["null"] < 280
    assert delivery.count + feed.consumer.counts.dead["null"] == 400


@pytest.mark.parametrize(("hours", "reason"), [(2, "future"), (-3, "late")])
def test_a_wrong_zone_makes_events_impossible_or_too_late(hours: int, reason: str) -> None:
    feed = feed_with()
    feed.step(payments(1, STEP_S), [GOOD], STEP_S)
    shifted = Sender(ProducerRelease("x", utc_offset_s=hours * 3600.0))
    delivery = feed.step(payments(2, 2 * STEP_S), [shifted], 2 * STEP_S)
    assert delivery.count == 0
    assert feed.consumer.counts.dead == {reason: 40}
    assert feed.consumer.last.delay_s == pytest.approx(-hours * 3600.0)


def test_events_of_a_clock_ahead_wait_until_their_time_has_come() -> None:
    feed = feed_with()
    fast = Sender(ProducerRelease(STABLE), clock_ahead_s=240.0)
    first = feed.step(payments(1, STEP_S), [fast], STEP_S)
    assert 0 < first.count < 40
    assert (values(first, "ts") <= STEP_S).all()
    second = feed.step(payments(2, 2 * STEP_S, 0), [fast], 2 * STEP_S)
    assert first.count + second.count == 40
    assert not feed.consumer.counts.dead


def test_a_clock_behind_makes_events_late_but_keeps_them() -> None:
    feed = feed_with()
    feed.step(payments(1, STEP_S, 400), [GOOD], STEP_S)
    slow = Sender(ProducerRelease(STABLE), clock_ahead_s=-400.0)
    delivery = feed.step(payments(2, 2 * STEP_S, 400), [slow], 2 * STEP_S)
    assert delivery.count == 400
    assert feed.consumer.counts.late > 300


def test_repeats_arrive_a_step_later_and_count_unless_they_are_removed() -> None:
    twice = Sender(ProducerRelease("x", repeats_ratio=1.0))
    counted, removed = feed_with(), feed_with()
    removed.consumer.dedup = True
    for feed, second in ((counted, 80), (removed, 40)):
        assert feed.step(payments(1, STEP_S), [twice], STEP_S).count == 40
        assert feed.step(payments(2, 2 * STEP_S), [twice], 2 * STEP_S).count == second
    assert removed.consumer.counts.repeats == 40
    assert counted.consumer.counts.late > 0


def test_a_lost_partition_keeps_its_records_until_the_group_is_dealt_anew() -> None:
    feed = feed_with()
    feed.consumer.lose(3)
    missed = 0
    for step in range(1, 13):
        events = payments(step, step * STEP_S, 100)
        mine = partition_of(events["customer"]) == 3
        missed += int(mine.sum())
        delivery = feed.step(events, [GOOD], step * STEP_S)
        assert delivery.count == int((~mine).sum())
        assert not delivery.exact
    lag = feed.consumer.lag()
    assert lag[3] == missed > 20
    assert lag.sum() == missed
    feed.consumer.rebalance()
    delivery = feed.step(payments(13, 13 * STEP_S, 100), [GOOD], 13 * STEP_S)
    assert delivery.count == missed + 100
    assert (np.diff(values(delivery, "ts")) >= 0).all()
    assert not feed.consumer.counts.dead


def test_members_that_leave_hand_their_partitions_over() -> None:
    feed = feed_with("a", "b", "c")
    assert set(feed.consumer.owners) == {"a", "b", "c"}
    feed.consumer.lose(0)
    feed.consumer.set_members(["a", "b", "c"])
    assert feed.consumer.unowned() == (0,), "the same members change nothing"
    feed.consumer.set_members(["b"])
    assert set(feed.consumer.owners) == {"b"}
    feed.consumer.set_members([])
    assert feed.consumer.unowned() == tuple(range(PARTITIONS))
    assert feed.step(payments(1, STEP_S), [GOOD], STEP_S).count == 0
    feed.consumer.set_members(["d"])
    assert feed.step(payments(2, 2 * STEP_S), [GOOD], 2 * STEP_S).count == 80


def test_events_wait_in_the_shop_while_no_producer_runs() -> None:
    feed = feed_with()
    for step in range(1, 5):
        assert feed.step(payments(step, step * STEP_S), [], step * STEP_S).count == 0
    assert feed.outstanding == 160
    delivery = feed.step(payments(5, 5 * STEP_S), [GOOD], 5 * STEP_S)
    assert delivery.count == 200
    assert not delivery.exact
    assert feed.consumer.last.delay_s > STEP_S
    assert feed.step(payments(6, 6 * STEP_S), [GOOD], 6 * STEP_S).exact


def test_a_replay_sends_everything_again_as_it_should_have_been() -> None:
    feed = feed_with()
    happened = [payments(step, step * STEP_S) for step in range(1, 4)]
    cents = Sender(ProducerRelease("x", factors={"amount_eur": 100.0}))
    for step, events in enumerate(happened, 1):
        feed.step(events, [cents], step * STEP_S)
    delivery = feed.replay([GOOD], STEP_S, 3 * STEP_S + 10.0)
    wanted = np.concatenate([events["amount_eur"] for events in happened[1:]])
    assert np.array_equal(values(delivery, "amount_eur"), wanted)
    with pytest.raises(CommandError, match="payments-producer"):
        feed.replay([], STEP_S, 3 * STEP_S + 10.0)


def test_partitions_share_the_customers_evenly() -> None:
    counts = np.bincount(partition_of(np.arange(5000, dtype=np.int32)), minlength=PARTITIONS)
    assert len(counts) == PARTITIONS
    assert counts.min() > 0.9 * 5000 / PARTITIONS


def test_releases_are_known_by_version() -> None:
    releases = Releases(["payments-producer"])
    assert releases.get("payments-producer", "").faithful
    releases.publish("payments-producer", ProducerRelease("2.4.0", repeats_ratio=0.5))
    assert not releases.get("payments-producer", "2.4.0").faithful
    with pytest.raises(ContentError, match=r"2\.4\.9"):
        releases.get("payments-producer", "2.4.9")


def test_a_partition_that_does_not_exist_cannot_be_lost() -> None:
    with pytest.raises(CommandError, match="0 to 7"):
        feed_with().consumer.lose(8)
