"""What a model version reads: views, their columns and the request context, in the order of its weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from reference_platform.features.definitions import FeatureView
from reference_platform.shop.views import ShopSize, shop_views

CATEGORIES = 24


@dataclass(frozen=True, slots=True)
class ViewInput:
    """The columns taken from one feature view. `columns` names every column of the view, in the view's order."""

    view: str
    entity: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ModelSchema:
    """Input contract of one model version.

    `log_columns` are heavy-tailed inputs that the model reads on a log scale. A request becomes `rows_per_request`
    consecutive rows: more than one where a model scores candidates side by side.
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


def logged(view: ViewInput, *columns: str) -> tuple[str, ...]:
    """Names in X of these columns of `view`, or of all of them when none is named."""
    return tuple(f"{view.view}.{column}" for column in columns or view.columns)


def _input(view: FeatureView) -> ViewInput:
    return ViewInput(view.name, view.entity.name, view.feature_names)


_VIEWS = shop_views(ShopSize(categories=CATEGORIES))
CUSTOMER_ACTIVITY = _input(_VIEWS.customer_activity)
CARD_VELOCITY = _input(_VIEWS.card_velocity)
MERCHANT_RISK = _input(_VIEWS.merchant_risk)
PRODUCT_POPULARITY = _input(_VIEWS.product_popularity)


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
