"""Durations and sizes as people write them (`90s`, `15m`, `6GiB`) to and from seconds and bytes."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator, Field, PlainSerializer

SHOWN_MAX = 80
"""Characters of a wrong text that its message repeats."""
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_BYTES = {"B": 1, "Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|[smhdw]))+")
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhdw])")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)(B|[KMG]iB?)")


def parse_duration_s(text: object) -> float:
    """Seconds of `90s`, `15m`, `1h30m`, `250ms`. Raises ValueError naming the accepted form."""
    if isinstance(text, str) and _DURATION.fullmatch(text.strip()):
        found_s = sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text))
        if math.isinf(found_s):
            raise ValueError(f"{_shown(text)} is longer than a number can say")
        return found_s
    raise ValueError(f"{_shown(text)} is not a duration; write a positive number with a unit, such as 90s, 15m or 6h")


def parse_size_bytes(text: object) -> int:
    """Bytes of `512MiB`, `6Gi`, `24GiB`. Raises ValueError naming the accepted form."""
    match = _SIZE.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None:
        raise ValueError(f"{_shown(text)} is not a size; write a positive number with a unit, such as 512Mi or 6Gi")
    found_bytes = float(match[1]) * _BYTES[match[2]]
    if math.isinf(found_bytes):
        raise ValueError(f"{_shown(text)} is more than a number can say")
    return int(found_bytes)


def _shown(text: object) -> str:
    shown = repr(text)
    return shown if len(shown) <= SHOWN_MAX else f"{shown[:SHOWN_MAX]}..."


def format_duration(seconds: float) -> str:
    """Two largest units, as kubectl prints ages: `3d4h`, `12m`, `45s`."""
    left = max(0, int(seconds))
    days, left = divmod(left, 86400)
    hours, left = divmod(left, 3600)
    minutes, secs = divmod(left, 60)
    if days:
        return f"{days}d{hours}h" if days < 10 and hours else f"{days}d"
    if hours:
        return f"{hours}h{minutes}m" if minutes else f"{hours}h"
    if minutes:
        return f"{minutes}m{secs}s" if minutes < 10 and secs else f"{minutes}m"
    return f"{secs}s"


def format_gib(size_bytes: float) -> str:
    """`6Gi` or `512Mi`, the way Kubernetes writes quantities."""
    if size_bytes >= 1 << 30 and size_bytes % (1 << 30) == 0:
        return f"{int(size_bytes) >> 30}Gi"
    return f"{round(size_bytes / (1 << 20))}Mi"


def exact_duration(seconds: float) -> str:
    """Every digit: what is read back must be the same number to the last bit."""
    return f"{Decimal(repr(seconds)):f}s"


def _write_size(size_bytes: int) -> str:
    return f"{size_bytes}B"


DurationText = Annotated[str, Field(pattern=rf"^\s*{_DURATION.pattern}\s*$")]
SizeText = Annotated[str, Field(pattern=rf"^\s*{_SIZE.pattern}\s*$")]
"""How both are written, for the JSON Schema of documents that hold them."""

Duration = Annotated[
    float,
    BeforeValidator(parse_duration_s, json_schema_input_type=DurationText),
    PlainSerializer(exact_duration, when_used="json"),
]
Size = Annotated[
    int,
    BeforeValidator(parse_size_bytes, json_schema_input_type=SizeText),
    PlainSerializer(_write_size, when_used="json"),
]
