"""Tiles: what happened to one entity within one slide. Windows are ranges of tiles.

Tiles lie in a few sorted runs, each at least twice as long as the next, so that adding costs O(log) per tile. The same
tile may be in several runs, in part; a query merges whatever it finds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from reference_platform.features.windows.ranges import flattened, starts_of
from reference_platform.features.windows.states import State

Ints = NDArray[np.int64]
States = tuple[State, ...]

TILE_BITS = 31
"""Tiles of one run lie within 2^31 slides."""
SLOTS_MAX = 1 << 21
"""Slots merged in one step of a query, to bound memory."""


class TileRun:
    """Tiles sorted by (code of the entity, number of the tile), each once."""

    def __init__(self, code: Ints, tile: Ints, states: States) -> None:
        self.code = code
        self.tile = tile
        self.states = states
        self._origin = int(tile.min()) if len(tile) else 0
        assert not len(tile) or int(tile.max()) - self._origin < 1 << TILE_BITS, "advance more often"
        self._packed = (code << TILE_BITS) | (tile - self._origin)
        self._order: Ints | None = None

    def __len__(self) -> int:
        return len(self.code)

    @property
    def first(self) -> int:
        """The lowest tile; 0 for a run without any."""
        return self._origin

    def search(self, codes: Ints, tiles: Ints) -> Ints:
        """Where (code, tile) would be inserted, before equal ones."""
        limit = (1 << TILE_BITS) - 1
        return np.searchsorted(self._packed, (codes << TILE_BITS) | np.clip(tiles - self._origin, 0, limit))

    def of_codes(self, codes: Ints) -> Ints:
        """Rows of the entities `codes`."""
        first = np.full(len(codes), self._origin)
        return flattened(self.search(codes, first), self.search(codes + 1, first))

    def of_tiles(self, first: int, end: int) -> Ints:
        """Rows whose tile lies in [first, end)."""
        return self._by_tile()[self.before(first) : self.before(end)]

    def before(self, tile: int) -> int:
        """How many tiles lie before `tile`."""
        return int(np.searchsorted(self.tile, tile, sorter=self._by_tile()))

    def next_tile(self, first: int) -> int | None:
        """The lowest tile from `first` on."""
        rank = self.before(first)
        return int(self.tile[self._by_tile()[rank]]) if rank < len(self) else None

    def _by_tile(self) -> Ints:
        if self._order is None:
            self._order = np.argsort(self.tile, kind="stable")
        return self._order

    def since(self, tile: int) -> TileRun:
        """Without tiles before `tile`."""
        kept = np.flatnonzero(self.tile >= tile)
        return TileRun(self.code[kept], self.tile[kept], tuple(state.take(kept) for state in self.states))

    def with_codes(self, code: Ints) -> TileRun:
        """The same tiles under other codes, which must keep their order."""
        return TileRun(code, self.tile, self.states)


def run_of(code: Ints, tile: Ints, states: States) -> TileRun:
    """A run of slots in any order; those of the same tile are merged."""
    order = np.lexsort((tile, code))
    code, tile = code[order], tile[order]
    starts = np.flatnonzero(
        np.append(True, (code[1:] != code[:-1]) | (tile[1:] != tile[:-1]))[: len(code)]
    ).astype(np.int64)  # fmt: skip
    if len(starts) == len(code):
        return TileRun(code, tile, tuple(state.take(order) for state in states))
    return TileRun(code[starts], tile[starts], tuple(state.take(order).reduce(starts) for state in states))


def merged(runs: Sequence[TileRun]) -> TileRun:
    """One run of several."""
    assert runs
    if len(runs) == 1:
        return runs[0]
    return run_of(
        np.concatenate([run.code for run in runs]),
        np.concatenate([run.tile for run in runs]),
        tuple(every[0].joined(every[1:]) for every in zip(*(run.states for run in runs), strict=True)),
    )


class Tiles:
    """Runs of tiles. `nothing`: one slot per accumulator, without events."""

    def __init__(self, nothing: States) -> None:
        self.runs: list[TileRun] = []
        self._nothing = nothing

    def __len__(self) -> int:
        return sum(map(len, self.runs))

    def add(self, run: TileRun) -> None:
        """Take in a run; the last ones are merged while they are of like length."""
        if not len(run):
            return
        self.runs.append(run)
        while len(self.runs) > 1 and len(self.runs[-2]) < 2 * len(self.runs[-1]):
            last = self.runs.pop()
            self.runs[-1] = merged([self.runs[-1], last])

    def compact(self) -> TileRun:
        """All of it as one run."""
        if self.runs:
            self.runs = [merged(self.runs)]
            return self.runs[0]
        none = np.empty(0, dtype=np.int64)
        return TileRun(none, none, tuple(state.take(none) for state in self._nothing))

    def drop_before(self, tile: int) -> None:
        """Forget tiles before `tile`: at once where they are half of a run, else when runs are merged next."""
        kept = [run.since(tile) if 2 * run.before(tile) >= len(run) else run for run in self.runs]
        self.runs = [run for run in kept if len(run)]


class Searched(Protocol):
    """A run of tiles, or some accumulators of one."""

    states: States

    def search(self, codes: Ints, tiles: Ints, /) -> Ints: ...


def window(runs: Sequence[Searched], nothing: States, codes: Ints, ends: Ints, width: int) -> States:
    """What happened to entity codes[i] in tiles [ends[i] - width, ends[i]): one slot each. Cost: O(tiles found)."""
    lows = [run.search(codes, ends - width) for run in runs]
    highs = [run.search(codes, ends) for run in runs]
    found = (
        np.sum([high - low for low, high in zip(lows, highs, strict=True)], axis=0) if runs else np.zeros(len(codes))
    )
    if len(codes) > 1 and found.sum() > SLOTS_MAX:
        middle = len(codes) // 2
        first = window(runs, nothing, codes[:middle], ends[:middle], width)
        second = window(runs, nothing, codes[middle:], ends[middle:], width)
        return tuple(a.joined([b]) for a, b in zip(first, second, strict=True))
    picked = [flattened(low, high) for low, high in zip(lows, highs, strict=True)]
    queries = [np.repeat(np.arange(len(codes)), high - low) for low, high in zip(lows, highs, strict=True)]
    query = np.concatenate(queries) if queries else np.empty(0, dtype=np.int64)
    if not len(query):
        return tuple(one.take(np.zeros(len(codes), dtype=np.int64)) for one in nothing)
    order = np.argsort(query, kind="stable") if len(runs) > 1 else None
    starts = starts_of(query if order is None else query[order])
    slot = np.zeros(len(codes), dtype=np.int64)
    slot[found > 0] = np.arange(1, len(starts) + 1)
    results: list[State] = []
    for number, one in enumerate(nothing):
        parts = [run.states[number].take(rows) for run, rows in zip(runs, picked, strict=True)]
        every = parts[0].joined(parts[1:]) if len(parts) > 1 else parts[0]
        results.append(one.joined([(every if order is None else every.take(order)).reduce(starts)]).take(slot))
    return tuple(results)
