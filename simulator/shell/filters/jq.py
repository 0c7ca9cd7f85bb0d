"""`jq`: paths, selections and new objects out of JSON that a command printed.

The language without definitions, assignments and variables, evaluated within a budget of steps: jq itself reads the
environment and the clock, loops for ever when it is told to, and matches with an engine that backtracks.
Source: jq 1.7 manual.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from reference_platform.errors import CommandError
from simulator.shell.filters.jq_functions import (
    FUNCTIONS,
    JqError,
    Json,
    added,
    arithmetic,
    kind_of,
    order,
    text_of,
    truth,
)
from simulator.shell.filters.jq_parser import FIX, Term, parse_jq, refuse
from simulator.shell.filters.options import Filter, Lines, no_files, options_of

STEPS_MAX = 200_000
_LONG = ("raw-output", "compact-output", "arg=", "exit-status", "sort-keys", "tab", "slurp", "color-output",
         "monochrome-output")  # fmt: skip
_LAZY = {"select": 1, "map": 1, "map_values": 1, "with_entries": 1, "any": 1, "all": 1, "first": 1, "limit": 2,
         "sort_by": 1, "group_by": 1, "unique_by": 1, "min_by": 1, "max_by": 1, "isvalid": 1, "empty": 0}  # fmt: skip
"""Functions whose arguments are programs, not values, and how many they take."""


def prepare_jq(words: list[str]) -> Filter:
    """A program over the JSON texts in the input; what is no JSON gives jq's message."""
    plain, named = _arguments(words)
    options, rest = options_of("jq", plain, "rcMCeSsaj", _LONG)
    no_files("jq", rest[1:])
    program = parse_jq(rest[0]) if rest else Term("same")
    _check(program, named)
    raw = bool({"-r", "--raw-output", "-j"} & set(options))
    compact = bool({"-c", "--compact-output"} & set(options))
    sorted_keys = bool({"-S", "--sort-keys"} & set(options))
    slurp = bool({"-s", "--slurp"} & set(options))

    def shown(value: Json) -> str:
        if raw and isinstance(value, str):
            return value
        separators = (",", ":") if compact else (",", ": ")
        return json.dumps(value, indent=None if compact else 2, separators=separators, ensure_ascii=False,
                          sort_keys=sorted_keys)  # fmt: skip

    def run(lines: Lines) -> Lines:
        out: Lines = []
        evaluation = _Evaluation(named)
        try:
            inputs = list(_texts("\n".join(lines)))
            for value in [inputs] if slurp else inputs:
                out += [line for found in evaluation.of(program, value) for line in shown(found).split("\n")]
        except JqError as error:
            out.append(f"jq: error (at <stdin>:{len(lines)}): {error}")
        except json.JSONDecodeError as error:
            out.append(f"jq: parse error: Invalid JSON at line {error.lineno}, column {error.colno}")
        return out

    return run


def _arguments(words: list[str]) -> tuple[list[str], dict[str, Json]]:
    """Words without `--arg NAME VALUE`, and those values."""
    plain: list[str] = []
    named: dict[str, Json] = {}
    waiting = list(words)
    while waiting:
        word = waiting.pop(0)
        if word in ("--arg", "--argjson"):
            if len(waiting) < 2:
                raise CommandError(f"jq: {word} takes a name and a value", fix=FIX)
            name, value = waiting.pop(0), waiting.pop(0)
            try:
                named[name] = json.loads(value) if word == "--argjson" else value
            except (json.JSONDecodeError, RecursionError):
                raise CommandError(f"jq: invalid JSON text passed to --argjson: {value[:40]}", fix=FIX) from None
        else:
            plain.append(word)
    return plain, named


def _check(term: Term, named: dict[str, Json]) -> None:
    """Refuse functions and variables that are not there before anything runs."""
    if term.kind == "variable" and term.text not in named:
        raise refuse(f"${term.text} is not defined; give it with --arg {term.text} VALUE")
    if term.kind == "call":
        takes = _LAZY.get(term.text)
        known = [low for low in FUNCTIONS if low[0] == term.text]
        if takes is None and not known:
            raise refuse(f"{term.text}/{len(term.parts)} is not defined here")
        optional = term.text in ("any", "all", "first") and not term.parts
        if not optional and takes != len(term.parts) and (term.text, len(term.parts)) not in FUNCTIONS:
            raise refuse(f"{term.text}/{len(term.parts)} is not defined")
    for part in term.parts:
        _check(part, named)


def _texts(text: str) -> Iterator[Json]:
    decoder, at = json.JSONDecoder(), 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        try:
            value, at = decoder.raw_decode(text, at)
        except RecursionError:
            raise JqError("nested too deeply") from None
        yield value


class _Evaluation:
    """One run of a program. Raises JqError, for too many steps too."""

    def __init__(self, named: dict[str, Json]) -> None:
        self._named = named
        self._steps = 0

    def of(self, term: Term, value: Json) -> Iterator[Json]:  # noqa: C901  one branch for each kind
        self._charge(1)
        match term.kind:
            case "same":
                yield value
            case "literal":
                yield term.value
            case "variable":
                yield self._named[term.text]
            case "pipe":
                yield from self._piped(term.parts, value)
            case "comma":
                for part in term.parts:
                    yield from self.of(part, value)
            case "array":
                yield self._weighed(list(self.of(term.parts[0], value)))
            case "object":
                yield from self._objects(term.parts, value, {})
            case "string":
                yield from self._strings(term.parts, value, "")
            case "if":
                for when in self.of(term.parts[0], value):
                    yield from self.of(term.parts[1 if truth(when) else 2], value)
            case "maybe":
                try:
                    yield from self.of(term.parts[0], value)
                except JqError:
                    return
            case "negative":
                for found in self.of(term.parts[0], value):
                    yield arithmetic("-", 0, found)
            case "all":
                yield from self._below(value)
            case "call":
                yield from self._call(term, value)
            case "binary":
                yield from self._binary(term, value)
            case _:
                yield from self._paths(term, value)

    def _charge(self, steps: int) -> None:
        self._steps += steps
        if self._steps > STEPS_MAX:
            raise JqError(f"more than {STEPS_MAX} steps; take less of the input first")

    def _weighed(self, value: Json) -> Json:
        """`value`, paid for by all that is in it: what is made of itself over and over is soon too much."""
        waiting = [value]
        while waiting:
            item = waiting.pop()
            if isinstance(item, dict | list):
                self._charge(1 + len(item))
                waiting += item.values() if isinstance(item, dict) else item
        return value

    def _piped(self, parts: tuple[Term, ...], value: Json) -> Iterator[Json]:
        for found in self.of(parts[0], value):
            if len(parts) == 1:
                yield found
            else:
                yield from self._piped(parts[1:], found)

    def _objects(self, parts: tuple[Term, ...], value: Json, made: dict[str, Json]) -> Iterator[Json]:
        if not parts:
            yield self._weighed(dict(made))
            return
        for key in self.of(parts[0], value):
            if not isinstance(key, str):
                raise JqError(f"Object keys must be strings, not {kind_of(key)}")
            for item in self.of(parts[1], value):
                yield from self._objects(parts[2:], value, {**made, key: item})

    def _strings(self, parts: tuple[Term, ...], value: Json, made: str) -> Iterator[Json]:
        if not parts:
            yield made
            return
        for found in self.of(parts[0], value):
            yield from self._strings(parts[1:], value, str(added(made, text_of(found))))

    def _below(self, value: Json) -> Iterator[Json]:
        self._charge(1)
        yield value
        if isinstance(value, dict | list):
            for item in value.values() if isinstance(value, dict) else value:
                yield from self._below(item)

    def _paths(self, term: Term, value: Json) -> Iterator[Json]:
        for holder in self.of(term.parts[0], value):
            if term.kind == "each":
                if not isinstance(holder, dict | list):
                    raise JqError(f"Cannot iterate over {kind_of(holder)}")
                yield from holder.values() if isinstance(holder, dict) else holder
            elif term.kind == "index":
                for key in self.of(term.parts[1], value):
                    yield _indexed(holder, key)
            else:
                for low in self.of(term.parts[1], value):
                    for high in self.of(term.parts[2], value):
                        yield _sliced(holder, low, high)

    def _binary(self, term: Term, value: Json) -> Iterator[Json]:
        left, right = term.parts
        if term.text == "//":
            try:
                kept = [found for found in self.of(left, value) if truth(found)]
            except JqError:
                kept = []
            yield from kept if kept else self.of(right, value)
            return
        if term.text in ("and", "or"):
            for found in self.of(left, value):
                if truth(found) == (term.text == "or"):
                    yield term.text == "or"
                else:
                    for other in self.of(right, value):
                        yield truth(other)
            return
        for other in self.of(right, value):
            for found in self.of(left, value):
                yield self._weighed(arithmetic(term.text, found, other))

    def _call(self, term: Term, value: Json) -> Iterator[Json]:
        name, parts = term.text, term.parts
        if name == "empty":
            return
        if name == "select":
            for found in self.of(parts[0], value):
                if truth(found):
                    yield value
        elif name in _LAZY and (parts or name not in ("any", "all", "first")):
            yield from self._over(name, parts, value)
        else:
            yield from self._applied(term, value, ())

    def _applied(self, term: Term, value: Json, given: tuple[Json, ...]) -> Iterator[Json]:
        if len(given) == len(term.parts):
            yield FUNCTIONS[term.text, len(given)](value, *given)
            return
        for argument in self.of(term.parts[len(given)], value):
            yield from self._applied(term, value, (*given, argument))

    def _over(self, name: str, parts: tuple[Term, ...], value: Json) -> Iterator[Json]:
        """Functions that run a program for each item."""
        if name == "first":
            yield from (found for found, _ in zip(self.of(parts[0], value), range(1), strict=False))
            return
        if name == "limit":
            for most in self.of(parts[0], value):
                count = most if isinstance(most, int) else 0
                yield from (found for _, found in zip(range(count), self.of(parts[1], value), strict=False))
            return
        if name == "with_entries":
            changed: Json = [
                one for entry in _list(FUNCTIONS["to_entries", 0](value)) for one in self.of(parts[0], entry)
            ]
            yield FUNCTIONS["from_entries", 0](changed)
            return
        if name == "map_values" and isinstance(value, dict):
            firsts = {key: next(iter(self.of(parts[0], item)), None) for key, item in value.items()}
            yield dict(firsts)
            return
        items = _list(value.values() if isinstance(value, dict) else value)
        if name in ("map", "map_values"):
            yield [found for item in items for found in self.of(parts[0], item)]
        elif name in ("any", "all"):
            found = [truth(one) for item in items for one in self.of(parts[0], item)]
            yield any(found) if name == "any" else all(found)
        else:
            keyed = [(order(list(self.of(parts[0], item))), item) for item in items]
            yield _by(name, keyed)


def _by(name: str, keyed: list[tuple[tuple[Json, ...], Json]]) -> Json:
    ranked = sorted(keyed, key=lambda pair: pair[0])
    if name == "sort_by":
        return [item for _, item in ranked]
    if name in ("min_by", "max_by"):
        return None if not ranked else ranked[0][1] if name == "min_by" else ranked[-1][1]
    groups: list[list[Json]] = []
    last: object = None
    for key, item in ranked:
        if groups and key == last:
            groups[-1].append(item)
        else:
            groups.append([item])
        last = key
    return [group[0] for group in groups] if name == "unique_by" else list(groups)


def _list(value: object) -> list[Json]:
    if isinstance(value, str | int | float) or value is None:
        raise JqError(f"Cannot iterate over {kind_of(value)}")
    assert hasattr(value, "__iter__"), "everything else is a collection"
    return list(value)


def _indexed(holder: Json, key: Json) -> Json:
    if holder is None and (key is None or isinstance(key, str | int | float)):
        return None
    if isinstance(holder, dict) and isinstance(key, str):
        return holder.get(key)
    if isinstance(holder, list) and isinstance(key, int | float) and not isinstance(key, bool):
        at = int(key)
        return holder[at] if -len(holder) <= at < len(holder) else None
    shown = f'string "{key}"' if isinstance(key, str) else kind_of(key)
    raise JqError(f"Cannot index {kind_of(holder)} with {shown}")


def _sliced(holder: Json, low: Json, high: Json) -> Json:
    if holder is None:
        return None
    ends = [None if end is None else int(end) if isinstance(end, int | float) else end for end in (low, high)]
    if not isinstance(holder, list | str) or any(isinstance(end, str | list | dict) for end in ends):
        raise JqError(f"Cannot index {kind_of(holder)} with object")
    return holder[slice(*ends)]
