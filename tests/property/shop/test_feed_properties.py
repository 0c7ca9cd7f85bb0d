"""Whatever goes wrong on the way, and however long, every event is somewhere, and is used at most once."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from reference_platform.shop.feed import EventFeed
from reference_platform.shop.producers import STABLE, ProducerRelease, Sender
from reference_platform.shop.topics import PAYMENTS, column_of

STEP_S = 300.0
RELEASES = (
    ProducerRelease(STABLE),
    ProducerRelease("renamed", renamed={"merchant": "shop"}),
    ProducerRelease("nulls", null_ratios={"customer": 0.3, "amount_eur": 0.5}),
    ProducerRelease("east", utc_offset_s=7200.0),
    ProducerRelease("west", utc_offset_s=-7200.0),
    ProducerRelease("cents", factors={"amount_eur": 100.0}),
)
senders = st.lists(
    st.builds(Sender, st.sampled_from(RELEASES), st.sampled_from([0.0, 0.0, 240.0, -240.0, 900.0, -3600.0])),
    max_size=3,
)
steps = st.lists(
    st.tuples(st.integers(0, 30), senders, st.sampled_from(["", "lose", "rebalance", "leave", "join"])),
    min_size=1,
    max_size=14,
)


def _events(seed: int, count: int, now_s: float) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {
        "ts": np.sort(rng.uniform(now_s - STEP_S, now_s, count)),
        "customer": rng.integers(0, 50, count).astype(np.int32),
        "merchant": rng.integers(0, 9, count).astype(np.int32),
        "amount_eur": rng.lognormal(3, 1, count).astype(np.float32),
        "new_device": rng.random(count) < 0.2,
    }


def _act(feed: EventFeed, what: str) -> None:
    if what == "lose":
        feed.consumer.lose(3)
    elif what == "rebalance":
        feed.consumer.rebalance()
    elif what:
        feed.consumer.set_members(["a", "b"] if what == "join" else [])


@settings(max_examples=120, deadline=None)
@given(steps=steps, dedup=st.booleans())
def test_every_event_is_accepted_put_aside_or_waiting(steps: list[tuple[int, list[Sender], str]], dedup: bool) -> None:
    feed = EventFeed(PAYMENTS)
    feed.consumer.set_members(["a", "b"])
    feed.consumer.dedup = dedup
    used = 0
    for number, (count, by, what) in enumerate(steps, 1):
        _act(feed, what)
        now_s = number * STEP_S
        delivery = feed.step(_events(number, count, now_s), by, now_s)
        used += delivery.count
        ts = column_of(delivery.columns, "ts").values
        assert (ts <= now_s).all()
        assert (np.diff(ts) >= 0).all()
        consumer = feed.consumer
        waiting = int(consumer.lag().sum()) + consumer.early + feed.outstanding
        assert used == consumer.counts.accepted
        assert used + sum(consumer.counts.dead.values()) + waiting == feed.recorded
        assert consumer.counts.repeats == 0


@settings(max_examples=60, deadline=None)
@given(counts=st.lists(st.integers(0, 30), min_size=1, max_size=10), ratio=st.floats(0.01, 1.0))
def test_with_removal_on_a_repeat_is_never_used(counts: list[int], ratio: float) -> None:
    feed = EventFeed(PAYMENTS)
    feed.consumer.set_members(["a"])
    feed.consumer.dedup = True
    twice = Sender(ProducerRelease("x", repeats_ratio=ratio))
    for number, count in enumerate(counts, 1):
        now_s = number * STEP_S
        events = _events(number, count, now_s)
        delivery = feed.step(events, [twice], now_s)
        assert np.array_equal(column_of(delivery.columns, "ts").values, events["ts"])
