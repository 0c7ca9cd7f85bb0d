"""The import contracts of pyproject.toml have no holes: no exemption, and no package that a list has forgotten."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
CONTRACTS: dict[str, dict[str, Any]] = {
    contract["name"]: contract
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
}


def _within(package: str) -> set[str]:
    """Modules and packages right below a package, by full name."""
    found = (ROOT / package.replace(".", "/")).iterdir()
    kept = [path for path in found if path.suffix == ".py" or (path / "__init__.py").is_file()]
    return {f"{package}.{path.stem}" for path in kept if path.stem not in ("__init__", "__main__")}


@pytest.mark.parametrize("contract", CONTRACTS.values(), ids=lambda contract: contract["type"])
def test_no_contract_makes_an_exemption(contract: dict[str, Any]) -> None:
    assert not {key for key in contract if key.startswith(("ignore", "skip", "unmatched", "exclude"))}


def test_imports_for_type_checking_count() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
    assert not settings.get("exclude_type_checking_imports", False)


def test_no_package_has_cycles() -> None:
    (contract,) = (item for item in CONTRACTS.values() if item["type"] == "acyclic_siblings")
    assert set(contract["ancestors"]) == {"reference_platform", "simulator", "scenarios", "rubrics", "tui"}
    assert "depth" not in contract


def test_everything_of_the_platform_but_its_live_part_is_kept_from_the_clock() -> None:
    contract = CONTRACTS["Only reference_platform.live opens sockets, starts loops and reads a clock"]
    assert set(contract["source_modules"]) == _within("reference_platform") - {"reference_platform.live"}
    assert {"asyncio", "fastapi", "httpx", "time", "uvicorn"} <= set(contract["forbidden_modules"])


def test_everything_of_the_simulator_but_its_events_is_kept_from_rubrics() -> None:
    contract = CONTRACTS["Rubrics see of the simulator only its events"]
    others = (_within("simulator") - {"simulator.engine"}) | (_within("simulator.engine") - {"simulator.engine.events"})
    assert set(contract["forbidden_modules"]) == others
    assert contract["source_modules"] == ["rubrics"]
