"""The hours before somebody joins, played once and kept: a file for each drill, seed and edition of this program.

A file that is damaged, or a folder that takes none, only costs the time to play those hours again.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import pickle
import platform
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np

from simulator.drill.spec import DrillSpec
from simulator.engine.events import JsonValue
from simulator.engine.freezing import Array, Frozen, UnknownNameError, load_named
from simulator.image.cache import images_dir
from simulator.image.image import Image
from simulator.session.edition import edition
from simulator.session.simulation import Simulation
from simulator.session.snapshot import Snapshot

BYTES_MAX = 512 << 20
"""What all files together may take; those used longest ago leave first."""
GRAPH, ARRAYS, SHAPES = "graph", "arrays", "shapes"
COMPRESSION = 1  # four times smaller for a quarter of a second; more takes longer than it is worth
DAMAGE = (
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    OSError,
    TypeError,
    UnknownNameError,
    ValueError,
    pickle.UnpicklingError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What reading something else than a whole prefix may raise."""


class Prefixes:
    """Simulations at the moment of joining, below a folder that need not exist."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def find(self, drill: DrillSpec, image: Image, started: Mapping[str, JsonValue]) -> Simulation | None:
        """The simulation that began with `started`, at the moment of joining; None when it is not kept."""
        path = self._path(drill, started)
        with contextlib.suppress(*DAMAGE):
            simulation = Snapshot(drill, image, _read(path)).restored()
            if isinstance(simulation, Simulation):
                path.touch()
                return simulation
        return None

    def keep(self, simulation: Simulation, started: Mapping[str, JsonValue]) -> None:
        """Keep a simulation that is at the moment of joining."""
        path = self._path(simulation.drill, started)
        fresh = path.with_suffix(f".{os.getpid()}.new")
        with contextlib.suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            try:
                _write(fresh, simulation.snapshot().state)
                fresh.replace(path)
            finally:
                fresh.unlink(missing_ok=True)
            self._prune(path)

    def _path(self, drill: DrillSpec, started: Mapping[str, JsonValue]) -> Path:
        body = [drill.to_json(), dict(started), edition(), np.__version__, platform.python_version()]
        return self.folder / f"{hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:16]}.zip"

    def _prune(self, used: Path) -> None:
        for left in self.folder.glob("*.new"):  # by somebody who was killed; who still writes makes another
            left.unlink(missing_ok=True)
        held = 0
        for path in sorted(self.folder.glob("*.zip"), key=lambda path: path.stat().st_mtime_ns, reverse=True):
            held += path.stat().st_size
            if held > BYTES_MAX and path != used:
                path.unlink(missing_ok=True)


def kept_prefixes() -> Prefixes:
    """Those of this user."""
    return Prefixes(images_dir().parent / "prefixes")


def _write(path: Path, frozen: Frozen) -> None:
    shapes = [
        (array.dtype, array.shape, _order(array), isinstance(array, np.recarray), fixed)
        for array, fixed in zip(frozen.arrays, frozen.fixed, strict=True)
    ]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=COMPRESSION) as file:
        file.writestr(GRAPH, frozen.graph)
        file.writestr(SHAPES, pickle.dumps(shapes, protocol=5))
        file.writestr(ARRAYS, b"".join(array.tobytes(_order(array)) for array in frozen.arrays))


def _read(path: Path) -> Frozen:
    """What `_write` wrote. Raises one of DAMAGE when it is not there or not whole."""
    with zipfile.ZipFile(path) as file:
        graph, memory = file.read(GRAPH), file.read(ARRAYS)
        shapes = load_named(io.BytesIO(file.read(SHAPES)))
    arrays: list[Array] = []
    at = 0
    for dtype, shape, order, records, _ in shapes:
        array: Array = np.ndarray(shape, dtype, memory, at, order=order)
        arrays.append(array.view(np.recarray) if records else array)
        at += array.nbytes
    return Frozen(graph, tuple(arrays), tuple(fixed for *_, fixed in shapes))


def _order(array: Array) -> Literal["C", "F"]:
    return "C" if array.flags.c_contiguous or not array.flags.f_contiguous else "F"
