"""A row of a bench: its ratio, and when its promise is broken."""

from __future__ import annotations

import json

import pytest

from bench.features_rows import Row, show_rows


@pytest.mark.parametrize(
    ("row", "kept"),
    [
        (Row("work", 0.5), True),
        (Row("work", 0.5, ours_most_s=0.5), True),
        (Row("work", 0.5, ours_most_s=0.4), False),
        (Row("work", 0.5, "peer", 5.0, times_min=10.0), True),
        (Row("work", 0.5, "peer", 4.9, times_min=10.0), False),
        (Row("work", 0.5, "peer", 50.0, times_min=10.0, ours_most_s=0.1), False),
    ],
)
def test_a_promise_is_broken_by_either_bound(row: Row, kept: bool, capsys: pytest.CaptureFixture[str]) -> None:
    assert row.kept == kept
    assert show_rows([row]) == (0 if kept else 1)
    assert ("FELL SHORT" in capsys.readouterr().out) == (not kept)


def test_a_row_is_one_json_object() -> None:
    told = json.loads(Row("work", 0.5, "peer", 5.0, times_min=8.0).to_json())
    assert (told["ratio"], told["promise"], told["kept"]) == (10.0, "at least 8x", True)
    assert json.loads(Row("work", 0.5).to_json())["ratio"] is None
