"""A jq program taken apart. No definitions, no loops and no variables of its own, so every program ends."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from reference_platform.errors import CommandError

DEPTH_MAX = 40
PROGRAM_MAX_CHARS = 1_000
FIX = "such as jq '.items[].metadata.name' or jq -r '.items[] | select(.status.phase != \"Running\") | .metadata.name'"
_TOKEN = re.compile(
    r"(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d{1,3})?)|(?P<format>@[a-z]+)|(?P<variable>\$[A-Za-z_]\w*)"
    r"|(?P<field>\.[A-Za-z_]\w*)|(?P<name>[A-Za-z_]\w*)|(?P<quote>\")"
    r"|(?P<op>\.\.|//|==|!=|<=|>=|\|=|\+=|[-.\[\]{}()|,:;<>+*/%?=])",
    re.ASCII,
)
_BLANKS = re.compile(r"(?:\s|#[^\n]*)*")
_LEVELS = (("//",), ("or",), ("and",), ("==", "!=", "<", "<=", ">", ">="), ("+", "-"), ("*", "/", "%"))
"""Operators from the loosest to the tightest, below | and the comma."""
_ABSENT = (
    *("def", "reduce", "foreach", "label", "import", "include", "try", "as", "env", "input", "inputs", "now"),
    *("while", "until", "repeat", "recurse", "range", "debug", "halt"),
)


@dataclass(frozen=True, slots=True)
class Term:
    """A part of a program: what kind, its name or literal value, and what it is made of."""

    kind: str
    text: str = ""
    parts: tuple[Term, ...] = ()
    value: object = None


def refuse(what: str) -> CommandError:
    """The error for a program that cannot be run here."""
    return CommandError(f"jq: {what}", fix=FIX)


def parse_jq(text: str) -> Term:
    """Raises CommandError for what jq would refuse, and for what is not possible here."""
    if len(text) > PROGRAM_MAX_CHARS:
        raise refuse(f"a program of {len(text)} characters; at most {PROGRAM_MAX_CHARS}")
    parser = _Parser(text)
    if parser.at_end():
        return Term("same")
    found = parser.pipe()
    if not parser.at_end():
        raise parser.unexpected()
    return found


class _Parser:
    def __init__(self, text: str, at: int = 0) -> None:
        self._text = text
        self._at = at
        self._depth = 0

    def at_end(self) -> bool:
        return self._peek()[0] == "end"

    def unexpected(self) -> CommandError:
        return refuse(f"syntax error, unexpected {self._text[self._at : self._at + 20] or 'end of the program'!r}")

    def _peek(self) -> tuple[str, str, int]:
        blank = _BLANKS.match(self._text, self._at)
        assert blank is not None, "no blank matches too"
        self._at = blank.end()
        if self._at >= len(self._text):
            return "end", "", self._at
        found = _TOKEN.match(self._text, self._at)
        if found is None or found.lastgroup is None:
            raise self.unexpected()
        return found.lastgroup, found[0], found.end()

    def _take(self, *wanted: str) -> str | None:
        kind, text, end = self._peek()
        if kind in ("op", "name") and text in wanted:
            self._at = end
            return text
        return None

    def _need(self, wanted: str) -> None:
        if self._take(wanted) is None:
            raise self.unexpected()

    def pipe(self) -> Term:
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise refuse("nested too deeply")
        parts = [self._comma()]
        while self._take("|"):
            parts.append(self._comma())
        self._depth -= 1
        return parts[0] if len(parts) == 1 else Term("pipe", parts=tuple(parts))

    def _comma(self) -> Term:
        parts = [self._binary(0)]
        while self._take(","):
            parts.append(self._binary(0))
        return parts[0] if len(parts) == 1 else Term("comma", parts=tuple(parts))

    def _binary(self, level: int) -> Term:
        if level == len(_LEVELS):
            return self._postfix()
        left = self._binary(level + 1)
        while (op := self._take(*_LEVELS[level])) is not None:
            left = Term("binary", op, (left, self._binary(level + 1)))
        if self._peek()[1] in ("=", "|=", "+="):
            raise refuse("assignments are not possible here")
        if self._peek()[1] == "as":
            raise refuse("variables are not possible here")
        return left

    def _postfix(self) -> Term:
        found = self._primary()
        while True:
            kind, text, end = self._peek()
            if kind == "field":
                self._at = end
                found = Term("index", parts=(found, Term("literal", value=text[1:])))
            elif text == "." and self._text[end : end + 1] in ('"', "["):
                self._at = end
                if self._text[end] == '"':
                    found = Term("index", parts=(found, self._string()))
            elif text == "[":
                self._at = end
                found = self._bracket(found)
            elif text == "?":
                self._at = end
                found = Term("maybe", parts=(found,))
            else:
                return found

    def _bracket(self, of: Term) -> Term:
        if self._take("]"):
            return Term("each", parts=(of,))
        nothing = Term("literal", value=None)
        low = nothing if self._peek()[1] == ":" else self.pipe()
        if self._take(":"):
            high = nothing if self._peek()[1] == "]" else self.pipe()
            self._need("]")
            return Term("slice", parts=(of, low, high))
        self._need("]")
        return Term("index", parts=(of, low))

    def _primary(self) -> Term:  # noqa: C901  one branch for each kind
        kind, text, end = self._peek()
        if kind == "quote":
            return self._string()
        self._at = end
        if kind == "field":
            return Term("index", parts=(Term("same"), Term("literal", value=text[1:])))
        if kind == "number":
            return Term("literal", value=json.loads(text))
        if kind == "variable":
            if text in ("$ENV", "$__loc__"):
                raise refuse(f"{text} is not there")
            return Term("variable", text[1:])
        if kind == "format":
            return Term("call", text)
        if kind == "name":
            return self._named(text)
        match text:
            case ".":
                if self._text[self._at : self._at + 1] == '"':
                    return Term("index", parts=(Term("same"), self._string()))
                return Term("same")
            case "..":
                return Term("all")
            case "-":
                return Term("negative", parts=(self._postfix(),))
            case "(":
                inner = self.pipe()
                self._need(")")
                return inner
            case "[":
                inner = Term("call", "empty") if self._peek()[1] == "]" else self.pipe()
                self._need("]")
                return Term("array", parts=(inner,))
            case "{":
                return self._object()
        self._at -= len(text)
        raise self.unexpected()

    def _named(self, name: str) -> Term:
        if name in ("true", "false", "null"):
            return Term("literal", value={"true": True, "false": False, "null": None}[name])
        if name == "if":
            return self._if()
        if name in _ABSENT:
            raise refuse(f"{name} is not possible here")
        parts: list[Term] = []
        if self._take("("):
            parts.append(self.pipe())
            while self._take(";"):
                parts.append(self.pipe())
            self._need(")")
        return Term("call", name, tuple(parts))

    def _if(self) -> Term:
        when = self.pipe()
        self._need("then")
        yes = self.pipe()
        if self._take("elif"):
            return Term("if", parts=(when, yes, self._if()))
        no = self.pipe() if self._take("else") else Term("same")
        self._need("end")
        return Term("if", parts=(when, yes, no))

    def _object(self) -> Term:
        parts: list[Term] = []
        while not self._take("}"):
            parts += self._entry()
            if self._peek()[1] != "}":
                self._need(",")
        return Term("object", parts=tuple(parts))

    def _entry(self) -> tuple[Term, Term]:
        kind, text, end = self._peek()
        if kind == "variable":
            self._at = end
            return Term("literal", value=text[1:]), Term("variable", text[1:])
        if kind == "name":
            self._at = end
            key = Term("literal", value=text)
        elif kind == "quote":
            key = self._string()
        else:
            self._need("(")
            key = self.pipe()
            self._need(")")
        if not self._take(":"):
            return key, Term("index", parts=(Term("same"), key))
        value = self._binary(0)
        while self._take("|"):
            value = Term("pipe", parts=(value, self._binary(0)))
        return key, value

    def _string(self) -> Term:
        """A string, whose \\(...) hold programs."""
        self._at = self._text.index('"', self._at) + 1
        parts: list[Term] = []
        plain: list[str] = []
        while True:
            char = self._text[self._at : self._at + 1]
            self._at += 1
            if char == "":
                raise refuse("a string is not closed")
            if char == '"':
                parts.append(self._plain(plain))
                return parts[0] if len(parts) == 1 else Term("string", parts=tuple(parts))
            if char == "\\" and self._text[self._at : self._at + 1] == "(":
                parts.append(self._plain(plain))
                plain = []
                self._at += 1
                parts.append(self.pipe())
                self._need(")")
            elif char == "\\":
                plain.append(char + self._text[self._at : self._at + 1])
                self._at += 1
            else:
                plain.append({"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(char, char))

    def _plain(self, letters: list[str]) -> Term:
        try:
            return Term("literal", value=json.loads('"' + "".join(letters) + '"'))
        except json.JSONDecodeError:
            raise refuse(f"cannot read the string {''.join(letters)[:40]!r}") from None
