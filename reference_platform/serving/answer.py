"""From a request to a decision: features, inputs, model, decision. The only way to a prediction.

The judge, `curl` and the live server all come through here, so none can decide by a rule of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reference_platform.features.definitions import FeatureView
from reference_platform.features.online_store.port import OnlineStore
from reference_platform.models.card import Decisions
from reference_platform.models.catalogue import card_of
from reference_platform.models.runtime import ExportedModel
from reference_platform.models.schema import ModelSchema, assemble
from reference_platform.shop.serving import Instants, ServedRows, read_features


@dataclass(frozen=True, slots=True)
class Servable:
    """A loaded model version with the contract of its inputs."""

    model: ExportedModel
    schema: ModelSchema


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of n requests: inputs f4[rows, columns], scores of the rows, one decision per request, and what the
    store said by view."""

    inputs: NDArray[np.float32]
    scores: NDArray[np.float32]
    decisions: Decisions
    reads: Mapping[str, ServedRows]


def features_of(
    servable: Servable,
    views: Mapping[str, FeatureView],
    store: OnlineStore,
    entities: Mapping[str, NDArray[np.integer]],
    now_s: Instants,
) -> Mapping[str, ServedRows]:
    """What the version reads of `entities` (one row per model row, by entity name), by view, in one round trip.

    Raises KeyError when an entity or view that the version reads is absent.
    """
    asked = [(views[part.view], entities[part.entity]) for part in servable.schema.views]
    found = read_features(store, asked, now_s)
    return {view.name: rows for (view, _), rows in zip(asked, found, strict=True)}


def decided(servable: Servable, reads: Mapping[str, ServedRows], context: NDArray[np.float32]) -> Answered:
    """Run the model on what was read, and decide."""
    inputs = assemble(servable.schema, {view: rows.values for view, rows in reads.items()}, context)
    scores = servable.model.predict(inputs)
    return Answered(inputs, scores, card_of(servable.schema.model).decide(scores, context), reads)


def answer(
    servable: Servable,
    views: Mapping[str, FeatureView],
    store: OnlineStore,
    entities: Mapping[str, NDArray[np.integer]],
    context: NDArray[np.float32],
    now_s: Instants,
) -> Answered:
    """Both at once, for a batch of requests. Raises what they raise."""
    return decided(servable, features_of(servable, views, store, entities, now_s), context)


def merged(parts: Sequence[Answered], places: Sequence[NDArray[np.int64]]) -> Answered:
    """Answers to several batches of the same version as if they had been one; `places` says where each request of a
    batch belongs."""
    order = np.argsort(np.concatenate(places), kind="stable")
    requests = len(order)
    rows_each = sum(len(part.scores) for part in parts) // requests
    rows = (order[:, None] * rows_each + np.arange(rows_each)).ravel()
    reads = {
        view: ServedRows(
            np.concatenate([part.reads[view].values for part in parts])[rows],
            np.concatenate([part.reads[view].event_us for part in parts])[rows],
            np.concatenate([part.reads[view].status for part in parts])[rows],
        )
        for view in parts[0].reads
    }
    return Answered(
        np.concatenate([part.inputs for part in parts])[rows],
        np.concatenate([part.scores for part in parts])[rows],
        np.concatenate([part.decisions for part in parts])[order],
        reads,
    )


def by_default(model: str, context: NDArray[np.float32], popular_categories: NDArray[np.int32]) -> Decisions:
    """What the fallback service says, in the form of the model's decisions."""
    return card_of(model).fallback(context, popular_categories)
