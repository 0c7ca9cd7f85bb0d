"""Scanning Parquet: positions, pruning, partitions, and one clear error for each thing that can be wrong."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reference_platform.errors import ConfigError, ContentError
from reference_platform.features.join.scan import Wanted, open_rows, scan_file
from reference_platform.features.sources import FileSource

SOURCE = FileSource(path="rides.parquet", timestamp_field="at", created_timestamp_column="seen")


def _rides(first: int, n: int, unit: str = "us") -> pa.Table:
    number = np.arange(first, first + n)
    at = pa.array(number * 10).cast(pa.timestamp("us", tz="UTC")).cast(pa.timestamp(unit, tz="UTC"), safe=False)
    seen = pa.array(number * 10 + 5).cast(pa.timestamp("us", tz="UTC"))
    return pa.table({"driver": number % 7, "at": at, "seen": seen, "x": number.astype(float)})


def _positions(batches: list[tuple[int, int]]) -> list[int]:
    return [position + i for position, rows in batches for i in range(rows)]


def _scan(root: Path, source: FileSource = SOURCE, **options: int) -> tuple[list[int], list[float]]:
    positions: list[int] = []
    values: list[float] = []
    for item in scan_file(source, root, ("x",), **options):
        positions += range(item.position, item.position + item.batch.num_rows)
        values += item.batch.column(0).to_pylist()
    return positions, values


def test_batches_come_in_order_with_the_columns_asked_for(tmp_path: Path) -> None:
    pq.write_table(_rides(0, 1000), tmp_path / "rides.parquet", row_group_size=100)
    batches = list(scan_file(SOURCE, tmp_path, ("x", "driver"), batch_rows=64))
    assert all(item.batch.schema.names == ["x", "driver"] for item in batches)
    assert max(item.batch.num_rows for item in batches) <= 64
    assert _positions([(item.position, item.batch.num_rows) for item in batches]) == list(range(1000))


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_row_groups_outside_the_times_are_skipped_and_positions_stay(tmp_path: Path, unit: str) -> None:
    pq.write_table(_rides(0, 1000, unit), tmp_path / "rides.parquet", row_group_size=100)
    positions, values = _scan(tmp_path, since_us=3000, until_us=4500)
    assert values == [float(position) for position in positions]
    assert set(range(300, 451)) <= set(positions)
    assert len(positions) < 1000


def test_the_ends_of_the_times_are_included(tmp_path: Path) -> None:
    pq.write_table(_rides(0, 100), tmp_path / "rides.parquet", row_group_size=1)
    assert _scan(tmp_path, since_us=300, until_us=310)[0] == [30, 31]


def test_rows_known_before_and_rows_before_a_position_are_skipped(tmp_path: Path) -> None:
    pq.write_table(_rides(0, 100), tmp_path / "rides.parquet", row_group_size=10)
    rows = open_rows(SOURCE, tmp_path)
    assert next(rows.scan(("x",), Wanted(known_after_us=894))).position == 80
    assert next(rows.scan(("x",), Wanted(known_after_us=895))).position == 90
    assert next(rows.scan(("x",), Wanted(position=37))).position == 37


def test_files_of_a_folder_count_in_the_order_of_their_paths(tmp_path: Path) -> None:
    folder = tmp_path / "rides.parquet"
    for day, first in ((2, 50), (1, 0), (10, 20)):
        (folder / f"day={day:02}").mkdir(parents=True)
        pq.write_table(_rides(first, 20), folder / f"day={day:02}" / "part-0.parquet")
    (folder / "_SUCCESS").write_text("")
    (folder / ".x.parquet").write_text("half written")
    batches = list(scan_file(SOURCE, tmp_path, ("day", "x")))
    assert [(item.position, item.batch["day"][0].as_py(), item.batch["x"][0].as_py()) for item in batches] == [
        (0, 1, 0.0),
        (20, 2, 50.0),
        (40, 10, 20.0),
    ]


def test_partition_values_that_are_no_numbers_are_text(tmp_path: Path) -> None:
    folder = tmp_path / "rides.parquet"
    for city in ("K%C3%B6ln", "__HIVE_DEFAULT_PARTITION__"):
        (folder / f"city={city}").mkdir(parents=True)
        pq.write_table(_rides(0, 1), folder / f"city={city}" / "a.parquet")
    cities = [item.batch["city"][0].as_py() for item in scan_file(SOURCE, tmp_path, ("city",))]
    assert cities == ["Köln", None]


def test_the_wider_type_wins_where_files_differ_and_dictionaries_are_decoded(tmp_path: Path) -> None:
    folder = tmp_path / "rides.parquet"
    folder.mkdir()
    times = {"at": pa.array([datetime(2026, 1, 1, tzinfo=UTC)]), "seen": pa.array([None], pa.timestamp("us", tz="UTC"))}
    narrow = {"n": pa.array([1], pa.int32()), "s": pa.array(["a"]).dictionary_encode()}
    wide = {"n": pa.array([1 << 40], pa.int64()), "s": pa.array(["b"])}
    pq.write_table(pa.table({**times, **narrow}), folder / "a.parquet")
    pq.write_table(pa.table({**times, **wide}), folder / "b.parquet")
    table = pa.Table.from_batches([item.batch for item in scan_file(SOURCE, tmp_path, ("n", "s"))])
    assert table.schema.types == [pa.int64(), pa.string()]
    assert table.to_pydict() == {"n": [1, 1 << 40], "s": ["a", "b"]}


def test_a_missing_path_names_the_path(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"rides\.parquet does not exist"):
        open_rows(SOURCE, tmp_path)
    (tmp_path / "rides.parquet").mkdir()
    with pytest.raises(ConfigError, match="holds no Parquet file"):
        open_rows(SOURCE, tmp_path)


def test_what_is_not_parquet_or_cut_short_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "rides.parquet"
    path.write_text("driver,x\n1,2\n")
    with pytest.raises(ConfigError, match=r"rides\.parquet is not a whole Parquet file"):
        open_rows(SOURCE, tmp_path)
    pq.write_table(_rides(0, 1000), path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ConfigError, match=r"rides\.parquet is not a whole Parquet file"):
        open_rows(SOURCE, tmp_path)
    path.write_bytes(b"")
    with pytest.raises(ConfigError, match=r"rides\.parquet is not a whole Parquet file"):
        open_rows(SOURCE, tmp_path)


def test_damaged_pages_are_one_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "rides.parquet"
    pq.write_table(_rides(0, 5000), path)
    data = bytearray(path.read_bytes())
    data[4:400] = b"\xff" * 396
    path.write_bytes(bytes(data))
    with pytest.raises(ConfigError, match=r"rides\.parquet is not a whole Parquet file"):
        list(scan_file(SOURCE, tmp_path, ("driver", "at", "x")))


def test_a_missing_column_names_the_nearest(tmp_path: Path) -> None:
    pq.write_table(_rides(0, 1), tmp_path / "rides.parquet")
    with pytest.raises(ContentError, match='no column "drivr"') as caught:
        list(scan_file(SOURCE, tmp_path, ("drivr",)))
    assert 'did you mean "driver"' in str(caught.value)
    with pytest.raises(ContentError, match='no column "seem"'):
        open_rows(FileSource(path="rides.parquet", timestamp_field="at", created_timestamp_column="seem"), tmp_path)


def test_a_column_of_the_wrong_type_is_named(tmp_path: Path) -> None:
    pq.write_table(_rides(0, 1), tmp_path / "rides.parquet")
    with pytest.raises(ContentError, match='column "x" has type double, not a time'):
        open_rows(FileSource(path="rides.parquet", timestamp_field="x"), tmp_path)
    with pytest.raises(ContentError, match='column "x" has type double'):
        open_rows(FileSource(path="rides.parquet", timestamp_field="at", sequence_column="x"), tmp_path)


def test_files_of_different_columns_or_types_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "rides.parquet"
    folder.mkdir()
    pq.write_table(_rides(0, 1), folder / "a.parquet")
    pq.write_table(_rides(1, 1).drop_columns(["x"]), folder / "b.parquet")
    with pytest.raises(ContentError, match='column "x" is not in every file'):
        open_rows(SOURCE, tmp_path)
    pq.write_table(_rides(1, 1).set_column(3, "x", pa.array(["no number"])), folder / "b.parquet")
    with pytest.raises(ContentError, match='column "x" has type string, but double'):
        open_rows(SOURCE, tmp_path)


def test_the_fingerprint_changes_with_the_data(tmp_path: Path) -> None:
    pq.write_table(_rides(0, 10), tmp_path / "rides.parquet")
    before = open_rows(SOURCE, tmp_path).fingerprint()
    assert open_rows(SOURCE, tmp_path).fingerprint() == before
    pq.write_table(_rides(1, 10), tmp_path / "rides.parquet")
    assert open_rows(SOURCE, tmp_path).fingerprint() != before
