"""Small whole numbers for entities, in place of their keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference_platform.features.types import FeatureType
from reference_platform.features.windows.stored import packed_objects, unpacked_objects

Ints = NDArray[np.int64]
Keys = tuple[NDArray[Any], ...]


class Entities:
    """A code per key, in order of first appearance. Composite keys are tuples, never joined texts."""

    def __init__(self, kinds: Sequence[FeatureType]) -> None:
        self._kinds = tuple(kinds)
        self._codes: dict[Any, int] = {}
        self._keys: list[Any] = []

    def __len__(self) -> int:
        return len(self._keys)

    def codes(self, keys: Keys, rows: int) -> Ints:
        """A code per row; unknown keys get new ones. Keys are of the declared types."""
        if not keys:
            self._code_of(())
            return np.zeros(rows, dtype=np.int64)
        inverse, distinct = _factorised(keys[0])
        if len(keys) > 1:
            columns = [distinct]
            inverses = [inverse]
            for key in keys[1:]:
                other, values = _factorised(key)
                columns.append(values)
                inverses.append(other)
            combined, inverse = np.unique(np.stack(inverses), axis=1, return_inverse=True)
            parts = [[column[i] for i in row] for column, row in zip(columns, combined.tolist(), strict=True)]
            distinct = list(zip(*parts, strict=True))
        mapped = np.fromiter(map(self._code_of, distinct), dtype=np.int64, count=len(distinct))
        return mapped[inverse.reshape(-1)]

    def keys(self, codes: Ints) -> Keys:
        """The keys of `codes`, one array per join key."""
        found = [self._keys[code] for code in codes.tolist()]
        if len(self._kinds) == 1:
            return (_typed(found, self._kinds[0]),)
        return tuple(_typed([key[place] for key in found], kind) for place, kind in enumerate(self._kinds))

    def keep(self, codes: Ints) -> None:
        """Forget all others; codes[i], ascending, becomes i."""
        self._keys = [self._keys[code] for code in codes.tolist()]
        self._codes = {key: code for code, key in enumerate(self._keys)}

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All keys in order of their codes, and how many there are."""
        found: dict[str, NDArray[Any]] = {"count": np.array([len(self)], dtype=np.int64)}
        for place, key in enumerate(self.keys(np.arange(len(self)))):
            found |= packed_objects(f"key{place}", key)
        return found

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """What `arrays` gave."""
        columns = [
            unpacked_objects(f"key{place}", arrays, text=kind.name == "String").tolist()
            for place, kind in enumerate(self._kinds)
        ]
        count = int(arrays["count"][0])
        self._keys = columns[0] if len(columns) == 1 else list(zip(*columns, strict=True)) if columns else [()] * count
        self._codes = {key: code for code, key in enumerate(self._keys)}

    def _code_of(self, key: Any) -> int:
        code = self._codes.get(key)
        if code is None:
            code = self._codes[key] = len(self._keys)
            self._keys.append(key)
        return code


def key_order(keys: Keys, first: Ints) -> Ints:
    """Rows by `first`, then by their keys."""
    ranks = [np.unique(key, return_inverse=True)[1] for key in reversed(keys)]
    return np.lexsort((*ranks, first))


def _factorised(key: NDArray[Any]) -> tuple[Ints, list[Any]]:
    """Which of the distinct keys each row has, and the distinct keys."""
    if key.dtype != object:
        distinct, inverse = np.unique(key, return_inverse=True)
        return inverse.astype(np.int64), distinct.tolist()
    places: dict[Any, int] = {}
    rows = np.fromiter((places.setdefault(one, len(places)) for one in key), dtype=np.int64, count=len(key))
    return rows, list(places)


def _typed(values: list[Any], kind: FeatureType) -> NDArray[Any]:
    return np.fromiter(values, dtype=kind.numpy_dtype, count=len(values))
