"""Colour themes. Every tone of text reaches 4.5:1 against its background; colour never carries meaning alone."""

from __future__ import annotations

from textual.theme import Theme

from tui.present.cells import TONES


def _theme(name: str, *, dark: bool, background: str, bar: str, foreground: str, tones: str) -> Theme:
    """`tones` lists colours in the order of TONES."""
    colors = dict(zip(TONES, tones.split(), strict=True))
    variables = {f"tone-{tone}": color for tone, color in colors.items()}
    variables |= {"tone-bar": bar, "tone-back": background, "tone-fore": foreground}
    variables |= {"input-selection-background": colors["select"]}
    return Theme(
        name,
        primary=colors["info"],
        secondary=colors["note"],
        warning=colors["warn"],
        error=colors["crit"],
        success=colors["good"],
        accent=colors["key"],
        foreground=foreground,
        background=background,
        surface=bar,
        panel=bar,
        dark=dark,
        variables=variables,
    )


#                                 dim     strong  crit    warn    note    good    info    rule    focus   select  key
THEMES: tuple[Theme, ...] = (
    _theme("pagerdrill", dark=True, background="#0f1318", bar="#1b222b", foreground="#d3dae3",
           tones="#8d99a8 #ffffff #ff7b72 #f0b44c #79b8ff #63d297 #7cc7e8 #566375 #7cc7e8 #f0b44c #f0b44c"),
    _theme("paper", dark=False, background="#fbfaf6", bar="#eae7de", foreground="#24292f",
           tones="#5f6670 #000000 #b3261e #7a5200 #0b57a4 #17663a #0a5f78 #8a8f98 #0a5f78 #7a5200 #7a5200"),
    _theme("cb-safe", dark=True, background="#0f1318", bar="#1b222b", foreground="#d3dae3",
           tones="#8d99a8 #ffffff #ff9f45 #ffd08a #9ecbff #5eb1ff #a7c7e7 #566375 #5eb1ff #ffd08a #ffd08a"),
    _theme("high-contrast", dark=True, background="#000000", bar="#000000", foreground="#ffffff",
           tones="#d0d0d0 #ffffff #ff9a9a #ffe066 #9fd0ff #8dffb0 #a6ecff #a0a0a0 #ffff00 #ffff00 #ffff00"),
)  # fmt: skip
THEME_NAMES: tuple[str, ...] = tuple(theme.name for theme in THEMES)
