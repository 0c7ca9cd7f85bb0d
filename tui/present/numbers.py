"""Times and values as people read them."""

from __future__ import annotations

import math

_BYTES = ("B", "KiB", "MiB", "GiB", "TiB")


def minutes(span_s: float) -> str:
    """`06:42`; minutes grow beyond 99."""
    whole = max(0, int(span_s))
    return f"{whole // 60:02d}:{whole % 60:02d}"


def drill_time(t_s: float, joined_s: float) -> str:
    """Clock since the responder joined: `T+06:42`, before that `T-01:10`, from ten hours on `T-71h`."""
    span_s = t_s - joined_s
    sign = "+" if span_s >= 0 else "-"
    span_s = abs(span_s)
    if span_s >= 36_000:
        return f"T{sign}{span_s / 3600:.0f}h"
    return f"T{sign}{minutes(span_s)}"


def ago(span_s: float) -> str:
    """An age in one unit: `45s`, `2m`, `3h`, `2d`."""
    span_s = max(0.0, span_s)
    if span_s < 60:
        return f"{int(span_s)}s"
    if span_s < 7200:
        return f"{int(span_s // 60)}m"
    if span_s < 172_800:
        return f"{int(span_s // 3600)}h"
    return f"{int(span_s // 86_400)}d"


def _digits(value: float) -> str:
    size = abs(value)
    if size >= 1e6:
        return f"{value / 1e6:.3g}M"
    if size >= 1e4:
        return f"{value / 1e3:.3g}k"
    if size >= 100 or value == 0:
        return f"{value:.0f}"
    if size >= 10:
        return f"{value:.1f}"
    if size >= 0.01:
        return f"{value:.2f}"
    return f"{value:.2g}"


def _seconds(value: float) -> str:
    size = abs(value)
    if size < 1 and size > 0:
        return f"{value * 1000:.0f} ms"
    for limit, scale, unit in ((120, 1, "s"), (7200, 60, "min"), (172_800, 3600, "h")):
        if size < limit:
            return f"{_digits(value / scale)} {unit}"
    return f"{_digits(value / 86_400)} d"


def quantity(value: float, unit: str) -> str:
    """A value with its unit: ratios as per cent, seconds and bytes in the nearest readable unit; NaN as `-`."""
    if not math.isfinite(value):
        return "-"
    if unit == "ratio":
        return f"{value * 100:.3g} %"
    if unit == "s":
        return _seconds(value)
    if unit in ("B", "bytes"):
        step = min(len(_BYTES) - 1, max(0, int(math.log(max(1.0, abs(value)), 1024))))
        return f"{value / 1024**step:.3g} {_BYTES[step]}"
    return f"{_digits(value)} {unit}".rstrip()


def bound(value: float, unit: str) -> str:
    """A limit with its unit, without zeros that say nothing."""
    number, space, rest = quantity(value, unit).partition(" ")
    return (number.rstrip("0").rstrip(".") if "." in number else number) + space + rest


def change(now: float, before: float) -> str:
    """Relative change in per cent, `+380%`; empty when it cannot be said."""
    if not (math.isfinite(now) and math.isfinite(before)) or abs(before) < 1e-9:
        return ""
    ratio = (now - before) / abs(before)
    if ratio > 9.995:
        return f"x{now / before:.0f}" if now / before < 1000 else ">x999"
    return f"{ratio * 100:+.0f}%"
