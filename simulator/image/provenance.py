"""Where a platform came from: the code, the plan and the libraries that made it, and how good its models were."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

from reference_platform.features.fingerprint import source_sha256
from simulator.image.plan import BuildPlan

ROOT = Path(__file__).parents[2]
SOURCES = (
    "reference_platform/arithmetic.py",
    "reference_platform/features/fingerprint.py",
    "reference_platform/features/join/kernel.py",
    "reference_platform/features/join/keys.py",
    "reference_platform/features/join/slots.py",
    "reference_platform/features/times.py",
    "reference_platform/models",
    "reference_platform/monitoring/psi.py",
    "reference_platform/shop/clicks.py",
    "reference_platform/shop/decay.py",
    "reference_platform/shop/offline.py",
    "reference_platform/shop/payments.py",
    "reference_platform/shop/pipeline.py",
    "reference_platform/shop/rows.py",
    "reference_platform/shop/transform.py",
    "reference_platform/shop/views.py",
    "simulator/engine/streams.py",
    "simulator/image/build.py",
    "simulator/image/history.py",
    "simulator/image/layout.py",
    "simulator/image/plan.py",
    "simulator/world",
)
"""What decides the content of a platform: change the meaning of one of these, and another training gives another."""
LIBRARIES = ("mlflow", "numba", "numpy", "pyarrow", "torch")


@dataclass(frozen=True, slots=True)
class Provenance:
    """Stands beside a platform file. `metrics` by "model/version"; `versions` of the libraries it was trained with."""

    sha256: str
    """Of the whole file."""
    content: str
    """16 hex digits over what is in it."""
    code_sha256: str
    seed: int
    plan: str
    versions: Mapping[str, str]
    metrics: Mapping[str, Mapping[str, float]]

    def write(self, path: Path) -> None:
        """Write JSON that a person can read and compare."""
        document = asdict(self) | {"plan": json.loads(self.plan)}
        path.write_text(json.dumps(document, sort_keys=True, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Provenance:
        """Inverse of `write`. Raises OSError, ValueError, KeyError or TypeError for anything else."""
        document = json.loads(path.read_text(encoding="utf-8"))
        return cls(**document | {"plan": json.dumps(document["plan"], sort_keys=True)})


def library_versions() -> dict[str, str]:
    """Versions of what a platform is trained with."""
    return {name: metadata.version(name) for name in LIBRARIES} | {
        "machine": platform.machine(),
        "python": ".".join(platform.python_version_tuple()[:2]),
    }


def code_sha256(root: Path = ROOT) -> str:
    """Hash over what the sources mean below `root`; comments, docstrings and layout do not count."""
    digest = hashlib.sha256()
    for source in SOURCES:
        path = root / source
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            digest.update(f"{file.relative_to(root).as_posix()}\0".encode())
            digest.update(f"{source_sha256(file.read_text(encoding='utf-8'))}\n".encode())
    return digest.hexdigest()


def training_id(plan: BuildPlan) -> str:
    """16 hex digits; the same for the same code, libraries and plan."""
    parts = (plan.to_json(), code_sha256(), sorted(library_versions().items()))
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
