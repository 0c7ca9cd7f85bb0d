"""Ranges an author leaves to the seed: `0.9..1.1`, `3..5`, `80s..2m`, `4Gi..6Gi`.

A range may stand for any value of an overlay or of a fault's parameters. Whole numbers stay whole, both ends included.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable

from pydantic import JsonValue

from reference_platform.durations import parse_duration_s, parse_size_bytes

_END = r"(\d+(?:\.\d+)?)([A-Za-z]*)"
_RANGE = re.compile(rf"{_END}\.\.{_END}")

Path = tuple[str | int, ...]
Draw = Callable[[Path], float]
"""The share, 0..1, of the way through the range found at a path."""


class RangeError(ValueError):
    """A range that cannot be drawn from; `path` says where it stands in the value."""

    def __init__(self, message: str, path: Path) -> None:
        super().__init__(message)
        self.path = path


def resolve_ranges(value: JsonValue, draw: Draw, path: Path = ()) -> JsonValue:
    """`value` with every range replaced by the value `draw` picks for its path. Raises RangeError."""
    if isinstance(value, dict):
        return {key: resolve_ranges(item, draw, (*path, key)) for key, item in value.items()}
    if isinstance(value, list):
        return [resolve_ranges(item, draw, (*path, index)) for index, item in enumerate(value)]
    match = _RANGE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return value
    try:
        return _pick(match, draw(path))
    except ValueError as error:
        raise RangeError(str(error), path) from None


def _pick(match: re.Match[str], share: float) -> JsonValue:
    low_text, low_unit, high_text, high_unit = match.groups()
    if bool(low_unit) != bool(high_unit):
        raise ValueError(f"{match[0]!r} has a unit on one end only; write both, such as 80s..2m")
    if not low_unit:
        whole = "." not in low_text + high_text
        if math.isinf(float(high_text)) or math.isinf(float(low_text)):
            raise ValueError(f"{match[0][:40]}... is more than a number can say")
        low, high = _ascending(float(low_text), float(high_text), match[0])
        return int(low + share * (high - low + 1) * (1 - 1e-12)) if whole else round(low + share * (high - low), 6)
    if "B" in low_unit or "i" in low_unit:
        small, large = parse_size_bytes(low_text + low_unit), parse_size_bytes(high_text + high_unit)
        low, high = _ascending(small, large, match[0])
        return f"{int(low + share * (high - low))}B"
    low, high = _ascending(parse_duration_s(low_text + low_unit), parse_duration_s(high_text + high_unit), match[0])
    return f"{low + share * (high - low):.3f}s"


def _ascending(low: float, high: float, text: str) -> tuple[float, float]:
    if low > high:
        raise ValueError(f"{text!r} runs backwards; write the smaller end first")
    return low, high
