"""What is mutated, and which tests have to notice. A package is a list of files and the folders of its tests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROJECT = ("reference_platform", "simulator", "scenarios", "rubrics", "tui")
STATE = ROOT / ".make" / "mutants"
"""Results and coverage of earlier runs; remove it to begin anew."""


@dataclass(frozen=True, slots=True)
class Package:
    """Files to mutate and the tests that are asked, as paths relative to the repository; `*` matches."""

    name: str
    sources: tuple[str, ...]
    tests: tuple[str, ...]

    def files(self) -> list[str]:
        """The source files, sorted."""
        return sorted(str(path.relative_to(ROOT)) for pattern in self.sources for path in ROOT.glob(pattern))

    def test_files(self) -> list[str]:
        """The test files, sorted."""
        return sorted({str(path.relative_to(ROOT)) for pattern in self.tests for path in _tests_under(ROOT, pattern)})


def _tests_under(root: Path, pattern: str) -> Iterator[Path]:
    for path in root.glob(pattern):
        yield from path.rglob("test_*.py") if path.is_dir() else [path]


PACKAGES: tuple[Package, ...] = (
    Package("rubrics", ("rubrics/*.py",), ("tests/unit/rubrics",)),
    Package(
        "simulator/faults",
        ("simulator/faults/*.py",),
        ("tests/unit/simulator/faults", "tests/unit/simulator/session/test_faults_of_a_drill.py"),
    ),
    Package("simulator/cluster", ("simulator/cluster/*.py",), ("tests/unit/simulator/cluster",)),
    Package("simulator/session", ("simulator/session/*.py",), ("tests/unit/simulator/session",)),
    Package(
        "reference_platform/monitoring",
        ("reference_platform/monitoring/*.py",),
        ("tests/unit/reference_platform/monitoring", "tests/property/monitoring"),
    ),
    Package(
        "forks and judging",
        (
            "simulator/engine/freezing.py",
            "simulator/session/snapshot.py",
            "simulator/session/prefixes.py",
            "simulator/plant/panel.py",
            "simulator/plant/past_reads.py",
            "simulator/plant/quality.py",
        ),
        (
            "tests/unit/simulator/engine",
            "tests/unit/simulator/session/test_prefixes.py",
            "tests/unit/simulator/plant",
            "tests/property/session",
            "tests/property/simulator/test_past_reads.py",
        ),
    ),
    Package(
        "serving decisions",
        (
            "reference_platform/serving/*.py",
            "reference_platform/serving/decide/*.py",
            "simulator/traffic/arrivals.py",
            "simulator/traffic/quantile.py",
        ),
        (
            "tests/unit/reference_platform/serving",
            "tests/unit/simulator/traffic",
            "tests/property/simulator/test_places.py",
        ),
    ),
)
