"""The rows of a view as materialisation reads them: in a fixed order, from any position, with cheap skipping."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from reference_platform.errors import CommandError
from reference_platform.features.definitions import FeatureView
from reference_platform.features.join.scan import ParquetRows, Wanted, open_rows
from reference_platform.features.join.spec import RowColumns
from reference_platform.features.sources import FileSource, KafkaSource, PushSource
from reference_platform.features.stream_views import StreamFeatureView

if TYPE_CHECKING:
    import pyarrow as pa

Transform = Callable[[FeatureView, "pa.Table"], "pa.Table"]
"""The view's own transformation, applied to columns of its source."""

PUSH_LOG = FileSource(
    path=".",
    timestamp_field="event_timestamp",
    created_timestamp_column="created_timestamp",
    sequence_column="sequence",
)
"""How pushed rows are kept as history: already transformed, with their own numbers."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Rows of Parquet files, numbered from 0. `transform` None: features are columns already."""

    view: FeatureView
    found: ParquetRows
    transform: Transform | None = None

    @property
    def columns(self) -> RowColumns:
        """What the columns of `batches` are called."""
        source = self.found.source
        return RowColumns(
            keys=self.view.join_keys,
            event=source.timestamp_field,
            created=source.created_timestamp_column or None,
            sequence=source.sequence_column or None,
            features=self.view.feature_names,
        )

    @property
    def rows(self) -> int:
        """How many there are."""
        return self.found.rows

    def fingerprint(self) -> str:
        """Changes when the rows do, their order, or the code that computes their features."""
        code = self.view.code_sha256 if self.transform else ""
        return f"{self.found.fingerprint()}:{code}"

    def batches(self, wanted: Wanted, batch_rows: int) -> Iterator[tuple[int, pa.Table]]:
        """Rows and the number of the first, ascending; at least all that are wanted."""
        import pyarrow as pa

        columns = self.columns
        names = [*columns.keys, columns.event, *filter(None, (columns.created, columns.sequence)), *columns.features]
        for item in self.found.scan(None if self.transform else names, wanted, batch_rows):
            table = pa.Table.from_batches([item.batch])
            # Before anything else, as history does: an author's code may return keys and times as well.
            yield item.position, self.transform(self.view, table) if self.transform else table


class ViewRows:
    """The pieces of one view, one after the other."""

    def __init__(self, view: FeatureView, pieces: Sequence[Piece]) -> None:
        self.view = view
        self.pieces = tuple(pieces)

    @property
    def rows(self) -> int:
        """Rows of all pieces."""
        return sum(piece.rows for piece in self.pieces)

    def fingerprint(self) -> str:
        """Changes when any piece does, or what is declared of it: a store then starts empty."""
        view = self.view
        keys = [f"{name}:{kind}" for name, kind in zip(view.join_keys, view.key_types, strict=True)]
        features = [f"{field.name}:{field.dtype}" for field in view.schema]
        parts = [*keys, "", *features, "", *(piece.fingerprint() for piece in self.pieces)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def batches(self, wanted: Wanted, batch_rows: int) -> Iterator[tuple[int, int, Piece, pa.Table]]:
        """Position among all rows, number within the piece, piece, rows."""
        first = 0
        for piece in self.pieces:
            if first + piece.rows > wanted.position:
                mine = replace(wanted, position=max(0, wanted.position - first))
                for number, table in piece.batches(mine, batch_rows):
                    yield first + number, number, piece, table
            first += piece.rows


def rows_of_view(view: FeatureView, root: Path, transform: Transform, push_log: Path | None = None) -> ViewRows:
    """What `view` declares as its source, then what was pushed and kept in the folder `push_log`, if anything was.

    Raises CommandError for a view with neither, ConfigError and ContentError for files that are wrong.
    """
    pieces: list[Piece] = []
    file = _file_behind(view)
    if isinstance(view, StreamFeatureView):
        raise CommandError(
            f"the windows of {view.name} are not copied from its events",
            fix="advance the stream; it publishes windows as they close",
        )
    if file is not None:
        pieces.append(Piece(view, open_rows(file, root), transform if view.transformation else None))
    if push_log is not None and any(push_log.glob("*.parquet")):
        pieces.append(Piece(view, open_rows(PUSH_LOG, push_log, _declared_columns(view))))
    if not pieces:
        raise CommandError(
            f"view {view.name} has no rows to materialize", why="its source is only pushed to, and nothing was kept",
            fix="push to it, or give its source a batch_source",
        )  # fmt: skip
    return ViewRows(view, pieces)


def _declared_columns(view: FeatureView) -> pa.Schema:
    """What a push holds of `view` as it is declared now; it may have been pushed to under an earlier declaration."""
    import pyarrow as pa

    keys = [(name, kind.arrow_type()) for name, kind in zip(view.join_keys, view.key_types, strict=True)]
    return pa.schema([*keys, *((field.name, field.dtype.arrow_type()) for field in view.schema)])


def _file_behind(view: FeatureView) -> FileSource | None:
    if isinstance(view.source, FileSource):
        return view.source
    return view.source.batch_source if isinstance(view.source, PushSource | KafkaSource) else None
