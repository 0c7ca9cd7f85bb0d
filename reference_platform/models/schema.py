"""What each model version reads: views, their columns and the request context, in the order of its weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from reference_platform.features.definitions import FeatureView
from reference_platform.shop.views import ShopSize, shop_views

RECOMMENDATION = "recommendation"
FRAUD = "fraud-detection"
RANKING = "search-ranking"
MODELS = (RECOMMENDATION, FRAUD, RANKING)

CATEGORIES = 24
CANDIDATES = 10


@dataclass(frozen=True, slots=True)
class ViewInput:
    """The columns taken from one feature view. `columns` names every column of the view, in the view's order."""

    view: str
    entity: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ModelSchema:
    """Input contract of one model version.

    `log_columns` are heavy-tailed inputs that the model reads on a log scale. A request becomes
    `rows_per_request` consecutive rows: one per candidate for ranking, one for the other models.
    """

    model: str
    views: tuple[ViewInput, ...]
    context: tuple[str, ...]
    log_columns: tuple[str, ...]
    rows_per_request: int = 1

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns of X, in order: `view.column`, then `context.column`."""
        named = [f"{part.view}.{column}" for part in self.views for column in part.columns]
        return (*named, *(f"context.{column}" for column in self.context))


def _input(view: FeatureView) -> ViewInput:
    return ViewInput(view.name, view.entity.name, view.feature_names)


_VIEWS = shop_views(ShopSize(categories=CATEGORIES))
CUSTOMER_ACTIVITY = _input(_VIEWS.customer_activity)
CARD_VELOCITY = _input(_VIEWS.card_velocity)
MERCHANT_RISK = _input(_VIEWS.merchant_risk)
PRODUCT_POPULARITY = _input(_VIEWS.product_popularity)

_SCHEMAS = {
    RECOMMENDATION: ModelSchema(
        RECOMMENDATION,
        (CUSTOMER_ACTIVITY,),
        ("hour_sin", "hour_cos"),
        tuple(f"customer_activity.{name}" for name in ("hours_since_click", "purchases_7d", "clicks_24h")),
    ),
    FRAUD: ModelSchema(
        FRAUD,
        (CARD_VELOCITY, MERCHANT_RISK),
        ("log_amount", "new_device", "hour_sin", "hour_cos"),
        (
            *(f"card_velocity.{name}" for name in CARD_VELOCITY.columns),
            *(f"merchant_risk.{name}" for name in ("payments_24h", "amount_spike_ratio")),
        ),
    ),
    RANKING: ModelSchema(
        RANKING,
        (PRODUCT_POPULARITY,),
        ("relevance",),
        tuple(f"product_popularity.{name}" for name in PRODUCT_POPULARITY.columns),
        rows_per_request=CANDIDATES,
    ),
}


def schema_of(model: str, version: int) -> ModelSchema:
    """Input contract of a version. The first fraud model reads the card's history only."""
    schema = _SCHEMAS[model]
    if (model, version) == (FRAUD, 1):
        kept = tuple(name for name in schema.log_columns if name.startswith(CARD_VELOCITY.view))
        return replace(schema, views=(CARD_VELOCITY,), log_columns=kept)
    return schema


def assemble(
    schema: ModelSchema,
    view_values: Mapping[str, npt.NDArray[np.float32]],
    context: npt.NDArray[np.float32],
) -> npt.NDArray[np.float32]:
    """X for training and serving alike: f4[rows, len(schema.columns)].

    `view_values[view]` is f4[rows, columns of the view]; NaN marks a missing value. Views that the schema does
    not read are ignored. Raises ValueError when a part has the wrong shape and KeyError when a view is absent.
    """
    parts = [np.asarray(view_values[part.view], dtype=np.float32) for part in schema.views]
    widths = [len(part.columns) for part in schema.views] + [len(schema.context)]
    parts.append(np.asarray(context, dtype=np.float32))
    rows = parts[-1].shape[0]
    for name, values, width in zip([part.view for part in schema.views] + ["context"], parts, widths, strict=True):
        if values.shape != (rows, width):
            raise ValueError(f"{schema.model}: {name} has shape {values.shape}, expected ({rows}, {width})")
    return np.concatenate(parts, axis=1)
