"""The topics that raw shop events arrive on: what each record must hold, and where a record lives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference_platform.features.columns import Column
from reference_platform.features.types import Bool, FeatureType, Float32, Int32

PARTITIONS = 8
EVENT_TIME = "ts"
"""When it happened, in seconds; every record has one."""

EventColumns = Mapping[str, NDArray[Any] | Column]
"""Raw events, one equally long column per field. A plain array has no missing values."""


def column_of(columns: EventColumns, name: str) -> Column:
    """The column called `name`. Raises KeyError when there is none."""
    values = columns[name]
    return values if isinstance(values, Column) else Column(values)


@dataclass(frozen=True, slots=True)
class ContractColumn:
    """A field of every record. A record in which a required field is missing cannot be used at all."""

    name: str
    dtype: FeatureType
    unit: str = ""
    required: bool = False


@dataclass(frozen=True, slots=True)
class Contract:
    """What producers of a topic have agreed to send. `key` decides the partition."""

    source: str
    key: str
    columns: tuple[ContractColumn, ...]

    @property
    def producer(self) -> str:
        """Name of the deployment that sends it."""
        return f"{self.source}-producer"

    def column(self, name: str) -> ContractColumn:
        """The field called `name`. Raises StopIteration when there is none."""
        return next(column for column in self.columns if column.name == name)

    @property
    def names(self) -> tuple[str, ...]:
        """Field names in order."""
        return tuple(column.name for column in self.columns)


CLICKS = Contract(
    "clicks",
    "customer",
    (
        ContractColumn("customer", Int32, required=True),
        ContractColumn("product", Int32),
        ContractColumn("category", Int32),
        ContractColumn("purchased", Bool),
    ),
)
PAYMENTS = Contract(
    "payments",
    "customer",
    (
        ContractColumn("customer", Int32, required=True),
        ContractColumn("merchant", Int32),
        ContractColumn("amount_eur", Float32, "eur"),
        ContractColumn("new_device", Bool),
    ),
)
CONTRACTS: Mapping[str, Contract] = {contract.source: contract for contract in (CLICKS, PAYMENTS)}


def partition_of(key: NDArray[np.integer]) -> NDArray[np.int64]:
    """The partition of each key, 0 to PARTITIONS - 1; a Fibonacci hash, so neighbours do not travel together."""
    return ((key.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(61)).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Records:
    """Records of one topic as one release of its producer wrote them, in the order they were sent.

    `ids` i8[n]: the shop's number of each event. `stamped_s` f8[n]: event time as the producer stamped it. `sent_s`
    f8[n]: when the broker took it. `columns` and `types` carry the producer's own names.
    """

    release: str
    ids: NDArray[np.int64]
    stamped_s: NDArray[np.float64]
    sent_s: NDArray[np.float64]
    partition: NDArray[np.int64]
    columns: Mapping[str, Column]
    types: Mapping[str, FeatureType]

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, index: NDArray[np.integer]) -> Records:
        """The records at `index`, copied."""
        return Records(
            self.release,
            self.ids[index],
            self.stamped_s[index],
            self.sent_s[index],
            self.partition[index],
            {name: column.take(index) for name, column in self.columns.items()},
            self.types,
        )
