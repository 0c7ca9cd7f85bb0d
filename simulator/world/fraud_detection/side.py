"""The world's side of the fraud detection model."""

from __future__ import annotations

from simulator.world.fraud_detection.examples import examples
from simulator.world.fraud_detection.requests import draw
from simulator.world.fraud_detection.value import business, value_eur
from simulator.world.side import WorldSide

SIDE = WorldSide(draw, value_eur, business, examples, labels_from="payments", examples_per_day=6000, judged_max=4096)
