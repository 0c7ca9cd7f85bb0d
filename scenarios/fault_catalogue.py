"""Every fault as its author reads it: what it may be called, what shows it, what cures it, what it takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from reference_platform.durations import format_duration
from scenarios.loader import fault_models
from simulator.faults.base import Fault

_KINDS = {"integer": "a whole number", "number": "a number", "string": "text", "boolean": "true or false"}
_UNITS = {
    "_ms": "milliseconds",
    "_s": "seconds",
    "_per_min": "a minute",
    "minutes": "minutes",
    "hours": "hours",
    "ratio": "share, 0 to 1",
    "factor": "times",
}
"""By the end of an argument's name."""


@dataclass(frozen=True, slots=True)
class Argument:
    """One parameter under `with`. `takes` says kind, unit and range; `default` is None when it must be given."""

    name: str
    takes: str
    default: str | None
    note: str


@dataclass(frozen=True, slots=True)
class FaultCard:
    """One fault. Names are component:mechanism; `cures` are whole cures, words in capitals stand for names."""

    fault: str
    does: str
    accepted: tuple[str, ...]
    near: tuple[str, ...]
    shows: tuple[str, ...]
    cures: tuple[str, ...]
    harmless: bool
    arguments: tuple[Argument, ...]


def cards() -> tuple[FaultCard, ...]:
    """All faults by name. Names of causes are those with default parameters."""
    from simulator.faults.registry import FAULTS

    return tuple(_card(name, FAULTS[name]) for name in sorted(fault_models()) if name in FAULTS)


def _card(name: str, model: type[Fault]) -> FaultCard:
    fault = model()
    schema = model.model_json_schema(by_alias=True)
    return FaultCard(
        fault=name,
        does=" ".join((model.__doc__ or "").split("\n\n")[0].split()),
        accepted=tuple(":".join(pair) for pair in fault.accepted()),
        near=tuple(":".join(pair) for pair in fault.near()),
        shows=model.shows,
        cures=model.cured_by,
        harmless=model.harmless,
        arguments=tuple(_argument(model, key, item) for key, item in schema.get("properties", {}).items()),
    )


def _argument(model: type[Fault], name: str, item: dict[str, Any]) -> Argument:
    field = model.model_fields[name]
    default = None if field.is_required() else field.get_default(call_default_factory=True)
    if "pattern" in item and isinstance(default, float):  # a duration: a number inside, text in the file
        bounds = {key: limit for part in field.metadata for key in ("ge", "le") if (limit := getattr(part, key, None))}
        ends = [
            f"{word} {format_duration(bounds[key])}" for key, word in (("ge", "from"), ("le", "to")) if key in bounds
        ]
        return Argument(name, " ".join(["a duration such as 15m", *ends]), format_duration(default), _note(item))
    shown = None if field.is_required() else f'"{default}"' if isinstance(default, str) else f"{default:g}"
    return Argument(name, _takes(name, item), shown, _note(item))


def _note(item: dict[str, Any]) -> str:
    return " ".join(str(item.get("description", "")).split())


def _takes(name: str, item: dict[str, Any]) -> str:
    if "enum" in item:
        return "one of " + ", ".join(map(str, item["enum"]))
    kind = {"integer": "a whole number", "number": "a number", "string": "text", "boolean": "true or false"}[
        item["type"]
    ]
    unit = next((unit for end, unit in _UNITS.items() if name.endswith(end)), "")
    ends = [
        f"{words} {item[key]:g}"
        for key, words in (
            ("minimum", "from"),
            ("exclusiveMinimum", "above"),
            ("maximum", "to"),
            ("exclusiveMaximum", "below"),
        )
        if key in item
    ]
    return " ".join([f"{kind} ({unit})" if unit else kind, *ends])
