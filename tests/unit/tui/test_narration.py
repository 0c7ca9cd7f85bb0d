"""What is said on stderr and how tables line up."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tui.narration import columns, progress, put, say


def test_columns_line_up_and_leave_no_trailing_blanks() -> None:
    assert columns([("A", "LONG"), ("xyz", ""), ("b", "c")]) == "A    LONG\nxyz\nb    c"


@pytest.mark.parametrize("speak", [say, put])
def test_nothing_said_moves_the_cursor_or_names_the_window(
    speak: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    speak("a\x1b[2Jb\x1b]0;pwn\x07c\rd\x9b2Je\u202ef\nänd g")
    out, err = capsys.readouterr()
    assert out + err == "abcd2Jef\nänd g\n"


def test_a_title_of_progress_is_said_without_escapes(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("a\x1b[2Jb") as report:
        report(0.1, "c\x1b[2Jd")
    assert capsys.readouterr().err == "ab: cd (10%)\n"


def test_progress_says_each_stage_once_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("image") as report:
        report(0.1, "training")
        report(0.2, "training")
        report(0.9, "writing")
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "image: training (10%)\nimage: writing (90%)\n"
