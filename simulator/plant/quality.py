"""How good the served predictions really were: the prediction log, judged by the world.

Every finished request counts. A sample of them, spread evenly over the interval and drawn before it was served, is
answered again column-wise with the feature values that its read found, and once more with perfectly fresh ones; the
difference in expected value, times the number of requests, is the harm. The estimate's error shrinks with the square
root of the sample.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reference_platform.features.definitions import FeatureView
from reference_platform.features.online_store.port import Status
from reference_platform.models.card import Decisions
from reference_platform.models.catalogue import schema_of
from reference_platform.monitoring.drift import PsiMonitor
from reference_platform.serving.answer import Answered, Servable, answer, by_default, merged
from reference_platform.serving.records import ERROR, OK, Records
from reference_platform.serving.served_log import REQUEST_ENDS
from reference_platform.shop.serving import ServedRows
from simulator.image.image import Image
from simulator.plant.panel import Panel
from simulator.plant.past_reads import PastReads
from simulator.world.catalogue import side_of
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
    def of(cls, view: str, rows: ServedRows, read_s: NDArray[np.float64]) -> ViewReads:
        """The summary of `rows`, each with the instant of its read."""
        ages_s = rows.age_s(read_s)
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
    """Judges what the served log says was answered."""

    def __init__(
        self,
        image: Image,
        world: World,
        views: Sequence[FeatureView],
        online: PastReads,
        fresh: PastReads,
        panel: Panel,
        champions: Mapping[str, int],
        drift: PsiMonitor,
    ) -> None:
        self._image = image
        self._world = world
        self._views = {view.name: view for view in views}
        self._online = online
        self._fresh = fresh
        self._panel = panel
        self._champions = champions
        self._drift = drift
        self._servables: dict[tuple[str, int], Servable] = {}
        self._watched = {route: schema_of(route, version).views for route, version in champions.items()}

    def judge(self, served: Records, routes: list[str], now_s: float) -> dict[str, RouteQuality]:
        """Quality of the requests that ended, by route, from rows of the served log; routes without any are absent.

        Each is judged with the version that answered it and the features that it had.
        """
        ended, numbers, on = np.isin(served["outcome"], REQUEST_ENDS), served["request"], served["route"]
        result: dict[str, RouteQuality] = {}
        for index, route in enumerate(routes):
            rows = np.flatnonzero(ended & (on == index))
            places, requests = self._panel.judged(route, numbers[rows])
            if requests is not None:
                result[route] = self._judge_route(served[rows[places]], len(rows), requests, now_s)
        return result

    def _judge_route(self, rows: Records, count: int, requests: Requests, now_s: float) -> RouteQuality:
        route, outcome = requests.route, rows["outcome"]
        side = side_of(route)
        best = side.value_eur(
            requests, self._answers(self._fresh, requests, self._champions[route], rows["arrived_us"]).decisions
        )
        decisions, score_mean, reads = self._as_served(requests, rows, now_s)
        value = np.where(outcome == ERROR, 0.0, side.value_eur(requests, decisions))
        business_ratio = side.business(requests, decisions, outcome != ERROR)
        # Luck against the yardstick is no profit: an interval that did better counts as harmless.
        harm_eur = max(0.0, float((best - value).mean() * count))
        return RouteQuality(count, float(best.mean() * count), harm_eur, business_ratio, score_mean, reads)

    def _as_served(
        self, requests: Requests, rows: Records, now_s: float
    ) -> tuple[Decisions, float, tuple[ViewReads, ...]]:
        """Decisions as the visitors got them, the mean score, and the reads of the version that answered most."""
        decisions = by_default(requests.route, requests.context, self._world.popular_categories).copy()
        answered = np.flatnonzero(rows["outcome"] == OK)
        if not len(answered):
            return decisions, float("nan"), ()
        version = rows["version"][answered]
        versions, counts = np.unique(version, return_counts=True)
        scores: list[NDArray[np.float32]] = []
        reads: tuple[ViewReads, ...] = ()
        for each in versions.tolist():
            mine = answered[version == each]
            read_us = rows["features_us"][mine]
            answers = self.answers(requests.take(mine), each, read_us)
            decisions[mine] = answers.decisions
            scores.append(answers.scores)
            if each == versions[counts.argmax()]:
                self._watch_drift(requests.route, each, answers.inputs, now_s)
                read_s = _row_instants_s(requests, read_us)
                reads = tuple(ViewReads.of(view, found, read_s) for view, found in answers.reads.items())
        return decisions, float(np.concatenate(scores).mean()), reads

    def _watch_drift(self, route: str, version: int, inputs: NDArray[np.float32], now_s: float) -> None:
        schema = schema_of(route, version)
        if schema.views != self._watched[route]:
            # A version that reads other features drifts from what it was trained on, not from the champion's rows.
            self._drift.set_reference(route, self._image.reference_stats({route: version})[route])
            self._watched[route] = schema.views
        self._drift.observe(route, inputs[:, : inputs.shape[1] - len(schema.context)], now_s)

    def answers(self, requests: Requests, version: int, read_us: NDArray[np.int64]) -> Answered:
        """What a server of this version says to these requests with the features that it read at those instants."""
        return self._answers(self._online, requests, version, read_us)

    def _answers(self, store: PastReads, requests: Requests, version: int, read_us: NDArray[np.int64]) -> Answered:
        epochs = store.epochs(read_us)
        parts: list[Answered] = []
        places: list[NDArray[np.int64]] = []
        for epoch in np.unique(epochs).tolist():
            mine = np.flatnonzero(epochs == epoch)
            asked, then = requests.take(mine), store.at(int(read_us[mine[0]]))
            read_s = _row_instants_s(requests, read_us[mine])
            servable = self._servable(requests.route, version)
            parts.append(answer(servable, self._views, then, asked.entities, asked.context, read_s))
            places.append(mine)
        return parts[0] if len(parts) == 1 else merged(parts, places)

    def _servable(self, route: str, version: int) -> Servable:
        """A version as a model server has it loaded."""
        key = (route, version)
        if key not in self._servables:
            self._servables[key] = Servable(self._image.model(route, version), schema_of(route, version))
        return self._servables[key]


def _row_instants_s(requests: Requests, instants_us: NDArray[np.int64]) -> NDArray[np.float64]:
    """Seconds for each model row of requests, from microseconds for each request."""
    return np.repeat(instants_us / 1e6, requests.rows_per_request)
