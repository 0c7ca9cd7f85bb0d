"""A prepared query answers as a fresh one does, whatever happened to the series between two questions."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from functools import partial

import pytest

from reference_platform.errors import CommandError
from reference_platform.monitoring.promql import Answer, Prepared, evaluate, parse
from reference_platform.monitoring.series import SeriesStore

QUERIES = (
    "a",
    "rate(a[2m])",
    "increase(a[5m]) >= 2",
    "sum by (x) (rate(a[4m]))",
    "max without (y) (b) > 2",
    "a > 5 and ignoring(y) b > 2",
    "a unless on(x) b",
    "b or a",
    "a / b",
    "a > ignoring(y) b",
    "absent(b)",
    "-last_over_time(b[2m])",
    "max_over_time(b[3m]) * 2",
    "2 + 1",
)


def _said(ask: Callable[[SeriesStore, float], Answer], store: SeriesStore, now_s: float) -> str:
    try:
        return repr(ask(store, now_s))
    except CommandError as refused:
        return str(refused)


@pytest.mark.parametrize("seed", range(4))
def test_what_is_remembered_never_shows(seed: int) -> None:
    draw = random.Random(seed)
    store, now_s = SeriesStore(retention_s=2_000.0, points_max=40), 0.0
    prepared = [(parse(query), Prepared(parse(query))) for query in QUERIES]
    for _ in range(60):
        now_s += draw.choice([15.0, 15.0, 60.0, 400.0])
        for name in "ab":
            for x, y in draw.sample([("1", "1"), ("1", "2"), ("2", "1"), ("3", "2")], draw.randrange(4)):
                value = math.nan if draw.random() < 0.05 else float(draw.randrange(6))
                store.append(name, {"x": x, "y": y}, now_s, value)
        for expr, ask in prepared:
            assert _said(ask, store, now_s) == _said(partial(evaluate, expr), store, now_s), expr.text


def test_another_store_is_another_question() -> None:
    ask = Prepared(parse("sum(a)"))
    one, other = SeriesStore(100.0, 10), SeriesStore(100.0, 10)
    one.append("a", {"x": "1"}, 0.0, 1.0)
    other.append("a", {"x": "2"}, 0.0, 2.0)
    assert [ask(store, 0.0)[0].value for store in (one, other, one)] == [1.0, 2.0, 1.0]  # type: ignore[index]
