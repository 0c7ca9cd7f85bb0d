"""Conditions of the traffic that look like faults and are none."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from simulator.faults.base import Fault

if TYPE_CHECKING:
    from simulator.plant.plant import Plant


class SeasonalDip(Fault):
    """The quietest hour of the week is below a floor that was set on a busier night. Nothing is broken."""

    component: ClassVar[str] = "traffic"
    mechanism: ClassVar[str] = "seasonal_dip"
    harmless: ClassVar[bool] = True
    shows: ClassVar[tuple[str, ...]] = ("request rates fall to last week's value of the same hour",)
    cured_by: ClassVar[tuple[str, ...]] = ()

    def begin(self, plant: Plant) -> None:
        assert plant.now_s >= 0.0, "the rhythm of the week is part of the world, not of this condition"

    def active(self, plant: Plant) -> bool:
        return False
