"""A process that is killed inside a write to a real file leaves nothing that the next one cannot finish."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from reference_platform.features.materialization.materialization import Materialization
from reference_platform.features.online_store.embedded import EmbeddedOnlineStore
from reference_platform.features.online_store.port import ViewRead
from tests.unit.reference_platform.features.materialization.plain_store import VIEW, Row, newest_of, write_rows

ROOT = Path(__file__).parents[5]
KILLED = """
import os, sys
from pathlib import Path
from reference_platform.features.materialization.materialization import Materialization
from reference_platform.features.online_store.embedded import EmbeddedOnlineStore
from tests.unit.reference_platform.features.materialization.plain_store import VIEW

class Dying(EmbeddedOnlineStore):
    left = int(sys.argv[2])
    def write(self, view, rows):
        if not Dying.left:
            os.kill(os.getpid(), 9)
        Dying.left -= 1
        return super().write(view, rows)

root = Path(sys.argv[1])
Materialization(Dying(root / "online.db"), root / "progress", root, step_rows=50).materialize_incremental(VIEW, 10_000)
"""


@pytest.mark.parametrize("writes", [0, 3, 7])
def test_the_next_process_goes_on(tmp_path: Path, writes: int) -> None:
    rng = np.random.default_rng(writes)
    rows: list[Row] = [(int(rng.integers(0, 20)), i, i + int(rng.integers(0, 9)), float(i)) for i in range(500)]
    write_rows(tmp_path, rows, groups=25)
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), str(writes)], cwd=ROOT, check=False)
    assert done.returncode == -9
    store = EmbeddedOnlineStore(tmp_path / "online.db")
    job = Materialization(store, tmp_path / "progress", tmp_path, step_rows=50)
    unfinished = job.unfinished(VIEW)
    assert unfinished is not None
    assert unfinished.position == writes * 50
    job.materialize_incremental(VIEW, 10_000)
    wanted = newest_of(rows, lambda at, seen: True)
    (answer,) = store.read([ViewRead(VIEW, (np.arange(20),))])
    assert answer.event_us.tolist() == [wanted[(driver,)][0] for driver in range(20)]
    assert answer.column(0).to_list() == [wanted[(driver,)][3][0] for driver in range(20)]
    assert store.watermark_us("trips") == 10_000
    store.close()
