"""Feeds in front of the pipeline: steps, complaints, where features came from, and replays that undo damage."""

from __future__ import annotations

import numpy as np
import pytest

from reference_platform.errors import CommandError
from reference_platform.features.definitions import Columns
from reference_platform.features.times import NEVER_US
from reference_platform.shop.ingest import Ingest, IngestLine
from reference_platform.shop.offline import OfflineStore
from reference_platform.shop.pipeline import SAVEPOINT_EVERY_S, FeaturePipeline
from reference_platform.shop.producers import STABLE, ProducerRelease, Sender
from reference_platform.shop.rows import to_instant
from reference_platform.shop.views import ShopSize, shop_transforms, shop_views
from tests.unit.reference_platform.shop.streams import GOOD, STEP_S, payments

SIZE = ShopSize(customers=200, products=30, categories=4, merchants=9)
CENTS = Sender(ProducerRelease("2.4.0", factors={"amount_eur": 100.0}))
RENAMED = Sender(ProducerRelease("2.4.0", renamed={"amount_eur": "amount"}))


def platform() -> tuple[Ingest, OfflineStore]:
    views = shop_views(SIZE)
    offline = OfflineStore(views.all())
    ingest = Ingest(FeaturePipeline(shop_transforms(views), offline), 0.0)
    ingest.set_members(["pod-a", "pod-b"])
    return ingest, offline


def no_clicks() -> Columns:
    none = np.zeros(0, dtype=np.int32)
    return {"ts": np.zeros(0), "customer": none, "product": none, "category": none, "purchased": none.astype(np.bool_)}


def live(ingest: Ingest, first: int, last: int, sender: Sender) -> list[IngestLine]:
    lines: list[IngestLine] = []
    for step in range(first, last + 1):
        now_s = step * STEP_S
        events = {"clicks": no_clicks(), "payments": payments(step, now_s)}
        deliveries = ingest.collect(events, {"clicks": [GOOD], "payments": [sender]}, now_s)
        lines += ingest.process(deliveries, now_s)
    return lines


def cards(ingest: Ingest, now_s: float) -> np.ndarray:
    transform = next(part for part in ingest.pipeline.transforms if part.view.name == "card_velocity")
    return transform.values(np.arange(SIZE.customers), now_s)


def test_a_good_day_writes_no_line() -> None:
    ingest, offline = platform()
    assert live(ingest, 1, 4, GOOD) == []
    assert offline.complete_until("card_velocity") == to_instant(4 * STEP_S)
    assert ingest.releases_since("payments", 0.0) == {STABLE}


def test_records_put_aside_are_logged_with_the_reason_and_the_release() -> None:
    ingest, _ = platform()
    (line,) = live(ingest, 1, 1, RENAMED)
    assert line.level == "WARN"
    assert "40 records put aside" in line.text
    assert "column amount_eur is missing, found amount" in line.text
    assert "payments-producer 2.4.0" in line.text
    assert live(ingest, 2, 2, GOOD) == []


def test_without_a_process_the_pipeline_computes_nothing_and_catches_up_later() -> None:
    ingest, offline = platform()
    there, _ = platform()
    ingest.set_members([])
    live(ingest, 1, 3, GOOD)
    assert offline.complete_until("card_velocity") == NEVER_US
    ingest.set_members(["pod-c"])
    live(ingest, 4, 4, GOOD)
    live(there, 1, 4, GOOD)
    now_s = 4 * STEP_S
    assert np.allclose(cards(ingest, now_s), cards(there, now_s), rtol=1e-6)


def test_a_replay_undoes_what_a_wrong_unit_did() -> None:
    damaged, offline = platform()
    right, _ = platform()
    live(damaged, 1, 2, GOOD)
    live(damaged, 3, 4, CENTS)
    live(right, 1, 4, GOOD)
    now_s = 4 * STEP_S
    assert not np.allclose(cards(damaged, now_s), cards(right, now_s), rtol=0.5)
    done = damaged.replay("payments", 600.0, [GOOD], now_s)
    assert np.allclose(cards(damaged, now_s), cards(right, now_s), rtol=1e-6)
    assert done.from_s == 0.0
    assert done.events == 160
    assert done.rows == {"card_velocity": SIZE.customers, "merchant_risk": SIZE.merchants}
    assert len(offline.latest("card_velocity")) == SIZE.customers
    assert damaged.releases_since("payments", 0.0) == {STABLE}
    live(damaged, 5, 5, GOOD)
    live(right, 5, 5, GOOD)
    assert np.allclose(cards(damaged, 5 * STEP_S), cards(right, 5 * STEP_S), rtol=1e-6)


def test_a_replay_starts_from_the_last_savepoint_before_the_time_asked_for() -> None:
    ingest, _ = platform()
    day = int(SAVEPOINT_EVERY_S / STEP_S)
    live(ingest, 1, day + 12, GOOD)
    assert ingest.replay("payments", SAVEPOINT_EVERY_S + 600.0, [GOOD], (day + 12) * STEP_S).from_s == SAVEPOINT_EVERY_S
    assert ingest.replay("payments", SAVEPOINT_EVERY_S - 1.0, [GOOD], (day + 12) * STEP_S).from_s == 0.0


def test_a_replay_needs_a_producer_and_a_pipeline() -> None:
    ingest, _ = platform()
    with pytest.raises(CommandError, match="payments-producer"):
        ingest.replay("payments", 0.0, [], 0.0)
    with pytest.raises(CommandError, match="payments"):
        ingest.replay("payment", 0.0, [GOOD], 0.0)
    ingest.set_members([])
    with pytest.raises(CommandError, match="no process of the pipeline"):
        ingest.replay("payments", 0.0, [GOOD], 0.0)
