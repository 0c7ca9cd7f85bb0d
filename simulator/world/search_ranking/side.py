"""The world's side of the search ranking model."""

from __future__ import annotations

from simulator.world.search_ranking.examples import examples
from simulator.world.search_ranking.requests import draw
from simulator.world.search_ranking.value import business, value_eur
from simulator.world.side import WorldSide

SIDE = WorldSide(draw, value_eur, business, examples, labels_from="clicks", examples_per_day=2000, judged_max=96)
