"""OpenLineage's own classes: one event a line in, the event as they write it a line out.

python openlineage_process.py EVENTS.jsonl, in the environment of the peers. The client has no reader, so that each
class is filled member by member as its annotations say; a member that it does not know, or of another type, ends this.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import sys
import types
import typing
from enum import Enum
from pathlib import Path
from typing import Any

import attr
from openlineage.client import generated
from openlineage.client.event_v2 import RunEvent
from openlineage.client.generated.base import BaseFacet
from openlineage.client.serde import Serde


def facet_classes() -> dict[str, Any]:
    """Every facet that the client can write, by the URL of its schema."""
    found = {}
    for module in pkgutil.iter_modules(generated.__path__):
        loaded = importlib.import_module(f"{generated.__name__}.{module.name}")
        for kind in vars(loaded).values():
            if isinstance(kind, type) and issubclass(kind, BaseFacet):
                found[kind._get_schema()] = kind
    return found


FACETS = facet_classes()


def built(kind: Any, value: Any, where: str) -> Any:
    """`value` of JSON as `kind`. Raises TypeError with the place of what does not fit."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        (only,) = (one for one in inner if one is not type(None))
        return built(only, value, where)
    if origin is list and isinstance(value, list):
        return [built(inner[0], item, f"{where}[{index}]") for index, item in enumerate(value)]
    if origin is dict and isinstance(value, dict):
        return {name: built(inner[1], item, f"{where}.{name}") for name, item in value.items()}
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(value)
    if attr.has(kind) and isinstance(value, dict):
        return of_class(FACETS[value["_schemaURL"]] if issubclass(kind, BaseFacet) else kind, value, where)
    if kind not in (str, int, bool) or type(value) is not kind:
        raise TypeError(f"{where}: {value!r} is no {kind}")
    return value


def of_class(kind: Any, value: dict[str, Any], where: str) -> Any:
    """An instance of an attrs class."""
    kinds = typing.get_type_hints(kind)
    taken = {field.name: field for field in attr.fields(kind)}
    unknown = value.keys() - taken.keys()
    if unknown:
        raise TypeError(f"{where}: {kind.__name__} has no {sorted(unknown)}")
    arguments = {
        name.lstrip("_"): built(kinds[name], value[name], f"{where}.{name}")
        for name, field in taken.items()
        if field.init and name in value
    }
    return kind(**arguments)


def main() -> None:
    """Write every event back as the client would send it."""
    for number, line in enumerate(Path(sys.argv[1]).read_text(encoding="utf-8").splitlines(), start=1):
        print(Serde.to_json(built(RunEvent, json.loads(line), f"line {number}")))


if __name__ == "__main__":
    main()
