"""Card of a model that sends a letter to customers who have not bought for long."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from reference_platform.models.card import GIB, BusinessMetric, Footprint, Label, ModelCard, VersionSpec
from reference_platform.models.schema import CUSTOMER_ACTIVITY, ModelSchema

_SCHEMA = ModelSchema("letters", views=(CUSTOMER_ACTIVITY,), context=("postage",), log_columns=())


def decide(scores: npt.NDArray[np.float32], context: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """True sends a letter."""
    return np.asarray(scores > context[:, 0])


def fallback(context: npt.NDArray[np.float32], popular_categories: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
    """No letter for anybody."""
    return np.zeros(len(context), dtype=np.bool_)


def answer(asked: Mapping[str, Any], decision: np.bool_) -> dict[str, object]:
    """Whether to write."""
    return {"write": bool(decision)}


LETTERS = ModelCard(
    package=__package__,
    short="letters",
    owner="nobody",
    latency_class="page",
    label=Label("came back", "days"),
    proxy_metric="stamps",
    business=BusinessMetric("letters_written_ratio", "letters", by_route=False),
    schema=_SCHEMA,
    versions=(VersionSpec(_SCHEMA, 1, Footprint(GIB, GIB, 5.0, 3.0), hidden=(), epochs=1),),
    aliases={"champion": 1},
    head="probability",
    decide=decide,
    fallback=fallback,
    fallback_text="no letter for anybody",
    answer=answer,
)
