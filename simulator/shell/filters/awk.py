"""`awk`: conditions, fields, sums and printing, for each line."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field

from reference_platform.errors import CommandError
from reference_platform.pattern import Pattern
from simulator.shell.filters.awk_parser import FIX, Program, Term, parse_awk
from simulator.shell.filters.options import Filter, Lines, no_files, options_of

TEXT_MAX_CHARS = 20_000
WIDTH_MAX = 1_000
_NUMBER = re.compile(r"\s*([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?)", re.ASCII)
_FORMAT = re.compile(r"%([-+ 0#]*)(\d{0,4})(?:\.(\d{0,3}))?([dicsfeEgGxXou%])|(%)")
Value = str | float


class _NumericText(str):
    """Text from the input: it compares as a number where it looks like one."""

    __slots__ = ()


@dataclass(slots=True)
class _Run:
    program: Program
    separator: str
    names: dict[str, Value]
    out: Lines = field(default_factory=list)
    fields: list[str] = field(default_factory=list)
    line: str = ""

    def over(self, lines: Lines) -> Lines:
        self._all(self.program.begin)
        for number, line in enumerate(lines, 1):
            self._read(line, number)
            for rule in self.program.rules:
                if (rule.when is None or _truth(self.value(rule.when))) and not self._all(rule.does):
                    break
        self._all(self.program.end)
        text = "".join(self.out).removesuffix("\n")
        return text.split("\n") if self.out else []

    def _read(self, line: str, number: int) -> None:
        self.line = line
        if self.separator == " ":
            self.fields = line.split()
        elif len(self.separator) == 1:
            self.fields = line.split("\t" if self.separator == "t" else self.separator) if line else []
        else:
            self.fields = _split(line, Pattern(self.separator))
        self.names["NR"], self.names["FNR"], self.names["NF"] = float(number), float(number), float(len(self.fields))

    def _all(self, statements: tuple[Term, ...]) -> bool:
        """Whether to go on with the next rule: not behind `next`."""
        for item in statements:
            if item.kind == "next":
                return False
            if item.kind == "print":
                between = _text(self.names.get("OFS", " "))
                self.out.append(
                    between.join(_text(self.value(part)) for part in item.parts) if item.parts else self.line
                )
                self.out.append("\n")
            elif item.kind == "printf":
                self.out.append(_formatted([self.value(part) for part in item.parts]))
            elif item.kind == "if":
                if not self._all(item.parts[1 if _truth(self.value(item.parts[0])) else 2].parts):
                    return False
            else:
                self.value(item.parts[0])
        return True

    def value(self, term: Term) -> Value:
        match term.kind:
            case "number":
                return float(term.text)
            case "string":
                return term.text
            case "regex":
                assert term.pattern is not None, "a pattern is compiled where it is read"
                return float(term.pattern.found_in(self.line))
            case "name":
                return self.names.get(term.text, _NumericText(""))
            case "field":
                at = _number(self.value(term.parts[0]))
                if at == 0:
                    return _NumericText(self.line)
                return _NumericText(self.fields[int(at) - 1] if 1 <= at <= len(self.fields) else "")
            case "join":
                return (_text(self.value(term.parts[0])) + _text(self.value(term.parts[1])))[:TEXT_MAX_CHARS]
            case "choose":
                return self.value(term.parts[1 if _truth(self.value(term.parts[0])) else 2])
            case "unary":
                inner = self.value(term.parts[0])
                return (
                    float(not _truth(inner))
                    if term.text == "!"
                    else _number(inner) * (-1.0 if term.text == "-" else 1.0)
                )
            case "set" | "count":
                return self._assigned(term)
            case "call":
                return _called(term.text, [self.value(part) for part in term.parts], self.line)
        return self._binary(term)

    def _assigned(self, term: Term) -> Value:
        name = term.parts[0].text
        old = self.names.get(name, "")
        if term.kind == "count":
            new = _number(old) + (1.0 if term.text == "++" else -1.0)
            self.names[name] = new
            return new if term.parts[1].text == "1" else _number(old)
        value = self.value(term.parts[1])
        self.names[name] = value if not term.text else _reckoned(term.text, _number(old), _number(value))
        return self.names[name]

    def _binary(self, term: Term) -> Value:
        if term.text in ("&&", "||"):
            left = _truth(self.value(term.parts[0]))
            decided = left == (term.text == "||")
            return float(left if decided else _truth(self.value(term.parts[1])))
        if term.text in ("~", "!~"):
            pattern = term.parts[1].pattern or Pattern(_text(self.value(term.parts[1])))
            return float(pattern.found_in(_text(self.value(term.parts[0]))) == (term.text == "~"))
        left_value, right_value = self.value(term.parts[0]), self.value(term.parts[1])
        if term.text in ("+", "-", "*", "/", "%"):
            return _reckoned(term.text, _number(left_value), _number(right_value))
        return float(_compares(term.text, left_value, right_value))


def prepare_awk(words: list[str]) -> Filter:
    """Source: POSIX, awk; patterns are read by RE2."""
    options, rest = options_of("awk", words, "F:v:")
    if not rest:
        raise CommandError("awk: no program", fix=FIX)
    no_files("awk", rest[1:])
    program = parse_awk(rest[0])
    separator = options.get("-F", " ").replace("\\t", "\t") or " "
    if len(separator) > 1:
        Pattern(separator)
    names: dict[str, Value] = {}
    if "-v" in options:
        name, _, value = options["-v"].partition("=")
        names[name] = _NumericText(value)

    def run(lines: Lines) -> Lines:
        try:
            return _Run(program, separator, dict(names)).over(lines)
        except CommandError as error:
            return [error.what]

    return run


def _split(line: str, pattern: Pattern) -> list[str]:
    parts, at, start = [], 0, 0
    while at < len(line) and (spans := pattern.first(line, at)) is not None:
        begins, ends = spans[0]
        if ends > begins:
            parts.append(line[start:begins])
            start = ends
        at = max(ends, at + 1)
    return [*parts, line[start:]] if line else []


def _number(value: Value) -> float:
    if isinstance(value, float):
        return value
    found = _NUMBER.match(value[:100])
    return float(found[1]) if found else 0.0


def _text(value: Value) -> str:
    if isinstance(value, str):
        return value
    if math.isfinite(value) and value == int(value) and abs(value) < 1e16:
        return str(int(value))
    return f"{value:.6g}"


def _looks_like_number(value: Value) -> bool:
    if isinstance(value, float):
        return True
    found = _NUMBER.match(value)
    return isinstance(value, _NumericText) and (not value or (found is not None and not value[found.end() :].strip()))


def _truth(value: Value) -> bool:
    if isinstance(value, float):
        return value != 0.0
    return _number(value) != 0.0 if value and _looks_like_number(value) else bool(value)


def _compares(op: str, left: Value, right: Value) -> bool:
    a: Value
    b: Value
    if _looks_like_number(left) and _looks_like_number(right):
        a, b = _number(left), _number(right)
        order = (a > b) - (a < b)
    else:
        order = (_text(left) > _text(right)) - (_text(left) < _text(right))
    return {"<": order < 0, "<=": order <= 0, "==": order == 0, "!=": order != 0, ">": order > 0, ">=": order >= 0}[op]


def _reckoned(op: str, left: float, right: float) -> float:
    if op in ("/", "%"):
        if right == 0.0:
            raise CommandError("awk: division by zero", fix="test for it: $2 != 0 {print $1 / $2}")
        return left / right if op == "/" else math.fmod(left, right) if math.isfinite(left) else math.nan
    return left + right if op == "+" else left - right if op == "-" else left * right


def _called(name: str, values: list[Value], line: str) -> Value:
    first = _text(values[0]) if values else line
    match name:
        case "length":
            return float(len(first))
        case "toupper":
            return first.upper()
        case "tolower":
            return first.lower()
        case "int":
            number = _number(values[0])
            return float(math.trunc(number)) if math.isfinite(number) else number
        case "index":
            return float(first.find(_text(values[1])) + 1)
        case "substr":
            begins = min(max(_number(values[1]), -1e9), 1e9)
            length = min(_number(values[2]), 1e9) if len(values) > 2 else 1e9
            return first[max(0, round(begins) - 1) : max(0, round(begins + length) - 1)]
    return _formatted(values)


def _formatted(values: list[Value]) -> str:
    """Source: POSIX, printf; what has no argument is empty."""
    waiting = list(values[1:])

    def one(found: re.Match[str]) -> str:
        flags, width, precision, kind, lone = found.groups()
        if lone or kind == "%":
            return "%"
        value: Value = waiting.pop(0) if waiting else ""
        spec = f"%{flags}{min(int(width or 0), WIDTH_MAX) or ''}" + (f".{precision}" if precision is not None else "")
        if kind == "s":
            return (spec + "s") % _text(value)
        if kind == "c":
            return (spec.partition(".")[0] + "s") % (
                _text(value)[:1] if isinstance(value, str) else chr(int(value) % 0x500)
            )
        number = _number(value)
        if kind in "dixXou":
            whole = int(number) if math.isfinite(number) else 0
            return (spec + ("d" if kind in "iu" else kind)) % whole
        return (spec + kind) % number

    return _FORMAT.sub(one, _text(values[0]))[:TEXT_MAX_CHARS]
