"""The versions that everybody installs: every package that is asked for has one, and it is one that we admit.

Nothing here looks at what is installed: newer packages, or none of these pins, must do as well.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parent.parent
FILES = ("constraints.txt", ".ci/constraints-peers.txt")
PIN = re.compile(r"([A-Za-z0-9._-]+)==([A-Za-z0-9._!]+)")


def _pins(name: str) -> dict[str, str]:
    path = ROOT / name
    if not path.exists():
        pytest.skip(f"{name} was removed: the newest packages are used")
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    found = [PIN.fullmatch(line) for line in lines]
    assert all(found), "a pin is NAME==VERSION and nothing else: no place, no build, no range"
    return {canonicalize_name(match[1]): match[2] for match in found if match}


def _project() -> dict[str, list[str]]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {"playing": project["dependencies"], **project["optional-dependencies"]}


def test_every_package_we_ask_for_is_pinned_to_a_version_we_admit() -> None:
    pins = _pins("constraints.txt")
    for text in (text for texts in _project().values() for text in texts):
        wanted = Requirement(text)
        if wanted.marker is None or wanted.marker.evaluate():
            version = pins.get(canonicalize_name(wanted.name))
            assert version is not None, f"{wanted.name} has no pin; renew them: make constraints"
            assert wanted.specifier.contains(Version(version)), f"{text} does not admit {version}: make constraints"


def test_playing_asks_for_neither_torch_nor_mlflow_and_training_for_both() -> None:
    names = {kind: {Requirement(text).name for text in texts} for kind, texts in _project().items()}
    assert not names["playing"] & names["platform"]
    assert names["platform"] == {"mlflow", "torch"}
    assert {"fastapi", "numpy", "scipy", "simpy", "textual"} <= names["playing"]
    assert "pytest" in names["dev"]


@pytest.mark.parametrize("name", FILES)
def test_each_package_has_one_pin(name: str) -> None:
    pins = _pins(name)
    lines = [line for line in (ROOT / name).read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    assert len(pins) == len(lines) > 20
