"""Queries parsed: a subset of PromQL with its precedence and its type rules.

In it: selectors with = != =~ !~, ranges, offset, the functions and aggregations named in `promql_nodes`, arithmetic,
comparisons with and without `bool`, `and` `or` `unless`, one-to-one matching with `on` and `ignoring`.
Out of it, and refused with a hint: subqueries, @, ^, group_left and group_right, selectors without a metric name.
Source: Prometheus documentation, "Querying: basics, operators, functions".
"""

from __future__ import annotations

from typing import cast

from reference_platform.errors import CommandError, nearest
from reference_platform.monitoring.promql_nodes import (
    AGGREGATIONS,
    COMPARISONS,
    INSTANT_FUNCTIONS,
    OPTIONAL,
    PARAMETRIC,
    RANGE_FUNCTIONS,
    SET_OPERATORS,
    Aggregate,
    Binary,
    Call,
    Expr,
    Kind,
    Matching,
    Negate,
    Node,
    Number,
    Selector,
    kind_of,
)
from reference_platform.monitoring.promql_plan import constant
from reference_platform.monitoring.promql_tokens import Token, duration_s, refuse, tokens_of
from reference_platform.monitoring.series import Matcher, MatchOp
from reference_platform.pattern import Pattern

NESTING_MAX = 50
OPERATORS_MAX = 100

_BINDING = {"or": 1, "and": 2, "unless": 2, **dict.fromkeys(COMPARISONS, 3), "+": 4, "-": 4, "*": 5, "/": 5, "%": 5}
_UNARY_BINDING = max(_BINDING.values())
_FUNCTIONS = (*RANGE_FUNCTIONS, *INSTANT_FUNCTIONS, *AGGREGATIONS)


def parse(text: str) -> Expr:
    """The query in `text`. Raises CommandError that names the column and the next action."""
    parser = _Parser(tokens_of(text))
    root = parser.expression(0)
    parser.finish()
    return Expr(text, root)


class _Parser:
    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0
        self._operators = 0

    def finish(self) -> None:
        token = self._peek()
        if token.kind != "end":
            raise _unexpected(token, "an operator or the end of the query")

    def expression(self, binding_min: int) -> Node:
        self._depth += 1
        if self._depth > NESTING_MAX:
            raise refuse("the query is nested too deeply", self._peek().column, f"use at most {NESTING_MAX} levels")
        left = self._unary()
        while True:
            token = self._peek()
            op = token.text.lower() if token.kind in ("symbol", "name") else ""
            binding = _BINDING.get(op, 0)
            if binding <= binding_min:
                break
            self._at += 1
            left = self._binary(op, token, left, binding)
        self._depth -= 1
        return left

    def _binary(self, op: str, token: Token, left: Node, binding: int) -> Node:
        self._operators += 1
        if self._operators > OPERATORS_MAX:
            raise refuse("the query has too many operators", token.column, f"use at most {OPERATORS_MAX}")
        as_bool = self._accept_word("bool")
        if as_bool and op not in COMPARISONS:
            raise refuse(f"bool does not go with {op}", token.column, "use bool after a comparison only")
        matching_token = self._peek()
        matching = self._matching()
        right = self.expression(binding)
        kinds = (kind_of(left), kind_of(right))
        if Kind.RANGE in kinds:
            raise _range_misused(left if kinds[0] is Kind.RANGE else right)
        if Kind.SCALAR in kinds:
            if op in SET_OPERATORS:
                raise refuse(f"{op} joins two sets of series, not a number", token.column, "compare with > or < first")
            if matching is not None:
                raise refuse("a number has no labels to match", matching_token.column, "remove on or ignoring")
        if kinds == (Kind.SCALAR, Kind.SCALAR) and op in COMPARISONS and not as_bool:
            raise refuse("two numbers cannot filter each other", token.column, f"write {op} bool")
        return Binary(token.column, op, left, right, as_bool, matching or Matching(False, ()))

    def _matching(self) -> Matching | None:
        token = self._peek()
        word = token.text.lower() if token.kind == "name" else ""
        if word not in ("on", "ignoring") or self._tokens[self._at + 1].text != "(":
            return None
        self._at += 1
        matching = Matching(word == "on", self._label_list())
        after = self._peek()
        if after.text.lower() in ("group_left", "group_right"):
            raise refuse(
                f"{after.text} is not supported", after.column, "aggregate both sides to the same labels first"
            )
        return matching

    def _unary(self) -> Node:
        token = self._peek()
        if token.kind == "symbol" and token.text in ("-", "+"):
            self._at += 1
            operand = self.expression(_UNARY_BINDING)
            if kind_of(operand) is Kind.RANGE:
                raise _range_misused(operand)
            return operand if token.text == "+" else Negate(token.column, operand)
        return self._primary()

    def _primary(self) -> Node:
        token = self._take()
        if token.kind == "number":
            return Number(token.column, float(token.text))
        if token.kind == "name":
            return self._named(token)
        if token.text == "(" and token.kind == "symbol":
            inner = self.expression(0)
            self._expect(")")
            return inner
        if token.text == "{" and token.kind == "symbol":
            raise refuse("a selector starts with a metric name", token.column, 'write name{label="value"}')
        if token.kind == "duration":
            raise refuse(f"a duration stands alone: {token.text}", token.column, f"write metric[{token.text}]")
        raise _unexpected(token, "a metric, a function, a number or (")

    def _named(self, token: Token) -> Node:
        word, follows = token.text, self._peek()
        lowered = word.lower()
        if lowered in ("inf", "nan") and follows.text not in ("(", "{"):
            return Number(token.column, float(lowered))
        if lowered in AGGREGATIONS and (follows.text == "(" or follows.text.lower() in ("by", "without")):
            return self._aggregate(token)
        if follows.text == "(" and follows.kind == "symbol":
            return self._call(token)
        if lowered in _BINDING or lowered in ("by", "without", "offset", "bool"):
            raise _unexpected(token, "a metric, a function, a number or (")
        return self._selector(token)

    def _aggregate(self, token: Token) -> Node:
        grouping = self._grouping()
        self._expect("(")
        parameter = self._parameter(token) if token.text.lower() in PARAMETRIC else 0.0
        operand = self.expression(0)
        self._expect(")")
        grouping = grouping or self._grouping() or Matching(True, ())
        if kind_of(operand) is not Kind.INSTANT:
            raise _wrong_argument(token.text, operand, Kind.INSTANT)
        return Aggregate(token.column, token.text.lower(), grouping.labels, not grouping.on, operand, parameter)

    def _parameter(self, token: Token) -> float:
        """The number before the operand of topk, bottomk and quantile."""
        number = self.expression(0)
        value = constant(number)
        if value is None or not self._accept(","):
            raise refuse(f"{token.text} needs a number first", token.column, f"write {_usage(token.text)}")
        return value

    def _grouping(self) -> Matching | None:
        for word in ("by", "without"):
            if self._accept_word(word):
                return Matching(word == "by", self._label_list())
        return None

    def _call(self, token: Token) -> Node:
        name = token.text
        if name not in RANGE_FUNCTIONS and name not in INSTANT_FUNCTIONS:
            raise refuse(f"unknown function {name}", token.column, nearest(name, _FUNCTIONS))
        self._expect("(")
        arguments: list[Node] = []
        while self._peek().text != ")":
            arguments.append(self.expression(0))
            if not self._accept(","):
                break
        self._expect(")")
        wanted = INSTANT_FUNCTIONS.get(name, 1)
        if name in OPTIONAL and len(arguments) == wanted - 1:
            arguments.append(Number(token.column, OPTIONAL[name]))
        if len(arguments) != wanted:
            plural = "" if wanted == 1 else "s"
            raise refuse(
                f"{name} takes {wanted} argument{plural}, not {len(arguments)}", token.column, f"write {_usage(name)}"
            )
        first = Kind.RANGE if name in RANGE_FUNCTIONS else Kind.SCALAR if name == "vector" else Kind.INSTANT
        for argument, kind in zip(arguments, (first, Kind.SCALAR), strict=False):
            if kind_of(argument) is not kind:
                raise _wrong_argument(name, argument, kind)
        return Call(token.column, name, tuple(arguments))

    def _selector(self, token: Token) -> Node:
        matchers = self._matchers() if self._accept("{") else ()
        range_s: float | None = None
        if self._accept("["):
            range_s = self._duration("a range")
            colon = self._peek()
            if colon.text == ":":
                raise refuse("subqueries are not supported", colon.column, "use a plain range such as [5m]")
            self._expect("]")
        offset_s = self._duration("an offset") if self._accept_word("offset") else 0.0
        return Selector(token.column, token.text, matchers, range_s, offset_s)

    def _matchers(self) -> tuple[Matcher, ...]:
        matchers: list[Matcher] = []
        while not self._accept("}"):
            label = self._take()
            if label.kind != "name":
                raise _unexpected(label, "a label name or }")
            op = self._take()
            if op.text not in ("=", "!=", "=~", "!~"):
                raise _unexpected(op, "one of = != =~ !~")
            value = self._take()
            if value.kind != "string":
                raise _unexpected(value, "a value in quotes")
            if op.text in ("=~", "!~"):
                _check_pattern(value)
            matchers.append(Matcher(label.text, cast("MatchOp", op.text), value.text))
            if not self._accept(",") and self._peek().text != "}":
                raise _unexpected(self._peek(), ", or }")
        return tuple(matchers)

    def _label_list(self) -> tuple[str, ...]:
        self._expect("(")
        labels: list[str] = []
        while not self._accept(")"):
            label = self._take()
            if label.kind != "name":
                raise _unexpected(label, "a label name or )")
            labels.append(label.text)
            if not self._accept(",") and self._peek().text != ")":
                raise _unexpected(self._peek(), ", or )")
        return tuple(labels)

    def _duration(self, what: str) -> float:
        token = self._take()
        if token.kind != "duration":
            raise refuse(
                f'{what} is a duration, not "{token.text}"', token.column, "write one such as 30s, 5m, 1h or 7d"
            )
        length_s = duration_s(token.text)
        if length_s <= 0:
            raise refuse(f"{what} of zero length", token.column, "write one such as 30s, 5m, 1h or 7d")
        return length_s

    def _peek(self) -> Token:
        return self._tokens[self._at]

    def _take(self) -> Token:
        token = self._tokens[self._at]
        if token.kind != "end":
            self._at += 1
        return token

    def _accept(self, symbol: str) -> bool:
        token = self._peek()
        if token.kind == "symbol" and token.text == symbol:
            self._at += 1
            return True
        return False

    def _accept_word(self, word: str) -> bool:
        token = self._peek()
        if token.kind == "name" and token.text.lower() == word:
            self._at += 1
            return True
        return False

    def _expect(self, symbol: str) -> None:
        if not self._accept(symbol):
            raise _unexpected(self._peek(), f'"{symbol}"')


def _unexpected(token: Token, wanted: str) -> CommandError:
    if token.kind == "symbol" and token.text in ("^", "@"):
        return refuse(f"{token.text} is not supported", token.column, "use + - * / and comparisons")
    if token.kind == "symbol" and token.text == "=":
        return refuse('"=" only compares labels', token.column, "use == to compare values")
    shown = token.text if token.kind == "end" else f'"{token.text}"'
    return refuse(f"unexpected {shown}", token.column, f"expected {wanted}")


def _check_pattern(token: Token) -> None:
    try:
        Pattern(token.text, dot_all=True)
    except CommandError as error:
        raise refuse(error.what, token.column, error.fix) from None


def _range_misused(node: Node) -> CommandError:
    return refuse(
        "a range has no single value", node.column, "wrap it, for example rate(...[5m]) or avg_over_time(...[5m])"
    )


def _wrong_argument(function: str, argument: Node, wanted: Kind) -> CommandError:
    return refuse(
        f"{function} needs {wanted.value}, not {kind_of(argument).value}", argument.column, f"write {_usage(function)}"
    )


def _usage(function: str) -> str:
    if function in RANGE_FUNCTIONS:
        return f"{function}(metric[5m])"
    if function.lower() in PARAMETRIC:
        return f"{function.lower()}({'0.9' if function.lower() == 'quantile' else '3'}, metric)"
    return f"{function}(metric, 0)" if INSTANT_FUNCTIONS.get(function) == 2 else f"{function.lower()}(metric)"
