"""Feature reads as a model server gets them: one round trip, and what is too old counts as missing."""

from __future__ import annotations

import numpy as np

from reference_platform.features.online_store.embedded import EmbeddedOnlineStore
from reference_platform.features.online_store.port import Status
from reference_platform.models.runtime import ExportedModel
from reference_platform.shop.rows import FeatureRows, to_instant, to_seconds
from reference_platform.shop.serving import read_features
from tests.unit.reference_platform.shop.one_view import one_view

VIEW = one_view("activity", 10, "clicks", "spent", ttl_s=600.0)
OTHER = one_view("risk", 4, "share", ttl_s=60.0)


def filled() -> EmbeddedOnlineStore:
    store = EmbeddedOnlineStore(views=[VIEW, OTHER])
    for entity, at_s in ((1, 0.0), (2, 300.0)):
        rows = FeatureRows.known_at(np.array([entity], dtype=np.int32), np.array([[at_s, entity]], np.float32), at_s)
        store.write_matrix(VIEW, rows.entity, rows.event_us, rows.created_us, rows.values)
    return store


def test_rows_come_in_the_order_asked_with_their_status() -> None:
    (rows,) = read_features(filled(), [(VIEW, np.array([2, 1, 5, 1, 99], dtype=np.int32))], 600.0)
    present, missing = Status.PRESENT, Status.NOT_FOUND
    assert rows.status.tolist() == [present, present, missing, present, missing]
    assert rows.values[:2].tolist() == [[300.0, 2.0], [0.0, 1.0]]
    assert np.isnan(rows.values[[2, 4]]).all()
    assert rows.age_s(600.0).tolist() == [300.0, 600.0, 600.0]
    assert rows.share(missing) == 0.4


def test_a_value_exactly_as_old_as_allowed_is_served_and_an_older_one_is_missing() -> None:
    store, key = filled(), np.array([1])
    (at,) = read_features(store, [(VIEW, key)], 600.0)
    (past,) = read_features(store, [(VIEW, key)], 600.000001)
    assert at.status.tolist() == [Status.PRESENT]
    assert past.status.tolist() == [Status.OUTSIDE_MAX_AGE]
    assert np.isnan(past.values).all()
    assert past.event_us.tolist() == [0], "the row is still there"


def test_a_model_takes_a_value_that_is_too_old_for_an_average_one() -> None:
    state = {
        "log_mask": np.zeros(2, np.float32),
        "mean": np.array([100.0, 3.0], np.float32),
        "scale": np.ones(2, np.float32),
        "weight_0": np.ones((1, 2), np.float32),
        "bias_0": np.zeros(1, np.float32),
    }
    model = ExportedModel("search-ranking", state, "score")
    (past,) = read_features(filled(), [(VIEW, np.array([1]))], 5000.0)
    average = model.predict(np.array([[100.0, 3.0]], np.float32))
    assert model.predict(past.values).tolist() == average.tolist()


def test_several_views_are_read_in_one_round_trip() -> None:
    class Counting(EmbeddedOnlineStore):
        trips = 0

        def read(self, reads):  # type: ignore[no-untyped-def]
            self.trips += 1
            return super().read(reads)

    store = Counting(views=[VIEW, OTHER])
    activity, risk = read_features(store, [(VIEW, np.arange(3)), (OTHER, np.arange(2))], 0.0)
    assert store.trips == 1
    assert (activity.values.shape, risk.values.shape) == ((3, 2), (2, 1))
    assert activity.share(Status.NOT_FOUND) == risk.share(Status.NOT_FOUND) == 1.0


def test_seconds_and_instants_are_each_others_inverse() -> None:
    for t_s in (0.0, -3600.0, 300.0, 259200.5, 1.000001, -np.inf):
        assert to_seconds(to_instant(t_s)) == t_s
