"""How many different values there were, approximately: HyperLogLog with 4096 registers, kept as sparse entries.

The standard error is 1.04 / sqrt(4096) = 1.6 %. Only registers that were touched take room (3 bytes each), so a tile
of few values stays small. Registers merge by their maximum: exactly, in any order and any number of times.
Source: Flajolet et al., HyperLogLog, AofA 2007; estimator without bias over the whole range: Ertl, New cardinality
estimation algorithms for HyperLogLog sketches, arXiv:1702.01284, algorithm 6.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference_platform.features.windows.hashing import Hashes
from reference_platform.features.windows.ranges import flattened

REGISTER_BITS = 12
REGISTERS = 1 << REGISTER_BITS
STANDARD_ERROR_RATIO = 1.04 / REGISTERS**0.5
RANK_MAX = 64 - REGISTER_BITS + 1

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Registers:
    """n sketches. Slot i holds `register` and `rank` from offsets[i] to offsets[i + 1], registers ascending."""

    offsets: Ints
    register: NDArray[np.uint16]
    rank: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def take(self, index: NDArray[np.integer]) -> Registers:
        """The sketches at `index`."""
        starts, ends = self.offsets[index], self.offsets[index + 1]
        offsets = np.zeros(len(index) + 1, dtype=np.int64)
        np.cumsum(ends - starts, out=offsets[1:])
        entries = flattened(starts, ends)
        return Registers(offsets, self.register[entries], self.rank[entries])

    def joined(self, others: Sequence[Registers]) -> Registers:
        """These, then those of `others`."""
        every = (self, *others)
        counts = np.concatenate([np.diff(one.offsets) for one in every])
        return Registers(
            np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            np.concatenate([one.register for one in every]),
            np.concatenate([one.rank for one in every]),
        )

    def reduce(self, starts: Ints) -> Registers:
        """One sketch per run of slots: [starts[i], starts[i + 1]). No run is empty."""
        bounds = np.append(self.offsets[starts], len(self.register))
        group = np.repeat(np.arange(len(starts)), np.diff(bounds))
        slot, rank = _greatest((group << REGISTER_BITS) | self.register, self.rank, len(starts) << REGISTER_BITS)
        offsets = np.searchsorted(slot >> REGISTER_BITS, np.arange(len(starts) + 1))
        return Registers(offsets.astype(np.int64), (slot & (REGISTERS - 1)).astype(np.uint16), rank)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything, by name."""
        return {"offsets": self.offsets, "register": self.register, "rank": self.rank}


def _greatest(slot: Ints, rank: NDArray[np.uint8], slots: int) -> tuple[Ints, NDArray[np.uint8]]:
    """Each slot that occurs, ascending, with its greatest rank."""
    if slots <= 4 * len(slot):
        # Many entries per register: a table of all of them costs less than sorting.
        table = np.zeros(slots, dtype=np.uint8)
        np.maximum.at(table, slot, rank)
        touched: Ints = np.flatnonzero(table)
        return touched, table[touched]
    key = slot << 8 | rank
    key.sort()
    slot = key >> 8
    last = np.append(slot[1:] != slot[:-1], True)[: len(slot)]
    return slot[last], (key[last] & 255).astype(np.uint8)


def restored_registers(arrays: Mapping[str, NDArray[Any]]) -> Registers:
    """What `Registers.arrays` gave."""
    return Registers(arrays["offsets"], arrays["register"], arrays["rank"])


def no_registers() -> Registers:
    """One sketch of nothing."""
    return Registers(np.zeros(2, dtype=np.int64), np.empty(0, dtype=np.uint16), np.empty(0, dtype=np.uint8))


def registers_of(hashes: Hashes, valid: NDArray[np.bool_]) -> Registers:
    """Each valid value as a sketch of its own; the others as sketches of nothing."""
    chosen = hashes[valid]
    rest = chosen & np.uint64((1 << (64 - REGISTER_BITS)) - 1)
    # Below 2^53 a float holds it exactly, and its exponent is the number of its bits.
    bits = np.frexp(rest.astype(np.float64))[1]
    offsets = np.zeros(len(hashes) + 1, dtype=np.int64)
    np.cumsum(valid, out=offsets[1:])
    return Registers(
        offsets,
        (chosen >> np.uint64(64 - REGISTER_BITS)).astype(np.uint16),
        (RANK_MAX - bits).astype(np.uint8),
    )


def estimates(sketches: Registers) -> Ints:
    """Distinct values of each sketch, rounded: int64[n]."""
    rows, width = len(sketches), RANK_MAX + 1
    slot = np.repeat(np.arange(rows), np.diff(sketches.offsets))
    counts = np.bincount(slot * width + sketches.rank, minlength=rows * width).reshape(rows, width).astype(np.float64)
    counts[:, 0] = REGISTERS - np.diff(sketches.offsets)
    z = REGISTERS * _tau(1.0 - counts[:, RANK_MAX] / REGISTERS)
    for rank in range(RANK_MAX - 1, 0, -1):
        z = 0.5 * (z + counts[:, rank])
    with np.errstate(divide="ignore"):
        z = z + REGISTERS * _sigma(counts[:, 0] / REGISTERS)
        found = np.rint(REGISTERS**2 / (2.0 * np.log(2.0)) / z)
    # Sketches with every register full say infinity.
    whole: Ints = np.minimum(found, 2.0**62).astype(np.int64)
    return whole


def _sigma(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """x + sum over k >= 1 of x^(2^k) 2^(k-1); inf at 1."""
    whole = x >= 1.0
    power = np.where(whole, 0.0, x)
    found, weight = power.copy(), 1.0
    # x is a multiple of 1/4096 below 1, so that its 2^22th power is 0.
    for _ in range(22):
        power = power * power
        found = found + power * weight
        weight *= 2.0
    return np.where(whole, np.inf, found)


def _tau(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """(1 - x - sum over k >= 1 of (1 - x^(2^-k))^2 2^-k) / 3; 0 at 0 and at 1."""
    root, weight = x.copy(), 1.0
    found = 1.0 - x
    for _ in range(60):
        root = np.sqrt(root)
        weight *= 0.5
        found = found - (1.0 - root) ** 2 * weight
    return np.where((x <= 0.0) | (x >= 1.0), 0.0, found / 3.0)
