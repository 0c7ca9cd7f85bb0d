"""The leak report counts exactly the cells that the rules of the join make differ."""

from __future__ import annotations

import dataclasses

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from reference_platform.features.join.leaks import ViewRows, leak_report
from tests.oracle.join_worlds import as_arrow, expected_positions, random_worlds


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_report_counts_what_the_cutoff_changes(seed: int) -> None:
    it = random_worlds(np.random.default_rng(seed), 20, 4, 6)
    labels, rows, spec = as_arrow(it)
    known, leaky = (expected_positions(dataclasses.replace(it, known=known)) for known in (True, False))
    changed = int(np.count_nonzero(known != leaky))
    report = leak_report(labels, [ViewRows("view", spec, rows.to_batches(max_chunksize=7))])
    assert (report.rows_changed, report.cells_changed) == (changed, changed)
    assert report.to_text().startswith("leak: " if changed else "no leak: ")
