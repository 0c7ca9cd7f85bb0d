"""Declarations of windowed features over a stream of events."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from reference_platform.errors import ContentError, nearest
from reference_platform.features.definitions import FeatureView
from reference_platform.features.types import Float64, Int64

Function = Literal["sum", "count", "mean", "var", "min", "max", "last", "approx_distinct"]
FUNCTIONS: tuple[Function, ...] = ("sum", "count", "mean", "var", "min", "max", "last", "approx_distinct")


@dataclass(frozen=True, kw_only=True)
class Aggregation:
    """`function` of `column` over the window [t - time_window, t), t being a multiple of `slide_interval`."""

    column: str
    function: Function
    time_window: timedelta
    slide_interval: timedelta | None = None
    name: str = ""

    def __post_init__(self) -> None:
        if self.function not in FUNCTIONS:
            raise ContentError(f'"{self.function}" is no aggregation', fix=nearest(str(self.function), FUNCTIONS))
        slide = self.slide_interval or self.time_window
        if self.time_window <= timedelta(0) or slide <= timedelta(0) or self.time_window % slide:
            raise ContentError(
                f"{self.function} of {self.column}: the window {self.time_window} is no multiple of its slide {slide}",
                fix="time_window=timedelta(hours=1), slide_interval=timedelta(minutes=5)",
            )
        object.__setattr__(self, "slide_interval", slide)
        if not self.name:
            window_s = int(self.time_window.total_seconds())
            object.__setattr__(self, "name", f"{self.function}_{self.column}_{window_s}s")

    @property
    def slide(self) -> timedelta:
        """`slide_interval`, which is never absent after declaration."""
        assert self.slide_interval is not None
        return self.slide_interval


@dataclass(frozen=True, kw_only=True)
class StreamFeatureView(FeatureView):
    """Aggregations over events; each names one field of the schema. All of one view share one slide."""

    aggregations: tuple[Aggregation, ...] = ()
    allowed_lateness: timedelta = timedelta(hours=1)
    """Events later than this no longer change windows; they are counted and left out."""
    event_id: str = ""
    """Column by which copies of an event are told; without it every delivery counts."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "aggregations", tuple(self.aggregations))
        FeatureView.__post_init__(self)
        names = tuple(aggregation.name for aggregation in self.aggregations)
        if names != self.feature_names:
            raise ContentError(
                f"stream view {self.name}: schema {list(self.feature_names)} is not its aggregations {list(names)}",
                fix="declare one field per aggregation, in their order",
            )
        if len({aggregation.slide for aggregation in self.aggregations}) != 1:
            raise ContentError(f"stream view {self.name} mixes slides", fix="use one slide_interval per view")
        for aggregation, field in zip(self.aggregations, self.schema, strict=True):
            if aggregation.function in ("count", "approx_distinct") and field.dtype is not Int64:
                raise ContentError(f"{self.name}:{field.name} is a {aggregation.function}", fix="dtype=Int64")
            if aggregation.function in ("sum", "mean", "var") and field.dtype is not Float64:
                raise ContentError(f"{self.name}:{field.name} is a {aggregation.function}", fix="dtype=Float64")

    @property
    def slide_us(self) -> int:
        """Distance of two window ends in microseconds."""
        return self.aggregations[0].slide // timedelta(microseconds=1)
