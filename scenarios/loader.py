"""From a scenario's id or path to a scenario that is known to run: every error has `path:line:column`."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Callable
from types import GenericAlias
from typing import Annotated, Any

from pydantic import BaseModel, Field, JsonValue, WrapValidator, create_model

from reference_platform.documents import load_document, load_file, locate, read_text
from reference_platform.errors import ContentError, nearest
from reference_platform.spec import PlatformSpec
from scenarios.causes import check_causes
from scenarios.library import find, platforms
from scenarios.lint_words import text_problems, time_problems
from scenarios.loaded import LoadedScenario, RawDocument
from scenarios.overlay import by_name, lay_over
from scenarios.ranges import Path, RangeError, resolve_ranges
from scenarios.schema import FaultDocument, Scenario


def load_scenario(ref: str) -> LoadedScenario:
    """The scenario `ref` names, by id or path, fully checked and within all limits. Raises ContentError."""
    path = find(ref)
    return load_scenario_text(read_text(path), str(path))


def load_scenario_text(text: str, source: str) -> LoadedScenario:
    """The scenario written in `text`; `source` names it in errors and anchors a relative platform path."""
    loaded = read_scenario_text(text, source)
    for check in (text_problems, time_problems):
        for problem in check(loaded):
            raise problem
    return loaded


def read_scenario_text(text: str, source: str) -> LoadedScenario:
    """The same without the limits on texts and times: lint names everything that is beyond them."""
    scenario = load_document(text, Scenario, source)
    platform = _platform(scenario, text, source)
    _check_faults(scenario, text, source)
    _check_ranges(scenario, text, source)
    _check_twice(scenario.overlay, text, source)
    _check_names(scenario.overlay, platform, text, source)
    for share in (0.0, 1.0):
        load_document(text, _concrete_model(scenario, platform, share), source)
    check_causes(scenario, lay_over(platform, scenario.overlay), _brought(scenario), text, source)
    return LoadedScenario(scenario, platform, text, source)


def _platform(scenario: Scenario, text: str, source: str) -> dict[str, JsonValue]:
    name = scenario.platform
    known = platforms()
    path = known.get(name)
    if path is None and (name.endswith((".yaml", ".yml")) or "/" in name):
        path = pathlib.Path(source).parent / name
        if not path.is_file():
            where = locate(text, source, ["platform"])
            raise ContentError(
                f'platform file "{name}" does not exist',
                where=where,
                why=f"looked for {path}",
                fix="correct the path; it is relative to this scenario",
            )
    if path is None:
        where = locate(text, source, ["platform"])
        raise ContentError(f'platform "{name}" is unknown', where=where, fix=nearest(name, known))
    load_file(path, PlatformSpec)
    return load_file(path, RawDocument).root


def _check_faults(scenario: Scenario, text: str, source: str) -> None:
    known = fault_models()
    for index, fault in enumerate(scenario.faults):
        if fault.fault not in known:
            where = locate(text, source, ["faults", index, "fault"])
            fix = f"{nearest(fault.fault, known)}   list them: pagerdrill scenarios faults"
            raise ContentError(f'fault "{fault.fault}" is unknown', where=where, fix=fix)


def _check_ranges(scenario: Scenario, text: str, source: str) -> None:
    places: list[tuple[Path, JsonValue]] = [(("overlay",), scenario.overlay)]
    places += [(("faults", index, "with"), fault.params) for index, fault in enumerate(scenario.faults)]
    for path, value in places:
        try:
            resolve_ranges(value, lambda _: 0.0)
        except RangeError as error:
            where = locate(text, source, [*path, *error.path])
            raise ContentError(str(error), where=where, fix="correct the range") from None


def _check_twice(overlay: dict[str, JsonValue], text: str, source: str) -> None:
    """A list with two things of one name would replace the platform's list instead of changing it."""
    for kind, items in overlay.items():
        seen: set[JsonValue] = set()
        for index, item in enumerate(items if isinstance(items, list) else []):
            name = item.get("name") if isinstance(item, dict) else None
            if isinstance(name, str) and name in seen:
                where = locate(text, source, ["overlay", kind, index, "name"])
                raise ContentError(f'{kind}: "{name}" is there twice', where=where, fix="keep one of them")
            seen.add(name if isinstance(name, str) else None)


def _check_names(overlay: JsonValue, platform: JsonValue, text: str, source: str, path: Path = ("overlay",)) -> None:
    """A misspelt name would add a thing, not change one: what is added must be as complete as its neighbours."""
    if isinstance(overlay, dict) and isinstance(platform, dict):
        for key, item in overlay.items():
            _check_names(item, platform.get(key), text, source, (*path, key))
        return
    old = by_name(platform)
    common = set.intersection(*(set(item) for item in old.values() if isinstance(item, dict))) if old else set()
    for index, (name, item) in enumerate(by_name(overlay).items()):
        missing = sorted(common - set(item)) if isinstance(item, dict) and name not in old else []
        if missing:
            raise ContentError(
                f'{path[-1]}: the platform has no "{name}" to change',
                where=locate(text, source, [*path, index, "name"]),
                why=f"to add it, write {', '.join(missing)} as well",
                fix=nearest(name, old),
            )


def _brought(scenario: Scenario) -> set[str]:
    """Components that the faults' own names speak of, such as a job that is deployed."""
    from simulator.faults.base import Fault

    known = fault_models()
    faults = [known[item.fault].model_validate(resolve_ranges(item.params, lambda _: 0.0)) for item in scenario.faults]
    return {component for fault in faults if isinstance(fault, Fault) for component, _ in fault.accepted()}


def fault_models() -> dict[str, type[BaseModel]]:
    """Every fault an author may name, with the model of its parameters."""
    from simulator.faults.registry import FAULTS

    return dict(FAULTS)


def _concrete_model(scenario: Scenario, platform: dict[str, JsonValue], share: float) -> type[Scenario]:
    """The schema of this one scenario: its overlay must give a PlatformSpec, each `with` must suit its fault.

    Ranges are checked at one end, chosen by `share`.
    """
    known = fault_models()

    def merged(overlay: JsonValue) -> JsonValue:
        return lay_over(platform, overlay, overlay_first=True)

    fields: dict[str, Any] = {"overlay": (Annotated[PlatformSpec, _as_document(PlatformSpec, share, merged)], {})}
    faults: list[type[FaultDocument]] = []
    for index, fault in enumerate(scenario.faults):
        model = known[fault.fault]
        params: Any = (Annotated[model, _as_document(model, share)], _with_field(model))
        faults.append(create_model(f"Fault{index}", __base__=FaultDocument, params=params))
    if faults:
        fields["faults"] = (GenericAlias(tuple, tuple(faults)), ...)
    return create_model("ConcreteScenario", __base__=Scenario, **fields)


def _with_field(model: type[BaseModel]) -> Any:
    if any(field.is_required() for field in model.model_fields.values()):
        return Field(alias="with")
    return Field(default_factory=dict, alias="with")


def _as_document(model: type[BaseModel], share: float, prepare: Callable[[JsonValue], JsonValue] | None = None) -> Any:
    """Validates a value as if it stood in a document of its own, once its ranges are resolved."""

    def validate(value: Any, _: Any) -> BaseModel:
        resolved = resolve_ranges(value, lambda _: share)
        if prepare is not None:
            resolved = prepare(resolved)
        return model.model_validate_json(json.dumps(resolved), strict=True)

    return WrapValidator(validate)
