"""JSONPath as kubectl reads it: `.a.b[0]`, `[*]`, `[?(@.x=="y")]`, `{range ...}{end}` and quoted text.

Source: Kubernetes documentation, "JSONPath Support". Recursive descent and regular expressions are refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from reference_platform.errors import CommandError

EXAMPLE = "-o jsonpath='{.items[*].metadata.name}'"
_STEP = re.compile(
    r"\.?\[\?\(@(?P<of>(?:\.[\w-]+)*)\s*(?P<sign>==|!=)\s*(?P<value>\"[^\"]*\"|'[^']*'|[\w.-]+)\s*\)\]"
    r"|\.?\[(?P<at>-?\d{1,6}|\*)\]|\.?\['(?P<quoted>[^']*)'\]|\.(?P<star>\*)|\.(?P<key>(?:\\\.|[\w/-])+)"
)
_PIECE = re.compile(r"\{((?:\"[^\"]*\"|'[^']*'|[^{}\"'])*)\}|([^{}]+)")


@dataclass(frozen=True, slots=True)
class Step:
    """Into a key, an item, all items (`*`), or the items for which `of` is (or is not) `value`."""

    kind: str
    name: str = ""
    value: str = ""
    negated: bool = False


def steps_of(path: str) -> tuple[Step, ...]:
    """The steps of `.a.b[0]`; `$` and `@` in front say nothing. Raises CommandError."""
    text, at, steps = path.strip().removeprefix("$").removeprefix("@"), 0, []
    if text and text[0] not in ".[":
        text = f".{text}"
    while at < len(text) and text != ".":
        found = _STEP.match(text, at)
        if found is None:
            raise CommandError(
                f"error: error parsing jsonpath {path[:60]}, unrecognized at {text[at:][:20]}", fix=EXAMPLE
            )
        at = found.end()
        if found["sign"]:
            steps.append(Step("filter", found["of"], found["value"].strip("\"'"), found["sign"] == "!="))
        elif found["at"] == "*" or found["star"]:
            steps.append(Step("all"))
        elif found["at"]:
            steps.append(Step("item", found["at"]))
        else:
            steps.append(Step("key", found["quoted"] or found["key"].replace("\\.", ".")))
    return tuple(steps)


def find(document: Any, path: str) -> list[Any]:
    """Everything that the path leads to; nothing where a key is missing."""
    found = [document]
    for step in steps_of(path):
        found = [value for each in found for value in _into(each, step)]
    return found


def _into(value: Any, step: Step) -> Iterator[Any]:
    if step.kind == "key":
        if isinstance(value, dict) and step.name in value:
            yield value[step.name]
    elif step.kind == "all":
        yield from value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    elif step.kind == "filter":
        for item in value if isinstance(value, list) else ():
            if (step.value in [shown(hit) for hit in find(item, step.name)]) != step.negated:
                yield item
    elif isinstance(value, list) and -len(value) <= int(step.name) < len(value):
        yield value[int(step.name)]


def shown(value: Any) -> str:
    """A value as kubectl writes it: text bare, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def render(template: str, document: Any) -> str:
    """A jsonpath template filled in. Raises CommandError for what it cannot read."""
    pieces, at = [], 0
    text = template if "{" in template else f"{{{template}}}"
    while at < len(text):
        found = _PIECE.match(text, at)
        if found is None:
            raise CommandError(f"error: error parsing jsonpath {template[:60]}, unclosed action", fix=EXAMPLE)
        pieces.append(("text", found[2]) if found[2] is not None else ("action", found[1].strip()))
        at = found.end()
    return _filled(pieces, document)


def _filled(pieces: Sequence[tuple[str, str]], document: Any) -> str:
    out, at = "", 0
    while at < len(pieces):
        kind, text = pieces[at]
        at += 1
        if kind == "text":
            out += text
        elif text[:1] in ("'", '"'):
            out += text[1:-1].replace("\\n", "\n").replace("\\t", "\t")
        elif text.startswith("range"):
            end = next((i for i in range(at, len(pieces)) if pieces[i] == ("action", "end")), len(pieces))
            out += "".join(_filled(pieces[at:end], item) for item in find(document, text.removeprefix("range")))
            at = end + 1
        elif text != "end":
            out += " ".join(shown(value) for value in find(document, text))
    return out
