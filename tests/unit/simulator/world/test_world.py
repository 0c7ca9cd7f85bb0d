from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
from collections.abc import Mapping

import numpy as np
import pytest

from simulator.engine.streams import Streams
from simulator.world.columns import CLICK_DTYPES, PAYMENT_DTYPES, Array, Columns
from simulator.world.rhythm import DAY_S, HOUR_S, Modifier
from simulator.world.world import World, WorldSize

SMALL = WorldSize(customers=800, products=480, categories=24, merchants=60)


def digest(events: Mapping[str, Columns]) -> str:
    state = hashlib.sha256()
    for source in sorted(events):
        for name in sorted(events[source]):
            state.update(np.ascontiguousarray(events[source][name]).tobytes())
    return state.hexdigest()


def through_file(state: Mapping[str, Array]) -> dict[str, Array]:
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **state)
    file.seek(0)
    with np.load(file, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


@pytest.mark.parametrize("cuts_s", [(300.0, 600.0), (450.0, 1000.0, 1000.0), (7200.0, 50_000.0)])
def test_events_do_not_depend_on_how_time_is_cut(cuts_s: tuple[float, ...]) -> None:
    whole = World.create(SMALL, Streams(4), 1)
    whole.advance(0.0)
    at_once = whole.advance(DAY_S)
    parted = World.create(SMALL, Streams(4), 1)
    parted.advance(0.0)
    pieces = [parted.advance(to_s) for to_s in (*cuts_s, DAY_S)]
    for source, columns in at_once.items():
        for name, values in columns.items():
            np.testing.assert_array_equal(values, np.concatenate([piece[source][name] for piece in pieces]))
    np.testing.assert_array_equal(whole.customers.mission, parted.customers.mission)


def test_events_are_typed_sorted_and_inside_their_time() -> None:
    world = World.create(SMALL, Streams(4), 1)
    world.advance(0.0)
    events = world.advance(DAY_S)
    for source, dtypes in (("clicks", CLICK_DTYPES), ("payments", PAYMENT_DTYPES)):
        assert {name: values.dtype for name, values in events[source].items()} == {
            name: np.dtype(dtype) for name, dtype in dtypes.items()
        }
        ts = events[source]["ts"]
        assert (np.diff(ts) >= 0).all()
        assert ts[0] >= 0.0
        assert ts[-1] < DAY_S
    clicks = events["clicks"]
    np.testing.assert_array_equal(world.products.category[clicks["product"]], clicks["category"])


def test_nothing_happens_before_a_step_is_over() -> None:
    world = World.create(SMALL, Streams(4), 0)
    events = world.advance(299.0)
    assert len(events["clicks"]["ts"]) == len(events["payments"]["ts"]) == 0
    assert world.now_s == 0.0


def test_a_longer_payment_history_begins_with_payments_alone() -> None:
    events = World.create(SMALL, Streams(4), 2, payment_days_of_history=9).advance(0.0)
    assert events["payments"]["ts"][0] < -8.9 * DAY_S
    assert -2 * DAY_S <= events["clicks"]["ts"][0] < -1.9 * DAY_S


def test_a_restored_world_continues_the_same_way_and_a_new_seed_changes_the_future() -> None:
    world = World.create(SMALL, Streams(4), 3)
    world.advance(0.0)
    state = through_file(world.state())
    first = World.restore(SMALL, state, Streams(11), 0.0).advance(DAY_S)
    again = World.restore(SMALL, state, Streams(11), 0.0).advance(DAY_S)
    other = World.restore(SMALL, state, Streams(12), 0.0).advance(DAY_S)
    assert digest(first) == digest(again) != digest(other)


def test_a_saved_state_is_not_moved_by_the_world_that_saved_it() -> None:
    world = World.create(SMALL, Streams(4), 1)
    world.advance(0.0)
    state = world.state()
    before = {name: values.copy() for name, values in state.items()}
    world.advance(DAY_S)
    for name, values in before.items():
        np.testing.assert_array_equal(state[name], values)


def test_fraud_is_one_to_five_percent_and_its_labels_come_late() -> None:
    world = World.create(WorldSize(), Streams(5), 0, payment_days_of_history=20)
    payments = world.advance(0.0)["payments"]
    assert 0.01 < payments["is_fraud"].mean() < 0.05
    delay_d = (payments["label_ts"] - payments["ts"]) / DAY_S
    fraud = payments["is_fraud"]
    assert 30.0 <= delay_d[fraud].min() < 35.0 < 85.0 < delay_d[fraud].max() <= 90.0 + 1e-6
    np.testing.assert_allclose(delay_d[~fraud], 90.0)


def test_a_stolen_card_pays_small_and_often_before_it_pays_large() -> None:
    world = World.create(WorldSize(), Streams(5), 0, payment_days_of_history=20)
    payments = world.advance(0.0)["payments"]
    fraud = payments["is_fraud"]
    cards, count = np.unique(payments["customer"][fraud], return_counts=True)
    robbed = cards[count >= 8]
    assert len(robbed) > 20
    of_robbed = fraud & np.isin(payments["customer"], robbed)
    small = of_robbed & (payments["amount_eur"] < 6.0)
    large = of_robbed & (payments["amount_eur"] > 120.0)
    earlier = [
        np.median(payments["ts"][small & (payments["customer"] == card)])
        < np.median(payments["ts"][large & (payments["customer"] == card)])
        for card in robbed
        if (large & (payments["customer"] == card)).any()
    ]
    assert np.mean(earlier) > 0.9


def test_fewer_events_while_a_modifier_holds() -> None:
    world = World.create(SMALL, Streams(6), 0, calendar_offset_s=9 * HOUR_S)
    world.schedule((Modifier(6 * HOUR_S, 12 * HOUR_S, 0.25),))
    ts = world.advance(12 * HOUR_S)["clicks"]["ts"]
    ordinary = World.create(SMALL, Streams(6), 0, calendar_offset_s=9 * HOUR_S).advance(12 * HOUR_S)["clicks"]["ts"]
    assert 0.15 < (ts >= 6 * HOUR_S).sum() / (ordinary >= 6 * HOUR_S).sum() < 0.35
    assert (ts < 6 * HOUR_S).sum() == (ordinary < 6 * HOUR_S).sum()


_IN_ANOTHER_PROCESS = """
import sys
from simulator.engine.streams import Streams
import simulator.world.catalogue
from simulator.world.world import World, WorldSize
events = World.create(WorldSize(300, 240, 24, 20), Streams(3), 1).advance(0.0)
heavy = sorted({"torch", "mlflow"} & set(sys.modules))
assert not heavy, heavy
print(sum(float(values.astype("f8").sum()) for part in events.values() for values in part.values()).hex())
"""


def test_the_hash_seed_of_the_process_changes_nothing_and_nothing_heavy_is_imported() -> None:
    seen = [
        subprocess.run(
            [sys.executable, "-c", _IN_ANOTHER_PROCESS],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("0", "4242")
    ]
    assert seen[0] == seen[1]
