"""Served vectors beside a training set, at the terminal."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reference_platform.live.opening import open_store
from tui.cli import main


@pytest.fixture
def rides(tmp_path: Path) -> Path:
    """The example, with 300 served vectors."""
    folder = tmp_path / "rides"
    assert main(["features", "init", str(folder)]) == 0
    assert main(["features", "apply", "-C", str(folder)]) == 0
    assert main(["features", "materialize-incremental", "-C", str(folder)]) == 0
    store = open_store(folder)
    for driver in range(300):
        asked = {"driver_id": [1001 + driver % 50], "distance_km": [5.0], "euro_per_km": [2.0]}
        store.get_online_features("pricing", asked)
    store.close()
    return folder


def training(folder: Path, trips: float) -> Path:
    """500 rows around `trips` a day."""
    rng = np.random.default_rng(1)
    path = folder / "training.parquet"
    table = {
        "trips_today": rng.poisson(trips, 500),
        "rating": np.clip(rng.normal(4.4, 0.3, 500), 1, 5).astype(np.float32),
        "fare_eur": np.where(rng.random(500) < 0.4, 11.0, 10.0),
    }
    pq.write_table(pa.table(table), path)
    return path


def test_a_shifted_feature_is_named_and_the_exit_code_says_so(rides: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The model learned on days with fifty trips; drivers make eight."""
    capsys.readouterr()
    path = training(rides, trips=50.0)
    assert main(["features", "divergence", "pricing", str(path), "-C", str(rides)]) == 1
    told = capsys.readouterr().out
    assert "trips_today" in told
    assert "significant" in told


def test_a_service_that_does_not_exist_is_answered_with_the_nearest(
    rides: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2 and one message."""
    path = training(rides, trips=8.0)
    assert main(["features", "divergence", "pricin", str(path), "-C", str(rides)]) == 2
    assert 'did you mean "pricing"?' in capsys.readouterr().err
