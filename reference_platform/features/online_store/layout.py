"""How the columns of a view lie in memory: one matrix per type, so that a row is gathered in one step per type."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference_platform.errors import CommandError
from reference_platform.features.columns import Column, FeatureBlock
from reference_platform.features.definitions import FeatureView
from reference_platform.features.online_store.cells import canonical_cells
from reference_platform.features.times import NEVER_US
from reference_platform.features.types import FeatureType

FORMAT_VERSION = 1
"""Changes when packed rows do; old rows then no longer count."""
_ORDER = ("<f8", "<i8", "<f4", "<i4", "?", "O")


@dataclass(frozen=True, slots=True)
class Group:
    """The features of one NumPy type; `positions` are their places in the view's schema, ascending."""

    dtype: np.dtype[Any]
    positions: tuple[int, ...]

    @property
    def blank(self) -> Any:
        """What stands under a null: NaN, zero or None."""
        return np.nan if self.dtype.kind == "f" else None if self.dtype.kind == "O" else 0


class RowLayout:
    """Where each feature of a view is: `place[position]` = (group, column in its matrix)."""

    __slots__ = ("fingerprint", "groups", "key_types", "kinds", "names", "null_bytes", "place", "view", "width")

    def __init__(self, view: FeatureView) -> None:
        self.view = view.name
        self.names = view.feature_names
        self.kinds: tuple[FeatureType, ...] = tuple(field.dtype for field in view.schema)
        self.key_types = view.key_types
        self.width = view.width
        self.null_bytes = (view.width + 7) // 8
        found = ((dtype, [at for at, kind in enumerate(self.kinds) if kind.dtype == dtype]) for dtype in _ORDER)
        self.groups = tuple(Group(np.dtype(dtype), tuple(positions)) for dtype, positions in found if positions)
        self.place = {
            position: (number, column)
            for number, group in enumerate(self.groups)
            for column, position in enumerate(group.positions)
        }
        self.fingerprint = schema_fingerprint(view)

    @property
    def is_matrix(self) -> bool:
        """Whether every feature is a Float32, so that its one matrix is the view in schema order."""
        return len(self.groups) == 1 and self.groups[0].dtype == np.float32

    def blank_blocks(self, rows: int) -> tuple[NDArray[Any], ...]:
        """One matrix [rows, features] per group, all blank."""
        return tuple(np.full((rows, len(group.positions)), group.blank, group.dtype) for group in self.groups)


def schema_fingerprint(view: FeatureView) -> int:
    """32 bits that differ when keys, names, order or types do."""
    parts = [f"{FORMAT_VERSION}"]
    parts += [f"{name!r}={kind}" for name, kind in zip(view.join_keys, view.key_types, strict=True)]
    parts += [f"{field.name!r}:{field.dtype}" for field in view.schema]
    return int.from_bytes(hashlib.sha256("\n".join(parts).encode()).digest()[:4], "little")


class Twins:
    """Declarations that mean the same rows as the one a store holds; seen ones are recognised at once."""

    __slots__ = ("_layout", "_seen")
    SEEN_MAX = 16

    def __init__(self, view: FeatureView, layout: RowLayout) -> None:
        self._layout = layout
        self._seen: dict[int, FeatureView] = {id(view): view}

    def __getstate__(self) -> tuple[RowLayout, list[FeatureView]]:
        """Without ids, which belong to others in another process."""
        return self._layout, list(self._seen.values())

    def __setstate__(self, state: tuple[RowLayout, list[FeatureView]]) -> None:
        self._layout, seen = state
        self._seen = {id(view): view for view in seen}

    def check(self, view: FeatureView) -> None:
        """Raises CommandError when `view` has other keys or features than the rows held."""
        if id(view) in self._seen:
            return
        if schema_fingerprint(view) != self._layout.fingerprint:
            raise CommandError(
                f"view {view.name} has other keys or features than its rows in the online store", fix="declare it again"
            )
        if len(self._seen) >= self.SEEN_MAX:
            self._seen.clear()
        # The object is kept, so that its id cannot pass to another.
        self._seen[id(view)] = view


@dataclass(frozen=True, slots=True)
class RowBatch:
    """Rows to write, canonical: what stands under a null is blank, cells are plain Python values.

    `keys`: one int64 array or list per join key, without nulls. `blocks`: one matrix per group of the layout.
    `nulls`: bool[n, width], or None when nothing is missing.
    """

    keys: tuple[NDArray[np.int64] | list[Any], ...]
    event_us: NDArray[np.int64]
    created_us: NDArray[np.int64]
    sequence: NDArray[np.int64]
    blocks: tuple[NDArray[Any], ...]
    nulls: NDArray[np.bool_] | None

    def __len__(self) -> int:
        return len(self.event_us)

    def take(self, index: NDArray[np.integer[Any]]) -> RowBatch:
        """The rows at `index`, copied."""
        keys = tuple(
            key[index] if isinstance(key, np.ndarray) else [key[row] for row in index.tolist()] for key in self.keys
        )
        return RowBatch(
            keys,
            self.event_us[index],
            self.created_us[index],
            self.sequence[index],
            tuple(block[index] for block in self.blocks),
            None if self.nulls is None else self.nulls[index],
        )

    def slice(self, start: int, stop: int) -> RowBatch:
        """Rows start .. stop-1, shared."""
        return RowBatch(
            tuple(key[start:stop] for key in self.keys),
            self.event_us[start:stop],
            self.created_us[start:stop],
            self.sequence[start:stop],
            tuple(block[start:stop] for block in self.blocks),
            None if self.nulls is None else self.nulls[start:stop],
        )

    def key_list(self) -> list[Any]:
        """One Python key per row: the value itself for a single join key, a tuple for several, () for none."""
        plain = [key.tolist() if isinstance(key, np.ndarray) else key for key in self.keys]
        if len(plain) == 1:
            return plain[0]
        return list(zip(*plain, strict=True)) if plain else [()] * len(self)


def batch_of(view: FeatureView, layout: RowLayout, rows: FeatureBlock) -> RowBatch:
    """The rows, checked and canonical. Raises CommandError for a null key, other types and other shapes."""
    count = len(rows)
    if len(rows.keys) != len(view.join_keys):
        raise CommandError(f"{len(rows.keys)} key columns for view {view.name}", fix=f"one each of {view.join_keys}")
    keys = tuple(
        _written_key(key, kind, name, view.name, count)
        for key, kind, name in zip(rows.keys, view.key_types, view.join_keys, strict=True)
    )
    if len(rows.values) != layout.width or any(len(column) != count for column in rows.values):
        raise CommandError(
            f"rows for view {view.name} have {len(rows.values)} columns", fix=f"hand over {layout.width}, equally long"
        )
    nulls = _null_matrix(rows.values, count)
    blocks = tuple(_block(group, layout, rows.values, count) for group in layout.groups)
    return RowBatch(
        keys, _instants(rows.event_us, view), _ints(rows.created_us), _ints(rows.sequence), blocks, nulls
    )  # fmt: skip


def matrix_batch(
    view: FeatureView,
    layout: RowLayout,
    keys: NDArray[np.integer[Any]],
    event_us: NDArray[np.int64],
    created_us: NDArray[np.int64],
    sequence: NDArray[np.int64],
    matrix: NDArray[np.float32],
) -> RowBatch:
    """Rows of a view of Float32 features from one matrix [n, width], not copied. NaN is a value here, not a null."""
    if not layout.is_matrix or matrix.shape != (len(keys), layout.width):
        raise CommandError(
            f"a matrix of shape {matrix.shape} is not {len(keys)} rows of view {view.name}",
            fix=f"write_matrix takes float32[n, {layout.width}], for a view of Float32 features only",
        )
    key = _written_key(keys, view.key_types[0], view.join_keys[0], view.name, len(event_us))
    return RowBatch(
        (key,), _instants(event_us, view), _ints(created_us), _ints(sequence), (np.asarray(matrix, np.float32),), None
    )


def _ints(values: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.asarray(values, dtype=np.int64)


def _instants(values: NDArray[np.int64], view: FeatureView) -> NDArray[np.int64]:
    values = _ints(values)
    if len(values) and int(values.min()) == NEVER_US:
        raise CommandError(f"a row for view {view.name} has no event time", fix="give every row its event time")
    return values


def _null_matrix(columns: tuple[Column, ...], count: int) -> NDArray[np.bool_] | None:
    if all(column.valid is None or column.valid.all() for column in columns):
        return None
    nulls = np.zeros((count, len(columns)), dtype=np.bool_)
    for position, column in enumerate(columns):
        if column.valid is not None:
            nulls[:, position] = ~column.valid
    return nulls


def _block(group: Group, layout: RowLayout, columns: tuple[Column, ...], count: int) -> NDArray[Any]:
    block = np.empty((count, len(group.positions)), dtype=group.dtype)
    for at, position in enumerate(group.positions):
        column = columns[position]
        name = f"{layout.view}:{layout.names[position]}"
        if group.dtype.kind == "O":
            block[:, at] = canonical_cells(column, layout.kinds[position], name)
            continue
        if not np.can_cast(column.values.dtype, group.dtype, "safe"):
            raise CommandError(
                f"{name}: {column.values.dtype} does not fit {layout.kinds[position]}",
                fix=f"hand over {layout.kinds[position]} values",
            )
        block[:, at] = column.values
        if column.valid is not None:
            block[~column.valid, at] = group.blank
    return block


def _written_key(
    key: NDArray[Any], kind: FeatureType, name: str, view: str, count: int
) -> NDArray[np.int64] | list[Any]:  # fmt: skip
    from reference_platform.features.online_store.inputs import checked_keys

    checked = checked_keys(key, kind, name)
    if len(checked) != count:
        raise CommandError(f"{len(checked)} keys for {count} rows of view {view}", fix="give every row its key")
    if isinstance(checked, list):
        if None in checked:
            row = checked.index(None)
            raise CommandError(f'view {view}, row {row}: join key "{name}" is null', fix="drop rows without a key")
        if kind.dtype != "O":
            return np.array(checked, dtype=np.int64)
    return checked
