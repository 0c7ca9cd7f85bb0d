"""The shape of a scenario file. Durations carry a unit (`90s`, `15m`, `72h`); unknown keys are errors.

A scenario is a small overlay on a healthy platform plus faults by id. It holds no log line, metric or alert of its own:
those come out of the simulation.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, WithJsonSchema

from reference_platform.calendar import TIME, since_monday_s
from reference_platform.durations import Duration, parse_duration_s
from rubrics.findings import Band
from scenarios.ranges import resolve_ranges
from simulator.drill.spec import Joins

Level = Literal["junior", "mlops", "senior", "staff", "principal"]
BANDS: tuple[Band, ...] = get_args(Band)
HINTS_MAX = 4
ID_MAX = 80
SCHEMA_VERSION = 1
_AFTER_JOIN = re.compile(r"joined\s*\+\s*(\S+)")
_ONE_DURATION = r"\d+(?:\.\d+)?(?:ms|[smhdw])"
_INSTANT = rf"\s*(?:joined\s*\+\s*)?(?:(?:{_ONE_DURATION})+|{_ONE_DURATION}\.\.{_ONE_DURATION})\s*"
_COMPONENT = re.compile(r"[a-z0-9][a-z0-9.-]*")
_MECHANISM = re.compile(r"[a-z][a-z0-9_]*")
_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


def _version(number: int) -> int:
    if number != SCHEMA_VERSION:
        raise ValueError(f"this program reads schema {SCHEMA_VERSION}, not {number}")
    return number


def checked_id(text: str) -> str:
    """`text`, if it may be the id of a drill. Raises ValueError."""
    if len(text) > ID_MAX:
        raise ValueError(f"an id of {len(text)} characters; at most {ID_MAX}")
    if not _ID.fullmatch(text):
        raise ValueError(
            f"{text!r} is not an id; use small letters, digits and single hyphens, such as gateway-504-at-3am"
        )
    return text


def _positive(seconds: float) -> float:
    if seconds <= 0:
        raise ValueError("must be longer than 0s")
    return seconds


def _calendar_s(text: object) -> float:
    found_s = since_monday_s(text) if isinstance(text, str) else None
    if found_s is None:
        raise ValueError(f"{text!r} is not a day and time; write it like Tue 22:30")
    return found_s


def _instant(value: object) -> str:
    text = str(value).strip()
    after = _AFTER_JOIN.fullmatch(text)
    delay = after[1] if after else text
    try:
        parse_duration_s(resolve_ranges(delay, lambda _: 0.0))
    except ValueError as error:
        hint = "; after the responder joined: joined + 10m" if "joined" in text else ""
        raise ValueError(f"{error}{hint}") from None
    return f"joined + {delay}" if after else text


def _cause(value: object) -> object:
    if isinstance(value, str):
        component, _, mechanism = value.partition(":")
        if not _COMPONENT.fullmatch(component) or not _MECHANISM.fullmatch(mechanism):
            raise ValueError(f"{value!r} is not a cause; write component:mechanism, such as online-store:config_error")
        return component, mechanism
    return value


def _words(pattern: re.Pattern[str], such_as: str) -> AfterValidator:
    def checked(words: dict[str, str]) -> dict[str, str]:
        for word in words:
            if not pattern.fullmatch(word):
                raise ValueError(f"{word!r} cannot be typed as a name; write it like {such_as}")
        return words

    return AfterValidator(checked)


def _step(value: object) -> object:
    if isinstance(value, str):
        if not value.strip():
            raise ValueError("a step cannot be empty; write a command or {wait: 90s}")
        return {"command": value}
    if isinstance(value, dict) and set(value) != {"wait"}:
        raise ValueError("a step is a command or {wait: 90s}; put a command that contains ': ' in quotes")
    return value


def _pattern(text: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": f"^{text}$"}, mode="validation")


PositiveDuration = Annotated[
    Duration, AfterValidator(_positive), _pattern(r"(?=.*[1-9])\s*(?:\d+(?:\.\d+)?(?:ms|[smhdw]))+\s*")
]
Text = Annotated[str, Field(min_length=1)]
Kebab = Annotated[str, AfterValidator(checked_id), _pattern(_ID.pattern)]
Cause = Annotated[tuple[str, str], BeforeValidator(_cause), _pattern(f"{_COMPONENT.pattern}:{_MECHANISM.pattern}")]
"""`component:mechanism`, as a responder types it."""


class Content(BaseModel):
    """Base of everything instructors write."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class StepDocument(Content):
    """One step of a script: a command as typed, or a pause."""

    command: str = ""
    wait: Duration = 0.0


_PAUSE = {
    "type": "object",
    "properties": {"wait": {"type": "string", "pattern": rf"^\s*(?:{_ONE_DURATION})+\s*$"}},
    "required": ["wait"],
    "additionalProperties": False,
}
_STEP = {"anyOf": [{"type": "string", "pattern": r"\S"}, _PAUSE]}
ScriptStep = Annotated[StepDocument, BeforeValidator(_step), WithJsonSchema(_STEP, mode="validation")]


class ClockDocument(Content):
    """When it plays and when the responder comes in."""

    starts: Annotated[float, BeforeValidator(_calendar_s), _pattern(TIME.pattern)]
    """Day and time of the simulation's first second, as `Tue 22:30`; held as seconds since Monday 00:00."""
    drill: PositiveDuration
    """How long the responder has once joined."""
    joins: Joins = "first_page"
    joins_by: PositiveDuration = 8 * 3600.0
    """The responder joins at this time at the latest, paged or not."""


class FaultDocument(Content):
    """A fault of the fault library and its parameters."""

    fault: Text
    at: Annotated[str, BeforeValidator(_instant), _pattern(_INSTANT)]
    """A duration or a range of durations after the simulation's first second; `joined + 10m`: after the joining."""
    params: dict[str, JsonValue] = Field(default_factory=dict, alias="with")
    cause: Cause | None = None
    """What this file calls the cause; left out, it has the fault's own name."""
    accepted: list[Cause] = Field(default_factory=list)
    """Names that count as right besides the fault's own."""
    near: list[Cause] = Field(default_factory=list)
    """Names that are not right but deserve most of the points."""

    @property
    def after_join(self) -> bool:
        """Whether `at` counts from the responder's joining."""
        return self.at.startswith("joined")

    @property
    def delay(self) -> str:
        """`at` without what it counts from: a duration or a range of durations."""
        return self.at.removeprefix("joined + ")


class WordsDocument(Content):
    """Names for causes that this file adds to those everybody knows, each with what it means."""

    components: Annotated[dict[str, Text], _words(_COMPONENT, "loyalty-team")] = Field(default_factory=dict)
    mechanisms: Annotated[dict[str, Text], _words(_MECHANISM, "cursor_leak")] = Field(default_factory=dict)


class PersonDocument(Content):
    """Somebody the responder can ask."""

    name: Text
    role: Text
    knows: str = ""
    review_at: Duration | None = None
    """When this person compares click-through with the week before, and complains if it fell."""


class DetourDocument(Content):
    """Other steps than the expert's: they stand where the expert first changes something, in place of all changes."""

    name: Text
    steps: Annotated[list[ScriptStep], Field(min_length=1)]


class Scenario(Content):
    """One drill, as its author wrote it."""

    schema_version: Annotated[int, AfterValidator(_version), WithJsonSchema({"const": SCHEMA_VERSION})] = Field(
        alias="schema"
    )
    id: Kebab
    title: Text
    level: Level
    family: Kebab
    platform: Text
    """Name of a platform document of the library, or a path relative to the scenario."""
    overlay: dict[str, JsonValue] = Field(default_factory=dict)
    """Laid over the platform document: mappings merge, lists of named things merge by name, the rest replaces."""
    clock: ClockDocument
    brief: Text
    faults: list[FaultDocument] = Field(default_factory=list)
    words: WordsDocument = WordsDocument()
    people: list[PersonDocument] = Field(default_factory=list)
    hints: list[Text] = Field(default_factory=list, max_length=HINTS_MAX)
    runbooks: dict[str, Text] = Field(default_factory=dict)
    judged: list[Text] = Field(default_factory=list)
    expert: list[ScriptStep] = Field(default_factory=list)
    wrong_turns: list[DetourDocument] = Field(default_factory=list)
    """What must come out worse than the expert; `scenarios prove` shows that it does."""
    other_fixes: list[DetourDocument] = Field(default_factory=list)
    """What must cure the platform as well as the expert's changes do."""


class PlayerScript(Content):
    """A scripted responder that anybody may write."""

    player: Text
    drill: Kebab | None = None
    """The only drill this player is for; every drill when absent."""
    expected: Band | None = None
    """What a fair judge gives this player."""
    steps: list[ScriptStep]
