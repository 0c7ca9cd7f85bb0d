"""Where a platform came from: the code, the plan and the libraries that made it, and how good its models were."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

LIBRARIES = ("mlflow", "numba", "numpy", "pyarrow", "torch")


@dataclass(frozen=True, slots=True)
class Provenance:
    """Stands beside a platform file. `metrics` by "model/version"; `versions` of the libraries it was trained with.

    `code` holds a digest of the code that decides each artifact, by name.
    """

    sha256: str
    """Of the whole file."""
    content: str
    """16 hex digits over what is in it."""
    code: Mapping[str, str]
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
