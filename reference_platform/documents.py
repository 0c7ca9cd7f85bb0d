"""Positioned YAML: one text in, one validated pydantic model out, or one error with `path:line:column`.

Scenarios, rubrics and player scripts are data from strangers, so the reader is strict: YAML 1.2 scalars only (`12:30`,
`on` and dates stay text), no tags, no merge keys, no duplicate keys, and a limit on size, depth and alias expansion.
Values are validated as strict JSON would be: `"5"` is not a number, a list may become a tuple.
"""

from __future__ import annotations

import json
import math
import re
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from reference_platform.errors import ContentError, nearest

M = TypeVar("M", bound=BaseModel)

DOCUMENT_BYTES_MAX = 512 * 1024
DEPTH_MAX = 40
NODES_MAX = 20_000  # after aliases are expanded
CHARS_MAX = DOCUMENT_BYTES_MAX  # of all values, after aliases are expanded

_Json = Any
_BASE = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"
_TOO_DEEP = f"nested more than {DEPTH_MAX} levels deep"
_FLATTEN = "flatten it"


class _Loader(_BASE):  # type: ignore[misc,valid-type]
    """Parses only; scalars resolve by the YAML 1.2 core schema, so that times and `on` stay text."""

    yaml_implicit_resolvers: typing.ClassVar[dict[str, list[tuple[str, re.Pattern[str]]]]] = {}


_Loader.add_implicit_resolver(_TAG + "bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))
_Loader.add_implicit_resolver(_TAG + "null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""])
_Loader.add_implicit_resolver(_TAG + "int", re.compile(r"^[-+]?[0-9]{1,300}$"), list("-+0123456789"))
_Loader.add_implicit_resolver(
    _TAG + "float",
    re.compile(r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]{1,3})?$"),
    list("-+.0123456789"),
)


@dataclass(frozen=True, slots=True)
class _Spot:
    """Where a value and, inside a mapping, its key stand. Lines and columns count from 1."""

    line: int
    column: int
    key_line: int
    key_column: int


@dataclass(frozen=True, slots=True)
class _Parsed:
    value: _Json
    spots: Mapping[tuple[str | int, ...], _Spot]


def load_file(path: Path, model: type[M]) -> M:
    """The document at `path` as a `model`. Raises ContentError with `path:line:column`."""
    return load_document(read_text(path), model, str(path))


def load_document(text: str, model: type[M], source: str) -> M:
    """`text` as a `model`; `source` is the name shown in errors. Raises ContentError with `source:line:column`."""
    parsed = _parse(text, source)
    try:
        return model.model_validate_json(json.dumps(parsed.value), strict=True)
    except ValidationError as error:
        raise _explain(error, parsed, model, source) from None


def locate(text: str, source: str, path: Sequence[str | int]) -> str:
    """`source:line:column` of the value at `path`, or of its nearest parent; for checks made after loading."""
    spot = _nearest_spot(_parse(text, source).spots, tuple(path))
    return f"{source}:{spot.line}:{spot.column}"


def read_text(path: Path) -> str:
    """The UTF-8 text of a content file. Raises ContentError when it is missing, unreadable, too large or not UTF-8."""
    try:
        with path.open("rb") as stream:
            raw = stream.read(DOCUMENT_BYTES_MAX + 1)
    except FileNotFoundError:
        raise ContentError("no such file", where=str(path), fix="check the path") from None
    except IsADirectoryError:
        raise ContentError("this is a folder, not a file", where=str(path), fix="name one YAML file in it") from None
    except OSError as error:
        why = error.strerror or ""
        raise ContentError("cannot be read", where=str(path), why=why, fix="check its permissions") from None
    _check_size(len(raw), str(path))
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        head = raw[: error.start]
        where = f"{path}:{head.count(10) + 1}:{len(head) - head.rfind(10)}"
        what = f"byte 0x{raw[error.start]:02x} is not UTF-8"
        raise ContentError(what, where=where, fix="save the file as UTF-8") from None


def _check_size(size_bytes: int, where: str) -> None:
    if size_bytes > DOCUMENT_BYTES_MAX:
        what = f"the file is larger than {DOCUMENT_BYTES_MAX // 1024} KiB"
        raise ContentError(what, where=where, fix="split it, or check that this is the right file")


def _parse(text: str, source: str) -> _Parsed:
    _check_size(len(text.encode("utf-8", "surrogatepass")), source)
    try:
        _check_depth(text, source)
        root = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error, source) from None
    except RecursionError:
        raise ContentError(_TOO_DEEP, where=f"{source}:1:1", fix=_FLATTEN) from None
    except yaml.reader.ReaderError as error:
        head = text[: error.position] if isinstance(error.position, int) else ""
        where = f"{source}:{head.count(chr(10)) + 1}:{len(head) - head.rfind(chr(10))}"
        raise ContentError("a character that YAML does not allow", where=where, fix="remove it") from None
    except (yaml.YAMLError, ValueError) as error:
        raise ContentError("not YAML", where=f"{source}:1:1", why=str(error), fix="correct the file") from None
    if root is None:
        raise ContentError("the document is empty", where=f"{source}:1:1", fix="write at least one key")
    return _Tree(source).parsed(root)


def _check_depth(text: str, source: str) -> None:
    """Composing recurses once per level, so depth is bounded before it starts."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEPTH_MAX:
                raise _at(event.start_mark, source, _TOO_DEEP, _FLATTEN)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _at(mark: Any, source: str, what: str, fix: str) -> ContentError:
    return ContentError(what, where=f"{source}:{mark.line + 1}:{mark.column + 1}", fix=fix)


def _syntax_error(error: yaml.MarkedYAMLError, source: str) -> ContentError:
    mark = error.problem_mark or error.context_mark
    where = f"{source}:{mark.line + 1}:{mark.column + 1}" if mark else f"{source}:1:1"
    problem = error.problem or error.context or "not YAML"
    if "nesting" in problem or "depth" in problem:
        # Newer parsers have a limit of their own, far above ours, and reach it while they look ahead.
        return ContentError(_TOO_DEEP, where=where, fix=_FLATTEN)
    why = error.context if error.context and error.context != problem else ""
    fix = "correct the YAML here or on the line above"
    if any(word in problem for word in ("\\t", "tab ", "token")):
        fix = "indent with spaces, and put text with : # [ { % @ ` in quotes"
    return ContentError(problem, where=where, why=why, fix=fix)


class _Tree:
    """Turns composed nodes into JSON values while it remembers where each stood."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._spots: dict[tuple[str | int, ...], _Spot] = {}
        self._nodes = 0
        self._chars = 0

    def parsed(self, root: yaml.Node) -> _Parsed:
        value = self._value(root, (), root)
        return _Parsed(value, self._spots)

    def _value(self, node: yaml.Node, path: tuple[str | int, ...], key: yaml.Node) -> _Json:
        self._nodes += 1
        if self._nodes > NODES_MAX or len(path) > DEPTH_MAX:
            raise _at(node.start_mark, self._source, "too many values once aliases are expanded", "write fewer aliases")
        mark, key_mark = node.start_mark, key.start_mark
        self._spots[path] = _Spot(mark.line + 1, mark.column + 1, key_mark.line + 1, key_mark.column + 1)
        if isinstance(node, yaml.MappingNode):
            self._check_tag(node, "map")
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            self._check_tag(node, "seq")
            return [self._value(item, (*path, index), item) for index, item in enumerate(node.value)]
        assert isinstance(node, yaml.ScalarNode), "YAML has three kinds of node"
        self._chars += len(node.value)
        if self._chars > CHARS_MAX:
            raise _at(node.start_mark, self._source, "too much text once aliases are expanded", "write fewer aliases")
        return self._scalar(node)

    def _mapping(self, node: yaml.MappingNode, path: tuple[str | int, ...]) -> dict[str, _Json]:
        found: dict[str, _Json] = {}
        first: dict[str, int] = {}
        for key, item in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _at(key.start_mark, self._source, "a key must be text", "write `key: value`")
            name = key.value
            if name == "<<":
                raise _at(key.start_mark, self._source, "merge keys are not supported", "write the keys out")
            if name in found:
                what = f'key "{name}" appears twice; first on line {first[name]}'
                raise _at(key.start_mark, self._source, what, "keep one of them")
            first[name] = key.start_mark.line + 1
            found[name] = self._value(item, (*path, name), key)
        return found

    def _check_tag(self, node: yaml.Node, kind: str) -> None:
        if node.tag != _TAG + kind:
            raise _at(node.start_mark, self._source, f"tag {node.tag!r} is not allowed", "remove the tag")

    def _scalar(self, node: yaml.ScalarNode) -> str | int | float | bool | None:
        text: str = node.value
        kind = node.tag.removeprefix(_TAG)
        try:
            match kind:
                case "str":
                    return text
                case "null":
                    return None
                case "bool":
                    return text.lower() == "true"
                case "int":
                    return int(text)
                case "float" if math.isfinite(number := float(text)):
                    return number
                case "float":
                    what = f"the number {text[:20]}{'...' if len(text) > 20 else ''} is too large"
                    if text.lstrip("+-").isdecimal():
                        what = f"a number of {len(text.lstrip('+-'))} digits is too large"
                    raise _at(node.start_mark, self._source, what, "write a smaller number")
        except ValueError:
            pass
        raise _at(node.start_mark, self._source, f"{text!r} with tag {node.tag!r} is not allowed", "remove the tag")


def _nearest_spot(spots: Mapping[tuple[str | int, ...], _Spot], path: tuple[str | int, ...]) -> _Spot:
    while path and path not in spots:
        path = path[:-1]
    return spots[path]


def _explain(error: ValidationError, parsed: _Parsed, model: type[BaseModel], source: str) -> ContentError:
    """The most specific problem: the deepest in the document, because a union reports every branch it tried."""
    problems = error.errors(include_url=False)
    paths = [_document_path(problem["loc"], parsed.spots) for problem in problems]
    best = max(range(len(problems)), key=lambda index: (len(paths[index]), -index))
    problem, path = problems[best], paths[best]
    kind = problem["type"]
    if kind == "union_tag_invalid":  # reported at the mapping; the word to correct is inside it
        path = (*path, str(problem["ctx"]["discriminator"]).strip("'"))
    spot = _nearest_spot(parsed.spots, path)
    line, column = (spot.key_line, spot.key_column) if kind == "extra_forbidden" else (spot.line, spot.column)
    what, fix = _words(problem, path, model)
    others = len({item for item in paths if item != path})
    why = f"{others} other place{'s' if others > 1 else ''} in this file also need attention" if others else ""
    return ContentError(what, where=f"{source}:{line}:{column}", why=why, fix=fix)


def _words(problem: ErrorDetails, path: tuple[str | int, ...], model: type[BaseModel]) -> tuple[str, str]:
    kind, name = problem["type"], str(problem["loc"][-1]) if problem["loc"] else "document"
    if kind == "missing":
        return f'key "{name}" is missing', f'add "{name}: ..."'
    if kind == "extra_forbidden":
        return f'unknown key "{name}"', nearest(name, _keys_at(model, path[:-1]))
    label = next((str(step) for step in reversed(path) if isinstance(step, str)), "document")
    got = problem["ctx"]["tag"] if kind == "union_tag_invalid" else problem["input"]
    shown = json.dumps(got, ensure_ascii=False) if not isinstance(got, dict | list) else f"a {_noun(got)}"
    if kind in ("literal_error", "enum", "union_tag_invalid"):
        expected = str(problem.get("ctx", {}).get("expected") or problem.get("ctx", {}).get("expected_tags", ""))
        return f'"{label}" cannot be {shown}', nearest(str(got), re.findall(r"'([^']*)'", expected))
    text = problem["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    if kind in ("value_error", "assertion_error"):
        return f'"{label}": {text}', "correct the value"
    return f'"{label}": {text[:1].lower()}{text[1:]}', f"found {shown}"


def _noun(value: object) -> str:
    return "mapping" if isinstance(value, dict) else "list"


def _document_path(loc: Sequence[str | int], spots: Mapping[tuple[str | int, ...], _Spot]) -> tuple[str | int, ...]:
    """`loc` without the names of union branches and validators, which stand nowhere in the document."""
    path: tuple[str | int, ...] = ()
    for step in loc:
        if (*path, step) in spots:
            path = (*path, step)
    return path


def _keys_at(model: type[BaseModel], path: Sequence[str | int]) -> list[str]:
    """Every key that some model allows at `path`."""
    kinds: list[object] = [model]
    for step in path:
        kinds = [inner for kind in kinds for inner in _inside(kind, step)]
    keys: list[str] = []
    for kind in kinds:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            keys += [field.alias or name for name, field in kind.model_fields.items()]
    return list(dict.fromkeys(keys))


def _inside(kind: object, step: str | int) -> list[object]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        for name, field in kind.model_fields.items():
            if step in (name, field.alias):
                return _branches(field.annotation)
        return []
    inner = [item for item in typing.get_args(kind) if item is not Ellipsis]
    if isinstance(step, str):
        inner = inner[-1:] if typing.get_origin(kind) in (dict, Mapping) else []
    return [branch for item in inner for branch in _branches(item)]


def _branches(annotation: object) -> list[object]:
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return _branches(typing.get_args(annotation)[0])
    if origin in (typing.Union, types.UnionType):
        return [branch for item in typing.get_args(annotation) for branch in _branches(item)]
    return [annotation]
