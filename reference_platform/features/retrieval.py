"""Training sets: what was known about every row's entities at that row's instant."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reference_platform.errors import CommandError, ConfigError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from reference_platform.features.join.leaks import LeakReport


class RetrievalJob:
    """A training set that is computed when asked for, and then kept."""

    def __init__(self, compute: Callable[[], pa.Table], leaks: Callable[[], LeakReport]) -> None:
        self._compute = compute
        self._leaks = leaks
        self._table: pa.Table | None = None

    def to_arrow(self) -> pa.Table:
        """One row per row asked for, in order: its own columns, then the features. Integers stay integers."""
        if self._table is None:
            self._table = self._compute()
        return self._table

    def to_df(self) -> pd.DataFrame:
        """The same as a pandas frame; integers with nulls become pandas' nullable integers, never floats."""
        import pandas as pd
        import pyarrow as pa

        nullable = {
            pa.int32(): pd.Int32Dtype(),
            pa.int64(): pd.Int64Dtype(),
            pa.bool_(): pd.BooleanDtype(),
        }
        table = self.to_arrow()
        holed = {column.type for column in table.columns if column.null_count} & nullable.keys()
        frame: pd.DataFrame = table.to_pandas(types_mapper=None)
        for name, column in zip(table.column_names, table.columns, strict=True):
            if column.type in holed and column.null_count:
                frame[name] = column.to_pandas(types_mapper=nullable.get)
        return frame

    def persist(self, path: str | Path, *, allow_overwrite: bool = False) -> Path:
        """Write the training set as Parquet, whole or not at all.

        Raises CommandError when the file exists or is no file, ConfigError when it cannot be written.
        """
        import pyarrow.parquet as pq

        target = Path(path)
        if target.exists() and not target.is_file():
            raise CommandError(f"{target} is no file", fix="name the file to write, such as training.parquet")
        if target.exists() and not allow_overwrite:
            raise CommandError(f"{target} exists", fix="choose another path, or pass allow_overwrite=True")
        table = self.to_arrow()
        fresh = target.with_name(f"{target.name}.{os.getpid()}.tmp")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(table, fresh)
            fresh.replace(target)
        except OSError as error:
            raise ConfigError(f"{target} cannot be written", why=str(error), fix="make room or grant access") from error
        finally:
            with suppress(OSError):
                fresh.unlink(missing_ok=True)
        return target

    def leak_report(self) -> LeakReport:
        """How many cells would differ if rows counted before they were known."""
        return self._leaks()

    def __repr__(self) -> str:
        state = "not computed yet" if self._table is None else f"{self._table.num_rows:,} rows"
        return f"RetrievalJob({state})"


def checked_labels(table: pa.Table, timestamp: str, features: Any) -> pa.Table:
    """`table` if it can ask. Raises CommandError when the instants are missing or a name stands for two columns."""
    from reference_platform.errors import nearest

    if timestamp not in table.column_names:
        raise CommandError(
            f'the entity table has no column "{timestamp}"',
            why="every row asks at its own instant",
            fix=nearest(timestamp, table.column_names) if table.column_names else "add it",
        )
    seen: set[str] = set()
    for name in [*table.column_names, *features]:
        if name in seen:
            raise CommandError(f'two columns would be called "{name}"', fix="full_feature_names=True, or rename one")
        seen.add(name)
    return table
