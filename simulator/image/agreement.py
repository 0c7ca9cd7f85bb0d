"""Whether two trainings of the platform came out alike: as alike as two processors and two versions of torch can be."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from reference_platform.features.fitted import TRANSFORM_TAG
from reference_platform.models.catalogue import card_of, schema_of
from reference_platform.models.runtime import ExportedModel
from reference_platform.models.schema import ModelSchema, assemble
from reference_platform.shop.serving import read_features
from simulator.engine.streams import Streams
from simulator.image.archive import read_member, unpacked
from simulator.image.image import Image
from simulator.image.layout import FEATURES, WORLD
from simulator.world.catalogue import draw_requests

METRIC_DIFFERENCE_MAX = 0.02
"""Absolute, for held-out metrics between 0 and 1."""
EQUAL_DECISIONS_MIN = 0.95
"""Share of the probed requests for which both decide alike: the best category, to decline, the first result."""
VALUE_DIFFERENCE_MAX = 1e-5
"""Relative, for the world and the feature store at t=0, which nobody trains."""
PROBED_REQUESTS = 2000


def disagreements(one: Image, other: Image) -> list[str]:
    """What differs by more than is stated above, one sentence each; empty when a drill could rest on either."""
    if one.plan != other.plan:
        return ["the plans differ"]
    lonely = _registered(one) ^ _registered(other)
    if lonely:
        return [f"registered in one of them only: {', '.join(sorted(lonely))}"]
    return [*_values(one, other), *_metrics(one, other), *_decisions(one, other)]


def _registered(image: Image) -> set[str]:
    registry = image.registry()
    return {f"{name}/{item.version}" for name in registry.names() for item in registry.versions(name)}


def _values(one: Image, other: Image) -> Iterator[str]:
    for member in (WORLD, FEATURES):
        ours, theirs = unpacked(read_member(one.path, member)), unpacked(read_member(other.path, member))
        if ours.keys() != theirs.keys():
            yield f"{member}: other arrays, {', '.join(sorted(ours.keys() ^ theirs.keys()))}"
            continue
        for name in ours:
            if not _close(ours[name], theirs[name]):
                yield f"{member}: {name} differs"


def _close(ours: NDArray[np.generic], theirs: NDArray[np.generic]) -> bool:
    if ours.shape != theirs.shape or ours.dtype != theirs.dtype:
        return False
    if ours.dtype.kind != "f":
        return bool(np.array_equal(ours, theirs))
    return bool(np.allclose(ours, theirs, rtol=VALUE_DIFFERENCE_MAX, atol=VALUE_DIFFERENCE_MAX, equal_nan=True))


def _metrics(one: Image, other: Image) -> Iterator[str]:
    ours, theirs = one.registry(), other.registry()
    for name in ours.names():
        if ours.aliases(name) != theirs.aliases(name):
            yield f"{name}: aliases {ours.aliases(name)} and {theirs.aliases(name)}"
        for mine, yours in zip(ours.versions(name), theirs.versions(name), strict=True):
            for metric, value in mine.metrics.items():
                if abs(value - yours.metrics[metric]) > METRIC_DIFFERENCE_MAX:
                    yield f"{name} {mine.version}: {metric} is {value:.4f} and {yours.metrics[metric]:.4f}"


def _decisions(one: Image, other: Image) -> Iterator[str]:
    for name in one.registry().names():
        for item in one.registry().versions(name):
            if item.tags[TRANSFORM_TAG] != other.registry().get(name, item.version).tags[TRANSFORM_TAG]:
                yield f"{name} {item.version}: its inputs are normalised otherwise"
                continue
            schema = schema_of(name, item.version)
            x = probe(one, schema)
            equal_ratio = equal_decisions_ratio(
                one.model(name, item.version), other.model(name, item.version), schema, x
            )
            if equal_ratio < EQUAL_DECISIONS_MIN:
                yield f"{name} {item.version}: only {equal_ratio:.1%} of the decisions are equal"


def equal_decisions_ratio(
    ours: ExportedModel, theirs: ExportedModel, schema: ModelSchema, x: NDArray[np.float32]
) -> float:
    """Share of requests that both decide alike, by the decision that matters most: whom to decline, what to show first.

    `x` holds whole requests in the columns of `schema`.
    """
    context = x[:, x.shape[1] - len(schema.context) :]
    decide = card_of(schema.model).decide
    one, other = (decide(model.predict(x), context) for model in (ours, theirs))
    if one.ndim == 1:
        return float(np.mean(one == other))
    return float(np.mean(one[:, 0] == other[:, 0]))


def probe(image: Image, schema: ModelSchema) -> NDArray[np.float32]:
    """What a version that reads `schema` would read at t=0, for `PROBED_REQUESTS` requests."""
    streams = Streams(0)
    world, features = image.world(streams), image.features()
    rng = streams.get("probe")
    customers = rng.integers(0, image.plan.customers, PROBED_REQUESTS).astype(np.int32)
    requests = draw_requests(world, schema.model, customers, np.zeros(PROBED_REQUESTS), rng)
    views = {view.name: view for view in features.views}
    asked = [(views[part.view], requests.entities[part.entity]) for part in schema.views]
    answers = read_features(features.online, asked, 0.0)
    values = {view.name: rows.values for (view, _), rows in zip(asked, answers, strict=True)}
    return assemble(schema, values, requests.context)
