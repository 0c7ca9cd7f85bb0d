"""A missing value adds to no sum and counts in no mean; the event it belongs to still counts."""

from __future__ import annotations

import numpy as np

from reference_platform.features.columns import Column
from reference_platform.shop.topics import EventColumns, column_of
from reference_platform.shop.transform import Transform
from reference_platform.shop.views import ShopSize, shop_transforms, shop_views

SIZE = ShopSize(customers=4, products=5, categories=3, merchants=2)
NOW_S = 300.0


def learnt(which: int, columns: EventColumns) -> Transform:
    transform = shop_transforms(shop_views(SIZE))[which]
    transform.update(columns, NOW_S)
    return transform


def clicks(**missing: list[bool]) -> EventColumns:
    plain = {
        "ts": np.full(4, NOW_S),
        "customer": np.array([0, 0, 0, 1]),
        "product": np.array([1, 1, 2, 2]),
        "category": np.array([0, 0, 1, 2]),
        "purchased": np.array([True, True, False, True]),
    }
    return {name: Column(values, ~np.array(missing[name])) if name in missing else values
            for name, values in plain.items()}  # fmt: skip


def payments(**missing: list[bool]) -> EventColumns:
    plain = {
        "ts": np.full(4, NOW_S),
        "customer": np.array([0, 0, 0, 1]),
        "merchant": np.array([0, 0, 1, 1]),
        "amount_eur": np.array([10.0, 30.0, 80.0, 5.0], dtype=np.float32),
        "new_device": np.array([True, True, False, False]),
    }
    return {name: Column(values, ~np.array(missing[name])) if name in missing else values
            for name, values in plain.items()}  # fmt: skip


def one(transform: Transform, entity: int) -> dict[str, float]:
    values = transform.values(np.array([entity]), NOW_S)[0]
    return dict(zip(transform.view.feature_names, values.tolist(), strict=True))


def test_a_click_without_a_category_counts_for_none() -> None:
    row = one(learnt(0, clicks(category=[False, True, False, False])), 0)
    assert row["category_share_00"] == row["category_share_01"] == 0.5
    assert row["clicks_24h"] == 3.0
    assert row["hours_since_click"] == 0.0


def test_an_unknown_purchase_is_none() -> None:
    assert one(learnt(0, clicks(purchased=[True, False, False, False])), 0)["purchases_7d"] == 1.0
    assert one(learnt(3, clicks(purchased=[True, False, False, False])), 1)["purchases_24h"] == 1.0


def test_a_click_on_an_unknown_product_counts_for_no_product_but_for_its_customer() -> None:
    columns = clicks(product=[True, False, False, False])
    assert one(learnt(3, columns), 1)["clicks_24h"] == 1.0
    assert one(learnt(0, columns), 0)["clicks_24h"] == 3.0


def test_a_mean_is_over_the_amounts_that_are_known() -> None:
    row = one(learnt(1, payments(amount_eur=[False, True, False, False])), 0)
    assert row["payments_1h"] == 3.0
    assert row["amount_1h"] == 90.0
    assert row["amount_mean_30d"] == 45.0


def test_a_share_of_devices_is_over_the_devices_that_are_known() -> None:
    known = one(learnt(2, payments()), 0)
    half = one(learnt(2, payments(new_device=[False, True, False, False])), 0)
    assert known["new_device_ratio_24h"] == np.float32(2 / 3)
    assert half["new_device_ratio_24h"] == 0.5, "1 of 1 known, and the one that every share starts from"
    assert half["payments_24h"] == known["payments_24h"] == 2.0


def test_a_merchant_without_known_amounts_shows_no_spike() -> None:
    row = one(learnt(2, payments(amount_eur=[True, True, False, False])), 0)
    assert row["amount_spike_ratio"] == 1.0
    assert row["payments_24h"] == 2.0


def test_a_payment_at_an_unknown_merchant_counts_for_its_card_alone() -> None:
    columns = payments(merchant=[True, False, False, False])
    assert one(learnt(2, columns), 0)["payments_24h"] == 1.0
    assert one(learnt(1, columns), 0)["payments_1h"] == 3.0


def test_nothing_missing_reads_as_a_plain_array_does() -> None:
    for which, columns in ((0, clicks()), (1, payments()), (2, payments()), (3, clicks())):
        masked = {name: Column(column_of(columns, name).values, np.ones(4, dtype=np.bool_)) for name in columns}
        everybody = np.arange(2)
        plain = learnt(which, columns).values(everybody, NOW_S)
        assert np.array_equal(plain, learnt(which, masked).values(everybody, NOW_S))
