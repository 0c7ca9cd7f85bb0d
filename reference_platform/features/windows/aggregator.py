"""Keeps the windows of one stream view up to date while events arrive: late, twice and in any order."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference_platform.errors import CommandError, ContentError
from reference_platform.features.columns import Column, FeatureBlock
from reference_platform.features.stream_views import StreamFeatureView
from reference_platform.features.times import FAR_US, NEVER_US
from reference_platform.features.windows.copies import SeenEvents
from reference_platform.features.windows.entities import Entities, key_order
from reference_platform.features.windows.events import EventColumns, Events, read_events
from reference_platform.features.windows.results import WindowPlan, differs
from reference_platform.features.windows.stored import named, part
from reference_platform.features.windows.tiles import TILE_BITS, TileRun, Tiles, run_of

Ints = NDArray[np.int64]

STATE_VERSION = 1
DEAD_ENTITIES_MIN = 1024
"""Codes of entities without tiles are given back once there are this many, and as many as of living ones."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """Events that changed no window, by reason."""

    late: int = 0
    """Arrived more than `allowed_lateness` after they happened."""
    early: int = 0
    """Happened further in the future of their arrival than any window is long: a broken clock."""
    duplicate: int = 0
    keyless: int = 0
    """A join key was null."""
    timeless: int = 0
    """The event time was null."""


class WindowAggregator:
    """Rows of `view` out of its events, each once: `ingest` what arrives, `advance` to publish what closed or changed.

    A window of length w that ends at t holds the events of [t - w, t); t is a multiple of the slide. It closes when an
    advance reaches t. An event that arrives within `allowed_lateness` of its own time corrects every window it belongs
    to: rows of the same event time and a later creation. `event_id` names a column by which copies are told: events
    of equal id and event time count once. Windows depend on what arrived before an advance, never on how it was cut
    into batches.

    What is kept is bounded: tiles of the longest window and the allowed lateness, and the ids of that lateness.
    """

    def __init__(self, view: StreamFeatureView, *, event_id: str = "") -> None:
        self.view = view
        self.dropped = Dropped()
        self._event_id = event_id
        self._plan = WindowPlan(view)
        self._slide_us = view.slide_us
        self._lateness_us = view.allowed_lateness // timedelta(microseconds=1)
        self._longest = max(self._plan.widths)
        self._ahead_us = self._longest * self._slide_us
        horizon = 3 * self._longest + self._lateness_us // self._slide_us + 2
        if horizon >= 1 << (TILE_BITS - 1):
            raise ContentError(f"stream view {view.name} spans {horizon:,} slides", fix="use a longer slide_interval")
        self._entities = Entities(view.key_types)
        self._seen = SeenEvents()
        self._tiles = Tiles(self._plan.nothing)
        self._fresh = Tiles(self._plan.nothing)
        self._now_us = NEVER_US
        self._arrived_us = NEVER_US
        self._closed: int | None = None
        self._sequence = 0

    @property
    def late_dropped(self) -> int:
        """Events that came too late to count."""
        return self.dropped.late

    @property
    def tiles(self) -> int:
        """How many tiles it keeps."""
        return len(self._tiles) + len(self._fresh)

    @property
    def entities(self) -> int:
        """How many keys it remembers."""
        return len(self._entities)

    def ingest(self, events: EventColumns, arrived_us: int | Ints) -> None:
        """Take in events that arrived at `arrived_us`: one instant, or one per event.

        `events` holds the join keys, the event time (`datetime64`, or int64 microseconds) and the aggregated columns
        by the names in the source. Null values of a column do not count. Raises CommandError, and takes in nothing,
        when a column is missing or does not fit, or when an event arrived before the last advance; one that arrives
        at that very instant is published by the next.
        """
        read = read_events(self.view, events, arrived_us, self._event_id, self._plan.columns)
        if not len(read):
            return
        if read.arrived_us[0] < self._now_us:
            raise CommandError(f"events of stream view {self.view.name} arrived before its last advance",
                               why="what was published would depend on when it was asked for",
                               fix="ingest what has arrived, then advance")  # fmt: skip
        kept, dropped = self._sifted(read)
        event_us, arrived = kept.event.values, kept.arrived_us
        states = tuple(
            one.lifted(kept.columns[one.column], event_us, arrived) for one in self._plan.accumulators
        )  # fmt: skip
        if kept.identity is not None:
            hashes, has_id = kept.identity
            new = self._seen.add(hashes, has_id, event_us)
            dropped = _more(dropped, duplicate=len(kept) - len(new))
            kept, states = kept.take(new), tuple(state.take(new) for state in states)
        self.dropped = _more(self.dropped, **asdict(dropped))
        if len(kept):
            codes = self._entities.codes(tuple(key.values for key in kept.keys), len(kept))
            self._fresh.add(run_of(codes, kept.event.values // self._slide_us, states))

    def advance(self, now_us: int) -> FeatureBlock:
        """Rows of every closed window end whose value changed, by event time, then key; `created_us` is `now_us`.

        An entity whose windows become empty gets one last row: counts and sums 0, all else null. Raises CommandError
        when time runs backwards.
        """
        if now_us < self._now_us or abs(now_us) > FAR_US:
            raise CommandError(f"stream view {self.view.name} cannot go back in time", fix="advance to the present")
        self._now_us = now_us
        end = now_us // self._slide_us
        fresh = self._fresh.compact()
        if self._closed is None:
            self._closed = min(end, fresh.first) if len(fresh) else end
        old = list(self._tiles.runs)
        if len(fresh) or ((next_us := self.next_end_us) is not None and next_us <= now_us):
            runs = [*old, fresh] if len(fresh) else old
            block = self._changes(old, runs, fresh, self._closed, end, now_us)
        else:
            none = np.empty(0, dtype=np.int64)
            block = self._block(none, none, self._plan.answer(old, none, none), none, now_us)
        self._fresh = Tiles(self._plan.nothing)
        self._tiles.add(fresh)
        self._closed = end
        self._forget(now_us)
        return block

    @property
    def next_end_us(self) -> int | None:
        """The first window end after the last advance at which a value may change, if nothing more arrives."""
        if self._closed is None:
            tiles = [run.first for run in self._fresh.runs]
            return (min(tiles) + 1) * self._slide_us if tiles else None
        found: list[int] = []
        for run in (*self._tiles.runs, *self._fresh.runs):
            for width in (0, *self._plan.widths):
                tile = run.next_tile(self._closed - width)
                if tile is not None:
                    found.append(tile + 1 + width)
        return min(found) * self._slide_us if found else None

    def state(self) -> dict[str, NDArray[Any]]:
        """Everything it knows, as named arrays of numbers: `restore` of an equal view resumes exactly here."""
        numbers = [STATE_VERSION, self._now_us, self._sequence, *asdict(self.dropped).values()]
        closed = [] if self._closed is None else [self._closed]
        found: dict[str, NDArray[Any]] = {
            "numbers": np.array(numbers, dtype=np.int64),
            "closed": np.array(closed, dtype=np.int64),
            "view_sha256": np.frombuffer(self._fingerprint(), dtype=np.uint8).copy(),
        }
        found |= named("entities.", self._entities.arrays()) | named("seen.", self._seen.arrays())
        for name, tiles in (("tiles.", self._tiles), ("fresh.", self._fresh)):
            run = tiles.compact()
            found |= {f"{name}code": run.code, f"{name}tile": run.tile}
            for place, state in enumerate(run.states):
                found |= named(f"{name}{place}.", state.arrays())
        return found

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from `state`. Raises CommandError when it is of another view, or damaged."""
        try:
            if state["view_sha256"].tobytes() != self._fingerprint() or state["numbers"][0] != STATE_VERSION:
                raise CommandError(f"the state is not of stream view {self.view.name} as it is declared now",
                                   fix="rebuild it from the archive of events")  # fmt: skip
            numbers = [int(number) for number in state["numbers"]]
            restored = [self._restored_run(part(name, state)) for name in ("tiles.", "fresh.")]
            self._entities.restore(part("entities.", state))
            self._seen.restore(part("seen.", state))
        except (KeyError, IndexError, ValueError) as error:
            raise CommandError(f"the state of stream view {self.view.name} is damaged",
                               fix="rebuild it from the archive of events") from error  # fmt: skip
        self._now_us, self._sequence = numbers[1], numbers[2]
        self.dropped = Dropped(*numbers[3:])
        self._closed = int(state["closed"][0]) if len(state["closed"]) else None
        self._tiles, self._fresh = Tiles(self._plan.nothing), Tiles(self._plan.nothing)
        self._tiles.add(restored[0])
        self._fresh.add(restored[1])

    def _restored_run(self, arrays: Mapping[str, NDArray[Any]]) -> TileRun:
        states = tuple(one.restored(part(f"{place}.", arrays)) for place, one in enumerate(self._plan.accumulators))
        return TileRun(arrays["code"], arrays["tile"], states)

    def _fingerprint(self) -> bytes:
        view = self.view
        parts = [view.name, self._event_id, str(self._lateness_us), view.code_sha256]
        parts += [f"{name}:{kind}" for name, kind in zip(view.join_keys, view.key_types, strict=True)]
        parts += [f"{one!r}:{field.dtype}" for one, field in zip(view.aggregations, view.schema, strict=True)]
        return hashlib.sha256("\n".join(parts).encode()).digest()

    def _sifted(self, events: Events) -> tuple[Events, Dropped]:
        """The events that may count, and how many may not."""
        keyed = np.ones(len(events), dtype=np.bool_)
        for key in events.keys:
            keyed &= key.mask()
        timed = keyed & events.event.mask()
        age_us = events.arrived_us - np.where(timed, events.event.values, events.arrived_us)
        late = timed & (age_us > self._lateness_us)
        early = timed & (age_us < -self._ahead_us)
        dropped = Dropped(
            late=int(late.sum()),
            early=int(early.sum()),
            keyless=int((~keyed).sum()),
            timeless=int((keyed & ~timed).sum()),
        )
        kept = timed & ~late & ~early
        return (events if kept.all() else events.take(np.flatnonzero(kept))), dropped

    def _changes(
        self, old: list[TileRun], runs: list[TileRun], fresh: TileRun, closed: int, end: int, now_us: int
    ) -> FeatureBlock:
        """Rows to publish. A value can only change where a tile enters or leaves a window."""
        new_codes, new_ends = self._moved(runs, closed, end)
        late_codes, late_ends = self._corrected(runs, fresh, closed)
        codes, ends = np.concatenate([late_codes, new_codes]), np.concatenate([late_ends, new_ends])
        late = np.arange(len(codes)) < len(late_codes)
        both = self._plan.answer(runs, np.tile(codes, 2), np.concatenate([ends, ends - 1]))
        values = tuple(column.take(np.arange(len(codes))) for column in both)
        before = tuple(column.take(np.arange(len(codes), 2 * len(codes))) for column in both)
        moved = differs(values, before)
        if late.any():
            count = len(late_codes)
            was = self._plan.answer(old, np.tile(late_codes, 2), np.concatenate([late_ends, late_ends - 1]))
            was_here = tuple(column.take(np.arange(count)) for column in was)
            was_before = tuple(column.take(np.arange(count, 2 * count)) for column in was)
            # Where nothing was published, the corrected value of the end before would go on too long.
            carried = moved[:count] & ~differs(was_here, was_before)
            moved[:count] = differs(tuple(column.take(np.arange(count)) for column in values), was_here) | carried
        return self._block(codes, ends, values, np.flatnonzero(moved), now_us)

    def _moved(self, runs: list[TileRun], closed: int, end: int) -> tuple[Ints, Ints]:
        """Entities and ends in (closed, end] at which a tile enters or leaves one of their windows."""
        codes, ends = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
        if end > closed:
            for run in runs:
                for width in (0, *self._plan.widths):
                    rows = run.of_tiles(closed - width, end - width)
                    codes.append(run.code[rows])
                    ends.append(run.tile[rows] + 1 + width)
        return _pairs(np.concatenate(codes), np.concatenate(ends))

    def _corrected(self, runs: list[TileRun], fresh: TileRun, closed: int) -> tuple[Ints, Ints]:
        """Entities with events in tiles before `closed`, and the closed ends at which their values may change."""
        rows = np.flatnonzero(fresh.tile < closed)
        codes, ends = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
        if len(rows):
            entities = np.unique(fresh.code[rows])
            firsts = fresh.tile[rows][np.searchsorted(fresh.code[rows], entities)]
            for run in runs:
                found = run.of_codes(entities)
                first = firsts[np.searchsorted(entities, run.code[found])]
                for width in (0, *self._plan.widths):
                    at = run.tile[found] + 1 + width
                    chosen = (at > first) & (at <= closed)
                    codes.append(run.code[found][chosen])
                    ends.append(at[chosen])
        return _pairs(np.concatenate(codes), np.concatenate(ends))

    def _block(self, codes: Ints, ends: Ints, values: tuple[Column, ...], rows: Ints, now_us: int) -> FeatureBlock:
        codes, ends = codes[rows], ends[rows]
        keys = self._entities.keys(codes)
        order = key_order(keys, ends)
        sequence = self._sequence + np.arange(len(rows), dtype=np.int64)
        self._sequence += len(rows)
        return FeatureBlock(
            tuple(key[order] for key in keys),
            (ends * self._slide_us)[order],
            np.full(len(rows), now_us, dtype=np.int64),
            sequence,
            tuple(_tidy(column.take(rows[order])) for column in values),
        )

    def _forget(self, now_us: int) -> None:
        """Drop what can no longer matter: tiles before any window that may still be corrected, ids, entities."""
        first = (now_us - self._lateness_us) // self._slide_us - self._longest
        self._tiles.drop_before(first)
        self._seen.drop_before(now_us - self._lateness_us)
        living = sum(len(run) for run in self._tiles.runs)
        if len(self._entities) >= DEAD_ENTITIES_MIN + 2 * living:
            codes = np.unique(np.concatenate([np.empty(0, dtype=np.int64), *(run.code for run in self._tiles.runs)]))
            self._entities.keep(codes)
            self._tiles.runs = [run.with_codes(np.searchsorted(codes, run.code)) for run in self._tiles.runs]


def _pairs(codes: Ints, ends: Ints) -> tuple[Ints, Ints]:
    """Each pair once."""
    order = np.lexsort((codes, ends))
    codes, ends = codes[order], ends[order]
    first = np.append(True, (codes[1:] != codes[:-1]) | (ends[1:] != ends[:-1]))[: len(codes)]
    return codes[first], ends[first]


def _tidy(column: Column) -> Column:
    return Column(column.values) if column.valid is not None and column.valid.all() else column


def _more(dropped: Dropped, **more: int) -> Dropped:
    return Dropped(**{one.name: getattr(dropped, one.name) + more.get(one.name, 0) for one in fields(Dropped)})
