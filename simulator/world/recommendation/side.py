"""The world's side of the recommendation model."""

from __future__ import annotations

from simulator.world.recommendation.examples import examples
from simulator.world.recommendation.requests import draw
from simulator.world.recommendation.value import business, value_eur
from simulator.world.side import WorldSide

SIDE = WorldSide(draw, value_eur, business, examples, labels_from="clicks", examples_per_day=6000, judged_max=192)
