"""What a transform learns does not depend on the order of the rows; what it does not depend on their number."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from reference_platform.features.columns import Column
from reference_platform.features.fitted import Imputer, Pipeline, QuantileBinner, StandardScaler, Vocabulary, restored

ROWS = st.lists(
    st.tuples(st.none() | st.floats(width=32), st.none() | st.integers(-5, 5), st.none() | st.sampled_from("abcde")),
    min_size=1, max_size=40,
)  # fmt: skip
PIPELINE = Pipeline((
    StandardScaler(columns=("x",)),
    Imputer(columns=("x",), indicator=True),
    QuantileBinner(columns=("n",), bins=3),
    Vocabulary(column="word", size_max=3, one_hot=True),
))  # fmt: skip


def _columns(rows: list[tuple[float | None, int | None, str | None]]) -> dict[str, Column]:
    x, n, word = zip(*rows, strict=True)
    return {
        "x": Column(np.array([v or 0.0 for v in x]), np.array([v is not None for v in x])),
        "n": Column(np.array([v or 0 for v in n]), np.array([v is not None for v in n])),
        "word": Column(np.array(word, dtype=object), np.array([v is not None for v in word])),
    }


@settings(max_examples=150, deadline=None)
@given(ROWS, st.randoms(use_true_random=False))
def test_any_order_of_training_rows_gives_the_same_fingerprint(
    rows: list[tuple[float, int, str]], chance: object
) -> None:
    fitted = PIPELINE.fit(_columns(rows))
    shuffled = sorted(rows, key=lambda _: chance.random())  # type: ignore[attr-defined]
    assert PIPELINE.fit(_columns(shuffled)).fingerprint == fitted.fingerprint
    assert restored(fitted.state()).fingerprint == fitted.fingerprint


@settings(max_examples=100, deadline=None)
@given(ROWS, ROWS)
def test_one_row_is_transformed_as_in_a_batch(
    training: list[tuple[float, int, str]], rows: list[tuple[float, int, str]]
) -> None:
    fitted = PIPELINE.fit(_columns(training))
    batch = {name: column.to_list() for name, column in fitted.apply(_columns(rows)).items()}
    for place, row in enumerate(rows):
        for name, column in fitted.apply(_columns([row])).items():
            assert repr(column.to_list()) == repr([batch[name][place]])
