"""What jq's operators and functions make of values."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

from reference_platform.errors import CommandError
from reference_platform.pattern import Pattern

Json = Any
"""None, bool, int, float, str, list or dict."""
SIZE_MAX = 200_000
"""Characters of a string and items of a list that may be made."""
_KINDS = {bool: "boolean", int: "number", float: "number", str: "string", list: "array", dict: "object"}
_RANK = {"null": 0, "boolean": 1, "number": 2, "string": 3, "array": 4, "object": 5}


class JqError(Exception):
    """jq's message about values that do not fit."""


def kind_of(value: Json) -> str:
    """jq's name of a type."""
    return "null" if value is None else _KINDS.get(type(value), "array")


def truth(value: Json) -> bool:
    """Everything but null and false."""
    return value is not None and value is not False


def order(value: Json) -> tuple[Any, ...]:
    """A key that sorts as jq does: null, false, true, numbers, strings, arrays, objects."""
    kind = kind_of(value)
    if kind == "array":
        return _RANK[kind], [order(item) for item in value]
    if kind == "object":
        return _RANK[kind], sorted(value), [order(value[key]) for key in sorted(value)]
    return _RANK[kind], 0 if value is None else value


def text_of(value: Json) -> str:
    """`tostring`."""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _whole(number: float) -> int | float:
    return int(number) if math.isfinite(number) and number == int(number) else number


def added(left: Json, right: Json) -> Json:
    """`+`. Raises JqError."""
    kinds = kind_of(left), kind_of(right)
    if left is None or right is None:
        return right if left is None else left
    if kinds == ("object", "object"):
        return {**left, **right}
    if kinds in (("number", "number"), ("string", "string"), ("array", "array")):
        if kinds[0] != "number" and len(left) + len(right) > SIZE_MAX:
            raise JqError(f"more than {SIZE_MAX} characters or items")
        return _whole(left + right) if kinds[0] == "number" else left + right
    raise JqError(f"{kinds[0]} and {kinds[1]} cannot be added")


def arithmetic(op: str, left: Json, right: Json) -> Json:
    """A comparison, or + - * / %. Raises JqError."""
    if op in ("==", "!=", "<", "<=", ">", ">="):
        a, b = order(left), order(right)
        return {"==": a == b, "!=": a != b, "<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[op]
    if op == "+":
        return added(left, right)
    kinds = kind_of(left), kind_of(right)
    if op == "-" and kinds == ("array", "array"):
        return [item for item in left if item not in right]
    if op == "/" and kinds == ("string", "string"):
        return left.split(right) if right else list(left)
    if kinds != ("number", "number"):
        done = {"-": "subtracted", "*": "multiplied", "/": "divided", "%": "divided"}[op]
        raise JqError(f"{kinds[0]} and {kinds[1]} cannot be {done}")
    if op in ("/", "%") and (right == 0 or (op == "%" and int(right) == 0)):
        raise JqError(f"{text_of(left)} and {text_of(right)} cannot be divided because the divisor is zero")
    try:
        if op == "-":
            return _whole(left - right)
        if op == "*":
            return _whole(float(left) * float(right))
        return _whole(left / right) if op == "/" else int(math.fmod(int(left), int(right)))
    except OverflowError:
        raise JqError("the number is too large") from None


def _need(value: Json, kind: str, name: str) -> Json:
    if kind_of(value) != kind:
        raise JqError(f"{name} needs {kind}, not {kind_of(value)}")
    return value


def _length(value: Json) -> Json:
    if value is None:
        return 0
    if kind_of(value) == "boolean":
        raise JqError("boolean has no length")
    return abs(value) if kind_of(value) == "number" else len(value)


def _keys(value: Json) -> Json:
    if isinstance(value, dict):
        return sorted(value)
    return list(range(len(_need(value, "array", "keys"))))


def _has(value: Json, key: Json) -> Json:
    if isinstance(value, dict) and isinstance(key, str):
        return key in value
    if isinstance(value, list) and isinstance(key, int):
        return 0 <= key < len(value)
    raise JqError(f"Cannot check whether {kind_of(value)} has a {kind_of(key)} key")


def _contains(value: Json, other: Json) -> bool:
    if isinstance(value, dict) and isinstance(other, dict):
        return all(key in value and _contains(value[key], item) for key, item in other.items())
    if isinstance(value, list) and isinstance(other, list):
        return all(any(kind_of(one) == kind_of(item) and _contains(one, item) for one in value) for item in other)
    if isinstance(value, str) and isinstance(other, str):
        return other in value
    if kind_of(value) != kind_of(other):
        raise JqError(f"{kind_of(value)} and {kind_of(other)} cannot have their containment checked")
    return bool(value == other)


def _number_of(value: Json) -> Json:
    if kind_of(value) == "number":
        return value
    try:
        number = json.loads(_need(value, "string", "tonumber").strip())
    except ValueError:
        raise JqError(f"Cannot parse {value[:40]!r} as a number") from None
    return _need(number, "number", "tonumber")


def _test(value: Json, pattern: Json, flags: Json = "") -> bool:
    text = _need(value, "string", "test")
    try:
        return Pattern(_need(pattern, "string", "test"), ignore_case="i" in str(flags)).found_in(text)
    except CommandError as error:
        raise JqError(error.what) from None


def _from_entries(value: Json) -> Json:
    made = {}
    for entry in _need(value, "array", "from_entries"):
        item = _need(entry, "object", "from_entries")
        key = next((item[name] for name in ("key", "k", "name", "Name", "Key") if item.get(name) is not None), None)
        made[text_of(key) if not isinstance(key, str) else key] = next(
            (item[name] for name in ("value", "v", "Value") if name in item), None
        )
    return made


def _flatten(value: Json) -> Json:
    flat: list[Json] = []
    for item in _need(value, "array", "flatten"):
        flat += _flatten(item) if isinstance(item, list) else [item]
    return flat


def _unique(value: Json) -> Json:
    out: list[Json] = []
    for item in sorted(_need(value, "array", "unique"), key=order):
        if not out or order(out[-1]) != order(item):
            out.append(item)
    return out


def _row(value: Json, quoted: bool) -> str:
    cells = []
    for cell in _need(value, "array", "@csv" if quoted else "@tsv"):
        if isinstance(cell, str):
            cells.append(
                '"' + cell.replace('"', '""') + '"' if quoted else cell.replace("\t", "\\t").replace("\n", "\\n")
            )
        elif isinstance(cell, dict | list):
            raise JqError(f"{kind_of(cell)} is not valid in a row")
        else:
            cells.append("" if cell is None else text_of(cell))
    return ("," if quoted else "\t").join(cells)


def _sum(value: Json) -> Json:
    total: Json = None
    for item in value.values() if isinstance(value, dict) else _need(value, "array", "add"):
        total = added(total, item)
    return total


def _parsed(value: Json) -> Json:
    try:
        return json.loads(_need(value, "string", "fromjson"))
    except (ValueError, RecursionError):
        raise JqError(f"{str(value)[:40]!r} (while parsing) is no JSON") from None


def _whole_of(value: Json, rounded: Callable[[float], int]) -> Json:
    number = _need(value, "number", "rounding")
    return rounded(number) if math.isfinite(number) else number


FUNCTIONS: dict[tuple[str, int], Callable[..., Json]] = {
    ("length", 0): _length,
    ("keys", 0): _keys,
    ("keys_unsorted", 0): lambda value: list(value) if isinstance(value, dict) else _keys(value),
    ("values", 0): lambda value: value,
    ("type", 0): kind_of,
    ("not", 0): lambda value: not truth(value),
    ("add", 0): _sum,
    ("any", 0): lambda value: any(map(truth, _need(value, "array", "any"))),
    ("all", 0): lambda value: all(map(truth, _need(value, "array", "all"))),
    ("first", 0): lambda value: next(iter(_need(value, "array", "first")), None),
    ("last", 0): lambda value: next(reversed(_need(value, "array", "last")), None),
    ("min", 0): lambda value: min(_need(value, "array", "min"), key=order, default=None),
    ("max", 0): lambda value: max(_need(value, "array", "max"), key=order, default=None),
    ("sort", 0): lambda value: sorted(_need(value, "array", "sort"), key=order),
    ("unique", 0): _unique,
    ("reverse", 0): lambda value: _need(value, "array", "reverse")[::-1],
    ("flatten", 0): _flatten,
    ("to_entries", 0): lambda value: [
        {"key": key, "value": item} for key, item in _need(value, "object", "to_entries").items()
    ],
    ("from_entries", 0): _from_entries,
    ("tostring", 0): text_of,
    ("tonumber", 0): _number_of,
    ("tojson", 0): lambda value: json.dumps(value, separators=(",", ":"), ensure_ascii=False),
    ("fromjson", 0): _parsed,
    ("ascii_downcase", 0): lambda value: _need(value, "string", "ascii_downcase").lower(),
    ("ascii_upcase", 0): lambda value: _need(value, "string", "ascii_upcase").upper(),
    ("floor", 0): lambda value: _whole_of(value, math.floor),
    ("ceil", 0): lambda value: _whole_of(value, math.ceil),
    ("round", 0): lambda value: _whole_of(value, round),
    ("@csv", 0): lambda value: _row(value, True),
    ("@tsv", 0): lambda value: _row(value, False),
    ("@text", 0): text_of,
    ("@json", 0): lambda value: json.dumps(value, separators=(",", ":"), ensure_ascii=False),
    ("has", 1): _has,
    ("contains", 1): _contains,
    ("startswith", 1): lambda value, other: _need(value, "string", "startswith").startswith(
        _need(other, "string", "startswith")
    ),
    ("endswith", 1): lambda value, other: _need(value, "string", "endswith").endswith(
        _need(other, "string", "endswith")
    ),
    ("ltrimstr", 1): lambda value, other: (
        value.removeprefix(other) if isinstance(value, str) and isinstance(other, str) else value
    ),
    ("rtrimstr", 1): lambda value, other: (
        value.removesuffix(other) if isinstance(value, str) and isinstance(other, str) else value
    ),
    ("split", 1): lambda value, other: arithmetic(
        "/", _need(value, "string", "split"), _need(other, "string", "split")
    ),
    ("join", 1): lambda value, other: _need(other, "string", "join").join(
        "" if item is None else text_of(item) for item in _need(value, "array", "join")
    ),
    ("test", 1): _test,
    ("test", 2): _test,
    ("error", 1): lambda _, said: _fail(text_of(said)),
}
"""By name and number of arguments. The value comes first, then the arguments."""


def _fail(said: str) -> Json:
    raise JqError(said)
