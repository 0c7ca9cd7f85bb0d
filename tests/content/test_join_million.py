"""A million labels in adversarial worlds, each answered as the oracles say: no difference at all."""

from __future__ import annotations

import numpy as np
import pytest

from reference_platform.features.join.kernel import AsOfJoin
from tests.oracle.join_worlds import Worlds, as_arrow, expected_plainly, expected_positions, random_worlds

CASES = 1_000_000
CASES_PER_ROUND = 2_000
SHAPES = ((200, 10, 12), (500, 4, 3), (20, 100, 120), (2, 1000, 300))
"""Worlds, labels and rows in each."""
PLAIN_PER_ROUND = 40
SHARES = 10


def answered_positions(it: Worlds, rng: np.random.Generator) -> np.ndarray:
    """What the join answers, fed in portions of any size in any order."""
    labels, rows, spec = as_arrow(it)
    join = AsOfJoin(labels, spec, row_schema=rows.schema)
    ends = [*np.sort(rng.integers(0, rows.num_rows, rng.integers(0, 5))).tolist(), rows.num_rows]
    portions = list(zip([0, *ends], ends, strict=False))
    for at in rng.permutation(len(portions)).tolist():
        begin, end = portions[at]
        join.add(rows.slice(begin, end - begin), begin)
    answers = join.finish()["value"].fill_null(-1).to_numpy()
    assert np.array_equal(answers, join.row_position), "values and positions disagree"
    assert np.array_equal(answers >= 0, join.found)
    return answers.reshape(it.labels.key.shape)


@pytest.mark.sweep
@pytest.mark.parametrize("share", range(SHARES))
def test_a_million_cases_are_answered_without_a_difference(share: int) -> None:
    found = 0
    for seed in range(share, CASES // CASES_PER_ROUND, SHARES):
        rng = np.random.default_rng([20, seed])
        worlds, labels, rows = SHAPES[seed // SHARES % len(SHAPES)]
        it = random_worlds(rng, worlds, labels, rows)
        wanted = expected_positions(it)
        got = answered_positions(it, rng)
        differs = np.argwhere(got != wanted)
        assert not len(differs), f"seed {seed}: {len(differs)} differ, first {differs[0]}: {got[tuple(differs[0])]}"
        for at in rng.choice(worlds * labels, PLAIN_PER_ROUND, replace=False).tolist():
            world, label = divmod(at, labels)
            assert wanted[world, label] == expected_plainly(it, world, label), f"seed {seed}: the oracles disagree"
        found += int(np.count_nonzero(wanted >= 0))
    assert CASES // SHARES * 0.2 < found < CASES // SHARES * 0.8, "too few labels have an answer, or too few have none"
