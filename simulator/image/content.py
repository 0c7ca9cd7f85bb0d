"""The identity of an image: a hash over everything that could change what is in it."""

from __future__ import annotations

import hashlib
import platform
from importlib import metadata
from pathlib import Path

from simulator.image.plan import BuildPlan

ROOT = Path(__file__).parents[2]
SOURCES = (
    "reference_platform/features/columns.py",
    "reference_platform/features/fingerprint.py",
    "reference_platform/features/fitted.py",
    "reference_platform/features/join/kernel.py",
    "reference_platform/features/join/keys.py",
    "reference_platform/features/join/slots.py",
    "reference_platform/features/times.py",
    "reference_platform/models",
    "reference_platform/monitoring/psi.py",
    "reference_platform/registry",
    "reference_platform/shop",
    "simulator/engine/streams.py",
    "simulator/image",
    "simulator/world",
)
LIBRARIES = ("mlflow", "numpy", "pyarrow", "torch")


def library_versions() -> dict[str, str]:
    """Versions of what decides the bits of an image."""
    return {name: metadata.version(name) for name in LIBRARIES} | {
        "machine": platform.machine(),
        "python": ".".join(platform.python_version_tuple()[:2]),
    }


def image_id(plan: BuildPlan) -> str:
    """16 hex digits; the same for the same sources, libraries and plan."""
    digest = hashlib.sha256(repr((plan.to_json(), sorted(library_versions().items()))).encode())
    for source in SOURCES:
        path = ROOT / source
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            digest.update(f"\0{file.relative_to(ROOT).as_posix()}\0".encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()[:16]
