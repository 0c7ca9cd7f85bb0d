"""Makes the example repository: its definitions, its configuration and a month of seeded data."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from pathlib import Path

import numpy as np

from reference_platform.errors import CommandError, ConfigError
from reference_platform.features.config import CONFIG_FILE

DRIVERS = 50
HOURS = 24 * 30
CONFIG = """\
project: rides
online_store: {type: embedded, path: data/online.db}
# With a server: online_store: {type: redis, url: "redis://127.0.0.1:6379/0"}
# Grants on personal data, one file: grants: grants.yaml
"""


def write_example(folder: Path, until: datetime) -> list[Path]:
    """Write the example with a month of hourly rows up to `until`; returns the files.

    Raises CommandError for a folder in use, ConfigError when it cannot be written; nothing is then left in it.
    """
    data = folder / "data" / "source" / "driver_stats.parquet"
    definitions = folder / "definitions.py"
    config = folder / CONFIG_FILE
    if folder.exists() and not folder.is_dir():
        raise CommandError(f"{folder} is a file", fix="choose a new or empty folder")
    for path in (data, *sorted(found for kind in ("py", "yaml", "yml") for found in folder.glob(f"*.{kind}"))):
        if path.exists():
            raise CommandError(f"{path} exists", fix="choose a new or empty folder")
    try:
        data.parent.mkdir(parents=True, exist_ok=True)
        _write_data(data, until.replace(minute=0, second=0, microsecond=0))
        config.write_text(CONFIG, encoding="utf-8")
        code = (Path(__file__).parent / "definitions.py").read_text(encoding="utf-8")
        definitions.write_text(code, encoding="utf-8")
    except OSError as error:
        for path in (data, config, definitions):
            with suppress(OSError):
                path.unlink(missing_ok=True)
        raise ConfigError(
            f"{folder} cannot take the example", why=error.strerror or str(error), fix="make room, or choose another"
        ) from error
    return [config, definitions, data]


def _write_data(path: Path, until: datetime) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(20260110)
    hours = np.arange(HOURS) - HOURS + 1
    driver = np.tile(np.arange(1001, 1001 + DRIVERS), HOURS)
    event = np.repeat(np.datetime64(until.replace(tzinfo=None), "us") + hours * np.timedelta64(3600, "s"), DRIVERS)
    late = rng.exponential(120.0, len(event))
    rating = np.clip(rng.normal(4.4, 0.3, len(event)), 1.0, 5.0)
    table = pa.table(
        {
            "driver_id": driver,
            "event_timestamp": pa.array(event).cast(pa.timestamp("us", tz="UTC")),
            "created": pa.array(event + (late * 1e6).astype("timedelta64[us]")).cast(pa.timestamp("us", tz="UTC")),
            "trips_today": rng.poisson(8.0, len(event)),
            "rating": pa.array(rating.astype(np.float32), mask=rng.random(len(event)) < 0.02),
            "phone": [f"+49 30 {number:06d}" for number in driver],
        }
    )
    pq.write_table(table, path)
