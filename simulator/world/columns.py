"""Columnar event batches: one equally long array per column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]
Floats32 = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]
Columns = dict[str, Array]

CLICK_DTYPES: dict[str, npt.DTypeLike] = {
    "ts": np.float64,
    "customer": np.int32,
    "product": np.int32,
    "category": np.int32,
    "purchased": np.bool_,
}
PAYMENT_DTYPES: dict[str, npt.DTypeLike] = {
    "ts": np.float64,
    "customer": np.int32,
    "merchant": np.int32,
    "amount_eur": np.float32,
    "new_device": np.bool_,
    "is_fraud": np.bool_,
    "label_ts": np.float64,
}


def joined(batches: Sequence[Columns], dtypes: dict[str, npt.DTypeLike]) -> Columns:
    """The batches one after another; typed and empty when there are none."""
    if not batches:
        return {name: np.empty(0, dtype) for name, dtype in dtypes.items()}
    return {name: np.concatenate([batch[name] for batch in batches]) for name in dtypes}
