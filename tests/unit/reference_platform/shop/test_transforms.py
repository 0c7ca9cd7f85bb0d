"""Transforms: exact decay however events arrive, one code for history and serving, state that can be carried."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reference_platform.features.definitions import Columns
from reference_platform.shop.decay import DecayedSums
from reference_platform.shop.offline import OfflineStore
from reference_platform.shop.pipeline import FeaturePipeline
from reference_platform.shop.rows import to_instant
from reference_platform.shop.transform import REFRESH_STRIPES, Transform
from reference_platform.shop.views import ShopSize, ShopViews, shop_transforms, shop_views

SIZE = ShopSize(customers=20, products=30, categories=4, merchants=5)
STEP_S = 300.0


def events(seed: int, since_s: float, count: int) -> dict[str, Columns]:
    rng = np.random.default_rng(seed)
    ts = np.sort(rng.uniform(since_s, since_s + STEP_S, count))
    customer = rng.integers(0, SIZE.customers, count)
    return {
        "clicks": {
            "ts": ts,
            "customer": customer,
            "product": rng.integers(0, SIZE.products, count),
            "category": rng.integers(0, SIZE.categories, count),
            "purchased": rng.random(count) < 0.2,
        },
        "payments": {
            "ts": ts,
            "customer": customer,
            "merchant": rng.integers(0, SIZE.merchants, count),
            "amount_eur": rng.lognormal(3, 1, count).astype(np.float32),
            "new_device": rng.random(count) < 0.2,
        },
    }


@pytest.fixture
def views() -> ShopViews:
    return shop_views(SIZE)


@pytest.fixture(params=range(4), ids=["customer_activity", "card_velocity", "merchant_risk", "product_popularity"])
def pair(request: pytest.FixtureRequest, views: ShopViews) -> tuple[Transform, Transform]:
    return shop_transforms(views)[request.param], shop_transforms(views)[request.param]


def everybody(transform: Transform, now_s: float) -> np.ndarray:
    return transform.values(np.arange(transform.view.entity.count), now_s)


@settings(max_examples=60, deadline=None)
@given(
    times=st.lists(st.floats(0, 5000), min_size=1, max_size=12),
    cuts=st.lists(st.floats(0, 5000), max_size=4),
    tau_s=st.sampled_from([60.0, 3600.0]),
)
def test_decayed_sums_do_not_depend_on_the_steps(times: list[float], cuts: list[float], tau_s: float) -> None:
    ts = np.sort(np.array(times))
    sums = DecayedSums(1, 1, tau_s)
    since_s = -1.0
    for until_s in [*sorted(cuts), 5000.0]:
        inside = ts[(ts > since_s) & (ts <= until_s)]
        sums.add(np.zeros(len(inside), dtype=np.int64), 0, 1.0, inside, until_s)
        since_s = until_s
    expected = np.exp((ts - 6000.0) / tau_s).sum()
    np.testing.assert_allclose(sums.read(np.array([0]), 6000.0)[0, 0], expected, rtol=1e-9, atol=1e-300)


def test_sums_of_times_before_zero_are_finite() -> None:
    sums = DecayedSums(2, 1, 3600.0)
    sums.add(np.array([0]), 0, 1.0, np.array([-9e6]), -9e6)
    assert sums.read(np.array([0, 1]), -9e6).tolist() == [[1.0], [0.0]]


def test_a_view_changes_only_entities_with_events_and_one_stripe(pair: tuple[Transform, Transform]) -> None:
    transform = pair[0]
    source = events(1, 0.0, 3)[transform.view.source.name]
    changed = transform.update(source, STEP_S)
    seen = set(source[transform.view.entity.name].tolist())
    assert set(changed.entity.tolist()) <= seen | {0}
    assert np.array_equal(changed.entity, np.unique(changed.entity))
    assert changed.values.shape == (len(changed.entity), transform.view.width)
    assert changed.values.dtype == np.float32


def test_quiet_entities_are_refreshed_within_one_turn_of_the_stripes(pair: tuple[Transform, Transform]) -> None:
    transform = pair[0]
    seen: set[int] = set()
    for step in range(1, REFRESH_STRIPES + 1):
        nothing = events(step, (step - 1) * STEP_S, 0)[transform.view.source.name]
        seen |= set(transform.update(nothing, step * STEP_S).entity.tolist())
    assert seen == set(range(transform.view.entity.count))


def test_values_are_finite_before_and_after_events(pair: tuple[Transform, Transform]) -> None:
    transform = pair[0]
    assert np.isfinite(everybody(transform, 0.0)).all()
    transform.update(events(1, 0.0, 50)[transform.view.source.name], STEP_S)
    for now_s in (STEP_S, 1e5, 1e8):
        assert np.isfinite(everybody(transform, now_s)).all()


def test_a_restored_transform_goes_on_bit_for_bit(pair: tuple[Transform, Transform]) -> None:
    original, copy = pair
    original.update(events(1, 0.0, 50)[original.view.source.name], STEP_S)
    copy.restore(original.state())
    later = events(2, STEP_S, 50)[original.view.source.name]
    a, b = original.update(later, 2 * STEP_S), copy.update(later, 2 * STEP_S)
    assert a.entity.tobytes() == b.entity.tobytes()
    assert a.values.tobytes() == b.values.tobytes()
    with pytest.raises(ValueError, match="expected"):
        copy.restore({"step": np.array(0)})


def test_click_shares_add_up_and_fade_to_nothing(views: ShopViews) -> None:
    activity = shop_transforms(views)[0]
    source = {
        "ts": np.array([10.0, 20.0, 30.0]),
        "customer": np.array([1, 1, 1]),
        "product": np.array([0, 0, 0]),
        "category": np.array([2, 2, 3]),
        "purchased": np.array([False, False, True]),
    }
    activity.update(source, STEP_S)
    values = activity.values(np.array([1]), STEP_S)[0]
    names = views.customer_activity.feature_names
    assert values[:4].sum() == pytest.approx(1.0)
    assert values[2] == pytest.approx(2 / 3, abs=1e-4)
    assert values[names.index("hours_since_click")] == pytest.approx(270 / 3600)
    assert values[names.index("purchases_7d")] == pytest.approx(1.0, abs=1e-3)
    month = activity.values(np.array([1]), 30 * 86400.0)[0]
    assert month[:4].tolist() == [0.0] * 4
    assert month[names.index("hours_since_click")] == 168.0


def test_the_whole_shop_getting_busier_is_not_a_trend(views: ShopViews) -> None:
    popularity = shop_transforms(views)[3]
    for step in range(1, 601):
        count = SIZE.products * (4 if step > 590 else 2)
        now_s = step * STEP_S
        source = {
            "ts": np.full(count, now_s - 1.0),
            "customer": np.zeros(count, dtype=np.int64),
            "product": np.arange(count) % SIZE.products,
            "category": np.zeros(count, dtype=np.int64),
            "purchased": np.zeros(count, dtype=np.bool_),
        }
        popularity.update(source, now_s)
    trend = everybody(popularity, 600 * STEP_S)[:, 3]
    np.testing.assert_allclose(trend, 1.0, atol=1e-3)


def test_the_pipeline_appends_what_the_transforms_changed(views: ShopViews) -> None:
    transforms, offline = shop_transforms(views), OfflineStore(views.all())
    pipeline = FeaturePipeline(transforms, offline)
    appended = pipeline.run(events(1, 0.0, 40), STEP_S)
    for transform in transforms:
        rows = offline.latest(transform.view.name)
        assert len(rows) == appended[transform.view.name] > 0
        assert offline.complete_until(transform.view.name) == to_instant(STEP_S)
        np.testing.assert_array_equal(rows.values, transform.values(rows.entity, STEP_S))
