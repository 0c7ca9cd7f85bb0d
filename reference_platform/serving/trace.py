"""What a driver was told and did: enough to let another driver take the very same decisions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reference_platform.serving.records import Records, table

INPUT = np.dtype(
    [("t_us", "i8"), ("number", "i8"), ("lot", "i8"), ("kind", "i4"), ("index", "i4"), ("entity", "i4"), ("of", "i4")],
    align=True,
)
"""What reaches the core from outside, ascending in time: requests, and replicas whose process ends."""
CARRIED_OUT = np.dtype([("duration_us", "i8"), ("failed", "i8")], align=True)
"""What became of one effect that takes time, in the order of the effects; a duration of -1 never ended."""


@dataclass(frozen=True, slots=True)
class Trace:
    """`inputs` INPUT, `carried_out` CARRIED_OUT, all `effects` EFFECT, and the instants of their events."""

    inputs: Records
    carried_out: Records
    effects: Records
    effects_us: NDArray[np.int64]

    def write(self, path: Path) -> None:
        """One file of plain arrays."""
        with path.open("wb") as file:
            np.savez_compressed(
                file,
                inputs=np.asarray(self.inputs),
                carried_out=np.asarray(self.carried_out),
                effects=np.asarray(self.effects),
                effects_us=self.effects_us,
            )

    @classmethod
    def read(cls, path: Path) -> Trace:
        """Inverse of `write`. Raises OSError, ValueError or KeyError for anything else."""
        with np.load(path, allow_pickle=False) as stored:
            inputs, carried_out = table(INPUT, len(stored["inputs"])), table(CARRIED_OUT, len(stored["carried_out"]))
            inputs[:], carried_out[:] = stored["inputs"], stored["carried_out"]
            return cls(inputs, carried_out, stored["effects"].view(np.recarray), stored["effects_us"])
