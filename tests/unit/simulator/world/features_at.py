"""Feature values at chosen instants of a world's history, as the platform would have known them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from reference_platform.models.schema import ModelSchema, assemble
from reference_platform.shop.transform import Transform
from reference_platform.shop.views import ShopSize, shop_transforms, shop_views
from simulator.world.columns import Columns, Floats32, Ints
from simulator.world.examples import Examples
from simulator.world.world import STEP_S, WorldSize


def transforms_of(size: WorldSize) -> dict[str, Transform]:
    shop = ShopSize(size.customers, size.products, size.categories, size.merchants)
    return {transform.view.name: transform for transform in shop_transforms(shop_views(shop))}


def learn(transforms: Mapping[str, Transform], events: Mapping[str, Columns], now_s: float) -> None:
    for transform in transforms.values():
        transform.update(events[transform.view.source.name], now_s)


def values_now(
    transforms: Mapping[str, Transform], schema: ModelSchema, entities: Mapping[str, Ints], now_s: float
) -> dict[str, Floats32]:
    return {part.view: transforms[part.view].values(entities[part.entity], now_s) for part in schema.views}


def x_of_examples(
    world_size: WorldSize, events: Mapping[str, Columns], examples: Examples, schema: ModelSchema, since_s: float
) -> Floats32:
    """X of examples with the values as of the last step boundary at or before each `ts`."""
    transforms = {part.view: transforms_of(world_size)[part.view] for part in schema.views}
    sources = {transform.view.source.name for transform in transforms.values()}
    step = np.floor(examples.ts / STEP_S).astype(int)
    parts: dict[str, list[Floats32]] = {part.view: [] for part in schema.views}
    first = int(since_s // STEP_S)
    bounds = np.arange(first, int(step[-1]) + 1)
    event_edge = {source: np.searchsorted(events[source]["ts"], bounds * STEP_S) for source in sources}
    row_edge = np.searchsorted(step, np.append(bounds, bounds[-1] + 1))
    done = dict.fromkeys(sources, 0)
    for i, boundary in enumerate(bounds):
        if row_edge[i] == row_edge[i + 1]:
            continue
        batches = {
            source: {name: values[done[source] : event_edge[source][i]] for name, values in events[source].items()}
            for source in sources
        }
        learn(transforms, batches, boundary * STEP_S)
        done = {source: int(event_edge[source][i]) for source in sources}
        rows = slice(row_edge[i], row_edge[i + 1])
        now = values_now(
            transforms, schema, {name: keys[rows] for name, keys in examples.entities.items()}, boundary * STEP_S
        )
        for view, values in now.items():
            parts[view].append(values)
    return assemble(schema, {view: np.concatenate(v) for view, v in parts.items()}, examples.context)
