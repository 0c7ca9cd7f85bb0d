from __future__ import annotations

from rich.cells import cell_len

from tui.present.cells import Span, clean, clip, fit, pad, squeezed, text_of, width_of, window, wrap


def test_clean_removes_escape_sequences_and_invisible_characters() -> None:
    assert clean("\x1b[31mred\x1b[0m\tx\x07\u200b\u202e") == "red    x"


def test_clean_leaves_markup_and_wide_characters_alone() -> None:
    assert clean("[/foo] [bold] 監視 é") == "[/foo] [bold] 監視 é"


def test_clip_and_pad_count_cells_not_characters() -> None:
    assert cell_len(clip("監視監視監視", 5)) <= 5
    assert clip("監視監視監視", 5).endswith("…")
    assert cell_len(pad("監視", 7)) == 7


def test_fit_never_exceeds_the_width_and_shows_that_it_cut() -> None:
    parts = (Span("abc ", "crit"), Span("監視監視"), Span("xyz"))
    for width in range(1, 16):
        assert width_of(fit(parts, width)) <= width
    assert text_of(fit(parts, 9)).endswith("…")


def test_wrap_loses_nothing_but_blanks_and_keeps_every_piece_within_the_width() -> None:
    for text in ("a" * 10_000, "word " * 300, "監視 " * 80, "x" * 9 + " yy", ""):
        for width in (1, 2, 7, 30):
            pieces = wrap(text, width)
            assert "".join(pieces).replace(" ", "") == text.replace(" ", "")
            assert all(cell_len(piece) <= max(2, width) for piece in pieces)


def test_squeezed_narrows_gaps_between_columns_and_keeps_columns_aligned() -> None:
    rows = ["NAME     READY", "a        1/1", "bb       0/1"]
    assert squeezed(rows, 20) == rows
    assert squeezed(rows, 10) == ["NAME READY", "a    1/1", "bb   0/1"]


def test_window_shows_the_tail_unless_scrolled() -> None:
    lines = [(Span(str(n)),) for n in range(10)]
    assert [text_of(line) for line in window(lines, 3, 0, tail=True)[0]] == ["7", "8", "9"]
    assert [text_of(line) for line in window(lines, 3, 99, tail=True)[0]] == ["0", "1", "2"]
    assert [text_of(line) for line in window(lines, 3, 2, tail=False)[0]] == ["2", "3", "4"]
