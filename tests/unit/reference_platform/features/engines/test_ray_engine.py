"""Ray gives the bytes that the process itself gives. One session for all tests, because starting one takes seconds."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pytest

from reference_platform.errors import CommandError
from reference_platform.features.join.engine import ViewJoin, view_answers
from reference_platform.features.join.in_process import InProcessEngine
from reference_platform.features.join.ray_engine import RayEngine
from tests.unit.reference_platform.features.engines.questions import Cut, content, random_labels, random_rows, spec_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed"),
    pytest.mark.filterwarnings("ignore::FutureWarning:ray.*", "ignore::ResourceWarning", "ignore::DeprecationWarning"),
]


@pytest.fixture(scope="module")
def engine() -> Iterator[RayEngine]:
    with RayEngine(processes=2, partitions=3, object_store_bytes=100_000_000) as started:
        yield started


@pytest.mark.parametrize("partitions", [0, 1, 6])
@pytest.mark.parametrize(("ttl_us", "known", "sequence"), [(None, True, None), (9, False, "number")])
def test_answers_have_the_same_bytes(
    engine: RayEngine, partitions: int, ttl_us: int | None, known: bool, sequence: str | None
) -> None:
    rng = np.random.default_rng([partitions, known])
    rows, labels = random_rows(rng, 2000), random_labels(rng, 500)
    join = ViewJoin(Cut(rows, 170), spec_of(ttl_us=ttl_us, known=known, sequence=sequence))
    there = view_answers(engine, labels, join, partitions=partitions)
    here = view_answers(InProcessEngine(), labels, join)
    assert content(there.table) == content(here.table)
    assert (there.event_us == here.event_us).all()
    assert (there.row_sequence == here.row_sequence).all()


def test_no_rows_and_no_labels(engine: RayEngine) -> None:
    rng = np.random.default_rng(1)
    rows, labels = random_rows(rng, 10), random_labels(rng, 10)
    assert not view_answers(engine, labels, ViewJoin(Cut(rows.slice(0, 0), 5), spec_of())).found.any()
    assert view_answers(engine, labels.slice(0, 0), ViewJoin(Cut(rows, 5), spec_of())).table.num_rows == 0


def test_errors_are_those_of_the_join(engine: RayEngine) -> None:
    rng = np.random.default_rng(2)
    rows, labels = random_rows(rng, 50), random_labels(rng, 50)
    text = labels.set_column(2, "driver_id", labels["driver_id"].cast(pa.string()))
    with pytest.raises(CommandError, match='"driver_id" holds text') as caught:
        view_answers(engine, text, ViewJoin(Cut(rows, 10), spec_of()))
    assert caught.value.fix == "cast one of them"


def test_a_session_of_somebody_else_is_left_running(engine: RayEngine) -> None:
    import ray

    with RayEngine():
        pass
    assert ray.is_initialized()
