"""The JSON Schema of a scenario, for editors: it accepts the structure that the loader accepts, and no other.

What JSON Schema cannot say, the loader and lint still do:

- ends of a range in their order and within bounds; least and greatest durations and sizes;
- that a thing of the overlay is one that the platform has, or is complete; that names are unique and lead somewhere;
- parameters of a fault that must suit each other; whether a platform or a fault's words exist;
- 1.0 is 1 in JSON Schema, and is no whole number for the loader.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reference_platform.spec import PlatformSpec
from scenarios.loader import fault_models
from scenarios.schema import Scenario

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_NUMBER = r"\d+(?:\.\d+)?"
_DURATION_UNIT, _SIZE_UNIT = "(?:ms|[smhdw])", "(?:B|[KMG]iB?)"
_RANGES = {
    "integer": r"^\d+\.\.\d+$",
    "number": rf"^{_NUMBER}\.\.{_NUMBER}$",
    "duration": rf"^{_NUMBER}{_DURATION_UNIT}\.\.{_NUMBER}{_DURATION_UNIT}$",
    "size": rf"^{_NUMBER}{_SIZE_UNIT}\.\.{_NUMBER}{_SIZE_UNIT}$",
}
Schema = dict[str, Any]


def scenario_schema() -> Schema:
    """The whole schema; plain JSON values."""
    schema = Scenario.model_json_schema(by_alias=True)
    definitions: Schema = schema["$defs"]
    fault = definitions.pop("FaultDocument")
    definitions.pop("JsonValue", None)
    schema["properties"]["overlay"] = _overlay(definitions)
    schema["properties"]["faults"]["items"] = {"oneOf": [_fault(fault, name) for name in sorted(fault_models())]}
    for key, pattern in (("components", "^[a-z0-9][a-z0-9.-]*$"), ("mechanisms", "^[a-z][a-z0-9_]*$")):
        definitions["WordsDocument"]["properties"][key]["propertyNames"] = {"pattern": pattern}
    return {"$schema": DIALECT, **schema}


def _overlay(definitions: Schema) -> Schema:
    """Part of a platform: nothing is required but the names of things in lists, and any value may be a range."""
    platform = PlatformSpec.model_json_schema()
    for name, model in platform.pop("$defs").items():
        definitions[name] = _part(model, named="name" in model["properties"])
    return _part(platform, named=False)


def _part(model: Schema, *, named: bool) -> Schema:
    part = {key: value for key, value in model.items() if key != "required"}
    part["properties"] = {name: _ranged(item) for name, item in model["properties"].items()}
    if named:
        part["required"] = ["name"]
    return part


def _ranged(item: Schema) -> Schema:
    """The same value, or a range of such values."""
    kind = item.get("type")
    if kind == "string" and "pattern" in item:
        kind = "size" if "KMG" in item["pattern"] else "duration"
    if kind not in _RANGES:
        return item
    outer: Schema = {key: item[key] for key in ("title", "description", "default") if key in item}
    inner = {key: value for key, value in item.items() if key not in outer}
    return {**outer, "anyOf": [inner, {"type": "string", "pattern": _RANGES[kind]}]}


def _fault(document: Schema, name: str) -> Schema:
    """A fault with the parameters of its own."""
    model = fault_models()[name].model_json_schema(by_alias=True)
    params = {key: value if "anyOf" in value else _ranged(value) for key, value in model.get("properties", {}).items()}
    given: Schema = {"type": "object", "properties": params, "additionalProperties": False}
    required = list(document["required"])
    if model.get("required"):
        given["required"] = model["required"]
        required.append("with")
    properties: Mapping[str, Any] = {**document["properties"], "fault": {"const": name}, "with": given}
    return {
        "type": "object",
        "title": name,
        "description": model.get("description", ""),
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }
