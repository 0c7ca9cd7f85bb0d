"""An awk program taken apart: rules of a condition and statements. No loops and no arrays, so every program ends."""

from __future__ import annotations

import re
from dataclasses import dataclass

from reference_platform.errors import CommandError
from reference_platform.pattern import Pattern

DEPTH_MAX = 40
PROGRAM_MAX_CHARS = 1_000
FUNCTIONS = {"length": (0, 1), "substr": (2, 3), "toupper": (1, 1), "tolower": (1, 1), "int": (1, 1), "index": (2, 2),
             "sprintf": (1, 20)}  # fmt: skip
"""How few and how many arguments each takes."""
FIX = "such as awk '{print $1, $3}', awk '$4 > 0 {print $1}' or awk '{s += $2} END {print s}'"
_TOKEN = re.compile(
    r"(?:(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\.\d+)|\"(?P<string>(?:[^\"\\]|\\.)*)\"|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<op>&&|\|\||==|!=|<=|>=|!~|\+\+|--|\+=|-=|\*=|/=|%=|[-+*/%<>!~=$(){}\[\],;?:|\n]))",
    re.ASCII,
)
_BLANKS = re.compile(r"[ \t\r]*(?:#[^\n]*)?")
_ESCAPES = {"n": "\n", "t": "\t", "\\": "\\", '"': '"', "/": "/"}
_LEVELS = (("||",), ("&&",), ("~", "!~"), ("<", "<=", "==", "!=", ">", ">="), ("",), ("+", "-"), ("*", "/", "%"))
"""Operators from the loosest to the tightest; "" is two values side by side."""


@dataclass(frozen=True, slots=True)
class Term:
    """A part of a program: `kind` says what it is, `parts` what it is made of, `text` its name or value."""

    kind: str
    text: str = ""
    parts: tuple[Term, ...] = ()
    pattern: Pattern | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """What is done where `when` holds; None for every line."""

    when: Term | None
    does: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Program:
    begin: tuple[Term, ...]
    rules: tuple[Rule, ...]
    end: tuple[Term, ...]


def refuse(what: str) -> CommandError:
    """The error for a program that cannot be run here."""
    return CommandError(f"awk: {what}", fix=FIX)


def parse_awk(text: str) -> Program:
    """Raises CommandError for what awk would refuse, and for loops, arrays, files and commands."""
    if len(text) > PROGRAM_MAX_CHARS:
        raise refuse(f"a program of {len(text)} characters; at most {PROGRAM_MAX_CHARS}")
    return _Parser(text).program()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0
        self._printing = False

    # -- tokens

    def _skip(self) -> None:
        found = _BLANKS.match(self._text, self._at)
        assert found is not None, "no blank matches too"
        self._at = found.end()

    def _peek(self) -> tuple[str, str, int]:
        """Kind, text and end of the next token; ("end", "", ...) when there is none."""
        self._skip()
        if self._at >= len(self._text):
            return "end", "", self._at
        found = _TOKEN.match(self._text, self._at)
        if found is None or found.lastgroup is None:
            raise refuse(f"cannot read {self._text[self._at : self._at + 20]!r}")
        return found.lastgroup, found[found.lastgroup], found.end()

    def _take(self, *wanted: str) -> str | None:
        kind, text, end = self._peek()
        if kind in ("op", "name") and text in wanted:
            self._at = end
            return text
        return None

    def _need(self, wanted: str) -> None:
        if self._take(wanted) is None:
            raise refuse(f"{wanted} is missing before {self._text[self._at : self._at + 20] or 'the end'!r}")

    # -- rules and statements

    def program(self) -> Program:
        begin: list[Term] = []
        end: list[Term] = []
        rules: list[Rule] = []
        while self._more():
            if self._take("BEGIN"):
                begin += self._block()
            elif self._take("END"):
                end += self._block()
            else:
                when = None if self._peek()[1] == "{" else self._expression()
                does = self._block() if self._peek()[1] == "{" else (Term("print"),)
                rules.append(Rule(when, does))
        if not (begin or rules or end):
            raise refuse("no program")
        return Program(tuple(begin), tuple(rules), tuple(end))

    def _more(self) -> bool:
        while self._take(";", "\n"):
            pass
        return self._peek()[0] != "end"

    def _block(self) -> tuple[Term, ...]:
        self._need("{")
        found: list[Term] = []
        while True:
            while self._take(";", "\n"):
                pass
            if self._take("}"):
                return tuple(found)
            found.append(self._statement())
            if self._peek()[1] not in (";", "}", "\n"):
                raise refuse(f"cannot read {self._text[self._at : self._at + 20] or 'the end'!r}")

    def _statement(self) -> Term:
        if self._take("print"):
            return Term("print", parts=tuple(self._printed()))
        if self._take("printf"):
            parts = tuple(self._printed())
            if not parts:
                raise refuse("printf needs a format")
            return Term("printf", parts=parts)
        if self._take("next"):
            return Term("next")
        if self._take("if"):
            self._need("(")
            when = self._expression()
            self._need(")")
            yes = self._body()
            self._take(";")
            no = self._body() if self._take("else") else Term("block")
            return Term("if", parts=(when, yes, no))
        for word in ("for", "while", "do", "delete", "getline", "system", "exit", "function", "return"):
            if self._take(word):
                raise refuse(f"{word} is not possible here")
        return Term("do", parts=(self._expression(),))

    def _body(self) -> Term:
        self._nest()
        body = Term("block", parts=self._block() if self._peek()[1] == "{" else (self._statement(),))
        self._depth -= 1
        return body

    def _printed(self) -> list[Term]:
        """What print prints. Behind it > is a file, and there are none."""
        self._printing, found = True, []
        if self._peek()[0] != "end" and self._peek()[1] not in (";", "}", "\n"):
            found.append(self._expression())
            while self._take(","):
                found.append(self._expression())
        self._printing = False
        if self._peek()[1] in (">", "|"):
            raise refuse("print cannot write to a file or a command here")
        return found

    # -- expressions

    def _nest(self) -> None:
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise refuse("nested too deeply")

    def _expression(self) -> Term:
        self._nest()
        left = self._binary(0)
        if left.kind in ("name", "field") and (op := self._take("=", "+=", "-=", "*=", "/=", "%=")):
            if left.kind == "field":
                raise refuse("fields cannot be set here")
            left = Term("set", op[:-1], (left, self._expression()))
        elif self._take("?"):
            yes = self._expression()
            self._need(":")
            left = Term("choose", parts=(left, yes, self._expression()))
        self._depth -= 1
        return left

    def _binary(self, level: int) -> Term:
        if level == len(_LEVELS):
            return self._unary()
        left = self._binary(level + 1)
        while True:
            if _LEVELS[level] == ("",):
                kind, text, _ = self._peek()
                if not (kind in ("number", "string") or text in ("$", "(", "!") or (kind == "name" and text != "in")):
                    return left
                left = Term("join", parts=(left, self._binary(level + 1)))
                continue
            if self._printing and self._peek()[1] == ">":
                return left
            op = self._take(*_LEVELS[level])
            if op is None:
                return left
            left = Term("binary", op, (left, self._binary(level + 1)))

    def _unary(self) -> Term:
        self._nest()
        op = self._take("!", "-", "+")
        found = Term("unary", op, (self._unary(),)) if op else self._postfix()
        self._depth -= 1
        return found

    def _postfix(self) -> Term:
        before = self._take("++", "--")
        found = self._primary()
        op = before or self._take("++", "--")
        if op is None:
            return found
        if found.kind != "name":
            raise refuse(f"{op} needs a variable")
        return Term("count", op, (found, Term("number", "1" if before else "0")))

    def _primary(self) -> Term:
        kind, text, end = self._peek()
        if text == "/" and kind == "op":
            return self._regex()
        self._at = end
        if kind == "number":
            return Term("number", text)
        if kind == "string":
            return Term("string", re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[0]), text))
        if text == "$":
            self._nest()
            field = Term("field", parts=(self._postfix(),))
            self._depth -= 1
            return field
        if text == "(":
            printing, self._printing = self._printing, False
            inner = self._expression()
            self._printing = printing
            self._need(")")
            return inner
        if kind == "name":
            return self._named(text)
        raise refuse(f"cannot read {text or 'the end'!r}")

    def _named(self, name: str) -> Term:
        if self._peek()[1] == "[":
            raise refuse("arrays are not possible here; count with sort | uniq -c")
        if name not in FUNCTIONS:
            if self._text[self._at : self._at + 1] == "(":
                raise refuse(f"no function {name}; there are {', '.join(FUNCTIONS)}")
            return Term("name", name)
        parts: list[Term] = []
        if self._take("("):
            while not self._take(")"):
                parts.append(self._expression())
                if self._peek()[1] != ")":
                    self._need(",")
        low, high = FUNCTIONS[name]
        if not low <= len(parts) <= high:
            raise refuse(f"{name} takes {low} to {high} arguments")
        return Term("call", name, tuple(parts))

    def _regex(self) -> Term:
        found = re.compile(r"/((?:[^/\\\n]|\\.)*)/").match(self._text, self._at)
        if found is None:
            raise refuse("a pattern is not closed by /")
        self._at = found.end()
        return Term("regex", pattern=Pattern(found[1].replace("\\/", "/")))
