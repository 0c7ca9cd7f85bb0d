"""The months before t=0: the world lives, features are computed, and training rows are joined as of their instant."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reference_platform.models.schema import ModelSchema, assemble
from reference_platform.shop.offline import OfflineStore
from reference_platform.shop.pipeline import FeaturePipeline
from reference_platform.shop.transform import Transform
from reference_platform.shop.views import ShopSize, ShopViews, shop_transforms, shop_views
from simulator.engine.streams import Streams
from simulator.image.plan import LABEL_DAYS, BuildPlan
from simulator.world.columns import Columns
from simulator.world.side import LabelSource, WorldSide
from simulator.world.world import STEP_S, World, WorldSize

DAY_S = 86400.0
HOUR_S = 3600.0

Progress = Callable[[float, str], None]
"""Told the ratio done, 0..1, and what is being done."""


@dataclass(frozen=True, slots=True)
class Learner:
    """A model that learns from history: what it reads at most, and its side of the world."""

    schema: ModelSchema
    side: WorldSide

    @property
    def model(self) -> str:
        return self.schema.model


@dataclass(frozen=True, slots=True)
class TrainingRows:
    """Rows of one model in time order, before a version picks its columns."""

    view_values: Mapping[str, NDArray[np.float32]]
    context: NDArray[np.float32]
    label: NDArray[np.generic]

    def matrix(self, schema: ModelSchema) -> NDArray[np.float32]:
        """X of a version that reads `schema`."""
        return assemble(schema, self.view_values, self.context)

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Named arrays, from which `from_arrays` makes equal rows."""
        views: dict[str, NDArray[np.generic]] = {f"view/{name}": values for name, values in self.view_values.items()}
        return views | {"context": self.context, "label": self.label}

    @classmethod
    def from_arrays(cls, stored: Mapping[str, NDArray[np.generic]]) -> TrainingRows:
        """Inverse of `arrays`."""
        views = {
            name.removeprefix("view/"): values.astype(np.float32, copy=False)
            for name, values in stored.items()
            if name.startswith("view/")
        }
        return cls(views, stored["context"].astype(np.float32, copy=False), stored["label"])


@dataclass(frozen=True, slots=True)
class History:
    """The platform at t=0 and what its models learn from."""

    world: World
    views: ShopViews
    transforms: tuple[Transform, ...]
    offline: OfflineStore
    rows: Mapping[str, TrainingRows]

    def features(self) -> dict[str, NDArray[np.generic]]:
        """The feature store at t=0: the newest rows and the running sums behind them."""
        features: dict[str, NDArray[np.generic]] = {
            f"offline/{name}": values for name, values in self.offline.state().items()
        }
        for transform in self.transforms:
            features |= {f"{transform.view.name}/{name}": values for name, values in transform.state().items()}
        return features


class _Past:
    def __init__(self, plan: BuildPlan, learners: Sequence[Learner]) -> None:
        self.plan = plan
        self.learners = learners
        self.streams = Streams(plan.seed)
        self.views = shop_views(ShopSize(plan.customers, plan.products, plan.categories, plan.merchants))
        self.transforms = shop_transforms(self.views)
        self.offline = OfflineStore(self.views.all())
        payments = tuple(part for part in self.transforms if part.view.source.name == "payments")
        self.payment_pipeline = FeaturePipeline(payments, self.offline)
        self.full_pipeline = FeaturePipeline(self.transforms, self.offline)
        self.world = World.create(
            WorldSize(plan.customers, plan.products, plan.categories, plan.merchants),
            self.streams,
            days_of_history=plan.click_days,
            payment_days_of_history=LABEL_DAYS + plan.payment_days + plan.payment_warm_up_days,
        )
        self.parts: dict[str, list[TrainingRows]] = {learner.model: [] for learner in learners}

    def skim(self, until_s: float) -> Iterator[None]:
        """Live on without keeping rows: hourly steps, enough to keep the decayed sums exact."""
        while self.world.now_s < until_s:
            now_s = min(self.world.now_s + HOUR_S, until_s)
            events = self.world.advance(now_s)
            for transform in self.payment_pipeline.transforms:
                transform.update(events["payments"], now_s)
            yield

    def live(self, until_s: float, pipeline: FeaturePipeline, labels: LabelSource | None) -> Iterator[None]:
        """Live on in steps of the feature pipeline; each day ends with its training rows for those with such labels."""
        while self.world.now_s < until_s:
            since_s = self.world.now_s
            day: list[dict[str, Columns]] = []
            while self.world.now_s < min(since_s + DAY_S, until_s):
                events = self.world.advance(self.world.now_s + STEP_S)
                pipeline.run(events, self.world.now_s)
                day.append(events | self._observed(events, labels))
            for learner in self.learners:
                if learner.side.labels_from == labels:
                    self._collect(learner, day, since_s)
            yield

    def _observed(self, events: dict[str, Columns], labels: LabelSource | None) -> dict[str, Columns]:
        observed: dict[str, Columns] = {}
        for learner in self.learners:
            if learner.side.observe is not None and learner.side.labels_from == labels:
                rng = self.streams.get(f"image/observed/{learner.model}")
                observed |= learner.side.observe(self.world, events, rng)
        return observed

    def _collect(self, learner: Learner, day: list[dict[str, Columns]], since_s: float) -> None:
        joined = {
            source: {name: np.concatenate([step[source][name] for step in day]) for name in day[0][source]}
            for source in day[0]
        }
        rng = self.streams.get(f"image/examples/{learner.model}")
        examples = learner.side.examples(
            self.world, joined, since_s, self.world.now_s, rng, learner.side.examples_per_day
        )
        values = {
            part.view: self.offline.as_of(part.view, examples.entities[part.entity], examples.ts).values
            for part in learner.schema.views
        }
        self.parts[learner.model].append(TrainingRows(values, examples.context, examples.label))


def live_history(plan: BuildPlan, learners: Sequence[Learner], progress: Progress) -> History:
    """Live through the plan's history up to t=0. It is the same whoever learns from it."""
    past = _Past(plan, learners)
    begin_s = past.world.now_s
    labelled_s = -LABEL_DAYS * DAY_S
    clicks_s = -plan.click_days * DAY_S
    stages: tuple[tuple[Iterator[None], str], ...] = (
        (past.skim(labelled_s - plan.payment_days * DAY_S), "payments of last quarter"),
        (past.live(labelled_s, past.payment_pipeline, "payments"), "payments with known chargebacks"),
        (past.skim(clicks_s), "payments of this quarter"),
        (past.live(clicks_s + plan.click_warm_up_days * DAY_S, past.full_pipeline, None), "first clicks"),
        (past.live(0.0, past.full_pipeline, "clicks"), "clicks and payments up to now"),
    )
    for stage, text in stages:
        for _ in stage:
            progress(1.0 - past.world.now_s / begin_s, text)
    rows = {model: _joined(parts) for model, parts in past.parts.items()}
    return History(past.world, past.views, past.transforms, past.offline, rows)


def _joined(parts: list[TrainingRows]) -> TrainingRows:
    return TrainingRows(
        {view: np.concatenate([part.view_values[view] for part in parts]) for view in parts[0].view_values},
        np.concatenate([part.context for part in parts]),
        np.concatenate([part.label for part in parts]),
    )
