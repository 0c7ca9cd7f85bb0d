"""How good the served predictions really were: the prediction log, judged by the world.

Every finished request counts. A sample of them, spread evenly over the interval, is served again column-wise with the
feature values the online store really holds, and once more with perfectly fresh ones; the difference in expected value,
times the number of requests, is the harm. The estimate's error shrinks with the square root of the sample.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reference_platform.features.definitions import FeatureView
from reference_platform.features.online_store.embedded import EmbeddedOnlineStore
from reference_platform.features.online_store.port import Status
from reference_platform.models.card import Decisions
from reference_platform.models.catalogue import card_of, schema_of
from reference_platform.models.runtime import ExportedModel
from reference_platform.models.schema import ModelSchema, assemble
from reference_platform.monitoring.drift import PsiMonitor
from reference_platform.shop.serving import ServedRows, read_features
from simulator.image.image import Image
from simulator.traffic.layout import ERROR, OK, Finished
from simulator.world.catalogue import default_decisions, draw_requests, side_of
from simulator.world.requests import Requests
from simulator.world.world import World


@dataclass(frozen=True, slots=True)
class ViewReads:
    """How the reads of one view were answered. `age_s` is the median age of the rows found, NaN when none was."""

    view: str
    miss_ratio: float
    outside_max_age_ratio: float
    age_s: float

    @classmethod
    def of(cls, view: str, rows: ServedRows, now_s: float) -> ViewReads:
        """The summary of `rows`."""
        ages_s = rows.age_s(now_s)
        age_s = float(np.median(ages_s)) if len(ages_s) else float("nan")
        return cls(view, rows.share(Status.NOT_FOUND), rows.share(Status.OUTSIDE_MAX_AGE), age_s)


@dataclass(frozen=True, slots=True)
class RouteQuality:
    """One interval of one route. `business_ratio` is the metric on the model's card, `score_mean` NaN when no model
    answered."""

    requests: int
    best_eur: float
    """What perfectly fresh predictions would have been worth."""
    harm_eur: float
    business_ratio: float
    score_mean: float
    reads: tuple[ViewReads, ...]
    """Of the views that the serving version reads; empty when no model answered."""


class QualityJudge:
    """Judges finished requests. `versions` says which model version answers a route now."""

    def __init__(
        self,
        image: Image,
        world: World,
        views: Sequence[FeatureView],
        online: EmbeddedOnlineStore,
        fresh: EmbeddedOnlineStore,
        champions: Mapping[str, int],
        drift: PsiMonitor,
        rng: np.random.Generator,
    ) -> None:
        self._image = image
        self._world = world
        self._views = {view.name: view for view in views}
        self._online = online
        self._fresh = fresh
        self._champions = champions
        self._drift = drift
        self._rng = rng
        self.sample_max: Mapping[str, int] = {route: side_of(route).judged_max for route in champions}
        """Requests judged per route and interval."""
        self._models: dict[tuple[str, int], ExportedModel] = {}
        self._watched = {route: schema_of(route, version).views for route, version in champions.items()}

    def judge(
        self, finished: Finished, routes: list[str], versions: Mapping[str, int], now_s: float
    ) -> dict[str, RouteQuality]:
        """Quality of the requests that ended since the last call, by route; routes without requests are absent."""
        result: dict[str, RouteQuality] = {}
        for index, route in enumerate(routes):
            rows = np.flatnonzero(finished.route == index)
            if len(rows):
                sample = rows[
                    np.unique(np.linspace(0, len(rows) - 1, min(self.sample_max[route], len(rows))).astype(np.int64))
                ]
                result[route] = self._judge_route(finished, sample, len(rows), route, versions[route], now_s)
        return result

    def _judge_route(
        self, finished: Finished, sample: NDArray[np.int64], count: int, route: str, version: int, now_s: float
    ) -> RouteQuality:
        requests = draw_requests(
            self._world, route, finished.entity[sample].astype(np.int32), finished.done_s[sample], self._rng
        )
        outcome = finished.outcome[sample]
        side = side_of(route)
        best = side.value_eur(requests, self._fresh_decisions(requests, now_s))
        served, score_mean, reads = self._served_decisions(requests, outcome, version, now_s)
        value = np.where(outcome == ERROR, 0.0, side.value_eur(requests, served))
        business_ratio = side.business(requests, served, outcome != ERROR)
        # Luck against the yardstick is no profit: an interval that did better counts as harmless.
        harm_eur = max(0.0, float((best - value).mean() * count))
        return RouteQuality(count, float(best.mean() * count), harm_eur, business_ratio, score_mean, reads)

    def _fresh_decisions(self, requests: Requests, now_s: float) -> Decisions:
        model, schema = self._model(requests.route, self._champions[requests.route])
        values = {view: rows.values for view, rows in self._read(self._fresh, schema, requests, now_s).items()}
        scores = model.predict(assemble(schema, values, requests.context))
        return card_of(requests.route).decide(scores, requests.context)

    def _served_decisions(
        self, requests: Requests, outcome: NDArray[np.int64], version: int, now_s: float
    ) -> tuple[Decisions, float, tuple[ViewReads, ...]]:
        served = default_decisions(self._world, requests).copy()
        if not (outcome == OK).any():
            return served, float("nan"), ()
        model, schema = self._model(requests.route, version)
        found = self._read(self._online, schema, requests, now_s)
        x = assemble(schema, {view: rows.values for view, rows in found.items()}, requests.context)
        scores = model.predict(x)
        answered = outcome == OK
        served[answered] = card_of(requests.route).decide(scores, requests.context)[answered]
        rows = np.repeat(answered, requests.rows_per_request)
        if schema.views != self._watched[requests.route]:
            # A version that reads other features drifts from what it was trained on, not from the champion's rows.
            self._drift.set_reference(
                requests.route, self._image.reference_stats({requests.route: version})[requests.route]
            )
            self._watched[requests.route] = schema.views
        self._drift.observe(requests.route, x[rows][:, : x.shape[1] - len(schema.context)], now_s)
        reads = tuple(ViewReads.of(view, each, now_s) for view, each in found.items())
        return served, float(scores[rows].mean()), reads

    def _read(
        self, store: EmbeddedOnlineStore, schema: ModelSchema, requests: Requests, now_s: float
    ) -> dict[str, ServedRows]:
        asked = [(self._views[part.view], requests.entities[part.entity]) for part in schema.views]
        answers = read_features(store, asked, now_s)
        return {view.name: rows for (view, _), rows in zip(asked, answers, strict=True)}

    def _model(self, name: str, version: int) -> tuple[ExportedModel, ModelSchema]:
        key = (name, version)
        if key not in self._models:
            self._models[key] = self._image.model(name, version)
        return self._models[key], schema_of(name, version)
