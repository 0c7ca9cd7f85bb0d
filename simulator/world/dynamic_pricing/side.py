"""The world's side of the dynamic pricing model."""

from __future__ import annotations

from simulator.world.dynamic_pricing.examples import examples, observe
from simulator.world.dynamic_pricing.requests import draw
from simulator.world.dynamic_pricing.value import business, value_eur
from simulator.world.side import WorldSide

SIDE = WorldSide(
    draw, value_eur, business, examples, labels_from="clicks", examples_per_day=12_000, judged_max=512, observe=observe
)
