"""What is said on stderr and how tables line up."""

from __future__ import annotations

import pytest

from tui.narration import columns, progress


def test_columns_line_up_and_leave_no_trailing_blanks() -> None:
    assert columns([("A", "LONG"), ("xyz", ""), ("b", "c")]) == "A    LONG\nxyz\nb    c"


def test_progress_says_each_stage_once_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("image") as report:
        report(0.1, "training")
        report(0.2, "training")
        report(0.9, "writing")
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "image: training (10%)\nimage: writing (90%)\n"
