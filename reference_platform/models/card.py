"""What there is to know about a model: one card per model, in its folder. Code asks the card, never the name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from reference_platform.models.runtime import Head
from reference_platform.models.schema import ModelSchema

GIB = 1 << 30

Decisions = npt.NDArray[Any]
Floats32 = npt.NDArray[np.float32]

Decide = Callable[[Floats32, Floats32], Decisions]
"""decide(scores, context): one decision per request. `context` is the request context in the schema's order."""
Fallback = Callable[[Floats32, npt.NDArray[np.int32]], Decisions]
"""fallback(context, popular_categories): what the shop does without any model, in the form of `decide`."""
Answer = Callable[[Mapping[str, Any], Any], dict[str, object]]
"""answer(asked, decision): what a caller is told. `asked` is what one request says, by name."""

LatencyClass = Literal["checkout", "page", "search"]
"""What waits for the answer: a payment, a page that can be drawn without it, or a list that cannot."""


@dataclass(frozen=True, slots=True)
class Footprint:
    """What a version costs to run, and when it was trained."""

    host_memory_bytes: int
    gpu_memory_bytes: int
    load_s: float
    trained_days_ago: float


@dataclass(frozen=True, slots=True)
class VersionSpec:
    """How one version is trained. `data_ratio` is the newest share of the training rows that it sees."""

    schema: ModelSchema
    version: int
    footprint: Footprint
    hidden: tuple[int, ...]
    epochs: int
    data_ratio: float = 1.0

    @property
    def model(self) -> str:
        """Name of the model this is a version of."""
        return self.schema.model


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A trained version: weights, normalisation and held-out metrics. `threshold` is 0 for models that set none."""

    spec: VersionSpec
    state: Mapping[str, npt.NDArray[np.float32]]
    metrics: Mapping[str, float]
    threshold: float


Train = Callable[[VersionSpec, Floats32, npt.NDArray[Any], int], TrainedModel]
"""train(spec, x, y, seed) in a model's `trainer` module. X is f4[rows, len(spec.schema.columns)] in time order."""


@dataclass(frozen=True, slots=True)
class Label:
    """What a prediction is held against, and how long after it that is known."""

    what: str
    delay: str


@dataclass(frozen=True, slots=True)
class BusinessMetric:
    """The ratio that the business watches this model by. `by_route`: exported with a `route` label.

    `complaint` is what somebody says who finds it fallen since the start of the week; `{fall}` stands for the share.
    """

    name: str
    title: str
    by_route: bool
    complaint: str = ""

    def labels(self, route: str) -> dict[str, str]:
        """Labels of the series for this route."""
        return {"route": route} if self.by_route else {}


@dataclass(frozen=True, slots=True)
class ModelCard:
    """One model. `package` is its folder: `trainer` is imported from there by those who train, for it needs torch.

    `schema` is the widest that any version reads. `short` is the name where there is no room, and `fallback_text` says
    in words what `fallback` does. `aliases` are those at t=0.
    """

    package: str
    short: str
    owner: str
    latency_class: LatencyClass
    label: Label
    proxy_metric: str
    business: BusinessMetric
    schema: ModelSchema
    versions: tuple[VersionSpec, ...]
    aliases: Mapping[str, int]
    head: Head
    decide: Decide
    fallback: Fallback
    fallback_text: str
    answer: Answer

    @property
    def name(self) -> str:
        """As in the registry, in routes and in the platform document."""
        return self.schema.model

    def version(self, number: int) -> VersionSpec:
        """The spec of a known version. Raises KeyError otherwise."""
        for spec in self.versions:
            if spec.version == number:
                return spec
        raise KeyError(f"{self.name} version {number}")
