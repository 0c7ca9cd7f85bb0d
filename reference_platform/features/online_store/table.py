"""The rows of one view in memory, newest per key: dense when the entity says how many keys there are, else by hash."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference_platform.errors import CommandError
from reference_platform.features.columns import FeatureBlock
from reference_platform.features.definitions import FeatureView
from reference_platform.features.online_store.codec import RowCodec
from reference_platform.features.online_store.inputs import KeyColumn
from reference_platform.features.online_store.layout import RowBatch, RowLayout, batch_of
from reference_platform.features.online_store.port import ViewAnswer
from reference_platform.features.online_store.rivals import winners
from reference_platform.features.times import NEVER_US

_FIRST_CAPACITY = 64


@dataclass(frozen=True, slots=True)
class Overwritten:
    """Rows as they were before a write. `bits` are their null bits."""

    places: NDArray[np.int64]
    event_us: NDArray[np.int64]
    created_us: NDArray[np.int64]
    sequence: NDArray[np.int64]
    bits: NDArray[np.uint8]
    blocks: tuple[NDArray[Any], ...]


class OnlineTable:
    """Row 0 is the blank row that answers for every key without one, so that a read needs no case for it.

    With `key_count`, key k lies in row k+1. Otherwise `_places` says where a key lies.
    """

    def __init__(self, view: FeatureView, layout: RowLayout | None = None, *, dense: bool = True) -> None:
        self.view = view
        self.layout = layout or RowLayout(view)
        self.codec = RowCodec(view, self.layout)
        single = len(view.entities) == 1 and len(view.join_keys) == 1
        self.key_count = view.entity.key_count if dense and single and view.key_types[0].dtype != "O" else None
        self.before_write: Callable[[Overwritten], None] | None = None
        """Told what is about to be overwritten."""
        self._places: dict[Any, int] = {}
        self._used: int = 1
        self._allocate(1 + (self.key_count if self.key_count is not None else _FIRST_CAPACITY))

    def __len__(self) -> int:
        """How many keys have a row."""
        if self.key_count is None:
            return self._used - 1
        return int(np.count_nonzero(self._event_us != NEVER_US))

    @property
    def row_bytes(self) -> int:
        """Memory of one row without its key and without what strings and lists hold."""
        return sum(int(block.strides[0]) for block in self._blocks) + 24 + self.layout.null_bytes

    def upsert(self, rows: FeatureBlock) -> int:
        """Take the rows that win; how many keys got a new row. Raises CommandError for null or impossible keys."""
        return self.upsert_batch(batch_of(self.view, self.layout, rows))

    def upsert_batch(self, rows: RowBatch) -> int:
        """`upsert` of a checked batch."""
        if not len(rows):
            return 0
        places = self._places_to_write(rows)
        chosen = self._without_rivals(rows, places)
        if chosen is not None:
            rows, places = rows.take(chosen), places[chosen]
        wins = self._beats_stored(rows, places)
        if not wins.all():
            index = np.flatnonzero(wins)
            rows, places = rows.take(index), places[index]
        if self.before_write is not None and len(places):
            self.before_write(self._rows_at(np.asarray(places)))
        self._event_us[places] = rows.event_us
        self._created_us[places] = rows.created_us
        self._sequence[places] = rows.sequence
        for block, new in zip(self._blocks, rows.blocks, strict=True):
            block[places] = new
        if rows.nulls is not None:
            self._bits[places] = np.packbits(rows.nulls, axis=1)
            self._any_null = True
        elif self._any_null:
            self._bits[places] = 0
        return len(places)

    def _rows_at(self, places: NDArray[np.int64]) -> Overwritten:
        blocks = tuple(block[places] for block in self._blocks)
        versions = self._event_us[places], self._created_us[places], self._sequence[places]
        return Overwritten(places, *versions, self._bits[places], blocks)

    def with_rows_back(self, writes: Sequence[Overwritten]) -> OnlineTable:
        """A copy from before these writes, given in the order in which they came. A key that came with one of them has
        no row in it. For reading."""
        before = copy(self)
        for name in ("_event_us", "_created_us", "_sequence", "_bits"):
            setattr(before, name, getattr(self, name).copy())
        before._blocks = tuple(block.copy() for block in self._blocks)
        for rows in reversed(writes):
            before._event_us[rows.places] = rows.event_us
            before._created_us[rows.places] = rows.created_us
            before._sequence[rows.places] = rows.sequence
            before._bits[rows.places] = rows.bits
            for block, old in zip(before._blocks, rows.blocks, strict=True):
                block[rows.places] = old
        return before

    def places(self, keys: Sequence[KeyColumn], rows: int = 1) -> NDArray[np.int64] | list[int]:
        """Where the rows of typed keys lie; 0 for a key without a row."""
        if self.key_count is not None:
            return _dense_places(keys[0], self.key_count)
        get = self._places.get
        if len(keys) == 1:
            column = keys[0].tolist() if isinstance(keys[0], np.ndarray) else keys[0]
            return [get(key, 0) for key in column]
        if not keys:
            return [get((), 0)] * rows
        plain = [key.tolist() if isinstance(key, np.ndarray) else key for key in keys]
        return [get(key, 0) for key in zip(*plain, strict=True)]

    def gather(self, places: NDArray[np.int64] | list[int]) -> ViewAnswer:
        """The rows at `places`, copied."""
        index = np.asarray(places, dtype=np.int64)
        nulls = None
        if self._any_null:
            bits = self._bits.take(index, axis=0)
            if bits.any():
                nulls = np.unpackbits(bits, axis=1, count=self.layout.width).view(np.bool_)
        return ViewAnswer(
            self.layout,
            self._event_us.take(index),
            tuple([block.take(index, axis=0) for block in self._blocks]),
            nulls,
        )

    def batch_at(self, keys: tuple[KeyColumn, ...], places: NDArray[np.int64]) -> RowBatch:
        """The rows at `places` as they were written; all of them must exist."""
        answer = self.gather(places)
        return RowBatch(
            keys, answer.event_us, self._created_us[places], self._sequence[places], answer.blocks, answer.nulls
        )

    def stored_keys(self) -> list[Any]:
        """Keys that have a row: ascending when dense, else as they came."""
        if self.key_count is None:
            return list(self._places)
        return np.flatnonzero(self._event_us[1:] != NEVER_US).tolist()

    def state(self) -> dict[str, NDArray[Any]]:
        """All rows as named arrays, copied. Keys other than 0 .. key_count-1 come as `key0`, `key1`, ..."""
        rows = slice(1, self._used if self.key_count is None else None)
        out: dict[str, NDArray[Any]] = {}
        if self.key_count is None:
            for number, kind in enumerate(self.layout.key_types):
                plain = [key[number] if len(self.layout.key_types) > 1 else key for key in self._places]
                column = np.empty(len(plain), dtype=np.int64 if kind.dtype != "O" else object)
                column[:] = plain
                out[f"key{number}"] = column
        out |= {f"values{number}": block[rows].copy() for number, block in enumerate(self._blocks)}
        out |= {"event_us": self._event_us[rows].copy(), "created_us": self._created_us[rows].copy()}
        out |= {"sequence": self._sequence[rows].copy(), "nulls": self._bits[rows].copy()}
        return out

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Take over what `state` returned, in place of everything. Raises ValueError for arrays of another view."""
        count = len(state["event_us"])
        shapes = [state[f"values{number}"].shape for number in range(len(self._blocks))]
        wanted = [(count, block.shape[1]) for block in self._blocks]
        if shapes != wanted or (self.key_count is not None and count != self.key_count):
            raise ValueError(f"{self.view.name} has shapes {shapes}, expected {wanted}")
        if self.key_count is None:
            columns = [state[f"key{number}"].tolist() for number in range(len(self.layout.key_types))]
            keys = columns[0] if len(columns) == 1 else list(zip(*columns, strict=True)) if columns else [()] * count
            self._places = {key: place for place, key in enumerate(keys, start=1)}
            self._used = count + 1
            self._allocate(max(count + 1, _FIRST_CAPACITY))
        rows = slice(1, count + 1)
        for number, block in enumerate(self._blocks):
            block[rows] = state[f"values{number}"]
        self._event_us[rows] = state["event_us"]
        self._created_us[rows] = state["created_us"]
        self._sequence[rows] = state["sequence"]
        self._bits[rows] = state["nulls"]
        self._any_null = bool(self._bits.any())

    def _allocate(self, capacity: int) -> None:
        self._event_us = np.full(capacity, NEVER_US)
        self._created_us = np.full(capacity, NEVER_US)
        self._sequence = np.zeros(capacity, dtype=np.int64)
        self._bits = np.zeros((capacity, self.layout.null_bytes), dtype=np.uint8)
        self._blocks = self.layout.blank_blocks(capacity)
        self._rank = np.zeros(capacity, dtype=np.int64)
        self._any_null = False

    def _grow(self, needed: int) -> None:
        capacity = len(self._event_us)
        if needed <= capacity:
            return
        old = (self._event_us, self._created_us, self._sequence, self._bits, self._blocks, self._any_null)
        self._allocate(max(needed, 2 * capacity))
        self._event_us[:capacity], self._created_us[:capacity], self._sequence[:capacity] = old[:3]
        self._bits[:capacity] = old[3]
        for block, before in zip(self._blocks, old[4], strict=True):
            block[:capacity] = before
        self._any_null = old[5]

    def _places_to_write(self, rows: RowBatch) -> NDArray[np.int64]:
        if self.key_count is not None:
            keys = np.asarray(rows.keys[0])
            if int(keys.min()) < 0 or int(keys.max()) >= self.key_count:
                row = int(np.argmax((keys < 0) | (keys >= self.key_count)))
                raise CommandError(
                    f'view {self.view.name}, row {row}: join key "{self.view.join_keys[0]}" is outside its range',
                    fix=f"keys are 0 to {self.key_count - 1}, as the entity declares",
                )
            return keys + 1
        table, used = self._places, self._used
        places = []
        for key in rows.key_list():
            place = table.get(key)
            if place is None:
                table[key] = place = used
                used += 1
            places.append(place)
        self._used = used
        self._grow(used)
        return np.array(places, dtype=np.int64)

    def _without_rivals(self, rows: RowBatch, places: NDArray[np.int64]) -> NDArray[np.int64] | None:
        """Row numbers that hold the winner of every place, or None when no place is written twice."""
        numbers = np.arange(len(places))
        self._rank[places] = numbers
        if (self._rank[places] == numbers).all():
            return None
        return np.sort(winners(self.codec, rows, places))

    def _beats_stored(self, rows: RowBatch, places: NDArray[np.int64]) -> NDArray[np.bool_]:
        wins = rows.event_us > self._event_us[places]
        tied = rows.event_us == self._event_us[places]
        if not tied.any():
            return wins
        for mine, stored in ((rows.created_us, self._created_us[places]), (rows.sequence, self._sequence[places])):
            wins |= tied & (mine > stored)
            tied &= mine == stored
        index = np.flatnonzero(tied)
        if len(index):
            again = rows.take(index)
            new = self.codec.encode_batch(again)
            old = self.codec.encode_batch(self.batch_at(again.keys, places[index]))
            wins[index] = [mine > stored for mine, stored in zip(new, old, strict=True)]
        return wins


def _dense_places(keys: KeyColumn, count: int) -> NDArray[np.int64] | list[int]:
    if isinstance(keys, np.ndarray):
        inside = (keys >= 0) & (keys < count)
        places: NDArray[np.int64] = keys + 1 if inside.all() else np.where(inside, keys, -1) + 1
        return places
    return [key + 1 if key is not None and 0 <= key < count else 0 for key in keys]
