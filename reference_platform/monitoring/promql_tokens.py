"""Query text cut into tokens, each with its column."""

from __future__ import annotations

import re
from dataclasses import dataclass

from reference_platform.errors import CommandError

QUERY_CHARS_MAX = 4_000

_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_DURATION_PART = re.compile(r"(\d+)(ms|[smhdw])")
_TOKEN = re.compile(
    r"""
      (?P<space>\s+|\#[^\n]*)
    | (?P<duration>(?:\d+(?:ms|[smhdw]))+(?![\w.]))
    | (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))
    | (?P<name>[a-zA-Z_][a-zA-Z0-9_:]*)
    | (?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`)
    | (?P<symbol>==|!=|=~|!~|>=|<=|[-+*/%^(){}\[\],=<>@:])
    """,
    re.VERBOSE,
)
_ESCAPES = {"\\": "\\", '"': '"', "'": "'", "n": "\n", "t": "\t"}


@dataclass(frozen=True, slots=True)
class Token:
    """`kind` is duration, number, name, string, symbol or end. `text` of a string is its content."""

    kind: str
    text: str
    column: int


def refuse(what: str, column: int, fix: str, why: str = "") -> CommandError:
    """The error for a query that is wrong at `column`."""
    return CommandError(what, where=f"column {column}", why=why, fix=fix)


def tokens_of(text: str) -> list[Token]:
    """Tokens of `text`, closed by one of kind end. Raises CommandError at the first character that fits nothing."""
    if len(text) > QUERY_CHARS_MAX:
        raise refuse(
            f"the query has {len(text)} characters", QUERY_CHARS_MAX + 1, f"keep it below {QUERY_CHARS_MAX + 1}"
        )
    tokens: list[Token] = []
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise _stray(text, at)
        kind = found.lastgroup or ""
        if kind == "string":
            tokens.append(Token(kind, _content(found.group(), at + 1), at + 1))
        elif kind != "space":
            tokens.append(Token(kind, found.group(), at + 1))
        at = found.end()
    tokens.append(Token("end", "end of query", len(text.rstrip()) + 1))
    return tokens


def duration_s(text: str) -> float:
    """Seconds of a duration token such as `1h30m`."""
    return sum(int(count) * _UNITS_S[unit] for count, unit in _DURATION_PART.findall(text))


def _content(literal: str, column: int) -> str:
    if literal.startswith("`"):
        return literal[1:-1]
    parts: list[str] = []
    index = 1
    while index < len(literal) - 1:
        char = literal[index]
        if char == "\\":
            index += 1
            if literal[index] not in _ESCAPES:
                raise refuse(
                    f"unknown escape \\{literal[index]}",
                    column + index - 1,
                    f"write \\\\{literal[index]}, or put the pattern in backticks",
                )
            char = _ESCAPES[literal[index]]
        parts.append(char)
        index += 1
    return "".join(parts)


def _stray(text: str, at: int) -> CommandError:
    char = text[at]
    if char in "\"'`":
        return refuse("this string is never closed", at + 1, f"end it with {char}")
    if char.isdigit() or char == ".":
        word = re.match(r"[\w.]+", text[at:])
        bad = word.group() if word else char
        return refuse(
            f'"{bad}" is neither a number nor a duration', at + 1, "numbers look like 0.95, durations like 5m or 1h30m"
        )
    if char in "!&|":
        return refuse(f'"{char}" is no operator', at + 1, "use !=, !~, and, or, unless")
    return refuse(f'unexpected "{char}"', at + 1, "remove it")
