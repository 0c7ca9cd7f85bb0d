"""Mutants of a file: one small change each, made by the operators of Cosmic Ray.

Left out are changes that no run can show: in annotations, which nothing evaluates, in what only type checkers read, in
`slots=` and `frozen=` of a data class and `strict=` of zip, in how a parameter may be passed, and of a large number by
a millionth of it.
"""

from __future__ import annotations

import ast
import difflib
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator

from tests.mutants.scope import ROOT, STATE

_COMPARISONS = (
    *("Eq_NotEq", "NotEq_Eq", "Lt_LtE", "Lt_GtE", "LtE_Lt", "LtE_Gt", "Gt_GtE", "Gt_LtE", "GtE_Gt", "GtE_Lt"),
    *("Is_IsNot", "IsNot_Is"),
)
_ARITHMETIC = (
    "Add_Sub",
    "Sub_Add",
    "Mul_Div",
    "Div_Mul",
    "FloorDiv_Mul",
    "Mod_Mul",
    "Pow_Mul",
    "BitOr_BitAnd",
    "BitAnd_BitOr",
)
_OTHERS = (
    *("ReplaceUnaryOperator_USub_UAdd", "ReplaceUnaryOperator_Delete_Not", "AddNot", "ReplaceTrueWithFalse"),
    *("ReplaceFalseWithTrue", "ReplaceAndWithOr", "ReplaceOrWithAnd", "ReplaceBreakWithContinue"),
    *("ReplaceContinueWithBreak", "ExceptionReplacer", "NumberReplacer", "ZeroIterationForLoop"),
)
OPERATORS = (
    *(f"core/ReplaceComparisonOperator_{pair}" for pair in _COMPARISONS),
    *(f"core/ReplaceBinaryOperator_{pair}" for pair in _ARITHMETIC),
    *(f"core/{name}" for name in _OTHERS),
)
_GUARDS = {"dataclass": ("slots", "frozen"), "zip": ("strict",)}
"""Arguments that only stop a program that is wrong elsewhere."""
LARGE = 1e5
"""From here on four digits of a number count."""
MADE_BY = 5
"""Raise it when mutants of an unchanged file become others."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change to one file. `line` counts from 1; `was` and `now` are the changed lines, stripped."""

    path: str
    part: int
    """Which statement of the module, counted from 0."""
    operator: str
    occurrence: int
    """Which place in that statement where the operator applies."""
    line: int
    was: str
    now: str

    @property
    def key(self) -> str:
        """What it is called in results: the same change to the same text has the same key."""
        parts = (
            self.path,
            str(self.part),
            self.operator,
            str(self.occurrence),
            _digest((ROOT / self.path).read_text(encoding="utf-8")),
        )
        return _digest("\n".join(parts))[:20]

    def source(self) -> str:
        """The whole mutated file."""
        text = (ROOT / self.path).read_text(encoding="utf-8")
        mutated = _mutated(text, _parts(text)[self.part], self.operator, self.occurrence)
        assert mutated is not None, "a mutant that was found can be made again"
        return mutated

    def diff(self) -> str:
        """The change as a unified diff of one line of context."""
        text = (ROOT / self.path).read_text(encoding="utf-8")
        lines = difflib.unified_diff(
            text.splitlines(), self.source().splitlines(), self.path, f"{self.path} {self.operator}", lineterm="", n=1
        )
        return "\n".join(lines)


def mutants_of(path: str) -> list[Mutant]:
    """Every mutant of a file, in a fixed order. What was found for the same text before is read from disk."""
    text = (ROOT / path).read_text(encoding="utf-8")
    kept = STATE / "found" / f"{_digest(f'{MADE_BY} {path} {text}')[:20]}.json"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        rows = [[m.path, m.part, m.operator, m.occurrence, m.line, m.was, m.now] for m in _made(path, text)]
        kept.write_text(json.dumps(rows), encoding="utf-8")
    return [Mutant(*row) for row in json.loads(kept.read_text(encoding="utf-8"))]


def _made(path: str, text: str) -> Iterator[Mutant]:
    plain = _meaning(text)
    for number, part in enumerate(_parts(text)):
        for operator in OPERATORS:
            for occurrence in count():
                mutated = _mutated(text, part, operator, occurrence)
                if mutated is None:
                    break
                if _meaning(mutated) in (plain, None):
                    continue
                pairs = zip(text.splitlines(), mutated.splitlines(), strict=False)
                line, was, now = next((n, a.strip(), b.strip()) for n, (a, b) in enumerate(pairs, start=1) if a != b)
                if "TYPE_CHECKING" not in was:
                    yield Mutant(path, number, operator, occurrence, line, was, now)


def _parts(text: str) -> list[tuple[int, int]]:
    """First and last line of each statement of the module, decorators included: short texts are parsed faster."""
    body = ast.parse(text).body
    starts = [min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", ()))]) for node in body]
    return [(start, node.end_lineno or start) for start, node in zip(starts, body, strict=True)]


def _mutated(text: str, part: tuple[int, int], operator: str, occurrence: int) -> str | None:
    """The text with one place of the part changed; None when there is no such place."""
    lines = text.splitlines(keepends=True)
    before, inside, after = lines[: part[0] - 1], lines[part[0] - 1 : part[1]], lines[part[1] :]
    mutated: str | None = mutate_code("".join(inside), get_operator(operator)(), occurrence)
    return None if mutated is None else "".join([*before, mutated, *after])


def _meaning(text: str) -> str | None:
    """What the program does, without what no run can show; None when it is no program."""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return None
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign):
            node.annotation = ast.Constant(None)
        elif isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.arguments):
            node.args = [*node.posonlyargs, *node.args, *node.kwonlyargs]
            node.defaults = [*node.defaults, *(default for default in node.kw_defaults if default is not None)]
            node.posonlyargs, node.kwonlyargs, node.kw_defaults = [], [], []
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.returns = None
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _GUARDS:
            node.keywords = [keyword for keyword in node.keywords if keyword.arg not in _GUARDS[node.func.id]]
        elif isinstance(node, ast.Constant) and isinstance(node.value, float) and abs(node.value) > LARGE:
            node.value = float(f"{node.value:.4g}")
    return ast.dump(tree)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
