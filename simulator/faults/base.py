"""What a fault is: data, the knob it turns, its names, and how to tell that its cause is gone."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, ClassVar

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from simulator.plant.plant import Plant

Pair = tuple[str, str]
"""A diagnosis: component, mechanism."""
EVERY_MODEL = "MODELS"
"""Stands for the servers of every model that the platform runs, among neighbours and what is safe to touch."""
MOVE = """kubectl patch deployment MODEL -p '{"spec":{"template":{"spec":{"nodeSelector":{"pool":"gpu-large"}}}}}'"""
"""The line that moves a model's servers to the large nodes."""
BROAD = ("bad_deploy", "config_error")
"""Mechanisms that say how a mistake came in. Under a neighbouring component they name another mistake."""


def among(components: Iterable[str], models: Collection[str]) -> tuple[str, ...]:
    """The components on a platform with these models, each once."""
    named = (models if component == EVERY_MODEL else (component,) for component in components)
    return tuple(dict.fromkeys(name for names in named for name in names))


class Fault(BaseModel, ABC):
    """A fault with its parameters. It turns knobs of the plant; it never writes a log line, a metric or an alert."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    component: ClassVar[str]
    mechanism: ClassVar[str]
    also_right: ClassVar[tuple[Pair, ...]] = ()
    """Other diagnoses that name the same cause."""
    neighbours: ClassVar[tuple[str, ...]] = ()
    """Components beside the cause: the right mechanism under one of them is nearly right."""
    nearly_right: ClassVar[tuple[Pair, ...]] = ()
    """Other diagnoses that deserve most of the points: a symptom's name, or a wording that is too wide."""
    also_safe: ClassVar[tuple[str, ...]] = ()
    """Components that a whole cure may touch besides those of the right diagnoses."""
    harmless: ClassVar[bool] = False
    shows: ClassVar[tuple[str, ...]]
    cured_by: ClassVar[tuple[str, ...]]
    """Whole cures, each enough on its own: lines to type a minute apart, divided by `; `. Words in capitals stand for
    names: MODEL, JOB, VIEW, SOURCE, PRODUCER, NODE."""

    def stands_for(self) -> Mapping[str, str]:
        """Components named above that mean another one with these parameters."""
        return {}

    def accepted(self) -> tuple[Pair, ...]:
        """Diagnoses that name this cause; the plainest one first."""
        return self._meant(((self.component, self.mechanism), *self.also_right))

    def _meant(self, pairs: Iterable[Pair]) -> tuple[Pair, ...]:
        names = self.stands_for()
        return tuple(dict.fromkeys((names.get(component, component), mechanism) for component, mechanism in pairs))

    def accepted_in(self, plant: Plant) -> tuple[Pair, ...]:
        """The same on this plant, as it stands when the fault begins."""
        del plant
        return self.accepted()

    def near(self, models: Collection[str] = (EVERY_MODEL,)) -> tuple[Pair, ...]:
        """Diagnoses that are nearly right on a platform with these models, or on any; none of them is accepted."""
        right = self.accepted()
        own = dict.fromkeys(mechanism for _, mechanism in right if mechanism not in BROAD)
        beside = [(name, mechanism) for mechanism in own for name in among(self.neighbours, models)]
        return tuple(pair for pair in self._meant((*beside, *self.nearly_right)) if pair not in right)

    def harmless_in(self, plant: Plant) -> bool:
        """Whether leaving everything alone is right, as the plant stands when the fault begins."""
        del plant
        return self.harmless

    @abstractmethod
    def begin(self, plant: Plant) -> None:
        """Turn the knob, now."""

    @abstractmethod
    def active(self, plant: Plant) -> bool:
        """True while the cause is still in the platform's state.

        It asks what is set, wanted and running, not whether customers are well again: the objectives tell that.
        """
