"""Drills with one or two things changed at random, as a careless author would; played in a second or two."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import yaml

from scenarios.library import find, platforms

NUMBERS: tuple[Any, ...] = (0, 1, -1, 2, 0.001, 0.5, 7, 1000, 10**7, True)
DURATIONS = ("0s", "1ms", "1s", "45s", "10m", "3h", "30d", "900w", "5..10m")
SIZES = ("0B", "1B", "1Mi", "300Mi", "6Gi", "4000Gi")
WORDS = (
    "", " ", "nobody", "gateway", "recommendation", "online-store", "a b", "x\x1b[31m", "\u202eabc", "9", "no:thing",
    "sum(rate(shop_responses_total[5m])) < 0", "vector(1", "up == 1", "gpu", "customer_activity",
)  # fmt: skip
COMMANDS = (
    "", "kubectl", "kubectl get", "frobnicate", "metrics nothing_total", "ask Nobody what happened", "hyp for 9 last",
    "kubectl scale deployment nobody --replicas=0", "kubectl scale deployment gateway --replicas=0",
    "kubectl delete deployment recommendation", "runbook nothing", "status impact=\"x", "alerts add A up >",
)  # fmt: skip
SMALL = {"requests_per_s": 4}
Path = tuple[str | int, ...]


def shipped_document(scenario: str) -> dict[str, Any]:
    """The shipped drill as data, with little traffic and a short shift."""
    document: dict[str, Any] = yaml.load(find(scenario).read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    document = json.loads(json.dumps(document), object_hook=_numbers)
    document.setdefault("overlay", {})["traffic"] = dict(SMALL)
    # A rule that was added is tried on a healthy week of the changed platform, which would take most of the time.
    document["expert"] = [step for step in document["expert"] if not str(step).startswith("alerts add")]
    document["clock"] |= {"drill": "40m", "joins_by": "12m"}
    for fault in document["faults"]:
        fault["at"] = "2m"
    for person in document["people"]:
        if "review_at" in person:
            person["review_at"] = "10m"
    return document


def _numbers(found: dict[str, Any]) -> dict[str, Any]:
    return {key: _number(value) for key, value in found.items()}


def _number(value: Any) -> Any:
    if isinstance(value, str):
        for kind in (int, float):
            try:
                return kind(value)
            except ValueError:
                pass
    return value


def platform_document(name: str = "reference") -> dict[str, Any]:
    """A platform document of the library as data."""
    document = yaml.load(platforms()[name].read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    found: dict[str, Any] = json.loads(json.dumps(document), object_hook=_numbers)
    return found


def mutant(scenario: str, seed: int) -> tuple[str, str]:
    """What was changed, and the text of the changed drill. The same for the same seed."""
    rng = np.random.default_rng([seed, len(scenario)])
    document = shipped_document(scenario)
    told = [
        _change_overlay(document, rng) if rng.random() < 0.5 else _change(document, rng)
        for _ in range(int(rng.integers(1, 3)))
    ]
    text = yaml.dump(document, allow_unicode=False, sort_keys=False, width=10_000, default_flow_style=None)
    return "; ".join(told), text


def _leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    yield path, value
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, (*path, key))
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _leaves(item, (*path, index))


def _pick(rng: np.random.Generator, items: Any) -> Any:
    return items[int(rng.integers(len(items)))]


def _other(value: Any, rng: np.random.Generator, path: Path) -> Any:
    """Another value of about the same kind."""
    if isinstance(value, bool | int | float):
        return _pick(rng, NUMBERS)
    if isinstance(value, str):
        if path[:1] == ("expert",):
            return _pick(rng, COMMANDS)
        if value[:1].isdigit() and value[-1:] in "smhdw":
            return _pick(rng, DURATIONS)
        if value.endswith(("Gi", "Mi")):
            return _pick(rng, SIZES)
        return _pick(rng, WORDS)
    if isinstance(value, list) and value:
        at = int(rng.integers(len(value)))
        return _pick(rng, ([], value[:at] + value[at + 1 :], [*value, copy.deepcopy(value[at])], value[::-1]))
    if isinstance(value, dict) and value:
        key = _pick(rng, list(value))
        return {name: item for name, item in value.items() if name != key}
    return value


def _change(document: dict[str, Any], rng: np.random.Generator) -> str:
    found = [(path, value) for path, value in _leaves(document) if path]
    path, value = _pick(rng, found)
    new = _other(value, rng, path)
    holder: Any = document
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = new
    return f"{'.'.join(map(str, path))} = {new!r}"[:200]


def _change_overlay(document: dict[str, Any], rng: np.random.Generator) -> str:
    """Lay another value over one place of the platform."""
    found = [(path, value) for path, value in _leaves(platform_document()) if path and path[-1] != "name"]
    path, value = _pick(rng, found)
    new = _other(value, rng, path)
    laid: Any = new
    steps = list(path)
    for at in range(len(steps) - 1, -1, -1):
        if isinstance(steps[at], int):
            named = platform_document()
            for step in steps[: at + 1]:
                named = named[step]  # type: ignore[index]
            laid = [{"name": named["name"], **laid}] if isinstance(laid, dict) and "name" in named else [laid]
        else:
            laid = {steps[at]: laid}
    _merge(document.setdefault("overlay", {}), laid)
    return f"overlay {'.'.join(map(str, path))} = {new!r}"[:200]


def _merge(base: dict[str, Any], more: dict[str, Any]) -> None:
    for key, value in more.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            _merge(base[key], value)
        elif isinstance(value, list) and isinstance(base.get(key), list):
            base[key] = [*base[key], *value]
        else:
            base[key] = value
