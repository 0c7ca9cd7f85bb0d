"""What every online store promises, and the answers it gives."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from reference_platform.errors import CommandError, nearest
from reference_platform.features.columns import Column, FeatureBlock
from reference_platform.features.definitions import FeatureView
from reference_platform.features.online_store.inputs import KeyColumn, checked_keys
from reference_platform.features.online_store.layout import RowLayout
from reference_platform.features.times import NEVER_US


class DeclaredAnewError(CommandError):
    """Another process changed or dropped a view between two looks of this one; asking again finds it as it is now."""


class Status(IntEnum):
    """What a served value means. Source: ServingService.proto of feast-dev/feast, field statuses."""

    INVALID = 0
    PRESENT = 1
    NULL_VALUE = 2
    """The row is there, this feature of it is null."""
    NOT_FOUND = 3
    """No row of this key, or a null key."""
    OUTSIDE_MAX_AGE = 4
    """The row is older than the view's ttl; its value is served as null."""


@dataclass(frozen=True, slots=True)
class ViewRead:
    """Rows to read of one view: one column per join key, equally long, None for a null key.

    `rows` says how many for a view without join keys. `checked`: the keys are int64 arrays or lists of exactly the
    declared type already.
    """

    view: FeatureView
    keys: tuple[Sequence[Any] | NDArray[Any], ...]
    rows: int = 1
    checked: bool = False

    def __len__(self) -> int:
        return len(self.keys[0]) if self.keys else self.rows


class ViewAnswer:
    """Rows of one view in the order asked; a row not found has event time NEVER_US and is all null.

    `blocks`: one matrix [n, features] per group of the layout. `nulls`: bool[n, width], or None when no found row has
    a null.
    """

    __slots__ = ("blocks", "event_us", "layout", "nulls")

    def __init__(
        self,
        layout: RowLayout,
        event_us: NDArray[np.int64],
        blocks: tuple[NDArray[Any], ...],
        nulls: NDArray[np.bool_] | None,
    ) -> None:
        self.layout = layout
        self.event_us = event_us
        self.blocks = blocks
        self.nulls = nulls

    def __len__(self) -> int:
        return len(self.event_us)

    @property
    def found(self) -> NDArray[np.bool_]:
        """Which rows exist, bool[n]."""
        found: NDArray[np.bool_] = self.event_us != NEVER_US
        return found

    def column(self, position: int) -> Column:
        """The feature at `position` of the schema; null where no row was found."""
        group, at = self.layout.place[position]
        valid = self.found
        if self.nulls is not None:
            valid &= ~self.nulls[:, position]
        return Column(self.blocks[group][:, at], None if valid.all() else valid)

    def columns(self, names: Sequence[str]) -> tuple[Column, ...]:
        """The features called `names`. Raises CommandError for a name the view does not have."""
        known = self.layout.names
        for name in names:
            if name not in known:
                raise CommandError(f'view {self.layout.view} has no feature "{name[:60]}"', fix=nearest(name, known))
        return tuple(self.column(known.index(name)) for name in names)

    def row(self, index: int) -> list[Any]:
        """Python values of one row in schema order, None where null or not found."""
        out: list[Any] = [None] * self.layout.width
        if self.event_us[index] == NEVER_US:
            return out
        for group, block in zip(self.layout.groups, self.blocks, strict=True):
            for position, value in zip(group.positions, block[index].tolist(), strict=True):
                out[position] = value
        if self.nulls is not None:
            for position in np.flatnonzero(self.nulls[index]).tolist():
                out[position] = None
        return out

    def matrix(self) -> NDArray[np.float32]:
        """float32[n, width] of a view of Float32 features, NaN where null or absent. Raises CommandError otherwise."""
        if not self.layout.is_matrix:
            raise CommandError(f"view {self.layout.view} is no matrix", fix="read its columns; only Float32 makes one")
        return np.ascontiguousarray(self.blocks[0])

    def without(self, positions: Sequence[int]) -> ViewAnswer:
        """The same rows with these features blanked and null: no longer in the answer at all."""
        nulls = np.zeros((len(self), self.layout.width), np.bool_) if self.nulls is None else self.nulls.copy()
        blocks = [block.copy() for block in self.blocks]
        for position in positions:
            group, at = self.layout.place[position]
            blocks[group][:, at] = self.layout.groups[group].blank
            nulls[:, position] = True
        return ViewAnswer(self.layout, self.event_us, tuple(blocks), nulls)


class OnlineStore(Protocol):
    """The newest row of every key. Newest: the greatest (event, created, sequence), then the greatest packed bytes.

    Any order and any repetition of writes therefore ends in one state. All methods may be called from any thread.
    """

    def declare(self, views: Iterable[FeatureView]) -> None:
        """Create what is missing. A view whose keys or features changed starts empty."""

    def drop(self, view: str) -> None:
        """Forget the rows and the watermark of `view`; nothing happens when there are none."""

    def write(self, view: FeatureView, rows: FeatureBlock) -> int:
        """Write rows; how many keys got a new row. Raises CommandError for a null key; nothing is then written."""

    def read(self, reads: Sequence[ViewRead]) -> list[ViewAnswer]:
        """All answers in one round trip."""

    def watermark_us(self, view: str) -> int:
        """Event time up to which everything is written; NEVER_US before the first run."""

    def advance_watermark(self, view: str, to_us: int) -> None:
        """Move the watermark forward; an earlier instant leaves it where it is."""

    def rows(self, view: str) -> int:
        """How many keys have a row."""

    def close(self) -> None:
        """Let go of files and connections."""


def undeclared(view: str, known: Iterable[str]) -> CommandError:
    """The error for a view this store does not hold."""
    return CommandError(f'view "{view[:60]}" is not in the online store', fix=nearest(view, known) + ", or declare it")


def typed_keys(read: ViewRead) -> tuple[KeyColumn, ...]:
    """The keys of a read by declared type. Raises CommandError for other types and unequal lengths."""
    if read.checked:
        return read.keys  # type: ignore[return-value]
    view = read.view
    if len(read.keys) != len(view.join_keys):
        raise CommandError(f"{len(read.keys)} key columns for view {view.name}", fix=f"one each of {view.join_keys}")
    keys = tuple(
        checked_keys(values, kind, name)
        for values, kind, name in zip(read.keys, view.key_types, view.join_keys, strict=True)
    )
    if len({len(column) for column in keys}) > 1:
        raise CommandError(f"the key columns of view {view.name} differ in length", fix="one value per row in each")
    return keys
