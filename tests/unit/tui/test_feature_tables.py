"""What `pagerdrill features` makes of files that are not as they should be: sources, labels and rows to push."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.unit.tui.feature_shell import LABELS, RATING, Run, refused, served, write_rows

SOURCE = Path("data/source/driver_stats.parquet")


def _column(name: str, values: Callable[[pa.ChunkedArray], object]) -> Callable[[], None]:
    def replace() -> None:
        table = pq.read_table(SOURCE)
        index = table.column_names.index(name)
        pq.write_table(table.set_column(index, name, pa.chunked_array([values(table.column(name))])), SOURCE)

    return replace


def _times(values: Callable[[pa.ChunkedArray], object]) -> Callable[[], None]:
    return _column("event_timestamp", values)


BAD_SOURCES: dict[str, tuple[Callable[[], object], str]] = {
    "missing": (SOURCE.unlink, "does not exist"),
    "half": (lambda: SOURCE.write_bytes(SOURCE.read_bytes()[:20_000]), "is not a whole Parquet file"),
    "empty file": (lambda: SOURCE.write_bytes(b""), "is not a whole Parquet file"),
    "CSV": (lambda: SOURCE.write_text("driver_id\n1\n"), "is not a whole Parquet file"),
    "no timestamp": (
        lambda: pq.write_table(pq.read_table(SOURCE).drop_columns(["event_timestamp"]), SOURCE),
        'no column "event_timestamp"',
    ),
    "no feature": (lambda: pq.write_table(pq.read_table(SOURCE).drop_columns(["rating"]), SOURCE), 'column "rating"'),
    "below microseconds": (
        _times(lambda column: pa.array([7] * len(column)).cast(pa.timestamp("ns", tz="UTC"))),
        "finer than a microsecond",
    ),
    "no times": (_times(lambda column: pa.array(["yesterday"] * len(column))), "write ISO 8601"),
    "numbers for times": (_times(lambda column: pa.array(range(len(column)))), "not a time"),
    "text for numbers": (_column("rating", lambda column: pa.array(["good"] * len(column))), "does not fit Float32"),
    "text for keys": (_column("driver_id", lambda column: pa.array(["d1"] * len(column))), "does not fit Int64"),
}


@pytest.mark.parametrize("name", BAD_SOURCES)
def test_a_bad_source_is_named_and_old_values_stay(name: str, rides: Path, run: Run) -> None:
    before = served(run)
    make, said = BAD_SOURCES[name]
    make()
    refused(run, said, "materialize-incremental")
    refused(run, said.replace("does not fit Float32", "fit float").replace("fit Int64", "fit int64"), "compact")
    assert served(run) == before


GOOD_SOURCES: dict[str, Callable[[], object]] = {
    "nanoseconds": _times(lambda column: column.cast(pa.timestamp("ns", tz="UTC")).combine_chunks()),
    "no zone": _times(lambda column: column.cast(pa.timestamp("us")).combine_chunks()),
    "text": _times(lambda column: pa.array([moment.isoformat() for moment in column.to_pylist()])),
    "no rows": lambda: pq.write_table(pq.read_table(SOURCE).slice(0, 0), SOURCE),
}


@pytest.mark.parametrize("name", GOOD_SOURCES)
def test_times_may_be_written_in_several_ways(name: str, rides: Path, run: Run) -> None:
    before = served(run)
    GOOD_SOURCES[name]()
    assert run("materialize-incremental").code == 0
    assert served(run) == before


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("l.csv", "driver_id\n1001\n", 'no column "event_timestamp"'),
        ("l.csv", "", "Empty CSV file"),
        ("l.csv", "event_timestamp\n2026-01-01\n", 'no join key "driver_id"'),
        ("l.csv", "driver_id,event_timestamp\n1001,yesterday\n", "write ISO 8601"),
        ("l.csv", "driver_id,event_timestamp\n1001,\n1001,2026-01-01\n", "event_timestamp is missing in row 0"),
        ("l.csv", f"driver_id,event_timestamp\nann,{datetime.now(UTC):%Y-%m-%d}\n", "keys are never equal"),
        ("l.csv", "driver_id,event_timestamp\n1.5,2026-01-01\n", "more than integers"),
        ("l.csv", "driver_id,event_timestamp\n1,2026-01-01,3\n", "Expected 2 columns, got 3"),
        ("l.csv", "driver_id,event_timestamp,rating\n1,2026-01-01,3\n", 'two columns would be called "rating"'),
        ("l.txt", "driver_id,event_timestamp\n", "name it *.parquet or *.csv"),
        ("l.parquet", "driver_id,event_timestamp\n", "no table of labels"),
    ],
)
def test_bad_labels_are_named(name: str, text: str, said: str, rides: Path, run: Run) -> None:
    Path(name).write_text(text)
    refused(run, said, "training-set", name, RATING, "-o", "out.parquet")
    assert not Path("out.parquet").exists()


def test_labels_that_are_not_utf8_are_named(rides: Path, run: Run) -> None:
    Path("l.csv").write_bytes("driver_id,event_timestamp,näme\n1,2026-01-01,ä\n".encode("latin-1"))
    refused(run, "not UTF-8", "training-set", "l.csv", RATING, "-o", "out.parquet")


@pytest.mark.parametrize(
    "moment", ["2026-01-01", "2026-01-01 10:00:00", "2026-01-01T10:00:00Z", "2026-01-01T10:00:00+02:00"]
)
def test_labels_take_every_common_way_to_write_a_time(moment: str, rides: Path, run: Run) -> None:
    Path("l.csv").write_text(LABELS.format(moment))
    assert "2 rows, 3 columns" in run("training-set", "l.csv", RATING, "-o", "out.parquet").out


def test_no_labels_are_no_rows(rides: Path, run: Run) -> None:
    Path("l.csv").write_text("driver_id,event_timestamp\n")
    assert "0 rows, 3 columns" in run("training-set", "l.csv", RATING, "-o", "out.parquet").out


def test_a_training_set_replaces_nothing_unasked(rides: Path, run: Run) -> None:
    Path("l.csv").write_text(LABELS.format("2026-01-01"))
    Path("out.parquet").write_text("mine")
    refused(run, "--force", "training-set", "l.csv", RATING, "-o", "out.parquet")
    refused(run, "is no file", "training-set", "l.csv", RATING, "-o", ".", "--force")
    refused(run, "cannot be written", "training-set", "l.csv", RATING, "-o", "l.csv/out.parquet")
    assert Path("out.parquet").read_text() == "mine"
    assert run("training-set", "l.csv", RATING, "-o", "out.parquet", "--force", "--leaks").code == 0
    assert pq.read_table("out.parquet").column_names == ["driver_id", "event_timestamp", "rating"]


def test_names_that_clash_may_be_written_out(rides: Path, run: Run) -> None:
    Path("l.csv").write_text("driver_id,event_timestamp,rating\n1001,2026-01-01,3\n")
    assert run("training-set", "l.csv", RATING, "-o", "out.parquet", "--full-names").code == 0
    assert pq.read_table("out.parquet").column_names[-1] == "driver_stats__rating"


@pytest.mark.parametrize(("to", "online", "kept"), [("online", 1, 0), ("offline", 0, 1), ("both", 1, 1)])
def test_pushed_rows_go_where_they_should(to: str, online: int, kept: int, rides: Path, run: Run) -> None:
    write_rows("p.csv", datetime.now(UTC).isoformat())
    done = run("push", "driver_stats_push", "p.csv", "--to", to)
    assert done.out == f"driver_stats_push: 2 rows, {online} of them news online\n"
    assert len(list(Path("data/offline/driver_stats").glob("*.parquet"))) == kept
    assert ("NOT_FOUND" in run("get", "driver_stats:trips_today", "-e", "driver_id=7").out) != bool(online)


def test_text_stays_text(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """007 is no 7, NA is no null, and an empty cell is one."""
    monkeypatch.chdir(tmp_path)
    Path("f.yaml").write_text(
        "entities: [{name: depot, join_keys: [depot_code], type: String}]\nsources: [{name: manual, kind: push}]\n"
        "feature_views:\n  - name: notes\n    entities: [depot]\n    source: manual\n"
        "    features: [{name: land, type: String}, {name: seen, type: UnixTimestamp}]\n"
    )
    Path("p.csv").write_text(
        'depot_code,event_timestamp,land,seen\n007,2026-01-01,NA,2026-01-01T10:00:00Z\n008,2026-01-01,,\n009,2026-01-01,"",\n'
    )
    assert run("apply").code == run("push", "manual", "p.csv", "--to", "both").code == 0
    found = {}
    for code in ("007", "7", "008", "009"):
        answer = json.loads(run("get", "notes:land", "notes:seen", "-e", f"depot_code={code}", "--json").out)
        found[code] = [(one["value"], one["status"]) for one in answer]
    assert found["007"] == [("NA", "PRESENT"), ("2026-01-01T10:00:00+00:00", "PRESENT")]
    assert found["7"] == [(None, "NOT_FOUND")] * 2
    assert found["008"] == [(None, "NULL_VALUE")] * 2
    assert found["009"][0] == ("", "PRESENT")
    Path("l.csv").write_text("depot_code,event_timestamp\n007,2099-01-01\n7,2099-01-01\n")
    assert run("training-set", "l.csv", "notes:land", "-o", "out.parquet").code == 0
    assert pq.read_table("out.parquet").column("land").to_pylist() == ["NA", None]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["drivr_stats_push", "p.csv"], 'did you mean "driver_stats_push"?'),
        (["hourly_stats", "p.csv"], "valid: driver_stats_push"),
        (["driver_stats_push", "gone.csv"], "does not exist"),
        (["driver_stats_push", "p.csv", "--to", "nowhere"], "'offline'"),
        (["driver_stats_push", "few.csv"], 'column "driver_id" is missing'),
    ],
)
def test_a_bad_push_is_named(words: list[str], said: str, rides: Path, run: Run) -> None:
    write_rows("p.csv", "2026-01-01")
    Path("few.csv").write_text("event_timestamp,rating\n2026-01-01,1\n")
    refused(run, said, "push", *words)


def test_streams_are_advanced_with_the_others_and_take_no_range(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("f.yaml").write_text(
        "entities: [{name: driver, join_keys: [driver_id]}]\nsources: [{name: trips, kind: kafka, topic: trips}]\n"
        "feature_views:\n  - name: fares\n    entities: [driver]\n    source: trips\n    aggregations:\n"
        "      - {column: fare, function: sum, time_window: 1h, slide_interval: 5m, name: fare_1h}\n"
        "    features: [{name: fare_1h, type: Float64}]\n"
    )
    assert run("apply").code == 0
    assert "fares" in run("materialize-incremental").out
    refused(run, "fares is a stream", "materialize", "2026-01-01", "2026-01-02", "fares")
    Path("late.csv").write_text("driver_id,event_timestamp,fare\n1,2020-01-01T00:00:00Z,5\n")
    done = run("push", "trips", "late.csv")
    assert done.code == 0
    assert "allowed_lateness" in done.err
