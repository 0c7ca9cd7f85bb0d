"""Rows sorted by (key, event, created, sequence), as one Arrow file; and finding among them what answers a label.

Beside the rows lie, for each key, the instants at which rows became known, in order, and which row was the best from
then on. What was known at an instant is so one search away, however late rows arrived.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reference_platform.features.times import NEVER_US, to_us

if TYPE_CHECKING:
    import pyarrow as pa

Integers = NDArray[np.int64]
ROWS, KEYS, WORDS = "rows.arrow", "keys.arrow", "words-{}.arrow"
"""Files of a part: one row each; one key each; the distinct values of one column of keys."""

CODES_MAX = 1 << 62
_TABLE_PER_KEY = 8
_NEVER_KNOWN = int(np.iinfo(np.int64).max)


class UnsortableError(Exception):
    """These rows cannot be kept sorted; the text says why."""


@dataclass(frozen=True, slots=True)
class Versions:
    """What orders rows of one key. `created_us` None: known at their event."""

    event_us: Integers
    created_us: Integers | None
    sequence: Integers


def comparable(column: Any) -> tuple[Any, str]:
    """A column of keys in the one type that all its kin compare in, and the kind: integers, text or bytes.

    Raises UnsortableError for other kinds and for numbers that are no integers.
    """
    import pyarrow as pa

    kinds = pa.types
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(whole, pa.ChunkedArray):
        whole = pa.concat_arrays(whole.chunks) if whole.num_chunks else pa.array([], whole.type)
    if kinds.is_dictionary(whole.type):
        whole = whole.dictionary_decode()
    try:
        if kinds.is_integer(whole.type):
            return whole.cast(pa.int64()), "integers"
        if kinds.is_string(whole.type) or kinds.is_large_string(whole.type):
            return whole.cast(pa.large_string()), "text"
        if kinds.is_binary(whole.type) or kinds.is_large_binary(whole.type):
            return whole.cast(pa.large_binary()), "bytes"
    except pa.ArrowInvalid as error:
        raise UnsortableError(str(error).splitlines()[0]) from error
    raise UnsortableError(f"keys of type {whole.type} are not kept sorted")


def write_part(folder: Path, keys: Sequence[Any], versions: Versions, features: pa.Table) -> int:
    """Sort rows and write them as the files of a part; how many had a key and an event, and were kept."""
    import pyarrow as pa

    folder.mkdir(parents=True)
    columns = [comparable(column)[0] for column in keys]
    usable = versions.event_us != NEVER_US
    for column in columns:
        if column.null_count:
            usable &= np.asarray(column.is_valid())
    codes, words = _coded(columns, len(usable))
    created_us = versions.event_us if versions.created_us is None else versions.created_us
    at = np.flatnonzero(usable)
    # A stable sort: of rows that agree on everything, the last in the source stays last.
    order = at[np.lexsort((versions.sequence[at], created_us[at], versions.event_us[at], codes[at]))]
    codes, event_us, created_us = codes[order], versions.event_us[order], created_us[order]
    fresh = np.flatnonzero(np.diff(codes, prepend=-1)) if len(codes) else order
    sorted_rows = {"event": pa.array(event_us), "sequence": pa.array(versions.sequence[order])}
    if (created_us > event_us).any() or (created_us == NEVER_US).any():
        known_us = np.where(created_us == NEVER_US, _NEVER_KNOWN, np.maximum(event_us, created_us))
        by_known = np.lexsort((np.arange(len(codes)), known_us, codes))
        # Rows of later keys stand later, so that one running maximum serves all keys.
        best = np.maximum.accumulate(by_known) if len(by_known) else by_known
        sorted_rows |= {"known": pa.array(known_us[by_known]), "best": pa.array(best)}
    taken = features.take(pa.array(order)).combine_chunks()
    names = [*sorted_rows, *(f"c{index}" for index in range(taken.num_columns))]
    _write(folder / ROWS, pa.Table.from_arrays([*sorted_rows.values(), *taken.columns], names=names))
    _write(folder / KEYS, pa.table({"code": codes[fresh], "start": fresh}))
    for index, values in enumerate(words):
        _write(folder / WORDS.format(index), pa.table({"word": values}))
    return len(order)


def _coded(columns: Sequence[Any], rows: int) -> tuple[Integers, list[Any]]:
    """Keys as one number per row, and the distinct values of each column; a single column of integers is its number."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if len(columns) == 1 and pa.types.is_integer(columns[0].type):
        return columns[0].fill_null(0).to_numpy(zero_copy_only=False), []
    codes, room, words = np.zeros(rows, dtype=np.int64), 1, []
    for column in columns:
        values = column.unique().drop_null()
        room *= max(len(values), 1)
        if room >= CODES_MAX:
            raise UnsortableError("its keys have too many combinations")
        mine = pc.index_in(column, value_set=values).fill_null(0)
        codes = codes * max(len(values), 1) + mine.to_numpy(zero_copy_only=False)
        words.append(values)
    return codes, words


def _write(path: Path, table: pa.Table) -> None:
    import pyarrow as pa

    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        # One batch, so that every column can be mapped as one array.
        writer.write_table(table.combine_chunks(), max_chunksize=max(table.num_rows, 1))


def _mapped(path: Path) -> pa.Table:
    import pyarrow as pa

    with pa.memory_map(str(path)) as file:
        return pa.ipc.open_file(file).read_all()


class SortedPart:
    """A part, mapped into memory: nothing is read that no label asks for. Raises OSError or pa.ArrowInvalid."""

    def __init__(self, folder: Path, key_columns: int) -> None:
        self._rows = _mapped(folder / ROWS)
        keys = _mapped(folder / KEYS)
        self._places = _Places(_numbers(keys, "code"))
        self._start = np.append(_numbers(keys, "start"), self._rows.num_rows)
        paths = [folder / WORDS.format(index) for index in range(key_columns)]
        self._words = [_whole(_mapped(path).column("word")) for path in paths if path.exists()]
        self._event_us = _numbers(self._rows, "event")
        late = "known" in self._rows.column_names
        self._known_us = _numbers(self._rows, "known") if late else self._event_us
        self._best = _numbers(self._rows, "best") if late else None

    @property
    def feature_types(self) -> list[pa.DataType]:
        """Types of the features, in the order they were written in."""
        return [field.type for field in self._rows.schema if field.name.startswith("c")]

    def find(
        self, keys: Sequence[Any], time_us: Integers, valid: NDArray[np.bool_], ttl_us: int | None, known: bool
    ) -> Integers:
        """For each label the row that answers, -1 where none does. `keys`: columns as `comparable` gives them."""
        group = np.where(valid, self._groups(keys, len(time_us)), -1)
        asks = np.flatnonzero(group >= 0)
        when, group = time_us[asks], group[asks]
        first = self._start[group]
        row = _last_before(self._known_us if known else self._event_us, when, first, self._start[group + 1]) - 1
        found = row >= first
        if known and self._best is not None:
            row = self._best.take(np.maximum(row, 0)) if len(self._best) else row
        if ttl_us is not None and len(row):
            found &= self._event_us.take(np.maximum(row, 0)) >= when - ttl_us
        answer = np.full(len(time_us), -1, dtype=np.int64)
        answer[asks] = np.where(found, row, -1)
        return answer

    def _groups(self, keys: Sequence[Any], labels: int) -> Integers:
        import pyarrow.compute as pc

        missing = np.zeros(labels, dtype=np.bool_)
        codes = np.zeros(labels, dtype=np.int64)
        for index, column in enumerate(keys):
            if self._words:
                mine = pc.index_in(column, value_set=self._words[index])
                missing |= np.asarray(mine.is_null())
                codes = codes * max(len(self._words[index]), 1) + mine.fill_null(0).to_numpy(zero_copy_only=False)
            else:
                if column.null_count:
                    missing |= np.asarray(column.is_null())
                codes = column.fill_null(0).to_numpy(zero_copy_only=False)
        return np.where(missing, -1, self._places.of(codes))

    def answers(self, row: Integers, features: Sequence[int], names: Sequence[str]) -> pa.Table:
        """The features of `row`, null for -1."""
        import pyarrow as pa

        index = pa.array(row, mask=None if (row >= 0).all() else row < 0)
        columns = [self._rows.column(f"c{feature}").take(index) for feature in features]
        return pa.Table.from_arrays(columns, names=list(names))

    def event_us(self, row: Integers) -> Integers:
        """Event times of `row`, NEVER_US for -1."""
        return self._of(self._event_us, row, NEVER_US)

    def sequence(self, row: Integers) -> Integers:
        """Sequences of `row`, -1 for -1."""
        return self._of(_numbers(self._rows, "sequence"), row, -1)

    @staticmethod
    def _of(values: Integers, row: Integers, none: int) -> Integers:
        if not len(values):
            return np.full(len(row), none, dtype=np.int64)
        return np.where(row >= 0, values.take(np.maximum(row, 0)), none)


class _Places:
    """Where numbers stand among `codes`, sorted and distinct. Numbers from a small range get a table."""

    def __init__(self, codes: Integers) -> None:
        self._codes = codes
        self._table: NDArray[np.int32] | None = None
        if len(codes) and int(codes[-1]) - int(codes[0]) < _TABLE_PER_KEY * len(codes):
            self._table = np.full(int(codes[-1]) - int(codes[0]) + 1, -1, dtype=np.int32)
            self._table[codes - codes[0]] = np.arange(len(codes), dtype=np.int32)

    def of(self, wanted: Integers) -> Integers:
        """-1 where a number is not among them."""
        codes = self._codes
        if not len(codes):
            return np.full(len(wanted), -1, dtype=np.int64)
        if self._table is not None:
            inside = (wanted >= codes[0]) & (wanted <= codes[-1])
            return np.where(inside, self._table.take(np.where(inside, wanted - codes[0], 0)), -1)
        at = np.minimum(np.searchsorted(codes, wanted), len(codes) - 1)
        return np.where(codes.take(at) == wanted, at, -1)


def _last_before(times: Integers, when: Integers, low: Integers, high: Integers) -> Integers:
    """For each instant how many of `times[:high]` are not after it, between `low` and `high`; sorted in between."""
    low, high = low.copy(), high.copy()
    open_ = np.flatnonzero(low < high)
    left, right, wanted = low[open_], high[open_], when[open_]
    while len(open_):
        middle = (left + right) >> 1
        not_after = times.take(middle) <= wanted
        left = np.where(not_after, middle + 1, left)
        right = np.where(not_after, right, middle)
        more = left < right
        if not more.all():
            low[open_[~more]] = left[~more]
            open_, left, right, wanted = open_[more], left[more], right[more], wanted[more]
    return low


def versions_of(event: Any, created: Any | None, sequence: Integers) -> Versions:
    """Instants of the rows; NEVER_US where one is missing."""
    event_us, given = to_us(event, "the event time")
    event_us = np.where(given, event_us, NEVER_US)
    if created is None:
        return Versions(event_us, None, sequence)
    created_us, given = to_us(created, "the created time")
    return Versions(event_us, np.where(given, created_us, NEVER_US), sequence)


def _numbers(table: pa.Table, name: str) -> Integers:
    values: Integers = _whole(table.column(name)).to_numpy(zero_copy_only=False)
    return values


def _whole(column: Any) -> Any:
    import pyarrow as pa

    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks) if column.num_chunks else (
        pa.array([], column.type)
    )  # fmt: skip
