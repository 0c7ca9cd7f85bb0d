"""Dashboards are documents: panels with a query each, repeated for every route, view, source or GPU node.

A platform's document may bring its own; those in this folder come with every platform.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import groupby
from pathlib import Path
from string import Template
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from reference_platform.documents import load_file

Repeat = Literal["", "route", "view", "source", "gpu_node"]
FOLDER = Path(__file__).parent


class PanelSpec(BaseModel):
    """One series. With `repeat` there is one for each thing of that kind, whose name stands for `$route` and so on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str = Field(min_length=1, max_length=60)
    query: str = Field(min_length=1)
    unit: str = Field(default="", max_length=12)
    scale: float = Field(default=1.0, gt=0)
    """What a value is multiplied by to be in `unit`."""
    repeat: Repeat = ""

    def named(self, thing: str) -> PanelSpec:
        """The panel of one thing."""
        if not self.repeat:
            return self
        names: dict[str, object] = {self.repeat: thing}
        title, query = (Template(text).safe_substitute(names) for text in (self.title, self.query))
        return self.model_copy(update={"title": title, "query": query, "repeat": ""})


class DashboardSpec(BaseModel):
    """Panels from top to bottom. Neighbours that repeat over the same kind stay together, thing by thing."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")
    title: str
    panels: tuple[PanelSpec, ...] = Field(min_length=1)

    def rows(self, things: Mapping[str, Sequence[str]]) -> Iterator[PanelSpec]:
        """The panels of a platform that has these things, by kind."""
        for repeat, group in groupby(self.panels, key=lambda panel: panel.repeat):
            panels = list(group)
            for thing in things[repeat] if repeat else ("",):
                yield from (panel.named(thing) for panel in panels)


@cache
def shipped_dashboards() -> tuple[DashboardSpec, ...]:
    """Those that come with every platform, by name."""
    return tuple(load_file(path, DashboardSpec) for path in sorted(FOLDER.glob("*.yaml")))
