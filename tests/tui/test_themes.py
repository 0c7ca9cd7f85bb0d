from __future__ import annotations

import pytest
from textual.color import Color
from textual.theme import Theme

from tui.present.cells import TONES
from tui.themes import THEMES


def _ratio(a: str, b: str) -> float:
    def luminance(text: str) -> float:
        parts = [part / 255 for part in Color.parse(text).rgb]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_every_tone_of_text_is_readable_on_both_backgrounds(theme: Theme) -> None:
    for tone in TONES:
        if tone == "rule":
            continue
        for background in ("tone-back", "tone-bar"):
            ratio = _ratio(theme.variables[f"tone-{tone}"], theme.variables[background])
            assert ratio >= 4.5, f"{theme.name} {tone} on {background}: {ratio:.2f}"
    assert _ratio(theme.variables["tone-fore"], theme.variables["tone-bar"]) >= 4.5
