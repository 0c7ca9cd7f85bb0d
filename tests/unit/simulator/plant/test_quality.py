"""The judge of what was served keeps up with whatever version serves."""

from __future__ import annotations

from reference_platform.models.catalogue import schema_of
from tests.contract.conditions import run_to, simulated, staffed, type_now

FRAUD = "fraud-detection"


def _watched(version: int) -> set[str]:
    """Features of a fraud version that drift is measured on: all but what comes with the request."""
    return {name for name in schema_of(FRAUD, version).columns if not name.startswith("context.")}


def test_drift_is_measured_on_the_features_of_the_version_that_serves() -> None:
    night = simulated()
    session = staffed(night)
    run_to(night, 60.0)
    for version, hours in ((1, 1), (2, 2)):
        assert type_now(session, f"kubectl set env deployment/fraud-detection MODEL_VERSION={version}").exit == 0
        run_to(night, hours * 3600.0 + 60.0)
        assert {result.feature for result in night.plant.drift.latest(FRAUD)} == _watched(version)
    assert _watched(1) < _watched(2)
