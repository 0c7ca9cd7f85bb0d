"""Labels prepared once: their keys as codes, their instants sorted. Any number of views can then be joined to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reference_platform.errors import CommandError, nearest
from reference_platform.features.join.keys import Codes, CompositeCodes, IntegerCodes
from reference_platform.features.join.slots import LabelSlots
from reference_platform.features.times import to_us

if TYPE_CHECKING:
    import pyarrow as pa


class Labels:
    """`keys` and `time` of a table of labels, ready to be joined. Other columns are not looked at.

    Raises CommandError for a missing column, for keys of a type that cannot be compared, and for what is no time.
    """

    def __init__(self, table: pa.Table, keys: Sequence[str], time: str) -> None:
        self.keys, self.time, self.rows = tuple(keys), time, table.num_rows
        self._columns = [_KeyColumn(column_of(table, key, "the labels"), f'label column "{key}"') for key in keys]
        self._codes = CompositeCodes(
            [key.codes for key in self._columns], [key.count for key in self._columns], self.rows
        )
        time_us, valid = to_us(column_of(table, time, "the labels"), f'label column "{time}"')
        self.slots = LabelSlots(self._codes.codes, self._codes.count, time_us, valid)

    def codes_of(self, columns: Sequence[pa.Array], names: Sequence[str]) -> Codes:
        """Codes of rows by their key columns, in the order of `keys`."""
        parts = [
            key.lookup(column, f'row column "{name}"')
            for key, column, name in zip(self._columns, columns, names, strict=True)
        ]
        return self._codes.lookup(parts, len(columns[0]) if columns else 0)


def column_of(table: pa.Table | pa.RecordBatch, name: str, whose: str) -> Any:
    """The one column called `name`. Raises CommandError with the nearest name that exists."""
    found = table.schema.get_all_field_indices(name)
    if len(found) == 1:
        return table.column(found[0])
    if found:
        raise CommandError(f'{whose} have {len(found)} columns "{name}"', fix="give each column its own name")
    raise CommandError(f'{whose} have no column "{name}"', fix=nearest(name, table.schema.names))


class _KeyColumn:
    """One key column of the labels as codes, `count` of them."""

    def __init__(self, data: pa.ChunkedArray, what: str) -> None:
        self._what = what
        plain = _flat(data)
        self.kind = _kind(plain.type, what)
        self._integers: IntegerCodes | None = None
        self._text: _TextCodes | None = None
        if self.kind in ("text", "bytes"):
            self._text = _TextCodes(plain)
            self.codes, self.count = self._text.codes, self._text.count
        else:
            self._integers = IntegerCodes(*_integers(plain, what))
            self.codes, self.count = self._integers.codes, self._integers.count

    def lookup(self, data: pa.Array, what: str) -> Codes:
        """Codes of the rows' column. Raises CommandError when its type can never equal the labels'."""
        import pyarrow as pa

        if pa.types.is_dictionary(data.type):
            words = self.lookup(data.dictionary, what)
            at = data.indices.cast(pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False)
            codes: Codes = np.append(words, -1).take(at)
            return codes
        kind = _kind(data.type, what)
        if "nothing" in (kind, self.kind):
            return np.full(len(data), -1, dtype=np.int64)
        if kind != self.kind:
            raise CommandError(
                f"{self._what} holds {self.kind} and {what} holds {kind}",
                why="such keys are never equal, so no label would find its row",
                fix="cast one of them",
            )
        if self._text is not None:
            return self._text.lookup(data)
        assert self._integers is not None
        return self._integers.lookup(*_integers(data, what))


def _flat(data: pa.ChunkedArray) -> pa.Array:
    """One array, dictionaries undone."""
    import pyarrow as pa

    if pa.types.is_dictionary(data.type):
        data = data.cast(data.type.value_type)
    whole = data.combine_chunks()
    return whole.combine_chunks() if isinstance(whole, pa.ChunkedArray) else whole


def _kind(kind: pa.DataType, what: str) -> str:
    """Keys of one kind compare with each other. Raises CommandError for types that make no keys."""
    import pyarrow as pa

    is_ = pa.types
    if is_.is_dictionary(kind):
        return _kind(kind.value_type, what)
    if is_.is_null(kind):
        return "nothing"
    if is_.is_integer(kind) or is_.is_floating(kind):
        return "integers"
    if is_.is_string(kind) or is_.is_large_string(kind) or is_.is_string_view(kind):
        return "text"
    if is_.is_binary(kind) or is_.is_large_binary(kind) or is_.is_fixed_size_binary(kind) or is_.is_binary_view(kind):
        return "bytes"
    if is_.is_boolean(kind):
        return "booleans"
    if is_.is_timestamp(kind) or is_.is_date(kind):
        return "times"
    raise CommandError(
        f"{what} of type {kind} makes no join key", fix="keys are integers, text, bytes, booleans or times"
    )


def _integers(data: pa.Array, what: str) -> tuple[NDArray[np.int64], NDArray[np.bool_] | None]:
    """Values as integers and which are given. Frames turn integers with gaps into floats; whole ones are accepted."""
    import pyarrow as pa

    if pa.types.is_timestamp(data.type) or pa.types.is_date(data.type):
        return to_us(data, what)
    if pa.types.is_null(data.type):
        return np.zeros(len(data), dtype=np.int64), np.zeros(len(data), dtype=np.bool_)
    if pa.types.is_floating(data.type):
        import pyarrow.compute as pc

        data = pc.if_else(pc.is_nan(data), pa.scalar(None, data.type), data)
    valid = None if data.null_count == 0 else np.asarray(data.is_valid())
    try:
        whole = data.cast(pa.int64())
    except pa.ArrowInvalid as error:
        raise CommandError(f"{what} of type {data.type} holds more than integers", why="some values would change",
                           fix="cast it to int64 or to text") from error  # fmt: skip
    return (whole if valid is None else whole.fill_null(0)).to_numpy(zero_copy_only=False), valid


class _TextCodes:
    """The distinct strings, or byte strings, of one column of labels."""

    def __init__(self, values: pa.Array) -> None:
        import pyarrow as pa

        words = _comparable(values).dictionary_encode()
        self._words: pa.Array = words.dictionary
        self._code_of: dict[str | bytes, int] | None = None
        self.count = len(self._words)
        self.codes: Codes = words.indices.cast(pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False)

    def lookup(self, values: pa.Array) -> Codes:
        """Codes of other values of the same kind. Few values against many words go through a table kept for them."""
        import pyarrow as pa
        import pyarrow.compute as pc

        values = _comparable(values)
        if 8 * len(values) >= self.count:
            found = pc.index_in(values, value_set=self._words)
            codes: Codes = found.cast(pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False)
            return codes
        if self._code_of is None:
            self._code_of = {word: code for code, word in enumerate(self._words.to_pylist())}
        table = self._code_of
        return np.fromiter((table.get(word, -1) for word in values.to_pylist()), dtype=np.int64, count=len(values))


def _comparable(values: pa.Array) -> pa.Array:
    """Text as large_string and bytes as large_binary, so that columns of either width compare."""
    import pyarrow as pa

    text = (
        pa.types.is_string(values.type) or pa.types.is_large_string(values.type) or pa.types.is_string_view(values.type)
    )
    return values.cast(pa.large_string() if text else pa.large_binary())
