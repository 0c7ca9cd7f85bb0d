"""Producers: services that send what the shop recorded to a topic, as their release encodes it.

A release is configuration that shipped. What it gets wrong (a name, a type, a unit, a time zone, a field it no longer
fills, a repeat it does not suppress) arrives at the consumer as data, and a roll-back makes it right again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from reference_platform.errors import ContentError, nearest
from reference_platform.features.columns import Column
from reference_platform.features.types import FeatureType
from reference_platform.shop.topics import EVENT_TIME, Contract, EventColumns, Records, column_of, partition_of

STABLE = "2.3.1"
"""The release that a platform begins with."""


@dataclass(frozen=True, slots=True)
class ProducerRelease:
    """How a release of a producer writes records. The fields are mappings by the contract's column name."""

    version: str
    renamed: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    retyped: Mapping[str, FeatureType] = field(default_factory=lambda: MappingProxyType({}))
    factors: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    """Numbers are multiplied by this: 100 sends cents where euros were agreed."""
    null_ratios: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    """Share of the records in which the field is missing."""
    utc_offset_s: float = 0.0
    """Wall-clock time of this zone is sent as if it were UTC."""
    repeats_ratio: float = 0.0
    """Share of the records sent a second time, a step later, because an acknowledgement was not waited for."""

    @property
    def faithful(self) -> bool:
        """Whether records say exactly what happened."""
        return self == ProducerRelease(self.version)


@dataclass(frozen=True, slots=True)
class Sender:
    """A running process of a producer: its release, and how far the clock of its machine is ahead."""

    release: ProducerRelease
    clock_ahead_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Shipment:
    """What senders wrote: records for the topic now, and copies that will follow."""

    records: tuple[Records, ...]
    repeats: tuple[Records, ...]


class Releases:
    """Every release of every producer that was ever built, by deployment and version."""

    def __init__(self, producers: Sequence[str]) -> None:
        self._known = {(name, STABLE): ProducerRelease(STABLE) for name in producers}

    def publish(self, producer: str, release: ProducerRelease) -> None:
        """A release is built and can be rolled out. Building it again replaces it."""
        self._known[producer, release.version] = release

    def get(self, producer: str, version: str) -> ProducerRelease:
        """The release. Raises ContentError with the nearest version."""
        found = self._known.get((producer, version or STABLE))
        if found is None:
            known = [item for name, item in self._known if name == producer]
            raise ContentError(f'{producer} has no release "{version}"', fix=nearest(version, known))
        return found


def send(
    contract: Contract,
    senders: Sequence[Sender],
    ids: NDArray[np.int64],
    events: EventColumns,
    sent_s: NDArray[np.float64],
) -> Shipment:
    """Let the senders write the events, in turn; there must be at least one."""
    records: list[Records] = []
    repeats: list[Records] = []
    groups: dict[tuple[str, float], list[int]] = {}
    for position, sender in enumerate(senders):
        groups.setdefault((sender.release.version, sender.clock_ahead_s), []).append(position)
    for positions in groups.values():
        sender = senders[positions[0]]
        index = np.arange(len(ids))
        if len(groups) > 1:
            index = np.flatnonzero(np.isin(ids % len(senders), positions))
        written = encode(contract, sender, ids[index], _taken(events, index), sent_s[index])
        records.append(written)
        if sender.release.repeats_ratio:
            repeats.append(written.take(np.flatnonzero(chance(written.ids, 2) < sender.release.repeats_ratio)))
    return Shipment(tuple(records), tuple(repeats))


def encode(
    contract: Contract, sender: Sender, ids: NDArray[np.int64], events: EventColumns, sent_s: NDArray[np.float64]
) -> Records:
    """The records that one sender makes of the events, under the names, types and units of its release."""
    release = sender.release
    columns: dict[str, Column] = {}
    types: dict[str, FeatureType] = {}
    for turn, item in enumerate(contract.columns):
        column = column_of(events, item.name)
        if item.name in release.factors:
            scaled = column.values.astype(np.float64) * release.factors[item.name]
            column = Column(scaled.astype(column.values.dtype), column.valid)
        if item.name in release.null_ratios:
            kept = chance(ids, 16 + turn) >= release.null_ratios[item.name]
            column = Column(column.values, column.mask() & kept)
        name = release.renamed.get(item.name, item.name)
        types[name] = release.retyped.get(item.name, item.dtype)
        if types[name] != item.dtype:
            column = Column(_retyped(column.values, types[name]), column.valid)
        columns[name] = column
    happened_s = column_of(events, EVENT_TIME).values
    shift_s = release.utc_offset_s + sender.clock_ahead_s
    stamped_s = happened_s + shift_s if shift_s else happened_s
    partition = partition_of(column_of(events, contract.key).values)
    return Records(release.version, ids, stamped_s, sent_s, partition, columns, types)


def chance(ids: NDArray[np.int64], purpose: int) -> NDArray[np.float64]:
    """A number in 0..1 for each event that is always the same for one purpose (SplitMix64 of its id)."""
    z = (ids.astype(np.uint64) + np.uint64(purpose << 40)) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    share: NDArray[np.float64] = (z ^ (z >> np.uint64(31))).astype(np.float64) / 2.0**64
    return share


def _retyped(values: NDArray[np.generic], dtype: FeatureType) -> NDArray[np.generic]:
    if dtype.fixed_width:
        return values.astype(dtype.numpy_dtype)
    return values.astype(str).astype(object)


def _taken(events: EventColumns, index: NDArray[np.int64]) -> EventColumns:
    length = len(column_of(events, EVENT_TIME))
    if len(index) == length:
        return events
    return {name: column_of(events, name).take(index) for name in events}
