"""Windows: what is served equals what the archive gives at that instant, and both equal a recount of the raw events."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable
from datetime import timedelta
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from hypothesis import event, given, settings
from hypothesis import strategies as st

from reference_platform.features.columns import Column, FeatureBlock
from reference_platform.features.definitions import Entity, Field
from reference_platform.features.join.kernel import point_in_time_join
from reference_platform.features.join.spec import JoinSpec
from reference_platform.features.sources import KafkaSource
from reference_platform.features.stream_views import Aggregation, Function, StreamFeatureView
from reference_platform.features.types import FeatureType, Float64, Int64, String
from reference_platform.features.windows.aggregator import WindowAggregator
from reference_platform.features.windows.distinct import STANDARD_ERROR_RATIO
from reference_platform.features.windows.history import aggregate_history, history_columns

SLIDE_US = 10
LATENESS_US = (0, 25, 80)
LONGEST = 5
END_US = 300


def _declared() -> list[tuple[Function, str, int, FeatureType]]:
    return [
        ("sum", "x", 2, Float64), ("count", "x", 2, Int64), ("mean", "x", 3, Float64), ("var", "x", 3, Float64),
        ("min", "x", LONGEST, Float64), ("max", "x", 2, Float64), ("last", "x", LONGEST, Float64),
        ("approx_distinct", "x", 3, Int64), ("count", "word", 1, Int64), ("min", "word", 2, String),
        ("last", "word", 3, String), ("approx_distinct", "word", LONGEST, Int64),
    ]  # fmt: skip


@functools.cache
def _view(lateness_us: int) -> StreamFeatureView:
    slide = timedelta(microseconds=SLIDE_US)
    declared = _declared()
    return StreamFeatureView(
        name="spend",
        entities=(Entity("card"),),
        source=KafkaSource(name="payments", timestamp_field="happened"),
        aggregations=tuple(
            Aggregation(column=c, function=f, time_window=slide * w, slide_interval=slide, name=f"{f}_{c}_{w}")
            for f, c, w, _ in declared
        ),
        schema=tuple(Field(name=f"{f}_{c}_{w}", dtype=kind) for f, c, w, kind in declared),
        allowed_lateness=timedelta(microseconds=lateness_us),
        ttl=timedelta(0),
    )


VIEW = _view(25)


class Sent(NamedTuple):
    card: int
    happened: int
    arrived: int
    x: float | None
    word: str | None
    id: int


DELAYS = st.sampled_from([0, 0, 1, 3, 8, 15, 25, 26, 40, 78, 90, -5, -51])
NUMBERS = st.none() | st.sampled_from([0.0, -0.0, 1.0, 0.1, -0.3, 1e16, -1e16, 1e-300, math.nan]) | st.floats(
    allow_nan=False, allow_infinity=False, width=32
)  # fmt: skip
SENT = st.builds(
    lambda card, happened, delay, x, word: Sent(card, happened, max(happened + delay, 0), x, word, 0),
    st.integers(0, 2), st.integers(0, 200) | st.integers(0, 20).map(lambda t: 10 * t), DELAYS,
    NUMBERS, st.none() | st.sampled_from(["", "a", "b", "zürich"]),
)  # fmt: skip


@st.composite
def streams(draw: Any) -> list[Sent]:
    """Events in order of arrival, some of them delivered twice."""
    first = [one._replace(id=number) for number, one in enumerate(draw(st.lists(SENT, max_size=25)))]
    again = draw(st.lists(st.tuples(st.integers(0, 24), st.integers(0, 60)), max_size=8))
    copies = [
        first[i % len(first)]._replace(arrived=first[i % len(first)].arrived + more) for i, more in again if first
    ]
    return sorted([*first, *copies], key=lambda one: one.arrived)


ADVANCES = st.lists(st.integers(0, END_US), max_size=12).map(lambda found: sorted([*found, END_US]))


def _columns(sent: list[Sent]) -> dict[str, Column]:
    def of(values: Iterable[Any], dtype: Any) -> Column:
        plain = list(values)
        valid = np.array([value is not None for value in plain], dtype=np.bool_)
        filled = plain if dtype is object else [0 if value is None else value for value in plain]
        return Column(np.fromiter(filled, dtype=dtype, count=len(plain)), valid)

    return {
        "card": of((one.card for one in sent), np.int64),
        "happened": of((one.happened for one in sent), np.int64),
        "x": of((one.x for one in sent), np.float64),
        "word": of((one.word for one in sent), object),
        "id": of((one.id for one in sent), np.int64),
    }


def _archive(sent: list[Sent]) -> pa.Table:
    us = pa.timestamp("us", tz="UTC")
    return pa.table({
        "card": pa.array([one.card for one in sent], pa.int64()),
        "happened": pa.array([one.happened for one in sent], us),
        "arrived": pa.array([one.arrived for one in sent], us),
        "x": pa.array([one.x for one in sent], pa.float64()),
        "word": pa.array([one.word for one in sent], pa.string()),
        "id": pa.array([one.id for one in sent], pa.int64()),
    })  # fmt: skip


def _live(
    view: StreamFeatureView, sent: list[Sent], advances: list[int], cuts: list[int], crashes: list[int]
) -> list[FeatureBlock]:
    """Blocks of a job that takes events in batches as `cuts` says and is killed after the steps in `crashes`."""
    job = WindowAggregator(view, event_id="id")
    blocks, taken = [], 0
    for step, now_us in enumerate(advances):
        end = sum(one.arrived <= now_us for one in sent)
        while taken < end:
            batch = sent[taken : min(end, taken + cuts[taken % len(cuts)])]
            job.ingest(_columns(batch), np.array([one.arrived for one in batch]))
            taken += len(batch)
            if taken % 7 in crashes:
                job = _restarted(job)
        blocks.append(job.advance(now_us))
        if step % 7 in crashes:
            job = _restarted(job)
    return blocks


def _restarted(job: WindowAggregator) -> WindowAggregator:
    state = job.state()
    assert all(array.dtype != object for array in state.values())
    fresh = WindowAggregator(job.view, event_id="id")
    fresh.restore({name: array.copy() for name, array in state.items()})
    assert fresh.dropped == job.dropped
    return fresh


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, float) and isinstance(b, float):
        return (a == b and math.copysign(1, a) == math.copysign(1, b)) or (math.isnan(a) and math.isnan(b))
    return bool(a == b)


def _rows(blocks: list[FeatureBlock]) -> list[list[Any]]:
    return [
        [*row]
        for block in blocks
        for row in zip(block.keys[0].tolist(), block.event_us.tolist(), block.created_us.tolist(),
                       block.sequence.tolist(), *(column.to_list() for column in block.values), strict=True)
    ]  # fmt: skip


def _table_rows(table: pa.Table) -> list[list[Any]]:
    plain = [c.cast(pa.int64()) if pa.types.is_timestamp(c.type) else c for c in table.columns]
    return [list(row) for row in zip(*(column.to_pylist() for column in plain), strict=True)]


def _asked(rows: pa.Table, at: list[int], known: bool) -> list[list[Any]]:
    """The join of every card at every instant of `at`."""
    labels = pa.table({
        "card": pa.array([card for card in range(3) for _ in at], pa.int64()),
        "at": pa.array([t for _ in range(3) for t in at], pa.timestamp("us", tz="UTC")),
    })  # fmt: skip
    spec = JoinSpec(("card",), "at", history_columns(VIEW), VIEW.feature_names, VIEW.ttl_us, known)
    answers = point_in_time_join(labels, rows, spec).select(list(VIEW.feature_names))
    return [list(row) for row in zip(*(column.to_pylist() for column in answers.columns), strict=True)]


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(LATENESS_US),
    streams(),
    ADVANCES,
    st.lists(st.integers(1, 6), min_size=1, max_size=4),
    st.lists(st.integers(0, 6), max_size=2),
)
def test_what_is_served_is_what_the_archive_gives_at_that_instant(
    lateness_us: int, sent: list[Sent], advances: list[int], cuts: list[int], crashes: list[int]
) -> None:
    view = _view(lateness_us)
    blocks = _live(view, sent, advances, cuts, crashes)
    history = aggregate_history(view, _archive(sent), event_id="id", arrived="arrived", advanced_us=advances)
    live, rebuilt = _rows(blocks), _table_rows(history)
    assert len(live) == len(rebuilt)
    assert all(_same(a, b) for left, right in zip(live, rebuilt, strict=True) for a, b in zip(left, right, strict=True))
    event(f"rows: {min(len(live), 20) // 5 * 5}+, corrections: {any(row[2] - row[1] >= SLIDE_US for row in live)}")
    online: dict[int, list[Any]] = {}
    for now_us, block in zip(advances, blocks, strict=True):
        for row in _rows([block]):
            if row[0] not in online or row[1:4] > online[row[0]][1:4]:
                online[row[0]] = row
        if now_us in advances[advances.index(now_us) + 1 :]:
            continue
        for card, offline in enumerate(_asked(history, [now_us], known=True)):
            served = online[card][4:] if card in online else [None] * len(VIEW.schema)
            assert all(_same(a, b) for a, b in zip(served, offline, strict=True)), (card, now_us)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(LATENESS_US), streams(), st.integers(0, END_US // SLIDE_US - 1))
def test_every_window_equals_a_recount_of_the_raw_events(lateness_us: int, sent: list[Sent], checked: int) -> None:
    view = _view(lateness_us)
    history = aggregate_history(view, _archive(sent), event_id="id", arrived="arrived", until_us=END_US)
    ends = list(range(0, END_US, SLIDE_US))
    corrected = _asked(history, ends, known=False)
    known = _asked(history, ends, known=True)
    for place, (card, end_us) in enumerate((card, end) for card in range(3) for end in ends):
        _check(_counted(sent, lateness_us, END_US), card, end_us, corrected[place])
        if place % 7 == checked % 7:
            _check(_counted(sent, lateness_us, end_us), card, end_us, known[place])


def _counted(sent: list[Sent], lateness_us: int, known_us: int) -> list[Sent]:
    """Events that count, as the rules say."""
    seen: set[tuple[int, int]] = set()
    found = []
    for one in sent:
        age = one.arrived - one.happened
        if one.arrived > known_us or age > lateness_us or age < -LONGEST * SLIDE_US or (one.id, one.happened) in seen:
            continue
        seen.add((one.id, one.happened))
        found.append(one)
    return found


def _check(counted: list[Sent], card: int, end_us: int, answers: list[Any]) -> None:
    counted = [one for one in counted if one.card == card]
    for (function, column, width, _), answer in zip(_declared(), answers, strict=True):
        inside = [one for one in counted if end_us - width * SLIDE_US <= one.happened < end_us]
        values = [one for one in inside if getattr(one, column) is not None]
        wanted = RECOUNT[function]([getattr(one, column) for one in values], values)
        if answer is None and wanted in (0, 0.0):
            # Nothing was ever published for a card whose windows were always empty.
            assert answers == [None] * len(answers) or wanted is None
            continue
        if function == "var" and wanted is not None and not math.isnan(wanted):
            numbers = [float(getattr(one, column)) for one in values]
            mean = float(sum(map(Fraction, numbers)) / len(numbers))
            assert abs(answer - wanted) <= 2.0**-50 * wanted + 2.0**-90 * mean * mean + 5e-324
        else:
            assert _close(function, answer, wanted), (function, answer, wanted)


def _close(function: str, answer: Any, wanted: Any) -> bool:
    if answer is None or wanted is None or not isinstance(wanted, float) or math.isnan(wanted):
        return answer == wanted or (answer != answer and wanted != wanted)
    if function in ("sum", "mean"):
        return bool(abs(answer - wanted) <= math.ulp(wanted))
    return bool(answer == wanted)


def _mean(values: list[Any], _: list[Sent]) -> Any:
    if not values or any(map(math.isnan, values)):
        return math.nan if values else None
    return float(sum(map(Fraction, values)) / len(values))


def _variance(values: list[Any], _: list[Sent]) -> Any:
    if not values or any(map(math.isnan, values)):
        return math.nan if values else None
    exact = [Fraction(value) for value in values]
    mean = sum(exact) / len(exact)
    return float(sum((value - mean) ** 2 for value in exact) / len(exact))


def _extreme(choose: Callable[[list[Any]], Any]) -> Callable[[list[Any], list[Sent]], Any]:
    def found(values: list[Any], _: list[Sent]) -> Any:
        return math.nan if any(v != v for v in values) else choose(values) if values else None

    return found


def _last(values: list[Any], events: list[Sent]) -> Any:
    if not values:
        return None
    newest = max((one.happened, one.arrived) for one in events)
    tied = [v for v, one in zip(values, events, strict=True) if (one.happened, one.arrived) == newest]
    if isinstance(tied[0], str):
        return max(tied)
    return max(tied, key=lambda v: np.float64(v).view(np.int64))


def _distinct(values: list[Any], _: list[Sent]) -> int:
    return len({("nan",) if v != v else v for v in values})


RECOUNT: dict[str, Callable[[list[Any], list[Sent]], Any]] = {
    "sum": lambda values, _: math.fsum(values),
    "count": lambda values, _: len(values),
    "mean": _mean,
    "var": _variance,
    "min": _extreme(min),
    "max": _extreme(max),
    "last": _last,
    "approx_distinct": _distinct,
}


def test_approximate_counts_keep_to_their_error_over_many_tiles() -> None:
    """Of 60 windows of 2,000 to 60,000 values none is further off than four standard errors, and the mean is near 0."""
    slide = timedelta(seconds=1)
    view = StreamFeatureView(
        name="visitors",
        source=KafkaSource(name="visits", timestamp_field="at"),
        aggregations=(
            Aggregation(
                column="who", function="approx_distinct", time_window=slide * 8, slide_interval=slide, name="who"
            ),
        ),
        schema=(Field(name="who", dtype=Int64),),
    )
    job = WindowAggregator(view)
    stream = np.random.default_rng(5)
    windows: list[set[int]] = []
    errors = []
    for second in range(60):
        who = stream.integers(0, 1000 * (second + 1), size=250 * (second + 1))
        windows = [*windows[-7:], set(who.tolist())]
        job.ingest({"who": who, "at": np.full(len(who), second * 1_000_000)}, second * 1_000_000)
        block = job.advance((second + 1) * 1_000_000)
        exact = len(set().union(*windows))
        errors.append(block.values[0].to_list()[-1] / exact - 1.0)
    assert max(map(abs, errors)) < 4 * STANDARD_ERROR_RATIO
    assert abs(float(np.mean(errors))) < STANDARD_ERROR_RATIO
    assert float(np.sqrt(np.mean(np.square(errors)))) < 1.5 * STANDARD_ERROR_RATIO
