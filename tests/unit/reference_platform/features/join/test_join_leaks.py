"""The leak report: which training cells hold what nobody knew yet."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from reference_platform.features.join.leaks import LeakCheck, ViewRows, leak_report
from reference_platform.features.join.spec import JoinSpec, RowColumns

US = pa.timestamp("us", tz="UTC")
HOUR = 3_600_000_000


def labels_at(*hours: int) -> pa.Table:
    return pa.table({"user": pa.array([1] * len(hours)), "time": pa.array([hour * HOUR for hour in hours], US)})


def rows_of(values: list[Any], known: list[int | None], **more: list[Any]) -> pa.Table:
    """One row per hour from hour 0 on; `known`: the hour at which each became known."""
    return pa.table({
        "user": pa.array([1] * len(values)),
        "at": pa.array([hour * HOUR for hour in range(len(values))], US),
        "known": pa.array([None if hour is None else hour * HOUR for hour in known], US),
        "v": pa.array(values),
        **{name: pa.array(column) for name, column in more.items()},
    })  # fmt: skip


def spec_of(*features: str) -> JoinSpec:
    return JoinSpec(("user",), "time", RowColumns(("user",), "at", "known", None, features), features, None)


def test_rows_written_on_time_leak_nothing() -> None:
    report = leak_report(labels_at(0, 1, 2), [ViewRows("rides", spec_of("v"), rows_of([1, 2], [0, 1]))])
    assert (report.rows, report.rows_changed, report.cells_changed) == (3, 0, 0)
    assert report.to_text().startswith("no leak: none of 3 training rows")


def test_a_backfill_is_counted_by_row_and_by_cell_with_examples() -> None:
    rows = rows_of([1, 2], [0, 5], w=[7.0, 7.0])
    report = leak_report(labels_at(0, 1, 2, 5), [ViewRows("rides", spec_of("v", "w"), rows)])
    assert (report.rows_changed, [feature.cells for feature in report.features]) == (2, [2, 0])
    assert [(example.row, example.known, example.leaked) for example in report.features[0].examples] == [
        (1, "1", "2"),
        (2, "1", "2"),
    ]
    assert report.to_text().splitlines() == [
        "leak: 2 of 4 training rows (50.00%) would hold values that were not known yet",
        "  rides:v  2 cells (50.00%)",
        "    row 1 (user=1 at 1970-01-01 01:00:00+00:00): known 1, leaked 2",
        "    row 2 (user=1 at 1970-01-01 02:00:00+00:00): known 1, leaked 2",
        "  1 other feature unchanged",
    ]


@pytest.mark.parametrize(
    ("values", "cells"),
    [
        ([float("nan"), float("nan")], 0),
        ([None, 2], 1),
        ([2, None], 1),
        ([None, None], 0),
        ([["a"], ["a"]], 0),
        ([["a"], ["a", None]], 1),
        (["a", "b"], 1),
        (pa.array(["a", "b"]).dictionary_encode(), 1),
        ([b"", None], 1),
    ],
)
def test_missing_values_and_every_type_compare(values: list[Any], cells: int) -> None:
    report = leak_report(labels_at(1), [ViewRows("rides", spec_of("v"), rows_of(values, [0, 9]))])
    assert report.cells_changed == cells


def test_rows_of_several_views_are_counted_once() -> None:
    late = ViewRows("a", spec_of("v"), rows_of([1], [9]))
    report = leak_report(labels_at(0, 9), [late, late._replace(view="b", rows=late.rows.to_batches())])
    assert (report.rows_changed, report.cells_changed) == (1, 2)
    assert [feature.view for feature in report.features] == ["a", "b"]


def test_a_check_can_be_fed_in_portions() -> None:
    rows = rows_of(["x" * 99, "y"], [0, None])
    check = LeakCheck("rides", labels_at(3), spec_of("v"))
    check.add(rows.slice(1), 1)
    check.add(rows.slice(0, 1), 0)
    (feature,) = check.finish().features
    assert feature.examples[0].known == "x" * 37 + "..."
    assert feature.examples[0].leaked == "y"


def test_instants_that_no_calendar_holds_are_shown_as_numbers() -> None:
    far = pa.array([1 << 60], US)
    rows = pa.table({"user": [1], "at": far, "known": pa.array([None], US), "v": [1]})
    labels = pa.table({"user": [1], "time": far})
    (feature,) = leak_report(labels, [ViewRows("rides", spec_of("v"), rows)]).features
    assert feature.examples[0].asked == f"user=1 at {1 << 60} us since 1970"
