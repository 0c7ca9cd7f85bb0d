"""The guide table finds what a search of all edges finds, for every number that a generator can draw."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.traffic.quantile import Places

WEIGHTS = st.lists(st.floats(0, 1e6, allow_subnormal=False), min_size=1, max_size=60).filter(lambda w: sum(w) > 1e-3)
DRAWS = st.lists(st.floats(0, 1, exclude_max=True), max_size=30)


@settings(deadline=None)  # the first call compiles
@given(WEIGHTS, DRAWS)
def test_places_are_those_of_a_search(weights: list[float], draws: list[float]) -> None:
    edges = np.cumsum(np.array(weights) / np.sum(weights))
    near = np.concatenate((edges, np.nextafter(edges, 0), np.nextafter(edges, 1), np.arange(len(edges)) / len(edges)))
    u = np.concatenate((draws, near[near < 1]))
    wanted = np.minimum(np.searchsorted(edges, u, side="right"), len(edges) - 1)
    np.testing.assert_array_equal(Places(edges).of(u), wanted)


def test_a_draw_just_below_an_edge_on_a_cells_border_is_found_although_rounding_takes_it_to_the_next_cell() -> None:
    stepped_back = 0
    for count in range(1, 61):
        edges = np.cumsum(np.full(count, 1.0 / count))
        u = np.nextafter(edges, 0)
        u = u[u < 1]
        wanted = np.minimum(np.searchsorted(edges, u, side="right"), count - 1)
        np.testing.assert_array_equal(Places(edges).of(u), wanted)
        stepped_back += int((np.searchsorted(edges, (u * count).astype(int) / count, side="right") > wanted).sum())
    assert stepped_back > 20, "otherwise nothing is shown"
