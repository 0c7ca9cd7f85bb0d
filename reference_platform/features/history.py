"""Everything known of a view, batch by batch, in one layout: its source's rows, its windows, and what was pushed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from reference_platform.errors import CommandError, nearest
from reference_platform.features.blocks import created_column, event_column
from reference_platform.features.definitions import FeatureView
from reference_platform.features.join.scan import open_rows, scan_file
from reference_platform.features.join.spec import RowColumns
from reference_platform.features.push_log import PushLog
from reference_platform.features.sources import LOG_TIMES, FileSource, KafkaSource, PushSource
from reference_platform.features.stream_views import StreamFeatureView
from reference_platform.features.transformations import apply_transformation

if TYPE_CHECKING:
    import pyarrow as pa


class ViewHistory:
    """The rows of one view. Columns are named by position (`k0`, `f0`, ...), so that no declared name can clash."""

    def __init__(self, view: FeatureView, root: Path, log: PushLog) -> None:
        self.view = view
        self._root = root
        self._log = log

    @property
    def columns(self) -> RowColumns:
        """What the columns of `batches` are called."""
        return row_columns(self.view)

    def rows(self) -> int:
        """How many rows there are before windows are computed."""
        file = batch_file(self.view)
        pushed = sum(int(path.stem.partition("-")[2]) for path in self._log.paths())
        return pushed + (open_rows(file, self._root).rows if file else 0)

    def fingerprint(self) -> str:
        """Changes whenever the rows may be others: source, pushes, declared types, code."""
        file = batch_file(self.view)
        source = open_rows(file, self._root).fingerprint() if file else ""
        types = [(field.name, field.dtype.name) for field in self.view.schema]
        pushes = [path.name for path in self._log.paths()]
        return repr((source, pushes, types, self.view.join_keys, self.view.code_sha256, repr(self.view.source)))

    def batches(self, *, since_us: int | None = None, until_us: int | None = None) -> Iterator[tuple[int, pa.Table]]:
        """Rows with the number of the first of each batch; rows outside the times may be among them.

        The first batch is empty and shows the types, so that a view without any rows still has them.
        """
        yield 0, _empty(self.view)
        file = batch_file(self.view)
        if file is not None and not isinstance(self.view, StreamFeatureView):
            yield from self._scanned(file, since_us, until_us)
        elif file is not None and not self._log.paths():
            # Once windows are published live, what was published is the history, and no reconstruction of it.
            yield from self._windows(file)
        for pushed in self._log.tables():
            table = _as_declared_now(self.view, pushed)
            if table is not None:
                yield 0, _laid_out(self.view, table, LOG_TIMES, 0)

    def _scanned(self, file: FileSource, since_us: int | None, until_us: int | None) -> Iterator[tuple[int, pa.Table]]:
        columns = None if self.view.transformation else _wanted_columns(self.view, file)
        for scanned in scan_file(file, self._root, columns, since_us=since_us, until_us=until_us):
            yield scanned.position, source_rows(self.view, file, scanned.batch, scanned.position)

    def _windows(self, file: FileSource) -> Iterator[tuple[int, pa.Table]]:
        import pyarrow as pa

        from reference_platform.features.windows.history import aggregate_history

        assert isinstance(self.view, StreamFeatureView)
        events = [scanned.batch for scanned in scan_file(file, self._root, None)]
        if events:
            table = aggregate_history(self.view, pa.Table.from_batches(events), event_id=self.view.event_id)
            yield 0, _laid_out(self.view, table, LOG_TIMES, 0)


def row_columns(view: FeatureView) -> RowColumns:
    """The layout of every batch of a view's history."""
    return RowColumns(
        keys=tuple(f"k{index}" for index in range(len(view.join_keys))),
        event="event",
        created="created",
        sequence="sequence",
        features=tuple(f"f{index}" for index in range(view.width)),
    )


def batch_file(view: FeatureView) -> FileSource | None:
    """The file behind a view; None when it only ever is pushed to."""
    if isinstance(view.source, FileSource):
        return view.source
    return view.source.batch_source if isinstance(view.source, PushSource | KafkaSource) else None


def source_rows(view: FeatureView, file: FileSource, batch: pa.RecordBatch, position: int) -> pa.Table:
    """A batch of the source as rows of the view: transformed, cast to the declared types, numbered."""
    import pyarrow as pa

    table = apply_transformation(view, pa.Table.from_batches([batch]))
    return _laid_out(
        view, table, (event_column(view.source), created_column(view.source), file.sequence_column), position
    )


def _wanted_columns(view: FeatureView, file: FileSource) -> list[str]:
    times = [file.timestamp_field, file.created_timestamp_column, file.sequence_column]
    return list(dict.fromkeys([*view.join_keys, *filter(None, times), *view.feature_names]))


def _empty(view: FeatureView) -> pa.Table:
    import pyarrow as pa

    time_type = pa.timestamp("us", tz="UTC")
    types = [kind.arrow_type() for kind in view.key_types]
    types += [time_type, time_type, pa.int64(), *(field.dtype.arrow_type() for field in view.schema)]
    columns = row_columns(view)
    names = [*columns.keys, "event", "created", "sequence", *columns.features]
    return pa.table([pa.array([], type=kind) for kind in types], names=names)


def _as_declared_now(view: FeatureView, pushed: pa.Table) -> pa.Table | None:
    """A push with nulls for features declared later; None for one under other join keys, which has no row of `view`."""
    import pyarrow as pa

    if not set(view.join_keys) <= set(pushed.column_names):
        return None
    for field in view.schema:
        if field.name not in pushed.column_names:
            pushed = pushed.append_column(field.name, pa.nulls(pushed.num_rows, field.dtype.arrow_type()))
    return pushed


def _laid_out(view: FeatureView, table: pa.Table, times: tuple[str, str, str], first: int) -> pa.Table:
    import numpy as np
    import pyarrow as pa

    event, created, sequence = times
    time_type = pa.timestamp("us", tz="UTC")
    arrays = [
        _cast(view, table, name, kind.arrow_type()) for name, kind in zip(view.join_keys, view.key_types, strict=True)
    ]
    event_times = _instants(view, table, event)
    arrays += [event_times, _instants(view, table, created) if created else event_times]
    if sequence:
        arrays.append(_cast(view, table, sequence, pa.int64()))
    else:
        arrays.append(pa.array(np.arange(first, first + table.num_rows, dtype=np.int64)))
    assert arrays[-3].type == time_type
    arrays += [_cast(view, table, field.name, field.dtype.arrow_type()) for field in view.schema]
    columns = row_columns(view)
    names = [*columns.keys, "event", "created", "sequence", *columns.features]
    return pa.Table.from_arrays(arrays, names=names)


def _instants(view: FeatureView, table: pa.Table, name: str) -> pa.ChunkedArray:
    import pyarrow as pa

    from reference_platform.features.times import to_us

    column = _column(view, table, name)
    wanted = pa.timestamp("us", tz="UTC")
    if column.type == wanted:
        return column
    if column.type == pa.timestamp("us"):
        return column.cast(wanted)
    us, valid = to_us(column, f"{view.name}: {name}")
    mask = None if valid.all() else ~valid
    return pa.chunked_array([pa.array(us, type=pa.int64(), mask=mask).cast(wanted)])


def _cast(view: FeatureView, table: pa.Table, name: str, wanted: pa.DataType) -> pa.ChunkedArray:
    import pyarrow as pa

    column = _column(view, table, name)
    if column.type == wanted:
        return column
    try:
        return column.cast(wanted)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        # What Arrow says quotes the value, which may be personal.
        raise CommandError(
            f"{view.name}: {name} holds {column.type}, which does not fit {wanted}",
            why="some values cannot be cast without loss",
            fix="declare the type that the source has, or mend the source",
        ) from None


def _column(view: FeatureView, table: pa.Table, name: str) -> pa.ChunkedArray:
    if name not in table.column_names:
        raise CommandError(f'{view.name}: its source has no column "{name}"', fix=nearest(name, table.column_names))
    return table.column(name)
