"""Named random streams: each purpose draws from its own generator, so adding one never shifts another."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np


def stream_seed(seed: int, name: str) -> int:
    """64-bit seed of the stream `name` under the session seed."""
    return int.from_bytes(blake2b(f"{seed}/{name}".encode(), digest_size=8).digest(), "big")


class Streams:
    """Generators by name, all derived from one seed."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._generators: dict[str, np.random.Generator] = {}

    def get(self, name: str) -> np.random.Generator:
        """The generator of stream `name`; the same object on every call."""
        if name not in self._generators:
            self._generators[name] = np.random.Generator(np.random.PCG64(stream_seed(self.seed, name)))
        return self._generators[name]

    def names(self) -> list[str]:
        """Streams drawn so far, sorted."""
        return sorted(self._generators)
